//! Which of the original's programs this is: the name that it was called by decides (`argv[0]`).

use console::naming::replaced;

/// How the client calls itself in its texts.
pub const CLIENT: &str = "strongroom";
/// How the original does.
pub const ORIGINAL: &str = "proxmox-backup-client";
/// Commands that the original's client, which may be the one that is installed, does not have.
const ADDITIONS: [&str; 2] = ["nbd", "search"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Client,
    Debug,
    FileRestore,
}

/// Whether `name`, a file name without folders, is the one program of them with a grammar and hints of its own.
pub fn is_pxar(name: &str) -> bool {
    name == "pxar"
}

impl Program {
    /// `name` is a file name without folders.
    pub fn named(name: &str) -> Program {
        match name {
            "proxmox-backup-debug" => Program::Debug,
            "proxmox-file-restore" => Program::FileRestore,
            _ => Program::Client,
        }
    }
}

/// A hint, which names commands as `strongroom` has them, for who has called the program `name`.
pub fn advice(name: &str, hint: &str) -> String {
    let own = match Program::named(name) {
        Program::Client => return replaced(hint, CLIENT, name),
        Program::Debug => "strongroom debug",
        Program::FileRestore => "strongroom file-restore",
    };
    let hint = replaced(&replaced(hint, own, name), CLIENT, ORIGINAL);
    ADDITIONS.iter().fold(hint, |hint, word| {
        let (theirs, ours) = (format!("`{ORIGINAL} {word}"), format!("`{CLIENT} {word}"));
        hint.replace(&theirs, &ours)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who had only called `proxmox-file-restore` was sent to `snapshot files`, which that program does not have.
    #[test]
    fn hints_name_what_can_be_called() {
        for (name, hint, expected) in [
            (
                "strongroom",
                "`strongroom snapshot list` lists",
                "`strongroom snapshot list` lists",
            ),
            (
                "proxmox-backup-client",
                "`strongroom snapshot list`, `strongroom nbd`",
                "`proxmox-backup-client snapshot list`, `proxmox-backup-client nbd`",
            ),
            (
                "proxmox-backup-debug",
                "`strongroom debug api ls` and `strongroom key show FILE`",
                "`proxmox-backup-debug api ls` and `proxmox-backup-client key show FILE`",
            ),
            (
                "proxmox-file-restore",
                "`strongroom file-restore list`, `strongroom map`, `strongroom nbd`",
                "`proxmox-file-restore list`, `proxmox-backup-client map`, `strongroom nbd`",
            ),
            (
                "proxmox-backup-client",
                "look into /etc/strongroom and `strongroom-manager verify`",
                "look into /etc/strongroom and `strongroom-manager verify`",
            ),
        ] {
            assert_eq!(advice(name, hint), expected);
        }
    }
}
