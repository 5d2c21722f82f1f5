//! What the clinic offers and what it does not: the line between a target call and a wasted one.

use axum::extract::Form;
use axum::response::Response;
use desk::Service;
use maud::{Markup, html};

use super::about::decimal;
use super::edit::{amount, list};
use super::save::{change, hidden};
use super::typed::Typed;
use super::{Step, Told, answer, check, step_page};
use crate::Problem;
use crate::pages::{Desk, Fields};

/// What callers ask clinics of each kind for, beside what the template has.
const OFTEN: [(&str, &[&str]); 3] = [
    (
        "veterinary",
        &[
            "груминг",
            "МРТ",
            "КТ",
            "стоматология",
            "дерматолог",
            "офтальмолог",
            "онколог",
            "кардиолог",
            "вызов врача на дом",
            "стационар",
            "гостиница/передержка",
            "ратолог/герпетолог (экзоты)",
            "кремация",
            "ветаптека и корма",
        ],
    ),
    (
        "medical",
        &[
            "МРТ",
            "КТ",
            "дерматолог",
            "эндокринолог",
            "офтальмолог",
            "уролог",
            "детский педиатр",
            "дневной стационар",
            "вызов врача на дом",
            "психиатр",
            "роды",
            "травмпункт",
            "медкнижка",
        ],
    ),
    (
        "dental",
        &[
            "протезирование",
            "отбеливание",
            "лечение под наркозом",
            "косметолог",
            "пластика лица",
            "МРТ",
            "ЛОР",
            "ночной приём",
            "вызов врача на дом",
        ],
    ),
];

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(step_page(&desk, Step::Services, &Told::of(&desk), &body(&desk, Typed::default())))
}

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let raw = fields.clone();
    let said = desk.read(fields)?;
    let told = match said.get("do") {
        Some("change") => one(&desk, &said).await?,
        _ => offered(&desk, &said, &raw).await?,
    };
    Ok(answer(&desk, Step::Services, &told, &body(&desk, Typed::of(&said))))
}

/// Which of the names are offered, which are absent.
async fn offered(desk: &Desk, said: &Fields, raw: &[(String, String)]) -> Result<Told, Problem> {
    let names: Vec<String> = raw.iter().filter(|pair| pair.0 == "name").map(|pair| pair.1.trim().to_owned()).collect();
    let word = |n: usize| said.get(&format!("is{n}")).unwrap_or("unsaid");
    let mut offers: Vec<String> = Vec::new();
    let mut absent: Vec<String> = Vec::new();
    for (n, name) in names.iter().enumerate() {
        match word(n) {
            "offered" => offers.push(name.clone()),
            "absent" => absent.push(name.clone()),
            _ => {}
        }
    }
    for (field, into) in [("more_offered", &mut offers), ("more_absent", &mut absent)] {
        let more = said.get(field).unwrap_or_default().split([',', ';', '\n']).map(str::trim);
        into.extend(more.filter(|name| !name.is_empty()).map(str::to_owned));
    }
    if offers.is_empty() {
        let said = "Клиника без услуг никого не запишет: отметьте хотя бы одну.";
        return Ok(Told::wrong(desk.lang.pick(said, "A clinic without services books nobody: mark one at least.")));
    }
    let services = &desk.clinic.services;
    change(desk, said, "services", |file| {
        for place in (0..services.len()).rev() {
            if !offers.contains(&services[place].name) {
                file.remove("services", place);
            }
        }
        for name in offers.iter().filter(|name| !services.iter().any(|service| service.name == **name)) {
            file.add("services", vec![("name", Some(name.as_str().into()))]);
        }
        if absent != desk.clinic.absent {
            file.set("absent", Some(list(&absent)));
        }
        Ok(())
    })
    .await
}

async fn one(desk: &Desk, said: &Fields) -> Result<Told, Problem> {
    let place = said.get("place").and_then(|place| place.parse().ok()).unwrap_or(usize::MAX);
    let Some(service) = desk.clinic.services.get(place) else {
        return Ok(Told::wrong(desk.lang.pick("Такой услуги уже нет.", "There is no such service any more.")));
    };
    change(desk, said, "services", |file| {
        let price = said.get("price").map(|price| price.replace(',', "."));
        let price = price.map(|price| match said.get("price_from") {
            Some(_) => format!("от {}", price.trim_start_matches("от ").trim()).into(),
            None => amount(&price),
        });
        let bookable = said.get("bookable").is_some();
        file.change(
            "services",
            place,
            vec![
                ("name", said.get("name").map(Into::into)),
                // Other lists know it by its short name, which stays when it is called otherwise.
                ("id", Some(service.id.as_str().into())),
                ("minutes", said.get("minutes").map(amount)),
                ("price", price),
                ("bookable", (!bookable).then(|| false.into())),
            ],
        );
        Ok(())
    })
    .await
}

fn body(desk: &Desk, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let clinic = &desk.clinic;
    let often = OFTEN.iter().find(|one| one.0 == clinic.kind.as_str()).map_or(&[][..], |one| one.1);
    let mut names: Vec<&str> = clinic.services.iter().map(|service| service.name.as_str()).collect();
    names.extend(clinic.absent.iter().map(String::as_str));
    let more: Vec<&str> =
        often.iter().copied().filter(|name| !names.iter().any(|one| one.eq_ignore_ascii_case(name))).collect();
    names.extend(more);
    let offers = typed.form(None, None);
    let is = |name: &str| match () {
        () if clinic.services.iter().any(|service| service.name == name) => "offered",
        () if clinic.absent.iter().any(|one| one == name) => "absent",
        () => "unsaid",
    };
    let words =
        [("offered", t("есть", "offered")), ("absent", t("нет", "not offered")), ("unsaid", t("не указано", "unsaid"))];
    html! {
        section {
            form.stack method="post" action=(Step::Services.path(desk)) {
                (hidden(desk))
                p.note { (t(
                    "Звонок о том, чего у вас нет, отчёт посчитает нецелевым; о том, что есть, — целевым.",
                    "A call about what you do not offer counts as non-target; about what you offer, as target."
                )) }
                div.offers { @for (n, name) in names.iter().enumerate() { fieldset {
                    legend { (name) }
                    input type="hidden" name="name" value=(name);
                    div.choice { @for (value, word) in words { @let group = format!("is{n}"); label { input type="radio" name=(group) value=(value) checked[offers.chosen(&group, value, is(name) == value)]; span { (word) } } } }
                } } }
                label { span { (t("Ещё есть, через запятую", "Also offered, separated by commas")) } input name="more_offered" maxlength="1000" value=(offers.text("more_offered", "")); }
                label { span { (t("Ещё нет, через запятую", "Also not offered, separated by commas")) } input name="more_absent" maxlength="1000" value=(offers.text("more_absent", "")); }
                button type="submit" { (t("Сохранить", "Save")) }
            }
        }
        section aria-labelledby="each" {
            h2 #each { (t("Длительность и цена", "Length and price")) }
            @for (place, service) in clinic.services.iter().enumerate() { (details(desk, place, service, typed.form(Some("change"), Some(place)))) }
        }
    }
}

fn details(desk: &Desk, place: usize, service: &Service, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let price = service.price.map(|price| decimal(price.minor)).unwrap_or_default();
    html! {
        details.item open[typed.is_here()] {
            summary { b { (service.name) } span.soft {
                @if service.bookable { (service.minutes) " " (t("мин", "min")) } @else { (t("без записи", "no booking")) }
                @if !price.is_empty() { " · " @if service.price_from { (t("от ", "from ")) } (price) }
            } }
            form.stack method="post" action=(Step::Services.path(desk)) {
                (hidden(desk)) input type="hidden" name="do" value="change"; input type="hidden" name="place" value=(place);
                label { span { (t("Как говорят позвонившие", "As callers say it")) } input name="name" required value=(typed.text("name", &service.name)) maxlength="100"; }
                div.fields {
                    label { span { (t("Минут", "Minutes")) } input name="minutes" type="number" min="5" max="480" value=(typed.text("minutes", &service.minutes.to_string())); }
                    label { span { (t("Цена", "Price")) } input name="price" inputmode="decimal" value=(typed.text("price", &price)) maxlength="20"; }
                }
                label.tick { input type="checkbox" name="price_from" value="1" checked[typed.ticked("price_from", service.price_from)]; span { (t("цена «от»", "price is “from”")) } }
                label.tick { input type="checkbox" name="bookable" value="1" checked[typed.ticked("bookable", service.bookable)]; span { (t("на неё записываются", "visits are booked for it")) } }
                button type="submit" { (t("Сохранить", "Save")) }
            }
        }
    }
}
