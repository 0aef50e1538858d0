//! How far the writing of one thing has come, for who is told of an early end.
//!
//! A pipe nobody reads takes nothing, a file that is replaced whole is there or not. Whoever
//! writes notes it; who ends it says no more than what is true.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const BEGUN: u8 = 1;
const WHOLE: u8 = 2;

/// What became of work that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became<'h> {
    /// Nothing is there of it.
    Nothing,
    /// All is there, whatever was waited for.
    Whole,
    /// In words.
    This(&'h str),
    /// `hint` if its end was waited for, else `left`.
    Removed { hint: &'h str, left: &'h str },
}

/// A note; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<AtomicU8>);

impl Written {
    /// All of it is where it should be.
    pub fn is_whole(&self) {
        self.0.store(WHOLE, Ordering::Relaxed);
    }

    /// What is not seen before it is whole: `hint` and `left` tell of the rest, see [`Became::Removed`].
    pub fn hidden<'h>(&self, hint: &'h str, left: &'h str) -> Became<'h> {
        match self.became(hint) {
            Became::Whole => Became::Whole,
            _ => Became::Removed { hint, left },
        }
    }

    /// `half` tells of a beginning.
    pub fn became<'h>(&self, half: &'h str) -> Became<'h> {
        match self.0.load(Ordering::Relaxed) {
            WHOLE => Became::Whole,
            BEGUN => Became::This(half),
            _ => Became::Nothing,
        }
    }

    /// Passes bytes on to `out` and notes when it has taken the first ones.
    pub fn through<W: Write>(&self, out: W) -> Through<W> {
        Through {
            out,
            written: self.clone(),
        }
    }
}

#[derive(Debug)]
pub struct Through<W> {
    out: W,
    written: Written,
}

impl<W: Write> Write for Through<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(bytes)?;
        if taken > 0 {
            self.written.0.fetch_max(BEGUN, Ordering::Relaxed);
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A restore into a pipe without a reader was stopped, and what was written was said to be whole: that was nothing.
    #[test]
    fn only_what_was_taken_counts() {
        struct Reluctant(usize);
        impl Write for Reluctant {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                match self.0.min(bytes.len()) {
                    0 => Err(io::ErrorKind::WouldBlock.into()),
                    taken => {
                        self.0 -= taken;
                        Ok(taken)
                    }
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for (takes, expected) in [(0, Became::Nothing), (1, Became::This("half"))] {
            let written = Written::default();
            let done = written.through(Reluctant(takes)).write_all(b"ab");
            assert!(done.is_err());
            assert_eq!(written.became("half"), expected);
        }
        let written = Written::default();
        written.through(Vec::new()).write_all(b"ab").unwrap();
        assert_eq!(written.became("half"), Became::This("half"));
        written.is_whole();
        assert_eq!(written.became("half"), Became::Whole);
    }
}
