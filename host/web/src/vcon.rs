//! A call as a vCon, the container for conversations of draft-ietf-vcon-vcon-core (JSON, unsigned): out and in; and its
//! recordings.
//!
//! | of a call | in the vCon |
//! |---|---|
//! | caller's number, who answered | `parties` 0 and 1 |
//! | recordings | `dialog` of type `recording`, by address and SHA-512; a call without any: `text` or `incomplete` |
//! | turns, the tags | `analysis` of types `transcript` and `tag` |
//! | outcome, queue, flow | an attachment with purpose `gudok-call` |

use accounts::Permission;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use records::{AudioRef, CallRecord, Direction, Imported, Outcome, TagEntry, Turn, Who};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use crate::api::{Api, Op, body_of};
use crate::auth::Viewer;
use crate::calls::found;
use crate::params::{Params, RawParams};
use crate::{AppState, Problem};

/// The version of the format.
const VERSION: &str = "0.4.0";
/// What our own attachment is called.
const OURS: &str = "gudok-call";
/// Turns of a call that are taken in.
const MOST_TURNS: usize = 5_000;

pub(crate) fn api() -> Api {
    Api::new()
        .get(
            "/api/v1/calls/{id}/audio/{kind}",
            audio,
            Op::may("audio", "A recording of a call", Permission::HearRecordings).answers_raw("audio/wav"),
        )
        .get(
            "/api/v1/calls/{id}/vcon",
            export,
            Op::may("export-vcon", "A call as a vCon", Permission::Export)
                .about("draft-ietf-vcon-vcon-core, unsigned. Recordings stand in it by address and SHA-512.")
                .answers::<Vcon>(),
        )
        .post(
            "/api/v1/clinics/{clinic}/calls/vcon",
            import,
            Op::may("import-vcon", "Take in a call that is over", Permission::ManageClinic)
                .about("Known by the vCon's `uuid`: taken in twice it is there once. Recordings are not fetched.")
                .takes::<Vcon>()
                .answers_with::<Taken>(200, "It was there already")
                .answers_with::<Taken>(201, "Taken in"),
        )
}

/// A conversation. Fields that are not named here are kept out, not refused.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Vcon {
    #[serde(default)]
    vcon: String,
    uuid: String,
    created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    parties: Vec<Party>,
    #[serde(default)]
    dialog: Vec<Map<String, Value>>,
    #[serde(default)]
    analysis: Vec<Map<String, Value>>,
    #[serde(default)]
    attachments: Vec<Map<String, Value>>,
}

/// Somebody in it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Party {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `caller`, `agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

/// What came of an import.
#[derive(Serialize, JsonSchema)]
struct Taken {
    call: String,
    /// False: it was there already.
    new: bool,
}

async fn audio(
    State(state): State<AppState>,
    viewer: Viewer,
    Path((id, kind)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let call = found(&state, &viewer, &id, Permission::HearRecordings).await?;
    let all = state.store.call_audio(&id).await?;
    let recording = all.into_iter().find(|audio| audio.kind == kind).ok_or_else(|| Problem::unknown("recording"))?;
    let bytes = state.store.audio(&recording.sha256).await?;
    state.witness(viewer.who(), &call.clinic, "audio.heard", "call", &id).await?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], bytes).into_response())
}

async fn export(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    headers: HeaderMap,
    raw: RawParams,
) -> Result<Json<Vcon>, Problem> {
    Params::parse(raw, &[])?;
    let call = found(&state, &viewer, &id, Permission::Export).await?;
    let store = &state.store;
    let (turns, tags, audio) = tokio::try_join!(store.turns(&id), store.tags(&id), store.call_audio(&id))?;
    state.witness(viewer.who(), &call.clinic, "call.exported", "call", &id).await?;
    let mut recordings = Vec::new();
    for recording in audio {
        let bytes = store.audio(&recording.sha256).await?;
        let hash = Sha512::digest(&bytes);
        recordings.push((recording, format!("sha512-{}", URL_SAFE_NO_PAD.encode(hash))));
    }
    let scheme = if state.entry.https { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    Ok(Json(pack(&call, &turns, &tags, &recordings, &format!("{scheme}://{host}"))))
}

fn pack(call: &CallRecord, turns: &[Turn], tags: &[TagEntry], recordings: &[(AudioRef, String)], base: &str) -> Vcon {
    let start = moment(call.started_ms);
    let caller = Party {
        tel: call.caller.as_ref().map(|number| number.as_str().to_owned()),
        role: Some("caller".to_owned()),
        ..Party::default()
    };
    let agent = Party { tel: call.line.clone(), name: call.agent.clone(), role: Some("agent".to_owned()) };
    let originator = usize::from(call.direction == Direction::Outgoing);
    let seconds = call.ended_ms.map(|end| (end - call.started_ms) as f64 / 1_000.0);
    let mut dialog: Vec<Map<String, Value>> = recordings
        .iter()
        .map(|(recording, hash)| {
            object(json!({
                "type": "recording", "start": start, "duration": seconds, "parties": [0, 1], "originator": originator,
                "mediatype": "audio/wav", "filename": format!("{}-{}.wav", call.id, recording.kind),
                "url": format!("{base}/api/v1/calls/{}/audio/{}", call.id, recording.kind), "content_hash": hash,
            }))
        })
        .collect();
    if dialog.is_empty() {
        let answered = call.answered_ms.is_some();
        let mut one =
            object(json!({ "start": start, "duration": seconds, "parties": [0, 1], "originator": originator }));
        if answered {
            let line = |turn: &Turn| format!("{}: {}", turn.who, turn.text.as_str());
            let text: Vec<String> = turns.iter().map(line).collect();
            one.extend(object(json!({
                "type": "text", "mediatype": "text/plain", "encoding": "none", "body": text.join("\n"),
            })));
        } else {
            one.extend(object(json!({ "type": "incomplete", "disposition": "no-answer" })));
        }
        dialog.push(one);
    }
    let mut analysis = Vec::new();
    if !turns.is_empty() {
        let lines: Vec<Value> = turns
            .iter()
            .map(|turn| {
                json!({
                    "party": usize::from(turn.who == Who::Agent), "who": turn.who, "start_ms": turn.start_ms,
                    "end_ms": turn.end_ms, "text": turn.text, "confidence": turn.confidence,
                })
            })
            .collect();
        analysis.push(object(json!({
            "type": "transcript", "dialog": 0, "vendor": "gudok", "mediatype": "application/json", "encoding": "json",
            "body": Value::Array(lines),
        })));
    }
    analysis.extend(tags.iter().map(|entry| {
        object(json!({
            "type": "tag", "dialog": 0, "vendor": "gudok", "product": entry.tag.model_version, "encoding": "json",
            "mediatype": "application/json",
            "body": {
                "category": entry.tag.category, "confidence": entry.tag.confidence, "by": entry.tag.by,
                "taxonomy_version": entry.tag.taxonomy_version, "evidence": entry.tag.evidence, "at_ms": entry.tag.at_ms,
            },
        }))
    }));
    let facts = object(json!({
        "purpose": OURS, "start": start, "party": 1, "dialog": 0, "mediatype": "application/json", "encoding": "json",
        "body": {
            "clinic": call.clinic, "direction": call.direction, "outcome": call.outcome, "answered_ms": call.answered_ms,
            "ended_ms": call.ended_ms, "queue_wait_ms": call.queue_wait_ms, "talk_ms": call.talk_ms, "hold_ms": call.hold_ms,
            "flow_digest": call.flow_digest, "end_reason": call.end_reason,
        },
    }));
    Vcon {
        vcon: VERSION.to_owned(),
        uuid: call.external_id.clone().filter(|id| is_uuid(id)).unwrap_or_else(|| call.id.clone()),
        created_at: start,
        updated_at: call.ended_ms.map(moment),
        subject: call.category.clone(),
        parties: vec![caller, agent],
        dialog: dialog.into_iter().map(without_nulls).collect(),
        analysis,
        attachments: vec![facts],
    }
}

async fn import(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(clinic): Path<String>,
    body: Result<Json<Vcon>, JsonRejection>,
) -> Result<(StatusCode, Json<Taken>), Problem> {
    viewer.check(&state, &clinic, Permission::ManageClinic)?;
    let clinic = state.clinic(&clinic)?;
    let vcon = body_of(body)?;
    let (call, turns) = unpack(&vcon, &clinic.id, &clinic.timezone)?;
    let Imported { call, is_new, .. } = state.store.import_call(&call).await.map_err(bad)?;
    if is_new {
        for (seq, mut turn) in turns.into_iter().enumerate() {
            (turn.call, turn.seq) = (call.clone(), seq as i64);
            state.store.add_turn(turn).await?;
        }
    }
    state.witness(viewer.who(), &clinic.id, "call.imported", "call", &call).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(Taken { call, new: is_new })))
}

fn unpack(vcon: &Vcon, clinic: &str, timezone: &str) -> Result<(CallRecord, Vec<Turn>), Problem> {
    if !is_uuid(&vcon.uuid) {
        return Err(Problem::bad_body("uuid", "a vCon is known by its UUID"));
    }
    let first = vcon.dialog.first();
    let text = |name: &str| first.and_then(|dialog| dialog.get(name)).and_then(Value::as_str);
    let started_ms = instant(text("start").unwrap_or(&vcon.created_at), "dialog.start")?;
    let length = first.and_then(|dialog| dialog.get("duration")).and_then(Value::as_f64).unwrap_or_default();
    if !(0.0..=86_400.0).contains(&length) {
        return Err(Problem::bad_body("dialog.duration", "a call lasts 0 to 86400 seconds"));
    }
    let ended_ms = started_ms + (length * 1_000.0) as i64;
    let ours = vcon.attachments.iter().find(|attachment| attachment.get("purpose") == Some(&json!(OURS)));
    let facts = ours.and_then(|attachment| attachment.get("body")).cloned().unwrap_or_default();
    let number = |name: &str| facts[name].as_i64().filter(|value| (0..=4_102_444_800_000).contains(value));
    let whole = vcon.parties.iter().find(|party| party.role.as_deref() == Some("agent"));
    let agent = whole.or_else(|| vcon.parties.get(1));
    let caller = vcon.parties.iter().find(|party| party.role.as_deref() == Some("caller")).or(vcon.parties.first());
    let phone = caller.and_then(|party| party.tel.as_deref());
    let phone = phone.and_then(|tel| desk::PhoneNumber::parse(tel.trim_start_matches("tel:")));
    let mut call = CallRecord::import(records::id(), clinic, timezone, started_ms, &vcon.uuid);
    call.caller = phone.map(|phone| phone.as_str().into());
    call.line = agent.and_then(|party| party.tel.clone());
    call.agent = agent.and_then(|party| party.name.clone());
    call.ended_ms = Some(ended_ms.max(started_ms));
    if text("type") != Some("incomplete") {
        call.answered_ms =
            Some(number("answered_ms").filter(|at| (started_ms..=ended_ms).contains(at)).unwrap_or(started_ms));
    }
    if facts["direction"] == "outgoing" || first.is_some_and(|dialog| dialog.get("originator") == Some(&json!(1))) {
        call.direction = Direction::Outgoing;
    }
    call.outcome = facts["outcome"].as_str().and_then(|word| word.parse::<Outcome>().ok());
    (call.queue_wait_ms, call.talk_ms, call.hold_ms) = (number("queue_wait_ms"), number("talk_ms"), number("hold_ms"));
    let transcript = vcon.analysis.iter().find(|analysis| analysis.get("type") == Some(&json!("transcript")));
    let lines = transcript.and_then(|analysis| analysis.get("body")).and_then(Value::as_array);
    let turns: Vec<Turn> = lines.into_iter().flatten().take(MOST_TURNS).filter_map(turn).collect();
    Ok((call, turns))
}

/// A line of a transcript in our form; those of other vendors' forms are left out.
fn turn(line: &Value) -> Option<Turn> {
    let at = |name: &str| line[name].as_i64().filter(|at| (0..=86_400_000).contains(at));
    let who = line["who"].as_str().and_then(|word| word.parse().ok()).unwrap_or(Who::Unknown);
    let start_ms = at("start_ms")?;
    Some(Turn {
        call: String::new(),
        seq: 0,
        who,
        text: line["text"].as_str()?.into(),
        start_ms,
        end_ms: at("end_ms")?.max(start_ms),
        confidence: line["confidence"].as_f64().filter(|share| (0.0..=1.0).contains(share)),
        latency_ms: None,
    })
}

fn bad(error: records::RecordsError) -> Problem {
    match error {
        records::RecordsError::BadValue { field, problem } => Problem::bad_body(field, problem),
        other => other.into(),
    }
}

fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

fn instant(text: &str, field: &'static str) -> Result<i64, Problem> {
    let at: Option<Timestamp> = text.parse().ok();
    let sound = |at: &i64| (0..=4_102_444_800_000).contains(at);
    at.map(Timestamp::as_millisecond)
        .filter(sound)
        .ok_or_else(|| Problem::bad_body(field, "it must be a moment as RFC 3339 has it, from 1970 to 2100"))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn without_nulls(mut map: Map<String, Value>) -> Map<String, Value> {
    map.retain(|_, value| !value.is_null());
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_goes_out_and_comes_in_again() {
        let mut call =
            CallRecord::live("018e3f72-c3a8-7b8e-b468-6ebf2e2e8c14", "vet", "Europe/Moscow", 1_795_417_200_000);
        (call.caller, call.agent) = (Some("+79031234567".into()), Some("robot".into()));
        (call.answered_ms, call.ended_ms) = (Some(1_795_417_201_000), Some(1_795_417_260_500));
        call.outcome = Some(Outcome::Booked);
        call.talk_ms = Some(59_500);
        let turns = [Turn {
            call: call.id.clone(),
            seq: 0,
            who: Who::Caller,
            text: "Здравствуйте".into(),
            start_ms: 1_200,
            end_ms: 2_000,
            confidence: Some(0.9),
            latency_ms: None,
        }];
        let vcon = pack(&call, &turns, &[], &[], "http://localhost");
        let text = serde_json::to_string(&vcon).unwrap();
        let (back, said) = unpack(&serde_json::from_str(&text).unwrap(), "zoo", "Europe/Moscow").unwrap();
        assert_eq!((back.caller, back.agent, back.started_ms), (call.caller, call.agent, call.started_ms));
        assert_eq!((back.answered_ms, back.ended_ms, back.outcome), (call.answered_ms, call.ended_ms, call.outcome));
        assert_eq!((said.len(), said[0].text.as_str(), said[0].start_ms), (1, "Здравствуйте", 1_200));
    }

    #[test]
    fn a_lost_call_is_an_incomplete_dialog() {
        let mut call =
            CallRecord::live("018e3f72-c3a8-7b8e-b468-6ebf2e2e8c14", "vet", "Europe/Moscow", 1_795_417_200_000);
        call.ended_ms = Some(1_795_417_230_000);
        let vcon = pack(&call, &[], &[], &[], "http://localhost");
        assert_eq!(
            (&vcon.dialog[0]["type"], &vcon.dialog[0]["disposition"]),
            (&json!("incomplete"), &json!("no-answer"))
        );
        let (back, _) = unpack(&vcon, "vet", "Europe/Moscow").unwrap();
        assert_eq!((back.answered_ms, back.ended_ms), (None, call.ended_ms));
    }

    #[test]
    fn what_is_no_conversation_is_refused() {
        let vcon = |uuid: &str, start: &str| -> Vcon {
            let dialog = json!([{ "type": "text", "start": start }]);
            serde_json::from_value(json!({ "uuid": uuid, "created_at": start, "parties": [], "dialog": dialog }))
                .unwrap()
        };
        let id = "018e3f72-c3a8-7b8e-b468-6ebf2e2e8c14";
        assert!(unpack(&vcon(id, "2026-11-23T07:00:00Z"), "vet", "Europe/Moscow").is_ok());
        assert!(unpack(&vcon("1", "2026-11-23T07:00:00Z"), "vet", "Europe/Moscow").is_err());
        assert!(unpack(&vcon(id, "yesterday"), "vet", "Europe/Moscow").is_err());
    }
}
