//! Calls we place: over a trunk, to all phones of an operator, or to any SIP address.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::platform::CancellationToken;
use rsipstack::sip::{Header, Method, Request, Response};
use rsipstack::transaction::random_text;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::call::{Call, Phase, Proof, SDP, State};
use crate::config::{Account, Transport};
use crate::core::Core;
use crate::counters::Meter;
use crate::dialog::{Dialog, Over};
use crate::error::SipError;
use crate::flight::{self, Attempt, Flight, Fork};
use crate::header::{self, NameAddr, field, quoted};
use crate::inbound::Party;
use crate::locate::{HostPort, Target};
use crate::message::{self, Draft};
use crate::transport::Path;

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callee {
    /// A telephone number, over [`Outgoing::trunk`].
    Number(String),
    /// An operator: all phones registered with the account ring, the first to answer has the call.
    User(String),
    /// A SIP address; over [`Outgoing::trunk`] when one is named, else straight there.
    Uri(String),
}

/// A call to place.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Whom to call.
    pub to: Callee,
    /// Over which trunk.
    pub trunk: Option<String>,
    /// What the callee shall see; an empty number becomes the trunk's account.
    pub caller: Party,
    /// The session we offer; `None` asks the callee to offer (see [`Dialog::acknowledge`]).
    pub body: Option<String>,
    /// More header fields.
    pub headers: Vec<(String, String)>,
    /// How long it may ring.
    pub timeout: Duration,
}

impl Outgoing {
    /// A call with a session offer, ringing for a minute.
    pub fn new(to: Callee, body: Option<String>) -> Outgoing {
        Outgoing {
            to,
            trunk: None,
            caller: Party::default(),
            body,
            headers: Vec::new(),
            timeout: Duration::from_secs(60),
        }
    }
}

/// What happens to a call being placed. The last one is `Answered` or `Failed`.
#[derive(Debug)]
pub enum Progress {
    /// The other side rings, or sends early media.
    Ringing {
        /// 180 to 189.
        status: u16,
        /// Session description of early media.
        body: Option<String>,
    },
    /// It was answered.
    Answered {
        /// The call.
        dialog: Dialog,
        /// Their answer to our offer, or their offer.
        body: Option<String>,
    },
    /// It was not.
    Failed {
        /// SIP status: 486 busy, 408 nobody answered in time, 480 nobody there, 487 cancelled by us, 503 no way.
        status: u16,
        /// In words.
        reason: String,
        /// When they want us to try again.
        retry_after: Option<Duration>,
    },
}

/// A call being placed. Dropping it gives up (CANCEL).
pub struct Dialling {
    progress: mpsc::UnboundedReceiver<Progress>,
    cancel: CancellationToken,
}

impl Dialling {
    /// What happens next; `None` after the end.
    pub async fn next(&mut self) -> Option<Progress> {
        self.progress.recv().await
    }

    /// Gives up. [`Progress::Failed`] with 487 follows, unless somebody answered in the same moment: then the call is
    /// hung up.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Drop for Dialling {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Addresses that one call is sent to in turn, redirected from each to the next.
const MOST_ADDRESSES: usize = 5;

struct Failure {
    status: u16,
    reason: String,
    retry_after: Option<Duration>,
}

impl Failure {
    fn new(status: u16, reason: impl ToString) -> Failure {
        Failure { status, reason: reason.to_string(), retry_after: None }
    }

    /// Of several phones that did not answer, the most telling is reported.
    fn weight(&self) -> u8 {
        match self.status {
            600..=699 => 4,
            486 => 3,
            408 | 480 | 487 => 1,
            _ => 2,
        }
    }
}

/// One leg: where, and as whom.
struct Plan {
    uri: String,
    to: String,
    account: Option<Account>,
    /// Domain of From; `None`: our address.
    domain: Option<String>,
    number: String,
    display: Option<String>,
    assert_identity: bool,
    ways: Ways,
}

enum Ways {
    Targets(Vec<Target>, bool),
    Back(Transport, std::net::SocketAddr),
}

pub(crate) fn dial(core: &Arc<Core>, outgoing: Outgoing) -> Dialling {
    let (news, progress) = mpsc::unbounded_channel();
    // Stopping the endpoint gives up too.
    let cancel = core.stop.child_token();
    let (runner, stop) = (core.clone(), cancel.clone());
    core.runtime.spawn(async move {
        let last = match run(&runner, outgoing, &news, stop).await {
            Ok((call, body)) => Progress::Answered { dialog: Dialog::new(call), body },
            Err(Failure { status, reason, retry_after }) => Progress::Failed { status, reason, retry_after },
        };
        // Nobody waits any more: dropping the dialog hangs up.
        news.send(last).ok();
    });
    Dialling { progress, cancel }
}

async fn run(
    core: &Arc<Core>,
    outgoing: Outgoing,
    news: &mpsc::UnboundedSender<Progress>,
    cancel: CancellationToken,
) -> Result<(Arc<Call>, Option<String>), Failure> {
    let plans = plan(core, &outgoing).await?;
    let alone = plans.len() == 1;
    let outgoing = Arc::new(outgoing);
    let mut legs = JoinSet::new();
    for plan in plans {
        let (core, outgoing, news, cancel) = (core.clone(), outgoing.clone(), news.clone(), cancel.child_token());
        Meter::add(&core.meter.calls_out);
        legs.spawn(async move { Leg { core, outgoing, news, cancel, alone }.run(plan).await });
    }
    let mut worst = Failure::new(480, "no phone is registered");
    let mut seen = false;
    while let Some(ended) = legs.join_next().await {
        match ended {
            Ok(Ok(answered)) => {
                // The others stop ringing; who answers all the same is hung up.
                cancel.cancel();
                core.runtime.spawn(async move {
                    while let Some(late) = legs.join_next().await {
                        if let Ok(Ok((call, _))) = late {
                            call.hang_up(None);
                        }
                    }
                });
                return Ok(answered);
            }
            Ok(Err(failure)) if !seen || failure.weight() > worst.weight() => {
                (worst, seen) = (failure, true);
            }
            _ => {}
        }
    }
    Err(worst)
}

/// Where the call goes.
async fn plan(core: &Arc<Core>, outgoing: &Outgoing) -> Result<Vec<Plan>, Failure> {
    let line =
        match &outgoing.trunk {
            None => None,
            Some(wanted) => Some(core.trunks.iter().find(|t| t.config.name == *wanted).ok_or_else(|| {
                Failure::new(503, format!("there is no trunk {wanted:?}; name one that is configured"))
            })?),
        };
    let here = |e: SipError| Failure::new(503, e);
    let account = line.and_then(|l| l.config.account.clone());
    let number = match outgoing.caller.number.as_str() {
        "" => account.as_ref().map_or("gudok".to_string(), |a| a.user.clone()),
        n => n.to_string(),
    };
    let base = |uri: String, to: String, ways| Plan {
        uri,
        to,
        account: account.clone(),
        domain: line.map(|l| l.domain(&core.config.realm)),
        number: number.clone(),
        display: outgoing.caller.display.clone(),
        assert_identity: line.is_some_and(|l| l.config.assert_identity),
        ways,
    };
    match (&outgoing.to, line) {
        (Callee::Number(_), None) => Err(Failure::new(503, "a number can only be called over a trunk; name one")),
        (Callee::Number(digits), Some(line)) => {
            let targets = line.targets(core).await.map_err(here)?;
            let user = header::escape_user(digits);
            let host = line.config.domain.clone().or_else(|| line.config.server.clone()).unwrap_or_default();
            let uri = format!("sip:{user}@{host}");
            let to = format!("<sip:{user}@{}>", line.domain(&core.config.realm));
            Ok(vec![base(uri, to, Ways::Targets(targets, line.config.verify_tls))])
        }
        (Callee::Uri(uri), line) => {
            header::uri(uri).map_err(|e| Failure::new(400, e))?;
            let (targets, verify) = match line {
                Some(line) => (line.targets(core).await.map_err(here)?, line.config.verify_tls),
                None => {
                    let place = HostPort::parse(uri).map_err(|e| Failure::new(400, e))?;
                    (core.locator.locate(&place, Transport::Udp).await.map_err(here)?, true)
                }
            };
            Ok(vec![base(uri.clone(), format!("<{uri}>"), Ways::Targets(targets, verify))])
        }
        (Callee::User(user), _) => {
            let phones = core.registrar.phones(user);
            let to = format!("<sip:{}@{}>", header::escape_user(user), core.config.realm);
            let plans = phones
                .into_iter()
                .map(|p| Plan { account: None, ..base(p.uri, to.clone(), Ways::Back(p.transport, p.source)) });
            Ok(plans.collect())
        }
    }
}

struct Leg {
    core: Arc<Core>,
    outgoing: Arc<Outgoing>,
    news: mpsc::UnboundedSender<Progress>,
    cancel: CancellationToken,
    /// The only one: its early media are the call's.
    alone: bool,
}

/// How one try at one address ended.
enum Try {
    Answered(Box<Response>),
    /// Another address may do better.
    Next(Failure),
    End(Failure),
    /// They are elsewhere: the addresses, the preferred first.
    Moved(Failure, Vec<String>),
    /// Send again with these added.
    Again,
}

/// Why nobody answered a plan.
enum Unanswered {
    Failed(Failure),
    Moved(Failure, Vec<String>),
}

impl Leg {
    /// Follows the callee where they are said to be (RFC 3261 §8.1.3.4): to each address once, and not for ever.
    async fn run(self, plan: Plan) -> Result<(Arc<Call>, Option<String>), Failure> {
        let deadline = Instant::now() + self.outgoing.timeout;
        let mut seen = HashSet::from([plan.uri.clone()]);
        let mut plans = VecDeque::from([plan]);
        let mut last = Failure::new(503, "no address to call");
        while let Some(plan) = plans.pop_front() {
            match self.one(&plan, deadline).await {
                Ok(answered) => return Ok(answered),
                Err(Unanswered::Failed(failure)) => last = failure,
                Err(Unanswered::Moved(failure, contacts)) => {
                    last = failure;
                    let mut there = Vec::new();
                    for uri in contacts {
                        if seen.len() <= MOST_ADDRESSES && seen.insert(uri.clone()) {
                            there.extend(self.moved(&plan, uri).await);
                        }
                    }
                    // Where they are now, before what else was said earlier.
                    there.into_iter().rev().for_each(|plan| plans.push_front(plan));
                }
            }
            if self.cancel.is_cancelled() || matches!(last.status, 600..) {
                break;
            }
        }
        Err(last)
    }

    /// The same call to another address. The password of the trunk is not for whoever it sends us to.
    async fn moved(&self, plan: &Plan, uri: String) -> Option<Plan> {
        let place = HostPort::parse(&uri).ok()?;
        let targets = self.core.locator.locate(&place, Transport::Udp).await.ok()?;
        let verify = match &plan.ways {
            Ways::Targets(_, verify) => *verify,
            Ways::Back(..) => true,
        };
        let trusted = |target: &Target| match &plan.ways {
            Ways::Targets(known, _) => known.iter().any(|known| known.address.ip() == target.address.ip()),
            Ways::Back(_, source) => source.ip() == target.address.ip(),
        };
        Some(Plan {
            uri,
            to: plan.to.clone(),
            account: plan.account.clone().filter(|_| targets.iter().all(trusted)),
            domain: plan.domain.clone(),
            number: plan.number.clone(),
            display: plan.display.clone(),
            assert_identity: plan.assert_identity && targets.iter().all(trusted),
            ways: Ways::Targets(targets, verify),
        })
    }

    /// Tries the addresses of one plan.
    async fn one(&self, plan: &Plan, deadline: Instant) -> Result<(Arc<Call>, Option<String>), Unanswered> {
        let ways: Vec<Option<(Target, bool)>> = match &plan.ways {
            Ways::Targets(targets, verify) => targets.iter().map(|t| Some((t.clone(), *verify))).collect(),
            Ways::Back(..) => vec![None],
        };
        let mut last = Failure::new(503, "no address to call");
        let count = ways.len();
        for (index, way) in ways.into_iter().enumerate() {
            let path = match (&way, &plan.ways) {
                (Some((target, verify)), _) => self.core.wires.path(target, *verify).await,
                (None, Ways::Back(transport, source)) => self.back(*transport, *source),
                (None, Ways::Targets(..)) => continue,
            };
            let path = match path {
                Ok(path) => path,
                Err(e) => {
                    last = Failure::new(503, e);
                    continue;
                }
            };
            let call = self.prepare(plan, &path);
            let outcome = self.at(plan, &call, &path, deadline, index + 1 == count).await;
            match outcome {
                Try::Answered(_) => {}
                Try::Moved(failure, contacts) => {
                    call.end(Over::Here);
                    return Err(Unanswered::Moved(failure, contacts));
                }
                Try::Next(failure) | Try::End(failure) if call.state().phase == Phase::Early => {
                    call.end(Over::Here);
                    last = failure;
                }
                _ => call.end(Over::Here),
            }
            // Not within the match: it would hold the lock.
            let phase = call.state().phase;
            match phase {
                Phase::Up => {
                    let body = call.state().description.take();
                    call.state().description.clone_from(&self.outgoing.body);
                    return Ok((call.clone(), body));
                }
                _ if self.cancel.is_cancelled() || matches!(last.status, 300..=499 | 600..) => break,
                _ => {}
            }
        }
        Err(Unanswered::Failed(last))
    }

    fn back(&self, transport: Transport, source: std::net::SocketAddr) -> Result<Path, SipError> {
        self.core.wires.path_back(transport, source).ok_or_else(|| SipError::Unreachable {
            target: source.to_string(),
            problem: "the phone's connection is closed; it must register again".into(),
        })
    }

    fn prepare(&self, plan: &Plan, path: &Path) -> Arc<Call> {
        let host = plan.domain.clone().unwrap_or_else(|| match path.face.ip() {
            std::net::IpAddr::V4(ip) => ip.to_string(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        });
        let tag = random_text(16);
        let display = plan.display.as_deref().map(quoted).unwrap_or_default();
        let user = header::escape_user(&plan.number);
        let state = State {
            phase: Phase::Early,
            local: format!("{display}<sip:{user}@{host}>;tag={tag}"),
            remote: plan.to.clone(),
            local_seq: 0,
            remote_seq: None,
            target: plan.uri.clone(),
            routes: Vec::new(),
            path: path.clone(),
            description: None,
            our_offer: false,
            their_offer: false,
            timer: None,
            timer_due: None,
            allows_update: false,
            server: None,
            unacknowledged: None,
            refer: None,
        };
        let contact = plan.account.as_ref().map_or(plan.number.clone(), |a| a.user.clone());
        let call_id = random_text(28);
        Call::new(self.core.clone(), call_id, tag, contact, plan.account.clone(), true, state)
    }

    /// Tries one address until somebody answers or it is clear that nobody will.
    async fn at(&self, plan: &Plan, call: &Arc<Call>, path: &Path, deadline: Instant, only: bool) -> Try {
        let (mut proof, mut minimum, mut uri): (Option<Proof>, _, _) = (None, None, String::new());
        for _ in 0..4 {
            // Counted anew with each request.
            let shown = proof.as_mut().map(|proof| proof.header("INVITE", &uri));
            let request = match self.invite(plan, call, path, shown, minimum) {
                Ok(request) => request,
                Err(e) => return Try::End(Failure::new(400, e)),
            };
            uri = request.uri.to_string();
            let (request, path) = self.core.wires.way_for(request, path).await;
            if path.transport != call.state().path.transport {
                // What follows goes the way this went.
                call.state().path = path.clone();
            }
            let attempt = Attempt::new(request.clone(), path.clone());
            self.core.expect(&attempt);
            let flight = match Flight::launch(&self.core, request, &path).await {
                Ok(flight) => flight,
                Err(e) => return Try::Next(Failure::new(503, e)),
            };
            let outcome =
                self.follow(call, &attempt, flight, deadline, only, |response| match response.status_code.code() {
                    401 | 407 if proof.is_none() => {
                        proof = plan.account.as_ref().and_then(|account| Proof::asked(response, account));
                        proof.is_some()
                    }
                    422 if minimum.is_none() => {
                        let theirs = header::value(&response.headers, "Min-SE").and_then(header::seconds);
                        minimum = theirs.map(Duration::from_secs);
                        minimum.is_some()
                    }
                    _ => false,
                });
            match outcome.await {
                Try::Again => {}
                Try::Answered(response) => return self.answered(call, attempt, response).await,
                other => {
                    attempt.close();
                    return other;
                }
            }
        }
        Try::End(Failure::new(503, "the other side keeps asking for more"))
    }

    /// Waits for what comes of an INVITE. `mend` says whether to send it again, changed.
    async fn follow(
        &self,
        call: &Arc<Call>,
        attempt: &Arc<Attempt>,
        mut flight: Flight,
        mut deadline: Instant,
        only: bool,
        mut mend: impl FnMut(&Response) -> bool,
    ) -> Try {
        let (mut ending, mut heard, mut cancelled) = (None, false, false);
        let mut reliable = HashMap::new();
        // A dead server shall not hold the call up when there is another.
        let silence = Instant::now() + self.core.config.t1 * 8;
        loop {
            let response = tokio::select! {
                response = flight.next() => response,
                () = self.cancel.cancelled(), if ending.is_none() => {
                    (ending, deadline) = (Some(Failure::new(487, "cancelled")), Instant::now() + self.core.patience());
                    if heard && !std::mem::replace(&mut cancelled, true) {
                        self.send_cancel(attempt);
                    }
                    continue;
                }
                () = sleep_until(silence), if !only && !heard => {
                    return Try::Next(Failure::new(408, "the server does not react"));
                }
                () = sleep_until(deadline) => {
                    if let Some(failure) = ending {
                        return Try::End(failure);
                    }
                    (ending, deadline) =
                        (Some(Failure::new(408, "nobody answered in time")), Instant::now() + self.core.patience());
                    if heard && !std::mem::replace(&mut cancelled, true) {
                        self.send_cancel(attempt);
                    }
                    continue;
                }
            };
            let Some(response) = response.filter(|r| !flight::is_timeout(r)) else {
                return match ending {
                    Some(failure) => Try::End(failure),
                    None => Try::Next(Failure::new(408, "the server does not react")),
                };
            };
            match response.status_code.code() {
                status @ 100..=199 => {
                    heard = true;
                    if ending.is_some() && !std::mem::replace(&mut cancelled, true) {
                        self.send_cancel(attempt);
                    }
                    if status > 100 {
                        self.provisional(call, attempt, &response, &mut reliable);
                    }
                }
                200..=299 => {
                    if ending.is_some() {
                        // Answered in the moment we gave up: acknowledged and hung up.
                        attempt.close();
                        attempt.answered(&self.core, &response);
                        return Try::End(ending.unwrap_or_else(|| Failure::new(487, "cancelled")));
                    }
                    return Try::Answered(Box::new(response));
                }
                status => {
                    if let Some(failure) = ending {
                        return Try::End(failure);
                    }
                    if mend(&response) {
                        return Try::Again;
                    }
                    let retry_after = header::value(&response.headers, "Retry-After");
                    let failure = Failure {
                        status,
                        reason: message::reason(&response),
                        retry_after: retry_after
                            .and_then(|v| header::seconds(v.split('(').next().unwrap_or(v)))
                            .map(Duration::from_secs),
                    };
                    return match status {
                        300..=399 => Try::Moved(failure, contacts(&response)),
                        500..=599 => Try::Next(failure),
                        _ => Try::End(failure),
                    };
                }
            }
        }
    }

    fn provisional(
        &self,
        call: &Arc<Call>,
        attempt: &Arc<Attempt>,
        response: &Response,
        reliable: &mut HashMap<String, u32>,
    ) {
        let tag = message::tag(&response.headers, "To").unwrap_or_default();
        if header::has_token(&response.headers, "Require", "100rel") {
            let Some(number) = header::value(&response.headers, "RSeq").and_then(|v| v.parse::<u32>().ok()) else {
                return;
            };
            // Copies and gaps are not acknowledged (RFC 3262 §4).
            match reliable.get(&tag) {
                Some(last) if number != last.wrapping_add(1) => return,
                _ => reliable.insert(tag, number),
            };
            self.send_prack(call, attempt, response, number);
        }
        let body = message::description(&response.headers, &response.body).ok().flatten();
        let status = response.status_code.code();
        self.news.send(Progress::Ringing { status, body: body.filter(|_| self.alone) }).ok();
    }

    fn send_prack(&self, call: &Arc<Call>, attempt: &Arc<Attempt>, response: &Response, number: u32) {
        let fork = Fork::of(response);
        let invited = message::cseq(&attempt.invite.headers).map_or(1, |(n, _)| n);
        let (core, call, attempt) = (self.core.clone(), call.clone(), attempt.clone());
        self.core.runtime.spawn(async move {
            let Some(path) = fork.path(&core, &attempt.path).await else { return };
            let (local, seq) = {
                let mut state = call.state();
                state.local_seq += 1;
                (state.local.clone(), state.local_seq)
            };
            let draft = Draft {
                method: Method::PRack,
                uri: fork.target.as_deref().unwrap_or_default(),
                from: &local,
                to: &fork.to,
                call_id: &call.call_id,
                seq,
                routes: &fork.routes,
                contact: None,
                user_agent: &core.config.user_agent,
                extra: vec![field("RAck", format!("{number} {invited} INVITE"))],
                body: None,
            };
            let Ok(request) = draft.build(&path) else { return };
            if let Ok(flight) = Flight::launch(&core, request, &path).await {
                flight.last().await;
            }
        });
    }

    async fn answered(&self, call: &Arc<Call>, attempt: Arc<Attempt>, response: Box<Response>) -> Try {
        let Ok(body) = message::description(&response.headers, &response.body) else {
            attempt.close();
            attempt.answered(&self.core, &response);
            return Try::End(Failure::new(488, "the answer is not a session description"));
        };
        call.answered(&attempt, &response);
        // Carried to the caller of `at` in the call itself.
        call.state().description = body;
        match self.outgoing.body {
            Some(_) => drop(call.acknowledge_attempt(&attempt, &response, None).await),
            None => call.state().unacknowledged = Some((attempt, *response.clone())),
        }
        Try::Answered(response)
    }

    fn send_cancel(&self, attempt: &Attempt) {
        let (core, path) = (self.core.clone(), attempt.path.clone());
        let Some(cancel) = cancel_of(&attempt.invite) else { return };
        self.core.runtime.spawn(async move {
            if let Ok(flight) = Flight::launch(&core, cancel, &path).await {
                flight.last().await;
            }
        });
    }

    fn invite(
        &self,
        plan: &Plan,
        call: &Call,
        path: &Path,
        proof: Option<Header>,
        minimum: Option<Duration>,
    ) -> Result<Request, SipError> {
        let mut extra = vec![field("Allow", message::ALLOW), field("Supported", message::SUPPORTED.join(", "))];
        extra.extend(self.core.wish().request_headers(minimum, None));
        let mut state = call.state();
        if plan.assert_identity {
            let me = state.local.split(";tag=").next().unwrap_or_default();
            extra.push(field("P-Asserted-Identity", me));
        }
        for (name, value) in &self.outgoing.headers {
            let clean = |t: &str| t.chars().filter(|c| !c.is_control()).collect::<String>();
            extra.push(field(&clean(name), clean(value)));
        }
        extra.extend(proof);
        state.local_seq += 1;
        Draft {
            method: Method::Invite,
            uri: &plan.uri,
            from: &state.local,
            to: &plan.to,
            call_id: &call.call_id,
            seq: state.local_seq,
            routes: &[],
            contact: Some(call.contact(path)),
            user_agent: &self.core.config.user_agent,
            extra,
            body: self.outgoing.body.as_deref().map(|b| (SDP, b)),
        }
        .build(path)
    }
}

/// Where a 3xx says the callee is: SIP addresses, the most wanted first, without what they would have us write into the request.
fn contacts(response: &Response) -> Vec<String> {
    let mut found: Vec<(f32, String)> = header::values(&response.headers, "Contact")
        .flat_map(NameAddr::list)
        .filter_map(|contact| {
            let uri = contact.uri.split('?').next().unwrap_or_default().to_string();
            let q = contact.param("q").and_then(|q| q.parse().ok()).filter(|q: &f32| q.is_finite()).unwrap_or(1.0);
            let sip = uri.get(..3).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip"));
            (sip && header::uri(&uri).is_ok()).then_some((q, uri))
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(_, uri)| uri).collect()
}

/// The CANCEL of an INVITE: the same but for method and body (RFC 3261 §9.1).
fn cancel_of(invite: &Request) -> Option<Request> {
    let number = message::cseq(&invite.headers)?.0;
    let mut headers: Vec<Header> = Vec::new();
    for h in invite.headers.iter() {
        match h {
            Header::Via(_)
            | Header::From(_)
            | Header::To(_)
            | Header::CallId(_)
            | Header::Route(_)
            | Header::MaxForwards(_)
            | Header::UserAgent(_) => headers.push(h.clone()),
            _ => {}
        }
    }
    headers.push(field("CSeq", format!("{number} CANCEL")));
    headers.push(field("Content-Length", "0"));
    Some(Request {
        method: Method::Cancel,
        uri: invite.uri.clone(),
        version: invite.version,
        headers: headers.into(),
        body: Vec::new(),
    })
}
