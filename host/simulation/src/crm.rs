//! The CRM beside the clinic: people work in it too, its own messages come twice or never, and it is away for hours.

use std::collections::BTreeMap;
use std::sync::Arc;

use connections::bitrix24::{Bridge, Stages};
use connections::stand_in::{Fault, InMemory, Row, Server, TIME_FIELD, clock};
use connections::{Leads, PortalSettings, Secret};
use desk::{Desk, Hand, SlotQuery};
use jiff::{Timestamp, ToSpan as _};
use records::{BookingRecord, CallFilter, LinkKind, Outcome, Status, Store};
use serde_json::{Value, json};

use crate::faults::cut;
use crate::world::World;
use crate::{Month, Result};

/// What the connector is remembered by.
const NAME: &str = "crm";
/// Their clock is not ours.
const SKEW_MS: i64 = 95_000;
/// What no message told is found by asking so often.
const POLL_S: i64 = 600;

/// Both ends of the connection.
pub(crate) struct Crm {
    pub(crate) server: Server,
    bridge: Bridge<InMemory>,
    settings: PortalSettings,
    /// Away from, until.
    down: Vec<(i64, i64)>,
    /// When the program means to look again, by its own clock.
    pub(crate) next_ms: i64,
}

impl Crm {
    pub(crate) async fn new(month: &Month, store: &Store, down: Vec<(i64, i64)>, now_ms: i64) -> Result<Self> {
        let server = Server::at(now_ms + SKEW_MS);
        let settings = settings(&month.clinic.id);
        let bridge = bridge(month, store, &settings, &server).await?;
        Ok(Self { server, bridge, settings, down, next_ms: now_ms })
    }

    /// The program begins anew; the portal is as it was.
    pub(crate) async fn restart(&mut self, month: &Month, store: &Store) -> Result<()> {
        self.bridge = bridge(month, store, &self.settings, &self.server).await?;
        Ok(())
    }
}

/// Visits as they are here.
#[derive(Default)]
struct Ours {
    visits: BTreeMap<String, BookingRecord>,
    /// When each was booked, before it was ever moved.
    first_booked: BTreeMap<String, i64>,
}

impl Crm {
    /// Where the two differ.
    fn compare(&self, ours: &Ours) -> Vec<String> {
        let mut broken = Vec::new();
        let state = self.server.state();
        let mut deals: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for deal in state.deals.values() {
            deals.entry(text(deal, "ORIGIN_ID")).or_default().push(deal);
        }
        for (visit, booking) in &ours.visits {
            let [deal] = deals.get(visit.as_str()).map_or(&[][..], Vec::as_slice) else {
                let count = deals.get(visit.as_str()).map_or(0, Vec::len);
                broken.push(format!("visit {visit} has {count} deals"));
                continue;
            };
            let (stage, stages) = (text(deal, "STAGE_ID"), &self.settings.stages);
            // A stage that is not mapped says nothing.
            if stages.status_of(stage).is_some() && !stages.agree(stage, booking.status) {
                broken.push(format!("visit {visit} is {}, and its deal is in {stage}", booking.status));
            }
            if text(deal, TIME_FIELD) != clock(booking.start_ms) {
                let there = text(deal, TIME_FIELD);
                broken.push(format!("visit {visit} is at {}, and its deal at {there}", clock(booking.start_ms)));
            }
        }
        for visit in deals.keys().filter(|visit| !ours.visits.contains_key(**visit)) {
            broken.push(format!("a deal is of {visit}, which is no visit"));
        }
        let mut booked: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for (visit, booking) in &ours.visits {
            booked.entry(booking.phone.as_str()).or_default().extend(ours.first_booked.get(visit));
        }
        let mut open: BTreeMap<&str, u32> = BTreeMap::new();
        for (id, lead) in &state.leads {
            let phone = lead.get("PHONE").map(first_phone).unwrap_or_default();
            if text(lead, "STATUS_SEMANTIC_ID") == "P" {
                *open.entry(phone).or_default() += 1;
            }
            let made_ms = text(lead, "DATE_CREATE").parse::<Timestamp>().map_or(0, Timestamp::as_millisecond) - SKEW_MS;
            let since = made_ms + SURELY_MS..made_ms + MATTER_MS;
            let has_booked = booked.get(phone).is_some_and(|times| times.iter().any(|at_ms| since.contains(at_ms)));
            if has_booked && text(lead, "STATUS_ID") != "CONVERTED" {
                broken.push(format!("lead {id} is open, though its person has booked since"));
            }
        }
        for count in open.values().filter(|count| **count > 1) {
            broken.push(format!("a person has {count} open leads"));
        }
        broken
    }

    fn tell(&self, report: &mut crate::Crm) {
        let state = self.server.state();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        (report.deals, report.leads) = (number(state.deals.len()), number(state.leads.len()));
        report.put_back = number(state.comments.iter().filter(|comment| comment.text.contains("вернул")).count());
        report.failed = number(state.failed);
    }
}

async fn bridge(month: &Month, store: &Store, settings: &PortalSettings, server: &Server) -> Result<Bridge<InMemory>> {
    let house = Arc::new(Desk::new(Arc::clone(&month.clinic), store.clone()));
    Ok(Bridge::new(store.clone(), settings.clone(), InMemory::new(server.clone()), house).await?)
}

fn settings(clinic: &str) -> PortalSettings {
    let stages = [
        (Status::Booked, "C2:NEW"),
        (Status::Confirmed, "C2:PREPARATION"),
        (Status::Arrived, "C2:EXECUTING"),
        (Status::Done, "C2:WON"),
        (Status::Cancelled, "C2:LOSE"),
        (Status::NoShow, "C2:APOLOGY"),
    ];
    let stages = stages.map(|(status, stage)| (status, stage.to_owned()));
    let also = BTreeMap::from([("C2:UC_CALLED".to_owned(), Status::Confirmed)]);
    let stages = Stages::new(BTreeMap::from(stages), also).expect("invariant: every stage of the list means one thing");
    PortalSettings {
        name: NAME.to_owned(),
        clinic: clinic.to_owned(),
        url: Secret::from("https://crm.example/rest/7/simulated/".to_owned()),
        application_token: None,
        category: 2,
        stages,
        time_field: Some(TIME_FIELD.to_owned()),
        poll_s: POLL_S,
        leads: Leads::All,
        lead_status: "NEW".to_owned(),
        lead_booked: Some("CONVERTED".to_owned()),
        responsible: None,
        timeout_s: 20,
    }
}

/// What goes wrong with the next request of a turn.
const FAULTS: &[(u32, Option<Fault>)] = &[
    (90, None),
    (3, Some(Fault::Limit)),
    (1, Some(Fault::Operation)),
    (3, Some(Fault::LostRequest)),
    (3, Some(Fault::LostAnswer)),
];

/// What somebody does in the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Stage(&'static str),
    /// A time the desk has.
    FreeTime,
    /// A time no desk has.
    Night,
    NoTime,
    /// Another word there than at the desk, in the same second.
    Conflict,
}

const THERE: &[(u32, There)] = &[
    (25, There::Stage("C2:PREPARATION")),
    (10, There::Stage("C2:UC_CALLED")),
    (12, There::Stage("C2:LOSE")),
    (8, There::Stage("C2:UC_OWN")),
    (5, There::Stage("C2:NEW")),
    (20, There::FreeTime),
    (5, There::Night),
    (3, There::NoTime),
    (12, There::Conflict),
];

impl World {
    /// The program compares both systems, or dies over it.
    pub(crate) async fn keep_equal(&mut self) -> Result<()> {
        if !self.month.crm {
            return Ok(());
        }
        let true_ms = self.clock.true_ms();
        {
            let mut state = self.crm.server.state();
            state.now_ms = true_ms + SKEW_MS;
            state.down = self.crm.down.iter().any(|(from, until)| (*from..*until).contains(&true_ms));
        }
        let now_ms = self.clock.shown().as_millisecond();
        if self.month.faults {
            if let Some(fault) = self.dice.weighed(FAULTS).copied().flatten() {
                self.crm.server.fail(&[fault]);
            }
            if self.dice.percent(1) {
                let polls = u32::try_from(self.dice.between(0, 120)).unwrap_or(0);
                if let Some(turned) = cut(self.crm.bridge.turn(now_ms), polls).await {
                    turned?;
                } else {
                    self.report.faults.crashes += 1;
                    self.restart().await?;
                }
            }
        }
        self.crm.next_ms = self.crm.bridge.turn(now_ms).await?.next_ms;
        Ok(())
    }

    /// Whether nothing is left to compare.
    pub(crate) async fn is_equal(&self) -> Result<bool> {
        Ok(self.store.next_link_ms(NAME).await?.is_none())
    }

    /// Nothing goes wrong any more, for as long as it may take to find what no message told.
    pub(crate) async fn quiet(&mut self) -> Result<()> {
        self.month.faults = false;
        self.crm.down.clear();
        self.crm.server.state().faults.clear();
        for _ in 0..(POLL_S + 120) / 20 {
            self.clock.go_to(self.clock.true_ms() + 20_000);
            self.work().await?;
        }
        Ok(())
    }

    /// Somebody at the clinic prefers the CRM to the desk.
    pub(crate) async fn in_the_crm(&mut self) -> Result<()> {
        let Some(there) = self.dice.weighed(THERE).copied() else { return Ok(()) };
        // Of those who are over, one is put back to "new" now and then: that cannot be.
        let booking = if there == There::Stage("C2:NEW") {
            let latest = self.visits.iter().rev().take(60).cloned().collect::<Vec<_>>();
            let Some(visit) = self.dice.one(&latest) else { return Ok(()) };
            Some(self.store.visit(visit).await?)
        } else {
            self.somebodys_visit().await?
        };
        let Some(booking) = booking else { return Ok(()) };
        let Some((deal, _)) = self.crm.server.deals_of(&booking.visit).into_iter().next() else { return Ok(()) };
        let (field, value) = match there {
            There::Stage(stage) => ("STAGE_ID", stage.to_owned()),
            There::Conflict => {
                let done = self.desk.confirm(&booking.id, Hand::person("Вера", self.clock.shown())).await;
                self.unless_settled(done.map(|_| ()))?;
                ("STAGE_ID", "C2:LOSE".to_owned())
            }
            There::NoTime => (TIME_FIELD, String::new()),
            There::Night => (TIME_FIELD, clock(self.night_after(&booking))),
            There::FreeTime => match self.another_time(&booking).await? {
                Some(start_ms) => (TIME_FIELD, clock(start_ms)),
                None => return Ok(()),
            },
        };
        self.crm.server.person_sets(deal, field, json!(value));
        self.report.crm.changed_there += 1;
        // Their message is lost, or comes twice.
        let times = match (self.month.faults, self.dice.between(0, 10)) {
            (true, 0..2) => 0,
            (true, 2) => 2,
            _ => 1,
        };
        self.report.faults.duplicates += u32::from(times == 2);
        for _ in 0..times {
            let now_ms = self.clock.shown().as_millisecond();
            Bridge::<InMemory>::deal_changed(&self.store, NAME, &deal.to_string(), now_ms).await?;
        }
        Ok(())
    }

    /// A free time of the same doctor; the visitor is told, and comes then.
    async fn another_time(&mut self, booking: &BookingRecord) -> Result<Option<i64>> {
        let now = self.clock.shown();
        let date_from = self.month.clinic.local(now).date().checked_add(self.dice.between(1, 8).days()).ok();
        let (service, doctor) = (Some(booking.service.clone()), Some(booking.doctor.clone()));
        let query = SlotQuery { service, doctor, date_from, limit: 8, ..SlotQuery::default() };
        let slots = self.desk.find(&query, now).await?;
        let Some(slot) = self.dice.one(&slots) else { return Ok(None) };
        let start_ms = slot.start_ms();
        self.comes_then(&booking.visit, start_ms);
        Ok(Some(start_ms))
    }

    fn night_after(&self, booking: &BookingRecord) -> i64 {
        let at = Timestamp::from_millisecond(booking.start_ms).unwrap_or_default();
        let night = self.month.clinic.local(at).date().at(3, 10, 0, 0);
        self.month.clinic.zone.to_timestamp(night).map_or(booking.start_ms, Timestamp::as_millisecond)
    }

    /// What must hold at the end: one deal a visit, with its stage and its time; a lead for every call that wanted one, done
    /// when its person has booked since.
    pub(crate) async fn both_systems(&mut self) -> Result<()> {
        let mut ours = Ours::default();
        for booking in self.store.bookings(&self.month.clinic.id, 0, i64::MAX).await? {
            let first_ms = ours.first_booked.entry(booking.visit.clone()).or_insert(i64::MAX);
            *first_ms = booking.created_ms.min(*first_ms);
            if booking.status != Status::Moved {
                ours.visits.insert(booking.visit.clone(), booking);
            }
        }
        let mut broken = self.crm.compare(&ours);
        self.calls_without_lead(&mut broken).await?;
        self.report.broken.extend(broken);
        self.crm.tell(&mut self.report.crm);
        Ok(())
    }

    async fn calls_without_lead(&self, broken: &mut Vec<String>) -> Result<()> {
        let filter = CallFilter { clinic: Some(self.month.clinic.id.clone()), ..CallFilter::default() };
        let mut cursor = None;
        loop {
            let page = self.store.calls(&filter, 500, cursor.as_ref()).await?;
            for call in &page.calls {
                let settled = matches!(call.outcome, Some(Outcome::Booked | Outcome::Moved | Outcome::Cancelled));
                let linked = self.store.links(NAME, LinkKind::Lead, &[&call.id]).await?;
                if settled != linked.is_empty() {
                    let has = if linked.is_empty() { "no lead" } else { "a lead" };
                    broken.push(format!("call {} ended with {:?} and has {has}", call.id, call.outcome));
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

/// Lists that came in a batch have numbers for keys.
fn first_phone(phones: &Value) -> &str {
    let first = phones.get(0).or_else(|| phones.get("0"));
    first.and_then(|phone| phone["VALUE"].as_str()).unwrap_or_default()
}

/// Whoever booked so long after a lead was made surely booked after the call: clocks step.
const SURELY_MS: i64 = 10 * 60_000;
/// So long a call and a booking are one matter to the connector.
const MATTER_MS: i64 = 29 * 86_400_000;

fn text<'r>(row: &'r Row, field: &str) -> &'r str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}
