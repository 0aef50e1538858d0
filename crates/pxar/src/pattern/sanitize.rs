//! Patterns written as sloppy paths are put in order: `./a//b/../c` means `a/c`.
//!
//! Without this such a pattern would silently match nothing, and files would be in the backup that were meant to stay out.

use std::borrow::Cow;

/// Removes `.` components, repeated slashes and `x/..`; a leading `!`, and one leading or trailing slash stay. A borrowed result
/// means that nothing had to be changed.
pub fn sanitize(text: &[u8]) -> Cow<'_, [u8]> {
    let (mark, path) = match text.strip_prefix(b"!") {
        Some(rest) => (&text[..1], rest),
        None => (&text[..0], text),
    };
    if !path.contains(&b'/') && path != b"." && path != b".." {
        return Cow::Borrowed(text);
    }
    let absolute = path.first() == Some(&b'/');
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if absolute => {}
            _ => parts.push(part),
        }
    }
    let mut clean = mark.to_vec();
    if absolute {
        clean.push(b'/');
    }
    let joined = parts.join(&b'/');
    if !absolute && joined.first() == Some(&b'!') && path.first() != Some(&b'!') {
        // What came to the front is a name and no mark.
        clean.push(b'\\');
    }
    clean.extend_from_slice(&joined);
    if path.last() == Some(&b'/') && !parts.is_empty() {
        clean.push(b'/');
    }
    if clean == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(clean)
    }
}
