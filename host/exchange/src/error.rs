//! What can keep the lines from being opened. Once they are open, troubles end at one call.

/// Why the exchange did not start.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Nobody would answer.
    #[error("no clinic is served; name one with --clinic")]
    NoClinic,
    /// Signalling.
    #[error(transparent)]
    Sip(#[from] sip::SipError),
    /// Sound.
    #[error(transparent)]
    Media(#[from] media::MediaError),
    /// An AudioSocket listener.
    #[error("cannot listen for AudioSocket at {address}: {cause}; is something else there?")]
    AudioSocket {
        /// Where.
        address: std::net::SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Queues that contradict themselves.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Queues(Vec<queue::SettingsError>),
}

impl From<Vec<queue::SettingsError>> for ExchangeError {
    fn from(problems: Vec<queue::SettingsError>) -> Self {
        Self::Queues(problems)
    }
}
