//! What the flow did in a call, step by step, from its journal.

use maud::{Markup, html};
use records::{CallRecord, JournalRecord, RecordsError};
use serde_json::Value;

use super::desk::Desk;
use crate::Problem;

/// Steps that are shown; a flow that loops writes thousands.
const MOST: usize = 400;

/// The steps as a section; nothing when the call has no journal.
pub(crate) async fn of(desk: &Desk, call: &CallRecord) -> Result<Markup, Problem> {
    let t = desk.words();
    let entries = match desk.state.store.journal(&call.id).await {
        Ok(entries) if entries.is_empty() => return Ok(html! {}),
        Ok(entries) => entries,
        Err(error @ (RecordsError::NoKey { .. } | RecordsError::WrongKey { .. } | RecordsError::KeyFile { .. })) => {
            tracing::debug!(%error, "a journal stays sealed");
            return Ok(html! { section { h2 { (t.steps) } p.note { (t.sealed) } } });
        }
        Err(RecordsError::Tampered { .. }) => {
            return Ok(html! { section { h2 { (t.steps) } p.note.bad { (t.tampered) } } });
        }
        Err(error) => return Err(error.into()),
    };
    let run = match desk.state.store.flow_run(&call.id).await {
        Ok(run) => Some(run),
        Err(RecordsError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(html! {
        details.card.steps-of {
            summary { (t.steps) " · " (entries.len()) @if run.as_ref().is_some_and(|run| run.trapped) { " " span.bad { (t.flow_broke) } } }
            ol.trace { @for entry in entries.iter().take(MOST) { (step(desk, call, entry)) } }
            @if entries.len() > MOST { p.note { "… " (entries.len() - MOST) } }
        }
    })
}

fn step(desk: &Desk, call: &CallRecord, entry: &JournalRecord) -> Markup {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let (asked, answered) = (read(entry.request.as_str()), read(entry.reply.as_str()));
    let function = asked["function"].as_str().unwrap_or("?");
    let seconds = (entry.at_ms - call.started_ms).max(0) as f64 / 1000.0;
    let failed = answered["result"].get("Err").is_some();
    html! {
        li {
            span.at { (format!("{seconds:.1}")) }
            span.did {
                b { (plain(desk, function)) }
                @if let Some(said) = gist(&asked["args"]) { " " span.arg { "«" (said) "»" } }
                @if let Some(found) = gist(&answered["result"]) { " → " span.bad[failed] { (found) } }
                code { (function) }
            }
            span.took { @if entry.took_ms >= 1 { (desk.lang.pick(format!("{}\u{a0}мс", entry.took_ms), format!("{}\u{a0}ms", entry.took_ms))) } }
        }
    }
}

/// The words in a value that matter to a person: the first text found, deepest names first.
fn gist(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => return None,
        Value::Array(items) => match items.len() {
            0 => "—".to_owned(),
            1 => return gist(&items[0]),
            n => format!("{n}"),
        },
        Value::Object(map) => {
            let names =
                ["text", "prompt", "question", "category", "outcome", "name", "to", "query", "value", "Ok", "Err"];
            let named = names.iter().filter_map(|name| map.get(*name)).find_map(gist);
            return named.or_else(|| map.values().find_map(gist));
        }
    };
    let short: String = text.chars().take(120).collect();
    (!short.is_empty()).then(|| if short.len() < text.len() { format!("{short}…") } else { short })
}

/// A host function in a person's words.
fn plain<'a>(desk: &Desk, function: &'a str) -> &'a str {
    let words = match function {
        "voice.say" => ("сказал", "said"),
        "voice.ask" => ("спросил", "asked"),
        "voice.play" => ("проиграл запись", "played"),
        "voice.hang-up" => ("положил трубку", "hung up"),
        "voice.call" => ("принял звонок", "took the call"),
        "appointments.find" => ("искал время", "looked for a time"),
        "appointments.book" => ("записал", "booked"),
        "appointments.cancel" => ("отменил запись", "cancelled"),
        "appointments.reschedule" => ("перенёс запись", "moved"),
        "appointments.mine" => ("нашёл записи звонящего", "looked up their visits"),
        "callbacks.request" => ("пообещал перезвонить", "promised a call-back"),
        "routing.transfer" => ("соединил", "transferred"),
        "notes.tag" => ("назвал категорию", "gave a category"),
        "notes.note" => ("записал заметку", "noted"),
        "notes.set-outcome" => ("назвал итог", "gave the outcome"),
        "notes.log" => ("пометил для себя", "logged"),
        "faq.find" => ("искал ответ", "looked for an answer"),
        _ => return function,
    };
    desk.lang.pick(words.0, words.1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_gist_is_what_a_person_would_read() {
        assert_eq!(
            gist(&json!({"question": {"id": "q", "text": "На какое время?"}})).as_deref(),
            Some("На какое время?")
        );
        assert_eq!(
            gist(&json!({"Ok": {"speech": {"text": "в среду", "confidence": 0.7}}})).as_deref(),
            Some("в среду")
        );
        assert_eq!(gist(&json!({"Ok": null})), None);
        assert_eq!(gist(&json!([1, 2, 3])).as_deref(), Some("3"));
        assert!(gist(&json!("а".repeat(500))).unwrap().chars().count() == 121);
    }
}
