//! What real telephones offer: recorded from baresip 1.0.0, linphone 5 and sipp 3.6.1 as Debian packages them.

use media::sdp::{Capabilities, SdpError, Session, Srtp, SrtpKey, answer};
use media::{Codec, Negotiated, SrtpSuite};

use super::{capable, local};

const BARESIP: &str = include_str!("phones/baresip-none.sdp");
const BARESIP_SRTP: &str = include_str!("phones/baresip-srtp.sdp");
const BARESIP_SRTP_ONLY: &str = include_str!("phones/baresip-srtp-mand.sdp");
const BARESIP_DTLS: &str = include_str!("phones/baresip-dtls_srtp.sdp");
const LINPHONE: &str = include_str!("phones/linphone-none.sdp");
const LINPHONE_SRTP: &str = include_str!("phones/linphone-srtp.sdp");
const SIPP: &str = include_str!("phones/sipp.sdp");

fn agree(offer: &str, capabilities: &Capabilities) -> Result<(String, Negotiated), SdpError> {
    let ours = media::sdp::Local { key: Some(SrtpKey([7; 30])), ..local() };
    answer(&Session::parse(offer)?, capabilities, &ours)
}

#[test]
fn each_codec_is_found_under_their_numbers() {
    for (offer, codec, number, digits, clock) in [
        (BARESIP, Codec::Pcma, 8, Some(101), 8_000),
        (BARESIP, Codec::Pcmu, 0, Some(101), 8_000),
        // The number of RFC 3551, and the clock that is half of what G.722 samples at.
        (BARESIP, Codec::G722, 9, Some(101), 8_000),
        // Opus without digits at its own clock: theirs are taken.
        (BARESIP, Codec::Opus, 96, Some(101), 8_000),
        (LINPHONE, Codec::Opus, 96, Some(99), 48_000),
        (LINPHONE, Codec::Pcma, 8, Some(101), 8_000),
        (SIPP, Codec::Pcmu, 0, None, 8_000),
    ] {
        let (text, agreed) = agree(offer, &capable(&[codec])).unwrap();
        assert_eq!((agreed.codec, agreed.payload_type), (codec, number));
        assert_eq!((agreed.dtmf, agreed.dtmf_clock), (digits, clock), "{codec:?}");
        let formats = digits.map_or(format!("{number}"), |digits| format!("{number} {digits}"));
        assert!(text.contains(&format!("m=audio 20000 RTP/AVP {formats}\r\n")), "{text}");
        assert_eq!(agreed.ptime_ms, 20);
    }
}

#[test]
fn our_order_decides_and_a_codec_they_lack_is_refused() {
    let order = capable(&[Codec::G722, Codec::Opus, Codec::Pcma]);
    assert_eq!(agree(BARESIP, &order).unwrap().1.codec, Codec::G722);
    assert_eq!(agree(LINPHONE, &order).unwrap().1.codec, Codec::Opus);
    let refused = agree(SIPP, &order).unwrap_err();
    assert_eq!(refused.status(), 488);
    assert_eq!(
        refused.to_string(),
        "line 6: none of the formats \"PCMU\" is spoken here; offer one of G722, opus, PCMA"
    );
}

#[test]
fn keys_are_taken_where_they_are_offered() {
    let never = Capabilities { srtp: Srtp::Never, ..Capabilities::default() };
    let always = Capabilities { srtp: Srtp::Required, ..Capabilities::default() };
    for offer in [BARESIP_SRTP, BARESIP_SRTP_ONLY, LINPHONE_SRTP] {
        let (text, agreed) = agree(offer, &Capabilities::default()).unwrap();
        let keys = agreed.srtp.expect("keys");
        assert_eq!((keys.suite, keys.send, keys.receive.len()), (SrtpSuite::AesCm128HmacSha1_80, vec![7; 30], 30));
        assert!(text.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:BwcH"), "{text}");
        assert!(agree(offer, &always).unwrap().1.srtp.is_some());
    }
    // Beside RTP/AVP keys are an invitation, in RTP/SAVP a condition.
    assert_eq!(agree(BARESIP_SRTP, &never).unwrap().1.srtp, None);
    assert!(matches!(agree(BARESIP_SRTP_ONLY, &never), Err(SdpError::Security { .. })));
    assert!(matches!(agree(LINPHONE, &always), Err(SdpError::Security { .. })));
    assert!(matches!(agree(BARESIP_DTLS, &Capabilities::default()), Err(SdpError::Security { .. })));
}
