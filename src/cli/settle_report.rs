//! What `settle` says: a summary for people, a document for programs. Pure functions of what a run did.

use std::time::Duration;

use serde::Serialize;

use crate::ledger::record::{ControlTotals, DecisionTotals};
use crate::settle::{DayOutcome, DayReport, Night, Stage};
use crate::units::quantity::Cents;

use super::failure::Failure;
use super::format::{Align, Table, bytes, counted, duration, pairs, thousands};
use super::progress::outcome_name;
use super::terminal::{FailureFields, JSON_FORMAT, Look};

/// What the summary tells beside the night itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunFacts {
    /// Peak memory, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// The command that comes next.
    pub next: String,
}

/// The JSON document of a run that went well.
#[derive(Debug, Serialize)]
pub(crate) struct SettleDocument<'a> {
    format: u32,
    command: &'static str,
    job: &'a str,
    output: &'a str,
    currency: &'a str,
    finished_publishing: bool,
    days: Vec<DayDocument<'a>>,
    warnings: &'a [String],
    peak_memory_bytes: Option<u64>,
    next: &'a str,
}

#[derive(Debug, Serialize)]
struct DayDocument<'a> {
    day: String,
    batch: String,
    outcome: &'static str,
    totals: &'a ControlTotals,
    stages: Vec<StageDocument>,
}

#[derive(Debug, Serialize)]
struct StageDocument {
    stage: &'static str,
    milliseconds: u64,
}

impl<'a> SettleDocument<'a> {
    /// The document of a night.
    pub(crate) fn new(night: &'a Night, facts: &'a RunFacts) -> Self {
        Self {
            format: JSON_FORMAT,
            command: "settle",
            job: &night.job,
            output: &night.output,
            currency: &night.currency,
            finished_publishing: night.finished_publishing,
            days: night.days.iter().map(DayDocument::new).collect(),
            warnings: &night.warnings,
            peak_memory_bytes: facts.peak_memory_bytes,
            next: &facts.next,
        }
    }
}

impl<'a> DayDocument<'a> {
    fn new(report: &'a DayReport) -> Self {
        Self {
            day: report.day.to_string(),
            batch: report.batch.to_string(),
            outcome: outcome_name(report.outcome),
            totals: &report.totals,
            stages: report
                .stages
                .iter()
                .map(|(stage, took)| StageDocument {
                    stage: stage.as_str(),
                    milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                })
                .collect(),
        }
    }
}

/// The JSON document of a run that failed: the failure, and the days that stay posted.
#[derive(Debug, Serialize)]
pub(crate) struct FailedRun<'a> {
    format: u32,
    command: &'static str,
    error: FailureFields<'a>,
    days: Vec<DayDocument<'a>>,
    warnings: &'a [String],
}

impl<'a> FailedRun<'a> {
    /// The document of a failure after these days.
    pub(crate) fn new(failure: &'a Failure, done: &'a [DayReport], warnings: &'a [String]) -> Self {
        Self {
            format: JSON_FORMAT,
            command: "settle",
            error: FailureFields::new(failure),
            days: done.iter().map(DayDocument::new).collect(),
            warnings,
        }
    }

    /// The days in words; there is at least one.
    pub(crate) fn done_text(&self) -> String {
        let days: Vec<&str> = self.days.iter().map(|day| day.day.as_str()).collect();
        format!("the run ends early; settled before that and kept: {}", days.join(", "))
    }
}

/// The summary for people.
pub(crate) fn text(night: &Night, facts: &RunFacts, look: Look) -> String {
    let mut text = String::new();
    if night.finished_publishing {
        text.push_str("finished publishing what an earlier run had committed\n");
    }
    let posted: Vec<&DayReport> = with_outcome(night, DayOutcome::Posted);
    for report in with_outcome(night, DayOutcome::Unchanged) {
        text.push_str(&format!(
            "{} was settled before with the same inputs: nothing changed\n",
            report.day
        ));
    }
    if night.days.is_empty() {
        text.push_str("every day whose billing time has passed is settled: nothing to do\n");
    }
    if !text.is_empty() && !posted.is_empty() {
        text.push('\n');
    }
    match posted.as_slice() {
        [] => {}
        [day] => {
            let title = format!("{}: settled {} as batch {}", night.job, day.day, day.batch);
            text.push_str(&format!("{}\n\n", look.good(&title)));
            text.push_str(&one_day(&day.totals, &night.currency));
        }
        [first, .., last] => {
            let title = format!(
                "{}: settled {}, {} to {}",
                night.job,
                counted(posted.len(), "day", "days"),
                first.day,
                last.day
            );
            text.push_str(&format!("{}\n\n", look.good(&title)));
            text.push_str(&many_days(&posted, &night.currency, look));
        }
    }
    text.push_str(&format!("\n{}", closing(night, &posted, facts)));
    text
}

fn with_outcome(night: &Night, outcome: DayOutcome) -> Vec<&DayReport> {
    night.days.iter().filter(|report| report.outcome == outcome).collect()
}

fn one_day(totals: &ControlTotals, currency: &str) -> String {
    let mut rows: Vec<(String, String)> = vec![
        ("usage rows".into(), thousands(totals.rows)),
        ("seconds".into(), thousands(totals.seconds)),
        ("rejected rows".into(), thousands(totals.all_rejected_rows())),
    ];
    for (reason, count) in &totals.rejected {
        rows.push((format!("  {reason}"), thousands(count)));
    }
    let minutes = totals.minutes;
    rows.extend([
        ("accounts".into(), thousands(totals.accounts)),
        ("apps".into(), thousands(totals.apps)),
        ("bill lines".into(), thousands(totals.lines)),
        ("minutes".into(), thousands(minutes.total)),
        ("  free".into(), thousands(minutes.free)),
        ("  package".into(), thousands(minutes.package)),
        ("  pay-as-you-go".into(), thousands(minutes.payg)),
        ("  unbilled".into(), thousands(minutes.unbilled)),
        ("bills".into(), thousands(totals.bills)),
        (format!("total {currency}"), thousands(&totals.amount)),
    ]);
    let decided = totals.decisions;
    let decisions = [
        ("packages billed", decided.purchased),
        ("packages renewed", decided.renewed),
        ("refunds approved", decided.refunded),
        ("refunds refused", decided.refused),
        ("newly overdue", decided.overdue),
        ("newly suspended", decided.suspended),
        ("newly removed", decided.removed),
        ("active again", decided.resumed),
    ];
    let happened = decisions.into_iter().filter(|(_, count)| *count > 0);
    rows.extend(happened.map(|(name, count)| (name.into(), thousands(count))));
    let rows: Vec<(&str, String)> = rows
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    pairs(&rows, Align::Right)
}

/// The columns that tell of usage, and those that tell of money: two tables where one is too wide.
const USAGE_COLUMNS: [usize; 6] = [0, 1, 2, 3, 4, 5];
const MONEY_COLUMNS: [usize; 8] = [0, 6, 7, 8, 9, 10, 11, 12];

fn many_days(posted: &[&DayReport], currency: &str, look: Look) -> String {
    let names = [
        "rows",
        "seconds",
        "rejects",
        "accounts",
        "apps",
        "lines",
        "free min",
        "package min",
        "payg min",
        "unbilled min",
        "bills",
    ];
    let columns = std::iter::once(("day".to_owned(), Align::Left))
        .chain(names.iter().map(|name| ((*name).to_owned(), Align::Right)))
        .chain([(format!("total {currency}"), Align::Right)]);
    let mut table = Table::new(columns);
    for report in posted {
        table.row(day_cells(report));
    }
    table.total(total_cells(posted));
    let too_wide = look.width.is_some_and(|width| table.width() + 2 > usize::from(width));
    let mut text = if too_wide {
        let (usage, money) = (table.select(&USAGE_COLUMNS), table.select(&MONEY_COLUMNS));
        format!("{}\n{}", usage.render(look), money.render(look))
    } else {
        table.render(look)
    };
    if posted
        .iter()
        .any(|report| report.totals.decisions != DecisionTotals::default())
    {
        text.push_str(&format!("\n{}", decisions(posted, look)));
    }
    text
}

/// What became of accounts and packages, day by day; days on which nothing did are left out.
fn decisions(posted: &[&DayReport], look: Look) -> String {
    let names = [
        "billed",
        "renewed",
        "refunded",
        "refused",
        "overdue",
        "suspended",
        "removed",
        "active again",
    ];
    let columns = std::iter::once(("day".to_owned(), Align::Left))
        .chain(names.iter().map(|name| ((*name).to_owned(), Align::Right)));
    let mut table = Table::new(columns);
    let cells = |decided: DecisionTotals| {
        [
            decided.purchased,
            decided.renewed,
            decided.refunded,
            decided.refused,
            decided.overdue,
            decided.suspended,
            decided.removed,
            decided.resumed,
        ]
    };
    let mut sums = [0_u64; 8];
    for report in posted {
        let decided = report.totals.decisions;
        if decided == DecisionTotals::default() {
            continue;
        }
        for (sum, count) in sums.iter_mut().zip(cells(decided)) {
            *sum = sum.saturating_add(count);
        }
        let counts = cells(decided).into_iter().map(thousands);
        table.row(std::iter::once(report.day.to_string()).chain(counts));
    }
    table.total(std::iter::once("total".to_owned()).chain(sums.map(thousands)));
    table.render(look)
}

fn day_cells(report: &DayReport) -> Vec<String> {
    let totals = &report.totals;
    vec![
        report.day.to_string(),
        thousands(totals.rows),
        thousands(totals.seconds),
        thousands(totals.all_rejected_rows()),
        thousands(totals.accounts),
        thousands(totals.apps),
        thousands(totals.lines),
        thousands(totals.minutes.free),
        thousands(totals.minutes.package),
        thousands(totals.minutes.payg),
        thousands(totals.minutes.unbilled),
        thousands(totals.bills),
        thousands(&totals.amount),
    ]
}

/// Accounts and apps of several days are mostly the same ones: they have no total.
fn total_cells(posted: &[&DayReport]) -> Vec<String> {
    let sum = |number: fn(&ControlTotals) -> i128| -> String {
        thousands(posted.iter().map(|report| number(&report.totals)).sum::<i128>())
    };
    vec![
        "total".to_owned(),
        sum(|totals| totals.rows.into()),
        sum(|totals| totals.seconds.into()),
        sum(|totals| totals.all_rejected_rows().into()),
        String::new(),
        String::new(),
        sum(|totals| totals.lines.into()),
        sum(|totals| totals.minutes.free.into()),
        sum(|totals| totals.minutes.package.into()),
        sum(|totals| totals.minutes.payg.into()),
        sum(|totals| totals.minutes.unbilled.into()),
        sum(|totals| totals.bills.into()),
        total_amount(posted).map_or_else(|| "out of range".to_owned(), thousands),
    ]
}

fn total_amount(posted: &[&DayReport]) -> Option<Cents> {
    posted.iter().try_fold(Cents::ZERO, |sum, report| {
        sum.plus(Cents::parse(&report.totals.amount).ok()?).ok()
    })
}

/// How long, how much memory, where it is and what comes next.
fn closing(night: &Night, posted: &[&DayReport], facts: &RunFacts) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    if !posted.is_empty() {
        rows.push(("stages", stages(posted)));
        if let Some(peak) = facts.peak_memory_bytes {
            rows.push(("peak memory", bytes(peak)));
        }
    }
    rows.push(("output", night.output.clone()));
    rows.push(("next", facts.next.clone()));
    pairs(&rows, Align::Left)
}

/// Each stage's time, summed over the days; the scan with its speed.
fn stages(posted: &[&DayReport]) -> String {
    let all = [
        Stage::Dimensions,
        Stage::Measured,
        Stage::Scan,
        Stage::Settle,
        Stage::Publish,
    ];
    let shown: Vec<String> = all
        .iter()
        .filter_map(|stage| {
            let times: Vec<Duration> = posted
                .iter()
                .flat_map(|report| &report.stages)
                .filter(|(of, _)| of == stage)
                .map(|(_, took)| *took)
                .collect();
            let took: Duration = times.iter().sum();
            (!times.is_empty()).then(|| format!("{} {}{}", stage.as_str(), duration(took), speed(*stage, took, posted)))
        })
        .collect();
    shown.join(", ")
}

fn speed(stage: Stage, took: Duration, posted: &[&DayReport]) -> String {
    let rows: u128 = posted.iter().map(|report| u128::from(report.totals.rows)).sum();
    match (rows * 1_000_000).checked_div(took.as_micros()) {
        Some(per_second) if stage == Stage::Scan => format!(" ({} rows/s)", thousands(per_second)),
        _ => String::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
