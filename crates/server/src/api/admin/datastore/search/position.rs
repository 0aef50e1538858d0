//! Where a search goes on, as text that a client hands back: `NS|SNAPSHOT|ARCHIVE|LISTED|PATH`, the path in base64. It grants nothing.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use format::{Namespace, Snapshot};

use crate::content::search::Stop;

/// What comes next, or, with a path, what comes behind it in an archive. Without an archive, all of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub ns: Namespace,
    pub snapshot: Snapshot,
    pub archive: String,
    pub stop: Stop,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position {
            ns,
            snapshot,
            archive,
            stop: Stop { path, listed },
        } = self;
        let path = URL_SAFE_NO_PAD.encode(path);
        write!(f, "{ns}|{snapshot}|{archive}|{listed}|{path}")
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Position, ()> {
        let parts: Vec<&str> = text.split('|').collect();
        let [ns, snapshot, archive, listed, path] = parts[..] else {
            return Err(());
        };
        Ok(Position {
            ns: ns.parse().map_err(drop)?,
            snapshot: snapshot.parse().map_err(drop)?,
            archive: archive.to_owned(),
            stop: Stop {
                listed: listed.parse().map_err(drop)?,
                path: URL_SAFE_NO_PAD.decode(path).map_err(drop)?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::search::PATH_MAX;

    #[test]
    fn positions_as_text() {
        let position = Position {
            ns: "a/b".parse().expect("namespace"),
            snapshot: "host/x/2020-01-01T00:00:00Z".parse().expect("snapshot"),
            archive: "root.pxar.didx".to_owned(),
            stop: Stop {
                listed: 7,
                path: b"/a|\xff".to_vec(),
            },
        };
        let text = position.to_string();
        assert_eq!(
            text,
            "a/b|host/x/2020-01-01T00:00:00Z|root.pxar.didx|7|L2F8_w"
        );
        assert_eq!(text.parse(), Ok(position.clone()));
        let path = vec![b'x'; PATH_MAX];
        let stop = Stop { path, listed: 0 };
        let long = Position { stop, ..position };
        assert_eq!(long.to_string().parse(), Ok(long), "nothing is cut off");
        for wrong in [
            "",
            "a",
            "|host/x|a|0|",
            "|host/x/2020-01-01T00:00:00Z|a|0|!",
            "|host/x/2020-01-01T00:00:00Z|a|-1|",
            "|host/x/2020-01-01T00:00:00Z|a|",
            "||||",
        ] {
            assert_eq!(wrong.parse::<Position>(), Err(()), "{wrong}");
        }
    }
}
