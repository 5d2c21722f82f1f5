//! A whole visit booked by telephone: spoken lines, recognised by the real engine, both directions compared.

use phones::baresip::{Baresip, Setting as Telephone};
use phones::compare::{pieces, share_alike};
use phones::conversation::{self, BOOKING, Phone, booking_voice};
use phones::gudok::{DESK, Gudok};
use phones::linphone::Linphone;
use phones::voice::Voice;

use crate::shared;

/// Recognition is cut off after some seconds, so that no caller waits; on a machine that is busy with something else that
/// may happen to a good recogniser, and the robot then hands over. Here such a call is worth another try.
const TRIES: usize = 2;
/// The share of what was said, in pieces of a second, that must be heard unchanged. A packet that comes too late on a busy
/// machine costs its piece.
const ALIKE: f64 = 0.5;
/// linphone keeps a clock of its own: now and then it drops or repeats ten milliseconds of what it plays and records.
const NEARLY_ALIKE: f64 = 0.5;

/// Calls, books, and compares both directions; whether the visit was booked.
fn book(gudok: &Gudok, phone: &mut impl Phone, number: &str, voice: &Voice, alike: f64) -> Result<(), String> {
    phone.call(&format!("sip:{DESK}@{}", gudok.sip)).unwrap_or_else(|error| panic!("{error:#}\n{}", gudok.printed()));
    let call = gudok.call_of("phones_desk", number).unwrap();
    let held = conversation::hold(phone, gudok, &call, BOOKING, voice);
    if !phone.is_over().unwrap_or(true) {
        phone.hang_up().unwrap();
    }
    let whole = gudok.ended(&call).unwrap();

    let (caller, robot) = gudok.recording(&call).unwrap();
    let said = (phone.said().unwrap(), phone.heard().unwrap());
    for (way, said, heard) in [("robot to telephone", &robot, &said.1), ("telephone to robot", &said.0, &caller)] {
        let found = pieces(said, heard).unwrap_or_else(|error| panic!("{way}: {error}"));
        let share = share_alike(&found, 0.99, said.len().saturating_sub(8_000));
        println!("{way}: {} pieces, {:.1} % of them correlate with 0.99 and more", found.len(), share * 100.0);
        assert!(share >= alike, "{way}: {found:#?}");
    }

    held.map_err(|error| format!("{error:#}"))?;
    let turns = format!("{:#?}", conversation::turns(gudok, &call).unwrap());
    let bookings = whole["bookings"].as_array().unwrap();
    if bookings.len() != 1 {
        return Err(format!("no visit is booked\n{turns}\n{whole}"));
    }
    let booking = &bookings[0];
    assert_eq!(
        (booking["service"].as_str(), booking["doctor"].as_str()),
        (Some("therapy"), Some("belov")),
        "{booking}"
    );
    assert_eq!(booking["status"], "booked", "{booking}");
    assert_eq!(whole["call"]["outcome"], "booked", "{turns}");
    Ok(())
}

#[test]
fn baresip_books_a_visit() {
    let (gudok, folder) = (shared(), tempfile::tempdir().unwrap());
    let voice = booking_voice(&folder.path().join("voice")).unwrap();
    let mut told = String::new();
    for attempt in 0..TRIES {
        let number = format!("+7903000020{attempt}");
        let telephone = Telephone { number: number.clone(), ..Telephone::default() };
        let place = folder.path().join(format!("baresip-{attempt}"));
        let mut phone = Baresip::start(&telephone, &voice.silence, &place).unwrap();
        match book(&gudok, &mut phone, &number, &voice, ALIKE) {
            Ok(()) => return,
            Err(why) => told += &why,
        }
    }
    panic!("not booked in {TRIES} tries: {told}\n{}", gudok.printed());
}

#[test]
fn linphone_books_a_visit() {
    let (gudok, folder) = (shared(), tempfile::tempdir().unwrap());
    let voice = booking_voice(&folder.path().join("voice")).unwrap();
    let mut told = String::new();
    for attempt in 0..TRIES {
        let number = format!("+7903000021{attempt}");
        let place = folder.path().join(format!("linphone-{attempt}"));
        let mut phone = Linphone::start(&number, &["PCMA"], &place).unwrap();
        match book(&gudok, &mut phone, &number, &voice, NEARLY_ALIKE) {
            Ok(()) => return,
            Err(why) => told += &why,
        }
    }
    panic!("not booked in {TRIES} tries: {told}\n{}", gudok.printed());
}
