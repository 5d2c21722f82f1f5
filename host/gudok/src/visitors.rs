//! Visitors of web pages, and the WebSockets of providers and PBXs: their conversations are held where those of telephones
//! are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use exchange::config::{Lines, WebSocketKind};
use exchange::observer::Nobody;
use exchange::{Arrival, Exchange, House, Parts};
use flows::host::voice::Channel;
use records::{Keyring, Store};
use rollout::{Library, Switchboard};
use session::trace::Tracer;
use session::{ChatDoor, FromVisitor, ToVisitor, Trace};
use tempfile::TempDir;
use tokio::sync::{Notify, broadcast, mpsc};
use web::{Calls, Kind, MediaSocket, Opening, Page, Shown, ShownSender, Speaks, VisitLimits, Visits};

use crate::stage;

/// The visitors' routes, as the lines file wants them. `houses` and `library` are what versions are rehearsed with.
pub fn routes(exchange: &Exchange, houses: Vec<House>, library: Library) -> Visits {
    let lines = exchange.lines();
    let limits = VisitLimits { behind_proxy: lines.visitors.behind_proxy, ..VisitLimits::default() };
    let houses = houses.into_iter().map(|house| (house.clinic.id.clone(), house)).collect();
    let mut visits = Visits::new(Arc::new(Visitors { exchange: exchange.clone(), houses, library }), limits);
    if let Some(url) = &lines.visitors.url {
        visits = visits.known_as(url);
    }
    for browser in &lines.browsers {
        let page = Page { origins: browser.origins.clone(), call: browser.call, chat: browser.chat };
        visits = visits.with_page(browser.clinic.clone(), page);
    }
    for (name, socket) in &lines.websockets {
        let speaks = match socket.kind {
            WebSocketKind::Twilio => Speaks::Twilio,
            WebSocketKind::Asterisk => Speaks::Asterisk { answer: socket.answer },
        };
        let socket = MediaSocket {
            clinic: socket.clinic.clone(),
            speaks,
            secret: socket.token.as_ref().map(|token| token.reveal().to_owned()),
            public_url: socket.public_url.clone(),
        };
        visits = visits.with_socket(name.clone(), socket);
    }
    visits
}

/// Whether somebody from outside is to be let in.
pub fn wanted(lines: &Lines) -> bool {
    !lines.browsers.is_empty() || !lines.websockets.is_empty()
}

/// Calls that go on, for the pages: to listen in, to take over.
pub fn live(exchange: &Exchange) -> Arc<dyn web::LiveCalls> {
    Arc::new(GoingOn { exchange: exchange.clone() })
}

struct GoingOn {
    exchange: Exchange,
}

struct Visitors {
    exchange: Exchange,
    houses: BTreeMap<String, House>,
    library: Library,
}

/// A conversation with a version that answers nobody: the clinic as it is, an empty schedule, records that go with it.
struct Rehearsal {
    exchange: Exchange,
    _records: TempDir,
}

impl Visitors {
    /// Where a conversation is held; none when it cannot be, which is logged.
    async fn exchange_for(&self, opening: &Opening) -> Option<(Exchange, Option<Rehearsal>)> {
        let Some(digest) = &opening.rehearsed else { return Some((self.exchange.clone(), None)) };
        match self.rehearsal(&opening.clinic, digest).await {
            Ok(rehearsal) => Some((rehearsal.exchange.clone(), Some(rehearsal))),
            Err(error) => {
                tracing::error!(clinic = opening.clinic, error = format!("{error:#}"), "a version cannot be rehearsed");
                None
            }
        }
    }

    async fn rehearsal(&self, clinic: &str, digest: &str) -> Result<Rehearsal> {
        let house = self.houses.get(clinic).context("this clinic is not served")?;
        let records = tempfile::tempdir()?;
        let store = Store::open(records.path().join("rehearsal.db")).await?;
        let store = store.with_keyring(Keyring::new(records.path().join("keys")));
        let flow = self.library.load(digest).await?;
        let desk = Arc::new(desk::Desk::new(Arc::clone(&house.clinic), store.clone()));
        let engine = house.stage.engine.clone();
        let board = Switchboard::fixed_with(flow, store.clone());
        let stage = stage::of(desk, engine, board, store, Arc::clone(&house.stage.classifier));
        let clinics = [(clinic.to_owned(), Arc::clone(&house.clinic))].into();
        let lines = Lines::parse("[recording]\non = false\n", "rehearsal", records.path(), &clinics)?;
        let house = House { clinic: Arc::clone(&house.clinic), stage, hearing: house.hearing.clone() };
        let recordings = records.path().join("recordings");
        let parts = Parts { lines, houses: vec![house], recordings, observer: Arc::new(Nobody) };
        Ok(Rehearsal { exchange: Exchange::start(parts).await?, _records: records })
    }
}

impl Rehearsal {
    /// Its records go with it.
    async fn end(self) {
        self.exchange.stop(Duration::from_secs(5)).await;
    }
}

impl web::LiveCalls for GoingOn {
    fn listen(&self, clinic: &str, call: &str) -> Option<broadcast::Receiver<[i16; lines::FRAME_SAMPLES]>> {
        self.exchange.listen(clinic, call)
    }

    fn takers(&self, clinic: &str) -> Vec<String> {
        self.exchange.takers(clinic)
    }

    fn take_over(&self, clinic: &str, call: &str, operator: &str) -> Result<(), String> {
        self.exchange.take_over(clinic, call, operator).map_err(|why| why.to_string())
    }
}

#[async_trait]
impl Calls for Visitors {
    fn full(&self) -> bool {
        self.exchange.is_full()
    }

    async fn spoken(&self, opening: Opening, door: Box<dyn lines::Door>, shown: ShownSender) {
        let Some((exchange, rehearsal)) = self.exchange_for(&opening).await else { return };
        let Ok(place) = exchange.enter() else { return };
        let (tracer, traces) = Tracer::channel();
        let showing = tokio::spawn(show(traces, shown.clone()));
        let socket = exchange.lines().websockets.get(&opening.socket);
        let arrival = Arrival {
            clinic: opening.clinic,
            entry: socket.and_then(|socket| socket.entry),
            channel: if opening.kind == Kind::Browser { Channel::Browser } else { Channel::Phone },
            caller: opening.caller,
            line: opening.line,
            trunk: None,
            door,
            place,
        };
        exchange.hold(arrival, tracer).await;
        showing.await.ok();
        shown.send(Shown::Ended).ok();
        if let Some(rehearsal) = rehearsal {
            rehearsal.end().await;
        }
    }

    async fn rehearse(&self, opening: Opening, mut said: mpsc::Receiver<String>, shown: ShownSender) {
        let Some((exchange, rehearsal)) = self.exchange_for(&opening).await else { return };
        let (door, mut visitor) = ChatDoor::open();
        // What is written while the robot is busy waits until it listens.
        let listens = Notify::new();
        let writing = async {
            while let Some(text) = said.recv().await {
                listens.notified().await;
                if visitor.send.send(FromVisitor::Wrote(text)).is_err() {
                    return;
                }
            }
            visitor.send.send(FromVisitor::Left).ok();
            // The conversation says when it is over.
            std::future::pending::<()>().await;
        };
        let reading = async {
            let mut choices = Vec::new();
            while let Some(seen) = visitor.receive.recv().await {
                let sent = match seen {
                    ToVisitor::Says(text) => shown.send(Shown::Robot { text }),
                    ToVisitor::Offers(offered) => {
                        choices = offered;
                        continue;
                    }
                    ToVisitor::Listens(id) => {
                        listens.notify_one();
                        shown.send(Shown::Question { id, choices: std::mem::take(&mut choices) })
                    }
                    ToVisitor::Ended(reason) => {
                        if reason == call::EndReason::Transferred {
                            shown.send(Shown::Person { to: String::new() }).ok();
                        }
                        shown.send(Shown::Ended)
                    }
                };
                if sent.is_err() {
                    return;
                }
            }
        };
        {
            let held = exchange.write(&opening.clinic, door, Tracer::none());
            tokio::pin!(held);
            tokio::select! {
                _ = &mut held => {}
                () = async { tokio::join!(writing, reading); } => {}
            }
        }
        if let Some(rehearsal) = rehearsal {
            rehearsal.end().await;
        }
    }
}

/// What a visitor sees of their own call.
async fn show(mut traces: mpsc::UnboundedReceiver<Trace>, shown: ShownSender) {
    while let Some(trace) = traces.recv().await {
        let one = match trace {
            Trace::Robot { text, .. } => Shown::Robot { text },
            Trace::Caller { text, .. } => Shown::Caller { text },
            Trace::Keys { keys, .. } => Shown::Keys { keys },
            Trace::BargeIn { .. } => Shown::BargeIn,
            Trace::Ended(call::EndReason::Transferred) => Shown::Person { to: String::new() },
            _ => continue,
        };
        // Nobody may be looking; the call goes on.
        shown.send(one).ok();
    }
}
