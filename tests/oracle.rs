//! A second, slow, plain implementation of SPEC 3.1 to 3.6, compared field by field with the rules on random
//! scenarios.
//!
//! `ORACLE_FROM` and `ORACLE_COUNT` choose other seeds than those of every run.

#[path = "oracle/catalogs.rs"]
mod catalogs;
#[path = "oracle/compare.rs"]
mod compare;
#[path = "oracle/convert.rs"]
mod convert;
#[path = "oracle/describe.rs"]
mod describe;
#[path = "oracle/fraction.rs"]
mod fraction;
#[path = "oracle/generator.rs"]
mod generator;
#[path = "oracle/grants.rs"]
mod grants;
#[path = "oracle/guide.rs"]
mod guide;
#[path = "oracle/guide_account.rs"]
mod guide_account;
#[path = "oracle/results.rs"]
mod results;
#[path = "oracle/rows.rs"]
mod rows;
#[path = "oracle/scenario.rs"]
mod scenario;
#[path = "oracle/spec.rs"]
mod spec;
#[path = "oracle/zone.rs"]
mod zone;

use std::collections::BTreeMap;

use rows::Stop;

/// A number from the environment, for longer hunts than a test run.
fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number of seeds"))
}

#[test]
fn rules_agree_with_the_reference_on_random_scenarios() {
    let from = from_environment("ORACLE_FROM", 0);
    let count = from_environment("ORACLE_COUNT", 3_000);
    for seed in from..from + count {
        compare::assert_agreement(&generator::scenario(seed));
    }
}

/// How often the reference meets what on the seeds of every run: comparing says little about what never happens.
fn sightings() -> BTreeMap<String, u64> {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..3_000 {
        let scenario = generator::scenario(seed);
        let mut opening = scenario.opening.clone();
        for night in &scenario.nights {
            match spec::settle(&scenario, night, &opening) {
                Ok(rows) => {
                    for sight in sights(&rows) {
                        *seen.entry(sight).or_default() += 1;
                    }
                    opening = spec::carry_over(&opening, &rows);
                }
                Err(Stop::Unpriced { .. }) => {
                    *seen.entry("stop".to_owned()).or_default() += 1;
                    break;
                }
                Err(Stop::Other(other)) => panic!("{}: {other}", scenario.name),
            }
        }
    }
    seen
}

fn sights(rows: &rows::NightRows) -> Vec<String> {
    let mut sights: Vec<String> = rows
        .grants
        .iter()
        .map(|grant| format!("{} {}", grant.kind, grant.status))
        .collect();
    for line in &rows.lines {
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
        let list = line.price_list.as_deref().unwrap_or("none");
        sights.push(format!("price from {list}"));
        if line.app == 0 && line.package_minutes > 0 {
            sights.push("package for app 0".to_owned());
        }
        if line.app == 0 && line.free_minutes > 0 {
            sights.push("free minutes for app 0".to_owned());
        }
    }
    if rows.balance.paid != "0.00" {
        sights.push("payment".to_owned());
    }
    sights
}

#[test]
fn random_scenarios_meet_every_case() {
    let seen = sightings();
    for sight in [
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
    ] {
        assert!(
            seen.get(sight).is_some_and(|count| *count >= 20),
            "{sight} is rare or never met: {seen:#?}"
        );
    }
}
