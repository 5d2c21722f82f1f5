//! The clinic file: from TOML to a checked [`Clinic`], with every mistake found on the way.

mod canned;
mod names;
mod outreach;
mod places;
mod reader;
mod rules;
mod sections;
mod week;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;
use toml::de::DeTable;

use crate::clinic::{Clinic, Kind};
use crate::error::{ClinicErrors, Mistake};
use crate::hours::{Minute, Span, WeeklyHours};
use crate::money::Currency;
use crate::phone::PhoneNumber;
use reader::{Reader, Section};

/// The keys of the file's top.
const KEYS: &[&str] = &[
    "id",
    "name",
    "kind",
    "timezone",
    "services",
    "absent",
    "faq",
    "doctors",
    "hours",
    "exceptions",
    "lines",
    "minute_cost",
    "currency",
    "address",
    "phone",
    "prompts",
    "recording_notice",
    "visit_minutes",
    "callback_minutes",
    "slot_step",
    "horizon_days",
    "flows",
    "privacy",
    "reminders",
    "requests",
    "templates",
    "buffer_minutes",
    "holidays",
    "branches",
    "resources",
    "lost_reasons",
    "canned",
    "plan",
];

/// A short name for the records out of a name that people read: `Лапа` → `lapa`.
pub fn id_from(name: &str) -> String {
    names::id_from(name)
}

pub(crate) fn load(path: &Path) -> Result<Clinic, ClinicErrors> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let problem = format!("the file cannot be read: {error}");
        let hint = "give the path of a clinic file, for example clinics/vet_lapa.toml".to_owned();
        ClinicErrors { file: name.clone(), mistakes: vec![Mistake { line: 0, key: String::new(), problem, hint }] }
    })?;
    parse(&text, &name, path.parent().unwrap_or(Path::new("")))
}

pub(crate) fn parse(text: &str, name: &str, folder: &Path) -> Result<Clinic, ClinicErrors> {
    let mut reader = Reader::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        let problem = format!("this is no TOML: {}", error.message().replace('\n', ", "));
        let hint = match error.message() {
            message if message.contains("key") => "a key with other than Latin letters needs quotes: \"рентген\" = 20",
            message if message.contains("string") => "texts stand in quotes: name = \"Лапа\"",
            _ => "",
        };
        reader.mistake(offset, "", problem, hint);
    }
    // What follows a broken line is often read wrongly; its "mistakes" would only distract.
    let clinic = if errors.is_empty() { clinic(&mut reader, table.get_ref(), folder) } else { None };
    let mistakes = reader.into_mistakes();
    match clinic {
        Some(clinic) if mistakes.is_empty() => Ok(clinic),
        _ => Err(ClinicErrors { file: name.to_owned(), mistakes }),
    }
}

/// None only together with a mistake.
fn clinic(reader: &mut Reader, table: &DeTable<'_>, folder: &Path) -> Option<Clinic> {
    let top = Section::top(table);
    reader.check_keys(&top, KEYS);

    let id = reader.required_text(&top, "id", "a short name for the records, for example id = \"vet_lapa\"");
    if let Some(id) = &id {
        check_id(reader, &top, id);
    }
    let name = reader.required_text(&top, "name", "the clinic's name as a caller should hear it");
    let kind = kind(reader, &top);
    let zone = zone(reader, &top);
    let currency = currency(reader, &top);
    let visit_minutes = reader.number(&top, "visit_minutes", 5, 480).unwrap_or(30);

    let week = week::hours(reader, &top).unwrap_or_else(|| WeeklyHours::daily(ordinary_day()));
    let exceptions = week::exceptions(reader, &top);
    let absent = reader.texts(&top, "absent");
    let faq = sections::faq(reader, &top);
    let branches = places::branches(reader, &top);
    let resources = places::resources(reader, &top, &branches);
    let usual =
        sections::Usual { minutes: visit_minutes, buffer: reader.number(&top, "buffer_minutes", 0, 240).unwrap_or(0) };
    let drafts = sections::services(reader, &top, currency, usual, &resources);
    let doctors = sections::doctors(reader, &top, &branches);
    let (services, doctors) = sections::join(reader, drafts, doctors);
    sections::check_absent(reader, &top, &absent, &services);

    let minute_cost = reader.money(&top, "minute_cost", currency).map(|(money, _)| money);
    let phone = reader.text(&top, "phone").map(|text| match PhoneNumber::parse(&text) {
        Some(number) => number.as_str().to_owned(),
        None => {
            let hint = "write it with the country code, for example \"+7 495 123-45-67\"";
            reader.mistake_at(&top, "phone", format!("{text:?} is no phone number"), hint);
            String::new()
        }
    });
    let reminders = outreach::reminders(reader, &top);
    Some(Clinic {
        requests: outreach::requests(reader, &top),
        templates: outreach::templates(reader, &top, &reminders),
        reminders,
        absent,
        faq,
        lines: lines(reader, &top),
        minute_cost,
        currency,
        address: reader.text(&top, "address").unwrap_or_default(),
        phone: phone.unwrap_or_default(),
        prompts: reader.text(&top, "prompts").map(|path| folder.join(path)),
        recording_notice: reader.text(&top, "recording_notice").unwrap_or_else(|| "Разговор записывается.".to_owned()),
        callback_minutes: reader.number(&top, "callback_minutes", 1, 1440).unwrap_or(30),
        slot_step: reader.number(&top, "slot_step", 5, 240).unwrap_or(30),
        horizon_days: reader.number(&top, "horizon_days", 1, 366).unwrap_or(60),
        flows: rules::flows(reader, &top),
        privacy: rules::privacy(reader, &top, folder),
        canned: canned::canned(reader, &top),
        plan: rules::plan(reader, &top),
        // Read above already, so that every mistake is reported before the first `?` ends this.
        hours: week,
        exceptions,
        holidays: places::holidays(reader, &top),
        lost_reasons: places::lost_reasons(reader, &top),
        branches,
        resources,
        services,
        doctors,
        id: id?,
        name: name?,
        kind: kind?,
        timezone: zone.as_ref()?.0.clone(),
        zone: zone?.1,
    })
}

/// Hours of a clinic that gives none: 09:00–21:00.
fn ordinary_day() -> Span {
    let minute = |hour: u16| Minute::new(hour * 60).expect("invariant: an hour of the day");
    Span { opens: minute(9), closes: minute(21) }
}

fn check_id(reader: &mut Reader, top: &Section, id: &str) {
    if !names::is_id(id) {
        let hint = format!("use small Latin letters, digits, _ and -, for example {:?}", names::id_from(id));
        reader.mistake_at(top, "id", format!("{id:?} cannot be an id"), &hint);
    }
}

fn kind(reader: &mut Reader, top: &Section) -> Option<Kind> {
    const KINDS: [Kind; 3] = [Kind::Veterinary, Kind::Medical, Kind::Dental];
    const WORDS: [&str; 3] = ["veterinary", "medical", "dental"];
    let word = reader.required_text(top, "kind", "one of veterinary, medical, dental")?;
    let kind = KINDS.into_iter().find(|kind| kind.as_str() == word);
    if kind.is_none() {
        let hint = names::allowed(&word, &WORDS);
        reader.mistake_at(top, "kind", format!("{word:?} is no kind of clinic"), &hint);
    }
    kind
}

fn zone(reader: &mut Reader, top: &Section) -> Option<(String, TimeZone)> {
    let name = reader.required_text(top, "timezone", "an IANA name, for example timezone = \"Europe/Moscow\"")?;
    match TimeZone::get(&name) {
        Ok(zone) => Some((name, zone)),
        Err(_) => {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let hint = match names::nearest(&name, &known) {
                Some(near) => format!("did you mean {near:?}? IANA names are needed, for example \"Europe/Moscow\""),
                None => "IANA names are needed, for example \"Europe/Moscow\" or \"Asia/Yekaterinburg\"".to_owned(),
            };
            reader.mistake_at(top, "timezone", format!("{name:?} is no time zone"), &hint);
            None
        }
    }
}

fn currency(reader: &mut Reader, top: &Section) -> Currency {
    let Some(code) = reader.text(top, "currency") else { return Currency::RUB };
    code.parse().unwrap_or_else(|problem: String| {
        reader.mistake_at(top, "currency", problem, "");
        Currency::RUB
    })
}

fn lines(reader: &mut Reader, top: &Section) -> BTreeMap<String, String> {
    let Some(section) = reader.table(top, "lines") else { return BTreeMap::new() };
    let names: Vec<String> = section.keys().map(str::to_owned).collect();
    names.into_iter().filter_map(|name| reader.text(&section, &name).map(|line| (name, line))).collect()
}
