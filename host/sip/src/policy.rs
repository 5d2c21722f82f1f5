//! Who may call and who may register: the decisions before anything is served.

use std::net::SocketAddr;
use std::sync::Arc;

use rsipstack::sip::{Header, Request};
use rsipstack::transaction::Transaction;

use crate::call::{Call, Phase, SDP, State};
use crate::config::{Account, Admission, Strangers, Transport};
use crate::core::{Core, drop_silently};
use crate::counters::Meter;
use crate::digest::Judgement;
use crate::header::{self, NameAddr, field};
use crate::inbound::{self, Incoming, ServerInvite};
use crate::message;
use crate::registrar::Refusal;
use crate::replaces::Replaced;
use crate::timer::TooBrief;
use crate::trunk::TrunkLine;

/// Whom a call comes from, as far as it is proven.
enum Origin {
    Trunk(Arc<TrunkLine>),
    User(String),
    Stranger,
}

/// What to do with a request whose sender must prove himself.
enum Proof {
    Given(String),
    /// This answer goes back.
    Refused(u16, Vec<Header>),
    Silence,
}

impl Core {
    pub(crate) fn on_invite(self: &Arc<Self>, tx: Transaction, transport: Transport, source: SocketAddr) {
        let origin = match self.origin_of(&tx.original, source) {
            Ok(origin) => origin,
            Err(Proof::Refused(status, extra)) => {
                self.meter.reject(if status == 401 { "challenged" } else { "forbidden" });
                return self.reply(tx, status, "", extra);
            }
            Err(_) => {
                self.meter.reject("silence");
                return drop_silently(tx);
            }
        };
        if let Some((reason, status, extra)) = self.unservable(&tx.original) {
            self.meter.reject(reason);
            return self.reply(tx, status, "", extra);
        }
        let replaces = match self.to_replace(&tx.original.headers) {
            Ok(replaces) => replaces,
            Err(status) => {
                self.meter.reject("nothing to replace");
                return self.reply(tx, status, "", Vec::new());
            }
        };
        // Who takes another's place needs none of their own.
        if replaces.is_none()
            && let Admission::Busy { retry_after } = (self.config.admit)()
        {
            self.meter.reject("overload");
            let wait = field("Retry-After", retry_after.as_secs().max(1).to_string());
            return self.reply(tx, 503, "", vec![wait]);
        }
        let Some(place) = self.incoming.try_reserve().ok() else {
            self.meter.reject("overload");
            return self.reply(tx, 503, "", vec![field("Retry-After", "5")]);
        };
        match self.begin(tx, transport, source, origin, replaces) {
            Ok(incoming) => {
                Meter::add(&self.meter.calls_in);
                place.send(incoming);
            }
            Err((tx, reason, status)) => {
                self.meter.reject(reason);
                self.reply(*tx, status, "", Vec::new());
            }
        }
    }

    /// Whom the call comes from, or what to answer instead of taking it.
    fn origin_of(&self, request: &Request, source: SocketAddr) -> Result<Origin, Proof> {
        if let Some(line) = self.trunk_of(request, source) {
            if line.config.challenge {
                let account = line.config.account.as_ref();
                let password = |user: &str| {
                    account.filter(|a| a.digest_user() == user || a.user == user).map(|a| a.password.clone())
                };
                match self.prove(request, source, password) {
                    Proof::Given(_) => {}
                    other => return Err(other),
                }
            }
            return Ok(Origin::Trunk(line));
        }
        let from = header::value(&request.headers, "From").and_then(NameAddr::parse).map(|a| a.user());
        let claims = from.is_some_and(|u| self.registrar.has(&u));
        if claims || header::value(&request.headers, "Authorization").is_some() {
            return match self.prove(request, source, |u| self.registrar.password(u)) {
                Proof::Given(user) => Ok(Origin::User(user)),
                other => Err(other),
            };
        }
        match self.config.strangers {
            Strangers::Admit => Ok(Origin::Stranger),
            Strangers::Ignore => Err(Proof::Silence),
            Strangers::Refuse if self.may_answer(source.ip()) => Err(Proof::Refused(403, Vec::new())),
            Strangers::Refuse => Err(Proof::Silence),
        }
    }

    /// The trunk a call belongs to. Several may share an address: the account addressed decides, then the port.
    fn trunk_of(&self, request: &Request, source: SocketAddr) -> Option<Arc<TrunkLine>> {
        let called = header::asked_for(&request.uri);
        let to = header::value(&request.headers, "To").and_then(NameAddr::parse).map(|a| a.user()).unwrap_or_default();
        self.trunks
            .iter()
            .filter(|t| t.lives_at(source.ip()))
            .max_by_key(|t| {
                let account = t.config.account.as_ref().map_or("", |a| a.user.as_str());
                let addressed = !account.is_empty() && (account == called || account == to);
                (addressed, t.lives_exactly_at(source), t.config.account.is_none())
            })
            .cloned()
    }

    fn prove(&self, request: &Request, source: SocketAddr, password: impl Fn(&str) -> Option<String>) -> Proof {
        let given = header::values(&request.headers, "Authorization");
        let stale = match self.challenger.judge(source.ip(), given, crate::call::name(request.method), password) {
            Judgement::Good(user) => {
                self.guard.proven(source.ip());
                return Proof::Given(user);
            }
            Judgement::Bad => {
                Meter::add(&self.meter.wrong_passwords);
                let banned = !self.is_trunk(source.ip()) && self.guard.wrong_password(source.ip());
                return match banned || !self.may_answer(source.ip()) {
                    true => Proof::Silence,
                    false => Proof::Refused(403, Vec::new()),
                };
            }
            Judgement::Stale => true,
            Judgement::Missing => false,
        };
        if !self.may_answer(source.ip()) {
            return Proof::Silence;
        }
        let challenges = self.challenger.challenges(source.ip(), stale);
        Proof::Refused(401, challenges.into_iter().map(|c| field("WWW-Authenticate", c)).collect())
    }

    /// Reasons why nobody could serve this INVITE.
    fn unservable(&self, request: &Request) -> Option<(&'static str, u16, Vec<Header>)> {
        let headers = &request.headers;
        let scheme = request.uri.scheme.as_ref().map(ToString::to_string).unwrap_or_default().to_ascii_lowercase();
        if !matches!(scheme.as_str(), "sip" | "sips" | "tel") {
            return Some(("scheme", 416, Vec::new()));
        }
        let unknown: Vec<&str> = header::tokens(headers, "Require")
            .filter(|t| !message::SUPPORTED.iter().any(|s| s.eq_ignore_ascii_case(t)))
            .collect();
        if !unknown.is_empty() {
            return Some(("extension", 420, vec![field("Unsupported", unknown.join(", "))]));
        }
        if header::value(headers, "Contact").and_then(NameAddr::parse).is_none() {
            return Some(("no contact", 400, Vec::new()));
        }
        if message::description(headers, &request.body).is_err() {
            let extra = vec![field("Accept", format!("{SDP}, multipart/mixed")), field("Accept-Encoding", "identity")];
            return Some(("body", 415, extra));
        }
        if let Err(TooBrief) = self.wish().as_server(headers) {
            let least = self.config.session_minimum.as_secs().max(1).to_string();
            return Some(("session interval", 422, vec![field("Min-SE", least)]));
        }
        None
    }

    /// Makes the call of an INVITE that shall be served.
    #[allow(clippy::type_complexity)]
    fn begin(
        self: &Arc<Self>,
        tx: Transaction,
        transport: Transport,
        source: SocketAddr,
        origin: Origin,
        replaces: Option<Replaced>,
    ) -> Result<Incoming, (Box<Transaction>, &'static str, u16)> {
        let request = tx.original.clone();
        let headers = &request.headers;
        let read = (|| {
            let contact = header::value(headers, "Contact").and_then(NameAddr::parse)?;
            let from = header::value(headers, "From")?.to_string();
            let to = header::value(headers, "To")?;
            let call_id = header::value(headers, "Call-ID")?.to_string();
            let number = message::cseq(headers)?.0;
            Some((contact, from, to, call_id, number, message::tag(headers, "From")?))
        })();
        let Some((contact, from, to, call_id, number, from_tag)) = read else {
            return Err((Box::new(tx), "malformed", 400));
        };
        let Some(path) = self.wires.path_back(transport, source) else {
            return Err((Box::new(tx), "no way back", 500));
        };
        let local_tag = rsipstack::transaction::random_text(16);
        let to_user = NameAddr::parse(to).map(|a| a.user()).unwrap_or_default();
        let (trunk, user, account) = match &origin {
            Origin::Trunk(line) => (Some(line.config.name.clone()), None, line.config.account.clone()),
            Origin::User(user) => (None, Some(user.clone()), None),
            Origin::Stranger => (None, None, None),
        };
        let addressed = header::asked_for(&request.uri);
        let ours = account.as_ref().map(|a: &Account| a.user.as_str());
        let called = match ours == Some(addressed.as_str()) && !to_user.is_empty() {
            true => to_user.clone(),
            false => addressed.clone(),
        };
        let state = State {
            phase: Phase::Early,
            local: format!("{to};tag={local_tag}"),
            remote: from,
            // Anything; a fresh dialog counts from where it likes.
            local_seq: 1,
            remote_seq: Some(number),
            target: contact.uri,
            routes: header::values(headers, "Record-Route")
                .flat_map(NameAddr::list)
                .map(|r| format!("<{}>", r.uri))
                .collect(),
            path,
            description: None,
            our_offer: false,
            their_offer: false,
            timer: None,
            timer_due: None,
            allows_update: header::has_token(headers, "Allow", "UPDATE"),
            server: None,
            unacknowledged: None,
            refer: None,
        };
        let contact_user = if addressed.is_empty() { "gudok".to_string() } else { addressed };
        let call = Call::new(self.clone(), call_id.clone(), local_tag, contact_user, account, false, state);
        if !self.serve((call_id.clone(), from_tag, number), call.over.clone()) {
            // The same request by another way.
            call.end(crate::dialog::Over::Here);
            return Err((Box::new(tx), "loop", 482));
        }
        let server = ServerInvite::start(&call, tx);
        Ok(Incoming {
            call_id,
            caller: inbound::caller(headers, trunk.is_some()),
            called,
            to: to_user,
            trunk,
            user,
            source,
            transport,
            body: message::description(headers, &request.body).unwrap_or_default(),
            headers: headers.iter().map(|h| (h.name().to_string(), h.value().to_string())).collect(),
            replaces,
            server,
        })
    }

    pub(crate) fn on_register(self: &Arc<Self>, tx: Transaction, transport: Transport, source: SocketAddr) {
        let user = match self.prove(&tx.original, source, |u| self.registrar.password(u)) {
            Proof::Given(user) => user,
            Proof::Refused(status, extra) => return self.reply(tx, status, "", extra),
            Proof::Silence => return drop_silently(tx),
        };
        let address = header::value(&tx.original.headers, "To").and_then(NameAddr::parse).map(|a| a.user());
        if address.as_deref() != Some(user.as_str()) {
            return self.reply(tx, 403, "", Vec::new());
        }
        match self.registrar.register(&user, &tx.original, transport, source) {
            Ok(contacts) => {
                Meter::add(&self.meter.registrations);
                let extra = contacts.into_iter().map(|c| field("Contact", c)).collect();
                self.reply(tx, 200, "", extra);
            }
            Err(Refusal::TooBrief(least)) => {
                self.reply(tx, 423, "", vec![field("Min-Expires", least.as_secs().to_string())]);
            }
            Err(Refusal::Malformed) => self.reply(tx, 400, "", Vec::new()),
            Err(Refusal::OutOfOrder) => self.reply(tx, 500, "", Vec::new()),
        }
    }
}
