//! Where real phones come in: answers calls, hands callers to people, and calls back.
//!
//! ```text
//!   sip ──Incoming──▶ gate ─▶ answer ─▶ reception: robot (session) ─▶ queue ─▶ bridge with an operator
//!   AudioSocket, WebSockets, browser ──▶ gate ─┘       │ transfer
//!                                                      ▼
//!                                        people: queue, REFER, or a call of our own (dial)
//! ```
//!
//! - [`config`]: the lines file
//! - [`Exchange::start`] opens the lines; [`Exchange::hold`] holds one call, whatever door it came by
//! - [`gate`]: overload is answered before a call is half served
//! - [`operators`]: queues, operators' phones, call-backs that keep their place
//! - [`observer`]: what is counted
//!
//! Invariants: a call that was taken ends at a person or at a good-bye, never at silence because a part of this room
//! failed; a call that cannot be served is refused before it is answered; no number, name or word of a caller reaches a log.

mod afterwards;
mod audiosockets;
pub mod checkup;
pub mod config;
mod consultation;
mod dial;
mod error;
pub mod gate;
mod houses;
mod incoming;
mod leg;
mod live;
mod notice;
pub mod observer;
pub mod operators;
pub mod outgoing;
mod people;
mod presence;
mod reception;
mod replacing;
mod send_on;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::lines::audiosocket::Announcements;
use desk::Clinic;
use session::{Hearing, Stage};
use tokio::sync::watch;

pub use error::ExchangeError;
pub use live::NotTaken;
pub use reception::Arrival;

use config::Lines;
use gate::{Full, Gate, Place};
use houses::Houses;
use observer::Observer;
use operators::Operators;
use people::Hands;

/// How often the gate looks at how punctual the frames are.
const LOOK: Duration = Duration::from_secs(1);
/// Without SIP nobody says how many calls there may be.
const CALLS_WITHOUT_SIP: usize = 200;

/// A clinic that is served.
#[derive(Clone)]
pub struct House {
    /// The clinic.
    pub clinic: Arc<Clinic>,
    /// What its calls share.
    pub stage: Stage,
    /// Its ears and its voice, and the clock of its calls.
    pub hearing: Hearing,
}

/// Everything an exchange is made of.
pub struct Parts {
    /// The lines file.
    pub lines: Lines,
    /// The clinics it names.
    pub houses: Vec<House>,
    /// Where recordings go, when the lines file does not say.
    pub recordings: PathBuf,
    /// Told of every call.
    pub observer: Arc<dyn Observer>,
}

/// The lines, open. Cheap to clone.
#[derive(Clone)]
pub struct Exchange {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub lines: Arc<Lines>,
    pub houses: Houses,
    pub gate: Gate,
    pub observer: Arc<dyn Observer>,
    pub people: Arc<Hands>,
    pub operators: BTreeMap<String, Operators>,
    pub recordings: Option<PathBuf>,
    pub dialler: Option<dial::Dialler>,
    pub lives: live::Lives,
    announcements: Announcements,
    stop: watch::Sender<bool>,
}

impl Exchange {
    /// Opens the lines: registers at providers, listens, and takes calls from now on.
    ///
    /// # Errors
    /// A listener that cannot be opened, settings that contradict themselves.
    pub async fn start(parts: Parts) -> Result<Exchange, ExchangeError> {
        let Parts { lines, houses, recordings, observer } = parts;
        let lines = Arc::new(lines);
        let Some(first) = houses.first() else { return Err(ExchangeError::NoClinic) };
        let most = lines.sip.as_ref().map_or(CALLS_WITHOUT_SIP, |sip| sip.max_calls as usize);
        let engine = first.stage.engine.clone();
        let gate = Gate::new(most, first.hearing.pacer.clone(), move || engine.room());
        let opened = incoming::open(&lines, &gate, &observer).await?;
        let (dialler, arriving) = opened.unzip();
        let recordings = lines.recording.on.then(|| lines.recording.dir.clone().unwrap_or(recordings));
        let lives = live::Lives::default();
        if let Some(folder) = &recordings {
            houses.iter().for_each(|house| house.stage.store.recordings_wait_in(folder));
        }
        let mut operators = BTreeMap::new();
        for house in &houses {
            let Some(dialler) = &dialler else { continue };
            let (desk, store) = (Arc::clone(&house.stage.desk), house.stage.store.clone());
            let client_line = outgoing::ClientLine {
                dialler: dialler.clone(),
                house: house.clone(),
                trunk: lines.outgoing.as_ref().map(|outgoing| outgoing.trunk.clone()),
                ring: Duration::from_secs(u64::from(lines.outgoing.as_ref().map_or(30, |outgoing| outgoing.ring_s))),
                recordings: recordings.clone(),
                lives: lives.clone(),
            };
            let client_line = Some(Arc::new(client_line) as Arc<dyn operators::CallbackLine>);
            let started = Operators::start(&lines, desk, store, Arc::new(dialler.clone()), client_line)?;
            operators.insert(house.clinic.id.clone(), started);
        }
        let people = Arc::new(Hands::new(Arc::clone(&lines), operators.clone(), dialler.clone()));
        let inner = Inner {
            houses: Houses::new(houses, &people),
            gate,
            observer,
            people,
            operators,
            recordings,
            dialler,
            lives,
            stop: watch::Sender::new(false),
            announcements: Announcements::default(),
            lines,
        };
        let exchange = Exchange { inner: Arc::new(inner) };
        if let Some(arriving) = arriving {
            tokio::spawn(incoming::run(exchange.clone(), arriving));
        }
        audiosockets::open(&exchange, &exchange.inner.announcements).await?;
        presence::start(&exchange);
        if let Some(outgoing) = exchange.inner.lines.outgoing.clone() {
            tokio::spawn(outgoing::run(exchange.clone(), outgoing));
        }
        tokio::spawn(exchange.clone().watch());
        tokio::spawn(exchange.clone().write_talks_down());
        Ok(exchange)
    }

    /// A place for one more call, by whatever door.
    ///
    /// # Errors
    /// Why there is none; it has been counted.
    pub fn enter(&self) -> Result<Place, Full> {
        self.inner.gate.enter().inspect_err(|why| self.inner.observer.refused(*why))
    }

    /// Would one more call be taken?
    pub fn is_full(&self) -> bool {
        self.inner.gate.is_open().is_err()
    }

    /// Calls that begin from now on find these clinics as they are here; those going on end as they began. Queues and
    /// operators are those of the lines file, which stays as it was read.
    pub fn renew(&self, houses: Vec<House>) {
        self.inner.houses.renew(houses, &self.inner.people);
    }

    /// Calls going on.
    pub fn calls(&self) -> usize {
        self.inner.gate.calls()
    }

    /// The SIP listeners, with the ports they really got.
    pub fn listening(&self) -> Vec<sip::Listen> {
        self.inner.dialler.as_ref().map(|dialler| dialler.endpoint.addresses()).unwrap_or_default()
    }

    /// The queues of a clinic, where it has operators with phones.
    pub fn operators(&self, clinic: &str) -> Option<&Operators> {
        self.inner.operators.get(clinic)
    }

    /// What a dialplan tells of AudioSocket calls before they come.
    pub fn announcements(&self) -> &Announcements {
        &self.inner.announcements
    }

    /// The lines file.
    pub fn lines(&self) -> &Lines {
        &self.inner.lines
    }

    /// Takes no new calls, waits for those going on (so long at most), and closes the lines.
    pub async fn stop(&self, patience: Duration) {
        self.inner.gate.close();
        let until = tokio::time::Instant::now() + patience;
        while self.calls() > 0 && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.inner.stop.send_replace(true);
        if let Some(dialler) = &self.inner.dialler {
            dialler.endpoint.stop().await;
        }
    }

    /// Ready when the exchange stops.
    pub(crate) async fn stopped(&self) {
        self.inner.stop.subscribe().wait_for(|stop| *stop).await.ok();
    }

    /// What callers and operators said is heard from the recordings, behind every live turn.
    async fn write_talks_down(self) {
        let mut renewed = self.inner.houses.renewed();
        loop {
            renewed.mark_unchanged();
            let houses = self.inner.houses.all();
            let Some(first) = houses.first() else { return };
            let profile = |house: &Arc<House>| (house.clinic.id.clone(), Arc::clone(house.stage.meaning.profile()));
            let worker = session::talk::TalkWorker {
                store: first.stage.store.clone(),
                ears: first.hearing.ears.clone(),
                classifier: Arc::clone(&first.stage.classifier),
                profiles: houses.iter().map(profile).collect(),
            };
            // What was begun and broken off is begun again: its job is still in the records.
            tokio::select! {
                () = worker.run() => return,
                changed = renewed.changed() => if changed.is_err() { return },
                () = self.stopped() => return,
            }
        }
    }

    fn tell_of_trunks(&self) {
        let Some(dialler) = &self.inner.dialler else { return };
        for state in dialler.endpoint.trunks() {
            let registered = match &state.registration {
                sip::Registration::NotWanted => None,
                sip::Registration::Registered { .. } => Some(true),
                sip::Registration::Trying | sip::Registration::Failed { .. } => Some(false),
            };
            let answers = match &state.reach {
                sip::Reach::Unknown => None,
                sip::Reach::Answers { .. } => Some(true),
                sip::Reach::Silent { .. } => Some(false),
            };
            self.inner.observer.trunk(&state.name, registered, answers);
        }
    }

    async fn watch(self) {
        let mut every = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = every.tick() => {
                    self.inner.gate.look();
                    self.tell_of_trunks();
                }
                () = self.stopped() => return,
            }
        }
    }
}
