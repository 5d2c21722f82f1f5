//! Conversations with a person who writes.

use call::EndReason;
use flows::host::voice::Channel;
use records::Outcome;
use session::trace::Tracer;
use session::{ChatDoor, FromVisitor, Setup, ToVisitor, Visitor};

use crate::support::{BOOKING, DAY, House, at};

fn setup() -> Setup {
    Setup { channel: Channel::Chat, ..at(DAY, Some("+79031234567")) }
}

/// Answers every question as the booking's script does; what was seen is returned.
async fn book(visitor: &mut Visitor) -> Vec<ToVisitor> {
    let mut seen = Vec::new();
    while let Some(sees) = visitor.receive.recv().await {
        if let ToVisitor::Listens(question) = &sees {
            let answer = BOOKING.iter().find(|(id, _)| id == question).map_or("да", |(_, answer)| answer);
            visitor.send.send(FromVisitor::Wrote(format!("  {answer} "))).unwrap();
        }
        let over = matches!(sees, ToVisitor::Ended(_));
        seen.push(sees);
        if over {
            break;
        }
    }
    seen
}

#[tokio::test]
async fn a_visitor_books_in_writing() {
    let house = House::vet_lapa().await;
    let (door, mut visitor) = ChatDoor::open();
    let stage = house.stage.clone();
    let call = tokio::spawn(async move { session::chat(&stage, setup(), door, Tracer::none()).await });
    let seen = book(&mut visitor).await;
    let held = call.await.unwrap().unwrap();
    assert_eq!(held.outcome, Some(Outcome::Booked), "{}", house.told(&held).await);
    assert!(matches!(seen.first(), Some(ToVisitor::Says(_))));
    assert_eq!(seen.last(), Some(&ToVisitor::Ended(held.end)));
    let turns = house.stage.store.turns(&held.id).await.unwrap();
    assert!(turns.iter().any(|turn| turn.text.as_str() == "Мурка"));
    assert!(turns.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms), "{}", house.told(&held).await);
}

#[tokio::test]
async fn what_is_written_ahead_is_kept_and_written_down() {
    let house = House::vet_lapa().await;
    let (door, mut visitor) = ChatDoor::open();
    // Before the robot has said a word.
    for words in ["здравствуйте хочу записать кошку к терапевту", "Мурка"] {
        visitor.send.send(FromVisitor::Wrote(words.to_owned())).unwrap();
    }
    let stage = house.stage.clone();
    let call = tokio::spawn(async move { session::chat(&stage, setup(), door, Tracer::none()).await });
    book(&mut visitor).await;
    let held = call.await.unwrap().unwrap();
    assert_eq!(held.outcome, Some(Outcome::Booked), "{}", house.told(&held).await);
    let told = house.told(&held).await;
    assert_eq!(told.matches("Мурка\n").count(), 1, "{told}");
}

#[tokio::test]
async fn a_visitor_who_closes_the_page_has_hung_up() {
    let house = House::vet_lapa().await;
    let (door, mut visitor) = ChatDoor::open();
    let stage = house.stage.clone();
    let call = tokio::spawn(async move { session::chat(&stage, setup(), door, Tracer::none()).await });
    while !matches!(visitor.receive.recv().await, Some(ToVisitor::Listens(_))) {}
    drop(visitor);
    let held = call.await.unwrap().unwrap();
    assert_eq!(held.end, EndReason::CallerHungUp);
    assert!(house.record(&held).await.ended_ms.is_some());
}
