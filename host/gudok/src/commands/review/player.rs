//! Listening to a recording at the desk, with whatever player the machine has.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use records::Store;
use tempfile::TempDir;

use super::phrases::Phrases;

/// Players with what makes them silent on the terminal, best first.
const PLAYERS: [(&str, &[&str]); 5] = [
    ("pw-play", &[]),
    ("paplay", &[]),
    ("aplay", &["-q"]),
    ("ffplay", &["-nodisp", "-autoexit", "-loglevel", "quiet"]),
    ("afplay", &[]),
];

/// Around the words that decided.
const MARGIN_S: f32 = 1.0;

/// A player; it stops when dropped.
pub struct Player {
    command: Option<(PathBuf, &'static [&'static str])>,
    playing: Option<(Child, TempDir)>,
    phrases: &'static Phrases,
}

impl Player {
    /// The first that is installed.
    pub(super) fn find(phrases: &'static Phrases) -> Player {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let installed = |name: &str| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
        let command = PLAYERS.iter().find_map(|(name, args)| Some((installed(name)?, *args)));
        Player { command, playing: None, phrases }
    }

    /// Plays a call's recording, or only these seconds of it. The answer is a line for the person when nothing can be
    /// heard.
    pub async fn play(&mut self, store: &Store, call: &str, seconds: Option<(f32, f32)>) -> Result<Option<String>> {
        self.stop();
        let Some((player, args)) = &self.command else {
            return Ok(Some(self.phrases.no_player.to_owned()));
        };
        let audio = store.call_audio(call).await?;
        let Some(recording) = audio.iter().find(|audio| audio.kind == "recording") else {
            return Ok(Some(self.phrases.no_recording.to_owned()));
        };
        let bytes = match store.audio(&recording.sha256).await {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Some(format!("{}: {error}", self.phrases.unreadable))),
        };
        let folder = tempfile::tempdir().context("no room for a temporary file")?;
        let file = folder.path().join("call.wav");
        match seconds {
            None => std::fs::write(&file, &bytes)?,
            Some((from, to)) => {
                let whole = audio::wav::decode(&bytes)?;
                let at = |seconds: f32| (seconds.max(0.0) * whole.rate as f32) as usize;
                let part: Vec<&[i16]> = whole
                    .channels
                    .iter()
                    .map(|channel| {
                        let to = at(to + MARGIN_S).min(channel.len());
                        &channel[at(from - MARGIN_S).min(to)..to]
                    })
                    .collect();
                audio::wav::write(&file, whole.rate, &part)?;
            }
        }
        let mut command = Command::new(player);
        command.args(*args).arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("{}: cannot be started", player.display()))?;
        self.playing = Some((child, folder));
        Ok(None)
    }

    /// Silence.
    pub fn stop(&mut self) {
        if let Some((mut child, _folder)) = self.playing.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stop();
    }
}
