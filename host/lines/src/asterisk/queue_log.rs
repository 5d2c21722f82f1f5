//! `queue_log`: `time|callid|queue|agent|EVENT|data…`, one line for each event.
//!
//! Source: docs.asterisk.org, "Queue Logs", and `ast_queue_log` in Asterisk's `apps/app_queue.c`. Times are whole seconds, save the ring
//! times of RINGNOANSWER and RINGCANCELED, which are milliseconds.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Problem, moment, seconds};

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LogLine {
    pub at: Timestamp,
    /// None for `NONE` and `REALTIME`.
    pub call: Option<String>,
    pub queue: Option<String>,
    pub agent: Option<String>,
    pub event: LogEvent,
    pub file: String,
    pub line: u64,
}

/// What it says. Times in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LogEvent {
    Entered {
        caller: Option<String>,
    },
    Connected {
        wait_ms: i64,
        ring_ms: i64,
    },
    Completed {
        by: &'static str,
        talk_ms: i64,
    },
    Abandoned {
        wait_ms: i64,
    },
    Exited {
        why: &'static str,
        wait_ms: i64,
    },
    NoAnswer {
        ring_ms: i64,
    },
    RingEnded {
        ring_ms: i64,
    },
    /// `ADDMEMBER` and the log-ins of `chan_agent`.
    LoggedIn,
    LoggedOut,
    Paused {
        reason: Option<String>,
    },
    Unpaused,
    /// Asterisk began anew: nobody talks any more.
    Restarted,
    /// Others, and those a dialplan writes with `QueueLog()`.
    Other,
}

const COPY_WHOLE_LINES: &str = "copy whole lines, as Asterisk wrote them";

pub(super) fn parse(file: &str, text: &str, zone: &TimeZone) -> (Vec<LogLine>, Vec<Problem>) {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    for (number, text) in (1..).zip(text.lines()) {
        let text = text.trim_end_matches('\r').trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            continue;
        }
        match line(file, number, text, zone) {
            Ok(line) => lines.push(line),
            Err((problem, mend)) => {
                problems.push(Problem { file: file.to_owned(), line: Some(number), problem, mend });
            }
        }
    }
    (lines, problems)
}

fn line(file: &str, number: u64, text: &str, zone: &TimeZone) -> Result<LogLine, (String, &'static str)> {
    let fields: Vec<&str> = text.split('|').map(str::trim).collect();
    let [time, call, queue, agent, event, data @ ..] = fields.as_slice() else {
        let problem = format!("{} fields, at least 5 are needed (time|callid|queue|agent|event)", fields.len());
        return Err((problem, COPY_WHOLE_LINES));
    };
    let at = moment(time, zone)
        .ok_or_else(|| (format!("`{time}` is no time"), "the first field is unix seconds, or a date and a time"))?;
    let event = read_event(event, data).map_err(|problem| (problem, COPY_WHOLE_LINES))?;
    let call = named(call);
    if call.is_none() && event.needs_call() {
        return Err((
            "an event of a call without the call's id".to_owned(),
            "it cannot be counted; the line may be left out",
        ));
    }
    Ok(LogLine { at, call, queue: named(queue), agent: named(agent), event, file: file.to_owned(), line: number })
}

fn named(field: &str) -> Option<String> {
    (!field.is_empty() && field != "NONE" && field != "REALTIME").then(|| field.to_owned())
}

impl LogEvent {
    fn needs_call(&self) -> bool {
        matches!(
            self,
            Self::Entered { .. }
                | Self::Connected { .. }
                | Self::Completed { .. }
                | Self::Abandoned { .. }
                | Self::Exited { .. }
        )
    }
}

fn read_event(name: &str, data: &[&str]) -> Result<LogEvent, String> {
    let time = |at: usize, what: &str| {
        let found = data.get(at).copied().unwrap_or_default();
        seconds(found).ok_or_else(|| format!("{name} without its {what} (`{found}` is no number of seconds)"))
    };
    let ring = || data.first().and_then(|text| text.parse::<u32>().ok()).map_or(0, i64::from);
    let text = |at: usize| data.get(at).filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
    Ok(match name {
        "ENTERQUEUE" => LogEvent::Entered { caller: text(1) },
        // (The ring time came with 1.6.)
        "CONNECT" => {
            LogEvent::Connected { wait_ms: time(0, "hold time")?, ring_ms: time(2, "ring time").unwrap_or_default() }
        }
        "COMPLETEAGENT" => LogEvent::Completed { by: "agent", talk_ms: time(1, "call time")? },
        "COMPLETECALLER" => LogEvent::Completed { by: "caller", talk_ms: time(1, "call time")? },
        "BLINDTRANSFER" | "TRANSFER" => LogEvent::Completed { by: "transfer", talk_ms: time(3, "call time")? },
        // BRIDGE and APP name one thing, LINK two, before the times.
        "ATTENDEDTRANSFER" => {
            let times = if data.first() == Some(&"LINK") { 4 } else { 3 };
            LogEvent::Completed { by: "transfer", talk_ms: time(times, "call time")? }
        }
        "ABANDON" => LogEvent::Abandoned { wait_ms: time(2, "waiting time")? },
        "EXITWITHTIMEOUT" => LogEvent::Exited { why: "waited", wait_ms: time(2, "waiting time")? },
        "EXITEMPTY" => LogEvent::Exited { why: "empty", wait_ms: time(2, "waiting time")? },
        // Old versions wrote the key and the position only; then the clock tells the wait.
        "EXITWITHKEY" => LogEvent::Exited { why: "key", wait_ms: time(3, "waiting time").unwrap_or_default() },
        "WITHDRAW" => LogEvent::Exited { why: "withdrawn", wait_ms: time(2, "waiting time").unwrap_or_default() },
        "RINGNOANSWER" => LogEvent::NoAnswer { ring_ms: ring() },
        "RINGCANCELED" => LogEvent::RingEnded { ring_ms: ring() },
        "ADDMEMBER" | "AGENTLOGIN" | "AGENTCALLBACKLOGIN" => LogEvent::LoggedIn,
        "REMOVEMEMBER" | "AGENTLOGOFF" | "AGENTCALLBACKLOGOFF" => LogEvent::LoggedOut,
        "PAUSE" | "PAUSEALL" => LogEvent::Paused { reason: text(0) },
        "UNPAUSE" | "UNPAUSEALL" => LogEvent::Unpaused,
        "QUEUESTART" => LogEvent::Restarted,
        "" => return Err("no event".to_owned()),
        _ => LogEvent::Other,
    })
}
