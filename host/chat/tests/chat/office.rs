//! One clinic's conversations: robot, person, nobody; nothing lost, nothing twice.

use std::sync::Mutex;

use async_trait::async_trait;
use chat::kpi::{LIMIT_MS, answered_within};
use chat::{ChatError, Refused, Reply, Robot, RobotSays};
use records::{CallbackStatus, ChatState, ChatThread, ChatWho, Pii, WaitKind};

use crate::{NOW, messages, office, texts, thread, wrote};

/// Repeats what it is told, hands over on «больно», fails on «сломайся».
#[derive(Default)]
struct Parrot(Mutex<Vec<String>>);

#[async_trait]
impl Robot for Parrot {
    async fn say(&self, _: &ChatThread, text: &Pii) -> Result<RobotSays, String> {
        self.0.lock().unwrap().push(text.as_str().to_owned());
        if text.as_str() == "сломайся" {
            return Err("out of order".into());
        }
        let reply = Reply {
            text: format!("Вы сказали: {}", text.as_str()), buttons: vec!["да".into(), "нет".into()]
        };
        Ok(RobotSays { replies: vec![reply], hand_over: text.as_str() == "больно", ended: false })
    }
}

#[tokio::test]
async fn the_robot_answers_and_the_same_message_twice_is_one() {
    let (_folder, office) = office(true).await;
    let robot = Parrot::default();
    let first = office.visitor(&wrote("site", "m1", "привет"), NOW).await.unwrap();
    assert!(first.is_new);
    let again = office.visitor(&wrote("site", "m1", "привет"), NOW + 1).await.unwrap();
    assert_eq!((again.is_new, again.thread.as_str()), (false, first.thread.as_str()));
    office.visitor(&wrote("site", "m2", "как дела"), NOW + 2).await.unwrap();
    while office.robot_once(&robot, NOW + 500).await.unwrap() {}
    assert_eq!(*robot.0.lock().unwrap(), ["привет", "как дела"]);
    let all = texts(&office, &first.thread).await;
    assert_eq!(all, ["привет", "как дела", "Вы сказали: привет", "Вы сказали: как дела"]);
    assert_eq!(messages(&office, &first.thread).await[2].buttons, ["да", "нет"]);
    let told = office.store().feed(0, Some("vet_lapa"), 100).await.unwrap();
    assert!(told.iter().all(|event| event.subject == first.thread && event.kind.starts_with("chat.")));
    assert!(!serde_json::to_string(&told).unwrap().contains("привет"));
}

#[tokio::test]
async fn messages_that_come_at_once_are_all_there_in_one_order() {
    let (_folder, office) = office(false).await;
    let senders = (0..12).map(|number| {
        let office = office.clone();
        tokio::spawn(async move {
            let incoming = wrote("telegram", &format!("m{}", number / 2), &format!("письмо {}", number / 2));
            office.visitor(&incoming, NOW + number).await.unwrap()
        })
    });
    let mut new = 0;
    let mut threads = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        let received = sender.await.unwrap();
        new += usize::from(received.is_new);
        threads.push(received.thread);
    }
    threads.sort();
    threads.dedup();
    assert_eq!((new, threads.len()), (6, 1));
    let all = messages(&office, &threads[0]).await;
    assert_eq!(all.iter().filter(|message| message.who == ChatWho::Visitor).count(), 6);
    assert_eq!(all.iter().map(|message| message.seq).collect::<Vec<_>>(), (1..=all.len() as i64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_person_takes_over_and_gives_back_and_the_minute_is_measured() {
    let (_folder, office) = office(true).await;
    let robot = Parrot::default();
    let id = office.visitor(&wrote("site", "m1", "больно"), NOW).await.unwrap().thread;
    office.robot_once(&robot, NOW + 2_000).await.unwrap();
    let waiting = thread(&office, &id).await;
    assert_eq!(waiting.state, ChatState::Waiting);
    assert_eq!(office.position(&waiting).await.unwrap(), Some(1));

    let other = chat::Incoming { conversation: "43".into(), ..wrote("site", "x1", "оператор") };
    let second = office.visitor(&other, NOW + 3_000).await.unwrap().thread;
    assert_eq!(office.position(&thread(&office, &second).await).await.unwrap(), Some(2));
    assert!(texts(&office, &second).await[1].contains("Перед вами в очереди: 1"));

    office.answer(&id, "olga", &"Слушаю".into(), NOW + 50_000).await.unwrap();
    let refused = office.take(&id, "ivan", NOW + 51_000).await;
    assert!(matches!(refused, Err(ChatError::Refused(Refused::HeldBy(who))) if who == "olga"));
    office.visitor(&wrote("site", "m2", "где вы"), NOW + 52_000).await.unwrap();
    office.send_canned(&id, "adres", "olga", NOW + 53_000).await.unwrap();
    let last = messages(&office, &id).await.pop().unwrap();
    assert_eq!(last.text, "Здравствуйте, Анна! Мы на Садовая, 1, сегодня с 9:00 до 21:00.".into());
    assert_eq!((last.canned.as_deref(), last.operator.as_deref()), (Some("adres"), Some("olga")));
    let unknown = office.send_canned(&id, "price", "olga", NOW).await;
    assert!(matches!(unknown, Err(ChatError::NoCanned { known, .. }) if known == "adres"));

    // The robot has no say while a person talks, and is asked again afterwards.
    assert!(!office.robot_once(&robot, NOW + 54_000).await.unwrap());
    office.give_back(&id, "olga", NOW + 60_000).await.unwrap();
    office.visitor(&wrote("site", "m3", "спасибо"), NOW + 61_000).await.unwrap();
    assert!(office.robot_once(&robot, NOW + 62_000).await.unwrap());
    assert_eq!(thread(&office, &id).await.state, ChatState::Robot);

    let waits = office.store().chat_waits("vet_lapa", NOW, NOW + 100_000).await.unwrap();
    let first = answered_within(&waits, WaitKind::First, LIMIT_MS, NOW + 90_000);
    assert_eq!((first.waits, first.answered, first.within), (4, 3, 3));
    let person = answered_within(&waits, WaitKind::Person, LIMIT_MS, NOW + 90_000);
    assert_eq!((person.waits, person.answered, person.within, person.median_ms), (2, 1, 1, Some(48_000)));
}

#[tokio::test]
async fn a_robot_that_fails_hands_over() {
    let (_folder, office) = office(true).await;
    let id = office.visitor(&wrote("site", "m1", "сломайся"), NOW).await.unwrap().thread;
    office.robot_once(&Parrot::default(), NOW + 1).await.unwrap();
    assert_eq!(thread(&office, &id).await.state, ChatState::Waiting);
}

#[tokio::test]
async fn a_robot_that_is_asked_again_after_a_crash_says_it_once() {
    let (_folder, office) = office(true).await;
    let robot = Parrot::default();
    let id = office.visitor(&wrote("site", "m1", "привет"), NOW).await.unwrap().thread;
    office.robot_once(&robot, NOW + 1).await.unwrap();
    // As if the program had died between the answer and the job's end.
    let job = records::NewJob {
        id: records::id(),
        kind: "chat.robot.vet_lapa".into(),
        payload: serde_json::json!({ "thread": id, "seq": 1 }),
        unique_key: None,
        run_at_ms: NOW,
        max_attempts: 3,
        created_ms: NOW,
    };
    office.store().enqueue(&job).await.unwrap();
    assert!(office.robot_once(&robot, NOW + 2).await.unwrap());
    assert_eq!(texts(&office, &id).await.len(), 2);
}

#[tokio::test]
async fn where_nobody_comes_a_call_back_is_written_down_once() {
    let (_folder, office) = office(false).await;
    let id = office.visitor(&wrote("site", "m1", "есть кто?"), NOW).await.unwrap().thread;
    assert_eq!(office.promise_call_backs(NOW + 119_000).await.unwrap(), 0);
    assert_eq!(office.promise_call_backs(NOW + 120_000).await.unwrap(), 1);
    assert_eq!(office.promise_call_backs(NOW + 130_000).await.unwrap(), 0);
    assert!(!office.call_back_once(NOW + 131_000).await.unwrap());
    office.visitor(&wrote("site", "m2", "8 903 123-45-67"), NOW + 140_000).await.unwrap();
    while office.call_back_once(NOW + 141_000).await.unwrap() {}
    let promised = office.store().callbacks("vet_lapa", CallbackStatus::Open).await.unwrap();
    assert_eq!(promised.len(), 1);
    assert_eq!((promised[0].phone.as_str(), promised[0].person.as_str()), ("+79031234567", "Анна"));
    assert_eq!(thread(&office, &id).await.state, ChatState::Waiting);
    // At night nobody waits three minutes in vain.
    let night = NOW + 13 * 3_600_000;
    let other = chat::Incoming { conversation: "43".into(), ..wrote("site", "n1", "оператор") };
    office.visitor(&other, night).await.unwrap();
    assert_eq!(office.promise_call_backs(night).await.unwrap(), 1);
}

#[tokio::test]
async fn who_was_identified_is_erased_with_the_words() {
    let (folder, office) = office(false).await;
    let id = office.visitor(&wrote("telegram", "m1", "у Барсика болит лапа"), NOW).await.unwrap().thread;
    assert!(office.identify(&id, "завтра", &"".into(), NOW).await.is_err());
    let known = office.identify(&id, "8 903 123-45-67", &"Анна Петрова".into(), NOW + 1).await.unwrap();
    assert_eq!((known.phone.as_str(), known.person.as_str()), ("+79031234567", "Анна Петрова"));
    let store = office.store().clone().with_keyring(records::Keyring::new(folder.path().join("keys")));
    let erasure = records::NewErasure {
        id: "e1".into(),
        clinic: "vet_lapa".into(),
        phone: "+79031234567".into(),
        by: "olga".into(),
        reason: "request of the person".into(),
        at_ms: NOW + 2,
    };
    store.erase_person(&erasure).await.unwrap();
    let erased = thread(&office, &id).await;
    assert_eq!((erased.state, erased.external_id, erased.person), (ChatState::Closed, None, Pii::default()));
    assert!(messages(&office, &id).await.is_empty());
    // The same visitor is a stranger from now on, and the wait of before still counts.
    let again = office.visitor(&wrote("telegram", "m2", "здравствуйте"), NOW + 3).await.unwrap();
    assert_ne!(again.thread, id);
    let waits = store.chat_waits("vet_lapa", NOW, NOW + 10).await.unwrap();
    assert_eq!(waits.iter().map(|wait| wait.ended_ms).collect::<Vec<_>>(), [Some(NOW), Some(NOW), None, None]);
}

#[tokio::test]
async fn who_opens_the_chat_is_greeted_once_and_nobody_is_called_for_that() {
    let (_folder, office) = office(true).await;
    let robot = Parrot::default();
    let key = Pii::from("k1");
    let opened = office.open("site", &key, NOW).await.unwrap();
    assert_eq!(office.open("site", &key, NOW + 1).await.unwrap().id, opened.id);
    while office.robot_once(&robot, NOW + 2).await.unwrap() {}
    assert_eq!(texts(&office, &opened.id).await, ["Вы сказали: "]);
    let wrote = chat::Incoming { conversation: key, ..wrote("site", "m1", "привет") };
    assert_eq!(office.visitor(&wrote, NOW + 3).await.unwrap().thread, opened.id);
    while office.robot_once(&robot, NOW + 4).await.unwrap() {}
    assert_eq!(texts(&office, &opened.id).await.len(), 3);
    let (page, _) = office.store().chat_page("vet_lapa", None, 9, None).await.unwrap();
    assert_eq!(page.len(), 1);
    let waits = office.store().chat_waits("vet_lapa", NOW, NOW + 10).await.unwrap();
    assert_eq!(waits.len(), 1, "opening is no question");
}

#[tokio::test]
async fn a_robot_that_cannot_greet_calls_nobody() {
    struct Silent;
    #[async_trait]
    impl Robot for Silent {
        async fn say(&self, _: &ChatThread, _: &Pii) -> Result<RobotSays, String> {
            Err("no flow".into())
        }
    }
    let (_folder, office) = office(true).await;
    let opened = office.open("site", &"k1".into(), NOW).await.unwrap();
    office.robot_once(&Silent, NOW + 1).await.unwrap();
    assert_eq!(thread(&office, &opened.id).await.state, ChatState::Robot);
    assert_eq!(texts(&office, &opened.id).await.len(), 1);
    assert_eq!(office.store().chat_page("vet_lapa", None, 9, None).await.unwrap().0.len(), 0);
    let incoming = chat::Incoming { conversation: "k1".into(), ..wrote("site", "m1", "привет") };
    office.visitor(&incoming, NOW + 2).await.unwrap();
    office.robot_once(&Silent, NOW + 3).await.unwrap();
    assert_eq!(thread(&office, &opened.id).await.state, ChatState::Waiting);
}
