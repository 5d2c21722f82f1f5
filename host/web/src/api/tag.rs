//! Versions of what is read and changed: `ETag`, `If-None-Match`, `If-Match` (RFC 9110 §13).

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::Problem;

/// What the one who asks has seen.
pub(crate) struct WantedTag {
    none_match: Option<String>,
    matches: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for WantedTag {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self {
            none_match: text(&parts.headers, header::IF_NONE_MATCH),
            matches: text(&parts.headers, header::IF_MATCH),
        })
    }
}

impl WantedTag {
    /// Goes on only if what is about to be changed is what was seen. Without `If-Match` nobody claims to have seen anything.
    pub(crate) fn check<T: Serialize>(&self, now: &T) -> Result<(), Problem> {
        let fits = |wanted: &String| lists(wanted, &tag(now));
        if self.matches.as_ref().is_none_or(fits) { Ok(()) } else { Err(Problem::changed_meanwhile()) }
    }

    /// The answer with its tag; 304 for who has it already.
    pub(crate) fn answer<T: Serialize>(&self, body: T) -> Tagged<T> {
        let tag = tag(&body);
        let same = self.none_match.as_ref().is_some_and(|wanted| lists(wanted, &tag));
        Tagged { body, tag, same }
    }
}

/// An answer with the tag of its version.
pub(crate) struct Tagged<T> {
    body: T,
    tag: String,
    same: bool,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response =
            if self.same { StatusCode::NOT_MODIFIED.into_response() } else { Json(self.body).into_response() };
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        // It may be kept, and must be asked about each time.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        response
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A hash of what is sent: equal bodies, equal tags, whatever their row's history.
fn tag<T: Serialize>(body: &T) -> String {
    let text = serde_json::to_string(body).unwrap_or_default();
    format!("\"{}\"", &accounts::secret::fingerprint(&text)[..32])
}

fn lists(wanted: &str, tag: &str) -> bool {
    wanted.trim() == "*" || wanted.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bodies_have_equal_tags() {
        let tag = tag(&serde_json::json!({ "a": 1 }));
        assert_eq!(tag, super::tag(&serde_json::json!({ "a": 1 })));
        assert_ne!(tag, super::tag(&serde_json::json!({ "a": 2 })));
        assert!(lists(&format!("\"x\", {tag}"), &tag) && lists(&format!("W/{tag}"), &tag) && lists("*", &tag));
        assert!(!lists("\"x\"", &tag));
    }
}
