//! The switchboard: one atomic pointer to a table of compiled versions, read when a call starts.
//!
//! A call takes its version with it ([`Pinned`]); whatever happens to the routes meanwhile does not concern it, and the
//! code of a version goes when the last call on it does. Versions are loaded before the pointer moves; one that cannot be
//! loaded changes nothing but the log.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use flows::{Flow, FlowEnd, RunReport, TrapKind};
use records::{ChangeKind, Entry, FlowChange, FlowRoute, FlowRun, Role, Store};
use tokio::sync::broadcast;

use crate::RolloutError;
use crate::guard::judge;
use crate::library::short;
use crate::routes::{Act, Routes};
use crate::stats::{Counters, RolloutStats};

/// A full deploy is on trial for its first so many calls; of a canary the newest so many count.
const WATCHED: u32 = 1000;
/// The version before is measured by its newest so many calls.
const BASELINE: u32 = 200;
/// How often changes made by other processes are looked for.
const LOOK: Duration = Duration::from_millis(25);
/// How often planned changes are looked for.
const PLANS: Duration = Duration::from_secs(1);
/// How soon a version that could not be loaded is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Which version answers which call. Shared by `Arc`.
pub struct Switchboard {
    table: ArcSwap<Table>,
    routes: Option<Routes>,
    store: Option<Store>,
    events: broadcast::Sender<FlowChange>,
    counters: Counters,
    refreshing: tokio::sync::Mutex<()>,
}

/// A version, held for one call.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// The version that answers.
    pub flow: Arc<Flow>,
    /// As what.
    pub role: Role,
    /// The clinic.
    pub clinic: Arc<str>,
    /// The entry of the route that was taken: `day` where the entry asked for has none.
    pub entry: Entry,
    /// The route's generation; 0 = no route led here.
    pub generation: i64,
    /// The version that runs beside, unheard.
    pub shadow: Option<Arc<Flow>>,
}

impl Pinned {
    /// The version that answers.
    pub fn digest(&self) -> &str {
        self.flow.digest()
    }
}

/// What is known of a call's run when it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct CallStart {
    /// The call.
    pub call: String,
    /// Seed of the flow's randomness.
    pub seed: u64,
    /// Where the flow's clock begins, unix milliseconds.
    pub started_ms: i64,
}

/// What is known of a call's run when it has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct CallResult {
    /// The same as at its beginning.
    pub start: CallStart,
    /// When it ended, unix milliseconds.
    pub ended_ms: i64,
    /// How; none = the caller hung up while the flow was parked, or the machine stopped.
    pub end: Option<FlowEnd>,
    /// Whether the flow broke.
    pub trapped: bool,
    /// Whether a person had to take over because of the flow.
    pub handed_over: bool,
    /// CPU its own code took.
    pub cpu_ms: f64,
    /// Its memory at the end.
    pub memory_bytes: usize,
    /// Host calls it made.
    pub host_calls: u32,
}

impl CallResult {
    /// From the flow's own report. What ended because of us (a port, no room) is not held against the flow.
    pub fn of(start: CallStart, ended_ms: i64, report: &RunReport, handed_over: bool) -> Self {
        let trapped = match &report.end {
            FlowEnd::Trapped { kind, .. } => !matches!(kind, TrapKind::Port | TrapKind::EngineFull),
            FlowEnd::Finished | FlowEnd::GaveUp(_) => false,
        };
        Self {
            start,
            ended_ms,
            end: Some(report.end.clone()),
            trapped,
            handed_over,
            cpu_ms: report.cpu_ms,
            memory_bytes: report.memory_bytes,
            host_calls: report.host_calls,
        }
    }
}

/// What the pointer points to. Never changed, only replaced.
#[derive(Default)]
struct Table {
    clinics: HashMap<Arc<str>, Lines>,
    /// Answers where no route leads.
    default: Option<Arc<Flow>>,
    /// The last change it contains.
    seq: i64,
    /// When to try again what could not be loaded.
    retry: Option<Instant>,
}

/// One place for each entry.
type Lines = [Option<Arc<Line>>; Entry::ALL.len()];

struct Line {
    clinic: Arc<str>,
    route: FlowRoute,
    stable: Version,
    candidate: Option<(Version, u64)>,
    shadow: Option<Arc<Flow>>,
}

struct Version {
    flow: Arc<Flow>,
    calls: Arc<AtomicU64>,
}

impl Switchboard {
    /// Every call gets this flow; no records are kept. For the command line and for tests.
    pub fn fixed(flow: Arc<Flow>) -> Arc<Self> {
        Arc::new(Self::empty(None, None, Some(flow)))
    }

    /// The same, with runs written down, so that its calls can be replayed.
    pub fn fixed_with(flow: Arc<Flow>, store: Store) -> Arc<Self> {
        Arc::new(Self::empty(None, Some(store), Some(flow)))
    }

    /// Calls follow the routes; where none leads, `default` answers. Reads the routes and compiles what they name.
    ///
    /// # Errors
    /// [`RolloutError::Records`]. A version that cannot be loaded is no error here: it is logged, and tried again.
    pub async fn open(routes: Routes, default: Option<Arc<Flow>>) -> Result<Arc<Self>, RolloutError> {
        let store = routes.library().store().clone();
        let this = Self::empty(Some(routes), Some(store), default);
        this.refresh_from(true).await?;
        Ok(Arc::new(this))
    }

    fn empty(routes: Option<Routes>, store: Option<Store>, default: Option<Arc<Flow>>) -> Self {
        Self {
            table: ArcSwap::from_pointee(Table { default, ..Table::default() }),
            routes,
            store,
            events: broadcast::channel(256).0,
            counters: Counters::default(),
            refreshing: tokio::sync::Mutex::default(),
        }
    }

    /// The routes, to change them; none on a fixed board.
    pub fn routes(&self) -> Option<&Routes> {
        self.routes.as_ref()
    }

    /// The version for a call that starts now. Takes no lock and waits for nothing. An entry without a route is answered
    /// by the clinic's `day`. None = no version at all: the caller goes to a person.
    pub fn pick(&self, clinic: &str, entry: Entry, call: &str) -> Option<Pinned> {
        let table = self.table.load();
        let lines = table.clinics.get(clinic);
        let Some(line) = lines.and_then(|lines| lines[place(entry)].as_ref().or(lines[place(Entry::Day)].as_ref()))
        else {
            let flow = Arc::clone(table.default.as_ref()?);
            return Some(Pinned {
                flow,
                role: Role::Stable,
                clinic: clinic.into(),
                entry,
                generation: 0,
                shadow: None,
            });
        };
        let chosen = line.candidate.as_ref().filter(|(_, percent)| share_of(call) < *percent);
        let (version, role) = match chosen {
            Some((candidate, _)) => (candidate, Role::Candidate),
            None => (&line.stable, Role::Stable),
        };
        version.calls.fetch_add(1, Ordering::Relaxed);
        Some(Pinned {
            flow: Arc::clone(&version.flow),
            role,
            clinic: Arc::clone(&line.clinic),
            entry: line.route.entry,
            generation: line.route.generation,
            shadow: line.shadow.clone(),
        })
    }

    /// Writes down that a call runs on this version, so that it can be replayed even if the machine stops.
    ///
    /// # Errors
    /// [`RolloutError::Records`].
    pub async fn began(&self, pinned: &Pinned, start: &CallStart) -> Result<(), RolloutError> {
        let Some(store) = &self.store else { return Ok(()) };
        Ok(store.put_flow_run(run_of(pinned, start)).await?)
    }

    /// Writes down how a call ended and lets the guard judge the version. Returns the change if it rolled the route back.
    ///
    /// # Errors
    /// [`RolloutError::Records`], [`RolloutError::Journal`].
    pub async fn ended(&self, pinned: &Pinned, call: &CallResult) -> Result<Option<FlowChange>, RolloutError> {
        let Some(store) = &self.store else { return Ok(None) };
        let unreadable = |error: serde_json::Error| RolloutError::Journal {
            call: call.start.call.clone(),
            problem: error.to_string(),
        };
        let end = call.end.as_ref().map(serde_json::to_string).transpose().map_err(unreadable)?;
        let run = FlowRun {
            ended_ms: Some(call.ended_ms),
            end: end.map(records::Pii::from),
            trapped: call.trapped,
            handed_over: call.handed_over,
            cpu_ms: Some(call.cpu_ms),
            memory_bytes: Some(i64::try_from(call.memory_bytes).unwrap_or(i64::MAX)),
            host_calls: Some(i64::from(call.host_calls)),
            ..run_of(pinned, &call.start)
        };
        store.put_flow_run(run).await?;
        self.judge(pinned, call.ended_ms).await
    }

    /// Writes down how far the version that ran beside a call went from the one that answered.
    ///
    /// # Errors
    /// [`RolloutError::Records`].
    pub async fn shadowed(&self, call: &str, verdict: flows::replay::Verdict) -> Result<(), RolloutError> {
        let Some(store) = &self.store else { return Ok(()) };
        let word = serde_json::to_value(verdict).ok();
        let word = word.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown");
        Ok(store.set_shadow_verdict(call, word).await?)
    }

    /// Takes in what changed, made by this process or another. Returns whether calls that start now follow another table.
    ///
    /// # Errors
    /// [`RolloutError::Records`]; the table stays as it was.
    pub async fn refresh(&self) -> Result<bool, RolloutError> {
        self.refresh_from(false).await
    }

    /// Takes in changes and carries out planned ones, until `shutdown` is ready.
    pub async fn watch(&self, shutdown: impl Future<Output = ()> + Send) {
        let Some(routes) = &self.routes else { return shutdown.await };
        let mut shutdown = std::pin::pin!(shutdown);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut plans = Instant::now();
        let mut trouble = String::new();
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                () = routes.changed().notified() => {}
                _ = look.tick() => {}
            }
            let mut done = self.refresh().await.map(|_| ());
            if plans.elapsed() >= PLANS {
                plans = Instant::now();
                let now_ms = jiff::Timestamp::now().as_millisecond();
                done = done.and(routes.tick(now_ms).await.map(|_| ()));
            }
            // The same trouble comes forty times a second: it is told when it begins and when it is over.
            let now = done.err().map(|error| error.to_string()).unwrap_or_default();
            if now != trouble {
                if now.is_empty() {
                    tracing::info!("flow routes are followed again");
                } else {
                    tracing::error!("flow routes cannot be followed, those in memory go on: {now}");
                }
                trouble = now;
            }
        }
    }

    /// Changes as they are taken in by [`Switchboard::refresh`]; the log itself is [`Routes::changes`].
    pub fn listen(&self) -> broadcast::Receiver<FlowChange> {
        self.events.subscribe()
    }

    /// Figures for metrics.
    pub fn stats(&self) -> RolloutStats {
        let live_versions = self.routes.as_ref().map_or(1, |routes| routes.library().live_versions());
        self.counters.stats(live_versions)
    }

    async fn refresh_from(&self, first: bool) -> Result<bool, RolloutError> {
        let Some(routes) = &self.routes else { return Ok(false) };
        let _one = self.refreshing.lock().await;
        let store = routes.library().store();
        let old = self.table.load_full();
        let due = old.retry.is_some_and(|at| Instant::now() >= at);
        if !first && !due && store.last_flow_change().await? == old.seq {
            return Ok(false);
        }
        let (seq, list) = store.flow_routes().await?;
        let mut table = Table { default: old.default.clone(), seq, ..Table::default() };
        let mut moved = false;
        for route in list {
            let before = old.clinics.get(route.clinic.as_str()).and_then(|lines| lines[place(route.entry)].clone());
            let line = match before {
                Some(line) if line.route == route => line,
                before => match self.line(routes, &route).await {
                    Ok(line) => {
                        moved = true;
                        Arc::new(line)
                    }
                    Err(refused) => {
                        table.retry = Some(Instant::now() + RETRY);
                        self.report(routes, &route, &refused).await;
                        let Some(line) = before.or(refused.without.map(Arc::new)) else { continue };
                        line
                    }
                },
            };
            let (clinic, entry) = (Arc::clone(&line.clinic), line.route.entry);
            table.clinics.entry(clinic).or_default()[place(entry)] = Some(line);
        }
        self.table.store(Arc::new(table));
        if !first {
            self.tell(store, old.seq, seq).await?;
        }
        Ok(moved)
    }

    /// Passes changes on to listeners and counters.
    async fn tell(&self, store: &Store, mut after: i64, until: i64) -> Result<(), RolloutError> {
        while after < until {
            let changes = store.flow_changes(None, after, 1000).await?;
            let Some(last) = changes.last() else { break };
            after = last.seq;
            for change in changes.into_iter().filter(|change| change.seq <= until) {
                self.counters.changed(&change);
                // Nobody needs to listen.
                self.events.send(change).ok();
            }
        }
        Ok(())
    }

    /// Loads what a route names.
    async fn line(&self, routes: &Routes, route: &FlowRoute) -> Result<Line, Refused> {
        let library = routes.library();
        let load = async |digest: &str, role| match library.load(digest).await {
            Ok(flow) => Ok(Version { calls: self.counters.of(&route.clinic, route.entry, digest, role), flow }),
            Err(error) => Err((digest.to_owned(), error)),
        };
        let stable = load(&route.stable, Role::Stable);
        let stable = stable.await.map_err(|(digest, error)| Refused { digest, error, without: None })?;
        let mut line =
            Line { clinic: route.clinic.as_str().into(), route: route.clone(), stable, candidate: None, shadow: None };
        if let Some(digest) = &route.candidate {
            match load(digest, Role::Candidate).await {
                Ok(version) => {
                    let percent = route.percent.and_then(|percent| u64::try_from(percent).ok()).unwrap_or(0);
                    line.candidate = Some((version, percent));
                }
                Err((digest, error)) => return Err(Refused { digest, error, without: Some(line) }),
            }
        }
        if let Some(digest) = &route.shadow {
            match library.load(digest).await {
                Ok(flow) => line.shadow = Some(flow),
                Err(error) => return Err(Refused { digest: digest.clone(), error, without: Some(line) }),
            }
        }
        Ok(line)
    }

    /// Once in the log of changes, however often it is tried.
    async fn report(&self, routes: &Routes, route: &FlowRoute, refused: &Refused) {
        let reason = refused.error.to_string();
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let act = Act { by: "switchboard", reason: &reason, now_ms };
        let change = FlowChange {
            seq: 0,
            clinic: route.clinic.clone(),
            entry: route.entry,
            generation: route.generation,
            kind: ChangeKind::Refused,
            digest: refused.digest.clone(),
            percent: None,
            stable: Some(route.stable.clone()),
            cause: None,
            by: act.by.to_owned(),
            reason: reason.clone(),
            at_ms: now_ms,
        };
        let (clinic, entry, digest) = (&route.clinic, route.entry, short(&refused.digest));
        match routes.library().store().log_flow_change(&change).await {
            Ok(None) => {}
            Ok(Some(_)) => {
                tracing::error!(clinic, %entry, digest, "a flow cannot be loaded, what answered before goes on: {reason}");
            }
            Err(error) => tracing::error!(clinic, %entry, digest, "a flow cannot be loaded: {reason}; {error}"),
        }
    }

    /// Rolls the route back if the version does worse than the one before.
    async fn judge(&self, pinned: &Pinned, now_ms: i64) -> Result<Option<FlowChange>, RolloutError> {
        let (Some(routes), Some(store)) = (&self.routes, &self.store) else { return Ok(None) };
        let table = self.table.load_full();
        let line = table.clinics.get(&pinned.clinic).and_then(|lines| lines[place(pinned.entry)].as_ref());
        let Some(line) = line.filter(|line| line.route.generation == pinned.generation) else { return Ok(None) };
        let (route, clinic, entry) = (&line.route, pinned.clinic.as_ref(), pinned.entry);
        let count = |role, most| store.count_generation(clinic, entry, route.generation, role, most);
        let (candidate, baseline) = match (&route.candidate, &route.previous) {
            (Some(_), _) => (count(Role::Candidate, WATCHED).await?, count(Role::Stable, WATCHED).await?),
            (None, Some(previous)) if route.on_trial => {
                let counts = count(Role::Stable, WATCHED + 1).await?;
                if counts.calls > u64::from(WATCHED) {
                    return Ok(None);
                }
                (counts, store.count_version(clinic, entry, previous, BASELINE).await?)
            }
            _ => return Ok(None),
        };
        let Some(reason) = judge(candidate, baseline, &routes.policy(clinic).bounds) else { return Ok(None) };
        let Some(change) = routes.roll_back_itself(route, &reason, now_ms).await? else {
            // Somebody was faster: what they made of the route is what the next call wants.
            self.refresh().await?;
            return Ok(None);
        };
        let (left, back) = (short(&change.digest), change.stable.as_deref().map(short).unwrap_or_default());
        tracing::warn!(clinic, %entry, left, back, "a flow rolled itself back: {reason}");
        self.refresh().await?;
        Ok(Some(change))
    }
}

/// Why a route cannot be followed, and what of it could.
struct Refused {
    digest: String,
    error: RolloutError,
    without: Option<Line>,
}

fn place(entry: Entry) -> usize {
    entry as usize
}

fn run_of(pinned: &Pinned, start: &CallStart) -> FlowRun {
    FlowRun {
        call: start.call.clone(),
        clinic: pinned.clinic.to_string(),
        entry: pinned.entry,
        generation: pinned.generation,
        digest: pinned.digest().to_owned(),
        role: pinned.role,
        seed: start.seed,
        started_ms: start.started_ms,
        ended_ms: None,
        end: None,
        trapped: false,
        handed_over: false,
        cpu_ms: None,
        memory_bytes: None,
        host_calls: None,
        shadow_digest: pinned.shadow.as_ref().map(|shadow| shadow.digest().to_owned()),
        shadow_verdict: None,
    }
}

/// The call's place among a hundred: FNV-1a, then the mixer of MurmurHash3, since ids that follow each other differ in
/// their last bytes only. The same on every machine, so a call that is picked twice gets the same version.
fn share_of(call: &str) -> u64 {
    let mut hash = call
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (hash ^ (hash >> 33)) % 100
}

#[cfg(test)]
mod tests {
    use super::share_of;

    #[test]
    fn a_share_of_consecutive_ids_is_a_share() {
        let ids = || (0..20_000).map(|n| format!("0193a1f0-0000-7000-8000-{n:012x}"));
        for percent in [1, 10, 50, 99] {
            let chosen = ids().filter(|id| share_of(id) < percent).count() as f64 / 20_000.0;
            // Five standard deviations of a fair choice.
            let p = percent as f64 / 100.0;
            assert!((chosen - p).abs() < 5.0 * (p * (1.0 - p) / 20_000.0).sqrt(), "{percent} %: {chosen}");
        }
    }
}
