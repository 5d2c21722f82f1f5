//! Visits: a day by doctor and hour, a week at a glance, one visit with its history; a status by one click, moved by dragging or by
//! a form.

use axum::Router;
use axum::extract::{Form, Path, Query};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use desk::{Booking, Clinic, DeskError, Doctor, Slot, VisitAction, Why};
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use maud::{Markup, html};
use records::{BookingRecord, RecordsError, Status};
use reports::Period;

use super::desk::{Desk, Fields};
use super::frame::{Place, encoded, head, page, phone, token};
use super::names::Names;
use super::requests::person_link;
use super::times::{self, Wanted};
use crate::auth::Permission;
use crate::{AppState, Problem};

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/visits", get(show))
        .route("/desk/{clinic}/visits/{id}", get(one))
        .route("/desk/{clinic}/visits/{id}/status", post(set_status))
        .route("/desk/{clinic}/visits/{id}/move", post(move_to))
}

async fn show(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::SeeVisits)?;
    let asked = Fields::new(asked);
    let t = desk.words();
    let day = asked.get("day").and_then(|day| day.parse::<Date>().ok()).unwrap_or_else(|| desk.today());
    let is_week = asked.get("view") == Some("week");
    let monday = day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days());
    let period = if is_week {
        Period { from: monday, to: monday.saturating_add(6.days()) }
    } else {
        Period { from: day, to: day }
    };
    let (from, to) = period.bounds(&desk.clinic.timezone)?;
    let mut visits = desk.state.store.bookings(&desk.clinic.id, from, to).await?;
    visits.retain(|visit| visit.status != Status::Moved);
    let step = if is_week { 7 } else { 1 };
    let at = |day: Date, week: bool| format!("?day={day}{}", if week { "&view=week" } else { "" });
    let body = html! {
        (head(t.visits, &html! {
            div.switch role="group" aria-label=(t.view) {
                a.chip href=(at(day, false)) aria-current=[(!is_week).then_some("true")] { (t.day) }
                a.chip href=(at(day, true)) aria-current=[is_week.then_some("true")] { (t.week) }
            }
        }))
        div.days-nav {
            @if desk.may(Permission::ManageVisits) { a.button href=(format!("{}?from={day}", desk.path("visits/new"))) { (t.book_visit) } }
            a.button.quiet href=(at(day.saturating_sub(step.days()), is_week)) rel="prev" aria-label=(t.before) { "←" }
            h2 { (if is_week { desk.lang.period(period) } else { format!("{}, {}", desk.lang.weekday_name(day.weekday().to_monday_zero_offset() as usize), desk.lang.date(day)) }) }
            a.button.quiet href=(at(day.saturating_add(step.days()), is_week)) rel="next" aria-label=(t.after) { "→" }
            @if day != desk.today() { a.button.quiet href=(at(desk.today(), is_week)) { (t.today) } }
            form method="get" action=(desk.path("visits")) { @if is_week { input type="hidden" name="view" value="week"; } input type="date" name="day" value=(day) aria-label=(t.day) data-submit; button.quiet type="submit" { (t.show) } }
        }
        (refusal(&desk, &asked))
        @if is_week { (week(&desk, monday, &visits)) } @else { (grid(&desk, day, &visits)) }
    };
    Ok(page(&desk, Place::Visits, t.visits, &body))
}

/// Minutes since midnight on the clinic's clock.
fn minute(desk: &Desk, ms: i64) -> i64 {
    let at = desk.local(ms);
    i64::from(at.hour()) * 60 + i64::from(at.minute())
}

/// Who receives on a day: those with hours or visits; a table of times with each visit as long as it lasts.
fn grid(desk: &Desk, day: Date, visits: &[BookingRecord]) -> Markup {
    let t = desk.words();
    let clinic = &desk.clinic;
    let works = |doctor: &&Doctor| {
        super::report::open_minutes(desk, doctor, day) > 0 || visits.iter().any(|visit| visit.doctor == doctor.id)
    };
    let doctors: Vec<&Doctor> = clinic.doctors.iter().filter(works).collect();
    let hours = clinic.hours(day);
    let of_visits = visits.iter().map(|visit| (minute(desk, visit.start_ms), minute(desk, visit.end_ms)));
    let of_hours = hours.spans.iter().map(|span| (i64::from(span.opens.get()), i64::from(span.closes.get())));
    let all: Vec<(i64, i64)> = of_visits.chain(of_hours).collect();
    let step = i64::from(clinic.slot_step.clamp(5, 60)).max(15);
    let (Some(first), Some(last)) = (all.iter().map(|s| s.0).min(), all.iter().map(|s| s.1).max()) else {
        return html! { div.empty { p { b { (t.closed_that_day) } } p { (hours.note) } } };
    };
    if doctors.is_empty() {
        return html! { div.empty { p { b { (t.nobody_receives) } } } };
    }
    let slots: Vec<i64> = (first / step..(last + step - 1) / step).map(|slot| slot * step).collect();
    let lost: Vec<&BookingRecord> = visits.iter().filter(|visit| !visit.status.is_live()).collect();
    let live: Vec<&BookingRecord> = visits.iter().filter(|visit| visit.status.is_live()).collect();
    html! {
        p.note { (t.visits) ": " (live.len()) ". " span data-drag-hint hidden { (t.drag_hint) } }
        div.scroll { table.schedule data-schedule data-csrf=(desk.viewer.csrf) {
            caption.hidden { (t.visits) ", " (desk.lang.date(day)) }
            thead { tr { th scope="col" { span.hidden { (t.time) } } @for doctor in &doctors { th scope="col" { (doctor.name) small { (doctor.speciality) } } } } }
            tbody { @for slot in &slots { tr class=[(slot % 60 == 0).then_some("full")] {
                th scope="row" { @if slot % 60 == 0 { (format!("{}:00", slot / 60)) } @else { span.hidden { (format!("{}:{:02}", slot / 60, slot % 60)) } } }
                @for doctor in &doctors {
                    @let starts: Vec<&&BookingRecord> = live.iter().filter(|visit| visit.doctor == doctor.id && (minute(desk, visit.start_ms) / step * step) == *slot).collect();
                    @let covered = live.iter().any(|visit| visit.doctor == doctor.id && minute(desk, visit.start_ms) / step * step < *slot && ends(desk, visit, day) > *slot);
                    @if !starts.is_empty() {
                        @let end = starts.iter().map(|visit| ends(desk, visit, day)).max().unwrap_or(*slot);
                        td.taken rowspan=(((end - slot + step - 1) / step).clamp(1, (slots.len() as i64) - (slot - slots[0]) / step)) {
                            @for visit in starts { (chip(desk, visit)) }
                        }
                    } @else if !covered {
                        @let open = is_open(clinic, doctor, day, *slot);
                        td class=(if open { "free" } else { "off" }) data-doctor=[open.then_some(&doctor.id)] data-start=[open.then(|| format!("{day}T{:02}:{:02}", slot / 60, slot % 60))] {}
                    }
                }
            } } }
        } }
        @if !lost.is_empty() { section.lost-today { h2 { (t.lost_visits) } ul.plain-list { @for visit in lost { li { (chip(desk, visit)) } } } } }
    }
}

/// The minute at which a visit ends; at midnight, if it goes on after it.
fn ends(desk: &Desk, visit: &BookingRecord, day: Date) -> i64 {
    if desk.local(visit.end_ms).date() == day { minute(desk, visit.end_ms) } else { 24 * 60 }
}

fn is_open(clinic: &Clinic, doctor: &Doctor, day: Date, slot: i64) -> bool {
    let within = |spans: &[desk::Span]| {
        spans.iter().any(|span| i64::from(span.opens.get()) <= slot && slot < i64::from(span.closes.get()))
    };
    within(&clinic.hours(day).spans) && doctor.spans(day).is_none_or(within)
}

/// A visit in a table or a list.
fn chip(desk: &Desk, visit: &BookingRecord) -> Markup {
    let service = desk.clinic.service(&visit.service).map_or(visit.service.as_str(), |service| service.name.as_str());
    html! {
        div class={ "visit s-" (visit.status) } data-visit=(visit.id) data-line tabindex="-1" {
            a href=(desk.path(&format!("visits/{}", encoded(&visit.id)))) { (desk.clock(visit.start_ms)) " " b { (if visit.person.is_empty() { phone(visit.phone.as_str()) } else { visit.person.as_str().to_owned() }) } }
            span.soft { @if !visit.animal.is_empty() { (visit.animal.as_str()) " · " } (service) }
            span.mark { (status(desk, visit.status)) }
        }
    }
}

/// Days side by side, each visit in its order.
fn week(desk: &Desk, monday: Date, visits: &[BookingRecord]) -> Markup {
    let t = desk.words();
    html! {
        div.scroll { div.week {
            @for n in 0..7_i64 {
                @let day = monday.saturating_add(n.days());
                @let of_day: Vec<&BookingRecord> = visits.iter().filter(|visit| desk.local(visit.start_ms).date() == day).collect();
                div.day-column {
                    h3 { a href=(format!("?day={day}")) { (desk.lang.weekday(n as usize)) " " (day.day()) } span.soft { " " (of_day.iter().filter(|visit| visit.status.is_live()).count()) } }
                    @if of_day.is_empty() { p.soft { (if desk.clinic.hours(day).is_open() { t.no_visits } else { t.closed }) } }
                    @for visit in of_day { (chip(desk, visit)) }
                }
            }
        } }
    }
}

pub(crate) fn status(desk: &Desk, status: Status) -> &'static str {
    let t = desk.words();
    match status {
        Status::Booked => t.s_booked,
        Status::Reminded => t.s_reminded,
        Status::Confirmed => t.s_confirmed,
        Status::Arrived => t.s_arrived,
        Status::Done => t.s_done,
        Status::Moved => t.s_moved,
        Status::Cancelled => t.s_cancelled,
        Status::NoShow => t.s_no_show,
    }
}

async fn find(desk: &Desk, id: &str) -> Result<BookingRecord, Problem> {
    match desk.state.store.booking(id).await {
        Ok(visit) if visit.clinic == desk.clinic.id => Ok(visit),
        Ok(_) | Err(RecordsError::NotFound { .. }) => Err(Problem::no_such_page()),
        Err(error) => Err(error.into()),
    }
}

async fn one(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::SeeVisits)?;
    let asked = Fields::new(asked);
    let visit = find(&desk, &id).await?;
    let history = desk.state.store.booking_history(&id).await?;
    let t = desk.words();
    let day = desk.local(visit.start_ms).date();
    let clinic = &desk.clinic;
    let rows = [
        (t.when, format!("{}–{}", desk.moment(visit.start_ms), desk.clock(visit.end_ms))),
        (t.doctor, clinic.doctor(&visit.doctor).map_or_else(|| visit.doctor.clone(), |doctor| doctor.name.clone())),
        (t.service, clinic.service(&visit.service).map_or_else(|| visit.service.clone(), |found| found.name.clone())),
        (t.visitor, visit.person.as_str().to_owned()),
        (t.animal, visit.animal.as_str().to_owned()),
        (t.why, visit.reason.as_str().to_owned()),
    ];
    let may = [Status::Confirmed, Status::Arrived, Status::Done, Status::NoShow, Status::Cancelled];
    let may: Vec<Status> = may.into_iter().filter(|next| visit.status.may_become(*next)).collect();
    let names = Names::of(&desk).await?;
    let mover = match visit.status.may_become(Status::Moved) && desk.may(Permission::ManageVisits) {
        true => mover(&desk, &visit, &asked).await,
        false => html! {},
    };
    let body = html! {
        p.trail { a href=(format!("{}?day={day}", desk.path("visits"))) { (t.visits) } " / " (desk.day_name(day)) }
        (head(&desk.moment(visit.start_ms), &html! { span class={ "state-word s-" (visit.status) } { (status(&desk, visit.status)) } }))
        (refusal(&desk, &asked))
        div.two {
            section aria-labelledby="visit" {
                h2 #visit { (t.visit) }
                dl.facts { @for (name, value) in rows { @if !value.is_empty() { dt { (name) } dd { (value) } } } @if !visit.phone.is_empty() { dt { (t.number) } dd { (person_link(&desk, "visit", &visit.id, &visit.phone)) } } }
                @if let Some(call) = &visit.call { p { a.button.quiet href=(desk.path(&format!("calls/{}", encoded(call)))) { (t.the_call) } } }
                @if !may.is_empty() {
                    form.actions method="post" action=(desk.path(&format!("visits/{}/status", encoded(&id)))) {
                        (token(&desk)) input type="hidden" name="back" value=(desk.here);
                        @if visit.status.may_become(Status::Cancelled) || visit.status.may_become(Status::NoShow) { div.fields.wide { (reasons(&desk)) } }
                        @for (n, next) in may.iter().enumerate() { button.quiet[n > 0] type="submit" name="status" value=(next) data-key=(n + 1) { (status(&desk, *next)) kbd { (n + 1) } } }
                    }
                }
            }
            div.column {
                (mover)
                section aria-labelledby="history" {
                    h2 #history { (t.history) }
                    ol.plain-list.history { @for step in history.iter().rev() {
                        li { b { (status(&desk, step.status)) } " " span.soft { (desk.moment(step.change.at_ms)) ", " (names.get(&desk, &step.change.by)) } @if !step.change.reason.is_empty() { p { "«" (step.change.reason.as_str()) "»" } } }
                    } }
                }
            }
        }
    };
    Ok(page(&desk, Place::Visits, t.visit, &body))
}

/// Free times of the visit's service, each a button that moves it there.
async fn mover(desk: &Desk, visit: &BookingRecord, asked: &Fields) -> Markup {
    let t = desk.words();
    let wanted = Wanted::of(desk, asked, Some(visit));
    let own = desk.path(&format!("visits/{}", encoded(&visit.id)));
    let free = times::free(desk, &wanted, visit.phone.clone(), visit.animal.clone()).await;
    html! {
        section #move aria-labelledby="move-title" {
            h2 #move-title { (t.move_it) }
            (times::chooser(desk, &wanted, &format!("{own}#move"), &[]))
            form method="post" action=(format!("{own}/move")) {
                (token(desk))
                @if !free.is_empty() { div.fields { (reasons(desk)) } }
                (times::buttons(desk, &free, Some(visit.start_ms)))
            }
        }
    }
}

/// What a form says of why: a word of the clinic's list, and words of their own.
fn why(said: &Fields) -> Why {
    Why { code: said.get("reason_code").map(str::to_owned), words: said.get("reason").unwrap_or_default().into() }
}

async fn set_status(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageVisits)?;
    let said = desk.read(fields)?;
    let visit = find(&desk, &id).await?;
    let Why { code: reason_code, words } = why(&said);
    let reason = words.as_str().to_owned();
    let action = match said.get("status").and_then(|word| word.parse().ok()) {
        Some(Status::Confirmed) => VisitAction::Confirm,
        Some(Status::Arrived) => VisitAction::Arrive,
        Some(Status::Done) => VisitAction::Done,
        Some(Status::NoShow) => VisitAction::NoShow { reason_code, reason },
        Some(Status::Cancelled) => VisitAction::Cancel { reason_code, reason },
        _ => return Err(Problem::bad_body("status", "it must be confirmed, arrived, done, no-show or cancelled")),
    };
    desk.schedule().act(&visit.id, &action, desk.hand()).await?;
    Ok(desk.back(&said, &desk.path(&format!("visits/{}", encoded(&id)))).into_response())
}

async fn move_to(
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageVisits)?;
    let said = desk.read(fields)?;
    let visit = find(&desk, &id).await?;
    let slot = match said.get("slot") {
        Some(slot) => slot.to_owned(),
        None => dragged(&desk, &visit, &said)?,
    };
    let moved = desk.schedule().move_by(&visit.id, &slot, &why(&said), desk.hand()).await;
    let refused = match moved {
        Ok(Booking::Booked(booked)) => {
            let own = desk.path(&format!("visits/{}", encoded(&booked.id)));
            return Ok(desk.back(&said, &own).into_response());
        }
        Ok(Booking::Taken) => "taken",
        Err(DeskError::NotOffered { .. }) => "closed",
        Err(error) => return Err(error.into()),
    };
    // Back to where it was tried, which says why the visit stays.
    let page = if said.get("back").is_some() {
        let day = said.get("start").and_then(|start| start.parse::<DateTime>().ok()).map(DateTime::date);
        format!("{}?day={}&refused={refused}", desk.path("visits"), day.unwrap_or_else(|| desk.today()))
    } else {
        format!("{}?refused={refused}", desk.path(&format!("visits/{}", encoded(&id))))
    };
    Ok(Redirect::to(&page).into_response())
}

/// Where a visit was dragged to: a doctor and a time.
fn dragged(desk: &Desk, visit: &BookingRecord, said: &Fields) -> Result<String, Problem> {
    let wrong = || Problem::bad_body("start", "it must be a time like 2026-11-24T10:30");
    let start: DateTime = said.get("start").and_then(|start| start.parse().ok()).ok_or_else(wrong)?;
    let at = desk.clinic.zone.to_timestamp(start).map_err(|_| wrong())?;
    let doctor = said.get("doctor").unwrap_or(&visit.doctor);
    let doctor = desk.clinic.doctor(doctor).ok_or_else(|| Problem::bad_body("doctor", "there is no such doctor"))?;
    Ok(Slot::id_of(&doctor.id, &visit.service, at))
}

/// Why a visit stayed where it was.
fn refusal(desk: &Desk, asked: &Fields) -> Markup {
    let t = desk.words();
    let said = match asked.get("refused") {
        Some("taken") => t.time_taken,
        Some("closed") => t.time_closed,
        _ => return html! {},
    };
    html! { p.notice.bad role="alert" { (said) } }
}

/// Why, to be chosen from the clinic's list if it has one, or to be said.
fn reasons(desk: &Desk) -> Markup {
    let t = desk.words();
    let known = &desk.clinic.lost_reasons;
    html! {
        @if !known.is_empty() {
            label { span { (t.why) } select name="reason_code" { option value="" {} @for reason in known { option value=(reason.code) { (reason.text) } } } }
        }
        label { span { @if known.is_empty() { (t.why) } @else { (t.in_words) } } input name="reason" maxlength="200"; }
    }
}
