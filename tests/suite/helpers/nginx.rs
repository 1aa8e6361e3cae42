//! An nginx before an app, as an operator would set it up.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{eventually, free_port};

/// A running nginx; it is killed when the test ends.
pub(crate) struct Nginx {
    pub(crate) url: String,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Passes everything on to `upstream`, and tells it who asks.
    pub(crate) fn before(upstream: &str) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let root = folder.path().display();
        let settings = format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
            events {{}}
            http {{
                access_log off;
                client_body_temp_path {root}/b; proxy_temp_path {root}/p;
                fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
                server {{
                    listen 127.0.0.1:{port};
                    location / {{
                        proxy_pass {upstream};
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_set_header X-Forwarded-Proto $scheme;
                    }}
                }}
            }}"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new("nginx");
        // Until it has read its settings it would complain about a log that it may not write.
        let child = command.arg("-c").arg(file).stderr(Stdio::null()).spawn();
        let child = child.expect("bin/test installs nginx");
        eventually("nginx", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { url: format!("http://127.0.0.1:{port}"), child, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
