//! The journal: every host call of a flow, written down before the flow sees the result.
//!
//! Only the journal decides what happened in a call. Its form is stable: [`FORMAT`] counts up when it changes, old
//! ones stay readable, and a golden file holds it in place (`tests/golden/journal-1.jsonl`).
//!
//! As text a journal is JSON Lines: a header, entries, and how the flow ended (absent when it was cut off: the caller
//! hung up while it was parked, or the machine stopped).

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::host::{HostCall, HostReply};
use crate::port::{Port, PortError};
use crate::run::{FlowEnd, RunOptions};

/// Version of the journal's form.
pub const FORMAT: u32 = 1;

/// What a replay must know beside the entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`] at the time of writing.
    pub format: u32,
    /// The call's id.
    pub call: String,
    /// The flow's name.
    pub flow: String,
    /// The flow's digest.
    pub digest: String,
    /// Seed of the flow's randomness.
    pub seed: u64,
    /// Start of the call, milliseconds since 1970 UTC.
    pub started_ms: u64,
}

impl Header {
    /// The header of a run.
    pub fn new(flow: &crate::Flow, options: &RunOptions) -> Self {
        Self {
            format: FORMAT,
            call: options.call_id.clone(),
            flow: flow.name().to_owned(),
            digest: flow.digest().to_owned(),
            seed: options.seed,
            started_ms: options.started,
        }
    }
}

/// One host call with its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// [`FORMAT`] at the time of writing; entries may be stored one by one.
    pub v: u32,
    /// Number of the call within the conversation, from 0, without gaps.
    pub seq: u32,
    /// Milliseconds from the start of the call to this call.
    pub at_ms: u64,
    /// Milliseconds until the reply.
    pub took_ms: u64,
    /// What the flow asked for.
    pub call: HostCall,
    /// What it was told.
    pub reply: HostReply,
}

/// A whole journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Journal {
    /// Which call, flow, seed.
    pub header: Header,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// How the flow ended; `None`: it was cut off.
    pub end: Option<FlowEnd>,
}

/// Why a text is not a journal.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum JournalError {
    /// A line is not what it should be.
    #[error("journal line {line}: {reason}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Written by a later program.
    #[error("the journal has format {found}; this program reads up to {FORMAT}. Take a newer Gudok")]
    Format {
        /// The journal's.
        found: u32,
    },
    /// There is nothing in it.
    #[error("the journal is empty: its first line must be a header")]
    Empty,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "lives for one line")]
enum Line {
    Header(Header),
    Entry(Entry),
    End(FlowEnd),
}

impl Journal {
    /// As JSON Lines.
    pub fn to_text(&self) -> String {
        let entries = self.entries.iter().cloned().map(Line::Entry);
        let lines = [Line::Header(self.header.clone())].into_iter().chain(entries);
        let mut text = String::new();
        for line in lines.chain(self.end.clone().map(Line::End)) {
            text += &serde_json::to_string(&line).expect("invariant: plain data always serialises");
            text.push('\n');
        }
        text
    }

    /// From JSON Lines.
    ///
    /// # Errors
    ///
    /// [`JournalError`], with the line.
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        let mut header = None;
        let (mut entries, mut end) = (Vec::new(), None);
        for (index, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let wrong = |reason: String| JournalError::Line { line: index + 1, reason };
            let line = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            match line {
                Line::Header(found) if header.is_none() => {
                    if found.format > FORMAT {
                        return Err(JournalError::Format { found: found.format });
                    }
                    header = Some(found);
                }
                Line::Header(_) => return Err(wrong("a second header".into())),
                _ if header.is_none() => return Err(wrong("the header must come first".into())),
                _ if end.is_some() => return Err(wrong("something after the end".into())),
                Line::Entry(entry) if entry.seq as usize != entries.len() => {
                    return Err(wrong(format!("entry {} where {} was due", entry.seq, entries.len())));
                }
                Line::Entry(entry) => entries.push(entry),
                Line::End(found) => end = Some(found),
            }
        }
        Ok(Self { header: header.ok_or(JournalError::Empty)?, entries, end })
    }
}

/// Where entries are kept.
#[async_trait]
pub trait JournalSink: Send {
    /// Keep an entry. The flow sees the result when this returns.
    ///
    /// # Errors
    ///
    /// [`PortError::Journal`] ends the flow: what is not written down must not happen.
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError>;
}

/// Entries in memory; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Entries(Arc<Mutex<Vec<Entry>>>);

impl Entries {
    /// What was written so far.
    pub fn to_vec(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl JournalSink for Entries {
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
        Ok(())
    }
}

/// Entries as JSON Lines into a writer, flushed one by one.
#[derive(Debug)]
pub struct JsonLines<W>(W);

impl<W: Write> JsonLines<W> {
    /// Begin a journal: writes the header.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn begin(mut writer: W, header: &Header) -> std::io::Result<Self> {
        write_line(&mut writer, &Line::Header(header.clone()))?;
        Ok(Self(writer))
    }

    /// End a journal: writes how the flow ended.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn end(mut self, end: &FlowEnd) -> std::io::Result<W> {
        write_line(&mut self.0, &Line::End(end.clone()))?;
        Ok(self.0)
    }
}

fn write_line(writer: &mut impl Write, line: &Line) -> std::io::Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    writer.write_all(text.as_bytes())?;
    writer.flush()
}

#[async_trait]
impl<W: Write + Send> JournalSink for JsonLines<W> {
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        write_line(&mut self.0, &Line::Entry(entry.clone())).map_err(|error| PortError::Journal(error.to_string()))
    }
}

/// Passes calls on to another port and writes each down before its result goes back.
pub struct Recording<P> {
    inner: P,
    sink: Box<dyn JournalSink>,
    began: Instant,
    seq: u32,
    /// The flow's clock: the time of the last reply, as written down.
    last_ms: u64,
}

impl<P: Port> Recording<P> {
    /// Record what `inner` answers. The clock starts now, unless `inner` keeps its own.
    pub fn new(inner: P, sink: Box<dyn JournalSink>) -> Self {
        Self { inner, sink, began: Instant::now(), seq: 0, last_ms: 0 }
    }

    fn now_ms(&self) -> u64 {
        self.inner.elapsed_ms().unwrap_or_else(|| self.began.elapsed().as_millis() as u64)
    }
}

#[async_trait]
impl<P: Port> Port for Recording<P> {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        let at_ms = self.now_ms();
        let reply = self.inner.call(call.clone()).await?;
        let took_ms = self.now_ms().saturating_sub(at_ms);
        let entry = Entry { v: FORMAT, seq: self.seq, at_ms, took_ms, call, reply };
        self.sink.append(&entry).await?;
        self.seq += 1;
        self.last_ms = at_ms + took_ms;
        Ok(entry.reply)
    }

    fn elapsed_ms(&self) -> Option<u64> {
        Some(self.last_ms)
    }
}
