//! Sockets of providers and PBXs, as their documentation says they speak.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lines::websocket::twilio::signature::sign;
use serde_json::json;
use web::Kind;

use crate::support::{Event, SECRET, Server};

const MEDIA_START: &str = "MEDIA_START connection_id:c1 channel:WebSocket/c1/0x1 format:ulaw optimal_frame_size:160";

fn basic(text: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(text))
}

#[tokio::test]
async fn a_call_of_asterisk() {
    let mut server = Server::start().await;
    let password = basic(&format!("gudok:{SECRET}"));
    let headers = [("authorization", password.as_str()), ("sec-websocket-protocol", "media")];
    let mut pbx = server.open("/media/pbx?caller=%2B79031234567&line=101", &headers).await.unwrap();
    pbx.say(MEDIA_START).await;
    assert_eq!(pbx.text().await.unwrap(), "ANSWER");
    let Event::Opened(opening) = server.event().await else { panic!() };
    assert_eq!(opening.caller.as_deref(), Some("+79031234567"));
    assert_eq!((opening.kind, opening.line.as_str(), opening.socket.as_str()), (Kind::Asterisk, "101", "pbx"));
    assert_eq!(opening.reference.as_deref(), Some("c1"));
    assert_eq!(pbx.heard(0xff).await.len(), 160);
    for _ in 0..20 {
        pbx.sound(vec![0x00; 160]).await;
    }
    assert_eq!(server.event().await, Event::Heard);
    pbx.say("DTMF_END digit:7").await;
    assert_eq!(server.event().await, Event::Key('7'));
    assert_eq!(pbx.text().await.unwrap(), "FLUSH_MEDIA", "nothing else was said: captions are for pages");
    pbx.say("DTMF_END digit:0").await;
    assert_eq!(pbx.text().await.unwrap(), "HANGUP");
    assert!(pbx.next().await.is_none());
}

#[tokio::test]
async fn asterisk_without_the_password() {
    let server = Server::start().await;
    for wrong in [None, Some(basic("gudok:12346")), Some(basic("gudok")), Some("Bearer 12345".to_owned())] {
        let headers: Vec<_> = wrong.iter().map(|wrong| ("authorization", wrong.as_str())).collect();
        assert_eq!(server.open("/media/pbx", &headers).await.err(), Some(403), "{wrong:?}");
    }
    assert_eq!(server.open("/media/other", &[]).await.err(), Some(404));
}

/// What Twilio posts, signed by the account's secret.
async fn answer(server: &Server, secret: &str) -> (u16, String) {
    let pairs = [("CallSid", "CA1"), ("From", "+79031234567"), ("To", "+74951234567")];
    let fields: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let signature = sign(secret, "https://calls.example/media/provider/voice", &fields);
    let form = pairs.map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).join("&");
    let (status, headers, body) = server
        .ask(&format!(
            "POST /media/provider/voice\nhost: calls.example\nx-twilio-signature: {signature}\n\
             content-type: application/x-www-form-urlencoded\n\n{form}"
        ))
        .await;
    if status == 200 {
        assert_eq!(headers["content-type"], "text/xml; charset=utf-8");
    }
    (status, body)
}

fn start(ticket: Option<&str>) -> String {
    let mut parameters = json!({ "caller": "+79031234567", "line": "+74951234567" });
    if let Some(ticket) = ticket {
        parameters["ticket"] = ticket.into();
    }
    let format = json!({ "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 });
    json!({ "event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": {
        "accountSid": "AC1", "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound"],
        "mediaFormat": format, "customParameters": parameters,
    } })
    .to_string()
}

#[tokio::test]
async fn a_provider_asks_and_is_connected_to_our_stream() {
    let mut server = Server::start().await;
    let (status, twiml) = answer(&server, SECRET).await;
    assert_eq!(status, 200);
    assert!(twiml.contains("<Connect><Stream url=\"wss://calls.example/media/provider\">"), "{twiml}");
    let ticket = twiml.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();

    let mut stream = server.open("/media/provider", &[]).await.unwrap();
    stream.say(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#).await;
    stream.say(start(Some(&ticket))).await;
    let Event::Opened(opening) = server.event().await else { panic!() };
    assert_eq!((opening.kind, opening.reference.as_deref()), (Kind::Twilio, Some("CA1")));
    assert_eq!((opening.caller.as_deref(), opening.line.as_str()), (Some("+79031234567"), "+74951234567"));
    let first = stream.json().await;
    assert_eq!((first["event"].as_str(), first["streamSid"].as_str()), (Some("media"), Some("MZ1")));
    let payload = BASE64_STANDARD.encode([0x00; 160]);
    for chunk in [1, 3, 2, 4, 5, 6, 8, 7, 9, 10, 11, 12, 13, 14] {
        let media = json!({ "track": "inbound", "chunk": chunk.to_string(), "timestamp": "5", "payload": payload });
        stream.say(json!({ "event": "media", "streamSid": "MZ1", "media": media }).to_string()).await;
    }
    assert_eq!(server.event().await, Event::Heard);
    stream.say(r#"{"event":"dtmf","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"7"}}"#).await;
    assert_eq!(server.event().await, Event::Key('7'));
    while stream.json().await["event"] != "clear" {}
    stream.say(r#"{"event":"stop","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#).await;
    assert_eq!(server.event().await, Event::Gone);
}

#[tokio::test]
async fn a_signed_stream_needs_no_ticket_and_an_unsigned_one_does() {
    let mut server = Server::start().await;
    for url in ["wss://calls.example/media/provider", "https://calls.example/media/provider/"] {
        let signature = sign(SECRET, url, &[]);
        let mut stream = server.open("/media/provider", &[("x-twilio-signature", &signature)]).await.unwrap();
        stream.say(start(None)).await;
        assert!(matches!(server.event().await, Event::Opened(_)), "{url}");
        drop(stream);
        while server.event().await != Event::Gone {}
    }
    let wrong = sign("54321", "wss://calls.example/media/provider", &[]);
    assert_eq!(server.open("/media/provider", &[("x-twilio-signature", &wrong)]).await.err(), Some(403));
    for ticket in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
        let mut stream = server.open("/media/provider", &[]).await.unwrap();
        stream.say(start(ticket)).await;
        assert!(stream.next().await.is_none(), "{ticket:?}");
    }
    assert_eq!(answer(&server, "54321").await.0, 403);
    assert!(server.events.try_recv().is_err(), "nobody was let in");
}
