//! Service level, lost calls, handling times, conversion: each formula a pure function of what was recorded.
//!
//! Everything starts from [`PeriodTotals`], which the database sums up, or [`tally`] from single calls; both agree. An
//! *offered* call is an incoming call that is over; *answered* by a robot or a person; *lost* = offered and not answered.
//! A caller who hears the robot is answered: what they ask the robot and get is contained, not lost. Whoever the
//! robot sent to a queue counts by what became of them there: their wait begins where they joined it.

mod definitions;

use std::collections::BTreeMap;

use records::{AgentTime, CallFact, CategoryTotal, Direction, HandledTotals, HourTotal, Outcome, PeriodTotals};
use serde::Serialize;

pub use definitions::{Definition, definition, definitions};

use crate::Share;
use crate::share::div_round;

/// Limits that service level and lost calls depend on; shown wherever the figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Thresholds {
    /// T: answered in time = after waiting at most this long.
    pub answer_ms: i64,
    /// S: a caller who gives up before this has not really waited (a short abandon).
    pub short_ms: i64,
}

/// 20 seconds, as in 80/20, and 5 seconds.
impl Default for Thresholds {
    fn default() -> Self {
        Self { answer_ms: 20_000, short_ms: 5_000 }
    }
}

/// The four definitions of service level in use. They differ in what becomes of lost calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceLevel {
    /// Answered in time / answered. Ignores lost calls and so flatters (Asterisk `SL`, Wazo).
    Answered,
    /// Answered in time / offered (RingCentral, abandoned calls included).
    Offered,
    /// Answered in time / offered less short abandons (RingCentral with a threshold).
    OfferedLessShort,
    /// (Answered in time + given up in time) / offered (Asterisk `SL2`).
    Sl2,
}

/// Service level by one definition; none when nothing was offered (or answered).
pub fn service_level(totals: &PeriodTotals, definition: ServiceLevel) -> Option<Share> {
    let in_time = totals.answered_in_time;
    match definition {
        ServiceLevel::Answered => Share::of(in_time, totals.answered),
        ServiceLevel::Offered => Share::of(in_time, totals.offered),
        ServiceLevel::OfferedLessShort => Share::of(in_time, totals.offered - totals.lost_short),
        ServiceLevel::Sl2 => Share::of(in_time + totals.lost_in_time, totals.offered),
    }
}

/// Lost / offered.
pub fn lost_gross(totals: &PeriodTotals) -> Option<Share> {
    Share::of(lost(totals), totals.offered)
}

/// The same without short abandons, above and below the line, and without those who were promised a call-back.
pub fn lost_net(totals: &PeriodTotals) -> Option<Share> {
    Share::of(lost(totals) - totals.lost_short - totals.promised, totals.offered - totals.lost_short)
}

/// Offered and not answered.
pub fn lost(totals: &PeriodTotals) -> i64 {
    totals.offered - totals.answered
}

/// Average speed of answer in milliseconds: Σ wait of the answered / answered.
pub fn asa_ms(totals: &PeriodTotals) -> Option<i64> {
    mean(totals.answered_wait_ms, totals.answered)
}

/// Average abandon time in milliseconds: Σ wait of the lost / lost.
pub fn abandon_ms(totals: &PeriodTotals) -> Option<i64> {
    mean(totals.lost_wait_ms, lost(totals))
}

/// Average talk time in milliseconds, hold excluded: Σ talk / handled.
pub fn att_ms(totals: &PeriodTotals) -> Option<i64> {
    let handled = handled(totals);
    mean(handled.talk_ms, handled.answered)
}

/// Average after-call work in milliseconds: Σ ACW / handled; none when it was measured for no call.
pub fn acw_ms(totals: &PeriodTotals) -> Option<i64> {
    let handled = handled(totals);
    if totals.acw_measured == 0 { None } else { mean(handled.acw_ms, handled.answered) }
}

/// Average handling time in milliseconds: (Σ talk + Σ hold + Σ ACW) / handled.
pub fn aht_ms(totals: &PeriodTotals) -> Option<i64> {
    let handled = handled(totals);
    mean(handled.talk_ms + handled.hold_ms + handled.acw_ms, handled.answered)
}

/// (talk + hold + ACW) / (talk + hold + ACW + available idle) of the people at the desk; pauses are outside. None when nobody
/// wrote down what they did.
pub fn occupancy(time: AgentTime) -> Option<Share> {
    Share::of(time.busy_ms, time.busy_ms + time.idle_ms)
}

/// What handling times are means over: calls that people answered. Where the robot answered all of them, its own.
fn handled(totals: &PeriodTotals) -> HandledTotals {
    if totals.by_people.answered > 0 {
        return totals.by_people;
    }
    let (talk_ms, hold_ms, acw_ms) = (totals.talk_ms, totals.hold_ms, totals.acw_ms);
    HandledTotals { answered: totals.answered, talk_ms, hold_ms, acw_ms }
}

/// The mean to the nearest millisecond; none of nothing.
fn mean(sum: i64, count: i64) -> Option<i64> {
    (count > 0).then(|| i64::try_from(div_round(sum.into(), count.into())).unwrap_or(i64::MAX))
}

/// Visits that calls of a period led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Visits {
    /// Calls in which a visit was booked that was not called off.
    pub booked: i64,
    /// Of them, those whose visit took place (or has begun).
    pub arrived: i64,
}

/// Every figure of one period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kpis {
    /// Incoming calls that are over.
    pub offered: i64,
    /// Of them, answered by a robot or a person.
    pub answered: i64,
    /// Of them, not answered.
    pub lost: i64,
    /// Of those, promised a call-back (short abandons apart).
    pub promised: i64,
    /// Of the answered, by people.
    pub by_people: i64,
    /// From numbers that had never called.
    pub first_time: i64,
    /// From numbers that had.
    pub repeat: i64,
    /// From withheld numbers: neither.
    pub number_withheld: i64,
    /// [`ServiceLevel::Answered`].
    pub sl_answered: Option<Share>,
    /// [`ServiceLevel::Offered`]: the one shown first.
    pub sl_offered: Option<Share>,
    /// [`ServiceLevel::OfferedLessShort`].
    pub sl_offered_less_short: Option<Share>,
    /// [`ServiceLevel::Sl2`].
    pub sl2: Option<Share>,
    /// [`lost_gross`].
    pub lcr_gross: Option<Share>,
    /// [`lost_net`].
    pub lcr_net: Option<Share>,
    /// [`asa_ms`].
    pub asa_ms: Option<i64>,
    /// [`abandon_ms`].
    pub abandon_ms: Option<i64>,
    /// [`att_ms`].
    pub att_ms: Option<i64>,
    /// [`acw_ms`].
    pub acw_ms: Option<i64>,
    /// For how many calls after-call work was measured.
    pub acw_measured: i64,
    /// [`aht_ms`].
    pub aht_ms: Option<i64>,
    /// [`occupancy`]; none where nobody wrote down when people at the desk were free.
    pub occupancy: Option<Share>,
    /// Calls tagged as target.
    pub target: i64,
    /// Visits that calls led to.
    pub visits: Visits,
    /// Calls with a booking / target calls; none too when there are more bookings than target calls.
    pub booking_rate: Option<Share>,
    /// Visits that took place / visits booked.
    pub arrival_rate: Option<Share>,
}

impl Kpis {
    /// All figures. `target` is how many calls were tagged as target, `time` what people at the desk did.
    pub fn of(totals: &PeriodTotals, visits: Visits, target: i64, time: AgentTime) -> Self {
        Self {
            offered: totals.offered,
            answered: totals.answered,
            lost: lost(totals),
            promised: totals.promised,
            by_people: totals.by_people.answered,
            first_time: totals.first_time,
            repeat: totals.repeat,
            number_withheld: totals.offered - totals.first_time - totals.repeat,
            sl_answered: service_level(totals, ServiceLevel::Answered),
            sl_offered: service_level(totals, ServiceLevel::Offered),
            sl_offered_less_short: service_level(totals, ServiceLevel::OfferedLessShort),
            sl2: service_level(totals, ServiceLevel::Sl2),
            lcr_gross: lost_gross(totals),
            lcr_net: lost_net(totals),
            asa_ms: asa_ms(totals),
            abandon_ms: abandon_ms(totals),
            att_ms: att_ms(totals),
            acw_ms: acw_ms(totals),
            acw_measured: totals.acw_measured,
            aht_ms: aht_ms(totals),
            occupancy: occupancy(time),
            target,
            visits,
            booking_rate: Share::of(visits.booked, target),
            arrival_rate: Share::of(visits.arrived, visits.booked),
        }
    }
}

fn incoming(facts: &[CallFact]) -> impl Iterator<Item = &CallFact> {
    facts.iter().filter(|fact| fact.direction == Direction::Incoming)
}

/// Sums up single calls as [`records::Store::period_totals`] does: incoming calls that are over. A wait that was not
/// measured is the time to the answer, or to the end.
pub fn tally(facts: &[CallFact], thresholds: Thresholds) -> PeriodTotals {
    let mut sum = PeriodTotals::default();
    for fact in incoming(facts) {
        let Some(ended) = fact.ended_ms else { continue };
        let wait = fact.queue_wait_ms.unwrap_or(fact.answered_ms.unwrap_or(ended) - fact.started_ms);
        sum.offered += 1;
        if fact.answered_ms.is_some() {
            sum.answered += 1;
            sum.answered_wait_ms += wait;
            sum.answered_in_time += i64::from(wait <= thresholds.answer_ms);
            if fact.agent.as_deref() != Some("robot") {
                let people = &mut sum.by_people;
                people.answered += 1;
                people.talk_ms += fact.talk_ms.unwrap_or(0);
                people.hold_ms += fact.hold_ms.unwrap_or(0);
                people.acw_ms += fact.acw_ms.unwrap_or(0);
            }
        } else {
            sum.lost_wait_ms += wait;
            sum.lost_in_time += i64::from(wait <= thresholds.answer_ms);
            let short = wait < thresholds.short_ms;
            sum.lost_short += i64::from(short);
            sum.promised += i64::from(!short && fact.outcome == Some(Outcome::Callback));
        }
        sum.first_time += i64::from(fact.first_time == Some(true));
        sum.repeat += i64::from(fact.first_time == Some(false));
        sum.talk_ms += fact.talk_ms.unwrap_or(0);
        sum.hold_ms += fact.hold_ms.unwrap_or(0);
        sum.acw_ms += fact.acw_ms.unwrap_or(0);
        sum.acw_measured += i64::from(fact.acw_ms.is_some());
    }
    sum
}

/// Visits that incoming calls led to.
pub fn visits(facts: &[CallFact]) -> Visits {
    incoming(facts).fold(Visits::default(), |sum, fact| Visits {
        booked: sum.booked + i64::from(fact.booked),
        arrived: sum.arrived + i64::from(fact.arrived),
    })
}

/// Incoming calls by hour of the week, as [`records::Store::hour_of_week`] gives them.
pub fn hour_of_week(facts: &[CallFact]) -> Vec<HourTotal> {
    let mut hours = BTreeMap::new();
    for fact in incoming(facts) {
        let hour = fact.local_hour;
        let sum = hours.entry(hour).or_insert(HourTotal { hour, calls: 0, answered: 0, talk_ms: 0 });
        sum.calls += 1;
        sum.answered += i64::from(fact.answered_ms.is_some());
        sum.talk_ms += fact.talk_ms.unwrap_or(0) + fact.hold_ms.unwrap_or(0);
    }
    hours.into_values().collect()
}

/// Incoming calls by category, as [`records::Store::category_totals`] gives them.
pub fn categories(facts: &[CallFact]) -> Vec<CategoryTotal> {
    let mut categories: BTreeMap<Option<&str>, CategoryTotal> = BTreeMap::new();
    for fact in incoming(facts) {
        let category = fact.category.clone();
        let new = CategoryTotal { category, calls: 0, talk_ms: 0, acw_ms: 0, review: 0 };
        let sum = categories.entry(fact.category.as_deref()).or_insert(new);
        sum.calls += 1;
        sum.talk_ms += fact.talk_ms.unwrap_or(0) + fact.hold_ms.unwrap_or(0);
        sum.acw_ms += fact.acw_ms.unwrap_or(0);
        sum.review += i64::from(fact.review);
    }
    let mut sums: Vec<_> = categories.into_values().collect();
    sums.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.category.cmp(&b.category)));
    sums
}

#[cfg(test)]
mod tests;
