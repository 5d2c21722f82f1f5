//! What people and robots do with visits once they are booked, and who comes from a number.

use jiff::Timestamp;
use records::{KnownVisitor, RecordsError, Status};
use serde::{Deserialize, Serialize};

use crate::booking::{Appointment, Booking, Desk, Hand, Why, closed};
use crate::error::DeskError;
use crate::phone::PhoneNumber;

/// Something done to a visit. In JSON `{"action": "cancel", "reason_code": "too-expensive"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum VisitAction {
    /// The visitor was reminded.
    Remind,
    /// They said they will come.
    Confirm,
    /// They are here. A person may say so even of somebody who was given up.
    Arrive,
    /// The visit took place.
    Done,
    /// They did not come.
    NoShow {
        /// A word of the clinic's list.
        #[serde(default)]
        reason_code: Option<String>,
        /// In anybody's own words.
        #[serde(default)]
        reason: String,
    },
    /// Called off.
    Cancel {
        /// A word of the clinic's list.
        #[serde(default)]
        reason_code: Option<String>,
        /// In anybody's own words.
        #[serde(default)]
        reason: String,
    },
    /// Another time.
    Move {
        /// Id of a free slot.
        slot: String,
        /// A word of the clinic's list.
        #[serde(default)]
        reason_code: Option<String>,
        /// In anybody's own words.
        #[serde(default)]
        reason: String,
    },
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Acted {
    /// Done; the visit as it is now. A move gives it a new booking.
    Done(Box<Appointment>),
    /// The time it was to move to is taken; nothing changed.
    Taken,
}

/// Who is known under a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Family {
    /// No visit from this number has taken place yet.
    pub first_time: bool,
    /// Animals with who brings them, or people; whoever is booked or came last first.
    pub visitors: Vec<KnownVisitor>,
    /// Visits to come.
    pub ahead: Vec<Appointment>,
}

impl Desk {
    /// Does something to a visit; `booking` is the id of its appointment. What is so already stays so and is no error.
    ///
    /// # Errors
    /// [`DeskError::UnknownAppointment`]; [`DeskError::Closed`] for what cannot follow its status;
    /// [`DeskError::TimeGiven`]; [`DeskError::UnknownReason`]; those of [`Desk::move_by`] and [`Desk::cancel_by`].
    pub async fn act(&self, booking: &str, action: &VisitAction, hand: Hand<'_>) -> Result<Acted, DeskError> {
        let why = |code: &Option<String>, words: &String| Why { code: code.clone(), words: words.as_str().into() };
        let visit = match action {
            VisitAction::Remind => self.reminded(booking, hand).await?,
            VisitAction::Confirm => self.confirm(booking, hand).await?,
            VisitAction::Arrive => self.arrived(booking, hand).await?,
            VisitAction::Done => self.done(booking, hand).await?,
            VisitAction::NoShow { reason_code, reason } => {
                self.no_show(booking, &why(reason_code, reason), hand).await?
            }
            VisitAction::Cancel { reason_code, reason } => {
                self.cancel_by(booking, &why(reason_code, reason), hand).await?
            }
            VisitAction::Move { slot, reason_code, reason } => {
                match self.move_by(booking, slot, &why(reason_code, reason), hand).await? {
                    Booking::Booked(visit) => return Ok(Acted::Done(visit)),
                    Booking::Taken => return Ok(Acted::Taken),
                }
            }
        };
        Ok(Acted::Done(Box::new(visit)))
    }

    /// The visitor was reminded. Of a visit that was confirmed before, it changes nothing.
    ///
    /// # Errors
    /// Those of [`Desk::act`].
    pub async fn reminded(&self, booking: &str, hand: Hand<'_>) -> Result<Appointment, DeskError> {
        let there = self.own(booking).await?;
        if there.status == Status::Confirmed {
            return self.known_appointment(there);
        }
        self.set(booking, Status::Reminded, &Why::default(), hand).await
    }

    /// The visitor said they will come.
    ///
    /// # Errors
    /// Those of [`Desk::act`].
    pub async fn confirm(&self, booking: &str, hand: Hand<'_>) -> Result<Appointment, DeskError> {
        self.set(booking, Status::Confirmed, &Why::default(), hand).await
    }

    /// The visitor is here.
    ///
    /// # Errors
    /// Those of [`Desk::act`].
    pub async fn arrived(&self, booking: &str, hand: Hand<'_>) -> Result<Appointment, DeskError> {
        self.set(booking, Status::Arrived, &Why::default(), hand).await
    }

    /// The visit took place.
    ///
    /// # Errors
    /// Those of [`Desk::act`].
    pub async fn done(&self, booking: &str, hand: Hand<'_>) -> Result<Appointment, DeskError> {
        self.set(booking, Status::Done, &Why::default(), hand).await
    }

    /// The visitor did not come.
    ///
    /// # Errors
    /// Those of [`Desk::act`].
    pub async fn no_show(&self, booking: &str, why: &Why, hand: Hand<'_>) -> Result<Appointment, DeskError> {
        self.check_why(why)?;
        self.set(booking, Status::NoShow, why, hand).await
    }

    async fn set(&self, booking: &str, status: Status, why: &Why, hand: Hand<'_>) -> Result<Appointment, DeskError> {
        self.own(booking).await?;
        match self.store.set_booking_status(booking, status, &hand.change(why)).await {
            Ok(record) => self.known_appointment(record),
            Err(RecordsError::TimeGiven { id }) => Err(DeskError::TimeGiven { id }),
            Err(error) => Err(closed(error, booking)),
        }
    }

    /// One appointment of this clinic.
    ///
    /// # Errors
    /// [`DeskError::UnknownAppointment`].
    pub async fn visit(&self, booking: &str) -> Result<Appointment, DeskError> {
        self.known_appointment(self.own(booking).await?)
    }

    /// Everybody known under a number in any spelling, from the bookings there are.
    ///
    /// # Errors
    /// [`DeskError::BadPhone`], [`DeskError::Records`].
    pub async fn family(&self, phone: &str, now: Timestamp) -> Result<Family, DeskError> {
        let number = PhoneNumber::parse(phone).ok_or(DeskError::BadPhone)?;
        let visitors = self.store.known_visitors(&self.clinic.id, number.as_str(), now.as_millisecond()).await?;
        let first_time = self.store.visits_from(&self.clinic.id, number.as_str()).await? == 0;
        Ok(Family { first_time, visitors, ahead: self.mine(phone, now).await? })
    }
}
