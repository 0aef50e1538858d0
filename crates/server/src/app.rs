//! The browser's app: files that whoever starts the server was built with, packed by gzip as they came from there. They are found by their whole
//! name in a table, so no name leads to anything else. How they become answers is for `pages`.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::ZlibEncoder;
use format::Digest;

/// What is shown at `/`.
const START: &str = "index.html";

/// Below it names change with what they name, so nobody need ask again.
const LASTING: &str = "assets/";

/// All files of the app; cheap to clone. The default has none.
#[derive(Debug, Clone, Default)]
pub struct App {
    files: Arc<HashMap<&'static str, File>>,
}

/// One of them.
#[derive(Debug)]
pub struct File {
    packed: &'static [u8],
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
            let file = File {
                packed,
                plain: OnceLock::new(),
                deflated: OnceLock::new(),
                tag: format!("W/\"{}\"", &Digest::of(packed).to_string()[..32]),
                content_type: content_type(name),
                lasting: name.starts_with(LASTING),
            };
            (name, file)
        });
        App {
            files: Arc::new(files.collect()),
        }
    }

    /// Whether there is an app.
    pub fn is_there(&self) -> bool {
        self.files.contains_key(START)
    }

    /// The file of this name; the empty name is the start page's.
    pub fn find(&self, name: &str) -> Option<&File> {
        let name = if name.is_empty() { START } else { name };
        self.files.get(name)
    }
}

impl File {
    /// As it was packed.
    pub fn packed(&self) -> Bytes {
        Bytes::from_static(self.packed)
    }

    /// As it was before.
    pub fn plain(&self) -> io::Result<Bytes> {
        kept(&self.plain, || {
            let mut plain = Vec::new();
            GzDecoder::new(self.packed).read_to_end(&mut plain)?;
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
