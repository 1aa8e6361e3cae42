//! Whether the subscription stands: whether this process receives all change messages.

use tokio::sync::watch;

/// The subscription of a store.
pub(super) struct Standing(watch::Sender<State>);

#[derive(Clone, Copy, Default)]
pub(super) struct State {
    /// Counts the subscriptions.
    number: u64,
    pub(super) is_up: bool,
}

/// Ends the subscription when it is dropped, even by a panic.
pub(super) struct Up<'a>(&'a Standing);

impl Standing {
    /// There is no subscription yet.
    pub(super) fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// The number of the subscription, while one stands.
    pub(super) fn number(&self) -> Option<u64> {
        let State { number, is_up } = *self.0.borrow();
        is_up.then_some(number)
    }

    /// The state, now and later.
    pub(super) fn watch(&self) -> watch::Receiver<State> {
        self.0.subscribe()
    }

    /// Begins another subscription: Redis has confirmed it.
    pub(super) fn begin(&self) -> Up<'_> {
        self.0.send_modify(|state| *state = State { number: state.number + 1, is_up: true });
        Up(self)
    }

    /// Ends the subscription, if there is one.
    pub(super) fn end(&self) {
        self.0.send_if_modified(|state| std::mem::take(&mut state.is_up));
    }

    /// Completes when the subscription does not stand any more.
    pub(super) async fn ended(&self) {
        // The sender is not dropped meanwhile.
        let _ = self.watch().wait_for(|state| !state.is_up).await;
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
