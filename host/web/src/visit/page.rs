//! The call page, the chat's demonstration page, and what they load: all of it from here.

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};

use super::calls::Kind;
use super::entrance::Entrance;
use super::settings::Page;
use crate::{AppState, Problem};

const CALL_JS: &str = include_str!("assets/call.js");
const SOUND_JS: &str = include_str!("assets/sound.js");
const WIDGET_JS: &str = include_str!("assets/widget.js");
const STYLE: &str = include_str!("assets/page.css");
const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

pub(super) fn router() -> Router<AppState> {
    assets().route("/call/{clinic}", get(call)).route("/chat/{clinic}", get(chat))
}

/// What the pages load.
pub(super) fn assets() -> Router<AppState> {
    Router::new()
        .route("/assets/call.js", get(|| async { asset(JS, CALL_JS) }))
        .route("/assets/sound.js", get(|| async { asset(JS, SOUND_JS) }))
        .route("/assets/page.css", get(|| async { asset(CSS, STYLE) }))
        .route("/widget.js", get(|| async { asset(JS, WIDGET_JS) }))
}

/// The keys of a telephone, with the letters a screen reader would not guess.
const KEYS: [(&str, &str, &str); 12] = [
    ("1", "1", "1"),
    ("2", "2", "2"),
    ("3", "3", "3"),
    ("4", "4", "4"),
    ("5", "5", "5"),
    ("6", "6", "6"),
    ("7", "7", "7"),
    ("8", "8", "8"),
    ("9", "9", "9"),
    ("*", "звёздочка", "star"),
    ("0", "0", "0"),
    ("#", "решётка", "pound"),
];

async fn call(entrance: Entrance, Path(clinic): Path<String>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let page = entrance.page(&clinic, Kind::Browser)?;
    let name = entrance.state.clinics.get(&clinic).map_or("", |clinic| clinic.name.as_str());
    let english = english(query.as_deref());
    let t = |ru: &'static str, en: &'static str| if english { en } else { ru };
    let body = html! {
        main {
            h1 { (name) }
            p #status role="status" { (t("Разговор с клиникой прямо из браузера. Понадобится микрофон.", "Talk to the clinic from this page. A microphone is needed.")) }
            p #problem role="alert" hidden {}
            div.actions {
                button #call type="button" { (t("Позвонить", "Call")) }
                button #mute type="button" aria-pressed="false" hidden { (t("Без микрофона", "Mute")) }
                button #hangup type="button" hidden { (t("Завершить", "Hang up")) }
            }
            section #talk hidden aria-label=(t("Разговор", "Conversation")) {
                ol #captions role="log" aria-live="polite" aria-label=(t("Субтитры", "Captions")) tabindex="0" {}
                div #keys role="group" aria-label=(t("Клавиши телефона", "Telephone keys")) {
                    @for (key, ru, en) in KEYS {
                        button type="button" data-key=(key) aria-label=(t(ru, en)) { (key) }
                    }
                }
                p.hint { (t("Цифры можно нажимать и на клавиатуре.", "Digits work on the keyboard, too.")) }
            }
            noscript { p { (t("Для звонка нужен JavaScript.", "A call needs JavaScript.")) } }
        }
    };
    Ok(shown(page, english, &format!("{name} · {}", t("звонок", "call")), "/assets/call.js", &body))
}

async fn chat(entrance: Entrance, Path(clinic): Path<String>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let page = entrance.page(&clinic, Kind::Chat)?;
    let name = entrance.state.clinics.get(&clinic).map_or("", |clinic| clinic.name.as_str());
    let english = english(query.as_deref());
    let t = |ru: &'static str, en: &'static str| if english { en } else { ru };
    let line = format!("<script src=\"…/widget.js\" data-clinic=\"{clinic}\" async></script>");
    let body = html! {
        main {
            h1 { (name) }
            p { (t("Так чат выглядит на сайте клиники: кнопка в углу страницы. Её ставит одна строка:", "The chat as it stands on the clinic's site: a button in the corner. One line puts it there:")) }
            pre { code { (line) } }
        }
        script src="/widget.js" data-clinic=(clinic) data-open="yes" async {}
    };
    Ok(shown(page, english, &format!("{name} · {}", t("чат", "chat")), "", &body))
}

/// The page with its policy: it loads nothing from anywhere else, and stands in frames of named sites only.
fn shown(page: &Page, english: bool, title: &str, script: &str, body: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang=(if english { "en" } else { "ru" }) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href="/assets/page.css";
                link rel="icon" href="data:,";
                @if !script.is_empty() { script src=(script) defer {} }
            }
            body { (body) }
        }
    };
    let sites: Vec<&str> = page.origins.iter().map(String::as_str).filter(|site| is_plain(site)).collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'self' {}",
        sites.join(" ")
    );
    let mut response = Html(markup.into_string()).into_response();
    if let Ok(policy) = HeaderValue::from_str(policy.trim_end()) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let permissions = HeaderName::from_static("permissions-policy");
    response
        .headers_mut()
        .insert(permissions, HeaderValue::from_static("microphone=(self), camera=(), geolocation=()"));
    response
}

/// An origin that cannot end the directive it stands in.
fn is_plain(site: &str) -> bool {
    site.contains("://") && site.chars().all(|c| c.is_ascii_alphanumeric() || ":/.-[]".contains(c))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=300"),
        // The widget is loaded by the pages of clinics' sites.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (headers, text).into_response()
}

fn english(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "lang=en"))
}
