//! Writing a description of ours.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{Crypto, Local, Media};
use crate::negotiated::{Direction, Fingerprint};

/// One media line of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    /// The stream we speak on.
    Audio(Audio),
    /// A stream we do not want: port 0, in its place.
    Refused(Refused),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub kind: String,
    pub protocol: String,
    pub formats: Vec<String>,
}

impl From<&Media> for Refused {
    fn from(media: &Media) -> Self {
        // One format is as good as all: nothing will be sent.
        let formats = media.formats.iter().take(1).cloned().collect();
        Self { kind: media.kind.clone(), protocol: media.protocol.clone(), formats }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Audio {
    pub protocol: String,
    pub formats: Vec<Format>,
    pub ptime_ms: u32,
    pub direction: Direction,
    pub rtcp_mux: bool,
    pub crypto: Vec<Crypto>,
    pub dtls: Option<(Fingerprint, &'static str)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Format {
    pub payload_type: u8,
    pub encoding: String,
    pub parameters: Option<String>,
}

pub(super) fn write(local: &Local, timing: &str, slots: &[Slot]) -> String {
    let family = if local.address.is_ipv4() { "IP4" } else { "IP6" };
    let address: IpAddr = local.address;
    // 63 bits: some other ends read the numbers as signed.
    let session = local.session & (u64::MAX >> 1);
    let mut out = format!(
        "v=0\r\no=gudok {session} {} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt={timing}\r\n",
        local.version
    );
    for slot in slots {
        // A String takes all that is written to it.
        let _ = match slot {
            Slot::Refused(Refused { kind, protocol, formats }) => {
                write!(out, "m={kind} 0 {protocol} {}\r\n", formats.join(" "))
            }
            Slot::Audio(audio) => write_audio(&mut out, local, audio),
        };
    }
    out
}

fn write_audio(out: &mut String, local: &Local, audio: &Audio) -> std::fmt::Result {
    write!(out, "m=audio {} {}", local.port, audio.protocol)?;
    for format in &audio.formats {
        write!(out, " {}", format.payload_type)?;
    }
    out.push_str("\r\n");
    for Format { payload_type, encoding, parameters } in &audio.formats {
        write!(out, "a=rtpmap:{payload_type} {encoding}\r\n")?;
        if let Some(parameters) = parameters {
            write!(out, "a=fmtp:{payload_type} {parameters}\r\n")?;
        }
    }
    write!(out, "a=ptime:{}\r\na={}\r\n", audio.ptime_ms, audio.direction.word())?;
    if let Some(port) = local.rtcp_port {
        write!(out, "a=rtcp:{port}\r\n")?;
    }
    if audio.rtcp_mux {
        out.push_str("a=rtcp-mux\r\n");
    }
    for Crypto { tag, suite, key } in &audio.crypto {
        write!(out, "a=crypto:{tag} {} inline:{}\r\n", suite.name(), key.text())?;
    }
    if let Some((fingerprint, setup)) = &audio.dtls {
        write!(out, "a=fingerprint:{fingerprint}\r\na=setup:{setup}\r\n")?;
    }
    Ok(())
}
