//! Builds the browser's app in `web/`, and the guide beside it, with npm and lays them into the program. Nothing else needs npm: where it is missing, or fails, the program is
//! built without the app and says so, here and in the browser. What is written stands below `OUT_DIR`, but for npm's own `web/node_modules`.
//!
//! `STRONGROOM_WEB` says otherwise: `off` leaves the app out without a word, `required` makes it an error if it cannot be built, and the path of a
//! folder takes the app that was built into it elsewhere.

#[path = "build/embed.rs"]
mod embed;
#[path = "build/npm.rs"]
mod npm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where we are told what to do.
const WISH: &str = "STRONGROOM_WEB";

/// What of `web/` the app is made of. Tests and what npm brings are no part of it.
const SOURCES: [&str; 9] = [
    "package.json",
    "package-lock.json",
    "index.html",
    "vite.config.ts",
    "svelte.config.js",
    "tsconfig.json",
    "src",
    "public",
    "guide",
];

/// Texts of the guide; pictures beside them are no part of it.
const GUIDE: &str = "../../docs/guide";

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed={WISH}");
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let wish = std::env::var(WISH).unwrap_or_default();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo gives no OUT_DIR")?);
    let built = match wish.as_str() {
        "off" => None,
        "" | "required" => match from_source(&out) {
            Ok(folder) => Some(folder),
            Err(error) if wish == "required" => return Err(error),
            Err(error) => {
                println!(
                    "cargo::warning=strongroomd is built without the app for browsers: {error}; then `touch web/package.json` and build again, \
                     or set {WISH}=off to be told no more"
                );
                None
            }
        },
        folder => {
            println!("cargo::rerun-if-changed={folder}");
            Some(PathBuf::from(folder))
        }
    };
    embed::write(built.as_deref(), &out)
}

/// Builds the app; the folder that it is in.
fn from_source(out: &Path) -> Result<PathBuf, String> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    // Of what is not there only this is watched: a file that is missing lets cargo ask us each time.
    println!("cargo::rerun-if-changed={}", web.join(SOURCES[0]).display());
    if !web.join(SOURCES[0]).is_file() {
        return Err(
            "the folder `web` of the sources is not there; take the whole repository".to_owned(),
        );
    }
    for source in SOURCES.map(|name| web.join(name)) {
        if source.exists() {
            println!("cargo::rerun-if-changed={}", source.display());
        }
    }
    for text in texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join(GUIDE)) {
        println!("cargo::rerun-if-changed={}", text.display());
    }
    npm::build(&web, &out.join("app"))
}

/// A text that is added is nothing to anybody until another one has a link to it, so the folder itself is not watched.
fn texts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect()
}
