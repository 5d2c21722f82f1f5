//! Where the caller's speech begins and ends: a small machine fed one voice-activity flag per 20 ms.
//!
//! An utterance begins once enough voice has come without a gap, and ends after a pause whose length depends on the
//! question. It knows nothing of prompts or questions; the call decides what an utterance means.

use crate::time::Millis;

/// Length of one frame.
pub const FRAME_MS: u64 = 20;

/// Voice with holes no longer than this is one run (stops such as «т», «п» are silent for about 100 ms).
const GAP_MS: u64 = 200;

/// Frames tell the end of speech; if they stop coming, a timer does, this much later, so that a frame on its way wins.
const FRAMES_LOST_MS: u64 = 100;

/// One stretch of the caller's speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Utterance {
    /// Start of the first frame with speech.
    pub start: Millis,
    /// End of the last frame with speech.
    pub end: Millis,
    /// How much of it was voice.
    pub voiced_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpeechEvent {
    Began,
    Ended(Utterance),
}

#[derive(Debug)]
pub(crate) struct Endpointer {
    min_speech_ms: u64,
    max_utterance_ms: u64,
    pause_ms: u64,
    /// Voice without gaps, begun but perhaps only a click.
    run: Option<Utterance>,
    utterance: Option<Utterance>,
    /// Voice in the current run since the last `mark`.
    since_mark_ms: u64,
}

impl Endpointer {
    pub(crate) fn new(min_speech_ms: u64, max_utterance_ms: u64, pause_ms: u64) -> Self {
        Endpointer { min_speech_ms, max_utterance_ms, pause_ms, run: None, utterance: None, since_mark_ms: 0 }
    }

    pub(crate) fn frame(&mut self, speech: bool, now: Millis) -> Option<SpeechEvent> {
        let begin = now.back(FRAME_MS);
        if self.run.is_some_and(|run| begin.since(run.end) > GAP_MS) {
            self.run = None;
            self.since_mark_ms = 0;
        }
        if !speech {
            return self.ended(now, 0);
        }
        self.since_mark_ms += FRAME_MS;
        let run = self.run.get_or_insert(Utterance { start: begin, end: now, voiced_ms: 0 });
        run.end = now;
        run.voiced_ms += FRAME_MS;
        match &mut self.utterance {
            Some(utterance) => {
                utterance.end = now;
                utterance.voiced_ms += FRAME_MS;
                self.ended(now, 0)
            }
            None if run.voiced_ms >= self.min_speech_ms => {
                self.utterance = Some(*run);
                Some(SpeechEvent::Began)
            }
            None => None,
        }
    }

    /// Ends an utterance whose frames stopped coming.
    pub(crate) fn timer(&mut self, now: Millis) -> Option<SpeechEvent> {
        self.ended(now, FRAMES_LOST_MS)
    }

    pub(crate) fn deadline(&self) -> Option<Millis> {
        let utterance = self.utterance?;
        let paused = utterance.end + self.pause_ms.saturating_add(FRAMES_LOST_MS);
        Some(paused.min(utterance.start + self.max_utterance_ms))
    }

    fn ended(&mut self, now: Millis, grace_ms: u64) -> Option<SpeechEvent> {
        let utterance = self.utterance?;
        let paused = now.since(utterance.end) >= self.pause_ms.saturating_add(grace_ms);
        let too_long = now.since(utterance.start) >= self.max_utterance_ms;
        if !paused && !too_long {
            return None;
        }
        self.reset();
        Some(SpeechEvent::Ended(utterance))
    }

    /// The utterance in progress.
    pub(crate) fn utterance(&self) -> Option<Utterance> {
        self.utterance
    }

    /// The moment at which voice that has begun, and is not speech yet, will have been a click.
    pub(crate) fn decided_by(&self) -> Option<Millis> {
        self.run.filter(|_| self.utterance.is_none()).map(|run| run.end + (GAP_MS + 1))
    }

    pub(crate) fn set_pause(&mut self, pause_ms: u64) {
        self.pause_ms = pause_ms;
    }

    /// Counts voice anew, for barge-in: a prompt begins now.
    pub(crate) fn mark(&mut self) {
        self.since_mark_ms = 0;
    }

    /// Voice without a gap since the mark.
    pub(crate) fn since_mark_ms(&self) -> u64 {
        self.since_mark_ms
    }

    /// Voice that is heard now is speech, however little of it there has been; false where there is none.
    pub(crate) fn promote(&mut self) -> bool {
        if self.utterance.is_none() {
            self.utterance = self.run;
        }
        self.utterance.is_some()
    }

    /// Forgets what the caller said before `earliest`.
    pub(crate) fn clip(&mut self, earliest: Millis) {
        if let Some(utterance) = &mut self.utterance {
            utterance.start = utterance.start.max(earliest);
        }
    }

    /// Joins an earlier utterance to the one in progress.
    pub(crate) fn join(&mut self, earlier: Utterance) {
        if let Some(utterance) = &mut self.utterance {
            utterance.start = earlier.start;
            utterance.voiced_ms += earlier.voiced_ms;
        }
    }

    pub(crate) fn reset(&mut self) {
        self.run = None;
        self.utterance = None;
        self.since_mark_ms = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `pattern` (`#` = 20 ms of speech, `.` = 20 ms without) and returns what happened and when.
    fn feed(ears: &mut Endpointer, start: u64, pattern: &str) -> Vec<(u64, SpeechEvent)> {
        let frames = pattern.chars().enumerate();
        frames
            .filter_map(|(i, c)| {
                let now = start + (i as u64 + 1) * FRAME_MS;
                ears.frame(c == '#', Millis(now)).map(|event| (now, event))
            })
            .collect()
    }

    #[test]
    fn clicks_are_no_speech() {
        let mut ears = Endpointer::new(120, 25_000, 300);
        let click = "#####".to_string() + &".".repeat(20);
        assert_eq!(feed(&mut ears, 0, &click.repeat(10)), []);
    }

    #[test]
    fn speech_begins_at_its_first_frame_and_ends_after_the_pause() {
        let mut ears = Endpointer::new(120, 25_000, 300);
        let spoken = "..........".to_string() + &"#".repeat(25) + &".".repeat(20);
        let utterance = Utterance { start: Millis(200), end: Millis(700), voiced_ms: 500 };
        assert_eq!(feed(&mut ears, 0, &spoken), [(320, SpeechEvent::Began), (1000, SpeechEvent::Ended(utterance))]);
        assert_eq!(ears.deadline(), None);
    }

    #[test]
    fn a_stop_consonant_does_not_break_the_beginning() {
        let mut ears = Endpointer::new(120, 25_000, 300);
        assert_eq!(feed(&mut ears, 0, "####.....##"), [(220, SpeechEvent::Began)]);
        assert_eq!(ears.utterance().map(|u| u.start), Some(Millis(0)));
    }

    #[test]
    fn endless_speech_is_cut() {
        let mut ears = Endpointer::new(120, 1_000, 300);
        let events = feed(&mut ears, 0, &"#".repeat(60));
        assert_eq!(events[1].0, 1000);
    }

    #[test]
    fn lost_frames_end_speech_by_timer() {
        let mut ears = Endpointer::new(120, 25_000, 300);
        feed(&mut ears, 0, "##########");
        assert_eq!(ears.deadline(), Some(Millis(600)));
        assert_eq!(ears.timer(Millis(599)), None);
        assert!(matches!(ears.timer(Millis(600)), Some(SpeechEvent::Ended(_))));
    }
}
