//! When a worker that has died is started again: at once, then after longer and longer pauses.

use std::time::Duration;

/// The first pause; a start takes about as long.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause. What a worker has not accepted waits for its successor, so it stays short.
const LONGEST: Duration = Duration::from_secs(1);
/// A worker that has answered for so long is taken to be sound.
const GOOD: Duration = Duration::from_secs(60);
/// So many starts in a row that came to nothing end the program: it will not get better.
const STARTS: u32 = 5;

/// How often one worker has died lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backoff {
    deaths: u32,
    failed_starts: u32,
}

impl Backoff {
    /// The worker died after it had answered requests for so long; the pause before its successor.
    pub(super) fn died(&mut self, served: Duration) -> Duration {
        self.failed_starts = 0;
        if served >= GOOD {
            self.deaths = 0;
        }
        self.pause()
    }

    /// The worker died before it answered anything; none when it is not to be tried again.
    pub(super) fn failed(&mut self) -> Option<Duration> {
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
            (0..7).map(|_| backoff.died(Duration::from_secs(5)).as_millis()).collect();
        let later = backoff.died(GOOD);

        assert_eq!(pauses, [0, 100, 200, 400, 800, 1000, 1000]);
        assert_eq!(later, Duration::ZERO);
    }

    #[test]
    fn the_fifth_failed_start_in_a_row_is_the_last() {
        let mut backoff = Backoff::default();
        for _ in 0..4 {
            assert!(backoff.failed().is_some());
        }

        let mut recovered = backoff;
        recovered.died(Duration::from_secs(1));

        assert_eq!(backoff.failed(), None);
        assert!(recovered.failed().is_some());
    }
}
