//! Phrases with what they mean, one JSON line each, in `tests/data`. The share understood of each kind must not fall
//! below its gate in `tests/data/gates.toml`; raise a gate when it is beaten.

use std::collections::BTreeMap;
use std::path::PathBuf;

use speech::sentences::Sentences;
use understanding::meaning::Meaning;

mod judge;

/// Kind of phrase → share of it that must be understood, for each file.
type Gates = BTreeMap<String, BTreeMap<String, f64>>;

fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

fn gates() -> Gates {
    let text = std::fs::read_to_string(data("gates.toml")).expect("the gates are part of the repository");
    toml::from_str(&text).expect("tables of shares")
}

/// Kinds of questions that are asked with meaning, too.
const BY_MEANING: &str = ", by meaning";

fn meaning() -> Meaning {
    let sentences = Sentences::open(&speech::models::default_store()).unwrap_or_else(|error| panic!("{error}"));
    Meaning::new(move |text| sentences.question(text))
}

/// Fails with every difference listed when a kind of `file` falls below its gate.
fn hold(file: &str) {
    let gates = gates().remove(file).unwrap_or_else(|| panic!("gates.toml has no table [{file}]"));
    let mut rows: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    let mut count = |kind: String, line: judge::Judged| {
        let row = rows.entry(kind).or_default();
        row.0 += 1;
        if !line.right {
            row.1.push(line.report);
        }
    };
    let path = data(&format!("{file}.jsonl"));
    for line in judge::file(&path, None).expect("labelled lines") {
        count(line.kind.clone(), line);
    }
    if gates.keys().any(|kind| kind.ends_with(BY_MEANING)) {
        let lines = judge::file(&path, Some(&meaning())).expect("labelled lines");
        for line in lines.into_iter().filter(|line| line.kind.starts_with("faq")) {
            count(format!("{}{BY_MEANING}", line.kind), line);
        }
    }
    assert_eq!(rows.keys().collect::<Vec<_>>(), gates.keys().collect::<Vec<_>>(), "[{file}] gates other kinds");
    for (kind, (all, wrong)) in rows {
        let (right, gate) = ((all - wrong.len()) as f64 / all as f64, gates[&kind]);
        println!("{file}, {kind}: {right:.3} of {all}, gate {gate}");
        assert!(right >= gate, "{file}, {kind}: {right:.3} of {all}, gate {gate}\n{}", wrong.join("\n"));
    }
}

macro_rules! held {
    ($($test:ident),* $(,)?) => {$(
        #[test]
        fn $test() {
            hold(stringify!($test));
        }
    )*};
}

held!(
    datetime,
    datetime_blind,
    yes_no,
    yes_no_blind,
    phone,
    phone_blind,
    name,
    name_blind,
    animal,
    animal_blind,
    age,
    faq,
    faq_blind,
    faq_fresh,
    faq_plain,
    faq_voices,
    faq_voices2,
    intent,
    intent_blind,
    intent_fresh,
    mixed_fresh,
    urgency,
    faq_aslant,
    faq_desk,
    faq_others,
    mixed_others,
    mixed_curt,
    mixed_chatty,
    mixed_plain,
    mixed_sentences,
    faq_manner,
    faq_curt,
);
