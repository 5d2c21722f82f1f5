//! What is remembered: calls, turns, journals, tags and what people said of them, bookings, call-backs, the outbox, notes, audio, jobs, what queues and people did, and
//! which version of a flow held which call, on SQLite.
//!
//! Layout: [`Store`] opens the database and is the one handle; each file adds the typed functions of one table to it.
//! Rows are plain structs with serde; personal data in them is [`Pii`], which prints as `***`.
//!
//! Invariants:
//! - What a function acknowledged survives `kill -9` and a power cut (WAL, `synchronous=FULL`).
//! - Times and ids are arguments ([`id`] makes one); the clock is read for the age of an audio file only.
//! - Every query is plain SQL with `$1` placeholders that SQLite and Postgres both take.
//! - Times are UTC unix milliseconds, lengths are milliseconds; the clinic's IANA zone stands beside them.
//! - With a [`Keyring`], journals lie sealed; without the key nothing reads them.
//! - No statement, path or error carries a phone number, a name or a transcript.
//!
//! ```
//! # async fn example() -> Result<(), records::RecordsError> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("gudok.db");
//! use records::{CallEnd, CallRecord, Outcome, Store};
//!
//! let store = Store::open(&path).await?;
//! let call = CallRecord::live(records::id(), "vet_lapa", "Europe/Moscow", 1_795_000_000_000);
//! store.start_call(&call).await?;
//! store.end_call(&call.id, &CallEnd { ended_ms: 1_795_000_060_000, outcome: Some(Outcome::Booked), ..CallEnd::default() }).await?;
//! assert_eq!(store.call(&call.id).await?.outcome, Some(Outcome::Booked));
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```

mod absences;
mod accounts;
mod aggregates;
mod append;
mod audio;
mod audit;
mod backup;
mod bookings;
mod calendars;
mod callbacks;
mod calls;
mod chats;
mod consents;
mod contacts;
mod conversations;
mod deliveries;
mod dialect;
mod erasure;
mod error;
mod events;
mod export;
mod facts;
mod feed;
mod flows;
mod id;
mod jobs;
mod links;
mod notes;
mod number;
mod orders;
mod outbox;
mod people;
mod person;
mod personal;
mod pii;
mod quality;
mod retention;
mod reviews;
mod rollups;
mod row;
mod runs;
mod schema;
mod seal;
mod search;
mod status;
mod store;
mod tags;
mod trials;
mod turns;
mod visitors;

pub use absences::Absence;
pub use accounts::{Claim, LinkRecord, RoleRecord, SessionRecord, TokenRecord, UserRecord};
pub use aggregates::{CategoryTotal, DayTotal, HandledTotals, HourTotal, PeriodTotals};
pub use audio::AudioRef;
pub use audit::{AuditCheck, AuditEnd, AuditEntry, AuditFilter, AuditPage, AuditRow};
pub use backup::Backup;
pub use bookings::{
    BookOutcome, BookingRecord, Busy, Change, Claims, HistoryEntry, NewTime, PerDay, ROBOT, ResourceClaim,
};
pub use calendars::CalendarLink;
pub use callbacks::{CallbackRecord, CallbackStatus};
pub use calls::{CallEnd, CallFilter, CallPage, CallRecord, Cursor, Direction, Imported, Outcome, Source};
pub use chats::{
    ChatApplied, ChatChange, ChatDelivery, ChatMessage, ChatState, ChatThread, ChatWait, ChatWho, WaitChange, WaitKind,
};
pub use consents::{Client, Consent, ConsentHow, Purpose};
pub use contacts::{
    Added, AttemptMade, Contact, ContactAttempt, ContactFilter, ContactKind, ContactPage, ContactResult, EXCHANGE,
    NewContact,
};
pub use conversations::Conversation;
pub use deliveries::{AfterFailure, Delivery, DeliveryAttempt, DeliveryState, EndpointState};
pub use dialect::shown;
pub use erasure::{Erasure, ErasureState, NewErasure, read_erasure_log};
pub use error::RecordsError;
pub use events::{CallEvent, QueuePhase};
pub use export::{ExportBody, ExportFile, PersonExport};
pub use facts::CallFact;
pub use feed::FeedEvent;
pub use flows::{ChangeKind, Entry, FlowChange, FlowRoute, FlowSchedule, FlowVersion, HowKind};
pub use id::id;
pub use jobs::{Job, JobState, NewJob};
pub use links::{Link, LinkKind, LinkWork, ReadTo};
pub use notes::Note;
pub use orders::{OrderKind, OrderState, OwnerOrder};
pub use outbox::{AboutVisit, Answer, Channel, Message, MessageState, NewMessage, OutboxCount, OutreachBatch};
pub use people::{AgentSpan, AgentState, AgentTime};
pub use person::PersonData;
pub use pii::Pii;
pub use quality::LineQuality;
pub use retention::{RetentionReport, Terms};
pub use reviews::{NewReview, Review};
pub use rollups::{CategoryDay, Rolled, WaitBucket};
pub use runs::{FlowRun, Role, RunCounts, ShadowedCall};
pub use seal::{Key, Keyring};
pub use status::Status;
pub use store::Store;
pub use tags::{Tag, TagEntry};
pub use trials::{FlowTrial, TrialCall};
pub use turns::{JournalRecord, Turn, Who};
pub use visitors::{KnownVisitor, same_animal};

/// The result of every function here.
pub type Result<T> = std::result::Result<T, RecordsError>;
