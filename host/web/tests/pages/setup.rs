//! The pages that set a clinic up: safe and small like every other, for whoever runs the clinic, and a file that changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use desk::Clinic;
use jiff::Timestamp;
use records::Store;
use tempfile::TempDir;
use tower::ServiceExt as _;
use web::auth::{Grant, Role};
use web::{AppState, Looked, Served, Workshop};

use crate::{Answer, EVIL, month, session};

const CLINIC: &str = "vet_lapa";
pub(crate) const STEPS: [&str; 11] =
    ["about", "hours", "services", "doctors", "faq", "try", "line", "reminders", "prompts", "people", "file"];

/// A server over a folder with one clinic file.
pub(crate) struct Setting {
    pub(crate) served: Served,
    pub(crate) owner: String,
    pub(crate) folder: Arc<TempDir>,
}

struct Bench {
    folder: Arc<TempDir>,
    served: OnceLock<Served>,
}

impl Bench {
    fn path(&self) -> PathBuf {
        self.folder.path().join(format!("{CLINIC}.toml"))
    }
}

#[async_trait]
impl Workshop for Bench {
    fn folder(&self) -> Option<&Path> {
        Some(self.folder.path())
    }

    fn file(&self, clinic: &str) -> Option<PathBuf> {
        (clinic == CLINIC).then(|| self.path())
    }

    async fn reload(&self) -> Result<(), String> {
        let clinic = Clinic::load(self.path()).map_err(|errors| errors.to_string())?;
        if clinic.address.contains("нельзя") {
            return Err("this address cannot be served".to_owned());
        }
        let served = self.served.get().unwrap();
        let mut state = served.state();
        state.clinics = Arc::new([(clinic.id.clone(), Arc::new(clinic))].into());
        served.replace(state);
        Ok(())
    }

    async fn hire(&self, _clinic: &str, _by: &str) -> Result<(), String> {
        Err("no flow `vet-desk`: build it with `make flows`".to_owned())
    }

    fn voiceless(&self) -> Option<String> {
        None
    }

    fn lines(&self) -> PathBuf {
        self.folder.path().join("lines.toml")
    }

    fn check_lines(&self, text: &str) -> Result<(), String> {
        if text.contains("registrar") { Ok(()) } else { Err("line 1: trunk.registrar: it is missing".to_owned()) }
    }

    async fn try_line(&self, _text: &str, _trunk: &str) -> Vec<Looked> {
        vec![Looked { what: "registration".to_owned(), good: false, said: EVIL.to_owned() }]
    }

    fn pending(&self) -> Option<usize> {
        None
    }
}

impl Setting {
    pub(crate) async fn new() -> Setting {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let text = include_str!("../../../../clinics/vet_lapa.toml");
        std::fs::write(folder.path().join(format!("{CLINIC}.toml")), text).unwrap();
        let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
        let bench = Arc::new(Bench { folder: Arc::clone(&folder), served: OnceLock::new() });
        let mut state = AppState::new(store, [], month::categories());
        state.now = || Timestamp::from_millisecond(month::NOW).unwrap();
        state.workshop = Some(Arc::clone(&bench) as Arc<dyn Workshop>);
        let owner = session(&state, vec![Grant::owner_of_everything()]).await;
        let served = Served::new(state);
        bench.served.set(served.clone()).ok();
        bench.reload().await.unwrap();
        Setting { served, owner, folder }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.served.router(false).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 50_000_000).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    async fn get_by(&self, session: &str, path: &str, lang: &str) -> Answer {
        let request = Request::get(path)
            .header(header::COOKIE, format!("gudok={session}; gudok_lang={lang}"))
            .header(header::ACCEPT, "text/html");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.get_by(&self.owner, path, "ru").await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        // As browsers do: what needs no sign has none.
        let sign = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        let encoded = |text: &str| text.bytes().map(sign).collect::<String>();
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = Request::post(path)
            .header(header::COOKIE, format!("gudok={}; gudok_lang=ru", self.owner))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.join("&"))).unwrap()).await
    }

    /// A form of a step with what its page holds.
    async fn step(&self, step: &str, fields: &[(&str, &str)]) -> Answer {
        let path = at(step);
        let text = self.get(&path).await.text();
        let hidden = |name: &str| {
            let (_, rest) = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let (csrf, seen) = (hidden("csrf"), hidden("seen"));
        self.post(&path, &[&[("csrf", csrf.as_str()), ("seen", seen.as_str())], fields].concat()).await
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{CLINIC}.toml"))).unwrap()
    }
}

pub(crate) fn at(step: &str) -> String {
    format!("/desk/{CLINIC}/setup/{step}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_in_both_languages_small_and_without_anything_inline() {
    let site = Setting::new().await;
    let pages = STEPS.iter().map(|step| at(step)).chain(["/desk/new".to_owned()]);
    for path in pages {
        for lang in ["ru", "en"] {
            let page = site.get_by(&site.owner, &path, lang).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text());
            let text = page.text();
            assert!(text.contains(&format!("<html lang=\"{lang}\"")), "{path}");
            let policy = page.header("content-security-policy");
            assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
            for forbidden in [" style=\"", "<style", " onclick=", " onload=", "javascript:"] {
                assert!(!text.contains(forbidden), "{path} has {forbidden}");
            }
            let mut whole = page.bytes.len();
            for (at, _) in text.match_indices("src=\"/").chain(text.match_indices("href=\"/desk-assets")) {
                let asset = text[at..].split('"').nth(1).unwrap();
                if asset.ends_with(".js") || asset.ends_with(".css") {
                    let asset = site.get(asset).await;
                    assert_eq!(asset.status, StatusCode::OK);
                    whole += asset.bytes.len();
                }
            }
            assert!(whole < 150 * 1024, "{path}: {whole} bytes");
            let labelled = |input: &str| input.contains("type=\"hidden\"") || input.contains("name=");
            assert!(
                text.match_indices("<input").all(|(at, _)| labelled(text[at..].split('>').next().unwrap())),
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_the_clinic_may_and_nobody_else() {
    let site = Setting::new().await;
    let grant = |role| vec![Grant { clinic: CLINIC.into(), role }];
    let state = site.served.state();
    let (manager, desk) =
        (session(&state, grant(Role::Manager)).await, session(&state, grant(Role::Administrator)).await);
    let stranger = session(&state, vec![Grant { clinic: "other".into(), role: Role::Owner }]).await;
    for step in STEPS {
        let expected = if step == "people" { StatusCode::FORBIDDEN } else { StatusCode::OK };
        assert_eq!(site.get_by(&manager, &at(step), "ru").await.status, expected, "{step}");
        assert_eq!(site.get_by(&desk, &at(step), "ru").await.status, StatusCode::FORBIDDEN, "{step}");
        assert_eq!(site.get_by(&stranger, &at(step), "ru").await.status, StatusCode::NOT_FOUND, "{step}");
        assert_eq!(site.get_by("nobody", &at(step), "ru").await.status, StatusCode::SEE_OTHER, "{step}");
    }
    // A clinic's own manager makes no others.
    assert_eq!(site.get_by(&manager, "/desk/new", "ru").await.status, StatusCode::FORBIDDEN);
    for step in STEPS.iter().filter(|step| **step != "try") {
        assert_eq!(
            site.post(&at(step), &[("seen", "x")]).await.status,
            StatusCode::FORBIDDEN,
            "{step} without the word"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_holds_at_once_and_what_is_wrong_changes_nothing() {
    let site = Setting::new().await;
    let before = site.text();
    let saved = site
        .step(
            "services",
            &[
                ("do", "change"),
                ("place", "0"),
                ("name", "терапия"),
                ("minutes", "45"),
                ("price", "1350,50"),
                ("bookable", "1"),
            ],
        )
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    assert!(site.text().contains("minutes = 45") && site.text().contains("price = \"1350.50\""), "{}", site.text());
    assert!(site.get(&format!("/desk/{CLINIC}/clinic")).await.text().contains("45"), "the page knows it");
    assert!(site.get(saved.header("location")).await.text().contains("уже действует"));

    let names = site.served.state().clinics[CLINIC].services.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    let mut fields: Vec<(String, String)> = Vec::new();
    for (n, name) in names.iter().enumerate() {
        fields.push(("name".into(), name.clone()));
        fields.push((format!("is{n}"), if name == "чипирование" { "absent" } else { "offered" }.into()));
    }
    fields.push(("more_offered".into(), "стрижка когтей".into()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(site.step("services", &fields).await.status, StatusCode::SEE_OTHER);
    let clinic = Arc::clone(&site.served.state().clinics[CLINIC]);
    assert_eq!(clinic.absent, ["чипирование"]);
    assert!(clinic.services.iter().any(|one| one.name == "стрижка когтей") && clinic.services.len() == names.len());

    // What the file's reader would refuse, and what cannot be served, leaves the file as it was.
    let good = site.text();
    let refused = site.step("about", &[("name", "Лапа"), ("phone", "звоните")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text();
    assert!(text.contains("строка ") && text.contains("phone") && text.contains("не телефон"), "{text}");
    assert!(text.contains("name=\"phone\" value=\"звоните\""), "what was typed stands beside what is wrong: {text}");
    let refused = site.step("about", &[("name", "Лапа"), ("address", "сюда нельзя")]).await;
    assert!(refused.text().contains("cannot be served"), "{}", refused.text());
    let refused = site.step("file", &[("text", &good.replace("vet_lapa", "other"))]).await;
    assert!(refused.text().contains("короткое имя нельзя"), "{}", refused.text());
    assert_eq!(site.text(), good);

    // Back to the first version.
    let page = site.get(&at("file")).await.text();
    let oldest = page
        .split("name=\"restore\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .last()
        .unwrap();
    assert_eq!(site.step("file", &[("restore", &oldest)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.text(), before);
    assert!(site.step("file", &[("restore", "../../etc/passwd")]).await.text().contains("больше нет"));
    let trail = site.served.state().store.audit_trail(&records::AuditFilter::default(), None, 100).await.unwrap();
    assert!(trail.rows.iter().filter(|row| row.entry.action == "clinic.changed").count() >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_shows_what_was_typed_and_no_other_does() {
    let site = Setting::new().await;
    let before = site.text();
    let price = [("do", "change"), ("place", "1"), ("name", "ультразвук"), ("minutes", "40"), ("price", "дорого")];
    let refused = site.step("services", &price).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text();
    assert!(
        text.contains("не сумма") && text.contains("value=\"дорого\"") && text.contains("value=\"ультразвук\""),
        "{text}"
    );
    assert_eq!(
        (text.matches("<details class=\"item\" open").count(), text.matches("value=\"дорого\"").count()),
        (1, 1)
    );

    let refused = site.step("hours", &[("day0", "с девяти"), ("day1", "10:00-12:00"), ("day6", "")]).await.text();
    assert!(
        refused.contains("value=\"с девяти\"") && refused.contains("name=\"day1\" value=\"10:00-12:00\""),
        "{refused}"
    );
    assert!(refused.contains("name=\"day6\" value=\"\""), "what was emptied stays empty: {refused}");
    let exception = [("do", "add"), ("from", "2026-12-31"), ("hours", "до обеда"), ("note", "перед праздником")];
    let refused = site.step("hours", &exception).await.text();
    assert!(refused.contains("value=\"до обеда\"") && refused.contains("value=\"перед праздником\""), "{refused}");
    let refused = site.step("faq", &[("question", "Есть лифт?"), ("answer", "")]).await.text();
    assert!(refused.contains("value=\"Есть лифт?\"") && refused.contains("answer: не хватает"), "{refused}");
    let doctor = [("name", "Новикова"), ("day0", "утром"), ("service", "терапия")];
    let refused = site.step("doctors", &doctor).await.text();
    assert!(refused.contains("value=\"Новикова\"") && refused.contains("value=\"утром\""), "{refused}");
    // A look writes nothing, and what was typed is still there to be saved.
    let look = [("do", "look"), ("registrar", "sip.example.com"), ("username", "7495")];
    assert!(site.step("line", &look).await.text().contains("value=\"sip.example.com\""));
    assert_eq!(site.text(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_the_reminders_are_changed_with_a_look_at_the_message() {
    let site = Setting::new().await;
    let before = site.text();
    let page = site.get(&at("reminders")).await.text();
    assert!(page.contains("накануне, в 12:00") && page.contains("Клиент получит"), "{page}");
    // The example is filled with the clinic's own particulars.
    assert!(page.contains("в среду, 25 ноября, в 12:30"), "{page}");

    let typed = [("place", "3"), ("when", "minutes"), ("minutes", "90"), ("how", "message")];
    let text = ("text_ru", "{clinic}: ждём {when}, {animal}!");
    let shown = site.step("reminders", &[&[("do", "preview"), text], &typed[..]].concat()).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text().contains("ждём в среду, 25 ноября, в 12:30, кот Барсик!"), "{}", shown.text());
    assert_eq!(site.text(), before, "a look writes nothing");

    let saved = site.step("reminders", &[&[("do", "step"), text], &typed[..]].concat()).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let clinic = || Arc::clone(&site.served.state().clinics[CLINIC]);
    assert_eq!(clinic().reminders.steps[3].when, desk::StepTime::MinutesBefore(90));
    let sms = records::Channel::Sms;
    let texts = |name: &str| clinic().templates.text(name, sms, desk::Language::Russian).to_owned();
    assert_eq!(texts("soon"), text.1);

    let new =
        [("do", "step"), ("name", "за два дня"), ("when", "days"), ("days", "2"), ("at", "15:00"), ("how", "call")];
    assert_eq!(site.step("reminders", &[&new[..], &[("asks", "1")]].concat()).await.status, StatusCode::SEE_OTHER);
    let step = clinic().reminders.steps[4].clone();
    assert_eq!((step.id.as_str(), step.asks, step.how), ("za-dva-dnya", true, desk::StepWay::Call));
    let twice = site.step("reminders", &new).await.text();
    assert!(twice.contains("занято") && twice.contains("value=\"за два дня\""), "{twice}");
    let wrong = site
        .step("reminders", &[("do", "step"), ("place", "0"), ("when", "days"), ("days", "99"), ("at", "9:00")])
        .await;
    assert!(wrong.text().contains("от 0 до 30") && wrong.text().contains("value=\"99\""), "{}", wrong.text());
    let brackets =
        site.step("reminders", &[("do", "step"), ("place", "0"), ("when", "once"), ("text_ru", "Ждём {wehn}")]).await;
    assert!(
        brackets.text().contains("подстановки {wehn} нет") && brackets.text().contains("Ждём {wehn}"),
        "{}",
        brackets.text()
    );

    let title = [("do", "text"), ("name", "title"), ("text_ru", "Запись к врачу")];
    assert_eq!(site.step("reminders", &title).await.status, StatusCode::SEE_OTHER);
    assert_eq!(texts("title"), "Запись к врачу");
    for place in ["4", "3"] {
        let gone = [("do", "remove-step"), ("place", place)];
        assert_eq!(site.step("reminders", &gone).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(clinic().reminders.steps.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_invited_by_a_link_and_lose_their_role() {
    let site = Setting::new().await;
    let text = site.get(&at("people")).await.text();
    let csrf = text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let invite =
        [("csrf", csrf.as_str()), ("do", "invite"), ("login", "vera"), ("name", EVIL), ("role", "administrator")];
    let invited = site.post(&at("people"), &invite).await.text();
    assert!(invited.contains("/invitation?token=") && !invited.contains("<img src=x"), "{invited}");
    let taken = site.post(&at("people"), &invite).await;
    assert!(
        taken.status == StatusCode::UNPROCESSABLE_ENTITY && taken.text().contains("login already"),
        "{}",
        taken.text()
    );
    let user = site.served.state().store.user_by_login("vera").await.unwrap().unwrap();
    let none = [("csrf", csrf.as_str()), ("do", "role"), ("user", user.id.as_str()), ("role", "")];
    assert_eq!(site.post(&at("people"), &none).await.status, StatusCode::OK);
    assert!(site.served.state().accounts.grants(&user.id).await.unwrap().is_empty());
    assert_eq!(site.post(&at("people"), &none).await.status, StatusCode::NOT_FOUND, "they are nobody here any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_recorded_heard_and_taken_away() {
    let site = Setting::new().await;
    let page = site.get(&at("prompts")).await;
    let url = page.text().split("data-url=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let csrf = page.token();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut sound = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut sound, spec).unwrap();
    (0..16_000).for_each(|n| writer.write_sample((n % 200) as i16).unwrap());
    writer.finalize().unwrap();
    let send = |token: &str, body: Vec<u8>| {
        let request = Request::post(&url)
            .header(header::COOKIE, format!("gudok={}", site.owner))
            .header("x-csrf-token", token)
            .header(header::CONTENT_TYPE, "audio/wav");
        site.send(request.body(Body::from(body)).unwrap())
    };
    assert_eq!(send("other", sound.get_ref().clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(send(&csrf, b"not a sound".to_vec()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let taken = send(&csrf, sound.get_ref().clone()).await;
    assert_eq!(taken.status, StatusCode::NO_CONTENT, "{}", taken.text());
    assert!(site.text().contains("prompts = \"prompts/vet_lapa\""), "{}", site.text());
    assert_eq!(site.get(&url).await.bytes, *sound.get_ref());
    let index = site.folder.path().join("prompts/vet_lapa/prompts.toml");
    assert!(std::fs::read_to_string(&index).unwrap().contains("Разговор записывается"), "the notice comes first");
    let id = url.rsplit('/').next().unwrap();
    assert_eq!(site.step("prompts", &[("remove", id)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get(&url).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_checked_first_and_its_password_is_shown_to_nobody() {
    let site = Setting::new().await;
    let wrong = site.step("line", &[("do", "save"), ("username", "7495")]).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text().contains("registrar"), "{}", wrong.text());
    let fields = [("do", "look"), ("registrar", "sip.example.com"), ("username", "7495"), ("password", "тайна")];
    let looked = site.step("line", &fields).await.text();
    assert!(looked.contains("registration") && !looked.contains("<img src=x"), "{looked}");
    let lines = site.folder.path().join("lines.toml");
    assert!(!lines.exists(), "a look writes nothing");
    let saved = site.step("line", &[&[("do", "save")], &fields[1..]].concat()).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    assert!(std::fs::read_to_string(&lines).unwrap().contains("тайна"));
    let page = site.get(&at("line")).await.text();
    assert!(page.contains("sip.example.com") && !page.contains("тайна"));
}
