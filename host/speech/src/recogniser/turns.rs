//! A recording as a conversation: who spoke when.
//!
//! A stereo recording has the caller on one channel and the desk on the other; each is heard by itself, and the phrases are
//! merged by time. A mono recording gives turns of channel 0, parted at pauses.

use serde::{Deserialize, Serialize};

use super::Transcript;

/// What one side said before the other began, or before a pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// 0 for the left channel, 1 for the right.
    pub channel: usize,
    /// From the start of the recording.
    pub start_ms: u32,
    /// From the start of the recording.
    pub end_ms: u32,
    /// What was said.
    pub text: String,
    /// 0 to 1.
    pub confidence: f32,
}

/// A longer pause of the same side begins another turn.
const PAUSE_MS: u32 = 1_500;

/// Turns of a recording, in the order they began; one transcript per channel.
pub fn merge(channels: &[Transcript]) -> Vec<Turn> {
    let mut phrases: Vec<Turn> = channels
        .iter()
        .enumerate()
        .flat_map(|(channel, transcript)| {
            transcript.segments.iter().map(move |segment| Turn {
                channel,
                start_ms: segment.start_ms,
                end_ms: segment.end_ms,
                text: segment.text.clone(),
                confidence: segment.confidence,
            })
        })
        .collect();
    phrases.sort_by_key(|phrase| (phrase.start_ms, phrase.channel));
    let mut turns: Vec<Turn> = Vec::new();
    for phrase in phrases {
        match turns.last_mut() {
            Some(turn) if turn.channel == phrase.channel && phrase.start_ms <= turn.end_ms + PAUSE_MS => {
                turn.extend(phrase)
            }
            _ => turns.push(phrase),
        }
    }
    turns
}

impl Turn {
    fn extend(&mut self, phrase: Turn) {
        let (ours, theirs) = (self.text.chars().count() as f32, phrase.text.chars().count() as f32);
        self.confidence = (self.confidence * ours + phrase.confidence * theirs) / (ours + theirs).max(1.0);
        self.end_ms = self.end_ms.max(phrase.end_ms);
        self.text.push(' ');
        self.text.push_str(&phrase.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Segment;

    fn side(phrases: &[(u32, u32, &str)]) -> Transcript {
        let segments = phrases
            .iter()
            .map(|&(start_ms, end_ms, text)| Segment { start_ms, end_ms, text: text.into(), confidence: 0.5 })
            .collect();
        Transcript { segments, ..Transcript::default() }
    }

    #[test]
    fn two_sides_become_a_conversation() {
        let caller =
            side(&[(2_000, 3_000, "Здравствуйте."), (3_200, 4_000, "Хочу записаться."), (9_000, 9_500, "Да.")]);
        let desk = side(&[(0, 1_800, "Клиника, добрый день."), (5_000, 8_000, "На завтра?")]);
        let turns = merge(&[caller, desk]);
        let lines: Vec<(usize, u32, &str)> = turns.iter().map(|t| (t.channel, t.end_ms, t.text.as_str())).collect();
        assert_eq!(
            lines,
            [
                (1, 1_800, "Клиника, добрый день."),
                (0, 4_000, "Здравствуйте. Хочу записаться."),
                (1, 8_000, "На завтра?"),
                (0, 9_500, "Да."),
            ]
        );
    }

    #[test]
    fn a_long_pause_parts_turns_of_one_side() {
        assert_eq!(merge(&[side(&[(0, 1_000, "Минуту."), (30_000, 31_000, "Спасибо.")])]).len(), 2);
        assert!(merge(&[]).is_empty());
    }
}
