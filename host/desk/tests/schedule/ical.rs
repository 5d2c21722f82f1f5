//! iCalendar: a doctor's feed, and absences out of other calendars.

use desk::ical::{FeedDetail, busy_times};
use desk::{Booking, Hand, SlotQuery, Why};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::{BIG, desk, now, visitor};

/// `24 10:00-11:30` for each busy time, on Moscow's clock.
fn busy(events: &str) -> Vec<String> {
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}\r\nEND:VCALENDAR\r\n", events.replace('\n', "\r\n"));
    let moscow = TimeZone::get("Europe/Moscow").unwrap();
    let until: Timestamp = "2026-12-31T00:00:00Z".parse().unwrap();
    let times = busy_times(&text, &moscow, now(), until).unwrap();
    let at = |ms: i64, format: &str| {
        Timestamp::from_millisecond(ms).unwrap().to_zoned(moscow.clone()).strftime(format).to_string()
    };
    times.iter().map(|time| format!("{}-{}", at(time.start_ms, "%m-%d %H:%M"), at(time.end_ms, "%H:%M"))).collect()
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:a\n{lines}\nEND:VEVENT")
}

#[test]
fn single_events_in_every_spelling() {
    assert_eq!(busy(&event("DTSTART:20261124T100000\nDTEND:20261124T113000")), ["11-24 10:00-11:30"]);
    assert_eq!(busy(&event("DTSTART:20261124T070000Z\nDURATION:PT1H30M")), ["11-24 10:00-11:30"]);
    let berlin = "DTSTART;TZID=Europe/Berlin:20261124T080000\nDTEND;TZID=\"Europe/Berlin\":20261124T093000";
    assert_eq!(busy(&event(berlin)), ["11-24 10:00-11:30"]);
    assert_eq!(busy(&event("DTSTART;VALUE=DATE:20261124\nDTEND;VALUE=DATE:20261125")), ["11-24 00:00-00:00"]);
    assert_eq!(busy(&event("DTSTART;VALUE=DATE:20261124")), ["11-24 00:00-00:00"]);
    // Folded in the middle of a word; an alarm with a start of its own.
    let folded = "DTSTART:2026112\n 4T100000\nDTEND:20261124T103000\nBEGIN:VALARM\nDTSTART:x\nEND:VALARM";
    assert_eq!(busy(&event(folded)), ["11-24 10:00-10:30"]);
    for free in ["STATUS:CANCELLED", "TRANSP:TRANSPARENT"] {
        assert!(busy(&event(&format!("DTSTART:20261124T100000\nDTEND:20261124T113000\n{free}"))).is_empty());
    }
    assert!(busy(&event("DTSTART:20261024T100000\nDTEND:20261024T113000")).is_empty(), "long past");
    // What began before is still going on.
    assert_eq!(busy(&event("DTSTART:20261123T080000\nDTEND:20261123T120000")), ["11-23 08:00-12:00"]);
}

#[test]
fn repetition_counts_skips_and_ends() {
    let lunch = |rule: &str| busy(&event(&format!("DTSTART:20261124T130000\nDTEND:20261124T140000\nRRULE:{rule}")));
    let days = |times: Vec<String>| times.iter().map(|time| time[..5].to_owned()).collect::<Vec<_>>();
    assert_eq!(days(lunch("FREQ=DAILY;COUNT=3")), ["11-24", "11-25", "11-26"]);
    assert_eq!(days(lunch("FREQ=DAILY;INTERVAL=5;UNTIL=20261205")), ["11-24", "11-29", "12-04"]);
    assert_eq!(days(lunch("FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4")), ["11-24", "11-26", "12-01", "12-03"]);
    assert_eq!(days(lunch("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;UNTIL=20261209T100000Z")), ["11-24", "12-07", "12-08"]);
    assert_eq!(days(lunch("FREQ=DAILY;BYDAY=SA,SU;UNTIL=20261206")), ["11-28", "11-29", "12-05", "12-06"]);
    assert_eq!(lunch("FREQ=WEEKLY").len(), 6);
    // Begun long ago, counted and not.
    let old = |rule: &str| days(busy(&event(&format!("DTSTART:20240101T130000\nDTEND:20240101T140000\nRRULE:{rule}"))));
    assert_eq!(old("FREQ=WEEKLY;INTERVAL=3;UNTIL=20261220"), ["12-07"]);
    assert_eq!(old("FREQ=DAILY;COUNT=1060"), ["11-23", "11-24", "11-25"]);
    let except = "DTSTART:20261124T130000\nDTEND:20261124T140000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20261125T130000,20261126T100000Z";
    assert_eq!(days(busy(&event(except))), ["11-24", "11-27"]);
    let moved = format!(
        "{}\nBEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20261125T130000\nDTSTART:20261125T150000\nDTEND:20261125T160000\nEND:VEVENT",
        event("DTSTART:20261124T130000\nDTEND:20261124T140000\nRRULE:FREQ=DAILY;COUNT=3")
    );
    assert_eq!(busy(&moved), ["11-24 13:00-14:00", "11-25 15:00-16:00", "11-26 13:00-14:00"]);
}

#[test]
fn repetition_keeps_the_wall_clock_when_the_clocks_change() {
    let new_york = TimeZone::get("America/New_York").unwrap();
    let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART;TZID=America/New_York:20261030T090000\nDTEND;TZID=America/New_York:20261030T100000\nRRULE:FREQ=DAILY;COUNT=4\nEND:VEVENT\nEND:VCALENDAR";
    let (from, until) = ("2026-10-01T00:00:00Z".parse().unwrap(), "2026-12-01T00:00:00Z".parse().unwrap());
    let times = busy_times(text, &new_york, from, until).unwrap();
    let utc: Vec<String> = times
        .iter()
        .map(|time| Timestamp::from_millisecond(time.start_ms).unwrap().strftime("%d %H:%M").to_string())
        .collect();
    // Summer time ends on 1 November: nine o'clock there is an hour later here.
    assert_eq!(utc, ["30 13:00", "31 13:00", "01 14:00", "02 14:00"]);
}

#[test]
fn what_cannot_be_read_names_its_line() {
    let moscow = TimeZone::get("Europe/Moscow").unwrap();
    let until: Timestamp = "2026-12-31T00:00:00Z".parse().unwrap();
    for (text, line, told) in [
        ("hello", 1, "no colon"),
        ("X:1", 1, "this is no calendar"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT", 2, "no DTSTART"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261124", 2, "no END:VEVENT"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:tomorrow\nEND:VEVENT", 3, "no date and time"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Moscow Time:20261124T100000\nEND:VEVENT", 3, "is not known"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261124\nRRULE:FREQ=MONTHLY\nEND:VEVENT", 4, "is not understood"),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261124\nRRULE:FREQ=DAILY;COUNT=1;UNTIL=20261201\nEND:VEVENT",
            4,
            "both",
        ),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261124\nRRULE:FREQ=WEEKLY;BYDAY=1MO\nEND:VEVENT", 4, "no weekday"),
    ] {
        let error = busy_times(text, &moscow, now(), until).unwrap_err();
        assert_eq!(error.line, line, "{error}");
        assert!(error.problem.contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_doctors_feed_tells_no_more_than_it_may_and_reads_back() {
    let (_folder, desk) = desk(BIG).await;
    let query = SlotQuery { service: Some("vaccine".into()), doctor: Some("petrov".into()), ..SlotQuery::default() };
    let slots = desk.find(&query, now()).await.unwrap();
    for slot in &slots[..2] {
        let booked = desk.book(&slot.id, &visitor("кот Барсик, очень; пушистый"), None, now()).await.unwrap();
        let Booking::Booked(visit) = booked else { panic!() };
        if slot.id == slots[1].id {
            desk.cancel_by(&visit.id, &Why::default(), Hand::person("olga", now())).await.unwrap();
        }
    }
    let span = (now(), "2026-12-01T00:00:00Z".parse().unwrap());
    let nobody = desk.doctor_feed("petrov", span, FeedDetail::Nobody, now()).await.unwrap();
    for personal in ["Анна", "Барсик", "9031234567", "чихает", "кош"] {
        assert!(!nobody.contains(personal), "{nobody}");
    }
    assert!(nobody.split("\r\n").all(|line| line.len() <= 75), "{nobody}");
    let whole = |feed: &str| feed.replace("\r\n ", "");
    assert!(whole(&nobody).contains("SUMMARY:прививка\r\n") && nobody.contains("STATUS:CANCELLED"));
    let species = desk.doctor_feed("petrov", span, FeedDetail::Species, now()).await.unwrap();
    assert!(whole(&species).contains("SUMMARY:прививка\\, кошки\r\n"), "{species}");
    let initials = desk.doctor_feed("petrov", span, FeedDetail::Initials, now()).await.unwrap();
    assert!(whole(&initials).contains("SUMMARY:прививка\\, А.\\, кот Барсик\\, очень\\; пушистый\r\n"), "{initials}");
    assert!(!initials.contains("Анна"));
    // Our own words are words we understand; the cancelled visit takes no time.
    let back = busy_times(&initials, &TimeZone::UTC, now(), span.1).unwrap();
    assert_eq!(back.iter().map(|time| time.start_ms).collect::<Vec<_>>(), [slots[0].start_ms()]);
    let other = desk.doctor_feed("orlov", span, FeedDetail::Initials, now()).await.unwrap();
    assert!(!other.contains("VEVENT"));
    assert_eq!(desk.doctor_feed("nobody", span, FeedDetail::Nobody, now()).await.unwrap_err().code(), "unknown-doctor");
}

#[tokio::test]
async fn an_imported_absence_is_not_offered_until_the_calendar_takes_it_back() {
    let (_folder, desk) = desk(BIG).await;
    let day = "2026-11-24".parse().ok();
    let query = SlotQuery {
        service: Some("vaccine".into()),
        doctor: Some("petrov".into()),
        date_from: day,
        date_to: day,
        limit: 100,
        ..SlotQuery::default()
    };
    let before = desk.find(&query, now()).await.unwrap().len();
    let calendar = |events: &str| format!("BEGIN:VCALENDAR\n{events}\nEND:VCALENDAR");
    let school = calendar(&event("DTSTART:20261124T090000\nDTEND:20261124T120000\nRRULE:FREQ=WEEKLY;COUNT=2"));
    assert_eq!(desk.import_calendar("petrov", "school", &school, now()).await.unwrap(), 2);
    assert_eq!(desk.find(&query, now()).await.unwrap().len(), before - 12);
    // A broken calendar changes nothing.
    let error = desk.import_calendar("petrov", "school", "oops", now()).await.unwrap_err();
    assert_eq!(error.code(), "bad-calendar");
    assert_eq!(desk.find(&query, now()).await.unwrap().len(), before - 12);
    assert_eq!(desk.import_calendar("petrov", "school", &calendar("X:1"), now()).await.unwrap(), 0);
    assert_eq!(desk.find(&query, now()).await.unwrap().len(), before);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(BEGIN:VCALENDAR|BEGIN:VEVENT|END:VEVENT|DTSTART|DTEND|RRULE|EXDATE|:|;|=|,|\"|\n| |FREQ=DAILY|20261124T100000Z|[0-9]{1,8}|\\PC){0,40}") {
        let from: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let until: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let _ = busy_times(&text, &TimeZone::UTC, from, until);
    }
}
