//! Services, doctors, questions; and who gives which service.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::reader::{Reader, Section};
use super::{names, places, week};
use crate::clinic::{Branch, Doctor, FaqEntry, Resource, Service};
use crate::hours::WeeklyHours;
use crate::money::Currency;

/// A service as written, before it is known which doctors there are.
pub(super) struct ServiceDraft<'a> {
    service: Service,
    section: Option<Section<'a>>,
    specialities: Vec<String>,
}

/// A doctor as written.
pub(super) struct DoctorDraft<'a> {
    doctor: Doctor,
    section: Section<'a>,
}

/// What holds where a service says nothing else.
#[derive(Clone, Copy)]
pub(super) struct Usual {
    /// Length of a visit.
    pub(super) minutes: u32,
    /// Minutes after it.
    pub(super) buffer: u32,
}

const SERVICE_KEYS: &[&str] = &[
    "id",
    "name",
    "minutes",
    "price",
    "doctors",
    "specialities",
    "bookable",
    "first_minutes",
    "buffer_minutes",
    "needs",
];
const DOCTOR_KEYS: &[&str] = &[
    "id",
    "name",
    "speciality",
    "services",
    "minutes",
    "hours",
    "weekly",
    "exceptions",
    "species",
    "branch",
    "branches",
    "breaks",
    "buffer_minutes",
    "first_minutes",
    "per_day",
];

pub(super) fn services<'a>(
    reader: &mut Reader,
    top: &Section<'a>,
    currency: Currency,
    usual: Usual,
    resources: &[Resource],
) -> Vec<ServiceDraft<'a>> {
    let needed = "a list of names, for example services = [\"терапия\", \"УЗИ\"], or a table [[services]] for each";
    let Some(value) = top.get("services") else {
        reader.mistake(0, "services", "it is missing", &format!("needed: {needed}"));
        return Vec::new();
    };
    let DeValue::Array(items) = value.get_ref() else {
        reader.wrong_type(value, "services", needed);
        return Vec::new();
    };
    if items.is_empty() {
        reader.mistake(value.span().start, "services", "it is empty", &format!("needed: {needed}"));
    }
    let mut drafts: Vec<ServiceDraft> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let path = format!("services[{}]", n + 1);
        let draft = match item.get_ref() {
            DeValue::String(_) => reader.text_of(item, &path).map(|name| named(name, usual)),
            DeValue::Table(_) => {
                reader.table_of(item, path.clone()).and_then(|table| service(reader, table, currency, usual, resources))
            }
            _ => {
                reader.wrong_type(item, &path, "a name in quotes, or a table with name, minutes, price");
                None
            }
        };
        let Some(draft) = draft else { continue };
        if let Some(twin) = drafts.iter().position(|other| other.service.id == draft.service.id) {
            let problem = format!("the id {:?} is that of services[{}]", draft.service.id, twin + 1);
            reader.mistake(item.span().start, &path, problem, "give one of them another id");
        }
        drafts.push(draft);
    }
    drafts
}

fn named(name: String, usual: Usual) -> ServiceDraft<'static> {
    let service = Service {
        id: names::id_from(&name),
        name,
        minutes: usual.minutes,
        price: None,
        price_from: false,
        bookable: true,
        doctors: Vec::new(),
        first_minutes: None,
        buffer: usual.buffer,
        needs: Vec::new(),
    };
    ServiceDraft { service, section: None, specialities: Vec::new() }
}

fn service<'a>(
    reader: &mut Reader,
    section: Section<'a>,
    currency: Currency,
    usual: Usual,
    resources: &[Resource],
) -> Option<ServiceDraft<'a>> {
    reader.check_keys(&section, SERVICE_KEYS);
    let name = reader.required_text(&section, "name", "the service as callers say it");
    let id = id(reader, &section, name.as_deref());
    let minutes = reader.number(&section, "minutes", 5, 480).unwrap_or(usual.minutes);
    let price = reader.money(&section, "price", currency);
    let service = Service {
        minutes,
        price: price.map(|(money, _)| money),
        price_from: price.is_some_and(|(_, lowest)| lowest),
        bookable: reader.truth(&section, "bookable").unwrap_or(true),
        doctors: reader.texts(&section, "doctors"),
        first_minutes: reader.number(&section, "first_minutes", 5, 480),
        buffer: reader.number(&section, "buffer_minutes", 0, 240).unwrap_or(usual.buffer),
        needs: places::needs(reader, &section, resources),
        id,
        name: name?,
    };
    let specialities = reader.texts(&section, "specialities");
    Some(ServiceDraft { service, section: Some(section), specialities })
}

pub(super) fn doctors<'a>(reader: &mut Reader, top: &Section<'a>, branches: &[Branch]) -> Vec<DoctorDraft<'a>> {
    let mut drafts: Vec<DoctorDraft> = Vec::new();
    for section in reader.tables(top, "doctors") {
        reader.check_keys(&section, DOCTOR_KEYS);
        let name = reader.required_text(&section, "name", "surname first, as in the clinic's list");
        let id = id(reader, &section, name.as_deref());
        if drafts.iter().any(|other| other.doctor.id == id) {
            reader.mistake(
                section.offset,
                &section.path,
                format!("the id {id:?} is taken"),
                "give one of them another id",
            );
        }
        let doctor = Doctor {
            id,
            speciality: reader.text(&section, "speciality").unwrap_or_default(),
            services: reader.texts(&section, "services"),
            minutes: BTreeMap::new(),
            hours: week::hours(reader, &section),
            exceptions: week::exceptions(reader, &section),
            species: reader.texts(&section, "species"),
            branches: places::workplaces(reader, &section, branches),
            breaks: week::week(reader, &section, "breaks").unwrap_or_default(),
            buffer: reader.number(&section, "buffer_minutes", 0, 240),
            first_minutes: BTreeMap::new(),
            per_day: reader.number(&section, "per_day", 1, 200),
            name: name.unwrap_or_default(),
        };
        drafts.push(DoctorDraft { doctor, section });
    }
    drafts
}

/// Settles who gives what. A service is given by the doctors it names, those of a speciality it names, and those who name
/// it. When that is nobody, by every doctor who names no services at all.
pub(super) fn join(
    reader: &mut Reader,
    services: Vec<ServiceDraft>,
    doctors: Vec<DoctorDraft>,
) -> (Vec<Service>, Vec<Doctor>) {
    check_references(reader, &services, &doctors);
    let mut settled_doctors = Vec::new();
    for draft in doctors {
        let minutes = doctor_minutes(reader, &draft, &services, "minutes");
        let first_minutes = doctor_minutes(reader, &draft, &services, "first_minutes");
        settled_doctors.push(Doctor { minutes, first_minutes, ..draft.doctor });
    }
    let mut doctors = settled_doctors;
    if doctors.is_empty() {
        doctors.push(duty_doctor());
    }
    let mut given: Vec<Vec<String>> = vec![Vec::new(); doctors.len()];
    let mut settled = Vec::new();
    for draft in services {
        let mut service = draft.service;
        let gives = |doctor: &Doctor| {
            service.doctors.contains(&doctor.id)
                || draft.specialities.iter().any(|speciality| same(speciality, &doctor.speciality))
                || doctor.services.iter().any(|name| *name == service.id || *name == service.name)
        };
        let mut givers: Vec<usize> = (0..doctors.len()).filter(|n| gives(&doctors[*n])).collect();
        if givers.is_empty() && service.bookable {
            givers = (0..doctors.len()).filter(|n| doctors[*n].services.is_empty()).collect();
        }
        givers.iter().for_each(|n| given[*n].push(service.id.clone()));
        service.doctors = givers.into_iter().map(|n| doctors[n].id.clone()).collect();
        settled.push(service);
    }
    for (doctor, services) in doctors.iter_mut().zip(given) {
        doctor.services = services;
    }
    (settled, doctors)
}

/// Who sees the visitors of a clinic that names no doctors.
fn duty_doctor() -> Doctor {
    Doctor {
        id: "duty".to_owned(),
        name: "Дежурный врач".to_owned(),
        speciality: String::new(),
        services: Vec::new(),
        minutes: BTreeMap::new(),
        hours: None,
        exceptions: Vec::new(),
        species: Vec::new(),
        branches: Vec::new(),
        breaks: WeeklyHours::default(),
        buffer: None,
        first_minutes: BTreeMap::new(),
        per_day: None,
    }
}

fn check_references(reader: &mut Reader, services: &[ServiceDraft], doctors: &[DoctorDraft]) {
    let doctor_ids: Vec<&str> = doctors.iter().map(|draft| draft.doctor.id.as_str()).collect();
    let specialities: Vec<&str> = doctors.iter().map(|draft| draft.doctor.speciality.as_str()).collect();
    for draft in services {
        let Some(section) = &draft.section else { continue };
        for id in draft.service.doctors.iter().filter(|id| !doctor_ids.contains(&id.as_str())) {
            let hint = names::allowed(id, &doctor_ids);
            reader.mistake_at(section, "doctors", format!("there is no doctor {id:?}"), &hint);
        }
        for word in draft.specialities.iter().filter(|word| !specialities.iter().any(|other| same(word, other))) {
            let hint = names::allowed(word, &specialities);
            reader.mistake_at(section, "specialities", format!("no doctor has the speciality {word:?}"), &hint);
        }
    }
    let known = service_names(services);
    for draft in doctors {
        for name in draft.doctor.services.iter().filter(|name| !known.contains(&name.as_str())) {
            let hint = names::allowed(name, &known);
            reader.mistake_at(&draft.section, "services", format!("there is no service {name:?}"), &hint);
        }
    }
}

/// `minutes = { uzi = 40 }`, by id or name.
fn doctor_minutes(
    reader: &mut Reader,
    draft: &DoctorDraft,
    services: &[ServiceDraft],
    key: &str,
) -> BTreeMap<String, u32> {
    let mut minutes = BTreeMap::new();
    let Some(section) = reader.table(&draft.section, key) else { return minutes };
    for (key, value) in section.table {
        let name = key.get_ref().as_ref();
        let found = services.iter().find(|draft| draft.service.id == name || draft.service.name == name);
        let Some(found) = found else {
            let hint = names::allowed(name, &service_names(services));
            reader.mistake(key.span().start, &section.key(name), format!("there is no service {name:?}"), &hint);
            continue;
        };
        if let Some(length) = reader.number_of(value, &section.key(name), 5, 480) {
            minutes.insert(found.service.id.clone(), length);
        }
    }
    minutes
}

/// Names, and ids where they say more than the name.
fn service_names<'a>(services: &'a [ServiceDraft]) -> Vec<&'a str> {
    services.iter().flat_map(|draft| [draft.service.name.as_str(), draft.service.id.as_str()]).collect()
}

pub(super) fn faq(reader: &mut Reader, top: &Section) -> Vec<FaqEntry> {
    let mut entries: Vec<FaqEntry> = Vec::new();
    for section in reader.tables(top, "faq") {
        reader.check_keys(&section, &["id", "question", "answer"]);
        let question = reader.required_text(&section, "question", "as callers ask it");
        let answer = reader.required_text(&section, "answer", "written to be heard");
        let id = id(reader, &section, question.as_deref());
        if entries.iter().any(|other| other.id == id) {
            reader.mistake(
                section.offset,
                &section.path,
                format!("the id {id:?} is taken"),
                "give one of them another id",
            );
        }
        if let (Some(question), Some(answer)) = (question, answer) {
            entries.push(FaqEntry { id, question, answer });
        }
    }
    entries
}

/// What is offered cannot be absent.
pub(super) fn check_absent(reader: &mut Reader, top: &Section, absent: &[String], services: &[Service]) {
    for name in absent.iter().filter(|name| services.iter().any(|service| same(&service.name, name))) {
        let hint = "a service is offered or absent: take it out of one of the lists";
        reader.mistake_at(top, "absent", format!("{name:?} is among the services too"), hint);
    }
}

pub(super) fn id(reader: &mut Reader, section: &Section, name: Option<&str>) -> String {
    match reader.text(section, "id") {
        Some(id) if names::is_id(&id) => id,
        Some(id) => {
            let hint = format!("use small Latin letters, digits, _ and -, for example {:?}", names::id_from(&id));
            reader.mistake_at(section, "id", format!("{id:?} cannot be an id"), &hint);
            id
        }
        None => name.map(names::id_from).unwrap_or_default(),
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
