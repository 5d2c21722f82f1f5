//! Placing SIP calls: to operators' phones, to lines of the clinic file, to clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lines::Door;
use media::sdp::{Capabilities, Local, OfferAnswer, SrtpKey};
use media::{Ports, RtpDoor};
use queue::{Miss, NotReached};
use sip::{Callee, Endpoint, Outgoing, Party, Progress, Referral};
use tokio::sync::mpsc;

use crate::config::{Codec, Dtmf, Lines, OperatorPhone, Srtp, Trunk};
use crate::consultation::Consultations;
use crate::leg::{self, Belongs, Sound};
use crate::operators::{Answered, Phones, Ringing, SendOn};
use crate::replacing::Carriers;

/// What a phone of the house speaks.
const PHONE_CODECS: [Codec; 4] = [Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus];

/// Whom to call.
#[derive(Debug, Clone)]
pub(crate) enum To {
    /// A phone that is registered here.
    Phone(String),
    /// A SIP address, through the trunk's account where one is named.
    Address { uri: String, trunk: Option<String> },
    /// A number, through a trunk: the one named, or the clinic's first.
    Number { number: String, trunk: Option<String>, clinic: String },
}

impl To {
    /// A line of the clinic file: a number or a SIP address.
    pub(crate) fn line(target: &str, trunk: Option<&str>, clinic: &str) -> To {
        if target.starts_with("sip:") || target.starts_with("sips:") {
            // An address is reached directly: the provider of the call knows nothing of the clinic's own phones.
            return To::Address { uri: target.to_owned(), trunk: None };
        }
        let number = target.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#')).collect();
        To::Number { number, trunk: trunk.map(str::to_owned), clinic: clinic.to_owned() }
    }
}

/// A call that did not come about.
#[derive(Debug, Clone)]
pub(crate) struct Unreached {
    /// In the queue's words.
    pub why: NotReached,
    /// The SIP status; 0 when nothing was sent.
    pub status: u16,
}

impl Unreached {
    fn of(status: u16) -> Unreached {
        let why = match status {
            486 | 600 => NotReached::Busy,
            408 | 480 | 487 => NotReached::NoAnswer,
            _ => NotReached::Refused,
        };
        Unreached { why, status }
    }
}

/// Places calls. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Dialler {
    pub(crate) endpoint: Endpoint,
    pub(crate) ports: Ports,
    pub(crate) lines: Arc<Lines>,
    /// Calls of operators' phones, to which their callers may be put through.
    pub(crate) consultations: Consultations,
    /// Every line, by the call that carries it.
    pub(crate) carriers: Carriers,
}

/// A call's end of the sound before anything was agreed.
pub(crate) struct Ends {
    pub(crate) rtp: RtpDoor,
    pub(crate) sound: Sound,
    /// Where the sound comes in.
    pub(crate) port: u16,
}

impl Dialler {
    /// Sockets, and our side of the description, for a call with somebody at `peer`.
    pub(crate) fn ends(&self, peer: IpAddr, capabilities: Capabilities, dtmf: Dtmf) -> Result<Ends, media::MediaError> {
        let socket = self.ports.open(peer)?;
        let at = socket.local();
        let local = local(at, &capabilities);
        let settings = media::Settings {
            inband_digits: dtmf == Dtmf::Inband,
            silence: Duration::from_secs(u64::from(self.lines.media.rtp_timeout_s)),
            ..media::Settings::default()
        };
        let (rtp, control) = RtpDoor::new(socket, settings);
        Ok(Ends { rtp, sound: Sound::new(OfferAnswer::new(capabilities, local), control), port: at.port() })
    }

    /// What a phone of the house agrees to.
    pub(crate) fn phone_capabilities(&self, srtp: Srtp) -> (Capabilities, Dtmf) {
        (leg::capabilities(&PHONE_CODECS, Dtmf::Rfc4733, srtp), Dtmf::Rfc4733)
    }

    /// Calls somebody and waits until they answer; dropping the future gives up.
    ///
    /// # Errors
    /// Why nobody answered.
    pub(crate) async fn dial(&self, to: To, caller: Option<&str>, ring: Duration) -> Result<Box<dyn Door>, Unreached> {
        self.dial_with(to, caller, ring, None).await
    }

    /// The same; where the other side wants its caller to be sent on, `referrals` is told.
    async fn dial_with(
        &self,
        to: To,
        caller: Option<&str>,
        ring: Duration,
        referrals: Option<mpsc::UnboundedSender<Referral>>,
    ) -> Result<Box<dyn Door>, Unreached> {
        let clinic = self.clinic_of(&to);
        let (callee, trunk, srtp) = self.callee(to).ok_or(Unreached { why: NotReached::Refused, status: 0 })?;
        let (codecs, dtmf) = match trunk {
            Some(trunk) => (trunk.codecs.as_slice(), trunk.dtmf),
            None => (PHONE_CODECS.as_slice(), Dtmf::Rfc4733),
        };
        let peer = self.peer_of(&callee, trunk);
        let ends = self.ends(peer, leg::capabilities(codecs, dtmf, srtp), dtmf).map_err(|error| {
            tracing::error!(%error, "a call could not be placed");
            Unreached { why: NotReached::Refused, status: 0 }
        })?;
        let offer = ends.sound.offer().map_err(|error| {
            tracing::error!(%error, "a call could not be placed");
            Unreached { why: NotReached::Refused, status: 0 }
        })?;
        let mut outgoing = Outgoing::new(callee, Some(offer));
        outgoing.trunk = trunk.map(|trunk| trunk.name.clone());
        outgoing.timeout = ring;
        let shown = match trunk {
            Some(trunk) => trunk.caller_id.clone(),
            None => caller.map(str::to_owned),
        };
        outgoing.caller = Party { number: shown.unwrap_or_default(), display: None };
        let mut dialling = self.endpoint.call(outgoing);
        while let Some(progress) = dialling.next().await {
            match progress {
                Progress::Ringing { .. } => {}
                Progress::Answered { dialog, body } => {
                    let agreed = body.as_deref().map(|answer| ends.sound.accept(answer));
                    if let Some(Ok(())) = agreed {
                        let belongs = Belongs { clinic: &clinic, trunk, referrals };
                        return Ok(leg::join(ends, dialog, belongs, &self.carriers));
                    }
                    tracing::warn!(problem = ?agreed, "a call was answered with sound that cannot be used");
                    dialog.bye();
                    return Err(Unreached { why: NotReached::Refused, status: 488 });
                }
                Progress::Failed { status, .. } => return Err(Unreached::of(status)),
            }
        }
        Err(Unreached::of(480))
    }

    /// The other side in the words of signalling, the trunk it is reached through, and how its sound is encrypted.
    fn callee(&self, to: To) -> Option<(Callee, Option<&Trunk>, Srtp)> {
        Some(match to {
            To::Phone(extension) => {
                let srtp = self.lines.operators.iter().find_map(|operator| match &operator.phone {
                    OperatorPhone::Registers { extension: own, .. } if *own == extension => Some(operator.srtp),
                    _ => None,
                });
                (Callee::User(extension), None, srtp.unwrap_or_default())
            }
            To::Address { uri, trunk } => {
                let trunk = trunk.and_then(|name| self.trunk(&name));
                (Callee::Uri(uri), trunk, trunk.map(|trunk| trunk.srtp).unwrap_or_default())
            }
            To::Number { number, trunk, clinic } => {
                if let Some(extension) = self.extension(&number) {
                    return self.callee(To::Phone(extension));
                }
                let named = trunk.and_then(|name| self.trunk(&name));
                let trunk = named.or_else(|| self.lines.trunks.iter().find(|trunk| trunk.clinic == clinic))?;
                (Callee::Number(number), Some(trunk), trunk.srtp)
            }
        })
    }

    /// Whose call it is; empty where nobody knows.
    fn clinic_of(&self, to: &To) -> String {
        let of = match to {
            To::Number { clinic, .. } => Some(clinic),
            To::Phone(name) => {
                let operator =
                    self.lines.operators.iter().find(
                        |one| matches!(&one.phone, OperatorPhone::Registers { extension, .. } if extension == name),
                    );
                operator.map(|operator| &operator.clinic)
            }
            To::Address { uri, trunk } => {
                let is = |phone: &OperatorPhone| matches!(phone, OperatorPhone::Address(own) if own == uri);
                let operator = self.lines.operators.iter().find(|one| is(&one.phone)).map(|one| &one.clinic);
                operator.or_else(|| trunk.as_deref().and_then(|name| self.trunk(name)).map(|trunk| &trunk.clinic))
            }
        };
        of.cloned().unwrap_or_default()
    }

    fn trunk(&self, name: &str) -> Option<&Trunk> {
        self.lines.trunks.iter().find(|trunk| trunk.name == name)
    }

    /// A number that is a phone of the house.
    pub(crate) fn extension(&self, number: &str) -> Option<String> {
        self.lines.operators.iter().find_map(|operator| match &operator.phone {
            OperatorPhone::Registers { extension, .. } if extension == number => Some(extension.clone()),
            _ => None,
        })
    }

    /// Where the other side probably is, for the address and the family of our sound.
    pub(crate) fn peer_of(&self, callee: &Callee, trunk: Option<&Trunk>) -> IpAddr {
        let registered = || match callee {
            Callee::User(name) => {
                let users = self.endpoint.users();
                let users = users.borrow();
                let phone = users.iter().find(|user| user.name == *name)?.phones.first()?;
                Some(phone.source.ip())
            }
            _ => None,
        };
        let written = || {
            let host = match callee {
                Callee::Uri(uri) => uri.rsplit('@').next(),
                _ => trunk.and_then(|trunk| trunk.proxy.as_deref().or(trunk.registrar.as_deref())),
            }?;
            address_of(host.trim_start_matches("sips:").trim_start_matches("sip:").split(';').next()?)
        };
        let allowed = || trunk.and_then(|trunk| trunk.allow.first()).and_then(|network| network_base(*network));
        // A name somewhere outside: the way to anywhere is the way there.
        let anywhere = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
        registered().or_else(written).or_else(allowed).unwrap_or(anywhere)
    }
}

/// A phone's transfer key, in the words of the desk: blind, or to whoever the phone is talking to by another call of its own.
fn as_wishes(
    mut referrals: mpsc::UnboundedReceiver<Referral>,
    consultations: Consultations,
) -> mpsc::UnboundedReceiver<SendOn> {
    let (wishes, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(mut referral) = referrals.recv().await {
            let wish = match &referral.replaces {
                None => user_of(&referral.to).map(SendOn::To).ok_or(501),
                // The other call must be one through this house: it ends here, like the caller's.
                Some(replaces) => consultations.named(replaces).map(SendOn::Joined).ok_or(481),
            };
            let wish = match wish {
                Ok(wish) => wish,
                Err(status) => {
                    referral.refuse(status);
                    continue;
                }
            };
            referral.accept();
            if wishes.send(wish).is_err() {
                return;
            }
            // What becomes of it is the house's business: the phone may hang up.
            referral.done(200, "OK");
        }
    });
    told
}

/// The number in a SIP address.
fn user_of(uri: &str) -> Option<String> {
    let bare = uri.trim_start_matches("sips:").trim_start_matches("sip:");
    let user = bare.split('@').next()?.split([';', '?']).next()?;
    (!user.is_empty() && bare.contains('@')).then(|| user.to_owned())
}

/// An address inside of a network.
fn network_base(network: sip::Network) -> Option<IpAddr> {
    network.to_string().split('/').next()?.parse().ok()
}

fn address_of(host: &str) -> Option<IpAddr> {
    host.parse::<SocketAddr>().map(|address| address.ip()).ok().or_else(|| host.trim_matches(['[', ']']).parse().ok())
}

/// Our side of a description, with sound coming in there.
pub(crate) fn local(at: SocketAddr, capabilities: &Capabilities) -> Local {
    // Unique enough: a session is told apart from others of the same machine in the same second.
    let id = records::id().bytes().fold(0u64, |id, byte| id.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut local = Local::new(at.ip(), at.port(), id);
    if capabilities.srtp != media::sdp::Srtp::Never {
        local.key = Some(SrtpKey(rand::random()));
    }
    local
}

#[async_trait]
impl Phones for Dialler {
    async fn ring(&self, ringing: Ringing) -> Result<Answered, Miss> {
        let Some(operator) = self.lines.operators.iter().find(|one| one.name == ringing.operator) else {
            return Err(Miss::Unreachable);
        };
        let to = match &operator.phone {
            OperatorPhone::Registers { extension, .. } => To::Phone(extension.clone()),
            OperatorPhone::Address(uri) => To::Address { uri: uri.clone(), trunk: None },
        };
        // The queue decides how long it rings; this is only longer than that.
        let longest = Duration::from_secs(600);
        let (referrals, wishes) = mpsc::unbounded_channel();
        let answered = self.dial_with(to, ringing.caller.as_deref(), longest, Some(referrals)).await;
        let door = answered.map_err(|unreached| match unreached.status {
            486 | 600 | 603 => Miss::Rejected,
            408 => Miss::NoAnswer,
            _ => Miss::Unreachable,
        })?;
        Ok(Answered { door, wishes: as_wishes(wishes, self.consultations.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_an_address() {
        assert_eq!(user_of("sip:103@192.168.0.10:5060;user=phone").as_deref(), Some("103"));
        assert_eq!(user_of("sips:anna@pbx").as_deref(), Some("anna"));
        assert_eq!(user_of("sip:pbx.local"), None);
        assert_eq!(address_of("[2001:db8::1]:5060"), "2001:db8::1".parse().ok());
        assert_eq!(address_of("192.0.2.1"), "192.0.2.1".parse().ok());
        assert_eq!(address_of("provider.example"), None);
    }
}
