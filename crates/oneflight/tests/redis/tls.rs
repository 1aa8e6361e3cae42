//! Redis by TLS, with a certificate that no system trusts.

use std::process::Command;

use oneflight::Store;
use oneflight::store::Cause;
use oneflight::store::redis::Address;
use tempfile::TempDir;

use super::servers::{Server, free_port};
use super::stores::{key, store_at, use_everything};

/// A Redis with a second port that speaks TLS, and that port's URL.
fn spawn() -> (Server, String, TempDir) {
    let (folder, port) = (TempDir::new().unwrap(), free_port().to_string());
    let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out own.pem";
    let mut openssl = Command::new("openssl");
    let made = openssl.args(words.split_whitespace()).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let path = |file: &str| folder.path().join(file).to_str().unwrap().to_owned();
    let (own, secret) = (path("own.pem"), path("key.pem"));
    let files = ["--tls-cert-file", &own, "--tls-key-file", &secret];
    let tls = ["--tls-port", &port, "--tls-auth-clients", "no"];
    let server = Server::spawn_with(&[tls, files].concat());
    (server, format!("rediss://127.0.0.1:{port}"), folder)
}

#[tokio::test]
async fn everything_works_by_tls_when_no_certificate_is_checked() {
    let (_server, url, _folder) = spawn();
    let (one, events) = store_at(&format!("{url}#insecure"));
    let (other, others) = store_at(&format!("{url}#insecure"));

    use_everything(&one, &other).await;

    assert_eq!((events.failures(), others.failures()), (vec![], vec![]));
    let unverified: Address = url.parse::<Address>().unwrap().unverified();
    assert!(format!("{unverified:?}").ends_with("#insecure"));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused_and_the_reason_says_so() {
    let (_server, url, _folder) = spawn();
    let (store, _) = store_at(&url);

    let error = store.look(&key("ATL")).await.unwrap_err();

    assert_eq!(error.cause, Cause::Unreachable);
    assert!(error.reason.contains("invalid peer certificate"), "{error}");
    assert!(error.reason.ends_with("this system does not trust that certificate"), "{error}");
}
