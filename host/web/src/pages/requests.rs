//! Whom the clinic has promised to ring: the list, and one after another with a key for each result.

use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use records::{CallbackRecord, CallbackStatus, RecordsError};

use super::desk::{Desk, Fields};
use super::frame::{Place, encoded, head, page, phone, token};
use crate::auth::Permission;
use crate::{AppState, Problem};

/// What came of an attempt: the word that is kept, and whether it is the end of it.
const RESULTS: [(&str, bool); 5] =
    [("booked", true), ("reached", true), ("no-answer", false), ("busy", false), ("refused", true)];

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/requests", get(list))
        .route("/desk/{clinic}/dial", get(dial))
        .route("/desk/{clinic}/requests/{id}/result", post(result))
}

fn word(desk: &Desk, result: &str) -> String {
    let t = desk.words();
    match result {
        "booked" => t.r_booked,
        "reached" => t.r_reached,
        "no-answer" => t.r_no_answer,
        "busy" => t.r_busy,
        "refused" => t.r_refused,
        other => other,
    }
    .to_owned()
}

async fn list(desk: Desk) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let t = desk.words();
    let open = desk.state.store.callbacks(&desk.clinic.id, CallbackStatus::Open).await?;
    let now = desk.now_ms();
    let late = open.iter().filter(|one| one.due_ms < now).count();
    let body = html! {
        (head(t.requests, &html! { @if !open.is_empty() { a.button href=(desk.path("dial")) { (t.start_dialling) } } }))
        @if open.is_empty() { div.empty { p { b { (t.no_callbacks) } } p { (t.no_requests_why) } } }
        @else {
            p.note { (open.len()) " " (t.open_small) @if late > 0 { ", " span.bad { (late) " " (t.late_small) } } "." }
            ul.rows data-list { @for one in &open { li.person.request {
                a.row-link href=(format!("{}?id={}", desk.path("dial"), encoded(&one.id))) data-line { b { (name(one)) } }
                span.soft { (due(&desk, one, now)) @if one.attempts > 0 { ", " (t.tries) " " (one.attempts) } " · " (one.reason.as_str()) }
                a.button.quiet href=(format!("tel:{}", one.phone.as_str())) { (phone(one.phone.as_str())) }
            } } }
        }
    };
    Ok(page(&desk, Place::Requests, t.requests, &body))
}

fn name(one: &CallbackRecord) -> String {
    if one.person.is_empty() { phone(one.phone.as_str()) } else { one.person.as_str().to_owned() }
}

fn due(desk: &Desk, one: &CallbackRecord, now: i64) -> Markup {
    let t = desk.words();
    if one.due_ms < now {
        return html! { span.bad { (t.late_by) " " (desk.lang.duration((now - one.due_ms) / 60_000 * 60_000)) } };
    }
    html! { (t.until) " " (desk.moment(one.due_ms)) }
}

/// One at a time, the most urgent first.
async fn dial(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let t = desk.words();
    let asked = Fields::new(asked);
    let mut open = desk.state.store.callbacks(&desk.clinic.id, CallbackStatus::Open).await?;
    // Those just tried come after those nobody has tried yet.
    open.sort_by_key(|one| (one.attempts > 0, one.due_ms));
    let after = asked.get("after").and_then(|id| open.iter().position(|one| one.id == id));
    let chosen = asked.get("id").and_then(|id| open.iter().find(|one| one.id == id));
    let next = after.map_or(0, |at| (at + 1) % open.len().max(1));
    let Some(one) = chosen.or(open.get(next)) else {
        let body = html! { (head(t.dial, &html! {})) div.empty { p { b { (t.all_called) } } p { a.button href=(desk.path("today")) { (t.today) } } } };
        return Ok(page(&desk, Place::Dial, t.dial, &body));
    };
    let now = desk.now_ms();
    let body = html! {
        (head(t.dial, &html! { span.soft { (t.left) " " (open.len()) } }))
        section.dialling aria-labelledby="who" {
            p.soft { (due(&desk, one, now)) @if one.attempts > 0 { " · " (t.tries) " " (one.attempts) @if let Some(result) = &one.result { " (" (word(&desk, result)) ")" } } }
            h2 #who { (name(one)) }
            @if !one.reason.is_empty() { p { "«" (one.reason.as_str()) "»" } }
            p.big-call {
                a.button.call href=(format!("tel:{}", one.phone.as_str())) data-call { (t.call_now) " " (phone(one.phone.as_str())) kbd { "c" } }
                @if let Some(call) = &one.call { a.button.quiet href=(desk.path(&format!("calls/{}", encoded(call)))) { (t.the_call) } }
            }
            form.results method="post" action=(desk.path(&format!("requests/{}/result", encoded(&one.id)))) {
                (token(&desk))
                fieldset {
                    legend { (t.what_came) }
                    @for (n, (result, _)) in RESULTS.iter().enumerate() { button.quiet type="submit" name="result" value=(result) data-key=(n + 1) { kbd { (n + 1) } (word(&desk, result)) } }
                }
            }
            p { a.button.quiet data-next href=(format!("{}?after={}", desk.path("dial"), encoded(&one.id))) { (t.next_one) kbd { "n" } } }
        }
    };
    Ok(page(&desk, Place::Dial, t.dial, &body))
}

async fn result(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let said = desk.read(fields)?;
    let there = match desk.state.store.callback(&id).await {
        Ok(there) if there.clinic == desk.clinic.id => there,
        Ok(_) | Err(RecordsError::NotFound { .. }) => return Err(Problem::no_such_page()),
        Err(error) => return Err(error.into()),
    };
    let asked = said.get("result").unwrap_or_default();
    let (result, done) = RESULTS
        .iter()
        .find(|known| known.0 == asked)
        .ok_or_else(|| Problem::bad_body("result", "it must be one of the results on the page"))?;
    desk.state.store.callback_attempt(&there.id, result, *done, desk.now_ms()).await?;
    Ok(Redirect::to(&format!("{}?after={}", desk.path("dial"), encoded(&id))).into_response())
}
