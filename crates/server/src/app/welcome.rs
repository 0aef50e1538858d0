//! What the settings of the server say to whoever has not logged in yet: a text to agree to, a language. The app finds it in its start page, as
//! `meta` elements: data in attributes, so the page's policy needs no exception for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use config::files::Node;

/// Before it there is room.
const END_OF_HEAD: &[u8] = b"</head>";

/// The settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Welcome {
    /// Mostly base64 of Markdown; the app reads it.
    consent: Option<String>,
    /// Of the interface, for those who chose none.
    language: Option<String>,
}

/// Said in place of the text to agree to, while nobody knows it.
const UNKNOWN: &str = "The settings of this server cannot be read now. If there is a text to agree to before the login, it is missing here.\n\n\
The log of the server says what is wrong.";

impl Welcome {
    /// Of settings that cannot be read and never were: what may be missing is not left out without a word.
    pub fn unknown() -> Welcome {
        Welcome {
            consent: Some(STANDARD.encode(UNKNOWN)),
            language: None,
        }
    }

    /// Whether there is a text to agree to.
    pub fn asks_for_consent(&self) -> bool {
        self.consent.is_some()
    }

    /// What `node.cfg` says (server.md 1.4).
    pub fn of(node: &Node) -> Welcome {
        let text = |key| {
            node.text(key)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Welcome {
            consent: text("consent-text"),
            language: text("default-lang"),
        }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Welcome::default()
    }

    /// The page with it; one whose head has no end stays as it is.
    pub fn written_into(&self, page: &[u8]) -> Vec<u8> {
        let end = page
            .windows(END_OF_HEAD.len())
            .position(|part| part == END_OF_HEAD);
        let (head, rest) = page.split_at(end.unwrap_or(0));
        let mut written = head.to_vec();
        let said = [
            ("strongroom-consent", &self.consent),
            ("strongroom-language", &self.language),
        ];
        for (name, value) in said {
            if let Some(value) = value
                && end.is_some()
            {
                let meta = format!("<meta name=\"{name}\" content=\"{}\">\n", escaped(value));
                written.extend_from_slice(meta.as_bytes());
            }
        }
        written.extend_from_slice(rest);
        written
    }
}

/// As it may stand between double quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(settings: &str) -> Welcome {
        Welcome::of(&Node::parse(settings).expect("settings"))
    }

    #[test]
    fn settings_stand_at_the_end_of_the_head() {
        let page = b"<html><head><title>x</title></head><body></head></body></html>";
        for (settings, expected) in [
            ("", ""),
            ("http-proxy: http://p:3128\n", ""),
            (
                "consent-text: SGVsbG8=\n",
                "<meta name=\"strongroom-consent\" content=\"SGVsbG8=\">\n",
            ),
            (
                "default-lang: de\n",
                "<meta name=\"strongroom-language\" content=\"de\">\n",
            ),
            // Nobody makes sure that it is base64.
            (
                "consent-text: \"><script>alert('1&2')</script>\ndefault-lang: en\n",
                "<meta name=\"strongroom-consent\" \
                 content=\"&quot;&gt;&lt;script&gt;alert(&#39;1&amp;2&#39;)&lt;/script&gt;\">\n\
                 <meta name=\"strongroom-language\" content=\"en\">\n",
            ),
        ] {
            let welcome = welcome(settings);
            assert_eq!(welcome.is_empty(), expected.is_empty(), "{settings}");
            let written = welcome.written_into(page);
            let expected =
                format!("<html><head><title>x</title>{expected}</head><body></head></body></html>");
            assert_eq!(String::from_utf8_lossy(&written), expected, "{settings}");
        }
    }

    #[test]
    fn a_page_without_a_head_stays_as_it_is() {
        let welcome = welcome("consent-text: SGVsbG8=\n");
        for page in [&b""[..], b"<", b"<!doctype html><title>x</title>"] {
            assert_eq!(welcome.written_into(page), page);
        }
    }
}
