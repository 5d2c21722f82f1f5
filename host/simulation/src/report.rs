//! What a month came to.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What a month came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Calls that came in, and of them lost.
    pub calls: u32,
    /// Nobody answered.
    pub lost_calls: u32,
    /// Visits by where they ended.
    pub visits: BTreeMap<String, u32>,
    /// Times at which somebody was quicker, and another was offered.
    pub taken: u32,
    /// Entries of the list of people to call, by what came of them.
    pub contacts: BTreeMap<String, u32>,
    /// Of them found late.
    pub late: u32,
    /// Messages by where they ended.
    pub messages: BTreeMap<String, u32>,
    /// Replies by what was made of them.
    pub replies: BTreeMap<String, u32>,
    /// What came of it in the CRM.
    pub crm: Crm,
    /// What went wrong on purpose.
    pub faults: Faults,
    /// What must never be: empty in a good program.
    pub broken: Vec<String>,
}

/// What went wrong on purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// The program was cut off in the middle of its work.
    pub crashes: u32,
    /// A gateway refused.
    pub refused: u32,
    /// A gateway's answer, or the question, was lost.
    pub lost_answers: u32,
    /// Something came twice.
    pub duplicates: u32,
    /// The clock was set.
    pub clock_steps: u32,
}

/// The CRM beside the clinic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Crm {
    /// One a visit.
    pub deals: u32,
    /// Calls without a booking.
    pub leads: u32,
    /// What people changed there.
    pub changed_there: u32,
    /// Of that, what could not be and was put back.
    pub put_back: u32,
    /// Requests that it refused, or that were lost.
    pub failed: u32,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: &BTreeMap<String, u32>| {
            counts.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
        };
        let sum = |counts: &BTreeMap<String, u32>| counts.values().sum::<u32>();
        writeln!(f, "calls      {} ({} lost)", self.calls, self.lost_calls)?;
        writeln!(
            f,
            "visits     {} ({}); {} times somebody was quicker",
            sum(&self.visits),
            list(&self.visits),
            self.taken
        )?;
        writeln!(f, "to call    {} ({}); {} late", sum(&self.contacts), list(&self.contacts), self.late)?;
        writeln!(f, "messages   {} ({})", sum(&self.messages), list(&self.messages))?;
        writeln!(f, "replies    {} ({})", sum(&self.replies), list(&self.replies))?;
        let Crm { deals, leads, changed_there, put_back, failed } = self.crm;
        writeln!(
            f,
            "CRM        {deals} deals, {leads} leads; {changed_there} changes made there, {put_back} put back; \
             {failed} requests failed"
        )?;
        let Faults { crashes, refused, lost_answers, duplicates, clock_steps } = self.faults;
        writeln!(
            f,
            "went wrong {crashes} crashes, {refused} refusals of gateways, {lost_answers} lost answers, {duplicates} \
             duplicates, {clock_steps} steps of the clock"
        )?;
        if self.broken.is_empty() {
            return write!(
                f,
                "everybody came to an end; no double booking; nothing sent twice, late or at night; both systems equal"
            );
        }
        writeln!(f, "broken     {}", self.broken.len())?;
        for problem in self.broken.iter().take(20) {
            writeln!(f, "  {problem}")?;
        }
        Ok(())
    }
}
