//! Offers one after another in one dialog, and the details of reading.

use media::sdp::{Capabilities, Local, OfferAnswer, SdpError, Session, answer};
use media::{Codec, Direction};

use super::{audio, capable, local};

fn dialog() -> OfferAnswer {
    OfferAnswer::new(Capabilities::default(), local())
}

fn version(text: &str) -> &str {
    text.split(' ').nth(2).unwrap()
}

#[test]
fn versions_count_what_changed() {
    let mut ours = dialog();
    let theirs = audio("m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000");
    let (first, _) = ours.answer(&theirs).unwrap();
    let (same, _) = ours.answer(&theirs).unwrap();
    assert_eq!((version(&first), &first), ("1", &same), "a refresh changes nothing");
    let (held, agreed) = ours.answer(&format!("{theirs}a=sendonly\r\n")).unwrap();
    assert_eq!((version(&held), agreed.direction, agreed.held), ("2", Direction::RecvOnly, true));
    let (resumed, agreed) = ours.answer(&theirs).unwrap();
    assert_eq!((version(&resumed), agreed.held), ("3", false));
}

#[test]
fn later_offers_keep_lines_and_numbers() {
    let mut ours = dialog();
    // Their numbers are unusual: 8 000 Hz digits under 96, which is where our own offers would put Opus.
    let theirs = audio(
        "m=video 5000 RTP/AVP 31
         m=audio 4000 RTP/AVP 111 96
         a=rtpmap:111 PCMA/8000
         a=rtpmap:96 telephone-event/8000",
    );
    ours.answer(&theirs).unwrap();
    let hold = ours.offer(Direction::SendOnly).unwrap();
    assert!(hold.contains("m=video 0 RTP/AVP 31\r\nm=audio 20000 RTP/AVP 111 0 9 97 96 102\r\n"), "{hold}");
    assert!(hold.contains("a=rtpmap:111 PCMA/8000\r\n") && hold.contains("a=rtpmap:97 opus/48000/2\r\n"), "{hold}");
    assert!(hold.contains("a=sendonly\r\n") && version(&hold) == "2");
    let agreed =
        ours.accept(&theirs.replace("m=video 5000", "m=video 0").replace("111 96", "111 96\r\na=recvonly")).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type, agreed.dtmf), (Codec::Pcma, 111, Some(96)));
    assert_eq!((agreed.direction, agreed.held), (Direction::SendOnly, false));
}

#[test]
fn an_offer_of_ours_waits_and_may_be_withdrawn() {
    let mut ours = dialog();
    assert!(matches!(ours.accept("v=0"), Err(SdpError::State(_))));
    // A call we place; the INVITE without an offer is the same with 200 and ACK.
    let text = ours.offer(Direction::SendRecv).unwrap();
    assert!(text.contains("m=audio 20000 RTP/AVP 8 0 9 96 101 102\r\n"), "{text}");
    assert_eq!(ours.offer(Direction::SendRecv).unwrap_err().status(), 491);
    assert_eq!(ours.answer(&audio("m=audio 4000 RTP/AVP 8")).unwrap_err().status(), 491);
    // Two forks answer; the second is the one that stays.
    ours.accept(&audio("m=audio 4000 RTP/AVP 8")).unwrap();
    let agreed = ours.accept(&audio("m=audio 4100 RTP/AVP 0")).unwrap();
    assert_eq!((agreed.remote.port(), ours.agreed().unwrap().codec), (4_100, Codec::Pcmu));
    ours.offer(Direction::Inactive).unwrap();
    ours.withdraw();
    assert!(!ours.waiting() && ours.agreed().unwrap().direction == Direction::SendRecv);
    assert!(ours.accept(&audio("m=audio 4000 RTP/AVP 8")).is_err());
    assert!(matches!(ours.answer(&audio("m=audio 0 RTP/AVP 8")), Err(SdpError::NoAudio)));
    assert_eq!(ours.agreed().unwrap().codec, Codec::Pcmu, "what failed changes nothing");
}

#[test]
fn answers_that_do_not_fit_are_not_taken() {
    let mut ours = dialog();
    ours.offer(Direction::SendRecv).unwrap();
    for (unfit, what) in [
        ("m=audio 0 RTP/AVP 8", "refused"),
        ("m=audio 4000 RTP/AVP 3", "GSM"),
        ("m=video 4000 RTP/AVP 31", "no audio"),
        ("", "nothing"),
        ("m=audio 4000 RTP/SAVP 8", "another protocol"),
        ("m=audio 4000 udptl t38", "a fax"),
    ] {
        assert!(ours.accept(&audio(unfit)).is_err(), "{what}");
    }
    assert!(ours.waiting());
}

#[test]
fn two_codecs_may_come_back_under_other_numbers() {
    let mut ours = dialog();
    ours.offer(Direction::SendRecv).unwrap();
    let agreed = ours
        .accept(&audio(
            "m=audio 4000 RTP/AVP 9 111 8 110\na=rtpmap:111 opus/48000/2\na=rtpmap:110 telephone-event/8000",
        ))
        .unwrap();
    assert_eq!((agreed.codec, agreed.payload_type), (Codec::G722, 9));
    assert_eq!(agreed.receive, [(9, Codec::G722), (96, Codec::Opus), (8, Codec::Pcma), (111, Codec::Opus)]);
    assert_eq!((agreed.dtmf, agreed.dtmf_receives), (Some(110), Some(101)));
}

#[test]
fn packets_are_as_long_as_they_like_them() {
    for (lines, sent) in
        [("", 20), ("a=ptime:30", 20), ("a=ptime:40", 40), ("a=ptime:200", 60), ("a=ptime:10", 10), ("a=ptime:0", 20)]
    {
        let theirs = Session::parse(&audio(&format!("m=audio 4000 RTP/AVP 8\n{lines}"))).unwrap();
        assert_eq!(answer(&theirs, &Capabilities::default(), &local()).unwrap().1.ptime_ms, sent, "{lines}");
    }
    let least = Session::parse(&audio("m=audio 4000 RTP/AVP 8\na=ptime:60\na=maxptime:10")).unwrap();
    assert_eq!(answer(&least, &Capabilities::default(), &local()).unwrap().1.ptime_ms, 10);
}

#[test]
fn opus_is_sent_as_it_is_wanted() {
    let theirs = audio(
        "m=audio 4000 RTP/AVP 96
         a=rtpmap:96 OPUS/48000/2
         a=fmtp:96 maxplaybackrate=16000; useinbandfec=1;usedtx=1; maxaveragebitrate=20000;stereo=0",
    );
    let (text, agreed) = answer(&Session::parse(&theirs).unwrap(), &Capabilities::default(), &local()).unwrap();
    assert!(agreed.opus.inband_fec && agreed.opus.dtx && !agreed.opus.stereo);
    assert_eq!((agreed.opus.max_playback_rate, agreed.opus.max_average_bitrate), (16_000, Some(20_000)));
    assert!(text.contains("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 maxplaybackrate=8000;"), "{text}");
    let mono = Session::parse(&theirs.replace("48000/2", "48000")).unwrap();
    assert!(answer(&mono, &Capabilities::default(), &local()).is_err(), "RFC 7587 always writes two channels");
}

#[test]
fn ipv6_both_ways() {
    let ours = Local::new("2001:db8::1".parse().unwrap(), 20_000, u64::MAX);
    let theirs = audio("m=audio 4000 RTP/AVP 8").replace("IP4 192.0.2.7", "IP6 2001:db8::7");
    let (text, agreed) = answer(&Session::parse(&theirs).unwrap(), &Capabilities::default(), &ours).unwrap();
    assert_eq!(agreed.remote, "[2001:db8::7]:4000".parse().unwrap());
    assert!(
        text.contains("o=gudok 9223372036854775807 1 IN IP6 2001:db8::1\r\n")
            && text.contains("c=IN IP6 2001:db8::1\r\n")
    );
    let zeros = theirs.replace("c=IN IP6 2001:db8::7", "c=IN IP6 ::");
    assert!(answer(&Session::parse(&zeros).unwrap(), &Capabilities::default(), &ours).unwrap().1.held);
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (text, message) in [
        ("", "the description has no v= line; it is required (RFC 8866 §5)"),
        ("v=0\n", "the description has no o= line; it is required (RFC 8866 §5)"),
        ("o=- 1 1 IN IP4 a\n", "line 1: a description begins with v=0; put v=0 first"),
        ("v=0\no=- 1 1 IN IP4\n", "line 2: o= has not six words; write o=- ID VERSION IN IP4 ADDRESS"),
        (
            "v=0\nc=IN IP4 300.1.1.1\n",
            "line 2: no address of its family, and no name; write an address like 192.0.2.1 or 2001:db8::1",
        ),
        ("v=0\nnothing\n", "line 2: not of the form x=value; begin it with one letter and ="),
        (
            "v=0\nm=audio 70000 RTP/AVP 8\n",
            "line 2: the port of m= is no number up to 65535; write m=audio PORT RTP/AVP FORMAT …",
        ),
        ("v=0\nm=audio 1 RTP/AVP\n", "line 2: m= names no format; write m=audio PORT RTP/AVP FORMAT …"),
        (
            "v=0\r\nm=audio 1 RTP/AVP 99\r\na=rtpmap:99\r\n",
            "line 3: a=rtpmap is not understood; write a=rtpmap:101 telephone-event/8000",
        ),
        ("v=0\ns=\0\n", "line 2: a control character stands in the text; send printable text"),
    ] {
        let error = Session::parse(text).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.status()), (message, 400));
    }
    let long = format!("v=0\r\ns={}\r\n", "x".repeat(20_000));
    assert!(matches!(Session::parse(&long), Err(SdpError::TooLong { .. })));
    let many = audio(&"m=audio 1 RTP/AVP 8\n".repeat(40));
    assert!(matches!(Session::parse(&many), Err(SdpError::TooMany { line: 38, .. })));
}

#[test]
fn a_group_or_everybody_is_no_address() {
    for address in ["224.2.1.1/127", "255.255.255.255"] {
        let theirs = Session::parse(&audio(&format!("m=audio 4000 RTP/AVP 8\nc=IN IP4 {address}"))).unwrap();
        assert!(matches!(answer(&theirs, &capable(&[Codec::Pcma]), &local()), Err(SdpError::NoAddress { .. })));
    }
}
