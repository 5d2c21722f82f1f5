//! The rows of the state table about keys: CollectingDigits, and type-ahead in every state.

mod harness;

use call::{AnswerKind, BargeIn, Command, Config, Event, Input, Output, Question, Reply, Said, State, TransferResult};
use harness::*;

fn ask_for_keys(max_digits: u32, barge_in: BargeIn) -> Command {
    let question = Question {
        text: "Введите код".into(),
        expects: AnswerKind::Digits,
        max_digits,
        barge_in,
        ..Question::default()
    };
    Command::Ask(question)
}

fn press(h: &mut Harness, keys: &str) {
    for key in keys.chars() {
        h.give(Input::Digit(key));
    }
}

#[test]
fn keys_end_by_number_by_hash_and_by_pause() {
    for (max, pressed, at) in [(4, "1204", 2_000), (0, "1204#", 2_000), (0, "1204", 5_000), (6, "1204", 5_000)] {
        let mut h = Harness::phone();
        h.flow(ask_for_keys(max, BargeIn::Digits));
        h.run_to(2_000);
        press(&mut h, pressed);
        h.run_to(9_000);
        assert_eq!(h.at(|o| *o == Output::Reply(keys("1204"))), [at], "{pressed} of {max}");
    }
}

#[test]
fn every_key_prolongs_the_wait() {
    let mut h = Harness::phone();
    h.flow(ask_for_keys(0, BargeIn::Digits));
    h.run_to(2_000);
    for i in 1..=4 {
        press(&mut h, "7");
        h.run_to(2_000 + 2_900 * i);
        assert_eq!(h.state(), State::CollectingDigits);
    }
    h.run_to(13_700);
    assert_eq!(h.replies(), [keys("7777")]);
}

#[test]
fn the_first_key_need_not_come_before_the_answer_time_out_of_the_next() {
    let mut h = Harness::phone();
    h.flow(ask_for_keys(0, BargeIn::Digits));
    h.run_to(5_900);
    press(&mut h, "1");
    h.run_to(7_000);
    assert_eq!(h.state(), State::CollectingDigits, "the answer has begun; its time-out is over");
}

#[test]
fn zero_alone_reaches_the_flow_at_once_unless_a_number_is_expected() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.run_to(500);
    press(&mut h, "0");
    assert_eq!(h.replies(), [keys("0")]);
    assert_eq!(h.at(|o| matches!(o, Output::Event(Event::BargeIn { by_key: true, .. }))), [500]);

    let mut h = Harness::phone();
    h.flow(ask_for_keys(0, BargeIn::Digits));
    h.run_to(2_000);
    press(&mut h, "0");
    assert_eq!(h.replies(), []);
    h.run_to(5_000);
    assert_eq!(h.replies(), [keys("0")]);
}

#[test]
fn other_characters_are_no_keys() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    press(&mut h, "x ٣é\0");
    assert_eq!(h.state(), State::Speaking);
}

#[test]
fn a_key_stops_a_say_and_answers_the_next_question() {
    let mut h = Harness::phone();
    h.flow(say("Наш адрес …", BargeIn::Digits));
    h.run_to(300);
    press(&mut h, "2");
    assert_eq!(h.replies(), [Reply::Said(Said::Interrupted)]);
    h.flow(Command::Ask(Question { text: "Выберите".into(), max_digits: 1, ..Question::default() }));
    assert_eq!(h.replies()[1..], [keys("2")]);
    assert_eq!(h.prompts().len(), 1, "the question was answered already");
}

#[test]
fn keys_typed_ahead_are_kept_while_we_think_recognise_and_hand_over() {
    let mut h = Harness::phone();
    press(&mut h, "1");
    h.flow(ask_for_keys(2, BargeIn::None));
    h.run_to(500);
    press(&mut h, "2");
    assert_eq!(h.prompts().len(), 1, "a question that must be heard is heard");
    h.run_to(1_040);
    assert_eq!(h.replies(), [keys("12")]);

    let mut h = Harness::asking(AnswerKind::YesNo, BargeIn::Speech);
    h.speech = vec![(2_000, 2_600)];
    h.run_to(3_000);
    assert_eq!(h.state(), State::Recognising);
    press(&mut h, "0");
    h.run_to(4_000);
    h.flow(ask(AnswerKind::Free, BargeIn::Digits));
    assert_eq!(h.replies(), [words("да", 0.9), keys("0")]);

    let mut h = Harness::phone();
    h.handings = [Handing::After(1_000, TransferResult::Nobody)].into();
    h.flow(transfer());
    press(&mut h, "0");
    h.run_to(1_000);
    h.flow(ask(AnswerKind::Free, BargeIn::Digits));
    assert_eq!(h.replies(), [Reply::Transferred(TransferResult::Nobody), keys("0")]);
}

#[test]
fn a_row_of_answers_may_be_typed_ahead() {
    let mut h = Harness::phone();
    press(&mut h, "12#3456");
    for _ in 0..2 {
        h.flow(ask_for_keys(4, BargeIn::Digits));
    }
    h.run_to(10);
    assert_eq!(h.replies(), [keys("12"), keys("3456")]);
    assert_eq!(h.prompts(), []);
}

#[test]
fn keys_void_speech_that_came_before_the_same_question() {
    let mut h = Harness::phone();
    h.flow(say("Здравствуйте", BargeIn::Speech));
    h.speech = vec![(100, 500)];
    h.run_to(1_600);
    press(&mut h, "0");
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    assert_eq!(h.replies(), [Reply::Said(Said::Interrupted), keys("0")]);
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    assert_eq!(h.state(), State::Speaking);
}

#[test]
fn type_ahead_has_an_end() {
    let mut h = Harness::new(Config { type_ahead_keys: 3, ..Config::default() });
    press(&mut h, "123456");
    h.flow(ask_for_keys(0, BargeIn::Digits));
    h.run_to(4_000);
    assert_eq!(h.replies(), [keys("123")]);
}

#[test]
fn speech_and_typed_words_wait_while_keys_are_collected() {
    let mut h = Harness::phone();
    h.flow(ask_for_keys(3, BargeIn::Digits));
    h.run_to(2_000);
    press(&mut h, "12");
    h.speech = vec![(2_100, 2_900)];
    h.run_to(2_500);
    h.give(Input::Typed("погодите".into()));
    assert_eq!(h.state(), State::CollectingDigits);
    press(&mut h, "3");
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    assert_eq!(h.replies(), [keys("123"), words("погодите", 1.0)]);
    assert_eq!(h.spans(), []);
}
