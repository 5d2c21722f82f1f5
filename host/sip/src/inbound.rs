//! Calls that come in: the handle the program gets, and the INVITE server transaction behind it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsipstack::platform::CancellationToken;
use rsipstack::sip::{Header, Method, Request, Response, SipMessage};
use rsipstack::transaction::Transaction;
use rsipstack::transaction::key::TransactionKey;
use rsipstack::transaction::transaction::{TransactionEvent, TransactionEventSender};
use tokio::sync::Notify;

use crate::call::{Call, Phase, SDP};
use crate::config::Transport;
use crate::counters::Meter;
use crate::dialog::{Dialog, DialogEvent, Over};
use crate::error::SipError;
use crate::header::{self, field, has_token};
use crate::message;
use crate::replaces::Replaced;
use crate::timer::SessionTimer;

/// Who somebody is: a number or name, and what a display would show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// User part of the address; empty when withheld.
    pub number: String,
    /// Display name.
    pub display: Option<String>,
}

/// A call that waits for an answer. Dropping it refuses with 480.
pub struct Incoming {
    /// The Call-ID.
    pub call_id: String,
    /// Who calls. From a trunk this is P-Asserted-Identity when the trunk sends one, else From.
    pub caller: Party,
    /// The number that was called: the user part of the Request-URI, or of To when the trunk addresses our account.
    pub called: String,
    /// The user part of To as it came.
    pub to: String,
    /// The trunk it came over.
    pub trunk: Option<String>,
    /// The operator whose phone called, proven by password.
    pub user: Option<String>,
    /// Where the message came from.
    pub source: SocketAddr,
    /// How it came.
    pub transport: Transport,
    /// The session offered; `None` when the caller wants us to offer.
    pub body: Option<String>,
    /// All header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The call of ours whose place it takes (RFC 3891). Answered, that one is over ([`Over::Replaced`]); refused, it goes on.
    pub replaces: Option<Replaced>,
    pub(crate) server: Arc<ServerInvite>,
}

impl Incoming {
    /// Lets the caller hear ringing (180), or early media with this answer (183), reliably where the caller supports
    /// it. May be called again.
    pub fn ring(&self, early: Option<String>) -> Result<(), SipError> {
        self.server.ring(early)
    }

    /// Takes the call. The session is our answer, or our offer when [`Incoming::body`] is `None`; the answer to that
    /// arrives as [`DialogEvent::Acknowledged`].
    pub async fn answer(self, session: String) -> Result<Dialog, SipError> {
        let dialog = self.server.answer(session).await?;
        self.replaces.iter().for_each(Replaced::by_another);
        Ok(dialog)
    }

    /// Refuses with a SIP status from 300 to 699.
    pub fn reject(self, status: u16, reason: &str, retry_after: Option<Duration>) {
        self.server.refuse(status, reason, retry_after);
    }

    /// Resolves when the caller gives up before the answer.
    pub async fn cancelled(&self) {
        self.server.gone.cancelled().await;
    }

    /// A waiter of its own, for callers that hand the call on.
    pub fn cancellation(&self) -> impl Future<Output = ()> + Send + 'static {
        let gone = self.server.gone.clone();
        async move { gone.cancelled().await }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After an answer or a refusal this does nothing.
        self.server.refuse(480, "Temporarily Unavailable", None);
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("call_id", &self.call_id).field("trunk", &self.trunk).finish_non_exhaustive()
    }
}

/// The INVITE we are answering.
pub(crate) struct ServerInvite {
    pub call: Arc<Call>,
    pub request: Request,
    control: TransactionEventSender,
    key: TransactionKey,
    stage: Mutex<Stage>,
    /// The caller gave up.
    pub gone: CancellationToken,
    reliable: Mutex<Reliable>,
    prack: Notify,
    /// The session timer agreed in our 200.
    timer: Mutex<Option<SessionTimer>>,
    /// The Contact of our 200.
    contact: Mutex<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Ringing,
    /// 200 waits for the PRACK of early media.
    Answering,
    Answered,
    Refused,
    Cancelled,
}

#[derive(Default)]
struct Reliable {
    next: u32,
    /// Sent and not yet acknowledged.
    outstanding: Option<u32>,
    failed: bool,
}

impl ServerInvite {
    pub(crate) fn start(call: &Arc<Call>, tx: Transaction) -> Arc<ServerInvite> {
        let server = Arc::new(ServerInvite {
            call: call.clone(),
            request: tx.original.clone(),
            control: tx.tu_sender.clone(),
            key: tx.key.clone(),
            stage: Mutex::new(Stage::Ringing),
            gone: CancellationToken::new(),
            reliable: Mutex::new(Reliable { next: 1 + crate::call::random(1 << 20) as u32, ..Reliable::default() }),
            prack: Notify::new(),
            timer: Mutex::default(),
            contact: Mutex::default(),
        });
        call.state().server = Some(server.clone());
        server.send(server.response(100, Vec::new()));
        tokio::spawn(server.clone().serve(tx));
        server
    }

    /// Runs the transaction to its end.
    async fn serve(self: Arc<Self>, mut tx: Transaction) {
        let mut acknowledged = None;
        while let Some(message) = tx.receive().await {
            match message {
                SipMessage::Request(r) if r.method == Method::Cancel => self.cancel(),
                SipMessage::Request(r) if r.method == Method::Ack => {
                    let first = acknowledged.is_none();
                    acknowledged = Some(());
                    if first && *self.stage() == Stage::Answered {
                        self.acknowledged(&r);
                    }
                }
                _ => {}
            }
        }
        let stage = *self.stage();
        match stage {
            Stage::Answered if acknowledged.is_none() && !self.call.is_over() => self.never_acknowledged(),
            Stage::Answered => {}
            // The transaction ended under us: nobody can be answered any more.
            Stage::Ringing | Stage::Answering => self.cancel(),
            Stage::Refused | Stage::Cancelled => {}
        }
        self.call.settled.cancel();
    }

    fn acknowledged(&self, ack: &Request) {
        let body = message::description(&ack.headers, &ack.body).unwrap_or_default();
        self.call.settled.cancel();
        self.call.tell(DialogEvent::Acknowledged { body });
        let timer = *self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        self.call.set_timer(timer);
    }

    fn never_acknowledged(&self) {
        Meter::add(&self.call.core.meter.never_acknowledged);
        let contact = self.contact.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let host = crate::header::NameAddr::parse(&contact).and_then(|c| crate::locate::HostPort::parse(&c.uri).ok());
        let private = host.and_then(|h| h.ip()).is_some_and(|ip| self.call.core.is_local(ip));
        self.call
            .hang_up_as(Some("SIP;cause=408;text=\"no ACK\"".into()), Over::NeverAcknowledged { contact, private });
    }

    pub(crate) fn ring(self: &Arc<Self>, early: Option<String>) -> Result<(), SipError> {
        self.must_ring()?;
        let mut extra = vec![field("Contact", self.own_contact()), field("Allow", message::ALLOW)];
        let status = if early.is_some() { 183 } else { 180 };
        let required = has_token(&self.request.headers, "Require", "100rel");
        let supported = required || has_token(&self.request.headers, "Supported", "100rel");
        // With an offer of ours in it the PRACK would have to carry the answer; ring without one then.
        let offered = !self.request.body.is_empty();
        let wanted = required || (supported && early.is_some() && self.call.core.config.reliable);
        let sequence = wanted.then(|| self.next_sequence()).flatten();
        if let Some(n) = sequence {
            extra.push(field("Require", "100rel"));
            extra.push(field("RSeq", n.to_string()));
        }
        let mut response = self.response(status, extra);
        if let Some(body) = early.filter(|_| offered) {
            self.call.state().description = Some(body.clone());
            response = message::with_body(response, SDP, &body);
        }
        self.send(response.clone());
        if let Some(n) = sequence {
            let server = self.clone();
            self.call.core.runtime.spawn(async move { server.repeat(n, response).await });
        }
        Ok(())
    }

    /// A number for a reliable answer, unless one is still waiting for its PRACK (RFC 3262 §3).
    fn next_sequence(&self) -> Option<u32> {
        let mut reliable = self.reliable();
        match reliable.outstanding {
            Some(_) => None,
            None => {
                reliable.next += 1;
                reliable.outstanding = Some(reliable.next);
                reliable.outstanding
            }
        }
    }

    /// Sends a reliable provisional answer again until it is acknowledged.
    async fn repeat(self: Arc<Self>, n: u32, response: Response) {
        let (mut wait, mut waited) = (self.call.core.config.t1, Duration::ZERO);
        while waited < self.call.core.patience() {
            let acknowledged = self.prack.notified();
            if self.reliable().outstanding != Some(n) || !self.is_open() {
                return;
            }
            tokio::select! {
                () = acknowledged => continue,
                () = self.call.over.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            waited += wait;
            wait *= 2;
            if self.reliable().outstanding == Some(n) && self.is_open() {
                self.send(response.clone());
            }
        }
        self.reliable().failed = true;
        self.prack.notify_waiters();
        self.refuse(504, "No PRACK", None);
    }

    /// A PRACK came: `true` when it is for what we sent.
    pub(crate) fn pracked(&self, rack: &str) -> bool {
        let mut words = rack.split_whitespace();
        let number = words.next().and_then(|n| n.parse().ok());
        let cseq = words.next().and_then(|n| n.parse::<u32>().ok());
        let ours = message::cseq(&self.request.headers).map(|(n, _)| n);
        let mut reliable = self.reliable();
        let hit = reliable.outstanding.is_some() && reliable.outstanding == number && cseq == ours;
        if hit {
            reliable.outstanding = None;
            drop(reliable);
            self.prack.notify_waiters();
        }
        hit
    }

    async fn answer(self: &Arc<Self>, session: String) -> Result<Dialog, SipError> {
        {
            let mut stage = self.stage();
            match *stage {
                Stage::Ringing => *stage = Stage::Answering,
                Stage::Cancelled => return Err(SipError::Cancelled),
                _ => return Err(SipError::Over),
            }
        }
        // No 2xx before the early answer is acknowledged (RFC 3262 §3).
        loop {
            let changed = self.prack.notified();
            if self.reliable().failed {
                return Err(SipError::Silent { method: "183", seconds: self.call.core.patience().as_secs() });
            }
            if self.reliable().outstanding.is_none() {
                break;
            }
            tokio::select! {
                () = changed => {}
                () = self.gone.cancelled() => return Err(SipError::Cancelled),
                () = tokio::time::sleep(self.call.core.config.t1) => {}
            }
        }
        let (timer, mut extra) = self.call.core.wish().as_server(&self.request.headers).unwrap_or_default();
        *self.timer.lock().unwrap_or_else(PoisonError::into_inner) = timer;
        let contact = self.own_contact();
        *self.contact.lock().unwrap_or_else(PoisonError::into_inner) = contact.clone();
        extra.push(field("Contact", contact));
        extra.push(field("Allow", message::ALLOW));
        extra.push(field("Supported", message::SUPPORTED.join(", ")));
        let response = message::with_body(self.response(200, extra), SDP, &session);
        {
            let mut stage = self.stage();
            if *stage != Stage::Answering {
                return Err(SipError::Cancelled);
            }
            *stage = Stage::Answered;
            let mut state = self.call.state();
            state.phase = Phase::Up;
            state.description = Some(session);
        }
        self.send(response);
        Ok(Dialog::new(self.call.clone()))
    }

    /// Refuses, unless it is answered or over already.
    pub(crate) fn refuse(&self, status: u16, reason: &str, retry_after: Option<Duration>) {
        if !self.leave(Stage::Refused) {
            return;
        }
        let status = if (300..700).contains(&status) { status } else { 500 };
        let mut extra = Vec::new();
        extra.extend(retry_after.map(|r| field("Retry-After", r.as_secs().max(1).to_string())));
        let mut response = self.response(status, extra);
        if !reason.is_empty() && !reason.eq_ignore_ascii_case(response.status_code.text()) {
            let clean = reason.chars().filter(|c| !c.is_control()).collect();
            response.status_code = rsipstack::sip::StatusCode::Other(status, clean);
        }
        self.send(response);
        self.call.end(Over::Here);
    }

    /// The caller gave up: 487.
    pub(crate) fn cancel(&self) {
        if self.leave(Stage::Cancelled) {
            self.send(self.response(487, Vec::new()));
            self.gone.cancel();
            self.call.end(Over::Bye { reason: None });
        }
    }

    /// The call ended by BYE: no more 200s.
    pub(crate) fn stop(&self) {
        if *self.stage() == Stage::Answered {
            self.control.send(TransactionEvent::Terminate(self.key.clone())).ok();
        }
    }

    fn leave(&self, to: Stage) -> bool {
        let mut stage = self.stage();
        let open = matches!(*stage, Stage::Ringing | Stage::Answering);
        if open {
            *stage = to;
        }
        open
    }

    fn must_ring(&self) -> Result<(), SipError> {
        match *self.stage() {
            Stage::Ringing => Ok(()),
            Stage::Cancelled => Err(SipError::Cancelled),
            _ => Err(SipError::Over),
        }
    }

    fn is_open(&self) -> bool {
        matches!(*self.stage(), Stage::Ringing | Stage::Answering)
    }

    fn own_contact(&self) -> String {
        let path = self.call.state().path.clone();
        self.call.contact(&path)
    }

    fn response(&self, status: u16, extra: Vec<Header>) -> Response {
        message::response(&self.request, status, &self.call.local_tag, &self.call.core.config.user_agent, extra)
    }

    fn send(&self, response: Response) {
        self.control.send(TransactionEvent::Respond(response)).ok();
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reliable(&self) -> MutexGuard<'_, Reliable> {
        self.reliable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who calls, as told by the message: P-Asserted-Identity when its sender is trusted to state one, else From.
pub(crate) fn caller(headers: &rsipstack::sip::Headers, trusted: bool) -> Party {
    let asserted = trusted.then(|| header::value(headers, "P-Asserted-Identity")).flatten();
    let asserted = asserted.and_then(|v| header::NameAddr::list(v).into_iter().next());
    let from = header::value(headers, "From").and_then(header::NameAddr::parse);
    let Some(who) = asserted.or(from) else { return Party::default() };
    let number = who.user();
    // RFC 3323: the caller does not want to be known.
    let withheld = number.eq_ignore_ascii_case("anonymous") || who.uri.ends_with("@anonymous.invalid");
    Party { number: if withheld { String::new() } else { number }, display: who.display.filter(|_| !withheld) }
}
