//! Visits and deals: one deal a visit, whatever is lost on the way; both sides say the same.

use std::sync::atomic::{AtomicI64, Ordering};

use connections::bitrix24::{Bridge, Client, Portal};
use connections::stand_in::{Fault, InMemory, Server, TIME_FIELD, clock, millis};
use connections::{Connections, PortalSettings, Secret, Settings};
use records::{BookOutcome, Change, NewTime, Status, Store};
use serde_json::json;

use crate::bitrix;
use crate::{DAY, HOUR, MINUTE, NOW, SECOND, open_house, store, visit};

pub(crate) const TOKEN: &str = "51856fefc120afa4b628cc82d3935cce";

pub(crate) fn settings(more: &str) -> PortalSettings {
    let text = format!(
        "[[bitrix24]]\nname = \"lapa\"\nclinic = \"vet_lapa\"\nurl = \"https://lapa.bitrix24.ru/rest/7/x/\"\n\
         category = 2\ntime_field = \"{TIME_FIELD}\"\napplication_token = \"{TOKEN}\"\n{more}\n[bitrix24.stages]\n\
         booked = \"C2:NEW\"\nconfirmed = \"C2:PREPARATION\"\narrived = \"C2:EXECUTING\"\ndone = \"C2:WON\"\n\
         cancelled = \"C2:LOSE\"\nno-show = \"C2:APOLOGY\"\n[bitrix24.also]\n\"C2:UC_CALLED\" = \"confirmed\"\n"
    );
    Settings::read(&text, "connections.toml", &|_| None).unwrap().bitrix24.remove(0)
}

pub(crate) struct World {
    _folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) server: Server,
    pub(crate) bridge: Bridge<InMemory>,
}

impl World {
    pub(crate) async fn new(more: &str) -> Self {
        let (folder, store) = store().await;
        let server = Server::at(NOW);
        let portal = InMemory::new(server.clone());
        let bridge = Bridge::new(store.clone(), settings(more), portal, open_house(&store)).await.unwrap();
        Self { _folder: folder, store, server, bridge }
    }

    pub(crate) async fn turn(&mut self, now_ms: i64) -> Option<String> {
        self.server.state().now_ms = now_ms;
        self.bridge.turn(now_ms).await.unwrap().trouble
    }

    async fn book(&self, id: &str) {
        self.store.book(&visit(id, id, NOW + DAY, "+79031234567"), "robot").await.unwrap();
    }

    async fn become_(&self, id: &str, status: Status, at_ms: i64) {
        let change = Change { at_ms, by: "anna".into(), ..Change::default() };
        self.store.set_booking_status(id, status, &change).await.unwrap();
    }

    async fn status(&self, visit: &str) -> Status {
        self.store.visit(visit).await.unwrap().status
    }
}

#[tokio::test]
async fn a_booking_is_a_deal_with_its_contact_and_a_second_booking_of_the_person_shares_it() {
    let mut world = World::new("").await;
    world.book("a").await;
    world.book("b").await;
    assert_eq!(world.turn(NOW).await, None);
    let (_, deal) = bitrix::deal(&world.server, "a");
    assert_eq!((&deal["CATEGORY_ID"], &deal["STAGE_ID"]), (&json!("2"), &json!("C2:NEW")));
    assert_eq!(deal[TIME_FIELD], json!(clock(NOW + DAY)));
    assert_eq!(deal["CONTACT_ID"], bitrix::deal(&world.server, "b").1["CONTACT_ID"]);
    assert_eq!(world.server.state().contacts.len(), 1);
    let before = world.server.state().requests;
    assert_eq!(world.turn(NOW + SECOND).await, None);
    assert_eq!(world.server.state().requests, before, "nothing is asked while nothing changes");
}

#[tokio::test]
async fn what_changes_here_changes_there_at_once() {
    let mut world = World::new("").await;
    world.book("a").await;
    world.turn(NOW).await;
    for (status, stage) in
        [(Status::Confirmed, "C2:PREPARATION"), (Status::Arrived, "C2:EXECUTING"), (Status::Done, "C2:WON")]
    {
        world.become_("a", status, NOW + SECOND).await;
        world.turn(NOW + SECOND).await;
        assert_eq!(bitrix::stage(&world.server, "a"), stage);
    }
    // Our own changes come back with the poll, and nothing follows from them.
    world.turn(NOW + MINUTE).await;
    assert_eq!(world.status("a").await, Status::Done);
    assert!(world.server.comments().is_empty());
}

#[tokio::test]
async fn what_a_person_changes_there_changes_here() {
    let mut world = World::new("").await;
    for id in ["a", "b", "c", "d"] {
        world.book(id).await;
    }
    world.turn(NOW).await;
    let set = |visit: &str, field: &str, value: &str| {
        let (deal, _) = bitrix::deal(&world.server, visit);
        world.server.person_sets(deal, field, json!(value));
    };
    set("a", "STAGE_ID", "C2:LOSE");
    set("b", "STAGE_ID", "C2:WON");
    set("c", TIME_FIELD, &clock(NOW + DAY + HOUR));
    set("d", "STAGE_ID", "C2:UC_CALLED");
    world.turn(NOW + 31 * SECOND).await;
    assert_eq!(world.status("a").await, Status::Cancelled);
    assert_eq!(world.status("b").await, Status::Done);
    assert_eq!(world.store.visit("c").await.unwrap().start_ms, NOW + DAY + HOUR);
    assert_eq!(world.status("d").await, Status::Confirmed);
    assert_eq!(bitrix::stage(&world.server, "d"), "C2:UC_CALLED", "a stage that means the same stays");
    let history = world.store.booking_history("a").await.unwrap();
    assert_eq!(history.last().unwrap().change.by, "bitrix24");
    assert!(world.server.comments().is_empty());
}

#[tokio::test]
async fn what_cannot_be_is_put_back_with_a_comment() {
    let mut world = World::new("").await;
    world.book("a").await;
    world.store.book(&visit("b", "a", NOW + DAY + HOUR, "+79035550000"), "robot").await.unwrap();
    world.turn(NOW).await;
    world.become_("b", Status::Cancelled, NOW).await;
    world.turn(NOW).await;
    let taken = visit("c", "a", NOW + DAY + 2 * HOUR, "");
    assert!(matches!(world.store.book(&taken, "robot").await.unwrap(), BookOutcome::Booked(_)));
    let (a, b) = (bitrix::deal(&world.server, "a").0, bitrix::deal(&world.server, "b").0);
    world.server.person_sets(a, TIME_FIELD, json!(clock(NOW + DAY + 2 * HOUR)));
    world.server.person_sets(b, "STAGE_ID", json!("C2:NEW"));
    world.turn(NOW + 31 * SECOND).await;
    assert_eq!(bitrix::deal(&world.server, "a").1[TIME_FIELD], json!(clock(NOW + DAY)));
    assert_eq!(bitrix::stage(&world.server, "b"), "C2:LOSE");
    let comments = world.server.comments().join("\n");
    assert!(comments.contains("занято") && comments.contains("отменён"), "{comments}");
    assert_eq!(world.store.visit("a").await.unwrap().start_ms, NOW + DAY);
}

/// Through the desk itself: what it would refuse a caller it refuses the portal.
#[tokio::test]
async fn a_time_outside_the_doctors_hours_is_put_back_by_the_desk() {
    let (_folder, store) = store().await;
    let text = "id = \"vet_lapa\"\nname = \"Лапа\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\n\
        hours = \"09:00-18:00\"\nservices = [\"терапия\"]\n";
    let desk = desk::Desk::new(desk::Clinic::parse(text, "lapa.toml").unwrap().into(), store.clone());
    let server = Server::at(NOW);
    let portal = InMemory::new(server.clone());
    let mut bridge = Bridge::new(store.clone(), settings(""), portal, std::sync::Arc::new(desk.clone())).await.unwrap();
    let now = jiff::Timestamp::from_millisecond(NOW).unwrap();
    let slots = desk.find(&desk::SlotQuery::default(), now).await.unwrap();
    let visitor = desk::Visitor { phone: "+79031234567".into(), ..desk::Visitor::default() };
    let booked = desk.book(&slots[0].id, &visitor, None, now).await.unwrap();
    let desk::Booking::Booked(booked) = booked else { unreachable!("nobody else books") };
    bridge.turn(NOW).await.unwrap();
    let (deal, row) = bitrix::deal(&server, &booked.id);
    assert_eq!(row["TITLE"], json!("терапия: Дежурный врач"));
    let start_ms = store.visit(&booked.id).await.unwrap().start_ms;
    let mut now_ms = NOW;
    for (wanted_ms, becomes_ms) in [
        (NOW + 17 * HOUR, start_ms),
        (start_ms + 2 * HOUR, start_ms + 2 * HOUR),
        (NOW + 4 * DAY + 1_000, start_ms + 2 * HOUR),
    ] {
        now_ms += MINUTE;
        server.state().now_ms = now_ms;
        server.person_sets(deal, TIME_FIELD, json!(clock(wanted_ms)));
        bridge.turn(now_ms).await.unwrap();
        assert_eq!(store.visit(&booked.id).await.unwrap().start_ms, becomes_ms);
        assert_eq!(bitrix::deal(&server, &booked.id).1[TIME_FIELD], json!(clock(becomes_ms)));
    }
    server.person_sets(deal, "STAGE_ID", json!("C2:WON"));
    server.state().now_ms = now_ms + MINUTE;
    bridge.turn(now_ms + MINUTE).await.unwrap();
    let visit = store.visit(&booked.id).await.unwrap();
    assert_eq!(visit.status, Status::Done);
    let history = store.booking_history(&visit.id).await.unwrap();
    assert!(history.iter().rev().take(2).all(|entry| entry.change.by == "bitrix24"));
    assert_eq!(server.comments().len(), 2);
}

#[tokio::test]
async fn a_portals_own_message_is_looked_at_at_once() {
    let mut world = World::new("").await;
    world.book("a").await;
    world.turn(NOW).await;
    let (deal, _) = bitrix::deal(&world.server, "a");
    world.server.person_sets(deal, "STAGE_ID", json!("C2:LOSE"));
    world.turn(NOW + SECOND).await;
    assert_eq!(world.status("a").await, Status::Booked, "the poll is not due");
    let all = Settings { bitrix24: vec![settings("")], ..Settings::default() };
    let connections = Connections::new(world.store.clone(), &all, NOW).await.unwrap();
    let message =
        |token: &str| format!("event=ONCRMDEALUPDATE&data[FIELDS][ID]={deal}&auth[application_token]={token}");
    assert!(connections.portal_message("lapa", &message("wrong"), NOW).await.is_err());
    connections.portal_message("lapa", &message(TOKEN), NOW).await.unwrap();
    world.turn(NOW + 2 * SECOND).await;
    assert_eq!(world.status("a").await, Status::Cancelled);
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_deal() {
    for fault in [Fault::LostAnswer, Fault::LostRequest, Fault::Limit] {
        for request in 0..5 {
            let mut world = World::new("").await;
            world.turn(NOW).await;
            world.book("a").await;
            // The requests before the one that fails.
            let mut now_ms = NOW + SECOND;
            world.server.state().now_ms = now_ms;
            let portal = Nth { inner: InMemory::new(world.server.clone()), left: AtomicI64::new(request), fault };
            let mut bridge =
                Bridge::new(world.store.clone(), settings(""), portal, open_house(&world.store)).await.unwrap();
            for _ in 0..60 {
                bridge.turn(now_ms).await.unwrap();
                now_ms += SECOND;
                world.server.state().now_ms = now_ms;
            }
            assert_eq!(world.server.deals_of("a").len(), 1, "{fault:?} of request {request}");
            assert_eq!(world.server.state().contacts.len(), 1, "{fault:?} of request {request}");
        }
    }
}

/// Fails once, after so many requests.
struct Nth {
    inner: InMemory,
    left: AtomicI64,
    fault: Fault,
}

impl Portal for Nth {
    async fn call(
        &self,
        method: &str,
        params: &serde_json::Value,
    ) -> Result<serde_json::Value, connections::bitrix24::CallError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.inner.server.fail(&[self.fault]);
        }
        self.inner.call(method, params).await
    }
}

#[tokio::test]
async fn a_change_there_before_the_link_was_noted_is_not_lost() {
    let mut world = World::new("").await;
    world.turn(NOW).await;
    world.book("a").await;
    // Poll, list, contact look-up, contact, and the deal whose answer is lost.
    let portal = Nth { inner: InMemory::new(world.server.clone()), left: AtomicI64::new(4), fault: Fault::LostAnswer };
    let mut bridge = Bridge::new(world.store.clone(), settings(""), portal, open_house(&world.store)).await.unwrap();
    world.server.state().now_ms = NOW + SECOND;
    assert!(bridge.turn(NOW + SECOND).await.unwrap().trouble.is_some());
    let (deal, _) = bitrix::deal(&world.server, "a");
    world.server.person_sets(deal, "STAGE_ID", json!("C2:LOSE"));
    world.turn(NOW + MINUTE).await;
    assert_eq!(world.status("a").await, Status::Cancelled);
    assert_eq!(bitrix::stage(&world.server, "a"), "C2:LOSE");
}

#[tokio::test]
async fn a_portal_that_is_tired_is_left_alone_for_a_minute() {
    let mut world = World::new("").await;
    world.book("a").await;
    world.server.fail(&[Fault::Operation]);
    assert!(world.turn(NOW).await.unwrap().contains("OPERATION_TIME_LIMIT"));
    for second in 1..60 {
        assert_eq!(world.turn(NOW + second * SECOND).await, None);
    }
    assert_eq!(world.server.state().requests, 1, "nothing is asked meanwhile");
    world.turn(NOW + MINUTE).await;
    assert_eq!(bitrix::stage(&world.server, "a"), "C2:NEW");
}

#[tokio::test]
async fn a_deleted_deal_is_left_alone() {
    let mut world = World::new("").await;
    world.book("a").await;
    world.turn(NOW).await;
    let (deal, _) = bitrix::deal(&world.server, "a");
    world.server.state().deals.remove(&deal);
    world.become_("a", Status::Confirmed, NOW).await;
    world.turn(NOW + SECOND).await;
    world.become_("a", Status::Arrived, NOW).await;
    world.turn(NOW + MINUTE).await;
    assert!(world.server.deals_of("a").is_empty());
}

#[tokio::test]
async fn a_visit_that_moved_is_one_deal_at_its_new_time() {
    let mut world = World::new("").await;
    world.book("a").await;
    world.turn(NOW).await;
    world.become_("a", Status::Confirmed, NOW).await;
    let to = NewTime {
        id: "a2".into(),
        doctor: "a".into(),
        service: "terapiya".into(),
        start_ms: NOW + 2 * DAY,
        end_ms: NOW + 2 * DAY + HOUR,
        held_until_ms: NOW + 2 * DAY + HOUR,
        ..NewTime::default()
    };
    let change = Change { at_ms: NOW + 1, by: "anna".into(), ..Change::default() };
    world.store.move_booking("a", &to, &change).await.unwrap();
    world.turn(NOW + SECOND).await;
    let (_, deal) = bitrix::deal(&world.server, "a");
    assert_eq!(deal["STAGE_ID"], json!("C2:NEW"));
    assert_eq!(deal[TIME_FIELD].as_str().and_then(millis), Some(NOW + 2 * DAY));
}

#[tokio::test]
async fn a_burst_of_bookings_stays_within_the_portals_limits() {
    let mut world = World::new("").await;
    world.turn(NOW).await;
    for number in 0..100 {
        let id = format!("v{number}");
        world.store.book(&visit(&id, &id, NOW + DAY, &format!("+7903000{number:04}")), "robot").await.unwrap();
    }
    let before = world.server.state().requests;
    assert_eq!(world.turn(NOW + SECOND).await, None);
    let requests = world.server.state().requests - before;
    assert_eq!(world.server.state().deals.len(), 100);
    assert!(requests <= 20, "{requests} requests for a hundred deals and contacts");
}

/// The same over a socket, with the client that the program has.
#[tokio::test]
async fn over_http_deals_are_made_and_read_and_failures_are_told_apart() {
    let (_folder, store) = store().await;
    let server = Server::at(NOW);
    let url = bitrix::serve(server.clone()).await;
    let client = Client::new(Secret::from(url.clone()), 5).unwrap();
    let mut bridge = Bridge::new(store.clone(), settings(""), client, open_house(&store)).await.unwrap();
    store.book(&visit("a", "a", NOW + DAY, "+79031234567"), "robot").await.unwrap();
    server.fail(&[Fault::Limit]);
    assert!(bridge.turn(NOW).await.unwrap().trouble.unwrap().contains("QUERY_LIMIT_EXCEEDED"));
    server.fail(&[Fault::LostAnswer]);
    assert!(bridge.turn(NOW + 2 * SECOND).await.unwrap().trouble.unwrap().contains("502"));
    assert_eq!(bridge.turn(NOW + 5 * SECOND).await.unwrap().trouble, None);
    let (deal, row) = bitrix::deal(&server, "a");
    assert_eq!(row["STAGE_ID"], json!("C2:NEW"));
    server.state().now_ms = NOW + MINUTE;
    server.person_sets(deal, "STAGE_ID", json!("C2:LOSE"));
    assert_eq!(bridge.turn(NOW + MINUTE).await.unwrap().trouble, None);
    assert_eq!(store.visit("a").await.unwrap().status, Status::Cancelled);

    let wrong = Client::new(Secret::from(url.replace(bitrix::CODE, "revoked")), 5).unwrap();
    let mut revoked = Bridge::new(store.clone(), settings(""), wrong, open_house(&store)).await.unwrap();
    let trouble = revoked.turn(NOW + 2 * MINUTE).await.unwrap().trouble.unwrap();
    assert!(trouble.contains("INVALID_CREDENTIALS") && !trouble.contains("revoked"), "{trouble}");
}
