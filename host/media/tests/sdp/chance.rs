//! Whatever chance writes: nothing panics, and what we write in return is sound.

use media::sdp::{Capabilities, OfferAnswer, Session, SrtpKey, accept, answer, offer};
use media::{Codec, Direction};
use proptest::prelude::*;

use super::local;

fn lines() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "c=IN IP4 192.0.2.7",
        "c=IN IP4 0.0.0.0",
        "c=IN IP6 ::1",
        "c=IN IP4 h.example",
        "t=0 0",
        "t=1 x",
        "s=-",
        "b=AS:64",
        "m=audio 4000 RTP/AVP 8 101",
        "m=audio 4000 RTP/AVP 0 96 99",
        "m=audio 0 RTP/AVP 8",
        "m=video 5000 RTP/AVP 31",
        "m=audio 65535 RTP/SAVP 9 8",
        "m=audio 4/2 RTP/AVPF 8",
        "m=image 9 udptl t38",
        "a=sendonly",
        "a=inactive",
        "a=recvonly",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:99 telephone-event/48000",
        "a=ptime:30",
        "a=rtpmap:8 PCMU/8000",
        "a=rtpmap:9 G722/16000",
        "a=fmtp:96 useinbandfec=1;stereo",
        "a=maxptime:7",
        "a=rtcp-mux",
        "a=rtcp:9",
        "a=rtcp:9 IN IP4 192.0.2.9",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
        "a=crypto:2 X inline:",
        "a=fingerprint:sha-1 00",
        "a=setup:actpass",
        "a=rtpmap:300 x/0",
        "",
    ]);
    let line = prop_oneof![12 => known.prop_map(str::to_owned), 1 => "[acmost]=[ -~]{0,30}", 1 => ".{0,12}"];
    prop::collection::vec(line, 0..14)
        .prop_map(|lines| format!("v=0\no=- 1 1 IN IP4 192.0.2.7\n{}", lines.join("\r\n")))
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,400}") {
        let _ = Session::parse(&text);
    }

    #[test]
    fn an_answer_mirrors_the_offer(text in lines(), held in any::<bool>()) {
        let Ok(offer) = Session::parse(&text) else { return Ok(()) };
        let mut ours = media::sdp::Local { key: Some(SrtpKey([1; 30])), ..local() };
        if held {
            ours.direction = Direction::SendOnly;
        }
        let Ok((text, agreed)) = answer(&offer, &Capabilities::default(), &ours) else { return Ok(()) };
        let written = Session::parse(&text).unwrap();
        prop_assert_eq!(written.media.len(), offer.media.len());
        prop_assert_eq!(&written.timing, &offer.timing);
        let mut open = 0;
        for (ours, theirs) in written.media.iter().zip(&offer.media) {
            prop_assert_eq!((&ours.kind, &ours.protocol), (&theirs.kind, &theirs.protocol));
            prop_assert!(ours.port == 0 || theirs.port != 0);
            prop_assert!(ours.formats.iter().all(|format| theirs.formats.contains(format)));
            // Nobody is told to hear what the other does not send.
            let (sends, receives) = (ours.direction.sends(), ours.direction.receives());
            prop_assert!(ours.port == 0 || (!sends || theirs.direction.receives()) && (!receives || theirs.direction.sends()));
            open += usize::from(ours.port != 0);
        }
        prop_assert_eq!(open, 1);
        prop_assert!(agreed.ptime_ms >= 10 && agreed.receive.contains(&(agreed.payload_type, agreed.codec)));
        prop_assert!(!agreed.direction.sends() || !agreed.remote.ip().is_unspecified() || agreed.remote_name.is_some());
    }

    /// Two of us, with other capabilities each: what one answers the other accepts, and they mean the same.
    #[test]
    fn both_ends_agree(theirs in prop::sample::subsequence(vec![Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma], 1..=4), mux in any::<bool>()) {
        let here = local();
        let there = media::sdp::Local::new("2001:db8::9".parse().unwrap(), 30_000, 9);
        let text = offer(&Capabilities { rtcp_mux: mux, ..Capabilities::default() }, &here);
        let offer = Session::parse(&text).unwrap();
        let (reply, at_theirs) = answer(&offer, &Capabilities { codecs: theirs, ..Capabilities::default() }, &there).unwrap();
        let at_ours = accept(&offer, &Session::parse(&reply).unwrap()).unwrap();
        prop_assert_eq!((at_ours.codec, at_ours.payload_type, at_ours.dtmf), (at_theirs.codec, at_theirs.payload_type, at_theirs.dtmf));
        prop_assert_eq!((at_ours.rtcp_mux, at_ours.dtmf_clock), (mux, at_theirs.dtmf_clock));
        prop_assert_eq!((at_ours.remote.port(), at_theirs.remote.port()), (30_000, 20_000));
    }

    /// Any order of offers and answers keeps our lines in place and never lets the version go back.
    #[test]
    fn a_dialog_never_goes_back(acts in prop::collection::vec((any::<bool>(), lines()), 1..6)) {
        let mut dialog = OfferAnswer::new(Capabilities::default(), local());
        let mut last = (0_u64, 0_usize);
        for (ours, text) in acts {
            let written = if ours {
                let written = dialog.offer(Direction::SendRecv).unwrap();
                if dialog.accept(&text).is_err() {
                    dialog.withdraw();
                }
                written
            } else {
                let Ok((written, _)) = dialog.answer(&text) else { continue };
                written
            };
            let session = Session::parse(&written).unwrap();
            let version = session.origin.version.parse().unwrap();
            prop_assert!(version >= last.0 && (!ours || session.media.len() >= last.1));
            last = (version, if ours { last.1 } else { session.media.len() });
        }
    }
}
