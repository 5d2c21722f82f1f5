//! What calls were about, by the word of people: the queue of calls that wait for a look, and what somebody said of one.

use accounts::Permission;
use async_trait::async_trait;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use records::{NewReview, RecordsError, Review, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{Api, Op, Param, body_of};
use crate::auth::{Via, Viewer};
use crate::calls::found;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// Calls in an answer when nobody asks for more or fewer, and at most.
const PAGE: (i64, i64) = (20, 200);

/// Whoever can put the waiting calls of a clinic in the order in which a look teaches most.
#[async_trait]
pub trait ReviewQueue: Send + Sync {
    /// The whole queue of a clinic this server serves.
    ///
    /// # Errors
    /// When the records cannot be read.
    async fn of(&self, clinic: &str, now_ms: i64) -> Result<Vec<Waiting>, RecordsError>;

    /// Version of the taxonomy that a correction is written down with.
    fn taxonomy_version(&self) -> String;
}

/// A call that waits for a look.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Waiting {
    /// The call.
    pub call: String,
    /// First ring, unix milliseconds.
    pub started_ms: i64,
    /// What the classifier in use makes of it.
    pub category: String,
    /// With what confidence, 0 to 1.
    pub confidence: f32,
    /// All categories with their probabilities, likeliest first.
    pub scores: Vec<(String, f32)>,
    /// The words that decided, with their seconds in the audio where they are known.
    pub evidence: serde_json::Value,
    /// What a look teaches, 0 to 1.
    pub value: f32,
    /// Why it waits: `doubt`, `chance`, `spot check`.
    pub why: &'static str,
    /// Whether somebody looked and put it off.
    pub put_off: bool,
    /// What was said.
    pub turns: Vec<Turn>,
}

pub(crate) fn api() -> Api {
    let queue_op =
        Op::may("review-queue", "Calls that wait for a look, the most telling first", Permission::CorrectTags)
            .query([Param::clinic(), Param::number("limit", "Calls at most", 1, PAGE.1)])
            .answers::<Queue>();
    let say_op = Op::may("review", "Say what a call was about", Permission::CorrectTags)
        .takes::<Said>()
        .answers_with::<Review>(201, "Written down")
        .once();
    Api::new().get("/api/v1/review", queue, queue_op).post("/api/v1/calls/{id}/review", say, say_op)
}

#[derive(Serialize, JsonSchema)]
struct Queue {
    /// Calls in the whole queue.
    waiting: usize,
    /// The first of them.
    items: Vec<Waiting>,
}

async fn queue(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Queue>, Problem> {
    let params = Params::parse(raw, &["clinic", "limit"])?;
    let clinic = params.clinic_for(&state, &viewer, Permission::CorrectTags)?;
    let limit = params.number("limit", 1..=PAGE.1)?.unwrap_or(PAGE.0);
    let queue = state.review.as_ref().ok_or_else(Problem::no_reviews)?;
    let mut items = queue.of(&clinic.id, (state.now)().as_millisecond()).await?;
    let waiting = items.len();
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Json(Queue { waiting, items }))
}

/// What somebody says of a call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// What it was about; null: looked at and put off.
    category: Option<String>,
    /// Who it was, when a program passes their word on; else whoever asks.
    by: Option<String>,
}

async fn say(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    body: Result<Json<Said>, JsonRejection>,
) -> Result<(StatusCode, Json<Review>), Problem> {
    let said = body_of(body)?;
    let queue = state.review.as_ref().ok_or_else(Problem::no_reviews)?;
    let call = found(&state, &viewer, &id, Permission::CorrectTags).await?;
    if let Some(category) = &said.category {
        let known: Vec<String> = state.categories_of(&call.clinic).into_iter().map(|known| known.id).collect();
        if !known.contains(category) {
            return Err(Problem::bad_body("category", format!("it must be null or one of {}", known.join(", "))));
        }
    }
    let review = NewReview {
        call: id,
        category: said.category,
        taxonomy_version: queue.taxonomy_version(),
        by: said.by.filter(|_| viewer.via != Via::Session).unwrap_or_else(|| viewer.by().to_owned()),
        at_ms: (state.now)().as_millisecond(),
    };
    match state.store.review(&review).await {
        Ok(kept) => Ok((StatusCode::CREATED, Json(kept))),
        Err(RecordsError::BadValue { field, problem }) => Err(Problem::bad_body(field, problem)),
        Err(error) => Err(error.into()),
    }
}
