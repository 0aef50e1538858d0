//! House rules that a compiler does not see: the floors of `ARCHITECTURE.md`, the order of modules, and a page header on each file.
//!
//! The table in `ARCHITECTURE.md` is the single place where the floors stand; this test reads it there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies below the workspace root")
        .to_path_buf()
}

#[derive(Debug)]
struct Row {
    floor: u32,
    uses: BTreeSet<String>,
}

/// The rows `| floor | \`crate\` | duty | may use | kind |` of ARCHITECTURE.md.
fn floors() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if cells.len() != 7 {
            continue;
        }
        let Ok(floor) = cells[1].parse::<u32>() else {
            continue;
        };
        let name = cells[2].trim_matches('`').to_string();
        let uses = cells[4]
            .split(',')
            .map(|u| u.trim().to_string())
            .filter(|u| u != "-" && !u.is_empty())
            .collect();
        rows.insert(name, Row { floor, uses });
    }
    rows
}

/// Package name and the names of its `[dependencies]` (dev-dependencies are free).
fn manifest(path: &Path) -> (String, BTreeSet<String>) {
    let text = fs::read_to_string(path).expect("Cargo.toml is readable");
    let mut section = String::new();
    let mut name = String::new();
    let mut deps = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_string();
            if let Some(dep) = section.strip_prefix("dependencies.") {
                deps.insert(dep.to_string());
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if section == "package" && key.trim() == "name" {
            name = value.trim().trim_matches('"').to_string();
        }
        if section == "dependencies" {
            let dep = key.trim().split('.').next().unwrap_or_default();
            deps.insert(dep.to_string());
        }
    }
    (name, deps)
}

fn manifests() -> Vec<(PathBuf, String, BTreeSet<String>)> {
    let mut out = Vec::new();
    for parent in ["crates", "bin"] {
        for entry in fs::read_dir(root().join(parent)).expect("folder of crates") {
            let path = entry.expect("entry").path();
            let file = path.join("Cargo.toml");
            if file.exists() {
                let (name, deps) = manifest(&file);
                out.push((path, name, deps));
            }
        }
    }
    out
}

#[test]
fn every_crate_keeps_to_its_floor() {
    let floors = floors();
    assert!(
        floors.len() >= 15,
        "the table of floors was found in ARCHITECTURE.md"
    );
    let mut wrong = Vec::new();
    for (_, name, deps) in manifests() {
        if name == "testkit" {
            continue;
        }
        let Some(row) = floors.get(&name) else {
            wrong.push(format!("{name} has no row in ARCHITECTURE.md"));
            continue;
        };
        for dep in deps {
            if dep == "testkit" {
                wrong.push(format!(
                    "{name} ships testkit: it may only be a dev-dependency"
                ));
            }
            let Some(other) = floors.get(&dep) else {
                if dep == "anyhow" && row.floor < 5 {
                    wrong.push(format!("{name} uses anyhow below floor 5"));
                }
                if dep.starts_with("tokio") && row.floor < 3 {
                    wrong.push(format!("{name} uses {dep} below floor 3"));
                }
                continue;
            };
            if other.floor >= row.floor {
                wrong.push(format!(
                    "{name} (floor {}) uses {dep} (floor {})",
                    row.floor, other.floor
                ));
            }
            if !row.uses.contains(&dep) {
                wrong.push(format!("{name} uses {dep}, which its row does not name"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|n| n != "target") {
                rust_files(&path, out);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn every_file_opens_with_what_it_is() {
    let mut files = Vec::new();
    for dir in ["crates", "bin", "tests", "fuzz"] {
        rust_files(&root().join(dir), &mut files);
    }
    assert!(files.len() > 20);
    let without: Vec<String> = files
        .iter()
        .filter(|f| !fs::read_to_string(f).expect("source").starts_with("//!"))
        .map(|f| {
            f.strip_prefix(root())
                .expect("below root")
                .display()
                .to_string()
        })
        .collect();
    assert!(
        without.is_empty(),
        "no `//!` at the top of:\n{}",
        without.join("\n")
    );
}

/// Modules of a `lib.rs` by group: groups are parted by blank lines.
fn module_groups(lib: &str) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = vec![Vec::new()];
    for line in lib.lines() {
        let line = line.trim();
        if line.is_empty() {
            if groups.last().is_some_and(|g| !g.is_empty()) {
                groups.push(Vec::new());
            }
            continue;
        }
        let rest = line
            .strip_prefix("pub mod ")
            .or_else(|| line.strip_prefix("pub(crate) mod "))
            .or_else(|| line.strip_prefix("mod "));
        if let Some(name) = rest.and_then(|r| r.strip_suffix(';')) {
            groups
                .last_mut()
                .expect("never empty")
                .push(name.to_string());
        }
    }
    groups
}

/// The top-level modules that a source file names as `crate::x`.
fn named_modules(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or_default();
        let mut rest = code;
        while let Some(at) = rest.find("crate::") {
            let preceded = rest[..at]
                .chars()
                .last()
                .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
            rest = &rest[at + "crate::".len()..];
            if preceded {
                continue;
            }
            if let Some(list) = rest.strip_prefix('{') {
                for part in list.split([',', '}']) {
                    out.insert(ident(part.trim()));
                }
            } else {
                out.insert(ident(rest));
            }
        }
    }
    out
}

fn ident(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// Test modules (`tests.rs`, everything below `#[cfg(test)]`) may look anywhere.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

#[test]
fn modules_use_only_groups_above_their_own() {
    let mut wrong = Vec::new();
    for (dir, name, _) in manifests() {
        let src = dir.join("src");
        let Ok(lib) = fs::read_to_string(src.join("lib.rs")) else {
            continue;
        };
        let groups = module_groups(&lib);
        let place: BTreeMap<&str, usize> = groups
            .iter()
            .enumerate()
            .flat_map(|(i, g)| g.iter().map(move |m| (m.as_str(), i)))
            .collect();
        for (module, at) in &place {
            let mut files = vec![src.join(format!("{module}.rs"))];
            rust_files(&src.join(module), &mut files);
            for file in files {
                if file.file_name().is_some_and(|f| f == "tests.rs") {
                    continue;
                }
                let Ok(text) = fs::read_to_string(&file) else {
                    continue;
                };
                for used in named_modules(without_tests(&text)) {
                    if used == **module {
                        continue;
                    }
                    if let Some(theirs) = place.get(used.as_str())
                        && theirs >= at
                    {
                        wrong.push(format!(
                            "{name}: {} uses crate::{used}, which is not in a group above `{module}`",
                            file.strip_prefix(root()).expect("below root").display()
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hand_written_files_stay_readable() {
    let mut files = Vec::new();
    for dir in ["crates", "bin", "tests"] {
        rust_files(&root().join(dir), &mut files);
    }
    let giants: Vec<String> = files
        .iter()
        .map(|f| (f, fs::read_to_string(f).expect("source").lines().count()))
        .filter(|(_, lines)| *lines > 1000)
        .map(|(f, lines)| format!("{} has {lines} lines", f.display()))
        .collect();
    assert!(giants.is_empty(), "{}", giants.join("\n"));
}
