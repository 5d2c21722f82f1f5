//! What a visit is besides its time: reasons, first visits, families, what it uses, when its doctor is away.

use records::{
    Absence, BookOutcome, BookingRecord, Change, Claims, NewTime, OrderKind, OrderState, OwnerOrder, PerDay,
    RecordsError, ResourceClaim, Status, Store,
};

use crate::{MINUTE, NOW, booking, store};

fn change(by: &str, code: Option<&str>) -> Change {
    Change { at_ms: NOW + 1, by: by.to_owned(), reason_code: code.map(str::to_owned), ..Change::default() }
}

fn one_of(resource: &str, there_are: u32) -> Claims {
    Claims { resources: vec![ResourceClaim { resource: resource.to_owned(), there_are }], per_day: None }
}

async fn taken(store: &Store, booking: &BookingRecord, claims: &Claims) -> bool {
    store.book_with(booking, claims, "desk").await.unwrap() == BookOutcome::Taken
}

#[tokio::test]
async fn a_reason_is_kept_told_and_counted() {
    let (_folder, store) = store().await;
    for n in 0..4 {
        store.book(&booking(&format!("v{n}"), "ivanova", NOW + n * 60 * MINUTE), "robot").await.unwrap();
    }
    store.set_booking_status("v0", Status::Reminded, &change("robot", None)).await.unwrap();
    store.cancel("v0", &change("robot", Some("too-expensive"))).await.unwrap();
    store.cancel("v1", &change("olga", Some("too-expensive"))).await.unwrap();
    store.set_booking_status("v2", Status::NoShow, &change("olga", None)).await.unwrap();

    let lost = store.lost_visits("vet_lapa", NOW, NOW + 600 * MINUTE).await.unwrap();
    assert_eq!(lost, [(Status::Cancelled, Some("too-expensive".to_owned()), 2), (Status::NoShow, None, 1)]);
    assert_eq!(store.booking("v0").await.unwrap().reason_code.as_deref(), Some("too-expensive"));
    let last = store.visit_history("v1").await.unwrap().pop().unwrap();
    assert_eq!((last.change.by.as_str(), last.change.reason_code.as_deref()), ("olga", Some("too-expensive")));
    let told = store.feed(4, None, 10).await.unwrap();
    assert_eq!((told[0].kind.as_str(), told[1].kind.as_str()), ("visit.reminded", "visit.cancelled"));
    assert_eq!(told[1].data["reason_code"], "too-expensive");
}

#[tokio::test]
async fn who_came_late_after_all_is_put_right_by_a_person_while_the_time_is_theirs() {
    let (_folder, store) = store().await;
    store.book(&booking("late", "ivanova", NOW), "robot").await.unwrap();
    store.set_booking_status("late", Status::NoShow, &change("robot", None)).await.unwrap();
    let robot = store.set_booking_status("late", Status::Arrived, &change("robot", None)).await;
    assert!(matches!(robot, Err(RecordsError::WrongStatus { .. })));
    let person = store.set_booking_status("late", Status::Arrived, &change("olga", None)).await.unwrap();
    assert_eq!((person.status, person.reason_code), (Status::Arrived, None));

    store.book(&booking("given", "petrov", NOW), "robot").await.unwrap();
    store.set_booking_status("given", Status::NoShow, &change("robot", None)).await.unwrap();
    store.book(&booking("other", "petrov", NOW + 15 * MINUTE), "robot").await.unwrap();
    let refused = store.set_booking_status("given", Status::Arrived, &change("olga", None)).await;
    assert!(matches!(refused, Err(RecordsError::TimeGiven { .. })));
}

#[tokio::test]
async fn one_machine_serves_one_visitor_and_two_serve_two() {
    let (_folder, store) = store().await;
    let (one, two) = (one_of("uzi", 1), one_of("rooms", 2));
    assert!(!taken(&store, &booking("a", "ivanova", NOW), &one).await);
    assert!(taken(&store, &booking("b", "petrov", NOW + 15 * MINUTE), &one).await);
    assert!(!taken(&store, &booking("b", "petrov", NOW + 30 * MINUTE), &one).await);
    // Another clinic's machine is another machine.
    let elsewhere = BookingRecord { clinic: "vet_zoo".into(), ..booking("c", "zuev", NOW) };
    assert!(!taken(&store, &elsewhere, &one).await);

    // Two rooms: 0-30 and 30-60 in one, 15-45 in the other; at no moment are three in use, then one would be.
    let at = NOW + 1_440 * MINUTE;
    assert!(!taken(&store, &booking("r1", "d1", at), &two).await);
    assert!(!taken(&store, &booking("r2", "d2", at + 30 * MINUTE), &two).await);
    assert!(!taken(&store, &booking("r3", "d3", at + 15 * MINUTE), &two).await);
    assert!(taken(&store, &booking("r4", "d4", at + 20 * MINUTE), &two).await);
    store.cancel("r3", &change("olga", None)).await.unwrap();
    assert!(!taken(&store, &booking("r4", "d4", at + 20 * MINUTE), &two).await);

    let busy = store.busy("vet_lapa", NOW, NOW + 60 * MINUTE).await.unwrap();
    assert_eq!(busy.iter().map(|busy| busy.resources.join(",")).collect::<Vec<_>>(), ["uzi", "uzi"]);
    // Moving to where the machine is in use changes nothing; over its own time it may.
    let to = |start_ms: i64| NewTime {
        id: "a2".into(),
        doctor: "ivanova".into(),
        service: "uzi".into(),
        start_ms,
        end_ms: start_ms + 30 * MINUTE,
        ..NewTime::default()
    };
    let move_a = |start_ms: i64| {
        let (store, to, one) = (store.clone(), to(start_ms), one.clone());
        async move { store.move_booking_with("a", &to, &one, &change("olga", None)).await.unwrap() }
    };
    assert_eq!(move_a(NOW + 10 * MINUTE).await, BookOutcome::Taken);
    assert!(matches!(move_a(NOW - 10 * MINUTE).await, BookOutcome::Booked(_)));
}

#[tokio::test]
async fn a_buffer_holds_the_doctor_and_a_day_has_its_limit() {
    let (_folder, store) = store().await;
    let none = Claims::default();
    let first = BookingRecord { held_until_ms: NOW + 40 * MINUTE, ..booking("a", "ivanova", NOW) };
    assert!(!taken(&store, &first, &none).await);
    assert!(taken(&store, &booking("b", "ivanova", NOW + 30 * MINUTE), &none).await);
    assert!(!taken(&store, &booking("b", "ivanova", NOW + 40 * MINUTE), &none).await);
    let most = |visits| Claims {
        per_day: Some(PerDay { visits, from_ms: NOW - 600 * MINUTE, to_ms: NOW + 840 * MINUTE }),
        ..Claims::default()
    };
    assert!(taken(&store, &booking("c", "ivanova", NOW + 120 * MINUTE), &most(2)).await);
    assert!(!taken(&store, &booking("c", "ivanova", NOW + 120 * MINUTE), &most(3)).await);
    let endless = BookingRecord { held_until_ms: NOW + 3 * 1_440 * MINUTE, ..booking("z", "petrov", NOW) };
    assert!(matches!(store.book(&endless, "desk").await, Err(RecordsError::BadValue { field: "held_until_ms", .. })));
}

#[tokio::test]
async fn who_is_away_is_not_booked_and_each_import_replaces_the_last() {
    let (_folder, store) = store().await;
    let away = |uid: &str, start_ms: i64| Absence { uid: uid.into(), start_ms, end_ms: start_ms + 60 * MINUTE };
    store.replace_absences("vet_lapa", "ivanova", "google", &[away("x", NOW)]).await.unwrap();
    assert!(taken(&store, &booking("a", "ivanova", NOW + 30 * MINUTE), &Claims::default()).await);
    assert!(!taken(&store, &booking("b", "petrov", NOW), &Claims::default()).await);
    let busy = store.busy("vet_lapa", NOW, NOW + MINUTE).await.unwrap();
    assert_eq!(busy.iter().map(|busy| (busy.doctor.as_str(), busy.away)).collect::<Vec<_>>().len(), 2);
    assert!(busy.iter().any(|busy| busy.doctor == "ivanova" && busy.away));

    store.replace_absences("vet_lapa", "ivanova", "google", &[away("y", NOW + 600 * MINUTE)]).await.unwrap();
    assert!(!taken(&store, &booking("a", "ivanova", NOW + 30 * MINUTE), &Claims::default()).await);
    assert_eq!(store.absences("vet_lapa", "ivanova", 0, i64::MAX).await.unwrap().len(), 1);
    let wrong = Absence { uid: "z".into(), start_ms: NOW, end_ms: NOW };
    assert!(store.replace_absences("vet_lapa", "ivanova", "google", &[wrong]).await.is_err());
}

#[tokio::test]
async fn a_number_has_a_family_and_its_first_visit() {
    let (_folder, store) = store().await;
    let visit = |id: &str, animal: &str, person: &str, hours: i64| BookingRecord {
        animal: animal.into(),
        person: person.into(),
        species: "кошки".into(),
        ..booking(id, "ivanova", NOW + hours * 60 * MINUTE)
    };
    let first = async |visit: BookingRecord| match store.book(&visit, "robot").await.unwrap() {
        BookOutcome::Booked(there) => (there.first_visit, there.first_for_animal),
        BookOutcome::Taken => panic!("the time is free"),
    };
    assert_eq!(first(visit("a", "кот Барсик", "Анна", 0)).await, (Some(true), Some(true)));
    assert_eq!(first(visit("b", "Барсик", "Пётр", 24)).await, (Some(false), Some(false)));
    assert_eq!(first(visit("c", "кошка Муся", "Анна", 48)).await, (Some(false), Some(true)));
    assert_eq!(store.visits_from("vet_lapa", "+79031234567").await.unwrap(), 0);
    for status in [Status::Arrived, Status::Done] {
        store.set_booking_status("a", status, &change("olga", None)).await.unwrap();
    }
    store.cancel("b", &change("olga", None)).await.unwrap();

    let known = store.known_visitors("vet_lapa", "+79031234567", NOW + 60 * MINUTE).await.unwrap();
    let told: Vec<(&str, &str, u32, bool)> =
        known.iter().map(|one| (one.animal.as_str(), one.person.as_str(), one.visits, one.next_ms.is_some())).collect();
    assert_eq!(told, [("кошка Муся", "Анна", 0, true), ("Барсик", "Пётр", 1, false)]);
    assert_eq!((known[1].last_ms, known[1].last_doctor.as_deref()), (Some(NOW), Some("ivanova")));
    assert_eq!(known[0].species, "кошки");
    assert!(store.known_visitors("vet_zoo", "+79031234567", NOW).await.unwrap().is_empty());
    assert_eq!(store.visits_from("vet_lapa", "+79031234567").await.unwrap(), 1);
}

#[tokio::test]
async fn an_order_is_settled_with_the_booking_it_led_to() {
    let (_folder, store) = store().await;
    let order = |key: &str, booking: &str| OwnerOrder {
        idempotency_key: key.into(),
        clinic: "vet_lapa".into(),
        what: OrderKind::Book,
        booking: booking.into(),
        state: OrderState::Open,
        hold: None,
        data: serde_json::json!({ "phone": "+79031234567" }),
        created_ms: NOW,
    };
    store.open_order(&order("k1", "a")).await.unwrap();
    store.open_order(&order("k2", "b")).await.unwrap();
    store.order_held("k1", "h-7", NOW).await.unwrap();
    store.open_order(&order("k1", "a")).await.unwrap();
    assert_eq!(store.order("k1").await.unwrap().hold.as_deref(), Some("h-7"));
    store.book(&booking("a", "ivanova", NOW), "robot").await.unwrap();
    let settled = store.order("k1").await.unwrap();
    assert_eq!((settled.state, settled.data), (OrderState::Done, serde_json::Value::Null));
    assert_eq!(store.order("k2").await.unwrap().state, OrderState::Open);
    store.close_order("k2", OrderState::Undone, NOW).await.unwrap();
    assert_eq!(store.order("k2").await.unwrap().data, serde_json::Value::Null);
}
