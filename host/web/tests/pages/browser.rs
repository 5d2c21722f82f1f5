//! The pages in a real browser: what axe-core finds, and a call that is heard, read and corrected by keys.

use std::path::PathBuf;

use serde_json::Value;
use tokio::net::TcpListener;

use crate::chromium::{Chromium, Microphone};
use crate::setup::{Setting, at};
use crate::{Site, month, rules, site};

/// The server on a port of its own; its address.
pub(crate) async fn serve(site: &Site) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(web::serve(listener, site.state.clone(), std::future::pending()));
    origin
}

/// A browser in which the owner is signed in.
async fn signed_in(site: &Site, origin: &str) -> Chromium {
    entered(&site.owner, origin, Microphone::Forbidden).await
}

/// A browser with somebody's session.
pub(crate) async fn entered(session: &str, origin: &str, microphone: Microphone) -> Chromium {
    let mut page = Chromium::start(microphone).await;
    page.open(&format!("{origin}/login")).await;
    page.evaluate(&format!("document.cookie = 'gudok={session}; path=/'")).await;
    page
}

/// The set-up pages on a port of their own.
pub(crate) async fn serve_setting(site: &Setting) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let served = site.served.clone();
    tokio::spawn(async move { served.serve(listener, std::future::pending()).await });
    origin
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_recorded_by_a_microphone_and_a_step_is_changed_by_hand() {
    let site = Setting::new().await;
    let origin = serve_setting(&site).await;
    let words = "Здравствуйте! Ветклиника Лапа, чем могу помочь?";
    let mut page = entered(&site.owner, &origin, Microphone::Says(words)).await;
    page.open(&format!("{origin}{}", at("prompts"))).await;
    page.click("[data-prompt]").await;
    page.until("document.querySelector('[data-prompt]').getAttribute('aria-pressed') === 'true'").await;
    // A phrase is said while the button is down.
    page.evaluate("new Promise((done) => setTimeout(done, 2500))").await;
    page.evaluate("window.before = true").await;
    page.click("[data-prompt]").await;
    page.until("!window.before && document.querySelector('.phrase audio')").await;
    let folder = site.folder.path().join("prompts/vet_lapa");
    let recorded = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let wav = recorded.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "wav")).unwrap();
    let mut sound = hound::WavReader::open(wav).unwrap();
    let spec = sound.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 16_000, 16));
    let samples: Vec<i16> = sound.samples().map(Result::unwrap).collect();
    assert!(samples.len() > 16_000 && samples.iter().any(|sample| sample.unsigned_abs() > 1_000), "a voice is in it");

    // What is refused stands in its field, in the form that was sent; what is mended is taken.
    page.open(&format!("{origin}{}", at("services"))).await;
    page.evaluate("document.querySelectorAll('details.item')[2].open = true").await;
    let price = "document.querySelectorAll('details.item')[2].querySelector('[name=price]')";
    for (typed, waits) in
        [("дорого", "document.querySelector('.wrong')"), ("1700", "!document.querySelector('.wrong')")]
    {
        page.evaluate("window.before = true").await;
        page.evaluate(&format!("{price}.value = '{typed}'; {price}.form.requestSubmit()")).await;
        page.until(&format!("!window.before && document.readyState === 'complete' && {waits}")).await;
        assert_eq!(page.evaluate(&format!("{price}.value")).await, *typed);
    }
    assert_eq!(page.evaluate("document.querySelectorAll('details[open]').length").await, 0);
    assert!(page.complaints().iter().all(|said| said.contains("422")), "{:?}", page.complaints());
}

pub(crate) async fn prefers(page: &mut Chromium, lang: &str, theme: &str) {
    page.evaluate(&format!(
        "document.cookie = 'gudok_lang={lang}; path=/'; document.cookie = 'gudok_theme={theme}; path=/'"
    ))
    .await;
}

fn axe() -> String {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let file = cache.join("gudok/toolchains/axe-core/axe.min.js");
    std::fs::read_to_string(file).expect("axe-core is missing and this test needs it: setup/axe.sh")
}

/// Theme, language, width and height: each with each of the others at least once.
pub(crate) const VIEWS: [(&str, &str, u32, u32); 4] =
    [("light", "ru", 1280, 900), ("light", "en", 390, 844), ("dark", "en", 1280, 900), ("dark", "ru", 390, 844)];

/// What is serious: it keeps somebody from using the page.
const LOOK: &str = "axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${one.id}: ${one.nodes.slice(0, 4).map((node) => `${node.target.join(' ')} (${node.any.concat(node.all, node.none).map((why) => why.message).join('; ')})`).join(' | ')}`))";

/// What sticks out.
const WIDEST: &str = "[...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map((one) => `${one.tagName}.${one.className}`).slice(0, 6).join(', ')";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_keeps_anybody_from_using_a_page() {
    let site = site().await;
    let origin = serve(site).await;
    let mut page = signed_in(site, &origin).await;
    page.before_each_page(&axe()).await;
    let mut faults = Vec::new();
    for (theme, lang, width, height) in VIEWS {
        page.size(width, height).await;
        page.open(&format!("{origin}/desk/{}/clinic", month::CLINIC)).await;
        prefers(&mut page, lang, theme).await;
        for path in rules::all() {
            page.open(&format!("{origin}{path}")).await;
            page.until("window.axe").await;
            let found = page.evaluate(LOOK).await;
            let found: Vec<String> = serde_json::from_value(found).unwrap();
            faults.extend(found.into_iter().map(|fault| format!("{path}, {theme}, {lang}, {width}: {fault}")));
            // What is wider than a phone's screen makes people scroll sideways.
            let wide =
                page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
            if wide.as_i64().is_some_and(|wide| wide > 1) {
                let widest = page.evaluate(WIDEST).await;
                faults.push(format!("{path}, {theme}, {lang}, {width}: {wide} pixels wider than the window: {widest}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_heard_read_and_corrected_by_keys() {
    let site = Site::new().await;
    let origin = serve(&site).await;
    let mut page = signed_in(&site, &origin).await;
    page.open(&format!("{origin}/desk/{}/calls/special", month::CLINIC)).await;
    page.until("document.querySelector('audio').readyState >= 1").await;
    // The words that decided are marked, as words.
    assert!(page.evaluate("document.querySelectorAll('mark').length").await.as_i64().unwrap() >= 2);
    assert_eq!(page.evaluate("document.querySelector('[data-wave] path').getTotalLength() > 0").await, true);

    // A click into the text jumps there, and the text runs along with the sound.
    page.evaluate("document.querySelectorAll('[data-seek]')[1].click()").await;
    page.until("document.querySelectorAll('[data-turns] li')[1].getAttribute('aria-current') === 'true'").await;
    page.until("Number(document.querySelector('.w-played').getAttribute('width')) > 0").await;
    let at = page.evaluate("Number(document.querySelectorAll('[data-turns] li')[1].dataset.from) / 1000").await;
    assert_eq!(page.evaluate(&format!("document.querySelector('audio').currentTime >= {at} - 0.05")).await, true);
    page.press(" ").await;
    page.until("document.querySelector('audio').paused").await;
    let before = page.evaluate("document.querySelector('audio').currentTime").await.as_f64().unwrap();
    page.press("ArrowLeft").await;
    page.until(&format!("document.querySelector('audio').currentTime < {before} || {before} === 0")).await;

    // One key is a word on the call.
    let key = page
        .evaluate("[...document.querySelectorAll('[data-key]')].find((one) => one.getAttribute('aria-pressed') === 'false').dataset.key")
        .await;
    let wanted =
        page.evaluate(&format!("document.querySelector('[data-key=\"{}\"]').value", key.as_str().unwrap())).await;
    page.evaluate("window.before = true").await;
    page.press(key.as_str().unwrap()).await;
    page.until("!window.before && document.readyState === 'complete'").await;
    let tag = site.state.store.tag("special").await.unwrap().unwrap();
    assert_eq!((Value::String(tag.category), tag.confidence), (wanted, 1.0));

    // And another leads to the next doubtful one.
    page.evaluate("window.before = true").await;
    page.press("n").await;
    page.until("!window.before && location.search === '?review=1' && document.readyState === 'complete'").await;
    assert_eq!(page.complaints(), Vec::<String>::new(), "the browser complained");
}
