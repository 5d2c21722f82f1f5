//! Flows to and from OCI registries, in the layout that the wasm ecosystem uses (`wkg`, `oras` and others read it).
//!
//! Layout: [`Target`] where a flow lies, parsed · [`Artifact`] what is pushed and pulled: the component, and what an
//! operator wants to know before fetching it, as annotations · [`Credentials`] who asks · [`Registry`] push and pull.
//!
//! Invariants:
//! - What [`Registry::pull`] gives has the digest that the manifest names, and is no larger than the caller allowed.
//! - Only the registry that was named is asked: URLs inside a manifest are not followed.
//! - Nothing is sent unencrypted to another machine unless the caller said so ([`Options::plain_http`]).

mod artifact;
mod client;
mod credentials;
mod error;
mod target;

pub use artifact::{Artifact, LAYER_MEDIA_TYPE};
pub use client::{Options, Pulled, Pushed, Registry, Watch};
pub use credentials::Credentials;
pub use error::RegistryError;
pub use target::Target;
