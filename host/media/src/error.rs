//! What can go wrong before sound flows. Once it flows, nothing that comes from the network is an error: it is dropped and
//! counted.

use std::net::IpAddr;

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The settings name no usable ports.
    #[error(
        "ports {first}-{last} hold no pair of an even port and the odd one after it: widen the range, as 20000-29999"
    )]
    NoPorts {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
    },
    /// Every pair is in use.
    #[error("all {pairs} port pairs for sound are taken: widen the range, or take fewer calls at once")]
    PortsTaken {
        /// How many there are.
        pairs: usize,
    },
    /// Nothing is bound for that family of addresses.
    #[error("no sound to {0}: this machine is set to another family of addresses (IPv4 or IPv6) for sound")]
    WrongFamily(IpAddr),
    /// The system refused.
    #[error("a socket for sound at {address}: {cause}")]
    Socket {
        /// The address it should have had.
        address: std::net::SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A codec would not start.
    #[error("the codec {codec} does not start: {cause}")]
    Codec {
        /// Its name in SDP.
        codec: &'static str,
        /// What it said.
        cause: String,
    },
    /// A key of the wrong length.
    #[error("an SRTP key for {suite} is {bytes} bytes, {wanted} are wanted (key and salt)")]
    KeyLength {
        /// The suite's name in SDP.
        suite: &'static str,
        /// What was given.
        bytes: usize,
        /// What the suite needs.
        wanted: usize,
    },
}
