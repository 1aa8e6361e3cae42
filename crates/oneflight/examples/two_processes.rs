//! Two processes share a disk store: start this twice at the same time and see one computation.
//!
//! `cargo run --example two_processes` prints `stored` in the process that computed and `collapsed`
//! in the one that waited. Started again within a minute, it prints `hit`.

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use oneflight::store::disk::{DiskConfig, DiskStore};
use oneflight::{Cache, CacheConfig, Key, LogObserver, Progress, Stopped};
use tokio::time::sleep;

/// Ten steps of half a second, so that there is time to start the second process.
async fn expensive(progress: Progress) -> Result<Bytes, Stopped> {
    for step in 1..=10 {
        sleep(Duration::from_millis(500)).await;
        progress.reached(step, 10)?;
    }
    Ok(Bytes::from(format!("computed by process {}", std::process::id())))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = DiskConfig {
        path: std::env::temp_dir().join("oneflight-two-processes"),
        prefix: "example".to_owned(),
        expire: Duration::from_secs(60),
        max_bytes: 1 << 20,
        remembered_bytes: 0,
    };
    let store = DiskStore::new(config, Arc::new(LogObserver));
    let cache = Cache::new(Arc::new(store), CacheConfig::default());
    let key = Key::new("report").arg("2026-11");

    let mut asking = std::pin::pin!(cache.memoize(&key, expensive));
    let answer = loop {
        tokio::select! {
            answer = &mut asking => break answer?,
            () = sleep(Duration::from_millis(500)) => {
                let permille = cache.progress(&key).await.map_or(0, |progress| progress.permille);
                writeln!(stdout(), "{} %", permille / 10)?;
            }
        }
    };

    let value = String::from_utf8_lossy(&answer.entry.bytes);
    writeln!(stdout(), "{}: {value}, asked by process {}", answer.outcome, std::process::id())?;
    Ok(())
}
