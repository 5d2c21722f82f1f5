//! The clinic's clients, and what they agreed to: for which purpose, when, by what means, and the proof of it.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::feed::{NewEvent, publish};
use crate::number::Number;
use crate::row::{Columns as _, FromColumns, words};
use crate::{Pii, Result, Store};

words! {
    /// What data may be used for.
    Purpose {
        /// Handling the request itself: booking, calling back.
        Processing = "processing",
        /// Reminders and other messages about visits.
        Service = "service",
        /// Offers.
        Marketing = "marketing",
        /// Keeping a recording of calls.
        Recording = "recording",
    }
}

words! {
    /// By what means somebody agreed.
    ConsentHow {
        /// On the telephone; the proof is the call's id.
        Call = "call",
        /// By a form on the site; the proof is the request's id.
        Form = "form",
        /// On paper or in person at the desk; the proof is the document's number.
        Desk = "desk",
        /// By an answer to a message; the proof is the message's id.
        Message = "message",
        /// In a written conversation; the proof is the message's id.
        Chat = "chat",
        /// Taken over from another system; the proof is its id there.
        Import = "import",
    }
}

/// A statement of a person: they agree, or they take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Consent {
    /// See [`crate::id()`].
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// Whose.
    pub phone: Pii,
    /// For what.
    pub purpose: Purpose,
    /// False: taken back.
    pub given: bool,
    /// When, unix milliseconds.
    pub at_ms: i64,
    /// By what means.
    pub how: ConsentHow,
    /// What proves it: an id, never words.
    pub proof: String,
    /// Which wording they heard or read, for example `form-2026-03`.
    pub wording: String,
    /// Who wrote it down: a user's id, `flow`, `form`.
    pub by: String,
}

/// A person, as far as the clinic knows one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Client {
    /// Stands in for the number wherever an id is wanted.
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// E.164.
    pub phone: Pii,
    /// In which language they want to be written and spoken to, for example `ru`; none = not known.
    pub language: Option<String>,
    /// First seen, unix milliseconds.
    pub created_ms: i64,
    /// Last change.
    pub updated_ms: i64,
}

macro_rules! consent_columns {
    () => {
        "id, clinic, phone, purpose, given, at_ms, how, proof, wording, made_by"
    };
}

impl Store {
    /// The contact of a number, made if it is not there yet. A `language` that is given stands from now on.
    ///
    /// # Errors
    /// [`crate::RecordsError::BadValue`] for what is no phone number.
    pub async fn put_client(&self, clinic: &str, phone: &Pii, language: Option<&str>, now_ms: i64) -> Result<Client> {
        let number = Number::wanted(phone)?;
        let mut transaction = self.begin_write().await?;
        let contact = put_client(&mut transaction, clinic, &number, language, now_ms).await?;
        transaction.commit().await?;
        Ok(contact)
    }

    /// The contact of a number.
    pub async fn client(&self, clinic: &str, phone: &Pii) -> Result<Option<Client>> {
        let Some(number) = Number::read(phone.as_str()) else { return Ok(None) };
        let row = sqlx::query(
            "SELECT id, clinic, phone, language, created_ms, updated_ms FROM contacts WHERE clinic = $1 AND phone = $2",
        )
        .bind(clinic)
        .bind(number.canonical.as_str())
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(Client::from_columns).transpose()
    }

    /// The contact with an id.
    pub async fn client_by_id(&self, clinic: &str, id: &str) -> Result<Option<Client>> {
        let row = sqlx::query(
            "SELECT id, clinic, phone, language, created_ms, updated_ms FROM contacts WHERE clinic = $1 AND id = $2",
        )
        .bind(clinic)
        .bind(id)
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(Client::from_columns).transpose()
    }

    /// Writes down what a person said about a purpose; the latest stands. The same id again changes nothing.
    ///
    /// # Errors
    /// [`crate::RecordsError::BadValue`] for what is no phone number.
    pub async fn put_consent(&self, consent: &Consent) -> Result<()> {
        let number = Number::wanted(&consent.phone)?;
        let mut transaction = self.begin_write().await?;
        let contact = put_client(&mut transaction, &consent.clinic, &number, None, consent.at_ms).await?;
        let written = sqlx::query(concat!(
            "INSERT INTO consents (",
            consent_columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING"
        ))
        .bind(&consent.id)
        .bind(&consent.clinic)
        .bind(number.canonical.as_str())
        .bind(consent.purpose.as_str())
        .bind(i64::from(consent.given))
        .bind(consent.at_ms)
        .bind(consent.how.as_str())
        .bind(&consent.proof)
        .bind(&consent.wording)
        .bind(&consent.by)
        .execute(&mut *transaction)
        .await?;
        if written.rows_affected() == 1 {
            let event = NewEvent {
                clinic: &consent.clinic,
                kind: if consent.given { "consent.given" } else { "consent.withdrawn" },
                subject: &contact.id,
                data: json!({ "purpose": consent.purpose, "how": consent.how, "consent": consent.id }),
                at_ms: consent.at_ms,
            };
            publish(&mut transaction, event).await?;
        }
        self.commit_and_tell(transaction).await
    }

    /// What stands for a purpose; none = nobody ever asked.
    pub async fn consent(&self, clinic: &str, phone: &Pii, purpose: Purpose) -> Result<Option<Consent>> {
        let all = self.consents(clinic, phone).await?;
        Ok(all.into_iter().find(|consent| consent.purpose == purpose))
    }

    /// Everything a person said about purposes, latest first.
    pub async fn consents(&self, clinic: &str, phone: &Pii) -> Result<Vec<Consent>> {
        let Some(number) = Number::read(phone.as_str()) else { return Ok(Vec::new()) };
        let rows = sqlx::query(concat!(
            "SELECT ",
            consent_columns!(),
            " FROM consents WHERE clinic = $1 AND phone = $2 ORDER BY at_ms DESC, id DESC"
        ))
        .bind(clinic)
        .bind(number.canonical.as_str())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(Consent::from_columns).collect()
    }
}

async fn put_client(
    transaction: &mut Transaction<'_, Any>,
    clinic: &str,
    number: &Number,
    language: Option<&str>,
    now_ms: i64,
) -> Result<Client> {
    let row = sqlx::query(
        "INSERT INTO contacts (clinic, phone, id, language, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (clinic, phone) DO UPDATE SET language = COALESCE(excluded.language, contacts.language),
            updated_ms = CASE WHEN excluded.updated_ms > contacts.updated_ms THEN excluded.updated_ms
                ELSE contacts.updated_ms END
         RETURNING id, clinic, phone, language, created_ms, updated_ms",
    )
    .bind(clinic)
    .bind(number.canonical.as_str())
    .bind(crate::id())
    .bind(language)
    .bind(now_ms)
    .fetch_one(&mut **transaction)
    .await?;
    Client::from_columns(&row)
}

impl FromColumns for Client {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            phone: row.pii("phone")?,
            language: row.text_opt("language")?,
            created_ms: row.int("created_ms")?,
            updated_ms: row.int("updated_ms")?,
        })
    }
}

impl FromColumns for Consent {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            phone: row.pii("phone")?,
            purpose: row.word("purpose")?,
            given: row.truth("given")?,
            at_ms: row.int("at_ms")?,
            how: row.word("how")?,
            proof: row.text("proof")?,
            wording: row.text("wording")?,
            by: row.text("made_by")?,
        })
    }
}
