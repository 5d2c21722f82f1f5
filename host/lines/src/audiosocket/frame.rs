//! Frames of AudioSocket as bytes: kind, length (two bytes, big-endian), payload.
//!
//! The kinds are those of Asterisk's `res_audiosocket.h`. Unknown kinds are passed over, so that a newer Asterisk does not
//! end calls.

/// Length of kind and length.
const HEADER: usize = 3;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The call is over.
    HangUp,
    /// Which call this is: a UUID, the first frame.
    Id([u8; 16]),
    /// The caller pressed a key.
    Key(char),
    /// Samples, 16 bits little-endian, mono.
    Audio {
        /// Samples a second.
        rate: u32,
        /// The samples' bytes, an even number.
        bytes: &'a [u8],
    },
    /// Asterisk failed; its code, where it told one.
    Error(Option<u8>),
    /// Something newer than this.
    Unknown(u8),
}

/// Why bytes are no AudioSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A UUID has 16 bytes.
    #[error("the frame that identifies the call has {0} bytes instead of 16; is this an AudioSocket client?")]
    Id(usize),
    /// A key is one of 16.
    #[error("a frame for a key does not hold one of 0-9, *, #, A-D")]
    Key,
    /// Samples have two bytes.
    #[error("a frame of audio has {0} bytes, an odd number")]
    Odd(usize),
}

/// The first frame of `bytes`, and how many bytes it took; none while it is not whole.
///
/// # Errors
/// [`FrameError`]; the connection is of no use afterwards.
pub fn parse(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((&[kind, high, low], rest)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    let frame = match kind {
        0x00 => Frame::HangUp,
        0x01 => Frame::Id(payload.try_into().map_err(|_| FrameError::Id(length))?),
        0x03 => match payload {
            [key] if is_key(char::from(*key)) => Frame::Key(char::from(*key).to_ascii_uppercase()),
            _ => return Err(FrameError::Key),
        },
        0xff => Frame::Error(payload.first().copied()),
        kind => match rate(kind) {
            Some(_) if !length.is_multiple_of(2) => return Err(FrameError::Odd(length)),
            Some(rate) => Frame::Audio { rate, bytes: payload },
            None => Frame::Unknown(kind),
        },
    };
    Ok(Some((frame, HEADER + length)))
}

/// A hang-up as bytes.
pub const HANG_UP: [u8; HEADER] = [0; HEADER];

/// Samples at `rate` as bytes; none for a rate that AudioSocket does not know, or more samples than a frame holds.
pub fn audio(rate: u32, samples: &[i16]) -> Option<Vec<u8>> {
    let kind = RATES.iter().position(|known| *known == rate)? as u8 + FIRST_AUDIO;
    let length = u16::try_from(samples.len() * 2).ok()?;
    let mut frame = Vec::with_capacity(HEADER + usize::from(length));
    frame.push(kind);
    frame.extend(length.to_be_bytes());
    frame.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    Some(frame)
}

/// A key of a telephone.
pub(crate) fn is_key(key: char) -> bool {
    matches!(key.to_ascii_uppercase(), '0'..='9' | '*' | '#' | 'A'..='D')
}

const FIRST_AUDIO: u8 = 0x10;
const RATES: [u32; 9] = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

fn rate(kind: u8) -> Option<u32> {
    RATES.get(usize::from(kind.checked_sub(FIRST_AUDIO)?)).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind() {
        let mut call = vec![0x01, 0x00, 0x10];
        call.extend([7; 16]);
        call.extend([0x03, 0x00, 0x01, b'#', 0x12, 0x00, 0x02, 0x34, 0x12, 0xff, 0x00, 0x01, 0x04, 0x42, 0x00, 0x00]);
        call.extend(HANG_UP);
        let mut frames = Vec::new();
        let mut rest = &call[..];
        while let Some((frame, took)) = parse(rest).unwrap() {
            frames.push(frame);
            rest = &rest[took..];
        }
        let audio = Frame::Audio { rate: 16_000, bytes: &[0x34, 0x12] };
        let wanted =
            [Frame::Id([7; 16]), Frame::Key('#'), audio, Frame::Error(Some(4)), Frame::Unknown(0x42), Frame::HangUp];
        assert_eq!(frames, wanted);
        assert!(rest.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(parse(&[0x01, 0, 2, 1, 2]), Err(FrameError::Id(2)));
        assert_eq!(parse(&[0x03, 0, 1, b'x']), Err(FrameError::Key));
        assert_eq!(parse(&[0x10, 0, 3, 1, 2, 3]), Err(FrameError::Odd(3)));
        assert_eq!(parse(b"GET / HTTP/1.1\r\n"), Ok(None), "a length that never comes; the time-out ends it");
        assert_eq!(audio(11_025, &[0]), None);
        assert_eq!(audio(8_000, &vec![0; 40_000]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(Some((_, took))) = parse(&bytes) {
                prop_assert!((HEADER..=bytes.len()).contains(&took));
            }
        }

        #[test]
        fn audio_comes_back(samples in proptest::collection::vec(any::<i16>(), 0..2_000), kind in 0..9_usize) {
            let bytes = audio(RATES[kind], &samples).unwrap();
            let (frame, took) = parse(&bytes).unwrap().unwrap();
            let Frame::Audio { rate, bytes: payload } = frame else { panic!("{frame:?}") };
            prop_assert_eq!((rate, took), (RATES[kind], bytes.len()));
            let back: Vec<i16> = payload.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
            prop_assert_eq!(back, samples);
        }
    }
}
