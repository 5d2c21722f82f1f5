//! When people are reminded and what is written to them, and the month's plan that the report is compared with.

use axum::extract::Form;
use axum::response::Response;
use maud::{Markup, html};

use super::edit::{amount, list};
use super::save::{change, hidden};
use super::typed::Typed;
use super::{Step, Told, answer, check, step_page, texts};
use crate::Problem;
use crate::pages::{Desk, Fields};

/// The plan's keys, with what they mean.
const PLAN: [(&str, &str, &str); 6] = [
    ("calls", "Звонков в месяц", "Calls a month"),
    ("booked", "Записей в звонках", "Booked in calls"),
    ("arrived", "Пришли", "Arrived"),
    ("in_time_percent", "Отвечены вовремя, %, не меньше", "Answered in time, %, at least"),
    ("lost_percent", "Потеряно, %, не больше", "Lost, %, at most"),
    ("non_target_percent", "Нецелевых, %, не больше", "Non-target, %, at most"),
];

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(step_page(&desk, Step::Reminders, &Told::of(&desk), &body(&desk, Typed::default())))
}

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let said = desk.read(fields)?;
    let told = match said.get("do") {
        Some("preview") => Told::default(),
        Some("step" | "remove-step" | "text") => {
            change(&desk, &said, "reminders", |file| texts::put(&desk, &said, file)).await?
        }
        Some("plan") => {
            change(&desk, &said, "plan", |file| {
                for (key, ..) in PLAN {
                    file.set_in("plan", key, said.get(key).map(amount));
                }
                Ok(())
            })
            .await?
        }
        _ => rules(&desk, &said).await?,
    };
    Ok(answer(&desk, Step::Reminders, &told, &body(&desk, Typed::of(&said))))
}

/// Hours, ways, and what a "no" does.
async fn rules(desk: &Desk, said: &Fields) -> Result<Told, Problem> {
    change(desk, said, "reminders", |file| {
        let channels = said.get("channels").unwrap_or_default().split([',', ' ']).filter(|one| !one.is_empty());
        let channels: Vec<String> = channels.map(str::to_owned).collect();
        file.set_in("reminders", "hours", said.get("hours").map(Into::into));
        file.set_in("reminders", "channels", (!channels.is_empty()).then(|| list(&channels)));
        file.set_in("reminders", "gap_minutes", said.get("gap_minutes").map(amount));
        file.set_in("reminders", "last_minutes", said.get("last_minutes").map(amount));
        file.set_in("reminders", "on_no", said.get("on_no").map(Into::into));
        Ok(())
    })
    .await
}

/// A value as the file has it: what is checked knows no difference between what was written and what is usual.
fn written(desk: &Desk, table: &str, key: &str) -> String {
    let text = super::save::file(desk).and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let file: toml_edit::DocumentMut = text.parse().unwrap_or_default();
    let value = file.get(table).and_then(|table| table.get(key));
    match value.and_then(toml_edit::Item::as_value) {
        Some(toml_edit::Value::String(text)) => text.value().clone(),
        Some(toml_edit::Value::Array(list)) => {
            list.iter().filter_map(|one| one.as_str()).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string().trim().to_owned(),
        None => String::new(),
    }
}

fn body(desk: &Desk, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let (rules, plan) = (typed.form(None, None), typed.form(Some("plan"), None));
    let on_no = rules.text("on_no", &written(desk, "reminders", "on_no"));
    let field = |label: &str, key: &str, usual: &str| {
        html! { label { span { (label) } input name=(key) value=(rules.text(key, &written(desk, "reminders", key))) placeholder=(usual) maxlength="100"; } }
    };
    html! {
        (texts::sections(desk, typed))
        section aria-labelledby="rules" {
            h2 #rules { (t("Когда и чем писать", "When and by what")) }
            form.stack method="post" action=(Step::Reminders.path(desk)) {
                (hidden(desk))
                div.fields {
                    (field(t("Когда можно писать и звонить", "When people may be written to and called"), "hours", "09:00-21:00"))
                    (field(t("Чем писать, по порядку: messenger, sms, email", "By what, in order: messenger, sms, email"), "channels", "messenger, sms"))
                    (field(t("Не писать сразу после записи, минут", "Not right after the booking, minutes"), "gap_minutes", "60"))
                    (field(t("Позже этого не писать, минут до приёма", "Not later than, minutes before"), "last_minutes", "30"))
                    label { span { (t("Ответили «нет»", "Somebody answers “no”")) } select name="on_no" {
                        option value="call" selected[on_no != "cancel"] { (t("перезвонить и предложить другое время", "call back and offer another time")) }
                        option value="cancel" selected[on_no == "cancel"] { (t("отменить сразу и перезвонить", "cancel at once and call back")) }
                    } }
                }
                button type="submit" { (t("Сохранить", "Save")) }
            }
        }
        section aria-labelledby="plan" {
            h2 #plan { (t("План на месяц", "The month's plan")) }
            form.stack method="post" action=(Step::Reminders.path(desk)) {
                (hidden(desk)) input type="hidden" name="do" value="plan";
                p.note { (t("Отчёт сравнивает с ним. Пустое не сравнивается.", "The report is compared with it. What is empty is not compared.")) }
                div.fields { @for (key, ru, en) in PLAN { label { span { (t(ru, en)) } input type="number" min="0" name=(key) value=(plan.text(key, &written(desk, "plan", key))); } } }
                button type="submit" { (t("Сохранить", "Save")) }
            }
        }
    }
}
