//! Who may come in, from outside: signing in, the second factor, tokens, the last owner, and a provider of identities.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "functions are shared by tests")]

mod openid;
mod signing_in;

use accounts::{Accounts, Grant, NewUser};
use records::{Store, UserRecord};
use tempfile::TempDir;

/// Monday 2026-11-23 10:00 in Moscow.
pub(crate) const NOW: i64 = 1_795_417_200_000;
pub(crate) const PASSWORD: &str = "кот на окне спит";

pub(crate) async fn house() -> (TempDir, Store, Accounts) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    let accounts = Accounts::new(store.clone());
    (folder, store, accounts)
}

/// Somebody with a password.
pub(crate) async fn person(accounts: &Accounts, login: &str, grants: Vec<Grant>) -> UserRecord {
    let new = NewUser { login: login.into(), name: "Анна".into(), language: "ru".into(), grants };
    let (_, secret) = accounts.invite(&new, "test", NOW).await.unwrap();
    accounts.choose_password(&secret, PASSWORD, NOW).await.unwrap()
}
