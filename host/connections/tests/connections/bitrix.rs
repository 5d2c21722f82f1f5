//! The portal behind a socket, and what tests ask of it.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use connections::stand_in::{Reply, Row, Server};
use serde_json::Value;

pub(crate) const USER: &str = "7";
pub(crate) const CODE: &str = "s3cretc0de";

/// Serves it; the incoming webhook's address.
pub(crate) async fn serve(server: Server) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/rest/{user}/{code}/{method}", post(answer)).with_state(server);
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/rest/{USER}/{CODE}/")
}

async fn answer(
    State(server): State<Server>,
    Path((user, code, method)): Path<(String, String, String)>,
    body: String,
) -> Response {
    if (user.as_str(), code.as_str()) != (USER, CODE) {
        let error = r#"{"error":"INVALID_CREDENTIALS","error_description":"Invalid request credentials"}"#;
        return (StatusCode::UNAUTHORIZED, error).into_response();
    }
    let params: Value = serde_json::from_str(&body).unwrap();
    match server.request(method.trim_end_matches(".json"), &params) {
        Reply::Answer(status, answer) => (StatusCode::from_u16(status).unwrap(), answer.to_string()).into_response(),
        // The proxy before the portal has lost it.
        Reply::Lost | Reply::Crash => (StatusCode::BAD_GATEWAY, "<html>502</html>").into_response(),
    }
}

/// The one deal of a visit.
pub(crate) fn deal(server: &Server, visit: &str) -> (i64, Row) {
    let mut deals = server.deals_of(visit);
    assert_eq!(deals.len(), 1, "deals of {visit}");
    deals.remove(0)
}

pub(crate) fn stage(server: &Server, visit: &str) -> String {
    deal(server, visit).1["STAGE_ID"].as_str().unwrap().to_owned()
}
