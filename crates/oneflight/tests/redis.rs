//! The Redis store, against real servers: one, a master with sentinels, a cluster.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "redis/servers.rs"]
mod servers;
#[path = "redis/shapes.rs"]
mod shapes;
#[path = "redis/stores.rs"]
mod stores;
#[path = "redis/proxy.rs"]
mod proxy;

#[path = "redis/place.rs"]
mod place;
#[path = "redis/single.rs"]
mod single;
#[path = "redis/commands.rs"]
mod commands;
#[path = "redis/near.rs"]
mod near;
#[path = "redis/waiting.rs"]
mod waiting;
#[path = "redis/trouble.rs"]
mod trouble;
#[path = "redis/tls.rs"]
mod tls;
#[path = "redis/sentinel.rs"]
mod sentinel;
#[path = "redis/cluster.rs"]
mod cluster;
