//! Voice activity on a human voice, recorded for the telephone.

use audio::vad::{SegmentOptions, Vad, segments};
use audio::{Pcm, mix, telephone, tone, wav};

fn prompt(name: &str) -> Pcm {
    wav::read(format!("{}/tests/prompts/{name}.wav", env!("CARGO_MANIFEST_DIR"))).expect("a committed prompt").mono()
}

fn on_the_line(name: &str, before: Pcm) -> Pcm {
    let mut pcm = before;
    pcm.append(&telephone(&prompt(name)));
    pcm.append(&Pcm::silence(1_000, pcm.rate));
    pcm
}

#[test]
fn a_voice_is_heard_soon_and_its_end_too() {
    for name in ["auth-thankyou", "conf-getpin", "vm-goodbye"] {
        let pcm = on_the_line(name, Pcm::silence(1_000, 8_000));
        let mut vad = Vad::new(8_000);
        let speech: Vec<bool> = pcm.samples.chunks(160).map(|frame| vad.push(frame)).collect();
        let first = speech.iter().position(|&s| s).expect(name);
        let last = speech.iter().rposition(|&s| s).expect(name);
        // In frames of 20 ms: nothing before the voice, a beginning within 400 ms of the file's, an end with the file's.
        let end = 50 + prompt(name).duration_ms() as usize / 20;
        assert!((50..70).contains(&first), "{name} heard at frame {first}");
        assert!(last > end - 25 && last < end + 10, "{name} ends at frame {end}, heard to {last}");
    }
}

#[test]
fn a_voice_is_heard_at_either_rate_and_at_any_usual_level() {
    for name in ["auth-thankyou", "conf-getpin", "vm-goodbye"] {
        for level in [-35.0, -25.0, -15.0] {
            let mut pcm = on_the_line(name, Pcm::silence(500, 8_000));
            mix::normalise(&mut pcm.samples, level);
            for rate in [8_000, 16_000] {
                let pieces = segments(&pcm.resampled(rate), &SegmentOptions::default());
                assert_eq!(pieces.len(), 1, "{name} at {level} dBFS, {rate}: {pieces:?}");
            }
        }
    }
}

#[test]
fn a_voice_after_ringing_is_one_piece_without_the_ringing() {
    let pcm = on_the_line("conf-getpin", tone::ringback(6_000, 8_000));
    let pieces = segments(&pcm, &SegmentOptions::default());
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    assert!(pieces[0].start >= 5_000, "{pieces:?}");
}
