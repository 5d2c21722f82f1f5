//! linphone's console telephone: files instead of a sound card, orders typed at its prompt.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::baresip::samples;
use crate::conversation::Phone;
use crate::process::{Process, free_port, require};
use crate::wait;

const LIMIT: Duration = Duration::from_secs(20);

/// A running linphonec.
pub struct Linphone {
    process: Process,
    keyboard: ChildStdin,
    folder: PathBuf,
    /// What its microphone heard and when, in samples since the first: linphone keeps no record of what it sends.
    said: Vec<i16>,
}

impl Linphone {
    /// Starts one with this number; its files lie in `folder`. It encodes with the first of `codecs` the other side takes.
    ///
    /// # Errors
    /// When it is missing or does not start.
    pub fn start(number: &str, codecs: &[&str], folder: &Path) -> Result<Linphone> {
        require("linphonec", "linphone-cli")?;
        // Without these it has no database, and no call.
        fs::create_dir_all(folder.join(".local/share/linphone"))?;
        fs::create_dir_all(folder.join(".config/linphone"))?;
        fs::write(folder.join("rc"), config(number, codecs)?)?;
        let mut command = Command::new("linphonec");
        command.args(["-c", "rc", "-d", "5", "-l", "log.txt"]).current_dir(folder).env("HOME", folder);
        let mut process = Process::start("linphonec", &mut command, &folder.join("screen.txt"))?;
        let keyboard = process.keyboard().context("linphonec has no keyboard")?;
        let mut phone = Linphone { process, keyboard, folder: folder.to_owned(), said: Vec::new() };
        phone.expect("linphonec>", "linphonec to be ready")?;
        phone.order("soundcard use files")?;
        phone.expect("instead of soundcard", "linphonec to use files")?;
        phone.order(&format!("record {}", phone.ear().display()))?;
        Ok(phone)
    }

    /// Presses a key.
    ///
    /// # Errors
    /// When linphone is gone.
    pub fn press(&mut self, key: char) -> Result<()> {
        self.order(&key.to_string())
    }

    /// What it printed.
    pub fn printed(&self) -> String {
        self.process.printed()
    }

    fn ear(&self) -> PathBuf {
        self.folder.join("heard.wav")
    }

    fn order(&mut self, line: &str) -> Result<()> {
        writeln!(self.keyboard, "{line}").context("linphonec takes no orders")?;
        Ok(self.keyboard.flush()?)
    }

    fn expect(&mut self, words: &str, what: &str) -> Result<()> {
        let process = &mut self.process;
        wait::until(what, LIMIT, || {
            process.must_run()?;
            Ok(process.printed().contains(words).then_some(()))
        })
        .with_context(|| format!("linphonec printed:\n{}", process.printed()))
    }
}

impl Phone for Linphone {
    fn call(&mut self, to: &str) -> Result<()> {
        self.order(&format!("call {to}"))?;
        wait::until("linphone's call to be answered", LIMIT, || {
            self.process.must_run()?;
            let printed = self.process.printed();
            if printed.contains("error.") || printed.contains("ended (") {
                bail!("linphone's call was refused:\n{printed}");
            }
            Ok(printed.contains("Media streams established").then_some(()))
        })
    }

    fn microphone(&mut self, wav: &Path) -> Result<()> {
        self.said.extend(samples(wav)?);
        self.order(&format!("play {}", wav.display()))
    }

    fn is_over(&mut self) -> Result<bool> {
        self.process.must_run()?;
        Ok(self.process.printed().contains(" ended ("))
    }

    fn hang_up(&mut self) -> Result<()> {
        self.order("terminate")?;
        wait::until("linphone to hang up", LIMIT, || Ok(self.is_over()?.then_some(())))
    }

    fn heard(&self) -> Result<Vec<i16>> {
        samples(&self.ear())
    }

    fn said(&self) -> Result<Vec<i16>> {
        Ok(self.said.clone())
    }
}

fn config(number: &str, codecs: &[&str]) -> Result<String> {
    let known = [
        ("opus", 48_000),
        ("speex", 16_000),
        ("speex", 8_000),
        ("PCMU", 8_000),
        ("PCMA", 8_000),
        ("GSM", 8_000),
        ("G722", 8_000),
        ("telephone-event", 8_000),
    ];
    let rank = |name: &str| codecs.iter().position(|wanted| *wanted == name).unwrap_or(codecs.len());
    let mut ordered = known;
    ordered.sort_by_key(|(name, _)| rank(name));
    let mut list = String::new();
    for (index, (name, rate)) in ordered.iter().enumerate() {
        let enabled = u8::from(codecs.contains(name) || *name == "telephone-event");
        list += &format!("[audio_codec_{index}]\nmime={name}\nrate={rate}\nchannels=1\nenabled={enabled}\n");
    }
    // An address of its own on this machine, no gains, no echo canceller, no stretching of sound: what is compared is the
    // line, not the telephone.
    Ok(format!(
        "[sip]\nsip_port={}\nsip_tcp_port=0\nsip_tls_port=0\nguess_hostname=0\ncontact=sip:{number}@127.0.0.1\n\
         use_ipv6=0\nipv6_migration_done=1\nbind_address=127.0.0.1\nmedia_encryption=none\nuse_rfc2833=1\nuse_info=0\n\
         [rtp]\naudio_rtp_port=-1\nbind_address=127.0.0.1\naudio_adaptive_jitt_comp_enabled=0\naudio_jitt_comp=60\n\
         [sound]\nechocancellation=0\necholimiter=0\nnoisegate=0\nagc=0\nmic_gain_db=0.0\nplayback_gain_db=0.0\n\
         [video]\nenabled=0\ndisplay=0\ncapture=0\nautomatically_initiate=0\nautomatically_accept=0\n\
         [misc]\nlog_collection=0\n{list}",
        free_port("127.0.0.1")?,
    ))
}
