//! Phrases of live callers against what they mean (`tests/data/intent.jsonl`).

use serde::Deserialize;
use understanding::intent::{IntentKind, parse};

#[path = "judge/clinic.rs"]
mod clinic;
use clinic::clinic;

#[derive(Deserialize)]
struct Line {
    text: String,
    urgent: bool,
    doctor: Option<String>,
    #[serde(default)]
    services: Vec<String>,
}

fn lines() -> Vec<Line> {
    include_str!("data/intent.jsonl")
        .lines()
        .map(|l| serde_json::from_str(l).expect("a line of the test data"))
        .collect()
}

#[test]
fn danger_is_never_missed_and_never_imagined() {
    let clinic = clinic();
    for line in lines() {
        assert_eq!(parse(&line.text, &clinic).urgent, line.urgent, "{}", line.text);
    }
}

#[test]
fn services_and_doctors_are_found() {
    let clinic = clinic();
    for line in lines() {
        let intent = parse(&line.text, &clinic);
        if line.doctor.is_some() || !line.services.is_empty() {
            assert_eq!(intent.doctor, line.doctor, "{}", line.text);
        }
        for service in &line.services {
            let heard: Vec<String> =
                intent.services.iter().map(|s| format!("{}/{:?}", s.name, s.offered).to_lowercase()).collect();
            assert!(heard.contains(&service.to_lowercase()), "{}: {heard:?}", line.text);
        }
    }
}

#[test]
fn other_hands_wording_of_operator_reaches_a_person() {
    let clinic = clinic();
    for said in [
        "слушайте, дайте мне уже человека",
        "оператора позови",
        "мне с живым человеком надо",
        "ну переключите же на оператора",
    ] {
        assert_eq!(parse(said, &clinic).kind, IntentKind::Operator, "{said}");
    }
}
