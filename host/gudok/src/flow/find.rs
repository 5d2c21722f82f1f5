//! Where flows that ship are found.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The flow of this name: a path as it is, else `<name>.wasm` among the flows that were built or installed.
pub fn flow(name: &str, home: &Path) -> Result<PathBuf> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let places = places(home);
    for place in &places {
        let candidate = place.join(format!("{name}.wasm"));
        if candidate.is_file() {
            return Ok(candidate);
        }
    }
    let searched: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    bail!(
        "no flow `{name}` (looked in {}). Build it with `make flows`, or name a .wasm file with --flow",
        searched.join(", ")
    )
}

/// `$GUDOK_FLOWS`, the folder of the project that is built here, the home folder.
fn places(home: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    places.extend(std::env::var_os("GUDOK_FLOWS").map(PathBuf::from));
    places.push(PathBuf::from("guest-flows/target/components"));
    places.push(home.join("flows"));
    // The program run from somewhere else, straight out of the project's target folder.
    if let Ok(program) = std::env::current_exe()
        && let Some(root) = program.ancestors().nth(3)
    {
        places.push(root.join("guest-flows/target/components"));
    }
    places
}
