//! A new clinic: what kind it is and what it is called. It begins as a template of its trade.

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use desk::Clinic;
use maud::{DOCTYPE, Markup, html};
use reports::Lang;

use super::edit::Edited;
use super::{files, said};
use crate::auth::{EVERY_CLINIC, Permission, Viewer};
use crate::pages::{POLICY, assets, chosen_language, theme_of};
use crate::{AppState, Problem};

/// A kind of clinic with its template.
struct Trade {
    kind: &'static str,
    ru: &'static str,
    en: &'static str,
    template: &'static str,
}

const TRADES: [Trade; 3] = [
    Trade {
        kind: "veterinary",
        ru: "Ветеринарная",
        en: "Veterinary",
        template: include_str!("../../../../clinics/templates/veterinary.toml"),
    },
    Trade {
        kind: "medical",
        ru: "Медицинская",
        en: "Medical",
        template: include_str!("../../../../clinics/templates/medical.toml"),
    },
    Trade {
        kind: "dental",
        ru: "Стоматология",
        en: "Dental",
        template: include_str!("../../../../clinics/templates/dental.toml"),
    },
];

/// Zones of Russia, from west to east; any other can be typed.
const ZONES: [(&str, &str, &str); 11] = [
    ("Europe/Kaliningrad", "Калининград", "Kaliningrad"),
    ("Europe/Moscow", "Москва", "Moscow"),
    ("Europe/Samara", "Самара", "Samara"),
    ("Asia/Yekaterinburg", "Екатеринбург", "Yekaterinburg"),
    ("Asia/Omsk", "Омск", "Omsk"),
    ("Asia/Krasnoyarsk", "Красноярск", "Krasnoyarsk"),
    ("Asia/Irkutsk", "Иркутск", "Irkutsk"),
    ("Asia/Yakutsk", "Якутск", "Yakutsk"),
    ("Asia/Vladivostok", "Владивосток", "Vladivostok"),
    ("Asia/Magadan", "Магадан", "Magadan"),
    ("Asia/Kamchatka", "Петропавловск-Камчатский", "Kamchatka"),
];

/// What was typed, to be shown again.
#[derive(Default)]
struct Typed(Vec<(String, String)>);

impl Typed {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|pair| pair.0 == name).map_or("", |pair| pair.1.trim())
    }
}

fn lang_of(headers: &HeaderMap, viewer: &Viewer) -> Lang {
    chosen_language(headers).unwrap_or_else(|| viewer.language.parse().unwrap_or_default())
}

/// Whoever runs every clinic may add one.
fn check(viewer: &Viewer) -> Result<(), Problem> {
    if viewer.may(EVERY_CLINIC, Permission::ManageClinic) {
        return Ok(());
    }
    Err(Problem::may_not(Permission::ManageClinic))
}

pub(super) async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check(&viewer)?;
    Ok(page(&state, &viewer, (lang_of(&headers, &viewer), theme_of(&headers)), &Typed::default(), &[]))
}

pub(super) async fn make(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    check(&viewer)?;
    let (typed, lang) = (Typed(fields), lang_of(&headers, &viewer));
    if typed.get("csrf") != viewer.csrf {
        return Err(Problem::no_word());
    }
    let refuse = |wrong: Vec<String>| {
        (StatusCode::UNPROCESSABLE_ENTITY, page(&state, &viewer, (lang, theme_of(&headers)), &typed, &wrong))
            .into_response()
    };
    let (id, text) = match compose(&typed, lang) {
        Ok(made) => made,
        Err(wrong) => return Ok(refuse(wrong)),
    };
    let Some((workshop, folder)) = state.workshop.as_ref().and_then(|shop| Some((shop, shop.folder()?.to_owned())))
    else {
        return Ok(refuse(vec![not_here(lang).to_owned()]));
    };
    let _alone = state.editing.lock().await;
    let path = folder.join(format!("{id}.toml"));
    if path.exists() || state.clinics.contains_key(&id) {
        let said = lang.pick(
            "Клиника с таким названием уже есть. Назовите эту иначе, например с улицей или районом.",
            "There is a clinic of this name already. Call this one otherwise, for example with its street.",
        );
        return Ok(refuse(vec![said.to_owned()]));
    }
    state.witness(viewer.who(), &id, "clinic.made", "clinic", &id).await?;
    if let Err(error) = files::write(&path, &text, (state.now)()) {
        return Ok(refuse(vec![format!("{}: {error}", path.display())]));
    }
    if let Err(why) = workshop.reload().await {
        std::fs::remove_file(&path).ok();
        return Ok(refuse(vec![why]));
    }
    // Without a flow everything else can be set up all the same; the page of the trial says what is missing.
    if let Err(why) = workshop.hire(&id, viewer.by()).await {
        tracing::warn!(clinic = id, why, "no flow answers at a new clinic");
    }
    Ok(Redirect::to(&format!("/desk/{id}/setup/about")).into_response())
}

/// The file of a new clinic, or what is wrong with what was typed.
fn compose(typed: &Typed, lang: Lang) -> Result<(String, String), Vec<String>> {
    let mut wrong = Vec::new();
    let trade = TRADES.iter().find(|trade| trade.kind == typed.get("kind"));
    if trade.is_none() {
        let said = "Выберите, какая это клиника.";
        wrong.push(lang.pick(said, "Choose what kind of clinic it is.").to_owned());
    }
    let name = typed.get("name");
    if name.is_empty() {
        let said = "Название: напишите, как его услышит позвонивший.";
        wrong.push(lang.pick(said, "Name: write it as callers hear it.").to_owned());
    }
    let phone = typed.get("phone");
    if !phone.is_empty() && desk::PhoneNumber::parse(phone).is_none() {
        wrong.push(format!(
            "{} {phone:?}: {}",
            lang.pick("Телефон", "Phone"),
            lang.pick(
                "напишите с кодом, например +7 495 123-45-67",
                "write it with its code, for example +7 495 123-45-67"
            )
        ));
    }
    let (Some(trade), true) = (trade, wrong.is_empty()) else { return Err(wrong) };
    let id = desk::id_from(name);
    let mut file = Edited::parse(trade.template).map_err(|error| vec![error])?;
    file.set("id", Some(id.as_str().into()));
    file.set("name", Some(name.into()));
    file.set("timezone", Some(typed.get("timezone").into()));
    for key in ["address", "phone"] {
        let value = typed.get(key);
        if !value.is_empty() {
            file.set(key, Some(value.into()));
        }
    }
    let text = file.text();
    match Clinic::parse(&text, &format!("{id}.toml")) {
        Ok(_) => Ok((id, text)),
        Err(errors) => Err(said(&errors, lang)),
    }
}

fn not_here(lang: Lang) -> &'static str {
    lang.pick(
        "Сервер запущен с клиниками из командной строки (--clinic). Чтобы заводить клиники здесь, запустите gudok serve без --clinic.",
        "This server serves the clinics of its command line (--clinic). To make clinics here, run gudok serve without --clinic.",
    )
}

type Look = (Lang, Option<&'static str>);

fn page(state: &AppState, viewer: &Viewer, (lang, theme): Look, typed: &Typed, wrong: &[String]) -> Response {
    let t = |ru, en| lang.pick(ru, en);
    let is_first = state.clinics.is_empty();
    let can = state.workshop.as_ref().is_some_and(|workshop| workshop.folder().is_some());
    let zone = Some(typed.get("timezone")).filter(|zone| !zone.is_empty()).unwrap_or("Europe/Moscow");
    let other = if lang == Lang::Ru { ("en", "English") } else { ("ru", "По-русски") };
    let form: Markup = html! {
        form.stack method="post" action="/desk/new" {
            input type="hidden" name="csrf" value=(viewer.csrf);
            fieldset.trades {
                legend { (t("Какая это клиника", "What kind of clinic it is")) }
                @for trade in &TRADES { label {
                    input type="radio" name="kind" value=(trade.kind) required checked[typed.get("kind") == trade.kind];
                    span { (t(trade.ru, trade.en)) }
                } }
            }
            label { span { (t("Название, как его услышит позвонивший", "Name, as callers hear it")) }
                input name="name" required maxlength="100" value=(typed.get("name")) placeholder=(t("ветклиника «Лапа»", "The Paw veterinary clinic")); }
            label { span { (t("Город, по часам которого живёт клиника", "Town whose clock the clinic keeps")) }
                select name="timezone" { @for (id, ru, en) in ZONES { option value=(id) selected[zone == id] { (t(ru, en)) } } } }
            label { span { (t("Адрес и дорога, словами, которые удобно слушать", "Address, in words that are easy to hear")) }
                input name="address" maxlength="300" value=(typed.get("address")) placeholder=(t("улица Садовая, дом двенадцать, вход со двора", "12 Garden Street, entrance from the yard")); }
            label { span { (t("Телефон клиники", "The clinic's number")) }
                input name="phone" type="tel" maxlength="30" value=(typed.get("phone")) placeholder="+7 495 123-45-67"; }
            button type="submit" { (t("Завести клинику", "Make the clinic")) }
        }
    };
    let markup = html! {
        (DOCTYPE)
        html lang=(lang.as_str()) data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(theme.unwrap_or("light dark"));
                title { (t("Новая клиника · Гудок", "A new clinic · Gudok")) }
                link rel="stylesheet" href=(assets::style());
                link rel="icon" href="data:,";
            }
            body.plain.begin {
                main #main {
                    p.trail { a href=(format!("/desk/prefs?lang={}&back=/desk/new", other.0)) lang=(other.0) { (other.1) } }
                    h1 { @if is_first { (t("Заведём вашу клинику", "Let us set up your clinic")) } @else { (t("Ещё одна клиника", "One more clinic")) } }
                    p.lead { (t(
                        "Начнём с образца вашей отрасли: услуги, часы и частые вопросы уже заполнены, останется поправить. Каждый шаг можно переделать потом.",
                        "We begin with a template of your trade: services, hours and common questions are filled in already, and yours to correct. Every step can be redone later."
                    )) }
                    @if !wrong.is_empty() { div.notice.wrong role="alert" { ul { @for one in wrong { li { (one) } } } } }
                    @if can { section { (form) } } @else { p.notice { (not_here(lang)) } }
                    @if !is_first { p { a href="/desk" { (t("К клиникам", "To the clinics")) } } }
                }
            }
        }
    };
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(markup.into_string())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> Typed {
        Typed(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn every_template_becomes_a_clinic_and_keeps_its_comments() {
        for trade in &TRADES {
            let name = [
                ("kind", trade.kind),
                ("name", "«Три \"кота\"»"),
                ("timezone", "Asia/Omsk"),
                ("phone", "8 495 120-45-67"),
            ];
            let (id, text) = compose(&typed(&name), Lang::Ru).unwrap();
            assert_eq!(id, "tri_kota");
            let clinic = Clinic::parse(&text, "new").unwrap();
            assert_eq!((clinic.name.as_str(), clinic.timezone.as_str()), ("«Три \"кота\"»", "Asia/Omsk"));
            assert_eq!((clinic.kind.as_str(), clinic.phone.as_str()), (trade.kind, "+74951204567"));
            assert!(clinic.services.len() >= 7 && clinic.faq.len() >= 5);
            assert!(text.contains("# The file of your clinic"));
        }
    }

    #[test]
    fn each_mistake_is_named() {
        let wrong = compose(&typed(&[("phone", "12")]), Lang::Ru).unwrap_err();
        assert_eq!(wrong.len(), 3);
        assert!(wrong[2].contains("+7 495"), "{wrong:?}");
        let zone = [("kind", "dental"), ("name", "А"), ("timezone", "Moscow")];
        assert!(compose(&typed(&zone), Lang::En).unwrap_err()[0].contains("time zone"));
    }
}
