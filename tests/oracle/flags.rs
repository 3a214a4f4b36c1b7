//! SPEC 3.10: what enforcement systems read.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::dunning::removal;
use super::grants::{Grant, free_cycle, order_of_purchase};
use super::pricing::is_entitled;
use super::rows::{AccountRow, FlagRow, LineRow};
use super::scenario::{Plan, Policy};
use super::standing::{Night, Standing};

const HOUR: i64 = 3_600 * 1_000_000;

type Actions = fn(&Policy) -> &Vec<String>;

/// By app, product and flag. `grants` are as the whole batch left them.
pub fn flags_of(night: &Night<'_>, standing: &Standing, account: &AccountRow, grants: &[Grant]) -> Vec<FlagRow> {
    let mut flags = account_flags(night, account);
    for ((app, product), raised) in &standing.exhausted {
        flags.push(app_flag(night, *app, product, "free_exhausted", night.start(*raised)));
    }
    flags.extend(expired(night, grants));
    flags.extend(disabled(night));
    flags.sort_by(|a, b| (a.app, &a.product, a.flag).cmp(&(b.app, &b.product, b.flag)));
    flags
}

/// 3.10: "account flags overdue, suspended, removed, violation (app 0): at most one per product of the account, its
/// state. since = when it began (violation_at), deadline = suspend_at, remove_at, violation_at + removal days."
fn account_flags(night: &Night<'_>, account: &AccountRow) -> Vec<FlagRow> {
    // "Actions: on_overdue; on_suspended (violation too); on_removed."
    let (since, deadline, actions): (_, _, Actions) = match account.state {
        "active" => return Vec::new(),
        "overdue" => (account.overdue_since, account.suspend_at, |policy| &policy.on_overdue),
        "suspended" => (account.suspended_at, account.remove_at, |policy| &policy.on_suspended),
        "removed" => (account.remove_at, None, |policy| &policy.on_removed),
        "violation" => {
            let since = night.life.account.violation_at;
            (since, since.map(|at| at + removal(night)), |policy| {
                &policy.on_suspended
            })
        }
        other => panic!("no state is {other}"),
    };
    let since = since.expect("what has begun began at some time");
    let products = night.life.account.products.iter();
    products
        .map(|product| FlagRow {
            deadline,
            ..flag(night, 0, product, account.state, since, actions)
        })
        .collect()
}

/// 3.10: "app flags, actions on_stopped, deadline null".
fn app_flag(night: &Night<'_>, app: i64, product: &str, name: &'static str, since: i64) -> FlagRow {
    flag(night, app, product, name, since, |policy| &policy.on_stopped)
}

fn flag(night: &Night<'_>, app: i64, product: &str, name: &'static str, since: i64, actions: Actions) -> FlagRow {
    // "actions is ;-joined, from the product's policy in force at since." 2.7: "the latest one not after the instant
    // in question".
    let policies = night.setting.catalog.product(product).policies.iter();
    let in_force = policies
        .filter(|policy| night.start(policy.from) <= since)
        .max_by_key(|policy| policy.from);
    let joined = in_force.map(|policy| actions(policy).join(";")).unwrap_or_default();
    // "stop_rooms_by = since + stop_rooms_within_hours where the actions have stop_rooms, else null."
    let stop_rooms = in_force.filter(|policy| actions(policy).iter().any(|action| action == "stop_rooms"));
    FlagRow {
        app,
        product: product.to_owned(),
        flag: name,
        since,
        deadline: None,
        stop_rooms_by: stop_rooms.map(|policy| since + HOUR * policy.stop_rooms_within_hours),
        actions: joined,
    }
}

/// 3.10: "free_exhausted: raised by a day with unbilled minutes of the app, since = start of that day, kept by later
/// batches until on the day after the app is entitled (3.5) or a new free cycle begins (not for app 0 lines)."
pub fn note_exhausted(night: &Night<'_>, standing: &mut Standing, lines: &[LineRow], grants: &[Grant]) {
    for line in lines.iter().filter(|line| line.unbilled_minutes > 0 && line.app != 0) {
        let product = night.setting.catalog.item(&line.item).product.clone();
        standing.exhausted.entry((line.app, product)).or_insert(night.day);
    }
    let tomorrow = night.next_day();
    let cycle = free_cycle(night.setting, night.life, tomorrow);
    if cycle.is_some_and(|(first, _, _)| first == tomorrow) {
        standing.exhausted.clear();
    }
    let still_stopped = |app: i64, product: &str| !is_entitled(night, tomorrow, app, product, grants);
    standing
        .exhausted
        .retain(|(app, product), _| still_stopped(*app, product));
}

/// 3.10: "package_expired: an app (0 for account-wide) that had a package of the product, when no package of the product
/// that serves it (bound or account-wide, not refunded, not void) is valid on the day after, unless payg = on or the
/// last one's plan has on_expiry = "free"; since = start of the day after the last one ended."
fn expired(night: &Night<'_>, grants: &[Grant]) -> Vec<FlagRow> {
    let mut flags = Vec::new();
    if night.life.account.payg == "on" {
        return flags;
    }
    for product in &night.setting.catalog.products {
        let of_the_product: Vec<&Grant> = grants
            .iter()
            .filter(|grant| grant.plan.as_ref().is_some_and(|plan| plan.product == product.id))
            .collect();
        let apps = of_the_product.iter().flat_map(|grant| match grant.bound_apps() {
            Some(apps) => apps.to_vec(),
            None => vec![0],
        });
        for app in apps.collect::<BTreeSet<i64>>() {
            let serving: Vec<&&Grant> = of_the_product.iter().filter(|grant| grant.is_bound_to(app)).collect();
            if serving.iter().any(|grant| grant.is_valid_on(night.next_day())) {
                continue;
            }
            if let Some((plan, end)) = last_ended(night, &serving)
                && !plan.free_on_expiry
            {
                flags.push(app_flag(night, app, &product.id, "package_expired", night.start(end)));
            }
        }
    }
    flags
}

/// The plan of the one that ended last, and the first day without it.
fn last_ended<'a>(night: &Night<'_>, serving: &[&'a &Grant]) -> Option<(&'a Plan, NaiveDate)> {
    let over = serving.iter().filter(|grant| grant.end() <= night.next_day());
    let last = over.max_by(|a, b| {
        let (a_package, b_package) = (a.package.as_ref(), b.package.as_ref());
        let (a_package, b_package) = (a_package.expect("a package"), b_package.expect("a package"));
        a.end().cmp(&b.end()).then(order_of_purchase(a_package, b_package))
    })?;
    Some((last.plan.as_ref().expect("a package has a plan"), last.end()))
}

/// 3.10: "disabled: since = disabled_at, every product of the account."
fn disabled(night: &Night<'_>) -> Vec<FlagRow> {
    let mut flags = Vec::new();
    for app in &night.life.apps {
        if let Some(since) = app.disabled_at.filter(|at| night.knows(*at)) {
            for product in &night.life.account.products {
                flags.push(app_flag(night, app.app, product, "disabled", since));
            }
        }
    }
    flags
}
