//! Conversations from outside: through the store, a robot, and messengers that a local server plays.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod messengers;
mod office;

use std::sync::Arc;
use std::time::Duration;

use chat::{Incoming, Office};
use desk::Clinic;
use records::{ChatMessage, ChatThread, Store};
use tempfile::TempDir;

/// Monday 2026-11-23 10:00 in Moscow.
pub(crate) const NOW: i64 = 1_795_417_200_000;

const CLINIC: &str = r#"
id = "vet_lapa"
name = "ветклиника «Лапа»"
kind = "veterinary"
timezone = "Europe/Moscow"
services = ["терапия"]
address = "Садовая, 1"
hours = "09:00-21:00"

[[canned]]
title = "Адрес"
text = "Здравствуйте, {name}! Мы на {address}, сегодня {hours}."
"#;

pub(crate) async fn office(has_robot: bool) -> (TempDir, Office) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    let clinic = Arc::new(Clinic::parse(CLINIC, "vet_lapa.toml").unwrap());
    (folder, Office::new(store, clinic, has_robot).with_patience(Duration::from_secs(120)))
}

pub(crate) fn wrote(channel: &str, message: &str, text: &str) -> Incoming {
    Incoming {
        channel: channel.into(),
        conversation: "42".into(),
        message: Some(message.into()),
        text: text.into(),
        name: "Анна".into(),
        phone: None,
    }
}

pub(crate) async fn messages(office: &Office, thread: &str) -> Vec<ChatMessage> {
    office.store().chat_messages(thread, 0, 1000).await.unwrap()
}

pub(crate) async fn texts(office: &Office, thread: &str) -> Vec<String> {
    messages(office, thread).await.into_iter().map(|message| message.text.into_inner()).collect()
}

pub(crate) async fn thread(office: &Office, id: &str) -> ChatThread {
    office.store().chat_thread(id).await.unwrap()
}
