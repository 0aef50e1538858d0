//! The app's own build: npm fetches what the lock file names, without running anything of it, and Vite writes the app into a folder of ours.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of a failed command's words that are shown.
const LINES: usize = 6;

/// Builds the app of `web` into `into`, and gives that back.
pub fn build(web: &Path, into: &Path) -> Result<PathBuf, String> {
    let version = Command::new("npm").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        return Err("npm is not there; install Node.js 20 or later with npm".to_owned());
    }
    // Builds into several target folders share the one `node_modules`; the lock goes with the file.
    let lock = web.join("package-lock.json");
    let turn = File::open(&lock).map_err(|e| format!("cannot open {}: {e}", lock.display()))?;
    turn.lock()
        .map_err(|e| format!("cannot lock {}: {e}", lock.display()))?;
    if !is_fetched(web, &lock) {
        let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        run(web, &words, "is the registry of npm out of reach?")?;
    }
    let target = into.to_string_lossy();
    let words = [
        "exec",
        "--no",
        "--",
        "vite",
        "build",
        "--outDir",
        &target,
        "--emptyOutDir",
    ];
    run(web, &words, "`npm run build` in `web` says more")?;
    Ok(into.to_owned())
}

/// Whether npm has finished, with this lock file or a later one.
fn is_fetched(web: &Path, lock: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    let fetched = changed(&web.join("node_modules/.package-lock.json"));
    fetched.is_some_and(|fetched| changed(lock).is_some_and(|lock| lock <= fetched))
}

fn run(web: &Path, words: &[&str], hint: &str) -> Result<(), String> {
    let output = Command::new("npm")
        .args(words)
        .current_dir(web)
        // What cargo says of this package is not for that one.
        .env_remove("TARGET")
        .env_remove("HOST")
        .env("NO_UPDATE_NOTIFIER", "1")
        .env("CI", "1")
        .output()
        .map_err(|e| format!("cannot start npm: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join(" | ");
    Err(format!(
        "`npm {}` failed ({hint}): {last}",
        words[..2.min(words.len())].join(" ")
    ))
}
