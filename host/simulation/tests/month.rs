//! Whole months: nothing is forgotten, nobody is told twice, whatever goes wrong meanwhile.

#![allow(clippy::unwrap_used, reason = "functions that tests share are tests too")]

use std::sync::Arc;

use desk::Clinic;
use simulation::{Month, Report, SimulationError, run};

fn clinic(timezone: &str) -> Arc<Clinic> {
    let text = std::fs::read_to_string("../../clinics/vet_lapa.toml").unwrap();
    let text = text.replace("Europe/Moscow", timezone);
    assert!(text.contains(timezone));
    Arc::new(Clinic::parse(&text, "vet_lapa.toml").unwrap())
}

async fn month(month: &Month) -> Report {
    let folder = tempfile::tempdir().unwrap();
    run(&folder.path().join("gudok.db"), month, |_, _| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fortnight_with_everything_that_goes_wrong_ends_well() {
    let busy = Month::busy(clinic("Europe/Moscow"), "2026-11-02".parse().unwrap());
    let report = month(&Month { days: 14, calls: 300, visits: 130, requests: 45, ..busy }).await;
    assert_eq!(report.broken, Vec::<String>::new(), "{report}");
    assert_eq!(report.calls, 300);
    assert!(report.visits["done"] > 60, "{report}");
    assert!(report.faults.crashes > 0 && report.faults.refused > 0 && report.faults.duplicates > 0, "{report}");
    assert!(report.messages["sent"] > 150, "{report}");
    assert!(report.replies["confirmed"] > 20, "{report}");
    assert!(report.crm.deals > 100 && report.crm.leads > 50, "{report}");
    assert!(report.crm.changed_there > 10 && report.crm.put_back > 0 && report.crm.failed > 20, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_night_the_clocks_go_back_is_a_night_like_others() {
    // In Berlin it is the one from 24 to 25 October 2026.
    let busy = Month::busy(clinic("Europe/Berlin"), "2026-10-21".parse().unwrap());
    let report = month(&Month { days: 7, calls: 140, visits: 60, requests: 20, seed: 5, ..busy }).await;
    assert_eq!(report.broken, Vec::<String>::new(), "{report}");
    assert!(report.visits["done"] > 25, "{report}");
}

#[tokio::test]
async fn a_clinic_that_never_opens_is_said() {
    let text = "id = \"a\"\nname = \"А\"\nkind = \"dental\"\ntimezone = \"Europe/Moscow\"\nservices = [\"гигиена\"]\n\
                [[exceptions]]\nfrom = 2026-11-01\nto = 2026-11-30\nclosed = true\nnote = \"ремонт\"\n";
    let clinic = Arc::new(Clinic::parse(text, "a.toml").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let never = Month { days: 10, ..Month::busy(clinic, "2026-11-05".parse().unwrap()) };
    let error = run(&folder.path().join("gudok.db"), &never, |_, _| {}).await.unwrap_err();
    assert!(matches!(error, SimulationError::Closed { days: 10, .. }), "{error}");
}
