//! Serves the pages with a made-up month: `cargo run -p web --example desk -- [PORT]`, then open http://127.0.0.1:PORT/desk

#![allow(clippy::unwrap_used, reason = "an example may stop where it stands")]

use accounts::NewUser;
use jiff::Timestamp;
use records::Store;
use web::AppState;
use web::auth::Grant;

#[path = "../tests/pages/month.rs"]
mod month;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(8080), |port| port.parse())?;
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("gudok.db")).await?;
    month::fill(&store, 62, "Вера").await;
    let mut state = AppState::new(store, month::clinics(), month::categories());
    state.robot_writes = true;
    state.now = || Timestamp::from_millisecond(month::NOW).unwrap();
    // An owner who is signed in by a cookie: there is nothing real here to guard.
    let new = NewUser {
        login: "anna".into(),
        name: "Анна Сергеевна".into(),
        language: "ru".into(),
        grants: vec![Grant::owner_of_everything()],
    };
    let (user, _) = state.accounts.invite(&new, "example", month::NOW).await?;
    let opened = state.accounts.open(user, "example", month::NOW).await?;
    println!("cookie: gudok={}", opened.secret);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://127.0.0.1:{port}/desk");
    web::serve(listener, state, std::future::pending()).await?;
    Ok(())
}
