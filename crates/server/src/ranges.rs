//! Parts of downloads: `Range: bytes=...` with one range (RFC 9110, 14). What is asked for in another way gets the whole.

use std::io;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::blocking::Pieces;
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

fn wanted(headers: &HeaderMap, size: u64) -> Wanted {
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

/// Pieces of `size` bytes together as an answer: all of them, or what the request asks for.
pub fn answer(
    content_type: &'static str,
    headers: &HeaderMap,
    size: u64,
    pieces: Pieces,
) -> Answer {
    match wanted(headers, size) {
        Wanted::All => Answer::stream(content_type, pieces).header(header::ACCEPT_RANGES, "bytes"),
        Wanted::Part(first, length) => {
            let range = format!("bytes {first}-{}/{size}", first + length - 1);
            Answer::stream(content_type, part(pieces, first, length))
                .with_status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, &range)
        }
        Wanted::Nothing => Answer::stream(content_type, Box::new(std::iter::empty()))
            .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
            .header(header::CONTENT_RANGE, &format!("bytes */{size}")),
    }
}

fn part(mut pieces: Pieces, first: u64, length: u64) -> Pieces {
    let (mut skip, mut left) = (first, length);
    Box::new(std::iter::from_fn(move || {
        while left > 0 {
            let mut piece: Bytes = match pieces.next()? {
                Ok(piece) => piece,
                Err(error) => return Some(Err::<Bytes, io::Error>(error)),
            };
            // What is cut off is at most the piece's length, which fits.
            let cut = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
            skip -= cut as u64;
            let _ = piece.split_to(cut);
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX).min(piece.len()));
            left -= piece.len() as u64;
            if !piece.is_empty() {
                return Some(Ok(piece));
            }
        }
        None
    }))
}

#[cfg(test)]
mod tests {
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
    }

    #[test]
    fn parts_of_pieces() {
        let whole: Vec<u8> = (0..20).collect();
        for first in 0..20u64 {
            for length in 1..=20 - first {
                let pieces: Vec<_> = whole
                    .chunks(7)
                    .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                    .collect();
                let found: Vec<u8> = part(Box::new(pieces.into_iter()), first, length)
                    .flat_map(|piece| piece.expect("no error").to_vec())
                    .collect();
                let (from, to) = (first as usize, (first + length) as usize);
                assert_eq!(found, whole[from..to], "{first} {length}");
            }
        }
    }
}
