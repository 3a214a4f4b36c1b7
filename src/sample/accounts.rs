//! What a generated account is: when it registered, what it bought, what it paid, where it stood.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::day::DaySpan;
use super::population::Population;
use super::random::{Purpose, generator, happens};
use super::spec::Shape;
use super::tables::{AccountRow, Facts, PackageRow, PaymentRow};
use crate::units::calendar::day_of_instant;
use crate::units::quantity::{BillingDay, Instant};

const DAY: i64 = 86_400;
const FREE_MINUTES_HUNDREDTHS: i64 = 1_000_000;
/// More than a minute costs on average, whatever its tier.
const CENTS_A_MINUTE: i64 = 4;

/// A plan of the shipped catalog.
struct Plan {
    id: &'static str,
    price_cents: i64,
    minutes: i64,
}

const fn plan(id: &'static str, price_cents: i64, minutes: i64) -> Plan {
    Plan {
        id,
        price_cents,
        minutes,
    }
}

/// Plans by family, all prices and minutes from `[T]`. Who buys twice in a family buys the same plan again, so that
/// starter plans keep to their conditions.
const FAMILIES: [&[Plan]; 5] = [
    &[
        plan("rtc_engine.lite", 4_950, 50_000),
        plan("rtc_engine.starter", 990, 50_000),
        plan("rtc_engine.standard", 49_900, 500_000),
        plan("rtc_engine.pro", 149_900, 1_500_000),
    ],
    &[
        plan("call.one_to_one", 19_900, 100_000),
        plan("call.trial", 0, 0),
        plan("call.group", 59_700, 300_000),
    ],
    &[
        plan("conference.starter", 3_990, 50_000),
        plan("conference.lite", 29_900, 100_000),
        plan("conference.trial", 0, 0),
        plan("conference.standard", 59_900, 300_000),
        plan("conference.pro", 89_900, 450_000),
    ],
    &[
        plan("live.lite", 29_900, 100_000),
        plan("live.trial", 0, 0),
        plan("live.standard", 59_900, 300_000),
        plan("live.pro", 89_900, 450_000),
    ],
    &[
        plan("dashboard.standard", 499_900, 0),
        plan("dashboard.premium", 899_900, 0),
    ],
];

/// What generated accounts have in common.
pub(super) struct Period {
    /// The days of usage, at least one.
    pub days: Vec<DaySpan>,
    /// The zone of the days.
    pub zone: chrono_tz::Tz,
}

impl Period {
    fn first_second(&self) -> i64 {
        self.days.first().expect("at least one day").start_ms.div_euclid(1000)
    }

    fn end_second(&self) -> i64 {
        let last = self.days.last().expect("at least one day");
        last.ms(last.seconds).div_euclid(1000)
    }

    fn first_day(&self) -> BillingDay {
        self.days.first().expect("at least one day").day
    }
}

/// Adds an account and everything of it. `used_seconds` is its usage over all days.
pub(super) fn add_account(
    facts: &mut Facts,
    population: &Population,
    seed: u64,
    shape: Shape,
    period: &Period,
    position: u32,
    used_seconds: u64,
) {
    let mut rng = generator(seed, Purpose::Facts, 0, position);
    let account_id = Population::account_id(position);
    let start = period.first_second();
    // Three years: before and after the free minutes changed on 2023-02-21, for samples of 2024.
    let registered_at = start - rng.random_range(DAY..3 * 365 * DAY);
    let registered_on =
        day_of_instant(period.zone, Instant::from_micros(registered_at * 1_000_000)).expect("checked with the spec");
    let free_anchor = happens(&mut rng, 10)
        .then(|| registered_on.checked_add_days(rng.random_range(0..28)))
        .flatten();
    let payg = match rng.random_range(0..100_u32) {
        0..45 => None,
        45..92 => Some("on"),
        _ => Some("off"),
    };
    let credit_limit_cents =
        happens(&mut rng, 10).then(|| [10_000, 50_000, 100_000][rng.random_range(0..3_u32) as usize]);
    facts.accounts.push(AccountRow {
        account_id,
        registered_at,
        free_anchor,
        payg,
        credit_limit_cents,
        violation_at: None,
        note: None,
    });
    add_free_use(
        facts,
        &mut rng,
        account_id,
        free_anchor.unwrap_or(registered_on),
        period,
    );
    let buyers = match shape {
        Shape::Rooms => 50,
        Shape::Groups => 10,
    };
    let mut owed_cents = i64::try_from(used_seconds / 60).expect("rows are bounded") * CENTS_A_MINUTE;
    if happens(&mut rng, buyers) {
        let apps: Vec<i64> = (0..population.app_count(position))
            .map(|app| Population::app_id(position, app))
            .collect();
        owed_cents += add_packages(facts, &mut rng, account_id, &apps, registered_at, period);
    }
    add_money(facts, &mut rng, account_id, owed_cents, period);
}

/// The free cycle that the first day lies in: untouched, used up, or anything between.
fn add_free_use(facts: &mut Facts, rng: &mut ChaCha8Rng, account_id: i64, anchor: BillingDay, period: &Period) {
    let used = match rng.random_range(0..100_u32) {
        0..40 => 0,
        40..75 => FREE_MINUTES_HUNDREDTHS,
        _ => rng.random_range(1..FREE_MINUTES_HUNDREDTHS),
    };
    let first_day = period.first_day();
    // Nothing of a cycle that begins with the sample can have been used before.
    if let Some(cycle) = cycle_start(anchor, first_day).filter(|cycle| used > 0 && *cycle < first_day) {
        facts.opening_grants.push((format!("free:{account_id}:{cycle}"), used));
    }
}

/// The first day of the free cycle that `day` is in (SPEC 3.2: always counted from the anchor).
pub(super) fn cycle_start(anchor: BillingDay, day: BillingDay) -> Option<BillingDay> {
    let mut months = 0;
    let mut start = (anchor <= day).then_some(anchor)?;
    while let Some(next) = anchor.checked_add_months(months + 1).filter(|next| *next <= day) {
        months += 1;
        start = next;
    }
    Some(start)
}

/// One to three packages. What those cost that were bought on the days of the sample.
fn add_packages(
    facts: &mut Facts,
    rng: &mut ChaCha8Rng,
    account_id: i64,
    apps: &[i64],
    registered_at: i64,
    period: &Period,
) -> i64 {
    let mut cost = 0;
    // The engine's packages are the most common, dashboards are rare.
    let first_family = match rng.random_range(0..100_u32) {
        0..45 => 0,
        45..65 => 1,
        65..80 => 2,
        80..97 => 3,
        _ => 4,
    };
    let second_family = happens(rng, 15).then_some((first_family + 1) % 4);
    for family in std::iter::once(first_family).chain(second_family) {
        let plans = FAMILIES[family];
        let choice = rng
            .random_range(0..plans.len() as u32)
            .min(rng.random_range(0..plans.len() as u32));
        let plan = &plans[choice as usize];
        let bound = bound_apps(rng, apps);
        let earliest = (period.first_second() - 40 * DAY).max(registered_at + 3600);
        let on_sale_from = if happens(rng, 30) {
            earliest.max(period.first_second())
        } else {
            earliest
        };
        let mut purchased_at = rng.random_range(on_sale_from..period.end_second());
        for _ in 0..if happens(rng, 20) { 2 } else { 1 } {
            if purchased_at >= period.end_second() {
                break;
            }
            let package = a_package(facts, rng, account_id, &bound, plan, purchased_at);
            if purchased_at >= period.first_second() && !package.gift {
                cost += plan.price_cents;
            }
            let used_before = purchased_at < period.first_second() && plan.minutes > 0 && package.refund.is_none();
            if used_before && happens(rng, 40) {
                let used = rng.random_range(1..=plan.minutes * 100);
                facts.opening_grants.push((package.package_id.clone(), used));
            }
            facts.packages.push(package);
            // A second one waits until the first ends.
            purchased_at += rng.random_range(DAY..25 * DAY);
        }
    }
    cost
}

/// Mostly one app, sometimes two, sometimes all.
fn bound_apps(rng: &mut ChaCha8Rng, apps: &[i64]) -> Vec<i64> {
    let first = rng.random_range(0..apps.len() as u32) as usize;
    match rng.random_range(0..100_u32) {
        0..75 => vec![apps[first]],
        75..85 if first > 0 => vec![apps[0], apps[first]],
        _ => Vec::new(),
    }
}

fn a_package(
    facts: &Facts,
    rng: &mut ChaCha8Rng,
    account_id: i64,
    apps: &[i64],
    plan: &Plan,
    purchased_at: i64,
) -> PackageRow {
    let number = facts
        .packages
        .iter()
        .rev()
        .take_while(|package| package.account_id == account_id)
        .count();
    let gift = happens(rng, 5);
    let refunded = happens(rng, 4) && !gift && plan.price_cents > 0;
    PackageRow {
        package_id: format!("pkg-{account_id}-{}", number + 1),
        account_id,
        apps: apps.to_vec(),
        plan: plan.id,
        purchased_at,
        gift,
        auto_renew: happens(rng, 3) && !refunded,
        refund: refunded.then(|| (purchased_at + rng.random_range(3600..4 * DAY), plan.price_cents)),
    }
}

/// An opening balance and payments that together cover what is owed; for one account in 25 they do not.
fn add_money(facts: &mut Facts, rng: &mut ChaCha8Rng, account_id: i64, owed_cents: i64, period: &Period) {
    if happens(rng, 4) {
        facts.opening.push((account_id, rng.random_range(-500..500)));
        return;
    }
    let cushion = rng.random_range(1_000..50_000_i64);
    facts.opening.push((account_id, owed_cents + cushion));
    let payments = if happens(rng, 30) {
        rng.random_range(1..=2_u32)
    } else {
        0
    };
    for number in 1..=payments {
        facts.payments.push(PaymentRow {
            payment_id: format!("pay-{account_id}-{number}"),
            account_id,
            paid_at: rng.random_range(period.first_second()..period.end_second()),
            amount_cents: 1000 * rng.random_range(1..=50),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_those_of_the_shipped_catalog() {
        let catalog: toml::Table = include_str!("../../jobs/catalog/trtc.toml")
            .parse()
            .expect("valid TOML");
        let shipped = catalog["plan"].as_array().expect("an array of plans");
        for plan in FAMILIES.into_iter().flatten() {
            let found = shipped.iter().find(|shipped| shipped["id"].as_str() == Some(plan.id));
            let found = found.unwrap_or_else(|| panic!("the catalog has no {}", plan.id));
            let price = found
                .get("price")
                .map_or("0", |price| price.as_str().expect("a string"));
            let price_cents = crate::units::quantity::Cents::parse(price).expect("a price").units();
            let minutes = found
                .get("minutes")
                .map_or(0, |minutes| minutes.as_integer().expect("an integer"));
            assert_eq!((price_cents, minutes), (plan.price_cents, plan.minutes), "{}", plan.id);
        }
    }

    #[test]
    fn cycles_are_counted_from_the_anchor() {
        let day = |text: &str| BillingDay::from_date(text.parse().expect("a date"));
        for (anchor, on, start) in [
            ("2022-11-15", "2022-12-14", Some("2022-11-15")),
            ("2022-11-15", "2022-12-15", Some("2022-12-15")),
            ("2024-01-31", "2024-02-28", Some("2024-01-31")),
            ("2024-01-31", "2024-02-29", Some("2024-02-29")),
            ("2024-01-31", "2024-03-31", Some("2024-03-31")),
            ("2024-01-31", "2024-01-30", None),
        ] {
            assert_eq!(cycle_start(day(anchor), day(on)), start.map(day), "{anchor} on {on}");
        }
    }
}
