//! What the system that owns the schedule was asked to do, kept from before the question until its answer is ours too.
//!
//! An order is written down before it leaves, and settled in the very transaction that writes the booking it led to. One that
//! is still open after a crash was asked for and perhaps granted, with nobody told: whoever finds it makes both systems
//! equal again.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::row::{Columns as _, FromColumns, words};
use crate::{RecordsError, Result, Store};

words! {
    /// What was asked for.
    OrderKind {
        /// A new visit.
        Book = "book",
        /// Another time for a visit.
        Move = "move",
        /// That a visit be called off.
        Cancel = "cancel",
    }
}

words! {
    /// Where an order stands.
    OrderState {
        /// Asked, or about to be.
        Open = "open",
        /// Done there and here.
        Done = "done",
        /// Refused, or taken back there; nothing of it is left here.
        Undone = "undone",
    }
}

/// An order to the system that owns the schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnerOrder {
    /// What the other system knows the order by, however often it is asked.
    pub idempotency_key: String,
    /// Clinic id.
    pub clinic: String,
    /// What was asked for.
    pub what: OrderKind,
    /// The booking: of a new visit the one that will be made.
    pub booking: String,
    /// Where it stands.
    pub state: OrderState,
    /// What the other system called its hold.
    pub hold: Option<String>,
    /// What the visit would be. Personal data; empty once it is settled.
    pub data: Value,
    /// When it was asked for, unix milliseconds.
    pub created_ms: i64,
}

impl Store {
    /// Writes an order down before it leaves; durable when it returns. An order that is there already stays as it is.
    pub async fn open_order(&self, order: &OwnerOrder) -> Result<()> {
        sqlx::query(
            "INSERT INTO owner_orders (idempotency_key, clinic, what, booking, state, hold, data, created_ms, updated_ms)
             VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $7) ON CONFLICT (idempotency_key) DO NOTHING",
        )
        .bind(&order.idempotency_key)
        .bind(&order.clinic)
        .bind(order.what.as_str())
        .bind(&order.booking)
        .bind(order.hold.as_deref())
        .bind(order.data.to_string())
        .bind(order.created_ms)
        .execute(self.write())
        .await?;
        Ok(())
    }

    /// Notes what the other system calls its hold.
    pub async fn order_held(&self, key: &str, hold: &str, now_ms: i64) -> Result<()> {
        sqlx::query("UPDATE owner_orders SET hold = $2, updated_ms = $3 WHERE idempotency_key = $1")
            .bind(key)
            .bind(hold)
            .bind(now_ms)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Settles an order that left nothing here: refused, taken back, or done without a booking to write.
    pub async fn close_order(&self, key: &str, state: OrderState, now_ms: i64) -> Result<()> {
        sqlx::query("UPDATE owner_orders SET state = $2, data = 'null', updated_ms = $3 WHERE idempotency_key = $1")
            .bind(key)
            .bind(state.as_str())
            .bind(now_ms)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// One order.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    pub async fn order(&self, key: &str) -> Result<OwnerOrder> {
        let row = sqlx::query(
            "SELECT idempotency_key, clinic, what, booking, state, hold, data, created_ms FROM owner_orders
             WHERE idempotency_key = $1",
        )
        .bind(key)
        .fetch_optional(self.read())
        .await?;
        OwnerOrder::from_columns(&row.ok_or_else(|| RecordsError::NotFound { what: "order", id: key.to_owned() })?)
    }
}

/// The booking an order led to is being written: the order is done, in the same transaction. A booking without an order, as
/// where the schedule is ours, is none of its business.
pub(crate) async fn settle_booking(transaction: &mut Transaction<'_, Any>, booking: &str, now_ms: i64) -> Result<()> {
    sqlx::query(
        "UPDATE owner_orders SET state = 'done', data = 'null', updated_ms = $2 WHERE booking = $1 AND state = 'open'",
    )
    .bind(booking)
    .bind(now_ms)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

impl FromColumns for OwnerOrder {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let data = serde_json::from_str(&row.text("data")?)
            .map_err(|error| RecordsError::BadValue { field: "data", problem: error.to_string() })?;
        Ok(Self {
            idempotency_key: row.text("idempotency_key")?,
            clinic: row.text("clinic")?,
            what: row.word("what")?,
            booking: row.text("booking")?,
            state: row.word("state")?,
            hold: row.text_opt("hold")?,
            data,
            created_ms: row.int("created_ms")?,
        })
    }
}
