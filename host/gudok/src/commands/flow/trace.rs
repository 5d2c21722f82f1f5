//! `gudok flow trace`: a recorded call step by step, for a person of the clinic.

use anyhow::Result;
use call::Millis;
use clap::Args;
use flows::FlowEnd;
use rehearsal::trace::read;
use rehearsal::words::{Told, told};

use crate::place::Place;
use crate::terminal::{Paint, clock};

#[derive(Debug, Args)]
pub struct Trace {
    /// The call's id, as in the list of calls
    pub call: String,
}

pub async fn run(args: &Trace, place: &Place) -> Result<()> {
    let trace = read(&place.store().await?, &args.call).await?;
    let paint = Paint::stdout();
    let call = &trace.call;
    let started = jiff::Timestamp::from_millisecond(call.started_ms)?.in_tz(&call.timezone)?;
    let number = call.caller.as_ref().map_or("номер скрыт", |number| number.as_str());
    println!("  звонок {} · {} · {number}", call.id, started.strftime("%d.%m.%Y %H:%M:%S"));
    if let Some(digest) = trace.run.as_ref().map(|run| &run.digest).or(call.flow_digest.as_ref()) {
        let role = trace.run.as_ref().map_or(String::new(), |run| format!(" · {}, вход «{}»", run.role, run.entry));
        println!("  версия сценария {}{role}", digest.get(..12).unwrap_or(digest));
    }
    println!();
    for entry in &trace.entries {
        let took = if entry.took_ms == 0 { String::new() } else { paint.dim(&format!("  {} мс", entry.took_ms)) };
        let (mut at, mut took) = (clock(Millis(entry.at_ms)), took.as_str());
        for told in told(entry) {
            let line = match told {
                Told::Robot(text) => format!("{} {text}", paint.cyan("робот   ")),
                Told::Caller(text) => format!("{} {text}", paint.green("звонящий")),
                Told::Did(text) => format!("         {}", paint.bold(&format!("✓ {text}"))),
                Told::Saw(text) => format!("         {}", paint.dim(&text)),
            };
            println!("  {} {line}{took}", paint.dim(&at));
            // The second line of an entry is part of the same call.
            at = " ".repeat(at.chars().count());
            took = "";
        }
    }
    println!();
    let outcome = call.outcome.map_or("—", |outcome| outcome.as_str());
    let category = call.category.as_deref().unwrap_or("—");
    let reason = call.end_reason.as_deref().unwrap_or("—");
    println!("  итог: {outcome} · категория: {category} · конец: {reason}");
    if let Some(run) = &trace.run {
        let ended = match run.end.as_ref().and_then(|end| serde_json::from_str(end.as_str()).ok()) {
            Some(FlowEnd::Finished) => "сценарий дошёл до конца".to_owned(),
            Some(FlowEnd::GaveUp(why)) => format!("сценарий сдался: {why}"),
            Some(FlowEnd::Trapped { kind, message }) => format!("сценарий остановлен ({kind:?}): {message}"),
            None => "сценарий прерван концом звонка".to_owned(),
        };
        let cpu = run.cpu_ms.map_or(String::new(), |ms| format!(" · процессор {ms:.1} мс"));
        let memory = run.memory_bytes.map_or(String::new(), |bytes| format!(" · память {} КиБ", bytes / 1_024));
        let calls = run.host_calls.map_or(String::new(), |calls| format!(" · обращений {calls}"));
        println!("  {ended}{cpu}{memory}{calls}");
    }
    Ok(())
}
