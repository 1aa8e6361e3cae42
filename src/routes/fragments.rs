//! Finished bodies in memory, so that a warm dashboard costs a look into a table.

use std::sync::Arc;

use super::finished::Finished;

/// Bytes of finished fragments that a worker keeps: those of a hundred airports.
const KEPT: u64 = 16 << 20;

/// Finished bodies by a name that tells everything they depend on; they never change.
pub struct Fragments(moka::sync::Cache<String, Arc<Finished>>);

impl Default for Fragments {
    fn default() -> Self {
        let weigh = |_: &String, body: &Arc<Finished>| body.weight();
        Self(moka::sync::Cache::builder().max_capacity(KEPT).weigher(weigh).build())
    }
}

impl Fragments {
    /// A body that has been rendered before.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Finished>> {
        self.0.get(name)
    }

    /// The body of this name, rendered unless it has been before.
    pub(super) fn get_or_render(
        &self,
        name: String,
        render: impl FnOnce() -> anyhow::Result<Finished>,
    ) -> anyhow::Result<Arc<Finished>> {
        if let Some(known) = self.0.get(&name) {
            return Ok(known);
        }
        let finished = Arc::new(render()?);
        self.0.insert(name, finished.clone());
        Ok(finished)
    }
}
