//! A call-back that an operator answered: the client is dialled while the operator waits, and the two are joined.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use lines::Door;
use queue::{EndedBy, NotReached};
use records::{CallEnd, CallRecord, Direction, Outcome, Pii};
use session::{Bridge, BridgeEnd, BridgeOver, Bridged, Leg, Live, Party, Waited, WaitingRoom};
use tokio::sync::mpsc;

use crate::dial::{Dialler, To, Unreached};
use crate::live::{Known, Lives};
use crate::operators::{Callback, CallbackLine, Talk};
use crate::{House, afterwards, notice, reception};

/// Dials clients of one clinic.
pub(crate) struct ClientLine {
    pub(crate) dialler: Dialler,
    pub(crate) house: House,
    /// The trunk that is dialled through; none = the clinic's first.
    pub(crate) trunk: Option<String>,
    /// How long a client's phone rings.
    pub(crate) ring: Duration,
    /// Where recordings begin.
    pub(crate) recordings: Option<PathBuf>,
    /// Calls that go on.
    pub(crate) lives: Lives,
}

#[async_trait]
impl CallbackLine for ClientLine {
    async fn dial(&self, callback: Callback, operator: Box<dyn Door>) -> Result<Talk, NotReached> {
        let (room, mut events) = WaitingRoom::open(Leg::new(operator, None), &self.house.hearing);
        let room = Arc::new(room);
        room.music(false);
        room.say(&callback.whisper).await;
        let started = Timestamp::now().as_millisecond();
        let to = To::Number {
            number: callback.number.clone(),
            trunk: self.trunk.clone(),
            clinic: self.house.clinic.id.clone(),
        };
        let dialling = self.dialler.dial(to, None, self.ring);
        tokio::pin!(dialling);
        let client = loop {
            tokio::select! {
                client = &mut dialling => break client,
                // The operator hung up: the client is left alone.
                event = events.recv() => match event {
                    Some(Waited::Key(_) | Waited::Said) => {}
                    Some(Waited::Gone(_) | Waited::Left(_)) | None => return Err(NotReached::AgentGone),
                },
            }
        };
        let client = match client {
            Ok(client) => client,
            Err(Unreached { why, .. }) => {
                room.say(callback.not_reached).await;
                tokio::spawn(until_said(events));
                return Err(why);
            }
        };
        room.hush();
        let call = records::id();
        let live = Live::default();
        let known = self.lives.begins(&self.house.clinic.id, &call, live.clone());
        let (path, recording) = notice::recording(&self.house, self.recordings.as_deref(), &call, live).await.unzip();
        let telling = notice::tell(&self.house, Leg::new(client, recording));
        tokio::pin!(telling);
        // The client is told that the call is recorded while the operator waits.
        let client = loop {
            tokio::select! {
                client = &mut telling => break client,
                event = events.recv() => match event {
                    Some(Waited::Key(_) | Waited::Said) => {}
                    Some(Waited::Gone(_) | Waited::Left(_)) | None => return Err(NotReached::AgentGone),
                },
            }
        };
        let Ok(client) = client else {
            room.say(callback.not_reached).await;
            tokio::spawn(until_said(events));
            return Err(NotReached::NoAnswer);
        };
        room.leave();
        let operator = loop {
            match events.recv().await {
                Some(Waited::Left(leg)) => break leg.door,
                Some(Waited::Key(_) | Waited::Said) => {}
                Some(Waited::Gone(_)) | None => return Err(NotReached::AgentGone),
            }
        };
        Ok(self.join(callback, known, call, started, (client, path), operator).await)
    }
}

/// The operator hears that nobody answered, and is hung up.
async fn until_said(mut events: mpsc::UnboundedReceiver<Waited>) {
    while let Some(event) = events.recv().await {
        if !matches!(event, Waited::Key(_)) {
            return;
        }
    }
}

impl ClientLine {
    async fn join(
        &self,
        callback: Callback,
        known: Known,
        call: String,
        started: i64,
        (leg, path): (Leg, Option<PathBuf>),
        operator: Box<dyn Door>,
    ) -> Talk {
        let house = self.house.clone();
        let mut record = CallRecord::live(&call, &house.clinic.id, &house.clinic.timezone, started);
        record.direction = Direction::Outgoing;
        record.answered_ms = Some(Timestamp::now().as_millisecond());
        record.agent = Some(callback.operator.clone());
        record.caller = Some(Pii::from(callback.number.as_str()));
        record.line = Some(house.clinic.phone.clone()).filter(|phone| !phone.is_empty());
        record.queue_wait_ms = Some(0);
        if let Err(error) = house.stage.store.start_call(&record).await {
            tracing::error!(call, %error, "a call-back could not be written down");
        }
        let (bridge, mut events) = Bridge::open(leg, operator, None, &house.hearing).await;
        let id = call.clone();
        let over = async move {
            // Dropping it would hang both up.
            let (_bridge, _known) = (bridge, known);
            while let Some(event) = events.recv().await {
                if let Bridged::Over(over) = event {
                    return written(&house, &id, path, *over).await;
                }
            }
            EndedBy::Caller
        };
        Talk { call, over: Box::pin(over) }
    }
}

async fn written(house: &House, call: &str, recording: Option<PathBuf>, over: BridgeOver) -> EndedBy {
    let by = match over.end {
        BridgeEnd::HungUp(Party::Caller) => EndedBy::Caller,
        BridgeEnd::HungUp(Party::Operator) | BridgeEnd::Parted => EndedBy::Agent,
    };
    let end = CallEnd {
        ended_ms: Timestamp::now().as_millisecond(),
        outcome: Some(Outcome::Nothing),
        end_reason: Some(if by == EndedBy::Caller { "caller-hung-up" } else { "operator-hung-up" }.to_owned()),
        talk_ms: i64::try_from(over.talk_ms).ok(),
        hold_ms: i64::try_from(over.hold_ms).ok(),
        ..CallEnd::default()
    };
    let parted = reception::part(call, over).await;
    if let Err(error) = house.stage.store.end_call(call, &end).await {
        tracing::error!(call, %error, "the end of a call-back could not be written down");
    }
    afterwards::keep(house, call, recording.as_deref(), parted).await;
    by
}
