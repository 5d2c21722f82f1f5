//! Conversations: what is expected comes, what is not is said in a sentence.

use rehearsal::expect::check_names;
use rehearsal::{Conversation, Coverage, play, play_all};

use crate::support::{DESK, ENGINE, HOUSE, case, flow};

async fn played(run: &str, script: &str) -> Conversation {
    play(&ENGINE, &flow(run), &case(script)).await.unwrap()
}

#[tokio::test]
async fn a_conversation_as_expected() {
    let script = r#"
        [[line]]
        when = "need"
        say = "хочу спросить"
        [expect]
        outcome = "answered"
        said = ["Hello", "Goodbye!"]
        not_said = ["again"]
        questions = ["need"]
        calls = ["voice.say"]
        not_calls = ["routing.transfer"]
        turns = 1
    "#;
    let conversation = played(DESK, script).await;
    assert_eq!(conversation.failures, Vec::<String>::new());
    assert_eq!(conversation.turns(), 1);
    // Three lines of 11, 13 and 8 letters: 400 ms and 65 ms a letter each.
    assert_eq!(conversation.length_ms(), 3 * 400 + 65 * (11 + 13 + 8));
}

#[tokio::test]
async fn every_disappointment_is_a_sentence() {
    let script = r#"
        [[line]]
        digits = "5"
        [expect]
        outcome = "booked"
        category = "target"
        said = ["Goodbye"]
        not_said = ["Hello"]
        booked = { doctor = "duty" }
        transferred_to = "ward"
        summary = "кошка"
        callback = "перенос"
        notes = { visit = "confirmed" }
        questions = ["need", "more"]
        calls = ["faq.find"]
        not_calls = ["routing.transfer"]
        turns = 0
        ends = "gave-up"
    "#;
    let failures = played(DESK, script).await.failures;
    let keys: Vec<&str> = failures.iter().filter_map(|failure| failure.split(':').next()).collect();
    let all = [
        "ends",
        "outcome",
        "category",
        "said",
        "not_said",
        "booked",
        "transferred_to",
        "summary",
        "callback",
        "notes.visit",
        "questions",
        "calls",
        "not_calls",
        "turns",
    ];
    assert_eq!(keys, all, "{failures:#?}");
    assert_eq!(failures[1], "outcome: expected booked, it is transferred");
}

#[tokio::test]
async fn a_trap_fails_unless_it_is_expected() {
    let failures = played("unreachable", "[[line]]\nsilence = true").await.failures;
    assert!(failures[0].starts_with("ends: expected finished, the flow trapped (Unreachable)"), "{failures:?}");
    let failures = played("unreachable", "[[line]]\nsilence = true\n[expect]\nends = 'trapped'").await.failures;
    assert_eq!(failures, Vec::<String>::new());
}

#[tokio::test]
async fn a_transfer_goes_by_the_opening_hours_or_by_the_script() {
    let outcome = async |top: &str| {
        let script = format!("{top}\n[[line]]\ndigits = '0'\n[expect]\noutcome = 'transferred'");
        played(DESK, &script).await.passed()
    };
    assert!(outcome("now = '2026-11-24T10:00'").await);
    assert!(!outcome("now = '2026-11-24T23:00'").await, "nobody is there at night");
    assert!(!outcome("transfer = 'nobody'").await);
    assert!(!outcome("transfer = 'refused'").await);
    assert!(outcome("transfer = 'connected'\nnow = '2026-11-24T23:00'").await);
}

#[tokio::test]
async fn many_come_back_in_their_order_and_alike() {
    let flow = flow(DESK);
    let noisy = "noise = 0.5\n[[line]]\nsay = 'хочу записать кошку к терапевту на завтра утром'";
    let cases: Vec<_> = (0..200).map(|seed| rehearsal::Case { seed, ..case(noisy) }).collect();
    let texts = async || {
        let played = play_all(&ENGINE, &flow, &cases, 8, |_| {}).await.unwrap();
        assert!(played.iter().map(|conversation| conversation.seed).eq(0..200));
        played.iter().map(|conversation| conversation.journal.to_text()).collect::<Vec<_>>()
    };
    let first = texts().await;
    assert_eq!(first, texts().await, "the same seeds, the same conversations");
    assert_ne!(first[0], first[1], "another seed, other errors");
}

#[tokio::test]
async fn coverage_counts_what_was_reached() {
    let flow = flow(DESK);
    let cases = [case("[[line]]\nsay = 'да'"), case("[[line]]\ndigits = '0'")];
    let played = play_all(&ENGINE, &flow, &cases[..1], 2, |_| {}).await.unwrap();
    let coverage = Coverage::of(&flow, &played);
    assert_eq!(coverage.questions.get("need"), Some(&1));
    assert_eq!(coverage.unused, ["routing.transfer"]);
    let played = play_all(&ENGINE, &flow, &cases, 2, |_| {}).await.unwrap();
    let coverage = Coverage::of(&flow, &played);
    assert_eq!((coverage.questions.get("need"), coverage.unused.len()), (Some(&2), 0));
}

#[test]
fn names_that_are_not_there_are_named_with_their_line() {
    let error = |text: &str| {
        let case = case(text);
        check_names(&case.script, &HOUSE, "a.toml", text).unwrap_err().to_string()
    };
    let category = error("[[line]]\nsilence = true\n[expect]\ncategory = 'targett'");
    assert!(category.starts_with("a.toml:4: `category` is “targett”; categories are target"), "{category}");
    let call = error("[[line]]\nsilence = true\n[expect]\ncalls = ['voice.sing']");
    assert!(call.starts_with("a.toml:4: `calls` is “voice.sing”; host functions are voice.call"), "{call}");
    let doctor = error("[[line]]\nsilence = true\n[[visit]]\nstart = '2026-11-26T10:00'\ndoctor = 'house'");
    assert!(doctor.starts_with("a.toml:5: `doctor` is “house”; Проба has the doctors duty"), "{doctor}");
}
