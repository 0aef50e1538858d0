//! The layout of help pages.

use clap::{CommandFactory, Parser};
use console::help::{line, page, usage};

/// Store directories and images.
#[derive(Parser)]
struct Backup {
    /// List of sources, each `label.ext:path`, long enough that this sentence must be wrapped.
    #[arg(required = true)]
    backupspec: Vec<String>,
    /// Include all mounted file systems.
    #[arg(long)]
    all_file_systems: bool,
    /// Size of a chunk.
    #[arg(long, default_value_t = 4096, value_name = "<integer> (64 - 4096)")]
    chunk_size: i64,
    /// Where to.
    #[arg(long, required = true)]
    target: String,
    /// Namespace.
    #[arg(long)]
    ns: Option<String>,
    /// Patterns.
    #[arg(long)]
    exclude: Vec<String>,
}

const PARAMETERS: &str = " <backupspec> <string>
             List of sources, each `label.ext:path`, long enough that this
             sentence must be wrapped. May be given more than once.

 --target   <string>
             Where to.

Optional parameters:

 --all-file-systems <boolean>   (default=false)
             Include all mounted file systems.
 --chunk-size <integer> (64 - 4096)   (default=4096)
             Size of a chunk.
 --exclude  <string>
             Patterns. May be given more than once.
 --ns       <string>
             Namespace.

";

#[test]
fn a_leaf_has_usage_description_and_blocks() {
    let command = Backup::command();
    let usage_line = "p backup {<backupspec>} --target <string> [OPTIONS]";
    assert_eq!(line("p backup", &command), usage_line);
    assert_eq!(
        usage("p backup", &command),
        format!("Usage: {usage_line}\n\n{PARAMETERS}")
    );
    assert_eq!(
        page("p backup", &command),
        format!("Usage: {usage_line}\n\nStore directories and images.\n\n{PARAMETERS}")
    );
}
