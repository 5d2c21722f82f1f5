//! What the server must know of the way requests take to it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};

/// How browsers reach this server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryRules {
    /// Browsers come by https: cookies are marked so, and browsers are told never to come without it.
    pub https: bool,
    /// A proxy in front tells the address of who asks in `X-Forwarded-For`; the last entry is its own.
    pub behind_proxy: bool,
}

impl EntryRules {
    /// Where the request comes from.
    pub(crate) fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let forwarded = || {
            let all = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            all.rsplit(',').next()?.trim().parse().ok()
        };
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        if self.behind_proxy { forwarded().or(peer) } else { peer }
    }
}

/// Whether the request was sent on this very machine. What a proxy passed on was not, whoever runs the proxy.
pub(crate) fn is_local(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let passed_on = ["x-forwarded-for", "forwarded", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name));
    peer.is_some_and(|peer| peer.is_loopback()) && !passed_on
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn from(peer: &str) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        extensions
    }

    #[test]
    fn only_this_machine_itself_is_local() {
        let mut headers = HeaderMap::new();
        assert!(is_local(&headers, &from("127.0.0.1")) && is_local(&headers, &from("::ffff:127.0.0.1")));
        assert!(!is_local(&headers, &from("10.0.0.1")) && !is_local(&headers, &Extensions::new()));
        headers.insert("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
        assert!(!is_local(&headers, &from("127.0.0.1")));
    }

    #[test]
    fn only_the_proxys_own_word_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("1.1.1.1, 10.0.0.7"));
        let address = |behind_proxy| EntryRules { https: true, behind_proxy }.address(&headers, &from("127.0.0.1"));
        assert_eq!(address(true).unwrap().to_string(), "10.0.0.7");
        assert_eq!(address(false).unwrap().to_string(), "127.0.0.1");
    }
}
