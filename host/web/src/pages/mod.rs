//! The pages of the clinic's manager and administrators: server-rendered, one stylesheet and one small script of our own.
//!
//! Layout: [`desk`] is what every page knows (clinic, language, who looks); [`frame`] is what stands around every page;
//! [`words`] is every text in both languages; [`assets`] the stylesheet and the script; one file for each page.
//!
//! Invariants:
//! - Everything works by links and forms; the script only makes it quicker.
//! - No inline script and no inline style: the policy forbids both, so nothing a caller said can become one.
//! - Every form carries the token of whoever looks; what comes without it changes nothing.
//! - A clinic that somebody may not see does not exist for them.

pub(crate) mod assets;
mod call;
mod calls;
mod chat;
mod clinic;
mod desk;
mod dial;
mod errors;
mod flows;
mod frame;
pub(crate) mod live;
mod names;
mod person;
mod report;
mod requests;
mod sheet;
mod sound;
mod staffing;
mod times;
mod today;
mod trace;
mod version;
mod visits;
mod words;

use axum::Router;
use axum::middleware;

use crate::AppState;
pub(crate) use person::{erase_person, zipped};

pub(crate) use self::desk::{Desk, Fields, chosen_language, theme_of};
pub(crate) use self::frame::{POLICY, Place, encoded, head, page, token};

/// Every page, and what they load.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .merge(desk::router())
        .merge(calls::router())
        .merge(call::router())
        .merge(sound::router())
        .merge(report::router())
        .merge(today::router())
        .merge(live::router())
        .merge(staffing::router())
        .merge(visits::router())
        .merge(requests::router())
        .merge(dial::router())
        .merge(chat::router())
        .merge(person::router())
        .merge(times::router())
        .merge(flows::router())
        .merge(version::router())
        .merge(clinic::router())
        .merge(crate::setup::router())
        .layer(middleware::from_fn(errors::as_pages))
        .merge(assets::router())
}
