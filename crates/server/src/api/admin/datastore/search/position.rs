//! Where a search goes on, as text that a client hands back: `NS|SNAPSHOT|ARCHIVE|PATH`, the path in base64. It grants nothing.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use format::{Namespace, Snapshot};

/// Bytes of a path that are kept; a request has to fit into a line. Of a longer one its folders count: what is in the last of them comes again.
const PATH_MAX: usize = 1024;

/// What comes next, or, with a path, what comes behind it in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub ns: Namespace,
    pub snapshot: Snapshot,
    pub archive: String,
    pub path: Vec<u8>,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position {
            ns,
            snapshot,
            archive,
            path,
        } = self;
        let mut path = path.as_slice();
        while path.len() > PATH_MAX {
            let slash = path.iter().rposition(|byte| *byte == b'/');
            path = &path[..slash.unwrap_or(0)];
        }
        let path = URL_SAFE_NO_PAD.encode(path);
        write!(f, "{ns}|{snapshot}|{archive}|{path}")
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Position, ()> {
        let parts: Vec<&str> = text.split('|').collect();
        let [ns, snapshot, archive, path] = parts[..] else {
            return Err(());
        };
        Ok(Position {
            ns: ns.parse().map_err(drop)?,
            snapshot: snapshot.parse().map_err(drop)?,
            archive: archive.to_owned(),
            path: URL_SAFE_NO_PAD.decode(path).map_err(drop)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_as_text() {
        let position = Position {
            ns: "a/b".parse().expect("namespace"),
            snapshot: "host/x/2020-01-01T00:00:00Z".parse().expect("snapshot"),
            archive: "root.pxar.didx".to_owned(),
            path: b"/a|\xff".to_vec(),
        };
        let text = position.to_string();
        assert_eq!(
            text,
            "a/b|host/x/2020-01-01T00:00:00Z|root.pxar.didx|L2F8_w"
        );
        assert_eq!(text.parse(), Ok(position.clone()));
        let path = [b"/a/", &[b'x'; 1020][..], b"/long"].concat();
        let long = Position { path, ..position };
        let cut: Position = long.to_string().parse().expect("position");
        assert_eq!(cut.path.len(), 1023);
        for wrong in [
            "",
            "a",
            "|host/x|a|",
            "|host/x/2020-01-01T00:00:00Z|a|!",
            "||||",
        ] {
            assert_eq!(wrong.parse::<Position>(), Err(()), "{wrong}");
        }
    }
}
