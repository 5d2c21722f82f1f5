//! A provider of identities on this machine, by HTTP, with keys of its own; and what it must not be able to do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use accounts::{AccountError, Grant, OpenId, OpenIdSettings, system};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use ring::{digest, signature};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::{NOW, house, person};

/// A key for tests only.
const RSA: &[u8] = include_bytes!("provider.pk8");

/// What the provider says next, and what it was asked.
#[derive(Clone, Default)]
struct Says {
    claims: Arc<Mutex<Value>>,
    head: Arc<Mutex<Value>>,
    /// Challenge and nonce of the browser's request, by the code that it was given.
    codes: Arc<Mutex<HashMap<String, (String, String)>>>,
    spoil: Arc<Mutex<bool>>,
}

struct Provider {
    issuer: String,
    says: Says,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ec = Arc::new(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap());
        let says = Says::default();
        let provider = Self { issuer: issuer.clone(), says: says.clone() };
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let (issuer, says, ec) = (issuer.clone(), says.clone(), Arc::clone(&ec));
                tokio::spawn(async move {
                    let request = read(&mut stream).await;
                    let (status, body) = answer(&issuer, &says, &ec, &request);
                    let body = body.to_string();
                    let head = format!(
                        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    );
                    stream.write_all((head + &body).as_bytes()).await.ok();
                });
            }
        });
        provider
    }

    fn client(&self) -> OpenId {
        let settings = OpenIdSettings {
            name: "Клиника".into(),
            issuer: self.issuer.clone(),
            client_id: "gudok".into(),
            client_secret: Some("a secret & more".into()),
            redirect: "http://localhost/login/openid/back".into(),
        };
        OpenId::new(settings, system).unwrap()
    }

    /// What a browser does there: comes with the request, leaves with a code.
    fn visit(&self, place: &str) -> String {
        let query = place.strip_prefix(&format!("{}/authorize?", self.issuer)).expect("to the provider");
        let asked = fields(query);
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", "gudok"));
        assert_eq!(asked["code_challenge_method"], "S256");
        let code = records::id();
        let held = (asked["code_challenge"].clone(), asked["nonce"].clone());
        self.says.codes.lock().unwrap().insert(code.clone(), held);
        code
    }

    fn will_say(&self, algorithm: &str, more: Value) {
        let mut claims = json!({
            "iss": self.issuer, "aud": "gudok", "sub": "42", "exp": NOW / 1_000 + 300,
            "email": "Anna@Clinic.ru", "email_verified": true,
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        *self.says.claims.lock().unwrap() = claims;
        *self.says.head.lock().unwrap() = json!({ "alg": algorithm, "kid": algorithm });
        *self.says.spoil.lock().unwrap() = false;
    }
}

fn fields(query: &str) -> HashMap<String, String> {
    let decode = |text: &str| {
        let bytes = text.as_bytes();
        let (mut out, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            if bytes[at] == b'%' {
                out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                at += 3;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        String::from_utf8(out).unwrap()
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decode(value)))
        .collect()
}

async fn read(stream: &mut tokio::net::TcpStream) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.unwrap_or(0);
        all.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        if count == 0 {
            return text;
        }
    }
}

fn answer(issuer: &str, says: &Says, ec: &EcdsaKeyPair, request: &str) -> (&'static str, Value) {
    let place = request.split(' ').nth(1).unwrap_or_default();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let rsa = RsaKeyPair::from_pkcs8(RSA).unwrap();
    match place {
        "/.well-known/openid-configuration" => (
            "200 OK",
            json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
            }),
        ),
        "/keys" => {
            let point = ec.public_key().as_ref();
            let components: signature::RsaPublicKeyComponents<Vec<u8>> = rsa.public().into();
            let keys = json!([
                { "kty": "EC", "crv": "P-256", "kid": "ES256", "x": encode(&point[1..33]), "y": encode(&point[33..]) },
                { "kty": "RSA", "kid": "RS256", "n": encode(&components.n), "e": encode(&components.e) },
            ]);
            ("200 OK", json!({ "keys": keys }))
        }
        "/token" => {
            let sent = fields(request.split_once("\r\n\r\n").unwrap().1);
            let Some((challenge, nonce)) = says.codes.lock().unwrap().remove(&sent["code"]) else {
                return ("400 Bad Request", json!({ "error": "invalid_grant" }));
            };
            let shown = encode(digest::digest(&digest::SHA256, sent["code_verifier"].as_bytes()).as_ref());
            if shown != challenge || sent["client_secret"] != "a secret & more" {
                return ("400 Bad Request", json!({ "error": "invalid_grant" }));
            }
            let mut claims = says.claims.lock().unwrap().clone();
            if claims["nonce"].is_null() {
                claims["nonce"] = json!(nonce);
            }
            let head = says.head.lock().unwrap().clone();
            let message = format!("{}.{}", encode(head.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
            let random = SystemRandom::new();
            let mut signed = if head["alg"] == "RS256" {
                let mut signed = vec![0; rsa.public().modulus_len()];
                rsa.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signed).unwrap();
                signed
            } else {
                let signed = ec.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec();
                let key = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, ec.public_key());
                key.verify(message.as_bytes(), &signed).unwrap();
                signed
            };
            if *says.spoil.lock().unwrap() {
                signed[5] ^= 1;
            }
            ("200 OK", json!({ "id_token": format!("{message}.{}", encode(&signed)), "token_type": "Bearer" }))
        }
        _ => ("404 Not Found", json!({})),
    }
}

#[tokio::test]
async fn somebody_who_was_invited_comes_in_by_their_address_then_by_their_id() {
    let (_folder, store, accounts) = house().await;
    let provider = Provider::start().await;
    let client = provider.client();
    let anna = person(&accounts, "anna@clinic.ru", vec![Grant::owner_of_everything()]).await;
    for algorithm in ["ES256", "RS256"] {
        provider.will_say(algorithm, json!({}));
        let (place, state) = client.begin("/desk/vet", NOW).await.unwrap();
        let code = provider.visit(&place);
        let (user, next) = client.finish(&store, &code, &state, NOW + 1_000).await.unwrap();
        assert_eq!((user.id.as_str(), next.as_str()), (anna.id.as_str(), "/desk/vet"), "{algorithm}");
        let again = client.finish(&store, &code, &state, NOW + 1_000).await;
        assert!(matches!(again, Err(AccountError::BadLink)), "{again:?}");
    }
    // The address may change there; the id does not.
    provider.will_say("ES256", json!({ "email": "other@clinic.ru" }));
    let (place, state) = client.begin("/", NOW).await.unwrap();
    let (user, _) = client.finish(&store, &provider.visit(&place), &state, NOW).await.unwrap();
    assert_eq!(user.id, anna.id);
}

#[tokio::test]
async fn what_the_provider_did_not_say_of_an_invited_person_lets_nobody_in() {
    let (_folder, store, accounts) = house().await;
    let provider = Provider::start().await;
    let client = provider.client();
    person(&accounts, "anna@clinic.ru", vec![Grant::owner_of_everything()]).await;
    let past = NOW / 1_000 - 3_600;
    for (claims, said) in [
        (json!({ "email": "stranger@clinic.ru" }), "wrong"),
        (json!({ "email_verified": false }), "wrong"),
        (json!({ "aud": "another" }), "another program"),
        (json!({ "aud": ["gudok", "another"] }), "another program"),
        (json!({ "iss": "https://another.example" }), "another provider"),
        (json!({ "exp": past }), "run out"),
        (json!({ "nonce": "guess" }), "another sign-in"),
        (json!({ "sub": "" }), "cannot be read"),
    ] {
        provider.will_say("ES256", claims.clone());
        let (place, state) = client.begin("/", NOW).await.unwrap();
        let refused = client.finish(&store, &provider.visit(&place), &state, NOW).await.unwrap_err();
        assert!(refused.to_string().contains(said), "{claims}: {refused}");
    }
    for (head, said) in [
        (json!({ "alg": "none" }), "otherwise than"),
        (json!({ "alg": "HS256", "kid": "ES256" }), "otherwise than"),
        (json!({ "alg": "ES256", "kid": "unheard" }), "does not tell"),
    ] {
        provider.will_say("ES256", json!({}));
        *provider.says.head.lock().unwrap() = head.clone();
        let (place, state) = client.begin("/", NOW).await.unwrap();
        let refused = client.finish(&store, &provider.visit(&place), &state, NOW).await.unwrap_err();
        assert!(refused.to_string().contains(said), "{head}: {refused}");
    }
    for algorithm in ["ES256", "RS256"] {
        provider.will_say(algorithm, json!({}));
        *provider.says.spoil.lock().unwrap() = true;
        let (place, state) = client.begin("/", NOW).await.unwrap();
        let refused = client.finish(&store, &provider.visit(&place), &state, NOW).await.unwrap_err();
        assert!(refused.to_string().contains("signature"), "{algorithm}: {refused}");
    }
    let (place, state) = client.begin("/", NOW).await.unwrap();
    let late = client.finish(&store, &provider.visit(&place), &state, NOW + 11 * 60_000).await;
    assert!(matches!(late, Err(AccountError::BadLink)), "{late:?}");
    let unknown = client.finish(&store, "code", "state", NOW).await;
    assert!(matches!(unknown, Err(AccountError::BadLink)), "{unknown:?}");
}
