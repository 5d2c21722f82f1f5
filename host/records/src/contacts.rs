//! The one list of people to call: requests of the site, promised call-backs, missed and night calls, reminders nobody
//! answered, messages nobody knows the fate of. Rows are those of [`crate::CallbackRecord`], so whoever dials promised
//! call-backs dials these, and nobody is called twice.
//!
//! An entry is `open` until somebody works on it (`claimed`, for a while) and `done` when it came to an end. A second entry
//! for a number that is on the list already joins the first one (`merged`).

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::callbacks::CallbackStatus;
use crate::feed::{NewEvent, publish};
use crate::row::{Columns as _, FromColumns, words};
use crate::{Cursor, Pii, RecordsError, Result, Store};

/// As whom the telephone exchange works on the list. It is several at a time, and calls nobody twice at once all the same.
pub const EXCHANGE: &str = "exchange";

words! {
    /// Why somebody is to be called.
    ContactKind {
        /// They were promised it.
        Callback = "callback",
        /// They filled in the form of the site.
        Request = "request",
        /// Their call was not answered.
        Missed = "missed",
        /// They called at night.
        Night = "night",
        /// They asked for it in a chat.
        Chat = "chat",
        /// They did not answer a reminder.
        Reminder = "reminder",
        /// A message to them failed, or nobody knows whether it arrived.
        Message = "message",
        /// They said that they cannot come: another time is to be offered.
        Offer = "offer",
        /// They answered something a person has to read.
        Reply = "reply",
    }
}

impl ContactKind {
    /// Whether the client came to the clinic (rather than the clinic to them, about a visit they have).
    pub fn inbound(self) -> bool {
        matches!(self, Self::Callback | Self::Request | Self::Missed | Self::Night | Self::Chat)
    }
}

words! {
    /// What came of an attempt.
    ContactResult {
        /// They talked.
        Reached = "reached",
        /// It rang.
        NoAnswer = "no-answer",
        /// Busy.
        Busy = "busy",
        /// A machine answered.
        Voicemail = "voicemail",
        /// Somebody else's number, or none.
        WrongNumber = "wrong-number",
        /// A visit was booked, or stays booked.
        Booked = "booked",
        /// They do not want (any more); a reason stands beside it.
        Refused = "refused",
        /// They talked, and want to be called at another time.
        Later = "later",
    }
}

impl ContactResult {
    /// Whether they were talked to.
    pub fn talked(self) -> bool {
        matches!(self, Self::Reached | Self::Booked | Self::Refused | Self::Later)
    }
}

/// Somebody to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewContact {
    /// See [`crate::id()`].
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// The clinic's IANA zone.
    pub timezone: String,
    /// Why.
    pub kind: ContactKind,
    /// E.164.
    pub phone: Pii,
    /// Empty when not known.
    pub person: Pii,
    /// In their words; may be empty.
    pub reason: Pii,
    /// When to call first, unix milliseconds.
    pub due_ms: i64,
    /// When that is late.
    pub deadline_ms: i64,
    /// The visit it is about.
    pub visit: Option<String>,
    /// The call it comes from.
    pub call: Option<String>,
    /// The message it comes from.
    pub message: Option<String>,
    /// Two entries with one key are one entry.
    pub dedup: Option<String>,
    /// Now.
    pub created_ms: i64,
}

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Contact {
    /// Its id; the call-back's, if it is one.
    pub id: String,
    /// Clinic id.
    pub clinic: String,
    /// The clinic's IANA zone.
    pub timezone: String,
    /// Why.
    pub kind: ContactKind,
    /// E.164.
    pub phone: Pii,
    /// Empty when not known.
    pub person: Pii,
    /// In their words.
    pub reason: Pii,
    /// Where it stands.
    pub status: CallbackStatus,
    /// When to call first.
    pub due_ms: i64,
    /// When that is late.
    pub deadline_ms: i64,
    /// When to call next.
    pub next_ms: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// What came of the last attempt.
    pub result: Option<String>,
    /// Whether nobody under this number had ever booked when it came.
    pub first_time: Option<bool>,
    /// The visit it is about, or that came of it.
    pub visit: Option<String>,
    /// The call it comes from.
    pub call: Option<String>,
    /// The message it comes from.
    pub message: Option<String>,
    /// Who works on it.
    pub claimed_by: Option<String>,
    /// Until when.
    pub claimed_until_ms: Option<i64>,
    /// When it was first tried.
    pub first_attempt_ms: Option<i64>,
    /// When they were first talked to.
    pub reached_ms: Option<i64>,
    /// When it came to an end.
    pub closed_ms: Option<i64>,
    /// When it was found late.
    pub late_ms: Option<i64>,
    /// Why they refused.
    pub lost_reason: Option<String>,
    /// The entry it joined.
    pub merged_into: Option<String>,
    /// When it came.
    pub created_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
}

/// What became of a new entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is on the list.
    New,
    /// The number is on the list already; this is that entry's id.
    Joined(String),
    /// It was there before, under this id.
    Known(String),
}

/// Which entries; every `None` is open.
#[derive(Debug, Clone, Default)]
pub struct ContactFilter {
    /// Clinic id.
    pub clinic: String,
    /// Of one kind.
    pub kind: Option<ContactKind>,
    /// Where they stand.
    pub status: Option<CallbackStatus>,
    /// Came at or after, unix milliseconds.
    pub from_ms: Option<i64>,
    /// Came before.
    pub to_ms: Option<i64>,
}

/// Entries, latest first.
#[derive(Debug, Clone)]
pub struct ContactPage {
    /// At most as many as asked for.
    pub contacts: Vec<Contact>,
    /// Where to go on; none = this was the last page.
    pub next: Option<Cursor>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContactAttempt {
    /// When it ended.
    pub at_ms: i64,
    /// What came of it.
    pub result: String,
    /// Who made it.
    pub by: String,
    /// The call, if it is known.
    pub call: Option<String>,
}

/// What came of an attempt, to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptMade {
    /// What.
    pub result: ContactResult,
    /// The visit that was booked.
    pub visit: Option<String>,
    /// Why they refused; one of the clinic's words.
    pub lost_reason: Option<String>,
    /// The call.
    pub call: Option<String>,
    /// Who called.
    pub by: String,
    /// When to call next; none: the entry is closed.
    pub next_ms: Option<i64>,
    /// Now.
    pub at_ms: i64,
}

// A call-back that was only promised for a moment is late five minutes after it: at that moment it is dialled.
macro_rules! columns {
    () => {
        "id, clinic, timezone, kind, phone, person, reason, status, due_ms, \
         COALESCE(deadline_ms, due_ms + 300000) AS deadline_ms, \
         COALESCE(next_ms, due_ms) AS next_ms, attempts, result, first_time, visit, call, message, claimed_by, \
         claimed_until_ms, first_attempt_ms, reached_ms, closed_ms, late_ms, lost_reason, merged_into, created_ms, updated_ms"
    };
}

impl Store {
    /// Puts somebody on the list. Clients who came to the clinic are called once, however often they came.
    pub async fn add_contact(&self, contact: &NewContact) -> Result<Added> {
        let mut transaction = self.begin_write().await?;
        let added = add(&mut transaction, contact).await?;
        self.commit_and_tell(transaction).await?;
        Ok(added)
    }

    /// One entry.
    pub async fn contact(&self, id: &str) -> Result<Contact> {
        let sql = concat!("SELECT ", columns!(), " FROM callbacks WHERE id = $1");
        let row = sqlx::query(sql).bind(id).fetch_optional(self.read()).await?;
        Contact::from_columns(&row.ok_or_else(|| not_found(id))?)
    }

    /// The list of a clinic: everything that is not at its end, what is to be called first at the top.
    pub async fn contacts(&self, clinic: &str) -> Result<Vec<Contact>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM callbacks WHERE clinic = $1 AND status IN ('open', 'claimed') ORDER BY 11, 10, 1"
        );
        let rows = sqlx::query(sql).bind(clinic).fetch_all(self.read()).await?;
        rows.iter().map(Contact::from_columns).collect()
    }

    /// Everything that came in `from_ms..to_ms`, oldest first, in whatever state.
    pub async fn contacts_between(&self, clinic: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Contact>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM callbacks WHERE clinic = $1 AND created_ms >= $2 AND created_ms < $3 ORDER BY created_ms, id"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(from_ms).bind(to_ms).fetch_all(self.read()).await?;
        rows.iter().map(Contact::from_columns).collect()
    }

    /// Entries of a clinic in whatever state, the latest first, page by page.
    pub async fn contact_page(
        &self,
        wanted: &ContactFilter,
        limit: u32,
        after: Option<&Cursor>,
    ) -> Result<ContactPage> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM callbacks WHERE clinic = $1 AND created_ms >= $2 AND created_ms < $3 AND (kind = $4 OR $4 IS NULL) \
             AND (status = $5 OR $5 IS NULL) AND (created_ms < $6 OR (created_ms = $6 AND id < $7)) \
             ORDER BY created_ms DESC, id DESC LIMIT $8"
        );
        let (before_ms, before) = after.map_or((i64::MAX, ""), |cursor| (cursor.at_ms(), cursor.id()));
        let rows = sqlx::query(sql)
            .bind(&wanted.clinic)
            .bind(wanted.from_ms.unwrap_or(i64::MIN))
            .bind(wanted.to_ms.unwrap_or(i64::MAX))
            .bind(wanted.kind.map(ContactKind::as_str))
            .bind(wanted.status.map(CallbackStatus::as_str))
            .bind(before_ms)
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(self.read())
            .await?;
        let contacts = rows.iter().map(Contact::from_columns).collect::<Result<Vec<_>>>()?;
        let last = contacts.last().filter(|_| contacts.len() == limit as usize);
        let next = last.map(|last| Cursor::after(last.created_ms, &last.id));
        Ok(ContactPage { contacts, next })
    }

    /// Everything there is of a number, latest first.
    pub async fn contacts_of(&self, clinic: &str, phone: &Pii) -> Result<Vec<Contact>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM callbacks WHERE clinic = $1 AND phone = $2 ORDER BY created_ms DESC, id DESC"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(phone.as_str()).fetch_all(self.read()).await?;
        rows.iter().map(Contact::from_columns).collect()
    }

    /// The attempts of an entry, oldest first.
    pub async fn contact_attempts(&self, id: &str) -> Result<Vec<ContactAttempt>> {
        let sql = "SELECT at_ms, result, made_by, call FROM contact_attempts WHERE contact = $1 ORDER BY seq";
        let rows = sqlx::query(sql).bind(id).fetch_all(self.read()).await?;
        let attempt = |row: &AnyRow| {
            Ok(ContactAttempt {
                at_ms: row.int("at_ms")?,
                result: row.text("result")?,
                by: row.text("made_by")?,
                call: row.text_opt("call")?,
            })
        };
        rows.iter().map(attempt).collect()
    }

    /// Takes an entry to work on: until `until_ms` nobody else gets it, nor another entry of the same number, and nothing
    /// dials it.
    ///
    /// # Errors
    /// [`RecordsError::Claimed`] when somebody works on it or talks to that number, or it is at its end.
    pub async fn claim_contact(&self, id: &str, by: &str, now_ms: i64, until_ms: i64) -> Result<Contact> {
        let sql = concat!(
            "UPDATE callbacks SET status = 'claimed', claimed_by = $2, claimed_until_ms = $4, updated_ms = $3 \
             WHERE id = $1 AND (status = 'open' OR (status = 'claimed' AND (claimed_by = $2 OR claimed_until_ms <= $3))) \
             AND NOT EXISTS (SELECT 1 FROM callbacks other WHERE other.clinic = callbacks.clinic \
             AND other.phone = callbacks.phone AND other.id <> callbacks.id AND other.status = 'claimed' \
             AND other.claimed_until_ms > $3 AND (other.claimed_by <> $2 OR $5 = 1)) RETURNING ",
            columns!()
        );
        let mut transaction = self.begin_write().await?;
        let row = sqlx::query(sql)
            .bind(id)
            .bind(by)
            .bind(now_ms)
            .bind(until_ms)
            .bind(i64::from(by == EXCHANGE))
            .fetch_all(&mut *transaction)
            .await?
            .pop();
        transaction.commit().await?;
        match row {
            Some(row) => Contact::from_columns(&row),
            None => {
                let there = self.contact(id).await?;
                let holder = self.contacts(&there.clinic).await?.into_iter().find(|other| {
                    other.phone == there.phone && other.claimed_until_ms.is_some_and(|until| until > now_ms)
                });
                let by = holder.and_then(|holder| holder.claimed_by).unwrap_or_else(|| there.status.to_string());
                Err(RecordsError::Claimed { id: id.to_owned(), by })
            }
        }
    }

    /// Takes the entry that is to be called first, of some kinds or (empty) of all. None when nobody is to be called now.
    pub async fn next_contact(
        &self,
        clinic: &str,
        kinds: &[ContactKind],
        by: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Option<Contact>> {
        let list = self.contacts(clinic).await?;
        let wanted = list.into_iter().filter(|contact| kinds.is_empty() || kinds.contains(&contact.kind));
        for contact in wanted.filter(|contact| contact.next_ms <= now_ms) {
            match self.claim_contact(&contact.id, by, now_ms, until_ms).await {
                Ok(contact) => return Ok(Some(contact)),
                // Somebody was quicker.
                Err(RecordsError::Claimed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Gives an entry back without an attempt.
    pub async fn release_contact(&self, id: &str, by: &str, now_ms: i64) -> Result<()> {
        let sql = "UPDATE callbacks SET status = 'open', claimed_by = NULL, claimed_until_ms = NULL, updated_ms = $3
             WHERE id = $1 AND status = 'claimed' AND claimed_by = $2";
        sqlx::query(sql).bind(id).bind(by).bind(now_ms).execute(self.write()).await?;
        Ok(())
    }

    /// Entries whose holder went away are open again. Returns how many.
    pub async fn lapse_claims(&self, now_ms: i64) -> Result<u64> {
        let held = "SELECT COUNT(*) FROM callbacks WHERE status = 'claimed' AND claimed_until_ms <= $1";
        let held: i64 = sqlx::query_scalar(held).bind(now_ms).fetch_one(self.read()).await?;
        if held == 0 {
            return Ok(0);
        }
        let sql = "UPDATE callbacks SET status = 'open', claimed_by = NULL, claimed_until_ms = NULL, updated_ms = $1
             WHERE status = 'claimed' AND claimed_until_ms <= $1";
        Ok(sqlx::query(sql).bind(now_ms).execute(self.write()).await?.rows_affected())
    }

    /// Writes down what came of an attempt, whoever made it, and gives the entry free.
    ///
    /// # Errors
    /// [`RecordsError::Claimed`] when somebody else works on it, or it is at its end.
    pub async fn contact_attempt(&self, id: &str, made: &AttemptMade) -> Result<Contact> {
        let mut transaction = self.begin_write().await?;
        let sql = concat!(
            "UPDATE callbacks SET attempts = attempts + 1, result = $2, status = $3, next_ms = $4, updated_ms = $5, \
             closed_ms = CASE WHEN $3 = 'done' THEN $5 ELSE NULL END, \
             first_attempt_ms = COALESCE(first_attempt_ms, $5), \
             reached_ms = CASE WHEN $6 = 1 THEN COALESCE(reached_ms, $5) ELSE reached_ms END, \
             visit = COALESCE($7, visit), lost_reason = COALESCE($8, lost_reason), claimed_by = NULL, \
             claimed_until_ms = NULL WHERE id = $1 AND (status = 'open' OR (status = 'claimed' AND \
             (claimed_by = $9 OR claimed_until_ms <= $5))) RETURNING ",
            columns!()
        );
        let status = if made.next_ms.is_some() { CallbackStatus::Open } else { CallbackStatus::Done };
        let row = sqlx::query(sql)
            .bind(id)
            .bind(made.result.as_str())
            .bind(status.as_str())
            .bind(made.next_ms)
            .bind(made.at_ms)
            .bind(i64::from(made.result.talked()))
            .bind(made.visit.as_deref())
            .bind(made.lost_reason.as_deref())
            .bind(&made.by)
            .fetch_all(&mut *transaction)
            .await?
            .pop();
        let Some(row) = row else {
            transaction.rollback().await?;
            let there = self.contact(id).await?;
            let by = there.claimed_by.unwrap_or_else(|| there.status.to_string());
            return Err(RecordsError::Claimed { id: id.to_owned(), by });
        };
        let contact = Contact::from_columns(&row)?;
        let (by, call) = (made.by.as_str(), made.call.as_deref());
        note_attempt(&mut transaction, id, made.result.as_str(), by, call, made.at_ms).await?;
        attempted(&mut transaction, &contact, true, made.at_ms).await?;
        self.commit_and_tell(transaction).await?;
        Ok(contact)
    }

    /// When to call next, for an entry that something else than the list has tried `attempts` times by now; none: it is
    /// given up. Nothing happens when it has changed since.
    pub async fn replan_contact(&self, id: &str, attempts: i64, next_ms: Option<i64>, now_ms: i64) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        let sql = concat!(
            "UPDATE callbacks SET next_ms = $3, status = CASE WHEN $3 IS NULL THEN 'done' ELSE status END, \
             closed_ms = CASE WHEN $3 IS NULL THEN $4 ELSE closed_ms END \
             WHERE id = $1 AND attempts = $2 AND status = 'open' RETURNING ",
            columns!()
        );
        let row = sqlx::query(sql)
            .bind(id)
            .bind(attempts)
            .bind(next_ms)
            .bind(now_ms)
            .fetch_all(&mut *transaction)
            .await?
            .pop();
        let Some(row) = row else { return Ok(()) };
        let contact = Contact::from_columns(&row)?;
        if next_ms.is_none() {
            let kind = if contact.kind == ContactKind::Request { "request.closed" } else { "callback.closed" };
            tell(&mut transaction, kind, &contact, now_ms).await?;
        }
        self.commit_and_tell(transaction).await
    }

    /// Closes what is open for a number, because they were talked to otherwise: a missed caller who rang again, a client
    /// who booked by themselves. Returns how many entries that were.
    pub async fn close_contacts_of(
        &self,
        clinic: &str,
        phone: &Pii,
        kinds: &[ContactKind],
        made: &AttemptMade,
    ) -> Result<u64> {
        let list = self.contacts(clinic).await?;
        let mut closed = 0;
        for contact in list.iter().filter(|contact| contact.phone == *phone && kinds.contains(&contact.kind)) {
            match self.contact_attempt(&contact.id, &AttemptMade { next_ms: None, ..made.clone() }).await {
                Ok(_) => closed += 1,
                // Whoever works on it sees what happened, and closes it.
                Err(RecordsError::Claimed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(closed)
    }

    /// Entries of a clinic that nobody has tried by their deadline, and that were not called late yet.
    pub async fn late_contacts(&self, clinic: &str, now_ms: i64) -> Result<Vec<Contact>> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM callbacks WHERE clinic = $1 AND status IN ('open', 'claimed') AND attempts = 0 \
             AND late_ms IS NULL AND COALESCE(deadline_ms, due_ms + 300000) <= $2 ORDER BY 10, 1"
        );
        let rows = sqlx::query(sql).bind(clinic).bind(now_ms).fetch_all(self.read()).await?;
        rows.iter().map(Contact::from_columns).collect()
    }

    /// When the list of a clinic next has something to do: an entry becomes late, or a holder has gone away.
    pub async fn contacts_wake(&self, clinic: &str) -> Result<Option<i64>> {
        let sql = "SELECT MIN(at) AS at FROM (
                SELECT MIN(COALESCE(deadline_ms, due_ms + 300000)) AS at FROM callbacks WHERE clinic = $1
                    AND status IN ('open', 'claimed') AND attempts = 0 AND late_ms IS NULL
                UNION ALL SELECT MIN(claimed_until_ms) FROM callbacks WHERE clinic = $1 AND status = 'claimed'
            ) AS times";
        sqlx::query(sql).bind(clinic).fetch_one(self.read()).await?.int_opt("at")
    }
}

/// [`Store::add_contact`] in a transaction that holds the write lock.
pub(crate) async fn add(transaction: &mut Transaction<'_, Any>, contact: &NewContact) -> Result<Added> {
    let known = sqlx::query("SELECT id, merged_into FROM callbacks WHERE id = $1 OR (clinic = $2 AND dedup = $3)")
        .bind(&contact.id)
        .bind(&contact.clinic)
        .bind(contact.dedup.as_deref())
        .fetch_optional(&mut **transaction)
        .await?;
    if let Some(known) = known {
        return Ok(Added::Known(known.text_opt("merged_into")?.unwrap_or(known.text("id")?)));
    }
    let into = same_number(transaction, contact).await?;
    let first_time: i64 = sqlx::query_scalar(
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM bookings WHERE clinic = $1 AND phone = $2 AND created_ms < $3)
            THEN 0 ELSE 1 END",
    )
    .bind(&contact.clinic)
    .bind(contact.phone.as_str())
    .bind(contact.created_ms)
    .fetch_one(&mut **transaction)
    .await?;
    let status = if into.is_some() { CallbackStatus::Merged } else { CallbackStatus::Open };
    sqlx::query(
        "INSERT INTO callbacks (id, clinic, timezone, kind, phone, person, reason, status, due_ms, deadline_ms, next_ms,
            attempts, first_time, visit, call, message, dedup, merged_into, created_ms, updated_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, 0, $11, $12, $13, $14, $15, $16, $17, $17)",
    )
    .bind(&contact.id)
    .bind(&contact.clinic)
    .bind(&contact.timezone)
    .bind(contact.kind.as_str())
    .bind(contact.phone.as_str())
    .bind(contact.person.as_str())
    .bind(contact.reason.as_str())
    .bind(status.as_str())
    .bind(contact.due_ms)
    .bind(contact.deadline_ms)
    .bind(first_time)
    .bind(contact.visit.as_deref())
    .bind(contact.call.as_deref())
    .bind(contact.message.as_deref())
    .bind(contact.dedup.as_deref())
    .bind(into.as_deref())
    .bind(contact.created_ms)
    .execute(&mut **transaction)
    .await?;
    if let Some(into) = into {
        // Whoever calls must know of both, and call when the first of them was promised.
        sqlx::query(
            "UPDATE callbacks SET person = CASE WHEN person = '' THEN $2 ELSE person END,
                reason = CASE WHEN $3 = '' OR reason = $3 OR LENGTH(reason) > 2000 THEN reason
                    WHEN reason = '' THEN $3 ELSE reason || ' / ' || $3 END,
                next_ms = CASE WHEN COALESCE(next_ms, due_ms) > $4 THEN $4 ELSE next_ms END,
                due_ms = CASE WHEN due_ms > $4 AND attempts = 0 THEN $4 ELSE due_ms END,
                deadline_ms = CASE WHEN COALESCE(deadline_ms, due_ms + 300000) > $5 THEN $5 ELSE deadline_ms END,
                updated_ms = $6 WHERE id = $1",
        )
        .bind(&into)
        .bind(contact.person.as_str())
        .bind(contact.reason.as_str())
        .bind(contact.due_ms)
        .bind(contact.deadline_ms)
        .bind(contact.created_ms)
        .execute(&mut **transaction)
        .await?;
        return Ok(Added::Joined(into));
    }
    let kind = if contact.kind == ContactKind::Request { "request.created" } else { "callback.created" };
    let data = json!({
        "kind": contact.kind, "due_ms": contact.due_ms, "deadline_ms": contact.deadline_ms, "visit": contact.visit,
        "call": contact.call, "message": contact.message, "first_time": first_time == 1,
    });
    let (clinic, subject, at_ms) = (contact.clinic.as_str(), contact.id.as_str(), contact.created_ms);
    publish(transaction, NewEvent { clinic, kind, subject, data, at_ms }).await?;
    Ok(Added::New)
}

/// The entry of the list that a new one joins: clients who came are one call, and so is what concerns one visit.
async fn same_number(transaction: &mut Transaction<'_, Any>, contact: &NewContact) -> Result<Option<String>> {
    let sql = "SELECT id, kind, visit FROM callbacks WHERE clinic = $1 AND phone = $2 AND status IN ('open', 'claimed')
         ORDER BY created_ms, id";
    let rows =
        sqlx::query(sql).bind(&contact.clinic).bind(contact.phone.as_str()).fetch_all(&mut **transaction).await?;
    for row in &rows {
        let kind: ContactKind = row.word("kind")?;
        let both_came = kind.inbound() && contact.kind.inbound();
        let one_visit = contact.visit.is_some() && row.text_opt("visit")? == contact.visit;
        if both_came || one_visit {
            return row.text("id").map(Some);
        }
    }
    Ok(None)
}

pub(crate) async fn late(transaction: &mut Transaction<'_, Any>, id: &str, now_ms: i64) -> Result<()> {
    let sql = concat!(
        "UPDATE callbacks SET late_ms = $2 WHERE id = $1 AND late_ms IS NULL AND attempts = 0 \
         AND status IN ('open', 'claimed') RETURNING ",
        columns!()
    );
    let Some(row) = sqlx::query(sql).bind(id).bind(now_ms).fetch_all(&mut **transaction).await?.pop() else {
        return Ok(());
    };
    let contact = Contact::from_columns(&row)?;
    let kind = if contact.kind == ContactKind::Request { "request.late" } else { "callback.late" };
    tell(transaction, kind, &contact, now_ms).await
}

/// One more row of the history of attempts.
pub(crate) async fn note_attempt(
    transaction: &mut Transaction<'_, Any>,
    id: &str,
    result: &str,
    by: &str,
    call: Option<&str>,
    at_ms: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO contact_attempts (contact, seq, at_ms, result, made_by, call)
         VALUES ($1, (SELECT COUNT(*) FROM contact_attempts WHERE contact = $1), $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(at_ms)
    .bind(result)
    .bind(by)
    .bind(call)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Tells of an attempt, and of the end if it was the last one. `planned`: it is written down when to call next.
pub(crate) async fn attempted(
    transaction: &mut Transaction<'_, Any>,
    contact: &Contact,
    planned: bool,
    at_ms: i64,
) -> Result<()> {
    let request = contact.kind == ContactKind::Request;
    let kind = if request { "request.attempted" } else { "callback.attempted" };
    let data = json!({
        "kind": contact.kind, "result": contact.result, "attempts": contact.attempts, "planned": planned,
        "next_ms": contact.next_ms, "visit": contact.visit,
    });
    let (clinic, subject) = (contact.clinic.as_str(), contact.id.as_str());
    publish(transaction, NewEvent { clinic, kind, subject, data, at_ms }).await?;
    if contact.status == CallbackStatus::Done {
        tell(transaction, if request { "request.closed" } else { "callback.closed" }, contact, at_ms).await?;
    }
    Ok(())
}

/// The entry as it is in the transaction.
pub(crate) async fn find(transaction: &mut Transaction<'_, Any>, id: &str) -> Result<Option<Contact>> {
    let sql = concat!("SELECT ", columns!(), " FROM callbacks WHERE id = $1");
    let row = sqlx::query(sql).bind(id).fetch_optional(&mut **transaction).await?;
    row.as_ref().map(Contact::from_columns).transpose()
}

async fn tell(transaction: &mut Transaction<'_, Any>, kind: &'static str, contact: &Contact, at_ms: i64) -> Result<()> {
    let data = json!({
        "kind": contact.kind, "result": contact.result, "attempts": contact.attempts, "visit": contact.visit,
        "lost_reason": contact.lost_reason, "deadline_ms": contact.deadline_ms,
    });
    publish(transaction, NewEvent { clinic: &contact.clinic, kind, subject: &contact.id, data, at_ms }).await
}

fn not_found(id: &str) -> RecordsError {
    RecordsError::NotFound { what: "entry of the list", id: id.to_owned() }
}

impl FromColumns for Contact {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            clinic: row.text("clinic")?,
            timezone: row.text("timezone")?,
            kind: row.word("kind")?,
            phone: row.pii("phone")?,
            person: row.pii("person")?,
            reason: row.pii("reason")?,
            status: row.word("status")?,
            due_ms: row.int("due_ms")?,
            deadline_ms: row.int("deadline_ms")?,
            next_ms: row.int("next_ms")?,
            attempts: row.int("attempts")?,
            result: row.text_opt("result")?,
            first_time: row.truth_opt("first_time")?,
            visit: row.text_opt("visit")?,
            call: row.text_opt("call")?,
            message: row.text_opt("message")?,
            claimed_by: row.text_opt("claimed_by")?,
            claimed_until_ms: row.int_opt("claimed_until_ms")?,
            first_attempt_ms: row.int_opt("first_attempt_ms")?,
            reached_ms: row.int_opt("reached_ms")?,
            closed_ms: row.int_opt("closed_ms")?,
            late_ms: row.int_opt("late_ms")?,
            lost_reason: row.text_opt("lost_reason")?,
            merged_into: row.text_opt("merged_into")?,
            created_ms: row.int("created_ms")?,
            updated_ms: row.int("updated_ms")?,
        })
    }
}
