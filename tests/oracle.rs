//! A second, slow, plain implementation of SPEC section 3, compared table by table and field by field with what the crate
//! posts, over weeks of nights of random worlds.
//!
//! `ORACLE_FROM` and `ORACLE_COUNT` choose other seeds than those of every run.

#[path = "oracle/arrears.rs"]
mod arrears;
#[path = "oracle/boundaries.rs"]
mod boundaries;
#[path = "oracle/broken.rs"]
mod broken;
#[path = "oracle/catalogs.rs"]
mod catalogs;
#[path = "oracle/compare.rs"]
mod compare;
#[path = "oracle/deduction.rs"]
mod deduction;
#[path = "oracle/describe.rs"]
mod describe;
#[path = "oracle/dunning.rs"]
mod dunning;
#[path = "oracle/expected.rs"]
mod expected;
#[path = "oracle/facts.rs"]
mod facts;
#[path = "oracle/files.rs"]
mod files;
#[path = "oracle/flags.rs"]
mod flags;
#[path = "oracle/found.rs"]
mod found;
#[path = "oracle/fraction.rs"]
mod fraction;
#[path = "oracle/generator.rs"]
mod generator;
#[path = "oracle/givebacks.rs"]
mod givebacks;
#[path = "oracle/grants.rs"]
mod grants;
#[path = "oracle/guide.rs"]
mod guide;
#[path = "oracle/guide_account.rs"]
mod guide_account;
#[path = "oracle/guide_money.rs"]
mod guide_money;
#[path = "oracle/metering.rs"]
mod metering;
#[path = "oracle/monthly.rs"]
mod monthly;
#[path = "oracle/partitions.rs"]
mod partitions;
#[path = "oracle/posted.rs"]
mod posted;
#[path = "oracle/pricing.rs"]
mod pricing;
#[path = "oracle/ranges.rs"]
mod ranges;
#[path = "oracle/refunds.rs"]
mod refunds;
#[path = "oracle/rejects.rs"]
mod rejects;
#[path = "oracle/rows.rs"]
mod rows;
#[path = "oracle/scenario.rs"]
mod scenario;
#[path = "oracle/sharpen.rs"]
mod sharpen;
#[path = "oracle/shrink.rs"]
mod shrink;
#[path = "oracle/sights.rs"]
mod sights;
#[path = "oracle/spec.rs"]
mod spec;
#[path = "oracle/standing.rs"]
mod standing;
#[path = "oracle/subscriptions.rs"]
mod subscriptions;
#[path = "oracle/toml.rs"]
mod toml;
#[path = "oracle/uses.rs"]
mod uses;
#[path = "oracle/zone.rs"]
mod zone;

use std::collections::BTreeMap;

/// A number from the environment, for longer hunts than a test run.
fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number of seeds"))
}

#[test]
fn the_crate_agrees_with_the_reference_on_random_worlds() {
    let from = from_environment("ORACLE_FROM", 0);
    let count = from_environment("ORACLE_COUNT", 60);
    for seed in from..from + count {
        compare::assert_agreement(&generator::world(seed));
    }
}

#[test]
fn days_one_by_one_in_chunks_and_in_a_range_are_the_same_files() {
    let from = from_environment("ORACLE_FROM", 1_000);
    let count = from_environment("ORACLE_COUNT", 4);
    for seed in from..from + count {
        ranges::assert_the_same_files(&generator::world(seed));
    }
}

/// How often the reference meets what on these seeds: comparing says little about what never happens.
fn sightings(from: u64, count: u64) -> BTreeMap<String, u64> {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in from..from + count {
        for sight in sights::of_world(&generator::world(seed)) {
            *seen.entry(sight).or_default() += 1;
        }
    }
    seen
}

#[test]
fn random_worlds_meet_every_case() {
    let seen = sightings(
        from_environment("ORACLE_FROM", 0),
        from_environment("ORACLE_COUNT", 300),
    );
    let rejects = expected::REJECTS.iter();
    let rejects = rejects.flat_map(|(input, reasons)| reasons.iter().map(move |reason| format!("{input} {reason}")));
    let expected = expected::EXPECTED.iter().map(|sight| (*sight).to_owned());
    let rare: Vec<String> = expected
        .chain(rejects)
        .filter(|sight| seen.get(sight).is_none_or(|count| *count < 10))
        .collect();
    assert!(rare.is_empty(), "rare or never met: {rare:?} of {seen:#?}");
}
