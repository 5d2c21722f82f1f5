//! Tags: what a call was about, who or what said so, and what was said before.

use serde::{Deserialize, Serialize};
use serde_json::value::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::append::Row;
use crate::reviews::is_open_to;
use crate::row::{Columns as _, FromColumns};
use crate::turns::no_such_call;
use crate::{RecordsError, Result, Store};

/// One statement about a call. The latest stands; none is ever changed or removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tag {
    /// The call.
    pub call: String,
    /// Category id of the taxonomy, for example `target`.
    pub category: String,
    /// 0 to 1; a person's word is 1.
    pub confidence: f64,
    /// What decided it: a JSON list of spans in the caller's text (offsets and weights; the words are in the turns), or null.
    pub evidence: Value,
    /// Version of the taxonomy the category belongs to.
    pub taxonomy_version: String,
    /// Version of the model; empty for a person or a flow.
    pub model_version: String,
    /// Whether a person should look at it.
    pub review: bool,
    /// Who says so: `classifier`, `flow`, or a user's name.
    pub by: String,
    /// When, unix milliseconds.
    pub at_ms: i64,
}

/// A tag in a call's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TagEntry {
    /// Its place in the history, from 0.
    pub seq: i64,
    /// What was said.
    #[serde(flatten)]
    pub tag: Tag,
}

/// The tag that stands for a call.
pub(crate) const LATEST: &str =
    "SELECT call, seq, category, confidence, evidence, taxonomy_version, model_version, review, made_by, at_ms
     FROM tags WHERE call = $1 ORDER BY seq DESC LIMIT 1";

impl Store {
    /// Adds a tag; from now on it stands for the call. Once a person has said what the call was about
    /// ([`Store::review`]), the tag of a classifier or a flow is left out.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] if there is no such call, [`RecordsError::BadValue`] for a confidence outside 0 to 1.
    pub async fn add_tag(&self, tag: &Tag) -> Result<()> {
        tag.check()?;
        self.inner.appender.append(Row::Tag(Box::new(tag.clone()))).await?;
        Ok(())
    }

    /// Adds many tags in one commit, all or none; how many were not left out. A thousand at a time is a good measure: live
    /// calls wait for the commit.
    ///
    /// # Errors
    /// Those of [`Store::add_tag`], for the first tag that has one.
    pub async fn add_tags(&self, tags: &[Tag]) -> Result<usize> {
        let mut transaction = self.begin_write().await?;
        let mut added = 0;
        for tag in tags {
            added += usize::from(tag.insert_if_open(&mut transaction).await?);
        }
        transaction.commit().await?;
        Ok(added)
    }

    /// Every tag a call ever had, oldest first; the last one stands.
    pub async fn tags(&self, call: &str) -> Result<Vec<TagEntry>> {
        let rows = sqlx::query(
            "SELECT call, seq, category, confidence, evidence, taxonomy_version, model_version, review, made_by, at_ms
             FROM tags WHERE call = $1 ORDER BY seq",
        )
        .bind(call)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(TagEntry::from_columns).collect()
    }

    /// The tag that stands for a call, if it has one.
    pub async fn tag(&self, call: &str) -> Result<Option<Tag>> {
        let row = sqlx::query(LATEST).bind(call).fetch_optional(self.read()).await?;
        row.map(|row| TagEntry::from_columns(&row).map(|entry| entry.tag)).transpose()
    }
}

impl Tag {
    fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.confidence) {
            return Ok(());
        }
        let problem = format!("{} is not between 0 and 1", self.confidence);
        Err(RecordsError::BadValue { field: "confidence", problem })
    }

    /// False where a person's word stands that this one may not overrule.
    pub(crate) async fn insert_if_open(&self, connection: &mut AnyConnection) -> Result<bool> {
        if !is_open_to(&self.by, &self.call, connection).await? {
            return Ok(false);
        }
        self.insert(connection).await?;
        Ok(true)
    }

    pub(crate) async fn insert(&self, connection: &mut AnyConnection) -> Result<()> {
        self.check()?;
        sqlx::query(
            "INSERT INTO tags (call, seq, category, confidence, evidence, taxonomy_version, model_version, review,
                made_by, at_ms)
             VALUES ($1, (SELECT COUNT(*) FROM tags WHERE call = $1), $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&self.call)
        .bind(&self.category)
        .bind(self.confidence)
        .bind(self.evidence.to_string())
        .bind(&self.taxonomy_version)
        .bind(&self.model_version)
        .bind(i64::from(self.review))
        .bind(&self.by)
        .bind(self.at_ms)
        .execute(&mut *connection)
        .await
        .map_err(|error| no_such_call(error, &self.call))?;
        sqlx::query("UPDATE calls SET category = $2, confidence = $3, review = $4 WHERE id = $1")
            .bind(&self.call)
            .bind(&self.category)
            .bind(self.confidence)
            .bind(i64::from(self.review))
            .execute(&mut *connection)
            .await?;
        Ok(())
    }
}

impl FromColumns for TagEntry {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let evidence = serde_json::from_str(&row.text("evidence")?)
            .map_err(|error| RecordsError::BadValue { field: "evidence", problem: error.to_string() })?;
        Ok(Self {
            seq: row.int("seq")?,
            tag: Tag {
                call: row.text("call")?,
                category: row.text("category")?,
                confidence: row.real_opt("confidence")?.unwrap_or(0.0),
                evidence,
                taxonomy_version: row.text("taxonomy_version")?,
                model_version: row.text("model_version")?,
                review: row.truth("review")?,
                by: row.text("made_by")?,
                at_ms: row.int("at_ms")?,
            },
        })
    }
}
