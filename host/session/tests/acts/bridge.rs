//! Two doors by hand on a clock by hand.

use std::time::Duration;

use call::Millis;
use lines::pacer::Hand;
use session::{Bridge, BridgeEnd, Bridged, Leg, Party, Waited, WaitingRoom};
use tokio::sync::mpsc;

use crate::doors::{BEEP_FRAMES, Far, hearing};

const FRAME: Duration = Duration::from_millis(20);

/// Lets so many frames pass.
fn frames(hand: &mut Hand, count: u32) {
    hand.turn(FRAME * count);
}

fn happened(events: &mut mpsc::UnboundedReceiver<Bridged>) -> Vec<String> {
    let mut names = Vec::new();
    while let Ok(event) = events.try_recv() {
        names.push(match event {
            Bridged::Connected => "connected".to_owned(),
            Bridged::Key(party, key) => format!("{party:?} pressed {key}"),
            Bridged::Hold(party, on) => format!("{party:?} holds: {on}"),
            Bridged::Whispered => "whispered".to_owned(),
            Bridged::Over(over) => format!("over: {:?}", over.end),
        });
    }
    names
}

#[tokio::test]
async fn the_operator_hears_the_whisper_and_then_they_hear_each_other() {
    let (hearing, mut hand, folder) = hearing();
    let path = folder.path().join("call.wav");
    let mut recording = hearing.studio.record(&path).await.unwrap();
    recording.notice_was_heard();
    let (caller, operator) = (Far::default(), Far::default());
    caller.with(|ends| ends.level = 1_000);
    operator.with(|ends| ends.level = 2_000);
    let leg = Leg { at: Millis(60_000), ..Leg::new(caller.door(), Some(recording)) };
    let (bridge, mut events) = Bridge::open(leg, operator.door(), Some("Записаться, кошка"), &hearing).await;
    frames(&mut hand, 10);
    assert!(caller.heard().iter().any(|level| *level != 0 && *level != 2_000), "music");
    assert!(operator.heard().iter().all(|level| level.unsigned_abs() > 2_500), "the whisper, without the caller");
    assert_eq!(happened(&mut events), Vec::<String>::new());
    frames(&mut hand, BEEP_FRAMES as u32);
    assert_eq!(happened(&mut events), ["connected"]);
    caller.heard();
    operator.heard();
    frames(&mut hand, 50);
    assert_eq!(caller.heard()[20..], [2_000; 30], "the music has died away");
    assert_eq!(operator.heard()[20..], [1_000; 30]);
    bridge.part();
    frames(&mut hand, 1);
    let Ok(Bridged::Over(over)) = events.try_recv() else { panic!("it is over") };
    assert_eq!(over.end, BridgeEnd::Parted);
    let connected = over.connected_at.map(|at| at.since(Millis(60_000)));
    assert!(connected.is_some_and(|ms| ms.abs_diff(20 * BEEP_FRAMES as u64) <= 40), "{connected:?}");
    assert!((1_000..1_400).contains(&over.talk_ms), "{}", over.talk_ms);
    assert_eq!((over.hold_ms, over.operator_quality.map(|quality| quality.mos)), (0, Some(4.2)));
    over.caller.hang_up().await.unwrap();
    let recorded = audio::wav::read(&path).unwrap();
    assert!(recorded.channels[0].iter().all(|sample| *sample == 1_000));
    let [before, talk] = [&recorded.channels[1][..8 * 400], &recorded.channels[1][8 * 700..]];
    assert!(before.iter().all(|sample| *sample == 0), "what the operator said before the talk is nobody's");
    assert!(talk.iter().all(|sample| *sample == 2_000));
}

#[tokio::test]
async fn a_key_cuts_the_whisper_short_and_later_keys_are_passed_on() {
    let (hearing, mut hand, _folder) = hearing();
    let (caller, operator) = (Far::default(), Far::default());
    let leg = Leg::new(caller.door(), None);
    let (_bridge, mut events) = Bridge::open(leg, operator.door(), Some("Кошка"), &hearing).await;
    frames(&mut hand, 5);
    operator.with(|ends| ends.keys.push_back('1'));
    caller.with(|ends| ends.keys.push_back('5'));
    frames(&mut hand, 1);
    assert_eq!(happened(&mut events), ["connected", "Operator pressed 1", "Caller pressed 5"]);
    assert_eq!(caller.with(|ends| ends.pressed.clone()), "");
    operator.with(|ends| ends.keys.extend("2#".chars()));
    caller.with(|ends| ends.keys.push_back('7'));
    frames(&mut hand, 1);
    assert_eq!(happened(&mut events).len(), 3);
    assert_eq!(caller.with(|ends| ends.pressed.clone()), "2#");
    assert!(operator.with(|ends| ends.pressed.ends_with('7')));
}

#[tokio::test]
async fn who_is_on_hold_hears_music_and_the_times_are_kept_apart() {
    let (hearing, mut hand, _folder) = hearing();
    let (caller, operator) = (Far::default(), Far::default());
    caller.with(|ends| ends.level = 1_000);
    operator.with(|ends| ends.level = 2_000);
    let (bridge, mut events) = Bridge::open(Leg::new(caller.door(), None), operator.door(), None, &hearing).await;
    frames(&mut hand, 50);
    operator.with(|ends| ends.held = true);
    caller.heard();
    operator.heard();
    frames(&mut hand, 50);
    assert_eq!(happened(&mut events), ["connected", "Operator holds: true"]);
    let heard = caller.heard();
    assert!(heard.iter().all(|level| *level != 2_000) && heard[30..].iter().all(|level| *level != 0), "music");
    assert!(operator.heard().iter().all(|level| *level == 0));
    operator.with(|ends| ends.held = false);
    bridge.hold(Party::Caller, true);
    frames(&mut hand, 50);
    assert_eq!(happened(&mut events), ["Caller holds: true", "Operator holds: false"]);
    bridge.hold(Party::Caller, false);
    frames(&mut hand, 25);
    operator.with(|ends| ends.gone = true);
    frames(&mut hand, 1);
    assert_eq!(happened(&mut events)[0], "Caller holds: false");
    let (caller, operator) = (Far::default(), Far::default());
    let (_bridge, mut events) = Bridge::open(Leg::new(caller.door(), None), operator.door(), None, &hearing).await;
    frames(&mut hand, 10);
    operator.with(|ends| ends.held = true);
    frames(&mut hand, 5);
    caller.with(|ends| ends.gone = true);
    frames(&mut hand, 1);
    let over = std::iter::from_fn(|| events.try_recv().ok()).find_map(|event| match event {
        Bridged::Over(over) => Some(over),
        _ => None,
    });
    let over = over.expect("the caller hung up");
    assert_eq!(over.end, BridgeEnd::HungUp(Party::Caller));
    assert_eq!((over.talk_ms, over.hold_ms), (200, 100));
}

#[tokio::test]
async fn an_operator_who_leaves_during_the_whisper_leaves_the_caller_to_others() {
    let (hearing, mut hand, _folder) = hearing();
    let (caller, operator) = (Far::default(), Far::default());
    let leg = Leg::new(caller.door(), None);
    let (_bridge, mut events) = Bridge::open(leg, operator.door(), Some("Кошка"), &hearing).await;
    frames(&mut hand, 5);
    operator.with(|ends| ends.gone = true);
    frames(&mut hand, 1);
    let Ok(Bridged::Over(over)) = events.try_recv() else { panic!("it is over") };
    assert_eq!((over.end, over.connected_at), (BridgeEnd::HungUp(Party::Operator), None));
    assert!(!caller.with(|ends| ends.dropped));
    drop(over);
    assert!(caller.with(|ends| ends.dropped) && operator.with(|ends| ends.dropped));
}

#[tokio::test]
async fn a_bridge_that_is_let_go_hangs_both_up() {
    let (hearing, mut hand, _folder) = hearing();
    let (caller, operator) = (Far::default(), Far::default());
    let (bridge, _events) = Bridge::open(Leg::new(caller.door(), None), operator.door(), None, &hearing).await;
    frames(&mut hand, 5);
    drop(bridge);
    frames(&mut hand, 1);
    assert!(caller.with(|ends| ends.dropped) && operator.with(|ends| ends.dropped));
}

const NOTICE: &str = "Разговор записывается";

#[tokio::test]
async fn a_notice_that_was_broken_off_is_said_to_its_end_before_they_hear_each_other() {
    let (hearing, mut hand, folder) = hearing();
    let path = folder.path().join("call.wav");
    let recording = hearing.studio.record(&path).await.unwrap();
    let (caller, operator) = (Far::default(), Far::default());
    caller.with(|ends| ends.level = 1_000);
    operator.with(|ends| ends.level = 2_000);
    let (room, mut waited) = WaitingRoom::open(Leg::new(caller.door(), Some(recording)), &hearing);
    room.say_notice(NOTICE).await;
    let half = BEEP_FRAMES as u32 / 2;
    frames(&mut hand, half);
    // Somebody answers in the middle of it.
    room.leave();
    frames(&mut hand, 1);
    let Ok(Waited::Left(leg)) = waited.try_recv() else { panic!("the line comes back") };
    assert!(leg.notice_is_due());
    caller.heard();
    let (bridge, mut events) = Bridge::open_told(leg, operator.door(), None, NOTICE, &hearing).await;
    let rest = BEEP_FRAMES as u32 - half;
    frames(&mut hand, rest - 2);
    assert_eq!(happened(&mut events), Vec::<String>::new(), "not before its end");
    assert!(caller.heard().iter().all(|level| *level != 2_000), "the caller does not hear the operator yet");
    assert!(operator.heard().iter().all(|level| *level != 1_000), "nor the operator them");
    frames(&mut hand, 4);
    assert_eq!(happened(&mut events), ["connected"]);
    caller.heard();
    frames(&mut hand, 50);
    assert_eq!(caller.heard()[20..], [2_000; 30]);
    bridge.part();
    frames(&mut hand, 1);
    let Ok(Bridged::Over(over)) = events.try_recv() else { panic!("it is over") };
    assert!(over.caller.hang_up().await.unwrap(), "the talk was recorded");
    let [left, right] = &audio::wav::read(&path).unwrap().channels[..] else { panic!("two sides") };
    assert!(left[..160 * (BEEP_FRAMES - 2)].iter().all(|sample| *sample == 0), "nothing before the notice was heard");
    assert!(left.ends_with(&[1_000; 160 * 40]) && right.ends_with(&[2_000; 160 * 40]));
}

#[tokio::test]
async fn the_caller_is_told_while_the_operator_hears_the_whisper_and_no_key_cuts_that_short() {
    let (hearing, mut hand, folder) = hearing();
    let recording = hearing.studio.record(&folder.path().join("call.wav")).await.unwrap();
    let (caller, operator) = (Far::default(), Far::default());
    let leg = Leg::new(caller.door(), Some(recording));
    let (_bridge, mut events) = Bridge::open_told(leg, operator.door(), Some("Кошка"), NOTICE, &hearing).await;
    frames(&mut hand, 10);
    assert!(caller.heard()[4..].iter().all(|level| level.unsigned_abs() > 2_500), "the notice");
    assert!(operator.heard()[4..].iter().all(|level| level.unsigned_abs() > 2_500), "the whisper");
    operator.with(|ends| ends.keys.extend("12".chars()));
    frames(&mut hand, 1);
    assert_eq!(happened(&mut events), ["Operator pressed 1", "Operator pressed 2"]);
    assert_eq!(caller.with(|ends| ends.pressed.clone()), "", "no key reaches a caller who hears the notice");
    frames(&mut hand, BEEP_FRAMES as u32 - 8);
    assert_eq!(happened(&mut events), ["connected"]);

    // Who knows already is not told again.
    let (caller, operator) = (Far::default(), Far::default());
    let leg = Leg::new(caller.door(), None);
    let (_bridge, mut events) = Bridge::open_told(leg, operator.door(), None, NOTICE, &hearing).await;
    frames(&mut hand, 1);
    assert_eq!(happened(&mut events), ["connected"]);
}
