//! Conversation scripts: what a caller says, as a file a person can write.
//!
//! ```toml
//! title  = "Запись кошки на УЗИ"
//! caller = "+79031234567"            # the number the line shows; leave out for a hidden one
//! now    = "2026-11-23T10:15"        # when the call happens, in the clinic's zone; leave out for the real time
//!
//! [[line]]
//! when = "need"                      # the question it answers (its id); leave out for "whatever is asked next"
//! say  = "Хочу записать кошку на УЗИ"
//! again = "Запись на УЗИ, кошка"     # said when the same question comes a second time
//!
//! [[line]]
//! digits = "0"                       # keys instead of words; or  silence = true,  or  hang_up = true
//!
//! [expect]
//! outcome = "booked"                 # what the call must end in; checked by tests
//! said    = ["Ждём вас"]             # parts of what the robot must have said; not_said: must not
//! booked  = { doctor = "petrova", start = "2026-11-24T16:30", phone = "+79031234567" }
//! transferred_to = "operator"        # summary = "…": what the person was told
//! callback = "перенос"               # part of the reason of the call-back that was promised
//! notes   = { visit = "confirmed" }
//! questions = ["need", "slot"]       # ids of the questions, all of them, in their order
//! calls   = ["appointments.find"]    # host functions that must be used; not_calls: must not
//! turns   = 6                        # answers of the caller at most
//! ends    = "finished"               # or "gave-up" (the flow says it cannot go on), or "trapped"
//! ```
//!
//! What a rehearsal may be told beside these, each before the first `[[line]]`:
//!
//! ```toml
//! entry    = "day"                   # the entry of the clinic that led here: day, night, overload, reminder, chat
//! transfer = "nobody"                # what becomes of a transfer: connected, nobody, refused; left out: by opening hours
//! free     = false                   # there are no free times
//! taken    = 1                       # so many first attempts to book come too late
//! wait     = 240                     # seconds that whoever asks for a person would wait
//! noise    = 0.15                    # share of words that the recogniser gets wrong; seed = 7 makes another draw
//! clinic   = "vet_lapa"              # an id or a file; or the clinic itself, as a table [clinic]
//!
//! [[visit]]                          # a visit that is booked already
//! start  = "2026-11-26T10:00"
//! doctor = "petrova"                 # left out: the clinic's first; service: the doctor's first
//! phone  = "+79031234567"            # left out: the caller's
//! ```
//!
//! A plain text file works too: one line of the caller's words per turn, `#` begins a comment.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer};

/// A parsed script.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// For people.
    pub title: String,
    /// The clinic it was written for, by id or file.
    pub clinic: Option<String>,
    /// The clinic itself, as the text of a clinic file, when the script brings it along.
    pub own_clinic: Option<String>,
    /// The number the line shows, E.164.
    pub caller: Option<String>,
    /// When the call happens, in the clinic's zone.
    pub now: Option<jiff::civil::DateTime>,
    /// What the clinic is like in this call; for rehearsals.
    pub scene: Scene,
    /// What the caller does, in order.
    pub lines: Vec<Line>,
    /// What the call must end in.
    pub expect: Expect,
}

/// What a rehearsed clinic is like during the call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    /// The entry that led to the flow; none: `day`.
    pub entry: Option<String>,
    /// What becomes of a transfer; none: by the opening hours.
    pub transfer: Option<Transfer>,
    /// There are no free times.
    pub full: bool,
    /// So many first attempts to book come too late.
    pub taken: u32,
    /// Seconds that whoever asks for a person would wait.
    pub wait_s: u32,
    /// Share of words that the recogniser gets wrong, 0 to 1.
    pub noise: f64,
    /// Another draw of the errors.
    pub seed: u64,
    /// Visits that are booked already.
    pub visits: Vec<Visit>,
}

/// What becomes of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transfer {
    /// Somebody picks up.
    Connected,
    /// Nobody does.
    Nobody,
    /// The line refuses.
    Refused,
}

/// A visit that is booked before the call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// When, in the clinic's zone.
    pub start: jiff::civil::DateTime,
    /// Doctor id; none: the clinic's first.
    pub doctor: Option<String>,
    /// Service id; none: the doctor's first.
    pub service: Option<String>,
    /// Whose; none: the caller's.
    pub phone: Option<String>,
    /// Who comes.
    #[serde(default)]
    pub person: String,
    /// With which animal.
    #[serde(default)]
    pub animal: String,
}

/// One thing the caller does.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Only in answer to the question with this id.
    pub when: Option<String>,
    /// What it is.
    pub act: Act,
    /// Said instead when the same question is asked again.
    pub again: Option<String>,
}

/// What a caller can do when asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Speak.
    Say(String),
    /// Press keys.
    Digits(String),
    /// Nothing, until the question times out.
    Silence,
    /// Go.
    HangUp,
}

/// Every outcome a call may have.
pub const OUTCOMES: [&str; 8] =
    ["booked", "moved", "cancelled", "answered", "transferred", "callback", "not-offered", "nothing"];

/// What a script's call must end in. What is left out is not looked at, but a flow that traps or gives up fails unless
/// `ends` says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// One of [`OUTCOMES`].
    #[serde(deserialize_with = "outcome")]
    pub outcome: Option<String>,
    /// The category the call must be tagged with.
    pub category: Option<String>,
    /// Parts of what the robot must have said.
    pub said: Vec<String>,
    /// Parts of what it must not have said.
    pub not_said: Vec<String>,
    /// The visit that must have been booked, or moved to.
    pub booked: Option<Booked>,
    /// `operator`, `doctor`, `ward`, `results` or the name of a line: where the caller must have been sent.
    pub transferred_to: Option<String>,
    /// Part of what the person there must have been told.
    pub summary: Option<String>,
    /// Part of the reason of the call-back that must have been promised.
    pub callback: Option<String>,
    /// Notes, each with its value.
    pub notes: BTreeMap<String, String>,
    /// Ids of the questions asked, all of them, in their order.
    pub questions: Option<Vec<String>>,
    /// Host functions (`interface.function`) that must have been used.
    pub calls: Vec<String>,
    /// Host functions that must not.
    pub not_calls: Vec<String>,
    /// The caller's answers at most.
    pub turns: Option<u32>,
    /// How the flow must end; none: `finished`.
    pub ends: Option<Ends>,
}

/// What is to be seen of a booked visit; what is left out is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Booked {
    /// Beginning of the moment: `2026-11-24T16:30`, or the day alone.
    pub start: Option<String>,
    /// Doctor id.
    pub doctor: Option<String>,
    /// Service id.
    pub service: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// Who comes.
    pub person: Option<String>,
    /// With which animal: a part of it.
    pub animal: Option<String>,
    /// Why: a part of it.
    pub reason: Option<String>,
}

/// How a flow may end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ends {
    /// It returned.
    #[default]
    Finished,
    /// It returned an error: it says that it cannot go on.
    GaveUp,
    /// The host ended it.
    Trapped,
}

fn outcome<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let word = String::deserialize(from)?;
    if OUTCOMES.contains(&word.as_str()) {
        return Ok(Some(word));
    }
    Err(serde::de::Error::unknown_variant(&word, &OUTCOMES))
}

/// What is wrong with a script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("{path}: cannot read the script: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what a script looks like.
    #[error("{path}: {problem}")]
    Syntax {
        /// The file.
        path: String,
        /// Line and problem.
        problem: String,
    },
    /// A line says nothing, or several things.
    #[error(
        "{path}: line {number} of the caller ([[line]] no. {number}) must have exactly one of say, digits, silence, hang_up"
    )]
    Line {
        /// The file.
        path: String,
        /// Which `[[line]]`, from 1.
        number: usize,
    },
    /// Nothing to say.
    #[error("{0}: the script has no lines; add [[line]] with say = \"…\"")]
    Empty(String),
}

impl Script {
    /// Read a script; `.toml` is the full form, anything else plain lines.
    pub fn load(path: &Path) -> Result<Script, ScriptError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ScriptError::Read { path: name.clone(), source })?;
        if path.extension().is_some_and(|ext| ext == "toml") {
            Script::toml(&text, &name)
        } else {
            Script::plain(&text, &name)
        }
    }

    /// The full form. `name` is used in errors.
    pub fn toml(text: &str, name: &str) -> Result<Script, ScriptError> {
        let file: File = toml::from_str(text)
            .map_err(|error| ScriptError::Syntax { path: name.into(), problem: error.to_string().trim().into() })?;
        let (clinic, own_clinic) = match file.clinic {
            Some(FileClinic::Named(name)) => (Some(name), None),
            Some(FileClinic::Own(table)) => (None, Some(table.to_string())),
            None => (None, None),
        };
        let scene = Scene {
            entry: file.entry,
            transfer: file.transfer,
            full: !file.free,
            taken: file.taken,
            wait_s: file.wait,
            noise: file.noise,
            seed: file.seed,
            visits: file.visit,
        };
        let lines = file
            .line
            .into_iter()
            .enumerate()
            .map(|(index, line)| line.into_line().ok_or(ScriptError::Line { path: name.into(), number: index + 1 }))
            .collect::<Result<Vec<_>, _>>()?;
        if lines.is_empty() {
            return Err(ScriptError::Empty(name.into()));
        }
        Ok(Script {
            title: file.title.unwrap_or_else(|| name.into()),
            clinic,
            own_clinic,
            caller: file.caller,
            now: file.now,
            scene,
            lines,
            expect: file.expect,
        })
    }

    /// One line of words per turn.
    pub fn plain(text: &str, name: &str) -> Result<Script, ScriptError> {
        let lines: Vec<Line> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| Line { when: None, act: Act::Say(line.into()), again: None })
            .collect();
        if lines.is_empty() {
            return Err(ScriptError::Empty(name.into()));
        }
        Ok(Script { title: name.into(), lines, ..Script::default() })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Option<String>,
    clinic: Option<FileClinic>,
    caller: Option<String>,
    now: Option<jiff::civil::DateTime>,
    #[serde(default, deserialize_with = "entry")]
    entry: Option<String>,
    transfer: Option<Transfer>,
    #[serde(default = "yes")]
    free: bool,
    #[serde(default)]
    taken: u32,
    #[serde(default)]
    wait: u32,
    #[serde(default, deserialize_with = "share")]
    noise: f64,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    visit: Vec<Visit>,
    #[serde(default)]
    line: Vec<FileLine>,
    #[serde(default)]
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "the id of a clinic, its file, or the clinic itself as a table")]
enum FileClinic {
    Named(String),
    Own(toml::Table),
}

fn yes() -> bool {
    true
}

fn entry<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    const ENTRIES: [&str; 5] = ["day", "night", "overload", "reminder", "chat"];
    let word = String::deserialize(from)?;
    if ENTRIES.contains(&word.as_str()) {
        return Ok(Some(word));
    }
    Err(serde::de::Error::unknown_variant(&word, &ENTRIES))
}

/// Between 0 and 1.
fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(from)?;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(serde::de::Error::custom(format!("{share} is not a share between 0 and 1 (0.15: every seventh word)")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLine {
    when: Option<String>,
    say: Option<String>,
    again: Option<String>,
    digits: Option<String>,
    #[serde(default)]
    silence: bool,
    #[serde(default)]
    hang_up: bool,
}

impl FileLine {
    fn into_line(self) -> Option<Line> {
        let act = match (self.say, self.digits, self.silence, self.hang_up) {
            (Some(text), None, false, false) => Act::Say(text),
            (None, Some(digits), false, false) => Act::Digits(digits),
            (None, None, true, false) => Act::Silence,
            (None, None, false, true) => Act::HangUp,
            _ => return None,
        };
        Some(Line { when: self.when, act, again: self.again })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_form() {
        let text = "caller = '+79031234567'\nnow = '2026-11-23T10:15'\n[[line]]\nwhen='need'\nsay='здравствуйте'\n[[line]]\ndigits='0'\n[expect]\noutcome='booked'";
        let script = Script::toml(text, "a.toml").unwrap();
        assert_eq!(script.lines.len(), 2);
        assert_eq!(script.lines[1].act, Act::Digits("0".into()));
        assert_eq!(script.expect.outcome.as_deref(), Some("booked"));
    }

    #[test]
    fn mistakes_are_named() {
        let error = Script::toml("[[line]]\nsay='a'\ndigits='1'", "a.toml").unwrap_err().to_string();
        assert!(error.contains("a.toml") && error.contains("no. 1"), "{error}");
        let error = Script::toml("[[line]]\nsays='a'", "a.toml").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("says"), "{error}");
        let error = Script::toml("[expect]\noutcome='boked'", "a.toml").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("`boked`") && error.contains("`booked`"), "{error}");
        let error = Script::toml("noise = 15.0", "a.toml").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("between 0 and 1"), "{error}");
        assert!(Script::plain("# nothing\n", "b.txt").unwrap_err().to_string().contains("no lines"));
    }

    #[test]
    fn a_scene_with_a_clinic_of_its_own() {
        let text = "transfer='nobody'\nfree=false\ntaken=1\nwait=90\nnoise=0.2\nentry='reminder'\n[clinic]\nid='own'\n[[visit]]\nstart='2026-11-26T10:00'\n[[line]]\nsilence=true";
        let script = Script::toml(text, "a.toml").unwrap();
        assert_eq!(script.own_clinic.as_deref().map(str::trim), Some("id = \"own\""));
        assert_eq!((script.scene.transfer, script.scene.full, script.scene.taken), (Some(Transfer::Nobody), true, 1));
        assert_eq!(script.scene.visits[0].start, jiff::civil::date(2026, 11, 26).at(10, 0, 0, 0));
        assert_eq!((script.scene.entry.as_deref(), script.scene.wait_s), (Some("reminder"), 90));
        assert_eq!(Script::toml("clinic='vet_lapa'\n[[line]]\nsilence=true", "").unwrap().clinic.unwrap(), "vet_lapa");
    }

    #[test]
    fn plain_text_is_one_turn_a_line() {
        let script = Script::plain("привет\n\n# замечание\nпока\n", "b.txt").unwrap();
        assert_eq!(
            script.lines.iter().map(|l| l.act.clone()).collect::<Vec<_>>(),
            [Act::Say("привет".into()), Act::Say("пока".into())]
        );
    }
}
