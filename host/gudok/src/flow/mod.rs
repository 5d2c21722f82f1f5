//! Flows on the author's desk: from source to a component, new projects, and finding the ones that ship.
//!
//! Layout: [`build`] a project's folder becomes a component · [`kind`] what kind of project it is and how that kind is
//! built · [`rust`] the one kind that needs more than a command · [`toolchains`] where fetched toolchains are ·
//! [`componentize`] core modules become components · [`new`] a project to begin with · [`assets`] what the program
//! carries for both · [`find`] flows by name · [`library`] versions and routes, as the commands see them.

pub mod assets;
pub mod build;
mod componentize;
pub mod find;
mod kind;
pub mod library;
pub mod new;
mod rust;
pub mod toolchains;

use std::path::Path;

use anyhow::{Context, Result};

/// The component in a file. A core module, as a language's own compiler leaves it, is made a component first.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    componentize::componentize(bytes).with_context(|| format!("{}: not a flow", path.display()))
}
