//! What the robot says most, and a button to record each: a person's voice stands in place of the synthesis.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Form, Path as Place};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use records::{CallFilter, Who};

use super::edit::Edited;
use super::save::{change, file, hidden};
use super::{Step, Told, answer, check, files, step_page};
use crate::pages::{Desk, Fields, assets};
use crate::{AppState, Problem};

/// A minute at the rate of a studio; prompts are seconds long.
const MAX_SOUND: usize = 6 * 1024 * 1024;
/// Calls that are looked through for what was said in them.
const CALLS: u32 = 100;
/// What was said only once holds somebody's name or day.
const OFTEN: u32 = 3;
/// Phrases that are listed.
const MOST: usize = 60;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/desk/{clinic}/setup/prompts", get(show).post(save))
        .route("/desk/{clinic}/setup/prompts/{prompt}", get(sound).post(record))
        .layer(DefaultBodyLimit::max(MAX_SOUND))
}

/// One thing that is said.
struct Phrase {
    /// Made of the words: the file of its recording is called so.
    id: String,
    text: String,
    recorded: bool,
}

/// The folder with recordings, beside the clinic's file where it names none.
fn folder(desk: &Desk) -> Option<PathBuf> {
    let beside = || Some(file(desk)?.parent()?.join("prompts").join(&desk.clinic.id));
    desk.clinic.prompts.clone().or_else(beside)
}

/// What is said in the clinic's own words, then what was said most of late.
async fn phrases(desk: &Desk) -> Result<Vec<Phrase>, Problem> {
    let mut texts = vec![desk.clinic.recording_notice.clone()];
    texts.extend(desk.clinic.faq.iter().map(|entry| entry.answer.clone()));
    let filter = CallFilter { clinic: Some(desk.clinic.id.clone()), ..CallFilter::default() };
    let mut counted: BTreeMap<String, u32> = BTreeMap::new();
    // Where no flow talked, a person did.
    let calls = desk.state.store.calls(&filter, CALLS, None).await?.calls;
    for call in calls.into_iter().filter(|call| call.flow_digest.is_some()) {
        for turn in desk.state.store.turns(&call.id).await? {
            if turn.who == Who::Agent {
                *counted.entry(turn.text.into_inner()).or_default() += 1;
            }
        }
    }
    let mut often: Vec<(u32, String)> =
        counted.into_iter().filter(|(_, times)| *times >= OFTEN).map(|(text, times)| (times, text)).collect();
    often.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    texts.extend(often.into_iter().map(|(_, text)| text));
    let folder = folder(desk);
    let mut phrases: Vec<Phrase> = Vec::new();
    for text in texts.into_iter().filter(|text| text.chars().any(char::is_alphabetic)) {
        let id = format!("p{}", files::tag(&text));
        if phrases.len() < MOST && !phrases.iter().any(|known| known.id == id) {
            let recorded = folder.as_ref().is_some_and(|folder| wav(folder, &id).is_file());
            phrases.push(Phrase { id, text, recorded });
        }
    }
    Ok(phrases)
}

fn wav(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.wav"))
}

async fn show(desk: Desk) -> Result<Response, Problem> {
    check(&desk)?;
    let phrases = phrases(&desk).await?;
    Ok(step_page(&desk, Step::Prompts, &Told::of(&desk), &body(&desk, &phrases)))
}

/// A recording, to be heard before callers hear it.
async fn sound(desk: Desk, Place((_, id)): Place<(String, String)>) -> Result<Response, Problem> {
    check(&desk)?;
    let known = phrases(&desk).await?.into_iter().find(|phrase| phrase.id == id);
    let path = folder(&desk).zip(known).map(|(folder, phrase)| wav(&folder, &phrase.id));
    let bytes = path.and_then(|path| std::fs::read(path).ok()).ok_or_else(|| Problem::unknown("prompt"))?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], bytes).into_response())
}

/// Takes a recording as the page's script sends it.
async fn record(desk: Desk, Place((_, id)): Place<(String, String)>, sound: Bytes) -> Result<Response, Problem> {
    check(&desk)?;
    let known = phrases(&desk).await?.into_iter().find(|phrase| phrase.id == id);
    let phrase = known.ok_or_else(|| Problem::unknown("prompt"))?;
    length_of(&sound).map_err(|why| Problem::bad_body("recording", why))?;
    let (Some(workshop), Some(folder)) = (&desk.state.workshop, folder(&desk).filter(|_| super::can_change(&desk)))
    else {
        return Err(Problem::bad_body("recording", "this clinic has no file of its own"));
    };
    desk.witness("prompt.recorded", "clinic", &phrase.id).await?;
    {
        let _alone = desk.state.editing.lock().await;
        keep(&folder, &phrase, &sound, desk.now()).map_err(|error| {
            tracing::error!(%error, "a prompt could not be written");
            Problem::bad_body("recording", format!("{}: {error}", folder.display()))
        })?;
    }
    if desk.clinic.prompts.is_none() {
        let seen = file(&desk).and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let fields = Fields::new(vec![("seen".to_owned(), files::tag(&seen))]);
        let path = format!("prompts/{}", desk.clinic.id);
        let told = change(&desk, &fields, "prompts", |file| {
            file.set("prompts", Some(path.into()));
            Ok(())
        })
        .await?;
        if let Some(why) = told.wrong.first() {
            return Err(Problem::bad_body("recording", why.clone()));
        }
    } else if let Err(why) = workshop.reload().await {
        return Err(Problem::bad_body("recording", why));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The sound and its place in the index; the sound first, as an index that names what is not there is refused.
fn keep(folder: &Path, phrase: &Phrase, sound: &[u8], now: jiff::Timestamp) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let new = folder.join(format!("{}.new", phrase.id));
    std::fs::write(&new, sound)?;
    std::fs::rename(&new, wav(folder, &phrase.id))?;
    let mut index = index(folder)?;
    let name = format!("{}.wav", phrase.id);
    if !index.text().contains(&name) {
        index.add(
            "prompt",
            vec![
                ("id", Some(phrase.id.as_str().into())),
                ("file", Some(name.into())),
                ("text", Some(phrase.text.as_str().into())),
            ],
        );
        files::write(&folder.join("prompts.toml"), &index.text(), now)?;
    }
    Ok(())
}

fn index(folder: &Path) -> std::io::Result<Edited> {
    let path = folder.join("prompts.toml");
    let text = if path.is_file() { std::fs::read_to_string(path)? } else { String::new() };
    Edited::parse(&text).map_err(std::io::Error::other)
}

/// How long a recording is, in milliseconds.
fn length_of(sound: &[u8]) -> Result<u64, String> {
    let reader = hound::WavReader::new(Cursor::new(sound)).map_err(|error| format!("this is no WAV: {error}"))?;
    let (spec, samples) = (reader.spec(), u64::from(reader.duration()));
    if spec.bits_per_sample != 16 || spec.channels > 2 || spec.sample_rate < 8_000 {
        return Err("a WAV of 16 bits, one or two channels and 8,000 samples a second or more is needed".to_owned());
    }
    let ms = samples * 1_000 / u64::from(spec.sample_rate);
    match ms {
        0..300 => Err("there is hardly any sound in it; say it again".to_owned()),
        300..60_000 => Ok(ms),
        _ => Err("it is longer than a minute".to_owned()),
    }
}

/// Takes a recording away: the synthesis speaks again.
async fn save(desk: Desk, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Problem> {
    check(&desk)?;
    let said = desk.read(fields)?;
    let id = said.get("remove").unwrap_or_default();
    let known = phrases(&desk).await?.into_iter().find(|phrase| phrase.id == id && phrase.recorded);
    let told = match (known, folder(&desk), &desk.state.workshop) {
        (Some(phrase), Some(folder), Some(workshop)) => {
            desk.witness("prompt.removed", "clinic", &phrase.id).await?;
            let done = {
                let _alone = desk.state.editing.lock().await;
                forget(&folder, &phrase, desk.now())
            };
            match done.map_err(|error| error.to_string()) {
                Ok(()) => workshop.reload().await.map_or_else(Told::wrong, |()| Told::go("saved")),
                Err(why) => Told::wrong(why),
            }
        }
        _ => Told::wrong(desk.lang.pick("Такой записи уже нет.", "There is no such recording any more.")),
    };
    let phrases = phrases(&desk).await?;
    Ok(answer(&desk, Step::Prompts, &told, &body(&desk, &phrases)))
}

fn forget(folder: &Path, phrase: &Phrase, now: jiff::Timestamp) -> std::io::Result<()> {
    let mut index = index(folder)?;
    let name = format!("{}.wav", phrase.id);
    let place =
        (0..index.len("prompt")).find(|place| index.text_at("prompt", *place, "file").as_deref() == Some(&name));
    if let Some(place) = place {
        index.remove("prompt", place);
        files::write(&folder.join("prompts.toml"), &index.text(), now)?;
    }
    std::fs::remove_file(folder.join(name))
}

fn body(desk: &Desk, phrases: &[Phrase]) -> Markup {
    let t = |ru, en| desk.lang.pick(ru, en);
    let recorded = phrases.iter().filter(|phrase| phrase.recorded).count();
    html! {
        section data-record data-denied=(t("Браузер не дал микрофон: разрешите его для этой страницы. Нужен адрес https или localhost.", "The browser gave no microphone: allow it for this page. An https address or localhost is needed."))
            data-failed=(t("Запись не принята:", "The recording was not taken:")) data-say=(t("Говорите…", "Speak…")) data-stop=(t("Готово", "Done")) {
            p.note { (t(
                "Запишите то, что робот говорит чаще всего: там прозвучит ваш голос, остальное скажет синтезатор. Говорите ровно, в тишине.",
                "Record what the robot says most: there your voice is heard, and the synthesis says the rest. Speak evenly, in a quiet room."
            )) " " (recorded) " / " (phrases.len()) }
            noscript { p.notice { (t("Для записи нужен JavaScript; файлы WAV можно положить в папку подсказок и руками.", "Recording needs JavaScript; WAV files may be put into the folder of prompts by hand.")) } }
            p.notice.wrong role="alert" data-problem hidden {}
            ul.plain-list.items { @for phrase in phrases { li.phrase {
                p { (phrase.text) }
                div.line {
                    button.quiet type="button" data-prompt=(phrase.id) data-url=(format!("{}/{}", Step::Prompts.path(desk), phrase.id)) hidden {
                        @if phrase.recorded { (t("Записать заново", "Record again")) } @else { (t("Записать", "Record")) }
                    }
                    @if phrase.recorded {
                        audio controls preload="none" src=(format!("{}/{}", Step::Prompts.path(desk), phrase.id)) {}
                        form method="post" action=(Step::Prompts.path(desk)) {
                            (hidden(desk)) input type="hidden" name="remove" value=(phrase.id);
                            button.link type="submit" { (t("Убрать запись", "Remove the recording")) }
                        }
                    }
                }
            } } }
        }
        script defer src=(assets::record()) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(seconds: u32, bits: u16) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: bits,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for n in 0..16_000 * seconds {
            writer.write_sample((n % 100) as i32).unwrap();
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_recording_is_kept_with_its_words_and_taken_away_again() {
        let folder = tempfile::tempdir().unwrap();
        let phrase =
            |text: &str| Phrase { id: format!("p{}", files::tag(text)), text: text.to_owned(), recorded: false };
        let (one, two) = (phrase("Здравствуйте!"), phrase("Разговор записывается."));
        let now = jiff::Timestamp::UNIX_EPOCH;
        for each in [&one, &two, &one] {
            keep(folder.path(), each, &tone(1, 16), now).unwrap();
        }
        let text = std::fs::read_to_string(folder.path().join("prompts.toml")).unwrap();
        assert_eq!(text.matches("[[prompt]]").count(), 2, "{text}");
        assert!(text.contains("text = \"Разговор записывается.\""));
        forget(folder.path(), &one, now).unwrap();
        let text = std::fs::read_to_string(folder.path().join("prompts.toml")).unwrap();
        assert!(!text.contains("Здравствуйте") && text.contains("записывается"));
        assert!(!wav(folder.path(), &one.id).exists() && wav(folder.path(), &two.id).exists());
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        assert_eq!(length_of(&tone(2, 16)).unwrap(), 2_000);
        assert!(length_of(&tone(2, 24)).unwrap_err().contains("16 bits"));
        assert!(length_of(&tone(61, 16)).unwrap_err().contains("minute"));
        assert!(length_of(&tone(0, 16)).is_err() && length_of(b"webm").is_err());
    }
}
