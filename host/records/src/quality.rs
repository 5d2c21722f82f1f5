//! How good the caller's line was.

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::append::Row;
use crate::row::Columns as _;
use crate::{RecordsError, Result, Store};

/// The caller's line as it was measured (RFC 3550; the estimate by the E-model of ITU-T G.107).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LineQuality {
    /// Packets received from the caller.
    pub packets: i64,
    /// Packets that never came, or too late to be heard.
    pub lost: i64,
    /// Interarrival jitter, milliseconds.
    pub jitter_ms: f64,
    /// Round trip, milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Share of our packets the other side missed, 0 to 1.
    pub lost_there: Option<f64>,
    /// Mean opinion score as estimated, 1 to 4.5.
    pub mos: f64,
}

impl Store {
    /// Writes down how good the line of a call was.
    pub async fn set_line_quality(&self, call: &str, quality: &LineQuality) -> Result<()> {
        let written = self.inner.appender.append(Row::Quality(call.to_owned(), *quality)).await?;
        let missing = RecordsError::NotFound { what: "call", id: call.to_owned() };
        if written == 1 { Ok(()) } else { Err(missing) }
    }

    /// How good the line of a call was; none where nobody measured it.
    pub async fn line_quality(&self, call: &str) -> Result<Option<LineQuality>> {
        let sql = "SELECT packets, packets_lost, jitter_ms, round_trip_ms, lost_there, mos FROM calls WHERE id = $1";
        let Some(row) = sqlx::query(sql).bind(call).fetch_optional(self.read()).await? else { return Ok(None) };
        let (Some(packets), Some(mos)) = (row.int_opt("packets")?, row.real_opt("mos")?) else { return Ok(None) };
        Ok(Some(LineQuality {
            packets,
            lost: row.int_opt("packets_lost")?.unwrap_or(0),
            jitter_ms: row.real_opt("jitter_ms")?.unwrap_or(0.0),
            round_trip_ms: row.real_opt("round_trip_ms")?,
            lost_there: row.real_opt("lost_there")?,
            mos,
        }))
    }
}

impl LineQuality {
    pub(crate) async fn write(&self, call: &str, connection: &mut AnyConnection) -> Result<u64> {
        let sql =
            "UPDATE calls SET packets = $2, packets_lost = $3, jitter_ms = $4, round_trip_ms = $5, lost_there = $6,
                mos = $7 WHERE id = $1";
        let done = sqlx::query(sql)
            .bind(call)
            .bind(self.packets)
            .bind(self.lost)
            .bind(self.jitter_ms)
            .bind(self.round_trip_ms)
            .bind(self.lost_there)
            .bind(self.mos)
            .execute(connection)
            .await?;
        Ok(done.rows_affected())
    }
}
