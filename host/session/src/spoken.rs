//! A call at a door with audio: the media loop.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use audio::{FRAME_MS, Pcm};
use call::{EndReason, Input, Millis, Span, Token};
use lines::{Beat, Door, FRAME_SAMPLES, LINE_RATE, Pace, Paced, Pacer, Received};
use records::CallEnd;
use speech::recogniser::{Listen, Mode, Transcript};
use speech::voice::Mouth;
use speech::{Ears, Priority, SpeechError};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::act::{Leg, perform};
use crate::conversation::{Act, Conversation, Words};
use crate::ear::Ear;
use crate::error::SessionError;
use crate::inbox::{self, Arrived, Inbox, ToLoop};
use crate::kept::Kept;
use crate::music;
use crate::playback::{Playback, Step, Voice};
use crate::recorder::Studio;
use crate::stage::{HandedOver, Held, Setup, Stage};
use crate::trace::Tracer;

/// What spoken calls share: ears, mouth, the clock, the recorder. Cheap to clone.
#[derive(Clone)]
pub struct Hearing {
    /// Recognition.
    pub ears: Ears,
    /// The robot's voice.
    pub mouth: Arc<Mouth>,
    /// The clock of calls at telephones. Simulated calls keep their own time.
    pub pacer: Pacer,
    /// Writes the recordings.
    pub studio: Studio,
    /// What callers hear while they wait, 8 kHz.
    pub music: Arc<Pcm>,
    pub(crate) voice: Voice,
}

impl Hearing {
    /// Ears and mouth, with a clock, a recorder and music of their own.
    pub fn new(ears: Ears, mouth: Arc<Mouth>) -> Hearing {
        Hearing::with_pacer(ears, mouth, Pacer::start(Hearing::shards()))
    }

    /// The same on a given clock.
    pub fn with_pacer(ears: Ears, mouth: Arc<Mouth>, pacer: Pacer) -> Hearing {
        let voice = Voice::new(Arc::clone(&mouth));
        Hearing { ears, mouth, pacer, studio: Studio::start(), music: music::tune(), voice }
    }

    /// Shards for this machine: a busy neighbour on one core must not hold up every call.
    pub fn shards() -> usize {
        std::thread::available_parallelism().map_or(4, usize::from).saturating_mul(2).clamp(4, 16)
    }
}

/// The robot has done its part; the line is open still, unless the caller is gone.
pub struct Robot {
    /// How its part ended. The caller is gone after [`EndReason::CallerHungUp`].
    pub end: EndReason,
    /// Whom the caller was handed to.
    pub handed_over: Option<HandedOver>,
    /// The line and the running recording, for the next act, or to hang up.
    pub leg: Leg,
    /// The call is being written down and tagged. Wait for it before anything else is written of the call's end.
    pub held: JoinHandle<Result<Held, SessionError>>,
}

/// Hold one call at a door, from answer to hang-up.
///
/// # Errors
///
/// [`SessionError`] when the call cannot be written down; what happens within the call never ends it here.
pub async fn spoken(
    stage: &Stage,
    setup: Setup,
    door: Box<dyn Door>,
    hearing: Hearing,
    tracer: Tracer,
) -> Result<Held, SessionError> {
    let robot = robot(stage, setup, door, &hearing, tracer).await?;
    let kept = robot.leg.hang_up().await?;
    let held = robot.held.await.map_err(|_| SessionError::Broken)?;
    held.map(|held| Held { recording: held.recording.filter(|_| kept), ..held })
}

/// Hold the robot's part of a call, and hand the line back: for calls that go on with a person.
///
/// # Errors
///
/// [`SessionError`] when the call cannot be written down, or its media loop broke; the line is gone then.
pub async fn robot(
    stage: &Stage,
    setup: Setup,
    door: Box<dyn Door>,
    hearing: &Hearing,
    tracer: Tracer,
) -> Result<Robot, SessionError> {
    let recording = match &setup.recording {
        Some(path) => Some(hearing.studio.record(path).await),
        None => None,
    };
    let (id, started_ms, pace, live) = (setup.id.clone(), setup.started_ms(), door.pace(), setup.live.clone());
    let (mut conversation, inbox) = Conversation::start(stage, setup, config(pace), tracer).await?;
    conversation.on_line(door.line());
    let recording = match recording.transpose() {
        Ok(recording) => recording.map(|recording| recording.heard_by(live.clone())),
        Err(error) => {
            // The caller is worth more than the recording.
            tracing::error!(call = id, %error, "the call is not recorded");
            conversation.not_recorded();
            None
        }
    };
    let to_loop = conversation.to_loop();
    live.robot_begins(to_loop.clone());
    let media = Media {
        playback: Playback::new(hearing.voice.clone(), to_loop.clone()),
        leg: Leg::new(door, recording),
        conversation,
        ears: hearing.ears.clone(),
        runtime: Handle::current(),
        inbox,
        to_loop,
        hearing: 0,
        ahead: None,
        ear: Ear::new(),
        kept: Kept::new(),
        caller_gone: false,
    };
    let media = match pace {
        Pace::Simulated => Some(simulate(media).await),
        Pace::RealTime => perform(&hearing.pacer, media).await,
    };
    live.robot_left();
    let Some(mut media) = media else {
        let end = CallEnd {
            ended_ms: jiff::Timestamp::now().as_millisecond().max(started_ms),
            outcome: Some(records::Outcome::Nothing),
            end_reason: Some("broken".to_owned()),
            ..CallEnd::default()
        };
        stage.store.end_call(&id, &end).await?;
        return Err(SessionError::Broken);
    };
    let now = media.leg.at;
    if let Some(heard) = media.playback.cut() {
        media.conversation.robot_said(&heard.text, heard.from, now);
    }
    let (end, handed_over) = media.conversation.parted();
    let Media { mut conversation, mut inbox, leg, .. } = media;
    let held = tokio::spawn(async move {
        conversation.outlive_flow(&mut inbox, now).await;
        conversation.finish(now).await
    });
    Ok(Robot { end, handed_over, leg, held })
}

/// Voice activity is certain of speech up to 400 ms after it began; recognition gets what came before. A simulated
/// caller does not hang up on a slow machine: they wait as long as recognition takes, and the figures show it.
fn config(pace: Pace) -> call::Config {
    let telephone = call::Config { pre_roll_ms: 500, ..call::Config::default() };
    match pace {
        Pace::RealTime => telephone,
        Pace::Simulated => call::Config { recognise_timeout_ms: 60_000, flow_timeout_ms: 60_000, ..telephone },
    }
}

struct Media {
    conversation: Conversation,
    playback: Playback,
    leg: Leg,
    ears: Ears,
    runtime: Handle,
    inbox: Inbox,
    to_loop: ToLoop,
    /// Recognitions under way.
    hearing: usize,
    ahead: Option<Ahead>,
    ear: Ear,
    kept: Kept,
    caller_gone: bool,
}

/// Speech that is being heard before its end is certain.
struct Ahead {
    span: Span,
    task: JoinHandle<Result<Transcript, SpeechError>>,
}

/// A caller who is not there keeps their own time: as fast as frames can be handled, and the clock's while they wait for
/// us, so that measured latencies are true.
async fn simulate(mut media: Media) -> Media {
    let mut due = Instant::now();
    loop {
        while let Ok(arrived) = media.inbox.try_recv() {
            media.arrived(arrived);
        }
        if media.frame() == Beat::Over {
            return media;
        }
        if !media.waits() {
            due = Instant::now();
            tokio::task::yield_now().await;
            continue;
        }
        due += Duration::from_millis(u64::from(FRAME_MS));
        if Instant::now().saturating_duration_since(due) > lines::pacer::SKIP_AFTER {
            due = Instant::now();
        }
        tokio::select! {
            () = sleep_until(due) => {}
            Some(arrived) = media.inbox.recv() => {
                media.arrived(arrived);
                sleep_until(due).await;
            }
        }
    }
}

impl Paced for Media {
    fn poll(&mut self, context: &mut Context<'_>) {
        while let Ok(arrived) = inbox::next(&mut self.inbox, context) {
            self.arrived(arrived);
        }
    }

    /// 20 ms of the call, both directions.
    fn frame(&mut self) -> Beat {
        self.leg.at.0 += u64::from(FRAME_MS);
        let now = self.leg.at;
        let received = self.receive(now);
        let speech = self.ear.hear(&received.audio);
        for digit in received.digits {
            self.conversation.key(digit, now);
        }
        self.conversation.handle(Input::Frame { speech }, now);
        self.act(now);
        let (robot, step) = self.playback.frame(now);
        self.leg.door.send(&robot);
        self.ear.sent(&robot);
        if let Some(recording) = &mut self.leg.recording {
            recording.push(&received.audio, &robot);
        }
        self.played(step, now);
        self.act(now);
        if let Some((id, text)) = self.conversation.take_question() {
            self.leg.door.question(&id, &text);
        }
        if self.conversation.ended() { Beat::Over } else { Beat::On }
    }

    fn skipped(&mut self, frames: u64) {
        self.leg.door.skipped(frames);
    }
}

impl Media {
    /// Does the caller wait for us?
    fn waits(&self) -> bool {
        let hears = self.hearing > 0 || self.ahead.as_ref().is_some_and(|ahead| !ahead.task.is_finished());
        self.conversation.flow_thinks() || self.conversation.transfers() || hears || self.playback.waits()
    }

    fn arrived(&mut self, arrived: Arrived) {
        let now = self.leg.at;
        match arrived {
            Arrived::Sound(prepared) => self.playback.arrived(prepared),
            Arrived::Heard { token, from, to, result } => {
                self.hearing -= 1;
                match result {
                    Ok(transcript) => {
                        let text = transcript.text.trim().to_owned();
                        if !text.is_empty() {
                            let confidence = Some(transcript.confidence);
                            self.conversation.caller_said(Words { text: text.clone(), from, to, confidence });
                        }
                        self.conversation.handle(Input::Heard { token, text, confidence: transcript.confidence }, now);
                    }
                    Err(error) => {
                        tracing::error!(%error, "recognition failed");
                        self.conversation.handle(Input::HearingFailed { token }, now);
                    }
                }
            }
            other @ (Arrived::Flow(_) | Arrived::Transferred(..) | Arrived::TakenOver { .. }) => {
                self.conversation.arrived(other, now);
            }
        }
        self.act(now);
    }

    fn receive(&mut self, now: Millis) -> Received {
        let received = match self.leg.door.receive() {
            Some(received) => received,
            None => {
                if !self.caller_gone {
                    self.caller_gone = true;
                    self.conversation.handle(Input::CallerHungUp, now);
                }
                Received::silence()
            }
        };
        self.kept.push(&received.audio, self.ear.speech());
        received
    }

    fn played(&mut self, step: Step, now: Millis) {
        for input in step.inputs {
            self.conversation.handle(input, now);
        }
        if let Some(text) = step.began {
            // After the core has measured the turn that this prompt answers.
            self.act(now);
            self.conversation.robot_says(&text, now);
        }
        if let Some(heard) = step.ended {
            self.conversation.robot_said(&heard.text, heard.from, now);
            // From the next frame on.
            if !step.broken
                && self.conversation.heard(heard.token)
                && let Some(recording) = &mut self.leg.recording
            {
                recording.notice_was_heard();
            }
        }
    }

    fn act(&mut self, now: Millis) {
        while let Some(act) = self.conversation.next_act(now) {
            match act {
                Act::Play { token, text } => {
                    if let Some(heard) = self.playback.cut() {
                        self.conversation.robot_said(&heard.text, heard.from, now);
                    }
                    self.playback.play(token, text);
                }
                Act::StopPlayback { token } => {
                    if let Some(heard) = self.playback.stop(token) {
                        self.leg.door.flush();
                        self.conversation.robot_said(&heard.text, heard.from, now);
                    }
                }
                Act::Hear { token, span } => self.hear(token, span),
                Act::HearAhead(span) => self.hear_ahead(span),
                Act::ComfortTone(on) => self.playback.comfort(on),
            }
        }
    }

    /// Recognise a span of the caller's audio, beside the loop; what was begun ahead is waited for.
    fn hear(&mut self, token: Token, span: Span) {
        let begun = self.ahead.take_if(|ahead| ahead.span == span);
        self.forget_ahead();
        let (from, to) = (span.from, span.to);
        let (audio, listen) = self.to_hear(&span);
        let (ears, to_loop) = (self.ears.clone(), self.to_loop.clone());
        self.hearing += 1;
        self.runtime.spawn(async move {
            let result = match begun {
                Some(ahead) => ahead.task.await.unwrap_or(Err(SpeechError::Closed)),
                None => ears.hear(audio, listen, Priority::Live).await,
            };
            to_loop.send(Arrived::Heard { token, from, to, result }).ok();
        });
    }

    /// The caller may have finished; most have. Where the ears have nothing better to do, they begin.
    fn hear_ahead(&mut self, span: Span) {
        self.forget_ahead();
        let (audio, listen) = self.to_hear(&span);
        self.ahead = self.ears.hear_ahead(audio, listen).map(|begun| {
            let task = self.runtime.spawn(begun.heard());
            Ahead { span, task }
        });
    }

    fn forget_ahead(&mut self) {
        if let Some(ahead) = self.ahead.take() {
            ahead.task.abort();
        }
    }

    fn to_hear(&self, span: &Span) -> (Pcm, Listen) {
        let listen = Listen {
            mode: Mode::Live,
            hints: span.hints.clone(),
            prompt: Some(self.conversation.topic(span.expects)),
            vocabulary: self.conversation.vocabulary(span.expects),
            ..Listen::default()
        };
        (Pcm::new(LINE_RATE, self.kept.span(span.from, span.to)), listen)
    }
}

const _: () = assert!(FRAME_SAMPLES == (LINE_RATE as usize / 1_000) * FRAME_MS as usize);
