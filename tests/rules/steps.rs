//! The recorded steps of a deduction, followed with balances of its own.

use std::collections::BTreeMap;

use nightbill::rules::account_day::AccountDay;
use nightbill::rules::facts::Package;
use nightbill::rules::recorder::Outcome;
use nightbill::units::quantity::BillingDay;
use proptest::prelude::*;

use crate::world::{KeptStep, World};

/// What the test itself knows of a grant in the order.
struct Known<'a> {
    key: (bool, usize, BillingDay, i64, String),
    package: Option<&'a Package<'static>>,
    valid: bool,
}

/// The grants with a row, in the order that SPEC 3.4 gives, from the facts.
fn known_in_order<'a>(world: &'a World, day: &AccountDay<'_>) -> Vec<Known<'a>> {
    let mut known: Vec<Known<'_>> = day
        .grants
        .iter()
        .map(|grant| {
            let id = grant.grant.to_string();
            let package = world.packages.iter().find(|package| package.id == id);
            let wide =
                |package: &Package<'_>| package.apps.is_empty() || world.book.is_promoted(package.plan, world.day);
            let scope = package.map_or(0, |package| if wide(package) { usize::MAX } else { package.apps.len() });
            let refunded = package.and_then(|package| package.refunded_at).filter(|at| {
                *at <= world.calendar.billing_instant(world.day).unwrap()
                    && world.calendar.day_of(*at).unwrap() <= world.day
            });
            let purchased = package.map_or(0, |package| package.purchased_at.micros());
            Known {
                key: (package.is_some(), scope, grant.valid_to, purchased, id),
                package,
                valid: grant.valid_from <= world.day && world.day <= grant.valid_to && refunded.is_none(),
            }
        })
        .collect();
    known.sort_by(|one, other| one.key.cmp(&other.key));
    known
}

/// Follows the recorded steps with balances of its own; gives the minutes that were served.
pub(crate) fn steps_are_right(world: &World, day: &AccountDay<'_>, steps: &[KeptStep]) -> Result<i64, TestCaseError> {
    let known = known_in_order(world, day);
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for grant in &day.grants {
        let used = world
            .opening
            .grants
            .iter()
            .find(|one| one.id == grant.grant.to_string());
        let used = used.map_or(0, |one| one.used.units());
        balance.insert(grant.grant.to_string(), grant.quota.units() - used);
    }
    let mut served = 0;
    for line in steps.chunk_by(|one, next| one.line == next.line) {
        let (app, tier, _) = line[0].line;
        // Grants that have ended have no row.
        let told: Vec<&KeptStep> = line.iter().filter(|step| balance.contains_key(&step.grant)).collect();
        let mut told = told.into_iter();
        let last = line.last().unwrap();
        for grant in &known {
            let id = &grant.key.4;
            let Some(step) = told.next() else {
                prop_assert!(matches!(last.outcome, Outcome::Served { .. }), "stopped before {}", id);
                break;
            };
            prop_assert_eq!(&step.grant, id, "the order of grants");
            let table = grant
                .package
                .map_or(world.book.free.first().map(|rule| rule.ratios), |package| {
                    world.book.plan(package.plan).ratios
                });
            let ratio = table
                .and_then(|table| world.book.ratio(table, tier))
                .map(|ratio| ratio.units());
            let in_scope = grant.key.1 == usize::MAX || grant.package.is_none_or(|package| package.apps.contains(&app));
            let left = balance[id];
            let could = ratio.filter(|ratio| grant.valid && in_scope && left >= *ratio);
            let Outcome::Served {
                minutes,
                before,
                after,
                ratio: told_ratio,
            } = step.outcome
            else {
                prop_assert_eq!(could, None, "{} was passed over: {:?}", id, step.outcome);
                continue;
            };
            prop_assert_eq!(could, Some(told_ratio.units()));
            prop_assert_eq!(before.units(), left);
            prop_assert_eq!(after.units(), left - minutes.get() * told_ratio.units());
            let is_last = std::ptr::eq(step, last);
            prop_assert!(
                is_last || after.units() < told_ratio.units(),
                "{} could have given more",
                id
            );
            balance.insert(id.clone(), after.units());
            served += minutes.get();
        }
    }
    Ok(served)
}
