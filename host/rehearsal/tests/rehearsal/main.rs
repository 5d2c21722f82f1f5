//! Rehearsals with flows written as WebAssembly text: no wasm toolchain is needed.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

mod calls;
mod support;
mod walks;
