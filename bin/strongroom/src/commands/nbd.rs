//! `nbd`: an image for programs that speak the NBD protocol, without root. Ours; the original has nothing like it.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use console::out;
use console::report::Failure;
use mount::nbd::{Export, Limits, ListenError, Listener, Server};

use crate::context::Context;
use crate::interrupt::Ears;
use crate::reading::{AccessArgs, ArchiveArgs, complain, is_image};

/// The port that the protocol is registered for.
const PORT: u16 = 10809;
/// The socket's name in the user's runtime folder.
const SOCKET: &str = "nbd.sock";

/// Serve a disk image by the NBD protocol, read-only, to qemu-img, qemu-nbd, nbdcopy and others.
///
/// The address is printed on standard output as soon as clients can connect. The command runs
/// until it is interrupted. NBD knows neither logins nor encryption: a socket is its user's
/// alone, while every user of this machine can connect to a loopback address.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom nbd vm/100 drive-scsi0.img --socket /tmp/disk.sock
  qemu-img convert -O qcow2 'nbd+unix:///?socket=/tmp/disk.sock' disk.qcow2")]
pub struct Args {
    #[command(flatten)]
    archive: ArchiveArgs,

    /// Listen on this Unix socket; without it and --listen, on one in the runtime folder.
    #[arg(long)]
    socket: Option<PathBuf>,

    /// Listen on this address, like 127.0.0.1:10809.
    #[arg(long)]
    listen: Option<String>,

    /// Let --listen be an address that other machines reach.
    #[arg(long)]
    allow_remote: bool,

    #[command(flatten)]
    access: AccessArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    if !is_image(&args.archive.name()?) {
        return Err(Failure::new("only disk images can be served by NBD")
            .hint("`strongroom mount` shows archives that end in .pxar as a file system")
            .into());
    }
    let at = At::choose(&args, context)?;
    let opened = args.archive.open(&args.access, context).await?;
    let image = opened.image().await?;
    let name = opened.archive.label().to_owned();
    let export = Export {
        description: opened.full_name(),
        name: name.clone(),
        image: Arc::new(image),
    };
    let mut ears = Ears::open()?;
    let listener = at.listen(args.allow_remote).map_err(advise)?;
    let address = at.url(&listener, &name);
    let complain: mount::nbd::Complain = Arc::new(complain);
    let server = Server::start(listener, export, Limits::default(), complain)
        .map_err(|error| Failure::new("cannot serve the image").cause(error))?;
    out::line(&address)?;
    tracing::info!("Serving '{}' until interrupted.", opened.full_name());
    let signal = ears.heard().await;
    tracing::info!("got shutdown request ({signal})");
    drop(server);
    Ok(())
}

enum At {
    Socket(PathBuf),
    Address(SocketAddr),
}

impl At {
    fn choose(args: &Args, context: &Context) -> Result<At> {
        match (&args.socket, &args.listen) {
            (Some(_), Some(_)) => Err(Failure::new("--socket and --listen are mutually exclusive")
                .hint("start it twice to serve both")
                .into()),
            (Some(path), None) => Ok(At::Socket(std::path::absolute(path)?)),
            (None, Some(text)) => Ok(At::Address(address(text)?)),
            (None, None) => {
                let path = context.places.runtime(SOCKET).map_err(|error| {
                    Failure::new("there is no folder for the socket")
                        .cause(error)
                        .hint("name one with --socket PATH, or an address with --listen")
                })?;
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                Ok(At::Socket(path))
            }
        }
    }

    fn listen(&self, remote_allowed: bool) -> Result<Listener, ListenError> {
        match self {
            At::Socket(path) => Listener::unix(path),
            At::Address(address) => Listener::tcp(*address, remote_allowed),
        }
    }

    /// As qemu, nbdcopy and nbdinfo take it.
    fn url(&self, listener: &Listener, name: &str) -> String {
        let name = escape(name);
        match self {
            At::Socket(path) => format!("nbd+unix:///{name}?socket={}", escape_path(path)),
            At::Address(wanted) => {
                let address = listener.address().unwrap_or(*wanted);
                format!("nbd://{address}/{name}")
            }
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    text.parse()
        .or_else(|error| match bare.parse::<IpAddr>() {
            Ok(address) => Ok(SocketAddr::new(address, PORT)),
            Err(_) => Err(error),
        })
        .map_err(|error| {
            Failure::new(format!("'{text}' is no address to listen on"))
                .cause(error)
                .hint(format!("the form is 127.0.0.1:{PORT} or [::1]:{PORT}"))
        })
}

fn escape_path(path: &Path) -> String {
    escape(&path.to_string_lossy())
}

/// What a URL takes literally stays.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn advise(error: ListenError) -> Failure {
    let hint = match &error {
        ListenError::NotASocket(_) | ListenError::InUse(_) => "choose another path with --socket",
        ListenError::Unix { .. } => {
            "the folder must exist and be writable; a path has at most 107 bytes"
        }
        ListenError::NotLoopback(_) => {
            "listen on a loopback address and let ssh forward it, or insist with --allow-remote"
        }
        ListenError::Tcp { .. } => "choose another address with --listen",
    };
    Failure::new(error.to_string()).cause(error).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("127.0.0.1:5", Some("127.0.0.1:5")),
            ("127.0.0.1", Some("127.0.0.1:10809")),
            ("::1", Some("[::1]:10809")),
            ("[::1]", Some("[::1]:10809")),
            ("[::1]:0", Some("[::1]:0")),
            ("localhost", None),
            ("1.2.3.4:99999", None),
            ("", None),
        ] {
            let found = address(text).ok().map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn urls() {
        assert_eq!(escape("/run/a b/ü.sock"), "/run/a%20b/%C3%BC.sock");
        assert_eq!(escape("drive-scsi0.img"), "drive-scsi0.img");
    }
}
