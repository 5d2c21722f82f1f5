//! What is mended and what is left alone.

use proptest::prelude::*;

use super::*;

fn clinic() -> Vocabulary {
    let words =
        ["Смирнова", "Арутюнян", "Симпарика", "Апоквел", "Ренал", "эхокардиография", "Роял Канин", "чистка зубов"];
    let known = ["канал", "а", "по", "роял", "чистка", "зубов", "к", "капать", "смирно", "есть", "нет"];
    Vocabulary::new(words, Arc::new(move |word: &str| known.contains(&word)))
}

#[test]
fn near_misses_are_mended_and_keep_their_endings() {
    let clinic = clinic();
    for (heard, mended) in [
        ("Запишите к Смерновой.", "Запишите к Смирновой."),
        ("опаквел есть?", "Апоквел есть?"),
        ("сима парика нет", "Симпарика нет"),
        ("у арутюньяна", "у Арутюняна"),
        ("«Эхакардиографию», да", "«эхокардиографию», да"),
        ("роял конин", "роял Канин"),
    ] {
        assert_eq!(clinic.repair(heard), mended);
    }
}

#[test]
fn words_of_the_language_are_left_alone() {
    let clinic = clinic();
    for text in
        ["канал", "капать по а", "смирно", "Чистка зубов есть?", "8 903 222-22-22", "", "!", "ещё раз, пожалуйста"]
    {
        assert_eq!(clinic.repair(text), text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

#[test]
fn ends_of_sentences_part_words() {
    assert_eq!(clinic().repair("сима. парика"), "сима. парика");
    assert_eq!(clinic().repair("сима, парика!"), "Симпарика!");
}

#[test]
fn what_is_right_stays_right() {
    let clinic = clinic();
    for text in ["Смирновой", "Апоквела", "симпарику", "эхокардиографии"] {
        assert_eq!(fold(&clinic.repair(text)), fold(text));
    }
    assert_eq!(Vocabulary::new(Vec::<String>::new(), Arc::new(|_: &str| false)).repair("как есть"), "как есть");
}

#[test]
fn the_list_stands_in_its_order() {
    assert!(clinic().line().starts_with("Смирнова, Арутюнян, "));
}

proptest! {
    #[test]
    fn any_text_is_taken(text in "\\PC{0,40}") {
        let clinic = clinic();
        let once = clinic.repair(&text);
        prop_assert!(once.split_whitespace().count() <= text.split_whitespace().count());
    }
}
