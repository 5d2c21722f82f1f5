//! The cycle of reminders from the booking to the visit, and what people answer.

use outreach::answers::{Heard, Reply};
use outreach::send::Verdict;
use records::{Answer, Change, Channel, ContactKind, NewTime, Status};

use crate::{HOUR, MINUTE, NOW, PHONE, booking, live, scripted};

fn change(at_ms: i64) -> Change {
    Change { at_ms, by: "desk".into(), ..Change::default() }
}

fn simple(text: &str) -> Answer {
    match text.to_lowercase().as_str() {
        "да" => Answer::Yes,
        "нет" => Answer::No,
        _ => Answer::Unclear,
    }
}

async fn reply(outreach: &outreach::Outreach, text: &str) -> Heard {
    let (from, text) = (PHONE.into(), text.into());
    let reply = Reply { clinic: "vet", channel: Channel::Sms, from: &from, text: &text, to: None };
    outreach.answered(&reply, simple).await.unwrap()
}

#[tokio::test]
async fn a_visit_is_told_of_asked_about_and_reminded_of() {
    let (_folder, outreach, store, clock, senders) = scripted("", &[Channel::Sms]).await;
    let start = NOW + 77 * HOUR + 30 * MINUTE;
    store.book(&booking("a", start, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + 52 * HOUR).await;
    assert_eq!(store.booking("a").await.unwrap().status, Status::Reminded);
    let sms = &senders[&Channel::Sms];
    let texts: Vec<String> = sms.got.lock().unwrap().iter().map(|(_, _, text)| text.clone()).collect();
    assert_eq!(
        texts,
        [
            "Ветклиника «Лапа»: вы записаны в четверг, 26 ноября, в 15:30, терапия. Адрес: Садовая, 12. Если планы \
             изменятся, позвоните: +74951204567.",
            "Ветклиника «Лапа»: напоминаем о записи в четверг, 26 ноября, в 15:30. Адрес: Садовая, 12. Вы придёте? \
             Ответьте «да» или «нет».",
        ]
    );
    assert_eq!(reply(&outreach, "да").await, Heard::Confirmed { visit: "a".to_owned() });
    assert_eq!(store.booking("a").await.unwrap().status, Status::Confirmed);
    assert_eq!(reply(&outreach, "да").await, Heard::NotAsked, "it is answered");
    live(&outreach, &clock, start + HOUR).await;
    let said: Vec<String> = sms.got.lock().unwrap().iter().map(|(template, _, _)| template.clone()).collect();
    assert_eq!(said, ["booked", "day-before", "soon"]);
    assert!(outreach.list("vet").await.unwrap().is_empty(), "who has answered is not called");
    let keys: std::collections::BTreeSet<String> = sms.got.lock().unwrap().iter().map(|row| row.1.clone()).collect();
    assert_eq!(keys.len(), 3);
}

#[tokio::test]
async fn who_does_not_answer_is_called_and_the_call_settles_the_visit() {
    let (_folder, outreach, store, clock, _) = scripted("", &[Channel::Sms]).await;
    let start = NOW + 77 * HOUR;
    store.book(&booking("a", start, NOW), "robot").await.unwrap();
    // Wednesday, 17:59 and 18:00.
    live(&outreach, &clock, NOW + 56 * HOUR - MINUTE).await;
    assert!(outreach.list("vet").await.unwrap().is_empty());
    live(&outreach, &clock, NOW + 56 * HOUR).await;
    let contact = outreach.next_to_call("vet", &[], "olga").await.unwrap().unwrap();
    assert_eq!(
        (contact.kind, contact.visit.as_deref(), contact.person.as_str()),
        (ContactKind::Reminder, Some("a"), "Анна")
    );
    assert_eq!(outreach.next_to_call("vet", &[], "anna").await.unwrap(), None, "olga has it");
    let outcome =
        outreach::list::Outcome { result: records::ContactResult::Booked, visit: None, reason: None, call: None };
    outreach.attempted("vet", &contact.id, &outcome, "olga").await.unwrap();
    assert_eq!(store.booking("a").await.unwrap().status, Status::Confirmed);
    assert!(outreach.list("vet").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_no_brings_somebody_who_offers_another_time() {
    for (rule, status) in [("", Status::Booked), ("[reminders]\non_no = \"cancel\"\n", Status::Cancelled)] {
        let (_folder, outreach, store, clock, _) = scripted(rule, &[Channel::Sms]).await;
        store.book(&booking("a", NOW + 77 * HOUR, NOW), "robot").await.unwrap();
        live(&outreach, &clock, NOW + 51 * HOUR).await;
        let heard = reply(&outreach, "нет").await;
        assert_eq!(heard, Heard::Declined { visit: "a".to_owned(), cancelled: status == Status::Cancelled });
        let now = store.booking("a").await.unwrap().status;
        assert_eq!(now.is_live(), status.is_live(), "{now}");
        live(&outreach, &clock, NOW + 58 * HOUR).await;
        let list = outreach.list("vet").await.unwrap();
        assert_eq!((list.len(), list[0].kind), (1, ContactKind::Offer), "one call, with another time");
    }
}

#[tokio::test]
async fn who_refuses_on_the_phone_has_cancelled_with_a_reason() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    store.book(&booking("a", NOW + 77 * HOUR, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + 51 * HOUR).await;
    let contact = outreach.next_to_call("vet", &[], "olga").await.unwrap().unwrap();
    let outcome = outreach::list::Outcome {
        result: records::ContactResult::Refused,
        visit: None,
        reason: Some("дорого".into()),
        call: None,
    };
    outreach.attempted("vet", &contact.id, &outcome, "olga").await.unwrap();
    let visit = store.booking("a").await.unwrap();
    assert_eq!(visit.status, Status::Cancelled);
    let last = store.booking_history("a").await.unwrap().pop().unwrap();
    assert_eq!((last.change.by.as_str(), last.change.reason.as_str()), ("olga", "дорого"));
    live(&outreach, &clock, NOW + 78 * HOUR).await;
    assert!(outreach.list("vet").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_unclear_a_person_reads_and_two_visits_are_not_confused() {
    let (_folder, outreach, store, clock, _) = scripted("", &[Channel::Sms]).await;
    store.book(&booking("a", NOW + 77 * HOUR, NOW), "robot").await.unwrap();
    store.book(&booking("b", NOW + 78 * HOUR, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + 51 * HOUR).await;
    assert_eq!(reply(&outreach, "да").await, Heard::ForAPerson, "to which of the two?");
    assert!(!matches!(store.booking("a").await.unwrap().status, Status::Confirmed));
    let list = outreach.list("vet").await.unwrap();
    assert_eq!((list.len(), list[0].kind, list[0].reason.as_str()), (1, ContactKind::Reply, "да"));
    // The gateway says to which message it is a reply: then it is clear.
    let other = store.open_questions("vet", &PHONE.into(), clock.ms()).await.unwrap();
    assert_eq!(other.len(), 2);
    let stranger = "+79990000000".into();
    let text = "да".into();
    let unknown = Reply { clinic: "vet", channel: Channel::Sms, from: &stranger, text: &text, to: None };
    assert_eq!(outreach.answered(&unknown, simple).await.unwrap(), Heard::NotAsked);
}

#[tokio::test]
async fn a_moved_visit_is_told_afresh_and_the_old_time_never_again() {
    let (_folder, outreach, store, clock, senders) = scripted("", &[Channel::Sms]).await;
    store.book(&booking("a", NOW + 53 * HOUR, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + HOUR).await;
    let to = NewTime {
        id: "a2".into(),
        doctor: "other".into(),
        service: "terapiya".into(),
        start_ms: NOW + 101 * HOUR,
        end_ms: NOW + 102 * HOUR,
        ..NewTime::default()
    };
    store.move_booking("a", &to, &change(clock.ms())).await.unwrap();
    live(&outreach, &clock, NOW + 103 * HOUR).await;
    let said = senders[&Channel::Sms].got.lock().unwrap().clone();
    let templates: Vec<&str> = said.iter().map(|(template, _, _)| template.as_str()).collect();
    assert_eq!(templates, ["booked", "moved", "day-before", "soon"]);
    assert!(said[1..].iter().all(|(_, _, text)| text.contains("пятницу, 27 ноября")), "{said:?}");
}

#[tokio::test]
async fn the_robot_calls_through_the_exchanges_queue_once() {
    let steps =
        "[reminders]\nsteps = [{ id = \"ask\", when = \"1 day before at 12:00\", asks = true, how = \"call\" }]\n";
    let (_folder, outreach, store, clock, _) = scripted(steps, &[]).await;
    store.book(&booking("a", NOW + 77 * HOUR, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + 53 * HOUR).await;
    assert_eq!(store.job_counts("call-out").await.unwrap(), [(records::JobState::Ready, 1)]);
    let job = store.claim("call-out", clock.ms(), 1_000).await.unwrap().unwrap();
    assert_eq!(job.payload, serde_json::json!({ "clinic": "vet", "number": PHONE, "entry": "reminder" }));
}

#[tokio::test]
async fn without_any_gateway_a_person_asks() {
    let (_folder, outreach, store, clock, _) = scripted("", &[]).await;
    store.book(&booking("a", NOW + 77 * HOUR, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + 51 * HOUR).await;
    let list = outreach.list("vet").await.unwrap();
    assert_eq!((list.len(), list[0].kind), (1, ContactKind::Reminder));
    live(&outreach, &clock, NOW + 60 * HOUR).await;
    assert_eq!(outreach.list("vet").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_question_that_failed_is_asked_by_a_person_once() {
    let (_folder, outreach, store, clock, senders) = scripted("", &[Channel::Sms]).await;
    store.book(&booking("a", NOW + 77 * HOUR, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + HOUR).await;
    senders[&Channel::Sms].answers.lock().unwrap().push(Verdict::Never("no such number".to_owned()));
    live(&outreach, &clock, NOW + 60 * HOUR).await;
    let list = outreach.list("vet").await.unwrap();
    assert_eq!((list.len(), list[0].kind), (1, ContactKind::Message));
}

#[tokio::test]
async fn no_line_of_the_feed_holds_anything_personal() {
    let (_folder, outreach, store, clock, _) = scripted("", &[Channel::Sms]).await;
    store.book(&booking("a", NOW + 77 * HOUR, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + 51 * HOUR).await;
    reply(&outreach, "нет").await;
    outreach.step().await.unwrap();
    let feed = serde_json::to_string(&store.feed(0, None, 1_000).await.unwrap()).unwrap();
    for personal in ["Анна", "Барсик", "9031234567", "чихает", "записаны"] {
        assert!(!feed.contains(personal), "{personal}");
    }
    for kind in ["message.sent", "message.answered", "callback.created"] {
        assert!(feed.contains(kind), "{kind}");
    }
}

#[tokio::test]
async fn who_took_back_their_consent_hears_nothing_and_a_language_is_kept() {
    let (_folder, outreach, store, clock, senders) = scripted("", &[Channel::Sms]).await;
    let said = |id: &str, given, at_ms| records::Consent {
        id: id.to_owned(),
        clinic: "vet".to_owned(),
        phone: PHONE.into(),
        purpose: records::Purpose::Service,
        given,
        at_ms,
        how: records::ConsentHow::Desk,
        proof: "7".to_owned(),
        wording: "desk-2026".to_owned(),
        by: "olga".to_owned(),
    };
    store.put_client("vet", &PHONE.into(), Some("en"), NOW).await.unwrap();
    store.book(&booking("a", NOW + 77 * HOUR, NOW), "robot").await.unwrap();
    live(&outreach, &clock, NOW + HOUR).await;
    let first = senders[&Channel::Sms].got.lock().unwrap()[0].2.clone();
    assert!(first.contains("you are booked on Thursday, 26 November, at 15:00"), "{first}");
    store.put_consent(&said("no", false, clock.ms())).await.unwrap();
    live(&outreach, &clock, NOW + 80 * HOUR).await;
    assert_eq!(senders[&Channel::Sms].got.lock().unwrap().len(), 1);
    assert!(outreach.list("vet").await.unwrap().is_empty());
}

/// Two weeks of a clinic in steps of an hour, with a gateway that is busy, breaks off and refuses: no step is said twice,
/// nothing leaves at night or too late, and no key stands for two messages.
#[tokio::test]
async fn two_weeks_with_a_gateway_that_has_bad_days() {
    let (_folder, outreach, store, clock, senders) = scripted("", &[Channel::Sms]).await;
    let sms = &senders[&Channel::Sms];
    // A pseudo-random walk: the same every time.
    let mut seed = 20_261_123_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut visits = 0;
    for hour in 0..24 * 14 {
        let now = NOW + hour * HOUR;
        clock.set(now);
        if random(3) == 0 {
            let id = format!("v{visits}");
            visits += 1;
            let start = now + (3 + random(120) as i64) * HOUR;
            let mut visit = booking(&id, start, now);
            visit.phone = format!("+7903{:07}", visits).into();
            store.book(&visit, "robot").await.unwrap();
        }
        if visits > 0 && random(6) == 0 {
            let id = format!("v{}", random(visits));
            if store.booking(&id).await.unwrap().status.is_ahead() {
                store.cancel(&id, &change(now)).await.unwrap();
            }
        }
        *sms.answers.lock().unwrap() = match random(5) {
            0 => vec![Verdict::Again { problem: "busy".into(), after: None }; 3],
            1 => vec![Verdict::Unsure("broke off".into()), Verdict::Never("bad".into())],
            _ => Vec::new(),
        };
        outreach.step().await.unwrap();
        let mut bell = now;
        while let Some(wake) = outreach.next_wake().await.unwrap().filter(|wake| *wake < now + HOUR) {
            bell = wake.max(bell + MINUTE);
            if bell >= now + HOUR {
                break;
            }
            clock.set(bell);
            outreach.step().await.unwrap();
        }
    }
    let mut said = 0;
    for visit in 0..visits {
        let messages = store.messages_of_visit(&format!("v{visit}")).await.unwrap();
        let mut steps: Vec<&str> = messages.iter().map(|message| message.new.step.as_str()).collect();
        steps.sort_unstable();
        let count = steps.len();
        steps.dedup();
        assert_eq!(steps.len(), count, "a step twice: {messages:?}");
        for message in &messages {
            assert!(message.sent_ms.is_none_or(|at| at < message.new.not_after_ms), "{message:?}");
            let local = message.sent_ms.map(|at| (at + 3 * HOUR) / HOUR % 24);
            assert!(local.is_none_or(|hour| (9..21).contains(&hour)), "sent at {local:?}");
            said += usize::from(message.sent_ms.is_some());
        }
    }
    assert!(visits > 80 && said > 100, "{visits} visits, {said} messages");
    // One message in the gateway's hands is one text, except where it broke off and was asked under the same key.
    let got = sms.got.lock().unwrap().clone();
    let taken: std::collections::BTreeMap<_, std::collections::BTreeSet<_>> = got.iter().fold(
        Default::default(),
        |mut all: std::collections::BTreeMap<_, std::collections::BTreeSet<_>>, row| {
            all.entry(row.1.clone()).or_default().insert(row.2.clone());
            all
        },
    );
    assert!(taken.values().all(|texts| texts.len() == 1), "a key was used for two messages");
}
