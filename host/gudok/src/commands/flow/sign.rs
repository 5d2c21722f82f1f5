//! `gudok flow keygen` and `gudok flow sign`: whose versions these are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use rollout::signing::{self, PublicKey};
use rollout::{FlowVersion, short};
use sha2::{Digest as _, Sha256};

use crate::flow::library::{House, read};
use crate::place::Place;

#[derive(Debug, Args)]
pub struct Keygen {
    /// Where to write the private key; the public one goes beside it, with .pub at the end
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Sign {
    /// The version (a flow's name, NAME@DIGEST, the beginning of a digest), or a component's file
    #[arg(id = "flow-version", value_name = "VERSION")]
    pub version: String,
    /// The private key, as `gudok flow keygen` or openssl writes it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Where to write the signature of a file; without it, FLOW.wasm.sig. A version in the library keeps its own
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub fn keygen(args: &Keygen) -> Result<()> {
    let public = signing::generate_key(&args.file)?;
    println!("    {} is the private key: keep it where only you can read it", args.file.display());
    println!("    a clinic that takes your flows only says so in its file:");
    println!("    [flows]\n    signed_by = [\"{public}\"]");
    Ok(())
}

pub async fn run(args: &Sign, place: &Place) -> Result<()> {
    let path = Path::new(&args.version);
    if path.is_file() {
        let wasm = read(path)?;
        let signature = signing::sign(&args.key, &digest(&wasm))?;
        let out = args.out.clone().unwrap_or_else(|| {
            let mut name = path.as_os_str().to_owned();
            name.push(".sig");
            name.into()
        });
        write(&out, &signature)?;
        println!("    {}: give it to `gudok flow add` with --signature", out.display());
        return Ok(());
    }
    let house = House::open(place).await?;
    let version = house.library.show(&args.version).await?;
    let signature = signing::sign(&args.key, &version.digest)?;
    let signed =
        FlowVersion { signature: Some(signing::signature_text(&signature)), signer: public(&args.key), ..version };
    house.store.add_flow_version(&signed).await?;
    let version = signed;
    if let Some(out) = &args.out {
        write(out, &signature)?;
    }
    println!("    {} {} signed", version.name, short(&version.digest));
    Ok(())
}

/// The public key, if it still lies beside the private one; it is only shown to people.
fn public(key: &Path) -> Option<String> {
    let mut beside = key.as_os_str().to_owned();
    beside.push(".pub");
    PublicKey::load(Path::new(&beside)).ok().map(|key| key.to_string())
}

fn digest(wasm: &[u8]) -> String {
    Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(path: &Path, signature: &signing::SignatureBytes) -> Result<()> {
    std::fs::write(path, format!("{}\n", signing::signature_text(signature)))
        .with_context(|| format!("{}: cannot be written", path.display()))
}
