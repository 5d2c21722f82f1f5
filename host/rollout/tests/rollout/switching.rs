//! Calls pick while others swap.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rollout::{ChangeKind, Entry, How, Role, Switchboard};

use crate::support::{CLINIC, House, act, pick};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_gets_one_of_the_two_versions_and_keeps_it() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    let board = house.board().await;
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (board, over, known) = (Arc::clone(&board), Arc::clone(&over), [a.clone(), b.clone()]);
            thread::spawn(move || {
                let (mut picked, mut generation) = ([0u64; 2], 0);
                while !over.load(Ordering::Relaxed) {
                    let pinned = pick(&board);
                    let which = known.iter().position(|digest| digest == pinned.digest());
                    picked[which.expect("one of the two")] += 1;
                    assert_eq!(
                        pinned.generation % 2,
                        1 - which.unwrap() as i64,
                        "version and generation belong together"
                    );
                    assert!(pinned.generation >= generation, "never back to an older table");
                    generation = pinned.generation;
                }
                picked
            })
        })
        .collect();
    for swap in 0..40 {
        house.deploy(if swap % 2 == 0 { &b } else { &a }, How::All).await.unwrap();
        assert!(board.refresh().await.unwrap());
    }
    over.store(true, Ordering::Relaxed);
    let picked = callers
        .into_iter()
        .map(|caller| caller.join().unwrap())
        .fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
    assert!(picked[0] > 0 && picked[1] > 0, "{picked:?}");
    let counted: u64 = board.stats().calls.iter().map(|count| count.calls).sum();
    assert_eq!(counted, picked[0] + picked[1]);
}

#[tokio::test]
async fn the_code_of_a_version_goes_with_its_last_call() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    let board = house.board().await;
    let (first, second) = (pick(&board), pick(&board));
    let code = Arc::downgrade(&first.flow);
    house.deploy(&b, How::All).await.unwrap();
    board.refresh().await.unwrap();
    assert_eq!(pick(&board).digest(), b);
    assert_eq!(first.digest(), a, "the call in progress stays where it is");
    assert_eq!(board.stats().live_versions, 2);
    drop(first);
    assert!(code.upgrade().is_some());
    drop(second);
    assert!(code.upgrade().is_none(), "the last call has ended");
    assert_eq!(board.stats().live_versions, 1);
}

#[tokio::test]
async fn another_process_sees_the_switch() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    let here = house.board().await;
    let there = Switchboard::open(house.other().await, None).await.unwrap();
    let mut events = there.listen();
    assert!(!there.refresh().await.unwrap(), "nothing happened");
    house.deploy(&b, How::All).await.unwrap();
    for board in [&here, &there] {
        assert!(board.refresh().await.unwrap());
        assert_eq!(pick(board).digest(), b);
    }
    let event = events.try_recv().unwrap();
    assert_eq!((event.kind, event.digest), (ChangeKind::Deployed, b));
    assert!(events.try_recv().is_err(), "told once");
}

#[tokio::test]
async fn the_watch_takes_changes_in_by_itself() {
    let house = House::new().await;
    let a = house.version("aaaaa").await;
    let board = house.board().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let watching = Arc::clone(&board);
    let watch = tokio::spawn(async move { watching.watch(async { stopped.await.unwrap_or(()) }).await });
    let mut events = board.listen();
    house.other().await.deploy(CLINIC, Entry::Day, &a, How::All, None, act()).await.unwrap();
    assert_eq!(events.recv().await.unwrap().kind, ChangeKind::Deployed);
    assert_eq!(pick(&board).digest(), a);
    stop.send(()).unwrap();
    watch.await.unwrap();
}

#[tokio::test]
async fn a_version_that_cannot_be_loaded_changes_nothing_but_the_log() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    let board = house.board().await;
    // Another machine deployed it; here its file is not whole.
    house.deploy(&b, How::All).await.unwrap();
    std::fs::remove_file(house.library.path(&b)).unwrap();
    for _ in 0..3 {
        board.refresh().await.unwrap();
        assert_eq!(pick(&board).digest(), a);
    }
    let log = house.routes.changes(None, 0, 100).await.unwrap();
    let refused: Vec<_> = log.iter().filter(|change| change.kind == ChangeKind::Refused).collect();
    assert_eq!(refused.len(), 1, "it is told once");
    assert!(refused[0].reason.contains("is gone"), "{}", refused[0].reason);
    house.version("bbbbb").await;
    // Any later change makes it look again.
    house.routes.deploy(CLINIC, Entry::Night, &a, How::All, None, act()).await.unwrap();
    board.refresh().await.unwrap();
    assert_eq!(pick(&board).digest(), b);
}

#[tokio::test]
async fn entries_without_a_route_are_answered_by_day() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    house.deploy(&a, How::All).await.unwrap();
    house.routes.deploy(CLINIC, Entry::Night, &b, How::All, None, act()).await.unwrap();
    let board = house.board().await;
    let night = board.pick(CLINIC, Entry::Night, "c1").unwrap();
    assert_eq!((night.digest(), night.entry), (b.as_str(), Entry::Night));
    let chat = board.pick(CLINIC, Entry::Chat, "c1").unwrap();
    assert_eq!((chat.digest(), chat.entry), (a.as_str(), Entry::Day));
    assert!(board.pick("med_plus", Entry::Day, "c1").is_none(), "nobody answers there");
    let flow = house.library.load(&a).await.unwrap();
    let fixed = Switchboard::fixed(Arc::clone(&flow)).pick("anyone", Entry::Chat, "c1").unwrap();
    assert_eq!((fixed.digest(), fixed.generation, fixed.entry), (a.as_str(), 0, Entry::Chat));
    let board = Switchboard::open(house.routes.clone(), Some(flow)).await.unwrap();
    assert_eq!(board.pick("med_plus", Entry::Day, "c1").unwrap().digest(), a);
}

#[tokio::test]
async fn a_canary_takes_its_share_and_a_shadow_comes_with_the_call() {
    let house = House::new().await;
    let (a, b) = (house.version("aaaaa").await, house.version("bbbbb").await);
    let c = house.version("ccccc").await;
    house.deploy(&a, How::All).await.unwrap();
    house.deploy(&b, How::canary(30).unwrap()).await.unwrap();
    house.deploy(&c, How::Shadow).await.unwrap();
    let board = house.board().await;
    let pins: Vec<_> = (0..2000).map(|n| board.pick(CLINIC, Entry::Day, &format!("call-{n}")).unwrap()).collect();
    let candidates = pins.iter().filter(|pinned| pinned.role == Role::Candidate).count();
    assert!((500..700).contains(&candidates), "{candidates} of 2000 are no 30 %");
    assert!(pins.iter().all(|pinned| (pinned.role == Role::Candidate) == (pinned.digest() == b)));
    assert!(pins.iter().all(|pinned| pinned.shadow.as_ref().is_some_and(|shadow| shadow.digest() == c)));
    let again = board.pick(CLINIC, Entry::Day, "call-7").unwrap();
    assert_eq!(again.role, pins[7].role, "a call picked twice gets the same version");
}
