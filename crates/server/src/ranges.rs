//! Parts of downloads: `Range: bytes=...` with one range (RFC 9110, 14). What is asked for in another way gets the whole.

use http::{HeaderMap, StatusCode, header};

use crate::blocking::Pieces;
use crate::fault::Fault;
use crate::reply::Answer;

/// What of `size` bytes is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    /// First byte and how many; at least one.
    Part(u64, u64),
    /// Nothing that is there.
    Nothing,
}

/// Answers have no validators, so none that stands in `If-Range` is that of the file: its whole is sent (RFC 9110, 13.1.5).
fn wanted(headers: &HeaderMap, size: u64) -> Wanted {
    if headers.contains_key(header::IF_RANGE) {
        return Wanted::All;
    }
    let text = headers
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let Some((first, last)) = text
        .and_then(|text| text.trim().strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
    else {
        return Wanted::All;
    };
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return match last.parse::<u64>() {
            Ok(0) => Wanted::Nothing,
            Ok(_) if size == 0 => Wanted::Nothing,
            Ok(length) => Wanted::Part(size - length.min(size), length.min(size)),
            Err(_) => Wanted::All,
        };
    }
    let end = match last {
        "" => Ok(u64::MAX),
        last => last.parse::<u64>(),
    };
    match (first.parse::<u64>(), end) {
        (Ok(first), Ok(last)) if first > last => Wanted::All,
        (Ok(first), Ok(_)) if first >= size => Wanted::Nothing,
        (Ok(first), Ok(last)) => Wanted::Part(first, last.min(size - 1) - first + 1),
        _ => Wanted::All,
    }
}

/// An answer of `size` bytes: all of them, or what the request asks for. `pieces` gives those from an offset on, so that nothing before
/// a range is read.
pub fn answer(
    content_type: &'static str,
    headers: &HeaderMap,
    size: u64,
    pieces: impl FnOnce(u64) -> Result<Pieces, Fault>,
) -> Result<Answer, Fault> {
    Ok(match wanted(headers, size) {
        Wanted::All => {
            Answer::stream(content_type, pieces(0)?).header(header::ACCEPT_RANGES, "bytes")
        }
        Wanted::Part(first, length) => {
            let range = format!("bytes {first}-{}/{size}", first + length - 1);
            Answer::stream(content_type, beginning(pieces(first)?, length))
                .with_status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, &range)
        }
        Wanted::Nothing => Answer::stream(content_type, Box::new(std::iter::empty()))
            .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
            .header(header::CONTENT_RANGE, &format!("bytes */{size}")),
    })
}

/// The first `left` bytes.
fn beginning(mut pieces: Pieces, mut left: u64) -> Pieces {
    Box::new(std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let piece = pieces.next()?.map(|mut piece| {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX).min(piece.len()));
            left -= piece.len() as u64;
            piece
        });
        Some(piece)
    }))
}

#[cfg(test)]
mod tests {
    use std::io;

    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_asked_for() {
        use Wanted::{All, Nothing, Part};
        for (text, expected) in [
            ("bytes=0-3", Part(0, 4)),
            ("bytes=4-", Part(4, 6)),
            ("bytes=-3", Part(7, 3)),
            ("bytes=-30", Part(0, 10)),
            ("bytes=2-99", Part(2, 8)),
            ("bytes=9-9", Part(9, 1)),
            ("bytes=10-", Nothing),
            ("bytes=-0", Nothing),
            ("bytes=3-2", All),
            ("bytes=0-1,4-5", All),
            ("lines=0-1", All),
            ("bytes=x-", All),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(text));
            assert_eq!(wanted(&headers, 10), expected, "{text}");
        }
        assert_eq!(wanted(&HeaderMap::new(), 10), All);
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-3"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"x\""));
        assert_eq!(wanted(&headers, 10), All);
    }

    #[test]
    fn parts_begin_where_they_are_asked_for() {
        let whole: Vec<u8> = (0..20).collect();
        for first in 0..20u64 {
            for length in 1..=20 - first {
                let (from, to) = (first as usize, (first + length) as usize);
                let mut headers = HeaderMap::new();
                let range = format!("bytes={from}-{}", to - 1);
                headers.insert(header::RANGE, range.parse().expect("value"));
                let mut begun = None;
                let answer = answer("x/y", &headers, 20, |offset| {
                    begun = Some(offset);
                    Ok(Box::new(std::iter::empty()))
                });
                assert!(answer.is_ok());
                assert_eq!(begun, Some(first));

                let pieces: Vec<_> = whole[from..]
                    .chunks(7)
                    .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                    .collect();
                let found: Vec<u8> = beginning(Box::new(pieces.into_iter()), length)
                    .flat_map(|piece| piece.expect("no error").to_vec())
                    .collect();
                assert_eq!(found, whole[from..to], "{first} {length}");
            }
        }
    }

    /// Whatever is behind the range is not computed, and an error is told.
    #[test]
    fn nothing_behind_a_part_is_read() {
        let more = || -> io::Result<Bytes> { panic!("read behind the range") };
        let pieces = [Ok(Bytes::from_static(b"abc"))].into_iter();
        let mut part = beginning(Box::new(pieces.chain(std::iter::repeat_with(more))), 3);
        assert_eq!(part.next().expect("a piece").expect("fine"), &b"abc"[..]);
        assert!(part.next().is_none());

        let broken = std::iter::once(Err(io::Error::other("gone")));
        let mut part = beginning(Box::new(broken), 3);
        assert!(part.next().expect("told").is_err());
    }
}
