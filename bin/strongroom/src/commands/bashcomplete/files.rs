//! Names of files as continuations of a path, and of a backup source.

use std::fs;
use std::path::Path;

/// More than this nobody reads.
const NAMES_MAX: usize = 1000;

/// Paths that begin with what is typed; directories end with `/`.
pub fn paths(typed: &str) -> Vec<String> {
    let (folder, begin) = match typed.rfind('/') {
        Some(at) => typed.split_at(at + 1),
        None => ("", typed),
    };
    let place = match folder {
        "" => Path::new("."),
        folder => Path::new(folder),
    };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let fits =
                name.starts_with(begin) && (!name.starts_with('.') || begin.starts_with('.'));
            fits.then(|| {
                // A link to a directory leads on, too.
                let end = if entry.path().is_dir() { "/" } else { "" };
                format!("{folder}{name}{end}")
            })
        })
        .take(NAMES_MAX)
        .collect();
    names.sort();
    names
}

/// `root.pxar:/` and the like: two examples while nothing is typed, then files behind the colon.
pub fn backup_specs(typed: &str) -> Vec<String> {
    match typed.split_once(':') {
        Some((target, path)) => {
            let found = paths(path).into_iter();
            found.map(|path| format!("{target}:{path}")).collect()
        }
        None if typed.is_empty() => vec!["root.pxar:/".into(), "etc.pxar:/etc".into()],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_sources() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().to_str().unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        for name in ["day", ".hidden", "other"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        let short = |found: Vec<String>| {
            let short = found.iter().map(|path| path.replace(base, "@"));
            short.collect::<Vec<_>>().join(" ")
        };
        for (typed, expected) in [
            ("", "@/data/ @/day @/other"),
            ("d", "@/data/ @/day"),
            (".", "@/.hidden"),
            ("x", ""),
        ] {
            assert_eq!(
                short(paths(&format!("{base}/{typed}"))),
                expected,
                "{typed}"
            );
            let sources = backup_specs(&format!("a.pxar:{base}/{typed}"));
            assert_eq!(short(sources).replace("a.pxar:", ""), expected, "{typed}");
        }
        assert_eq!(paths("/nonexistent/x"), Vec::<String>::new());
        assert_eq!(backup_specs(""), ["root.pxar:/", "etc.pxar:/etc"]);
        assert_eq!(backup_specs("a"), Vec::<String>::new());
    }
}
