//! Whole calls over real sockets: an exchange, and telephones made of the signalling and media rooms.

mod support;

mod audiosocket;
mod calls;
mod doctor;
mod outgoing;
mod queue;
