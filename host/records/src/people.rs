//! What the people at the desk did: free, ringing, talking, after-call work, pauses.

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::row::{Columns as _, FromColumns, words};
use crate::{Result, Store};

words! {
    /// What somebody at the desk is doing; the words of the queue.
    AgentState {
        /// Not at the desk.
        LoggedOut = "logged_out",
        /// Free.
        Ready = "ready",
        /// Free, but left alone for a moment after a call that was missed.
        Resting = "resting",
        /// Their phone rings.
        Ringing = "ringing",
        /// On the phone, hold included.
        Talking = "talking",
        /// After-call work.
        WrapUp = "wrap_up",
        /// Paused.
        Paused = "paused",
        /// On a call of their own.
        Engaged = "engaged",
    }
}

/// From when to when somebody did what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AgentSpan {
    /// Clinic id.
    pub clinic: String,
    /// Who.
    pub agent: String,
    /// From, unix milliseconds.
    pub from_ms: i64,
    /// Until; none: it lasts.
    pub until_ms: Option<i64>,
    /// What.
    pub state: AgentState,
    /// Of a pause, in the clinic's words.
    pub reason: Option<String>,
    /// Which call it is about.
    pub call: Option<String>,
}

/// How people's time was spent, summed over all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTime {
    /// Talking (hold included) and after-call work.
    pub busy_ms: i64,
    /// Free, ringing or resting: there for the next call.
    pub idle_ms: i64,
    /// Pauses, and calls of their own.
    pub away_ms: i64,
}

impl Store {
    /// Somebody does something else from `at_ms` on.
    pub async fn set_agent_state(&self, span: &AgentSpan) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        let end = "UPDATE agent_states SET until_ms = $3
             WHERE clinic = $1 AND agent = $2 AND until_ms IS NULL AND from_ms < $3";
        sqlx::query(end).bind(&span.clinic).bind(&span.agent).bind(span.from_ms).execute(&mut *transaction).await?;
        // Two changes in one millisecond: the first has lasted for no time.
        span.insert(
            "DO UPDATE SET until_ms = excluded.until_ms, state = excluded.state, reason = excluded.reason, call = excluded.call",
            &mut transaction,
        )
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Takes in what people did elsewhere, in one commit. A span that begins when one of the same person does is left out.
    pub async fn import_agent_spans(&self, spans: &[AgentSpan]) -> Result<u64> {
        let mut transaction = self.begin_write().await?;
        let mut new = 0;
        for span in spans {
            new += span.insert("DO NOTHING", &mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(new)
    }

    /// Ends what a crash left open: everybody's last state ends with the last thing that was written down of anybody in the
    /// clinic, and they are logged out. To be called when the queues start.
    pub async fn close_agent_states(&self, clinic: &str) -> Result<u64> {
        let sql = "UPDATE agent_states SET until_ms = (SELECT MAX(COALESCE(last.until_ms, last.from_ms))
                FROM agent_states AS last WHERE last.clinic = $1)
             WHERE clinic = $1 AND until_ms IS NULL";
        Ok(sqlx::query(sql).bind(clinic).execute(self.write()).await?.rows_affected())
    }

    /// What somebody (or everybody) did in `from_ms..to_ms`, earliest first.
    pub async fn agent_spans(
        &self,
        clinic: &str,
        agent: Option<&str>,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<AgentSpan>> {
        let sql = "SELECT clinic, agent, from_ms, until_ms, state, reason, call FROM agent_states
             WHERE clinic = $1 AND from_ms < $3 AND COALESCE(until_ms, $3) > $2 AND (agent = $4 OR $4 IS NULL)
             ORDER BY from_ms, agent";
        let rows = sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).bind(agent).fetch_all(self.read()).await?;
        rows.iter().map(AgentSpan::from_columns).collect()
    }

    /// How people's time in `from_ms..to_ms` was spent. What still lasts is counted up to the last thing that was written down.
    pub async fn agent_time(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<AgentTime> {
        let sql = "SELECT
                CAST(COALESCE(SUM(CASE WHEN state IN ('talking', 'wrap_up') THEN ms ELSE 0 END), 0) AS BIGINT) AS busy_ms,
                CAST(COALESCE(SUM(CASE WHEN state IN ('ready', 'ringing', 'resting') THEN ms ELSE 0 END), 0) AS BIGINT) AS idle_ms,
                CAST(COALESCE(SUM(CASE WHEN state IN ('paused', 'engaged') THEN ms ELSE 0 END), 0) AS BIGINT) AS away_ms
             FROM (SELECT state, CASE WHEN until_ms > $3 THEN $3 ELSE until_ms END
                    - CASE WHEN from_ms < $2 THEN $2 ELSE from_ms END AS ms
                FROM (SELECT state, from_ms, COALESCE(until_ms, (SELECT MAX(COALESCE(last.until_ms, last.from_ms))
                            FROM agent_states AS last WHERE last.clinic = $1)) AS until_ms
                    FROM agent_states WHERE clinic = $1 AND from_ms < $3) AS spans
                WHERE until_ms > $2) AS clipped";
        let row = sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).fetch_one(self.read()).await?;
        Ok(AgentTime { busy_ms: row.int("busy_ms")?, idle_ms: row.int("idle_ms")?, away_ms: row.int("away_ms")? })
    }
}

impl AgentSpan {
    async fn insert(&self, conflict: &'static str, connection: &mut AnyConnection) -> Result<u64> {
        // Safe: both parts are literals of this file; values are bound.
        let sql = format!(
            "INSERT INTO agent_states (clinic, agent, from_ms, until_ms, state, reason, call)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (clinic, agent, from_ms) {conflict}"
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&self.clinic)
            .bind(&self.agent)
            .bind(self.from_ms)
            .bind(self.until_ms)
            .bind(self.state.as_str())
            .bind(self.reason.as_deref())
            .bind(self.call.as_deref())
            .execute(connection)
            .await?;
        Ok(done.rows_affected())
    }
}

impl FromColumns for AgentSpan {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            clinic: row.text("clinic")?,
            agent: row.text("agent")?,
            from_ms: row.int("from_ms")?,
            until_ms: row.int_opt("until_ms")?,
            state: row.word("state")?,
            reason: row.text_opt("reason")?,
            call: row.text_opt("call")?,
        })
    }
}
