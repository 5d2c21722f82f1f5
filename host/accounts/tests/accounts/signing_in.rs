//! Passwords, codes, sessions, tokens, owners.

use accounts::{AccountError, Accounts, Attempt, Grant, NewToken, NewUser, Permission, Role, Shown, totp};

use crate::{NOW, PASSWORD, house, person};

const HOUR: i64 = 3_600_000;

fn attempt<'a>(login: &'a str, password: &'a str, code: Option<&'a str>) -> Attempt<'a> {
    Attempt { login, password, code, address: Some([10, 0, 0, 1].into()), agent: "test" }
}

#[tokio::test]
async fn a_session_lasts_a_shift_and_ends_with_the_account() {
    let (_folder, _store, accounts) = house().await;
    let user = person(&accounts, "Anna@Clinic.ru", vec![Grant { clinic: "vet".into(), role: Role::Manager }]).await;
    person(&accounts, "owner", vec![Grant::owner_of_everything()]).await;
    let one = accounts.sign_in(attempt("ANNA@clinic.ru ", PASSWORD, None), NOW).await.unwrap();
    let two = accounts.sign_in(attempt("anna@clinic.ru", PASSWORD, None), NOW).await.unwrap();
    assert_ne!(one.secret, two.secret, "each sign-in has a secret of its own");
    let present = accounts.by_session(&one.secret, NOW + 11 * HOUR).await.unwrap().unwrap();
    assert_eq!((present.user.id.as_str(), present.grants.len()), (user.id.as_str(), 1));
    assert!(
        accounts.by_session(&two.secret, NOW + 13 * HOUR).await.unwrap().is_none(),
        "unused for longer than a shift"
    );
    assert!(accounts.by_session(&one.secret, NOW + 22 * HOUR).await.unwrap().is_some(), "used in between");
    assert!(accounts.by_session("nonsense", NOW).await.unwrap().is_none());
    accounts.set_disabled(&user.id, true, NOW + 22 * HOUR).await.unwrap();
    assert!(accounts.by_session(&one.secret, NOW + 22 * HOUR).await.unwrap().is_none());
    let again = accounts.sign_in(attempt("anna@clinic.ru", PASSWORD, None), NOW).await;
    assert!(matches!(again, Err(AccountError::Wrong)), "{again:?}");
}

#[tokio::test]
async fn a_session_ends_after_a_week_however_much_it_is_used() {
    let (_folder, _store, accounts) = house().await;
    person(&accounts, "anna", vec![Grant::owner_of_everything()]).await;
    let opened = accounts.sign_in(attempt("anna", PASSWORD, None), NOW).await.unwrap();
    for hours in (10..168).step_by(10) {
        assert!(accounts.by_session(&opened.secret, NOW + hours * HOUR).await.unwrap().is_some(), "{hours}");
    }
    assert!(accounts.by_session(&opened.secret, NOW + 169 * HOUR).await.unwrap().is_none());
}

#[tokio::test]
async fn the_second_factor_is_asked_for_and_no_code_twice() {
    let (_folder, _store, accounts) = house().await;
    let user = person(&accounts, "anna", vec![Grant::owner_of_everything()]).await;
    let secret = accounts.begin_totp(&user.id, NOW).await.unwrap();
    let code = totp::code_at(&secret, NOW).unwrap();
    // It does not count before its first code.
    accounts.sign_in(attempt("anna", PASSWORD, None), NOW).await.unwrap();
    let recovery = accounts.confirm_totp(&user.id, &code, NOW).await.unwrap();
    let without = accounts.sign_in(attempt("anna", PASSWORD, None), NOW).await;
    assert!(matches!(without, Err(AccountError::CodeNeeded)), "{without:?}");
    let replayed = accounts.sign_in(attempt("anna", PASSWORD, Some(&code)), NOW).await;
    assert!(matches!(replayed, Err(AccountError::Wrong)), "{replayed:?}");
    let later = NOW + 60_000;
    let fresh = totp::code_at(&secret, later).unwrap();
    accounts.sign_in(attempt("anna", PASSWORD, Some(&fresh)), later).await.unwrap();
    let lost = recovery[3].to_uppercase();
    accounts.sign_in(attempt("anna", PASSWORD, Some(&lost)), later).await.unwrap();
    assert!(accounts.sign_in(attempt("anna", PASSWORD, Some(&lost)), later).await.is_err(), "it was used");
}

#[tokio::test]
async fn the_secret_of_an_authenticator_is_sealed_also_one_of_an_earlier_time() {
    let (folder, store, accounts) = house().await;
    let user = person(&accounts, "anna", vec![Grant::owner_of_everything()]).await;
    let secret = accounts.begin_totp(&user.id, NOW).await.unwrap();
    let recovery = accounts.confirm_totp(&user.id, &totp::code_at(&secret, NOW).unwrap(), NOW).await.unwrap();
    assert_eq!(store.user(&user.id).await.unwrap().totp.as_deref(), Some(secret.as_str()), "there was no key");
    let keys = folder.path().join("keys");
    let store = store.with_keyring(records::Keyring::new(&keys));
    assert_eq!(store.seal_open_totps().await.unwrap(), 1);
    assert_eq!(store.seal_open_totps().await.unwrap(), 0);
    let row = store.user(&user.id).await.unwrap().totp.unwrap();
    assert!(row.starts_with("sealed ") && !row.contains(&secret), "{row}");
    let later = NOW + 60_000;
    accounts.sign_in(attempt("anna", PASSWORD, totp::code_at(&secret, later).as_deref()), later).await.unwrap();
    // A new one is sealed at once.
    let other = person(&accounts, "vera", vec![Grant::owner_of_everything()]).await;
    let secret = accounts.begin_totp(&other.id, NOW).await.unwrap();
    assert!(!store.user(&other.id).await.unwrap().totp.unwrap().contains(&secret));
    accounts.confirm_totp(&other.id, &totp::code_at(&secret, NOW).unwrap(), NOW).await.unwrap();
    // Without the key no code is right, and no new key is made; recovery codes go on.
    std::fs::remove_file(keys.join("_home.key")).unwrap();
    let again = records::Store::open(store.path()).await.unwrap().with_keyring(records::Keyring::new(&keys));
    let accounts = Accounts::new(again.clone());
    let later = later + 60_000;
    let code = totp::code_at(&secret, later).unwrap();
    let lost = accounts.sign_in(attempt("vera", PASSWORD, Some(&code)), later).await;
    assert!(matches!(lost, Err(AccountError::Records(_))), "{lost:?}");
    assert!(again.seal_totp("x", "ABC").await.is_err());
    accounts.sign_in(attempt("anna", PASSWORD, Some(&recovery[0])), later).await.unwrap();
}

#[tokio::test]
async fn a_wrong_code_counts_as_a_wrong_password() {
    let (_folder, _store, accounts) = house().await;
    let user = person(&accounts, "anna", vec![Grant::owner_of_everything()]).await;
    let secret = accounts.begin_totp(&user.id, NOW).await.unwrap();
    accounts.confirm_totp(&user.id, &totp::code_at(&secret, NOW).unwrap(), NOW).await.unwrap();
    for _ in 0..5 {
        assert!(accounts.sign_in(attempt("anna", PASSWORD, Some("000000")), NOW).await.is_err());
    }
    let waits = accounts.sign_in(attempt("anna", PASSWORD, Some("000000")), NOW).await;
    assert!(matches!(waits, Err(AccountError::Wait { seconds: 2 })), "{waits:?}");
}

#[tokio::test]
async fn an_address_that_tries_many_names_waits_too() {
    let (_folder, _store, accounts) = house().await;
    for number in 0..20 {
        let login = format!("user{number}");
        assert!(accounts.sign_in(attempt(&login, "guess guess", None), NOW).await.is_err());
    }
    let waits = accounts.sign_in(attempt("somebody", "guess guess", None), NOW).await;
    assert!(matches!(waits, Err(AccountError::Wait { .. })), "{waits:?}");
    let elsewhere = Attempt { address: Some([10, 0, 0, 2].into()), ..attempt("somebody", "guess guess", None) };
    assert!(matches!(accounts.sign_in(elsewhere, NOW).await, Err(AccountError::Wrong)));
}

#[tokio::test]
async fn a_token_lasts_as_long_as_it_was_given() {
    let (_folder, store, accounts) = house().await;
    let user = person(&accounts, "anna", vec![Grant { clinic: "vet".into(), role: Role::Integrator }]).await;
    let new = NewToken {
        name: "crm".into(),
        scopes: vec![Permission::SeeCalls, Permission::SeeCalls],
        clinics: vec!["vet".into()],
        expires_ms: Some(NOW + HOUR),
    };
    let (token, text) = accounts.make_token(&user.id, new.clone(), NOW).await.unwrap();
    assert_eq!(token.scopes, ["see_calls"]);
    let present = accounts.by_token(&text, NOW).await.unwrap().unwrap();
    assert!(matches!(present.by, Shown::Token(found) if found.id == token.id));
    assert!(accounts.by_token(&text, NOW + HOUR).await.unwrap().is_none());
    assert!(accounts.by_token("gudok_nonsense", NOW).await.unwrap().is_none());
    store.revoke_token(&token.id, NOW).await.unwrap();
    assert!(accounts.by_token(&text, NOW).await.unwrap().is_none());
    let past = NewToken { expires_ms: Some(NOW), ..new.clone() };
    assert!(accounts.make_token(&user.id, past, NOW).await.is_err());
    assert!(accounts.make_token(&user.id, NewToken { scopes: Vec::new(), ..new }, NOW).await.is_err());
}

#[tokio::test]
async fn the_last_owner_stays() {
    let (_folder, _store, accounts) = house().await;
    let owner = person(&accounts, "anna", vec![Grant::owner_of_everything()]).await;
    let stays =
        |result: Result<(), AccountError>| assert!(matches!(result, Err(AccountError::LastOwner)), "{result:?}");
    stays(accounts.set_grants(&owner.id, &[]).await);
    stays(accounts.set_disabled(&owner.id, true, NOW).await.map(drop));
    let other = person(&accounts, "boris", vec![Grant::owner_of_everything()]).await;
    accounts.set_grants(&owner.id, &[]).await.unwrap();
    stays(accounts.set_disabled(&other.id, true, NOW).await.map(drop));
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_of_the_old_one() {
    let (_folder, _store, accounts) = house().await;
    let user = person(&accounts, "anna", vec![Grant::owner_of_everything()]).await;
    let opened = accounts.sign_in(attempt("anna", PASSWORD, None), NOW).await.unwrap();
    let wrong = accounts.change_password(&user.id, "not this one", "a longer password", None, NOW).await;
    assert!(matches!(wrong, Err(AccountError::Wrong)), "{wrong:?}");
    accounts.change_password(&user.id, PASSWORD, "a longer password", None, NOW).await.unwrap();
    assert!(accounts.by_session(&opened.secret, NOW).await.unwrap().is_none());
    assert!(accounts.sign_in(attempt("anna", PASSWORD, None), NOW).await.is_err());
    accounts.sign_in(attempt("anna", "a longer password", None), NOW).await.unwrap();
}

#[tokio::test]
async fn logins_and_names_that_nobody_may_have() {
    let (_folder, _store, accounts) = house().await;
    let try_as = async |accounts: &Accounts, login: &str, name: &str, language: &str| {
        let grants = vec![Grant::owner_of_everything()];
        let new = NewUser { login: login.into(), name: name.into(), language: language.into(), grants };
        accounts.invite(&new, "test", NOW).await
    };
    for (login, name, language) in [
        ("", "A", "ru"),
        ("a b", "A", "ru"),
        ("x", "A", "ru"),
        ("anna", " ", "ru"),
        ("anna", "flow:x", "ru"),
        ("anna", "A", "de"),
    ] {
        assert!(
            matches!(try_as(&accounts, login, name, language).await, Err(AccountError::BadField { .. })),
            "{login} {name}"
        );
    }
    try_as(&accounts, "анна@клиника.рф", "Анна", "ru").await.unwrap();
    assert!(matches!(try_as(&accounts, "АННА@клиника.рф", "Анна", "ru").await, Err(AccountError::LoginTaken)));
}
