//! Where a Redis is, and how its connections are protected.

use std::fmt;
use std::str::FromStr;

use deadpool_redis::redis::{ConnectionAddr, ConnectionInfo};

use super::patience::Patience;
use super::url::parse;

/// Where a Redis is: one server, a master that sentinels know, or a cluster.
///
/// The URLs are `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, the same with `rediss://` for TLS,
/// `redis-sentinel://[USER:PASSWORD@]HOST[:PORT],…[/DATABASE]#MASTER`, whose user, password and
/// database are those of the Redis, and `redis-cluster://[USER:PASSWORD@]HOST[:PORT],…`. A socket is
/// `unix:///PATH`.
#[derive(Clone)]
pub struct Address(pub(super) Place);

#[derive(Clone)]
pub(super) enum Place {
    Node(ConnectionInfo),
    Sentinel {
        /// The sentinels, each with the user, password and database of the Redis.
        sentinels: Vec<ConnectionInfo>,
        master: String,
    },
    Cluster(Vec<ConnectionInfo>),
}

impl Address {
    /// The same place, accepting every certificate: encrypted, but not authenticated.
    #[must_use]
    pub fn unverified(self) -> Self {
        let Place::Node(info) = &self.0 else { return self };
        let ConnectionAddr::TcpTls { host, port, tls_params, .. } = info.addr().clone() else {
            return self;
        };
        let addr = ConnectionAddr::TcpTls { host, port, insecure: true, tls_params };
        Self(Place::Node(info.clone().set_addr(addr)))
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(&self.0, Place::Node(info) if matches!(info.addr(), ConnectionAddr::TcpTls { .. }))
    }

    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.is_tls())
    }
}

impl FromStr for Address {
    type Err = String;

    /// Parses the URL. The error is one line that names the wrong part and shows the right forms. It
    /// quotes nothing of the URL, because any part of it may be the password.
    fn from_str(url: &str) -> Result<Self, String> {
        parse(url).map(Self)
    }
}

impl fmt::Debug for Address {
    // Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |infos: &[ConnectionInfo]| {
            infos.iter().map(|info| info.addr().to_string()).collect::<Vec<_>>().join(",")
        };
        match &self.0 {
            Place::Sentinel { sentinels, master } => {
                write!(f, "redis-sentinel://{}#{master}", all(sentinels))
            }
            Place::Cluster(nodes) => write!(f, "redis-cluster://{}", all(nodes)),
            Place::Node(info) => match info.addr() {
                address @ ConnectionAddr::TcpTls { insecure, .. } => {
                    write!(f, "rediss://{address}{}", if *insecure { "#insecure" } else { "" })
                }
                ConnectionAddr::Unix(path) => write!(f, "unix://{}", path.display()),
                address => write!(f, "redis://{address}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        url.parse().unwrap()
    }

    fn shown(url: &str) -> String {
        format!("{:?}", address(url))
    }

    fn wrong(url: &str) -> String {
        url.parse::<Address>().unwrap_err()
    }

    fn node(address: &Address) -> ConnectionInfo {
        let Place::Node(info) = &address.0 else { panic!("{address:?}") };
        info.clone()
    }

    #[test]
    fn an_address_shows_how_it_is_protected_and_never_the_password() {
        let tls = "rediss://user:hunter2@example.org:6380/1";

        assert_eq!(shown(tls), "rediss://example.org:6380");
        assert_eq!(
            format!("{:?}", address(tls).unverified()),
            "rediss://example.org:6380#insecure"
        );
        assert_eq!(shown("redis://:hunter2@localhost"), "redis://localhost:6379");
        assert_eq!(shown("unix:///run/redis?pass=hunter2"), "unix:///run/redis");
        assert_eq!(
            shown("redis-sentinel://u:hunter2@a,b:26380/2#main"),
            "redis-sentinel://a:26379,b:26380#main"
        );
        assert_eq!(shown("redis-cluster://u:hunter2@a:7000,b"), "redis-cluster://a:7000,b:6379");
    }

    #[test]
    fn the_fragment_accepts_any_certificate_as_the_setting_does() {
        let by_fragment = address("rediss://localhost#insecure");
        let by_setting = address("rediss://localhost").unverified();

        assert_eq!(node(&by_fragment).addr(), node(&by_setting).addr());
    }

    #[test]
    fn the_setting_keeps_password_and_database_and_means_nothing_without_tls() {
        let info = node(&address("rediss://user:hunter2@localhost/1").unverified());
        let plain = address("redis://localhost");

        let settings = info.redis_settings();
        assert_eq!((settings.password(), settings.db()), (Some("hunter2"), 1));
        assert_eq!(node(&plain.clone().unverified()).addr(), node(&plain).addr());
    }

    #[test]
    fn credentials_and_database_belong_to_every_node() {
        let Place::Sentinel { sentinels, master } =
            address("redis-sentinel://us%40er:p%2Fw@[::1],b:1/3#main").0
        else {
            panic!()
        };

        assert_eq!((sentinels.len(), master.as_str()), (2, "main"));
        assert_eq!(*sentinels[0].addr(), ConnectionAddr::Tcp("::1".to_owned(), 26379));
        for info in sentinels {
            let settings = info.redis_settings();
            assert_eq!(settings.username(), Some("us@er"));
            assert_eq!((settings.password(), settings.db()), (Some("p/w"), 3));
        }
    }

    #[test]
    fn a_host_may_be_an_ipv6_address() {
        let info = node(&address("redis://[::1]:7000/2"));

        assert_eq!(*info.addr(), ConnectionAddr::Tcp("::1".to_owned(), 7000));
        assert_eq!(info.redis_settings().db(), 2);
    }

    #[test]
    fn a_wrong_url_is_told_by_its_part_with_the_right_forms_and_without_the_password() {
        for (url, part) in [
            ("localhost:6379", "scheme"),
            ("http://:hunter2@localhost", "scheme"),
            ("redis://", "host"),
            ("redis://:hunter2@", "host"),
            ("redis://:hunter2@[::1", "bracket"),
            ("redis://:hunter2@a:port", "port"),
            ("redis://:hunter2@a:0", "port"),
            ("redis://:hunter2@a:65536", "port"),
            ("redis://:hun/hunter2@a", "database"),
            ("redis://:hunter2@a/first", "database"),
            ("redis://:hunter2@a,b", "one host"),
            ("redis-sentinel://:hunter2@a,b/0", "master"),
            ("redis-sentinel://:hunter2@a,b/0#", "master"),
            ("redis-sentinel://:hunter2@a,,b#main", "host"),
            ("redis-cluster://:hunter2@a,b/1", "database"),
            ("redis-cluster://:hunter2@a:x,b", "port"),
        ] {
            let said = wrong(url);

            let (named, forms) = said.split_once(';').unwrap();
            assert!(named.contains(part), "{url}: {said}");
            assert!(!said.contains("hunter2") && !said.contains('\n'), "{said}");
            for scheme in ["redis://", "rediss://", "redis-sentinel://", "redis-cluster://"] {
                assert!(forms.contains(scheme), "{said}");
            }
        }
    }
}
