//! Completion of a line: commands, options, listed words, and the questions for the rest.

use clap::{CommandFactory, Parser, Subcommand};
use console::complete::{complete, split};

#[derive(Parser)]
enum Tool {
    #[command(subcommand)]
    Snapshot(Snapshot),
    Status {
        #[arg(long)]
        verbose: bool,
    },
    #[command(hide = true)]
    Secret,
}

#[derive(Subcommand)]
enum Snapshot {
    List {
        group: Option<String>,
        #[arg(long)]
        ns: Option<String>,
        #[arg(long, value_parser = ["text", "json"])]
        output_format: Option<String>,
        #[arg(long)]
        quiet: bool,
        #[arg(long)]
        exclude: Vec<String>,
    },
    Notes {
        snapshot: String,
        files: Vec<String>,
    },
}

const ALIASES: &[console::args::Alias<'_>] = &[("snapshots", &["snapshot", "list"])];

/// The words of a completion, then the question: `name of path <- given`.
fn shown(line: &str) -> String {
    let (words, typed) = split(line);
    let found = complete(&Tool::command(), ALIASES, &words[1..], &typed);
    let mut text = found.words.join(" ");
    if let Some(value) = found.value {
        let given: Vec<_> = value
            .given
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        text += &format!(
            "?{}:{} '{}' [{}]",
            value.path.join("/"),
            value.name,
            value.typed,
            given.join(",")
        );
    }
    text
}

#[test]
fn lines_and_what_may_follow() {
    for (line, expected) in [
        ("tool ", "snapshot status help"),
        ("tool s", "snapshot status"),
        ("tool help s", "snapshot status"),
        ("tool help snap ", "list notes"),
        ("tool sec", ""),
        ("tool nosuch ", ""),
        ("tool snap ", "list notes"),
        ("tool snap l", "list"),
        ("tool snap li ", "?snapshot/list:group '' []"),
        ("tool snapshots ho", "?snapshot/list:group 'ho' []"),
        (
            "tool snapshots --ns a -quiet ho",
            "?snapshot/list:group 'ho' [ns=a]",
        ),
        (
            "tool snapshots host/x ",
            "--exclude --ns --output-format --quiet",
        ),
        ("tool snapshots host/x --ns a --ex", "--exclude"),
        ("tool snapshots --exclude x --e", "--exclude"),
        ("tool snapshots --ns a --n", ""),
        ("tool snapshots -n", "--ns"),
        ("tool snapshots --ns ", "?snapshot/list:ns '' []"),
        ("tool snapshots --ns=a/", "?snapshot/list:ns 'a/' []"),
        ("tool snapshots --output-format j", "json"),
        ("tool snapshots --output-format=t", "text"),
        ("tool snapshots x --quiet y", "yes"),
        ("tool snapshots --quiet=f", "false"),
        (
            "tool snapshots --nope x ",
            "--exclude --ns --output-format --quiet",
        ),
        ("tool snapshots -- --n", "?snapshot/list:group '--n' []"),
        (
            "tool snapshot notes 'host/a b' ",
            "?snapshot/notes:files '' [snapshot=host/a b]",
        ),
        (
            "tool snapshot notes a b c d",
            "?snapshot/notes:files 'd' [snapshot=a,files=b,files=c]",
        ),
        ("tool status ", "--verbose"),
        ("tool status x", ""),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn words_by_the_rules_of_the_shell() {
    for (line, words, typed) in [
        ("", "", ""),
        ("a", "", "a"),
        ("a ", "a", ""),
        ("a  b\tc", "a|b", "c"),
        (r"a\ b 'c \d' ", r"a b|c \d", ""),
        (r#"a "b \" c"#, "a", "b \" c"),
        ("a '' ", "a|", ""),
        ("a 'open quote", "a", "open quote"),
        ("a\\", "", "a"),
    ] {
        let (found, last) = split(line);
        assert_eq!(
            (found.join("|").as_str(), last.as_str()),
            (words, typed),
            "{line:?}"
        );
    }
}
