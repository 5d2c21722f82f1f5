//! The sample is right, and every way to be wrong is named with its line.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

use std::path::Path;
use std::sync::Arc;

use desk::Clinic;
use exchange::config::{Clinics, Lines, Queue, SAMPLE};

fn clinics() -> Clinics {
    let text = include_str!("../../../clinics/vet_lapa.toml");
    let clinic = Clinic::parse(text, "vet_lapa.toml").unwrap();
    Clinics::from([(clinic.id.clone(), Arc::new(clinic))])
}

fn read(text: &str) -> Result<Lines, String> {
    Lines::parse(text, "lines.toml", Path::new(""), &clinics()).map_err(|errors| errors.to_string())
}

const SIP: &str = "[sip]\n";

#[test]
fn the_sample_is_right_and_shows_the_defaults() {
    let sample = read(SAMPLE).unwrap();
    assert_eq!(sample.trunks.len(), 2);
    assert_eq!(sample.operators[0].name, "Анна");
    assert_eq!(sample.queues["doctor"].lines, ["doctor"]);
    let bare = read(
        "[sip]\n[[trunk]]\nname = \"provider\"\nallow = [\"1.2.3.4\"]\n[queue.operator]\n[outgoing]\n[[audiosocket]]\nlisten = \"127.0.0.1:9019\"\n",
    )
    .unwrap();
    let (shown, left_out) = (&sample.queues["operator"], &bare.queues["operator"]);
    assert_eq!(Queue { skills: Vec::new(), ..shown.clone() }, *left_out);
    let (shown, left_out) = (sample.sip.unwrap(), bare.sip.unwrap());
    assert_eq!((shown.udp, shown.max_calls, shown.realm), (left_out.udp, left_out.max_calls, left_out.realm));
    assert_eq!((sample.media.ports, sample.media.rtp_timeout_s), (bare.media.ports, bare.media.rtp_timeout_s));
    assert_eq!(sample.trunks[1].codecs, bare.trunks[0].codecs);
    let (shown, left_out) = (sample.outgoing.unwrap(), bare.outgoing.unwrap());
    assert_eq!(shown, left_out);
}

#[test]
fn mistakes_name_line_problem_and_mend() {
    let wrong = [
        (format!("{SIP}colour = 1\n"), "line 2: this key is not known: `colour`; allowed: "),
        (format!("{SIP}udp = [\"here\"]\n"), "line 2: "),
        (format!("{SIP}tls = [\"0.0.0.0:5061\"]\n"), "line 2: sip.tls: TLS needs a certificate and its key; name both"),
        (format!("{SIP}max_calls = 0\n"), "line 2: sip.max_calls: 0 is out of range; allowed: 1 to 20000"),
        (format!("{SIP}[[trunk]]\nname = \"a\"\n"), "line 2: trunk: nobody could call through trunk \"a\""),
        (
            format!("{SIP}[[trunk]]\nname = \"a\"\nallow = [\"x\"]\n"),
            "line 4: trunk.allow: \"x\" is no IP address; an address or a network",
        ),
        (
            format!("{SIP}[[trunk]]\nname = \"a\"\nallow = [\"1.1.1.1\"]\nentry = \"noon\"\n"),
            "line 5: trunk.entry: \"noon\" is no occasion of a call; allowed: auto, day, night",
        ),
        (
            format!("{SIP}[[trunk]]\nname = \"a\"\nallow = [\"1.1.1.1\"]\nclinic = \"vet_zoo\"\n"),
            "line 5: trunk.clinic: clinic \"vet_zoo\" is not served; allowed: vet_lapa",
        ),
        (
            format!("{SIP}[[trunk]]\nname = \"a\"\nallow = [\"1.1.1.1\"]\ndtmf = \"pulse\"\n"),
            "line 5: this word is not known: `pulse`; allowed: one of `rfc4733`, `info`, `inband`",
        ),
        (
            format!("{SIP}[[trunk]]\nname = \"a\"\nallow = [\"1.1.1.1\"]\npassword = \"a\"\npassword_env = \"b\"\n"),
            "line 6: trunk.password: it is given twice",
        ),
        (
            format!("{SIP}[[trunk]]\nname = \"a\"\nregistrar = \"b\"\nregister = true\n"),
            "line 2: trunk.register: to register, an account is needed",
        ),
        (format!("{SIP}[[operator]]\nname = \"A\"\n"), "line 2: operator: where \"A\" is reached is not clear"),
        (
            format!(
                "{SIP}[[operator]]\nname = \"A\"\nuri = \"sip:a@b\"\n[[operator]]\nname = \"A\"\nuri = \"sip:a@b\"\n"
            ),
            "line 6: operator.name: \"A\" is there already",
        ),
        (
            "[queue.desk]\nskills = [\"flying\"]\n".into(),
            "line 2: queue.desk.skills: no operator has the skill \"flying\"",
        ),
        ("[queue.desk]\noverflow = \"desk\"\n".into(), "line 2: queue.desk.overflow: there is no such other queue"),
        ("[queue.desk]\nmusic = \"no.wav\"\n".into(), "line 2: queue.desk.music: no.wav: no such file"),
        ("[media]\nports = \"10-20\"\n".into(), "line 2: media.ports: \"10-20\" is no range of ports"),
        ("[websocket.t]\nkind = \"twilio\"\n".into(), "line 1: websocket.t: signatures could not be checked"),
        ("[websocket.t]\nkind = \"fax\"\n".into(), "line 2: websocket.t.kind: \"fax\" is no kind of media WebSocket"),
        ("[visitors]\nurl = \"phone\"\n".into(), "line 2: visitors.url: \"phone\" is no such address"),
        ("[outgoing]\n".into(), "line 1: outgoing.trunk: which trunk is dialled through is not clear"),
        ("[[trunk]]\nname = \"a\"\nallow = [\"::/0\"]\n".into(), "line 1: sip: trunks and operators need SIP"),
        ("[sip\n".into(), "line 1: "),
    ];
    for (text, expected) in wrong {
        let said = read(&text).expect_err(&text);
        assert!(said.starts_with("lines.toml: "), "{said}");
        assert!(said.contains(expected), "of\n{text}\nis said\n{said}\ninstead of\n{expected}");
    }
}

#[test]
fn secrets_are_never_printed() {
    let lines = read(SAMPLE).unwrap();
    assert!(!format!("{lines:?}").contains("secret"));
}

#[test]
fn a_call_belongs_to_the_trunk_of_its_address_and_number() {
    let lines = read(
        "[sip]\n[[trunk]]\nname = \"one\"\nallow = [\"10.0.0.0/8\"]\nnumbers = [\"8 495 120-45-67\"]\n\
         [[trunk]]\nname = \"two\"\nallow = [\"10.0.0.1\"]\n[[trunk]]\nname = \"far\"\nregistrar = \"sip.example.com\"\n",
    )
    .unwrap();
    let name = |trunk: Option<&str>, source: &str, called: &str| {
        lines.trunk_of(trunk, source.parse().unwrap(), called).map(|trunk| trunk.name.clone())
    };
    assert_eq!(name(None, "10.0.0.1", "+74951204567").as_deref(), Some("one"));
    assert_eq!(name(None, "::ffff:10.0.0.1", "100").as_deref(), Some("two"));
    assert_eq!(name(Some("far"), "192.0.2.1", "100").as_deref(), Some("far"));
    assert_eq!(name(None, "10.9.9.9", "100"), None);
    assert_eq!(name(None, "192.0.2.1", "100"), None);
}
