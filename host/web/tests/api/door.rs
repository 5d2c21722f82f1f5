//! The door: the first owner, signing in and out, what is shown to whom.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::{NOW, TestApp};

fn form(path: &str, body: &str) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn empty() -> TestApp {
    let mut app = TestApp::new().await;
    let store = records::Store::open(app.folder().join("empty.db")).await.unwrap();
    let clinics: Vec<_> = app.state.clinics.values().cloned().collect();
    let now = app.state.now;
    app.state = web::AppState::new(store, clinics, Vec::new());
    app.state.now = now;
    app
}

#[tokio::test]
async fn the_first_owner_comes_by_a_link_that_works_once() {
    let app = empty().await;
    let secret = app.state.accounts.first_link(NOW).await.unwrap().unwrap();
    let shown = Request::get(format!("/first-run?token={secret}")).body(Body::empty()).unwrap();
    assert!(app.send_bare(shown).await.text.contains("Первый владелец"));
    let owner = |password: &str| {
        form("/first-run", &format!("token={secret}&login=anna&name=Anna&language=ru&password={password}"))
    };
    let weak = app.send_bare(owner("1234567890")).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.text.contains("role=\"alert\""));
    let came = app.raw_bare(owner("a+cat+on+a+window")).await;
    assert_eq!((came.status(), &came.headers()["location"]), (StatusCode::SEE_OTHER, &"/desk".parse().unwrap()));
    let cookie = came.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("gudok=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert_eq!(app.send_bare(owner("a+cat+on+a+window")).await.status, StatusCode::GONE);
    assert_eq!(app.state.accounts.first_link(NOW).await.unwrap(), None);

    let cookie = cookie.split(';').next().unwrap().to_owned();
    let me = Request::get("/api/v1/me").header("cookie", &cookie).body(Body::empty()).unwrap();
    let me = app.send_bare(me).await.json();
    assert_eq!(me["user"]["name"], "Anna");
    assert_eq!(me["clinics"][0]["roles"][0], "owner");
    assert!(me["user"].get("password").is_none());
}

#[tokio::test]
async fn a_person_is_led_to_the_door_and_a_program_is_told() {
    let app = TestApp::new().await;
    let page = Request::get("/report?clinic=vet").header("accept", "text/html").body(Body::empty()).unwrap();
    let led = app.raw_bare(page).await;
    assert_eq!(led.status(), StatusCode::SEE_OTHER);
    assert!(led.headers()["location"].to_str().unwrap().starts_with("/login?next=%2F"));
    let program = Request::get("/api/v1/calls?clinic=vet").body(Body::empty()).unwrap();
    let told = app.raw_bare(program).await;
    assert_eq!(
        (told.status(), &told.headers()["www-authenticate"]),
        (StatusCode::UNAUTHORIZED, &"Bearer realm=\"gudok\"".parse().unwrap())
    );
}

#[tokio::test]
async fn wrong_passwords_sound_alike_and_make_one_wait() {
    let app = empty().await;
    let secret = app.state.accounts.first_link(NOW).await.unwrap().unwrap();
    let body = format!("token={secret}&login=anna&name=Anna&language=ru&password=a+cat+on+a+window");
    app.send_bare(form("/first-run", &body)).await;
    let wrong = app.send_bare(form("/login", "login=anna&password=a+dog")).await;
    let nobody = app.send_bare(form("/login", "login=nobody&password=a+dog")).await;
    assert_eq!((wrong.status, nobody.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(wrong.text.replace("anna", ""), nobody.text.replace("nobody", ""));
    for _ in 0..4 {
        app.send_bare(form("/login", "login=anna&password=a+dog")).await;
    }
    let right = form("/login", "login=ANNA&password=a+cat+on+a+window");
    let waits = app.raw_bare(right).await;
    assert_eq!(waits.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(waits.headers()["retry-after"], "2");
    let mut later = app.state.clone();
    later.now = || jiff::Timestamp::from_millisecond(NOW + 3_000).unwrap();
    let app = TestApp { state: later, ..app };
    let came = app.raw_bare(form("/login", "login=ANNA&password=a+cat+on+a+window&next=/desk/vet")).await;
    assert_eq!(came.headers()["location"], "/desk/vet");

    let cookie = came.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let present = app.state.accounts.by_session(cookie.trim_start_matches("gudok="), NOW + 3_000).await.unwrap();
    let accounts::Shown::Session(session) = present.unwrap().by else { panic!("a session was shown") };
    let out = Request::post("/logout").header("cookie", &cookie).header("x-csrf-token", &session.csrf);
    assert_eq!(app.send_bare(out.body(Body::empty()).unwrap()).await.status, StatusCode::SEE_OTHER);
    let me = Request::get("/api/v1/me").header("cookie", &cookie).body(Body::empty()).unwrap();
    assert_eq!(app.send_bare(me).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_of_another_site_does_not_sign_in() {
    let app = empty().await;
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let request = Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("host", "localhost").header(name, value);
        let answer = app.send_bare(request.body(Body::from("login=a&password=b")).unwrap()).await;
        assert_eq!(answer.problem().1, "foreign-form");
    }
}

#[tokio::test]
async fn over_https_cookies_and_browsers_are_told_so() {
    let mut app = TestApp::new().await;
    app.state.entry = std::sync::Arc::new(web::auth::EntryRules { https: true, behind_proxy: true });
    let page = app.raw_bare(Request::get("/login").body(Body::empty()).unwrap()).await;
    assert!(page.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age=31536000"));
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let out = app.raw_bare(Request::post("/logout").body(Body::empty()).unwrap()).await;
    assert_eq!(out.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_language_is_chosen_by_the_browser() {
    let app = TestApp::new().await;
    let english = Request::get("/login").header("accept-language", "en-GB,en").body(Body::empty()).unwrap();
    assert!(app.send_bare(english).await.text.contains("Sign in"));
    assert!(app.send_bare(Request::get("/login").body(Body::empty()).unwrap()).await.text.contains("Вход"));
}
