//! SPEC 2.1 once more, row by row and plainly: what the scan is compared with.

use std::collections::BTreeMap;

use nightbill::inputs::rejects::{Reason, Reject};
use nightbill::inputs::usage::FileTotals;
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::units::calendar::start_of_date;
use nightbill::units::quantity::{BillingDay, Instant};

use super::world::{KNOWN, METERS, Outcome, REASONS, Setting, TIERS};

/// A row as a file has it; `ts` in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub ts: Option<i128>,
    pub account_id: Option<i128>,
    pub sdk_app_id: Option<i128>,
    pub meter: Option<String>,
    pub seconds: Option<i128>,
    pub pixels: Option<i128>,
}

enum Verdict {
    OtherDay,
    Rejected(Reason),
    Accepted((i64, i64, &'static str, u16), i64),
}

/// What a scan of these files must find.
pub fn expect(setting: Setting, files: &[(BillingDay, &str, &[Row])]) -> Outcome {
    let mut sums: BTreeMap<(i64, i64, usize, u16), (i64, i64)> = BTreeMap::new();
    let mut outcome = Outcome {
        groups: Vec::new(),
        rejects: Vec::new(),
        counts: [0; 8],
        reject_seconds: 0,
        files: Vec::new(),
    };
    for (date, path, rows) in files {
        let mut totals = FileTotals {
            rows: u64::try_from(rows.len()).unwrap(),
            ..FileTotals::default()
        };
        for (row, number) in rows.iter().zip(1..) {
            match judge(setting, *date, row) {
                Verdict::OtherDay => {}
                Verdict::Rejected(reason) => {
                    totals.day_rows += 1;
                    outcome.counts[REASONS.iter().position(|of| *of == reason).unwrap()] += 1;
                    let seconds = row
                        .seconds
                        .filter(|seconds| (1..=86_400).contains(seconds))
                        .unwrap_or(0);
                    outcome.reject_seconds += i64::try_from(seconds).unwrap();
                    outcome.rejects.push(reject(path, number, reason, row));
                }
                Verdict::Accepted((account, app, tier, period), seconds) => {
                    totals.day_rows += 1;
                    totals.accepted_rows += 1;
                    totals.accepted_seconds += seconds;
                    let tier = TIERS.iter().position(|name| *name == tier).unwrap();
                    let sum = sums.entry((account, app, tier, period)).or_default();
                    *sum = (sum.0 + seconds, sum.1 + 1);
                }
            }
        }
        outcome.files.push(totals);
    }
    outcome.rejects.sort_by(|a, b| (&a.file, a.row).cmp(&(&b.file, b.row)));
    outcome.rejects.truncate(10_000);
    outcome.groups = sums
        .into_iter()
        .map(|((account, app, tier, period), sum)| ((account, app, TIERS[tier], period), sum))
        .collect();
    outcome
}

fn judge(setting: Setting, partition: BillingDay, row: &Row) -> Verdict {
    let misfit = |reason| {
        if partition == setting.day {
            Verdict::Rejected(reason)
        } else {
            Verdict::OtherDay
        }
    };
    let starts = |zone, day: BillingDay, later| {
        i128::from(
            start_of_date(zone, day.checked_add_days(later).unwrap())
                .unwrap()
                .micros(),
        ) * 1_000
    };
    let years = 0..32_503_680_000_i128 * 1_000_000_000;
    let Some(ts) = row.ts.filter(|ts| years.contains(ts)) else {
        return misfit(Reason::BadTs);
    };
    if ts < starts(setting.partition_zone, partition, 0) || ts >= starts(setting.partition_zone, partition, 1) {
        return misfit(Reason::Misplaced);
    }
    let start = starts(setting.zone, setting.day, 0);
    if ts < start || ts >= starts(setting.zone, setting.day, 1) {
        return Verdict::OtherDay;
    }
    let (Some(account), Some(app)) = (row.account_id, row.sdk_app_id) else {
        return Verdict::Rejected(Reason::NullKey);
    };
    let (Ok(account @ 1..), Ok(app @ 1..)) = (i64::try_from(account), i64::try_from(app)) else {
        return Verdict::Rejected(Reason::BadKey);
    };
    if !KNOWN.contains(&account) {
        return Verdict::Rejected(Reason::UnknownAccount);
    }
    let mut first_tier = 0;
    let mut found = None;
    for (name, bounds) in METERS {
        if row.meter.as_deref() == Some(name) {
            found = Some((first_tier, bounds));
        }
        first_tier += bounds.len();
    }
    let Some((first_tier, bounds)) = found else {
        return Verdict::Rejected(Reason::UnknownMeter);
    };
    let Some(seconds @ 1..=86_400) = row.seconds else {
        return Verdict::Rejected(Reason::BadSeconds);
    };
    let pixels = row.pixels.unwrap_or(0);
    if pixels < 0 || pixels > i128::from(i64::MAX) {
        return Verdict::Rejected(Reason::BadPixels);
    }
    let step = bounds
        .iter()
        .position(|most| pixels <= i128::from(*most))
        .unwrap_or(bounds.len() - 1);
    let period = match setting.period {
        DeductionPeriod::Day => 0,
        DeductionPeriod::FiveMinutes => u16::try_from((ts - start) / 300_000_000_000).unwrap(),
    };
    Verdict::Accepted(
        (account, app, TIERS[first_tier + step], period),
        i64::try_from(seconds).unwrap(),
    )
}

fn reject(file: &str, row: i64, reason: Reason, values: &Row) -> Reject {
    let int = |value: Option<i128>| value.and_then(|value| i64::try_from(value).ok());
    Reject {
        file: file.to_owned(),
        row,
        reason,
        account_id: int(values.account_id),
        sdk_app_id: int(values.sdk_app_id),
        meter: values.meter.clone(),
        ts: int(values.ts.map(|ts| ts.div_euclid(1_000))).map(Instant::from_micros),
        seconds: int(values.seconds),
        pixels: int(values.pixels),
    }
}
