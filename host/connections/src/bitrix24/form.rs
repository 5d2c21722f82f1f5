//! Parameters as PHP writes and reads them in an address: `fields[PHONE][0][VALUE]=%2B7903…`.

use serde_json::{Map, Value};

/// A JSON object as a query.
///
/// ```
/// let params = serde_json::json!({"fields": {"PHONE": [{"VALUE": "+7 я"}]}});
/// let query = connections::bitrix24::encode(&params);
/// assert_eq!(query, "fields%5BPHONE%5D%5B0%5D%5BVALUE%5D=%2B7%20%D1%8F");
/// ```
pub fn encode(params: &Value) -> String {
    let mut pairs = Vec::new();
    flatten(String::new(), params, &mut pairs);
    pairs.join("&")
}

fn flatten(name: String, value: &Value, pairs: &mut Vec<String>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                flatten(inner(key), value, pairs);
            }
        }
        Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                flatten(inner(&number.to_string()), value, pairs);
            }
        }
        plain => {
            let text = match plain {
                Value::String(text) => text.clone(),
                Value::Bool(flag) => if *flag { "1" } else { "0" }.to_owned(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            pairs.push(format!("{}={}", percent(&name), percent(&text)));
        }
    }
}

/// RFC 3986: everything but the unreserved characters.
fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A query, or a form's body, as JSON: names in brackets are objects, every value is text.
pub fn decode(query: &str) -> Value {
    let mut root = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = plain(name);
        let (first, rest) = name.split_once('[').unwrap_or((&name, ""));
        let mut path = vec![first];
        path.extend(rest.strip_suffix(']').unwrap_or(rest).split("][").filter(|key| !key.is_empty()));
        // Nobody needs more, and a hostile message could name a path as deep as it is long.
        path.truncate(8);
        insert(&mut root, &path, plain(value));
    }
    Value::Object(root)
}

fn insert(object: &mut Map<String, Value>, path: &[&str], value: String) {
    let Some((key, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        object.insert((*key).to_owned(), Value::String(value));
        return;
    }
    let inner = object.entry((*key).to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digits = (ahead.next().and_then(digit), ahead.next().and_then(digit));
                if let (Some(high), Some(low)) = digits {
                    bytes.push(high << 4 | low);
                    rest = ahead;
                } else {
                    bytes.push(b'%');
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let params = json!({"id": "7", "fields": {"TITLE": "Визит & [скобки] = 50%", "STAGE_ID": "C2:NEW"}});
        assert_eq!(decode(&encode(&params)), params);
    }

    #[test]
    fn garbage_is_read_without_harm() {
        let deep = "a".to_owned() + &"[b]".repeat(10_000) + "=1";
        for text in ["%", "%zz=%4", "a[=1", "a[b=2&a=3&a[c]=4", "=", "&&", "][=1", &deep] {
            assert!(decode(text).is_object(), "{text}");
        }
    }
}
