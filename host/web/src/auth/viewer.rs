//! Who asks: the one thing that handlers look at before they answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use accounts::{Grant, Permission, Role};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::{AppState, Problem};

/// How somebody showed who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// Signed in, in a browser.
    Session,
    /// By a token that may do no more than this.
    Token {
        /// The token's id.
        id: String,
        /// What it may do at most.
        scopes: BTreeSet<Permission>,
        /// Where it may do it; empty: wherever its maker may.
        clinics: BTreeSet<String>,
    },
}

/// Somebody in the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker<'a> {
    /// Id of the user or of the token.
    pub who: &'a str,
    /// From which address.
    pub ip: Option<IpAddr>,
}

/// Whoever sent the request, as a handler gets it: `async fn page(viewer: Viewer, …)`. A request without a viewer never
/// reaches such a handler: a program is told 401, a person is led to `/login`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The user's id.
    pub user: String,
    /// Their name, as others read it.
    pub name: String,
    /// Their roles.
    pub grants: Vec<Grant>,
    /// The clinic they chose in this session; none: not yet, or it was taken from them.
    pub clinic: Option<String>,
    /// Their language: `ru` or `en`.
    pub language: String,
    /// Stands in every form as the field `csrf`, or in the header `X-CSRF-Token`. Empty with a token, which needs none.
    pub csrf: String,
    /// How they showed who they are.
    pub via: Via,
    /// From which address they ask.
    pub address: Option<IpAddr>,
}

impl Viewer {
    /// Whether they may do this at this clinic.
    pub fn may(&self, clinic: &str, permission: Permission) -> bool {
        let within = match &self.via {
            Via::Session => true,
            Via::Token { scopes, clinics, .. } => {
                scopes.contains(&permission) && (clinics.is_empty() || clinics.contains(clinic))
            }
        };
        within && accounts::may(&self.grants, clinic, permission)
    }

    /// Whether there is anything at all that they may do at this clinic. Those of others do not exist for them.
    pub fn knows(&self, clinic: &str) -> bool {
        Permission::ALL.iter().any(|&permission| self.may(clinic, permission))
    }

    /// Their roles at this clinic.
    pub fn roles(&self, clinic: &str) -> BTreeSet<Role> {
        self.grants.iter().filter(|grant| grant.covers(clinic)).map(|grant| grant.role).collect()
    }

    /// The clinics of this server where they may do this, by id.
    pub fn clinics<'a>(&self, state: &'a AppState, permission: Permission) -> Vec<&'a str> {
        state.clinics.keys().map(String::as_str).filter(|clinic| self.may(clinic, permission)).collect()
    }

    /// Goes on only if they may.
    ///
    /// # Errors
    /// 404 for a clinic in which they may do nothing, as for one that does not exist; 403 for one in which they may do
    /// other things.
    pub fn check(&self, state: &AppState, clinic: &str, permission: Permission) -> Result<(), Problem> {
        if self.may(clinic, permission) && state.clinics.contains_key(clinic) {
            return Ok(());
        }
        if !self.knows(clinic) || !state.clinics.contains_key(clinic) {
            return Err(Problem::unknown_clinic(state.clinics.keys().filter(|known| self.knows(known))));
        }
        Err(Problem::may_not(permission))
    }

    /// What stands in the log of changes, for people.
    pub fn by(&self) -> &str {
        &self.name
    }

    /// What stands in the audit: the id of the user or of the token, and from where they ask.
    pub fn who(&self) -> Asker<'_> {
        let who = match &self.via {
            Via::Session => &self.user,
            Via::Token { id, .. } => id,
        };
        Asker { who, ip: self.address }
    }
}

impl FromRequestParts<AppState> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, Problem> {
        parts.extensions.get::<Viewer>().cloned().ok_or_else(Problem::sign_in)
    }
}
