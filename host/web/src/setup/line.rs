//! Where callers come from: a number at a provider, the clinic's site; and to whom they are handed.

use axum::extract::Form;
use axum::response::Response;
use maud::{Markup, html};
use toml_edit::{Array, Value};

use super::edit::Edited;
use super::save::{change, hidden};
use super::typed::Typed;
use super::workshop::Looked;
use super::{Step, Told, answer, check, files, step_page};
use crate::Problem;
use crate::pages::{Desk, Fields};

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(step_page(&desk, Step::Line, &Told::of(&desk), &body(&desk, &[], Typed::default())))
}

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let said = desk.read(fields)?;
    let mut looked = Vec::new();
    let told = match said.get("do") {
        Some("operator") => {
            change(&desk, &said, "lines", |file| {
                file.set_in("lines", "operator", said.get("operator").map(Value::from));
                Ok(())
            })
            .await?
        }
        Some("site") => write(&desk, |file| site(file, &desk.clinic.id, &said)).await?,
        Some("look") => match new_text(&desk, |file| trunk(file, &desk.clinic.id, &said)) {
            Ok((text, _)) => {
                if let Some(workshop) = &desk.state.workshop {
                    looked = workshop.try_line(&text, &trunk_name(&desk.clinic.id)).await;
                }
                Told::default()
            }
            Err(wrong) => Told::wrong(wrong),
        },
        _ => write(&desk, |file| trunk(file, &desk.clinic.id, &said)).await?,
    };
    Ok(answer(&desk, Step::Line, &told, &body(&desk, &looked, Typed::of(&said))))
}

/// The trunk that this page writes.
fn trunk_name(clinic: &str) -> String {
    format!("{clinic}-provider")
}

fn find(file: &mut Edited, list: &str, key: &str, value: &str) -> Option<usize> {
    (0..file.len(list)).find(|place| file.text_at(list, *place, key).as_deref() == Some(value))
}

/// A number at a provider.
fn trunk(file: &mut Edited, clinic: &str, said: &Fields) {
    let name = trunk_name(clinic);
    let text = |name: &str| said.get(name).map(Value::from);
    let numbers: Array = said.get("number").into_iter().collect();
    let mut changes = vec![
        ("name", Some(Value::from(name.as_str()))),
        ("clinic", Some(clinic.into())),
        ("registrar", text("registrar")),
        ("username", text("username")),
        ("numbers", (!numbers.is_empty()).then_some(Value::from(numbers))),
    ];
    // Left empty it stays as it was: the page never shows it.
    if let Some(password) = text("password") {
        changes.push(("password", Some(password)));
    }
    if !file.has("sip") {
        file.set_in("sip", "udp", Some(["0.0.0.0:5060"].into_iter().collect::<Array>().into()));
    }
    match find(file, "trunk", "name", &name) {
        Some(place) => file.change("trunk", place, changes),
        None => file.add("trunk", changes),
    }
}

/// The chat and the call on the clinic's site.
fn site(file: &mut Edited, clinic: &str, said: &Fields) {
    let origin = said.get("origin").map(|site| site.trim_end_matches('/'));
    let origins: Array = origin.into_iter().collect();
    let changes =
        vec![("clinic", Some(Value::from(clinic))), ("origins", (!origins.is_empty()).then_some(origins.into()))];
    match find(file, "browser", "clinic", clinic) {
        Some(place) => file.change("browser", place, changes),
        None => file.add("browser", changes),
    }
    if let Some(url) = said.get("url") {
        file.set_in("visitors", "url", Some(url.trim_end_matches('/').into()));
    }
}

fn text(desk: &Desk) -> String {
    let path = desk.state.workshop.as_ref().map(|workshop| workshop.lines());
    path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
}

/// The lines file as it would be, if it would be taken; and as it is.
fn new_text(desk: &Desk, edit: impl FnOnce(&mut Edited)) -> Result<(String, String), String> {
    let Some(workshop) = &desk.state.workshop else { return Err(String::new()) };
    let old = text(desk);
    let mut file = Edited::parse(&old)?;
    edit(&mut file);
    let new = file.text();
    workshop.check_lines(&new)?;
    Ok((new, old))
}

async fn write(desk: &Desk, edit: impl FnOnce(&mut Edited) + Send) -> Result<Told, Problem> {
    let Some(workshop) = &desk.state.workshop else { return Ok(Told::default()) };
    let _alone = desk.state.editing.lock().await;
    let (new, old) = match new_text(desk, edit) {
        Ok(texts) => texts,
        Err(wrong) => return Ok(Told::all_wrong(wrong.lines().map(|line| line.trim().to_owned()).collect())),
    };
    if new == old {
        return Ok(Told::go("same"));
    }
    desk.witness("lines.changed", "clinic", "lines").await?;
    let path = workshop.lines();
    if let Err(error) = files::write(&path, &new, desk.now()) {
        return Ok(Told::wrong(format!("{}: {error}", path.display())));
    }
    if let Err(why) = workshop.reload().await {
        let back = if old.is_empty() { std::fs::remove_file(&path) } else { files::write(&path, &old, desk.now()) };
        if let Err(error) = back {
            tracing::error!(%error, "the lines file could not be put back");
        }
        return Ok(Told::wrong(why));
    }
    Ok(Told::go(if workshop.pending().is_some() { "pending" } else { "saved" }))
}

fn body(desk: &Desk, looked: &[Looked], typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let mut file = Edited::parse(&text(desk)).unwrap_or_default();
    let place = find(&mut file, "trunk", "name", &trunk_name(&desk.clinic.id));
    let mut of_trunk = |key| place.and_then(|place| file.text_at("trunk", place, key)).unwrap_or_default();
    let (registrar, username) = (of_trunk("registrar"), of_trunk("username"));
    let browser = find(&mut file, "browser", "clinic", &desk.clinic.id);
    let operator = desk.clinic.lines.get("operator").map_or("", String::as_str);
    // Both buttons of the number's form send what is typed there.
    let number = typed.form(Some("save"), None).or(typed.form(Some("look"), None));
    let site = typed.form(Some("site"), None);
    let origin = browser.and_then(|place| file.first_at("browser", place, "origins")).unwrap_or_default();
    let field = |label: &str, name: &str, value: &str, hint: &str| {
        html! { label { span { (label) } input name=(name) value=(value) placeholder=(hint) maxlength="200" autocomplete="off"; } }
    };
    html! {
        section aria-labelledby="hand" {
            h2 #hand { (t("Кому передать звонящего", "To whom callers are handed")) }
            form.stack method="post" action=(Step::Line.path(desk)) {
                (hidden(desk)) input type="hidden" name="do" value="operator";
                p.note { (t(
                    "Номер или SIP-адрес администратора. Пока его нет, робот обещает перезвонить и записывает это.",
                    "The number or SIP address of the desk. Without it the robot promises a call back, and writes it down."
                )) }
                (field(t("Администратор", "The desk"), "operator", &typed.form(Some("operator"), None).text("operator", operator), "101"))
                button type="submit" { (t("Сохранить", "Save")) }
            }
        }
        section aria-labelledby="number" {
            h2 #number { (t("Номер у провайдера", "A number at a provider")) }
            p.note { (t(
                "Возьмите у провайдера «подключение по SIP»: адрес сервера, логин и пароль. Можно оставить городской номер и переадресовать его. Порт 5060/UDP и 20000–29999/UDP должны доходить до этой машины.",
                "Ask the provider for a SIP account: server, login, password. A number you have can be forwarded there. Ports 5060/UDP and 20000–29999/UDP must reach this machine."
            )) " docs/telephony.md" }
            form.stack method="post" action=(Step::Line.path(desk)) {
                (hidden(desk))
                div.fields {
                    (field(t("Сервер", "Server"), "registrar", &number.text("registrar", &registrar), "sip.example.com"))
                    (field(t("Логин", "Login"), "username", &number.text("username", &username), "74951204567"))
                    label { span { (t("Пароль", "Password")) @if place.is_some() { " · " (t("пусто — прежний", "empty: as before")) } } input name="password" type="password" autocomplete="off" maxlength="200"; }
                    (field(t("Номер клиники на этой линии", "The clinic's number on it"), "number", &number.text("number", &desk.clinic.phone), "+7 495 120-45-67"))
                }
                div.line {
                    button type="submit" name="do" value="save" { (t("Подключить", "Connect")) }
                    button.quiet type="submit" name="do" value="look" { (t("Сначала проверить", "Check first")) }
                }
            }
            @if !looked.is_empty() { ul.looked role="status" { @for one in looked { li {
                b class=(if one.good { "good" } else { "bad" }) { (if one.good { "✓" } else { "✗" }) } b { (one.what) } (one.said)
            } } } }
        }
        section aria-labelledby="site" {
            h2 #site { (t("Чат и звонок на сайте", "Chat and call on the site")) }
            @if browser.is_some() { p.good { (t("Включены.", "They are on.")) } }
            p.note { (t("Одна строка на странице сайта, где адрес — тот, под которым посетители видят этот сервер:", "One line on a page of the site; the address is the one by which visitors see this server:")) }
            pre { code { "<script src=\"…/widget.js\" data-clinic=\"" (desk.clinic.id) "\" async></script>" } }
            form.stack method="post" action=(Step::Line.path(desk)) {
                (hidden(desk)) input type="hidden" name="do" value="site";
                div.fields {
                    (field(t("Сайт клиники", "The clinic's site"), "origin", &site.text("origin", &origin), "https://lapa.example"))
                    (field(t("Как посетители видят этот сервер", "How visitors see this server"), "url", &site.text("url", ""), "https://phone.lapa.example"))
                }
                button type="submit" { (t("Включить на сайте", "Put it on the site")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&str, &str)]) -> Fields {
        Fields::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_number_is_written_once_and_its_password_stays() {
        let mut file = Edited::parse("# ours\n").unwrap();
        let first = [
            ("registrar", "sip.example.com"),
            ("username", "7495"),
            ("password", "secret"),
            ("number", "+7 495 1204567"),
        ];
        trunk(&mut file, "vet", &said(&first));
        trunk(&mut file, "vet", &said(&[("registrar", "sip.other.example"), ("username", "7495")]));
        site(&mut file, "vet", &said(&[("origin", "https://vet.example/")]));
        let text = file.text();
        assert_eq!((text.matches("[[trunk]]").count(), text.matches("[sip]").count()), (1, 1), "{text}");
        assert!(text.contains("password = \"secret\"") && text.contains("sip.other.example"), "{text}");
        assert!(text.starts_with("# ours") || text.contains("# ours"), "{text}");
        assert!(text.contains("origins = [\"https://vet.example\"]"), "{text}");
    }
}
