//! Questions to the person at the terminal (cli.md 1.9).
//!
//! A password is typed in raw mode, a star for each byte; the terminal's mode is put back on
//! every way out. Without a terminal nothing is asked: the caller gets
//! [`PromptError::NoTerminal`] and words it for its need.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

/// Longest password taken from the keyboard, in bytes.
pub const PASSWORD_MAX: usize = 4096;
/// Shortest password for a key, in bytes.
pub const NEW_PASSWORD_MIN: usize = 5;

/// No answer was got.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Standard input is no terminal.
    #[error("no password input mechanism available")]
    NoTerminal,
    /// Ctrl-C.
    #[error("cancelled")]
    Cancelled,
    #[error("Passwords do not match!")]
    Different,
    #[error("Password too short!")]
    TooShort,
    #[error("password is longer than {PASSWORD_MAX} bytes")]
    TooLong,
    #[error("password is not valid UTF-8")]
    NotText,
    #[error("cannot talk to the terminal")]
    Terminal(#[source] io::Error),
}

impl From<io::Error> for PromptError {
    fn from(error: io::Error) -> PromptError {
        PromptError::Terminal(error)
    }
}

/// Text that is wiped when dropped.
pub type Password = Zeroizing<String>;

/// Asks for a password; the question appears on standard output if that is a terminal, else on
/// the controlling terminal.
pub fn password(question: &str) -> Result<Password, PromptError> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(PromptError::NoTerminal);
    }
    let mut out = terminal_out()?;
    // Before the question is seen: what is typed ahead of raw mode would be echoed or lost.
    let raw = RawMode::enter(&stdin)?;
    write!(out, "{question}")?;
    out.flush()?;
    let typed = type_in(&mut stdin.lock(), &mut out);
    drop(raw);
    writeln!(out)?;
    out.flush()?;
    let typed = typed?;
    match std::str::from_utf8(&typed) {
        Ok(text) => Ok(Zeroizing::new(text.to_string())),
        Err(_) => Err(PromptError::NotText),
    }
}

/// Asks twice; both must agree and be long enough.
pub fn new_password(question: &str, again: &str) -> Result<Password, PromptError> {
    let first = password(question)?;
    let second = password(again)?;
    if *first != *second {
        return Err(PromptError::Different);
    }
    if first.len() < NEW_PASSWORD_MIN {
        return Err(PromptError::TooShort);
    }
    Ok(first)
}

/// Asks on standard error until the answer is `y` or `n`; no terminal or end of input is no.
pub fn confirm(question: &str) -> Result<bool, PromptError> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    loop {
        write!(io::stderr(), "{question}")?;
        let mut answer = String::new();
        if stdin.lock().take(64).read_line(&mut answer)? == 0 {
            return Ok(false);
        }
        match answer.trim() {
            "y" | "Y" => return Ok(true),
            "n" | "N" => return Ok(false),
            _ => {}
        }
    }
}

fn terminal_out() -> io::Result<File> {
    let stdout = io::stdout();
    if stdout.is_terminal() {
        return Ok(File::from(stdout.as_fd().try_clone_to_owned()?));
    }
    File::options().write(true).open("/dev/tty")
}

/// Reads keys until Enter or the end of input.
fn type_in(keys: &mut impl Read, echo: &mut impl Write) -> Result<Zeroizing<Vec<u8>>, PromptError> {
    // Reserved once, so that no copy is left behind by growing.
    let mut typed = Zeroizing::new(Vec::with_capacity(PASSWORD_MAX));
    let mut stars = true;
    loop {
        let mut key = [0];
        if keys.read(&mut key)? == 0 {
            return Ok(typed);
        }
        match key[0] {
            b'\r' | b'\n' | 0x04 => return Ok(typed),
            0x03 => return Err(PromptError::Cancelled),
            b'\t' => stars = false,
            0x7f => {
                if typed.pop().is_some() && stars {
                    write!(echo, "\x08 \x08")?;
                }
            }
            _ if typed.len() == PASSWORD_MAX => return Err(PromptError::TooLong),
            byte => {
                typed.push(byte);
                if stars {
                    write!(echo, "*")?;
                }
            }
        }
        echo.flush()?;
    }
}

/// Keys arrive one by one, unechoed and without signals, until this is dropped.
struct RawMode<'a> {
    input: &'a io::Stdin,
    before: Termios,
}

impl<'a> RawMode<'a> {
    fn enter(input: &'a io::Stdin) -> Result<RawMode<'a>, PromptError> {
        let before = tcgetattr(input).map_err(io::Error::from)?;
        let mut raw = before.clone();
        raw.local_modes -=
            LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(input, OptionalActions::Flush, &raw).map_err(io::Error::from)?;
        Ok(RawMode { input, before })
    }
}

impl Drop for RawMode<'_> {
    fn drop(&mut self) {
        // Nothing more can be done if the terminal has gone.
        let _ = tcsetattr(self.input, OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_make_the_password_and_its_echo() {
        let cases: [(&str, &[u8], &str, &str); 5] = [
            ("enter ends", b"abc\rrest", "abc", "***"),
            ("end of input ends", b"abc", "abc", "***"),
            ("ctrl-d ends", b"ab\x04c", "ab", "**"),
            (
                "backspace takes one back",
                b"ab\x7f\x7f\x7fx\n",
                "x",
                "**\x08 \x08\x08 \x08*",
            ),
            ("tab stops the echo", b"a\tb\x7fc\n", "ac", "*"),
        ];
        for (name, keys, expected, echoed) in cases {
            let mut echo = Vec::new();
            let typed = type_in(&mut &keys[..], &mut echo).expect(name);
            assert_eq!(std::str::from_utf8(&typed), Ok(expected), "{name}");
            assert_eq!(String::from_utf8_lossy(&echo), echoed, "{name}");
        }
        let mut echo = Vec::new();
        assert!(matches!(
            type_in(&mut &b"a\x03"[..], &mut echo),
            Err(PromptError::Cancelled)
        ));
        let long = vec![b'x'; PASSWORD_MAX + 1];
        assert!(matches!(
            type_in(&mut &long[..], &mut echo),
            Err(PromptError::TooLong)
        ));
    }
}
