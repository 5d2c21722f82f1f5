//! The week's report against a real mail server on a real socket, sent by a program that is killed at every step.

#![allow(clippy::unwrap_used, reason = "functions that tests share are tests too")]

mod post;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use desk::Clinic;
use jiff::Timestamp;
use outreach::Gateways;
use outreach::send::Email;
use records::{BookingRecord, CallEnd, CallRecord, Change, JobState, Outcome, Status, Store, Tag};
use reports::{CategoryInfo, CountsAs};
use weekly::{Settings, Step, Weekly};

use post::Post;

/// Monday 2026-11-23 08:30 in Moscow.
const NOW: i64 = 1_795_411_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const STEPS: [Step; 4] = [Step::Planned, Step::Claimed, Step::Answered, Step::Written];

const FOLDER: &str = "GUDOK_WEEKLY_TEST_FOLDER";
const SERVER: &str = "GUDOK_WEEKLY_TEST_SERVER";
const CLOCK: &str = "GUDOK_WEEKLY_TEST_NOW";
const DIE_AT: &str = "GUDOK_WEEKLY_TEST_DIE_AT";

fn clinic() -> Arc<Clinic> {
    let text = "id = \"vet\"\nname = \"Лапа\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\naddress = \"Садовая, 12\"\n\
                phone = \"+7 495 120-45-67\"\nservices = [\"терапия\"]\nhours = \"09:00-21:00\"\nminute_cost = 30\n\
                [lost_reasons]\nprice = \"дорого\"\n";
    Arc::new(Clinic::parse(text, "vet.toml").unwrap())
}

fn categories() -> BTreeMap<String, Vec<CategoryInfo>> {
    let one = |id: &str, title: &str, counts_as, advice: &str| CategoryInfo {
        id: id.to_owned(),
        title_ru: title.to_owned(),
        title_en: id.to_owned(),
        counts_as,
        may_sell: false,
        may_book: false,
        advice_ru: advice.to_owned(),
        advice_en: advice.to_owned(),
    };
    let all = vec![
        one("target", "Запись на приём", CountsAs::Target, ""),
        one(
            "inpatient",
            "О пациенте в стационаре",
            CountsAs::NonTarget,
            "Отправляйте сообщение владельцу до 10:00 & <вечером>.",
        ),
    ];
    BTreeMap::from([("vet".to_owned(), all)])
}

async fn open(folder: &Path) -> Store {
    Store::open(folder.join("gudok.db")).await.unwrap()
}

/// A week: four calls answered (one booked, three about the ward), one lost; a visit called off.
async fn fill(store: &Store) {
    let wednesday = NOW - 5 * DAY;
    for n in 0..5_i64 {
        let mut call = CallRecord::live(format!("c{n}"), "vet", "Europe/Moscow", wednesday + n * HOUR);
        call.caller = Some(format!("+7903123450{n}").into());
        store.start_call(&call).await.unwrap();
        let answered = n < 4;
        let end = CallEnd {
            ended_ms: call.started_ms + 125_000,
            answered_ms: answered.then_some(call.started_ms + 5_000),
            outcome: (n == 0).then_some(Outcome::Booked),
            ..CallEnd::default()
        };
        store.end_call(&call.id, &end).await.unwrap();
        if answered {
            let tag = Tag {
                call: call.id.clone(),
                category: if n == 0 { "target" } else { "inpatient" }.to_owned(),
                confidence: 0.9,
                evidence: serde_json::json!([]),
                taxonomy_version: "1".to_owned(),
                model_version: "test-1".to_owned(),
                review: false,
                by: "classifier".to_owned(),
                at_ms: call.started_ms + 125_000,
            };
            store.add_tag(&tag).await.unwrap();
        }
    }
    let start_ms = wednesday + DAY;
    let visit = BookingRecord {
        id: "v".to_owned(),
        visit: "v".to_owned(),
        clinic: "vet".to_owned(),
        timezone: "Europe/Moscow".to_owned(),
        doctor: "petrov".to_owned(),
        service: "терапия".to_owned(),
        start_ms,
        end_ms: start_ms + HOUR,
        held_until_ms: start_ms + HOUR,
        status: Status::Booked,
        phone: "+79031234500".into(),
        person: "Анна".into(),
        animal: "".into(),
        reason: "".into(),
        call: Some("c0".to_owned()),
        created_ms: wednesday,
        updated_ms: wednesday,
        species: String::new(),
        branch: String::new(),
        first_visit: None,
        first_for_animal: None,
        reason_code: None,
        external_id: None,
    };
    store.book(&visit, "robot").await.unwrap();
    let change = Change {
        at_ms: wednesday + HOUR,
        by: "anna".to_owned(),
        reason: "".into(),
        call: None,
        reason_code: Some("price".to_owned()),
    };
    store.cancel("v", &change).await.unwrap();
}

fn weekly(store: &Store, server: &str, readers: &str) -> Weekly {
    let section = format!("to = [{readers}]\npage = \"https://desk.example\"\n");
    let settings = Settings::read(toml::from_str(&section).unwrap(), &["vet"]).unwrap();
    let gateways = Gateways::read(toml::from_str(server).unwrap(), &|_| None).unwrap();
    Weekly::new(store.clone(), [clinic()], categories(), settings, Email::new(gateways.email.unwrap()).unwrap())
}

fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

#[tokio::test]
async fn a_week_is_told_once_to_each_reader() {
    let post = Post::start();
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    fill(&store).await;
    let weekly = weekly(&store, &post.server(), "\"head@vet.example\", \"owner@vet.example\"");
    assert_eq!(weekly.step(moment(NOW - HOUR)).await.unwrap(), 0, "at half past seven it is too early");
    assert_eq!(weekly.step(moment(NOW)).await.unwrap(), 2);
    assert_eq!(weekly.step(moment(NOW + MINUTE)).await.unwrap(), 0);
    assert_eq!(weekly.step(moment(NOW + DAY)).await.unwrap(), 0);
    let mut mails = post.mails();
    assert_eq!(mails.len(), 2);
    mails.sort_by_key(|mail| mail.contains("To: owner@vet.example"));
    assert!(mails[0].contains("To: head@vet.example") && mails[1].contains("To: owner@vet.example"));
    let [text, html] = post::parts(&mails[0]);
    for part in [&text, &html] {
        let part = part.replace('\u{a0}', " ");
        assert!(
            part.contains("75 % звонков не могут привести к приёму; все они — «О пациенте в стационаре»."),
            "{part}"
        );
        for said in [
            "16–22 ноября 2026",
            "20,0 %",
            "5 → 1 → 0 → 0",
            "дорого: 1",
            "3 звонка",
            "https://desk.example/desk/vet/report?from=2026-11-16",
        ] {
            assert!(part.contains(said), "{said} is not in {part}");
        }
        assert!(!part.contains("+7903") && !part.contains("Анна"), "no caller is named");
    }
    assert!(html.contains("&amp; &lt;вечером&gt;") && text.contains("& <вечером>"));
    for outside in ["src=", "url(", "<script", "<link", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert_eq!(weekly.step(moment(NOW + 7 * DAY)).await.unwrap(), 2, "the next week has a letter of its own");
}

#[tokio::test]
async fn a_server_that_says_later_is_asked_later_and_one_that_broke_off_never() {
    let post = Post::start();
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    fill(&store).await;
    let weekly = weekly(&store, &post.server(), "\"head@vet.example\"");
    post.refuse("451 later");
    assert_eq!(weekly.step(moment(NOW)).await.unwrap(), 0);
    assert_eq!(weekly.step(moment(NOW + MINUTE)).await.unwrap(), 0, "not yet");
    assert_eq!(weekly.step(moment(NOW + 11 * MINUTE)).await.unwrap(), 1);
    post.break_off();
    assert_eq!(weekly.step(moment(NOW + 7 * DAY)).await.unwrap(), 0);
    assert_eq!(weekly.step(moment(NOW + 7 * DAY + HOUR)).await.unwrap(), 0);
    assert_eq!(post.mails().len(), 2, "what may have arrived is not sent again");
    assert_eq!(store.job_counts("weekly-report").await.unwrap(), [(JobState::Done, 1), (JobState::Failed, 1)]);
}

/// One run of the program, as a child that does one step. It dies when it comes to `die_at`.
fn program(folder: &Path, server: &str, now: i64, die_at: Option<Step>) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(SERVER, server)
        .env(CLOCK, now.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(step) = die_at {
        command.env(DIE_AT, format!("{step:?}"));
    }
    command.status().unwrap().success()
}

#[test]
#[ignore = "is run as a child by the test below"]
fn child() {
    let folder = std::path::PathBuf::from(std::env::var(FOLDER).unwrap());
    let server = std::env::var(SERVER).unwrap();
    let now = std::env::var(CLOCK).unwrap().parse().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = open(&folder).await;
        let mut weekly = weekly(&store, &server, "\"head@vet.example\"");
        weekly.at = |step| {
            if std::env::var(DIE_AT).is_ok_and(|at| at == format!("{step:?}")) {
                // No destructor, no flush: as a crash.
                std::process::abort();
            }
        };
        weekly.step(moment(now)).await.unwrap();
    });
}

#[test]
fn nobody_gets_it_twice_whenever_the_program_dies() {
    let post = Post::start();
    for step in STEPS {
        let folder = tempfile::tempdir().unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let store = open(folder.path()).await;
            fill(&store).await;
            store.close().await;
        });
        post.empty();
        assert!(!program(folder.path(), &post.server(), NOW, Some(step)), "it did not come to {step:?}");
        for later in [MINUTE, 5 * MINUTE, HOUR, DAY] {
            assert!(program(folder.path(), &post.server(), NOW + later, None));
        }
        // Between "I am sending it" and the server's word nobody can know; everywhere else it arrives, once.
        let expected = usize::from(step != Step::Claimed);
        assert_eq!(post.mails().len(), expected, "killed at {step:?}");
    }
}
