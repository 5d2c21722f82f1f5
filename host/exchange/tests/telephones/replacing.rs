//! Attended transfers that end at this house: another call takes the place of one we hold.

use records::CallFilter;
use tokio::sync::broadcast::error::RecvError;

use crate::support::{Clinical, OnPhone, Phone, clinic, talkative, until};

const DESK: &str = "{sip}\n[[trunk]]\nname = \"here\"\nallow = [\"127.0.0.1\"]\ntransfer = \"bridge\"\n\
    [[operator]]\nname = \"Анна\"\nextension = \"101\"\npassword = \"secret\"\n\
    [queue.operator]\nalways_open = true\nannounce_every = 0\nwrap_up = 0\n";

/// The sound of the only call, while it goes on.
async fn listen(clinic: &Clinical) -> (String, tokio::sync::broadcast::Receiver<[i16; 160]>) {
    until("it may be heard", || async {
        let open = CallFilter { open: true, ..CallFilter::default() };
        let call = clinic.store.calls(&open, 10, None).await.unwrap().calls.pop()?;
        Some((call.id.clone(), clinic.exchange.listen("vet_lapa", &call.id)?))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_robot_goes_on_with_whoever_is_put_through_to_it() {
    let clinic = talkative(DESK).await;
    let (reception, client) = (Phone::new().await, Phone::new().await);
    let mut asking = reception.call(clinic.at, "100", "79031234567").await.unwrap();
    asking.until("the robot", |ear| ear.loud > 10).await;
    let (id, mut sound) = listen(&clinic).await;
    let mut put_through = client.call_in_place_of(clinic.at, &asking.dialog).await.unwrap();
    asking.over().await;
    put_through.until("the robot, which goes on", |ear| ear.loud > 10).await;
    put_through.with(|ear| ear.level = 15_000);
    // The same call hears somebody else.
    let heard = tokio::time::timeout(crate::support::PATIENCE, async {
        loop {
            match sound.recv().await {
                Ok(frame) if frame.iter().any(|sample| sample.unsigned_abs() > 13_000) => return,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => panic!("the call is over"),
            }
        }
    });
    heard.await.expect("the new caller is heard");
    assert_eq!(clinic.exchange.calls(), 1);
    // What is over can be replaced by nobody.
    assert_eq!(client.call_in_place_of(clinic.at, &asking.dialog).await.err(), Some(603));
    put_through.dialog.bye();
    put_through.over().await;
    let record = until("the end", || async {
        let page = clinic.store.calls(&CallFilter::default(), 10, None).await.unwrap();
        assert_eq!(page.calls.len(), 1, "one call from its beginning to its end");
        page.calls.into_iter().find(|call| call.id == id && call.ended_ms.is_some())
    })
    .await;
    assert_eq!(record.caller.as_ref().map(|number| number.as_str()), Some("+79031234567"));
    until("nobody is left", || async { (clinic.exchange.calls() == 0).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_colleague_takes_the_operators_place_in_a_talk() {
    let clinic = clinic(DESK).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let (caller, colleague) = (Phone::new().await, Phone::new().await);
    let call = caller.call(clinic.at, "100", "79031234567").await.unwrap();
    let ringing = anna.rings().await;
    let mut desk = anna.answer(ringing).await;
    desk.with(|ear| (ear.press, ear.level) = ("1".into(), 9_000));
    call.until("Anna", |ear| (8_000..10_500).contains(&ear.latest)).await;
    let mut taken: OnPhone = colleague.call_in_place_of(clinic.at, &desk.dialog).await.unwrap();
    desk.over().await;
    taken.with(|ear| ear.level = 4_000);
    call.with(|ear| ear.level = 6_000);
    call.until("the colleague", |ear| (3_000..5_000).contains(&ear.latest)).await;
    taken.until("the caller", |ear| (5_000..7_000).contains(&ear.latest)).await;
    // The caller is still with them when the first leg is long gone.
    call.dialog.bye();
    taken.over().await;
}
