//! Calls that waited for people: events, the row they make, what people did, the line.

use records::{
    AgentSpan, AgentState, AgentTime, CallEnd, CallEvent, CallRecord, Direction, LineQuality, Outcome, QueuePhase,
    RecordsError, Store,
};

use crate::{NOW, store};

const S: i64 = 1_000;

fn event(call: &str, at_s: i64, kind: &str, agent: Option<&str>, data: &str) -> CallEvent {
    CallEvent {
        call: call.to_owned(),
        at_ms: NOW + at_s * S,
        kind: kind.to_owned(),
        agent: agent.map(str::to_owned),
        queue: Some("desk".to_owned()),
        data: data.to_owned(),
    }
}

/// A call the robot has answered, as `session` leaves it when it hands the caller over.
async fn handed_over(store: &Store, id: &str, after_s: i64) {
    let mut call = CallRecord::live(id, "vet_lapa", "Europe/Moscow", NOW);
    call.answered_ms = Some(NOW);
    call.queue_wait_ms = Some(0);
    call.agent = Some("robot".to_owned());
    store.start_call(&call).await.unwrap();
    let end = CallEnd { ended_ms: NOW + after_s * S, outcome: Some(Outcome::Transferred), ..CallEnd::default() };
    store.end_call(id, &end).await.unwrap();
}

async fn tell(store: &Store, events: Vec<CallEvent>) {
    for event in events {
        store.add_call_event(event).await.unwrap();
    }
}

#[tokio::test]
async fn the_queue_decides_what_the_row_says_and_the_robot_is_no_wait() {
    let (_folder, store) = store().await;
    handed_over(&store, "a", 40).await;
    tell(
        &store,
        vec![
            event("a", 40, "joined", None, r#"{"position":1}"#),
            event("a", 55, "offered", Some("anna"), "{}"),
            event("a", 60, "connected", Some("anna"), r#"{"wait_ms":20000,"ring_ms":5000}"#),
            event("a", 160, "talk_ended", Some("anna"), r#"{"talk_ms":90000,"hold_ms":10000,"by":"caller"}"#),
        ],
    )
    .await;
    store.settle_call("a").await.unwrap();
    let call = store.call("a").await.unwrap();
    assert_eq!((call.answered_ms, call.queue_wait_ms), (Some(NOW + 60 * S), Some(20 * S)));
    assert_eq!((call.talk_ms, call.hold_ms, call.acw_ms), (Some(90 * S), Some(10 * S), None));
    assert_eq!((call.agent.as_deref(), call.ended_ms), (Some("anna"), Some(NOW + 160 * S)));
    assert_eq!(call.outcome, Some(Outcome::Transferred));
    // After-call work is known later; settling twice changes nothing else.
    tell(&store, vec![event("a", 175, "acw_end", Some("anna"), r#"{"acw_ms":15000}"#)]).await;
    store.settle_call("a").await.unwrap();
    store.settle_call("a").await.unwrap();
    let settled = store.call("a").await.unwrap();
    assert_eq!(settled, CallRecord { acw_ms: Some(15 * S), ..call });
    let kinds: Vec<_> = store.call_events("a").await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["joined", "offered", "connected", "talk_ended", "acw_end"]);
}

#[tokio::test]
async fn who_leaves_the_queue_unanswered_is_lost() {
    let (_folder, store) = store().await;
    for (id, kind, data, outcome) in [
        ("gone", "abandoned", r#"{"wait_ms":33000}"#, Outcome::Nothing),
        ("promised", "callback_taken", r#"{"wait_ms":33000}"#, Outcome::Callback),
        ("overflowed", "overflowed", r#"{"wait_ms":33000,"to":"callback"}"#, Outcome::Callback),
        ("message", "overflowed", r#"{"wait_ms":33000,"to":"message"}"#, Outcome::Nothing),
    ] {
        handed_over(&store, id, 40).await;
        tell(&store, vec![event(id, 40, "joined", None, "{}"), event(id, 73, kind, None, data)]).await;
        store.settle_call(id).await.unwrap();
        let call = store.call(id).await.unwrap();
        assert_eq!((call.answered_ms, call.talk_ms, call.agent), (None, None, None), "{id}");
        assert_eq!((call.queue_wait_ms, call.outcome), (Some(33 * S), Some(outcome)), "{id}");
    }
    // What the robot did before stands.
    handed_over(&store, "booked", 40).await;
    store.set_outcome("booked", Outcome::Booked).await.unwrap();
    tell(&store, vec![event("booked", 40, "joined", None, "{}"), event("booked", 73, "abandoned", None, "{}")]).await;
    store.settle_call("booked").await.unwrap();
    assert_eq!(store.call("booked").await.unwrap().outcome, Some(Outcome::Booked));
    let totals = store.period_totals("vet_lapa", NOW, NOW + 1, 20 * S, 5 * S).await.unwrap();
    assert_eq!((totals.offered, totals.answered, totals.promised), (5, 0, 2));
}

#[test]
fn talks_with_several_people_are_one_call() {
    let events = [
        event("a", 0, "joined", None, "{}"),
        event("a", 10, "connected", Some("anna"), r#"{"wait_ms":10000}"#),
        event("a", 11, "returned", Some("anna"), "{}"),
        event("a", 20, "connected", Some("boris"), r#"{"wait_ms":20000}"#),
        event("a", 50, "talk_ended", Some("boris"), r#"{"talk_ms":30000,"hold_ms":0,"by":"transfer"}"#),
        event("a", 60, "acw_end", Some("boris"), r#"{"acw_ms":10000}"#),
        event("a", 51, "joined", None, "{}"),
        event("a", 90, "connected", Some("vera"), r#"{"wait_ms":39000}"#),
        event("a", 100, "talk_ended", Some("vera"), r#"{"talk_ms":8000,"hold_ms":2000,"by":"agent"}"#),
    ];
    let phase = QueuePhase::of(&events).unwrap();
    let wanted = QueuePhase {
        queue: Some("desk".into()),
        agent: Some("vera".into()),
        answered_ms: Some(NOW + 20 * S),
        wait_ms: 20 * S,
        talk_ms: Some(38 * S),
        hold_ms: Some(2 * S),
        acw_ms: Some(10 * S),
        ended_ms: Some(NOW + 100 * S),
        promised: false,
    };
    assert_eq!(phase, wanted);
    // Who gives up in the second queue was served in the first.
    let mut gave_up = events[..7].to_vec();
    gave_up.push(event("a", 80, "abandoned", None, r#"{"wait_ms":29000}"#));
    assert_eq!(QueuePhase::of(&gave_up).unwrap().answered_ms, Some(NOW + 20 * S));
    assert_eq!(QueuePhase::of(&[event("a", 0, "transfer", None, "not even JSON")]), None);
}

#[tokio::test]
async fn a_call_without_a_queue_is_left_alone() {
    let (_folder, store) = store().await;
    handed_over(&store, "a", 40).await;
    let before = store.call("a").await.unwrap();
    tell(&store, vec![event("a", 3, "dtmf", None, "{}")]).await;
    assert_eq!(store.settle_call("a").await.unwrap(), None);
    assert_eq!(store.call("a").await.unwrap(), before);
    let nobody = store.add_call_event(event("nobody", 0, "joined", None, "{}")).await;
    assert!(nobody.is_err(), "an event of a call that does not exist");
}

#[tokio::test]
async fn calls_of_another_exchange_come_with_their_events_once() {
    let (_folder, store) = store().await;
    let mut call = CallRecord::import("i1", "vet_lapa", "Europe/Moscow", NOW, "1795417200.7");
    call.direction = Direction::Incoming;
    call.ended_ms = Some(NOW + 70 * S);
    let events = vec![
        event("i1", 0, "joined", None, "{}"),
        event("i1", 10, "connected", Some("SIP/101"), r#"{"wait_ms":10000}"#),
        event("i1", 70, "talk_ended", Some("SIP/101"), r#"{"talk_ms":60000,"hold_ms":0,"by":"agent"}"#),
    ];
    let first = store.import_queued(&[(call.clone(), events.clone())]).await.unwrap();
    assert!(first[0].is_new);
    let row = store.call("i1").await.unwrap();
    assert_eq!((row.queue_wait_ms, row.talk_ms, row.agent.as_deref()), (Some(10 * S), Some(60 * S), Some("SIP/101")));
    assert_eq!(row.outcome, None, "what came of it nobody knows");
    let again = CallRecord { id: "i2".into(), ..call };
    let second = store.import_queued(&[(again, events)]).await.unwrap();
    assert_eq!((second[0].is_new, second[0].call.as_str()), (false, "i1"));
    assert_eq!(store.call_events("i1").await.unwrap().len(), 3);
}

fn span(agent: &str, from_s: i64, state: AgentState) -> AgentSpan {
    AgentSpan {
        clinic: "vet_lapa".into(),
        agent: agent.into(),
        from_ms: NOW + from_s * S,
        until_ms: None,
        state,
        reason: None,
        call: None,
    }
}

#[tokio::test]
async fn peoples_time_has_no_gaps_and_is_cut_to_the_period() {
    let (_folder, store) = store().await;
    for (from_s, state) in [
        (0, AgentState::Ready),
        (100, AgentState::Ringing),
        (110, AgentState::Talking),
        (210, AgentState::WrapUp),
        (240, AgentState::Paused),
        // In the same millisecond the later one stands.
        (300, AgentState::Ready),
        (300, AgentState::Engaged),
        (360, AgentState::LoggedOut),
    ] {
        store.set_agent_state(&span("anna", from_s, state)).await.unwrap();
    }
    store.set_agent_state(&span("boris", 350, AgentState::Ready)).await.unwrap();
    let time = |from_s: i64, to_s: i64| {
        let store = store.clone();
        async move { store.agent_time("vet_lapa", NOW + from_s * S, NOW + to_s * S).await.unwrap() }
    };
    let all = AgentTime { busy_ms: 130 * S, idle_ms: 120 * S, away_ms: 120 * S };
    // Boris's state lasts; it is counted up to the last thing anybody did.
    assert_eq!(time(0, 100_000).await, all);
    assert_eq!(time(150, 250).await, AgentTime { busy_ms: 90 * S, idle_ms: 0, away_ms: 10 * S });
    assert_eq!(time(100_000, 200_000).await, AgentTime::default());
    let spans = store.agent_spans("vet_lapa", Some("anna"), NOW, NOW + 305 * S).await.unwrap();
    let ends: Vec<_> = spans.iter().map(|span| (span.state, span.until_ms.map(|at| (at - NOW) / S))).collect();
    assert_eq!(
        ends,
        [
            (AgentState::Ready, Some(100)),
            (AgentState::Ringing, Some(110)),
            (AgentState::Talking, Some(210)),
            (AgentState::WrapUp, Some(240)),
            (AgentState::Paused, Some(300)),
            (AgentState::Engaged, Some(360)),
        ]
    );
    // After a crash.
    assert_eq!(store.close_agent_states("vet_lapa").await.unwrap(), 2);
    assert_eq!(time(0, 100_000).await, all);
}

#[tokio::test]
async fn imported_spans_come_once() {
    let (_folder, store) = store().await;
    let spans = [AgentSpan { until_ms: Some(NOW + 60 * S), ..span("SIP/101", 0, AgentState::Ready) }];
    assert_eq!(store.import_agent_spans(&spans).await.unwrap(), 1);
    assert_eq!(store.import_agent_spans(&spans).await.unwrap(), 0);
    assert_eq!(store.agent_time("vet_lapa", NOW, NOW + 90 * S).await.unwrap().idle_ms, 60 * S);
}

#[tokio::test]
async fn the_line_is_remembered_with_the_call() {
    let (_folder, store) = store().await;
    handed_over(&store, "a", 40).await;
    assert_eq!(store.line_quality("a").await.unwrap(), None);
    let quality = LineQuality {
        packets: 2_000,
        lost: 12,
        jitter_ms: 3.5,
        round_trip_ms: Some(48.0),
        lost_there: None,
        mos: 4.31,
    };
    store.set_line_quality("a", &quality).await.unwrap();
    assert_eq!(store.line_quality("a").await.unwrap(), Some(quality));
    let missing = store.set_line_quality("nobody", &quality).await.unwrap_err();
    assert!(matches!(missing, RecordsError::NotFound { .. }), "{missing}");
}
