//! Who sees patients, when, and what they do.

use axum::extract::Form;
use axum::response::Response;
use desk::{Doctor, WeeklyHours};
use maud::{Markup, html};
use toml_edit::{Array, Value};

use super::edit::Edited;
use super::hours::{week, week_fields};
use super::save::{change, hidden};
use super::typed::Typed;
use super::{Step, Told, answer, check, step_page};
use crate::Problem;
use crate::pages::{Desk, Fields};

pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    Ok(step_page(&desk, Step::Doctors, &Told::of(&desk), &body(&desk, Typed::default())))
}

pub(super) async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let raw = fields.clone();
    let said = desk.read(fields)?;
    let place = said.get("place").and_then(|place| place.parse::<usize>().ok());
    let told = if said.get("do") == Some("remove") {
        change(&desk, &said, "doctors", |file| {
            file.remove("doctors", place.unwrap_or(usize::MAX));
            Ok(())
        })
        .await?
    } else {
        match hours(&said, desk.lang) {
            Err(wrong) => Told::all_wrong(wrong),
            Ok(hours) => change(&desk, &said, "doctors", |file| put(file, &desk, &said, &raw, place, hours)).await?,
        }
    };
    Ok(answer(&desk, Step::Doctors, &told, &body(&desk, Typed::of(&said))))
}

/// None: those of the clinic.
fn hours(said: &Fields, lang: reports::Lang) -> Result<Option<WeeklyHours>, Vec<String>> {
    let hours = week(said, lang)?;
    Ok((hours != WeeklyHours::default()).then_some(hours))
}

/// A new doctor, or one that is there with other particulars.
fn put(
    file: &mut Edited,
    desk: &Desk,
    said: &Fields,
    raw: &[(String, String)],
    place: Option<usize>,
    hours: Option<WeeklyHours>,
) -> Result<(), String> {
    let species: Array =
        said.get("species").unwrap_or_default().split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    let given: Array = raw.iter().filter(|pair| pair.0 == "service").map(|pair| pair.1.as_str()).collect();
    let filled = |list: Array| (!list.is_empty()).then_some(Value::from(list));
    let mut changes = vec![
        ("name", said.get("name").map(Value::from)),
        ("speciality", said.get("speciality").map(Value::from)),
        ("species", filled(species)),
    ];
    // What a service says of its doctors is not repeated here.
    let own: Vec<String> = given.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect();
    let (place, before) = match place {
        Some(place) => {
            let doctor = desk.clinic.doctors.get(place).ok_or("there is no such doctor any more; look again")?;
            changes.insert(0, ("id", Some(doctor.id.as_str().into())));
            (place, services_of(desk, doctor))
        }
        None => (usize::MAX, Vec::new()),
    };
    if own != before {
        changes.push(("services", filled(given)));
    }
    let place = if place == usize::MAX {
        let place = file.len("doctors");
        file.add("doctors", changes);
        place
    } else {
        file.change("doctors", place, changes);
        place
    };
    if hours.as_ref()
        != desk.clinic.doctors.get(place).filter(|_| is_written(desk)).and_then(|doctor| doctor.hours.as_ref())
    {
        file.change_week("doctors", place, hours.as_ref());
    }
    Ok(())
}

/// A clinic that names no doctors has a nameless one, who stands in no file.
fn is_written(desk: &Desk) -> bool {
    !matches!(desk.clinic.doctors.as_slice(), [only] if only.id == "duty" && only.speciality.is_empty())
}

/// The names of what a doctor gives, in the clinic's order.
fn services_of(desk: &Desk, doctor: &Doctor) -> Vec<String> {
    let gives = |service: &&desk::Service| service.doctors.contains(&doctor.id);
    desk.clinic.services.iter().filter(gives).map(|service| service.name.clone()).collect()
}

fn body(desk: &Desk, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let written = is_written(desk);
    html! {
        section {
            p.note { (t(
                "Пока врачей нет, на приём ставит «Дежурный врач» в часы клиники. Врач без часов работает в часы клиники; без услуг оказывает те, что никому не отданы.",
                "While there are no doctors, a nameless one on duty sees everybody in the clinic's hours. A doctor without hours keeps the clinic's; one without services gives those that are nobody's."
            )) }
            @if written { @for (place, doctor) in desk.clinic.doctors.iter().enumerate() {
                @let typed = typed.form(None, Some(place));
                details.item open[typed.is_here()] {
                    summary { b { (doctor.name) } span.soft { (doctor.speciality) } }
                    (form(desk, Some((place, doctor)), typed))
                    form method="post" action=(Step::Doctors.path(desk)) {
                        (hidden(desk)) input type="hidden" name="do" value="remove"; input type="hidden" name="place" value=(place);
                        button.link.bad type="submit" { (t("Убрать врача из файла", "Take the doctor out of the file")) }
                    }
                }
            } }
        }
        section aria-labelledby="new" { h2 #new { (t("Добавить врача", "Add a doctor")) } (form(desk, None, typed.form(None, None))) }
    }
}

fn form(desk: &Desk, doctor: Option<(usize, &Doctor)>, typed: Typed) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let one = doctor.map(|doctor| doctor.1);
    let text = |get: fn(&Doctor) -> &str| one.map(get).unwrap_or_default();
    let week = one.and_then(|one| one.hours.clone()).unwrap_or_default();
    let given = one.map(|one| services_of(desk, one)).unwrap_or_default();
    html! {
        form.stack method="post" action=(Step::Doctors.path(desk)) {
            (hidden(desk))
            @if let Some((place, _)) = doctor { input type="hidden" name="place" value=(place); }
            label { span { (t("Фамилия, имя, отчество", "Surname, name")) } input name="name" required maxlength="100" value=(typed.text("name", text(|one| &one.name))); }
            label { span { (t("Специальность, одним словом", "Speciality, in a word")) } input name="speciality" maxlength="60" value=(typed.text("speciality", text(|one| &one.speciality))); }
            @if desk.clinic.kind.as_str() == "veterinary" {
                label { span { (t("Каких животных принимает, через запятую; пусто — всех", "Which animals, separated by commas; empty: all")) }
                    input name="species" maxlength="200" value=(typed.text("species", &one.map(|one| one.species.join(", ")).unwrap_or_default())); }
            }
            fieldset { legend { (t("Часы приёма; всё пусто — часы клиники", "Hours; all empty: the clinic's")) } (week_fields(desk.lang, &week, typed)) }
            fieldset.ticks { legend { (t("Что ведёт", "What they do")) }
                @for service in desk.clinic.services.iter().filter(|service| service.bookable) {
                    label.tick { input type="checkbox" name="service" value=(service.name) checked[typed.chosen("service", &service.name, given.contains(&service.name))]; span { (service.name) } }
                }
            }
            button type="submit" { @if one.is_some() { (t("Сохранить", "Save")) } @else { (t("Добавить", "Add")) } }
        }
    }
}
