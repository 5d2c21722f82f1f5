//! A call in virtual time: plays prompts, recognises, transfers and runs a flow as told, and steps from one frame, event
//! or timer to the next. Nothing sleeps. It measures silence by what it played itself, not by what the call believes.
#![allow(dead_code)] // Each test binary uses its part of it.

use std::collections::{BTreeMap, VecDeque};

use call::{
    Answer, AnswerKind, BargeIn, Call, Command, Config, EndReason, Event, FRAME_MS, FlowOutcome, Input, Millis, Output,
    Prompt, Question, Reply, State, SystemPrompt, Token, TransferResult, Turn,
};

/// What becomes of a prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Playback {
    /// Starts after `start_ms`, lasts `ms`.
    Plays { start_ms: u64, ms: u64 },
    /// Fails after this long.
    Fails(u64),
    /// Nothing is ever heard of it.
    Vanishes,
}

/// What becomes of a recognition.
#[derive(Debug, Clone, PartialEq)]
pub enum Hearing {
    Words(u64, &'static str),
    Fails(u64),
    Vanishes,
}

/// What becomes of a transfer.
#[derive(Debug, Clone, PartialEq)]
pub enum Handing {
    After(u64, TransferResult),
    Vanishes,
}

/// What the flow does next, and how long it computes before.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    Command(Command),
    Ends(FlowOutcome),
    Hangs,
}

pub struct Harness {
    pub call: Call,
    pub now: Millis,
    /// Every output, with its moment.
    pub log: Vec<(Millis, Output)>,
    /// Whether the line has audio.
    pub frames: bool,
    /// When the caller speaks.
    pub speech: Vec<(u64, u64)>,
    /// Behaviour, one after the other; the last one repeats.
    pub playbacks: VecDeque<Playback>,
    pub hearings: VecDeque<Hearing>,
    pub handings: VecDeque<Handing>,
    pub deeds: VecDeque<(u64, Deed)>,
    pub commands: usize,
    pub worst_silence: (u64, Millis),
    agenda: BTreeMap<(Millis, u64), Input>,
    planned: u64,
    next_frame: Millis,
    playing: Option<Token>,
    audible: bool,
    tone: bool,
    connected: bool,
    caller_gone: bool,
    last_reason: Millis,
}

impl Harness {
    pub fn new(config: Config) -> Self {
        Harness {
            call: Call::new(config, Millis(0)),
            now: Millis(0),
            log: Vec::new(),
            frames: true,
            speech: Vec::new(),
            playbacks: [Playback::Plays { start_ms: 40, ms: 1_000 }].into(),
            hearings: [Hearing::Words(500, "да")].into(),
            handings: [Handing::After(2_000, TransferResult::Connected)].into(),
            deeds: VecDeque::new(),
            commands: 0,
            worst_silence: (0, Millis(0)),
            agenda: BTreeMap::new(),
            planned: 0,
            next_frame: Millis(FRAME_MS),
            playing: None,
            audible: false,
            tone: false,
            connected: false,
            caller_gone: false,
            last_reason: Millis(0),
        }
    }

    pub fn phone() -> Self {
        Harness::new(Config::default())
    }

    /// A call that has just asked `question` in the given way; its prompt lasts from 40 to 1040.
    pub fn asking(expects: AnswerKind, barge_in: BargeIn) -> Self {
        let mut h = Harness::phone();
        h.flow(ask(expects, barge_in));
        h
    }

    // ---- giving

    pub fn give(&mut self, input: Input) {
        if let Input::Flow(_) = input
            && self.call.state() != State::Ended
        {
            self.commands += 1;
        }
        self.caller_gone |= input == Input::CallerHungUp;
        match &input {
            Input::PlaybackStarted { token } if self.playing == Some(*token) => self.audible = true,
            Input::PlaybackDone { token } | Input::PlaybackFailed { token } if self.playing == Some(*token) => {
                (self.playing, self.audible) = (None, false);
            }
            Input::TransferResult { result: TransferResult::Connected, .. } => self.connected = true,
            _ => {}
        }
        self.call.handle(input, self.now);
        self.collect();
    }

    pub fn flow(&mut self, command: Command) {
        self.give(Input::Flow(command));
    }

    pub fn plan(&mut self, at: u64, input: Input) {
        self.planned += 1;
        self.agenda.insert((Millis(at).max(self.now), self.planned), input);
    }

    /// Plans the flow's next deed.
    pub fn next_deed(&mut self) {
        match self.deeds.pop_front() {
            Some((think, Deed::Command(command))) => self.plan(self.now.0 + think, Input::Flow(command)),
            Some((think, Deed::Ends(outcome))) => self.plan(self.now.0 + think, Input::FlowEnded(outcome)),
            Some((_, Deed::Hangs)) | None => {}
        }
    }

    // ---- running

    pub fn run_to(&mut self, until: u64) {
        let until = Millis(until);
        loop {
            let planned = self.agenda.keys().next().map(|key| key.0);
            let frame = self.frames.then_some(self.next_frame);
            let next = [planned, frame, self.call.deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            if self.call.state() == State::Ended {
                break;
            }
            self.pass(next);
            if planned == Some(next) {
                let (_, input) = self.agenda.pop_first().expect("it was just seen");
                self.give(input);
            } else if frame == Some(next) {
                self.next_frame = next + FRAME_MS;
                let speech = self.caller_speaks(next);
                self.give(Input::Frame { speech });
            } else {
                let before = self.call.deadline();
                self.give(Input::Tick);
                assert!(self.call.deadline() != before, "the timer at {next} had no effect in {:?}", self.call.state());
            }
        }
        self.pass(until.max(self.now));
    }

    /// Runs until the call is over; the time it took.
    pub fn run_to_end(&mut self, at_most: u64) -> Millis {
        self.run_to(at_most);
        assert_eq!(self.call.state(), State::Ended, "not over at {at_most}");
        self.log.last().expect("Ended is an output").0
    }

    fn caller_speaks(&self, frame_end: Millis) -> bool {
        self.speech.iter().any(|(from, to)| *from < frame_end.0 && frame_end.0 <= *to)
    }

    /// Time passes to `next`, in the state that the last inputs left.
    fn pass(&mut self, next: Millis) {
        let callers_turn =
            matches!(self.call.state(), State::Listening | State::CallerSpeaking | State::CollectingDigits);
        let nobody_waits = self.connected || self.caller_gone || self.call.state() == State::Ended;
        let speaking = self.frames && self.caller_speaks(self.now.max(Millis(1)));
        if callers_turn || nobody_waits || speaking || self.audible || self.tone {
            self.last_reason = next;
        }
        let silence = next.since(self.last_reason);
        if silence > self.worst_silence.0 {
            self.worst_silence = (silence, next);
        }
        self.now = next;
    }

    fn collect(&mut self) {
        while let Some(output) = self.call.poll() {
            self.log.push((self.now, output.clone()));
            match output {
                Output::Play { token, .. } => self.plan_playback(token),
                Output::StopPlayback { token } => {
                    assert_eq!(self.playing, Some(token), "stopped what does not play");
                    (self.playing, self.audible) = (None, false);
                    self.forget(|input| {
                        matches!(input, Input::PlaybackStarted { token: t } | Input::PlaybackDone { token: t } if *t == token)
                    });
                }
                Output::Hear { token, span } => {
                    assert!(span.from < span.to && span.to <= self.now, "an impossible span");
                    self.plan_hearing(token);
                }
                Output::Transfer { token, .. } => {
                    if let Handing::After(ms, result) = take_or_repeat(&mut self.handings) {
                        self.plan(self.now.0 + ms, Input::TransferResult { token, result });
                    }
                }
                Output::CancelTransfer { token } => {
                    self.forget(|input| matches!(input, Input::TransferResult { token: t, .. } if *t == token))
                }
                Output::ComfortTone(on) => {
                    assert_ne!(self.tone, on, "the tone is so already");
                    self.tone = on;
                }
                Output::Reply(_) => self.next_deed(),
                Output::HearAhead(span) => assert!(span.from < span.to && span.to <= self.now, "an impossible span"),
                Output::TakeCallback | Output::Ended(_) | Output::Event(_) => {}
            }
        }
    }

    fn plan_playback(&mut self, token: Token) {
        assert_eq!(self.playing, None, "two prompts at once");
        self.playing = Some(token);
        match take_or_repeat(&mut self.playbacks) {
            Playback::Plays { start_ms, ms } => {
                self.plan(self.now.0 + start_ms, Input::PlaybackStarted { token });
                self.plan(self.now.0 + start_ms + ms, Input::PlaybackDone { token });
            }
            Playback::Fails(ms) => self.plan(self.now.0 + ms, Input::PlaybackFailed { token }),
            Playback::Vanishes => {}
        }
    }

    fn plan_hearing(&mut self, token: Token) {
        match take_or_repeat(&mut self.hearings) {
            Hearing::Words(ms, text) => {
                self.plan(self.now.0 + ms, Input::Heard { token, text: text.into(), confidence: 0.9 });
            }
            Hearing::Fails(ms) => self.plan(self.now.0 + ms, Input::HearingFailed { token }),
            Hearing::Vanishes => {}
        }
    }

    fn forget(&mut self, what: impl Fn(&Input) -> bool) {
        self.agenda.retain(|_, input| !what(input));
    }

    // ---- looking

    pub fn state(&self) -> State {
        self.call.state()
    }

    pub fn at(&self, what: impl Fn(&Output) -> bool) -> Vec<u64> {
        self.log.iter().filter(|(_, output)| what(output)).map(|(at, _)| at.0).collect()
    }

    pub fn replies(&self) -> Vec<Reply> {
        let replies = self.log.iter().filter_map(|(_, output)| match output {
            Output::Reply(reply) => Some(reply.clone()),
            _ => None,
        });
        replies.collect()
    }

    /// Every prompt and when it was asked for.
    pub fn prompts(&self) -> Vec<(u64, Prompt)> {
        let prompts = self.log.iter().filter_map(|(at, output)| match output {
            Output::Play { what, .. } => Some((at.0, what.clone())),
            _ => None,
        });
        prompts.collect()
    }

    /// The spans of audio given to the recogniser.
    pub fn spans(&self) -> Vec<(u64, u64)> {
        let spans = self.log.iter().filter_map(|(_, output)| match output {
            Output::Hear { span, .. } => Some((span.from.0, span.to.0)),
            _ => None,
        });
        spans.collect()
    }

    pub fn tones(&self) -> Vec<(u64, bool)> {
        let tones = self.log.iter().filter_map(|(at, output)| match output {
            Output::ComfortTone(on) => Some((at.0, *on)),
            _ => None,
        });
        tones.collect()
    }

    pub fn turns(&self) -> Vec<Turn> {
        let turns = self.log.iter().filter_map(|(_, output)| match output {
            Output::Event(Event::TurnTaken(turn)) => Some(*turn),
            _ => None,
        });
        turns.collect()
    }

    pub fn end(&self) -> Option<EndReason> {
        match self.log.last() {
            Some((_, Output::Ended(reason))) => Some(*reason),
            _ => None,
        }
    }

    /// The token of the newest output that has one.
    pub fn newest_token(&self) -> Token {
        let tokens = self.log.iter().rev().find_map(|(_, output)| token_of(output));
        tokens.expect("no output had a token")
    }
}

pub fn token_of(output: &Output) -> Option<Token> {
    match output {
        Output::Play { token, .. } | Output::Hear { token, .. } | Output::Transfer { token, .. } => Some(*token),
        _ => None,
    }
}

fn take_or_repeat<T: Clone>(plan: &mut VecDeque<T>) -> T {
    if plan.len() > 1 { plan.pop_front() } else { plan.front().cloned() }.expect("a plan has at least one entry")
}

pub fn say(text: &str, barge_in: BargeIn) -> Command {
    Command::Say { text: text.into(), barge_in }
}

pub fn ask(expects: AnswerKind, barge_in: BargeIn) -> Command {
    Command::Ask(Question { id: "q".into(), text: "Вопрос?".into(), expects, barge_in, ..Question::default() })
}

pub fn transfer() -> Command {
    Command::Transfer { to: "doctor".into(), summary: "кошка, вопрос врачу".into() }
}

pub fn text(text: &str) -> Prompt {
    Prompt::Text(text.into())
}

pub fn system(prompt: SystemPrompt) -> Prompt {
    Prompt::System(prompt)
}

pub fn words(text: &str, confidence: f32) -> Reply {
    Reply::Answer(Answer::Speech { text: text.into(), confidence })
}

pub fn keys(keys: &str) -> Reply {
    Reply::Answer(Answer::Digits(keys.into()))
}

pub const SILENCE: Reply = Reply::Answer(Answer::Silence);
