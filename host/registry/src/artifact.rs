//! How a flow is laid out in a registry: one manifest, one small configuration, one layer with the component.
//!
//! Media types and the configuration's fields are those of the CNCF's Wasm OCI artifact layout, which `wkg` and other
//! clients write and read. What Gudok adds stands in annotations, which every client keeps and shows.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The layer with the component.
pub const LAYER_MEDIA_TYPE: &str = "application/wasm";
const CONFIG_MEDIA_TYPE: &str = "application/vnd.wasm.config.v0+json";

const TITLE: &str = "org.opencontainers.image.title";
const CREATED: &str = "org.opencontainers.image.created";
const DIGEST: &str = "dev.gudok.flow.digest";
const CONTRACT: &str = "dev.gudok.flow.contract";
const CAPABILITIES: &str = "dev.gudok.flow.capabilities";
const SIGNATURE: &str = "dev.gudok.flow.signature";
const SIGNER: &str = "dev.gudok.flow.signer";

/// A flow, and what is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Artifact {
    /// What it is called.
    pub name: String,
    /// The component.
    pub wasm: Vec<u8>,
    /// When this version was made or added, RFC 3339. It is part of the manifest: the same moment gives the same one.
    pub created: String,
    /// The contract it was built against: `0.1.0`.
    pub contract: Option<String>,
    /// The interfaces it imports: `gudok:voice/voice@0.1.0`.
    pub capabilities: Vec<String>,
    /// An ed25519 signature over the digest's 32 bytes.
    pub signature: Option<[u8; 64]>,
    /// Whose signature: the public key, in base64. Whether to trust it is for whoever pulls to say.
    pub signer: Option<String>,
}

impl Artifact {
    /// The component's SHA-256 in hexadecimal.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(&self.wasm))
    }

    /// The configuration's bytes, and the manifest that names them and the component.
    pub(crate) fn lay_out(&self) -> (Vec<u8>, OciImageManifest) {
        let layer = format!("sha256:{}", self.digest());
        let config = Config {
            created: &self.created,
            author: None,
            architecture: "wasm",
            os: "wasip2",
            layer_digests: [&layer],
            component: Component {
                exports: ["run"],
                imports: &self.capabilities,
                target: self.contract.as_ref().map(|contract| format!("gudok:flow/flow@{contract}")),
            },
        };
        let config = serde_json::to_vec(&config).expect("invariant: strings and lists are always JSON");
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: describe(CONFIG_MEDIA_TYPE, format!("sha256:{}", hex(&Sha256::digest(&config))), config.len()),
            layers: vec![OciDescriptor {
                // Clients that know nothing of flows (`oras pull`) write the layer to a file of this name.
                annotations: Some(BTreeMap::from([(TITLE.to_owned(), format!("{}.wasm", self.name))])),
                ..describe(LAYER_MEDIA_TYPE, layer, self.wasm.len())
            }],
            annotations: Some(self.annotations()),
            ..OciImageManifest::default()
        };
        (config, manifest)
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let signature = self.signature.map(|signature| STANDARD.encode(signature));
        let capabilities = (!self.capabilities.is_empty()).then(|| self.capabilities.join(" "));
        let known = [
            (TITLE, Some(self.name.clone())),
            (CREATED, Some(self.created.clone())),
            (DIGEST, Some(format!("sha256:{}", self.digest()))),
            (CONTRACT, self.contract.clone()),
            (CAPABILITIES, capabilities),
            (SIGNATURE, signature),
            (SIGNER, self.signer.clone()),
        ];
        known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// The flow whose component has been fetched. Annotations are what somebody claims: none is needed, and those that can
    /// be checked are.
    pub(crate) fn read(
        name: &str,
        wasm: Vec<u8>,
        annotations: Option<&BTreeMap<String, String>>,
    ) -> Result<Self, String> {
        let note = |key| annotations.and_then(|known| known.get(key)).filter(|value| !value.is_empty());
        let mut artifact = Self { wasm, ..Self::default() };
        if let Some(claimed) = note(DIGEST)
            && claimed.strip_prefix("sha256:") != Some(&artifact.digest())
        {
            return Err(format!("the annotation {DIGEST} names another component"));
        }
        artifact.name = note(TITLE).cloned().unwrap_or_else(|| name.to_owned());
        artifact.created = note(CREATED).cloned().unwrap_or_default();
        artifact.contract = note(CONTRACT).cloned();
        artifact.capabilities =
            note(CAPABILITIES).map(|names| names.split(' ').map(str::to_owned).collect()).unwrap_or_default();
        artifact.signer = note(SIGNER).cloned();
        artifact.signature = match note(SIGNATURE) {
            None => None,
            Some(text) => {
                let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
                Some(bytes.ok_or_else(|| format!("the annotation {SIGNATURE} is not 64 bytes in base64"))?)
            }
        };
        Ok(artifact)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn describe(media_type: &str, digest: String, bytes: usize) -> OciDescriptor {
    OciDescriptor { media_type: media_type.to_owned(), digest, size: bytes as i64, ..OciDescriptor::default() }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    created: &'a str,
    author: Option<&'a str>,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [&'a str; 1],
    component: Component<'a>,
}

#[derive(Serialize)]
struct Component<'a> {
    exports: [&'static str; 1],
    imports: &'a [String],
    target: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Artifact {
        Artifact {
            name: "vet-desk".to_owned(),
            wasm: b"\0asm\x0d\0\x01\0".to_vec(),
            created: "2026-11-20T10:00:00Z".to_owned(),
            contract: Some("0.1.0".to_owned()),
            capabilities: vec!["gudok:voice/voice@0.1.0".to_owned(), "gudok:faq/faq@0.1.0".to_owned()],
            signature: Some([7; 64]),
            signer: Some("a2V5".to_owned()),
        }
    }

    #[test]
    fn what_is_laid_out_is_read_back() {
        let flow = flow();
        let (_, manifest) = flow.lay_out();
        assert_eq!(Artifact::read("other", flow.wasm.clone(), manifest.annotations.as_ref()).unwrap(), flow);
    }

    #[test]
    fn the_layout_is_the_one_that_other_clients_read() {
        let (config, manifest) = flow().lay_out();
        let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(
            config,
            serde_json::json!({
                "created": "2026-11-20T10:00:00Z", "author": null, "architecture": "wasm", "os": "wasip2",
                "layerDigests": [format!("sha256:{}", flow().digest())],
                "component": {
                    "exports": ["run"], "imports": ["gudok:voice/voice@0.1.0", "gudok:faq/faq@0.1.0"],
                    "target": "gudok:flow/flow@0.1.0",
                },
            })
        );
        let manifest = serde_json::to_value(&manifest).unwrap();
        assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
        assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
        assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
        assert_eq!(manifest["layers"][0]["size"], 8);
        assert_eq!(manifest["layers"][0]["annotations"]["org.opencontainers.image.title"], "vet-desk.wasm");
    }

    #[test]
    fn a_flow_of_another_client_has_no_annotations() {
        let read = Artifact::read("menu", b"\0asm".to_vec(), None).unwrap();
        assert_eq!((read.name.as_str(), read.signature, read.contract), ("menu", None, None));
    }

    #[test]
    fn claims_that_do_not_hold_are_refused() {
        let (_, manifest) = flow().lay_out();
        let error = Artifact::read("x", b"another".to_vec(), manifest.annotations.as_ref()).unwrap_err();
        assert!(error.contains("names another component"), "{error}");
        let notes = BTreeMap::from([(SIGNATURE.to_owned(), "c2hvcnQ=".to_owned())]);
        let error = Artifact::read("x", Vec::new(), Some(&notes)).unwrap_err();
        assert!(error.contains("64 bytes"), "{error}");
    }
}
