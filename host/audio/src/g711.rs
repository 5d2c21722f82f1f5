//! G.711: sixteen bits in eight, the way telephones do it since 1972.
//!
//! The formulas are those of ITU-T G.711 (and of Sun's public `g711.c`): a sign, three bits of exponent, four of mantissa.
//! Encoding goes through no table, decoding through one of 256 entries made at compile time.

/// Linear samples to A-law (Europe, Russia).
///
/// ```
/// assert_eq!(audio::g711::alaw_encode(&[0, -1]), [0xd5, 0x55]);
/// ```
pub fn alaw_encode(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&s| alaw_byte(s)).collect()
}

/// A-law to linear samples.
pub fn alaw_decode(bytes: &[u8]) -> Vec<i16> {
    bytes.iter().map(|&b| ALAW[b as usize]).collect()
}

/// Linear samples to µ-law (North America, Japan).
pub fn ulaw_encode(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&s| ulaw_byte(s)).collect()
}

/// µ-law to linear samples.
pub fn ulaw_decode(bytes: &[u8]) -> Vec<i16> {
    bytes.iter().map(|&b| ULAW[b as usize]).collect()
}

/// Every even bit of A-law is inverted on the line, so that silence still has edges to synchronise on.
const ALAW_TOGGLE: u8 = 0x55;
/// µ-law adds this before taking the logarithm.
const ULAW_BIAS: i32 = 0x84;
/// Largest value µ-law can carry.
const ULAW_CLIP: i32 = 32_635;

static ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = alaw_sample(byte as u8);
        byte += 1;
    }
    table
};

static ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = ulaw_sample(byte as u8);
        byte += 1;
    }
    table
};

fn alaw_byte(sample: i16) -> u8 {
    // Thirteen bits matter; the negative half mirrors the positive one with -1 at its zero.
    let value = i32::from(sample) >> 3;
    let (sign, value) = if value >= 0 { (0x80, value) } else { (0, -value - 1) };
    let exponent = (32 - (value as u32 >> 5).leading_zeros()).min(7) as i32;
    let mantissa = if exponent < 2 { value >> 1 } else { value >> exponent } & 0x0f;
    (sign | (exponent << 4) as u8 | mantissa as u8) ^ ALAW_TOGGLE
}

const fn alaw_sample(byte: u8) -> i16 {
    let byte = byte ^ ALAW_TOGGLE;
    let exponent = (byte & 0x70) >> 4;
    let mantissa = ((byte & 0x0f) as i32) << 4;
    let value = match exponent {
        0 => mantissa + 8,
        1 => mantissa + 0x108,
        _ => (mantissa + 0x108) << (exponent - 1),
    };
    (if byte & 0x80 != 0 { value } else { -value }) as i16
}

fn ulaw_byte(sample: i16) -> u8 {
    let value = i32::from(sample);
    let (sign, value) = if value < 0 { (0x80, -value) } else { (0, value) };
    let value = value.min(ULAW_CLIP) + ULAW_BIAS;
    let exponent = 31 - (value as u32 >> 7).leading_zeros() as i32;
    let mantissa = (value >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

const fn ulaw_sample(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = (byte & 0x70) >> 4;
    let mantissa = (byte & 0x0f) as i32;
    let value = (((mantissa << 3) + ULAW_BIAS) << exponent) - ULAW_BIAS;
    (if byte & 0x80 != 0 { -value } else { value }) as i16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values printed in the tables of ITU-T G.711 (1a and 2a), scaled to sixteen bits.
    #[test]
    fn the_published_values() {
        assert_eq!(alaw_decode(&[0xd5, 0x55, 0xaa, 0x2a, 0x80]), [8, -8, 32_256, -32_256, 5_504]);
        assert_eq!(ulaw_decode(&[0xff, 0x7f, 0x80, 0x00, 0xf0]), [0, 0, 32_124, -32_124, 120]);
    }

    #[test]
    fn what_was_coded_once_stays_as_it_is() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(alaw_encode(&alaw_decode(&all)), all);
        // µ-law has a minus zero, which is read as zero and written as plus zero.
        let mut back = all.clone();
        back[0x7f] = 0xff;
        assert_eq!(ulaw_encode(&ulaw_decode(&all)), back);
    }

    #[test]
    fn every_sample_comes_back_within_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let a = i32::from(alaw_decode(&alaw_encode(&[sample]))[0]);
            let u = i32::from(ulaw_decode(&ulaw_encode(&[sample]))[0]);
            let s = i32::from(sample);
            // A step is a 16th of the value in either law, and the ends are clipped.
            assert!((a - s).abs() <= s.abs() / 32 + 16, "A-law {s} -> {a}");
            assert!((u - s).abs() <= s.abs() / 32 + 8 || s.abs() > ULAW_CLIP, "µ-law {s} -> {u}");
        }
    }

    proptest! {
        #[test]
        fn louder_never_becomes_quieter(a: i16, b: i16) {
            let (low, high) = (a.min(b), a.max(b));
            let alaw = alaw_decode(&alaw_encode(&[low, high]));
            let ulaw = ulaw_decode(&ulaw_encode(&[low, high]));
            prop_assert!(alaw[0] <= alaw[1] && ulaw[0] <= ulaw[1]);
        }
    }
}
