//! Many accounts with few rows: a row per (account, app, tier), so that what is measured is settling, not scanning.

use rand::RngExt;
use rayon::prelude::*;

use super::day::{DaySpan, Meter};
use super::population::Population;
use super::random::{Purpose, generator, second_of_day};
use super::spec::SampleError;
use super::usage_file::{DayFiles, UsageFile, UsageRow, UsageTotals};

/// One combination for each tier that per-second usage can have.
const TIERS: [(Meter, Option<i32>); 19] = [
    (Meter::Av, None),
    (Meter::Av, Some(921_600)),
    (Meter::Av, Some(2_073_600)),
    (Meter::Av, Some(3_686_400)),
    (Meter::Av, Some(8_294_400)),
    (Meter::Recording, Some(0)),
    (Meter::Recording, Some(921_600)),
    (Meter::Recording, Some(1_843_200)),
    (Meter::Recording, Some(2_764_800)),
    (Meter::Recording, Some(4_147_200)),
    (Meter::MixH264, None),
    (Meter::MixH264, Some(921_600)),
    (Meter::MixH264, Some(1_843_200)),
    (Meter::MixH264, Some(2_995_200)),
    (Meter::MixH264, Some(4_147_200)),
    (Meter::MixH265, Some(921_600)),
    (Meter::MixH265, Some(1_843_200)),
    (Meter::MixH265, Some(2_995_200)),
    (Meter::MixH265, Some(4_147_200)),
];
const MOST_SECONDS: i32 = 7200;

/// Writes a day of exactly `rows` rows, accounts in order, as many files at a time as there are threads.
pub(super) fn write_day(
    files: DayFiles<'_>,
    population: &Population,
    seed: u64,
    span: &DaySpan,
    rows: u64,
) -> Result<UsageTotals, SampleError> {
    let accounts = u64::from(population.len());
    let cut = |file: u32| {
        u32::try_from(accounts * u64::from(file) / u64::from(files.count)).expect("not beyond the accounts")
    };
    let totals: Vec<UsageTotals> = (0..files.count)
        .into_par_iter()
        .map(|number| {
            let mut file = files.create(number as usize)?;
            for position in cut(number)..cut(number + 1) {
                let count = groups_of(seed, span, position, population.len(), rows);
                write_account(&mut file, population, seed, span, position, count)?;
            }
            file.finish()
        })
        .collect::<Result<_, SampleError>>()?;
    Ok(totals.into_iter().fold(UsageTotals::default(), UsageTotals::plus))
}

/// How many rows an account has: its even share of the day's rows, and up to two more or fewer, which its neighbour
/// makes up for.
fn groups_of(seed: u64, span: &DaySpan, position: u32, accounts: u32, rows: u64) -> u32 {
    let total = u64::from(accounts);
    let share = |position: u32| {
        let until = |position: u64| u128::from(rows) * u128::from(position) / u128::from(total);
        u32::try_from(until(u64::from(position) + 1) - until(u64::from(position))).expect("checked with the spec")
    };
    let (first, second) = (position & !1, position | 1);
    if second >= accounts {
        return share(position);
    }
    let most = share(first).min(share(second)).min(2);
    let moved = generator(seed, Purpose::Groups, day_number(span), first).random_range(0..=most);
    if position == first {
        share(first) + moved
    } else {
        share(second) - moved
    }
}

fn write_account(
    file: &mut UsageFile,
    population: &Population,
    seed: u64,
    span: &DaySpan,
    position: u32,
    count: u32,
) -> Result<(), SampleError> {
    let mut rng = generator(seed, Purpose::Groups, day_number(span), position);
    let apps = population.app_count(position);
    let mut keys: Vec<(u32, u32)> = Vec::new();
    while keys.len() < count as usize {
        let key = (rng.random_range(0..apps), rng.random_range(0..TIERS.len() as u32));
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut rows: Vec<UsageRow<'static>> = keys
        .into_iter()
        .map(|(app, tier)| {
            let (meter, pixels) = TIERS[tier as usize];
            UsageRow {
                account_id: Population::account_id(position),
                sdk_app_id: Population::app_id(position, app),
                room: "room-0",
                user_id: rng.random_range(1..=9999),
                ts_ms: span.ms(second_of_day(&mut rng, span.seconds)),
                meter: meter.name(),
                seconds: rng.random_range(1..=MOST_SECONDS),
                pixels,
            }
        })
        .collect();
    rows.sort_by_key(|row| (row.sdk_app_id, row.user_id, row.ts_ms));
    rows.iter().try_for_each(|row| file.push(row))
}

fn day_number(span: &DaySpan) -> u32 {
    u32::from_ne_bytes(span.day.epoch_days().to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_add_up_exactly_and_differ_between_accounts() {
        let day = super::super::spec::first_example_day();
        let span = DaySpan::of(day, chrono_tz::Asia::Shanghai).expect("in the calendar");
        for (accounts, rows) in [(1, 1), (7, 21), (1000, 3000), (1000, 3501), (1001, 500), (10, 100)] {
            let counts: Vec<u32> = (0..accounts)
                .map(|position| groups_of(1, &span, position, accounts, rows))
                .collect();
            assert_eq!(
                counts.iter().map(|count| u64::from(*count)).sum::<u64>(),
                rows,
                "{accounts} accounts"
            );
            assert!(counts.iter().all(|count| *count <= 12));
            assert!(accounts < 1000 || counts.iter().any(|count| count != &counts[0]));
        }
    }
}
