//! Keys in descriptions (RFC 4568), DTLS-SRTP (RFC 5763), and sending two ways at once on one port (RFC 5761).

use media::sdp::{Capabilities, Local, SdpError, Session, Srtp, SrtpKey, accept, answer, offer};
use media::{Codec, Fingerprint, SrtpSuite};

use super::{audio, local};

/// 30 bytes, in base64.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";

fn keyed() -> Local {
    Local { key: Some(SrtpKey([9; 30])), ..local() }
}

fn agree(rest: &str) -> Result<(String, media::Negotiated), SdpError> {
    answer(&Session::parse(&audio(rest))?, &Capabilities::default(), &keyed())
}

#[test]
fn the_first_line_that_can_be_used_is_used() {
    let offer = format!(
        "m=audio 4000 RTP/SAVP 8
         a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:AAAA
         a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4
         a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP
         a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}
         a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^31 -SOMETHING WSH=64
         a=crypto:6 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"
    );
    let (text, agreed) = agree(&offer).unwrap();
    let keys = agreed.srtp.unwrap();
    assert_eq!((keys.suite, keys.receive), (SrtpSuite::AesCm128HmacSha1_32, (0..30).collect::<Vec<u8>>()));
    assert!(text.contains("a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:CQkJ"), "{text}");
    assert_eq!(text.matches("a=crypto").count(), 1);
}

#[test]
fn a_broken_key_is_named_where_it_matters() {
    let broken = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA";
    let error = agree(&format!("m=audio 4000 RTP/SAVP 8\n{broken}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 7: the key of a=crypto has not 30 bytes; write a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEY (30 bytes in base64)"
    );
    assert_eq!(agree(&format!("m=audio 4000 RTP/AVP 8\n{broken}")).unwrap().1.srtp, None);
}

#[test]
fn a_secured_line_is_taken_before_a_plain_one() {
    let both =
        format!("m=audio 4000 RTP/AVP 8\nm=audio 4002 RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let (text, agreed) = agree(&both).unwrap();
    assert_eq!(agreed.remote.port(), 4_002);
    assert!(text.contains("m=audio 0 RTP/AVP 8\r\nm=audio 20000 RTP/SAVP 8\r\n"), "{text}");
}

#[test]
fn our_offers_say_what_is_wanted() {
    let text = |srtp| offer(&Capabilities { srtp, ..Capabilities::default() }, &keyed());
    assert!(!text(Srtp::WhenOffered).contains("crypto"));
    let best = text(Srtp::BestEffort);
    assert!(best.contains(" RTP/AVP ") && best.matches("a=crypto").count() == 2);
    let required = text(Srtp::Required);
    assert!(required.contains(" RTP/SAVP "));
    let ours = Session::parse(&required).unwrap();
    let theirs = |rest: &str| Session::parse(&audio(&format!("m=audio 4000 {rest}"))).unwrap();
    let agreed =
        accept(&ours, &theirs(&format!("RTP/SAVP 8\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"))).unwrap();
    let keys = agreed.srtp.unwrap();
    assert_eq!((keys.suite, keys.send, keys.receive[29]), (SrtpSuite::AesCm128HmacSha1_32, vec![9; 30], 29));
    for unfit in [
        "RTP/SAVP 8".to_owned(),
        format!("RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
        format!("RTP/SAVP 8\na=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        "RTP/AVP 8".to_owned(),
    ] {
        assert!(accept(&ours, &theirs(&unfit)).is_err(), "{unfit}");
    }
    assert_eq!(accept(&Session::parse(&best).unwrap(), &theirs("RTP/AVP 8")).unwrap().srtp, None);
}

#[test]
fn a_key_is_never_shown() {
    let (_, agreed) =
        agree(&format!("m=audio 4000 RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")).unwrap();
    assert!(!format!("{agreed:?}").contains("9, 9"), "{agreed:?}");
    assert_eq!(format!("{:?}", SrtpKey([9; 30])), "SrtpKey(***)");
}

#[test]
fn dtls_is_answered_only_where_it_is_spoken() {
    let print =
        "SHA-256 C0:54:4F:21:AF:CF:87:0C:45:02:CB:6F:A8:41:0E:EA:58:CA:E6:AD:A5:7C:8C:BE:ED:06:C7:85:E3:DE:16:17";
    let speaks = Capabilities { dtls: true, ..Capabilities::default() };
    let ours = Fingerprint { hash: "sha-256".to_owned(), bytes: vec![0xAB; 32] };
    let certified = Local { fingerprint: Some(ours), ..local() };
    for (setup, active, word) in
        [("actpass", true, "active"), ("active", false, "passive"), ("passive", true, "active")]
    {
        let text = audio(&format!("a=fingerprint:{print}\na=setup:{setup}\nm=audio 4000 UDP/TLS/RTP/SAVPF 8"));
        let theirs = Session::parse(&text).unwrap();
        let (text, agreed) = answer(&theirs, &speaks, &certified).unwrap();
        let dtls = agreed.dtls.unwrap();
        assert_eq!((dtls.active, dtls.fingerprint.bytes.len(), dtls.fingerprint.bytes[0]), (active, 32, 0xC0));
        assert!(text.contains("a=fingerprint:sha-256 AB:AB:") && text.contains(&format!("a=setup:{word}\r\n")));
        assert!(answer(&theirs, &speaks, &local()).is_err(), "no certificate of ours");
    }
}

#[test]
fn one_port_for_both_where_it_cannot_be_confused() {
    let (text, agreed) = agree("m=audio 4000 RTP/AVP 8\na=rtcp-mux").unwrap();
    assert!(agreed.rtcp_mux && agreed.rtcp == agreed.remote && text.contains("a=rtcp-mux\r\n"));
    // 72 to 76 look like RTCP's own numbers.
    let (text, agreed) = agree("m=audio 4000 RTP/AVP 72\na=rtpmap:72 PCMA/8000\na=rtcp-mux").unwrap();
    assert!(!agreed.rtcp_mux && agreed.rtcp.port() == 4_001 && !text.contains("rtcp-mux"));
    let (_, agreed) = agree("m=audio 4000 RTP/AVP 8\na=rtcp:5000 IN IP4 192.0.2.8").unwrap();
    assert_eq!(agreed.rtcp, "192.0.2.8:5000".parse().unwrap());
    let (_, agreed) = agree("m=audio 65535 RTP/AVP 8").unwrap();
    assert_eq!((agreed.codec, agreed.rtcp.port()), (Codec::Pcma, 65_535));
}
