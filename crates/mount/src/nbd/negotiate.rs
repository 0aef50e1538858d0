//! The first part of a connection: greeting and options, until the client wants to read or goes away.
//!
//! Everything a client says here is limited: the time as a whole, the number of options, the length of each.

use std::io::{self, Write as _};
use std::time::Instant;

use super::socket::Stream;
use super::wire::{EXPORT_FLAGS, Fields, IHAVEOPT, NBDMAGIC, REPLY_MAGIC};
use super::wire::{handshake, info, option, reply};
use super::{BLOCK_MAX, Export};

/// Options of one connection. A client needs a handful.
const OPTIONS_MAX: usize = 256;
/// Bytes of an option that are looked at: a name has at most 4096.
const OPTION_LEN_MAX: usize = 8 << 10;
/// Bytes of an option that are read to refuse it politely; whoever announces more is dropped.
const SKIPPED_LEN_MAX: usize = 64 << 10;
const BLOCK_MIN: u32 = 1;
const BLOCK_PREFERRED: u32 = 64 << 10;

/// Why a client is dropped.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it does not speak NBD")]
    NotNbd,
    #[error("it sets flags that nobody knows")]
    Flags,
    #[error("it asks for an export that does not exist")]
    NoSuchExport,
    #[error("it asks too much")]
    TooMuch,
}

/// `true` if the client goes on to read, `false` if it said good-bye.
pub(super) fn negotiate(
    stream: &Stream,
    export: &Export,
    deadline: Instant,
) -> Result<bool, Refused> {
    let mut greeting = Vec::new();
    greeting.extend(NBDMAGIC.to_be_bytes());
    greeting.extend(IHAVEOPT.to_be_bytes());
    greeting.extend((handshake::FIXED_NEWSTYLE | handshake::NO_ZEROES).to_be_bytes());
    send(stream, &greeting)?;
    let mut flags = [0; 4];
    stream.read_until(&mut flags, deadline)?;
    let flags = u32::from_be_bytes(flags);
    if flags & !handshake::CLIENT_KNOWN != 0 {
        return Err(Refused::Flags);
    }
    let mut talk = Talk {
        stream,
        export,
        deadline,
        padded: flags & handshake::CLIENT_NO_ZEROES == 0,
    };
    for _ in 0..OPTIONS_MAX {
        match talk.option()? {
            Next::Option => {}
            Next::Read => return Ok(true),
            Next::End => return Ok(false),
        }
    }
    Err(Refused::TooMuch)
}

enum Next {
    Option,
    Read,
    End,
}

struct Talk<'a> {
    stream: &'a Stream,
    export: &'a Export,
    deadline: Instant,
    /// Whether the old answer to EXPORT_NAME ends with zeroes.
    padded: bool,
}

impl Talk<'_> {
    fn option(&mut self) -> Result<Next, Refused> {
        let mut head = [0; 16];
        self.stream.read_until(&mut head, self.deadline)?;
        let mut fields = Fields(&head);
        if fields.u64() != Some(IHAVEOPT) {
            return Err(Refused::NotNbd);
        }
        let (Some(number), Some(len)) = (fields.u32(), fields.u32()) else {
            return Err(Refused::NotNbd);
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > SKIPPED_LEN_MAX {
            return Err(Refused::TooMuch);
        }
        let mut data = vec![0; len];
        self.stream.read_until(&mut data, self.deadline)?;
        if len > OPTION_LEN_MAX {
            self.answer(number, reply::TOO_BIG, &[])?;
            return Ok(Next::Option);
        }
        match number {
            option::EXPORT_NAME => self.export_name(&data),
            option::ABORT => {
                self.answer(number, reply::ACK, &[])?;
                Ok(Next::End)
            }
            option::LIST => self.list(&data),
            option::INFO | option::GO => self.info(number, &data),
            _ => {
                self.answer(number, reply::UNSUPPORTED, &[])?;
                Ok(Next::Option)
            }
        }
    }

    /// The only option that has no reply header and cannot be refused.
    fn export_name(&self, name: &[u8]) -> Result<Next, Refused> {
        if !self.export.is_named(name) {
            return Err(Refused::NoSuchExport);
        }
        let mut bytes = Vec::new();
        bytes.extend(self.export.size().to_be_bytes());
        bytes.extend(EXPORT_FLAGS.to_be_bytes());
        if self.padded {
            bytes.extend([0; 124]);
        }
        send(self.stream, &bytes)?;
        Ok(Next::Read)
    }

    fn list(&self, data: &[u8]) -> Result<Next, Refused> {
        if !data.is_empty() {
            self.answer(option::LIST, reply::INVALID, &[])?;
            return Ok(Next::Option);
        }
        let name = self.export.name.as_bytes();
        let mut bytes = Vec::new();
        bytes.extend((name.len() as u32).to_be_bytes());
        bytes.extend(name);
        bytes.extend(self.export.description.as_bytes());
        self.answer(option::LIST, reply::SERVER, &bytes)?;
        self.answer(option::LIST, reply::ACK, &[])?;
        Ok(Next::Option)
    }

    fn info(&self, number: u32, data: &[u8]) -> Result<Next, Refused> {
        let Some((name, wanted)) = parse_info(data) else {
            self.answer(number, reply::INVALID, &[])?;
            return Ok(Next::Option);
        };
        if !self.export.is_named(name) {
            self.answer(number, reply::UNKNOWN, &[])?;
            return Ok(Next::Option);
        }
        let mut export = info::EXPORT.to_be_bytes().to_vec();
        export.extend(self.export.size().to_be_bytes());
        export.extend(EXPORT_FLAGS.to_be_bytes());
        self.answer(number, reply::INFO, &export)?;
        let mut sizes = info::BLOCK_SIZE.to_be_bytes().to_vec();
        for size in [BLOCK_MIN, BLOCK_PREFERRED, BLOCK_MAX as u32] {
            sizes.extend(size.to_be_bytes());
        }
        self.answer(number, reply::INFO, &sizes)?;
        for (kind, text) in [
            (info::NAME, &self.export.name),
            (info::DESCRIPTION, &self.export.description),
        ] {
            if wanted.contains(&kind) {
                let mut bytes = kind.to_be_bytes().to_vec();
                bytes.extend(text.as_bytes());
                self.answer(number, reply::INFO, &bytes)?;
            }
        }
        self.answer(number, reply::ACK, &[])?;
        Ok(match number {
            option::GO => Next::Read,
            _ => Next::Option,
        })
    }

    fn answer(&self, number: u32, kind: u32, data: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(20 + data.len());
        bytes.extend(REPLY_MAGIC.to_be_bytes());
        bytes.extend(number.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(data);
        send(self.stream, &bytes)
    }
}

/// Name and wanted kinds of information; nothing if the lengths do not fit.
fn parse_info(data: &[u8]) -> Option<(&[u8], Vec<u16>)> {
    let mut fields = Fields(data);
    let len = fields.u32()?;
    let name = fields.bytes(usize::try_from(len).ok()?)?;
    let count = usize::from(fields.u16()?);
    if fields.0.len() != count * 2 {
        return None;
    }
    let wanted = (0..count).map_while(|_| fields.u16()).collect();
    Some((name, wanted))
}

fn send(mut stream: &Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_wants_to_know() {
        for (data, expected) in [
            (&b"\0\0\0\x02ab\0\0"[..], Some((&b"ab"[..], vec![]))),
            (b"\0\0\0\0\0\x02\0\x03\0\x01", Some((&b""[..], vec![3, 1]))),
            (b"", None),
            (b"\0\0\0\x03ab", None),
            (b"\xff\xff\xff\xffab\0\0", None),
            (b"\0\0\0\x02ab\0", None),
            (b"\0\0\0\x02ab\0\x01", None),
            (b"\0\0\0\x02ab\0\0x", None),
            (b"\0\0\0\x02ab\xff\xff\0\0", None),
        ] {
            assert_eq!(parse_info(data), expected, "{data:?}");
        }
    }
}
