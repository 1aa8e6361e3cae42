//! The Redis store keeps the promises of its trait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use oneflight::conformance::{Place, check};
use oneflight::{Key, Store};

use crate::servers::Server;
use crate::stores::store_with;

/// A part of a Redis: the names that begin with a prefix.
struct RedisPlace {
    server: Arc<Server>,
    prefix: String,
}

#[async_trait]
impl Place for RedisPlace {
    fn open(&self, expire: Duration) -> Arc<dyn Store> {
        Arc::new(store_with(&self.server.url(), &self.prefix, expire).0)
    }

    fn open_with_prefix(&self, prefix: &str, expire: Duration) -> Option<Arc<dyn Store>> {
        let prefix = format!("{}-{prefix}", self.prefix);
        Some(Arc::new(store_with(&self.server.url(), &prefix, expire).0))
    }

    async fn stored(&self, key: &Key) -> Option<Vec<u8>> {
        self.server.ask(&["GET", &format!("{}:{}", self.prefix, key.name())])
    }

    async fn plant(&self, key: &Key, stored: &[u8]) {
        self.server.set(&format!("{}:{}", self.prefix, key.name()), stored);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_redis_store_conforms() {
    let (server, places) = (Arc::new(Server::spawn()), AtomicUsize::new(0));

    check(|| {
        let prefix = format!("app{}", places.fetch_add(1, Ordering::Relaxed));
        RedisPlace { server: server.clone(), prefix }
    })
    .await;
}
