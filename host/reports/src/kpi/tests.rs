//! The formulas by hand-made calls, and for any calls at all.

use proptest::prelude::*;
use records::Source;

use super::*;

/// An incoming call that waited so long and, if answered, talked so long.
fn call(wait_s: i64, talk_s: Option<i64>) -> CallFact {
    let answered = talk_s.map(|_| wait_s * 1000);
    CallFact {
        id: String::new(),
        clinic: "vet".into(),
        source: Source::Import,
        direction: Direction::Incoming,
        started_ms: 0,
        answered_ms: answered,
        ended_ms: Some((wait_s + talk_s.unwrap_or(0)) * 1000),
        local_hour: 9,
        local_day: 20_000,
        queue_wait_ms: None,
        talk_ms: talk_s.map(|s| s * 1000),
        hold_ms: None,
        acw_ms: None,
        first_time: None,
        agent: None,
        outcome: None,
        category: None,
        confidence: None,
        review: false,
        booked: false,
        arrived: false,
    }
}

/// Ten calls: six answered (20 s is still in time, 21 is not), four lost (one short, two more within 20 s, one after).
fn ten() -> Vec<CallFact> {
    let mut calls: Vec<_> = [5, 10, 20, 20, 21, 60].into_iter().map(|wait| call(wait, Some(100))).collect();
    calls.extend([4, 5, 20, 90].into_iter().map(|wait| call(wait, None)));
    calls
}

#[test]
fn the_four_service_levels_of_one_day() {
    let totals = tally(&ten(), Thresholds::default());
    let level = |definition| service_level(&totals, definition).map(|share| (share.part(), share.whole()));
    assert_eq!(level(ServiceLevel::Answered), Some((4, 6)));
    assert_eq!(level(ServiceLevel::Offered), Some((4, 10)));
    assert_eq!(level(ServiceLevel::OfferedLessShort), Some((4, 9)));
    assert_eq!(level(ServiceLevel::Sl2), Some((7, 10)));
    assert_eq!(lost_gross(&totals), Share::of(4, 10));
    assert_eq!(lost_net(&totals), Share::of(3, 9));
}

#[test]
fn times_are_means_over_the_right_calls() {
    let mut calls = ten();
    calls[0].hold_ms = Some(60_000);
    calls[1].acw_ms = Some(30_000);
    let totals = tally(&calls, Thresholds::default());
    assert_eq!(asa_ms(&totals), Some((5 + 10 + 20 + 20 + 21 + 60) * 1000 / 6 + 1)); // 22 666.67 rounds up
    assert_eq!(abandon_ms(&totals), Some(29_750));
    assert_eq!(att_ms(&totals), Some(100_000));
    assert_eq!(acw_ms(&totals), Some(5_000));
    assert_eq!(aht_ms(&totals), Some(115_000));
    let time = AgentTime { busy_ms: 690_000, idle_ms: 310_000, away_ms: 500_000 };
    assert_eq!(occupancy(time), Share::of(690_000, 1_000_000), "pauses are outside");
    assert_eq!(occupancy(AgentTime::default()), None);
}

#[test]
fn handling_times_are_peoples_and_the_robots_where_it_is_alone() {
    let robot = CallFact { agent: Some("robot".into()), ..call(0, Some(30)) };
    let person = CallFact { agent: Some("anna".into()), acw_ms: Some(20_000), ..call(10, Some(100)) };
    let mixed = tally(&[robot.clone(), robot.clone(), person], Thresholds::default());
    assert_eq!((att_ms(&mixed), acw_ms(&mixed), aht_ms(&mixed)), (Some(100_000), Some(20_000), Some(120_000)));
    // Service level and speed of answer are everybody's.
    assert_eq!((mixed.answered, mixed.answered_in_time, asa_ms(&mixed)), (3, 3, Some(3_333)));
    assert_eq!(att_ms(&tally(&[robot], Thresholds::default())), Some(30_000));
}

#[test]
fn who_was_promised_a_call_back_is_lost_gross_but_not_net() {
    let promised = CallFact { outcome: Some(Outcome::Callback), ..call(40, None) };
    // Who hung up at once was promised nothing worth the name.
    let short = CallFact { outcome: Some(Outcome::Callback), ..call(2, None) };
    let totals = tally(&[promised, short, call(40, None), call(5, Some(60))], Thresholds::default());
    assert_eq!((lost(&totals), totals.promised), (3, 1));
    assert_eq!((lost_gross(&totals), lost_net(&totals)), (Share::of(3, 4), Share::of(1, 3)));
}

#[test]
fn nothing_is_none_and_not_nought() {
    let kpis = Kpis::of(&PeriodTotals::default(), Visits::default(), 0, AgentTime::default());
    assert_eq!((kpis.sl_offered, kpis.lcr_gross, kpis.asa_ms, kpis.booking_rate), (None, None, None, None));
    // All lost: there is a service level over offered calls, but none over answered ones.
    let all_lost = tally(&[call(30, None)], Thresholds::default());
    assert_eq!(service_level(&all_lost, ServiceLevel::Answered), None);
    assert_eq!(service_level(&all_lost, ServiceLevel::Offered), Share::of(0, 1));
    assert_eq!((acw_ms(&all_lost), att_ms(&all_lost)), (None, None));
    // Everyone hung up at once: nobody is left to lose.
    assert_eq!(lost_net(&tally(&[call(1, None)], Thresholds::default())), None);
}

#[test]
fn outgoing_and_unfinished_calls_do_not_count() {
    let mut calls = ten();
    calls.push(CallFact { direction: Direction::Outgoing, ..call(0, Some(500)) });
    calls.push(CallFact { ended_ms: None, ..call(0, Some(500)) });
    assert_eq!(tally(&calls, Thresholds::default()), tally(&ten(), Thresholds::default()));
    assert_eq!(hour_of_week(&calls)[0].calls, 11, "a call going on was offered in its hour all the same");
}

#[test]
fn a_measured_wait_wins_over_the_clock() {
    let held = CallFact { queue_wait_ms: Some(2_000), ..call(40, Some(10)) };
    assert_eq!(tally(&[held], Thresholds::default()).answered_in_time, 1);
}

#[test]
fn visits_follow_their_calls() {
    let booked = CallFact { booked: true, ..call(1, Some(60)) };
    let arrived = CallFact { arrived: true, ..booked.clone() };
    let found = visits(&[booked, arrived, call(1, Some(60))]);
    assert_eq!(found, Visits { booked: 2, arrived: 1 });
    let kpis = Kpis::of(&tally(&ten(), Thresholds::default()), found, 4, AgentTime::default());
    assert_eq!((kpis.booking_rate, kpis.arrival_rate), (Share::of(2, 4), Share::of(1, 2)));
}

#[test]
fn every_figure_has_a_definition() {
    let kpis = Kpis::of(&tally(&ten(), Thresholds::default()), Visits::default(), 0, AgentTime::default());
    let json = serde_json::to_value(kpis).unwrap();
    for field in [
        "sl_answered",
        "sl_offered",
        "sl_offered_less_short",
        "sl2",
        "lcr_gross",
        "lcr_net",
        "asa",
        "abandon",
        "att",
        "acw",
        "aht",
        "occupancy",
        "first_time",
        "booking_rate",
        "arrival_rate",
    ] {
        assert!(json.get(field).or(json.get(format!("{field}_ms"))).is_some(), "{field} is no figure");
        assert!(definition(field).is_some(), "{field} has no definition");
    }
    let mut ids: Vec<_> = definitions().iter().map(|definition| definition.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), definitions().len());
}

fn any_call() -> impl Strategy<Value = CallFact> {
    (0i64..120, prop::option::of(0i64..600), any::<bool>()).prop_map(|(wait, talk, incoming)| CallFact {
        direction: if incoming { Direction::Incoming } else { Direction::Outgoing },
        ..call(wait, talk)
    })
}

proptest! {
    #[test]
    fn service_levels_stay_in_order(calls in prop::collection::vec(any_call(), 0..60), t in 0i64..60, s in 0i64..60) {
        let totals = tally(&calls, Thresholds { answer_ms: t * 1000, short_ms: s * 1000 });
        let level = |definition| service_level(&totals, definition).map(Share::as_f64);
        if let (Some(answered), Some(offered), Some(less), Some(sl2)) = (level(ServiceLevel::Answered),
            level(ServiceLevel::Offered), level(ServiceLevel::OfferedLessShort), level(ServiceLevel::Sl2))
        {
            // Leaving lost calls out flatters; counting quick hang-ups as a success does too.
            prop_assert!(offered <= less && less <= answered && offered <= sl2);
        }
        if let (Some(gross), Some(net)) = (lost_gross(&totals), lost_net(&totals)) {
            prop_assert!(net.as_f64() <= gross.as_f64());
        }
    }

    #[test]
    fn waiting_longer_is_never_in_time_sooner(calls in prop::collection::vec(any_call(), 1..60), t in 0i64..60) {
        let at = |t: i64| tally(&calls, Thresholds { answer_ms: t * 1000, short_ms: 5000 }).answered_in_time;
        prop_assert!(at(t) <= at(t + 1));
    }
}
