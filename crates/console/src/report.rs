//! The end of a program: what went wrong, why, what to do; and the exit status (cli.md 1.5).
//!
//! Every failure ends with 255, as scripts expect of the original. A reader who closed our
//! output ends us silently, with the status a SIGPIPE would have given.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use crate::args::Stop;
use crate::fault::Problem;
use crate::out::{self, OutError};
use crate::screen::Screen;
use crate::shown;

/// Exit status of every failure.
pub const FAILURE: u8 = 255;
/// What the smallest usual terminal shows.
const SCREEN_LINES: usize = 24;
/// 128 + SIGPIPE.
const CLOSED_OUTPUT: u8 = 141;

/// An error that says what to do next. `what` is the line after `Error: `.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    pub what: String,
    #[source]
    pub cause: Option<Box<dyn Error + Send + Sync>>,
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(what: impl Into<String>) -> Failure {
        Failure {
            what: what.into(),
            cause: None,
            hint: None,
        }
    }

    pub fn cause(self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure {
            cause: Some(cause.into()),
            ..self
        }
    }

    pub fn hint(self, hint: impl Into<String>) -> Failure {
        Failure {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// The report's lines: `Error: <what>`, below `Caused by:` each cause that says something
/// new, numbered if there are several, and `hint: <next step>` for each hint on the way.
///
/// ```
/// use console::report::{Failure, text};
/// let error = Failure::new("cannot open 'x'").cause("no such file").hint("check the path");
/// assert_eq!(text(&error), "Error: cannot open 'x'\n\nCaused by:\n    no such file\nhint: check the path\n");
/// ```
pub fn text(error: &(dyn Error + 'static)) -> String {
    text_as(error, &str::to_owned)
}

fn text_as(error: &(dyn Error + 'static), advice: &dyn Fn(&str) -> String) -> String {
    let mut said = error.to_string();
    let mut lines = format!("Error: {said}\n");
    let mut causes = Vec::new();
    let mut hints = String::new();
    let mut at = Some(error);
    while let Some(each) = at {
        let words = each.to_string();
        if !said.contains(&words) {
            causes.push(words.replace('\n', "\n       "));
            said = words;
        }
        if let Some(hint) = each
            .downcast_ref::<Failure>()
            .and_then(|failure| failure.hint.as_ref())
        {
            let _ = writeln!(hints, "hint: {}", advice(hint));
        }
        at = each.source();
    }
    match causes.as_slice() {
        [] => {}
        [only] => {
            let _ = writeln!(lines, "\nCaused by:\n    {only}");
        }
        several => {
            lines += "\nCaused by:\n";
            for (number, cause) in several.iter().enumerate() {
                let _ = writeln!(lines, "    {number}: {cause}");
            }
        }
    }
    lines + &hints
}

/// Whether the program ends only because nobody reads its output any more.
pub fn is_closed_output(error: &(dyn Error + 'static)) -> bool {
    let mut at = Some(error);
    while let Some(each) = at {
        // An I/O error hides the error inside it from `source()`.
        let inside = each
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let inside = inside.and_then(|inner| inner.downcast_ref());
        if matches!(each.downcast_ref().or(inside), Some(OutError::Closed)) {
            return true;
        }
        at = each.source();
    }
    false
}

/// Prints the report of `error` and gives the exit status.
pub fn failed(screen: &Screen, error: &(dyn Error + 'static)) -> ExitCode {
    failed_as(screen, error, &str::to_owned)
}

/// The same of a program that goes by several names: each hint is told as `advice` gives it back.
pub fn failed_as(
    screen: &Screen,
    error: &(dyn Error + 'static),
    advice: &dyn Fn(&str) -> String,
) -> ExitCode {
    screen.clear();
    if is_closed_output(error) {
        return ExitCode::from(CLOSED_OUTPUT);
    }
    screen.print(&shown::text(&text_as(error, advice)));
    ExitCode::from(FAILURE)
}

/// Prints what a command line without a command asks for and gives the exit status.
pub fn stopped(screen: &Screen, stop: &Stop) -> ExitCode {
    match stop {
        Stop::Help(text) => match out::print(text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(screen, &error),
        },
        Stop::Notice(text) => {
            screen.line(text);
            ExitCode::SUCCESS
        }
        Stop::Usage { problem, usage } => {
            screen.print(&shown::text(&refusal(problem, usage)));
            ExitCode::from(FAILURE)
        }
    }
}

/// What stands after a usage text longer than a screen is all that is seen: there the problem is told again.
fn refusal(problem: &Problem, usage: &str) -> String {
    let mut text = format!("Error: {problem}\n{usage}");
    if usage.lines().count() >= SCREEN_LINES {
        let _ = writeln!(text, "\nError: {problem}");
    }
    let _ = writeln!(text, "hint: {}", problem.hint());
    text
}

#[cfg(test)]
mod tests {
    use super::{Failure, SCREEN_LINES, refusal, text_as};
    use crate::fault::Problem;

    #[test]
    fn only_hints_are_told_by_another_name() {
        let error = Failure::new("`tool x` failed").hint("try `tool y`");
        let advice = |hint: &str| crate::naming::replaced(hint, "tool", "other");
        assert_eq!(
            text_as(&error, &advice),
            "Error: `tool x` failed\nhint: try `other y`\n"
        );
    }

    /// A misspelt command once showed the end of 160 lines of usage, and what was wrong stood above the screen.
    #[test]
    fn the_problem_is_seen_last() {
        let problem = Problem::NoSuchCommand {
            word: "datstore".into(),
            near: vec!["datastore".into()],
        };
        let (short, long) = ("one line\n".to_owned(), "line\n".repeat(SCREEN_LINES));
        for (usage, expected) in [
            (
                &short,
                "Error: no such command 'datstore'\none line\nhint: did you mean `datastore`?\n"
                    .to_owned(),
            ),
            (
                &long,
                format!(
                    "Error: no such command 'datstore'\n{long}\nError: no such command 'datstore'\nhint: did you mean `datastore`?\n"
                ),
            ),
        ] {
            assert_eq!(refusal(&problem, usage), expected);
        }
    }
}
