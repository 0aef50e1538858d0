//! What an init system of systemd's kind and this program say to each other: sockets that it opened for us, and where we are in our life. It is
//! all in the environment and in datagrams; without them nothing is said.

use std::ffi::{OsStr, OsString};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::sys;

/// Looks into the environment.
type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The socket that was opened for this process, if one was. To be called before anything else is opened.
pub fn listener(variable: Variable<'_>, pid: u32) -> Result<Option<TcpListener>> {
    match sockets(variable, pid)? {
        0 => Ok(None),
        1 => sys::first_listener()
            .map(Some)
            .context("cannot use the socket that was handed over"),
        count => bail!(
            "{count} sockets were handed over; the server takes one, give the unit one ListenStream="
        ),
    }
}

/// How many sockets were handed over to this very process.
fn sockets(variable: Variable<'_>, pid: u32) -> Result<u32> {
    let number = |name: &str| -> Result<Option<u32>> {
        let Some(value) = variable(name) else {
            return Ok(None);
        };
        let number = value.to_str().and_then(|text| text.parse().ok());
        number
            .map(Some)
            .with_context(|| format!("{name} is {value:?}, which is no number"))
    };
    // Meant for another process, whose environment we got.
    if number("LISTEN_PID")? != Some(pid) {
        return Ok(0);
    }
    Ok(number("LISTEN_FDS")?.unwrap_or(0))
}

/// Tells the init system where we are.
#[derive(Debug)]
pub struct Notifier {
    /// Nobody asked without one.
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// From `NOTIFY_SOCKET` (a path, or an abstract name after `@`) and `WATCHDOG_USEC`. What cannot be used is told and is no reason not to
    /// serve.
    pub fn new(variable: Variable<'_>, pid: u32) -> Notifier {
        let name = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let to = name.and_then(|name| {
            let warn = |error: std::io::Error| {
                tracing::warn!(
                    "cannot tell the init system anything, NOTIFY_SOCKET is {name:?}: {error}"
                );
            };
            open(&name).map_err(warn).ok()
        });
        Notifier {
            watchdog: to.as_ref().and_then(|_| watchdog(variable, pid)),
            to,
        }
    }

    fn tell(&self, text: &str) {
        if let Some((socket, address)) = &self.to
            && let Err(error) = socket.send_to_addr(text.as_bytes(), address)
        {
            tracing::warn!("cannot tell the init system {text:?}: {error}");
        }
    }

    /// It serves.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}\n"));
    }

    /// It reads again what may have changed; [`Notifier::ready`] ends that.
    pub fn reloading(&self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\n"));
    }

    /// It ends, within `limit`.
    pub fn stopping(&self, limit: Duration, status: &str) {
        let micros = limit.as_micros();
        self.tell(&format!(
            "STOPPING=1\nEXTEND_TIMEOUT_USEC={micros}\nSTATUS={status}\n"
        ));
    }

    /// Tells again and again that the server is alive, if that was asked for: each time one of its threads must have answered.
    pub async fn watch(&self) {
        let Some(limit) = self.watchdog else {
            return std::future::pending().await;
        };
        let mut ticks = tokio::time::interval(limit / 2);
        loop {
            ticks.tick().await;
            if tokio::spawn(async {}).await.is_ok() {
                self.tell("WATCHDOG=1\n");
            }
        }
    }
}

fn open(name: &OsStr) -> std::io::Result<(UnixDatagram, SocketAddr)> {
    let socket = UnixDatagram::unbound()?;
    // Better nothing is told than that the server waits for whoever listens.
    socket.set_nonblocking(true)?;
    Ok((socket, address(name)?))
}

fn address(name: &OsStr) -> std::io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
        [b'/', ..] => SocketAddr::from_pathname(name),
        _ => Err(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "neither an absolute path nor a name after '@'",
        )),
    }
}

/// The longest time without a sign of life; nothing if it is not asked of this process.
fn watchdog(variable: Variable<'_>, pid: u32) -> Option<Duration> {
    let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
    let ours = variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(pid.into());
    let micros = number("WATCHDOG_USEC").filter(|micros| *micros > 0 && ours)?;
    Some(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        let pairs: Vec<(String, OsString)> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.into()))
            .collect();
        move |name| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        }
    }

    #[test]
    fn sockets_are_for_the_process_they_name() {
        for (pairs, expected) in [
            (&[][..], Some(0)),
            (&[("LISTEN_PID", "7"), ("LISTEN_FDS", "1")], Some(1)),
            (&[("LISTEN_PID", "8"), ("LISTEN_FDS", "1")], Some(0)),
            (&[("LISTEN_FDS", "1")], Some(0)),
            (&[("LISTEN_PID", "7")], Some(0)),
            (&[("LISTEN_PID", "7"), ("LISTEN_FDS", "x")], None),
            (&[("LISTEN_PID", "x"), ("LISTEN_FDS", "1")], None),
        ] {
            let found = sockets(&environment(pairs), 7).ok();
            assert_eq!(found, expected, "{pairs:?}");
        }
        let two = environment(&[("LISTEN_PID", "7"), ("LISTEN_FDS", "2")]);
        let refused = listener(&two, 7).expect_err("too many").to_string();
        assert!(
            refused.starts_with("2 sockets were handed over"),
            "{refused}"
        );
    }

    #[test]
    fn watchdogs_are_for_the_process_they_name() {
        for (pairs, expected) in [
            (&[][..], None),
            (&[("WATCHDOG_USEC", "3000000")], Some(3)),
            (
                &[("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "7")],
                Some(3),
            ),
            (&[("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "8")], None),
            (&[("WATCHDOG_USEC", "0")], None),
            (&[("WATCHDOG_USEC", "soon")], None),
        ] {
            let found = watchdog(&environment(pairs), 7).map(|limit| limit.as_secs());
            assert_eq!(found, expected, "{pairs:?}");
        }
    }

    #[test]
    fn sockets_to_notify() {
        let told = |name: &str| Notifier::new(&environment(&[("NOTIFY_SOCKET", name)]), 7);
        assert!(told("relative").to.is_none());
        assert!(told("").to.is_none());
        let name = format!("strongroom-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("name");
        let receiver = UnixDatagram::bind_addr(&address).expect("socket");
        told(&format!("@{name}")).ready("serving");
        let mut buffer = [0; 64];
        let length = receiver.recv(&mut buffer).expect("datagram");
        assert_eq!(&buffer[..length], b"READY=1\nSTATUS=serving\n");
    }
}
