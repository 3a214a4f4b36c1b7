//! A whole night: `settle` of one day into an empty ledger on the local disk, synced, and `verify` of what it posted.
//!
//!     cargo bench --bench night                      20 million rows of 20,000 accounts, made below target/bench
//!     cargo bench --bench night -- DIR --rounds 3    the first day of a job, or of a sample's directory

#[expect(dead_code, reason = "each benchmark uses a part of it")]
mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use nightbill::job::{Job, Override};
use nightbill::ledger::batch::Ledger;
use nightbill::ledger::verify::{Extent, verify};
use nightbill::sample::SampleSpec;
use nightbill::settle::{Days, SettleOptions, Stage, Unwatched, settle};
use nightbill::store::Store;
use nightbill::units::quantity::{BillingDay, Instant};

use common::{Opened, Outcome, Took};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STAGES: [Stage; 4] = [Stage::Dimensions, Stage::Scan, Stage::Settle, Stage::Publish];

/// How long a night takes, and what of it.
#[derive(Debug, Parser)]
struct Args {
    /// A job file or a directory of a sample [default: 20 million rows of 20,000 accounts]
    job: Option<PathBuf>,
    /// Rounds that are counted
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the ledger of each round is put, and removed again
    #[arg(long, default_value = "target/bench/night-out")]
    out: PathBuf,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// A night that went well.
struct Round {
    settle: Took,
    stages: Vec<(Stage, Duration)>,
    verify: Took,
    lines: u64,
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    let path = match &args.job {
        Some(job) => common::job_file(job),
        None => common::job_file(&common::sample("time-dictionary-20000000", |spec: &mut SampleSpec| {
            (spec.accounts, spec.rows) = (20_000, 20_000_000);
        })?),
    };
    let day = Opened::load(&path, &[])?.day;
    let mut rounds = Vec::new();
    for number in 0..=args.rounds {
        let round = night(&path, day, &args.out)?;
        if number > 0 {
            rounds.push(round);
        }
    }
    print_text(&rounds);
    Ok(())
}

fn night(job: &Path, day: BillingDay, out: &Path) -> Outcome<Round> {
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    std::fs::create_dir_all(out)?;
    let output = Override {
        key: "output".to_owned(),
        value: format!("file:{}", out.canonicalize()?.display()),
    };
    let job = Job::load(job, &[output])?;
    let options = SettleOptions {
        days: Days::Range(day, day),
        accept_thin_day: false,
        accept_suspensions: false,
        rejects_out: None,
        now: Instant::from(chrono::Utc::now()),
    };
    let (settled, settle) = common::timed(|| settle(&job, &options, &Unwatched));
    let mut days = settled?.days;
    let report = days.pop().ok_or("a day was settled")?;
    let (report_of_laws, verify) = common::timed(|| -> Outcome<_> {
        let ledger = Ledger::open(Store::open(&job.output)?)?;
        Ok(verify(&ledger, Extent::Last)?)
    });
    assert!(report_of_laws?.holds(), "the laws hold");
    std::fs::remove_dir_all(out)?;
    Ok(Round {
        settle,
        stages: report.stages,
        verify,
        lines: report.totals.lines,
    })
}

fn print_text(rounds: &[Round]) {
    let of = |round: &Round, stage: Stage| -> Duration {
        let stages = round.stages.iter().filter(|(name, _)| *name == stage);
        stages.map(|(_, took)| *took).sum()
    };
    let median = |of: &dyn Fn(&Round) -> Duration| common::median(rounds.iter().map(of).collect()).as_secs_f64();
    let (settle, settle_cpu) = common::medians(&rounds.iter().map(|round| round.settle).collect::<Vec<_>>());
    let (verify, verify_cpu) = common::medians(&rounds.iter().map(|round| round.verify).collect::<Vec<_>>());
    let mut row: Vec<String> = STAGES
        .iter()
        .map(|stage| common::seconds(median(&|round| of(round, *stage))))
        .collect();
    row.push(common::seconds(settle));
    row.push(common::seconds(median(&|round| {
        round.settle.wall.saturating_sub(of(round, Stage::Scan))
    })));
    row.push(common::cpu_seconds(settle_cpu));
    row.push(common::seconds(verify));
    row.push(common::cpu_seconds(verify_cpu));
    row.push(common::megabytes(common::peak_memory()));
    let mut heads: Vec<String> = STAGES.iter().map(|stage| format!("{} s", stage.as_str())).collect();
    heads.extend(
        [
            "run s",
            "run without scan s",
            "CPU s",
            "verify s",
            "CPU s",
            "peak memory",
        ]
        .map(str::to_owned),
    );
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    common::print_table(&heads, &[row]);
    if let Some(round) = rounds.first() {
        println!("\n{} bill lines", common::thousands(round.lines));
    }
}
