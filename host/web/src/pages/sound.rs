//! The sound of a call: its shape as a drawing, and its bytes by range, as players ask for them.

use std::collections::HashMap;
use std::io::SeekFrom;
use std::path::Path as FilePath;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use records::{AudioRef, CallRecord};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::call::find;
use super::desk::Desk;
use crate::auth::Permission;
use crate::{AppState, Problem};

/// Columns of the drawing.
const COLUMNS: usize = 240;
/// Drawings that are remembered.
const REMEMBERED: usize = 512;
/// Bytes in one answer; a player asks for the rest.
const PIECE: u64 = 1 << 20;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/desk/{clinic}/calls/{id}/audio/{kind}", get(bytes))
}

/// How loud each side is in each column, 0 to 100; the caller first. A mono recording has one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Peaks {
    sides: Vec<Vec<u8>>,
    ms: u64,
}

/// Drawings by the hash of the sound. In memory only: nothing of a call is left elsewhere once its sound is deleted.
static DRAWN: LazyLock<Mutex<HashMap<String, Arc<Peaks>>>> = LazyLock::new(Mutex::default);

/// The player with its drawing; a sentence when there is no sound.
pub(crate) async fn wave(desk: &Desk, call: &CallRecord, audio: &[AudioRef]) -> Markup {
    let t = desk.words();
    if !desk.may(Permission::HearRecordings) {
        return html! { p.note { (t.may_not_hear) } };
    }
    let best = ["stereo", "mix", "caller"].iter().find_map(|kind| audio.iter().find(|one| one.kind == *kind));
    let Some(sound) = best.or(audio.first()) else { return html! { p.note { (t.no_sound) } } };
    let Some(peaks) = peaks(desk, &sound.sha256).await else { return html! { p.note.bad { (t.sound_damaged) } } };
    let sides = peaks.sides.len().max(1);
    let names = [t.caller_side, t.clinic_side];
    html! {
        div.player data-player {
            audio preload="metadata" controls src=(desk.path(&format!("calls/{}/audio/{}", call.id, sound.kind))) aria-label=(t.recording) {}
            svg.wave viewBox=(format!("0 0 {COLUMNS} {}", sides * 40)) preserveAspectRatio="none" role="img" data-wave data-ms=(peaks.ms) aria-label=(t.wave) {
                @for (n, side) in peaks.sides.iter().enumerate() {
                    path class=(if n == 0 { "w-caller" } else { "w-robot" }) d=(outline(side, n * 40 + 20)) {}
                }
                rect.w-played x="0" y="0" width="0" height=(sides * 40) {}
            }
            @if sides > 1 { p.legend aria-hidden="true" { @for (n, name) in names.iter().enumerate() { span class=(if n == 0 { "w-name w-caller" } else { "w-name w-robot" }) { (name) } } } }
        }
    }
}

/// Up and down around the middle, one stroke for each column.
fn outline(side: &[u8], middle: usize) -> String {
    let mut path = String::with_capacity(side.len() * 14);
    for (x, peak) in side.iter().enumerate() {
        let half = (usize::from(*peak) * 18 / 100).max(1);
        path.push_str(&format!("M{x} {}v{}", middle - half, half * 2));
    }
    path
}

async fn peaks(desk: &Desk, sha256: &str) -> Option<Arc<Peaks>> {
    let drawn = || DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = drawn().get(sha256) {
        return Some(Arc::clone(found));
    }
    let path = desk.state.store.audio_path(sha256).ok()?;
    let read = tokio::task::spawn_blocking(move || measure(&path)).await.ok()?;
    let found = Arc::new(read?);
    let mut all = drawn();
    if all.len() >= REMEMBERED {
        all.clear();
    }
    all.insert(sha256.to_owned(), Arc::clone(&found));
    Some(found)
}

fn measure(path: &FilePath) -> Option<Peaks> {
    let mut file = hound::WavReader::open(path).ok()?;
    let spec = file.spec();
    let (channels, frames) = (usize::from(spec.channels.clamp(1, 2)), file.duration() as usize);
    if spec.sample_format != hound::SampleFormat::Int || frames == 0 || spec.sample_rate == 0 {
        return None;
    }
    let full = f64::from(1_u32 << (u32::from(spec.bits_per_sample) - 1).min(30));
    let mut sides = vec![vec![0_f64; COLUMNS]; channels];
    for (n, sample) in file.samples::<i32>().enumerate() {
        let (frame, channel) = (n / usize::from(spec.channels), n % usize::from(spec.channels));
        let Some(side) = sides.get_mut(channel) else { continue };
        let column = (frame * COLUMNS / frames).min(COLUMNS - 1);
        side[column] = side[column].max(f64::from(sample.ok()?.unsigned_abs()) / full);
    }
    // The ear hears quiet speech well; a square root draws it so.
    let loudest = sides.iter().flatten().copied().fold(0.05, f64::max);
    let scaled = |side: Vec<f64>| side.into_iter().map(|peak| ((peak / loudest).sqrt() * 100.0) as u8).collect();
    let ms = frames as u64 * 1000 / u64::from(spec.sample_rate);
    Some(Peaks { sides: sides.into_iter().map(scaled).collect(), ms })
}

async fn bytes(
    desk: Desk,
    Path((_, id, kind)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    desk.check(Permission::HearRecordings)?;
    let call = find(&desk, &id).await?;
    let audio = desk.state.store.call_audio(&call.id).await?;
    let sound = audio.iter().find(|sound| sound.kind == kind).ok_or_else(Problem::no_such_page)?;
    let path = desk.state.store.audio_path(&sound.sha256)?;
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "audio of a call cannot be read");
        Problem::no_such_page()
    };
    let mut file = tokio::fs::File::open(&path).await.map_err(failed)?;
    let whole = file.metadata().await.map_err(failed)?.len();
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let kind = [(header::CONTENT_TYPE, "audio/wav"), (header::ACCEPT_RANGES, "bytes")];
    // A player asks for many pieces: hearing begins with the first.
    if asked.is_none_or(|asked| asked.starts_with("bytes=0-")) {
        desk.witness("audio.heard", "call", &id).await?;
    }
    let Some(asked) = asked else {
        let mut all = Vec::with_capacity(usize::try_from(whole).unwrap_or_default());
        file.read_to_end(&mut all).await.map_err(failed)?;
        return Ok((kind, all).into_response());
    };
    let Some((first, last)) = range(asked, whole) else {
        let whole = [(header::CONTENT_RANGE, format!("bytes */{whole}"))];
        return Ok((StatusCode::RANGE_NOT_SATISFIABLE, whole).into_response());
    };
    let last = last.min(first + PIECE - 1);
    file.seek(SeekFrom::Start(first)).await.map_err(failed)?;
    let mut piece = vec![0; usize::try_from(last - first + 1).unwrap_or_default()];
    file.read_exact(&mut piece).await.map_err(failed)?;
    let of = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{whole}"))];
    Ok((StatusCode::PARTIAL_CONTENT, kind, of, piece).into_response())
}

/// First and last byte of `bytes=a-b`, `bytes=a-`, `bytes=-n` (RFC 9110 §14.1.2); none when nothing of it is there. Of several
/// ranges the first is given.
fn range(asked: &str, whole: u64) -> Option<(u64, u64)> {
    let (first, last) = asked.strip_prefix("bytes=")?.split(',').next()?.trim().split_once('-')?;
    let (first, last) = match (first.is_empty(), last.is_empty()) {
        (true, false) => (whole.saturating_sub(last.parse().ok()?), whole.checked_sub(1)?),
        (false, true) => (first.parse().ok()?, whole.checked_sub(1)?),
        (false, false) => (first.parse().ok()?, last.parse::<u64>().ok()?.min(whole.checked_sub(1)?)),
        (true, true) => return None,
    };
    (first <= last && first < whole).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_players_ask() {
        assert_eq!(range("bytes=0-", 100), Some((0, 99)));
        assert_eq!(range("bytes=10-19", 100), Some((10, 19)));
        assert_eq!(range("bytes=90-200", 100), Some((90, 99)));
        assert_eq!(range("bytes=-5", 100), Some((95, 99)));
        assert_eq!(range("bytes=-500", 100), Some((0, 99)));
        for wrong in ["bytes=100-", "bytes=20-10", "bytes=-", "bytes=-0", "bytes=a-b", "items=0-1", ""] {
            assert_eq!(range(wrong, 100), None, "{wrong}");
        }
        assert_eq!(range("bytes=0-", 0), None);
    }

    #[test]
    fn a_stereo_file_has_two_sides() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = hound::WavWriter::create(&path, spec).unwrap();
        for n in 0..16_000 {
            file.write_sample(if n < 8_000 { 16_000_i16 } else { 0 }).unwrap();
            file.write_sample(0_i16).unwrap();
        }
        file.finalize().unwrap();
        let found = measure(&path).unwrap();
        assert_eq!((found.ms, found.sides.len()), (2_000, 2));
        assert_eq!((found.sides[0][0], found.sides[0][COLUMNS - 1], found.sides[1][0]), (100, 0, 0));
        assert_eq!(measure(&folder.path().join("none.wav")), None);
        assert!(outline(&[100, 0], 20).starts_with("M0 2v36M1 19v2"));
    }
}
