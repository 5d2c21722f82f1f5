//! The command line from outside: what each command reads, prints and says when something is wrong.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use program::{Program, Ran, keys};

#[test]
fn understand_a_phrase() {
    let program = Program::new();
    let understand = |args: &[&str]| program.run(&[&["understand"], args].concat()).json();
    assert_eq!(
        understand(&["datetime", "завтра в пять вечера", "--now", "2026-11-24T10:15:00+03:00"]),
        json!({ "date": "2026-11-25", "time_from": "17:00", "time_to": "17:00", "status": "resolved" })
    );
    assert_eq!(understand(&["yesno", "да, конечно"]), json!({ "value": "yes" }));
    assert_eq!(understand(&["yesno", "зелёный"])["value"], json!("unknown"));
    assert_eq!(understand(&["phone", "восемь девятьсот три 123 45 67"]), json!({ "phone": "+79031234567" }));
    assert_eq!(understand(&["phone", "не скажу"]), json!({ "phone": null }));
    assert_eq!(
        understand(&["name", "Анна Петрова"]),
        json!({ "first": "Анна", "last": "Петрова", "patronymic": null })
    );
    let animal = understand(&["animal", "кошка Мурка"]);
    assert_eq!((&animal["species"], &animal["name"]), (&json!("кошка"), &json!("Мурка")));
    assert_eq!(understand(&["faq", "есть ли у вас парковка", "--clinic", "vet_lapa"])["faq"], json!("parking"));
    assert_eq!(understand(&["faq", "почём нынче слоны", "--clinic", "vet_lapa"])["faq"], json!(null));
    let intent = understand(&["intent", "хочу записаться на УЗИ", "--clinic", "vet_lapa"]);
    assert_eq!(intent["kind"], json!("book"));
    assert_eq!((&intent["services"][0]["service"], &intent["urgent"]), (&json!("ultrasound"), &json!(false)));
}

#[test]
fn opening_hours_decide_which_nine_it_is() {
    let program = Program::new();
    let nine = |hours: &str| {
        let args = ["understand", "datetime", "завтра в девять", "--now", "2026-11-24T10:15", "--hours", hours];
        program.run(&args).json()["time_from"].clone()
    };
    assert_eq!((nine("08:00-18:00"), nine("12:00-22:00")), (json!("09:00"), json!("21:00")));
    let wrong = program.run(&["understand", "datetime", "завтра", "--hours", "nine to five"]);
    assert!(wrong.failed().contains("--hours nine to five: write 09:00-21:00"), "{}", wrong.err);
}

#[test]
fn understand_lines_in_the_shape_of_each_sample() {
    let program = Program::new();
    let line = |slot: &str, text: &str| {
        let input = json!({ "id": "a-1", "text": text, "clinic": "vet_lapa", "now": "2026-11-24T10:15:00+03:00" });
        let ran = program.fed(&["understand", slot, "--jsonl"], &format!("{input}\n"));
        assert!(ran.ok, "{slot}: {}", ran.err);
        let answer = ran.lines().pop().unwrap();
        assert_eq!(answer["id"], json!("a-1"), "{slot}");
        answer
    };
    assert_eq!(keys(&line("datetime", "в четверг")), ["date", "id", "status", "time_from", "time_to"]);
    assert_eq!(keys(&line("yesno", "нет")), ["id", "value"]);
    assert_eq!(keys(&line("phone", "нет")), ["id", "phone"]);
    assert_eq!(keys(&line("name", "Анна")), ["first", "id", "last", "patronymic"]);
    assert_eq!(keys(&line("animal", "собака такса")), ["breed", "id", "name", "species"]);
    assert_eq!(keys(&line("faq", "где вы находитесь")), ["also", "confidence", "faq", "id"]);
}

#[test]
fn a_bad_line_is_answered_with_its_error_and_the_others_go_on() {
    let program = Program::new();
    let input = "{\"id\":1,\"text\":\"да\"}\nне json\n\n{\"id\":2}\n{\"id\":\"три\",\"text\":\"нет\"}\n";
    let ran = program.fed(&["understand", "yesno", "--jsonl"], input);
    assert!(ran.failed().contains("2 lines could not be read; each needs `id` and `text`"), "{}", ran.err);
    let lines = ran.lines();
    assert_eq!(lines.len(), 4, "{}", ran.out);
    assert_eq!(lines[0], json!({ "id": 1, "value": "yes" }));
    assert_eq!((&lines[1]["line"], &lines[2]["line"]), (&json!(2), &json!(4)));
    assert!(lines[2]["error"].as_str().unwrap().contains("`text`"), "{}", lines[2]);
    assert_eq!(lines[3], json!({ "id": "три", "value": "no" }));
}

#[test]
fn faq_entries_may_come_with_the_questions_and_lines_may_name_their_slot() {
    let program = Program::new();
    let input = r#"{"type": "entry", "id": "f1", "clinic": "nobodys", "question": "Режим работы", "answer": "Ежедневно с девяти."}
{"type": "entry", "id": "f2", "clinic": "nobodys", "question": "Парковка", "answer": "Во дворе, бесплатно."}
{"type": "query", "id": "q1", "clinic": "nobodys", "text": "до скольки вы открыты"}
{"type": "query", "id": "q2", "clinic": "nobodys", "text": "почём нынче слоны"}
{"id": "s1", "slot": "yesno", "text": "ну давайте"}
{"id": "s2", "slot": "weather", "text": "ну давайте"}"#;
    let ran = program.fed(&["understand", "faq", "--jsonl"], input);
    let lines = ran.lines();
    assert_eq!((&lines[0]["id"], &lines[0]["faq"]), (&json!("q1"), &json!("f1")));
    assert_eq!((&lines[1]["id"], &lines[1]["faq"]), (&json!("q2"), &json!(null)));
    assert_eq!(lines[2], json!({ "id": "s1", "value": "yes" }));
    assert!(lines[3]["error"].as_str().unwrap().contains("weather"), "{lines:?}");
    assert_eq!(lines.len(), 4);
}

#[test]
fn clinics_may_come_as_a_list_of_what_they_offer() {
    let program = Program::new();
    let offers = r#"{"with": {"name": "С томографом", "kind": "vet", "services": ["терапия", "МРТ"], "absent": ["груминг"]},
        "without": {"name": "Без томографа", "kind": "vet", "services": ["терапия"], "absent": ["МРТ"]}}"#;
    let clinics = program.file("clinics.json", offers);
    let asked = |clinic| {
        format!(
            r#"{{"id": "{clinic}", "clinic": "{clinic}", "text": "Здравствуйте, МРТ собаке у вас можно сделать?"}}"#
        )
    };
    let calls = program.file("asked.jsonl", &[asked("with"), asked("without")].join("\n"));
    let lines = program.run(&["classify", &calls, "--clinic", &clinics]).lines();
    assert_eq!((&lines[0]["label"], &lines[1]["label"]), (&json!("target"), &json!("not_our_service")), "{lines:?}");
    let broken = program.file("broken.jsonl", r#"{"name": "Без вида", "services": []}"#);
    let ran = program.run(&["classify", &calls, "--clinic", &broken]);
    assert!(ran.failed().contains("broken.jsonl, line 1"), "{}", ran.failed());
}

#[test]
fn classify_answers_line_by_line() {
    let program = Program::new();
    let input = [
        json!({ "id": "a", "text": "хочу записать кошку на узи", "clinic": "vet_lapa" }).to_string(),
        json!({ "id": "b" }).to_string(),
        json!({ "id": "c", "text": "здравствуйте", "clinic": "nowhere" }).to_string(),
        json!({ "id": "d", "turns": [
            { "who": "agent", "text": "клиника лапа, здравствуйте", "start_ms": 0, "end_ms": 2000 },
            { "who": "caller", "text": "готовы ли анализы собаки", "start_ms": 2500, "end_ms": 5000 },
        ] })
        .to_string(),
    ];
    let ran = program.run(&["classify", &program.file("calls.jsonl", &input.join("\n"))]);
    assert!(ran.failed().contains("1 lines could not be judged"), "{}", ran.err);
    let lines = ran.lines();
    assert_eq!(lines.len(), 4);

    let target = &lines[0];
    assert_eq!(keys(target), ["confidence", "evidence", "id", "label", "review", "scores"]);
    assert_eq!((&target["id"], &target["label"]), (&json!("a"), &json!("target")));
    let scores = target["scores"].as_object().unwrap();
    assert_eq!(scores.len(), 10);
    let sum: f64 = scores.values().map(|score| score.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-3, "{sum}");
    assert_eq!(scores["target"], target["confidence"]);
    let evidence = &target["evidence"][0];
    assert_eq!(keys(evidence), ["end", "start", "text", "turn", "weight"]);
    let span = evidence["start"].as_u64().unwrap()..evidence["end"].as_u64().unwrap();
    let said: String =
        "хочу записать кошку на узи".chars().skip(span.start as usize).take((span.end - span.start) as usize).collect();
    assert_eq!(evidence["text"], json!(said), "the span is where the words are, in characters");

    assert!(lines[1]["error"].as_str().unwrap().contains("neither `text` nor `turns`"));
    assert_eq!(keys(&lines[2]), keys(target), "a clinic that is not known is no reason to say nothing");
    assert!(ran.err.contains("clinic `nowhere` is not known") && ran.err.contains("vet_lapa"), "{}", ran.err);
    assert_eq!(lines[3]["label"], json!("test_results"));
}

#[test]
fn mistakes_in_a_clinic_file_are_told_line_by_line() {
    let program = Program::new();
    let mistakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../desk/tests/mistakes/missing_everything.toml");
    let file = program.file("clinic.toml", &std::fs::read_to_string(mistakes).unwrap());
    let ran = program.run(&["report", "--clinic", &file]);
    let golden = r#"gudok: {file}: 5 mistakes
  line 1: id: it is missing; needed: a short name for the records, for example id = "vet_lapa"
  line 1: name: it is missing; needed: the clinic's name as a caller should hear it
  line 1: kind: it is missing; needed: one of veterinary, medical, dental
  line 1: timezone: it is missing; needed: an IANA name, for example timezone = "Europe/Moscow"
  line 1: services: it is missing; needed: a list of names, for example services = ["терапия", "УЗИ"], or a table [[services]] for each
"#;
    assert_eq!(ran.failed(), golden.replace("{file}", &file));
    assert_eq!(ran.out, "");
}

#[test]
fn an_unknown_clinic_or_flow_is_answered_with_what_there_is() {
    let program = Program::new();
    for args in [&["report"][..], &["call", "--script", "x"], &["import", "."], &["serve"]] {
        let ran = program.run(&[args, &["--clinic", "nowhere"]].concat());
        let error = ran.failed();
        assert!(
            error.contains("no clinic `nowhere`") && error.contains("vet_lapa, vet_zoo, med_plus, dent_smile"),
            "{error}"
        );
    }
    let script = program.file("caller.txt", "здравствуйте\n");
    let ran = program.run(&["call", "--clinic", "vet_lapa", "--flow", "no-such-flow", "--script", &script]);
    assert!(ran.failed().contains("no flow `no-such-flow`") && ran.err.contains("make flows"), "{}", ran.err);
}

#[test]
fn import_twice_counts_once_and_the_report_sees_it() {
    let program = Program::new();
    if !has_a_model(&program) {
        println!("skipped: run `make models` first (no speech model is installed)");
        return;
    }
    let folder = program.home.path().join("recordings");
    std::fs::create_dir(&folder).unwrap();
    let silence = vec![0i16; 12_000];
    audio::wav::write(folder.join("20261120-101500-101.wav"), 8_000, &[&silence]).unwrap();
    audio::wav::write(folder.join("20261120-113000-102.wav"), 8_000, &[&silence, &silence]).unwrap();
    let folder = folder.display().to_string();
    let import = || program.run(&["import", &folder, "--clinic", "vet_lapa", "--format", "json"]).json();

    let first = import();
    assert_eq!(first.as_array().unwrap().len(), 2);
    for row in first.as_array().unwrap() {
        assert_eq!(keys(row), ["category", "confidence", "evidence", "file", "review", "state"]);
        assert_eq!((&row["state"], &row["category"]), (&json!("new"), &json!("no_topic")));
        assert_eq!(row["evidence"], json!(""), "silence has no words");
    }
    let again = import();
    assert!(again.as_array().unwrap().iter().all(|row| row["state"] == json!("known")), "{again}");

    let args = ["report", "--clinic", "vet_lapa", "--from", "2026-11-01", "--to", "2026-11-30", "--format"];
    let report = program.run(&[&args[..], &["json"]].concat()).json();
    assert_eq!((&report["kpis"]["offered"], &report["kpis"]["answered"]), (&json!(2), &json!(2)));
    let csv = program.run(&[&args[..], &["csv"]].concat());
    assert!(csv.ok && csv.out.lines().any(|line| line.contains("no_topic")), "{}", csv.out);
}

#[test]
fn an_asterisks_queue_log_makes_a_report_and_importing_it_twice_changes_nothing() {
    let program = Program::new();
    // 10:00 in Moscow on 20 November 2026: one answered after 15 s, one given up after 30 s, one line damaged.
    let log = "1795158000|1795158000.1|desk|NONE|ENTERQUEUE||79031234567|1\n\
        1795158015|1795158000.1|desk|SIP/101|CONNECT|15|1795158004.2|3\n\
        1795158020|1795158020.3|desk|NONE|ENTERQUEUE||79035550000|1\n\
        1795158050|1795158020.3|desk|NONE|ABANDON|1|1|30\n\
        1795158060|broken\n\
        1795158075|1795158000.1|desk|SIP/101|COMPLETEAGENT|15|60|1\n";
    let log = program.file("queue_log", log);
    let args = ["import", "--asterisk-queue-log", &log, "--clinic", "vet_lapa", "--format", "json"];
    let count = |ran: &Ran, what: &str| {
        let rows: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
        rows.iter().find(|row| row["what"] == json!(what)).unwrap()["count"].as_i64().unwrap()
    };
    let first = program.run(&args);
    assert!(!first.ok && first.err.contains("queue_log:5:"), "{}", first.err);
    assert_eq!((count(&first, "calls"), count(&first, "new"), count(&first, "problems")), (2, 2, 1));
    let again = program.run(&args);
    assert_eq!((count(&again, "new"), count(&again, "known")), (0, 2));

    let report = ["report", "--clinic", "vet_lapa", "--from", "2026-11-01", "--to", "2026-11-30", "--format", "json"];
    let kpis = program.run(&report).json()["kpis"].clone();
    assert_eq!((&kpis["offered"], &kpis["answered"], &kpis["lost"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((&kpis["asa_ms"], &kpis["att_ms"]), (&json!(15_000), &json!(60_000)));
}

#[test]
fn an_empty_month_has_a_report_too() {
    let program = Program::new();
    let report = program
        .run(&["report", "--clinic", "vet_lapa", "--from", "2026-10-01", "--to", "2026-10-31", "--format", "json"])
        .json();
    assert_eq!(report["schema"], json!("gudok.report/1"));
    assert_eq!(report["period"], json!({ "from": "2026-10-01", "to": "2026-10-31" }));
    assert_eq!(report["before"], json!({ "from": "2026-09-01", "to": "2026-09-30" }));
    assert_eq!(report["kpis"]["offered"], json!(0));
    assert_eq!(report["kpis"]["sl_offered"]["percent"], json!(null), "a share of nothing is not 0 %");
}

fn models(program: &Program) -> Vec<Value> {
    program.run(&["models", "list", "--format", "json"]).json().as_array().unwrap().clone()
}

fn has_a_model(program: &Program) -> bool {
    cfg!(feature = "whisper") && models(program).iter().any(|model| model["installed"] == json!(true))
}

#[test]
fn models_are_listed_with_licence_and_size() {
    let program = Program::new();
    let models = models(&program);
    let base = models.iter().find(|model| model["id"] == "whisper-base").unwrap();
    assert_eq!(keys(base), ["id", "installed", "licence", "megabytes", "purpose"]);
    assert!(base["licence"].as_str().unwrap().contains("MIT"));
    let table = program.run(&["models", "list"]);
    assert!(models.iter().all(|model| table.out.contains(model["id"].as_str().unwrap())), "{}", table.out);
    let none =
        program.command(&["models", "list", "--format", "json"]).env("GUDOK_MODELS", program.home.path()).output();
    let none: Vec<Value> = serde_json::from_slice(&none.unwrap().stdout).unwrap();
    assert!(none.iter().all(|model| model["installed"] == json!(false)), "an empty folder has none");
    let wrong = program.run(&["models", "fetch", "no-such-model"]);
    assert!(wrong.failed().contains("no-such-model") && wrong.err.contains("whisper-base"), "{}", wrong.err);
}

#[test]
fn a_file_that_is_no_flow_is_refused_with_the_reason() {
    let program = Program::new();
    let check =
        |content: &str| program.run(&["flow", "check", &program.file("flow.wasm", content)]).failed().to_owned();
    let garbage = check("мусор, не программа");
    assert!(garbage.contains("is not WebAssembly") && garbage.contains("component"), "{garbage}");
    let module = check("\0asm\x01\0\0\0");
    assert!(module.contains("flow.wasm") && module.contains("gudok:flow/flow"), "{module}");
    assert!(program.run(&["flow", "check", "/no/such.wasm"]).failed().contains("/no/such.wasm: cannot be read"));
}

#[test]
fn serve_prints_where_and_answers() {
    let program = Program::new();
    assert!(program.run(&["user", "add", "anna", "--name", "Анна", "--role", "manager@vet_lapa"]).ok);
    let token = program.run(&["user", "token", "anna", "--name", "test", "--scope", "see_calls", "--days", "1"]).out;
    let mut command = program.command(&["serve", "--clinic", "vet_lapa", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let answers =
        line.trim().split_once("http://").map(|(_, address)| address.parse::<SocketAddr>().unwrap()).map(|at| {
            ["/healthz", "/metrics", "/api/v1/calls?clinic=vet_lapa", "/nowhere"].map(|path| get(at, path, ""))
        });
    let address = line.trim().split_once("http://").unwrap().1.parse().unwrap();
    let shown = get(address, "/api/v1/calls?clinic=vet_lapa", token.trim());
    child.kill().unwrap();
    child.wait().unwrap();

    let [health, metrics, calls, nowhere] = answers.unwrap_or_else(|| panic!("no address in: {line}"));
    assert!(line.contains("vet_lapa"), "{line}");
    assert!(health.starts_with("HTTP/1.1 200") && health.contains("\"status\":\"ok\""), "{health}");
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("# TYPE"), "{metrics}");
    assert!(calls.starts_with("HTTP/1.1 401"), "{calls}");
    assert!(shown.starts_with("HTTP/1.1 200"), "{shown}");
    assert!(nowhere.starts_with("HTTP/1.1 404"), "{nowhere}");
}

fn get(at: SocketAddr, path: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    let token = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {at}\r\n{token}Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_help_of_every_command_names_what_it_takes() {
    let program = Program::new();
    let commands: [(&[&str], &[&str]); 32] = [
        (&["user", "add"], &["<LOGIN>", "--name", "--role"]),
        (&["user", "token"], &["<LOGIN>", "--name", "--scope", "--clinic", "--days"]),
        (&["demo"], &["--out", "--real-time", "--lang"]),
        (&["call"], &["--clinic", "--flow", "--script", "--wav", "--spoken", "--record", "--now"]),
        (&["transcribe"], &["<FILE>", "--format", "--engine"]),
        (&["classify"], &["<FILE>", "--clinic", "--model", "jsonl"]),
        (&["understand"], &["<SLOT>", "--jsonl", "--now", "--hours", "datetime", "yesno", "phone", "faq"]),
        (&["import"], &["[DIR]", "--meta", "--clinic", "--asterisk-queue-log", "--asterisk-cdr", "--recordings"]),
        (&["report"], &["--clinic", "--from", "--to", "--html", "--format"]),
        (&["review"], &["--clinic", "--list", "--set", "--as", "--since"]),
        (&["retag"], &["--clinic", "--since", "--dry-run", "--format"]),
        (&["category", "add"], &["<ID>", "--clinic", "--title", "--examples", "--others", "--target", "--as"]),
        (&["category", "list"], &["--clinic", "--format"]),
        (&["category", "remove"], &["<ID>", "--clinic"]),
        (&["models", "info"], &["--clinic", "--format"]),
        (&["models", "list"], &["--format"]),
        (&["models", "fetch"], &["<MODEL>"]),
        (&["flow", "build"], &["<PROJECT>", "--out"]),
        (&["flow", "check"], &["<FLOW>", "--format"]),
        (&["flow", "run"], &["<FLOW>", "--clinic", "--script"]),
        (&["train"], &["--corpus", "--out", "--folds", "--with-corrections"]),
        (&["evaluate"], &["<FILE>", "--clinic", "--model", "--format", "html", "--out", "--lang"]),
        (&["serve"], &["--listen", "--clinic", "--demo", "--lines", "--connections", "--https", "--openid"]),
        (&["simulate"], &["--out", "--clinic", "--from", "--days", "--calls", "--no-faults", "--seed"]),
        (&["backup"], &["[FILE]"]),
        (&["backups", "clean"], &["[ID]"]),
        (&["backups", "gone"], &["<ID>"]),
        (&["audit", "verify"], &["--noted"]),
        (&["person", "export"], &["<NUMBER>", "--clinic", "--out"]),
        (&["person", "erase"], &["<NUMBER>", "--clinic", "--yes"]),
        (&["dial"], &["<NUMBER>", "--clinic", "--entry", "--at", "--once"]),
        (&["doctor"], &["--format", "--quick"]),
    ];
    let all = program.run(&["--help"]).out;
    for (command, takes) in commands {
        assert!(all.contains(&format!("\n  {}", command[0])), "{} is not in --help", command[0]);
        let help = program.run(&[command, &["--help"]].concat());
        assert!(help.ok);
        assert!(help.out.contains(&format!("Usage: gudok {}", command.join(" "))), "{}", help.out);
        for word in takes {
            assert!(help.out.contains(word), "{command:?}: {word} is not in its help:\n{}", help.out);
        }
    }
    let listed = all.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let listed: Vec<&str> =
        listed.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' ')).collect();
    for line in listed {
        let name = line.split_whitespace().next().unwrap();
        assert!(name == "help" || commands.iter().any(|(command, _)| command[0] == name), "{name} is not tested here");
    }
}

#[test]
fn a_simulated_week_ends_well_and_one_person_can_leave_with_everything() {
    let program = Program::new();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (db, zip, copy) = (at("week.db"), at("person.zip"), at("copy.db"));
    let week = ["--days", "4", "--calls", "60", "--visits", "30", "--requests", "8", "--from", "2026-11-02"];
    let ran = program.run(&[&["simulate", "--out", db.as_str()], &week[..]].concat());
    assert!(ran.ok, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("everybody came to an end"), "{}", ran.out);
    let again = program.run(&["simulate", "--out", &db]);
    assert!(again.failed().contains("is there already"), "{}", again.err);

    let saved = program.run(&["backup", &copy, "--db", &db]);
    assert!(saved.ok && saved.out.contains("SHA-256"), "{}\n{}", saved.out, saved.err);
    // Somebody who is in it; who that is, the week decides.
    let bytes = std::fs::read(&copy).unwrap();
    let number =
        bytes.windows(12).find(|window| window.starts_with(b"+7900") && window[1..].iter().all(u8::is_ascii_digit));
    let phone = std::str::from_utf8(number.unwrap()).unwrap();
    let person =
        |rest: &[&str]| program.run(&[&["person"], rest, &["--clinic", "vet_lapa", phone, "--db", &db]].concat());
    let exported = person(&["export", "--out", &zip]);
    assert!(exported.ok, "{}", exported.err);
    assert!(std::fs::read(&zip).unwrap().starts_with(b"PK"));
    let erased = person(&["erase", "--yes"]);
    assert!(erased.ok && erased.out.contains("done"), "{}\n{}", erased.out, erased.err);
    assert!(erased.out.contains("still in the backup"), "{}", erased.out);
    let holds = |path: &str| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(phone.len()).any(|window| window == phone.as_bytes())
    };
    assert!(!holds(&db), "still in the database after {}\n{}", erased.out, erased.err);
    assert!(holds(&copy));

    // In the backup they are forgotten by a command of its own; what was done stands in the trail, and the trail is whole.
    let cleaned = program.run(&["backups", "clean", "--db", &db]);
    assert!(cleaned.ok && cleaned.out.contains("1 people were forgotten"), "{}\n{}", cleaned.out, cleaned.err);
    assert!(!holds(&copy));
    let listed = program.run(&["backups", "list", "--db", &db]);
    assert!(listed.out.contains("0 people to forget"), "{}", listed.out);
    let id = listed.out.split_whitespace().next().unwrap();
    assert!(program.run(&["backups", "gone", id, "--db", &db]).ok);
    assert!(program.run(&["backups", "list", "--db", &db]).out.contains("thrown away"));
    let role = ["user", "add", "anna", "--name", "Анна", "--role", "owner", "--db", &db];
    assert!(program.run(&role).ok);
    let whole = program.run(&["audit", "verify", "--db", &db]);
    assert!(whole.ok && whole.out.starts_with("whole: "), "{}\n{}", whole.out, whole.err);
    let end = whole.out.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(program.run(&["audit", "verify", "--noted", &end, "--db", &db]).ok);
    let (last, hash) = end.split_once(':').unwrap();
    let longer = format!("{last}0:{hash}");
    let cut = program.run(&["audit", "verify", "--noted", &longer, "--db", &db]);
    assert!(cut.failed().contains("was cut off"), "{}", cut.err);
}
