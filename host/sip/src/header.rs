//! Reading and writing header fields: addresses with a display name, token lists, parameters.

use rsipstack::sip::headers::make_header;
use rsipstack::sip::{Header, Headers, Param, Uri};

use crate::error::SipError;

/// First value of a field.
pub(crate) fn value<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|h| h.name().eq_ignore_ascii_case(name)).map(|h| h.value().trim())
}

/// All values of a field, in order.
pub(crate) fn values<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
    headers.iter().filter(move |h| h.name().eq_ignore_ascii_case(name)).map(|h| h.value().trim())
}

/// The comma-separated tokens of a field such as Supported, Require or Allow.
pub(crate) fn tokens<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
    values(headers, name).flat_map(|v| v.split(',')).map(str::trim).filter(|t| !t.is_empty())
}

/// Whether a token list has this token.
pub(crate) fn has_token(headers: &Headers, name: &str, token: &str) -> bool {
    tokens(headers, name).any(|t| t.eq_ignore_ascii_case(token))
}

/// A header field, in the parser's own variant when it has one.
pub(crate) fn field(name: &str, value: impl Into<String>) -> Header {
    make_header(name, value.into())
}

/// The number before any parameter, as in `Expires: 60` or `Session-Expires: 1800;refresher=uac`.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    text.split(';').next()?.trim().parse().ok()
}

/// A parameter of a `value;name=text` field.
pub(crate) fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';').skip(1).find_map(|p| {
        let (n, v) = p.split_once('=').unwrap_or((p, ""));
        n.trim().eq_ignore_ascii_case(name).then(|| v.trim().trim_matches('"'))
    })
}

/// `"Display" <sip:user@host;x>;tag=1` or `sip:user@host;tag=1`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct NameAddr {
    /// Without quotes.
    pub display: Option<String>,
    /// The URI as written.
    pub uri: String,
    /// Parameters of the field, not of the URI.
    pub params: Vec<(String, Option<String>)>,
}

impl NameAddr {
    /// Reads one value.
    pub(crate) fn parse(text: &str) -> Option<NameAddr> {
        let text = text.trim();
        let (before, uri, after) = match unquoted(text, '<') {
            Some(open) => {
                let close = open + text[open..].find('>')?;
                (&text[..open], &text[open + 1..close], &text[close + 1..])
            }
            // Without brackets every parameter belongs to the field (RFC 3261 §20.10).
            None => match text.find(';') {
                Some(at) => ("", &text[..at], &text[at..]),
                None => ("", text, ""),
            },
        };
        let display = before.trim();
        let display = match display.strip_prefix('"').and_then(|d| d.strip_suffix('"')) {
            Some(quoted) => unescape(quoted),
            None => display.to_string(),
        };
        let params = after
            .split(';')
            .map(str::trim)
            .filter(|p| !p.is_empty())
            .map(|p| match p.split_once('=') {
                Some((n, v)) => (n.trim().to_ascii_lowercase(), Some(v.trim().trim_matches('"').to_string())),
                None => (p.to_ascii_lowercase(), None),
            })
            .collect();
        (!uri.trim().is_empty()).then(|| NameAddr {
            display: (!display.is_empty()).then_some(display),
            uri: uri.trim().to_string(),
            params,
        })
    }

    /// Reads a comma-separated list, as Contact and Record-Route may be.
    pub(crate) fn list(text: &str) -> Vec<NameAddr> {
        let (mut out, mut rest) = (Vec::new(), text);
        loop {
            let end = separator(rest).unwrap_or(rest.len());
            out.extend(NameAddr::parse(&rest[..end]));
            match rest.get(end + 1..) {
                Some(r) => rest = r,
                None => return out,
            }
        }
    }

    /// A parameter of the field.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_deref().unwrap_or(""))
    }

    /// The user part, percent-decoded; for `tel:` the number.
    pub(crate) fn user(&self) -> String {
        user_of(&self.uri)
    }
}

/// The user part of a URI, percent-decoded and without parameters; for `tel:` the number.
pub(crate) fn user_of(uri: &str) -> String {
    let rest = uri.split_once(':').map_or(uri, |(_, r)| r);
    let user = match (rest.rsplit_once('@'), uri.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("tel:"))) {
        (Some((user, _)), _) => user,
        (None, true) => rest,
        (None, false) => "",
    };
    let user = user.split([':', ';']).next().unwrap_or(user);
    percent_decode(user)
}

/// The user a request asks for. The parser keeps escapes as they came and would escape them once more in writing.
pub(crate) fn asked_for(uri: &Uri) -> String {
    match &uri.auth {
        Some(auth) => percent_decode(&auth.user),
        None => user_of(&uri.to_string()),
    }
}

/// Reads a URI or says what is wrong with it.
pub(crate) fn uri(text: &str) -> Result<Uri, SipError> {
    let bad = |problem: &str| SipError::Address { text: text.to_string(), problem: problem.to_string() };
    let scheme = text.split_once(':').map(|(s, _)| s.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("sip" | "sips" | "tel")) {
        return Err(bad("it must begin with sip:"));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"')) {
        return Err(bad("it holds a space, a bracket or a control character"));
    }
    let mut uri = Uri::try_from(text).map_err(|e| bad(&e.to_string()))?;
    // The parser keeps the user part as written but escapes it when writing: decode once.
    if let Some(auth) = &mut uri.auth {
        auth.user = percent_decode(&auth.user);
    }
    // It writes transports in capitals, which some phones do not know.
    for param in &mut uri.params {
        if let Param::Transport(t) = param {
            let name = t.to_string().to_ascii_lowercase();
            *param = Param::Other("transport".into(), Some(name.into()));
        }
    }
    Ok(uri)
}

/// A quoted display name in front of an address; empty names leave no quotes behind.
pub(crate) fn quoted(display: &str) -> String {
    let clean: String = display.chars().filter(|c| !c.is_control()).collect();
    match clean.trim() {
        "" => String::new(),
        name => format!("\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Escapes whatever may not stand in a user part.
pub(crate) fn escape_user(user: &str) -> String {
    let mut out = String::with_capacity(user.len());
    for byte in user.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'+' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match hex {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_string())
}

fn unescape(quoted: &str) -> String {
    let (mut out, mut escaped) = (String::new(), false);
    for c in quoted.chars() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            _ => {
                out.push(c);
                escaped = false;
            }
        }
    }
    out
}

/// Position of a character outside quotes.
fn unquoted(text: &str, wanted: char) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == wanted && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Position of the comma that ends the first value of a list: outside quotes and brackets.
fn separator(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped, mut bracket) = (false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => bracket = true,
            '>' if !quoted => bracket = false,
            ',' if !quoted && !bracket => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        let a = NameAddr::parse(r#""Ivan \"Vanya\" <x>" <sip:100@h:5060;transport=tcp>;tag=9;q=0.5"#).unwrap();
        assert_eq!(a.display.as_deref(), Some(r#"Ivan "Vanya" <x>"#));
        assert_eq!(
            (a.uri.as_str(), a.param("TAG"), a.user()),
            ("sip:100@h:5060;transport=tcp", Some("9"), "100".into())
        );
        let bare = NameAddr::parse("sip:100@h;tag=2").unwrap();
        assert_eq!((bare.uri.as_str(), bare.param("tag"), bare.display.as_ref()), ("sip:100@h", Some("2"), None));
        assert_eq!(NameAddr::parse("<tel:+7-495-1234567;ext=2>").unwrap().user(), "+7-495-1234567");
        assert_eq!(NameAddr::parse("<sip:%2B7495@h>").unwrap().user(), "+7495");
        assert!(NameAddr::parse("  ").is_none() && NameAddr::parse("\"x\" <>").is_none());
        assert!(NameAddr::parse("<sip:open@h").is_none());
    }

    #[test]
    fn lists_split_at_commas_outside_quotes_and_brackets() {
        let list = NameAddr::list(r#""a, b" <sip:1@h?x=1,2>;expires=5, <sip:2@h>,sip:3@h"#);
        assert_eq!(list.iter().map(NameAddr::user).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(list[0].param("expires"), Some("5"));
    }

    #[test]
    fn a_uri_survives_reading_and_writing() {
        for text in ["sip:%23100@h", "sip:+7495@10.0.0.1:5080;transport=tcp", "sip:100@[::1]:5060", "sip:h"] {
            assert_eq!(uri(text).unwrap().to_string(), text);
        }
        for text in ["100", "http://h", "sip:a b@h", "sip:<x>@h", "sip:"] {
            assert!(uri(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn a_display_name_cannot_smuggle_fields() {
        assert_eq!(quoted("Анна\r\nVia: x\""), "\"АннаVia: x\\\"\" ");
        assert_eq!(quoted(" "), "");
        assert_eq!(escape_user("8@evil;x"), "8%40evil%3Bx");
    }
}
