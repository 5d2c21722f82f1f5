//! Vectors of sentences by the model that `gudok models fetch e5-small` brings.

use speech::sentences::{LENGTH, Sentences};

fn open() -> Sentences {
    Sentences::open(&speech::models::default_store()).unwrap_or_else(|error| panic!("{error}"))
}

fn likeness(a: &[f32; LENGTH], b: &[f32; LENGTH]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Numbers that the package's own Python gives for the same text.
#[test]
fn vectors_are_those_of_the_package() {
    let vector = open().vector("хочу записать кота на прививку");
    let length: f32 = vector.iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-4, "{length}");
    for (at, expected) in [(0, EXPECTED[0]), (1, EXPECTED[1]), (2, EXPECTED[2]), (383, EXPECTED[3])] {
        assert!((vector[at] - expected).abs() < 2e-3, "{at}: {} instead of {expected}", vector[at]);
    }
}

const EXPECTED: [f32; 4] = [0.014_854, -0.033_064, -0.041_159, 0.045_009];

#[test]
fn what_means_the_same_lies_closer() {
    let sentences = open();
    let asked = sentences.vector("а вы до скольки сегодня открыты");
    let (same, other) = (sentences.vector("часы работы клиники"), sentences.vector("можно ли оплатить картой"));
    assert!(likeness(&asked, &same) > likeness(&asked, &other) + 0.01);
}

/// The model is tuned for questions in a copy: plain vectors stay those of the package.
#[test]
fn a_question_lies_closest_to_the_entry_that_answers() {
    let sentences = open();
    let entries = [
        "Сколько носят брекеты. В среднем полтора-два года, затем ретейнер.",
        "С какого возраста приводить ребёнка. Первый осмотр — с первого зуба, лечение — с трёх лет.",
        "Рассрочка. Рассрочка без процентов до двух лет на лечение от двадцати тысяч рублей.",
        "Гарантия на импланты и пломбы. На импланты — пожизненная гарантия производителя, на пломбы — один год.",
        "ОМС. Полис ОМС не принимаем, есть ДМС.",
    ];
    let vectors = entries.map(|entry| sentences.question(entry));
    for (asked, answer) in [
        ("железки на зубах долго носить", 0),
        ("годовалому нужно к зубному", 1),
        ("по частям платить можно", 2),
        ("а если имплант отвалится, вы бесплатно переделаете", 3),
        ("полис возьмёте", 4),
    ] {
        let vector = sentences.question(asked);
        let near = vectors.each_ref().map(|entry| likeness(&vector, entry));
        let best = (0..near.len()).max_by(|a, b| near[*a].total_cmp(&near[*b]));
        assert_eq!(best, Some(answer), "{asked}: {near:?}");
        assert_ne!(vector, sentences.vector(asked));
    }
}

#[test]
fn a_tuning_of_another_model_is_refused() {
    let store = speech::models::default_store();
    let error = Sentences::tuned(&store, b"E5TUNE1\n\x01z\0\0\0\0").unwrap_err().to_string();
    assert!(error.contains("its tuning does not fit at z"), "{error}");
}

#[test]
fn any_text_is_taken_by_many_at_once() {
    let sentences = open();
    let long = "собака ".repeat(5_000);
    let texts = ["", " ", "\0", "а\0б", "🐈", long.as_str(), "\u{fffd}\u{202e}"];
    let alone: Vec<_> = texts.iter().map(|text| sentences.vector(text)).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (text, expected) in texts.iter().zip(&alone) {
                    let vector = sentences.vector(text);
                    assert!(vector.iter().all(|x| x.is_finite()), "{text:?}");
                    assert_eq!(vector, *expected, "{text:?}");
                }
            });
        }
    });
}

#[test]
fn who_has_none_is_told_how_to_get_it() {
    let empty = tempfile::tempdir().unwrap();
    let error = Sentences::open(empty.path()).unwrap_err().to_string();
    assert!(error.starts_with("e5: no model at ") && error.ends_with("run `gudok models fetch e5-small`"), "{error}");
    // What is there and is no model.
    let (store, here) = (empty.path().join("e5-small"), speech::models::default_store().join("e5-small"));
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("e5-small-q4.bin"), "nonsense").unwrap();
    let error = Sentences::open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("libgomp") && error.ends_with("run `gudok models fetch e5-small`"), "{error}");
    for file in std::fs::read_dir(here).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap();
        if name != "e5-small-q4.bin" {
            std::fs::copy(&file, store.join(name)).unwrap();
        }
    }
    let error = Sentences::open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("the engine refuses it"), "{error}");
}
