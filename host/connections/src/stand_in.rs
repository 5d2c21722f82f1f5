//! A Bitrix24 in memory, for tests and simulations: it keeps leads, deals and contacts, answers the REST methods as the
//! portal's documentation shows them, counts requests as the portal does, and fails on demand.

mod methods;
mod portal;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

pub use portal::InMemory;

/// Stages of the funnel of visits.
pub const STAGES: [&str; 8] =
    ["C2:NEW", "C2:PREPARATION", "C2:EXECUTING", "C2:WON", "C2:LOSE", "C2:APOLOGY", "C2:UC_CALLED", "C2:UC_OWN"];
/// The deal's field with the visit's time.
pub const TIME_FIELD: &str = "UF_CRM_VISIT_AT";

/// What goes wrong with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Too many requests.
    Limit,
    /// The method used up its time.
    Operation,
    /// It never arrives.
    LostRequest,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// The program dies before it is done.
    CrashBefore,
    /// The program dies after it is done.
    CrashAfter,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A status, and the JSON.
    Answer(u16, Value),
    /// Nothing: the question or the answer was lost.
    Lost,
    /// Nothing, and who asked is dead.
    Crash,
}

/// A comment in the timeline of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// `deal`, `lead`.
    pub kind: String,
    /// Of which.
    pub id: String,
    /// What it says.
    pub text: String,
}

/// A deal, a lead, a contact.
pub type Row = Map<String, Value>;

/// What it keeps.
#[derive(Debug, Default)]
pub struct State {
    /// What its clock shows.
    pub now_ms: i64,
    /// By id.
    pub deals: BTreeMap<i64, Row>,
    /// By id.
    pub leads: BTreeMap<i64, Row>,
    /// By id.
    pub contacts: BTreeMap<i64, Row>,
    /// Oldest first.
    pub comments: Vec<Comment>,
    /// What goes wrong with the next requests.
    pub faults: VecDeque<Fault>,
    /// While set, no request arrives.
    pub down: bool,
    /// Requests, as the portal counts them.
    pub requests: usize,
    /// Of them, those that brought nothing.
    pub failed: usize,
    rate_limited: usize,
    last_id: i64,
    bucket: f64,
    bucket_ms: i64,
}

impl State {
    /// How often the portal's own limit was reached.
    pub fn limited_by_rate(&self) -> usize {
        self.rate_limited
    }
}

/// The portal. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Server(Arc<Mutex<State>>);

impl Server {
    /// One whose clock shows this.
    pub fn at(now_ms: i64) -> Self {
        let server = Self::default();
        server.state().now_ms = now_ms;
        server
    }

    /// What it keeps, to look at and to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request from outside.
    pub fn request(&self, method: &str, params: &Value) -> Reply {
        let mut state = self.state();
        state.requests += 1;
        // The leaky bucket of the small tariffs: two a second run out, fifty may stand in it.
        let passed_s = (state.now_ms - state.bucket_ms) as f64 / 1_000.0;
        state.bucket = (state.bucket - passed_s * 2.0).max(0.0) + 1.0;
        state.bucket_ms = state.now_ms;
        let full = state.bucket > 50.0;
        state.rate_limited += usize::from(full);
        let fault = match () {
            () if state.down => Some(Fault::LostRequest),
            () if full => Some(Fault::Limit),
            () => state.faults.pop_front(),
        };
        state.failed += usize::from(fault.is_some());
        match fault {
            Some(Fault::Limit) => {
                let error = json!({ "error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests" });
                return Reply::Answer(503, error);
            }
            Some(Fault::Operation) => {
                let text = "Method is blocked due to operation time limit.";
                return Reply::Answer(429, json!({ "error": "OPERATION_TIME_LIMIT", "error_description": text }));
            }
            Some(Fault::LostRequest) => return Reply::Lost,
            Some(Fault::CrashBefore) => return Reply::Crash,
            Some(Fault::LostAnswer | Fault::CrashAfter) | None => {}
        }
        let (status, mut answer) = match methods::call(&mut state, method, params) {
            Ok(answer) => (200, answer),
            Err((code, text)) => (400, json!({ "error": code, "error_description": text })),
        };
        let now = clock(state.now_ms);
        answer["time"] = json!({ "date_start": now, "date_finish": now, "duration": 0.01, "operating": 0.01 });
        match fault {
            Some(Fault::LostAnswer) => Reply::Lost,
            Some(Fault::CrashAfter) => Reply::Crash,
            _ => Reply::Answer(status, answer),
        }
    }

    /// The next requests fail so.
    pub fn fail(&self, faults: &[Fault]) {
        self.state().faults.extend(faults);
    }

    /// What a person does in the portal. False: there is no such deal, or the funnel has no such stage.
    pub fn person_sets(&self, deal: i64, field: &str, value: Value) -> bool {
        let mut state = self.state();
        let fields = Map::from_iter([(field.to_owned(), value)]);
        methods::update_deal(&mut state, deal, &fields).is_ok()
    }

    /// The deals of a visit: their ids, and what is in them.
    pub fn deals_of(&self, visit: &str) -> Vec<(i64, Row)> {
        let state = self.state();
        let mine = state.deals.iter().filter(|(_, row)| row.get("ORIGIN_ID").is_some_and(|origin| origin == visit));
        mine.map(|(id, row)| (*id, row.clone())).collect()
    }

    /// What its comments say.
    pub fn comments(&self) -> Vec<String> {
        self.state().comments.iter().map(|comment| comment.text.clone()).collect()
    }
}

/// As the portal writes times: in its own zone, by seconds.
pub fn clock(ms: i64) -> String {
    let zone = TimeZone::fixed(Offset::constant(3));
    let at = Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(zone);
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Unix milliseconds of such a time.
pub fn millis(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
