//! Where events meet: an agenda in virtual time, the program between its entries, and people's answers to what it does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use desk::{Appointment, Booking, Desk, Hand, SlotQuery, Visitor, Why};
use jiff::ToSpan as _;
use outreach::answers::{Heard, Reply};
use outreach::list::Outcome;
use outreach::requests::{Arrival, Intake};
use outreach::send::{Recovery, RobotCalls, Sender};
use outreach::{Outreach, Settings};
use records::{Answer, Channel, Contact, ContactKind, ContactResult, Pii, Status, Store};
use serde_json::json;
use understanding::yes_no::{self, YesNo};

use crate::clock::Clock;
use crate::crm::Crm;
use crate::dice::Dice;
use crate::faults::cut;
use crate::gateway::{Beyond, Gateway, Robot};
use crate::people::{Person, people};
use crate::{Month, Report, Result, SimulationError, check, day, phrases};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// After the last day the desk has so long to come to an end: the plan of attempts ends after a week.
const AFTERMATH: i64 = 21 * DAY;
/// The desk looks at its list so often.
const DESK: i64 = 10 * MINUTE;
/// The program looks no more often than this, unless something happens.
const LOOK: i64 = MINUTE;
/// Who works there.
pub(crate) const STAFF: [&str; 3] = ["Анна", "Вера", "Олег"];

/// What is going to happen.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Call,
    Request,
    /// Somebody writes on the site.
    Write,
    /// A person answers them.
    Answer {
        thread: String,
    },
    /// It was the last word.
    Close {
        thread: String,
    },
    /// The desk works on its list.
    Desk,
    /// Somebody is expected.
    Come {
        visit: String,
        start_ms: i64,
    },
    Leave {
        booking: String,
    },
    GiveUp {
        visit: String,
        start_ms: i64,
    },
    /// Somebody answers a message, so many times.
    Reply {
        message: String,
        text: &'static str,
        times: u32,
    },
    /// The robot's call rings.
    Rings {
        message: String,
    },
    SetClock {
        off_ms: i64,
    },
    /// Somebody changes something in the CRM.
    InTheCrm,
}

pub(crate) struct World {
    pub(crate) month: Month,
    place: PathBuf,
    pub(crate) store: Store,
    pub(crate) desk: Desk,
    outreach: Outreach,
    pub(crate) beyond: Beyond,
    pub(crate) crm: Crm,
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    pub(crate) people: Vec<Person>,
    by_number: BTreeMap<String, usize>,
    agenda: BTreeMap<(i64, u64), Event>,
    count: u64,
    until_ms: i64,
    pub(crate) booked: u32,
    /// Visits that were booked or moved; some are over.
    pub(crate) visits: Vec<String>,
    pub(crate) report: Report,
}

impl World {
    pub(crate) async fn new(place: &Path, month: &Month) -> Result<Self> {
        let clinic = &month.clinic;
        let mut dice = Dice::new(month.seed);
        let first =
            clinic.zone.to_timestamp(month.from.at(0, 0, 0, 0)).map_err(|_| SimulationError::Calendar(month.from))?;
        let from_ms = first.as_millisecond();
        let last = month.from.checked_add(i64::from(month.days).days());
        let last = last.map_err(|_| SimulationError::Calendar(month.from))?;
        let until = clinic.zone.to_timestamp(last.at(0, 0, 0, 0)).map_err(|_| SimulationError::Calendar(month.from))?;
        let until_ms = until.as_millisecond();

        let animals = clinic.kind == desk::Kind::Veterinary;
        let people = people((month.calls / 2).max(20) as usize, animals, &mut dice);
        let by_number = people.iter().enumerate().map(|(at, person)| (person.phone.as_str().to_owned(), at)).collect();
        let clock = Clock::at(from_ms);
        let mut down = || -> Vec<(i64, i64)> {
            let away = (0..3).map(|_| {
                let from = dice.between(from_ms, until_ms);
                (from, from + dice.between(HOUR / 2, 5 * HOUR))
            });
            away.collect()
        };
        let (down, crm_down) = (down(), if month.faults { down() } else { Vec::new() });
        let beyond = Beyond::new(clock.clone(), month.faults, down, Dice::new(month.seed ^ 0xfa17));
        for person in &people {
            beyond.knows(&person.phone, &person.ways);
        }

        let store = Store::open_unsynced(place).await?;
        let desk = Desk::new(Arc::clone(clinic), store.clone());
        let outreach = program(&store, month, &beyond, &clock);
        let crm = Crm::new(month, &store, crm_down, from_ms).await?;
        let mut world = Self {
            month: month.clone(),
            place: place.to_owned(),
            store,
            desk,
            outreach,
            beyond,
            crm,
            clock,
            dice,
            people,
            by_number,
            agenda: BTreeMap::new(),
            count: 0,
            until_ms,
            booked: 0,
            visits: Vec::new(),
            report: Report::default(),
        };
        world.fill_agenda(from_ms)?;
        Ok(world)
    }

    fn fill_agenda(&mut self, from_ms: i64) -> Result<()> {
        let month = self.month.clone();
        let in_the_crm = if month.crm { month.visits / 5 } else { 0 };
        for (count, event) in [
            (month.calls, Event::Call),
            (month.requests, Event::Request),
            (in_the_crm, Event::InTheCrm),
            (month.chats, Event::Write),
        ] {
            for at in day::moments(&month.clinic, month.from, month.days, count, &mut self.dice)? {
                self.at(at, event.clone());
            }
        }
        self.at(from_ms + DESK, Event::Desk);
        if month.faults {
            for _ in 0..4 {
                let at = self.dice.between(from_ms, self.until_ms);
                let off_ms = self.dice.between(-3 * MINUTE, 3 * MINUTE);
                self.at(at, Event::SetClock { off_ms });
                let back = at + self.dice.between(MINUTE, 2 * HOUR);
                self.at(back, Event::SetClock { off_ms: 0 });
            }
        }
        Ok(())
    }

    pub(crate) fn at(&mut self, at_ms: i64, event: Event) {
        self.count += 1;
        self.agenda.insert((at_ms, self.count), event);
    }

    pub(crate) async fn run(mut self, mut progress: impl FnMut(u16, u16)) -> Result<Report> {
        let began_ms = self.clock.true_ms();
        // In a full clinic the last times that are free lie at the end of its horizon.
        let end_ms = self.until_ms + i64::from(self.month.clinic.horizon_days) * DAY + AFTERMATH;
        loop {
            let now_ms = self.clock.true_ms();
            let event_ms = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let wake_ms = self.outreach.next_wake().await?.map(|at| at.max(now_ms + LOOK));
            let crm_ms = self.crm.next_ms - self.clock.shown().as_millisecond() + now_ms;
            let crm_ms = self.month.crm.then(|| crm_ms.max(now_ms + LOOK));
            let Some(next_ms) = [event_ms, wake_ms, crm_ms].into_iter().flatten().min() else { break };
            if let Some(stop) = self.month.stop.filter(|stop| next_ms > stop.as_millisecond()) {
                self.clock.go_to(stop.as_millisecond());
                self.store.close().await;
                return Ok(self.report);
            }
            if next_ms > end_ms || (next_ms > self.until_ms && self.is_over(wake_ms.is_some()).await?) {
                break;
            }
            self.clock.go_to(next_ms);
            while let Some(entry) = self.agenda.first_entry() {
                if entry.key().0 > next_ms {
                    break;
                }
                let event = entry.remove();
                self.happens(event).await?;
            }
            self.work().await?;
            let day = u16::try_from((next_ms.min(self.until_ms) - began_ms) / DAY).unwrap_or(u16::MAX);
            progress(day, self.month.days);
        }
        let (refused, lost) = self.beyond.troubles();
        (self.report.faults.refused, self.report.faults.lost_answers) = (refused, lost);
        self.quiet().await?;
        check::check(&mut self).await?;
        self.store.close().await;
        Ok(self.report)
    }

    /// Nothing will happen any more but that the desk looks at an empty list.
    async fn is_over(&self, awake: bool) -> Result<bool> {
        let waiting = self.agenda.values().any(|event| !matches!(event, Event::Desk));
        Ok(!waiting && !awake && self.outreach.list(&self.month.clinic.id).await?.is_empty() && self.is_equal().await?)
    }

    /// The program does what is due, or dies over it.
    pub(crate) async fn work(&mut self) -> Result<()> {
        if self.month.faults && self.dice.percent(2) {
            let polls = u32::try_from(self.dice.between(0, 80)).unwrap_or(0);
            if let Some(done) = cut(self.outreach.step(), polls).await {
                done?;
            } else {
                self.report.faults.crashes += 1;
                self.restart().await?;
            }
        }
        self.outreach.step().await?;
        for delivered in self.beyond.news() {
            self.reached(&delivered.message).await?;
        }
        self.keep_equal().await
    }

    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.store.close().await;
        self.store = Store::open_unsynced(&self.place).await?;
        self.desk = Desk::new(Arc::clone(&self.month.clinic), self.store.clone());
        self.outreach = program(&self.store, &self.month, &self.beyond, &self.clock);
        self.crm.restart(&self.month, &self.store).await
    }

    async fn happens(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Call => self.call().await,
            Event::Request => self.request().await,
            Event::Write => self.write().await,
            Event::Answer { thread } => self.answer(&thread).await,
            Event::Close { thread } => self.close(&thread).await,
            Event::Desk => self.work_the_list().await,
            Event::Come { visit, start_ms } => self.comes(&visit, start_ms).await,
            Event::Leave { booking } => {
                let done = self.desk.done(&booking, Hand::person(STAFF[0], self.clock.shown())).await;
                self.unless_settled(done.map(|_| ()))
            }
            Event::GiveUp { visit, start_ms } => self.give_up(&visit, start_ms).await,
            Event::Reply { message, text, times } => self.reply(&message, text, times).await,
            Event::Rings { message } => self.rings(&message).await,
            Event::InTheCrm => self.in_the_crm().await,
            Event::SetClock { off_ms } => {
                self.report.faults.clock_steps += 1;
                self.clock.set_off(off_ms);
                Ok(())
            }
        }
    }

    pub(crate) fn somebody(&mut self) -> usize {
        self.dice.place(self.people.len())
    }

    /// Books for somebody, if a visit is left in the month's plan and there is a time.
    pub(crate) async fn book(
        &mut self,
        person: usize,
        call: Option<&str>,
        by: Option<&str>,
    ) -> Result<Option<Appointment>> {
        if self.booked >= self.month.visits {
            return Ok(None);
        }
        let now = self.clock.shown();
        let services: Vec<String> = self
            .month
            .clinic
            .services
            .iter()
            .filter(|service| service.bookable)
            .map(|service| service.id.clone())
            .collect();
        let Some(service) = self.dice.one(&services).cloned() else { return Ok(None) };
        let ahead = self.dice.between(0, 9);
        let date_from = self.month.clinic.local(now).date().checked_add(ahead.days()).ok();
        let query = SlotQuery { service: Some(service), date_from, limit: 12, ..SlotQuery::default() };
        let visitor = self.visitor(person);
        // Somebody may be quicker: the second choice, the third.
        for _ in 0..3 {
            let slots = self.desk.find(&query, now).await?;
            let Some(slot) = self.dice.one(&slots) else { return Ok(None) };
            if self.dice.percent(2) {
                // Two administrators, one time.
                let other = self.somebody();
                let other = self.visitor(other);
                let hand = Hand::person(STAFF[1], now);
                if let Ok(Booking::Booked(visit)) = self.desk.book_by(&slot.id, &other, hand).await {
                    self.expect(&visit);
                }
            }
            let hand = Hand { by: by.unwrap_or(records::ROBOT), call, now };
            match self.desk.book_by(&slot.id, &visitor, hand).await {
                Ok(Booking::Booked(visit)) => {
                    self.expect(&visit);
                    return Ok(Some(*visit));
                }
                Ok(Booking::Taken) | Err(desk::DeskError::NotOffered { .. }) => self.report.taken += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn visitor(&self, person: usize) -> Visitor {
        let person = &self.people[person];
        let (phone, name, animal) = (person.phone.clone(), person.name.clone(), person.animal.clone());
        Visitor { phone, person: name, animal, reason: Pii::from("плановый приём") }
    }

    fn expect(&mut self, visit: &Appointment) {
        self.booked += 1;
        self.visits.push(visit.visit.clone());
        self.comes_at(visit);
    }

    /// A visit has a (new) time.
    pub(crate) fn comes_at(&mut self, visit: &Appointment) {
        self.comes_then(&visit.visit, visit.slot.start_ms());
    }

    /// Somebody was told a time of their visit.
    pub(crate) fn comes_then(&mut self, visit: &str, start_ms: i64) {
        let at = start_ms + self.dice.between(-10 * MINUTE, 10 * MINUTE);
        self.at(at, Event::Come { visit: visit.to_owned(), start_ms });
    }

    async fn comes(&mut self, visit: &str, start_ms: i64) -> Result<()> {
        let booking = self.store.visit(visit).await?;
        if booking.start_ms != start_ms || !waits(booking.status) {
            return Ok(());
        }
        let reliable = self.by_number.get(booking.phone.as_str()).map_or(90, |person| self.people[*person].comes);
        // Who confirmed comes more surely.
        let reliable = if booking.status == Status::Confirmed { reliable.max(95) } else { reliable };
        if !self.dice.percent(reliable) {
            self.at(start_ms + HOUR / 2, Event::GiveUp { visit: visit.to_owned(), start_ms });
            return Ok(());
        }
        let arrived = self.desk.arrived(&booking.id, Hand::person(STAFF[0], self.clock.shown())).await;
        self.at(booking.end_ms, Event::Leave { booking: booking.id });
        self.unless_settled(arrived.map(|_| ()))
    }

    async fn give_up(&mut self, visit: &str, start_ms: i64) -> Result<()> {
        let booking = self.store.visit(visit).await?;
        if booking.start_ms != start_ms || !waits(booking.status) {
            return Ok(());
        }
        let hand = Hand::person(STAFF[0], self.clock.shown());
        let done = self.desk.no_show(&booking.id, &Why::default(), hand).await;
        self.unless_settled(done.map(|_| ()))
    }

    /// Somebody else was there before: no fault.
    pub(crate) fn unless_settled(&self, done: std::result::Result<(), desk::DeskError>) -> Result<()> {
        match done {
            Ok(()) | Err(desk::DeskError::Closed { .. } | desk::DeskError::TimeGiven { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn request(&mut self) -> Result<()> {
        let person = self.somebody();
        let person = self.people[person].clone();
        let text = self.dice.one(phrases::REQUESTS).copied().unwrap_or_default();
        let key = format!("form-{}", self.count);
        self.count += 1;
        let body = json!({ "phone": person.phone.as_str(), "name": person.name.as_str(), "text": text, "key": key });
        let body = body.to_string();
        let arrival =
            Arrival { body: body.as_bytes(), timestamp: None, signature: None, from_address: 0, from_number: None };
        // Impatient people press twice, and networks repeat.
        let times = if self.month.faults && self.dice.percent(12) { 2 } else { 1 };
        self.report.faults.duplicates += times - 1;
        for _ in 0..times {
            let taken = self.outreach.accept(&self.month.clinic.id, &Intake::default(), &arrival).await?;
            if let Err(refused) = taken {
                *self.report.contacts.entry(format!("refused: {refused}")).or_default() += 1;
            }
        }
        Ok(())
    }

    async fn work_the_list(&mut self) -> Result<()> {
        let now_ms = self.clock.true_ms();
        self.at(now_ms + DESK, Event::Desk);
        if !self.month.clinic.is_open(self.clock.shown()) {
            return Ok(());
        }
        let clinic = self.month.clinic.id.clone();
        for who in STAFF {
            let Some(contact) = self.outreach.next_to_call(&clinic, &[], who).await? else { break };
            let outcome = self.talk(&contact, who).await?;
            match self.outreach.attempted(&clinic, &contact.id, &outcome, who).await {
                Ok(_) => {}
                // Their turn with it had lapsed.
                Err(outreach::OutreachError::Records(records::RecordsError::Claimed { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The desk calls somebody.
    async fn talk(&mut self, contact: &Contact, who: &str) -> Result<Outcome> {
        let person = self.by_number.get(contact.phone.as_str()).copied();
        let picks_up = person.map_or(60, |person| self.people[person].picks_up);
        let outcome = |result| Outcome { result, visit: None, reason: None, call: None };
        if !self.dice.percent(picks_up) {
            let result = self.dice.weighed(&[
                (75, ContactResult::NoAnswer),
                (15, ContactResult::Busy),
                (8, ContactResult::Voicemail),
                (2, ContactResult::WrongNumber),
            ]);
            return Ok(outcome(result.copied().unwrap_or(ContactResult::NoAnswer)));
        }
        if contact.kind == ContactKind::Reply {
            return Ok(outcome(ContactResult::Reached));
        }
        let wants = self.dice.percent(if contact.kind == ContactKind::Offer { 50 } else { 65 });
        if contact.kind.inbound() {
            if let Some(person) = person.filter(|_| wants)
                && let Some(visit) = self.book(person, None, Some(who)).await?
            {
                return Ok(Outcome { visit: Some(visit.visit), ..outcome(ContactResult::Booked) });
            }
            if self.dice.percent(50) {
                return Ok(outcome(ContactResult::Reached));
            }
        } else if wants {
            return Ok(outcome(ContactResult::Booked));
        }
        let reasons: Vec<String> = self.month.clinic.lost_reasons.iter().map(|reason| reason.code.clone()).collect();
        let reason = self.dice.one(&reasons).cloned();
        Ok(Outcome { reason, ..outcome(ContactResult::Refused) })
    }

    /// A message reached somebody: will they answer?
    async fn reached(&mut self, message: &str) -> Result<()> {
        let there = self.store.message(message).await?;
        let now_ms = self.clock.true_ms();
        if there.new.channel == Channel::Call {
            self.at(now_ms + 2 * MINUTE, Event::Rings { message: message.to_owned() });
            return Ok(());
        }
        let person = self.by_number.get(there.new.recipient.as_str()).copied();
        if !there.new.asks || !person.is_some_and(|person| self.dice.percent(self.people[person].answers)) {
            return Ok(());
        }
        let kind = self.dice.weighed(&[(85, phrases::YES), (8, phrases::NO), (7, phrases::NEITHER)]);
        let Some(text) = kind.and_then(|texts| self.dice.one(texts)).copied() else { return Ok(()) };
        let times = if self.month.faults && self.dice.percent(5) { 2 } else { 1 };
        self.report.faults.duplicates += times - 1;
        let at = now_ms + self.dice.between(MINUTE, 90 * MINUTE);
        self.at(at, Event::Reply { message: message.to_owned(), text, times });
        Ok(())
    }

    async fn reply(&mut self, message: &str, text: &'static str, times: u32) -> Result<()> {
        let message = self.store.message(message).await?;
        let text = Pii::from(text);
        let reply = Reply {
            clinic: &self.month.clinic.id,
            channel: message.new.channel,
            from: &message.new.recipient,
            text: &text,
            to: message.gateway_id.as_deref(),
        };
        for _ in 0..times {
            let word = match self.outreach.answered(&reply, understand).await? {
                Heard::Confirmed { .. } => "confirmed",
                Heard::Declined { .. } => "declined",
                Heard::ForAPerson => "for a person",
                Heard::NotAsked => "not asked",
            };
            *self.report.replies.entry(word.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// The robot's own reminder call.
    async fn rings(&mut self, message: &str) -> Result<()> {
        let there = self.store.message(message).await?;
        let Some(about) = there.new.about else { return Ok(()) };
        let person = self.by_number.get(there.new.recipient.as_str()).copied();
        let word = if !person.is_some_and(|person| self.dice.percent(self.people[person].picks_up)) {
            "robot not answered"
        } else {
            let hand = Hand::robot(None, self.clock.shown());
            if self.dice.percent(88) {
                let done = self.desk.confirm(&about.booking, hand).await;
                self.unless_settled(done.map(|_| ()))?;
                "told the robot yes"
            } else {
                let done = self.desk.cancel_by(&about.booking, &Why::from("сказали роботу"), hand).await;
                self.unless_settled(done.map(|_| ()))?;
                "told the robot no"
            }
        };
        *self.report.replies.entry(word.to_owned()).or_default() += 1;
        Ok(())
    }

    /// Visits that have not begun, by a look at the last ones.
    pub(crate) async fn somebodys_visit(&mut self) -> Result<Option<records::BookingRecord>> {
        let latest: Vec<String> =
            self.visits.iter().rev().take(60).cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let now_ms = self.clock.true_ms();
        for _ in 0..5 {
            let Some(visit) = self.dice.one(&latest).cloned() else { return Ok(None) };
            let booking = self.store.visit(&visit).await?;
            if waits(booking.status) && booking.start_ms > now_ms + HOUR {
                return Ok(Some(booking));
            }
        }
        Ok(None)
    }
}

/// Still expected.
fn waits(status: Status) -> bool {
    matches!(status, Status::Booked | Status::Reminded | Status::Confirmed)
}

fn understand(text: &str) -> Answer {
    match yes_no::parse(text) {
        YesNo::Yes => Answer::Yes,
        YesNo::No => Answer::No,
        YesNo::Unknown => Answer::Unclear,
    }
}

fn program(store: &Store, month: &Month, beyond: &Beyond, clock: &Clock) -> Outreach {
    let mut senders: BTreeMap<Channel, Arc<dyn Sender>> = BTreeMap::new();
    // One that knows keys, one that can be asked, and the robot.
    for (channel, recovery) in [(Channel::Sms, Recovery::SameKey), (Channel::Messenger, Recovery::Ask)] {
        senders.insert(channel, Arc::new(Gateway { beyond: beyond.clone(), recovery }));
    }
    let robot_clock = clock.clone();
    let now_ms = Box::new(move || robot_clock.shown().as_millisecond());
    senders.insert(Channel::Call, Arc::new(RobotCalls { dialler: Robot(beyond.clone()), now_ms }));
    let shown = clock.clone();
    let settings = Settings {
        senders,
        may_contact: Arc::new(beyond.clone()),
        desks: Vec::new(),
        now: Arc::new(move || shown.shown()),
        at: |_| {},
    };
    Outreach::new(store.clone(), [Arc::clone(&month.clinic)], settings)
}
