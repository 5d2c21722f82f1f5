//! E-mail through a real SMTP conversation on a real socket.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use outreach::{MayContact, Way};
use records::{Channel, MessageState, Pii};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

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
    /// Of the accepted, those that anybody on the way could read.
    in_the_clear: usize,
    /// It takes the mail and hangs up instead of saying so.
    breaks: bool,
}

/// Its section of the settings, without how the line is protected, and what it is given.
fn listening(tls: Option<(Arc<ServerConfig>, bool)>) -> (String, Arc<Mutex<Post>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let post = Arc::new(Mutex::new(Post::default()));
    let pages = Arc::clone(&post);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (post, tls) = (Arc::clone(&pages), tls.clone());
            std::thread::spawn(move || serve(stream, &post, tls).ok());
        }
    });
    let section =
        format!("[email]\nhost = \"127.0.0.1\"\nport = {port}\nfrom = \"Лапа <desk@vet.example>\"\ntimeout_s = 5\n");
    (section, post)
}

fn server() -> (String, Arc<Mutex<Post>>) {
    let (section, post) = listening(None);
    (format!("{section}tls = \"none\"\n"), post)
}

trait Line: Read + Write + Send {}
impl<T: Read + Write + Send> Line for T {}

/// `tls`: with what, and whether from the first byte.
fn serve(stream: TcpStream, post: &Mutex<Post>, tls: Option<(Arc<ServerConfig>, bool)>) -> std::io::Result<()> {
    let protected = |config: &Arc<ServerConfig>| -> std::io::Result<BufReader<Box<dyn Line>>> {
        let session = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
        Ok(BufReader::new(Box::new(StreamOwned::new(session, stream.try_clone()?))))
    };
    let mut is_protected = false;
    let mut line: BufReader<Box<dyn Line>> = BufReader::new(Box::new(stream.try_clone()?));
    if let Some((config, true)) = &tls {
        (line, is_protected) = (protected(config)?, true);
    }
    line.get_mut().write_all(b"220 here\r\n")?;
    loop {
        let mut said = String::new();
        if line.read_line(&mut said)? == 0 {
            return Ok(());
        }
        let word = said.trim_end().split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" if tls.is_some() && !is_protected => "250-here\r\n250 STARTTLS".to_owned(),
            "EHLO" => "250-here\r\n250 8BITMIME".to_owned(),
            "STARTTLS" => {
                let Some((config, _)) = &tls else { return Ok(()) };
                line.get_mut().write_all(b"220 go on\r\n")?;
                (line, is_protected) = (protected(config)?, true);
                continue;
            }
            "RCPT" => {
                let mut post = post.lock().unwrap();
                if post.refusals.is_empty() { "250 good".to_owned() } else { post.refusals.remove(0) }
            }
            "DATA" => {
                line.get_mut().write_all(b"354 go on\r\n")?;
                let mut mail = Vec::new();
                loop {
                    let mut one = String::new();
                    if line.read_line(&mut one)? == 0 || one.trim_end() == "." {
                        break;
                    }
                    mail.push(one.trim_end_matches(['\r', '\n']).to_owned());
                }
                let mut post = post.lock().unwrap();
                post.mails.push(mail.join("\n"));
                post.in_the_clear += usize::from(!is_protected);
                if std::mem::take(&mut post.breaks) {
                    return stream.shutdown(std::net::Shutdown::Both);
                }
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        line.get_mut().write_all(format!("{answer}\r\n").as_bytes())?;
    }
}

/// A certificate that the server made for itself, and what it speaks with.
fn own_certificate(folder: &Path) -> (PathBuf, Arc<ServerConfig>) {
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status()
        .expect("openssl does not start; install Debian's package openssl");
    assert!(made.success());
    let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
    let private = PrivateKeyDer::from_pem_file(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    (certificate, Arc::new(config))
}

#[tokio::test]
async fn over_tls_mail_goes_to_a_server_that_is_trusted_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, config) = own_certificate(folder.path());
    for (kind, from_the_first) in [("implicit", true), ("starttls", false)] {
        let (section, post) = listening(Some((Arc::clone(&config), from_the_first)));
        let section = format!("{section}tls = \"{kind}\"\n");
        let trusted = format!("{section}certificates = \"{}\"\n", certificate.display());
        let (_folder, outreach, store, _, _) = by_mail(&trusted).await;
        store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
        outreach.step().await.unwrap();
        assert_eq!(store.messages_of_visit("a").await.unwrap()[0].state, MessageState::Sent, "{kind}");
        {
            let post = post.lock().unwrap();
            assert_eq!((post.mails.len(), post.in_the_clear), (1, 0), "{kind}");
        }
        // The same server, whose certificate nobody was told of.
        let (_folder, outreach, store, _, _) = by_mail(&section).await;
        store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
        outreach.step().await.unwrap();
        let message = store.messages_of_visit("a").await.unwrap().remove(0);
        assert_eq!((message.state, post.lock().unwrap().mails.len()), (MessageState::Planned, 1), "{kind}");
        assert!(message.problem.is_some());
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing_where_tls_was_asked_for() {
    let (section, post) = listening(None);
    for kind in ["starttls", "implicit"] {
        let (_folder, outreach, store, _, _) = by_mail(&format!("{section}tls = \"{kind}\"\n")).await;
        store.book(&booking("a", NOW + 72 * HOUR, NOW), "robot").await.unwrap();
        outreach.step().await.unwrap();
        let message = store.messages_of_visit("a").await.unwrap().remove(0);
        assert_eq!(message.state, MessageState::Planned, "{kind}");
        assert!(post.lock().unwrap().mails.is_empty(), "{kind}");
    }
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
