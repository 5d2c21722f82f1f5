//! SIP signalling: listeners, trunks, a registrar for operators' phones, calls in and out. Message bodies are opaque
//! strings here; what a session description means is the business of `media`.
//!
//! Layout, from the wire to the program:
//! - `transport`: sockets, framing, TLS. [`front::check`] judges every message before the parser may see it.
//! - rsipstack parses and runs transactions. Dialogs are ours, so that the answers to INVITE (late offers, forks,
//!   lost ACKs), session timers and reliable early media are handled by the letter.
//! - `core`, `policy`: whose message it is, and whether its sender may do what he asks. Strangers, scanners and
//!   overload are dealt with here, before anything is served.
//! - `inbound`, `outbound`, `call`, `midcall`, `transfer`, `replaces`, `timer`: calls.
//! - `registrar`, `trunk`: phones that register with us, and where we register.
//!
//! Invariants: a call is in `Core`'s table from its INVITE to its end and no longer; whatever is dropped (an
//! [`Incoming`], a [`Dialling`], a [`Dialog`]) ends its call politely; nothing from the network panics or is waited
//! for longer than 64 × T1.
//!
//! rsipstack logs whole messages, numbers and credentials included, at INFO: run with [`LOG_FILTER`].

mod call;
mod config;
mod core;
mod counters;
mod dialog;
mod digest;
mod endpoint;
mod error;
mod flight;
pub mod front;
mod guard;
mod header;
mod inbound;
mod locate;
mod message;
mod midcall;
mod outbound;
mod policy;
mod registrar;
mod replaces;
mod timer;
mod transfer;
mod transport;
mod trunk;

pub use config::{Account, Admission, Admit, Config, Listen, Network, Strangers, Tls, Transport, Trunk, User};
pub use counters::Counters;
pub use dialog::{Dialog, DialogEvent, DialogId, Over};
pub use endpoint::Endpoint;
pub use error::SipError;
pub use inbound::{Incoming, Party};
pub use outbound::{Callee, Dialling, Outgoing, Progress};
pub use registrar::{Phone, UserState};
pub use replaces::Replaced;
pub use transfer::{ReferOutcome, Referral};
pub use trunk::{Reach, Registration, TrunkState};

/// Directive for `tracing_subscriber::EnvFilter` that keeps numbers and passwords out of the log: the stack's own
/// INFO lines carry whole messages.
pub const LOG_FILTER: &str = "rsipstack=error";
