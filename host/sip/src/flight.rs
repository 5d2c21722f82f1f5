//! A client transaction in flight, and the answers to INVITE that outlive it.
//!
//! A 2xx to INVITE is the user agent's business, not the transaction's (RFC 3261 §13.2.2.4): it is acknowledged here,
//! again for every copy, and a 2xx of another fork is acknowledged and hung up at once.

use std::sync::{Arc, Mutex, PoisonError};

use rsipstack::sip::{Method, Request, Response, SipMessage, StatusCodeKind};
use rsipstack::transaction::Transaction;
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::{TransactionEvent, TransactionEventSender};
use tokio::sync::mpsc;

use crate::core::Core;
use crate::error::SipError;
use crate::header::{self, NameAddr, field};
use crate::message::{self, Draft};
use crate::transport::Path;

/// A request on its way.
pub(crate) struct Flight {
    responses: mpsc::UnboundedReceiver<Response>,
    control: TransactionEventSender,
    key: TransactionKey,
}

impl Flight {
    pub(crate) async fn launch(core: &Core, request: Request, path: &Path) -> Result<Flight, SipError> {
        let broken = |e: rsipstack::Error| SipError::Unreachable {
            target: path.destination.to_string(),
            problem: e.to_string(),
        };
        let key = TransactionKey::from_request(&request, TransactionRole::Client).map_err(broken)?;
        let stack = core.stack.clone();
        let mut tx = Transaction::new_client(key.clone(), request, stack, Some(path.connection.clone()));
        tx.destination = Some(path.stack_address());
        tx.send().await.map_err(broken)?;
        let control = tx.tu_sender.clone();
        let (out, responses) = mpsc::unbounded_channel();
        // A task of its own, because dropping `receive` halfway would lose a message.
        tokio::spawn(async move {
            while let Some(message) = tx.receive().await {
                if let SipMessage::Response(r) = message {
                    out.send(r).ok();
                }
            }
        });
        Ok(Flight { responses, control, key })
    }

    /// The next response. `None`: the transaction is over. What the stack makes up on a time-out has no To tag.
    pub(crate) async fn next(&mut self) -> Option<Response> {
        self.responses.recv().await
    }

    /// The final response.
    pub(crate) async fn last(mut self) -> Option<Response> {
        loop {
            let r = self.next().await?;
            if r.status_code.kind() != StatusCodeKind::Provisional {
                return Some(r);
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // Ends the task of a transaction that was given up; one that is over does not hear it.
        self.control.send(TransactionEvent::Terminate(self.key.clone())).ok();
    }
}

/// Whether the stack itself made this response up because nobody answered.
pub(crate) fn is_timeout(response: &Response) -> bool {
    matches!(response.status_code.code(), 408 | 503) && message::tag(&response.headers, "To").is_none()
}

/// An INVITE of ours for which a 2xx may still come.
pub(crate) struct Attempt {
    pub invite: Request,
    pub path: Path,
    stage: Mutex<Stage>,
}

enum Stage {
    /// Nobody answered yet.
    Open,
    /// This fork won; the ACK is there once the answer to its offer is.
    Taken { tag: String, ack: Option<Box<(Request, Path)>> },
    /// Nobody shall win any more.
    Closed,
}

impl Attempt {
    pub(crate) fn new(invite: Request, path: Path) -> Arc<Attempt> {
        Arc::new(Attempt { invite, path, stage: Mutex::new(Stage::Open) })
    }

    /// This fork is the call.
    pub(crate) fn take(&self, winner: String) {
        *self.stage() = Stage::Taken { tag: winner, ack: None };
    }

    /// Whatever answers from now on is hung up.
    pub(crate) fn close(&self) {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Open) {
            *stage = Stage::Closed;
        }
    }

    /// Sends the ACK and keeps it for copies of the 2xx.
    pub(crate) async fn acknowledge(&self, request: Request, path: Path) {
        if let Stage::Taken { ack, .. } = &mut *self.stage() {
            *ack = Some(Box::new((request.clone(), path.clone())));
        }
        send(request, &path).await;
    }

    /// A 2xx came from the network. `true`: the transaction may have it, it is the first.
    pub(crate) fn answered(self: &Arc<Self>, core: &Arc<Core>, response: &Response) -> bool {
        let tag = message::tag(&response.headers, "To").unwrap_or_default();
        let copy = match &*self.stage() {
            Stage::Open => return true,
            Stage::Taken { tag: winner, ack } if *winner == tag => Some(ack.clone()),
            Stage::Taken { .. } | Stage::Closed => None,
        };
        match copy {
            Some(Some(kept)) => {
                let (ack, path) = *kept;
                core.runtime.spawn(async move { send(ack, &path).await });
            }
            // The answer to its offer is still being made.
            Some(None) => {}
            None => {
                let (core, attempt, response) = (core.clone(), self.clone(), response.clone());
                core.runtime.clone().spawn(async move { attempt.decline(&core, &response).await });
            }
        }
        false
    }

    /// ACK and BYE to a fork that is not wanted.
    async fn decline(&self, core: &Core, response: &Response) {
        let fork = Fork::of(response);
        let Some(path) = fork.path(core, &self.path).await else { return };
        let Ok(ack) = fork.ack(core, &self.invite, &path) else { return };
        send(ack, &path).await;
        let Ok(bye) = fork.bye(core, &self.invite, &path) else { return };
        if let Ok(flight) = Flight::launch(core, bye, &path).await {
            flight.last().await;
        }
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn send(request: Request, path: &Path) {
    // A lost ACK is repeated when the 2xx comes again.
    path.connection.send(request.into(), Some(&path.stack_address())).await.ok();
}

/// Where the sender of a 2xx wants to be reached.
pub(crate) struct Fork {
    pub target: Option<String>,
    pub routes: Vec<String>,
    pub to: String,
}

impl Fork {
    pub(crate) fn of(response: &Response) -> Fork {
        let contact = header::value(&response.headers, "Contact").and_then(NameAddr::parse);
        let mut routes: Vec<String> = header::values(&response.headers, "Record-Route")
            .flat_map(NameAddr::list)
            .map(|r| format!("<{}>", r.uri))
            .collect();
        routes.reverse();
        Fork {
            target: contact.map(|c| c.uri),
            routes,
            to: header::value(&response.headers, "To").unwrap_or_default().to_string(),
        }
    }

    /// How to reach it: along the route or at its contact, else the way the INVITE went.
    pub(crate) async fn path(&self, core: &Core, invited: &Path) -> Option<Path> {
        let next = self.routes.first().map(|r| r.trim_matches(['<', '>'])).or(self.target.as_deref())?;
        core.way(next, self.routes.is_empty(), Some(invited)).await.ok()
    }

    pub(crate) fn ack(&self, core: &Core, invite: &Request, path: &Path) -> Result<Request, SipError> {
        let proof = ["Authorization", "Proxy-Authorization"]
            .into_iter()
            .flat_map(|n| header::values(&invite.headers, n).map(move |v| field(n, v)))
            .collect();
        self.draft(core, invite, Method::Ack, 0, proof).build(path)
    }

    fn bye(&self, core: &Core, invite: &Request, path: &Path) -> Result<Request, SipError> {
        self.draft(core, invite, Method::Bye, 1, Vec::new()).build(path)
    }

    fn draft<'a>(
        &'a self,
        core: &'a Core,
        invite: &'a Request,
        method: Method,
        later: u32,
        extra: Vec<rsipstack::sip::Header>,
    ) -> Draft<'a> {
        Draft {
            method,
            uri: self.target.as_deref().unwrap_or_default(),
            from: header::value(&invite.headers, "From").unwrap_or_default(),
            to: &self.to,
            call_id: header::value(&invite.headers, "Call-ID").unwrap_or_default(),
            seq: message::cseq(&invite.headers).map_or(1, |(n, _)| n) + later,
            routes: &self.routes,
            contact: None,
            user_agent: &core.config.user_agent,
            extra,
            body: None,
        }
    }
}
