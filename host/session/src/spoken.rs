//! A call at a door with audio: the media loop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use audio::{FRAME_MS, Pcm};
use call::{AnswerKind, Input, Millis, Token};
use lines::{Door, FRAME_SAMPLES, LINE_RATE, Pace, Received};
use speech::recogniser::{Listen, Mode, Transcript};
use speech::voice::Mouth;
use speech::{Ears, Priority, SpeechError};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::conversation::{Act, Conversation, Words};
use crate::error::SessionError;
use crate::flow_side::FromFlow;
use crate::playback::{Playback, Prepared, Step};
use crate::recorder::Recorder;
use crate::stage::{Held, Setup, Stage};
use crate::trace::Tracer;

/// Behind by more than this, frames are skipped rather than sent in a burst.
const SKIP_AFTER: Duration = Duration::from_millis(200);
/// How much of the caller's audio is kept for recognition; an answer is cut at 25 s.
const KEPT_SAMPLES: usize = 40 * LINE_RATE as usize;

/// Ears and mouth of a call.
#[derive(Clone)]
pub struct Hearing {
    /// Recognition, shared between calls.
    pub ears: Ears,
    /// The robot's voice.
    pub mouth: Arc<Mouth>,
}

/// Something that was done beside the loop.
enum Arrived {
    Flow(FromFlow),
    Sound(Prepared),
    Heard(Token, Millis, Millis, Result<Transcript, SpeechError>),
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
    let recorder = setup.recording.as_deref().map(Recorder::start).transpose()?;
    let (conversation, from_flow) = Conversation::start(stage, setup, config(door.pace()), tracer).await?;
    let (playback, from_mouth) = Playback::new(Arc::clone(&hearing.mouth));
    let (heard, from_ears) = mpsc::unbounded_channel();
    let media = Media {
        conversation,
        playback,
        door,
        ears: hearing.ears,
        heard,
        hearing: 0,
        vad: audio::vad::Vad::new(LINE_RATE),
        kept: VecDeque::new(),
        kept_from: 0,
        recorder,
        caller_gone: false,
    };
    media.run(from_flow, from_mouth, from_ears).await
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

type HeardSender = mpsc::UnboundedSender<(Token, Millis, Millis, Result<Transcript, SpeechError>)>;
type HeardReceiver = mpsc::UnboundedReceiver<(Token, Millis, Millis, Result<Transcript, SpeechError>)>;

struct Media {
    conversation: Conversation,
    playback: Playback,
    door: Box<dyn Door>,
    ears: Ears,
    heard: HeardSender,
    /// Recognitions under way.
    hearing: usize,
    vad: audio::vad::Vad,
    /// The caller's latest audio; `kept_from` is the number of its first sample since the call began.
    kept: VecDeque<i16>,
    kept_from: usize,
    recorder: Option<Recorder>,
    caller_gone: bool,
}

impl Media {
    async fn run(
        mut self,
        mut from_flow: mpsc::UnboundedReceiver<FromFlow>,
        mut from_mouth: mpsc::UnboundedReceiver<Prepared>,
        mut from_ears: HeardReceiver,
    ) -> Result<Held, SessionError> {
        let mut now = Millis(0);
        let mut due = Instant::now();
        loop {
            now.0 += u64::from(FRAME_MS);
            while let Ok(from) = from_flow.try_recv() {
                self.arrived(Arrived::Flow(from), now);
            }
            while let Ok(prepared) = from_mouth.try_recv() {
                self.arrived(Arrived::Sound(prepared), now);
            }
            while let Ok((token, from, to, result)) = from_ears.try_recv() {
                self.arrived(Arrived::Heard(token, from, to, result), now);
            }
            self.frame(now);
            if self.conversation.ended() {
                break;
            }
            // The caller waits for us: that takes the time it takes, so that measured latencies are true.
            let busy = self.conversation.flow_thinks() || self.hearing > 0 || self.playback.waits();
            due += Duration::from_millis(u64::from(FRAME_MS));
            match self.door.pace() {
                Pace::Simulated if !busy => {
                    due = Instant::now();
                    tokio::task::yield_now().await;
                }
                Pace::Simulated | Pace::RealTime => {
                    let late = Instant::now().saturating_duration_since(due);
                    if late > SKIP_AFTER {
                        due = Instant::now();
                    }
                    tokio::select! {
                        () = sleep_until(due) => {}
                        Some(from) = from_flow.recv() => {
                            self.arrived(Arrived::Flow(from), now);
                            sleep_until(due).await;
                        }
                        Some(prepared) = from_mouth.recv() => {
                            self.arrived(Arrived::Sound(prepared), now);
                            sleep_until(due).await;
                        }
                    }
                }
            }
        }
        if let Some(heard) = self.playback.cut() {
            self.conversation.robot_said(&heard.text, heard.from, now);
        }
        if let Some(recorder) = self.recorder.take() {
            // The disk is waited for away from the media threads.
            tokio::task::spawn_blocking(move || recorder.finish()).await.unwrap_or(Ok(()))?;
        }
        // What the flow still asks is answered with a hang-up until it ends.
        while let Ok(Some(from)) = tokio::time::timeout(Duration::from_secs(1), from_flow.recv()).await {
            let over = matches!(from, FromFlow::Ended(_));
            self.conversation.flow_sent(from, now);
            if over {
                break;
            }
        }
        self.conversation.finish(now).await
    }

    fn arrived(&mut self, arrived: Arrived, now: Millis) {
        match arrived {
            Arrived::Flow(from) => self.conversation.flow_sent(from, now),
            Arrived::Sound(prepared) => self.playback.arrived(prepared),
            Arrived::Heard(token, from, to, result) => {
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
        }
        self.act(now);
    }

    /// 20 ms of the call, both directions.
    fn frame(&mut self, now: Millis) {
        let received = self.receive(now);
        let speech = self.vad.push(&received.audio);
        for digit in received.digits {
            self.conversation.key(digit, now);
        }
        self.conversation.handle(Input::Frame { speech }, now);
        self.act(now);
        let (robot, step) = self.playback.frame(now);
        self.door.send(&robot);
        if let Some(recorder) = &self.recorder {
            recorder.push(&received.audio, &robot);
        }
        self.played(step, now);
        self.act(now);
        if let Some((id, text)) = self.conversation.take_question() {
            self.door.question(&id, &text);
        }
    }

    fn receive(&mut self, now: Millis) -> Received {
        let received = match self.door.receive() {
            Some(received) => received,
            None => {
                if !self.caller_gone {
                    self.caller_gone = true;
                    self.conversation.handle(Input::CallerHungUp, now);
                }
                Received::silence()
            }
        };
        self.kept.extend(&received.audio);
        let excess = self.kept.len().saturating_sub(KEPT_SAMPLES);
        self.kept.drain(..excess);
        self.kept_from += excess;
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
                        self.conversation.robot_said(&heard.text, heard.from, now);
                    }
                }
                Act::Hear { token, from, to, expects, hints } => self.hear(token, from, to, expects, hints),
                Act::ComfortTone(on) => self.playback.comfort(on),
            }
        }
    }

    /// Recognise a span of the caller's audio, beside the loop.
    fn hear(&mut self, token: Token, from: Millis, to: Millis, expects: AnswerKind, hints: Vec<String>) {
        let place = |at: Millis| {
            let sample = usize::try_from(at.0).unwrap_or(usize::MAX).saturating_mul(LINE_RATE as usize / 1_000);
            sample.saturating_sub(self.kept_from).min(self.kept.len())
        };
        let samples: Vec<i16> = self.kept.range(place(from)..place(to).max(place(from))).copied().collect();
        let listen = Listen { mode: Mode::Live, hints, prompt: Some(self.conversation.topic(expects)) };
        let (ears, heard) = (self.ears.clone(), self.heard.clone());
        self.hearing += 1;
        tokio::spawn(async move {
            let result = ears.hear(Pcm::new(LINE_RATE, samples), listen, Priority::Live).await;
            heard.send((token, from, to, result)).ok();
        });
    }
}

const _: () = assert!(FRAME_SAMPLES == (LINE_RATE as usize / 1_000) * FRAME_MS as usize);
