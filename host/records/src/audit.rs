//! Who did or saw what: a trail that only grows, and in which a change is found.
//!
//! Each row holds the SHA-256 of the hash before it and of its own contents. Whoever changes a row, takes one out or puts one
//! in between breaks the chain at that place ([`Store::verify_audit`] names it); whoever cuts its end off is found by
//! an older note of the end ([`Store::audit_end`], also kept with every backup). Against somebody who may write the
//! whole file and computes the chain anew, only such a note kept elsewhere helps.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::calls::Where;
use crate::row::{Columns as _, FromColumns};
use crate::{RecordsError, Result, Store};

/// Something that somebody did or saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditEntry {
    /// When, unix milliseconds.
    pub at_ms: i64,
    /// Clinic id; empty when it concerns the whole server.
    pub clinic: String,
    /// Id of the user or the token; `system` for the program itself.
    pub who: String,
    /// What, as a word with a dot, for example `call.seen`, `audio.heard`, `contact.erased`.
    pub action: String,
    /// Of what kind the subject is, for example `call`, `visit`, `contact`, `user`.
    pub subject_kind: String,
    /// Its id. Never a phone number or a name.
    pub subject: String,
    /// From which address.
    pub ip: Option<String>,
    /// What else there is to say; a JSON object without personal data.
    pub detail: Value,
}

/// An entry in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditRow {
    /// Its place in the trail, from 1, without gaps.
    pub seq: i64,
    /// What it says.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// SHA-256 of the row before and of this one, 64 hexadecimal digits.
    pub hash: String,
}

/// Which entries are wanted; every field narrows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    /// Clinic id.
    pub clinic: Option<String>,
    /// Who.
    pub who: Option<String>,
    /// What.
    pub action: Option<String>,
    /// Of which kind.
    pub subject_kind: Option<String>,
    /// Of what.
    pub subject: Option<String>,
    /// Not before.
    pub from_ms: Option<i64>,
    /// Before.
    pub to_ms: Option<i64>,
}

/// A page of the trail, latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The entries.
    pub rows: Vec<AuditRow>,
    /// Give it as the cursor of the next page; none = this was the last.
    pub next: Option<i64>,
}

/// Where the trail ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEnd {
    /// How many rows there are.
    pub seq: i64,
    /// The last row's hash; of an empty trail, the hash that the first row builds on.
    pub hash: String,
}

/// What a check of the trail found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditCheck {
    /// Every row follows from the one before.
    Whole(AuditEnd),
    /// The first row that is not what was written, or is missing.
    BrokenAt {
        /// Its place.
        seq: i64,
        /// `changed`: its contents or its predecessor's hash; `missing`.
        problem: String,
    },
}

/// What the first row builds on.
const ORIGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const CHECKED_AT_A_TIME: i64 = 2000;

macro_rules! columns {
    () => {
        "seq, at_ms, clinic, who, action, subject_kind, subject, ip, detail, hash"
    };
}

impl Store {
    /// Adds an entry; durable when it returns. Its place.
    ///
    /// # Errors
    /// [`RecordsError::BadValue`] for a subject or a detail that is a phone number: the trail outlives an erasure.
    pub async fn audit(&self, entry: &AuditEntry) -> Result<i64> {
        let mut transaction = self.begin_write().await?;
        let seq = append(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(seq)
    }

    /// Entries that fit, latest first, at most `limit` (1 to 1000), going on after `cursor`.
    pub async fn audit_trail(&self, filter: &AuditFilter, cursor: Option<i64>, limit: u32) -> Result<AuditPage> {
        let limit = limit.clamp(1, 1000) as usize;
        let mut wanted = Where::default();
        wanted.add("clinic = ", filter.clinic.clone())?;
        wanted.add("who = ", filter.who.clone())?;
        wanted.add("action = ", filter.action.clone())?;
        wanted.add("subject_kind = ", filter.subject_kind.clone())?;
        wanted.add("subject = ", filter.subject.clone())?;
        wanted.add("at_ms >= ", filter.from_ms)?;
        wanted.add("at_ms < ", filter.to_ms)?;
        wanted.add("seq < ", cursor)?;
        let sql =
            format!(concat!("SELECT ", columns!(), " FROM audit{} ORDER BY seq DESC LIMIT {}"), wanted.sql, limit + 1);
        // Safe: the text is made of the literals above and of placeholders; values are bound.
        let rows = sqlx::query_with(AssertSqlSafe(sql), wanted.arguments).fetch_all(self.read()).await?;
        let mut rows = rows.iter().map(AuditRow::from_columns).collect::<Result<Vec<_>>>()?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| row.seq);
        Ok(AuditPage { rows, next })
    }

    /// Where the trail ends. Noted somewhere else, it proves later that nothing was cut off.
    pub async fn audit_end(&self) -> Result<AuditEnd> {
        let row = sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(self.read());
        match row.await? {
            Some(row) => Ok(AuditEnd { seq: row.int("seq")?, hash: row.text("hash")? }),
            None => Ok(AuditEnd { seq: 0, hash: ORIGIN.to_owned() }),
        }
    }

    /// Follows the chain from its first row and names the first that is broken.
    pub async fn verify_audit(&self) -> Result<AuditCheck> {
        let mut end = AuditEnd { seq: 0, hash: ORIGIN.to_owned() };
        loop {
            let sql = concat!("SELECT ", columns!(), " FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
            let rows = sqlx::query(sql).bind(end.seq).bind(CHECKED_AT_A_TIME).fetch_all(self.read()).await?;
            if rows.is_empty() {
                return Ok(AuditCheck::Whole(end));
            }
            for row in &rows {
                let (seq, hash) = (row.int("seq")?, row.text("hash")?);
                let expected = end.seq + 1;
                if seq != expected {
                    return Ok(AuditCheck::BrokenAt { seq: expected, problem: "missing".to_owned() });
                }
                // As the text lies there: parsing it could hide a change.
                let texts = Texts {
                    seq,
                    at_ms: row.int("at_ms")?,
                    clinic: &row.text("clinic")?,
                    who: &row.text("who")?,
                    action: &row.text("action")?,
                    subject_kind: &row.text("subject_kind")?,
                    subject: &row.text("subject")?,
                    ip: row.text_opt("ip")?.as_deref(),
                    detail: &row.text("detail")?,
                }
                .hash(&end.hash);
                if texts != hash {
                    return Ok(AuditCheck::BrokenAt { seq, problem: "changed".to_owned() });
                }
                end = AuditEnd { seq, hash };
            }
        }
    }
}

/// Adds an entry in the transaction of what it tells of. The transaction must hold the write lock.
pub(crate) async fn append(transaction: &mut Transaction<'_, Any>, entry: &AuditEntry) -> Result<i64> {
    refuse_numbers(entry)?;
    let last =
        sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(&mut **transaction).await?;
    let (seq, before) = match last {
        Some(row) => (row.int("seq")? + 1, row.text("hash")?),
        None => (1, ORIGIN.to_owned()),
    };
    let detail = entry.detail.to_string();
    let hash = Texts {
        seq,
        at_ms: entry.at_ms,
        clinic: &entry.clinic,
        who: &entry.who,
        action: &entry.action,
        subject_kind: &entry.subject_kind,
        subject: &entry.subject,
        ip: entry.ip.as_deref(),
        detail: &detail,
    }
    .hash(&before);
    sqlx::query(concat!("INSERT INTO audit (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"))
        .bind(seq)
        .bind(entry.at_ms)
        .bind(&entry.clinic)
        .bind(&entry.who)
        .bind(&entry.action)
        .bind(&entry.subject_kind)
        .bind(&entry.subject)
        .bind(entry.ip.as_deref())
        .bind(&detail)
        .bind(&hash)
        .execute(&mut **transaction)
        .await?;
    Ok(seq)
}

/// A slip of the pen that would keep a number for ever.
fn refuse_numbers(entry: &AuditEntry) -> Result<()> {
    let problem = || "the trail holds no phone numbers; give the contact's id".to_owned();
    if looks_like_a_number(&entry.subject) {
        return Err(RecordsError::BadValue { field: "subject", problem: problem() });
    }
    if holds_a_number(&entry.detail) {
        return Err(RecordsError::BadValue { field: "detail", problem: problem() });
    }
    Ok(())
}

fn holds_a_number(value: &Value) -> bool {
    match value {
        Value::String(text) => looks_like_a_number(text),
        Value::Array(values) => values.iter().any(holds_a_number),
        Value::Object(fields) => fields.iter().any(|(key, value)| looks_like_a_number(key) || holds_a_number(value)),
        _ => false,
    }
}

/// Nothing but 10 to 15 digits and what people put between them.
fn looks_like_a_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (10..=15).contains(&digits) && text.chars().all(|letter| letter.is_ascii_digit() || " +-()".contains(letter))
}

/// A row as it is hashed.
struct Texts<'a> {
    seq: i64,
    at_ms: i64,
    clinic: &'a str,
    who: &'a str,
    action: &'a str,
    subject_kind: &'a str,
    subject: &'a str,
    ip: Option<&'a str>,
    detail: &'a str,
}

impl Texts<'_> {
    /// Each text is preceded by its length, so that no two rows run into the same bytes.
    fn hash(&self, before: &str) -> String {
        let mut digest = Sha256::new_with_prefix(b"gudok audit 1");
        digest.update(before.as_bytes());
        digest.update(self.seq.to_be_bytes());
        digest.update(self.at_ms.to_be_bytes());
        for text in [self.clinic, self.who, self.action, self.subject_kind, self.subject, self.detail] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        match self.ip {
            None => digest.update([0]),
            Some(ip) => {
                digest.update([1]);
                digest.update(ip.as_bytes());
            }
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FromColumns for AuditRow {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let detail = serde_json::from_str(&row.text("detail")?)
            .map_err(|error| RecordsError::BadValue { field: "detail", problem: error.to_string() })?;
        Ok(Self {
            seq: row.int("seq")?,
            entry: AuditEntry {
                at_ms: row.int("at_ms")?,
                clinic: row.text("clinic")?,
                who: row.text("who")?,
                action: row.text("action")?,
                subject_kind: row.text("subject_kind")?,
                subject: row.text("subject")?,
                ip: row.text_opt("ip")?,
                detail,
            },
            hash: row.text("hash")?,
        })
    }
}
