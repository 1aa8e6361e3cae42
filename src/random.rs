//! Random numbers that a seed determines: the same seed draws the same flights in every process.

/// Pseudo-random numbers by the `SplitMix64` of Steele, Lea and Flood, "Fast Splittable Pseudorandom
/// Number Generators", 2014: a few sums and shifts, and good enough to draw flights.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, each as likely as another: to one in a thousand, even among a million.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        (((self.next() >> 32) * u64::from(end)) >> 32) as u32
    }

    /// One of these, each as likely as another.
    pub(crate) fn one_of(&mut self, delays: &[i32]) -> i32 {
        delays[self.below(delays.len() as u32) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the authors' own program for the seed 1234567.
    #[test]
    fn random_numbers_are_those_that_the_authors_publish() {
        let mut random = Random(1_234_567);

        let numbers = [0; 5].map(|_| random.next());

        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn every_flight_is_drawn_as_often_as_another() {
        let (delays, mut random) = ([0, 1, 2, 3, 4, 5, 6], Random(2001));

        let mut drawn = [0_i32; 7];
        for _ in 0..70_000 {
            drawn[random.one_of(&delays) as usize] += 1;
        }

        // Six standard deviations of 10,000 draws out of 70,000.
        assert!(drawn.iter().all(|count| (count - 10_000).abs() < 560), "{drawn:?}");
    }
}
