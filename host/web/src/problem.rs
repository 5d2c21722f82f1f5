//! The one error: problem details for HTTP APIs, RFC 9457.

use accounts::AccountError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use records::RecordsError;
use reports::ReportError;
use rollout::RolloutError;
use schemars::JsonSchema;
use serde::Serialize;

/// Why a request was not answered as asked. Sent as `application/problem+json`; `code` stays the same, the sentences may not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The kind in a few words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The kind as a word to compare with.
    pub code: &'static str,
    /// What is wrong with this request and what would be right. Of what was sent only the names of flows, versions,
    /// interfaces and fields are repeated.
    pub detail: String,
    /// The query parameter it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What that parameter may be, when that is a short list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { title, status: status.as_u16(), code, detail: detail.into(), parameter: None, allowed: Vec::new() }
    }

    fn about(mut self, parameter: &str, allowed: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.parameter = Some(parameter.to_owned());
        self.allowed = allowed.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    pub(crate) fn bad_parameter(
        parameter: &str,
        detail: impl Into<String>,
        allowed: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let title = "A query parameter is wrong";
        Self::new(StatusCode::BAD_REQUEST, "bad-parameter", title, detail).about(parameter, allowed)
    }

    pub(crate) fn unknown_clinic(known: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let detail = "there is no such clinic on this server; allowed lists those there are";
        Self::new(StatusCode::NOT_FOUND, "unknown-clinic", "Unknown clinic", detail).about("clinic", known)
    }

    pub(crate) fn sign_in() -> Self {
        let detail = "send a token as `Authorization: Bearer gudok_…`, or sign in at /login";
        Self::new(StatusCode::UNAUTHORIZED, "sign-in", "Nobody is signed in", detail)
    }

    pub(crate) fn wrong_token() -> Self {
        let detail = "this token is mistyped, was revoked, or has run out";
        Self::new(StatusCode::UNAUTHORIZED, "wrong-token", "The token is not taken", detail)
    }

    pub(crate) fn no_word() -> Self {
        let detail = "what changes something must carry the page's own word, in the field `csrf` or the header \
                      X-CSRF-Token; load the page anew";
        Self::new(StatusCode::FORBIDDEN, "no-word", "Not sent by our page", detail)
    }

    pub(crate) fn foreign_form() -> Self {
        let detail = "this form was sent by a page of another site";
        Self::new(StatusCode::FORBIDDEN, "foreign-form", "Not sent by our page", detail)
    }

    pub(crate) fn too_often() -> Self {
        let detail = "this token asks too often; Retry-After says when to go on";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-often", "Too many requests", detail)
    }

    pub(crate) fn session_only() -> Self {
        let detail = "this is for a signed-in person, not for a token";
        Self::new(StatusCode::FORBIDDEN, "session-only", "Not for tokens", detail)
    }

    pub(crate) fn key_reused() -> Self {
        let detail = "this key was used for another request; a key belongs to one request";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", "Another request with the same key", detail)
            .about("Idempotency-Key", [""; 0])
    }

    pub(crate) fn still_working() -> Self {
        let detail = "the first request with this key is being worked on; ask again in a moment";
        Self::new(StatusCode::CONFLICT, "still-working", "Not answered yet", detail).about("Idempotency-Key", [""; 0])
    }

    pub(crate) fn time_taken() -> Self {
        let detail = "somebody was quicker; look for free times again";
        Self::new(StatusCode::CONFLICT, "time-taken", "The time is taken", detail)
    }

    pub(crate) fn conflict(code: &'static str, title: &'static str, detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, code, title, detail)
    }

    pub(crate) fn schedule_silent(detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "schedule-silent", "The schedule does not answer", detail)
    }

    pub(crate) fn unreadable(status: StatusCode) -> Self {
        let detail = "the address, the headers or the body cannot be read; encode them as the document says";
        Self::new(status, "unreadable", "The request cannot be read", detail)
    }

    pub(crate) fn may_not(permission: accounts::Permission) -> Self {
        let detail = format!("this wants the permission `{permission}` at this clinic; an owner can give it");
        Self::new(StatusCode::FORBIDDEN, "may-not", "Not allowed", detail)
    }

    pub(crate) fn changed_meanwhile() -> Self {
        let detail = "somebody changed this since you read it; read it again and repeat, with the new ETag in If-Match";
        Self::new(StatusCode::PRECONDITION_FAILED, "changed-meanwhile", "Changed in the meantime", detail)
    }

    pub(crate) fn unknown(what: &'static str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown",
            "There is no such thing",
            format!("there is no {what} with this id"),
        )
    }

    pub(crate) fn unknown_call() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown-call", "Unknown call", "there is no call with this id")
    }

    /// What came in of somebody's own accord was not taken.
    pub(crate) fn not_taken(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self::new(status, code, "It was not taken", detail)
    }

    pub(crate) fn no_such_page() -> Self {
        let detail = "try /healthz, /metrics, /report, /api/v1/clinics, /api/v1/calls, /api/v1/review, /api/v1/report, \
                      /api/v1/flows, /api/v1/routes";
        Self::new(StatusCode::NOT_FOUND, "no-such-page", "There is nothing at this address", detail)
    }

    pub(crate) fn wrong_method() -> Self {
        let detail = "what is read wants GET; a component, a change of a route and a word on a call want POST";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "Method not allowed", detail)
    }

    pub(crate) fn wrong_host() -> Self {
        let detail = "call this server by its IP address or as localhost; other names have to be configured";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", "Unknown host name", detail)
    }

    pub(crate) fn busy() -> Self {
        let detail = "too many requests at the same time; try again in a second";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The server is busy", detail)
    }

    pub(crate) fn too_slow() -> Self {
        let detail = "the answer took too long to find; ask for a shorter period";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", "The answer took too long", detail)
    }

    pub(crate) fn wrong_content_type(wanted: &str) -> Self {
        let detail = format!("the body must be sent as Content-Type: {wanted}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-content-type", "Wrong content type", detail)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("the body did not arrive whole, or has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    pub(crate) fn bad_body(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-body", "The body is wrong", detail).about(field, [""; 0])
    }

    pub(crate) fn unknown_entry(known: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let detail = "there is no such entry; allowed lists those there are";
        Self::new(StatusCode::NOT_FOUND, "unknown-entry", "Unknown entry", detail).about("entry", known)
    }

    pub(crate) fn no_flows() -> Self {
        let detail = "this server was started without a library of flows";
        Self::new(StatusCode::NOT_FOUND, "no-flows", "There are no flows here", detail)
    }

    pub(crate) fn no_reviews() -> Self {
        let detail = "this server was started without a classifier to put calls in order";
        Self::new(StatusCode::NOT_FOUND, "no-reviews", "There are no reviews here", detail)
    }

    pub(crate) fn flow_refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "flow-refused", "The flow is refused", detail)
    }

    pub(crate) fn no_visitors_here() -> Self {
        let detail = "no clinic takes visitors at this address; it has to be switched on for each clinic";
        Self::new(StatusCode::NOT_FOUND, "no-visitors-here", "There is nothing at this address", detail)
    }

    pub(crate) fn not_to_be_heard() -> Self {
        let detail =
            "it is over, it is not recorded, or its caller has not heard yet that it is: then nobody may listen";
        Self::new(StatusCode::CONFLICT, "not-to-be-heard", "This call cannot be listened to", detail)
    }

    pub(crate) fn not_taken_over(why: String) -> Self {
        Self::new(StatusCode::CONFLICT, "not-taken-over", "This call cannot be taken over", why)
    }

    pub(crate) fn foreign_page() -> Self {
        let detail = "a page of this site may not open a conversation here; name its origin in the configuration";
        Self::new(StatusCode::FORBIDDEN, "foreign-page", "The page is not known here", detail)
    }

    pub(crate) fn not_genuine() -> Self {
        let detail = "the signature or the password is missing or wrong; the address that was signed must be the public one \
                      in the configuration";
        Self::new(StatusCode::FORBIDDEN, "not-genuine", "Not who it should be", detail)
    }

    pub(crate) fn no_room() -> Self {
        let detail = "as many conversations as fit are going on; try again in a minute";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-room", "All lines are busy", detail)
    }

    pub(crate) fn too_many() -> Self {
        let detail = "too many conversations from this address; try again in a minute";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many conversations", detail)
    }

    pub(crate) fn database() -> Self {
        let detail = "the records cannot be read; the server's log says why";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "database", "The database fails", detail)
    }
}

/// As it is sent: with `type`, a relative reference that names the kind.
#[derive(Serialize)]
struct Sent {
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    problem: Problem,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = format!("/problems/{}", self.code);
        let mut response = (status, Json(Sent { kind, problem: self })).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<RecordsError> for Problem {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::NotFound { what: "call", .. } => Self::unknown_call(),
            RecordsError::NotFound { what, .. } => Self::unknown(what),
            error @ RecordsError::WrongStatus { .. } => {
                Self::conflict("wrong-status", "It cannot go there from where it is", error.to_string())
            }
            RecordsError::Claimed { .. } => Self::conflict(
                "claimed",
                "Somebody else works on it",
                "this entry of the list is not free, or it is at its end; take the next one".to_owned(),
            ),
            error @ (RecordsError::NoKeyring { .. } | RecordsError::NoKey { .. } | RecordsError::WrongKey { .. }) => {
                tracing::error!(%error, "a key is missing");
                let detail = "the clinic's key is not on this server, or is another one; the server's log says which";
                Self::conflict("no-key", "The key is missing", detail.to_owned())
            }
            error => {
                tracing::error!(%error, "reading the records failed");
                Self::database()
            }
        }
    }
}

impl From<outreach::OutreachError> for Problem {
    fn from(error: outreach::OutreachError) -> Self {
        use outreach::OutreachError as E;
        match error {
            E::Records(error) => error.into(),
            error @ (E::NoReason { .. } | E::UnknownReason { .. }) => Self::bad_body("reason", error.to_string()),
            error => {
                tracing::error!(%error, "the list of people to call failed");
                Self::database()
            }
        }
    }
}

impl From<chat::ChatError> for Problem {
    fn from(error: chat::ChatError) -> Self {
        use chat::ChatError as E;
        match error {
            E::Records(error) => error.into(),
            E::Refused(refused @ chat::Refused::HeldBy(_)) => {
                tracing::debug!(%refused, "a conversation is somebody else's");
                let said = "another person answers in this conversation; ask them to give it back".to_owned();
                Self::conflict("held", "Somebody else answers there", said)
            }
            E::Refused(refused) => Self::conflict("wrong-state", "The conversation is not there", refused.to_string()),
            error @ E::NoCanned { .. } => Self::bad_body("canned", error.to_string()),
            error @ E::Unreadable(_) => Self::bad_body("phone", error.to_string()),
            error => {
                tracing::error!(%error, "a conversation could not be changed");
                Self::database()
            }
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let said = error.to_string();
        match error {
            AccountError::Records(error) => error.into(),
            AccountError::BadField { field, problem } => Self::bad_body(field, problem),
            AccountError::LoginTaken => {
                Self::new(StatusCode::CONFLICT, "login-taken", "The login is taken", said).about("login", [""; 0])
            }
            AccountError::LastOwner => Self::new(StatusCode::CONFLICT, "last-owner", "The last owner stays", said),
            AccountError::ChangedMeanwhile => Self::changed_meanwhile(),
            AccountError::BadLink => Self::new(StatusCode::GONE, "bad-link", "The link does not work", said),
            AccountError::Wait { .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, "wait", "Too many attempts", said),
            AccountError::Wrong | AccountError::CodeNeeded => {
                Self::new(StatusCode::FORBIDDEN, "wrong-secret", "Not the right password or code", said)
            }
            _ => {
                tracing::error!(error = %said, "an account could not be used");
                Self::new(StatusCode::BAD_GATEWAY, "sign-in-failed", "Signing in failed", said)
            }
        }
    }
}

impl From<RolloutError> for Problem {
    fn from(error: RolloutError) -> Self {
        use RolloutError as E;
        let said = error.to_string();
        match error {
            E::Records(error) => error.into(),
            E::Flow(_) | E::BadKey { .. } | E::BadName { .. } | E::BadClinic { .. } => Self::flow_refused(said),
            E::BadEntry(_) | E::BadPercent(_) => Self::bad_body("", said),
            E::AddedCapabilities { added, .. } => {
                let title = "The flow asks for more than the version before";
                Self::new(StatusCode::CONFLICT, "more-capabilities", title, said).about("allow", added)
            }
            E::Unsigned { .. } | E::WrongSignature { .. } => {
                Self::new(StatusCode::FORBIDDEN, "unsigned", "The flow is not signed as it must be", said)
            }
            E::UnknownVersion { .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown-version", "Unknown version of a flow", said)
            }
            E::Ambiguous { candidates, .. } => {
                let title = "Several versions go by this name";
                Self::new(StatusCode::CONFLICT, "ambiguous-version", title, said).about("version", candidates)
            }
            E::NoRoute { .. } => Self::new(StatusCode::NOT_FOUND, "no-route", "Nothing is deployed there", said),
            E::InUse { .. }
            | E::NoCandidate { .. }
            | E::NoShadow { .. }
            | E::NothingBefore { .. }
            | E::AlreadyStable { .. }
            | E::Contended { .. }
            | E::NotPlanned { .. } => {
                Self::new(StatusCode::CONFLICT, "route-conflict", "The route does not allow this now", said)
            }
            _ => {
                tracing::error!(error = %said, "the library of flows failed");
                let detail = "the library of flows cannot be used; the server's log says why";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "library", "The library of flows fails", detail)
            }
        }
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Records(error) => error.into(),
            error @ ReportError::Timezone(_) => {
                tracing::error!(%error, "a clinic's time zone is unknown");
                Self::database()
            }
            error => Self::bad_parameter("from", error.to_string(), [""; 0]),
        }
    }
}
