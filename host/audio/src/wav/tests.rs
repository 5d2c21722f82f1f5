//! WAV files of every kind, read and written; none may panic.

use proptest::prelude::*;

use super::*;

/// A WAV by hand: header fields and raw bytes of samples.
fn wav(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let block = channels * bits.div_ceil(8);
    let mut fmt = Vec::new();
    for part in [
        &tag.to_le_bytes()[..],
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(block)).to_le_bytes(),
        &block.to_le_bytes(),
        &bits.to_le_bytes(),
    ] {
        fmt.extend_from_slice(part);
    }
    with_fmt(&fmt, data.len() as u32, data)
}

fn with_fmt(fmt: &[u8], promised: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
    bytes.extend((fmt.len() as u32).to_le_bytes());
    bytes.extend_from_slice(fmt);
    bytes.extend(b"LIST\x03\0\0\0abc\0data");
    bytes.extend(promised.to_le_bytes());
    bytes.extend_from_slice(data);
    let size = (bytes.len() as u32 - 8).to_le_bytes();
    bytes[4..8].copy_from_slice(&size);
    bytes
}

fn le<const N: usize>(values: &[[u8; N]]) -> Vec<u8> {
    values.concat()
}

#[test]
fn every_coding_gives_the_same_sound() {
    let want = [0i16, 16_384, -16_384, 32_512, -32_768];
    let float32: Vec<[u8; 4]> = want.iter().map(|&s| (f32::from(s) / 32_768.0).to_le_bytes()).collect();
    let float64: Vec<[u8; 8]> = want.iter().map(|&s| (f64::from(s) / 32_768.0).to_le_bytes()).collect();
    let pcm16: Vec<[u8; 2]> = want.iter().map(|s| s.to_le_bytes()).collect();
    let pcm24: Vec<[u8; 3]> = want.iter().map(|&s| [0, s.to_le_bytes()[0], s.to_le_bytes()[1]]).collect();
    let pcm32: Vec<[u8; 4]> = want.iter().map(|&s| (i32::from(s) << 16).to_le_bytes()).collect();
    let pcm8: Vec<u8> = want.iter().map(|&s| ((s >> 8) + 128) as u8).collect();
    for (name, bytes) in [
        ("8 bits", wav(1, 1, 8_000, 8, &pcm8)),
        ("16 bits", wav(1, 1, 8_000, 16, &le(&pcm16))),
        ("24 bits", wav(1, 1, 8_000, 24, &le(&pcm24))),
        ("32 bits", wav(1, 1, 8_000, 32, &le(&pcm32))),
        ("float", wav(3, 1, 8_000, 32, &le(&float32))),
        ("double", wav(3, 1, 8_000, 64, &le(&float64))),
    ] {
        assert_eq!(decode(&bytes).expect(name), Recording { rate: 8_000, channels: vec![want.to_vec()] }, "{name}");
    }
    let alaw = crate::g711::alaw_encode(&want);
    assert_eq!(decode(&wav(6, 1, 8_000, 8, &alaw)).expect("A-law").channels[0], crate::g711::alaw_decode(&alaw));
    let ulaw = crate::g711::ulaw_encode(&want);
    assert_eq!(decode(&wav(7, 1, 8_000, 8, &ulaw)).expect("µ-law").channels[0], crate::g711::ulaw_decode(&ulaw));
}

#[test]
fn stereo_is_parted_and_mixed() {
    let data: Vec<u8> = [100i16, -50, 200, -150].iter().flat_map(|s| s.to_le_bytes()).collect();
    let recording = decode(&wav(1, 2, 44_100, 16, &data)).expect("stereo");
    assert_eq!(recording.channel(0).samples, [100, 200]);
    assert_eq!(recording.channel(1).samples, [-50, -150]);
    assert_eq!(recording.channel(2).samples, []);
    assert_eq!(recording.mono().samples, [25, 25]);
}

#[test]
fn extensible_headers_are_understood() {
    let mut fmt = wav(0xfffe, 1, 16_000, 16, &[])[20..36].to_vec();
    fmt.extend([22, 0, 16, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    assert_eq!(decode(&with_fmt(&fmt, 4, &[1, 0, 2, 0])).expect("extensible").channels, [[1, 2]]);
}

#[test]
fn twelve_bits_in_sixteen_and_twentyfour_in_thirtytwo() {
    let mut twelve = wav(1, 1, 8_000, 16, &[0x00, 0x40]);
    twelve[34] = 12;
    assert_eq!(decode(&twelve).expect("12 in 16").channels, [[0x4000]]);
    let mut wide = wav(1, 1, 8_000, 32, &[0, 0, 0, 0x40]);
    wide[34] = 24;
    assert_eq!(decode(&wide).expect("24 in 32").channels, [[0x4000]]);
}

#[test]
fn recordings_cut_short_give_what_they_hold() {
    let fmt = wav(1, 1, 8_000, 16, &[])[20..36].to_vec();
    // Promised too much, never completed, streamed; the odd byte at the end is half a sample.
    for promised in [1_000, 0, u32::MAX] {
        let recording = decode(&with_fmt(&fmt, promised, &[1, 0, 2, 0, 9])).expect("a truncated file");
        assert_eq!(recording.channels, [[1, 2]], "promised {promised}");
    }
}

#[test]
fn each_mistake_says_what_it_is_and_how_to_mend_it() {
    let fmt = wav(1, 1, 8_000, 16, &[])[20..36].to_vec();
    let mut no_channels = wav(1, 1, 8_000, 16, &[0; 4]);
    no_channels[22] = 0;
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the file is empty"),
        (b"ID3\x04\0\0\0\0".to_vec(), "this is MP3, not WAV; convert it: ffmpeg -i"),
        (b"OggS\0\x02".to_vec(), "this is Ogg"),
        (b"hello, world".to_vec(), "this is not a WAV file"),
        (b"RIFF\0\0\0\0WAVE".to_vec(), "no description of the samples"),
        (b"RIFF\0\0\0\0WAVEdata\x02\0\0\0\x01\0".to_vec(), "the samples come before their description"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec(), "cut short"),
        (wav(0x31, 1, 8_000, 16, &[0; 65]), "GSM 06.10 (Asterisk's wav49), which is not supported; convert it"),
        (wav(0x1234, 1, 8_000, 16, &[0; 4]), "format 0x1234"),
        (wav(1, 1, 10, 16, &[0; 4]), "10 samples per second"),
        (no_channels, "0 channels"),
        (wav(3, 1, 8_000, 16, &[0; 4]), "16 bits a sample in 2 bytes do not go with format 3"),
        (with_fmt(&fmt, 0, &[]), "there are no samples in it"),
        (with_fmt(&fmt, 1, &[7]), "there are no samples in it"),
    ];
    for (bytes, expected) in cases {
        let message = decode(&bytes).expect_err(expected).to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
    let missing = read("/nowhere/call.wav").expect_err("no such file").to_string();
    assert!(missing.starts_with("/nowhere/call.wav: "), "{missing}");
}

#[test]
fn a_process_that_dies_leaves_a_file_that_plays() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("call.wav");
    let mut writer = Writer::create(&path, 8_000, 2).expect("created");
    let caller: Vec<i16> = (0..160).collect();
    for _ in 0..125 {
        writer.push(&[&caller, &[]]).expect("written");
    }
    assert_eq!(writer.duration_ms(), 2_500);
    // What is on the disk now, with the writer neither finished nor dropped, is what a killed process leaves.
    let left = read(&path).expect("a valid file");
    assert_eq!((left.rate, left.channels.len()), (8_000, 2));
    assert!(left.duration_ms() >= 2_000, "{} ms", left.duration_ms());
    assert_eq!(&left.channels[0][..160], &caller[..]);
    assert!(left.channels[1].iter().all(|&s| s == 0));
    assert!(hound::WavReader::open(&path).is_ok(), "others can read it too");
    writer.finish().expect("finished");
    assert_eq!(read(&path).expect("complete").duration_ms(), 2_500);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn damaged_files_never_panic(
        tag in prop::sample::select(vec![1u16, 3, 6, 7, 0xfffe]),
        channels in 0u16..12,
        bits in 0u16..70,
        data in prop::collection::vec(any::<u8>(), 0..200),
        hits in prop::collection::vec((0usize..300, any::<u8>()), 0..6),
        cut in 0usize..300,
    ) {
        let mut bytes = wav(tag, channels, 8_000, bits, &data);
        for (at, value) in hits {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(cut);
        if let Ok(recording) = decode(&bytes) {
            prop_assert!(!recording.channels.is_empty());
            prop_assert!(recording.channels.iter().all(|c| c.len() == recording.channels[0].len() && !c.is_empty()));
        }
    }

    #[test]
    fn what_is_written_is_read(
        left in prop::collection::vec(any::<i16>(), 1..300),
        right in prop::collection::vec(any::<i16>(), 1..300),
        rate in prop::sample::select(vec![8_000u32, 11_025, 16_000, 44_100, 48_000]),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("x.wav");
        write(&path, rate, &[&left, &right]).expect("written");
        let recording = read(&path).expect("read");
        prop_assert_eq!(recording.rate, rate);
        prop_assert_eq!(&recording.channels[0][..left.len()], &left[..]);
        prop_assert_eq!(&recording.channels[1][..right.len()], &right[..]);
        prop_assert!(recording.channels[0][left.len()..].iter().all(|&s| s == 0));
    }
}
