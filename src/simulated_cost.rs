//! Time that is added to every expensive computation, to see what caching does.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time passes in steps, so that it shows progress and can be given up.
const STEP: Duration = Duration::from_millis(100);

/// Time that a computation takes longer than it must; often none.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedCost(pub Duration);

impl SimulatedCost {
    /// How many steps the time has.
    pub fn steps(self) -> u64 {
        self.0.as_millis().div_ceil(STEP.as_millis()) as u64
    }

    /// Lets the time pass. `reached` is called after each step with its number.
    ///
    /// # Errors
    ///
    /// The first error of `reached`, at once.
    pub async fn pass(self, reached: impl Fn(u64) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let started = Instant::now();
        for step in 1..=self.steps() {
            sleep_until(started + self.0.min(STEP * step as u32)).await;
            reached(step)?;
        }
        Ok(())
    }
}
