//! `gudok user`: people and tokens from the terminal, for whoever may read the database anyway.

use accounts::{Accounts, EVERY_CLINIC, Grant, NewToken, NewUser, Permission, Role};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use records::{AuditEntry, Store, UserRecord};
use serde_json::{Value, json};

use crate::cli::User;
use crate::output::List;
use crate::place::Place;

/// Stands as the one who made it.
const BY: &str = "terminal";
const DAY: i64 = 86_400_000;

pub async fn run(command: &User, place: &Place) -> Result<()> {
    let store = place.store().await?;
    let accounts = Accounts::new(store.clone());
    let now_ms = Timestamp::now().as_millisecond();
    match command {
        User::Add { login, name, language, role } => {
            let grants = role.iter().map(|text| grant(text)).collect::<Result<Vec<_>>>()?;
            let new = NewUser { login: login.clone(), name: name.clone(), language: language.clone(), grants };
            let (user, secret) = accounts.invite(&new, BY, now_ms).await?;
            witness(&store, "user.invited", "user", &user.id, now_ms).await?;
            println!("{login} may come in. They choose a password here, once, within three days:");
            println!("  /invitation?token={secret}");
        }
        User::Link { login } => {
            let user = find(&store, login).await?;
            let secret = accounts.password_link(&user.id, BY, now_ms).await?;
            witness(&store, "user.invited", "user", &user.id, now_ms).await?;
            println!("{login} chooses a new password here, once, within three days:");
            println!("  /invitation?token={secret}");
        }
        User::Role { login, role } => {
            let user = find(&store, login).await?;
            let grants = role.iter().map(|text| grant(text)).collect::<Result<Vec<_>>>()?;
            accounts.set_grants(&user.id, &grants).await?;
            witness(&store, "user.grants", "user", &user.id, now_ms).await?;
            println!("{login}: {}", said(&grants));
        }
        User::Disable { login } => {
            let user = find(&store, login).await?;
            accounts.set_disabled(&user.id, true, now_ms).await?;
            witness(&store, "user.disabled", "user", &user.id, now_ms).await?;
            println!("{login} may come in no more; their sessions have ended");
        }
        User::Enable { login } => {
            let user = find(&store, login).await?;
            accounts.set_disabled(&user.id, false, now_ms).await?;
            witness(&store, "user.enabled", "user", &user.id, now_ms).await?;
            println!("{login} may come in again");
        }
        User::Token { login, name, scope, clinic, days } => {
            let user = find(&store, login).await?;
            let parse =
                |word: &String| word.parse::<Permission>().map_err(|error| anyhow::anyhow!("--scope {word}: {error}"));
            let scopes = scope.iter().map(parse).collect::<Result<Vec<_>>>()?;
            let expires_ms = days.map(|days| now_ms + i64::from(days) * DAY);
            let new = NewToken { name: name.clone(), scopes, clinics: clinic.clone(), expires_ms };
            let (token, text) = accounts.make_token(&user.id, new, now_ms).await?;
            witness(&store, "token.made", "token", &token.id, now_ms).await?;
            println!("{text}");
        }
        User::List { format } => {
            let columns =
                [("login", "login"), ("name", "name"), ("roles", "roles"), ("totp", "code"), ("disabled", "disabled")];
            let mut list = List::new(&columns);
            for user in store.users().await? {
                let roles = said(&accounts.grants(&user.id).await?);
                let row: [Value; 5] = [
                    json!(user.login.as_str()),
                    json!(user.name),
                    json!(roles),
                    json!(user.totp_on),
                    json!(user.disabled_ms.is_some()),
                ];
                list.row(row);
            }
            list.print(*format)?;
        }
    }
    Ok(())
}

/// Whoever may read the database may do all of this; what they did is to be seen nevertheless.
async fn witness(store: &Store, action: &str, kind: &str, subject: &str, at_ms: i64) -> Result<()> {
    let entry = AuditEntry {
        at_ms,
        clinic: String::new(),
        who: BY.to_owned(),
        action: action.to_owned(),
        subject_kind: kind.to_owned(),
        subject: subject.to_owned(),
        ip: None,
        detail: json!({}),
    };
    store.audit(&entry).await?;
    Ok(())
}

async fn find(store: &Store, login: &str) -> Result<UserRecord> {
    let found = store.user_by_login(&login.to_lowercase()).await?;
    found.with_context(|| format!("no user `{login}`; `gudok user list` names them"))
}

/// `manager@vet_lapa`, or `owner` for every clinic.
fn grant(text: &str) -> Result<Grant> {
    let (role, clinic) = text.split_once('@').unwrap_or((text, EVERY_CLINIC));
    let role: Role = role.parse().map_err(|error| anyhow::anyhow!("--role {text}: {error}"))?;
    if clinic.is_empty() {
        bail!("--role {text}: name the clinic after the @, or leave both out for every clinic");
    }
    Ok(Grant { clinic: clinic.to_owned(), role })
}

fn said(grants: &[Grant]) -> String {
    let one = |grant: &Grant| match grant.clinic.as_str() {
        EVERY_CLINIC => grant.role.to_string(),
        clinic => format!("{}@{clinic}", grant.role),
    };
    grants.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_of_one_clinic_or_of_all() {
        assert_eq!(grant("owner").unwrap(), Grant::owner_of_everything());
        let manager = grant("manager@vet_lapa").unwrap();
        assert_eq!((manager.clinic.as_str(), manager.role), ("vet_lapa", Role::Manager));
        assert!(grant("boss@vet").unwrap_err().to_string().contains("owner, manager"));
        assert!(grant("owner@").is_err());
        assert_eq!(said(&[Grant::owner_of_everything(), manager]), "owner, manager@vet_lapa");
    }
}
