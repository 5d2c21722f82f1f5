//! The caller's voice: festival with Debian's Russian voice, at the rate of a telephone line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{Process, require};

/// Speaking a dozen lines takes festival a few seconds, on a busy machine more.
const LIMIT: Duration = Duration::from_secs(120);
/// A telephone's microphone hears nothing for so long after a line; longer than any robot speaks or thinks.
const SILENCE_SECONDS: usize = 90;

/// Lines spoken into files that a telephone can use as its microphone.
pub struct Voice {
    files: BTreeMap<String, PathBuf>,
    /// A microphone that hears nothing.
    pub silence: PathBuf,
}

impl Voice {
    /// Speaks all of `lines` at once, into `folder`, at `rate` samples a second.
    ///
    /// # Errors
    /// When festival or its voice is missing, or fails.
    pub fn speak(lines: &[&str], folder: &Path, rate: u32) -> Result<Voice> {
        require("festival", "festival festvox-ru")?;
        fs::create_dir_all(folder)?;
        let silence = folder.join("silence.wav");
        write(&silence, &[], rate)?;
        let mut files = BTreeMap::new();
        if lines.is_empty() {
            return Ok(Voice { files, silence });
        }
        let mut orders = String::from("(voice_msu_ru_nsh_clunits)\n");
        for (index, line) in lines.iter().enumerate() {
            if line.contains(['"', '\\']) {
                bail!("«{line}»: a line has neither quotes nor backslashes, festival reads it as Lisp");
            }
            let raw = folder.join(format!("raw-{index}.wav"));
            orders += &format!("(utt.save.wave (utt.synth (Utterance Text \"{line}\")) \"{}\" 'riff)\n", raw.display());
            files.insert((*line).to_owned(), raw);
        }
        let script = folder.join("lines.scm");
        fs::write(&script, orders)?;
        let output = folder.join("festival.txt");
        let mut festival = Process::start("festival", Command::new("festival").arg("-b").arg(&script), &output)?;
        let status = festival.end(LIMIT)?;
        if !status.success() {
            bail!(
                "festival failed; is its Russian voice installed (`apt-get install festvox-ru`)?\n{}",
                festival.printed()
            );
        }
        for (index, file) in files.values_mut().enumerate() {
            let speech =
                audio::wav::read(&*file).with_context(|| format!("{}: festival left no sound", file.display()))?;
            let line = speech.mono().resampled(rate);
            // A telephone line's band, where it is one.
            let line = if rate == audio::TELEPHONE_RATE { audio::telephone(&line) } else { line };
            *file = folder.join(format!("line-{index}.wav"));
            write(file, &line.samples, rate)?;
        }
        Ok(Voice { files, silence })
    }

    /// The microphone that hears this line, then silence.
    ///
    /// # Errors
    /// When the line was not spoken.
    pub fn line(&self, words: &str) -> Result<&Path> {
        self.files.get(words).map(PathBuf::as_path).with_context(|| format!("«{words}» was not spoken beforehand"))
    }
}

fn write(file: &Path, speech: &[i16], rate: u32) -> Result<()> {
    // A moment first: telephones fade in.
    let second = rate as usize;
    let mut sound = vec![0; second / 5];
    sound.extend_from_slice(speech);
    sound.resize(sound.len() + SILENCE_SECONDS * second, 0);
    audio::wav::write(file, rate, &[&sound])?;
    Ok(())
}
