//! The loop itself, on the machine's clock: it wakes when something is booked, and stops when it is told to.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use outreach::{Outreach, run};
use records::MessageState;
use tokio::sync::oneshot;

use crate::gateway::{Gateway, configured};
use crate::{Clock, HOUR, booking, clinic, open, settings};

#[tokio::test]
async fn a_booking_is_told_of_without_anybody_asking() {
    let gateway = Gateway::start(true);
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let config = configured("sms", &gateway.address, "idempotent = true");
    let mut settings = settings(&store, &config, &Clock::at(0));
    settings.now = Arc::new(Timestamp::now);
    let always = clinic("[reminders]\nchannels = [\"sms\"]\nhours = \"00:00-24:00\"\n");
    let outreach = Arc::new(Outreach::new(store.clone(), [always], settings));
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(run(Arc::clone(&outreach), async {
        stopped.await.ok();
    }));
    let mut bell = store.feed_bell();
    let now = Timestamp::now().as_millisecond();
    store.book(&booking("a", now + 72 * HOUR, now), "robot").await.unwrap();
    let sent = async {
        loop {
            bell.changed().await.unwrap();
            let messages = store.messages_of_visit("a").await.unwrap();
            if messages.first().is_some_and(|message| message.state == MessageState::Sent) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), sent).await.expect("nothing was sent within a minute");
    assert_eq!(gateway.delivered().len(), 1);
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(60), running).await.expect("it does not stop").unwrap();
}
