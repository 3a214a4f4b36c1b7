//! Who the accounts are, and who of them is busy.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Zipf};

use super::random::{Purpose, generator, happens};

/// Generated accounts are numbered from here on; worked examples have the numbers from 1001.
const FIRST_ACCOUNT: i64 = 10_001;
const FIRST_APP: i64 = 1_400_000_000;
const MAX_APPS: u32 = 40;

/// The generated accounts, by position 0 to n - 1, which is also the order of their numbers.
#[derive(Debug, Clone)]
pub(super) struct Population {
    seed: u64,
    accounts: u32,
    stride: u64,
    ranks: Zipf<f64>,
}

impl Population {
    /// This many accounts, at least one.
    pub(super) fn new(seed: u64, accounts: u32) -> Self {
        Self {
            seed,
            accounts,
            stride: coprime_near_golden_section(u64::from(accounts)),
            ranks: Zipf::new(f64::from(accounts), 1.0).expect("there is at least one account"),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        self.accounts
    }

    /// The number of an account.
    pub(super) fn account_id(position: u32) -> i64 {
        FIRST_ACCOUNT + i64::from(position)
    }

    /// The position of a generated account.
    pub(super) fn position_of(account_id: i64) -> u32 {
        u32::try_from(account_id - FIRST_ACCOUNT).expect("the number of a generated account")
    }

    /// The position of the account who acts next: the busiest acts about twice as often as the second, three
    /// times as often as the third and so on. The busy ones lie scattered among the others.
    pub(super) fn acting_account(&self, rng: &mut ChaCha8Rng) -> u32 {
        // Floats: what they decide is floored to a rank at once.
        let rank = self.ranks.sample(rng) as u64 - 1;
        let position = (rank * self.stride + self.stride / 2) % u64::from(self.accounts);
        u32::try_from(position).expect("less than the number of accounts")
    }

    /// How many apps an account has: mostly 1 to 5, one account in 50 up to 40.
    pub(super) fn app_count(&self, position: u32) -> u32 {
        let mut rng = generator(self.seed, Purpose::Apps, 0, position);
        if happens(&mut rng, 2) {
            rng.random_range(6..=MAX_APPS)
        } else {
            rng.random_range(1..=5_u32).min(rng.random_range(1..=5))
        }
    }

    /// The number of an account's app, counted from 0.
    pub(super) fn app_id(position: u32, app: u32) -> i64 {
        FIRST_APP + i64::from(position) * i64::from(MAX_APPS) + i64::from(app)
    }
}

/// A step that visits every one of `n` positions, far from the one before.
fn coprime_near_golden_section(n: u64) -> u64 {
    let first = n * 618 / 1000;
    (first.max(1)..)
        .find(|stride| greatest_common_divisor(*stride, n) == 1)
        .expect("n + 1 has no divisor in common with n")
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(accounts: u32, draws: u32) -> Vec<u32> {
        let population = Population::new(1, accounts);
        let mut rng = generator(1, Purpose::Rooms, 0, 0);
        let mut shares = vec![0; accounts as usize];
        for _ in 0..draws {
            shares[population.acting_account(&mut rng) as usize] += 1;
        }
        shares.sort_unstable_by(|a, b| b.cmp(a));
        shares
    }

    #[test]
    fn accounts_act_by_a_zipf_law() {
        // Harmonic number of 1000 = 7.485: the busiest has 1 / 7.485 of 100,000 acts = 13,359.
        let shares = shares(1000, 100_000);
        for (rank, expected) in [(1, 13_359_u32), (2, 6_680), (4, 3_340), (10, 1_336)] {
            let found = shares[rank - 1];
            assert!(
                found.abs_diff(expected) * 10 < expected,
                "rank {rank}: {found}, not about {expected}"
            );
        }
    }

    #[test]
    fn every_account_can_act() {
        for accounts in [1, 2, 3, 4, 6, 10, 30, 97, 100] {
            assert!(
                shares(accounts, accounts * 1000).iter().all(|acts| *acts > 0),
                "{accounts} accounts"
            );
        }
    }

    #[test]
    fn apps_belong_to_one_account_and_number_one_to_forty() {
        let population = Population::new(1, 2000);
        let counts: Vec<u32> = (0..2000).map(|position| population.app_count(position)).collect();
        assert!(counts.iter().all(|count| (1..=MAX_APPS).contains(count)));
        assert!((20..80).contains(&counts.iter().filter(|count| **count > 5).count()));
        assert!(Population::app_id(0, MAX_APPS - 1) < Population::app_id(1, 0));
    }
}
