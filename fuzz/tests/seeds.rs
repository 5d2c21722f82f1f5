//! Every seed and every former crash through its target, and each of them spoiled in the ways that cost nothing: cut short
//! at every length, and every byte turned.

use std::fs;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

/// Where a target's seeds are. What tests elsewhere have as files is not kept twice.
fn folders(target: &str) -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![here.join("corpus").join(target), here.join("regressions").join(target)];
    match target {
        "sip" => {
            folders.push(here.join("../host/sip/tests/torture/rfc4475"));
            folders.push(here.join("../host/sip/tests/torture/rfc5118"));
        }
        "sdp" => folders.push(here.join("../host/media/tests/sdp/phones")),
        _ => {}
    }
    folders
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = folders(target).into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let paths = files.map(|entry| entry.expect("a readable folder").path()).filter(|path| path.is_file());
    paths.map(|path| (path.clone(), fs::read(path).expect("a readable seed"))).collect()
}

#[test]
fn every_seed_keeps_every_promise() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seed");
        for (path, bytes) in seeds {
            println!("{}", path.display());
            target(&bytes);
        }
    }
}

#[test]
fn spoiled_seeds_do_too() {
    for (name, target) in TARGETS {
        for (path, bytes) in seeds(name) {
            println!("{}", path.display());
            for at in 0..bytes.len().min(1_200) {
                target(&bytes[..at]);
                let mut turned = bytes.clone();
                for bits in [0x01, 0x20, 0x80] {
                    turned[at] = bytes[at] ^ bits;
                    target(&turned);
                }
            }
        }
    }
}
