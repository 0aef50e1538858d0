//! What can be done with the server that serves on after the comparison: what to open in a browser, what to type.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use format::{AuthId, StoreName};

/// What the lines are about.
pub struct Steps<'a> {
    pub address: SocketAddr,
    pub fingerprint: &'a str,
    /// Whether this program has the browser's app in it.
    pub has_app: bool,
    pub user: &'a str,
    pub password_file: &'a Path,
    pub store: StoreName,
    pub token: AuthId,
    pub token_file: &'a Path,
}

impl Steps<'_> {
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec!["The server keeps serving; Ctrl-C ends it.".to_owned()];
        lines.extend(self.in_a_browser());
        lines.extend(self.in_a_terminal());
        lines
    }

    fn in_a_browser(&self) -> Vec<String> {
        let address = self.reached();
        if !self.has_app {
            return vec![
                "This program was built without the browser's app: build it where npm is, and the app is in it.".to_owned(),
            ];
        }
        vec![
            "In a browser (it warns of the certificate, which the server made itself; compare the fingerprint above):".to_owned(),
            format!("  https://{address}/"),
            format!(
                "  log in as {} with the password in {}",
                self.user,
                self.password_file.display()
            ),
        ]
    }

    fn in_a_terminal(&self) -> Vec<String> {
        let address = self.reached();
        vec![
            "From another terminal:".to_owned(),
            format!("  export PBS_FINGERPRINT={}", self.fingerprint),
            format!(
                "  export PBS_PASSWORD_FILE={}",
                self.password_file.display()
            ),
            format!(
                "  strongroom snapshot list --repository {}@{address}:{}",
                self.user, self.store
            ),
            format!(
                "  curl -k -H \"Authorization: PBSAPIToken={}:$(cat {})\" https://{address}/api2/json/version",
                self.token,
                self.token_file.display()
            ),
        ]
    }

    /// An address that can be typed: one that stands for all of the machine's stands for none elsewhere.
    fn reached(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody was told that there is an app, nor where, nor how to log in to it.
    #[test]
    fn the_app_is_named_where_it_is() {
        for (address, has_app, there, not_there) in [
            (
                "127.0.0.1:8007",
                true,
                "\n  https://127.0.0.1:8007/\n",
                "without",
            ),
            (
                "0.0.0.0:8010",
                true,
                "\n  https://127.0.0.1:8010/\n",
                "0.0.0.0",
            ),
            ("[::]:8007", true, "\n  https://[::1]:8007/\n", "[::]"),
            (
                "127.0.0.1:8007",
                false,
                "built without the browser's app",
                "8007/\n",
            ),
        ] {
            let steps = Steps {
                address: address.parse().expect("address"),
                fingerprint: "aa:bb",
                has_app,
                user: "admin@pbs",
                password_file: Path::new("/d/admin.password"),
                store: "main".parse().expect("name"),
                token: "admin@pbs!t".parse().expect("id"),
                token_file: Path::new("/d/admin.token"),
            };
            let text = steps.lines().join("\n");
            assert!(text.contains(there), "{there}: {text}");
            assert!(!text.contains(not_there), "{not_there}: {text}");
            let login = "log in as admin@pbs with the password in /d/admin.password";
            assert_eq!(text.contains(login), has_app, "{text}");
        }
    }
}
