//! What an administrator does in a day: call-backs, visits, and the figures that follow.

use axum::http::StatusCode;
use desk::{Desk, SlotQuery};
use jiff::civil::date;
use records::{CallbackStatus, Status};
use web::auth::Grant;

use crate::{Site, month, session, site};

#[tokio::test(flavor = "multi_thread")]
async fn the_report_says_it_in_a_sentence_and_lets_one_call_back() {
    let site = Site::new().await;
    let page = site.get("/desk/vet_lapa/report?from=2026-11-16&to=2026-11-22").await;
    let text = page.text();
    for needed in
        ["не могут привести к приёму", "class=\"heat ", "Кому не ответили", "Загрузка врачей", "девяти из десяти"]
    {
        assert!(text.contains(needed), "{needed} is missing");
    }
    let action = text.split("/callback\"").next().unwrap().rsplit('"').next().unwrap().to_owned() + "/callback";
    let before = site.state.store.callbacks(month::CLINIC, CallbackStatus::Open).await.unwrap().len();
    let form = format!("csrf={}&back=/desk/vet_lapa/report", page.token());
    let done = site.post(&action, &form).await;
    assert_eq!(
        (done.status, done.header("location")),
        (StatusCode::SEE_OTHER, "/desk/vet_lapa/report"),
        "{}",
        done.text()
    );
    let open = site.state.store.callbacks(month::CLINIC, CallbackStatus::Open).await.unwrap();
    assert_eq!(open.len(), before + 1);
    let csv = site.get("/desk/vet_lapa/report.csv?from=2026-11-16&to=2026-11-22").await.text();
    let book = site.get("/desk/vet_lapa/report.xlsx?from=2026-11-16&to=2026-11-22").await;
    assert!(book.bytes.starts_with(b"PK") && book.header("content-type").contains("spreadsheetml"));
    assert!(csv.contains("Потенциальный клиент") && csv.contains("\"2026-11-16\""), "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn today_shows_who_is_on_the_line_and_streams_it() {
    use futures_util::StreamExt as _;
    use tower::ServiceExt as _;
    let site = site().await;
    let text = site.get("/desk/vet_lapa/today").await.text();
    for needed in ["У нас щенок, первая прививка", "Ольга", "обед", "опоздали на 30"]
    {
        assert!(text.contains(needed), "{needed} is missing");
    }
    let session = session(&site.state, vec![Grant::owner_of_everything()]).await;
    let request = axum::http::Request::get("/desk/vet_lapa/today/stream").header("cookie", format!("gudok={session}"));
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = web::router(site.state.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut seen, mut body) = (String::new(), response.into_body().into_data_stream());
    while !(seen.contains("event: live") && seen.contains("event: rest")) {
        seen.push_str(str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(seen.contains("щенок"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_changes_its_status_and_its_time() {
    let site = Site::new().await;
    let (from, to) = (month::NOW, month::NOW + 4 * 86_400_000);
    let visits = site.state.store.bookings(month::CLINIC, from, to).await.unwrap();
    let visit = visits.iter().find(|visit| visit.status == Status::Booked).unwrap();
    let path = format!("/desk/vet_lapa/visits/{}", visit.id);
    let page = site.get(&path).await;
    assert!(page.text().contains("История"), "{}", page.text());
    let token = page.token();
    let done = site.post(&format!("{path}/status"), &format!("csrf={token}&status=confirmed")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert_eq!(site.state.store.booking(&visit.id).await.unwrap().status, Status::Confirmed);
    let wrong = site.post(&format!("{path}/status"), &format!("csrf={token}&status=booked")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Only where the schedule has room: at night nobody receives.
    let night = site.post(&format!("{path}/move"), &format!("csrf={token}&start=2026-12-01T03:00")).await;
    assert_eq!(night.header("location"), format!("{path}?refused=closed"));
    assert!(site.get(night.header("location")).await.text().contains("нет этого времени"));
    assert_eq!(site.state.store.booking(&visit.id).await.unwrap().status, Status::Confirmed);
    let clinic = site.state.clinics[month::CLINIC].clone();
    let query = SlotQuery {
        service: Some(visit.service.clone()),
        date_from: Some(date(2026, 12, 1)),
        limit: 1,
        ..SlotQuery::default()
    };
    let free = Desk::new(clinic, site.state.store.clone()).find(&query, (site.state.now)()).await.unwrap().remove(0);
    let form = format!("csrf={token}&start={}&doctor={}", free.start_local(), free.doctor_id);
    let moved = site.post(&format!("{path}/move"), &form).await;
    assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text());
    let there = site.get(moved.header("location")).await.text();
    assert!(there.contains(&free.start.strftime("%-d дек, %H:%M").to_string()), "{there}");
    assert_eq!(site.state.store.booking(&visit.id).await.unwrap().status, Status::Moved);
    let grid = site.get(&format!("/desk/vet_lapa/visits?day={}", free.start.date())).await.text();
    assert!(grid.contains("data-visit"), "{grid}");
    assert_eq!(site.get(&path.replace("vet_lapa", "dent_smile")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn staffing_says_what_one_more_and_one_fewer_do() {
    let site = site().await;
    let text = site.get("/desk/vet_lapa/staffing").await.text();
    assert!(text.contains("Erlang A") && text.contains("class=\"heat big\"") && text.contains("нужно"));
    // More to reach takes more hours of work.
    let hours = async |query: &str| -> i64 {
        let text = site.get(&format!("/desk/vet_lapa/staffing?{query}")).await.text();
        let figure = text.split("class=\"big\">").nth(1).unwrap().split('<').next().unwrap();
        figure.replace('\u{a0}', "").parse().unwrap()
    };
    assert!(hours("level=95&within=10").await >= hours("level=50&within=60").await);
    assert!(hours("who=all").await >= hours("who=people").await);
}
