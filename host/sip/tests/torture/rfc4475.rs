//! RFC 4475, "Session Initiation Protocol (SIP) Torture Test Messages", §3; the bytes are its appendix A's.

use sip::Transport;

use super::Expect::{Call, Endless, Silence, Status};
use super::harness::Rig;
use super::{Case, Expect};

macro_rules! cases {
    ($($section:literal $name:literal $datagram:expr $(, stream $stream:expr)?;)*) => {
        [$({
            let datagram = $datagram;
            #[allow(unused_mut, unused_assignments)]
            let mut stream = datagram;
            $(stream = $stream;)?
            Case { name: $name, section: $section, bytes: include_bytes!(concat!("rfc4475/", $name, ".dat")), datagram, stream }
        }),*]
    };
}

fn cases() -> [Case; 49] {
    cases! {
        // Valid messages.
        // It says that it belongs to a dialog (To has a tag), which there is not.
        "3.1.1.1" "wsinv" Status(481);
        "3.1.1.2" "intmeth" Status(501);
        "3.1.1.3" "esc01" Call;
        "3.1.1.4" "escnull" Status(401);
        // RE%47IST%45R is not REGISTER.
        "3.1.1.5" "esc02" Status(501);
        "3.1.1.6" "lwsdisp" Status(200);
        "3.1.1.7" "longreq" Call;
        // Octets after the message: in a datagram nobody's, in a stream the next message.
        "3.1.1.8" "dblreq" Status(401);
        "3.1.1.9" "semiuri" Status(200);
        "3.1.1.10" "transports" Status(200);
        "3.1.1.11" "mpart01" Status(405);
        "3.1.1.12" "unreason" Silence;
        "3.1.1.13" "noreason" Silence;
        // Invalid messages.
        "3.1.2.1" "badinv01" Status(400);
        "3.1.2.2" "clerr" Status(400), stream Endless;
        "3.1.2.3" "ncl" Status(400);
        "3.1.2.4" "scalar02" Status(400);
        "3.1.2.5" "scalarlg" Silence;
        "3.1.2.6" "quotbal" Status(400);
        "3.1.2.7" "ltgtruri" Status(400);
        "3.1.2.8" "lwsruri" Status(400);
        "3.1.2.9" "lwsstart" Status(400);
        "3.1.2.10" "trws" Status(400);
        "3.1.2.11" "escruri" Status(400);
        // "Well-formed but for the date", which nothing here depends on.
        "3.1.2.12" "baddate" Call;
        "3.1.2.13" "regbadct" Status(400);
        "3.1.2.14" "badaspec" Status(400);
        // A comma in a display name without quotes. Real exchanges do that: the name is put in quotes. The archive's
        // message has no empty line at its end.
        "3.1.2.15" "baddn" Status(200), stream Endless;
        "3.1.2.16" "badvers" Status(505);
        "3.1.2.17" "mismatch01" Status(400);
        // 400 or 501, says the RFC.
        "3.1.2.18" "mismatch02" Status(400);
        "3.1.2.19" "bigcode" Silence;
        // Transaction layer: 400, or RFC 2543's way of telling transactions apart.
        "3.2.1" "badbranch" Status(400);
        // Application layer.
        "3.3.1" "insuf" Status(400);
        "3.3.2" "unkscm" Status(416);
        "3.3.3" "novelsc" Status(416);
        "3.3.4" "unksm2" Status(400);
        "3.3.5" "bext01" Status(420);
        "3.3.6" "invut" Status(415);
        "3.3.7" "regaut01" Status(401);
        "3.3.8" "multi01" Status(400);
        "3.3.9" "mcl01" Status(400);
        "3.3.10" "bcast" Silence;
        // Max-Forwards stops proxies; at its goal a request is served.
        "3.3.11" "zeromf" Status(200);
        "3.3.12" "cparam01" Status(401);
        "3.3.13" "cparam02" Status(401);
        "3.3.14" "regescrt" Status(401);
        "3.3.15" "sdp01" Status(406);
        // Backward compatibility. On a stream Content-Length is required (RFC 3261 §18.3).
        "3.4.1" "inv2543" Call, stream Status(400);
    }
}

#[tokio::test]
async fn in_datagrams() {
    torture(Transport::Udp, |case| case.datagram).await;
}

#[tokio::test]
async fn in_streams() {
    torture(Transport::Tcp, |case| case.stream).await;
}

async fn torture(transport: Transport, expected: impl Fn(&Case) -> Expect) {
    let mut rig = Rig::start().await;
    let mut wrong = Vec::new();
    for case in cases() {
        let expected = expected(&case);
        if expected == Endless {
            continue;
        }
        let happened = rig.happens(&case, transport, expected).await;
        if happened != expected {
            wrong.push(format!("{} {}: {happened:?} instead of {expected:?}", case.section, case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    rig.stop().await;
}

#[test]
fn the_archive_is_whole() {
    let cases = cases();
    // Lengths of the archive's files, together and of those that are easily spoiled.
    let bytes = |name: &str| cases.iter().find(|case| case.name == name).unwrap().bytes;
    assert_eq!(cases.iter().map(|case| case.bytes.len()).sum::<usize>(), 24_656);
    assert!(bytes("intmeth").windows(12).any(|w| w == b"BEL:\\\x07 NUL:\\") && bytes("trws").starts_with(b"OPTIONS"));
    assert!(bytes("trws").windows(11).any(|w| w == b"SIP/2.0  \r\n"));
    assert!(bytes("mpart01").windows(4).any(|w| w == [0x30, 0x82, 0x01, 0x52]));
    for case in &cases {
        // Only the signed attachment has line feeds of its own.
        let bare = case.bytes.windows(2).filter(|w| w[1] == b'\n' && w[0] != b'\r').count();
        assert!(bare == 0 || case.name == "mpart01", "{}: {bare} bare line feeds", case.name);
    }
}

/// The strangest of the valid calls, read right.
#[tokio::test]
async fn what_the_call_was_about() {
    let mut rig = Rig::start().await;
    for (name, called, caller, display) in [
        ("wsinv", "vivekg", "jdrosen", Some("J Rosenberg \\\"")),
        ("esc01", "sips:user@example.com", "I have spaces", None),
        ("inv2543", "UserB", "+13035551111", None),
    ] {
        let case = cases().into_iter().find(|case| case.name == name).unwrap();
        // Without its tag wsinv is a new call.
        let bytes = String::from_utf8_lossy(case.bytes).replace(";   tag    = 1918181833n", "");
        rig.send(bytes.as_bytes()).await;
        let seen = rig.called().await;
        assert_eq!((seen.called.as_str(), seen.caller.as_str()), (called, caller), "{name}");
        assert_eq!(seen.display.as_deref(), display, "{name}");
        assert!(seen.body.is_some_and(|body| body.starts_with("v=0\r\n") && body.contains("m=audio 4921")), "{name}");
    }
    rig.stop().await;
}
