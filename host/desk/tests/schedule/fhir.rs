//! FHIR: what goes out comes back as it was, and what is wrong is told by its element.

use desk::fhir::{self, OperationOutcome};
use desk::{Appointment, Booking, SlotQuery, Status};
use serde_json::{Value, json};

use crate::{BIG, clinic, desk, now, visitor};

async fn booked(animal: &str) -> Appointment {
    let (_folder, desk) = desk(BIG).await;
    let query = SlotQuery { service: Some("vaccine".into()), doctor: Some("petrov".into()), ..SlotQuery::default() };
    let slot = desk.find(&query, now()).await.unwrap().remove(0);
    match desk.book(&slot.id, &visitor(animal), None, now()).await.unwrap() {
        Booking::Booked(visit) => *visit,
        Booking::Taken => panic!("it was free"),
    }
}

#[tokio::test]
async fn a_visit_goes_out_and_comes_back() {
    let visit = booked("кот Барсик").await;
    let out = fhir::appointment(&visit);
    let value = serde_json::to_value(&out).unwrap();
    assert_eq!((value["resourceType"].as_str(), value["status"].as_str()), (Some("Appointment"), Some("booked")));
    assert_eq!(value["start"], "2026-11-23T09:15:00+03:00");
    assert_eq!(value["minutesDuration"], 15);
    let text = value.to_string();
    for personal in ["Анна", "Барсик", "9031234567"] {
        assert!(!text.contains(personal), "the appointment names its visitor: {text}");
    }
    let back = fhir::read_appointment(&clinic(BIG), &text).unwrap();
    assert_eq!(
        (back.doctor.as_str(), back.service.as_deref(), back.status),
        ("petrov", Some("vaccine"), Some(Status::Booked))
    );
    assert_eq!(back.start, visit.slot.start.timestamp());
    assert_eq!((back.booking.as_deref(), back.reason.as_str()), (Some(visit.id.as_str()), "чихает"));
    assert_eq!((back.end.as_millisecond() - back.start.as_millisecond()) / 60_000, 15);
    // The resource itself survives its own words.
    assert_eq!(serde_json::from_value::<fhir::FhirAppointment>(value).unwrap(), out);
}

#[tokio::test]
async fn people_and_animals_go_out_and_come_back() {
    for animal in ["кот Барсик", "Барсик", ""] {
        let visit = booked(animal).await;
        let text = serde_json::to_string(&fhir::patient(&visit)).unwrap();
        let back = fhir::read_patient(&text).unwrap();
        assert_eq!(
            (&back.phone, &back.person, &back.animal),
            (&visit.visitor.phone, &visit.visitor.person, &visit.visitor.animal)
        );
    }
    let named = json!({
        "resourceType": "Patient", "name": [{"family": "Иванова", "given": ["Анна", "Петровна"]}],
        "telecom": [{"system": "email", "value": "a@b"}, {"system": "phone", "value": "8 903 123-45-67"}],
    });
    let back = fhir::read_patient(&named.to_string()).unwrap();
    assert_eq!((back.person.as_str(), back.phone.as_str()), ("Иванова Анна Петровна", "+79031234567"));
}

#[tokio::test]
async fn free_times_and_calendars_go_out() {
    let (_folder, desk) = desk(BIG).await;
    let found = desk.find(&SlotQuery { service: Some("vaccine".into()), ..SlotQuery::default() }, now()).await.unwrap();
    let slot = serde_json::to_value(fhir::slot(&found[0], true)).unwrap();
    assert_eq!(
        (slot["status"].as_str(), slot["identifier"][0]["value"].as_str()),
        (Some("free"), Some(found[0].id.as_str()))
    );
    assert!(
        slot["id"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    );
    let big = clinic(BIG);
    let schedule = serde_json::to_value(fhir::schedule(&big, &big.doctors[0])).unwrap();
    assert_eq!(
        (schedule["id"].as_str(), schedule["actor"][0]["reference"].as_str()),
        (Some("orlov"), Some("Practitioner/orlov"))
    );
    assert_eq!(schedule["serviceType"].as_array().unwrap().len(), 3);
}

#[test]
fn every_status_has_a_word_and_every_word_a_status() {
    for status in Status::ALL {
        let back = fhir::status_in(fhir::status_out(*status)).unwrap().unwrap();
        let lossy = matches!(status, Status::Reminded | Status::Confirmed | Status::Moved);
        assert_eq!(back == *status, !lossy, "{status}");
        assert_eq!(back.is_live(), status.is_live(), "{status}");
    }
    for word in ["proposed", "pending", "waitlist"] {
        assert_eq!(fhir::status_in(word), Some(None));
    }
    assert_eq!(fhir::status_in("BOOKED"), None);
}

#[test]
fn what_is_wrong_is_told_by_its_element() {
    let good = json!({
        "resourceType": "Appointment", "id": "77", "status": "cancelled", "start": "2026-11-24T10:00:00+03:00",
        "minutesDuration": 20, "comment": "an element that is not ours",
        "cancelationReason": {"coding": [{"system": "urn:gudok:lost-reason", "code": "too-expensive"}]},
        "participant": [
            {"actor": {"reference": "https://his/fhir/Practitioner/petrov"}, "status": "accepted"},
            {"actor": {"reference": "Patient/9", "display": "Анна"}, "status": "accepted"},
        ],
    });
    let big = clinic(BIG);
    let taken = fhir::read_appointment(&big, &good.to_string()).unwrap();
    assert_eq!((taken.external_id.as_deref(), taken.status), (Some("77"), Some(Status::Cancelled)));
    assert_eq!((taken.patient.as_deref(), taken.person.as_str()), (Some("9"), "Анна"));
    assert_eq!((taken.reason_code.as_deref(), taken.service), (Some("too-expensive"), None));

    let wrong = |path: &str, value: Value| -> OperationOutcome {
        let mut broken = good.clone();
        *broken.pointer_mut(path).unwrap() = value;
        fhir::read_appointment(&big, &broken.to_string()).unwrap_err()
    };
    for (path, value, element, code) in [
        ("/resourceType", json!("Encounter"), "resourceType", "value"),
        ("/status", json!("booked!"), "Appointment.status", "value"),
        ("/start", json!("2026-11-24T10:00:00"), "Appointment.start", "value"),
        ("/start", Value::Null, "Appointment.start", "required"),
        ("/minutesDuration", json!(0), "Appointment.end", "value"),
        ("/minutesDuration", Value::Null, "Appointment.end", "required"),
        ("/minutesDuration", json!("20"), "Appointment", "structure"),
        (
            "/participant/0/actor/reference",
            json!("Practitioner/nobody"),
            "Appointment.participant[0].actor",
            "not-found",
        ),
        ("/participant/0/actor/reference", json!("Location/1"), "Appointment.participant", "required"),
        ("/cancelationReason/coding/0/code", json!("rain"), "Appointment.cancelationReason", "value"),
    ] {
        let outcome = wrong(path, value);
        let issue = &outcome.issue[0];
        assert_eq!((issue.expression.as_str(), issue.code.as_str()), (element, code), "{path}: {outcome}");
        assert_eq!(outcome.to_json()["issue"][0]["severity"], "error");
        assert!(!outcome.to_string().contains("Анна"));
    }
    let patient = |json: Value| fhir::read_patient(&json.to_string()).unwrap_err().issue[0].expression.clone();
    assert_eq!(patient(json!({"resourceType": "Patient"})), "Patient.telecom");
    let unreadable = json!({"resourceType": "Patient", "telecom": [{"system": "phone", "value": "нет"}]});
    assert_eq!(patient(unreadable), "Patient.telecom.value");
    assert_eq!(patient(json!({"name": []})), "resourceType");
    assert!(fhir::read_patient("{").is_err());
}
