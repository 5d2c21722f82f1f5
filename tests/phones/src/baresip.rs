//! baresip, a telephone: its microphone is a WAV file that can be changed during the call, its ear another.
//!
//! It is driven over its control socket (netstrings of JSON). What it sends and what it hears it writes down by itself
//! (module `sndfile`), from before the encoder and from after the decoder.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::conversation::Phone;
use crate::process::{Process, free_port, require};
use crate::wait;

const MODULES: &str = "/usr/lib/baresip/modules";
const LIMIT: Duration = Duration::from_secs(15);

/// How a call of baresip is set up.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its number.
    pub number: String,
    /// In order of preference, as baresip names them: `PCMA/8000/1`.
    pub codecs: &'static str,
    /// `udp`, `tcp`, `tls`.
    pub transport: &'static str,
    /// Encryption of sound: none, or `srtp-mand` (SDES), `dtls_srtp`.
    pub encryption: Option<&'static str>,
    /// Rate of its sound card, the one of the codec.
    pub rate: u32,
    /// Where it hears SIP; 0 is any free port.
    pub listen: u16,
}

impl Default for Setting {
    fn default() -> Self {
        Setting {
            number: "+79031110001".into(),
            codecs: "PCMA/8000/1",
            transport: "udp",
            encryption: None,
            rate: 8_000,
            listen: 0,
        }
    }
}

/// A running baresip.
pub struct Baresip {
    process: Process,
    control: TcpStream,
    waiting: Vec<u8>,
    events: Vec<Value>,
    folder: PathBuf,
}

impl Baresip {
    /// Starts one with `microphone` at its ear; its files lie in `folder`.
    ///
    /// # Errors
    /// When it is missing or does not start.
    pub fn start(setting: &Setting, microphone: &Path, folder: &Path) -> Result<Baresip> {
        require("baresip", "baresip-core")?;
        fs::create_dir_all(folder)?;
        let port = free_port("127.0.0.1")?;
        fs::write(folder.join("config"), config(setting, microphone, folder, port))?;
        let encryption = setting.encryption.map(|way| format!(";mediaenc={way}")).unwrap_or_default();
        fs::write(
            folder.join("accounts"),
            format!(
                "<sip:{}@127.0.0.1;transport={}>;regint=0;audio_codecs={}{encryption}\n",
                setting.number, setting.transport, setting.codecs
            ),
        )?;
        fs::write(folder.join("contacts"), "")?;
        let mut command = Command::new("baresip");
        command.arg("-f").arg(folder).args(["-t", "300"]).env("HOME", folder);
        let mut process = Process::start("baresip", &mut command, &folder.join("screen.txt"))?;
        let control = wait::until("the control socket of baresip", LIMIT, || {
            process.must_run()?;
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        })?;
        control.set_nonblocking(true)?;
        Ok(Baresip { process, control, waiting: Vec::new(), events: Vec::new(), folder: folder.to_owned() })
    }

    /// Presses a key.
    ///
    /// # Errors
    /// When baresip is gone.
    pub fn press(&mut self, key: char) -> Result<()> {
        self.order("sndcode", &key.to_string())
    }

    /// Waits until it rings.
    ///
    /// # Errors
    /// When nobody calls it within the limit.
    pub fn ring(&mut self, limit: Duration) -> Result<()> {
        wait::until("baresip to ring", limit, || {
            self.listen()?;
            Ok(self.event("CALL_INCOMING").map(|_| ()))
        })
    }

    /// Answers the call that rings.
    ///
    /// # Errors
    /// When there is none.
    pub fn answer(&mut self) -> Result<()> {
        self.order("accept", "")?;
        wait::until("baresip to answer", LIMIT, || {
            self.listen()?;
            Ok(self.event("CALL_ESTABLISHED").map(|_| ()))
        })
    }

    /// Puts the call on hold.
    ///
    /// # Errors
    /// When baresip is gone.
    pub fn hold(&mut self) -> Result<()> {
        self.order("hold", "")
    }

    /// Takes it off hold.
    ///
    /// # Errors
    /// When baresip is gone.
    pub fn resume(&mut self) -> Result<()> {
        self.order("resume", "")
    }

    /// What it printed.
    pub fn printed(&self) -> String {
        self.process.printed()
    }

    fn order(&mut self, command: &str, with: &str) -> Result<()> {
        let order = json!({ "command": command, "params": with, "token": command }).to_string();
        self.control.set_nonblocking(false)?;
        write!(self.control, "{}:{order},", order.len()).context("baresip takes no orders")?;
        self.control.set_nonblocking(true)?;
        Ok(())
    }

    /// Takes what the control socket has.
    fn listen(&mut self) -> Result<()> {
        let mut buffer = [0; 4_096];
        while let Ok(size) = self.control.read(&mut buffer) {
            if size == 0 {
                break;
            }
            self.waiting.extend_from_slice(&buffer[..size]);
        }
        while let Some((event, rest)) = netstring(&self.waiting) {
            self.waiting = rest;
            self.events.push(event);
        }
        self.process.must_run()
    }

    fn event(&self, kind: &str) -> Option<&Value> {
        self.events.iter().find(|event| event["type"] == kind)
    }

    fn dump(&self, side: &str) -> Result<PathBuf> {
        let mut dumps: Vec<PathBuf> = fs::read_dir(&self.folder)?.flatten().map(|entry| entry.path()).collect();
        dumps.retain(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(&format!("-{side}.wav")))
        });
        dumps.pop().with_context(|| format!("baresip has recorded nothing it has {side}oded:\n{}", self.printed()))
    }
}

impl Phone for Baresip {
    fn call(&mut self, to: &str) -> Result<()> {
        self.order("dial", to)?;
        wait::until("baresip's call to be answered", LIMIT, || {
            self.listen()?;
            if let Some(closed) = self.event("CALL_CLOSED") {
                bail!("baresip's call was refused: {}\n{}", closed["param"], self.printed());
            }
            Ok(self.event("CALL_ESTABLISHED").map(|_| ()))
        })
    }

    fn microphone(&mut self, wav: &Path) -> Result<()> {
        self.order("ausrc", &format!("aufile,{}", wav.display()))
    }

    fn is_over(&mut self) -> Result<bool> {
        self.listen()?;
        Ok(self.event("CALL_CLOSED").is_some())
    }

    fn hang_up(&mut self) -> Result<()> {
        self.order("hangup", "")?;
        wait::until("baresip to hang up", LIMIT, || Ok(self.is_over()?.then_some(())))
    }

    fn heard(&self) -> Result<Vec<i16>> {
        samples(&self.dump("dec")?)
    }

    fn said(&self) -> Result<Vec<i16>> {
        samples(&self.dump("enc")?)
    }
}

/// The samples of a WAV file of 16-bit mono that may still be growing: its header tells no length yet.
///
/// # Errors
/// When it cannot be read.
pub fn samples(file: &Path) -> Result<Vec<i16>> {
    let bytes = fs::read(file).with_context(|| format!("{}", file.display()))?;
    let start = bytes.windows(4).position(|word| word == b"data").map_or(bytes.len(), |at| at + 8);
    let sound = bytes.get(start..).unwrap_or_default();
    Ok(sound.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

fn netstring(bytes: &[u8]) -> Option<(Value, Vec<u8>)> {
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    let body = bytes.get(colon + 1..colon + 1 + length)?;
    // The comma comes with the next read at the latest.
    bytes.get(colon + 1 + length)?;
    Some((serde_json::from_slice(body).unwrap_or(Value::Null), bytes[colon + 2 + length..].to_vec()))
}

fn config(setting: &Setting, microphone: &Path, folder: &Path, port: u16) -> String {
    let (rate, folder) = (setting.rate, folder.display());
    let certificate = if setting.transport == "tls" { "sip_verify_server no\n" } else { "" };
    let mut modules: String = ["g711", "g722", "opus", "aufile", "sndfile", "srtp", "dtls_srtp"]
        .map(|name| format!("module {name}.so\n"))
        .concat();
    modules += "module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n";
    format!(
        "poll_method epoll\nsip_listen 127.0.0.1:{}\n{certificate}call_max_calls 1\nnet_interface 127.0.0.1\n\
         audio_player aufile,{folder}/speaker.wav\naudio_alert aufile,/dev/null\n\
         audio_source aufile,{}\nausrc_srate {rate}\nauplay_srate {rate}\nausrc_channels 1\nauplay_channels 1\n\
         rtp_timeout 60\njitter_buffer_delay 2-10\nmodule_path {MODULES}\n{modules}\
         ctrl_tcp_listen 127.0.0.1:{port}\nsnd_path {folder}\n",
        setting.listen,
        microphone.display(),
    )
}
