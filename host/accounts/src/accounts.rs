//! Signing in and out, tokens, invitations: the table, the passwords and the codes joined with the records.

use std::net::IpAddr;
use std::sync::Arc;

use records::{LinkRecord, RecordsError, RoleRecord, SessionRecord, Store, TokenRecord, UserRecord};
use tokio::sync::Semaphore;

use crate::secret::{fingerprint, is_token, new_secret, new_token, recovery_codes};
use crate::throttle::{FORGET_MS, SLIPS, wait_ms};
use crate::{AccountError, EVERY_CLINIC, Grant, Permission, Role, password, totp};

/// Fills bytes with randomness; [`crate::system`] outside of tests.
pub type Randomness = fn(&mut [u8]);

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// A session that nobody used for so long has ended: longer than a shift at the desk.
const IDLE_MS: i64 = 12 * HOUR;
/// However much it is used.
const LONGEST_MS: i64 = 7 * 24 * HOUR;
/// An invitation waits over a weekend.
const INVITATION_MS: i64 = 72 * HOUR;
/// Hashes computed at the same time: each takes 19 MiB and a core.
const HASHING: usize = 2;

/// Whoever showed who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The user.
    pub user: UserRecord,
    /// Their roles.
    pub grants: Vec<Grant>,
    /// How.
    pub by: Shown,
}

/// What was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The cookie of a session.
    Session(SessionRecord),
    /// A token of the API.
    Token(TokenRecord),
}

/// A session that was just opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// For the cookie; nowhere else.
    pub secret: String,
    /// Whose it is.
    pub user: UserRecord,
}

/// Somebody to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// What they type to sign in: an e-mail address or a name.
    pub login: String,
    /// As others read it.
    pub name: String,
    /// `ru` or `en`.
    pub language: String,
    /// What they do where.
    pub grants: Vec<Grant>,
}

/// What a token is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do at most.
    pub scopes: Vec<Permission>,
    /// Where; empty: wherever its owner may.
    pub clinics: Vec<String>,
    /// When it ends; none: never.
    pub expires_ms: Option<i64>,
}

/// What somebody typed to come in.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Login.
    pub login: &'a str,
    /// Password.
    pub password: &'a str,
    /// A code of the authenticator, or a recovery code.
    pub code: Option<&'a str>,
    /// Where they are.
    pub address: Option<IpAddr>,
    /// The browser, as it calls itself.
    pub agent: &'a str,
}

/// Who may come in. Cheap to clone. Every function takes the moment, in unix milliseconds.
#[derive(Debug, Clone)]
pub struct Accounts {
    store: Store,
    random: Randomness,
    hashing: Arc<Semaphore>,
}

impl Accounts {
    /// With the operating system's randomness.
    pub fn new(store: Store) -> Self {
        Self { store, random: crate::system, hashing: Arc::new(Semaphore::new(HASHING)) }
    }

    /// The secret of a link by which the first owner comes in, while there is no user. An earlier one no longer works.
    pub async fn first_link(&self, now_ms: i64) -> Result<Option<String>, AccountError> {
        if self.store.count_users().await? > 0 {
            return Ok(None);
        }
        self.make_link("first-run", None, "gudok", now_ms).await.map(Some)
    }

    /// Whether the link of this kind still works.
    pub async fn link(&self, secret: &str, kind: &str, now_ms: i64) -> Result<LinkRecord, AccountError> {
        let link = self.store.link(&fingerprint(secret)).await?;
        let works = |link: &LinkRecord| link.kind == kind && link.used_ms.is_none() && link.expires_ms > now_ms;
        link.filter(works).ok_or(AccountError::BadLink)
    }

    /// The first owner, by the link; owner of every clinic.
    pub async fn first_owner(
        &self,
        secret: &str,
        new: NewUser,
        password: &str,
        now_ms: i64,
    ) -> Result<UserRecord, AccountError> {
        self.link(secret, "first-run", now_ms).await?;
        let mut user = checked(&new, now_ms)?;
        password::check(password, user.login.as_str())?;
        user.password = Some(self.hash(password).await?);
        let roles = rows(&[Grant::owner_of_everything()]);
        if !self.store.first_owner(&fingerprint(secret), &user, &roles, now_ms).await? {
            return Err(AccountError::BadLink);
        }
        Ok(user)
    }

    /// Writes somebody down, and gives the secret of the link by which they choose their password.
    pub async fn invite(&self, new: &NewUser, by: &str, now_ms: i64) -> Result<(UserRecord, String), AccountError> {
        let user = checked(new, now_ms)?;
        self.store.add_user(&user, &rows(&new.grants)).await.map_err(login_taken)?;
        let secret = self.password_link(&user.id, by, now_ms).await?;
        Ok((user, secret))
    }

    /// The secret of a link by which a user chooses a password, new or anew.
    pub async fn password_link(&self, user: &str, by: &str, now_ms: i64) -> Result<String, AccountError> {
        self.store.user(user).await?;
        self.make_link("password", Some(user), by, now_ms).await
    }

    /// The user whose password a link sets.
    pub async fn linked_user(&self, secret: &str, now_ms: i64) -> Result<UserRecord, AccountError> {
        let link = self.link(secret, "password", now_ms).await?;
        Ok(self.store.user(&link.user_id.ok_or(AccountError::BadLink)?).await?)
    }

    /// Chooses a password by a link, and ends the user's sessions.
    pub async fn choose_password(&self, secret: &str, password: &str, now_ms: i64) -> Result<UserRecord, AccountError> {
        let user = self.linked_user(secret, now_ms).await?;
        password::check(password, user.login.as_str())?;
        let hash = self.hash(password).await?;
        if !self.store.take_link(&fingerprint(secret), "password", now_ms).await? {
            return Err(AccountError::BadLink);
        }
        self.keep_password(user, hash, None, now_ms).await
    }

    /// Changes a password by the one that stands; other sessions than `session` end.
    pub async fn change_password(
        &self,
        user: &str,
        old: &str,
        new: &str,
        session: Option<&SessionRecord>,
        now_ms: i64,
    ) -> Result<UserRecord, AccountError> {
        let user = self.store.user(user).await?;
        let subjects = [(format!("user:{}", user.login.as_str()), SLIPS.0)];
        self.wait_your_turn(&subjects, now_ms).await?;
        if !self.verify(old, user.password.clone()).await? {
            return self.count_failure(&subjects, now_ms).await;
        }
        password::check(new, user.login.as_str())?;
        let hash = self.hash(new).await?;
        self.keep_password(user, hash, session.map(|session| session.hash.as_str()), now_ms).await
    }

    async fn keep_password(
        &self,
        mut user: UserRecord,
        hash: String,
        but: Option<&str>,
        now_ms: i64,
    ) -> Result<UserRecord, AccountError> {
        user.password = Some(hash);
        self.save(&mut user, now_ms).await?;
        self.store.end_sessions(&user.id, but).await?;
        Ok(user)
    }

    /// Checks login, password and code, and opens a session with a secret of its own.
    pub async fn sign_in(&self, attempt: Attempt<'_>, now_ms: i64) -> Result<Opened, AccountError> {
        let login = attempt.login.trim().to_lowercase();
        let mut subjects = vec![(format!("user:{login}"), SLIPS.0)];
        if let Some(address) = attempt.address {
            subjects.push((format!("address:{}", network(address)), SLIPS.1));
        }
        self.wait_your_turn(&subjects, now_ms).await?;
        let user = self.store.user_by_login(&login).await?;
        let hash = user.as_ref().and_then(|user| user.password.clone());
        let right = self.verify(attempt.password, hash).await?;
        let Some(user) = user.filter(|user| right && user.disabled_ms.is_none()) else {
            return self.count_failure(&subjects, now_ms).await;
        };
        if user.totp_on {
            let Some(code) = attempt.code.map(str::trim).filter(|code| !code.is_empty()) else {
                return Err(AccountError::CodeNeeded);
            };
            if !self.take_code(&user, code, now_ms).await? {
                return self.count_failure(&subjects, now_ms).await;
            }
        }
        for (subject, _) in subjects.iter().filter(|subject| subject.0.starts_with("user:")) {
            self.store.forgive(&fingerprint(subject)).await?;
        }
        let user = self.strengthen(user, attempt.password, now_ms).await?;
        self.open(user, attempt.agent, now_ms).await
    }

    /// Opens a session for somebody who showed who they are elsewhere.
    pub async fn open(&self, user: UserRecord, agent: &str, now_ms: i64) -> Result<Opened, AccountError> {
        if user.disabled_ms.is_some() {
            return Err(AccountError::Wrong);
        }
        let secret = new_secret(self.random);
        let session = SessionRecord {
            hash: fingerprint(&secret),
            id: records::id(),
            user_id: user.id.clone(),
            csrf: new_secret(self.random),
            clinic: None,
            agent: agent.chars().take(200).collect(),
            created_ms: now_ms,
            seen_ms: now_ms,
        };
        self.store.add_session(&session).await?;
        self.store.signed_in(&user.id, now_ms).await?;
        Ok(Opened { secret, user })
    }

    /// Whoever has this session, if it lasts.
    pub async fn by_session(&self, secret: &str, now_ms: i64) -> Result<Option<Present>, AccountError> {
        if secret.len() != 43 {
            return Ok(None);
        }
        let Some(session) = self.store.session(&fingerprint(secret)).await? else { return Ok(None) };
        let over = now_ms - session.seen_ms > IDLE_MS || now_ms - session.created_ms > LONGEST_MS;
        let user = self.store.user(&session.user_id).await?;
        if over || user.disabled_ms.is_some() {
            self.store.end_session(&session.hash, &user.id).await?;
            return Ok(None);
        }
        if now_ms - session.seen_ms > MINUTE {
            self.store.session_seen(&session.hash, now_ms).await?;
        }
        let grants = self.grants(&user.id).await?;
        Ok(Some(Present { user, grants, by: Shown::Session(session) }))
    }

    /// Whoever's token it is, if it is taken still.
    pub async fn by_token(&self, token: &str, now_ms: i64) -> Result<Option<Present>, AccountError> {
        if !is_token(token) {
            return Ok(None);
        }
        let Some(token) = self.store.token(&fingerprint(token)).await? else { return Ok(None) };
        let user = self.store.user(&token.user_id).await?;
        let over = token.expires_ms.is_some_and(|end| end <= now_ms);
        if over || token.revoked_ms.is_some() || user.disabled_ms.is_some() {
            return Ok(None);
        }
        if token.last_used_ms.is_none_or(|last| now_ms - last > MINUTE) {
            self.store.token_used(&token.id, now_ms).await?;
        }
        let grants = self.grants(&user.id).await?;
        Ok(Some(Present { user, grants, by: Shown::Token(token) }))
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &SessionRecord) -> Result<(), AccountError> {
        self.store.end_session(&session.hash, &session.user_id).await?;
        Ok(())
    }

    /// Makes a token of the API; its text is told this once.
    pub async fn make_token(
        &self,
        user: &str,
        new: NewToken,
        now_ms: i64,
    ) -> Result<(TokenRecord, String), AccountError> {
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(AccountError::BadField {
                field: "name",
                problem: "say what the token is for, in up to 100 characters",
            });
        }
        if new.scopes.is_empty() {
            return Err(AccountError::BadField { field: "scopes", problem: "a token needs at least one permission" });
        }
        if new.expires_ms.is_some_and(|end| end <= now_ms) {
            return Err(AccountError::BadField { field: "expires_ms", problem: "it must lie in the future" });
        }
        self.store.user(user).await?;
        let text = new_token(self.random);
        let mut scopes: Vec<Permission> = new.scopes;
        scopes.sort();
        scopes.dedup();
        let token = TokenRecord {
            id: records::id(),
            hash: fingerprint(&text),
            user_id: user.to_owned(),
            name: name.to_owned(),
            scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            clinics: new.clinics,
            created_ms: now_ms,
            expires_ms: new.expires_ms,
            last_used_ms: None,
            revoked_ms: None,
        };
        self.store.add_token(&token).await?;
        Ok((token, text))
    }

    /// A new secret for a user's authenticator; it counts once a code of it was shown.
    pub async fn begin_totp(&self, user: &str, now_ms: i64) -> Result<String, AccountError> {
        let mut user = self.store.user(user).await?;
        if user.totp_on {
            return Err(AccountError::BadField { field: "totp", problem: "it is on; turn it off first" });
        }
        let secret = totp::secret(self.random);
        user.totp = Some(self.store.seal_totp(&user.id, &secret).await?);
        self.save(&mut user, now_ms).await?;
        Ok(secret)
    }

    /// Turns the second factor on by its first code, and gives the recovery codes, told this once.
    pub async fn confirm_totp(&self, user: &str, code: &str, now_ms: i64) -> Result<Vec<String>, AccountError> {
        let mut user = self.store.user(user).await?;
        let secret = self.store.open_totp(&user.id, user.totp.as_deref().ok_or(AccountError::Wrong)?).await?;
        let subjects = [(format!("user:{}", user.login.as_str()), SLIPS.0)];
        self.wait_your_turn(&subjects, now_ms).await?;
        let Some(step) = totp::step_of(code, &secret, now_ms, user.totp_step) else {
            return self.count_failure(&subjects, now_ms).await;
        };
        (user.totp_on, user.totp_step) = (true, step);
        self.save(&mut user, now_ms).await?;
        let codes = recovery_codes(self.random);
        let hashes: Vec<String> = codes.iter().map(|code| fingerprint(code)).collect();
        self.store.set_recovery_codes(&user.id, &hashes).await?;
        Ok(codes)
    }

    /// Turns the second factor off, by a code of it; an owner does it for others without one.
    pub async fn end_totp(&self, user: &str, code: Option<&str>, now_ms: i64) -> Result<(), AccountError> {
        let user = self.store.user(user).await?;
        if let Some(code) = code {
            let subjects = [(format!("user:{}", user.login.as_str()), SLIPS.0)];
            self.wait_your_turn(&subjects, now_ms).await?;
            if !self.take_code(&user, code, now_ms).await? {
                return self.count_failure(&subjects, now_ms).await;
            }
        }
        let mut user = self.store.user(&user.id).await?;
        (user.totp_on, user.totp) = (false, None);
        self.save(&mut user, now_ms).await?;
        self.store.set_recovery_codes(&user.id, &[]).await?;
        Ok(())
    }

    /// What somebody does where.
    pub async fn grants(&self, user: &str) -> Result<Vec<Grant>, AccountError> {
        let roles = self.store.roles(user).await?;
        // A word of a newer program gives nothing here.
        let grant = |row: RoleRecord| Some(Grant { role: row.role.parse().ok()?, clinic: row.clinic });
        Ok(roles.into_iter().filter_map(grant).collect())
    }

    /// Gives somebody these roles and no others.
    pub async fn set_grants(&self, user: &str, grants: &[Grant]) -> Result<(), AccountError> {
        self.store.user(user).await?;
        if !grants.contains(&Grant::owner_of_everything()) {
            self.is_not_the_last_owner(user).await?;
        }
        Ok(self.store.set_roles(user, &rows(grants)).await?)
    }

    /// Lets somebody in no more, and ends their sessions; or lets them in again.
    pub async fn set_disabled(&self, user: &str, disabled: bool, now_ms: i64) -> Result<UserRecord, AccountError> {
        if disabled {
            self.is_not_the_last_owner(user).await?;
        }
        let mut user = self.store.user(user).await?;
        user.disabled_ms = disabled.then_some(now_ms);
        self.save(&mut user, now_ms).await?;
        if disabled {
            self.store.end_sessions(&user.id, None).await?;
        }
        Ok(user)
    }

    /// Somebody's name and language, by themselves or by an owner; `seen_ms` is the `updated_ms` that they saw.
    pub async fn describe(
        &self,
        user: &str,
        name: &str,
        language: &str,
        seen_ms: i64,
        now_ms: i64,
    ) -> Result<UserRecord, AccountError> {
        let mut user = self.store.user(user).await?;
        check_name(name, language)?;
        (user.name, user.language) = (name.trim().to_owned(), language.to_owned());
        user.updated_ms = now_ms.max(seen_ms + 1);
        if !self.store.save_user(&user, seen_ms).await? {
            return Err(AccountError::ChangedMeanwhile);
        }
        Ok(user)
    }

    /// Sessions that ended, old links and old failures are deleted.
    pub async fn purge(&self, now_ms: i64) -> Result<u64, AccountError> {
        Ok(self.store.purge_accounts(now_ms - IDLE_MS, now_ms - LONGEST_MS, now_ms).await?)
    }

    async fn is_not_the_last_owner(&self, user: &str) -> Result<(), AccountError> {
        let owner =
            |grants: &[Grant]| grants.iter().any(|grant| grant.clinic == EVERY_CLINIC && grant.role == Role::Owner);
        if !owner(&self.grants(user).await?) {
            return Ok(());
        }
        for other in self.store.users().await? {
            if other.id != user && other.disabled_ms.is_none() && owner(&self.grants(&other.id).await?) {
                return Ok(());
            }
        }
        Err(AccountError::LastOwner)
    }

    async fn save(&self, user: &mut UserRecord, now_ms: i64) -> Result<(), AccountError> {
        let seen = user.updated_ms;
        // Each change has a moment of its own, by which the next one knows what it saw.
        user.updated_ms = now_ms.max(seen + 1);
        if self.store.save_user(user, seen).await? { Ok(()) } else { Err(AccountError::ChangedMeanwhile) }
    }

    async fn take_code(&self, user: &UserRecord, code: &str, now_ms: i64) -> Result<bool, AccountError> {
        // Whose key is lost still has the recovery codes.
        let secret = self.store.open_totp(&user.id, user.totp.as_deref().unwrap_or_default()).await;
        if let Some(step) = secret.as_ref().ok().and_then(|secret| totp::step_of(code, secret, now_ms, user.totp_step))
        {
            return Ok(self.store.take_totp_step(&user.id, step).await?);
        }
        let code = code.to_lowercase();
        let taken = self.store.take_recovery_code(&user.id, &fingerprint(&code), now_ms).await?;
        if !taken {
            secret?;
        }
        Ok(taken)
    }

    async fn make_link(&self, kind: &str, user: Option<&str>, by: &str, now_ms: i64) -> Result<String, AccountError> {
        let secret = new_secret(self.random);
        let link = LinkRecord {
            hash: fingerprint(&secret),
            kind: kind.to_owned(),
            user_id: user.map(str::to_owned),
            made_by: by.to_owned(),
            created_ms: now_ms,
            expires_ms: now_ms + INVITATION_MS,
            used_ms: None,
        };
        self.store.add_link(&link).await?;
        Ok(secret)
    }

    async fn wait_your_turn(&self, subjects: &[(String, i64)], now_ms: i64) -> Result<(), AccountError> {
        let mut longest = 0;
        for (subject, slips) in subjects {
            let (failures, last_ms) = self.store.failures(&fingerprint(subject)).await?;
            longest = longest.max(wait_ms(failures, last_ms, *slips, now_ms));
        }
        if longest == 0 { Ok(()) } else { Err(AccountError::Wait { seconds: (longest + 999) / 1_000 }) }
    }

    async fn count_failure<T>(&self, subjects: &[(String, i64)], now_ms: i64) -> Result<T, AccountError> {
        for (subject, _) in subjects {
            self.store.failed(&fingerprint(subject), now_ms, FORGET_MS).await?;
        }
        Err(AccountError::Wrong)
    }

    /// A hash that was made with less than is asked for now is made anew.
    async fn strengthen(&self, mut user: UserRecord, password: &str, now_ms: i64) -> Result<UserRecord, AccountError> {
        if user.password.as_deref().is_some_and(password::is_weak) {
            user.password = Some(self.hash(password).await?);
            self.save(&mut user, now_ms).await?;
        }
        Ok(user)
    }

    async fn hash(&self, password: &str) -> Result<String, AccountError> {
        let (password, random) = (password.to_owned(), self.random);
        self.beside(move || password::hash(&password, random)).await
    }

    async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, AccountError> {
        // Longer ones are nobody's, and cost time.
        let password: String = password.chars().take(300).collect();
        self.beside(move || password::verify(&password, hash.as_deref())).await
    }

    async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccountError> {
        let _room = self.hashing.acquire().await.map_err(|_| RecordsError::Closed)?;
        Ok(tokio::task::spawn_blocking(work).await.map_err(|_| RecordsError::Closed)?)
    }
}

fn checked(new: &NewUser, now_ms: i64) -> Result<UserRecord, AccountError> {
    let login = new.login.trim().to_lowercase();
    let fits = |letter: char| letter.is_alphanumeric() || "@.-_+".contains(letter);
    if login.chars().count() < 2 || login.chars().count() > 100 || !login.chars().all(fits) {
        let problem = "it must have 2 to 100 letters, digits or any of @ . - _ +";
        return Err(AccountError::BadField { field: "login", problem });
    }
    check_name(&new.name, &new.language)?;
    Ok(UserRecord {
        id: records::id(),
        login: login.into(),
        name: new.name.trim().to_owned(),
        language: new.language.clone(),
        password: None,
        totp: None,
        totp_on: false,
        totp_step: 0,
        openid: None,
        disabled_ms: None,
        created_ms: now_ms,
        updated_ms: now_ms,
        signed_in_ms: None,
    })
}

fn check_name(name: &str, language: &str) -> Result<(), AccountError> {
    let name = name.trim();
    let program = name == "classifier" || name == "flow" || name.starts_with("flow:");
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) || program {
        let problem = "a person's name is needed, at most 100 characters; `classifier` and `flow:…` are programs";
        return Err(AccountError::BadField { field: "name", problem });
    }
    if !["ru", "en"].contains(&language) {
        return Err(AccountError::BadField { field: "language", problem: "it must be ru or en" });
    }
    Ok(())
}

/// An IPv6 customer has a whole /64.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => format!("{:x?}", &address.segments()[..4]),
        },
    }
}

fn rows(grants: &[Grant]) -> Vec<RoleRecord> {
    grants.iter().map(|grant| RoleRecord { clinic: grant.clinic.clone(), role: grant.role.to_string() }).collect()
}

fn login_taken(error: RecordsError) -> AccountError {
    match error {
        RecordsError::Exists { .. } => AccountError::LoginTaken,
        other => other.into(),
    }
}
