//! Bookings: one time, one visitor, whatever happens at once.

use records::{BookOutcome, Change, NewTime, RecordsError, Status};

use crate::{MINUTE, NOW, booking, store};

fn change(reason: &str) -> Change {
    Change { at_ms: NOW, by: "robot".to_owned(), reason: reason.into(), ..Change::default() }
}

fn to(id: &str, start_ms: i64) -> NewTime {
    let end_ms = start_ms + 30 * MINUTE;
    NewTime {
        id: id.to_owned(),
        doctor: "ivanova".to_owned(),
        service: "terapiya".to_owned(),
        start_ms,
        end_ms,
        ..NewTime::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_at_once_exactly_one_gets_the_time() {
    let (_folder, store) = store().await;
    let attempts = (0..200).map(|n| {
        let store = store.clone();
        // Some ask for the very time, some for one that overlaps it.
        let start = NOW + (n % 3) * 10 * MINUTE;
        tokio::spawn(async move { store.book(&booking(&format!("b{n}"), "ivanova", start), "robot").await })
    });
    let mut won = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap().unwrap() {
            BookOutcome::Booked(_) => won += 1,
            BookOutcome::Taken => {}
        }
    }
    assert_eq!(won, 1);
    assert_eq!(store.busy("vet_lapa", NOW - MINUTE, NOW + 60 * MINUTE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn two_processes_worth_of_stores_share_the_rule() {
    let (_folder, a) = store().await;
    let b = crate::again(&a).await;
    let (first, second) = (booking("a", "ivanova", NOW), booking("b", "ivanova", NOW + 10 * MINUTE));
    let (one, two) = tokio::join!(a.book(&first, "robot"), b.book(&second, "robot"));
    let taken = [one.unwrap(), two.unwrap()].iter().filter(|outcome| **outcome == BookOutcome::Taken).count();
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn neighbours_and_other_doctors_do_not_collide() {
    let (_folder, store) = store().await;
    for (id, doctor, start) in [
        ("a", "ivanova", NOW),
        ("b", "ivanova", NOW + 30 * MINUTE),
        ("c", "ivanova", NOW - 30 * MINUTE),
        ("d", "petrov", NOW),
    ] {
        assert!(
            matches!(store.book(&booking(id, doctor, start), "robot").await.unwrap(), BookOutcome::Booked(_)),
            "{id}"
        );
    }
    // Again with the same id: a retry, not a collision.
    assert!(matches!(store.book(&booking("a", "ivanova", NOW), "robot").await.unwrap(), BookOutcome::Booked(_)));
    let other = store.book(&booking("a", "petrov", NOW + 300 * MINUTE), "robot").await;
    assert!(matches!(other, Err(RecordsError::Exists { .. })));
    let mut backwards = booking("z", "ivanova", NOW);
    backwards.end_ms = NOW;
    assert!(matches!(store.book(&backwards, "robot").await, Err(RecordsError::BadValue { .. })));
}

#[tokio::test]
async fn moving_takes_the_new_time_or_keeps_the_old() {
    let (_folder, store) = store().await;
    store.book(&booking("a", "ivanova", NOW), "robot").await.unwrap();
    store.book(&booking("b", "ivanova", NOW + 60 * MINUTE), "robot").await.unwrap();

    let refused = store.move_booking("a", &to("a2", NOW + 45 * MINUTE), &change("")).await.unwrap();
    assert_eq!(refused, BookOutcome::Taken);
    assert_eq!(store.booking("a").await.unwrap().status, Status::Booked);
    assert_eq!(store.booking_history("a").await.unwrap().len(), 1);

    // A quarter of an hour later overlaps only itself.
    let change = change("позже удобнее");
    let moved = store.move_booking("a", &to("a2", NOW + 15 * MINUTE), &change).await.unwrap();
    let BookOutcome::Booked(moved) = moved else { panic!("its own old time stood in the way") };
    assert_eq!((moved.visit.as_str(), moved.status), ("a", Status::Booked));
    assert_eq!(store.booking("a").await.unwrap().status, Status::Moved);
    assert_eq!(
        store.move_booking("a", &to("a2", NOW + 15 * MINUTE), &change).await.unwrap(),
        BookOutcome::Booked(moved)
    );
    let history = store.booking_history("a").await.unwrap();
    assert_eq!(history.iter().map(|step| step.status).collect::<Vec<_>>(), [Status::Booked, Status::Moved]);
    assert_eq!(history[1].change, change);

    let gone = store.move_booking("a", &to("a3", NOW + 300 * MINUTE), &change).await;
    assert!(matches!(gone, Err(RecordsError::WrongStatus { from: Status::Moved, .. })));
    assert!(matches!(store.move_booking("x", &to("y", NOW), &change).await, Err(RecordsError::NotFound { .. })));
}

#[tokio::test]
async fn a_cancelled_time_is_free_again() {
    let (_folder, store) = store().await;
    store.book(&booking("a", "ivanova", NOW), "robot").await.unwrap();
    assert_eq!(store.bookings_by_phone("vet_lapa", "+79031234567", NOW).await.unwrap().len(), 1);
    let cancelled = store.cancel("a", &change("уезжаем")).await.unwrap();
    assert_eq!(cancelled.status, Status::Cancelled);
    store.cancel("a", &change("")).await.unwrap();
    assert_eq!(store.booking_history("a").await.unwrap().len(), 2);
    assert!(store.bookings_by_phone("vet_lapa", "+79031234567", NOW).await.unwrap().is_empty());
    assert!(store.busy("vet_lapa", NOW, NOW + MINUTE).await.unwrap().is_empty());
    assert!(matches!(store.book(&booking("b", "ivanova", NOW), "robot").await.unwrap(), BookOutcome::Booked(_)));
    assert_eq!(store.bookings("vet_lapa", NOW, NOW + 1).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_visit_goes_forward_only() {
    let (_folder, store) = store().await;
    store.book(&booking("a", "ivanova", NOW), "robot").await.unwrap();
    for status in [Status::Reminded, Status::Confirmed, Status::Arrived, Status::Done] {
        assert_eq!(store.set_booking_status("a", status, &change("")).await.unwrap().status, status);
    }
    for status in Status::ALL.iter().copied().filter(|status| *status != Status::Done) {
        let refused = store.set_booking_status("a", status, &change("")).await;
        assert!(matches!(refused, Err(RecordsError::WrongStatus { .. })), "done became {status}");
    }
    let steps: Vec<Status> = store.booking_history("a").await.unwrap().iter().map(|step| step.status).collect();
    assert_eq!(steps, [Status::Booked, Status::Reminded, Status::Confirmed, Status::Arrived, Status::Done]);
}
