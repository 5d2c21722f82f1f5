//! Calls that the clinic makes.

use std::net::SocketAddr;

use exchange::outgoing::CallOut;
use queue::NotReached;
use records::{CallFilter, CallbackRecord, CallbackStatus, Direction, Entry};

use crate::support::{Phone, clinic, until};

const NUMBER: &str = "+79031234567";

/// A trunk that leads to this telephone.
fn lines(to: SocketAddr) -> String {
    format!(
        "{{sip}}\n[[trunk]]\nname = \"out\"\nregistrar = \"{to}\"\ncaller_id = \"+74951204567\"\n\
         [[operator]]\nname = \"Анна\"\nextension = \"101\"\npassword = \"secret\"\n\
         [queue.operator]\nalways_open = true\nwrap_up = 0\n[outgoing]\ncallbacks = \"off\"\n"
    )
}

fn reminder() -> CallOut {
    CallOut { clinic: "vet_lapa".to_owned(), number: NUMBER.to_owned(), entry: Entry::Reminder }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_answers_talks_to_the_house_and_it_is_written_down_as_a_call_of_ours() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    let exchange = clinic.exchange.clone();
    let calling = tokio::spawn(async move { exchange.call_out(&reminder()).await });
    let ringing = client.rings().await;
    assert_eq!((ringing.called.as_str(), ringing.caller.number.as_str()), (NUMBER, "+74951204567"));
    let mut call = client.answer(ringing).await;
    call.until("the house speaks", |ear| ear.loud > 10).await;
    call.over().await;
    let held = calling.await.unwrap().unwrap();
    let record = clinic.store.call(&held.id).await.unwrap();
    assert_eq!(record.direction, Direction::Outgoing);
    assert_eq!(record.caller.as_ref().map(|number| number.as_str()), Some(NUMBER));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_and_declined_are_told_apart() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    for (status, why) in [(486, NotReached::Busy), (603, NotReached::Refused), (480, NotReached::NoAnswer)] {
        let exchange = clinic.exchange.clone();
        let calling = tokio::spawn(async move { exchange.call_out(&reminder()).await });
        client.rings().await.reject(status, "", None);
        assert_eq!(calling.await.unwrap().err(), Some(why));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_due_call_back_rings_the_operator_first_and_then_the_client() {
    let mut client = Phone::new().await;
    let clinic = clinic(&lines(client.at())).await;
    let mut anna = Phone::registered(clinic.at, "101", "secret").await;
    let promise = CallbackRecord {
        id: records::id(),
        clinic: "vet_lapa".to_owned(),
        timezone: "Europe/Moscow".to_owned(),
        phone: NUMBER.into(),
        person: "".into(),
        reason: "".into(),
        due_ms: 0,
        status: CallbackStatus::Open,
        attempts: 0,
        result: None,
        call: None,
        created_ms: 0,
        updated_ms: 0,
    };
    clinic.store.add_callback(&promise).await.unwrap();
    clinic.exchange.operators("vet_lapa").unwrap().call_back(promise.clone());
    let ringing = anna.rings().await;
    let desk = anna.answer(ringing).await;
    let ringing = client.rings().await;
    assert_eq!(ringing.called, NUMBER);
    let mut call = client.answer(ringing).await;
    desk.with(|ear| ear.level = 9_000);
    call.until("the operator", |ear| (8_000..10_500).contains(&ear.latest)).await;
    desk.dialog.bye();
    call.over().await;
    let kept = until("the promise is kept", || async {
        let promise = clinic.store.callback(&promise.id).await.unwrap();
        (promise.status == CallbackStatus::Done).then_some(promise)
    })
    .await;
    assert_eq!((kept.attempts, kept.result.as_deref()), (1, Some("called-back")));
    let call = until("the call is over", || async {
        let page = clinic.store.calls(&CallFilter::default(), 10, None).await.unwrap();
        page.calls.into_iter().find(|call| call.ended_ms.is_some())
    })
    .await;
    assert_eq!((call.direction, call.agent.as_deref()), (Direction::Outgoing, Some("Анна")));
}
