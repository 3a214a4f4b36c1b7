//! What a life meets, in a few words each.

use super::dunning::State;
use super::rows::{LineRow, NightRows};
use super::scenario::{Life, Setting};
use super::spec::settle;
use super::standing::{Night, Standing};

/// What a run of random worlds must meet, each many times.
pub const EXPECTED: &[&str] = &[
    "free active",
    "free expired",
    "free exhausted",
    "free void",
    "package active",
    "package expired",
    "package exhausted",
    "package queued",
    "package refunded",
    "package void",
    "line of 2 kinds",
    "line of 3 kinds",
    "line served by 1 packages",
    "line served by 2 packages",
    "line served by 3 packages",
    "price from list",
    "price from acme",
    "price from bravo",
    "price from none",
    "package for app 0",
    "free minutes for app 0",
    "payment",
    "stop",
    "state active",
    "state overdue",
    "state suspended",
    "state removed",
    "state violation",
    "back from overdue",
    "back from suspended",
    "back from removed",
    "several transitions in a night",
    "removed twice",
    "deadline at the billing time",
    "payment at a deadline",
    "payment a millisecond before a deadline",
    "payment a millisecond after a deadline",
    "renewal",
    "two renewals in a night",
    "second generation",
    "third generation",
    "renewal refunded",
    "refund approved",
    "refund not_billed_here",
    "refund not_purchased",
    "refund gift",
    "refund violation",
    "refund already_refunded",
    "refund void",
    "refund not_refundable",
    "refund too_late",
    "refund used",
    "refund one_at_a_time",
    "bill of package",
    "bill of refund",
    "bill of relay",
    "bill of screenshots",
    "bill of mau",
    "several packages in a line",
    "relay for nothing",
    "users beyond the quota",
    "flag overdue",
    "flag suspended",
    "flag removed",
    "flag violation",
    "flag free_exhausted",
    "flag package_expired",
    "flag disabled",
    "rooms to be stopped",
    "registered inside the run",
    "late payment",
    "payment that vanishes",
];

/// All that the reference meets in a life.
pub fn of_life(setting: &Setting, life: &Life) -> Vec<String> {
    let mut standing = Standing::opening(life);
    let mut sights = Vec::new();
    let mut deadlines = Vec::new();
    for number in 0..setting.nights {
        let night = Night::new(setting, life, number);
        let before = standing.clone();
        match settle(&night, &mut standing) {
            Ok(rows) => {
                of_rows(&mut sights, &rows);
                of_standing(&mut sights, &before, &standing);
                let account = rows.account.as_ref();
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
    sights
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
        if payment.from_night > 0 && payment.from_night < setting.nights {
            sights.push("late payment".to_owned());
        }
        if payment.until_night.is_some_and(|night| night < setting.nights) {
            sights.push("payment that vanishes".to_owned());
        }
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
