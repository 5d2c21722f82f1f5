//! Questions that are asked every day, and what the robot answers.

use axum::extract::Form;
use axum::response::Response;
use desk::FaqEntry;
use maud::{Markup, html};

use super::save::{change, hidden};
use super::typed::Typed;
use super::{Step, Told, answer, check, step_page};
use crate::Problem;
use crate::pages::Desk;

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(step_page(&desk, Step::Faq, &Told::of(&desk), &body(&desk, Typed::default())))
}

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let said = desk.read(fields)?;
    let place = said.get("place").and_then(|place| place.parse::<usize>().ok());
    let told = change(&desk, &said, "faq", |file| {
        let text = |name| said.get(name).map(toml_edit::Value::from);
        let changes = vec![("question", text("question")), ("answer", text("answer"))];
        match (said.get("do"), place) {
            (Some("remove"), place) => file.remove("faq", place.unwrap_or(usize::MAX)),
            (_, Some(place)) => file.change("faq", place, changes),
            (_, None) => file.add("faq", changes),
        }
        Ok(())
    })
    .await?;
    Ok(answer(&desk, Step::Faq, &told, &body(&desk, Typed::of(&said))))
}

fn body(desk: &Desk, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    html! {
        section {
            p.note { (t(
                "Ответ услышат, а не прочтут: числа словами, коротко, без скобок и сокращений. Адрес и часы робот скажет сам.",
                "Answers are heard, not read: numbers in words, short, no brackets. Address and hours the robot tells by itself."
            )) }
            @for (place, entry) in desk.clinic.faq.iter().enumerate() {
                @let typed = typed.form(None, Some(place));
                details.item open[typed.is_here()] {
                    summary { b { (entry.question) } }
                    (form(desk, Some((place, entry)), typed))
                    form method="post" action=(Step::Faq.path(desk)) {
                        (hidden(desk)) input type="hidden" name="do" value="remove"; input type="hidden" name="place" value=(place);
                        button.link.bad type="submit" { (t("Убрать вопрос", "Remove the question")) }
                    }
                }
            }
        }
        section aria-labelledby="new" { h2 #new { (t("Новый вопрос", "A new question")) } (form(desk, None, typed.form(None, None))) }
    }
}

fn form(desk: &Desk, entry: Option<(usize, &FaqEntry)>, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let (question, answer) = entry.map_or(("", ""), |(_, entry)| (entry.question.as_str(), entry.answer.as_str()));
    html! {
        form.stack method="post" action=(Step::Faq.path(desk)) {
            (hidden(desk))
            @if let Some((place, _)) = entry { input type="hidden" name="place" value=(place); }
            label { span { (t("Как спрашивают", "How it is asked")) } input name="question" required maxlength="300" value=(typed.text("question", question)); }
            label { span { (t("Что ответить", "What is answered")) } textarea name="answer" required rows="3" maxlength="1000" { (typed.text("answer", answer)) } }
            button type="submit" { @if entry.is_some() { (t("Сохранить", "Save")) } @else { (t("Добавить", "Add")) } }
        }
    }
}
