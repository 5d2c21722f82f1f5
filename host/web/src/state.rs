//! All that a handler may touch.

use std::collections::BTreeMap;
use std::sync::Arc;

use accounts::{Accounts, OpenId};
use desk::Clinic;
use jiff::Timestamp;
use lines::audiosocket::Announcements;
use records::{AuditEntry, Store};
use reports::kpi::Thresholds;
use reports::{Amount, CategoryInfo, Period, ReportInput};
use rollout::{Routes, Switchboard};
use tokio::sync::{Semaphore, watch};

use crate::auth::{Asker, EntryRules, Limiter};
use crate::{Metrics, Problem, ReviewQueue, Visits};

/// Requests answered at the same time; more are told to come back.
const AT_ONCE: usize = 64;

/// What the server serves. Cheap to clone; every clone shares the same things.
#[derive(Clone)]
pub struct AppState {
    /// The records.
    pub store: Store,
    /// Who may come in.
    pub accounts: Accounts,
    /// Signing in elsewhere; none: by password only.
    pub openid: Option<Arc<OpenId>>,
    /// How requests get here.
    pub entry: Arc<EntryRules>,
    pub(crate) limiter: Arc<Limiter>,
    /// The clinics by id.
    pub clinics: Arc<BTreeMap<String, Arc<Clinic>>>,
    /// The categories of calls, in the order they are listed.
    pub categories: Arc<[CategoryInfo]>,
    /// Categories that a clinic made for itself, by clinic; beside [`AppState::categories`].
    pub own_categories: Arc<BTreeMap<String, Vec<CategoryInfo>>>,
    /// Puts calls that wait for a look in order; none: nobody can correct a category here.
    pub review: Option<Arc<dyn ReviewQueue>>,
    /// What `/metrics` tells; whoever runs calls counts them here.
    pub metrics: Arc<Metrics>,
    /// Versions of flows and where they answer; none: nothing about flows is served.
    pub flows: Option<Arc<FlowHouse>>,
    /// Calls and chats of visitors; none: none are taken.
    pub visits: Option<Visits>,
    /// Calls that go on, to listen in or to take over; none: nobody can.
    pub live: Option<Arc<dyn crate::LiveCalls>>,
    /// Where a PBX tells of its calls before they come; none: it cannot.
    pub audiosocket: Option<Announcements>,
    /// Takes what other programs send of their own accord; none: nothing is taken.
    pub inbound: Option<Arc<dyn crate::Inbound>>,
    /// A flow answers written conversations first; without one each waits for a person.
    pub robot_writes: bool,
    /// Desks of clinics whose schedule another system owns.
    pub desks: Arc<BTreeMap<String, Arc<desk::Desk>>>,
    /// Everybody in the records is made up, and every page says so.
    pub made_up: bool,
    /// Sets clinics up; none: the pages that would cannot.
    pub workshop: Option<Arc<dyn crate::Workshop>>,
    /// One change of a file at a time.
    pub(crate) editing: Arc<tokio::sync::Mutex<()>>,
    /// One version at a time is tried on recorded calls.
    pub(crate) trying: Arc<tokio::sync::Mutex<()>>,
    /// Names besides `localhost` by which a request may call this server.
    pub hosts: Arc<[String]>,
    pub(crate) closing: Arc<watch::Sender<bool>>,
    /// The clock; a test passes its own.
    pub now: fn() -> Timestamp,
    pub(crate) room: Arc<Semaphore>,
}

/// What the routes about flows work with.
pub struct FlowHouse {
    /// The routes, and through them the library.
    pub routes: Routes,
    /// What calls follow.
    pub board: Arc<Switchboard>,
    /// What was uploaded becomes a component: a core module that describes its interface is made one. The error is a
    /// sentence.
    pub read: fn(Vec<u8>) -> Result<Vec<u8>, String>,
}

impl AppState {
    /// For these clinics, with the system's clock and `localhost` as the only name.
    pub fn new(store: Store, clinics: impl IntoIterator<Item = Arc<Clinic>>, categories: Vec<CategoryInfo>) -> Self {
        Self {
            accounts: Accounts::new(store.clone()),
            openid: None,
            entry: Arc::default(),
            limiter: Arc::default(),
            store,
            clinics: Arc::new(clinics.into_iter().map(|clinic| (clinic.id.clone(), clinic)).collect()),
            categories: categories.into(),
            own_categories: Arc::default(),
            review: None,
            metrics: Arc::new(Metrics::default()),
            flows: None,
            visits: None,
            live: None,
            audiosocket: None,
            inbound: None,
            robot_writes: false,
            desks: Arc::default(),
            made_up: false,
            workshop: None,
            editing: Arc::default(),
            trying: Arc::default(),
            hosts: Arc::new([]),
            closing: Arc::new(watch::Sender::new(false)),
            now: Timestamp::now,
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// As it stands on the button.
    pub(crate) fn openid_name(&self) -> Option<&str> {
        self.openid.as_deref().map(OpenId::name)
    }

    /// Sets how often one token may ask: so many times at once, and so many a minute.
    pub fn limit_tokens(&mut self, burst: u32, per_minute: u32) {
        self.limiter = Arc::new(Limiter::new(burst, per_minute));
    }

    /// Notes who did or saw what, before it is done or shown.
    pub(crate) async fn witness(
        &self,
        asker: Asker<'_>,
        clinic: &str,
        action: &str,
        kind: &str,
        subject: &str,
    ) -> Result<(), Problem> {
        let entry = AuditEntry {
            at_ms: (self.now)().as_millisecond(),
            clinic: clinic.to_owned(),
            who: asker.who.to_owned(),
            action: action.to_owned(),
            subject_kind: kind.to_owned(),
            subject: subject.to_owned(),
            ip: asker.ip.map(|ip| ip.to_string()),
            detail: serde_json::json!({}),
        };
        self.store.audit(&entry).await?;
        Ok(())
    }

    pub(crate) fn clinic(&self, id: &str) -> Result<&Arc<Clinic>, Problem> {
        self.clinics.get(id).ok_or_else(|| Problem::unknown_clinic(self.clinics.keys()))
    }

    /// A clinic's desk; whoever owns the schedule is asked by it.
    pub(crate) fn desk(&self, clinic: &Arc<Clinic>) -> desk::Desk {
        let owned = self.desks.get(&clinic.id).map(|desk| desk::Desk::clone(desk));
        owned.unwrap_or_else(|| desk::Desk::new(Arc::clone(clinic), self.store.clone()))
    }

    /// A clinic's written conversations.
    pub(crate) fn office(&self, clinic: &Arc<Clinic>) -> chat::Office {
        chat::Office::new(self.store.clone(), Arc::clone(clinic), self.robot_writes)
    }

    /// The list of people to call. What is sent of its own accord is sent elsewhere: here are no senders.
    pub(crate) fn outreach(&self) -> outreach::Outreach {
        let settings = outreach::Settings {
            senders: BTreeMap::new(),
            may_contact: Arc::new(outreach::EveryPhone),
            desks: self.desks.values().cloned().collect(),
            now: Arc::new(self.now),
            at: |_| {},
        };
        outreach::Outreach::new(self.store.clone(), self.clinics.values().cloned(), settings)
    }

    /// All categories of a clinic, in the order they are listed.
    pub fn categories_of(&self, clinic: &str) -> Vec<CategoryInfo> {
        let own = self.own_categories.get(clinic).into_iter().flatten();
        self.categories.iter().chain(own).cloned().collect()
    }

    pub(crate) fn flow_house(&self) -> Result<&FlowHouse, Problem> {
        self.flows.as_deref().ok_or_else(Problem::no_flows)
    }

    pub(crate) fn report_input(&self, clinic: &Clinic, period: Period) -> ReportInput {
        ReportInput {
            clinic: clinic.id.clone(),
            clinic_name: clinic.name.clone(),
            timezone: clinic.timezone.clone(),
            from: period.from,
            to: period.to,
            categories: self.categories_of(&clinic.id),
            minute_cost: clinic.minute_cost.map(|money| Amount::new(money.minor, money.currency.as_str())),
            thresholds: Thresholds::default(),
        }
    }
}
