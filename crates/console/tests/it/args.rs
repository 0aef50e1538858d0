//! The grammar of cli.md 1.1, line by line.

use clap::{ArgAction, Parser};
use console::args::{Alias, Stop, boolean, integer, matching, parse};

const ALIASES: &[Alias<'_>] = &[
    ("snapshots", &["snapshot", "list"]),
    ("forget", &["snapshot", "forget"]),
];

/// A tree with one of each kind of argument.
#[derive(Parser, Debug, PartialEq)]
enum Tool {
    /// Stores things.
    Backup {
        /// What to store.
        #[arg(required = true)]
        spec: Vec<String>,
        #[arg(long)]
        dry_run: bool,
        #[arg(long)]
        exclude: Vec<String>,
        #[arg(long, value_parser = integer(64, 4096))]
        size: Option<i64>,
        #[arg(long)]
        mode: Option<Mode>,
        #[arg(long, action = ArgAction::Set, default_value = "true")]
        merge: bool,
    },
    #[command(subcommand)]
    Snapshot(Snapshot),
    #[command(subcommand)]
    Namespace(Namespace),
    Status,
}

#[derive(clap::Subcommand, Debug, PartialEq)]
enum Snapshot {
    List {
        group: Option<String>,
        #[arg(long)]
        quiet: Option<bool>,
    },
    Files {
        snapshot: String,
    },
    Forget {
        snapshot: String,
    },
    Protect {
        snapshot: String,
        #[arg(action = ArgAction::Set)]
        protected: bool,
    },
}

#[derive(clap::Subcommand, Debug, PartialEq)]
enum Namespace {
    Create {
        #[arg(value_parser = matching(0..=8, |text| !text.contains(' ')))]
        ns: Option<String>,
    },
    Move {
        ns: Option<String>,
        #[arg(long, required = true)]
        target_ns: String,
    },
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Mode {
    None,
    SignOnly,
}

fn run(line: &str) -> Result<Tool, Stop> {
    parse(
        ALIASES,
        std::iter::once("/usr/bin/tool")
            .chain(line.split_whitespace())
            .map(Into::into),
    )
}

#[derive(Default)]
struct Backup<'a> {
    spec: &'a [&'a str],
    dry_run: bool,
    exclude: &'a [&'a str],
    size: Option<i64>,
    mode: Option<Mode>,
}

impl Backup<'_> {
    fn tool(self) -> Tool {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        let (spec, exclude) = (owned(self.spec), owned(self.exclude));
        Tool::Backup {
            spec,
            dry_run: self.dry_run,
            exclude,
            size: self.size,
            mode: self.mode,
            merge: true,
        }
    }
}

#[test]
fn lines_that_are_understood() {
    let a = &["a.pxar:/x"][..];
    let list = |group: Option<&str>, quiet| {
        Tool::Snapshot(Snapshot::List {
            group: group.map(Into::into),
            quiet,
        })
    };
    let cases = [
        (
            "backup a.pxar:/x",
            Backup {
                spec: a,
                ..Default::default()
            }
            .tool(),
        ),
        (
            "b a.pxar:/x",
            Backup {
                spec: a,
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup --size 128 a.pxar:/x",
            Backup {
                spec: a,
                size: Some(128),
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup a.pxar:/x -size=128",
            Backup {
                spec: a,
                size: Some(128),
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup --mode=sign-only a.pxar:/x",
            Backup {
                spec: a,
                mode: Some(Mode::SignOnly),
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup a.pxar:/x -dry-run",
            Backup {
                spec: a,
                dry_run: true,
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup --dry-run a.pxar:/x",
            Backup {
                spec: a,
                dry_run: true,
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup --dry-run no a.pxar:/x",
            Backup {
                spec: a,
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup --dry-run=ON a.pxar:/x",
            Backup {
                spec: a,
                dry_run: true,
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup --exclude x b.img:y --exclude=-z a.pxar:/x",
            Backup {
                spec: &["b.img:y", "a.pxar:/x"],
                exclude: &["x", "-z"],
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup --exclude= a.pxar:/x",
            Backup {
                spec: a,
                exclude: &[""],
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup -- --odd",
            Backup {
                spec: &["--odd"],
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup -",
            Backup {
                spec: &["-"],
                ..Default::default()
            }
            .tool(),
        ),
        (
            "backup - --exclude -",
            Backup {
                spec: &["-"],
                exclude: &["-"],
                ..Default::default()
            }
            .tool(),
        ),
        ("snap li", list(None, None)),
        ("snapshots host/x --quiet", list(Some("host/x"), Some(true))),
        ("snapshots --quiet host/x", list(Some("host/x"), Some(true))),
        (
            "snapshots --quiet false host/x",
            list(Some("host/x"), Some(false)),
        ),
        ("snapshot list --group host/x", list(Some("host/x"), None)),
        ("snapshot list -- host/x", list(Some("host/x"), None)),
        (
            "forget host/x",
            Tool::Snapshot(Snapshot::Forget {
                snapshot: "host/x".into(),
            }),
        ),
        (
            "snapshot protect s on",
            Tool::Snapshot(Snapshot::Protect {
                snapshot: "s".into(),
                protected: true,
            }),
        ),
        (
            "snapshot protect s 0",
            Tool::Snapshot(Snapshot::Protect {
                snapshot: "s".into(),
                protected: false,
            }),
        ),
        (
            "namespace create --ns a/b",
            Tool::Namespace(Namespace::Create {
                ns: Some("a/b".into()),
            }),
        ),
        (
            "namespace create",
            Tool::Namespace(Namespace::Create { ns: None }),
        ),
        ("status", Tool::Status),
    ];
    for (line, expected) in cases {
        assert_eq!(run(line), Ok(expected), "{line}");
    }
}

#[test]
fn lines_that_are_refused() {
    let one = |name: &str, text: &str| format!("parameter verification failed - '{name}': {text}");
    let cases = [
        ("", "no command specified.\nPossible commands: backup, namespace, snapshot, status".into()),
        ("snapshot", "no command specified.\nPossible commands: files, forget, list, protect".into()),
        ("nosuch", "no such command 'nosuch'".into()),
        ("--repository x list", "no such command '--repository'".into()),
        ("snapshot f x", "no such command 'f'".into()),
        ("snapsho nope", "no such command 'nope'".into()),
        ("sn", "no command specified.\nPossible commands: files, forget, list, protect".into()),
        ("s", "no such command 's'".into()),
        ("backup", one("spec", "missing argument")),
        ("backup x --size 128 --size 256", one("size", "duplicate parameter.")),
        ("backup x --nope 1", one("nope", "schema does not allow additional properties.")),
        ("backup x --size", one("size", "missing parameter value.")),
        ("backup x --size --dry-run", one("size", "missing parameter value.")),
        ("backup x --merge", one("merge", "missing boolean value.")),
        ("backup x --dry-run=maybe", one("dry-run", "Unable to parse boolean option.")),
        ("backup x --size 5k", one("size", "invalid digit found in string")),
        ("backup x --size 5", one("size", "value must have a minimum value of 64 (got 5)")),
        ("backup x --size=9999", one("size", "value must have a maximum value of 4096 (got 9999)")),
        ("backup x --mode both", one("mode", "value 'both' is not defined in the enumeration.")),
        ("backup x --mode None", one("mode", "value 'None' is not defined in the enumeration.")),
        ("snapshot protect s maybe", one("protected", "Unable to parse boolean option.")),
        ("snapshot list a b c", r#"got additional arguments: ["b", "c"]"#.into()),
        ("snapshot list a --group b", one("group", "duplicate parameter.")),
        ("snapshot files --snapshot a", one("snapshot", "missing argument")),
        ("namespace move a", one("target-ns", "parameter is missing and it is not optional.")),
        ("namespace create 123456789", one("ns", "value may only be 8 characters long")),
        ("status --ns x", one("ns", "schema does not allow additional properties.")),
        (
            "backup --nope 1 --size",
            "parameter verification failed:\n- 'nope': schema does not allow additional properties.\n\
             - 'size': missing parameter value.\n- 'spec': missing argument"
                .into(),
        ),
    ];
    for (line, expected) in cases {
        match run(line) {
            Err(Stop::Usage { problem, usage }) => {
                assert_eq!(problem.to_string(), expected, "{line}");
                assert!(usage.contains("Usage:"), "{line}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

/// The path was shown in full.
#[test]
fn usage_shows_the_command_as_it_was_typed() {
    for (line, expected) in [
        ("b x --size 5", "Usage: tool b {<spec>} [OPTIONS]"),
        ("b x --nope", "Usage: tool b {<spec>} [OPTIONS]"),
        ("sn", "\ntool sn files <snapshot>"),
        ("sn nope", "\ntool sn files <snapshot>"),
    ] {
        match run(line) {
            Err(Stop::Usage { usage, .. }) => {
                assert!(usage.contains(expected), "{line}: {usage}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn help_can_be_asked_for_in_every_way() {
    let full = "[<group>] [OPTIONS]\n\n";
    let short = "[<group>] [OPTIONS]\n";
    let files = "Usage: snapshot files <snapshot>\n\n";
    // `help` names no program, as the original's.
    for (line, begin, full) in [
        ("help snapshots", "Usage: snapshot list ", full),
        ("help sn li", "Usage: snapshot list ", full),
        ("snapshots --help", "Usage: tool snapshot list ", full),
        ("snapshot list x -h", "Usage: tool snapshot list ", full),
        (
            "help snapshot list --verbose",
            "Usage: snapshot list ",
            full,
        ),
        (
            "help --verbose true snapshot list",
            "Usage: snapshot list ",
            full,
        ),
        (
            "help snapshot list -verbose=no",
            "Usage: snapshot list ",
            short,
        ),
        (
            "help snapshots --verbose false",
            "Usage: snapshot list ",
            short,
        ),
        // A group's list, or every page below it.
        ("help snapshot", "Usage:\n\nsnapshot files <snapshot>\n", ""),
        ("help snapshot --verbose", files, ""),
        ("help --verbose snap", files, ""),
    ] {
        match run(line) {
            Err(Stop::Help(text)) => {
                assert!(text.starts_with(begin), "{line}: {text}");
                let rest = &text[begin.len()..];
                match full == short {
                    true => assert_eq!(rest, short, "{line}"),
                    false => assert!(rest.starts_with(full), "{line}: {text}"),
                }
            }
            other => panic!("{line}: {other:?}"),
        }
    }
    match run("help snapshot --verbose") {
        Err(Stop::Help(text)) => {
            assert_eq!(text.matches("\nUsage: snapshot ").count(), 3, "{text}")
        }
        other => panic!("{other:?}"),
    }
    let all = "Usage:\n\nbackup {<spec>} [OPTIONS]\nnamespace create [<ns>]\nnamespace move [<ns>] --target-ns <string>\n\
               snapshot files <snapshot>\nsnapshot forget <snapshot>\nsnapshot list [<group>] [OPTIONS]\n\
               snapshot protect <snapshot> <protected>\nstatus\n";
    for line in ["help", "--help", "-h"] {
        assert_eq!(run(line), Err(Stop::Help(all.into())), "{line}");
    }
    assert_eq!(
        run("help nosuch"),
        Err(Stop::Notice("no such command 'nosuch'".into()))
    );
    // Behind `--` it is a word like any other.
    assert_eq!(
        run("backup -- --help"),
        Ok(Backup {
            spec: &["--help"],
            ..Default::default()
        }
        .tool())
    );
}

#[test]
fn words_need_not_be_text() {
    use std::os::unix::ffi::OsStringExt;
    let bad = std::ffi::OsString::from_vec(b"\xff".to_vec());
    match parse::<Tool>(ALIASES, ["tool".into(), "status".into(), bad]) {
        Err(Stop::Usage { problem, .. }) => assert_eq!(
            problem.to_string(),
            "got additional arguments: [\"\u{fffd}\"]"
        ),
        other => panic!("{other:?}"),
    }
    let bad = std::ffi::OsString::from_vec(b"snapshot\xff".to_vec());
    assert!(matches!(
        parse::<Tool>(ALIASES, ["tool".into(), bad]),
        Err(Stop::Usage { .. })
    ));
}

#[test]
fn booleans() {
    for (text, expected) in [
        ("1", true),
        ("on", true),
        ("YES", true),
        ("True", true),
        ("0", false),
        ("Off", false),
        ("no", false),
    ] {
        assert_eq!(boolean(text), Ok(expected));
    }
    for text in ["", "2", "y", "host/x", " yes"] {
        assert!(boolean(text).is_err(), "{text:?}");
    }
}

#[test]
fn hints_show_what_was_refused() {
    for (line, expected) in [
        (
            "backup x --size 5k",
            "\"5k\" was given for 'size'; what it takes is explained above",
        ),
        (
            "backup x --dry-run=maybe",
            "\"maybe\" was given for 'dry-run'; what it takes is explained above",
        ),
        (
            "snapshot protect s perhaps",
            "\"perhaps\" was given for 'protected'; what it takes is explained above",
        ),
        ("backup", "the parameters are explained above"),
        ("nosuch", "`--help` behind a command tells how it is used"),
    ] {
        match run(line) {
            Err(Stop::Usage { problem, .. }) => assert_eq!(problem.hint(), expected, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}
