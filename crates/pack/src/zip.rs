//! zip as a stream: sizes and checksum stand behind each member, everything in 64 bit where it must be (pxar.md 7.1).

use std::io::{self, Write as _};

use crc32fast::Hasher;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use pxar::metadata::mode;

use crate::central::{Central, MakeScratch};
use crate::member::{Member, MemberKind, Pack};
use crate::name;

const LOCAL_MAGIC: u32 = 0x0403_4b50;
const DESCRIPTOR_MAGIC: u32 = 0x0807_4b50;
const CENTRAL_MAGIC: u32 = 0x0201_4b50;
const END64_MAGIC: u32 = 0x0606_4b50;
const LOCATOR_MAGIC: u32 = 0x0706_4b50;
const END_MAGIC: u32 = 0x0605_4b50;
const VERSION_NEEDED: u16 = 45;
/// Unix, 4.5.
const VERSION_MADE: u16 = 0x032d;
const METHOD_STORED: u16 = 0;
const METHOD_DEFLATE: u16 = 8;
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_UTF8: u16 = 1 << 11;
const IN_EXTRA: u32 = u32::MAX;
const DOS_DIRECTORY: u32 = 0x10;
/// Names longer than the field for their length are cut; no file system has such paths.
const NAME_BYTES_MAX: usize = u16::MAX as usize;

/// Packs members as zip.
pub(crate) struct Zip {
    /// Bytes sent so far.
    position: u64,
    central: Central,
    /// Where the list of members begins, once it is being sent.
    list: Option<u64>,
    count: u64,
    current: Option<Current>,
}

/// The member that was begun.
struct Current {
    name: Vec<u8>,
    flags: u16,
    time: u16,
    date: u16,
    external: u32,
    offset: u64,
    crc: Hasher,
    plain: u64,
    packed: u64,
    /// Missing for directories, which have no data at all.
    deflate: Option<DeflateEncoder<Vec<u8>>>,
}

impl Zip {
    pub fn new(scratch: MakeScratch) -> Zip {
        Zip {
            position: 0,
            central: Central::new(scratch),
            list: None,
            count: 0,
            current: None,
        }
    }

    fn append(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend_from_slice(bytes);
        self.position += bytes.len() as u64;
    }
}

impl Pack for Zip {
    const LINKS: bool = false;
    const SPECIAL: bool = false;

    fn begin(&mut self, member: &Member, out: &mut Vec<u8>) -> io::Result<()> {
        let current = Current::new(member, self.position);
        let mut header = Vec::with_capacity(50 + current.name.len());
        put32(&mut header, &[LOCAL_MAGIC]);
        let fixed = [
            VERSION_NEEDED,
            current.flags,
            current.method(),
            current.time,
            current.date,
        ];
        put16(&mut header, &fixed);
        put32(&mut header, &[0, IN_EXTRA, IN_EXTRA]);
        put16(&mut header, &[current.name.len() as u16, 20]);
        header.extend_from_slice(&current.name);
        put16(&mut header, &[1, 16]);
        put64(&mut header, &[0, 0]);
        self.append(out, &header);
        self.current = Some(current);
        match &member.kind {
            MemberKind::Symlink { target } => self.data(target, out),
            _ => Ok(()),
        }
    }

    fn data(&mut self, data: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let current = self.current.as_mut().ok_or(io::ErrorKind::InvalidInput)?;
        let Some(deflate) = &mut current.deflate else {
            return Ok(());
        };
        current.crc.update(data);
        current.plain += data.len() as u64;
        deflate.write_all(data)?;
        let packed = std::mem::take(deflate.get_mut());
        current.packed += packed.len() as u64;
        self.append(out, &packed);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let mut current = self.current.take().ok_or(io::ErrorKind::InvalidInput)?;
        if let Some(deflate) = current.deflate.take() {
            let packed = deflate.finish()?;
            current.packed += packed.len() as u64;
            self.append(out, &packed);
        }
        let crc = current.crc.clone().finalize();
        let mut descriptor = Vec::with_capacity(24);
        put32(&mut descriptor, &[DESCRIPTOR_MAGIC, crc]);
        put64(&mut descriptor, &[current.packed, current.plain]);
        self.append(out, &descriptor);
        self.count += 1;
        self.central.add(|out| current.write_central(out, crc))
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let start = *self.list.get_or_insert(self.position);
        let piece = self.central.piece()?;
        if !piece.is_empty() {
            self.append(out, &piece);
            return Ok(false);
        }
        let end = end_records(self.count, self.central.bytes(), start);
        self.append(out, &end);
        Ok(true)
    }
}

impl Current {
    /// The original says "deflated" of directories too, whose data is not even an empty stream; Info-ZIP refuses that.
    fn method(&self) -> u16 {
        if self.external & DOS_DIRECTORY != 0 {
            METHOD_STORED
        } else {
            METHOD_DEFLATE
        }
    }

    fn new(member: &Member, offset: u64) -> Current {
        let mut name = name::portable(&member.path);
        name.truncate(NAME_BYTES_MAX - 1);
        let directory = member.kind == MemberKind::Directory;
        let file_type = match &member.kind {
            MemberKind::Directory => mode::DIRECTORY,
            MemberKind::Symlink { .. } => mode::SYMLINK,
            _ => mode::FILE,
        };
        if directory {
            name.push(b'/');
        }
        let utf8 = if std::str::from_utf8(&name).is_ok() {
            FLAG_UTF8
        } else {
            0
        };
        let (time, date) = dos_time(member.metadata.mtime.secs);
        let unix_mode = ((member.metadata.mode | file_type) & 0xFFFF) as u32;
        Current {
            flags: FLAG_DESCRIPTOR | utf8,
            time,
            date,
            external: unix_mode << 16 | if directory { DOS_DIRECTORY } else { 0 },
            offset,
            crc: Hasher::new(),
            plain: 0,
            packed: 0,
            deflate: (!directory).then(|| DeflateEncoder::new(Vec::new(), Compression::fast())),
            name,
        }
    }

    fn write_central(&self, out: &mut Vec<u8>, crc: u32) {
        let Current {
            plain,
            packed,
            offset,
            ..
        } = *self;
        let large = [plain, packed, offset]
            .iter()
            .any(|n| *n >= IN_EXTRA.into());
        let short = |n: u64| if large { IN_EXTRA } else { n as u32 };
        put32(out, &[CENTRAL_MAGIC]);
        put16(
            out,
            &[
                VERSION_MADE,
                VERSION_NEEDED,
                self.flags,
                self.method(),
                self.time,
                self.date,
            ],
        );
        put32(out, &[crc, short(packed), short(plain)]);
        put16(
            out,
            &[self.name.len() as u16, if large { 32 } else { 0 }, 0, 0, 0],
        );
        put32(out, &[self.external, short(offset)]);
        out.extend_from_slice(&self.name);
        if large {
            put16(out, &[1, 28]);
            put64(out, &[plain, packed, offset]);
            put32(out, &[0]);
        }
    }
}

/// What ends a zip whose `count` central entries take `size` bytes from `start` on.
fn end_records(count: u64, size: u64, start: u64) -> Vec<u8> {
    let mut end = Vec::new();
    let large = size > IN_EXTRA.into() || start > IN_EXTRA.into() || count > u16::MAX.into();
    if large {
        put32(&mut end, &[END64_MAGIC]);
        put64(&mut end, &[44]);
        put16(&mut end, &[VERSION_MADE, VERSION_NEEDED]);
        put32(&mut end, &[0, 0]);
        put64(&mut end, &[count, count, size, start]);
        put32(&mut end, &[LOCATOR_MAGIC, 0]);
        put64(&mut end, &[start + size]);
        put32(&mut end, &[1]);
    }
    let count = if large { u16::MAX } else { count as u16 };
    put32(&mut end, &[END_MAGIC]);
    put16(&mut end, &[0, 0, count, count]);
    put32(
        &mut end,
        &if large {
            [IN_EXTRA, IN_EXTRA]
        } else {
            [size as u32, start as u32]
        },
    );
    put16(&mut end, &[0]);
    end
}

/// Time and date in UTC as MS-DOS has them; zeros before 1980 and after 2107.
fn dos_time(secs: i64) -> (u16, u16) {
    let Ok(time) = jiff::Timestamp::from_second(secs) else {
        return (0, 0);
    };
    let t = time.to_zoned(jiff::tz::TimeZone::UTC);
    if !(1980..=2107).contains(&t.year()) {
        return (0, 0);
    }
    let (hour, minute, second) = (t.hour() as u16, t.minute() as u16, t.second() as u16);
    let time = (hour << 11) | (minute << 5) | (second / 2);
    let year = (t.year() - 1980) as u16;
    (
        time,
        (year << 9) | ((t.month() as u16) << 5) | t.day() as u16,
    )
}

fn put16(out: &mut Vec<u8>, numbers: &[u16]) {
    numbers
        .iter()
        .for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
}

fn put32(out: &mut Vec<u8>, numbers: &[u32]) {
    numbers
        .iter()
        .for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
}

fn put64(out: &mut Vec<u8>, numbers: &[u64]) {
    numbers
        .iter()
        .for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dos_times() {
        for (secs, expected) in [
            // 2021-05-07T21:25:34Z
            (
                1_620_422_734,
                (21 << 11 | 25 << 5 | 17, 41 << 9 | 5 << 5 | 7),
            ),
            // 1980-01-01T00:00:00Z and the second before
            (315_532_800, (0, 1 << 5 | 1)),
            (315_532_799, (0, 0)),
            // 2108-01-01T00:00:00Z
            (4_354_819_200, (0, 0)),
            (i64::MAX, (0, 0)),
        ] {
            assert_eq!(dos_time(secs), expected, "{secs}");
        }
    }

    #[test]
    fn large_members_have_64_bit_entries() {
        let current = |plain| Current {
            name: b"a".to_vec(),
            flags: FLAG_DESCRIPTOR,
            time: 0,
            date: 0,
            external: 0,
            offset: 7,
            crc: Hasher::new(),
            plain,
            packed: 9,
            deflate: None,
        };
        let mut small = Vec::new();
        current(5).write_central(&mut small, 0);
        assert_eq!(
            (small.len(), &small[20..28]),
            (47, &b"\x09\0\0\0\x05\0\0\0"[..])
        );
        let mut large = Vec::new();
        current(u64::from(IN_EXTRA)).write_central(&mut large, 0);
        assert_eq!(
            (large.len(), &large[20..28], &large[42..46]),
            (79, &[0xFF; 8][..], &[0xFF; 4][..])
        );
        assert_eq!(&large[51..59], &u64::from(IN_EXTRA).to_le_bytes());
    }

    #[test]
    fn large_archives_have_64_bit_ends() {
        assert_eq!(end_records(2, 100, 5).len(), 22);
        let large = end_records(70_000, 100, 5);
        assert_eq!(large.len(), 56 + 20 + 22);
        assert_eq!(
            &large[24..40],
            &[70_000u64.to_le_bytes(), 70_000u64.to_le_bytes()].concat()[..]
        );
        assert_eq!(&large[56 + 8..56 + 16], &105u64.to_le_bytes());
        assert_eq!(&large[76 + 8..76 + 20], &[0xFF; 12]);
    }
}
