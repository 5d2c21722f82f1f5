//! A week's answers, read from the records.

use std::collections::BTreeMap;

use desk::Clinic;
use jiff::Timestamp;
use records::{Status, Store};
use reports::kpi::Thresholds;
use reports::{Amount, CategoryInfo, Period, Report, ReportInput};

use crate::Result;

/// What a letter tells of.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Calls, their categories, service, bookings.
    pub report: Report,
    /// Requests of people who had never been here: how many came, how many of them booked, and the share that is to.
    pub first_time: (u64, u64, f64),
    /// Visits of the week that were called off, and those to which nobody came.
    pub cancelled: i64,
    /// See there.
    pub missed: i64,
    /// Why, in the clinic's words, most frequent first.
    pub reasons: Vec<(String, i64)>,
}

impl Figures {
    /// Reads a week of a clinic, as it stands at `now`.
    ///
    /// # Errors
    /// When the records cannot be read, or the clinic's time zone is unknown.
    pub async fn read(
        store: &Store,
        clinic: &Clinic,
        categories: &[CategoryInfo],
        week: Period,
        now: Timestamp,
    ) -> Result<Self> {
        let input = ReportInput {
            clinic: clinic.id.clone(),
            clinic_name: clinic.name.clone(),
            timezone: clinic.timezone.clone(),
            from: week.from,
            to: week.to,
            categories: categories.to_vec(),
            minute_cost: clinic.minute_cost.map(|money| Amount::new(money.minor, money.currency.as_str())),
            thresholds: Thresholds::default(),
        };
        let report = Report::build(store, &input).await?;
        let (from, to) = week.bounds(&clinic.timezone)?;
        let contacts = store.contacts_between(&clinic.id, from, to).await?;
        let asked = outreach::figures::figures(&contacts, clinic.requests.goal, now);
        let (mut cancelled, mut missed) = (0, 0);
        let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
        for (status, code, count) in store.lost_visits(&clinic.id, from, to).await? {
            if status == Status::NoShow {
                missed += count
            } else {
                cancelled += count
            }
            if let Some(code) = code {
                let known = clinic.lost_reasons.iter().find(|reason| reason.code == code);
                *reasons.entry(known.map_or(code, |reason| reason.text.clone())).or_default() += count;
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let first_time = (asked.first_time, asked.first_time_booked, asked.goal);
        Ok(Self { report, first_time, cancelled, missed, reasons })
    }
}
