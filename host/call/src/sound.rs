//! What the caller hears: one prompt at a time, the comfort tone, and "one moment, please".
//!
//! The clock of silence is kept here. It counts from when the caller last heard something or had the turn, across
//! commands, so that a flow which does many short things in a row leaves no longer silence than one that does one.

use crate::config::Config;
use crate::output::{Outbox, Output, Prompt, SystemPrompt};
use crate::time::{Millis, Token};

/// A notice is one sentence; one that takes longer is stuck.
const MAX_NOTICE_MS: u64 = 15_000;

#[derive(Debug)]
pub(crate) struct Sound {
    playing: Option<Playing>,
    /// Waits for a notice to end: cutting "one moment, please" in half is worse than hearing it out.
    queued: Option<Prompt>,
    tone: bool,
    quiet_since: Millis,
    hold_at: Millis,
}

#[derive(Debug)]
struct Playing {
    token: Token,
    notice: bool,
    asked: Millis,
    started: Option<Millis>,
}

/// How a playback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Failed,
    /// Never started, or never ended.
    Overdue,
}

/// Whose turn it is to make a sound, as the call sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// It is our turn: the caller waits.
    pub(crate) ours: bool,
    /// The caller is speaking nevertheless.
    pub(crate) caller_speaking: bool,
}

impl Sound {
    pub(crate) fn new(config: &Config, now: Millis) -> Self {
        Sound { playing: None, queued: None, tone: false, quiet_since: now, hold_at: now + config.hold_after_ms }
    }

    /// Plays a prompt, after the notice the caller is hearing or instead of one they do not hear yet.
    pub(crate) fn play(&mut self, what: Prompt, now: Millis, out: &mut Outbox) {
        if self.audible() {
            self.queued = Some(what);
            return;
        }
        if let Some(unheard) = self.playing.take() {
            out.push(Output::StopPlayback { token: unheard.token });
        }
        self.start(what, false, now, out);
    }

    fn start(&mut self, what: Prompt, notice: bool, now: Millis, out: &mut Outbox) {
        let token = out.token();
        self.playing = Some(Playing { token, notice, asked: now, started: None });
        out.push(Output::Play { token, what });
    }

    /// Stops whatever plays or is about to.
    pub(crate) fn stop(&mut self, config: &Config, now: Millis, out: &mut Outbox) {
        self.queued = None;
        if let Some(playing) = self.playing.take() {
            out.push(Output::StopPlayback { token: playing.token });
            if playing.started.is_some() {
                self.turn_begins(config, now);
            }
        }
    }

    /// Stops what the caller has not begun to hear; what they hear may end.
    pub(crate) fn stop_unheard(&mut self, config: &Config, now: Millis, out: &mut Outbox) {
        self.queued = None;
        if !self.audible() {
            self.stop(config, now, out);
        }
    }

    /// It becomes our turn: silence counts from now.
    pub(crate) fn turn_begins(&mut self, config: &Config, now: Millis) {
        self.quiet_since = now;
        self.hold_at = now + config.hold_after_ms;
    }

    /// The first sample went out. True if it is a prompt's, false for notices and old tokens.
    pub(crate) fn started(&mut self, token: Token, now: Millis) -> bool {
        match &mut self.playing {
            Some(playing) if playing.token == token && playing.started.is_none() => {
                playing.started = Some(now);
                !playing.notice
            }
            _ => false,
        }
    }

    /// When the prompt in the air was asked for, if it is the one named and has not been reported to have started.
    pub(crate) fn unreported_start(&self, token: Token) -> Option<Millis> {
        let playing = self.playing.as_ref()?;
        (playing.token == token && !playing.notice && playing.started.is_none()).then_some(playing.asked)
    }

    /// A playback ended. True if it was a prompt (the call goes on), false for notices and old tokens.
    pub(crate) fn ended(&mut self, token: Token, how: Ending, config: &Config, now: Millis, out: &mut Outbox) -> bool {
        let Some(playing) = self.playing.take_if(|playing| playing.token == token) else { return false };
        if how == Ending::Overdue {
            out.push(Output::StopPlayback { token });
        }
        if playing.started.is_some() || how == Ending::Done {
            self.turn_begins(config, now);
        }
        if playing.notice {
            self.hold_at = now + config.hold_every_ms;
            if let Some(what) = self.queued.take() {
                self.start(what, false, now, out);
            }
        }
        !playing.notice
    }

    /// The playback that should have started, or ended, by now; whether it had started.
    pub(crate) fn overdue(&self, config: &Config, now: Millis) -> Option<(Token, bool)> {
        let playing = self.playing.as_ref()?;
        (now >= self.playback_limit(config)?).then_some((playing.token, playing.started.is_some()))
    }

    fn playback_limit(&self, config: &Config) -> Option<Millis> {
        let playing = self.playing.as_ref()?;
        Some(match playing.started {
            None => playing.asked + config.playback_start_ms,
            Some(started) if playing.notice => started + MAX_NOTICE_MS,
            Some(started) => started + config.max_prompt_ms,
        })
    }

    pub(crate) fn idle(&self) -> bool {
        self.playing.is_none()
    }

    fn audible(&self) -> bool {
        self.playing.as_ref().is_some_and(|playing| playing.started.is_some())
    }

    /// Turns the tone on or off and asks the caller to hold, as the moment wants it.
    pub(crate) fn settle(&mut self, wait: Wait, config: &Config, now: Millis, out: &mut Outbox) {
        if self.hold_due(wait).is_some_and(|due| now >= due) {
            self.start(Prompt::System(SystemPrompt::PleaseHold), true, now, out);
        }
        // Once on, the tone stays on while the caller makes a noise: flickering is worse than overlapping.
        let wanted =
            wait.ours && !self.audible() && (self.tone || self.tone_due(wait, config).is_some_and(|due| now >= due));
        if wanted != self.tone {
            self.tone = wanted;
            out.push(Output::ComfortTone(wanted));
        }
    }

    pub(crate) fn deadline(&self, wait: Wait, config: &Config) -> Option<Millis> {
        [self.playback_limit(config), self.hold_due(wait), self.tone_due(wait, config)].into_iter().flatten().min()
    }

    fn tone_due(&self, wait: Wait, config: &Config) -> Option<Millis> {
        let due = wait.ours && !wait.caller_speaking && !self.tone && !self.audible();
        due.then_some(self.quiet_since + config.comfort_after_ms)
    }

    fn hold_due(&self, wait: Wait) -> Option<Millis> {
        (wait.ours && !wait.caller_speaking && self.playing.is_none()).then_some(self.hold_at)
    }
}
