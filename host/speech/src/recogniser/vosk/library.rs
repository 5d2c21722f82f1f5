//! `libvosk.so`, loaded by path at run time: no linker needs it, and a machine without it gets a sentence.
//!
//! The functions are those of `vosk_api.h` 0.3.45; their promises this file relies on:
//! a model may be shared by threads, a recogniser may be used by one thread at a time, and a returned string lives until
//! the recogniser's next call.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_float, c_int, c_short, c_void};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use libloading::Library;

type Handle = *mut c_void;

/// The functions used, and the library that must outlive them.
struct Api {
    set_log_level: unsafe extern "C" fn(c_int),
    model_new: unsafe extern "C" fn(*const c_char) -> Handle,
    model_free: unsafe extern "C" fn(Handle),
    recognizer_new: unsafe extern "C" fn(Handle, c_float) -> Handle,
    recognizer_new_grm: unsafe extern "C" fn(Handle, c_float, *const c_char) -> Handle,
    recognizer_set_words: unsafe extern "C" fn(Handle, c_int),
    recognizer_accept_waveform_s: unsafe extern "C" fn(Handle, *const c_short, c_int) -> c_int,
    recognizer_result: unsafe extern "C" fn(Handle) -> *const c_char,
    recognizer_partial_result: unsafe extern "C" fn(Handle) -> *const c_char,
    recognizer_final_result: unsafe extern "C" fn(Handle) -> *const c_char,
    recognizer_reset: unsafe extern "C" fn(Handle),
    recognizer_free: unsafe extern "C" fn(Handle),
    _library: Library,
}

/// A loaded model.
pub(super) struct Model {
    api: Api,
    handle: NonNull<c_void>,
}

// SAFETY: Vosk counts references to a model itself, and only reads it after loading.
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

/// What could not be loaded, and what the loader said.
pub(super) enum LoadError {
    Library(String),
    Model,
}

impl Model {
    pub(super) fn load(library: &Path, model: &Path) -> Result<Model, LoadError> {
        let api = Api::load(library).map_err(|e| LoadError::Library(e.to_string()))?;
        let path = path_string(model).ok_or(LoadError::Model)?;
        // SAFETY: the signatures are those of vosk_api.h, the string lives through the call.
        let handle = unsafe {
            (api.set_log_level)(-1);
            (api.model_new)(path.as_ptr())
        };
        let handle = NonNull::new(handle).ok_or(LoadError::Model)?;
        Ok(Model { api, handle })
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the handle came from `model_new` and is freed once; recognisers keep the model by `Arc`.
        unsafe { (self.api.model_free)(self.handle.as_ptr()) }
    }
}

/// A recogniser over a shared model.
pub(super) struct RawRecognizer {
    model: Arc<Model>,
    handle: NonNull<c_void>,
    fed: u64,
}

// SAFETY: a recogniser has no ties to the thread it was made on; `&mut self` keeps it to one at a time.
unsafe impl Send for RawRecognizer {}

impl RawRecognizer {
    /// `grammar` is a JSON list of phrases; without one any words are heard.
    pub(super) fn new(model: &Arc<Model>, rate: u32, grammar: Option<&str>) -> Option<RawRecognizer> {
        let grammar = grammar.map(CString::new).transpose().ok()?;
        let (api, raw) = (&model.api, model.handle.as_ptr());
        // SAFETY: the model's handle is valid as long as `model`, the string through the call.
        let handle = unsafe {
            let handle = match &grammar {
                Some(grammar) => (api.recognizer_new_grm)(raw, rate as c_float, grammar.as_ptr()),
                None => (api.recognizer_new)(raw, rate as c_float),
            };
            NonNull::new(handle)?
        };
        // SAFETY: the handle was just made.
        unsafe { (api.recognizer_set_words)(handle.as_ptr(), 1) };
        Some(RawRecognizer { model: Arc::clone(model), handle, fed: 0 })
    }

    /// Takes samples. True when the engine thinks the utterance ended: [`RawRecognizer::result`] then has it.
    pub(super) fn accept(&mut self, samples: &[i16]) -> bool {
        self.fed += samples.len() as u64;
        // A length that does not fit is nothing a telephone can deliver in a piece; it is taken in parts.
        samples.chunks(1 << 20).fold(false, |ended, part| {
            // SAFETY: pointer and length are those of a slice that lives through the call.
            let code = unsafe {
                (self.model.api.recognizer_accept_waveform_s)(self.handle.as_ptr(), part.as_ptr(), part.len() as c_int)
            };
            ended || code == 1
        })
    }

    /// Samples taken in its life. Its times count from the first of them, whatever was reset since.
    pub(super) fn fed(&self) -> u64 {
        self.fed
    }

    pub(super) fn result(&mut self) -> String {
        self.text(self.model.api.recognizer_result)
    }

    pub(super) fn partial(&mut self) -> String {
        self.text(self.model.api.recognizer_partial_result)
    }

    pub(super) fn finish(&mut self) -> String {
        self.text(self.model.api.recognizer_final_result)
    }

    pub(super) fn reset(&mut self) {
        // SAFETY: the handle is valid until drop.
        unsafe { (self.model.api.recognizer_reset)(self.handle.as_ptr()) }
    }

    fn text(&mut self, function: unsafe extern "C" fn(Handle) -> *const c_char) -> String {
        // SAFETY: the handle is valid; the string is copied before the next call could change it.
        unsafe {
            let text = function(self.handle.as_ptr());
            if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
        }
    }
}

impl Drop for RawRecognizer {
    fn drop(&mut self) {
        // SAFETY: freed once, before the model it refers to.
        unsafe { (self.model.api.recognizer_free)(self.handle.as_ptr()) }
    }
}

impl Api {
    fn load(path: &Path) -> Result<Api, libloading::Error> {
        // SAFETY: loading runs the library's initialisers; the path is that of the store, whose hash was checked. The
        // signatures are those of vosk_api.h.
        unsafe {
            let library = Library::new(absolute(path))?;
            Ok(Api {
                set_log_level: *library.get(b"vosk_set_log_level\0")?,
                model_new: *library.get(b"vosk_model_new\0")?,
                model_free: *library.get(b"vosk_model_free\0")?,
                recognizer_new: *library.get(b"vosk_recognizer_new\0")?,
                recognizer_new_grm: *library.get(b"vosk_recognizer_new_grm\0")?,
                recognizer_set_words: *library.get(b"vosk_recognizer_set_words\0")?,
                recognizer_accept_waveform_s: *library.get(b"vosk_recognizer_accept_waveform_s\0")?,
                recognizer_result: *library.get(b"vosk_recognizer_result\0")?,
                recognizer_partial_result: *library.get(b"vosk_recognizer_partial_result\0")?,
                recognizer_final_result: *library.get(b"vosk_recognizer_final_result\0")?,
                recognizer_reset: *library.get(b"vosk_recognizer_reset\0")?,
                recognizer_free: *library.get(b"vosk_recognizer_free\0")?,
                _library: library,
            })
        }
    }
}

/// A path without a slash would be looked for in the system's directories.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn path_string(path: &Path) -> Option<CString> {
    CString::new(absolute(path).to_str()?).ok()
}
