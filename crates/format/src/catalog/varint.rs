//! The catalog's numbers: seven bits per byte, lowest first (formats.md 8.3).
//!
//! A negative number is its absolute value with the top bit set on every byte, and a zero byte behind it.

/// Appends an unsigned number: at most 10 bytes.
pub(super) fn write_u64(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number: at most 11 bytes.
pub(super) fn write_i64(value: i64, out: &mut Vec<u8>) {
    if value >= 0 {
        return write_u64(value.unsigned_abs(), out);
    }
    let mut rest = value.unsigned_abs();
    while rest > 0 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(0);
}

/// Takes an unsigned number from the front of `data`; nothing if it is cut off or too large.
pub(super) fn read_u64(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(data)?;
        value |= shifted(byte, shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Takes a signed number from the front of `data`; nothing if it is cut off or too large.
pub(super) fn read_i64(data: &mut &[u8]) -> Option<i64> {
    let mut value = 0;
    for shift in (0..=70).step_by(7) {
        let byte = take_byte(data)?;
        if byte == 0 {
            // The most negative number has no positive counterpart.
            return 0i64.checked_sub_unsigned(value);
        }
        value |= shifted(byte, shift)?;
        if byte < 0x80 {
            return i64::try_from(value).ok();
        }
    }
    None
}

fn take_byte(data: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = data.split_first()?;
    *data = rest;
    Some(*byte)
}

/// The byte's seven bits in their place; nothing if one of them falls off the end.
fn shifted(byte: u8, shift: u32) -> Option<u64> {
    let bits = u64::from(byte & 0x7f);
    let value = bits.checked_shl(shift)?;
    (value >> shift == bits).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V11 of formats.md 12.
    #[test]
    fn numbers_of_the_specification() {
        let unsigned: [(u64, &[u8]); 6] = [
            (0, &[0x00]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (300, &[0xac, 0x02]),
            (1_700_000_000, &[0x80, 0xe2, 0xcf, 0xaa, 0x06]),
            (
                u64::MAX,
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            ),
        ];
        for (value, bytes) in unsigned {
            let mut out = Vec::new();
            write_u64(value, &mut out);
            assert_eq!(out, bytes, "{value}");
            let mut rest = bytes;
            assert_eq!(
                (read_u64(&mut rest), rest),
                (Some(value), &[][..]),
                "{value}"
            );
            assert_eq!(
                read_u64(&mut &bytes[..bytes.len() - 1]),
                None,
                "{value} cut off"
            );
        }
        let signed: [(i64, &[u8]); 12] = [
            (0, &[0x00]),
            (127, &[0x7f]),
            (-127, &[0xff, 0x00]),
            (128, &[0x80, 0x01]),
            (-128, &[0x80, 0x81, 0x00]),
            (300, &[0xac, 0x02]),
            (-300, &[0xac, 0x82, 0x00]),
            (-1, &[0x81, 0x00]),
            (1_700_000_000, &[0x80, 0xe2, 0xcf, 0xaa, 0x06]),
            (-1_700_000_000, &[0x80, 0xe2, 0xcf, 0xaa, 0x86, 0x00]),
            (
                i64::MAX,
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            ),
            (
                i64::MIN,
                &[
                    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x00,
                ],
            ),
        ];
        for (value, bytes) in signed {
            let mut out = Vec::new();
            write_i64(value, &mut out);
            assert_eq!(out, bytes, "{value}");
            let mut rest = bytes;
            assert_eq!(
                (read_i64(&mut rest), rest),
                (Some(value), &[][..]),
                "{value}"
            );
            assert_eq!(
                read_i64(&mut &bytes[..bytes.len() - 1]),
                None,
                "{value} cut off"
            );
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        let cases: [&[u8]; 3] = [&[0xff; 9], &[0xff; 10], &[0xff; 12]];
        for bytes in cases {
            assert_eq!(read_u64(&mut &bytes[..]), None);
        }
        // 2^64, and one bit too many in the tenth byte.
        let mut too_large = vec![0x80; 9];
        too_large.push(0x02);
        assert_eq!(read_u64(&mut &too_large[..]), None);
        // -(2^63 + 1) and 2^63.
        assert_eq!(
            read_i64(
                &mut &[
                    0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x00
                ][..]
            ),
            None
        );
        assert_eq!(
            read_i64(&mut &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01][..]),
            None
        );
    }
}
