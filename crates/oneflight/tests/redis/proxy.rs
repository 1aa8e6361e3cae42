//! A TCP proxy that delays, redirects, or swallows what it carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The bytes of a packet that may have a delay of its own.
pub(crate) const LARGE: usize = 4096;

#[derive(Clone, Copy)]
struct Delays {
    small: Duration,
    large: Duration,
}

/// A place of its own that leads to a Redis.
pub(crate) struct Proxy {
    port: u16,
    target: Arc<AtomicU16>,
    /// Whether the connections that are open now are dead, without being closed.
    is_dead: std::sync::Mutex<Arc<AtomicBool>>,
    current: Arc<std::sync::Mutex<Arc<AtomicBool>>>,
}

impl Proxy {
    /// Leads to this port; a packet takes `delay` in each direction.
    pub(crate) async fn to(target: u16, delay: Duration) -> Self {
        Self::with(target, Delays { small: delay, large: delay }).await
    }

    /// Leads to this port; only what is [`LARGE`] is delayed, so that small messages overtake it.
    pub(crate) async fn slow_for_large(target: u16, large: Duration) -> Self {
        Self::with(target, Delays { small: Duration::ZERO, large }).await
    }

    async fn with(target: u16, delays: Delays) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(AtomicU16::new(target));
        let first = Arc::new(AtomicBool::new(false));
        let current = Arc::new(std::sync::Mutex::new(first.clone()));
        let (leads_to, state) = (target.clone(), current.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let is_dead = state.lock().unwrap().clone();
                let to = leads_to.load(Ordering::SeqCst);
                tokio::spawn(join(client, to, delays, is_dead));
            }
        });
        Self { port, target, is_dead: std::sync::Mutex::new(first), current }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Leads new connections to another port; the open ones stay where they are.
    pub(crate) fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
    }

    /// Lets the open connections carry nothing any more, as if the host had lost its power.
    pub(crate) fn let_die(&self) {
        let next = Arc::new(AtomicBool::new(false));
        *self.current.lock().unwrap() = next.clone();
        std::mem::replace(&mut *self.is_dead.lock().unwrap(), next).store(true, Ordering::SeqCst);
    }
}

async fn join(client: TcpStream, target: u16, delays: Delays, is_dead: Arc<AtomicBool>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::spawn(carry(from_client, to_server, delays, is_dead.clone()));
    tokio::spawn(carry(from_server, to_client, delays, is_dead));
}

/// Carries each packet after the delay, many at a time.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delays: Delays,
    is_dead: Arc<AtomicBool>,
) {
    let (packets, mut arriving) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((at, packet)) = arriving.recv().await {
            tokio::time::sleep_until(at).await;
            if !is_dead.load(Ordering::SeqCst) && to.write_all(&packet).await.is_err() {
                return;
            }
        }
        if is_dead.load(Ordering::SeqCst) {
            // Nobody tells the other side.
            std::future::pending::<()>().await;
        }
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let delay = if length >= LARGE { delays.large } else { delays.small };
        if packets.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
            return;
        }
    }
}
