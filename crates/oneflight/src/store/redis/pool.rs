//! The connections of a store, to one server, to the master that sentinels know, or to a cluster.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::cluster::ClusterClient;
use deadpool_redis::redis::cluster_async::ClusterConnection;
use deadpool_redis::redis::sentinel::{
    SentinelClient, SentinelNodeConnectionInfo, SentinelServerType,
};
use deadpool_redis::redis::{
    self, AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, Pipeline, RedisError,
    RedisFuture, RedisResult, Value, from_redis_value,
};

use super::address::{Address, Place};
use super::patience::Patience;

/// Opens connections.
pub(super) struct Manager {
    place: Place,
    patience: Patience,
    /// Set when one server has turned out to be a node of a cluster.
    cluster: OnceLock<()>,
    /// The nodes that the cluster has named: any of them is enough to connect.
    nodes: Mutex<Vec<ConnectionInfo>>,
    /// Connections of an older generation are not used again.
    generation: AtomicU64,
}

/// One connection.
pub(super) struct Link {
    kind: Kind,
    generation: u64,
}

enum Kind {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Manager {
    pub(super) fn new(address: Address) -> Self {
        let patience = address.patience();
        let (cluster, generation) = (OnceLock::new(), AtomicU64::new(0));
        Self { place: address.0, patience, cluster, nodes: Mutex::default(), generation }
    }

    pub(super) fn patience(&self) -> Patience {
        let is_cluster = matches!(self.place, Place::Cluster(_)) || self.cluster.get().is_some();
        if is_cluster { self.patience.of_cluster() } else { self.patience }
    }

    /// Ends the use of all connections of this one's generation: their server is gone, or it is not
    /// the master any more.
    pub(super) fn retire(&self, link: &Link) {
        let (old, new) = (link.generation, link.generation + 1);
        // Another question may have done this already. The connections opened since are good.
        let _ = self.generation.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(super) fn is_current(&self, link: &Link) -> bool {
        link.generation == self.generation.load(Ordering::Acquire)
    }

    /// Makes all further connections to a cluster, because the server is one of its nodes.
    pub(super) fn turn_to_cluster(&self) {
        let Place::Node(info) = &self.place else { return };
        // A cluster has one database, and its nodes are found by TCP.
        if info.redis_settings().db() == 0 && !matches!(info.addr(), ConnectionAddr::Unix(_)) {
            let _ = self.cluster.set(());
        }
    }

    /// The server to subscribe at. In a cluster each node delivers all messages, so each attempt
    /// uses another node.
    pub(super) async fn subscribe_at(&self, attempt: usize) -> RedisResult<Client> {
        let configured = match &self.place {
            Place::Sentinel { sentinels, master } => {
                return sentinel(sentinels, master)?.async_get_client().await;
            }
            Place::Node(info) => std::slice::from_ref(info),
            Place::Cluster(nodes) => nodes,
        };
        let mut nodes = self.with_named(configured);
        Client::open(nodes.swap_remove(attempt % nodes.len()))
    }

    async fn connect(&self) -> RedisResult<Kind> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience.connect))
            .set_response_timeout(Some(self.patience.question));
        match &self.place {
            Place::Node(info) if self.cluster.get().is_some() => {
                self.connect_to_cluster(std::slice::from_ref(info)).await
            }
            Place::Node(info) => {
                let client = Client::open(info.clone())?;
                client.get_multiplexed_async_connection_with_config(&config).await.map(Kind::Node)
            }
            Place::Sentinel { sentinels, master } => {
                let mut client = sentinel(sentinels, master)?;
                client.get_async_connection_with_config(&config).await.map(Kind::Node)
            }
            Place::Cluster(nodes) => self.connect_to_cluster(nodes).await,
        }
    }

    async fn connect_to_cluster(&self, configured: &[ConnectionInfo]) -> RedisResult<Kind> {
        let first = &configured[0];
        let client = ClusterClient::builder(self.with_named(configured))
            .tcp_settings(first.tcp_settings().clone())
            .connection_timeout(self.patience.connect)
            .response_timeout(self.patience().question)
            .build()?;
        let mut connection = client.get_async_connection().await?;
        let slots = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await;
        // Without an answer, the nodes known so far are enough.
        if let Ok(slots) = slots {
            *self.named() = nodes_of(slots, first);
        }
        Ok(Kind::Cluster(connection))
    }

    /// The configured nodes, and those that the cluster has named.
    fn with_named(&self, configured: &[ConnectionInfo]) -> Vec<ConnectionInfo> {
        configured.iter().chain(self.named().iter()).cloned().collect()
    }

    fn named(&self) -> MutexGuard<'_, Vec<ConnectionInfo>> {
        self.nodes.lock().expect("nothing panics while it holds the nodes")
    }
}

impl managed::Manager for Manager {
    type Type = Link;
    type Error = RedisError;

    async fn create(&self) -> Result<Link, RedisError> {
        let generation = self.generation.load(Ordering::Acquire);
        Ok(Link { kind: self.connect().await?, generation })
    }

    /// Sends nothing. A question that finds the connection broken is asked again on a new one.
    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<RedisError> {
        let old = || RecycleError::message("its server is gone");
        self.is_current(link).then_some(()).ok_or_else(old)
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.kind {
            Kind::Node(connection) => connection.req_packed_command(command),
            Kind::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.kind {
            Kind::Node(connection) => connection.req_packed_commands(pipeline, offset, count),
            Kind::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.kind {
            Kind::Node(connection) => connection.get_db(),
            Kind::Cluster(connection) => connection.get_db(),
        }
    }
}

/// The nodes in an answer to CLUSTER SLOTS, with the settings of a configured one.
fn nodes_of(slots: Vec<Vec<Value>>, like: &ConnectionInfo) -> Vec<ConnectionInfo> {
    // A range of slots is its first and last number, then its nodes.
    let nodes = slots.into_iter().flat_map(|range| range.into_iter().skip(2));
    let places = nodes.filter_map(|node| {
        let mut node = from_redis_value::<Vec<Value>>(node).ok()?.into_iter();
        let host: String = from_redis_value(node.next()?).ok()?;
        let port: u16 = from_redis_value(node.next()?).ok()?;
        // A node that does not know its own name has an empty one.
        (!matches!(host.as_str(), "" | "?")).then_some((host, port))
    });
    let places: BTreeSet<(String, u16)> = places.collect();
    places.into_iter().map(|place| like.clone().set_addr(at(place, like.addr()))).collect()
}

fn at((host, port): (String, u16), like: &ConnectionAddr) -> ConnectionAddr {
    match like.clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    }
}

/// A client of the sentinels. Each connection gets a new one, so none keeps a connection to a
/// sentinel that is gone.
fn sentinel(sentinels: &[ConnectionInfo], master: &str) -> RedisResult<SentinelClient> {
    let first = &sentinels[0];
    let node = SentinelNodeConnectionInfo::default()
        .set_redis_connection_info(first.redis_settings().clone())
        .set_tcp_settings(first.tcp_settings().clone());
    // The user, password and database are those of the Redis.
    let bare = |info: &ConnectionInfo| info.clone().set_redis_settings(Default::default());
    let sentinels = sentinels.iter().map(bare).collect();
    SentinelClient::build(sentinels, master, Some(node), SentinelServerType::Master)
}
