//! Sources of a backup as continuations of what is typed.

use console::files::paths;

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
    fn sources() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().to_str().unwrap();
        std::fs::write(root.path().join("day"), "").unwrap();
        assert_eq!(
            backup_specs(&format!("a.pxar:{base}/d")),
            [format!("a.pxar:{base}/day")]
        );
        assert_eq!(backup_specs(""), ["root.pxar:/", "etc.pxar:/etc"]);
        assert_eq!(backup_specs("a"), Vec::<String>::new());
    }
}
