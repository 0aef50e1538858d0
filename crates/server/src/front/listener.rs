//! The listening socket and the accept loop: who gets a place is for `peers`; here are socket options of protocol.md 1.1, and the end: stop
//! accepting, let each connection finish its current request.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::dispatch::Dispatcher;
use crate::front::connection;
use crate::front::peers::{Bounds, Peers};

/// Connections the kernel may hold for us.
const BACKLOG: u32 = 1024;
/// Time of silence after which the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(120);
/// Pause after an error of `accept` that is not the connection's fault, such as no free descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Opens the listening socket; `[::]` takes IPv4 as well, whatever the system's default is.
pub fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(v6) => {
            let socket = TcpSocket::new_v6()?;
            if *v6.ip() == Ipv6Addr::UNSPECIFIED {
                sockopt::set_ipv6_v6only(&socket, false)?;
            }
            socket
        }
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until `stop` turns true, then waits until the connections have finished what they were doing.
/// Connections that were upgraded to a session are not waited for here: their task is.
pub async fn run(
    desk: Arc<Dispatcher>,
    listener: TcpListener,
    tls: TlsAcceptor,
    mut stop: watch::Receiver<bool>,
) {
    let limits = &desk.ctx.settings().limits;
    let peers = Peers::new(Bounds {
        total: limits.connections,
        of_network: limits.connections_of_network,
        fresh: limits.handshakes,
    });
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let Some(guest) = peers.enter(peer.ip()) else {
                    tracing::debug!("no place for a connection from {peer}");
                    continue;
                };
                prepare(&tcp, peer);
                let serving = connection::serve(
                    Arc::clone(&desk),
                    tls.clone(),
                    tcp,
                    peer,
                    Arc::clone(&guest),
                    stop.clone(),
                );
                connections.spawn(async move {
                    tokio::select! {
                        () = serving => {}
                        () = guest.sent_away() => {
                            tracing::debug!("{peer} made room for another connection");
                        }
                    }
                });
            }
            Err(e) => {
                tracing::warn!("cannot accept a connection: {e}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn prepare(tcp: &TcpStream, peer: SocketAddr) {
    let done = tcp
        .set_nodelay(true)
        .and_then(|()| sockopt::set_socket_keepalive(tcp, true).map_err(io::Error::from))
        .and_then(|()| sockopt::set_tcp_keepidle(tcp, KEEPALIVE).map_err(io::Error::from));
    if let Err(e) = done {
        tracing::debug!("cannot set socket options for {peer}: {e}");
    }
}
