//! Branches, rooms and machines, who works where, holidays, and why visits are lost.

use super::reader::{Reader, Section};
use super::{names, sections, week};
use crate::clinic::{Branch, Holiday, LostReason, Resource};
use crate::hours::WeeklyHours;
use crate::phone::PhoneNumber;

pub(super) fn branches(reader: &mut Reader, top: &Section) -> Vec<Branch> {
    let mut branches: Vec<Branch> = Vec::new();
    for section in reader.tables(top, "branches") {
        reader.check_keys(&section, &["id", "name", "address", "phone", "hours", "weekly", "exceptions"]);
        let name = reader.required_text(&section, "name", "the branch as callers say it");
        let id = sections::id(reader, &section, name.as_deref());
        if branches.iter().any(|other| other.id == id) {
            taken(reader, &section, &id);
        }
        let phone = reader.text(&section, "phone").map(|text| match PhoneNumber::parse(&text) {
            Some(number) => number.as_str().to_owned(),
            None => {
                let hint = "write it with the country code, for example \"+7 495 123-45-67\"";
                reader.mistake_at(&section, "phone", format!("{text:?} is no phone number"), hint);
                String::new()
            }
        });
        branches.push(Branch {
            id,
            address: reader.text(&section, "address").unwrap_or_default(),
            phone: phone.unwrap_or_default(),
            hours: week::hours(reader, &section),
            exceptions: week::exceptions(reader, &section),
            name: name.unwrap_or_default(),
        });
    }
    branches
}

pub(super) fn resources(reader: &mut Reader, top: &Section, branches: &[Branch]) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    for section in reader.tables(top, "resources") {
        reader.check_keys(&section, &["id", "name", "count", "branches", "exceptions"]);
        let name = reader.required_text(&section, "name", "the room or machine, for example \"аппарат УЗИ\"");
        let id = sections::id(reader, &section, name.as_deref());
        if resources.iter().any(|other| other.id == id) {
            taken(reader, &section, &id);
        }
        let named = reader.texts(&section, "branches");
        let branches = named.iter().filter_map(|name| known_branch(reader, &section, "branches", name, branches));
        resources.push(Resource {
            id,
            branches: branches.collect(),
            count: reader.number(&section, "count", 1, 100).unwrap_or(1),
            exceptions: week::exceptions(reader, &section),
            name: name.unwrap_or_default(),
        });
    }
    resources
}

/// `needs = ["аппарат УЗИ"]` of a service, by id or name.
pub(super) fn needs(reader: &mut Reader, section: &Section, resources: &[Resource]) -> Vec<String> {
    let mut needs = Vec::new();
    for name in reader.texts(section, "needs") {
        match resources.iter().find(|resource| resource.id == name || resource.name == name) {
            Some(resource) if needs.contains(&resource.id) => {
                reader.mistake_at(section, "needs", format!("{name:?} stands there twice"), "name each kind once");
            }
            Some(resource) => needs.push(resource.id.clone()),
            None => {
                let known: Vec<&str> = resources.iter().map(|resource| resource.id.as_str()).collect();
                let hint = match known.is_empty() {
                    true => "describe it first, as [[resources]]".to_owned(),
                    false => names::allowed(&name, &known),
                };
                reader.mistake_at(section, "needs", format!("there is no resource {name:?}"), &hint);
            }
        }
    }
    needs
}

/// Where a doctor works: `branch = "center"` in the doctor's own hours, or `branches = { center = {…}, north = {…} }` with
/// hours for each.
pub(super) fn workplaces(
    reader: &mut Reader,
    section: &Section,
    branches: &[Branch],
) -> Vec<(String, Option<WeeklyHours>)> {
    let mut places: Vec<(String, Option<WeeklyHours>)> = Vec::new();
    if let Some(name) = reader.text(section, "branch")
        && let Some(id) = known_branch(reader, section, "branch", &name, branches)
    {
        places.push((id, None));
    }
    if section.get("branches").is_some() {
        if section.get("branch").is_some() {
            reader.mistake_at(section, "branches", "there is `branch` too", "keep one of them");
        }
        if section.get("hours").is_some() {
            let hint = "with `branches` the hours stand beside each branch; take `hours` out";
            reader.mistake_at(section, "hours", "it is not clear where these hours are spent", hint);
        }
        let Some(table) = reader.table(section, "branches") else { return places };
        let mut keys: Vec<&str> = table.keys().collect();
        keys.sort_by_key(|key| table.get(key).map(|value| value.span().start));
        for key in keys {
            let Some(id) = known_branch(reader, &table, key, key, branches) else { continue };
            let hours = week::week(reader, &table, key).unwrap_or_default();
            check_apart(reader, &table, key, &hours, &places);
            places.push((id, Some(hours)));
        }
    }
    if places.is_empty() && !branches.is_empty() {
        let known: Vec<&str> = branches.iter().map(|branch| branch.id.as_str()).collect();
        let hint = format!("needed: branch = one of {}, or branches = {{ … }} with hours for each", known.join(", "));
        reader.mistake_at(section, "branch", "it does not say where the doctor works", &hint);
    }
    places
}

/// Nobody is in two places at once.
fn check_apart(
    reader: &mut Reader,
    section: &Section,
    key: &str,
    hours: &WeeklyHours,
    others: &[(String, Option<WeeklyHours>)],
) {
    for (id, other) in others.iter().filter_map(|(id, other)| Some((id, other.as_ref()?))) {
        let mut days = hours.days.iter().zip(&other.days);
        if days.any(|(one, other)| !crate::hours::intersect(one, other).is_empty()) {
            let problem = format!("these hours overlap those at {id:?}");
            reader.mistake_at(section, key, problem, "a doctor is in one branch at a time");
        }
    }
}

fn known_branch(reader: &mut Reader, section: &Section, key: &str, name: &str, branches: &[Branch]) -> Option<String> {
    let found = branches.iter().find(|branch| branch.id == name || branch.name == name);
    if found.is_none() {
        let known: Vec<&str> = branches.iter().map(|branch| branch.id.as_str()).collect();
        let hint = match known.is_empty() {
            true => "describe it first, as [[branches]]".to_owned(),
            false => names::allowed(name, &known),
        };
        reader.mistake_at(section, key, format!("there is no branch {name:?}"), &hint);
    }
    found.map(|branch| branch.id.clone())
}

/// `holidays = ["01-01", "01-07", "2027-05-10"]`: every year, or once.
pub(super) fn holidays(reader: &mut Reader, top: &Section) -> Vec<Holiday> {
    let mut holidays = Vec::new();
    for text in reader.texts(top, "holidays") {
        match holiday(&text) {
            Some(holiday) => holidays.push(holiday),
            None => {
                let hint = "write month-day for every year, \"01-07\", or a date for once, \"2027-05-10\"";
                reader.mistake_at(top, "holidays", format!("{text:?} is no day"), hint);
            }
        }
    }
    holidays
}

fn holiday(text: &str) -> Option<Holiday> {
    let (year, rest) = match text.len() {
        5 => (None, text),
        10 => (Some(text.get(..4)?.parse().ok()?), text.get(5..)?),
        _ => return None,
    };
    // Any leap year has every day there can be.
    let date: jiff::civil::Date = format!("{:04}-{rest}", year.unwrap_or(2024)).parse().ok()?;
    Some(Holiday { year, month: date.month(), day: date.day() })
}

/// `[lost_reasons]`: code = "text". The clinic's list stands in place of the ordinary one.
pub(super) fn lost_reasons(reader: &mut Reader, top: &Section) -> Vec<LostReason> {
    let Some(section) = reader.table(top, "lost_reasons") else {
        return ORDINARY.iter().map(|(code, text)| reason(code, text)).collect();
    };
    let mut keys: Vec<&str> = section.keys().collect();
    keys.sort_by_key(|key| section.get(key).map(|value| value.span().start));
    let mut reasons = Vec::new();
    for code in keys {
        if !names::is_id(code) {
            let hint = "use small Latin letters, digits, _ and -, for example too-expensive = \"Дорого\"";
            reader.mistake_at(&section, code, "this cannot be a code", hint);
        }
        if let Some(text) = reader.text(&section, code) {
            reasons.push(reason(code, &text));
        }
    }
    reasons
}

fn reason(code: &str, text: &str) -> LostReason {
    LostReason { code: code.to_owned(), text: text.to_owned() }
}

const ORDINARY: &[(&str, &str)] = &[
    ("not-needed", "Стало лучше, приём не нужен"),
    ("too-expensive", "Дорого"),
    ("elsewhere", "Пошли в другую клинику"),
    ("no-time", "Не подходит время"),
    ("ill", "Заболел сам"),
    ("far", "Далеко или не на чем доехать"),
    ("forgot", "Забыли"),
    ("no-answer", "Не пришли и не отвечают"),
    ("clinic", "Отменила клиника"),
    ("mistake", "Записали по ошибке"),
    ("other", "Другое"),
];

fn taken(reader: &mut Reader, section: &Section, id: &str) {
    reader.mistake(section.offset, &section.path, format!("the id {id:?} is taken"), "give one of them another id");
}
