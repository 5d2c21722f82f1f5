//! The program is killed at every step of planning and sending, as a real process with a real gateway on the other side. What
//! people got is counted there: nothing twice, nothing lost.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use outreach::{Outreach, Step};
use records::{ContactKind, MessageState};

use crate::gateway::{Gateway, configured};
use crate::{Clock, HOUR, MINUTE, NOW, booking, clinic, open, settings};

const DATABASE: &str = "GUDOK_OUTREACH_TEST_DB";
const GATEWAYS: &str = "GUDOK_OUTREACH_TEST_GATEWAYS";
const CLOCK: &str = "GUDOK_OUTREACH_TEST_NOW";
const DIE_AT: &str = "GUDOK_OUTREACH_TEST_DIE_AT";

pub(crate) const STEPS: [Step; 5] = [Step::Decided, Step::Planned, Step::Claimed, Step::Answered, Step::Written];

/// One run of the program, as a child that works once through what is due. It dies at the `nth` time it comes to a step.
pub(crate) fn program(folder: &Path, gateways: &str, now: i64, die_at: Option<(Step, usize)>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "kills::child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DATABASE, folder)
        .env(GATEWAYS, gateways)
        .env(CLOCK, now.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some((step, nth)) = die_at {
        command.env(DIE_AT, format!("{step:?} {nth}"));
    }
    command
}

fn die(step: Step) {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let Ok(at) = std::env::var(DIE_AT) else { return };
    let (name, nth) = at.split_once(' ').unwrap();
    if format!("{step:?}") == name && SEEN.fetch_add(1, Ordering::SeqCst) + 1 == nth.parse::<usize>().unwrap() {
        // No destructor, no flush: as a crash.
        std::process::abort();
    }
}

/// The child. Ignored when the tests are run; the tests below run it by name.
#[test]
#[ignore = "is run as a child by the tests of this file"]
fn child() {
    let folder = std::path::PathBuf::from(std::env::var(DATABASE).unwrap());
    let gateways = std::env::var(GATEWAYS).unwrap();
    let clock = Clock::at(std::env::var(CLOCK).unwrap().parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(&folder).await;
        let mut settings = settings(&store, &gateways, &clock);
        settings.at = die;
        if gateways.contains("[email]") {
            settings.may_contact = Arc::new(crate::mail::ByMail);
        }
        let by_mail = "[reminders]\nchannels = [\"email\", \"sms\"]\n";
        Outreach::new(store, [clinic(by_mail)], settings).step().await.unwrap();
    });
}

/// Three visits are booked; each of them will be told of at once.
pub(crate) fn three_visits(folder: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(folder).await;
        for (n, id) in ["a", "b", "c"].into_iter().enumerate() {
            let visit = booking(id, NOW + 72 * HOUR + n as i64 * HOUR, NOW);
            store.book(&visit, "robot").await.unwrap();
        }
        store.close().await;
    });
}

/// What the records say of the three messages: their states, and how many people are on the list because of one.
pub(crate) fn outcome(folder: &Path) -> (Vec<MessageState>, usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(folder).await;
        let mut states = Vec::new();
        for visit in ["a", "b", "c"] {
            let messages = store.messages_of_visit(visit).await.unwrap();
            assert_eq!(messages.len(), 1, "one message a visit, planned once");
            states.push(messages[0].state);
        }
        let list = store.contacts("vet").await.unwrap();
        assert!(list.iter().all(|contact| contact.kind == ContactKind::Message));
        let about: std::collections::BTreeSet<_> = list.iter().map(|contact| contact.visit.clone()).collect();
        assert_eq!(about.len(), list.len(), "nobody is on the list twice");
        store.close().await;
        (states, list.len())
    })
}

/// Later than any lease.
const LATER: i64 = NOW + 3 * MINUTE;

fn killed_everywhere(gateway: &Gateway, config: &str, check: impl Fn(&Path, &str)) {
    for step in STEPS {
        for nth in [1, 2, 3] {
            let folder = tempfile::tempdir().unwrap();
            three_visits(folder.path());
            *gateway.book.lock().unwrap() = crate::gateway::Book::default();
            let died = program(folder.path(), config, NOW, Some((step, nth))).status().unwrap();
            assert!(!died.success(), "the child came to {step:?} less than {nth} times");
            let done = program(folder.path(), config, LATER, None).status().unwrap();
            assert!(done.success());
            check(folder.path(), &format!("killed at {step:?} for the {nth}. time"));
        }
    }
}

#[test]
fn a_gateway_that_knows_keys_delivers_each_message_once() {
    let gateway = Gateway::start(true);
    let config = configured("sms", &gateway.address, "idempotent = true");
    killed_everywhere(&gateway, &config, |folder, when| {
        assert_eq!((gateway.delivered().len(), gateway.doubles()), (3, 0), "{when}");
        assert_eq!(outcome(folder), (vec![MessageState::Sent; 3], 0), "{when}");
    });
}

#[test]
fn a_gateway_that_can_be_asked_delivers_each_message_once() {
    let gateway = Gateway::start(false);
    let more = format!(
        "[sms.status]\nurl = \"http://{}/status?id={{id}}\"\ntaken = {{ path = \"status\", equals = [\"taken\"] }}\n\
         missing = {{ path = \"status\", equals = [\"unknown\"] }}",
        gateway.address
    );
    let config = configured("sms", &gateway.address, &more);
    killed_everywhere(&gateway, &config, |folder, when| {
        assert_eq!((gateway.delivered().len(), gateway.doubles()), (3, 0), "{when}");
        assert_eq!(outcome(folder), (vec![MessageState::Sent; 3], 0), "{when}");
    });
}

#[test]
fn a_gateway_that_knows_nothing_is_never_asked_twice_and_a_person_calls() {
    let gateway = Gateway::start(false);
    let config = configured("sms", &gateway.address, "");
    killed_everywhere(&gateway, &config, |folder, when| {
        assert_eq!(gateway.doubles(), 0, "{when}");
        let (states, to_call) = outcome(folder);
        let unknown = states.iter().filter(|state| **state == MessageState::Unknown).count();
        assert_eq!(
            states.iter().filter(|state| **state == MessageState::Sent).count() + unknown,
            3,
            "{when}: {states:?}"
        );
        assert_eq!(to_call, unknown, "{when}");
        assert!(gateway.delivered().len() + unknown >= 3, "{when}: a message is lost");
        let between = when.contains("Claimed") || when.contains("Answered");
        assert_eq!(unknown, usize::from(between), "{when}");
    });
}

/// SIGKILL from outside while the gateway has the request and has not answered.
#[test]
fn killed_while_the_gateway_is_thinking() {
    for (knows_keys, more) in [(true, "idempotent = true"), (false, "")] {
        let gateway = Gateway::start(knows_keys);
        let config = configured("sms", &gateway.address, more);
        let folder = tempfile::tempdir().unwrap();
        three_visits(folder.path());
        let victim = Arc::new(Mutex::new(0));
        let calls = Arc::new(AtomicU32::new(0));
        let (pid, count) = (Arc::clone(&victim), Arc::clone(&calls));
        gateway.book.lock().unwrap().on_request = Some(Box::new(move || {
            // The second of the three.
            if count.fetch_add(1, Ordering::SeqCst) == 1 {
                let pid: u32 = *pid.lock().unwrap();
                Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
            }
        }));
        let mut child = {
            // Held until the number is known: the request may come sooner.
            let mut victim = victim.lock().unwrap();
            let child = program(folder.path(), &config, NOW, None).spawn().unwrap();
            *victim = child.id();
            child
        };
        assert!(!child.wait().unwrap().success());
        assert!(program(folder.path(), &config, LATER, None).status().unwrap().success());
        assert_eq!((gateway.delivered().len(), gateway.doubles()), (3, 0));
        let (states, to_call) = outcome(folder.path());
        let unknown = states.iter().filter(|state| **state == MessageState::Unknown).count();
        assert_eq!((unknown, to_call), if knows_keys { (0, 0) } else { (1, 1) }, "{states:?}");
    }
}
