//! The part of the server's `connections.toml` that says by which servers messages leave.
//!
//! ```toml
//! [gateways.sms]                      # also: messenger
//! url = "https://sms.example/send"
//! headers = { Authorization = "Bearer {env:SMS_TOKEN}" }
//! json = { to = "{phone}", text = "{text}", id = "{id}" }   # or form = { … }
//! success = { path = "status", equals = ["OK"] }            # default: any 2xx
//! never = { path = "code", equals = [7, 8] }                # the number is bad
//! again = { path = "code", equals = [20] }                  # try later
//! id_path = "message_id"
//! idempotent = true                   # the gateway sends one {id} once
//!
//! [gateways.email]
//! host = "smtp.example.org"
//! tls = "starttls"                    # starttls, implicit, none
//! user = "desk@example.org"
//! password = "env:SMTP_PASSWORD"
//! from = "Ветклиника <desk@example.org>"
//! ```
//!
//! Secrets are names of environment variables, never the values: `env:NAME` as a whole value, `{env:NAME}` within one.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{OutreachError, Result};

/// `[gateways]` of `connections.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateways {
    /// Texts to phone numbers.
    pub sms: Option<HttpGateway>,
    /// A messenger.
    pub messenger: Option<HttpGateway>,
    /// E-mail.
    pub email: Option<SmtpServer>,
    /// The robot calls (through the telephone lines of this program): on by default.
    pub call: Option<bool>,
}

/// A gateway that is spoken to by HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpGateway {
    /// `POST` when it is not given.
    #[serde(default = "post")]
    pub method: String,
    /// Where to; placeholders are percent-encoded in it.
    pub url: String,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A JSON body; placeholders stand in its strings.
    pub json: Option<Value>,
    /// Or a form.
    pub form: Option<BTreeMap<String, String>>,
    /// It took the message. Any 2xx when it is not given.
    pub success: Option<Rule>,
    /// It will never take a message for this recipient.
    pub never: Option<Rule>,
    /// It may take it later.
    pub again: Option<Rule>,
    /// Where its own id stands in the answer.
    pub id_path: Option<String>,
    /// It sends what comes twice with one `{id}` once.
    #[serde(default)]
    pub idempotent: bool,
    /// How to ask whether it took an `{id}`.
    pub status: Option<StatusQuery>,
    /// How long it may take; 20 s when it is not given, 60 at most.
    #[serde(default = "twenty")]
    pub timeout_s: u64,
}

/// What an answer must look like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// HTTP statuses; empty: any 2xx.
    pub status: Vec<u16>,
    /// Where to look in the JSON of the answer: `messages.0.code`.
    pub path: Option<String>,
    /// One of these stands there; empty: anything but null.
    pub equals: Vec<Value>,
}

/// How to ask whether a message was taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusQuery {
    /// Where; `{id}` is the key the message was sent under.
    pub url: String,
    /// `GET` when it is not given.
    #[serde(default = "get")]
    pub method: String,
    /// It was taken.
    pub taken: Rule,
    /// It was not: 404 when it is not given.
    pub missing: Option<Rule>,
}

/// A server that takes e-mail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpServer {
    /// Its name.
    pub host: String,
    /// 587, 465 with `implicit`, 25 without TLS.
    pub port: Option<u16>,
    /// How the line is protected.
    #[serde(default)]
    pub tls: SmtpTls,
    /// A PEM file with certificates that are trusted besides the system's: of a server that made its own.
    pub certificates: Option<std::path::PathBuf>,
    /// To log in; none: no log-in.
    pub user: Option<String>,
    /// `env:NAME`.
    pub password: Option<String>,
    /// `Name <address>`.
    pub from: String,
    /// How long it may take; 20 s when it is not given, 60 at most.
    #[serde(default = "twenty")]
    pub timeout_s: u64,
}

/// How the line to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// Begun in the clear, then TLS or nothing.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// None: for a server on this machine.
    None,
}

fn post() -> String {
    "POST".to_owned()
}

fn get() -> String {
    "GET".to_owned()
}

fn twenty() -> u64 {
    20
}

/// Where secrets come from; the environment, except in tests.
pub type Secrets<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Gateways {
    /// Reads the section, and puts the secrets in. `secret` looks a name up in the environment.
    ///
    /// # Errors
    /// The first mistake, with the gateway and the key.
    pub fn read(section: toml::Value, secret: Secrets<'_>) -> Result<Self> {
        let problem = |problem: toml::de::Error| OutreachError::Gateway {
            gateway: "…".to_owned(),
            key: String::new(),
            problem: problem.message().replace('\n', ", "),
        };
        let mut gateways: Self = section.try_into().map_err(problem)?;
        for (name, gateway) in [("sms", &mut gateways.sms), ("messenger", &mut gateways.messenger)] {
            if let Some(gateway) = gateway {
                gateway.check(name, secret)?;
            }
        }
        if let Some(server) = &mut gateways.email {
            if let Some(password) = &mut server.password {
                *password = with_secrets(password, secret).map_err(|problem| wrong("email", "password", problem))?;
            }
            if server.user.is_some() != server.password.is_some() {
                return Err(wrong("email", "user", "a user and a password go together"));
            }
            server.timeout_s = server.timeout_s.clamp(1, 60);
        }
        Ok(gateways)
    }
}

impl HttpGateway {
    fn check(&mut self, name: &str, secret: Secrets<'_>) -> Result<()> {
        if self.json.is_some() == self.form.is_some() && self.method.to_uppercase() != "GET" {
            return Err(wrong(name, "json", "give either json = { … } or form = { … }, with {phone} and {text} in it"));
        }
        if !self.url.starts_with("https://") && !self.url.starts_with("http://") {
            return Err(wrong(name, "url", "it begins with https:// (or http:// for a gateway on this machine)"));
        }
        self.url = with_secrets(&self.url, secret).map_err(|problem| wrong(name, "url", problem))?;
        for (header, value) in &mut self.headers {
            *value = with_secrets(value, secret).map_err(|problem| wrong(name, header, problem))?;
        }
        for (key, value) in self.form.iter_mut().flatten() {
            *value = with_secrets(value, secret).map_err(|problem| wrong(name, key, problem))?;
        }
        if let Some(json) = &mut self.json {
            each_string(json, &mut |text| {
                *text = with_secrets(text, secret)?;
                Ok(())
            })
            .map_err(|problem: String| wrong(name, "json", problem))?;
        }
        if let Some(status) = &mut self.status {
            status.url = with_secrets(&status.url, secret).map_err(|problem| wrong(name, "status.url", problem))?;
        }
        self.timeout_s = self.timeout_s.clamp(1, 60);
        Ok(())
    }
}

fn wrong(gateway: &str, key: &str, problem: impl Into<String>) -> OutreachError {
    OutreachError::Gateway { gateway: gateway.to_owned(), key: key.to_owned(), problem: problem.into() }
}

/// `env:NAME` as a whole, `{env:NAME}` within a text.
fn with_secrets(text: &str, secret: Secrets<'_>) -> std::result::Result<String, String> {
    let find = |name: &str| {
        secret(name).filter(|value| !value.is_empty()).ok_or_else(|| format!("set the environment variable {name}"))
    };
    if let Some(name) = text.strip_prefix("env:") {
        return find(name);
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{env:") {
        let (name, after) = after.split_once('}').ok_or("a {env:… is not closed")?;
        filled.push_str(before);
        filled.push_str(&find(name)?);
        rest = after;
    }
    Ok(filled + rest)
}

/// Every string of a JSON value, wherever it stands.
pub(crate) fn each_string<E>(
    value: &mut Value,
    change: &mut impl FnMut(&mut String) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().try_for_each(|item| each_string(item, change)),
        Value::Object(fields) => fields.values_mut().try_for_each(|field| each_string(field, change)),
        _ => Ok(()),
    }
}

impl Rule {
    /// Whether an answer looks like it.
    pub(crate) fn fits(&self, status: u16, body: &Value) -> bool {
        let right_status =
            if self.status.is_empty() { (200..300).contains(&status) } else { self.status.contains(&status) };
        let right_value = || {
            let Some(path) = &self.path else { return true };
            match at_path(body, path) {
                Some(found) if self.equals.is_empty() => !found.is_null(),
                Some(found) => self.equals.iter().any(|wanted| same(found, wanted)),
                None => false,
            }
        };
        right_status && right_value()
    }
}

/// `messages.0.id`.
pub(crate) fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        value => value.get(key),
    })
}

/// `7` and `"7"` are the same to gateways.
fn same(found: &Value, wanted: &Value) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    found == wanted || text(found) == text(wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Gateways> {
        let secret = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
        Gateways::read(toml::from_str(text).unwrap(), &secret)
    }

    #[test]
    fn secrets_are_put_in_wherever_they_stand() {
        let gateways = read(
            "[sms]\nurl = \"https://sms.example/{env:TOKEN}/send\"\nheaders = { A = \"Bearer {env:TOKEN}\" }\n\
             json = { key = \"env:TOKEN\", to = [\"{phone}\"] }\n",
        )
        .unwrap();
        let sms = gateways.sms.unwrap();
        assert_eq!(sms.url, "https://sms.example/s3cret/send");
        assert_eq!(sms.headers["A"], "Bearer s3cret");
        assert_eq!(sms.json.unwrap(), json!({ "key": "s3cret", "to": ["{phone}"] }));
    }

    #[test]
    fn mistakes_name_the_gateway_and_the_key() {
        let cases = [
            (
                "[sms]\nurl = \"https://x\"\nform = { a = \"env:NONE\" }\n",
                "[gateways.sms] a: set the environment variable NONE",
            ),
            ("[sms]\nurl = \"x\"\nform = { a = \"b\" }\n", "[gateways.sms] url: it begins with https://"),
            ("[messenger]\nurl = \"https://x\"\n", "[gateways.messenger] json: give either"),
            ("[email]\nhost = \"x\"\nfrom = \"a@b\"\nuser = \"u\"\n", "[gateways.email] user: a user and a password"),
            ("[sms]\nurl = \"https://x\"\nfrom = \"b\"\n", "unknown field `from`"),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn rules_look_where_they_are_told() {
        let rule = |text: &str| toml::from_str::<Rule>(text).unwrap();
        let body = json!({ "sms": [{ "code": 100 }], "status": "OK" });
        assert!(rule("path = \"sms.0.code\"\nequals = [100]").fits(200, &body));
        assert!(rule("path = \"sms.0.code\"\nequals = [\"100\"]").fits(200, &body));
        assert!(!rule("path = \"sms.1.code\"\nequals = [100]").fits(200, &body));
        assert!(rule("path = \"status\"").fits(204, &body));
        assert!(!rule("path = \"status\"").fits(500, &body));
        assert!(rule("status = [500]").fits(500, &Value::Null));
    }
}
