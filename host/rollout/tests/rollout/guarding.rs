//! Versions that go back by themselves, on counts in the records.

use rollout::{ChangeKind, Entry, How, Switchboard};

use crate::support::{CLINIC, House, act, calls, pick, result};

#[tokio::test]
async fn a_canary_that_breaks_is_dropped_and_says_why() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    house.deploy(&b, How::canary(50).unwrap()).await.unwrap();
    let board = house.board().await;
    // Every third call on it breaks; the guard waits for twenty.
    calls(&board, &b, 19, |n| (n % 3 == 0, false)).await;
    assert_eq!(house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap().candidate.as_ref(), Some(&b));
    calls(&board, &b, 1, |_| (false, false)).await;
    let route = house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap();
    assert_eq!((&route.stable, route.candidate.as_ref()), (&a, None));
    assert_eq!(pick(&board).digest(), a, "it is in force at once");
    let last = house.routes.changes(None, 0, 100).await.unwrap().pop().unwrap();
    assert_eq!((last.kind, last.cause.as_deref(), &last.digest), (ChangeKind::RolledBackItself, Some("traps"), &b));
    assert!(last.reason.starts_with("7 of 20 calls broke, before it 0 of "), "{}", last.reason);
    assert_eq!(board.stats().rollbacks.get("traps"), Some(&1));
}

#[tokio::test]
async fn a_canary_as_good_as_the_stable_version_stays() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    house.deploy(&b, How::canary(50).unwrap()).await.unwrap();
    let board = house.board().await;
    calls(&board, &b, 60, |n| (false, n % 20 == 0)).await;
    assert_eq!(house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap().candidate, Some(b));
}

#[tokio::test]
async fn a_full_deploy_is_judged_against_the_version_before_and_only_then() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    let board = house.board().await;
    // The first version may do what it likes: there is nothing to go back to.
    calls(&board, &a, 40, |n| (false, n % 10 == 0)).await;
    house.deploy(&b, How::All).await.unwrap();
    board.refresh().await.unwrap();
    calls(&board, &b, 20, |n| (false, n % 2 == 0)).await;
    let route = house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap();
    assert_eq!(route.stable, a);
    let last = house.routes.changes(None, 0, 100).await.unwrap().pop().unwrap();
    assert_eq!((last.kind, last.cause.as_deref()), (ChangeKind::RolledBackItself, Some("handovers")));
    assert!(last.reason.contains("10 of 20 calls needed a person, before it 4 of 40"), "{}", last.reason);
    // What was gone back to is not judged again, however it does: no to and fro.
    calls(&board, &a, 40, |_| (true, true)).await;
    assert_eq!(house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap().generation, route.generation);
}

#[tokio::test]
async fn calls_of_an_older_generation_are_not_held_against_the_new_one() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    house.deploy(&b, How::canary(50).unwrap()).await.unwrap();
    let board = house.board().await;
    let mut held = Vec::new();
    while held.len() < 30 {
        let pinned = pick(&board);
        if pinned.digest() == b {
            held.push(pinned);
        }
    }
    house.deploy(&b, How::canary(60).unwrap()).await.unwrap();
    board.refresh().await.unwrap();
    for pinned in &held {
        assert!(board.ended(pinned, &result(&records::id(), true, true)).await.unwrap().is_none());
    }
    assert_eq!(house.routes.get(CLINIC, Entry::Day).await.unwrap().unwrap().candidate, Some(b));
}

#[tokio::test]
async fn of_two_processes_one_rolls_back() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    house.deploy(&b, How::All).await.unwrap();
    let here = house.board().await;
    let there = Switchboard::open(house.other().await, None).await.unwrap();
    calls(&here, &b, 19, |_| (true, false)).await;
    // The twentieth and the next end at the same moment, in two processes that both still have the old table.
    let (one, other) = (pick(&here), pick(&there));
    let (one_result, other_result) = (result("x", true, false), result("y", true, false));
    let (one, other) = tokio::join!(here.ended(&one, &one_result), there.ended(&other, &other_result));
    let rolled = [one.unwrap(), other.unwrap()].into_iter().flatten().count();
    assert_eq!(rolled, 1);
    let log = house.routes.changes(None, 0, 100).await.unwrap();
    let kinds: Vec<_> = log.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Deployed, ChangeKind::Deployed, ChangeKind::RolledBackItself]);
    for board in [&here, &there] {
        board.refresh().await.unwrap();
    }
    assert_eq!((pick(&here).digest(), pick(&there).digest()), (a.as_str(), a.as_str()));
    assert!(house.routes.rollback(CLINIC, Entry::Day, act()).await.is_err(), "there is nothing further back");
}
