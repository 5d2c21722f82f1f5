//! What the records keep of a call is enough to hold it again: the same flow, fed from the journal, does the same.

use flows::journal::{Header, Journal};
use flows::replay::Verdict;
use flows::{FlowEnd, RunOptions};
use session::{Held, Setup};

use crate::support::{BOOKING, DAY, ENGINE, House, VET_DESK, at, hangs_up, says};

/// The journal of a call, out of the records; the text form is what an author would get.
async fn journal(house: &House, setup: &Setup, held: &Held) -> Journal {
    let record = house.record(held).await;
    let options = RunOptions {
        call_id: record.id,
        seed: setup.seed,
        started: u64::try_from(record.started_ms).unwrap(),
        ..RunOptions::default()
    };
    let journal = Journal {
        header: Header::new(&VET_DESK, &options),
        entries: house.journal(held).await,
        end: held.flow.as_ref().map(|report| report.end.clone()),
    };
    let read = Journal::parse(&journal.to_text()).unwrap();
    assert_eq!(read, journal);
    read
}

#[tokio::test]
async fn a_booking_replays_identically_and_books_nothing() {
    let house = House::vet_lapa().await;
    let setup = at(DAY, Some("+79031234567"));
    let (held, _) = house.call(setup.clone(), &says(BOOKING)).await;
    let journal = journal(&house, &setup, &held).await;
    let report = ENGINE.replay(&VET_DESK, &journal).await;

    assert_eq!(report.verdict, Verdict::Identical, "{:#?}", report.divergences);
    assert_eq!(report.reached as usize, journal.entries.len());
    assert_eq!(report.run.end, FlowEnd::Finished);
    assert_eq!(report.run.host_calls, held.flow.unwrap().host_calls);
    assert_eq!(house.bookings().await.len(), 1, "a replay does nothing");
}

#[tokio::test]
async fn a_call_that_was_hung_up_replays_identically() {
    let house = House::vet_lapa().await;
    for (question, _) in &BOOKING[1..] {
        let setup = at(DAY, Some("+79031234567"));
        let (held, _) = house.call(setup.clone(), &hangs_up(&before(question), question)).await;
        let journal = journal(&house, &setup, &held).await;
        let report = ENGINE.replay(&VET_DESK, &journal).await;
        assert_eq!(report.verdict, Verdict::Identical, "{question}: {:#?}", report.divergences);
    }
}

/// The verdict can be another one: words put into the caller's mouth afterwards do not fit what the flow did.
#[tokio::test]
async fn a_forged_answer_is_found_out() {
    let house = House::vet_lapa().await;
    let setup = at(DAY, Some("+79031234567"));
    let (held, _) = house.call(setup.clone(), &says(BOOKING)).await;
    let mut journal = journal(&house, &setup, &held).await;
    let text = journal.to_text();
    assert!(text.contains("Анна Петрова"));
    journal = Journal::parse(&text.replacen("да всё верно", "нет неверно", 1)).unwrap();
    let report = ENGINE.replay(&VET_DESK, &journal).await;
    assert!(report.verdict > Verdict::WordingOnly, "{:?}", report.verdict);
}

fn before(question: &str) -> Vec<(&'static str, &'static str)> {
    BOOKING.iter().copied().take_while(|(when, _)| *when != question).collect()
}
