//! SPEC 3.8: purchases and refunds on bills, and renewals.

use chrono::NaiveDate;

use super::fraction::Fraction;
use super::grants::{Grant, are_of_one_queue, order_of_purchase};
use super::pricing::{amount_of, plain_line};
use super::rows::{LineRow, RenewalRow};
use super::scenario::{Package, Plan};
use super::standing::{Night, Standing};

/// 3.8: "app = the bound app when it is exactly one, else 0".
fn app_of(package: &Package) -> i64 {
    match package.apps[..] {
        [app] => app,
        _ => 0,
    }
}

/// A line of so many packages, or of a refund.
fn line(night: &Night<'_>, item: &str, tier: &str, app: i64, quantity: i128, unit_price: Fraction) -> LineRow {
    let quantity = Fraction::whole(quantity);
    LineRow {
        quantity: quantity.text(6),
        unit_price: unit_price.text(6),
        amount: amount_of(quantity, unit_price, 1).text(9),
        ..plain_line(night, item, tier, app, "package")
    }
}

/// 3.8: "A package that is not a gift and has a price is billed on its purchase day: item package, tier = plan id, […]
/// one line per (app, plan), quantity = number of packages, per 1, price_list null".
pub fn purchase_lines(night: &Night<'_>, standing: &Standing) -> Vec<LineRow> {
    let mut lines: Vec<LineRow> = Vec::new();
    let bought_today = night.packages(standing).into_iter();
    let mut bought_today: Vec<Package> = bought_today
        .filter(|package| night.day_of(package.purchased_at) == night.day && !package.gift)
        .collect();
    bought_today.sort_by_key(|package| (app_of(package), package.plan.clone()));
    for of_one_line in bought_today.chunk_by(|a, b| (app_of(a), &a.plan) == (app_of(b), &b.plan)) {
        let (app, plan) = (app_of(&of_one_line[0]), &of_one_line[0].plan);
        if let Some(price) = &night.setting.catalog.plan(plan).price {
            let count = i128::try_from(of_one_line.len()).expect("few packages");
            lines.push(line(night, "package", plan, app, count, Fraction::parse(price)));
        }
    }
    lines
}

/// 3.8: "A refund (approved on day D, or refunded_at on D with refunded_amount) is billed under item refund: one line
/// per package, tier = package_id, quantity -1, unit_price = the amount." An amount of 0 too. `approved` is what this batch approved.
pub fn refund_lines(night: &Night<'_>, standing: &Standing, approved: &[(String, Fraction)]) -> Vec<LineRow> {
    let packages = night.packages(standing);
    let mut lines = Vec::new();
    for package in &packages {
        let outside = package.refunded_at.filter(|at| night.knows(*at));
        let outside = outside.filter(|at| night.day_of(*at) == night.day);
        let outside = outside.map(|_| Fraction::parse(&package.refunded_amount));
        let here = approved.iter().find(|(id, _)| *id == package.id);
        for amount in outside.into_iter().chain(here.map(|(_, amount)| *amount)) {
            lines.push(line(night, "refund", &package.id, app_of(package), -1, amount));
        }
    }
    lines
}

/// 3.8: the renewals after the charges of the batch, when the account is active and its balance is `closing`.
pub fn renew(night: &Night<'_>, standing: &Standing, grants: &[Grant], closing: Fraction) -> Vec<Package> {
    let credit = Fraction::parse(&night.life.account.credit_limit);
    let mut left = closing.plus(credit);
    let mut renewed: Vec<Package> = Vec::new();
    let mut ending: Vec<&Grant> = grants
        .iter()
        .filter(|grant| ends_without_a_follower(night, grant, grants))
        .collect();
    ending.sort_by(|a, b| order_of_purchase(package_of(a), package_of(b)));
    for grant in ending {
        let (package, plan) = (package_of(grant), plan_of(grant));
        let Some(price) = plan.price.as_deref().map(Fraction::parse) else {
            continue;
        };
        // "closing balance + credit limit - price of those renewed before it >= price".
        let is_affordable = !left.is_less_than(price);
        let mut bought: Vec<Package> = night.packages(standing);
        bought.extend(renewed.iter().cloned());
        if is_affordable && may_buy(plan, &bought) {
            left = left.minus(price);
            renewed.push(Package {
                id: renewed_id(&package.id),
                // "purchased_at = D+1 00:00:00 local".
                purchased_at: night.start(night.next_day()),
                refunded_at: None,
                ..package.clone()
            });
        }
    }
    renewed
}

/// 3.8: "packages with auto_renew, not gifts, with a price, not refunded, not void, whose validity ends on D and that
/// no other (not refunded, not void) package of their queue follows".
fn ends_without_a_follower(night: &Night<'_>, grant: &Grant, grants: &[Grant]) -> bool {
    let Some(package) = &grant.package else {
        return false;
    };
    let stands = |grant: &Grant| !grant.is_refunded() && !grant.is_void();
    let follows = |other: &Grant| {
        other.package.as_ref().is_some_and(|other| {
            are_of_one_queue(night.setting, other, package) && order_of_purchase(package, other).is_lt()
        })
    };
    package.auto_renew
        && !package.gift
        && stands(grant)
        && grant.valid_to == night.day
        && !grants.iter().any(|other| stands(other) && follows(other))
}

fn package_of(grant: &Grant) -> &Package {
    grant.package.as_ref().expect("a package")
}

fn plan_of(grant: &Grant) -> &Plan {
    grant.plan.as_ref().expect("a package has a plan")
}

/// 3.8: "A purchase beyond max_purchases (all purchases of the plan by the account count) or against new_customers_of
/// […]; a renewal that would break them is not made."
fn may_buy(plan: &Plan, bought: &[Package]) -> bool {
    // Decision 91: gifts are no purchases; [R]: they "are not purchased by you".
    let bought: Vec<&Package> = bought.iter().filter(|package| !package.gift).collect();
    let count = bought.iter().filter(|package| package.plan == plan.id).count();
    let is_new = !bought
        .iter()
        .any(|package| plan.new_customers_of.contains(&package.plan));
    plan.max_purchases.is_none_or(|most| count < most) && is_new
}

/// 3.8: "id <package_id>+<n> (n = 1, 2, … on the first id)".
fn renewed_id(id: &str) -> String {
    match id.rsplit_once('+') {
        Some((first, number)) => {
            let number: u32 = number.parse().expect("only renewals have a + in their ids here");
            format!("{first}+{}", number + 1)
        }
        None => format!("{id}+1"),
    }
}

/// 4: the table `renewals`, by package.
pub fn renewal_rows(night: &Night<'_>, renewed: &[Package]) -> Vec<RenewalRow> {
    let row = |package: &Package| {
        let price = night.setting.catalog.plan(&package.plan).price.as_deref();
        RenewalRow {
            package: package.id.clone(),
            apps: package.apps.clone(),
            plan: package.plan.clone(),
            purchased_at: package.purchased_at,
            price: Fraction::parse(price.expect("what is renewed has a price")).text(2),
        }
    };
    let mut rows: Vec<RenewalRow> = renewed.iter().map(row).collect();
    rows.sort_by(|a, b| a.package.as_bytes().cmp(b.package.as_bytes()));
    rows
}

/// Days from the first to the last, both included.
pub fn validity_days(from: NaiveDate, to: NaiveDate) -> i128 {
    i128::from((to - from).num_days()) + 1
}
