//! What lies beyond the wire: gateways that take messages, lose their answers, and are down for hours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use outreach::send::{CallOrder, Dialler, Fate, Recovery, Sender, Verdict};
use outreach::{MayContact, Way};
use records::{Channel, Message, Pii};

use crate::clock::Clock;
use crate::dice::Dice;

/// Something that reached a person.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    /// Id of the message.
    pub(crate) message: String,
    pub(crate) channel: Channel,
    pub(crate) at_ms: i64,
}

/// All gateways, and how people may be written to. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Beyond {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

struct State {
    dice: Dice,
    faults: bool,
    /// Down from, until.
    down: Vec<(i64, i64)>,
    /// By the key under which it was taken.
    taken: BTreeMap<String, Delivered>,
    /// Not seen by the simulation yet.
    news: Vec<Delivered>,
    refused: u32,
    lost: u32,
    ways: BTreeMap<String, Vec<Channel>>,
}

impl Beyond {
    pub(crate) fn new(clock: Clock, faults: bool, down: Vec<(i64, i64)>, dice: Dice) -> Self {
        let state = State {
            dice,
            faults,
            down,
            taken: BTreeMap::new(),
            news: Vec::new(),
            refused: 0,
            lost: 0,
            ways: BTreeMap::new(),
        };
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    /// How somebody may be written to.
    pub(crate) fn knows(&self, phone: &Pii, ways: &[Channel]) {
        self.state().ways.insert(phone.as_str().to_owned(), ways.to_vec());
    }

    /// What reached people since the last look.
    pub(crate) fn news(&self) -> Vec<Delivered> {
        std::mem::take(&mut self.state().news)
    }

    /// Everything that reached people.
    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.state().taken.values().cloned().collect()
    }

    /// How often a gateway refused, and how many answers were lost.
    pub(crate) fn troubles(&self) -> (u32, u32) {
        let state = self.state();
        (state.refused, state.lost)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One attempt under a key; what was taken under it already is not taken again by a gateway that knows keys.
    fn take(&self, message: &Message, key: &str, knows_keys: bool) -> Verdict {
        let now_ms = self.clock.true_ms();
        let mut state = self.state();
        if state.faults {
            if state.down.iter().any(|(from, until)| (*from..*until).contains(&now_ms)) {
                state.refused += 1;
                return Verdict::Again { problem: "503 from the gateway".into(), after: None };
            }
            if state.dice.percent(3) {
                state.refused += 1;
                return Verdict::Again { problem: "429 from the gateway".into(), after: None };
            }
            // The request got lost before it was done, or its answer after.
            if state.dice.percent(1) {
                state.lost += 1;
                return Verdict::Unsure("no answer in time".into());
            }
        }
        let place = if knows_keys { key.to_owned() } else { format!("{key}/{}", state.taken.len()) };
        if !state.taken.contains_key(&place) {
            let delivered = Delivered { message: message.new.id.clone(), channel: message.new.channel, at_ms: now_ms };
            state.news.push(delivered.clone());
            state.taken.insert(place, delivered);
        }
        if state.faults && state.dice.percent(2) {
            state.lost += 1;
            return Verdict::Unsure("no answer in time".into());
        }
        Verdict::Taken(Some(format!("g-{key}")))
    }

    fn fate(&self, key: &str) -> Fate {
        if self.state().taken.contains_key(key) { Fate::Taken(Some(format!("g-{key}"))) } else { Fate::NotTaken }
    }
}

/// One gateway.
pub(crate) struct Gateway {
    pub(crate) beyond: Beyond,
    pub(crate) recovery: Recovery,
}

#[async_trait]
impl Sender for Gateway {
    fn recovery(&self) -> Recovery {
        self.recovery
    }

    async fn send(&self, message: &Message) -> Verdict {
        let key = message.attempt.clone().unwrap_or_else(|| message.new.id.clone());
        self.beyond.take(message, &key, self.recovery != Recovery::Nothing)
    }

    async fn ask(&self, message: &Message) -> Fate {
        let key = message.attempt.as_deref().unwrap_or(&message.new.id);
        self.beyond.fate(key)
    }
}

/// The robot's calls: ordered once under a key.
pub(crate) struct Robot(pub(crate) Beyond);

#[async_trait]
impl Dialler for Robot {
    async fn order(&self, call: &CallOrder) -> Result<(), String> {
        let now_ms = self.0.clock.true_ms();
        let mut state = self.0.state();
        let delivered = Delivered { message: call.key.clone(), channel: Channel::Call, at_ms: now_ms };
        if state.taken.insert(call.key.clone(), delivered.clone()).is_none() {
            state.news.push(delivered);
        }
        Ok(())
    }
}

#[async_trait]
impl MayContact for Beyond {
    async fn ways(&self, _clinic: &str, phone: &Pii, wanted: &[Channel]) -> Result<Vec<Way>, String> {
        let state = self.state();
        let mine = state.ways.get(phone.as_str()).map_or(&[][..], Vec::as_slice);
        let ways = mine.iter().filter(|channel| wanted.contains(channel));
        Ok(ways.map(|channel| Way { channel: *channel, address: phone.clone(), language: None }).collect())
    }
}
