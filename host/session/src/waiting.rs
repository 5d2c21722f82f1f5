//! The waiting room: a caller between the robot and a person. Music, announcements, keys.

use std::task::Context;

use call::Millis;
use lines::{Beat, FRAME_SAMPLES, Paced};
use tokio::sync::mpsc;

use crate::act::Leg;
use crate::inbox;
use crate::music::Music;
use crate::playback::{Sound, Voice};
use crate::spoken::Hearing;

/// A caller who waits. Dropped, it lets the line go, which hangs up.
pub struct WaitingRoom {
    orders: mpsc::UnboundedSender<Order>,
    voice: Voice,
}

/// What happens in a waiting room.
pub enum Waited {
    /// The caller pressed a key.
    Key(char),
    /// An announcement was heard to its end, or could not be spoken.
    Said,
    /// The caller hung up. The line is dead; its recording wants to be completed ([`Leg::hang_up`]). Nothing follows.
    Gone(Leg),
    /// The line is handed back, as [`WaitingRoom::leave`] asked for. Nothing follows.
    Left(Leg),
}

enum Order {
    Say(Announcement),
    Hush,
    Music(bool),
    Leave,
}

impl WaitingRoom {
    /// Take a caller in, with music. When the receiver ends without [`Waited::Gone`] or [`Waited::Left`], the act broke and
    /// the line is gone.
    pub fn open(leg: Leg, hearing: &Hearing) -> (WaitingRoom, mpsc::UnboundedReceiver<Waited>) {
        let (orders, received) = mpsc::unbounded_channel();
        let (happened, events) = mpsc::unbounded_channel();
        let waiting = Waiting {
            leg: Some(leg),
            orders: received,
            happened,
            music: Music::new(hearing.music.clone()),
            music_on: true,
            announcements: Vec::new(),
        };
        hearing.pacer.add(Box::new(waiting));
        (WaitingRoom { orders, voice: hearing.voice.clone() }, events)
    }

    /// Announce something, after what is being announced already; the music makes room. [`Waited::Said`] tells when it was
    /// heard. The sound is prepared before this returns.
    pub async fn say(&self, text: &str) {
        self.announce(text, false).await;
    }

    /// Say that the call is recorded; once that was heard to its end, it is. Nothing hushes it. Where the line is handed back in
    /// the middle of it, a bridge says the rest ([`Bridge::open_told`](crate::Bridge::open_told)).
    pub async fn say_notice(&self, text: &str) {
        self.announce(text, true).await;
    }

    async fn announce(&self, text: &str, notice: bool) {
        let sound = match self.voice.whole(text).await {
            Ok(pieces) => {
                let mut sound = Sound::default();
                pieces.into_iter().for_each(|piece| sound.push(piece));
                Some(sound)
            }
            Err(error) => {
                tracing::error!(%error, "an announcement could not be spoken");
                None
            }
        };
        self.orders.send(Order::Say(Announcement { sound, notice })).ok();
    }

    /// Stop announcing, at once; what was not heard is not reported.
    pub fn hush(&self) {
        self.orders.send(Order::Hush).ok();
    }

    /// Music on or off.
    pub fn music(&self, on: bool) {
        self.orders.send(Order::Music(on)).ok();
    }

    /// Hand the line back, now: [`Waited::Left`].
    pub fn leave(&self) {
        self.orders.send(Order::Leave).ok();
    }
}

/// Something to be said.
struct Announcement {
    /// None where the voice failed.
    sound: Option<Sound>,
    /// It is the recording notice.
    notice: bool,
}

/// The act on the clock.
struct Waiting {
    /// None once it was handed back.
    leg: Option<Leg>,
    orders: mpsc::UnboundedReceiver<Order>,
    happened: mpsc::UnboundedSender<Waited>,
    music: Music,
    music_on: bool,
    /// First the one being heard.
    announcements: Vec<(Sound, bool)>,
}

impl Paced for Waiting {
    fn poll(&mut self, context: &mut Context<'_>) {
        loop {
            match inbox::next(&mut self.orders, context) {
                Ok(Order::Say(Announcement { sound: Some(sound), notice })) if !sound.is_empty() => {
                    self.announcements.push((sound, notice));
                }
                Ok(Order::Say(_)) => self.tell(Waited::Said),
                Ok(Order::Hush) => {
                    self.announcements.retain(|(_, notice)| *notice);
                    if let Some(leg) = self.leg.as_mut().filter(|_| self.announcements.is_empty()) {
                        leg.door.flush();
                    }
                }
                Ok(Order::Music(on)) => self.music_on = on,
                Ok(Order::Leave) => {
                    if let Some(mut leg) = self.leg.take() {
                        leg.door.flush();
                        let notice = self.announcements.iter().position(|(_, notice)| *notice);
                        if let (Some(recording), Some(at)) = (&mut leg.recording, notice) {
                            recording.breaks_off(self.announcements.remove(at).0);
                        }
                        self.tell(Waited::Left(leg));
                    }
                }
                Err(mpsc::error::TryRecvError::Empty) => return,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.leg = None;
                    return;
                }
            }
        }
    }

    fn frame(&mut self) -> Beat {
        let Some(mut leg) = self.leg.take() else { return Beat::Over };
        leg.at = Millis(leg.at.0 + u64::from(audio::FRAME_MS));
        let Some(received) = leg.door.receive() else {
            self.tell(Waited::Gone(leg));
            return Beat::Over;
        };
        received.digits.into_iter().for_each(|key| self.tell(Waited::Key(key)));
        let mut heard = [0; FRAME_SAMPLES];
        let mut told = false;
        if let Some((sound, notice)) = self.announcements.first_mut() {
            heard = sound.frame();
            if sound.is_empty() {
                told = *notice;
                self.announcements.remove(0);
                self.tell(Waited::Said);
            }
        }
        let announcing = heard.iter().any(|sample| *sample != 0) || !self.announcements.is_empty();
        let music = self.music.frame(self.music_on && !announcing);
        leg.door.send(&together(&heard, &music));
        if let Some(recording) = &mut leg.recording {
            // The music is not worth the disk, and no recogniser should hear it.
            recording.push(&received.audio, &heard);
            if told {
                recording.notice_was_heard();
            }
        }
        self.leg = Some(leg);
        Beat::On
    }

    fn skipped(&mut self, frames: u64) {
        if let Some(leg) = &mut self.leg {
            leg.door.skipped(frames);
        }
    }
}

impl Waiting {
    fn tell(&self, happened: Waited) {
        // Nobody asks any more: a line in it is dropped here, which hangs up.
        self.happened.send(happened).ok();
    }
}

fn together(a: &[i16; FRAME_SAMPLES], b: &[i16; FRAME_SAMPLES]) -> [i16; FRAME_SAMPLES] {
    std::array::from_fn(|at| a[at].saturating_add(b[at]))
}
