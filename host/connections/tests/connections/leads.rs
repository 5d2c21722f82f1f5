//! Calls without a booking as leads.

use connections::stand_in::Fault;
use records::{CallEnd, CallRecord, LinkKind, Outcome, ReadTo, Store};
use serde_json::json;

use crate::deals::World;
use crate::{CLINIC, DAY, MINUTE, NOW, SECOND, visit};

/// A call that is over.
pub(crate) async fn call(store: &Store, id: &str, phone: &str, outcome: Option<Outcome>, now_ms: i64) {
    let mut call = CallRecord::live(id, CLINIC, "Europe/Moscow", now_ms - MINUTE);
    call.caller = Some(phone.into());
    store.start_call(&call).await.unwrap();
    let end = CallEnd { ended_ms: now_ms, answered_ms: Some(now_ms - MINUTE + 1), outcome, ..CallEnd::default() };
    store.end_call(id, &end).await.unwrap();
}

#[tokio::test]
async fn a_call_without_a_booking_is_one_lead_however_often_the_person_calls() {
    let mut world = World::new("").await;
    call(&world.store, "c1", "+79031234567", Some(Outcome::Answered), NOW).await;
    call(&world.store, "c2", "+79031234567", None, NOW).await;
    call(&world.store, "c3", "+79035550000", Some(Outcome::Booked), NOW).await;
    world.turn(NOW).await;
    {
        let state = world.server.state();
        assert_eq!(state.leads.len(), 1);
        let lead = state.leads.values().next().unwrap();
        assert_eq!((&lead["ORIGIN_ID"], &lead["STATUS_ID"]), (&json!("c1"), &json!("NEW")));
        assert_eq!(state.comments.len(), 1, "the second call stands in the first one's lead");
    }
    // Marked again, for example by a repeated event: nothing.
    world.store.mark_links("lapa", &[(LinkKind::Lead, "c1".into())], ReadTo::Nothing, NOW).await.unwrap();
    world.turn(NOW + SECOND).await;
    assert_eq!(world.server.state().leads.len(), 1);
    // A lead that is closed is another matter.
    let id = *world.server.state().leads.keys().next().unwrap();
    world.server.state().leads.get_mut(&id).unwrap().insert("STATUS_SEMANTIC_ID".into(), json!("F"));
    call(&world.store, "c4", "+79031234567", None, NOW + DAY).await;
    world.turn(NOW + DAY).await;
    assert_eq!(world.server.state().leads.len(), 2);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_lead() {
    let mut world = World::new("").await;
    world.turn(NOW).await;
    call(&world.store, "c1", "+79031234567", None, NOW).await;
    // Two lists, the look for contacts, and the lead itself.
    for fault in [Fault::LostAnswer, Fault::LostRequest, Fault::LostAnswer] {
        world.server.fail(&[fault]);
        for second in 1..30 {
            world.turn(NOW + second * SECOND).await;
        }
    }
    assert_eq!(world.server.state().leads.len(), 1);
}

#[tokio::test]
async fn who_books_after_all_closes_their_lead() {
    let mut world = World::new("lead_booked = \"CONVERTED\"").await;
    call(&world.store, "c1", "+79031234567", None, NOW).await;
    world.turn(NOW).await;
    world.store.book(&visit("a", "a", NOW + DAY, "+79031234567"), "robot").await.unwrap();
    world.turn(NOW + SECOND).await;
    let state = world.server.state();
    assert_eq!(state.leads.values().next().unwrap()["STATUS_ID"], json!("CONVERTED"));
    assert_eq!(state.deals.len(), 1);
}

#[tokio::test]
async fn who_had_booked_before_their_lead_was_made_has_one_that_is_closed() {
    let mut world = World::new("lead_booked = \"CONVERTED\"").await;
    world.turn(NOW).await;
    // The portal is away while both happen.
    call(&world.store, "c1", "+79031234567", None, NOW + SECOND).await;
    let mut booked = visit("a", "a", NOW + DAY, "+79031234567");
    booked.created_ms = NOW + MINUTE;
    world.store.book(&booked, "robot").await.unwrap();
    world.turn(NOW + 2 * MINUTE).await;
    let state = world.server.state();
    assert_eq!(state.leads.len(), 1);
    let lead = state.leads.values().next().unwrap();
    assert_eq!((&lead["STATUS_ID"], &lead["STATUS_SEMANTIC_ID"]), (&json!("CONVERTED"), &json!("S")));
}

#[tokio::test]
async fn only_first_calls_when_the_clinic_wants_it_so() {
    let mut world = World::new("leads = \"first-time\"").await;
    call(&world.store, "c1", "+79031234567", None, NOW).await;
    call(&world.store, "c2", "+79031234567", None, NOW + DAY).await;
    call(&world.store, "c3", "+79035550000", None, NOW + DAY).await;
    world.turn(NOW + DAY).await;
    let origins: Vec<_> = world.server.state().leads.values().map(|lead| lead["ORIGIN_ID"].clone()).collect();
    assert_eq!(origins, [json!("c1"), json!("c3")]);
}
