//! The week, and days that differ.

use axum::extract::Form;
use axum::response::Response;
use desk::{Span, WeeklyHours};
use maud::{Markup, html};
use reports::Lang;

use super::save::{change, hidden};
use super::typed::Typed;
use super::{Step, Told, answer, check, step_page};
use crate::Problem;
use crate::pages::{Desk, Fields};

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(step_page(&desk, Step::Hours, &Told::of(&desk), &body(&desk, Typed::default())))
}

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let said = desk.read(fields)?;
    let told = match said.get("do") {
        Some("add") => add(&desk, &said).await?,
        Some("remove") => {
            change(&desk, &said, "hours", |file| {
                let place = said.get("place").and_then(|place| place.parse().ok()).unwrap_or(usize::MAX);
                file.remove("exceptions", place);
                Ok(())
            })
            .await?
        }
        _ => match week(&said, desk.lang) {
            Err(wrong) => Told::all_wrong(wrong),
            Ok(week) if week == desk.clinic.hours => Told::go("same"),
            Ok(week) => {
                change(&desk, &said, "hours", |file| {
                    file.set_week(&week);
                    Ok(())
                })
                .await?
            }
        },
    };
    Ok(answer(&desk, Step::Hours, &told, &body(&desk, Typed::of(&said))))
}

async fn add(desk: &Desk, said: &Fields) -> Result<Told, Problem> {
    let t = |ru, en| desk.lang.pick(ru, en);
    let Some(from) = said.get("from") else {
        return Ok(Told::wrong(t("Выберите день, который не как обычно.", "Choose the day that differs.")));
    };
    let to = said.get("to").unwrap_or(from);
    let spans = match said.get("hours").map(|text| day(text, desk.lang)).transpose() {
        Ok(spans) => spans.unwrap_or_default(),
        Err(wrong) => return Ok(Told::wrong(wrong)),
    };
    change(desk, said, "hours", |file| {
        let hours = match spans.as_slice() {
            [] => ("closed", Some(true.into())),
            [only] => ("hours", Some(only.to_string().into())),
            several => ("hours", Some(several.iter().map(ToString::to_string).collect::<toml_edit::Array>().into())),
        };
        file.add(
            "exceptions",
            vec![
                ("from", Some(from.into())),
                ("to", Some(to.into())),
                hours,
                ("note", said.get("note").map(Into::into)),
            ],
        );
        Ok(())
    })
    .await
}

/// A week of the fields `day0` to `day6`.
pub(super) fn week(said: &Fields, lang: Lang) -> Result<WeeklyHours, Vec<String>> {
    let (mut week, mut wrong) = (WeeklyHours::default(), Vec::new());
    for (n, spans) in week.days.iter_mut().enumerate() {
        match day(said.get(&format!("day{n}")).unwrap_or_default(), lang) {
            Ok(read) => *spans = read,
            Err(why) => wrong.push(format!("{}: {why}", lang.weekday(n))),
        }
    }
    if wrong.is_empty() { Ok(week) } else { Err(wrong) }
}

/// `9:00-13:00, 14:00-18:00`; nothing is a day off.
fn day(text: &str, lang: Lang) -> Result<Vec<Span>, String> {
    let mut spans: Vec<Span> = Vec::new();
    for piece in text.split([',', ';']).map(str::trim).filter(|piece| !piece.is_empty()) {
        let read: Result<Span, String> = piece.replace(' ', "").parse();
        let said = lang.pick(
            "это не часы работы; напишите так: 9:00-18:00, а с перерывом так: 9:00-13:00, 14:00-18:00",
            "these are no hours; write 9:00-18:00, with a break 9:00-13:00, 14:00-18:00",
        );
        let span = read.map_err(|_| format!("«{piece}»: {said}"))?;
        if spans.iter().any(|other| other.intersection(span).is_some()) {
            let said = lang.pick("часы накладываются друг на друга", "the hours overlap");
            return Err(format!("«{piece}»: {said}"));
        }
        spans.push(span);
    }
    spans.sort_by_key(|span| span.opens);
    Ok(spans)
}

/// As a field has them.
pub(super) fn written(spans: &[Span]) -> String {
    spans.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Seven fields.
pub(super) fn week_fields(lang: Lang, week: &WeeklyHours, typed: Typed) -> Markup {
    html! {
        div.week { @for (n, day) in week.days.iter().enumerate() {
            label { span { (lang.weekday(n)) }
                @let name = format!("day{n}");
                input name=(name) value=(typed.text(&name, &written(day))) maxlength="60" placeholder=(lang.pick("выходной", "closed")) autocomplete="off"; }
        } }
    }
}

fn body(desk: &Desk, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    html! {
        section {
            form.stack method="post" action=(Step::Hours.path(desk)) {
                (hidden(desk))
                p.note { (t("Пустая строка — выходной. С перерывом: 9:00-13:00, 14:00-18:00.", "An empty line is a day off. With a break: 9:00-13:00, 14:00-18:00.")) }
                (week_fields(desk.lang, &desk.clinic.hours, typed.form(None, None)))
                button type="submit" { (t("Сохранить", "Save")) }
            }
        }
        section aria-labelledby="differ" {
            h2 #differ { (t("Дни не как обычно", "Days that differ")) }
            ul.plain-list.items { @for (place, one) in desk.clinic.exceptions.iter().enumerate() { li {
                form.line method="post" action=(Step::Hours.path(desk)) {
                    (hidden(desk)) input type="hidden" name="do" value="remove"; input type="hidden" name="place" value=(place);
                    span { b { (one.from) @if one.to != one.from { " – " (one.to) } } ": " @if one.spans.is_empty() { (t("закрыто", "closed")) } @else { (written(&one.spans)) } @if !one.note.is_empty() { " · " (one.note) } }
                    button.link type="submit" { (t("Убрать", "Remove")) }
                }
            } } }
            form.stack method="post" action=(Step::Hours.path(desk)) {
                (hidden(desk)) input type="hidden" name="do" value="add";
                @let typed = typed.form(Some("add"), None);
                div.fields {
                    label { span { (t("С какого дня", "From")) } input type="date" name="from" required value=(typed.text("from", "")); }
                    label { span { (t("По какой", "To")) } input type="date" name="to" value=(typed.text("to", "")); }
                    label { span { (t("Часы; пусто — закрыто", "Hours; empty: closed")) } input name="hours" placeholder="10:00-16:00" maxlength="60" value=(typed.text("hours", "")); }
                    label { span { (t("Что услышит позвонивший", "What callers hear")) } input name="note" maxlength="200" value=(typed.text("note", "")); }
                }
                button.quiet type="submit" { (t("Добавить", "Add")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_people_write_them() {
        let read = |text: &str| day(text, Lang::Ru);
        assert_eq!(written(&read("14:00–18:00; 9:00 - 13:00").unwrap()), "09:00-13:00, 14:00-18:00");
        assert_eq!(read(" ").unwrap(), []);
        assert!(read("с девяти до шести").unwrap_err().contains("9:00-18:00"));
        assert!(read("9:00-18:00, 12:00-13:00").unwrap_err().contains("накладываются"));
    }
}
