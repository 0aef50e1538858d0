//! `export`: a directory that the original can use, from the configuration of this server.

use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use anyhow::Result;
use config::takeover::{self, Item, PutError, Verdict};
use console::out;
use console::report::Failure;

use crate::context::{Context, ServerArgs};

/// User and group as which the original's server runs.
const OWNER: &str = "backup";

/// Write the configuration into a new directory for a Proxmox Backup Server, the way it wants it.
///
/// Root gives the files their owners, if there is a user `backup`; else the command tells what is left to do.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom-manager export /root/proxmox-backup")]
pub struct Args {
    /// The directory, which must not exist or be empty.
    #[arg(value_name = "<path>")]
    directory: PathBuf,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    // Without a slash at its end, behind which a link could not be seen.
    let directory: PathBuf = args.directory.components().collect();
    if directory.is_symlink() {
        return Err(Failure::new(format!("{} is a link", directory.display()))
            .cause("what it leads to may be somebody else's, and would be given to another user")
            .hint("name the directory itself")
            .into());
    }
    let args = Args { directory, ..args };
    let places = args.server.places(context)?;
    let items = takeover::look(&places.config_dir)?;
    for item in &items {
        if let Verdict::Wrong(error) = &item.verdict {
            return Err(
                Failure::new(format!("{} is wrong, nothing was written", item.name))
                    .cause(error.to_string())
                    .into(),
            );
        }
    }
    takeover::put(&items, &args.directory, false, None, "").map_err(not_empty)?;
    let ids = if context.is_root() {
        ids_of(OWNER)
    } else {
        None
    };
    match ids {
        Some(ids) => own(&args.directory, &items, ids)?,
        None => tell(&args.directory, &items)?,
    }
    let count = items.iter().filter(|item| item.goes()).count();
    Ok(out::line(&format!(
        "{count} files written to {}",
        args.directory.display()
    ))?)
}

fn not_empty(error: PutError) -> anyhow::Error {
    match error {
        PutError::NotEmpty(_) => Failure::new(error.to_string())
            .hint("choose a directory that does not exist yet")
            .into(),
        error => error.into(),
    }
}

/// User and group id, by the machine's list of users.
fn ids_of(user: &str) -> Option<(u32, u32)> {
    let list = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = list
        .lines()
        .find(|line| line.split(':').next() == Some(user))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Files with secrets are root's alone; of the others the server may read all, and one is its own. Folders are its own too, or it could not reach
/// into them.
fn owner(item: &Item) -> (&'static str, &'static str) {
    match (item.name.as_str(), item.mode) {
        ("token.shadow", _) => (OWNER, OWNER),
        (_, 0o600) => ("root", "root"),
        _ => ("root", OWNER),
    }
}

fn own(directory: &Path, items: &[Item], (uid, gid): (u32, u32)) -> Result<()> {
    let id = |name: &str, id: u32| if name == OWNER { id } else { 0 };
    for item in items.iter().filter(|item| item.goes()) {
        let (user, group) = owner(item);
        lchown(
            directory.join(&item.name),
            Some(id(user, uid)),
            Some(id(group, gid)),
        )?;
    }
    for folder in takeover::folders(items) {
        lchown(directory.join(folder), Some(uid), Some(gid))?;
    }
    Ok(lchown(directory, Some(uid), Some(gid))?)
}

/// The commands that root has to run where the original runs.
fn tell(directory: &Path, items: &[Item]) -> Result<()> {
    out::line("# as root, where the files are used:")?;
    let place = directory.display();
    out::line(&format!("chown {OWNER}:{OWNER} {place}"))?;
    for folder in takeover::folders(items) {
        let folder = folder.display();
        out::line(&format!("chown {OWNER}:{OWNER} {place}/{folder}"))?;
    }
    for item in items.iter().filter(|item| item.goes()) {
        let (user, group) = owner(item);
        out::line(&format!("chown {user}:{group} {place}/{}", item.name))?;
    }
    Ok(())
}
