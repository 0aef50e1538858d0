//! A key on paper: text or a web page, with QR codes that bring it back (cli.md 3.10).
//!
//! Pure: lines in, text out. A sheet holds lines that are printed and coded, joined by line
//! ends, into one QR code of error level M without margin. The frame around a key file is only
//! printed: the code holds the file itself.

use qrcode::{Color, EcLevel, QrCode};

const BEGIN: &str = "-----BEGIN PROXMOX BACKUP KEY-----";
const END: &str = "-----END PROXMOX BACKUP KEY-----";
/// Lines of a private key that a sheet of text, and one of a page, takes.
const TEXT_LINES: usize = 5;
const PAGE_LINES: usize = 20;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A key file.
    Key(&'a [String]),
    /// A private key in PEM form, which takes several codes.
    Pem(&'a [String]),
}

/// The lines do not fit into a QR code.
#[derive(Debug, thiserror::Error)]
#[error("{bytes} bytes do not fit into a QR code")]
pub struct TooLong {
    bytes: usize,
    source: qrcode::types::QrError,
}

/// For a printer of text. PEM lines are numbered, and each of their sheets ends with a form feed.
pub fn text(content: Content<'_>, subject: Option<&str>) -> Result<String, TooLong> {
    let mut out = String::new();
    if let Some(subject) = subject {
        out += &format!("Subject: {subject}\n\n");
    }
    match content {
        Content::Key(lines) => {
            out += &framed(lines);
            out += &half_blocks(&code(lines)?);
            out.push('\n');
        }
        Content::Pem(lines) => {
            for (sheet, lines) in lines.chunks(TEXT_LINES).enumerate() {
                out += &numbered(lines, sheet * TEXT_LINES);
                out += &half_blocks(&code(lines)?);
                out += "\n\x0c";
            }
        }
    }
    Ok(out)
}

/// For a web browser's printer.
pub fn html(content: Content<'_>, subject: Option<&str>) -> Result<String, TooLong> {
    let mut body = String::new();
    match content {
        Content::Key(lines) => body += &section(framed(lines).trim_end(), lines, subject)?,
        Content::Pem(lines) => {
            for (sheet, lines) in lines.chunks(PAGE_LINES).enumerate() {
                let shown = numbered(lines, sheet * PAGE_LINES);
                body += &section(shown.trim_end(), lines, subject)?;
            }
        }
    }
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Strongroom paper key</title>\n\
         <style>\np {{ font-size: 12pt; font-family: monospace; white-space: pre-wrap; line-break: anywhere; }}\n\
         section + section {{ break-before: page; }}\n</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    ))
}

fn section(shown: &str, coded: &[String], subject: Option<&str>) -> Result<String, TooLong> {
    let subject = subject.map_or(String::new(), |text| {
        format!("<p>Subject: {}</p>\n", escaped(text))
    });
    Ok(format!(
        "<section>\n{subject}<p>\n{}\n</p>\n<center>\n{}</center>\n</section>\n",
        escaped(shown),
        svg(&code(coded)?)
    ))
}

fn framed(lines: &[String]) -> String {
    format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
}

fn numbered(lines: &[String], first: usize) -> String {
    let lines = lines.iter().enumerate();
    lines
        .map(|(at, line)| format!("{}: {line}\n", first + at))
        .collect()
}

fn code(lines: &[String]) -> Result<QrCode, TooLong> {
    let text = lines.join("\n");
    QrCode::with_error_correction_level(&text, EcLevel::M).map_err(|source| TooLong {
        bytes: text.len(),
        source,
    })
}

/// Two rows of modules per line, dark ones as blocks.
fn half_blocks(code: &QrCode) -> String {
    let width = code.width();
    let dark = |x, y| y < width && code[(x, y)] == Color::Dark;
    let mut out = String::new();
    for y in (0..width).step_by(2) {
        let line = (0..width).map(|x| match (dark(x, y), dark(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        });
        out.extend(line);
        out.push('\n');
    }
    out
}

/// Runs of dark modules as one path; 500 points wide.
fn svg(code: &QrCode) -> String {
    let width = code.width();
    let mut path = String::new();
    for y in 0..width {
        let mut x = 0;
        while x < width {
            let run = (x..width)
                .take_while(|x| code[(*x, y)] == Color::Dark)
                .count();
            if run > 0 {
                path += &format!("M{x} {y}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"500pt\" height=\"500pt\" viewBox=\"0 0 {width} {width}\" \
         shape-rendering=\"crispEdges\"><path d=\"{path}\"/></svg>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("{at:064}")).collect()
    }

    #[test]
    fn a_code_has_its_three_eyes() {
        let code = code(&["x".into()]).unwrap();
        let text = half_blocks(&code);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!((code.width(), rows.len()), (21, 11));
        for row in &rows {
            assert_eq!(row.chars().count(), 21);
        }
        assert!(rows[0].starts_with("█▀▀▀▀▀█") && rows[0].ends_with("█▀▀▀▀▀█"));
        assert!(rows[10].starts_with("▀▀▀▀▀▀▀"));
    }

    #[test]
    fn sheets() {
        let key = lines(3);
        let pem = lines(27);
        let sheets = |text: &str, mark: &str| text.matches(mark).count();
        let printed = text(Content::Key(&key), Some("a & b")).unwrap();
        assert!(
            printed.starts_with("Subject: a & b\n\n-----BEGIN PROXMOX BACKUP KEY-----\n000"),
            "{printed}"
        );
        assert!(printed.ends_with("\n\n"));
        assert_eq!(sheets(&printed, "\x0c"), 0);
        let printed = text(Content::Pem(&pem), None).unwrap();
        assert_eq!(sheets(&printed, "\x0c"), 6);
        assert!(printed.starts_with("0: 000") && printed.contains("\n26: 000"));
        let page = html(Content::Pem(&pem), Some("a & <b>")).unwrap();
        assert_eq!(
            (sheets(&page, "<svg "), sheets(&page, "a &amp; &lt;b&gt;")),
            (2, 2)
        );
        assert_eq!(sheets(&html(Content::Key(&key), None).unwrap(), "<svg "), 1);
    }

    #[test]
    fn a_code_has_an_end() {
        assert!(text(Content::Key(&["x".repeat(2400)]), None).is_err());
    }
}
