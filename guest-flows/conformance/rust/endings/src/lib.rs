//! "Rules for all three" of the specification: handing over, promising a call-back, telling a moment.

use gudok_flow::callbacks::{self, Callback};
use gudok_flow::notes::{self, Outcome};
use gudok_flow::routing::{self, Destination, TransferOutcome};
use gudok_flow::voice::CallInfo;
use gudok_flow::{At, Stop, say};

/// `2026-11-24T10:30` → `24.11 в 10:30`.
pub fn moment(iso: &str) -> String {
    let part = |range: std::ops::Range<usize>| iso.get(range).unwrap_or_default();
    format!("{}.{} в {}", part(8..10), part(5..7), part(11..16))
}

/// The outcome of the call.
pub fn outcome(outcome: Outcome) -> Result<(), Stop> {
    notes::set_outcome(outcome).at("notes.set-outcome")
}

/// To a person; when nobody is there, by a call-back.
pub fn hand_over(call: &CallInfo, summary: &str) -> Result<(), Stop> {
    match routing::transfer(&Destination::Operator, summary).at("routing.transfer")? {
        TransferOutcome::Connected => outcome(Outcome::Transferred),
        TransferOutcome::Nobody | TransferOutcome::Refused(_) => promise(call, summary),
    }
}

/// "We will call you back", if it is known where.
pub fn promise(call: &CallInfo, reason: &str) -> Result<(), Stop> {
    let Some(phone) = &call.caller else {
        say("Сейчас никого нет. Пожалуйста, позвоните позже.")?;
        return outcome(Outcome::Nothing);
    };
    let request = Callback { phone: phone.clone(), person: String::new(), reason: reason.into(), at: None };
    let promised = callbacks::request(&request).at("callbacks.request")?;
    say(&format!("Мы перезвоним вам не позже {}. До свидания!", moment(&promised.due)))?;
    outcome(Outcome::Callback)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_moment_is_told_by_day_and_month() {
        assert_eq!(super::moment("2026-11-24T10:30"), "24.11 в 10:30");
    }
}
