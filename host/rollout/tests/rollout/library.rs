//! What the library takes, what it refuses and in which words.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rollout::{AddOptions, Allow, How, RolloutError, short, signing};

use crate::support::{House, NOW, broken_flow, by, curious_flow, flow};

#[tokio::test]
async fn a_version_is_kept_by_its_digest_and_found_by_name_and_digits() {
    let house = House::new().await;
    let added = house.library.add("desk", &flow("first"), by(NOW)).await.unwrap();
    assert!(added.new && added.before.is_none());
    assert_eq!(added.version.capabilities, ["gudok:notes/notes@0.1.0"]);
    assert_eq!((added.version.contract.as_str(), added.version.by.as_str()), ("0.1.0", "anna"));
    assert!(added.version.memory_bytes >= 65_536 && added.version.compile_ms > 0.0 && added.version.start_us > 0.0);

    let again = house.library.add("desk", &flow("first"), by(NOW + 1)).await.unwrap();
    assert!(!again.new);
    assert_eq!(again.version.added_ms, NOW, "it is the same version");
    let second = house.library.add("desk", &flow("secnd"), by(NOW + 2)).await.unwrap();
    assert_eq!(second.before.as_ref(), Some(&added.version.digest));
    let other = house.library.add("menu", &flow("other"), by(NOW + 3)).await.unwrap();
    assert_eq!(other.before, None, "a flow of another name is no version before");

    let file = house.library.path(&added.version.digest);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o444);
    assert_eq!(fs::read(&file).unwrap(), flow("first"));
    let show = async |reference: &str| house.library.show(reference).await.unwrap().digest;
    assert_eq!(show("desk").await, second.version.digest, "the newest of the name");
    assert_eq!(show(&added.version.digest[..10]).await, added.version.digest);
    assert_eq!(show(&format!("desk@{}", &added.version.digest[..6])).await, added.version.digest);
    assert_eq!(show(&format!("sha256:{}", other.version.digest)).await, other.version.digest);
    assert!(matches!(house.library.show("nobody").await, Err(RolloutError::UnknownVersion { .. })));
    let flow = house.library.load(&second.version.digest).await.unwrap();
    assert_eq!((flow.name(), flow.digest()), ("desk", second.version.digest.as_str()));
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let house = House::new().await;
    let refused = async |name: &str, wasm: &[u8]| {
        house.library.add(name, wasm, by(NOW)).await.map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        refused("дверь/окно", &flow("first")).await,
        "\"дверь/окно\" cannot be a flow's name: take 1 to 64 letters, digits, `-`, `_` or `.`, for example vet-desk"
    );
    assert!(refused("desk", b"#!/bin/sh").await.starts_with("flow `desk` is not WebAssembly"));
    assert!(refused("desk", &wat::parse_str("(module)").unwrap()).await.contains("wasm-tools component new"));
    let broken = refused("desk", &broken_flow()).await;
    assert!(broken.contains("desk") && broken.contains("unreachable"), "{broken}");
    assert!(house.library.list().await.unwrap().is_empty(), "nothing refused is kept");

    let first = house.version("first").await;
    assert_eq!(
        refused("desk", &curious_flow("nosey")).await,
        format!(
            "flow `desk` asks for more than its version {} did: gudok:clinic/clinic@0.1.0. If it may, add it with \
             --allow gudok:clinic/clinic@0.1.0",
            short(&first)
        )
    );
    assert_eq!(
        house.library.show("dead").await.unwrap_err().to_string(),
        "no version of a flow goes by \"dead\"; `gudok flow list` shows those there are, `gudok flow add` adds one"
    );
    house.deploy(&first, How::All).await.unwrap();
    assert_eq!(
        house.library.remove(&first, NOW).await.unwrap_err().to_string(),
        format!(
            "version {} is used by vet_lapa/day; deploy another version there (twice, since a roll-back needs the one \
             before), then remove it",
            short(&first)
        )
    );
}

#[tokio::test]
async fn a_capability_is_added_only_when_it_is_allowed() {
    let house = House::new().await;
    let clinic = "gudok:clinic/clinic@0.1.0";
    let these = |one: &str| Allow::These(vec![one.to_owned()]);
    for (n, allow) in [these("clinic"), these(clinic), Allow::All].into_iter().enumerate() {
        let (name, says) = (format!("desk{n}"), format!("no. {n}"));
        house.library.add(&name, &flow(&says), by(NOW)).await.unwrap();
        let wasm = curious_flow(&says);
        let refused = house.library.add(&name, &wasm, AddOptions { allow: these("faq"), ..by(NOW + 1) }).await;
        assert!(matches!(refused, Err(RolloutError::AddedCapabilities { .. })));
        let added = house.library.add(&name, &wasm, AddOptions { allow, ..by(NOW + 1) }).await.unwrap();
        assert_eq!(added.added_capabilities, [clinic]);
        let modest = house.library.add(&name, &flow(&format!("mo. {n}")), by(NOW + 2)).await.unwrap();
        assert_eq!(modest.removed_capabilities, [clinic]);
    }
}

#[tokio::test]
async fn a_signature_is_checked_when_one_is_asked_for() {
    let house = House::new().await;
    let key = house.folder.path().join("release.key");
    let public = signing::generate_key(&key).unwrap();
    let stranger = house.folder.path().join("stranger.key");
    signing::generate_key(&stranger).unwrap();
    let wasm = flow("first");
    let digest = house.library.add("desk", &wasm, by(NOW)).await.unwrap().version.digest;
    let signed = |signature| AddOptions { signature, require_signed_by: vec![public], ..by(NOW) };
    let unsigned = house.library.add("desk", &wasm, signed(None)).await;
    assert!(matches!(unsigned, Err(RolloutError::Unsigned { .. })));
    let wrong = signing::sign(&stranger, &digest).unwrap();
    let wrong = house.library.add("desk", &wasm, signed(Some(wrong))).await;
    assert!(matches!(wrong, Err(RolloutError::WrongSignature { .. })));
    let right = signing::sign(&key, &digest).unwrap();
    let right = house.library.add("desk", &wasm, signed(Some(right))).await.unwrap();
    assert_eq!(right.version.signer, Some(public.to_string()), "a version that is there takes its signature");
}

#[tokio::test]
async fn a_file_that_is_gone_or_changed_is_told_and_mended_by_adding_it_again() {
    let house = House::new().await;
    let digest = house.version("first").await;
    let path = house.library.path(&digest);
    assert_eq!(house.library.live_versions(), 0, "nobody holds it");
    fs::remove_file(&path).unwrap();
    assert!(matches!(house.library.load(&digest).await, Err(RolloutError::MissingFile { .. })));
    fs::write(&path, flow("other")).unwrap();
    assert!(matches!(house.library.load(&digest).await, Err(RolloutError::DamagedFile { .. })));
    house.version("first").await;
    assert_eq!(house.library.load(&digest).await.unwrap().digest(), digest);
}

#[tokio::test]
async fn a_removed_version_is_gone_and_may_come_back() {
    let house = House::new().await;
    let digest = house.version("first").await;
    house.library.remove("desk", NOW).await.unwrap();
    assert!(!house.library.path(&digest).exists());
    assert!(matches!(house.deploy(&digest, How::All).await, Err(RolloutError::UnknownVersion { .. })));
    let back = house.library.add("desk", &flow("first"), by(NOW + 5)).await.unwrap();
    assert!(back.new);
    house.deploy(&digest, How::All).await.unwrap();
}
