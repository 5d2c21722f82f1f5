//! One question: it is put, the answer is listened for, collected or recognised, and given to the flow.

use crate::call::{Call, TurnBegun};
use crate::digits::Collector;
use crate::input::{BargeIn, Question};
use crate::listen::Utterance;
use crate::output::{Answer, Event, NothingHeard, Output, Prompt, Reply, Span, SystemPrompt};
use crate::state::{Job, Phase};
use crate::time::{Millis, Token};

/// What is known of the question in progress.
#[derive(Debug)]
pub(crate) struct Asking {
    question: Question,
    /// The caller heard all of it.
    heard: bool,
    replayed: bool,
    relistens: u8,
    /// The end of the speech that is being heard ahead.
    heard_ahead: Option<Millis>,
    /// When waiting for an answer ends, once it has begun.
    answer_by: Millis,
}

impl Call {
    pub(crate) fn ask(&mut self, question: Question) {
        self.ears.set_pause(self.config.pauses.of(question.expects));
        self.kept.forget_speech_before(self.now.back(self.config.kept_speech_ms));
        let answered = match question.barge_in {
            BargeIn::None | BargeIn::Kept => false,
            BargeIn::Digits => self.kept.has_keys(),
            BargeIn::Speech => self.kept.has_keys() || self.kept.has_words() || self.kept.has_speech(),
        };
        self.ask = Some(Asking {
            question,
            heard: false,
            replayed: false,
            relistens: 0,
            heard_ahead: None,
            answer_by: self.now,
        });
        if answered { self.listen() } else { self.put_question() }
    }

    fn put_question(&mut self) {
        let Some(ask) = &mut self.ask else { return };
        let barge_in = ask.question.barge_in;
        if !ask.question.text.trim().is_empty() {
            let text = ask.question.text.clone();
            self.speak(Prompt::Text(text), Job::Ask, barge_in);
        } else if self.spoken_since_answer {
            ask.heard = true;
            self.listen();
        } else {
            self.speak(Prompt::System(SystemPrompt::StillThere), Job::Ask, barge_in);
        }
    }

    pub(crate) fn question_was_heard(&mut self) {
        if let Some(ask) = &mut self.ask {
            ask.heard = true;
        }
        self.listen();
    }

    /// The question was put or interrupted: takes what the caller gave already, or waits for it.
    pub(crate) fn listen(&mut self) {
        let now = self.now;
        let Some(ask) = &mut self.ask else { return };
        ask.answer_by = now + self.config.answer_timeout(ask.question.answer_timeout_ms);
        let answer_by = ask.answer_by;
        if self.kept.has_keys() {
            let mut collector = Collector::new(&ask.question, self.config.inter_digit_ms, now);
            self.ears.reset();
            self.kept.take_speech();
            while let Some(key) = self.kept.next_key() {
                if let Some(keys) = collector.push(key, now) {
                    return self.answer_keys_at(keys, now);
                }
            }
            return self.enter(Phase::CollectingDigits(collector));
        }
        if let Some(text) = self.kept.next_words() {
            let turn = TurnBegun { end_of_speech: now, decided: now, answered: now };
            return self.answer(Answer::Speech { text, confidence: 1.0 }, Some(turn));
        }
        if self.ears.utterance().is_some() {
            if !self.kept.speaking {
                self.ears.clip(now.back(self.config.overlap_ms));
            }
            self.kept.take_speech();
            return self.enter(Phase::CallerSpeaking);
        }
        match self.kept.take_speech() {
            Some(utterance) => self.hear(utterance),
            None => self.enter(Phase::Listening { until: answer_by }),
        }
    }

    /// The caller has finished speaking: have it recognised.
    pub(crate) fn hear(&mut self, utterance: Utterance) {
        let Some(ask) = &self.ask else { return };
        let now = self.now;
        let span = self.span(ask, utterance);
        let token = self.out.token();
        self.out.push(Output::Hear { token, span });
        let until = now + self.config.recognise_timeout_ms;
        self.enter(Phase::Recognising { token, until, utterance, decided: now });
    }

    /// The caller pauses, perhaps for good: what would be heard then can be heard already, once for each pause.
    pub(crate) fn hear_ahead(&mut self) {
        let (Phase::CallerSpeaking, Some(utterance)) = (&self.phase, self.ears.utterance()) else { return };
        let Some(ask) = &self.ask else { return };
        if self.now.since(utterance.end) < self.config.tail_ms || ask.heard_ahead == Some(utterance.end) {
            return;
        }
        let span = self.span(ask, utterance);
        if let Some(ask) = &mut self.ask {
            ask.heard_ahead = Some(utterance.end);
        }
        self.out.push(Output::HearAhead(span));
    }

    fn span(&self, ask: &Asking, utterance: Utterance) -> Span {
        Span {
            from: utterance.start.back(self.config.pre_roll_ms),
            to: self.now.min(utterance.end + self.config.tail_ms),
            expects: ask.question.expects,
            hints: ask.question.hints.clone(),
        }
    }

    /// Speech begins while the answer is being recognised: shortly after, it is the same answer.
    pub(crate) fn continue_answer(&mut self) {
        let Phase::Recognising { utterance: earlier, .. } = self.phase else { return };
        let Some(more) = self.ears.utterance() else { return };
        let soon = more.start.since(earlier.end) <= self.config.merge_window_ms;
        let fits = self.now.since(earlier.start) < self.config.max_utterance_ms;
        if soon && fits {
            self.ears.join(earlier);
            self.out.event(Event::SpeechMerged { at: self.now });
            self.enter(Phase::CallerSpeaking);
        }
    }

    pub(crate) fn on_heard(&mut self, token: Token, text: &str, confidence: f32) {
        let Phase::Recognising { token: wanted, utterance, decided, .. } = self.phase else { return };
        if token != wanted {
            return;
        }
        let text = text.trim();
        if text.is_empty() {
            return self.nothing_heard(NothingHeard::Empty, utterance);
        }
        let confidence = if confidence.is_finite() { confidence.clamp(0.0, 1.0) } else { 0.0 };
        let turn = TurnBegun { end_of_speech: utterance.end, decided, answered: self.now };
        self.answer(Answer::Speech { text: text.to_owned(), confidence }, Some(turn));
    }

    pub(crate) fn on_hearing_failed(&mut self, token: Token) {
        match self.phase {
            Phase::Recognising { token: wanted, utterance, .. } if token == wanted => {
                self.nothing_heard(NothingHeard::Failed, utterance);
            }
            _ => {}
        }
    }

    pub(crate) fn recognition_is_late(&mut self) {
        if let Phase::Recognising { utterance, .. } = self.phase {
            self.nothing_heard(NothingHeard::Late, utterance);
        }
    }

    /// No words came of it. A noise must not cost the caller their turn: the question is put again if it was not heard
    /// to its end, or the rest of the time is waited for. Of real speech we say so at once, since they wait for us.
    fn nothing_heard(&mut self, why: NothingHeard, utterance: Utterance) {
        self.out.event(Event::NothingHeard { why, at: self.now });
        let Some(ask) = &mut self.ask else { return };
        if why == NothingHeard::Empty && !ask.heard && !ask.replayed {
            ask.replayed = true;
            return self.put_question();
        }
        let noise = why == NothingHeard::Empty && utterance.voiced_ms < self.config.noise_ms;
        if noise && ask.relistens < self.config.max_relistens {
            ask.relistens += 1;
            let until = ask.answer_by.max(self.now + self.config.relisten_ms);
            let more = self.ears.utterance().is_some();
            return self.enter(if more { Phase::CallerSpeaking } else { Phase::Listening { until } });
        }
        self.answer(Answer::Silence, None);
    }

    pub(crate) fn nobody_answered(&mut self) {
        self.answer(Answer::Silence, None);
    }

    /// The collected keys are the answer; the caller's turn ended with the last of them.
    pub(crate) fn answer_keys(&mut self, keys: String) {
        let last = match &self.phase {
            Phase::CollectingDigits(collector) => collector.last,
            _ => self.now,
        };
        self.answer_keys_at(keys, last);
    }

    fn answer_keys_at(&mut self, keys: String, last: Millis) {
        self.ears.reset();
        let turn = TurnBegun { end_of_speech: last, decided: self.now, answered: self.now };
        self.answer(Answer::Digits(keys), Some(turn));
    }

    fn answer(&mut self, answer: Answer, turn: Option<TurnBegun>) {
        self.turn = turn;
        self.spoken_since_answer = false;
        self.reply(Reply::Answer(answer));
    }
}
