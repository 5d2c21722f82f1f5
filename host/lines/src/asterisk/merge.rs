//! One call for each unique id, from whatever tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::cdr::Row;
use super::queue_log::{LogEvent, LogLine};
use super::{AsteriskCall, Found, Happened, PersonSpan, Problem};

pub(super) fn merge(mut log: Vec<LogLine>, rows: Vec<Row>, recordings: BTreeMap<String, PathBuf>, found: &mut Found) {
    // Rotated files come in any order, and may overlap.
    log.sort_by_key(|line| line.at);
    found.spans = spans(&log);
    let last = log.last().map(|line| line.at);
    let mut legs: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| !row.is_inner()) {
        let legs = legs.entry(row.uniqueid.clone()).or_default();
        if !legs.contains(&row) {
            legs.push(row);
        }
    }
    let mut queued: BTreeMap<String, Vec<LogLine>> = BTreeMap::new();
    for line in log {
        let Some(call) = line.call.clone() else { continue };
        let lines = queued.entry(call).or_default();
        let same = |other: &LogLine| (other.at, &other.event, &other.agent) == (line.at, &line.event, &line.agent);
        if !lines.iter().any(same) {
            lines.push(line);
        }
    }
    let mut recorded = Recordings::new(recordings);
    let ids: BTreeSet<String> = legs.keys().chain(queued.keys()).cloned().collect();
    for id in ids {
        let mut legs = legs.remove(&id).unwrap_or_default();
        legs.sort_by_key(|leg| leg.start);
        let lines = queued.remove(&id).unwrap_or_default();
        let story = Story::of(&lines, legs.last().map(|leg| leg.end));
        let recording = recorded.take(&id, &legs);
        if story.events.is_empty() {
            match from_records(&id, &legs) {
                Some(call) => found.calls.push(AsteriskCall { recording, ..call }),
                None => found.internal += usize::from(!legs.is_empty()),
            }
            continue;
        }
        let Some(ended) = story.ended else {
            if let Some(first) = lines.first() {
                found.problems.push(Problem {
                    file: first.file.clone(),
                    line: Some(first.line),
                    problem: format!("call {id} never ends (the log ends at {})", last.unwrap_or(first.at)),
                    mend: "import the next file of the log with this one",
                });
            }
            continue;
        };
        let first = legs.first();
        let started = first.map_or(story.events[0].at, |leg| leg.start.min(story.events[0].at));
        found.calls.push(AsteriskCall {
            uniqueid: id,
            started,
            ended: legs.iter().map(|leg| leg.end).fold(ended, Timestamp::max),
            outgoing: false,
            caller: story.caller.or_else(|| number(&first?.src)),
            line: first.and_then(|leg| number(&leg.dst)),
            agent: None,
            answered: None,
            talk_ms: None,
            events: story.events,
            recording,
        });
    }
    found.calls.sort_by(|a, b| (a.started, &a.uniqueid).cmp(&(b.started, &b.uniqueid)));
    found.stray_recordings = recorded.left();
}

// ---- the queue's part

/// What the log says of one call, in our words.
#[derive(Default)]
struct Story {
    events: Vec<Happened>,
    caller: Option<String>,
    ended: Option<Timestamp>,
}

impl Story {
    fn of(lines: &[LogLine], record_ends: Option<Timestamp>) -> Self {
        let mut story = Self::default();
        let mut joined: Option<Timestamp> = None;
        let mut talking: Option<&LogLine> = None;
        for line in lines {
            // Several queues one after the other are one wait.
            let waited = |told_ms: i64| joined.map_or(told_ms, |since| told_ms.max(ms(line.at.duration_since(since))));
            match &line.event {
                LogEvent::Entered { caller } => {
                    joined = joined.or(Some(line.at));
                    story.caller = story.caller.take().or_else(|| number(caller.as_deref()?));
                    story.ended = None;
                    story.tell(line, line.at, "joined", "{}".to_owned());
                }
                LogEvent::Connected { wait_ms, ring_ms } => {
                    let wait_ms = waited(*wait_ms);
                    if joined.is_none() {
                        // The log begins in the middle of this call.
                        let began = line.at - SignedDuration::from_millis(wait_ms);
                        story.tell(line, began, "joined", "{}".to_owned());
                    }
                    (talking, story.ended) = (Some(line), None);
                    story.tell(line, line.at, "connected", format!(r#"{{"wait_ms":{wait_ms},"ring_ms":{ring_ms}}}"#));
                }
                LogEvent::Completed { by, talk_ms } => {
                    // Only the second half of it is in the log: when it was answered is told by how long they talked.
                    if talking.is_none() {
                        let began = line.at - SignedDuration::from_millis(*talk_ms);
                        story.tell(line, began, "connected", r#"{"wait_ms":0,"ring_ms":0}"#.to_owned());
                    }
                    (talking, joined) = (None, None);
                    let data = format!(r#"{{"talk_ms":{talk_ms},"hold_ms":0,"by":"{by}"}}"#);
                    story.end(line, line.at, "talk_ended", data);
                }
                LogEvent::Abandoned { wait_ms } => {
                    let wait_ms = waited(*wait_ms);
                    story.end(line, line.at, "abandoned", format!(r#"{{"wait_ms":{wait_ms}}}"#));
                }
                LogEvent::Exited { why, wait_ms } => {
                    let wait_ms = waited(*wait_ms);
                    let data = format!(r#"{{"wait_ms":{wait_ms},"to":"elsewhere","why":"{why}"}}"#);
                    story.end(line, line.at, "overflowed", data);
                }
                LogEvent::NoAnswer { ring_ms } => {
                    story.tell(line, line.at, "missed", format!(r#"{{"ring_ms":{ring_ms},"why":"no_answer"}}"#));
                }
                LogEvent::RingEnded { ring_ms } => {
                    story.tell(line, line.at, "offer_ended", format!(r#"{{"ring_ms":{ring_ms}}}"#));
                }
                _ => {}
            }
        }
        // The log was cut, or the exchange fell; the record still knows when the call was over.
        if let (Some(line), None, Some(end)) = (lines.last(), story.ended, record_ends)
            && !story.events.is_empty()
        {
            let end = end.max(line.at);
            match (talking, joined) {
                (Some(answered), _) => {
                    let talk_ms = ms(end.duration_since(answered.at));
                    let data = format!(r#"{{"talk_ms":{talk_ms},"hold_ms":0,"by":"caller"}}"#);
                    story.end(answered, end, "talk_ended", data);
                }
                (None, Some(since)) => {
                    let wait_ms = ms(end.duration_since(since));
                    story.end(line, end, "abandoned", format!(r#"{{"wait_ms":{wait_ms}}}"#));
                }
                (None, None) => {}
            }
        }
        // Rings alone are no call in a queue.
        if !story.events.iter().any(|event| matches!(event.kind, "joined" | "connected" | "abandoned" | "overflowed")) {
            story.events.clear();
        }
        story
    }

    fn tell(&mut self, line: &LogLine, at: Timestamp, kind: &'static str, data: String) {
        let agent = line.agent.clone().filter(|_| kind != "joined");
        self.events.push(Happened { at, kind, agent, queue: line.queue.clone(), data });
    }

    fn end(&mut self, line: &LogLine, at: Timestamp, kind: &'static str, data: String) {
        self.ended = Some(at);
        self.tell(line, at, kind, data);
    }
}

// ---- calls that never came to a queue

/// None for a call between extensions.
fn from_records(id: &str, legs: &[Row]) -> Option<AsteriskCall> {
    let first = legs.first()?;
    let outgoing = is_extension(&first.src) && !is_extension(&first.dst);
    if is_extension(&first.src) && !outgoing {
        return None;
    }
    let started = first.start;
    let ended = legs.iter().map(|leg| leg.end).max()?;
    // A menu that answered is no answer: somebody must have been at the other end.
    let answered_leg = legs.iter().find(|leg| leg.answered && !leg.dstchannel.is_empty());
    let answered = answered_leg.map(|leg| leg.answer.unwrap_or(leg.start).max(leg.start));
    let agent = if outgoing { None } else { answered_leg.and_then(Row::party) };
    Some(AsteriskCall {
        uniqueid: id.to_owned(),
        started,
        ended,
        outgoing,
        caller: number(if outgoing { &first.dst } else { &first.src }),
        line: if outgoing { None } else { number(&first.dst) },
        agent,
        answered,
        talk_ms: answered.map(|at| ms(ended.duration_since(at)).max(0)),
        events: Vec::new(),
        recording: None,
    })
}

/// Numbers within an exchange have up to five digits.
fn is_extension(number: &str) -> bool {
    (1..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number or nothing; `anonymous` and `s` are nothing.
fn number(text: &str) -> Option<String> {
    text.bytes().any(|byte| byte.is_ascii_digit()).then(|| text.to_owned())
}

fn ms(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

// ---- recordings

struct Recordings {
    by_name: BTreeMap<String, PathBuf>,
    by_id: BTreeMap<String, String>,
}

impl Recordings {
    fn new(by_name: BTreeMap<String, PathBuf>) -> Self {
        let by_id = by_name.keys().filter_map(|name| Some((id_in(name)?.to_owned(), name.clone()))).collect();
        Self { by_name, by_id }
    }

    /// By the id in the file's name, or by the name in the record's user field.
    fn take(&mut self, id: &str, legs: &[Row]) -> Option<PathBuf> {
        let bare = id_in(id).unwrap_or(id);
        let by_field = || legs.iter().find_map(|leg| self.by_name.get_key_value(leg.userfield.as_str()));
        let name = self.by_id.get(bare).cloned().or_else(|| by_field().map(|(name, _)| name.clone()))?;
        self.by_name.remove(&name)
    }

    fn left(self) -> Vec<PathBuf> {
        self.by_name.into_values().collect()
    }
}

/// `1795417200.77` in whatever stands around it (a system's name before an id, a queue and an ending around a file's).
fn id_in(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let digits_before = |at: usize| bytes[..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let digits_after = |at: usize| bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let dots = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
    dots.into_iter().find_map(|at| {
        let (before, after) = (digits_before(at), digits_after(at));
        (before >= 9 && after >= 1).then(|| &text[at - before..at + 1 + after])
    })
}

// ---- people

/// What people did who log in; of the others nobody knows when they were free.
fn spans(log: &[LogLine]) -> Vec<PersonSpan> {
    #[derive(Default)]
    struct Person {
        queues: BTreeSet<Option<String>>,
        now: Option<(Timestamp, &'static str, Option<String>, Option<String>)>,
    }
    let mut people: BTreeMap<&str, Person> = BTreeMap::new();
    let mut spans = Vec::new();
    let mut change = |name: &str,
                      person: &mut Person,
                      at: Timestamp,
                      next: Option<(&'static str, Option<String>, Option<String>)>| {
        if let Some((from, state, reason, call)) = person.now.take().filter(|(from, ..)| *from < at) {
            spans.push(PersonSpan { agent: name.to_owned(), from, until: at, state, reason, call });
        }
        person.now = next.map(|(state, reason, call)| (at, state, reason, call));
    };
    for line in log {
        if line.event == LogEvent::Restarted {
            for (name, person) in &mut people {
                let was_there = person.now.is_some();
                change(name, person, line.at, was_there.then_some(("ready", None, None)));
            }
            continue;
        }
        let Some(name) = line.agent.as_deref() else { continue };
        if line.event == LogEvent::LoggedIn {
            let person = people.entry(name).or_default();
            if person.queues.insert(line.queue.clone()) && person.now.is_none() {
                change(name, person, line.at, Some(("ready", None, None)));
            }
            continue;
        }
        let Some(person) = people.get_mut(name).filter(|person| person.now.is_some()) else { continue };
        let talking = person.now.as_ref().is_some_and(|(_, state, ..)| *state == "talking");
        match &line.event {
            LogEvent::LoggedOut => {
                person.queues.remove(&line.queue);
                if person.queues.is_empty() || line.queue.is_none() {
                    person.queues.clear();
                    change(name, person, line.at, None);
                }
            }
            LogEvent::Paused { reason } if !talking => {
                change(name, person, line.at, Some(("paused", reason.clone(), None)))
            }
            LogEvent::Unpaused if !talking => change(name, person, line.at, Some(("ready", None, None))),
            LogEvent::Connected { .. } => change(name, person, line.at, Some(("talking", None, line.call.clone()))),
            LogEvent::Completed { .. } => change(name, person, line.at, Some(("ready", None, None))),
            _ => {}
        }
    }
    if let Some(last) = log.last() {
        for (name, person) in &mut people {
            change(name, person, last.at, None);
        }
    }
    spans.sort_by(|a, b| (a.from, &a.agent).cmp(&(b.from, &b.agent)));
    spans
}
