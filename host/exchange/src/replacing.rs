//! A call that takes the place of one we hold (RFC 3891): the last step of an attended transfer whose target is this house.
//! Somebody talked to us, and the PBX or phone now puts another caller into their place. The line, and whatever holds it (the
//! robot, the waiting room, a bridge, the recording), goes on: the same port sends to another address from the next frame on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media::RtpControl;
use media::sdp::OfferAnswer;
use sip::{DialogId, Incoming, Referral};
use tokio::sync::mpsc;

use crate::Exchange;
use crate::config::OperatorPhone;
use crate::dial;
use crate::leg::{self, InfoDialog, Sound};

/// The lines of the house, by the dialogs that carry them.
#[derive(Clone, Default)]
pub(crate) struct Carriers(Arc<Mutex<HashMap<DialogId, Carrier>>>);

/// What the next dialog of a line has to know of it.
#[derive(Clone)]
pub(crate) struct Carrier {
    pub(crate) control: RtpControl,
    /// Where its sound comes in.
    pub(crate) port: u16,
    /// Whose it is; empty where nobody knows.
    pub(crate) clinic: String,
    /// Where the dialog's messages come from.
    pub(crate) peer: IpAddr,
    pub(crate) keys: InfoDialog,
    pub(crate) referrals: Option<mpsc::UnboundedSender<Referral>>,
}

impl Carriers {
    /// A dialog carries a line.
    pub(crate) fn begins(&self, id: DialogId, carrier: Carrier) {
        self.lines().insert(id, carrier);
    }

    /// It does no more.
    pub(crate) fn ended(&self, id: &DialogId) {
        self.lines().remove(id);
    }

    fn line(&self, id: &DialogId) -> Option<Carrier> {
        self.lines().get(id).cloned()
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<DialogId, Carrier>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever calls takes the place of that call, or is refused and nothing changes.
pub(crate) async fn take(exchange: &Exchange, replaced: &DialogId, incoming: Incoming) {
    let Some(dialler) = &exchange.inner.dialler else { return };
    // The line may have ended while the call was on its way here.
    let Some(carrier) = dialler.carriers.line(replaced) else { return incoming.reject(481, "", None) };
    let lines = &exchange.inner.lines;
    let operator = incoming.user.as_ref().and_then(|user| {
        lines
            .operators
            .iter()
            .find(|one| matches!(&one.phone, OperatorPhone::Registers { extension, .. } if extension == user))
    });
    let named = incoming.trunk.as_deref().filter(|_| operator.is_none());
    let trunk = named.and_then(|name| lines.trunks.iter().find(|trunk| trunk.name == name));
    let (clinic, capabilities) = match (operator, trunk) {
        (Some(operator), _) => (&operator.clinic, dialler.phone_capabilities(operator.srtp).0),
        (None, Some(trunk)) => (&trunk.clinic, leg::capabilities(&trunk.codecs, trunk.dtmf, trunk.srtp)),
        (None, None) => return incoming.reject(403, "", None),
    };
    let peer = incoming.source.ip();
    // One PBX may serve several clinics; who is elsewhere must be of the same.
    if *clinic != carrier.clinic && peer != carrier.peer {
        tracing::warn!(source = %peer, "somebody of another clinic may not take a call's place");
        return incoming.reject(403, "", None);
    }
    let Some(address) = dialler.ports.announced_to(peer) else { return incoming.reject(488, "", None) };
    let local = dial::local((address, carrier.port).into(), &capabilities);
    let sound = Sound::new(OfferAnswer::new(capabilities, local), carrier.control.clone());
    let (session, agreed) = match sound.prepare(incoming.body.as_deref()) {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::warn!(%error, "a call that would take another's place, but their sound cannot be agreed on");
            return incoming.reject(error.status(), "", None);
        }
    };
    let dialog = match incoming.answer(session).await {
        Ok(dialog) => dialog,
        Err(error) => return tracing::info!(%error, "a call was gone before it took another's place"),
    };
    if let Some(agreed) = agreed {
        sound.agree(agreed);
    }
    dialler.carriers.ended(replaced);
    leg::carry(Carrier { peer, ..carrier }, sound, dialog, trunk, &dialler.carriers);
}
