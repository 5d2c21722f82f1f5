//! The call itself: its state, the run loop, and what each input does. What the caller does is in `caller`, questions in
//! `asking`, the ways out in `leaving`.

use std::collections::VecDeque;

use crate::asking::Asking;
use crate::config::Config;
use crate::digits::{Kept, is_key};
use crate::input::{BargeIn, Command, FlowOutcome, Input};
use crate::leaving::Step;
use crate::listen::Endpointer;
use crate::output::{EndReason, Event, FailReason, Outbox, Output, Prompt, Reply, Said, Turn};
use crate::sound::{Ending, Sound, Wait};
use crate::state::{Job, Phase, State};
use crate::time::{Millis, Token};

/// Timers that may fire at one moment. A bound, because the alternative to stopping is a call that never returns.
const MOST_TIMERS_AT_ONCE: u32 = 32;

/// One call, from ring to hang-up. See the [crate documentation](crate) for the states and the run loop.
#[derive(Debug)]
pub struct Call {
    pub(crate) config: Config,
    pub(crate) now: Millis,
    started: Millis,
    pub(crate) phase: Phase,
    pub(crate) out: Outbox,
    pub(crate) ears: Endpointer,
    pub(crate) sound: Sound,
    pub(crate) kept: Kept,
    /// The question in progress, from its command to its reply.
    pub(crate) ask: Option<Asking>,
    /// Commands that came before the one in progress was answered.
    waiting: VecDeque<Command>,
    /// The caller's turn that has not been answered by a sound yet.
    pub(crate) turn: Option<TurnBegun>,
    pub(crate) flow_ended: bool,
    flow_did_something: bool,
    voice_failures: u8,
    /// Whether a prompt was heard since the last answer: only then may a blank question follow.
    pub(crate) spoken_since_answer: bool,
    pub(crate) callback_taken: bool,
}

/// The caller's turn, as far as it is known before our answer sounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TurnBegun {
    pub(crate) end_of_speech: Millis,
    pub(crate) decided: Millis,
    pub(crate) answered: Millis,
}

impl Call {
    /// A call that has just been answered; its flow is starting.
    pub fn new(config: Config, now: Millis) -> Self {
        Call {
            now,
            started: now,
            phase: Phase::Thinking { since: now },
            out: Outbox::default(),
            ears: Endpointer::new(config.min_speech_ms, config.max_utterance_ms, config.pauses.free),
            sound: Sound::new(&config, now),
            kept: Kept::default(),
            ask: None,
            waiting: VecDeque::new(),
            turn: None,
            flow_ended: false,
            flow_did_something: false,
            voice_failures: 0,
            spoken_since_answer: false,
            callback_taken: false,
            config,
        }
    }

    /// Tells the call what happened and when. Timers due before `now` fire first, those due at `now` after the input.
    /// Time never runs backwards: an earlier `now` counts as the latest one.
    pub fn handle(&mut self, input: Input, now: Millis) {
        let now = now.max(self.now);
        self.now = now;
        self.fire_timers(|due| due < now);
        self.take(input);
        self.settle();
        self.fire_timers(|due| due <= now);
    }

    /// The next thing to do, in order; `None` until the next [`handle`](Call::handle).
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop()
    }

    /// When to call [`handle`](Call::handle) again, with [`Input::Tick`] if nothing else happens before; `None` = no
    /// timer runs. Ask again after every `handle`.
    pub fn deadline(&self) -> Option<Millis> {
        if self.state() == State::Ended {
            return None;
        }
        let of_phase = match &self.phase {
            Phase::Thinking { since } => Some(*since + self.config.flow_timeout_ms),
            // A voice that has begun decides before silence does.
            Phase::Listening { until } => Some(self.ears.decided_by().map_or(*until, |decided| decided.max(*until))),
            Phase::Recognising { until, .. } | Phase::HandingOver { until, .. } => Some(*until),
            Phase::CollectingDigits(collector) => Some(collector.deadline()),
            Phase::Failing(Step::Transferring { until, .. }) => Some(*until),
            // What the caller is still hearing has its own end.
            Phase::Closing { until, .. } if !self.flow_ended && self.sound.idle() => Some(*until),
            _ => None,
        };
        let too_long = self.can_be_too_long().then_some(self.started + self.config.max_call_ms);
        let sound = self.sound.deadline(self.wait(), &self.config);
        let timers = [of_phase, too_long, self.ears.deadline(), sound];
        timers.into_iter().flatten().filter(|due| *due < Millis(u64::MAX)).min()
    }

    /// Where the call is.
    pub fn state(&self) -> State {
        self.phase.state()
    }

    // ---- the run loop

    /// Fires what is due as of the present moment: if the driver was late, what begins now has its full time.
    fn fire_timers(&mut self, is_due: impl Fn(Millis) -> bool) {
        for _ in 0..MOST_TIMERS_AT_ONCE {
            if !self.deadline().is_some_and(&is_due) {
                return;
            }
            self.fire();
            self.settle();
        }
        debug_assert!(false, "a timer fires without effect in {:?}", self.phase);
    }

    fn fire(&mut self) {
        let now = self.now;
        if self.can_be_too_long() && now >= self.started + self.config.max_call_ms {
            return self.fail(FailReason::CallTooLong);
        }
        if let Some((token, started)) = self.sound.overdue(&self.config, now) {
            self.playback_ended(token, Ending::Overdue, started);
        }
        if let Some(event) = self.ears.timer(now) {
            self.on_speech(event);
        }
        match &mut self.phase {
            Phase::Thinking { since } if now >= *since + self.config.flow_timeout_ms => {
                self.fail(FailReason::FlowOverdue);
            }
            Phase::Listening { until } if now >= *until => self.nobody_answered(),
            Phase::Recognising { until, .. } if now >= *until => self.recognition_is_late(),
            Phase::CollectingDigits(collector) if now >= collector.deadline() => {
                let keys = collector.finish();
                self.answer_keys(keys);
            }
            Phase::HandingOver { until, .. } | Phase::Failing(Step::Transferring { until, .. }) if now >= *until => {
                self.transfer_is_late();
            }
            _ => {}
        }
    }

    /// Brings everything that follows from the state up to date: the next command, the tone, the end.
    fn settle(&mut self) {
        while self.state() == State::Thinking {
            let Some(command) = self.waiting.pop_front() else { break };
            self.start(command);
        }
        if self.state() != State::Ended {
            self.sound.settle(self.wait(), &self.config, self.now, &mut self.out);
        }
        self.end_if_closed();
    }

    fn wait(&self) -> Wait {
        Wait { ours: self.state().is_ours(), caller_speaking: self.ears.utterance().is_some() }
    }

    fn can_be_too_long(&self) -> bool {
        // A person who is being called may still come; what happens otherwise is decided afterwards.
        self.state().has_flow() && self.state() != State::HandingOver
    }

    /// Moves to another state. Every change of `phase` goes through here.
    pub(crate) fn enter(&mut self, phase: Phase) {
        let from = self.state();
        self.phase = phase;
        let to = self.state();
        if from.is_callers_turn() && !to.is_callers_turn() {
            self.sound.turn_begins(&self.config, self.now);
        }
        if to == State::Speaking {
            self.ears.mark();
        }
        if from != to {
            self.out.event(Event::StateChanged { from, to, at: self.now });
        }
    }

    // ---- inputs

    fn take(&mut self, input: Input) {
        if self.state() == State::Ended {
            return;
        }
        match input {
            Input::Tick => {}
            Input::Frame { speech } => {
                if let Some(event) = self.ears.frame(speech, self.now) {
                    self.on_speech(event);
                }
                self.check_voice_barge_in();
                self.hear_ahead();
            }
            Input::Digit(key) if is_key(key) => self.on_key(key),
            Input::Digit(_) => {}
            Input::Typed(text) if text.trim().is_empty() => {}
            Input::Typed(text) => self.on_typed(text),
            Input::Heard { token, text, confidence } => self.on_heard(token, &text, confidence),
            Input::HearingFailed { token } => self.on_hearing_failed(token),
            Input::PlaybackStarted { token } => {
                if self.sound.started(token, self.now) {
                    self.prompt_is_heard(self.now);
                }
            }
            Input::PlaybackDone { token } => {
                if let Some(asked) = self.sound.unreported_start(token) {
                    self.prompt_is_heard(asked);
                }
                self.playback_ended(token, Ending::Done, true);
            }
            Input::PlaybackFailed { token } => self.playback_ended(token, Ending::Failed, false),
            Input::Flow(command) => self.on_command(command),
            Input::FlowEnded(outcome) => self.on_flow_ended(outcome),
            Input::CallerHungUp => self.on_caller_hung_up(),
            Input::TakeOver { to, summary } => self.on_take_over(to, summary),
            Input::TransferResult { token, result } => self.on_transfer_result(token, result),
        }
    }

    fn on_command(&mut self, command: Command) {
        if !self.state().has_flow() {
            self.out.push(Output::Reply(Reply::HungUp));
        } else {
            self.waiting.push_back(command);
        }
    }

    fn on_flow_ended(&mut self, outcome: FlowOutcome) {
        self.flow_ended = true;
        if !self.state().has_flow() {
            return;
        }
        match outcome {
            FlowOutcome::Failed => self.fail(FailReason::FlowFailed),
            FlowOutcome::Finished if !self.flow_did_something => self.fail(FailReason::FlowDidNothing),
            FlowOutcome::Finished => self.close(EndReason::FlowFinished, 0),
        }
    }

    fn start(&mut self, command: Command) {
        self.flow_did_something = true;
        match command {
            Command::Say { text, .. } if text.trim().is_empty() => self.reply(Reply::Said(Said::Complete)),
            Command::Say { text, barge_in } => self.speak(Prompt::Text(text), Job::Say, barge_in),
            Command::Play { prompt, barge_in } => self.speak(Prompt::Recorded(prompt), Job::Recorded, barge_in),
            Command::Ask(question) => self.ask(question),
            Command::Transfer { to, summary } => self.transfer(to, summary),
            Command::HangUp => {
                self.out.push(Output::Reply(Reply::HungUp));
                self.close(EndReason::FlowHungUp, self.config.hang_up_grace_ms);
            }
        }
    }

    pub(crate) fn speak(&mut self, what: Prompt, job: Job, barge_in: BargeIn) {
        self.enter(Phase::Speaking { job, barge_in });
        self.sound.play(what, self.now, &mut self.out);
    }

    /// Answers the command in progress; the flow computes again.
    pub(crate) fn reply(&mut self, reply: Reply) {
        self.ask = None;
        self.ears.set_pause(self.config.pauses.free);
        self.out.push(Output::Reply(reply));
        self.enter(Phase::Thinking { since: self.now });
    }

    /// Answers every command of a flow that is out of the game.
    pub(crate) fn release_flow(&mut self) {
        self.ask = None;
        for _ in 0..usize::from(self.state().has_command()) + self.waiting.len() {
            self.out.push(Output::Reply(Reply::HungUp));
        }
        self.waiting.clear();
    }

    // ---- playback

    fn prompt_is_heard(&mut self, first_sample: Millis) {
        self.voice_failures = 0;
        self.spoken_since_answer = true;
        if let Some(turn) = self.turn.take() {
            self.out.event(Event::TurnTaken(Turn {
                end_of_speech: turn.end_of_speech,
                first_sample,
                pause_ms: turn.decided.since(turn.end_of_speech),
                machine_ms: first_sample.since(turn.decided),
                recognising_ms: turn.answered.since(turn.decided),
            }));
        }
    }

    fn playback_ended(&mut self, token: Token, how: Ending, heard: bool) {
        if !self.sound.ended(token, how, &self.config, self.now, &mut self.out) {
            return;
        }
        match self.phase {
            Phase::Speaking { job: Job::Ask, .. } if heard => self.question_was_heard(),
            Phase::Speaking { .. } if heard => self.reply(Reply::Said(Said::Complete)),
            Phase::Speaking { job, .. } => self.prompt_failed(job, how),
            Phase::Failing(step) => self.after_step(step),
            _ => {}
        }
    }

    fn prompt_failed(&mut self, job: Job, how: Ending) {
        self.voice_failures = self.voice_failures.saturating_add(1);
        if self.voice_failures >= self.config.max_voice_failures {
            return self.fail(FailReason::VoiceFailed);
        }
        let no_recording = job == Job::Recorded && how == Ending::Failed;
        self.reply(if no_recording { Reply::UnknownPrompt } else { Reply::VoiceFailed });
    }
}
