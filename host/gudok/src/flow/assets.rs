//! What the program carries: for authors the contract, the SDKs, the templates; for training the corpus. `build.rs`
//! collects them.

/// Files by their path inside the folder.
pub type Folder = &'static [(&'static str, &'static [u8])];

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The contract, `wit/`.
pub fn wit() -> Folder {
    WIT
}

/// The corpus of labelled calls, `models/corpus/`.
pub fn corpus() -> Folder {
    CORPUS
}

/// The template of new projects with this name.
pub fn template(name: &str) -> Option<Folder> {
    named(TEMPLATES, name)
}

/// The SDK of a language.
pub fn sdk(language: &str) -> Option<Folder> {
    named(SDKS, language)
}

fn named(folders: &[(&str, Folder)], name: &str) -> Option<Folder> {
    folders.iter().find(|(folder, _)| *folder == name).map(|(_, files)| *files)
}
