//! Manual pages, one for each command, from the tree that also parses.

use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

/// Writes the pages of `root` and of all commands below it to a directory, which must exist.
pub fn write(root: Command, directory: &Path) -> io::Result<()> {
    if !directory.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let mut root = root.disable_help_subcommand(true);
    root.build();
    write_tree(&root, directory)
}

fn write_tree(command: &Command, directory: &Path) -> io::Result<()> {
    for child in command.get_subcommands().filter(|at| !at.is_hide_set()) {
        write_tree(child, directory)?;
    }
    let man = Man::new(command.clone());
    std::fs::write(directory.join(man.get_filename()), page(&man)?)
}

/// The page puts brackets around a value, also where it has its own.
fn one_pair(line: &str) -> String {
    let Some((before, rest)) = line.split_once("\\fI<<") else {
        return line.to_owned();
    };
    match rest.split_once(">\\fR") {
        Some((value, after)) => format!("{before}\\fI<{value}\\fR{after}"),
        None => line.to_owned(),
    }
}

/// Examples stand under a heading of their own, in lines as they are.
fn page(man: &Man) -> io::Result<String> {
    let mut drawn = Vec::new();
    man.render(&mut drawn)?;
    let drawn = String::from_utf8_lossy(&drawn);
    let mut text = String::with_capacity(drawn.len());
    let mut in_examples = false;
    for line in drawn.lines() {
        match line {
            ".SH EXTRA" => {
                in_examples = true;
                text += ".SH EXAMPLES\n.nf\n";
                continue;
            }
            "Examples:" if in_examples => continue,
            _ if in_examples && line.starts_with(".SH") => {
                in_examples = false;
                text += ".fi\n";
            }
            _ => {}
        }
        text += &match in_examples {
            true => line.trim_start().to_owned(),
            false => one_pair(line),
        };
        text.push('\n');
    }
    if in_examples {
        text += ".fi\n";
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    /// Types had two pairs of brackets, and examples ran together under a heading that said nothing.
    #[test]
    fn types_and_examples() {
        let port = Arg::new("port")
            .long("port")
            .value_name("<integer> (1 - 65535)");
        let list = Command::new("list")
            .about("Lists things")
            .arg(port)
            .after_help("Examples:\n  tool list --port 1\n  tool list");
        let folder = tempfile::tempdir().expect("temp dir");
        let root = Command::new("tool").version("1").subcommand(list);
        write(root, folder.path()).expect("pages");
        let page = std::fs::read_to_string(folder.path().join("tool-list.1")).expect("page");
        assert!(page.contains("\\fI<integer> (1 \\- 65535)\\fR"), "{page}");
        let expected = ".SH EXAMPLES\n.nf\ntool list \\-\\-port 1\ntool list\n";
        assert!(page.contains(expected), "{page}");
        assert!(!page.contains("EXTRA") && !page.contains("<<"), "{page}");
        let top = std::fs::read_to_string(folder.path().join("tool.1")).expect("page");
        assert!(top.contains("tool") && !top.contains(".nf"), "{top}");
        assert!(write(Command::new("tool"), &folder.path().join("none")).is_err());
    }
}
