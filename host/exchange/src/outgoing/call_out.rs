//! One call to somebody: dialled, listened to, and held by a flow.

use std::time::Duration;

use flows::host::voice::Channel;
use jiff::Zoned;
use queue::NotReached;
use records::{Direction, Entry};
use session::trace::Tracer;
use session::{Held, Leg, Setup};

use super::greeting::{Answerer, Listening};
use crate::config::VoicemailWay;
use crate::dial::To;
use crate::{Exchange, House, reception};

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct CallOut {
    /// Whose call it is.
    pub clinic: String,
    /// Whom to call: E.164, or as the trunk dials it.
    pub number: String,
    /// Which of the clinic's flows speaks.
    pub entry: Entry,
}

impl Exchange {
    /// Places a call and lets the clinic's flow speak to whoever answers. Returns when the call is over.
    ///
    /// # Errors
    /// How nobody was reached.
    pub async fn call_out(&self, out: &CallOut) -> Result<Held, NotReached> {
        let Some(house) = self.inner.houses.get(&out.clinic) else { return Err(NotReached::Refused) };
        let Ok(place) = self.enter() else { return Err(NotReached::Refused) };
        let leg = self.reach(&house, &out.number).await?;
        let started = Zoned::now().with_time_zone(house.clinic.zone.clone());
        let mut setup = Setup::new(Channel::Phone, started);
        setup.direction = Direction::Outgoing;
        setup.entry = out.entry;
        setup.caller = desk::PhoneNumber::parse(&out.number).map(|number| number.as_str().to_owned());
        setup.line.clone_from(&house.clinic.phone);
        setup.recording = reception::recording_path(self.inner.recordings.as_deref(), &house.clinic, &setup.id);
        let trunk = self.inner.lines.outgoing.as_ref().map(|outgoing| outgoing.trunk.clone());
        self.hold_as(&house, setup, leg.door, trunk, place, Tracer::none()).await.ok_or(NotReached::Refused)
    }

    /// Dials somebody and finds out who answers.
    pub(crate) async fn reach(&self, house: &House, number: &str) -> Result<Leg, NotReached> {
        let Some(dialler) = &self.inner.dialler else { return Err(NotReached::Refused) };
        let outgoing = self.inner.lines.outgoing.as_ref();
        let ring = Duration::from_secs(u64::from(outgoing.map_or(30, |outgoing| outgoing.ring_s)));
        let to = To::Number {
            number: number.to_owned(),
            trunk: outgoing.map(|outgoing| outgoing.trunk.clone()),
            clinic: house.clinic.id.clone(),
        };
        let door = dialler.dial(to, None, ring).await.map_err(|unreached| unreached.why)?;
        let speak = outgoing.is_some_and(|outgoing| outgoing.voicemail == VoicemailWay::Speak);
        let (listening, heard) = Listening::new(Leg::new(door, None), speak);
        house.hearing.pacer.add(Box::new(listening));
        match heard.await {
            Ok((leg, Some(Answerer::Person))) => Ok(leg),
            Ok((leg, Some(Answerer::Machine | Answerer::Beep))) if speak => Ok(leg),
            Ok((_, Some(_))) => Err(NotReached::Voicemail),
            // They hung up on silence.
            Ok((_, None)) | Err(_) => Err(NotReached::NoAnswer),
        }
    }
}
