//! One call after another: whoever is to be called is taken by one person, called, and the result is one key; the next one
//! follows.

use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use jiff::civil::DateTime;
use maud::{Markup, html};
use outreach::OutreachError;
use outreach::list::Outcome;
use records::{CallbackStatus, Contact, ContactAttempt, ContactResult, RecordsError};

use super::desk::{Desk, Fields};
use super::frame::{Place, encoded, head, page, phone, token};
use super::names::Names;
use super::requests::{due, holder, kind_word, name, notice, result_word, take};
use crate::auth::Permission;
use crate::{AppState, Problem};

/// What came of an attempt, in the order of its keys.
const RESULTS: [ContactResult; 8] = [
    ContactResult::Booked,
    ContactResult::Reached,
    ContactResult::NoAnswer,
    ContactResult::Busy,
    ContactResult::Refused,
    ContactResult::Later,
    ContactResult::Voicemail,
    ContactResult::WrongNumber,
];

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/dial", get(dial))
        .route("/desk/{clinic}/dial/next", post(next))
        .route("/desk/{clinic}/requests/{id}/take", post(take_it))
        .route("/desk/{clinic}/requests/{id}/release", post(release))
        .route("/desk/{clinic}/requests/{id}/result", post(result))
}

/// The page of an entry.
fn at(desk: &Desk, id: &str) -> String {
    format!("{}?id={}", desk.path("dial"), encoded(id))
}

/// An entry of this clinic; of another, it does not exist.
async fn find(desk: &Desk, id: &str) -> Result<Contact, Problem> {
    match desk.state.store.contact(id).await {
        Ok(there) if there.clinic == desk.clinic.id => Ok(there),
        Ok(_) | Err(RecordsError::NotFound { .. }) => Err(Problem::no_such_page()),
        Err(error) => Err(error.into()),
    }
}

async fn dial(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let t = desk.words();
    let asked = Fields::new(asked);
    let open = desk.state.outreach().list(&desk.clinic.id).await?;
    let now = desk.now_ms();
    let chosen = match asked.get("id") {
        Some(id) => Some(find(&desk, id).await?),
        // Whoever comes back goes on where they were.
        None => open.iter().find(|one| holder(one, now) == Some(desk.viewer.user.as_str())).cloned(),
    };
    let shown = match &chosen {
        Some(one) => Some(entry(&desk, one, &asked).await?),
        None => None,
    };
    let due_now = open.iter().filter(|one| one.next_ms <= now).count();
    let body = html! {
        (head(t.dial, &html! { span.soft { (t.left) " " (due_now) } a.button.quiet href=(desk.path("requests")) { (t.whole_list) } }))
        (notice(&desk, &asked))
        @match shown {
            Some(shown) => (shown),
            None => (start(&desk, &open, due_now)),
        }
    };
    Ok(page(&desk, Place::Dial, t.dial, &body))
}

/// Nothing is taken yet.
fn start(desk: &Desk, open: &[Contact], due_now: usize) -> Markup {
    let t = desk.words();
    let now = desk.now_ms();
    let later = open.iter().map(|one| one.next_ms).filter(|at| *at > now).min();
    html! {
        div.empty {
            @if due_now > 0 {
                p { b { (due_now) " " (t.open_small) "." } } p { (t.dial_how) }
                form method="post" action=(desk.path("dial/next")) { (token(desk)) button.call type="submit" data-next { (t.take_first) kbd { "n" } } }
            } @else {
                p { b { (t.all_called) } }
                @if let Some(at) = later { p { (t.next_call_at) " " (desk.moment(at)) "." } }
                p { a.button href=(desk.path("requests")) { (t.requests) } }
            }
        }
    }
}

async fn entry(desk: &Desk, one: &Contact, asked: &Fields) -> Result<Markup, Problem> {
    let t = desk.words();
    let names = Names::of(desk).await?;
    let attempts = desk.state.store.contact_attempts(&one.id).await?;
    let now = desk.now_ms();
    let who = holder(one, now);
    let mine = who == Some(desk.viewer.user.as_str());
    let visit = match &one.visit {
        Some(visit) => desk.state.store.find_visit(visit).await?,
        None => None,
    };
    Ok(html! {
        section.dialling aria-labelledby="who" {
            p.soft { span.pill { (kind_word(desk, one.kind)) } " · " (due(desk, one, now)) @if one.attempts > 0 { " · " (t.tries) " " (one.attempts) } @if one.first_time == Some(true) && one.kind.inbound() { " · " (t.first_time) } }
            h2 #who { (name(one)) }
            @if !one.reason.is_empty() { p { "«" (one.reason.as_str()) "»" } }
            @if let Some(visit) = &visit {
                p { a href=(desk.path(&format!("visits/{}", encoded(&visit.id)))) { (t.visit) ": " (desk.moment(visit.start_ms)) } @if let Some(doctor) = desk.clinic.doctor(&visit.doctor) { ", " (doctor.name) } @if !visit.animal.is_empty() { ", " (visit.animal.as_str()) } }
            }
            p.big-call {
                a.button.call href=(format!("tel:{}", one.phone.as_str())) data-call { (t.call_now) " " (phone(one.phone.as_str())) kbd { "c" } }
                @if desk.may(Permission::ManageVisits) && one.kind.inbound() { a.button.quiet href=(format!("{}?entry={}", desk.path("visits/new"), encoded(&one.id))) { (t.book_them) } }
                @if let Some(call) = &one.call { a.button.quiet href=(desk.path(&format!("calls/{}", encoded(call)))) { (t.the_call) } }
                @if !one.phone.is_empty() { a.button.quiet href=(desk.path(&format!("people/entry/{}", encoded(&one.id)))) { (t.persons_page) } }
            }
            @if one.status == CallbackStatus::Done {
                p.notice { (t.closed_small) @if let Some(result) = &one.result { ": " (result_word(desk, result, one)) } @if let Some(reason) = &one.lost_reason { ", " (reason) } }
                (go_on(desk, one))
            } @else if mine {
                (results(desk, one, asked))
                (go_on(desk, one))
            } @else if let Some(who) = who {
                p.notice.bad { (t.taken_by) " " (names.get(desk, who)) " " (t.until) " " (desk.clock(one.claimed_until_ms.unwrap_or(now))) ". " (t.two_never) }
                (go_on(desk, one))
            } @else {
                p { (take(desk, one, "")) }
            }
            (history(desk, &names, one, &attempts))
        }
    })
}

/// The keys: a result each, or, of a refusal, a reason each.
fn results(desk: &Desk, one: &Contact, asked: &Fields) -> Markup {
    let t = desk.words();
    let action = desk.path(&format!("requests/{}/result", encoded(&one.id)));
    if asked.get("refused").is_some() {
        let reasons = reasons(desk, one);
        return html! {
            form.results method="post" action=(action) {
                (token(desk)) input type="hidden" name="result" value="refused";
                fieldset {
                    legend { (t.why_refused) }
                    @for (n, (value, text)) in reasons.iter().enumerate() {
                        button.quiet type="submit" name="reason" value=(value) data-key=[(n < 9).then_some(n + 1)] { @if n < 9 { kbd { (n + 1) } } (text) }
                    }
                }
                p { a.button.quiet href=(at(desk, &one.id)) { (t.not_refused) } }
            }
        };
    }
    html! {
        form.results method="post" action=(action) {
            (token(desk))
            fieldset {
                legend { (t.what_came) }
                @for (n, result) in RESULTS.iter().enumerate() {
                    button.quiet type="submit" name="result" value=(result) data-key=(n + 1) { kbd { (n + 1) } (result_word(desk, result.as_str(), one)) }
                }
            }
            label.later { span { (t.later_when) } input type="datetime-local" name="at"; }
        }
    }
}

/// What may be said of a refusal: of a request the clinic's words, of a visit its codes.
fn reasons<'a>(desk: &'a Desk, one: &Contact) -> Vec<(&'a str, &'a str)> {
    let clinic = &desk.clinic;
    if !one.kind.inbound() && one.visit.is_some() && !clinic.lost_reasons.is_empty() {
        return clinic.lost_reasons.iter().map(|reason| (reason.code.as_str(), reason.text.as_str())).collect();
    }
    clinic.requests.lost_reasons.iter().map(|reason| (reason.as_str(), reason.as_str())).collect()
}

/// Away from this entry.
fn go_on(desk: &Desk, one: &Contact) -> Markup {
    let t = desk.words();
    html! {
        div.actions {
            form method="post" action=(desk.path("dial/next")) { (token(desk)) input type="hidden" name="after" value=(one.id); button.quiet type="submit" data-next { (t.next_one) kbd { "n" } } }
            @if one.status != CallbackStatus::Done { form method="post" action=(desk.path(&format!("requests/{}/release", encoded(&one.id)))) { (token(desk)) button.quiet type="submit" data-key="0" { (t.let_go) kbd { "0" } } } }
        }
    }
}

fn history(desk: &Desk, names: &Names, one: &Contact, attempts: &[ContactAttempt]) -> Markup {
    let t = desk.words();
    html! {
        @if !attempts.is_empty() {
            h3 { (t.tried_before) }
            ol.plain-list.history { @for attempt in attempts.iter().rev() {
                li { b { (result_word(desk, &attempt.result, one)) } " " span.soft { (desk.moment(attempt.at_ms)) ", " (names.get(desk, &attempt.by)) } @if let Some(call) = &attempt.call { " " a href=(desk.path(&format!("calls/{}", encoded(call)))) { (t.call) } } }
            } }
        }
    }
}

/// The next entry, for whoever asks; the one they leave without a result is given free.
async fn next(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let said = desk.read(fields)?;
    let (list, by) = (desk.state.outreach(), &desk.viewer.user);
    let taken = match said.get("after") {
        Some(id) => list.skip(&desk.clinic.id, &find(&desk, id).await?.id, &[], by).await?,
        None => list.next_to_call(&desk.clinic.id, &[], by).await?,
    };
    show(&desk, taken).await
}

/// Leads to what was taken.
async fn show(desk: &Desk, taken: Option<Contact>) -> Result<Response, Problem> {
    let Some(one) = taken else { return Ok(Redirect::to(&desk.path("dial")).into_response()) };
    desk.witness("contact.taken", "contact", &one.id).await?;
    Ok(Redirect::to(&at(desk, &one.id)).into_response())
}

async fn take_it(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    desk.read(fields)?;
    let there = find(&desk, &id).await?;
    match desk.state.outreach().take(&desk.clinic.id, &there.id, &desk.viewer.user).await {
        Ok(one) => show(&desk, Some(one)).await,
        Err(OutreachError::Records(RecordsError::Claimed { .. })) => {
            Ok(Redirect::to(&format!("{}?notice=taken", desk.path("requests"))).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn release(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    desk.read(fields)?;
    let there = find(&desk, &id).await?;
    desk.state.outreach().release(&desk.clinic.id, &there.id, &desk.viewer.user).await?;
    Ok(Redirect::to(&format!("{}?notice=released", desk.path("requests"))).into_response())
}

async fn result(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let said = desk.read(fields)?;
    let there = find(&desk, &id).await?;
    let wrong = || Problem::bad_body("result", "it must be one of the results on the page");
    let result = said.get("result").and_then(|word| word.parse::<ContactResult>().ok()).ok_or_else(wrong)?;
    let when = |at: &str| {
        at.parse::<DateTime>().map_err(|_| Problem::bad_body("at", "it must be a time like 2026-11-24T10:30"))
    };
    let asked = said.get("at").map(when).transpose()?;
    let mut outcome = Outcome { result, visit: None, reason: said.get("reason").map(str::to_owned), call: None };
    if result == ContactResult::Booked && there.kind.inbound() {
        // The visit that was booked for them since they came, whoever booked it.
        let theirs = desk.state.store.bookings_of(&desk.clinic.id, &there.phone).await?;
        let booked = theirs.into_iter().filter(|one| one.status.is_live() && one.created_ms >= there.created_ms);
        outcome.visit = booked.max_by_key(|one| one.created_ms).map(|one| one.visit);
    }
    let list = desk.state.outreach();
    let by = &desk.viewer.user;
    match list.attempted_until(&desk.clinic.id, &there.id, &outcome, asked, by).await {
        Ok(_) => {}
        Err(OutreachError::NoReason { .. }) => {
            return Ok(Redirect::to(&format!("{}&refused=1", at(&desk, &id))).into_response());
        }
        Err(OutreachError::Records(RecordsError::Claimed { .. })) => {
            return Ok(Redirect::to(&format!("{}&notice=taken", at(&desk, &id))).into_response());
        }
        Err(error) => return Err(error.into()),
    }
    let taken = list.next_to_call(&desk.clinic.id, &[], by).await?;
    show(&desk, taken).await
}
