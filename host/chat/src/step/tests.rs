//! Whatever happens in whatever order: no visitor's message is lost, places are without gaps, and the table holds.

use proptest::prelude::*;

use super::*;

fn thread(channel: &str) -> ChatThread {
    ChatThread {
        id: "t".into(),
        clinic: "vet_lapa".into(),
        channel: channel.into(),
        external_id: None,
        phone: Pii::default(),
        person: Pii::default(),
        state: ChatState::Robot,
        operator: None,
        waiting_ms: None,
        promised: false,
        last_seq: 0,
        generation: 0,
        started_ms: 0,
        visitor_ms: None,
        answered_ms: None,
        last_ms: 0,
    }
}

const CONTEXT: Context = Context { now_ms: 1000, position: 2, robot: true };

fn wrote(text: &str) -> Event {
    Event::Visitor { text: text.into(), external_id: None }
}

fn operator(who: &str, text: &str) -> Event {
    Event::Operator { operator: who.into(), text: text.into(), canned: None }
}

fn take(who: &str) -> Event {
    Event::Take { operator: who.into() }
}

#[test]
fn from_the_robot_to_a_person_and_back() {
    let asked = step(&thread(SITE), wrote("сколько стоит прививка"), &CONTEXT).unwrap();
    assert_eq!((asked.thread.state, asked.ask_robot), (ChatState::Robot, Some(1)));
    let said = Event::Robot { text: "1500 рублей".into(), buttons: vec!["Записаться".into()] };
    let said = step(&asked.thread, said, &CONTEXT).unwrap();
    assert_eq!(said.waits, [WaitChange::Answered(WaitKind::First, "robot".into())]);

    let waiting = step(&said.thread, wrote("позовите оператора"), &CONTEXT).unwrap();
    assert_eq!((waiting.thread.state, waiting.ask_robot), (ChatState::Waiting, None));
    assert_eq!(waiting.thread.waiting_ms, Some(1000));
    assert!(waiting.messages[1].text.as_str().contains("Перед вами в очереди: 1"));
    let late = Event::Robot { text: "поздно".into(), buttons: vec![] };
    assert_eq!(step(&waiting.thread, late, &CONTEXT), Err(Refused::NotTheRobots(ChatState::Waiting)));

    let answered = step(&waiting.thread, operator("olga", "Слушаю вас"), &CONTEXT).unwrap();
    assert_eq!((answered.thread.state, answered.thread.operator.as_deref()), (ChatState::Person, Some("olga")));
    assert!(answered.waits.contains(&WaitChange::Answered(WaitKind::Person, "olga".into())));
    assert_eq!(step(&answered.thread, take("ivan"), &CONTEXT), Err(Refused::HeldBy("olga".into())));
    assert_eq!(step(&answered.thread, operator("ivan", "я"), &CONTEXT), Err(Refused::HeldBy("olga".into())));
    let more = step(&answered.thread, wrote("спасибо, оператор"), &CONTEXT).unwrap();
    assert_eq!((more.thread.state, more.ask_robot, more.messages.len()), (ChatState::Person, None, 1));

    let back = step(&more.thread, Event::GiveBack { operator: "olga".into() }, &CONTEXT).unwrap();
    assert_eq!((back.thread.state, back.thread.operator.clone()), (ChatState::Robot, None));
    let closed = step(&back.thread, Event::Close { operator: None }, &CONTEXT).unwrap();
    let again = step(&closed.thread, wrote("ещё вопрос"), &CONTEXT).unwrap();
    assert_eq!((again.thread.state, again.ask_robot.is_some()), (ChatState::Robot, true));
}

#[test]
fn where_nobody_comes_a_call_back_is_promised_once() {
    let mut waiting = step(&thread("telegram"), Event::HandOver, &CONTEXT).unwrap().thread;
    let asked = step(&waiting, Event::NobodyThere, &CONTEXT).unwrap();
    assert_eq!((asked.thread.state, asked.call_back.clone()), (ChatState::Waiting, None));
    assert!(asked.messages[0].text.as_str().contains("номер телефона"));
    assert!(step(&asked.thread, Event::NobodyThere, &CONTEXT).unwrap().messages.is_empty());
    let given = step(&asked.thread, wrote("мой номер 8 903 123-45-67, жду"), &CONTEXT).unwrap();
    assert_eq!(given.call_back, Some("+79031234567".into()));
    assert_eq!(given.thread.phone, "+79031234567".into());
    let twice = step(&given.thread, wrote("8 903 123-45-67"), &CONTEXT).unwrap();
    assert_eq!(twice.call_back, None);

    waiting.phone = "+79031234567".into();
    let promised = step(&waiting, Event::NobodyThere, &CONTEXT).unwrap();
    assert_eq!(promised.call_back, Some("+79031234567".into()));
    let taken = step(&promised.thread, take("olga"), &CONTEXT).unwrap();
    assert_eq!((taken.thread.state, taken.thread.promised), (ChatState::Person, false));
    assert_eq!(step(&taken.thread, Event::NobodyThere, &CONTEXT), Err(Refused::NotWaiting(ChatState::Person)));
}

#[test]
fn without_a_robot_every_conversation_waits_for_a_person() {
    let context = Context { robot: false, position: 1, ..CONTEXT };
    let asked = step(&thread(SITE), wrote("здравствуйте"), &context).unwrap();
    assert_eq!((asked.thread.state, asked.ask_robot), (ChatState::Waiting, None));
}

fn any_event() -> impl Strategy<Value = Event> {
    let who = prop_oneof![Just("olga".to_owned()), Just("ivan".to_owned())];
    let text = prop_oneof![Just("привет"), Just("оператор"), Just("+79031234567"), Just("")];
    prop_oneof![
        4 => text.clone().prop_map(wrote),
        2 => text.prop_map(|text| Event::Robot { text: text.into(), buttons: vec![] }),
        1 => Just(Event::HandOver),
        1 => who.clone().prop_map(|operator| Event::Take { operator }),
        2 => who.clone().prop_map(|operator| Event::Operator { operator, text: "ответ".into(), canned: None }),
        1 => who.clone().prop_map(|operator| Event::GiveBack { operator }),
        1 => Just(Event::NobodyThere),
        1 => proptest::option::of(who).prop_map(|operator| Event::Close { operator }),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_and_every_state_is_whole(
        events in proptest::collection::vec(any_event(), 0..60), robot: bool, site: bool,
    ) {
        let mut now = thread(if site { SITE } else { "telegram" });
        let (mut written, mut seqs) = (0, Vec::new());
        for (at, event) in events.into_iter().enumerate() {
            let context = Context { now_ms: at as i64, position: 1, robot };
            let from_visitor = matches!(event, Event::Visitor { .. });
            let before = now.clone();
            match step(&now, event, &context) {
                Ok(out) => {
                    let theirs = out.messages.iter().filter(|message| message.who == ChatWho::Visitor).count();
                    prop_assert_eq!(theirs, usize::from(from_visitor));
                    written += theirs;
                    seqs.extend(out.messages.iter().map(|message| message.seq));
                    // The robot is asked for visitors' words only, and only while it holds the conversation.
                    prop_assert!(out.ask_robot.is_none() || (from_visitor && out.thread.state == ChatState::Robot && robot));
                    let comes_in = |message: &ChatMessage| message.delivery == ChatDelivery::In;
                    let in_place = out.messages.iter().all(|one| comes_in(one) == (one.who == ChatWho::Visitor));
                    prop_assert!(in_place);
                    prop_assert!(out.call_back.is_none() || out.thread.promised);
                    now = out.thread;
                }
                Err(_) => {
                    prop_assert!(!from_visitor, "a visitor's message was refused");
                    prop_assert_eq!(&before, &now);
                }
            }
            prop_assert_eq!(now.state == ChatState::Person, now.operator.is_some());
            prop_assert_eq!(now.state == ChatState::Waiting, now.waiting_ms.is_some());
            prop_assert!(!now.promised || now.state == ChatState::Waiting);
        }
        prop_assert_eq!(seqs, (1..=now.last_seq).collect::<Vec<_>>());
        prop_assert!(written as i64 <= now.last_seq);
    }
}
