//! The C library behind PocketSphinx, opened when it is wanted, so that the program starts without it.
//!
//! This is the one place of the project with unsafe code. Each call's reason stands beside it; what
//! makes them sound together: the functions are those of libpocketsphinx 3 (0.8 and "5prealpha"), with
//! the signatures of its headers; the decoder is one pointer that nothing else holds, used by one thread
//! at a time (`&mut`, and `&` for reads of the dictionary that change nothing); every text handed in is
//! a C string that outlives the call, and every text handed out is copied before the next call.
#![expect(unsafe_code, reason = "a C library can be called in no other way")]

use super::super::Unavailable;
use libloading::{Library, Symbol};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io::Write as _;
use std::path::Path;

const DECODER_LIBRARY: &str = "libpocketsphinx.so.3";
const BASE_LIBRARY: &str = "libsphinxbase.so.3";
const PACKAGE: &str = "libpocketsphinx3";
const SPOTTING: &CStr = c"triggers";
const WORDS: &CStr = c"words";

type Pointer = *mut c_void;

/// The functions that are used, as the headers have them.
struct Functions {
    config_init: unsafe extern "C" fn(Pointer, *const c_void, c_int, ...) -> Pointer,
    config_free: unsafe extern "C" fn(Pointer) -> c_int,
    free_text: unsafe extern "C" fn(Pointer),
    args: unsafe extern "C" fn() -> *const c_void,
    init: unsafe extern "C" fn(Pointer) -> Pointer,
    free: unsafe extern "C" fn(Pointer) -> c_int,
    lookup_word: unsafe extern "C" fn(Pointer, *const c_char) -> *mut c_char,
    set_kws: unsafe extern "C" fn(Pointer, *const c_char, *const c_char) -> c_int,
    set_lm_file: unsafe extern "C" fn(Pointer, *const c_char, *const c_char) -> c_int,
    set_search: unsafe extern "C" fn(Pointer, *const c_char) -> c_int,
    start_utt: unsafe extern "C" fn(Pointer) -> c_int,
    process_raw: unsafe extern "C" fn(Pointer, *const i16, usize, c_int, c_int) -> c_int,
    end_utt: unsafe extern "C" fn(Pointer) -> c_int,
    get_hyp: unsafe extern "C" fn(Pointer, *mut i32) -> *const c_char,
    // The functions above are only there as long as these are; they are dropped last.
    _decoder: Library,
    _base: Library,
}

/// A decoder with its model.
pub(super) struct Decoder {
    functions: Functions,
    config: Pointer,
    decoder: Pointer,
    running: bool,
    spotting: bool,
}

// SAFETY: the decoder has no ties to a thread; only one uses it at a time, because using it takes `&mut`.
unsafe impl Send for Decoder {}

impl Functions {
    fn open() -> Result<Self, Unavailable> {
        let library = |name: &'static str| {
            // SAFETY: opening runs the library's initialisers; these two have none of their own.
            unsafe { Library::new(name) }.map_err(|_| Unavailable::NoLibrary {
                library: name,
                package: PACKAGE,
            })
        };
        let base = library(BASE_LIBRARY)?;
        let decoder = library(DECODER_LIBRARY)?;
        // SAFETY, for all: the types are those of the headers of libpocketsphinx 3, see above.
        unsafe {
            Ok(Self {
                config_init: *symbol(&base, BASE_LIBRARY, "cmd_ln_init")?,
                config_free: *symbol(&base, BASE_LIBRARY, "cmd_ln_free_r")?,
                free_text: *symbol(&base, BASE_LIBRARY, "ckd_free")?,
                args: *symbol(&decoder, DECODER_LIBRARY, "ps_args")?,
                init: *symbol(&decoder, DECODER_LIBRARY, "ps_init")?,
                free: *symbol(&decoder, DECODER_LIBRARY, "ps_free")?,
                lookup_word: *symbol(&decoder, DECODER_LIBRARY, "ps_lookup_word")?,
                set_kws: *symbol(&decoder, DECODER_LIBRARY, "ps_set_kws")?,
                set_lm_file: *symbol(&decoder, DECODER_LIBRARY, "ps_set_lm_file")?,
                set_search: *symbol(&decoder, DECODER_LIBRARY, "ps_set_search")?,
                start_utt: *symbol(&decoder, DECODER_LIBRARY, "ps_start_utt")?,
                process_raw: *symbol(&decoder, DECODER_LIBRARY, "ps_process_raw")?,
                end_utt: *symbol(&decoder, DECODER_LIBRARY, "ps_end_utt")?,
                get_hyp: *symbol(&decoder, DECODER_LIBRARY, "ps_get_hyp")?,
                _decoder: decoder,
                _base: base,
            })
        }
    }
}

/// Looks whether the library is there, with everything that is used of it.
pub(super) fn look() -> Result<(), Unavailable> {
    Functions::open().map(drop)
}

/// Finds a function.
///
/// # Safety
///
/// `T` has to be its type.
unsafe fn symbol<'a, T>(
    library: &'a Library,
    file: &'static str,
    name: &str,
) -> Result<Symbol<'a, T>, Unavailable> {
    // SAFETY: the caller's promise.
    unsafe { library.get(name.as_bytes()) }.map_err(|_| Unavailable::OtherVersion {
        library: file,
        symbol: name.to_owned(),
    })
}

impl Decoder {
    /// Opens the library and loads a model: sounds, words and how they are pronounced.
    pub(super) fn open(
        folder: &Path,
        acoustic: &Path,
        words: &Path,
        dictionary: &Path,
    ) -> Result<Self, Unavailable> {
        let functions = Functions::open()?;
        if [acoustic, words, dictionary]
            .iter()
            .any(|part| !part.exists())
        {
            return Err(Unavailable::NoModel(folder.to_owned()));
        }
        let bad = || Unavailable::BadModel(folder.to_owned());
        let [acoustic, words, dictionary] = [acoustic, words, dictionary]
            .map(|part| CString::new(part.as_os_str().as_encoded_bytes()));
        let (Ok(acoustic), Ok(words), Ok(dictionary)) = (acoustic, words, dictionary) else {
            return Err(bad());
        };
        // SAFETY: pairs of option and value, all C strings, ended by a null pointer, as the header asks;
        // the library copies them.
        let config = unsafe {
            (functions.config_init)(
                std::ptr::null_mut(),
                (functions.args)(),
                1,
                c"-hmm".as_ptr(),
                acoustic.as_ptr(),
                c"-dict".as_ptr(),
                dictionary.as_ptr(),
                // It would write to standard error else.
                c"-logfn".as_ptr(),
                c"/dev/null".as_ptr(),
                std::ptr::null::<c_char>(),
            )
        };
        if config.is_null() {
            return Err(bad());
        }
        // SAFETY: the configuration is the one just made; the decoder takes a reference of its own.
        let decoder = unsafe { (functions.init)(config) };
        let mut opened = Self {
            functions,
            config,
            decoder,
            running: false,
            spotting: false,
        };
        if decoder.is_null() {
            return Err(bad());
        }
        // SAFETY: a live decoder and two C strings.
        let loaded = unsafe {
            (opened.functions.set_lm_file)(opened.decoder, WORDS.as_ptr(), words.as_ptr())
        };
        match loaded >= 0 && opened.select(WORDS).is_some() {
            true => Ok(opened),
            false => Err(bad()),
        }
    }

    /// Returns how many sounds a word has; none where the dictionary does not know it.
    pub(super) fn phones(&self, word: &str) -> Option<usize> {
        let word = CString::new(word).ok()?;
        // SAFETY: a live decoder and a C string; looking up changes nothing.
        let phones = unsafe { (self.functions.lookup_word)(self.decoder, word.as_ptr()) };
        if phones.is_null() {
            return None;
        }
        // SAFETY: not null, so it is a C string that now is ours.
        let count = unsafe { CStr::from_ptr(phones) }
            .to_string_lossy()
            .split_whitespace()
            .count();
        // SAFETY: the library allocated it, and nothing uses it any more.
        unsafe { (self.functions.free_text)(phones.cast()) };
        Some(count)
    }

    /// Sets the key phrases, one a line with its threshold.
    pub(super) fn spot(&mut self, list: &str) -> Option<()> {
        self.end()?;
        // The library takes them from a file only.
        let mut file = tempfile::NamedTempFile::new().ok()?;
        file.write_all(list.as_bytes()).ok()?;
        file.flush().ok()?;
        let path = CString::new(file.path().as_os_str().as_encoded_bytes()).ok()?;
        // SAFETY: a live decoder between two utterances, and two C strings.
        let set =
            unsafe { (self.functions.set_kws)(self.decoder, SPOTTING.as_ptr(), path.as_ptr()) };
        (set >= 0).then_some(())
    }

    /// Begins an utterance, of key phrases or of words.
    pub(super) fn start(&mut self, spotting: bool) -> Option<()> {
        self.end()?;
        self.select(if spotting { SPOTTING } else { WORDS })?;
        self.spotting = spotting;
        // SAFETY: a live decoder between two utterances.
        let started = unsafe { (self.functions.start_utt)(self.decoder) };
        self.running = started >= 0;
        self.running.then_some(())
    }

    pub(super) fn is_spotting(&self) -> bool {
        self.spotting
    }

    pub(super) fn feed(&mut self, samples: &[i16]) -> Option<()> {
        if !self.running {
            return Some(());
        }
        // SAFETY: a live decoder within an utterance, and as many samples as are there; the library
        // reads them before it returns.
        let done = unsafe {
            (self.functions.process_raw)(self.decoder, samples.as_ptr(), samples.len(), 0, 0)
        };
        (done >= 0).then_some(())
    }

    /// Ends the utterance, if there is one.
    pub(super) fn end(&mut self) -> Option<()> {
        if !std::mem::take(&mut self.running) {
            return Some(());
        }
        // SAFETY: a live decoder within an utterance.
        let ended = unsafe { (self.functions.end_utt)(self.decoder) };
        (ended >= 0).then_some(())
    }

    /// Returns what was understood so far, or in the utterance that was ended last.
    pub(super) fn text(&self) -> Option<String> {
        // SAFETY: a live decoder; the score is optional by its header.
        let text = unsafe { (self.functions.get_hyp)(self.decoder, std::ptr::null_mut()) };
        if text.is_null() {
            return None;
        }
        // SAFETY: not null, so it is a C string, valid until the next call; it is copied here.
        let text = unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned();
        (!text.trim().is_empty()).then_some(text)
    }

    fn select(&mut self, search: &CStr) -> Option<()> {
        // SAFETY: a live decoder between two utterances, and a C string.
        let set = unsafe { (self.functions.set_search)(self.decoder, search.as_ptr()) };
        (set >= 0).then_some(())
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: each was made above, is freed once, and is not used afterwards.
        unsafe {
            if !self.decoder.is_null() {
                (self.functions.free)(self.decoder);
            }
            (self.functions.config_free)(self.config);
        }
    }
}
