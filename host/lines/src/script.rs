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
//! ```
//!
//! A plain text file works too: one line of the caller's words per turn, `#` begins a comment.

use std::path::Path;

use serde::Deserialize;

/// A parsed script.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// For people.
    pub title: String,
    /// The clinic it was written for, by id.
    pub clinic: Option<String>,
    /// The number the line shows, E.164.
    pub caller: Option<String>,
    /// When the call happens, in the clinic's zone.
    pub now: Option<jiff::civil::DateTime>,
    /// What the caller does, in order.
    pub lines: Vec<Line>,
    /// What the call must end in.
    pub expect: Expect,
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

/// What a script's call must end in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// `booked`, `moved`, `cancelled`, `answered`, `transferred`, `callback`, `not-offered`, `nothing`.
    pub outcome: Option<String>,
    /// The category the call must be tagged with.
    pub category: Option<String>,
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
            clinic: file.clinic,
            caller: file.caller,
            now: file.now,
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
        Ok(Script { title: name.into(), clinic: None, caller: None, now: None, lines, expect: Expect::default() })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Option<String>,
    clinic: Option<String>,
    caller: Option<String>,
    now: Option<jiff::civil::DateTime>,
    #[serde(default)]
    line: Vec<FileLine>,
    #[serde(default)]
    expect: Expect,
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
        assert!(Script::plain("# nothing\n", "b.txt").unwrap_err().to_string().contains("no lines"));
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
