//! The sockets of providers and PBXs, and what a provider is told when it asks what to do with a call.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, Query};
use axum::http::{Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use axum::{Form, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lines::websocket::twilio::signature::{is_genuine, is_ticket, ticket};
use lines::websocket::twilio::{Twilio, answer};
use lines::websocket::{Began, Protocol, asterisk::Asterisk};
use tokio::sync::mpsc;

use super::calls::{Kind, Opening};
use super::entrance::Entrance;
use super::settings::{MediaSocket, Speaks};
use super::socket::{Carried, MOST_BYTES, carry};
use crate::{AppState, Problem};

/// A PBX may send nothing while its caller is on hold.
const SILENCE: Duration = Duration::from_secs(120);
const SIGNATURE: &str = "x-twilio-signature";

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/media/{name}", any(socket)).route("/media/{name}/voice", post(voice))
}

async fn socket(
    entrance: Entrance,
    Path(name): Path<String>,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let media = entrance.visits.sockets.get(&name).ok_or_else(Problem::no_visitors_here)?.clone();
    let (kind, mut protocol): (Kind, Box<dyn Protocol>) = match media.speaks {
        Speaks::Asterisk { answer } => (Kind::Asterisk, Box::new(Asterisk::new(answer))),
        Speaks::Twilio => (Kind::Twilio, Box::new(Twilio::new())),
    };
    let known = match media.speaks {
        Speaks::Asterisk { .. } => entrance.shows_password(&media).then_some(true),
        Speaks::Twilio => entrance.signed_stream(&media, &uri),
    };
    let known = known.ok_or_else(Problem::not_genuine)?;
    let place = entrance.enter(kind)?;
    let visits = entrance.visits;
    let carried = Carried { silence: SILENCE, longest: visits.limits.shipped.longest_call, begun: false };
    // Asterisk wants to hear that its own subprotocol is spoken.
    let upgrade = upgrade.protocols(["media"]).max_message_size(MOST_BYTES);
    Ok(upgrade.on_upgrade(async move |socket| {
        carry(socket, &mut *protocol, carried, |door, began| {
            let began = began?;
            if !known && !has_ticket(&media, &began) {
                tracing::warn!(socket = name, "a stream without a signature or a ticket was refused");
                return None;
            }
            let told = |key: &str| began.parameters.get(key).or_else(|| query.get(key)).filter(|text| !text.is_empty());
            let opening = Opening {
                kind,
                clinic: media.clinic,
                socket: name,
                caller: told("caller").cloned(),
                line: told("line").cloned().unwrap_or_default(),
                reference: Some(began.reference.clone()),
                rehearsed: None,
            };
            let (shows, captions) = mpsc::unbounded_channel();
            tokio::spawn(async move {
                visits.calls.spoken(opening, Box::new(door), shows).await;
                drop(place);
            });
            // Nobody reads captions there.
            drop(captions);
            Some(mpsc::unbounded_channel().1)
        })
        .await;
    }))
}

/// A provider's call came in: the caller is connected to our stream.
async fn voice(
    entrance: Entrance,
    Path(name): Path<String>,
    uri: Uri,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let media = entrance.visits.sockets.get(&name).filter(|media| media.speaks == Speaks::Twilio);
    let media = media.ok_or_else(Problem::no_visitors_here)?;
    let secret = media.secret.as_deref().ok_or_else(Problem::not_genuine)?;
    let base = entrance.public_base(media);
    let genuine = is_genuine(secret, &format!("{base}{}", path(&uri)), &fields, entrance.signature());
    if !genuine {
        return Err(Problem::not_genuine());
    }
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
    let twiml = if entrance.visits.calls.full() {
        answer::busy().to_owned()
    } else {
        let stream = format!("{}/media/{name}", base.replacen("http", "ws", 1));
        let ticket = ticket(secret, field("CallSid"));
        answer::connect(&stream, &[("caller", field("From")), ("line", field("To")), ("ticket", &ticket)])
    };
    Ok(([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], twiml).into_response())
}

impl Entrance {
    /// Does who connects show the password (HTTP Basic, any name), if one is wanted?
    fn shows_password(&self, media: &MediaSocket) -> bool {
        let Some(wanted) = media.secret.as_deref() else { return true };
        let shown = self.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown =
            shown.and_then(|value| value.strip_prefix("Basic ")).and_then(|text| BASE64_STANDARD.decode(text).ok());
        let shown =
            shown.as_deref().and_then(|text| std::str::from_utf8(text).ok()).and_then(|text| text.split_once(':'));
        shown.is_some_and(|(_, password)| same(password.as_bytes(), wanted.as_bytes()))
    }

    /// Is this stream's request signed? None when its signature is wrong, or nothing can be checked; false when the stream
    /// has to show its ticket, because the provider signs nothing but the first request.
    fn signed_stream(&self, media: &MediaSocket, uri: &Uri) -> Option<bool> {
        let secret = media.secret.as_deref()?;
        if !self.headers.contains_key(SIGNATURE) {
            return Some(false);
        }
        let base = self.public_base(media);
        // The stream's address begins with wss, and is signed so, or as it was asked for over HTTP.
        let genuine = [base.replacen("http", "ws", 1), base].into_iter().any(|base| {
            let url = format!("{base}{}", path(uri));
            is_genuine(secret, &url, &[], self.signature())
                || is_genuine(secret, &format!("{url}/"), &[], self.signature())
        });
        genuine.then_some(true)
    }

    fn signature(&self) -> &str {
        self.headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `https://host`, as the provider knows it.
    fn public_base(&self, media: &MediaSocket) -> String {
        let host = self.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let told = media.public_url.as_deref().or(self.visits.public.as_deref());
        told.map_or_else(|| format!("https://{host}"), |url| url.trim_end_matches('/').to_owned())
    }
}

fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

fn has_ticket(media: &MediaSocket, began: &Began) -> bool {
    let shown = began.parameters.get("ticket").map_or("", String::as_str);
    media.secret.as_deref().is_some_and(|secret| is_ticket(secret, &began.reference, shown))
}

/// Compares without telling by its time where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    let different = a.iter().zip(b).fold(u8::from(a.len() != b.len()), |all, (a, b)| black_box(all | (a ^ b)));
    different == 0
}
