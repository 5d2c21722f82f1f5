//! What a call wants done, in the order in which it is to be done.

use std::collections::VecDeque;

use crate::input::{AnswerKind, TransferResult};
use crate::state::State;
use crate::time::{Millis, Token};

/// One thing to do. Take them from [`Call::poll`](crate::Call::poll) until it returns `None`.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Play a prompt to the caller. At most one is wanted at a time. Report
    /// [`PlaybackStarted`](crate::Input::PlaybackStarted) at its first sample, and how it ended.
    Play {
        /// Names this playback.
        token: Token,
        /// What to play.
        what: Prompt,
    },
    /// Stop it now, what is buffered included. Needs no answer.
    StopPlayback {
        /// From the `Play`.
        token: Token,
    },
    /// Recognise this span of the caller's audio. Only the newest `Hear` is waited for; an older one may be dropped.
    Hear {
        /// Names this recognition.
        token: Token,
        /// Of this.
        span: Span,
    },
    /// The caller pauses. If they have finished, [`Output::Hear`] will name this very span; whoever begins at once has the words
    /// when the pause is over. Another `HearAhead` or `Hear` voids it. Needs no answer, and may be passed over.
    HearAhead(Span),
    /// The answer to the flow's command.
    Reply(Reply),
    /// Hand the caller to a person; report [`TransferResult`](crate::Input::TransferResult).
    Transfer {
        /// Names this attempt.
        token: Token,
        /// Where to.
        to: String,
        /// One line for the person who takes over.
        summary: String,
    },
    /// Give up that attempt: nobody answered in time, or the caller is gone. Whoever answers now finds nobody.
    CancelTransfer {
        /// From the `Transfer`.
        token: Token,
    },
    /// Nobody could be reached, or the caller left before: write the call-back down. At most once a call.
    TakeCallback,
    /// Start or stop the quiet tone that says "the line is alive".
    ComfortTone(bool),
    /// The call is over. Always the last output. After [`EndReason::Transferred`] the caller stays with the person;
    /// otherwise drop the line. Commands the flow still makes are the driver's to answer with a hang-up.
    Ended(EndReason),
    /// For traces and measurements; holds nothing personal.
    Event(Event),
}

/// A span of the caller's audio to be recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// From here, pre-roll included.
    pub from: Millis,
    /// To here.
    pub to: Millis,
    /// What the question expects.
    pub expects: AnswerKind,
    /// Words likely in it.
    pub hints: Vec<String>,
}

/// Something to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// To be spoken.
    Text(String),
    /// A recording of the clinic, by name.
    Recorded(String),
    /// One of our own.
    System(SystemPrompt),
}

/// What the call says by itself, whatever the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemPrompt {
    /// "I am putting you through to a colleague."
    HandingOver,
    /// "Nobody is free now, we will call you back."
    WillCallBack,
    /// "Goodbye."
    Goodbye,
    /// "Are you still there?"
    StillThere,
    /// "One moment, please."
    PleaseHold,
}

/// The answer to one command of the flow.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// To `Say` and `Play`.
    Said(Said),
    /// To `Ask`.
    Answer(Answer),
    /// To `Transfer`.
    Transferred(TransferResult),
    /// To `HangUp`; to any command after the caller has gone, is with a person, or is being handed over because the flow
    /// failed.
    HungUp,
    /// To `Play`: there is no such recording, or it cannot be played.
    UnknownPrompt,
    /// To `Say` and `Ask`: the voice failed, the caller did not hear it.
    VoiceFailed,
}

/// How a prompt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Said {
    /// Played to the end.
    Complete,
    /// The caller interrupted; what they said or pressed answers the next `Ask`.
    Interrupted,
}

/// What came back on a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Words.
    Speech {
        /// As recognised or typed; never blank.
        text: String,
        /// 0 to 1; 1 for typed words.
        confidence: f32,
    },
    /// Keys; without the `#` that ended them, but `"#"` for a lone one.
    Digits(String),
    /// Nothing that could be understood came in time.
    Silence,
}

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The caller hung up.
    CallerHungUp,
    /// The flow said `HangUp`.
    FlowHungUp,
    /// The flow returned.
    FlowFinished,
    /// The caller is with a person.
    Transferred,
    /// The flow failed, nobody could be reached, a call-back is promised.
    CallBackTaken,
    /// The call reached its longest duration.
    TooLong,
}

/// Something worth a line in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The call moved to another state.
    StateChanged {
        /// Before.
        from: State,
        /// After.
        to: State,
        /// When.
        at: Millis,
    },
    /// We answered the caller's turn: the times a listener would measure.
    TurnTaken(Turn),
    /// The caller interrupted a prompt.
    BargeIn {
        /// With a key; otherwise by voice or typed words.
        by_key: bool,
        /// When.
        at: Millis,
    },
    /// The caller went on speaking while we were recognising; the old recognition is dropped.
    SpeechMerged {
        /// When.
        at: Millis,
    },
    /// Speech was detected and no words came of it.
    NothingHeard {
        /// Why.
        why: NothingHeard,
        /// When.
        at: Millis,
    },
    /// The flow is out of the game; the caller goes to a person.
    Failing {
        /// Why.
        why: FailReason,
        /// When.
        at: Millis,
    },
}

/// The times of one turn. `pause_ms + machine_ms` is what the caller waited: from the last frame of their speech to the
/// first sample of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The caller's last frame with speech, last key, or typed words.
    pub end_of_speech: Millis,
    /// The first sample of the answer; notices ("one moment, please") do not count.
    pub first_sample: Millis,
    /// From the end of speech to our decision that it was the end.
    pub pause_ms: u64,
    /// From that decision to the first sample: recognition, flow, voice.
    pub machine_ms: u64,
    /// The part of `machine_ms` that was recognition.
    pub recognising_ms: u64,
}

impl Turn {
    /// From the end of speech to the first sample of the answer.
    pub fn response_ms(&self) -> u64 {
        self.pause_ms + self.machine_ms
    }
}

/// Why no words came of speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NothingHeard {
    /// The recogniser found none.
    Empty,
    /// The recogniser failed.
    Failed,
    /// The recogniser took too long.
    Late,
}

/// Why the flow is out of the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailReason {
    /// It gave up or trapped.
    FlowFailed,
    /// It returned without having done anything for the caller.
    FlowDidNothing,
    /// It computed too long.
    FlowOverdue,
    /// Several prompts in a row could not be spoken.
    VoiceFailed,
    /// The call reached its longest duration.
    CallTooLong,
}

/// Outputs not yet taken, and the source of tokens.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
    tokens: u64,
}

impl Outbox {
    pub(crate) fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.push(Output::Event(event));
    }

    pub(crate) fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }
}
