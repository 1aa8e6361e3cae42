//! nginx with the very same answers: the bytes as files, and the headers.

use std::path::Path;
use std::process::Command;

use reqwest::{Client, Response};

use super::loads::ask;
use super::server::{Server, free_port};
use super::tools::cores;

/// Headers that nginx makes itself.
const ITS_OWN: [&str; 4] = ["content-length", "content-type", "date", "connection"];

/// nginx with the answers to these addresses, at `/0`, `/1` and so on; as many worker processes as
/// there are cores.
pub(super) async fn nginx(folder: &Path, client: &Client, urls: &[String]) -> Server {
    let mut locations = String::new();
    for (at, url) in urls.iter().enumerate() {
        let answer = ask(client, url).await;
        locations.push_str(&location(at, &answer));
        let body = answer.bytes().await.expect("it answers in full");
        std::fs::write(folder.join(at.to_string()), body).expect("there is room for files");
    }
    start(folder, &locations)
}

/// nginx with the files of a folder at these locations.
pub(super) fn start(folder: &Path, locations: &str) -> Server {
    let (port, root) = (free_port(), folder.display());
    // `reuseport` gives each process its share of the connections, as Quadrant's have theirs. What
    // nginx tells of files (time, tag, ranges) is off, since an answer has its own headers.
    let settings = format!(
        "daemon off; worker_processes auto; user root; pid {root}/pid; error_log {root}/error.log;
        worker_rlimit_nofile 8192;
        events {{ worker_connections 4096; }}
        http {{
            access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
            open_file_cache max=100; server_tokens off;
            etag off; if_modified_since off; max_ranges 0;
            client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;
            uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
            server {{ listen 127.0.0.1:{port} reuseport backlog=4096; root {root};
                {locations}
            }}
        }}"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, settings).expect("there is room for files");
    let child = Command::new("nginx").arg("-c").arg(file).spawn().expect("it is installed");
    Server::new(child, format!("http://127.0.0.1:{port}"), 1 + usize::from(cores()))
}

/// The headers of an answer, as nginx is to send them.
pub(super) fn location(at: usize, answer: &Response) -> String {
    let text = |name: &str| answer.headers()[name].to_str().expect("it is ASCII");
    let names = answer.headers().keys().map(|name| name.as_str());
    let headers = names.filter(|name| !ITS_OWN.contains(name));
    let headers =
        headers.map(|name| format!("add_header {name} '{}'; ", text(name).replace('\'', "\\'")));
    format!(
        "location = /{at} {{ default_type '{}'; add_header Last-Modified ''; {} }}\n",
        text("content-type"),
        headers.collect::<String>()
    )
}
