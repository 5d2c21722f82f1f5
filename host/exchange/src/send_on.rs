//! An operator sends their caller on: to another queue, or to whoever answers at a number. The caller hears music meanwhile,
//! and is promised a call-back where nobody answers.

use std::time::Duration;

use desk::CallbackRequest;
use queue::Join;
use session::{Leg, Waited, WaitingRoom};

use crate::dial::To;
use crate::operators::About;
use crate::reception::{Parted, hang_up};
use crate::{Exchange, House};

/// How long it rings there.
const RING: Duration = Duration::from_secs(25);
const WILL_CALL_BACK: &str = "К сожалению, там сейчас никто не отвечает. Мы вам перезвоним. До свидания!";
const CALL_AGAIN: &str = "К сожалению, там сейчас никто не отвечает. Пожалуйста, позвоните ещё раз. До свидания!";

impl Exchange {
    /// From the operator's wish to the end of the caller's line.
    pub(crate) async fn send_on(&self, house: &House, call: &str, leg: Leg, to: &str) -> Parted {
        let caller = self.caller_of(house, call).await;
        if let (Some(queue), Some(operators)) =
            (self.inner.lines.queue_for(&house.clinic.id, to), self.inner.operators.get(&house.clinic.id))
        {
            let mut join = Join::new(call, queue.name.as_str());
            join.can_call_back = caller.is_some();
            let about =
                About { caller: caller.clone(), summary: "Перевод от сотрудника.".to_owned() };
            if let Some(told) = operators.join(join, about).await {
                // A caller who is sent on and on would make this future contain itself.
                return Box::pin(self.wait(house, operators, call, leg, told)).await;
            }
        }
        let target = house.clinic.lines.get(to).map_or(to, String::as_str);
        let (room, mut events) = WaitingRoom::open(leg, &house.hearing);
        let dialling = async {
            match &self.inner.dialler {
                Some(dialler) => {
                    dialler.dial(To::line(target, None, &house.clinic.id), caller.as_deref(), RING).await.ok()
                }
                None => None,
            }
        };
        tokio::pin!(dialling);
        let door = loop {
            tokio::select! {
                door = &mut dialling => break door,
                event = events.recv() => match event {
                    Some(Waited::Gone(leg)) => return hang_up(call, leg).await,
                    Some(Waited::Left(_)) | None => return Parted::default(),
                    Some(Waited::Key(_) | Waited::Said) => {}
                },
            }
        };
        if door.is_none() {
            let promised = self.promise(house, call, caller.as_deref()).await;
            room.music(false);
            room.say(if promised { WILL_CALL_BACK } else { CALL_AGAIN }).await;
        } else {
            room.leave();
        }
        loop {
            let event = events.recv().await;
            match event {
                Some(Waited::Said) if door.is_none() => room.leave(),
                Some(Waited::Left(leg)) => {
                    return match door {
                        Some(door) => self.talk(house, call, leg, door, "", None).await,
                        None => hang_up(call, leg).await,
                    };
                }
                Some(Waited::Gone(leg)) => return hang_up(call, leg).await,
                None => return Parted::default(),
                Some(Waited::Key(_) | Waited::Said) => {}
            }
        }
    }

    async fn caller_of(&self, house: &House, call: &str) -> Option<String> {
        let record = house.stage.store.call(call).await.ok()?;
        record.caller.map(|caller| caller.as_str().to_owned())
    }

    async fn promise(&self, house: &House, call: &str, caller: Option<&str>) -> bool {
        let Some(phone) = caller else { return false };
        let reason = "Сотрудник переводил звонок, там не ответили".into();
        let request = CallbackRequest { phone: phone.into(), person: "".into(), reason, at: None };
        let promised = house.stage.desk.request_callback(&request, Some(call), jiff::Timestamp::now()).await;
        promised.inspect_err(|error| tracing::error!(call, %error, "a call-back could not be written down")).is_ok()
    }
}
