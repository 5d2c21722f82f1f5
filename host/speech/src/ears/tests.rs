//! The pool: live turns first, deadlines, a queue that fills.

use std::sync::mpsc;

use super::*;
use crate::Segment;

/// Hears the first sample, and waits at a gate before that.
struct Gated {
    gate: Mutex<mpsc::Receiver<()>>,
    order: Mutex<Vec<i16>>,
}

impl Recogniser for Gated {
    fn id(&self) -> &str {
        "gated"
    }

    fn transcribe(&self, audio: &Pcm, _: &Listen) -> Result<Transcript, SpeechError> {
        let opened = self.gate.lock().expect("unpoisoned").recv();
        let first = audio.samples.first().copied().unwrap_or(0);
        self.order.lock().expect("unpoisoned").push(first);
        assert!(first != 666, "a bug in an engine");
        opened.map_err(|_| SpeechError::Closed)?;
        let text = first.to_string();
        let segments = vec![Segment { start_ms: 0, end_ms: 100, text: text.clone(), confidence: 1.0 }];
        Ok(Transcript { text, confidence: 1.0, segments, words: Vec::new() })
    }
}

fn gated(workers: usize, deadline: Duration) -> (Ears, Arc<Gated>, mpsc::Sender<()>) {
    let (open, gate) = mpsc::channel();
    let recogniser = Arc::new(Gated { gate: Mutex::new(gate), order: Mutex::default() });
    let options = EarsOptions { workers, batch_limit: 2, live_deadline: deadline };
    (Ears::with_options(recogniser.clone(), options), recogniser, open)
}

fn marked(first: i16) -> Pcm {
    Pcm::new(8_000, vec![first; 80])
}

/// Puts a job in the queue without the search for speech that batch work has before it.
fn put(ears: &Ears, priority: Priority, first: i16) -> oneshot::Receiver<Result<Transcript, SpeechError>> {
    ears.pool.shared.put(priority, marked(first), Listen::default()).expect("open")
}

#[tokio::test]
async fn live_turns_go_before_recordings() {
    let (ears, recogniser, open) = gated(1, Duration::from_secs(60));
    let mut answers = vec![put(&ears, Priority::Batch, 1)];
    // The only worker has taken the first one when nothing waits any more.
    while ears.waiting() != (0, 0) {
        tokio::task::yield_now().await;
    }
    answers.extend([2, 3].map(|first| put(&ears, Priority::Batch, first)));
    answers.extend([4, 5].map(|first| put(&ears, Priority::Live, first)));
    for _ in 0..5 {
        open.send(()).expect("the worker listens");
    }
    for answer in answers {
        answer.await.expect("answered").expect("heard");
    }
    assert_eq!(*recogniser.order.lock().expect("unpoisoned"), [1, 4, 5, 2, 3]);
}

#[tokio::test]
async fn recordings_leave_a_worker_free() {
    let (ears, _, open) = gated(2, Duration::from_secs(60));
    let _batch: Vec<_> = (1..=3).map(|first| put(&ears, Priority::Batch, first)).collect();
    while ears.waiting() != (0, 2) {
        tokio::task::yield_now().await;
    }
    let live = put(&ears, Priority::Live, 9);
    // It is taken at once, though two recordings still wait.
    while ears.waiting() != (0, 2) {
        tokio::task::yield_now().await;
    }
    for _ in 0..4 {
        open.send(()).expect("the workers listen");
    }
    assert_eq!(live.await.expect("answered").expect("heard").text, "9");
}

#[tokio::test(start_paused = true)]
async fn a_live_turn_has_a_deadline_and_is_not_begun_after_it() {
    let (ears, recogniser, open) = gated(1, Duration::from_secs(8));
    let blocking = put(&ears, Priority::Live, 1);
    let late = ears.hear(marked(2), Listen::default(), Priority::Live).await;
    assert!(matches!(late, Err(SpeechError::HearingTimeout { limit_ms: 8_000 })), "{late:?}");
    open.send(()).expect("the worker listens");
    blocking.await.expect("answered").expect("heard");
    let after = put(&ears, Priority::Live, 3);
    open.send(()).expect("the worker listens");
    after.await.expect("answered").expect("heard");
    assert_eq!(*recogniser.order.lock().expect("unpoisoned"), [1, 3]);
}

#[tokio::test]
async fn too_many_recordings_are_refused_and_live_turns_never() {
    let (ears, _, open) = gated(1, Duration::from_secs(60));
    let places: Vec<_> = (0..2).map(|_| ears.pool.shared.admit(2).expect("room")).collect();
    let refused = ears.hear(marked(1), Listen::default(), Priority::Batch).await;
    assert!(matches!(refused, Err(SpeechError::QueueFull { waiting: 2 })), "{refused:?}");
    let live: Vec<_> = (0..50).map(|first| put(&ears, Priority::Live, first)).collect();
    for answer in live {
        open.send(()).expect("the worker listens");
        answer.await.expect("answered").expect("heard");
    }
    drop(places);
    // Silence needs no worker at all.
    assert_eq!(ears.hear(marked(0), Listen::default(), Priority::Batch).await.expect("room again").text, "");
}

#[tokio::test]
async fn an_engine_that_panics_fails_one_job() {
    let (ears, _, open) = gated(1, Duration::from_secs(60));
    open.send(()).expect("the worker listens");
    let error = put(&ears, Priority::Live, 666).await.expect("answered").expect_err("failed").to_string();
    assert!(error.contains("panicked"), "{error}");
    open.send(()).expect("the worker listens");
    assert_eq!(put(&ears, Priority::Live, 7).await.expect("answered").expect("heard").text, "7");
}

#[tokio::test]
async fn closing_answers_those_who_wait() {
    let (ears, _, open) = gated(1, Duration::from_secs(60));
    let _running = put(&ears, Priority::Live, 1);
    while ears.waiting() != (0, 0) {
        tokio::task::yield_now().await;
    }
    let waiting = put(&ears, Priority::Live, 2);
    drop(ears);
    assert!(waiting.await.is_err(), "the sender is gone, which `hear` reports as closed");
    drop(open);
}

#[test]
fn a_turn_has_what_nobody_waits_for() {
    assert_eq!(share(4, 0, 2_000), 4);
    assert_eq!(share(4, 1, 2_000), 2);
    assert_eq!(share(4, 0, 11_000), 3, "one is left to who speaks next");
    assert_eq!(running("0.20 0.18 0.12 3/80 11206"), Some(3));
    assert_eq!(running("nonsense"), None);
}

/// Hears on as many threads as it is given, up to four, and tells how many.
struct Threaded(Gated);

impl Recogniser for Threaded {
    fn id(&self) -> &str {
        "threaded"
    }

    fn most_threads(&self) -> usize {
        4
    }

    fn transcribe(&self, audio: &Pcm, listen: &Listen) -> Result<Transcript, SpeechError> {
        assert!((1..=4).contains(&listen.threads), "{}", listen.threads);
        self.0.transcribe(audio, listen)
    }
}

#[tokio::test]
async fn threads_are_given_back() {
    let (open, gate) = mpsc::channel();
    let engine = Threaded(Gated { gate: Mutex::new(gate), order: Mutex::default() });
    let options = EarsOptions { workers: 4, batch_limit: 2, live_deadline: Duration::from_secs(60) };
    let ears = Ears::with_options(Arc::new(engine), options);
    for round in 0..20 {
        let answers: Vec<_> = (0..6).map(|first| put(&ears, Priority::Live, first)).collect();
        let recording = put(&ears, Priority::Batch, 9);
        for _ in 0..7 {
            open.send(()).expect("the workers listen");
        }
        for answer in answers.into_iter().chain([recording]) {
            answer.await.unwrap_or_else(|_| panic!("answered, round {round}")).expect("heard");
        }
    }
    while ears.pool.shared.lock().busy > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_heard_ahead_takes_nobodys_place() {
    let (ears, recogniser, open) = gated(2, Duration::from_secs(60));
    let ahead = ears.hear_ahead(marked(1), Listen::default()).expect("nobody is at work");
    while ears.waiting() != (0, 0) {
        tokio::task::yield_now().await;
    }
    assert!(ears.hear_ahead(marked(2), Listen::default()).is_none(), "half of the workers are at work");
    let live = put(&ears, Priority::Live, 3);
    for _ in 0..2 {
        open.send(()).expect("the workers listen");
    }
    assert_eq!(ahead.heard().await.expect("heard").text, "1");
    assert_eq!(live.await.expect("answered").expect("heard").text, "3");
    let mut order = recogniser.order.lock().expect("unpoisoned").clone();
    order.sort_unstable();
    assert_eq!(order, [1, 3]);
}
