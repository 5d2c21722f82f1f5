//! What is served, while it changes: requests that begin from now on find the new state; those under way end on theirs.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::{AppState, public_router, router};

/// The pages, the API and the visitors' routes of one server. Cheap to clone; every clone is the same server.
#[derive(Clone)]
pub struct Served {
    now: Arc<RwLock<Now>>,
}

struct Now {
    state: AppState,
    inside: Router,
    outside: Router,
}

impl Now {
    fn of(state: AppState) -> Self {
        Self { inside: router(state.clone()), outside: public_router(state.clone()), state }
    }
}

impl Served {
    /// Serves this until it is replaced.
    pub fn new(state: AppState) -> Self {
        Self { now: Arc::new(RwLock::new(Now::of(state))) }
    }

    /// What is served now.
    pub fn state(&self) -> AppState {
        self.now.read().unwrap_or_else(PoisonError::into_inner).state.clone()
    }

    /// Serves this from now on.
    pub fn replace(&self, state: AppState) {
        let now = Now::of(state);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Answers people and programs on `listener` until `shutdown` is ready, then finishes the requests under way.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let closing = Arc::clone(&self.state().closing);
        // Streams would keep the server from stopping.
        let shutdown = async move {
            shutdown.await;
            closing.send_replace(true);
        };
        let service = self.router(false).into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(shutdown).await
    }

    /// Answers visitors on `listener` until `shutdown` is ready. Conversations under way go on.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve_public(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let service = self.router(true).into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(shutdown).await
    }

    /// Leads every request to the routes as they are when it comes.
    pub fn router(&self, public: bool) -> Router {
        let now = Arc::clone(&self.now);
        Router::new().fallback_service(tower::service_fn(move |request: Request| {
            let routes = {
                let now = now.read().unwrap_or_else(PoisonError::into_inner);
                if public { now.outside.clone() } else { now.inside.clone() }
            };
            async move {
                let answer: Result<Response, Infallible> = routes.oneshot(request).await;
                answer
            }
        }))
    }
}
