//! The laws of SPEC section 4 and of deduction, on random accounts over some days.

use std::collections::BTreeMap;

use nightbill::catalog::book::{PlanId, Round};
use nightbill::rules::account_day::{AccountDay, BilledItem, Deduction, DeductionPeriod};
use nightbill::rules::facts::{OpeningGrant, Package, Payg, Payment, RefundRequest, UsageGroup};
use nightbill::rules::recorder::{Outcome, PassedOver};
use nightbill::units::quantity::{Amount, Cents, Instant, Minutes, Quota, SdkAppId, Seconds};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use crate::book::day;
use crate::steps::steps_are_right;
use crate::world::{Kept, KeptStep, World, opening_after};

const MICROS_A_DAY: i64 = 86_400_000_000;
const APPS: [i64; 3] = [1, 2, 3];

/// An instant within 50 days before to 2 days after the start of October 12, 2024 (UTC), when the promotion begins.
fn instant() -> impl Strategy<Value = Instant> {
    let promotion = i64::from(day("2024-10-12").epoch_days()) * MICROS_A_DAY;
    // Half-hours, so that some happen at once.
    (-50 * 48..2 * 48_i64).prop_map(move |half_hours| Instant::from_micros(promotion + half_hours * 1_800_000_000))
}

prop_compose! {
    fn package(plans: u16)(
        plan in 0..plans,
        apps in subsequence(APPS.to_vec(), 0..=2),
        purchased_at in instant(),
        gift: bool,
        refunded_after in option::weighted(0.2, 0..30_i64),
    ) -> Package<'static> {
        Package {
            id: "",
            apps: apps.iter().map(|app| SdkAppId::new(*app).unwrap()).collect::<Vec<_>>().leak(),
            plan: PlanId(plan),
            purchased_at,
            gift,
            auto_renew: false,
            refunded_at: refunded_after.map(|days| Instant::from_micros(purchased_at.micros() + days * MICROS_A_DAY)),
            refunded_amount: Cents::ZERO,
        }
    }
}

fn usage(most_seconds: i64) -> impl Strategy<Value = Vec<UsageGroup>> {
    let tier = prop_oneof![
        Just("av.audio"),
        Just("av.hd"),
        Just("av.4k"),
        Just("recording.hd"),
        Just("mix.audio"),
        Just("delivery.tencent_hd"),
        Just("delivery.third_party_audio"),
        Just("class.user")
    ];
    let key = (proptest::sample::select(APPS.to_vec()), tier, 0..5_u16);
    btree_map(key, 1..most_seconds, 0..12).prop_map(|groups| {
        let mut world = World::new();
        for ((app, tier, period), seconds) in groups {
            world = world.used_in_period(app, tier, period, seconds);
        }
        world.usage
    })
}

prop_compose! {
    /// An account and the usage of each of the days from October 9 on. Grants are small enough to run out.
    fn life(most_seconds: i64, days: usize)(
        packages in vec(package(7), 0..7),
        payments in vec((instant(), -5_000..50_000_i64), 0..4),
        usage in vec(usage(most_seconds), 1..=days),
        free_anchor in option::of(0..60_i64),
        payg in prop_oneof![Just(Payg::Auto), Just(Payg::On), Just(Payg::Off)],
        period in prop_oneof![Just(DeductionPeriod::Day), Just(DeductionPeriod::FiveMinutes)],
        free_used in 0..1_000_000_i64,
    ) -> (World, Vec<Vec<UsageGroup>>) {
        let mut world = World::new().on("2024-10-09").payg(payg);
        if let Some(days) = free_anchor {
            world = world.with_free_minutes(&day("2024-08-12").checked_add_days(days).unwrap().to_string());
            world.book.free.iter_mut().for_each(|rule| rule.minutes = Minutes::new(10_000 - free_used / 101));
        }
        world.book.plans.iter_mut().for_each(|plan| plan.minutes = Minutes::new(plan.minutes.get().min(300)));
        world.first_settled_day = world.day;
        world.period = period;
        world.packages = packages;
        for (number, package) in world.packages.iter_mut().enumerate() {
            package.id = format!("p{number}").leak();
        }
        let payment = |&(paid_at, cents): &(Instant, i64)| Payment { paid_at, amount: Cents::from_units(cents) };
        world.payments = payments.iter().map(payment).collect();
        (world, usage)
    }
}

prop_compose! {
    /// A life with refund requests, renewals and grants that were used before, some of them over by now, of an account that
    /// may soon be suspended, removed or in violation.
    fn eventful_life()(
        (mut world, days) in life(20_000, 5),
        renewed in vec(any::<bool>(), 7),
        used_before in vec(option::of(0..300_i64), 7),
        requested_after in vec(option::of(0..12 * 24_i64), 7),
        balance in -5_000..50_000_i64,
        violation_at in option::weighted(0.1, instant()),
    ) -> (World, Vec<Vec<UsageGroup>>) {
        world.first_settled_day = day("2024-09-01");
        for product in &mut world.book.products {
            (product.grace_hours, product.removal_days) = (5, 1);
        }
        let more = renewed.into_iter().zip(used_before).zip(requested_after);
        for (package, ((renewed, used_before), requested_after)) in world.packages.iter_mut().zip(more) {
            package.auto_renew = renewed;
            if let Some(hours) = requested_after {
                let requested_at = Instant::from_micros(package.purchased_at.micros() + hours * MICROS_A_DAY / 24);
                world.requests.push(RefundRequest { package: package.id, requested_at });
            }
            if let Some(minutes) = used_before {
                let minutes = minutes.min(world.book.plan(package.plan).minutes.get());
                let used = Quota::from_minutes(Minutes::new(minutes)).unwrap();
                world.opening.grants.push(OpeningGrant { id: package.id.to_owned(), opening: used, used });
            }
        }
        world.opening.balance = Cents::from_units(balance);
        world.account.violation_at = violation_at;
        (world, days)
    }
}

/// Settles day after day, each from where the one before left the account.
fn settle_all(
    (mut world, days): (World, Vec<Vec<UsageGroup>>),
    mut check: impl FnMut(&World, &AccountDay<'_>) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    for usage in days {
        world.usage = by_day_or_period(world.period, usage);
        let day = world.settle();
        check(&world, &day)?;
        let opening = opening_after(&day);
        world.opening = opening;
        world.day = world.day.checked_add_days(1).unwrap();
    }
    Ok(())
}

/// By day all groups are of period 0.
fn by_day_or_period(period: DeductionPeriod, usage: Vec<UsageGroup>) -> Vec<UsageGroup> {
    if period == DeductionPeriod::FiveMinutes {
        return usage;
    }
    let mut by_day: Vec<UsageGroup> = Vec::new();
    for group in usage {
        match by_day.last_mut() {
            Some(last) if (last.app, last.tier) == (group.app, group.tier) => {
                last.seconds = last.seconds.plus(group.seconds).unwrap();
                last.rows += group.rows;
            }
            _ => by_day.push(UsageGroup { period: 0, ..group }),
        }
    }
    by_day
}

fn sum(minutes: impl Iterator<Item = Minutes>) -> i64 {
    minutes.map(Minutes::get).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Laws 1, 2, 4 and 5, and: no second is lost or billed twice.
    #[test]
    fn lines_add_up(life in life(20_000, 4)) {
        settle_all(life, |world, day| {
            for line in &day.lines {
                let parts = [line.free_minutes, line.package_minutes, line.payg_minutes, line.unbilled_minutes];
                prop_assert!(parts.iter().all(|part| *part >= Minutes::ZERO));
                prop_assert_eq!(line.minutes.get(), sum(parts.into_iter()));
                let served = |kind: &str| {
                    let rows = day.deductions.iter().filter(|row| (row.app, row.tier) == (line.app, line.tier));
                    sum(rows.filter(|row| row.grant.kind() == kind).map(|row| row.minutes))
                };
                prop_assert_eq!(line.free_minutes.get(), served("free"));
                prop_assert_eq!(line.package_minutes.get(), served("package"));
                prop_assert_eq!(line.quantity.units(), line.payg_minutes.get() * 1_000_000);
                // amount = quantity x unit_price / per, in billionths: minutes x millionths / 1000 x 1000.
                let exact = i128::from(line.payg_minutes.get()) * i128::from(line.unit_price.units());
                prop_assert_eq!(line.amount.units(), exact);
                prop_assert_eq!(line.minutes.get(), (line.seconds.get() + 59) / 60);
            }
            let seconds = |all: &mut dyn Iterator<Item = Seconds>| all.map(Seconds::get).sum::<i64>();
            let metered = seconds(&mut world.usage.iter().map(|group| group.seconds));
            prop_assert_eq!(metered, seconds(&mut day.usage.iter().map(|line| line.seconds)));
            prop_assert_eq!(metered, seconds(&mut day.lines.iter().map(|line| line.seconds)));
            bills_add_up(world, day)
        })?;
    }

    /// Law 3, over all batches: used = opening + what deductions took, balance >= 0, quota = used + balance.
    #[test]
    fn grants_add_up_over_all_days(life in life(20_000, 6)) {
        let mut taken: BTreeMap<String, i64> = BTreeMap::new();
        settle_all(life, |_, day| {
            for row in &day.deductions {
                prop_assert!(row.minutes > Minutes::ZERO);
                prop_assert_eq!(row.quota.units(), row.minutes.get() * row.ratio.units());
                *taken.entry(row.grant.to_string()).or_default() += row.quota.units();
                let state = day.grants.iter().find(|grant| grant.grant == row.grant);
                prop_assert!(state.is_some(), "{} serves without a row in grants", row.grant);
            }
            for grant in &day.grants {
                prop_assert!(grant.balance >= Quota::ZERO);
                prop_assert_eq!(grant.quota, grant.used.plus(grant.balance).unwrap());
                let drawn = taken.get(&grant.grant.to_string()).copied().unwrap_or_default();
                prop_assert_eq!(grant.used.units(), grant.opening.units() + drawn);
            }
            let ids: Vec<String> = day.grants.iter().map(|grant| grant.grant.to_string()).collect();
            prop_assert!(ids.is_sorted(), "{:?}", ids);
            Ok(())
        })?;
    }

    /// When a grant serves a line, every earlier grant in the order that is valid, in scope and names the tier has
    /// balance < ratio at that moment; and it serves as many whole minutes as it can.
    #[test]
    fn no_grant_serves_while_an_earlier_one_could(life in life(20_000, 4)) {
        settle_all(life, |world, day| {
            let mut kept = Kept::default();
            let told = world.try_settle(Some(&mut kept)).unwrap();
            prop_assert_eq!(&told, day);
            let served = steps_are_right(world, day, &kept.0)?;
            prop_assert_eq!(served, sum(day.deductions.iter().map(|row| row.minutes)));
            Ok(())
        })?;
    }

    /// Who is told about a day has the same day as who is not.
    #[test]
    fn a_recorder_changes_nothing(life in eventful_life()) {
        settle_all(life, |world, day| {
            prop_assert_eq!(&world.try_settle(Some(&mut Kept::default())).unwrap(), day);
            Ok(())
        })?;
    }

    /// Deduction by five minutes and by day agree when nothing runs out.
    #[test]
    fn periods_do_not_matter_while_nothing_runs_out(life in life(400, 1)) {
        let (mut world, mut days) = life;
        world.usage = days.remove(0);
        world.period = DeductionPeriod::FiveMinutes;
        let mut by_day = world.clone();
        by_day.period = DeductionPeriod::Day;
        by_day.usage = by_day_or_period(DeductionPeriod::Day, world.usage.clone());
        let mut kept = Kept::default();
        let day = by_day.try_settle(Some(&mut kept)).unwrap();
        let ran_out = |step: &KeptStep| matches!(step.outcome, Outcome::PassedOver(PassedOver::BalanceBelowRatio { .. }));
        let whole = |row: &Deduction<'_>| {
            let line = day.lines.iter().find(|line| (line.app, line.tier) == (row.app, row.tier)).unwrap();
            row.minutes == line.minutes
        };
        prop_assume!(!kept.0.iter().any(ran_out) && day.deductions.iter().all(whole));
        prop_assert_eq!(world.settle(), day);
    }

    /// The order of packages, payments and opening grants changes nothing.
    #[test]
    fn order_changes_nothing(life in life(20_000, 3), picks in vec(any::<Index>(), 20)) {
        settle_all(life, |world, day| {
            let mut other = world.clone();
            for pick in &picks {
                shuffle(&mut other.packages, pick);
                shuffle(&mut other.payments, pick);
                shuffle(&mut other.opening.grants, pick);
            }
            prop_assert_eq!(&other.settle(), day);
            Ok(())
        })?;
    }

    /// Facts after the billing time change nothing.
    #[test]
    fn later_facts_are_as_if_absent(life in life(20_000, 3)) {
        settle_all(life, |world, day| {
            let known = world.calendar.billing_instant(world.day).unwrap();
            let mut then = world.clone();
            then.packages.retain(|package| package.purchased_at <= known);
            then.payments.retain(|payment| payment.paid_at <= known);
            for package in &mut then.packages {
                package.refunded_at = package.refunded_at.filter(|at| *at <= known);
            }
            prop_assert_eq!(&then.settle(), day);
            Ok(())
        })?;
    }
}

/// Moves the picked element to the end.
fn shuffle<T>(list: &mut [T], pick: &Index) {
    if !list.is_empty() {
        let from = pick.index(list.len());
        list[from..].rotate_left(1);
    }
}

fn bills_add_up(world: &World, day: &AccountDay<'_>) -> Result<(), TestCaseError> {
    let mut exact: BTreeMap<_, i128> = BTreeMap::new();
    for line in &day.purchases {
        *exact.entry(BilledItem::Package).or_default() += line.amount.units();
    }
    for line in &day.credits {
        *exact.entry(BilledItem::Refund).or_default() += line.amount.units();
    }
    for line in &day.lines {
        let item = BilledItem::Usage(world.book.tiers[line.tier.index()].item);
        let by_account = world.book.item_of(line.tier).round == Round::Account;
        prop_assert_eq!(by_account, line.app == SdkAppId::ACCOUNT_WIDE);
        *exact.entry(item).or_default() += line.amount.units();
    }
    let expected: Vec<_> = exact.into_iter().collect();
    let found: Vec<_> = day.bills.iter().map(|bill| (bill.item, bill.exact.units())).collect();
    prop_assert_eq!(found, expected, "one bill per item that has lines, in item order");
    for bill in &day.bills {
        let off = bill
            .exact
            .minus(Amount::from_units(i128::from(bill.amount.units()) * 10_000_000))
            .unwrap();
        prop_assert!(
            off.units().abs() <= 5_000_000 && off.units() != 5_000_000,
            "half goes up: {}",
            off
        );
    }
    let (balance, charged) = (
        &day.balance,
        day.bills.iter().map(|bill| bill.amount.units()).sum::<i64>(),
    );
    prop_assert_eq!(balance.charged.units(), charged);
    prop_assert_eq!(
        balance.closing.units(),
        balance.opening.units() + balance.paid.units() - charged
    );
    prop_assert_eq!(balance.opening, world.opening.balance);
    Ok(())
}
