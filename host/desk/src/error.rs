//! What can go wrong: in a clinic file, and at the desk.

use std::fmt;

use serde::Serialize;

/// Everything that is wrong with a clinic file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct ClinicErrors {
    /// The file, as it was given.
    pub file: String,
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

/// One mistake in a clinic file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// From 1; 0 when the file could not be read at all.
    pub line: usize,
    /// The key with its tables, for example `doctors[2].hours.mon`; empty when the mistake is about no key.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right: allowed values, or the nearest guess. May be empty.
    pub hint: String,
}

impl fmt::Display for ClinicErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len();
        write!(f, "{}: {count} {}", self.file, if count == 1 { "mistake" } else { "mistakes" })?;
        for mistake in &self.mistakes {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

/// Why the desk could not do what it was asked. [`DeskError::code`] is what a flow sees.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// The clinic has no such service.
    #[error("this clinic has no service {id:?}; it has {known}")]
    UnknownService {
        /// What was asked for.
        id: String,
        /// Ids the clinic has.
        known: String,
    },
    /// The clinic has no such doctor.
    #[error("this clinic has no doctor {id:?}; it has {known}")]
    UnknownDoctor {
        /// What was asked for.
        id: String,
        /// Ids the clinic has.
        known: String,
    },
    /// Not an id that the desk ever gave out.
    #[error("{id:?} is no slot id; book with the id of a slot that was found")]
    BadSlot {
        /// What was sent.
        id: String,
    },
    /// The slot is not in the doctor's schedule, whoever made the id.
    #[error("slot {id:?} cannot be booked: {why}; look for free times again")]
    NotOffered {
        /// What was sent.
        id: String,
        /// What stands against it.
        why: &'static str,
    },
    /// Not a phone number.
    #[error("the phone number cannot be read; give it with its country code, for example +7 903 123-45-67")]
    BadPhone,
    /// No such appointment at this clinic.
    #[error("no appointment {id:?} at this clinic; take the id from the caller's own appointments")]
    UnknownAppointment {
        /// What was asked for.
        id: String,
    },
    /// The appointment is over, moved or cancelled.
    #[error("appointment {id:?} is {status} and cannot be changed")]
    Closed {
        /// The appointment.
        id: String,
        /// Its status.
        status: records::Status,
    },
    /// The records could not be read or written.
    #[error(transparent)]
    Records(#[from] records::RecordsError),
}

impl DeskError {
    /// Stable, lower-case, dashed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownService { .. } => "unknown-service",
            Self::UnknownDoctor { .. } => "unknown-doctor",
            Self::BadSlot { .. } => "bad-slot",
            Self::NotOffered { .. } => "slot-not-offered",
            Self::BadPhone => "bad-phone",
            Self::UnknownAppointment { .. } => "unknown-appointment",
            Self::Closed { .. } => "appointment-closed",
            Self::Records(_) => "records",
        }
    }
}
