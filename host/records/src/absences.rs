//! Times at which doctors are away, as their other calendars tell them.

use serde::{Deserialize, Serialize};

use crate::row::Columns as _;
use crate::{RecordsError, Result, Store};

/// A stretch of time at which a doctor is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// The event's id in its calendar.
    pub uid: String,
    /// Start, unix milliseconds.
    pub start_ms: i64,
    /// End, unix milliseconds; after the start.
    pub end_ms: i64,
}

impl Store {
    /// Takes what a calendar (`source`) tells of a doctor in place of what it told before. Visits that are booked stay
    /// booked: [`Store::busy`] tells both, and a person decides.
    ///
    /// # Errors
    /// [`RecordsError::BadValue`] for an end that is not after its start.
    pub async fn replace_absences(&self, clinic: &str, doctor: &str, source: &str, absences: &[Absence]) -> Result<()> {
        if let Some(wrong) = absences.iter().find(|absence| absence.end_ms <= absence.start_ms) {
            let problem = format!("absence {:?} ends before it starts", wrong.uid);
            return Err(RecordsError::BadValue { field: "end_ms", problem });
        }
        let mut transaction = self.begin_write().await?;
        sqlx::query("DELETE FROM absences WHERE clinic = $1 AND doctor = $2 AND source = $3")
            .bind(clinic)
            .bind(doctor)
            .bind(source)
            .execute(&mut *transaction)
            .await?;
        for absence in absences {
            sqlx::query(
                "INSERT INTO absences (clinic, doctor, source, uid, start_ms, end_ms) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (clinic, doctor, source, uid, start_ms) DO UPDATE SET end_ms = excluded.end_ms
                 WHERE excluded.end_ms > absences.end_ms",
            )
            .bind(clinic)
            .bind(doctor)
            .bind(source)
            .bind(&absence.uid)
            .bind(absence.start_ms)
            .bind(absence.end_ms)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// When a doctor is away within `from_ms..to_ms`, whichever calendar says so, by start.
    pub async fn absences(&self, clinic: &str, doctor: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Absence>> {
        let rows = sqlx::query(
            "SELECT uid, start_ms, end_ms FROM absences WHERE clinic = $1 AND doctor = $2 AND start_ms < $4
                AND end_ms > $3 ORDER BY start_ms, uid",
        )
        .bind(clinic)
        .bind(doctor)
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(self.read())
        .await?;
        let absence = |row| -> Result<Absence> {
            let row: &sqlx::any::AnyRow = row;
            Ok(Absence { uid: row.text("uid")?, start_ms: row.int("start_ms")?, end_ms: row.int("end_ms")? })
        };
        rows.iter().map(absence).collect()
    }
}
