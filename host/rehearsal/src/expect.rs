//! What a script demands, compared with what the journal says happened.

use flows::FlowEnd;
use flows::host::appointments::{Appointment, Booking};
use flows::host::notes::Outcome;
use flows::host::routing::TransferOutcome;
use flows::host::{Error, HostCall, HostReply};
use flows::journal::{Entry, Journal};
use lines::script::{Booked, Ends, Expect, OUTCOMES, Script};
use understanding::category::Taxonomy;

use crate::error::RehearsalError;
use crate::house::House;
use crate::office::line_name;
use crate::play::Conversation;

/// Check what a script names against what there is: categories, host functions, doctors, services. `text` is the file's
/// own text, to name the line.
///
/// # Errors
///
/// [`RehearsalError::Value`] with file, line, key and what may stand there.
pub fn check_names(script: &Script, house: &House, file: &str, text: &str) -> Result<(), RehearsalError> {
    let wrong = |key: &'static str, value: &str, allowed: String| {
        let quoted = [format!("\"{value}\""), format!("'{value}'")];
        let place = text.lines().position(|line| quoted.iter().any(|value| line.contains(value)));
        let (path, line) = (file.to_owned(), place.map(|place| place + 1));
        Err(RehearsalError::Value { path, line, key, value: value.to_owned(), allowed })
    };
    let expect = &script.expect;
    if let Some(category) = &expect.category {
        let known = &Taxonomy::embedded().categories;
        if !known.iter().any(|known| &known.id == category) {
            let known: Vec<&str> = known.iter().map(|category| category.id.as_str()).collect();
            return wrong("category", category, format!("categories are {}", known.join(", ")));
        }
    }
    for (key, names) in [("calls", &expect.calls), ("not_calls", &expect.not_calls)] {
        if let Some(name) = names.iter().find(|name| !HostCall::FUNCTIONS.contains(&name.as_str())) {
            return wrong(key, name, format!("host functions are {}", HostCall::FUNCTIONS.join(", ")));
        }
    }
    let clinic = house.clinic();
    let visits = script.scene.visits.iter().map(|visit| (&visit.doctor, &visit.service));
    let booked = expect.booked.iter().map(|booked| (&booked.doctor, &booked.service));
    for (doctor, service) in visits.chain(booked) {
        if let Some(id) = doctor.as_ref().filter(|id| clinic.doctor(id).is_none()) {
            let known: Vec<&str> = clinic.doctors.iter().map(|doctor| doctor.id.as_str()).collect();
            return wrong("doctor", id, format!("{} has the doctors {}", clinic.name, known.join(", ")));
        }
        if let Some(id) = service.as_ref().filter(|id| clinic.service(id).is_none()) {
            let known: Vec<&str> = clinic.services.iter().map(|service| service.id.as_str()).collect();
            return wrong("service", id, format!("{} has the services {}", clinic.name, known.join(", ")));
        }
    }
    Ok(())
}

/// What did not come as expected, one sentence each.
pub fn check(expect: &Expect, conversation: &Conversation) -> Vec<String> {
    let mut failures = Vec::new();
    let happened = Happened::of(&conversation.journal);
    let end = &conversation.report.end;
    match (expect.ends.unwrap_or_default(), end) {
        (Ends::Finished, FlowEnd::Finished)
        | (Ends::GaveUp, FlowEnd::GaveUp(_))
        | (Ends::Trapped, FlowEnd::Trapped { .. }) => {}
        (wanted, _) => failures.push(format!("ends: expected {}, the flow {}", ends(wanted), ended(end))),
    }
    let mut fail_if = |failed: bool, sentence: String| {
        if failed {
            failures.push(sentence);
        }
    };
    if let Some(wanted) = &expect.outcome {
        let found = happened.outcome();
        fail_if(found != wanted, format!("outcome: expected {wanted}, it is {found}"));
    }
    if let Some(wanted) = &expect.category {
        let found = happened.category.unwrap_or("none");
        fail_if(found != wanted, format!("category: expected {wanted}, it is {found}"));
    }
    for part in &expect.said {
        fail_if(!happened.said_part(part), format!("said: «{part}» was never said"));
    }
    for part in &expect.not_said {
        fail_if(happened.said_part(part), format!("not_said: «{part}» was said"));
    }
    if let Some(booked) = &expect.booked {
        match happened.booked.last() {
            None => fail_if(true, "booked: nothing was booked".into()),
            Some(visit) => booking(booked, visit).into_iter().for_each(|failure| fail_if(true, failure)),
        }
    }
    if let Some(wanted) = &expect.transferred_to {
        let found = happened.transfers.iter().any(|(to, _)| to == wanted);
        let tried: Vec<&str> = happened.transfers.iter().map(|(to, _)| *to).collect();
        let tried = if tried.is_empty() { "no transfer was tried".to_owned() } else { tried.join(", ") };
        fail_if(!found, format!("transferred_to: expected {wanted}; {tried}"));
    }
    if let Some(part) = &expect.summary {
        let found = happened.transfers.iter().any(|(_, summary)| summary.contains(part.as_str()));
        let told: Vec<String> = happened.transfers.iter().map(|(_, summary)| format!("«{summary}»")).collect();
        fail_if(!found, format!("summary: expected «{part}» in it; the person was told {}", told.join(", ")));
    }
    if let Some(part) = &expect.callback {
        let found = happened.callbacks.iter().any(|reason| reason.contains(part.as_str()));
        let promised: Vec<String> = happened.callbacks.iter().map(|reason| format!("«{reason}»")).collect();
        let promised = if promised.is_empty() { "none was promised".to_owned() } else { promised.join(", ") };
        fail_if(!found, format!("callback: expected one with «{part}»; {promised}"));
    }
    for (name, wanted) in &expect.notes {
        let found = happened.notes.iter().rfind(|(key, _)| key == name).map(|(_, value)| *value);
        let is = found.map_or_else(|| "there is none".to_owned(), |found| format!("it is «{found}»"));
        fail_if(found != Some(wanted), format!("notes.{name}: expected «{wanted}», {is}"));
    }
    if let Some(wanted) = &expect.questions {
        let same = happened.questions.iter().eq(wanted.iter());
        let (wanted, asked) = (wanted.join(", "), happened.questions.join(", "));
        fail_if(!same, format!("questions: expected {wanted}; asked were {asked}"));
    }
    for name in &expect.calls {
        fail_if(!happened.used(name), format!("calls: {name} was not used"));
    }
    for name in &expect.not_calls {
        fail_if(happened.used(name), format!("not_calls: {name} was used"));
    }
    if let Some(most) = expect.turns {
        let turns = conversation.turns();
        fail_if(turns > most as usize, format!("turns: at most {most}, it took {turns}"));
    }
    failures
}

fn booking(wanted: &Booked, found: &Appointment) -> Vec<String> {
    let (slot, visitor) = (&found.slot, &found.visitor);
    let starts = |wanted: &str, found: &str| found.starts_with(wanted);
    let same = |wanted: &str, found: &str| found == wanted;
    let has = |wanted: &str, found: &str| found.to_lowercase().contains(&wanted.to_lowercase());
    type Fits<'a> = &'a dyn Fn(&str, &str) -> bool;
    let checks: [(&str, &Option<String>, &String, Fits<'_>); 7] = [
        ("start", &wanted.start, &slot.start, &starts),
        ("doctor", &wanted.doctor, &slot.doctor_id, &same),
        ("service", &wanted.service, &slot.service_id, &same),
        ("phone", &wanted.phone, &visitor.phone, &same),
        ("person", &wanted.person, &visitor.person, &has),
        ("animal", &wanted.animal, &visitor.animal, &has),
        ("reason", &wanted.reason, &visitor.reason, &has),
    ];
    let wrong = checks.into_iter().filter_map(|(key, wanted, found, fits)| {
        let wanted = wanted.as_ref().filter(|wanted| !fits(wanted, found))?;
        Some(format!("booked.{key}: expected «{wanted}», it is «{found}»"))
    });
    wrong.collect()
}

fn ends(ends: Ends) -> &'static str {
    match ends {
        Ends::Finished => "finished",
        Ends::GaveUp => "gave-up",
        Ends::Trapped => "trapped",
    }
}

/// How a flow ended, for its author.
pub fn ended(end: &FlowEnd) -> String {
    match end {
        FlowEnd::Finished => "finished".into(),
        FlowEnd::GaveUp(reason) => format!("gave up: {reason}"),
        FlowEnd::Trapped { kind, message } => format!("trapped ({kind:?}): {message}"),
    }
}

/// A journal, read for what lasts.
#[derive(Default)]
pub(crate) struct Happened<'a> {
    pub(crate) said: Vec<&'a str>,
    pub(crate) questions: Vec<&'a str>,
    pub(crate) booked: Vec<&'a Appointment>,
    pub(crate) transfers: Vec<(&'a str, &'a str)>,
    pub(crate) connected: bool,
    pub(crate) callbacks: Vec<&'a str>,
    pub(crate) hung_up: bool,
    pub(crate) caller_left: bool,
    category: Option<&'a str>,
    notes: Vec<(&'a str, &'a str)>,
    set_outcome: Option<Outcome>,
    functions: Vec<&'static str>,
}

impl<'a> Happened<'a> {
    pub(crate) fn of(journal: &'a Journal) -> Happened<'a> {
        let mut happened = Happened::default();
        journal.entries.iter().for_each(|entry| happened.add(entry));
        happened
    }

    fn add(&mut self, entry: &'a Entry) {
        self.functions.push(entry.call.function());
        let gone = entry.reply.error() == Some(&Error::Hangup);
        match (&entry.call, &entry.reply) {
            // A question is said before its caller leaves; what comes after is said to nobody.
            (HostCall::VoiceAsk { question }, _) if !self.caller_left => {
                self.said.push(&question.text);
                self.questions.push(&question.id);
            }
            (HostCall::VoiceSay { text, .. }, _) if !gone => self.said.push(text),
            (HostCall::VoicePlay { prompt, .. }, HostReply::VoicePlay(Ok(_))) => self.said.push(prompt),
            (HostCall::VoiceHangUp, HostReply::VoiceHangUp(Ok(()))) => self.hung_up = true,
            (_, HostReply::AppointmentsBook(Ok(Booking::Booked(visit)))) => self.booked.push(visit),
            (_, HostReply::AppointmentsReschedule(Ok(Booking::Booked(visit)))) => self.booked.push(visit),
            (HostCall::RoutingTransfer { to, summary }, HostReply::RoutingTransfer(Ok(outcome))) => {
                self.transfers.push((line_name(to), summary));
                self.connected |= *outcome == TransferOutcome::Connected;
            }
            (HostCall::CallbacksRequest { callback }, HostReply::CallbacksRequest(Ok(_))) => {
                self.callbacks.push(&callback.reason);
            }
            (HostCall::NotesTag { category }, HostReply::NotesTag(Ok(()))) => self.category = Some(category),
            (HostCall::NotesNote { name, value }, HostReply::NotesNote(Ok(()))) => self.notes.push((name, value)),
            (HostCall::NotesSetOutcome { outcome }, HostReply::NotesSetOutcome(Ok(()))) => {
                self.set_outcome = Some(*outcome);
            }
            _ => {}
        }
        self.caller_left |= gone;
    }

    /// As the records would have it: what the flow says, else what is plain.
    pub(crate) fn outcome(&self) -> &'static str {
        match self.set_outcome {
            Some(outcome) => outcome_name(outcome),
            None if self.connected => outcome_name(Outcome::Transferred),
            None => outcome_name(Outcome::Nothing),
        }
    }

    pub(crate) fn says_outcome(&self) -> bool {
        self.set_outcome.is_some()
    }

    fn said_part(&self, part: &str) -> bool {
        self.said.iter().any(|said| said.contains(part))
    }

    fn used(&self, function: &str) -> bool {
        self.functions.contains(&function)
    }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    OUTCOMES[match outcome {
        Outcome::Booked => 0,
        Outcome::Moved => 1,
        Outcome::Cancelled => 2,
        Outcome::Answered => 3,
        Outcome::Transferred => 4,
        Outcome::Callback => 5,
        Outcome::NotOffered => 6,
        Outcome::Nothing => 7,
    }]
}
