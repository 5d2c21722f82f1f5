//! Whether one labelled line was understood: shared by the tests, which hold the shares against `data/gates.toml`, and
//! by the example `slots`, which prints them for any file.
//!
//! A line is an object with `text` and either `slot` and `expected`, or `now` (a date), `type` (frequent questions) or
//! `urgent` (intents, whose fields stand in the line itself).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use understanding::datetime::{self, DateTime, When};
use understanding::faq::Matcher;
use understanding::meaning::Meaning;
use understanding::profile::{FaqEntry, Profile};
use understanding::{age, animal, faq, intent, name, phone, symptom, yes_no};

mod clinic;

/// One line judged.
pub struct Judged {
    /// What kind of phrase it is: the row of the table it counts in.
    pub kind: String,
    /// Whether all that was expected was understood and nothing else.
    pub right: bool,
    /// For people: the text with what was got and what was expected.
    pub report: String,
}

/// Every line of `file` judged, questions by `meaning` too where it is given; entries of frequent questions are no lines of
/// their own.
pub fn file(file: &Path, meaning: Option<&Meaning>) -> Result<Vec<Judged>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut lines: Vec<Value> = Vec::new();
    for (nth, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line = serde_json::from_str(line).map_err(|error| format!("{}:{}: {error}", file.display(), nth + 1))?;
        lines.push(line);
    }
    let questions = Questions::new(&lines, meaning);
    let clinic = clinic::clinic();
    Ok(lines.iter().filter(|line| line["type"] != "entry").map(|line| judge(line, &questions, &clinic)).collect())
}

fn judge(line: &Value, questions: &Questions, clinic: &Profile) -> Judged {
    let text = line["text"].as_str().unwrap_or_default();
    let expected = &line["expected"];
    let slot = line["slot"].as_str().unwrap_or_default();
    let (kind, got, right) = if let Some(now) = line["now"].as_str() {
        let (got, right) = date_time(text, now, expected);
        (format!("datetime {}", line["kind"].as_str().unwrap_or_default()), got, right)
    } else if line["type"] == "query" {
        let (got, right) = questions.ask(line["clinic"].as_str().unwrap_or_default(), text, expected);
        let kind = match expected {
            Value::Null => "faq refusal",
            Value::Array(_) => "faq several",
            _ => "faq",
        };
        (kind.to_owned(), got, right)
    } else if slot.is_empty() {
        let found = intent::parse(text, clinic);
        let got = json!({ "kind": found.kind, "urgent": found.urgent });
        let right = got["kind"] == line["kind"] && got["urgent"] == line["urgent"];
        ("intent".to_owned(), got, right)
    } else {
        let got = slot_of(slot, text, clinic);
        let right = got == *expected;
        (slot.to_owned(), got, right)
    };
    let expected = if expected.is_null() && slot.is_empty() && line["kind"].is_string() && line["now"].is_null() {
        json!({ "kind": line["kind"], "urgent": line["urgent"] })
    } else {
        expected.clone()
    };
    Judged { kind, right, report: format!("{text}\n      got      {got}\n      expected {expected}") }
}

fn slot_of(slot: &str, text: &str, clinic: &Profile) -> Value {
    match slot {
        "yesno" => yes_no::to_json(yes_no::parse(text)),
        "phone" => phone::to_json(phone::parse(text).as_ref()),
        "name" => name::to_json(name::parse(text).as_ref()),
        "animal" => animal::to_json(animal::parse(text).as_ref()),
        "age" => age::to_json(age::parse(text).as_ref()),
        "urgency" => json!({ "urgent": symptom::danger(text).is_some() }),
        "intent" | "operator" => json!({ "kind": intent::parse(text, clinic).kind }),
        other => Value::String(format!("no such slot: {other}")),
    }
}

/// All fields null is the same as null; only optional fields that the line gives are compared, and of the main ones
/// those it leaves out are not.
fn date_time(text: &str, now: &str, expected: &Value) -> (Value, bool) {
    let Some(now) = now.get(..19).and_then(|now| now.parse().ok()) else {
        return (Value::String(format!("no date: {now}")), false);
    };
    let found = datetime::parse(text, &When::at(now));
    let mut got = datetime::to_json(&found);
    let field = |of: &Value, key: &str| of.get(key).cloned().unwrap_or(Value::Null);
    let nothing = expected.as_object().is_none_or(|fields| fields.values().all(Value::is_null));
    let right = match expected.get("status") {
        Some(status) => *status == status_of(&found),
        None if nothing => ["date", "time_from", "time_to"].iter().all(|key| field(&got, key).is_null()),
        None => expected.as_object().into_iter().flatten().all(|(key, value)| field(&got, key) == *value),
    };
    if got.is_null() {
        got = Value::String(status_of(&found).into());
    }
    (got, right)
}

fn status_of(found: &DateTime) -> &'static str {
    match found {
        DateTime::Nothing => "nothing",
        DateTime::Resolved(_) => "resolved",
        DateTime::Ambiguous(_) => "ambiguous",
        DateTime::Vague => "vague",
        DateTime::Invalid(_) => "invalid",
    }
}

/// The clinics whose entries stand in the same file as the questions.
struct Questions(BTreeMap<String, Matcher>);

impl Questions {
    fn new(lines: &[Value], meaning: Option<&Meaning>) -> Self {
        let mut entries: BTreeMap<String, Vec<FaqEntry>> = BTreeMap::new();
        let field = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        for line in lines.iter().filter(|line| line["type"] == "entry") {
            let entry =
                FaqEntry { id: field(line, "id"), question: field(line, "question"), answer: field(line, "answer") };
            entries.entry(field(line, "clinic")).or_default().push(entry);
        }
        Self(entries.into_iter().map(|(clinic, list)| (clinic, Matcher::with_meaning(&list, meaning))).collect())
    }

    /// A list expects all of its entries and no other.
    fn ask(&self, clinic: &str, text: &str, expected: &Value) -> (Value, bool) {
        let Some(matcher) = self.0.get(clinic) else {
            return (Value::String(format!("no entries of {clinic}")), false);
        };
        let hits = matcher.find(text);
        let right = match expected {
            Value::Array(ids) => ids.len() == hits.len() && ids.iter().all(|id| hits.iter().any(|hit| *id == hit.id)),
            expected => faq::to_json(&hits) == *expected,
        };
        (json!(hits.iter().map(|hit| format!("{} {:.2}", hit.id, hit.confidence)).collect::<Vec<_>>()), right)
    }
}
