//! Bodies of megabytes: made off the event loop, and one at a time.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::encoded_body::{EncodedBody, encode_for};
use super::error::Error;

/// How many bodies are made at the same time in one worker: each takes megabytes, and many requests
/// must not take gigabytes.
const TURNS: usize = 1;
/// How long a request waits for its turn: many times what one turn takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Turns of one worker.
pub struct LargeBodies(Arc<Semaphore>);

impl Default for LargeBodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TURNS)))
    }
}

impl LargeBodies {
    /// Makes a body, and encodes it as this request accepts it.
    ///
    /// # Errors
    ///
    /// 503 when no turn comes in time, and what `make` says.
    pub(crate) async fn make(
        &self,
        request: &HttpRequest,
        make: impl FnOnce() -> anyhow::Result<EncodedBody> + Send + 'static,
    ) -> Result<EncodedBody, Error> {
        let turn = timeout(PATIENCE, self.0.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Error::Busy)?.expect("the semaphore is never closed");
        let make = encode_for(request, make);
        let made = EncodedBody::make(move || {
            // Until the end of the work, not of the request: a client that gave up may ask again.
            let _turn = turn;
            make()
        });
        Ok(made.await?)
    }
}
