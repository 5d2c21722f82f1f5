//! What holds for every page: safe against what callers say, small, in both languages, only for its own clinic.

use axum::http::{Request, StatusCode, header};
use web::auth::{Grant, Role};

use crate::{month, session, site};

/// Every page of a clinic, under `/desk/{clinic}/`.
const PAGES: &[&str] = &[
    "calls",
    "calls?review=1",
    "calls?q=стрижка",
    "calls/special",
    "calls/live",
    "today",
    "report",
    "report?from=2026-11-01&to=2026-11-30",
    "staffing",
    "staffing?who=all&hour=9",
    "requests",
    "requests?view=done&days=30",
    "dial",
    "dial?id=entry-1",
    "people",
    "chat",
    "chat/chat-1",
    "visits/new",
    "visits/new?entry=entry-1",
    "visits",
    "flows",
    "flows/trials/trial-1/special",
    "clinic",
];

pub(crate) fn all() -> impl Iterator<Item = String> {
    PAGES.iter().map(|page| {
        let encoded: String =
            page.bytes().map(|b| if b.is_ascii() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
        format!("/desk/{}/{encoded}", month::CLINIC)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_answers_in_both_languages_and_obeys_its_policy() {
    let site = site().await;
    for path in all() {
        for lang in ["ru", "en"] {
            let page = site.get_as(&path, lang).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text());
            let text = page.text();
            assert!(text.contains(&format!("<html lang=\"{lang}\"")), "{path}");
            let policy = page.header("content-security-policy").to_owned();
            assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
            for forbidden in [" style=\"", "<style", " onclick=", " onload=", "javascript:", "http://", "https://"] {
                assert!(!text.contains(forbidden), "{path} has {forbidden}");
            }
            // Scripts only by their address.
            assert!(
                text.match_indices("<script")
                    .all(|(at, _)| text[at..].starts_with("<script defer src=\"/desk-assets/")),
                "{path}"
            );
            for needed in ["<main", "<nav", "class=\"skip\"", "<title>", "<h1"] {
                assert!(text.contains(needed), "{path} lacks {needed}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_say_is_never_markup() {
    let site = site().await;
    let mut seen = false;
    for path in all() {
        let text = site.get(&path).await.text();
        assert!(!text.contains("<script>") && !text.contains("<img src=x"), "{path}");
        seen |= text.contains("&lt;img src=x");
    }
    assert!(seen, "the words stand on some page, as words");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_all_it_loads_stays_under_150_kb() {
    let site = site().await;
    let mut assets = 0;
    let first = site.get(&all().next().unwrap()).await.text();
    for (at, _) in first.match_indices("/desk-assets/") {
        let path = first[at..].split('"').next().unwrap();
        let asset = site.get(path).await;
        assert_eq!(asset.status, StatusCode::OK, "{path}");
        assert!(asset.header("cache-control").contains("immutable"), "{path}");
        assets += asset.bytes.len();
    }
    assert!(assets > 10_000, "a stylesheet and a script");
    for path in all() {
        let whole = site.get(&path).await.bytes.len() + assets;
        assert!(whole < 150 * 1024, "{path}: {whole} bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_that_changes_something_has_the_token_and_needs_it() {
    let site = site().await;
    for path in all() {
        let text = site.get(&path).await.text();
        for (at, _) in text.match_indices("<form") {
            let form = &text[at..at + text[at..].find("</form>").unwrap()];
            if !form.contains("method=\"post\"") {
                continue;
            }
            assert!(form.contains("name=\"csrf\""), "{path}: {form}");
            let action = form.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
            for wrong in ["", "csrf=", "csrf=wrong"] {
                let answer = site.post(action, wrong).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{action} took {wrong:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_clinic_does_not_see_it() {
    let site = site().await;
    for path in all() {
        let unknown = path.replace(month::CLINIC, "nobody");
        assert_eq!(site.get(&unknown).await.status, StatusCode::NOT_FOUND, "{unknown}");
        if path.contains("calls/") || path.contains("chat/") || path.contains("entry-1") {
            let other = path.replace(month::CLINIC, "dent_smile");
            let answer = site.get(&other).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{other}");
            assert!(answer.text().contains("Здесь ничего нет"), "an error is a page: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_what_their_role_lets_them() {
    let site = site().await;
    let grant = |clinic: &str, role| vec![Grant { clinic: clinic.into(), role }];
    let stranger = session(&site.state, grant("dent_smile", Role::Owner)).await;
    let doctor = session(&site.state, grant(month::CLINIC, Role::Doctor)).await;
    let integrator = session(&site.state, grant(month::CLINIC, Role::Integrator)).await;
    for path in all() {
        assert_eq!(site.get_by(&stranger, &path).await.status, StatusCode::NOT_FOUND, "{path}");
        let nobody = site.get_by("nobody", &path).await;
        assert_eq!(nobody.status, StatusCode::SEE_OTHER, "{path}");
        assert!(nobody.header("location").starts_with("/login"), "{path}");
        let may = path.ends_with("/visits") || path.contains("/clinic");
        let expected = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(site.get_by(&doctor, &path).await.status, expected, "{path}");
    }
    let page = site.get_by(&doctor, "/desk/vet_lapa/visits").await.text();
    assert!(!page.contains("/desk/vet_lapa/calls") && !page.contains("/desk/dent_smile"), "{page}");
    let call = site.get_by(&integrator, "/desk/vet_lapa/calls/special").await.text();
    assert!(!call.contains("<audio") && call.contains("вам не разрешено") && !call.contains("/tag\""));
    let sound = site.get_by(&integrator, "/desk/vet_lapa/calls/special/audio/stereo").await;
    assert_eq!(sound.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn language_and_colours_are_remembered_and_lead_nowhere_else() {
    let site = site().await;
    let answer = site.get("/desk/prefs?lang=en&theme=dark&back=/desk/vet_lapa/calls").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/desk/vet_lapa/calls");
    let cookies: Vec<&str> =
        answer.headers.get_all(header::SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(cookies[0].starts_with("gudok_lang=en;") && cookies[1].starts_with("gudok_theme=dark;"), "{cookies:?}");
    for evil in ["https://evil.example", "//evil.example", "/desk//evil.example", "/desk/\\evil"] {
        let answer = site.get(&format!("/desk/prefs?back={evil}")).await;
        assert_eq!(answer.header("location"), "/desk", "{evil}");
    }
    let request = Request::get("/desk/vet_lapa/calls").header(header::COOKIE, "gudok_theme=dark");
    let page = site.send(request).await.text();
    assert!(page.contains("data-theme=\"dark\""));
    let chosen = Request::get("/login").header(header::COOKIE, "gudok_theme=dark; gudok_lang=en");
    let door = site.send_bare(chosen).await.text();
    assert!(door.contains("data-theme=\"dark\"") && door.contains("Sign in"));
}
