//! Twilio Media Streams, bidirectional (`<Connect><Stream>`), and the providers that speak the same.
//!
//! Every message is JSON; sound is base64 of µ-law at 8 kHz; `sequenceNumber`, `chunk` and `timestamp` are numbers written
//! as strings. Some providers do not keep the order of chunks, so they are put in order here.
//! Source: twilio.com/docs/voice/media-streams/websocket-messages.
//!
//! [`signature`] says whether a request is the provider's; [`answer`] is what a call is answered with.

pub mod answer;
mod order;
pub mod signature;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::format::{Codec, Format};
use super::{Began, Message, Protocol, ProtocolError, Step, key};
use crate::socket::Out;
use order::Order;

const NAME: &str = "Twilio Media Streams";
/// Providers send 20 ms at a time; 30 s in one piece is the most any of them documents.
const MOST_PAYLOAD: usize = 30 * 8_000;

/// One stream of Twilio.
#[derive(Debug)]
pub struct Twilio {
    codec: Codec,
    order: Order,
    stream: Option<String>,
}

impl Default for Twilio {
    fn default() -> Self {
        Twilio { codec: Codec::new(Format::Ulaw), order: Order::default(), stream: None }
    }
}

impl Twilio {
    /// A stream that has not begun.
    pub fn new() -> Twilio {
        Twilio::default()
    }

    /// A message of this stream, once it has begun.
    fn message(&self, mut message: serde_json::Value) -> Vec<Message> {
        let Some(stream) = &self.stream else { return Vec::new() };
        message["streamSid"] = json!(stream);
        vec![Message::Text(message.to_string())]
    }

    /// Asks to be told when everything sent so far was heard: it comes back as a `mark` of the same name.
    pub fn mark(&self, name: &str) -> Vec<Message> {
        self.message(json!({ "event": "mark", "mark": { "name": name } }))
    }
}

impl Protocol for Twilio {
    fn take(&mut self, message: &Message) -> Result<Vec<Step>, ProtocolError> {
        let Message::Text(text) = message else {
            return Err(ProtocolError::message(NAME, "a binary message; everything here is JSON"));
        };
        let event = serde_json::from_str(text)
            .map_err(|error| ProtocolError::message(NAME, format!("a message is no event: {error}")))?;
        Ok(match event {
            Event::Start { start, stream_sid } => {
                if let Some(format) = &start.media_format
                    && (!matches!(format.encoding.as_str(), "audio/x-mulaw" | "PCMU") || format.sample_rate != 8_000)
                {
                    return Err(ProtocolError::codec(NAME, &format.encoding));
                }
                self.stream = Some(start.stream_sid.or(stream_sid).unwrap_or_default());
                vec![Step::Began(Began { reference: start.call_sid, parameters: start.custom_parameters })]
            }
            Event::Media { media } => {
                if self.stream.is_none() {
                    return Err(ProtocolError::message(NAME, "media came before start"));
                }
                // Our own voice comes back on the track «outbound», where that is asked for.
                if media.track.as_deref().is_some_and(|track| track == "outbound") {
                    return Ok(Vec::new());
                }
                if media.payload.len() > MOST_PAYLOAD.div_ceil(3) * 4 {
                    return Err(ProtocolError::message(NAME, "a payload is longer than 30 s"));
                }
                let sound = BASE64_STANDARD.decode(&media.payload);
                let sound = sound.map_err(|_| ProtocolError::message(NAME, "a payload is not base64"))?;
                let ready = self.order.push(media.chunk, sound);
                ready.into_iter().map(|sound| Step::Heard(self.codec.decode(&sound))).collect()
            }
            Event::Dtmf { dtmf } => {
                vec![Step::Key(key(&dtmf.digit).ok_or_else(|| ProtocolError::message(NAME, "dtmf without a key"))?)]
            }
            Event::Stop => vec![Step::HungUp],
            Event::Connected | Event::Mark | Event::Unknown => Vec::new(),
        })
    }

    fn give(&mut self, out: &Out) -> Vec<Message> {
        match out {
            Out::Frame(frame) => {
                let payload = BASE64_STANDARD.encode(self.codec.encode(frame));
                self.message(json!({ "event": "media", "media": { "payload": payload } }))
            }
            Out::Flush => self.message(json!({ "event": "clear" })),
            // The protocol has no way to press keys.
            Out::Keys(_) => Vec::new(),
        }
    }

    /// The call goes on with what the answer says after the stream: nothing, so it ends when the socket is closed.
    fn hang_up(&mut self) -> Vec<Message> {
        Vec::new()
    }
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    Connected,
    Start {
        start: Start,
        #[serde(rename = "streamSid")]
        stream_sid: Option<String>,
    },
    Media {
        media: Media,
    },
    Dtmf {
        dtmf: Dtmf,
    },
    Mark,
    Stop,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    stream_sid: Option<String>,
    #[serde(default)]
    call_sid: String,
    #[serde(default)]
    custom_parameters: BTreeMap<String, String>,
    media_format: Option<MediaFormat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat {
    encoding: String,
    #[serde(default = "eight_thousand", deserialize_with = "number")]
    sample_rate: u64,
}

#[derive(Deserialize)]
struct Media {
    track: Option<String>,
    #[serde(default, deserialize_with = "some_number")]
    chunk: Option<u64>,
    payload: String,
}

#[derive(Deserialize)]
struct Dtmf {
    digit: String,
}

fn eight_thousand() -> u64 {
    8_000
}

/// A number, or a number written as a string.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number, or a number as a string")]
    enum Either {
        Number(u64),
        Text(String),
    }
    match Either::deserialize(from)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(|_| serde::de::Error::custom("a string that is no number")),
    }
}

fn some_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    number(from).map(Some)
}

#[cfg(test)]
mod tests;
