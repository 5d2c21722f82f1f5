//! The pages as a browser gets them: in both languages, with a month in the store, and with words that would break them.

#![allow(clippy::unwrap_used, reason = "functions that tests share are tests too")]

mod browser;
mod calls;
#[path = "../visitors/browser/chromium.rs"]
#[allow(dead_code, reason = "it has a microphone, too")]
mod chromium;
mod desk_work;
mod document;
mod live;
mod month;
mod pictures;
mod rules;
mod setup;
mod work;

use std::sync::LazyLock;

use accounts::NewUser;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{Request, StatusCode, header};
use jiff::Timestamp;
use records::Store;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tower::ServiceExt as _;
use web::AppState;
use web::auth::Grant;

/// What somebody might say or be called to break a page.
const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

pub(crate) struct Site {
    pub(crate) state: AppState,
    /// An owner's session.
    pub(crate) owner: String,
    _folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The token that stands in every form of the page.
    pub(crate) fn token(&self) -> String {
        let text = self.text();
        let (_, rest) = text.split_once("name=\"csrf\" content=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::after(9, EVIL).await
    }

    /// After so many days, with somebody who is called so.
    pub(crate) async fn after(days: i64, words: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
        month::fill(&store, days, words).await;
        let mut state = AppState::new(store, month::clinics(), month::categories());
        state.now = || Timestamp::from_millisecond(month::NOW).unwrap();
        let owner = session(&state, vec![Grant::owner_of_everything()]).await;
        Self { state, owner, _folder: folder }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_as(path, "ru").await
    }

    pub(crate) async fn get_as(&self, path: &str, lang: &str) -> Answer {
        let request =
            Request::get(path).header(header::COOKIE, format!("gudok_lang={lang}")).header(header::ACCEPT, "text/html");
        self.send(request).await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, format!("gudok={}", self.owner))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.answer(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Asked by the owner, with headers of one's own.
    pub(crate) async fn send(&self, request: Builder) -> Answer {
        self.send_bare(request.header(header::COOKIE, format!("gudok={}", self.owner))).await
    }

    /// Asked by whoever holds the session.
    pub(crate) async fn get_by(&self, session: &str, path: &str) -> Answer {
        let request = Request::get(path).header(header::ACCEPT, "text/html");
        self.send_bare(request.header(header::COOKIE, format!("gudok={session}"))).await
    }

    pub(crate) async fn send_bare(&self, request: Builder) -> Answer {
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = web::router(self.state.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 50_000_000).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}

/// The secret of a session of somebody who has these roles.
pub(crate) async fn session(state: &AppState, grants: Vec<Grant>) -> String {
    let new =
        NewUser { login: records::id(), name: "Анна Сергеевна".into(), language: "ru".into(), grants };
    let (user, _) = state.accounts.invite(&new, "test", month::NOW).await.unwrap();
    state.accounts.open(user, "test", month::NOW).await.unwrap().secret
}

/// One store for tests that only read. It lives in a runtime of its own: that of a test ends with the test.
pub(crate) async fn site() -> &'static Site {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    static SITE: OnceCell<Site> = OnceCell::const_new();
    SITE.get_or_init(|| async { RUNTIME.spawn(Site::new()).await.unwrap() }).await
}
