//! Keys: the collector of one answer, and what is kept for the next question (type-ahead).

use std::collections::VecDeque;

use crate::input::{AnswerKind, Question};
use crate::listen::Utterance;
use crate::time::Millis;

/// Messages kept in a chat; later ones are dropped.
const TYPED_AHEAD: usize = 16;

/// The keys of one answer: complete at `max_digits`, at `#`, or after a pause.
#[derive(Debug)]
pub(crate) struct Collector {
    keys: String,
    max: usize,
    lone_zero: bool,
    inter_digit_ms: u64,
    pub(crate) last: Millis,
}

impl Collector {
    pub(crate) fn new(question: &Question, inter_digit_ms: u64, now: Millis) -> Self {
        let numeric = matches!(question.expects, AnswerKind::Digits | AnswerKind::Phone);
        let max = if question.max_digits == 0 { usize::MAX } else { question.max_digits as usize };
        // Where no number is expected a 0 is a call for a person: nobody should wait for the pause then.
        Collector { keys: String::new(), max, lone_zero: !numeric, inter_digit_ms, last: now }
    }

    /// Takes a key; returns the answer when it is complete.
    pub(crate) fn push(&mut self, key: char, now: Millis) -> Option<String> {
        self.last = now;
        if key == '#' && !self.keys.is_empty() {
            return Some(std::mem::take(&mut self.keys));
        }
        self.keys.push(key);
        let complete = key == '#' || self.keys.len() >= self.max || (self.lone_zero && self.keys == "0");
        complete.then(|| std::mem::take(&mut self.keys))
    }

    /// When the pause ends the answer.
    pub(crate) fn deadline(&self) -> Millis {
        self.last + self.inter_digit_ms
    }

    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.keys)
    }
}

/// What the caller gave before it was asked for. Consumed in the order keys, typed words, speech.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    keys: VecDeque<char>,
    typed: VecDeque<String>,
    /// Speech that interrupted a `Say` and has ended.
    speech: Option<Utterance>,
    /// Speech that interrupted a `Say` and goes on.
    pub(crate) speaking: bool,
}

impl Kept {
    pub(crate) fn key(&mut self, key: char, limit: usize) {
        if self.keys.len() < limit {
            self.keys.push_back(key);
        }
    }

    pub(crate) fn words(&mut self, text: String) {
        if self.typed.len() < TYPED_AHEAD {
            self.typed.push_back(text);
        }
    }

    pub(crate) fn speech(&mut self, utterance: Utterance) {
        self.speech = Some(utterance);
    }

    pub(crate) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    pub(crate) fn has_words(&self) -> bool {
        !self.typed.is_empty()
    }

    pub(crate) fn has_speech(&self) -> bool {
        self.speaking || self.speech.is_some()
    }

    pub(crate) fn next_key(&mut self) -> Option<char> {
        self.keys.pop_front()
    }

    pub(crate) fn next_words(&mut self) -> Option<String> {
        self.typed.pop_front()
    }

    pub(crate) fn take_speech(&mut self) -> Option<Utterance> {
        self.speaking = false;
        self.speech.take()
    }

    /// Takes the kept speech if it ended after `earliest`.
    pub(crate) fn take_speech_since(&mut self, earliest: Millis) -> Option<Utterance> {
        self.speech.take_if(|utterance| utterance.end >= earliest)
    }

    /// Drops speech that ended before `earliest`.
    pub(crate) fn forget_speech_before(&mut self, earliest: Millis) {
        self.speech.take_if(|utterance| utterance.end < earliest);
    }

    pub(crate) fn clear(&mut self) {
        *self = Kept::default();
    }
}

/// Whether a character is a key of the telephone.
pub(crate) fn is_key(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(expects: AnswerKind, max_digits: u32, keys: &str) -> (Option<String>, Collector) {
        let question = Question { expects, max_digits, ..Question::default() };
        let mut collector = Collector::new(&question, 3_000, Millis(0));
        let mut answer = None;
        for key in keys.chars() {
            assert_eq!(answer, None, "a key after the end of {keys}");
            answer = collector.push(key, Millis(0));
        }
        (answer, collector)
    }

    #[test]
    fn an_answer_ends_by_number_hash_or_lone_zero() {
        let complete = |expects, max, keys| collect(expects, max, keys).0;
        assert_eq!(complete(AnswerKind::Digits, 4, "1204"), Some("1204".into()));
        assert_eq!(complete(AnswerKind::Digits, 4, "120"), None);
        assert_eq!(complete(AnswerKind::Digits, 0, "12#"), Some("12".into()));
        assert_eq!(complete(AnswerKind::Free, 0, "#"), Some("#".into()));
        assert_eq!(complete(AnswerKind::Free, 0, "0"), Some("0".into()));
        assert_eq!(complete(AnswerKind::Free, 0, "10"), None);
        assert_eq!(complete(AnswerKind::Digits, 0, "0"), None);
        assert_eq!(complete(AnswerKind::Phone, 0, "0"), None);
    }

    #[test]
    fn a_pause_ends_the_rest() {
        let (_, mut collector) = collect(AnswerKind::Digits, 0, "12");
        assert_eq!(collector.deadline(), Millis(3_000));
        assert_eq!(collector.push('3', Millis(2_000)), None);
        assert_eq!(collector.deadline(), Millis(5_000));
        assert_eq!(collector.finish(), "123");
    }
}
