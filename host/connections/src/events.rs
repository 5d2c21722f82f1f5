//! CloudEvents 1.0 (JSON, structured mode) of the feed.
//!
//! An event is built at the moment it is handed out: what changed, from the feed, and how its subject stands now, from the
//! records. When nobody knows the subject any more, or was asked to forget it, that part is absent.

use jiff::Timestamp;
use records::{BookingRecord, CallRecord, CallbackRecord, FeedEvent, Pii, RecordsError, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What the types of all events begin with.
pub const TYPE_PREFIX: &str = "ru.gudok.";

/// A CloudEvent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// The event's own id: equal ids are one event.
    pub id: String,
    /// `/clinics/ID`.
    pub source: String,
    /// [`TYPE_PREFIX`] and the kind, for example `ru.gudok.visit.booked`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Id of the visit, the call, the request.
    pub subject: String,
    /// When it happened, RFC 3339.
    pub time: String,
    /// `application/json`.
    pub datacontenttype: String,
    /// Which of the documented schemas `data` has.
    pub dataschema: String,
    /// The event's place in the feed, as the extension `sequence`: later events compare greater as text.
    pub sequence: String,
    /// `change`, and the subject as it stands now.
    pub data: Value,
}

impl CloudEvent {
    /// The event's place in the feed; the number to read on after.
    pub fn position(&self) -> i64 {
        self.sequence.parse().unwrap_or(0)
    }
}

/// The event for other systems; with names and numbers only when `personal`.
///
/// # Errors
/// When the records cannot be read.
pub async fn cloud_event(store: &Store, event: &FeedEvent, personal: bool) -> Result<CloudEvent, RecordsError> {
    let subject = event.kind.split('.').next().unwrap_or_default();
    let mut data = Map::new();
    data.insert("change".into(), event.data.clone());
    let now = match subject {
        "visit" => known(store.visit(&event.subject).await)?.map(|visit| of_visit(&visit, personal)),
        "call" => known(store.call(&event.subject).await)?.map(|call| of_call(&call, personal)),
        "callback" => known(store.callback(&event.subject).await)?.map(|callback| of_callback(&callback, personal)),
        _ => None,
    };
    if let Some(now) = now {
        data.insert(subject.to_owned(), now);
    }
    let schema = match subject {
        "visit" | "call" | "callback" => subject,
        _ => "change",
    };
    Ok(CloudEvent {
        specversion: "1.0".into(),
        id: event.id.clone(),
        source: format!("/clinics/{}", event.clinic),
        kind: format!("{TYPE_PREFIX}{}", event.kind),
        subject: event.subject.clone(),
        time: rfc3339(event.at_ms),
        datacontenttype: "application/json".into(),
        dataschema: format!("urn:gudok:schema:{schema}:1"),
        sequence: format!("{:019}", event.position),
        data: Value::Object(data),
    })
}

/// A subject that nobody knows is no failure.
fn known<T>(found: Result<T, RecordsError>) -> Result<Option<T>, RecordsError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(RecordsError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn of_visit(visit: &BookingRecord, personal: bool) -> Value {
    let mut told = json!({
        "id": visit.visit,
        "booking": visit.id,
        "timezone": visit.timezone,
        "doctor": visit.doctor,
        "service": visit.service,
        "start": rfc3339(visit.start_ms),
        "end": rfc3339(visit.end_ms),
        "status": visit.status,
        "call": visit.call,
        "created": rfc3339(visit.created_ms),
        "updated": rfc3339(visit.updated_ms),
    });
    if personal {
        told["person"] = person(&visit.person, Some(&visit.phone));
        told["animal"] = json!(visit.animal);
        told["reason"] = json!(visit.reason);
    }
    told
}

fn of_call(call: &CallRecord, personal: bool) -> Value {
    let mut told = json!({
        "id": call.id,
        "timezone": call.timezone,
        "direction": call.direction,
        "line": call.line,
        "started": rfc3339(call.started_ms),
        "answered": call.answered_ms.map(rfc3339),
        "ended": call.ended_ms.map(rfc3339),
        "outcome": call.outcome,
        "category": call.category,
        "first_time": call.first_time,
        "talk_ms": call.talk_ms,
        "wait_ms": call.queue_wait_ms,
    });
    if personal {
        told["person"] = person(&Pii::default(), call.caller.as_ref());
    }
    told
}

fn of_callback(callback: &CallbackRecord, personal: bool) -> Value {
    let mut told = json!({
        "id": callback.id,
        "timezone": callback.timezone,
        "due": rfc3339(callback.due_ms),
        "status": callback.status,
        "attempts": callback.attempts,
        "result": callback.result,
        "call": callback.call,
        "created": rfc3339(callback.created_ms),
        "updated": rfc3339(callback.updated_ms),
    });
    if personal {
        told["person"] = person(&callback.person, Some(&callback.phone));
        told["reason"] = json!(callback.reason);
    }
    told
}

fn person(name: &Pii, phone: Option<&Pii>) -> Value {
    json!({ "name": name, "phone": phone })
}

/// In UTC; a time beyond the calendar is its nearest end.
pub(crate) fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX }).to_string()
}
