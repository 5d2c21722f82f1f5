//! Two lines made one: a caller and the person who talks with them.
//!
//! The operator first hears, in a whisper, one line of what the robot learned; the caller hears music until then, or that the
//! call is recorded, where they do not know it yet. They hear each other once both are over. The recording goes on, the
//! operator on its right. Either side may put the other on hold.

use std::task::Context;

use call::Millis;
use lines::{Beat, Door, FRAME_SAMPLES, Paced, Quality, Received};
use tokio::sync::mpsc;

use crate::act::Leg;
use crate::inbox;
use crate::music::Music;
use crate::playback::{Sound, Voice};
use crate::recorder::Recording;
use crate::spoken::Hearing;

type Frame = [i16; FRAME_SAMPLES];

/// A whisper is one line; a voice that takes longer is cut off.
const MOST_WHISPER_FRAMES: u32 = 15 * 50;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// Who called.
    Caller,
    /// Who answers.
    Operator,
}

impl Party {
    /// The other one.
    pub fn other(self) -> Party {
        match self {
            Party::Caller => Party::Operator,
            Party::Operator => Party::Caller,
        }
    }
}

/// A conversation between two. Dropped, it lets both lines go, which hangs them up.
pub struct Bridge {
    orders: mpsc::UnboundedSender<Order>,
    voice: Voice,
}

/// What happens on a bridge.
pub enum Bridged {
    /// The whisper is over; they hear each other.
    Connected,
    /// Somebody pressed a key; it was passed on, unless it ended the whisper.
    Key(Party, char),
    /// Somebody put the other on hold, or took them back.
    Hold(Party, bool),
    /// A whisper that was asked for in the middle of a talk has been heard.
    Whispered,
    /// It is over. Nothing follows.
    Over(Box<BridgeOver>),
}

/// Why a bridge is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BridgeEnd {
    /// This one hung up.
    HungUp(Party),
    /// [`Bridge::part`] asked for it.
    Parted,
}

/// What is left of a bridge.
pub struct BridgeOver {
    /// Why.
    pub end: BridgeEnd,
    /// The caller's line; dead if they hung up, but for its recording.
    pub caller: Leg,
    /// The operator's line; dead if they hung up.
    pub operator: Box<dyn Door>,
    /// The caller's line as it was measured.
    pub caller_quality: Option<Quality>,
    /// The operator's line as it was measured.
    pub operator_quality: Option<Quality>,
    /// When they began to hear each other, by the caller's media time; none when it ended in the whisper.
    pub connected_at: Option<Millis>,
    /// They talked so long, holds not counted, milliseconds.
    pub talk_ms: u64,
    /// One of them was on hold so long, milliseconds.
    pub hold_ms: u64,
}

enum Order {
    Whisper(Party, Option<Sound>),
    Notice(Option<Sound>),
    Hold(Party, bool),
    Part,
}

impl Bridge {
    /// Bring two lines together. With a `whisper` the operator hears it first; any key of theirs cuts it short. When the
    /// receiver ends without [`Bridged::Over`], the act broke and both lines are gone.
    pub async fn open(
        caller: Leg,
        operator: Box<dyn Door>,
        whisper: Option<&str>,
        hearing: &Hearing,
    ) -> (Bridge, mpsc::UnboundedReceiver<Bridged>) {
        Bridge::open_with(caller, operator, whisper, None, hearing).await
    }

    /// The same with a caller who may not know yet that the call is recorded: they hear `notice`, or what is left of one that
    /// was broken off, before they hear the operator. What the operator hears of it tells them when to speak.
    pub async fn open_told(
        caller: Leg,
        operator: Box<dyn Door>,
        whisper: Option<&str>,
        notice: &str,
        hearing: &Hearing,
    ) -> (Bridge, mpsc::UnboundedReceiver<Bridged>) {
        Bridge::open_with(caller, operator, whisper, Some(notice), hearing).await
    }

    async fn open_with(
        mut caller: Leg,
        operator: Box<dyn Door>,
        whisper: Option<&str>,
        notice: Option<&str>,
        hearing: &Hearing,
    ) -> (Bridge, mpsc::UnboundedReceiver<Bridged>) {
        let notice = notice.filter(|_| caller.notice_is_due());
        let rest = caller.recording.as_mut().and_then(Recording::rest_of_notice).filter(|_| notice.is_some());
        let to_be_made = notice.filter(|_| rest.is_none());
        let (orders, received) = mpsc::unbounded_channel();
        let (happened, events) = mpsc::unbounded_channel();
        let bridge = Bridge { orders, voice: hearing.voice.clone() };
        let talk = Talk {
            lines: Some((caller, operator)),
            orders: received,
            happened,
            music: Music::new(hearing.music.clone()),
            whisper: None,
            whisper_is_due: whisper.is_some(),
            notice: rest,
            notice_is_due: notice.is_some(),
            introduced_frames: 0,
            asked_to_hold: [false; 2],
            holding: [false; 2],
            connected_at: None,
            talk_ms: 0,
            hold_ms: 0,
        };
        // The caller hears music while the whisper is being made.
        hearing.pacer.add(Box::new(talk));
        if let Some(text) = to_be_made {
            let notice = bridge.sound_of(text).await;
            bridge.orders.send(Order::Notice(notice)).ok();
        }
        if let Some(text) = whisper {
            bridge.whisper(Party::Operator, text).await;
        }
        (bridge, events)
    }

    /// Say something to one of them which the other does not hear; ready once it is being said.
    pub async fn whisper(&self, to: Party, text: &str) {
        let sound = self.sound_of(text).await;
        self.orders.send(Order::Whisper(to, sound)).ok();
    }

    async fn sound_of(&self, text: &str) -> Option<Sound> {
        let pieces = self.voice.whole(text).await;
        let pieces =
            pieces.inspect_err(|error| tracing::error!(%error, "what is said on a bridge could not be spoken"));
        let mut sound = Sound::default();
        pieces.ok()?.into_iter().for_each(|piece| sound.push(piece));
        Some(sound)
    }

    /// As if `by` had put the other on hold by their telephone, or taken them back.
    pub fn hold(&self, by: Party, on: bool) {
        self.orders.send(Order::Hold(by, on)).ok();
    }

    /// End it and hand both lines back, alive: [`Bridged::Over`].
    pub fn part(&self) {
        self.orders.send(Order::Part).ok();
    }
}

/// The act on the clock.
struct Talk {
    /// The caller's and the operator's; none once they were handed back.
    lines: Option<(Leg, Box<dyn Door>)>,
    orders: mpsc::UnboundedReceiver<Order>,
    happened: mpsc::UnboundedSender<Bridged>,
    music: Music,
    whisper: Option<(Party, Sound)>,
    /// They do not hear each other before the operator has heard it …
    whisper_is_due: bool,
    notice: Option<Sound>,
    /// … and the caller this.
    notice_is_due: bool,
    introduced_frames: u32,
    /// By order, and as it is with the telephones' own holds; the caller's first.
    asked_to_hold: [bool; 2],
    holding: [bool; 2],
    connected_at: Option<Millis>,
    talk_ms: u64,
    hold_ms: u64,
}

impl Paced for Talk {
    fn poll(&mut self, context: &mut Context<'_>) {
        loop {
            match inbox::next(&mut self.orders, context) {
                Ok(Order::Whisper(to, Some(sound))) if !sound.is_empty() => {
                    self.whisper = Some((to, sound));
                    self.introduced_frames = 0;
                }
                Ok(Order::Whisper(..)) => self.whisper_ended(),
                Ok(Order::Notice(Some(sound))) if !sound.is_empty() && self.notice_is_due => self.notice = Some(sound),
                Ok(Order::Notice(_)) => self.notice_ended(false),
                Ok(Order::Hold(by, on)) => self.asked_to_hold[by as usize] = on,
                Ok(Order::Part) => self.over(BridgeEnd::Parted),
                Err(mpsc::error::TryRecvError::Empty) => return,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.lines = None;
                    return;
                }
            }
        }
    }

    fn frame(&mut self) -> Beat {
        let Some((caller, operator)) = &mut self.lines else { return Beat::Over };
        let frame_ms = u64::from(audio::FRAME_MS);
        caller.at.0 += frame_ms;
        let (from_caller, from_operator) = (caller.door.receive(), operator.receive());
        let (from_caller, from_operator) = match (from_caller, from_operator) {
            (None, _) => {
                self.over(BridgeEnd::HungUp(Party::Caller));
                return Beat::Over;
            }
            (_, None) => {
                self.over(BridgeEnd::HungUp(Party::Operator));
                return Beat::Over;
            }
            (Some(from_caller), Some(from_operator)) => (from_caller, from_operator),
        };
        let held = [caller.door.held(), operator.held()];
        self.holds(held);
        self.keys(&from_caller, &from_operator);
        if self.introducing() {
            self.introduced_frames += 1;
            if self.introduced_frames >= MOST_WHISPER_FRAMES {
                self.takes_too_long();
            }
        }
        self.exchange(&from_caller.audio, &from_operator.audio);
        if !self.introducing() {
            let on_hold = self.holding.contains(&true);
            *(if on_hold { &mut self.hold_ms } else { &mut self.talk_ms }) += frame_ms;
        }
        Beat::On
    }

    fn skipped(&mut self, frames: u64) {
        if let Some((caller, operator)) = &mut self.lines {
            caller.door.skipped(frames);
            operator.skipped(frames);
        }
    }
}

impl Talk {
    /// They do not hear each other yet.
    fn introducing(&self) -> bool {
        self.whisper_is_due || self.notice_is_due
    }

    /// Everyone hears whom they should.
    fn exchange(&mut self, from_caller: &Frame, from_operator: &Frame) {
        let introducing = self.introducing();
        let notice = self.notice.as_mut().map(|notice| (notice.frame(), notice.is_empty()));
        let whispered = self.whisper_frame();
        let apart = introducing || self.holding.contains(&true);
        let music = self.music.frame(apart && notice.is_none());
        let Some((caller, operator)) = &mut self.lines else { return };
        // Whoever holds the other hears nothing of them; the one who waits hears music.
        let (mut to_caller, mut to_operator) = (*from_operator, *from_caller);
        if apart {
            to_caller = if introducing || self.holding[Party::Operator as usize] { music } else { SILENCE };
            to_operator = if self.holding[Party::Caller as usize] && !introducing { music } else { SILENCE };
        }
        if let Some((frame, _)) = notice {
            to_caller = std::array::from_fn(|at| frame[at].saturating_add(to_caller[at]));
            to_operator = frame;
        }
        match whispered {
            Some((Party::Operator, frame)) => to_operator = over(&frame, &to_operator),
            Some((Party::Caller, frame)) => to_caller = over(&frame, &to_caller),
            None => {}
        }
        caller.door.send(&to_caller);
        operator.send(&to_operator);
        if let Some(recording) = &mut caller.recording {
            // What the operator says to nobody, before the talk or while they hold it, is not the caller's call.
            recording.push(from_caller, if apart { &SILENCE } else { from_operator });
        }
        if notice.is_some_and(|(_, over)| over) {
            self.notice_ended(true);
        }
    }

    fn whisper_frame(&mut self) -> Option<(Party, Frame)> {
        let (to, sound) = self.whisper.as_mut()?;
        let frame = (*to, sound.frame());
        if sound.is_empty() {
            self.whisper_ended();
        }
        Some(frame)
    }

    fn whisper_ended(&mut self) {
        self.whisper = None;
        if !std::mem::take(&mut self.whisper_is_due) {
            return self.tell(Bridged::Whispered);
        }
        self.introduced();
    }

    /// The notice was heard, or cannot be said: then nothing is kept.
    fn notice_ended(&mut self, heard: bool) {
        self.notice = None;
        if !std::mem::take(&mut self.notice_is_due) {
            return;
        }
        if let Some(recording) = self.lines.as_mut().and_then(|(caller, _)| caller.recording.as_mut())
            && heard
        {
            // From the next frame on.
            recording.notice_was_heard();
        }
        self.introduced();
    }

    /// A voice that takes longer is not waited for; a notice that is being said is said to its end.
    fn takes_too_long(&mut self) {
        if self.notice.is_none() {
            self.notice_ended(false);
        }
        if self.whisper_is_due {
            self.whisper_ended();
        }
    }

    /// They hear each other, once nothing is due any more.
    fn introduced(&mut self) {
        if self.introducing() || self.connected_at.is_some() {
            return;
        }
        self.connected_at = self.lines.as_ref().map(|(caller, _)| caller.at);
        self.tell(Bridged::Connected);
    }

    fn keys(&mut self, from_caller: &Received, from_operator: &Received) {
        for key in &from_operator.digits {
            if self.whisper_is_due {
                self.whisper_ended();
            } else if self.notice_is_due {
                // Nobody hears keys yet, and nothing cuts the notice short.
            } else if let Some((caller, _)) = &mut self.lines {
                caller.door.send_digits(key.encode_utf8(&mut [0; 4]));
            }
            self.tell(Bridged::Key(Party::Operator, *key));
        }
        for key in &from_caller.digits {
            if let Some((_, operator)) = &mut self.lines
                && !(self.whisper_is_due || self.notice_is_due)
            {
                operator.send_digits(key.encode_utf8(&mut [0; 4]));
            }
            self.tell(Bridged::Key(Party::Caller, *key));
        }
    }

    fn holds(&mut self, by_telephone: [bool; 2]) {
        // Where nothing is due they are connected from the first frame on.
        self.introduced();
        for party in [Party::Caller, Party::Operator] {
            let at = party as usize;
            let now = by_telephone[at] || self.asked_to_hold[at];
            if now != self.holding[at] {
                self.holding[at] = now;
                self.tell(Bridged::Hold(party, now));
            }
        }
    }

    fn over(&mut self, end: BridgeEnd) {
        let Some((caller, operator)) = self.lines.take() else { return };
        let over = BridgeOver {
            end,
            caller_quality: caller.door.quality(),
            operator_quality: operator.quality(),
            caller,
            operator,
            connected_at: self.connected_at,
            talk_ms: self.talk_ms,
            hold_ms: self.hold_ms,
        };
        self.tell(Bridged::Over(Box::new(over)));
    }

    fn tell(&self, happened: Bridged) {
        // Nobody asks any more: lines in it are dropped here, which hangs them up.
        self.happened.send(happened).ok();
    }
}

const SILENCE: Frame = [0; FRAME_SAMPLES];

/// A whisper over what is heard besides, at a quarter.
fn over(whisper: &Frame, besides: &Frame) -> Frame {
    std::array::from_fn(|at| whisper[at].saturating_add(besides[at] / 4))
}
