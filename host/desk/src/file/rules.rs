//! What the clinic wants of its flows, and of what was said in its calls.

use std::path::Path;

use super::reader::{Reader, Section};
use crate::clinic::{FlowRules, Plan, Privacy};

pub(super) fn flows(reader: &mut Reader, top: &Section) -> FlowRules {
    let mut rules = FlowRules::default();
    let Some(section) = reader.table(top, "flows") else { return rules };
    reader.check_keys(&section, &["signed_by", "rollback"]);
    rules.signed_by = reader.texts(&section, "signed_by");
    for key in &rules.signed_by {
        if !is_key(key) {
            let problem = format!("{key:?} is no public key");
            let hint = "an Ed25519 key is 32 bytes as base64: 43 letters and digits and a `=`, as in the `.pub` file beside the private key";
            reader.mistake_at(&section, "signed_by", problem, hint);
        }
    }
    if let Some(section) = reader.table(&section, "rollback") {
        reader.check_keys(&section, &["min_calls", "traps_more", "handovers_more"]);
        let bounds = &mut rules.rollback;
        bounds.min_calls = reader.number(&section, "min_calls", 1, 1000).unwrap_or(bounds.min_calls);
        bounds.traps_more = reader.share(&section, "traps_more").unwrap_or(bounds.traps_more);
        bounds.handovers_more = reader.share(&section, "handovers_more").unwrap_or(bounds.handovers_more);
    }
    rules
}

pub(super) fn plan(reader: &mut Reader, top: &Section) -> Plan {
    let Some(section) = reader.table(top, "plan") else { return Plan::default() };
    let known = ["calls", "booked", "arrived", "in_time_percent", "lost_percent", "non_target_percent"];
    reader.check_keys(&section, &known);
    let [calls, booked, arrived, in_time, lost, non_target] = known;
    Plan {
        calls: reader.number(&section, calls, 1, 10_000_000),
        booked: reader.number(&section, booked, 1, 10_000_000),
        arrived: reader.number(&section, arrived, 1, 10_000_000),
        in_time_percent: reader.number(&section, in_time, 1, 100),
        lost_percent: reader.number(&section, lost, 0, 100),
        non_target_percent: reader.number(&section, non_target, 0, 100),
    }
}

pub(super) fn privacy(reader: &mut Reader, top: &Section, folder: &Path) -> Privacy {
    let mut privacy = Privacy::default();
    let Some(section) = reader.table(top, "privacy") else { return privacy };
    let days = [
        ("journal_days", &mut privacy.journal_days),
        ("audio_days", &mut privacy.audio_days),
        ("transcript_days", &mut privacy.transcript_days),
        ("contact_days", &mut privacy.contact_days),
        ("message_days", &mut privacy.message_days),
        ("chat_days", &mut privacy.chat_days),
    ];
    let mut known = days.iter().map(|(key, _)| *key).collect::<Vec<_>>();
    known.push("journal_key");
    reader.check_keys(&section, &known);
    for (key, term) in days {
        *term = reader.number(&section, key, 1, 3660).unwrap_or(*term);
    }
    privacy.journal_key = reader.text(&section, "journal_key").map(|path| folder.join(path));
    privacy
}

/// 32 bytes as base64 look like this; whether it is a point of the curve is seen when it is used.
fn is_key(text: &str) -> bool {
    let digits = text.strip_suffix('=').unwrap_or_default();
    digits.len() == 43 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
