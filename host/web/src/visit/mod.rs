//! Visitors: calls from a browser, written conversations, and the WebSockets of telephone providers and PBXs.
//!
//! - [`Calls`]: where conversations are held; the program passes it in with [`Visits`]
//! - [`Opening`]: who comes in, where and for which clinic; [`Shown`]: what the visitor's page shows of the call;
//!   [`Said`]: what a visitor in a chat does
//!
//! Invariants: these routes read no records and tell nothing of other calls, so they may listen on a public address; the API
//! may not. Every one of them has a limit, and refuses pages of sites that were not named.

mod calls;

pub use calls::{Calls, Kind, Opening, Said, Shown, ShownSender, Visits};
