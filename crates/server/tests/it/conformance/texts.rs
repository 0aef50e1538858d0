//! Texts to try a parameter with, and whether the specification takes them: patterns are compared by what they accept and refuse.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use regex_automata::meta::Regex;

use super::spec::Shape;

const HEX_64: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const HEX_64_UPPER: &str = "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef";
const FINGERPRINT: &str = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";
pub const UPID: &str = "UPID:pbs:00000001:00000001:00000001:60000000:backup:x:test@pbs:";

/// Texts near the borders of the patterns there are; the first that a pattern takes is also what a valid request gives.
pub const POOL: &[&str] = &[
    "job-1",
    "test@pbs",
    "abc",
    "a",
    "ab",
    "",
    "0",
    "_x.y-z",
    "-dash",
    ".dot",
    "with space",
    "tab\tbed",
    "two\nlines",
    "nul\0",
    "del\u{7f}",
    "ümläut",
    "a/b",
    "a/b/c/d/e/f/g",
    "a/b/c/d/e/f/g/h",
    "a/b/c/d/e/f/g/h/i",
    "/",
    "/a",
    "/a/b",
    "/a/",
    "//a",
    "a//b",
    "x@y",
    "@pbs",
    "us er@pbs",
    "us:er@pbs",
    "us/er@pbs",
    "a@b@pbs",
    "test@pbs!tok",
    "test@pbs!",
    "test@pbs!a!b",
    "test!tok",
    "user@-realm",
    "host",
    "host.example.com",
    "host-",
    "-host",
    "host..example",
    "under_score",
    "192.0.2.1",
    "192.0.2.256",
    "192.0.2",
    "192.0.2.0/24",
    "192.0.2.0/240",
    "192.0.2.0/",
    "2001:db8::1",
    "[2001:db8::1]",
    "2001:db8::/32",
    "2001:db8:::1",
    "::",
    "::1",
    "http://host:8086",
    "https://host/path",
    "https://[2001:db8::1]:1",
    "http://",
    "ftp://host",
    "http://ho st",
    HEX_64,
    HEX_64_UPPER,
    "0123456789abcdef",
    FINGERPRINT,
    "00:11",
    "123e4567-e89b-12d3-a456-426614174000",
    "123E4567-e89b-12d3-a456-426614174000",
    UPID,
    "UPID:pbs:1:1:1:6:backup:x:test@pbs:",
    "UPID:pbs:00000001:00000001:00000001:60000000:backup::test@pbs!tok:",
    "UPID:pbs:00000001:00000001:00000001:60000000:backup:x:test@pbs",
    "upid:pbs:00000001:00000001:00000001:60000000:backup:x:test@pbs:",
    "sda",
    "sda1",
    "xvdb",
    "nvme0n1",
    "nvme0n1p1",
    "nvme0",
    "eth0",
    "vmbr0.5",
    "0eth",
    "2024-01-02",
    "2024-01-02 03:04",
    "2024-01-02 03:04:05",
    "2024-1-2",
    "pbsc-0123456789",
    "pbsx-0123456789",
    "pve-0123456789",
    "eu-central-1",
    "EU",
    "no-subscription",
    "no--subscription",
    "libc6-dev",
    "Libc6",
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20",
    "a%b",
    "{{bucket}}.s3.{{region}}.example.com",
    "s3.{{region}}.example.com",
    "{{other}}.example.com",
    "mon..fri",
    "daily",
    "10MiB",
    "group:host/a",
    "type:vm",
    "<a@b>",
    "a#b",
    "domain.example.com",
    "*.example.com",
];

/// Compiled once each.
static REGEXES: LazyLock<Mutex<HashMap<String, &'static Regex>>> = LazyLock::new(Mutex::default);

fn regex(pattern: &str) -> &'static Regex {
    let mut known = REGEXES.lock().expect("no panic while locked");
    known.entry(pattern.to_owned()).or_insert_with(|| {
        let bare = pattern.strip_prefix('/').and_then(|p| p.strip_suffix('/'));
        let bare = bare.unwrap_or(pattern);
        Box::leak(Box::new(Regex::new(bare).expect("a pattern of the dump")))
    })
}

/// Whether a text is a value of this shape. Nothing where only the original's code knows.
pub fn takes(shape: &Shape, text: &str) -> Option<bool> {
    match shape.kind.as_str() {
        "string" => takes_text(shape, text),
        "integer" => Some(
            text.parse::<i64>()
                .is_ok_and(|n| in_bounds(shape, n as f64)),
        ),
        "number" => Some(text.parse::<f64>().is_ok_and(|n| in_bounds(shape, n))),
        "boolean" => {
            let words = ["1", "on", "yes", "true", "0", "off", "no", "false"];
            Some(words.contains(&text.to_ascii_lowercase().as_str()))
        }
        // Of a repeated key, one element at a time.
        "array" => takes(shape.items.as_deref()?, text),
        other => panic!("unknown type {other}"),
    }
}

fn in_bounds(shape: &Shape, n: f64) -> bool {
    shape.minimum.is_none_or(|min| n >= min) && shape.maximum.is_none_or(|max| n <= max)
}

fn takes_text(shape: &Shape, text: &str) -> Option<bool> {
    let chars = text.chars().count();
    if shape.min_length.is_some_and(|min| chars < min)
        || shape.max_length.is_some_and(|max| chars > max)
    {
        return Some(false);
    }
    if let Some(words) = &shape.words {
        return Some(words.iter().any(|word| word == text));
    }
    if let Some(pattern) = &shape.pattern {
        return Some(regex(pattern).is_match(text));
    }
    // Grammars: compared by their fields where the dump has them.
    (shape.format.is_none() && shape.typetext.is_none()).then_some(true)
}

/// Values at and beyond the borders of a shape.
pub fn borders(shape: &Shape) -> Vec<String> {
    let shape = shape.items.as_deref().unwrap_or(shape);
    let mut texts: Vec<String> = POOL.iter().map(|text| (*text).to_owned()).collect();
    for bound in [shape.minimum, shape.maximum].into_iter().flatten() {
        texts.extend([-1.0, 0.0, 1.0].map(|step| (bound + step).to_string()));
    }
    for length in [shape.min_length, shape.max_length].into_iter().flatten() {
        texts.extend([length.saturating_sub(1), length, length + 1].map(|n| "x".repeat(n)));
    }
    texts.extend(shape.words.iter().flatten().cloned());
    texts.extend(["true", "OFF", "2", "-1", "1.5", "nope"].map(str::to_owned));
    texts
}

/// A value that the specification takes.
pub fn sample(shape: &Shape) -> String {
    let shape = shape.items.as_deref().unwrap_or(shape);
    if let Some(word) = shape.words.iter().flatten().next() {
        return word.clone();
    }
    if let Some(format) = &shape.format {
        let first = format
            .properties
            .iter()
            .find(|(_, field)| !field.is_optional());
        let first = first.or_else(|| format.properties.iter().next());
        if let Some((name, field)) = first {
            return format!("{name}={}", sample(field));
        }
        return format.items.as_deref().map(sample).unwrap_or_default();
    }
    if shape.typetext.as_deref() == Some("<calendar-event>") {
        return "daily".to_owned();
    }
    let mut texts = borders(shape).into_iter();
    texts
        .find(|text| !text.is_empty() && takes(shape, text) == Some(true))
        .unwrap_or_else(|| "x".to_owned())
}

/// A value that the specification refuses, if there is one that a query can carry.
pub fn wrong(shape: &Shape) -> Option<String> {
    borders(shape)
        .into_iter()
        .find(|text| !text.is_empty() && takes(shape, text) == Some(false))
}

/// What the original says about a wrong value: the text, or where values stand in it, its beginning.
pub fn complaint(shape: &Shape, text: &str) -> String {
    let shape = shape.items.as_deref().unwrap_or(shape);
    match shape.kind.as_str() {
        "boolean" => return "Unable to parse boolean option.".to_owned(),
        "integer" | "number" => {
            return match text.parse::<f64>() {
                // The words of the number parser are its own.
                Err(_) => String::new(),
                Ok(_) if shape.kind == "integer" && text.contains('.') => String::new(),
                Ok(n) => match (shape.minimum, shape.maximum) {
                    (Some(min), _) if n < min => {
                        format!("value must have a minimum value of {min} (got {text})")
                    }
                    (_, Some(max)) => {
                        format!("value must have a maximum value of {max} (got {text})")
                    }
                    _ => String::new(),
                },
            };
        }
        _ => {}
    }
    let chars = text.chars().count();
    match (shape.min_length, shape.max_length, &shape.words) {
        (_, _, Some(_)) => format!("value '{text}' is not defined in the enumeration."),
        (Some(min), _, _) if chars < min => format!("value must be at least {min} characters long"),
        (_, Some(max), _) if chars > max => format!("value may only be {max} characters long"),
        _ => "value does not match the regex pattern".to_owned(),
    }
}
