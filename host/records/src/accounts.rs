//! People who may come in, and what they show: users, roles, sessions, tokens, one-time links, failures. What any of it means
//! is the business of the room `accounts`; here are the rows.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::row::{Columns as _, FromColumns};
use crate::{Pii, RecordsError, Result, Store};

/// Somebody who may come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UserRecord {
    /// See [`crate::id()`].
    pub id: String,
    /// What they type to sign in, in lower case.
    pub login: Pii,
    /// As others read it.
    pub name: String,
    /// `ru` or `en`.
    pub language: String,
    /// Argon2id in PHC form; none: not chosen yet, or they sign in elsewhere.
    #[serde(skip)]
    pub password: Option<String>,
    /// The secret of their authenticator, as [`Store::seal_totp`] gives it.
    #[serde(skip)]
    pub totp: Option<String>,
    /// Whether a code of it is asked for.
    pub totp_on: bool,
    /// The last time step whose code was taken.
    #[serde(skip)]
    pub totp_step: i64,
    /// `issuer subject` of the OpenID provider they come from.
    pub openid: Option<String>,
    /// Since when they may not come in.
    pub disabled_ms: Option<i64>,
    /// When they were written down.
    pub created_ms: i64,
    /// When something about them last changed.
    pub updated_ms: i64,
    /// When they last signed in.
    pub signed_in_ms: Option<i64>,
}

/// A user's role at a clinic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RoleRecord {
    /// Clinic id, or `*`.
    pub clinic: String,
    /// The role's word.
    pub role: String,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SessionRecord {
    /// SHA-256 of its secret, hexadecimal.
    #[serde(skip)]
    pub hash: String,
    /// What it is called in lists.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// What forms must carry.
    #[serde(skip)]
    pub csrf: String,
    /// The clinic that was chosen.
    pub clinic: Option<String>,
    /// The browser, as it calls itself.
    pub agent: String,
    /// When it began.
    pub created_ms: i64,
    /// When it was last used, to the minute.
    pub seen_ms: i64,
}

/// A token of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TokenRecord {
    /// See [`crate::id()`].
    pub id: String,
    /// SHA-256 of the token, hexadecimal.
    #[serde(skip)]
    pub hash: String,
    /// Whose it is.
    pub user_id: String,
    /// What it is for.
    pub name: String,
    /// What it may do at most.
    pub scopes: Vec<String>,
    /// Where; empty: wherever its owner may.
    pub clinics: Vec<String>,
    /// When it was made.
    pub created_ms: i64,
    /// When it ends; none: never.
    pub expires_ms: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_ms: Option<i64>,
    /// Since when it is no longer taken.
    pub revoked_ms: Option<i64>,
}

/// A link that works once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    /// SHA-256 of its secret, hexadecimal.
    pub hash: String,
    /// `first-run`, `invitation`, `password`.
    pub kind: String,
    /// Whose password it sets; none: the first owner's.
    pub user_id: Option<String>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created_ms: i64,
    /// Until when it works.
    pub expires_ms: i64,
    /// When it was used.
    pub used_ms: Option<i64>,
}

/// What came of an idempotent request's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody asked before: do it, then [`Store::answer_once`].
    Yours,
    /// It is being worked on, or was asked with another body.
    Taken {
        /// Hash of the request that has it.
        request: String,
    },
    /// It was answered.
    Answered {
        /// Hash of the request that was answered.
        request: String,
        /// The HTTP status.
        status: u16,
        /// What was sent.
        body: String,
    },
}

/// Whose key seals what belongs to no clinic.
pub(crate) const HOME: &str = "_home";
/// Stands before what is sealed; no secret of an authenticator begins so.
const SEALED: &str = "sealed";

macro_rules! user {
    () => {
        "id, login, name, language, password, totp, totp_on, totp_step, openid, disabled_ms, created_ms, updated_ms,
         signed_in_ms"
    };
}
macro_rules! session {
    () => {
        "hash, id, user_id, csrf, clinic, agent, created_ms, seen_ms"
    };
}
macro_rules! token {
    () => {
        "id, hash, user_id, name, scopes, clinics, created_ms, expires_ms, last_used_ms, revoked_ms"
    };
}

impl Store {
    /// How many users there are, those who may no longer come in included.
    pub async fn count_users(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(self.read()).await?)
    }

    /// Writes a new user down, with their roles.
    ///
    /// # Errors
    /// [`RecordsError::Exists`] when the id or the login is taken.
    pub async fn add_user(&self, user: &UserRecord, roles: &[RoleRecord]) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        insert_user(&mut transaction, user).await?;
        insert_roles(&mut transaction, &user.id, roles).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// A user by id.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    pub async fn user(&self, id: &str) -> Result<UserRecord> {
        let row = sqlx::query(concat!("SELECT ", user!(), " FROM users WHERE id = $1")).bind(id);
        let row = row.fetch_optional(self.read()).await?;
        row.as_ref().map(UserRecord::from_columns).transpose()?.ok_or_else(|| not_found("user", id))
    }

    /// A user by what they type, in lower case.
    pub async fn user_by_login(&self, login: &str) -> Result<Option<UserRecord>> {
        let row = sqlx::query(concat!("SELECT ", user!(), " FROM users WHERE login = $1")).bind(login);
        row.fetch_optional(self.read()).await?.as_ref().map(UserRecord::from_columns).transpose()
    }

    /// A user by `issuer subject` of their OpenID provider.
    pub async fn user_by_openid(&self, openid: &str) -> Result<Option<UserRecord>> {
        let row = sqlx::query(concat!("SELECT ", user!(), " FROM users WHERE openid = $1")).bind(openid);
        row.fetch_optional(self.read()).await?.as_ref().map(UserRecord::from_columns).transpose()
    }

    /// Everybody, by name.
    pub async fn users(&self) -> Result<Vec<UserRecord>> {
        let rows =
            sqlx::query(concat!("SELECT ", user!(), " FROM users ORDER BY name, id")).fetch_all(self.read()).await?;
        rows.iter().map(UserRecord::from_columns).collect()
    }

    /// Writes a user over the row with the same id, if it is still as old as `seen_ms`.
    ///
    /// # Errors
    /// [`RecordsError::Exists`] when the login is another's, [`RecordsError::NotFound`] when there is no such user.
    /// False: somebody changed it in between.
    pub async fn save_user(&self, user: &UserRecord, seen_ms: i64) -> Result<bool> {
        let sql = "UPDATE users SET login = $2, name = $3, language = $4, password = $5, totp = $6, totp_on = $7,
             totp_step = $8, openid = $9, disabled_ms = $10, updated_ms = $11, signed_in_ms = $12
             WHERE id = $1 AND updated_ms = $13";
        let saved = sqlx::query(sql)
            .bind(&user.id)
            .bind(user.login.as_str())
            .bind(&user.name)
            .bind(&user.language)
            .bind(user.password.as_deref())
            .bind(user.totp.as_deref())
            .bind(i64::from(user.totp_on))
            .bind(user.totp_step)
            .bind(user.openid.as_deref())
            .bind(user.disabled_ms)
            .bind(user.updated_ms)
            .bind(user.signed_in_ms)
            .bind(seen_ms)
            .execute(self.write())
            .await
            .map_err(|error| taken(error, "user", &user.id))?;
        if saved.rows_affected() == 1 {
            return Ok(true);
        }
        self.user(&user.id).await.map(|_| false)
    }

    /// A secret of a user's authenticator as it is to lie in their row: sealed with the home's key, where there are keys.
    ///
    /// # Errors
    /// [`RecordsError::NoKey`] when others were sealed with a key that is gone; [`RecordsError::KeyFile`].
    pub async fn seal_totp(&self, user: &str, secret: &str) -> Result<String> {
        Ok(match self.sealing_key(HOME).await? {
            Some(key) => format!("{SEALED} {} {}", key.id(), key.seal(user, "totp", secret)),
            None => secret.to_owned(),
        })
    }

    /// The secret that lies in a user's row.
    ///
    /// # Errors
    /// [`RecordsError::NoKey`], [`RecordsError::WrongKey`] when the key it was sealed with is not there;
    /// [`RecordsError::BadValue`] when it was changed.
    pub async fn open_totp(&self, user: &str, stored: &str) -> Result<String> {
        let mut words = stored.split(' ');
        let (Some(SEALED), Some(key), Some(sealed)) = (words.next(), words.next(), words.next()) else {
            // Of a time before secrets were sealed.
            return Ok(stored.to_owned());
        };
        let opened = self.opening_key(HOME, key).await?.open(user, "totp", sealed);
        opened.map_err(|_| RecordsError::BadValue {
            field: "totp",
            problem: "it was changed after it was sealed; turn the user's code off, and on again".to_owned(),
        })
    }

    /// Seals secrets that lie open from an earlier time. How many there were.
    ///
    /// # Errors
    /// As [`Store::seal_totp`].
    pub async fn seal_open_totps(&self) -> Result<u64> {
        let sql = "SELECT id, totp FROM users WHERE totp IS NOT NULL AND totp NOT LIKE 'sealed %'";
        let mut done = 0;
        for row in sqlx::query(sql).fetch_all(self.read()).await? {
            let (id, open) = (row.text("id")?, row.text("totp")?);
            let sealed = self.seal_totp(&id, &open).await?;
            if sealed != open {
                let sql = "UPDATE users SET totp = $3 WHERE id = $1 AND totp = $2";
                let written = sqlx::query(sql).bind(&id).bind(&open).bind(&sealed).execute(self.write()).await?;
                done += written.rows_affected();
            }
        }
        Ok(done)
    }

    /// Takes a code's time step: false when it, or a later one, was taken before.
    pub async fn take_totp_step(&self, user: &str, step: i64) -> Result<bool> {
        let taken = sqlx::query("UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2")
            .bind(user)
            .bind(step)
            .execute(self.write())
            .await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Notes that somebody signed in.
    pub async fn signed_in(&self, user: &str, at_ms: i64) -> Result<()> {
        let sql = "UPDATE users SET signed_in_ms = $2 WHERE id = $1";
        sqlx::query(sql).bind(user).bind(at_ms).execute(self.write()).await?;
        Ok(())
    }

    /// A user's roles.
    pub async fn roles(&self, user: &str) -> Result<Vec<RoleRecord>> {
        let sql = "SELECT clinic, role FROM user_roles WHERE user_id = $1 ORDER BY clinic, role";
        let rows = sqlx::query(sql).bind(user).fetch_all(self.read()).await?;
        rows.iter().map(|row| Ok(RoleRecord { clinic: row.text("clinic")?, role: row.text("role")? })).collect()
    }

    /// Gives a user these roles and no others.
    pub async fn set_roles(&self, user: &str, roles: &[RoleRecord]) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        sqlx::query("DELETE FROM user_roles WHERE user_id = $1").bind(user).execute(&mut *transaction).await?;
        insert_roles(&mut transaction, user, roles).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Gives a user these recovery codes and no others.
    pub async fn set_recovery_codes(&self, user: &str, hashes: &[String]) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        sqlx::query("DELETE FROM recovery_codes WHERE user_id = $1").bind(user).execute(&mut *transaction).await?;
        for hash in hashes {
            let sql = "INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)";
            sqlx::query(sql).bind(user).bind(hash).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Uses a recovery code up: false when there is none like it, or it was used.
    pub async fn take_recovery_code(&self, user: &str, hash: &str, at_ms: i64) -> Result<bool> {
        let sql = "UPDATE recovery_codes SET used_ms = $3 WHERE user_id = $1 AND hash = $2 AND used_ms IS NULL";
        let taken = sqlx::query(sql).bind(user).bind(hash).bind(at_ms).execute(self.write()).await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Writes a new session down.
    pub async fn add_session(&self, session: &SessionRecord) -> Result<()> {
        let sql = "INSERT INTO sessions (hash, id, user_id, csrf, clinic, agent, created_ms, seen_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        sqlx::query(sql)
            .bind(&session.hash)
            .bind(&session.id)
            .bind(&session.user_id)
            .bind(&session.csrf)
            .bind(session.clinic.as_deref())
            .bind(&session.agent)
            .bind(session.created_ms)
            .bind(session.seen_ms)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// The session with a secret of this hash.
    pub async fn session(&self, hash: &str) -> Result<Option<SessionRecord>> {
        let row = sqlx::query(concat!("SELECT ", session!(), " FROM sessions WHERE hash = $1")).bind(hash);
        row.fetch_optional(self.read()).await?.as_ref().map(SessionRecord::from_columns).transpose()
    }

    /// A user's sessions, the one used last first.
    pub async fn sessions(&self, user: &str) -> Result<Vec<SessionRecord>> {
        let sql = concat!("SELECT ", session!(), " FROM sessions WHERE user_id = $1 ORDER BY seen_ms DESC, id");
        let rows = sqlx::query(sql).bind(user).fetch_all(self.read()).await?;
        rows.iter().map(SessionRecord::from_columns).collect()
    }

    /// Notes that a session was used.
    pub async fn session_seen(&self, hash: &str, at_ms: i64) -> Result<()> {
        sqlx::query("UPDATE sessions SET seen_ms = $2 WHERE hash = $1")
            .bind(hash)
            .bind(at_ms)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Notes the clinic that was chosen in a session.
    pub async fn choose_clinic(&self, hash: &str, clinic: &str) -> Result<()> {
        sqlx::query("UPDATE sessions SET clinic = $2 WHERE hash = $1")
            .bind(hash)
            .bind(clinic)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// Ends a session, by its hash or by its id and user.
    pub async fn end_session(&self, hash_or_id: &str, user: &str) -> Result<bool> {
        let sql = "DELETE FROM sessions WHERE user_id = $2 AND (hash = $1 OR id = $1)";
        let ended = sqlx::query(sql).bind(hash_or_id).bind(user).execute(self.write()).await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Ends all sessions of a user but one.
    pub async fn end_sessions(&self, user: &str, but: Option<&str>) -> Result<u64> {
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND hash <> $2";
        Ok(sqlx::query(sql).bind(user).bind(but.unwrap_or_default()).execute(self.write()).await?.rows_affected())
    }

    /// Deletes sessions that were last used or that began before these moments, used-up links and old failures.
    pub async fn purge_accounts(&self, seen_before_ms: i64, made_before_ms: i64, now_ms: i64) -> Result<u64> {
        let mut transaction = self.begin_write().await?;
        let gone = sqlx::query("DELETE FROM sessions WHERE seen_ms < $1 OR created_ms < $2")
            .bind(seen_before_ms)
            .bind(made_before_ms)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        let sql = "DELETE FROM account_links WHERE expires_ms < $1 OR used_ms IS NOT NULL";
        sqlx::query(sql).bind(now_ms).execute(&mut *transaction).await?;
        let day = now_ms - 86_400_000;
        for sql in ["DELETE FROM failed_sign_ins WHERE last_ms < $1", "DELETE FROM idempotent_answers WHERE at_ms < $1"]
        {
            sqlx::query(sql).bind(day).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(gone)
    }

    /// Writes a new token down.
    pub async fn add_token(&self, token: &TokenRecord) -> Result<()> {
        let sql = "INSERT INTO api_tokens (id, hash, user_id, name, scopes, clinics, created_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        sqlx::query(sql)
            .bind(&token.id)
            .bind(&token.hash)
            .bind(&token.user_id)
            .bind(&token.name)
            .bind(serde_json::json!(token.scopes).to_string())
            .bind(serde_json::json!(token.clinics).to_string())
            .bind(token.created_ms)
            .bind(token.expires_ms)
            .execute(self.write())
            .await?;
        Ok(())
    }

    /// The token with this hash.
    pub async fn token(&self, hash: &str) -> Result<Option<TokenRecord>> {
        let row = sqlx::query(concat!("SELECT ", token!(), " FROM api_tokens WHERE hash = $1")).bind(hash);
        row.fetch_optional(self.read()).await?.as_ref().map(TokenRecord::from_columns).transpose()
    }

    /// All tokens, of one user or of all, newest first.
    pub async fn tokens(&self, user: Option<&str>) -> Result<Vec<TokenRecord>> {
        let sql = concat!(
            "SELECT ",
            token!(),
            " FROM api_tokens WHERE ($1 IS NULL OR user_id = $1) ORDER BY created_ms DESC, id"
        );
        let rows = sqlx::query(sql).bind(user).fetch_all(self.read()).await?;
        rows.iter().map(TokenRecord::from_columns).collect()
    }

    /// Notes that a token was used.
    pub async fn token_used(&self, id: &str, at_ms: i64) -> Result<()> {
        let sql = "UPDATE api_tokens SET last_used_ms = $2 WHERE id = $1";
        sqlx::query(sql).bind(id).bind(at_ms).execute(self.write()).await?;
        Ok(())
    }

    /// Takes a token back for good.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    pub async fn revoke_token(&self, id: &str, at_ms: i64) -> Result<()> {
        let sql = "UPDATE api_tokens SET revoked_ms = COALESCE(revoked_ms, $2) WHERE id = $1";
        let revoked = sqlx::query(sql).bind(id).bind(at_ms).execute(self.write()).await?;
        if revoked.rows_affected() == 1 { Ok(()) } else { Err(not_found("token", id)) }
    }

    /// Writes a one-time link down. A new one of a kind for a user ends the earlier ones.
    pub async fn add_link(&self, link: &LinkRecord) -> Result<()> {
        let mut transaction = self.begin_write().await?;
        sqlx::query("DELETE FROM account_links WHERE kind = $1 AND COALESCE(user_id, '') = $2")
            .bind(&link.kind)
            .bind(link.user_id.as_deref().unwrap_or_default())
            .execute(&mut *transaction)
            .await?;
        let sql = "INSERT INTO account_links (hash, kind, user_id, made_by, created_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(sql)
            .bind(&link.hash)
            .bind(&link.kind)
            .bind(link.user_id.as_deref())
            .bind(&link.made_by)
            .bind(link.created_ms)
            .bind(link.expires_ms)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The link with a secret of this hash, used or not.
    pub async fn link(&self, hash: &str) -> Result<Option<LinkRecord>> {
        let sql =
            "SELECT hash, kind, user_id, made_by, created_ms, expires_ms, used_ms FROM account_links WHERE hash = $1";
        let row = sqlx::query(sql).bind(hash).fetch_optional(self.read()).await?;
        row.as_ref().map(LinkRecord::from_columns).transpose()
    }

    /// Uses the first owner's link up and writes the owner down, both or neither: false when the link was used, has run
    /// out, or there is a user already.
    pub async fn first_owner(&self, hash: &str, user: &UserRecord, roles: &[RoleRecord], now_ms: i64) -> Result<bool> {
        let mut transaction = self.begin_write().await?;
        let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(&mut *transaction).await?;
        if users > 0 || !take_link(&mut transaction, hash, "first-run", now_ms).await? {
            return Ok(false);
        }
        insert_user(&mut transaction, user).await?;
        insert_roles(&mut transaction, &user.id, roles).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Uses a link up: false when it was used or has run out.
    pub async fn take_link(&self, hash: &str, kind: &str, now_ms: i64) -> Result<bool> {
        let mut transaction = self.begin_write().await?;
        let taken = take_link(&mut transaction, hash, kind, now_ms).await?;
        transaction.commit().await?;
        Ok(taken)
    }

    /// How often something failed, and when it last did.
    pub async fn failures(&self, subject: &str) -> Result<(i64, i64)> {
        let sql = "SELECT failures, last_ms FROM failed_sign_ins WHERE subject = $1";
        let row = sqlx::query(sql).bind(subject).fetch_optional(self.read()).await?;
        row.map_or(Ok((0, 0)), |row| Ok((row.int("failures")?, row.int("last_ms")?)))
    }

    /// Counts a failure; one after `forget_ms` of peace is the first again.
    pub async fn failed(&self, subject: &str, now_ms: i64, forget_ms: i64) -> Result<()> {
        let sql = "INSERT INTO failed_sign_ins (subject, failures, last_ms) VALUES ($1, 1, $2)
             ON CONFLICT (subject) DO UPDATE SET last_ms = excluded.last_ms, failures =
             CASE WHEN failed_sign_ins.last_ms < $2 - $3 THEN 1 ELSE failed_sign_ins.failures + 1 END";
        sqlx::query(sql).bind(subject).bind(now_ms).bind(forget_ms).execute(self.write()).await?;
        Ok(())
    }

    /// Forgets the failures of a subject.
    pub async fn forgive(&self, subject: &str) -> Result<()> {
        sqlx::query("DELETE FROM failed_sign_ins WHERE subject = $1").bind(subject).execute(self.write()).await?;
        Ok(())
    }

    /// Claims a request that must be done once; answers older than `keep_ms` no longer count, and a claim that was not
    /// answered within `work_ms` is free again.
    pub async fn claim_once(
        &self,
        subject: &str,
        request: &str,
        now_ms: i64,
        (keep_ms, work_ms): (i64, i64),
    ) -> Result<Claim> {
        let mut transaction = self.begin_write().await?;
        let sql = "SELECT request, status, body, at_ms FROM idempotent_answers WHERE subject = $1";
        let row = sqlx::query(sql).bind(subject).fetch_optional(&mut *transaction).await?;
        if let Some(row) = row {
            let (status, at_ms) = (row.int_opt("status")?, row.int("at_ms")?);
            let keep = if status.is_some() { keep_ms } else { work_ms };
            if at_ms > now_ms - keep {
                let request = row.text("request")?;
                return Ok(match status {
                    None => Claim::Taken { request },
                    Some(status) => Claim::Answered {
                        request,
                        status: u16::try_from(status).unwrap_or(500),
                        body: row.text_opt("body")?.unwrap_or_default(),
                    },
                });
            }
        }
        let sql = "INSERT INTO idempotent_answers (subject, request, at_ms) VALUES ($1, $2, $3)
             ON CONFLICT (subject) DO UPDATE SET request = excluded.request, status = NULL, body = NULL, at_ms = excluded.at_ms";
        sqlx::query(sql).bind(subject).bind(request).bind(now_ms).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Claim::Yours)
    }

    /// Keeps the answer to a claimed request; none: it failed, and may be tried again.
    pub async fn answer_once(&self, subject: &str, answer: Option<(u16, &str)>) -> Result<()> {
        match answer {
            Some((status, body)) => {
                let sql = "UPDATE idempotent_answers SET status = $2, body = $3 WHERE subject = $1";
                sqlx::query(sql).bind(subject).bind(i64::from(status)).bind(body).execute(self.write()).await?;
            }
            None => {
                let sql = "DELETE FROM idempotent_answers WHERE subject = $1 AND status IS NULL";
                sqlx::query(sql).bind(subject).execute(self.write()).await?;
            }
        }
        Ok(())
    }
}

async fn insert_user(transaction: &mut Transaction<'_, Any>, user: &UserRecord) -> Result<()> {
    let sql = "INSERT INTO users (id, login, name, language, password, totp, totp_on, totp_step, openid, created_ms,
         updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    sqlx::query(sql)
        .bind(&user.id)
        .bind(user.login.as_str())
        .bind(&user.name)
        .bind(&user.language)
        .bind(user.password.as_deref())
        .bind(user.totp.as_deref())
        .bind(i64::from(user.totp_on))
        .bind(user.totp_step)
        .bind(user.openid.as_deref())
        .bind(user.created_ms)
        .bind(user.updated_ms)
        .execute(&mut **transaction)
        .await
        .map_err(|error| taken(error, "user", &user.id))?;
    Ok(())
}

async fn insert_roles(transaction: &mut Transaction<'_, Any>, user: &str, roles: &[RoleRecord]) -> Result<()> {
    for role in roles {
        sqlx::query("INSERT INTO user_roles (user_id, clinic, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(user)
            .bind(&role.clinic)
            .bind(&role.role)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

async fn take_link(transaction: &mut Transaction<'_, Any>, hash: &str, kind: &str, now_ms: i64) -> Result<bool> {
    let sql =
        "UPDATE account_links SET used_ms = $3 WHERE hash = $1 AND kind = $2 AND used_ms IS NULL AND expires_ms > $3";
    let taken = sqlx::query(sql).bind(hash).bind(kind).bind(now_ms).execute(&mut **transaction).await?;
    Ok(taken.rows_affected() == 1)
}

fn not_found(what: &'static str, id: &str) -> RecordsError {
    RecordsError::NotFound { what, id: id.to_owned() }
}

fn taken(error: sqlx::Error, what: &'static str, id: &str) -> RecordsError {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => RecordsError::Exists { what, id: id.to_owned() },
        _ => error.into(),
    }
}

impl FromColumns for UserRecord {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            login: row.pii("login")?,
            name: row.text("name")?,
            language: row.text("language")?,
            password: row.text_opt("password")?,
            totp: row.text_opt("totp")?,
            totp_on: row.truth("totp_on")?,
            totp_step: row.int("totp_step")?,
            openid: row.text_opt("openid")?,
            disabled_ms: row.int_opt("disabled_ms")?,
            created_ms: row.int("created_ms")?,
            updated_ms: row.int("updated_ms")?,
            signed_in_ms: row.int_opt("signed_in_ms")?,
        })
    }
}

impl FromColumns for SessionRecord {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            hash: row.text("hash")?,
            id: row.text("id")?,
            user_id: row.text("user_id")?,
            csrf: row.text("csrf")?,
            clinic: row.text_opt("clinic")?,
            agent: row.text("agent")?,
            created_ms: row.int("created_ms")?,
            seen_ms: row.int("seen_ms")?,
        })
    }
}

impl FromColumns for TokenRecord {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        let list = |column: &'static str| {
            serde_json::from_str(&row.text(column)?)
                .map_err(|error| RecordsError::BadValue { field: column, problem: error.to_string() })
        };
        Ok(Self {
            id: row.text("id")?,
            hash: row.text("hash")?,
            user_id: row.text("user_id")?,
            name: row.text("name")?,
            scopes: list("scopes")?,
            clinics: list("clinics")?,
            created_ms: row.int("created_ms")?,
            expires_ms: row.int_opt("expires_ms")?,
            last_used_ms: row.int_opt("last_used_ms")?,
            revoked_ms: row.int_opt("revoked_ms")?,
        })
    }
}

impl FromColumns for LinkRecord {
    fn from_columns(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            hash: row.text("hash")?,
            kind: row.text("kind")?,
            user_id: row.text_opt("user_id")?,
            made_by: row.text("made_by")?,
            created_ms: row.int("created_ms")?,
            expires_ms: row.int("expires_ms")?,
            used_ms: row.int_opt("used_ms")?,
        })
    }
}
