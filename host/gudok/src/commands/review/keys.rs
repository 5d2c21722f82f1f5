//! One key at a time from the terminal, without Enter; from a pipe, one character at a time.

use std::io::{IsTerminal as _, Read as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// What a key means, whatever the keyboard's layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A digit or a Latin letter, small.
    Letter(char),
    /// Enter.
    Enter,
    /// Nothing more will come, or Ctrl-C.
    End,
}

/// The keyboard. The terminal is as it was when this is dropped.
pub struct Keys {
    /// How the terminal was, for `stty`; none: keys come in lines, and the Enter after a key belongs to it.
    before: Option<String>,
    /// In lines: whether the last key was no Enter.
    open_line: AtomicBool,
}

impl Keys {
    /// Reads keys as they are pressed, if this is a terminal and `stty` is there; else a key is followed by Enter.
    pub fn open() -> Keys {
        if !std::io::stdin().is_terminal() {
            return Keys { before: None, open_line: AtomicBool::new(false) };
        }
        let before = stty(&["-g"]);
        let set = before.is_some() && stty(&["-icanon", "-echo", "-isig", "min", "1"]).is_some();
        Keys { before: before.filter(|_| set), open_line: AtomicBool::new(false) }
    }

    /// Waits for the next key. Blocks.
    pub fn next(&self) -> Key {
        let key = Keys::read();
        let ends_line = self.before.is_none() && self.open_line.swap(key != Key::Enter, Ordering::Relaxed);
        if key == Key::Enter && ends_line { Keys::read_noting(&self.open_line) } else { key }
    }

    fn read_noting(open_line: &AtomicBool) -> Key {
        let key = Keys::read();
        open_line.store(key != Key::Enter, Ordering::Relaxed);
        key
    }

    fn read() -> Key {
        let mut bytes = [0_u8; 4];
        let mut stdin = std::io::stdin().lock();
        if !matches!(stdin.read(&mut bytes[..1]), Ok(1)) {
            return Key::End;
        }
        let length = match bytes[0] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        if stdin.read_exact(&mut bytes[1..length]).is_err() {
            return Key::End;
        }
        let letter = std::str::from_utf8(&bytes[..length]).ok().and_then(|text| text.chars().next());
        key(letter.unwrap_or(' '))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            stty(&[before]);
        }
    }
}

fn stty(args: &[&str]) -> Option<String> {
    let done = Command::new("stty").args(args).stdin(Stdio::inherit()).stderr(Stdio::null()).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// The Russian layout puts other letters on the same keys.
const RUSSIAN: &str = "йцукенгшщзхъфывапролджэячсмитьбю";
const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.";

fn key(letter: char) -> Key {
    match letter.to_lowercase().next().unwrap_or(letter) {
        '\n' | '\r' => Key::Enter,
        // Ctrl-C, Ctrl-D.
        '\u{3}' | '\u{4}' => Key::End,
        letter => {
            let at = RUSSIAN.chars().position(|russian| russian == letter);
            Key::Letter(at.and_then(|at| LATIN.chars().nth(at)).unwrap_or(letter))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_key_in_both_layouts() {
        assert_eq!((key('q'), key('й'), key('Й')), (Key::Letter('q'), Key::Letter('q'), Key::Letter('q')));
        assert_eq!((key('s'), key('ы'), key('7')), (Key::Letter('s'), Key::Letter('s'), Key::Letter('7')));
        assert_eq!((key('\r'), key('\u{3}')), (Key::Enter, Key::End));
        assert_eq!(RUSSIAN.chars().count(), LATIN.chars().count());
    }
}
