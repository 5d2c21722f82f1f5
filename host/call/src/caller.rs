//! What the caller does while it is not asked for: keys, typed words and voice in every state. Here the tables of barge-in
//! and type-ahead are decided.

use crate::call::Call;
use crate::input::BargeIn;
use crate::listen::SpeechEvent;
use crate::output::{Event, Reply, Said};
use crate::state::{Job, Phase};

impl Call {
    pub(crate) fn on_key(&mut self, key: char) {
        let limit = self.config.type_ahead_keys;
        match &mut self.phase {
            Phase::Failing(_) | Phase::Closing { .. } | Phase::Ended => {}
            Phase::CollectingDigits(collector) => {
                if let Some(keys) = collector.push(key, self.now) {
                    self.answer_keys(keys);
                }
            }
            Phase::Speaking { job, barge_in: BargeIn::Digits | BargeIn::Speech } => {
                let job = *job;
                self.kept.key(key, limit);
                self.interrupt(job, true);
            }
            Phase::Listening { .. } | Phase::CallerSpeaking => {
                self.ears.reset();
                self.kept.key(key, limit);
                self.listen();
            }
            Phase::Speaking { .. } | Phase::Thinking { .. } | Phase::Recognising { .. } | Phase::HandingOver { .. } => {
                self.kept.key(key, limit);
            }
        }
    }

    pub(crate) fn on_typed(&mut self, text: String) {
        match self.phase {
            Phase::Failing(_) | Phase::Closing { .. } | Phase::Ended => {}
            Phase::Speaking { job, barge_in: BargeIn::Speech } => {
                self.kept.words(text);
                self.interrupt(job, false);
            }
            Phase::Listening { .. } | Phase::CallerSpeaking => {
                self.ears.reset();
                self.kept.words(text);
                self.listen();
            }
            _ => self.kept.words(text),
        }
    }

    pub(crate) fn on_speech(&mut self, event: SpeechEvent) {
        match (event, &self.phase) {
            (SpeechEvent::Began, Phase::Listening { .. }) => self.enter(Phase::CallerSpeaking),
            (SpeechEvent::Began, Phase::Recognising { .. }) => self.continue_answer(),
            (SpeechEvent::Began, _) => self.continue_kept_speech(),
            (SpeechEvent::Ended(utterance), Phase::CallerSpeaking) => self.hear(utterance),
            (SpeechEvent::Ended(utterance), _) => {
                if std::mem::take(&mut self.kept.speaking) {
                    self.kept.speech(utterance);
                }
            }
        }
    }

    pub(crate) fn check_voice_barge_in(&mut self) {
        let Phase::Speaking { job, barge_in: barge_in @ (BargeIn::Speech | BargeIn::Kept) } = self.phase else {
            return;
        };
        if self.ears.since_mark_ms() >= self.config.barge_in_ms && self.ears.promote() {
            if job != Job::Ask && !self.kept.speaking {
                self.ears.clip(self.now.back(self.config.overlap_ms));
                self.kept.speaking = true;
            }
            if barge_in == BargeIn::Speech {
                self.interrupt(job, false);
            }
        }
    }

    /// Speech that goes on soon after the interruption it belongs to is one with it.
    fn continue_kept_speech(&mut self) {
        let Some(utterance) = self.ears.utterance() else { return };
        let earliest = utterance.start.back(self.config.merge_window_ms);
        if let Some(kept) = self.kept.take_speech_since(earliest) {
            self.ears.join(kept);
            self.kept.speaking = true;
        }
    }

    /// Stops the prompt at once; what stopped it is kept and answers this question or the next.
    fn interrupt(&mut self, job: Job, by_key: bool) {
        self.out.event(Event::BargeIn { by_key, at: self.now });
        self.sound.stop(&self.config, self.now, &mut self.out);
        if job == Job::Ask {
            self.listen();
        } else {
            self.reply(Reply::Said(Said::Interrupted));
        }
    }
}
