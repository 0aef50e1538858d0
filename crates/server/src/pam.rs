//! Users of the realm `pam` are the system's: its authentication modules are asked (PAM). Only in builds with the feature `pam`.

use std::ffi::{CStr, CString, NulError, c_int};
use std::net::IpAddr;
use std::path::Path;

use crypto::Secret;

use crate::sys;

/// Ours, and the original's, which an installation that is taken over has.
const SERVICES: [&CStr; 2] = [c"strongroom", c"proxmox-backup-auth"];
const FOLDERS: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// Codes that mean no: wrong, unknown, expired, locked, a new password wanted first.
const REFUSALS: [c_int; 7] = [6, 7, 8, 10, 11, 12, 13];

/// Why nobody could be asked.
#[derive(Debug, thiserror::Error)]
pub enum PamError {
    #[error(
        "there is no PAM service 'strongroom': create /etc/pam.d/strongroom, for example with '@include common-auth' and '@include common-account'"
    )]
    NoService,
    #[error("PAM failed with code {0}; the system's log tells more")]
    Failed(c_int),
}

/// Whether this is the password of a user of the system who may come in now.
pub fn check(user: &str, password: &Secret, from: IpAddr) -> Result<bool, PamError> {
    let exists = |service: &&CStr| {
        let name = service.to_string_lossy();
        FOLDERS
            .iter()
            .any(|folder| Path::new(folder).join(&*name).exists())
    };
    let service = SERVICES
        .into_iter()
        .find(exists)
        .ok_or(PamError::NoService)?;
    ask(service, None, user, password, from)
}

fn ask(
    service: &CStr,
    folder: Option<&CStr>,
    user: &str,
    password: &Secret,
    from: IpAddr,
) -> Result<bool, PamError> {
    let ended = Secret::new(format!("{}\0", password.expose()));
    let texts = || -> Result<(CString, CString), NulError> {
        Ok((CString::new(user)?, CString::new(from.to_string())?))
    };
    // What cannot be asked for is nobody's password; an empty one is not even tried.
    let (Ok((user, from)), Ok(password)) = (texts(), CStr::from_bytes_with_nul(ended.as_bytes()))
    else {
        return Ok(false);
    };
    if password.is_empty() {
        return Ok(false);
    }
    match sys::authenticate(service, folder, &user, password, &from) {
        0 => Ok(true),
        code if REFUSALS.contains(&code) => Ok(false),
        code => Err(PamError::Failed(code)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Modules that ask for seconds of waiting after a wrong password would hold the few threads that check passwords.
    #[test]
    fn a_wrong_password_holds_no_thread() {
        let folder = tempfile::tempdir().expect("tempdir");
        let text = "auth optional pam_faildelay.so delay=20000000\nauth required pam_deny.so\naccount required pam_permit.so\n";
        fs::write(folder.path().join("slow"), text).expect("service");
        let place = CString::new(folder.path().to_str().expect("text")).expect("text");
        let from = "192.0.2.1".parse().expect("address");
        let start = std::time::Instant::now();
        let secret = Secret::new("wrong".to_owned());
        let answer = ask(c"slow", Some(&place), "ann", &secret, from);
        assert!(matches!(answer, Ok(false)), "{answer:?}");
        // libpam waits within a half of what it was asked for.
        assert!(start.elapsed().as_secs() < 8, "{:?}", start.elapsed());
    }

    /// Services of a folder of ours, asked through the system's library: one knows a password by a script, one refuses, one is broken.
    #[test]
    fn the_library_is_asked_and_gets_the_password() {
        let folder = tempfile::tempdir().expect("tempdir");
        let at = |name: &str| folder.path().join(name);
        let script = at("check");
        let text = "#!/bin/sh\ngiven=$(tr -d '\\000')\n[ \"$PAM_USER\" = ann ] && [ \"$PAM_RHOST\" = 192.0.2.1 ] && [ \"$given\" = right ]\n";
        fs::write(&script, text).expect("script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("mode");
        let service = |name: &str, auth: &str| {
            let text = format!("auth required {auth}\naccount required pam_permit.so\n");
            fs::write(at(name), text).expect("service");
        };
        service(
            "exec",
            &format!("pam_exec.so expose_authtok quiet {}", script.display()),
        );
        service("deny", "pam_deny.so");
        service("none", "pam_is_not_there.so");
        let place = CString::new(folder.path().to_str().expect("text")).expect("text");
        let from = "192.0.2.1".parse().expect("address");
        // That a script says no is a failure of the system to this module.
        for (service, user, password, expected) in [
            (c"exec", "ann", "right", "Ok(true)"),
            (c"exec", "ann", "wrong", "Err(Failed(4))"),
            (c"exec", "ann", "", "Ok(false)"),
            (c"exec", "ann", "right\0", "Ok(false)"),
            (c"exec", "an\0n", "right", "Ok(false)"),
            (c"exec", "bob", "right", "Err(Failed(4))"),
            (c"deny", "ann", "right", "Ok(false)"),
            (c"none", "ann", "right", "Err(Failed(28))"),
        ] {
            let secret = Secret::new(password.to_owned());
            let answer = ask(service, Some(&place), user, &secret, from);
            assert_eq!(
                format!("{answer:?}"),
                expected,
                "{service:?} {user} {password:?}"
            );
        }
    }
}
