//! SPEC 3.7: relay, screenshots and monthly active users; the first two also by the day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};

use super::fraction::Fraction;
use super::grants::Grant;
use super::pricing::{amount_of, plain_line, price_of};
use super::rows::{LineRow, Unpriced};
use super::scenario::{Item, Kind};
use super::standing::Night;

/// 3.7: "billed by the batch of the month's last day, prices of that day, not when payg = off". In catalog order.
pub fn monthly_lines(night: &Night<'_>, grants: &[Grant]) -> Result<Vec<LineRow>, Unpriced> {
    let mut lines = Vec::new();
    if night.life.account.payg == "off" {
        return Ok(lines);
    }
    for item in &night.setting.catalog.items {
        let is_due = item.is_daily || night.next_day().day() == 1;
        if !is_due {
            continue;
        }
        let quantities = match &item.kind {
            Kind::Duration { .. } => continue,
            Kind::Peak {
                interval_seconds,
                free_if_at_most,
            } => peaks(night, item, *interval_seconds, free_if_at_most),
            Kind::Count {
                free_quantity,
                round_up_to,
            } => count(night, item, *free_quantity, *round_up_to),
            Kind::Unique => users(night, item, grants),
        };
        for (app, tier, quantity) in quantities {
            lines.push(line(night, item, app, &tier, quantity)?);
        }
    }
    Ok(lines)
}

fn first_of_month(night: &Night<'_>) -> NaiveDate {
    night.day.with_day(1).expect("every month has a first day")
}

/// The first day of what is billed. Decision 25: "Of a daily peak or count everything that SPEC 3.7 says of the month
/// holds of the day."
fn period_start(night: &Night<'_>, item: &Item) -> NaiveDate {
    if item.is_daily {
        night.day
    } else {
        first_of_month(night)
    }
}

/// 3.7: "The whole calendar month counts".
fn is_in_period(night: &Night<'_>, item: &Item, at: i64) -> bool {
    night.start(period_start(night, item)) <= at && at < night.start(night.next_day())
}

fn line(night: &Night<'_>, item: &Item, app: i64, tier: &str, quantity: Fraction) -> Result<LineRow, Unpriced> {
    let account = &night.life.account;
    let price = price_of(
        night.setting,
        &account.price_list,
        night.day,
        &format!("{}.{tier}", item.id),
    );
    if price.is_none() && !item.unpriced_is_unbilled && !quantity.is_zero() {
        return Err(Unpriced {
            account: account.id,
            app,
            day: night.day,
            item: item.id.clone(),
            tier: tier.to_owned(),
            price_list: account.price_list.clone(),
            quantity: quantity.text(6),
        });
    }
    let (unit_price, price_list) = match price {
        Some((price, list)) => (price, Some(list)),
        None => (Fraction::ZERO, None),
    };
    let unit = match item.kind {
        Kind::Duration { .. } => "minute",
        Kind::Peak { .. } => "mbps",
        Kind::Count { .. } => "image",
        Kind::Unique => "user",
    };
    Ok(LineRow {
        period_start: period_start(night, item),
        per: item.per,
        quantity: quantity.text(6),
        unit_price: unit_price.text(6),
        price_list,
        amount: amount_of(quantity, unit_price, item.per).text(9),
        ..plain_line(night, &item.id, tier, app, unit)
    })
}

/// 3.7: "per interval (ts floored to interval_seconds) a task's largest sample counts; summed over the account's
/// tasks per destination; the month's maximum / 1000 = Mbps = quantity, […] app 0, tier = destination."
fn peaks(
    night: &Night<'_>,
    item: &Item,
    interval_seconds: i64,
    free: &[(String, String)],
) -> Vec<(i64, String, Fraction)> {
    let interval = interval_seconds * 1_000_000;
    let mut samples: BTreeMap<(&str, i64), BTreeMap<&str, i64>> = BTreeMap::new();
    for sample in night
        .life
        .relay
        .iter()
        .filter(|sample| is_in_period(night, item, sample.at))
    {
        let tasks = samples
            .entry((&sample.destination, sample.at.div_euclid(interval)))
            .or_default();
        // Decision 106: "the same id in two apps is one task".
        let largest = tasks.entry(&sample.task).or_default();
        *largest = sample.kbps.max(*largest);
    }
    let mut peaks: BTreeMap<&str, i64> = BTreeMap::new();
    for ((destination, _), tasks) in &samples {
        let peak = peaks.entry(destination).or_default();
        *peak = tasks.values().sum::<i64>().max(*peak);
    }
    let quantity = |destination: &str, kbps: i64| {
        let mbps = Fraction::of(kbps.into(), 1_000);
        // 3.7: "css up to and including 100 Mbps costs nothing (quantity 0), above it the whole peak is charged".
        let free = free.iter().find(|(tier, _)| tier == destination);
        match free {
            Some((_, free)) if !Fraction::parse(free).is_less_than(mbps) => Fraction::ZERO,
            _ => mbps,
        }
    };
    peaks
        .into_iter()
        .map(|(destination, kbps)| (0, destination.to_owned(), quantity(destination, kbps)))
        .collect()
}

/// 3.7: "month's images over all apps minus free_quantity, rounded up to round_up_to; […] app 0, tier image".
fn count(night: &Night<'_>, item: &Item, free_quantity: i64, round_up_to: i64) -> Vec<(i64, String, Fraction)> {
    let rows = night.life.screenshots.iter();
    let images: Vec<i64> = rows
        .filter(|row| is_in_period(night, item, row.at))
        .map(|row| row.images)
        .collect();
    if images.is_empty() {
        return Vec::new();
    }
    let charged = (images.iter().sum::<i64>() - free_quantity).max(0);
    let quantity = Fraction::of(charged.into(), round_up_to.into()).ceiling() * i128::from(round_up_to);
    vec![(0, item.tiers[0].clone(), Fraction::whole(quantity))]
}

/// 3.7: "distinct users per app and month over all products. […] Quantity = the excess, per 1, tier user".
fn users(night: &Night<'_>, item: &Item, grants: &[Grant]) -> Vec<(i64, String, Fraction)> {
    let mut users: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    for login in night
        .life
        .logins
        .iter()
        .filter(|login| is_in_period(night, item, login.at))
    {
        users.entry(login.app).or_default().insert(&login.user);
    }
    let packages: Vec<&Grant> = grants
        .iter()
        .filter(|grant| grant.package.is_some() && counts_in_month(night, grant))
        .collect();
    let families: BTreeSet<&str> = packages.iter().map(|grant| family(grant)).collect();
    // "an account-wide package's quota is shared by the apps in id order": what is left of each family's.
    let mut shared: BTreeMap<&str, i64> = BTreeMap::new();
    for name in &families {
        shared.insert(name, largest(&packages, name, |grant| grant.bound_apps().is_none()));
    }
    let mut lines = Vec::new();
    for (app, users) in &users {
        let mut excess = i64::try_from(users.len()).expect("few users");
        // "for each family the largest mau among its packages that serve the app […]; families add up": what is the
        // app's own first, then what it shares.
        for name in &families {
            let own = largest(&packages, name, |grant| {
                grant.bound_apps().is_some_and(|apps| apps.contains(app))
            });
            if own >= shared[name] {
                excess -= own.min(excess);
            }
        }
        for name in &families {
            let own = largest(&packages, name, |grant| {
                grant.bound_apps().is_some_and(|apps| apps.contains(app))
            });
            if own < shared[name] {
                let taken = shared[name].min(excess);
                excess -= taken;
                *shared.get_mut(name).expect("of every family") -= taken;
            }
        }
        lines.push((*app, item.tiers[0].clone(), Fraction::whole(excess.into())));
    }
    lines
}

fn family(grant: &Grant) -> &str {
    &grant.plan.as_ref().expect("a package has a plan").family
}

/// The largest `mau` among a family's packages.
fn largest(packages: &[&Grant], of: &str, which: impl Fn(&Grant) -> bool) -> i64 {
    let some = packages.iter().filter(|grant| family(grant) == of && which(grant));
    let mau = some.map(|grant| grant.plan.as_ref().expect("a package has a plan").mau);
    mau.max().unwrap_or(0)
}

/// 3.7: "valid (not void, not refunded) on a day of the month".
fn counts_in_month(night: &Night<'_>, grant: &Grant) -> bool {
    let days = first_of_month(night).iter_days();
    days.take_while(|day| *day <= night.day)
        .any(|day| grant.was_valid_on(day))
}
