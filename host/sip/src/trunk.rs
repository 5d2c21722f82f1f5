//! Lines to providers: which addresses are theirs, and keeping ourselves registered there.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsipstack::sip::{Method, Response};
use rsipstack::transaction::random_text;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::call::{Proof, name, random};
use crate::config::{Account, Transport, Trunk};
use crate::core::Core;
use crate::error::SipError;
use crate::flight::{self, Flight};
use crate::header::{self, NameAddr, field};
use crate::locate::{HostPort, Target};
use crate::message::{self, Draft};
use crate::transport::Path;

/// First and last pause after a failed registration.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// A refused password will not get better by asking often.
const REFUSED: Duration = Duration::from_secs(60);

/// How a trunk is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkState {
    /// The trunk.
    pub name: String,
    /// Its registration.
    pub registration: Registration,
    /// Whether its server answers, where that is asked.
    pub reach: Reach,
    /// Our address as its server sees it.
    pub seen_as: Option<SocketAddr>,
    /// Our address as we tell it in Contact. Different from `seen_as`: there is a NAT between.
    pub offered: Option<SocketAddr>,
}

/// Whether a server is there: any answer to OPTIONS says so, a refusal too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It was not asked (yet).
    Unknown,
    /// It answers.
    Answers {
        /// In this time.
        round_trip: Duration,
    },
    /// It does not.
    Silent {
        /// What is wrong.
        problem: String,
    },
}

/// State of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// None is configured: known by address.
    NotWanted,
    /// Under way for the first time.
    Trying,
    /// Calls can come.
    Registered {
        /// The lifetime the server granted.
        lifetime: Duration,
    },
    /// It did not work; it is tried again.
    Failed {
        /// SIP status; `None`: no answer, or no way there.
        status: Option<u16>,
        /// What was said, or what is wrong.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
}

/// A trunk at work.
pub(crate) struct TrunkLine {
    pub config: Trunk,
    resolved: Mutex<Vec<SocketAddr>>,
    state: watch::Sender<TrunkState>,
}

impl TrunkLine {
    pub(crate) fn new(config: Trunk) -> Arc<TrunkLine> {
        let registration = if config.register.is_some() { Registration::Trying } else { Registration::NotWanted };
        let state =
            TrunkState { name: config.name.clone(), registration, reach: Reach::Unknown, seen_as: None, offered: None };
        Arc::new(TrunkLine { config, resolved: Mutex::default(), state: watch::Sender::new(state) })
    }

    pub(crate) fn state(&self) -> watch::Receiver<TrunkState> {
        self.state.subscribe()
    }

    /// Whether calls from this address are this trunk's.
    pub(crate) fn lives_at(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.config.addresses.iter().any(|n| n.contains(address))
            || self.resolved().iter().any(|a| a.ip().to_canonical() == address)
    }

    pub(crate) fn lives_exactly_at(&self, address: SocketAddr) -> bool {
        self.resolved().contains(&address)
    }

    /// Host part of our address there.
    pub(crate) fn domain(&self, realm: &str) -> String {
        let server = || {
            let place = HostPort::parse(self.config.server.as_deref()?).ok()?;
            Some(if place.host.contains(':') { format!("[{}]", place.host) } else { place.host })
        };
        self.config.domain.clone().or_else(server).unwrap_or_else(|| realm.to_string())
    }

    /// Where requests to this trunk go.
    pub(crate) async fn targets(&self, core: &Core) -> Result<Vec<Target>, SipError> {
        let server = self.config.proxy.as_deref().or(self.config.server.as_deref()).ok_or_else(|| {
            SipError::Config(format!("trunk {:?} has no server: calls cannot be sent there", self.config.name))
        })?;
        let mut targets = core.locator.locate(&HostPort::parse(server)?, self.config.transport).await?;
        targets.iter_mut().for_each(|target| target.free &= !self.config.transport_fixed);
        *self.resolved() = targets.iter().map(|t| t.address).collect();
        Ok(targets)
    }

    /// Keeps the trunk's addresses known and, where wanted, ourselves registered; ends by unregistering.
    pub(crate) async fn run(self: Arc<Self>, core: Arc<Core>) {
        let (Some(_), Some(account)) = (self.config.register, self.config.account.clone()) else {
            return self.follow_names(&core).await;
        };
        let mut session = Session { call_id: random_text(24), tag: random_text(12), seq: 0, failures: 0 };
        loop {
            let outcome = tokio::select! {
                () = core.stop.cancelled() => break,
                outcome = self.register(&core, &account, &mut session, self.config.register) => outcome,
            };
            let (wait, path) = self.judge(outcome, &mut session);
            tokio::select! {
                () = core.stop.cancelled() => break,
                () = self.rest(&core, wait, path.as_ref()) => {}
            }
        }
        if matches!(self.state.borrow().registration, Registration::Registered { .. }) {
            let away = self.register(&core, &account, &mut session, None);
            tokio::time::timeout(core.config.t1 * 8, away).await.ok();
        }
    }

    /// Asks the server again and again whether it is there.
    pub(crate) async fn qualify(self: Arc<Self>, core: Arc<Core>) {
        let Some(every) = self.config.qualify.filter(|_| self.config.server.is_some()) else { return };
        loop {
            // Not all trunks in step.
            let wait = every + Duration::from_millis(random(every.as_millis() as u64 / 10));
            tokio::select! {
                () = core.stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            let reach = self.probe(&core).await;
            let (was, is) = (self.state.borrow().reach.clone(), &reach);
            match (&was, is) {
                (Reach::Silent { .. }, Reach::Silent { .. }) => {}
                (_, Reach::Silent { problem }) => {
                    tracing::warn!(trunk = %self.config.name, problem, "the trunk is gone")
                }
                (Reach::Silent { .. }, _) => tracing::info!(trunk = %self.config.name, "the trunk is back"),
                _ => {}
            }
        }
    }

    /// Asks once, and keeps what came of it.
    pub(crate) async fn probe(&self, core: &Core) -> Reach {
        let reach = match self.ask(core).await {
            Ok(round_trip) => Reach::Answers { round_trip },
            Err(failure) => Reach::Silent { problem: failure.reason },
        };
        self.state.send_if_modified(|state| {
            let changed = std::mem::discriminant(&state.reach) != std::mem::discriminant(&reach);
            state.reach = reach.clone();
            changed
        });
        reach
    }

    async fn ask(&self, core: &Core) -> Result<Duration, Failure> {
        let targets = self.targets(core).await.map_err(Failure::here)?;
        let user = self.config.account.as_ref().map_or("gudok", |account| &account.user);
        let domain = self.domain(&core.config.realm);
        let (uri, user) = (format!("sip:{domain}"), header::escape_user(user));
        let (from, to) = (format!("<sip:{user}@{domain}>;tag={}", random_text(12)), format!("<{uri}>"));
        let mut last = Failure { status: None, reason: "no server answers".into(), retry_after: None };
        for target in &targets {
            let path = match core.wires.path(target, self.config.verify_tls).await {
                Ok(path) => path,
                Err(e) => {
                    last = Failure::here(e);
                    continue;
                }
            };
            let draft = Draft {
                method: Method::Options,
                uri: &uri,
                from: &from,
                to: &to,
                call_id: &random_text(24),
                seq: 1,
                routes: &[],
                contact: Some(message::contact(&user, &path)),
                user_agent: &core.config.user_agent,
                extra: vec![field("Accept", "application/sdp")],
                body: None,
            };
            let request = draft.build(&path).map_err(Failure::here)?;
            let asked = Instant::now();
            let flight = Flight::launch(core, request, &path).await.map_err(Failure::here)?;
            match flight.last().await.filter(|r| !flight::is_timeout(r)) {
                Some(_) => return Ok(asked.elapsed()),
                None => last = Failure { reason: format!("{} does not answer", target.address), ..last },
            }
        }
        Err(last)
    }

    /// Without a registration: the names still have to be looked up, and may change.
    async fn follow_names(&self, core: &Core) {
        while self.config.server.is_some() && !core.stop.is_cancelled() {
            let found = self.targets(core).await.is_ok();
            let wait = Duration::from_secs(if found { 600 } else { 30 });
            tokio::select! {
                () = core.stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// What an outcome means: the state to show, and the time until the next registration.
    fn judge(&self, outcome: Result<Granted, Failure>, session: &mut Session) -> (Duration, Option<Path>) {
        match outcome {
            Ok(granted) => {
                session.failures = 0;
                self.state.send_modify(|s| {
                    s.registration = Registration::Registered { lifetime: granted.lifetime };
                    s.seen_as = granted.seen_as;
                    s.offered = Some(granted.path.face);
                });
                (refresh_after(granted.lifetime), Some(granted.path))
            }
            Err(failure) => {
                let wait = failure.wait(session.failures);
                session.failures += 1;
                tracing::warn!(
                    trunk = %self.config.name, status = failure.status, reason = %failure.reason, ?wait,
                    "registration failed"
                );
                self.state.send_modify(|s| {
                    let Failure { status, reason, .. } = failure;
                    s.registration = Registration::Failed { status, reason, retry_in: wait };
                });
                (wait, None)
            }
        }
    }

    /// Waits for the next registration, keeping the flow open; ends early when the connection is gone.
    async fn rest(&self, core: &Core, wait: Duration, path: Option<&Path>) {
        let until = Instant::now() + wait;
        loop {
            let next = Instant::now() + core.config.keep_alive;
            if next >= until || path.is_none() {
                return sleep_until(until).await;
            }
            sleep_until(next).await;
            if let Some(path) = path {
                if core.wires.path_back(path.transport, path.destination).is_none() {
                    return;
                }
                core.wires.ping(path.transport, path.destination).await;
            }
        }
    }

    /// One registration; `None` takes it back.
    async fn register(
        &self,
        core: &Core,
        account: &Account,
        session: &mut Session,
        lifetime: Option<Duration>,
    ) -> Result<Granted, Failure> {
        let targets = self.targets(core).await.map_err(Failure::here)?;
        let domain = self.domain(&core.config.realm);
        let address = format!("<sip:{}@{domain}>", header::escape_user(&account.user));
        let uri = format!("sip:{domain}");
        let from = format!("{address};tag={}", session.tag);
        let mut lifetime = lifetime.unwrap_or_default();
        let mut last = Failure { status: None, reason: "no server answers".into(), retry_after: None };
        for target in &targets {
            let path = match core.wires.path(target, self.config.verify_tls).await {
                Ok(path) => path,
                Err(e) => {
                    last = Failure::here(e);
                    continue;
                }
            };
            let contact = message::contact(&account.user, &path);
            let mut proof: Option<Proof> = None;
            let mut renewed = 0;
            let mut sent = uri.clone();
            loop {
                session.seq += 1;
                let mut extra = vec![field("Expires", lifetime.as_secs().to_string()), field("Supported", "path")];
                extra.extend(proof.as_mut().map(|proof| proof.header(name(Method::Register), &sent)));
                let draft = Draft {
                    method: Method::Register,
                    uri: &uri,
                    from: &from,
                    to: &address,
                    call_id: &session.call_id,
                    seq: session.seq,
                    routes: &[],
                    contact: Some(contact.clone()),
                    user_agent: &core.config.user_agent,
                    extra,
                    body: None,
                };
                let request = draft.build(&path).map_err(Failure::here)?;
                sent = request.uri.to_string();
                let flight = Flight::launch(core, request, &path).await.map_err(Failure::here)?;
                let Some(response) = flight.last().await.filter(|r| !flight::is_timeout(r)) else { break };
                match response.status_code.code() {
                    200..=299 => return Ok(Granted::read(&response, &contact, lifetime, path)),
                    // Once with each nonce; a second refusal of a fresh one means a wrong password.
                    401 | 407 if renewed < 2 => {
                        let stale = ["WWW-Authenticate", "Proxy-Authenticate"].iter().any(|n| {
                            header::values(&response.headers, n).any(|v| v.to_ascii_lowercase().contains("stale=true"))
                        });
                        if renewed == 0 || stale {
                            renewed += 1;
                            proof = Proof::asked(&response, account);
                            if proof.is_some() {
                                continue;
                            }
                        }
                    }
                    423 if !lifetime.is_zero() => {
                        let least = header::value(&response.headers, "Min-Expires").and_then(header::seconds);
                        if let Some(least) = least.map(Duration::from_secs).filter(|l| *l > lifetime) {
                            lifetime = least;
                            continue;
                        }
                    }
                    _ => {}
                }
                last = Failure::said(&response);
                break;
            }
            // Another server may do better only when this one is in trouble.
            if last.status.is_some_and(|s| s < 500) {
                break;
            }
        }
        Err(last)
    }

    fn resolved(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Session {
    call_id: String,
    tag: String,
    seq: u32,
    failures: u32,
}

struct Granted {
    lifetime: Duration,
    seen_as: Option<SocketAddr>,
    path: Path,
}

impl Granted {
    fn read(response: &Response, contact: &str, asked: Duration, path: Path) -> Granted {
        let ours = NameAddr::parse(contact).map(|c| c.uri);
        let headers = &response.headers;
        let listed = header::values(headers, "Contact")
            .flat_map(NameAddr::list)
            .find(|c| Some(&c.uri) == ours.as_ref())
            .and_then(|c| c.param("expires").and_then(header::seconds));
        let general = || header::value(headers, "Expires").and_then(header::seconds);
        let lifetime = listed.or_else(general).map_or(asked, Duration::from_secs);
        let via = header::value(headers, "Via").unwrap_or_default();
        let part = |n| header::parameter(via.split(',').next().unwrap_or_default(), n);
        let port = part("rport").and_then(|p| p.parse().ok()).unwrap_or(path.face.port());
        let ip = part("received").and_then(|r| r.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        Granted { lifetime, seen_as: ip.map(|ip| SocketAddr::new(ip, port)), path }
    }
}

#[derive(Debug)]
struct Failure {
    status: Option<u16>,
    reason: String,
    retry_after: Option<Duration>,
}

impl Failure {
    fn here(error: SipError) -> Failure {
        Failure { status: None, reason: error.to_string(), retry_after: None }
    }

    fn said(response: &Response) -> Failure {
        let retry_after = header::value(&response.headers, "Retry-After").map(|v| v.split('(').next().unwrap_or(v));
        Failure {
            status: Some(response.status_code.code()),
            reason: message::reason(response),
            retry_after: retry_after.and_then(header::seconds).map(Duration::from_secs),
        }
    }

    /// Doubling from five seconds to five minutes, with a fifth of chance so that a clinic's trunks do not return in
    /// step after an outage.
    fn wait(&self, failures: u32) -> Duration {
        if let Some(asked) = self.retry_after {
            return asked.clamp(BACK_OFF.0, BACK_OFF.1 * 12);
        }
        let refused = matches!(self.status, Some(401 | 403 | 404 | 407));
        let first = if refused { REFUSED } else { BACK_OFF.0 };
        let wait = first.saturating_mul(1 << failures.min(10)).min(BACK_OFF.1);
        wait + Duration::from_millis(random(wait.as_millis() as u64 / 5))
    }
}

/// Well before the end, because a refresh may have to be repeated.
fn refresh_after(lifetime: Duration) -> Duration {
    match lifetime.as_secs() {
        0..=10 => lifetime / 2,
        11..=100 => lifetime - Duration::from_secs(5),
        _ => lifetime.mul_f64(0.9),
    }
}

/// Whether this transport keeps a connection. Only for configuration messages.
pub(crate) fn needs_server(trunk: &Trunk) -> Result<(), SipError> {
    let complain = |what: &str| Err(SipError::Config(format!("trunk {:?}: {what}", trunk.name)));
    match trunk {
        Trunk { register: Some(_), account: None, .. } => complain("register needs user and password"),
        Trunk { register: Some(_), server: None, .. } => complain("register needs a server"),
        Trunk { challenge: true, account: None, .. } => complain("challenge needs user and password to ask for"),
        Trunk { server: None, addresses, .. } if addresses.is_empty() => {
            complain("it has neither a server nor addresses; nobody could call over it")
        }
        Trunk { transport: Transport::Tls, verify_tls: false, .. } => {
            tracing::warn!(trunk = %trunk.name, "the trunk's TLS certificate is not checked");
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_obey() {
        let failure = |status, retry_after: Option<u64>| Failure {
            status,
            reason: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        };
        for (failures, least) in [(0, 5), (1, 10), (5, 160), (6, 300), (31, 300)] {
            let wait = failure(None, None).wait(failures).as_secs();
            assert!((least..=least + least / 5 + 1).contains(&wait), "{failures} failures: {wait} s");
        }
        assert!(failure(Some(403), None).wait(0) >= REFUSED);
        assert_eq!(failure(Some(503), Some(30)).wait(9).as_secs(), 30);
        assert_eq!(failure(Some(503), Some(0)).wait(0).as_secs(), 5);
    }

    #[test]
    fn refreshes_leave_time_to_repeat() {
        let after = |s| refresh_after(Duration::from_secs(s)).as_secs();
        assert_eq!((after(4), after(60), after(3600)), (2, 55, 3240));
    }
}
