//! Calls with their words, many at a time: for tagging history anew, and for training on what people said of it.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns};
use crate::turns::Turn;
use crate::{Result, Store};

/// A call that has turns, with the tag that stands for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The call.
    pub call: String,
    /// First ring, unix milliseconds.
    pub started_ms: i64,
    /// Hang-up; none = still going on.
    pub ended_ms: Option<i64>,
    /// Category of the tag that stands; none = not tagged.
    pub category: Option<String>,
    /// Its confidence.
    pub confidence: Option<f64>,
    /// Who gave it.
    pub by: Option<String>,
    /// Version of the model that gave it; empty for a person or a flow.
    pub model_version: Option<String>,
    /// Whether it waits for a person.
    pub review: bool,
    /// Whether a person has said what it was about.
    pub corrected: bool,
    /// Whether the clinic had called this number in the week before and nobody answered.
    pub missed_call: bool,
    /// What was said, in order.
    pub turns: Vec<Turn>,
}

/// How far back a call of ours that nobody answered still explains a call to us.
const MISSED_WITHIN_MS: i64 = 7 * 86_400_000;

macro_rules! missed {
    () => {
        "EXISTS (SELECT 1 FROM calls AS o WHERE o.clinic = c.clinic AND o.caller = c.caller
            AND o.direction = 'outgoing' AND o.answered_ms IS NULL
            AND o.started_ms < c.started_ms AND o.started_ms >= c.started_ms - "
    };
}

macro_rules! conversations {
    ($($and:literal)?) => {
        concat!(
            "SELECT t.call AS call, t.seq AS seq, t.who AS who, t.text AS text, t.start_ms AS start_ms,
                t.end_ms AS end_ms, t.confidence AS confidence, t.latency_ms AS latency_ms,
                c.started_ms AS started_ms, c.ended_ms AS ended_ms, c.category AS category,
                c.confidence AS tag_confidence, c.review AS review,
                (SELECT made_by FROM tags WHERE tags.call = c.id ORDER BY tags.seq DESC LIMIT 1) AS made_by,
                (SELECT model_version FROM tags WHERE tags.call = c.id ORDER BY tags.seq DESC LIMIT 1) AS model,
                (SELECT COUNT(*) FROM reviews WHERE reviews.call = c.id AND reviews.category IS NOT NULL) AS said,
                CASE WHEN ",
            missed!(),
            "$4) THEN 1 ELSE 0 END AS missed
             FROM calls AS c JOIN turns AS t ON t.call = c.id
             WHERE c.clinic = $1 AND c.started_ms >= $2 AND c.started_ms < $3 ",
            $($and,)?
            " ORDER BY c.started_ms, c.id, t.seq"
        )
    };
}

impl Store {
    /// The conversations of a clinic's calls that started in `from_ms..to_ms`, earliest first, as they come from the
    /// database. Calls without turns are left out.
    pub fn conversations<'a>(
        &'a self,
        clinic: &'a str,
        from_ms: i64,
        to_ms: i64,
    ) -> impl Stream<Item = Result<Conversation>> + Send + 'a {
        self.stream(conversations!(), clinic, from_ms, to_ms)
    }

    /// The same, all at once, of the calls that wait for a person's look.
    pub async fn conversations_to_review(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Conversation>> {
        self.stream(conversations!("AND c.review = 1"), clinic, from_ms, to_ms).try_collect().await
    }

    /// One call's conversation; none when it has no turns.
    ///
    /// # Errors
    /// [`crate::RecordsError::NotFound`] if there is no such call.
    pub async fn conversation(&self, call: &str) -> Result<Option<Conversation>> {
        let row = self.call(call).await?;
        let (from, to) = (row.started_ms, row.started_ms.saturating_add(1));
        let all: Vec<Conversation> = self.conversations(&row.clinic, from, to).try_collect().await?;
        Ok(all.into_iter().find(|one| one.call == call))
    }

    fn stream<'a>(
        &'a self,
        sql: &'static str,
        clinic: &'a str,
        from_ms: i64,
        to_ms: i64,
    ) -> impl Stream<Item = Result<Conversation>> + Send + 'a {
        let rows = sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).bind(MISSED_WITHIN_MS);
        let rows = rows.fetch(self.read()).fuse();
        // One row is one turn; a call is whole when the next one's first turn comes.
        stream::unfold((rows, None::<Conversation>), |(mut rows, mut under_way)| async move {
            loop {
                let next = match rows.next().await {
                    None => return under_way.take().map(|whole| (Ok(whole), (rows, None))),
                    Some(row) => row.map_err(Into::into).and_then(|row| Conversation::of(&row)),
                };
                match next {
                    Err(error) => return Some((Err(error), (rows, None))),
                    Ok(next) => match &mut under_way {
                        Some(call) if call.call == next.call => call.turns.extend(next.turns),
                        _ => {
                            if let Some(whole) = under_way.replace(next) {
                                return Some((Ok(whole), (rows, under_way)));
                            }
                        }
                    },
                }
            }
        })
    }

    /// Whether the clinic had called this call's number in the week before it, and nobody had answered.
    pub async fn returns_a_missed_call(&self, call: &str) -> Result<bool> {
        let sql = concat!("SELECT COUNT(*) FROM calls AS c WHERE c.id = $1 AND ", missed!(), "$2)");
        let found: i64 = sqlx::query_scalar(sql).bind(call).bind(MISSED_WITHIN_MS).fetch_one(self.read()).await?;
        Ok(found > 0)
    }
}

impl Conversation {
    /// A call with the one turn of a row.
    fn of(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            call: row.text("call")?,
            started_ms: row.int("started_ms")?,
            ended_ms: row.int_opt("ended_ms")?,
            category: row.text_opt("category")?,
            confidence: row.real_opt("tag_confidence")?,
            by: row.text_opt("made_by")?,
            model_version: row.text_opt("model")?,
            review: row.truth("review")?,
            corrected: row.int("said")? > 0,
            missed_call: row.truth("missed")?,
            turns: vec![Turn::from_columns(row)?],
        })
    }
}
