//! The report as a file: CSV, XLSX, PDF, under their own addresses and as a format of the page's.

use axum::http::StatusCode;
use web::auth::{Grant, Role};

use crate::{month, session, site};

const WEEKS: &str = "from=2026-11-01&to=2026-11-22";

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_a_document_under_two_addresses() {
    let site = site().await;
    let page = site.get(&format!("/desk/vet_lapa/report?{WEEKS}")).await.text();
    for kind in ["pdf", "xlsx", "csv"] {
        let path = format!("/desk/vet_lapa/report.{kind}?{WEEKS}");
        assert!(page.contains(&path.replace('&', "&amp;")), "{kind} has no button");
        let file = site.get(&path).await;
        assert_eq!(file.status, StatusCode::OK, "{kind}");
        let name = format!("report-vet_lapa-2026-11-01-2026-11-22.{kind}");
        assert!(file.header("content-disposition").contains(&name), "{kind}");
        let same = site.get(&format!("/desk/vet_lapa/report?{WEEKS}&format={kind}")).await;
        assert_eq!((same.status, same.bytes.len()), (StatusCode::OK, file.bytes.len()), "{kind}");
    }
    let file = site.get(&format!("/desk/vet_lapa/report.pdf?{WEEKS}")).await;
    assert_eq!(file.header("content-type"), "application/pdf");
    assert!(file.bytes.starts_with(b"%PDF-1.") && file.bytes.len() < 350_000, "{}", file.bytes.len());
    let unknown = site.get(&format!("/desk/vet_lapa/report?{WEEKS}&format=doc")).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_see_the_report_gets_it_as_a_file() {
    let site = site().await;
    let grant = |clinic: &str, role| vec![Grant { clinic: clinic.into(), role }];
    let stranger = session(&site.state, grant("dent_smile", Role::Owner)).await;
    let doctor = session(&site.state, grant(month::CLINIC, Role::Doctor)).await;
    for path in ["/desk/vet_lapa/report.pdf", "/desk/vet_lapa/report?format=pdf"] {
        assert_eq!(site.get_by(&stranger, path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(site.get_by(&doctor, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}
