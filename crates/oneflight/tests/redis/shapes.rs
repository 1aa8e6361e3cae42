//! Redis processes that belong together.

use super::servers::{Server, eventually, free_port};

/// A master with a replica, watched by three sentinels.
pub(crate) struct Sentinels {
    pub(crate) master: Server,
    pub(crate) replica: Server,
    pub(crate) sentinels: Vec<Server>,
}

impl Sentinels {
    pub(crate) fn spawn(password: Option<&str>) -> Self {
        let options = match password {
            Some(password) => vec!["--requirepass", password, "--masterauth", password],
            None => vec![],
        };
        let (master, replica) = (Server::spawn_with(&options), Server::spawn_with(&options));
        replica.follow(&master);
        let mut lines = format!("sentinel monitor main 127.0.0.1 {} 2\n", master.port());
        lines += "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n";
        if let Some(password) = password {
            lines += &format!("sentinel auth-pass main {password}\n");
        }
        let sentinels: Vec<_> = (0..3).map(|_| Server::spawn_sentinel(&lines)).collect();
        for sentinel in &sentinels {
            eventually("three sentinels that know the replica", || {
                let told: String = sentinel.ask(&["INFO", "sentinel"]);
                told.contains("slaves=1,sentinels=3")
            });
        }
        Self { master, replica, sentinels }
    }

    pub(crate) fn url(&self, credentials: &str) -> String {
        let places: Vec<_> =
            self.sentinels.iter().map(|one| format!("127.0.0.1:{}", one.port())).collect();
        format!("redis-sentinel://{credentials}{}/0#main", places.join(","))
    }
}

/// Three nodes, each with a third of the slots.
pub(crate) struct Cluster(pub(crate) Vec<Server>);

impl Cluster {
    pub(crate) fn spawn() -> Self {
        let node = |_| {
            let bus = free_port().to_string();
            let timeout =
                ["--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no"];
            let options = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            (Server::spawn_with(&[&options[..], &timeout].concat()), bus)
        };
        let nodes: Vec<(Server, String)> = (0..3).map(node).collect();
        let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for ((server, _), (first, last)) in nodes.iter().zip(slots) {
            let _: String = server.ask(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
        }
        for (server, bus) in &nodes[1..] {
            let port = server.port().to_string();
            let _: String = nodes[0].0.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]);
        }
        let cluster = Self(nodes.into_iter().map(|(server, _)| server).collect());
        for server in &cluster.0 {
            eventually("a cluster", || {
                let info: String = server.ask(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            });
        }
        cluster
    }

    pub(crate) fn url(&self) -> String {
        let places: Vec<_> = self.0.iter().map(|one| format!("127.0.0.1:{}", one.port())).collect();
        format!("redis-cluster://{}", places.join(","))
    }
}
