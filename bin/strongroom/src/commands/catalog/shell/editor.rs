//! Where lines come from: a terminal with editing, history and completion, or standard input.

use std::cell::RefCell;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use anyhow::Result;
use client::RemoteArchive;
use client::browse::Browser;
use console::report::Failure;
use console::shown;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Editor, Helper};

use super::line::COMMANDS;

/// A longer line is not one that somebody typed.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// The place lines come from, with the engine that completes them.
pub enum Input {
    Terminal(Box<Editor<Words, MemHistory>>),
    Stream(Box<Browser<RemoteArchive>>),
}

impl Input {
    pub fn new(browser: Browser<RemoteArchive>) -> Result<Input> {
        if !io::stdin().is_terminal() {
            return Ok(Input::Stream(Box::new(browser)));
        }
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .build();
        let mut editor = Editor::with_history(config, MemHistory::new()).map_err(unusable)?;
        editor.set_helper(Some(Words(RefCell::new(browser))));
        Ok(Input::Terminal(Box::new(editor)))
    }

    pub fn is_terminal(&self) -> bool {
        matches!(self, Input::Terminal(_))
    }

    pub fn browser(&mut self) -> &mut Browser<RemoteArchive> {
        match self {
            Input::Stream(browser) => browser,
            Input::Terminal(editor) => editor
                .helper_mut()
                .expect("`new` set the helper")
                .0
                .get_mut(),
        }
    }

    /// The next line without its end; `None` at the end of the input.
    pub fn read(&mut self) -> Result<Option<Vec<u8>>> {
        match self {
            Input::Stream(_) => read_stream(),
            Input::Terminal(_) => {
                let here = self.browser().path();
                let prompt = prompt(&here);
                let Input::Terminal(editor) = self else {
                    return Ok(None);
                };
                match editor.readline(&prompt) {
                    Ok(line) => Ok(Some(line.into_bytes())),
                    // Ctrl-C gives the line up, not the shell.
                    Err(ReadlineError::Interrupted) => Ok(Some(Vec::new())),
                    Err(ReadlineError::Eof) => Ok(None),
                    Err(error) => Err(unusable(error).into()),
                }
            }
        }
    }
}

fn prompt(here: &[u8]) -> String {
    let here = std::str::from_utf8(here).unwrap_or("<non-utf8-dir>");
    format!("pxar:{} > ", shown::name(here.as_bytes()))
}

fn unusable(error: ReadlineError) -> Failure {
    Failure::new("cannot read from the terminal")
        .cause(error)
        .hint("commands can also be given on standard input")
}

fn read_stream() -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock().take(LINE_BYTES_MAX + 1);
    let read = stdin.read_until(b'\n', &mut line);
    read.map_err(|error| Failure::new("cannot read standard input").cause(error))?;
    if line.len() as u64 > LINE_BYTES_MAX {
        return Err(Failure::new(format!("a line has more than {LINE_BYTES_MAX} bytes")).into());
    }
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(Some(line))
}

/// Completes commands, and paths of the archive.
pub struct Words(RefCell<Browser<RemoteArchive>>);

impl Completer for Words {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = &line[..position];
        let (start, word) = last_word(typed);
        if typed[..start].trim().is_empty() {
            let names = COMMANDS.iter().filter(|name| name.starts_with(&word));
            let pairs = names.map(|name| Pair {
                display: (*name).to_owned(),
                replacement: format!("{name} "),
            });
            return Ok((start, pairs.collect()));
        }
        let found = self.0.borrow_mut().complete(word.as_bytes());
        let texts = found.into_iter().filter_map(typeable);
        let pairs = texts.map(|text| {
            let begin = text.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
            let end = if text.ends_with('/') { "" } else { " " };
            Pair {
                display: text[begin..].to_owned(),
                replacement: escape(&text) + end,
            }
        });
        Ok((start, pairs.collect()))
    }
}

/// Names that are not text cannot be typed, and those that would steer the terminal had better not stand in the line; patterns match both.
fn typeable(name: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(name).ok()?;
    (*shown::name(text.as_bytes()) == *text).then_some(text)
}

/// Where the word at the end begins, and what it stands for. Quotes that are open count as well.
fn last_word(typed: &str) -> (usize, String) {
    let (mut start, mut word, mut quote) = (0, String::new(), None);
    let mut letters = typed.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (None, ' ' | '\t') => (start, word) = (at + 1, String::new()),
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None | Some('"'), '\\') => word.extend(letters.next().map(|(_, next)| next)),
            (_, letter) => word.push(letter),
        }
    }
    (start, word)
}

/// A word that the shell's grammar reads as `text`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ' ' | '\t' | '\\' | '\'' | '"' | '#') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Validator for Words {}

impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_under_the_cursor() {
        for (typed, expected) in [
            ("", (0, "")),
            ("l", (0, "l")),
            ("ls ", (3, "")),
            ("ls a\\ b", (3, "a b")),
            ("ls 'a b", (3, "a b")),
            ("ls \"a b\"c", (3, "a bc")),
            ("ls x \u{e9}", (5, "\u{e9}")),
            ("ls a\\", (3, "a")),
        ] {
            let (start, word) = last_word(typed);
            assert_eq!((start, word.as_str()), expected, "{typed}");
        }
    }

    #[test]
    fn what_is_completed_is_read_back() {
        for text in [
            "plain",
            "with blank",
            "it's",
            "a\"b\\c",
            "#x",
            "*?[y]",
            "tab\there",
        ] {
            let words = shlex::split(&escape(text)).expect("words");
            assert_eq!(words, [text]);
        }
    }

    #[test]
    fn hostile_names_are_not_typed() {
        for (name, is_typed) in [
            (&b"it's \"a\" b"[..], true),
            (b"a\x1b[2J", false),
            (b"a\nb/", false),
            (b"\xff", false),
        ] {
            assert_eq!(typeable(name.to_vec()).is_some(), is_typed);
        }
    }

    #[test]
    fn prompts() {
        assert_eq!(prompt(b"/"), "pxar:/ > ");
        assert_eq!(prompt(b"/a\x1b[2J"), "pxar:/a\\u{1b}[2J > ");
        let turned = prompt("/gpj.\u{202e}exe".as_bytes());
        assert_eq!(turned, "pxar:/gpj.\\u{202e}exe > ");
        assert_eq!(prompt(b"/\xff"), "pxar:<non-utf8-dir> > ");
    }
}
