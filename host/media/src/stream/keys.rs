//! Keys the caller presses, by whichever way they come, each of them once.

use std::time::Duration;

use audio::dtmf::Detector;
use lines::FRAME_SAMPLES;

use crate::digits::Listener;
use crate::rtp::Packet;

/// Events in RTP, tones in the sound, words of the signalling.
pub(super) struct Keys {
    listener: Listener,
    /// None where tones are not listened for, or not any more.
    tones: Option<Detector>,
    pressed: Vec<char>,
    last: Option<(char, Origin, Duration)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Event,
    Tone,
    Signalling,
}

/// The same key by two ways within so long is one press.
const SAME: Duration = Duration::from_millis(500);

impl Keys {
    pub(super) fn new(inband: bool) -> Keys {
        Keys {
            listener: Listener::default(),
            tones: inband.then(|| Detector::new(lines::LINE_RATE)),
            pressed: Vec::new(),
            last: None,
        }
    }

    /// A packet of events.
    pub(super) fn event(&mut self, packet: &Packet<'_>, at: Duration) {
        // Whoever sends events has no need to be listened to as well.
        self.tones = None;
        let mut keys = Vec::new();
        self.listener.hear(packet, at, |key| keys.push(key));
        for key in keys {
            self.press(key, Origin::Event, at);
        }
    }

    /// A key that came with the signalling.
    pub(super) fn told(&mut self, key: char, at: Duration) {
        let key = key.to_ascii_uppercase();
        if crate::digits::event(key).is_some() {
            self.press(key, Origin::Signalling, at);
        }
    }

    /// The keys of a frame.
    pub(super) fn frame(&mut self, audio: &[i16; FRAME_SAMPLES], now: Duration) -> Vec<char> {
        if let Some(detector) = &mut self.tones {
            for key in detector.push(audio) {
                self.press(key, Origin::Tone, now);
            }
        }
        std::mem::take(&mut self.pressed)
    }

    fn press(&mut self, key: char, origin: Origin, at: Duration) {
        let again =
            self.last.is_some_and(|(last, by, when)| last == key && by != origin && at.saturating_sub(when) < SAME);
        if again {
            return;
        }
        self.last = Some((key, origin, at));
        self.pressed.push(key);
    }
}
