//! Each store keeps the promises of its trait.

use oneflight::conformance::{MemoryPlace, check};

use super::places::{DiskPlace, FallbackPlace};

/// At the same time, since most claims wait for a lease to run out.
#[tokio::test(flavor = "multi_thread")]
async fn the_stores_in_memory_on_disk_and_with_a_fallback_conform() {
    tokio::join!(
        check(MemoryPlace::default),
        check(DiskPlace::default),
        check(FallbackPlace::default)
    );
}
