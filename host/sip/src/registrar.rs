//! Where operators' phones are: accounts and their registrations (RFC 3261 §10.3).

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rsipstack::sip::Request;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::{Config, Transport};
use crate::header::{self, NameAddr};
use crate::message;

/// Phones one account may register at once.
const PHONES: usize = 10;

/// An account and the phones registered with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserState {
    /// The account.
    pub name: String,
    /// Its phones; none: nobody can be reached.
    pub phones: Vec<Phone>,
}

/// A registered phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// Its Contact.
    pub uri: String,
    /// Where its messages come from, which is where calls go.
    pub source: SocketAddr,
    /// How.
    pub transport: Transport,
    /// What it calls itself.
    pub user_agent: Option<String>,
}

pub(crate) struct Registrar {
    passwords: HashMap<String, String>,
    shortest: Duration,
    longest: Duration,
    bindings: Mutex<BTreeMap<String, Vec<Binding>>>,
    state: watch::Sender<Arc<Vec<UserState>>>,
}

struct Binding {
    phone: Phone,
    until: Instant,
    call_id: String,
    number: u32,
}

/// Why a registration is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    TooBrief(Duration),
    Malformed,
    /// An older request of the same phone came later.
    OutOfOrder,
}

impl Registrar {
    pub(crate) fn new(config: &Config) -> Registrar {
        let passwords: HashMap<_, _> = config.users.iter().map(|u| (u.name.clone(), u.password.clone())).collect();
        let bindings = passwords.keys().map(|n| (n.clone(), Vec::new())).collect();
        let registrar = Registrar {
            passwords,
            shortest: config.registration.0,
            longest: config.registration.1,
            bindings: Mutex::new(bindings),
            state: watch::Sender::new(Arc::default()),
        };
        registrar.publish();
        registrar
    }

    pub(crate) fn has(&self, user: &str) -> bool {
        self.passwords.contains_key(user)
    }

    pub(crate) fn password(&self, user: &str) -> Option<String> {
        self.passwords.get(user).cloned()
    }

    /// Whether a registered phone lives at this address.
    pub(crate) fn knows(&self, address: IpAddr) -> bool {
        self.bindings().values().flatten().any(|b| b.phone.source.ip() == address)
    }

    /// The phones of an account now.
    pub(crate) fn phones(&self, user: &str) -> Vec<Phone> {
        let now = Instant::now();
        let bindings = self.bindings();
        let all = bindings.get(user).into_iter().flatten();
        all.filter(|b| b.until > now).map(|b| b.phone.clone()).collect()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Vec<UserState>>> {
        self.state.subscribe()
    }

    /// Takes a REGISTER of a proven user; gives the Contacts of the 200.
    pub(crate) fn register(
        &self,
        user: &str,
        request: &Request,
        transport: Transport,
        source: SocketAddr,
    ) -> Result<Vec<String>, Refusal> {
        let headers = &request.headers;
        let call_id = header::value(headers, "Call-ID").ok_or(Refusal::Malformed)?.to_string();
        let number = message::cseq(headers).ok_or(Refusal::Malformed)?.0;
        let general = header::value(headers, "Expires").and_then(header::seconds);
        let now = Instant::now();
        let mut bindings = self.bindings();
        let phones = bindings.entry(user.to_string()).or_default();
        phones.retain(|b| b.until > now);
        if phones.iter().any(|b| b.call_id == call_id && b.number > number) {
            return Err(Refusal::OutOfOrder);
        }
        let contacts: Vec<&str> = header::values(headers, "Contact").collect();
        if contacts == ["*"] {
            if general != Some(0) {
                return Err(Refusal::Malformed);
            }
            phones.clear();
        } else {
            // All or nothing (§10.3, step 7): read everything before changing anything.
            let mut wanted = Vec::new();
            for contact in contacts.iter().flat_map(|c| NameAddr::list(c)) {
                if contact.uri == "*" || header::uri(&contact.uri).is_err() {
                    return Err(Refusal::Malformed);
                }
                let asked = contact.param("expires").and_then(header::seconds).or(general);
                let life = asked.map_or(self.longest, Duration::from_secs).min(self.longest);
                if !life.is_zero() && life < self.shortest {
                    return Err(Refusal::TooBrief(self.shortest));
                }
                wanted.push((contact.uri, life));
            }
            for (uri, life) in wanted {
                // The same phone again: the same Contact, or the same registration from a moved address.
                phones.retain(|b| b.phone.uri != uri && (b.call_id != call_id || b.number == number));
                if !life.is_zero() {
                    let user_agent = header::value(headers, "User-Agent").map(str::to_string);
                    let phone = Phone { uri, source, transport, user_agent };
                    phones.push(Binding { phone, until: now + life, call_id: call_id.clone(), number });
                }
            }
            let surplus = phones.len().saturating_sub(PHONES);
            phones.drain(..surplus);
        }
        let listed = phones
            .iter()
            .map(|b| format!("<{}>;expires={}", b.phone.uri, b.until.duration_since(now).as_secs()))
            .collect();
        drop(bindings);
        self.publish();
        Ok(listed)
    }

    /// Forgets phones whose time is up.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        let mut changed = false;
        for phones in self.bindings().values_mut() {
            let before = phones.len();
            phones.retain(|b| b.until > now);
            changed |= phones.len() != before;
        }
        if changed {
            self.publish();
        }
    }

    fn publish(&self) {
        let all: Vec<UserState> = self
            .bindings()
            .iter()
            .map(|(name, b)| UserState { name: name.clone(), phones: b.iter().map(|b| b.phone.clone()).collect() })
            .collect();
        self.state.send_if_modified(|state| {
            let changed = **state != all;
            *state = Arc::new(all);
            changed
        });
    }

    fn bindings(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<Binding>>> {
        self.bindings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::User;

    fn registrar() -> Registrar {
        let users = vec![User { name: "anna".into(), password: "sesame".into() }];
        Registrar::new(&Config { users, ..Config::default() })
    }

    fn send(to: &Registrar, call: &str, number: u32, contact: &str, more: &str) -> Result<Vec<String>, Refusal> {
        let text = format!(
            "REGISTER sip:gudok SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:anna@gudok>;tag=1\r\n\
             To: <sip:anna@gudok>\r\nCall-ID: {call}\r\nCSeq: {number} REGISTER\r\n{contact}{more}\r\n"
        );
        let request = Request::try_from(text.as_str()).unwrap();
        to.register("anna", &request, Transport::Udp, "10.0.0.5:5060".parse().unwrap())
    }

    #[tokio::test]
    async fn phones_come_and_go() {
        let r = registrar();
        let phone = "Contact: <sip:anna@10.0.0.5:5060>\r\n";
        assert_eq!(send(&r, "a", 1, phone, "Expires: 600\r\n").unwrap().len(), 1);
        assert_eq!(send(&r, "b", 1, "Contact: <sip:anna@10.0.0.6>;expires=300\r\n", "").unwrap().len(), 2);
        assert_eq!(send(&r, "a", 2, phone, "Expires: 600\r\n").unwrap().len(), 2, "a refresh is no new phone");
        assert_eq!(send(&r, "a", 3, "Contact: <sip:anna@10.9.9.9>\r\n", "Expires: 600\r\n").unwrap().len(), 2, "moved");
        assert_eq!(r.watch().borrow()[0].phones.len(), 2);
        assert_eq!(send(&r, "c", 1, "", "").unwrap().len(), 2, "asking changes nothing");
        assert_eq!(send(&r, "b", 2, "Contact: <sip:anna@10.0.0.6>;expires=0\r\n", "").unwrap().len(), 1);
        assert_eq!(send(&r, "z", 1, "Contact: *\r\n", "Expires: 0\r\n").unwrap().len(), 0);
        assert!(r.phones("anna").is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_taken_changes_nothing() {
        let r = registrar();
        let phone = "Contact: <sip:anna@10.0.0.5:5060>\r\n";
        send(&r, "a", 5, phone, "Expires: 600\r\n").unwrap();
        assert_eq!(send(&r, "a", 4, phone, "Expires: 0\r\n"), Err(Refusal::OutOfOrder));
        let brief = Err(Refusal::TooBrief(Duration::from_secs(60)));
        assert_eq!(send(&r, "b", 1, "Contact: <sip:x@1.1.1.1>, <sip:y@1.1.1.1>;expires=5\r\n", ""), brief);
        assert_eq!(send(&r, "b", 1, "Contact: *\r\n", "Expires: 60\r\n"), Err(Refusal::Malformed));
        assert_eq!(send(&r, "b", 1, "Contact: <nonsense>\r\n", ""), Err(Refusal::Malformed));
        assert_eq!(r.phones("anna").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn time_runs_out() {
        let r = registrar();
        send(&r, "a", 1, "Contact: <sip:anna@10.0.0.5>;expires=60\r\n", "").unwrap();
        assert!(r.knows("10.0.0.5".parse().unwrap()));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(r.phones("anna").is_empty());
        r.sweep();
        assert!(!r.knows("10.0.0.5".parse().unwrap()) && r.watch().borrow()[0].phones.is_empty());
    }
}
