//! What a split archive says before its root: the patterns that left members out, as one small JSON object (pxar.md 2.4).

/// `{"exclude-patterns":"<text>"}`; nothing if there were no patterns. `None` also if the text is no UTF-8, with the text given
/// back in the error.
pub(super) fn prelude(patterns: &[u8]) -> Result<Option<Vec<u8>>, String> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(patterns)
        .map_err(|_| String::from_utf8_lossy(patterns).into_owned())?;
    let mut json = String::from("{\"exclude-patterns\":\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push_str("\"}");
    Ok(Some(json.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::prelude;

    #[test]
    fn patterns_as_json() {
        for (text, expected) in [
            (&b""[..], None),
            (b"*.o\n", Some("{\"exclude-patterns\":\"*.o\\n\"}")),
            (
                b"!a\\*\n\"q\"/\n\x01\x1f\x7f\n\xc3\xa9\n",
                Some(
                    "{\"exclude-patterns\":\"!a\\\\*\\n\\\"q\\\"/\\n\\u0001\\u001f\u{7f}\\n\u{e9}\\n\"}",
                ),
            ),
        ] {
            let found = prelude(text).expect("text");
            assert_eq!(found, expected.map(|json| json.as_bytes().to_vec()));
        }
        assert!(prelude(b"latin1-\xe9\n").is_err());
    }
}
