//! One call from ring to hang-up, as a sans-IO state machine.
