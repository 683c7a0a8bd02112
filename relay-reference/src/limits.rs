//! What a key, or everybody, may ask for in a time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use agentsecrets_core::crypto::VerifyingKey;

use crate::problem::Problem;

/// Requests of one key at once, and how many come back each second. A fleet of jobs with one key
/// stays below.
const BURST: f64 = 2_000.0;
const PER_SECOND: f64 = 500.0;
/// Keys that are watched; a full table forgets those who have not asked for anything lately.
const KEYS: usize = 20_000;
const HOUR: Duration = Duration::from_secs(3_600);

/// A number of bytes for each hour.
pub struct Allowance {
    most: usize,
    taken: Mutex<(Instant, usize)>,
}

impl Allowance {
    /// At most `most` in an hour.
    pub fn new(most: usize) -> Self {
        Self { most, taken: Mutex::new((Instant::now(), 0)) }
    }

    /// Takes some.
    ///
    /// # Errors
    /// `rate_limited` where not enough is left.
    pub fn take(&self, bytes: usize) -> Result<(), Problem> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.0.elapsed() > HOUR {
            *taken = (Instant::now(), 0);
        }
        if taken.1.saturating_add(bytes) > self.most {
            return Err(Problem::rate_limited("too many uploads for workspaces not here yet", 600));
        }
        taken.1 += bytes;
        Ok(())
    }
}

/// Token buckets, one for each key.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<VerifyingKey, Bucket>>);

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        *self = Self { tokens: (self.tokens + seconds * PER_SECOND).min(BURST), filled: now };
    }
}

impl Rates {
    /// Counts a request of a key.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn count(&self, key: VerifyingKey) -> Result<(), Problem> {
        self.count_at(key, Instant::now())
    }

    fn count_at(&self, key: VerifyingKey, now: Instant) -> Result<(), Problem> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEYS && !buckets.contains_key(&key) {
            buckets.values_mut().for_each(|bucket| bucket.fill(now));
            buckets.retain(|_, bucket| bucket.tokens < BURST);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: BURST, filled: now });
        bucket.fill(now);
        if bucket.tokens < 1.0 {
            return Err(Problem::rate_limited("too many requests of one key", 1));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use agentsecrets_core::{crypto::SigningKey, crypto::derive_key, crypto::label};

    use super::*;

    #[test]
    fn a_key_gets_its_burst_and_then_its_rate_and_others_are_not_held_up() {
        let key = |name: &[u8]| {
            SigningKey::from_seed(&derive_key(label::SIGNING_KEY, name)).verifying_key()
        };
        let (rates, start) = (Rates::default(), Instant::now());
        let taken = |key, after| {
            let now = start + Duration::from_secs(after);
            (0..9_999).take_while(|_| rates.count_at(key, now).is_ok()).count()
        };
        let (one, other) = (key(b"one"), key(b"other"));
        assert_eq!((taken(one, 0), taken(one, 1), taken(one, 1)), (2_000, 500, 0));
        assert_eq!((taken(other, 1), taken(one, 900)), (2_000, 2_000));
    }

    #[test]
    fn an_allowance_ends() {
        let allowance = Allowance::new(10);
        assert!(allowance.take(6).is_ok() && allowance.take(6).is_err());
        assert!(allowance.take(4).is_ok() && allowance.take(usize::MAX).is_err());
    }
}
