//! One call from ring to hang-up, as a sans-IO state machine: turn-taking, barge-in, end of speech, digits, time-outs,
//! transfers, and what happens when a flow fails.
//!
//! A [`Call`] has no clock, no thread, no socket and no audio. It is told what happened and when, and says what to do:
//!
//! ```
//! use call::{Answer, BargeIn, Call, Command, Config, Input, Millis, Output, Prompt, Question, Reply, State};
//!
//! let mut call = Call::new(Config::default(), Millis(0));
//! let question = Question { text: "Чем могу помочь?".into(), barge_in: BargeIn::Speech, ..Question::default() };
//! call.handle(Input::Flow(Command::Ask(question)), Millis(10));
//!
//! // The run loop: do everything `poll` says, then wait for an input or for `deadline`.
//! let mut token = None;
//! while let Some(output) = call.poll() {
//!     if let Output::Play { token: playback, what: Prompt::Text(text) } = output {
//!         assert_eq!(text, "Чем могу помочь?");
//!         token = Some(playback);
//!     }
//! }
//! call.handle(Input::PlaybackStarted { token: token.unwrap() }, Millis(60));
//! call.handle(Input::PlaybackDone { token: token.unwrap() }, Millis(1_500));
//! assert_eq!(call.state(), State::Listening);
//! assert_eq!(call.deadline(), Some(Millis(6_500))); // nobody answers: `Answer::Silence`
//!
//! call.handle(Input::Digit('0'), Millis(2_000));
//! let reply = std::iter::from_fn(|| call.poll()).find(|output| matches!(output, Output::Reply(_)));
//! assert_eq!(reply, Some(Output::Reply(Reply::Answer(Answer::Digits("0".into())))));
//! ```
//!
//! # Driving a call
//!
//! 1. After every [`Call::handle`], take outputs from [`Call::poll`] until `None`, and do them in that order.
//! 2. Send [`Input::Tick`] at [`Call::deadline`] if nothing else happens before. One clock for everything. Being late is safe: what
//!    was due before an input fires before it, and what begins then has its full time.
//! 3. On a line with audio send one [`Input::Frame`] per 20 ms received, whatever the state. Without audio send
//!    [`Input::Typed`]; the call needs no frames.
//! 4. Report [`Input::PlaybackStarted`] at the first sample of each prompt: until then the caller hears nothing, and after
//!    a second of that the comfort tone begins.
//! 5. After [`Output::Ended`] nothing comes any more. Answer what the flow still asks with a hang-up.
//!
//! # Layout
//!
//! `call` is the run loop, `state` the states; `caller` what the caller does unasked (barge-in, type-ahead), `asking` one
//! question, `leaving` the ways out. Three small machines of their own serve them: `listen` (where speech begins and
//! ends), `digits` (the keys of an answer, and what is kept for the next), `sound` (prompts, the tone, the clock of silence).
//!
//! # States
//!
//! A row is a state; each line in it an input, what is done, and the next state (none: it stays). "reply" answers the
//! flow's command and leads to Thinking, where the next command is begun.
//!
//! | state | input | done → next |
//! |:--|:--|:--|
//! | **Thinking** | `Say`, `Play` | Play → Speaking; blank text: reply Said(Complete) |
//! | | `Ask` | input is kept for it and the question may be interrupted by its kind: not played, → as after Speaking; else Play → Speaking; blank text → Listening if a prompt was heard since the last answer, else "are you still there?" → Speaking |
//! | | `Transfer` | Transfer → HandingOver |
//! | | `HangUp` | reply HungUp → Closing (a notice that plays is heard out) |
//! | | 10 s without a command | → Failing |
//! | | flow finished; failed | → Closing; → Failing (also if it finished without any command) |
//! | **Speaking** | key, voice ≥ 60 ms, typed words | see the table of barge-in |
//! | | played to the end | `Say`, `Play`: reply Said(Complete); `Ask`: keys kept → CollectingDigits; words kept → reply; the caller speaks → CallerSpeaking; speech kept → Recognising; else → Listening |
//! | | cannot be played, not begun in 8 s | reply VoiceFailed or UnknownPrompt; the third in a row → Failing |
//! | | longer than 2 minutes | StopPlayback, as played to the end |
//! | **Listening** | speech ≥ 120 ms | → CallerSpeaking |
//! | | key; typed words | → CollectingDigits; reply Answer(Speech) |
//! | | answer time-out | reply Answer(Silence) |
//! | **CallerSpeaking** | pause by kind of answer; 25 s; frames lost | Hear from 300 ms before speech → Recognising |
//! | | 200 ms of a pause | HearAhead the span that would be heard if this is the end |
//! | | key; typed words | the speech is dropped; as in Listening |
//! | **Recognising** | words | reply Answer(Speech) |
//! | | no words | the question was cut: it is put again (once) → Speaking; a noise < 600 ms → Listening for the rest of the time (twice); else reply Answer(Silence) |
//! | | failed; 4 s | reply Answer(Silence) |
//! | | speech begins ≤ 1.5 s after the end of the last | one answer: the old result is void → CallerSpeaking from the old start |
//! | **CollectingDigits** | key | `max_digits` reached, `#`, or a lone `0` where no number is expected: reply Answer(Digits) |
//! | | 3 s without a key | reply Answer(Digits) |
//! | | speech | ignored; typed words are kept |
//! | **HandingOver** | connected | reply Transferred → Closing |
//! | | nobody, refused; 30 s | (CancelTransfer) reply Transferred |
//! | | flow failed | → Failing, with this transfer as its own |
//! | **Failing** | entered | every command: reply HungUp; StopPlayback; Play "putting you through" |
//! | | it was heard, or cannot be | Transfer to the operator; connected → Closing; nobody, refused, 30 s: TakeCallback, Play "we will call you back" → Closing |
//! | | any input from flow; key, words | reply HungUp; dropped |
//! | **Closing** | any command | reply HungUp |
//! | | flow ended, or 1 s (5 s if the caller is gone or with a person) | → Ended |
//! | **Ended** | anything | nothing |
//! | Thinking to HandingOver | taken over by a person | CancelTransfer; as Failing when it is entered, but the Transfer is to them |
//! | any but Closing | caller hung up | StopPlayback, CancelTransfer; every command: reply HungUp; from Failing: TakeCallback; → Closing |
//! | Thinking to CollectingDigits | 30 minutes of call | → Failing, or "goodbye" → Closing, by setting |
//!
//! # Barge-in and type-ahead
//!
//! What a prompt's [`BargeIn`] does with input while it plays (or is about to):
//!
//! | prompt | key | voice | typed words |
//! |:--|:--|:--|:--|
//! | none | kept, plays on | plays on; speech that is still going on at the end of a question answers it | kept, plays on |
//! | kept | kept, plays on | plays on, kept | kept, plays on |
//! | digits | stops it, kept | as for none | kept, plays on |
//! | speech | stops it, kept | stops it, kept | stops it, kept |
//!
//! "Kept" answers the question that was interrupted (`Ask`), or the next one (`Say`, `Play`: reply Said(Interrupted)).
//! Keys and typed words are kept in every state with a flow; keys that follow a complete answer are left for the next
//! question. Kept input is used in the order keys, typed words, speech; keys void speech. Speech that interrupted a `Say`
//! is kept for 15 s. A `Say` is never skipped: only a question the caller has answered already is.
//!
//! `0` has no meaning here: it reaches the flow as `Digits("0")`, at once where no number is expected, and the flow sends
//! the caller to a person. If the flow never asks, never reads it or fails, time-outs lead to the same person.
//!
//! # What is promised
//!
//! - **No silence without a reason.** A reason is that the caller speaks or has been asked (Listening, CallerSpeaking,
//!   CollectingDigits), or is gone or with a person. Otherwise [`Output::ComfortTone`] starts after 1 s, a prompt that is
//!   being prepared included, and "one moment, please" is said after 6 s and every 10 s.
//! - **Every call ends.** Without any input at all it goes to a person and then to `Ended`.
//! - **Every command has exactly one reply** up to `Ended`, and nothing follows `Ended`.
//! - **Old results are void.** A result with a token that is not waited for changes nothing.

mod asking;
mod call;
mod caller;
mod config;
mod digits;
mod input;
mod leaving;
mod listen;
mod output;
mod sound;
mod state;
mod time;

pub use call::Call;
pub use config::{Config, Pauses, TooLong};
pub use input::{AnswerKind, BargeIn, Command, FlowOutcome, Input, Question, TransferResult};
pub use listen::FRAME_MS;
pub use output::{
    Answer, EndReason, Event, FailReason, NothingHeard, Output, Prompt, Reply, Said, Span, SystemPrompt, Turn,
};
pub use state::State;
pub use time::{Millis, Token};
