//! FHIR R4 JSON: `Slot`, `Schedule`, `Appointment` and `Patient`, out to and in from systems that speak it.
//!
//! Only what the desk knows is said, and only what it understands is taken: other elements are allowed and left alone, as
//! FHIR asks of a reader. What cannot be taken is told as FHIR tells it ([`OperationOutcome`]), naming the element.
//! The tables of statuses stand in `docs/schedule.md`.

mod check;
mod visit;

use records::Pii;
use serde::{Deserialize, Serialize};

pub use check::{Issue, OperationOutcome};
pub use visit::{TakenIn, appointment, patient, read_appointment, read_patient, schedule, slot, status_in, status_out};

/// Where the desk's own names for things stand in identifiers: a prefix of the `system`.
pub const SYSTEM: &str = "urn:gudok";

/// A name in somebody's list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// Whose list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A pointer to another resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// `Practitioner/sokolova`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// For people to read. Names of patients are personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Pii>,
}

/// A code of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coding {
    /// Whose list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// One thing in the codes of several lists, or in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeableConcept {
    /// In codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Pii>,
}

/// A doctor's calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Always `Schedule`.
    pub resource_type: String,
    /// Doctor id.
    pub id: String,
    /// Whether the doctor works at all.
    pub active: bool,
    /// Speciality.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specialty: Vec<CodeableConcept>,
    /// Services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_type: Vec<CodeableConcept>,
    /// The doctor.
    pub actor: Vec<Reference>,
}

/// A free or taken time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FhirSlot {
    /// Always `Slot`.
    pub resource_type: String,
    /// `doctor.service.start`: a FHIR id has no bars. The slot id itself is the identifier.
    pub id: String,
    /// The desk's slot id.
    pub identifier: Vec<Identifier>,
    /// Service.
    pub service_type: Vec<CodeableConcept>,
    /// `Schedule/doctor`.
    pub schedule: Reference,
    /// `free` or `busy`.
    pub status: String,
    /// Instant with offset.
    pub start: String,
    /// Instant with offset.
    pub end: String,
}

/// A visit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FhirAppointment {
    /// Always `Appointment`.
    pub resource_type: String,
    /// Its id in the system that sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The desk's booking id, if it has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifier: Vec<Identifier>,
    /// One of FHIR's words.
    #[serde(default)]
    pub status: String,
    /// Why it was lost: a word of the clinic's list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelation_reason: Option<CodeableConcept>,
    /// Service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_type: Vec<CodeableConcept>,
    /// In the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Pii>,
    /// Instant with offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Instant with offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes_duration: Option<u32>,
    /// `Patient/…` and `Practitioner/…`.
    #[serde(default)]
    pub participant: Vec<Participant>,
}

/// Somebody who takes part in a visit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Reference>,
    /// `accepted`, `needs-action`, …
    #[serde(default)]
    pub status: String,
}

/// Who comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Patient {
    /// Always `Patient`.
    pub resource_type: String,
    /// Its id in the system that sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The person, or the animal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name: Vec<HumanName>,
    /// Numbers of the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub telecom: Vec<ContactPoint>,
    /// For an animal: who brings it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contact: Vec<PatientContact>,
    /// For an animal: its kind, by FHIR's own extension.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<Extension>,
}

/// A name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HumanName {
    /// As it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Pii>,
    /// Surname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Pii>,
    /// First names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Pii>,
}

/// A number or an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPoint {
    /// `phone`, `email`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Pii>,
}

/// Whom to ask about a patient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientContact {
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<HumanName>,
    /// Their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub telecom: Vec<ContactPoint>,
}

/// What FHIR has no element for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    /// Which.
    #[serde(default)]
    pub url: String,
    /// Its value, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_codeable_concept: Option<CodeableConcept>,
    /// Its parts, if it has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extension: Vec<Extension>,
}
