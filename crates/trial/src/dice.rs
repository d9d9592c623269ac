//! Chance from a seed.

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6a09_e667_f3bc_c908)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than this.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next() % end }
    }

    /// From the one to the other, both included.
    pub(crate) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// From 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, of: f64) -> bool {
        self.part() < of
    }

    /// As likely between 1 and 10 as between 10 and 100.
    pub(crate) fn wide(&mut self, least: u64, most: u64) -> u64 {
        #[expect(clippy::cast_precision_loss, reason = "for numbers of calls and rows")]
        let (low, high) = ((least.max(1) as f64).ln(), (most.max(1) as f64).ln());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the two")]
        let value = (low + (high - low) * self.part()).exp().round() as u64;
        value.clamp(least, most)
    }

    pub(crate) fn pick<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        let place = self.below(list.len() as u64);
        list.get(usize::try_from(place).unwrap_or(0))
    }

    /// One of the words; empty where there is none.
    pub(crate) fn word<'w>(&mut self, words: &[&'w str]) -> &'w str {
        self.pick(words).copied().unwrap_or_default()
    }
}
