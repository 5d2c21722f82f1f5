//! Reminders, answers, the outbox and the list of calls as one, against real servers on this machine.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "functions that tests share")]

mod cycle;
mod gateway;
mod kills;
mod list;
mod mail;
mod running;
mod sending;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use desk::Clinic;
use jiff::Timestamp;
use outreach::send::{ExchangeJobs, Http, RobotCalls, Sender};
use outreach::{Gateways, Outreach, Settings};
use records::{BookingRecord, Channel, Status, Store};
use tempfile::TempDir;

/// Monday 2026-11-23 10:00 in Moscow.
pub(crate) const NOW: i64 = 1_795_417_200_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const PHONE: &str = "+79031234567";

/// A clock that tests turn.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    pub(crate) fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn clinic(more: &str) -> Arc<Clinic> {
    let text = format!(
        "id = \"vet\"\nname = \"ветклиника «Лапа»\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\n\
         address = \"Садовая, 12\"\nphone = \"+7 495 120-45-67\"\nservices = [\"терапия\"]\n\
         hours = \"09:00-21:00\"\n{more}"
    );
    Arc::new(Clinic::parse(&text, "vet.toml").unwrap())
}

/// The ways out that a configuration describes, on the test's clock.
pub(crate) fn settings(store: &Store, gateways: &str, clock: &Clock) -> Settings {
    let gateways = Gateways::read(toml::from_str(gateways).unwrap(), &|_| None).unwrap();
    let mut settings = Settings::new(store, &gateways, ExchangeJobs { store: store.clone() }).unwrap();
    let ms = clock.clone();
    let calls = RobotCalls { dialler: ExchangeJobs { store: store.clone() }, now_ms: Box::new(move || ms.ms()) };
    settings.senders.insert(Channel::Call, Arc::new(calls));
    let ms = clock.clone();
    settings.now = Arc::new(move || Timestamp::from_millisecond(ms.ms()).unwrap());
    settings
}

pub(crate) async fn open(folder: &Path) -> Store {
    Store::open(folder.join("gudok.db")).await.unwrap()
}

/// A house with the gateways of a configuration.
pub(crate) async fn house(more: &str, gateways: &str) -> (TempDir, Arc<Outreach>, Store, Arc<Clinic>, Clock) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let (clinic, clock) = (clinic(more), Clock::at(NOW));
    let settings = settings(&store, gateways, &clock);
    let outreach = Arc::new(Outreach::new(store.clone(), [Arc::clone(&clinic)], settings));
    (folder, outreach, store, clinic, clock)
}

pub(crate) fn booking(id: &str, start_ms: i64, created_ms: i64) -> BookingRecord {
    BookingRecord {
        id: id.to_owned(),
        visit: id.to_owned(),
        clinic: "vet".to_owned(),
        timezone: "Europe/Moscow".to_owned(),
        doctor: format!("doctor-{id}"),
        service: "terapiya".to_owned(),
        start_ms,
        end_ms: start_ms + 30 * MINUTE,
        status: Status::Booked,
        phone: PHONE.into(),
        person: "Анна".into(),
        animal: "кот Барсик".into(),
        reason: "чихает".into(),
        call: None,
        created_ms,
        updated_ms: created_ms,
        ..BookingRecord::default()
    }
}

/// A sender in memory: what it is told to answer, and what it was given.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) answers: std::sync::Mutex<Vec<outreach::send::Verdict>>,
    pub(crate) got: std::sync::Mutex<Vec<(String, String, String)>>,
}

#[async_trait::async_trait]
impl Sender for Scripted {
    fn recovery(&self) -> outreach::send::Recovery {
        outreach::send::Recovery::SameKey
    }

    async fn send(&self, message: &records::Message) -> outreach::send::Verdict {
        let key = message.attempt.clone().unwrap();
        let row = (message.new.template.clone(), key, message.new.body.as_str().to_owned());
        self.got.lock().unwrap().push(row);
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() { outreach::send::Verdict::Taken(None) } else { answers.remove(0) }
    }
}

/// A house with senders in memory for these channels.
pub(crate) async fn scripted(
    more: &str,
    channels: &[Channel],
) -> (TempDir, Arc<Outreach>, Store, Clock, BTreeMap<Channel, Arc<Scripted>>) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let (clinic, clock) = (clinic(more), Clock::at(NOW));
    let mut settings = settings(&store, "", &clock);
    let senders: BTreeMap<Channel, Arc<Scripted>> =
        channels.iter().map(|channel| (*channel, Arc::new(Scripted::default()))).collect();
    for (channel, sender) in &senders {
        settings.senders.insert(*channel, Arc::clone(sender) as Arc<dyn Sender>);
    }
    let outreach = Arc::new(Outreach::new(store.clone(), [clinic], settings));
    (folder, outreach, store, clock, senders)
}

/// Works until the clock stands at `until`, looking whenever something is due.
pub(crate) async fn live(outreach: &Outreach, clock: &Clock, until: i64) {
    for _ in 0..2_000 {
        outreach.step().await.unwrap();
        let wake = outreach.next_wake().await.unwrap().unwrap_or(until).max(clock.ms() + MINUTE);
        if wake >= until {
            clock.set(until);
            outreach.step().await.unwrap();
            return;
        }
        clock.set(wake);
    }
    panic!("it never comes to rest");
}

#[test]
fn senders_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Http>();
    shared::<Outreach>();
}
