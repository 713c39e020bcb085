//! Randomness that can be had again: the seed is printed, and `JOURNEY_SEED` sets it.

/// A small generator (splitmix64).
pub struct Random(u64);

impl Random {
    /// From `JOURNEY_SEED`, or from the clock; says which.
    pub fn seeded(suite: &str) -> Self {
        let seed = match std::env::var("JOURNEY_SEED") {
            Ok(text) => text.parse().expect("JOURNEY_SEED is a number"),
            Err(_) => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos().into(),
        };
        eprintln!("{suite}: JOURNEY_SEED={seed}");
        Self(seed)
    }

    /// From a number of the test's own: the same each time.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in a half-open range.
    pub fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.draw() % (range.end - range.start)
    }

    /// A number below; 0 below 0.
    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.draw() % most.max(1) as u64).unwrap()
    }
}
