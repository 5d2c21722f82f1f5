//! One call: heard and read at the same time, what it was about and why, what its flow did, and a word on all of it.

use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use records::{BookingRecord, CallFilter, CallRecord, NewReview, RecordsError, TagEntry, Turn, Who};
use reports::CategoryInfo;
use serde_json::Value;

use super::calls::{caller, came, length, pill};
use super::desk::{Desk, Fields};
use super::frame::{Place, page, token};
use super::{sound, trace};
use crate::auth::Permission;
use crate::{AppState, Problem};

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/calls/{id}", get(show))
        .route("/desk/{clinic}/calls/{id}/tag", post(tag))
        .route("/desk/{clinic}/doubtful", get(doubtful))
}

/// A call of this clinic; of another, it does not exist.
pub(crate) async fn find(desk: &Desk, id: &str) -> Result<CallRecord, Problem> {
    let call = desk.state.store.call(id).await?;
    if call.clinic == desk.clinic.id { Ok(call) } else { Err(Problem::unknown_call()) }
}

async fn show(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::SeeCalls)?;
    let call = find(&desk, &id).await?;
    desk.witness("call.seen", "call", &id).await?;
    let asked = Fields::new(asked);
    let store = &desk.state.store;
    let (turns, tags, audio, notes) =
        tokio::try_join!(store.turns(&id), store.tags(&id), store.call_audio(&id), store.notes(&id))?;
    // A visit begins after the call in which it was booked, and nobody books further ahead than this.
    let mut bookings = store.bookings(&call.clinic, call.started_ms, call.started_ms + 400 * 86_400_000).await?;
    bookings.retain(|booking| booking.call.as_deref() == Some(id.as_str()));
    let steps = trace::of(&desk, &call).await?;
    let wave = sound::wave(&desk, &call, &audio).await;
    let t = desk.words();
    let categories = desk.state.categories_of(&desk.clinic.id);
    let standing = tags.last();
    let evidence = standing.map(|entry| Evidence::of(&entry.tag.evidence)).unwrap_or_default();
    let title = format!("{}, {}", desk.moment(call.started_ms), t.call);
    let body = html! {
        p.trail { a href=(desk.path("calls")) { (t.calls) } " / " (desk.moment(call.started_ms)) }
        div.head {
            h1 { (caller(&desk, &call)) }
            div.beside { @if call.caller.is_some() && desk.may(Permission::ManageRequests) { a.button.quiet href=(desk.path(&format!("people/call/{}", super::frame::encoded(&id)))) { (t.persons_page) } } (came(&desk, &call)) span.soft { (length(&desk, &call)) } }
        }
        div.two {
            section.talk aria-label=(t.conversation) {
                (wave)
                (transcript(&desk, &turns, &evidence, audio.is_empty()))
            }
            div.column {
                (about(&desk, &call, standing, &categories, asked.get("review").is_some()))
                (facts(&desk, &call, &notes, &bookings))
                (steps)
                (history(&desk, &tags, &categories))
            }
        }
    };
    Ok(page(&desk, Place::Calls, &title, &body))
}

/// Words that decided a category.
#[derive(Debug, Clone, PartialEq)]
struct Evidence {
    turn: Option<usize>,
    text: String,
}

impl Evidence {
    fn of(found: &Value) -> Vec<Self> {
        let one = |span: &Value| {
            let text = span["text"].as_str().filter(|text| !text.trim().is_empty())?.to_owned();
            Some(Self { turn: span["turn"].as_u64().and_then(|turn| usize::try_from(turn).ok()), text })
        };
        found.as_array().into_iter().flatten().filter_map(one).collect()
    }
}

/// A turn's text in pieces, and whether each is evidence.
fn marked<'a>(text: &'a str, turn: usize, evidence: &[Evidence]) -> Vec<(&'a str, bool)> {
    let mut spans: Vec<(usize, usize)> = evidence
        .iter()
        .filter(|found| found.turn.is_none_or(|at| at == turn))
        .filter_map(|found| text.find(&found.text).map(|start| (start, start + found.text.len())))
        .collect();
    spans.sort_unstable();
    let (mut pieces, mut at) = (Vec::new(), 0);
    for (start, end) in spans {
        if start < at {
            continue;
        }
        if start > at {
            pieces.push((&text[at..start], false));
        }
        pieces.push((&text[start..end], true));
        at = end;
    }
    if at < text.len() {
        pieces.push((&text[at..], false));
    }
    pieces
}

fn transcript(desk: &Desk, turns: &[Turn], evidence: &[Evidence], is_silent: bool) -> Markup {
    let t = desk.words();
    if turns.is_empty() {
        return html! { p.empty { (t.nothing_said) } };
    }
    let clock = |ms: i64| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60);
    html! {
        ol.turns data-turns {
            @for (n, turn) in turns.iter().enumerate() {
                li class=(if turn.who == Who::Agent { "turn robot" } else { "turn" }) data-from=(turn.start_ms) data-to=(turn.end_ms) {
                    span.hidden { (match turn.who { Who::Agent => t.clinic_side, Who::Caller => t.caller_side, Who::Unknown => t.somebody }) ": " }
                    p { @for (piece, is_evidence) in marked(turn.text.as_str(), n, evidence) {
                        @if is_evidence { mark { (piece) } } @else { (piece) }
                    } }
                    @if is_silent { span.time { (clock(turn.start_ms)) } }
                    @else { button.time type="button" data-seek=(turn.start_ms) aria-label=(format!("{} {}", t.play_from, clock(turn.start_ms))) { (clock(turn.start_ms)) } }
                    @if let Some(ms) = turn.latency_ms.filter(|ms| *ms > 1500) { span.slow title=(t.slow_answer) { (desk.lang.duration(ms)) } }
                }
            }
        }
    }
}

/// What it was about, how sure that is, and one key for what it really was.
fn about(
    desk: &Desk,
    call: &CallRecord,
    standing: Option<&TagEntry>,
    categories: &[CategoryInfo],
    in_queue: bool,
) -> Markup {
    let t = desk.words();
    let by_person = standing.is_some_and(|entry| entry.tag.model_version.is_empty() && entry.tag.by != "flow");
    html! {
        section.about aria-labelledby="about" {
            h2 #about { (t.about_what) }
            p.tag {
                (pill(desk, call.category.as_deref(), categories))
                @if let Some(entry) = standing {
                    @if by_person { span.soft { (t.said_by) " " (entry.tag.by) } }
                    @else {
                        span.sure { (t.sure) " " (percent(entry.tag.confidence)) }
                        (meter(entry.tag.confidence))
                    }
                }
            }
            @if call.review { p.note { (t.doubtful_note) } }
            @if desk.may(Permission::CorrectTags) { form.categories method="post" action=(desk.path(&format!("calls/{}/tag", call.id))) {
                (token(desk))
                @if in_queue { input type="hidden" name="queue" value="1"; }
                fieldset {
                    legend { (t.what_was_it) }
                    @for (n, one) in categories.iter().enumerate() {
                        @let key = (n < 10).then(|| ((n + 1) % 10).to_string());
                        button type="submit" name="category" value=(one.id) data-key=[&key]
                            aria-pressed=(if call.category.as_deref() == Some(&one.id) { "true" } else { "false" }) {
                            @if let Some(key) = &key { kbd { (key) } }
                            span { (desk.lang.pick(&one.title_ru, &one.title_en)) }
                        }
                    }
                }
                div.actions {
                    @if call.review { button.quiet type="submit" name="later" value="1" { (t.put_off) } }
                    a.button.quiet data-next href=(format!("{}?after={}", desk.path("doubtful"), call.id)) { (t.next_doubtful) kbd { "n" } }
                }
            } }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}\u{a0}%", share * 100.0)
}

/// How sure, as a short bar.
fn meter(share: f64) -> Markup {
    let width = (share.clamp(0.0, 1.0) * 60.0).round() as i64;
    html! {
        svg.meter viewBox="0 0 60 6" width="60" height="6" aria-hidden="true" {
            rect.c-track width="60" height="6" rx="3" {}
            rect.c-target width=(width) height="6" rx="3" {}
        }
    }
}

fn facts(desk: &Desk, call: &CallRecord, notes: &[records::Note], bookings: &[BookingRecord]) -> Markup {
    let t = desk.words();
    let length = |ms: Option<i64>| ms.map(|ms| desk.lang.duration(ms));
    let first = call.first_time.map(|first| if first { t.first_time } else { t.repeat });
    let rows = [
        (t.started, Some(desk.moment(call.started_ms))),
        (t.who_answered, call.agent.clone().map(|agent| if agent == "robot" { t.robot.to_owned() } else { agent })),
        (t.waited, length(call.queue_wait_ms.or(call.answered_ms.map(|at| at - call.started_ms)))),
        (t.talked, length(call.talk_ms)),
        (t.line, call.line.clone()),
        (t.caller_is, first.map(str::to_owned)),
        (t.ended_how, call.end_reason.clone()),
        (t.flow_version, call.flow_digest.as_ref().map(|digest| digest.chars().take(12).collect())),
    ];
    html! {
        section aria-labelledby="facts" {
            h2 #facts { (t.facts) }
            dl.facts {
                @for (name, value) in rows { @if let Some(value) = value { dt { (name) } dd { (value) } } }
                @for note in notes { dt { (note.name) } dd { (note.value.as_str()) } }
            }
            @for booking in bookings {
                p.booked {
                    b { (desk.moment(booking.start_ms)) } " · "
                    (desk.clinic.doctor(&booking.doctor).map_or(booking.doctor.as_str(), |doctor| doctor.name.as_str()))
                    " · " (desk.clinic.service(&booking.service).map_or(booking.service.as_str(), |service| service.name.as_str()))
                    @if !booking.person.is_empty() { " · " (booking.person.as_str()) }
                    @if !booking.animal.is_empty() { ", " (booking.animal.as_str()) }
                }
            }
        }
    }
}

/// Every word on what it was about, latest first.
fn history(desk: &Desk, tags: &[TagEntry], categories: &[CategoryInfo]) -> Markup {
    if tags.len() < 2 {
        return html! {};
    }
    html! {
        details.card {
            summary { (desk.words().tag_history) " · " (tags.len()) }
            ol.plain-list { @for entry in tags.iter().rev() {
                li { (pill(desk, Some(&entry.tag.category), categories)) " " span.soft { (entry.tag.by) ", " (desk.moment(entry.tag.at_ms)) } }
            } }
        }
    }
}

/// A person says what the call was about, or that they cannot tell.
async fn tag(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::CorrectTags)?;
    let said = desk.read(fields)?;
    let call = find(&desk, &id).await?;
    let category = said.get("category").map(str::to_owned);
    if let Some(category) = &category {
        let known: Vec<String> = desk.state.categories_of(&call.clinic).into_iter().map(|known| known.id).collect();
        if !known.contains(category) {
            return Err(Problem::bad_body("category", format!("it must be one of {}", known.join(", "))));
        }
    }
    let review = NewReview {
        call: id.clone(),
        category,
        taxonomy_version: desk.state.review.as_ref().map_or_else(|| "1".to_owned(), |queue| queue.taxonomy_version()),
        by: desk.by().to_owned(),
        at_ms: desk.now_ms(),
    };
    match desk.state.store.review(&review).await {
        Ok(_) => {}
        Err(RecordsError::BadValue { field, problem }) => return Err(Problem::bad_body(field, problem)),
        Err(error) => return Err(error.into()),
    }
    let next = if said.get("queue").is_some() {
        format!("{}?after={id}", desk.path("doubtful"))
    } else {
        desk.path(&format!("calls/{id}"))
    };
    Ok(Redirect::to(&next).into_response())
}

/// To the call where a look teaches most.
async fn doubtful(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::CorrectTags)?;
    let asked = Fields::new(asked);
    let after = asked.get("after").unwrap_or_default();
    let waiting: Vec<String> = match &desk.state.review {
        Some(queue) => {
            let mut waiting = queue.of(&desk.clinic.id, desk.now_ms()).await?;
            // Those that somebody put off come last.
            waiting.sort_by_key(|one| one.put_off);
            waiting.into_iter().map(|one| one.call).collect()
        }
        None => {
            let filter =
                CallFilter { clinic: Some(desk.clinic.id.clone()), review: Some(true), ..CallFilter::default() };
            let page = desk.state.store.calls(&filter, 1000, None).await?;
            page.calls.into_iter().map(|call| call.id).collect()
        }
    };
    // The one after the one just seen; from the end back to the beginning.
    let place = waiting.iter().position(|id| id == after);
    let next = place.map_or(waiting.first(), |at| waiting.get(at + 1).or(waiting.first())).filter(|id| *id != after);
    if let Some(id) = next {
        return Ok(Redirect::to(&format!("{}?review=1", desk.path(&format!("calls/{id}")))).into_response());
    }
    let t = desk.words();
    let body = html! {
        div.empty { p { b { (t.no_doubt) } } p { (t.no_doubt_why) } p { a.button href=(desk.path("calls")) { (t.to_calls) } } }
    };
    Ok(page(&desk, Place::Calls, t.no_doubt, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_marked_where_it_stands() {
        let evidence = Evidence::of(&serde_json::json!([
            {"text": "стрижка", "turn": 0}, {"text": "кот", "turn": 1}, {"text": ""}, {"weight": 1}, {"text": "ка к"}
        ]));
        assert_eq!(evidence.len(), 3);
        let pieces = marked("нужна стрижка кота", 0, &evidence);
        assert_eq!(pieces, [("нужна ", false), ("стрижка", true), (" кота", false)], "overlaps give way");
        assert_eq!(marked("кот", 0, &evidence), [("кот", false)], "evidence of another turn");
    }
}
