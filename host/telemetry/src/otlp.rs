//! Spans as the JSON of OTLP 1.x (`ExportTraceServiceRequest`): ids in hexadecimal, times in nanoseconds as text, enums as
//! numbers (opentelemetry-proto, "OTLP/HTTP, JSON Protobuf Encoding").

use serde_json::{Value as Json, json};

use crate::trace::{Span, Value};

/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The body of one request.
pub fn request(service: &str, spans: &[Span]) -> Json {
    json!({
        "resourceSpans": [{
            "resource": { "attributes": [attribute("service.name", &Value::Text(service.to_owned()))] },
            "scopeSpans": [{
                "scope": { "name": "gudok", "version": env!("CARGO_PKG_VERSION") },
                "spans": spans.iter().map(span).collect::<Vec<_>>(),
            }],
        }],
    })
}

fn span(span: &Span) -> Json {
    let mut written = json!({
        "traceId": hex(&span.trace),
        "spanId": hex(&span.id),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": nanos(span.start_ms),
        "endTimeUnixNano": nanos(span.end_ms),
        "attributes": span.attributes.iter().map(|(name, value)| attribute(name, value)).collect::<Vec<_>>(),
    });
    if let Some(parent) = &span.parent {
        written["parentSpanId"] = json!(hex(parent));
    }
    if let Some(why) = span.error {
        written["status"] = json!({ "code": ERROR, "message": why });
    }
    written
}

fn attribute(name: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({ "stringValue": text }),
        // 64 bits do not fit into the numbers of JSON.
        Value::Int(number) => json!({ "intValue": number.to_string() }),
        Value::Double(number) => json!({ "doubleValue": number }),
        Value::Bool(truth) => json!({ "boolValue": truth }),
    };
    json!({ "key": name, "value": value })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn nanos(ms: i64) -> String {
    (i128::from(ms.max(0)) * 1_000_000).to_string()
}
