//! Who talks to whom: callers who wait, people at the desk, call-backs. A pure state machine: no clock, no thread, no
//! phone, no randomness.
//!
//! ```
//! use queue::{Acd, Action, Agent, Event, Join, Queue, Settings};
//!
//! let desk = Queue::default();
//! let anna = Agent { id: "anna".into(), queues: [].into(), skills: [].into(), tier: 0 };
//! let settings = Settings { queues: [("desk".into(), desk)].into(), agents: vec![anna] };
//! let mut acd = Acd::new(settings, 0).unwrap();
//!
//! acd.handle(Event::LoggedIn { agent: "anna".into() }, 1_000);
//! let actions = acd.handle(Event::Joined(Join::new("call-7", "desk")), 2_000);
//! assert!(actions.iter().any(|action| matches!(action, Action::Offer { agents, .. } if agents[0].as_str() == "anna")));
//! assert_eq!(acd.next_wake(), Some(17_000)); // it has rung for long enough then
//!
//! let actions = acd.handle(Event::Accepted { call: "call-7".into(), agent: "anna".into() }, 6_000);
//! assert!(actions.iter().any(|action| matches!(action, Action::Connect { .. })));
//! ```
//!
//! # Driving it
//!
//! 1. Do what [`Acd::handle`] returns, in that order; write every [`Action::Record`] and [`Action::Agent`] down.
//! 2. Send [`Event::Tick`] at [`Acd::next_wake`] if nothing else happens before. Being late is safe: what was due before an
//!    event is decided before it.
//! 3. Times are UTC unix milliseconds of one clock. A time before the last one counts as the last one.
//!
//! # Rules
//!
//! - **Order**: callers and call-backs before missed calls; then priority; then who joined first. It spans all queues.
//! - **Who is rung**: the first in the order for whom somebody suitable is free; of the free, the lowest tier, and of
//!   those whom the queue's [`Strategy`] names. Suitable: serves the queue and has every skill still asked for, or is the one
//!   person the caller asked for.
//! - **A missed or declined offer** puts the caller back in their place and leaves the person alone for a moment; after
//!   [`Queue::misses`] in a row the person is paused.
//! - **A call-back that keeps its place** rings the person first, when its turn has come, and then dials the caller: nobody
//!   who is called back ever waits again. It is dialled [`Callback::attempts`] times, then it goes to the desk's list.
//! - **Expected wait**: `(ahead + 1) × handling time ÷ people`, see [`Acd::expected_wait_ms`].
//!
//! # What is promised (and tested with random events)
//!
//! - No caller waits while somebody suitable is free.
//! - Nobody is rung twice at once, and nobody who talks, rests, pauses or has left is rung.
//! - First come, first served within a priority, among callers whom the same people can serve.
//! - Whoever joined leaves exactly once: connected, abandoned, called back, overflowed or withdrawn.
//! - There is always a next wake, or nothing can happen without an event from outside.
//!
//! # Layout
//!
//! `acd` is the machine and what each event does; `line` one who waits, `people` one who serves; `assign` decides who is
//! rung, `due` what time brings, `leaving` the ways out, `announce` and `estimate` what callers are told. `settings`, `event`, `action`,
//! `record` are its vocabulary.

mod acd;
mod action;
mod announce;
mod assign;
mod due;
mod estimate;
mod event;
mod id;
mod leaving;
mod line;
mod people;
mod record;
mod settings;
mod talking;
mod view;

pub use acd::Acd;
pub use action::{Action, AgentState, Announcement, Cancelled, Exit, Wait, Why};
pub use event::{EndedBy, Event, Join, Kind, Miss, NotReached};
pub use id::{AgentId, CallId, QueueId, Skill};
pub use record::{QueueEvent, What, WrapUpEnd};
pub use settings::{Agent, Announce, Callback, Overflow, Presence, Queue, Settings, SettingsError, Strategy, Widen};
pub use view::{AgentView, QueueView, WaitingView};
