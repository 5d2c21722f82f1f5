//! What a clinic's desk goes through in a day, one thing at a time.

mod desk;

use desk::*;
use queue::{
    Action, Agent, AgentState, Callback, Cancelled, EndedBy, Event, Exit, Join, Kind, Miss, NotReached, Overflow,
    Presence, Queue, QueueEvent, Settings, Strategy, Wait, What, Why, Widen,
};

const S: i64 = 1_000;

fn overflow(actions: &[Action]) -> Option<(Exit, Why, bool)> {
    actions.iter().find_map(|action| match action {
        Action::Overflow { to, why, on_line, .. } => Some((*to, *why, *on_line)),
        _ => None,
    })
}

#[test]
fn a_call_from_joining_to_the_end_of_after_call_work() {
    let mut desk = desk(Queue::default(), &[person("anna", &[])]);
    desk.join(10 * S, "a");
    desk.accept(14 * S, "a", "anna");
    desk.at(20 * S, Event::Held { call: "a".into(), held: true });
    desk.at(27 * S, Event::Held { call: "a".into(), held: false });
    desk.end(74 * S, "a");
    assert_eq!(desk.state("anna"), AgentState::WrapUp("a".into()));
    desk.at(86 * S, Event::WrapUpDone { agent: "anna".into() });
    assert_eq!(desk.state("anna"), AgentState::Ready);
    assert_eq!(
        desk.story("a"),
        ["joined", "offered", "connected", "held", "resumed", "talk_ended", "acw_start", "acw_end"]
    );
    assert_eq!(desk.what("a", "connected"), What::Connected { wait_ms: 4_000, ring_ms: 4_000, joined_position: 1 });
    assert_eq!(desk.what("a", "talk_ended"), What::TalkEnded { talk_ms: 53_000, hold_ms: 7_000, by: EndedBy::Caller });
    // (3 × the 180 s that the settings expect + 72 s) / 4
    assert_eq!(desk.acd.handling_ms(&"desk".into()), Some(153_000));
    let event = desk.records().find(|event| event.kind() == "acw_end").map(QueueEvent::data);
    assert_eq!(event.as_deref(), Some(r#"{"acw_ms":12000,"by":"agent"}"#));
}

#[test]
fn who_has_been_free_the_longest_is_rung() {
    let mut desk = desk(Queue::default(), &[person("anna", &[]), person("boris", &[])]);
    assert_eq!(rung_one(&desk.join(S, "a")), "anna");
    desk.accept(2 * S, "a", "anna");
    assert_eq!(rung_one(&desk.join(3 * S, "b")), "boris");
    desk.hang_up(4 * S, "b");
    // Boris was rung in vain: he is still the one who has been free the longest.
    desk.end(5 * S, "a");
    desk.at(6 * S, Event::WrapUpDone { agent: "anna".into() });
    assert_eq!(rung_one(&desk.join(7 * S, "c")), "boris");
}

#[test]
fn all_phones_ring_and_the_first_to_answer_has_the_caller() {
    let queue = Queue { strategy: Strategy::RingAll, ..Queue::default() };
    let mut desk = desk(queue, &[person("anna", &[]), person("boris", &[]), person("vera", &[])]);
    desk.at(500, Event::LoggedOut { agent: "vera".into() });
    assert_eq!(rung(&desk.join(S, "a")), [("a".to_owned(), vec!["anna".to_owned(), "boris".to_owned()])]);
    // Who becomes free meanwhile rings along, unless somebody else waits.
    let actions = desk.at(2 * S, Event::LoggedIn { agent: "vera".into() });
    assert_eq!(rung_one(&actions), "vera");
    let actions = desk.accept(3 * S, "a", "boris");
    let stopped: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::CancelOffer { agent, why, .. } => Some((agent.as_str(), *why)),
            _ => None,
        })
        .collect();
    assert_eq!(stopped, [("anna", Cancelled::Taken), ("vera", Cancelled::Taken)]);
    // Vera's answer crossed the stop on its way.
    let actions = desk.accept(3 * S, "a", "vera");
    assert!(matches!(actions[..], [Action::CancelOffer { why: Cancelled::Late, .. }]), "{actions:?}");
    assert_eq!(desk.state("vera"), AgentState::Ready);
}

#[test]
fn strategies_differ_in_who_comes_next() {
    for (strategy, wanted) in [
        (Strategy::LongestIdle, "boris"),
        (Strategy::RoundRobin, "boris"),
        (Strategy::FewestCalls, "boris"),
        (Strategy::InOrder, "anna"),
    ] {
        let queue = Queue { strategy, wrap_up_s: 0, ..Queue::default() };
        let mut desk = desk(queue, &[person("anna", &[]), person("boris", &[])]);
        assert_eq!(rung_one(&desk.join(S, "a")), "anna", "{strategy:?}");
        desk.accept(2 * S, "a", "anna");
        desk.end(3 * S, "a");
        assert_eq!(rung_one(&desk.join(4 * S, "b")), wanted, "{strategy:?}");
    }
}

#[test]
fn a_higher_tier_is_rung_only_when_the_lower_is_busy() {
    let chief = Agent { tier: 1, ..person("chief", &[]) };
    let mut desk = desk(Queue::default(), &[chief, person("anna", &[])]);
    assert_eq!(rung_one(&desk.join(S, "a")), "anna");
    assert_eq!(rung_one(&desk.join(2 * S, "b")), "chief");
}

#[test]
fn priority_goes_first_and_then_who_came_first() {
    let urgent = Queue { priority: 5, ..Queue::default() };
    let mut desk = desks([("desk", Queue::default()), ("urgent", urgent)], &[person("anna", &[])]);
    desk.join(S, "busy");
    desk.accept(2 * S, "busy", "anna");
    desk.join(3 * S, "first");
    desk.join(4 * S, "second");
    desk.at(5 * S, Event::Joined(Join::new("hurts", "urgent")));
    let line: Vec<_> = desk.acd.waiting().into_iter().map(|view| (view.call.to_string(), view.position)).collect();
    assert_eq!(line, [("hurts".into(), 1), ("first".into(), 2), ("second".into(), 3)]);
    desk.end(6 * S, "busy");
    let actions = desk.at(7 * S, Event::WrapUpDone { agent: "anna".into() });
    assert_eq!(rung(&actions)[0].0, "hurts");
}

#[test]
fn skills_are_asked_for_until_the_caller_has_waited_long_enough() {
    let queue = Queue { widen: vec![Widen { after_s: 60, drop: ["doctor".into()].into() }], ..Queue::default() };
    let mut desk = desk(queue, &[person("anna", &[]), person("vet", &["doctor"])]);
    let doctor = |call: &str| Event::Joined(Join { skills: ["doctor".into()].into(), ..Join::new(call, "desk") });
    assert_eq!(rung_one(&desk.at(S, doctor("a"))), "vet");
    desk.accept(2 * S, "a", "vet");
    // Anna is free but no doctor, and does not keep the next caller from being served by her.
    assert!(rung(&desk.at(3 * S, doctor("b"))).is_empty());
    assert_eq!(rung_one(&desk.join(4 * S, "c")), "anna");
    desk.hang_up(5 * S, "c");
    let actions = desk.run_to(63 * S);
    assert_eq!(rung(&actions), [("b".to_owned(), vec!["anna".to_owned()])]);
    assert!(desk.story("b").contains(&"widened".to_owned()));
}

#[test]
fn a_direct_call_waits_for_its_person_and_then_for_anybody() {
    let queue = Queue { direct_s: 30, ..Queue::default() };
    let mut desk = desk(queue, &[person("anna", &[]), person("boris", &[])]);
    let to = |call: &str, agent: &str| Event::Joined(Join { agent: Some(agent.into()), ..Join::new(call, "desk") });
    assert_eq!(rung_one(&desk.at(S, to("a", "boris"))), "boris");
    desk.accept(2 * S, "a", "boris");
    assert!(rung(&desk.at(3 * S, to("b", "boris"))).is_empty());
    assert_eq!(rung_one(&desk.run_to(33 * S)), "anna");
    // For somebody who is not there nobody waits.
    desk.hang_up(34 * S, "b");
    desk.at(34 * S, Event::LoggedOut { agent: "boris".into() });
    assert_eq!(rung_one(&desk.at(35 * S, to("c", "boris"))), "anna");
}

#[test]
fn a_caller_is_not_lost_on_an_empty_chair() {
    let queue = Queue { ring_s: 15, rest_s: 5, misses: 3, max_wait_s: None, ..Queue::default() };
    let mut desk = desk(queue, &[person("ghost", &[])]);
    desk.join(0, "a");
    desk.run_to(56 * S);
    assert_eq!(desk.state("ghost"), AgentState::Paused("missed_calls".into()));
    let misses: Vec<_> = desk
        .records()
        .filter_map(|event| match event.what {
            What::Missed { misses, ring_ms, why } => Some((event.at_ms / S, misses, ring_ms, why)),
            _ => None,
        })
        .collect();
    assert_eq!(
        misses,
        [(15, 1, 15_000, Miss::NoAnswer), (35, 2, 15_000, Miss::NoAnswer), (55, 3, 15_000, Miss::NoAnswer)]
    );
    // Somebody who comes has the caller at once, at their old place.
    let actions = desk.at(57 * S, Event::Ready { agent: "ghost".into() });
    assert_eq!(rung(&actions)[0].0, "a");
    desk.accept(58 * S, "a", "ghost");
    assert_eq!(desk.what("a", "connected"), What::Connected { wait_ms: 58_000, ring_ms: 1_000, joined_position: 1 });
}

#[test]
fn a_declined_call_goes_to_the_next_and_comes_back_after_a_rest() {
    let mut desk = desk(Queue { misses: 0, ..Queue::default() }, &[person("anna", &[]), person("boris", &[])]);
    desk.join(S, "a");
    let decline = |agent: &str, why| Event::NotAccepted { call: "a".into(), agent: agent.into(), why };
    assert_eq!(rung_one(&desk.at(2 * S, decline("anna", Miss::Rejected))), "boris");
    assert!(rung(&desk.at(3 * S, decline("boris", Miss::Unreachable))).is_empty());
    assert_eq!(rung_one(&desk.run_to(7 * S)), "anna");
}

#[test]
fn a_line_that_breaks_before_a_word_gives_the_caller_their_place_back() {
    let mut desk = desk(Queue::default(), &[person("anna", &[]), person("boris", &[])]);
    desk.join(S, "a");
    desk.accept(2 * S, "a", "anna");
    let actions = desk.at(3 * S, Event::ConnectFailed { call: "a".into() });
    assert_eq!(rung_one(&actions), "boris");
    desk.accept(4 * S, "a", "boris");
    assert_eq!(desk.story("a"), ["joined", "offered", "connected", "returned", "missed", "offered", "connected"]);
}

#[test]
fn what_callers_are_told_never_gets_worse_and_is_never_told_twice() {
    let mut desk = desk(Queue { max_wait_s: None, ..Queue::default() }, &[person("anna", &[])]);
    desk.join(0, "busy");
    desk.accept(S, "busy", "anna");
    desk.join(2 * S, "a");
    desk.join(3 * S, "b");
    let said = told(&desk.run_to(13 * S));
    assert_eq!((said[0].position, said[0].wait), (Some(1), Some(Wait::Minutes(3))));
    assert_eq!((said[1].position, said[1].wait), (Some(2), Some(Wait::Minutes(7))));
    // 45 s later nothing has changed: only the call-back is new. Then a word of reassurance, then none.
    let said = told(&desk.run_to(58 * S));
    assert!(said.iter().all(|said| said.position.is_none() && said.wait.is_none() && said.offer_callback), "{said:?}");
    assert!(told(&desk.run_to(103 * S)).iter().all(|said| said.is_reassurance()));
    assert!(told(&desk.run_to(147 * S)).is_empty());
    // An urgent caller pushes in: nobody is told that things got worse.
    desk.at(150 * S, Event::Joined(Join { priority: 9, ..Join::new("hurts", "desk") }));
    assert!(told(&desk.run_to(400 * S)).iter().all(|said| said.position.is_none_or(|place| place < 2)));
    // Two leave: better news is told.
    desk.hang_up(400 * S, "hurts");
    desk.hang_up(401 * S, "a");
    let said = told(&desk.run_to(450 * S));
    assert_eq!((said[0].position, said[0].wait), (Some(1), Some(Wait::Minutes(3))));
}

#[test]
fn ringing_phones_put_an_announcement_off_for_one_ring_only() {
    let mut desk = desk(Queue { misses: 0, ..Queue::default() }, &[person("anna", &[]), person("boris", &[])]);
    desk.join(S, "a");
    assert!(told(&desk.run_to(25 * S)).is_empty(), "Anna's and Boris's phones ring");
    assert_eq!(told(&desk.run_to(26 * S)).len(), 1);
}

#[test]
fn pressing_one_keeps_the_place() {
    let mut desk = desk(Queue { wrap_up_s: 0, ..Queue::default() }, &[person("anna", &[])]);
    desk.join(0, "busy");
    desk.accept(S, "busy", "anna");
    desk.join(2 * S, "a");
    desk.join(3 * S, "b");
    let actions = desk.at(50 * S, Event::AskedCallback { call: "a".into() });
    assert!(actions.contains(&Action::CallbackTaken { call: "a".into() }));
    // The line goes dead, as it should: nobody is lost.
    assert!(desk.hang_up(51 * S, "a").is_empty());
    assert_eq!(desk.acd.position(&"b".into()), Some(2));
    // It is their turn before b's.
    let actions = desk.end(100 * S, "busy");
    assert!(
        matches!(&actions.iter().find(|a| matches!(a, Action::Offer { .. })), Some(Action::Offer { call, callback: true, .. }) if call.as_str() == "a"),
        "{actions:?}"
    );
    let actions = desk.accept(103 * S, "a", "anna");
    assert!(actions.iter().any(|action| matches!(action, Action::Dial { attempt: 1, .. })), "{actions:?}");
    let answered = Event::CallbackAnswered { call: "a".into(), as_call: "a2".into() };
    let actions = desk.at(110 * S, answered);
    assert!(actions.iter().any(|action| matches!(action, Action::Connect { call, .. } if call.as_str() == "a2")));
    desk.end(150 * S, "a2");
    assert_eq!(
        desk.story("a"),
        ["joined", "announced", "callback_taken", "offered", "callback_dialled", "called_back"]
    );
    assert_eq!(desk.story("a2"), ["callback_of", "connected", "talk_ended"]);
}

#[test]
fn a_call_back_that_is_not_answered_is_tried_again_and_then_handed_to_the_desk() {
    let callback = Callback { attempts: 2, retry_s: 300, ..Callback::default() };
    let queue = Queue { callback: Some(callback), wrap_up_s: 0, ..Queue::default() };
    let mut desk = desk(queue, &[person("anna", &[])]);
    desk.join(0, "a");
    desk.at(S, Event::AskedCallback { call: "a".into() });
    // The caller's phone gets its rest, though Anna is free.
    assert!(rung(&desk.run_to(15 * S)).is_empty());
    assert_eq!(rung_one(&desk.run_to(16 * S)), "anna");
    desk.accept(18 * S, "a", "anna");
    let failed = |why| Event::CallbackFailed { call: "a".into(), why };
    let actions = desk.at(40 * S, failed(NotReached::NoAnswer));
    assert!(actions.contains(&Action::ReleaseAgent { call: "a".into(), agent: "anna".into() }));
    // Meanwhile others are served.
    assert_eq!(rung_one(&desk.join(60 * S, "b")), "anna");
    desk.accept(61 * S, "b", "anna");
    desk.end(90 * S, "b");
    assert_eq!(rung_one(&desk.run_to(340 * S)), "anna");
    // The person hangs up before the caller answers: that is no attempt of the caller's.
    desk.accept(341 * S, "a", "anna");
    desk.at(342 * S, failed(NotReached::AgentGone));
    assert_eq!(rung_one(&desk.run_to(347 * S)), "anna");
    desk.accept(348 * S, "a", "anna");
    let actions = desk.at(360 * S, failed(NotReached::Busy));
    assert_eq!(overflow(&actions), Some((Exit::Callback, Why::Attempts, false)));
    assert!(desk.acd.waiting().is_empty());
}

#[test]
fn a_call_back_nobody_has_time_for_is_handed_to_the_desk() {
    let mut desk = desk(Queue { leave_empty: Presence::Anyone, ..Queue::default() }, &[person("anna", &[])]);
    desk.join(0, "a");
    desk.at(S, Event::AskedCallback { call: "a".into() });
    desk.at(2 * S, Event::LoggedOut { agent: "anna".into() });
    let actions = desk.run_to(4 * 3600 * S + 2 * S);
    assert_eq!(overflow(&actions), Some((Exit::Callback, Why::Expired, false)));
}

#[test]
fn a_missed_call_is_called_back_when_somebody_has_time() {
    let mut desk = desk(Queue { wrap_up_s: 0, ..Queue::default() }, &[person("anna", &[])]);
    desk.at(S, Event::Joined(Join { kind: Kind::Missed, ..Join::new("missed", "desk") }));
    desk.join(2 * S, "a");
    desk.accept(3 * S, "a", "anna");
    desk.end(30 * S, "a");
    assert!(rung(&desk.run_to(49 * S)).is_empty());
    assert_eq!(rung_one(&desk.run_to(50 * S)), "anna");
    // Once only: when to try again is the retry plan's business.
    desk.accept(51 * S, "missed", "anna");
    let actions = desk.at(70 * S, Event::CallbackFailed { call: "missed".into(), why: NotReached::Voicemail });
    assert_eq!(overflow(&actions), Some((Exit::Callback, Why::Attempts, false)));
}

#[test]
fn a_call_back_that_was_settled_elsewhere_lets_the_person_go() {
    let mut desk = desk(Queue::default(), &[person("anna", &[])]);
    desk.join(0, "a");
    desk.at(S, Event::AskedCallback { call: "a".into() });
    desk.run_to(16 * S);
    desk.accept(17 * S, "a", "anna");
    let actions = desk.at(18 * S, Event::Withdrawn { call: "a".into() });
    assert!(actions.contains(&Action::ReleaseAgent { call: "a".into(), agent: "anna".into() }));
    assert_eq!(desk.state("anna"), AgentState::Ready);
}

#[test]
fn limits_send_callers_where_the_clinic_wants_them() {
    let queue = Queue {
        max_callers: Some(1),
        max_wait_s: Some(60),
        when_full: Overflow::Message,
        when_waited: Overflow::Queue("second".into()),
        ..Queue::default()
    };
    let second = Queue { max_wait_s: Some(30), when_waited: Overflow::Queue("desk".into()), ..Queue::default() };
    let mut desk = desks([("desk", queue), ("second", second)], &[person("anna", &[])]);
    desk.join(0, "busy");
    desk.accept(S, "busy", "anna");
    desk.join(2 * S, "a");
    assert_eq!(overflow(&desk.join(3 * S, "b")), Some((Exit::Message, Why::Full, true)));
    assert!(overflow(&desk.run_to(62 * S)).is_none());
    assert_eq!(desk.acd.waiting()[0].queue.as_str(), "second");
    // Back to where they came from would be a circle.
    assert_eq!(overflow(&desk.run_to(92 * S)), Some((Exit::Callback, Why::Waited, true)));
    assert_eq!(
        desk.what("a", "overflowed"),
        What::Overflowed { to: Exit::Callback, why: Why::Waited, wait_ms: 90_000, position: 1 }
    );
}

#[test]
fn nobody_joins_an_empty_queue_or_stays_in_one() {
    let queue = Queue { when_empty: Overflow::Night, ..Queue::default() };
    let mut desk = desk(queue, &[person("anna", &[])]);
    desk.at(S, Event::Paused { agent: "anna".into(), reason: "lunch".into() });
    assert!(desk.acd.admits(&Join::new("a", "desk")).is_none());
    assert_eq!(overflow(&desk.join(2 * S, "a")), Some((Exit::Night, Why::Empty, true)));
    desk.at(3 * S, Event::Ready { agent: "anna".into() });
    assert_eq!(desk.acd.admits(&Join::new("b", "desk")), Some("desk".into()));
    desk.join(4 * S, "b");
    // Paused is still there; gone is gone, after ten seconds' grace.
    desk.at(5 * S, Event::Paused { agent: "anna".into(), reason: "lunch".into() });
    assert!(overflow(&desk.run_to(20 * S)).is_none());
    desk.at(21 * S, Event::LoggedOut { agent: "anna".into() });
    assert!(overflow(&desk.run_to(30 * S)).is_none());
    assert_eq!(overflow(&desk.run_to(31 * S)), Some((Exit::Night, Why::Empty, true)));
}

#[test]
fn an_unknown_queue_is_a_call_back_and_no_accident() {
    let mut desk = desk(Queue::default(), &[]);
    let actions = desk.at(0, Event::Joined(Join::new("a", "nowhere")));
    assert_eq!(overflow(&actions), Some((Exit::Callback, Why::Unknown, true)));
}

#[test]
fn who_asks_for_a_pause_or_leaves_while_talking_does_so_afterwards() {
    let mut desk = desk(Queue::default(), &[person("anna", &[]), person("boris", &[])]);
    desk.join(0, "a");
    desk.accept(S, "a", "anna");
    desk.at(2 * S, Event::Paused { agent: "anna".into(), reason: "lunch".into() });
    assert_eq!(desk.state("anna"), AgentState::Talking("a".into()));
    desk.end(10 * S, "a");
    assert_eq!(desk.state("anna"), AgentState::WrapUp("a".into()));
    desk.run_to(40 * S);
    assert_eq!(desk.state("anna"), AgentState::Paused("lunch".into()));
    desk.join(50 * S, "b");
    desk.accept(51 * S, "b", "boris");
    desk.at(52 * S, Event::LoggedOut { agent: "boris".into() });
    desk.end(60 * S, "b");
    assert_eq!(desk.state("boris"), AgentState::LoggedOut);
}

#[test]
fn who_leaves_or_makes_a_call_of_their_own_stops_ringing() {
    for event in [
        Event::LoggedOut { agent: "anna".into() },
        Event::Paused { agent: "anna".into(), reason: "lunch".into() },
        Event::Engaged { agent: "anna".into() },
    ] {
        let mut desk = desk(Queue::default(), &[person("anna", &[]), person("boris", &[])]);
        assert_eq!(rung_one(&desk.join(S, "a")), "anna");
        let actions = desk.at(2 * S, event);
        assert!(matches!(
            actions.iter().find(|action| matches!(action, Action::CancelOffer { .. })),
            Some(Action::CancelOffer { why: Cancelled::AgentGone, .. })
        ));
        assert_eq!(rung_one(&actions), "boris");
    }
}

#[test]
fn settings_that_contradict_themselves_say_where_and_how_to_mend_it() {
    let text = r#"
        [queues.desk]
        ring_s = 0
        when_full = { queue = "dsek" }
        [[agents]]
        id = "anna"
        queues = ["ward"]
        [[agents]]
        id = "anna"
    "#;
    let settings: Settings = toml::from_str(text).unwrap();
    let problems: Vec<String> = settings.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            r#"queue "desk", when_full: there is no queue "dsek"; the queues are desk"#,
            r#"operator "anna", queues: there is no queue "ward"; the queues are desk"#,
            r#"operator "anna" is written twice; give each a name of their own"#,
            r#"queue "desk": ring_s = 0; write a number from 3 to 600"#,
        ]
    );
    let unknown = toml::from_str::<Settings>("[queues.desk]\nstrategi = 'ring_all'").unwrap_err().to_string();
    assert!(unknown.contains("strategi") && unknown.contains("strategy"), "{unknown}");
}
