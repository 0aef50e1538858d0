//! `bashcomplete`: what may follow on the line that a shell is editing (cli.md 1.10). Whatever fails gives no candidates.

use clap::CommandFactory as _;
use console::complete::{complete, split};
use console::files::paths;

use super::Command;

/// Parameters that are places in the file system.
const PATHS: [&str; 8] = [
    "archive",
    "source",
    "target",
    "mountpoint",
    "files-from",
    "payload-input",
    "payload-output",
    "prelude-target",
];

/// One candidate per line, for `line` as far as the cursor.
pub fn candidates(line: &str) -> String {
    let (words, typed) = split(line);
    let words = words.get(1..).unwrap_or_default();
    let found = complete(&Command::command(), &[], words, &typed);
    let mut candidates = found.words;
    if let Some(value) = &found.value
        && (PATHS.contains(&value.name.as_str()) || value.name == "directory")
    {
        candidates.extend(paths(&value.typed));
    }
    candidates.retain(|word| !word.contains('\n'));
    candidates.iter().map(|word| format!("{word}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_files() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().to_str().unwrap();
        for name in ["a.pxar", "b.mpxar"] {
            std::fs::write(root.path().join(name), "").unwrap();
        }
        for (line, expected) in [
            ("pxar ", "create extract list mount help"),
            ("pxar m", "mount"),
            ("pxar mount --pay", "--payload-input"),
            ("pxar extract --overwrite-f", "--overwrite-files"),
            ("pxar list @/", "@/a.pxar @/b.mpxar"),
            ("pxar mount @/b.mpxar @/a", "@/a.pxar"),
            ("pxar list @/b.mpxar --payload-input @/a", "@/a.pxar"),
            ("pxar create x.pxar --exclude @/a", ""),
            ("pxar nosuch ", ""),
        ] {
            let found = candidates(&line.replace('@', base)).replace(base, "@");
            let found: Vec<_> = found.lines().collect();
            assert_eq!(found.join(" "), expected, "{line}");
        }
    }
}
