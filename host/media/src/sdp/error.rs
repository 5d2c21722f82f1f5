//! What can be wrong with a description, or with an agreement.

/// Why a description was not read, or no agreement was reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// More text than any telephone writes.
    #[error("the description has {bytes} bytes, more than the {most} that are read; leave out what is not about sound")]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// More of a thing than is read.
    #[error("line {line}: more than {most} {what}; leave some out")]
    TooMany {
        /// The line, from 1.
        line: usize,
        /// What there are too many of.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// A line that cannot be read.
    #[error("line {line}: {what}; {mend}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
        /// What would be right.
        mend: &'static str,
    },
    /// A line that must be there is not.
    #[error("the description has no {0}= line; it is required (RFC 8866 §5)")]
    Missing(char),
    /// There is no stream of sound over RTP that is open.
    #[error("no audio stream is offered (m=audio with a port other than 0, over RTP)")]
    NoAudio,
    /// None of its codecs is one of ours.
    #[error("line {line}: none of the formats \"{formats}\" is spoken here; offer one of {ours}")]
    NoCodec {
        /// The media line.
        line: usize,
        /// What the other end has.
        formats: String,
        /// What we have.
        ours: String,
    },
    /// Encryption is required here and not there, or the other way round.
    #[error("line {line}: {what}; {mend}")]
    Security {
        /// The media line.
        line: usize,
        /// What does not fit.
        what: &'static str,
        /// How to make it fit.
        mend: &'static str,
    },
    /// There is no address to send to.
    #[error("line {line}: the stream has no usable address; give it a unicast c= line")]
    NoAddress {
        /// The media line.
        line: usize,
    },
    /// The other end refused our offer's sound.
    #[error("the answer refuses the audio stream (its port is 0)")]
    Refused,
    /// An answer that does not fit what was offered.
    #[error("the answer does not fit the offer: {what}")]
    Unfit {
        /// What does not fit.
        what: String,
    },
    /// An answer came and there is no offer of ours, or a second offer while one is open.
    #[error("{0}")]
    State(&'static str),
}

impl SdpError {
    /// What a request that carried the description is answered with: 400 where it cannot be read, 488 where it was read and
    /// nothing could be agreed on, 491 where offers crossed.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLong { .. } | Self::TooMany { .. } | Self::Line { .. } | Self::Missing(_) => 400,
            Self::NoAudio
            | Self::NoCodec { .. }
            | Self::Security { .. }
            | Self::NoAddress { .. }
            | Self::Refused
            | Self::Unfit { .. } => 488,
            Self::State(_) => 491,
        }
    }
}
