//! The scan alone: usage in, sums by account, app, tier and period out.
//!
//!     cargo bench --bench scan                          samples of 20 million rows, made below target/bench
//!     cargo bench --bench scan -- DIR --threads 1,2     the first day of a job, or of a sample's directory
//!     cargo bench --bench scan -- DIR --period 5min --json --digest
//!     cargo bench --bench scan -- DIR --way ids,values  beside the reference, which reads every row through Arrow arrays
//!
//! Timed are the footers, the scan, and the reading of its sums in order; files come from the page cache, for the first
//! round is not counted.

mod common;

use std::path::PathBuf;

use clap::Parser;
use nightbill::inputs::usage::Way;
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::sample::{Layout, SampleSpec, TsEncoding};
use serde::Serialize;
use sha2::{Digest, Sha256};

use common::{Opened, Outcome, Took};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PERIODS: [DeductionPeriod; 2] = [DeductionPeriod::Day, DeductionPeriod::FiveMinutes];

/// How fast usage is scanned.
#[derive(Debug, Parser)]
struct Args {
    /// Job files or directories of samples; their first day is scanned [default: samples in both layouts, `ts` in three encodings]
    jobs: Vec<PathBuf>,
    /// By day or 5min
    #[arg(long, value_delimiter = ',', value_parser = parse_period, default_value = "day,5min")]
    period: Vec<DeductionPeriod>,
    /// On dictionary ids, or by values
    #[arg(long, value_delimiter = ',', value_parser = parse_way, default_value = "ids")]
    way: Vec<Way>,
    /// Numbers of threads [default: one per core]
    #[arg(long, value_delimiter = ',')]
    threads: Vec<usize>,
    /// Rounds that are counted
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Rounds before them that are not
    #[arg(long, default_value_t = 1)]
    warm_up: usize,
    /// Rows of the samples, where no job is named
    #[arg(long, default_value_t = 20_000_000)]
    rows: u64,
    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
    /// Also the SHA-256 of all groups, for comparing engines: sorted lines `account,app,item.tier,period,seconds,rows`
    #[arg(long)]
    digest: bool,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn parse_period(text: &str) -> Result<DeductionPeriod, String> {
    PERIODS
        .into_iter()
        .find(|period| period.as_str() == text)
        .ok_or_else(|| "day or 5min".to_owned())
}

const WAYS: [(Way, &str); 2] = [(Way::OnIds, "ids"), (Way::ByValue, "values")];

fn parse_way(text: &str) -> Result<Way, String> {
    let way = WAYS.into_iter().find(|(_, name)| *name == text);
    way.map(|(way, _)| way).ok_or_else(|| "ids or values".to_owned())
}

fn name_of_way(way: Way) -> &'static str {
    let way = WAYS.into_iter().find(|(other, _)| *other == way);
    way.map_or("", |(_, name)| name)
}

/// One way of scanning, and what it took each time.
struct Case<'a> {
    name: String,
    opened: &'a Opened,
    period: DeductionPeriod,
    way: Way,
    pool: rayon::ThreadPool,
    sums: Option<Sums>,
    runs: Vec<Took>,
}

/// What a scan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sums {
    groups: u64,
    rows: u64,
    seconds: i64,
    rejected_rows: u64,
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    let jobs = match args.jobs.is_empty() {
        true => samples(args.rows)?,
        false => args.jobs.clone(),
    };
    let opened: Outcome<Vec<(String, Opened)>> = jobs
        .iter()
        .map(|job| Ok((common::name_of(job), Opened::load(job, &[])?)))
        .collect();
    let opened = opened?;
    let mut cases = cases(&args, &opened)?;
    for round in 0..args.warm_up + args.rounds {
        for case in &mut cases {
            let (sums, took) = common::timed(|| case.pool.install(|| sums_of(case.opened, case.period, case.way)));
            let sums = sums?;
            assert!(
                case.sums.is_none_or(|before| before == sums),
                "{} comes to the same each time",
                case.name
            );
            case.sums = Some(sums);
            if round >= args.warm_up {
                case.runs.push(took);
            }
        }
    }
    let peak_memory_bytes = common::peak_memory();
    let digests: Outcome<Vec<Option<String>>> = cases
        .iter()
        .map(|case| args.digest.then(|| digest(case)).transpose())
        .collect();
    let digests = digests?;
    match args.json {
        true => print_json(&cases, &digests, peak_memory_bytes)?,
        false => print_text(&cases, &digests, peak_memory_bytes),
    }
    Ok(())
}

/// Both layouts, and `ts` in each encoding.
fn samples(rows: u64) -> Outcome<Vec<PathBuf>> {
    let encodings = [
        ("dictionary", TsEncoding::Dictionary),
        ("delta", TsEncoding::Delta),
        ("plain", TsEncoding::Plain),
    ];
    let mut samples = Vec::new();
    for (order, layout) in [("time", Layout::Time), ("sorted", Layout::Sorted)] {
        for (encoding, ts) in encodings {
            let directory = common::sample(&format!("{order}-{encoding}-{rows}"), |spec: &mut SampleSpec| {
                (spec.accounts, spec.rows, spec.layout) = (20_000, rows, layout);
                spec.encoding.ts = ts;
            })?;
            samples.push(directory);
        }
    }
    Ok(samples)
}

fn cases<'a>(args: &Args, opened: &'a [(String, Opened)]) -> Outcome<Vec<Case<'a>>> {
    let default_threads = [common::all_threads()];
    let threads = if args.threads.is_empty() {
        &default_threads[..]
    } else {
        &args.threads
    };
    let mut cases = Vec::new();
    for (name, opened) in opened {
        for period in &args.period {
            let ways = args.way.iter();
            for (way, threads) in ways.flat_map(|way| threads.iter().map(move |threads| (way, threads))) {
                cases.push(Case {
                    name: name.clone(),
                    opened,
                    period: *period,
                    way: *way,
                    pool: common::pool(*threads)?,
                    sums: None,
                    runs: Vec::new(),
                });
            }
        }
    }
    Ok(cases)
}

fn sums_of(opened: &Opened, period: DeductionPeriod, way: Way) -> Outcome<Sums> {
    let scan = opened.scan(period, way)?;
    let mut sums = Sums {
        rejected_rows: scan.rejects.total(),
        ..Sums::default()
    };
    for group in scan.groups {
        sums.groups += 1;
        sums.rows += u64::try_from(group.rows)?;
        sums.seconds += group.seconds.get();
    }
    Ok(sums)
}

fn digest(case: &Case<'_>) -> Outcome<String> {
    let Opened { book, dimensions, .. } = case.opened;
    let scan = case.pool.install(|| case.opened.scan(case.period, case.way))?;
    let mut lines: Vec<(i64, i64, String, u16, i64, i64)> = Vec::new();
    for group in scan.groups {
        let tier = &book.tiers[group.tier.index()];
        lines.push((
            dimensions.index().account_id(group.account),
            group.app.get(),
            format!("{}.{}", book.items[tier.item.index()].id, tier.name),
            group.period,
            group.seconds.get(),
            group.rows,
        ));
    }
    lines.sort_unstable();
    let mut hash = Sha256::new();
    for (account, app, tier, period, seconds, rows) in lines {
        hash.update(format!("{account},{app},{tier},{period},{seconds},{rows}\n"));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn print_text(cases: &[Case<'_>], digests: &[Option<String>], peak_memory: Option<u64>) {
    let rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| {
            let (wall, cpu) = common::medians(&case.runs);
            let sums = case.sums.unwrap_or_default();
            vec![
                case.name.clone(),
                case.period.as_str().to_owned(),
                name_of_way(case.way).to_owned(),
                case.pool.current_num_threads().to_string(),
                common::thousands(sums.rows),
                common::thousands(sums.groups),
                common::seconds(wall),
                common::cpu_seconds(cpu),
                format!("{:.0}", sums.rows as f64 / wall / 1e6),
            ]
        })
        .collect();
    let heads = [
        "usage", "period", "way", "threads", "rows", "groups", "s", "CPU s", "M rows/s",
    ];
    common::print_table(&heads, &rows);
    println!("\npeak memory of all together: {}", common::megabytes(peak_memory));
    for (case, digest) in cases.iter().zip(digests) {
        if let Some(digest) = digest {
            println!("{} {}: {digest}", case.name, case.period.as_str());
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    peak_memory_bytes: Option<u64>,
    cases: Vec<CaseDocument<'a>>,
}

#[derive(Serialize)]
struct CaseDocument<'a> {
    usage: &'a str,
    period: &'static str,
    way: &'static str,
    threads: usize,
    rows: u64,
    rejected_rows: u64,
    groups: u64,
    digest: Option<&'a str>,
    seconds: Vec<f64>,
    cpu_seconds: Option<Vec<f64>>,
}

fn print_json(cases: &[Case<'_>], digests: &[Option<String>], peak_memory_bytes: Option<u64>) -> Outcome<()> {
    let cases = cases.iter().zip(digests).map(|(case, digest)| {
        let sums = case.sums.unwrap_or_default();
        CaseDocument {
            usage: &case.name,
            period: case.period.as_str(),
            way: name_of_way(case.way),
            threads: case.pool.current_num_threads(),
            rows: sums.rows,
            rejected_rows: sums.rejected_rows,
            groups: sums.groups,
            digest: digest.as_deref(),
            seconds: case.runs.iter().map(|took| took.wall.as_secs_f64()).collect(),
            cpu_seconds: case.runs.iter().map(|took| Some(took.cpu?.as_secs_f64())).collect(),
        }
    });
    let document = Document {
        version: env!("CARGO_PKG_VERSION"),
        peak_memory_bytes,
        cases: cases.collect(),
    };
    println!("{}", serde_json::to_string(&document)?);
    Ok(())
}
