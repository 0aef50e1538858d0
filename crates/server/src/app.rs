//! The browser's app and the guide: files that whoever starts the server was built with, packed by gzip as they came from there. They are found by
//! their whole name in a table, so no name leads to anything else. How they become answers is for `pages`.

mod welcome;

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::{GzEncoder, ZlibEncoder};
use format::Digest;

pub use welcome::Welcome;

/// What is shown at `/`.
const START: &str = "index.html";

/// Where the guide is,
pub const GUIDE: &str = "docs";
/// and what is shown there.
const GUIDE_START: &str = "docs/index.html";

/// Below it names change with what they name, so nobody need ask again.
const LASTING: &str = "assets/";

/// All files of the app; cheap to clone. The default has none.
#[derive(Debug, Clone, Default)]
pub struct App {
    files: Arc<HashMap<&'static str, Arc<File>>>,
    /// The start page with the settings that were asked for last: made once for all who ask, not once for each.
    start: Arc<Mutex<Option<Start>>>,
}

/// The start page with what the settings say.
#[derive(Debug)]
struct Start {
    of: Welcome,
    file: Arc<File>,
}

/// One of them.
#[derive(Debug)]
pub struct File {
    packed: Bytes,
    /// Made when first asked for, then the same for all: whoever asks a thousand times and reads nothing makes the server hold nothing more.
    plain: OnceLock<Bytes>,
    deflated: OnceLock<Bytes>,
    /// Of all its encodings, so it is a weak one.
    pub tag: String,
    pub content_type: &'static str,
    /// Whether the same name will always have the same bytes.
    pub lasting: bool,
}

impl App {
    /// Of pairs of a name, such as `assets/main.js`, and the bytes packed by gzip.
    pub fn new(files: &[(&'static str, &'static [u8])]) -> App {
        let files = files.iter().map(|&(name, packed)| {
            let file = File::new(name, Bytes::from_static(packed));
            (name, Arc::new(file))
        });
        App {
            files: Arc::new(files.collect()),
            start: Arc::default(),
        }
    }

    /// Whether there is an app.
    pub fn is_there(&self) -> bool {
        self.files.contains_key(START)
    }

    /// The file of this name; the empty name is the start page's, in which the settings stand.
    pub fn find(&self, name: &str, welcome: &Welcome) -> Option<Arc<File>> {
        let name = match name {
            "" => START,
            GUIDE => GUIDE_START,
            name => name,
        };
        let file = self.files.get(name)?;
        Some(if name == START && !welcome.is_empty() {
            self.start_with(file, welcome)
        } else {
            Arc::clone(file)
        })
    }

    fn start_with(&self, file: &Arc<File>, welcome: &Welcome) -> Arc<File> {
        let mut slot = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(start) = slot.as_ref().filter(|start| start.of == *welcome) {
            return Arc::clone(&start.file);
        }
        let packed = file
            .plain()
            .and_then(|plain| packed(&welcome.written_into(&plain)));
        // A page that is damaged says so itself when it is sent.
        let Ok(packed) = packed else {
            return Arc::clone(file);
        };
        let made = Arc::new(File::new(START, packed));
        *slot = Some(Start {
            of: welcome.clone(),
            file: Arc::clone(&made),
        });
        made
    }
}

/// Whether a name is that of the start page, for which settings are looked up.
pub fn is_start(name: &str) -> bool {
    name.is_empty() || name == START
}

impl File {
    fn new(name: &str, packed: Bytes) -> File {
        File {
            plain: OnceLock::new(),
            deflated: OnceLock::new(),
            tag: format!("W/\"{}\"", &Digest::of(&packed).to_string()[..32]),
            content_type: content_type(name),
            lasting: name.starts_with(LASTING),
            packed,
        }
    }

    /// As it was packed.
    pub fn packed(&self) -> Bytes {
        self.packed.clone()
    }

    /// As it was before.
    pub fn plain(&self) -> io::Result<Bytes> {
        kept(&self.plain, || {
            let mut plain = Vec::new();
            GzDecoder::new(&*self.packed).read_to_end(&mut plain)?;
            plain.shrink_to_fit();
            Ok(plain)
        })
    }

    /// Packed as those want it who know deflate and no gzip (protocol.md 1.8).
    pub fn deflated(&self) -> io::Result<Bytes> {
        let plain = self.plain()?;
        kept(&self.deflated, || {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&plain)?;
            encoder.finish()
        })
    }
}

/// What was made before, or is made now.
fn kept(place: &OnceLock<Bytes>, make: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Bytes> {
    if let Some(made) = place.get() {
        return Ok(made.clone());
    }
    let made = make()?;
    Ok(place.get_or_init(|| Bytes::from(made)).clone())
}

fn packed(plain: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    Ok(encoder.finish()?.into())
}

fn content_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    match end {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
