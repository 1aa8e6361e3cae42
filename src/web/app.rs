//! What all handlers of a worker share.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Data;
use oneflight::{Cache, StoreHealth};

use super::client::TrustedProxies;
use super::cookie::Sessions;
use super::drain::Drain;
use super::fragment_cache::FragmentCache;
use super::large::LargeBodies;
use crate::control::SupervisorLink;
use crate::dataset::{Dataset, Datasets};
use crate::pages::session::SampleLimits;
use crate::simulated_cost::SimulatedCost;

/// One worker's state. Handlers get it as `Data<App>`; pages ask their questions of its cache.
pub struct App {
    /// The data file, watched.
    pub datasets: Datasets,
    /// Where answers are kept and computed once.
    pub cache: Cache,
    /// Rendered bodies in this worker's memory.
    pub fragments: FragmentCache,
    /// Turns for bodies of megabytes.
    pub large: LargeBodies,
    /// Makes and reads session cookies.
    pub sessions: Sessions,
    /// How many samples visitors may keep, and for how long.
    pub sample_limits: SampleLimits,
    /// Added to every expensive computation.
    pub simulated_cost: SimulatedCost,
    /// Proxies whose headers about their clients count.
    pub proxies: TrustedProxies,
    /// Whether this worker is about to end.
    pub drain: Drain,
    /// The supervisor, and through it the other workers.
    pub supervisor: Arc<SupervisorLink>,
    /// The number of this worker.
    pub worker: u16,
}

impl App {
    /// The state of the worker that got this request.
    pub(crate) fn of(request: &HttpRequest) -> &Data<Self> {
        request.app_data().expect("the worker has registered it")
    }

    /// The data file as it is now; a request holds on to the one that it began with.
    pub async fn dataset(&self) -> Arc<Dataset> {
        self.datasets.current().await
    }

    /// Whether the store of the cache works as it should.
    pub fn store_health(&self) -> StoreHealth {
        self.cache.health()
    }
}
