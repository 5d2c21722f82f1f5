//! Nothing personal reaches the log, however loud it is set. A process of its own: the log is the whole process's.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use desk::{Booking, CallbackRequest, Clinic, Desk, SlotQuery, Visitor};
use records::Store;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_phone_nor_name_nor_words() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();

    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    let text = "id = \"a\"\nname = \"А\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\nservices = [\"УЗИ\"]";
    let desk = Desk::new(Arc::new(Clinic::parse(text, "a.toml").unwrap()), store);
    let now = "2026-11-23T06:10:00Z".parse().unwrap();
    let visitor = Visitor {
        phone: "+79167771212".into(),
        person: "Аделаида".into(),
        animal: "Мурзилка".into(),
        reason: "захромала".into(),
    };
    let slots = desk.find(&SlotQuery::default(), now).await.unwrap();
    let Booking::Booked(visit) = desk.book(&slots[0].id, &visitor, None, now).await.unwrap() else { panic!() };
    desk.reschedule(&visit.id, &slots[1].id, None, now).await.unwrap();
    desk.mine("89167771212", now).await.unwrap();
    let request =
        CallbackRequest { phone: visitor.phone.clone(), person: visitor.person.clone(), ..Default::default() };
    desk.request_callback(&request, None, now).await.unwrap();
    let wrong = Visitor { phone: "8 916 777-12-12-89".into(), ..visitor.clone() };
    tracing::error!(error = %desk.book(&slots[2].id, &wrong, None, now).await.unwrap_err(), visitor = ?visitor, visit = ?visit);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("cannot be read"), "nothing was logged at all");
    for personal in ["9167771212", "777-12-12", "Аделаида", "Мурзилка", "захромала"] {
        assert!(!log.contains(personal), "{personal} in the log:\n{log}");
    }
}
