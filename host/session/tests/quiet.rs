//! Nothing personal reaches the log, however loud it is set. A process of its own: the log is the whole process's.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

#[path = "calls/support.rs"]
#[allow(dead_code, reason = "written for the other tests of this room")]
mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use call::EndReason;
use records::Outcome;
use support::{BOOKING, DAY, ENGINE, House, NIGHT, VET_LAPA, at, hangs_up, says};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Breaks as soon as it runs.
const TRAPS: &str = r#"(component
    (core module $program (memory (export "memory") 1) (func (export "run") (result i32) unreachable))
    (core instance $program (instantiate $program))
    (func (export "run") (result (result (error string)))
      (canon lift (core func $program "run") (memory $program "memory"))))"#;

#[tokio::test]
async fn neither_number_nor_name_nor_words() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();

    let mut answers = BOOKING.to_vec();
    answers[0].1 = "здравствуйте хочу записать кошку к терапевту она захромала на ёлке";
    answers[1].1 = "Мурзилка";
    answers[5].1 = "Аделаида Семирамидова";
    let house = House::vet_lapa().await;
    let (held, _) = house.call(at(DAY, Some("+79167771212")), &says(&answers)).await;
    assert_eq!(held.outcome, Some(Outcome::Booked), "{}", house.told(&held).await);
    let (held, _) = house.call(at(DAY, Some("+79167771212")), &hangs_up(&answers[..6], "confirm")).await;
    assert_eq!(held.end, EndReason::CallerHungUp);
    // A flow that breaks is worth a line; the caller's number is not.
    let house = House::open(VET_LAPA, &ENGINE.compile("traps", &wat::parse_str(TRAPS).unwrap()).unwrap()).await;
    let (held, _) = house.call(at(NIGHT, Some("+79167771212")), &says(&answers)).await;
    assert_eq!(held.end, EndReason::CallBackTaken);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the flow was stopped") && log.contains(&held.id), "this much should be logged:\n{log}");
    for personal in ["9167771212", "777-12-12", "Аделаида", "Семирамидов", "Мурзилка", "захромала", "ёлке"]
    {
        let line = log.lines().find(|line| line.to_lowercase().contains(&personal.to_lowercase()));
        assert!(line.is_none(), "{personal} in the log: {line:?}");
    }
}
