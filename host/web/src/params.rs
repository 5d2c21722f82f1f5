//! Query parameters, parsed one by one so that an error names the parameter and what it may be.

use std::sync::Arc;

use accounts::Permission;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use desk::Clinic;
use jiff::ToSpan as _;
use jiff::civil::Date;
use reports::Period;

use crate::auth::Viewer;
use crate::{AppState, Problem};

/// What stands after the `?`.
pub(crate) type RawParams = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Known parameters, each at most once.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Refuses names that are not in `known` (a misspelt filter must not give the whole list) and names given twice.
    pub(crate) fn parse(raw: RawParams, known: &[&str]) -> Result<Self, Problem> {
        let unreadable = |_| Problem::bad_parameter("", "the query is not readable; encode it as a form does", known);
        let Query(pairs) = raw.map_err(unreadable)?;
        for (i, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let detail = "there is no such parameter; allowed lists those there are";
                return Err(Problem::bad_parameter("", detail, known));
            }
            if pairs[..i].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::bad_parameter(name, "it is given twice; give it once", [""; 0]));
            }
        }
        Ok(Self(pairs))
    }

    /// None when it is absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|pair| pair.0 == name);
        found.map(|pair| pair.1.as_str()).filter(|value| !value.is_empty())
    }

    /// The clinic, for who may do this there; it must be named, so that nobody sees another's calls by leaving it out.
    pub(crate) fn clinic_for<'a>(
        &self,
        state: &'a AppState,
        viewer: &Viewer,
        permission: Permission,
    ) -> Result<&'a Arc<Clinic>, Problem> {
        let known = || state.clinics.keys().filter(|clinic| viewer.knows(clinic));
        let id = self.get("clinic").ok_or_else(|| Problem::bad_parameter("clinic", "it is required", known()))?;
        viewer.check(state, id, permission)?;
        state.clinic(id)
    }

    pub(crate) fn number(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        let (least, most) = (range.start(), range.end());
        let wrong =
            || Problem::bad_parameter(name, format!("it must be a whole number from {least} to {most}"), [""; 0]);
        let read = |text: &str| text.parse().ok().filter(|number| range.contains(number)).ok_or_else(wrong);
        self.get(name).map(read).transpose()
    }

    pub(crate) fn date(&self, name: &str) -> Result<Option<Date>, Problem> {
        let wrong = |_| Problem::bad_parameter(name, "it must be a day as YYYY-MM-DD, for example 2026-11-01", [""; 0]);
        self.get(name).map(|text| text.parse().map_err(wrong)).transpose()
    }

    pub(crate) fn one_of<T: Copy>(&self, name: &str, allowed: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let words = allowed.iter().map(|choice| choice.0);
        let found = allowed.iter().find(|choice| choice.0 == text).map(|choice| choice.1);
        found.map(Some).ok_or_else(|| Problem::bad_parameter(name, "it must be one of those in allowed", words))
    }

    /// `from` and `to`, both included. Without them: the four whole weeks that ended yesterday on the clinic's calendar.
    pub(crate) fn period(&self, state: &AppState, clinic: &Clinic) -> Result<Period, Problem> {
        let (from, to) = match (self.date("from")?, self.date("to")?) {
            (Some(from), Some(to)) => (from, to),
            (None, None) => {
                let today = clinic.local((state.now)()).date();
                (today.saturating_sub(28.days()), today.saturating_sub(1.days()))
            }
            (None, _) => return Err(Problem::bad_parameter("from", "to is given, so from must be too", [""; 0])),
            (_, None) => return Err(Problem::bad_parameter("to", "from is given, so to must be too", [""; 0])),
        };
        Ok(Period::new(from, to)?)
    }
}
