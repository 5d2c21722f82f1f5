//! Which rows are one person's: the register of personal data turned into conditions of SQL.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use crate::number::Number;
use crate::personal::{Blank, Fate, REGISTER, Table, Whose};
use crate::{Pii, Result, Store};

/// What there is of a person, before anything is done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PersonData {
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Recordings.
    pub recordings: u64,
    /// Visits that are still to come: cancel them first if the person will not come.
    pub visits_to_come: u64,
}

impl Store {
    /// Counts what a clinic has of a person.
    ///
    /// # Errors
    /// [`crate::RecordsError::BadValue`] for what is no phone number.
    pub async fn person_data(&self, clinic: &str, phone: &Pii, now_ms: i64) -> Result<PersonData> {
        let person = Person { clinic: clinic.to_owned(), number: Number::wanted(phone)? };
        let mut transaction = self.begin_write().await?;
        person.collect(&mut transaction).await?;
        let mut data = PersonData::default();
        for table in REGISTER {
            let Some(condition) = person.condition(table) else { continue };
            let sql = format!("SELECT COUNT(*) FROM {} WHERE {condition}", table.name);
            let count = person.count(&mut transaction, sql).await?;
            if count > 0 {
                data.rows.insert(table.name.to_owned(), count.unsigned_abs());
            }
        }
        data.recordings = data.rows.get("call_audio").copied().unwrap_or(0);
        let condition = format!(
            "SELECT COUNT(*) FROM bookings WHERE clinic = $1 AND {} AND start_ms > {now_ms}
             AND status IN ('booked', 'reminded', 'confirmed')",
            person.number.is_in("phone")
        );
        data.visits_to_come = person.count(&mut transaction, condition).await?.unsigned_abs();
        // What was collected was only for the counting.
        transaction.rollback().await?;
        Ok(data)
    }
}

/// A number in a clinic.
pub(crate) struct Person {
    pub(crate) clinic: String,
    pub(crate) number: Number,
}

impl Person {
    /// Fills `erasure_subjects` with the keys of everything that is theirs. The transaction holds the write lock.
    pub(crate) async fn collect(&self, transaction: &mut Transaction<'_, Any>) -> Result<()> {
        self.run(transaction, "DELETE FROM erasure_subjects WHERE $1 <> ''").await?;
        for table in REGISTER {
            for whose in table.whose {
                let Whose::Phone(column) = whose else { continue };
                let theirs = format!("clinic = $1 AND {}", self.number.is_in(column));
                if table.has("id") {
                    self.note(transaction, table.name, "id", table.name, &theirs).await?;
                }
                for (column, target) in table.brings {
                    self.note(transaction, target, column, table.name, &theirs).await?;
                }
            }
        }
        // Rows that name the number: what was said there was said by or about them.
        for table in REGISTER.iter().filter(|table| table.parent().is_some()) {
            let mentions = table.personal().map(|(column, _)| self.number.is_in(column)).collect::<Vec<_>>();
            for (column, target) in table.brings.iter().filter(|_| !mentions.is_empty()) {
                let theirs =
                    format!("({}) AND {column} IN (SELECT id FROM {target} WHERE clinic = $1)", mentions.join(" OR "));
                self.note(transaction, target, column, table.name, &theirs).await?;
            }
        }
        for table in REGISTER.iter().filter(|table| table.has("id")) {
            let Some((column, parent)) = table.parent() else { continue };
            let theirs =
                format!("{column} IN (SELECT subject FROM erasure_subjects WHERE kind = '{parent}') AND $1 <> ''");
            self.note(transaction, table.name, "id", table.name, &theirs).await?;
        }
        Ok(())
    }

    /// Whether a row of the table is theirs, as SQL with the clinic as `$1`; none for tables about things.
    pub(crate) fn condition(&self, table: &Table) -> Option<String> {
        let mut any = Vec::new();
        for whose in table.whose {
            any.push(match whose {
                Whose::Phone(column) if table.has("id") => format!(
                    "(id IN (SELECT subject FROM erasure_subjects WHERE kind = '{}') OR (clinic = $1 AND {}))",
                    table.name,
                    self.number.is_in(column)
                ),
                Whose::Phone(column) => format!("(clinic = $1 AND {})", self.number.is_in(column)),
                Whose::Of(column, parent) => {
                    format!("{column} IN (SELECT subject FROM erasure_subjects WHERE kind = '{parent}')")
                }
                Whose::Mentions(column) => format!(
                    "({} OR EXISTS (SELECT 1 FROM erasure_subjects WHERE {column} LIKE '%' || subject || '%'))",
                    self.number.is_in(column)
                ),
            });
        }
        // Every text binds the clinic, also where it does not ask for it.
        (!any.is_empty()).then(|| format!("({}) AND $1 <> ''", any.join(" OR ")))
    }

    /// Does with the person's rows what the register says. How many rows were touched.
    pub(crate) async fn erase_from(
        &self,
        transaction: &mut Transaction<'_, Any>,
        table: &Table,
        tombstone: &str,
    ) -> Result<u64> {
        let Some(condition) = self.condition(table) else { return Ok(0) };
        if table.fate == Fate::Delete {
            let sql = format!("DELETE FROM {} WHERE {condition}", table.name);
            return self.run(transaction, &sql).await;
        }
        let mut sets =
            table.personal().map(|(column, blank)| self.blanked(column, blank, tombstone)).collect::<Vec<_>>();
        if !table.also.is_empty() {
            sets.push(table.also.to_owned());
        }
        if sets.is_empty() {
            return Ok(0);
        }
        let sql = format!("UPDATE {} SET {} WHERE {condition}", table.name, sets.join(", "));
        let mut touched = self.run(transaction, &sql).await?;
        // Rows of other people of the clinic whose text names this number.
        if table.has("clinic") {
            let phones =
                |column: &str| table.whose.iter().any(|whose| matches!(whose, Whose::Phone(at) if *at == column));
            for (column, blank) in table.personal().filter(|(column, _)| !phones(column)) {
                let set = self.blanked(column, blank, tombstone);
                let is_in = self.number.is_in(column);
                let sql = format!("UPDATE {} SET {set} WHERE clinic = $1 AND {is_in}", table.name);
                touched += self.run(transaction, &sql).await?;
            }
        }
        Ok(touched)
    }

    fn blanked(&self, column: &str, blank: Blank, tombstone: &str) -> String {
        let is_in = self.number.is_in(column);
        match blank {
            Blank::Null => format!("{column} = NULL"),
            Blank::Empty => format!("{column} = ''"),
            Blank::Text(text) => format!("{column} = '{text}'"),
            Blank::NullIfNumber => format!("{column} = CASE WHEN {is_in} THEN NULL ELSE {column} END"),
            Blank::EmptyIfNumber => format!("{column} = CASE WHEN {is_in} THEN '' ELSE {column} END"),
            Blank::OwnIfNumber => format!("{column} = CASE WHEN {is_in} THEN 'erased-' || id ELSE {column} END"),
            // Hexadecimal digits of ours.
            Blank::Tombstone => format!("{column} = 'erased-{tombstone}'"),
        }
    }

    async fn note(
        &self,
        transaction: &mut Transaction<'_, Any>,
        kind: &str,
        column: &str,
        table: &str,
        theirs: &str,
    ) -> Result<()> {
        let sql = format!(
            "INSERT INTO erasure_subjects (kind, subject)
             SELECT DISTINCT '{kind}', {column} FROM {table} WHERE {column} IS NOT NULL AND {column} <> '' AND {theirs}
             ON CONFLICT DO NOTHING"
        );
        self.run(transaction, &sql).await?;
        Ok(())
    }

    pub(crate) async fn run(&self, transaction: &mut Transaction<'_, Any>, sql: &str) -> Result<u64> {
        // Safe: the text is made of the register's words and of the digits of a number; the clinic is bound.
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(&self.clinic).execute(&mut **transaction).await?;
        Ok(done.rows_affected())
    }

    async fn count(&self, transaction: &mut Transaction<'_, Any>, sql: String) -> Result<i64> {
        // Safe: as in `run`.
        let row = sqlx::query(AssertSqlSafe(sql)).bind(&self.clinic).fetch_one(&mut **transaction).await?;
        Ok(row.try_get(0)?)
    }
}
