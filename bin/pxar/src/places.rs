//! Opening what the arguments name: archives to read, patterns; and the process's own limits.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use anyhow::Result;
use console::report::Failure;
use pxar::{Decoder, MatchKind, Pattern, PatternError, ReadAt};
use rustix::process::{Resource, Rlimit};

use crate::stop::{Stop, Stoppable};

/// Bytes read from an archive at a time.
const READ_LEN: usize = 1 << 20;

/// A deep tree keeps one directory open per level: use what the system allows.
pub fn allow_many_open_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    // If that is refused the old limit stays, and only a very deep tree would notice.
    let _ = rustix::process::setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
}

/// An archive to read from front to back: a file, in which unwanted data is skipped, or a stream.
pub enum Archive {
    File(BufReader<Stoppable>),
    Stream(BufReader<Stoppable>),
}

impl Archive {
    /// `-` is standard input.
    pub fn open(path: &Path, stop: &Stop) -> Result<Archive> {
        let opened = if path == Path::new("-") {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open(path)
        };
        let opened = opened.and_then(|file| Ok((file.metadata()?.is_file(), file)));
        let (is_file, file) = opened.map_err(|error| {
            Failure::new(format!("cannot open the archive {path:?}")).cause(error)
        })?;
        let buffered = |file| BufReader::with_capacity(READ_LEN, file);
        Ok(if is_file && path != Path::new("-") {
            Archive::File(buffered(Stoppable::file(file, stop)))
        } else {
            Archive::Stream(buffered(Stoppable::stream(file, stop)))
        })
    }
}

/// An archive file that is read at any place.
pub struct ArchiveFile {
    file: File,
    size: u64,
}

impl ArchiveFile {
    pub fn open(path: &Path) -> Result<ArchiveFile> {
        let opened = File::open(path).and_then(|mut file| {
            // The length of a block device, too.
            let size = file.seek(SeekFrom::End(0))?;
            Ok(ArchiveFile { file, size })
        });
        Ok(opened.map_err(|error| {
            Failure::new(format!("cannot open the archive {path:?}"))
                .cause(error)
                .hint("it must be a file, not a stream")
        })?)
    }
}

impl ReadAt for ArchiveFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.file, buf, offset)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

/// The metadata half of a split archive wants the other half beside it.
pub fn check_halves(archive: &Path, payload: Option<&Path>) -> Result<()> {
    if archive.extension() == Some(OsStr::new("mpxar")) && payload.is_none() {
        return Err(payload_wanted(archive));
    }
    Ok(())
}

/// Halves of one name are usual, but one may have been renamed: which is the right one is left to the user.
fn payload_wanted(archive: &Path) -> anyhow::Error {
    let beside = archive.with_extension("ppxar");
    let hint = match beside.is_file() {
        true => format!("name the payload half: --payload-input {beside:?} is beside it"),
        false => format!(
            "name the payload half with --payload-input FILE.ppxar; there is no {beside:?}, perhaps one of the halves was renamed or moved"
        ),
    };
    Failure::new("Payload input required for split pxar archives")
        .hint(hint)
        .into()
}

/// An archive whose data is wanted; its beginning is read, which tells what it is whatever its name.
pub fn whole(archive: &Path, payload: Option<&Path>, stop: &Stop) -> Result<Decoder<Archive>> {
    check_halves(archive, payload)?;
    let mut decoder = decoder(archive, payload, stop)?;
    decoder.begin()?;
    if payload.is_none() && decoder.is_split() {
        return Err(payload_wanted(archive));
    }
    Ok(decoder)
}

/// An archive in one piece, or both halves of a split one.
pub fn decoder(archive: &Path, payload: Option<&Path>, stop: &Stop) -> Result<Decoder<Archive>> {
    let archive = Archive::open(archive, stop)?;
    Ok(match payload {
        None => Decoder::seekable(archive),
        Some(payload) => Decoder::split_archive_seekable(archive, Archive::open(payload, stop)?),
    })
}

/// A new file with mode 0640.
pub fn create(path: &Path) -> Result<File> {
    let made = File::options()
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(path);
    made.map_err(|error| {
        Failure::new(format!("cannot create the archive {path:?}"))
            .cause(error)
            .into()
    })
}

/// Patterns with the text that each came from.
pub fn patterns(texts: &[String], kind: MatchKind, option: &str) -> Result<Vec<Pattern>> {
    texts
        .iter()
        .map(|text| {
            let refuse = |error: PatternError| {
                let failure = Failure::new(format!("invalid pattern {text:?}")).cause(error);
                failure.hint(format!("check --{option}")).into()
            };
            Pattern::parse(text.as_bytes(), kind).map_err(refuse)
        })
        .collect()
}

/// Bytes of a list of patterns.
const LIST_BYTES_MAX: usize = 16 << 20;
/// Patterns of a list; each is compared with each member. Together with the bound of bytes this is some 250 MiB of memory.
const LIST_PATTERNS_MAX: usize = 1_000_000;

/// Patterns of a file, one per line; empty lines and lines that begin with `#` are left out.
pub fn patterns_in(path: &Path) -> Result<Vec<Pattern>> {
    let text = File::open(path).and_then(whole_list).map_err(|error| {
        let failure = Failure::new(format!("cannot read the patterns in {path:?}"));
        let hint = (error.kind() == ErrorKind::FileTooLarge).then_some(SHORTER);
        hint.into_iter().fold(failure, Failure::hint).cause(error)
    })?;
    let lines = text.split(|b| *b == b'\n').map(|line| line.trim_ascii());
    let lines = lines
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"));
    let count = lines.clone().count();
    if count > LIST_PATTERNS_MAX {
        let what = format!(
            "{path:?} has {count} patterns, more than the {LIST_PATTERNS_MAX} that are possible"
        );
        return Err(Failure::new(what).hint(SHORTER).into());
    }
    lines
        .map(|(index, line)| {
            Pattern::parse(line, MatchKind::Include).map_err(|error| {
                let what = format!("invalid pattern in {path:?}, line {}", index + 1);
                Failure::new(what).cause(error).into()
            })
        })
        .collect()
}

const SHORTER: &str =
    "name folders or use wildcards, or unpack in several runs with --allow-existing-dirs";

fn whole_list(source: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    source
        .take(LIST_BYTES_MAX as u64 + 1)
        .read_to_end(&mut text)?;
    match text.len() {
        ..=LIST_BYTES_MAX => Ok(text),
        _ => Err(io::Error::new(
            ErrorKind::FileTooLarge,
            format!("it is larger than {} MiB", LIST_BYTES_MAX >> 20),
        )),
    }
}

impl Read for Archive {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Archive::File(file) => file.read(buf),
            Archive::Stream(stream) => stream.read(buf),
        }
    }
}

impl BufRead for Archive {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Archive::File(file) => file.fill_buf(),
            Archive::Stream(stream) => stream.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Archive::File(file) => file.consume(amount),
            Archive::Stream(stream) => stream.consume(amount),
        }
    }
}

/// Forward only: a stream skips by reading.
impl Seek for Archive {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match (self, to) {
            (Archive::File(file), to) => file.seek(to),
            (Archive::Stream(stream), SeekFrom::Current(count)) if count >= 0 => {
                let count = count.unsigned_abs();
                let skipped = io::copy(&mut stream.take(count), &mut io::sink())?;
                if skipped < count {
                    Err(io::ErrorKind::UnexpectedEof.into())
                } else {
                    Ok(skipped)
                }
            }
            (Archive::Stream(_), _) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }

    fn seek_relative(&mut self, count: i64) -> io::Result<()> {
        match self {
            Archive::File(file) => file.seek_relative(count),
            Archive::Stream(_) => self.seek(SeekFrom::Current(count)).map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_patterns_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        let told = |path: &Path| patterns_in(path).unwrap_err().to_string();
        let cause = |path: &Path| patterns_in(path).unwrap_err().source().unwrap().to_string();

        let endless = Path::new("/dev/zero");
        assert_eq!(told(endless), "cannot read the patterns in \"/dev/zero\"");
        assert_eq!(cause(endless), "it is larger than 16 MiB");

        std::fs::write(&list, "# one\n\n a \n!b").unwrap();
        assert_eq!(patterns_in(&list).unwrap().len(), 2);
        let most = "#\n".to_owned() + &"a\n".repeat(LIST_PATTERNS_MAX);
        std::fs::write(&list, &most).unwrap();
        assert_eq!(patterns_in(&list).unwrap().len(), LIST_PATTERNS_MAX);
        std::fs::write(&list, most + "b").unwrap();
        assert!(
            told(&list).ends_with("has 1000001 patterns, more than the 1000000 that are possible")
        );
    }
}
