//! What goes on beside the conversations: the robot answers, messages leave, promises are made.

use std::sync::Arc;
use std::time::Duration;

use records::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::channel::{Channels, deliver};
use crate::office::Office;
use crate::robot::Robot;

/// Events of another process are found by looking.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is seen who waits too long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Works for the conversations of these clinics, all of one store, until `stop` is true. One program at a time.
pub async fn run(offices: Vec<Office>, robot: Option<Arc<dyn Robot>>, channels: Channels, stop: watch::Receiver<bool>) {
    let Some(store) = offices.first().map(|office| office.store().clone()) else { return };
    let mut work = JoinSet::new();
    for office in offices {
        if let Some(robot) = robot.clone() {
            work.spawn(dismissals(office.clone(), Arc::clone(&robot), stop.clone()));
            work.spawn(Work::Robot(office.clone(), robot).go_on(stop.clone()));
        }
        work.spawn(promises(office, stop.clone()));
    }
    work.spawn(Work::Deliver(store, channels).go_on(stop));
    while let Some(ended) = work.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the chat broke off");
        }
    }
}

/// Tells the robot of conversations that are no longer its own.
async fn dismissals(office: Office, robot: Arc<dyn Robot>, mut stop: watch::Receiver<bool>) {
    let mut bell = office.store().feed_bell();
    let Ok(mut read_to) = office.store().feed_end().await else { return };
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = bell.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        // What cannot be read now is read the next time.
        while let Ok(events) = office.store().feed(read_to, Some(&office.clinic().id), 100).await
            && let Some(last) = events.last()
        {
            read_to = last.position;
            for event in events.iter().filter(|event| ["chat.taken", "chat.closed"].contains(&event.kind.as_str())) {
                robot.dismissed(&event.subject).await;
            }
        }
    }
}

async fn promises(office: Office, mut stop: watch::Receiver<bool>) {
    let mut look = tokio::time::interval(PATIENCE);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = look.tick() => {}
        }
        if let Err(error) = promise(&office).await {
            tracing::error!(clinic = office.clinic().id, %error, "people who wait in a chat were not looked after");
        }
    }
}

async fn promise(office: &Office) -> crate::Result<()> {
    office.promise_call_backs(now_ms()).await?;
    while office.call_back_once(now_ms()).await? {}
    Ok(())
}

/// Work that waits in the queue.
enum Work {
    Robot(Office, Arc<dyn Robot>),
    Deliver(Store, Channels),
}

impl Work {
    /// Does one piece after another; when there is none, waits for the feed's bell.
    async fn go_on(self, mut stop: watch::Receiver<bool>) {
        let mut bell = match &self {
            Work::Robot(office, _) => office.store().feed_bell(),
            Work::Deliver(store, _) => store.feed_bell(),
        };
        while !*stop.borrow() {
            match self.once().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "chat"),
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = bell.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn once(&self) -> crate::Result<bool> {
        match self {
            Work::Robot(office, robot) => office.robot_once(&**robot, now_ms()).await,
            Work::Deliver(store, channels) => deliver(store, channels, now_ms()).await,
        }
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
