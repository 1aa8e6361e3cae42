//! One listener a worker, all on one port. The kernel spreads connections over them, and the
//! supervisor keeps each of them open, so that what a dead worker had not accepted waits for its
//! successor.

use std::net::{Shutdown, SocketAddr, TcpListener};

use anyhow::Context;
use socket2::{Domain, SockRef, Socket, Type};

/// Connections that wait for a worker to accept them; the kernel may allow fewer.
const BACKLOG: i32 = 1024;

/// Binds `count` listeners to one address; port 0 takes a free one.
///
/// # Errors
///
/// One line that names the address, when it is taken, even by another Quadrant, or is none of ours.
pub(super) fn bind(address: SocketAddr, count: u16) -> anyhow::Result<Vec<TcpListener>> {
    let failed = || format!("cannot listen on {address}");
    let sockets = bound(address, count).with_context(failed)?;
    let listening = sockets.into_iter().map(|socket| {
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    });
    listening.collect::<std::io::Result<_>>().with_context(failed)
}

fn bound(address: SocketAddr, count: u16) -> std::io::Result<Vec<Socket>> {
    // The first binds alone, which fails if anybody has the port; only then it lets others in.
    let first = socket(address)?;
    first.bind(&address.into())?;
    first.set_reuse_port(true)?;
    let address = first.local_addr()?;
    let mut sockets = vec![first];
    while sockets.len() < usize::from(count) {
        let next = Socket::new(address.domain(), Type::STREAM, None)?;
        next.set_reuse_address(true)?;
        next.set_reuse_port(true)?;
        next.bind(&address)?;
        sockets.push(next);
    }
    Ok(sockets)
}

fn socket(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections of a program that has just ended do not keep its port.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

/// Refuses new connections from now on, in all processes that share the listener.
pub(crate) fn refuse(listener: &TcpListener) {
    // It fails if that has been done already.
    let _ = SockRef::from(listener).shutdown(Shutdown::Both);
}
