//! A call as a tree of spans: a pure function of what the records hold of it.

use records::{CallRecord, FlowRun, JournalRecord, TagEntry, Turn, Who};
use sha2::{Digest as _, Sha256};

/// Spans of one call, at most; a flow that loops makes thousands of host calls.
const MOST: usize = 500;

/// What is known of a call that is over.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The call.
    pub call: &'a CallRecord,
    /// What was said; only its times are used.
    pub turns: &'a [Turn],
    /// Every word on what it was about.
    pub tags: &'a [TagEntry],
    /// The flow that held it.
    pub run: Option<&'a FlowRun>,
    /// What the flow asked of the host; none: it lies sealed and there is no key.
    pub journal: Option<&'a [JournalRecord]>,
}

/// Which side of a conversation between programs a span is (OTLP `SpanKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work of our own.
    Internal = 1,
    /// Somebody asked us: the call itself.
    Server = 2,
}

/// What an attribute says.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A word of a list, or an id.
    Text(String),
    /// A count or a time.
    Int(i64),
    /// A measure.
    Double(f64),
    /// Yes or no.
    Bool(bool),
}

/// A part of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The same in all spans of a call.
    pub trace: [u8; 16],
    /// This one's own.
    pub id: [u8; 8],
    /// None for the call itself.
    pub parent: Option<[u8; 8]>,
    /// `call`, `ring`, `recognise`, `respond`, `speak`, `flow`, the name of a host function, `tag`.
    pub name: String,
    /// Which side.
    pub kind: Kind,
    /// Unix milliseconds.
    pub start_ms: i64,
    /// The same; never before the start.
    pub end_ms: i64,
    /// Without personal data.
    pub attributes: Vec<(&'static str, Value)>,
    /// What broke, in a word or two.
    pub error: Option<&'static str>,
}

/// The spans of a call, the call itself first.
pub fn trace(facts: &Facts<'_>) -> Vec<Span> {
    let call = facts.call;
    let end_ms = call.ended_ms.unwrap_or(call.started_ms);
    let mut spans = Spans { call: &call.id, found: Vec::new() };
    let root = spans.add(None, "call", 0, (call.started_ms, end_ms));
    spans.found[0].kind = Kind::Server;
    spans.found[0].attributes = of_call(facts);
    let ring = spans.add(Some(root), "ring", 0, (call.started_ms, call.answered_ms.unwrap_or(end_ms)));
    spans.set(ring, "gudok.answered", Value::Bool(call.answered_ms.is_some()));
    for turn in facts.turns {
        of_turn(&mut spans, root, call.started_ms, turn);
    }
    let flow = facts.run.map(|run| {
        let flow = spans.add(Some(root), "flow", 0, (run.started_ms, run.ended_ms.unwrap_or(end_ms)));
        spans.set(flow, "gudok.flow.digest", Value::Text(run.digest.clone()));
        spans.set(flow, "gudok.flow.generation", Value::Int(run.generation));
        spans.set(flow, "gudok.flow.handed_over", Value::Bool(run.handed_over));
        if let Some(cpu) = run.cpu_ms {
            spans.set(flow, "gudok.flow.cpu_ms", Value::Double(cpu));
        }
        if run.trapped {
            spans.fail(flow, "the flow broke");
        }
        flow
    });
    match facts.journal {
        Some(journal) => {
            for entry in journal {
                of_host_call(&mut spans, flow.unwrap_or(root), entry);
            }
        }
        None => spans.set(root, "gudok.journal.sealed", Value::Bool(true)),
    }
    for entry in facts.tags {
        let tag = spans.add(Some(root), "tag", entry.seq, (entry.tag.at_ms, entry.tag.at_ms));
        spans.set(tag, "gudok.category", Value::Text(entry.tag.category.clone()));
        spans.set(tag, "gudok.confidence", Value::Double(entry.tag.confidence));
        spans.set(tag, "gudok.review", Value::Bool(entry.tag.review));
        // A person's name is nobody's business here.
        let by = match entry.tag.by.as_str() {
            "flow" => "flow",
            _ if !entry.tag.model_version.is_empty() => "classifier",
            _ => "person",
        };
        spans.set(tag, "gudok.tag.by", Value::Text(by.to_owned()));
        if !entry.tag.model_version.is_empty() {
            spans.set(tag, "gudok.model", Value::Text(entry.tag.model_version.clone()));
        }
    }
    spans.found
}

fn of_call(facts: &Facts<'_>) -> Vec<(&'static str, Value)> {
    let call = facts.call;
    let text = |word: &str| Some(Value::Text(word.to_owned()));
    let all = [
        ("gudok.call.id", text(&call.id)),
        ("gudok.clinic", text(&call.clinic)),
        ("gudok.direction", text(call.direction.as_str())),
        ("gudok.outcome", call.outcome.and_then(|outcome| text(outcome.as_str()))),
        ("gudok.end_reason", call.end_reason.as_deref().and_then(text)),
        ("gudok.category", call.category.as_deref().and_then(text)),
        ("gudok.first_time", call.first_time.map(Value::Bool)),
        ("gudok.flow.digest", call.flow_digest.as_deref().and_then(text)),
        (
            "gudok.answered_by",
            call.agent.as_deref().and_then(|agent| text(if agent == "robot" { "robot" } else { "person" })),
        ),
        ("gudok.wait_ms", call.queue_wait_ms.map(Value::Int)),
        ("gudok.talk_ms", call.talk_ms.map(Value::Int)),
        ("gudok.turns", i64::try_from(facts.turns.len()).ok().map(Value::Int)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// What a caller said was recognised; before what the robot said there was a wait that the caller heard as silence.
fn of_turn(spans: &mut Spans<'_>, root: [u8; 8], began_ms: i64, turn: &Turn) {
    let at = |ms: i64| began_ms.saturating_add(ms);
    let name = match turn.who {
        Who::Agent => "speak",
        Who::Caller | Who::Unknown => "recognise",
    };
    if let Some(latency) = turn.latency_ms.filter(|ms| *ms > 0) {
        spans.add(Some(root), "respond", turn.seq, (at(turn.start_ms - latency), at(turn.start_ms)));
    }
    let span = spans.add(Some(root), name, turn.seq, (at(turn.start_ms), at(turn.end_ms)));
    spans.set(span, "gudok.turn", Value::Int(turn.seq));
    if let Some(confidence) = turn.confidence {
        spans.set(span, "gudok.confidence", Value::Double(confidence));
    }
}

fn of_host_call(spans: &mut Spans<'_>, parent: [u8; 8], entry: &JournalRecord) {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
    let asked = read(entry.request.as_str());
    // The name of a function is the contract's; anything longer is not.
    let function = asked["function"].as_str().filter(|name| is_function(name)).unwrap_or("host call");
    let span = spans.add(Some(parent), function, entry.seq, (entry.at_ms, entry.at_ms.saturating_add(entry.took_ms)));
    spans.set(span, "gudok.journal.seq", Value::Int(entry.seq));
    if read(entry.reply.as_str())["result"].get("Err").is_some() {
        spans.fail(span, "the host said no");
    }
}

fn is_function(name: &str) -> bool {
    name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
}

struct Spans<'a> {
    call: &'a str,
    found: Vec<Span>,
}

impl Spans<'_> {
    /// Adds a span and says its id. What is beyond the limit is dropped; the id is good all the same.
    fn add(&mut self, parent: Option<[u8; 8]>, name: &str, number: i64, (start_ms, end_ms): (i64, i64)) -> [u8; 8] {
        let id = cut(&Sha256::digest(format!("{}/{name}/{number}", self.call)));
        if self.found.len() < MOST {
            self.found.push(Span {
                trace: cut(&Sha256::digest(self.call)),
                id,
                parent,
                name: name.to_owned(),
                kind: Kind::Internal,
                start_ms,
                end_ms: end_ms.max(start_ms),
                attributes: Vec::new(),
                error: None,
            });
        }
        id
    }

    fn of(&mut self, id: [u8; 8]) -> Option<&mut Span> {
        self.found.iter_mut().rev().find(|span| span.id == id)
    }

    fn set(&mut self, id: [u8; 8], name: &'static str, value: Value) {
        if let Some(span) = self.of(id) {
            span.attributes.push((name, value));
        }
    }

    fn fail(&mut self, id: [u8; 8], why: &'static str) {
        if let Some(span) = self.of(id) {
            span.error = Some(why);
        }
    }
}

/// The first bytes of a digest.
fn cut<const N: usize>(digest: &[u8]) -> [u8; N] {
    std::array::from_fn(|n| digest.get(n).copied().unwrap_or_default())
}
