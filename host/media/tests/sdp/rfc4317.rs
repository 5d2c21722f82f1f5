//! The exchanges of RFC 4317 ("SDP Offer/Answer Examples"), with us in the place of one end. Its ends write names instead of
//! addresses, and offer codecs that we have not.

use std::net::{Ipv4Addr, SocketAddr};

use media::sdp::{SdpError, Session, accept, answer, offer};
use media::{Codec, Direction};

use super::{capable, crlf, local, session};

/// §2.1, the offer: two streams, three codecs for sound.
const AUDIO_AND_VIDEO: &str = "v=0
    o=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com
    s=
    c=IN IP4 host.atlanta.example.com
    t=0 0
    m=audio 49170 RTP/AVP 0 8 97
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:97 iLBC/8000
    m=video 51372 RTP/AVP 31 32
    a=rtpmap:31 H261/90000
    a=rtpmap:32 MPV/90000";

#[test]
fn two_streams_are_answered_in_their_places() {
    let (text, agreed) = answer(&session(AUDIO_AND_VIDEO), &capable(&[Codec::Pcma, Codec::Pcmu]), &local()).unwrap();
    assert_eq!(
        text,
        crlf(
            "v=0
             o=gudok 7 1 IN IP4 192.0.2.1
             s=-
             c=IN IP4 192.0.2.1
             t=0 0
             m=audio 20000 RTP/AVP 8
             a=rtpmap:8 PCMA/8000
             a=ptime:20
             a=sendrecv
             m=video 0 RTP/AVP 31"
        )
    );
    // The name is for whoever sends: there is no address yet.
    assert_eq!(agreed.remote, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 49_170)));
    assert_eq!(agreed.remote_name.as_deref(), Some("host.atlanta.example.com"));
    assert!(!agreed.held && agreed.direction == Direction::SendRecv);
}

#[test]
fn a_second_exchange_may_drop_video() {
    // §2.1, second offer: "m=video 0".
    let later = AUDIO_AND_VIDEO.replace("m=video 51372", "m=video 0").replace("2890844526 IN", "2890844527 IN");
    let (text, _) = answer(&session(&later), &capable(&[Codec::Pcmu]), &local()).unwrap();
    assert!(text.contains("m=audio 20000 RTP/AVP 0\r\n") && text.ends_with("m=video 0 RTP/AVP 31\r\n"), "{text}");
}

#[test]
fn dynamic_numbers_and_digits() {
    // §2.3: sound in one stream, digits in a second audio stream (2833 by its own). One stream is enough for us.
    let offer = session(
        "v=0
        o=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com
        s=
        c=IN IP4 host.atlanta.example.com
        t=0 0
        m=audio 49170 RTP/AVP 0
        a=rtpmap:0 PCMU/8000
        m=audio 49172 RTP/AVP 98
        a=rtpmap:98 telephone-event/8000",
    );
    let (text, agreed) = answer(&offer, &capable(&[Codec::Pcmu]), &local()).unwrap();
    assert!(text.contains("m=audio 20000 RTP/AVP 0\r\n") && text.ends_with("m=audio 0 RTP/AVP 98\r\n"), "{text}");
    assert_eq!((agreed.codec, agreed.dtmf), (Codec::Pcmu, None));
}

#[test]
fn hold_and_music() {
    // §3.1 and §3.2 ("Hold with two streams", "Hold with audio"): the offer says sendonly or inactive.
    for (word, ours) in [("sendonly", Direction::RecvOnly), ("inactive", Direction::Inactive)] {
        let held = AUDIO_AND_VIDEO.replace("a=rtpmap:0 PCMU/8000", &format!("a=rtpmap:0 PCMU/8000\n a={word}"));
        let (text, agreed) = answer(&session(&held), &capable(&[Codec::Pcmu]), &local()).unwrap();
        assert_eq!((agreed.direction, agreed.held), (ours, true));
        assert!(text.contains(&format!("a={}\r\n", ours.word())), "{text}");
    }
}

#[test]
fn an_answer_to_our_offer() {
    // §2.1, the answer, to an offer of ours.
    let ours = offer(&capable(&[Codec::Pcmu, Codec::Pcma]), &local());
    let agreed = accept(
        &Session::parse(&ours).unwrap(),
        &session(
            "v=0
            o=bob 2808844564 2808844564 IN IP4 host.biloxi.example.com
            s=
            c=IN IP4 host.biloxi.example.com
            t=0 0
            m=audio 49174 RTP/AVP 0
            a=rtpmap:0 PCMU/8000",
        ),
    )
    .unwrap();
    assert_eq!((agreed.codec, agreed.payload_type, agreed.remote.port()), (Codec::Pcmu, 0, 49_174));
    assert_eq!(agreed.dtmf, None, "no digits came back");
}

#[test]
fn third_party_control_begins_with_no_stream() {
    // §4 ("Third Party Call Control"): an offer without a media line, and one with sound that points nowhere (RFC 3725).
    let empty =
        session("v=0\no=- 2890844526 2890842807 IN IP4 host.controller.example.com\ns=\nc=IN IP4 0.0.0.0\nt=0 0");
    assert_eq!(answer(&empty, &capable(&[Codec::Pcmu]), &local()), Err(SdpError::NoAudio));
    let nowhere = session("v=0\no=- 1 1 IN IP4 h.example\ns=\nc=IN IP4 0.0.0.0\nt=0 0\nm=audio 9 RTP/AVP 0");
    let (_, agreed) = answer(&nowhere, &capable(&[Codec::Pcmu]), &local()).unwrap();
    assert_eq!((agreed.direction, agreed.held), (Direction::RecvOnly, true));
}
