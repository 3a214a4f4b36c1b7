//! The rules alone: account-days per second on one thread, with everything that they are told already in memory.
//!
//!     cargo bench --bench rules
//!
//! Two kinds of accounts: many small ones (three lines each, as `benches/scale.py` settles by the million), and those of
//! rooms, by day and by five-minute period.

#[expect(dead_code, reason = "each benchmark uses a part of it")]
mod common;

use std::path::PathBuf;

use clap::Parser;
use nightbill::inputs::dimensions::Dimensions;
use nightbill::inputs::usage::Way;
use nightbill::rules::account_day::{AccountFacts, DayContext, DeductionPeriod, settle_account_day};
use nightbill::rules::facts::{Opening, OpeningGrant, Package, Payment, UsageGroup};
use nightbill::sample::{SampleSpec, Shape};

use common::{Opened, Outcome, Took};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How fast accounts are settled.
#[derive(Debug, Parser)]
struct Args {
    /// Job files or directories of samples [default: 200,000 small accounts, and 20,000 accounts of rooms]
    jobs: Vec<PathBuf>,
    /// Rounds that are counted
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// What the rules are told of an account.
struct Told<'a> {
    position: u32,
    packages: Vec<Package<'a>>,
    payments: Vec<Payment>,
    usage: Vec<UsageGroup>,
    opening: Opening,
}

/// All accounts of a job on its first day.
struct Case<'a> {
    name: String,
    opened: &'a Opened,
    period: DeductionPeriod,
    accounts: Vec<Told<'a>>,
    lines: u64,
    runs: Vec<Took>,
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    let jobs = match args.jobs.is_empty() {
        true => samples()?,
        false => args.jobs.clone(),
    };
    let opened: Outcome<Vec<(String, Opened)>> = jobs
        .iter()
        .map(|job| Ok((common::name_of(job), Opened::load(job, &[])?)))
        .collect();
    let opened = opened?;
    let mut cases = Vec::new();
    for (name, opened) in &opened {
        for period in [DeductionPeriod::Day, DeductionPeriod::FiveMinutes] {
            cases.push(Case {
                name: name.clone(),
                opened,
                period,
                accounts: told(opened, period)?,
                lines: 0,
                runs: Vec::new(),
            });
        }
    }
    for round in 0..=args.rounds {
        for case in &mut cases {
            let (lines, took) = common::timed(|| settle_all(case));
            case.lines = lines?;
            if round > 0 {
                case.runs.push(took);
            }
        }
    }
    print_text(&cases);
    Ok(())
}

fn samples() -> Outcome<Vec<PathBuf>> {
    let small = common::sample("groups-200000", |spec: &mut SampleSpec| {
        (spec.shape, spec.accounts, spec.rows) = (Shape::Groups, 200_000, 600_000);
    })?;
    let rooms = common::sample("time-dictionary-20000000", |spec: &mut SampleSpec| {
        (spec.accounts, spec.rows) = (20_000, 20_000_000);
    })?;
    Ok(vec![small, rooms])
}

/// Every account that is known at the day's billing time, as the night's merge hands it to the rules.
fn told(opened: &Opened, period: DeductionPeriod) -> Outcome<Vec<Told<'_>>> {
    let (dimensions, index) = (&opened.dimensions, opened.dimensions.index());
    let known_at = opened.job.calendar.billing_instant(opened.day)?;
    let mut groups = opened.scan(period, Way::default())?.groups.peekable();
    let mut accounts = Vec::with_capacity(index.len());
    for position in 0..u32::try_from(index.len())? {
        if index.registered_at(position) > known_at {
            continue;
        }
        let mut usage = Vec::new();
        while let Some(group) = groups.next_if(|group| group.account == position) {
            usage.push(UsageGroup {
                app: group.app,
                tier: group.tier,
                period: group.period,
                seconds: group.seconds,
                rows: group.rows,
            });
        }
        accounts.push(Told {
            position,
            packages: dimensions.packages(position),
            payments: dimensions.payments(position),
            usage,
            opening: opening(dimensions, position),
        });
    }
    Ok(accounts)
}

fn opening(dimensions: &Dimensions, position: u32) -> Opening {
    let grants = dimensions.opening_grants(position).into_iter();
    Opening {
        balance: dimensions.opening_balance(position),
        grants: grants
            .map(|(id, used)| OpeningGrant {
                id: id.to_owned(),
                opening: used,
                used,
            })
            .collect(),
        ..Opening::default()
    }
}

/// How many bill lines there are.
fn settle_all(case: &Case<'_>) -> Outcome<u64> {
    let opened = case.opened;
    let context = DayContext {
        book: &opened.book,
        calendar: &opened.job.calendar,
        day: opened.day,
        deduction_period: case.period,
        first_settled_day: opened.day,
        billed_before: None,
        dunning_from: opened.day,
    };
    let mut lines = 0;
    for told in &case.accounts {
        let facts = AccountFacts {
            account: opened.dimensions.account(told.position),
            packages: &told.packages,
            payments: &told.payments,
            requests: &[],
            disabled: &[],
            measured: &[],
            usage: &told.usage,
            opening: &told.opening,
        };
        lines += settle_account_day(context, facts, None)?.lines.len() as u64;
    }
    Ok(lines)
}

fn print_text(cases: &[Case<'_>]) {
    let rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| {
            let (wall, cpu) = common::medians(&case.runs);
            let groups: usize = case.accounts.iter().map(|told| told.usage.len()).sum();
            vec![
                case.name.clone(),
                case.period.as_str().to_owned(),
                common::thousands(case.accounts.len() as u64),
                common::thousands(groups as u64),
                common::thousands(case.lines),
                common::seconds(wall),
                common::cpu_seconds(cpu),
                common::thousands((case.accounts.len() as f64 / wall) as u64),
                common::thousands((case.lines as f64 / wall) as u64),
            ]
        })
        .collect();
    let heads = [
        "accounts of",
        "period",
        "accounts",
        "groups",
        "lines",
        "s",
        "CPU s",
        "account-days/s",
        "lines/s",
    ];
    common::print_table(&heads, &rows);
}
