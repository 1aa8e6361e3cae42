//! Rendered bodies in memory, so that a warm dashboard costs one look-up.

use std::num::NonZeroU16;
use std::sync::Arc;

use super::encoded_body::EncodedBody;
use crate::blocking::blocking;

/// Bytes of rendered bodies that all workers of a program keep together: those of a hundred
/// airports. More workers take no more memory; a worker renders what it lacks in a millisecond or
/// two.
const KEPT: u64 = 16 << 20;

/// Rendered bodies by a name that holds everything they depend on; they never change.
#[derive(Clone)]
pub struct FragmentCache(moka::sync::Cache<String, Arc<EncodedBody>>);

impl FragmentCache {
    /// An empty cache with the share of one of `workers`.
    pub fn share(workers: NonZeroU16) -> Self {
        let weigh = |_: &String, body: &Arc<EncodedBody>| body.weight();
        let share = KEPT / u64::from(workers.get());
        Self(moka::sync::Cache::builder().max_capacity(share).weigher(weigh).build())
    }

    /// A body that was rendered before.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<EncodedBody>> {
        self.0.get(name)
    }

    /// The body of this name, rendered unless it was before.
    pub(crate) fn get_or_render(
        &self,
        name: String,
        render: impl FnOnce() -> anyhow::Result<EncodedBody>,
    ) -> anyhow::Result<Arc<EncodedBody>> {
        if let Some(known) = self.0.get(&name) {
            return Ok(known);
        }
        let body = Arc::new(render()?);
        self.0.insert(name, body.clone());
        Ok(body)
    }

    /// The same, rendered off the event loop.
    pub(crate) async fn get_or_draw(
        &self,
        name: String,
        render: impl FnOnce() -> anyhow::Result<EncodedBody> + Send + 'static,
    ) -> anyhow::Result<Arc<EncodedBody>> {
        if let Some(known) = self.get(&name) {
            return Ok(known);
        }
        let cache = self.clone();
        blocking(move || cache.get_or_render(name, render)).await?
    }
}
