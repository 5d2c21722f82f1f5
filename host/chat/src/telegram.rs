//! Telegram's Bot API (<https://core.telegram.org/bots/api>): messages by webhook or by long polling, answers with buttons.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use records::{ChatMessage, ChatThread, ChatWho, Pii};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::channel::{Channel, NotDelivered};
use crate::office::{Incoming, Office};
use crate::webhook::{PATIENCE, client};
use crate::{ChatError, Result};

/// The longest message, in UTF-16 code units.
const MOST_UNITS: usize = 4096;
/// How long Telegram holds a request for updates that are not there yet.
const POLL_S: u64 = 50;
/// After an error the next question waits.
const PAUSE: Duration = Duration::from_secs(3);
const CHANNEL: &str = "telegram";

/// A bot.
pub struct Telegram {
    /// `https://api.telegram.org`, or a server of one's own.
    base: String,
    token: String,
    /// What Telegram puts into a header of each request to our webhook.
    secret: String,
    http: reqwest::Client,
    poll: reqwest::Client,
    /// How many parts of a long message have arrived, of those that were broken off.
    parts: Mutex<HashMap<(String, i64), usize>>,
}

/// Something that happened at Telegram; what else there is in it is passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct Update {
    /// Counts up.
    pub update_id: i64,
    message: Option<Message>,
    callback_query: Option<CallbackQuery>,
}

#[derive(Debug, Clone, Deserialize)]
struct Message {
    message_id: i64,
    chat: Chat,
    #[serde(default)]
    from: Option<User>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    caption: Option<String>,
    #[serde(default)]
    contact: Option<Contact>,
}

#[derive(Debug, Clone, Deserialize)]
struct Chat {
    id: i64,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Debug, Clone, Deserialize)]
struct User {
    id: i64,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Contact {
    phone_number: String,
    #[serde(default)]
    user_id: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
struct CallbackQuery {
    id: String,
    from: User,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    data: Option<String>,
}

/// Every answer of the API.
#[derive(Debug, Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error_code: u16,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    retry_after: Option<i64>,
}

impl Telegram {
    /// A bot with its token; `secret` (1 to 256 of `A-Z a-z 0-9 _ -`) proves that a request to the webhook is Telegram's.
    ///
    /// # Errors
    /// [`ChatError::Channel`] for a secret that Telegram would refuse.
    pub fn new(base: &str, token: &str, secret: &str) -> Result<Self> {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if secret.is_empty() || secret.len() > 256 || !secret.bytes().all(sound) {
            return Err(problem("the secret must be 1 to 256 of A-Z a-z 0-9 _ -"));
        }
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            secret: secret.to_owned(),
            http: client(CHANNEL, PATIENCE)?,
            poll: client(CHANNEL, Duration::from_secs(POLL_S + 15))?,
            parts: Mutex::default(),
        })
    }

    /// Tells Telegram to bring updates to `url` from now on.
    pub async fn set_webhook(&self, url: &str) -> Result<()> {
        let asked = json!({
            "url": url, "secret_token": self.secret, "allowed_updates": ["message", "callback_query"],
        });
        self.call(&self.http, "setWebhook", &asked).await.map(|_| ()).map_err(told)
    }

    /// Tells Telegram that updates will be asked for.
    pub async fn delete_webhook(&self) -> Result<()> {
        self.call(&self.http, "deleteWebhook", &json!({})).await.map(|_| ()).map_err(told)
    }

    /// Checks and takes an update that came to the webhook; `header` is `X-Telegram-Bot-Api-Secret-Token`.
    ///
    /// # Errors
    /// [`ChatError::Signature`], [`ChatError::Unreadable`], and those of the store: answer 500, and Telegram tries again.
    pub async fn receive(&self, office: &Office, header: Option<&str>, body: &[u8], now_ms: i64) -> Result<()> {
        if !same(header.unwrap_or_default().as_bytes(), self.secret.as_bytes()) {
            return Err(ChatError::Signature("the secret token is not ours"));
        }
        let update: Update = serde_json::from_slice(body).map_err(|error| ChatError::Unreadable(error.to_string()))?;
        self.take(office, update, now_ms).await
    }

    /// Asks for updates until `stop` is true: for clinics whose server has no public address. Updates that were not taken
    /// come again; known messages are passed over.
    pub async fn poll(&self, office: &Office, mut stop: watch::Receiver<bool>) {
        if let Err(error) = self.delete_webhook().await {
            tracing::warn!(%error, "Telegram may still bring updates to a webhook");
        }
        let mut after = 0;
        while !*stop.borrow() {
            let pause = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                polled = self.poll_once(office, &mut after) => polled.err(),
            };
            if let Some(error) = pause {
                tracing::warn!(%error, "no updates from Telegram");
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }

    /// Asks once; `after` is the last update that was taken.
    pub async fn poll_once(&self, office: &Office, after: &mut i64) -> Result<usize> {
        let asked = json!({
            "offset": *after + 1, "timeout": POLL_S, "allowed_updates": ["message", "callback_query"],
        });
        let found = self.call(&self.poll, "getUpdates", &asked).await.map_err(told)?;
        let updates = found.as_array().cloned().unwrap_or_default();
        for update in &updates {
            let id = update["update_id"].as_i64().unwrap_or(*after);
            match serde_json::from_value(update.clone()) {
                Ok(update) => self.take(office, update, jiff::Timestamp::now().as_millisecond()).await?,
                // One that nobody can read must not hold up all that follow.
                Err(error) => tracing::warn!(update = id, %error, "an update of Telegram cannot be read"),
            }
            *after = id.max(*after);
        }
        Ok(updates.len())
    }

    async fn take(&self, office: &Office, update: Update, now_ms: i64) -> Result<()> {
        if let Some(pressed) = &update.callback_query {
            let incoming = self.pressed(office, pressed).await?;
            if let Some(incoming) = incoming {
                office.visitor(&incoming, now_ms).await?;
            }
            // Ends the clock on the button; whether it does is of no account.
            let _ = self.call(&self.http, "answerCallbackQuery", &json!({ "callback_query_id": pressed.id })).await;
            return Ok(());
        }
        let Some(incoming) = update.message.as_ref().and_then(written) else { return Ok(()) };
        office.visitor(&incoming, now_ms).await?;
        Ok(())
    }

    /// The answer behind a button, as if it had been written.
    async fn pressed(&self, office: &Office, pressed: &CallbackQuery) -> Result<Option<Incoming>> {
        let Some(message) = &pressed.message else { return Ok(None) };
        let conversation = message.chat.id.to_string();
        let place = pressed.data.as_deref().and_then(|data| data.split_once(':'));
        let place = place.and_then(|(seq, index)| Some((seq.parse::<i64>().ok()?, index.parse::<usize>().ok()?)));
        let (Some((seq, index)), Some(thread)) =
            (place, office.store().chat_thread_of(&office.clinic().id, CHANNEL, &conversation).await?)
        else {
            return Ok(None);
        };
        let offered = office.store().chat_messages(&thread.id, seq - 1, 1).await?.pop();
        let text = offered.filter(|message| message.seq == seq).and_then(|message| message.buttons.get(index).cloned());
        Ok(text.map(|text| Incoming {
            channel: CHANNEL.to_owned(),
            conversation: conversation.into(),
            message: Some(format!("c{}", pressed.id)),
            text: text.into(),
            name: name(&pressed.from),
            phone: None,
        }))
    }

    async fn call(
        &self,
        http: &reqwest::Client,
        method: &str,
        asked: &Value,
    ) -> std::result::Result<Value, NotDelivered> {
        let later = |why: String| NotDelivered::Later { after_ms: None, why };
        // The address holds the token: no error may carry it.
        let url = format!("{}/bot{}/{method}", self.base, self.token);
        let answer = http.post(url).json(asked).send().await.map_err(|error| later(error.without_url().to_string()))?;
        let answer: Answer = answer.json().await.map_err(|error| later(error.without_url().to_string()))?;
        if answer.ok {
            return Ok(answer.result);
        }
        let why = format!("{method}: {} {}", answer.error_code, answer.description);
        Err(match answer.error_code {
            429 => {
                let seconds = answer.parameters.retry_after.unwrap_or(1).clamp(1, 3600);
                NotDelivered::Later { after_ms: Some(seconds * 1000), why }
            }
            // 401, 404: the token is wrong or taken back; a person mends it and the messages go out.
            401 | 404 | 409 | 500..=599 => later(why),
            _ => NotDelivered::Never { why },
        })
    }
}

#[async_trait]
impl Channel for Telegram {
    async fn deliver(&self, thread: &ChatThread, message: &ChatMessage) -> std::result::Result<(), NotDelivered> {
        let chat = thread.external_id.as_ref().and_then(|id| id.as_str().parse::<i64>().ok());
        let chat = chat.ok_or_else(|| NotDelivered::Never { why: "no chat of Telegram, or erased".to_owned() })?;
        let key = (message.thread.clone(), message.seq);
        let sent = self.parts.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied().unwrap_or(0);
        let parts = split(message.text.as_str(), MOST_UNITS);
        let last = parts.len().saturating_sub(1);
        for (at, part) in parts.iter().enumerate().skip(sent) {
            let mut asked = json!({ "chat_id": chat, "text": part });
            if at == last && message.who != ChatWho::Visitor && !message.buttons.is_empty() {
                asked["reply_markup"] = keyboard(message);
            }
            self.call(&self.http, "sendMessage", &asked).await?;
            let mut broken_off = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
            if at == last {
                broken_off.remove(&key)
            } else {
                broken_off.insert(key.clone(), at + 1)
            };
        }
        Ok(())
    }
}

/// One button a row. Telegram takes 64 bytes behind a button, too few for Russian answers: they are named by their place.
fn keyboard(message: &ChatMessage) -> Value {
    let rows = message.buttons.iter().enumerate();
    let rows: Vec<_> =
        rows.map(|(at, text)| json!([{ "text": text, "callback_data": format!("{}:{at}", message.seq) }])).collect();
    json!({ "inline_keyboard": rows })
}

/// A message as ours; none for groups and channels.
fn written(message: &Message) -> Option<Incoming> {
    if !message.chat.kind.is_empty() && message.chat.kind != "private" {
        return None;
    }
    // Somebody else's card is no number of theirs.
    let own = message
        .contact
        .as_ref()
        .filter(|contact| contact.user_id.is_none() || contact.user_id == message.from.as_ref().map(|from| from.id));
    let phone = own.and_then(|contact| desk::PhoneNumber::parse(&with_plus(&contact.phone_number))).map(Pii::from);
    let text = match (&message.text, &message.caption, &message.contact) {
        (Some(text), ..) | (None, Some(text), _) => text.clone(),
        (None, None, Some(contact)) => with_plus(&contact.phone_number),
        // An operator sees that there was something.
        _ => "[вложение]".to_owned(),
    };
    Some(Incoming {
        channel: CHANNEL.to_owned(),
        conversation: message.chat.id.to_string().into(),
        message: Some(format!("m{}", message.message_id)),
        text: text.into(),
        name: message.from.as_ref().map(name).unwrap_or_default(),
        phone,
    })
}

/// Telegram leaves the plus out of some numbers.
fn with_plus(number: &str) -> String {
    if number.starts_with('+') { number.to_owned() } else { format!("+{number}") }
}

fn name(user: &User) -> Pii {
    format!("{} {}", user.first_name, user.last_name).trim().to_owned().into()
}

/// Parts of at most so many UTF-16 units, cut at the end of a line or of a word where there is one.
fn split(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let mut units = 0;
        let end = rest.char_indices().find_map(|(at, letter)| {
            units += letter.len_utf16();
            (units > most).then_some(at)
        });
        let Some(end) = end else {
            parts.push(rest);
            return parts;
        };
        let head = &rest[..end];
        let cut = head.rfind('\n').or_else(|| head.rfind(' ')).filter(|cut| *cut > 0).unwrap_or(end);
        parts.push(&rest[..cut]);
        rest = rest[cut..].trim_start_matches(['\n', ' ']);
        if rest.is_empty() {
            return parts;
        }
    }
}

/// Without telling by its time how much of it was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

fn problem(problem: &str) -> ChatError {
    ChatError::Channel { channel: CHANNEL.to_owned(), problem: problem.to_owned() }
}

fn told(not: NotDelivered) -> ChatError {
    let (NotDelivered::Later { why, .. } | NotDelivered::Never { why }) = not;
    problem(&why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_messages_are_cut_between_words() {
        assert_eq!(split("раз два три", 8), ["раз два", "три"]);
        assert_eq!(split("раз\nдва три", 8), ["раз", "два три"]);
        assert_eq!(split("безпробелов", 4), ["безп", "робе", "лов"]);
        assert_eq!(split("", 4), [""]);
    }

    proptest! {
        #[test]
        fn no_part_is_too_long_and_no_letter_is_lost(text in "[а-я🐈 \n]{0,200}", most in 2_usize..40) {
            let parts = split(&text, most);
            prop_assert!(parts.iter().all(|part| part.encode_utf16().count() <= most));
            let letters = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&parts.concat()), letters(&text));
        }
    }
}
