//! A folder of files becomes `app.rs`: a table of names and bytes packed by gzip. It knows nothing of what makes the folder.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// More would hardly be an app.
const FILES_MAX: usize = 2000;

/// Writes the table of `folder`, or an empty one, and what it names into `out`.
pub fn write(folder: Option<&Path>, out: &Path) -> Result<(), String> {
    let mut names = Vec::new();
    if let Some(folder) = folder {
        collect(folder, "", &mut names)?;
        names.sort();
        if !names.iter().any(|name| name == "index.html") {
            return Err(format!("there is no index.html in {}", folder.display()));
        }
    }
    let mut table =
        "/// Names and packed bytes.\npub const FILES: &[(&str, &[u8])] = &[\n".to_owned();
    for (number, name) in names.iter().enumerate() {
        let from = folder.unwrap_or(out).join(name);
        let plain = fs::read(&from).map_err(|e| format!("cannot read {}: {e}", from.display()))?;
        let packed = out.join(format!("{number}.gz"));
        pack(&plain)
            .and_then(|bytes| fs::write(&packed, bytes))
            .map_err(|e| format!("cannot write {}: {e}", packed.display()))?;
        let packed = packed.to_string_lossy();
        writeln!(table, "    ({name:?}, include_bytes!({packed:?})),")
            .map_err(|e| e.to_string())?;
    }
    table.push_str("];\n");
    let target = out.join("app.rs");
    fs::write(&target, table).map_err(|e| format!("cannot write {}: {e}", target.display()))
}

/// The same bytes give the same bytes: no name, no time.
fn pack(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// Names of all files below a folder, parted by `/`.
fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("cannot list {}: {e}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else {
            return Err(format!("a name in {} is no text", folder.display()));
        };
        let name = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else if kind.is_file() {
            names.push(name);
        }
        if names.len() > FILES_MAX {
            return Err(format!(
                "more than {FILES_MAX} files in {}",
                folder.display()
            ));
        }
    }
    Ok(())
}
