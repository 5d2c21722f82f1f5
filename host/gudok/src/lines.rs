//! The lines file brought to life: clinics ready for calls, phones that ring, and what is counted of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use desk::{Clinic, Desk};
use exchange::config::Lines;
use exchange::gate::Full;
use exchange::observer::Observer;
use exchange::{Exchange, House, Parts};
use flows::Engine;
use records::Store;
use rollout::Switchboard;
use session::Hearing;
use web::Metrics;

use crate::commands::serve::Kit;
use crate::place::Place;
use crate::stage;

/// The lines file that is meant: the one named, else `lines.toml` in the home folder where there is one.
pub fn file(named: Option<&Path>, place: &Place) -> Option<PathBuf> {
    let usual = place.home.join("lines.toml");
    named.map(Path::to_owned).or_else(|| usual.is_file().then_some(usual))
}

/// What calls run on.
pub struct Ground<'a> {
    /// The clinics that are served.
    pub clinics: &'a BTreeMap<String, Arc<Clinic>>,
    /// Runs flows.
    pub engine: &'a Engine,
    /// Which version answers.
    pub board: &'a Arc<Switchboard>,
    /// Their desks.
    pub desks: &'a BTreeMap<String, Arc<Desk>>,
    /// The records.
    pub store: &'a Store,
    /// Ears and voice.
    pub kit: &'a Kit,
    /// The clock of their calls.
    pub pacer: &'a ::lines::Pacer,
    /// Telephones ring here: a clinic without a voice is a mistake.
    pub must_speak: bool,
}

/// The clinics, ready for calls.
pub fn houses(ground: &Ground<'_>, place: &Place) -> Result<Vec<House>> {
    let mut houses = Vec::new();
    for (id, clinic) in ground.clinics {
        let Some(desk) = ground.desks.get(id) else { continue };
        let mouth = ground.kit.mouth(clinic.prompts.as_deref(), ground.must_speak, place)?;
        houses.push(House {
            clinic: Arc::clone(clinic),
            stage: stage::of(
                Arc::clone(desk),
                ground.engine.clone(),
                Arc::clone(ground.board),
                ground.store.clone(),
                Arc::clone(&ground.kit.tagger),
            ),
            hearing: Hearing::with_pacer(ground.kit.ears.clone(), mouth, ground.pacer.clone()),
        });
    }
    Ok(houses)
}

/// Opens the lines.
pub async fn open(lines: Lines, houses: Vec<House>, metrics: Arc<Metrics>, place: &Place) -> Result<Exchange> {
    let parts =
        Parts { lines, houses, recordings: place.home.join("recordings"), observer: Arc::new(Counting(metrics)) };
    Exchange::start(parts).await.context("the lines could not be opened")
}

/// Says on which lines calls are taken.
pub fn say(exchange: &Exchange) {
    let lines = exchange.lines();
    if let Some(sip) = &lines.sip {
        let addresses = |name: &str, all: &[std::net::SocketAddr]| {
            all.iter().map(|address| format!("{name} {address}")).collect::<Vec<_>>()
        };
        let listening = [addresses("udp", &sip.udp), addresses("tcp", &sip.tcp), addresses("tls", &sip.tls)].concat();
        println!("  SIP: {}; up to {} calls", listening.join(", "), sip.max_calls);
        for trunk in &lines.trunks {
            let how = match (&trunk.registrar, trunk.register) {
                (Some(registrar), true) => format!("registers at {registrar}"),
                (Some(registrar), false) => format!("calls {registrar}"),
                (None, _) => "known by its address".to_owned(),
            };
            println!("  trunk {} of {}: {how}", trunk.name, trunk.clinic);
        }
    }
    for queue in lines.queues.values() {
        println!("  queue {} of {}, for transfers to {}", queue.name, queue.clinic, queue.lines.join(", "));
    }
    println!("  {} operators have phones here", lines.operators.len());
}

/// Calls, as `/metrics` counts them.
struct Counting(Arc<Metrics>);

impl Observer for Counting {
    fn began(&self, _clinic: &str) {
        self.0.call_started();
    }

    fn ended(&self, clinic: &str, outcome: &str, quality: Option<::lines::Quality>) {
        self.0.call_ended(clinic, outcome);
        // A line over which nothing came has no quality.
        if let Some(quality) = quality.filter(|quality| quality.received > 0) {
            self.0.line_measured(quality.mos);
        }
    }

    fn trunk(&self, name: &str, registered: Option<bool>, answers: Option<bool>) {
        self.0.trunk(name, registered, answers);
    }

    fn refused(&self, why: Full) {
        self.0.call_refused(why.as_str());
    }
}
