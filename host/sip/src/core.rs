//! The middle of an endpoint: who may do what, which call a message belongs to, and how to reach somebody.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use rsipstack::platform::CancellationToken;
use rsipstack::sip::{Header, Method, SipMessage, StatusCodeKind, Transport as StackTransport};
use rsipstack::transaction::endpoint::{EndpointInnerRef, TransportEventInspector};
use rsipstack::transaction::transaction::TransactionEvent;
use rsipstack::transaction::{Transaction, TransactionReceiver};
use rsipstack::transport::{SipConnection, TransportEvent};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::call::Call;
use crate::config::{Config, Transport};
use crate::counters::Meter;
use crate::dialog::DialogId;
use crate::digest::Challenger;
use crate::error::SipError;
use crate::flight::Attempt;
use crate::guard::{self, Guard};
use crate::header::{self, field};
use crate::inbound::Incoming;
use crate::locate::{HostPort, Locator, Target};
use crate::message;
use crate::midcall::capabilities;
use crate::registrar::Registrar;
use crate::timer::Wish;
use crate::transport::{Path, Wires};
use crate::trunk::TrunkLine;

/// Call-ID and a tag or number that makes it unique.
type CallKey = (String, String);

/// Shared by everything an endpoint does.
pub(crate) struct Core {
    pub config: Config,
    pub runtime: Handle,
    pub stack: EndpointInnerRef,
    pub wires: Arc<Wires>,
    pub locator: Locator,
    pub meter: Arc<Meter>,
    pub guard: Arc<Guard>,
    pub challenger: Challenger,
    pub registrar: Registrar,
    pub trunks: Vec<Arc<TrunkLine>>,
    pub stop: CancellationToken,
    pub incoming: mpsc::Sender<Incoming>,
    calls: Mutex<HashMap<CallKey, Arc<Call>>>,
    /// INVITEs being served, by Call-ID, From tag and CSeq: the same one by another way is a loop (RFC 3261 §8.2.2.2).
    served: Mutex<HashSet<(String, String, u32)>>,
    attempts: Mutex<HashMap<(String, String, u32), Arc<Attempt>>>,
    /// Answered calls that have just ended, with the other side's tag: whoever wants to replace one is told so.
    ended: Mutex<VecDeque<(DialogId, String, Instant)>>,
}

/// What `Core::new` takes besides the obvious.
pub(crate) struct Parts {
    pub config: Config,
    pub stack: EndpointInnerRef,
    pub wires: Arc<Wires>,
    pub meter: Arc<Meter>,
    pub guard: Arc<Guard>,
    pub stop: CancellationToken,
    pub incoming: mpsc::Sender<Incoming>,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Arc<Core> {
        let trunks = parts.config.trunks.iter().map(|t| TrunkLine::new(t.clone())).collect();
        Arc::new(Core {
            runtime: Handle::current(),
            challenger: Challenger::new(&parts.config.realm, parts.config.sha256),
            registrar: Registrar::new(&parts.config),
            locator: Locator::new(),
            config: parts.config,
            stack: parts.stack,
            wires: parts.wires,
            meter: parts.meter,
            guard: parts.guard,
            trunks,
            stop: parts.stop,
            incoming: parts.incoming,
            calls: Mutex::default(),
            served: Mutex::default(),
            attempts: Mutex::default(),
            ended: Mutex::default(),
        })
    }

    /// Handles server transactions as they appear, in order.
    pub(crate) async fn dispatch(self: Arc<Self>, mut transactions: TransactionReceiver) {
        while let Some(tx) = transactions.recv().await {
            self.receive(tx);
        }
    }

    fn receive(self: &Arc<Self>, mut tx: Transaction) {
        let Some((transport, source)) = tx.connection.as_ref().and_then(origin) else { return };
        // Back to where it came from, whatever the Via says: that is what passes a NAT.
        tx.destination = tx.connection.as_ref().and_then(SipConnection::get_remote_addr).cloned();
        let headers = &tx.original.headers;
        let call_id = header::value(headers, "Call-ID").unwrap_or_default().to_string();
        let tag = message::tag(headers, "To");
        match (tag, tx.original.method) {
            (Some(tag), method) if method != Method::Register => {
                let call = self.call_named(&call_id, &tag);
                match (call, self.wires.path_back(transport, source)) {
                    (Some(call), Some(path)) => call.receive(tx, path),
                    _ if !self.may_answer(source.ip()) => drop_silently(tx),
                    _ => self.reply(tx, 481, "x", Vec::new()),
                }
            }
            (_, Method::Invite) => self.on_invite(tx, transport, source),
            (_, Method::Register) => self.on_register(tx, transport, source),
            _ if !self.may_answer(source.ip()) => drop_silently(tx),
            (_, Method::Options) => self.reply(tx, 200, "", capabilities()),
            // Message waiting and the like, which nobody subscribed to.
            (_, Method::Notify | Method::Subscribe) => {
                self.reply(tx, 489, "", vec![field("Allow-Events", "refer")]);
            }
            (_, Method::Message | Method::Publish) => {
                self.reply(tx, 405, "", vec![field("Allow", message::ALLOW)]);
            }
            _ => self.reply(tx, 481, "", Vec::new()),
        }
    }

    /// Answers a request and lets its transaction run out. An empty tag is replaced by a random one.
    pub(crate) fn reply(&self, tx: Transaction, status: u16, tag: &str, extra: Vec<Header>) {
        self.reply_with(tx, status, tag, extra, None);
    }

    pub(crate) fn reply_with(
        &self,
        mut tx: Transaction,
        status: u16,
        tag: &str,
        extra: Vec<Header>,
        body: Option<(&str, &str)>,
    ) {
        let fresh;
        let tag = match tag {
            "" | "x" => {
                fresh = rsipstack::transaction::random_text(12);
                &fresh
            }
            tag => tag,
        };
        let mut response = message::response(&tx.original, status, tag, &self.config.user_agent, extra);
        if let Some((kind, body)) = body {
            response = message::with_body(response, kind, body);
        }
        tx.tu_sender.send(TransactionEvent::Respond(response)).ok();
        self.runtime.spawn(async move { while tx.receive().await.is_some() {} });
    }

    /// Whether an address that has proven nothing may have an answer.
    pub(crate) fn may_answer(&self, address: IpAddr) -> bool {
        let known = self.is_trunk(address) || self.registrar.knows(address);
        let may = known || self.guard.may_answer(address);
        if !may {
            Meter::add(&self.meter.ignored);
        }
        may
    }

    /// Whether a trunk lives at this address.
    pub(crate) fn is_trunk(&self, address: IpAddr) -> bool {
        self.trunks.iter().any(|t| t.lives_at(address))
    }

    /// Whether an address is in our own networks.
    pub(crate) fn is_local(&self, address: IpAddr) -> bool {
        self.config.local_networks.iter().any(|n| n.contains(address))
    }

    /// 64 × T1: how long anything is waited for.
    pub(crate) fn patience(&self) -> Duration {
        self.config.t1 * 64
    }

    pub(crate) fn wish(&self) -> Wish {
        Wish { interval: self.config.session_interval, minimum: self.config.session_minimum }
    }

    /// The way to a URI within a call. `direct`: no route was recorded, so a private Contact of somebody who reaches
    /// us from elsewhere is a NAT's, and the way back is where he came from.
    pub(crate) async fn way(&self, uri: &str, direct: bool, last: Option<&Path>) -> Result<Path, SipError> {
        let back = || last.and_then(|l| self.wires.path_back(l.transport, l.destination));
        let place = match HostPort::parse(uri) {
            Ok(place) => place,
            Err(e) => return back().ok_or(e),
        };
        if let Some(last) = last {
            let stream = last.transport != Transport::Udp;
            let behind_nat = match place.ip() {
                Some(ip) => self.is_local(ip) && ip.to_canonical() != last.destination.ip().to_canonical(),
                None => place.host.ends_with(".invalid"),
            };
            let same_host = place.ip().is_some_and(|ip| ip.to_canonical() == last.destination.ip().to_canonical());
            if (direct && (stream || behind_nat)) || (stream && same_host) {
                // A stream that is still open is the flow; a closed one cannot be reopened through a NAT.
                if let Some(path) = self.wires.path_back(last.transport, last.destination) {
                    return Ok(path);
                }
            }
        }
        let preferred = last.map_or(Transport::Udp, |l| l.transport);
        let free = last.is_some_and(|last| last.free);
        let found = match self.locator.locate(&place, preferred).await {
            Ok(targets) => self.first_path(&targets, true).await.map(|path| Path { free: path.free && free, ..path }),
            Err(e) => Err(e),
        };
        // An address that cannot be reached (a name only the other side knows, a transport we do not speak): the way
        // its messages come is better than none.
        found.or_else(|e| back().ok_or(e))
    }

    /// The first of several targets a way leads to.
    pub(crate) async fn first_path(&self, targets: &[Target], verify: bool) -> Result<Path, SipError> {
        let mut last = Err(SipError::Config("no address to send to".into()));
        for target in targets {
            last = self.wires.path(target, verify).await;
            if last.is_ok() {
                break;
            }
        }
        last
    }

    pub(crate) fn remember(&self, call: &Arc<Call>) {
        lock(&self.calls).insert((call.call_id.clone(), call.local_tag.clone()), call.clone());
    }

    pub(crate) fn forget(&self, call: &Call) {
        lock(&self.calls).remove(&(call.call_id.clone(), call.local_tag.clone()));
    }

    /// The call with this Call-ID and this tag of ours.
    pub(crate) fn call_named(&self, call_id: &str, local_tag: &str) -> Option<Arc<Call>> {
        lock(&self.calls).get(&(call_id.to_string(), local_tag.to_string())).cloned()
    }

    pub(crate) fn ended(&self) -> MutexGuard<'_, VecDeque<(DialogId, String, Instant)>> {
        lock(&self.ended)
    }

    pub(crate) fn all_calls(&self) -> Vec<Arc<Call>> {
        lock(&self.calls).values().cloned().collect()
    }

    pub(crate) fn calls_now(&self) -> u64 {
        lock(&self.calls).len() as u64
    }

    /// Everything that is kept for messages that may still come.
    pub(crate) fn remembered_now(&self) -> u64 {
        let stack = self.stack.get_stats();
        let ours = lock(&self.served).len() + lock(&self.attempts).len();
        (ours + stack.running_transactions + stack.finished_transactions + stack.waiting_ack) as u64
    }

    /// Marks an INVITE as being served; `false` when it already is.
    pub(crate) fn serve(self: &Arc<Self>, key: (String, String, u32), until: CancellationToken) -> bool {
        if !lock(&self.served).insert(key.clone()) {
            return false;
        }
        let core = self.clone();
        self.runtime.spawn(async move {
            until.cancelled().await;
            lock(&core.served).remove(&key);
        });
        true
    }

    /// Looks out for answers to an INVITE of ours, for as long as they may come.
    pub(crate) fn expect(self: &Arc<Self>, attempt: &Arc<Attempt>) {
        let headers = &attempt.invite.headers;
        let key = (
            header::value(headers, "Call-ID").unwrap_or_default().to_string(),
            message::tag(headers, "From").unwrap_or_default(),
            message::cseq(headers).map_or(0, |(n, _)| n),
        );
        lock(&self.attempts).insert(key.clone(), attempt.clone());
        let (core, watched): (_, Weak<Attempt>) = (self.clone(), Arc::downgrade(attempt));
        self.runtime.spawn(async move {
            // While somebody still waits for an answer, and then for as long as a copy of one may travel.
            loop {
                tokio::time::sleep(core.patience()).await;
                if watched.strong_count() <= 1 {
                    break;
                }
            }
            lock(&core.attempts).remove(&key);
        });
    }

    fn on_answer(self: &Arc<Self>, message: &SipMessage) -> bool {
        let SipMessage::Response(response) = message else { return true };
        let Some((number, "INVITE")) = message::cseq(&response.headers) else { return true };
        if response.status_code.kind() != StatusCodeKind::Successful {
            return true;
        }
        let key = (
            header::value(&response.headers, "Call-ID").unwrap_or_default().to_string(),
            message::tag(&response.headers, "From").unwrap_or_default(),
            number,
        );
        let attempt = lock(&self.attempts).get(&key).cloned();
        attempt.is_none_or(|a| a.answered(self, response))
    }
}

/// Sees every message before the stack does.
pub(crate) struct Inspector(pub Arc<std::sync::OnceLock<Weak<Core>>>);

#[async_trait]
impl TransportEventInspector for Inspector {
    async fn handle(&self, event: TransportEvent) -> Option<TransportEvent> {
        let TransportEvent::Incoming(message, ..) = &event else { return Some(event) };
        let Some(core) = self.0.get().and_then(Weak::upgrade) else { return Some(event) };
        if let SipMessage::Request(request) = message {
            // Not a word to those, whatever they ask.
            if header::value(&request.headers, "User-Agent").is_some_and(guard::is_scanner) {
                Meter::add(&core.meter.ignored);
                return None;
            }
        }
        core.on_answer(message).then_some(event)
    }
}

/// Transport and address a message came from.
fn origin(connection: &SipConnection) -> Option<(Transport, SocketAddr)> {
    let remote = connection.get_remote_addr()?;
    let transport = match remote.r#type {
        Some(StackTransport::Tcp) => Transport::Tcp,
        Some(StackTransport::Tls) => Transport::Tls,
        _ => Transport::Udp,
    };
    Some((transport, remote.get_socketaddr().ok()?))
}

/// Lets a transaction vanish without an answer.
pub(crate) fn drop_silently(tx: Transaction) {
    drop(tx);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
