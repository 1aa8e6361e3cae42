//! Parsing the URL of a Redis.

use std::time::Duration;

use deadpool_redis::redis::io::tcp::TcpSettings;
use deadpool_redis::redis::io::tcp::socket2::TcpKeepalive;
use deadpool_redis::redis::{ConnectionInfo, IntoConnectionInfo};

use super::address::Place;

/// The accepted URLs.
const FORMS: &str = "the forms are redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], \
    rediss://[USER:PASSWORD@]HOST[:PORT][/DATABASE] for TLS, \
    redis-sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT][/DATABASE]#MASTER, and \
    redis-cluster://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]";
const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
/// The system checks an idle connection after this time, and gives it up two seconds later. The
/// subscriber sends nothing, so it has no other way to notice that the server's host is gone.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// A URL in its parts.
struct Parts<'a> {
    /// `USER:PASSWORD@`, or nothing.
    credentials: &'a str,
    hosts: Vec<&'a str>,
    database: &'a str,
    fragment: Option<&'a str>,
}

/// Parses the URL of a Redis. The error is one line without anything of the URL.
pub(super) fn parse(url: &str) -> Result<Place, String> {
    place(url).map_err(|wrong| format!("{wrong}; {FORMS}"))
}

fn place(url: &str) -> Result<Place, String> {
    let (scheme, rest) = url.split_once("://").ok_or("the URL has no scheme")?;
    match scheme {
        "unix" => info(url).map(Place::Node),
        "redis" | "rediss" => {
            let parts = Parts::of(rest)?;
            let [host] = parts.hosts[..] else {
                return Err(format!("{scheme}:// takes one host"));
            };
            check_host(host)?;
            info(url).map(Place::Node)
        }
        "redis-sentinel" => {
            let parts = Parts::of(rest)?;
            let master = parts.fragment.filter(|name| !name.is_empty());
            let master = master.ok_or("the name of the master is missing")?.to_owned();
            Ok(Place::Sentinel { sentinels: parts.infos(SENTINEL_PORT)?, master })
        }
        "redis-cluster" => {
            let parts = Parts::of(rest)?;
            if !matches!(parts.database, "" | "0") {
                return Err("a cluster has only database 0".to_owned());
            }
            parts.infos(REDIS_PORT).map(Place::Cluster)
        }
        _ => Err("the scheme is unknown".to_owned()),
    }
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Result<Self, String> {
        let (rest, fragment) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (rest, None),
        };
        let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = match authority.rfind('@') {
            Some(at) => authority.split_at(at + 1),
            None => ("", authority),
        };
        let database = path.trim_end_matches('/');
        if !database.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the database is not a number".to_owned());
        }
        Ok(Self { credentials, hosts: hosts.split(',').collect(), database, fragment })
    }

    /// The connection to each host.
    fn infos(&self, default_port: u16) -> Result<Vec<ConnectionInfo>, String> {
        let info_of = |host: &&str| {
            let port = match check_host(host)? {
                Some(_) => String::new(),
                None => format!(":{default_port}"),
            };
            info(&format!("redis://{}{host}{port}/{}", self.credentials, self.database))
        };
        self.hosts.iter().map(info_of).collect()
    }
}

/// The port of `HOST[:PORT]`, if there is one.
fn check_host(host: &str) -> Result<Option<u16>, String> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("the host has no closing bracket")?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    if name.is_empty() {
        return Err("the host is missing".to_owned());
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(None),
        None => Err("the host is not a name or an address".to_owned()),
        Some(port) => {
            let number = port.parse().ok().filter(|port| *port > 0);
            Ok(Some(number.ok_or("the port is not a number from 1 to 65535")?))
        }
    }
}

/// Parses the URL of one server, as the client does.
fn info(url: &str) -> Result<ConnectionInfo, String> {
    // The client's error may quote the URL, so it is dropped.
    let info = url.into_connection_info().map_err(|_| {
        "the host, the user, the password or an option after the database is not valid".to_owned()
    })?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    let keepalive = keepalive.with_interval(Duration::from_secs(1)).with_retries(2);
    // Nagle's algorithm would hold back the second packet of a large entry.
    Ok(info.set_tcp_settings(TcpSettings::default().set_nodelay(true).set_keepalive(keepalive)))
}
