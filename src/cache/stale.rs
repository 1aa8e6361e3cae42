//! The last good answer, for as long as there is no newer one: nobody waits for what is renewed.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tracing::debug;

use super::flight::Kind;
use super::key::Key;
use super::policy::Policy;
use super::store::Note;
use super::{Answer, Cache, Failure, Outcome, Recipe};

/// An answer, and whether it is as it should be.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The answer.
    pub answer: Answer,
    /// What it is cached by, as [`Policy::cached_by`] tells.
    pub cached_by: Vec<String>,
    /// Whether a newer one is being computed, since this one is of other data or too old.
    pub is_stale: bool,
}

/// What is noted of the latest answer to a question.
#[derive(Debug, Serialize, Deserialize)]
struct Latest {
    cached_by: Vec<String>,
}

impl Cache {
    /// Answers at once with what there is, even if it is of other data or too old; then one
    /// computation, of all processes, renews it in the background.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::memoize`], when there is nothing yet.
    pub async fn ask(&self, policy: &Policy, recipe: impl Into<Recipe>) -> Result<Asked, Failure> {
        let (key, recipe) = (policy.key(), recipe.into());
        let cached_by = policy.cached_by().to_vec();
        let answer = match self.kept_unless_flying(&key).await {
            Some(answer) if self.is_too_old(&answer) => {
                let than = answer.entry.stamp.computed_at;
                self.renew_in_background(&key, Some(than), recipe).await;
                return Ok(Asked { answer, cached_by, is_stale: true });
            }
            Some(answer) => answer,
            None => {
                if let Some((cached_by, answer)) = self.last_good(policy).await {
                    self.renew_in_background(&key, None, recipe).await;
                    return Ok(Asked { answer, cached_by, is_stale: true });
                }
                self.memoize(&key, recipe).await?
            }
        };
        if answer.outcome != Outcome::Hit {
            self.note_latest(policy).await;
        }
        Ok(Asked { answer, cached_by, is_stale: false })
    }

    /// Waits for an answer that was computed after `than`; one computation brings it to all who ask.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::memoize`]. What there is stays as it is.
    pub async fn renewed(
        &self,
        policy: &Policy,
        than: SystemTime,
        recipe: impl Into<Recipe>,
    ) -> Result<Asked, Failure> {
        let answer = self.answer(&policy.key(), Some(than), recipe.into()).await?;
        self.note_latest(policy).await;
        Ok(Asked { answer, cached_by: policy.cached_by().to_vec(), is_stale: false })
    }

    /// Computes in the background what the store does not have.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::memoize`].
    pub async fn prepare(&self, policy: &Policy, recipe: impl Into<Recipe>) -> Result<(), Failure> {
        let (key, recipe) = (policy.key(), recipe.into());
        if self.look(&key).await.is_none() {
            self.start(&key, Kind::Background, None, recipe).landing().await?;
            self.note_latest(policy).await;
        }
        Ok(())
    }

    /// What the store has of this key, unless a flight of this process is about to bring it: its
    /// callers are the ones who caused it.
    async fn kept_unless_flying(&self, key: &Key) -> Option<Answer> {
        if self.flights.in_the_air(key).is_some_and(|flight| flight.than.is_none()) {
            return None;
        }
        self.kept(key).await
    }

    /// The latest answer to the same question, cached by other values.
    async fn last_good(&self, policy: &Policy) -> Option<(Vec<String>, Answer)> {
        let note = self.store.note(&policy.question(), Note::Latest).await.ok()??;
        let Latest { cached_by } = serde_json::from_str(&note).ok()?;
        if cached_by == policy.cached_by() {
            return None;
        }
        let answer = self.kept(&policy.with_by(cached_by.clone()).key()).await?;
        Some((cached_by, answer))
    }

    async fn note_latest(&self, policy: &Policy) {
        let latest = Latest { cached_by: policy.cached_by().to_vec() };
        let text = serde_json::to_string(&latest).expect("it is a list of strings");
        let question = policy.question();
        if let Err(error) =
            self.store.leave(&question, Note::Latest, &text, self.lifetime.expire).await
        {
            debug!(%question, %error, "could not note the latest answer to {question}");
        }
    }

    async fn renew_in_background(&self, key: &Key, than: Option<SystemTime>, recipe: Recipe) {
        // After a failure it is left alone for a while, like any other.
        if self.failed_lately(key).await.is_none() {
            self.start(key, Kind::Background, than, recipe);
        }
    }

    fn is_too_old(&self, answer: &Answer) -> bool {
        let age = answer.entry.stamp.computed_at.elapsed().unwrap_or(Duration::ZERO);
        self.lifetime.max_age.is_some_and(|most| age > most)
    }
}
