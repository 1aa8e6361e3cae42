//! The client of a request, and whether it uses https: by the connection, or by a trusted proxy.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// The addresses of proxies whose word about their clients is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// The client of a request, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// Whether the request has come to the outermost server that we know of by https.
    pub(crate) is_secure: bool,
}

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(|one| network(one.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    /// Whether this address is a trusted proxy.
    pub(crate) fn include(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request; none when it has not come over TCP.
    pub(crate) fn client(&self, request: &ServiceRequest) -> Option<Client> {
        let peer = request.peer_addr()?.ip();
        Some(self.client_of(peer, request.headers()))
    }

    fn client_of(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let peer = peer.to_canonical();
        if !self.include(peer) {
            // Anybody can write these headers; the program itself speaks no TLS.
            return Client { address: peer, is_secure: false };
        }
        let mut address = peer;
        // Each proxy adds at the right whom it was asked by, so what is left of the first address
        // that is no proxy of ours was written by that client, and may be a lie.
        for before in listed(headers, "X-Forwarded-For").into_iter().rev() {
            let Some(before) = host(before) else { break };
            address = before.to_canonical();
            if !self.include(address) {
                break;
            }
        }
        // The same way round: the last word is that of the proxy we know.
        let protocol = listed(headers, "X-Forwarded-Proto").pop();
        let is_secure = protocol.is_some_and(|it| it.eq_ignore_ascii_case("https"));
        Client { address, is_secure }
    }
}

/// The address in `203.0.113.9`, `203.0.113.9:4711`, `2001:db8::7` or `[2001:db8::7]:4711`: some
/// proxies add the port of their client.
fn host(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    text.parse().ok().or_else(with_port).or_else(bare)
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(|address| address.to_canonical().into());
    text.parse().or_else(|_| address()).map_err(|_| {
        "addresses and networks such as 127.0.0.1,10.0.0.0/8 are needed, with commas between them"
            .to_owned()
    })
}

/// The parts of a header that may stand several times; what cannot be read is one empty part.
fn listed<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).map(|line| line.to_str().unwrap_or(""));
    lines.flat_map(|line| line.split(',')).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const OURS: &str = "127.0.0.1,10.0.0.0/8,fd00::/8";

    fn client(trusted: &str, peer: &str, headers: &[(&'static str, &str)]) -> (String, bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            map.append(HeaderName::from_static(name), value);
        }
        let trusted: TrustedProxies = trusted.parse().unwrap();
        let client = trusted.client_of(peer.parse().unwrap(), &map);
        (client.address.to_string(), client.is_secure)
    }

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let headers: Vec<_> = forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect();
        client(OURS, peer, &headers).0
    }

    #[test]
    fn nobody_is_trusted_unasked() {
        let lies = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")];

        assert_eq!(client("", "127.0.0.1", &lies), ("127.0.0.1".to_owned(), false));
        assert_eq!(client(OURS, "192.0.2.1", &lies), ("192.0.2.1".to_owned(), false));
        assert_eq!(client(OURS, "127.0.0.1", &lies), ("1.2.3.4".to_owned(), true));
    }

    #[test]
    fn the_client_is_the_first_from_the_right_that_is_no_proxy() {
        for (forwarded, client) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9, 10.1.2.3"], "203.0.113.9"),
            (&["6.6.6.6", "203.0.113.9", "10.1.2.3"], "203.0.113.9"),
            (&["203.0.113.9,nonsense"], "127.0.0.1"),
            (&["203.0.113.9,nonsense,10.1.2.3"], "10.1.2.3"),
            (&["203.0.113.9, ä"], "127.0.0.1"),
            (&[""], "127.0.0.1"),
            (&["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
            (&["2001:db8::7, fd00::1"], "2001:db8::7"),
            (&["::ffff:203.0.113.9, ::ffff:10.1.2.3"], "203.0.113.9"),
            (&["203.0.113.9:4711"], "203.0.113.9"),
            (&["203.0.113.9:4711, 10.1.2.3:80"], "203.0.113.9"),
            (&["[2001:db8::7]:4711"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["203.0.113.9:port"], "127.0.0.1"),
            (&[], "127.0.0.1"),
        ] {
            assert_eq!(address("127.0.0.1", forwarded), client, "{forwarded:?}");
        }
    }

    #[test]
    fn a_mapped_peer_is_the_address_that_it_maps() {
        assert_eq!(address("::ffff:127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(address("::ffff:192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        let mapped = [("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client("::ffff:127.0.0.1", "127.0.0.1", &mapped).0, "203.0.113.9");
    }

    #[test]
    fn the_last_word_on_the_protocol_is_that_of_the_proxy() {
        for (said, is_secure) in
            [("https", true), ("HTTPS", true), ("http", false), ("https, http", false), ("", false)]
        {
            let seen = client(OURS, "127.0.0.1", &[("x-forwarded-proto", said)]);
            assert_eq!(seen.1, is_secure, "{said}");
        }
    }

    #[test]
    fn what_is_no_address_and_no_network_is_refused() {
        for text in ["localhost", "10.0.0.0/33", "10.0.0", "127.0.0.1;10.0.0.0/8", "1.2.3.4,,"] {
            assert!(text.parse::<TrustedProxies>().is_err(), "{text}");
        }
        assert_eq!(" ".parse(), Ok(TrustedProxies::default()));
        assert!("::1, 127.0.0.1 ,10.0.0.0/8".parse::<TrustedProxies>().is_ok());
    }
}
