//! An nginx of its own for a test, with the site file of `deploy/`.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command};

use tempfile::TempDir;

use super::certificate::Certificate;
use super::command::end_of;
use super::{PATIENCE, eventually, free_port};

/// A running nginx; it is stopped when the test ends.
pub(crate) struct Nginx {
    child: Child,
    plain: u16,
    tls: u16,
    redirecting: u16,
    certificate: Certificate,
    folder: TempDir,
}

impl Nginx {
    /// Starts `deploy/nginx.conf` before the server that listens on this port of 127.0.0.1.
    pub(crate) fn before(port: u16) -> Self {
        let (folder, certificate) = (TempDir::new().unwrap(), Certificate::new());
        let [plain, tls, redirecting] = [free_port(), free_port(), free_port()];
        let cache = folder.path().join("cache");
        let (pem, key) = (certificate.certificate(), certificate.key());
        let certificates =
            format!("ssl_certificate {}; ssl_certificate_key {};", pem.display(), key.display());
        let site = Site::read()
            .with("server 127.0.0.1:8080", 12, &format!("server 127.0.0.1:{port}"))
            // A third door, without TLS, for clients that cannot speak it.
            .with(
                "listen 443 ssl http2;",
                1,
                &format!("listen 127.0.0.1:{tls} ssl http2; listen 127.0.0.1:{plain};"),
            )
            .with("listen 80;", 1, &format!("listen 127.0.0.1:{redirecting};"))
            .with("$server_port = 80", 1, &format!("$server_port = {redirecting}"))
            .with("listen [::]:443 ssl http2;", 1, "")
            .with("listen [::]:80;", 1, "")
            .with("server_name dashboard.example.org;", 1, "server_name 127.0.0.1;")
            .with(CERTIFICATES, 1, &certificates)
            .with("/var/cache/nginx-quadrant", 1, cache.to_str().unwrap());
        fs::write(folder.path().join("site.conf"), site.0).unwrap();
        fs::write(folder.path().join("nginx.conf"), main(&folder)).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(folder.path().join("nginx.conf"));
        command.arg("-e").arg(folder.path().join("error.log"));
        let child = command.spawn().expect("bin/test installs nginx");
        let mut nginx = Self { child, plain, tls, redirecting, certificate, folder };
        eventually("nginx", || {
            let ended = nginx.child.try_wait().unwrap();
            assert!(ended.is_none(), "nginx did not start: {}", nginx.errors());
            nginx.is_listening()
        });
        nginx
    }

    /// Where the site is without TLS.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.plain).into()
    }

    /// The site without TLS, for clients that cannot speak it.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.plain)
    }

    /// The site as browsers reach it.
    pub(crate) fn https_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.tls)
    }

    /// What stands for port 80.
    pub(crate) fn redirecting_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.redirecting)
    }

    /// The authority that has signed the certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.certificate.authority()
    }

    /// What it has complained about.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }

    fn is_listening(&self) -> bool {
        // Another test's nginx on this port would be another process.
        let is_ours = fs::read_to_string(self.folder.path().join("pid"))
            .is_ok_and(|pid| pid.trim() == self.child.id().to_string());
        is_ours && std::net::TcpStream::connect(("127.0.0.1", self.tls)).is_ok()
    }
}

/// The line that names the certificate of the deployed site.
const CERTIFICATES: &str = "ssl_certificate /etc/ssl/dashboard/fullchain.pem; \
     ssl_certificate_key /etc/ssl/dashboard/privkey.pem;";

/// The site file, changed in a few places.
struct Site(String);

impl Site {
    fn read() -> Self {
        Self(fs::read_to_string("deploy/nginx.conf").unwrap())
    }

    /// Replaces a text that occurs this many times.
    fn with(self, what: &str, times: usize, by: &str) -> Self {
        assert_eq!(self.0.matches(what).count(), times, "{what} in deploy/nginx.conf");
        Self(self.0.replace(what, by))
    }
}

/// The file around the site, as a distribution brings one, with all paths in one folder.
fn main(folder: &TempDir) -> String {
    let root = folder.path().display();
    // Run by root, it stays root, since only root may use the folder.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let user = if is_root { "user root;" } else { "" };
    format!(
        "{user} daemon off; worker_processes auto; pid {root}/pid; error_log {root}/error.log;
        events {{ worker_connections 4096; }}
        http {{
            access_log off;
            client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;
            uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
            include {root}/site.conf;
        }}"
    )
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Asked to end, it takes its workers along; killed, it would leave them behind.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        end_of(&mut self.child, PATIENCE);
    }
}
