//! What the dialplan told of a call before it came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

/// A call that was announced this long ago does not come any more.
const KEPT: Duration = Duration::from_secs(120);
/// More than a PBX can mean.
const MOST: usize = 10_000;

/// What is known of a call beside its sound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// The caller's number, as the PBX shows it.
    #[serde(default)]
    pub caller: Option<String>,
    /// The number or line that was called.
    #[serde(default)]
    pub line: String,
    /// Which clinic answers; none: the one the line belongs to.
    #[serde(default)]
    pub clinic: Option<String>,
}

/// The calls that are expected. Cheap to clone; every clone shares the same ones.
#[derive(Debug, Clone, Default)]
pub struct Announcements(Arc<Mutex<Expected>>);

/// By UUID: when it was announced, and what was said.
type Expected = HashMap<[u8; 16], (Instant, Announced)>;

impl Announcements {
    /// A call with this UUID will come within two minutes. False when `uuid` is none.
    pub fn announce(&self, uuid: &str, announced: Announced) -> bool {
        let Some(id) = parse(uuid) else { return false };
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if calls.len() >= MOST {
            calls.retain(|_, (at, _)| now.duration_since(*at) < KEPT);
        }
        if calls.len() < MOST {
            calls.insert(id, (now, announced));
        }
        true
    }

    /// What was announced of this call; only once.
    pub fn take(&self, id: &[u8; 16]) -> Option<Announced> {
        let (at, announced) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)?;
        (at.elapsed() < KEPT).then_some(announced)
    }
}

/// A UUID as it is written, with or without hyphens.
fn parse(uuid: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> =
        uuid.chars().filter(|c| *c != '-').map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let mut id = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in id.iter_mut().zip(digits.chunks(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(id)
}

/// As it is written.
pub(super) fn written(id: &[u8; 16]) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "40325ec2-5efd-4bd3-805f-53576e581d13";

    #[tokio::test(start_paused = true)]
    async fn once_and_not_for_ever() {
        let announcements = Announcements::default();
        let announced = Announced { caller: Some("+79031234567".into()), ..Announced::default() };
        assert!(announcements.announce(&UUID.to_uppercase(), announced.clone()));
        assert!(
            !announcements.announce("4032-5ec2", announced.clone()) && !announcements.announce("ы", announced.clone())
        );
        let id = parse(UUID).unwrap();
        assert_eq!(written(&id), UUID);
        assert_eq!(announcements.take(&id), Some(announced.clone()));
        assert_eq!(announcements.take(&id), None);
        announcements.announce(UUID, announced);
        tokio::time::advance(KEPT).await;
        assert_eq!(announcements.take(&id), None);
    }
}
