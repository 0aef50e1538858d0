//! The patterns that texts on the wire must match, as plain functions (server.md 6.1).
//!
//! Only the shape of the characters is looked at; lengths stand beside the pattern in a schema.

/// `[A-Za-z0-9_][A-Za-z0-9._-]*`
pub fn safe_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    bytes.next().is_some_and(word) && bytes.all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// A user or group name: no white space, `:`, `/` or control character.
pub fn user_name(text: &str) -> bool {
    !text.is_empty()
        && !text
            .contains(|c: char| c.is_whitespace() || c.is_ascii_control() || c == ':' || c == '/')
}

/// `name@realm`; the last `@` separates.
pub fn userid(text: &str) -> bool {
    text.rsplit_once('@')
        .is_some_and(|(name, realm)| user_name(name) && safe_id(realm))
}

/// `name@realm` or `name@realm!token`.
pub fn auth_id(text: &str) -> bool {
    let Some((name, realm)) = text.rsplit_once('@') else {
        return false;
    };
    match realm.split_once('!') {
        Some((realm, token)) => user_name(name) && safe_id(realm) && safe_id(token),
        None => user_name(name) && safe_id(realm),
    }
}

/// Up to eight safe-id components joined by `/`; the empty text is the root.
pub fn namespace(text: &str) -> bool {
    text.is_empty() || (text.split('/').all(safe_id) && text.split('/').count() <= 8)
}

/// `vm/100`: type and id.
pub fn group(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, id)| matches!(kind, "vm" | "ct" | "host") && safe_id(id))
}

/// `/` or `/` before each safe-id component.
pub fn acl_path(text: &str) -> bool {
    text == "/"
        || text
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(safe_id))
}

/// 64 lower-case hexadecimal digits.
pub fn sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// 32 pairs of hexadecimal digits joined by `:`, either case.
pub fn fingerprint(text: &str) -> bool {
    text.len() == 95
        && text
            .split(':')
            .all(|pair| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Lower-case UUID with hyphens.
pub fn uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    lengths.iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length
                && part
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }) && parts.next().is_none()
}

/// No control character: one line of text.
pub fn single_line(text: &str) -> bool {
    !text.contains(|c: char| c.is_control())
}

/// Lines without control characters, ended by LF.
pub fn multi_line(text: &str) -> bool {
    text.split('\n').all(single_line)
}

/// A single DNS label.
pub fn hostname(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && !text.starts_with('-') && !text.ends_with('-') && text.bytes().all(inner)
}

/// DNS labels joined by dots; IPv4 addresses match too.
pub fn dns_name(text: &str) -> bool {
    text.split('.').all(hostname)
}

/// `http://` or `https://`, a host (a name, IPv4, IPv6 with or without brackets), a port unless the host is a bare IPv6 address, and a path
/// without control characters.
pub fn http_url(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
    else {
        return false;
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_v6 = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    let host_and_port = |host: &str, port: Option<&str>| {
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        inner.map_or_else(|| dns_name(host), is_v6) && port.is_none_or(port_number)
    };
    let is_host = is_v6(authority)
        || match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => host_and_port(host, Some(port)),
            _ => host_and_port(authority, None),
        };
    is_host && !path.contains(|c: char| c.is_ascii_control())
}

/// 0 to 65535, with five digits without a leading zero.
fn port_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !(text.len() == 5 && text.starts_with('0'))
        && text.len() <= 5
        && text.parse::<u16>().is_ok()
}

/// A DNS name, or an IP address without brackets.
pub fn host(text: &str) -> bool {
    dns_name(text) || text.parse::<std::net::Ipv6Addr>().is_ok()
}

/// A DNS name, or an IP address, IPv6 in brackets.
fn url_host(text: &str) -> bool {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => dns_name(text),
    }
}

/// Host and port; IPv6 stands in brackets.
pub fn host_port(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, number)| url_host(host) && port_number(number))
}

/// The host of an object store: `{{bucket}}.` may stand before it, `{{region}}` for any label but the last.
pub fn s3_endpoint(text: &str) -> bool {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return true;
    }
    let name = text.strip_prefix("{{bucket}}.").unwrap_or(text);
    let (labels, last) = name
        .rsplit_once('.')
        .map_or((None, name), |(labels, last)| (Some(labels), last));
    hostname(last)
        && labels.is_none_or(|labels| {
            labels
                .split('.')
                .all(|label| label == "{{region}}" || hostname(label))
        })
}

/// A region of an object store.
pub fn s3_region(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let mut bytes = text.bytes();
    bytes.next().is_some_and(first)
        && bytes.len() > 0
        && bytes.all(|byte| first(byte) || byte == b'-')
}

/// The name of a bucket; some beginnings and endings belong to the providers.
pub fn s3_bucket(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let taken = ["xn--", "sthree-", "amzn-s3-demo-"];
    let endings = ["--ol-s3", ".mrap", "--x-s3"];
    text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !taken.iter().any(|start| text.starts_with(start))
        && !endings.iter().any(|end| text.ends_with(end))
}

/// What may stand in a URI: no control character, blank, `<`, `>`, `#` or `"`.
pub fn uri(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_control() || matches!(c, ' ' | '<' | '>' | '#' | '"'))
}

/// A task id's outer shape; the parser looks closer.
pub fn upid(text: &str) -> bool {
    text.starts_with("UPID:")
        && text.ends_with(':')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, expected) in [
            ("http://a", true),
            ("https://mail.example.org:8443/a?b={{ c }}#d", true),
            ("http://10.0.0.1:65535/", true),
            ("http://[fd00::1]:80/x", true),
            ("http://[fd00::1]", true),
            ("http://fd00::1/x", true),
            ("ftp://a", false),
            ("http://", false),
            ("http:///x", false),
            ("http://a:", false),
            ("http://a:65536", false),
            ("http://a:01234", false),
            ("http://a_b/", false),
            ("http://user@a/", false),
            ("http://[fd00::1", false),
            ("http://[fd00]/", false),
            ("http://a?b", false),
            ("http://a/\n", false),
            ("http://a/\u{7f}", false),
        ] {
            assert_eq!(http_url(text), expected, "{text}");
        }
    }
}
