//! Soundness of the front check: single rules, and messages that chance makes.

use proptest::prelude::*;
use rsipstack::sip::SipMessage;

use super::*;

const SOURCE: &str = "198.51.100.9:5062";

fn source() -> SocketAddr {
    SOURCE.parse().unwrap()
}

fn judged(message: &str) -> Verdict {
    check(message.as_bytes(), Transport::Udp, source())
}

/// A plain INVITE with one thing changed.
fn invite(replace: &str, with: &str) -> String {
    let plain = "INVITE sip:100@pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.9:5062;branch=z9hG4bK1;rport\r\n\
                 Max-Forwards: 70\r\nFrom: \"A\" <sip:a@pbx.example>;tag=1\r\nTo: <sip:100@pbx.example>\r\n\
                 Call-ID: one@a\r\nCSeq: 1 INVITE\r\nContact: <sip:a@198.51.100.9:5062>\r\n\
                 Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
    assert!(plain.contains(replace), "{replace}");
    plain.replacen(replace, with, 1)
}

fn status(verdict: &Verdict) -> Option<u16> {
    let Verdict::Answer(bytes) = verdict else { return None };
    let text = std::str::from_utf8(bytes).unwrap();
    text.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

fn tidied(verdict: Verdict) -> String {
    match verdict {
        Verdict::Tidy(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_plain_passes_untouched() {
    assert_eq!(judged(&invite("", "")), Verdict::Pass);
    assert_eq!(judged(&invite("Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n\r\n")), Verdict::Pass);
    let quoted = invite("\"A\"", "\"\\\"Иванов\\\", А. <б>\"");
    assert_eq!(judged(&quoted), Verdict::Pass);
}

#[test]
fn what_is_wrong_is_answered() {
    let cases = [
        ("SIP/2.0\r\nVia", "SIP/7.0\r\nVia", 505),
        ("INVITE sip", "INVITE  sip", 400),
        ("sip:100@pbx.example SIP", "mailto:a@b SIP", 416),
        ("sip:100@pbx.example SIP", "sip:100@pbx.example?Subject=x SIP", 400),
        ("sip:100@pbx.example SIP", "sip:100@2001:db8::1 SIP", 400),
        ("INVITE sip", "invite sip", 400),
        ("CSeq: 1 INVITE", "CSeq: 2147483648 INVITE", 400),
        ("CSeq: 1 INVITE", "CSeq: 1 BYE", 400),
        ("Max-Forwards: 70", "Max-Forwards: 256", 400),
        ("Max-Forwards: 70", "Max-Forwards 70", 400),
        ("Call-ID: one@a", "Call-ID: one@a\r\nCall-ID: two@a", 400),
        ("Call-ID: one@a", "X: 1", 400),
        ("Content-Length: 5", "Content-Length: -5", 400),
        ("Content-Length: 5", "Content-Length: 6", 400),
        ("Content-Length: 5", "Content-Length: 5\r\nl: 5", 400),
        ("Content-Type: application/sdp", "Content-Type: text/plain", 415),
        ("Content-Type: application/sdp", "Content-Type: application/sdp\r\nContent-Encoding: gzip", 415),
        ("Max-Forwards: 70", "Require: 100rel, tricks", 420),
        ("Max-Forwards: 70", "Accept: text/html", 406),
        ("Max-Forwards: 70", "Replaces: one@b;to-tag=1", 400),
        ("Max-Forwards: 70", "Replaces: one@b;to-tag=1;from-tag=2\r\nReplaces: two@b;to-tag=1;from-tag=2", 400),
        ("Max-Forwards: 70", "Replaces: one@b;to-tag=1;from-tag=2\r\nJoin: one@b;to-tag=1;from-tag=2", 400),
        ("<sip:100@pbx.example>\r\nCall", "\"x <sip:100@pbx.example>\r\nCall", 400),
        ("branch=z9hG4bK1", "branch=z9hG4bK", 400),
        ("branch=z9hG4bK1", "branch=z9hG4bK1;;", 400),
        ("Max-Forwards: 70", "Subject: a\nTo: <sip:b@c>", 400),
    ];
    for (replace, with, expected) in cases {
        let verdict = judged(&invite(replace, with));
        assert_eq!(status(&verdict), Some(expected), "{with}: {verdict:?}");
    }
    let replaces = invite("Max-Forwards: 70", "Require: replaces\r\nReplaces: one@b;to-tag=1;from-tag=2");
    assert_eq!(judged(&replaces), Verdict::Pass);
    let outside = replaces.replace("INVITE", "OPTIONS");
    assert_eq!(status(&judged(&outside)), Some(400), "only INVITE replaces");
    let message = invite("INVITE sip", "MESSAGE sip").replace("1 INVITE", "1 MESSAGE");
    assert_eq!(status(&judged(&message)), Some(405));
    let unknown = invite("INVITE sip", "invite sip").replace("1 INVITE", "1 invite");
    assert_eq!(status(&judged(&unknown)), Some(501));
    let long = invite("100@pbx.example SIP", &format!("{}@pbx.example SIP", "1".repeat(3_000)));
    assert_eq!(status(&judged(&long)), Some(414));
}

#[test]
fn an_answer_goes_where_the_request_came_from_and_names_it() {
    let Verdict::Answer(bytes) = judged(&invite("Max-Forwards: 70", "Require: tricks")) else { panic!() };
    let again = judged(&invite("Max-Forwards: 70", "Require: tricks"));
    assert_eq!(again, Verdict::Answer(bytes.clone()), "a repetition draws the same answer");
    let text = String::from_utf8(bytes).unwrap();
    let (head, rest) = text.split_once("\r\nTo: <sip:100@pbx.example>;tag=").unwrap();
    assert_eq!(
        head,
        "SIP/2.0 420 Bad Extension\r\nVia: SIP/2.0/UDP 198.51.100.9:5062;branch=z9hG4bK1;rport=5062;received=198.51.100.9\
         \r\nFrom: \"A\" <sip:a@pbx.example>;tag=1"
    );
    assert_eq!(&rest[16..], "\r\nCall-ID: one@a\r\nCSeq: 1 INVITE\r\nUnsupported: tricks\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn acks_responses_and_other_protocols_draw_no_word() {
    let ack = invite("INVITE sip", "ACK sip").replace("1 INVITE", "1 ACK");
    assert_eq!(judged(&ack), Verdict::Pass);
    assert_eq!(judged(&ack.replace("Content-Length: 5", "Content-Length: -5")), Verdict::Ignore);
    assert_eq!(judged(&invite("Via: ", "X-Via: ")), Verdict::Ignore, "nobody to answer to");
    for junk in ["", "\r\n", "GET / HTTP/1.1\r\n\r\n", "\0\0\0\0", "SIP/2.0", "SIP/2.0 99999999999999 x\r\n\r\n"] {
        assert_eq!(judged(junk), Verdict::Ignore, "{junk:?}");
    }
    let response = invite("INVITE sip:100@pbx.example SIP/2.0", "SIP/2.0 200 OK");
    assert_eq!(judged(&response), Verdict::Pass);
    let two = invite("INVITE sip:100@pbx.example SIP/2.0", "SIP/2.0 200 OK")
        .replace("Max-Forwards: 70", "v: SIP/2.0/UDP b.example");
    assert_eq!(judged(&two), Verdict::Ignore);
}

#[test]
fn an_unusual_dress_is_taken_off() {
    let folded = invite("From: \"A\" <sip:a@pbx.example>;tag=1", "f :\r\n \"A\"  <sip:a@pbx.example> ;\r\n\ttag = 1");
    assert_eq!(tidied(judged(&folded)), invite("", ""));
    let named = invite("\"A\" <", "Белл, Александр <");
    assert_eq!(tidied(judged(&named)), invite("\"A\" <", "\"Белл, Александр\" <"));
    let unmeasured = invite("Content-Length: 5\r\n", "");
    assert_eq!(tidied(judged(&unmeasured)), unmeasured.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n"));
    let followed = invite("v=0\r\n", "v=0\r\nINVITE sip:more SIP/2.0\r\n\r\n");
    assert_eq!(tidied(judged(&followed)), invite("", ""));
    let semicolons = invite("sip:100@pbx.example SIP", "sip:1;p=u?00@pbx.example SIP");
    assert_eq!(tidied(judged(&semicolons)), invite("sip:100@pbx.example SIP", "sip:1%3Bp=u%3F00@pbx.example SIP"));
    // A name in Windows-1251, as older Russian exchanges send it.
    let mut old = invite("\"A\" <", "\"#\" <").into_bytes();
    let at = old.iter().position(|b| *b == b'#').unwrap();
    old.splice(at..=at, [0xC8, 0xE2, 0xE0, 0xED]);
    let text = tidied(check(&old, Transport::Udp, source()));
    assert_eq!(text, invite("\"A\" <", "\"\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\" <"));
}

#[test]
fn a_stream_measures_its_bodies() {
    let unmeasured = invite("Content-Length: 5\r\n", "");
    let verdict = check(unmeasured.as_bytes(), Transport::Tcp, source());
    assert_eq!(status(&verdict), Some(400));
}

/// Pieces of messages, so that chance comes past the first line.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "INVITE sip:a@b SIP/2.0\r\n",
        "SIP/2.0 200 OK\r\n",
        "ACK sip:a@b SIP/2.0\r\n",
        "Via: SIP/2.0/UDP a;branch=z9hG4bKx\r\n",
        "v: SIP / 2.0 / TCP [::1]:5060 ; rport\r\n",
        "From: <sip:a@b>;tag=1\r\n",
        "f: a <sip:a@b> ; tag = \"1\"\r\n",
        "To: sip:b@c\r\n",
        "t: \"b\\\" <sip:b@c>\r\n",
        "Call-ID: x\r\n",
        "CSeq: 1 INVITE\r\n",
        "CSeq: 1 ACK\r\n",
        "Content-Length: 3\r\n",
        " folded\r\n",
        "Contact: *\r\n",
        "m: <sip:a@b>, <sip:c@d>;q=1\r\n",
        "Content-Type: application/sdp\r\n",
        "Replaces: x;to-tag=1;from-tag=2;early-only\r\n",
        "Replaces: ;from-tag\r\n",
        "Join: x\r\n",
        "\r\n",
        "v=0",
        ";",
        "\"",
        "<",
        ">",
        ",",
        "=",
        " ",
    ]);
    let piece =
        prop_oneof![8 => known.prop_map(|s| s.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..9)];
    prop::collection::vec(piece, 0..18).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Whatever comes: no panic; what goes on is in plain form (a second look changes nothing) and the parser takes it; an
    /// answer is a response that passes as one.
    #[test]
    fn whatever_comes(bytes in pieces(), stream in any::<bool>()) {
        let transport = if stream { Transport::Tcp } else { Transport::Udp };
        let plain = match check(&bytes, transport, source()) {
            Verdict::Pass => bytes,
            Verdict::Tidy(plain) => plain,
            Verdict::Answer(answer) => {
                let answer = String::from_utf8(answer).unwrap();
                let (head, body) = answer.split_once("\r\n\r\n").unwrap();
                prop_assert!(body.is_empty() && head.starts_with("SIP/2.0 4") || head.starts_with("SIP/2.0 5"));
                prop_assert!(head.split("\r\n").all(|line| !line.contains(['\r', '\n']) && !line.starts_with([' ', '\t'])));
                return Ok(());
            }
            Verdict::Ignore => return Ok(()),
        };
        prop_assert_eq!(check(&plain, transport, source()), Verdict::Pass, "{}", String::from_utf8_lossy(&plain));
        let parsed = SipMessage::try_from(plain.as_slice());
        prop_assert!(parsed.is_ok(), "{:?}: {}", parsed, String::from_utf8_lossy(&plain));
    }
}
