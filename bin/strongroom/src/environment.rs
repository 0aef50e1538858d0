//! The process environment: the only reader of variables, and the order in which a setting or
//! a secret is looked for (cli.md 2.3).
//!
//! Values are read once at the start, so everything here can be shown with a table. The first
//! variable that is defined wins, also when it is empty.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::sys::Inherited;

/// Longest value read from a descriptor, file, command or credential.
const VALUE_BYTES_MAX: u64 = 64 << 10;

/// All variables of the process, and the descriptors that it was started with.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    inherited: Inherited,
}

/// A setting that may be given in five ways.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub variable: &'static str,
    pub credential: &'static str,
}

pub const REPOSITORY: Setting = Setting {
    variable: "PBS_REPOSITORY",
    credential: "proxmox-backup-client.repository",
};
pub const PASSWORD: Setting = Setting {
    variable: "PBS_PASSWORD",
    credential: "proxmox-backup-client.password",
};
pub const ENCRYPTION_PASSWORD: Setting = Setting {
    variable: "PBS_ENCRYPTION_PASSWORD",
    credential: "proxmox-backup-client.encryption-password",
};
/// What a new key file is to be locked with, where nobody can be asked; ours, not the original's.
pub const NEW_ENCRYPTION_PASSWORD: Setting = Setting {
    variable: "PBS_NEW_ENCRYPTION_PASSWORD",
    credential: "proxmox-backup-client.new-encryption-password",
};
/// The password of a private master key, where nobody can be asked; ours too.
pub const MASTER_KEY_PASSWORD: Setting = Setting {
    variable: "PBS_MASTER_KEY_PASSWORD",
    credential: "proxmox-backup-client.master-key-password",
};
pub const FINGERPRINT: Setting = Setting {
    variable: "PBS_FINGERPRINT",
    credential: "proxmox-backup-client.fingerprint",
};

/// A setting is defined but cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error("ENV({0}) is not valid UTF-8")]
    NotText(String),
    #[error("unable to parse file descriptor in ENV({variable}): {text:?} is no number")]
    NotDescriptor { variable: String, text: String },
    #[error("unable to read file descriptor in ENV({variable})")]
    Descriptor { variable: String, source: io::Error },
    #[error("unable to open file in ENV({variable}): {}", path.display())]
    File {
        variable: String,
        path: PathBuf,
        source: io::Error,
    },
    #[error("unable to split command in ENV({0}): quotes do not match")]
    Quotes(String),
    #[error("unable to run command in ENV({variable})")]
    Command { variable: String, source: io::Error },
    #[error("command in ENV({variable}) failed with {status}")]
    CommandFailed {
        variable: String,
        status: std::process::ExitStatus,
    },
    #[error("unable to read credential file {}", path.display())]
    Credential { path: PathBuf, source: io::Error },
    #[error("the value from {0} is longer than {VALUE_BYTES_MAX} bytes")]
    TooLong(String),
}

impl Environment {
    pub fn of_process() -> Environment {
        let inherited = Inherited::of_process();
        let mut variables: BTreeMap<_, _> = std::env::vars_os().collect();
        // Services run without HOME; the user's keys lie where they lie all the same.
        if let Some(home) = std::env::home_dir() {
            variables.insert("HOME".into(), home.into());
        }
        Environment {
            variables,
            inherited,
        }
    }

    /// No descriptor can be taken any more; those that are left are closed.
    pub fn close_descriptors(&self) {
        self.inherited.close_rest();
    }

    /// An inherited descriptor, see [`Inherited::take`].
    pub fn descriptor(&self, number: i32) -> io::Result<File> {
        self.inherited.take(number)
    }

    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
    }

    /// The variable as text; not UTF-8 counts as not set.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).and_then(OsStr::to_str)
    }

    /// The variable as an absolute path, as the XDG rules demand; anything else is ignored.
    pub fn absolute_path(&self, name: &str) -> Option<&Path> {
        self.raw(name)
            .map(Path::new)
            .filter(|path| path.is_absolute())
    }

    /// The setting from the first of: `NAME`, `NAME_FD`, `NAME_FILE`, `NAME_CMD`, credential.
    pub fn setting(&self, setting: Setting) -> Result<Option<Zeroizing<String>>, SettingError> {
        let name = setting.variable;
        if let Some(value) = self.raw(name) {
            let value = value
                .to_str()
                .ok_or_else(|| SettingError::NotText(name.into()))?;
            return Ok(Some(first_line(value)));
        }
        type Way = fn(&Environment, &str, &OsStr) -> Result<Zeroizing<Vec<u8>>, SettingError>;
        let ways: [(&str, Way); 3] = [
            ("_FD", Environment::read_descriptor),
            ("_FILE", Environment::read_file),
            ("_CMD", Environment::read_command),
        ];
        for (ending, read) in ways {
            let variable = format!("{name}{ending}");
            if let Some(value) = self.raw(&variable) {
                let bytes = read(self, &variable, value)?;
                let text = text(&variable, &bytes)?;
                return Ok(Some(first_line(text)));
            }
        }
        self.credential(setting.credential)
    }

    fn read_descriptor(
        &self,
        variable: &str,
        value: &OsStr,
    ) -> Result<Zeroizing<Vec<u8>>, SettingError> {
        let number = value.to_str().and_then(|text| text.parse().ok());
        let number = number.ok_or_else(|| SettingError::NotDescriptor {
            variable: variable.into(),
            text: value.to_string_lossy().into_owned(),
        })?;
        let failed = |source| SettingError::Descriptor {
            variable: variable.into(),
            source,
        };
        let file = self.descriptor(number).map_err(failed)?;
        read(variable, file, failed)
    }

    fn read_file(&self, variable: &str, value: &OsStr) -> Result<Zeroizing<Vec<u8>>, SettingError> {
        let failed = |source| SettingError::File {
            variable: variable.into(),
            path: value.into(),
            source,
        };
        let file = File::open(value).map_err(failed)?;
        read(variable, file, failed)
    }

    /// Runs the command without a shell; its standard error and input are ours.
    fn read_command(
        &self,
        variable: &str,
        value: &OsStr,
    ) -> Result<Zeroizing<Vec<u8>>, SettingError> {
        let value = value
            .to_str()
            .ok_or_else(|| SettingError::NotText(variable.into()))?;
        let words = shlex::split(value).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| SettingError::Quotes(variable.into()))?;
        let failed = |source| SettingError::Command {
            variable: variable.into(),
            source,
        };
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdout = child
            .stdout
            .take()
            .expect("standard output was asked to be a pipe");
        let bytes = read(variable, stdout, failed);
        let status = child.wait().map_err(failed)?;
        if !status.success() {
            return Err(SettingError::CommandFailed {
                variable: variable.into(),
                status,
            });
        }
        bytes
    }

    /// The whole credential file, its line end included.
    fn credential(&self, name: &str) -> Result<Option<Zeroizing<String>>, SettingError> {
        let Some(directory) = self.raw("CREDENTIALS_DIRECTORY") else {
            return Ok(None);
        };
        let path = Path::new(directory).join(name);
        let failed = |source| SettingError::Credential {
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let place = path.display().to_string();
        let bytes = read(&place, file, failed)?;
        Ok(Some(Zeroizing::new(text(&place, &bytes)?.to_string())))
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Environment {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Environment {
            variables,
            inherited: Inherited::default(),
        }
    }
}

fn first_line(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.lines().next().unwrap_or_default().to_string())
}

fn text<'a>(place: &str, bytes: &'a [u8]) -> Result<&'a str, SettingError> {
    std::str::from_utf8(bytes).map_err(|_| SettingError::NotText(place.into()))
}

fn read(
    place: &str,
    source: impl Read,
    failed: impl FnOnce(io::Error) -> SettingError,
) -> Result<Zeroizing<Vec<u8>>, SettingError> {
    let mut bytes = Zeroizing::new(Vec::new());
    source
        .take(VALUE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > VALUE_BYTES_MAX {
        return Err(SettingError::TooLong(place.into()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(variables: &[(&str, &str)]) -> Option<String> {
        let environment: Environment = variables.iter().copied().collect();
        environment
            .setting(PASSWORD)
            .expect("setting is readable")
            .map(|text| text.to_string())
    }

    #[test]
    fn the_first_defined_way_wins() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "from file\nsecond line\n").unwrap();
        std::fs::write(folder.path().join(PASSWORD.credential), "credential\n").unwrap();
        let (file, folder) = (file.to_str().unwrap(), folder.path().to_str().unwrap());
        let command = "sh -c 'printf \"from command\\nmore\"'";
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);
        let cases: [Case<'_>; 7] = [
            ("nothing", &[], None),
            (
                "value",
                &[("PBS_PASSWORD", "a\nb"), ("PBS_PASSWORD_FILE", file)],
                Some("a"),
            ),
            (
                "empty counts",
                &[("PBS_PASSWORD", ""), ("PBS_PASSWORD_FILE", file)],
                Some(""),
            ),
            (
                "file",
                &[("PBS_PASSWORD_FILE", file), ("PBS_PASSWORD_CMD", command)],
                Some("from file"),
            ),
            (
                "command",
                &[
                    ("PBS_PASSWORD_CMD", command),
                    ("CREDENTIALS_DIRECTORY", folder),
                ],
                Some("from command"),
            ),
            (
                "credential keeps its line end",
                &[("CREDENTIALS_DIRECTORY", folder)],
                Some("credential\n"),
            ),
            (
                "no such credential",
                &[("CREDENTIALS_DIRECTORY", "/nonexistent")],
                None,
            ),
        ];
        for (name, variables, expected) in cases {
            assert_eq!(value(variables).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for (name, variables, text) in [
            (
                "file",
                ("PBS_PASSWORD_FILE", "/nonexistent"),
                "unable to open file in ENV(PBS_PASSWORD_FILE): /nonexistent",
            ),
            (
                "quotes",
                ("PBS_PASSWORD_CMD", "echo 'a"),
                "unable to split command in ENV(PBS_PASSWORD_CMD): quotes do not match",
            ),
            (
                "program",
                ("PBS_PASSWORD_CMD", "/nonexistent x"),
                "unable to run command in ENV(PBS_PASSWORD_CMD)",
            ),
            (
                "status",
                ("PBS_PASSWORD_CMD", "false"),
                "command in ENV(PBS_PASSWORD_CMD) failed with exit status: 1",
            ),
            (
                "no number",
                ("PBS_PASSWORD_FD", "x"),
                "unable to parse file descriptor in ENV(PBS_PASSWORD_FD): \"x\" is no number",
            ),
            (
                "not open",
                ("PBS_PASSWORD_FD", "9999"),
                "unable to read file descriptor in ENV(PBS_PASSWORD_FD)",
            ),
        ] {
            let environment: Environment = [variables].into_iter().collect();
            assert_eq!(
                environment.setting(PASSWORD).unwrap_err().to_string(),
                text,
                "{name}"
            );
        }
    }
}
