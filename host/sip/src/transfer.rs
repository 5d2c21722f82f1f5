//! Call transfer by REFER (RFC 3515), both ways. The library's own reader of the news finds nothing, so it is read here.

use std::sync::Arc;
use std::time::Duration;

use rsipstack::sip::{Header, Method};
use rsipstack::transaction::Transaction;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::call::{Ask, Call, Phase};
use crate::dialog::DialogEvent;
use crate::error::SipError;
use crate::header::{self, NameAddr, field};
use crate::message;

/// What became of a transfer we asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferOutcome {
    /// The other side reached the target. Hang up.
    Completed,
    /// The other side took the request and hung up, or never told how it went.
    Accepted,
    /// It refused, or could not reach the target.
    Refused {
        /// SIP status of the refusal or of the failed call.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// It did not react to the request.
    NoAnswer,
    /// It does not do transfers: bridge instead.
    Unsupported,
}

/// Asks the other side to call `to` and follows the news until `patience` ends.
pub(crate) async fn refer(call: &Arc<Call>, to: &str, patience: Duration) -> ReferOutcome {
    let until = Instant::now() + patience;
    let (news, mut heard) = mpsc::unbounded_channel();
    call.state().refer = Some(news);
    let me = NameAddr::parse(&call.state().local).map(|a| a.uri).unwrap_or_default();
    let to = if to.contains(':') { to.to_string() } else { format!("sip:{to}") };
    let extra = vec![field("Refer-To", format!("<{to}>")), field("Referred-By", format!("<{me}>"))];
    let asked = timeout_at(until, call.request(Ask { method: Method::Refer, extra, body: None })).await;
    let outcome = match asked {
        Err(_) | Ok(Err(SipError::Silent { .. } | SipError::Unreachable { .. })) => ReferOutcome::NoAnswer,
        Ok(Err(e)) => ReferOutcome::Refused { status: 500, reason: e.to_string() },
        Ok(Ok(response)) => match response.status_code.code() {
            200..=299 => follow(call, &mut heard, until).await,
            405 | 501 | 420 => ReferOutcome::Unsupported,
            status => ReferOutcome::Refused { status, reason: message::reason(&response) },
        },
    };
    call.state().refer = None;
    outcome
}

async fn follow(call: &Call, heard: &mut mpsc::UnboundedReceiver<(u16, String, bool)>, until: Instant) -> ReferOutcome {
    loop {
        let news = tokio::select! {
            biased;
            news = timeout_at(until, heard.recv()) => news.ok().flatten(),
            // Many trunks hang up as soon as they have taken the transfer over.
            () = call.over.cancelled() => None,
        };
        match news {
            None => return ReferOutcome::Accepted,
            Some((200..=299, ..)) => return ReferOutcome::Completed,
            Some((status, reason, _)) if status >= 300 => return ReferOutcome::Refused { status, reason },
            // The subscription ended on a provisional answer: no more news will come.
            Some((.., true)) => return ReferOutcome::Accepted,
            Some(_) => {}
        }
    }
}

/// Status and words of a `message/sipfrag` body: its first line is a status line (RFC 3420).
pub(crate) fn sipfrag(body: &[u8]) -> Option<(u16, String)> {
    let text = std::str::from_utf8(body).ok()?;
    let line = text.lines().map(str::trim).find(|l| !l.is_empty())?;
    let mut words = line.splitn(3, char::is_whitespace);
    if !words.next()?.eq_ignore_ascii_case("SIP/2.0") {
        return None;
    }
    let status = words.next()?.parse().ok().filter(|s| (100..700).contains(s))?;
    Some((status, words.next().unwrap_or_default().trim().to_string()))
}

/// A transfer the other side asks us for. Dropping it declines (603).
pub struct Referral {
    /// Where the call shall go, as a SIP URI.
    pub to: String,
    /// The call there that shall be taken over (RFC 3891): Call-ID, to-tag and from-tag as in Replaces.
    pub replaces: Option<String>,
    /// Who asks, if stated.
    pub referred_by: Option<String>,
    call: Arc<Call>,
    tx: Option<Box<Transaction>>,
    event: String,
    silent: bool,
}

impl Referral {
    /// Takes the request (202) and reports that it is being tried. Say how it ended with [`Referral::done`].
    pub fn accept(&mut self) {
        let Some(tx) = self.tx.take() else { return };
        let extra = if self.silent { vec![field("Refer-Sub", "false")] } else { Vec::new() };
        self.call.reply(*tx, 202, extra);
        self.notify(100, "Trying", false);
    }

    /// Refuses it with a status.
    pub fn refuse(mut self, status: u16) {
        if let Some(tx) = self.tx.take() {
            self.call.reply(*tx, status, Vec::new());
        }
    }

    /// Reports how the transfer ended; 200 means that the target answered.
    pub fn done(mut self, status: u16, reason: &str) {
        self.accept();
        self.notify(status, reason, true);
    }

    fn notify(&self, status: u16, reason: &str, last: bool) {
        if self.silent {
            return;
        }
        let state = if last { "terminated;reason=noresource" } else { "active;expires=60" };
        let extra: Vec<Header> = vec![
            field("Event", self.event.as_str()),
            field("Subscription-State", state),
            field("Contact", {
                let path = self.call.state().path.clone();
                self.call.contact(&path)
            }),
        ];
        let body = format!("SIP/2.0 {status} {reason}\r\n");
        let call = self.call.clone();
        self.call.core.runtime.spawn(async move {
            let ask = Ask { method: Method::Notify, extra, body: Some(("message/sipfrag;version=2.0", &body)) };
            call.request(ask).await.ok();
        });
    }
}

impl Drop for Referral {
    fn drop(&mut self) {
        if let Some(tx) = self.tx.take() {
            self.call.reply(*tx, 603, Vec::new());
        }
    }
}

impl std::fmt::Debug for Referral {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Referral").field("call_id", &self.call.call_id).finish_non_exhaustive()
    }
}

/// A REFER within a call.
pub(crate) fn on_refer(call: &Arc<Call>, tx: Transaction) {
    let headers = &tx.original.headers;
    let targets: Vec<_> = header::values(headers, "Refer-To").flat_map(NameAddr::list).collect();
    // Exactly one target (RFC 3515 §2.4.1).
    let [target] = targets.as_slice() else { return call.reply(tx, 400, Vec::new()) };
    if call.state().phase != Phase::Up {
        return call.reply(tx, 481, Vec::new());
    }
    let (to, query) = target.uri.split_once('?').map_or((target.uri.as_str(), None), |(u, q)| (u, Some(q)));
    let replaces = query.and_then(|q| {
        q.split('&').find_map(|p| {
            let (name, value) = p.split_once('=')?;
            // Decoded by the same rule as a user part.
            name.eq_ignore_ascii_case("Replaces")
                .then(|| header::user_of(&format!("sip:{}@x", value.replace(';', "%3B"))))
        })
    });
    let number = message::cseq(headers).map_or(0, |(n, _)| n);
    let referral = Referral {
        to: to.to_string(),
        replaces,
        referred_by: header::value(headers, "Referred-By").and_then(NameAddr::parse).map(|a| a.uri),
        call: call.clone(),
        event: format!("refer;id={number}"),
        silent: header::value(headers, "Refer-Sub").is_some_and(|v| v.eq_ignore_ascii_case("false")),
        tx: Some(Box::new(tx)),
    };
    call.tell(DialogEvent::Refer(referral));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_news_are_read() {
        let read = |t: &str| sipfrag(t.as_bytes());
        assert_eq!(read("SIP/2.0 100 Trying"), Some((100, "Trying".into())));
        assert_eq!(read("\r\nSIP/2.0 486 Busy Here\r\nServer: x\r\n"), Some((486, "Busy Here".into())));
        assert_eq!(read("sip/2.0 200"), Some((200, String::new())));
        for wrong in ["", "HTTP/1.1 200 OK", "SIP/2.0 99 x", "SIP/2.0 abc", "SIP/2.0"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
