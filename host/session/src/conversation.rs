//! What a spoken and a written call have in common: the call core, its flow, the turns that are written down, and
//! everything the core wants that is not sound.

use std::sync::Arc;
use std::time::Duration;

use call::{
    AnswerKind, Call, Command, EndReason, Event, Input, Millis, Output, Prompt, Span, SystemPrompt, Token,
    TransferResult,
};
use lines::Line;
use records::{CallEnd, CallRecord, Pii, Turn, Who};
use rollout::{CallResult, CallStart, Pinned};
use speech::Vocabulary;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

use crate::clock::Clock;
use crate::error::SessionError;
use crate::flow_side::{FlowSide, FromFlow};
use crate::inbox::{Arrived, Inbox, ToLoop};
use crate::meaning::own_words;
use crate::notice::{Next, Notice};
use crate::people::TransferCall;
use crate::port::{Done, LivePort};
use crate::stage::{HandedOver, Held, Setup, Stage};
use crate::tagging;
use crate::trace::{Trace, Tracer};

/// How long a flow may be silent after its call before it is left to itself.
const FLOW_OUTLIVES: Duration = Duration::from_secs(1);
/// How often it may still ask for something.
const MOST_LAST_WORDS: u32 = 1_000;

/// What is left for the medium to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// Say this.
    Play { token: Token, text: Spoken },
    /// Stop saying it.
    StopPlayback { token: Token },
    /// Recognise a span of the caller's audio.
    Hear { token: Token, span: Span },
    /// The same, which may be asked for soon.
    HearAhead(Span),
    /// The line-is-alive tone.
    ComfortTone(bool),
}

/// What a prompt is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Spoken {
    Text(String),
    Recorded(String),
}

/// What was heard or read of the caller.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) text: String,
    pub(crate) from: Millis,
    pub(crate) to: Millis,
    /// The recogniser's; none for typed words.
    pub(crate) confidence: Option<f32>,
}

/// One call in progress.
pub(crate) struct Conversation {
    stage: Stage,
    /// The version that holds the call, until it is over; none when no route leads anywhere.
    pinned: Option<Pinned>,
    run: CallStart,
    setup: Setup,
    core: Call,
    flow: FlowSide,
    notice: Notice,
    clock: Clock,
    done: Done,
    turns: TurnWriter,
    tracer: Tracer,
    answered: Vec<call::Turn>,
    /// The times of the turn that the prompt now starting answers, for its record.
    latency_ms: Option<i64>,
    end: Option<EndReason>,
    /// Words of the caller, oldest first, not yet taken for an answer.
    words: Vec<Words>,
    /// The question on its way to the caller: `(id, text)`.
    question: Option<(String, String)>,
    /// Answers to it that can be offered to whoever reads it.
    choices: Vec<String>,
    /// The house took over from the flow.
    failed: bool,
    background: Vec<JoinHandle<()>>,
    /// Where what takes its time is done.
    runtime: Handle,
    to_loop: ToLoop,
    /// The caller's line, for transfers.
    line: Option<Arc<dyn Line>>,
    transfer: Option<Transfer>,
    handed: Option<HandedOver>,
}

/// A transfer under way.
struct Transfer {
    token: Token,
    wanted: HandedOver,
    task: AbortHandle,
}

impl Conversation {
    /// Write the call down and start its flow. What arrives in the inbox is the medium's to hand on.
    pub(crate) async fn start(
        stage: &Stage,
        setup: Setup,
        config: call::Config,
        tracer: Tracer,
    ) -> Result<(Conversation, Inbox), SessionError> {
        let clinic = stage.desk.clinic();
        let mut record = CallRecord::live(&setup.id, &clinic.id, &clinic.timezone, setup.started_ms());
        record.answered_ms = Some(setup.started_ms());
        record.direction = setup.direction;
        record.line = Some(setup.line.clone());
        record.caller = setup.caller.clone().map(Pii::from);
        record.agent = Some("robot".into());
        record.queue_wait_ms = Some(0);
        let pinned = stage.flows.pick(&clinic.id, setup.entry, &setup.id);
        record.flow_digest = pinned.as_ref().map(|pinned| pinned.digest().to_owned());
        stage.store.start_call(&record).await?;
        let run = CallStart { call: setup.id.clone(), seed: setup.seed, started_ms: setup.started_ms() };
        if let Some(pinned) = &pinned
            && let Err(error) = stage.flows.began(pinned, &run).await
        {
            tracing::error!(call = setup.id, %error, "the run of a flow could not be written down");
        }

        let clock = Clock::new(setup.started.clone());
        let done = Done::default();
        let (to_loop, inbox) = mpsc::unbounded_channel();
        let flow = match &pinned {
            Some(pinned) => {
                let (stage, clock, done) = (stage.clone(), clock.clone(), done.clone());
                let port =
                    LivePort::new(stage.clone(), &setup, &pinned.flow, clock, done, to_loop.clone(), tracer.clone());
                FlowSide::start(&stage, &setup, pinned, port, to_loop.clone())
            }
            None => {
                tracing::error!(clinic = clinic.id, entry = setup.entry.as_str(), "no flow answers here");
                FlowSide::none(to_loop.clone())
            }
        };
        let conversation = Conversation {
            notice: Notice::new(&clinic.recording_notice, setup.recording.is_some()),
            turns: TurnWriter::start(stage.store.clone(), setup.id.clone()),
            stage: stage.clone(),
            pinned,
            run,
            setup,
            core: Call::new(config, Millis(0)),
            flow,
            clock,
            done,
            tracer,
            answered: Vec::new(),
            latency_ms: None,
            end: None,
            words: Vec::new(),
            question: None,
            choices: Vec::new(),
            failed: false,
            background: Vec::new(),
            runtime: Handle::current(),
            to_loop,
            line: None,
            transfer: None,
            handed: None,
        };
        Ok((conversation, inbox))
    }

    /// Something happened.
    pub(crate) fn handle(&mut self, input: Input, now: Millis) {
        self.clock.set(now);
        if input == Input::CallerHungUp {
            self.done.caller_is_gone();
        }
        self.core.handle(input, now);
    }

    /// The flow sent something.
    pub(crate) fn flow_sent(&mut self, from: FromFlow, now: Millis) {
        match from {
            FromFlow::Wants(command, reply) => {
                self.flow.owes(reply);
                if self.end.is_some() {
                    return self.flow.reply(call::Reply::HungUp);
                }
                if let Command::Ask(question) = &command {
                    self.question = Some((question.id.clone(), question.text.clone()));
                    self.choices = choices(question);
                }
                let command = self.notice.before(command);
                self.handle(Input::Flow(command), now);
            }
            FromFlow::Ended(report) => {
                let outcome = match report.end {
                    flows::FlowEnd::Finished => call::FlowOutcome::Finished,
                    flows::FlowEnd::GaveUp(_) | flows::FlowEnd::Trapped { .. } => call::FlowOutcome::Failed,
                };
                if let flows::FlowEnd::Trapped { kind, .. } = &report.end {
                    tracing::warn!(
                        call = self.setup.id,
                        flow = self.pinned.as_ref().map(Pinned::digest),
                        ?kind,
                        "the flow was stopped"
                    );
                }
                self.flow.ended(report);
                self.handle(Input::FlowEnded(outcome), now);
            }
        }
    }

    /// What arrived that has nothing to do with sound.
    pub(crate) fn arrived(&mut self, arrived: Arrived, now: Millis) {
        match arrived {
            Arrived::Flow(from) => self.flow_sent(from, now),
            Arrived::Transferred(token, result) => self.transferred(token, result, now),
            Arrived::TakenOver { to, summary } => {
                self.tracer.send(Trace::Did("звонок забирает человек".to_owned()));
                self.handle(Input::TakeOver { to, summary }, now);
            }
            Arrived::Sound(_) | Arrived::Heard { .. } => {}
        }
    }

    /// The call is over: what its flow still asks is answered with a hang-up until it ends, for a second at most.
    pub(crate) async fn outlive_flow(&mut self, inbox: &mut Inbox, now: Millis) {
        for _ in 0..MOST_LAST_WORDS {
            if self.flow.report.is_some() {
                return;
            }
            match tokio::time::timeout(FLOW_OUTLIVES, inbox.recv()).await {
                Ok(Some(arrived)) => self.arrived(arrived, now),
                Ok(None) | Err(_) => return,
            }
            // Replies to what it asked; nothing else is left to do.
            while self.next_act(now).is_some() {}
        }
    }

    /// The next thing to do in sound; everything else the core wanted until then has been done.
    pub(crate) fn next_act(&mut self, now: Millis) -> Option<Act> {
        while let Some(output) = self.core.poll() {
            match output {
                Output::Play { token, what } => {
                    self.notice.plays(token, &what);
                    return Some(Act::Play { token, text: self.spoken(what) });
                }
                Output::StopPlayback { token } => return Some(Act::StopPlayback { token }),
                Output::Hear { token, span } => return Some(Act::Hear { token, span }),
                Output::HearAhead(span) => return Some(Act::HearAhead(span)),
                Output::ComfortTone(on) => return Some(Act::ComfortTone(on)),
                Output::Reply(reply) => match self.notice.after(reply) {
                    Next::Command(command) => self.handle(Input::Flow(command), now),
                    Next::Reply(reply) => {
                        if let call::Reply::Answer(call::Answer::Speech { text, .. }) = &reply {
                            self.answer_counts(text);
                        }
                        self.flow.reply(reply);
                    }
                },
                Output::Transfer { token, to, summary } => self.transfer(token, to, summary),
                Output::CancelTransfer { token } => {
                    if let Some(given_up) = self.transfer.take_if(|transfer| transfer.token == token) {
                        given_up.task.abort();
                    }
                }
                Output::TakeCallback => self.take_callback(),
                Output::Event(event) => self.event(event),
                Output::Ended(reason) => {
                    self.end = Some(reason);
                    self.tracer.send(Trace::Ended(reason));
                }
            }
        }
        None
    }

    /// Ask the people, beside the loop.
    fn transfer(&mut self, token: Token, to: String, summary: String) {
        let call = TransferCall {
            id: self.setup.id.clone(),
            clinic: Arc::clone(self.stage.desk.clinic()),
            channel: self.setup.channel,
            to: to.clone(),
            summary: summary.clone(),
            caller: self.setup.caller.clone(),
            at: self.clock.now().timestamp(),
            line: self.line.clone(),
        };
        let (people, to_loop) = (Arc::clone(&self.stage.people), self.to_loop.clone());
        let task = self.runtime.spawn(async move {
            let result = people.transfer(&call).await;
            to_loop.send(Arrived::Transferred(token, result)).ok();
        });
        let wanted = HandedOver { to, summary };
        self.transfer = Some(Transfer { token, wanted, task: task.abort_handle() });
    }

    /// The people have answered.
    pub(crate) fn transferred(&mut self, token: Token, result: TransferResult, now: Millis) {
        let Some(transfer) = self.transfer.take_if(|transfer| transfer.token == token) else { return };
        if result == TransferResult::Connected {
            self.tracer.send(Trace::Did(format!("соединение: {}", transfer.wanted.to)));
            self.handed = Some(transfer.wanted);
        }
        self.handle(Input::TransferResult { token, result }, now);
    }

    /// Does the call wait for people?
    pub(crate) fn transfers(&self) -> bool {
        self.transfer.is_some()
    }

    /// Where what is done beside the loop reports.
    pub(crate) fn to_loop(&self) -> ToLoop {
        self.to_loop.clone()
    }

    /// The line the caller is on.
    pub(crate) fn on_line(&mut self, line: Option<Arc<dyn Line>>) {
        self.line = line;
    }

    /// How the call ended, and with whom the caller is now.
    pub(crate) fn parted(&self) -> (EndReason, Option<HandedOver>) {
        let end = self.end.unwrap_or(EndReason::CallerHungUp);
        (end, self.handed.clone().filter(|_| end == EndReason::Transferred))
    }

    /// The flow failed and nobody is there: a promise is written down all the same.
    fn take_callback(&mut self) {
        let Some(phone) = self.setup.caller.clone() else { return };
        let (desk, call, now) = (self.stage.desk.clone(), self.setup.id.clone(), self.clock.now().timestamp());
        let done = self.done.clone();
        self.background.push(self.runtime.spawn(async move {
            let request = desk::CallbackRequest {
                phone: phone.into(),
                person: "".into(),
                reason: "Разговор с роботом не получился".into(),
                at: None,
            };
            match desk.request_callback(&request, Some(&call), now).await {
                Ok(_) => done.set_outcome(records::Outcome::Callback),
                Err(error) => tracing::error!(call, %error, "a call-back could not be written down"),
            }
        }));
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::TurnTaken(turn) => {
                self.answered.push(turn);
                self.latency_ms = i64::try_from(turn.response_ms()).ok();
                self.tracer.send(Trace::Answered(turn));
            }
            Event::BargeIn { at, .. } => self.tracer.send(Trace::BargeIn { at }),
            Event::Failing { why, .. } => {
                tracing::warn!(call = self.setup.id, ?why, "handing over to a person");
                self.tracer.send(Trace::Failing(why));
                self.failed = true;
            }
            Event::StateChanged { .. } | Event::SpeechMerged { .. } | Event::NothingHeard { .. } => {}
        }
    }

    fn spoken(&self, prompt: Prompt) -> Spoken {
        match prompt {
            Prompt::Text(text) => Spoken::Text(text),
            Prompt::Recorded(name) => Spoken::Recorded(name),
            // Who hides the number cannot be called, and must not be promised it.
            Prompt::System(SystemPrompt::WillCallBack) if self.setup.caller.is_none() => Spoken::Text(
                "Сейчас никто не может ответить. Пожалуйста, позвоните нам ещё раз. До свидания!".to_owned(),
            ),
            Prompt::System(system) => Spoken::Text(self.notice.with(system, system_text(system))),
        }
    }

    /// The robot began to say this.
    pub(crate) fn robot_says(&mut self, text: &str, from: Millis) {
        self.tracer.send(Trace::Robot { at: from, text: text.to_owned() });
    }

    /// The robot has said this, or as much of it as was heard.
    pub(crate) fn robot_said(&mut self, text: &str, from: Millis, to: Millis) {
        self.turns.write(Who::Agent, text, from, to, None, self.latency_ms.take());
    }

    /// These words came from the caller. They count once the core takes them for the answer: a caller who goes on
    /// speaking is heard again from the start.
    pub(crate) fn caller_said(&mut self, words: Words) {
        self.words.push(words);
    }

    fn answer_counts(&mut self, answer: &str) {
        let Some(last) = self.words.len().checked_sub(1) else { return };
        let place = self.words.iter().position(|words| words.text.trim() == answer.trim()).unwrap_or(last);
        // What came before it was a part of it, heard again since.
        let Some(Words { text, from, to, confidence }) = self.words.drain(..=place).next_back() else { return };
        self.turns.write(Who::Caller, &text, from, to, confidence.map(f64::from), None);
        self.tracer.send(Trace::Caller { at: from, text, confidence });
    }

    /// The caller pressed a key.
    pub(crate) fn key(&mut self, digit: char, now: Millis) {
        self.tracer.send(Trace::Keys { at: now, keys: digit.to_string() });
        self.handle(Input::Digit(digit), now);
    }

    /// The question whose answer is being waited for, once.
    pub(crate) fn take_question(&mut self) -> Option<(String, String)> {
        let listening = matches!(self.core.state(), call::State::Listening);
        if listening { self.question.take() } else { None }
    }

    /// Answers to that question, where there are few; once.
    pub(crate) fn take_choices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.choices)
    }

    /// One line on what the answer is likely to be about: it biases recognition towards the words of the trade.
    pub(crate) fn topic(&self, expects: AnswerKind) -> String {
        let clinic = self.stage.desk.clinic();
        match expects {
            AnswerKind::DateTime => "Сегодня, завтра, послезавтра, понедельник, вторник, среда, четверг, пятница, \
                суббота, воскресенье. Утром, днём, вечером, после обеда, в десять часов."
                .to_owned(),
            AnswerKind::YesNo => "Да. Нет. Верно. Неверно.".to_owned(),
            AnswerKind::Phone | AnswerKind::Digits => {
                "Плюс семь, девятьсот пять, двести десять, сорок, ноль три.".to_owned()
            }
            AnswerKind::PersonName => "Меня зовут Иван Петрович. Смирнова Мария.".to_owned(),
            AnswerKind::Animal => "Собака Рекс, овчарка. Кот Барсик. Попугай Кеша.".to_owned(),
            AnswerKind::Choice => "Первое. Второе. Третье. Любое. К любому врачу.".to_owned(),
            AnswerKind::Free => {
                let services: Vec<&str> = clinic.services.iter().take(8).map(|service| service.name.as_str()).collect();
                format!("Звонок в клинику. Записаться к врачу, отменить запись, узнать. {}.", services.join(", "))
            }
        }
    }

    /// The clinic's own words, where the answer may hold them.
    pub(crate) fn vocabulary(&self, expects: AnswerKind) -> Option<Arc<Vocabulary>> {
        if !matches!(expects, AnswerKind::Free | AnswerKind::Choice) {
            return None;
        }
        Some(own_words(self.stage.meaning.profile()))
    }

    /// Does the call wait for the flow?
    pub(crate) fn flow_thinks(&self) -> bool {
        self.flow.thinking
    }

    /// A prompt was played to its end, all of it. True if the caller knows now that the call is recorded.
    pub(crate) fn heard(&mut self, token: Token) -> bool {
        self.notice.heard(token)
    }

    /// There is no recording after all.
    pub(crate) fn not_recorded(&mut self) {
        self.setup.recording = None;
        self.notice.not_needed();
    }

    /// When the core wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.core.deadline()
    }

    pub(crate) fn ended(&self) -> bool {
        self.end.is_some()
    }

    /// Write down what came of the call, and tag it.
    pub(crate) async fn finish(mut self, now: Millis) -> Result<Held, SessionError> {
        if let Some(transfer) = self.transfer.take() {
            transfer.task.abort();
        }
        for task in self.background.drain(..) {
            task.await.ok();
        }
        self.turns.finish().await;
        let (end, handed_over) = self.parted();
        let mut outcome = self.done.outcome();
        if outcome.is_none() && end == EndReason::Transferred {
            outcome = Some(records::Outcome::Transferred);
        }
        let close = CallEnd {
            ended_ms: self.setup.started_ms() + i64::try_from(now.0).unwrap_or_default(),
            outcome: Some(outcome.unwrap_or(records::Outcome::Nothing)),
            end_reason: Some(end_name(end).to_owned()),
            ..CallEnd::default()
        };
        self.stage.store.end_call(&self.setup.id, &close).await?;
        self.run_ended(close.ended_ms, close.outcome).await;
        let category = match self.done.category() {
            Some(category) => Some(category),
            None => tagging::tag_call(&self.stage, &self.setup.id).await?.map(|tag| tag.category),
        };
        Ok(Held {
            id: self.setup.id,
            end,
            flow: self.flow.report,
            outcome: close.outcome,
            category,
            turns: self.answered,
            duration_ms: now.0,
            recording: self.setup.recording,
            handed_over,
        })
    }
}

impl Conversation {
    /// What the version did is written down, and the guard looks at it.
    async fn run_ended(&mut self, ended_ms: i64, outcome: Option<records::Outcome>) {
        let Some(pinned) = self.pinned.take() else { return };
        let handed_over = outcome == Some(records::Outcome::Transferred) || self.failed;
        let result = match &self.flow.report {
            Some(report) => CallResult::of(self.run.clone(), ended_ms, report, handed_over),
            // The flow outlived its caller and was dropped: its journal stops where it was parked.
            None => CallResult {
                start: self.run.clone(),
                ended_ms,
                end: None,
                trapped: false,
                handed_over,
                cpu_ms: 0.0,
                memory_bytes: 0,
                host_calls: 0,
            },
        };
        if let Err(error) = self.stage.flows.ended(&pinned, &result).await {
            tracing::error!(call = self.setup.id, %error, "the end of a flow's run could not be written down");
        }
    }
}

/// What the house says by itself, whatever the flow.
fn system_text(prompt: SystemPrompt) -> &'static str {
    match prompt {
        SystemPrompt::HandingOver => "Соединяю вас с сотрудником клиники.",
        SystemPrompt::WillCallBack => "Сейчас никто не может ответить. Мы обязательно вам перезвоним. До свидания!",
        SystemPrompt::Goodbye => "До свидания!",
        SystemPrompt::StillThere => "Вы ещё на линии?",
        SystemPrompt::PleaseHold => "Одну минуту, пожалуйста.",
    }
}

fn end_name(end: EndReason) -> &'static str {
    match end {
        EndReason::CallerHungUp => "caller-hung-up",
        EndReason::FlowHungUp => "flow-hung-up",
        EndReason::FlowFinished => "flow-finished",
        EndReason::Transferred => "transferred",
        EndReason::CallBackTaken => "call-back-taken",
        EndReason::TooLong => "too-long",
    }
}

/// Writes turns down beside the media loop, in order.
struct TurnWriter {
    /// None once the call is over.
    turns: Option<mpsc::UnboundedSender<Turn>>,
    task: JoinHandle<()>,
    call: String,
    seq: i64,
}

impl TurnWriter {
    fn start(store: records::Store, call: String) -> TurnWriter {
        let (turns, mut received) = mpsc::unbounded_channel::<Turn>();
        let task = tokio::spawn(async move {
            while let Some(turn) = received.recv().await {
                let call = turn.call.clone();
                if let Err(error) = store.add_turn(turn).await {
                    tracing::error!(call, %error, "a turn could not be written down");
                }
            }
        });
        TurnWriter { turns: Some(turns), task, call, seq: 0 }
    }

    fn write(&mut self, who: Who, text: &str, from: Millis, to: Millis, confidence: Option<f64>, latency: Option<i64>) {
        let ms = |at: Millis| i64::try_from(at.0).unwrap_or(i64::MAX);
        let turn = Turn {
            call: self.call.clone(),
            seq: self.seq,
            who,
            text: Pii::from(text.to_owned()),
            start_ms: ms(from),
            end_ms: ms(to),
            confidence,
            latency_ms: latency,
        };
        self.seq += 1;
        if let Some(turns) = &self.turns {
            turns.send(turn).ok();
        }
    }

    async fn finish(&mut self) {
        self.turns = None;
        (&mut self.task).await.ok();
    }
}

/// More buttons than this are a list to search.
const MOST_CHOICES: usize = 8;

/// What a question can be answered with, word for word. Hints of an open question only help recognition.
fn choices(question: &call::Question) -> Vec<String> {
    match question.expects {
        AnswerKind::YesNo => vec!["Да".to_owned(), "Нет".to_owned()],
        AnswerKind::Choice | AnswerKind::DateTime if question.hints.len() <= MOST_CHOICES => question.hints.clone(),
        _ => Vec::new(),
    }
}
