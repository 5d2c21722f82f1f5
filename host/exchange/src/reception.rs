//! One caller from the first frame to the last: the robot, then, where it hands over, the queue and a person.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use desk::Clinic;
use flows::host::voice::Channel;
use jiff::Zoned;
use lines::{Door, Quality};
use queue::{EndedBy, Event};
use records::{CallEvent, Entry};
use serde_json::json;
use session::trace::Tracer;
use session::{Bridge, BridgeEnd, BridgeOver, Bridged, ChatDoor, Held, Leg, Party, Setup, Waited, WaitingRoom};
use tokio::sync::mpsc;

use crate::gate::Place;
use crate::operators::{Answered, Operators, SendOn, ToCaller};
use crate::people::{Engagement, HandOver};
use crate::{Exchange, House, afterwards};

/// A caller at the door.
pub struct Arrival {
    /// The clinic that answers; it is served.
    pub clinic: String,
    /// The occasion; none = by the clinic's hours.
    pub entry: Option<Entry>,
    /// Where the caller is.
    pub channel: Channel,
    /// Their number, E.164, when the line shows it.
    pub caller: Option<String>,
    /// The number or line that was called.
    pub line: String,
    /// The trunk it came over, where it was one.
    pub trunk: Option<String>,
    /// The line itself.
    pub door: Box<dyn Door>,
    /// Its place in the house.
    pub place: Place,
}

/// What is known of a line when it is gone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parted {
    /// How good it was.
    pub quality: Option<Quality>,
    /// When a talk with a person began, by the call's own time.
    pub talk_from: Option<call::Millis>,
}

impl Exchange {
    /// Holds a call from the first frame to the last, and returns what came of its conversation with the robot. None when it
    /// could not be held at all; that is logged.
    pub async fn hold(&self, arrival: Arrival, tracer: Tracer) -> Option<Held> {
        let Some(house) = self.inner.houses.get(&arrival.clinic) else {
            tracing::error!(clinic = arrival.clinic, "this clinic is not served");
            return None;
        };
        let overloaded = arrival.entry.is_none() && self.overloaded(&house).await;
        let setup = self.setup(&house, &arrival, overloaded);
        let Arrival { trunk, door, place, .. } = arrival;
        self.hold_as(&house, setup, door, trunk, place, tracer).await
    }

    /// Holds a written conversation with a visitor.
    pub async fn write(&self, clinic: &str, door: ChatDoor, tracer: Tracer) -> Option<Held> {
        let house = self.inner.houses.get(clinic)?;
        let _place = self.enter().ok()?;
        let started = Zoned::now().with_time_zone(house.clinic.zone.clone());
        let mut setup = Setup::new(Channel::Chat, started);
        setup.entry = Entry::Chat;
        self.inner.observer.began(clinic);
        // Nobody can be bridged into a chat: people are there by the clinic's hours, and see it in the records.
        let mut stage = house.stage.clone();
        stage.people = Arc::new(session::ClinicLines);
        let held = session::chat(&stage, setup, door, tracer).await;
        let held = held.inspect_err(|error| tracing::error!(clinic, %error, "a chat could not be held")).ok();
        let outcome = held.as_ref().map_or("failed", |held| held.outcome.map_or("nothing", |outcome| outcome.as_str()));
        self.inner.observer.ended(clinic, outcome, None);
        held
    }

    /// The same for a call of which everything is known.
    pub(crate) async fn hold_as(
        &self,
        house: &House,
        setup: Setup,
        door: Box<dyn Door>,
        trunk: Option<String>,
        place: Place,
        tracer: Tracer,
    ) -> Option<Held> {
        let call = setup.id.clone();
        let _known = self.inner.lives.begins(&house.clinic.id, &call, setup.live.clone());
        self.inner.observer.began(&house.clinic.id);
        self.inner.people.arrived(&call, trunk);
        let robot = session::robot(&house.stage, setup, door, &house.hearing, tracer).await;
        let hand_over = self.inner.people.left(&call);
        let held = match robot {
            Ok(robot) => {
                let parted = self.after_robot(house, &call, robot.end, robot.leg, hand_over).await;
                match robot.held.await {
                    Ok(Ok(held)) => Some((held, parted)),
                    Ok(Err(error)) => {
                        tracing::error!(call, %error, "the end of a call could not be written down");
                        None
                    }
                    Err(_) => None,
                }
            }
            Err(error) => {
                tracing::error!(call, %error, "a call could not be held");
                self.forget(house, &call, hand_over.as_ref());
                None
            }
        };
        let Some((held, parted)) = held else {
            self.inner.observer.ended(&house.clinic.id, "failed", None);
            return None;
        };
        let outcome = held.outcome.map_or("nothing", |outcome| outcome.as_str());
        self.inner.observer.ended(&house.clinic.id, outcome, parted.quality);
        afterwards::keep(house, &call, held.recording.as_deref(), parted).await;
        // Until here, so that nobody is taken faster than what they leave behind can be written down.
        drop(place);
        Some(held)
    }

    fn setup(&self, house: &House, arrival: &Arrival, overloaded: bool) -> Setup {
        let started = Zoned::now().with_time_zone(house.clinic.zone.clone());
        let mut setup = Setup::new(arrival.channel, started).entry_by_hours(&house.clinic);
        if let Some(entry) = arrival.entry {
            setup.entry = entry;
        } else if setup.entry == Entry::Day && overloaded {
            setup.entry = Entry::Overload;
        }
        setup.caller.clone_from(&arrival.caller);
        setup.line.clone_from(&arrival.line);
        setup.recording = recording_path(self.inner.recordings.as_deref(), &house.clinic, &setup.id);
        setup
    }

    /// Whether somebody who asked for a person now would wait too long.
    async fn overloaded(&self, house: &House) -> bool {
        let Some(settings) = self.inner.lines.queue_for(&house.clinic.id, "operator") else { return false };
        let queue = house.stage.people.queue(&house.clinic, "operator").await;
        settings.overload_after_s > 0 && queue.is_some_and(|queue| queue.expected_wait_s > settings.overload_after_s)
    }

    /// What becomes of the line when the robot is done with it.
    async fn after_robot(
        &self,
        house: &House,
        call: &str,
        end: call::EndReason,
        leg: Leg,
        hand_over: Option<HandOver>,
    ) -> Parted {
        if end != call::EndReason::Transferred {
            // The caller was quicker; a queue they had joined is told.
            self.forget(house, call, hand_over.as_ref());
            return hang_up(call, leg).await;
        }
        match hand_over {
            None | Some(HandOver::Moved) => hang_up(call, leg).await,
            Some(HandOver::Person { door, whisper, taken }) => {
                let by = taken.as_ref().map(Engagement::agent);
                self.talk(house, call, leg, door, &whisper, by).await
            }
            Some(HandOver::Queue { told }) => {
                let Some(operators) = self.inner.operators.get(&house.clinic.id) else {
                    return hang_up(call, leg).await;
                };
                self.wait(house, operators, call, leg, told).await
            }
        }
    }

    fn forget(&self, house: &House, call: &str, hand_over: Option<&HandOver>) {
        if matches!(hand_over, Some(HandOver::Queue { .. })) {
            self.tell(house, Event::HungUp { call: call.into() });
        }
    }

    fn tell(&self, house: &House, event: Event) {
        if let Some(operators) = self.inner.operators.get(&house.clinic.id) {
            operators.tell(event);
        }
    }

    /// In the queue, until a person talked to them or they are gone.
    pub(crate) async fn wait(
        &self,
        house: &House,
        operators: &Operators,
        call: &str,
        leg: Leg,
        mut told: mpsc::UnboundedReceiver<ToCaller>,
    ) -> Parted {
        let mut leg = leg;
        loop {
            let (left, connect) = self.waiting_room(house, operators, call, leg, &mut told).await;
            let Some(left) = left else { return Parted::default() };
            let Some((operator, whisper)) = connect else { return hang_up(call, left).await };
            match self.queue_talk(house, operators, call, left, operator, &whisper).await {
                Ok(parted) => return parted,
                // The operator's line broke before a word was said: back into the line.
                Err(back) => leg = back,
            }
        }
    }

    /// One stay in the waiting room. What is left: the line, and the person to bridge it with.
    async fn waiting_room(
        &self,
        house: &House,
        operators: &Operators,
        call: &str,
        leg: Leg,
        told: &mut mpsc::UnboundedReceiver<ToCaller>,
    ) -> (Option<Leg>, Option<(Answered, String)>) {
        let due = leg.notice_is_due();
        let (room, mut events) = WaitingRoom::open(leg, &house.hearing);
        let room = Arc::new(room);
        if due {
            room.say_notice(&house.clinic.recording_notice).await;
        }
        // Speech is made beside this loop, so that a person who answers never waits for an announcement.
        let say = |text: String| {
            let room = Arc::clone(&room);
            tokio::spawn(async move { room.say(&text).await })
        };
        let (mut connect, mut leaving) = (None, false);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(Waited::Key('1')) if !leaving => operators.tell(Event::AskedCallback { call: call.into() }),
                    Some(Waited::Key(_)) => {}
                    Some(Waited::Said) if leaving => room.leave(),
                    Some(Waited::Said) => {}
                    Some(Waited::Left(leg)) => return (Some(leg), connect),
                    Some(Waited::Gone(leg)) => {
                        operators.tell(Event::HungUp { call: call.into() });
                        hang_up(call, leg).await;
                        return (None, None);
                    }
                    None => {
                        operators.tell(Event::HungUp { call: call.into() });
                        return (None, None);
                    }
                },
                Some(order) = told.recv() => match order {
                    ToCaller::Music { .. } => room.music(true),
                    ToCaller::Say(text) => drop(say(text)),
                    ToCaller::Connect { operator, whisper, .. } => {
                        connect = Some((operator, whisper));
                        room.leave();
                    }
                    ToCaller::Leave { say: text, .. } => {
                        leaving = true;
                        room.hush();
                        room.music(false);
                        drop(say(text.to_owned()));
                    }
                },
            }
        }
    }

    /// A caller of the queue and an operator. The line comes back when the operator's broke before they heard each other.
    async fn queue_talk(
        &self,
        house: &House,
        operators: &Operators,
        call: &str,
        leg: Leg,
        operator: Answered,
        whisper: &str,
    ) -> Result<Parted, Leg> {
        let Answered { door, mut wishes } = operator;
        // A notice that the waiting room did not come to the end of is said to its end first.
        let notice = &house.clinic.recording_notice;
        let (bridge, mut events) = Bridge::open_told(leg, door, Some(whisper), notice, &house.hearing).await;
        let mut send_on = None;
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                Some(wish) = wishes.recv(), if send_on.is_none() => {
                    send_on = Some(wish);
                    bridge.part();
                    continue;
                }
            };
            let Some(event) = event else { break };
            match event {
                Bridged::Hold(_, held) => operators.tell(Event::Held { call: call.into(), held }),
                Bridged::Over(over) => {
                    let by = match over.end {
                        BridgeEnd::HungUp(Party::Operator) if over.connected_at.is_none() => {
                            operators.tell(Event::ConnectFailed { call: call.into() });
                            return Err(over.caller);
                        }
                        BridgeEnd::HungUp(Party::Caller) => EndedBy::Caller,
                        BridgeEnd::Parted if send_on.is_some() => EndedBy::Transfer,
                        BridgeEnd::HungUp(Party::Operator) | BridgeEnd::Parted => EndedBy::Agent,
                    };
                    operators.tell(Event::TalkEnded { call: call.into(), by });
                    return Ok(match send_on.filter(|_| by == EndedBy::Transfer) {
                        Some(wish) => {
                            let talk_from = over.connected_at;
                            drop(over.operator);
                            let parted = self.goes_on(house, call, over.caller, wish).await;
                            Parted { talk_from, ..parted }
                        }
                        None => part(call, *over).await,
                    });
                }
                Bridged::Connected | Bridged::Key(..) | Bridged::Whispered => {}
            }
        }
        operators.tell(Event::TalkEnded { call: call.into(), by: EndedBy::Caller });
        Ok(Parted::default())
    }

    /// Where the operator sends their caller.
    async fn goes_on(&self, house: &House, call: &str, leg: Leg, wish: SendOn) -> Parted {
        match wish {
            SendOn::To(to) => self.send_on(house, call, leg, &to).await,
            SendOn::Joined(joining) => match joining.take().await {
                Some(door) => self.talk(house, call, leg, door, "", None).await,
                // Whoever was consulted has hung up meanwhile: the caller waits for anybody.
                None => self.send_on(house, call, leg, "operator").await,
            },
        }
    }

    /// A caller and somebody who was called for them directly; an operator by name where it was one.
    pub(crate) async fn talk(
        &self,
        house: &House,
        call: &str,
        leg: Leg,
        door: Box<dyn Door>,
        whisper: &str,
        agent: Option<&str>,
    ) -> Parted {
        let whisper = (!whisper.is_empty()).then_some(whisper);
        let notice = &house.clinic.recording_notice;
        let (_bridge, mut events) = Bridge::open_told(leg, door, whisper, notice, &house.hearing).await;
        while let Some(event) = events.recv().await {
            match event {
                Bridged::Connected => happened(house, call, agent, "connected", json!({ "wait_ms": 0 })).await,
                Bridged::Over(over) => {
                    let by = if over.end == BridgeEnd::HungUp(Party::Caller) { "caller" } else { "agent" };
                    let data = json!({ "talk_ms": over.talk_ms, "hold_ms": over.hold_ms, "by": by });
                    if over.connected_at.is_some() {
                        happened(house, call, agent, "talk_ended", data).await;
                    }
                    return part(call, *over).await;
                }
                Bridged::Key(..) | Bridged::Hold(..) | Bridged::Whispered => {}
            }
        }
        Parted::default()
    }
}

/// What an operator who has taken a call does is written down as if it had come by the queue.
async fn happened(house: &House, call: &str, agent: Option<&str>, kind: &str, data: serde_json::Value) {
    let Some(agent) = agent else { return };
    let event = CallEvent {
        call: call.to_owned(),
        at_ms: Zoned::now().timestamp().as_millisecond(),
        kind: kind.to_owned(),
        agent: Some(agent.to_owned()),
        queue: None,
        data: data.to_string(),
    };
    let store = &house.stage.store;
    let written = match store.add_call_event(event).await {
        Ok(()) => store.settle_call(call).await.map(|_| ()),
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        tracing::error!(call, %error, "who took a call could not be written down");
    }
}

/// A file per call, in a folder per clinic and day.
pub(crate) fn recording_path(recordings: Option<&Path>, clinic: &Clinic, call: &str) -> Option<PathBuf> {
    let today = Zoned::now().with_time_zone(clinic.zone.clone()).date();
    let dir = recordings?.join(&clinic.id).join(today.to_string());
    if let Err(error) = std::fs::create_dir_all(&dir) {
        tracing::error!(dir = %dir.display(), %error, "the folder for recordings cannot be made; a call is not recorded");
        return None;
    }
    Some(dir.join(format!("{call}.wav")))
}

/// Hangs up and completes the recording; says how good the line was.
pub(crate) async fn hang_up(call: &str, leg: Leg) -> Parted {
    let quality = leg.door.quality();
    if let Err(error) = leg.hang_up().await {
        tracing::error!(call, %error, "the recording of a call could not be completed");
    }
    Parted { quality, talk_from: None }
}

/// Hangs both up after a talk.
pub(crate) async fn part(call: &str, over: BridgeOver) -> Parted {
    drop(over.operator);
    hang_up(call, over.caller).await;
    Parted { quality: over.caller_quality, talk_from: over.connected_at }
}
