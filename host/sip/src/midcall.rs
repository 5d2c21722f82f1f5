//! Requests that arrive within a call.

use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Header, Method, Request, SipMessage};
use rsipstack::transaction::Transaction;
use rsipstack::transaction::transaction::TransactionEvent;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::call::{Ask, Call, Phase, SDP};
use crate::counters::Meter;
use crate::dialog::{DialogEvent, Over};
use crate::header::{self, NameAddr, field};
use crate::message;
use crate::timer::{SessionTimer, TooBrief};
use crate::transfer;
use crate::transport::Path;

/// How long the program may think about an offer.
const DECISION: Duration = Duration::from_secs(10);

impl Call {
    /// Handles one request. Called from the dispatcher, in the order of arrival: what the program is told keeps it.
    pub(crate) fn receive(self: &Arc<Self>, tx: Transaction, path: Path) {
        let request = &tx.original;
        let method = request.method;
        let number = message::cseq(&request.headers).map_or(0, |(n, _)| n);
        let stale = {
            let mut state = self.state();
            let stale = state.remote_seq.is_some_and(|last| number < last);
            if !stale {
                state.remote_seq = Some(number);
                state.path = path;
            }
            stale
        };
        if stale {
            return self.reply(tx, 500, Vec::new());
        }
        match method {
            Method::Bye => self.on_bye(tx),
            Method::Invite => self.on_invite(tx),
            Method::Update => self.on_update(tx),
            Method::Info => self.on_info(tx),
            Method::PRack => self.on_prack(tx),
            Method::Notify => self.on_notify(tx),
            Method::Refer => transfer::on_refer(self, tx),
            Method::Options => self.reply(tx, 200, capabilities()),
            _ => self.reply(tx, 405, vec![field("Allow", message::ALLOW)]),
        }
    }

    /// Answers and lets the transaction run out.
    pub(crate) fn reply(self: &Arc<Self>, tx: Transaction, status: u16, extra: Vec<Header>) {
        self.core.reply(tx, status, &self.local_tag, extra);
    }

    fn on_bye(self: &Arc<Self>, tx: Transaction) {
        let reason = header::value(&tx.original.headers, "Reason").map(str::to_string);
        self.reply(tx, 200, Vec::new());
        let server = self.state().server.clone();
        match server {
            Some(server) if self.state().phase == Phase::Early => server.cancel(),
            server => {
                server.iter().for_each(|s| s.stop());
                self.end(Over::Bye { reason });
            }
        }
    }

    fn on_info(self: &Arc<Self>, tx: Transaction) {
        let request = &tx.original;
        let kind = header::value(&request.headers, "Content-Type").unwrap_or_default().to_ascii_lowercase();
        let body = String::from_utf8_lossy(&request.body);
        let digit = match kind.split(';').next().unwrap_or_default().trim() {
            "application/dtmf-relay" | "application/dtmf" => digit(&body),
            _ => None,
        };
        let package = header::value(&request.headers, "Info-Package").is_some();
        if let Some(digit) = digit {
            self.tell(DialogEvent::Digit(digit));
        }
        match package && digit.is_none() {
            // RFC 6086: no packages are supported.
            true => self.reply(tx, 469, vec![field("Recv-Info", "")]),
            false => self.reply(tx, 200, Vec::new()),
        }
    }

    fn on_prack(self: &Arc<Self>, tx: Transaction) {
        let rack = header::value(&tx.original.headers, "RAck").unwrap_or_default();
        let known = self.state().server.as_ref().is_some_and(|s| s.pracked(rack));
        let status = match (known, tx.original.body.is_empty()) {
            (true, true) => 200,
            // A second offer before the answer: not taken, and the first session stands.
            (true, false) => 488,
            (false, _) => 481,
        };
        self.reply(tx, status, Vec::new());
    }

    fn on_notify(self: &Arc<Self>, tx: Transaction) {
        let headers = &tx.original.headers;
        let event = header::value(headers, "Event").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !event.eq_ignore_ascii_case("refer") {
            return self.reply(tx, 489, vec![field("Allow-Events", "refer")]);
        }
        let over = header::value(headers, "Subscription-State")
            .is_some_and(|s| s.split(';').next().is_some_and(|s| s.trim().eq_ignore_ascii_case("terminated")));
        let news = transfer::sipfrag(&tx.original.body);
        let listener = self.state().refer.clone();
        if let (Some(listener), Some((status, reason))) = (listener, news) {
            listener.send((status, reason, over)).ok();
        }
        self.reply(tx, 200, Vec::new());
    }

    fn on_update(self: &Arc<Self>, tx: Transaction) {
        let timer = match self.core.wish().as_server(&tx.original.headers) {
            Ok(agreed) => agreed,
            Err(TooBrief) => return self.reply(tx, 422, self.min_se()),
        };
        let offer = match message::description(&tx.original.headers, &tx.original.body) {
            Ok(offer) => offer,
            Err(_) => return self.reply(tx, 415, vec![field("Accept", SDP)]),
        };
        self.retarget(&tx.original);
        let Some(offer) = offer else {
            // A refresh of the session and nothing more.
            if self.state().phase == Phase::Up {
                self.set_timer(timer.0);
            }
            return self.reply(tx, 200, self.accepted(timer.1));
        };
        if self.state().phase != Phase::Up {
            // Before the answer the session is still being made.
            return self.reply(tx, 500, vec![field("Retry-After", "2")]);
        }
        match self.begin_offer() {
            Err(refusal) => self.reply(tx, refusal.0, refusal.1),
            Ok(()) => {
                let (answer, answered) = oneshot::channel();
                self.tell(DialogEvent::Offer { body: Some(offer), answer });
                let call = self.clone();
                self.core.runtime.spawn(async move {
                    let decision = decided(answered).await;
                    call.state().their_offer = false;
                    match decision {
                        Ok(session) => {
                            call.state().description = Some(session.clone());
                            call.set_timer(timer.0);
                            let extra = call.accepted(timer.1);
                            call.core.reply_with(tx, 200, &call.local_tag, extra, Some((SDP, &session)));
                        }
                        Err(status) => call.reply(tx, status, Vec::new()),
                    }
                });
            }
        }
    }

    fn on_invite(self: &Arc<Self>, tx: Transaction) {
        let phase = self.state().phase;
        match phase {
            Phase::Up => {}
            Phase::Early => return self.reply(tx, 491, Vec::new()),
            Phase::Ending | Phase::Over => return self.reply(tx, 481, Vec::new()),
        }
        let timer = match self.core.wish().as_server(&tx.original.headers) {
            Ok(agreed) => agreed,
            Err(TooBrief) => return self.reply(tx, 422, self.min_se()),
        };
        let offer = match message::description(&tx.original.headers, &tx.original.body) {
            Ok(offer) => offer,
            Err(_) => return self.reply(tx, 415, vec![field("Accept", SDP)]),
        };
        if let Err(refusal) = self.begin_offer() {
            return self.reply(tx, refusal.0, refusal.1);
        }
        self.retarget(&tx.original);
        let (answer, answered) = oneshot::channel();
        let asked_to_offer = offer.is_none();
        self.tell(DialogEvent::Offer { body: offer, answer });
        self.core.runtime.spawn(self.clone().serve_reinvite(tx, answered, timer, asked_to_offer));
    }

    /// Runs the transaction of a re-INVITE to its end.
    async fn serve_reinvite(
        self: Arc<Self>,
        mut tx: Transaction,
        answered: oneshot::Receiver<Result<String, u16>>,
        (timer, extra): (Option<SessionTimer>, Vec<Header>),
        asked_to_offer: bool,
    ) {
        let control = tx.tu_sender.clone();
        let request = tx.original.clone();
        let respond = {
            let call = self.clone();
            move |status, extra| {
                message::response(&request, status, &call.local_tag, &call.core.config.user_agent, extra)
            }
        };
        control.send(TransactionEvent::Respond(respond(100, Vec::new()))).ok();
        let call = self.clone();
        let decide = async move {
            let decision = decided(answered).await;
            if decision.is_err() || !asked_to_offer {
                call.state().their_offer = false;
            }
            let response = match &decision {
                Ok(session) => {
                    call.state().description = Some(session.clone());
                    call.set_timer(timer);
                    message::with_body(respond(200, call.accepted(extra)), SDP, session)
                }
                Err(status) => respond(*status, Vec::new()),
            };
            control.send(TransactionEvent::Respond(response)).ok();
            decision.is_ok()
        };
        let decision = self.core.runtime.spawn(decide);
        let mut acknowledged = false;
        while let Some(message) = tx.receive().await {
            match message {
                SipMessage::Request(r) if r.method == Method::Ack => {
                    acknowledged = true;
                    let body = message::description(&r.headers, &r.body).unwrap_or_default();
                    if let Some(body) = body.filter(|_| asked_to_offer) {
                        self.tell(DialogEvent::Answer { body });
                    }
                }
                // Too late or too rare to undo what the program is deciding; its answer stands.
                _ => {}
            }
        }
        self.state().their_offer = false;
        if decision.await.unwrap_or(false) && !acknowledged && !self.is_over() {
            Meter::add(&self.core.meter.never_acknowledged);
            let path = self.state().path.clone();
            let contact = self.contact(&path);
            let private = self.core.is_local(path.face.ip());
            self.hang_up_as(None, Over::NeverAcknowledged { contact, private });
        }
    }

    /// One offer at a time (RFC 3261 §14.2).
    fn begin_offer(&self) -> Result<(), (u16, Vec<Header>)> {
        let mut state = self.state();
        if state.our_offer {
            return Err((491, Vec::new()));
        }
        if state.their_offer {
            let wait = crate::call::random(10).to_string();
            return Err((500, vec![field("Retry-After", wait)]));
        }
        state.their_offer = true;
        Ok(())
    }

    /// A re-INVITE or UPDATE may move the other side's Contact.
    fn retarget(&self, request: &Request) {
        if let Some(contact) = header::value(&request.headers, "Contact").and_then(NameAddr::parse) {
            self.state().target = contact.uri;
        }
    }

    fn accepted(&self, mut extra: Vec<Header>) -> Vec<Header> {
        let path = self.state().path.clone();
        extra.push(field("Contact", self.contact(&path)));
        extra.push(field("Allow", message::ALLOW));
        extra.push(field("Supported", message::SUPPORTED.join(", ")));
        extra
    }

    fn min_se(&self) -> Vec<Header> {
        vec![field("Min-SE", self.core.config.session_minimum.as_secs().max(1).to_string())]
    }

    /// Starts, restarts or stops the session timer.
    pub(crate) fn set_timer(self: &Arc<Self>, timer: Option<SessionTimer>) {
        let first = {
            let mut state = self.state();
            let first = state.timer_due.is_none();
            state.timer = timer;
            state.timer_due = timer.map(|t| Instant::now() + t.act_after());
            first
        };
        self.refreshed.notify_one();
        if first && timer.is_some() {
            self.core.runtime.spawn(self.clone().watch());
        }
    }

    /// Refreshes the session when that is ours to do, and hangs up when the other side does not.
    async fn watch(self: Arc<Self>) {
        loop {
            let (timer, due) = {
                let mut state = self.state();
                match (state.timer, state.timer_due) {
                    (Some(timer), Some(due)) => (timer, due),
                    _ => {
                        state.timer_due = None;
                        return;
                    }
                }
            };
            tokio::select! {
                () = self.over.cancelled() => return,
                () = self.refreshed.notified() => continue,
                () = tokio::time::sleep_until(due) => {}
            }
            if timer.ours {
                // The next attempt, should this one be refused for the moment.
                self.state().timer_due = Some(Instant::now() + timer.interval / 4);
                self.clone().refresh(timer).await;
            } else {
                self.hang_up_as(Some("SIP;cause=408;text=\"session expired\"".into()), Over::Expired);
                return;
            }
        }
    }

    async fn refresh(self: Arc<Self>, timer: SessionTimer) {
        let (update, description) = {
            let state = self.state();
            (state.allows_update, state.description.clone())
        };
        if update {
            let mut extra = vec![field("Supported", message::SUPPORTED.join(", "))];
            extra.extend(self.core.wish().request_headers(None, Some(timer)));
            let answer = self.request(Ask { method: Method::Update, extra, body: None }).await;
            match answer {
                Ok(r) if (200..300).contains(&r.status_code.code()) => {
                    let agreed = self.core.wish().as_client(&r.headers);
                    return self.set_timer(agreed.or(Some(timer)));
                }
                // It said it could and cannot: by re-INVITE then.
                Ok(r) if matches!(r.status_code.code(), 405 | 501) => self.state().allows_update = false,
                _ => return,
            }
        }
        if let Some(description) = description {
            self.reinvite(&description).await.ok();
        }
    }
}

/// What the program decided about an offer.
async fn decided(answered: oneshot::Receiver<Result<String, u16>>) -> Result<String, u16> {
    match timeout(DECISION, answered).await {
        Ok(Ok(Ok(session))) => Ok(session),
        Ok(Ok(Err(status))) if (300..700).contains(&status) => Err(status),
        _ => Err(488),
    }
}

/// What we can do, for OPTIONS.
pub(crate) fn capabilities() -> Vec<Header> {
    vec![
        field("Allow", message::ALLOW),
        field("Accept", SDP),
        field("Supported", message::SUPPORTED.join(", ")),
        field("Accept-Language", "ru, en"),
    ]
}

/// The key in a body of `application/dtmf-relay` (`Signal=5`) or `application/dtmf` (`5`).
fn digit(body: &str) -> Option<char> {
    let signal = body
        .lines()
        .find_map(|l| l.split_once('=').filter(|(n, _)| n.trim().eq_ignore_ascii_case("signal")).map(|(_, v)| v))
        .unwrap_or(body)
        .trim();
    match signal {
        "10" => Some('*'),
        "11" => Some('#'),
        "12" | "13" | "14" | "15" => signal.parse::<u8>().ok().map(|n| char::from(b'A' + n - 12)),
        _ => {
            let mut chars = signal.chars();
            let key = chars.next()?.to_ascii_uppercase();
            (chars.next().is_none() && matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')).then_some(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_both_forms() {
        let relay = |s: &str| digit(&format!("Signal={s}\r\nDuration=160\r\n"));
        assert_eq!([relay("5"), relay("*"), relay("11"), relay(" 0 ")], [Some('5'), Some('*'), Some('#'), Some('0')]);
        assert_eq!([digit("7"), digit("12"), digit("d\r\n")], [Some('7'), Some('A'), Some('D')]);
        assert_eq!([relay("!"), relay("55"), digit(""), digit("x=1")], [None; 4]);
    }
}
