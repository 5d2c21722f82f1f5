//! The codecs we speak, as descriptions name them.

use super::{Encoding, Media};
use crate::negotiated::{Codec, OpusSettings};

/// Every codec of ours.
const ALL: [Codec; 4] = [Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus];

/// The payload type our own offers give a codec: the number of RFC 3551 §6 where it has one.
pub(super) fn usual_number(codec: Codec) -> u8 {
    codec.static_payload_type().unwrap_or(96)
}

/// What `a=rtpmap` says after the payload type. Opus is always written as two channels (RFC 7587 §7); G.722 samples at
/// 16 kHz and is stamped at 8 kHz, an error of RFC 1890 that RFC 3551 §4.5.2 keeps for ever.
pub(super) fn encoding(codec: Codec) -> String {
    match codec {
        Codec::Opus => "opus/48000/2".to_owned(),
        _ => format!("{}/{}", codec.name(), codec.clock()),
    }
}

/// The codec of a payload type of this media line, if it is one of ours.
pub(super) fn codec_of(media: &Media, payload_type: u8) -> Option<Codec> {
    match media.encoding(payload_type) {
        Some(Encoding { name, clock, channels }) => ALL.into_iter().find(|codec| {
            let channels_fit = if *codec == Codec::Opus { *channels == 2 } else { *channels == 1 };
            // Some write G722/16000, which is what it samples at. Under its own number it can only be G.722.
            let clock_fits = *clock == codec.clock() || (*codec == Codec::G722 && payload_type == 9);
            name.eq_ignore_ascii_case(codec.name()) && clock_fits && channels_fit
        }),
        None => ALL.into_iter().find(|codec| codec.static_payload_type() == Some(payload_type)),
    }
}

/// Reads `a=fmtp` of Opus (RFC 7587 §6.1). What is unknown or out of range keeps its default.
pub(super) fn opus_settings(parameters: &str) -> OpusSettings {
    let mut settings = OpusSettings::default();
    for parameter in parameters.split(';') {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "useinbandfec" => settings.inband_fec = value == "1",
            "usedtx" => settings.dtx = value == "1",
            "stereo" => settings.stereo = value == "1",
            "cbr" => settings.constant_rate = value == "1",
            "maxplaybackrate" => {
                if let Some(rate) = value.parse().ok().filter(|rate| (8_000..=48_000).contains(rate)) {
                    settings.max_playback_rate = rate;
                }
            }
            "maxaveragebitrate" => {
                settings.max_average_bitrate = value.parse().ok().filter(|rate| (6_000..=510_000).contains(rate));
            }
            _ => {}
        }
    }
    settings
}
