//! A Bitrix24 in memory: it keeps leads, deals and contacts, answers the REST methods as the portal's documentation shows
//! them, counts requests as the portal does, and fails on demand. `http` puts it behind a real socket.

pub(crate) mod http;
mod methods;
mod portal;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

pub(crate) use portal::InMemory;

/// Stages of the funnel of visits.
pub(crate) const STAGES: [&str; 8] =
    ["C2:NEW", "C2:PREPARATION", "C2:EXECUTING", "C2:WON", "C2:LOSE", "C2:APOLOGY", "C2:UC_CALLED", "C2:UC_OWN"];
pub(crate) const TIME_FIELD: &str = "UF_CRM_VISIT_AT";

/// What goes wrong with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
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
pub(crate) enum Reply {
    Answer(u16, Value),
    Lost,
    Crash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) text: String,
}

pub(crate) type Row = Map<String, Value>;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) now_ms: i64,
    pub(crate) deals: BTreeMap<i64, Row>,
    pub(crate) leads: BTreeMap<i64, Row>,
    pub(crate) contacts: BTreeMap<i64, Row>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) faults: VecDeque<Fault>,
    /// Requests, as the portal counts them.
    pub(crate) requests: usize,
    rate_limited: usize,
    last_id: i64,
    bucket: f64,
    bucket_ms: i64,
}

impl State {
    /// How often the portal's own limit was reached.
    pub(crate) fn limited_by_rate(&self) -> usize {
        self.rate_limited
    }
}

#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<State>>);

impl Server {
    pub(crate) fn at(now_ms: i64) -> Self {
        let server = Self::default();
        server.state().now_ms = now_ms;
        server
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// One request from outside.
    pub(crate) fn request(&self, method: &str, params: &Value) -> Reply {
        let mut state = self.state();
        state.requests += 1;
        // The leaky bucket of the small tariffs: two a second run out, fifty may stand in it.
        let passed_s = (state.now_ms - state.bucket_ms) as f64 / 1_000.0;
        state.bucket = (state.bucket - passed_s * 2.0).max(0.0) + 1.0;
        state.bucket_ms = state.now_ms;
        let full = state.bucket > 50.0;
        state.rate_limited += usize::from(full);
        let fault = if full { Some(Fault::Limit) } else { state.faults.pop_front() };
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

    pub(crate) fn fail(&self, faults: &[Fault]) {
        self.state().faults.extend(faults);
    }

    /// What a person does in the portal.
    pub(crate) fn person_sets(&self, deal: i64, field: &str, value: Value) {
        let mut state = self.state();
        let fields = Map::from_iter([(field.to_owned(), value)]);
        methods::update_deal(&mut state, deal, &fields).unwrap();
    }

    pub(crate) fn deals_of(&self, visit: &str) -> Vec<(i64, Row)> {
        let state = self.state();
        let mine = state.deals.iter().filter(|(_, row)| row["ORIGIN_ID"] == visit);
        mine.map(|(id, row)| (*id, row.clone())).collect()
    }

    /// The one deal of a visit.
    pub(crate) fn deal(&self, visit: &str) -> (i64, Row) {
        let mut deals = self.deals_of(visit);
        assert_eq!(deals.len(), 1, "deals of {visit}");
        deals.remove(0)
    }

    pub(crate) fn stage(&self, visit: &str) -> String {
        self.deal(visit).1["STAGE_ID"].as_str().unwrap().to_owned()
    }

    pub(crate) fn comments(&self) -> Vec<String> {
        self.state().comments.iter().map(|comment| comment.text.clone()).collect()
    }
}

/// As the portal writes times: in its own zone, by seconds.
pub(crate) fn clock(ms: i64) -> String {
    let zone = TimeZone::fixed(Offset::constant(3));
    let at = Timestamp::from_millisecond(ms).unwrap().to_zoned(zone);
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

pub(crate) fn millis(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}
