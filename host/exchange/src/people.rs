//! To a person: asked for every transfer a flow, or a failing call, wants. A queue where the clinic has one for the line;
//! else the line of the clinic file, by REFER where the trunk does that, by a bridge where it does not.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use call::TransferResult;
use desk::Clinic;
use jiff::Timestamp;
use lines::{Door, Moved};
use queue::Join;
use session::{People, QueueNow, TransferCall};
use tokio::sync::mpsc;

use crate::config::{Lines, TransferWay};
use crate::dial::{Dialler, To};
use crate::operators::{About, Answered, Operators, Phones as _, Ringing, ToCaller};

/// A line of this name is an operator's own phone: `@Анна`.
pub(crate) const BY_NAME: char = '@';
/// How long the phone of an operator who takes a call over rings; then there is time for somebody else.
const TAKER_RINGS: Duration = Duration::from_secs(15);
/// How long somebody who is called for a caller may take to answer; the robot gives up after 30 s.
const RING: Duration = Duration::from_secs(25);

/// What became of a transfer that was taken: the reception does it when the robot has left.
pub(crate) enum HandOver {
    /// The caller has a place in a queue.
    Queue {
        /// What to do with them.
        told: mpsc::UnboundedReceiver<ToCaller>,
    },
    /// Somebody answered and waits to be bridged.
    Person {
        /// Their line.
        door: Box<dyn Door>,
        /// What they hear first; empty = nothing.
        whisper: String,
        /// An operator who took the call; no queue rings them meanwhile.
        taken: Option<Engagement>,
    },
    /// The trunk has taken the caller away.
    Moved,
}

/// An operator is on the phone outside of the queues, until this is dropped.
pub(crate) struct Engagement {
    operators: Operators,
    agent: String,
}

impl Engagement {
    fn of(operators: &Operators, agent: &str) -> Engagement {
        operators.tell(queue::Event::Engaged { agent: agent.into() });
        Engagement { operators: operators.clone(), agent: agent.to_owned() }
    }

    /// Who.
    pub(crate) fn agent(&self) -> &str {
        &self.agent
    }
}

impl Drop for Engagement {
    fn drop(&mut self) {
        self.operators.tell(queue::Event::Disengaged { agent: self.agent.as_str().into() });
    }
}

/// The people of the house.
pub(crate) struct Hands {
    pub(crate) lines: Arc<Lines>,
    pub(crate) operators: BTreeMap<String, Operators>,
    pub(crate) dialler: Option<Dialler>,
    /// Calls at the robot.
    calls: Mutex<HashMap<String, AtRobot>>,
}

#[derive(Default)]
struct AtRobot {
    trunk: Option<String>,
    hand_over: Option<HandOver>,
}

impl Hands {
    pub(crate) fn new(lines: Arc<Lines>, operators: BTreeMap<String, Operators>, dialler: Option<Dialler>) -> Hands {
        Hands { lines, operators, dialler, calls: Mutex::default() }
    }

    /// A call is about to talk to the robot.
    pub(crate) fn arrived(&self, call: &str, trunk: Option<String>) {
        self.calls().insert(call.to_owned(), AtRobot { trunk, hand_over: None });
    }

    /// The robot has left the call; where to is told, once.
    pub(crate) fn left(&self, call: &str) -> Option<HandOver> {
        self.calls().remove(call)?.hand_over
    }

    fn take(&self, call: &str, hand_over: HandOver) -> TransferResult {
        match self.calls().get_mut(call) {
            Some(at_robot) => {
                at_robot.hand_over = Some(hand_over);
                TransferResult::Connected
            }
            // The caller hung up meanwhile; dropped here, whoever answered is hung up too.
            None => TransferResult::Nobody,
        }
    }

    /// To an operator who wants this caller; to whoever there is, where they do not answer.
    async fn to_taker(&self, call: &TransferCall, name: &str) -> TransferResult {
        if let (Some(operators), Some(dialler)) = (self.operators.get(&call.clinic.id), &self.dialler) {
            let taken = Engagement::of(operators, name);
            let ringing = Ringing {
                operator: name.to_owned(),
                caller: call.caller.clone(),
                queue: String::new(),
                callback: false,
            };
            if let Ok(Ok(Answered { door, .. })) = tokio::time::timeout(TAKER_RINGS, dialler.ring(ringing)).await {
                let whisper = call.summary.clone();
                return self.take(&call.id, HandOver::Person { door, whisper, taken: Some(taken) });
            }
        }
        let anybody = TransferCall { to: "operator".to_owned(), ..call.clone() };
        self.transfer(&anybody).await
    }

    fn way_of(&self, call: &str) -> (TransferWay, Option<String>) {
        let trunk = self.calls().get(call).and_then(|at_robot| at_robot.trunk.clone());
        let way = self.lines.trunks.iter().find(|one| Some(&one.name) == trunk.as_ref()).map(|one| one.transfer);
        (way.unwrap_or_default(), trunk)
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, HashMap<String, AtRobot>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn join(&self, call: &TransferCall, queue: &crate::config::Queue) -> TransferResult {
        if !queue.always_open && !call.clinic.is_open(call.at) {
            return TransferResult::Nobody;
        }
        let Some(operators) = self.operators.get(&call.clinic.id) else { return TransferResult::Nobody };
        let mut join = Join::new(call.id.as_str(), queue.name.as_str());
        join.can_call_back = call.caller.is_some();
        let about = About { caller: call.caller.clone(), summary: call.summary.clone() };
        match operators.join(join, about).await {
            Some(told) => {
                let taken = self.take(&call.id, HandOver::Queue { told });
                if taken != TransferResult::Connected {
                    operators.tell(queue::Event::HungUp { call: call.id.as_str().into() });
                }
                taken
            }
            None => TransferResult::Nobody,
        }
    }

    /// The trunk is asked to take the caller; none = it does not do that, a bridge may.
    async fn refer(&self, call: &TransferCall, target: &str, way: TransferWay) -> Option<TransferResult> {
        let line = call.line.as_ref().filter(|_| way != TransferWay::Bridge)?;
        let moved = line.transfer(target).await;
        tracing::info!(call = call.id, to = call.to, result = ?Word(&moved), "a transfer by the trunk");
        match (moved, way) {
            (Moved::Accepted, _) => Some(self.take(&call.id, HandOver::Moved)),
            (_, TransferWay::Auto) => None,
            (Moved::Refused(why), _) => Some(TransferResult::Refused(why)),
            (Moved::NoWord, _) => {
                Some(TransferResult::Refused("the trunk did not say how the transfer went".to_owned()))
            }
            (Moved::Unsupported, _) => Some(TransferResult::Refused("this line transfers nothing".to_owned())),
        }
    }
}

/// How it went, without the other side's words: they may hold a number.
struct Word<'a>(&'a Moved);

impl std::fmt::Debug for Word<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Moved::Accepted => "accepted",
            Moved::Refused(_) => "refused",
            Moved::NoWord => "no word",
            Moved::Unsupported => "unsupported",
        })
    }
}

#[async_trait]
impl People for Hands {
    async fn queue(&self, clinic: &Clinic, to: &str) -> Option<QueueNow> {
        let settings = self.lines.queue_for(&clinic.id, to)?;
        let view = self.operators.get(&clinic.id)?.look().await;
        let queue = view.queues.into_iter().find(|queue| queue.queue.as_str() == settings.name)?;
        let open = settings.always_open || clinic.is_open(Timestamp::now());
        let wait_s = queue.next_wait_ms.map(|ms| u32::try_from(ms / 1_000).unwrap_or(u32::MAX));
        Some(QueueNow {
            served: open && wait_s.is_some() && queue.waiting < settings.max_waiting,
            waiting: queue.waiting,
            expected_wait_s: wait_s.unwrap_or(settings.max_wait_s).min(settings.max_wait_s),
        })
    }

    async fn transfer(&self, call: &TransferCall) -> TransferResult {
        if let Some(name) = call.to.strip_prefix(BY_NAME) {
            return self.to_taker(call, name).await;
        }
        if let Some(queue) = self.lines.queue_for(&call.clinic.id, &call.to) {
            return self.join(call, queue).await;
        }
        // As without phones: the operator's line is staffed during opening hours, others when they answer.
        let Some(target) = call.clinic.lines.get(&call.to) else { return TransferResult::Nobody };
        if call.to == "operator" && !call.clinic.is_open(call.at) {
            return TransferResult::Nobody;
        }
        let (way, trunk) = self.way_of(&call.id);
        if let Some(result) = self.refer(call, target, way).await {
            return result;
        }
        let Some(dialler) = &self.dialler else { return TransferResult::Nobody };
        let to = To::line(target, trunk.as_deref(), &call.clinic.id);
        match dialler.dial(to, call.caller.as_deref(), RING).await {
            Ok(door) => {
                let whisper =
                    if call.summary.is_empty() { String::new() } else { format!("Звонок. {}", call.summary) };
                self.take(&call.id, HandOver::Person { door, whisper, taken: None })
            }
            Err(not_reached) => {
                tracing::info!(call = call.id, to = call.to, why = ?not_reached.why, status = not_reached.status, "nobody answered a transfer");
                TransferResult::Nobody
            }
        }
    }
}
