//! What a caller and an operator said: heard after the call, behind what the robot wrote down.

use std::collections::BTreeMap;
use std::sync::Arc;

use audio::Pcm;
use call::Millis;
use records::{JobState, Who};
use session::talk::{KIND, TalkWorker, transcribe_later};
use speech::recogniser::{Listen, Segment, Transcript};
use speech::{Ears, Recogniser, SpeechError};

use crate::support::{BOOKING, DAY, House, at, hangs_up};

/// Tells the sides apart by how loud they are.
struct Measures;

impl Recogniser for Measures {
    fn id(&self) -> &str {
        "measures"
    }

    fn transcribe(&self, audio: &Pcm, _listen: &Listen) -> Result<Transcript, SpeechError> {
        let loudest = audio.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        let text = if loudest > 9_000 {
            "сколько стоит прививка"
        } else {
            "тысячу рублей у витровой"
        };
        let segment = Segment { start_ms: 0, end_ms: audio.duration_ms(), text: text.into(), confidence: 0.8 };
        Ok(Transcript { text: text.into(), confidence: 0.8, segments: vec![segment], words: Vec::new() })
    }
}

#[tokio::test]
async fn the_talk_is_written_behind_the_robots_turns_and_the_call_tagged_anew() {
    let house = House::vet_lapa().await;
    let script = hangs_up(&[("need", "соедините с администратором")], "need-again");
    let (held, _) = house.call(at(DAY, Some("+79031234567")), &script).await;
    let store = &house.stage.store;
    let robot = store.turns(&held.id).await.unwrap();
    let from = Millis(held.duration_ms);
    // Behind the robot's part the caller speaks, and two seconds later the operator, less loudly.
    let prompts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../audio/tests/prompts");
    let voice = audio::wav::read(prompts.join("conf-getpin.wav")).unwrap().mono().resampled(8_000).samples;
    let side = |later: usize, part: i16| -> Vec<i16> {
        let mut samples = vec![0; (held.duration_ms as usize + later) * 8];
        samples.extend(voice.iter().map(|sample| sample / part));
        samples.resize((held.duration_ms as usize + 6_000) * 8, 0);
        samples
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("call.wav");
    audio::wav::write(&path, 8_000, &[&side(0, 1), &side(3_000, 3)]).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let tags = store.tag(&held.id).await.unwrap();
    for _ in 0..2 {
        transcribe_later(store, &held.id, &bytes, from, 1_000).await.unwrap();
    }
    let worker = TalkWorker {
        store: store.clone(),
        ears: Ears::new(Arc::new(Measures), 1),
        classifier: Arc::clone(&house.stage.classifier),
        profiles: BTreeMap::from([("vet_lapa".to_owned(), Arc::clone(house.stage.meaning.profile()))]),
    };
    assert!(worker.once(2_000).await.unwrap());
    assert!(!worker.once(2_000).await.unwrap(), "said twice, done once");
    assert_eq!(store.job_counts(KIND).await.unwrap(), [(JobState::Done, 1)]);
    let turns = store.turns(&held.id).await.unwrap();
    assert_eq!(turns[..robot.len()], robot);
    let talk: Vec<(Who, &str, i64)> = turns[robot.len()..]
        .iter()
        .map(|turn| (turn.who, turn.text.as_str(), turn.start_ms - held.duration_ms as i64))
        .collect();
    let words: Vec<(Who, &str)> = talk.iter().map(|(who, words, _)| (*who, *words)).collect();
    assert_eq!(words, [(Who::Caller, "сколько стоит прививка"), (Who::Agent, "тысячу рублей у Ветровой")]);
    assert!((0..1_000).contains(&talk[0].2) && (2_000..4_000).contains(&talk[1].2), "{talk:?}");
    let tag = store.tag(&held.id).await.unwrap().expect("a tag");
    assert_eq!(tag.by, "classifier");
    assert_ne!(Some(&tag), tags.as_ref(), "the whole call was tagged");
}

#[tokio::test]
async fn a_job_that_cannot_be_done_is_put_back() {
    let house = House::vet_lapa().await;
    let (held, _) = house.call(at(DAY, None), &hangs_up(&BOOKING[..1], "doctor")).await;
    let store = &house.stage.store;
    transcribe_later(store, &held.id, b"no recording at all", Millis(0), 1_000).await.unwrap();
    let worker = TalkWorker {
        store: store.clone(),
        ears: Ears::new(Arc::new(Measures), 1),
        classifier: Arc::clone(&house.stage.classifier),
        profiles: BTreeMap::from([("vet_lapa".to_owned(), Arc::clone(house.stage.meaning.profile()))]),
    };
    assert!(worker.once(2_000).await.unwrap());
    assert_eq!(store.job_counts(KIND).await.unwrap(), [(JobState::Ready, 1)]);
    assert!(!worker.once(3_000).await.unwrap(), "not before its time");
    assert!(worker.once(60_000).await.unwrap());
}
