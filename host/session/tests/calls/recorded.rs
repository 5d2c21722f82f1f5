//! Nothing of a call is kept before its caller has heard that it is recorded, whatever the flow does first.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ::records::Who;
use async_trait::async_trait;
use audio::Pcm;
use call::{EndReason, TransferResult};
use flows::Flow;
use jiff::Timestamp;
use lines::{Door, FRAME_SAMPLES, Pace, Received};
use session::trace::Tracer;
use session::{Hearing, People, Robot, Setup, Stage, TransferCall};
use speech::recogniser::{Listen, Transcript};
use speech::voice::{Mouth, Prompts, Voice};
use speech::{Ears, Recogniser, SpeechError};
use tempfile::TempDir;

use crate::support::{DAY, ENGINE, House, VET_LAPA, at};

const NOTICE: &str = "Разговор записывается, чтобы мы ничего не забыли.";
/// The caller's line hums at this level all the time, which is no speech.
const HUM: i16 = 9;

/// A flow with this body: `$play` plays the prompt `hello`, `$transfer` wants the operator, `$say` says `hello`.
fn flow(body: &str) -> Arc<Flow> {
    let text = format!(
        r#"(component
             (import "gudok:types/types@0.1.0" (instance $types
               (type $info-fields (record (field "code" string) (field "message" string)))
               (export "error-info" (type $info (eq $info-fields)))
               (type $error-cases (variant (case "hangup") (case "timeout") (case "denied" string)
                 (case "unavailable" string) (case "other" $info)))
               (export "error" (type (eq $error-cases)))))
             (alias export $types "error" (type $error))
             (import "gudok:voice/voice@0.1.0" (instance $voice
               (export "error" (type $e (eq $error)))
               (type $barge-in-cases (enum "none" "digits" "speech"))
               (export "barge-in" (type $barge-in (eq $barge-in-cases)))
               (type $said-cases (enum "complete" "interrupted"))
               (export "said" (type $said (eq $said-cases)))
               (type $heard (result $said (error $e)))
               (export "say" (func (param "text" string) (param "barge-in" $barge-in) (result $heard)))
               (export "play" (func (param "prompt" string) (param "barge-in" $barge-in) (result $heard)))
               (type $done (result (error $e)))
               (export "hang-up" (func (result $done)))))
             (import "gudok:routing/routing@0.1.0" (instance $routing
               (export "error" (type $e (eq $error)))
               (type $to-cases (variant (case "operator") (case "doctor") (case "ward") (case "results")
                 (case "line" string)))
               (export "destination" (type $to (eq $to-cases)))
               (type $outcome-cases (variant (case "connected") (case "nobody") (case "refused" string)))
               (export "transfer-outcome" (type $outcome (eq $outcome-cases)))
               (type $moved (result $outcome (error $e)))
               (export "transfer" (func (param "to" $to) (param "summary" string) (result $moved)))))
             (core module $memory
               (memory (export "memory") 1)
               (data (i32.const 64) "hello")
               (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
             (core instance $memory (instantiate $memory))
             (alias core export $memory "memory" (core memory $m))
             (core func $say (canon lower (func $voice "say") (memory $m) (realloc (func $memory "realloc"))))
             (core func $play (canon lower (func $voice "play") (memory $m) (realloc (func $memory "realloc"))))
             (core func $hang_up (canon lower (func $voice "hang-up") (memory $m) (realloc (func $memory "realloc"))))
             (core func $transfer
               (canon lower (func $routing "transfer") (memory $m) (realloc (func $memory "realloc"))))
             (core module $program
               (import "host" "memory" (memory 1))
               (import "host" "say" (func $wit-say (param i32 i32 i32 i32)))
               (import "host" "play" (func $wit-play (param i32 i32 i32 i32)))
               (import "host" "hang-up" (func $wit-hang-up (param i32)))
               (import "host" "transfer" (func $wit-transfer (param i32 i32 i32 i32 i32 i32)))
               (func $say (call $wit-say (i32.const 64) (i32.const 5) (i32.const 2) (i32.const 1024)))
               (func $play (call $wit-play (i32.const 64) (i32.const 5) (i32.const 2) (i32.const 1024)))
               (func $hang_up (call $wit-hang-up (i32.const 1024)))
               (func $transfer (call $wit-transfer
                 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 5) (i32.const 1024)))
               (func $run (export "run") (result i32) {body}))
             (core instance $program (instantiate $program (with "host" (instance
               (export "memory" (memory $m)) (export "say" (func $say)) (export "play" (func $play))
               (export "hang-up" (func $hang_up)) (export "transfer" (func $transfer))))))
             (func (export "run") (result (result (error string)))
               (canon lift (core func $program "run") (memory $m))))"#
    );
    ENGINE.compile("first", &wat::parse_str(text).unwrap()).unwrap()
}

/// Every text is a second and a bit of a tone.
struct Tone;

impl Voice for Tone {
    fn id(&self) -> &str {
        "tone"
    }

    fn synthesise(&self, _text: &str) -> Result<Pcm, SpeechError> {
        Ok(audio::tone::sines(&[(700.0, -12.0)], 1_100, 8_000))
    }
}

struct Deaf;

impl Recogniser for Deaf {
    fn id(&self) -> &str {
        "deaf"
    }

    fn transcribe(&self, _audio: &Pcm, _listen: &Listen) -> Result<Transcript, SpeechError> {
        Ok(Transcript::default())
    }
}

/// A caller who hums, and hangs up after so many frames.
struct Hums(usize);

impl Door for Hums {
    fn pace(&self) -> Pace {
        Pace::Simulated
    }

    fn receive(&mut self) -> Option<Received> {
        self.0 = self.0.checked_sub(1)?;
        Some(Received { audio: [HUM; FRAME_SAMPLES], ..Received::silence() })
    }

    fn send(&mut self, _frame: &[i16; FRAME_SAMPLES]) {}
}

/// Takes everybody, and remembers when.
#[derive(Default)]
struct Desk(Mutex<Vec<Timestamp>>);

#[async_trait]
impl People for Desk {
    async fn transfer(&self, call: &TransferCall) -> TransferResult {
        self.0.lock().unwrap().push(call.at);
        TransferResult::Connected
    }
}

/// A call that is recorded, at the end of the robot's part.
struct Ended {
    robot: Robot,
    path: PathBuf,
    hearing: Hearing,
    desk: Arc<Desk>,
    started: Timestamp,
    house: House,
    _folder: TempDir,
}

async fn call(body: &str, frames: usize, recorded: bool) -> Ended {
    let house = House::open(VET_LAPA, &flow(body)).await;
    let folder = tempfile::tempdir().unwrap();
    let prompts = folder.path().join("prompts");
    std::fs::create_dir(&prompts).unwrap();
    let tone = audio::tone::sines(&[(500.0, -12.0)], 900, 8_000);
    audio::wav::write(prompts.join("hello.wav"), 8_000, &[&tone.samples]).unwrap();
    let mouth = Mouth::new(vec![Arc::new(Tone)], Prompts::open(&prompts).unwrap(), folder.path()).unwrap();
    let hearing = Hearing::new(Ears::new(Arc::new(Deaf), 1), Arc::new(mouth));
    let desk = Arc::new(Desk::default());
    let stage = Stage { people: Arc::clone(&desk) as _, ..house.stage.clone() };
    let path = folder.path().join("call.wav");
    let mut setup: Setup = at(DAY, Some("+79031234567"));
    setup.recording = recorded.then(|| path.clone());
    let started = setup.started.timestamp();
    let robot = session::robot(&stage, setup, Box::new(Hums(frames)), &hearing, Tracer::none()).await.unwrap();
    Ended { robot, path, hearing, desk, started, house, _folder: folder }
}

impl Ended {
    /// What the robot said: words, and when they ended by the call's clock.
    async fn said(&mut self) -> Vec<(String, i64)> {
        let held = (&mut self.robot.held).await.unwrap().unwrap();
        let turns = self.house.stage.store.turns(&held.id).await.unwrap();
        turns
            .into_iter()
            .filter(|turn| turn.who == Who::Agent)
            .map(|turn| (turn.text.into_inner(), turn.end_ms))
            .collect()
    }

    /// The samples of both sides, which are silence up to `ms`.
    async fn kept_from(self, ms: i64) -> [Vec<i16>; 2] {
        assert!(self.robot.leg.hang_up().await.unwrap(), "something was kept");
        let told = usize::try_from(ms).unwrap() * 8;
        let sides = audio::wav::read(&self.path).unwrap().channels;
        let sides: [Vec<i16>; 2] = sides.try_into().unwrap();
        sides.map(|side| {
            assert!(side[..told].iter().all(|sample| *sample == 0), "nothing before the end of the notice");
            side[told..].to_vec()
        })
    }
}

const ALL_DAY: usize = 100_000;

#[tokio::test]
async fn a_flow_that_plays_a_sound_first() {
    let mut ended = call("(call $play) (call $play) (call $hang_up) (i32.const 0)", ALL_DAY, true).await;
    assert_eq!(ended.robot.end, EndReason::FlowHungUp);
    let said = ended.said().await;
    let words: Vec<&str> = said.iter().map(|(words, _)| words.as_str()).collect();
    assert_eq!(words, ["[hello]", NOTICE, "[hello]"]);
    let [caller, robot] = ended.kept_from(said[1].1).await;
    assert!(caller.len() >= 8 * 900 && caller.iter().all(|sample| *sample == HUM));
    assert!(
        robot.iter().filter(|sample| sample.unsigned_abs() > 1_000).count() > 8 * 500,
        "the second prompt is there"
    );
}

#[tokio::test]
async fn a_flow_that_hands_over_first() {
    let mut ended = call("(call $transfer) (i32.const 0)", ALL_DAY, true).await;
    assert_eq!(ended.robot.end, EndReason::Transferred);
    let said = ended.said().await;
    assert_eq!((said.len(), said[0].0.as_str()), (1, NOTICE));
    let asked = ended.desk.0.lock().unwrap()[0];
    assert!(
        asked.as_millisecond() - ended.started.as_millisecond() >= said[0].1,
        "no person is asked before it was heard"
    );
    assert!(!ended.robot.leg.notice_is_due());
    ended.robot.leg.recording.as_mut().unwrap().push(&[7; FRAME_SAMPLES], &[8; FRAME_SAMPLES]);
    let [caller, person] = ended.kept_from(said[0].1).await;
    assert_eq!((caller.last(), person.last()), (Some(&7), Some(&8)));
}

#[tokio::test]
async fn a_flow_that_hangs_up_first_leaves_no_recording() {
    let mut ended = call("(call $hang_up) (i32.const 0)", ALL_DAY, true).await;
    assert_eq!(ended.said().await, []);
    assert!(!ended.robot.leg.hang_up().await.unwrap());
    assert!(!ended.path.exists());
}

#[tokio::test]
async fn a_flow_that_breaks_first() {
    let mut ended = call("unreachable", ALL_DAY, true).await;
    assert_eq!(ended.robot.end, EndReason::Transferred);
    let said = ended.said().await;
    assert_eq!(said.len(), 1);
    assert!(said[0].0.starts_with(NOTICE) && said[0].0.contains("Соединяю"), "{said:?}");
    assert!(!ended.robot.leg.notice_is_due());
    ended.kept_from(said[0].1).await;
}

#[tokio::test]
async fn a_caller_who_hangs_up_in_the_middle_of_the_notice() {
    // The prompt takes 45 frames, the notice 55.
    let mut ended = call("(call $say) (call $hang_up) (i32.const 0)", 80, true).await;
    assert_eq!(ended.robot.end, EndReason::CallerHungUp);
    assert_eq!(ended.said().await.len(), 2);
    let Robot { leg, .. } = ended.robot;
    assert!(!leg.hang_up().await.unwrap() && !ended.path.exists(), "nothing is kept of it");
    // A whole call says so, too.
    let mut setup = at(DAY, None);
    setup.recording = Some(ended.path.clone());
    let held = session::spoken(&ended.house.stage, setup, Box::new(Hums(80)), ended.hearing, Tracer::none()).await;
    assert_eq!(held.unwrap().recording, None);
}

#[tokio::test]
async fn a_call_that_is_not_recorded_has_no_notice() {
    let mut ended = call("(call $say) (call $transfer) (i32.const 0)", ALL_DAY, false).await;
    let said = ended.said().await;
    assert_eq!((said.len(), said[0].0.as_str()), (1, "hello"));
    assert!(!ended.robot.leg.notice_is_due() && !ended.robot.leg.hang_up().await.unwrap());
}
