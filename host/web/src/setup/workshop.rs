//! What the pages of the set-up ask of the program: where files lie, and to serve what they say now.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

/// What the program does for the pages of the set-up.
#[async_trait]
pub trait Workshop: Send + Sync {
    /// Where files of new clinics are written; none: the clinics are those of the command line.
    fn folder(&self) -> Option<&Path>;

    /// The file of a clinic; none for one that ships inside the program, which nobody can change.
    fn file(&self, clinic: &str) -> Option<PathBuf>;

    /// Reads the files again. When this returns, requests and conversations that begin find what they say.
    ///
    /// # Errors
    /// Why everything stays as it was, in sentences.
    async fn reload(&self) -> Result<(), String>;

    /// Lets the flow that ships answer at a clinic where none does.
    ///
    /// # Errors
    /// What is missing, and the command that makes it.
    async fn hire(&self, clinic: &str, by: &str) -> Result<(), String>;

    /// Why nobody can be talked to aloud, with the command that mends it; none: they can.
    fn voiceless(&self) -> Option<String>;

    /// The lines file, and whether the pages may write it.
    fn lines(&self) -> PathBuf;

    /// What is wrong with the text of a lines file.
    ///
    /// # Errors
    /// Every mistake, with its line.
    fn check_lines(&self, text: &str) -> Result<(), String>;

    /// Registers at a provider and calls itself through it, as `text` says. Takes up to half a minute.
    async fn try_line(&self, text: &str, trunk: &str) -> Vec<Looked>;

    /// What may keep a change from taking effect at once: calls that still go on by the old lines file. None: nothing.
    fn pending(&self) -> Option<usize>;
}

/// One thing that was looked at on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What.
    pub what: String,
    /// It is as it should be.
    pub good: bool,
    /// What was found, and what to change.
    pub said: String,
}
