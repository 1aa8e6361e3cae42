//! EncodedBody bodies in memory, so that a warm dashboard costs a look into a table.

use std::num::NonZeroU16;
use std::sync::Arc;

use super::encoded_body::EncodedBody;

/// Bytes of finished fragments that all workers of a program keep together: those of a hundred
/// airports. More workers do not take more memory, and what one of them lacks it draws in a
/// millisecond or two.
const KEPT: u64 = 16 << 20;

/// EncodedBody bodies by a name that tells everything they depend on; they never change.
pub struct FragmentCache(moka::sync::Cache<String, Arc<EncodedBody>>);

impl FragmentCache {
    /// An empty one, with the share of one worker among so many.
    pub fn of_one_among(workers: NonZeroU16) -> Self {
        let weigh = |_: &String, body: &Arc<EncodedBody>| body.weight();
        let share = KEPT / u64::from(workers.get());
        Self(moka::sync::Cache::builder().max_capacity(share).weigher(weigh).build())
    }

    /// A body that has been rendered before.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<EncodedBody>> {
        self.0.get(name)
    }

    /// The body of this name, rendered unless it has been before.
    pub(crate) fn get_or_render(
        &self,
        name: String,
        render: impl FnOnce() -> anyhow::Result<EncodedBody>,
    ) -> anyhow::Result<Arc<EncodedBody>> {
        if let Some(known) = self.0.get(&name) {
            return Ok(known);
        }
        let finished = Arc::new(render()?);
        self.0.insert(name, finished.clone());
        Ok(finished)
    }
}
