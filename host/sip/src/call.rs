//! The state of a call's dialog (RFC 3261 §12) and the requests we send within it. What arrives is in `midcall`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsipstack::platform::CancellationToken;
use rsipstack::sip::{Header, Method, Request, Response};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::config::Account;
use crate::core::Core;
use crate::dialog::{DialogEvent, Over};
use crate::digest;
use crate::error::SipError;
use crate::flight::{self, Attempt, Flight, Fork};
use crate::header::{self, NameAddr, field};
use crate::inbound::ServerInvite;
use crate::message::{self, Draft};
use crate::timer::SessionTimer;
use crate::transport::Path;

pub(crate) const SDP: &str = "application/sdp";
/// How often an offer that collided with the other side's is made again.
const GLARE: u32 = 4;

/// One call.
pub(crate) struct Call {
    pub core: Arc<Core>,
    pub call_id: String,
    pub local_tag: String,
    /// User part of our Contact.
    pub contact_user: String,
    pub account: Option<Account>,
    /// We placed it. Decides who waits longer after a collision, and whether a BYE must wait for the ACK.
    pub ours: bool,
    pub state: Mutex<State>,
    pub over: CancellationToken,
    /// The first INVITE is acknowledged, or never will be.
    pub settled: CancellationToken,
    /// The session timer changed.
    pub refreshed: Notify,
    events: mpsc::UnboundedSender<DialogEvent>,
    receiver: Mutex<Option<mpsc::UnboundedReceiver<DialogEvent>>>,
}

/// What changes during a call.
pub(crate) struct State {
    pub phase: Phase,
    /// Our side of From/To, with tag.
    pub local: String,
    /// The other side, with tag once known.
    pub remote: String,
    pub local_seq: u32,
    pub remote_seq: Option<u32>,
    /// The other side's Contact.
    pub target: String,
    pub routes: Vec<String>,
    /// The way its last message came or ours went.
    pub path: Path,
    /// What we described last, for refreshes by re-INVITE.
    pub description: Option<String>,
    /// An offer of ours, or of theirs, is not answered yet.
    pub our_offer: bool,
    pub their_offer: bool,
    pub timer: Option<SessionTimer>,
    pub timer_due: Option<Instant>,
    pub allows_update: bool,
    /// The INVITE we are answering.
    pub server: Option<Arc<ServerInvite>>,
    /// An INVITE of ours whose ACK waits for the program's answer.
    pub unacknowledged: Option<(Arc<Attempt>, Response)>,
    /// Where news of a REFER of ours go.
    pub refer: Option<mpsc::UnboundedSender<(u16, String, bool)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Early,
    Up,
    /// We hung up; the BYE is under way.
    Ending,
    Over,
}

/// A request within the call.
pub(crate) struct Ask<'a> {
    pub method: Method,
    pub extra: Vec<Header>,
    pub body: Option<(&'a str, &'a str)>,
}

impl Call {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        core: Arc<Core>,
        call_id: String,
        local_tag: String,
        contact_user: String,
        account: Option<Account>,
        ours: bool,
        state: State,
    ) -> Arc<Call> {
        let (events, receiver) = mpsc::unbounded_channel();
        let call = Arc::new(Call {
            core: core.clone(),
            call_id,
            local_tag,
            contact_user,
            account,
            ours,
            state: Mutex::new(state),
            over: CancellationToken::new(),
            settled: CancellationToken::new(),
            refreshed: Notify::new(),
            events,
            receiver: Mutex::new(Some(receiver)),
        });
        core.remember(&call);
        call
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state().phase, Phase::Ending | Phase::Over)
    }

    pub(crate) fn source(&self) -> SocketAddr {
        self.state().path.destination
    }

    pub(crate) fn take_events(&self) -> Option<mpsc::UnboundedReceiver<DialogEvent>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells the program. `false`: nobody listens.
    pub(crate) fn tell(&self, event: DialogEvent) -> bool {
        self.events.send(event).is_ok()
    }

    /// The call is over; says so once.
    pub(crate) fn end(self: &Arc<Self>, why: Over) {
        let before = {
            let mut state = self.state();
            state.server = None;
            state.refer = None;
            std::mem::replace(&mut state.phase, Phase::Over)
        };
        if before == Phase::Over {
            return;
        }
        // A hang-up of ours was told when it began.
        if before != Phase::Ending {
            self.tell(DialogEvent::Over(why));
        }
        if matches!(before, Phase::Up | Phase::Ending) {
            self.core.has_been(self);
        }
        self.settled.cancel();
        self.over.cancel();
        self.core.forget(self);
    }

    /// BYE, from any thread. Before the ACK of our 200 it may not be sent (RFC 3261 §15): it waits for it.
    pub(crate) fn hang_up(self: &Arc<Self>, reason: Option<String>) {
        self.hang_up_as(reason, Over::Here);
    }

    pub(crate) fn hang_up_as(self: &Arc<Self>, reason: Option<String>, why: Over) {
        {
            let mut state = self.state();
            match state.phase {
                Phase::Up => state.phase = Phase::Ending,
                // Not answered: the handle of the INVITE ends it.
                Phase::Early | Phase::Ending | Phase::Over => return,
            }
        }
        self.tell(DialogEvent::Over(why.clone()));
        let call = self.clone();
        self.core.runtime.spawn(async move {
            // An offer of theirs that waits for our answer must still be acknowledged.
            if call.state().unacknowledged.is_some() {
                call.acknowledge(None).await.ok();
            }
            if !call.ours {
                call.settled.cancelled().await;
            }
            let extra = reason.map(|r| field("Reason", r)).into_iter().collect();
            if call.state().phase == Phase::Ending {
                call.request(Ask { method: Method::Bye, extra, body: None }).await.ok();
            }
            call.end(why);
        });
    }

    /// Our Contact towards the other side.
    pub(crate) fn contact(&self, path: &Path) -> String {
        message::contact(&self.contact_user, path)
    }

    /// How to reach the other side now.
    pub(crate) async fn way(&self) -> Result<Path, SipError> {
        let (next, direct, last) = {
            let state = self.state();
            let next = state.routes.first().map(|r| NameAddr::parse(r).map_or(r.clone(), |a| a.uri));
            (next.unwrap_or_else(|| state.target.clone()), state.routes.is_empty(), state.path.clone())
        };
        self.core.way(&next, direct, Some(&last)).await
    }

    /// Sends a request and waits for its final answer; authenticates once when asked to.
    pub(crate) async fn request(self: &Arc<Self>, ask: Ask<'_>) -> Result<Response, SipError> {
        self.exchange(ask).await.map(|(response, ..)| response)
    }

    async fn exchange(self: &Arc<Self>, ask: Ask<'_>) -> Result<(Response, Option<Arc<Attempt>>), SipError> {
        let method = ask.method;
        let mut proof: Option<Header> = None;
        loop {
            let path = self.way().await?;
            let request = self.draft(&ask, &path, proof.clone())?;
            let (request, path) = self.core.wires.way_for(request, &path).await;
            let attempt = (method == Method::Invite).then(|| Attempt::new(request.clone(), path.clone()));
            if let Some(attempt) = &attempt {
                self.core.expect(attempt);
            }
            let uri = request.uri.to_string();
            let response = Flight::launch(&self.core, request, &path).await?.last().await;
            let silent = SipError::Silent { method: name(method), seconds: self.core.patience().as_secs() };
            let Some(response) = response.filter(|r| !flight::is_timeout(r)) else {
                attempt.iter().for_each(|a| a.close());
                self.lost(method, 408);
                return Err(silent);
            };
            let status = response.status_code.code();
            if matches!(status, 401 | 407) && proof.is_none() {
                let asked = self.account.as_ref().and_then(|account| Proof::asked(&response, account));
                proof = asked.map(|mut asked| asked.header(name(method), &uri));
                if proof.is_some() {
                    continue;
                }
            }
            if matches!(status, 408 | 481) {
                self.lost(method, status);
            }
            return Ok((response, attempt));
        }
    }

    /// The other side does not know the call any more (RFC 3261 §12.2.1.2).
    fn lost(self: &Arc<Self>, method: Method, status: u16) {
        if method != Method::Bye && self.state().phase == Phase::Up {
            // A BYE all the same: the peer may only have been slow.
            self.hang_up_as(None, Over::Lost { status });
        }
    }

    fn draft(&self, ask: &Ask<'_>, path: &Path, proof: Option<Header>) -> Result<Request, SipError> {
        let mut state = self.state();
        if state.phase == Phase::Over {
            return Err(SipError::Over);
        }
        state.local_seq += 1;
        let makes_target = matches!(ask.method, Method::Invite | Method::Update | Method::Refer);
        let mut extra = ask.extra.clone();
        extra.extend(proof);
        Draft {
            method: ask.method,
            uri: &state.target,
            from: &state.local,
            to: &state.remote,
            call_id: &self.call_id,
            seq: state.local_seq,
            routes: &state.routes,
            contact: makes_target.then(|| self.contact(path)),
            user_agent: &self.core.config.user_agent,
            extra,
            body: ask.body,
        }
        .build(path)
    }

    /// Sends an INFO.
    pub(crate) async fn inform(self: Arc<Self>, kind: &str, body: &str) -> Result<(), SipError> {
        let response = self.request(Ask { method: Method::Info, extra: Vec::new(), body: Some((kind, body)) }).await?;
        success("INFO", &response)
    }

    /// Offers a changed session.
    pub(crate) async fn reinvite(self: Arc<Self>, offer: &str) -> Result<Option<String>, SipError> {
        for attempt in 1.. {
            let blocked = {
                let mut state = self.state();
                match state.phase {
                    Phase::Up => {}
                    _ => return Err(SipError::Over),
                }
                let blocked = state.their_offer || state.our_offer;
                state.our_offer |= !blocked;
                blocked
            };
            let outcome = match blocked {
                true => None,
                false => {
                    let outcome = self.reinvite_once(offer).await;
                    self.state().our_offer = false;
                    Some(outcome)
                }
            };
            match outcome {
                Some(Err(SipError::Refused { status: 491, .. })) | None if attempt < GLARE => {
                    // RFC 3261 §14.1: the owner of the Call-ID waits longer.
                    let span = self.core.config.t1.as_millis() as u64 * 4;
                    let wait = if self.ours { span + random(span) } else { random(span) };
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                }
                Some(outcome) => return outcome,
                None => break,
            }
        }
        Err(SipError::Refused { method: "INVITE", status: 491, reason: "an offer of the other side is pending".into() })
    }

    async fn reinvite_once(self: &Arc<Self>, offer: &str) -> Result<Option<String>, SipError> {
        let mut minimum = None;
        loop {
            let mut extra = vec![field("Allow", message::ALLOW), field("Supported", message::SUPPORTED.join(", "))];
            let current = self.state().timer;
            extra.extend(self.core.wish().request_headers(minimum, current));
            let ask = Ask { method: Method::Invite, extra, body: Some((SDP, offer)) };
            let (response, attempt) = self.exchange(ask).await?;
            match response.status_code.code() {
                422 if minimum.is_none() => {
                    let theirs = header::value(&response.headers, "Min-SE").and_then(header::seconds);
                    minimum = theirs.map(Duration::from_secs);
                    if minimum.is_some() {
                        continue;
                    }
                }
                200..=299 => {
                    self.state().description = Some(offer.to_string());
                    if let Some(attempt) = attempt {
                        self.answered(&attempt, &response);
                        self.acknowledge_attempt(&attempt, &response, None).await?;
                    }
                    let body = message::description(&response.headers, &response.body);
                    return body.map_err(|_| SipError::Refused {
                        method: "INVITE",
                        status: 415,
                        reason: "the answer is not a session description".into(),
                    });
                }
                _ => {}
            }
            return success("INVITE", &response).map(|()| None);
        }
    }

    /// Takes what a 2xx to an INVITE of ours says about the other side.
    pub(crate) fn answered(self: &Arc<Self>, attempt: &Attempt, response: &Response) {
        attempt.take(message::tag(&response.headers, "To").unwrap_or_default());
        let fork = Fork::of(response);
        let timer = self.core.wish().as_client(&response.headers);
        let mut state = self.state();
        if state.phase == Phase::Early {
            state.phase = Phase::Up;
            state.remote = fork.to;
            // The route is fixed by the answer that makes the dialog (§12.1.2).
            state.routes = fork.routes;
        }
        if let Some(target) = fork.target {
            state.target = target;
        }
        state.allows_update = header::has_token(&response.headers, "Allow", "UPDATE");
        drop(state);
        self.set_timer(timer);
    }

    /// Sends the ACK of an INVITE whose answer waited for the program.
    pub(crate) async fn acknowledge(&self, answer: Option<&str>) -> Result<(), SipError> {
        let Some((attempt, response)) = self.state().unacknowledged.take() else { return Ok(()) };
        if let Some(answer) = answer {
            self.state().description = Some(answer.to_string());
        }
        self.acknowledge_attempt(&attempt, &response, answer).await
    }

    pub(crate) async fn acknowledge_attempt(
        &self,
        attempt: &Attempt,
        response: &Response,
        answer: Option<&str>,
    ) -> Result<(), SipError> {
        let path = self.way().await.unwrap_or_else(|_| attempt.path.clone());
        let fork = {
            let state = self.state();
            Fork { target: Some(state.target.clone()), routes: state.routes.clone(), to: Fork::of(response).to }
        };
        let mut ack = fork.ack(&self.core, &attempt.invite, &path)?;
        if let Some(answer) = answer {
            ack.headers.retain(|h| !matches!(h, Header::ContentLength(_)));
            ack.headers.push(field("Content-Type", SDP));
            ack.headers.push(field("Content-Length", answer.len().to_string()));
            ack.body = answer.as_bytes().to_vec();
        }
        attempt.acknowledge(ack, path).await;
        self.settled.cancel();
        Ok(())
    }

    /// `sip:target?Replaces=…` for an attended transfer (RFC 3891 §4): the tags as the other side of *this* call
    /// sees them.
    pub(crate) fn replaces(&self) -> String {
        let value = self.as_replaces();
        let state = self.state();
        let target = NameAddr::parse(&state.remote).map_or_else(|| state.target.clone(), |a| a.uri);
        let target = target.split('?').next().unwrap_or_default().to_string();
        format!("{target}?Replaces={}", header::escape_user(&value))
    }

    /// The value of that field.
    pub(crate) fn as_replaces(&self) -> String {
        let theirs = self.remote_tag().unwrap_or_default();
        format!("{};to-tag={theirs};from-tag={}", self.call_id, self.local_tag)
    }
}

/// A challenge that was put to us, and can be answered with every request from now on.
pub(crate) struct Proof {
    name: &'static str,
    answering: digest::Answering,
}

impl Proof {
    /// None when this challenge cannot be answered.
    pub(crate) fn asked(response: &Response, account: &Account) -> Option<Proof> {
        let (asked, name) = match response.status_code.code() {
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => ("WWW-Authenticate", "Authorization"),
        };
        let answering = digest::Answering::to(header::values(&response.headers, asked), account)?;
        Some(Proof { name, answering })
    }

    /// The header field of one request.
    pub(crate) fn header(&mut self, method: &str, uri: &str) -> Header {
        field(self.name, self.answering.next(method, uri))
    }
}

/// A response that is not a 2xx, as an error.
pub(crate) fn success(method: &'static str, response: &Response) -> Result<(), SipError> {
    match response.status_code.code() {
        200..=299 => Ok(()),
        status => Err(SipError::Refused { method, status, reason: message::reason(response) }),
    }
}

pub(crate) fn name(method: Method) -> &'static str {
    match method {
        Method::Ack => "ACK",
        Method::Bye => "BYE",
        Method::Cancel => "CANCEL",
        Method::Info => "INFO",
        Method::Invite => "INVITE",
        Method::Message => "MESSAGE",
        Method::Notify => "NOTIFY",
        Method::Options => "OPTIONS",
        Method::PRack => "PRACK",
        Method::Publish => "PUBLISH",
        Method::Refer => "REFER",
        Method::Register => "REGISTER",
        Method::Subscribe => "SUBSCRIBE",
        Method::Update => "UPDATE",
    }
}

/// Below `span`, from the stack's randomness.
pub(crate) fn random(span: u64) -> u64 {
    let text = rsipstack::transaction::random_text(8);
    let number = text.bytes().fold(0_u64, |n, b| n.wrapping_mul(131).wrapping_add(u64::from(b)));
    number % span.max(1)
}
