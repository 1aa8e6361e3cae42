//! The end of a worker as its clients see it: each gets its answer, and is told that there will be
//! no other on this connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;

use super::parameters;
use crate::metrics;

/// Whether this worker drains, and how many connections it has.
#[derive(Default)]
pub struct Drain {
    has_begun: AtomicBool,
    connections: Arc<AtomicUsize>,
}

/// An open connection; it is counted until it is dropped.
pub struct Connection(Arc<AtomicUsize>);

impl Drain {
    /// From now on answers close their connections, and the worker is not ready.
    pub fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Whether the worker is about to end.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Counts a connection for as long as the value lives.
    pub fn connected(&self) -> Connection {
        self.connections.fetch_add(1, Ordering::Relaxed);
        metrics::connected();
        Connection(self.connections.clone())
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        metrics::disconnected();
    }
}

/// Closes the connection after the answer while the worker drains. A client that reads this header
/// sends its next request elsewhere, instead of losing it on a connection that is being closed.
pub(crate) async fn close(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let app = parameters::app(request.request()).clone();
    let mut response = next.call(request).await?;
    if app.drain.has_begun() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}
