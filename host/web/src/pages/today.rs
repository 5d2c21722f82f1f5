//! The morning at one look: who is on the line, who sits at the desk, whom we promised to ring, how well calls are answered.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream;
use maud::{Markup, html};
use records::{AgentSpan, AgentState, CallFilter, CallRecord, Status, Turn, Who};
use reports::kpi::{ServiceLevel, lost, service_level};
use reports::{Period, Share};
use tokio::time::{Instant, sleep};

use super::calls::caller;
use super::desk::Desk;
use super::frame::{Place, head, page};
use super::live::actions;
use super::requests::{due, is_late, name};
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Live calls are looked at so often: nobody sees them later than this.
const LIVE: Duration = Duration::from_millis(300);
/// Everything else.
const REST: Duration = Duration::from_secs(5);
/// A stream ends after this and the browser asks anew, so that whoever may no longer look sees no more.
const STREAM: Duration = Duration::from_secs(120);
/// A call that lasts longer was left open by a crash.
const LONGEST_MS: i64 = 3 * 3_600_000;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk/{clinic}/today", get(show)).route("/desk/{clinic}/today/stream", get(follow))
}

async fn show(desk: Desk) -> Result<Response, Problem> {
    desk.check(Permission::SeeCalls)?;
    let t = desk.words();
    let (live, rest) = tokio::try_join!(live(&desk), rest(&desk))?;
    let body = html! {
        (head(t.today, &html! { span.soft { (desk.lang.date(desk.today())) } }))
        div data-stream=(desk.path("today/stream")) data-now=(desk.now_ms()) {
            div data-part="live" aria-live="off" { (live) }
            div data-part="rest" { (rest) }
        }
    };
    Ok(page(&desk, Place::Today, t.today, &body))
}

/// The page's parts whenever they differ from what was sent last.
async fn follow(desk: Desk) -> Result<Response, Problem> {
    desk.check(Permission::SeeCalls)?;
    struct Sent {
        desk: Desk,
        ends: Instant,
        rest_at: Instant,
        live: String,
        rest: String,
        waiting: Vec<Event>,
    }
    let now = Instant::now();
    let first =
        Sent { desk, ends: now + STREAM, rest_at: now, live: String::new(), rest: String::new(), waiting: Vec::new() };
    let events = stream::unfold(first, |mut sent| async move {
        loop {
            if let Some(event) = sent.waiting.pop() {
                return Some((Ok::<_, Infallible>(event), sent));
            }
            if Instant::now() >= sent.ends || *sent.desk.state.closing.borrow() {
                return None;
            }
            // What cannot be read now is read the next time.
            if let Ok(part) = live(&sent.desk).await.map(Markup::into_string)
                && part != sent.live
            {
                sent.waiting.push(Event::default().event("live").data(&part));
                sent.live = part;
            }
            if Instant::now() >= sent.rest_at {
                sent.rest_at = Instant::now() + REST;
                if let Ok(part) = rest(&sent.desk).await.map(Markup::into_string)
                    && part != sent.rest
                {
                    sent.waiting.push(Event::default().event("rest").data(&part));
                    sent.rest = part;
                }
            }
            if sent.waiting.is_empty() {
                sleep(LIVE).await;
            }
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// Calls that go on, with the last words of each.
async fn live(desk: &Desk) -> Result<Markup, Problem> {
    let t = desk.words();
    let filter = CallFilter {
        clinic: Some(desk.clinic.id.clone()),
        from_ms: Some(desk.now_ms() - LONGEST_MS),
        open: true,
        ..CallFilter::default()
    };
    let calls = desk.state.store.calls(&filter, 100, None).await?.calls;
    let mut said: Vec<(CallRecord, Option<Turn>)> = Vec::with_capacity(calls.len());
    for call in calls {
        let last = desk.state.store.turns(&call.id).await?.pop();
        said.push((call, last));
    }
    // Those who wait come first, the longest wait on top.
    said.sort_by_key(|(call, _)| (call.answered_ms.is_some(), call.started_ms));
    Ok(html! {
        section.long aria-labelledby="live" {
            h2 #live { (t.live_now) @if !said.is_empty() { span.count { (said.len()) } } }
            @if said.is_empty() { p.note { (t.nobody_calls) } }
            @else { ul.live-calls { @for (call, last) in &said { li {
                a href=(desk.path(&format!("calls/{}", call.id))) { (caller(desk, call)) }
                span.state {
                    @match (call.answered_ms, call.agent.as_deref()) {
                        (None, _) => span.waits { (t.waits_now) },
                        (_, Some("robot")) => { (t.with_robot) @if let Some(digest) = &call.flow_digest { " " code { (digest.chars().take(8).collect::<String>()) } } }
                        (_, Some(agent)) => { (t.with_person) " " (agent) }
                        _ => { (t.going_on) }
                    }
                }
                span.since data-since=(call.started_ms) { (desk.clock(call.started_ms)) }
                @if let Some(turn) = last { p.last-words {
                    span.soft { (match turn.who { Who::Agent => t.clinic_side, Who::Caller => t.caller_side, Who::Unknown => t.somebody }) ": " }
                    (turn.text.as_str())
                } }
                (actions(desk, call))
            } } } }
        }
    })
}

async fn rest(desk: &Desk) -> Result<Markup, Problem> {
    let t = desk.words();
    let (store, clinic, now) = (&desk.state.store, desk.clinic.id.as_str(), desk.now_ms());
    let today = Period { from: desk.today(), to: desk.today() };
    let (from, to) = today.bounds(&desk.clinic.timezone)?;
    let limits = reports::kpi::Thresholds::default();
    let (rolled, hour, spans, mut promises, visits) = tokio::try_join!(
        store.rolled(clinic, today.day_numbers()),
        store.period_totals(clinic, now - 3_600_000, now, limits.answer_ms, limits.short_ms),
        store.agent_spans(clinic, None, now - 12 * 3_600_000, now + 1),
        store.contacts(clinic),
        store.bookings(clinic, from, to),
    )?;
    let level = |totals| service_level(totals, ServiceLevel::Offered);
    let share = |share: Option<Share>| share.map_or_else(|| "—".to_owned(), |share| desk.lang.rough_share(share));
    // Who called or wrote to us; whom we wanted something of is on the list to dial only.
    promises.retain(|promise| promise.kind.inbound());
    promises.sort_by_key(|promise| (!is_late(promise, now), promise.next_ms));
    let late = promises.iter().filter(|promise| is_late(promise, now)).count();
    let expected = visits.iter().filter(|visit| visit.status.is_live()).count();
    let came = visits.iter().filter(|visit| matches!(visit.status, Status::Arrived | Status::Done)).count();
    let good = |share: Option<Share>| share.is_some_and(|share| share.permille() >= 800);
    Ok(html! {
        section.tiles aria-label=(t.today) {
            dl.tile { dt { (t.sl_today) } dd class=(if good(level(&rolled.totals)) { "big good" } else { "big" }) { (share(level(&rolled.totals))) } dd.delta { (t.last_hour) " " (share(level(&hour))) } }
            dl.tile { dt { (t.calls_today) } dd.big { (desk.lang.number(rolled.totals.offered)) } dd.delta { (t.answered) " " (desk.lang.number(rolled.totals.answered)) } }
            dl.tile { dt { (t.lost_today) } dd class=(if lost(&rolled.totals) > 0 { "big bad" } else { "big" }) { (desk.lang.number(lost(&rolled.totals))) } dd.delta { a href=(format!("{}?outcome=lost&from={}&to={}", desk.path("calls"), today.from, today.to)) { (t.who_they_are) } } }
            dl.tile { dt { (t.late_callbacks) } dd class=(if late > 0 { "big bad" } else { "big" }) { (late) } dd.delta { a href=(desk.path("requests")) { (t.of_open) " " (promises.len()) } } }
            dl.tile { dt { (t.booked_today) } dd.big { (desk.lang.number(rolled.booked)) } dd.delta { (t.by_calls_today) } }
            dl.tile { dt { (t.visits_today) } dd.big { (expected) } dd.delta { a href=(desk.path("visits")) { (t.came) " " (came) } } }
        }
        div.pair {
            (operators(desk, spans, now))
            section aria-labelledby="promises" {
                h2 #promises { (t.callbacks) }
                @if promises.is_empty() { p.note { (t.no_callbacks) } }
                @else { ul.plain-list.promises { @for promise in promises.iter().take(6) { li {
                    span { (due(desk, promise, now)) }
                    b { (name(promise)) }
                    span.soft { (promise.reason.as_str()) }
                } } } p { a.button.quiet href=(desk.path("dial")) { (t.start_dialling) } } }
            }
        }
    })
}

/// Who sits at the desk, and what they do.
fn operators(desk: &Desk, spans: Vec<AgentSpan>, now: i64) -> Markup {
    let t = desk.words();
    let open: Vec<AgentSpan> =
        spans.into_iter().filter(|span| span.until_ms.is_none() && span.state != AgentState::LoggedOut).collect();
    let state = |state: AgentState| match state {
        AgentState::LoggedOut => ("none", t.a_logged_out),
        AgentState::Ready => ("ready", t.a_ready),
        AgentState::Resting => ("ready", t.a_resting),
        AgentState::Ringing => ("busy", t.a_ringing),
        AgentState::Talking => ("busy", t.a_talking),
        AgentState::WrapUp => ("busy", t.a_wrap_up),
        AgentState::Paused => ("none", t.a_paused),
        AgentState::Engaged => ("none", t.a_engaged),
    };
    html! {
        section aria-labelledby="operators" {
            h2 #operators { (t.operators) }
            @if open.is_empty() { p.note { (t.nobody_at_desk) } }
            @else { ul.plain-list.people { @for span in &open {
                @let (tone, word) = state(span.state);
                li {
                    span class={ "lamp " (tone) } aria-hidden="true" {}
                    b { (span.agent) }
                    span { (word) @if let Some(reason) = &span.reason { ", " (reason) } }
                    span.soft { (desk.lang.duration((now - span.from_ms).max(0) / 60_000 * 60_000)) }
                }
            } } }
        }
    }
}
