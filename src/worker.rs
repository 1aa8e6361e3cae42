//! One worker process: the event loops, what its handlers share, and the way to a clean end.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use oneflight::store::disk::{DiskConfig, DiskStore};
use oneflight::store::fallback::FallbackStore;
use oneflight::store::redis::{RedisConfig, RedisStore};
use oneflight::{Cache, CacheConfig, Observer, Store};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use self::control_socket::{ControlSocket, Start};
use self::heartbeat::Heartbeat;
use crate::config::Config;
use crate::control::{ALIVE, SupervisorLink, WorkerMessage};
use crate::dataset::Datasets;
use crate::observer::CacheObserver;
use crate::pages;
use crate::pages::dashboard::warming::{keep_warm, warm_up};
use crate::pages::session::SampleLimits;
use crate::simulated_cost::SimulatedCost;
use crate::web::app::App;
use crate::web::cookie::Sessions;
use crate::web::drain::Drain;
use crate::web::fragment_cache::FragmentCache;
use crate::web::large::LargeBodies;
use crate::{metrics, telemetry};

mod control_socket;
mod heartbeat;

/// Routers keep idle connections for 90 s, and a connection must not be closed under them.
const KEEP_ALIVE: Duration = Duration::from_secs(95);
/// Time in which a client must have sent its request's head.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that is kept gets to send one more request, whose answer then closes it. A
/// client that is in use asks again within that time; one that is idle does not notice.
const LINGER: Duration = Duration::from_secs(1);
/// How long a worker that drains goes on accepting: longer than the supervisor needs to refuse new
/// connections, or a successor to accept them.
const ACCEPT: Duration = Duration::from_millis(200);
/// How long it takes, at most, until it no longer accepts.
const SETTLE: Duration = Duration::from_millis(50);
/// How long open requests get after that. Ours take five seconds at most, but who reads slowly needs
/// more; the supervisor kills after 25 s.
const DRAIN_SECONDS: u64 = 20;

/// Bytes of entries that all workers of a program remember together, as many of the disk as of Redis,
/// so that a hit need not be read each time: those of some sixty airports, which is where most questions are about.
const REMEMBERED: u64 = 4 << 20;

/// Why a worker ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The supervisor has told it to.
    Told,
    /// A signal asked this process alone; the supervisor will start another.
    Asked,
    /// The supervisor is gone, and nobody else will end it.
    Orphaned,
}

/// Serves until it is asked to end, then drains.
///
/// # Errors
///
/// When it was not started by a supervisor. What keeps it from serving is told to the supervisor,
/// and ends the process.
pub fn run(config: &Config) -> anyhow::Result<()> {
    let (socket, start) = ControlSocket::open()?;
    let served = actix_web::rt::System::new().block_on(serve(config, &socket, start));
    if let Err(reason) = served {
        // The supervisor logs it, so that it is logged once.
        socket.send(&WorkerMessage::Failed(format!("{reason:#}")));
        std::process::exit(1);
    }
    Ok(())
}

async fn serve(config: &Config, socket: &ControlSocket, start: Start) -> anyhow::Result<()> {
    let Start { worker, listener, loops, session_key } = start;
    metrics::start(worker)?;
    config.base_path.clone().install();
    let datasets = Datasets::open(config.dataset.clone())?;
    let max_age = Some(config.cache_max_age).filter(|age| !age.is_zero());
    let observer: Arc<dyn Observer> = Arc::new(CacheObserver::new(&config.cache_prefix));
    let store = store(config, &observer)?;
    let cache =
        Cache::new(store, CacheConfig { max_age, worker, observer, ..CacheConfig::default() });
    let (reader, writer) = socket.split()?;
    let (sender, messages) = unbounded_channel();
    let supervisor = Arc::new(SupervisorLink::new(sender));
    let signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    // A terminal that is closed tells all its processes; only the supervisor has to act.
    let _hangups = signal(SignalKind::hangup())?;
    let heartbeat = Heartbeat::new();
    let app = Data::new(App {
        datasets,
        cache: cache.clone(),
        fragments: FragmentCache::share(config.workers),
        large: LargeBodies::default(),
        sessions: Sessions::new(&session_key, config.session_key_previous.0.as_ref()),
        sample_limits: SampleLimits { most: config.session_max, expire: config.cache_expire },
        simulated_cost: SimulatedCost(config.simulated_cost),
        proxies: config.trusted_proxies.clone(),
        drain: Drain::default(),
        supervisor: supervisor.clone(),
        worker,
    });
    let (beating, shared, opened) = (heartbeat.clone(), app.clone(), app.clone());
    let kept_open = listener.try_clone()?;
    let server = HttpServer::new(move || {
        beating.join();
        pages::app(shared.clone())
    })
    .workers(loops)
    .on_connect(move |_, connection| drop(connection.insert(opened.drain.connected())))
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(REQUEST_TIMEOUT)
    .h1_allow_half_closed(false)
    .disable_signals()
    .shutdown_timeout(DRAIN_SECONDS)
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(control_socket::write_messages(writer, messages));
    supervisor.send(WorkerMessage::Ready);
    tokio::spawn(beat(heartbeat, supervisor.clone()));
    let warming = app.clone();
    tokio::spawn(async move { warm_up(&warming).await });
    if config.warm > 0 {
        let (app, most) = (app.clone(), config.warm.into());
        tokio::spawn(async move { keep_warm(&app, most).await });
    }
    let (sender, mut ends) = unbounded_channel();
    let commands = control_socket::follow_commands(reader, supervisor.clone(), sender, kept_open);
    tokio::spawn(commands);
    let ending = async {
        let end = tokio::select! {
            end = ends.recv() => end.unwrap_or(End::Orphaned),
            () = asked(signals) => End::Asked,
        };
        match end {
            End::Told => debug!(worker, "worker {worker} drains"),
            End::Orphaned => warn!(worker, "worker {worker} drains: its supervisor is gone"),
            // The supervisor starts another one, unless the whole program ends.
            End::Asked => supervisor.send(WorkerMessage::Draining),
        }
        finish(&handle, &app.drain).await;
    };
    tokio::pin!(server);
    tokio::select! {
        served = &mut server => served?,
        () = ending => {}
    }
    cache.close().await;
    debug!(worker, "worker {worker} has drained and ends");
    Ok(())
}

/// Tells the supervisor every second that all event loops turn.
async fn beat(heartbeat: Heartbeat, supervisor: Arc<SupervisorLink>) {
    loop {
        sleep(ALIVE).await;
        if heartbeat.is_regular() {
            supervisor.send(WorkerMessage::Alive);
        }
    }
}

/// Waits for a signal that asks the process to end. More of them change nothing.
async fn asked([mut terminate, mut interrupt]: [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Lets every connection send one more request, then those finish that have sent one.
async fn finish(handle: &ServerHandle, drain: &Drain) {
    drain.begin();
    // Until then new connections are accepted: none may be left in the queue of a listener that is
    // about to be shut down, and a successor may just have begun.
    telemetry::ignore_listeners();
    sleep(ACCEPT).await;
    handle.pause().await;
    // What was accepted just before is not counted yet.
    sleep(SETTLE).await;
    let _ = timeout(LINGER, closed(drain)).await;
    // Idle connections are closed now. The server looks once a second whether the others are.
    tokio::select! {
        () = handle.stop(true) => {}
        () = closed(drain) => {}
    }
}

/// Waits until no connection is open.
async fn closed(drain: &Drain) {
    while drain.connections() > 0 {
        sleep(Duration::from_millis(10)).await;
    }
}

/// The store that the settings ask for.
fn store(config: &Config, observer: &Arc<dyn Observer>) -> anyhow::Result<Arc<dyn Store>> {
    let (prefix, expire) = (config.cache_prefix.clone(), config.cache_expire);
    let remembered_bytes = REMEMBERED / u64::from(config.workers.get());
    let settings = DiskConfig {
        path: config.cache_dir.clone(),
        prefix: prefix.clone(),
        expire,
        max_bytes: config.cache_max_bytes,
        remembered_bytes,
    };
    let disk = DiskStore::new(settings, observer.clone());
    let tidied = disk.clone();
    tokio::spawn(async move { tidied.sweep().await });
    let Some(address) = config.redis_url.0.clone() else { return Ok(Arc::new(disk)) };
    let settings = RedisConfig { prefix, expire, remembered_bytes };
    let redis = RedisStore::new(address, settings, observer.clone())?;
    metrics::tell_connections(redis.connections());
    Ok(Arc::new(FallbackStore::new(Arc::new(redis), Arc::new(disk), observer.clone())))
}
