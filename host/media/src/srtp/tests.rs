use proptest::prelude::*;

use super::*;
use crate::rtp::Packet;

fn pair(suite: SrtpSuite) -> (Srtp, Srtp) {
    let (a, b): (Vec<u8>, Vec<u8>) = ((0..30).collect(), (100..130).collect());
    let here = SrtpKeys { suite, send: a.clone(), receive: b.clone() };
    let there = SrtpKeys { suite, send: b, receive: a };
    (Srtp::new(&here).expect("30 bytes"), Srtp::new(&there).expect("30 bytes"))
}

fn packet(sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let packet = Packet { marker: false, payload_type: 8, sequence, timestamp: 5, ssrc: 77, payload };
    rtp::write(&packet, &mut out);
    out
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
    digits.chunks(2).map(pair).collect()
}

/// RFC 3711, B.2: key stream of a packet.
#[test]
fn the_published_key_stream() {
    use aes::cipher::KeyInit as _;
    let key: [u8; 16] = hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().expect("16 bytes");
    let salt: [u8; 14] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().expect("14 bytes");
    let mut data = vec![0; 0xff02 * 16];
    keystream(&Aes128::new(&key.into()), &salt, 0, 0, &mut data);
    let block = |at: usize| &data[16 * at..16 * at + 16];
    assert_eq!(block(0), hex("E03EAD0935C95E80E166B16DD92B4EB4"));
    assert_eq!(block(1), hex("D23513162B02D0F72A43A2FE4A5F97AB"));
    assert_eq!(block(2), hex("41E95B3BB0A2E8DD477901E4FCA894C0"));
    assert_eq!(block(0xfeff), hex("EC8CDF7398607CB0F2D21675EA9EA1E4"));
    assert_eq!(block(0xff00), hex("362B7C3C6773516318A077D7FC5073AE"));
    assert_eq!(block(0xff01), hex("6A2CC3787889374FBEB4C81B17BA6C44"));
}

/// RFC 3711, B.3: keys derived from a master key.
#[test]
fn the_published_derivation() {
    let master: [u8; 30] =
        hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6").try_into().expect("30 bytes");
    let derived = |label, bytes| {
        let mut out = vec![0; bytes];
        keys::fill(&master, label, &mut out);
        out
    };
    assert_eq!(derived(0, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(derived(2, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(derived(1, 20), hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

/// The packets that libsrtp's own driver checks itself with (`test/srtp_driver.c`, srtp_validate; BSD licence).
#[test]
fn the_packet_of_libsrtp() {
    let master = hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
    let keys = SrtpKeys { suite: SrtpSuite::AesCm128HmacSha1_80, send: master.clone(), receive: master };
    let new = || Srtp::new(&keys).expect("30 bytes");
    let plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
    let mut packet = plain.clone();
    new().protect(&mut packet);
    assert_eq!(packet, hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"));
    let length = new().unprotect(&mut packet).expect("it authenticates");
    assert_eq!(packet[..length], plain);

    let plain = hex("81c8000bcafebabe abababababababababababababababab");
    let mut report = plain.clone();
    let mut sender = new();
    sender.sent_reports = 1;
    sender.protect_report(&mut report);
    let sealed = hex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798");
    assert_eq!(report, sealed);
    let length = new().unprotect_report(&mut report).expect("it authenticates");
    assert_eq!(report[..length], plain);
}

#[test]
fn a_packet_is_believed_once() {
    let (mut here, mut there) = pair(SrtpSuite::AesCm128HmacSha1_80);
    let mut sealed = packet(1, b"sound");
    here.protect(&mut sealed);
    let mut forged = sealed.clone();
    forged[13] ^= 1;
    assert_eq!(there.unprotect(&mut forged), None, "changed on the way");
    let mut again = sealed.clone();
    let length = there.unprotect(&mut sealed).expect("it authenticates");
    assert_eq!(rtp::parse(&sealed[..length]).map(|p| p.payload.to_vec()), Some(b"sound".to_vec()));
    assert_eq!(there.unprotect(&mut again), None, "replayed");
}

#[test]
fn sequence_numbers_go_round() {
    let (mut here, mut there) = pair(SrtpSuite::AesCm128HmacSha1_32);
    let mut kept = None;
    for n in 0..200_000u32 {
        let mut sealed = packet(n as u16, &n.to_be_bytes());
        here.protect(&mut sealed);
        if n % 65_536 == 65_530 {
            // Comes after the numbers have begun anew.
            kept = Some((n, sealed));
            continue;
        }
        let length = there.unprotect(&mut sealed).expect("it authenticates");
        assert_eq!(sealed[length - 4..length], n.to_be_bytes());
        if n % 65_536 == 10
            && let Some((n, mut late)) = kept.take()
        {
            let length = there.unprotect(&mut late).expect("late, and still good");
            assert_eq!(late[length - 4..length], n.to_be_bytes());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_taken(datagram in prop::collection::vec(any::<u8>(), 0..120)) {
        let (mut here, _) = pair(SrtpSuite::AesCm128HmacSha1_80);
        prop_assert_eq!(here.unprotect(&mut datagram.clone()), None);
        prop_assert_eq!(here.unprotect_report(&mut datagram.clone()), None);
    }

    #[test]
    fn losses_and_reordering_within_the_window(order in prop::collection::vec(0u16..100, 1..100), first: u16) {
        let (mut here, mut there) = pair(SrtpSuite::AesCm128HmacSha1_80);
        let sealed: Vec<Vec<u8>> = (0..100)
            .map(|n| {
                let mut sealed = packet(first.wrapping_add(n), &[n as u8]);
                here.protect(&mut sealed);
                sealed
            })
            .collect();
        // A receiver whose first packet is from after a wrap has no way to know of the round before.
        prop_assume!(first < 0xff00);
        let mut seen = std::collections::HashSet::new();
        for n in order {
            let came = there.unprotect(&mut sealed[usize::from(n)].clone());
            prop_assert_eq!(came.is_some(), seen.insert(n));
        }
    }
}
