//! Digest authentication (RFC 2617, RFC 8760), both ways: answering a challenge, and challenging.
//!
//! Nonces are stateless: a time and a keyed hash of it and of the peer's address, so that a flood of unauthenticated
//! requests costs no memory, and a wrong password can be held against an address that did receive our challenge.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use md5::Md5;
use rsipstack::transaction::random_text;
use sha2::{Digest as _, Sha256};

use crate::config::Account;

/// How long a nonce of ours may be used; after that the phone is told it is stale and asks again with a new one.
const NONCE_LIFE: Duration = Duration::from_secs(300);

/// The hash functions both sides may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn parse(name: Option<&str>) -> Option<Algorithm> {
        match name {
            None => Some(Algorithm::Md5),
            Some(n) if n.eq_ignore_ascii_case("MD5") => Some(Algorithm::Md5),
            Some(n) if n.eq_ignore_ascii_case("SHA-256") => Some(Algorithm::Sha256),
            Some(_) => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text.as_bytes())),
            Algorithm::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

/// The strongest challenge we can answer, with what it takes. Every answer counts (`nc`): a server may refuse a number it has
/// seen with the same nonce (RFC 7616 §3.4).
#[derive(Debug)]
pub(crate) struct Answering {
    algorithm: Algorithm,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop: bool,
    user: String,
    password: String,
    answered: u32,
}

impl Answering {
    /// None when none of them can be answered.
    pub(crate) fn to<'a>(challenges: impl Iterator<Item = &'a str>, account: &Account) -> Option<Answering> {
        let (algorithm, challenge) = challenges
            .filter_map(|c| {
                let fields = Fields::parse(c)?;
                Some((Algorithm::parse(fields.get("algorithm"))?, fields))
            })
            .max_by_key(|(a, _)| *a)?;
        let (realm, nonce) = (challenge.get("realm")?.to_string(), challenge.get("nonce")?.to_string());
        let qop = challenge.get("qop").is_some_and(|q| q.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")));
        if !qop && challenge.get("qop").is_some() {
            return None;
        }
        Some(Answering {
            algorithm,
            realm,
            nonce,
            opaque: challenge.get("opaque").map(str::to_string),
            qop,
            user: account.digest_user().to_string(),
            password: account.password.clone(),
            answered: 0,
        })
    }

    /// The value of Authorization or Proxy-Authorization for one request.
    pub(crate) fn next(&mut self, method: &str, uri: &str) -> String {
        self.answered = self.answered.saturating_add(1);
        let (cnonce, nc) = (random_text(16), format!("{:08x}", self.answered));
        let proof = Proof {
            algorithm: self.algorithm,
            user: &self.user,
            realm: &self.realm,
            nonce: &self.nonce,
            uri,
            method,
            qop: self.qop.then_some(("auth", nc.as_str(), cnonce.as_str())),
        };
        let response = proof.response(&self.password);
        let mut out = format!(
            r#"Digest username="{}", realm="{}", nonce="{}", uri="{uri}", response="{response}", algorithm={}"#,
            escape(&self.user),
            escape(&self.realm),
            escape(&self.nonce),
            self.algorithm.name()
        );
        if self.qop {
            out.push_str(&format!(r#", qop=auth, nc={nc}, cnonce="{cnonce}""#));
        }
        if let Some(opaque) = &self.opaque {
            out.push_str(&format!(r#", opaque="{}""#, escape(opaque)));
        }
        out
    }
}

/// Issues challenges and judges the answers.
pub(crate) struct Challenger {
    realm: String,
    secret: String,
    offered: &'static [Algorithm],
}

/// What an Authorization header amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// This user knows the password.
    Good(String),
    /// Right, but with an old nonce: challenge again with `stale=true`.
    Stale,
    /// Wrong user or password.
    Bad,
    /// Nothing for our realm, or nothing readable: challenge.
    Missing,
}

impl Challenger {
    pub(crate) fn new(realm: &str, sha256: bool) -> Challenger {
        // Strongest first (RFC 8760 §2.3).
        let offered: &[_] = if sha256 { &[Algorithm::Sha256, Algorithm::Md5] } else { &[Algorithm::Md5] };
        Challenger { realm: realm.to_string(), secret: random_text(32), offered }
    }

    /// The values of WWW-Authenticate.
    pub(crate) fn challenges(&self, peer: IpAddr, stale: bool) -> Vec<String> {
        let nonce = self.nonce(peer, now());
        let stale = if stale { ", stale=true" } else { "" };
        let one = |a: &Algorithm| {
            format!(
                r#"Digest realm="{}", nonce="{nonce}", qop="auth", algorithm={}{stale}"#,
                escape(&self.realm),
                a.name()
            )
        };
        self.offered.iter().map(one).collect()
    }

    /// Judges the Authorization values of a request. `password` looks a user up.
    pub(crate) fn judge<'a>(
        &self,
        peer: IpAddr,
        values: impl Iterator<Item = &'a str>,
        method: &str,
        password: impl Fn(&str) -> Option<String>,
    ) -> Judgement {
        let ours = values.filter_map(Fields::parse).find(|f| f.get("realm") == Some(self.realm.as_str()));
        let Some(fields) = ours else { return Judgement::Missing };
        let parts = (|| {
            let algorithm = Algorithm::parse(fields.get("algorithm"))?;
            let (user, nonce) = (fields.get("username")?, fields.get("nonce")?);
            let (uri, response) = (fields.get("uri")?, fields.get("response")?);
            let qop = match fields.get("qop") {
                None => None,
                Some(q) if q.eq_ignore_ascii_case("auth") => Some((q, fields.get("nc")?, fields.get("cnonce")?)),
                Some(_) => return None,
            };
            Some((Proof { algorithm, user, realm: &self.realm, nonce, uri, method, qop }, response))
        })();
        let Some((proof, response)) = parts else { return Judgement::Missing };
        let Some(age) = self.age(peer, proof.nonce) else { return Judgement::Stale };
        // An unknown user costs as much time as a wrong password.
        let (known, password) = match password(proof.user) {
            Some(p) => (true, p),
            None => (false, String::new()),
        };
        let right = same(&proof.response(&password), &response.to_ascii_lowercase());
        match (known && right, age <= NONCE_LIFE) {
            (true, true) => Judgement::Good(proof.user.to_string()),
            (true, false) => Judgement::Stale,
            (false, _) => Judgement::Bad,
        }
    }

    fn nonce(&self, peer: IpAddr, at: u64) -> String {
        let mac = Sha256::digest(format!("{}:{at}:{peer}:{}:{}", self.secret, self.realm, self.secret));
        format!("{at:x}-{}", hex(&mac[..16]))
    }

    /// Age of a nonce, if it is one of ours.
    fn age(&self, peer: IpAddr, nonce: &str) -> Option<Duration> {
        let at = u64::from_str_radix(nonce.split_once('-')?.0, 16).ok()?;
        same(&self.nonce(peer, at), nonce).then(|| Duration::from_secs(now().saturating_sub(at)))
    }
}

struct Proof<'a> {
    algorithm: Algorithm,
    user: &'a str,
    realm: &'a str,
    nonce: &'a str,
    uri: &'a str,
    method: &'a str,
    qop: Option<(&'a str, &'a str, &'a str)>,
}

impl Proof<'_> {
    fn response(&self, password: &str) -> String {
        let hash = |text: String| self.algorithm.hash(&text);
        let ha1 = hash(format!("{}:{}:{password}", self.user, self.realm));
        let ha2 = hash(format!("{}:{}", self.method, self.uri));
        match self.qop {
            Some((qop, nc, cnonce)) => hash(format!("{ha1}:{}:{nc}:{cnonce}:{qop}:{ha2}", self.nonce)),
            None => hash(format!("{ha1}:{}:{ha2}", self.nonce)),
        }
    }
}

/// The `name=value` list behind `Digest`.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(text: &str) -> Option<Fields> {
        let (scheme, mut rest) = text.trim().split_once(char::is_whitespace)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut out = Vec::new();
        loop {
            rest = rest.trim_start_matches([',', ' ', '\t', '\r', '\n']);
            if rest.is_empty() {
                return Some(Fields(out));
            }
            let (name, after) = rest.split_once('=')?;
            let after = after.trim_start();
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => read_quoted(quoted)?,
                None => {
                    let end = after.find(',').unwrap_or(after.len());
                    (after[..end].trim().to_string(), &after[end..])
                }
            };
            out.push((name.trim().to_ascii_lowercase(), value));
            rest = next;
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

fn read_quoted(text: &str) -> Option<(String, &str)> {
    let (mut out, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                out.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((out, &text[at + 1..])),
            _ => out.push(c),
        }
    }
    None
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Comparison whose time does not tell how much was right.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617 §3.5 and RFC 7616 §3.9.1.
    #[test]
    fn responses_are_those_of_the_specifications() {
        let rfc2617 = Proof {
            algorithm: Algorithm::Md5,
            user: "Mufasa",
            realm: "testrealm@host.com",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            uri: "/dir/index.html",
            method: "GET",
            qop: Some(("auth", "00000001", "0a4f113b")),
        };
        assert_eq!(rfc2617.response("Circle Of Life"), "6629fae49393a05397450978507c4ef1");
        let rfc7616 = Proof {
            algorithm: Algorithm::Sha256,
            user: "Mufasa",
            realm: "http-auth@example.org",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            uri: "/dir/index.html",
            method: "GET",
            qop: Some(("auth", "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
        };
        assert_eq!(
            rfc7616.response("Circle of Life"),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    fn answer<'a>(
        challenges: impl Iterator<Item = &'a str>,
        account: &Account,
        method: &str,
        uri: &str,
    ) -> Option<String> {
        Some(Answering::to(challenges, account)?.next(method, uri))
    }

    #[test]
    fn requests_with_one_nonce_are_counted() {
        let challenge = r#"Digest realm="a", nonce="b", qop="auth""#;
        let mut answering = Answering::to([challenge].into_iter(), &account("x")).unwrap();
        let answers: Vec<String> = (0..11).map(|_| answering.next("INVITE", "sip:x")).collect();
        assert!(answers[0].contains("nc=00000001,") && answers[1].contains("nc=00000002,"));
        assert!(answers[10].contains("nc=0000000b,"));
        // What is counted is signed.
        let response = |answer: &str| answer.split("response=\"").nth(1).unwrap()[..32].to_string();
        assert_ne!(response(&answers[0]), response(&answers[1]));
        let ours = Challenger::new("gudok", true);
        let mut again = Answering::to([ours.challenges(PEER, false)[0].as_str()].into_iter(), &account("x")).unwrap();
        for _ in 0..3 {
            let shown = again.next("REGISTER", "sip:gudok");
            let judged = ours.judge(PEER, [shown.as_str()].into_iter(), "REGISTER", |_| Some("x".to_string()));
            assert_eq!(judged, Judgement::Good("anna".into()));
        }
    }

    fn account(password: &str) -> Account {
        Account { user: "anna".into(), password: password.into(), auth_user: None }
    }

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

    #[test]
    fn a_challenge_is_answered_and_believed() {
        let ours = Challenger::new("gudok \"1\"", true);
        let password = |u: &str| (u == "anna").then(|| "sesame".to_string());
        let offered = ours.challenges(PEER, false);
        for one in &offered {
            let good = answer([one.as_str()].into_iter(), &account("sesame"), "REGISTER", "sip:gudok").unwrap();
            assert_eq!(
                ours.judge(PEER, [good.as_str()].into_iter(), "REGISTER", password),
                Judgement::Good("anna".into())
            );
            assert_eq!(
                ours.judge(PEER, [good.as_str()].into_iter(), "INVITE", password),
                Judgement::Bad,
                "another method"
            );
            let bad = answer([one.as_str()].into_iter(), &account("guess"), "REGISTER", "sip:gudok").unwrap();
            assert_eq!(ours.judge(PEER, [bad.as_str()].into_iter(), "REGISTER", password), Judgement::Bad);
        }
        let strongest =
            answer(offered.iter().rev().map(String::as_str), &account("sesame"), "INVITE", "sip:x").unwrap();
        assert!(strongest.contains("SHA-256"));
        assert_eq!(ours.judge(PEER, std::iter::empty(), "INVITE", password), Judgement::Missing);
    }

    #[test]
    fn a_foreign_or_old_nonce_is_stale_or_bad() {
        let (ours, other) = (Challenger::new("gudok", true), Challenger::new("gudok", false));
        let password = |_: &str| Some("sesame".to_string());
        let foreign =
            answer([other.challenges(PEER, false)[0].as_str()].into_iter(), &account("sesame"), "INVITE", "sip:x");
        assert_eq!(ours.judge(PEER, foreign.as_deref().into_iter(), "INVITE", password), Judgement::Stale);
        let elsewhere = answer(
            [ours.challenges([127, 0, 0, 1].into(), false)[1].as_str()].into_iter(),
            &account("guess"),
            "INVITE",
            "sip:x",
        );
        assert_eq!(ours.judge(PEER, elsewhere.as_deref().into_iter(), "INVITE", password), Judgement::Stale);
        let old = ours.nonce(PEER, now() - 301);
        let challenge = format!(r#"Digest realm="gudok", nonce="{old}", qop="auth""#);
        let late = answer([challenge.as_str()].into_iter(), &account("sesame"), "INVITE", "sip:x").unwrap();
        assert_eq!(ours.judge(PEER, [late.as_str()].into_iter(), "INVITE", password), Judgement::Stale);
    }

    #[test]
    fn what_cannot_be_answered_is_left_alone() {
        let ask = |c: &str| answer([c].into_iter(), &account("x"), "INVITE", "sip:x");
        assert!(ask(r#"Digest realm="a", nonce="b", algorithm=SHA-512-256"#).is_none());
        assert!(ask(r#"Digest realm="a", nonce="b", qop="auth-int""#).is_none());
        assert!(ask(r#"Basic realm="a""#).is_none() && ask("Digest realm=\"a").is_none());
        assert!(ask(r#"Digest realm="a", nonce="b""#).is_some_and(|a| !a.contains("qop")));
    }
}
