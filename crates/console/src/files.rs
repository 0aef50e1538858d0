//! Names of files as continuations of a path that is being typed.
//!
//! Whoever completes a line puts them where its commands take paths; what is not there or may not be read has no continuation.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_begin_so() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().to_str().unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        for name in ["day", ".hidden", "other"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        for (typed, expected) in [
            ("", "@/data/ @/day @/other"),
            ("d", "@/data/ @/day"),
            (".", "@/.hidden"),
            ("x", ""),
        ] {
            let found = paths(&format!("{base}/{typed}"));
            let short: Vec<_> = found.iter().map(|path| path.replace(base, "@")).collect();
            assert_eq!(short.join(" "), expected, "{typed}");
        }
        assert_eq!(paths("/nonexistent/x"), Vec::<String>::new());
    }
}
