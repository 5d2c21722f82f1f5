//! What can go wrong with signalling.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Errors of this crate; messages name the thing and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum SipError {
    /// A listener could not be opened.
    #[error("cannot listen on {transport} {address}: {cause}; is another SIP server running, or the port below 1024?")]
    Listen {
        /// "UDP", "TCP" or "TLS".
        transport: &'static str,
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// A TLS file is missing or is not what it should be.
    #[error("TLS file {path}: {problem}; certificates and keys must be PEM files this program may read")]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The configuration contradicts itself.
    #[error("{0}")]
    Config(String),
    /// Something that should be a SIP address is not one.
    #[error("{text:?} is not a SIP address ({problem}); write sip:name@host or sip:name@host:port")]
    Address {
        /// What was given.
        text: String,
        /// Why it cannot be used.
        problem: String,
    },
    /// There is no way to the destination.
    #[error("no way to {target}: {problem}")]
    Unreachable {
        /// Host asked for.
        target: String,
        /// What was tried and what came of it.
        problem: String,
    },
    /// The caller hung up before we answered.
    #[error("the caller gave up before the answer")]
    Cancelled,
    /// The call is over; nothing more can be done with it.
    #[error("the call is over")]
    Over,
    /// The other side said no to a request inside a call.
    #[error("{method} was refused: {status} {reason}")]
    Refused {
        /// The request.
        method: &'static str,
        /// SIP status.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// The other side did not react at all.
    #[error("no answer to {method} within {seconds} s")]
    Silent {
        /// The request.
        method: &'static str,
        /// How long we waited.
        seconds: u64,
    },
}
