//! The pictures of the guide, and every page to look at, taken of the pages as they are:
//! `GUDOK_PICTURES=FOLDER cargo test -p web --test pages -- --ignored pictures`.

use std::path::{Path, PathBuf};

use crate::browser::{VIEWS, entered, prefers, serve, serve_setting};
use crate::chromium::{Chromium, Microphone};
use crate::setup::{STEPS, Setting, at};
use crate::{Site, month, rules};

/// Name, page, size, language, theme, what is done before.
type Shot = (&'static str, &'static str, (u32, u32), &'static str, &'static str, &'static str);

const GUIDE: [Shot; 9] = [
    ("desk-today", "today", (1180, 860), "ru", "light", ""),
    ("desk-phone", "today", (390, 844), "ru", "dark", ""),
    ("desk-report", "report?from=2026-10-26&to=2026-11-22", (1180, 1100), "ru", "light", ""),
    ("desk-call", "calls/special", (1180, 1000), "ru", "light", PLAYED),
    ("desk-visits", "visits?day=2026-11-24", (1180, 860), "en", "dark", ""),
    ("desk-requests", "requests", (1180, 860), "ru", "light", ""),
    ("desk-chat", "chat/chat-1", (1180, 860), "ru", "light", ""),
    ("trial", "flows/trials/trial-1/special", (1180, 760), "ru", "light", ""),
    ("report-phone", "report?from=2026-10-26&to=2026-11-22", (390, 844), "ru", "light", ""),
];
/// Somewhere in the middle of a call.
const PLAYED: &str = "document.querySelectorAll('[data-seek]')[3].click(); document.querySelector('audio').muted = true;
    new Promise((done) => setTimeout(done, 1500)).then(() => { document.querySelector('audio').pause(); scrollTo(0, 0); })";

const OF_SETTING: [Shot; 3] = [
    ("setup-services", "services", (1180, 980), "ru", "light", ""),
    ("setup-reminders", "reminders", (1180, 980), "ru", "light", OPENED),
    ("setup-refused", "about", (1180, 860), "ru", "light", REFUSED),
];
const OPENED: &str = "document.querySelectorAll('details.item')[1].open = true";
const REFUSED: &str = "document.querySelector('[name=phone]').value = 'звоните';
    document.querySelector('[name=phone]').form.submit(); new Promise((done) => setTimeout(done, 1500))";

fn folder() -> PathBuf {
    let folder = std::env::var_os("GUDOK_PICTURES").expect("say where to: GUDOK_PICTURES=FOLDER");
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

async fn take(page: &mut Chromium, base: &str, shot: &Shot, folder: &Path) {
    let (name, path, size, lang, theme, before) = *shot;
    prefers(page, lang, theme).await;
    page.size(size.0, size.1).await;
    page.open(&format!("{base}{path}")).await;
    if !before.is_empty() {
        // What leaves the page takes its promise with it.
        page.evaluate(&format!("setTimeout(() => {{ {before} }}, 0)")).await;
        page.evaluate("new Promise((done) => setTimeout(done, 2500))").await;
    }
    let scale = if size.0 < 600 { 2 } else { 1 };
    std::fs::write(folder.join(format!("{name}.png")), page.picture(size, scale, false).await).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes pictures for docs/pictures"]
async fn pictures_of_the_guide() {
    let folder = folder();
    let site = Site::after(62, "Вера").await;
    let origin = serve(&site).await;
    let mut page = entered(&site.owner, &origin, Microphone::Forbidden).await;
    let base = format!("{origin}/desk/{}/", month::CLINIC);
    page.open(&format!("{base}clinic")).await;
    for shot in &GUIDE {
        take(&mut page, &base, shot, &folder).await;
    }
    let setting = Setting::new().await;
    let origin = serve_setting(&setting).await;
    let mut page = entered(&setting.owner, &origin, Microphone::Forbidden).await;
    let base = format!("{origin}{}", at(""));
    page.open(&format!("{base}about")).await;
    for shot in &OF_SETTING {
        take(&mut page, &base, shot, &folder).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a picture of every page in every view, to look at"]
async fn pictures_of_every_page() {
    let folder = folder();
    let (site, setting) = (Site::after(31, "Вера").await, Setting::new().await);
    let pages = rules::all().filter(|path| !path.contains('%')).collect::<Vec<_>>();
    let steps = STEPS.iter().map(|step| at(step)).chain(["/desk/new".to_owned()]).collect::<Vec<_>>();
    for (origin, session, paths) in
        [(serve(&site).await, &site.owner, pages), (serve_setting(&setting).await, &setting.owner, steps)]
    {
        let mut page = entered(session, &origin, Microphone::Forbidden).await;
        page.open(&format!("{origin}{}", paths[0])).await;
        for (theme, lang, width, height) in VIEWS {
            prefers(&mut page, lang, theme).await;
            for path in &paths {
                page.size(width, height).await;
                page.open(&format!("{origin}{path}")).await;
                let name: String =
                    path.chars().skip(6).map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
                let picture = page.picture((width, height), 1, true).await;
                std::fs::write(folder.join(format!("{name}-{lang}-{theme}-{width}.png")), picture).unwrap();
            }
        }
    }
}
