//! `gudok flow build`: from a project's source to a component.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::flow::{build, toolchains};
use crate::place::Place;

#[derive(Debug, Args)]
pub struct Build {
    /// The project's folder
    pub project: PathBuf,
    /// Where to write the component; without it, NAME.wasm in the project
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub fn run(args: &Build, place: &Place) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(|| default_out(&args.project));
    let bytes = build::build(&args.project, &out, &toolchains::folder(&place.cache))?;
    println!("    {} ({} kB)", out.display(), bytes.div_ceil(1_000));
    Ok(())
}

fn default_out(project: &Path) -> PathBuf {
    let name = project.file_name().map_or_else(|| "flow".into(), |name| name.to_string_lossy().into_owned());
    project.join(format!("{name}.wasm"))
}
