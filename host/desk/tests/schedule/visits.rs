//! Visits through their life: what people and robots may do, why visits are lost, who comes from a number.

use desk::{Acted, Appointment, Booking, Desk, Hand, SlotQuery, Status, VisitAction, Visitor};
use jiff::ToSpan as _;

use crate::{BIG, desk, now, visitor};

async fn booked(desk: &Desk, animal: &str) -> Appointment {
    let query = SlotQuery { service: Some("vaccine".into()), limit: 1, ..SlotQuery::default() };
    let slot = desk.find(&query, now()).await.unwrap().remove(0);
    match desk.book(&slot.id, &visitor(animal), Some("call-1"), now()).await.unwrap() {
        Booking::Booked(visit) => *visit,
        Booking::Taken => panic!("it was free"),
    }
}

fn action(json: &str) -> VisitAction {
    serde_json::from_str(json).unwrap()
}

fn olga() -> Hand<'static> {
    Hand::person("olga", now())
}

#[tokio::test]
async fn a_visit_goes_from_the_call_to_its_end_and_the_history_knows_who() {
    let (folder, desk) = desk(BIG).await;
    let visit = booked(&desk, "кот Барсик").await;
    let hands = [Hand::robot(Some("call-2"), now()), Hand::robot(None, now()), olga(), olga()];
    let steps = ["remind", "confirm", "arrive", "done"];
    for (step, hand) in steps.iter().zip(hands) {
        let acted = desk.act(&visit.id, &action(&format!("{{\"action\":\"{step}\"}}")), hand).await.unwrap();
        assert!(matches!(acted, Acted::Done(_)));
    }
    // Twice is no error, and no second step.
    desk.act(&visit.id, &VisitAction::Done, olga()).await.unwrap();
    let store = records::Store::open(folder.path().join("gudok.db")).await.unwrap();
    let history = store.visit_history(&visit.visit).await.unwrap();
    let told: Vec<(Status, &str, Option<&str>)> =
        history.iter().map(|step| (step.status, step.change.by.as_str(), step.change.call.as_deref())).collect();
    assert_eq!(
        told,
        [
            (Status::Booked, "robot", Some("call-1")),
            (Status::Reminded, "robot", Some("call-2")),
            (Status::Confirmed, "robot", None),
            (Status::Arrived, "olga", None),
            (Status::Done, "olga", None),
        ]
    );
    let error = desk.act(&visit.id, &VisitAction::Confirm, olga()).await.unwrap_err();
    assert_eq!(error.code(), "appointment-closed");
    assert_eq!(desk.visit(&visit.id).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn a_reminder_after_a_yes_changes_nothing() {
    let (_folder, desk) = desk(BIG).await;
    let visit = booked(&desk, "кот").await;
    desk.confirm(&visit.id, Hand::robot(None, now())).await.unwrap();
    assert_eq!(desk.reminded(&visit.id, Hand::robot(None, now())).await.unwrap().status, Status::Confirmed);
}

#[tokio::test]
async fn a_lost_visit_has_a_reason_of_the_clinics_list() {
    let (_folder, desk) = desk(BIG).await;
    let visit = booked(&desk, "кот").await;
    let wrong = action(r#"{"action":"cancel","reason_code":"weather"}"#);
    let error = desk.act(&visit.id, &wrong, olga()).await.unwrap_err();
    assert_eq!(error.code(), "unknown-reason");
    assert!(error.to_string().contains("too-expensive"), "{error}");
    let right = action(r#"{"action":"cancel","reason_code":"too-expensive","reason":"дороговато"}"#);
    let Acted::Done(cancelled) = desk.act(&visit.id, &right, olga()).await.unwrap() else { panic!() };
    assert_eq!((cancelled.status, cancelled.reason_code.as_deref()), (Status::Cancelled, Some("too-expensive")));
    assert!(serde_json::from_str::<VisitAction>(r#"{"action":"cancel","why":"?"}"#).is_err());
}

#[tokio::test]
async fn who_came_late_is_put_right_by_a_person_only() {
    let (_folder, desk) = desk(BIG).await;
    let visit = booked(&desk, "кот").await;
    let gave_up = action(r#"{"action":"no-show","reason_code":"no-answer"}"#);
    desk.act(&visit.id, &gave_up, Hand::robot(None, now())).await.unwrap();
    let robot = desk.arrived(&visit.id, Hand::robot(None, now())).await.unwrap_err();
    assert_eq!(robot.code(), "appointment-closed");
    assert_eq!(desk.arrived(&visit.id, olga()).await.unwrap().status, Status::Arrived);

    let given = booked(&desk, "пёс").await;
    desk.act(&given.id, &gave_up, olga()).await.unwrap();
    assert!(matches!(desk.book(&given.slot.id, &visitor("кот"), None, now()).await.unwrap(), Booking::Booked(_)));
    assert_eq!(desk.arrived(&given.id, olga()).await.unwrap_err().code(), "time-given-away");
}

#[tokio::test]
async fn a_number_has_a_family() {
    let (_folder, desk) = desk(BIG).await;
    let cat = booked(&desk, "кот Барсик").await;
    assert_eq!((cat.first_visit, cat.first_for_animal), (Some(true), Some(true)));
    let family = desk.family("8 903 1234567", now()).await.unwrap();
    assert!(family.first_time, "nobody has been here yet");
    desk.arrived(&cat.id, olga()).await.unwrap();
    desk.done(&cat.id, olga()).await.unwrap();
    let dog = booked(&desk, "собака Рекс").await;
    assert_eq!((dog.first_visit, dog.first_for_animal), (Some(false), Some(true)));

    let family = desk.family("+7 903 123-45-67", now() + 1.minutes()).await.unwrap();
    assert!(!family.first_time);
    let mut known: Vec<(&str, &str, u32)> =
        family.visitors.iter().map(|one| (one.animal.as_str(), one.species.as_str(), one.visits)).collect();
    known.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(known, [("собака Рекс", "собаки", 0), ("кот Барсик", "кошки", 1)]);
    assert_eq!(family.ahead, [dog]);
    assert_eq!(desk.family("никакой", now()).await.unwrap_err().code(), "bad-phone");
    let other = Visitor { phone: "+79990000000".into(), ..Visitor::default() };
    assert!(desk.family(other.phone.as_str(), now()).await.unwrap().visitors.is_empty());
}
