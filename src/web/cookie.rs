//! The session: a random id in a signed cookie, by which one visitor's data are found.
//!
//! Only the server makes sessions, and only when there is something to keep. A cookie that is altered,
//! forged, signed by another key or there twice is as none. The id is in the cookie alone: stores
//! know a digest of it, and logs and addresses nothing.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{COOKIE, HeaderMap};
use ring::hmac;
use sha2::{Digest, Sha256};

pub use self::key::SessionKey;

mod key;

/// Its name where anybody on the way could read and write it.
const OPEN: &str = "quadrant-session";
/// Its name over https. Browsers take one of such a name from this very host alone, over https, so
/// that a neighboring host cannot plant it.
const SECURE: &str = "__Host-quadrant-session";

/// One visitor's session, told from all others by 128 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Session([u8; 16]);

/// Makes session cookies and reads them.
pub struct Sessions {
    /// The key that signs, then those that are accepted beside it.
    keys: Vec<hmac::Key>,
}

impl Session {
    /// A session that nobody has had before.
    #[expect(clippy::new_without_default, reason = "a default would not be another each time")]
    pub fn new() -> Self {
        Self(random())
    }

    /// What stores know it by. Nobody can make a cookie of it.
    pub fn name(&self) -> String {
        hex::encode(&Sha256::digest(self.0)[..16])
    }
}

impl Sessions {
    /// Signs with `key`, and accepts what `previous` has signed as well.
    pub fn new(key: &SessionKey, previous: Option<&SessionKey>) -> Self {
        let keys = std::iter::once(key).chain(previous);
        let signing = |key: &SessionKey| hmac::Key::new(hmac::HMAC_SHA256, key.reveal().as_bytes());
        Self { keys: keys.map(signing).collect() }
    }

    /// The session of a request's cookies, if there is one that we have made.
    pub fn read(&self, headers: &HeaderMap, is_secure: bool) -> Option<Session> {
        let mut ours = values(headers, name(is_secure));
        let value = ours.next()?;
        // Of two, one was planted, and nothing tells which.
        if ours.next().is_some() {
            return None;
        }
        let (id, signature) = value.split_once('.')?;
        let signature: [u8; 32] = bytes(signature)?;
        let is_ours = |key| hmac::verify(key, id.as_bytes(), &signature).is_ok();
        self.keys.iter().any(is_ours).then(|| bytes(id).map(Session)).flatten()
    }

    /// The cookie that carries a session. It ends with the browser's own session.
    pub fn cookie(&self, session: &Session, is_secure: bool) -> Cookie<'static> {
        let id = hex::encode(session.0);
        let signature = hmac::sign(&self.keys[0], id.as_bytes());
        let value = format!("{id}.{}", hex::encode(signature));
        // The path has to be the root for the name that it has over https.
        let cookie = Cookie::build(name(is_secure), value).path("/");
        cookie.http_only(true).same_site(SameSite::Lax).secure(is_secure).finish()
    }

    /// The cookie that removes the one there is.
    pub fn removal(&self, is_secure: bool) -> Cookie<'static> {
        let mut cookie = Cookie::build(name(is_secure), "").path("/").http_only(true).finish();
        cookie.set_same_site(SameSite::Lax);
        cookie.set_secure(is_secure);
        cookie.make_removal();
        cookie
    }
}

/// The values of all cookies of a name.
///
/// A name is taken as it stands, and nothing but blanks is trimmed. Browsers guard names that begin
/// with `__Host-`; one with an escape or a strange space in it only becomes such a name when
/// somebody reads it generously, and so may have been planted.
fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    // Each by itself: what another program has put beside it may be no text.
    let pairs =
        headers.get_all(COOKIE).flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let pairs = pairs.filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='));
    let named = pairs.filter(move |(found, _)| found.trim_matches([' ', '\t']) == name);
    named.map(|(_, value)| value.trim_matches([' ', '\t']))
}

fn name(is_secure: bool) -> &'static str {
    if is_secure { SECURE } else { OPEN }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes
}

/// The bytes of a text in the one form in which we write it.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    // The library reads capital letters too, which we never write.
    (hex::encode(bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn key(letter: &str) -> SessionKey {
        letter.repeat(64).parse().unwrap()
    }

    fn sessions() -> Sessions {
        Sessions::new(&key("a"), None)
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    fn sent(sessions: &Sessions, session: &Session, is_secure: bool) -> String {
        sessions.cookie(session, is_secure).stripped().to_string()
    }

    #[test]
    fn a_session_is_read_from_its_own_cookie_among_others() {
        let (ours, session) = (sessions(), Session::new());
        let cookie = sent(&ours, &session, false);

        for lines in [
            vec![cookie.as_str()],
            vec!["theme=dark", &cookie],
            vec![&format!("a=b;{cookie} ;\tc")],
            vec!["broken", "=", "ä=ö", &cookie],
        ] {
            assert!(ours.read(&headers(&lines), false) == Some(session.clone()), "{lines:?}");
        }
    }

    #[test]
    fn whatever_is_altered_is_none() {
        let (ours, session) = (sessions(), Session::new());
        let cookie = sent(&ours, &session, false);
        let (name, value) = cookie.split_once('=').unwrap();

        for at in 0..value.len() {
            let mut other = value.as_bytes().to_vec();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let other = format!("{name}={}", String::from_utf8(other).unwrap());
            assert!(ours.read(&headers(&[&other]), false).is_none(), "{other}");
        }
        for other in ["", ".", "00", &value[1..], &value[..value.len() - 1], &value.to_uppercase()]
        {
            assert!(ours.read(&headers(&[&format!("{name}={other}")]), false).is_none(), "{other}");
        }
        assert!(ours.read(&headers(&[&format!("{cookie}0")]), false).is_none());
        assert!(ours.read(&headers(&[&format!("{cookie}; {cookie}")]), false).is_none());
        assert!(ours.read(&headers(&[&cookie, &cookie]), false).is_none());
    }

    #[test]
    fn a_key_that_was_replaced_is_accepted_while_it_is_named() {
        let (old, session) = (Sessions::new(&key("b"), None), Session::new());
        let cookie = headers(&[&sent(&old, &session, false)]);

        assert!(sessions().read(&cookie, false).is_none());
        let rotating = Sessions::new(&key("a"), Some(&key("b")));
        assert!(rotating.read(&cookie, false) == Some(session.clone()));
        assert!(sessions().read(&headers(&[&sent(&rotating, &session, false)]), false).is_some());
    }

    #[test]
    fn over_https_the_name_is_one_that_only_this_host_can_set() {
        let (ours, session) = (sessions(), Session::new());
        let [open, secure] = [false, true].map(|is_secure| sent(&ours, &session, is_secure));

        assert!(ours.read(&headers(&[&secure]), true).is_some());
        assert!(ours.read(&headers(&[&open]), true).is_none());
        assert!(ours.read(&headers(&[&secure]), false).is_none());
        for planted in ["__%48ost-", "\u{2000}__Host-", "__host-", "\u{a0}__Host-"] {
            let cookie = secure.replace("__Host-", planted);
            assert!(ours.read(&headers(&[&cookie]), true).is_none(), "{cookie}");
        }
    }

    #[test]
    fn cookies_have_all_their_attributes() {
        let (ours, session) = (sessions(), Session::new());

        let open = ours.cookie(&session, false).to_string();
        let (_, attributes) = open.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/");
        let secure = ours.cookie(&session, true).to_string();
        let (value, attributes) = secure.split_once("; ").unwrap();
        assert!(value.starts_with("__Host-quadrant-session="), "{secure}");
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");
        let removal = ours.removal(true).to_string();
        let start = "__Host-quadrant-session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";
        assert!(removal.starts_with(start), "{removal}");
    }

    #[test]
    fn no_two_sessions_are_the_same_and_stores_do_not_know_their_ids() {
        let (one, other) = (Session::new(), Session::new());

        assert_ne!(one.name(), other.name());
        assert!(!sent(&sessions(), &one, false).contains(&one.name()));
    }
}
