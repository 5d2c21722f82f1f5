//! The command line from outside: what a clinic measures, corrects and retrains.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

mod program;

use std::fmt::Write as _;

use records::{CallRecord, Review, Store, Tag, Turn, Who};
use serde_json::{Value, json};
use understanding::category::corrections::is_frozen_correction;

use program::{Program, keys};

/// Monday 2026-11-23 10:00 in Moscow.
const NOW: i64 = 1_795_417_200_000;
const MINUTE: i64 = 60_000;

/// Does something with the records of the program's home.
fn records<T>(program: &Program, work: impl AsyncFnOnce(Store) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(program.home.path().join("gudok.db")).await.unwrap();
        let done = work(store.clone()).await;
        store.close().await;
        done
    })
}

/// A call of `vet_lapa` that a classifier of long ago tagged.
async fn call(store: &Store, id: &str, text: &str, category: &str, review: bool) {
    // Recent enough for the queue, whenever the test runs.
    let started = jiff::Timestamp::now().as_millisecond() - 60 * MINUTE;
    store.import_call(&CallRecord::import(id, "vet_lapa", "Europe/Moscow", started, id)).await.unwrap();
    let turn = |seq, who, text: &str, start_ms, end_ms| Turn {
        call: id.to_owned(),
        seq,
        who,
        text: text.into(),
        start_ms,
        end_ms,
        confidence: None,
        latency_ms: None,
    };
    store.add_turn(turn(0, Who::Agent, "Клиника, здравствуйте", 0, 1_500)).await.unwrap();
    store.add_turn(turn(1, Who::Caller, text, 2_000, 6_000)).await.unwrap();
    let tag = Tag {
        call: id.to_owned(),
        category: category.to_owned(),
        confidence: 0.4,
        evidence: json!([]),
        taxonomy_version: "1".to_owned(),
        model_version: "2020-01-01/00000000".to_owned(),
        review,
        by: "classifier".to_owned(),
        at_ms: NOW,
    };
    store.add_tag(&tag).await.unwrap();
}

/// Three calls wait; one does not.
fn three_wait(program: &Program) {
    records(program, async |store| {
        call(&store, "results", "готовы ли анализы собаки", "target", true).await;
        call(&store, "booking", "хочу записать кошку на прививку", "doctor", true).await;
        call(&store, "vague", "алло да это я по поводу того самого", "target", true).await;
        call(&store, "sure", "запишите кота на кастрацию", "target", false).await;
    });
}

fn reviews(program: &Program, call: &str) -> Vec<Review> {
    records(program, async |store| store.reviews(call).await.unwrap())
}

fn standing(program: &Program, call: &str) -> Tag {
    records(program, async |store| store.tag(call).await.unwrap().unwrap())
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn the_queue_is_listed_and_calls_are_set_with_who_and_when() {
    let program = Program::new();
    three_wait(&program);
    let list = || program.run(&["review", "--clinic", "vet_lapa", "--list", "--format", "json"]).json();
    let queue = list();
    let waiting: Vec<&str> = rows(&queue).iter().map(|row| row["call"].as_str().unwrap()).collect();
    for call in ["results", "booking", "vague"] {
        assert!(waiting.contains(&call), "{queue}");
    }
    let first = &queue[0];
    let expected = "call category confidence evidence put_off recording second started text value why";
    assert_eq!(keys(first).join(" "), expected);
    let values: Vec<f64> = rows(&queue).iter().map(|row| row["value"].as_f64().unwrap()).collect();
    assert!(values.is_sorted_by(|a, b| a >= b), "what teaches most comes first: {queue}");

    let before = jiff::Timestamp::now().as_millisecond();
    let set = ["review", "--clinic", "vet_lapa", "--as", "Анна", "--set", "results=test_results", "--format", "json"];
    let said = program.run(&set).json();
    assert_eq!((&said[0]["was"], &said[0]["category"]), (&json!("target"), &json!("test_results")));
    let kept = reviews(&program, "results");
    assert_eq!((kept.len(), kept[0].by.as_str()), (1, "Анна"));
    assert!((before..=jiff::Timestamp::now().as_millisecond()).contains(&kept[0].at_ms));
    let tag = standing(&program, "results");
    assert_eq!((tag.category.as_str(), tag.by.as_str(), tag.review), ("test_results", "Анна", false));
    assert!(rows(&list()).iter().all(|row| row["call"] != json!("results")), "it waits no longer");
}

#[test]
fn what_cannot_be_set_is_told_and_nothing_is_set() {
    let program = Program::new();
    three_wait(&program);
    let set = |said: &[&str]| {
        let args: Vec<&str> = said.iter().flat_map(|one| ["--set", one]).collect();
        program.run(&[&["review", "--clinic", "vet_lapa"][..], &args].concat())
    };
    assert!(set(&["booking"]).failed().contains("write CALL=CATEGORY"));
    let unknown = set(&["results=test_results", "booking=gossip"]);
    assert!(unknown.failed().contains("`gossip` is no category") && unknown.err.contains("target"), "{}", unknown.err);
    assert!(set(&["nobody=target"]).failed().contains("no call with id \"nobody\""));
    let foreign = program.run(&["review", "--clinic", "med_plus", "--set", "booking=target"]);
    assert!(foreign.failed().contains("this call is of vet_lapa"), "{}", foreign.err);
    let named = program.run(&["review", "--clinic", "vet_lapa", "--as", "classifier", "--set", "booking=target"]);
    assert!(named.failed().contains("a person's name"), "{}", named.err);
    assert!(reviews(&program, "results").is_empty() && reviews(&program, "booking").is_empty());
}

#[test]
fn a_session_at_the_queue_goes_on_where_it_ended() {
    let program = Program::new();
    three_wait(&program);
    let queue = program.run(&["review", "--clinic", "vet_lapa", "--list", "--format", "json"]).json();
    let of = |place: usize| queue[place]["call"].as_str().unwrap().to_owned();
    let (first_call, second_call) = (of(0), of(1));
    let review = |keys: &str| program.fed(&["review", "--clinic", "vet_lapa", "--as", "Борис"], keys);
    // Put the first off (in the Russian layout), say of the second that it is the first category, then leave.
    let first = review("ы\n1\nq\n");
    assert!(first.ok, "{}", first.err);
    assert!(first.out.contains("1 из ") && first.out.contains("рассмотрено 1"), "{}", first.out);
    assert!(first.out.contains("[") && first.out.contains("звонящий"), "the words that decided are marked");
    assert_eq!(reviews(&program, &first_call)[0].category, None);
    let said = reviews(&program, &second_call);
    assert_eq!((said.len(), said[0].category.as_deref(), said[0].by.as_str()), (1, Some("target"), "Борис"));

    // The next session begins with what is left, and what was put off comes last. Enter agrees; then nothing comes.
    let second = review("\n\n\n\n\n");
    assert!(second.ok && !second.out.contains("отложено"), "{}", second.out);
    assert!(reviews(&program, &first_call).iter().any(|review| review.category.is_some()));
    let third = review("");
    assert!(third.out.contains("смотреть нечего"), "{}", third.out);
    let english = program.fed(&["review", "--clinic", "vet_lapa", "--lang", "en"], "");
    assert!(english.out.contains("nothing to look at"), "{}", english.out);
}

#[test]
fn history_is_tagged_anew_and_peoples_word_stays() {
    let program = Program::new();
    three_wait(&program);
    let set = ["review", "--clinic", "vet_lapa", "--as", "Анна", "--set", "booking=feed_drugs"];
    assert!(program.run(&set).ok);
    let retag = |more: &[&str]| {
        program.run(&[&["retag", "--clinic", "vet_lapa", "--format", "json"][..], more].concat()).json()
    };
    let dry = retag(&["--dry-run"]);
    assert_eq!((&dry["judged"], &dry["written"]), (&json!(3), &json!(0)));
    assert_eq!(dry["left_alone"], json!({ "people": 1, "flows": 0, "up_to_date": 0 }));
    assert_eq!(standing(&program, "results").category, "target", "a dry run changes nothing");
    let to_results = rows(&dry["moves"]).iter().find(|change| change["to"] == json!("test_results")).unwrap();
    assert_eq!((&to_results["from"], &to_results["calls"]), (&json!("target"), &json!(1)));
    assert_eq!(to_results["examples"][0]["call"], json!("results"));
    assert_eq!(to_results["examples"][0]["text"], json!("готовы ли анализы собаки"));

    let done = retag(&[]);
    assert_eq!((&done["changed"], &done["written"]), (&dry["changed"], &json!(3)));
    let tag = standing(&program, "results");
    assert_eq!((tag.category.as_str(), tag.by.as_str()), ("test_results", "classifier"));
    let seconds = &tag.evidence[0]["seconds"];
    let (from, to) = (seconds[0].as_f64().unwrap(), seconds[1].as_f64().unwrap());
    assert!(2.0 <= from && from < to && to <= 6.0, "within the caller's turn: {seconds}");
    assert_eq!(standing(&program, "booking").category, "feed_drugs", "a person said so");
    let history = records(&program, async |store| store.tags("results").await.unwrap());
    assert_eq!(history.len(), 2, "what stood before is kept");
    assert_eq!(retag(&[])["judged"], json!(0), "the same classifier changes nothing twice");
    let table = program.run(&["retag", "--clinic", "vet_lapa", "--since", "2030-01-01"]);
    assert!(table.out.contains("0 calls judged"), "{}", table.out);
}

/// Calls of a category no clinic ships with, a line each.
const BARRIER: &str = include_str!("../../understanding/tests/data/barrier.txt");

#[test]
fn a_clinic_makes_a_category_of_its_own() {
    let program = Program::new();
    let examples = program.file("gate.txt", BARRIER);
    let add = |id: &str, examples: &str| {
        let args = ["category", "add", id, "--clinic", "vet_lapa", "--title", "Шлагбаум", "--examples", examples];
        program.run(&args)
    };
    assert!(add("../gate", &examples).failed().contains("cannot be a category's id"));
    assert!(add("target", &examples).failed().contains("`target` is a category of the shared model"));
    let few = add("gate", &program.file("few.txt", &BARRIER.lines().take(3).collect::<Vec<_>>().join("\n")));
    assert!(few.failed().contains("3 examples, 8 are needed"), "{}", few.err);
    let made = add("gate", &examples);
    assert!(made.ok && made.out.contains("from 12 examples"), "{}{}", made.out, made.err);

    let line = json!({ "id": 1, "clinic": "vet_lapa", "text": "алло, мы за шлагбаумом, откройте" });
    let asked = program.file("calls.jsonl", &line.to_string());
    let label = || program.run(&["classify", &asked]).lines()[0]["label"].clone();
    assert_eq!(label(), json!("gate"));
    let list = program.run(&["category", "list", "--clinic", "vet_lapa", "--format", "json"]).json();
    assert_eq!(rows(&list).len(), 11);
    assert_eq!((&list[10]["id"], &list[10]["own"], &list[10]["examples"]), (&json!("gate"), &json!(true), &json!(12)));

    // People may give it, history gets it, the report counts it by its title.
    records(&program, async |store| call(&store, "g1", "откройте шлагбаум пожалуйста", "no_topic", false).await);
    assert_eq!(
        program.run(&["retag", "--clinic", "vet_lapa", "--format", "json"]).json()["moves"][0]["to"],
        json!("gate")
    );
    assert!(program.run(&["review", "--clinic", "vet_lapa", "--set", "g1=gate"]).ok);
    let today = jiff::Zoned::now().date();
    let (from, to) = (today.yesterday().unwrap().to_string(), today.tomorrow().unwrap().to_string());
    let args = ["report", "--clinic", "vet_lapa", "--from", &from, "--to", &to, "--format", "csv"];
    let report = program.run(&args);
    assert!(report.out.contains("gate") || report.out.contains("Шлагбаум"), "{}", report.out);

    let other = program.run(&["category", "remove", "gate", "--clinic", "med_plus"]);
    assert!(other.failed().contains("has no category `gate` of its own (it has none)"), "{}", other.err);
    assert!(program.run(&["category", "remove", "gate", "--clinic", "vet_lapa"]).ok);
    assert_ne!(label(), json!("gate"));
}

/// A small corpus in which three categories have a word each.
fn corpus(program: &Program) -> String {
    let dir = program.home.path().join("corpus");
    std::fs::create_dir(&dir).unwrap();
    let clinic = json!({ "id": "v", "name": "клиника", "kind": "veterinary", "services": ["терапия"], "absent": [] });
    std::fs::write(dir.join("clinics.jsonl"), clinic.to_string()).unwrap();
    let mut lines = String::new();
    for n in 0..240 {
        let (label, text) = match n % 3 {
            0 => ("target", format!("запишите на приём к врачу кота номер {n}")),
            1 => ("feed_drugs", format!("есть ли в продаже корм мешок {n}")),
            _ => ("test_results", format!("анализы наши готовы заказ {n}")),
        };
        let line = json!({ "id": format!("c{n}"), "clinic": "v", "label": label, "text": text });
        writeln!(lines, "{line}").unwrap();
    }
    std::fs::write(dir.join("calls.jsonl"), lines).unwrap();
    dir.display().to_string()
}

#[test]
fn corrections_retrain_and_a_worse_classifier_is_refused() {
    let program = Program::new();
    let corpus = corpus(&program);
    let args = ["train", "--with-corrections", "--corpus", &corpus, "--folds", "2", "--date", "2026-11-22"];
    let nothing = program.run(&args);
    assert!(nothing.failed().contains("nobody has corrected a call yet"), "{}", nothing.err);

    records(&program, async |store| {
        for n in 0..10 {
            let id = format!("good{n}");
            call(&store, &id, &format!("корм гамаюн есть в продаже {n}"), "target", true).await;
            say(&store, &id, "feed_drugs").await;
        }
    });
    let trained = program.run(&args);
    assert!(trained.ok, "{}{}", trained.out, trained.err);
    assert!(trained.out.contains("on ") && trained.out.contains("feed_drugs") && trained.out.contains("macro-F1"));
    let file = program.home.path().join("classifier/calls.gudokm");
    let taken = std::fs::read(&file).unwrap();
    let info = program.run(&["models", "info", "--format", "json"]).json();
    assert_eq!((&info["classifier"]["shipped"], &info["classifier"]["trained"]), (&json!(false), &json!("2026-11-22")));
    let learned = info["classifier"]["made"]["learned"].as_u64().unwrap();
    assert_eq!(learned + info["classifier"]["made"]["frozen"].as_u64().unwrap(), 10);
    // Whatever judges calls uses it now.
    let asked = program.file("calls.jsonl", &json!({ "id": 1, "text": "анализы наши готовы" }).to_string());
    assert_eq!(program.run(&["classify", &asked]).lines()[0]["scores"].as_object().unwrap().len(), 3);

    // Somebody says of what is about results that it is a booking, and the calls kept for the test know better.
    records(&program, async |store| {
        for n in 0..450 {
            let id = format!("bad{n}");
            call(&store, &id, &format!("анализы наши готовы заказ {n}"), "test_results", true).await;
            say(&store, &id, if is_frozen_correction(&id) { "test_results" } else { "target" }).await;
        }
    });
    let refused = program.run(&args);
    assert!(!refused.ok && refused.err.contains("the new classifier is refused"), "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("test_results"), "the category is named: {}", refused.err);
    assert_eq!(std::fs::read(&file).unwrap(), taken, "the one in use stays");
    let forced = program.run(&["train", "--with-corrections", "--force"]);
    assert!(forced.failed().contains("unexpected argument '--force'"), "{}", forced.err);
}

async fn say(store: &Store, call: &str, category: &str) {
    let review = records::NewReview {
        call: call.to_owned(),
        category: Some(category.to_owned()),
        taxonomy_version: "1".to_owned(),
        by: "Анна".to_owned(),
        at_ms: NOW,
    };
    store.review(&review).await.unwrap();
}

#[test]
fn a_damaged_classifier_in_the_home_folder_is_passed_over_aloud() {
    let program = Program::new();
    std::fs::create_dir(program.home.path().join("classifier")).unwrap();
    let asked = program.file("calls.jsonl", &json!({ "id": 1, "text": "готовы ли анализы" }).to_string());
    program.file("classifier/calls.gudokm", "мусор");
    let ran = program.run(&["classify", &asked]);
    assert!(ran.ok && ran.err.contains("the classifier that ships is used instead"), "{}", ran.err);
    assert_eq!(ran.lines()[0]["label"], json!("test_results"));
}

#[test]
fn the_classifier_in_use_says_what_it_is_and_at_what_it_is_bad() {
    let program = Program::new();
    three_wait(&program);
    assert!(program.run(&["review", "--clinic", "vet_lapa", "--set", "results=test_results"]).ok);
    let info = program.run(&["models", "info", "--clinic", "vet_lapa", "--format", "json"]).json();
    assert_eq!(keys(&info).join(" "), "classifier clinics confusions engines frozen has_seen_them");
    assert_eq!(info["classifier"]["shipped"], json!(true));
    assert!(info["classifier"]["calls"].as_u64().unwrap() > 1000);
    assert_eq!(rows(&info["frozen"]["classes"]).len(), 10);
    assert!(info["frozen"]["calls"].as_u64().unwrap() > 100);
    let clinic = &info["clinics"][0];
    assert_eq!((&clinic["reviewed"], &clinic["confirmed"], &clinic["waiting"]), (&json!(1), &json!(0), &json!(2)));
    let engines: Vec<&str> = rows(&info["engines"]).iter().map(|engine| engine["id"].as_str().unwrap()).collect();
    assert_eq!(engines, ["whisper", "vosk", "e5"]);
    let table = program.run(&["models", "info", "--clinic", "vet_lapa"]).out;
    assert!(table.contains("what it is bad at") && table.contains("what listens"), "{table}");
}

fn labelled(program: &Program) -> String {
    let line = |id: &str, label: &str, text: &str| {
        json!({ "id": id, "label": label, "clinic": "vet_lapa", "text": text }).to_string()
    };
    let lines = [
        line("a", "test_results", "готовы ли анализы собаки"),
        line("b", "target", "хочу записать кошку на прививку"),
        line("c", "doctor", "есть ли у вас в продаже корм <роял> & паштет"),
        line("d", "gossip", "вы мне звонили, пропущенный от вас"),
    ];
    program.file("labelled.jsonl", &lines.join("\n"))
}

#[test]
fn an_evaluation_shows_the_worst_mistakes_with_their_words() {
    let program = Program::new();
    let file = labelled(&program);
    let json = program.run(&["evaluate", &file, "--format", "json"]).json();
    assert_eq!((&json["calls"], &json["accuracy"]), (&json!(4), &json!(0.5)));
    assert_eq!(rows(&json["reliability"]).len(), 10);
    let worst = rows(&json["worst"]);
    assert_eq!(worst.len(), 2);
    let feed = worst.iter().find(|mistake| mistake["id"] == json!("c")).unwrap();
    assert_eq!((&feed["truth"], &feed["given"]), (&json!("doctor"), &json!("feed_drugs")));
    assert!(!rows(&feed["evidence"]).is_empty() && feed["text"].as_str().unwrap().contains("корм"));
    let table = program.run(&["evaluate", &file, "--mistakes", "1"]);
    assert!(table.out.contains("worst mistakes (1 of 2") && table.out.contains("decided by:"), "{}", table.out);
    assert!(table.err.contains("has no category `gossip`"), "{}", table.err);
}

#[test]
fn an_evaluation_is_one_page_that_needs_nothing_from_outside() {
    let program = Program::new();
    let file = labelled(&program);
    for (lang, heading) in [("ru", "Что с чем путается"), ("en", "What is taken for what")] {
        let out = program.home.path().join(format!("{lang}.html")).display().to_string();
        let ran = program.run(&["evaluate", &file, "--format", "html", "--out", &out, "--lang", lang]);
        assert!(ran.ok && ran.out.contains("written to"), "{}", ran.err);
        let page = std::fs::read_to_string(&out).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains(heading) && page.contains("<svg"));
        for outside in ["http://", "https://", "<script", "<link", "<img", "url(", "@import", " src="] {
            assert!(!page.contains(outside), "{lang}: {outside}");
        }
        assert!(page.contains("&lt;роял&gt; &amp; паштет"), "words are escaped");
        assert!(page.contains("<mark>"), "the words that decided are marked");
    }
    let printed = program.run(&["evaluate", &file, "--format", "html"]);
    assert!(printed.out.starts_with("<!DOCTYPE html>"));
}

#[test]
fn evidence_has_its_seconds_where_the_turns_have_theirs() {
    let program = Program::new();
    let turns = json!([
        { "who": "agent", "text": "клиника лапа, здравствуйте", "start_ms": 0, "end_ms": 2000 },
        { "who": "caller", "text": "готовы ли анализы собаки", "start_ms": 2500, "end_ms": 5000 },
    ]);
    let lines = [json!({ "id": 1, "turns": turns }), json!({ "id": 2, "text": "готовы ли анализы собаки" })];
    let file = program.file("calls.jsonl", &lines.map(|line| line.to_string()).join("\n"));
    let answers = program.run(&["classify", &file]).lines();
    let seconds = &answers[0]["evidence"][0]["seconds"];
    let (from, to) = (seconds[0].as_f64().unwrap(), seconds[1].as_f64().unwrap());
    assert!(2.5 <= from && from < to && to <= 5.0, "{seconds}");
    assert_eq!(answers[1]["evidence"][0].get("seconds"), None, "nobody knows when it was said");
}
