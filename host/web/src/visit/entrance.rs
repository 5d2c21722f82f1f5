//! Who may come in: the clinic, the visitor's page and address, and a place.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::calls::Kind;
use super::limits::{Place, Refused};
use super::settings::{Page, Visits};
use crate::{AppState, Problem};

/// The visitors' part of the state, and what a request tells of who sent it.
pub(crate) struct Entrance {
    pub(super) state: AppState,
    pub(super) visits: Visits,
    pub(super) headers: HeaderMap,
    address: Option<IpAddr>,
}

impl FromRequestParts<AppState> for Entrance {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let visits = state.visits.clone().ok_or_else(Problem::no_visitors_here)?;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let forwarded = visits.limits.shipped.behind_proxy.then(|| forwarded_for(&parts.headers)).flatten();
        Ok(Entrance { state: state.clone(), headers: parts.headers.clone(), address: forwarded.or(peer), visits })
    }
}

impl Entrance {
    /// What visitors may do with this clinic.
    pub(super) fn page(&self, clinic: &str, kind: Kind) -> Result<&Page, Problem> {
        let page = self.visits.pages.get(clinic).filter(|page| match kind {
            Kind::Chat => page.chat,
            _ => page.call,
        });
        page.filter(|_| self.state.clinics.contains_key(clinic)).ok_or_else(Problem::no_visitors_here)
    }

    /// The page that opens a socket is ours, or of a site that was named: browsers let any page open one.
    pub(super) fn is_from_our_page(&self, page: &Page) -> Result<(), Problem> {
        let origin = self.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let host = self.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let same = |origin: &str| {
            let at = origin.split_once("://").map(|(_, host)| host);
            at.is_some() && at == host || self.visits.public.as_deref() == Some(origin)
        };
        let named =
            |origin: &str| page.origins.iter().any(|site| site.trim_end_matches('/').eq_ignore_ascii_case(origin));
        match origin {
            Some(origin) if same(origin) || named(origin) => Ok(()),
            _ => Err(Problem::foreign_page()),
        }
    }

    /// The desk's own page opens a socket, and no other.
    pub(super) fn is_from_the_desk(&self) -> Result<(), Problem> {
        self.is_from_our_page(&Page { origins: Vec::new(), call: true, chat: true })
    }

    /// A place for one more conversation.
    pub(super) fn enter(&self, kind: Kind) -> Result<Place, Problem> {
        // In writing a person answers where the robot has no room.
        if kind != Kind::Chat && self.visits.calls.full() {
            return Err(Problem::no_room());
        }
        self.visits.limits.enter(kind, self.address, Instant::now()).map_err(|refused| match refused {
            Refused::Full => Problem::no_room(),
            Refused::TooMany => Problem::too_many(),
        })
    }

    /// A place for a page that goes on with its conversation: it has had its share of beginning one.
    pub(super) fn again(&self, kind: Kind) -> Result<Place, Problem> {
        self.visits.limits.enter(kind, None, Instant::now()).map_err(|_| Problem::no_room())
    }
}

/// The last address in the list is the one our proxy saw; what stands before it anybody may have written.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_our_proxy_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
        headers.append("x-forwarded-for", HeaderValue::from_static("198.51.100.7, 192.0.2.4"));
        assert_eq!(forwarded_for(&headers), Some("192.0.2.4".parse().unwrap()));
        assert_eq!(forwarded_for(&HeaderMap::new()), None);
    }
}
