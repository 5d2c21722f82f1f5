//! RTCP packets (RFC 3550, 6): what the other side tells of our sound, and what we tell of its.

use crate::rtp::be32;

/// One packet of a compound, as far as it means something to a call between two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// What a sender sent, and its report of others (6.4.1).
    SenderReport {
        /// Who sends.
        ssrc: u32,
        /// Its clock and its counts.
        info: SenderInfo,
        /// What it heard.
        blocks: Vec<Block>,
    },
    /// What somebody who sends nothing heard (6.4.2).
    ReceiverReport {
        /// Who listens.
        ssrc: u32,
        /// What it heard.
        blocks: Vec<Block>,
    },
    /// These leave (6.6).
    Bye {
        /// Who.
        sources: Vec<u32>,
    },
    /// Anything else that is well formed: names, feedback, extended reports.
    Other {
        /// The packet's type.
        kind: u8,
    },
}

/// A sender's clock and its counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// Wall clock, NTP: seconds since 1900 and their 2^32th parts.
    pub ntp: u64,
    /// The same moment in the clock of its packets.
    pub timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Bytes of payload sent.
    pub bytes: u32,
}

/// What was heard of one sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Block {
    /// Which sender.
    pub ssrc: u32,
    /// Share lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost in all; negative where duplicates outnumber losses. 24 bits.
    pub lost: i32,
    /// Highest sequence number, with the count of its rounds above.
    pub highest: u32,
    /// Interarrival jitter, in ticks of the packets' clock.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 where none came.
    pub last_report: u32,
    /// Time since then, in 65,536ths of a second.
    pub since_report: u32,
}

/// Reads a compound packet; nothing where any part of it is malformed (RFC 3550, A.2). The first part of a full compound is
/// a report; reduced-size RTCP (RFC 5506) is taken too.
pub fn parse(datagram: &[u8]) -> Option<Vec<Packet>> {
    let mut packets = Vec::new();
    let mut rest = datagram;
    while !rest.is_empty() {
        if rest.len() < 4 || rest[0] >> 6 != 2 {
            return None;
        }
        let length = 4 * (usize::from(u16::from_be_bytes([rest[2], rest[3]])) + 1);
        if length > rest.len() {
            return None;
        }
        let (mut body, after) = (&rest[4..length], &rest[length..]);
        if rest[0] & 0x20 != 0 {
            // Padding belongs to the last packet alone.
            let padding = usize::from(*body.last()?);
            if !after.is_empty() || padding == 0 || padding > body.len() {
                return None;
            }
            body = &body[..body.len() - padding];
        }
        packets.push(part(rest[1], usize::from(rest[0] & 0x1f), body)?);
        rest = after;
    }
    (!packets.is_empty()).then_some(packets)
}

fn part(kind: u8, count: usize, body: &[u8]) -> Option<Packet> {
    match kind {
        SENDER_REPORT => {
            let info = body.get(4..24)?;
            let info = SenderInfo {
                ntp: u64::from(be32(info, 0)) << 32 | u64::from(be32(info, 4)),
                timestamp: be32(info, 8),
                packets: be32(info, 12),
                bytes: be32(info, 16),
            };
            Some(Packet::SenderReport { ssrc: be32(body, 0), info, blocks: blocks(&body[24..], count)? })
        }
        RECEIVER_REPORT => {
            let rest = body.get(4..)?;
            Some(Packet::ReceiverReport { ssrc: be32(body, 0), blocks: blocks(rest, count)? })
        }
        BYE => {
            let sources = body.get(..4 * count)?;
            Some(Packet::Bye { sources: sources.chunks_exact(4).map(|bytes| be32(bytes, 0)).collect() })
        }
        _ => Some(Packet::Other { kind }),
    }
}

fn blocks(body: &[u8], count: usize) -> Option<Vec<Block>> {
    let body = body.get(..count * BLOCK)?;
    let block = |bytes: &[u8]| Block {
        ssrc: be32(bytes, 0),
        fraction_lost: bytes[4],
        // Sign-extended from 24 bits.
        lost: ((be32(bytes, 4) << 8) as i32) >> 8,
        highest: be32(bytes, 8),
        jitter: be32(bytes, 12),
        last_report: be32(bytes, 16),
        since_report: be32(bytes, 20),
    };
    Some(body.chunks_exact(BLOCK).map(block).collect())
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const BLOCK: usize = 24;

/// Writes a compound: a report (a sender's, where there is something to tell of sending), our name, and a good-bye if asked.
pub fn write(ssrc: u32, sent: Option<&SenderInfo>, heard: Option<&Block>, name: &str, bye: bool, out: &mut Vec<u8>) {
    out.clear();
    let count = u8::from(heard.is_some());
    let words = 1 + if sent.is_some() { 5 } else { 0 } + if heard.is_some() { 6 } else { 0 };
    header(if sent.is_some() { SENDER_REPORT } else { RECEIVER_REPORT }, count, words, out);
    out.extend_from_slice(&ssrc.to_be_bytes());
    if let Some(info) = sent {
        out.extend_from_slice(&info.ntp.to_be_bytes());
        for value in [info.timestamp, info.packets, info.bytes] {
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
    if let Some(block) = heard {
        let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        let loss = u32::from(block.fraction_lost) << 24 | lost;
        for value in [block.ssrc, loss, block.highest, block.jitter, block.last_report, block.since_report] {
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
    description(ssrc, name, out);
    if bye {
        header(BYE, 1, 1, out);
        out.extend_from_slice(&ssrc.to_be_bytes());
    }
}

/// Our canonical name (6.5.1), which ties streams together when numbers change.
fn description(ssrc: u32, name: &str, out: &mut Vec<u8>) {
    const CNAME: u8 = 1;
    let name = &name.as_bytes()[..name.len().min(255)];
    // The items end with a zero, and are padded with zeros to a full word.
    let words = 1 + (2 + name.len()) / 4 + 1;
    header(DESCRIPTION, 1, words as u16, out);
    let from = out.len();
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&[CNAME, name.len() as u8]);
    out.extend_from_slice(name);
    out.resize(from + 4 * words, 0);
}

fn header(kind: u8, count: u8, words: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x80 | count, kind]);
    out.extend_from_slice(&words.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block() -> Block {
        Block {
            ssrc: 7,
            fraction_lost: 12,
            lost: -3,
            highest: 0x1_0005,
            jitter: 44,
            last_report: 0xb705_2000,
            since_report: 0x5_4000,
        }
    }

    #[test]
    fn a_compound_is_read_as_it_was_written() {
        let info = SenderInfo { ntp: 0x1234_5678_9abc_def0, timestamp: 8_000, packets: 50, bytes: 8_000 };
        let mut out = Vec::new();
        write(5, Some(&info), Some(&block()), "0badcafe", true, &mut out);
        assert_eq!(out.len() % 4, 0);
        assert_eq!(
            parse(&out),
            Some(vec![
                Packet::SenderReport { ssrc: 5, info, blocks: vec![block()] },
                Packet::Other { kind: 202 },
                Packet::Bye { sources: vec![5] },
            ])
        );
        write(5, None, None, "", false, &mut out);
        let empty = Packet::ReceiverReport { ssrc: 5, blocks: Vec::new() };
        assert_eq!(parse(&out), Some(vec![empty, Packet::Other { kind: 202 }]));
    }

    #[test]
    fn malformed_compounds_are_nothing() {
        let mut out = Vec::new();
        write(5, None, Some(&block()), "x", false, &mut out);
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&out[..out.len() - 1]), None, "cut");
        let mut lying = out.clone();
        lying[0] = 0x9f;
        assert_eq!(parse(&lying), None, "31 blocks in the room of one");
        let mut version = out;
        version[0] = 0x41;
        assert_eq!(parse(&version), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(datagram in prop::collection::vec(any::<u8>(), 0..120)) {
            parse(&datagram);
        }

        #[test]
        fn any_bytes_behind_a_good_head_are_taken(kind in 200u8..208, count in 0u8..32, body in prop::collection::vec(any::<u8>(), 0..120)) {
            let mut datagram = Vec::new();
            header(kind, count, (body.len() / 4) as u16, &mut datagram);
            datagram.extend(body);
            parse(&datagram);
        }

        #[test]
        fn names_of_any_length_keep_the_words_whole(name in ".{0,300}") {
            let mut out = Vec::new();
            write(1, None, None, &name, true, &mut out);
            prop_assert!(parse(&out).is_some_and(|packets| packets.len() == 3));
        }
    }
}
