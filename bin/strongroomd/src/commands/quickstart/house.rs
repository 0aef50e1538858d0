//! The folder of a quickstart: configuration, state, logs, one datastore, an admin user with a password and an API token.
//!
//! Running quickstart again uses what is there; secrets that were lost are made anew. Secrets lie in files of mode 0600.

use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use api::Role;
use api::rest::access::{AclUpdate, TokenChange, UserCreate};
use config::edit::{self, EditError};
use config::{ConfigDir, password};
use format::{AuthId, BackupId, BackupType, Group, StoreName};
use store::Datastore;

use super::at;

pub const USER: &str = "admin@pbs";
const TOKEN: &str = "quickstart";
const STORE: &str = "main";

pub struct House {
    pub root: PathBuf,
    /// The API token's secret.
    pub token: String,
}

impl House {
    /// Makes what is missing.
    pub fn make(root: &Path) -> Result<House> {
        make_folder(root).map_err(at(root))?;
        let root = root.canonicalize().map_err(at(root))?;
        trust(&root)?;
        let mut house = House {
            root,
            token: String::new(),
        };
        let dir = ConfigDir::create(&house.config())?;
        house.user(&dir)?;
        house.token = house.secret(&dir)?;
        house.datastore(&dir)?;
        Ok(house)
    }

    pub fn config(&self) -> PathBuf {
        self.root.join("config")
    }

    pub fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub fn password_file(&self) -> PathBuf {
        self.root.join("admin.password")
    }

    pub fn token_file(&self) -> PathBuf {
        self.root.join("admin.token")
    }

    fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    pub fn store_name(&self) -> StoreName {
        STORE.parse().expect("a name of the right form")
    }

    pub fn token_id(&self) -> AuthId {
        format!("{USER}!{TOKEN}")
            .parse()
            .expect("an id of the right form")
    }

    pub fn group(&self) -> Group {
        let id: BackupId = "quickstart".parse().expect("an id of the right form");
        Group {
            ty: BackupType::Host,
            id,
        }
    }

    /// The pattern that leaves this folder out of a backup of `dir`, if it lies inside.
    pub fn seen_from(&self, dir: &Path) -> Option<Vec<u8>> {
        use std::os::unix::ffi::OsStrExt as _;
        let below = self
            .root
            .strip_prefix(dir)
            .ok()
            .filter(|p| !p.as_os_str().is_empty())?;
        let mut pattern = vec![b'/'];
        for byte in below.as_os_str().as_bytes() {
            if b"\\*?[".contains(byte) {
                pattern.push(b'\\');
            }
            pattern.push(*byte);
        }
        Some(pattern)
    }

    /// Number and bytes of the chunk files.
    pub fn chunks(&self) -> Result<(u64, u64)> {
        let (mut count, mut bytes) = (0, 0);
        let chunks = self.store().join(".chunks");
        for dir in fs::read_dir(&chunks).map_err(at(&chunks))? {
            let dir = dir.map_err(at(&chunks))?.path();
            for file in fs::read_dir(&dir).map_err(at(&dir))? {
                let meta = file.and_then(|f| f.metadata()).map_err(at(&dir))?;
                count += 1;
                bytes += meta.len();
            }
        }
        Ok((count, bytes))
    }

    fn user(&self, dir: &ConfigDir) -> Result<()> {
        let file = self.password_file();
        let userid = USER.parse()?;
        let made = edit::create_user(
            dir,
            &UserCreate {
                userid,
                password: None,
                properties: Default::default(),
            },
        );
        let existed = matches!(made, Err(EditError::UserExists(_)));
        if !existed {
            made.context("cannot create the admin user")?;
        }
        if !existed || !file.exists() {
            let word = password::new_token_secret();
            edit::set_password(dir, &USER.parse()?, &word)?;
            write_secret(&file, &word)?;
        }
        self.admin(dir, USER)
    }

    fn secret(&self, dir: &ConfigDir) -> Result<String> {
        let file = self.token_file();
        let change = TokenChange {
            userid: USER.parse()?,
            token_name: TOKEN.parse()?,
            comment: Some("made by quickstart".to_owned()),
            enable: None,
            expire: None,
            regenerate: None,
            delete: Vec::new(),
            digest: None,
        };
        let made = match edit::create_token(dir, &change) {
            Ok(made) => made,
            Err(EditError::TokenExists(_)) => {
                if let Ok(secret) = fs::read_to_string(&file) {
                    return Ok(secret.trim_end().to_owned());
                }
                let change = TokenChange {
                    regenerate: Some(true),
                    ..change
                };
                edit::update_token(dir, &change)?.context("the token has no new secret")?
            }
            Err(error) => return Err(error).context("cannot create the API token"),
        };
        self.admin(dir, &self.token_id().to_string())?;
        write_secret(&file, &made.secret)?;
        Ok(made.secret)
    }

    fn admin(&self, dir: &ConfigDir, who: &str) -> Result<()> {
        let request = AclUpdate {
            path: "/".to_owned(),
            role: Role::Admin,
            auth_id: Some(who.parse()?),
            group: None,
            propagate: Some(true),
            delete: None,
            digest: None,
        };
        edit::update_acl(dir, &request).with_context(|| format!("cannot give {who} the role Admin"))
    }

    fn datastore(&self, dir: &ConfigDir) -> Result<()> {
        let path = self.store();
        if path.join(".chunks").exists() {
            return Ok(());
        }
        let text = path
            .to_str()
            .context("the data folder's path is not UTF-8; choose another one with --data")?;
        let entry = config::files::Datastore::new(self.store_name(), text.to_owned());
        edit::create_datastore(dir, &entry, |_| Ok(Datastore::create(&path)?))
            .map(drop)
            .context("cannot create the datastore")
    }
}

/// Ours alone from the start; a folder that is there stays as it is.
fn make_folder(root: &Path) -> io::Result<()> {
    if root.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(root)
}

/// What lies in the folder, if it is there; all is read or written here as whoever runs this.
const PARTS: [&str; 6] = [
    "config",
    "state",
    "log",
    "store",
    "admin.password",
    "admin.token",
];

/// Refuses a folder that somebody else has prepared, or may change: secrets would be his, and a link would have us write where he wants.
fn trust(root: &Path) -> Result<()> {
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    own(root, &fs::metadata(root).map_err(at(root))?, user, group)?;
    for part in PARTS {
        let path = root.join(part);
        let found = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found.map_err(at(&path))?,
        };
        if found.is_symlink() || (found.is_dir() == part.starts_with("admin.")) {
            return Err(refusal(&path, "is a link, or not what it should be"));
        }
        own(&path, &found, user, group)?;
    }
    Ok(())
}

fn own(path: &Path, found: &Metadata, user: u32, group: u32) -> Result<()> {
    if found.uid() != user {
        let why = format!(
            "belongs to user id {}, but user id {user} runs this",
            found.uid()
        );
        return Err(refusal(path, &why));
    }
    // A group of the user's own may write, as some systems have it.
    if found.mode() & 0o002 != 0 || (found.mode() & 0o020 != 0 && found.gid() != group) {
        return Err(refusal(path, "can be changed by other users"));
    }
    Ok(())
}

fn refusal(path: &Path, why: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "whoever made it or can change it could read the secrets, or have files elsewhere overwritten; choose a folder that does not exist yet with --data"
    )
    .context(format!("{} {why}", path.display()))
}

/// Never through a link, nor into a file that is there.
fn write_secret(path: &Path, secret: &str) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(path)(error)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(at(path))?;
    writeln!(file, "{secret}").map_err(at(path))?;
    file.sync_all().map_err(at(path))
}

#[cfg(test)]
mod tests {
    //! Root's quickstart in a folder that a stranger had prepared wrote the password where his link led, and gave him the configuration.

    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let temp = tempfile::tempdir().expect("tempdir");
        let root = temp.path().join("data");
        (temp, root)
    }

    #[test]
    fn a_folder_of_ours_is_used_again() {
        let (_temp, root) = folder();
        let first = House::make(&root).expect("made");
        let mode = fs::metadata(&root).expect("there").mode() & 0o777;
        assert_eq!(mode, 0o700);
        fs::remove_file(first.password_file()).expect("lost");
        let again = House::make(&root).expect("again");
        assert_eq!(first.token, again.token);
        assert!(again.password_file().is_file());
    }

    #[test]
    fn links_and_open_folders_are_refused() {
        let (temp, root) = folder();
        let victim = temp.path().join("victim");
        fs::write(&victim, "KEEP").expect("write");
        let house = House::make(&root).expect("made");
        fs::remove_file(house.password_file()).expect("remove");
        symlink(&victim, house.password_file()).expect("link");
        assert!(House::make(&root).is_err());
        assert_eq!(fs::read_to_string(&victim).expect("read"), "KEEP");
        // Even if it came after the look.
        write_secret(&house.password_file(), "s").expect("written");
        assert_eq!(fs::read_to_string(&victim).expect("read"), "KEEP");
        House::make(&root).expect("in order again");
        for part in [root.clone(), house.config()] {
            let before = fs::metadata(&part).expect("there").permissions();
            fs::set_permissions(&part, fs::Permissions::from_mode(0o777)).expect("mode");
            assert!(House::make(&root).is_err(), "{}", part.display());
            fs::set_permissions(&part, before).expect("mode");
        }
        House::make(&root).expect("in order again");
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let (_temp, root) = folder();
        fs::create_dir(&root).expect("folder");
        if chown(&root, Some(54321), Some(54321)).is_err() {
            eprintln!("skipped: only root can give a folder to another user");
            return;
        }
        let refused = House::make(&root).map(drop).expect_err("his");
        assert!(refused.to_string().contains("54321"), "{refused}");
        assert_eq!(fs::read_dir(&root).expect("folder").count(), 0);
    }
}
