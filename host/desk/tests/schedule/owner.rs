//! Booking where another system owns the schedule: against a real HTTP server that is slow, broken, or loses its answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, post};
use axum::{Json, Router};
use desk::{Booking, Desk, Hand, HttpOwner, OwnerSettings, SETTLE_AFTER_MS, SlotQuery, Status, VisitAction, Why};
use jiff::{Timestamp, ToSpan as _};
use records::{CallbackStatus, OrderKind, OrderState, OwnerOrder, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{BIG, clinic, now, visitor};

/// How the server misbehaves: at which path, and how often still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// 500 before anything is done.
    Broken,
    /// It is done, and the answer never comes.
    LostAnswer,
    /// Nothing is done, and no answer comes.
    Deaf,
    /// An answer that is no JSON.
    Garbage,
}

#[derive(Default)]
struct Books {
    /// Who has which time: (doctor, start) by idempotency key.
    taken: HashMap<(String, String), String>,
    /// Holds and visits by id; the key they were asked for with, and whether it is a visit.
    holds: HashMap<String, (String, bool)>,
    /// The answer each (path, key) was given.
    answers: HashMap<(String, String), Value>,
    faults: HashMap<&'static str, (Fault, u32)>,
    asked: Vec<String>,
    cancelled: Vec<String>,
    authorised: bool,
}

type Server = Arc<Mutex<Books>>;

fn key(headers: &HeaderMap) -> String {
    headers["idempotency-key"].to_str().unwrap().to_owned()
}

/// Does the work once per path and key, and misbehaves as it was told to.
async fn answer(
    server: &Server,
    path: &'static str,
    key: &str,
    work: impl FnOnce(&mut Books) -> Result<Value, StatusCode>,
) -> Result<Json<Value>, StatusCode> {
    let (result, fault) = {
        let mut books = server.lock().unwrap();
        books.asked.push(path.to_owned());
        let fault = match books.faults.get_mut(path) {
            Some((fault, left)) if *left > 0 => {
                *left -= 1;
                Some(*fault)
            }
            _ => None,
        };
        if matches!(fault, Some(Fault::Broken | Fault::Deaf)) {
            (Ok(Value::Null), fault)
        } else {
            let asked = (path.to_owned(), key.to_owned());
            let result = match books.answers.get(&asked) {
                Some(before) => Ok(before.clone()),
                None => work(&mut books),
            };
            if let Ok(value) = &result {
                books.answers.insert(asked, value.clone());
            }
            (result, fault)
        }
    };
    match fault {
        Some(Fault::Broken) => Err(StatusCode::INTERNAL_SERVER_ERROR),
        // Longer than the client waits; the test does not.
        Some(Fault::LostAnswer | Fault::Deaf) => std::future::pending().await,
        Some(Fault::Garbage) => Ok(Json(json!("?"))),
        None => result.map(Json),
    }
}

async fn find(
    State(server): State<Server>,
    headers: HeaderMap,
    Json(wish): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    server.lock().unwrap().authorised = headers.get("authorization").is_some_and(|value| value == "Bearer secret");
    assert_eq!(wish["clinic"], "big");
    answer(&server, "find", &records::id(), |books| {
        let slot = |(doctor, start): &(&str, &str)| json!({"doctor": doctor, "service": "vaccine", "start": start, "minutes": 25});
        // At ten past, where our own grid has nothing.
        let all = [("orlov", "2026-11-24T07:10:00Z"), ("petrov", "2026-11-24T07:40:00Z"), ("stranger", "2026-11-24T08:00:00Z")];
        let free = |(doctor, start): &&(&str, &str)| !books.taken.contains_key(&((*doctor).to_owned(), (*start).to_owned()));
        Ok(json!({ "slots": all.iter().filter(free).map(slot).collect::<Vec<_>>() }))
    })
    .await
}

async fn hold(
    State(server): State<Server>,
    headers: HeaderMap,
    Json(wanted): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let key = key(&headers);
    answer(&server, "hold", &key, |books| take(books, &key, &wanted, false)).await
}

/// Takes a time under a key; a second visitor is refused.
fn take(books: &mut Books, key: &str, wanted: &Value, visit: bool) -> Result<Value, StatusCode> {
    let text = |field: &str| wanted[field].as_str().unwrap().to_owned();
    let time = (text("doctor"), text("start"));
    if books.taken.contains_key(&time) {
        return Err(StatusCode::CONFLICT);
    }
    books.taken.insert(time, key.to_owned());
    let id = format!("h{}", books.holds.len() + 1);
    books.holds.insert(id.clone(), (key.to_owned(), visit));
    Ok(json!({ "hold": id, "visit": id, "minutes": 25 }))
}

async fn confirm(
    State(server): State<Server>,
    Path(hold): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    answer(&server, "confirm", &key(&headers), |books| {
        let there = books.holds.get_mut(&hold).ok_or(StatusCode::GONE)?;
        there.1 = true;
        Ok(json!({ "visit": hold }))
    })
    .await
}

async fn release(State(server): State<Server>, Path(of): Path<String>) -> Result<Json<Value>, StatusCode> {
    answer(&server, "release", &records::id(), |books| {
        let before = books.holds.len();
        books.holds.retain(|_, (key, _)| *key != of);
        books.taken.retain(|_, key| *key != of);
        if before == books.holds.len() { Err(StatusCode::NOT_FOUND) } else { Ok(json!({})) }
    })
    .await
}

async fn move_to(
    State(server): State<Server>,
    Path(visit): Path<String>,
    headers: HeaderMap,
    Json(wanted): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let key = key(&headers);
    answer(&server, "move", &key, |books| {
        let (old, _) = books.holds.get(&visit).cloned().ok_or(StatusCode::NOT_FOUND)?;
        let taken = take(books, &key, &wanted, true)?;
        books.taken.retain(|_, key| *key != old);
        books.holds.remove(&visit);
        Ok(taken)
    })
    .await
}

async fn cancel(
    State(server): State<Server>,
    Path(visit): Path<String>,
    headers: HeaderMap,
    Json(why): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    answer(&server, "cancel", &key(&headers), |books| {
        let (old, _) = books.holds.remove(&visit).ok_or(StatusCode::NOT_FOUND)?;
        books.taken.retain(|_, key| *key != old);
        books.cancelled.push(why["reason_code"].as_str().unwrap_or_default().to_owned());
        Ok(json!({}))
    })
    .await
}

struct House {
    _folder: TempDir,
    desk: Desk,
    store: Store,
    server: Server,
}

impl House {
    async fn new() -> House {
        let server: Server = Arc::default();
        let router = Router::new()
            .route("/gudok/slots/find", post(find))
            .route("/gudok/holds", post(hold))
            .route("/gudok/holds/{hold}/confirm", post(confirm))
            .route("/gudok/orders/{key}", delete(release))
            .route("/gudok/visits/{visit}/move", post(move_to))
            .route("/gudok/visits/{visit}/cancel", post(cancel))
            .with_state(Arc::clone(&server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/gudok/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings = OwnerSettings { url, token: Some("secret".into()), timeout_ms: 200 };
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
        let owner = Arc::new(HttpOwner::new(&settings).unwrap());
        let desk = Desk::new(Arc::new(clinic(BIG)), store.clone()).with_owner(owner);
        House { _folder: folder, desk, store, server }
    }

    fn fault(&self, path: &'static str, fault: Fault, times: u32) {
        self.server.lock().unwrap().faults.insert(path, (fault, times));
    }

    async fn slots(&self) -> Vec<desk::Slot> {
        self.desk.find(&SlotQuery { limit: 100, ..SlotQuery::default() }, now()).await.unwrap()
    }

    async fn book(&self, slot: &str) -> Result<Booking, desk::DeskError> {
        self.desk.book(slot, &visitor("кот"), Some("call-1"), now()).await
    }

    async fn booked(&self) -> desk::Appointment {
        let slot = self.slots().await.remove(0);
        match self.book(&slot.id).await.unwrap() {
            Booking::Booked(visit) => *visit,
            Booking::Taken => panic!("it was free"),
        }
    }

    /// Visits that stand there, and live bookings here.
    async fn both(&self) -> (usize, usize) {
        let there = self.server.lock().unwrap().taken.len();
        (there, self.store.busy("big", 0, i64::MAX).await.unwrap().len())
    }

    async fn callbacks(&self) -> usize {
        self.store.callbacks("big", CallbackStatus::Open).await.unwrap().len()
    }

    /// What a worker does some minutes later.
    async fn later(&self, minutes: i64) -> desk::Settled {
        self.desk.settle_orders(now() + minutes.minutes()).await.unwrap()
    }
}

const SLOT: &str = "orlov|vaccine|2026-11-24T07:10Z";

#[tokio::test]
async fn a_visit_is_booked_when_the_owner_said_so() {
    let house = House::new().await;
    let slots = house.slots().await;
    assert_eq!(
        slots.iter().map(|slot| (slot.id.as_str(), slot.minutes)).collect::<Vec<_>>().first(),
        Some(&(SLOT, 25))
    );
    assert_eq!(slots.len(), 2, "a doctor nobody knows is not offered");
    assert!(house.server.lock().unwrap().authorised);
    let visit = house.booked().await;
    assert_eq!((visit.slot.minutes, visit.status), (25, Status::Booked));
    assert_eq!(house.store.booking(&visit.id).await.unwrap().external_id.as_deref(), Some("h1"));
    assert_eq!(house.book(SLOT).await.unwrap(), Booking::Taken);
    assert_eq!(house.both().await, (1, 1));
    assert_eq!(house.later(10).await.open, 0);
    assert_eq!(house.both().await, (1, 1), "settling took back what was granted");

    let why = Why { code: Some("clinic".into()), words: "врач заболел".into() };
    let moved = house.desk.move_by(&visit.id, &slots[1].id, &why, Hand::person("olga", now())).await.unwrap();
    let Booking::Booked(moved) = moved else { panic!() };
    assert_eq!((moved.slot.doctor_id.as_str(), house.both().await), ("petrov", (1, 1)));
    let cancel = VisitAction::Cancel { reason_code: Some("too-expensive".into()), reason: String::new() };
    house.desk.act(&moved.id, &cancel, Hand::person("olga", now())).await.unwrap();
    assert_eq!(house.both().await, (0, 0));
    assert_eq!(house.server.lock().unwrap().cancelled, ["too-expensive"]);
    assert_eq!(house.callbacks().await, 0);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_with_the_same_key() {
    for path in ["hold", "confirm"] {
        for fault in [Fault::LostAnswer, Fault::Broken, Fault::Garbage, Fault::Deaf] {
            let house = House::new().await;
            house.fault(path, fault, 1);
            let booked = house.book(SLOT).await.unwrap();
            assert!(matches!(booked, Booking::Booked(_)), "{path} {fault:?}");
            assert_eq!(house.both().await, (1, 1), "{path} {fault:?}");
            let asked = house.server.lock().unwrap().asked.iter().filter(|asked| *asked == path).count();
            assert_eq!(asked, 2);
        }
    }
}

#[tokio::test]
async fn without_an_answer_nothing_is_promised_but_a_call() {
    for path in ["hold", "confirm"] {
        for fault in [Fault::LostAnswer, Fault::Broken] {
            let house = House::new().await;
            house.fault(path, fault, 100);
            let error = house.book(SLOT).await.unwrap_err();
            assert_eq!(error.code(), "booking-unsettled", "{path} {fault:?}");
            let (there, here) = house.both().await;
            assert_eq!(here, 0, "told nothing, so nothing is booked here");
            assert_eq!(house.callbacks().await, 1);
            // Whether it stands there nobody knows; some minutes later it does not.
            assert!(there <= 1);
            assert_eq!(house.later(1).await, desk::Settled::default(), "somebody may still be waiting for an answer");
            assert_eq!(house.later(3).await, desk::Settled { settled: 1, open: 0 });
            assert_eq!(house.both().await, (0, 0), "{path} {fault:?}");
            assert_eq!(house.callbacks().await, 1, "one promise for one order");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_settled_stays_open_until_it_can() {
    let house = House::new().await;
    house.fault("confirm", Fault::LostAnswer, 100);
    house.fault("release", Fault::Broken, 2);
    house.book(SLOT).await.unwrap_err();
    assert_eq!(house.both().await.0, 1);
    assert_eq!(house.later(3).await, desk::Settled { settled: 0, open: 1 });
    assert_eq!(house.later(4).await, desk::Settled { settled: 0, open: 1 });
    assert_eq!(house.later(14).await, desk::Settled { settled: 1, open: 0 });
    assert_eq!(house.both().await, (0, 0));
    assert_eq!(house.later(60).await, desk::Settled::default());
}

#[tokio::test]
async fn a_crash_between_hold_and_confirm_leaves_nothing_behind() {
    let house = House::new().await;
    // The confirmation hangs, and the program dies there: the future is dropped as a killed process drops it.
    house.fault("confirm", Fault::Deaf, 100);
    let died = tokio::time::timeout(Duration::from_millis(150), house.book(SLOT)).await;
    assert!(died.is_err(), "it did not hang");
    assert_eq!((house.both().await, house.callbacks().await), ((1, 0), 0), "held there, and nobody was told anything");

    // The next start: another desk on the same records.
    let settled = house.later(3).await;
    assert_eq!(settled, desk::Settled { settled: 1, open: 0 });
    assert_eq!(house.both().await, (0, 0));
    assert_eq!(house.callbacks().await, 1, "the caller was cut off and is called back");
    assert!(
        matches!(house.book(SLOT).await, Err(desk::DeskError::Unsettled { .. })),
        "the server still does not confirm"
    );
}

#[tokio::test]
async fn a_job_without_its_order_or_an_order_whose_person_was_erased_does_no_harm() {
    let house = House::new().await;
    let job = |key: &str| records::NewJob {
        id: format!("j-{key}"),
        kind: "owner.settle.big".into(),
        payload: json!({ "order": key }),
        unique_key: None,
        run_at_ms: 0,
        max_attempts: 10,
        created_ms: 0,
    };
    house.store.enqueue(&job("never")).await.unwrap();
    house.store.enqueue(&job("erased")).await.unwrap();
    let erased = OwnerOrder {
        idempotency_key: "erased".into(),
        clinic: "big".into(),
        what: OrderKind::Book,
        booking: "erased".into(),
        state: OrderState::Open,
        hold: None,
        data: Value::Null,
        created_ms: 0,
    };
    house.store.open_order(&erased).await.unwrap();
    assert_eq!(house.later(0).await, desk::Settled { settled: 2, open: 0 });
    assert_eq!(house.store.order("erased").await.unwrap().state, OrderState::Undone);
    assert_eq!(house.callbacks().await, 0);
}

#[tokio::test]
async fn a_move_and_a_cancellation_end_the_same_in_both_systems() {
    for (path, fault) in
        [("move", Fault::LostAnswer), ("move", Fault::Broken), ("cancel", Fault::LostAnswer), ("cancel", Fault::Broken)]
    {
        let house = House::new().await;
        let visit = house.booked().await;
        let slots = house.slots().await;
        house.fault(path, fault, 3);
        let error = match path {
            "move" => house.desk.reschedule(&visit.id, &slots[0].id, None, now()).await.unwrap_err(),
            _ => house.desk.cancel(&visit.id, "передумали", None, now()).await.unwrap_err(),
        };
        assert_eq!(error.code(), "booking-unsettled");
        assert_eq!(house.store.booking(&visit.id).await.unwrap().status, Status::Booked, "nothing changes unheard");
        // The booking's own order, long settled, and this one.
        assert_eq!(house.later(3).await, desk::Settled { settled: 2, open: 0 });
        let here = house.store.visit(&visit.visit).await.unwrap();
        match path {
            "move" => {
                assert_eq!((here.doctor.as_str(), here.status), ("petrov", Status::Booked));
                assert_eq!(house.both().await, (1, 1));
                let there = house.server.lock().unwrap().taken.keys().next().cloned().unwrap();
                assert_eq!(there.0, "petrov");
            }
            _ => {
                assert_eq!(here.status, Status::Cancelled);
                assert_eq!(house.both().await, (0, 0));
            }
        }
    }
}

#[tokio::test]
async fn a_silent_owner_offers_nothing_and_wrong_settings_say_so() {
    let house = House::new().await;
    house.fault("find", Fault::Deaf, 100);
    let error = house.desk.find(&SlotQuery::default(), now()).await.unwrap_err();
    assert_eq!(error.code(), "schedule-silent");
    let past: Timestamp = now() + 30.hours();
    let error = house.desk.book(SLOT, &visitor(""), None, past).await.unwrap_err();
    assert_eq!(error.code(), "slot-not-offered");
    let settings = |url: &str, timeout_ms| OwnerSettings { url: url.into(), token: Some("geheim".into()), timeout_ms };
    for (wrong, named) in [
        (settings("crm", 4000), "is no address"),
        (settings("ftp://crm/x", 4000), "neither http nor https"),
        (settings("http://crm/x", 10), "200 to 30000"),
    ] {
        assert!(HttpOwner::new(&wrong).unwrap_err().contains(named));
        assert!(!format!("{wrong:?}").contains("geheim"));
    }
    const { assert!(SETTLE_AFTER_MS > 60_000) };
}
