//! Phrases with what they mean, one JSON line each, in `tests/data`; the share understood must not fall below the floor
//! set for each file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use understanding::datetime::When;
use understanding::faq::Matcher;
use understanding::profile::FaqEntry;
use understanding::{animal, datetime, faq, name, phone, yes_no};

/// Lines of `file`; their texts with what was got and expected where these differ, and how many lines there are.
fn differences(
    file: &str,
    got: impl Fn(&Value) -> Value,
    same: impl Fn(&Value, &Value) -> bool,
) -> (Vec<String>, usize) {
    let lines = lines(file);
    let wrong = lines
        .iter()
        .filter_map(|line| {
            let got = got(line);
            (!same(&got, &line["expected"]))
                .then(|| format!("{} {}\n  got      {got}\n  expected {}", line["id"], line["text"], line["expected"]))
        })
        .collect();
    (wrong, lines.len())
}

fn lines(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let text = fs::read_to_string(&path).expect("the test data is part of the repository");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

/// Fails with every difference listed when fewer than `floor` of the lines are right.
fn gate(file: &str, floor: f64, (wrong, all): (Vec<String>, usize)) {
    let right = (all - wrong.len()) as f64 / all as f64;
    println!("{file}: {right:.3} of {all}");
    assert!(right >= floor, "{file}: {right:.3} of {all} right, {floor} wanted\n{}", wrong.join("\n"));
}

fn text(line: &Value) -> &str {
    line["text"].as_str().expect("a text")
}

fn equal(got: &Value, expected: &Value) -> bool {
    got == expected
}

#[test]
fn dates_and_times() {
    let read = |line: &Value| {
        let now = line["now"].as_str().expect("a date and time");
        let now = now[..19].parse().expect("a civil date and time with an offset behind it");
        datetime::to_json(&datetime::parse(text(line), &When::at(now)))
    };
    // All fields null is the same as null; only optional fields that the line gives are compared.
    let same = |got: &Value, expected: &Value| {
        let field = |of: &Value, key: &str| of.get(key).cloned().unwrap_or(Value::Null);
        let main = ["date", "time_from", "time_to"].iter().all(|key| field(got, key) == field(expected, key));
        let given = expected.as_object().into_iter().flatten().all(|(key, value)| field(got, key) == *value);
        main && given
    };
    gate("datetime.jsonl", 0.99, differences("datetime.jsonl", read, same));
}

#[test]
fn yes_or_no() {
    gate("yes_no.jsonl", 0.98, differences("yes_no.jsonl", |l| yes_no::to_json(yes_no::parse(text(l))), equal));
}

#[test]
fn phone_numbers() {
    gate("phone.jsonl", 0.97, differences("phone.jsonl", |l| phone::to_json(phone::parse(text(l)).as_ref()), equal));
}

#[test]
fn names() {
    gate("name.jsonl", 0.97, differences("name.jsonl", |l| name::to_json(name::parse(text(l)).as_ref()), equal));
}

#[test]
fn animals() {
    gate(
        "animal.jsonl",
        0.97,
        differences("animal.jsonl", |l| animal::to_json(animal::parse(text(l)).as_ref()), equal),
    );
}

/// Queries name the clinic whose entries, in the same file, they are asked of; a list expects all of its entries.
#[test]
fn frequent_questions() {
    let mut entries: BTreeMap<String, Vec<FaqEntry>> = BTreeMap::new();
    let field = |line: &Value, key: &str| line[key].as_str().expect("a string").to_string();
    for line in lines("faq.jsonl").iter().filter(|line| line["type"] == "entry") {
        let entry =
            FaqEntry { id: field(line, "id"), question: field(line, "question"), answer: field(line, "answer") };
        entries.entry(field(line, "clinic")).or_default().push(entry);
    }
    let matchers: BTreeMap<String, Matcher> =
        entries.iter().map(|(clinic, list)| (clinic.clone(), Matcher::new(list))).collect();
    let (mut wrong, mut all) = (Vec::new(), 0);
    for line in lines("faq.jsonl").iter().filter(|line| line["type"] == "query") {
        let hits = matchers[&field(line, "clinic")].find(text(line));
        let right = match &line["expected"] {
            Value::Array(ids) => ids.len() == hits.len() && ids.iter().all(|id| hits.iter().any(|hit| *id == hit.id)),
            expected => faq::to_json(&hits) == *expected,
        };
        all += 1;
        if !right {
            wrong
                .push(format!("{} {}\n  got      {hits:?}\n  expected {}", line["id"], line["text"], line["expected"]));
        }
    }
    gate("faq.jsonl", 0.95, (wrong, all));
}
