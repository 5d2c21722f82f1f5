//! What the program counts of calls. No number, name or word of a caller comes this way.

use lines::Quality;

use crate::gate::Full;

/// Told of every call as it comes and goes; must not wait.
pub trait Observer: Send + Sync {
    /// A call has begun.
    fn began(&self, _clinic: &str) {}

    /// A call is over: what came of it, and how good the line was where that was measured.
    fn ended(&self, _clinic: &str, _outcome: &str, _quality: Option<Quality>) {}

    /// How a trunk is doing: is it registered, does its server answer? None where that is not wanted, or not known.
    fn trunk(&self, _name: &str, _registered: Option<bool>, _answers: Option<bool>) {}

    /// A call was refused before anything was done for it.
    fn refused(&self, _why: Full) {}
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Observer for Nobody {}
