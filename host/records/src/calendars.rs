//! Addresses under which a doctor's visits are read as a calendar. Whoever knows one reads it; only its hash is kept, and a new
//! one ends the one before.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns};
use crate::{Result, Store};

/// A doctor's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarLink {
    /// Clinic id.
    pub clinic: String,
    /// Doctor id.
    pub doctor: String,
    /// Of what makes it secret: SHA-256, hexadecimal.
    #[serde(skip)]
    pub digest: String,
    /// How much of a visitor it tells: a word of the desk's.
    pub detail: String,
    /// Since when there is this one.
    pub created_ms: i64,
    /// Id of the user who made it.
    pub created_by: String,
}

impl Store {
    /// Gives a doctor an address, in the place of the one before.
    pub async fn put_calendar_link(&self, link: &CalendarLink) -> Result<()> {
        sqlx::query(
            "INSERT INTO calendar_links (clinic, doctor, digest, detail, created_ms, created_by)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (clinic, doctor) DO UPDATE SET digest = excluded.digest, detail = excluded.detail,
                created_ms = excluded.created_ms, created_by = excluded.created_by",
        )
        .bind(&link.clinic)
        .bind(&link.doctor)
        .bind(&link.digest)
        .bind(&link.detail)
        .bind(link.created_ms)
        .bind(&link.created_by)
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Takes a doctor's address away; false when there was none.
    pub async fn drop_calendar_link(&self, clinic: &str, doctor: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM calendar_links WHERE clinic = $1 AND doctor = $2")
            .bind(clinic)
            .bind(doctor)
            .execute(self.write())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The addresses of a clinic, by doctor.
    pub async fn calendar_links(&self, clinic: &str) -> Result<Vec<CalendarLink>> {
        let sql = "SELECT clinic, doctor, digest, detail, created_ms, created_by FROM calendar_links
             WHERE clinic = $1 ORDER BY doctor";
        let rows = sqlx::query(sql).bind(clinic).fetch_all(self.read()).await?;
        rows.iter().map(CalendarLink::from_columns).collect()
    }

    /// Whose address this is the hash of.
    pub async fn calendar_link(&self, digest: &str) -> Result<Option<CalendarLink>> {
        let sql = "SELECT clinic, doctor, digest, detail, created_ms, created_by FROM calendar_links WHERE digest = $1";
        let row = sqlx::query(sql).bind(digest).fetch_optional(self.read()).await?;
        row.as_ref().map(CalendarLink::from_columns).transpose()
    }
}

impl FromColumns for CalendarLink {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            clinic: row.text("clinic")?,
            doctor: row.text("doctor")?,
            digest: row.text("digest")?,
            detail: row.text("detail")?,
            created_ms: row.int("created_ms")?,
            created_by: row.text("created_by")?,
        })
    }
}
