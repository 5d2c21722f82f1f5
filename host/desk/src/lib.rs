//! The clinic's business: what its file says, which times are free, bookings and call-backs.
//!
//! Layout: [`Clinic`] is the clinic file (`clinics/*.toml`) parsed and checked, every mistake reported at once; [`free_slots`]
//! is the schedule as a pure function; [`Desk`] joins both with the records.
//!
//! Invariants:
//! - The clock is an argument: every function that needs "now" takes it.
//! - A booking is committed before it is returned, and two callers never get one time.
//! - Whatever a flow sends is checked again here: a slot id is a wish, not a permission.
//! - Times are instants with the clinic's zone ([`jiff`]), money is whole minor units ([`Money`]).
//!
//! ```
//! use desk::Clinic;
//!
//! let text = r#"
//! id = "vet_lapa"
//! name = "ветклиника «Лапа»"
//! kind = "veterinary"
//! timezone = "Europe/Moscow"
//! services = ["терапия", "УЗИ"]
//! "#;
//! let clinic = Clinic::parse(text, "vet_lapa.toml").unwrap();
//! assert_eq!(clinic.services[1].id, "uzi");
//! assert_eq!(clinic.doctors[0].name, "Дежурный врач");
//! ```

mod booking;
mod calendar;
mod callbacks;
mod canned;
mod clinic;
mod error;
pub mod fhir;
mod file;
mod hours;
pub mod ical;
mod money;
mod outreach;
mod owner;
mod phone;
mod planned;
mod retry;
mod russian;
mod search;
mod slots;
mod species;
mod visits;
mod wording;

pub use booking::{Appointment, Booking, Desk, Hand, Visitor, Why};
pub use callbacks::{CallbackRequest, Promise, callback_due};
pub use canned::{Canned, CannedValues};
pub use clinic::{
    Branch, Clinic, Doctor, Exception, FaqEntry, FlowRules, Holiday, Kind, LostReason, Plan, Privacy, Resource,
    RollbackRules, Service,
};
pub use error::{ClinicErrors, DeskError, Mistake};
pub use file::id_from;
pub use hours::{DayHours, Minute, Span, WeeklyHours};
pub use money::{Currency, Money};
pub use outreach::{OnNo, ReminderStep, Reminders, RequestRules, StepTime, StepWay};
pub use owner::{
    Answer, Granted, Held, HttpOwner, Owner, OwnerError, OwnerSettings, OwnerSlot, OwnerVisitor, SETTLE_AFTER_MS,
    Settled, Wanted, Wish,
};
pub use phone::PhoneNumber;
pub use planned::PlannedError;
pub use records::{KnownVisitor, Pii, ROBOT, Status};
pub use retry::{Attempt, RetryPlan, Step};
pub use slots::{Slot, SlotQuery, free_slots};
pub use species::species_of;
pub use visits::{Acted, Family, VisitAction};
pub use wording::{Language, PARTICULARS, TEXTS, Wording, fill};
