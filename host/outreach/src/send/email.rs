//! E-mail by SMTP. Mail servers know no keys: what broke off between the first byte of a message and the server's answer is
//! never sent again. What broke off before is.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message as Mail, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use records::Message;

use super::{Recovery, Sender, Verdict};
use crate::gateways::{SmtpServer, SmtpTls};
use crate::{OutreachError, Result};

/// A letter to somebody of the clinic, as text and as a page.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The address.
    pub to: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// For readers without pages.
    pub text: &'a str,
    /// The same as HTML, whole in itself.
    pub html: &'a str,
    /// Servers and readers that drop doubles know them by it.
    pub key: &'a str,
}

/// Whether this is something a letter can be sent to.
pub fn is_address(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// A mail server.
pub struct Email {
    server: SmtpServer,
    from: Mailbox,
    tls: Option<TlsParameters>,
}

impl Email {
    /// The server as configured.
    ///
    /// # Errors
    /// [`OutreachError::Gateway`] for a sender that is no address, certificates that cannot be read, or without TLS.
    pub fn new(server: SmtpServer) -> Result<Self> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let wrong = |key: &str, problem: String| OutreachError::Gateway {
            gateway: "email".to_owned(),
            key: key.to_owned(),
            problem,
        };
        let from = server.from.parse().map_err(|_| {
            wrong("from", "write it as \"Ветклиника <desk@example.org>\", or only the address".to_owned())
        })?;
        let tls = match server.tls {
            SmtpTls::None => None,
            SmtpTls::StartTls | SmtpTls::Implicit => {
                let mut tls = TlsParameters::builder(server.host.clone());
                if let Some(path) = &server.certificates {
                    let bad = |problem: String| wrong("certificates", format!("{}: {problem}", path.display()));
                    let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
                    let trusted = Certificate::from_pem(&pem).map_err(|error| bad(error.to_string()))?;
                    tls = tls.add_root_certificate(trusted);
                }
                Some(tls.build().map_err(|error| wrong("tls", format!("TLS cannot be set up: {error}")))?)
            }
        };
        Ok(Self { server, from, tls })
    }

    /// Sends a letter. [`Verdict::Unsure`]: it may have arrived, and is not to be sent again.
    pub async fn post(&self, letter: Letter<'_>) -> Verdict {
        let Ok(to) = letter.to.parse() else {
            return Verdict::Never("the recipient is no e-mail address".to_owned());
        };
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject)
            .message_id(Some(format!("<{}@{}>", letter.key, self.from.email.domain())))
            .multipart(MultiPart::alternative_plain_html(letter.text.to_owned(), letter.html.to_owned()));
        match mail {
            Ok(mail) => self.hand_over(&mail).await,
            Err(_) => Verdict::Never("no mail can be made of it".to_owned()),
        }
    }

    /// A connection that is ready for a message; nothing was sent if it fails.
    async fn connect(&self) -> std::result::Result<AsyncSmtpConnection, Error> {
        let server = &self.server;
        let port = server.port.unwrap_or(match server.tls {
            SmtpTls::StartTls => 587,
            SmtpTls::Implicit => 465,
            SmtpTls::None => 25,
        });
        let hello = ClientId::default();
        let implicit = self.tls.clone().filter(|_| server.tls == SmtpTls::Implicit);
        let timeout = Some(Duration::from_secs(server.timeout_s));
        let mut connection =
            AsyncSmtpConnection::connect_tokio1((server.host.as_str(), port), timeout, &hello, implicit, None).await?;
        if let Some(tls) = self.tls.clone().filter(|_| server.tls == SmtpTls::StartTls) {
            connection.starttls(tls, &hello).await?;
        }
        if let (Some(user), Some(password)) = (&server.user, &server.password) {
            let credentials = Credentials::new(user.clone(), password.clone());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
        }
        Ok(connection)
    }

    fn mail(&self, message: &Message) -> std::result::Result<Mail, &'static str> {
        let to: Mailbox = message.new.recipient.as_str().parse().map_err(|_| "the recipient is no e-mail address")?;
        let key = message.attempt.as_deref().unwrap_or(&message.new.id);
        Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(message.new.title.as_str())
            // Servers and readers that drop doubles know them by it.
            .message_id(Some(format!("<{key}@{}>", self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(message.new.body.as_str().to_owned())
            .map_err(|_| "no mail can be made of it")
    }
}

#[async_trait]
impl Sender for Email {
    fn recovery(&self) -> Recovery {
        Recovery::Nothing
    }

    async fn send(&self, message: &Message) -> Verdict {
        match self.mail(message) {
            Ok(mail) => self.hand_over(&mail).await,
            Err(problem) => Verdict::Never(problem.to_owned()),
        }
    }
}

impl Email {
    async fn hand_over(&self, mail: &Mail) -> Verdict {
        let whole = Duration::from_secs(self.server.timeout_s);
        let mut connection = match tokio::time::timeout(whole, self.connect()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return not_connected(&error),
            Err(_) => {
                return Verdict::Again { problem: "the mail server did not answer in time".to_owned(), after: None };
            }
        };
        let sent = tokio::time::timeout(whole, connection.send(mail.envelope(), &mail.formatted())).await;
        let verdict = match sent {
            Ok(Ok(_)) => Verdict::Taken(None),
            Ok(Err(error)) => refused(&error),
            Err(_) => return Verdict::Unsure("the mail server did not answer in time".to_owned()),
        };
        // It was taken or refused already; how the farewell goes changes nothing.
        tokio::time::timeout(Duration::from_secs(2), connection.quit()).await.ok();
        verdict
    }
}

/// Before a message: the server is away, or does not let us in.
fn not_connected(error: &Error) -> Verdict {
    match error.status().map(|code| code.to_string()) {
        Some(code) if error.is_permanent() => {
            Verdict::Misconfigured(format!("the mail server does not let us in ({code}): look at user and password"))
        }
        Some(code) => Verdict::Again { problem: format!("the mail server says: later ({code})"), after: None },
        None if error.is_tls() || error.is_client() => Verdict::Misconfigured(
            "the mail server does not speak TLS or log-in as configured: look at tls and user".to_owned(),
        ),
        None => Verdict::Again { problem: "the mail server cannot be reached".to_owned(), after: None },
    }
}

/// While a message was handed over.
fn refused(error: &Error) -> Verdict {
    match error.status().map(|code| code.to_string()) {
        Some(code) if error.is_permanent() && matches!(code.as_str(), "530" | "534" | "535" | "538") => {
            Verdict::Misconfigured(format!("the mail server wants a log-in ({code}): give user and password"))
        }
        Some(code) if error.is_permanent() => Verdict::Never(format!("the mail server refuses the message ({code})")),
        Some(code) => Verdict::Again { problem: format!("the mail server says: later ({code})"), after: None },
        None if error.is_client() => Verdict::Never("the mail server cannot take this message".to_owned()),
        None => Verdict::Unsure("the line to the mail server broke".to_owned()),
    }
}
