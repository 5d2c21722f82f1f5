//! The call page's own protocol: binary messages are sound (16 bits little-endian or µ-law, 8 kHz), text messages are JSON.
//!
//! From the page: `{"kind":"key","key":"5"}`, `{"kind":"hang-up"}`. To the page: `{"kind":"flush"}`, `{"kind":"over"}`;
//! captions are sent beside this by whoever has them.

use serde::Deserialize;

use super::format::{Codec, Format};
use super::{Message, Protocol, ProtocolError, Step, key};
use crate::socket::Out;

const NAME: &str = "the call page";

/// One call of a page.
#[derive(Debug)]
pub struct Browser {
    codec: Codec,
}

impl Browser {
    /// `format`: what the page asked for.
    pub fn new(format: Format) -> Browser {
        Browser { codec: Codec::new(format) }
    }
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum FromPage {
    Key { key: String },
    HangUp,
}

impl Protocol for Browser {
    fn take(&mut self, message: &Message) -> Result<Vec<Step>, ProtocolError> {
        let text = match message {
            Message::Binary(bytes) => return Ok(vec![Step::Heard(self.codec.decode(bytes))]),
            Message::Text(text) => text,
        };
        let problem = |_| ProtocolError::message(NAME, "a control message is neither a key nor a hang-up");
        match serde_json::from_str(text).map_err(problem)? {
            FromPage::Key { key: name } => {
                let key = key(&name).ok_or_else(|| ProtocolError::message(NAME, "a key is one of 0-9, *, #, A-D"))?;
                Ok(vec![Step::Key(key)])
            }
            FromPage::HangUp => Ok(vec![Step::HungUp]),
        }
    }

    fn give(&mut self, out: &Out) -> Vec<Message> {
        match out {
            Out::Frame(frame) => vec![Message::Binary(self.codec.encode(frame))],
            Out::Flush => vec![Message::Text(r#"{"kind":"flush"}"#.into())],
            Out::Keys(_) => Vec::new(),
        }
    }

    fn hang_up(&mut self) -> Vec<Message> {
        vec![Message::Text(r#"{"kind":"over"}"#.into())]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::door::FRAME_SAMPLES;

    #[test]
    fn sound_keys_and_hang_up() {
        let mut page = Browser::new(Format::Linear(8_000));
        assert_eq!(page.take(&Message::Binary(vec![1, 2, 3, 4, 5])).unwrap(), [Step::Heard(vec![0x0201, 0x0403])]);
        let text = |text: &str| Message::Text(text.into());
        assert_eq!(page.take(&text(r#"{"kind":"key","key":"*"}"#)).unwrap(), [Step::Key('*')]);
        assert_eq!(page.take(&text(r#"{"kind":"hang-up"}"#)).unwrap(), [Step::HungUp]);
        assert_eq!(page.give(&Out::Frame([258; FRAME_SAMPLES])), [Message::Binary([2, 1].repeat(FRAME_SAMPLES))]);
        assert_eq!(page.give(&Out::Flush), [text(r#"{"kind":"flush"}"#)]);
        for wrong in [r#"{"kind":"key","key":"12"}"#, r#"{"kind":"key","key":""}"#, r#"{"kind":"boom"}"#, "{", ""] {
            assert!(page.take(&text(wrong)).is_err(), "{wrong}");
        }
        let mut page = Browser::new(Format::Ulaw);
        assert_eq!(page.give(&Out::Frame([0; FRAME_SAMPLES])), [Message::Binary(vec![0xff; FRAME_SAMPLES])]);
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(text in ".{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..50)) {
            let mut page = Browser::new(Format::Ulaw);
            page.take(&Message::Text(text)).ok();
            page.take(&Message::Binary(bytes)).ok();
        }
    }
}
