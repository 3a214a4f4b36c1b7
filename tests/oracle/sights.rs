//! What a life meets, in a few words each.

use chrono::{Datelike, NaiveTime};

use super::dunning::State;
use super::expected::REJECTS;
use super::fraction::Fraction;
use super::grants::{Grant, are_of_one_queue, grants_of};
use super::rejects::rejects;
use super::rows::{LineRow, NightRows};
use super::scenario::{Life, Setting, World};
use super::spec::settle;
use super::standing::{Night, Standing, billing_time};
use super::zone::{start_of, wall_clock};

/// All that the reference meets in a world.
pub fn of_world(world: &World) -> Vec<String> {
    let setting = &world.setting;
    let mut sights: Vec<String> = Vec::new();
    for life in &world.lives {
        sights.extend(of_life(setting, life));
        if life.changes.iter().any(|change| change.from_night < setting.nights) {
            sights.push("columns that change".to_owned());
        }
    }
    if setting.partition_zone != setting.zone {
        sights.push("partitions of another zone".to_owned());
    }
    for night in 0..setting.nights {
        of_day(&mut sights, setting, night);
        for row in rejects(world, night) {
            let (file, reason) = (&row[1], &row[3]);
            let input = REJECTS.iter().find(|(input, _)| file.starts_with(input));
            let (input, _) = input.expect("one of the inputs");
            sights.push(format!("{input} {reason}"));
        }
    }
    sights
}

fn of_day(sights: &mut Vec<String>, setting: &Setting, night: usize) {
    let day = setting.day(night);
    let (start, next) = (
        start_of(setting.zone, day),
        start_of(setting.zone, day.succ_opt().expect("a day")),
    );
    let micros = |hours: i64| hours * 3_600_000_000;
    let shown = |at: i64| wall_clock(setting.zone, at.div_euclid(1_000_000));
    let mut sight = |holds: bool, what: &str| {
        if holds {
            sights.push(what.to_owned());
        }
    };
    sight(day.succ_opt().is_some_and(|next| next.day() == 1), "month end");
    sight((day.month(), day.day()) == (2, 29), "leap day");
    sight(start == next, "day that the zone skips");
    let begins_late = shown(start).time() != NaiveTime::MIN;
    sight(start != next && begins_late, "day without midnight");
    let again = [micros(1), micros(2)]
        .iter()
        .any(|later| shown(start + later).time() == NaiveTime::MIN);
    sight(again, "day with two midnights");
}

/// All that it meets in a life.
fn of_life(setting: &Setting, life: &Life) -> Vec<String> {
    let mut standing = Standing::opening(life);
    let mut sights = Vec::new();
    let mut deadlines = Vec::new();
    for number in 0..setting.nights {
        let life = life.on(number);
        let night = Night::new(setting, &life, number);
        let before = standing.clone();
        match settle(&night, &mut standing) {
            Ok(rows) => {
                of_rows(&mut sights, &rows);
                of_packages(&mut sights, &night, &standing, &rows);
                of_deduction(&mut sights, setting, &rows);
                of_standing(&mut sights, &before, &standing);
                of_deadlines(&mut sights, &night, &before, &standing);
                let account = rows.account.as_ref();
                let credit = Fraction::parse(&life.account.credit_limit);
                if account.is_some_and(|account| Fraction::parse(&account.closing).plus(credit).is_zero()) {
                    sights.push("balance at the credit limit".to_owned());
                }
                let of_account = account.map(|account| [account.suspend_at, account.remove_at]);
                deadlines.extend(of_account.into_iter().flatten().flatten());
                if deadlines.contains(&night.now) {
                    sights.push("deadline at the billing time".to_owned());
                }
            }
            Err(_) => {
                sights.push("stop".to_owned());
                break;
            }
        }
        if !before.seen && standing.seen && number > 0 {
            sights.push("registered inside the run".to_owned());
        }
    }
    of_payments(&mut sights, setting, life, &deadlines);
    of_requests(&mut sights, setting, life);
    sights
}

fn is_billing_time(setting: &Setting, at: i64) -> bool {
    (0..setting.nights).any(|night| billing_time(setting, setting.day(night)) == at)
}

fn of_requests(sights: &mut Vec<String>, setting: &Setting, life: &Life) {
    for request in &life.requests {
        if is_billing_time(setting, request.requested_at) {
            sights.push("request at a billing time".to_owned());
        }
        let package = life.packages.iter().find(|package| package.id == request.package);
        if package.is_some_and(|package| request.requested_at - package.purchased_at == 5 * 24 * 3_600_000_000) {
            sights.push("request 5 days after the purchase".to_owned());
        }
    }
}

fn of_payments(sights: &mut Vec<String>, setting: &Setting, life: &Life, deadlines: &[i64]) {
    for payment in &life.payments {
        for (shift, when) in [
            (0, "at"),
            (-1_000, "a millisecond before"),
            (1_000, "a millisecond after"),
        ] {
            if deadlines.contains(&(payment.paid_at - shift)) {
                sights.push(format!("payment {when} a deadline"));
            }
        }
        if is_billing_time(setting, payment.paid_at) {
            sights.push("payment at a billing time".to_owned());
        }
        if payment.from_night > 0 && payment.from_night < setting.nights {
            sights.push("late payment".to_owned());
        }
        if payment.until_night.is_some_and(|night| night < setting.nights) {
            sights.push("payment that vanishes".to_owned());
        }
    }
}

/// Whether a payment within a millisecond of a deadline kept an account from it, or came too late.
fn of_deadlines(sights: &mut Vec<String>, night: &Night<'_>, before: &Standing, after: &Standing) {
    let deadline = match before.arrears.state {
        State::Overdue => before.arrears.suspend_at,
        State::Suspended => before.arrears.remove_at,
        State::Active | State::Removed => None,
    };
    let Some(deadline) = deadline.filter(|at| *at <= night.now) else {
        return;
    };
    let is_back = after.arrears.state == State::Active;
    let paid = |range: std::ops::RangeInclusive<i64>| {
        let payments = night.life.payments.iter();
        let range = deadline + range.start()..=deadline + range.end();
        payments
            .filter(|payment| payment.from_night <= night.number)
            .any(|payment| range.contains(&payment.paid_at))
    };
    if is_back && paid(-1_000..=0) {
        sights.push("payment just in time".to_owned());
    }
    if is_back && paid(1..=1_000) {
        sights.push("payment just too late".to_owned());
    }
}

fn of_deduction(sights: &mut Vec<String>, setting: &Setting, rows: &NightRows) {
    if rows.deductions.is_empty() {
        return;
    }
    let way = if setting.five_minutes {
        "deduction by five minutes"
    } else {
        "deduction by the day"
    };
    sights.push(way.to_owned());
    if setting.by_the_day {
        sights.push("usage by the day".to_owned());
    }
}

fn of_packages(sights: &mut Vec<String>, night: &Night<'_>, standing: &Standing, rows: &NightRows) {
    let grants = grants_of(night, standing);
    for grant in &grants {
        let what = format!(
            "{} that begins on a day that the next month lacks",
            match grant.package {
                Some(_) => "validity",
                None => "free cycle",
            }
        );
        if grant.valid_from == night.day
            && grant.valid_from.day() > 28
            && grant.valid_to.day() + 1 < grant.valid_from.day()
        {
            sights.push(what);
        }
        let Some(package) = &grant.package else {
            continue;
        };
        let first = night.start(night.setting.first_day);
        if package.purchased_at < first && grant.is_valid_on(night.day) {
            sights.push("bought before the first day, valid later".to_owned());
            if rows.deductions.iter().any(|row| row.grant == grant.id) {
                sights.push("bought before the first day, used later".to_owned());
            }
        }
        if grant.refund_day == Some(night.day) {
            of_refund(sights, night, grant, &grants);
        }
        let first_id = |id: &str| id.split('+').next().map(str::to_owned);
        let is_of_chain = |id: &str| first_id(id) == first_id(&package.id);
        let ends = package.auto_renew && grant.valid_to == night.day && grant.is_valid_on(night.day);
        let is_active = rows.account.as_ref().is_some_and(|account| account.state == "active");
        if ends && is_active && !rows.renewals.iter().any(|renewal| is_of_chain(&renewal.package)) {
            sights.push("package that is not renewed".to_owned());
        }
    }
}

/// A refund within a queue.
fn of_refund(sights: &mut Vec<String>, night: &Night<'_>, grant: &Grant, grants: &[Grant]) {
    let package = grant.package.as_ref().expect("a package");
    let waits = |other: &Grant| {
        let is_behind = |other| are_of_one_queue(night.setting, package, other);
        other.valid_from > grant.valid_from && other.package.as_ref().is_some_and(is_behind)
    };
    if grant.is_void() {
        sights.push("refund of one that is void".to_owned());
    } else if grant.valid_from > night.day {
        sights.push("refund of one that waits".to_owned());
    } else if grants.iter().any(waits) {
        sights.push("refund of one that others wait for".to_owned());
    }
}

fn of_standing(sights: &mut Vec<String>, before: &Standing, after: &Standing) {
    let (old, new) = (before.arrears, after.arrears);
    if new.state == State::Active && old.state != State::Active {
        sights.push(format!("back from {}", old.state.name()));
    }
    let fresh = new.overdue_since != old.overdue_since;
    if fresh && matches!(new.state, State::Suspended | State::Removed) {
        sights.push("several transitions in a night".to_owned());
    }
    let mut removals: Vec<i64> = after.void.values().copied().collect();
    removals.sort_unstable();
    removals.dedup();
    if removals.len() > 1 {
        sights.push("removed twice".to_owned());
    }
}

fn of_rows(sights: &mut Vec<String>, rows: &NightRows) {
    let grants = rows.grants.iter();
    if grants
        .clone()
        .any(|grant| grant.grant.contains('+') && grant.status == "void")
    {
        sights.push("renewal void".to_owned());
    }
    sights.extend(grants.map(|grant| format!("{} {}", grant.kind, grant.status)));
    rows.lines.iter().for_each(|line| of_line(sights, rows, line));
    sights.extend(rows.bills.iter().map(|bill| format!("bill of {}", bill.item)));
    sights.extend(rows.flags.iter().map(|flag| format!("flag {}", flag.flag)));
    if rows.flags.iter().any(|flag| flag.stop_rooms_by.is_some()) {
        sights.push("rooms to be stopped".to_owned());
    }
    for refund in &rows.refunds {
        sights.push(format!("refund {}", refund.reason.unwrap_or("approved")));
        if refund.reason.is_none() && refund.package.contains('+') {
            sights.push("renewal refunded".to_owned());
        }
    }
    for renewal in &rows.renewals {
        sights.push("renewal".to_owned());
        for (end, generation) in [("+2", "second"), ("+3", "third")] {
            if renewal.package.ends_with(end) {
                sights.push(format!("{generation} generation"));
            }
        }
    }
    if rows.renewals.len() > 1 {
        sights.push("two renewals in a night".to_owned());
    }
    if let Some(account) = &rows.account {
        sights.push(format!("state {}", account.state));
        if account.paid != "0.00" {
            sights.push("payment".to_owned());
        }
    }
}

fn of_line(sights: &mut Vec<String>, rows: &NightRows, line: &LineRow) {
    let list = line.price_list.as_deref().unwrap_or("none");
    match line.unit {
        "minute" => {
            let kinds = [
                line.free_minutes,
                line.package_minutes,
                line.payg_minutes,
                line.unbilled_minutes,
            ];
            let kinds = kinds.iter().filter(|minutes| **minutes > 0).count();
            sights.push(format!("line of {kinds} kinds"));
            let servants = rows.deductions.iter().filter(|row| {
                (row.app, &row.item, &row.tier) == (line.app, &line.item, &line.tier) && row.kind == "package"
            });
            sights.push(format!("line served by {} packages", servants.count().min(3)));
            sights.push(format!("price from {list}"));
            if line.app == 0 && line.package_minutes > 0 {
                sights.push("package for app 0".to_owned());
            }
            if line.app == 0 && line.free_minutes > 0 {
                sights.push("free minutes for app 0".to_owned());
            }
        }
        "package" if line.item == "package" && line.quantity != "1.000000" => {
            sights.push("several packages in a line".to_owned());
        }
        "mbps" if line.quantity == "0.000000" => sights.push("relay for nothing".to_owned()),
        "user" if line.quantity != "0.000000" => sights.push("users beyond the quota".to_owned()),
        _ => {}
    }
}
