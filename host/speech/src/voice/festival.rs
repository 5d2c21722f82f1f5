//! festival with Debian's Russian voice, kept running.
//!
//! Starting festival costs a second of CPU, a sentence after that 20–90 ms, so one process is started when the voice is
//! opened and asked again and again over its stdin. It is told file names alone: the text lies in a file in a private
//! folder and is read as data, and holds nothing but Russian letters and marks (see `pronounce`).

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use audio::{Pcm, wav};

use super::pronounce::for_festival;
use super::{Voice, is_installed};
use crate::SpeechError;

const ENGINE: &str = "festival";
const VOICE: &str = "voice_msu_ru_nsh_clunits";
const INSTALL: &str = "run `apt-get install festival festvox-ru`";
/// Lisp cells; the voice needs over half a million, and festival's own default of ten million costs 250 MB more.
const HEAP: &str = "2000000";
const START_LIMIT: Duration = Duration::from_secs(30);
const SENTENCE_LIMIT: Duration = Duration::from_secs(15);
/// Where packages put the voice; elsewhere festival itself is asked.
const VOICE_DIRS: &[&str] = &[
    "/usr/share/festival/voices/russian/msu_ru_nsh_clunits",
    "/usr/local/share/festival/voices/russian/msu_ru_nsh_clunits",
    "/usr/lib/festival/voices/russian/msu_ru_nsh_clunits",
];

/// The male Russian voice `msu_ru_nsh_clunits` (16 kHz, free licence). Sentences are said one at a time.
pub struct Festival {
    server: Arc<Mutex<Option<Server>>>,
}

impl Festival {
    /// Checks that festival and its Russian voice are here, and starts it in the background.
    ///
    /// # Errors
    /// [`SpeechError::VoiceMissing`] with the command that installs what is missing.
    pub fn open() -> Result<Festival, SpeechError> {
        if !is_installed(ENGINE) {
            return Err(missing(format!("the program is not installed; {INSTALL}")));
        }
        if !VOICE_DIRS.iter().any(|dir| Path::new(dir).is_dir()) && !festival_knows_voice() {
            return Err(missing(format!("its Russian voice is not installed; {INSTALL}")));
        }
        let festival = Festival { server: Arc::new(Mutex::new(None)) };
        // The first caller need not wait for the start; a failure shows when the first sentence is said.
        let server = Arc::clone(&festival.server);
        std::thread::spawn(move || {
            let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
            if server.is_none() {
                *server = Server::start().ok();
            }
        });
        Ok(festival)
    }
}

impl Voice for Festival {
    fn id(&self) -> &str {
        "festival msu_ru_nsh_clunits 0.5"
    }

    fn synthesise(&self, text: &str) -> Result<Pcm, SpeechError> {
        let text = for_festival(text);
        if text.is_empty() {
            return Ok(Pcm::silence(0, 16_000));
        }
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        // A process that died since the last sentence is started once more.
        for last_try in [false, true] {
            let mut running = match server.take() {
                Some(running) => running,
                None => Server::start()?,
            };
            match running.say(&text) {
                Ok(sound) => {
                    *server = Some(running);
                    return Ok(sound);
                }
                Err(Failure::Sentence(error)) => {
                    *server = Some(running);
                    return Err(error);
                }
                // A slow process is dropped, and with it killed; a second wait would be too long for a caller.
                Err(Failure::Slow) => {
                    return Err(failed(format!(
                        "no sound after {} s; it will be started anew",
                        SENTENCE_LIMIT.as_secs()
                    )));
                }
                Err(Failure::Died(why)) if last_try => return Err(failed(why)),
                Err(Failure::Died(_)) => {}
            }
        }
        Err(failed("it died twice".to_owned()))
    }
}

enum Failure {
    /// This sentence cannot be said; the process is well.
    Sentence(SpeechError),
    Slow,
    Died(String),
}

/// A running festival, its private folder, and what it says on stderr.
struct Server {
    child: Child,
    stdin: ChildStdin,
    lines: mpsc::Receiver<String>,
    folder: PathBuf,
    count: u64,
}

impl Server {
    fn start() -> Result<Server, SpeechError> {
        let folder = private_folder()?;
        let mut child = Command::new(ENGINE)
            .args(["--heap", HEAP, "--pipe"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(format!("it cannot be started: {e}; {INSTALL}")))?;
        let (Some(stdin), Some(stderr)) = (child.stdin.take(), child.stderr.take()) else {
            return Err(failed("its pipes are closed".to_owned()));
        };
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n') {
                let Ok(line) = line else { return };
                if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        let mut server = Server { child, stdin, lines, folder, count: 0 };
        match server.ask(&format!("({VOICE})\n{SCHEME}"), START_LIMIT) {
            Ok(complaints) if complaints.iter().any(|c| c.contains("unbound variable")) => {
                Err(missing(format!("its Russian voice is not installed; {INSTALL}")))
            }
            Ok(complaints) if !complaints.is_empty() => Err(failed(complaints.join("; "))),
            Ok(_) => Ok(server),
            Err(Failure::Sentence(error)) => Err(error),
            Err(Failure::Slow) => Err(failed("it did not start within 30 s".to_owned())),
            Err(Failure::Died(why)) => Err(failed(why)),
        }
    }

    fn say(&mut self, text: &str) -> Result<Pcm, Failure> {
        let input = self.folder.join("text");
        let output = self.folder.join("sound.wav");
        let io = |path: &Path, e| Failure::Sentence(SpeechError::io(path)(e));
        fs::write(&input, text).map_err(|e| io(&input, e))?;
        let complaints = self.ask(&format!("(gudok_say {} {})", quoted(&input), quoted(&output)), SENTENCE_LIMIT);
        let sound = fs::read(&output);
        let _ = fs::remove_file(&input);
        let _ = fs::remove_file(&output);
        let complaints = complaints?;
        match sound {
            Ok(bytes) => wav::decode(&bytes).map(|r| r.mono()).map_err(|e| Failure::Sentence(failed(e.to_string()))),
            Err(_) => {
                // What festival complains of may quote the text; the kind of the complaint is enough.
                let kind = complaints
                    .iter()
                    .find(|c| c.contains("ERROR"))
                    .map_or("no sound came", |_| "it gave up the sentence");
                Err(Failure::Sentence(failed(kind.to_owned())))
            }
        }
    }

    /// Sends expressions and waits until they are evaluated; gives what was said on stderr meanwhile.
    fn ask(&mut self, expressions: &str, limit: Duration) -> Result<Vec<String>, Failure> {
        self.count += 1;
        let mark = format!("gudok-done-{}", self.count);
        let died = |_| Failure::Died("it ended by itself".to_owned());
        writeln!(self.stdin, "{expressions}\n(format stderr \"\\n{mark}\\n\")")
            .and_then(|()| self.stdin.flush())
            .map_err(died)?;
        let deadline = Instant::now() + limit;
        let mut complaints = Vec::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.trim() == mark => return Ok(complaints),
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => complaints.push(line.trim().to_owned()),
                Err(RecvTimeoutError::Timeout) => return Err(Failure::Slow),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Died(complaints.pop().unwrap_or_else(|| "it ended by itself".to_owned())));
                }
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Reads a file as one text and says it: the text is data from first to last, never an expression.
const SCHEME: &str = r#"
(define (gudok_say input output)
  (let ((file (fopen input "rb")) (text nil) (utterance nil))
    (set! text (fread 65536 file))
    (fclose file)
    (set! utterance (eval (list 'Utterance 'Text text)))
    (utt.synth utterance)
    (utt.save.wave utterance output 'riff)
    nil))
"#;

/// A path as a Scheme string.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""))
}

/// A folder only this user can look into.
fn private_folder() -> Result<PathBuf, SpeechError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut last = None;
    for _ in 0..100 {
        let name = format!("gudok-festival-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Made here or not used: a folder that exists may be somebody else's.
        match builder.create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) => last = Some(SpeechError::io(folder)(error)),
        }
    }
    Err(last.unwrap_or_else(|| failed("no private folder can be made".to_owned())))
}

fn festival_knows_voice() -> bool {
    let question = format!("(if (boundp '{VOICE}) (exit 0) (exit 3))");
    Command::new(ENGINE)
        .args(["--batch", &question])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn missing(hint: String) -> SpeechError {
    SpeechError::VoiceMissing { engine: ENGINE.to_owned(), hint }
}

fn failed(reason: String) -> SpeechError {
    SpeechError::VoiceFailed { engine: ENGINE.to_owned(), reason }
}
