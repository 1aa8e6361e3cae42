//! One worker process: the event loops, the dashboard, the routes.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{App, HttpServer};
use anyhow::Context;
use tracing::info;

use crate::cache::Cache;
use crate::cache::disk::DiskStore;
use crate::cache::fallback::FallbackStore;
use crate::cache::redis::RedisStore;
use crate::cache::store::Store;
use crate::config::Config;
use crate::dashboard::Dashboard;
use crate::dataset::Datasets;
use crate::{metrics, routes};

/// Routers keep idle connections for 90 s, and a connection must not be closed under them.
const KEEP_ALIVE: Duration = Duration::from_secs(95);
/// Platforms kill 30 s after they asked a process to end.
const DRAIN_SECONDS: u64 = 25;
/// Time in which a client must have sent its request's head.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until it is asked to end, then drains.
///
/// # Errors
///
/// One line for what keeps it from serving: the data file, the address, the cache.
pub fn run(config: Config) -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    // A process is one worker; the number tells them apart in headers, logs and entries.
    let worker = 1;
    metrics::start(worker)?;
    config.base_path.clone().settle();
    let datasets = Datasets::open(config.dataset.clone())?;
    let (store, kept) = store(&config)?;
    let cache = Cache::new(store, worker);
    let dashboard = Dashboard::new(datasets, cache, config.simulated_cost, worker);
    let (dashboard, fragments) = (Data::new(dashboard), Data::new(routes::Fragments::default()));
    let proxies = Data::new(config.trusted_proxies.clone());
    let listener = TcpListener::bind((config.host, config.port))
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let address = listener.local_addr()?;
    let server = HttpServer::new(move || {
        let app = App::new().app_data(dashboard.clone()).app_data(fragments.clone());
        app.app_data(proxies.clone()).service(routes::all())
    })
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(REQUEST_TIMEOUT)
    .h1_allow_half_closed(false)
    .shutdown_timeout(DRAIN_SECONDS)
    .listen(listener)?
    .run();
    info!(worker, "Quadrant is at http://{address}, its cache {kept}");
    server.await?;
    info!(worker, "worker {worker} has drained and ends");
    Ok(())
}

/// The store that the settings ask for, and where it is, in words.
fn store(config: &Config) -> anyhow::Result<(Arc<dyn Store>, String)> {
    let (folder, expire) = (config.cache_dir.clone(), config.cache_expire);
    let on_disk = format!("on disk in {}", folder.display());
    let disk = DiskStore::new(folder, expire, config.cache_max_bytes);
    let Some(address) = config.redis_url.0.clone() else { return Ok((Arc::new(disk), on_disk)) };
    let in_redis = format!("in Redis at {address:?}");
    let redis = RedisStore::new(address, expire)?;
    metrics::tell_connections(redis.connections());
    Ok((Arc::new(FallbackStore::new(redis, disk)), in_redis))
}
