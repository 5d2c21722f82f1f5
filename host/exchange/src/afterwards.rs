//! When a call is over: its recording is kept where the records keep audio, what was said to a person is written down later,
//! and how good the line was is told.

use std::path::Path;

use records::LineQuality;

use crate::House;
use crate::reception::Parted;

/// Does what can wait until the caller is gone.
pub(crate) async fn keep(house: &House, call: &str, recording: Option<&Path>, parted: Parted) {
    if let Some(quality) = parted.quality {
        tracing::info!(
            call,
            clinic = house.clinic.id,
            received = quality.received,
            lost = quality.lost,
            jitter_ms = quality.jitter_ms,
            mos = quality.mos,
            "the line as it was"
        );
    }
    if let Some(quality) = parted.quality.filter(|quality| quality.received > 0) {
        let line = LineQuality {
            packets: i64::try_from(quality.received).unwrap_or(i64::MAX),
            lost: i64::try_from(quality.lost).unwrap_or(i64::MAX),
            jitter_ms: quality.jitter_ms,
            round_trip_ms: quality.round_trip_ms,
            lost_there: quality.lost_there,
            mos: quality.mos,
        };
        if let Err(error) = house.stage.store.set_line_quality(call, &line).await {
            tracing::error!(call, %error, "the quality of a line could not be written down");
        }
    }
    // The robot's end of the call is written down by now; what the queue says of it stands above that.
    if let Err(error) = house.stage.store.settle_call(call).await {
        tracing::error!(call, %error, "what the queue says of a call could not be written down");
    }
    let Some(path) = recording else { return };
    // Nothing was kept of a call that was over before the notice was heard.
    if !tokio::fs::try_exists(path).await.unwrap_or(true) {
        return;
    }
    if let Err(error) = put_away(house, call, path, parted).await {
        tracing::error!(call, file = %path.display(), error, "a recording stays where it was made");
    }
}

async fn put_away(house: &House, call: &str, path: &Path, parted: Parted) -> Result<(), String> {
    let bytes = tokio::fs::read(path).await.map_err(|error| error.to_string())?;
    let store = &house.stage.store;
    match parted.talk_from {
        Some(from) => {
            let now = jiff::Timestamp::now().as_millisecond();
            let later = session::talk::transcribe_later(store, call, &bytes, from, now);
            later.await.map_err(|error| error.to_string())?;
        }
        None => {
            let sha256 = store.put_audio(&bytes, "audio/wav").await.map_err(|error| error.to_string())?;
            let attached = store.attach_audio(call, session::talk::RECORDING, &sha256);
            attached.await.map_err(|error| error.to_string())?;
        }
    }
    tokio::fs::remove_file(path).await.map_err(|error| error.to_string())
}
