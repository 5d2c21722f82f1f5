//! Asterisk's WebSocket channel, `chan_websocket` (20.16, 21.11, 22.6, 23.0 and later).
//!
//! Binary messages are media in the codec of the dial string; text messages are control, in one of two forms: words
//! (`DTMF_END digit:5`) or, from 20.18, 22.8 and 23.2 on, JSON. Asterisk speaks first, so its form is answered in kind.
//! Source: docs.asterisk.org, Configuration/Channel-Drivers/WebSocket.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::format::{Codec, Format};
use super::{Began, Message, Protocol, ProtocolError, Step, key};
use crate::socket::Out;

const NAME: &str = "Asterisk's WebSocket channel";

/// One call of Asterisk.
#[derive(Debug, Default)]
pub struct Asterisk {
    codec: Option<Codec>,
    json: bool,
    /// Asterisk's queue is full.
    full: bool,
    /// The dial string has `n`: the call is answered by us.
    answer: bool,
}

impl Asterisk {
    /// `answer`: answer the channel when the call begins, for a dial string with `n`; otherwise Asterisk does it.
    pub fn new(answer: bool) -> Asterisk {
        Asterisk { answer, ..Asterisk::default() }
    }

    fn command(&self, command: &str) -> Message {
        Message::Text(if self.json { format!("{{\"command\":\"{command}\"}}") } else { command.to_owned() })
    }

    fn event(&mut self, event: Event) -> Result<Vec<Step>, ProtocolError> {
        Ok(match event.name.as_str() {
            "MEDIA_START" => {
                let name = event.values.get("format").map_or("none", String::as_str);
                let format = Format::named(name).ok_or_else(|| ProtocolError::codec(NAME, name))?;
                self.codec = Some(Codec::new(format));
                let began = Began {
                    reference: event.values.get("connection_id").cloned().unwrap_or_default(),
                    parameters: event.values,
                };
                let mut steps = vec![Step::Began(began)];
                if self.answer {
                    steps.push(Step::Reply(self.command("ANSWER")));
                }
                steps
            }
            "DTMF_END" => {
                let digit = event.values.get("digit").and_then(|digit| key(digit));
                vec![Step::Key(digit.ok_or_else(|| ProtocolError::message(NAME, "DTMF_END without a key"))?)]
            }
            "MEDIA_XOFF" => {
                self.full = true;
                Vec::new()
            }
            "MEDIA_XON" => {
                self.full = false;
                Vec::new()
            }
            // Marks, states and whatever later versions tell.
            _ => Vec::new(),
        })
    }
}

impl Protocol for Asterisk {
    fn take(&mut self, message: &Message) -> Result<Vec<Step>, ProtocolError> {
        match message {
            Message::Text(text) => {
                let event = if text.trim_start().starts_with('{') {
                    self.json = true;
                    json(text)?
                } else {
                    words(text)?
                };
                self.event(event)
            }
            Message::Binary(bytes) => {
                let codec = self.codec.as_mut();
                let codec = codec.ok_or_else(|| ProtocolError::message(NAME, "media came before MEDIA_START"))?;
                Ok(vec![Step::Heard(codec.decode(bytes))])
            }
        }
    }

    fn give(&mut self, out: &Out) -> Vec<Message> {
        match out {
            Out::Frame(_) if self.full => Vec::new(),
            Out::Frame(frame) => self.codec.iter_mut().map(|codec| Message::Binary(codec.encode(frame))).collect(),
            Out::Flush => vec![self.command("FLUSH_MEDIA")],
            // The channel has no command to press keys.
            Out::Keys(_) => Vec::new(),
        }
    }

    fn hang_up(&mut self) -> Vec<Message> {
        vec![self.command("HANGUP")]
    }
}

/// An event of either form.
struct Event {
    name: String,
    values: BTreeMap<String, String>,
}

/// `NAME key:value key:value`; a value has no spaces, but may have colons.
fn words(text: &str) -> Result<Event, ProtocolError> {
    let mut words = text.split_whitespace();
    let name = words.next().ok_or_else(|| ProtocolError::message(NAME, "an empty control message"))?;
    let pair = |word: &str| word.split_once(':').map(|(key, value)| (key.to_owned(), value.to_owned()));
    Ok(Event { name: name.to_owned(), values: words.filter_map(pair).collect() })
}

#[derive(Deserialize)]
struct Json {
    event: String,
    #[serde(flatten)]
    values: BTreeMap<String, serde_json::Value>,
}

/// `{"event": "NAME", "key": value}`; the channel's variables are joined to the values, which come first.
fn json(text: &str) -> Result<Event, ProtocolError> {
    let parsed: Json = serde_json::from_str(text)
        .map_err(|error| ProtocolError::message(NAME, format!("a control message is no event: {error}")))?;
    let mut values = BTreeMap::new();
    for (key, value) in parsed.values {
        match value {
            serde_json::Value::String(text) => {
                values.insert(key, text);
            }
            serde_json::Value::Number(number) => {
                values.insert(key, number.to_string());
            }
            serde_json::Value::Object(variables) => {
                for (name, value) in variables {
                    if let serde_json::Value::String(text) = value {
                        values.entry(name).or_insert(text);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Event { name: parsed.event, values })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::door::FRAME_SAMPLES;

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    /// The examples of Asterisk's documentation.
    const WORDS: &str = "MEDIA_START connection_id:e226e283-c90a-4ea9-9e37-389000b9ef47 \
                         channel:WebSocket/media_connection1/0x514000 format:ulaw optimal_frame_size:160";
    const JSON: &str = r#"{"event": "MEDIA_START", "connection_id": "media_connection1",
        "channel": "WebSocket/media_connection1/0x5140001a0040", "channel_id": "1761245643.1", "format": "slin16",
        "optimal_frame_size": 640, "ptime": 20, "channel_variables": {"DIALEDPEERNUMBER": "media_connection1/c(slin16)"}}"#;

    #[test]
    fn a_call_in_words() {
        let mut call = Asterisk::new(true);
        let steps = call.take(&text(WORDS)).unwrap();
        let Step::Began(began) = &steps[0] else { panic!("{steps:?}") };
        assert_eq!(began.reference, "e226e283-c90a-4ea9-9e37-389000b9ef47");
        assert_eq!(steps[1], Step::Reply(text("ANSWER")));
        assert_eq!(call.take(&text("DTMF_END digit:#")).unwrap(), [Step::Key('#')]);
        assert_eq!(call.take(&Message::Binary(vec![0xff; 160])).unwrap(), [Step::Heard(vec![0; 160])]);
        assert_eq!(call.give(&Out::Frame([0; FRAME_SAMPLES])), [Message::Binary(vec![0xff; 160])]);
        assert_eq!(call.give(&Out::Flush), [text("FLUSH_MEDIA")]);
        assert_eq!(call.hang_up(), [text("HANGUP")]);
    }

    #[test]
    fn a_call_in_json_at_another_rate() {
        let mut call = Asterisk::new(false);
        let steps = call.take(&text(JSON)).unwrap();
        let [Step::Began(began)] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!(began.parameters["DIALEDPEERNUMBER"], "media_connection1/c(slin16)");
        let Step::Heard(heard) = &call.take(&Message::Binary(vec![0; 640])).unwrap()[0] else { panic!() };
        assert_eq!(heard.len(), FRAME_SAMPLES);
        let Message::Binary(sent) = &call.give(&Out::Frame([100; FRAME_SAMPLES]))[0] else { panic!() };
        assert_eq!(sent.len(), 640, "the optimal frame size");
        assert_eq!(call.give(&Out::Flush), [text(r#"{"command":"FLUSH_MEDIA"}"#)]);
        let key = call.take(&text(r#"{"event":"DTMF_END","channel_id":"1","digit":"5"}"#)).unwrap();
        assert_eq!(key, [Step::Key('5')]);
    }

    #[test]
    fn a_full_queue_is_given_nothing() {
        let mut call = Asterisk::new(false);
        call.take(&text(WORDS)).unwrap();
        call.take(&text("MEDIA_XOFF")).unwrap();
        assert!(call.give(&Out::Frame([0; FRAME_SAMPLES])).is_empty());
        call.take(&text("MEDIA_XON")).unwrap();
        assert_eq!(call.give(&Out::Frame([0; FRAME_SAMPLES])).len(), 1);
        assert!(call.take(&text("QUEUE_DRAINED")).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_is_said() {
        let mut call = Asterisk::new(false);
        assert!(call.take(&Message::Binary(vec![0; 160])).unwrap_err().to_string().contains("MEDIA_START"));
        let opus = call.take(&text("MEDIA_START connection_id:a format:opus")).unwrap_err().to_string();
        assert!(opus.contains("«opus»") && opus.contains("c(ulaw)"), "{opus}");
        assert!(call.take(&text("")).is_err() && call.take(&text("{}")).is_err());
        assert!(call.take(&text("DTMF_END digit:55")).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(sent in "(MEDIA_START|DTMF_END|\\{\"event\":)?.{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..50)) {
            let mut call = Asterisk::new(true);
            call.take(&text(WORDS)).unwrap();
            call.take(&Message::Text(sent)).ok();
            call.take(&Message::Binary(bytes)).ok();
        }
    }
}
