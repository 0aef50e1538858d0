//! The name that a program was called by, in its help, examples and advice.
//!
//! They are written with the program's own name. Under another one, as a link gives it, whoever
//! copies an example would get a program that may not be there.

use clap::Command;

/// The tree with `called` for `own` in its texts. Both may be several words (`tool debug`).
pub fn rename(tree: Command, own: &str, called: &str) -> Command {
    if own == called {
        return tree;
    }
    let new = |text: Option<&clap::builder::StyledStr>| {
        let text = text?.to_string();
        let renamed = replaced(&text, own, called);
        (renamed != text).then_some(renamed)
    };
    let mut tree = tree;
    if let Some(text) = new(tree.get_after_help()) {
        tree = tree.after_help(text);
    }
    if let Some(text) = new(tree.get_long_about()) {
        tree = tree.long_about(text);
    }
    if let Some(text) = new(tree.get_about()) {
        tree = tree.about(text);
    }
    let tree = tree.mut_args(|arg| {
        let mut arg = arg;
        if let Some(text) = new(arg.get_long_help()) {
            arg = arg.long_help(text);
        }
        if let Some(text) = new(arg.get_help()) {
            arg = arg.help(text);
        }
        arg
    });
    tree.mut_subcommands(|command| rename(command, own, called))
}

/// A text with `called` for `own` wherever a command line begins with it. Whole words only: `tool` is no part of `tool-manager` or `/etc/tool`.
pub fn replaced(text: &str, own: &str, called: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(own) {
        let (before, after) = (&rest[..at], &rest[at + own.len()..]);
        out += before;
        let begins = before
            .chars()
            .next_back()
            .or_else(|| out.chars().next_back())
            .is_none_or(|letter| letter.is_whitespace() || letter == '`');
        let is_whole = begins && after.starts_with(' ');
        out += if is_whole { called } else { own };
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words() {
        for (text, expected) in [
            ("Examples:\n  tool list", "Examples:\n  original list"),
            ("see `tool list`", "see `original list`"),
            (
                "tool-manager x, /etc/tool x, tool",
                "tool-manager x, /etc/tool x, tool",
            ),
            (
                "a | tool restore - | tool x",
                "a | original restore - | original x",
            ),
        ] {
            assert_eq!(replaced(text, "tool", "original"), expected);
        }
    }

    #[test]
    fn all_of_a_tree() {
        let tree = Command::new("tool").subcommand(
            Command::new("list")
                .about("As `tool list` does")
                .arg(clap::Arg::new("x").help("As `tool x` says"))
                .after_help("Examples:\n  tool list"),
        );
        let tree = rename(tree, "tool", "original");
        let list = tree.find_subcommand("list").expect("it is there");
        let page = crate::help::page("original list", list);
        assert!(!page.contains("tool"), "{page}");
        assert_eq!(page.matches("original").count(), 4, "{page}");
    }
}
