//! A web server with one memoized handler: `cargo run -p oneflight-actix`, then
//! `curl localhost:8081/report/2026-11` in several terminals at once. One request computes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::web::{Bytes, Data, Path, get};
use actix_web::{App, HttpResponse, HttpServer};
use oneflight::store::disk::{DiskConfig, DiskStore};
use oneflight::{Cache, CacheConfig, Key, LogObserver, Progress};

/// Answers from the store, or computes once for all concurrent requests.
async fn report(cache: Data<Cache>, month: Path<String>) -> actix_web::Result<HttpResponse> {
    let key = Key::new("report").arg(&month);
    let month = month.into_inner();
    let recipe = move |_: Progress| expensive(month.clone());
    let answer = cache.memoize(&key, recipe).await.map_err(ErrorInternalServerError)?;
    let outcome = ("Cache-Status", format!("example; {}", answer.outcome));
    Ok(HttpResponse::Ok().insert_header(outcome).body(answer.entry.bytes))
}

async fn expensive(month: String) -> io::Result<Bytes> {
    actix_web::rt::time::sleep(Duration::from_secs(3)).await;
    Ok(Bytes::from(format!("the report of {month}\n")))
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let config = DiskConfig {
        path: std::env::temp_dir().join("oneflight-actix"),
        prefix: "example".to_owned(),
        expire: Duration::from_secs(60),
        max_bytes: 1 << 20,
        remembered_bytes: 0,
    };
    let store = DiskStore::new(config, Arc::new(LogObserver));
    // Made on the runtime of `main`, so computations outlive the threads that answer requests.
    let cache = Data::new(Cache::new(Arc::new(store), CacheConfig::default()));
    let app = move || App::new().app_data(cache.clone()).route("/report/{month}", get().to(report));
    HttpServer::new(app).bind(("127.0.0.1", 8081))?.run().await
}
