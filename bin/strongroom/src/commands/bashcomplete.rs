//! `bashcomplete`: what may follow on the line that a shell is editing (cli.md 1.10).
//!
//! The shell hands over the line in `COMP_LINE` and the cursor in `COMP_POINT`, and gets one
//! candidate per line. Nobody is ever asked anything here, and whatever fails gives no
//! candidates: an error message would stand in the middle of what is typed.

use console::args::Alias;
use console::complete::{complete, split};
use console::out;

use crate::context::Context;

mod lookup;
mod sources;

/// Prints the candidates.
pub async fn run(root: &clap::Command, aliases: &[Alias<'_>], context: &Context) {
    let Some(line) = line(context) else { return };
    let (words, typed) = split(&line);
    let found = complete(root, aliases, words.get(1..).unwrap_or_default(), &typed);
    let mut candidates = found.words;
    if let Some(value) = &found.value {
        candidates.extend(lookup::candidates(value, context).await);
    }
    candidates.retain(|word| !word.contains('\n'));
    let text: String = candidates.iter().map(|word| format!("{word}\n")).collect();
    // The shell has gone; nobody can be told.
    let _ = out::print(&text);
}

/// The line up to the cursor.
fn line(context: &Context) -> Option<String> {
    let line = context.environment.text("COMP_LINE")?;
    let point = context
        .environment
        .text("COMP_POINT")
        .and_then(|text| text.parse().ok())
        .unwrap_or(usize::MAX);
    Some(line.chars().take(point).collect())
}
