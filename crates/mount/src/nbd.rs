//! A server of the NBD protocol for one read-only image: what `qemu-img`, `qemu-nbd`, `nbdcopy` and `nbd-client` connect to.
//!
//! It needs no privilege. Each connection is a thread; their number, the time until a client knows what it wants, and the memory of each
//! are bounded, whatever a client sends. There is no login in the protocol, so it listens on a Unix socket of its user, or on a loopback
//! address, unless the caller insists.

mod wire;

mod socket;

mod negotiate;
mod transmit;

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pxar::ReadAt;

pub use socket::{ListenError, Listener};

use socket::Stream;

/// Bytes of a reply that are in memory at once, and the largest request that is advertised.
const BLOCK_MAX: usize = 4 << 20;

/// What is offered.
pub struct Export {
    /// Clients ask for it by this name, or by none.
    pub name: String,
    pub description: String,
    pub image: Arc<dyn ReadAt + Send + Sync>,
}

/// Sizes are rounded up to this: clients count in sectors, and qemu waits for ever at an end that is none.
const SECTOR: u64 = 512;

impl Export {
    fn size(&self) -> u64 {
        self.image.size().next_multiple_of(SECTOR)
    }

    /// Zeroes follow the image's end.
    fn read(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        let rest = self.image.size().saturating_sub(offset);
        let len = usize::try_from(rest).map_or(into.len(), |rest| rest.min(into.len()));
        let (content, padding) = into.split_at_mut(len);
        padding.fill(0);
        self.image.read_exact_at(content, offset)
    }

    fn is_named(&self, name: &[u8]) -> bool {
        name.is_empty() || name == self.name.as_bytes()
    }
}

/// Hears why a read failed; the client is only told that it did.
pub type Complain = Arc<dyn Fn(&(dyn Error + 'static)) + Send + Sync>;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Clients at a time; further ones are hung up on.
    pub connections: usize,
    /// Until a client must have chosen the export.
    pub negotiation: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 16,
            negotiation: Duration::from_secs(30),
        }
    }
}

/// A server at work. Dropped, it hangs up on all clients and ends.
pub struct Server {
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    listener: Listener,
    export: Export,
    limits: Limits,
    complain: Complain,
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    stopped: bool,
    next: u64,
    connected: BTreeMap<u64, (Stream, JoinHandle<()>)>,
}

impl Server {
    pub fn start(
        listener: Listener,
        export: Export,
        limits: Limits,
        complain: Complain,
    ) -> io::Result<Server> {
        let shared = Arc::new(Shared {
            listener,
            export,
            limits,
            complain,
            clients: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let accepting = std::thread::Builder::new()
            .name("nbd".to_string())
            .spawn(move || accept_all(&accepting))?;
        Ok(Server {
            shared,
            accepting: Some(accepting),
        })
    }

    pub fn listener(&self) -> &Listener {
        &self.shared.listener
    }

    /// Clients that are connected now.
    pub fn connections(&self) -> usize {
        self.shared.clients().connected.len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.clients().stopped = true;
        self.shared.listener.close();
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        let connected = std::mem::take(&mut self.shared.clients().connected);
        for (stream, thread) in connected.into_values() {
            stream.close();
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(self: &Arc<Shared>, stream: Stream) -> io::Result<()> {
        let mut clients = self.clients();
        if clients.stopped || clients.connected.len() >= self.limits.connections {
            return Ok(());
        }
        let number = clients.next;
        clients.next += 1;
        let handle = stream.try_clone()?;
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name(format!("nbd-{number}"))
            .spawn(move || {
                // However it ends, its place is free again.
                let _place = Place {
                    shared: &shared,
                    number,
                };
                // What goes wrong on a connection is the client's concern, which sees it end.
                let _ = serve(&stream, &shared);
            })?;
        clients.connected.insert(number, (handle, thread));
        Ok(())
    }
}

/// A client's place among the connections.
struct Place<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some((stream, _)) = self.shared.clients().connected.remove(&self.number) {
            stream.close();
        }
    }
}

fn accept_all(shared: &Arc<Shared>) {
    /// After an error like "too many open files", which the end of a connection mends.
    const PAUSE: Duration = Duration::from_millis(100);
    while !shared.clients().stopped {
        match shared.listener.accept() {
            Ok(stream) => {
                let _ = shared.admit(stream);
            }
            Err(_) if shared.clients().stopped => return,
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

fn serve(stream: &Stream, shared: &Shared) -> Result<(), negotiate::Refused> {
    let deadline = Instant::now() + shared.limits.negotiation;
    stream.set_write_timeout(Some(shared.limits.negotiation))?;
    if negotiate::negotiate(stream, &shared.export, deadline)? {
        stream.without_limit()?;
        transmit::transmit(stream, &shared.export, &shared.complain)?;
    }
    Ok(())
}
