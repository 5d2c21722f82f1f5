//! Who is at the desk: an operator is there while their phone is registered, says with a key code what they do, and may
//! call out through the clinic's line.
//!
//! | dialled | what |
//! |:--|:--|
//! | `*1` | at the desk, ready |
//! | `*0` | gone |
//! | `*2` | a pause |
//! | `*3` | after-call work is done |
//! | anything else | a call of their own, through the clinic's trunk: recorded like every call, behind the notice |

use std::collections::BTreeSet;
use std::time::Duration;

use lines::Door;
use queue::Event;
use records::{CallEnd, CallRecord, Direction, Outcome, Pii};
use session::{Bridge, BridgeEnd, BridgeOver, Bridged, Leg, Live, Waited, WaitingRoom};
use sip::{Dialog, Incoming};

use crate::config::{Operator, OperatorPhone};
use crate::consultation::{Asker, Consultation};
use crate::dial::To;
use crate::leg::{self, Belongs};
use crate::reception::{self, Parted};
use crate::{Exchange, House, afterwards, notice};

/// How long somebody an operator calls may take to answer.
const RING: Duration = Duration::from_secs(60);

/// Follows who is there, until the lines are closed.
pub(crate) fn start(exchange: &Exchange) {
    // A phone that does not register here is there as long as its owner does not say otherwise.
    for operator in &exchange.inner.lines.operators {
        if operator.ready && matches!(operator.phone, OperatorPhone::Address(_)) {
            tell(exchange, operator, Event::LoggedIn { agent: operator.name.as_str().into() });
        }
    }
    if let Some(dialler) = &exchange.inner.dialler {
        tokio::spawn(follow(exchange.clone(), dialler.endpoint.users()));
    }
}

fn tell(exchange: &Exchange, operator: &Operator, event: Event) {
    if let Some(operators) = exchange.inner.operators.get(&operator.clinic) {
        operators.tell(event);
    }
}

async fn follow(exchange: Exchange, mut users: tokio::sync::watch::Receiver<std::sync::Arc<Vec<sip::UserState>>>) {
    let mut there: BTreeSet<String> = BTreeSet::new();
    loop {
        let now: BTreeSet<String> = {
            let users = users.borrow_and_update();
            users.iter().filter(|user| !user.phones.is_empty()).map(|user| user.name.clone()).collect()
        };
        for operator in &exchange.inner.lines.operators {
            let OperatorPhone::Registers { extension, .. } = &operator.phone else { continue };
            let agent = operator.name.as_str().into();
            match (there.contains(extension), now.contains(extension)) {
                (false, true) if operator.ready => tell(&exchange, operator, Event::LoggedIn { agent }),
                (true, false) => tell(&exchange, operator, Event::LoggedOut { agent }),
                _ => {}
            }
        }
        there = now;
        tokio::select! {
            changed = users.changed() => if changed.is_err() { return },
            () = exchange.stopped() => return,
        }
    }
}

/// An operator's phone calls: a key code, or somebody outside.
pub(crate) async fn phone_calls(exchange: &Exchange, user: &str, incoming: Incoming) {
    let operator =
        exchange.inner.lines.operators.iter().find(
            |operator| matches!(&operator.phone, OperatorPhone::Registers { extension, .. } if extension == user),
        );
    let house = operator.and_then(|operator| exchange.inner.houses.get(&operator.clinic));
    let (Some(operator), Some(house)) = (operator, house) else { return incoming.reject(403, "Forbidden", None) };
    let agent = operator.name.as_str().into();
    let (event, said) = match incoming.called.as_str() {
        "*1" => (Event::LoggedIn { agent }, "Вы на линии."),
        "*0" => (Event::LoggedOut { agent }, "Вы ушли с линии."),
        "*2" => (Event::Paused { agent, reason: "pause".to_owned() }, "Перерыв."),
        "*3" => (Event::WrapUpDone { agent }, "Готово."),
        _ => return calls_out(exchange, &house, operator, incoming).await,
    };
    tell(exchange, operator, event);
    let Some((door, _)) = answer(exchange, operator, incoming).await else { return };
    let (room, mut events) = WaitingRoom::open(Leg::new(door, None), &house.hearing);
    room.music(false);
    room.say(said).await;
    while let Some(event) = events.recv().await {
        if matches!(event, Waited::Said | Waited::Gone(_) | Waited::Left(_)) {
            return;
        }
    }
}

async fn answer(exchange: &Exchange, operator: &Operator, incoming: Incoming) -> Option<(Box<dyn Door>, Dialog)> {
    let dialler = exchange.inner.dialler.as_ref()?;
    let (capabilities, dtmf) = dialler.phone_capabilities(operator.srtp);
    let ends = dialler.ends(incoming.source.ip(), capabilities, dtmf).ok()?;
    let session = match incoming.body.as_deref() {
        Some(offer) => ends.sound.answer(offer),
        None => ends.sound.offer(),
    };
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            incoming.reject(error.status(), "Not Acceptable Here", None);
            return None;
        }
    };
    let dialog = incoming.answer(session).await.ok()?;
    let belongs = Belongs { clinic: &operator.clinic, trunk: None, referrals: None };
    Some((leg::join(ends, dialog.clone(), belongs, &dialler.carriers), dialog))
}

/// A call of the operator's own, through the clinic's line or to a colleague.
async fn calls_out(exchange: &Exchange, house: &House, operator: &Operator, incoming: Incoming) {
    let Some(dialler) = &exchange.inner.dialler else { return };
    let Ok(_place) = exchange.enter() else { return incoming.reject(503, "Service Unavailable", None) };
    let agent: queue::AgentId = operator.name.as_str().into();
    let started = jiff::Timestamp::now().as_millisecond();
    tell(exchange, operator, Event::Engaged { agent: agent.clone() });
    incoming.ring(None).ok();
    let number = incoming.called.clone();
    let lines = &exchange.inner.lines;
    let own = |name: &String| lines.trunks.iter().any(|trunk| trunk.name == *name && trunk.clinic == operator.clinic);
    let trunk = lines.outgoing.as_ref().map(|outgoing| outgoing.trunk.clone()).filter(own);
    let to = To::Number { number: number.clone(), trunk, clinic: house.clinic.id.clone() };
    let gave_up = incoming.cancellation();
    let dialled = tokio::select! {
        dialled = dialler.dial(to, None, RING) => Some(dialled),
        () = gave_up => None,
    };
    match dialled {
        Some(Ok(door)) => {
            if let Some((own, dialog)) = answer(exchange, operator, incoming).await {
                let consultation = dialler.consultations.opens(dialog);
                talk(exchange, house, operator, (&number, started), (own, consultation), door).await;
            }
        }
        Some(Err(unreached)) => incoming.reject(if unreached.status < 300 { 480 } else { unreached.status }, "", None),
        None => {}
    }
    tell(exchange, operator, Event::Disengaged { agent });
}

/// Two who talk, written down as an outgoing call. The other one may be handed to the operator's caller. Whoever is called
/// through the clinic's line hears first that the call is recorded, where calls are; colleagues among themselves are not.
async fn talk(
    exchange: &Exchange,
    house: &House,
    operator: &Operator,
    (number, started): (&str, i64),
    (own, mut consultation): (Box<dyn Door>, Consultation),
    other: Box<dyn Door>,
) {
    let id = records::id();
    let mut record = CallRecord::live(&id, &house.clinic.id, &house.clinic.timezone, started);
    record.direction = Direction::Outgoing;
    record.answered_ms = Some(jiff::Timestamp::now().as_millisecond());
    record.agent = Some(operator.name.clone());
    record.caller = desk::PhoneNumber::parse(number).map(Pii::from);
    record.line = Some(house.clinic.phone.clone()).filter(|phone| !phone.is_empty());
    if let Err(error) = house.stage.store.start_call(&record).await {
        tracing::error!(call = id, %error, "a call of an operator could not be written down");
    }
    let live = Live::default();
    let _known = exchange.inner.lives.begins(&house.clinic.id, &id, live.clone());
    let colleague = exchange.inner.dialler.as_ref().is_some_and(|dialler| dialler.extension(number).is_some());
    let recordings = exchange.inner.recordings.as_deref().filter(|_| !colleague);
    let (path, recording) = notice::recording(house, recordings, &id, live).await.unzip();
    let leg = Leg::new(other, recording);
    let text = &house.clinic.recording_notice;
    let (bridge, mut events) = Bridge::open_told(leg, own, None, text, &house.hearing).await;
    let mut asker = None;
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            Some(asks) = consultation.asked(), if asker.is_none() => {
                asker = Some(asks);
                bridge.part();
                continue;
            }
        };
        match event {
            Some(Bridged::Over(over)) => return talked(house, &id, path.as_deref(), *over, asker).await,
            Some(_) => {}
            None => return,
        }
    }
}

async fn talked(house: &House, id: &str, recording: Option<&std::path::Path>, over: BridgeOver, asker: Option<Asker>) {
    let end = CallEnd {
        ended_ms: jiff::Timestamp::now().as_millisecond(),
        outcome: Some(Outcome::Nothing),
        hold_ms: i64::try_from(over.hold_ms).ok(),
        talk_ms: i64::try_from(over.talk_ms).ok(),
        end_reason: Some(match (over.end, &asker) {
            (BridgeEnd::HungUp(session::Party::Caller), _) => "caller-hung-up".to_owned(),
            (BridgeEnd::Parted, Some(_)) => "transferred".to_owned(),
            _ => "operator-hung-up".to_owned(),
        }),
        ..CallEnd::default()
    };
    let parted = match asker.filter(|_| over.end == BridgeEnd::Parted) {
        Some(asker) => {
            let (quality, talk_from) = (over.caller_quality, over.connected_at);
            let Leg { door, recording, .. } = over.caller;
            // Nobody wants it any more: dropped, it hangs up.
            asker.send(door).ok();
            // The operator's own end of it is over.
            drop(over.operator);
            if let Some(recording) = recording
                && let Err(error) = recording.finish().await
            {
                tracing::error!(call = id, %error, "the recording of a call could not be completed");
            }
            Parted { quality, talk_from }
        }
        None => reception::part(id, over).await,
    };
    if let Err(error) = house.stage.store.end_call(id, &end).await {
        tracing::error!(call = id, %error, "the end of an operator's call could not be written down");
    }
    afterwards::keep(house, id, recording, parted).await;
}
