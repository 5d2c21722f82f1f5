//! Visits, times and visitors in FHIR's words, and back.

use jiff::{Timestamp, Zoned};
use records::{Pii, Status};

use super::check::read;
use super::{
    CodeableConcept, Coding, ContactPoint, Extension, FhirAppointment, FhirSlot, HumanName, Identifier,
    OperationOutcome, Participant, Patient, PatientContact, Reference, SYSTEM, Schedule,
};
use crate::booking::{Appointment, Visitor};
use crate::clinic::{Clinic, Doctor};
use crate::phone::PhoneNumber;
use crate::slots::Slot;

/// FHIR's extension for animals, and the part of it that names the kind.
const ANIMAL: &str = "http://hl7.org/fhir/StructureDefinition/patient-animal";
const SPECIES: &str = "species";

/// What an `Appointment` from outside says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenIn {
    /// Its id in the system that sends it.
    pub external_id: Option<String>,
    /// The desk's own booking id, if the system knows it.
    pub booking: Option<String>,
    /// Where it stands; none: it does not hold a time yet (`proposed`, `pending`, `waitlist`).
    pub status: Option<Status>,
    /// Doctor id.
    pub doctor: String,
    /// Service id; none: the doctor's first.
    pub service: Option<String>,
    /// Start.
    pub start: Timestamp,
    /// End; after the start.
    pub end: Timestamp,
    /// Why it was lost: a word of the clinic's list.
    pub reason_code: Option<String>,
    /// Who comes, as far as the appointment itself says it.
    pub person: Pii,
    /// `Patient/…`, to be looked up.
    pub patient: Option<String>,
    /// In the caller's words.
    pub reason: Pii,
}

/// FHIR's word for a status.
pub fn status_out(status: Status) -> &'static str {
    match status {
        Status::Booked | Status::Reminded | Status::Confirmed => "booked",
        Status::Arrived => "arrived",
        Status::Done => "fulfilled",
        Status::Moved | Status::Cancelled => "cancelled",
        Status::NoShow => "noshow",
    }
}

/// The status that FHIR's word stands for. None inside: it is no visit yet. None outside: FHIR has no such word.
pub fn status_in(word: &str) -> Option<Option<Status>> {
    Some(match word {
        "proposed" | "pending" | "waitlist" => None,
        "booked" => Some(Status::Booked),
        "arrived" | "checked-in" => Some(Status::Arrived),
        "fulfilled" => Some(Status::Done),
        "cancelled" | "entered-in-error" => Some(Status::Cancelled),
        "noshow" => Some(Status::NoShow),
        _ => return None,
    })
}

/// A doctor's calendar.
pub fn schedule(clinic: &Clinic, doctor: &Doctor) -> Schedule {
    let services = clinic.services.iter().filter(|service| service.doctors.contains(&doctor.id));
    Schedule {
        resource_type: "Schedule".to_owned(),
        id: doctor.id.clone(),
        active: true,
        specialty: match doctor.speciality.is_empty() {
            true => Vec::new(),
            false => vec![CodeableConcept { coding: Vec::new(), text: Some(doctor.speciality.as_str().into()) }],
        },
        service_type: services.map(|service| concept("service", &service.id, &service.name)).collect(),
        actor: vec![practitioner(&doctor.id, &doctor.name)],
    }
}

/// A time, free or not.
pub fn slot(slot: &Slot, free: bool) -> FhirSlot {
    let end = slot.start.timestamp().saturating_add(jiff::SignedDuration::from_mins(i64::from(slot.minutes)));
    let end = end.unwrap_or(slot.start.timestamp()).to_zoned(slot.start.time_zone().clone());
    // Letters, digits, dashes and dots are all that a FHIR id may have.
    let id = slot.id.replace(['|', '_'], ".").replace(':', "");
    FhirSlot {
        resource_type: "Slot".to_owned(),
        id,
        identifier: vec![identifier("slot", &slot.id)],
        service_type: vec![concept("service", &slot.service_id, &slot.service_name)],
        schedule: Reference { reference: Some(format!("Schedule/{}", slot.doctor_id)), display: None },
        status: if free { "free" } else { "busy" }.to_owned(),
        start: instant(&slot.start),
        end: instant(&end),
    }
}

/// A visit. Who comes is named only as a reference: the `Patient` is another resource, with its own right to be seen.
pub fn appointment(visit: &Appointment) -> FhirAppointment {
    let slot = slot(&visit.slot, false);
    let reason = visit.reason_code.as_deref().map(|code| CodeableConcept {
        coding: vec![Coding {
            system: Some(format!("{SYSTEM}:lost-reason")),
            code: Some(code.to_owned()),
            display: None,
        }],
        text: None,
    });
    let patient = Reference { reference: Some(format!("Patient/{}", visit.visit)), display: None };
    let part = |actor: Reference, status: &str| Participant { actor: Some(actor), status: status.to_owned() };
    let answered = matches!(visit.status, Status::Confirmed | Status::Arrived | Status::Done);
    FhirAppointment {
        resource_type: "Appointment".to_owned(),
        id: Some(visit.id.clone()),
        identifier: vec![identifier("booking", &visit.id), identifier("visit", &visit.visit)],
        status: status_out(visit.status).to_owned(),
        cancelation_reason: reason,
        service_type: slot.service_type,
        description: Some(visit.visitor.reason.clone()).filter(|reason| !reason.is_empty()),
        start: Some(slot.start),
        end: Some(slot.end),
        minutes_duration: Some(visit.slot.minutes),
        participant: vec![
            part(patient, if answered { "accepted" } else { "needs-action" }),
            part(practitioner(&visit.slot.doctor_id, &visit.slot.doctor_name), "accepted"),
        ],
    }
}

/// Who comes: a person, or an animal with who brings it.
pub fn patient(visit: &Appointment) -> Patient {
    let name = |text: &Pii| HumanName { text: Some(text.clone()), ..HumanName::default() };
    let who = &visit.visitor;
    let phone = vec![ContactPoint { system: Some("phone".to_owned()), value: Some(who.phone.clone()) }];
    let id = Some(visit.visit.clone());
    let resource_type = "Patient".to_owned();
    if who.animal.is_empty() {
        return Patient { resource_type, id, name: vec![name(&who.person)], telecom: phone, ..Patient::default() };
    }
    let contact = PatientContact { name: Some(name(&who.person)), telecom: phone };
    let kind = CodeableConcept { coding: Vec::new(), text: Some(visit.species.as_str().into()) };
    let species = Extension { url: SPECIES.to_owned(), value_codeable_concept: Some(kind), extension: Vec::new() };
    let animal = Extension { url: ANIMAL.to_owned(), value_codeable_concept: None, extension: vec![species] };
    Patient {
        resource_type,
        id,
        name: vec![name(&who.animal)],
        telecom: Vec::new(),
        contact: vec![contact],
        extension: if visit.species.is_empty() { Vec::new() } else { vec![animal] },
    }
}

/// A visitor from a `Patient`.
///
/// # Errors
/// What is wrong, naming the element.
pub fn read_patient(text: &str) -> Result<Visitor, OperationOutcome> {
    let patient: Patient = read(text, "Patient")?;
    let is_animal = patient.extension.iter().any(|extension| extension.url == ANIMAL);
    let own = patient.name.first().map(full_name).unwrap_or_default();
    let contact = patient.contact.first();
    let (person, animal) = match is_animal || contact.is_some() && patient.telecom.is_empty() {
        true => (contact.and_then(|contact| contact.name.as_ref()).map(full_name).unwrap_or_default(), own),
        false => (own, Pii::default()),
    };
    let numbers = patient.telecom.iter().chain(contact.into_iter().flat_map(|contact| &contact.telecom));
    let mut phones =
        numbers.filter(|point| point.system.as_deref() == Some("phone")).filter_map(|point| point.value.as_ref());
    let Some(phone) = phones.next() else {
        let hint = "there is no phone; needed: a telecom of the patient or of their contact with system \"phone\"";
        return Err(OperationOutcome::one("required", "Patient.telecom", hint));
    };
    let Some(phone) = PhoneNumber::parse(phone.as_str()) else {
        let hint = "the number cannot be read; give it with its country code";
        return Err(OperationOutcome::one("value", "Patient.telecom.value", hint));
    };
    Ok(Visitor { phone: phone.into(), person, animal, reason: Pii::default() })
}

/// A visit from an `Appointment`.
///
/// # Errors
/// What is wrong, naming the element.
pub fn read_appointment(clinic: &Clinic, text: &str) -> Result<TakenIn, OperationOutcome> {
    let found: FhirAppointment = read(text, "Appointment")?;
    let Some(status) = status_in(&found.status) else {
        let known =
            "proposed, pending, booked, arrived, fulfilled, cancelled, noshow, entered-in-error, checked-in, waitlist";
        return Err(OperationOutcome::one("value", "Appointment.status", format!("this is none of {known}")));
    };
    let start = moment(found.start.as_deref(), "Appointment.start")?;
    let end = match (&found.end, found.minutes_duration) {
        (Some(end), _) => moment(Some(end), "Appointment.end")?,
        (None, Some(minutes)) => start
            .saturating_add(jiff::SignedDuration::from_mins(i64::from(minutes)))
            .map_err(|_| OperationOutcome::one("value", "Appointment.minutesDuration", "it is too long"))?,
        (None, None) => {
            return Err(OperationOutcome::one(
                "required",
                "Appointment.end",
                "it is missing, and so is minutesDuration",
            ));
        }
    };
    if end <= start {
        return Err(OperationOutcome::one("value", "Appointment.end", "it is not after the start"));
    }
    let (doctor, patient, person) = people(clinic, &found.participant)?;
    let service = service(clinic, &found.service_type)?;
    let reason_code = lost_reason(clinic, found.cancelation_reason.as_ref())?;
    let of = |name: &str| {
        let system = format!("{SYSTEM}:{name}");
        found.identifier.iter().find(|one| one.system.as_deref() == Some(&system)).and_then(|one| one.value.clone())
    };
    Ok(TakenIn {
        external_id: found.id.clone(),
        booking: of("booking"),
        status,
        doctor,
        service,
        start,
        end,
        reason_code,
        person,
        patient,
        reason: found.description.clone().unwrap_or_default(),
    })
}

/// The doctor, the patient's reference and what the appointment calls the patient.
fn people(clinic: &Clinic, parts: &[Participant]) -> Result<(String, Option<String>, Pii), OperationOutcome> {
    let (mut doctor, mut patient, mut person) = (None, None, Pii::default());
    for (n, actor) in parts.iter().enumerate().filter_map(|(n, part)| Some((n, part.actor.as_ref()?))) {
        match actor.reference.as_deref().and_then(|text| text.rsplit_once('/')) {
            Some((kind, id)) if kind.ends_with("Practitioner") => match clinic.doctor(id) {
                Some(known) => doctor = Some(known.id.clone()),
                None => {
                    let known: Vec<&str> = clinic.doctors.iter().map(|doctor| doctor.id.as_str()).collect();
                    let words = format!("this clinic has no such doctor; it has {}", known.join(", "));
                    let element = format!("Appointment.participant[{n}].actor");
                    return Err(OperationOutcome::one("not-found", &element, words));
                }
            },
            Some((kind, id)) if kind.ends_with("Patient") => {
                patient = Some(id.to_owned());
                person = actor.display.clone().unwrap_or_default();
            }
            _ => {}
        }
    }
    let Some(doctor) = doctor else {
        let words = "no participant is a Practitioner; needed: actor.reference \"Practitioner/<doctor id>\"";
        return Err(OperationOutcome::one("required", "Appointment.participant", words));
    };
    Ok((doctor, patient, person))
}

fn service(clinic: &Clinic, types: &[CodeableConcept]) -> Result<Option<String>, OperationOutcome> {
    let mut words = types.iter().flat_map(|concept| {
        let codes = concept.coding.iter().filter_map(|coding| coding.code.as_deref());
        codes.chain(concept.text.as_ref().map(Pii::as_str))
    });
    match words.clone().find_map(|word| clinic.service(word)) {
        Some(service) => Ok(Some(service.id.clone())),
        None if words.next().is_none() => Ok(None),
        None => {
            let known: Vec<&str> = clinic.services.iter().map(|service| service.id.as_str()).collect();
            let text = format!("this clinic has no such service; it has {}", known.join(", "));
            Err(OperationOutcome::one("not-found", "Appointment.serviceType", text))
        }
    }
}

/// A reason of somebody else's list is left alone; one of ours must be in it.
fn lost_reason(clinic: &Clinic, reason: Option<&CodeableConcept>) -> Result<Option<String>, OperationOutcome> {
    let system = format!("{SYSTEM}:lost-reason");
    let ours = reason.and_then(|reason| reason.coding.iter().find(|coding| coding.system.as_deref() == Some(&system)));
    let Some(code) = ours.and_then(|coding| coding.code.clone()) else { return Ok(None) };
    if clinic.lost_reasons.iter().any(|reason| reason.code == code) {
        return Ok(Some(code));
    }
    let known: Vec<&str> = clinic.lost_reasons.iter().map(|reason| reason.code.as_str()).collect();
    let words = format!("this is no reason of the clinic's list; it has {}", known.join(", "));
    Err(OperationOutcome::one("value", "Appointment.cancelationReason", words))
}

fn moment(text: Option<&str>, element: &str) -> Result<Timestamp, OperationOutcome> {
    let Some(text) = text else { return Err(OperationOutcome::one("required", element, "it is missing")) };
    // An instant has its offset; a time of no zone is no instant.
    text.parse().map_err(|_| {
        OperationOutcome::one("value", element, "this is no instant; write 2026-11-24T10:00:00+03:00, with the offset")
    })
}

fn full_name(name: &HumanName) -> Pii {
    match &name.text {
        Some(text) => text.clone(),
        None => {
            let parts = name.family.iter().chain(&name.given).map(Pii::as_str).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join(" ").into()
        }
    }
}

fn instant(at: &Zoned) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn identifier(list: &str, value: &str) -> Identifier {
    Identifier { system: Some(format!("{SYSTEM}:{list}")), value: Some(value.to_owned()) }
}

fn concept(list: &str, code: &str, name: &str) -> CodeableConcept {
    let coding = Coding {
        system: Some(format!("{SYSTEM}:{list}")),
        code: Some(code.to_owned()),
        display: Some(name.to_owned()),
    };
    CodeableConcept { coding: vec![coding], text: None }
}

fn practitioner(id: &str, name: &str) -> Reference {
    Reference { reference: Some(format!("Practitioner/{id}")), display: Some(name.into()) }
}
