//! Messages in the form of Twilio's documentation.

use proptest::prelude::*;

use super::*;
use crate::door::FRAME_SAMPLES;

const START: &str = r#"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",
    "tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},
    "customParameters":{"caller":"+79031234567","line":"main"}},"streamSid":"MZ1"}"#;

fn text(text: &str) -> Message {
    Message::Text(text.into())
}

fn media(chunk: &str, payload: &str) -> Message {
    text(&format!(
        r#"{{"event":"media","sequenceNumber":"3","media":{{"track":"inbound","chunk":{chunk},"timestamp":"5","payload":"{payload}"}},"streamSid":"MZ1"}}"#
    ))
}

fn started() -> Twilio {
    let mut stream = Twilio::new();
    stream.take(&text(START)).unwrap();
    stream
}

fn sent(messages: &[Message]) -> serde_json::Value {
    let [Message::Text(text)] = messages else { panic!("{messages:?}") };
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_call_from_connected_to_stop() {
    let mut stream = Twilio::new();
    assert!(stream.take(&text(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#)).unwrap().is_empty());
    assert!(stream.give(&Out::Flush).is_empty(), "nothing can be sent before the stream has a name");
    let steps = stream.take(&text(START)).unwrap();
    let [Step::Began(began)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((began.reference.as_str(), began.parameters["caller"].as_str()), ("CA1", "+79031234567"));

    assert_eq!(stream.take(&media("\"1\"", "/////w==")).unwrap(), [Step::Heard(vec![0; 4])]);
    let key =
        r##"{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"#"}}"##;
    assert_eq!(stream.take(&text(key)).unwrap(), [Step::Key('#')]);
    assert!(stream.take(&text(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"a"}}"#)).unwrap().is_empty());

    let frame = sent(&stream.give(&Out::Frame([0; FRAME_SAMPLES])));
    assert_eq!((frame["event"].as_str(), frame["streamSid"].as_str()), (Some("media"), Some("MZ1")));
    let payload = BASE64_STANDARD.decode(frame["media"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload, [0xff; FRAME_SAMPLES]);
    assert_eq!(sent(&stream.give(&Out::Flush)), json!({ "event": "clear", "streamSid": "MZ1" }));
    assert_eq!(sent(&stream.mark("end"))["mark"]["name"], "end");
    let stop = r#"{"event":"stop","sequenceNumber":"9","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#;
    assert_eq!(stream.take(&text(stop)).unwrap(), [Step::HungUp]);
}

#[test]
fn chunks_in_any_order_with_numbers_of_either_form() {
    let mut stream = started();
    let heard = |steps: Vec<Step>| steps.len();
    assert_eq!(heard(stream.take(&media("\"1\"", "/w==")).unwrap()), 1);
    assert_eq!(heard(stream.take(&media("3", "/w==")).unwrap()), 0);
    assert_eq!(heard(stream.take(&media("2", "/w==")).unwrap()), 2);
    assert_eq!(heard(stream.take(&media("\"2\"", "/w==")).unwrap()), 0);
    let ours = r#"{"event":"media","media":{"track":"outbound","chunk":"4","payload":"/w=="}}"#;
    assert_eq!(heard(stream.take(&text(ours)).unwrap()), 0);
}

#[test]
fn what_cannot_be_is_said() {
    let mut stream = Twilio::new();
    assert!(stream.take(&media("\"1\"", "/w==")).unwrap_err().to_string().contains("before start"));
    let wide = START.replace("audio/x-mulaw", "audio/x-l16");
    assert!(stream.take(&text(&wide)).unwrap_err().to_string().contains("audio/x-l16"));
    let mut stream = started();
    assert!(stream.take(&media("\"x\"", "/w==")).is_err());
    assert!(stream.take(&media("\"1\"", "not base64!")).unwrap_err().to_string().contains("base64"));
    assert!(stream.take(&media("\"1\"", &"A".repeat(400_000))).unwrap_err().to_string().contains("30 s"));
    assert!(stream.take(&Message::Binary(vec![1])).is_err());
    assert!(stream.take(&text("[]")).is_err());
    assert!(stream.take(&text(r#"{"event":"something-new","x":1}"#)).unwrap().is_empty());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(event in "(start|media|dtmf|stop|.{0,6})", rest in ".{0,60}") {
        let mut stream = started();
        stream.take(&Message::Text(format!(r#"{{"event":"{event}","{event}":{rest}}}"#))).ok();
        stream.take(&Message::Text(rest)).ok();
    }
}
