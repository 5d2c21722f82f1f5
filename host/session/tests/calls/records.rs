//! What is written down of a call: everything, in order, linked; and nothing half done, wherever the caller hangs up.

use ::records::{BookingRecord, CallbackStatus, Outcome, Status, Who};
use call::EndReason;
use flows::host::voice::Question;
use flows::host::{Error, HostCall, HostReply};
use flows::journal::Entry;

use crate::support::{BOOKING, DAY, House, VET_DESK, at, hangs_up, says};

const CALLER: &str = "+79031234567";

/// The questions of a journal, in order.
fn questions(journal: &[Entry]) -> Vec<&Question> {
    let question = |entry: &'_ Entry| matches!(entry.call, HostCall::VoiceAsk { .. });
    journal.iter().filter(|entry| question(entry)).filter_map(|entry| asked(&entry.call)).collect()
}

fn asked(call: &HostCall) -> Option<&Question> {
    match call {
        HostCall::VoiceAsk { question } => Some(question),
        _ => None,
    }
}

#[tokio::test]
async fn a_booking_leaves_everything_behind() {
    let house = House::vet_lapa().await;
    let setup = at(DAY, Some(CALLER));
    let started = setup.started.timestamp().as_millisecond();
    let (held, _) = house.call(setup, &says(BOOKING)).await;
    assert_eq!(held.outcome, Some(Outcome::Booked), "{}", house.told(&held).await);
    let store = &house.stage.store;

    let call = house.record(&held).await;
    assert_eq!(call.flow_digest.as_deref(), Some(VET_DESK.digest()));
    assert_eq!((call.clinic.as_str(), call.timezone.as_str()), ("vet_lapa", "Europe/Moscow"));
    assert_eq!((call.started_ms, call.answered_ms), (started, Some(started)));
    assert_eq!(call.ended_ms, Some(started + i64::try_from(held.duration_ms).unwrap()));
    assert_eq!(call.caller.as_ref().map(|caller| caller.as_str()), Some(CALLER));
    assert_eq!(call.agent.as_deref(), Some("robot"));
    assert_eq!(call.outcome, Some(Outcome::Booked));
    assert_eq!(call.end_reason.as_deref(), Some("flow-finished"));
    assert_eq!(call.category.as_deref(), Some("target"));

    let turns = store.turns(&held.id).await.unwrap();
    for (place, turn) in turns.iter().enumerate() {
        assert_eq!(turn.seq, i64::try_from(place).unwrap());
        assert!(turn.start_ms <= turn.end_ms, "{turn:?}");
    }
    assert!(turns.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms), "one speaks after the other");
    let said = |who: Who| turns.iter().filter(move |turn| turn.who == who).map(|turn| turn.text.as_str());
    let answers: Vec<&str> = BOOKING.iter().map(|(_, answer)| *answer).collect();
    assert_eq!(said(Who::Caller).collect::<Vec<_>>(), answers);
    assert!(said(Who::Agent).count() > answers.len(), "greeting, questions, confirmation");
    assert!(said(Who::Agent).any(|text| text.contains("вы записаны")));

    let journal = house.journal(&held).await;
    let ids: Vec<&str> = questions(&journal).into_iter().map(|question| question.id.as_str()).collect();
    assert_eq!(ids, BOOKING.iter().map(|(question, _)| *question).collect::<Vec<_>>());
    assert_eq!(journal.len() as u64, u64::from(held.flow.as_ref().unwrap().host_calls), "every host call is there");
    assert!(journal.windows(2).all(|pair| pair[0].at_ms + pair[0].took_ms <= pair[1].at_ms), "in the call's time");

    let tags = store.tags(&held.id).await.unwrap();
    assert_eq!(tags.len(), 1, "{tags:?}");
    assert_eq!((tags[0].tag.category.as_str(), tags[0].tag.by.as_str()), ("target", "flow:vet-desk"));
    assert_eq!(tags[0].tag.model_version, VET_DESK.digest());
    assert_eq!(held.category.as_deref(), Some("target"));

    let bookings = house.bookings().await;
    assert_eq!(bookings.len(), 1);
    let BookingRecord { status, phone, person, animal, service, call, .. } = &bookings[0];
    assert_eq!((status, call.as_ref()), (&Status::Booked, Some(&held.id)));
    assert_eq!((phone.as_str(), service.as_str()), (CALLER, "therapy"));
    assert!(person.as_str().contains("Петрова"), "{}", person.as_str());
    assert!(animal.as_str().contains("Мурка"), "{}", animal.as_str());
    let booked = journal.iter().find_map(|entry| match &entry.reply {
        HostReply::AppointmentsBook(Ok(flows::host::appointments::Booking::Booked(visit))) => Some(visit.id.clone()),
        _ => None,
    });
    assert_eq!(booked.as_ref(), Some(&bookings[0].id), "the flow was told of the booking that is written down");
    let history = store.booking_history(&bookings[0].id).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].change.call.as_ref(), Some(&held.id));
}

/// A hidden number, so that the phone is asked for too: one question more to hang up at.
#[tokio::test]
async fn hanging_up_at_any_question_leaves_a_consistent_record() {
    let mut answers = BOOKING.to_vec();
    answers.insert(6, ("phone", "восемь девятьсот три сто двадцать три сорок пять шестьдесят семь"));
    answers.insert(7, ("phone-check", "да"));
    let whole = House::vet_lapa().await;
    let (held, _) = whole.call(at(DAY, None), &says(&answers)).await;
    assert_eq!(held.outcome, Some(Outcome::Booked), "{}", whole.told(&held).await);
    let journal = whole.journal(&held).await;
    let asked: Vec<String> = questions(&journal).into_iter().map(|question| question.id.clone()).collect();
    assert!(asked.len() >= 9, "{asked:?}");

    let house = House::vet_lapa().await;
    for (place, question) in asked.iter().enumerate() {
        let before = house.bookings().await.len();
        let known: Vec<_> = answers.iter().copied().filter(|(when, _)| when != question).collect();
        let (held, _) = house.call(at(DAY, None), &hangs_up(&known, question)).await;
        let told = format!("hung up at {question}:\n{}", house.told(&held).await);
        assert_eq!(held.end, EndReason::CallerHungUp, "{told}");

        let call = house.record(&held).await;
        assert_eq!(call.end_reason.as_deref(), Some("caller-hung-up"), "{told}");
        assert!(call.ended_ms.is_some(), "{told}");

        let journal = house.journal(&held).await;
        let reached: Vec<&str> = questions(&journal).into_iter().map(|question| question.id.as_str()).collect();
        assert_eq!(reached, asked[..=place], "{told}");
        let last = journal.iter().rfind(|entry| matches!(entry.call, HostCall::VoiceAsk { .. })).unwrap();
        assert_eq!(last.reply, HostReply::VoiceAsk(Err(Error::Hangup)), "{told}");

        // All of a booking or nothing of it: the record, the outcome and what the caller heard agree.
        let new: Vec<_> =
            house.bookings().await.into_iter().filter(|visit| visit.call.as_ref() == Some(&held.id)).collect();
        let heard = told.contains("вы записаны");
        assert_eq!(new.len(), usize::from(heard), "{told}");
        assert_eq!(house.bookings().await.len(), before + new.len(), "{told}");
        let outcome = if heard { Outcome::Booked } else { Outcome::Nothing };
        assert_eq!((held.outcome, call.outcome), (Some(outcome), Some(outcome)), "{told}");
        assert_eq!(heard, question == "more", "{told}");

        let tags = house.stage.store.tags(&held.id).await.unwrap();
        assert!(tags.len() <= 1, "{tags:?}");
        assert_eq!(call.category, tags.first().map(|entry| entry.tag.category.clone()), "{told}");
        if place > 0 {
            assert_eq!(call.category.as_deref(), Some("target"), "who asked for a visit wanted one\n{told}");
        }
    }
    let promised = house.stage.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap();
    assert!(promised.is_empty(), "who hangs up on a flow in good health is promised nothing");
}
