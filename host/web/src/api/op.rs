//! What is said of a route: who may, what it takes, what it answers.

use accounts::Permission;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::Problem;

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Whoever is signed in.
    Viewer,
    /// Whoever may do this at the clinic it is about.
    May(Permission),
}

/// A parameter of the query.
#[derive(Debug, Clone)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) required: bool,
    pub(crate) schema: Value,
}

impl Param {
    /// The clinic, required.
    pub(crate) fn clinic() -> Self {
        Self { required: true, ..Self::text("clinic", "The clinic's id") }
    }

    pub(crate) fn text(name: &'static str, about: &'static str) -> Self {
        Self { name, about, required: false, schema: json!({ "type": "string" }) }
    }

    /// A day of the clinic's calendar.
    pub(crate) fn day(name: &'static str, about: &'static str) -> Self {
        Self { schema: json!({ "type": "string", "format": "date" }), ..Self::text(name, about) }
    }

    pub(crate) fn number(name: &'static str, about: &'static str, least: i64, most: i64) -> Self {
        let schema = json!({ "type": "integer", "minimum": least, "maximum": most });
        Self { schema, ..Self::text(name, about) }
    }

    pub(crate) fn one_of(name: &'static str, about: &'static str, words: &[&str]) -> Self {
        Self { schema: json!({ "type": "string", "enum": words }), ..Self::text(name, about) }
    }

    pub(crate) fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// What is sent or answered.
#[derive(Clone)]
pub(crate) enum Contents {
    Json(MakeSchema),
    /// Bytes of this type.
    Raw(&'static str),
    Nothing,
}

/// A route's declaration.
#[derive(Clone)]
pub(crate) struct Op {
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) about: &'static str,
    pub(crate) needs: Needs,
    pub(crate) query: Vec<Param>,
    pub(crate) body: Contents,
    pub(crate) answers: Vec<(u16, &'static str, Contents)>,
    /// A type of refusals besides `application/problem+json`.
    pub(crate) refuses_as: Option<&'static str>,
    /// Takes `Idempotency-Key`.
    pub(crate) once: bool,
    /// Answers with an `ETag`, and heeds `If-None-Match` or `If-Match`.
    pub(crate) tagged: bool,
}

impl Op {
    pub(crate) fn new(id: &'static str, summary: &'static str, needs: Needs) -> Self {
        Self {
            id,
            summary,
            about: "",
            needs,
            query: Vec::new(),
            body: Contents::Nothing,
            answers: Vec::new(),
            refuses_as: None,
            once: false,
            tagged: false,
        }
    }

    pub(crate) fn may(id: &'static str, summary: &'static str, permission: Permission) -> Self {
        Self::new(id, summary, Needs::May(permission))
    }

    pub(crate) fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    pub(crate) fn query(self, query: impl IntoIterator<Item = Param>) -> Self {
        Self { query: query.into_iter().collect(), ..self }
    }

    pub(crate) fn takes<T: JsonSchema>(self) -> Self {
        Self { body: Contents::Json(|generator| generator.subschema_for::<T>()), ..self }
    }

    pub(crate) fn takes_raw(self, kind: &'static str) -> Self {
        Self { body: Contents::Raw(kind), ..self }
    }

    pub(crate) fn answers<T: JsonSchema>(self) -> Self {
        self.answers_with::<T>(200, "Done")
    }

    pub(crate) fn answers_with<T: JsonSchema>(mut self, status: u16, about: &'static str) -> Self {
        self.answers.push((status, about, Contents::Json(|generator| generator.subschema_for::<T>())));
        self
    }

    pub(crate) fn answers_raw(self, kind: &'static str) -> Self {
        self.answers_raw_with(200, "Done", kind)
    }

    pub(crate) fn answers_raw_with(mut self, status: u16, about: &'static str, kind: &'static str) -> Self {
        self.answers.push((status, about, Contents::Raw(kind)));
        self
    }

    /// What is wrong may be told in this type, too.
    pub(crate) fn refuses_as(self, kind: &'static str) -> Self {
        Self { refuses_as: Some(kind), ..self }
    }

    pub(crate) fn answers_nothing(mut self) -> Self {
        self.answers.push((204, "Done", Contents::Nothing));
        self
    }

    pub(crate) fn once(self) -> Self {
        Self { once: true, ..self }
    }

    pub(crate) fn tagged(self) -> Self {
        Self { tagged: true, ..self }
    }
}

/// The body, or what is wrong with it, without repeating it.
pub(crate) fn body_of<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    match body {
        Ok(Json(body)) => Ok(body),
        Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::wrong_content_type("application/json")),
        Err(JsonRejection::BytesRejection(_)) => Err(Problem::too_large(crate::MAX_BODY)),
        Err(error) => Err(Problem::bad_body("", error.body_text())),
    }
}
