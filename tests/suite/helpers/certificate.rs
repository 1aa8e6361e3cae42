//! A certificate for 127.0.0.1, signed by an authority that no system trusts.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::command::output;

/// Files of one test, made by `openssl`.
pub(crate) struct Certificate(TempDir);

impl Certificate {
    /// Makes an authority and has it sign a certificate.
    pub(crate) fn new() -> Self {
        let made = Self(TempDir::new().unwrap());
        made.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
             -subj /CN=Test-Authority -keyout authority.key -out authority.pem",
        );
        made.openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
             -keyout key.pem -out request.pem",
        );
        std::fs::write(made.path("names"), "subjectAltName = IP:127.0.0.1, DNS:localhost\n")
            .unwrap();
        made.openssl(
            "x509 -req -in request.pem -CA authority.pem -CAkey authority.key -set_serial 1 \
             -days 2 -extfile names -out certificate.pem",
        );
        made
    }

    /// A client that trusts this authority trusts the certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.path("authority.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.path("key.pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, words: &str) {
        let mut command = Command::new("openssl");
        let done = output(command.args(words.split_whitespace()).current_dir(self.0.path()));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}
