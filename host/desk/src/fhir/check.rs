//! What is wrong with a resource, as FHIR says it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What could not be taken, and why: FHIR's answer to a bad request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", .issue.iter().map(|issue| format!("{}: {}", issue.expression, issue.diagnostics)).collect::<Vec<_>>().join("; "))]
pub struct OperationOutcome {
    /// At least one.
    pub issue: Vec<Issue>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// FHIR's word: `structure`, `required`, `value`, `not-found`, `business-rule`.
    pub code: String,
    /// What is wrong and what would be right. No personal data.
    pub diagnostics: String,
    /// The element, for example `Appointment.start`.
    pub expression: String,
}

impl OperationOutcome {
    /// One thing that is wrong.
    pub fn one(code: &str, expression: &str, diagnostics: impl Into<String>) -> Self {
        let issue = Issue { code: code.to_owned(), diagnostics: diagnostics.into(), expression: expression.to_owned() };
        Self { issue: vec![issue] }
    }

    /// The resource as it goes out.
    pub fn to_json(&self) -> Value {
        let issue = |issue: &Issue| {
            json!({
                "severity": "error", "code": issue.code, "diagnostics": issue.diagnostics,
                "expression": [issue.expression],
            })
        };
        json!({ "resourceType": "OperationOutcome", "issue": self.issue.iter().map(issue).collect::<Vec<_>>() })
    }
}

/// A resource of a kind from JSON; its first broken element is named by the line it stands in.
pub(super) fn read<T: serde::de::DeserializeOwned>(text: &str, kind: &str) -> Result<T, OperationOutcome> {
    let broken = |error: serde_json::Error| {
        let at = format!("{kind} at line {} column {}", error.line(), error.column());
        OperationOutcome::one("structure", kind, format!("this cannot be read ({:?}); look {at}", error.classify()))
    };
    let value: Value = serde_json::from_str(text).map_err(broken)?;
    match value.get("resourceType").and_then(Value::as_str) {
        Some(found) if found == kind => serde_json::from_str(text).map_err(broken),
        Some(_) => {
            Err(OperationOutcome::one("value", "resourceType", format!("this is another resource; needed: {kind}")))
        }
        None => Err(OperationOutcome::one("required", "resourceType", format!("it is missing; needed: {kind}"))),
    }
}
