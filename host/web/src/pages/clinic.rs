//! What the robot knows of the clinic: services, hours, doctors, answers. Each part leads to the page that changes it.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use desk::{Span, WeeklyHours};
use maud::{Markup, html};
use reports::Amount;

use super::desk::Desk;
use super::frame::{Place, head, page, phone};
use crate::auth::Permission;
use crate::{AppState, Problem};

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk/{clinic}/clinic", get(show))
}

fn spans(spans: &[Span]) -> String {
    let clock = |minute: u16| format!("{}:{:02}", minute / 60, minute % 60);
    let one = |span: &Span| format!("{}–{}", clock(span.opens.get()), clock(span.closes.get()));
    spans.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn week(desk: &Desk, hours: &WeeklyHours) -> Markup {
    html! { dl.facts { @for (n, day) in hours.days.iter().enumerate() {
        dt { (desk.lang.weekday(n)) } dd { @if day.is_empty() { span.soft { (desk.words().closed) } } @else { (spans(day)) } }
    } } }
}

async fn show(desk: Desk) -> Result<Response, Problem> {
    let t = desk.words();
    let clinic = &desk.clinic;
    let change = |step: &str| {
        let path = desk.path(&format!("setup/{step}"));
        html! { @if desk.may(Permission::ManageClinic) { " " a.change href=(path) { (t.change) } } }
    };
    let body = html! {
        (head(&clinic.name, &html! {
            span.soft { (clinic.timezone) }
            @if desk.may(Permission::ManageClinic) { a.button.quiet href=(desk.path("setup/about")) { (t.change) } }
        }))
        p.note { (t.clinic_note) }
        div.two.even {
            section aria-labelledby="services" {
                h2 #services { (t.services) (change("services")) }
                ul.plain-list.prices { @for service in &clinic.services { li {
                    span { (service.name) @if !service.bookable { small.soft { (t.not_bookable) } } }
                    span.soft { @if service.bookable { (service.minutes) "\u{a0}" (desk.lang.pick("мин", "min")) } }
                    span { @if let Some(price) = &service.price { @if service.price_from { (t.from_small) " " } (desk.lang.money(&Amount::new(price.minor, price.currency.as_str()))) } }
                } } }
                @if !clinic.absent.is_empty() { h3 { (t.absent) } p.soft { (clinic.absent.join(", ")) } }
            }
            div.column {
                section aria-labelledby="hours" {
                    h2 #hours { (t.hours) (change("hours")) }
                    (week(&desk, &clinic.hours))
                    @for exception in &clinic.exceptions { p.note { (exception.from) @if exception.to != exception.from { " – " (exception.to) } ": " @if exception.spans.is_empty() { (t.closed) } @else { (spans(&exception.spans)) } @if !exception.note.is_empty() { " · " (exception.note) } } }
                }
                section aria-labelledby="reach" {
                    h2 #reach { (t.reach) (change("about")) }
                    dl.facts {
                        @if !clinic.address.is_empty() { dt { (t.address) } dd { (clinic.address) } }
                        @if !clinic.phone.is_empty() { dt { (t.number) } dd { (phone(&clinic.phone)) } }
                        @if let Some(cost) = &clinic.minute_cost { dt { (t.minute_costs) } dd { (desk.lang.money(&Amount::new(cost.minor, cost.currency.as_str()))) } }
                        @for (name, line) in &clinic.lines { dt { (name) } dd { (line) } }
                    }
                }
            }
        }
        section.long aria-labelledby="doctors" {
            h2 #doctors { (t.doctors) (change("doctors")) }
            ul.plain-list.doctors { @for doctor in &clinic.doctors { li {
                b { (doctor.name) } span.soft { (doctor.speciality) }
                span { @if let Some(hours) = &doctor.hours { @for (n, day) in hours.days.iter().enumerate() { @if !day.is_empty() { span.hours-of { (desk.lang.weekday(n)) "\u{a0}" (spans(day)) } } } } @else { (t.as_clinic) } }
            } } }
        }
        section.long aria-labelledby="faq" {
            h2 #faq { (t.faq) (change("faq")) }
            @for one in &clinic.faq { details.faq { summary { (one.question) } p { (one.answer) } } }
        }
    };
    Ok(page(&desk, Place::Clinic, t.clinic, &body))
}
