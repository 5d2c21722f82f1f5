//! The sections `[reminders]`, `[requests]` and `[templates]`.

use records::Channel;

use super::names;
use super::reader::{Reader, Section};
use crate::hours::Span;
use crate::outreach::{OnNo, ReminderStep, Reminders, RequestRules, StepTime, StepWay};
use crate::phone::PhoneNumber;
use crate::retry::{RetryPlan, Step};
use crate::wording::{self, Language, Wording};

const WHEN_HINT: &str = "write \"at once\", \"1 day before at 12:00\", \"2 h before\" or \"90 min before\"";
const PLAN_HINT: &str =
    "write how long to wait before each attempt: plan = [\"now\", \"30 min\", \"2 h\", \"1 day\", \"7 days\"]";

pub(super) fn reminders(reader: &mut Reader, top: &Section) -> Reminders {
    let mut rules = Reminders::default();
    let Some(section) = reader.table(top, "reminders") else { return rules };
    let keys = ["hours", "channels", "language", "gap_minutes", "last_minutes", "on_no", "steps"];
    reader.check_keys(&section, &keys);
    rules.hours = span(reader, &section, "hours").unwrap_or(rules.hours);
    rules.gap_minutes = reader.number(&section, "gap_minutes", 0, 1440).unwrap_or(rules.gap_minutes);
    rules.last_minutes = reader.number(&section, "last_minutes", 0, 1440).unwrap_or(rules.last_minutes);
    if section.get("channels").is_some() {
        const WAYS: [&str; 3] = ["messenger", "sms", "email"];
        let words = reader.texts(&section, "channels");
        rules.channels = words.iter().filter_map(|word| channel(reader, &section, "channels", word, &WAYS)).collect();
    }
    if let Some(word) = one_of(reader, &section, "language", &["ru", "en"]) {
        rules.language = Language::of(&word).unwrap_or_default();
    }
    match one_of(reader, &section, "on_no", &["call", "cancel"]).as_deref() {
        Some("cancel") => rules.on_no = OnNo::Cancel,
        Some(_) => rules.on_no = OnNo::Call,
        None => {}
    }
    if section.get("steps").is_some() {
        rules.steps = steps(reader, &section);
    }
    rules
}

fn steps(reader: &mut Reader, section: &Section) -> Vec<ReminderStep> {
    let mut steps: Vec<ReminderStep> = Vec::new();
    for section in reader.tables(section, "steps") {
        reader.check_keys(&section, &["id", "when", "asks", "to", "how"]);
        let id = reader.required_text(&section, "id", "a short name, for example id = \"day-before\"");
        let when = reader.required_text(&section, "when", "for example when = \"1 day before at 12:00\"");
        let when = when.and_then(|text| {
            let found = step_time(&text);
            if found.is_none() {
                reader.mistake_at(&section, "when", format!("{text:?} is no moment before a visit"), WHEN_HINT);
            }
            found
        });
        let asks = reader.truth(&section, "asks").unwrap_or(false);
        let unanswered = one_of(reader, &section, "to", &["all", "unanswered"]).as_deref() == Some("unanswered");
        let how = match one_of(reader, &section, "how", &["message", "call", "list"]).as_deref() {
            Some("call") => StepWay::Call,
            Some("list") => StepWay::List,
            _ => StepWay::Message,
        };
        let (Some(id), Some(when)) = (id, when) else { continue };
        if !names::is_id(&id) {
            let hint = format!("use small Latin letters, digits, _ and -, for example {:?}", names::id_from(&id));
            reader.mistake_at(&section, "id", format!("{id:?} cannot be an id"), &hint);
        }
        if steps.iter().any(|step| step.id == id) {
            reader.mistake_at(&section, "id", format!("the id {id:?} is taken"), "give every step an id of its own");
        }
        if unanswered && !steps.iter().any(|step| step.asks) {
            let hint = "put a step with asks = true before it";
            reader.mistake_at(&section, "to", "nobody was asked before this step", hint);
        }
        if asks && how == StepWay::List {
            let hint = "leave asks out: whoever calls asks by themselves";
            reader.mistake_at(&section, "asks", "a person who calls sends no question", hint);
        }
        steps.push(ReminderStep { id, when, asks, unanswered, how });
    }
    steps
}

/// `at once`, `1 day before at 12:00`, `2 h before`.
fn step_time(text: &str) -> Option<StepTime> {
    let text = text.trim().to_lowercase();
    if text == "at once" {
        return Some(StepTime::AtOnce);
    }
    let (ahead, at) = text.split_once(" before").map(|(ahead, at)| (ahead, at.trim()))?;
    match (wait(ahead)?, at.strip_prefix("at ")) {
        (Step::Days(days @ 0..=30), Some(at)) => {
            at.trim().parse().ok().map(|minute| StepTime::DaysBefore(days, minute))
        }
        (Step::Minutes(minutes @ 1..=2880), None) if at.is_empty() => Some(StepTime::MinutesBefore(minutes)),
        _ => None,
    }
}

/// `now`, `30 min`, `2 h`, `1 day`, `7 days`.
fn wait(text: &str) -> Option<Step> {
    let text = text.trim();
    if text == "now" {
        return Some(Step::Minutes(0));
    }
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u32 = number.parse().ok()?;
    match unit.trim() {
        "min" | "minute" | "minutes" => Some(Step::Minutes(number)),
        "h" | "hour" | "hours" => number.checked_mul(60).map(Step::Minutes),
        "d" | "day" | "days" => Some(Step::Days(number)),
        _ => None,
    }
}

pub(super) fn requests(reader: &mut Reader, top: &Section) -> RequestRules {
    let mut rules = RequestRules::default();
    let Some(section) = reader.table(top, "requests") else { return rules };
    let keys =
        ["minutes", "grace_minutes", "plan", "hours", "same_minutes", "claim_minutes", "lost_reasons", "head", "goal"];
    reader.check_keys(&section, &keys);
    rules.minutes = reader.number(&section, "minutes", 1, 1440);
    rules.grace_minutes = reader.number(&section, "grace_minutes", 1, 240).unwrap_or(rules.grace_minutes);
    rules.same_minutes = reader.number(&section, "same_minutes", 0, 1440).unwrap_or(rules.same_minutes);
    rules.claim_minutes = reader.number(&section, "claim_minutes", 1, 240).unwrap_or(rules.claim_minutes);
    rules.goal = reader.share(&section, "goal").unwrap_or(rules.goal);
    if section.get("lost_reasons").is_some() {
        rules.lost_reasons = reader.texts(&section, "lost_reasons");
    }
    if section.get("plan").is_some() {
        rules.plan.steps = plan(reader, &section);
    }
    rules.plan = RetryPlan { allowed: span(reader, &section, "hours").unwrap_or(rules.plan.allowed), ..rules.plan };
    if let Some(heads) = reader.table(&section, "head") {
        const WAYS: [&str; 3] = ["sms", "messenger", "email"];
        let ways: Vec<String> = heads.keys().map(str::to_owned).collect();
        for way in ways {
            let (Some(channel), Some(address)) =
                (channel(reader, &heads, &way, &way, &WAYS), reader.text(&heads, &way))
            else {
                continue;
            };
            let address = match channel {
                Channel::Sms => match PhoneNumber::parse(&address) {
                    Some(number) => number.as_str().to_owned(),
                    None => {
                        let hint = "write it with the country code, for example \"+7 903 123-45-67\"";
                        reader.mistake_at(&heads, &way, format!("{address:?} is no phone number"), hint);
                        continue;
                    }
                },
                _ => address,
            };
            rules.head.push((channel, address));
        }
    }
    rules
}

fn plan(reader: &mut Reader, section: &Section) -> Vec<Step> {
    let words = reader.texts(section, "plan");
    let mut steps = Vec::new();
    for word in &words {
        match wait(word) {
            Some(step) => steps.push(step),
            None => reader.mistake_at(section, "plan", format!("{word:?} is no time to wait"), PLAN_HINT),
        }
    }
    if words.is_empty() {
        reader.mistake_at(section, "plan", "it is empty", PLAN_HINT);
    }
    steps
}

/// `known`: the names of texts that something uses.
pub(super) fn templates(reader: &mut Reader, top: &Section, reminders: &Reminders) -> Wording {
    let mut wording = Wording::default();
    let Some(section) = reader.table(top, "templates") else { return wording };
    reader.check_keys(&section, &["ru", "en"]);
    for language in Language::ALL {
        let Some(texts) = reader.table(&section, language.as_str()) else { continue };
        let known: Vec<&str> =
            wording::TEXTS.iter().copied().chain(reminders.steps.iter().map(|step| step.id.as_str())).collect();
        let ways = ["sms", "messenger", "email"];
        let both: Vec<&str> = known.iter().copied().chain(ways).collect();
        reader.check_keys(&texts, &both);
        take_texts(reader, &texts, language, None, &known, &mut wording);
        for way in ways {
            let channel = way.parse::<Channel>().ok();
            if let Some(texts) = reader.table(&texts, way) {
                reader.check_keys(&texts, &known);
                take_texts(reader, &texts, language, channel, &known, &mut wording);
            }
        }
    }
    wording
}

fn take_texts(
    reader: &mut Reader,
    section: &Section,
    language: Language,
    channel: Option<Channel>,
    known: &[&str],
    wording: &mut Wording,
) {
    for name in known {
        let Some(text) = reader.text(section, name) else { continue };
        if let Some(mistake) = wording::mistake_in(&text) {
            let hint = format!("allowed: {{{}}}", wording::PARTICULARS.join("}, {"));
            reader.mistake_at(section, name, mistake, &hint);
        }
        wording.texts.entry((language, (*name).to_owned())).or_default().insert(channel, text);
    }
}

fn span(reader: &mut Reader, section: &Section, key: &str) -> Option<Span> {
    let text = reader.text(section, key)?;
    match text.parse() {
        Ok(span) => Some(span),
        Err(problem) => {
            let problem: String = problem;
            reader.mistake_at(section, key, problem, "");
            None
        }
    }
}

fn one_of(reader: &mut Reader, section: &Section, key: &str, words: &[&str]) -> Option<String> {
    let word = reader.text(section, key)?;
    if words.contains(&word.as_str()) {
        return Some(word);
    }
    reader.mistake_at(section, key, format!("{word:?} is not known here"), &names::allowed(&word, words));
    None
}

fn channel(reader: &mut Reader, section: &Section, key: &str, word: &str, words: &[&str]) -> Option<Channel> {
    if words.contains(&word) {
        return word.parse().ok();
    }
    reader.mistake_at(section, key, format!("{word:?} is no way to write to somebody"), &names::allowed(word, words));
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::Minute;

    #[test]
    fn moments_and_waits_are_read_as_people_write_them() {
        let noon = Minute::new(720).unwrap();
        assert_eq!(step_time("at once"), Some(StepTime::AtOnce));
        assert_eq!(step_time("1 day before at 12:00"), Some(StepTime::DaysBefore(1, noon)));
        assert_eq!(step_time("2 h before"), Some(StepTime::MinutesBefore(120)));
        assert_eq!(step_time("90 min before"), Some(StepTime::MinutesBefore(90)));
        for wrong in
            ["", "before", "1 day before", "2 h before at 12:00", "1 day before at 25:00", "-1 day before at 9:00"]
        {
            assert_eq!(step_time(wrong), None, "{wrong}");
        }
        assert_eq!(wait("now"), Some(Step::Minutes(0)));
        assert_eq!(wait("7 days"), Some(Step::Days(7)));
        assert_eq!(wait("99999999999 h"), None);
        assert_eq!(wait("4000000000 h"), None);
    }
}
