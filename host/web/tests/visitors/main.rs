//! Visitors as they come: a real server on a port, real WebSockets, and a browser with a microphone.
//!
//! What a conversation would be is played by a [`support::Parrot`]; whole conversations are in the program's own tests.

#![allow(clippy::unwrap_used)]

mod browser;
mod chat;
mod media;
mod pages;
mod spoken;
mod support;
