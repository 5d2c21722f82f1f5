//! The OpenAPI 3.1 document, made of the routes' declarations.

use std::sync::LazyLock;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::op::Contents;
use super::{Declared, Needs};
use crate::problem::Problem;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| build(&super::all().operations));

/// The document of all routes.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

/// Schemas of what is sent to us and of what we answer: a field that may be left out there is always there here.
struct Schemas {
    asked: SchemaGenerator,
    answered: SchemaGenerator,
}

/// Stands before the names of schemas of what is sent to us.
const SENT: &str = "Sent";

impl Schemas {
    fn new() -> Self {
        let settings =
            || SchemaSettings::draft2020_12().with(|all| all.definitions_path = "/components/schemas".into());
        Self { asked: settings().into_generator(), answered: settings().for_serialize().into_generator() }
    }

    fn renamed(schema: &Value) -> Value {
        let text = schema.to_string().replace("#/components/schemas/", &format!("#/components/schemas/{SENT}"));
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// All of them by name.
    fn all(mut self) -> Map<String, Value> {
        let mut all = self.answered.take_definitions(true);
        let asked = self.asked.take_definitions(true);
        all.extend(asked.iter().map(|(name, schema)| (format!("{SENT}{name}"), Self::renamed(schema))));
        all
    }
}

fn build(operations: &[Declared]) -> Value {
    let mut schemas = Schemas::new();
    let problem = schemas.answered.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for declared in operations {
        let operation = operation(declared, &mut schemas, problem.as_value());
        let path = paths.entry(declared.path).or_insert_with(|| json!({}));
        path[declared.method.as_str().to_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gudok",
            "version": "1",
            "description": "Calls, visits, reports and flows of clinics. Within /api/v1 things are added, never changed or taken away.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.all(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A token of the API: gudok_…" },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "gudok",
                    "description": "A signed-in browser (`__Host-gudok` over https); what changes something also carries X-CSRF-Token",
                },
            },
        },
    })
}

fn operation(declared: &Declared, schemas: &mut Schemas, problem: &Value) -> Value {
    let op = &declared.op;
    let mut parameters: Vec<Value> = path_names(declared.path)
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(op.query.iter().map(|param| {
        json!({
            "name": param.name, "in": "query", "required": param.required, "description": param.about, "schema": param.schema,
        })
    }));
    let reads = declared.method == axum::http::Method::GET;
    let mut header = |name: &str, about: &str| {
        parameters.push(json!({ "name": name, "in": "header", "description": about, "schema": { "type": "string" } }));
    };
    if op.once {
        header("Idempotency-Key", "Makes the request safe to repeat for 24 hours: the first answer comes again");
    }
    if op.tagged {
        let (name, about) = if reads {
            ("If-None-Match", "An earlier ETag: 304 if nothing changed")
        } else {
            ("If-Match", "The ETag that was read: 412 if somebody changed it since")
        };
        header(name, about);
    }
    let mut answers = Map::new();
    for (status, about, contents) in &op.answers {
        let mut answer = json!({ "description": about });
        if let Some(content) = content(contents, &mut schemas.answered) {
            answer["content"] = content;
        }
        if op.tagged && reads {
            answer["headers"] = json!({ "ETag": { "schema": { "type": "string" } } });
        }
        answers.insert(status.to_string(), answer);
    }
    if op.tagged && reads {
        answers.insert("304".to_owned(), json!({ "description": "Nothing changed" }));
    }
    for (status, about) in [("4XX", "The request is wrong, or not allowed"), ("503", "Not now; see Retry-After")] {
        let mut content = json!({ "application/problem+json": { "schema": problem } });
        if let Some(kind) = op.refuses_as {
            content[kind] = json!({});
        }
        answers.insert(status.to_owned(), json!({ "description": about, "content": content }));
    }
    let mut operation = json!({
        "operationId": op.id,
        "summary": op.summary,
        "tags": [tag(declared.path)],
        "parameters": parameters,
        "responses": answers,
    });
    if !op.about.is_empty() {
        operation["description"] = json!(op.about);
    }
    if let Some(content) = content(&op.body, &mut schemas.asked) {
        let content = Schemas::renamed(&content);
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if let Needs::May(permission) = op.needs {
        operation["x-permission"] = json!(permission);
    }
    operation
}

fn content(contents: &Contents, generator: &mut SchemaGenerator) -> Option<Value> {
    match contents {
        Contents::Nothing => None,
        Contents::Raw(kind) => Some(json!({ *kind: {} })),
        Contents::Json(schema) => Some(json!({ "application/json": { "schema": schema(generator) } })),
    }
}

/// Names in braces.
fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// `/api/v1/calls/{id}` belongs to `calls`.
fn tag(path: &str) -> &str {
    path.split('/').nth(3).unwrap_or("api")
}
