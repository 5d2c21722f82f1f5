//! What people reply to a reminder: yes sets the visit, no brings somebody who offers another time, the rest is read by a
//! person.

use desk::{OnNo, PhoneNumber};
use records::{Answer, Change, Channel, ContactKind, Message, NewContact, Pii, RecordsError, Status};

use crate::context::Outreach;
use crate::{Result, list};

/// A reply that came in.
#[derive(Debug, Clone)]
pub struct Reply<'a> {
    /// Clinic id.
    pub clinic: &'a str,
    /// By which way.
    pub channel: Channel,
    /// Who: number, address, or id of the messenger.
    pub from: &'a Pii,
    /// What they wrote, or said to the robot.
    pub text: &'a Pii,
    /// The gateway's id of the message they reply to, where it tells.
    pub to: Option<&'a str>,
}

/// What was made of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// They come; the visit is confirmed.
    Confirmed {
        /// Which visit.
        visit: String,
    },
    /// They do not; somebody will offer another time.
    Declined {
        /// Which visit.
        visit: String,
        /// Whether the clinic's rule cancels it at once.
        cancelled: bool,
    },
    /// A person has to read it; it is on the list.
    ForAPerson,
    /// They were not asked anything: it is not ours.
    NotAsked,
}

impl Outreach {
    /// Takes in a reply. `understand` says what words mean. The same reply again changes nothing.
    ///
    /// # Errors
    /// The records cannot be read or written; the reply is to be given again then.
    pub async fn answered(&self, reply: &Reply<'_>, understand: impl Fn(&str) -> Answer) -> Result<Heard> {
        let clinic = self.clinic(reply.clinic)?;
        let now = self.now();
        let now_ms = now.as_millisecond();
        let from = PhoneNumber::parse(reply.from.as_str()).map_or_else(|| reply.from.clone(), Pii::from);
        let open = self.store.open_questions(&clinic.id, &from, now_ms).await?;
        let asked = match reply.to {
            Some(to) => open.iter().find(|message| message.gateway_id.as_deref() == Some(to)),
            None => None,
        };
        let visits = |message: &Message| message.new.about.as_ref().map(|about| about.visit.clone());
        let one_visit = open.iter().all(|message| visits(message) == open.first().and_then(visits));
        let Some(question) = asked.or(open.first()) else { return Ok(Heard::NotAsked) };
        let Some(about) = question.new.about.clone() else { return Ok(Heard::NotAsked) };
        let answer = understand(reply.text.as_str());
        // "Yes" to which of two visits? That a person asks.
        let clear = asked.is_some() || one_visit;
        let change = Change { at_ms: now_ms, by: "client".to_owned(), ..Change::default() };
        match answer {
            Answer::Yes if clear => {
                let settled = self.store.set_booking_status(&about.booking, Status::Confirmed, &change).await;
                match settled {
                    Ok(_) => {
                        self.store.message_answered(&question.new.id, Answer::Yes, now_ms).await?;
                        return Ok(Heard::Confirmed { visit: about.visit });
                    }
                    // The visit changed since: what they said yes to is no more.
                    Err(RecordsError::WrongStatus { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Answer::No if clear => {
                let key = format!("offer/{}/{}", about.visit, about.start_ms);
                self.put_on_the_list(reply, &from, ContactKind::Offer, Some(question), key).await?;
                let cancelled = clinic.reminders.on_no == OnNo::Cancel
                    && self.cancel(clinic, &about.booking, &"клиент ответил «нет»".into(), &change.by).await?;
                self.store.message_answered(&question.new.id, Answer::No, now_ms).await?;
                return Ok(Heard::Declined { visit: about.visit, cancelled });
            }
            Answer::Yes | Answer::No | Answer::Unclear => {}
        }
        let key = format!("reply/{}", question.new.id);
        self.put_on_the_list(reply, &from, ContactKind::Reply, clear.then_some(question), key).await?;
        self.store.message_answered(&question.new.id, Answer::Unclear, now_ms).await?;
        Ok(Heard::ForAPerson)
    }

    async fn put_on_the_list(
        &self,
        reply: &Reply<'_>,
        from: &Pii,
        kind: ContactKind,
        question: Option<&Message>,
        dedup: String,
    ) -> Result<()> {
        let clinic = self.clinic(reply.clinic)?;
        let now = self.now();
        let about = question.and_then(|question| question.new.about.as_ref());
        let booking = match about {
            Some(about) => Some(self.store.booking(&about.booking).await?),
            None => None,
        };
        let (due, deadline) = list::due(clinic, None, now);
        let contact = NewContact {
            id: records::id(),
            clinic: clinic.id.clone(),
            timezone: clinic.timezone.clone(),
            kind,
            phone: booking.as_ref().map_or_else(|| from.clone(), |booking| booking.phone.clone()),
            person: booking.map_or_else(Pii::default, |booking| booking.person),
            reason: reply.text.clone(),
            due_ms: due.as_millisecond(),
            deadline_ms: deadline.as_millisecond(),
            visit: about.map(|about| about.visit.clone()),
            call: None,
            message: question.map(|question| question.new.id.clone()),
            dedup: Some(dedup),
            created_ms: now.as_millisecond(),
        };
        self.store.add_contact(&contact).await?;
        Ok(())
    }
}
