//! Free times as buttons, for booking a visit and for moving one: what the schedule offers of a service and a doctor.

use axum::Router;
use axum::extract::{Form, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use desk::{Booking, DeskError, Slot, SlotQuery, Visitor};
use jiff::civil::Date;
use maud::{Markup, html};
use records::{BookingRecord, Contact, Pii, RecordsError};

use super::desk::{Desk, Fields};
use super::frame::{Place, encoded, head, page, token};
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Times on a page.
const MOST: u32 = 60;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk/{clinic}/visits/new", get(new).post(book))
}

/// What is looked for.
pub(crate) struct Wanted {
    service: Option<String>,
    /// None: any doctor.
    doctor: Option<String>,
    from: Date,
}

impl Wanted {
    /// As it stands in the address; else as the visit is, from the day it is on.
    pub(crate) fn of(desk: &Desk, asked: &Fields, visit: Option<&BookingRecord>) -> Self {
        let of_visit = visit.map(|visit| desk.local(visit.start_ms).date());
        let from = asked.get("from").and_then(|day| day.parse().ok()).or(of_visit).unwrap_or_else(|| desk.today());
        let doctor = match asked.get("doctor") {
            Some("any") => None,
            Some(doctor) => Some(doctor.to_owned()),
            None => visit.map(|visit| visit.doctor.clone()),
        };
        let first = || desk.clinic.services.iter().find(|service| service.bookable).map(|service| service.id.clone());
        let service = visit.map(|visit| visit.service.clone()).or_else(|| asked.get("service").map(str::to_owned));
        Self { service: service.or_else(first), doctor, from: from.max(desk.today()) }
    }
}

/// What the schedule offers; nothing where it does not answer or does not know the service.
pub(crate) async fn free(desk: &Desk, wanted: &Wanted, phone: Pii, animal: Pii) -> Vec<Slot> {
    let query = SlotQuery {
        service: wanted.service.clone(),
        doctor: wanted.doctor.clone(),
        date_from: Some(wanted.from),
        limit: MOST,
        phone,
        animal,
        ..SlotQuery::default()
    };
    match desk.schedule().find(&query, desk.now()).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(clinic = desk.clinic.id, code = error.code(), "free times could not be looked up");
            Vec::new()
        }
    }
}

/// The form that chooses doctor and day, and the service where that is open.
pub(crate) fn chooser(desk: &Desk, wanted: &Wanted, action: &str, keep: &[(&str, &str)]) -> Markup {
    let t = desk.words();
    let services = desk.clinic.services.iter().filter(|service| service.bookable);
    html! {
        form.fields method="get" action=(action) {
            @for (name, value) in keep { input type="hidden" name=(name) value=(value); }
            @if !action.contains("#move") {
                label { span { (t.service) } select name="service" data-submit { @for service in services { option value=(service.id) selected[wanted.service.as_deref() == Some(&service.id)] { (service.name) } } } }
            }
            label { span { (t.doctor) } select name="doctor" data-submit {
                option value="any" selected[wanted.doctor.is_none()] { (t.any_doctor) }
                @for doctor in &desk.clinic.doctors { option value=(doctor.id) selected[wanted.doctor.as_deref() == Some(&doctor.id)] { (doctor.name) } }
            } }
            label { span { (t.from) } input type="date" name="from" value=(wanted.from) data-submit; }
            button.quiet type="submit" { (t.show) }
        }
    }
}

/// Each free time as a button that sends it; by day.
pub(crate) fn buttons(desk: &Desk, free: &[Slot], now_at: Option<i64>) -> Markup {
    let t = desk.words();
    let mut days: Vec<(Date, Vec<&Slot>)> = Vec::new();
    for slot in free.iter().filter(|slot| now_at != Some(slot.start_ms())) {
        let day = slot.start.date();
        match days.last_mut().filter(|last| last.0 == day) {
            Some(last) => last.1.push(slot),
            None => days.push((day, vec![slot])),
        }
    }
    let one_doctor = free.iter().all(|slot| slot.doctor_id == free[0].doctor_id);
    html! {
        @if days.is_empty() { p.notice { (t.no_free_times) } }
        @for (day, slots) in days {
            fieldset.times {
                legend { (desk.day_name(day)) ", " (desk.lang.weekday_name(day.weekday().to_monday_zero_offset() as usize)) }
                @for slot in slots { button.quiet.slot type="submit" name="slot" value=(slot.id) { (desk.clock(slot.start_ms())) @if !one_doctor { small { (slot.doctor_name) } } } }
            }
        }
    }
}

/// The entry of the list somebody is being called about.
async fn entry(desk: &Desk, asked: &Fields) -> Result<Option<Contact>, Problem> {
    let Some(id) = asked.get("entry").filter(|_| desk.may(Permission::ManageRequests)) else { return Ok(None) };
    match desk.state.store.contact(id).await {
        Ok(entry) if entry.clinic == desk.clinic.id => Ok(Some(entry)),
        Ok(_) | Err(RecordsError::NotFound { .. }) => Err(Problem::no_such_page()),
        Err(error) => Err(error.into()),
    }
}

async fn new(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageVisits)?;
    let t = desk.words();
    let asked = Fields::new(asked);
    let entry = entry(&desk, &asked).await?;
    let wanted = Wanted::of(&desk, &asked, None);
    let number = entry.as_ref().map(|entry| entry.phone.clone()).unwrap_or_default();
    let free = free(&desk, &wanted, number.clone(), Pii::default()).await;
    let own = desk.path("visits/new");
    let id = entry.as_ref().map(|entry| entry.id.as_str());
    let keep: Vec<(&str, &str)> = id.map(|id| ("entry", id)).into_iter().collect();
    let refused = match asked.get("refused") {
        Some("taken") => Some(t.time_taken_new),
        Some("closed") => Some(t.time_closed_new),
        Some("number") => Some(t.no_number_that),
        _ => None,
    };
    let person = entry.as_ref().map_or("", |entry| entry.person.as_str());
    let reason = entry.as_ref().map_or("", |entry| entry.reason.as_str());
    let body = html! {
        p.trail { @if let Some(id) = id { a href=(format!("{}?id={}", desk.path("dial"), encoded(id))) { (t.dial) } } @else { a href=(desk.path("visits")) { (t.visits) } } }
        (head(t.book_visit, &html! {}))
        @if let Some(refused) = refused { p.notice.bad role="alert" { (refused) } }
        section aria-label=(t.free_times) { (chooser(&desk, &wanted, &own, &keep)) }
        form.booking method="post" action=(own) {
            (token(&desk))
            @if let Some(id) = id { input type="hidden" name="entry" value=(id); }
            section {
                div.fields {
                    label { span { (t.number) } input name="phone" inputmode="tel" required autocomplete="off" value=(number.as_str()); }
                    label { span { (t.visitor) } input name="person" required maxlength="200" autocomplete="off" value=(person); }
                    label { span { (t.animal) } input name="animal" maxlength="200" autocomplete="off"; }
                    label { span { (t.why) } input name="reason" maxlength="400" autocomplete="off" value=(reason); }
                }
                p.note { (t.press_a_time) }
                (buttons(&desk, &free, None))
            }
        }
    };
    Ok(page(&desk, Place::Visits, t.book_visit, &body))
}

async fn book(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageVisits)?;
    let said = desk.read(fields)?;
    let entry = entry(&desk, &said).await?;
    let pii = |name: &str| Pii::from(said.get(name).unwrap_or_default());
    let slot = said.get("slot").ok_or_else(|| Problem::bad_body("slot", "choose a free time"))?;
    let visitor = Visitor { phone: pii("phone"), person: pii("person"), animal: pii("animal"), reason: pii("reason") };
    let keep = entry.as_ref().map(|entry| format!("&entry={}", encoded(&entry.id))).unwrap_or_default();
    let back = |why: &str| {
        let place = format!("{}?refused={why}{keep}", desk.path("visits/new"));
        Ok(Redirect::to(&place).into_response())
    };
    if desk::PhoneNumber::parse(visitor.phone.as_str()).is_none() {
        return back("number");
    }
    let booked = match desk.schedule().book_by(slot, &visitor, desk.hand()).await {
        Ok(Booking::Booked(booked)) => booked,
        Ok(Booking::Taken) => return back("taken"),
        Err(DeskError::NotOffered { .. }) => return back("closed"),
        Err(error) => return Err(error.into()),
    };
    // Whoever booked for somebody on the list goes on with the list: the result is the next key.
    let place = match entry {
        Some(entry) => format!("{}?id={}", desk.path("dial"), encoded(&entry.id)),
        None => desk.path(&format!("visits/{}", encoded(&booked.id))),
    };
    Ok(Redirect::to(&place).into_response())
}
