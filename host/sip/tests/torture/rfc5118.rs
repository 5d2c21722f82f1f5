//! RFC 5118, "SIP Torture Test Messages for IPv6", §4; the bytes are its appendix's, whose files end their lines with LF
//! and (twice) leave the last empty line out.

use sip::Transport;

use super::Case;
use super::Expect::{Call, Status};
use super::harness::Rig;

macro_rules! cases {
    ($($section:literal $name:literal $expected:expr;)*) => {
        [$({
            let expected = $expected;
            let bytes = wire(include_str!(concat!("rfc5118/", $name)));
            Case { name: $name, section: $section, bytes, datagram: expected, stream: expected }
        }),*]
    };
}

/// As it is sent: with CRLF, and the length of the body that comes of that (the archive's lengths count other line ends).
/// Tests may leak a few messages.
fn wire(text: &str) -> &'static [u8] {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let (head, body) = (head.replace('\n', "\r\n"), body.replace('\n', "\r\n"));
    let (before, after) = head.split_once("Content-Length: ").expect("every message names its length");
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}Content-Length: {}{after}\r\n\r\n{body}", body.len()).leak().as_bytes()
}

fn cases() -> [Case; 12] {
    cases! {
        "4.1" "ipv6-good" Status(401);
        "4.2" "ipv6-bad" Status(400);
        // The port is part of the address here; nothing tells.
        "4.3" "port-ambiguous" Status(401);
        "4.4" "port-unambiguous" Status(401);
        // A BYE of a dialog that there is not.
        "4.5" "via-received-param-with-delim" Status(481);
        "4.5" "via-received-param-no-delim" Status(200);
        "4.6" "ipv6-in-sdp" Call;
        "4.7" "mult-ip-in-header" Status(481);
        "4.8" "mult-ip-in-sdp" Call;
        "4.9" "ipv4-mapped-ipv6" Call;
        // Three colons, which RFC 3261's grammar once let through, mean two.
        "4.10" "ipv6-bug-abnf-3-colons" Status(200);
        "4.10" "ipv6-correct-abnf-2-colons" Status(200);
    }
}

#[tokio::test]
async fn as_datagrams() {
    all(Transport::Udp).await;
}

/// With an endpoint of its own: the same messages to the one before would be repetitions.
#[tokio::test]
async fn on_a_stream() {
    all(Transport::Tcp).await;
}

async fn all(transport: Transport) {
    let mut rig = Rig::start().await;
    let mut wrong = Vec::new();
    for case in cases() {
        let happened = rig.happens(&case, transport, case.datagram).await;
        if happened != case.datagram {
            wrong.push(format!("{} {}: {happened:?}", case.section, case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    rig.stop().await;
}
