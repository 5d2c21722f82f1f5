//! What went wrong, as a page: handlers answer with problem details, and whoever reads with a browser gets them in words.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, html};

use super::assets;
use super::frame::POLICY;

pub(crate) async fn as_pages(request: Request, next: Next) -> Response {
    let reads_pages = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_problem = kind.is_some_and(|kind| kind.as_bytes() == b"application/problem+json");
    if !reads_pages || !is_problem {
        return response;
    }
    let (parts, body) = response.into_parts();
    let problem = to_bytes(body, 64 * 1024).await.unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap_or_default();
    let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    let ru = match parts.status {
        StatusCode::NOT_FOUND => "Здесь ничего нет. Возможно, ссылка устарела или относится к другой клинике.",
        StatusCode::FORBIDDEN => "Это действие вам не разрешено, или форма открыта слишком давно: обновите страницу.",
        status if status.is_server_error() => "Сервер сейчас не смог ответить. Попробуйте ещё раз через минуту.",
        _ => "Запрос не подходит.",
    };
    let page = html! {
        (DOCTYPE)
        html lang="ru" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (parts.status.as_u16()) " · Гудок" }
                link rel="stylesheet" href=(assets::style());
            }
            body.plain {
                main {
                    h1 { (ru) }
                    p lang="en" { b { (text("title")) "." } " " (text("detail")) }
                    p { a.button href="/desk" { "На главную" } }
                }
            }
        }
    };
    let mut response = (parts.status, Body::from(page.into_string())).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
