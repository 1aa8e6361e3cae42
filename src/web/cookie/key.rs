//! The secret that signs session cookies.

use std::fmt;
use std::str::FromStr;

use super::random;

/// The bytes that a key has at least: as many as a block of the hash that signs.
const KEY_BYTES: usize = 64;

/// A secret that signs session cookies. It is never displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(String);

impl SessionKey {
    /// A key that nobody knows.
    pub fn random() -> Self {
        Self(hex::encode(random::<KEY_BYTES>()))
    }

    /// The key itself, for another process of this program.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() < KEY_BYTES {
            let found = text.len();
            return Err(format!(
                "{found} bytes are too short for a key; it has {KEY_BYTES} at least, such as those of `openssl rand -hex 32`"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_is_refused_without_being_told() {
        let mistake = "correct horse".parse::<SessionKey>().unwrap_err();

        assert!(mistake.starts_with("13 bytes are too short"), "{mistake}");
        assert!(!mistake.contains("horse"));
        assert_eq!(format!("{:?}", SessionKey::random()), "a secret");
    }
}
