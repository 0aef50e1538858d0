//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};

/// What kind of numbers a family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
}

/// A page that is being written.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

/// One family: what follows are its samples.
#[derive(Debug)]
pub struct Family<'a> {
    page: &'a mut Page,
    name: &'static str,
}

impl Page {
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { page: self, name }
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// One number.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        let out = &mut self.page.text;
        out.push_str(self.name);
        for (place, (name, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(out, "{before}{name}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            out.push('}');
        }
        let _ = writeln!(out, " {value}");
        self
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page() {
        let mut page = Page::default();
        page.family("up_total", Kind::Counter, "Times up.")
            .sample(&[], 3);
        page.family("size", Kind::Gauge, "Size.")
            .sample(&[("a", "x\"y\\z\n"), ("b", "")], 1.5)
            .sample(&[("a", "é")], 0);
        let expected = "\
# HELP up_total Times up.
# TYPE up_total counter
up_total 3
# HELP size Size.
# TYPE size gauge
size{a=\"x\\\"y\\\\z\\n\",b=\"\"} 1.5
size{a=\"é\"} 0
";
        assert_eq!(page.into_text(), expected);
    }
}
