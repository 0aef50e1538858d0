//! GNU tar as a stream (pxar.md 7.2).

use std::io;

use pxar::metadata::mode;

use crate::member::{Member, MemberKind, Pack};

const BLOCK: usize = 512;
const NAME_BYTES: usize = 100;

/// Packs members as tar.
#[derive(Default)]
pub(crate) struct Tar {
    /// Data bytes of the current member.
    written: u64,
}

/// A member that carries a name too long for the header behind it.
fn long_name(name: &[u8], kind: u8, out: &mut Vec<u8>) {
    let mut header = Header::new(b"././@LongLink", kind);
    header.number(100, 8, 0o644);
    header.number(124, 12, name.len() as i128 + 1);
    out.extend_from_slice(&header.finish());
    out.extend_from_slice(name);
    out.push(0);
    pad(name.len() as u64 + 1, out);
}

fn pad(bytes: u64, out: &mut Vec<u8>) {
    let over = (bytes % BLOCK as u64) as usize;
    if over > 0 {
        out.extend_from_slice(&[0; BLOCK][over..]);
    }
}

impl Pack for Tar {
    const LINKS: bool = true;
    const SPECIAL: bool = true;

    fn begin(&mut self, member: &Member, out: &mut Vec<u8>) -> io::Result<()> {
        let no_link: &[u8] = b"";
        let (kind, size, link) = match &member.kind {
            MemberKind::File { size } => (b'0', *size, no_link),
            MemberKind::Link { first } => (b'1', 0, first.as_slice()),
            MemberKind::Symlink { target } => (b'2', 0, target.as_slice()),
            MemberKind::Device { .. } if member.metadata.file_type() == mode::CHAR => {
                (b'3', 0, no_link)
            }
            MemberKind::Device { .. } => (b'4', 0, no_link),
            MemberKind::Directory => (b'5', 0, no_link),
            MemberKind::Fifo => (b'6', 0, no_link),
        };
        if link.len() > NAME_BYTES {
            long_name(link, b'K', out);
        }
        if member.path.len() > NAME_BYTES {
            long_name(&member.path, b'L', out);
        }
        let mut header = Header::new(&member.path, kind);
        header.number(100, 8, member.metadata.mode.into());
        header.number(108, 8, member.metadata.uid.into());
        header.number(116, 8, member.metadata.gid.into());
        header.number(124, 12, size.into());
        header.number(136, 12, member.metadata.mtime.secs.into());
        header.text(157, link);
        if let MemberKind::Device { major, minor } = member.kind {
            header.number(329, 8, major.into());
            header.number(337, 8, minor.into());
        }
        out.extend_from_slice(&header.finish());
        self.written = 0;
        Ok(())
    }

    fn data(&mut self, data: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.written += data.len() as u64;
        out.extend_from_slice(data);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        pad(self.written, out);
        self.written = 0;
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        out.extend_from_slice(&[0; 2 * BLOCK]);
        Ok(true)
    }
}

/// A header block in the making.
struct Header([u8; BLOCK]);

impl Header {
    fn new(name: &[u8], kind: u8) -> Header {
        let mut header = Header([0; BLOCK]);
        header.text(0, name);
        for (offset, width) in [(108, 8), (116, 8), (136, 12)] {
            header.number(offset, width, 0);
        }
        header.0[156] = kind;
        header.0[257..265].copy_from_slice(b"ustar  \0");
        header
    }

    /// A name of at most 100 bytes; a longer one is cut where a character of UTF-8 begins.
    fn text(&mut self, offset: usize, text: &[u8]) {
        let mut len = text.len().min(NAME_BYTES);
        while len < text.len() && len > 0 && text[len] & 0xC0 == 0x80 {
            len -= 1;
        }
        self.0[offset..offset + len].copy_from_slice(&text[..len]);
    }

    /// Octal digits and a NUL; what does not fit, or is negative, as big-endian two's complement with the marker bit.
    fn number(&mut self, offset: usize, width: usize, value: i128) {
        let field = &mut self.0[offset..offset + width];
        let digits = width - 1;
        if (0..1i128 << (3 * digits)).contains(&value) {
            field.copy_from_slice(format!("{value:0digits$o}\0").as_bytes());
        } else {
            field.copy_from_slice(&value.to_be_bytes()[16 - width..]);
            field[0] = if value < 0 { 0xFF } else { 0x80 };
        }
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.0[148..156].fill(b' ');
        let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        self.0[148..156].copy_from_slice(format!("{sum:07o}\0").as_bytes());
        self.0
    }
}

#[cfg(test)]
mod tests {
    use pxar::{Metadata, Mtime};

    use super::*;

    fn packed(members: &[(Member, &[u8])]) -> Vec<u8> {
        let (mut tar, mut out) = (Tar::default(), Vec::new());
        for (member, data) in members {
            tar.begin(member, &mut out).expect("begin");
            tar.data(data, &mut out).expect("data");
            tar.end(&mut out).expect("end");
        }
        tar.finish(&mut out).expect("finish");
        out
    }

    fn member(path: &[u8], kind: MemberKind) -> Member {
        let mtime = Mtime {
            secs: 0o14_020_065_277,
            nanos: 5,
        };
        let metadata = Metadata {
            mode: 0o100_644,
            mtime,
            ..Metadata::default()
        };
        Member {
            path: path.to_vec(),
            kind,
            metadata,
        }
    }

    #[test]
    fn a_header_is_as_the_original_s() {
        // `times/ns` of the recorded download.
        let tar = packed(&[(member(b"times/ns", MemberKind::File { size: 2 }), b"t\n")]);
        assert_eq!(tar.len(), 4 * BLOCK);
        for (offset, expected) in [
            (0, &b"times/ns\0"[..]),
            (
                100,
                b"0100644\x000000000\x000000000\x0000000000002\x0014020065277\x000007424\x000\0",
            ),
            (257, b"ustar  \0\0"),
            (512, b"t\n\0"),
        ] {
            assert_eq!(
                &tar[offset..offset + expected.len()],
                expected,
                "at {offset}"
            );
        }
        assert!(tar[2 * BLOCK..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn long_names_and_numbers_come_whole() {
        let long: Vec<u8> = "ä".repeat(60).into_bytes();
        let mut first = member(
            &long,
            MemberKind::Symlink {
                target: vec![b'x'; 101],
            },
        );
        first.metadata.uid = u32::MAX;
        first.metadata.mtime.secs = -2;
        let tar = packed(&[(first, b"")]);
        assert_eq!(
            (tar[156], &tar[512..613], tar[613]),
            (b'K', &[b'x'; 101][..], 0)
        );
        assert_eq!((tar[1024 + 156], &tar[1536..1656]), (b'L', long.as_slice()));
        let header = &tar[2048..];
        assert_eq!((&header[..100], header[156]), (&long[..100], b'2'));
        assert_eq!(&header[108..116], b"\x80\0\0\0\xff\xff\xff\xff");
        assert_eq!(
            &header[136..148],
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"
        );
    }
}
