//! Name, address, number, what a minute costs, and how visits are laid out.

use axum::extract::Form;
use axum::response::Response;
use maud::{Markup, html};
use toml_edit::Value;

use super::edit::amount;
use super::save::{change, hidden};
use super::typed::Typed;
use super::{Step, Told, answer, check, step_page};
use crate::Problem;
use crate::pages::Desk;

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(step_page(&desk, Step::About, &Told::of(&desk), &body(&desk, Typed::default())))
}

/// Texts that may be left empty, and then are not in the file.
const TEXTS: [&str; 3] = ["address", "phone", "recording_notice"];
/// Numbers, likewise.
const NUMBERS: [&str; 5] = ["visit_minutes", "slot_step", "buffer_minutes", "horizon_days", "callback_minutes"];

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let said = desk.read(fields)?;
    let told = change(&desk, &said, "about", |file| {
        file.set("name", said.get("name").map(Value::from));
        for key in TEXTS {
            file.set(key, said.get(key).map(Value::from));
        }
        for key in NUMBERS {
            file.set(key, said.get(key).map(amount));
        }
        file.set("minute_cost", said.get("minute_cost").map(|text| amount(&text.replace(',', "."))));
        Ok(())
    })
    .await?;
    Ok(answer(&desk, Step::About, &told, &body(&desk, Typed::of(&said))))
}

/// A labelled field.
pub(super) fn field(label: &str, name: &str, value: &str, kind: &str) -> Markup {
    html! { label { span { (label) } input name=(name) value=(value) type=(kind) maxlength="300"; } }
}

fn body(desk: &Desk, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let clinic = &desk.clinic;
    let cost = clinic.minute_cost.map(|money| decimal(money.minor)).unwrap_or_default();
    let buffer = clinic.services.iter().map(|service| service.buffer).min().unwrap_or(0);
    html! {
        section { form.stack method="post" action=(Step::About.path(desk)) {
            (hidden(desk))
            (field(t("Название, как его услышит позвонивший", "Name, as callers hear it"), "name", &typed.text("name", &clinic.name), "text"))
            (field(t("Адрес и дорога, словами", "Address, in words"), "address", &typed.text("address", &clinic.address), "text"))
            (field(t("Телефон клиники", "The clinic's number"), "phone", &typed.text("phone", &clinic.phone), "tel"))
            (field(t("Что сказать о записи разговора", "What is said about recording"), "recording_notice", &typed.text("recording_notice", &clinic.recording_notice), "text"))
            (field(t("Минута на линии стоит: администратор, связь, место. По ней считается цена нецелевых звонков", "A minute on the line costs. Non-target calls are reckoned by it"), "minute_cost", &typed.text("minute_cost", &cost), "text"))
            div.fields {
                (field(t("Обычный приём, минут", "Usual visit, minutes"), "visit_minutes", &typed.text("visit_minutes", &usual(desk).to_string()), "number"))
                (field(t("Приёмы начинаются каждые, минут", "Visits start every, minutes"), "slot_step", &typed.text("slot_step", &clinic.slot_step.to_string()), "number"))
                (field(t("Перерыв после приёма, минут", "Break after a visit, minutes"), "buffer_minutes", &typed.text("buffer_minutes", &buffer.to_string()), "number"))
                (field(t("Запись открыта на, дней", "Booking is open for, days"), "horizon_days", &typed.text("horizon_days", &clinic.horizon_days.to_string()), "number"))
                (field(t("Перезвоним через, минут", "Calls back within, minutes"), "callback_minutes", &typed.text("callback_minutes", &clinic.callback_minutes.to_string()), "number"))
            }
            button type="submit" { (t("Сохранить", "Save")) }
        } }
    }
}

/// The length most services have: the file's usual one is not kept by itself.
fn usual(desk: &Desk) -> u32 {
    let file = super::save::file(desk).and_then(|path| std::fs::read_to_string(path).ok());
    let written = file.and_then(|text| text.parse::<toml_edit::DocumentMut>().ok());
    let minutes = written.and_then(|file| file.get("visit_minutes")?.as_integer());
    minutes.and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or(30)
}

/// `950` hundredths as `9.50`.
pub(super) fn decimal(minor: i64) -> String {
    if minor % 100 == 0 { (minor / 100).to_string() } else { format!("{}.{:02}", minor / 100, minor % 100) }
}
