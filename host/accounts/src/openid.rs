//! Signing in elsewhere: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636), against one provider.
//!
//! Nobody is let in by having an account there: they must have been invited here. The first time they are found by the
//! e-mail address that the provider says is verified and that is their login here; from then on by the provider's own id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use records::{Store, UserRecord};
use ring::{digest, signature};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::RwLock;

use crate::secret::new_secret;
use crate::{AccountError, Randomness};

/// How long somebody may take at the provider.
const PENDING_MS: i64 = 10 * 60_000;
/// Sign-ins under way; the oldest go first.
const MOST_PENDING: usize = 1_000;
/// Clocks differ.
const SKEW_S: i64 = 60;
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer of a provider.
const MOST_BYTES: usize = 256 * 1024;

/// The provider and what it knows us as.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenIdSettings {
    /// As it stands on the button.
    pub name: String,
    /// Its address, as it names itself.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// What we show it; none: PKCE alone.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Where it sends people back to: `https://desk.clinic.ru/login/openid/back`.
    pub redirect: String,
}

/// Signing in by one provider.
pub struct OpenId {
    settings: OpenIdSettings,
    client: reqwest::Client,
    random: Randomness,
    pending: Mutex<HashMap<String, Pending>>,
    known: RwLock<Option<Arc<Known>>>,
}

struct Pending {
    nonce: String,
    verifier: String,
    next: String,
    since_ms: i64,
}

/// What the provider tells of itself.
struct Known {
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    keys: Vec<Value>,
}

/// What it says of somebody, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claims {
    subject: String,
    email: Option<String>,
}

impl OpenId {
    /// A provider; it is asked when somebody first signs in.
    ///
    /// # Errors
    /// When no client for HTTP can be made.
    pub fn new(settings: OpenIdSettings, random: Randomness) -> Result<Self, AccountError> {
        // Whichever room is first chooses the same.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| failed(&settings.issuer, error))?;
        Ok(Self { settings, client, random, pending: Mutex::default(), known: RwLock::default() })
    }

    /// As it stands on the button.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Where the browser goes, and the state that it must show when it comes back.
    pub async fn begin(&self, next: &str, now_ms: i64) -> Result<(String, String), AccountError> {
        let known = self.known().await?;
        let (state, nonce, verifier) = (new_secret(self.random), new_secret(self.random), new_secret(self.random));
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.settings.redirect),
            ("scope", "openid email profile"),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let joint = if known.authorization_endpoint.contains('?') { '&' } else { '?' };
        let place = format!("{}{joint}{query}", known.authorization_endpoint);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|_, one| now_ms - one.since_ms < PENDING_MS);
        if pending.len() >= MOST_PENDING {
            let oldest = pending.iter().min_by_key(|(_, one)| one.since_ms).map(|(state, _)| state.clone());
            oldest.and_then(|oldest| pending.remove(&oldest));
        }
        pending.insert(state.clone(), Pending { nonce, verifier, next: next.to_owned(), since_ms: now_ms });
        Ok((place, state))
    }

    /// Whoever came back with this code and state, and where they wanted to go.
    pub async fn finish(
        &self,
        store: &Store,
        code: &str,
        state: &str,
        now_ms: i64,
    ) -> Result<(UserRecord, String), AccountError> {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(state);
        let pending = pending.filter(|one| now_ms - one.since_ms < PENDING_MS).ok_or(AccountError::BadLink)?;
        let known = self.known().await?;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.settings.redirect.as_str()),
            ("client_id", self.settings.client_id.as_str()),
            ("code_verifier", pending.verifier.as_str()),
        ];
        if let Some(secret) = &self.settings.client_secret {
            fields.push(("client_secret", secret));
        }
        let request = self.client.post(&known.token_endpoint).body(form(&fields));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = self.json(request.header("accept", "application/json")).await?;
        let token = answer["id_token"].as_str().ok_or_else(|| self.says("it sent no id_token"))?;
        let claims = match self.check(token, &known.keys, &pending.nonce, now_ms) {
            // Keys change; a key that is not known is asked for once.
            Err(Checked::UnknownKey) => {
                let keys = self.keys(&known.jwks_uri).await?;
                let checked = self.check(token, &keys, &pending.nonce, now_ms);
                *self.known.write().await = None;
                checked
            }
            checked => checked,
        };
        let claims = claims.map_err(|problem| self.says(problem.sentence()))?;
        Ok((self.user(store, &claims, now_ms).await?, pending.next))
    }

    async fn user(&self, store: &Store, claims: &Claims, now_ms: i64) -> Result<UserRecord, AccountError> {
        let openid = format!("{} {}", self.settings.issuer, claims.subject);
        if let Some(user) = store.user_by_openid(&openid).await? {
            return Ok(user);
        }
        let email = claims.email.as_ref().ok_or(AccountError::Wrong)?.to_lowercase();
        let found = store.user_by_login(&email).await?;
        // Whoever is bound to one account there is not bound to another by an address.
        let mut user = found.filter(|user| user.openid.is_none()).ok_or(AccountError::Wrong)?;
        let seen = user.updated_ms;
        user.openid = Some(openid);
        user.updated_ms = now_ms.max(seen + 1);
        if store.save_user(&user, seen).await? { Ok(user) } else { Err(AccountError::ChangedMeanwhile) }
    }

    async fn known(&self) -> Result<Arc<Known>, AccountError> {
        if let Some(known) = self.known.read().await.clone() {
            return Ok(known);
        }
        let issuer = self.settings.issuer.trim_end_matches('/');
        let found = self.json(self.client.get(format!("{issuer}/.well-known/openid-configuration"))).await?;
        if found["issuer"].as_str().map(|found| found.trim_end_matches('/')) != Some(issuer) {
            return Err(self.says("it names itself otherwise than the settings do"));
        }
        let text = |name: &str| {
            found[name].as_str().map(str::to_owned).ok_or_else(|| self.says(&format!("it tells no {name}")))
        };
        let jwks_uri = text("jwks_uri")?;
        let known = Arc::new(Known {
            authorization_endpoint: text("authorization_endpoint")?,
            token_endpoint: text("token_endpoint")?,
            keys: self.keys(&jwks_uri).await?,
            jwks_uri,
        });
        *self.known.write().await = Some(Arc::clone(&known));
        Ok(known)
    }

    async fn keys(&self, place: &str) -> Result<Vec<Value>, AccountError> {
        let found = self.json(self.client.get(place)).await?;
        Ok(found["keys"].as_array().cloned().unwrap_or_default())
    }

    async fn json(&self, request: reqwest::RequestBuilder) -> Result<Value, AccountError> {
        let answer = request.send().await.map_err(|error| failed(&self.settings.issuer, error))?;
        let status = answer.status();
        let mut answer = answer;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&self.settings.issuer, error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST_BYTES {
                return Err(self.says("its answer is too long"));
            }
        }
        if !status.is_success() {
            return Err(self.says(&format!("it answered {status}")));
        }
        serde_json::from_slice(&bytes).map_err(|_| self.says("its answer is no JSON"))
    }

    /// OpenID Connect Core 1.0 §3.1.3.7, and the signature (RFC 7515) by RS256 or ES256 only.
    fn check(&self, token: &str, keys: &[Value], nonce: &str, now_ms: i64) -> Result<Claims, Checked> {
        let mut parts = token.split('.');
        let (Some(head), Some(body), Some(signed), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Checked::Malformed);
        };
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Checked::Malformed);
        let json = |part: &str| -> Result<Value, Checked> {
            serde_json::from_slice(&bytes(part)?).map_err(|_| Checked::Malformed)
        };
        let head = json(head)?;
        let algorithm = head["alg"].as_str().unwrap_or_default();
        let fits = |key: &&Value| {
            let kind = match algorithm {
                "RS256" => "RSA",
                "ES256" => "EC",
                _ => return false,
            };
            key["kty"] == kind && (head["kid"].is_null() || key["kid"] == head["kid"])
        };
        if !["RS256", "ES256"].contains(&algorithm) {
            return Err(Checked::Algorithm);
        }
        let key = keys.iter().find(fits).ok_or(Checked::UnknownKey)?;
        let message = &token.as_bytes()[..token.len() - signed.len() - 1];
        verify(algorithm, key, message, &bytes(signed)?)?;
        let claims = json(body)?;
        let is_ours = |audience: &Value| audience == self.settings.client_id.as_str();
        let audience = match &claims["aud"] {
            Value::Array(all) => all.iter().any(is_ours) && (all.len() == 1 || is_ours(&claims["azp"])),
            one => is_ours(one),
        };
        let now = now_ms / 1_000;
        let issuer = claims["iss"].as_str().map(|issuer| issuer.trim_end_matches('/'));
        if issuer != Some(self.settings.issuer.trim_end_matches('/')) || !audience {
            return Err(Checked::NotForUs);
        }
        if claims["exp"].as_i64().is_none_or(|end| end + SKEW_S < now) {
            return Err(Checked::Expired);
        }
        if claims["nonce"] != nonce {
            return Err(Checked::Nonce);
        }
        let subject = claims["sub"].as_str().filter(|subject| !subject.is_empty()).ok_or(Checked::Malformed)?;
        let verified = claims["email_verified"] == true;
        let email = claims["email"].as_str().filter(|_| verified).map(str::to_owned);
        Ok(Claims { subject: subject.to_owned(), email })
    }

    fn says(&self, problem: &str) -> AccountError {
        AccountError::OpenId { issuer: self.settings.issuer.clone(), problem: problem.to_owned() }
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checked {
    Malformed,
    Algorithm,
    UnknownKey,
    Signature,
    NotForUs,
    Expired,
    Nonce,
}

impl Checked {
    fn sentence(self) -> &'static str {
        match self {
            Self::Malformed => "its id_token cannot be read",
            Self::Algorithm => "its id_token is signed otherwise than by RS256 or ES256",
            Self::UnknownKey => "its id_token is signed with a key that it does not tell",
            Self::Signature => "the signature of its id_token is wrong",
            Self::NotForUs => "its id_token is of another provider or for another program",
            Self::Expired => "its id_token has run out; check the clocks",
            Self::Nonce => "its id_token belongs to another sign-in",
        }
    }
}

fn verify(algorithm: &str, key: &Value, message: &[u8], signed: &[u8]) -> Result<(), Checked> {
    let part =
        |name: &str| key[name].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(Checked::UnknownKey);
    let verified = if algorithm == "RS256" {
        let (n, e) = (part("n")?, part("e")?);
        let key = signature::RsaPublicKeyComponents { n: &n, e: &e };
        key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signed)
    } else {
        if key["crv"] != "P-256" {
            return Err(Checked::Algorithm);
        }
        // Uncompressed point, SEC 1 §2.3.3.
        let point = [&[4][..], &part("x")?, &part("y")?].concat();
        signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, &point).verify(message, signed)
    };
    verified.map_err(|_| Checked::Signature)
}

/// `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        let mut out = String::new();
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
                _ => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out
    };
    fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}

fn failed(issuer: &str, error: reqwest::Error) -> AccountError {
    // The address may hold a code.
    AccountError::OpenId { issuer: issuer.to_owned(), problem: error.without_url().to_string() }
}

impl std::fmt::Debug for OpenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenId").field("issuer", &self.settings.issuer).finish_non_exhaustive()
    }
}
