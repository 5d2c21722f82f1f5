//! What can happen to a call: from the caller, from the ears and the mouth, from the flow.

use crate::time::Token;

/// One thing that happened. Give it to [`Call::handle`](crate::Call::handle) with the moment it happened.
///
/// Results that carry a token which is no longer waited for are ignored.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Nothing but time: send it when [`Call::deadline`](crate::Call::deadline) comes.
    Tick,
    /// 20 ms of the caller's audio were received, with or without speech in them. The moment is the frame's end.
    Frame {
        /// Whether voice activity was detected.
        speech: bool,
    },
    /// A key of the telephone: `0`–`9`, `*`, `#`, `A`–`D`. Other characters are ignored.
    Digit(char),
    /// The recogniser's result for a [`Hear`](crate::Output::Hear).
    Heard {
        /// From the `Hear`.
        token: Token,
        /// What was said; empty = nothing.
        text: String,
        /// 0 to 1; values outside are clamped.
        confidence: f32,
    },
    /// The recogniser could not do it.
    HearingFailed {
        /// From the `Hear`.
        token: Token,
    },
    /// The caller's words where there is no audio (a chat, a script).
    Typed(String),
    /// The first sample of a prompt has been sent to the caller. Until then the caller is taken to hear nothing.
    PlaybackStarted {
        /// From the [`Play`](crate::Output::Play).
        token: Token,
    },
    /// A prompt was played to its end. A text channel may send this alone, without `PlaybackStarted`.
    PlaybackDone {
        /// From the `Play`.
        token: Token,
    },
    /// A prompt cannot be played: no such recording, or the voice failed.
    PlaybackFailed {
        /// From the `Play`.
        token: Token,
    },
    /// The flow wants something. It waits for exactly one [`Reply`](crate::Output::Reply) per command.
    Flow(Command),
    /// The flow is over. Nothing of it is answered any more.
    FlowEnded(FlowOutcome),
    /// The caller is gone.
    CallerHungUp,
    /// Somebody at the desk takes the caller over from the flow: as if it had failed, but to them. Ignored once the flow holds
    /// the call no more.
    TakeOver {
        /// Where to: a destination the driver understands.
        to: String,
        /// One line for the person who takes over.
        summary: String,
    },
    /// How a transfer went.
    TransferResult {
        /// From the [`Transfer`](crate::Output::Transfer).
        token: Token,
        /// The outcome.
        result: TransferResult,
    },
}

/// What a flow can ask of a call. One at a time; a second one waits until the first is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say a text. Blank text is complete at once.
    Say {
        /// What to say.
        text: String,
        /// What may stop it.
        barge_in: BargeIn,
    },
    /// Play a recorded prompt of the clinic.
    Play {
        /// Its name.
        prompt: String,
        /// What may stop it.
        barge_in: BargeIn,
    },
    /// Ask, and wait for one answer.
    Ask(Question),
    /// Hand the caller to a person.
    Transfer {
        /// Where to: a destination the driver understands.
        to: String,
        /// One line for the person who takes over.
        summary: String,
    },
    /// End the call after what was said has been heard.
    HangUp,
}

/// One question to the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// A short stable name for traces.
    pub id: String,
    /// What is said. Blank text listens at once, right after a `Say`; otherwise "are you still there?" is played, because
    /// nobody answers a question that was not heard.
    pub text: String,
    /// Sets the pause that ends the answer.
    pub expects: AnswerKind,
    /// What may stop the question while it plays.
    pub barge_in: BargeIn,
    /// How long to wait for the answer to begin, in milliseconds; 0 = the setting.
    pub answer_timeout_ms: u32,
    /// Stop collecting keys after this many; 0 = until `#` or a pause.
    pub max_digits: u32,
    /// Words likely in the answer; handed to the recogniser.
    pub hints: Vec<String>,
}

/// What kind of answer a question expects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AnswerKind {
    /// Anything.
    #[default]
    Free,
    /// Yes or no.
    YesNo,
    /// One of the hints.
    Choice,
    /// A phone number.
    Phone,
    /// Keys, or digits said aloud.
    Digits,
    /// A date, a time, or both.
    DateTime,
    /// A person's name.
    PersonName,
    /// An animal.
    Animal,
}

/// What may stop a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum BargeIn {
    /// Nothing.
    None,
    /// Nothing; but what the caller says or presses meanwhile is kept, as if it had stopped the prompt.
    Kept,
    /// A key.
    Digits,
    /// A key, the caller's voice or typed words.
    #[default]
    Speech,
}

/// How a flow ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowOutcome {
    /// It returned.
    Finished,
    /// It gave up, trapped, or was stopped.
    Failed,
}

/// How a transfer went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferResult {
    /// The caller is with a person, or in their queue.
    Connected,
    /// Nobody is there.
    Nobody,
    /// The line refused; what it answered.
    Refused(String),
}
