//! Rendered bodies in memory, so that a warm dashboard costs one look-up.
//!
//! A body whose name is the address of its response is sent without routing: see `direct.rs`.

use std::num::NonZeroU16;
use std::sync::Arc;

use super::app::App;
use super::direct::Direct;
use super::encoded_body::EncodedBody;
use crate::blocking::blocking;

/// Bytes of rendered bodies that all workers of a program keep together: those of a hundred
/// airports. More workers take no more memory; a worker renders what it lacks in a millisecond or
/// two.
const KEPT: u64 = 16 << 20;
/// Bytes that a fragment occupies besides its body: its name, and the headers of one encoding. Most
/// fragments are asked for in one.
const BESIDES: u32 = 4 << 10;

/// Rendered bodies by a name that holds everything they depend on, or that says when they hold.
#[derive(Clone)]
pub struct FragmentCache(moka::sync::Cache<String, Arc<Fragment>>);

/// A rendered body.
pub(crate) struct Fragment {
    pub(crate) body: EncodedBody,
    /// How it is sent without routing; none if its name is no address.
    pub(crate) direct: Option<Direct>,
}

impl From<EncodedBody> for Fragment {
    fn from(body: EncodedBody) -> Self {
        Self { body, direct: None }
    }
}

impl Fragment {
    /// Whether a request for its address would get this body now.
    pub(crate) fn holds(&self, app: &App) -> bool {
        let terms = self.direct.as_ref().and_then(|direct| direct.terms.as_ref());
        terms.is_none_or(|terms| terms.hold(app))
    }
}

impl FragmentCache {
    /// An empty cache with the share of one of `workers`.
    pub fn share(workers: NonZeroU16) -> Self {
        let weigh = |_: &String, fragment: &Arc<Fragment>| fragment.body.weight() + BESIDES;
        let share = KEPT / u64::from(workers.get());
        Self(moka::sync::Cache::builder().max_capacity(share).weigher(weigh).build())
    }

    /// A body that was rendered before.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Fragment>> {
        self.0.get(name)
    }

    /// Keeps a body, in the place of the former one of this name.
    pub(crate) fn insert(&self, name: String, fragment: Fragment) -> Arc<Fragment> {
        let fragment = Arc::new(fragment);
        self.0.insert(name, fragment.clone());
        fragment
    }

    /// The body of this name, rendered unless it was before.
    pub(crate) fn get_or_render(
        &self,
        name: String,
        render: impl FnOnce() -> anyhow::Result<EncodedBody>,
    ) -> anyhow::Result<Arc<Fragment>> {
        match self.get(&name) {
            Some(known) => Ok(known),
            None => Ok(self.insert(name, render()?.into())),
        }
    }

    /// The same, rendered off the event loop.
    pub(crate) async fn get_or_draw<F: Into<Fragment>>(
        &self,
        name: String,
        render: impl FnOnce() -> anyhow::Result<F> + Send + 'static,
    ) -> anyhow::Result<Arc<Fragment>> {
        if let Some(known) = self.get(&name) {
            return Ok(known);
        }
        let cache = self.clone();
        blocking(move || Ok(cache.insert(name, render()?.into()))).await?
    }
}
