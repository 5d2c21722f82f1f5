//! A whole comparison in one line: «вместо 10:30 записал на 10:00».

use super::Language;
use super::words::{Words, pick};
use crate::host::{HostCall, Nature};
use crate::journal::Journal;
use crate::replay::{Divergence, ReplayReport, Verdict};
use crate::run::FlowEnd;

/// More differences than this are counted, not told.
const TOLD: usize = 3;

pub(super) fn line(words: &Words, journal: &Journal, report: &ReplayReport) -> String {
    let gravest: Vec<_> = report.divergences.iter().filter(|found| found.verdict == report.verdict).collect();
    match report.verdict {
        Verdict::Identical => pick!(words, "всё так же", "all the same"),
        Verdict::WordingOnly => {
            let (first, more) = (gravest.first().map(|found| rewording(words, found)), others(words, &gravest, 1));
            let first = first.unwrap_or_default();
            pick!(words, "другими словами: {first}{more}", "in other words: {first}{more}")
        }
        Verdict::ReadsReordered => {
            let count = gravest.len();
            pick!(words, "справки в другом порядке или числе: {count}", "look-ups in another order or number: {count}")
        }
        Verdict::NewQuestion => told(words, &gravest, |found| unknown(words, found)),
        Verdict::EffectChanged => told(words, &gravest, |found| effect(words, found, journal, report)),
        Verdict::Trapped => {
            let after = report.calls.last().map(|last| words.call(&last.call));
            let end = words.end(&report.run.end);
            match after {
                Some(after) => pick!(words, "{end}; последнее, что сделал: {after}", "{end}; the last it did: {after}"),
                None => pick!(words, "{end}, ничего не успев", "{end}, before it did anything"),
            }
        }
    }
}

fn told(words: &Words, gravest: &[&Divergence], tell: impl Fn(&Divergence) -> String) -> String {
    let parts: Vec<_> = gravest.iter().take(TOLD).map(|found| tell(found)).collect();
    parts.join("; ") + &others(words, gravest, TOLD)
}

fn others(words: &Words, gravest: &[&Divergence], told: usize) -> String {
    match gravest.len().saturating_sub(told) {
        0 => String::new(),
        more => pick!(words, " и ещё {more}", " and {more} more"),
    }
}

fn rewording(words: &Words, found: &Divergence) -> String {
    match (&found.recorded, &found.replayed) {
        (Some(recorded), Some(replayed)) if recorded == replayed => words.call(replayed),
        (Some(recorded), Some(replayed)) => match (spoken(recorded), spoken(replayed)) {
            (Some(before), Some(now)) => {
                pick!(words, "вместо «{before}» теперь «{now}»", "“{now}” instead of “{before}”")
            }
            _ => words.call(replayed),
        },
        (Some(recorded), None) => {
            let what = words.call(recorded);
            pick!(words, "больше нет: {what}", "no longer: {what}")
        }
        (None, Some(replayed)) => {
            let what = words.call(replayed);
            pick!(words, "добавлено: {what}", "added: {what}")
        }
        (None, None) => words.end(&FlowEnd::Finished),
    }
}

fn spoken(call: &HostCall) -> Option<&str> {
    match call {
        HostCall::VoiceSay { text, .. } => Some(text),
        HostCall::VoiceAsk { question } => Some(&question.text),
        _ => None,
    }
}

fn unknown(words: &Words, found: &Divergence) -> String {
    match (&found.recorded, &found.replayed) {
        (_, Some(HostCall::VoiceAsk { question })) => {
            let text = &question.text;
            pick!(words, "новый вопрос: «{text}»", "a new question: “{text}”")
        }
        (_, Some(call)) if call.nature() == Nature::Read => {
            let what = words.call(call);
            pick!(words, "хочет знать то, чего прежде не смотрели: {what}", "wants to know something new: {what}")
        }
        (Some(HostCall::VoiceAsk { question }), None) => {
            let text = &question.text;
            pick!(words, "больше не спрашивает: «{text}»", "no longer asks: “{text}”")
        }
        _ => pick!(
            words,
            "прежняя версия здесь сломалась, дальше сравнить не с чем",
            "the recorded version broke here, there is nothing to compare with"
        ),
    }
}

fn effect(words: &Words, found: &Divergence, journal: &Journal, report: &ReplayReport) -> String {
    match (&found.recorded, &found.replayed) {
        (Some(recorded), Some(replayed)) if recorded == replayed => {
            let what = words.call(replayed);
            pick!(words, "в другом месте разговора: {what}", "at another place: {what}")
        }
        (Some(recorded), Some(replayed)) => instead(words, recorded, replayed),
        (Some(recorded), None) => {
            let what = words.call(recorded);
            pick!(words, "прежде {what}, теперь нет", "it {what} before, now it does not")
        }
        (None, Some(replayed)) => {
            let what = words.call(replayed);
            pick!(words, "теперь ещё и {what}", "now it also {what}")
        }
        (None, None) => {
            let before = journal.end.as_ref().map(|end| words.end(end)).unwrap_or_default();
            let now = words.end(&report.run.end);
            pick!(words, "прежде {before}, теперь {now}", "before, it {before}; now it {now}")
        }
    }
}

/// One effect in place of another: only what differs, where that is known.
fn instead(words: &Words, recorded: &HostCall, replayed: &HostCall) -> String {
    use HostCall as C;
    match (recorded, replayed) {
        (C::AppointmentsBook { slot_id: a, .. }, C::AppointmentsBook { slot_id: b, .. }) if a != b => {
            let (before, now) = times(words, a, b);
            pick!(words, "вместо {before} записал на {now}", "booked {now} instead of {before}")
        }
        (C::AppointmentsReschedule { slot_id: a, .. }, C::AppointmentsReschedule { slot_id: b, .. }) if a != b => {
            let (before, now) = times(words, a, b);
            pick!(words, "вместо {before} перенёс на {now}", "moved to {now} instead of {before}")
        }
        (C::RoutingTransfer { to: a, .. }, C::RoutingTransfer { to: b, .. }) => {
            let (before, now) = (words.destination(a), words.destination(b));
            pick!(words, "перевёл {now}, прежде {before}", "transferred {now}, before {before}")
        }
        _ => {
            let (before, now) = (words.call(recorded), words.call(replayed));
            pick!(words, "вместо того, что {before}, теперь {now}", "now it {now}, where it {before}")
        }
    }
}

/// Two times, without what they have in common.
fn times(words: &Words, before: &str, now: &str) -> (String, String) {
    let (Some(a), Some(b)) = (words.slot(before), words.slot(now)) else {
        let name = |id: &str| words.slot(id).map_or_else(|| format!("«{id}»"), |slot| words.slot_words(slot));
        return (name(before), name(now));
    };
    if a.start == b.start {
        return (words.slot_words(a), words.slot_words(b));
    }
    match (a.start.split_once('T'), b.start.split_once('T')) {
        (Some((day, before)), Some((same, now))) if day == same => (before.to_owned(), now.to_owned()),
        _ => (words.moment(&a.start), words.moment(&b.start)),
    }
}
