//! What stands behind a scripted call: the clinic, as far as a flow can ask for it or change it.

use jiff::civil;

use super::clinic::{Clinic, moment};
use crate::host::Error;
use crate::host::appointments::{Appointment, Booking, Slot, SlotQuery, Visitor};
use crate::host::callbacks::Callback;
use crate::host::clinic::{ClinicInfo, DayHours, Doctor, Service};
use crate::host::faq::Entry;
use crate::host::routing::{Destination, QueueState, TransferOutcome};

/// A clinic that answers a scripted call. [`Clinic`] is one, given as data; the program has another that takes a clinic
/// file and works out the free times as the real desk does. `now` is the clinic's wall clock.
pub trait Office: Send {
    /// Who the clinic is.
    fn info(&self) -> ClinicInfo;
    /// Hours of a day.
    ///
    /// # Errors
    ///
    /// `date` is not a date.
    fn hours(&self, date: &str) -> Result<DayHours, Error>;
    /// Is it open?
    fn is_open(&self, now: civil::DateTime) -> bool;
    /// What it offers.
    fn services(&self) -> Vec<Service>;
    /// What it does not offer.
    fn absent(&self) -> Vec<String>;
    /// Who works there.
    fn doctors(&self) -> Vec<Doctor>;
    /// Questions and answers.
    fn faq(&self) -> &[Entry];
    /// Is there a recorded prompt of this name?
    fn has_prompt(&self, name: &str) -> bool;
    /// Free times.
    ///
    /// # Errors
    ///
    /// An argument that is none.
    fn find(&self, query: &SlotQuery, now: civil::DateTime) -> Result<Vec<Slot>, Error>;
    /// Take a free time.
    ///
    /// # Errors
    ///
    /// An argument that is none.
    fn book(&mut self, slot_id: &str, visitor: Visitor, now: civil::DateTime) -> Result<Booking, Error>;
    /// Move a visit.
    ///
    /// # Errors
    ///
    /// There is no such visit; an argument that is none.
    fn reschedule(&mut self, id: &str, slot_id: &str, now: civil::DateTime) -> Result<Booking, Error>;
    /// Call a visit off.
    ///
    /// # Errors
    ///
    /// There is no such visit.
    fn cancel(&mut self, id: &str) -> Result<(), Error>;
    /// Coming visits under a number.
    ///
    /// # Errors
    ///
    /// `phone` is not a number.
    fn mine(&self, phone: &str, now: civil::DateTime) -> Result<Vec<Appointment>, Error>;
    /// Every visit, old and new.
    fn visits(&self) -> &[Appointment];
    /// When a promised call-back is due.
    ///
    /// # Errors
    ///
    /// An argument that is none.
    fn due(&self, callback: &Callback, now: civil::DateTime) -> Result<civil::DateTime, Error>;
    /// Put the caller through.
    ///
    /// # Errors
    ///
    /// There is no such line.
    fn transfer(&mut self, to: &Destination, now: civil::DateTime) -> Result<TransferOutcome, Error>;
    /// How busy a destination is.
    ///
    /// # Errors
    ///
    /// There is no such line.
    fn queue(&self, to: &Destination, now: civil::DateTime) -> Result<QueueState, Error>;
    /// Is this a category a call may be tagged with?
    ///
    /// # Errors
    ///
    /// It is not.
    fn check_category(&self, category: &str) -> Result<(), Error>;
}

impl Clinic {
    fn known(&self, to: &Destination) -> Result<(), Error> {
        match to {
            Destination::Line(name) if !self.lines.contains(name) => {
                let known = self.lines.join(", ");
                Err(Error::other("unknown-line", format!("the clinic has no line `{name}`; it has: {known}")))
            }
            _ => Ok(()),
        }
    }
}

impl Office for Clinic {
    fn info(&self) -> ClinicInfo {
        self.info.clone()
    }

    fn hours(&self, date: &str) -> Result<DayHours, Error> {
        self.hours_on(date)
    }

    fn is_open(&self, now: civil::DateTime) -> bool {
        self.is_open_at(now)
    }

    fn services(&self) -> Vec<Service> {
        self.services.clone()
    }

    fn absent(&self) -> Vec<String> {
        self.absent.clone()
    }

    fn doctors(&self) -> Vec<Doctor> {
        self.doctors.clone()
    }

    fn faq(&self) -> &[Entry] {
        &self.faq
    }

    fn has_prompt(&self, name: &str) -> bool {
        self.prompts.iter().any(|prompt| prompt == name)
    }

    fn find(&self, query: &SlotQuery, now: civil::DateTime) -> Result<Vec<Slot>, Error> {
        self.free(query, now)
    }

    fn book(&mut self, slot_id: &str, visitor: Visitor, _now: civil::DateTime) -> Result<Booking, Error> {
        self.take(slot_id, visitor)
    }

    fn reschedule(&mut self, id: &str, slot_id: &str, _now: civil::DateTime) -> Result<Booking, Error> {
        self.move_to(id, slot_id)
    }

    fn cancel(&mut self, id: &str) -> Result<(), Error> {
        self.call_off(id)
    }

    fn mine(&self, phone: &str, now: civil::DateTime) -> Result<Vec<Appointment>, Error> {
        Ok(self.coming(phone, now))
    }

    fn visits(&self) -> &[Appointment] {
        &self.appointments
    }

    fn due(&self, callback: &Callback, now: civil::DateTime) -> Result<civil::DateTime, Error> {
        match &callback.at {
            Some(at) => moment(at),
            None => Ok(now.checked_add(jiff::SignedDuration::from_mins(30)).unwrap_or(now)),
        }
    }

    fn transfer(&mut self, to: &Destination, _now: civil::DateTime) -> Result<TransferOutcome, Error> {
        self.known(to)?;
        Ok(if self.people.contains(to) { TransferOutcome::Connected } else { TransferOutcome::Nobody })
    }

    fn queue(&self, to: &Destination, _now: civil::DateTime) -> Result<QueueState, Error> {
        self.known(to)?;
        Ok(QueueState { open: self.people.contains(to), waiting: 0, expected_wait_s: 0 })
    }

    fn check_category(&self, category: &str) -> Result<(), Error> {
        if self.categories.is_empty() || self.categories.iter().any(|known| known == category) {
            return Ok(());
        }
        let known = self.categories.join(", ");
        Err(Error::other("unknown-category", format!("no category `{category}`; known: {known}")))
    }
}
