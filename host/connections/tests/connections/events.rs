//! Events as other systems read them: the documented schemas hold, and pages lead through the whole feed.

use connections::events::cloud_event;
use connections::page;
use records::{Change, Pii, Status, Store};
use serde_json::Value;

use crate::{DAY, NOW, store, visit};

async fn some_events(store: &Store) {
    for id in ["a", "b", "c"] {
        store.book(&visit(id, id, NOW + DAY, "+79031234567"), "robot").await.unwrap();
    }
    let change =
        Change { at_ms: NOW + 1, by: "anna".into(), reason: Pii::from("передумала"), ..Change::default() };
    store.set_booking_status("b", Status::Cancelled, &change).await.unwrap();
}

#[tokio::test]
async fn an_event_is_what_cloudevents_says_and_its_schema() {
    let (_folder, store) = store().await;
    some_events(&store).await;
    for event in store.feed(0, None, 100).await.unwrap() {
        for personal in [false, true] {
            let told = cloud_event(&store, &event, personal).await.unwrap();
            let json = serde_json::to_value(&told).unwrap();
            for attribute in ["specversion", "id", "source", "type", "subject", "time", "datacontenttype"] {
                assert!(json[attribute].as_str().is_some_and(|text| !text.is_empty()), "{attribute}");
            }
            assert_eq!(json["specversion"], "1.0");
            assert_eq!(told.position(), event.position);
            let name = told.dataschema.strip_prefix("urn:gudok:schema:").unwrap().strip_suffix(":1").unwrap();
            let schema = schema(name);
            assert_eq!(schema["$id"], told.dataschema.as_str());
            fits(&schema, &told.data, "data");
            let text = json.to_string();
            assert_eq!(text.contains("9031234567"), personal, "{text}");
            assert!(!text.contains("передумала"));
        }
    }
}

#[tokio::test]
async fn a_subject_that_nobody_knows_is_told_without() {
    let (_folder, store) = store().await;
    some_events(&store).await;
    let mut event = store.feed(0, None, 1).await.unwrap().remove(0);
    event.subject = "forgotten".into();
    let told = cloud_event(&store, &event, true).await.unwrap();
    assert_eq!(told.data.get("visit"), None);
    assert_eq!(told.data["change"]["status"], "booked");
    fits(&schema("visit"), &told.data, "data");
}

#[tokio::test]
async fn pages_lead_through_the_whole_feed() {
    let (_folder, store) = store().await;
    some_events(&store).await;
    let mut after = 0;
    let mut kinds = Vec::new();
    loop {
        let page = page(&store, Some("vet_lapa"), after, 3, false).await.unwrap();
        kinds.extend(page.events.iter().map(|event| event.kind.clone()));
        after = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(kinds.len(), 4);
    assert_eq!(kinds[3], "ru.gudok.visit.cancelled");
    let nothing = page(&store, None, after, 3, false).await.unwrap();
    assert_eq!((nothing.events.len(), nothing.next, nothing.more), (0, 4, false));
    assert!(page(&store, Some("another"), 0, 3, false).await.unwrap().events.is_empty());
}

fn schema(name: &str) -> Value {
    let text = match name {
        "visit" => include_str!("../../../../docs/schemas/visit.json"),
        "call" => include_str!("../../../../docs/schemas/call.json"),
        "callback" => include_str!("../../../../docs/schemas/callback.json"),
        "change" => include_str!("../../../../docs/schemas/change.json"),
        other => panic!("no schema {other}"),
    };
    serde_json::from_str(text).unwrap()
}

/// As much of JSON Schema as the schemas use.
fn fits(schema: &Value, value: &Value, place: &str) {
    if let Some(types) = schema.get("type") {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let allowed = types.as_array().cloned().unwrap_or_else(|| vec![types.clone()]);
        assert!(allowed.iter().any(|one| one == name), "{place} is {name}");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        assert!(words.contains(value), "{place} is {value}");
    }
    let Some(object) = value.as_object() else { return };
    let known = schema.get("properties").and_then(Value::as_object);
    for needed in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(object.contains_key(needed.as_str().unwrap()), "{place} has no {needed}");
    }
    for (key, value) in object {
        match known.and_then(|known| known.get(key)) {
            Some(schema) => fits(schema, value, &format!("{place}.{key}")),
            None => assert_ne!(schema.get("additionalProperties"), Some(&Value::Bool(false)), "{place}.{key}"),
        }
    }
}
