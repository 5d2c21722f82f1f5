//! One clinic, one period: everything the page and the API show.

use std::collections::HashMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use records::{AgentTime, CallFilter, CategoryTotal, HourTotal, RecordsError, Rolled, Store, WaitBucket};
use serde::Serialize;

use crate::kpi::{self, Kpis, Thresholds, Visits};
use crate::non_target::{NonTarget, non_target};
use crate::staffing::{Goal, required};
use crate::{Amount, CategoryInfo, CountsAs, Headline, Period};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The period ends before it begins.
    #[error("the period ends on {to}, before it begins on {from}; swap the two")]
    Period {
        /// First day.
        from: Date,
        /// Last day.
        to: Date,
    },
    /// The calendar (years −9999 to 9999) does not go that far.
    #[error("the period is at the end of the calendar; take one of this century")]
    Calendar,
    /// Nobody knows this time zone.
    #[error("time zone {0:?} is unknown; give an IANA name, for example Europe/Moscow")]
    Timezone(String),
    /// The records could not be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// What to report on.
#[derive(Debug, Clone)]
pub struct ReportInput {
    /// Clinic id.
    pub clinic: String,
    /// As people call it.
    pub clinic_name: String,
    /// IANA name.
    pub timezone: String,
    /// First day.
    pub from: Date,
    /// Last day, included.
    pub to: Date,
    /// The clinic's categories.
    pub categories: Vec<CategoryInfo>,
    /// What a minute on the line costs; none = no money in the report.
    pub minute_cost: Option<Amount>,
    /// Limits of service level and lost calls.
    pub thresholds: Thresholds,
}

/// Figures of one clinic and period, beside those of the period before. Its JSON is stable under [`Report::SCHEMA`]: fields are
/// only ever added.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`Report::SCHEMA`].
    pub schema: &'static str,
    /// Clinic id.
    pub clinic: String,
    /// As people call it.
    pub clinic_name: String,
    /// IANA name.
    pub timezone: String,
    /// The days.
    pub period: Period,
    /// The days it is compared with.
    pub before: Period,
    /// Limits of service level and lost calls.
    pub thresholds: Thresholds,
    /// What it comes down to; none when no call has a category.
    pub headline: Option<Headline>,
    /// The figures.
    pub kpis: Kpis,
    /// Those of the period before; none when it has no calls.
    pub kpis_before: Option<Kpis>,
    /// What calls were about.
    pub non_target: NonTarget,
    /// Calls by hour of the week; hours without a call are left out.
    pub hours: Vec<HourTotal>,
    /// Calls by day, every day of the period.
    pub days: Vec<Day>,
    /// Calls of each category in the twelve weeks that end with the period.
    pub trends: Vec<Trend>,
    /// How long callers waited, shortest first.
    pub waits: Vec<WaitBucket>,
    /// People needed by hour of the week; none when no call was answered.
    pub staffing: Option<StaffingPlan>,
    /// The classifier whose tags were counted, as it named itself with the latest of them; none = people tagged.
    pub model_version: Option<String>,
}

/// Calls of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Which.
    pub date: Date,
    /// How many.
    pub calls: i64,
    /// How many of them were answered.
    pub answered: i64,
}

/// How many calls of a category came, week by week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trend {
    /// Category id.
    pub category: String,
    /// Earliest first.
    pub weeks: Vec<i64>,
}

/// People needed at the desk, as if people answered every call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StaffingPlan {
    /// What they are to reach.
    pub goal: Goal,
    /// Average handling time it is reckoned with.
    pub aht_ms: i64,
    /// Hours of the week in which calls came.
    pub hours: Vec<StaffedHour>,
}

/// One hour of the week.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StaffedHour {
    /// Hours since Monday 00:00, 0 to 167.
    pub hour: i64,
    /// On average in this period.
    pub calls_per_hour: f64,
    /// People.
    pub agents: u32,
}

impl Report {
    /// Name and version of the JSON shape.
    pub const SCHEMA: &'static str = "gudok.report/1";

    /// Reads the sums of both periods from the records and works everything out. A month is compared with the month before,
    /// anything else with as many days before it.
    ///
    /// # Errors
    /// [`ReportError`] for a period or time zone that does not exist, and when the records cannot be read.
    pub async fn build(store: &Store, input: &ReportInput) -> Result<Self, ReportError> {
        let period = Period::new(input.from, input.to)?;
        let before = period.before()?;
        let (from, to) = period.bounds(&input.timezone)?;
        let now = Read::of(store, input, period).await?;
        let earlier = Read::of(store, input, before).await?;
        let found = non_target(
            &now.rolled.categories,
            &earlier.rolled.categories,
            &input.categories,
            input.minute_cost.as_ref(),
        );
        Ok(Self {
            schema: Self::SCHEMA,
            clinic: input.clinic.clone(),
            clinic_name: input.clinic_name.clone(),
            timezone: input.timezone.clone(),
            period,
            before,
            thresholds: input.thresholds,
            headline: Headline::of(&found),
            kpis_before: (!earlier.rolled.categories.is_empty()).then(|| earlier.kpis(input)),
            kpis: now.kpis(input),
            staffing: staffing(&now.rolled, period, input.thresholds),
            non_target: found,
            days: every_day(period, &now.rolled.days),
            hours: now.rolled.hours,
            trends: trends(store, &input.clinic, period).await?,
            waits: now.rolled.waits,
            model_version: model_version(store, &input.clinic, from, to).await?,
        })
    }
}

/// The sums of one period.
struct Read {
    rolled: Rolled,
    time: AgentTime,
}

impl Read {
    async fn of(store: &Store, input: &ReportInput, period: Period) -> Result<Self, ReportError> {
        let (from, to) = period.bounds(&input.timezone)?;
        let clinic = input.clinic.as_str();
        // The database has several readers: ask them at the same time.
        let (mut rolled, time) =
            tokio::try_join!(store.rolled(clinic, period.day_numbers()), store.agent_time(clinic, from, to))?;
        let Thresholds { answer_ms, short_ms } = input.thresholds;
        if (answer_ms, short_ms) != (Store::ROLLED_ANSWER_MS, Store::ROLLED_SHORT_MS) {
            // The sums by day know the usual limits only.
            rolled.totals = store.period_totals(clinic, from, to, answer_ms, short_ms).await?;
        }
        Ok(Self { rolled, time })
    }

    fn kpis(&self, input: &ReportInput) -> Kpis {
        let is_target = |total: &&CategoryTotal| {
            let known = input.categories.iter().find(|category| Some(&category.id) == total.category.as_ref());
            known.is_some_and(|category| category.counts_as == CountsAs::Target)
        };
        let target = self.rolled.categories.iter().filter(is_target).map(|total| total.calls).sum();
        let visits = Visits { booked: self.rolled.booked, arrived: self.rolled.arrived };
        Kpis::of(&self.rolled.totals, visits, target, self.time)
    }
}

/// Weeks that a trend shows: enough to tell a change from chance, few enough to remember what was done.
const TREND_WEEKS: usize = 12;

async fn trends(store: &Store, clinic: &str, period: Period) -> Result<Vec<Trend>, RecordsError> {
    let last = *period.day_numbers().end();
    let first = last - TREND_WEEKS as i64 * 7 + 1;
    let mut found: std::collections::BTreeMap<String, Vec<i64>> = std::collections::BTreeMap::new();
    for day in store.category_days(clinic, first..=last).await? {
        let Some(category) = day.category else { continue };
        let weeks = found.entry(category).or_insert_with(|| vec![0; TREND_WEEKS]);
        if let Some(week) = usize::try_from((day.day - first) / 7).ok().and_then(|week| weeks.get_mut(week)) {
            *week += day.calls;
        }
    }
    Ok(found.into_iter().map(|(category, weeks)| Trend { category, weeks }).collect())
}

fn staffing(rolled: &Rolled, period: Period, limits: Thresholds) -> Option<StaffingPlan> {
    let aht_ms = kpi::aht_ms(&rolled.totals).filter(|aht| *aht > 0)?;
    let goal = Goal { within_s: limits.answer_ms as f64 / 1000.0, ..Goal::default() };
    let weekdays = period.weekdays();
    let staffed = |total: &HourTotal| {
        let times = *weekdays.get(usize::try_from(total.hour / 24).ok()?)?;
        let calls_per_hour = (times > 0).then(|| total.calls as f64 / times as f64)?;
        let staff = required(calls_per_hour, aht_ms as f64 / 1000.0, &goal)?;
        Some(StaffedHour { hour: total.hour, calls_per_hour, agents: staff.on_desk })
    };
    Some(StaffingPlan { goal, aht_ms, hours: rolled.hours.iter().filter_map(staffed).collect() })
}

fn every_day(period: Period, totals: &[records::DayTotal]) -> Vec<Day> {
    let by_day: HashMap<i64, &records::DayTotal> = totals.iter().map(|total| (total.day, total)).collect();
    let epoch = jiff::civil::date(1970, 1, 1);
    let day = |date: Date| {
        let total = by_day.get(&i64::from((date - epoch).get_days()));
        Day { date, calls: total.map_or(0, |total| total.calls), answered: total.map_or(0, |total| total.answered) }
    };
    period.from.series(1.day()).take_while(|date| *date <= period.to).map(day).collect()
}

/// Who tagged: asked of the latest calls only, since every tag of a period is rarely of interest and may be a million.
async fn model_version(store: &Store, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Option<String>, RecordsError> {
    let filter = CallFilter {
        clinic: Some(clinic.to_owned()),
        from_ms: Some(from_ms),
        to_ms: Some(to_ms),
        ..CallFilter::default()
    };
    let latest = store.calls(&filter, 50, None).await?.calls;
    for call in latest.iter().filter(|call| call.category.is_some()).take(5) {
        let by_model = store.tag(&call.id).await?.map(|tag| tag.model_version).filter(|version| !version.is_empty());
        if by_model.is_some() {
            return Ok(by_model);
        }
    }
    Ok(None)
}
