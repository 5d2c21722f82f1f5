//! Push and pull against a real registry: Debian's `docker-registry`, one per test, on a free port.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::manifest::{ImageIndexEntry, OciImageIndex};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use registry::{Artifact, Credentials, Options, Registry, RegistryError, Target, Watch};

const MB: u64 = 1024 * 1024;

#[tokio::test]
async fn what_was_pushed_is_pulled() {
    let server = Server::start(None);
    let registry = server.at("flows/vet-desk:1");
    let flow = flow("vet-desk", 300_000);
    let (watch, seen) = watched();
    let pushed = registry.push(&flow, watch).await.unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), flow.wasm.len() as u64, "progress goes to the end");
    assert!(!pushed.was_there);

    let (watch, seen) = watched();
    let pulled = registry.pull(MB, watch).await.unwrap();
    assert_eq!(pulled.artifact, flow);
    assert_eq!(pulled.pinned, pushed.pinned);
    assert_eq!(seen.load(Ordering::Relaxed), flow.wasm.len() as u64);

    // Again, and by the digest: the same manifest, and the component is not sent twice.
    let again = registry.push(&flow, quiet()).await.unwrap();
    assert_eq!((again.pinned.as_str(), again.was_there), (pushed.pinned.as_str(), true));
    let pinned = Registry::new(pushed.pinned.parse().unwrap(), Options::default()).unwrap();
    assert_eq!(pinned.pull(MB, quiet()).await.unwrap().artifact, flow);
}

#[tokio::test]
async fn a_tag_moves_and_the_digest_stays() {
    let server = Server::start(None);
    let registry = server.at("vet-desk:stable");
    let first = registry.push(&flow("one", 1_000), quiet()).await.unwrap();
    registry.push(&flow("two", 1_000), quiet()).await.unwrap();
    assert_eq!(registry.pull(MB, quiet()).await.unwrap().artifact.name, "two");
    let pinned = Registry::new(first.pinned.parse().unwrap(), Options::default()).unwrap();
    assert_eq!(pinned.pull(MB, quiet()).await.unwrap().artifact.name, "one");
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let server = Server::start(None);
    for place in ["vet-desk:1", "flows/deep/vet-desk"] {
        let error = server.at(place).pull(MB, quiet()).await.unwrap_err();
        assert!(matches!(&error, RegistryError::NotFound { target } if target.contains(place)), "{error}");
    }
    let nobody = Registry::new("127.0.0.1:1/vet-desk".parse().unwrap(), Options::default()).unwrap();
    let error = nobody.pull(MB, quiet()).await.unwrap_err();
    assert!(error.to_string().starts_with("127.0.0.1:1 cannot be reached: "), "{error}");
}

#[tokio::test]
async fn too_large_a_flow_is_not_fetched() {
    let server = Server::start(None);
    let registry = server.at("vet-desk");
    registry.push(&flow("vet-desk", 5_000), quiet()).await.unwrap();
    let (watch, seen) = watched();
    let error = registry.pull(4_999, watch).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { bytes: 5_000, limit: 4_999, .. }), "{error}");
    assert_eq!(seen.load(Ordering::Relaxed), 0);
    registry.pull(5_000, quiet()).await.unwrap();
}

#[tokio::test]
async fn a_component_that_was_changed_on_the_way_is_refused() {
    let server = Server::start(None);
    let registry = server.at("vet-desk");
    let flow = flow("vet-desk", 5_000);
    registry.push(&flow, quiet()).await.unwrap();
    let digest = flow.digest();
    let blob = server.dir.path().join("docker/registry/v2/blobs/sha256").join(&digest[..2]).join(&digest).join("data");
    let mut changed = flow.wasm.clone();
    changed[4_000] ^= 1;
    std::fs::write(&blob, &changed).unwrap();
    let error = registry.pull(MB, quiet()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_flow_is_refused_by_what_it_is() {
    let server = Server::start(None);
    let pulls = async |place: &str| server.at(place).pull(MB, quiet()).await.unwrap_err().to_string();
    // First, because it installs the cryptography that any client wants.
    assert!(pulls("nothing").await.ends_with("nothing:latest is not in the registry"));
    let plain = ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() };
    let client = Client::try_from(plain).unwrap();
    let push = async |place: &str, layers: Vec<ImageLayer>| {
        let config = Config::oci_v1(&b"{}"[..], None);
        client.push(&server.reference(place), &layers, config, &RegistryAuth::Anonymous, None).await.unwrap();
    };
    push("image", vec![ImageLayer::oci_v1_gzip(&b"a tar archive"[..], None)]).await;
    let said = pulls("image").await;
    assert!(
        said.contains("image:latest is not a flow: its layer is application/vnd.oci.image.layer.v1.tar+gzip"),
        "{said}"
    );

    let wasm = |bytes: &'static [u8]| ImageLayer::new(bytes, "application/wasm".to_owned(), None);
    push("two", vec![wasm(b"one"), wasm(b"two")]).await;
    let said = pulls("two").await;
    assert!(said.contains("it has 2 layers; a flow has one"), "{said}");

    // One wasm layer is a flow, whatever else the client that pushed it wrote.
    push("other", vec![wasm(b"\0asm and so on")]).await;
    let pulled = server.at("other").pull(MB, quiet()).await.unwrap().artifact;
    assert_eq!((pulled.name.as_str(), pulled.wasm.as_slice()), ("other", &b"\0asm and so on"[..]));

    let (_, digest) = client.pull_manifest(&server.reference("image"), &RegistryAuth::Anonymous).await.unwrap();
    let entry = ImageIndexEntry {
        media_type: oci_client::manifest::OCI_IMAGE_MEDIA_TYPE.to_owned(),
        digest,
        size: 400,
        platform: None,
        annotations: None,
        artifact_type: None,
    };
    let index = OciImageIndex {
        schema_version: 2,
        media_type: Some(oci_client::manifest::OCI_IMAGE_INDEX_MEDIA_TYPE.to_owned()),
        manifests: vec![entry],
        artifact_type: None,
        annotations: None,
    };
    let place = server.reference("image:index");
    client.push_manifest_list(&place, &RegistryAuth::Anonymous, index).await.unwrap();
    let said = pulls("image:index").await;
    assert!(said.contains("image:index is not a flow: it is an index of container images"), "{said}");
}

#[tokio::test]
async fn a_registry_with_a_password_wants_it() {
    // "clinic:secret", bcrypt at its lowest cost.
    let server = Server::start(Some("clinic:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"));
    let flow = flow("vet-desk", 1_000);
    let anonymous = server.at("vet-desk").push(&flow, quiet()).await.unwrap_err();
    assert!(matches!(anonymous, RegistryError::Denied { .. }), "{anonymous}");
    let wrong = server.with("vet-desk", Credentials::basic("clinic", "guess")).push(&flow, quiet()).await.unwrap_err();
    let said = wrong.to_string();
    assert!(said.contains("refused to `clinic`") && !said.contains("guess"), "{said}");

    // As `docker login` leaves it.
    let config = server.dir.path().join("config.json");
    std::fs::write(&config, format!(r#"{{"auths": {{"{}": {{"auth": "Y2xpbmljOnNlY3JldA=="}}}}}}"#, server.host))
        .unwrap();
    let known = server.with("vet-desk", Credentials::docker(&config, &server.host).unwrap());
    known.push(&flow, quiet()).await.unwrap();
    assert_eq!(known.pull(MB, quiet()).await.unwrap().artifact, flow);
    let anonymous = server.at("vet-desk").pull(MB, quiet()).await.unwrap_err();
    assert!(matches!(anonymous, RegistryError::Denied { .. }), "{anonymous}");
}

/// A component of so many bytes, as far as a registry can tell.
fn flow(name: &str, bytes: usize) -> Artifact {
    let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
    wasm.extend(name.bytes().cycle().take(bytes - wasm.len()));
    Artifact {
        name: name.to_owned(),
        wasm,
        created: "2026-11-20T10:00:00Z".to_owned(),
        contract: Some("0.1.0".to_owned()),
        capabilities: vec!["gudok:voice/voice@0.1.0".to_owned()],
        signature: Some([9; 64]),
        signer: Some("a2V5".to_owned()),
    }
}

fn quiet() -> Watch {
    Arc::new(|_, _| {})
}

fn watched() -> (Watch, Arc<AtomicU64>) {
    let seen = Arc::new(AtomicU64::new(0));
    let last = Arc::clone(&seen);
    (Arc::new(move |done, total| last.store(done.min(total), Ordering::Relaxed)), seen)
}

/// A registry that ends with the test.
struct Server {
    process: Child,
    host: String,
    dir: tempfile::TempDir,
}

impl Server {
    /// With `users` in htpasswd format, or open to all.
    fn start(users: Option<&str>) -> Self {
        let program = Path::new("/usr/bin/docker-registry");
        assert!(program.is_file(), "docker-registry is missing: setup/packages.sh installs it");
        let dir = tempfile::tempdir().unwrap();
        let auth = users.map(|users| {
            let path = dir.path().join("htpasswd");
            std::fs::write(&path, users).unwrap();
            format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", path.display())
        });
        let config = write(
            &dir,
            &format!(
                "version: 0.1\nlog: {{level: info}}\nhttp: {{addr: '127.0.0.1:0'}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n{}",
                dir.path().display(),
                auth.unwrap_or_default()
            ),
        );
        let mut process = Command::new(program)
            .args(["serve", &config.display().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let said = lines.by_ref().map(Result::unwrap).find(|line| line.contains("listening on")).expect("it starts");
        let port = said.split("listening on 127.0.0.1:").nth(1).unwrap();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        // It stops when nobody reads its log.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, host: format!("127.0.0.1:{port}"), dir }
    }

    fn reference(&self, place: &str) -> Reference {
        format!("{}/{place}", self.host).parse().unwrap()
    }

    fn at(&self, place: &str) -> Registry {
        self.with(place, Credentials::anonymous())
    }

    fn with(&self, place: &str, credentials: Credentials) -> Registry {
        let target: Target = format!("{}/{place}", self.host).parse().unwrap();
        Registry::new(target, Options { credentials, plain_http: false }).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn write(dir: &tempfile::TempDir, config: &str) -> PathBuf {
    let path = dir.path().join("config.yml");
    std::fs::write(&path, config).unwrap();
    path
}
