//! The public face: an endpoint that listens, registers, takes and places calls.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rsipstack::EndpointBuilder;
use rsipstack::platform::CancellationToken;
use rsipstack::transaction::endpoint::EndpointOption;
use rsipstack::transport::TransportLayer;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::config::{Config, Listen};
use crate::core::{Core, Inspector, Parts};
use crate::counters::{Counters, Meter};
use crate::error::SipError;
use crate::guard::Guard;
use crate::inbound::Incoming;
use crate::outbound::{self, Dialling, Outgoing};
use crate::registrar::UserState;
use crate::transport::{Checks, Wires};
use crate::trunk::{Reach, TrunkState, needs_server};

/// Calls that may wait for the program at once; more are answered with 503.
const WAITING: usize = 256;

/// A running endpoint. Clones are handles to the same one; it runs until [`Endpoint::stop`].
#[derive(Clone)]
pub struct Endpoint {
    core: Arc<Core>,
    /// Ends the stack and its sockets.
    shutdown: CancellationToken,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Endpoint {
    /// Opens the listeners, begins to register the trunks, and gives the calls that come in.
    pub async fn start(config: Config) -> Result<(Endpoint, mpsc::Receiver<Incoming>), SipError> {
        config.trunks.iter().try_for_each(needs_server)?;
        let (shutdown, stop) = (CancellationToken::new(), CancellationToken::new());
        let (meter, guard) = (Arc::new(Meter::default()), Arc::new(Guard::default()));
        let checks = Checks { meter: meter.clone(), guard: guard.clone() };
        let (wires, acceptors) = Wires::open(&config, checks, shutdown.clone()).await?;
        let wires = Arc::new(wires);

        let layer = TransportLayer::new(shutdown.clone());
        wires.datagrams().for_each(|d| layer.add_transport(d));
        let seen = Arc::new(OnceLock::new());
        let stack = EndpointBuilder::new()
            .with_user_agent(&config.user_agent)
            .with_cancel_token(shutdown.clone())
            .with_transport_layer(layer)
            .with_transport_inspector(Box::new(Inspector(seen.clone())))
            .with_option(EndpointOption {
                t1: config.t1,
                t2: config.t1 * 8,
                t4: config.t1 * 10,
                t1x64: config.t1 * 64,
                // How long it may ring is said call by call, and ends with a CANCEL.
                timerc: Duration::from_secs(24 * 3600),
                // A 2xx is acknowledged by us: its ACK may carry an answer, and forks must be hung up.
                auto_ack_2xx: false,
                ..EndpointOption::default()
            })
            .build();
        let transactions = stack.incoming_transactions().map_err(|e| SipError::Config(e.to_string()))?;
        let (incoming, calls) = mpsc::channel(WAITING);
        let core = Core::new(Parts {
            config,
            stack: stack.inner.clone(),
            wires: wires.clone(),
            meter,
            guard,
            stop: stop.clone(),
            incoming,
        });
        seen.set(Arc::downgrade(&core)).ok();
        wires.accept(acceptors, stack.inner.clone());
        tokio::spawn(async move { stack.serve().await });
        tokio::spawn(core.clone().dispatch(transactions));
        let mut tasks: Vec<JoinHandle<()>> =
            core.trunks.iter().map(|line| tokio::spawn(line.clone().run(core.clone()))).collect();
        tasks.extend(core.trunks.iter().map(|line| tokio::spawn(line.clone().qualify(core.clone()))));
        tasks.push(tokio::spawn(sweep(core.clone())));
        Ok((Endpoint { core, shutdown, tasks: Arc::new(Mutex::new(tasks)) }, calls))
    }

    /// Places a call.
    pub fn call(&self, outgoing: Outgoing) -> Dialling {
        outbound::dial(&self.core, outgoing)
    }

    /// Which phones are registered, as it changes.
    pub fn users(&self) -> watch::Receiver<Arc<Vec<UserState>>> {
        self.core.registrar.watch()
    }

    /// How each trunk is doing.
    pub fn trunks(&self) -> Vec<TrunkState> {
        self.core.trunks.iter().map(|t| t.state().borrow().clone()).collect()
    }

    /// How one trunk is doing, as it changes.
    pub fn trunk(&self, name: &str) -> Option<watch::Receiver<TrunkState>> {
        self.core.trunks.iter().find(|t| t.config.name == name).map(|t| t.state())
    }

    /// Asks a trunk's server now whether it is there. None: no such trunk, or it has no server.
    pub async fn probe(&self, name: &str) -> Option<Reach> {
        let line = self.core.trunks.iter().find(|t| t.config.name == name && t.config.server.is_some())?;
        Some(line.probe(&self.core).await)
    }

    /// What has been counted so far.
    pub fn counters(&self) -> Counters {
        self.core.meter.snapshot(self.core.calls_now(), self.core.remembered_now())
    }

    /// The listeners with the ports they really got.
    pub fn addresses(&self) -> Vec<Listen> {
        self.core.wires.listeners().to_vec()
    }

    /// Which of our addresses this peer should see, in session descriptions too.
    pub fn advertised(&self, peer: SocketAddr) -> IpAddr {
        self.core.wires.advertised(peer.ip(), self.core.wires.local_towards(peer))
    }

    /// Hangs up every call, takes the registrations back and closes the sockets.
    pub async fn stop(&self) {
        for call in self.core.all_calls() {
            let server = call.state().server.clone();
            server.iter().for_each(|s| s.refuse(503, "", None));
            call.hang_up(None);
        }
        self.core.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            task.await.ok();
        }
        // BYEs that are on their way.
        let patience = self.core.config.t1 * 4;
        let calls = self.core.all_calls();
        let ended = async {
            for call in &calls {
                call.over.cancelled().await
            }
        };
        tokio::time::timeout(patience, ended).await.ok();
        self.shutdown.cancel();
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("listeners", &self.core.wires.listeners()).finish_non_exhaustive()
    }
}

async fn sweep(core: Arc<Core>) {
    loop {
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(5)) => core.registrar.sweep(),
        }
    }
}
