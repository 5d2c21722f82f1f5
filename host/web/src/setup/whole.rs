//! The whole file as text: whatever has no page of its own, checked like everything else.

use axum::extract::Form;
use axum::response::Response;
use maud::{Markup, html};

use super::save::{file, hidden, rewrite};
use super::{Step, Told, answer, check, files, step_page};
use crate::Problem;
use crate::pages::Desk;

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(step_page(&desk, Step::File, &Told::of(&desk), &body(&desk, None)))
}

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let said = desk.read(fields)?;
    let (told, typed) = match said.get("restore") {
        Some(name) => (restore(&desk, &said, name).await?, None),
        None => {
            // Browsers send lines as Windows ends them.
            let text = format!("{}\n", said.get("text").unwrap_or_default().replace("\r\n", "\n"));
            (rewrite(&desk, &said, "file", |_| Ok(text.clone())).await?, Some(text))
        }
    };
    Ok(answer(&desk, Step::File, &told, &body(&desk, typed.as_deref())))
}

/// A version before the present one becomes the present one; the present one is kept as every other.
async fn restore(desk: &Desk, said: &crate::pages::Fields, name: &str) -> Result<Told, Problem> {
    let gone = desk.lang.pick("Этой версии больше нет.", "This version is no longer there.");
    let known = versions(desk).into_iter().find(|version| version == name);
    let Some((path, name)) = file(desk).zip(known) else { return Ok(Told::wrong(gone)) };
    match std::fs::read_to_string(files::history(&path).join(name)) {
        Ok(text) => rewrite(desk, said, "file", |_| Ok(text)).await,
        Err(_) => Ok(Told::wrong(gone)),
    }
}

/// Names of the versions before, newest first.
fn versions(desk: &Desk) -> Vec<String> {
    let entries = file(desk).and_then(|path| std::fs::read_dir(files::history(&path)).ok());
    let names = entries.into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    names
}

fn body(desk: &Desk, typed: Option<&str>) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let path = file(desk);
    let now = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let text = typed.unwrap_or(&now);
    html! {
        section {
            @if let Some(path) = &path { p.note { code { (path.display()) } " " (t(
                "Что значит каждая строка, рассказано в clinics/vet_lapa.toml. Файл можно менять и в редакторе: сервер заметит.",
                "Every line is explained in clinics/vet_lapa.toml. The file may be changed in an editor too: the server notices."
            )) } }
            form.stack method="post" action=(Step::File.path(desk)) {
                (hidden(desk))
                label { span.hidden { (t("Файл клиники", "The clinic file")) } textarea.file name="text" rows="30" spellcheck="false" wrap="off" { "\n" (text) } }
                button type="submit" { (t("Проверить и сохранить", "Check and save")) }
            }
        }
        @let versions = versions(desk);
        @if !versions.is_empty() { section aria-labelledby="before" {
            h2 #before { (t("Как было раньше", "As it was before")) }
            ul.plain-list.items { @for name in versions.iter().take(20) { li {
                form.line method="post" action=(Step::File.path(desk)) {
                    (hidden(desk)) input type="hidden" name="restore" value=(name);
                    span { (moment(desk, name)) }
                    button.link type="submit" { (t("Вернуть эту версию", "Go back to this version")) }
                }
            } } }
        } }
    }
}

/// `20261122T150102.123Z-00.toml` on the clinic's clock.
fn moment(desk: &Desk, name: &str) -> String {
    let at = name.split_once("Z-").and_then(|(at, _)| jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S%.f", at).ok());
    let at = at.and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok());
    at.map_or_else(|| name.to_owned(), |at| desk.moment(at.timestamp().as_millisecond()))
}
