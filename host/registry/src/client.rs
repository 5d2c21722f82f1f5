//! Push and pull.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError as Oci;
use oci_client::manifest::{OciImageManifest, OciManifest};
use oci_client::{Client, RegistryOperation};
use sha2::{Digest as _, Sha256};

use crate::artifact::hex;
use crate::{Artifact, Credentials, LAYER_MEDIA_TYPE, RegistryError, Target};

/// A registry that says nothing for so long will not say more.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(15);
/// How much of a component is sent between two looks at the progress.
const PIECE: usize = 64 * 1024;

/// Told how many bytes have gone, of how many.
pub type Watch = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// How a registry is spoken to.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Who asks.
    pub credentials: Credentials,
    /// Without encryption, even to another machine. A registry on this machine is always spoken to without.
    pub plain_http: bool,
}

/// A place in a registry, ready to be pushed to or pulled from.
pub struct Registry {
    client: Client,
    target: Target,
    credentials: Credentials,
}

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The place, pinned to exactly this manifest: what to pull when nothing may change in between.
    pub pinned: String,
    /// Whether the component was there already, so that only its description was sent.
    pub was_there: bool,
}

/// What was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The flow.
    pub artifact: Artifact,
    /// The place, pinned to exactly this manifest.
    pub pinned: String,
}

impl Registry {
    /// Ready to speak to the target's registry. Nothing is sent yet.
    ///
    /// # Errors
    /// When this machine cannot make encrypted connections.
    pub fn new(target: Target, options: Options) -> Result<Self, RegistryError> {
        // Whoever comes first decides for the process; there is only this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = target.is_loopback();
        let plain = loopback || options.plain_http;
        let client = Client::try_from(ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            // One request per component: every registry takes that, and few take pieces well.
            use_monolithic_push: true,
            platform_resolver: None,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(SILENCE),
            user_agent: concat!("gudok/", env!("CARGO_PKG_VERSION")),
            // A proxy from the environment cannot see this machine: name one, so that it is not looked for, and use it
            // for nothing.
            http_proxy: loopback.then(|| "http://127.0.0.1:9".to_owned()),
            no_proxy: loopback.then(|| "localhost,127.0.0.0/8,::1".to_owned()),
            ..ClientConfig::default()
        })
        .map_err(|error| RegistryError::Client(error.to_string()))?;
        Ok(Self { client, target, credentials: options.credentials })
    }

    /// Send a flow. Sending it again changes nothing.
    ///
    /// # Errors
    /// When the registry cannot be reached or does not take it.
    pub async fn push(&self, artifact: &Artifact, watch: Watch) -> Result<Pushed, RegistryError> {
        let reference = self.target.reference();
        self.authenticate(RegistryOperation::Push).await?;
        let (config, manifest) = artifact.lay_out();
        let layer = &manifest.layers[0].digest;
        // Some registries deny this question about a repository that is yet to be made: then it is not there.
        let was_there = self.client.blob_exists(reference, layer).await.unwrap_or(false);
        let total = artifact.wasm.len() as u64;
        if was_there {
            watch(total, total);
        } else {
            let pieces = pieces(Bytes::from(artifact.wasm.clone()), watch);
            let sent = self.client.push_blob_stream(reference, pieces, layer, Some(total)).await;
            sent.map_err(|error| self.explain(error))?;
        }
        let sent = self.client.push_blob(reference, config, &manifest.config.digest).await;
        sent.map_err(|error| self.explain(error))?;
        let manifest = serde_json::to_vec(&manifest).expect("invariant: a manifest is always JSON");
        let digest = format!("sha256:{}", hex(&Sha256::digest(&manifest)));
        let kind = oci_client::manifest::OCI_IMAGE_MEDIA_TYPE.parse().expect("invariant: a media type is a header");
        self.client.push_manifest_raw(reference, manifest, kind).await.map_err(|error| self.explain(error))?;
        Ok(Pushed { pinned: self.target.pinned(&digest).to_string(), was_there })
    }

    /// Fetch a flow of at most `limit` bytes.
    ///
    /// # Errors
    /// When there is none, when it is something else, too large, or not what its manifest promises.
    pub async fn pull(&self, limit: u64, watch: Watch) -> Result<Pulled, RegistryError> {
        let reference = self.target.reference();
        self.authenticate(RegistryOperation::Pull).await?;
        let asked = self.client.pull_manifest(reference, &self.credentials.auth()).await;
        let (manifest, digest) = asked.map_err(|error| self.explain(error))?;
        let OciManifest::Image(manifest) = manifest else {
            return Err(self.explain(Oci::ImageIndexParsingNoPlatformResolverError));
        };
        let wasm = self.fetch(&manifest, limit, watch).await?;
        let artifact = Artifact::read(self.target.name(), wasm, manifest.annotations.as_ref())
            .map_err(|why| RegistryError::Corrupt { target: self.target.to_string(), why })?;
        Ok(Pulled { artifact, pinned: self.target.pinned(&digest).to_string() })
    }

    /// The one layer, checked.
    async fn fetch(&self, manifest: &OciImageManifest, limit: u64, watch: Watch) -> Result<Vec<u8>, RegistryError> {
        let target = self.target.to_string();
        let layer = match manifest.layers.as_slice() {
            [layer] if layer.media_type == LAYER_MEDIA_TYPE => layer,
            [layer] => {
                let why = format!("its layer is {}; a flow's is {LAYER_MEDIA_TYPE}", layer.media_type);
                return Err(RegistryError::NotAFlow { target, why });
            }
            layers => {
                let why = format!("it has {} layers; a flow has one, of type {LAYER_MEDIA_TYPE}", layers.len());
                return Err(RegistryError::NotAFlow { target, why });
            }
        };
        let promised = u64::try_from(layer.size).unwrap_or(u64::MAX);
        if promised > limit {
            return Err(RegistryError::TooLarge { target, bytes: promised, limit });
        }
        // By its digest alone: the descriptor may name other addresses to fetch it from.
        let asked = self.client.pull_blob_stream(self.target.reference(), layer.digest.as_str()).await;
        let mut stream = asked.map_err(|error| self.explain(error))?;
        let mut wasm = Vec::with_capacity(promised as usize);
        while let Some(piece) = stream.next().await {
            let piece =
                piece.map_err(|error| RegistryError::Corrupt { target: target.clone(), why: error.to_string() })?;
            if (wasm.len() + piece.len()) as u64 > promised {
                let why = format!("more bytes came than the {promised} of its manifest");
                return Err(RegistryError::Corrupt { target, why });
            }
            wasm.extend_from_slice(&piece);
            watch(wasm.len() as u64, promised);
        }
        if wasm.len() as u64 != promised {
            let why = format!("{} bytes came instead of the {promised} of its manifest", wasm.len());
            return Err(RegistryError::Corrupt { target, why });
        }
        Ok(wasm)
    }

    /// Ahead of the work, because the client swallows why it could not.
    async fn authenticate(&self, operation: RegistryOperation) -> Result<(), RegistryError> {
        let asked = self.client.auth(self.target.reference(), &self.credentials.auth(), operation).await;
        asked.map(drop).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: Oci) -> RegistryError {
        RegistryError::of(error, self.target.registry(), &self.target.to_string(), &self.credentials.who())
    }
}

/// A component in pieces; each that is asked for is one that has gone.
fn pieces(wasm: Bytes, watch: Watch) -> impl stream::Stream<Item = Result<Bytes, Oci>> + Send + 'static {
    let total = wasm.len() as u64;
    stream::unfold((wasm, watch), move |(mut left, watch)| async move {
        if left.is_empty() {
            return None;
        }
        let piece = left.split_to(PIECE.min(left.len()));
        watch(total - left.len() as u64, total);
        Some((Ok(piece), (left, watch)))
    })
}
