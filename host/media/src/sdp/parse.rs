//! Reading a description (RFC 8866), as strictly as sound needs and no stricter: lines that carry nothing for us may say
//! what they like, and lines end with CRLF or LF.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Crypto, Encoding, Host, Media, Origin, SdpError, Session, Setup};
use crate::negotiated::{Direction, Fingerprint};

/// More than a browser writes with all its network candidates (6–8 KB).
const MOST_BYTES: usize = 16 * 1024;
const MOST_MEDIA: usize = 32;
const MOST_FORMATS: usize = 64;

impl Session {
    /// Reads a description.
    ///
    /// # Errors
    /// What is wrong, with the line and what would be right.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > MOST_BYTES {
            return Err(SdpError::TooLong { bytes: text.len(), most: MOST_BYTES });
        }
        let mut reader = Reader::default();
        for (index, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if !line.is_empty() {
                reader.number = index + 1;
                reader.read(line)?;
            }
        }
        reader.finish()
    }
}

impl Media {
    /// What `a=rtpmap` says of a payload type.
    pub fn encoding(&self, payload_type: u8) -> Option<&Encoding> {
        self.maps.iter().find(|(number, _)| *number == payload_type).map(|(_, encoding)| encoding)
    }

    /// What `a=fmtp` says of a payload type.
    pub fn parameters_of(&self, payload_type: u8) -> Option<&str> {
        self.parameters.iter().find(|(number, _)| *number == payload_type).map(|(_, text)| text.as_str())
    }

    /// The payload types of an RTP stream, in order of preference.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + '_ {
        self.formats.iter().filter_map(|format| payload_type(format))
    }
}

#[derive(Default)]
struct Reader {
    number: usize,
    versioned: bool,
    origin: Option<Origin>,
    timing: Option<String>,
    connection: Option<Host>,
    direction: Option<Direction>,
    fingerprint: Option<Fingerprint>,
    setup: Option<Setup>,
    media: Vec<Stream>,
}

/// A media line on its way: what it may yet inherit from the session is not known before the end.
struct Stream {
    media: Media,
    direction: Option<Direction>,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), SdpError> {
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return Err(self.wrong("a control character stands in the text", "send printable text"));
        }
        let (kind, value) = match line.split_at_checked(2) {
            Some((head, value)) if head.ends_with('=') => (head.as_bytes()[0], value),
            _ => return Err(self.wrong("not of the form x=value", "begin it with one letter and =")),
        };
        if !self.versioned {
            if line != "v=0" {
                return Err(self.wrong("a description begins with v=0", "put v=0 first"));
            }
            self.versioned = true;
            return Ok(());
        }
        match kind {
            b'v' => Err(self.wrong("a second v= line", "send one description")),
            b'o' => self.origin(value),
            b't' => {
                // Only the first: repetitions of a session are for broadcasts.
                self.timing.get_or_insert_with(|| value.trim().to_owned());
                Ok(())
            }
            b'c' => self.connection(value),
            b'm' => self.media(value),
            b'a' => self.attribute(value),
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<Session, SdpError> {
        if !self.versioned {
            return Err(SdpError::Missing('v'));
        }
        let mut media = Vec::with_capacity(self.media.len());
        for Stream { media: mut stream, direction } in self.media {
            stream.direction = direction.or(self.direction).unwrap_or_default();
            stream.connection = stream.connection.or_else(|| self.connection.clone());
            stream.fingerprint = stream.fingerprint.or_else(|| self.fingerprint.clone());
            stream.setup = stream.setup.or(self.setup);
            media.push(stream);
        }
        Ok(Session {
            origin: self.origin.ok_or(SdpError::Missing('o'))?,
            timing: self.timing.filter(|text| is_timing(text)).unwrap_or_else(|| "0 0".to_owned()),
            direction: self.direction,
            fingerprint: self.fingerprint,
            setup: self.setup,
            media,
        })
    }

    fn origin(&mut self, value: &str) -> Result<(), SdpError> {
        let words: Vec<&str> = value.split_ascii_whitespace().collect();
        let &[user, session, version, "IN", family, address] = words.as_slice() else {
            return Err(self.wrong("o= has not six words", "write o=- ID VERSION IN IP4 ADDRESS"));
        };
        if self.origin.is_some() {
            return Err(self.wrong("a second o= line", "send one description"));
        }
        let address = self.host(family, address)?;
        let (user, session, version) = (user.to_owned(), session.to_owned(), version.to_owned());
        self.origin = Some(Origin { user, session, version, address });
        Ok(())
    }

    fn connection(&mut self, value: &str) -> Result<(), SdpError> {
        let words: Vec<&str> = value.split_ascii_whitespace().collect();
        let &["IN", family, address] = words.as_slice() else {
            return Err(self.wrong("c= has not three words", "write c=IN IP4 ADDRESS"));
        };
        // A group address may bring its reach and its number along.
        let address = self.host(family, address.split('/').next().unwrap_or_default())?;
        match self.media.last_mut() {
            // More addresses than one are layers of a broadcast: the first is the base.
            Some(stream) => stream.media.connection.get_or_insert(address),
            None => self.connection.get_or_insert(address),
        };
        Ok(())
    }

    fn host(&self, family: &str, address: &str) -> Result<Host, SdpError> {
        let ip = match family {
            "IP4" => address.parse::<Ipv4Addr>().map(Into::into),
            // Some write the brackets that addresses of SIP have.
            "IP6" => address.trim_matches(['[', ']']).parse::<Ipv6Addr>().map(Into::into),
            _ => return Err(self.wrong("the family of the address is neither IP4 nor IP6", "write IP4 or IP6")),
        };
        if let Ok(ip) = ip {
            return Ok(Host::Ip(ip));
        }
        // Digits and dots are an address that went wrong, and so is a colon.
        let name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_';
        let is_name =
            address.len() <= 255 && address.bytes().all(name) && address.bytes().any(|b| b.is_ascii_alphabetic());
        if is_name {
            Ok(Host::Name(address.to_owned()))
        } else {
            Err(self.wrong("no address of its family, and no name", "write an address like 192.0.2.1 or 2001:db8::1"))
        }
    }

    fn media(&mut self, value: &str) -> Result<(), SdpError> {
        let mut words = value.split_ascii_whitespace();
        let mend = "write m=audio PORT RTP/AVP FORMAT …";
        let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
            return Err(self.wrong("m= has not four words", mend));
        };
        // `49170/2` are two streams, of which the first is the one.
        let port = port.split('/').next().filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
        let Some(port) = port.and_then(|port| port.parse().ok()) else {
            return Err(self.wrong("the port of m= is no number up to 65535", mend));
        };
        let formats: Vec<String> = words.map(str::to_owned).collect();
        if formats.is_empty() {
            return Err(self.wrong("m= names no format", mend));
        }
        if formats.len() > MOST_FORMATS {
            return Err(SdpError::TooMany { line: self.number, what: "formats", most: MOST_FORMATS });
        }
        if self.media.len() == MOST_MEDIA {
            return Err(SdpError::TooMany { line: self.number, what: "media lines", most: MOST_MEDIA });
        }
        let media = Media {
            line: self.number,
            kind: kind.to_owned(),
            port,
            protocol: protocol.to_owned(),
            formats,
            connection: None,
            maps: Vec::new(),
            parameters: Vec::new(),
            ptime_ms: None,
            max_ptime_ms: None,
            direction: Direction::default(),
            rtcp: None,
            rtcp_mux: false,
            crypto: Vec::new(),
            fingerprint: None,
            setup: None,
        };
        self.media.push(Stream { media, direction: None });
        Ok(())
    }

    fn attribute(&mut self, text: &str) -> Result<(), SdpError> {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.trim();
        if let Some(direction) = Direction::from_word(name) {
            match self.media.last_mut() {
                Some(stream) => stream.direction = Some(direction),
                None => self.direction = Some(direction),
            }
            return Ok(());
        }
        let line = self.number;
        let wrong = |what: &str, mend| SdpError::Line { line, what: what.to_owned(), mend };
        // Attributes of pictures and faxes are not read: their streams are refused whatever they say.
        if self.media.last().is_some_and(|stream| stream.media.kind != "audio") {
            return Ok(());
        }
        match name {
            "fingerprint" => {
                let print =
                    Fingerprint::parse(value).map_err(|what| wrong(what, "write a=fingerprint:sha-256 4A:AD:…"))?;
                match self.media.last_mut() {
                    Some(stream) => stream.media.fingerprint = Some(print),
                    None => self.fingerprint = Some(print),
                }
                return Ok(());
            }
            "setup" => {
                let setup = Setup::parse(value).ok_or_else(|| {
                    wrong("a=setup has an unknown role", "write actpass, active, passive or holdconn")
                })?;
                match self.media.last_mut() {
                    Some(stream) => stream.media.setup = Some(setup),
                    None => self.setup = Some(setup),
                }
                return Ok(());
            }
            _ => {}
        }
        if name == "rtcp" {
            let rtcp = self.rtcp(value)?;
            if let Some(stream) = self.media.last_mut() {
                stream.media.rtcp = Some(rtcp);
            }
            return Ok(());
        }
        let Some(Stream { media, .. }) = self.media.last_mut() else { return Ok(()) };
        match name {
            "rtpmap" => {
                let map = rtpmap(value);
                let (number, encoding) =
                    map.ok_or_else(|| wrong("a=rtpmap is not understood", "write a=rtpmap:101 telephone-event/8000"))?;
                if media.encoding(number).is_none() {
                    media.maps.push((number, encoding));
                }
            }
            "fmtp" => {
                if let Some((number, parameters)) = value.split_once(' ')
                    && let Some(number) = payload_type(number)
                {
                    media.parameters.push((number, parameters.trim().to_owned()));
                }
            }
            "ptime" => media.ptime_ms = milliseconds(value),
            "maxptime" => media.max_ptime_ms = milliseconds(value),
            "rtcp-mux" => media.rtcp_mux = true,
            "crypto" => match Crypto::parse(value) {
                Ok(crypto) => media.crypto.extend(crypto),
                // Beside plain RTP a key is a proposal; what cannot be read of it is passed over.
                Err(what) if media.protocol.contains("SAVP") => {
                    return Err(wrong(
                        what,
                        "write a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEY (30 bytes in base64)",
                    ));
                }
                Err(_) => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn rtcp(&self, value: &str) -> Result<(u16, Option<Host>), SdpError> {
        let words: Vec<&str> = value.split_ascii_whitespace().collect();
        let port = words.first().and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        match (port, words.get(1..)) {
            (Some(port), Some([])) => Ok((port, None)),
            (Some(port), Some(["IN", family, address])) => Ok((port, Some(self.host(family, address)?))),
            _ => Err(self.wrong("a=rtcp is not understood", "write a=rtcp:PORT or a=rtcp:PORT IN IP4 ADDRESS")),
        }
    }

    fn wrong(&self, what: &str, mend: &'static str) -> SdpError {
        SdpError::Line { line: self.number, what: what.to_owned(), mend }
    }
}

fn is_timing(text: &str) -> bool {
    let mut words = text.split(' ');
    let number = |word: Option<&str>| word.is_some_and(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_digit()));
    number(words.next()) && number(words.next()) && words.next().is_none()
}

fn payload_type(text: &str) -> Option<u8> {
    text.parse().ok().filter(|number| *number < 128 && text.bytes().all(|b| b.is_ascii_digit()))
}

fn rtpmap(value: &str) -> Option<(u8, Encoding)> {
    let (number, encoding) = value.split_once(' ')?;
    let mut parts = encoding.trim().split('/');
    let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let clock = parts.next()?.parse().ok().filter(|clock| *clock > 0)?;
    let channels = match parts.next() {
        Some(channels) => channels.parse().ok()?,
        None => 1,
    };
    Some((payload_type(number)?, Encoding { name, clock, channels }))
}

/// `20`, or `20.5` as some write; what is no number or absurd says nothing.
fn milliseconds(value: &str) -> Option<u32> {
    let whole = value.split('.').next()?;
    whole.parse().ok().filter(|ms| (1..=1_000).contains(ms))
}
