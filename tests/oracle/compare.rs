//! Reference and crate side by side over a scenario's nights, and what to print when they disagree.

use std::fmt::{Debug, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::convert::settle_with_the_crate;
use super::describe::{describe, describe_opening};
use super::rows::{NightRows, Stop};
use super::scenario::Scenario;
use super::spec::{carry_over, settle};

/// The first night on which reference and crate disagree, in words; None when they agree on all of them.
///
/// Both begin every night where the reference ended the one before. A stop ends the scenario.
pub fn disagreement(scenario: &Scenario) -> Option<String> {
    let mut opening = scenario.opening.clone();
    for night in &scenario.nights {
        let expected = settle(scenario, night, &opening);
        let got = catch_unwind(AssertUnwindSafe(|| settle_with_the_crate(scenario, night, &opening)))
            .unwrap_or_else(|panic| Err(Stop::Other(format!("panicked: {}", panic_text(panic.as_ref())))));
        if expected != got {
            return Some(format!(
                "on {} with\n{}\n{}",
                night.day,
                describe_opening(&opening),
                difference(&expected, &got)
            ));
        }
        let Ok(rows) = expected else { return None };
        opening = carry_over(&opening, &rows);
    }
    None
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

fn difference(expected: &Result<NightRows, Stop>, got: &Result<NightRows, Stop>) -> String {
    let mut text = String::new();
    match (expected, got) {
        (Ok(expected), Ok(got)) => {
            table(&mut text, "usage", &expected.usage, &got.usage);
            table(&mut text, "lines", &expected.lines, &got.lines);
            table(&mut text, "bills", &expected.bills, &got.bills);
            table(&mut text, "deductions", &expected.deductions, &got.deductions);
            table(&mut text, "grants", &expected.grants, &got.grants);
            table(&mut text, "balance", &[&expected.balance], &[&got.balance]);
        }
        (expected, got) => {
            let _ = write!(text, "expected {expected:#?}\ngot      {got:#?}\n");
        }
    }
    text
}

/// The rows that differ, place by place.
fn table<T: Debug + PartialEq>(text: &mut String, name: &str, expected: &[T], got: &[T]) {
    for place in 0..expected.len().max(got.len()) {
        let (expected, got) = (expected.get(place), got.get(place));
        if expected != got {
            let _ = write!(text, "{name}[{place}]\n  expected {expected:?}\n  got      {got:?}\n");
        }
    }
}

/// Fails with the smallest scenario that still disagrees, in full.
pub fn assert_agreement(scenario: &Scenario) {
    if disagreement(scenario).is_none() {
        return;
    }
    let small = shrunk(scenario.clone());
    let difference = disagreement(&small).expect("shrinking keeps the disagreement");
    panic!(
        "{}: reference and rules disagree {difference}\n{}",
        scenario.name,
        describe(&small)
    );
}

/// Leaves out whatever can be left out while the disagreement stays.
fn shrunk(mut scenario: Scenario) -> Scenario {
    while let Some(smaller) = smaller_ones(&scenario)
        .into_iter()
        .find(|smaller| disagreement(smaller).is_some())
    {
        scenario = smaller;
    }
    scenario
}

fn smaller_ones(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut without = |change: &dyn Fn(&mut Scenario)| {
        let mut smaller = scenario.clone();
        change(&mut smaller);
        all.push(smaller);
    };
    if scenario.nights.len() > 1 {
        without(&|smaller| drop(smaller.nights.pop()));
        without(&|smaller| drop(smaller.nights.remove(0)));
    }
    for place in 0..scenario.packages.len() {
        without(&|smaller| drop(smaller.packages.remove(place)));
        if scenario.packages[place].refunded_at.is_some() {
            without(&|smaller| smaller.packages[place].refunded_at = None);
        }
    }
    for place in 0..scenario.payments.len() {
        without(&|smaller| drop(smaller.payments.remove(place)));
    }
    for place in 0..scenario.opening.grants.len() {
        // A void grant that is not void would be one that no removal can leave behind.
        if !scenario.opening.grants[place].void {
            without(&|smaller| drop(smaller.opening.grants.remove(place)));
        }
    }
    for (night, usage) in scenario.nights.iter().enumerate() {
        for place in 0..usage.usage.len() {
            without(&|smaller| drop(smaller.nights[night].usage.remove(place)));
        }
    }
    for place in 0..scenario.catalog.promotions.len() {
        without(&|smaller| drop(smaller.catalog.promotions.remove(place)));
    }
    for place in 0..scenario.catalog.free.len() {
        without(&|smaller| drop(smaller.catalog.free.remove(place)));
    }
    for place in 0..scenario.catalog.plans.len() {
        let id = &scenario.catalog.plans[place].id;
        let promoted = scenario.catalog.promotions.iter().any(|offer| offer.plans.contains(id));
        if !promoted && scenario.packages.iter().all(|package| package.plan != *id) {
            without(&|smaller| drop(smaller.catalog.plans.remove(place)));
        }
    }
    for item in 0..scenario.catalog.items.len() {
        let id = &scenario.catalog.items[item].id;
        if scenario
            .nights
            .iter()
            .all(|night| night.usage.iter().all(|usage| usage.item != *id))
        {
            without(&|smaller| smaller.drop_item(item));
        }
    }
    all
}
