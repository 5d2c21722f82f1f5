//! A caller in the waiting room, on a clock by hand.

use std::time::Duration;

use call::Millis;
use lines::pacer::Hand;
use session::{Leg, Waited, WaitingRoom};

use crate::doors::{BEEP_FRAMES, Far, hearing};

fn frames(hand: &mut Hand, count: u32) {
    hand.turn(Duration::from_millis(20) * count);
}

#[tokio::test]
async fn music_makes_room_for_an_announcement() {
    let (hearing, mut hand, folder) = hearing();
    let path = folder.path().join("call.wav");
    let mut recording = hearing.studio.record(&path).await.unwrap();
    recording.notice_was_heard();
    let caller = Far::default();
    let (room, mut events) = WaitingRoom::open(Leg::new(caller.door(), Some(recording)), &hearing);
    frames(&mut hand, 50);
    let music = caller.heard();
    assert!(music[20..].iter().all(|level| (1..6_000).contains(&level.unsigned_abs())));
    room.say("Вы второй в очереди").await;
    room.say("Нажмите один").await;
    frames(&mut hand, BEEP_FRAMES as u32);
    assert!(matches!(events.try_recv(), Ok(Waited::Said)));
    assert!(events.try_recv().is_err());
    caller.with(|ends| ends.keys.push_back('1'));
    frames(&mut hand, BEEP_FRAMES as u32);
    assert!(matches!(events.try_recv(), Ok(Waited::Key('1'))));
    assert!(matches!(events.try_recv(), Ok(Waited::Said)));
    let loud = caller.heard().iter().filter(|level| level.unsigned_abs() > 2_500).count();
    assert!(loud >= 48, "two announcements of half a second: {loud}");
    room.music(false);
    frames(&mut hand, 50);
    assert!(caller.heard()[20..].iter().all(|level| *level == 0));
    room.leave();
    frames(&mut hand, 1);
    let Ok(Waited::Left(leg)) = events.try_recv() else { panic!("the line comes back") };
    assert_eq!(leg.at, Millis(20 * (100 + 2 * BEEP_FRAMES as u64)));
    assert_eq!(caller.with(|ends| (ends.flushed, ends.dropped)), (1, false));
    leg.hang_up().await.unwrap();
    let recorded = audio::wav::read(&path).unwrap();
    let right = &recorded.channels[1];
    assert!(right[..8_000].iter().all(|sample| *sample == 0), "no music in the recording");
    assert!(right[8_000..16_000].iter().any(|sample| *sample > 2_500), "but what we said");
}

#[tokio::test]
async fn a_caller_who_leaves_gives_their_recording_back() {
    let (hearing, mut hand, _folder) = hearing();
    let caller = Far::default();
    let (_room, mut events) = WaitingRoom::open(Leg::new(caller.door(), None), &hearing);
    frames(&mut hand, 3);
    caller.with(|ends| ends.gone = true);
    frames(&mut hand, 1);
    assert!(matches!(events.try_recv(), Ok(Waited::Gone(_))));
    assert_eq!(hearing.pacer.calls(), 0);
}

#[tokio::test]
async fn a_room_that_is_let_go_hangs_up() {
    let (hearing, mut hand, _folder) = hearing();
    let caller = Far::default();
    let (room, _events) = WaitingRoom::open(Leg::new(caller.door(), None), &hearing);
    frames(&mut hand, 3);
    drop(room);
    frames(&mut hand, 1);
    assert!(caller.with(|ends| ends.dropped));
}

#[tokio::test]
async fn nothing_is_kept_before_the_notice_was_heard_to_its_end() {
    let (hearing, mut hand, folder) = hearing();
    let path = folder.path().join("call.wav");
    let recording = hearing.studio.record(&path).await.unwrap();
    let caller = Far::default();
    caller.with(|ends| ends.level = 700);
    let leg = Leg::new(caller.door(), Some(recording));
    assert!(leg.notice_is_due());
    let (room, mut events) = WaitingRoom::open(leg, &hearing);
    room.say("Вы второй в очереди").await;
    room.say_notice("Разговор записывается").await;
    room.say("Нажмите один").await;
    frames(&mut hand, BEEP_FRAMES as u32 + 5);
    // Whoever is put through now hears the notice first all the same.
    room.hush();
    frames(&mut hand, BEEP_FRAMES as u32 - 5);
    room.leave();
    frames(&mut hand, 1);
    let mut said = 0;
    let leg = loop {
        match events.try_recv().unwrap() {
            Waited::Said => said += 1,
            Waited::Left(leg) => break leg,
            Waited::Key(_) | Waited::Gone(_) => panic!("nobody did anything"),
        }
    };
    assert_eq!((said, leg.notice_is_due()), (2, false));
    assert!(leg.hang_up().await.unwrap(), "there is a file");
    assert!(audio::wav::read(&path).unwrap().channels[0].iter().all(|sample| *sample == 0));

    let recording = hearing.studio.record(&path).await.unwrap();
    let (room, mut events) = WaitingRoom::open(Leg::new(caller.door(), Some(recording)), &hearing);
    room.say_notice("Разговор записывается").await;
    frames(&mut hand, BEEP_FRAMES as u32 - 1);
    caller.with(|ends| ends.gone = true);
    frames(&mut hand, 1);
    let Ok(Waited::Gone(leg)) = events.try_recv() else { panic!("they have left") };
    assert!(!leg.hang_up().await.unwrap(), "nothing was kept");
    assert!(!path.exists());
}
