//! E-mail through a real SMTP conversation on a real socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use outreach::{MayContact, Way};
use records::{Channel, MessageState, Pii};

use crate::kills::{STEPS, outcome, program, three_visits};
use crate::{HOUR, MINUTE, NOW, booking, house};

/// Everybody has an address.
pub(crate) struct ByMail;

#[async_trait]
impl MayContact for ByMail {
    async fn ways(&self, _: &str, _: &Pii, wanted: &[Channel]) -> Result<Vec<Way>, String> {
        let way = |channel: &Channel| Way { channel: *channel, address: "anna@example.org".into(), language: None };
        Ok(wanted.iter().filter(|channel| **channel == Channel::Email).map(way).collect())
    }
}

#[derive(Default)]
pub(crate) struct Post {
    /// What was accepted, as it came.
    mails: Vec<String>,
    /// Answers to RCPT, before 250.
    refusals: Vec<String>,
    /// It takes the mail and hangs up instead of saying so.
    breaks: bool,
}

fn server() -> (String, Arc<Mutex<Post>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let post = Arc::new(Mutex::new(Post::default()));
    let pages = Arc::clone(&post);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let post = Arc::clone(&pages);
            std::thread::spawn(move || serve(stream, &post).ok());
        }
    });
    (
        format!(
            "[email]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"Лапа <desk@vet.example>\"\ntimeout_s = 5\n"
        ),
        post,
    )
}

fn serve(mut stream: TcpStream, post: &Mutex<Post>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 here\r\n")?;
    while let Some(Ok(line)) = lines.next() {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-here\r\n250 8BITMIME".to_owned(),
            "RCPT" => {
                let mut post = post.lock().unwrap();
                if post.refusals.is_empty() { "250 good".to_owned() } else { post.refusals.remove(0) }
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mail: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                let mut post = post.lock().unwrap();
                post.mails.push(mail.join("\n"));
                if std::mem::take(&mut post.breaks) {
                    return stream.shutdown(std::net::Shutdown::Both);
                }
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

#[test]
fn mail_is_never_sent_twice_whenever_the_program_dies() {
    let (config, post) = server();
    for step in STEPS {
        let folder = tempfile::tempdir().unwrap();
        three_visits(folder.path());
        *post.lock().unwrap() = Post::default();
        assert!(!program(folder.path(), &config, NOW, Some((step, 2))).status().unwrap().success());
        assert!(program(folder.path(), &config, NOW + 3 * MINUTE, None).status().unwrap().success());
        let mut mails = post.lock().unwrap().mails.clone();
        let (states, to_call) = outcome(folder.path());
        let unknown = states.iter().filter(|state| **state == MessageState::Unknown).count();
        let count = mails.len();
        mails.sort();
        mails.dedup();
        assert_eq!(mails.len(), count, "twice, killed at {step:?}");
        assert!(count + unknown >= 3, "lost, killed at {step:?}");
        assert_eq!(to_call, unknown, "killed at {step:?}");
    }
}

async fn by_mail(
    config: &str,
) -> (tempfile::TempDir, outreach::Outreach, records::Store, Arc<desk::Clinic>, crate::Clock) {
    let channels = "[reminders]\nchannels = [\"email\", \"sms\"]\n";
    let (folder, _, store, clinic, clock) = house(channels, config).await;
    let mut settings = crate::settings(&store, config, &clock);
    settings.may_contact = Arc::new(ByMail);
    let outreach = outreach::Outreach::new(store.clone(), [Arc::clone(&clinic)], settings);
    (folder, outreach, store, clinic, clock)
}

#[tokio::test]
async fn a_mail_has_its_subject_its_text_and_its_key() {
    let (config, post) = server();
    let (_folder, outreach, store, _, _) = by_mail(&config).await;
    store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
    outreach.step().await.unwrap();
    let message = store.messages_of_visit("a").await.unwrap().remove(0);
    assert_eq!(message.state, MessageState::Sent);
    let mail = post.lock().unwrap().mails.remove(0);
    assert!(mail.contains("To: anna@example.org"), "{mail}");
    assert!(mail.contains(&format!("Message-ID: <{}@vet.example>", message.attempt.unwrap())), "{mail}");
    assert!(mail.contains("Subject: =?utf-8?b?"), "{mail}");
    assert!(message.new.title.as_str().starts_with("Ветклиника «Лапа»: запись в четверг, 26 ноября"));
}

#[tokio::test]
async fn what_the_server_says_decides() {
    let (config, post) = server();
    let (_folder, outreach, store, _, clock) = by_mail(&config).await;
    // Later: tried again, once.
    post.lock().unwrap().refusals = vec!["451 later".to_owned()];
    store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
    outreach.step().await.unwrap();
    let message = store.messages_of_visit("a").await.unwrap().remove(0);
    assert_eq!(
        (message.state, message.problem.as_deref()),
        (MessageState::Planned, Some("the mail server says: later (451)"))
    );
    clock.pass(MINUTE);
    outreach.step().await.unwrap();
    assert_eq!(post.lock().unwrap().mails.len(), 1);
    // Never: a person calls.
    post.lock().unwrap().refusals = vec!["550 nobody".to_owned()];
    store.book(&booking("b", NOW + 73 * HOUR, clock.ms()), "robot").await.unwrap();
    outreach.step().await.unwrap();
    assert_eq!(store.messages_of_visit("b").await.unwrap()[0].state, MessageState::Failed);
    // Broken off after the text: nobody knows, a person calls.
    post.lock().unwrap().breaks = true;
    store.book(&booking("c", NOW + 74 * HOUR, clock.ms()), "robot").await.unwrap();
    outreach.step().await.unwrap();
    assert_eq!(store.messages_of_visit("c").await.unwrap()[0].state, MessageState::Unknown);
    let visits: Vec<_> = store.contacts("vet").await.unwrap().into_iter().filter_map(|contact| contact.visit).collect();
    assert_eq!(visits.len(), 2);
    clock.pass(HOUR);
    outreach.step().await.unwrap();
    assert_eq!(post.lock().unwrap().mails.len(), 2, "nothing is sent again");
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let config = format!("[email]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"desk@vet.example\"\n");
    let (_folder, outreach, store, _, _) = by_mail(&config).await;
    store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
    outreach.step().await.unwrap();
    let message = store.messages_of_visit("a").await.unwrap().remove(0);
    assert_eq!((message.state, message.attempts), (MessageState::Planned, 1));
    assert_eq!(message.new.not_before_ms, NOW + 30_000);
}
