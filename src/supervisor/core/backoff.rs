//! When a worker that has died is started again: at once, then after longer and longer pauses.

use std::time::Duration;

/// The first pause; a start takes about as long.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause. Connections that a worker has not accepted wait for its successor, so it stays
/// short.
pub(super) const LONGEST: Duration = Duration::from_secs(1);
/// A worker that has served for this long is taken to be sound.
const GOOD: Duration = Duration::from_secs(60);
/// This many failed starts in a row end the program: the next one would fail too.
pub(super) const STARTS: u32 = 5;

/// How often one worker has died lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backoff {
    deaths: u32,
    failed_starts: u32,
}

impl Backoff {
    /// The worker was started, so the starts that failed before it were not the last ones.
    pub(super) fn on_ready(&mut self) {
        self.failed_starts = 0;
    }

    /// The pause before the successor of a worker that died after serving for this long.
    pub(super) fn on_death(&mut self, served: Duration) -> Duration {
        if served >= GOOD {
            self.deaths = 0;
        }
        self.pause()
    }

    /// The pause before the next attempt to start a worker, or none after too many of them.
    pub(super) fn on_start_failed(&mut self) -> Option<Duration> {
        self.failed_starts += 1;
        // What has failed at once is not likely to succeed a moment later.
        (self.failed_starts < STARTS).then_some(LONGEST)
    }

    fn pause(&mut self) -> Duration {
        self.deaths += 1;
        match self.deaths {
            1 => Duration::ZERO,
            deaths => (FIRST * 2u32.pow((deaths - 2).min(10))).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_begin_anew_after_a_good_minute() {
        let mut backoff = Backoff::default();

        let pauses: Vec<u128> =
            (0..7).map(|_| backoff.on_death(Duration::from_secs(5)).as_millis()).collect();
        let later = backoff.on_death(GOOD);

        assert_eq!(pauses, [0, 100, 200, 400, 800, 1000, 1000]);
        assert_eq!(later, Duration::ZERO);
    }

    #[test]
    fn the_fifth_failed_start_in_a_row_is_the_last() {
        let mut backoff = Backoff::default();
        for _ in 0..4 {
            assert!(backoff.on_start_failed().is_some());
        }

        let mut recovered = backoff;
        recovered.on_ready();

        assert_eq!(backoff.on_start_failed(), None);
        assert!(recovered.on_start_failed().is_some());
    }
}
