//! Sound, with telephones: what the robot says is what the ear hears, whatever the codec and the transport.

use std::time::Duration;

use phones::baresip::{Baresip, Setting as Telephone};
use phones::compare::{pieces, share_alike, spans, speaks_at_end};
use phones::conversation::Phone as _;
use phones::gudok::{Gudok, MENU, Setting};
use phones::process::free_port;
use phones::voice::Voice;
use phones::wait;

use crate::{shared, twice};

/// One caller's words, in each of these calls; the menu has nothing to say to them.
const WORDS: &str = "Здравствуйте, я просто проверяю связь.";

/// The share of what was said, in pieces of a second, that must be heard unchanged. A packet that comes too late on a busy
/// machine costs its piece.
const UNCHANGED: f64 = 0.5;

/// Calls the menu, says something, listens to the menu, hangs up; then compares both directions.
fn both_directions(gudok: &Gudok, telephone: &Telephone, to: &str, alike: f64) {
    twice(|attempt| {
        let number = format!("{}{attempt}", &telephone.number[..telephone.number.len() - 1]);
        compared(gudok, &Telephone { number, ..telephone.clone() }, to, alike);
    });
}

fn compared(gudok: &Gudok, telephone: &Telephone, to: &str, alike: f64) {
    let folder = tempfile::tempdir().unwrap();
    let voice = Voice::speak(&[WORDS], &folder.path().join("voice"), telephone.rate).unwrap();
    let mut phone = Baresip::start(telephone, &voice.silence, &folder.path().join("phone")).unwrap();
    phone.call(to).unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
    let call = gudok.call_of("phones_menu", &telephone.number).unwrap();
    // What is said before the notice was heard is not on the recording.
    wait::until("the recording notice", Duration::from_secs(40), || {
        let turns = phones::conversation::turns(gudok, &call)?;
        Ok(turns.iter().any(|turn| turn.contains("записыва")).then_some(()))
    })
    .unwrap();
    phone.microphone(voice.line(WORDS).unwrap()).unwrap();
    // The menu is said to its end, or the caller was heard and it is said again: both are speech to compare.
    wait::until("the robot to have said the menu", Duration::from_secs(40), || {
        let turns = phones::conversation::turns(gudok, &call)?;
        Ok(turns.iter().any(|turn| turn.starts_with("agent: ")).then_some(()))
    })
    .unwrap();
    wait::until("four seconds of sound", Duration::from_secs(20), || {
        Ok((phone.heard()?.len() > 4 * telephone.rate as usize).then_some(()))
    })
    .unwrap();
    phone.hang_up().unwrap();
    gudok.ended(&call).unwrap();
    let (caller, robot) = gudok.recording(&call).unwrap();
    let at_line_rate = |samples: Vec<i16>| audio::Pcm { rate: telephone.rate, samples }.resampled(8_000).samples;
    for (way, said, heard) in [
        ("robot to telephone", robot, at_line_rate(phone.heard().unwrap())),
        ("telephone to robot", at_line_rate(phone.said().unwrap()), caller),
    ] {
        let found = pieces(&said, &heard).unwrap_or_else(|error| panic!("{way}: {error}"));
        let share = share_alike(&found, alike, said.len().saturating_sub(4_000));
        assert!(share >= UNCHANGED, "{way}: {found:#?}\n{}", phone.printed());
    }
}

#[test]
fn a_law_over_udp() {
    let gudok = shared();
    let telephone = Telephone { number: "+79030000111".into(), ..Telephone::default() };
    both_directions(&gudok, &telephone, &format!("sip:{MENU}@{}", gudok.sip), 0.99);
}

#[test]
fn mu_law_over_tcp() {
    let gudok = shared();
    let telephone =
        Telephone { number: "+79030000121".into(), codecs: "PCMU/8000/1", transport: "tcp", ..Telephone::default() };
    both_directions(&gudok, &telephone, &format!("sip:{MENU}@{};transport=tcp", gudok.sip), 0.99);
}

/// The filters that split the band, and those between 8 and 16 kHz on both ends, delay by parts of a sample: less alike by
/// the letter, not to the ear.
#[test]
fn g722_over_udp() {
    let gudok = shared();
    let telephone =
        Telephone { number: "+79030000131".into(), codecs: "G722/16000/1", rate: 16_000, ..Telephone::default() };
    both_directions(&gudok, &telephone, &format!("sip:{MENU}@{}", gudok.sip), 0.95);
}

#[test]
fn encrypted_over_tls() {
    let gudok = Gudok::start(&Setting { tls: true, srtp: "required", ..Setting::default() }).unwrap();
    let telephone = Telephone {
        number: "+79030000141".into(),
        transport: "tls",
        encryption: Some("srtp-mand"),
        ..Telephone::default()
    };
    both_directions(&gudok, &telephone, &format!("sip:{MENU}@{};transport=tls", gudok.sips), 0.99);
}

const ANSWER: &str = "Добрый день, регистратура, слушаю вас.";

/// Key 0 leads to the queue, the operator's phone rings, and when it is answered the two hear each other.
#[test]
fn an_operator_is_talked_to() {
    let listen = free_port("127.0.0.1").unwrap();
    let more = format!(
        "[[operator]]\nname = \"Анна\"\nclinic = \"phones_menu\"\nuri = \"sip:101@127.0.0.1:{listen}\"\n\n\
         [queue.operator]\nclinic = \"phones_menu\"\nalways_open = true\n"
    );
    let gudok = Gudok::start(&Setting { more, ..Setting::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let voice = Voice::speak(&[WORDS, ANSWER], &folder.path().join("voice"), 8_000).unwrap();
    let start = |number: &str, listen| {
        let telephone = Telephone { number: number.into(), listen, ..Telephone::default() };
        Baresip::start(&telephone, &voice.silence, &folder.path().join(number)).unwrap()
    };
    let (mut operator, mut caller) = (start("101", listen), start("+79030000105", 0));
    caller.call(&format!("sip:{MENU}@{}", gudok.sip)).unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
    caller.press('0').unwrap();
    let rung = operator.ring(Duration::from_secs(30)).and_then(|()| operator.answer());
    rung.unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
    // First the operator alone hears what the robot learned.
    let quiet_after_speech = |phone: &Baresip| {
        let heard = phone.heard()?;
        Ok((!spans(&heard).is_empty() && !speaks_at_end(&heard, 1_500)).then_some(()))
    };
    wait::until("the whisper to the operator to end", Duration::from_secs(30), || quiet_after_speech(&operator))
        .unwrap();
    let before = operator.heard().unwrap().len();
    caller.microphone(voice.line(WORDS).unwrap()).unwrap();
    let longer =
        |phone: &Baresip, than: usize| phone.heard().map(|heard| (heard.len() > than + 6 * 8_000).then_some(()));
    wait::until("the caller's words", Duration::from_secs(20), || longer(&operator, before)).unwrap();
    let before = caller.heard().unwrap().len();
    operator.microphone(voice.line(ANSWER).unwrap()).unwrap();
    wait::until("the operator's words", Duration::from_secs(20), || longer(&caller, before)).unwrap();
    caller.hang_up().unwrap();
    let call = gudok.call_of("phones_menu", "+79030000105").unwrap();
    // The robot's part ends with the transfer; who talked is written down when the talk is over.
    wait::until("the talk in the records", Duration::from_secs(20), || {
        Ok((gudok.call(&call)?["call"]["agent"] == "Анна").then_some(()))
    })
    .unwrap_or_else(|error| panic!("{error:#}: {}", gudok.call(&call).unwrap()));
    let said = |phone: &Baresip| phone.said().unwrap();
    for (way, said, heard) in [
        ("caller to operator", said(&caller), operator.heard().unwrap()),
        ("operator to caller", said(&operator), caller.heard().unwrap()),
    ] {
        let found = pieces(&said, &heard).unwrap_or_else(|error| panic!("{way}: {error}"));
        assert!(share_alike(&found, 0.99, usize::MAX) >= UNCHANGED, "{way}: {found:#?}\n{}", gudok.printed());
    }
    // Both of them, behind what the robot said, are on the one recording.
    let (left, right) = gudok.recording(&call).unwrap();
    for (side, said, heard) in [("caller", said(&caller), left), ("operator", said(&operator), right)] {
        let found = pieces(&said, &heard).unwrap_or_else(|error| panic!("the {side} on the recording: {error}"));
        // The robot's part is on it too; of what these two said nothing may be missing.
        assert!(share_alike(&found, 0.99, usize::MAX) >= UNCHANGED, "the {side} on the recording: {found:#?}");
    }
}
