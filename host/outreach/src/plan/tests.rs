//! The cycle by example, and what must hold whatever happens to a visit.

use desk::{Clinic, Minute};
use proptest::prelude::*;

use super::*;

const ZONES: [&str; 3] = ["Europe/Moscow", "Europe/Berlin", "America/New_York"];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn booked(start: &str, agreed: &str) -> VisitNow {
    VisitNow { status: Status::Booked, start: at(start), agreed: at(agreed), moved: false }
}

/// Looks whenever the plan says so and sends at once; what was said, on the zone's clock.
fn whole_cycle(visit: VisitNow, rules: &Reminders, answer: Option<(&str, Answer)>) -> Vec<String> {
    let zone = TimeZone::get("Europe/Moscow").unwrap();
    let (mut said, mut log, mut now) = (Vec::<Said>::new(), Vec::new(), visit.agreed);
    for _ in 0..50 {
        let plan = plan(&visit, &said, rules, &zone, now);
        for due in &plan.due {
            log.push(format!("{} {}", zone.to_datetime(now).strftime("%m-%d %H:%M"), due.text));
            let answer = answer.filter(|(step, _)| *step == due.step.id).map(|(_, answer)| answer);
            let step = due.step.id.clone();
            said.push(Said { id: step.clone(), step, start: visit.start, state: MessageState::Sent, answer });
        }
        match plan.wake {
            Some(wake) => {
                assert!(wake > now, "{wake} is not after {now}");
                now = wake;
            }
            None => return log,
        }
    }
    panic!("the cycle does not end: {log:?}");
}

#[test]
fn the_cycle_of_the_trade() {
    let visit = booked("2026-11-26T15:30:00+03:00", "2026-11-23T10:00:00+03:00");
    let rules = Reminders::default();
    assert_eq!(
        whole_cycle(visit, &rules, None),
        ["11-23 10:00 booked", "11-25 12:00 day-before", "11-25 18:00 call", "11-26 13:30 soon"]
    );
    for answer in [Answer::Yes, Answer::No] {
        assert_eq!(
            whole_cycle(visit, &rules, Some(("day-before", answer))),
            ["11-23 10:00 booked", "11-25 12:00 day-before", "11-26 13:30 soon"]
        );
    }
}

#[test]
fn who_has_just_booked_is_not_reminded_at_once() {
    let rules = Reminders::default();
    let tomorrow = booked("2026-11-24T10:00:00+03:00", "2026-11-23T11:30:00+03:00");
    assert_eq!(whole_cycle(tomorrow, &rules, None), ["11-23 11:30 booked", "11-24 09:00 soon"]);
    let in_two_hours = booked("2026-11-23T13:00:00+03:00", "2026-11-23T11:00:00+03:00");
    assert_eq!(whole_cycle(in_two_hours, &rules, None), ["11-23 11:00 booked"]);
}

#[test]
fn nothing_at_night_and_nothing_too_late() {
    let rules = Reminders::default();
    // Booked at night: the message waits for the morning.
    let visit = booked("2026-11-23T15:00:00+03:00", "2026-11-23T02:00:00+03:00");
    assert_eq!(whole_cycle(visit, &rules, None), ["11-23 09:00 booked", "11-23 13:00 soon"]);
    // Half past nine: there is no time between the morning and the visit.
    let early = booked("2026-11-25T09:30:00+03:00", "2026-11-23T12:00:00+03:00");
    assert_eq!(
        whole_cycle(early, &rules, Some(("day-before", Answer::Yes))),
        ["11-23 12:00 booked", "11-24 12:00 day-before"]
    );
}

#[test]
fn after_a_long_night_only_the_latest_step_is_said() {
    let visit = booked("2026-11-26T15:30:00+03:00", "2026-11-20T10:00:00+03:00");
    let rules = Reminders::default();
    let zone = TimeZone::get("Europe/Moscow").unwrap();
    let plan = plan(&visit, &[], &rules, &zone, at("2026-11-26T14:00:00+03:00"));
    assert_eq!(plan.due.iter().map(|due| due.text).collect::<Vec<_>>(), ["soon"]);
}

#[test]
fn a_moved_visit_begins_afresh() {
    let rules = Reminders::default();
    let zone = TimeZone::get("Europe/Moscow").unwrap();
    let now = at("2026-11-24T10:00:00+03:00");
    let visit = VisitNow { moved: true, ..booked("2026-11-27T12:00:00+03:00", "2026-11-24T10:00:00+03:00") };
    let old = |id: &str, state| Said {
        id: id.to_owned(),
        step: "booked".to_owned(),
        start: at("2026-11-25T12:00:00+03:00"),
        state,
        answer: None,
    };
    let plan = plan(&visit, &[old("a", MessageState::Sent), old("b", MessageState::Planned)], &rules, &zone, now);
    assert_eq!(plan.withdraw, [("b".to_owned(), "the visit was moved")]);
    assert_eq!(plan.due.iter().map(|due| due.text).collect::<Vec<_>>(), ["moved"]);
}

#[test]
fn a_cycle_in_the_clinics_file_is_followed() {
    let text = "id = \"vet\"\nname = \"Лапа\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\n\
        services = [\"терапия\"]\n[reminders]\nhours = \"10:00-20:00\"\nsteps = [\n\
        { id = \"ask\", when = \"2 days before at 11:00\", asks = true },\n\
        { id = \"robot\", when = \"1 day before at 17:00\", to = \"unanswered\", how = \"call\" },\n\
        { id = \"person\", when = \"1 day before at 19:00\", to = \"unanswered\", how = \"list\" },\n]\n";
    let clinic = Clinic::parse(text, "vet.toml").unwrap();
    let visit = booked("2026-11-26T15:30:00+03:00", "2026-11-20T10:00:00+03:00");
    assert_eq!(
        whole_cycle(visit, &clinic.reminders, None),
        ["11-24 11:00 ask", "11-25 17:00 robot", "11-25 19:00 person"]
    );
}

/// Something that happens between two looks.
#[derive(Debug, Clone)]
enum Happens {
    Minutes(i64),
    Move(i64),
    Becomes(Status),
    Answer(Answer),
    SenderRuns,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (1i64..1500).prop_map(Happens::Minutes),
        1 => (30i64..10_000).prop_map(Happens::Move),
        1 => prop::sample::select(vec![Status::Confirmed, Status::Cancelled, Status::Arrived, Status::NoShow]).prop_map(Happens::Becomes),
        1 => prop::sample::select(vec![Answer::Yes, Answer::No, Answer::Unclear]).prop_map(Happens::Answer),
        3 => Just(Happens::SenderRuns),
    ]
}

fn rules() -> impl Strategy<Value = Reminders> {
    (0u16..20, 200u16..900, 0u32..120, 0u32..120).prop_map(|(opens, long, gap_minutes, last_minutes)| {
        let opens = opens * 60;
        let minute = |minute| Minute::new(minute).unwrap();
        let hours = desk::Span { opens: minute(opens), closes: minute((opens + long).min(1440)) };
        Reminders { hours, gap_minutes, last_minutes, ..Reminders::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(
        rules in rules(),
        zone in 0usize..3,
        // October 2026: clocks change in two of the zones.
        first in 1_790_000_000i64..1_793_500_000,
        ahead in 10i64..12_000,
        events in prop::collection::vec(happens(), 1..60),
    ) {
        let zone = TimeZone::get(ZONES[zone]).unwrap();
        let mut now = Timestamp::from_second(first).unwrap();
        let mut visit = VisitNow { status: Status::Booked, start: now + ahead.minutes(), agreed: now, moved: false };
        let mut said: Vec<Said> = Vec::new();
        for event in events {
            match event {
                Happens::Minutes(minutes) => now += minutes.minutes(),
                Happens::Move(ahead) => {
                    visit = VisitNow { status: Status::Booked, start: now + ahead.minutes(), agreed: now, moved: true };
                }
                Happens::Becomes(status) => visit.status = status,
                Happens::Answer(answer) => {
                    if let Some(last) = said.iter_mut().rfind(|said| said.state == MessageState::Sent) {
                        last.answer = Some(answer);
                    }
                }
                // The sender sends within the hours what the records still give out.
                Happens::SenderRuns => {
                    if within(rules.hours, &zone, now) {
                        for planned in said.iter_mut().filter(|said| said.state == MessageState::Planned) {
                            if planned.start == visit.start {
                                planned.state = MessageState::Sent;
                            }
                        }
                    }
                }
            }
            let plan = plan(&visit, &said, &rules, &zone, now);
            let gone = matches!(visit.status, Status::Cancelled | Status::Arrived | Status::NoShow);
            if gone {
                prop_assert!(plan.due.is_empty() && plan.wake.is_none());
            }
            for (id, _) in &plan.withdraw {
                said.iter_mut().find(|said| said.id == *id).unwrap().state = MessageState::Withdrawn;
            }
            let left = said.iter().filter(|said| said.state == MessageState::Planned);
            for planned in left {
                prop_assert!(!gone && planned.start == visit.start, "a dead or moved visit keeps no planned message");
            }
            for due in &plan.due {
                prop_assert!(within(rules.hours, &zone, now), "in quiet hours");
                prop_assert!(now < visit.start && due.not_after <= visit.start && now < due.not_after);
                prop_assert!(visit.status != Status::Confirmed || !(due.step.asks || due.step.unanswered));
                let twice = said.iter().any(|it| it.start == visit.start && it.step == due.step.id);
                prop_assert!(!twice, "{} twice", due.step.id);
                said.push(Said {
                    id: format!("{}-{}", due.step.id, said.len()),
                    step: due.step.id.clone(),
                    start: visit.start,
                    state: MessageState::Planned,
                    answer: None,
                });
            }
            prop_assert!(plan.due.iter().filter(|due| due.step.how == StepWay::Message).count() <= 1, "two at once");
            if let Some(wake) = plan.wake {
                prop_assert!(wake > now && wake < visit.start && within(rules.hours, &zone, wake));
            }
        }
    }
}
