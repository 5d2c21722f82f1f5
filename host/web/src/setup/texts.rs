//! The steps of the reminders as a form: when, by which way, what is written; with the message as a client would get it.

use desk::{Clinic, Language, Minute, ReminderStep, StepTime, StepWay, Wording};
use jiff::ToSpan as _;
use maud::{Markup, html};
use records::{BookingRecord, Channel};

use super::Step;
use super::edit::Edited;
use super::save::hidden;
use super::steps::particulars;
use super::typed::Typed;
use crate::pages::{Desk, Fields};

/// What is written when something happens that is no step.
const BESIDE: [(&str, &str, &str); 2] =
    [("moved", "Когда приём перенесли", "When a visit was moved"), ("title", "Тема письма", "Subject of e-mails")];

/// Changes the file as the form says.
///
/// # Errors
/// Sentences about what was typed.
pub(super) fn put(desk: &Desk, said: &Fields, file: &mut Edited) -> Result<(), String> {
    let steps = &desk.clinic.reminders.steps;
    let place = said.get("place").and_then(|place| place.parse::<usize>().ok());
    let gone = || desk.lang.pick("Такого шага уже нет.", "There is no such step any more.").to_owned();
    match said.get("do") {
        Some("remove-step") => {
            let place = place.ok_or_else(gone)?;
            let step = steps.get(place).ok_or_else(gone)?;
            file.remove_step(steps, place, &step.id)
        }
        Some("text") => {
            let name = said.get("name").filter(|name| BESIDE.iter().any(|one| one.0 == *name)).ok_or_else(gone)?;
            own_texts(said, file, name);
            Ok(())
        }
        _ => {
            let before = place.map(|place| steps.get(place).ok_or_else(gone)).transpose()?;
            let step = read(desk, said, before)?;
            file.put_step(steps, place, particulars(&step))?;
            own_texts(said, file, &step.id);
            Ok(())
        }
    }
}

/// What differs from the text of the trade.
fn own_texts(said: &Fields, file: &mut Edited, name: &str) {
    for language in Language::ALL {
        let typed = said.get(&format!("text_{}", language.as_str())).map(|text| text.replace("\r\n", "\n"));
        let own = typed.filter(|text| text != Wording::default().text(name, Channel::Sms, language));
        file.set_text(language.as_str(), name, own.as_deref());
    }
}

/// The step that was typed.
fn read(desk: &Desk, said: &Fields, before: Option<&ReminderStep>) -> Result<ReminderStep, String> {
    let t = |ru: &str, en: &str| desk.lang.pick(ru, en).to_owned();
    let number = |name: &str| said.get(name).and_then(|text| text.parse::<u32>().ok());
    let when = match said.get("when") {
        Some("once") => StepTime::AtOnce,
        Some("minutes") => {
            let minutes = number("minutes").filter(|minutes| (1..=2880).contains(minutes));
            StepTime::MinutesBefore(minutes.ok_or_else(|| {
                t(
                    "За сколько минут до приёма: число от 1 до 2880.",
                    "Minutes before the visit: a number from 1 to 2880.",
                )
            })?)
        }
        _ => {
            let days = number("days").filter(|days| *days <= 30);
            let days = days.ok_or_else(|| {
                t("За сколько дней до приёма: число от 0 до 30.", "Days before the visit: a number from 0 to 30.")
            })?;
            let at = said.get("at").and_then(|at| at.parse::<Minute>().ok());
            let wrong = || t("В какое время: например 12:00.", "At what time: for example 12:00.");
            StepTime::DaysBefore(days, at.ok_or_else(wrong)?)
        }
    };
    let how = match said.get("how") {
        Some("call") => StepWay::Call,
        Some("list") => StepWay::List,
        _ => StepWay::Message,
    };
    let id = match before {
        // Messages that were sent know it by this name.
        Some(before) => before.id.clone(),
        None => desk::id_from(said.get("name").unwrap_or("step")).replace('_', "-"),
    };
    let unanswered = said.get("unanswered").is_some();
    Ok(ReminderStep { id, when, asks: said.get("asks").is_some(), unanswered, how })
}

/// The steps and the texts beside them.
pub(super) fn sections(desk: &Desk, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let example = example(desk);
    html! {
        section aria-labelledby="cycle" {
            h2 #cycle { (t("Напоминания о приёме", "Reminders of visits")) }
            p.note { (t(
                "По порядку: сразу после записи, накануне, перед приёмом. Серверы сообщений записаны в connections.toml.",
                "In order: right after the booking, the day before, before the visit. The servers of messages stand in connections.toml."
            )) }
            @for (place, step) in desk.clinic.reminders.steps.iter().enumerate() {
                @let typed = typed.form(Some("step"), Some(place)).or(typed.form(Some("preview"), Some(place)));
                details.item open[typed.is_here()] {
                    summary { b { (moment(desk, step.when)) } span.soft { (way(desk, step)) " · " (step.id) } }
                    (form(desk, Some((place, step)), typed, &example))
                    form method="post" action=(Step::Reminders.path(desk)) {
                        (hidden(desk)) input type="hidden" name="place" value=(place);
                        button.link.bad type="submit" name="do" value="remove-step" { (t("Убрать шаг", "Take the step out")) }
                    }
                }
            }
        }
        section aria-labelledby="new" {
            h2 #new { (t("Добавить шаг", "Add a step")) }
            (form(desk, None, typed.form(Some("step"), None).or(typed.form(Some("preview"), None)), &example))
        }
        section aria-labelledby="texts" {
            h2 #texts { (t("Другие тексты", "Other texts")) }
            @for (name, ru, en) in BESIDE {
                details.item {
                    summary { b { (t(ru, en)) } }
                    form.stack method="post" action=(Step::Reminders.path(desk)) {
                        (hidden(desk)) input type="hidden" name="do" value="text"; input type="hidden" name="name" value=(name);
                        (texts(desk, name, Typed::default(), &example))
                        button type="submit" { (t("Сохранить", "Save")) }
                    }
                }
            }
        }
    }
}

fn form(desk: &Desk, step: Option<(usize, &ReminderStep)>, typed: Typed, example: &BookingRecord) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let one = step.map(|(_, step)| step);
    let (kind, days, at, minutes) = match one.map(|step| step.when) {
        Some(StepTime::AtOnce) => ("once", 1, "12:00".to_owned(), 120),
        Some(StepTime::MinutesBefore(minutes)) => ("minutes", 1, "12:00".to_owned(), minutes),
        Some(StepTime::DaysBefore(days, at)) => ("days", days, at.to_string(), 120),
        None => ("days", 2, "12:00".to_owned(), 120),
    };
    let how = match one.map(|step| step.how) {
        Some(StepWay::Call) => "call",
        Some(StepWay::List) => "list",
        _ => "message",
    };
    let option = |name: &str, value: &str, now: &str, words: &str| {
        html! { option value=(value) selected[typed.chosen(name, value, now == value)] { (words) } }
    };
    html! {
        form.stack method="post" action=(Step::Reminders.path(desk)) {
            (hidden(desk))
            @if let Some((place, _)) = step { input type="hidden" name="place" value=(place); }
            @else { label { span { (t("Как назвать шаг, для себя", "A name for the step, for yourself")) } input name="name" required maxlength="40" value=(typed.text("name", "")) placeholder=(t("за два дня", "two days before")); } }
            div.fields {
                label { span { (t("Когда", "When")) } select name="when" {
                    (option("when", "once", kind, t("сразу после записи", "right after the booking")))
                    (option("when", "days", kind, t("за столько дней, в такое время", "so many days before, at a time")))
                    (option("when", "minutes", kind, t("за столько минут до приёма", "so many minutes before the visit")))
                } }
                label { span { (t("Дней", "Days")) } input type="number" name="days" min="0" max="30" value=(typed.text("days", &days.to_string())); }
                label { span { (t("Время", "Time")) } input type="time" name="at" value=(typed.text("at", &at)); }
                label { span { (t("Минут", "Minutes")) } input type="number" name="minutes" min="1" max="2880" value=(typed.text("minutes", &minutes.to_string())); }
                label { span { (t("Как", "How")) } select name="how" {
                    (option("how", "message", how, t("сообщением", "by a message")))
                    (option("how", "call", how, t("звонит робот", "the robot calls")))
                    (option("how", "list", how, t("звонит человек: в обзвон", "a person calls: the dial list")))
                } }
            }
            label.tick { input type="checkbox" name="asks" value="1" checked[typed.ticked("asks", one.is_some_and(|step| step.asks))]; span { (t("спросить, придут ли: да или нет", "ask whether they come: yes or no")) } }
            label.tick { input type="checkbox" name="unanswered" value="1" checked[typed.ticked("unanswered", one.is_some_and(|step| step.unanswered))]; span { (t("только тем, кого спросили и кто не ответил", "only for those who were asked and did not answer")) } }
            (texts(desk, one.map_or("", |step| step.id.as_str()), typed, example))
            div.line {
                button type="submit" name="do" value="step" { @if one.is_some() { (t("Сохранить", "Save")) } @else { (t("Добавить", "Add")) } }
                button.quiet type="submit" name="do" value="preview" { (t("Показать, что выйдет", "Show what comes of it")) }
            }
        }
    }
}

/// The text in each language, and the message it makes.
fn texts(desk: &Desk, name: &str, typed: Typed, example: &BookingRecord) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    html! {
        @for language in Language::ALL {
            @let field = format!("text_{}", language.as_str());
            @let now = desk.clinic.templates.text(name, Channel::Sms, language);
            @let text = typed.text(&field, now);
            label { span { @if language == Language::Russian { (t("Текст по-русски", "Text in Russian")) } @else { (t("Текст по-английски", "Text in English")) } }
                textarea name=(field) rows="3" maxlength="700" { (text) } }
            p.note.preview lang=(language.as_str()) { b { (t("Клиент получит: ", "A client gets: ")) } (filled(&desk.clinic, &text, now, example, language)) }
        }
        p.note { (t("Вместо слов в фигурных скобках встанет своё у каждого визита: ", "Words in curly brackets are filled in for each visit: "))
            @for (n, word) in desk::PARTICULARS.iter().enumerate().filter(|(_, word)| !matches!(**word, "count" | "minutes")) { @if n > 0 { ", " } code { "{" (word) "}" } }
            (t(". Часть в квадратных скобках пропадает, если подставить нечего.", ". What stands in square brackets is left out when there is nothing to put in.")) }
    }
}

/// The message a client would get; what was emptied is that of the trade.
fn filled(clinic: &Clinic, text: &str, now: &str, example: &BookingRecord, language: Language) -> String {
    let text = if text.trim().is_empty() { now } else { text };
    desk::fill(text, outreach::of_visit(clinic, example, language))
}

/// A visit of the day after tomorrow that nobody has.
fn example(desk: &Desk) -> BookingRecord {
    let clinic = &desk.clinic;
    let day = desk.today().saturating_add(2.days());
    let start =
        day.at(12, 30, 0, 0).to_zoned(clinic.zone.clone()).map_or(desk.now_ms(), |at| at.timestamp().as_millisecond());
    let is_vet = clinic.kind.as_str() == "veterinary";
    BookingRecord {
        clinic: clinic.id.clone(),
        timezone: clinic.timezone.clone(),
        doctor: clinic.doctors.first().map(|doctor| doctor.id.clone()).unwrap_or_default(),
        service: clinic.services.first().map(|service| service.id.clone()).unwrap_or_default(),
        start_ms: start,
        end_ms: start + 1_800_000,
        person: desk.lang.pick("Анна", "Anna").into(),
        animal: if is_vet { desk.lang.pick("кот Барсик", "the cat Barsik") } else { "" }.into(),
        ..BookingRecord::default()
    }
}

fn way(desk: &Desk, step: &ReminderStep) -> String {
    let t = |ru, en| desk.lang.pick(ru, en);
    let mut words = vec![match step.how {
        StepWay::Message => t("сообщением", "by a message"),
        StepWay::Call => t("звонит робот", "the robot calls"),
        StepWay::List => t("звонит человек", "a person calls"),
    }];
    if step.asks {
        words.push(t("спрашивает", "asks"));
    }
    if step.unanswered {
        words.push(t("кто не ответил", "whoever did not answer"));
    }
    words.join(", ")
}

fn moment(desk: &Desk, when: StepTime) -> String {
    let t = |ru: String, en: String| desk.lang.pick(ru, en);
    match when {
        StepTime::AtOnce => t("сразу после записи".into(), "right after the booking".into()),
        StepTime::DaysBefore(0, at) => t(format!("в день приёма, в {at}"), format!("the same day, at {at}")),
        StepTime::DaysBefore(1, at) => t(format!("накануне, в {at}"), format!("the day before, at {at}")),
        StepTime::DaysBefore(days, at) => t(format!("за {days} дн., в {at}"), format!("{days} days before, at {at}")),
        StepTime::MinutesBefore(minutes) => {
            t(format!("за {minutes} мин до приёма"), format!("{minutes} min before the visit"))
        }
    }
}
