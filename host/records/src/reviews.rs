//! Reviews: what people said calls were about. Their word is the truth that classifiers are trained on and measured by, and
//! no classifier overwrites it.

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns};
use crate::{RecordsError, Result, Store, Tag};

/// A person's word on a call, on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// The call.
    pub call: String,
    /// Category id of the taxonomy; none = looked at and put off.
    pub category: Option<String>,
    /// Version of the taxonomy the category belongs to.
    pub taxonomy_version: String,
    /// The user's name.
    pub by: String,
    /// When, unix milliseconds.
    pub at_ms: i64,
}

/// A person's word on a call, and what stood before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Review {
    /// The call.
    pub call: String,
    /// Its place among the call's reviews, from 0.
    pub seq: i64,
    /// The category they gave; none = looked at and put off.
    pub category: Option<String>,
    /// The category that stood; none = the call had no tag.
    pub was: Option<String>,
    /// Who had given it: `classifier`, a flow, a user.
    pub was_by: Option<String>,
    /// With what confidence, 0 to 1.
    pub was_confidence: Option<f64>,
    /// Version of the model that gave it.
    pub was_model: Option<String>,
    /// Who says so.
    pub by: String,
    /// When, unix milliseconds.
    pub at_ms: i64,
}

macro_rules! columns {
    () => {
        "call, seq, category, was, was_by, was_confidence, was_model, made_by, at_ms"
    };
}

/// Names that no person may use, because tags of programs bear them.
fn is_program(by: &str) -> bool {
    by == "classifier" || by == "flow" || by.starts_with("flow:")
}

impl Store {
    /// Writes down what a person said of a call. With a category it becomes the call's tag, with confidence 1 and nothing
    /// left to review; without one the call goes on waiting.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] if there is no such call; [`RecordsError::BadValue`] for a name that is empty, longer
    /// than 100 characters, or a program's.
    pub async fn review(&self, review: &NewReview) -> Result<Review> {
        let by = review.by.trim();
        if by.is_empty() || by.chars().count() > 100 || is_program(by) {
            return Err(RecordsError::BadValue {
                field: "by",
                problem: "a person's name is needed, at most 100 characters; `classifier` and `flow:…` are programs"
                    .to_owned(),
            });
        }
        let mut transaction = self.begin_write().await?;
        let before = standing(&review.call, &mut transaction).await?;
        let sql = "INSERT INTO reviews (call, seq, category, was, was_by, was_confidence, was_model, made_by, at_ms)
             VALUES ($1, (SELECT COUNT(*) FROM reviews WHERE call = $1), $2, $3, $4, $5, $6, $7, $8)";
        sqlx::query(sql)
            .bind(&review.call)
            .bind(review.category.as_deref())
            .bind(before.as_ref().map(|tag| tag.category.as_str()))
            .bind(before.as_ref().map(|tag| tag.by.as_str()))
            .bind(before.as_ref().map(|tag| tag.confidence))
            .bind(before.as_ref().map(|tag| tag.model_version.as_str()))
            .bind(by)
            .bind(review.at_ms)
            .execute(&mut *transaction)
            .await
            .map_err(|error| crate::turns::no_such_call(error, &review.call))?;
        if let Some(category) = &review.category {
            let tag = Tag {
                call: review.call.clone(),
                category: category.clone(),
                confidence: 1.0,
                evidence: serde_json::json!([]),
                taxonomy_version: review.taxonomy_version.clone(),
                model_version: String::new(),
                review: false,
                by: by.to_owned(),
                at_ms: review.at_ms,
            };
            tag.insert(&mut transaction).await?;
        }
        let sql = concat!("SELECT ", columns!(), " FROM reviews WHERE call = $1 ORDER BY seq DESC LIMIT 1");
        let row = sqlx::query(sql).bind(&review.call).fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Review::from_columns(&row)
    }

    /// Everything people said of a call, oldest first.
    pub async fn reviews(&self, call: &str) -> Result<Vec<Review>> {
        let rows = sqlx::query(concat!("SELECT ", columns!(), " FROM reviews WHERE call = $1 ORDER BY seq"))
            .bind(call)
            .fetch_all(self.read())
            .await?;
        rows.iter().map(Review::from_columns).collect()
    }

    /// What people last said of each call they gave a category, oldest word first; of one clinic, or of all.
    pub async fn corrections(&self, clinic: Option<&str>) -> Result<Vec<Review>> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM reviews WHERE category IS NOT NULL
                AND seq = (SELECT MAX(seq) FROM reviews AS r WHERE r.call = reviews.call AND r.category IS NOT NULL)
                AND ($1 IS NULL OR call IN (SELECT id FROM calls WHERE clinic = $1)) ORDER BY at_ms, call"
        ))
        .bind(clinic)
        .fetch_all(self.read())
        .await?;
        rows.iter().map(Review::from_columns).collect()
    }

    /// Calls of a clinic that somebody looked at and put off, and that wait still.
    pub async fn put_off(&self, clinic: &str) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar(
            "SELECT c.id FROM calls AS c WHERE c.clinic = $1 AND c.review = 1
                AND EXISTS (SELECT 1 FROM reviews AS r WHERE r.call = c.id AND r.category IS NULL) ORDER BY c.id",
        )
        .bind(clinic)
        .fetch_all(self.read())
        .await?)
    }
}

/// Whether a program may tag the call: not once a person has.
pub(crate) async fn is_open_to(by: &str, call: &str, connection: &mut AnyConnection) -> Result<bool> {
    if !is_program(by) {
        return Ok(true);
    }
    let said: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM reviews WHERE call = $1 AND category IS NOT NULL")
        .bind(call)
        .fetch_one(&mut *connection)
        .await?;
    Ok(said == 0)
}

async fn standing(call: &str, connection: &mut AnyConnection) -> Result<Option<Tag>> {
    let row = sqlx::query(crate::tags::LATEST).bind(call).fetch_optional(&mut *connection).await?;
    row.map(|row| crate::TagEntry::from_columns(&row).map(|entry| entry.tag)).transpose()
}

impl FromColumns for Review {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            call: row.text("call")?,
            seq: row.int("seq")?,
            category: row.text_opt("category")?,
            was: row.text_opt("was")?,
            was_by: row.text_opt("was_by")?,
            was_confidence: row.real_opt("was_confidence")?,
            was_model: row.text_opt("was_model")?,
            by: row.text("made_by")?,
            at_ms: row.int("at_ms")?,
        })
    }
}
