//! From a SIP URI to addresses (RFC 3263, without NAPTR).

use std::net::{IpAddr, SocketAddr};

use rsipstack::resolver::SipResolver;
use rsipstack::sip::{Domain, Port, Transport as StackTransport};

use crate::config::Transport;
use crate::error::SipError;
use crate::transport::stack_transport;

/// One address to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub address: SocketAddr,
    pub transport: Transport,
    /// Nobody named the transport: it may be another where that is better.
    pub free: bool,
    /// The host as configured or as in the URI; the name a TLS certificate must carry.
    pub name: String,
}

/// Host, port and transport of a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPort {
    pub host: String,
    pub port: Option<u16>,
    pub transport: Option<Transport>,
}

impl HostPort {
    /// Reads `sip:user@host:port;transport=tcp`, `host:port` or `[::1]:5060`. An unknown transport, or a port that is
    /// none, is an error: guessing would send a call elsewhere.
    pub(crate) fn parse(text: &str) -> Result<HostPort, SipError> {
        let bad = |problem: &str| SipError::Address { text: text.to_string(), problem: problem.to_string() };
        let lower = text.get(..5).unwrap_or(text).to_ascii_lowercase();
        let (secure, rest) = match () {
            () if lower.starts_with("sips:") => (true, &text[5..]),
            () if lower.starts_with("sip:") => (false, &text[4..]),
            () => (false, text),
        };
        let rest = rest.split('?').next().unwrap_or(rest);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let (host, params) = rest.split_once(';').unwrap_or((rest, ""));
        let param = |name: &str| {
            params.split(';').find_map(|p| p.split_once('=').filter(|(n, _)| n.trim().eq_ignore_ascii_case(name)))
        };
        let transport = match param("transport").map(|(_, t)| t.trim().to_ascii_lowercase()).as_deref() {
            Some("udp") => Some(Transport::Udp),
            Some("tcp") if secure => Some(Transport::Tls),
            Some("tcp") => Some(Transport::Tcp),
            Some("tls") => Some(Transport::Tls),
            Some(_) => return Err(bad("its transport is not udp, tcp or tls")),
            None => secure.then_some(Transport::Tls),
        };
        let (host, port) = match host.strip_prefix('[') {
            Some(v6) => {
                let (host, after) = v6.split_once(']').ok_or_else(|| bad("the bracket is not closed"))?;
                (host, after.strip_prefix(':'))
            }
            None => match host.split_once(':') {
                Some((h, p)) if !p.contains(':') => (h, Some(p)),
                // Several colons without brackets: an IPv6 address alone.
                _ => (host, None),
            },
        };
        let port = match port {
            None => None,
            Some(p) => Some(p.parse().map_err(|_| bad("the port is not a number below 65536"))?),
        };
        match host.trim() {
            "" => Err(bad("there is no host")),
            host => Ok(HostPort { host: host.to_string(), port, transport }),
        }
    }

    /// The address itself when the host is one.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// Looks names up.
pub(crate) struct Locator(SipResolver);

impl Locator {
    pub(crate) fn new() -> Locator {
        Locator(SipResolver::new())
    }

    /// All addresses to try, best first. `preferred` is used when the URI names no transport.
    pub(crate) async fn locate(&self, place: &HostPort, preferred: Transport) -> Result<Vec<Target>, SipError> {
        let transport = place.transport.unwrap_or(preferred);
        let default = if transport == Transport::Tls { 5061 } else { 5060 };
        let free = place.transport.is_none();
        let target = |address, transport| Target { address, transport, free, name: place.host.clone() };
        if let Some(ip) = place.ip() {
            return Ok(vec![target(SocketAddr::new(ip, place.port.unwrap_or(default)), transport)]);
        }
        let domain = Domain::from(place.host.as_str());
        let secure = transport == Transport::Tls;
        let found = self.0.lookup(&domain, place.port.map(Port::from), Some(stack_transport(transport)), secure).await;
        let mut targets: Vec<Target> = found
            .into_iter()
            .flatten()
            .filter_map(|t| {
                let transport = match t.transport {
                    StackTransport::Udp => Transport::Udp,
                    StackTransport::Tcp => Transport::Tcp,
                    StackTransport::Tls => Transport::Tls,
                    _ => return None,
                };
                Some(target(t.addr, transport))
            })
            .collect();
        if targets.is_empty() {
            // The system may know names the resolver does not, as in /etc/hosts.
            let port = place.port.unwrap_or(default);
            if let Ok(all) = tokio::net::lookup_host((place.host.as_str(), port)).await {
                targets.extend(all.map(|a| target(a, transport)));
            }
        }
        match targets.is_empty() {
            true => Err(SipError::Unreachable {
                target: place.host.clone(),
                problem: "the name does not resolve; is it written correctly, and is DNS reachable?".into(),
            }),
            false => Ok(targets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        let read = |t: &str| HostPort::parse(t).map(|p| (p.host, p.port, p.transport)).ok();
        let is = |h: &str, p, t| Some((h.to_string(), p, t));
        assert_eq!(read("sip:100@pbx.example:5080;transport=TCP"), is("pbx.example", Some(5080), Some(Transport::Tcp)));
        assert_eq!(read("sips:100@h"), is("h", None, Some(Transport::Tls)));
        assert_eq!(read("sip:+7495;phone-context=x@h;user=phone"), is("h", None, None));
        assert_eq!(read("[2001:db8::1]:5062"), is("2001:db8::1", Some(5062), None));
        assert_eq!(read("2001:db8::1"), is("2001:db8::1", None, None));
        assert_eq!(read("sip:h?Replaces=a%40b"), is("h", None, None));
        for wrong in ["", "sip:", "sip:a@", "h:99999", "h:x", "[::1", "sip:h;transport=sctp"] {
            assert_eq!(read(wrong), None, "{wrong:?} was taken");
        }
    }
}
