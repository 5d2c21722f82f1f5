//! RTP packets (RFC 3550, 5.1): read from outside bytes, written without allocation.

/// A packet as it was read; the payload is still in the datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// First of a spurt of speech, or of a telephone event.
    pub marker: bool,
    /// What the payload is, 0 to 127.
    pub payload_type: u8,
    /// Counts packets.
    pub sequence: u16,
    /// Counts samples, in the clock of the payload type.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
    /// The sound.
    pub payload: &'a [u8],
}

/// Bytes of a header without sources and extensions: all that we ever send.
pub const HEADER: usize = 12;

/// Reads a datagram; nothing where it is no RTP packet.
///
/// ```
/// let datagram = [0x80, 0x88, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xd5, 0xd5];
/// let packet = media::rtp::parse(&datagram).expect("a packet");
/// assert!(packet.marker && packet.payload_type == 8 && packet.timestamp == 160);
/// assert_eq!(packet.payload, [0xd5, 0xd5]);
/// ```
pub fn parse(datagram: &[u8]) -> Option<Packet<'_>> {
    let at = header_bytes(datagram)?;
    let mut payload = &datagram[at..];
    if datagram[0] & 0x20 != 0 {
        // The last byte counts the padding, itself included.
        let padding = usize::from(*payload.last()?);
        if padding == 0 || padding > payload.len() {
            return None;
        }
        payload = &payload[..payload.len() - padding];
    }
    Some(Packet {
        marker: datagram[1] & 0x80 != 0,
        payload_type: datagram[1] & 0x7f,
        sequence: u16::from_be_bytes([datagram[2], datagram[3]]),
        timestamp: be32(datagram, 4),
        ssrc: be32(datagram, 8),
        payload,
    })
}

/// Length of a datagram's RTP header with its sources and its extension; nothing where it is no RTP packet.
pub fn header_bytes(datagram: &[u8]) -> Option<usize> {
    if datagram.len() < HEADER || datagram[0] >> 6 != 2 || is_rtcp(datagram) {
        return None;
    }
    let mut at = HEADER + 4 * usize::from(datagram[0] & 0x0f);
    if datagram[0] & 0x10 != 0 {
        let words = datagram.get(at + 2..at + 4)?;
        at += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (at <= datagram.len()).then_some(at)
}

/// Is a datagram RTCP, where both share a port (RFC 5761, 4: types 192 to 223)?
pub fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.len() >= 8 && datagram[0] >> 6 == 2 && (192..=223).contains(&datagram[1])
}

/// Writes a packet into a buffer, which is emptied before.
pub fn write(packet: &Packet<'_>, out: &mut Vec<u8>) {
    out.clear();
    out.push(0x80);
    out.push(u8::from(packet.marker) << 7 | packet.payload_type & 0x7f);
    out.extend_from_slice(&packet.sequence.to_be_bytes());
    out.extend_from_slice(&packet.timestamp.to_be_bytes());
    out.extend_from_slice(&packet.ssrc.to_be_bytes());
    out.extend_from_slice(packet.payload);
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sources_an_extension_and_padding_are_stepped_over() {
        let mut datagram = vec![0xb2, 0x08, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 2];
        datagram.extend([0; 8]); // two sources
        datagram.extend([0xbe, 0xde, 0, 1, 9, 9, 9, 9]); // an extension of one word
        datagram.extend([1, 2, 3, 0, 0, 3]); // three bytes, three of padding
        let packet = parse(&datagram).expect("a packet");
        assert_eq!((packet.sequence, packet.timestamp, packet.ssrc), (0x1234, 1, 2));
        assert_eq!(packet.payload, [1, 2, 3]);
    }

    #[test]
    fn what_is_not_rtp_is_nothing() {
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[0x80; 11]), None);
        assert_eq!(parse(&[0x40; 20]), None, "version 1");
        assert_eq!(parse(&[0x80, 200, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), None, "a sender report");
        let mut cut = [0; 14];
        cut[0] = 0x8f;
        assert_eq!(parse(&cut), None, "fifteen sources in no room");
        let mut padding = [0; 14];
        padding[0] = 0xa0;
        padding[13] = 3;
        assert_eq!(parse(&padding), None, "more padding than payload");
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(datagram in prop::collection::vec(any::<u8>(), 0..100)) {
            parse(&datagram);
        }

        #[test]
        fn what_is_written_is_read(
            marker: bool, payload_type in 0u8..64, sequence: u16, timestamp: u32, ssrc: u32,
            payload in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let packet = Packet { marker, payload_type, sequence, timestamp, ssrc, payload: &payload };
            let mut out = Vec::new();
            write(&packet, &mut out);
            prop_assert_eq!(parse(&out), Some(packet));
        }
    }
}
