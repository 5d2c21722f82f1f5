//! The loop: awake when the feed's bell rings and when something is due, asleep otherwise.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use records::Channel;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Result;
use crate::context::Outreach;

/// Looks are never nearer to one another.
const LEAST: Duration = Duration::from_secs(1);
/// What is due and still there after a look is held up (a gateway that is set up wrongly): it is not looked at every second.
const HELD_UP: Duration = Duration::from_secs(5);
/// Other processes' events ring no bell here; they are found by looking.
const MOST: Duration = Duration::from_secs(15);

/// Follows, reminds, sends and escalates until `stop` is ready. What is being sent then is finished first.
pub async fn run(outreach: Arc<Outreach>, stop: impl Future<Output = ()> + Send) {
    let (stopping, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(decide(Arc::clone(&outreach), stopped.clone()));
    for channel in Channel::ALL {
        tasks.spawn(send(Arc::clone(&outreach), *channel, stopped.clone()));
    }
    stop.await;
    stopping.send(true).ok();
    while tasks.join_next().await.is_some() {}
}

async fn decide(outreach: Arc<Outreach>, mut stopped: watch::Receiver<bool>) {
    let mut bell = outreach.store.feed_bell();
    for clinic in outreach.clinics.values() {
        // The clinic's rules may have changed while nobody looked.
        if let Err(error) = outreach.replan(clinic).await {
            tracing::error!(clinic = clinic.id, %error, "reminders cannot be planned");
        }
    }
    while !*stopped.borrow() {
        if let Err(error) = outreach.decide().await {
            tracing::error!(%error, "reminders and the list of calls stand still; they are tried again");
        }
        rest(&outreach, &mut bell, &mut stopped).await;
    }
}

async fn send(outreach: Arc<Outreach>, channel: Channel, mut stopped: watch::Receiver<bool>) {
    let mut bell = outreach.store.feed_bell();
    while !*stopped.borrow() {
        for clinic in outreach.clinics.values() {
            if let Err(error) = outreach.send_due(clinic, channel).await {
                tracing::error!(clinic = clinic.id, channel = channel.as_str(), %error, "messages stand still; they are tried again");
            }
        }
        rest(&outreach, &mut bell, &mut stopped).await;
    }
}

/// Until something may be due: the bell, the next due time, or [`MOST`]; and never shorter than [`LEAST`].
async fn rest(outreach: &Outreach, bell: &mut watch::Receiver<u64>, stopped: &mut watch::Receiver<bool>) {
    let now = outreach.now().as_millisecond();
    let wake = outreach.next_wake().await.ok().flatten();
    let wait = match wake.map(|at| u64::try_from(at - now)) {
        None => MOST,
        Some(Ok(ms)) => Duration::from_millis(ms).clamp(LEAST, MOST),
        Some(Err(_)) => HELD_UP,
    };
    tokio::select! {
        _ = stopped.changed() => return,
        () = tokio::time::sleep(LEAST) => {}
    }
    tokio::select! {
        _ = stopped.changed() => {}
        changed = bell.changed() => {
            if changed.is_err() {
                tokio::time::sleep(MOST).await;
            }
        }
        () = tokio::time::sleep(wait.saturating_sub(LEAST)) => {}
    }
}

impl Outreach {
    /// Everything but sending, once: what has happened, what is due, who is late.
    ///
    /// # Errors
    /// The first thing that could not be done; it is tried again the next time.
    pub async fn decide(&self) -> Result<()> {
        self.follow().await?;
        for clinic in self.clinics.values() {
            self.remind(clinic).await?;
            self.escalate(clinic).await?;
        }
        // What was just done may mean something in its turn.
        self.follow().await?;
        Ok(())
    }

    /// Everything, once: for simulations and tests, which have a clock of their own.
    ///
    /// # Errors
    /// As [`Outreach::decide`] and [`Outreach::send_due`].
    pub async fn step(&self) -> Result<u32> {
        self.decide().await?;
        let mut sent = 0;
        for clinic in self.clinics.values() {
            for channel in Channel::ALL {
                sent += self.send_due(clinic, *channel).await?;
            }
        }
        self.decide().await?;
        Ok(sent)
    }

    /// When something is due next, unix milliseconds; none: nothing is planned.
    ///
    /// # Errors
    /// The records cannot be read.
    pub async fn next_wake(&self) -> Result<Option<i64>> {
        let mut wake: Option<i64> = None;
        for clinic in self.clinics.keys() {
            for at in [self.store.outreach_wake(clinic).await?, self.store.contacts_wake(clinic).await?] {
                wake = [wake, at].into_iter().flatten().min();
            }
        }
        Ok(wake)
    }
}
