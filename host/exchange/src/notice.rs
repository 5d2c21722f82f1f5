//! Whoever is recorded hears so first, also where no robot speaks: in calls of the clinic, and before a person takes over.

use session::{Leg, Live, Recording, Waited, WaitingRoom};

use crate::{House, reception};

/// A recording of this call that begins once the notice was heard, and where it will lie. None where calls are not recorded.
pub(crate) async fn recording(
    house: &House,
    recordings: Option<&std::path::Path>,
    call: &str,
    live: Live,
) -> Option<(std::path::PathBuf, Recording)> {
    let path = reception::recording_path(recordings, &house.clinic, call)?;
    let recording = house.hearing.studio.record(&path).await;
    let recording = recording.inspect_err(|error| tracing::error!(call, %error, "the call is not recorded")).ok()?;
    Some((path, recording.heard_by(live)))
}

/// Has the notice said where it is due, and gives the line back.
///
/// # Errors
/// They hung up; what is left of the line, where anything is.
pub(crate) async fn tell(house: &House, leg: Leg) -> Result<Leg, Option<Leg>> {
    if !leg.notice_is_due() {
        return Ok(leg);
    }
    let (room, mut events) = WaitingRoom::open(leg, &house.hearing);
    room.music(false);
    room.say_notice(&house.clinic.recording_notice).await;
    loop {
        match events.recv().await {
            Some(Waited::Said) => room.leave(),
            Some(Waited::Key(_)) => {}
            Some(Waited::Left(leg)) => return Ok(leg),
            Some(Waited::Gone(leg)) => return Err(Some(leg)),
            None => return Err(None),
        }
    }
}
