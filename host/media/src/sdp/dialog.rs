//! The offers and answers of one dialog, one after another: what RFC 3264 §8 asks of later descriptions.

use super::agree::{History, accept, answered, offered};
use super::write::{Slot, write};
use super::{Capabilities, Local, SdpError, Session};
use crate::negotiated::{Direction, Negotiated};

/// One dialog's descriptions. Offers and answers come in any order and from either end: in INVITE and 200, in 200 and ACK
/// (a request without an offer), in re-INVITE and UPDATE.
///
/// ```
/// use media::Direction;
/// use media::sdp::{Capabilities, Local, OfferAnswer};
///
/// let local = Local::new("192.0.2.1".parse().expect("an address"), 20_000, 7);
/// let mut ours = OfferAnswer::new(Capabilities::default(), local);
/// let theirs = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
/// ours.answer(theirs)?;
/// let hold = ours.offer(Direction::SendOnly)?;
/// assert!(hold.contains("o=gudok 7 2 IN IP4 192.0.2.1\r\n") && hold.contains("a=sendonly\r\n"));
/// # Ok::<(), media::sdp::SdpError>(())
/// ```
#[derive(Debug, Clone)]
pub struct OfferAnswer {
    capabilities: Capabilities,
    local: Local,
    history: History,
    /// The last description of ours, by which the version is counted.
    written: Option<String>,
    /// Our offer, and what to go back to if it is refused. Kept when it was answered: a forked call answers again.
    offer: Option<Session>,
    waiting: bool,
    before: History,
}

impl OfferAnswer {
    /// A dialog in which nothing was said yet.
    pub fn new(capabilities: Capabilities, local: Local) -> Self {
        Self {
            capabilities,
            local,
            history: History::default(),
            written: None,
            offer: None,
            waiting: false,
            before: History::default(),
        }
    }

    /// Our offer: the first, or a later one (hold, resume, another port).
    ///
    /// # Errors
    /// An offer of ours waits for its answer.
    pub fn offer(&mut self, direction: Direction) -> Result<String, SdpError> {
        if self.waiting {
            return Err(SdpError::State("an offer of ours waits for its answer; offer again after it"));
        }
        self.local.direction = direction;
        let slots = offered(&self.capabilities, &self.local, &self.history);
        let text = self.write("0 0", &slots);
        self.offer = Some(Session::parse(&text)?);
        self.waiting = true;
        self.before = self.history.clone();
        self.remember(slots);
        Ok(text)
    }

    /// Our answer to an offer, wanting both directions unless [`OfferAnswer::local_mut`] says less.
    ///
    /// # Errors
    /// The offer cannot be read or agreed to, or crosses one of ours (491). Nothing changes then.
    pub fn answer(&mut self, offer: &str) -> Result<(String, Negotiated), SdpError> {
        if self.waiting {
            return Err(SdpError::State("an offer came while ours waits for its answer"));
        }
        let offer = Session::parse(offer)?;
        let (slots, negotiated) = answered(&offer, &self.capabilities, &self.local)?;
        let text = self.write(&offer.timing, &slots);
        self.remember(slots);
        self.offer = None;
        self.history.agreed = Some(negotiated.clone());
        Ok((text, negotiated))
    }

    /// The answer to our offer. A call that forks may answer more than once: the last counts.
    ///
    /// # Errors
    /// The answer cannot be read, refuses, or does not fit; or there is no offer of ours.
    pub fn accept(&mut self, answer: &str) -> Result<Negotiated, SdpError> {
        let Some(offer) = &self.offer else { return Err(SdpError::State("an answer came and nothing was offered")) };
        let negotiated = accept(offer, &Session::parse(answer)?)?;
        self.waiting = false;
        self.history.agreed = Some(negotiated.clone());
        Ok(negotiated)
    }

    /// Our offer was refused, or never answered: what was agreed before goes on.
    pub fn withdraw(&mut self) {
        if self.waiting {
            self.waiting = false;
            self.offer = None;
            // The version stays: the description did leave this house.
            self.history = std::mem::take(&mut self.before);
        }
    }

    /// What holds now.
    pub fn agreed(&self) -> Option<&Negotiated> {
        self.history.agreed.as_ref()
    }

    /// Our offer waits for its answer.
    pub fn waiting(&self) -> bool {
        self.waiting
    }

    /// Who we are and where we hear; what is changed here stands in the next description.
    pub fn local_mut(&mut self) -> &mut Local {
        &mut self.local
    }

    fn write(&mut self, timing: &str, slots: &[Slot]) -> String {
        let text = write(&self.local, timing, slots);
        let text = match &self.written {
            Some(last) if *last != text => {
                self.local.version += 1;
                write(&self.local, timing, slots)
            }
            _ => text,
        };
        self.written = Some(text.clone());
        text
    }

    fn remember(&mut self, slots: Vec<Slot>) {
        for slot in &slots {
            let Slot::Audio(audio) = slot else { continue };
            for format in &audio.formats {
                if !self.history.bindings.iter().any(|(number, _)| *number == format.payload_type) {
                    self.history.bindings.push((format.payload_type, format.encoding.clone()));
                }
            }
        }
        self.history.slots = slots;
    }
}
