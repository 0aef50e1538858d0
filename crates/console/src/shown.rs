//! Texts and names of others, so that a terminal only shows them.
//!
//! A file may be called what erases the line above it or colours the rest. What would steer a
//! terminal, or turn the direction of writing round, is told as an escape. Whoever prints such
//! text asks here; in a pipe or a file the bytes stay what they are where scripts read them. Error
//! reports, and tables for people with one line for each name, are escaped there too.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// Whether `letter` does something else than be seen. Line ends and tabs do.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of one or more lines.
///
/// ```
/// assert_eq!(console::shown::text("a\tb\x1b[2J\n"), "a\tb\\u{1b}[2J\n");
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |letter, out| out.extend(letter.escape_default()))
}

/// Text that is JSON, and stays it.
///
/// ```
/// assert_eq!(console::shown::json("\"\u{9b}2J\"\n"), "\"\\u009b2J\"\n");
/// ```
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(text, |letter, out| {
        let _ = write!(out, "\\u{:04x}", u32::from(letter));
    })
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let is_bad = |letter: char| steers(letter) && !matches!(letter, '\n' | '\t');
    if !text.chars().any(is_bad) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match is_bad(letter) {
            true => escape(letter, &mut shown),
            false => shown.push(letter),
        }
    }
    shown.into()
}

/// A name or a path, in one line: as it is, or as [`quoted`] without the quotes if it has
/// something in it that a terminal would not just show.
///
/// ```
/// use console::shown::name;
/// assert_eq!(name(b"it's \"a\""), "it's \"a\"");
/// assert_eq!(name(b"a\nb\xff"), "a\\nb\\xFF");
/// ```
pub fn name(name: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(name) {
        Ok(text) if !text.chars().any(steers) => text.into(),
        _ => {
            let quoted = quoted(name);
            quoted[1..quoted.len() - 1].to_owned().into()
        }
    }
}

/// A name or a path in quotes, as the original writes it wherever it quotes one.
///
/// ```
/// assert_eq!(console::shown::quoted(b"/a \"b\"\n"), r#""/a \"b\"\n""#);
/// ```
pub fn quoted(name: &[u8]) -> String {
    format!("{:?}", OsStr::from_bytes(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_moved() {
        for (said, shown) in [
            ("Error: plain\n\tin\u{e4}\n", "Error: plain\n\tin\u{e4}\n"),
            ("\x1b[31mred\x1b[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            (
                "over\rwritten \u{9b}2J\x07",
                "over\\rwritten \\u{9b}2J\\u{7}",
            ),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("1\u{61c}2", "1\\u{61c}2"),
        ] {
            assert_eq!(text(said), shown);
        }
    }

    #[test]
    fn names_are_one_line_of_plain_letters() {
        for (bytes, shown) in [
            (&b"plain 'n\" \\x"[..], "plain 'n\" \\x"),
            ("\u{e4}\u{1f512}".as_bytes(), "\u{e4}\u{1f512}"),
            (b"two\nlines\t\"", "two\\nlines\\t\\\""),
            (b"\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            (
                "\u{9b}2J\u{202e}x\u{2028}".as_bytes(),
                "\\u{9b}2J\\u{202e}x\\u{2028}",
            ),
            (b"latin\xe9\x9b2J", "latin\\xE9\\x9B2J"),
        ] {
            assert_eq!(name(bytes), shown);
            assert_eq!(quoted(bytes).matches(|c: char| steers(c)).count(), 0);
        }
    }

    #[test]
    fn json_stays_json() {
        let value = serde_json::json!({"a": "\u{7f}\u{9b}\u{202e}\x1b\n"});
        let line = crate::json::pretty(&value);
        let shown = json(&line);
        assert!(!shown.chars().any(|c| steers(c) && c != '\n'), "{shown}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
    }
}
