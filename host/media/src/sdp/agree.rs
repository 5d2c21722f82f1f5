//! Offer, answer and acceptance (RFC 3264) for one stream of sound.
//!
//! Of several audio lines one is taken: the first that fits, a secured one before a plain one (that is how ends that speak
//! both write it). Everything else is refused in its place.

use std::net::{IpAddr, SocketAddr};

use super::codec::{codec_of, encoding, opus_settings, usual_number};
use super::keys::SUITES;
use super::write::{Audio, Format, Refused, Slot, write};
use super::{Capabilities, Crypto, Host, Local, Media, SdpError, Session, Setup, Srtp, SrtpKey};
use crate::negotiated::{Codec, Direction, Dtls, Negotiated, OpusSettings, SrtpKeys, SrtpSuite};

/// Our offer, for a call we place or a request that came without one.
///
/// With [`Srtp::Required`] and no key in `local` the stream is `RTP/SAVP` without keys, which nobody takes: it is never plain.
pub fn offer(capabilities: &Capabilities, local: &Local) -> String {
    write(local, "0 0", &offered(capabilities, local, &History::default()))
}

/// Our answer to an offer, and what it means.
///
/// # Errors
/// Nothing can be agreed on; [`SdpError::status`] says what to reply with.
pub fn answer(offer: &Session, capabilities: &Capabilities, local: &Local) -> Result<(String, Negotiated), SdpError> {
    let (slots, negotiated) = answered(offer, capabilities, local)?;
    Ok((write(local, &offer.timing, &slots), negotiated))
}

/// What an answer to an offer of ours means. Both as read by [`Session::parse`].
///
/// # Errors
/// The answer refuses the stream, or does not fit.
pub fn accept(our_offer: &Session, answer: &Session) -> Result<Negotiated, SdpError> {
    let index = our_offer.media.iter().position(|media| media.kind == "audio" && media.port != 0);
    let Some((index, ours)) = index.and_then(|index| Some((index, our_offer.media.get(index)?))) else {
        return Err(SdpError::NoAudio);
    };
    let unfit = |what: String| SdpError::Unfit { what };
    let Some(theirs) = answer.media.get(index).filter(|media| media.kind == "audio") else {
        return Err(unfit(format!("its media line {} is not the audio that was offered there", index + 1)));
    };
    if theirs.port == 0 {
        return Err(SdpError::Refused);
    }
    let (Some(offered), Some(answered)) = (Profile::of(ours), Profile::of(theirs)) else {
        return Err(unfit(format!("its protocol {} is not RTP", theirs.protocol)));
    };
    if offered != answered {
        return Err(unfit(format!("{} was offered and {} came back", ours.protocol, theirs.protocol)));
    }
    let offered_codecs: Vec<(u8, Codec)> = codecs(ours).collect();
    let number_of = |codec: Codec| offered_codecs.iter().find(|(_, ours)| *ours == codec).map(|(number, _)| *number);
    let answered_codecs: Vec<(u8, Codec)> = codecs(theirs).filter(|(_, codec)| number_of(*codec).is_some()).collect();
    let &(payload_type, codec) =
        answered_codecs.first().ok_or_else(|| no_codec(theirs, offered_codecs.iter().map(|c| c.1)))?;
    // They send with our numbers (RFC 3264 §6.1); some send with their own.
    let ours_first = answered_codecs.iter().filter_map(|(_, codec)| Some((number_of(*codec)?, *codec)));
    let mut receives: Vec<(u8, Codec)> = ours_first.collect();
    for (number, codec) in &answered_codecs {
        if !receives.iter().any(|(known, _)| known == number) {
            receives.push((*number, *codec));
        }
    }
    let srtp = match (offered, theirs.crypto.is_empty()) {
        (Profile::Secure, true) => return Err(security(theirs, "RTP/SAVP came back without a key", MEND_KEY)),
        (Profile::Dtls, _) => None,
        (Profile::Plain, true) => None,
        (_, false) if ours.crypto.is_empty() => None,
        (_, false) => Some(taken_keys(&ours.crypto, theirs)?),
    };
    let dtls = match offered {
        Profile::Dtls => Some(dtls_role(theirs)?),
        _ => None,
    };
    let direction = ours.direction.within(theirs.direction.reversed());
    let dtmf_ours = events(ours, codec);
    let mut negotiated = agreed(theirs, codec, payload_type, direction, ours.ptime_ms.unwrap_or(20), ours.rtcp_mux)?;
    negotiated.receive = receives;
    match (dtmf_ours, negotiated.dtmf) {
        (Some((number, _)), Some(_)) => negotiated.dtmf_receives = Some(number),
        _ => (negotiated.dtmf, negotiated.dtmf_receives) = (None, None),
    }
    negotiated.srtp = srtp;
    negotiated.dtls = dtls;
    Ok(negotiated)
}

/// What earlier descriptions of one dialog have settled.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// The media lines of our last description, in order.
    pub slots: Vec<Slot>,
    /// Payload types that mean something already, for the whole dialog (RFC 3264 §8.3.2).
    pub bindings: Vec<(u8, String)>,
    /// The last agreement.
    pub agreed: Option<Negotiated>,
}

impl History {
    /// The payload type of an encoding: as it was bound, else the usual one, else the first free one.
    fn bind(&self, used: &[Format], encoding: &str, usual: u8) -> u8 {
        let bound = self.bindings.iter().find(|(_, bound)| bound.eq_ignore_ascii_case(encoding));
        if let Some((number, _)) = bound {
            return *number;
        }
        let free = |number: &u8| {
            !self.bindings.iter().any(|(bound, _)| bound == number) && !used.iter().any(|f| f.payload_type == *number)
        };
        // With every dynamic number taken (nobody does that) the usual one is as good as any.
        std::iter::once(usual).chain(96..=127).find(free).unwrap_or(usual)
    }
}

/// The media lines of an offer.
pub(super) fn offered(capabilities: &Capabilities, local: &Local, history: &History) -> Vec<Slot> {
    if history.slots.is_empty() {
        return vec![Slot::Audio(offered_audio(capabilities, local, history, None))];
    }
    let again = history.slots.iter().map(|slot| match slot {
        Slot::Audio(audio) => Slot::Audio(offered_audio(capabilities, local, history, Some(audio))),
        Slot::Refused(refused) => Slot::Refused(refused.clone()),
    });
    again.collect()
}

fn offered_audio(capabilities: &Capabilities, local: &Local, history: &History, last: Option<&Audio>) -> Audio {
    // What is spoken now stays first, so that a hold does not change the codec.
    let current = history.agreed.as_ref().map(|agreed| agreed.codec);
    let rest = capabilities.codecs.iter().copied().filter(|codec| Some(*codec) != current);
    let codecs: Vec<Codec> = current.into_iter().chain(rest).collect();
    let mut formats: Vec<Format> = Vec::with_capacity(codecs.len() + 2);
    for codec in &codecs {
        let encoding = encoding(*codec);
        let payload_type = history.bind(&formats, &encoding, usual_number(*codec));
        formats.push(Format { payload_type, encoding, parameters: parameters(*codec, capabilities) });
    }
    if capabilities.telephone_events {
        // The clock of digits is the codec's (RFC 4733 §2.1 shares its timestamps).
        for (clock, usual) in [(8_000, 101), (48_000, 102)] {
            if codecs.iter().any(|codec| codec.clock() == clock) {
                let encoding = format!("telephone-event/{clock}");
                let payload_type = history.bind(&formats, &encoding, usual);
                formats.push(Format { payload_type, encoding, parameters: Some(DIGITS.to_owned()) });
            }
        }
    }
    let (protocol, crypto, dtls) = match (&history.agreed, last) {
        (Some(agreed), Some(last)) => {
            let suite = agreed.srtp.as_ref().map(|keys| keys.suite);
            let dtls = last.dtls.as_ref().map(|(fingerprint, _)| (fingerprint.clone(), "actpass"));
            (last.protocol.clone(), keys(local, suite.as_slice()), dtls)
        }
        _ => match capabilities.srtp {
            Srtp::Never | Srtp::WhenOffered => ("RTP/AVP".to_owned(), Vec::new(), None),
            Srtp::BestEffort => ("RTP/AVP".to_owned(), keys(local, &SUITES), None),
            Srtp::Required => ("RTP/SAVP".to_owned(), keys(local, &SUITES), None),
        },
    };
    Audio {
        protocol,
        formats,
        ptime_ms: capabilities.ptime_ms,
        direction: local.direction,
        rtcp_mux: capabilities.rtcp_mux,
        crypto,
        dtls,
    }
}

/// The media lines of an answer, and what it means.
pub(super) fn answered(
    offer: &Session,
    capabilities: &Capabilities,
    local: &Local,
) -> Result<(Vec<Slot>, Negotiated), SdpError> {
    let mut chosen: Option<(usize, Audio, Negotiated)> = None;
    let mut refusal = None;
    for (index, media) in offer.media.iter().enumerate() {
        if media.kind != "audio" || media.port == 0 {
            continue;
        }
        match answered_audio(media, capabilities, local) {
            Ok((audio, negotiated)) => {
                let secured = |n: &Negotiated| n.srtp.is_some() || n.dtls.is_some();
                if chosen.as_ref().is_none_or(|(_, _, best)| secured(&negotiated) && !secured(best)) {
                    chosen = Some((index, audio, negotiated));
                }
            }
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    let Some((taken, audio, negotiated)) = chosen else { return Err(refusal.unwrap_or(SdpError::NoAudio)) };
    let slots = offer.media.iter().enumerate().map(|(index, media)| {
        if index == taken { Slot::Audio(audio.clone()) } else { Slot::Refused(Refused::from(media)) }
    });
    Ok((slots.collect(), negotiated))
}

fn answered_audio(media: &Media, capabilities: &Capabilities, local: &Local) -> Result<(Audio, Negotiated), SdpError> {
    let profile = Profile::of(media).ok_or(SdpError::NoAudio)?;
    let (payload_type, codec) = capabilities
        .codecs
        .iter()
        .find_map(|wanted| codecs(media).find(|(_, codec)| codec == wanted))
        .ok_or_else(|| no_codec(media, capabilities.codecs.iter().copied()))?;
    let keys_wanted = capabilities.srtp != Srtp::Never && profile != Profile::Dtls;
    let keyed = if keys_wanted { local.key.as_ref().zip(media.crypto.first()) } else { None };
    let dtls = match (profile, &local.fingerprint) {
        (Profile::Dtls, Some(ours)) if capabilities.dtls => Some((dtls_role(media)?, ours.clone())),
        (Profile::Dtls, _) => {
            return Err(security(media, "DTLS-SRTP is not spoken here", "offer RTP/SAVP with a=crypto, or RTP/AVP"));
        }
        (Profile::Secure, _) if keyed.is_none() => {
            let none_usable = capabilities.srtp != Srtp::Never && local.key.is_some();
            let what =
                if none_usable { "RTP/SAVP has no a=crypto that can be used" } else { "SRTP is switched off here" };
            return Err(security(media, what, MEND_KEY));
        }
        (Profile::Plain, _) if keyed.is_none() && capabilities.srtp == Srtp::Required => {
            return Err(security(media, "plain RTP is not allowed here", MEND_KEY));
        }
        _ => None,
    };
    let mut direction = local.direction.within(media.direction.reversed());
    let reachable =
        media.connection.as_ref().is_some_and(|host| matches!(host, Host::Name(_)) || !host.ip().is_unspecified());
    if !reachable {
        direction = direction.within(Direction::RecvOnly);
    }
    let mut negotiated = agreed(media, codec, payload_type, direction, capabilities.ptime_ms, capabilities.rtcp_mux)?;
    if !capabilities.telephone_events {
        (negotiated.dtmf, negotiated.dtmf_receives) = (None, None);
    }
    let mut formats =
        vec![Format { payload_type, encoding: encoding(codec), parameters: parameters(codec, capabilities) }];
    if let Some(number) = negotiated.dtmf {
        let encoding = format!("telephone-event/{}", negotiated.dtmf_clock);
        formats.push(Format { payload_type: number, encoding, parameters: Some(DIGITS.to_owned()) });
    }
    let crypto = keyed.map(|(ours, theirs)| Crypto { key: ours.clone(), ..theirs.clone() });
    negotiated.srtp = keyed.map(|(ours, Crypto { suite, key, .. })| both_ways(*suite, ours, key));
    let written = dtls.map(|(dtls, ours)| {
        let role = if dtls.active { "active" } else { "passive" };
        negotiated.dtls = Some(dtls);
        (ours, role)
    });
    let audio = Audio {
        protocol: media.protocol.clone(),
        formats,
        ptime_ms: capabilities.ptime_ms,
        direction,
        rtcp_mux: negotiated.rtcp_mux,
        crypto: crypto.into_iter().collect(),
        dtls: written,
    };
    Ok((audio, negotiated))
}

const DIGITS: &str = "0-15";
const MEND_KEY: &str = "offer RTP/SAVP with a=crypto AES_CM_128_HMAC_SHA1_80 and one key without MKI";

/// How the packets of a stream are protected, by the protocol of its media line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    Plain,
    Secure,
    Dtls,
}

impl Profile {
    /// `None`: not RTP. The profiles with feedback (AVPF) are spoken without sending any.
    fn of(media: &Media) -> Option<Self> {
        match media.protocol.as_str() {
            "RTP/AVP" | "RTP/AVPF" => Some(Self::Plain),
            "UDP/TLS/RTP/SAVP" | "UDP/TLS/RTP/SAVPF" => Some(Self::Dtls),
            "RTP/SAVP" | "RTP/SAVPF" if media.crypto.is_empty() && media.fingerprint.is_some() => Some(Self::Dtls),
            "RTP/SAVP" | "RTP/SAVPF" => Some(Self::Secure),
            _ => None,
        }
    }
}

fn codecs(media: &Media) -> impl Iterator<Item = (u8, Codec)> + '_ {
    media.payload_types().filter_map(|number| Some((number, codec_of(media, number)?)))
}

fn parameters(codec: Codec, capabilities: &Capabilities) -> Option<String> {
    let rate = capabilities.opus_playback_rate;
    (codec == Codec::Opus).then(|| format!("maxplaybackrate={rate};stereo=0;sprop-stereo=0;useinbandfec=1"))
}

/// The payload type and clock of digits: at the codec's clock, or else at any.
fn events(media: &Media, codec: Codec) -> Option<(u8, u32)> {
    let all = media.payload_types().filter_map(|number| {
        let encoding = media.encoding(number)?;
        encoding.name.eq_ignore_ascii_case("telephone-event").then_some((number, encoding.clock))
    });
    let all: Vec<(u8, u32)> = all.collect();
    all.iter().find(|(_, clock)| *clock == codec.clock()).or(all.first()).copied()
}

fn comfort_noise(media: &Media) -> Option<u8> {
    media.payload_types().find(|number| match media.encoding(*number) {
        Some(encoding) => encoding.name.eq_ignore_ascii_case("CN") && encoding.clock == 8_000,
        None => *number == 13,
    })
}

/// The part of an agreement that is read off the other end's media line.
fn agreed(
    theirs: &Media,
    codec: Codec,
    payload_type: u8,
    direction: Direction,
    ptime_ms: u32,
    mux_wanted: bool,
) -> Result<Negotiated, SdpError> {
    let line = theirs.line;
    let host = theirs.connection.as_ref().ok_or(SdpError::NoAddress { line })?;
    let ip = host.ip();
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    if ip.is_multicast() || broadcast {
        return Err(SdpError::NoAddress { line });
    }
    let named = match host {
        Host::Name(name) => Some(name.clone()),
        Host::Ip(_) => None,
    };
    let remote = SocketAddr::new(ip, theirs.port);
    let dtmf = events(theirs, codec);
    // Numbers from 64 to 95 cannot be told from RTCP on one port (RFC 5761 §4).
    let mixable = |number: u8| !(64..=95).contains(&number);
    let rtcp_mux =
        theirs.rtcp_mux && mux_wanted && mixable(payload_type) && dtmf.is_none_or(|(number, _)| mixable(number));
    let rtcp = match &theirs.rtcp {
        _ if rtcp_mux => remote,
        // An address of its own counts only where it is one; names are left to the RTP stream.
        Some((port, host)) => {
            let ip = host.as_ref().map_or(ip, |host| if matches!(host, Host::Ip(_)) { host.ip() } else { ip });
            SocketAddr::new(ip, *port)
        }
        None => SocketAddr::new(ip, theirs.port.saturating_add(1)),
    };
    let opus = match codec {
        Codec::Opus => opus_settings(theirs.parameters_of(payload_type).unwrap_or_default()),
        _ => OpusSettings::default(),
    };
    Ok(Negotiated {
        codec,
        payload_type,
        receive: vec![(payload_type, codec)],
        dtmf: dtmf.map(|(number, _)| number),
        dtmf_receives: dtmf.map(|(number, _)| number),
        dtmf_clock: dtmf.map_or(codec.clock(), |(_, clock)| clock),
        comfort_noise: comfort_noise(theirs),
        remote,
        held: !theirs.direction.receives() || (ip.is_unspecified() && named.is_none()),
        remote_name: named,
        rtcp,
        rtcp_mux,
        direction,
        ptime_ms: packet_time(theirs.ptime_ms.unwrap_or(ptime_ms), theirs.max_ptime_ms),
        opus,
        srtp: None,
        dtls: None,
    })
}

/// What we send: whole frames of 20 ms, at most three, and half of one where the other end takes no more.
fn packet_time(wanted_ms: u32, most_ms: Option<u32>) -> u32 {
    match wanted_ms.min(most_ms.unwrap_or(u32::MAX)) {
        0..20 => 10,
        20..40 => 20,
        40..60 => 40,
        60.. => 60,
    }
}

fn keys(local: &Local, suites: &[SrtpSuite]) -> Vec<Crypto> {
    let Some(key) = &local.key else { return Vec::new() };
    (1..).zip(suites).map(|(tag, suite)| Crypto { tag, suite: *suite, key: key.clone() }).collect()
}

fn taken_keys(offered: &[Crypto], theirs: &Media) -> Result<SrtpKeys, SdpError> {
    let pairs = theirs.crypto.iter().filter_map(|answer| {
        let offer = offered.iter().find(|offer| offer.tag == answer.tag && offer.suite == answer.suite)?;
        Some(both_ways(answer.suite, &offer.key, &answer.key))
    });
    pairs.into_iter().next().ok_or_else(|| {
        security(theirs, "the a=crypto that came back was not offered", "repeat the tag and the suite of one that was")
    })
}

fn both_ways(suite: SrtpSuite, ours: &SrtpKey, theirs: &SrtpKey) -> SrtpKeys {
    SrtpKeys { suite, send: ours.0.to_vec(), receive: theirs.0.to_vec() }
}

fn dtls_role(theirs: &Media) -> Result<Dtls, SdpError> {
    let Some(fingerprint) = theirs.fingerprint.clone() else {
        return Err(security(theirs, "DTLS-SRTP without a=fingerprint", "add a=fingerprint:sha-256 …"));
    };
    match theirs.setup {
        // To take the opening is what RFC 5763 §5 likes of an answer.
        Some(Setup::ActPass | Setup::Passive) => Ok(Dtls { fingerprint, active: true }),
        Some(Setup::Active) | None => Ok(Dtls { fingerprint, active: false }),
        Some(Setup::HoldConn) => Err(security(theirs, "a=setup:holdconn opens nothing", "write a=setup:actpass")),
    }
}

fn security(media: &Media, what: &'static str, mend: &'static str) -> SdpError {
    SdpError::Security { line: media.line, what, mend }
}

fn no_codec(media: &Media, ours: impl Iterator<Item = Codec>) -> SdpError {
    let named = |number: u8| match media.encoding(number) {
        Some(encoding) => encoding.name.clone(),
        None => number.to_string(),
    };
    let formats: Vec<String> = media.payload_types().map(named).collect();
    let ours: Vec<&str> = ours.map(Codec::name).collect();
    SdpError::NoCodec { line: media.line, formats: formats.join(" "), ours: ours.join(", ") }
}
