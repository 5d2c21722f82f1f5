//! Any program that turns text on stdin into sound on stdout: espeak-ng, piper, RHVoice.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use audio::{Pcm, wav};

use super::{Voice, is_installed};
use crate::SpeechError;

/// No sentence makes more sound than this; a program that does not end is stopped here.
const MOST_BYTES: u64 = 64 << 20;

/// A program started anew for every sentence. It gets UTF-8 text and a line end on stdin and writes WAV, or raw 16-bit
/// little-endian mono samples, to stdout.
#[derive(Debug, Clone)]
pub struct CommandVoice {
    id: String,
    name: String,
    argv: Vec<String>,
    rate: u32,
    limit: Duration,
}

impl CommandVoice {
    /// A program with its arguments; `rate` is that of raw samples and is not used when a WAV comes.
    ///
    /// # Errors
    /// [`SpeechError::VoiceMissing`] when there is no such program.
    pub fn new(argv: Vec<String>, rate: u32) -> Result<CommandVoice, SpeechError> {
        let missing = |engine: &str, hint: String| SpeechError::VoiceMissing { engine: engine.to_owned(), hint };
        let program =
            argv.first().ok_or_else(|| missing("voice command", "the command is empty; name a program".into()))?;
        if !is_installed(program) {
            return Err(missing(
                program,
                format!("there is no program `{program}` on the PATH; install it or correct the voice command"),
            ));
        }
        let name = program.rsplit('/').next().unwrap_or(program).to_owned();
        let id = format!("{name} {} @{rate}", argv[1..].join(" "));
        Ok(CommandVoice { id, name, argv, rate, limit: Duration::from_secs(20) })
    }

    /// Parses a command line: words parted by spaces, quotes `'…'` and `"…"` keep them together, and a first word
    /// `rate=22050` gives the rate of raw samples (22,050 when it is left out, as piper's voices of medium size have).
    ///
    /// # Errors
    /// [`SpeechError::VoiceMissing`] for an empty line, a quote that is not closed, or a program that is not there.
    ///
    /// ```no_run
    /// speech::voice::CommandVoice::parse("rate=22050 piper --model ru_RU-irina-medium.onnx --output-raw")?;
    /// # Ok::<(), speech::SpeechError>(())
    /// ```
    pub fn parse(line: &str) -> Result<CommandVoice, SpeechError> {
        let wrong =
            |hint: &str| SpeechError::VoiceMissing { engine: "voice command".to_owned(), hint: hint.to_owned() };
        let mut argv = words(line).ok_or_else(|| wrong("a quote in the voice command is not closed"))?;
        let rate = match argv.first().and_then(|w| w.strip_prefix("rate=")) {
            Some(rate) => {
                let rate = rate.parse().ok().filter(|r| (4_000..=192_000).contains(r));
                argv.remove(0);
                rate.ok_or_else(|| {
                    wrong("`rate=` wants samples per second between 4000 and 192000, as in `rate=22050`")
                })?
            }
            None => 22_050,
        };
        CommandVoice::new(argv, rate)
    }

    /// espeak-ng's Russian.
    ///
    /// # Errors
    /// [`SpeechError::VoiceMissing`] with the command that installs it.
    pub fn espeak() -> Result<CommandVoice, SpeechError> {
        let argv = ["espeak-ng", "-v", "ru", "-s", "150", "--stdin", "--stdout"];
        CommandVoice::new(argv.map(str::to_owned).to_vec(), 22_050).map_err(|_| SpeechError::VoiceMissing {
            engine: "espeak-ng".to_owned(),
            hint: "the program is not installed; run `apt-get install espeak-ng`".to_owned(),
        })
    }

    /// Stops the program after this long.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> CommandVoice {
        CommandVoice { limit, ..self }
    }

    fn failed(&self, reason: String) -> SpeechError {
        SpeechError::VoiceFailed { engine: self.name.clone(), reason }
    }
}

impl Voice for CommandVoice {
    fn id(&self) -> &str {
        &self.id
    }

    fn synthesise(&self, text: &str) -> Result<Pcm, SpeechError> {
        let mut child = Command::new(&self.argv[0])
            .args(&self.argv[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| self.failed(format!("it cannot be started: {e}")))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(self.failed("its pipes are closed".to_owned()));
        };
        let input = format!("{}\n", text.replace(['\n', '\r'], " "));
        // Three threads, so that a program that reads late, or talks before it has read, blocks nobody.
        std::thread::spawn(move || {
            // A program that stops reading shows in its exit status.
            let _ = stdin.write_all(input.as_bytes());
        });
        let sound = reading(stdout);
        let complaint = reading(stderr);
        let bytes = match sound.recv_timeout(self.limit) {
            Ok(bytes) => bytes,
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(
                    self.failed(format!("no end of its sound after {} ms; it was stopped", self.limit.as_millis()))
                );
            }
        };
        // Its stdout is closed, so it is ending or has no business running on.
        let complaint = complaint.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let complaint = without_words(String::from_utf8_lossy(&complaint).trim(), text);
        if bytes.len() as u64 >= MOST_BYTES || bytes.is_empty() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(|e| self.failed(e.to_string()))?;
        if !status.success() || bytes.is_empty() {
            let what = if status.success() { "it gave no sound".to_owned() } else { format!("it ended with {status}") };
            let said = if complaint.is_empty() { String::new() } else { format!(": {complaint}") };
            return Err(self.failed(format!("{what}{said}")));
        }
        if bytes.starts_with(b"RIFF") {
            return Ok(wav::decode(&bytes).map_err(|e| self.failed(e.to_string()))?.mono());
        }
        let samples = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        Ok(Pcm::new(self.rate, samples))
    }
}

fn reading(pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is judged by whoever wants it.
        let _ = pipe.take(MOST_BYTES).read_to_end(&mut bytes);
        let _ = send.send(bytes);
    });
    receive
}

/// The last of what a program complained of, without any word of the text it was given: errors reach the log.
fn without_words(complaint: &str, text: &str) -> String {
    let start = complaint.char_indices().rev().nth(299).map_or(0, |(at, _)| at);
    let mut out = complaint[start..].replace('\n', "; ");
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|w| w.chars().count() > 2) {
        out = out.replace(word, "…");
    }
    out
}

fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut current: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                current.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(current.take()),
            (_, c) => current.get_or_insert_default().push(c),
        }
    }
    words.extend(current);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandVoice {
        CommandVoice::new(vec!["sh".into(), "-c".into(), script.into()], 8_000).expect("every Unix has sh")
    }

    #[test]
    fn command_lines_are_split_as_a_shell_would() {
        assert_eq!(words("a 'b c' \"d\"e ").expect("closed"), ["a", "b c", "de"]);
        assert_eq!(words("a 'b"), None);
        assert!(CommandVoice::parse("rate=1 sh").is_err());
        assert!(CommandVoice::parse("").is_err());
        let missing = CommandVoice::parse("gudok-no-such-voice").expect_err("not installed");
        assert!(missing.to_string().contains("gudok-no-such-voice"));
    }

    #[test]
    fn raw_samples_are_taken_at_the_rate_given() {
        let sound = shell("cat >/dev/null; printf '\\001\\000\\377\\377'").synthesise("текст").expect("sound");
        assert_eq!(sound, Pcm::new(8_000, vec![1, -1]));
    }

    #[test]
    fn text_arrives_on_stdin_with_one_line_end() {
        let sound = shell("cat").synthesise("ab\ncd").expect("sound");
        assert_eq!(sound.samples.len(), 3);
    }

    #[test]
    fn a_failure_shows_what_the_program_said_but_not_the_text() {
        let error = shell("cat >&2; echo no model >&2; exit 3")
            .synthesise("Секретный диагноз")
            .expect_err("exit 3")
            .to_string();
        assert!(error.contains("no model") && error.contains('3'), "{error}");
        assert!(!error.contains("диагноз") && !error.contains("Секретный"), "{error}");
    }

    #[test]
    fn a_program_that_never_ends_is_stopped() {
        let error =
            shell("exec sleep 60").with_limit(Duration::from_millis(100)).synthesise("а").expect_err("too slow");
        assert!(error.to_string().contains("100 ms"), "{error}");
    }

    #[test]
    fn no_sound_is_an_error() {
        assert!(shell("cat >/dev/null").synthesise("а").is_err());
    }
}
