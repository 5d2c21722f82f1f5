//! SIP signalling on rsipstack's parser and transactions: listeners, trunks, a registrar for operators' phones, calls
//! in and out. Message bodies are opaque strings here.
//!
//! Every message passes [`front::check`] before it reaches the parser.

pub mod front;
