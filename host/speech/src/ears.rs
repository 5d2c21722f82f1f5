//! A bounded pool of workers in which a live turn goes before batch work.

/// Who waits for the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A caller on the line.
    Live,
    /// A recording; nobody is waiting.
    Batch,
}

/// The pool.
#[derive(Debug)]
pub struct Ears {}
