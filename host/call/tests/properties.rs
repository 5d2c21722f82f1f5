//! What is promised of every call, whatever happens: no silence without a reason, an end, one reply per command, nothing
//! after the end, and no panic.

mod harness;

use std::collections::BTreeSet;

use call::{
    AnswerKind, BargeIn, Call, Command, Config, Event, FlowOutcome, Input, Millis, Output, Prompt, Question, State,
    Token, TooLong, TransferResult,
};
use harness::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

// ---- a plausible world: prompts, ears, people and flows that are slow, fail or vanish, and a caller who does anything

#[derive(Debug, Clone)]
struct World {
    playbacks: Vec<Playback>,
    hearings: Vec<Hearing>,
    handings: Vec<Handing>,
    deeds: Vec<(u64, Deed)>,
    /// Pauses and lengths of the caller's speech.
    speech: Vec<(u64, u64)>,
    keys: Vec<(u64, char)>,
    typed: Vec<u64>,
    frames: bool,
    hangs_up: Option<u64>,
    too_long: TooLong,
}

fn barge_in() -> impl Strategy<Value = BargeIn> {
    prop_oneof![Just(BargeIn::None), Just(BargeIn::Kept), Just(BargeIn::Digits), Just(BargeIn::Speech)]
}

fn answer_kind() -> impl Strategy<Value = AnswerKind> {
    use AnswerKind::*;
    prop::sample::select(vec![Free, YesNo, Choice, Phone, Digits, DateTime, PersonName, Animal])
}

fn question() -> impl Strategy<Value = Question> {
    let text = prop_oneof![4 => Just("Когда вам удобно?"), 1 => Just(" ")];
    let timeout = prop_oneof![3 => Just(0_u32), 1 => 0..20_000_u32, 1 => Just(u32::MAX)];
    (text, answer_kind(), barge_in(), timeout, 0..5_u32).prop_map(
        |(text, expects, barge_in, answer_timeout_ms, max_digits)| Question {
            id: "q".into(),
            text: text.into(),
            expects,
            barge_in,
            answer_timeout_ms,
            max_digits,
            hints: vec!["Барсик".into()],
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let said = prop_oneof![4 => Just("Добрый день"), 1 => Just("")];
    prop_oneof![
        4 => (said, barge_in()).prop_map(|(text, barge_in)| say(text, barge_in)),
        1 => barge_in().prop_map(|barge_in| Command::Play { prompt: "p".into(), barge_in }),
        6 => question().prop_map(Command::Ask),
        1 => Just(transfer()),
        1 => Just(Command::HangUp),
    ]
}

fn flow_outcome() -> impl Strategy<Value = FlowOutcome> {
    prop_oneof![Just(FlowOutcome::Finished), Just(FlowOutcome::Failed)]
}

fn transfer_result() -> impl Strategy<Value = TransferResult> {
    prop_oneof![
        Just(TransferResult::Connected),
        Just(TransferResult::Nobody),
        Just(TransferResult::Refused("603".into()))
    ]
}

fn playback() -> impl Strategy<Value = Playback> {
    prop_oneof![
        6 => (0..300_u64, 0..6_000_u64).prop_map(|(start_ms, ms)| Playback::Plays { start_ms, ms }),
        2 => (0..12_000_u64, 0..30_000_u64).prop_map(|(start_ms, ms)| Playback::Plays { start_ms, ms }),
        1 => (0..9_000_u64).prop_map(Playback::Fails),
        1 => Just(Playback::Vanishes),
    ]
}

fn hearing() -> impl Strategy<Value = Hearing> {
    prop_oneof![
        6 => (0..6_000_u64, prop::sample::select(vec!["да", "завтра в пять", "", " "]))
            .prop_map(|(ms, text)| Hearing::Words(ms, text)),
        1 => (0..6_000_u64).prop_map(Hearing::Fails),
        1 => Just(Hearing::Vanishes),
    ]
}

fn handing() -> impl Strategy<Value = Handing> {
    prop_oneof![
        3 => (0..40_000_u64, transfer_result()).prop_map(|(ms, result)| Handing::After(ms, result)),
        1 => Just(Handing::Vanishes),
    ]
}

fn deed() -> impl Strategy<Value = (u64, Deed)> {
    let think = prop_oneof![6 => 0..200_u64, 2 => 0..9_000_u64, 1 => 0..20_000_u64];
    let deed = prop_oneof![
        12 => command().prop_map(Deed::Command),
        1 => flow_outcome().prop_map(Deed::Ends),
        1 => Just(Deed::Hangs),
    ];
    (think, deed)
}

fn world() -> impl Strategy<Value = World> {
    let events = (
        prop::collection::vec((0..6_000_u64, prop_oneof![1 => 20..140_u64, 4 => 0..4_000_u64]), 0..30),
        prop::collection::vec((0..90_000_u64, prop::sample::select(vec!['0', '1', '5', '*', '#'])), 0..10),
        prop::collection::vec(0..90_000_u64, 0..4),
    );
    (
        prop::collection::vec(playback(), 1..6),
        prop::collection::vec(hearing(), 1..6),
        prop::collection::vec(handing(), 1..3),
        prop::collection::vec(deed(), 0..12),
        events,
        prop::bool::weighted(0.8),
        prop::option::weighted(0.3, 0..90_000_u64),
        prop_oneof![Just(TooLong::HandOver), Just(TooLong::Goodbye)],
    )
        .prop_map(|(playbacks, hearings, handings, deeds, (speech, keys, typed), frames, hangs_up, too_long)| {
            World { playbacks, hearings, handings, deeds, speech, keys, typed, frames, hangs_up, too_long }
        })
}

/// The longest call of a world, then a transfer, three prompts and a flow that lingers: more no call may take.
const MAX_CALL_MS: u64 = 90_000;
const LONGEST_MS: u64 = MAX_CALL_MS + 2 * 30_000 + 3 * 31_000 + 5_000;

fn live(world: &World) -> Harness {
    let config =
        Config { max_call_ms: MAX_CALL_MS, max_prompt_ms: 31_000, too_long: world.too_long, ..Config::default() };
    let mut h = Harness::new(config);
    h.playbacks = world.playbacks.clone().into();
    h.hearings = world.hearings.clone().into();
    h.handings = world.handings.clone().into();
    h.deeds = world.deeds.clone().into();
    h.frames = world.frames;
    let mut at = 0;
    for (pause, length) in &world.speech {
        h.speech.push((at + pause, at + pause + length));
        at += pause + length;
    }
    for (at, key) in &world.keys {
        h.plan(*at, Input::Digit(*key));
    }
    for at in &world.typed {
        h.plan(*at, Input::Typed("слова".into()));
    }
    if let Some(at) = world.hangs_up {
        h.plan(at, Input::CallerHungUp);
    }
    h.next_deed();
    h.run_to(LONGEST_MS);
    h
}

fn tokens_are_unique(outputs: &[(Millis, Output)]) -> bool {
    let mut tokens: Vec<Token> = outputs.iter().filter_map(|(_, output)| token_of(output)).collect();
    let all = tokens.len();
    tokens.sort();
    tokens.dedup();
    tokens.len() == all
}

fn ends(outputs: &[(Millis, Output)]) -> usize {
    outputs.iter().filter(|(_, output)| matches!(output, Output::Ended(_))).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_caller_waits_in_silence_and_every_call_ends(world in world()) {
        let h = live(&world);
        // One second until the tone, and the pause that ends speech if the caller made a noise in our turn.
        let (silence, at) = h.worst_silence;
        prop_assert!(silence <= 3_000, "{silence} ms of silence until {at}: {:#?}", h.log);
        prop_assert_eq!(h.state(), State::Ended);
        prop_assert_eq!(ends(&h.log), 1);
        prop_assert!(h.end().is_some(), "Ended is the last output");
        prop_assert_eq!(h.replies().len(), h.commands);
        prop_assert!(tokens_are_unique(&h.log));
        prop_assert!(h.at(|o| *o == Output::TakeCallback).len() <= 1);
    }
}

/// The worlds above would prove nothing if they did not go everywhere.
#[test]
fn the_worlds_reach_every_state_and_every_end() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..3_000 {
        let world = world().new_tree(&mut runner).expect("a world").current();
        for (_, output) in live(&world).log {
            match output {
                Output::Event(Event::StateChanged { from, to, .. }) => reached.insert(format!("{from:?} → {to:?}")),
                Output::Event(Event::Failing { why, .. }) => reached.insert(format!("{why:?}")),
                Output::Event(Event::NothingHeard { why, .. }) => reached.insert(format!("{why:?}")),
                Output::Event(Event::SpeechMerged { .. }) => reached.insert("merged".into()),
                Output::Ended(reason) => reached.insert(format!("{reason:?}")),
                Output::Play { what: Prompt::System(prompt), .. } => reached.insert(format!("{prompt:?}")),
                _ => false,
            };
        }
    }
    let wanted = "Thinking → Speaking, Thinking → Listening, Thinking → CallerSpeaking, Thinking → Recognising, \
        Thinking → CollectingDigits, Thinking → HandingOver, Thinking → Failing, Thinking → Closing, \
        Speaking → Thinking, Speaking → Listening, Speaking → CallerSpeaking, Speaking → Recognising, \
        Speaking → CollectingDigits, Speaking → Failing, Speaking → Closing, \
        Listening → Thinking, Listening → CallerSpeaking, Listening → CollectingDigits, Listening → Closing, \
        CallerSpeaking → Recognising, CallerSpeaking → Thinking, CallerSpeaking → CollectingDigits, \
        Recognising → Thinking, Recognising → CallerSpeaking, Recognising → Listening, Recognising → Speaking, \
        CollectingDigits → Thinking, HandingOver → Thinking, HandingOver → Closing, Failing → Closing, Closing → Ended, \
        merged, Empty, Failed, Late, FlowFailed, FlowDidNothing, FlowOverdue, VoiceFailed, CallTooLong, \
        HandingOver, WillCallBack, Goodbye, StillThere, PleaseHold, \
        CallerHungUp, FlowHungUp, FlowFinished, Transferred, CallBackTaken, TooLong";
    let missing: Vec<&str> = wanted.split(", ").map(str::trim).filter(|name| !reached.contains(*name)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}; reached: {reached:#?}");
}

// ---- chaos: any input, at any time, with any token

fn any_input() -> impl Strategy<Value = Input> {
    let token = || (0..12_u64).prop_map(Token);
    let confidence = prop_oneof![Just(f32::NAN), Just(-1.0_f32), Just(0.5), Just(f32::INFINITY)];
    let text = prop_oneof![Just(String::new()), Just("да".to_string()), Just("\u{0}\u{202e}".to_string())];
    prop_oneof![
        2 => Just(Input::Tick),
        12 => prop::bool::ANY.prop_map(|speech| Input::Frame { speech }),
        3 => prop::char::any().prop_map(Input::Digit),
        3 => prop::sample::select(vec!['0', '7', '#']).prop_map(Input::Digit),
        4 => (token(), text.clone(), confidence)
            .prop_map(|(token, text, confidence)| Input::Heard { token, text, confidence }),
        2 => token().prop_map(|token| Input::HearingFailed { token }),
        2 => text.prop_map(Input::Typed),
        6 => token().prop_map(|token| Input::PlaybackStarted { token }),
        6 => token().prop_map(|token| Input::PlaybackDone { token }),
        3 => token().prop_map(|token| Input::PlaybackFailed { token }),
        10 => command().prop_map(Input::Flow),
        1 => flow_outcome().prop_map(Input::FlowEnded),
        1 => Just(Input::CallerHungUp),
        1 => Just(Input::TakeOver { to: "@Анна".into(), summary: "забирает Анна".into() }),
        3 => (token(), transfer_result()).prop_map(|(token, result)| Input::TransferResult { token, result }),
    ]
}

fn drain(call: &mut Call, now: Millis, log: &mut Vec<(Millis, Output)>) {
    while let Some(output) = call.poll() {
        log.push((now, output));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_inputs_is_survived(
        inputs in prop::collection::vec((prop_oneof![8 => 0..40_u64, 1 => 0..15_000_u64], any_input()), 0..120),
        backwards in 0..50_u64,
    ) {
        let mut call = Call::new(Config::default(), Millis(0));
        let (mut now, mut commands, mut log) = (Millis(0), 0, Vec::new());
        for (after, input) in inputs {
            now = now + after;
            let before = log.len();
            let over = call.state() == State::Ended;
            // A command that finds the call ended by a timer that was due before it has nobody to answer it: fire them.
            call.handle(Input::Tick, now);
            drain(&mut call, now, &mut log);
            commands += usize::from(matches!(input, Input::Flow(_)) && call.state() != State::Ended);
            call.handle(input, now.back(backwards));
            drain(&mut call, now, &mut log);
            prop_assert!(!over || log.len() == before, "something after the end");
        }
        let last = now;
        while let Some(due) = call.deadline() {
            prop_assert!(due > now, "the timer at {} stands still at {} in {:?}", due, now, call.state());
            prop_assert!(due.since(last) <= 1_800_000 + 200_000, "no end in sight in {:?}", call.state());
            now = due;
            call.handle(Input::Tick, now);
            drain(&mut call, now, &mut log);
        }
        prop_assert_eq!(call.state(), State::Ended);
        prop_assert_eq!(ends(&log), 1);
        prop_assert!(matches!(log.last(), Some((_, Output::Ended(_)))));
        prop_assert!(tokens_are_unique(&log));
        let replies = log.iter().filter(|(_, output)| matches!(output, Output::Reply(_))).count();
        prop_assert_eq!(replies, commands);
    }
}
