//! Two after the same time: one gets it, and the other is told before anything was promised.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use ::records::Outcome;
use call::EndReason;
use desk::{Booking, SlotQuery, Visitor};
use flows::host::HostCall;
use lines::caller::Caller;
use session::{Held, Trace, trace::Tracer};

use crate::support::{BOOKING, DAY, House, VET_DESK, at, says};

/// A clinic with a single free time.
const ONE_TIME: &str = r#"
    id = "one"
    name = "Одна"
    kind = "veterinary"
    timezone = "Europe/Moscow"
    horizon_days = 5
    [lines]
    operator = "101"
    [[services]]
    name = "терапия"
    minutes = 30
    [[doctors]]
    name = "Белов Андрей"
    hours = { wed = "15:00-15:30" }
"#;

/// Hold a call in which somebody at the desk gives the first free time away while the robot offers it.
async fn with_a_rival(house: &House, answers: &[(&str, &str)]) -> Held {
    let (tracer, mut traces) = Tracer::channel();
    let script = says(answers);
    let mut call = pin!(session::typed(&house.stage, at(DAY, Some("+79031234567")), Caller::new(&script), tracer));
    poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending(), "the call ended before a time was offered");
        while let Ok(trace) = traces.try_recv() {
            if matches!(&trace, Trace::Robot { text, .. } if text.starts_with("Есть время") || text.starts_with("Могу предложить")) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })
    .await;
    // The call stands still: whatever the flow says next goes through the future that nobody polls now.
    let now = at(DAY, None).started.timestamp();
    let afternoon = SlotQuery {
        service: Some(house.stage.desk.clinic().services[0].id.clone()),
        date_from: "2026-11-25".parse().ok(),
        time_from: "15:00".parse().ok(),
        ..SlotQuery::default()
    };
    let slots = house.stage.desk.find(&afternoon, now).await.unwrap();
    let rival = Visitor { phone: "+79160000000".into(), person: "Соперник".into(), ..Visitor::default() };
    let booked = house.stage.desk.book(&slots[0].id, &rival, None, now).await.unwrap();
    assert!(matches!(booked, Booking::Booked(_)));
    call.await.unwrap()
}

#[tokio::test]
async fn who_is_late_is_offered_another_time() {
    let house = House::vet_lapa().await;
    let mut answers = [BOOKING, &BOOKING[3..7]].concat();
    // Her afternoon begins at 15:00, which is what the rival takes.
    answers[2].1 = "доктор Соколова";
    let held = with_a_rival(&house, &answers).await;
    let told = house.told(&held).await;
    assert!(told.contains("Это время только что заняли"), "{told}");
    assert_eq!(held.outcome, Some(Outcome::Booked), "{told}");
    let bookings = house.bookings().await;
    let times: Vec<_> = bookings.iter().map(|visit| (visit.call.as_deref(), visit.start_ms)).collect();
    assert_eq!(times.len(), 2);
    assert_eq!((times[0].0, times[1].0), (None, Some(held.id.as_str())), "the rival was first");
    assert_eq!(times[1].1 - times[0].1, 30 * 60_000, "the caller took the next half hour\n{told}");
}

#[tokio::test]
async fn who_is_late_for_the_last_time_is_handed_to_a_person() {
    let house = House::open(ONE_TIME, &VET_DESK).await;
    let mut answers = BOOKING.to_vec();
    answers[4].1 = "да подходит";
    answers.push(("when", "в любое время"));
    let held = with_a_rival(&house, &answers).await;
    let told = house.told(&held).await;
    assert!(told.contains("Это время только что заняли"), "{told}");
    assert!(told.contains("Свободного времени в расписании не нашлось") && !told.contains("вы записаны"), "{told}");
    assert_eq!((held.end, held.outcome), (EndReason::Transferred, Some(Outcome::Transferred)), "{told}");
    let bookings = house.bookings().await;
    assert_eq!((bookings.len(), bookings[0].person.as_str()), (1, "Соперник"));
}

/// One time is free: whatever the order of things, one caller gets it, and the others are told, not deceived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_callers_after_the_only_free_time() {
    let house = House::open(ONE_TIME, &VET_DESK).await;
    let calls: Vec<_> = (0..6)
        .map(|number| {
            let stage = house.stage.clone();
            tokio::spawn(async move {
                let mut answers = BOOKING.to_vec();
                answers[4].1 = "да подходит";
                // Who was too late takes any other time, but there is none.
                answers.push(("when", "в любое время"));
                let setup = at(DAY, Some(&format!("+7903123450{number}")));
                session::typed(&stage, setup, Caller::new(&says(&answers)), Tracer::none()).await.unwrap()
            })
        })
        .collect();

    let mut winners = Vec::new();
    for call in calls {
        let held = call.await.unwrap();
        let journal = house.journal(&held).await;
        let tried = journal.iter().any(|entry| matches!(entry.call, HostCall::AppointmentsBook { .. }));
        let told = house.told(&held).await;
        if held.outcome == Some(Outcome::Booked) {
            winners.push(held.id);
        } else {
            assert_eq!((held.end, held.outcome), (EndReason::Transferred, Some(Outcome::Transferred)), "{told}");
            assert_eq!(tried, told.contains("только что заняли"), "who was refused is told why: {told}");
            assert!(told.contains("Свободного времени в расписании не нашлось"), "{told}");
            assert!(!told.contains("вы записаны"), "{told}");
        }
    }
    let bookings = house.bookings().await;
    assert_eq!((winners.len(), bookings.len()), (1, 1));
    assert_eq!(bookings[0].call.as_ref(), winners.first());
}
