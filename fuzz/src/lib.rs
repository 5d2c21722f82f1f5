//! Fuzz targets: each takes bytes as they could come from the network, hands them to what reads them, and holds what comes
//! out to its promises. A broken promise is a panic, which is how a fuzzer learns of it.
//!
//! The functions stand here, in the workspace, so that `cargo test` runs every seed and every former crash through them with
//! the compiler everybody has; `libfuzzer/` has the programs that a fuzzer drives.

use lines::audiosocket::frame;
use lines::websocket::asterisk::Asterisk;
use lines::websocket::browser::Browser;
use lines::websocket::twilio::Twilio;
use lines::websocket::{Format, Message, Protocol, Step};
use media::sdp::{Capabilities, Local, OfferAnswer, Session, SrtpKey, accept, answer};
use media::srtp::Srtp;
use media::{Direction, SrtpKeys, SrtpSuite, rtcp, rtp};
use rsipstack::sip::SipMessage;
use sip::Transport;
use sip::front::{Verdict, check};

/// A target's name and function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 8] = [
    ("sip", sip_message),
    ("sdp", sdp),
    ("offer_answer", offer_answer),
    ("rtp", rtp_packet),
    ("rtcp", rtcp_packet),
    ("srtp", srtp),
    ("audiosocket", audiosocket),
    ("websocket", websocket),
];

/// A message before the front check: what passes is in plain form and the parser takes it; an answer holds whole lines.
pub fn sip_message(data: &[u8]) {
    let source = std::net::SocketAddr::from(([192, 0, 2, 7], 5060));
    for transport in [Transport::Udp, Transport::Tcp] {
        let plain = match check(data, transport, source) {
            Verdict::Pass => data.to_vec(),
            Verdict::Tidy(plain) => plain,
            Verdict::Answer(reply) => {
                let head = reply.strip_suffix(b"\r\n\r\n").expect("promise: an answer ends with an empty line");
                let text = std::str::from_utf8(head).expect("promise: an answer is text");
                assert!(text.starts_with("SIP/2.0 ") && text.split("\r\n").all(|line| !line.contains(['\r', '\n'])));
                continue;
            }
            Verdict::Ignore => continue,
        };
        assert_eq!(check(&plain, transport, source), Verdict::Pass, "a second look changes something");
        let parsed = SipMessage::try_from(plain.as_slice());
        assert!(parsed.is_ok(), "the parser refuses what passed: {parsed:?}");
    }
}

fn local() -> Local {
    let key = Some(SrtpKey([3; 30]));
    Local { key, ..Local::new(std::net::Ipv4Addr::new(192, 0, 2, 1).into(), 20_000, 1) }
}

/// A description: our answer to it can be read, has its media lines in their places, and one of them open.
pub fn sdp(data: &[u8]) {
    let Ok(Ok(offer)) = std::str::from_utf8(data).map(Session::parse) else { return };
    let Ok((text, agreed)) = answer(&offer, &Capabilities::default(), &local()) else { return };
    let written = Session::parse(&text).expect("promise: what we write can be read");
    assert_eq!(written.media.len(), offer.media.len());
    assert_eq!(written.media.iter().filter(|media| media.port != 0).count(), 1);
    assert!(written.media.iter().zip(&offer.media).all(|(ours, theirs)| ours.port == 0 || theirs.port != 0));
    assert!(agreed.ptime_ms >= 10 && agreed.receive.contains(&(agreed.payload_type, agreed.codec)));
    // As if the offer had been ours: a refusal is fine.
    let _ = accept(&offer, &written);
}

/// Descriptions of one dialog, apart by NUL; every other one is the answer to an offer of ours. Versions never go back.
pub fn offer_answer(data: &[u8]) {
    let mut dialog = OfferAnswer::new(Capabilities::default(), local());
    let mut last = 0;
    for (turn, text) in data.split(|b| *b == 0).take(16).enumerate() {
        let Ok(text) = std::str::from_utf8(text) else { continue };
        let written = if turn % 2 == 0 {
            dialog.answer(text).ok().map(|(written, _)| written)
        } else {
            let written = dialog.offer(Direction::SendOnly).expect("promise: nothing waits");
            if dialog.accept(text).is_err() {
                dialog.withdraw();
            }
            Some(written)
        };
        let Some(written) = written else { continue };
        let version = Session::parse(&written).expect("promise: what we write can be read").origin.version;
        let version: u64 = version.parse().expect("promise: our versions are numbers");
        assert!(version >= last);
        last = version;
    }
}

/// A datagram at a port for sound: what was read can be written, and means the same.
pub fn rtp_packet(data: &[u8]) {
    let Some(packet) = rtp::parse(data) else { return };
    let mut written = Vec::new();
    rtp::write(&packet, &mut written);
    assert_eq!(rtp::parse(&written), Some(packet));
}

/// A datagram at a port for reports.
pub fn rtcp_packet(data: &[u8]) {
    let _ = rtcp::parse(data);
}

/// An encrypted datagram: noise is refused, ours is taken once, and not with a bit turned.
pub fn srtp(data: &[u8]) {
    let suite = match data.first() {
        Some(0..128) => SrtpSuite::AesCm128HmacSha1_80,
        _ => SrtpSuite::AesCm128HmacSha1_32,
    };
    let keys = |send: u8, receive: u8| SrtpKeys { suite, send: vec![send; 30], receive: vec![receive; 30] };
    let open = |keys| Srtp::new(&keys).expect("promise: keys of 30 bytes are taken");
    let (mut ours, mut theirs) = (open(keys(1, 2)), open(keys(2, 1)));
    let rest = data.get(1..).unwrap_or_default();
    assert_eq!(theirs.unprotect(&mut rest.to_vec()), None, "noise was taken");
    assert_eq!(theirs.unprotect_report(&mut rest.to_vec()), None, "noise was taken");
    let payload = rest.get(..rest.len().min(400)).unwrap_or_default();
    let packet = rtp::Packet { marker: false, payload_type: 8, sequence: u16::MAX, timestamp: 160, ssrc: 9, payload };
    let mut sent = Vec::new();
    rtp::write(&packet, &mut sent);
    let plain = sent.clone();
    ours.protect(&mut sent);
    let mut turned = sent.clone();
    let at = usize::from(data.last().copied().unwrap_or_default()) % turned.len();
    turned[at] ^= 1;
    assert_eq!(theirs.unprotect(&mut turned), None, "a turned bit was taken");
    let length = theirs.unprotect(&mut sent.clone()).expect("promise: ours is taken");
    let mut back = sent.clone();
    assert_eq!(length, plain.len());
    assert_eq!(theirs.unprotect(&mut back), None, "a repetition was taken");
}

/// A connection that claims to be Asterisk's AudioSocket.
pub fn audiosocket(mut data: &[u8]) {
    while let Ok(Some((read, took))) = frame::parse(data) {
        if let frame::Frame::Audio { bytes, .. } = read {
            assert!(bytes.len().is_multiple_of(2));
        }
        data = data.get(took..).expect("promise: a frame takes no more than there is");
    }
}

/// Messages of a media WebSocket, apart by NUL: the first byte says whose, the first of each whether it is text.
pub fn websocket(data: &[u8]) {
    let Some((whose, data)) = data.split_first() else { return };
    let mut protocol: Box<dyn Protocol> = match whose % 4 {
        0 => Box::new(Asterisk::new(true)),
        1 => Box::new(Twilio::new()),
        2 => Box::new(Browser::new(Format::Ulaw)),
        _ => Box::new(Asterisk::new(false)),
    };
    for message in data.split(|b| *b == 0).take(64) {
        let message = match message.split_first() {
            Some((b'b', bytes)) => Message::Binary(bytes.to_vec()),
            Some((_, text)) => Message::Text(String::from_utf8_lossy(text).into_owned()),
            None => continue,
        };
        let Ok(steps) = protocol.take(&message) else { break };
        for step in steps {
            if let Step::Key(key) = step {
                assert!("0123456789*#ABCD".contains(key), "{key:?} is no key");
            }
        }
    }
    let _ = protocol.hang_up();
}
