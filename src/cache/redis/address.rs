//! Where a Redis is, and how its connections are protected.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use deadpool_redis::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

/// How long any question to Redis may take; a healthy one answers a hundred times faster.
const TIMEOUT: Duration = Duration::from_millis(500);
/// The same over TLS. A question may have to open a connection first, which then takes two more
/// round trips and the processors of both sides, and these may be busy computing.
const TLS_TIMEOUT: Duration = Duration::from_secs(1);

/// Where a Redis is: a parsed `redis://` or `rediss://` URL.
#[derive(Clone)]
pub struct Address(ConnectionInfo);

impl Address {
    /// The same place, with whatever certificate it shows: encrypted, but not authenticated.
    #[must_use]
    pub fn unverified(self) -> Self {
        let ConnectionAddr::TcpTls { host, port, tls_params, .. } = self.0.addr().clone() else {
            return self;
        };
        let addr = ConnectionAddr::TcpTls { host, port, insecure: true, tls_params };
        Self(self.0.set_addr(addr))
    }

    /// What the client connects by.
    pub(super) fn info(&self) -> ConnectionInfo {
        self.0.clone()
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self.0.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// How long a question to this Redis may take.
    pub(super) fn timeout(&self) -> Duration {
        if self.is_tls() { TLS_TIMEOUT } else { TIMEOUT }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let info = url.into_connection_info();
        info.map(Self).map_err(|error| {
            format!("{error}; redis://[:PASSWORD@]HOST[:PORT][/DATABASE] is needed, or rediss:// for TLS")
        })
    }
}

impl fmt::Debug for Address {
    // Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.addr() {
            address @ ConnectionAddr::TcpTls { insecure, .. } => {
                write!(f, "rediss://{address}{}", if *insecure { "#insecure" } else { "" })
            }
            ConnectionAddr::Unix(path) => write!(f, "unix://{}", path.display()),
            address => write!(f, "redis://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        url.parse().unwrap()
    }

    #[test]
    fn an_address_says_how_it_is_protected_and_never_the_password() {
        let tls = "rediss://user:hunter2@example.org:6380/1";

        assert_eq!(format!("{:?}", address(tls)), "rediss://example.org:6380");
        assert_eq!(
            format!("{:?}", address(tls).unverified()),
            "rediss://example.org:6380#insecure"
        );
        assert_eq!(
            format!("{:?}", address("redis://:hunter2@localhost")),
            "redis://localhost:6379"
        );
        assert_eq!(format!("{:?}", address("unix:///run/redis?pass=hunter2")), "unix:///run/redis");
    }

    #[test]
    fn the_fragment_accepts_any_certificate_as_the_setting_does() {
        let by_fragment = address("rediss://localhost#insecure");
        let by_setting = address("rediss://localhost").unverified();

        assert_eq!(by_fragment.info().addr(), by_setting.info().addr());
    }

    #[test]
    fn the_setting_keeps_password_and_database_and_means_nothing_without_tls() {
        let info = address("rediss://user:hunter2@localhost/1").unverified().info();
        let plain = address("redis://localhost");

        assert_eq!(
            (info.redis_settings().password(), info.redis_settings().db()),
            (Some("hunter2"), 1)
        );
        assert_eq!(plain.clone().unverified().info().addr(), plain.info().addr());
    }
}
