//! `[[product]]` and `[[product.policy]]`.

use super::book::{Policy, Product};
use super::names::{Names, all, distinct, free_id};
use crate::config::document::Origin;
use crate::config::fields::{Field, Fields};
use crate::units::quantity::BillingDay;

const KEYS: [&str; 4] = ["id", "grace_hours", "removal_days", "policy"];
const POLICY_KEYS: [&str; 6] = [
    "from",
    "on_overdue",
    "on_suspended",
    "on_removed",
    "on_stopped",
    "stop_rooms_within_hours",
];
/// A year of grace, ten years until removal: no sum on the calendar leaves it.
const LONGEST_HOURS: i64 = 8_784;
const LONGEST_REMOVAL_DAYS: i64 = 3_660;

/// The products and their names.
pub(super) fn read(root: &Fields<'_>) -> (Names, Option<Vec<Product>>) {
    let mut names = Names::new("product");
    let products = root
        .tables("product", &KEYS)
        .iter()
        .map(|fields| product(fields, &mut names))
        .collect();
    (names, all(products))
}

fn product(fields: &Fields<'_>, names: &mut Names) -> Option<Product> {
    let id = fields.require("id");
    let defined = id.as_ref().and_then(|id| names.define(id));
    let grace = fields
        .require("grace_hours")
        .and_then(|field| field.integer(0, LONGEST_HOURS));
    let removal = fields
        .require("removal_days")
        .and_then(|field| field.integer(0, LONGEST_REMOVAL_DAYS));
    let policies = policies(fields);
    defined?;
    Some(Product {
        id: id?.meaning()?.to_owned(),
        grace_hours: grace?,
        removal_days: removal?,
        policies: policies?,
    })
}

/// Sorted by day; in the file they may stand in any order.
fn policies(fields: &Fields<'_>) -> Option<Vec<Policy>> {
    let mut policies = Vec::new();
    let mut days: Vec<(BillingDay, Origin)> = Vec::new();
    for fields in fields.tables("policy", &POLICY_KEYS) {
        let from = fields.require("from");
        let day = from.as_ref().and_then(Field::day);
        if let (Some(field), Some(day)) = (from, day) {
            unique_day(&field, day, &mut days, "policy");
        }
        let actions = |key| fields.or(key, Vec::new(), |field| distinct(field, free_id));
        let (on_overdue, on_suspended) = (actions("on_overdue"), actions("on_suspended"));
        let (on_removed, on_stopped) = (actions("on_removed"), actions("on_stopped"));
        let hours = fields.or("stop_rooms_within_hours", 0, |field| field.integer(0, LONGEST_HOURS));
        policies.push((|| {
            Some(Policy {
                from: day?,
                on_overdue: on_overdue?,
                on_suspended: on_suspended?,
                on_removed: on_removed?,
                on_stopped: on_stopped?,
                stop_rooms_within_hours: hours?,
            })
        })());
    }
    let mut policies = all(policies)?;
    policies.sort_by_key(|policy| policy.from);
    Some(policies)
}

/// Notes a second entry on one day.
pub(super) fn unique_day(field: &Field<'_>, day: BillingDay, days: &mut Vec<(BillingDay, Origin)>, what: &str) {
    match days.iter().find(|(other, _)| *other == day) {
        Some((_, first)) => {
            let place = field.notes().place(*first);
            field.fail_with(
                format!("a second {what} from {day}"),
                format!("the first one is {place}"),
            );
        }
        None => days.push((day, field.origin())),
    }
}
