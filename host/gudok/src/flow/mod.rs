//! Flows on the author's desk: building them from source, and finding the ones that ship.

pub mod build;
pub mod find;
