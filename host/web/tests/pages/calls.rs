//! Calls are found, heard by range, and corrected.

use axum::http::{Request, StatusCode, header};

use crate::{Site, site};

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_narrowed_and_goes_on() {
    let site = site().await;
    let rows = async |query: &str| {
        let text = site.get(&format!("/desk/vet_lapa/calls?{query}")).await.text();
        (text.matches("class=\"row\"").count(), text)
    };
    let (all, text) = rows("").await;
    assert_eq!(all, 60);
    let next = text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let second = site.get(&next).await.text();
    assert!(second.contains("class=\"row\""), "{next}");
    let (found, text) = rows("q=%D1%81%D1%82%D1%80%D0%B8%D0%B6%D0%BA%D0%B0+%D0%B4%D0%B5%D1%81%D1%8F%D1%82%D1%8C").await;
    assert_eq!(found, 1, "words of several turns, in other endings");
    assert!(text.contains("/desk/vet_lapa/calls/special"));
    let (lost, text) = rows("outcome=lost").await;
    assert!(lost > 5 && lost < 60 && !text.contains("записали</span>"), "{lost}");
    assert_eq!(rows("number=4567").await.0, 1);
    assert_eq!(rows("number=0000009999").await.0, 0);
    assert!(rows("category=inpatient").await.0 > 3);
    let (today, text) = rows("from=2026-11-23&to=2026-11-23").await;
    assert!(today < 60 && !text.contains(">вчера<"), "{today}");
    assert_eq!(rows("category=nonsense&from=nonsense").await.0, 0, "nonsense finds nothing and breaks nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spreadsheet_gets_the_same_calls() {
    let site = site().await;
    let csv = site.get("/desk/vet_lapa/calls.csv?category=inpatient").await;
    assert!(csv.header("content-disposition").contains("calls-vet_lapa.csv"));
    let text = csv.text();
    assert!(text.starts_with("\u{feff}\"Начало\";\"Номер\""), "{}", &text[..60]);
    let page = site.get("/desk/vet_lapa/calls?category=inpatient").await.text();
    assert_eq!(text.lines().count() - 1, page.matches("class=\"row\"").count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_shows_all_there_is() {
    let site = site().await;
    let text = site.get("/desk/vet_lapa/calls/special").await.text();
    for needed in [
        "<mark>стоит стрижка кота</mark>",
        "<mark>&lt;script&gt;</mark>",
        "data-wave",
        "w-robot",
        "Груминга у нас нет",
        "data-key=\"1\"",
        "data-key=\"0\"",
        "спросил",
        "appointments.book",
        "47\u{a0}%",
    ] {
        assert!(text.contains(needed), "{needed} is missing");
    }
    assert!(site.get("/desk/vet_lapa/calls/live").await.text().contains("Записи звука нет"));
    assert_eq!(site.get("/desk/vet_lapa/calls/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_comes_by_range() {
    let site = site().await;
    let ask = async |range: &str| {
        let request = Request::get("/desk/vet_lapa/calls/special/audio/stereo").header(header::RANGE, range);
        site.send(request).await
    };
    let whole = site.get("/desk/vet_lapa/calls/special/audio/stereo").await;
    assert_eq!((whole.status, whole.header("content-type")), (StatusCode::OK, "audio/wav"));
    let head = ask("bytes=0-99").await;
    assert_eq!((head.status, head.bytes.len()), (StatusCode::PARTIAL_CONTENT, 100));
    assert_eq!(head.bytes, whole.bytes[..100]);
    assert_eq!(head.header("content-range"), format!("bytes 0-99/{}", whole.bytes.len()));
    let tail = ask("bytes=-10").await;
    assert_eq!(tail.bytes, whole.bytes[whole.bytes.len() - 10..]);
    assert_eq!(ask("bytes=999999999-").await.status, StatusCode::RANGE_NOT_SATISFIABLE);
    for other in ["/desk/vet_lapa/calls/special/audio/none", "/desk/dent_smile/calls/special/audio/stereo"] {
        assert_eq!(site.get(other).await.status, StatusCode::NOT_FOUND, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_on_a_call_stands_and_leads_to_the_next() {
    let site = Site::new().await;
    let first = site.get("/desk/vet_lapa/doubtful").await;
    let place = first.header("location").to_owned();
    assert!(place.starts_with("/desk/vet_lapa/calls/") && place.ends_with("?review=1"), "{place}");
    let page = site.get(&place).await;
    assert!(page.text().contains("name=\"queue\""));
    let token = page.token();
    let call = place.rsplit('/').next().unwrap().split('?').next().unwrap();
    let action = format!("/desk/vet_lapa/calls/{call}/tag");
    let unknown = site.post(&action, &format!("csrf={token}&category=made_up")).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    let told = site.post(&action, &format!("csrf={token}&category=target&queue=1")).await;
    assert_eq!(told.status, StatusCode::SEE_OTHER, "{}", told.text());
    assert_eq!(told.header("location"), format!("/desk/vet_lapa/doubtful?after={call}"));
    let tag = site.state.store.tag(call).await.unwrap().unwrap();
    assert_eq!((tag.category.as_str(), tag.confidence, tag.review), ("target", 1.0, false));
    let next = site.get(told.header("location")).await;
    assert!(!next.header("location").contains(call), "{}", next.header("location"));
    // With none left it says so.
    let filter = records::CallFilter { review: Some(true), ..records::CallFilter::default() };
    for call in site.state.store.calls(&filter, 1000, None).await.unwrap().calls {
        let done =
            site.post(&format!("/desk/vet_lapa/calls/{}/tag", call.id), &format!("csrf={token}&category=doctor")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
    }
    assert!(site.get("/desk/vet_lapa/doubtful").await.text().contains("Сомнительных звонков нет"));
}
