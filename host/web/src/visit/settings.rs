//! Which visitors are let in, where, and how many.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::calls::Calls;
use super::limits::Limits;

/// The visitors' routes as they are switched on. Cheap to clone; every clone counts the same visitors.
#[derive(Clone)]
pub struct Visits {
    pub(super) calls: Arc<dyn Calls>,
    pub(super) pages: Arc<BTreeMap<String, Page>>,
    pub(super) sockets: Arc<BTreeMap<String, MediaSocket>>,
    pub(super) limits: Arc<Limits>,
    /// The origin under which visitors know this server.
    pub(super) public: Option<Arc<str>>,
}

/// What visitors of pages may do with a clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Sites (`https://host`) that may have the chat or the call on their pages, beside this server's own.
    pub origins: Vec<String>,
    /// They may call.
    pub call: bool,
    /// They may write.
    pub chat: bool,
}

/// A WebSocket for a provider or a PBX.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaSocket {
    /// Which clinic answers there.
    pub clinic: String,
    /// What is spoken.
    pub speaks: Speaks,
    /// What signatures are checked with (Twilio), or who connects must show as a password (Asterisk). None: nobody is
    /// checked, which is for a closed network only; a Twilio-like provider is always checked.
    pub secret: Option<String>,
    /// The server's address as the provider knows it, `https://host[:port]` without a path: it is part of what is signed.
    pub public_url: Option<String>,
}

/// The protocols of providers and PBXs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// Asterisk's WebSocket channel.
    Asterisk {
        /// The dial string has `n`: we answer the channel.
        answer: bool,
    },
    /// Twilio Media Streams.
    Twilio,
}

/// How many visitors, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitLimits {
    /// Calls from pages at the same time.
    pub calls: usize,
    /// Calls by media WebSockets at the same time.
    pub media: usize,
    /// Pages with an open chat at the same time.
    pub chats: usize,
    /// Conversations that one address may have at the same time.
    pub per_address: usize,
    /// Conversations that one address may begin in a minute.
    pub per_minute: u32,
    /// A call over this long is ended.
    pub longest_call: Duration,
    /// The address of a visitor stands in `X-Forwarded-For`: a proxy of our own is in front. Anybody could write there
    /// otherwise.
    pub behind_proxy: bool,
}

impl Default for VisitLimits {
    fn default() -> Self {
        VisitLimits {
            calls: 20,
            media: 500,
            chats: 200,
            per_address: 4,
            per_minute: 10,
            longest_call: Duration::from_secs(30 * 60),
            behind_proxy: false,
        }
    }
}

impl Visits {
    /// No page and no socket yet, with these limits.
    pub fn new(calls: Arc<dyn Calls>, limits: VisitLimits) -> Visits {
        Visits {
            calls,
            pages: Arc::default(),
            sockets: Arc::default(),
            limits: Arc::new(Limits::new(limits)),
            public: None,
        }
    }

    /// Pages for this clinic.
    #[must_use]
    pub fn with_page(mut self, clinic: impl Into<String>, page: Page) -> Visits {
        Arc::make_mut(&mut self.pages).insert(clinic.into(), page);
        self
    }

    /// A WebSocket at `/media/NAME`.
    #[must_use]
    pub fn with_socket(mut self, name: impl Into<String>, socket: MediaSocket) -> Visits {
        Arc::make_mut(&mut self.sockets).insert(name.into(), socket);
        self
    }

    /// Visitors know this server as `url` (`https://host[:port]`): it is behind a proxy that gives it another name.
    #[must_use]
    pub fn known_as(mut self, url: &str) -> Visits {
        self.public = Some(url.trim_end_matches('/').into());
        self
    }

    /// Takes the place of other settings: visitors are counted on. Limits stay as they were.
    #[must_use]
    pub fn after(mut self, before: &Visits) -> Visits {
        self.limits = Arc::clone(&before.limits);
        self
    }

    /// Conversations with visitors that are going on.
    pub fn going_on(&self) -> usize {
        self.limits.going_on()
    }

    /// Every name by which a visitor may call this server.
    pub(super) fn hosts(&self, ours: &[String]) -> Vec<String> {
        let urls =
            self.sockets.values().filter_map(|socket| socket.public_url.as_deref()).chain(self.public.as_deref());
        ours.iter().cloned().chain(urls.filter_map(host_name)).collect()
    }
}

/// The name in `https://name:port`.
fn host_name(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split('/').next()?;
    Some(host.split(':').next().unwrap_or(host).to_owned())
}

impl fmt::Debug for MediaSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.secret.as_ref().map(|_| "***");
        let Self { clinic, speaks, public_url, .. } = self;
        write!(f, "MediaSocket {{ {clinic}, {speaks:?}, secret: {secret:?}, {public_url:?} }}")
    }
}
