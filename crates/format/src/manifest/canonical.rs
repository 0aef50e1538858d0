//! Canonical JSON: the one spelling of a manifest over which its signature is computed (formats.md 6.3).
//!
//! No white space, keys in the order of their bytes, strings with the fewest escapes. `null` cannot be signed, and neither can numbers
//! that are no integers, which no manifest holds.

use serde_json::Value;

use super::ManifestError;

/// Canonical bytes of a manifest as it was received, without its unsigned parts.
pub fn signed_bytes(json: &[u8]) -> Result<Vec<u8>, ManifestError> {
    signed_bytes_of(serde_json::from_slice(json)?)
}

pub(super) fn signed_bytes_of(mut manifest: Value) -> Result<Vec<u8>, ManifestError> {
    let fields = manifest.as_object_mut().ok_or(ManifestError::NotAnObject)?;
    fields.remove("signature");
    fields.remove("unprotected");
    let mut out = Vec::new();
    write_value(&manifest, &mut out)?;
    Ok(out)
}

/// Recursion is bounded: serde_json refuses to parse deeper than 128 levels.
fn write_value(value: &Value, out: &mut Vec<u8>) -> Result<(), ManifestError> {
    match value {
        Value::Null => return Err(ManifestError::NotCanonical { found: "null" }),
        Value::Number(number) if number.is_f64() => {
            return Err(ManifestError::NotCanonical {
                found: "a number that is no integer",
            });
        }
        // serde_json spells these as canonical JSON does.
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            serde_json::to_writer(&mut *out, value)?
        }
        Value::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(value, out)?;
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| key.as_bytes());
            out.push(b'{');
            for (index, (key, value)) in fields.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, key)?;
                out.push(b':');
                write_value(value, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_the_specification_says() {
        let value = serde_json::json!({
            "b": [1, true, "\u{e9}\n\"\\/\u{1}\u{7f}"],
            "a": {},
        });
        let mut out = Vec::new();
        write_value(&value, &mut out).expect("only signable values");
        assert_eq!(
            crate::text::hex_lower(&out),
            "7b2261223a7b7d2c2262223a5b312c747275652c22c3a95c6e5c225c5c2f5c75303030317f225d7d"
        );
    }

    #[test]
    fn what_cannot_be_signed_is_named() {
        for (value, expected) in [
            (serde_json::json!([null]), "null"),
            (serde_json::json!({"a": 1.5}), "a number that is no integer"),
        ] {
            let error = write_value(&value, &mut Vec::new()).expect_err("must be refused");
            assert!(matches!(error, ManifestError::NotCanonical { found } if found == expected));
        }
    }
}
