//! The doors a caller comes in by: recordings, scripts, spoken scripts.
