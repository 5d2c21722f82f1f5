//! Everybody who is to be called, on one list: requests of the site, missed and night calls, promised call-backs, reminders
//! nobody answered; who is late, who has whom, and how well it goes.

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use jiff::ToSpan as _;
use maud::{Markup, html};
use outreach::figures::{Figures, figures};
use records::{CallbackStatus, Contact, ContactFilter, ContactKind, Pii};
use reports::Period;

use super::desk::{Desk, Fields};
use super::frame::{Place, encoded, head, page, phone, token};
use super::names::Names;
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Entries on a page.
const MOST: usize = 120;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk/{clinic}/requests", get(list))
}

async fn list(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let t = desk.words();
    let asked = Fields::new(asked);
    let kind = asked.get("kind").and_then(|kind| kind.parse::<ContactKind>().ok());
    let names = Names::of(&desk).await?;
    let open = desk.state.outreach().list(&desk.clinic.id).await?;
    let goals = goals(&desk, &asked).await?;
    let list = match asked.get("view") {
        Some("done") => done(&desk, &names, kind).await?,
        _ => waiting(&desk, &names, &open, kind),
    };
    let body = html! {
        (head(t.requests, &html! { a.button.quiet href=(desk.path("people")) { (t.persons_page) } @if !open.is_empty() { a.button href=(desk.path("dial")) { (t.start_dialling) } } }))
        (goals)
        (notice(&desk, &asked))
        (list)
    };
    Ok(page(&desk, Place::Requests, t.requests, &body))
}

/// What somebody wanted to take was taken, or is over.
pub(crate) fn notice(desk: &Desk, asked: &Fields) -> Markup {
    let t = desk.words();
    let said = match asked.get("notice") {
        Some("taken") => t.taken_already,
        Some("released") => t.given_free,
        _ => return html! {},
    };
    html! { p.notice role="status" { (said) } }
}

/// How well whoever came was served, over some days.
async fn goals(desk: &Desk, asked: &Fields) -> Result<Markup, Problem> {
    let t = desk.words();
    let days: i64 =
        asked.get("days").and_then(|days| days.parse().ok()).filter(|days| [1, 7, 30].contains(days)).unwrap_or(7);
    let period = Period { from: desk.today().saturating_sub((days - 1).days()), to: desk.today() };
    let (from, to) = period.bounds(&desk.clinic.timezone)?;
    let came = desk.state.store.contacts_between(&desk.clinic.id, from, to).await?;
    let sums: Figures = figures(&came, desk.clinic.requests.goal, desk.now());
    let percent = |share: Option<f64>| {
        share.map_or_else(|| "—".to_owned(), |share| format!("{:.0}{}", share * 100.0, desk.lang.pick("\u{a0}%", "%")))
    };
    let goal = percent(Some(sums.goal));
    let tone = |share: Option<f64>, goal: f64| match share {
        Some(share) if share >= goal => "big good",
        Some(_) => "big bad",
        None => "big",
    };
    let kinds: Vec<String> = sums
        .by_kind
        .iter()
        .filter_map(|(kind, n)| Some(format!("{} {n}", kind_word(desk, kind.parse().ok()?))))
        .collect();
    let chips = [(1, t.today), (7, t.seven_days), (30, t.thirty_days)];
    Ok(html! {
        div.chips role="group" aria-label=(t.period) { @for (n, name) in chips {
            a.chip href=(format!("?days={n}")) aria-current=[(n == days).then_some("true")] { (name) }
        } }
        section.tiles aria-label=(t.how_it_goes) {
            dl.tile { dt { (t.f_came) } dd.big { (sums.came) } dd.delta { (kinds.join(", ")) } }
            dl.tile { dt { (t.f_in_time) } dd class=(tone(sums.in_time_share(), 0.8)) { (percent(sums.in_time_share())) } dd.delta { (sums.in_time) " " (t.of_all) " " (sums.judged) } }
            dl.tile { dt { (t.f_reached) } dd.big { (sums.reached) } dd.delta { (t.f_open) " " (sums.open) } }
            dl.tile { dt { (t.f_not_reached) } dd class=(if sums.not_reached > 0 { "big bad" } else { "big" }) { (sums.not_reached) } dd.delta { (t.f_refused) " " (sums.refused) } }
            dl.tile { dt { (t.f_booked) } dd.big { (sums.booked) } dd.delta { (t.of_all) " " (sums.came) } }
            dl.tile { dt { (t.f_first) } dd class=(tone(sums.first_time_share(), sums.goal)) { (percent(sums.first_time_share())) } dd.delta { (sums.first_time_booked) " " (t.of_all) " " (sums.first_time) ", " (t.f_goal) " " (goal) } }
        }
    })
}

fn chips(desk: &Desk, view: &str, kind: Option<ContactKind>, there: &[ContactKind]) -> Markup {
    let t = desk.words();
    let at = |view: &str, kind: Option<ContactKind>| {
        let kind = kind.map(|kind| format!("&kind={kind}")).unwrap_or_default();
        format!("?view={view}{kind}")
    };
    html! {
        div.chips role="group" aria-label=(t.which_ones) {
            a.chip href=(at("open", None)) aria-current=[(view == "open" && kind.is_none()).then_some("true")] { (t.to_be_called) }
            @for one in there { a.chip href=(at(view, Some(*one))) aria-current=[(kind == Some(*one)).then_some("true")] { (kind_word(desk, *one)) } }
            a.chip href=(at("done", None)) aria-current=[(view == "done" && kind.is_none()).then_some("true")] { (t.what_is_done) }
        }
    }
}

fn waiting(desk: &Desk, names: &Names, open: &[Contact], kind: Option<ContactKind>) -> Markup {
    let t = desk.words();
    let now = desk.now_ms();
    let mut there: Vec<ContactKind> = open.iter().map(|one| one.kind).collect();
    there.sort_unstable();
    there.dedup();
    let chosen: Vec<&Contact> = open.iter().filter(|one| kind.is_none_or(|kind| one.kind == kind)).collect();
    let late = chosen.iter().filter(|one| is_late(one, now)).count();
    html! {
        (chips(desk, "open", kind, &there))
        @if chosen.is_empty() { div.empty { p { b { (t.no_callbacks) } } p { (t.no_requests_why) } } }
        @else {
            p.note { (chosen.len()) " " (t.open_small) @if late > 0 { ", " span.bad { (late) " " (t.late_small) } } "." }
            ul.rows data-list { @for one in chosen.iter().take(MOST) { li.person.request { (row(desk, names, one, now)) } } }
            @if chosen.len() > MOST { p.note { (t.and_more) " " (chosen.len() - MOST) } }
        }
    }
}

fn row(desk: &Desk, names: &Names, one: &Contact, now: i64) -> Markup {
    let t = desk.words();
    let holder = holder(one, now);
    let mine = holder == Some(desk.viewer.user.as_str());
    html! {
        a.row-link href=(format!("{}?id={}", desk.path("dial"), encoded(&one.id))) data-line {
            b { (name(one)) } " " span.soft { @if !one.person.is_empty() { (phone(one.phone.as_str())) } }
        }
        span.about {
            span.pill { (kind_word(desk, one.kind)) } span.soft { " · " } (due(desk, one, now))
            @if one.attempts > 0 { span.soft { " · " (t.tries) " " (one.attempts) @if let Some(result) = &one.result { " (" (result_word(desk, result, one)) ")" } } }
            @if one.first_time == Some(true) && one.kind.inbound() { span.soft { " · " (t.first_time) } }
            @if !one.reason.is_empty() { span.said { " «" (one.reason.as_str()) "»" } }
        }
        @match holder {
            Some(_) if mine => a.button href=(format!("{}?id={}", desk.path("dial"), encoded(&one.id))) { (t.go_on) },
            Some(who) => span.soft { (t.taken_by) " " (names.get(desk, who)) " " (t.until) " " (desk.clock(one.claimed_until_ms.unwrap_or(now))) },
            None => (take(desk, one, "quiet")),
        }
    }
}

/// The button by which somebody takes an entry.
pub(crate) fn take(desk: &Desk, one: &Contact, class: &str) -> Markup {
    html! {
        form method="post" action=(desk.path(&format!("requests/{}/take", encoded(&one.id)))) {
            (token(desk)) button class=(class) type="submit" { (desk.words().take_it) }
        }
    }
}

async fn done(desk: &Desk, names: &Names, kind: Option<ContactKind>) -> Result<Markup, Problem> {
    let t = desk.words();
    let wanted = ContactFilter {
        clinic: desk.clinic.id.clone(),
        kind,
        status: Some(CallbackStatus::Done),
        ..ContactFilter::default()
    };
    let closed = desk.state.store.contact_page(&wanted, MOST as u32, None).await?.contacts;
    let mut there: Vec<ContactKind> = closed.iter().map(|one| one.kind).collect();
    there.sort_unstable();
    there.dedup();
    let mut rows = Vec::new();
    for one in &closed {
        let last = desk.state.store.contact_attempts(&one.id).await?.pop();
        rows.push((one, last));
    }
    Ok(html! {
        (chips(desk, "done", kind, &there))
        @if rows.is_empty() { div.empty { p { b { (t.nothing_done) } } p { (t.nothing_done_why) } } }
        @else { ul.rows data-list { @for (one, last) in rows { li.person.request {
            a.row-link href=(format!("{}?id={}", desk.path("dial"), encoded(&one.id))) data-line { b { (name(one)) } }
            span.about {
                span.pill { (kind_word(desk, one.kind)) } " " @if let Some(result) = &one.result { b { (result_word(desk, result, one)) } }
                @if let Some(reason) = &one.lost_reason { span.soft { ", " (reason) } }
                span.soft { " · " (t.tries) " " (one.attempts) }
                @if !one.reason.is_empty() { span.said { " «" (one.reason.as_str()) "»" } }
            }
            span.soft { @if let Some(at) = one.closed_ms { (desk.moment(at)) } @if let Some(last) = last { ", " (names.get(desk, &last.by)) } }
        } } } }
    })
}

/// Who has an entry just now.
pub(crate) fn holder(one: &Contact, now: i64) -> Option<&str> {
    let held = one.status == CallbackStatus::Claimed && one.claimed_until_ms.is_some_and(|until| until > now);
    one.claimed_by.as_deref().filter(|_| held)
}

pub(crate) fn name(one: &Contact) -> String {
    if one.person.is_empty() { phone(one.phone.as_str()) } else { one.person.as_str().to_owned() }
}

/// Nobody has tried by the time that was promised, or the next attempt was due long ago.
pub(crate) fn is_late(one: &Contact, now: i64) -> bool {
    if one.attempts == 0 { one.deadline_ms < now } else { one.next_ms + 30 * 60_000 < now }
}

/// When somebody is to be called, and by how much that is late.
pub(crate) fn due(desk: &Desk, one: &Contact, now: i64) -> Markup {
    let t = desk.words();
    let since = if one.attempts == 0 { one.deadline_ms } else { one.next_ms };
    if one.status == CallbackStatus::Done {
        return html! { span.soft { (t.closed_small) } };
    }
    if is_late(one, now) {
        return html! { span.bad { (t.late_by) " " (desk.lang.duration((now - since).max(0) / 60_000 * 60_000)) } };
    }
    if one.next_ms > now {
        return html! { (t.call_from) " " (desk.moment(one.next_ms)) };
    }
    if one.attempts > 0 {
        html! { (t.call_again_now) }
    } else {
        html! { (t.until) " " (desk.moment(one.deadline_ms)) }
    }
}

pub(crate) fn kind_word(desk: &Desk, kind: ContactKind) -> &'static str {
    let t = desk.words();
    match kind {
        ContactKind::Callback => t.k_callback,
        ContactKind::Request => t.k_request,
        ContactKind::Missed => t.k_missed,
        ContactKind::Night => t.k_night,
        ContactKind::Chat => t.k_chat,
        ContactKind::Reminder => t.k_reminder,
        ContactKind::Message => t.k_message,
        ContactKind::Offer => t.k_offer,
        ContactKind::Reply => t.k_reply,
    }
}

/// A result in words; of a call about a visit they have, "booked" and "refused" mean that they come or not.
pub(crate) fn result_word(desk: &Desk, result: &str, one: &Contact) -> String {
    let t = desk.words();
    let about_visit = !one.kind.inbound() && one.visit.is_some();
    match result {
        "booked" if about_visit => t.r_comes,
        "refused" if about_visit => t.r_comes_not,
        "booked" => t.r_booked,
        "reached" => t.r_reached,
        "no-answer" => t.r_no_answer,
        "busy" => t.r_busy,
        "voicemail" => t.r_voicemail,
        "wrong-number" => t.r_wrong_number,
        "refused" => t.r_refused,
        "later" => t.r_later,
        other => other,
    }
    .to_owned()
}

/// The page of whoever is behind something that has an id, so that no number stands in an address.
pub(crate) fn person_link(desk: &Desk, kind: &str, id: &str, number: &Pii) -> Markup {
    html! {
        @if number.is_empty() { (phone(number.as_str())) }
        @else if desk.may(Permission::ManageRequests) {
            a href=(desk.path(&format!("people/{kind}/{}", encoded(id)))) title=(desk.words().persons_page) { (phone(number.as_str())) }
        } @else { (phone(number.as_str())) }
    }
}
