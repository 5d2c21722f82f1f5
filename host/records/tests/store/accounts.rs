//! Rows of people who may come in: nothing is used twice, nobody is there twice.

use records::{Claim, LinkRecord, RecordsError, RoleRecord, SessionRecord, TokenRecord, UserRecord};

use crate::{MINUTE, NOW, store};

fn user(id: &str, login: &str) -> UserRecord {
    UserRecord {
        id: id.into(),
        login: login.into(),
        name: "Анна".into(),
        language: "ru".into(),
        password: Some("$argon2id$…".into()),
        totp: None,
        totp_on: false,
        totp_step: 0,
        openid: None,
        disabled_ms: None,
        created_ms: NOW,
        updated_ms: NOW,
        signed_in_ms: None,
    }
}

fn role(clinic: &str, role: &str) -> RoleRecord {
    RoleRecord { clinic: clinic.into(), role: role.into() }
}

fn session(hash: &str, user: &str, at_ms: i64) -> SessionRecord {
    SessionRecord {
        hash: hash.into(),
        id: format!("id-{hash}"),
        user_id: user.into(),
        csrf: "word".into(),
        clinic: None,
        agent: "test".into(),
        created_ms: at_ms,
        seen_ms: at_ms,
    }
}

#[tokio::test]
async fn a_login_belongs_to_one_person_and_a_change_to_what_was_seen() {
    let (_folder, store) = store().await;
    store.add_user(&user("a", "anna"), &[role("vet", "manager"), role("vet", "manager")]).await.unwrap();
    let again = store.add_user(&user("b", "anna"), &[]).await;
    assert!(matches!(again, Err(RecordsError::Exists { what: "user", .. })), "{again:?}");
    assert_eq!(store.roles("a").await.unwrap(), [role("vet", "manager")]);
    assert_eq!(store.user_by_login("anna").await.unwrap(), Some(user("a", "anna")));
    assert_eq!(store.user_by_login("Anna").await.unwrap(), None);

    let changed = UserRecord { name: "Вера".into(), updated_ms: NOW + 1, ..user("a", "anna") };
    assert!(store.save_user(&changed, NOW).await.unwrap());
    assert!(!store.save_user(&changed, NOW).await.unwrap(), "it was seen before the change");
    store.set_roles("a", &[role("*", "owner")]).await.unwrap();
    assert_eq!(store.roles("a").await.unwrap(), [role("*", "owner")]);
}

#[tokio::test]
async fn codes_and_links_work_once() {
    let (_folder, store) = store().await;
    store.add_user(&user("a", "anna"), &[]).await.unwrap();
    assert!(store.take_totp_step("a", 7).await.unwrap());
    assert!(!store.take_totp_step("a", 7).await.unwrap());
    assert!(!store.take_totp_step("a", 6).await.unwrap());
    store.set_recovery_codes("a", &["x".into(), "y".into()]).await.unwrap();
    assert!(store.take_recovery_code("a", "x", NOW).await.unwrap());
    assert!(!store.take_recovery_code("a", "x", NOW).await.unwrap());
    assert!(!store.take_recovery_code("b", "y", NOW).await.unwrap());

    let link = |hash: &str| LinkRecord {
        hash: hash.into(),
        kind: "password".into(),
        user_id: Some("a".into()),
        made_by: "test".into(),
        created_ms: NOW,
        expires_ms: NOW + MINUTE,
        used_ms: None,
    };
    store.add_link(&link("old")).await.unwrap();
    store.add_link(&link("new")).await.unwrap();
    assert_eq!(store.link("old").await.unwrap(), None, "a new link ends the earlier one");
    assert!(!store.take_link("new", "first-run", NOW).await.unwrap());
    assert!(!store.take_link("new", "password", NOW + MINUTE).await.unwrap());
    assert!(store.take_link("new", "password", NOW).await.unwrap());
    assert!(!store.take_link("new", "password", NOW).await.unwrap());
}

#[tokio::test]
async fn there_is_one_first_owner() {
    let (_folder, store) = store().await;
    let link = LinkRecord {
        hash: "secret".into(),
        kind: "first-run".into(),
        user_id: None,
        made_by: "gudok".into(),
        created_ms: NOW,
        expires_ms: NOW + MINUTE,
        used_ms: None,
    };
    store.add_link(&link).await.unwrap();
    let owner = [role("*", "owner")];
    let (one, two) = (user("a", "anna"), user("b", "boris"));
    let both =
        tokio::join!(store.first_owner("secret", &one, &owner, NOW), store.first_owner("secret", &two, &owner, NOW));
    assert_ne!(both.0.unwrap(), both.1.unwrap());
    assert_eq!(store.count_users().await.unwrap(), 1);
}

#[tokio::test]
async fn sessions_end_and_tokens_are_taken_back() {
    let (_folder, store) = store().await;
    for id in ["a", "b"] {
        store.add_user(&user(id, id), &[]).await.unwrap();
    }
    for (hash, at_ms) in [("s1", NOW), ("s2", NOW + MINUTE), ("s3", NOW - 60 * MINUTE)] {
        store.add_session(&session(hash, "a", at_ms)).await.unwrap();
    }
    assert!(!store.end_session("s1", "b").await.unwrap(), "it is another's");
    assert_eq!(store.purge_accounts(NOW - 30 * MINUTE, 0, NOW).await.unwrap(), 1);
    let ids = |all: Vec<SessionRecord>| all.into_iter().map(|one| one.hash).collect::<Vec<_>>();
    assert_eq!(ids(store.sessions("a").await.unwrap()), ["s2", "s1"]);
    store.choose_clinic("s1", "vet").await.unwrap();
    assert_eq!(store.session("s1").await.unwrap().unwrap().clinic.as_deref(), Some("vet"));
    assert_eq!(store.end_sessions("a", Some("s1")).await.unwrap(), 1);
    assert!(store.end_session("id-s1", "a").await.unwrap());

    let token = TokenRecord {
        id: "t".into(),
        hash: "hash".into(),
        user_id: "a".into(),
        name: "crm".into(),
        scopes: vec!["see_calls".into()],
        clinics: vec!["vet".into()],
        created_ms: NOW,
        expires_ms: None,
        last_used_ms: None,
        revoked_ms: None,
    };
    store.add_token(&token).await.unwrap();
    assert_eq!(store.token("hash").await.unwrap(), Some(token.clone()));
    store.revoke_token("t", NOW + 1).await.unwrap();
    store.revoke_token("t", NOW + 2).await.unwrap();
    assert_eq!(store.tokens(Some("a")).await.unwrap()[0].revoked_ms, Some(NOW + 1));
    assert!(store.tokens(Some("b")).await.unwrap().is_empty());
    assert!(matches!(store.revoke_token("u", NOW).await, Err(RecordsError::NotFound { what: "token", .. })));
}

#[tokio::test]
async fn failures_are_counted_and_forgotten() {
    let (_folder, store) = store().await;
    for at in 0..3 {
        store.failed("who", NOW + at, 10 * MINUTE).await.unwrap();
    }
    assert_eq!(store.failures("who").await.unwrap(), (3, NOW + 2));
    store.failed("who", NOW + 20 * MINUTE, 10 * MINUTE).await.unwrap();
    assert_eq!(store.failures("who").await.unwrap(), (1, NOW + 20 * MINUTE));
    store.forgive("who").await.unwrap();
    assert_eq!(store.failures("who").await.unwrap(), (0, 0));
}

#[tokio::test]
async fn a_request_is_done_once() {
    let (_folder, store) = store().await;
    let keep = (10 * MINUTE, MINUTE);
    let claim = async |request: &str, now_ms: i64| store.claim_once("key", request, now_ms, keep).await.unwrap();
    assert_eq!(claim("r", NOW).await, Claim::Yours);
    assert_eq!(claim("r", NOW + 1).await, Claim::Taken { request: "r".into() });
    // Whoever worked on it died.
    assert_eq!(claim("r", NOW + MINUTE).await, Claim::Yours);
    store.answer_once("key", Some((201, "{}"))).await.unwrap();
    let answered = Claim::Answered { request: "r".into(), status: 201, body: "{}".into() };
    assert_eq!(claim("other", NOW + 2 * MINUTE).await, answered);
    assert_eq!(claim("r", NOW + 20 * MINUTE).await, Claim::Yours);
    store.answer_once("key", None).await.unwrap();
    assert_eq!(claim("other", NOW + 20 * MINUTE).await, Claim::Yours);
}
