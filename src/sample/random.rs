//! Where chance comes from: one generator per purpose and number, so that nothing depends on the order in which
//! things are made.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a generator is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// How many apps an account has; by account.
    Apps,
    /// An account's registration, packages, payments; by account.
    Facts,
    /// A day's rooms; by day.
    Rooms,
    /// The order of rows inside a second; by day and second.
    Order,
    /// An account's usage groups; by day and account.
    Groups,
    /// What an account relays, its screenshots and logins; by day and account.
    Monthly,
}

/// The generator for a purpose and two numbers.
pub(super) fn generator(seed: u64, purpose: Purpose, first: u32, second: u32) -> ChaCha8Rng {
    let purpose: u64 = match purpose {
        Purpose::Apps => 1,
        Purpose::Facts => 2,
        Purpose::Rooms => 3,
        Purpose::Order => 4,
        Purpose::Groups => 5,
        Purpose::Monthly => 6,
    };
    let numbers = (u64::from(first) << 32) | u64::from(second);
    let mut key = [0; 32];
    let words = [seed, purpose, numbers, 0];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Whether something happens that does so in `percent` of a hundred cases.
pub(super) fn happens(rng: &mut ChaCha8Rng, percent: u32) -> bool {
    rng.random_range(0..100_u32) < percent
}

/// One of these, each as likely as its weight.
pub(super) fn weighted<'a, T>(rng: &mut ChaCha8Rng, choices: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
    let total = choices.iter().map(&weight).sum::<u32>();
    let mut left = rng.random_range(0..total);
    for choice in choices {
        match left.checked_sub(weight(choice)) {
            Some(rest) => left = rest,
            None => return choice,
        }
    }
    unreachable!("the weights add up to {total}")
}

/// A second of the day at which something happens: the evening is three times as busy as the morning.
pub(super) fn second_of_day(rng: &mut ChaCha8Rng, day_seconds: u32) -> u32 {
    const HOURS: [u32; 24] = [
        6, 3, 2, 1, 1, 2, 4, 8, 14, 18, 18, 16, 14, 16, 18, 18, 17, 18, 24, 36, 42, 38, 24, 12,
    ];
    let (mut hour, mut left) = (0, rng.random_range(0..HOURS.iter().sum::<u32>()));
    for weight in HOURS {
        match left.checked_sub(weight) {
            Some(rest) => left = rest,
            None => break,
        }
        hour += 1;
    }
    // On a day whose clocks change, what would lie behind its end happens in its last second.
    (hour * 3600 + rng.random_range(0..3600)).min(day_seconds - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_numbers_have_their_own_chance() {
        let first = |purpose, a, b| generator(1, purpose, a, b).random::<u64>();
        let draws = [
            first(Purpose::Apps, 0, 0),
            first(Purpose::Facts, 0, 0),
            first(Purpose::Apps, 1, 0),
            first(Purpose::Apps, 0, 1),
            generator(2, Purpose::Apps, 0, 0).random(),
        ];
        for (position, draw) in draws.iter().enumerate() {
            assert!(
                !draws[..position].contains(draw),
                "draw {position} repeats an earlier one"
            );
        }
        assert_eq!(first(Purpose::Order, 7, 9), first(Purpose::Order, 7, 9));
    }

    #[test]
    fn evenings_are_busier_than_nights() {
        let mut rng = generator(1, Purpose::Rooms, 0, 0);
        let seconds: Vec<u32> = (0..10_000).map(|_| second_of_day(&mut rng, 86_400)).collect();
        let within = |hours: std::ops::Range<u32>| {
            seconds
                .iter()
                .filter(|second| hours.contains(&(*second / 3600)))
                .count()
        };
        assert!(within(19..22) > 10 * within(2..5));
    }

    #[test]
    fn weights_of_zero_never_come() {
        let mut rng = generator(1, Purpose::Rooms, 0, 0);
        let drawn: Vec<u32> = (0..1000)
            .map(|_| *weighted(&mut rng, &[0, 3, 1], |weight| *weight))
            .collect();
        assert!(!drawn.contains(&0) && drawn.contains(&3) && drawn.contains(&1));
    }
}
