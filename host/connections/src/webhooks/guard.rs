//! No endpoint reaches into the network that the server itself stands in, unless the file allows it.
//!
//! The address is looked at twice: as it is written, and as it is resolved for each connection, so that a name which points
//! elsewhere tomorrow does not get through. Redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};

use crate::ConnectionError;

/// The endpoint's address, if events may be sent there.
///
/// # Errors
/// A sentence about what is wrong, and what would be right.
pub fn check_url(text: &str, allow_private: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is no address ({error}); write https://HOST/PATH"))?;
    let private = match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        None | Some("") => return Err("names no host; write https://HOST/PATH".to_owned()),
        Some(host) => match host.parse::<IpAddr>() {
            Ok(address) => !is_public(address),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        },
    };
    if private && !allow_private {
        return Err("lies in a private network; write allow_private = true if it is meant".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if private => Ok(url),
        "http" => Err("must begin with https://: events are signed, not encrypted".to_owned()),
        other => Err(format!("{other}:// is not spoken here; write https://HOST/PATH")),
    }
}

/// Whether an address is one of the open internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The IANA registry of special-purpose addresses says which are not.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, _, _)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let embedded = |high: u16, low: u16| is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match parts {
        // Loopback, unspecified, and IPv4 in the spellings that carry it.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x64, 0xff9b, ..] | [0x100, ..] | [0x2001, 0xdb8, ..] | [0x2001, 0..=0x1ff, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

/// Resolves names to public addresses only.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name points into a private network".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// A client that sends events and does nothing else.
pub(super) fn client(allow_private: bool, timeout_s: i64) -> Result<Client, ConnectionError> {
    let mut builder = crate::bitrix24::http(timeout_s).redirect(reqwest::redirect::Policy::none());
    if !allow_private {
        builder = builder.dns_resolver(std::sync::Arc::new(PublicOnly));
    }
    builder.build().map_err(|error| ConnectionError::Client(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_in_every_spelling_are_refused() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "172.32.0.1", "2a02:6b8::2:242", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn an_address_is_https_and_public_unless_private_is_allowed() {
        assert!(check_url("https://example.ru/in", false).is_ok());
        for (wrong, part) in [
            ("http://example.ru/in", "https://"),
            ("https://localhost/in", "allow_private"),
            ("https://[::1]:8443/in", "allow_private"),
            ("https://0x7f.1/in", "allow_private"),
            ("ftp://example.ru/", "not spoken"),
            ("example.ru/in", "https://HOST"),
        ] {
            let problem = check_url(wrong, false).unwrap_err();
            assert!(problem.contains(part), "{wrong}: {problem}");
        }
        assert!(check_url("http://127.0.0.1:8080/in", true).is_ok());
        assert!(check_url("http://example.ru/in", true).is_err());
    }
}
