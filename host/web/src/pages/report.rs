//! The report of any period: what it comes down to, every figure with its definition, what to change, whom to call back.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Form, Query};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use desk::CallbackRequest;
use jiff::ToSpan as _;
use jiff::civil::Date;
use maud::{Markup, html};
use records::{BookingRecord, CallFilter, CallRecord, CallbackStatus, Direction, Status};
use reports::pdf::{self as pages, Table};
use reports::{Lang, Period, Report, Share, page as figures};

use super::call::find;
use super::calls::Csv;
use super::desk::{Desk, Fields};
use super::frame::{Place, page, phone, token};
use super::sheet::{Cell, Workbook};
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Lost callers that are listed.
const LISTED: usize = 40;

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/report", get(show))
        .route("/desk/{clinic}/report.csv", get(csv))
        .route("/desk/{clinic}/report.xlsx", get(xlsx))
        .route("/desk/{clinic}/report.pdf", get(pdf))
        .route("/desk/{clinic}/calls/{id}/callback", post(call_back))
}

/// The period in the address; without one, the four whole weeks that ended yesterday.
fn period(desk: &Desk, asked: &Fields) -> Period {
    let day = |name: &str| asked.get(name).and_then(|day| day.parse::<Date>().ok());
    let yesterday = desk.today().saturating_sub(1.days());
    let four_weeks = Period { from: yesterday.saturating_sub(27.days()), to: yesterday };
    match (day("from"), day("to")) {
        (Some(from), Some(to)) => Period::new(from.min(to), from.max(to)).unwrap_or(four_weeks),
        (Some(day), None) | (None, Some(day)) => Period { from: day, to: day },
        (None, None) => four_weeks,
    }
}

async fn show(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::SeeReport)?;
    let asked = Fields::new(asked);
    match asked.get("format") {
        None | Some("html") => {}
        Some("pdf") => return document(&desk, period(&desk, &asked)).await,
        Some("xlsx") => return workbook(&desk, period(&desk, &asked)).await,
        Some("csv") => return table(&desk, period(&desk, &asked)).await,
        Some(_) => {
            return Err(Problem::bad_parameter("format", "it must be one of those in allowed", ["pdf", "xlsx", "csv"]));
        }
    }
    let period = period(&desk, &asked);
    let input = desk.state.report_input(&desk.clinic, period);
    let report = Report::build(&desk.state.store, &input).await?;
    let (from, to) = period.bounds(&desk.clinic.timezone)?;
    let lost = lost(&desk, from, to).await?;
    let visits = desk.state.store.bookings(&desk.clinic.id, from, to).await?;
    let t = desk.words();
    let query = format!("from={}&to={}", period.from, period.to);
    let title = desk.lang.period(period);
    let body = html! {
        div.head.report-head {
            p.trail { (title) span.soft { " · " (t.compared) " " (desk.lang.period(report.before)) } }
            div.beside {
                button.quiet type="button" data-print hidden { (t.print) }
                a.button.quiet href=(format!("{}?{query}", desk.path("report.pdf"))) { "PDF" }
                a.button.quiet href=(format!("{}?{query}", desk.path("report.xlsx"))) { "XLSX" }
                a.button.quiet href=(format!("{}?{query}", desk.path("report.csv"))) { "CSV" }
            }
        }
        (choose(&desk, period))
        h1.headline { (report.headline_text(desk.lang)) }
        (figures::lead(&report, desk.lang))
        (plan(&desk, &report))
        (figures::body(&report, desk.lang))
        (waits(&desk, &report))
        div.pair { (load(&desk, period, &visits)) (lost_visits(&desk, &visits)) }
        @if desk.may(Permission::ManageRequests) { (abandoned(&desk, &lost)) }
        footer.how { (figures::footnote(&report, desk.lang)) }
    };
    Ok(page(&desk, Place::Report, &title, &body))
}

fn choose(desk: &Desk, now: Period) -> Markup {
    let t = desk.words();
    let today = desk.today();
    let monday = today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days());
    let last_month = Period::month(today.first_of_month().saturating_sub(1.days()));
    let presets = [
        (t.today, Period { from: today, to: today }),
        (t.this_week, Period { from: monday, to: today }),
        (t.last_week, Period { from: monday.saturating_sub(7.days()), to: monday.saturating_sub(1.days()) }),
        (t.four_weeks, Period { from: today.saturating_sub(28.days()), to: today.saturating_sub(1.days()) }),
        (t.this_month, Period { from: today.first_of_month(), to: today }),
        (t.last_month, last_month),
        (t.this_year, Period { from: today.first_of_year(), to: today }),
    ];
    html! {
        form.periods method="get" action=(desk.path("report")) {
            div.chips role="group" aria-label=(t.period) {
                @for (name, period) in presets {
                    a.chip href=(format!("?from={}&to={}", period.from, period.to)) aria-current=[(period == now).then_some("true")] { (name) }
                }
            }
            div.fields {
                label { span { (t.from) } input type="date" name="from" value=(now.from); }
                label { span { (t.to) } input type="date" name="to" value=(now.to); }
                button.quiet type="submit" { (t.show) }
            }
        }
    }
}

/// A figure beside what was planned for it.
struct Planned {
    title: &'static str,
    planned: String,
    fact: String,
    of_plan: String,
    good: bool,
}

/// What was planned for a month, as much of it as the period is long, beside what came of it.
fn against_plan(desk: &Desk, report: &Report) -> Vec<Planned> {
    let (t, plan, now) = (desk.words(), &desk.clinic.plan, &report.kpis);
    // Thirtieths of a month, as every plan is thought; a calendar month is the whole of it.
    let days = if report.period.is_month() { 30 } else { report.period.days() };
    let counted = |title: &'static str, planned: Option<u32>, fact: i64| {
        let planned = (i64::from(planned?) * days + 15) / 30;
        let of_plan = desk.lang.rough_share(Share::of(fact, planned)?);
        let good = fact >= planned;
        Some(Planned { title, planned: desk.lang.number(planned), fact: desk.lang.number(fact), of_plan, good })
    };
    let rate = |title: &'static str, planned: Option<u32>, fact: Option<Share>, most: bool| {
        let (planned, fact) = (i64::from(planned?), fact?);
        let good = if most { fact.permille() <= planned * 10 } else { fact.permille() >= planned * 10 };
        let sign = if most { "≤" } else { "≥" };
        let of_plan = desk.lang.points(fact.permille() - planned * 10);
        Some(Planned {
            title,
            planned: format!("{sign}\u{a0}{planned}\u{a0}%"),
            fact: desk.lang.share(fact),
            of_plan,
            good,
        })
    };
    let rows = [
        counted(t.p_calls, plan.calls, now.offered),
        counted(t.p_booked, plan.booked, now.visits.booked),
        counted(t.p_arrived, plan.arrived, now.visits.arrived),
        rate(t.p_in_time, plan.in_time_percent, now.sl_offered, false),
        rate(t.p_lost, plan.lost_percent, now.lcr_gross, true),
        rate(t.p_non_target, plan.non_target_percent, report.non_target.non_target.now.share, true),
    ];
    rows.into_iter().flatten().collect()
}

fn plan(desk: &Desk, report: &Report) -> Markup {
    let (t, rows) = (desk.words(), against_plan(desk, report));
    if rows.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="plan" {
            h2 #plan { (t.plan_fact) }
            table.data.narrow-first.plan {
                thead { tr { th scope="col" { span.hidden { (t.figure) } } th scope="col" { (t.plan) } th scope="col" { (t.fact) } th scope="col" { (t.of_plan) } } }
                tbody { @for row in rows {
                    tr { th scope="row" { (row.title) } td data-h=(t.plan) { (row.planned) } td data-h=(t.fact) { b { (row.fact) } } td data-h=(t.of_plan) { span class=(if row.good { "good" } else { "bad" }) { (row.of_plan) } } }
                } }
            }
            p.note { (t.plan_note) }
        }
    }
}

/// How long callers waited: the middle one, nine in ten, and the whole spread.
fn waits(desk: &Desk, report: &Report) -> Markup {
    let t = desk.words();
    let answered: i64 = report.waits.iter().map(|bucket| bucket.answered).sum();
    if answered == 0 {
        return html! {};
    }
    let most = report.waits.iter().map(|bucket| bucket.answered + bucket.lost).max().unwrap_or(1).max(1);
    // The bucket in which so many of the answered had their answer: an upper bound, not a guess.
    let within = |percent: i64| {
        let mut sum = 0;
        let found = report.waits.iter().find(|bucket| {
            sum += bucket.answered;
            sum * 100 >= answered * percent
        });
        found.and_then(|bucket| bucket.up_to_ms).map(|ms| desk.lang.duration(ms))
    };
    html! {
        section aria-labelledby="waits" {
            h2 #waits { (t.waits) }
            p.note {
                @if let (Some(half), Some(most)) = (within(50), within(90)) {
                    (t.half_within) " " b { (half) } ", " (t.nine_within) " " b { (most) } ". "
                }
                span.dot.d-target {} (t.answered) "\u{a0}\u{a0} " span.dot.d-non {} (t.lost_many)
            }
            div.spread {
                @for bucket in &report.waits {
                    @let name = bucket.up_to_ms.map_or_else(|| t.longer.to_owned(), |ms| format!("≤\u{a0}{}", desk.lang.duration(ms)));
                    span { (name) }
                    (stacked(bucket.answered, bucket.lost, most))
                    span.n { (desk.lang.number(bucket.answered + bucket.lost)) }
                }
            }
        }
    }
}

/// Two amounts end to end, as parts of the longest such bar.
fn stacked(first: i64, second: i64, most: i64) -> Markup {
    let (a, b) = (first * 1000 / most, second * 1000 / most);
    html! {
        svg.bar viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true" {
            rect.c-track width="1000" height="12" {}
            rect.c-target width=(a) height="12" {}
            rect.c-non x=(a) width=(b) height="12" {}
        }
    }
}

/// How full a doctor's hours were.
struct Load<'a> {
    doctor: &'a desk::Doctor,
    /// Minutes.
    busy: i64,
    open: i64,
    visits: i64,
}

fn loads<'a>(desk: &'a Desk, period: Period, visits: &[BookingRecord]) -> Vec<Load<'a>> {
    let one = |doctor: &'a desk::Doctor| {
        let of = || visits.iter().filter(|visit| visit.doctor == doctor.id);
        let held = of().filter(|visit| visit.status.is_live() || visit.status == Status::NoShow);
        let days = period.from.series(1.day()).take_while(|day| *day <= period.to).take(3_700);
        Load {
            doctor,
            busy: held.map(|visit| (visit.end_ms - visit.start_ms) / 60_000).sum(),
            open: days.map(|day| open_minutes(desk, doctor, day)).sum(),
            visits: of().filter(|visit| visit.status != Status::Moved).count() as i64,
        }
    };
    desk.clinic.doctors.iter().map(one).collect()
}

fn load(desk: &Desk, period: Period, visits: &[BookingRecord]) -> Markup {
    let t = desk.words();
    html! {
        section aria-labelledby="load" {
            h2 #load { (t.doctors_load) }
            p.note { (t.doctors_load_note) }
            div.spread {
                @for Load { doctor, busy, open, visits } in loads(desk, period, visits) {
                    span { (doctor.name) @if !doctor.speciality.is_empty() { small.soft { (doctor.speciality) } } }
                    (stacked(busy.min(open), (busy - open).max(0), open.max(busy).max(1)))
                    span.n { (Share::of(busy, open).map_or_else(|| "—".to_owned(), |share| desk.lang.rough_share(share))) small.soft { (t.visits_short) ": " (visits) } }
                }
            }
        }
    }
}

/// Minutes of a day in which a doctor can be visited.
pub(crate) fn open_minutes(desk: &Desk, doctor: &desk::Doctor, day: Date) -> i64 {
    let clinic = desk.clinic.hours(day).spans;
    let own = doctor.spans(day);
    let mut minutes = 0;
    for span in &clinic {
        match own {
            None => minutes += i64::from(span.closes.get()) - i64::from(span.opens.get()),
            Some(own) => {
                for part in own.iter().filter_map(|other| span.intersection(*other)) {
                    minutes += i64::from(part.closes.get()) - i64::from(part.opens.get());
                }
            }
        }
    }
    minutes
}

/// Visits that did not take place, by how they were lost.
fn lost_visits(desk: &Desk, visits: &[BookingRecord]) -> Markup {
    let t = desk.words();
    let count = |status: Status| visits.iter().filter(|visit| visit.status == status).count() as i64;
    let (cancelled, missed) = (count(Status::Cancelled), count(Status::NoShow));
    let all = visits.iter().filter(|visit| visit.status != Status::Moved).count() as i64;
    let most = cancelled.max(missed).max(1);
    let reasons = reasons(desk, visits);
    html! {
        section aria-labelledby="lost-visits" {
            h2 #lost-visits { (t.lost_visits) }
            @if cancelled + missed == 0 { p.note { (t.no_lost_visits) } }
            @else {
                p.note { (desk.lang.number(cancelled + missed)) " " (t.of_all) " " (desk.lang.number(all)) @if let Some(share) = Share::of(cancelled + missed, all) { " · " (desk.lang.share(share)) } "." }
                div.spread {
                    span { (t.cancelled_before) } (stacked(0, cancelled, most)) span.n { (cancelled) }
                    span { (t.did_not_come) } (stacked(0, missed, most)) span.n { (missed) }
                }
                @if !reasons.is_empty() {
                    h3 { (t.why) }
                    div.spread { @for (reason, n) in &reasons { span { (reason) } (stacked(0, *n, most)) span.n { (n) } } }
                }
            }
        }
    }
}

/// Why visits were lost, most frequent first; only what somebody gave a word of the clinic's list for.
fn reasons<'a>(desk: &'a Desk, visits: &'a [BookingRecord]) -> Vec<(&'a str, i64)> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for visit in visits.iter().filter(|visit| matches!(visit.status, Status::Cancelled | Status::NoShow)) {
        let Some(code) = visit.reason_code.as_deref() else { continue };
        let known = desk.clinic.lost_reasons.iter().find(|reason| reason.code == code);
        *counts.entry(known.map_or(code, |reason| reason.text.as_str())).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| -n);
    counts
}

/// Somebody nobody answered.
struct Lost {
    call: CallRecord,
    times: usize,
    promised: bool,
}

/// Callers who gave up and whom nobody has answered since, latest first; each number once.
async fn lost(desk: &Desk, from: i64, to: i64) -> Result<Vec<Lost>, Problem> {
    let store = &desk.state.store;
    let filter = CallFilter {
        clinic: Some(desk.clinic.id.clone()),
        from_ms: Some(from),
        to_ms: Some(to),
        answered: Some(false),
        ..CallFilter::default()
    };
    let page = store.calls(&filter, 300, None).await?;
    let mut by_number: BTreeMap<String, Lost> = BTreeMap::new();
    for call in page.calls {
        let Some(number) = call.caller.as_ref().map(|number| number.as_str().to_owned()) else { continue };
        if call.direction == Direction::Incoming && call.ended_ms.is_some() {
            by_number.entry(number).or_insert(Lost { call, times: 0, promised: false }).times += 1;
        }
    }
    let open = store.callbacks(&desk.clinic.id, CallbackStatus::Open).await?;
    let mut found: Vec<Lost> = by_number.into_values().collect();
    found.sort_by_key(|lost| -lost.call.started_ms);
    let mut left = Vec::new();
    for mut one in found {
        if left.len() >= LISTED {
            break;
        }
        let later = CallFilter {
            clinic: Some(desk.clinic.id.clone()),
            caller: one.call.caller.clone(),
            from_ms: Some(one.call.started_ms + 1),
            answered: Some(true),
            ..CallFilter::default()
        };
        // Whoever was spoken to since is no longer lost.
        if !store.calls(&later, 1, None).await?.calls.is_empty() {
            continue;
        }
        let number = one.call.caller.as_ref().map(|number| number.as_str());
        one.promised = open.iter().any(|promise| Some(promise.phone.as_str()) == number);
        left.push(one);
    }
    Ok(left)
}

fn abandoned(desk: &Desk, lost: &[Lost]) -> Markup {
    let t = desk.words();
    html! {
        section.long aria-labelledby="abandoned" {
            h2 #abandoned { (t.abandoned) }
            @if lost.is_empty() { p.note { (t.nobody_abandoned) } }
            @else {
                p.note { (t.abandoned_note) }
                ul.rows.inner {
                    @for one in lost {
                        @let waited = one.call.ended_ms.map(|end| end - one.call.started_ms);
                        li.person {
                            a href=(desk.path(&format!("calls/{}", one.call.id))) { (one.call.caller.as_ref().map_or_else(String::new, |number| phone(number.as_str()))) }
                            span.soft { (desk.moment(one.call.started_ms)) @if let Some(ms) = waited { ", " (t.waited_small) " " (desk.lang.duration(ms)) } @if one.times > 1 { ", " (one.times) " " (t.times) } }
                            @if one.promised { span.good { (t.promised_already) } }
                            @else {
                                form method="post" action=(desk.path(&format!("calls/{}/callback", one.call.id))) {
                                    (token(desk)) input type="hidden" name="back" value=(desk.here);
                                    button.quiet type="submit" { (t.call_back) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A lost caller goes onto the list of call-backs.
async fn call_back(
    desk: Desk,
    axum::extract::Path((_, id)): axum::extract::Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    desk.check(Permission::ManageRequests)?;
    let said = desk.read(fields)?;
    let call = find(&desk, &id).await?;
    let number = call.caller.clone().ok_or_else(|| Problem::bad_body("number", "this caller withheld the number"))?;
    let request =
        CallbackRequest { phone: number, person: "".into(), reason: desk.words().missed_call.into(), at: None };
    // Whoever owns this clinic's schedule is asked, as everywhere.
    let house = desk.state.desk(&desk.clinic);
    house.request_callback(&request, Some(&call.id), desk.now()).await.map_err(|error| match error {
        desk::DeskError::Records(error) => error.into(),
        error => Problem::bad_body("number", error.to_string()),
    })?;
    Ok(desk.back(&said, &desk.path("report")).into_response())
}

async fn csv(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::SeeReport)?;
    table(&desk, period(&desk, &Fields::new(asked))).await
}

async fn xlsx(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::SeeReport)?;
    workbook(&desk, period(&desk, &Fields::new(asked))).await
}

async fn pdf(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Result<Response, Problem> {
    desk.check(Permission::SeeReport)?;
    document(&desk, period(&desk, &Fields::new(asked))).await
}

/// The report as a document to print, to keep, to pass on.
async fn document(desk: &Desk, period: Period) -> Result<Response, Problem> {
    let report = Report::build(&desk.state.store, &desk.state.report_input(&desk.clinic, period)).await?;
    let (from, to) = period.bounds(&desk.clinic.timezone)?;
    let visits = desk.state.store.bookings(&desk.clinic.id, from, to).await?;
    let t = desk.words();
    let mut beside = Vec::new();
    let rows: Vec<Vec<String>> = against_plan(desk, &report)
        .into_iter()
        .map(|row| vec![row.title.to_owned(), row.planned, row.fact, row.of_plan])
        .collect();
    if !rows.is_empty() {
        let heads = [t.figure, t.plan, t.fact, t.of_plan].map(str::to_owned).to_vec();
        beside.push(Table { title: t.plan_fact.to_owned(), note: t.plan_note.to_owned(), heads, rows });
    }
    let rows: Vec<Vec<String>> = loads(desk, period, &visits)
        .into_iter()
        .map(|load| {
            let share =
                Share::of(load.busy, load.open).map_or_else(|| "—".to_owned(), |share| desk.lang.rough_share(share));
            vec![load.doctor.name.clone(), desk.lang.number(load.visits), share]
        })
        .collect();
    let heads = [t.doctor, t.visits, t.load].map(str::to_owned).to_vec();
    beside.push(Table { title: t.doctors_load.to_owned(), note: t.doctors_load_note.to_owned(), heads, rows });
    let count = |status: Status| visits.iter().filter(|visit| visit.status == status).count() as i64;
    let mut rows = vec![(t.cancelled_before, count(Status::Cancelled)), (t.did_not_come, count(Status::NoShow))];
    if rows.iter().any(|row| row.1 > 0) {
        rows.extend(reasons(desk, &visits));
        let rows = rows.into_iter().map(|(title, n)| vec![title.to_owned(), desk.lang.number(n)]).collect();
        let heads = [t.why, t.visits].map(str::to_owned).to_vec();
        beside.push(Table { title: t.lost_visits.to_owned(), note: String::new(), heads, rows });
    }
    let lang = desk.lang;
    // Measuring and cutting fonts is work for a moment; other requests are not to wait for it.
    let bytes = tokio::task::spawn_blocking(move || pages::pdf(&report, lang, &beside)).await;
    let bytes = bytes.map_err(|error| {
        tracing::error!(%error, "a report could not be written as PDF");
        Problem::busy()
    })?;
    let name = format!("report-{}-{}-{}.pdf", desk.clinic.id, period.from, period.to);
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, bytes).into_response())
}

async fn table(desk: &Desk, period: Period) -> Result<Response, Problem> {
    let report = Report::build(&desk.state.store, &desk.state.report_input(&desk.clinic, period)).await?;
    let t = desk.words();
    let mut table = Csv::new(desk);
    let decimal = |tenths: i64| format!("{}{}{}", tenths / 10, desk.lang.pick(',', '.'), tenths.abs() % 10);
    table.line([t.category, t.calls, t.share_percent, t.minutes, t.money, t.calls_before, t.advice]);
    for row in &report.non_target.rows {
        let (now, before) = (&row.figures.now, row.figures.before.as_ref());
        table.line([
            desk.lang.pick(row.category.title_ru.as_str(), row.category.title_en.as_str()),
            &now.calls.to_string(),
            &now.share.map(|share| decimal(share.permille())).unwrap_or_default(),
            &desk.lang.minutes(now.time_ms).to_string(),
            &now.cost.as_ref().map(|cost| decimal(cost.minor / 10)).unwrap_or_default(),
            &before.map(|before| before.calls.to_string()).unwrap_or_default(),
            match desk.lang {
                Lang::Ru => &row.category.advice_ru,
                Lang::En => &row.category.advice_en,
            },
        ]);
    }
    table.line([""]);
    table.line([t.day, t.calls, t.answered]);
    for day in &report.days {
        table.line([day.date.to_string().as_str(), &day.calls.to_string(), &day.answered.to_string()]);
    }
    Ok(table.file(&format!("report-{}-{}-{}.csv", desk.clinic.id, period.from, period.to)))
}

async fn workbook(desk: &Desk, period: Period) -> Result<Response, Problem> {
    let report = Report::build(&desk.state.store, &desk.state.report_input(&desk.clinic, period)).await?;
    let t = desk.words();
    let pick = |ru: &str, en: &str| Cell::from(desk.lang.pick(ru, en));
    let titles = |titles: &[&str]| titles.iter().map(|title| Cell::from(*title)).collect::<Vec<_>>();
    let mut book = Workbook::default();
    let mut rows = vec![titles(&[t.category, t.calls, t.share_percent, t.minutes, t.money, t.calls_before, t.advice])];
    for row in &report.non_target.rows {
        let (now, before) = (&row.figures.now, row.figures.before.as_ref());
        rows.push(vec![
            pick(&row.category.title_ru, &row.category.title_en),
            now.calls.into(),
            now.share.map_or(Cell::Empty, |share| Cell::Number(share.permille() as f64 / 10.0)),
            desk.lang.minutes(now.time_ms).into(),
            now.cost.as_ref().map_or(Cell::Empty, |cost| Cell::Number(cost.minor as f64 / 100.0)),
            before.map(|before| before.calls).into(),
            pick(&row.category.advice_ru, &row.category.advice_en),
        ]);
    }
    book.sheet(t.category, rows);
    let mut rows = vec![titles(&[t.day, t.calls, t.answered])];
    for day in &report.days {
        rows.push(vec![day.date.to_string().as_str().into(), day.calls.into(), day.answered.into()]);
    }
    book.sheet(t.day, rows);
    let mut rows = vec![titles(&[t.weekday, t.hour, t.calls, t.answered])];
    for hour in &report.hours {
        let weekday = desk.lang.weekday_name((hour.hour / 24) as usize);
        rows.push(vec![weekday.into(), (hour.hour % 24).into(), hour.calls.into(), hour.answered.into()]);
    }
    book.sheet(t.hour, rows);
    Ok(book.file(&format!("report-{}-{}-{}.xlsx", desk.clinic.id, period.from, period.to)))
}
