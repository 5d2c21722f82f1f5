//! The protocol by the letter, with sipp.

use std::net::IpAddr;
use std::time::Duration;

use phones::baresip::{Baresip, Setting as Telephone};
use phones::gudok::{Gudok, MENU, Setting};
use phones::process::free_port;
use phones::sipp::{Outcome, Sipp, Transport, header};
use phones::voice::Voice;
use tempfile::TempDir;

use crate::{shared, twice};

/// One run of a scenario against a server, calling the menu of keys.
struct Run<'a> {
    gudok: &'a Gudok,
    folder: TempDir,
    transport: Transport,
}

impl<'a> Run<'a> {
    fn over(gudok: &'a Gudok, transport: Transport) -> Run<'a> {
        Run { gudok, folder: tempfile::tempdir().unwrap(), transport }
    }

    fn sipp(&self, scenario: &str, number: &str) -> Sipp {
        Sipp::new(scenario, self.gudok.sip, self.transport, self.folder.path()).unwrap().calling(number, MENU)
    }

    fn once(&self, scenario: &str, number: &str) -> Outcome {
        self.sipp(scenario, number)
            .calls(1, 1)
            .run()
            .unwrap_or_else(|error| panic!("{error:#}\ngudok printed:\n{}", self.gudok.printed()))
    }

    /// The call ended for the reason that is expected, and was written down.
    fn ended(&self, number: &str) -> serde_json::Value {
        let call = self.gudok.call_of("phones_menu", number).unwrap();
        self.gudok.ended(&call).unwrap()
    }
}

#[test]
fn a_call_is_answered_over_udp() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    let outcome = run.once("answer", "+79030000001");
    assert!(header(&outcome.messages, "SIP/2.0 200", "Contact").unwrap().contains(&gudok.sip.port().to_string()));
    let call = run.ended("+79030000001");
    assert_eq!(call["call"]["direction"], "incoming", "{call}");
    assert_eq!(call["call"]["end_reason"], "caller-hung-up", "{call}");
}

#[test]
fn a_call_is_answered_over_tcp() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Tcp);
    run.once("answer", "+79030000002");
    run.ended("+79030000002");
}

#[test]
fn a_call_is_answered_over_ipv6() {
    let gudok = Gudok::start(&Setting { ip: IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), ..Setting::default() }).unwrap();
    let run = Run::over(&gudok, Transport::Udp);
    let outcome = run.once("answer", "+79030000003");
    assert!(outcome.messages.contains("c=IN IP6 ::1"), "{}", outcome.messages);
    run.ended("+79030000003");
}

#[test]
fn keys_come_as_telephone_events() {
    keys("keys_rtp", "+79030000004");
}

#[test]
fn keys_come_as_info() {
    keys("keys_info", "+79030000005");
}

/// Key 1 tells the hours, key 2 the address: each exactly once, in this order.
fn keys(scenario: &str, number: &str) {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    run.once(scenario, number);
    let call = run.ended(number);
    let robot: Vec<&str> = call["turns"].as_array().unwrap().iter().filter_map(|turn| turn["text"].as_str()).collect();
    let at = |words: &str| {
        robot.iter().enumerate().filter(|(_, text)| text.contains(words)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (hours, address) = (at("Сегодня работаем"), at("улица Садовая"));
    assert_eq!((hours.len(), address.len()), (1, 1), "{robot:#?}");
    assert!(hours[0] < address[0], "{robot:#?}");
}

#[test]
fn hold_silences_both_ways_and_resume_brings_the_sound_back() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    let media = phones::rtp::MediaEnd::open("127.0.0.1").unwrap();
    let sipp = run
        .sipp("hold", "+79030000006")
        .key("rtp_port", &media.port().unwrap().to_string())
        .calls(1, 1)
        .start()
        .unwrap();
    let limit = Duration::from_secs(10);
    media.expect(25, limit).unwrap();
    media.expect_quiet(Duration::from_millis(700), limit).unwrap();
    media.expect(25, limit).unwrap();
    sipp.end().unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
    run.ended("+79030000006");
}

#[test]
fn hold_by_the_address_of_nobody_is_understood() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    let media = phones::rtp::MediaEnd::open("127.0.0.1").unwrap();
    let port = media.port().unwrap().to_string();
    let sipp = run.sipp("hold_old", "+79030000007").key("rtp_port", &port).calls(1, 1).start().unwrap();
    media.expect(20, Duration::from_secs(10)).unwrap();
    media.expect_quiet(Duration::from_millis(700), Duration::from_secs(10)).unwrap();
    sipp.end().unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
}

#[test]
fn a_cancelled_call_ends_with_487() {
    let gudok = shared();
    Run::over(&gudok, Transport::Udp).once("cancel", "+79030000008");
}

#[test]
fn a_caller_who_hangs_up_at_once_is_no_trouble() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    run.sipp("early_bye", "+79030000009")
        .calls(20, 20)
        .run()
        .unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
    run.once("bye_without_ack", "+79030000010");
    run.ended("+79030000010");
    run.once("answer", "+79030000011");
}

#[test]
fn a_network_that_loses_packets_loses_no_call() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    twice(|attempt| {
        let number = format!("+7903000022{attempt}");
        let outcome = run
            .sipp("lost", &number)
            .calls(40, 10)
            .option(&["-lost", "5"])
            .limit(Duration::from_secs(60))
            .run()
            .unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
        let sent = outcome.messages.matches("INVITE sip:").count();
        assert!(sent >= 40, "{sent} INVITEs");
        let calls = gudok.calls("phones_menu", &number).unwrap();
        assert_eq!(calls.len(), 40, "a repeated INVITE is no other call");
    });
}

#[test]
fn more_calls_than_the_house_takes_are_refused_before_they_are_served() {
    let gudok = Gudok::start(&Setting { max_calls: 2, ..Setting::default() }).unwrap();
    let run = Run::over(&gudok, Transport::Udp);
    let outcome = run
        .sipp("overload", "+79030000013")
        .calls(10, 10)
        .run()
        .unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
    let count = |word: &str| outcome.log.lines().filter(|line| line.contains(word)).count();
    assert_eq!((count("taken"), count("refused")), (2, 8), "{}", outcome.log);
    // There is room again.
    run.once("answer", "+79030000014");
}

#[test]
fn options_tell_what_is_understood() {
    let gudok = shared();
    Run::over(&gudok, Transport::Udp).once("options", "+79030000015");
}

#[test]
fn update_and_options_are_answered_in_a_call() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    run.once("update", "+79030000016");
    run.ended("+79030000016");
}

#[test]
fn a_session_timer_is_kept() {
    // The first refresh comes after 45 s, longer than the menu talks: the caller waits meanwhile for a phone that rings.
    let (folder, listen) = (tempfile::tempdir().unwrap(), free_port("127.0.0.1").unwrap());
    let more = format!(
        "[[operator]]\nname = \"Анна\"\nclinic = \"phones_menu\"\nuri = \"sip:101@127.0.0.1:{listen}\"\n\n\
         [queue.operator]\nclinic = \"phones_menu\"\nalways_open = true\nring = 60\n"
    );
    let gudok = Gudok::start(&Setting { rtp_timeout: 0, more, ..Setting::default() }).unwrap();
    let silence = Voice::speak(&[], &folder.path().join("voice"), 8_000).unwrap().silence;
    let telephone = Telephone { number: "101".into(), listen, ..Telephone::default() };
    let _rings = Baresip::start(&telephone, &silence, &folder.path().join("101")).unwrap();
    let run = Run::over(&gudok, Transport::Udp);
    run.once("timer_small", "+79030000017");
    run.sipp("timer", "+79030000018")
        .calls(1, 1)
        .limit(Duration::from_secs(75))
        .run()
        .unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
}

#[test]
fn a_caller_who_is_cut_off_is_noticed() {
    let gudok = Gudok::start(&Setting { rtp_timeout: 3, ..Setting::default() }).unwrap();
    let run = Run::over(&gudok, Transport::Udp);
    // sipp sends no sound at all.
    run.once("ended_by_robot", "+79030000022");
    run.ended("+79030000022");
}

#[test]
fn an_offer_without_a_codec_of_ours_is_refused() {
    let gudok = shared();
    Run::over(&gudok, Transport::Udp).once("no_media", "+79030000019");
}

#[test]
fn an_offer_may_come_from_us() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    let media = phones::rtp::MediaEnd::open("127.0.0.1").unwrap();
    let port = media.port().unwrap().to_string();
    let sipp = run.sipp("late_offer", "+79030000020").key("rtp_port", &port).calls(1, 1).start().unwrap();
    media.expect(25, Duration::from_secs(10)).unwrap();
    sipp.end().unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
}

#[test]
fn a_number_of_nobody_is_refused() {
    let gudok = shared();
    let run = Run::over(&gudok, Transport::Udp);
    let refused = Sipp::new("answer", gudok.sip, Transport::Udp, run.folder.path())
        .unwrap()
        .calling("+79030000021", "74950000000")
        .calls(1, 1)
        .run();
    let said = format!("{:#}", refused.err().expect("nobody has this number"));
    assert!(said.contains("SIP/2.0 404") || said.contains("SIP/2.0 403"), "{said}");
}
