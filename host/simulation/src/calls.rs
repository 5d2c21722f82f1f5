//! Calls: who answers, what is said, what comes of it.

use desk::{Booking, Hand, SlotQuery, Why};
use jiff::ToSpan as _;
use records::{CallEnd, CallRecord, Outcome, Pii, Tag, Turn, Who};

use crate::Result;
use crate::phrases::{TOPICS, Topic, Voice};
use crate::world::{STAFF, World};

impl World {
    pub(crate) async fn call(&mut self) -> Result<()> {
        self.report.calls += 1;
        let person = self.somebody();
        let now_ms = self.clock.true_ms();
        let open = self.month.clinic.is_open(self.clock.shown());
        let id = records::id();
        let clinic = &self.month.clinic;
        let mut record = CallRecord::live(id.clone(), &clinic.id, &clinic.timezone, now_ms);
        record.caller = Some(self.people[person].phone.clone());
        record.line = Some("main".to_owned());
        if self.dice.percent(if open { 7 } else { 45 }) {
            return self.nobody_answers(&record).await;
        }
        let wait_ms = self.dice.between(2_000, 25_000);
        let robot = !open || self.dice.percent(40);
        let agent = if robot { "robot" } else { self.dice.one(&STAFF).copied().unwrap_or("robot") };
        record.answered_ms = Some(now_ms + wait_ms);
        record.queue_wait_ms = Some(wait_ms);
        record.agent = Some(agent.to_owned());
        self.store.start_call(&record).await?;

        let weighed: Vec<(u32, &Topic)> = TOPICS.iter().map(|topic| (topic.weight, topic)).collect();
        let Some(topic) = self.dice.weighed(&weighed).copied() else { return Ok(()) };
        let talked_ms = self.say(&id, topic).await?;
        let outcome = self.comes_of(topic, person, &id, agent).await?;
        let end = CallEnd {
            ended_ms: now_ms + wait_ms + talked_ms,
            outcome: Some(outcome),
            end_reason: Some("caller-hung-up".to_owned()),
            acw_ms: (!robot).then(|| self.dice.between(5_000, 60_000)),
            ..CallEnd::default()
        };
        self.store.end_call(&id, &end).await?;
        let confidence = 0.55 + self.dice.share() * 0.44;
        let tag = Tag {
            call: id,
            category: topic.category.to_owned(),
            confidence,
            evidence: serde_json::json!([]),
            taxonomy_version: "1".to_owned(),
            model_version: "simulation".to_owned(),
            review: confidence < 0.65,
            by: "classifier".to_owned(),
            at_ms: end.ended_ms,
        };
        self.store.add_tag(&tag).await?;
        Ok(())
    }

    async fn nobody_answers(&mut self, record: &CallRecord) -> Result<()> {
        self.report.lost_calls += 1;
        self.store.start_call(record).await?;
        let waited_ms = self.dice.between(6_000, 180_000);
        let end = CallEnd {
            ended_ms: record.started_ms + waited_ms,
            end_reason: Some("caller-hung-up".to_owned()),
            queue_wait_ms: Some(waited_ms),
            ..CallEnd::default()
        };
        Ok(self.store.end_call(&record.id, &end).await?)
    }

    /// Returns how long it took.
    async fn say(&mut self, call: &str, topic: &Topic) -> Result<i64> {
        let talk = self.dice.one(topic.talks).copied().unwrap_or_default();
        let mut at_ms = 500;
        for (seq, text) in talk.iter().enumerate() {
            let voice = if seq % 2 == 0 { Voice::Caller } else { Voice::Agent };
            // Fifteen letters a second, and a pause.
            let long_ms = text.chars().count() as i64 * 66;
            let turn = Turn {
                call: call.to_owned(),
                seq: seq as i64,
                who: if voice == Voice::Caller { Who::Caller } else { Who::Agent },
                text: Pii::from(*text),
                start_ms: at_ms,
                end_ms: at_ms + long_ms,
                confidence: (voice == Voice::Caller).then(|| 0.7 + self.dice.share() * 0.3),
                latency_ms: None,
            };
            self.store.add_turn(turn).await?;
            at_ms += long_ms + self.dice.between(400, 2_500);
        }
        Ok(at_ms + self.dice.between(2_000, 60_000))
    }

    async fn comes_of(&mut self, topic: &Topic, person: usize, call: &str, agent: &str) -> Result<Outcome> {
        let by = (agent != "robot").then_some(agent);
        match topic.category {
            "target" => {
                // So many of the calls that may lead to a visit have to, for the month to have its visits.
                let wanted = f64::from(self.month.visits) - f64::from(self.month.requests) * 0.4;
                let share = wanted / (f64::from(self.month.calls.max(1)) * 0.56 * 0.88);
                if self.dice.share() < share && self.book(person, Some(call), by).await?.is_some() {
                    return Ok(Outcome::Booked);
                }
                Ok(Outcome::Answered)
            }
            "reschedule" => self.reschedule(call, agent).await,
            "doctor" | "inpatient" => Ok(Outcome::Transferred),
            "not_our_service" => Ok(Outcome::NotOffered),
            "no_topic" | "advertising" => Ok(Outcome::Nothing),
            _ => Ok(Outcome::Answered),
        }
    }

    async fn reschedule(&mut self, call: &str, agent: &str) -> Result<Outcome> {
        let Some(booking) = self.somebodys_visit().await? else { return Ok(Outcome::Answered) };
        let now = self.clock.shown();
        let hand = Hand { by: agent, call: Some(call), now };
        if self.dice.percent(60) {
            let date_from = self.month.clinic.local(now).date().checked_add(self.dice.between(1, 8).days()).ok();
            let query =
                SlotQuery { service: Some(booking.service.clone()), date_from, limit: 8, ..SlotQuery::default() };
            let slots = self.desk.find(&query, now).await?;
            let Some(slot) = self.dice.one(&slots) else { return Ok(Outcome::Answered) };
            return match self.desk.move_by(&booking.id, &slot.id, &Why::default(), hand).await {
                Ok(Booking::Booked(visit)) => {
                    self.visits.push(visit.visit.clone());
                    self.comes_at(&visit);
                    Ok(Outcome::Moved)
                }
                Ok(Booking::Taken) => {
                    self.report.taken += 1;
                    Ok(Outcome::Answered)
                }
                Err(error) => self.unless_settled(Err(error)).map(|()| Outcome::Answered),
            };
        }
        if self.dice.percent(60) {
            let reasons: Vec<String> =
                self.month.clinic.lost_reasons.iter().map(|reason| reason.code.clone()).collect();
            let why = Why { code: self.dice.one(&reasons).cloned(), words: "не сможем".into() };
            let done = self.desk.cancel_by(&booking.id, &why, hand).await;
            self.unless_settled(done.map(|_| ()))?;
            return Ok(Outcome::Cancelled);
        }
        Ok(Outcome::Answered)
    }
}
