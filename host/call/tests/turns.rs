//! The conversation rows of the state table: Thinking, Speaking, Listening, CallerSpeaking, Recognising.

mod harness;

use call::{
    AnswerKind, BargeIn, Command, Config, EndReason, Event, FlowOutcome, Input, Millis, NothingHeard, Output, Prompt,
    Question, Reply, Said, State, SystemPrompt, Token,
};
use harness::*;

// ---- Thinking

#[test]
fn a_prompt_is_played_and_answered() {
    let mut h = Harness::phone();
    assert_eq!(h.state(), State::Thinking);
    h.flow(say("Здравствуйте!", BargeIn::None));
    assert_eq!(h.state(), State::Speaking);
    h.run_to(1_039);
    assert_eq!(h.replies(), []);
    h.run_to(1_040);
    assert_eq!(h.replies(), [Reply::Said(Said::Complete)]);
    assert_eq!(h.state(), State::Thinking);
}

#[test]
fn a_blank_text_is_complete_at_once() {
    let mut h = Harness::phone();
    h.flow(say("  ", BargeIn::None));
    assert_eq!((h.replies(), h.prompts()), (vec![Reply::Said(Said::Complete)], vec![]));
}

#[test]
fn recorded_prompts_go_by_name_and_unknown_ones_are_named() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Fails(10)].into();
    h.flow(Command::Play { prompt: "greeting".into(), barge_in: BargeIn::None });
    assert_eq!(h.prompts(), [(0, Prompt::Recorded("greeting".into()))]);
    h.run_to(20);
    assert_eq!(h.replies(), [Reply::UnknownPrompt]);
}

#[test]
fn a_second_command_waits_for_the_first() {
    let mut h = Harness::phone();
    h.flow(say("раз", BargeIn::None));
    h.flow(say("два", BargeIn::None));
    h.run_to(1_039);
    assert_eq!(h.prompts().len(), 1);
    h.run_to(3_000);
    assert_eq!(h.prompts(), [(0, text("раз")), (1_040, text("два"))]);
    assert_eq!(h.replies().len(), 2);
}

#[test]
fn the_caller_hears_that_the_line_is_alive_while_the_flow_computes() {
    let mut h = Harness::phone();
    h.run_to(5_999);
    assert_eq!(h.tones(), [(1_000, true)]);
    assert_eq!(h.prompts(), []);
    h.run_to(6_500);
    assert_eq!(h.prompts(), [(6_000, system(SystemPrompt::PleaseHold))]);
    assert_eq!(h.tones()[1..], [(6_040, false)], "the tone ends with the first sample");
    // The command comes while the notice plays: the notice is heard out.
    h.flow(say("Готово", BargeIn::None));
    assert_eq!(h.state(), State::Speaking);
    h.run_to(8_000);
    assert_eq!(h.prompts()[1..], [(7_040, text("Готово"))]);
}

#[test]
fn holding_is_repeated() {
    let mut h = Harness::new(Config { flow_timeout_ms: 60_000, ..Config::default() });
    h.run_to(30_000);
    let at: Vec<u64> = h.prompts().into_iter().map(|(at, _)| at).collect();
    assert_eq!(at, [6_000, 17_040, 28_080]);
    assert!(h.worst_silence.0 <= 1_000);
}

#[test]
fn a_voice_that_takes_long_is_bridged_by_the_tone() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Plays { start_ms: 2_500, ms: 1_000 }].into();
    h.flow(say("Долгий синтез", BargeIn::None));
    h.run_to(5_000);
    assert_eq!(h.tones()[..2], [(1_000, true), (2_500, false)]);
}

#[test]
fn many_short_commands_do_not_add_up_to_silence() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Fails(900)].into();
    h.deeds = (0..2).map(|_| (50, Deed::Command(say("не выйдет", BargeIn::None)))).collect();
    h.next_deed();
    h.run_to(2_500);
    assert_eq!(h.tones()[0], (1_000, true));
}

#[test]
fn silence_counts_from_the_last_sound_and_from_the_end_of_the_callers_turn() {
    let mut h = Harness::phone();
    h.flow(say("Минутку", BargeIn::None));
    h.run_to(3_000);
    assert_eq!(h.tones(), [(2_040, true)]);

    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.run_to(8_000);
    assert_eq!((h.replies(), h.tones()), (vec![SILENCE], vec![(7_040, true)]));
}

#[test]
fn nothing_is_played_into_the_callers_words() {
    let mut h = Harness::phone();
    h.speech = vec![(200, 3_000)];
    h.run_to(5_000);
    assert_eq!(h.tones(), [(3_900, true)], "after the pause that ends speech");

    let mut h = Harness::phone();
    h.speech = vec![(200, 7_000)];
    h.run_to(8_000);
    assert_eq!(h.prompts(), [(7_900, system(SystemPrompt::PleaseHold))]);
}

// ---- Speaking: barge-in

#[test]
fn nothing_stops_a_prompt_that_must_be_heard() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::None);
    h.speech = vec![(100, 500)];
    h.run_to(700);
    h.give(Input::Digit('1'));
    assert_eq!(h.state(), State::Speaking);
    assert!(h.at(|o| matches!(o, Output::StopPlayback { .. })).is_empty());
    h.run_to(1_040);
    assert_eq!(h.state(), State::CollectingDigits, "the key was kept");
}

#[test]
fn speech_stops_a_question_within_150_ms_and_answers_it() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.speech = vec![(300, 800)];
    h.run_to(359);
    assert_eq!(h.state(), State::Speaking);
    h.run_to(2_000);
    assert_eq!(h.at(|o| matches!(o, Output::StopPlayback { .. })), [360], "60 ms of voice, then at once");
    assert_eq!(h.at(|o| matches!(o, Output::Event(Event::BargeIn { by_key: false, .. }))), [360]);
    // The pause for yes or no is 300 ms; recognition took 500.
    assert_eq!(h.at(|o| matches!(o, Output::Hear { .. })), [1_100]);
    assert_eq!(h.spans(), [(0, 1_000)]);
    assert_eq!(h.replies(), [words("да", 0.9)]);
}

#[test]
fn a_click_does_not_stop_a_prompt() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.speech = vec![(100, 140), (500, 540), (900, 940)];
    h.run_to(1_040);
    assert_eq!(h.state(), State::Listening);
}

#[test]
fn only_voice_over_the_prompt_itself_stops_it() {
    let mut h = Harness::phone();
    h.speech = vec![(0, 700)];
    h.run_to(300);
    h.flow(say("Так", BargeIn::Speech));
    h.run_to(600);
    assert_eq!(h.at(|o| matches!(o, Output::StopPlayback { .. })), [360]);
}

#[test]
fn clicks_after_speech_do_not_add_up_to_a_barge_in() {
    let mut h = Harness::phone();
    h.speech = vec![(300, 800), (1_000, 1_040), (1_260, 1_300), (1_520, 1_560)];
    h.run_to(900);
    h.flow(say("Так", BargeIn::Speech));
    h.run_to(1_940);
    assert_eq!(h.replies(), [Reply::Said(Said::Complete)]);
}

#[test]
fn voice_does_not_stop_what_only_keys_may_stop() {
    let mut h = Harness::asking(AnswerKind::Digits, BargeIn::Digits);
    h.speech = vec![(100, 600)];
    h.run_to(650);
    assert_eq!(h.state(), State::Speaking);
    h.give(Input::Digit('1'));
    assert_eq!(h.state(), State::CollectingDigits);
    assert_eq!(h.at(|o| matches!(o, Output::StopPlayback { .. })), [650]);
}

#[test]
fn speech_over_a_say_answers_the_next_question() {
    let mut h = Harness::phone();
    h.deeds = [
        (0, Deed::Command(say("Здравствуйте, вы позвонили …", BargeIn::Speech))),
        (50, Deed::Command(ask(AnswerKind::Free, BargeIn::Speech))),
    ]
    .into();
    h.next_deed();
    h.speech = vec![(400, 1_500)];
    h.run_to(600);
    assert_eq!(h.replies(), [Reply::Said(Said::Interrupted)]);
    h.run_to(660);
    assert_eq!(h.state(), State::CallerSpeaking, "the question is not put to somebody who is answering");
    h.run_to(4_000);
    assert_eq!(h.spans(), [(100, 1_700)]);
    assert_eq!(h.prompts().len(), 1);
    assert_eq!(h.replies()[1..], [words("да", 0.9)]);
}

#[test]
fn speech_over_a_say_that_ended_before_the_question_is_recognised_at_once() {
    let mut h = Harness::phone();
    h.deeds = [
        (0, Deed::Command(say("Здравствуйте", BargeIn::Speech))),
        (3_000, Deed::Command(ask(AnswerKind::Free, BargeIn::Speech))),
    ]
    .into();
    h.next_deed();
    // Two pieces, 950 ms apart: the pause of 900 ms ends the first, but they are one.
    h.speech = vec![(400, 1_000), (1_960, 2_400)];
    h.run_to(3_601);
    assert_eq!(h.state(), State::Recognising);
    assert_eq!(h.spans(), [(100, 2_600)]);
}

#[test]
fn speech_over_a_say_is_forgotten_in_time() {
    let mut h = Harness::new(Config { flow_timeout_ms: 60_000, ..Config::default() });
    h.flow(say("Здравствуйте", BargeIn::Speech));
    h.speech = vec![(400, 1_000)];
    h.run_to(17_000);
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    assert_eq!(h.state(), State::Speaking);
}

#[test]
fn all_of_a_long_interruption_is_kept_but_not_what_was_before_the_prompt() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Plays { start_ms: 0, ms: 9_000 }].into();
    h.flow(say("Здравствуйте", BargeIn::Speech));
    h.speech = vec![(400, 4_000)];
    h.run_to(3_000);
    h.flow(ask(AnswerKind::YesNo, BargeIn::Speech));
    h.run_to(5_000);
    assert_eq!(h.spans(), [(100, 4_200)]);

    let mut h = Harness::phone();
    h.speech = vec![(100, 3_000)];
    h.run_to(2_000);
    h.flow(say("Здравствуйте", BargeIn::Speech));
    h.run_to(2_200);
    h.flow(ask(AnswerKind::YesNo, BargeIn::Speech));
    h.run_to(4_000);
    assert_eq!(h.spans(), [(760, 3_200)], "a second before the interruption, and the pre-roll");
}

#[test]
fn a_notice_is_heard_out_and_what_is_said_over_it_answers_the_question_after_it() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Plays { start_ms: 0, ms: 3_000 }].into();
    h.flow(say("Разговор записывается.", BargeIn::Kept));
    h.speech = vec![(400, 1_000)];
    h.run_to(2_900);
    assert_eq!((h.state(), h.replies()), (State::Speaking, vec![]));
    h.run_to(3_100);
    assert_eq!(h.replies(), [Reply::Said(Said::Complete)]);
    assert!(h.at(|o| matches!(o, Output::StopPlayback { .. })).is_empty());
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    assert_eq!(
        (h.state(), h.prompts().len()),
        (State::Recognising, 1),
        "the question is not put to who has answered it"
    );
    assert_eq!(h.spans(), [(100, 1_200)]);

    let mut h = Harness::phone();
    h.flow(say("Разговор записывается.", BargeIn::Kept));
    h.run_to(500);
    h.give(Input::Digit('0'));
    assert_eq!(h.state(), State::Speaking);
    h.run_to(2_000);
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    assert_eq!(h.replies().last(), Some(&Reply::Answer(call::Answer::Digits("0".into()))));
}

#[test]
fn the_pause_of_one_question_does_not_cut_the_interruption_after_it() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.run_to(1_500);
    h.give(Input::Typed("да".into()));
    h.flow(say("Хорошо", BargeIn::Speech));
    h.speech = vec![(2_000, 2_500)];
    h.run_to(2_900);
    assert_eq!(h.replies().last(), Some(&Reply::Said(Said::Interrupted)));
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    assert_eq!(h.state(), State::CallerSpeaking);
}

#[test]
fn typed_words_stop_a_prompt_where_voice_may() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.run_to(200);
    h.give(Input::Typed(" ".into()));
    assert_eq!(h.state(), State::Speaking);
    h.give(Input::Typed("хочу записаться".into()));
    assert_eq!(h.at(|o| matches!(o, Output::StopPlayback { .. })), [200]);
    assert_eq!(h.replies(), [words("хочу записаться", 1.0)]);
}

#[test]
fn speech_that_goes_on_at_the_end_of_a_question_answers_it() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::None);
    h.speech = vec![(800, 1_300)];
    h.run_to(1_040);
    assert_eq!(h.state(), State::CallerSpeaking);
    h.run_to(1_700);
    assert_eq!(h.spans(), [(500, 1_500)]);
}

#[test]
fn of_long_speech_before_we_listened_only_the_last_second_counts() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Plays { start_ms: 0, ms: 3_000 }].into();
    h.flow(ask(AnswerKind::YesNo, BargeIn::None));
    h.speech = vec![(100, 3_300)];
    h.run_to(4_000);
    assert_eq!(h.spans(), [(1_700, 3_500)]);
}

// ---- Speaking: what can go wrong

#[test]
fn a_prompt_that_never_starts_fails_and_the_third_goes_to_a_person() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Vanishes].into();
    h.deeds = (0..3).map(|_| (0, Deed::Command(say("тишина", BargeIn::None)))).collect();
    h.next_deed();
    h.run_to(8_000);
    assert_eq!(h.replies(), [Reply::VoiceFailed]);
    h.run_to(24_000);
    assert_eq!(h.replies(), [Reply::VoiceFailed, Reply::VoiceFailed, Reply::HungUp]);
    assert_eq!(h.state(), State::Failing);
    assert_eq!(h.tones(), [(1_000, true)], "one tone throughout");
}

#[test]
fn failures_of_the_voice_count_only_in_a_row() {
    let mut h = Harness::phone();
    let plays = Playback::Plays { start_ms: 0, ms: 100 };
    let fails = Playback::Fails(10);
    h.playbacks = [fails, fails, plays, fails, fails, plays].into();
    h.deeds = (0..6).map(|_| (0, Deed::Command(say("раз", BargeIn::None)))).collect();
    h.next_deed();
    h.run_to(1_000);
    assert_eq!(h.replies().len(), 6);
    assert_eq!(h.state(), State::Thinking);
}

#[test]
fn a_question_that_cannot_be_spoken_is_not_waited_for() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Fails(300)].into();
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    h.run_to(300);
    assert_eq!(h.replies(), [Reply::VoiceFailed]);
}

#[test]
fn an_endless_prompt_is_stopped() {
    let mut h = Harness::phone();
    h.playbacks = [Playback::Plays { start_ms: 0, ms: 1_000_000 }].into();
    h.flow(say("бесконечность", BargeIn::None));
    h.run_to(120_000);
    assert_eq!(h.at(|o| matches!(o, Output::StopPlayback { .. })), [120_000]);
    assert_eq!(h.replies(), [Reply::Said(Said::Complete)]);
}

// ---- Listening

#[test]
fn nobody_answers() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.run_to(6_039);
    assert_eq!(h.state(), State::Listening);
    h.run_to(6_040);
    assert_eq!(h.replies(), [SILENCE]);
}

#[test]
fn the_question_sets_the_answer_time_out_within_bounds() {
    for (wanted, real) in [(2_000, 2_000), (1, 1_000), (u32::MAX, 60_000)] {
        let mut h = Harness::phone();
        let question = Question { text: "Да?".into(), answer_timeout_ms: wanted, ..Question::default() };
        h.flow(Command::Ask(question));
        h.run_to(70_000);
        assert_eq!(h.at(|o| *o == Output::Reply(SILENCE)), [1_040 + real]);
    }
}

#[test]
fn an_answer_that_begins_at_the_last_moment_counts() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.speech = vec![(6_000, 6_400)];
    h.run_to(8_000);
    assert_eq!(h.replies(), [words("да", 0.9)]);
}

#[test]
fn what_comes_at_the_moment_of_a_time_out_counts() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.plan(6_040, Input::Typed("успел".into()));
    h.run_to(7_000);
    assert_eq!(h.replies(), [words("успел", 1.0)]);
}

#[test]
fn a_click_at_the_last_moment_does_not_prolong_the_wait_by_much() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.speech = vec![(6_000, 6_020)];
    h.run_to(8_000);
    let at = h.at(|o| *o == Output::Reply(SILENCE))[0];
    assert!((6_040..=6_260).contains(&at), "{at}");
}

#[test]
fn typed_words_answer() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::None);
    h.frames = false;
    h.run_to(1_500);
    h.give(Input::Typed("завтра".into()));
    assert_eq!(h.replies(), [words("завтра", 1.0)]);
}

#[test]
fn a_blank_question_listens_after_a_say_and_asks_whether_you_are_there_otherwise() {
    let mut h = Harness::phone();
    h.flow(say("Чем могу помочь?", BargeIn::None));
    h.run_to(1_040);
    h.flow(Command::Ask(Question::default()));
    assert_eq!(h.state(), State::Listening);
    h.run_to(6_040);
    assert_eq!(h.replies().last(), Some(&SILENCE));
    h.flow(Command::Ask(Question::default()));
    assert_eq!(h.prompts().last(), Some(&(6_040, system(SystemPrompt::StillThere))));
}

// ---- CallerSpeaking

#[test]
fn the_pause_that_ends_an_answer_depends_on_the_question() {
    let kinds = [
        (AnswerKind::YesNo, 300),
        (AnswerKind::Choice, 400),
        (AnswerKind::Digits, 1_200),
        (AnswerKind::Phone, 1_200),
        (AnswerKind::DateTime, 700),
        (AnswerKind::PersonName, 800),
        (AnswerKind::Animal, 700),
        (AnswerKind::Free, 900),
    ];
    for (kind, pause) in kinds {
        let mut h = Harness::asking(kind, BargeIn::Speech);
        // Speech that begins as usual; a hole a little shorter than the pause does not end it.
        h.speech = vec![(2_000, 2_600), (2_580 + pause, 3_600 + pause)];
        h.run_to(2_200);
        assert_eq!(h.state(), State::CallerSpeaking);
        h.run_to(9_000);
        assert_eq!(h.at(|o| matches!(o, Output::Hear { .. })), [3_600 + 2 * pause], "{kind:?}");
        let kinds = h.log.iter().filter_map(|(_, o)| match o {
            Output::Hear { span, .. } => Some(span.expects),
            _ => None,
        });
        assert_eq!(kinds.collect::<Vec<_>>(), [kind]);
    }
}

#[test]
fn what_may_be_the_end_is_heard_ahead_once_for_each_pause() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    // A pause of 160 ms is part of a word, one of 500 ms may be the end, the last is.
    h.speech = vec![(2_000, 2_600), (2_760, 3_200), (3_700, 4_400)];
    h.run_to(9_000);
    let ahead = h.log.iter().filter_map(|(at, output)| match output {
        Output::HearAhead(span) => Some((at.0, span.clone())),
        _ => None,
    });
    let ahead: Vec<_> = ahead.collect();
    let times: Vec<_> = ahead.iter().map(|(at, span)| (*at, span.from.0, span.to.0)).collect();
    assert_eq!(times, [(3_400, 1_700, 3_400), (4_600, 1_700, 4_600)]);
    // What is heard in the end is what was heard ahead, to the millisecond.
    let heard = h.log.iter().find_map(|(at, output)| match output {
        Output::Hear { span, .. } => Some((at.0, span.clone())),
        _ => None,
    });
    assert_eq!(heard, Some((5_300, ahead[1].1.clone())));
}

#[test]
fn nothing_is_heard_ahead_of_a_key() {
    // A key came before the pause was long enough.
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::None);
    h.speech = vec![(2_000, 2_600)];
    h.run_to(2_650);
    h.give(Input::Digit('1'));
    h.run_to(9_000);
    assert_eq!(h.at(|o| matches!(o, Output::HearAhead(_))), []);
}

#[test]
fn endless_speech_is_recognised_after_25_s() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.speech = vec![(2_000, 60_000)];
    h.hearings = [Hearing::Words(3_000, "длинно")].into();
    h.run_to(35_000);
    assert_eq!(h.spans(), [(1_700, 27_000)]);
    assert_eq!(h.replies(), [words("длинно", 0.9)]);
}

#[test]
fn lost_audio_ends_an_answer() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.speech = vec![(2_000, 9_000)];
    h.run_to(2_500);
    h.frames = false;
    h.run_to(2_900);
    assert_eq!(h.state(), State::Recognising);
}

#[test]
fn a_key_or_typed_words_win_over_speech() {
    for input in [Input::Digit('0'), Input::Typed("ноль".into())] {
        let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
        h.speech = vec![(2_000, 3_000)];
        h.run_to(2_400);
        h.give(input.clone());
        let expected = if input == Input::Digit('0') { keys("0") } else { words("ноль", 1.0) };
        assert_eq!(h.replies(), [expected]);
        h.run_to(6_000);
        assert_eq!(h.spans(), []);
    }
}

// ---- Recognising

#[test]
fn the_turn_is_measured_from_the_last_speech_to_the_first_sample() {
    let mut h = Harness::phone();
    h.deeds = [
        (0, Deed::Command(ask(AnswerKind::YesNo, BargeIn::Speech))),
        (30, Deed::Command(say("Записала", BargeIn::None))),
    ]
    .into();
    h.next_deed();
    h.speech = vec![(2_000, 2_600)];
    h.run_to(5_000);
    let [turn] = h.turns()[..] else { panic!("one turn, not {:?}", h.turns()) };
    assert_eq!((turn.end_of_speech, turn.first_sample), (Millis(2_600), Millis(3_470)));
    assert_eq!((turn.pause_ms, turn.recognising_ms, turn.machine_ms), (300, 500, 570));
    assert_eq!(turn.response_ms(), 870);
}

#[test]
fn a_channel_that_reports_only_the_end_is_measured_too() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.run_to(2_000);
    h.give(Input::Typed("да".into()));
    h.playbacks = [Playback::Vanishes].into();
    h.run_to(2_100);
    h.flow(say("Хорошо", BargeIn::None));
    let token = h.newest_token();
    h.run_to(2_300);
    h.give(Input::PlaybackDone { token });
    assert_eq!(h.replies().last(), Some(&Reply::Said(Said::Complete)));
    assert_eq!(h.turns()[0].first_sample, Millis(2_100));
}

#[test]
fn who_goes_on_speaking_is_recognised_as_a_whole() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.hearings = [Hearing::Words(800, "да"), Hearing::Words(500, "да нет наверное")].into();
    h.speech = vec![(2_000, 2_400), (3_000, 3_800)];
    h.run_to(3_119);
    assert_eq!(h.state(), State::Recognising);
    h.run_to(3_120);
    assert_eq!(h.state(), State::CallerSpeaking);
    assert_eq!(h.at(|o| matches!(o, Output::Event(Event::SpeechMerged { .. }))), [3_120]);
    h.run_to(6_000);
    assert_eq!(h.spans(), [(1_700, 2_600), (1_700, 4_000)]);
    assert_eq!(h.replies(), [words("да нет наверное", 0.9)], "the first result is void");
}

#[test]
fn speech_long_after_the_answer_is_not_part_of_it() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.hearings = [Hearing::Words(3_000, "да")].into();
    h.speech = vec![(2_000, 2_400), (4_000, 4_600)];
    h.run_to(6_000);
    assert_eq!(h.spans().len(), 1);
    assert_eq!(h.replies(), [words("да", 0.9)]);
}

#[test]
fn noise_leaves_the_caller_their_time() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.hearings = [Hearing::Words(300, ""), Hearing::Words(300, "да")].into();
    h.speech = vec![(1_500, 1_700), (4_000, 4_400)];
    h.run_to(2_400);
    assert_eq!(h.state(), State::Listening);
    h.run_to(6_000);
    assert_eq!(h.replies(), [words("да", 0.9)]);
}

#[test]
fn noise_at_the_last_moment_leaves_some_time() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.hearings = [Hearing::Words(300, "")].into();
    h.speech = vec![(5_900, 6_100)];
    h.run_to(10_000);
    assert_eq!(h.at(|o| *o == Output::Reply(SILENCE)), [6_700 + 1_500]);
}

#[test]
fn who_begins_to_answer_while_noise_is_recognised_is_heard() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.hearings = [Hearing::Words(3_000, ""), Hearing::Words(300, "да")].into();
    h.speech = vec![(1_500, 1_700), (3_300, 6_000)];
    h.run_to(5_000);
    assert_eq!(h.state(), State::CallerSpeaking);
    h.run_to(8_000);
    assert_eq!(h.replies(), [words("да", 0.9)]);
}

#[test]
fn speech_in_two_pieces_is_no_noise() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.hearings = [Hearing::Words(800, "да"), Hearing::Words(300, "")].into();
    h.speech = vec![(2_000, 2_400), (3_000, 3_400)];
    h.run_to(4_000);
    assert_eq!(h.replies(), [SILENCE]);
}

#[test]
fn noise_does_not_go_on_for_ever() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.hearings = [Hearing::Words(300, " ")].into();
    h.speech = (0..40).map(|i| (1_500 + 1_000 * i, 1_700 + 1_000 * i)).collect();
    h.run_to(20_000);
    assert_eq!(h.spans().len(), 3);
    assert_eq!(h.replies(), [SILENCE]);
}

#[test]
fn a_question_cut_by_noise_is_put_again_once() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.hearings = [Hearing::Words(300, "")].into();
    h.speech = vec![(300, 600)];
    h.run_to(1_300);
    assert_eq!(h.prompts(), [(0, text("Вопрос?")), (1_200, text("Вопрос?"))]);
    assert_eq!(h.state(), State::Speaking);
    h.speech.push((1_400, 2_400));
    h.run_to(5_000);
    assert_eq!(h.replies(), [SILENCE]);
    assert_eq!(h.prompts().len(), 2);
}

#[test]
fn what_cannot_be_understood_is_said_at_once() {
    let cases = [
        (Hearing::Words(300, ""), NothingHeard::Empty, 300),
        (Hearing::Fails(300), NothingHeard::Failed, 300),
        (Hearing::Vanishes, NothingHeard::Late, 4_000),
    ];
    for (hearing, reason, after) in cases {
        let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
        h.hearings = [hearing].into();
        h.speech = vec![(2_000, 3_000)];
        h.run_to(9_000);
        assert_eq!(h.at(|o| *o == Output::Reply(SILENCE)), [3_300 + after]);
        assert_eq!(h.at(|o| matches!(o, Output::Event(Event::NothingHeard { why, .. }) if *why == reason)).len(), 1);
        assert!(h.worst_silence.0 <= 1_000);
    }
}

#[test]
fn results_nobody_waits_for_change_nothing() {
    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.speech = vec![(2_000, 3_000)];
    h.hearings = [Hearing::Vanishes].into();
    h.run_to(3_300);
    let real = h.newest_token();
    for token in [Token(0), Token(real.0 - 1), Token(real.0 + 1), Token(u64::MAX)] {
        h.give(Input::Heard { token, text: "чужое".into(), confidence: 1.0 });
        h.give(Input::HearingFailed { token });
        h.give(Input::PlaybackDone { token });
        h.give(Input::PlaybackFailed { token });
        h.give(Input::PlaybackStarted { token });
    }
    assert_eq!((h.state(), h.replies()), (State::Recognising, vec![]));
    h.give(Input::Heard { token: real, text: "да".into(), confidence: f32::NAN });
    assert_eq!(h.replies(), [words("да", 0.0)]);
}

#[test]
fn messages_typed_ahead_are_kept_up_to_a_limit() {
    let mut h = Harness::phone();
    h.frames = false;
    for _ in 0..20 {
        h.give(Input::Typed("ещё".into()));
    }
    for _ in 0..20 {
        h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    }
    assert_eq!(h.replies(), vec![words("ещё", 1.0); 16]);
}

#[test]
fn a_chat_gives_people_time_to_type() {
    let mut h = Harness::new(Config::chat());
    h.frames = false;
    h.flow(ask(AnswerKind::Free, BargeIn::None));
    h.run_to(600_000);
    assert_eq!(h.state(), State::Listening);
    assert_eq!(h.tones(), []);
    h.give(Input::Typed("здравствуйте".into()));
    h.give(Input::Typed("это снова я".into()));
    h.flow(ask(AnswerKind::Free, BargeIn::None));
    h.run_to(602_000);
    assert_eq!(h.replies(), [words("здравствуйте", 1.0), words("это снова я", 1.0)]);
    h.flow(Command::HangUp);
    h.give(Input::FlowEnded(FlowOutcome::Finished));
    assert_eq!(h.end(), Some(EndReason::FlowHungUp));
}
