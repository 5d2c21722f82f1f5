//! A long recording in pieces that an engine can take at once, and their times put back.
//!
//! Whisper hears 30 s at a time. Pieces of speech are put one after another into windows of at most 28 s, with the pauses
//! between them cut to half a second (in a stereo call every channel is silent half of the time). Whoever hears the windows
//! maps the times back into the recording.

use std::ops::Range;

use audio::Pcm;
use audio::vad::{SegmentOptions, segments};

use super::{Segment, Transcript, Word};

/// Longest window.
pub const WINDOW_MS: u32 = 28_000;
/// What is left of a pause between two pieces.
const PAUSE_MS: u32 = 500;
/// Looked at for the quietest moment, where speech without any pause has to be cut.
const SEARCH_MS: u32 = 6_000;

/// Pieces of a recording that are heard together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Spans of the recording, in order; milliseconds.
    pub pieces: Vec<Range<u32>>,
}

/// The windows of a recording; none where nobody speaks.
pub fn plan(audio: &Pcm) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for piece in segments(audio, &SegmentOptions::default()).into_iter().flat_map(|piece| split(audio, piece)) {
        match windows.last_mut() {
            Some(window) if window.length() + PAUSE_MS + (piece.end - piece.start) <= WINDOW_MS => {
                window.pieces.push(piece);
            }
            _ => windows.push(Window { pieces: vec![piece] }),
        }
    }
    windows
}

impl Window {
    /// The window's own length, milliseconds.
    pub fn length(&self) -> u32 {
        let speech: u32 = self.pieces.iter().map(|piece| piece.end - piece.start).sum();
        speech + PAUSE_MS * (self.pieces.len().saturating_sub(1)) as u32
    }

    /// The sound of the window.
    pub fn cut(&self, audio: &Pcm) -> Pcm {
        let mut cut = Pcm::new(audio.rate, Vec::new());
        for (i, piece) in self.pieces.iter().enumerate() {
            if i > 0 {
                cut.append(&Pcm::silence(PAUSE_MS, audio.rate));
            }
            cut.append(&audio.slice_ms(piece.start, piece.end));
        }
        cut
    }

    /// A time inside the window as a time of the recording. What falls into a cut pause is put at the end of its piece.
    pub fn time(&self, ms: u32) -> u32 {
        let mut passed = 0;
        for piece in &self.pieces {
            let length = piece.end - piece.start;
            if ms <= passed + length {
                return piece.start + ms.saturating_sub(passed);
            }
            passed += length + PAUSE_MS;
            if ms < passed {
                return piece.end;
            }
        }
        self.pieces.last().map_or(ms, |piece| piece.end)
    }

    /// A transcript of the window with the times of the recording.
    pub fn place(&self, mut transcript: Transcript) -> Transcript {
        for Segment { start_ms, end_ms, .. } in &mut transcript.segments {
            (*start_ms, *end_ms) = (self.time(*start_ms), self.time(*end_ms));
        }
        for Word { start_ms, end_ms, .. } in &mut transcript.words {
            (*start_ms, *end_ms) = (self.time(*start_ms), self.time(*end_ms));
        }
        transcript
    }
}

/// Transcripts of consecutive windows as one.
pub fn join(parts: Vec<Transcript>) -> Transcript {
    let mut whole = Transcript::default();
    let (mut weighted, mut weight) = (0.0, 0.0);
    for part in parts.into_iter().filter(|part| !part.text.is_empty()) {
        let length = part.text.chars().count() as f32;
        weighted += part.confidence * length;
        weight += length;
        if !whole.text.is_empty() {
            whole.text.push(' ');
        }
        whole.text.push_str(&part.text);
        whole.segments.extend(part.segments);
        whole.words.extend(part.words);
    }
    whole.confidence = if weight > 0.0 { weighted / weight } else { 0.0 };
    whole
}

/// Cuts speech that goes on for longer than a window, at its quietest moments.
fn split(audio: &Pcm, piece: Range<u32>) -> Vec<Range<u32>> {
    let mut parts = Vec::new();
    let mut start = piece.start;
    while piece.end - start > WINDOW_MS {
        let latest = start + WINDOW_MS;
        let quietest = (latest - SEARCH_MS..latest)
            .step_by(100)
            .min_by(|a, b| level(audio, *a).total_cmp(&level(audio, *b)))
            .map_or(latest, |at| at + 100);
        parts.push(start..quietest);
        start = quietest;
    }
    parts.push(start..piece.end);
    parts
}

fn level(audio: &Pcm, at: u32) -> f32 {
    audio::mix::rms_dbfs(&audio.slice_ms(at, at + 200).samples)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_go_back_to_where_they_came_from() {
        let window = Window { pieces: vec![1_000..3_000, 10_000..11_000] };
        assert_eq!(window.length(), 3_500);
        assert_eq!(
            [0, 1_500, 2_000, 2_200, 2_500, 3_000, 9_999].map(|ms| window.time(ms)),
            [1_000, 2_500, 3_000, 3_000, 10_000, 10_500, 11_000]
        );
    }

    #[test]
    fn the_sound_of_a_window_has_its_length() {
        let window = Window { pieces: vec![100..200, 500..900] };
        assert_eq!(window.cut(&Pcm::silence(1_000, 8_000)).duration_ms(), window.length());
    }

    #[test]
    fn silence_has_no_windows() {
        assert!(plan(&Pcm::silence(5_000, 8_000)).is_empty());
        assert!(plan(&Pcm::default()).is_empty());
    }

    #[test]
    fn joining_weighs_confidence_by_length() {
        let part = |text: &str, confidence| Transcript { text: text.into(), confidence, ..Transcript::default() };
        let whole = join(vec![part("аааа", 1.0), part("", 0.0), part("бб", 0.4)]);
        assert_eq!(whole.text, "аааа бб");
        assert!((whole.confidence - 0.8).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn long_speech_is_cut_without_loss(length in 1u32..200_000, start in 0u32..10_000) {
            let parts = split(&Pcm::silence(1_000, 1_000), start..start + length);
            prop_assert_eq!(parts[0].start, start);
            prop_assert_eq!(parts[parts.len() - 1].end, start + length);
            prop_assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(parts.iter().all(|part| part.end > part.start && part.end - part.start <= WINDOW_MS));
        }
    }
}
