//! Written conversations over HTTP: what was written, who holds them; taken, answered, given back, closed.

use accounts::Permission;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use chat::kpi::{Answered, LIMIT_MS, answered_within};
use records::{ChatMessage, ChatState, ChatThread, Pii, RecordsError, WaitKind};
use reports::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounts_api::Items;
use crate::api::{Api, Op, Param, Tagged, WantedTag, body_of};
use crate::auth::Viewer;
use crate::params::{Params, RawParams};
use crate::requests_api::{PAGE, Page, cursor, limit};
use crate::{AppState, Problem};

const MAY: Permission = Permission::Chat;
/// The longest answer, in characters.
const MOST_CHARS: usize = 4_000;

pub(crate) fn api() -> Api {
    let states: Vec<&str> = ChatState::ALL.iter().map(|state| state.as_str()).collect();
    let change = |id, summary| Op::may(id, summary, MAY).answers::<ChatThread>().once().tagged();
    Api::new()
        .get(
            "/api/v1/chats",
            list,
            Op::may("chats", "Written conversations, those that began last first", MAY)
                .query([
                    Param::clinic(),
                    Param::one_of("state", "Who holds it", &states),
                    Param::number("limit", "Conversations on a page", 1, PAGE.1),
                    Param::text("cursor", "`next` of an earlier page"),
                ])
                .answers::<Page<ChatThread>>(),
        )
        .get("/api/v1/chats/{chat}", show, Op::may("chat", "A conversation", MAY).answers::<ChatThread>().tagged())
        .get(
            "/api/v1/chats/{chat}/messages",
            messages,
            Op::may("chat-messages", "What was written, in order", MAY)
                .query([
                    Param::number("after", "The number of the last message that was seen", 0, i64::MAX),
                    Param::number("limit", "Messages at most", 1, PAGE.1),
                ])
                .answers::<Items<ChatMessage>>(),
        )
        .post(
            "/api/v1/chats/{chat}/messages",
            say,
            change("say", "Answer in a conversation")
                .about("Words of one's own in `text`, or a canned answer of the clinic by its id. Whoever answers where nobody does holds it from then on.")
                .takes::<Answer>(),
        )
        .post("/api/v1/chats/{chat}/take", take, change("take-chat", "Take a conversation from the robot or the line"))
        .post("/api/v1/chats/{chat}/give-back", give_back, change("give-back-chat", "Give a conversation back to the robot"))
        .post("/api/v1/chats/{chat}/close", close, change("close-chat", "Close a conversation"))
        .post(
            "/api/v1/chats/{chat}/visitor",
            identify,
            change("identify-visitor", "Note who writes: from then on the conversation is theirs").takes::<Known>(),
        )
        .get(
            "/api/v1/chat-figures",
            figures,
            Op::may("chat-figures", "How many were answered within a minute", MAY)
                .about("`first`: by whoever, the robot too; `person`: by a person, after they were asked for. Without days: today.")
                .query([Param::clinic(), Param::day("from", "First day"), Param::day("to", "Last day, included")])
                .answers::<Minute>(),
        )
}

async fn list(
    State(state): State<AppState>,
    viewer: Viewer,
    raw: RawParams,
) -> Result<Json<Page<ChatThread>>, Problem> {
    let params = Params::parse(raw, &["clinic", "state", "limit", "cursor"])?;
    let clinic = params.clinic_for(&state, &viewer, MAY)?;
    let states: Vec<_> = ChatState::ALL.iter().map(|state| (state.as_str(), *state)).collect();
    let wanted = params.one_of("state", &states)?;
    let (items, next) = state.store.chat_page(&clinic.id, wanted, limit(&params)?, cursor(&params)?.as_ref()).await?;
    state.witness(viewer.who(), &clinic.id, "chats.listed", "clinic", &clinic.id).await?;
    Ok(Json(Page { items: items.into_iter().map(without_key).collect(), next: next.map(|next| next.to_string()) }))
}

/// Whoever has the key of a site's conversation is its visitor: it is nobody else's business.
fn without_key(mut thread: ChatThread) -> ChatThread {
    if thread.channel == chat::SITE {
        thread.external_id = None;
    }
    thread
}

/// A conversation of a clinic of this server, for who may chat there. Another clinic's does not exist.
async fn found(state: &AppState, viewer: &Viewer, id: &str) -> Result<ChatThread, Problem> {
    let thread = match state.store.chat_thread(id).await {
        Err(RecordsError::NotFound { .. }) => return Err(Problem::unknown("conversation")),
        found => found?,
    };
    if !state.clinics.contains_key(&thread.clinic) || !viewer.knows(&thread.clinic) {
        return Err(Problem::unknown("conversation"));
    }
    viewer.check(state, &thread.clinic, MAY)?;
    Ok(without_key(thread))
}

async fn show(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    raw: RawParams,
    wanted: WantedTag,
) -> Result<Tagged<ChatThread>, Problem> {
    Params::parse(raw, &[])?;
    let thread = found(&state, &viewer, &id).await?;
    state.witness(viewer.who(), &thread.clinic, "chat.seen", "chat", &id).await?;
    Ok(wanted.answer(thread))
}

async fn messages(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    raw: RawParams,
) -> Result<Json<Items<ChatMessage>>, Problem> {
    let params = Params::parse(raw, &["after", "limit"])?;
    let thread = found(&state, &viewer, &id).await?;
    let after = params.number("after", 0..=i64::MAX)?.unwrap_or(0);
    state.witness(viewer.who(), &thread.clinic, "chat.seen", "chat", &id).await?;
    Ok(Json(Items { items: state.store.chat_messages(&id, after, limit(&params)?).await? }))
}

/// What is to be said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Answer {
    text: Option<Pii>,
    /// Id of one of the clinic's canned answers.
    canned: Option<String>,
}

/// What every change begins with: the conversation as it was seen, and its clinic's office.
async fn begin(state: &AppState, viewer: &Viewer, id: &str, wanted: &WantedTag) -> Result<chat::Office, Problem> {
    let thread = found(state, viewer, id).await?;
    wanted.check(&thread)?;
    Ok(state.office(state.clinic(&thread.clinic)?))
}

async fn say(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    wanted: WantedTag,
    body: Result<Json<Answer>, JsonRejection>,
) -> Result<Tagged<ChatThread>, Problem> {
    let office = begin(&state, &viewer, &id, &wanted).await?;
    let answer = body_of(body)?;
    let now = (state.now)().as_millisecond();
    let thread = match (answer.text, answer.canned) {
        (Some(text), None) => {
            let long = text.as_str().chars().count();
            if text.as_str().trim().is_empty() || long > MOST_CHARS {
                return Err(Problem::bad_body("text", format!("it must have 1 to {MOST_CHARS} characters")));
            }
            office.answer(&id, &viewer.user, &text, now).await?
        }
        (None, Some(canned)) => office.send_canned(&id, &canned, &viewer.user, now).await?,
        _ => return Err(Problem::bad_body("text", "give either text or canned")),
    };
    Ok(wanted.answer(without_key(thread)))
}

async fn take(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    wanted: WantedTag,
) -> Result<Tagged<ChatThread>, Problem> {
    let office = begin(&state, &viewer, &id, &wanted).await?;
    let thread = office.take(&id, &viewer.user, (state.now)().as_millisecond()).await?;
    Ok(wanted.answer(without_key(thread)))
}

async fn give_back(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    wanted: WantedTag,
) -> Result<Tagged<ChatThread>, Problem> {
    let office = begin(&state, &viewer, &id, &wanted).await?;
    let thread = office.give_back(&id, &viewer.user, (state.now)().as_millisecond()).await?;
    Ok(wanted.answer(without_key(thread)))
}

async fn close(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    wanted: WantedTag,
) -> Result<Tagged<ChatThread>, Problem> {
    let office = begin(&state, &viewer, &id, &wanted).await?;
    let thread = office.close(&id, &viewer.user, (state.now)().as_millisecond()).await?;
    Ok(wanted.answer(without_key(thread)))
}

/// Who writes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Known {
    phone: Pii,
    #[serde(default)]
    person: Pii,
}

async fn identify(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    wanted: WantedTag,
    body: Result<Json<Known>, JsonRejection>,
) -> Result<Tagged<ChatThread>, Problem> {
    let office = begin(&state, &viewer, &id, &wanted).await?;
    let known = body_of(body)?;
    let now = (state.now)().as_millisecond();
    let thread = office.identify(&id, known.phone.as_str(), &known.person, now).await?;
    Ok(wanted.answer(without_key(thread)))
}

/// Answered within a minute.
#[derive(Serialize, JsonSchema)]
struct Minute {
    /// Waits for an answer by whoever.
    first: Waits,
    /// Waits for a person, after the hand-over.
    person: Waits,
    limit_ms: i64,
}

/// One figure.
#[derive(Serialize, JsonSchema)]
struct Waits {
    waits: u64,
    answered: u64,
    within: u64,
    lost: u64,
    /// `within` of `waits`, 0 to 1; null when there were no waits.
    share: Option<f64>,
    median_ms: Option<i64>,
    p90_ms: Option<i64>,
}

impl From<Answered> for Waits {
    fn from(figure: Answered) -> Self {
        let Answered { waits, answered, within, lost, share, median_ms, p90_ms } = figure;
        Self { waits, answered, within, lost, share, median_ms, p90_ms }
    }
}

async fn figures(State(state): State<AppState>, viewer: Viewer, raw: RawParams) -> Result<Json<Minute>, Problem> {
    let params = Params::parse(raw, &["clinic", "from", "to"])?;
    let clinic = params.clinic_for(&state, &viewer, MAY)?;
    let now = (state.now)();
    let today = clinic.local(now).date();
    let from = params.date("from")?.unwrap_or(today);
    let to = params.date("to")?.unwrap_or(from.max(today));
    let (from, to) = Period::new(from, to)?.bounds(&clinic.timezone)?;
    let waits = state.store.chat_waits(&clinic.id, from, to).await?;
    let of = |kind| answered_within(&waits, kind, LIMIT_MS, now.as_millisecond()).into();
    Ok(Json(Minute { first: of(WaitKind::First), person: of(WaitKind::Person), limit_ms: LIMIT_MS }))
}
