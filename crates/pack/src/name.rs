//! Names as they are packed. In an archive a name may hold any byte but a slash; where a stream is unpacked a backslash may be one.

use std::borrow::Cow;

/// What some systems refuse or read as something else, for archives that are unpacked there too: control characters, and the colon of a drive (`C:x` is a
/// file of another disk).
pub(crate) fn portable(path: &[u8]) -> Vec<u8> {
    let mut names: Vec<Vec<u8>> = path
        .split(|byte| *byte == b'/')
        .map(<[u8]>::to_vec)
        .collect();
    for name in &mut names {
        if let [letter, colon @ b':', ..] = name.as_mut_slice()
            && letter.is_ascii_alphabetic()
        {
            *colon = b'_';
        }
        for byte in name.iter_mut().filter(|byte| byte.is_ascii_control()) {
            *byte = b'_';
        }
    }
    names.join(&b'/')
}

/// A name that leads nowhere else, also for those to whom a backslash parts names: `..\x`, `\x` and `C:\x` get others. All that is honest
/// stays as it is, such as `dev-disk-by\x2dlabel.swap`.
pub(crate) fn safe(name: &[u8]) -> Cow<'_, [u8]> {
    let mut parts = name.split(|byte| *byte == b'\\');
    let first = parts.clone().next().unwrap_or_default();
    let is_drive = matches!(first, [letter, b':'] if letter.is_ascii_alphabetic());
    let has_more = first.len() < name.len();
    if has_more && (first.is_empty() || is_drive || parts.any(|part| part == b"..")) {
        let replace = |byte: &u8| if *byte == b'\\' { b'_' } else { *byte };
        return Cow::Owned(name.iter().map(replace).collect());
    }
    Cow::Borrowed(name)
}

/// The same for each name of a path.
pub(crate) fn safe_path(path: &[u8]) -> Vec<u8> {
    let names: Vec<Cow<'_, [u8]>> = path.split(|byte| *byte == b'/').map(safe).collect();
    names.join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_changed() {
        for (given, expected) in [
            ("a", "a"),
            (r"dev-disk-by\x2dlabel.swap", r"dev-disk-by\x2dlabel.swap"),
            (r"a\..b", r"a\..b"),
            ("C:", "C:"),
            (r"..\x", ".._x"),
            (r"a\..\..\x", "a_.._.._x"),
            (r"a\..", "a_.."),
            (r"\etc\passwd", "_etc_passwd"),
            (r"C:\x", "C:_x"),
            (r"CC:\x", r"CC:\x"),
            ("", ""),
        ] {
            assert_eq!(safe(given.as_bytes()), expected.as_bytes(), "{given}");
        }
        assert_eq!(safe_path(br"a/..\x/b"), b"a/.._x/b");
        for (given, expected) in [
            ("a/b c/ü", "a/b c/ü"),
            ("C:x/D:/xx:y", "C_x/D_/xx:y"),
            ("1:x", "1:x"),
            ("new\nline/\t\u{7f}", "new_line/__"),
        ] {
            assert_eq!(portable(given.as_bytes()), expected.as_bytes(), "{given}");
        }
    }
}
