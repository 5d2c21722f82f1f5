//! What happens in the clinic, and what it means for what is said: visits booked, moved, confirmed; messages that failed;
//! people who were called; calls nobody answered. Each event is taken once, in the transaction of what is made of it.

use desk::{Clinic, StepWay};
use jiff::Timestamp;
use records::{
    AboutVisit, AttemptMade, BookingRecord, Channel, ContactKind, ContactResult, FeedEvent, Message, MessageState,
    NewContact, NewMessage, OutreachBatch, RecordsError, Status,
};

use crate::context::{Outreach, Step};
use crate::plan::{Due, Said, VisitNow, plan};
use crate::{OutreachError, Result, list, words};

/// The name under which the feed is read.
pub(crate) const READER: &str = "outreach";
/// Who did it, in histories.
pub(crate) const BY: &str = "outreach";
/// Events taken at a time.
const EVENTS: u32 = 200;
/// Visits looked at at a time.
const VISITS: u32 = 200;

impl Outreach {
    /// Takes in what has happened since it last looked. Returns how many events that were.
    ///
    /// # Errors
    /// The records, or who may be contacted. The event is taken again then.
    pub async fn follow(&self) -> Result<u32> {
        let mut taken = 0;
        loop {
            let after = self.store.feed_read_to(READER).await?;
            let events = self.store.feed(after, None, EVENTS).await?;
            if events.is_empty() {
                return Ok(taken);
            }
            for event in &events {
                let mut batch = match self.clinics.get(&event.clinic) {
                    // What was erased meanwhile means nothing any more.
                    Some(clinic) => gone(self.meaning(clinic, event).await)?.unwrap_or_default(),
                    None => OutreachBatch::default(),
                };
                batch.reader = Some((READER, event.position));
                batch.now_ms = self.now().as_millisecond();
                (self.settings.at)(Step::Decided);
                self.store.outreach(&batch).await?;
                (self.settings.at)(Step::Planned);
                taken += 1;
            }
        }
    }

    /// What is due to be said by now about visits of a clinic. Returns how many visits were looked at.
    ///
    /// # Errors
    /// As [`Outreach::follow`].
    pub async fn remind(&self, clinic: &Clinic) -> Result<u32> {
        let mut looked = 0;
        loop {
            let now_ms = self.now().as_millisecond();
            let visits = self.store.visits_to_remind(&clinic.id, now_ms, VISITS).await?;
            if visits.is_empty() {
                return Ok(looked);
            }
            for visit in &visits {
                let mut batch = OutreachBatch { now_ms, ..OutreachBatch::default() };
                self.about(clinic, visit, &mut batch).await?;
                (self.settings.at)(Step::Decided);
                self.store.outreach(&batch).await?;
                (self.settings.at)(Step::Planned);
                looked += 1;
            }
        }
    }

    /// Looks at every visit that is still to come, as after a change of the clinic's rules.
    ///
    /// # Errors
    /// As [`Outreach::follow`].
    pub async fn replan(&self, clinic: &Clinic) -> Result<()> {
        let now_ms = self.now().as_millisecond();
        for booking in self.store.bookings(&clinic.id, now_ms, i64::MAX).await? {
            let mut batch = OutreachBatch { now_ms, ..OutreachBatch::default() };
            self.about(clinic, &booking.visit, &mut batch).await?;
            self.store.outreach(&batch).await?;
        }
        Ok(())
    }

    /// A call is over: nobody answered it, and its caller is put on the list; or somebody did, and they are taken off it.
    /// For whoever ends calls; where the feed tells of it, it is done already.
    ///
    /// # Errors
    /// The records cannot be read or written.
    pub async fn call_ended(&self, call: &str) -> Result<()> {
        let clinic = match self.store.call(call).await {
            Err(RecordsError::NotFound { .. }) => return Ok(()),
            call => call?.clinic,
        };
        let Some(clinic) = self.clinics.get(&clinic) else { return Ok(()) };
        if let Some(contact) = self.missed(clinic, call).await? {
            self.store.add_contact(&contact).await?;
        }
        Ok(())
    }

    async fn meaning(&self, clinic: &Clinic, event: &FeedEvent) -> Result<OutreachBatch> {
        let mut batch = OutreachBatch::default();
        match event.kind.as_str() {
            kind if kind.starts_with("visit.") => {
                self.about(clinic, &event.subject, &mut batch).await?;
                self.settled_otherwise(clinic, event).await?;
            }
            "message.sent" => self.asked(event).await?,
            "message.failed" => {
                let message = match self.store.message(&event.subject).await {
                    Err(RecordsError::NotFound { .. }) => return Ok(batch),
                    message => message?,
                };
                let key = format!("message/{}", event.subject);
                let contact = about_visit(self, clinic, &message, ContactKind::Message, key, self.now()).await?;
                batch.contacts.extend(contact);
            }
            "request.attempted" | "callback.attempted" if event.data["planned"] == false => {
                self.plan_next(clinic, &event.subject).await?;
            }
            "call.ended" => batch.contacts.extend(self.missed(clinic, &event.subject).await?),
            _ => {}
        }
        Ok(batch)
    }

    /// Puts into the batch what is to be said about a visit now, and when to look again.
    async fn about(&self, clinic: &Clinic, visit: &str, batch: &mut OutreachBatch) -> Result<()> {
        let Some(booking) = gone(self.store.find_visit(visit).await.map_err(Into::into))?.flatten() else {
            batch.wakes.push((visit.to_owned(), clinic.id.clone(), None));
            return Ok(());
        };
        let now = self.now();
        let said: Vec<Said> = self.store.messages_of_visit(visit).await?.iter().filter_map(said).collect();
        let plan = plan(&visit_now(&booking), &said, &clinic.reminders, &clinic.zone, now);
        for due in &plan.due {
            batch.messages.extend(self.message(clinic, &booking, due, now).await?);
        }
        batch.withdraw.extend(plan.withdraw);
        batch.wakes.push((visit.to_owned(), clinic.id.clone(), plan.wake.map(Timestamp::as_millisecond)));
        Ok(())
    }

    /// A step as a message. What cannot be asked in writing a person asks; what only tells is left out then.
    async fn message(
        &self,
        clinic: &Clinic,
        booking: &BookingRecord,
        due: &Due<'_>,
        now: Timestamp,
    ) -> Result<Option<NewMessage>> {
        let rules = &clinic.reminders;
        let mut wanted = match due.step.how {
            StepWay::Message => rules.channels.clone(),
            StepWay::Call => vec![Channel::Call],
            StepWay::List => Vec::new(),
        };
        if due.step.how != StepWay::Message || due.step.asks {
            wanted.push(Channel::List);
        }
        let Some(way) = self.ways(clinic, &booking.phone, &wanted).await?.into_iter().next() else { return Ok(None) };
        let (channel, recipient, language) = (way.channel, way.address, way.language.unwrap_or(rules.language));
        let particulars = words::of_visit(clinic, booking, language);
        let text = |name: &str| match channel {
            Channel::Call | Channel::List => String::new(),
            _ => desk::fill(clinic.templates.text(name, channel, language), &particulars),
        };
        let start_ms = booking.start_ms;
        Ok(Some(NewMessage {
            id: records::id(),
            clinic: clinic.id.clone(),
            channel,
            recipient,
            template: due.text.to_owned(),
            title: text("title").into(),
            body: text(due.text).into(),
            language: language.as_str().to_owned(),
            about: Some(AboutVisit { visit: booking.visit.clone(), booking: booking.id.clone(), start_ms }),
            contact: None,
            step: due.step.id.clone(),
            asks: due.step.asks && channel != Channel::List,
            dedup: format!("{}/{}/{start_ms}", booking.visit, due.step.id),
            not_before_ms: now.as_millisecond(),
            not_after_ms: due.not_after.as_millisecond(),
            created_ms: now.as_millisecond(),
        }))
    }

    /// A visit that was just booked, confirmed or cancelled settles entries of the list that are about it.
    async fn settled_otherwise(&self, clinic: &Clinic, event: &FeedEvent) -> Result<()> {
        let Some(booking) = self.store.find_visit(&event.subject).await? else { return Ok(()) };
        let about_it = [ContactKind::Reminder, ContactKind::Message, ContactKind::Offer, ContactKind::Reply];
        let came =
            [ContactKind::Callback, ContactKind::Request, ContactKind::Missed, ContactKind::Night, ContactKind::Chat];
        let (kinds, result): (&[ContactKind], _) = match event.kind.as_str() {
            "visit.booked" => (&came, ContactResult::Booked),
            "visit.confirmed" | "visit.moved" | "visit.arrived" => (&about_it, ContactResult::Booked),
            "visit.cancelled" => (&[ContactKind::Reminder, ContactKind::Message], ContactResult::Refused),
            _ => return Ok(()),
        };
        for contact in self.store.contacts(&clinic.id).await? {
            let ours = if event.kind == "visit.booked" {
                contact.phone == booking.phone && contact.created_ms <= event.at_ms
            } else {
                contact.visit.as_deref() == Some(event.subject.as_str())
            };
            if !ours || !kinds.contains(&contact.kind) {
                continue;
            }
            let made = AttemptMade {
                result,
                visit: (event.kind == "visit.booked").then(|| event.subject.clone()),
                lost_reason: None,
                call: None,
                // Whoever works on it is the one who has just booked.
                by: contact.claimed_by.clone().unwrap_or_else(|| BY.to_owned()),
                next_ms: None,
                at_ms: event.at_ms.max(contact.created_ms),
            };
            match self.store.contact_attempt(&contact.id, &made).await {
                Ok(_) | Err(RecordsError::Claimed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A question went out: the visit was reminded of.
    async fn asked(&self, event: &FeedEvent) -> Result<()> {
        let (Some(booking), true) = (event.data["booking"].as_str(), event.data["asks"] == true) else { return Ok(()) };
        let change = records::Change { at_ms: event.at_ms, by: BY.to_owned(), ..records::Change::default() };
        match self.store.set_booking_status(booking, Status::Reminded, &change).await {
            // It was confirmed, moved or cancelled meanwhile.
            Ok(_) | Err(RecordsError::WrongStatus { .. } | RecordsError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// An incoming call that nobody answered, or whose caller rang again and was.
    async fn missed(&self, clinic: &Clinic, call: &str) -> Result<Option<NewContact>> {
        let call = match self.store.call(call).await {
            Err(RecordsError::NotFound { .. }) => return Ok(None),
            call => call?,
        };
        let Some(phone) = call.caller.clone().filter(|phone| desk::PhoneNumber::parse(phone.as_str()).is_some()) else {
            return Ok(None);
        };
        if call.source != records::Source::Live || call.direction != records::Direction::Incoming {
            return Ok(None);
        }
        let talked = call.agent.as_deref().is_some_and(|agent| agent != "robot") && call.answered_ms.is_some();
        if talked {
            let made = AttemptMade {
                result: ContactResult::Reached,
                visit: None,
                lost_reason: None,
                call: Some(call.id.clone()),
                by: BY.to_owned(),
                next_ms: None,
                at_ms: call.ended_ms.unwrap_or(call.started_ms),
            };
            let kinds = [ContactKind::Missed, ContactKind::Night, ContactKind::Callback];
            let earlier: Vec<_> = self.store.contacts(&clinic.id).await?;
            for contact in earlier.iter().filter(|contact| {
                contact.phone == phone && kinds.contains(&contact.kind) && contact.created_ms < call.started_ms
            }) {
                match self.store.contact_attempt(&contact.id, &made).await {
                    Ok(_) | Err(RecordsError::Claimed { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            return Ok(None);
        }
        if call.answered_ms.is_some() {
            return Ok(None);
        }
        let started = Timestamp::from_millisecond(call.started_ms).unwrap_or_default();
        let kind = if clinic.is_open(started) { ContactKind::Missed } else { ContactKind::Night };
        let now = self.now();
        let (due, deadline) = list::due(clinic, None, now);
        Ok(Some(NewContact {
            id: records::id(),
            clinic: clinic.id.clone(),
            timezone: clinic.timezone.clone(),
            kind,
            phone,
            person: "".into(),
            reason: "".into(),
            due_ms: due.as_millisecond(),
            deadline_ms: deadline.as_millisecond(),
            visit: None,
            dedup: Some(format!("call/{}", call.id)),
            call: Some(call.id),
            message: None,
            created_ms: now.as_millisecond(),
        }))
    }
}

/// Somebody is to be called about the visit of a message; none when it is no longer to come.
pub(crate) async fn about_visit(
    outreach: &Outreach,
    clinic: &Clinic,
    message: &Message,
    kind: ContactKind,
    dedup: String,
    now: Timestamp,
) -> Result<Option<NewContact>> {
    let Some(about) = &message.new.about else { return Ok(None) };
    let Some(booking) = outreach.store.find_visit(&about.visit).await? else { return Ok(None) };
    let coming = booking.id == about.booking
        && booking.start_ms == about.start_ms
        && booking.start_ms > now.as_millisecond()
        && booking.status.is_ahead();
    // Whoever has confirmed knows of the visit.
    if !coming || booking.status == Status::Confirmed {
        return Ok(None);
    }
    let (due, deadline) = list::due(clinic, None, now);
    Ok(Some(NewContact {
        id: records::id(),
        clinic: clinic.id.clone(),
        timezone: clinic.timezone.clone(),
        kind,
        phone: booking.phone,
        person: booking.person,
        reason: "".into(),
        due_ms: due.as_millisecond(),
        deadline_ms: deadline.as_millisecond(),
        visit: Some(about.visit.clone()),
        call: None,
        message: Some(message.new.id.clone()),
        dedup: Some(dedup),
        created_ms: now.as_millisecond(),
    }))
}

/// None for what is not there (any more).
pub(crate) fn gone<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(OutreachError::Records(RecordsError::NotFound { .. })) => Ok(None),
        other => other.map(Some),
    }
}

fn visit_now(booking: &BookingRecord) -> VisitNow {
    VisitNow {
        status: booking.status,
        start: Timestamp::from_millisecond(booking.start_ms).unwrap_or_default(),
        agreed: Timestamp::from_millisecond(booking.created_ms).unwrap_or_default(),
        moved: booking.id != booking.visit,
    }
}

fn said(message: &Message) -> Option<Said> {
    let about = message.new.about.as_ref()?;
    Some(Said {
        id: message.new.id.clone(),
        step: message.new.step.clone(),
        start: Timestamp::from_millisecond(about.start_ms).ok()?,
        // What is being sent just now cannot be taken back.
        state: if message.state == MessageState::Sending { MessageState::Sent } else { message.state },
        answer: message.answer,
    })
}
