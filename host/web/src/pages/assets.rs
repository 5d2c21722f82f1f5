//! The stylesheet and the script: embedded, named by their content, so that a browser keeps them for good.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::{AppState, Problem};

static STYLE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}{}{}",
        include_str!("../../assets/desk.css"),
        include_str!("../../assets/setup.css"),
        reports::page::FIGURES
    )
});
static SCRIPT: &str = include_str!("../../assets/desk.js");
static RECORD: &str = include_str!("../../assets/record.js");
static STYLE_PATH: LazyLock<String> = LazyLock::new(|| format!("/desk-assets/desk-{}.css", hash(&STYLE)));
static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| format!("/desk-assets/desk-{}.js", hash(SCRIPT)));
static RECORD_PATH: LazyLock<String> = LazyLock::new(|| format!("/desk-assets/record-{}.js", hash(RECORD)));

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk-assets/{name}", get(asset))
}

/// The address of the stylesheet.
pub(crate) fn style() -> &'static str {
    &STYLE_PATH
}

/// The address of the script.
pub(crate) fn script() -> &'static str {
    &SCRIPT_PATH
}

/// The address of the script that records prompts; only the page that records loads it.
pub(crate) fn record() -> &'static str {
    &RECORD_PATH
}

async fn asset(Path(name): Path<String>) -> Result<Response, Problem> {
    let is = |path: &str| path.rsplit('/').next() == Some(name.as_str());
    let (kind, body) = if is(style()) {
        ("text/css; charset=utf-8", STYLE.as_str())
    } else if is(script()) {
        ("text/javascript; charset=utf-8", SCRIPT)
    } else if is(record()) {
        ("text/javascript; charset=utf-8", RECORD)
    } else {
        return Err(Problem::no_such_page());
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((StatusCode::OK, headers, body).into_response())
}

/// FNV-1a, 64 bits: names a version of our own file, guards nothing.
fn hash(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
