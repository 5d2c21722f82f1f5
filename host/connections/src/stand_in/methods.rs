//! The REST methods themselves, as <https://apidocs.bitrix24.com> describes them.

use serde_json::{Map, Value, json};

use crate::bitrix24::decode;

use super::{Comment, Row, STAGES, State, TIME_FIELD, clock, millis};

type Answer = Result<Value, (&'static str, String)>;

pub(super) fn call(state: &mut State, method: &str, params: &Value) -> Answer {
    if method == "batch" {
        return batch(state, params);
    }
    let result = one(state, method, params)?;
    Ok(json!({ "result": result }))
}

fn batch(state: &mut State, params: &Value) -> Answer {
    let commands = params["cmd"].as_object().cloned().unwrap_or_default();
    if commands.len() > 50 {
        return Err(("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded".into()));
    }
    let (mut results, mut errors) = (Map::new(), Map::new());
    for (key, command) in commands {
        let command = command.as_str().unwrap_or_default();
        let (method, query) = command.split_once('?').unwrap_or((command, ""));
        if method == "batch" {
            return Err(("ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage".into()));
        }
        match one(state, method, &decode(query)) {
            Ok(result) => results.insert(key, result),
            Err((code, text)) => errors.insert(key, json!({ "error": code, "error_description": text })),
        };
    }
    // PHP writes an empty map as an empty list.
    let php = |map: Map<String, Value>| if map.is_empty() { json!([]) } else { Value::Object(map) };
    Ok(
        json!({ "result": { "result": php(results), "result_error": php(errors), "result_total": [], "result_next": [] } }),
    )
}

fn one(state: &mut State, method: &str, params: &Value) -> Answer {
    let fields = || params["fields"].as_object().cloned().ok_or(("", "Parameter 'fields' must be array.".to_owned()));
    match method {
        "crm.deal.add" => add_deal(state, fields()?),
        "crm.deal.update" => update_deal(state, id(params)?, &fields()?),
        "crm.deal.get" => get(&state.deals, id(params)?),
        "crm.deal.list" => list(&state.deals, params),
        "crm.lead.add" => add_lead(state, fields()?),
        "crm.lead.update" => update_lead(state, id(params)?, &fields()?),
        "crm.lead.get" => get(&state.leads, id(params)?),
        "crm.lead.list" => list(&state.leads, params),
        "crm.contact.add" => add_contact(state, fields()?),
        "crm.contact.list" => list(&state.contacts, params),
        "crm.duplicate.findbycomm" => find(state, params),
        "crm.timeline.comment.add" => comment(state, &fields()?),
        _ => Err(("ERROR_METHOD_NOT_FOUND", "Method not found!".into())),
    }
}

fn id(params: &Value) -> Result<i64, (&'static str, String)> {
    let given = params.get("id").or(params.get("ID"));
    let found = given.and_then(|id| id.as_i64().or_else(|| id.as_str()?.parse().ok()));
    found.ok_or(("", "ID is not defined or invalid.".into()))
}

fn new(state: &mut State, fields: Row) -> (i64, Row) {
    state.last_id += 1;
    let mut row = fields;
    let now = json!(clock(state.now_ms));
    row.insert("ID".into(), json!(state.last_id.to_string()));
    row.insert("DATE_CREATE".into(), now.clone());
    row.insert("DATE_MODIFY".into(), now.clone());
    row.insert("MOVED_TIME".into(), now);
    for field in ["ORIGINATOR_ID", "ORIGIN_ID", "ADDITIONAL_INFO"] {
        row.entry(field).or_insert(Value::Null);
    }
    (state.last_id, row)
}

fn add_deal(state: &mut State, mut fields: Row) -> Answer {
    normal_time(&mut fields);
    check_stage(&fields)?;
    let (id, mut row) = new(state, fields);
    row.entry("CATEGORY_ID").or_insert(json!("0"));
    state.deals.insert(id, row);
    Ok(json!(id))
}

pub(super) fn update_deal(state: &mut State, id: i64, fields: &Row) -> Answer {
    let mut fields = fields.clone();
    normal_time(&mut fields);
    check_stage(&fields)?;
    let now = json!(clock(state.now_ms));
    let row = state.deals.get_mut(&id).ok_or(("", "Not found".to_owned()))?;
    if fields.get("STAGE_ID").is_some_and(|stage| row.get("STAGE_ID") != Some(stage)) {
        row.insert("MOVED_TIME".into(), now.clone());
    }
    fields.remove("CATEGORY_ID");
    row.extend(fields);
    row.insert("DATE_MODIFY".into(), now);
    Ok(json!(true))
}

fn check_stage(fields: &Row) -> Result<(), (&'static str, String)> {
    match fields.get("STAGE_ID").and_then(Value::as_str) {
        Some(stage) if !STAGES.contains(&stage) => Err(("ERROR_CORE", format!("stage {stage} is not in the funnel"))),
        _ => Ok(()),
    }
}

/// Times are kept in the portal's own zone, by seconds; nonsense is no time.
fn normal_time(fields: &mut Row) {
    if let Some(value) = fields.get_mut(TIME_FIELD) {
        *value = value.as_str().and_then(millis).map_or(json!(""), |ms| json!(clock(ms)));
    }
}

fn semantic(status: &str) -> &'static str {
    match status {
        "CONVERTED" => "S",
        "JUNK" => "F",
        _ => "P",
    }
}

fn add_lead(state: &mut State, fields: Row) -> Answer {
    let (id, mut row) = new(state, fields);
    let status = row.entry("STATUS_ID").or_insert(json!("NEW")).as_str().unwrap_or("NEW").to_owned();
    row.insert("STATUS_SEMANTIC_ID".into(), json!(semantic(&status)));
    state.leads.insert(id, row);
    Ok(json!(id))
}

fn update_lead(state: &mut State, id: i64, fields: &Row) -> Answer {
    let now = json!(clock(state.now_ms));
    let row = state.leads.get_mut(&id).ok_or(("", "Not found".to_owned()))?;
    row.extend(fields.clone());
    let status = row.get("STATUS_ID").and_then(Value::as_str).unwrap_or("NEW").to_owned();
    row.insert("STATUS_SEMANTIC_ID".into(), json!(semantic(&status)));
    row.insert("DATE_MODIFY".into(), now);
    Ok(json!(true))
}

fn add_contact(state: &mut State, fields: Row) -> Answer {
    let (id, row) = new(state, fields);
    state.contacts.insert(id, row);
    Ok(json!(id))
}

fn get(rows: &std::collections::BTreeMap<i64, Row>, id: i64) -> Answer {
    rows.get(&id).map(|row| Value::Object(row.clone())).ok_or(("", "Not found".into()))
}

/// Lists that came in a query are objects with numbers for keys.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Object(object) => object.values().cloned().collect(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(rows: &std::collections::BTreeMap<i64, Row>, params: &Value) -> Answer {
    let filter = params["filter"].as_object().cloned().unwrap_or_default();
    let fits = |row: &Row| filter.iter().all(|(key, wanted)| fits(row, key, wanted));
    let select: Vec<String> = items(&params["select"]).iter().map(plain).collect();
    // The page is always fifty, by id; tests order by nothing else.
    let found = rows.values().filter(|row| fits(row)).take(50).map(|row| {
        let kept = row.iter().filter(|(key, _)| select.is_empty() || select.contains(key));
        Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    });
    Ok(Value::Array(found.collect()))
}

fn fits(row: &Row, key: &str, wanted: &Value) -> bool {
    let operators = [">=", "<=", "!@", ">", "<", "@", "!", "="];
    let operator = operators.into_iter().find(|operator| key.starts_with(operator)).unwrap_or("");
    let has = plain(row.get(&key[operator.len()..]).unwrap_or(&Value::Null));
    let order = |wanted: &Value| {
        let wanted = plain(wanted);
        let numbers = || Some((has.parse::<i64>().ok()?, wanted.parse::<i64>().ok()?));
        let times = || Some((millis(&has)?, millis(&wanted)?));
        numbers().or_else(times).map_or(has.cmp(&wanted), |(has, wanted)| has.cmp(&wanted))
    };
    match operator {
        ">=" => order(wanted).is_ge(),
        "<=" => order(wanted).is_le(),
        ">" => order(wanted).is_gt(),
        "<" => order(wanted).is_lt(),
        "@" => items(wanted).iter().any(|one| plain(one) == has),
        "!@" => items(wanted).iter().all(|one| plain(one) != has),
        "!" => plain(wanted) != has,
        _ => plain(wanted) == has,
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn find(state: &State, params: &Value) -> Answer {
    if params["type"] != "PHONE" {
        return Err(("", "Communication type is not defined.".into()));
    }
    let wanted: Vec<String> = items(&params["values"]).iter().map(|value| digits(&plain(value))).collect();
    let of = |rows: &std::collections::BTreeMap<i64, Row>| -> Vec<i64> {
        let has = |row: &Row| {
            let phones = items(row.get("PHONE").unwrap_or(&Value::Null));
            phones.iter().any(|phone| wanted.contains(&digits(&plain(&phone["VALUE"]))))
        };
        rows.iter().filter(|(_, row)| has(row)).map(|(id, _)| *id).take(20).collect()
    };
    let mut result = Map::new();
    for (name, rows) in [("LEAD", &state.leads), ("CONTACT", &state.contacts)] {
        let asked = params["entity_type"].as_str().is_none_or(|asked| asked == name);
        let ids = of(rows);
        if asked && !ids.is_empty() {
            result.insert(name.to_owned(), json!(ids));
        }
    }
    Ok(if result.is_empty() { json!([]) } else { Value::Object(result) })
}

fn comment(state: &mut State, fields: &Row) -> Answer {
    let text = |field: &str| plain(fields.get(field).unwrap_or(&Value::Null));
    let comment = Comment { kind: text("ENTITY_TYPE"), id: text("ENTITY_ID"), text: text("COMMENT") };
    state.comments.push(comment);
    Ok(json!(state.comments.len()))
}
