//! Who may: people, what they do at which clinic, and how they show who they are.
//!
//! Layout: [`Role`] and [`Permission`] are the table of who may what; [`password`], [`totp`] and [`secret`] are what is shown;
//! [`throttle`] is how long a guesser waits; [`OpenId`] is signing in elsewhere; [`Accounts`] joins them with the records.
//!
//! Invariants:
//! - Clock and randomness are arguments; nothing here knows HTTP.
//! - Of a secret only its hash is kept; passwords by argon2id, what is random by SHA-256.
//! - A code of an authenticator is taken once; a wrong login, password or code sound alike and take as long.
//! - A token may never do more than its owner may at that moment.

mod accounts;
mod error;
mod openid;
pub mod password;
mod role;
pub mod secret;
pub mod throttle;
pub mod totp;

pub use accounts::{Accounts, Attempt, NewToken, NewUser, Opened, Present, Randomness, Shown};
pub use error::AccountError;
pub use openid::{OpenId, OpenIdSettings};
pub use role::{EVERY_CLINIC, Grant, Permission, Role, may, permissions};
pub use secret::system;
