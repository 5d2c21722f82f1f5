//! `gudok doctor --line`: registers, calls itself through the trunk, lets the sound come back, and says in words what is
//! wrong and what to change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use lines::{Beat, Door, FRAME_SAMPLES, LINE_RATE, Paced, Pacer};
use sip::{Callee, Dialog, DialogEvent, Incoming, Outgoing, Over, Party, Progress, Reach, Registration};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::{Lines, Trunk};
use crate::dial::Dialler;
use crate::{incoming, leg};

/// How long a provider may take to register us.
const REGISTER: Duration = Duration::from_secs(12);
/// How long our own call may take to come back to us.
const ARRIVE: Duration = Duration::from_secs(15);
/// A 200 OK that nobody acknowledges is given up after 64 × T1.
const ACKNOWLEDGE: Duration = Duration::from_secs(33);
/// How long the sound is listened to.
const LISTEN: Duration = Duration::from_secs(4);
/// The tone that is sent round, hertz.
const TONE: f32 = 1_000.0;
/// So many frames of it must come back.
const ENOUGH: u32 = 25;

/// How a part of the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Works, but look at it.
    Doubtful,
    /// Keeps calls from working.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub what: &'static str,
    /// How it is.
    pub state: State,
    /// What was found, in words.
    pub found: String,
    /// What to change; empty when nothing.
    pub mend: String,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Finding {
        Finding { what, state: State::Good, found: found.into(), mend: String::new() }
    }

    fn bad(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { what, state: State::Bad, found: found.into(), mend: mend.into() }
    }

    fn doubtful(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { what, state: State::Doubtful, found: found.into(), mend: mend.into() }
    }
}

/// Looks at one trunk. Takes half a minute at most; the program that serves the line must not be running.
pub async fn line(lines: &Lines, name: &str) -> Vec<Finding> {
    let Some(trunk) = lines.trunks.iter().find(|trunk| trunk.name == name) else {
        let known: Vec<&str> = lines.trunks.iter().map(|trunk| trunk.name.as_str()).collect();
        let mend =
            format!("the lines file has {}", if known.is_empty() { "no trunk".into() } else { known.join(", ") });
        return vec![Finding::bad("trunk", format!("there is no trunk {name:?}"), mend)];
    };
    // Nobody else's line is registered or answered meanwhile.
    let mut alone = lines.clone();
    alone.trunks.retain(|one| one.name == name);
    alone.operators.clear();
    let alone = Arc::new(alone);
    let (dialler, mut arriving) = match incoming::open_ungated(&alone).await {
        Ok(Some(opened)) => opened,
        Ok(None) => {
            return vec![Finding::bad("SIP", "the lines file has no [sip]", "add [sip] with udp = [\"0.0.0.0:5060\"]")];
        }
        Err(error) => {
            let mend = "stop `gudok serve` and whatever else listens there, or choose another port";
            return vec![Finding::bad("listening", error.to_string(), mend)];
        }
    };
    let mut findings = vec![Finding::good("listening", said(&dialler))];
    server(&dialler, trunk, &mut findings).await;
    let registered = registration(&dialler, trunk, &mut findings).await;
    if registered {
        call_itself(&dialler, trunk, &mut arriving, &mut findings).await;
    }
    dialler.endpoint.stop().await;
    findings
}

fn said(dialler: &Dialler) -> String {
    let addresses = dialler.endpoint.addresses();
    addresses.iter().map(|listen| format!("{:?} {}", listen.transport, listen.address)).collect::<Vec<_>>().join(", ")
}

/// Does anybody answer there?
async fn server(dialler: &Dialler, trunk: &Trunk, findings: &mut Vec<Finding>) {
    match timeout(REGISTER, dialler.endpoint.probe(&trunk.name)).await {
        Ok(Some(Reach::Answers { round_trip })) => {
            findings.push(Finding::good("server", format!("answers OPTIONS in {} ms", round_trip.as_millis())));
        }
        Ok(Some(Reach::Silent { problem })) => findings.push(no_server(&problem)),
        Err(_) => findings.push(no_server("no answer in time")),
        Ok(None | Some(Reach::Unknown)) => {}
    }
}

/// Some servers answer nobody but who has registered: only the registration tells whether that is bad.
fn no_server(problem: &str) -> Finding {
    let mend = "is the address right? Some providers do not answer OPTIONS: then qualify = 0 for this trunk";
    Finding::doubtful("server", format!("OPTIONS: {problem}"), mend)
}

/// Are calls to be expected at all?
async fn registration(dialler: &Dialler, trunk: &Trunk, findings: &mut Vec<Finding>) -> bool {
    let Some(mut state) = dialler.endpoint.trunk(&trunk.name) else { return false };
    let settled = timeout(REGISTER, state.wait_for(|state| !matches!(state.registration, Registration::Trying)));
    let state = match settled.await {
        Ok(Ok(state)) => state.clone(),
        _ => {
            let registrar = trunk.registrar.clone().unwrap_or_default();
            let mend = "is the address right, and does the firewall let SIP out and its answers in?";
            findings.push(Finding::bad(
                "registration",
                format!("no answer from {registrar} within {} s", REGISTER.as_secs()),
                mend,
            ));
            return false;
        }
    };
    let good = match &state.registration {
        Registration::Registered { lifetime } => {
            findings.push(Finding::good("registration", format!("registered for {} s", lifetime.as_secs())));
            true
        }
        Registration::NotWanted => {
            let nets = trunk.allow.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            findings.push(Finding::good(
                "registration",
                format!("none is wanted: calls are known by their address, {nets}"),
            ));
            true
        }
        Registration::Failed { status, reason, .. } => {
            findings.push(refused_registration(*status, reason));
            false
        }
        Registration::Trying => false,
    };
    if let (Some(seen), Some(offered)) = (state.seen_as, state.offered)
        && seen.ip() != offered.ip()
    {
        findings.push(nat(seen, offered));
    }
    good
}

fn refused_registration(status: Option<u16>, reason: &str) -> Finding {
    let (found, mend) = match status {
        Some(status @ (401 | 403 | 407)) => (
            format!("the provider refuses the account: {status} {reason}"),
            "check username, auth_username and password of the trunk",
        ),
        Some(404) => {
            (format!("the provider knows no such account: 404 {reason}"), "check username and registrar of the trunk")
        }
        Some(423) => (
            format!("the provider wants longer registrations: 423 {reason}"),
            "set a longer `expires`, for example 3600",
        ),
        Some(status) => {
            (format!("the provider answers {status} {reason}"), "ask the provider what this means for the account")
        }
        None => (
            format!("no way to the provider: {reason}"),
            "check registrar, proxy and transport of the trunk, and that the firewall lets SIP through",
        ),
    };
    Finding::bad("registration", found, mend)
}

fn nat(seen: SocketAddr, offered: SocketAddr) -> Finding {
    Finding::doubtful(
        "NAT",
        format!("the provider sees us as {}, and we say we are {}: a router stands between", seen.ip(), offered.ip()),
        format!("[sip] external_ip = \"{}\", and forward the SIP port and [media] ports to this machine", seen.ip()),
    )
}

/// A call through the trunk to our own number.
async fn call_itself(
    dialler: &Dialler,
    trunk: &Trunk,
    arriving: &mut mpsc::Receiver<Incoming>,
    findings: &mut Vec<Finding>,
) {
    let own = trunk.numbers.first().or(trunk.username.as_ref()).or(trunk.caller_id.as_ref());
    let (Some(own), true) = (own, trunk.registrar.is_some()) else {
        let mend = "call the clinic's number from a telephone, with `gudok serve` running";
        findings.push(Finding::doubtful("own call", "no number of our own, or no registrar, to call through", mend));
        return;
    };
    let pacer = Pacer::start(1);
    let capabilities = leg::capabilities(&trunk.codecs, trunk.dtmf, trunk.srtp);
    let peer = dialler.peer_of(&Callee::Number(own.clone()), Some(trunk));
    let offered = dialler.ends(peer, capabilities.clone(), trunk.dtmf).map_err(|error| error.to_string());
    let offered =
        offered.and_then(|ends| ends.sound.offer().map(|offer| (ends, offer)).map_err(|error| error.to_string()));
    let (ends, offer) = match offered {
        Ok(offered) => offered,
        Err(error) => return findings.push(Finding::bad("sound", error, "check [media] ports and srtp of the trunk")),
    };
    let mut outgoing = Outgoing::new(Callee::Number(own.clone()), Some(offer));
    outgoing.trunk = Some(trunk.name.clone());
    outgoing.caller = Party { number: trunk.caller_id.clone().unwrap_or_default(), display: None };
    outgoing.timeout = ARRIVE + ACKNOWLEDGE;
    let mut dialling = dialler.endpoint.call(outgoing);

    // Our own call comes back, or is refused on its way.
    let came = loop {
        tokio::select! {
            incoming = timeout(ARRIVE, arriving.recv()) => break incoming.ok().flatten(),
            progress = dialling.next() => match progress {
                Some(Progress::Failed { status, reason, .. }) => return findings.push(refused_call(status, &reason)),
                Some(Progress::Answered { .. }) => {
                    let mend = "the number is answered somewhere else: check its routing at the provider, and `numbers`";
                    return findings.push(Finding::bad("own call", "somebody else answered our own number", mend));
                }
                Some(Progress::Ringing { .. }) | None => {}
            },
        }
    };
    let Some(came) = came else {
        let found = format!("the provider took the call and it did not come to us within {} s", ARRIVE.as_secs());
        let mend = "forward the SIP port in the router to this machine, set external_ip; ask the provider where the number leads";
        return findings.push(Finding::bad("own call", found, mend));
    };
    findings.push(Finding::good("own call", format!("came back from {}", came.source.ip())));
    let heard = Arc::new(Heard::default());
    let Some((dialog, mut events)) = answer(dialler, trunk, came, &pacer, &heard, findings).await else { return };
    let answered = timeout(ACKNOWLEDGE, async {
        loop {
            match dialling.next().await {
                Some(Progress::Answered { dialog, body }) => return Ok((dialog, body)),
                Some(Progress::Failed { status, reason, .. }) => return Err(refused_call(status, &reason)),
                Some(Progress::Ringing { .. }) => {}
                None => return Err(Finding::bad("own call", "the answer did not come back", "see the log")),
            }
        }
    });
    let far = match answered.await {
        Ok(Ok(answered)) => answered,
        Ok(Err(finding)) => return findings.push(finding),
        Err(_) => {
            let mend = "a firewall or SIP helper (ALG) on the way changes messages: switch SIP ALG off in the router";
            return findings.push(Finding::bad("own call", "our 200 OK did not reach us through the provider", mend));
        }
    };
    findings.push(acknowledged(&mut events).await);
    sound(ends, far, &pacer, &heard, findings).await;
    dialog.bye();
}

/// Answers our own call; the other end of the sound is an echo.
async fn answer(
    dialler: &Dialler,
    trunk: &Trunk,
    came: Incoming,
    pacer: &Pacer,
    heard: &Arc<Heard>,
    findings: &mut Vec<Finding>,
) -> Option<(Dialog, mpsc::UnboundedReceiver<DialogEvent>)> {
    let capabilities = leg::capabilities(&trunk.codecs, trunk.dtmf, trunk.srtp);
    let ends = match dialler.ends(came.source.ip(), capabilities, trunk.dtmf) {
        Ok(ends) => ends,
        Err(error) => {
            findings.push(Finding::bad("sound", error.to_string(), "widen [media] ports"));
            return None;
        }
    };
    let session = match came.body.as_deref() {
        Some(offer) => ends.sound.answer(offer),
        None => ends.sound.offer(),
    };
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            let found = format!("the provider offers sound that cannot be agreed on: {error}");
            findings.push(Finding::bad(
                "codec",
                found,
                "name what it offers in `codecs` of the trunk, or change `srtp`",
            ));
            came.reject(error.status(), "Not Acceptable Here", None);
            return None;
        }
    };
    let dialog = match came.answer(session).await {
        Ok(dialog) => dialog,
        Err(error) => {
            findings.push(Finding::bad("own call", error.to_string(), "try again"));
            return None;
        }
    };
    let events = dialog.events()?;
    pacer.add(Box::new(Echo { door: Box::new(ends.rtp), heard: Arc::clone(heard) }));
    Some((dialog, events))
}

/// Was our 200 OK acknowledged?
async fn acknowledged(events: &mut mpsc::UnboundedReceiver<DialogEvent>) -> Finding {
    let waited = timeout(ACKNOWLEDGE, async {
        while let Some(event) = events.recv().await {
            match event {
                DialogEvent::Acknowledged { .. } => return None,
                DialogEvent::Over(why) => return Some(why),
                _ => {}
            }
        }
        Some(Over::Here)
    });
    match waited.await {
        Ok(None) => Finding::good("ACK", "our 200 OK was acknowledged"),
        Ok(Some(Over::NeverAcknowledged { contact, private: true })) => Finding::bad(
            "ACK",
            format!("200 OK was never acknowledged: Contact carries a private address ({contact})"),
            "[sip] external_ip = \"your public address\", and forward the SIP port to this machine",
        ),
        Ok(Some(Over::NeverAcknowledged { contact, .. })) => Finding::bad(
            "ACK",
            format!("200 OK was never acknowledged: nothing came to {contact}"),
            "forward the SIP port of that address in the router to this machine; switch SIP ALG off",
        ),
        Ok(Some(why)) => {
            Finding::bad("ACK", format!("the call ended at once: {why:?}"), "ask the provider why it hung up")
        }
        Err(_) => Finding::bad(
            "ACK",
            "200 OK was never acknowledged",
            "forward the SIP port to this machine; set external_ip",
        ),
    }
}

fn refused_call(status: u16, reason: &str) -> Finding {
    let (found, mend) = match status {
        401 | 403 | 407 => {
            ("the provider lets this account place no calls", "ask the provider; check caller_id and password")
        }
        404 | 484 => {
            ("the provider does not know the number", "check `numbers`: the first one is called, as it is written")
        }
        408 | 480 => {
            ("the number is not reachable from the provider", "is the trunk registered, is the number routed to it?")
        }
        486 => ("the number is busy", "does the account allow two calls at a time? Then try again"),
        488 | 415 | 606 => {
            ("no codec in common", "name what the provider takes in `codecs` of the trunk; check `srtp`")
        }
        503 => ("the provider is overloaded or has no way", "try again; ask the provider"),
        _ => ("the provider refuses the call", "ask the provider what this means"),
    };
    Finding::bad("own call", format!("{found}: {status} {reason}"), mend)
}

/// Sends a tone, and listens whether it comes back.
async fn sound(
    ends: crate::dial::Ends,
    (dialog, body): (Dialog, Option<String>),
    pacer: &Pacer,
    there: &Arc<Heard>,
    findings: &mut Vec<Finding>,
) {
    if let Some(error) = body.as_deref().and_then(|answer| ends.sound.accept(answer).err()) {
        let mend = "name what the provider answers with in `codecs` of the trunk; check `srtp`";
        return findings.push(Finding::bad("codec", format!("the answer cannot be used: {error}"), mend));
    }
    let here = Arc::new(Heard::default());
    let codec = ends.sound.codec().unwrap_or("none");
    pacer.add(Box::new(Probe { door: Box::new(ends.rtp), heard: Arc::clone(&here), at: 0 }));
    tokio::time::sleep(LISTEN).await;
    let (there_any, there_tone) = there.counts();
    let (here_any, here_tone) = here.counts();
    there.over.store(true, Ordering::Relaxed);
    here.over.store(true, Ordering::Relaxed);
    drop(dialog);
    findings.push(match (there_tone >= ENOUGH, here_tone >= ENOUGH) {
        (true, true) => Finding::good("sound", format!("came back in both directions, {codec}")),
        (true, false) => Finding::bad(
            "sound",
            "we hear the caller, and the caller does not hear us",
            "forward [media] ports (UDP) to this machine and set external_ip; does the firewall let RTP out?",
        ),
        (false, _) if there_any || here_any => Finding::bad(
            "sound",
            format!("packets come, but not the sound that was sent ({codec})"),
            "try one codec at a time: codecs = [\"pcma\"]",
        ),
        (false, _) => Finding::bad(
            "sound",
            "not one packet of sound came",
            "forward [media] ports (UDP) in the router and the firewall to this machine, and set external_ip",
        ),
    });
}

/// What an end of the call heard.
#[derive(Default)]
struct Heard {
    any: AtomicBool,
    tone: AtomicU32,
    over: AtomicBool,
}

impl Heard {
    fn take(&self, frame: &[i16; FRAME_SAMPLES]) {
        if frame.iter().any(|sample| sample.unsigned_abs() > 64) {
            self.any.store(true, Ordering::Relaxed);
        }
        if carries_tone(frame) {
            self.tone.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counts(&self) -> (bool, u32) {
        (self.any.load(Ordering::Relaxed), self.tone.load(Ordering::Relaxed))
    }
}

/// Goertzel at the tone: most of the energy is there.
fn carries_tone(frame: &[i16; FRAME_SAMPLES]) -> bool {
    let step = std::f32::consts::TAU * TONE / LINE_RATE as f32;
    let (mut re, mut im, mut energy) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (n, sample) in frame.iter().enumerate() {
        let value = f32::from(*sample);
        re += value * (step * n as f32).cos();
        im += value * (step * n as f32).sin();
        energy += value * value;
    }
    let at_tone = (re * re + im * im) * 2.0 / FRAME_SAMPLES as f32;
    energy > 200.0 * 200.0 * FRAME_SAMPLES as f32 / 2.0 && at_tone > energy * 0.7
}

struct Echo {
    door: Box<dyn Door>,
    heard: Arc<Heard>,
}

impl Paced for Echo {
    fn frame(&mut self) -> Beat {
        let Some(received) = self.door.receive() else { return Beat::Over };
        self.heard.take(&received.audio);
        self.door.send(&received.audio);
        if self.heard.over.load(Ordering::Relaxed) { Beat::Over } else { Beat::On }
    }
}

struct Probe {
    door: Box<dyn Door>,
    heard: Arc<Heard>,
    at: usize,
}

impl Paced for Probe {
    fn frame(&mut self) -> Beat {
        let Some(received) = self.door.receive() else { return Beat::Over };
        self.heard.take(&received.audio);
        let mut frame = [0; FRAME_SAMPLES];
        for sample in &mut frame {
            // Half a second of tone, half a second of nothing, so that no echo suppressor takes it for noise.
            if (self.at / (LINE_RATE as usize / 2)).is_multiple_of(2) {
                let phase = std::f32::consts::TAU * TONE * self.at as f32 / LINE_RATE as f32;
                *sample = (phase.sin() * 8_000.0) as i16;
            }
            self.at += 1;
        }
        self.door.send(&frame);
        if self.heard.over.load(Ordering::Relaxed) { Beat::Over } else { Beat::On }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_named_in_words_with_what_to_change() {
        let nat = nat("203.0.113.7:5060".parse().unwrap(), "192.168.0.20:5060".parse().unwrap());
        assert!(nat.mend.contains("external_ip = \"203.0.113.7\""), "{nat:?}");
        assert!(refused_registration(Some(403), "Forbidden").mend.contains("password"));
        assert!(refused_call(488, "Not Acceptable Here").mend.contains("codecs"));
    }

    #[tokio::test]
    async fn an_unacknowledged_answer_is_explained() {
        let (sender, mut events) = mpsc::unbounded_channel();
        let contact = "sip:gudok@192.168.0.20".to_owned();
        sender.send(DialogEvent::Over(Over::NeverAcknowledged { contact, private: true })).unwrap();
        let finding = acknowledged(&mut events).await;
        assert_eq!(finding.state, State::Bad);
        assert!(finding.found.starts_with("200 OK was never acknowledged: Contact carries a private address"));
    }

    #[test]
    fn the_tone_is_told_from_speech_and_silence() {
        let tone = audio::tone::sines(&[(TONE, -12.0)], 100, LINE_RATE);
        let other = audio::tone::sines(&[(440.0, -12.0)], 100, LINE_RATE);
        let frame = |sound: &audio::Pcm| <[i16; FRAME_SAMPLES]>::try_from(&sound.samples[160..320]).unwrap();
        assert!(carries_tone(&frame(&tone)));
        assert!(!carries_tone(&frame(&other)));
        assert!(!carries_tone(&[0; FRAME_SAMPLES]));
    }
}
