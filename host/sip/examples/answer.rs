//! A small answering server, for measuring signalling alone: rings, answers with a fixed session, waits for BYE.
//!
//! `cargo run -p sip --example answer -- 0.0.0.0:5060 [most calls at once] [user:password]`
//!
//! With an account, a phone that registers with it is called once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sip::{Admission, Callee, Config, DialogEvent, Endpoint, Listen, Outgoing, Progress, Strangers, Transport, User};
use tracing_subscriber::EnvFilter;

const SESSION: &str = "v=0\r\no=gudok 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                       m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let filter = EnvFilter::builder().parse(format!("info,{}", sip::LOG_FILTER))?;
    tracing_subscriber::fmt().with_env_filter(filter).init();
    let mut words = std::env::args().skip(1);
    let address = words.next().unwrap_or("127.0.0.1:5060".into()).parse()?;
    let most: usize = words.next().map_or(Ok(usize::MAX), |w| w.parse())?;
    let users = words.next().and_then(|w| {
        let (name, password) = w.split_once(':')?;
        Some(User { name: name.into(), password: password.into() })
    });
    let talking = Arc::new(AtomicUsize::new(0));
    let counted = talking.clone();
    let config = Config {
        listen: [Transport::Udp, Transport::Tcp].map(|transport| Listen { transport, address }).to_vec(),
        strangers: Strangers::Admit,
        users: users.into_iter().collect(),
        admit: Arc::new(move || match counted.load(Ordering::Relaxed) < most {
            true => Admission::Take,
            false => Admission::Busy { retry_after: Duration::from_secs(5) },
        }),
        ..Config::default()
    };
    let (endpoint, mut calls) = Endpoint::start(config).await?;
    println!("listening on {:?}", endpoint.addresses());
    let report = endpoint.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            println!("{:?}", report.counters());
        }
    });
    tokio::spawn(call_phones(endpoint.clone()));
    while let Some(call) = calls.recv().await {
        let talking = talking.clone();
        talking.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            call.ring(None).ok();
            if let Ok(dialog) = call.answer(SESSION.into()).await {
                let mut events = dialog.events().expect("invariant: taken once");
                while let Some(event) = events.recv().await {
                    match event {
                        DialogEvent::Offer { answer, .. } => drop(answer.send(Ok(SESSION.into()))),
                        DialogEvent::Over(_) => break,
                        _ => {}
                    }
                }
            }
            talking.fetch_sub(1, Ordering::Relaxed);
        });
    }
    Ok(())
}

/// Calls every account as soon as a phone registers with it.
async fn call_phones(endpoint: Endpoint) {
    let mut users = endpoint.users();
    while users.changed().await.is_ok() {
        let now = users.borrow_and_update().clone();
        for user in now.iter().filter(|u| !u.phones.is_empty()) {
            println!("{} has {} phone(s)", user.name, user.phones.len());
            let mut dialling = endpoint.call(Outgoing::new(Callee::User(user.name.clone()), Some(SESSION.into())));
            while let Some(progress) = dialling.next().await {
                match progress {
                    Progress::Ringing { status, .. } => println!("ringing: {status}"),
                    Progress::Failed { status, reason, .. } => println!("failed: {status} {reason}"),
                    Progress::Answered { dialog, .. } => {
                        println!("answered; hanging up");
                        dialog.bye();
                    }
                }
            }
        }
    }
}
