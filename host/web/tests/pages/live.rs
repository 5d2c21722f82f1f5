//! A call that goes on: who may listen in, who may take it over, and what is written down of it.

use std::sync::{Arc, Mutex};

use accounts::Role;
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use web::LiveCalls;
use web::auth::Grant;

use crate::{Site, month, session};

type Frame = [i16; 160];

struct Lines {
    sound: broadcast::Sender<Frame>,
    taken: Mutex<Vec<String>>,
}

impl LiveCalls for Lines {
    fn listen(&self, clinic: &str, call: &str) -> Option<broadcast::Receiver<Frame>> {
        (clinic == month::CLINIC && call == "live").then(|| self.sound.subscribe())
    }

    fn takers(&self, _clinic: &str) -> Vec<String> {
        vec!["Ольга".to_owned()]
    }

    fn take_over(&self, _clinic: &str, call: &str, operator: &str) -> Result<(), String> {
        if operator != "Ольга" {
            return Err("no operator of this name has a phone here".to_owned());
        }
        self.taken.lock().unwrap().push(format!("{call} to {operator}"));
        Ok(())
    }
}

async fn house() -> (Site, Arc<Lines>) {
    let mut site = Site::new().await;
    let lines = Arc::new(Lines { sound: broadcast::channel(50).0, taken: Mutex::default() });
    site.state.live = Some(Arc::clone(&lines) as _);
    (site, lines)
}

fn role(role: Role) -> Vec<Grant> {
    vec![Grant { clinic: month::CLINIC.to_owned(), role }]
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_listen_in_and_the_desk_takes_over() {
    let (site, lines) = house().await;
    let today = format!("/desk/{}/today", month::CLINIC);
    let (listen, take) = (format!("data-listen=\"{today}/live/sound\""), format!("action=\"{today}/live/take-over\""));
    for (who, listens, takes) in [
        (Role::Owner, true, true),
        (Role::Manager, true, true),
        (Role::Administrator, false, true),
        (Role::Integrator, false, false),
    ] {
        let page = site.get_by(&session(&site.state, role(who)).await, &today).await.text();
        assert_eq!((page.contains(&listen), page.contains(&take)), (listens, takes), "{who:?}");
    }
    let page = site.get(&today).await;
    let form = |operator: &str| format!("csrf={}&operator={operator}", page.token());
    let done = site.post(&format!("{today}/live/take-over"), &form("%D0%9E%D0%BB%D1%8C%D0%B3%D0%B0")).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, today.as_str()));
    assert_eq!(*lines.taken.lock().unwrap(), ["live to Ольга"]);
    assert_eq!(site.post(&format!("{today}/live/take-over"), &form("Nobody")).await.status, StatusCode::CONFLICT);
    let without = site.post(&format!("{today}/live/take-over"), "operator=Nobody").await;
    assert_eq!(without.status, StatusCode::FORBIDDEN, "a form of another site");
    assert_eq!(lines.taken.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sound_comes_over_a_socket_of_our_own_page_only() {
    let (site, lines) = house().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let app = web::router(site.state.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let ask = async |who: Role, call: &str, origin: &str| {
        let path = format!("ws://{at}/desk/{}/today/{call}/sound", month::CLINIC);
        let mut request = path.into_client_request().unwrap();
        let cookie = format!("gudok={}", session(&site.state, role(who)).await);
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        request.headers_mut().insert("origin", origin.parse().unwrap());
        tokio_tungstenite::connect_async(request).await
    };
    let ours = format!("http://{at}");
    for (who, call, origin) in [
        (Role::Administrator, "live", ours.as_str()),
        (Role::Manager, "live", "https://elsewhere.example"),
        (Role::Manager, "special", ours.as_str()),
    ] {
        assert!(ask(who, call, origin).await.is_err(), "{who:?} {call} {origin}");
    }
    let (mut socket, _) = ask(Role::Manager, "live", &ours).await.unwrap();
    for level in 1..=5 {
        lines.sound.send([level; 160]).unwrap();
    }
    let Some(Ok(Message::Binary(bytes))) = socket.next().await else { panic!("sound") };
    assert_eq!((bytes.len(), bytes[0], bytes[1], bytes[1_599 - 1]), (1_600, 1, 0, 5));
    let audit = site.state.store.audit_trail(&records::AuditFilter::default(), None, 100).await.unwrap().rows;
    assert!(audit.iter().any(|row| row.entry.action == "call.listened" && row.entry.subject == "live"));
}
