//! Facts put where the reference says that something happens: payments at deadlines, balances at their limits.

use super::dunning::State;
use super::fraction::Fraction;
use super::generator::{HOUR, Random, Stage, cents};
use super::grants::grants_of;
use super::rows::{AccountRow, NightRows};
use super::scenario::{Life, Request, Setting};
use super::spec::settle;
use super::standing::{Night, Standing, billing_time};

/// What was used of the grants that the account has on the first day and had before.
pub fn open_grants(random: &mut Random, setting: &Setting, life: &mut Life) {
    let night = Night::new(setting, life, 0);
    let start = night.start(setting.first_day);
    if life.account.registered_at >= start {
        return;
    }
    let mut openings = Vec::new();
    for grant in grants_of(&night, &Standing::opening(life)) {
        let had_before = grant
            .package
            .as_ref()
            .map_or(grant.valid_from < setting.first_day, |package| {
                package.purchased_at < start && setting.first_day <= grant.valid_to
            });
        if had_before && random.chance(35) {
            let quota = i64::try_from(grant.quota.times(Fraction::whole(100)).floor()).expect("a small quota");
            let somewhere = random.number(0, quota);
            let used = *random.pick(&[quota, somewhere, quota - quota.min(150), 0]);
            openings.push((grant.id, cents(used)));
        }
    }
    life.opening_grants = openings;
}

/// What the account's nights yield, for as long as the reference settles it.
fn course_of(setting: &Setting, life: &Life) -> Vec<NightRows> {
    let mut standing = Standing::opening(life);
    let mut rows = Vec::new();
    for number in 0..setting.nights {
        match settle(&Night::new(setting, life, number), &mut standing) {
            Ok(night) => rows.push(night),
            Err(_) => break,
        }
    }
    rows
}

/// Adds payments around deadlines, and payments that bring a balance to where it just is or is not enough.
pub fn sharpen(random: &mut Random, setting: &Setting, life: &mut Life) {
    for _ in 0..random.number(0, 4) {
        let nights = course_of(setting, life);
        request_refunds_of_renewals(random, &nights, life);
        let rows: Vec<AccountRow> = nights.into_iter().filter_map(|night| night.account).collect();
        if rows.is_empty() {
            return;
        }
        let payment = if random.chance(65) {
            around_a_deadline(random, &rows, life)
        } else {
            to_a_limit(random, setting, &rows, life)
        };
        if let Some((paid_at, amount)) = payment {
            let stage = Stage::of(setting);
            let payment = random.payment(&stage, setting, paid_at, amount);
            life.payments.push(payment);
        }
    }
}

/// From the moment that a renewal begins, which is before the batch that makes it has run.
fn request_refunds_of_renewals(random: &mut Random, nights: &[NightRows], life: &mut Life) {
    for renewal in nights.iter().flat_map(|night| &night.renewals) {
        let requested = life.requests.iter().any(|request| request.package == renewal.package);
        if !requested && random.chance(25) {
            let after = *random.pick(&[0, HOUR, 12 * HOUR, 24 * HOUR, 30 * HOUR, 5 * 24 * HOUR]);
            life.requests.push(Request {
                package: renewal.package.clone(),
                requested_at: renewal.purchased_at + after + random.number(-1, 1),
            });
        }
    }
}

fn in_cents(text: &str) -> i64 {
    i64::try_from(Fraction::parse(text).times(Fraction::whole(100)).floor()).expect("a small amount")
}

/// As much as is missing, or a cent less; at a deadline or next to it.
fn around_a_deadline(random: &mut Random, rows: &[AccountRow], life: &Life) -> Option<(i64, String)> {
    let in_arrears: Vec<&AccountRow> = rows
        .iter()
        .filter(|row| row.state != State::Active.name() && row.overdue_since.is_some())
        .collect();
    if in_arrears.is_empty() {
        return None;
    }
    let row = *random.pick(&in_arrears);
    let instants = [row.suspend_at, row.remove_at, row.overdue_since, row.suspended_at];
    let instants: Vec<i64> = instants.into_iter().flatten().collect();
    let shift = *random.pick(&[0, 0, -1, 1, -1_000, 1_000, 3_600_000_000]);
    let at = *random.pick(&instants) + shift;
    let missing = -in_cents(&row.closing) - in_cents(&life.account.credit_limit);
    let amount = missing + *random.pick(&[0, 0, -1, 1, 500, 100_000, -100]);
    Some((at, cents(amount)))
}

/// A night's closing balance at the credit limit, or at what a renewal costs; or a cent below.
fn to_a_limit(random: &mut Random, setting: &Setting, rows: &[AccountRow], life: &Life) -> Option<(i64, String)> {
    let skipped = setting.nights - rows.len();
    let place = random.index(0, i64::try_from(rows.len()).expect("few nights") - 1);
    let mut targets = vec![0];
    for package in life.packages.iter().filter(|package| package.auto_renew) {
        let price = setting.catalog.plan(&package.plan).price.as_deref();
        targets.extend(price.map(in_cents));
    }
    let target = *random.pick(&targets) - in_cents(&life.account.credit_limit) - *random.pick(&[0, 0, 1]);
    let amount = target - in_cents(&rows[place].closing);
    // Rows begin with the night that knows the account, and end early only where nothing has a price.
    let night = (place + skipped).min(setting.nights - 1);
    let at = billing_time(setting, setting.day(night)) - *random.pick(&[0, 1, 3_600_000_000]);
    Some((at, cents(amount)))
}
