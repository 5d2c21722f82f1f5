//! A browser and a PBX call a real Gudok: Chromium on the call page and in the chat, and a client of AudioSocket that was
//! written from the protocol's description and shares nothing with the program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is tests")]

#[path = "visitors/audiosocket.rs"]
mod audiosocket;
#[allow(dead_code, reason = "the tests of the pages alone need more of it")]
#[path = "../../../host/web/tests/visitors/browser/chromium.rs"]
mod chromium;
#[path = "visitors/pages.rs"]
mod pages;

use phones::gudok::{Gudok, Setting};
use phones::process::free_port;

/// A server with doors for visitors: the program, where pages are, and where AudioSocket is.
fn serve() -> (Gudok, String, String) {
    let port = || format!("127.0.0.1:{}", free_port("127.0.0.1").unwrap());
    let (pages, audiosocket) = (port(), port());
    let page = |clinic: &str| format!("[[browser]]\nclinic = \"{clinic}\"\ncall = true\nchat = true\n\n");
    let more = format!(
        "[visitors]\nlisten = \"{pages}\"\n\n[[audiosocket]]\nlisten = \"{audiosocket}\"\nclinic = \"phones_menu\"\n\n{}{}",
        page("phones_desk"),
        page("phones_menu")
    );
    let gudok = Gudok::start(&Setting { more, ..Setting::default() }).unwrap();
    (gudok, format!("http://{pages}"), audiosocket)
}

/// The newest call of a clinic, once it has ended.
fn newest(gudok: &Gudok, clinic: &str) -> serde_json::Value {
    let page = gudok.get(&format!("/api/v1/calls?clinic={clinic}&limit=200")).unwrap();
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    let calls = page["items"].as_array().unwrap();
    let newest = calls.iter().max_by_key(|call| call["started_ms"].as_i64()).expect("no call was written down");
    gudok.ended(newest["id"].as_str().unwrap()).unwrap()
}
