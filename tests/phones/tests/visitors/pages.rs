//! Visitors in Chromium: a spoken call, keys, and a visit booked in the chat.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use phones::conversation::{BOOKING, Line, booking_voice};
use serde_json::json;
use strsim::levenshtein;

use crate::chromium::{Chromium, Microphone};
use crate::{newest, serve};

/// Recognition is cut off after some seconds; on a machine that is busy with something else that may happen to a good
/// recogniser, and the robot then hands over. Here such a call is worth another try.
const TRIES: usize = 3;

/// A microphone that says what it is told when it is told, and an ear at the loudspeaker.
const TELEPHONE: &str = "{
    const context = new AudioContext();
    const mouth = context.createMediaStreamDestination();
    navigator.mediaDevices.getUserMedia = async () => { await context.resume(); return mouth.stream.clone(); };
    window.speak = async (wav) => {
        const sound = await context.decodeAudioData(Uint8Array.from(atob(wav), (c) => c.charCodeAt(0)).buffer);
        const source = context.createBufferSource();
        source.buffer = sound;
        source.connect(mouth);
        source.start();
    };
    let ear = null, loud = 0;
    const connect = AudioNode.prototype.connect;
    AudioNode.prototype.connect = function (to, ...rest) {
        if (to instanceof AudioDestinationNode) connect.call(this, ear = this.context.createAnalyser());
        return connect.call(this, to, ...rest);
    };
    setInterval(() => {
        if (!ear) return;
        const samples = new Float32Array(ear.fftSize);
        ear.getFloatTimeDomainData(samples);
        if (samples.some((sample) => Math.abs(sample) > 0.01)) loud = performance.now();
    }, 20);
    // The robot has spoken, and has been quiet for so long.
    window.quiet = (ms) => loud > 0 && performance.now() - loud > ms;
    window.said = (who) => [...document.querySelectorAll(`#captions .${who} span`)].map((line) => line.textContent);
    window.state = () => document.body.dataset.state;
}";

/// A chat shows no number, so the robot asks for one and reads it back.
const NUMBER: Line = Line { asked: "номер телефона", say: "+7 903 000-03-02", again: "8 903 000 03 02" };

fn lines() -> impl Iterator<Item = &'static Line> {
    std::iter::once(&NUMBER).chain(BOOKING)
}

fn asked() -> String {
    json!(lines().map(|line| line.asked).collect::<Vec<_>>()).to_string()
}

#[tokio::test]
async fn keys_of_the_call_page_lead_through_a_menu() {
    let (gudok, pages, _) = serve();
    let mut page = Chromium::start(Microphone::Says("да")).await;
    page.before_each_page(TELEPHONE).await;
    page.open(&format!("{pages}/call/phones_menu")).await;
    page.click("#call").await;
    page.until("said('robot').length > 0 && quiet(500)").await;
    page.click("#keys button[data-key='2']").await;
    page.until("said('keys').includes('2')").await;
    page.until("said('robot').some((words) => words.includes('Садовая'))").await;
    page.click("#hangup").await;
    page.until("state() === 'over'").await;
    let whole = newest(&gudok, "phones_menu");
    assert_eq!(whole["call"]["end_reason"], "caller-hung-up", "{whole}");
    assert!(whole["call"]["caller"].is_null(), "a page shows no number: {whole}");
}

/// A sentence without its spelling: a recogniser may write a word in two, or a comma more.
fn letters(words: &str) -> String {
    words.to_lowercase().replace('ё', "е").chars().filter(|letter| letter.is_alphabetic()).collect()
}

/// One spoken call; whether the visitor was understood.
async fn talk(page: &mut Chromium, pages: &str, voice: &phones::voice::Voice) -> Result<(), String> {
    page.open(&format!("{pages}/call/phones_desk")).await;
    page.click("#call").await;
    let words = BOOKING[0].say;
    page.until("said('robot').join(' ').includes('?') && quiet(700)").await;
    let wav = std::fs::read(voice.line(words).unwrap()).unwrap();
    page.evaluate(&format!("speak('{}')", STANDARD.encode(&wav))).await;
    // What was heard is shown, and what the robot makes of it: the next question, or that it did not understand.
    let greeted = page.evaluate("said('robot').length").await;
    page.until(&format!("said('caller').length > 0 && said('robot').length > {greeted} || state() === 'over'")).await;
    let said = page.evaluate("[...said('caller'), '—', ...said('robot')].join(' | ')").await.to_string();
    let shown = page.evaluate("said('caller').join(' ')").await;
    page.evaluate("document.getElementById('hangup').click()").await;
    page.until("state() === 'over'").await;
    let heard = letters(shown.as_str().unwrap_or_default());
    let wrong = levenshtein(&heard, &letters(words));
    if wrong * 4 <= letters(words).chars().count() { Ok(()) } else { Err(said) }
}

#[tokio::test]
async fn a_visitor_is_heard_and_sees_both_sides() {
    let (gudok, pages, _) = serve();
    let folder = tempfile::tempdir().unwrap();
    let voice = booking_voice(folder.path()).unwrap();
    let mut page = Chromium::start(Microphone::Says("да")).await;
    page.before_each_page(TELEPHONE).await;
    let mut told = String::new();
    for _ in 0..TRIES {
        match talk(&mut page, &pages, &voice).await {
            Ok(()) => {
                let whole = newest(&gudok, "phones_desk");
                let (caller, robot) = gudok.recording(whole["call"]["id"].as_str().unwrap()).unwrap();
                for (side, name) in [(caller, "visitor"), (robot, "robot")] {
                    let loud = side.iter().filter(|sample| sample.unsigned_abs() > 1_000).count();
                    assert!(loud > 1_000, "the {name}'s side is silent");
                }
                return;
            }
            Err(said) => writeln!(told, "{said}").unwrap(),
        }
    }
    panic!("not understood in {TRIES} tries:\n{told}\n{}", gudok.printed());
}

#[tokio::test]
async fn a_visit_is_booked_in_the_chat() {
    let (gudok, pages, _) = serve();
    let mut page = Chromium::start(Microphone::Forbidden).await;
    page.before_each_page(&format!(
        "Object.defineProperty(window, 'chat', {{ get: () => [...document.body.children].find((e) => e.shadowRoot)?.shadowRoot }});
         window.said = (who) => [...chat.querySelectorAll('.log .' + who)].map((line) => line.lastChild.textContent);
         window.asked = () => {{
             const last = said('robot').at(-1) ?? '';
             return {}.find((words) => last.includes(words)) ?? null;
         }};",
        asked()
    ))
    .await;
    page.open(&format!("{pages}/chat/phones_desk")).await;
    let (mut answered, mut before) = (0, Vec::new());
    for _ in 0..24 {
        page.until(&format!(
            "said('robot').length > {answered} && asked() || said('note').some((note) => note.startsWith('Разговор окончен'))"
        ))
        .await;
        if page.evaluate("said('note').length").await != 0 {
            break;
        }
        answered = page.evaluate("said('robot').length").await.as_u64().unwrap();
        let asked = page.evaluate("asked()").await;
        let line = lines().find(|line| asked == line.asked).unwrap();
        let words = if before.contains(&line.asked) { line.again } else { line.say };
        before.push(line.asked);
        page.evaluate(&format!(
            "chat.querySelector('textarea').value = {}; chat.querySelector('form').requestSubmit()",
            json!(words)
        ))
        .await;
    }
    let talk = page.evaluate("[...chat.querySelectorAll('.log li')].map((line) => line.textContent).join('\\n')").await;
    let whole = newest(&gudok, "phones_desk");
    assert_eq!(whole["call"]["outcome"], "booked", "{}", talk.as_str().unwrap());
    let booking = &whole["bookings"][0];
    assert_eq!((booking["doctor"].as_str(), booking["status"].as_str()), (Some("belov"), Some("booked")), "{booking}");
}
