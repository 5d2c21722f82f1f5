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
    /// The clinic has no such branch.
    #[error("this clinic has no branch {id:?}; it has {known}")]
    UnknownBranch {
        /// What was asked for.
        id: String,
        /// Ids the clinic has.
        known: String,
    },
    /// Not a kind of animal that anybody here sees.
    #[error("{word:?} is no kind of animal that is known here; known are {known}")]
    UnknownSpecies {
        /// What was asked for.
        word: String,
        /// Kinds the clinic names.
        known: String,
    },
    /// Not a word of the clinic's list of reasons.
    #[error("{code:?} is no reason of this clinic's list; [lost_reasons] has {known}")]
    UnknownReason {
        /// What was given.
        code: String,
        /// Codes of the list.
        known: String,
    },
    /// Whoever did not come cannot be put right: their time was given away.
    #[error("appointment {id:?} was given up and its time given to another visitor; book a new time")]
    TimeGiven {
        /// The appointment.
        id: String,
    },
    /// The system that owns the schedule did not say in time whether it granted the wish. Nothing was promised, nothing is
    /// booked here; a call-back was written down.
    #[error("the schedule did not answer, so nothing was booked or changed; a person will call back")]
    Unsettled {
        /// Id of the call-back.
        callback: String,
    },
    /// The system that owns the schedule could not be asked.
    #[error("the schedule cannot be read: {problem}")]
    OwnerSilent {
        /// What stood against it; no personal data.
        problem: String,
    },
    /// The system that owns the schedule will not do it.
    #[error("the schedule refused: {problem}")]
    OwnerRefused {
        /// Why; its own words, without personal data.
        problem: String,
    },
    /// A calendar that cannot be read; nothing of it was taken.
    #[error("the calendar cannot be read, {0}")]
    BadCalendar(crate::ical::IcalError),
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
            Self::UnknownBranch { .. } => "unknown-branch",
            Self::UnknownSpecies { .. } => "unknown-species",
            Self::UnknownReason { .. } => "unknown-reason",
            Self::TimeGiven { .. } => "time-given-away",
            Self::Unsettled { .. } => "booking-unsettled",
            Self::OwnerSilent { .. } => "schedule-silent",
            Self::OwnerRefused { .. } => "schedule-refused",
            Self::BadCalendar(_) => "bad-calendar",
            Self::BadSlot { .. } => "bad-slot",
            Self::NotOffered { .. } => "slot-not-offered",
            Self::BadPhone => "bad-phone",
            Self::UnknownAppointment { .. } => "unknown-appointment",
            Self::Closed { .. } => "appointment-closed",
            Self::Records(_) => "records",
        }
    }
}
