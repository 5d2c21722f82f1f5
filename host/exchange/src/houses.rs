//! The clinics that are served, as calls that begin now find them: they are changed while calls go on.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::House;
use crate::people::Hands;

/// The clinics by id.
pub(crate) struct Houses {
    all: RwLock<BTreeMap<String, Arc<House>>>,
    renewed: watch::Sender<u64>,
}

impl Houses {
    pub(crate) fn new(houses: Vec<House>, people: &Arc<Hands>) -> Houses {
        Houses { all: RwLock::new(by_id(houses, people)), renewed: watch::Sender::new(0) }
    }

    pub(crate) fn renew(&self, houses: Vec<House>, people: &Arc<Hands>) {
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = by_id(houses, people);
        self.renewed.send_modify(|times| *times += 1);
    }

    /// Tells of every renewal.
    pub(crate) fn renewed(&self) -> watch::Receiver<u64> {
        self.renewed.subscribe()
    }

    pub(crate) fn get(&self, clinic: &str) -> Option<Arc<House>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(clinic).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<House>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

fn by_id(houses: Vec<House>, people: &Arc<Hands>) -> BTreeMap<String, Arc<House>> {
    let ready = |mut house: House| {
        house.stage.people = Arc::clone(people) as _;
        (house.clinic.id.clone(), Arc::new(house))
    };
    houses.into_iter().map(ready).collect()
}
