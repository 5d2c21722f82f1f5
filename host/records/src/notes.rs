//! Facts a flow found worth keeping, by name.

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::append::Row;
use crate::row::Columns as _;
use crate::turns::no_such_call;
use crate::{Pii, Result, Store};

/// A fact about a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The call.
    pub call: String,
    /// For example `animal`, `reason`.
    pub name: String,
    /// In whatever words.
    pub value: Pii,
    /// When it was written, unix milliseconds.
    pub at_ms: i64,
}

impl Store {
    /// Writes a note; the last value of a name stands.
    pub async fn add_note(&self, note: &Note) -> Result<()> {
        self.inner.appender.append(Row::Note(Box::new(note.clone()))).await?;
        Ok(())
    }

    /// The notes of a call, by name.
    pub async fn notes(&self, call: &str) -> Result<Vec<Note>> {
        let rows = sqlx::query("SELECT call, name, value, at_ms FROM notes WHERE call = $1 ORDER BY name")
            .bind(call)
            .fetch_all(self.read())
            .await?;
        let note = |row: &sqlx::any::AnyRow| {
            Ok(Note {
                call: row.text("call")?,
                name: row.text("name")?,
                value: row.pii("value")?,
                at_ms: row.int("at_ms")?,
            })
        };
        rows.iter().map(note).collect()
    }
}

impl Note {
    pub(crate) async fn upsert(&self, connection: &mut AnyConnection) -> Result<()> {
        sqlx::query(
            "INSERT INTO notes (call, name, value, at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (call, name) DO UPDATE SET value = excluded.value, at_ms = excluded.at_ms",
        )
        .bind(&self.call)
        .bind(&self.name)
        .bind(self.value.as_str())
        .bind(self.at_ms)
        .execute(&mut *connection)
        .await
        .map_err(|error| no_such_call(error, &self.call))?;
        Ok(())
    }
}
