//! The document, and a page that shows it: from this server, without a script.

use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::{Api, Needs, Op, document};
use crate::AppState;
use crate::auth::Viewer;

pub(super) fn api() -> Api {
    Api::new()
        .get("/api/v1/openapi.json", json, Op::new("openapi", "This document", Needs::Viewer).answers::<Value>())
        .get("/api/v1", page, Op::new("browse", "This document as a page", Needs::Viewer).answers_raw("text/html"))
}

async fn json(_: Viewer) -> Json<&'static Value> {
    Json(document())
}

async fn page(_: Viewer, State(_): State<AppState>) -> Response {
    Html(render(document()).into_string()).into_response()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn render(document: &Value) -> Markup {
    let empty = serde_json::Map::new();
    let paths = document["paths"].as_object().unwrap_or(&empty);
    let schemas = document["components"]["schemas"].as_object().unwrap_or(&empty);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Gudok API" }
                link rel="stylesheet" href="/login/style.css";
            }
            body.document {
                main {
                    h1 { "Gudok API" }
                    p { (text(&document["info"], "description")) }
                    p { "Send a token: " code { "Authorization: Bearer gudok_…" } ". The document itself: "
                        a href="/api/v1/openapi.json" { "openapi.json" } "." }
                    @for (path, methods) in paths {
                        @for (method, operation) in methods.as_object().unwrap_or(&empty) {
                            (one(path, method, operation))
                        }
                    }
                    h2 { "Schemas" }
                    @for (name, schema) in schemas {
                        details id={ "schema-" (name) } {
                            summary { code { (name) } }
                            @if let Some(about) = schema["description"].as_str() { p { (about) } }
                            pre { (serde_json::to_string_pretty(schema).unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    }
}

fn one(path: &str, method: &str, operation: &Value) -> Markup {
    let empty = Vec::new();
    let parameters = operation["parameters"].as_array().unwrap_or(&empty);
    let none = serde_json::Map::new();
    let answers = operation["responses"].as_object().unwrap_or(&none);
    html! {
        details id=(text(operation, "operationId")) {
            summary { strong { (method.to_uppercase()) } " " code { (path) } " " (text(operation, "summary")) }
            @if let Some(about) = operation["description"].as_str() { p { (about) } }
            @if let Some(permission) = operation["x-permission"].as_str() { p { "Permission: " code { (permission) } } }
            @if !parameters.is_empty() {
                table {
                    thead { tr { th { "Parameter" } th { "In" } th { "Schema" } th { "" } } }
                    tbody { @for parameter in parameters { tr {
                        td { code { (text(parameter, "name")) } @if parameter["required"] == true { " *" } }
                        td { (text(parameter, "in")) }
                        td { code { (parameter["schema"]) } }
                        td { (text(parameter, "description")) }
                    } } }
                }
            }
            @if let Some(body) = operation["requestBody"]["content"].as_object() {
                p { "Body: " @for (kind, content) in body { code { (kind) } " " (link(&content["schema"])) } }
            }
            ul { @for (status, answer) in answers { li {
                strong { (status) } " " (text(answer, "description")) " "
                @if let Some(content) = answer["content"].as_object() {
                    @for (kind, content) in content { code { (kind) } " " (link(&content["schema"])) }
                }
            } } }
        }
    }
}

fn link(schema: &Value) -> Markup {
    let name = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next());
    html! { @if let Some(name) = name { a href={ "#schema-" (name) } { (name) } } }
}
