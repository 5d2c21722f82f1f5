//! What a form may say, and every way to be refused.

use super::*;

const SECRET: &[u8] = b"the site's own";

fn clinic() -> Clinic {
    let text = "id = \"vet\"\nname = \"Лапа\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\nservices = [\"терапия\"]\n";
    Clinic::parse(text, "vet.toml").unwrap()
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00+03:00".parse().unwrap()
}

fn arrival<'a>(body: &'a str, timestamp: &'a str, signature: &'a str) -> Arrival<'a> {
    let (timestamp, signature) = (Some(timestamp), Some(signature));
    Arrival { body: body.as_bytes(), timestamp, signature, from_address: 0, from_number: None }
}

fn check(body: &str) -> std::result::Result<Checked, Refused> {
    Intake::default().check(&clinic(), &arrival(body, "", ""), now())
}

#[test]
fn a_signed_form_passes_and_a_changed_one_does_not() {
    let intake = Intake { secret: Some(SECRET.to_vec()), ..Intake::default() };
    let body = "{\"phone\": \"8 903 123-45-67\", \"name\": \" Анна \\n Ким\", \"at\": \"2026-11-23T15:00\"}";
    let time = now().as_second();
    let signature = sign(SECRET, time, body.as_bytes());
    let checked = intake.check(&clinic(), &arrival(body, &time.to_string(), &signature), now()).unwrap();
    assert_eq!((checked.phone.as_str(), checked.person.as_str()), ("+79031234567", "Анна Ким"));
    assert_eq!(checked.at, Some("2026-11-23T15:00".parse().unwrap()));

    let refused = |body: &str, time: &str, signature: &str| {
        intake.check(&clinic(), &arrival(body, time, signature), now()).unwrap_err()
    };
    let right = time.to_string();
    assert_eq!(refused(&body.replace('8', "9"), &right, &signature), Refused::Signature);
    assert_eq!(refused(body, &(time + 1).to_string(), &signature), Refused::Signature);
    assert_eq!(refused(body, &right, "zz"), Refused::Signature);
    assert_eq!(refused(body, "", &signature).code(), "stale");
    let old = time - 301;
    assert_eq!(refused(body, &old.to_string(), &sign(SECRET, old, body.as_bytes())), Refused::Stale(300));
}

#[test]
fn the_signature_is_the_one_of_the_standard() {
    // Computed by `printf '1.{}' | openssl dgst -sha256 -hmac key`.
    assert_eq!(sign(b"key", 1, b"{}"), "1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224");
}

#[test]
fn every_mistake_has_its_own_word() {
    let long = format!("{{\"phone\": \"89031234567\", \"text\": \"{}\"}}", "ж".repeat(2_001));
    for (body, code) in [
        ("", "unreadable"),
        ("[]", "unreadable"),
        ("{\"phone\": 5}", "unreadable"),
        ("{\"phone\": \"89031234567\", \"fone\": \"\"}", "unreadable"),
        ("{\"phone\": \"завтра\"}", "bad-phone"),
        ("{\"phone\": \"89031234567\", \"at\": \"в три\"}", "bad-time"),
        ("{\"phone\": \"89031234567\", \"at\": \"2026-11-23T09:00\"}", "bad-time"),
        ("{\"phone\": \"89031234567\", \"at\": \"2027-11-23T09:00\"}", "bad-time"),
        (&long, "too-long"),
    ] {
        let refused = check(body).unwrap_err();
        assert_eq!(refused.code(), code, "{body}");
        assert!(!refused.to_string().contains("89031234567") && !refused.to_string().contains("завтра"));
    }
    let busy = Arrival { from_address: 20, ..arrival("{\"phone\": \"89031234567\"}", "", "") };
    assert_eq!(Intake::default().check(&clinic(), &busy, now()).unwrap_err().code(), "too-many");
    let same = Arrival { from_address: 0, from_number: Some(5), ..busy };
    assert_eq!(Intake::default().check(&clinic(), &same, now()).unwrap_err(), Refused::TooMany("number"));
}

#[test]
fn machines_are_thanked_and_forgotten() {
    assert!(check("{\"phone\": \"89031234567\", \"website\": \"http://x\"}").unwrap().bot);
    assert!(check("{\"phone\": \"89031234567\", \"filled_ms\": 300}").unwrap().bot);
    assert!(!check("{\"phone\": \"89031234567\", \"filled_ms\": 9000, \"website\": \"\"}").unwrap().bot);
}
