//! Changing routes: each change is one transaction, made only if the route is still the one that was looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use records::{ChangeKind, Entry, FlowChange, FlowRoute, FlowSchedule, RecordsError, Store};
use tokio::sync::Notify;

use crate::RolloutError;
use crate::guard::{Bounds, Reason};
use crate::library::{Library, check_clinic, check_signed};
use crate::route::{How, Step, Stepped, stack, step};
use crate::signing::PublicKey;

/// What a clinic wants of its flows (`[flows]` in its file).
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whose signature a version must have; empty: it need not be signed.
    pub signed_by: Vec<PublicKey>,
    /// When a version goes back by itself.
    pub bounds: Bounds,
}

/// Who changes something, why, and when.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// A person's or a program's name.
    pub by: &'a str,
    /// For people; may be empty.
    pub reason: &'a str,
    /// Now, unix milliseconds.
    pub now_ms: i64,
}

/// What came of a deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deployed {
    /// Calls that start from now on follow this route.
    Now(FlowRoute),
    /// It was so already; nothing was changed.
    Already(FlowRoute),
    /// It will be done at its time.
    Planned(FlowSchedule),
}

/// What came of a planned change whose time had come.
#[derive(Clone, Debug)]
pub struct Carried {
    /// The plan.
    pub plan: FlowSchedule,
    /// The new route, or why there is none.
    pub result: Result<FlowRoute, String>,
}

/// The routes of all clinics. Cheap to clone; clones share the policies.
#[derive(Clone)]
pub struct Routes {
    library: Library,
    policies: Arc<ArcSwap<BTreeMap<String, Policy>>>,
    changed: Arc<Notify>,
}

/// Somebody else may change the same route at the same time; so often a change is tried anew.
const TRIES: usize = 8;

impl Routes {
    /// Routes to versions of this library. Clinics have the default policy until [`Routes::set_policy`].
    pub fn new(library: Library) -> Self {
        Self { library, policies: Arc::default(), changed: Arc::default() }
    }

    /// The library.
    pub fn library(&self) -> &Library {
        &self.library
    }

    fn store(&self) -> &Store {
        self.library.store()
    }

    /// What a clinic wants of its flows from now on.
    pub fn set_policy(&self, clinic: &str, policy: Policy) {
        self.policies.rcu(|policies| {
            let mut policies = BTreeMap::clone(policies);
            policies.insert(clinic.to_owned(), policy.clone());
            policies
        });
    }

    /// What a clinic wants of its flows.
    pub fn policy(&self, clinic: &str) -> Policy {
        self.policies.load().get(clinic).cloned().unwrap_or_default()
    }

    /// Every route.
    ///
    /// # Errors
    /// [`RolloutError::Records`].
    pub async fn list(&self) -> Result<Vec<FlowRoute>, RolloutError> {
        Ok(self.store().flow_routes().await?.1)
    }

    /// One route; none = nothing was ever deployed there.
    ///
    /// # Errors
    /// [`RolloutError::Records`].
    pub async fn get(&self, clinic: &str, entry: Entry) -> Result<Option<FlowRoute>, RolloutError> {
        Ok(self.store().flow_route(clinic, entry).await?)
    }

    /// Planned changes that wait, earliest first.
    ///
    /// # Errors
    /// [`RolloutError::Records`].
    pub async fn planned(&self) -> Result<Vec<FlowSchedule>, RolloutError> {
        Ok(self.store().flow_schedule(None).await?)
    }

    /// The log of changes after line `after`, of one clinic or of all, at most `limit` lines.
    ///
    /// # Errors
    /// [`RolloutError::Records`].
    pub async fn changes(&self, clinic: Option<&str>, after: i64, limit: u32) -> Result<Vec<FlowChange>, RolloutError> {
        Ok(self.store().flow_changes(clinic, after, limit).await?)
    }

    /// Puts a version (its digest, the start of it, or `name`, `name@digits`) on a route: now, or `at` a moment. It is
    /// checked and compiled before anything is changed. `at` that is not after now means now.
    ///
    /// # Errors
    /// [`RolloutError::UnknownVersion`], [`RolloutError::Ambiguous`]; [`RolloutError::Unsigned`] and
    /// [`RolloutError::WrongSignature`] for a clinic that takes signed flows only; [`RolloutError::Flow`],
    /// [`RolloutError::MissingFile`], [`RolloutError::DamagedFile`] when it cannot be loaded; [`RolloutError::NoRoute`] for
    /// a canary or shadow where nothing answers; [`RolloutError::AlreadyStable`].
    pub async fn deploy(
        &self,
        clinic: &str,
        entry: Entry,
        version: &str,
        how: How,
        at: Option<i64>,
        act: Act<'_>,
    ) -> Result<Deployed, RolloutError> {
        check_clinic(clinic)?;
        let version = self.library.show(version).await?;
        let digest = version.digest.as_str();
        self.check(clinic, digest).await?;
        if let Some(at_ms) = at.filter(|at| *at > act.now_ms) {
            return self.plan(clinic, entry, digest, how, at_ms, act).await.map(Deployed::Planned);
        }
        // Held until the route is written: the table that is read next finds it compiled.
        let _flow = self.library.load(digest).await?;
        match self.step(clinic, entry, Step::Deploy { digest, how }, act).await? {
            Ok(route) => Ok(Deployed::Now(route)),
            Err(route) => Ok(Deployed::Already(route)),
        }
    }

    /// The candidate answers every call from now on.
    ///
    /// # Errors
    /// [`RolloutError::NoRoute`], [`RolloutError::NoCandidate`].
    pub async fn promote(&self, clinic: &str, entry: Entry, act: Act<'_>) -> Result<FlowRoute, RolloutError> {
        self.change(clinic, entry, Step::Promote, act).await
    }

    /// One step back: a running canary is dropped; without one, the version before answers again. Again = one further back.
    /// Versions that were removed from the library are passed over.
    ///
    /// # Errors
    /// [`RolloutError::NoRoute`], [`RolloutError::NothingBefore`].
    pub async fn rollback(&self, clinic: &str, entry: Entry, act: Act<'_>) -> Result<FlowRoute, RolloutError> {
        self.change(clinic, entry, Step::RollBack, act).await
    }

    /// Ends a canary; the stable version answers every call.
    ///
    /// # Errors
    /// [`RolloutError::NoRoute`], [`RolloutError::NoCandidate`].
    pub async fn drop_candidate(&self, clinic: &str, entry: Entry, act: Act<'_>) -> Result<FlowRoute, RolloutError> {
        self.change(clinic, entry, Step::DropCandidate, act).await
    }

    /// Ends a shadow.
    ///
    /// # Errors
    /// [`RolloutError::NoRoute`], [`RolloutError::NoShadow`].
    pub async fn drop_shadow(&self, clinic: &str, entry: Entry, act: Act<'_>) -> Result<FlowRoute, RolloutError> {
        self.change(clinic, entry, Step::DropShadow, act).await
    }

    /// Calls a planned change off.
    ///
    /// # Errors
    /// [`RolloutError::NotPlanned`].
    pub async fn cancel(&self, id: &str, act: Act<'_>) -> Result<(), RolloutError> {
        let plans = self.planned().await?;
        let plan = plans.iter().find(|plan| plan.id == id);
        let missing = || RolloutError::NotPlanned { id: id.to_owned() };
        let plan = plan.ok_or_else(missing)?;
        let change = self.note(&plan.clinic, plan.entry, ChangeKind::Cancelled, &plan.digest, act).await?;
        if self.store().close_flow_schedule(id, "cancelled", &change).await? { Ok(()) } else { Err(missing()) }
    }

    /// Carries out the planned changes whose time has come, earliest first. Several processes may do so at once; each plan
    /// is carried out once. A plan that is refused is closed with its reason, also in the log of changes.
    ///
    /// # Errors
    /// [`RolloutError::Records`]; what was not done is done at the next call.
    pub async fn tick(&self, now_ms: i64) -> Result<Vec<Carried>, RolloutError> {
        let mut carried = Vec::new();
        for plan in self.store().flow_schedule(Some(now_ms)).await? {
            let result = match self.carry_out(&plan, now_ms).await {
                Ok(Some(route)) => Ok(route),
                // Another process has it, or changed the route just now: the next tick looks again.
                Ok(None) => continue,
                Err(RolloutError::Records(error)) if !matches!(error, RecordsError::NotFound { .. }) => {
                    return Err(error.into());
                }
                Err(refusal) => {
                    let reason = refusal.to_string();
                    let act = Act { by: &plan.by, reason: &reason, now_ms };
                    let change = self.note(&plan.clinic, plan.entry, ChangeKind::Refused, &plan.digest, act).await?;
                    if !self.store().close_flow_schedule(&plan.id, &reason, &change).await? {
                        continue;
                    }
                    tracing::warn!(clinic = plan.clinic, entry = %plan.entry, "planned deploy refused: {reason}");
                    Err(reason)
                }
            };
            carried.push(Carried { plan, result });
        }
        Ok(carried)
    }

    /// Wakes when this process has changed a route.
    pub(crate) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// The guard's way back, from exactly this route. None = somebody changed it meanwhile; the judgement is void.
    pub(crate) async fn roll_back_itself(
        &self,
        seen: &FlowRoute,
        reason: &Reason,
        now_ms: i64,
    ) -> Result<Option<FlowChange>, RolloutError> {
        let (clinic, entry) = (seen.clinic.as_str(), seen.entry);
        let past = self.past(clinic, entry).await?;
        let stepped = match step((clinic, entry), Some(seen), &past, Step::RollBack) {
            Ok(Some(stepped)) => stepped,
            Ok(None) | Err(RolloutError::NothingBefore { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let text = reason.to_string();
        let act = Act { by: "guard", reason: &text, now_ms };
        let (route, mut change) = signed(Stepped { kind: ChangeKind::RolledBackItself, ..stepped }, act);
        change.cause = Some(reason.cause.as_str().to_owned());
        let change = self.store().change_flow_route(seen.generation, &route, &change, None).await?;
        self.changed.notify_one();
        Ok(change)
    }

    /// A line of the log that changes no route.
    pub(crate) async fn note(
        &self,
        clinic: &str,
        entry: Entry,
        kind: ChangeKind,
        digest: &str,
        act: Act<'_>,
    ) -> Result<FlowChange, RolloutError> {
        let route = self.get(clinic, entry).await?;
        Ok(FlowChange {
            seq: 0,
            clinic: clinic.to_owned(),
            entry,
            generation: route.as_ref().map_or(0, |route| route.generation),
            kind,
            digest: digest.to_owned(),
            percent: None,
            stable: route.map(|route| route.stable),
            cause: None,
            by: act.by.to_owned(),
            reason: act.reason.to_owned(),
            at_ms: act.now_ms,
        })
    }

    /// Whether the version may answer this clinic's calls.
    async fn check(&self, clinic: &str, digest: &str) -> Result<(), RolloutError> {
        let version = self.store().flow_version(digest).await?;
        check_signed(&version, &self.policy(clinic).signed_by, clinic)
    }

    async fn plan(
        &self,
        clinic: &str,
        entry: Entry,
        digest: &str,
        how: How,
        at_ms: i64,
        act: Act<'_>,
    ) -> Result<FlowSchedule, RolloutError> {
        drop(self.library.load(digest).await?);
        let plan = FlowSchedule {
            id: records::id(),
            clinic: clinic.to_owned(),
            entry,
            digest: digest.to_owned(),
            how: how.kind(),
            percent: how.percent(),
            at_ms,
            by: act.by.to_owned(),
            made_ms: act.now_ms,
            done_ms: None,
            result: None,
        };
        let mut change = self.note(clinic, entry, ChangeKind::Scheduled, digest, act).await?;
        change.percent = how.percent();
        self.store().schedule_flow(&plan, &change).await?;
        Ok(plan)
    }

    /// None = not by us, or not now.
    async fn carry_out(&self, plan: &FlowSchedule, now_ms: i64) -> Result<Option<FlowRoute>, RolloutError> {
        let (clinic, entry, digest) = (plan.clinic.as_str(), plan.entry, plan.digest.as_str());
        self.check(clinic, digest).await?;
        let _flow = self.library.load(digest).await?;
        let how = How::planned(plan.how, plan.percent)?;
        let reason = "as planned";
        let act = Act { by: &plan.by, reason, now_ms };
        let now = self.get(clinic, entry).await?;
        let past = self.past(clinic, entry).await?;
        let Some(stepped) = step((clinic, entry), now.as_ref(), &past, Step::Deploy { digest, how })? else {
            let change =
                self.note(clinic, entry, ChangeKind::Cancelled, digest, Act { reason: "it is so already", ..act });
            let closed = self.store().close_flow_schedule(&plan.id, "it was so already", &change.await?).await?;
            return Ok(now.filter(|_| closed));
        };
        let (route, change) = signed(stepped, act);
        let seen = now.map_or(0, |now| now.generation);
        let done = self.store().change_flow_route(seen, &route, &change, Some(&plan.id)).await?;
        Ok(done.map(|change| {
            self.announce(&change);
            route
        }))
    }

    async fn change(
        &self,
        clinic: &str,
        entry: Entry,
        what: Step<'_>,
        act: Act<'_>,
    ) -> Result<FlowRoute, RolloutError> {
        Ok(self.step(clinic, entry, what, act).await?.unwrap_or_else(|same| same))
    }

    /// `Err` inside: it was so already.
    async fn step(
        &self,
        clinic: &str,
        entry: Entry,
        what: Step<'_>,
        act: Act<'_>,
    ) -> Result<Result<FlowRoute, FlowRoute>, RolloutError> {
        check_clinic(clinic)?;
        for _ in 0..TRIES {
            let now = self.get(clinic, entry).await?;
            let past = self.past(clinic, entry).await?;
            let Some(stepped) = step((clinic, entry), now.as_ref(), &past, what)? else {
                return now.map(Err).ok_or_else(|| RolloutError::NoRoute { clinic: clinic.to_owned(), entry });
            };
            let (route, change) = signed(stepped, act);
            let seen = now.map_or(0, |now| now.generation);
            if let Some(change) = self.store().change_flow_route(seen, &route, &change, None).await? {
                self.announce(&change);
                return Ok(Ok(route));
            }
        }
        Err(RolloutError::Contended { clinic: clinic.to_owned(), entry })
    }

    /// The versions under the stable one that are still in the library, the newest last.
    async fn past(&self, clinic: &str, entry: Entry) -> Result<Vec<String>, RolloutError> {
        let mut past = stack(&self.store().flow_route_history(clinic, entry).await?);
        let now = past.pop();
        let there = self.library.list().await?;
        past.retain(|digest| there.iter().any(|version| version.digest == *digest));
        // Where a version between two equal ones was removed, the step back would lead nowhere.
        past.dedup();
        if past.last() == now.as_ref() {
            past.pop();
        }
        Ok(past)
    }

    fn announce(&self, change: &FlowChange) {
        self.changed.notify_one();
        let (clinic, entry) = (&change.clinic, change.entry);
        let digest = crate::library::short(&change.digest);
        tracing::info!(clinic, %entry, digest, generation = change.generation, by = change.by, "flow {}", change.kind);
    }
}

/// The route and the line of the log with who, why and when in them.
fn signed(stepped: Stepped, act: Act<'_>) -> (FlowRoute, FlowChange) {
    let Stepped { route, kind, digest } = stepped;
    let route = FlowRoute { since_ms: act.now_ms, by: act.by.to_owned(), ..route };
    let change = FlowChange {
        seq: 0,
        clinic: route.clinic.clone(),
        entry: route.entry,
        generation: route.generation,
        kind,
        digest,
        percent: route.percent,
        stable: Some(route.stable.clone()),
        cause: None,
        by: act.by.to_owned(),
        reason: act.reason.to_owned(),
        at_ms: act.now_ms,
    };
    (route, change)
}
