//! Listening in to calls that go on, and taking them over from the robot.

use exchange::NotTaken;
use records::{CallFilter, Outcome};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::support::{Clinical, PATIENCE, Phone, talkative, until};

const DESK: &str = "{sip}\n[[trunk]]\nname = \"here\"\nallow = [\"127.0.0.1\"]\ntransfer = \"bridge\"\n\
    [[operator]]\nname = \"Анна\"\nextension = \"101\"\npassword = \"secret\"\n\
    [queue.operator]\nalways_open = true\nannounce_every = 0\nwrap_up = 0\n";

async fn open_call(clinic: &Clinical) -> String {
    until("the call", || async {
        let open = CallFilter { open: true, ..CallFilter::default() };
        clinic.store.calls(&open, 10, None).await.unwrap().calls.pop().map(|call| call.id)
    })
    .await
}

/// Until a frame is about as loud as this.
async fn hears(sound: &mut Receiver<[i16; 160]>, loud: std::ops::Range<u16>) {
    let heard = tokio::time::timeout(PATIENCE, async {
        loop {
            match sound.recv().await {
                Ok(frame) if loud.contains(&frame.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0)) => return,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => panic!("the call is over"),
            }
        }
    });
    heard.await.unwrap_or_else(|_| panic!("never heard {loud:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_listened_to_and_taken_over() {
    let clinic = talkative(DESK).await;
    let exchange = &clinic.exchange;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let caller = Phone::new().await;
    let mut call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let id = open_call(&clinic).await;
    // Once the caller has heard that it is recorded.
    let mut sound = until("it may be heard", || async { exchange.listen("vet_lapa", &id) }).await;
    assert!(exchange.listen("other", &id).is_none(), "of another clinic");
    hears(&mut sound, 1_000..12_000).await;
    call.with(|ear| ear.level = 15_000);
    hears(&mut sound, 13_000..17_000).await;
    call.with(|ear| ear.level = 0);

    assert_eq!(exchange.takers("vet_lapa"), ["Анна"]);
    assert_eq!(exchange.take_over("vet_lapa", &id, "Ольга"), Err(NotTaken::UnknownOperator));
    assert_eq!(exchange.take_over("vet_lapa", "nobody", "Анна"), Err(NotTaken::NotWithRobot));
    exchange.take_over("vet_lapa", &id, "Анна").unwrap();
    let ringing = anna.rings().await;
    assert_eq!(ringing.caller.number, "+79031234567");
    let mut desk = anna.answer(ringing).await;
    desk.with(|ear| (ear.press, ear.level) = ("1".into(), 9_000));
    call.until("the operator", |ear| (8_000..10_500).contains(&ear.latest)).await;
    hears(&mut sound, 8_000..10_500).await;
    let agents = exchange.operators("vet_lapa").unwrap().look().await.agents;
    assert_eq!(agents[0].state, queue::AgentState::Engaged, "no queue rings her meanwhile");
    assert_eq!(exchange.take_over("vet_lapa", &id, "Анна"), Err(NotTaken::NotWithRobot));
    desk.dialog.bye();
    call.over().await;
    desk.over().await;
    let record = until("who took it", || async {
        let record = clinic.store.call(&id).await.unwrap();
        (record.agent.as_deref() == Some("Анна") && record.talk_ms.is_some() && record.ended_ms.is_some())
            .then_some(record)
    })
    .await;
    assert_eq!(record.outcome, Some(Outcome::Transferred));
    until("nobody can listen any more", || async { exchange.listen("vet_lapa", &id).is_none().then_some(()) }).await;
    while !matches!(sound.recv().await, Err(RecvError::Closed)) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_whom_nobody_takes_goes_the_way_of_everybody() {
    let clinic = talkative(DESK).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let caller = Phone::new().await;
    let mut call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let id = open_call(&clinic).await;
    until("it is at the robot", || async { clinic.exchange.take_over("vet_lapa", &id, "Анна").ok() }).await;
    anna.rings().await.reject(486, "", None);
    // Now by the queue.
    let ringing = anna.rings().await;
    let desk = anna.answer(ringing).await;
    desk.with(|ear| (ear.press, ear.level) = ("1".into(), 9_000));
    call.until("the operator", |ear| (8_000..10_500).contains(&ear.latest)).await;
    desk.dialog.bye();
    call.over().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_recorded_nobody_listens() {
    let clinic = talkative(&DESK.replace("{sip}", "[recording]\non = false\n{sip}")).await;
    let caller = Phone::new().await;
    let call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let id = open_call(&clinic).await;
    call.until("the robot", |ear| ear.loud > 60).await;
    assert!(clinic.exchange.listen("vet_lapa", &id).is_none());
    call.dialog.bye();
}
