//! What an endpoint is started with: listeners, trunks, operators' accounts, and the rules for strangers.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

pub use crate::front::Transport;

/// One listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Listen {
    /// What is spoken there.
    pub transport: Transport,
    /// Where; port 0 takes any free one (see [`crate::Endpoint::addresses`]).
    pub address: SocketAddr,
}

/// Everything an endpoint needs to know. `Config::default()` listens nowhere and knows nobody.
#[derive(Clone)]
pub struct Config {
    /// Listening sockets.
    pub listen: Vec<Listen>,
    /// Our addresses as seen from outside (at most one a family), put into Contact and Via towards peers that are not
    /// in [`Config::local_networks`].
    pub external: Vec<IpAddr>,
    /// Networks that reach us without translation; private ranges by default.
    pub local_networks: Vec<Network>,
    /// Sent as User-Agent and Server.
    pub user_agent: String,
    /// Realm of our challenges, and the domain of From when a trunk has none of its own.
    pub realm: String,
    /// Challenge with SHA-256 besides MD5 (RFC 8760). Off by default: phones that know MD5 alone often read only the
    /// first challenge and give up.
    pub sha256: bool,
    /// Lines to providers and PBXs.
    pub trunks: Vec<Trunk>,
    /// Accounts of operators' phones.
    pub users: Vec<User>,
    /// What happens to calls from addresses nobody vouched for.
    pub strangers: Strangers,
    /// Send early media reliably (RFC 3262) to callers who support it.
    pub reliable: bool,
    /// Session timer we ask for (RFC 4028); `None` asks for none but honours the peer's.
    pub session_interval: Option<Duration>,
    /// Shortest session interval we accept. RFC 4028 forbids less than 90 s on the open network.
    pub session_minimum: Duration,
    /// Certificate for TLS listeners, and authorities for TLS trunks.
    pub tls: Tls,
    /// Round-trip estimate T1 of RFC 3261; every retransmission and time-out is a multiple of it.
    pub t1: Duration,
    /// How often a registered UDP or stream flow is refreshed with CRLF so that a NAT keeps it open.
    pub keep_alive: Duration,
    /// Longest and shortest registration a phone may ask for.
    pub registration: (Duration, Duration),
    /// Asked for every new call before anything is done for it.
    pub admit: Admit,
}

/// The admission question; cheap, called from the signalling task.
pub type Admit = Arc<dyn Fn() -> Admission + Send + Sync>;

/// Whether there is room for one more call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Take it.
    Take,
    /// 503 with this Retry-After.
    Busy {
        /// When the caller may try again.
        retry_after: Duration,
    },
}

/// Rules for INVITEs from addresses that are neither a trunk's nor an authenticated user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strangers {
    /// 403 to the first few of an address, then silence. Known scanners never get a word.
    #[default]
    Refuse,
    /// No answer at all.
    Ignore,
    /// Take the call (a public line without a trunk, or a test).
    Admit,
}

/// A line to a provider or a PBX.
#[derive(Debug, Clone)]
pub struct Trunk {
    /// The name used in configuration, records and [`crate::Outgoing::trunk`].
    pub name: String,
    /// Registrar and destination of outgoing calls: `host`, `host:port`; without a port SRV records are asked.
    pub server: Option<String>,
    /// How to talk to it.
    pub transport: Transport,
    /// `transport` was chosen, not assumed: where it is UDP, requests too long for a datagram go by it all the same. Else they
    /// go by TCP (RFC 3261 §18.1.1), and by UDP where that is refused.
    pub transport_fixed: bool,
    /// Send everything here instead (a session border controller), same form as `server`.
    pub proxy: Option<String>,
    /// Credentials, for registration and for challenges of the other side.
    pub account: Option<Account>,
    /// Register there, asking for this lifetime.
    pub register: Option<Duration>,
    /// Calls from these networks are this trunk's; addresses `server` and `proxy` resolve to are added by themselves.
    pub addresses: Vec<Network>,
    /// Calls of this trunk must authenticate with `account`.
    pub challenge: bool,
    /// Domain of From; default: the host of `server`.
    pub domain: Option<String>,
    /// Also state the caller as P-Asserted-Identity (RFC 3325), for trunks that take the number from there.
    pub assert_identity: bool,
    /// Check the server's certificate. Only switch it off for a PBX in your own network.
    pub verify_tls: bool,
    /// Ask the server so often (OPTIONS) whether it is there; see [`crate::TrunkState::reach`].
    pub qualify: Option<Duration>,
}

impl Trunk {
    /// A trunk with this name, UDP, knowing nobody.
    pub fn named(name: impl Into<String>) -> Trunk {
        Trunk {
            name: name.into(),
            server: None,
            transport: Transport::Udp,
            transport_fixed: false,
            proxy: None,
            account: None,
            register: None,
            addresses: Vec::new(),
            challenge: false,
            domain: None,
            assert_identity: false,
            verify_tls: true,
            qualify: None,
        }
    }
}

/// Name and password; `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// User part of our address at the trunk.
    pub user: String,
    /// The password.
    pub password: String,
    /// The name in digests where it differs from `user`.
    pub auth_user: Option<String>,
}

impl Account {
    /// The name that goes into digests.
    pub fn digest_user(&self) -> &str {
        self.auth_user.as_deref().unwrap_or(&self.user)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("user", &self.user).field("password", &"***").finish_non_exhaustive()
    }
}

/// An operator's phone account; `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// What the phone registers as.
    pub name: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("name", &self.name).field("password", &"***").finish()
    }
}

/// TLS files, all PEM.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificate chain for listeners.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Authorities trusted for outgoing connections besides the system's.
    pub authorities: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Vec::new(),
            external: Vec::new(),
            local_networks: Network::private(),
            user_agent: concat!("Gudok/", env!("CARGO_PKG_VERSION")).into(),
            realm: "gudok".into(),
            sha256: false,
            trunks: Vec::new(),
            users: Vec::new(),
            strangers: Strangers::default(),
            reliable: true,
            session_interval: Some(Duration::from_secs(1800)),
            session_minimum: Duration::from_secs(90),
            tls: Tls::default(),
            t1: Duration::from_millis(500),
            keep_alive: Duration::from_secs(25),
            registration: (Duration::from_secs(60), Duration::from_secs(3600)),
            admit: Arc::new(|| Admission::Take),
        }
    }
}

/// A block of addresses, written `10.0.0.0/8`, `2001:db8::/32` or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether the address lies inside. A v4 address mapped into v6 counts as v4.
    ///
    /// ```
    /// let office: sip::Network = "192.168.4.0/22".parse().unwrap();
    /// assert!(office.contains("192.168.7.9".parse().unwrap()));
    /// assert!(!office.contains("192.168.8.1".parse().unwrap()));
    /// ```
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(a)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                base.to_bits() & mask == a.to_bits() & mask
            }
            (IpAddr::V6(base), IpAddr::V6(a)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                base.to_bits() & mask == a.to_bits() & mask
            }
            _ => false,
        }
    }

    /// Loopback, link-local and the private ranges of RFC 1918, RFC 6598 and RFC 4193.
    pub fn private() -> Vec<Network> {
        let blocks = [
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "100.64.0.0/10",
            "::1/128",
            "fe80::/10",
            "fc00::/7",
        ];
        blocks.iter().map(|b| b.parse().expect("invariant: these blocks are written correctly")).collect()
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let (address, bits) = match text.split_once('/') {
            Some((a, b)) => (a, Some(b)),
            None => (text, None),
        };
        let base: IpAddr = address
            .trim()
            .parse()
            .map_err(|_| format!("network {text:?}: {address:?} is not an address; write 10.0.0.0/8 or 203.0.113.7"))?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(b) => b
                .trim()
                .parse::<u8>()
                .ok()
                .filter(|n| *n <= most)
                .ok_or_else(|| format!("network {text:?}: the prefix length goes from 0 to {most}"))?,
        };
        Ok(Network { base: base.to_canonical(), bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_matched() {
        let one: Network = "203.0.113.7".parse().unwrap();
        assert!(one.contains("203.0.113.7".parse().unwrap()) && !one.contains("203.0.113.8".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
        assert!(all.contains("::ffff:8.8.8.8".parse().unwrap()), "a mapped address is a v4 address");
        let six: Network = "2001:db8::/32".parse().unwrap();
        assert!(six.contains("2001:db8:5::1".parse().unwrap()) && !six.contains("2001:db9::1".parse().unwrap()));
        for wrong in ["", "10.0.0.0/33", "::/129", "provider.example", "10.0.0.0/x"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let account = Account { user: "clinic".into(), password: "sesame".into(), auth_user: None };
        let user = User { name: "anna".into(), password: "sesame".into() };
        assert!(!format!("{account:?} {user:?}").contains("sesame"));
    }
}
