//! What the parts of a header look like (RFC 3261 §25.1), as far as a mistake in them would be misread or has to be
//! answered. Display names are taken as people write them: real exchanges put commas and whole alphabets there.

use std::net::Ipv6Addr;

/// What is wrong, as a reason phrase.
pub(super) type Wrong = &'static str;

pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Cuts at a mark that stands outside quotes and angle brackets. An open quote hides every mark after it.
pub(super) fn split_outside(text: &str, mark: char) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let mut scan = Scan::default();
    for (at, c) in text.char_indices() {
        if scan.outside(c) && c == mark {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Walks over a value and knows whether it is inside quotes or angle brackets.
#[derive(Default)]
pub(super) struct Scan {
    quoted: bool,
    escaped: bool,
    angle: bool,
}

impl Scan {
    /// Whether this character belongs to neither quotes nor brackets (nor is one of their marks).
    pub(super) fn outside(&mut self, c: char) -> bool {
        if self.quoted {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '"' => self.quoted = false,
                _ => {}
            }
            return false;
        }
        match c {
            '"' if !self.angle => self.quoted = true,
            '<' => self.angle = true,
            '>' => self.angle = false,
            _ => return !self.angle,
        }
        false
    }

    /// A quote or a bracket is still open.
    pub(super) fn open(&self) -> bool {
        self.quoted || self.angle
    }
}

/// An address with a display name: From, To, Contact, Refer-To.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// Without quotes; as it stands between them.
    pub display: &'a str,
    pub quoted: bool,
    pub uri: &'a str,
    /// After the address, without the first semicolon.
    pub parameters: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Address<'a> {
    pub(super) fn parse(value: &'a str) -> Result<Self, Wrong> {
        let value = value.trim();
        let mut scan = Scan::default();
        let open = value.char_indices().find(|(_, c)| !scan.outside(*c) && *c == '<' && !scan.quoted).map(|(at, _)| at);
        let Some(open) = open else {
            if scan.open() || value.contains('"') {
                return Err("Unbalanced Quote in Address");
            }
            return Self::bare(value);
        };
        let (name, rest) = value.split_at(open);
        let (uri, rest) = rest[1..].split_once('>').ok_or("Unbalanced Angle Bracket in Address")?;
        let name = name.trim();
        let (display, quoted) = match name.strip_prefix('"') {
            Some(inner) => (inner.strip_suffix('"').ok_or("Malformed Display Name")?, true),
            None if name.contains('"') => return Err("Unbalanced Quote in Address"),
            None => (name, false),
        };
        check_uri(uri)?;
        let rest = rest.trim();
        let parameters = match rest.strip_prefix(';') {
            Some(rest) => parameters(rest)?,
            None if rest.is_empty() => Vec::new(),
            None => return Err("Malformed Address"),
        };
        Ok(Self { display, quoted, uri, parameters })
    }

    /// Without brackets: a semicolon ends the address, and a question mark or a comma may not be in it (§20).
    fn bare(value: &'a str) -> Result<Self, Wrong> {
        let (uri, rest) = value.split_once(';').map_or((value, None), |(uri, rest)| (uri, Some(rest)));
        let uri = uri.trim();
        if uri.contains(['?', ',']) {
            return Err("Address Needs Angle Brackets");
        }
        check_uri(uri)?;
        Ok(Self { display: "", quoted: false, uri, parameters: rest.map_or(Ok(Vec::new()), parameters)? })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).and_then(|(_, value)| *value)
    }
}

/// `a=b;c`: each with a name, and a value where there is a sign.
pub(super) fn parameters(text: &str) -> Result<Vec<(&str, Option<&str>)>, Wrong> {
    let one = |part| {
        let mut halves = split_outside(part, '=').into_iter();
        let name = halves.next().unwrap_or_default().trim();
        let value = halves.next().map(str::trim);
        let plain = |v: &str| if v.contains('"') { is_quoted(v) } else { !v.contains([' ', '\t']) };
        if is_token(name) && value.is_none_or(plain) && halves.next().is_none() {
            Ok((name, value))
        } else {
            Err("Malformed Parameter")
        }
    };
    split_outside(text, ';').into_iter().map(one).collect()
}

/// One string in quotes, closed where it ends.
fn is_quoted(text: &str) -> bool {
    let mut scan = Scan::default();
    let outside = text.chars().filter(|c| scan.outside(*c)).count();
    outside == 0 && !scan.open() && text.starts_with('"') && text.ends_with('"')
}

/// The scheme of an address, in small letters.
pub(super) fn scheme(uri: &str) -> Option<String> {
    let (scheme, _) = uri.split_once(':')?;
    let letters = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    (letters && scheme.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| scheme.to_ascii_lowercase())
}

/// An address that stands in brackets or in the request line.
pub(super) fn check_uri(uri: &str) -> Result<(), Wrong> {
    if uri.is_empty() || uri.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"')) {
        return Err("Malformed URI");
    }
    let scheme = scheme(uri).ok_or("URI Without Scheme")?;
    let rest = uri.split_once(':').map_or("", |(_, rest)| rest);
    if rest.is_empty() {
        return Err("Malformed URI");
    }
    if scheme == "sip" || scheme == "sips" {
        let host = match rest.split_once('@') {
            Some(("", _)) => return Err("URI With an Empty User"),
            Some((_, rest)) if rest.contains('@') => return Err("URI With Two @"),
            Some((_, rest)) => rest,
            None => rest,
        };
        let host = host.split([';', '?']).next().unwrap_or_default();
        check_host_port(host)?;
    }
    Ok(())
}

/// `host`, `host:port`, `[2001:db8::1]:port`.
pub(super) fn check_host_port(text: &str) -> Result<(), Wrong> {
    let (host_is_sound, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or("Malformed IPv6 Reference")?;
            let port = match rest.strip_prefix(':') {
                Some(port) => Some(port),
                None if rest.is_empty() => None,
                None => return Err("Malformed IPv6 Reference"),
            };
            (two_colons(address).parse::<Ipv6Addr>().is_ok(), port)
        }
        None => {
            let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
            let letters = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            (!host.is_empty() && host.len() <= 255 && host.bytes().all(letters), port)
        }
    };
    if !host_is_sound {
        return Err("Malformed Host");
    }
    let is_port = |p: &str| p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok_and(|p| p > 0);
    if port.is_some_and(|p| !is_port(p)) { Err("Malformed Port") } else { Ok(()) }
}

/// RFC 3261's grammar let three colons through where two are meant (RFC 5118 §4.10). Longer runs become two as well, so
/// that a second look finds nothing to do.
pub(super) fn two_colons(text: &str) -> String {
    let mut out = text.to_owned();
    while out.contains(":::") {
        out = out.replace(":::", "::");
    }
    out
}

/// One Via value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Via<'a> {
    pub sent_by: &'a str,
    pub parameters: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Via<'a> {
    pub(super) fn parse(value: &'a str) -> Result<Self, Wrong> {
        let malformed = "Malformed Via";
        let (head, rest) = value.split_once(';').map_or((value, None), |(head, rest)| (head, Some(rest)));
        let mut parts = head.splitn(3, '/').map(str::trim);
        let (name, version, rest_of_head) = (parts.next(), parts.next(), parts.next());
        if !name.is_some_and(|n| n.eq_ignore_ascii_case("SIP")) || version != Some("2.0") {
            return Err(malformed);
        }
        let (transport, sent_by) = rest_of_head.and_then(|r| r.split_once([' ', '\t'])).ok_or(malformed)?;
        let sent_by = sent_by.trim();
        if !is_token(transport) || sent_by.contains([' ', '\t']) {
            return Err(malformed);
        }
        check_host_port(sent_by)?;
        let parameters = rest.map_or(Ok(Vec::new()), parameters).map_err(|_| malformed)?;
        Ok(Self { sent_by, parameters })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<Option<&'a str>> {
        self.parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}
