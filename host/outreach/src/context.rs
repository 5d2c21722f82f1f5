//! The room's one handle, and what it is told from outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use desk::{Clinic, Desk, DeskError, Hand, Language, Why};
use jiff::Timestamp;
use records::{Channel, OutboxCount, Pii, Purpose, Store};
use serde::Serialize;

use crate::send::{Dialler, Email, Http, RobotCalls, Sender};
use crate::{Gateways, OutreachError, Result};

/// A way in which somebody may be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Which.
    pub channel: Channel,
    /// Number, address, or an id of the messenger.
    pub address: Pii,
    /// Their language; none: the clinic's.
    pub language: Option<Language>,
}

/// Who may be written to, and how. Service messages about their own visit only; nothing here is advertising.
#[async_trait]
pub trait MayContact: Send + Sync {
    /// Of the `wanted` ways those by which the person under a number may be written to or called, the preferred one first.
    /// [`Channel::List`] among them: a person may call.
    ///
    /// # Errors
    /// It could not be found out; nothing is planned then, and it is asked again.
    async fn ways(&self, clinic: &str, phone: &Pii, wanted: &[Channel]) -> std::result::Result<Vec<Way>, String>;
}

/// Everybody, at the number they gave.
#[derive(Debug, Clone, Copy, Default)]
pub struct EveryPhone;

#[async_trait]
impl MayContact for EveryPhone {
    async fn ways(&self, _clinic: &str, phone: &Pii, wanted: &[Channel]) -> std::result::Result<Vec<Way>, String> {
        let by_phone = |channel: &&Channel| **channel != Channel::Email;
        let way = |channel: &Channel| Way { channel: *channel, address: phone.clone(), language: None };
        Ok(wanted.iter().filter(by_phone).map(way).collect())
    }
}

/// Everybody who has not taken back their consent to messages about visits, in the language they are known to want.
#[derive(Debug, Clone)]
pub struct Consents {
    /// Where it is written down.
    pub store: Store,
}

#[async_trait]
impl MayContact for Consents {
    async fn ways(&self, clinic: &str, phone: &Pii, wanted: &[Channel]) -> std::result::Result<Vec<Way>, String> {
        let consent = self.store.consent(clinic, phone, Purpose::Service).await.map_err(|error| error.to_string())?;
        if consent.is_some_and(|consent| !consent.given) {
            return Ok(Vec::new());
        }
        let client = self.store.client(clinic, phone).await.map_err(|error| error.to_string())?;
        let language = client.and_then(|client| client.language).and_then(|word| Language::of(&word));
        let ways = EveryPhone.ways(clinic, phone, wanted).await?;
        Ok(ways.into_iter().map(|way| Way { language, ..way }).collect())
    }
}

/// Moments at which a test may kill the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A message is durably `sending`; the gateway was not asked.
    Claimed,
    /// The gateway answered; nothing of it is written down.
    Answered,
    /// What it answered is written down.
    Written,
    /// What an event means is decided; nothing of it is written down.
    Decided,
    /// It is written down.
    Planned,
}

/// What the room is told from outside.
#[derive(Clone)]
pub struct Settings {
    /// The ways out. A way without a sender is not used.
    pub senders: BTreeMap<Channel, Arc<dyn Sender>>,
    /// Who may be written to.
    pub may_contact: Arc<dyn MayContact>,
    /// Desks of clinics whose schedule another system owns; it is told when a visit is called off. Others need none.
    pub desks: Vec<Arc<Desk>>,
    /// The clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Called at every [`Step`]; does nothing but in tests.
    pub at: fn(Step),
}

impl Settings {
    /// The gateways of the configuration, calls by `dialler`, consents as the records have them, the machine's clock.
    ///
    /// # Errors
    /// [`OutreachError::Gateway`].
    pub fn new(store: &Store, gateways: &Gateways, dialler: impl Dialler + 'static) -> Result<Self> {
        let mut senders: BTreeMap<Channel, Arc<dyn Sender>> = BTreeMap::new();
        if let Some(gateway) = &gateways.sms {
            senders.insert(Channel::Sms, Arc::new(Http::new("sms", gateway.clone())?));
        }
        if let Some(gateway) = &gateways.messenger {
            senders.insert(Channel::Messenger, Arc::new(Http::new("messenger", gateway.clone())?));
        }
        if let Some(server) = &gateways.email {
            senders.insert(Channel::Email, Arc::new(Email::new(server.clone())?));
        }
        if gateways.call.unwrap_or(true) {
            let now_ms = Box::new(|| Timestamp::now().as_millisecond());
            senders.insert(Channel::Call, Arc::new(RobotCalls { dialler, now_ms }));
        }
        let now = Arc::new(Timestamp::now);
        let may_contact = Arc::new(Consents { store: store.clone() });
        Ok(Self { senders, may_contact, desks: Vec::new(), now, at: |_| {} })
    }
}

/// Reminders, the outbox and the list of people to call, of all clinics of this program.
pub struct Outreach {
    pub(crate) store: Store,
    pub(crate) clinics: BTreeMap<String, Arc<Clinic>>,
    pub(crate) settings: Settings,
    /// Senders that are set up wrongly: until when they are left alone, and what is wrong.
    pub(crate) paused: Mutex<BTreeMap<Channel, (Timestamp, String)>>,
}

/// How it goes, for metrics and for the page of the system's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Events of the feed that were not looked at yet.
    pub behind: i64,
    /// Messages by clinic, way and state.
    pub outbox: BTreeMap<String, Vec<OutboxCount>>,
    /// Entries of the list of calls that are open, by clinic.
    pub to_call: BTreeMap<String, usize>,
    /// Of these, late.
    pub late: BTreeMap<String, usize>,
    /// Senders that are set up wrongly, and how to mend them.
    pub stopped: Vec<(Channel, String)>,
}

impl Outreach {
    /// Serves these clinics.
    pub fn new(store: Store, clinics: impl IntoIterator<Item = Arc<Clinic>>, settings: Settings) -> Self {
        let clinics = clinics.into_iter().map(|clinic| (clinic.id.clone(), clinic)).collect();
        Self { store, clinics, settings, paused: Mutex::new(BTreeMap::new()) }
    }

    /// How it goes.
    pub async fn progress(&self) -> Result<Progress> {
        let behind = self.store.feed_end().await? - self.store.feed_read_to(crate::follow::READER).await?;
        let stopped = self.paused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut progress = Progress {
            behind,
            outbox: BTreeMap::new(),
            to_call: BTreeMap::new(),
            late: BTreeMap::new(),
            stopped: stopped.into_iter().map(|(channel, (_, problem))| (channel, problem)).collect(),
        };
        for id in self.clinics.keys() {
            progress.outbox.insert(id.clone(), self.store.outbox_counts(id).await?);
            let list = self.store.contacts(id).await?;
            progress.late.insert(id.clone(), list.iter().filter(|contact| contact.late_ms.is_some()).count());
            progress.to_call.insert(id.clone(), list.len());
        }
        Ok(progress)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.settings.now)()
    }

    pub(crate) fn clinic(&self, id: &str) -> Result<&Arc<Clinic>> {
        self.clinics.get(id).ok_or_else(|| OutreachError::UnknownClinic(id.to_owned()))
    }

    /// Calls a visit off, through the system that owns the schedule if there is one. False: it is settled otherwise already,
    /// or that system does not answer; somebody at the desk sees to it then.
    pub(crate) async fn cancel(&self, clinic: &Arc<Clinic>, booking: &str, why: &Why, by: &str) -> Result<bool> {
        let own = self.settings.desks.iter().find(|desk| desk.clinic().id == clinic.id);
        let desk = own.cloned().unwrap_or_else(|| Arc::new(Desk::new(Arc::clone(clinic), self.store.clone())));
        match desk.cancel_by(booking, why, Hand::person(by, self.now())).await {
            Ok(_) => Ok(true),
            Err(DeskError::Closed { .. }) => Ok(false),
            Err(DeskError::Records(error)) => Err(error.into()),
            Err(error) => {
                tracing::warn!(clinic = clinic.id, booking, %error, "a visit that is not wanted could not be called off");
                Ok(false)
            }
        }
    }

    /// The ways by which somebody may be written to and for which there is a sender.
    pub(crate) async fn ways(&self, clinic: &Clinic, phone: &Pii, wanted: &[Channel]) -> Result<Vec<Way>> {
        let ways = self.settings.may_contact.ways(&clinic.id, phone, wanted).await.map_err(OutreachError::Consent)?;
        Ok(ways
            .into_iter()
            .filter(|way| way.channel == Channel::List || self.settings.senders.contains_key(&way.channel))
            .collect())
    }
}
