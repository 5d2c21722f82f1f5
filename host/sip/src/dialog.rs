//! An established call, as the program holds it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::call::Call;
use crate::error::SipError;
use crate::header::NameAddr;
use crate::transfer::{self, ReferOutcome, Referral};

/// A call that was answered. Clones are handles to the same call; dropping the last one hangs up.
#[derive(Clone)]
pub struct Dialog {
    pub(crate) call: Arc<Call>,
    _held: Arc<Held>,
}

struct Held(Arc<Call>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.hang_up(None);
    }
}

/// Which call: its Call-ID and our tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DialogId {
    call_id: String,
    tag: String,
}

impl DialogId {
    pub(crate) fn new(call_id: &str, tag: &str) -> DialogId {
        DialogId { call_id: call_id.to_string(), tag: tag.to_string() }
    }

    pub(crate) fn is(&self, call_id: &str, tag: &str) -> bool {
        self.call_id == call_id && self.tag == tag
    }
}

/// What happens during a call.
#[derive(Debug)]
pub enum DialogEvent {
    /// Our 200 was acknowledged. `body` is the answer to an offer we made in it.
    Acknowledged {
        /// Session description, if the ACK carried one.
        body: Option<String>,
    },
    /// A key pressed, signalled by INFO.
    Digit(char),
    /// The other side changes the session (re-INVITE or UPDATE): hold, resume, another address. `None` means we are
    /// asked to make the offer. Answer with a session description, or with a status that refuses (488). Not answering
    /// refuses too.
    Offer {
        /// Their offer.
        body: Option<String>,
        /// Where the answer goes.
        answer: oneshot::Sender<Result<String, u16>>,
    },
    /// Their answer to an offer we made when asked to by an `Offer` without a body.
    Answer {
        /// Session description.
        body: String,
    },
    /// The other side wants the call to be transferred (REFER), as the transfer key of an operator's phone does.
    Refer(Referral),
    /// The call is over. Nothing follows.
    Over(Over),
}

/// Why a call is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// The other side hung up.
    Bye {
        /// Its Reason header, such as `Q.850;cause=16`.
        reason: Option<String>,
    },
    /// We hung up.
    Here,
    /// Our 200 OK was never acknowledged, so the caller hung up without our hearing it or never could reach us.
    NeverAcknowledged {
        /// The Contact we offered, where the ACK should have come.
        contact: String,
        /// It is a private address: from outside nobody can send there. Set `external`.
        private: bool,
    },
    /// Another call took its place (RFC 3891): see [`crate::Incoming::replaces`].
    Replaced,
    /// The session timer ran out: the other side is gone.
    Expired,
    /// The other side does not know the call any more, or does not react.
    Lost {
        /// Its answer, 408 for silence.
        status: u16,
    },
}

impl Dialog {
    pub(crate) fn new(call: Arc<Call>) -> Dialog {
        Dialog { _held: Arc::new(Held(call.clone())), call }
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        &self.call.call_id
    }

    /// Which call this is.
    pub fn id(&self) -> DialogId {
        self.call.id()
    }

    /// The value of a Replaces field by which another call may take this one's place at its other side.
    pub fn as_replaces(&self) -> String {
        self.call.as_replaces()
    }

    /// Is this the call that a Replaces names (RFC 3891): Call-ID and both tags?
    pub fn is_named_by(&self, replaces: &str) -> bool {
        let mut parts = replaces.split(';').map(str::trim);
        let tags: Vec<&str> =
            parts.clone().skip(1).filter_map(|part| part.split_once('=')).map(|(_, tag)| tag.trim()).collect();
        let theirs = NameAddr::parse(&self.call.state().remote).and_then(|them| them.param("tag").map(str::to_string));
        let theirs = theirs.unwrap_or_default();
        parts.next() == Some(self.call_id())
            && [self.call.local_tag.as_str(), &theirs].iter().all(|tag| tags.contains(tag))
    }

    /// Where the other side's messages come from.
    pub fn source(&self) -> SocketAddr {
        self.call.source()
    }

    /// The events of this call. There is one receiver; the second time there is none.
    pub fn events(&self) -> Option<mpsc::UnboundedReceiver<DialogEvent>> {
        self.call.take_events()
    }

    /// Whether it is over, or about to be.
    pub fn is_over(&self) -> bool {
        self.call.is_over()
    }

    /// Resolves when the call is over.
    pub async fn over(&self) {
        self.call.over.cancelled().await;
    }

    /// Hangs up. Works from any thread and returns at once.
    pub fn bye(&self) {
        self.call.hang_up(None);
    }

    /// Hangs up with a Reason header (RFC 3326), such as `Q.850;cause=16;text="normal"`.
    pub fn bye_because(&self, reason: &str) {
        self.call.hang_up(Some(reason.to_string()));
    }

    /// Sends the ACK of a call that was placed without an offer, with our answer to theirs.
    pub async fn acknowledge(&self, answer: &str) -> Result<(), SipError> {
        self.call.acknowledge(Some(answer)).await
    }

    /// Offers a changed session (hold, resume, another address) and returns the other side's answer. Waits and tries
    /// again when both sides offer at once (491).
    pub async fn reinvite(&self, offer: &str) -> Result<Option<String>, SipError> {
        self.call.clone().reinvite(offer).await
    }

    /// Sends a key press by INFO (`application/dtmf-relay`).
    pub async fn info_digit(&self, digit: char, milliseconds: u32) -> Result<(), SipError> {
        let body = format!("Signal={digit}\r\nDuration={milliseconds}\r\n");
        self.call.clone().inform("application/dtmf-relay", &body).await
    }

    /// Blind transfer: asks the other side to call `to` (RFC 3515), and waits for the news of it. The call stays up;
    /// hang up after [`ReferOutcome::Completed`].
    pub async fn refer(&self, to: &str, patience: Duration) -> ReferOutcome {
        transfer::refer(&self.call, to, patience).await
    }

    /// Attended transfer: the other side is asked to replace our leg with `other` (RFC 3891).
    pub async fn refer_replacing(&self, other: &Dialog, patience: Duration) -> ReferOutcome {
        transfer::refer(&self.call, &other.call.replaces(), patience).await
    }
}

impl std::fmt::Debug for Dialog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialog").field("call_id", &self.call.call_id).finish_non_exhaustive()
    }
}
