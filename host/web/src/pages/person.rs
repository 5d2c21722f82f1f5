//! One person, as far as the clinic knows them: calls, visits, messages, requests, consents, and who looked. Their data as a
//! file, and gone, at their wish.
//!
//! A person is found by a number, and goes by an id from there on: no number stands in an address.

use std::io::Cursor;

use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use desk::PhoneNumber;
use maud::{Markup, html};
use records::{AuditFilter, AuditRow, CallFilter, Client, Consent, ConsentHow, MessageState, NewErasure, Pii, Purpose};

use super::calls::row as call_row;
use super::desk::{Desk, Fields};
use super::frame::{Place, encoded, head, page, phone, token};
use super::names::Names;
use super::requests::{due, kind_word, result_word};
use super::visits::status;
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Lines of a list.
const MOST: usize = 40;
/// What a person may say yes or no to, on this page.
const PURPOSES: [Purpose; 4] = [Purpose::Processing, Purpose::Service, Purpose::Marketing, Purpose::Recording];

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/people", get(search).post(look_up))
        .route("/desk/{clinic}/people/{kind}/{id}", get(lead))
        .route("/desk/{clinic}/person/{id}", get(show))
        .route("/desk/{clinic}/person/{id}/consent", post(consent))
        .route("/desk/{clinic}/person/{id}/export", post(export))
        .route("/desk/{clinic}/person/{id}/erase", get(ask_erase).post(erase))
}

/// Whom to look at, by number.
async fn search(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let t = desk.words();
    let asked = Fields::new(asked);
    let said = match asked.get("notice") {
        Some("unknown") => Some(t.person_unknown),
        Some("number") => Some(t.no_number_that),
        Some("erased") => Some(t.person_erased),
        _ => None,
    };
    let body = html! {
        (head(t.persons_page, &html! {}))
        @if let Some(said) = said { p.notice role="status" { (said) } }
        form.fields.card method="post" action=(desk.path("people")) {
            (token(&desk))
            label { span { (t.number) } input type="tel" name="phone" required autocomplete="off" autofocus data-search; }
            button type="submit" { (t.find) }
        }
        p.note { (t.person_why) }
    };
    Ok(page(&desk, Place::Requests, t.persons_page, &body))
}

async fn look_up(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let said = desk.read(fields)?;
    let Some(number) = said.get("phone").and_then(PhoneNumber::parse) else {
        return Ok(Redirect::to(&format!("{}?notice=number", desk.path("people"))).into_response());
    };
    let number = Pii::from(number);
    let there = desk.state.store.person_data(&desk.clinic.id, &number, desk.now_ms()).await?;
    if there.rows.is_empty() {
        return Ok(Redirect::to(&format!("{}?notice=unknown", desk.path("people"))).into_response());
    }
    to_page(&desk, &number).await
}

/// The page of the person behind a call, a visit, an entry of the list or a conversation.
async fn lead(desk: Desk, Path((_, kind, id)): Path<(String, String, String)>) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let store = &desk.state.store;
    let (clinic, number) = match kind.as_str() {
        "call" => store.call(&id).await.map(|call| (call.clinic, call.caller.unwrap_or_default()))?,
        "visit" => store.booking(&id).await.map(|visit| (visit.clinic, visit.phone))?,
        "entry" => store.contact(&id).await.map(|entry| (entry.clinic, entry.phone))?,
        "chat" => store.chat_thread(&id).await.map(|thread| (thread.clinic, thread.phone))?,
        _ => return Err(Problem::no_such_page()),
    };
    if clinic != desk.clinic.id || number.is_empty() {
        return Err(Problem::no_such_page());
    }
    to_page(&desk, &number).await
}

async fn to_page(desk: &Desk, number: &Pii) -> Result<Response, Problem> {
    let client = desk.state.store.put_client(&desk.clinic.id, number, None, desk.now_ms()).await?;
    Ok(Redirect::to(&desk.path(&format!("person/{}", encoded(&client.id)))).into_response())
}

/// A person of this clinic.
async fn find(desk: &Desk, id: &str) -> Result<Client, Problem> {
    desk.check(Permission::ManageRequests)?;
    desk.state.store.client_by_id(&desk.clinic.id, id).await?.ok_or_else(Problem::no_such_page)
}

async fn show(desk: Desk, Path((_, id)): Path<(String, String)>) -> Result<Response, Problem> {
    let client = find(&desk, &id).await?;
    desk.witness("person.seen", "person", &id).await?;
    let t = desk.words();
    let (calls, visits) = (calls(&desk, &client).await?, visits(&desk, &client).await?);
    let (entries, messages, chats) =
        (entries(&desk, &client).await?, messages(&desk, &client).await?, chats(&desk, &client).await?);
    let (consents, looked) = (consents(&desk, &client).await?, looked(&desk, &client).await?);
    let own = desk.path(&format!("person/{}", encoded(&id)));
    let body = html! {
        p.trail { a href=(desk.path("people")) { (t.persons_page) } }
        (head(&phone(client.phone.as_str()), &html! {
            a.button.call href=(format!("tel:{}", client.phone.as_str())) data-call { (t.call_now) kbd { "c" } }
            @if desk.may(Permission::Export) { form method="post" action=(format!("{own}/export")) { (token(&desk)) button.quiet type="submit" { (t.give_file) } } }
            @if desk.may(Permission::ErasePersons) { a.button.quiet href=(format!("{own}/erase")) { (t.forget_them) } }
        }))
        div.two {
            div.column { (visits) (entries) (calls) }
            div.column { (consents) (messages) (chats) (looked) }
        }
    };
    Ok(page(&desk, Place::Requests, t.persons_page, &body))
}

fn section(id: &str, title: &str, lines: usize, list: &Markup, none: &str) -> Markup {
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) @if lines > 0 { span.count { (lines) } } }
            @if lines == 0 { p.note { (none) } } @else { (list) }
        }
    }
}

async fn calls(desk: &Desk, client: &Client) -> Result<Markup, Problem> {
    if !desk.may(Permission::SeeCalls) {
        return Ok(html! {});
    }
    let t = desk.words();
    let filter = CallFilter {
        clinic: Some(desk.clinic.id.clone()),
        caller: Some(client.phone.clone()),
        ..CallFilter::default()
    };
    let found = desk.state.store.calls(&filter, MOST as u32, None).await?.calls;
    let categories = desk.state.categories_of(&desk.clinic.id);
    let list = html! { ul.rows.inner { @for call in &found { li { p.day-of { (desk.day_name(desk.local(call.started_ms).date())) } (call_row(desk, call, &categories)) } } } };
    Ok(section("calls", t.calls, found.len(), &list, t.none_of_theirs))
}

async fn visits(desk: &Desk, client: &Client) -> Result<Markup, Problem> {
    if !desk.may(Permission::SeeVisits) {
        return Ok(html! {});
    }
    let t = desk.words();
    let found = desk.state.store.bookings_of(&desk.clinic.id, &client.phone).await?;
    let list = html! { ul.plain-list { @for visit in found.iter().take(MOST) { li {
        a href=(desk.path(&format!("visits/{}", encoded(&visit.id)))) { (desk.moment(visit.start_ms)) }
        " " span class={ "state-word s-" (visit.status) } { (status(desk, visit.status)) }
        span.soft { @if let Some(doctor) = desk.clinic.doctor(&visit.doctor) { " · " (doctor.name) } @if !visit.person.is_empty() { " · " (visit.person.as_str()) } @if !visit.animal.is_empty() { ", " (visit.animal.as_str()) } }
    } } } };
    Ok(section("visits", t.visits, found.len(), &list, t.none_of_theirs))
}

async fn entries(desk: &Desk, client: &Client) -> Result<Markup, Problem> {
    let t = desk.words();
    let now = desk.now_ms();
    let found = desk.state.store.contacts_of(&desk.clinic.id, &client.phone).await?;
    let list = html! { ul.plain-list { @for one in found.iter().take(MOST) { li {
        a href=(format!("{}?id={}", desk.path("dial"), encoded(&one.id))) { (kind_word(desk, one.kind)) ", " (desk.moment(one.created_ms)) }
        span.soft { " · " (due(desk, one, now)) @if let Some(result) = &one.result { " · " (result_word(desk, result, one)) } }
        @if !one.reason.is_empty() { p.soft { "«" (one.reason.as_str()) "»" } }
    } } } };
    Ok(section("entries", t.requests, found.len(), &list, t.none_of_theirs))
}

async fn messages(desk: &Desk, client: &Client) -> Result<Markup, Problem> {
    let t = desk.words();
    let found = desk.state.store.messages_to(&desk.clinic.id, &client.phone).await?;
    let list = html! { ul.plain-list.history { @for one in found.iter().take(MOST) { li {
        b { (message_state(desk, one.state)) } " " span.soft { (one.new.channel) ", " (desk.moment(one.sent_ms.unwrap_or(one.new.not_before_ms))) @if let Some(answer) = one.answer { " · " (t.answered_small) " " (answer) } }
        p { (one.new.body.as_str()) }
    } } } };
    Ok(section("messages", t.messages, found.len(), &list, t.none_of_theirs))
}

fn message_state(desk: &Desk, state: MessageState) -> &'static str {
    let t = desk.words();
    match state {
        MessageState::Planned => t.m_planned,
        MessageState::Sending => t.m_sending,
        MessageState::Sent => t.m_sent,
        MessageState::Delivered => t.m_delivered,
        MessageState::Failed => t.m_failed,
        MessageState::Withdrawn => t.m_withdrawn,
        MessageState::Unknown => t.m_unknown,
    }
}

async fn chats(desk: &Desk, client: &Client) -> Result<Markup, Problem> {
    if !desk.may(Permission::Chat) {
        return Ok(html! {});
    }
    let t = desk.words();
    let found = desk.state.store.chats_of(&desk.clinic.id, &client.phone).await?;
    let list = html! { ul.plain-list { @for one in found.iter().take(MOST) { li {
        a href=(desk.path(&format!("chat/{}", encoded(&one.id)))) { (desk.moment(one.started_ms)) } span.soft { " · " (one.channel) }
    } } } };
    Ok(section("chats", t.conversations, found.len(), &list, t.none_of_theirs))
}

fn purpose_word(desk: &Desk, purpose: Purpose) -> &'static str {
    let t = desk.words();
    match purpose {
        Purpose::Processing => t.p_processing,
        Purpose::Service => t.p_service,
        Purpose::Marketing => t.p_marketing,
        Purpose::Recording => t.p_recording,
    }
}

async fn consents(desk: &Desk, client: &Client) -> Result<Markup, Problem> {
    let t = desk.words();
    let names = Names::of(desk).await?;
    let said = desk.state.store.consents(&desk.clinic.id, &client.phone).await?;
    let action = desk.path(&format!("person/{}/consent", encoded(&client.id)));
    let stands = |purpose: Purpose| said.iter().find(|consent| consent.purpose == purpose);
    Ok(html! {
        section aria-labelledby="consents" {
            h2 #consents { (t.consents) }
            p.note { (t.consents_note) }
            ul.plain-list.consents { @for purpose in PURPOSES {
                @let now = stands(purpose);
                li {
                    b { (purpose_word(desk, purpose)) }
                    span class=(match now { Some(consent) if consent.given => "good", Some(_) => "bad", None => "soft" }) {
                        (match now { Some(consent) if consent.given => t.agreed, Some(_) => t.took_back, None => t.never_asked })
                        @if let Some(consent) = now { span.soft { " · " (desk.moment(consent.at_ms)) ", " (names.get(desk, &consent.by)) } }
                    }
                    form method="post" action=(action) {
                        (token(desk)) input type="hidden" name="purpose" value=(purpose);
                        @if now.is_none_or(|consent| !consent.given) { button.quiet type="submit" name="given" value="yes" { (t.they_agree) } }
                        @if now.is_none_or(|consent| consent.given) { button.quiet type="submit" name="given" value="no" { (t.they_take_back) } }
                    }
                }
            } }
        }
    })
}

async fn looked(desk: &Desk, client: &Client) -> Result<Markup, Problem> {
    if !desk.may(Permission::Audit) {
        return Ok(html! {});
    }
    let t = desk.words();
    let names = Names::of(desk).await?;
    let filter = AuditFilter {
        clinic: Some(desk.clinic.id.clone()),
        subject: Some(client.id.clone()),
        ..AuditFilter::default()
    };
    let found = desk.state.store.audit_trail(&filter, None, 15).await?.rows;
    let action = |row: &AuditRow| match row.entry.action.as_str() {
        "person.seen" => t.did_look.to_owned(),
        "person.exported" => t.did_export.to_owned(),
        "consent.noted" => t.did_consent.to_owned(),
        other => other.to_owned(),
    };
    let list = html! { ul.plain-list { @for row in &found { li {
        span.soft { (desk.moment(row.entry.at_ms)) } " " b { (names.get(desk, &row.entry.who)) } " " (action(row))
    } } } };
    Ok(section("looked", t.who_looked, found.len(), &list, t.none_of_theirs))
}

async fn consent(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let client = find(&desk, &id).await?;
    let said = desk.read(fields)?;
    let wrong = || Problem::bad_body("purpose", "it must be a purpose that stands on the page");
    let purpose = said.get("purpose").and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
    let given = match said.get("given") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err(Problem::bad_body("given", "it must be yes or no")),
    };
    desk.witness("consent.noted", "person", &id).await?;
    let new = records::id();
    let consent = Consent {
        // Said at the desk: what proves it is the note itself, and who made it.
        proof: new.clone(),
        id: new,
        clinic: desk.clinic.id.clone(),
        phone: client.phone,
        purpose,
        given,
        at_ms: desk.now_ms(),
        how: ConsentHow::Desk,
        wording: "desk".to_owned(),
        by: desk.viewer.user.clone(),
    };
    desk.state.store.put_consent(&consent).await?;
    Ok(Redirect::to(&format!("{}#consents", desk.path(&format!("person/{}", encoded(&id))))).into_response())
}

async fn export(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::Export)?;
    let client = find(&desk, &id).await?;
    desk.read(fields)?;
    desk.witness("person.exported", "person", &id).await?;
    let zip = zipped(&desk.state, &client, desk.now_ms()).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"person-{id}.zip\"")),
    ];
    Ok((headers, zip).into_response())
}

/// Everything the clinic has of a person, as an archive.
pub(crate) async fn zipped(state: &AppState, client: &Client, now_ms: i64) -> Result<Vec<u8>, Problem> {
    let export = state.store.export_person(&client.clinic, &client.phone, now_ms).await?;
    let packed = tokio::task::spawn_blocking(move || {
        let mut archive = Cursor::new(Vec::new());
        export.write_zip(&mut archive).map(|()| archive.into_inner())
    });
    Ok(packed.await.map_err(|_| Problem::database())??)
}

/// The first asking: what would be gone.
async fn ask_erase(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ErasePersons)?;
    let client = find(&desk, &id).await?;
    let t = desk.words();
    let wrong = Fields::new(asked).get("notice").is_some();
    let there = desk.state.store.person_data(&desk.clinic.id, &client.phone, desk.now_ms()).await?;
    let own = desk.path(&format!("person/{}", encoded(&id)));
    let body = html! {
        p.trail { a href=(own) { (phone(client.phone.as_str())) } }
        (head(t.forget_them, &html! {}))
        @if wrong { p.notice.bad role="alert" { (t.other_number) } }
        section {
            p { (t.forget_what) }
            dl.facts {
                dt { (t.recordings) } dd { (there.recordings) }
                dt { (t.rows_all) } dd { (there.rows.values().sum::<u64>()) }
                dt { (t.visits_to_come) } dd class=[(there.visits_to_come > 0).then_some("bad")] { (there.visits_to_come) @if there.visits_to_come > 0 { " · " (t.cancel_first) } }
            }
            form.fields method="post" action=(format!("{own}/erase")) {
                (token(&desk))
                label { span { (t.type_number) } input type="tel" name="phone" required autocomplete="off"; }
                button type="submit" { (t.forget_for_good) }
                a.button.quiet href=(own) { (t.rather_not) }
            }
        }
    };
    Ok(page(&desk, Place::Requests, t.forget_them, &body))
}

/// The second: the number, typed again.
async fn erase(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ErasePersons)?;
    let client = find(&desk, &id).await?;
    let said = desk.read(fields)?;
    if said.get("phone").and_then(PhoneNumber::parse).map(Pii::from).as_ref() != Some(&client.phone) {
        let place = desk.path(&format!("person/{}/erase?notice=number", encoded(&id)));
        return Ok(Redirect::to(&place).into_response());
    }
    erase_person(&desk.state, &client, &desk.viewer.user, desk.now_ms()).await?;
    Ok(Redirect::to(&format!("{}?notice=erased", desk.path("people"))).into_response())
}

/// Takes a person out of everything; noted in the audit by the erasure itself.
pub(crate) async fn erase_person(
    state: &AppState,
    client: &Client,
    by: &str,
    at_ms: i64,
) -> Result<records::Erasure, Problem> {
    let new = NewErasure {
        id: records::id(),
        clinic: client.clinic.clone(),
        phone: client.phone.clone(),
        by: by.to_owned(),
        reason: "request of the person".to_owned(),
        at_ms,
    };
    Ok(state.store.erase_person(&new).await?)
}
