//! Who compiles flows. Compiling is the one thing a hostile flow can abuse before it runs: a component of a few
//! megabytes may keep the compiler busy for hours, eat the machine's memory, or hit a bug in it. In the process that
//! holds calls that must not happen, so there a child does it: [`parent`] starts it and waits, [`child`] bounds itself
//! and compiles, [`wire`] is what they say to each other.

mod child;
mod parent;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub use child::compile_stdin;
pub(crate) use parent::compile;

/// Where flows are compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, without bounds: for tests, and for flows one built oneself.
    #[default]
    InProcess,
    /// In a child process for each flow, with bounds and at low priority.
    Child {
        /// The program that compiles; it must be built from the same sources as this one, or what it sends back is
        /// refused.
        program: PathBuf,
        /// What makes it call [`compile_stdin`].
        args: Vec<OsString>,
        /// Its bounds.
        limits: CompileLimits,
    },
}

impl Compiler {
    /// This very program, started again with these arguments, under the usual bounds.
    ///
    /// Linux keeps a running program reachable under `/proc/self/exe` even when its file has been replaced by another
    /// version, so parent and child are always the same.
    pub fn this_program(args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self::Child {
            program: PathBuf::from("/proc/self/exe"),
            args: args.into_iter().map(Into::into).collect(),
            limits: CompileLimits::default(),
        }
    }
}

/// What one compilation may use. An 18 MB Python flow, the largest that ships, needs half a minute and about a
/// gigabyte of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space of the child.
    pub memory_bytes: u64,
    /// CPU time of the child, all its threads together.
    pub cpu_seconds: u64,
    /// Real time, as a last resort.
    pub wall: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory_bytes: 4 << 30, cpu_seconds: 240, wall: Duration::from_secs(600) }
    }
}
