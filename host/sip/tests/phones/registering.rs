//! Registration, both ways.

use std::time::Duration;

use sip::{Account, Callee, Config, Outgoing, Progress, Registration, Strangers, Trunk, User};

use crate::rig::{Rig, SESSION, Sipp, free_port, open};

fn trunk_at(sipp: &Sipp, password: &str) -> Trunk {
    Trunk {
        server: Some(sipp.at.to_string()),
        account: Some(Account { user: "clinic".into(), password: password.into(), auth_user: None }),
        register: Some(Duration::from_secs(60)),
        ..Trunk::named("provider")
    }
}

#[tokio::test]
async fn we_register_refresh_and_take_it_back() {
    let sipp = Sipp::called("registrar");
    let rig = Rig::start(Config { trunks: vec![trunk_at(&sipp, "sesame")], ..open() }).await;
    let mut state = rig.endpoint.trunk("provider").unwrap();
    let registered =
        state.wait_for(|s| matches!(s.registration, Registration::Registered { .. })).await.unwrap().clone();
    assert_eq!(registered.registration, Registration::Registered { lifetime: Duration::from_secs(2) });
    assert_eq!(registered.offered, Some(rig.at));
    state.mark_unchanged();
    // The refresh.
    state.changed().await.unwrap();
    rig.endpoint.stop().await;
    let messages = sipp.succeeds().await;
    assert!(messages.contains("Expires: 60") && messages.contains("Expires: 0"));
    assert!(messages.contains(&format!("Contact: <sip:clinic@{}>", rig.at)));
}

#[tokio::test]
async fn a_refused_registration_says_so_and_is_tried_later() {
    let sipp = Sipp::called("registrar_refuses");
    let rig = Rig::start(Config { trunks: vec![trunk_at(&sipp, "sesame")], ..open() }).await;
    let mut state = rig.endpoint.trunk("provider").unwrap();
    let failed = state.wait_for(|s| matches!(s.registration, Registration::Failed { .. })).await.unwrap().clone();
    let Registration::Failed { status, reason, retry_in } = failed.registration else { unreachable!() };
    assert_eq!((status, reason.as_str()), (Some(403), "Forbidden"));
    assert!(retry_in >= Duration::from_secs(60), "asking a refusing server often gets us banned");
    sipp.succeeds().await;
}

fn office() -> Config {
    let users = vec![User { name: "anna".into(), password: "sesame".into() }];
    Config { users, strangers: Strangers::Refuse, ..open() }
}

#[tokio::test]
async fn a_phone_registers_and_is_called() {
    let rig = Rig::start(office()).await;
    let port = free_port();
    Sipp::run("phone_registers", rig.at, port, &["-au", "anna", "-ap", "sesame"]).succeeds().await;
    let users = rig.endpoint.users().borrow().clone();
    assert_eq!((users[0].name.as_str(), users[0].phones[0].source.port()), ("anna", port));
    let phone = Sipp::run("answer", rig.at, port, &[]);
    let mut dialling = rig.endpoint.call(Outgoing::new(Callee::User("anna".into()), Some(SESSION.into())));
    loop {
        match dialling.next().await {
            Some(Progress::Answered { dialog, .. }) => break dialog.bye(),
            Some(Progress::Ringing { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    phone.succeeds().await;
    let nobody = rig.endpoint.call(Outgoing::new(Callee::User("boris".into()), Some(SESSION.into()))).next().await;
    assert!(matches!(nobody, Some(Progress::Failed { status: 480, .. })));
    assert_eq!(rig.endpoint.counters().registrations, 1);
}

#[tokio::test]
async fn a_phone_calls_with_its_password_only() {
    let mut rig = Rig::start(office()).await;
    let right = Sipp::calling_with("phone_calls", rig.at, &["-au", "anna", "-ap", "sesame"]);
    let call = rig.call().await;
    assert_eq!((call.user.as_deref(), call.trunk.as_deref()), (Some("anna"), None));
    let dialog = call.answer(SESSION.into()).await.unwrap();
    dialog.over().await;
    right.succeeds().await;
    let wrong = Sipp::calling_with("phone_guesses", rig.at, &["-au", "anna", "-ap", "guess"]);
    wrong.succeeds().await;
    assert_eq!(rig.endpoint.counters().wrong_passwords, 1);
    assert!(rig.calls.try_recv().is_err());
}
