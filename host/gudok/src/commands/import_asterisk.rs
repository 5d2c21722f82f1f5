//! `gudok import --asterisk-queue-log … --asterisk-cdr … --recordings …`: what an Asterisk wrote down, so that a clinic can
//! measure the exchange it has. Importing twice changes nothing.

use anyhow::{Result, bail};
use desk::{Clinic, PhoneNumber};
use lines::asterisk::{self, AsteriskCall, PersonSpan, Sources};
use lines::recordings::{Found as Heard, RecordedCall, Side};
use records::{AgentSpan, AgentState, CallEvent, CallRecord, Direction, Pii, Store};
use serde_json::json;

use crate::cli::Import;
use crate::clinics;
use crate::commands::import::Importer;
use crate::commands::transcribe::ears;
use crate::in_use;
use crate::output::List;
use crate::place::Place;
use crate::progress::Progress;

/// Calls written in one commit: live calls wait for it.
const BATCH: usize = 500;

pub async fn run(args: &Import, place: &Place) -> Result<()> {
    let clinic = clinics::one(&args.clinic)?;
    let sources = Sources {
        queue_logs: args.asterisk_queue_log.clone(),
        cdrs: args.asterisk_cdr.clone(),
        recordings: args.recordings.clone().or_else(|| args.dir.clone()),
        cdr_in_utc: args.asterisk_utc,
    };
    let found = asterisk::read(&sources, &clinic.zone)?;
    for problem in &found.problems {
        eprintln!("{problem}");
    }
    let store = place.store().await?;
    let new = write(&store, &clinic, &found.calls).await?;
    let spans: Vec<AgentSpan> = found.spans.iter().filter_map(|span| agent_span(&clinic, span)).collect();
    store.import_agent_spans(&spans).await?;

    let recorded: Vec<RecordedCall> = found.calls.iter().filter_map(recorded).collect();
    let with_recording = recorded.len();
    let failed = match with_recording {
        0 => 0,
        _ => {
            let importer = Importer::new(&clinic, store, ears(args.engine, place)?, in_use::tagger(place)?);
            importer.all(Heard { calls: recorded, problems: Vec::new() }).await.1
        }
    };

    let mut list = List::new(&[("what", "what"), ("count", "count")]);
    let queued = found.calls.iter().filter(|call| !call.events.is_empty()).count();
    for (what, count) in [
        ("calls", found.calls.len()),
        ("new", new),
        ("known", found.calls.len() - new),
        ("queued", queued),
        ("outgoing", found.calls.iter().filter(|call| call.outgoing).count()),
        ("recorded", with_recording),
        ("recordings_without_a_call", found.stray_recordings.len()),
        ("internal_left_out", found.internal),
        ("problems", found.problems.len() + failed),
    ] {
        list.row([json!(what), json!(count)]);
    }
    list.print(args.format)?;
    if failed + found.problems.len() > 0 {
        bail!(
            "{} lines, calls or recordings were left out (see above); mend them and import again: what is known is not doubled",
            failed + found.problems.len()
        );
    }
    Ok(())
}

/// Writes the calls down; how many were new.
async fn write(store: &Store, clinic: &Clinic, calls: &[AsteriskCall]) -> Result<usize> {
    let mut progress = Progress::new("звонки", calls.len());
    let mut new = 0;
    for batch in calls.chunks(BATCH) {
        let rows: Vec<(CallRecord, Vec<CallEvent>)> = batch.iter().map(|call| record(clinic, call)).collect();
        new += store.import_queued(&rows).await?.iter().filter(|done| done.is_new).count();
        for _ in batch {
            progress.step();
        }
    }
    progress.done();
    Ok(new)
}

fn record(clinic: &Clinic, call: &AsteriskCall) -> (CallRecord, Vec<CallEvent>) {
    let (id, started) = (records::id(), call.started.as_millisecond());
    let mut record = CallRecord::import(&id, &clinic.id, &clinic.timezone, started, &call.uniqueid);
    if call.outgoing {
        record.direction = Direction::Outgoing;
    }
    // A number in another spelling is the same caller.
    record.caller = call.caller.as_deref().map(|number| match PhoneNumber::parse(number) {
        Some(number) => Pii::from(number.as_str()),
        None => Pii::from(number),
    });
    record.line.clone_from(&call.line);
    record.agent.clone_from(&call.agent);
    record.answered_ms = call.answered.map(|at| at.as_millisecond());
    record.ended_ms = Some(call.ended.as_millisecond());
    record.talk_ms = call.talk_ms;
    let events = call.events.iter().map(|event| CallEvent {
        call: id.clone(),
        at_ms: event.at.as_millisecond(),
        kind: event.kind.to_owned(),
        agent: event.agent.clone(),
        queue: event.queue.clone(),
        data: event.data.clone(),
    });
    let events = events.collect();
    (record, events)
}

fn agent_span(clinic: &Clinic, span: &PersonSpan) -> Option<AgentSpan> {
    Some(AgentSpan {
        clinic: clinic.id.clone(),
        agent: span.agent.clone(),
        from_ms: span.from.as_millisecond(),
        until_ms: Some(span.until.as_millisecond()),
        state: span.state.parse::<AgentState>().ok()?,
        reason: span.reason.clone(),
        // The log's ids are the exchange's; calls here have ids of their own.
        call: None,
    })
}

/// The call as something to listen to. It is known already, by its unique id.
fn recorded(call: &AsteriskCall) -> Option<RecordedCall> {
    Some(RecordedCall {
        path: call.recording.clone()?,
        external_id: call.uniqueid.clone(),
        started: call.started,
        outgoing: call.outgoing,
        caller: call.caller.clone(),
        agent: call.agent.clone(),
        line: call.line.clone(),
        answered: true,
        wait_ms: None,
        talk_ms: call.talk_ms,
        hold_ms: None,
        acw_ms: None,
        caller_side: Side::Left,
    })
}
