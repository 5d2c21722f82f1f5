//! The API's frame: every route is declared with what it wants and what it answers, and the declaration is the document.
//!
//! - [`Api`]: routes and their [`Op`]s; `router()` is what serves them
//! - `document`: the OpenAPI 3.1 document made of the declarations; `browse`: the page that shows it
//! - `once`: requests that are not done twice (`Idempotency-Key`); `tag`: versions of what is changed (`ETag`)
//!
//! A route that is not declared here is not part of the API.

mod browse;
mod document;
mod once;
mod op;
mod tag;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::{Method, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, on};

pub(crate) use document::document;
pub(crate) use once::once;
pub(crate) use op::{Needs, Op, Param, body_of};
pub(crate) use tag::{Tagged, WantedTag};

use crate::{AppState, Problem};

/// Routes of the API and what is said of them.
pub(crate) struct Api {
    router: Router<AppState>,
    pub(crate) operations: Vec<Declared>,
}

/// One route.
pub(crate) struct Declared {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) op: Op,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), operations: Vec::new() }
    }

    pub(crate) fn get<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, handler: H, op: Op) -> Self {
        self.on(Method::GET, MethodFilter::GET, path, handler, op)
    }

    pub(crate) fn post<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, handler: H, op: Op) -> Self {
        self.on(Method::POST, MethodFilter::POST, path, handler, op)
    }

    pub(crate) fn put<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, handler: H, op: Op) -> Self {
        self.on(Method::PUT, MethodFilter::PUT, path, handler, op)
    }

    pub(crate) fn patch<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, handler: H, op: Op) -> Self {
        self.on(Method::PATCH, MethodFilter::PATCH, path, handler, op)
    }

    pub(crate) fn delete<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, handler: H, op: Op) -> Self {
        self.on(Method::DELETE, MethodFilter::DELETE, path, handler, op)
    }

    fn on<H: Handler<T, AppState>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
        op: Op,
    ) -> Self {
        let mut route = on(filter, handler);
        if matches!(op.body, op::Contents::Raw(_)) {
            route = route.layer(DefaultBodyLimit::max(crate::flows::MAX_COMPONENT));
        }
        self.router = self.router.route(path, route);
        self.operations.push(Declared { method, path, op });
        self
    }

    /// Adds the routes of another room.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }

    /// What serves them.
    pub(crate) fn router(self) -> Router<AppState> {
        self.router.layer(map_response(in_one_form))
    }
}

/// What the framework refuses before a handler sees it (a path that is no UTF-8, say) is told in our form, too.
async fn in_one_form(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if response.status().is_client_error() && !kind.contains("json") {
        return Problem::unreadable(response.status()).into_response();
    }
    response
}

/// Every route of the API.
pub(crate) fn all() -> Api {
    browse::api()
        .and(crate::accounts_api::api())
        .and(crate::calls::api())
        .and(crate::report::api())
        .and(crate::review::api())
        .and(crate::flows::api())
        .and(crate::trials::api())
        .and(crate::events::api())
        .and(crate::vcon::api())
        .and(crate::visits_api::api())
        .and(crate::calendars_api::api())
        .and(crate::fhir_api::api())
        .and(crate::audit_api::api())
        .and(crate::requests_api::api())
        .and(crate::chats_api::api())
        .and(crate::persons_api::api())
        .and(crate::staff_api::api())
}
