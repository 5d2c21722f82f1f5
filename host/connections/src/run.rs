//! All connections at once, until they are stopped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use records::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bitrix24::{Bridge, Client, deal_of_message};
use crate::webhooks::Courier;
use crate::{ConnectionError, House, PortalSettings, Result, Settings};

/// What was delivered is remembered for so long.
const KEPT_MS: i64 = 30 * 86_400_000;
const DAY: Duration = Duration::from_secs(86_400);
/// A portal is looked after at least so often.
const LOOK: Duration = Duration::from_secs(5);

/// The connections of a server: what pages and HTTP routes ask of them. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    store: Store,
    portals: Arc<BTreeMap<String, PortalSettings>>,
    couriers: Arc<BTreeMap<String, Arc<Courier>>>,
    bell: watch::Sender<u64>,
}

impl Connections {
    /// Prepares everything; nothing is sent before [`run`].
    ///
    /// # Errors
    /// When the records cannot be written, or this machine cannot make encrypted connections.
    pub async fn new(store: Store, settings: &Settings, now_ms: i64) -> Result<Self> {
        let mut couriers = BTreeMap::new();
        for endpoint in &settings.webhooks {
            let courier = Courier::new(store.clone(), endpoint.clone(), now_ms).await?;
            couriers.insert(endpoint.name.clone(), Arc::new(courier));
        }
        let portals = settings.bitrix24.iter().map(|portal| (portal.name.clone(), portal.clone())).collect();
        Ok(Self { store, portals: Arc::new(portals), couriers: Arc::new(couriers), bell: watch::Sender::new(0) })
    }

    /// Takes a message of a portal: the body of `POST /api/v1/bitrix24/NAME`. What changed is looked at within a moment.
    ///
    /// # Errors
    /// [`ConnectionError::Unknown`], [`ConnectionError::WrongToken`], [`ConnectionError::BadMessage`].
    pub async fn portal_message(&self, name: &str, body: &str, now_ms: i64) -> Result<()> {
        let portal = self.portals.get(name).ok_or_else(|| unknown("bitrix24", name, self.portals.keys()))?;
        let token = portal.application_token.as_ref().ok_or(ConnectionError::WrongToken)?;
        if let Some(deal) = deal_of_message(body, token)? {
            Bridge::<Client>::deal_changed(&self.store, name, &deal, now_ms).await?;
            self.bell.send_modify(|rung| *rung += 1);
        }
        Ok(())
    }

    /// The courier of an endpoint: to replay, to switch on again.
    ///
    /// # Errors
    /// [`ConnectionError::Unknown`].
    pub fn webhook(&self, name: &str) -> Result<&Arc<Courier>> {
        self.couriers.get(name).ok_or_else(|| unknown("webhook", name, self.couriers.keys()))
    }
}

/// Delivers, keeps equal and tidies up until `stop` says true. `houses` are the clinics' desks, by the clinic's id; a portal whose clinic is not
/// among them is left out, with an error in the log.
///
/// # Errors
/// When a portal cannot be prepared; later failures are logged and outlived.
pub async fn run(
    connections: Connections,
    houses: BTreeMap<String, Arc<dyn House>>,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let mut tasks = JoinSet::new();
    for courier in connections.couriers.values() {
        let (courier, stop) = (courier.clone(), stop.clone());
        tasks.spawn(async move { courier.run(stop, now_ms, jitter).await });
    }
    for portal in connections.portals.values() {
        let Some(house) = houses.get(&portal.clinic) else {
            tracing::error!(
                portal = portal.name,
                clinic = portal.clinic,
                "no such clinic is open here; correct `clinic` in connections.toml"
            );
            continue;
        };
        let client = Client::new(portal.url.clone(), portal.timeout_s)?;
        let bridge = Bridge::new(connections.store.clone(), portal.clone(), client, house.clone()).await?;
        tasks.spawn(keep_equal(bridge, connections.clone(), stop.clone()));
    }
    tasks.spawn(tidy(connections.store, stop));
    while tasks.join_next().await.is_some() {}
    Ok(())
}

async fn keep_equal(mut bridge: Bridge<Client>, connections: Connections, mut stop: watch::Receiver<bool>) {
    let mut feed = connections.store.feed_bell();
    let mut message = connections.bell.subscribe();
    while !*stop.borrow_and_update() {
        feed.mark_unchanged();
        message.mark_unchanged();
        let next = match bridge.turn(now_ms()).await {
            Ok(turn) => {
                let pause_ms = u64::try_from(turn.next_ms - now_ms()).unwrap_or(0);
                Duration::from_millis(pause_ms).clamp(Duration::from_millis(100), LOOK)
            }
            Err(error) => {
                tracing::error!(%error, "visits and deals could not be compared");
                LOOK
            }
        };
        tokio::select! {
            _ = stop.changed() => {}
            _ = feed.changed() => {}
            _ = message.changed() => {}
            () = tokio::time::sleep(next) => {}
        }
    }
}

async fn tidy(store: Store, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow_and_update() {
        if let Err(error) = store.forget_deliveries(now_ms() - KEPT_MS).await {
            tracing::warn!(%error, "old deliveries could not be forgotten");
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(DAY) => {}
        }
    }
}

fn unknown<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a String>) -> ConnectionError {
    let known = known.map(String::as_str).collect::<Vec<_>>().join(", ");
    let known = if known.is_empty() { "none".to_owned() } else { known };
    ConnectionError::Unknown { what, name: name.to_owned(), known }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// From 0 to 1.
fn jitter() -> f64 {
    f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX)
}
