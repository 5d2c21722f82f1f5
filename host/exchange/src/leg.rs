//! One SIP call as a door: signalling and sound joined, so that the rest of the house sees frames, keys and a hang-up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lines::{Door, FRAME_SAMPLES, Line, Moved, Pace, Quality, Received};
use media::sdp::{Capabilities, OfferAnswer, SdpError};
use media::{Direction, Negotiated, RtpControl, RtpDoor};
use sip::{Dialog, DialogEvent, Over, ReferOutcome, Referral};
use tokio::sync::mpsc;

use crate::config::{Codec, Dtmf, Srtp, Trunk};
use crate::dial::Ends;
use crate::replacing::{Carrier, Carriers};

/// How long the other side may take to say how a transfer went.
const REFER_PATIENCE: Duration = Duration::from_secs(20);

/// What a trunk, or a phone, agrees to.
pub(crate) fn capabilities(codecs: &[Codec], dtmf: Dtmf, srtp: Srtp) -> Capabilities {
    Capabilities {
        codecs: codecs.iter().map(|codec| codec_of(*codec)).collect(),
        telephone_events: dtmf == Dtmf::Rfc4733,
        srtp: match srtp {
            Srtp::Off => media::sdp::Srtp::Never,
            Srtp::Optional => media::sdp::Srtp::WhenOffered,
            Srtp::Required => media::sdp::Srtp::Required,
        },
        ..Capabilities::default()
    }
}

fn codec_of(codec: Codec) -> media::Codec {
    match codec {
        Codec::Pcma => media::Codec::Pcma,
        Codec::Pcmu => media::Codec::Pcmu,
        Codec::G722 => media::Codec::G722,
        Codec::Opus => media::Codec::Opus,
    }
}

/// Offers and answers of one dialog, with the sound that follows them.
#[derive(Clone)]
pub(crate) struct Sound {
    talks: Arc<Mutex<OfferAnswer>>,
    control: RtpControl,
}

impl Sound {
    pub(crate) fn new(talks: OfferAnswer, control: RtpControl) -> Sound {
        Sound { talks: Arc::new(Mutex::new(talks)), control }
    }

    /// Our answer to their offer.
    pub(crate) fn answer(&self, offer: &str) -> Result<String, SdpError> {
        let (text, agreed) = self.talks().answer(offer)?;
        self.agree(agreed);
        Ok(text)
    }

    /// Our answer to an offer, or an offer of ours; the sound follows once [`Sound::agree`] is told what was agreed.
    pub(crate) fn prepare(&self, offer: Option<&str>) -> Result<(String, Option<Negotiated>), SdpError> {
        match offer {
            Some(offer) => self.talks().answer(offer).map(|(text, agreed)| (text, Some(agreed))),
            None => self.offer().map(|text| (text, None)),
        }
    }

    /// Our offer.
    pub(crate) fn offer(&self) -> Result<String, SdpError> {
        self.talks().offer(Direction::SendRecv)
    }

    /// Their answer to it.
    pub(crate) fn accept(&self, answer: &str) -> Result<(), SdpError> {
        let agreed = self.talks().accept(answer)?;
        self.agree(agreed);
        Ok(())
    }

    /// The codec that was agreed on.
    pub(crate) fn codec(&self) -> Option<&'static str> {
        self.talks().agreed().map(|agreed| agreed.codec.name())
    }

    pub(crate) fn agree(&self, agreed: Negotiated) {
        if let Err(error) = self.control.negotiate(agreed) {
            tracing::warn!(%error, "what was agreed upon cannot be sent");
        }
    }

    fn talks(&self) -> std::sync::MutexGuard<'_, OfferAnswer> {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows a dialog to its end: keys, hold, changes of the session, hang-up. Returns why it ended.
    pub(crate) async fn follow(
        self,
        mut events: mpsc::UnboundedReceiver<DialogEvent>,
        call: String,
        referrals: Option<mpsc::UnboundedSender<Referral>>,
    ) -> Option<Over> {
        while let Some(event) = events.recv().await {
            match event {
                DialogEvent::Digit(key) => self.control.digit(key),
                DialogEvent::Acknowledged { body: Some(answer) } | DialogEvent::Answer { body: answer } => {
                    if let Err(error) = self.accept(&answer) {
                        tracing::warn!(call, %error, "the other side's answer cannot be used");
                    }
                }
                DialogEvent::Acknowledged { body: None } => {}
                DialogEvent::Offer { body, answer } => {
                    let ours = match &body {
                        Some(offer) => self.answer(offer),
                        None => self.offer(),
                    };
                    if let Err(error) = &ours {
                        tracing::warn!(call, %error, "a change of the session is refused");
                    }
                    answer.send(ours.map_err(|error| error.status())).ok();
                }
                DialogEvent::Refer(referral) => {
                    // Only people at the desk may; dropped, it is declined.
                    if let Some(referrals) = &referrals {
                        referrals.send(referral).ok();
                    }
                }
                DialogEvent::Over(why) => {
                    match &why {
                        Over::NeverAcknowledged { contact, private } => {
                            tracing::warn!(
                                call,
                                contact,
                                private,
                                "200 OK was never acknowledged; `gudok doctor --line` says why"
                            );
                        }
                        Over::Lost { status } => tracing::warn!(call, status, "the other side has lost the call"),
                        Over::Expired => tracing::warn!(call, "the session timer ran out"),
                        // The line goes on, carried by another call.
                        Over::Replaced => return Some(why),
                        Over::Bye { .. } | Over::Here => {}
                    }
                    self.control.gone();
                    return Some(why);
                }
            }
        }
        self.control.gone();
        None
    }
}

/// Whose line it is, and what it may do.
pub(crate) struct Belongs<'a> {
    /// The clinic; empty where nobody knows.
    pub(crate) clinic: &'a str,
    /// The trunk it goes through; none for phones of the house.
    pub(crate) trunk: Option<&'a Trunk>,
    /// Told when the other side wants its caller to be sent on.
    pub(crate) referrals: Option<mpsc::UnboundedSender<Referral>>,
}

/// Joins a dialog and its sound: the door hangs up when it is dropped, and closes when the other side hangs up.
pub(crate) fn join(ends: Ends, dialog: Dialog, belongs: Belongs<'_>, carriers: &Carriers) -> Box<dyn Door> {
    let Belongs { clinic, trunk, referrals } = belongs;
    let Ends { rtp, sound, port } = ends;
    let keys = InfoDialog::default();
    let carrier = Carrier {
        control: sound.control.clone(),
        port,
        clinic: clinic.to_owned(),
        peer: dialog.source().ip(),
        keys: keys.clone(),
        referrals,
    };
    carry(carrier, sound, dialog, trunk, carriers);
    match trunk {
        Some(Trunk { dtmf: Dtmf::Info, .. }) => {
            Box::new(InfoKeys { rtp, keys, runtime: tokio::runtime::Handle::current() })
        }
        _ => Box::new(rtp),
    }
}

/// A line is carried by this dialog from now on.
pub(crate) fn carry(carrier: Carrier, sound: Sound, dialog: Dialog, trunk: Option<&Trunk>, carriers: &Carriers) {
    let control = carrier.control.clone();
    control.set_line(Arc::new(SipLine { dialog: dialog.clone(), host: trunk.and_then(host_of) }));
    let info = trunk.is_some_and(|trunk| trunk.dtmf == Dtmf::Info).then(|| dialog.clone());
    *carrier.keys.lock().unwrap_or_else(PoisonError::into_inner) = info;
    if let Some(events) = dialog.events() {
        tokio::spawn(sound.follow(events, dialog.call_id().to_owned(), carrier.referrals.clone()));
    }
    let (id, carriers) = (dialog.id(), carriers.clone());
    carriers.begins(id.clone(), carrier);
    control.on_end(move |_| {
        carriers.ended(&id);
        // Others may still hold the line for a transfer; the call is over all the same.
        dialog.bye();
    });
}

/// The dialog whose INFOs press keys, where keys are pressed that way.
pub(crate) type InfoDialog = Arc<Mutex<Option<Dialog>>>;

/// Where numbers of a trunk live.
fn host_of(trunk: &Trunk) -> Option<String> {
    let registrar = trunk.registrar.as_deref()?;
    let host = registrar.trim_start_matches("sips:").trim_start_matches("sip:");
    Some(host.split(';').next().unwrap_or(host).to_owned())
}

/// A door whose keys are pressed by INFO.
struct InfoKeys {
    rtp: RtpDoor,
    keys: InfoDialog,
    /// Doors live on threads without a runtime of their own.
    runtime: tokio::runtime::Handle,
}

impl Door for InfoKeys {
    fn pace(&self) -> Pace {
        self.rtp.pace()
    }

    fn receive(&mut self) -> Option<Received> {
        self.rtp.receive()
    }

    fn send(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        self.rtp.send(frame);
    }

    fn flush(&mut self) {
        self.rtp.flush();
    }

    fn send_digits(&mut self, digits: &str) {
        let dialog = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Whoever carries the line now may want them another way.
        let Some(dialog) = dialog else { return self.rtp.send_digits(digits) };
        let digits = digits.to_owned();
        self.runtime.spawn(async move {
            for key in digits.chars() {
                if let Err(error) = dialog.info_digit(key, 160).await {
                    return tracing::warn!(%error, "a key could not be pressed by INFO");
                }
            }
        });
    }

    fn held(&self) -> bool {
        self.rtp.held()
    }

    fn line(&self) -> Option<Arc<dyn Line>> {
        self.rtp.line()
    }

    fn quality(&self) -> Option<Quality> {
        self.rtp.quality()
    }
}

/// What can be asked of a SIP call besides sound.
struct SipLine {
    dialog: Dialog,
    host: Option<String>,
}

impl Line for SipLine {
    fn transfer(&self, to: &str) -> std::pin::Pin<Box<dyn Future<Output = Moved> + Send>> {
        let target = self.target(to);
        let dialog = self.dialog.clone();
        Box::pin(async move {
            match dialog.refer(&target, REFER_PATIENCE).await {
                ReferOutcome::Accepted | ReferOutcome::Completed => Moved::Accepted,
                ReferOutcome::Refused { status, reason } => Moved::Refused(format!("{status} {reason}")),
                ReferOutcome::NoAnswer => Moved::NoWord,
                ReferOutcome::Unsupported => Moved::Unsupported,
            }
        })
    }
}

impl SipLine {
    /// A number of the clinic file as an address the other side can dial.
    fn target(&self, to: &str) -> String {
        if to.starts_with("sip:") || to.starts_with("sips:") {
            return to.to_owned();
        }
        let number: String = to.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#')).collect();
        match &self.host {
            Some(host) => format!("sip:{number}@{host}"),
            None => {
                let source = self.dialog.source();
                match source.port() {
                    5060 => format!("sip:{number}@{}", bracketed(source.ip())),
                    port => format!("sip:{number}@{}:{port}", bracketed(source.ip())),
                }
            }
        }
    }
}

fn bracketed(ip: std::net::IpAddr) -> String {
    match ip.to_canonical() {
        std::net::IpAddr::V4(four) => four.to_string(),
        std::net::IpAddr::V6(six) => format!("[{six}]"),
    }
}
