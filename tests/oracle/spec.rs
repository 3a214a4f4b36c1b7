//! SPEC section 3 for one account and night, rule by rule, each in its module. Slow and plain on purpose; shares nothing
//! with the crate. "Decision n" is docs/decisions.md.

use std::fmt::Write;

use super::deduction::deduct;
use super::dunning::{Course, paid_until};
use super::flags::{flags_of, note_exhausted};
use super::fraction::Fraction;
use super::grants::{Grant, free_grant, grant_rows, grants_of};
use super::metering::{lines_of, period_rows, usage_rows};
use super::monthly::monthly_lines;
use super::pricing::{bills_of, price_lines};
use super::refunds::decide;
use super::rows::{AccountRow, BillRow, NightRows, RefundRow, Unpriced};
use super::standing::{Night, Standing, Used, billing_time};
use super::subscriptions::{purchase_lines, refund_lines, renew, renewal_rows};

/// Settles one night of an account, and moves `standing` on to the next one.
pub fn settle(night: &Night<'_>, standing: &mut Standing) -> Result<NightRows, Unpriced> {
    if !night.knows_account() {
        return Ok(NightRows::default());
    }
    // 3.1 to 3.6: what the day used.
    let mut grants = grants_of(night, standing);
    let mut lines = lines_of(night);
    let deductions = deduct(night, &mut lines, &mut grants);
    let metered = price_lines(night, &lines, &grants)?;
    let mut after = standing.clone();
    after.seen = true;
    note_used(&mut after, &grants);

    // 3.9 until the charges, 3.11: what was void or refunded by the billing time.
    let mut course = Course::until_charges(*night, standing);
    make_void(night, &mut after, &course.removals);
    let refunds = decide(night, &after, &grants_of(night, &after));
    let approved = note_refunds(night, &mut after, &refunds);

    // 3.6 to 3.8: bills.
    let mut all_lines = metered.clone();
    all_lines.extend(monthly_lines(night, &grants_of(night, &after))?);
    all_lines.extend(purchase_lines(night, standing));
    all_lines.extend(refund_lines(night, standing, &approved));
    all_lines.sort_by(|a, b| (a.app, &a.item, &a.tier).cmp(&(b.app, &b.item, &b.tier)));
    let bills = bills_of(night, &all_lines);
    let charged = sum_of(&bills);
    let removals_before = course.removals.len();
    course.charge(charged);
    make_void(night, &mut after, &course.removals[removals_before..]);

    // 3.8: renewals, then 4: where all stands at the billing time.
    let account = account_row(night, standing, &course, charged);
    let mut renewals = Vec::new();
    if account.state == "active" {
        let grants = grants_of(night, &after);
        let renewed = renew(night, &after, &grants, course.balance);
        renewals = renewal_rows(night, &renewed);
        after.renewals.extend(renewed);
    }
    let grants = grants_of(night, &after);
    note_exhausted(night, &mut after, &metered, &grants);
    let flags = flags_of(night, &after, &account, &grants);
    after.balance = course.balance;
    after.paid_total = Fraction::parse(&account.paid_total);
    after.arrears = course.arrears;
    *standing = after;
    Ok(NightRows {
        usage: usage_rows(night),
        periods: period_rows(night),
        lines: all_lines,
        bills,
        deductions,
        grants: grant_rows(night, &grants),
        account: Some(account),
        flags,
        refunds,
        renewals,
    })
}

fn sum_of(bills: &[BillRow]) -> Fraction {
    let amounts = bills.iter().map(|bill| Fraction::parse(&bill.amount));
    amounts.fold(Fraction::ZERO, Fraction::plus)
}

fn note_used(standing: &mut Standing, grants: &[Grant]) {
    for grant in grants {
        let used = Used {
            opening: grant.opening,
            so_far: grant.used,
        };
        standing.used.insert(grant.id.clone(), used);
    }
}

/// 3.9: "removed: the grants it has then (also the running free cycle) are void for good".
fn make_void(night: &Night<'_>, standing: &mut Standing, removals: &[i64]) {
    for removed_at in removals {
        let day = night.day_of(*removed_at);
        let running = free_grant(night, day).map(|cycle| cycle.id);
        let packages = grants_of(night, standing);
        let had = packages.iter().filter(|grant| {
            let package = grant.package.as_ref();
            let is_had = package.is_some_and(|package| night.has_by(standing, package, *removed_at));
            let refunded = refunded_at(night, standing, grant).is_some_and(|at| at <= *removed_at);
            is_had && !refunded && grant.valid_to >= day && !grant.is_void()
        });
        let ids: Vec<String> = running.into_iter().chain(had.map(|grant| grant.id.clone())).collect();
        for id in ids {
            standing.void.entry(id).or_insert(*removed_at);
        }
    }
}

/// When a package was refunded: outside, or by the batch that approved it.
fn refunded_at(night: &Night<'_>, standing: &Standing, grant: &Grant) -> Option<i64> {
    let outside = grant.package.as_ref().and_then(|package| package.refunded_at);
    let approved = standing.approved.get(&grant.id);
    let approved = approved.map(|day| billing_time(night.setting, *day));
    [outside, approved].into_iter().flatten().min()
}

/// 3.11: remembers what was decided; the packages and amounts that were approved.
fn note_refunds(night: &Night<'_>, standing: &mut Standing, refunds: &[RefundRow]) -> Vec<(String, Fraction)> {
    let mut approved = Vec::new();
    for refund in refunds {
        standing.decided.insert(refund.package.clone());
        if refund.reason.is_none() {
            standing.approved.insert(refund.package.clone(), night.day);
            approved.push((refund.package.clone(), Fraction::parse(&refund.amount)));
        }
    }
    approved
}

/// 3.9: "balance, dates and removal go on beneath and are shown."
fn account_row(night: &Night<'_>, standing: &Standing, course: &Course<'_>, charged: Fraction) -> AccountRow {
    let paid_total = paid_until(night, night.now);
    let arrears = course.arrears;
    AccountRow {
        opening: standing.balance.text(2),
        paid: paid_total.minus(standing.paid_total).text(2),
        charged: charged.text(2),
        closing: course.balance.text(2),
        paid_total: paid_total.text(2),
        // "state violation, which outranks the others for good".
        state: if night.in_violation() {
            "violation"
        } else {
            arrears.state.name()
        },
        overdue_since: arrears.overdue_since,
        suspend_at: arrears.suspend_at,
        suspended_at: arrears.suspended_at,
        remove_at: arrears.remove_at,
        facts: facts_of(night),
    }
}

/// 4: "a digest over the account's dated facts known at the billing time (registration, violation, purchases with
/// refunds, requests)".
fn facts_of(night: &Night<'_>) -> String {
    let life = night.life;
    let mut text = format!("registered {}", life.account.registered_at);
    if night.in_violation() {
        let _ = write!(text, ", violation {:?}", life.account.violation_at);
    }
    for package in life.packages.iter().filter(|package| night.knows(package.purchased_at)) {
        let _ = write!(text, ", bought {}", package.id);
        if let Some(at) = package.refunded_at.filter(|at| night.knows(*at)) {
            let _ = write!(text, " refunded {at}");
        }
    }
    for request in life.requests.iter().filter(|request| night.knows(request.requested_at)) {
        let _ = write!(text, ", requested {}", request.package);
    }
    text
}
