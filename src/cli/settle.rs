//! `nightbill settle`: settles billing days and says what came out.

use std::path::PathBuf;

use chrono::Utc;
use clap::Args;

use crate::job::Job;
use crate::settle::{Days, SettleOptions, settle};
use crate::units::quantity::{BillingDay, Instant};

use super::args::{JobArgs, parse_day};
use super::failure::{EXIT_INTERNAL, Failure};
use super::format::shell_word;
use super::memory;
use super::progress::RunProgress;
use super::run::Told;
use super::settle_report::{FailedRun, RunFacts, SettleDocument, text};
use super::terminal::Terminal;

/// Settle billing days: read the usage, apply the rules, post the bills
///
/// Without a day it settles every unsettled day from the one after the last settled one to the latest whose billing
/// time has passed: what a cron line calls. The first run on an empty output names a day. Settling a day again with the
/// same inputs changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill settle jobs/nightly.toml --day 2024-10-12        the first night\n  \
    nightbill settle jobs/nightly.toml                         every night that is due\n  \
    nightbill settle jobs/nightly.toml --from 2024-10-12 --to 2024-10-14\n  \
    nightbill settle jobs/nightly.toml --set output=s3://billing/out --output json")]
pub(crate) struct SettleArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Settle this day
    #[arg(long, value_name = "D", value_parser = parse_day, conflicts_with_all = ["from", "to"])]
    day: Option<BillingDay>,
    /// First of several days to settle
    #[arg(long, value_name = "D", value_parser = parse_day, requires = "to")]
    from: Option<BillingDay>,
    /// Last of them
    #[arg(long, value_name = "D", value_parser = parse_day, requires = "from")]
    to: Option<BillingDay>,
    /// Settle a day although it has far fewer rows than the days before (min_day_ratio)
    #[arg(long)]
    accept_thin_day: bool,
    /// Settle a day although it suspends or removes more accounts than max_new_suspensions
    #[arg(long)]
    accept_suspensions: bool,
    /// Where rejected rows go when there are too many [default: rejects-<day>.parquet]
    #[arg(long, value_name = "FILE")]
    rejects_out: Option<PathBuf>,
    /// How many threads scan and settle [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// SPEC 5: settle again from this day on, on demand. Of a later version.
    #[arg(long, value_name = "D", hide = true)]
    correct_from: Option<String>,
    /// SPEC 5: only these accounts, with --correct-from. Of a later version.
    #[arg(long, value_name = "LIST", hide = true)]
    accounts: Option<String>,
}

impl SettleArgs {
    fn refuse_unavailable(&self) -> Result<(), Failure> {
        if self.correct_from.is_some() {
            return Err(Failure::not_available("--correct-from"));
        }
        if self.accounts.is_some() {
            return Err(Failure::not_available("--accounts"));
        }
        Ok(())
    }

    fn days(&self) -> Result<Days, Failure> {
        match (self.day, self.from.zip(self.to)) {
            (Some(day), _) => Ok(Days::Range(day, day)),
            (None, Some((from, to))) if from > to => Err(Failure::usage(
                format!("--from {from} is after --to {to}"),
                "days settle in order: give the earlier one to --from",
            )),
            (None, Some((from, to))) => Ok(Days::Range(from, to)),
            (None, None) => Ok(Days::Unsettled),
        }
    }

    fn options(&self) -> Result<SettleOptions, Failure> {
        self.refuse_unavailable()?;
        Ok(SettleOptions {
            days: self.days()?,
            accept_thin_day: self.accept_thin_day,
            accept_suspensions: self.accept_suspensions,
            rejects_out: self.rejects_out.clone(),
            now: Instant::from(Utc::now()),
        })
    }

    /// The command that checks what was posted, with the overrides: they may have moved the output.
    fn next(&self) -> String {
        let job = self.job.job.to_string_lossy();
        let mut words = vec!["nightbill verify".to_owned(), shell_word(&job)];
        for set in &self.job.overrides {
            words.push(format!("--set {}", shell_word(&format!("{}={}", set.key, set.value))));
        }
        words.join(" ")
    }
}

/// Settles, and tells how it went: on failure too, with the days that were posted before it.
pub(crate) fn run(args: &SettleArgs, terminal: &Terminal) -> Result<(), Told> {
    let progress = RunProgress::new(terminal.shows_progress());
    let settled = settle_job(args, &progress);
    let (done, warnings) = progress.finish();
    for warning in &warnings {
        terminal.warn(warning);
    }
    let printed = settled.and_then(|night| {
        let facts = RunFacts {
            peak_memory_bytes: memory::peak_bytes(),
            next: args.next(),
        };
        terminal.result(&SettleDocument::new(&night, &facts), |_, look| {
            text(&night, &facts, look)
        })
    });
    printed.map_err(|failure| {
        let run = FailedRun::new(&failure, &done, &warnings);
        if !done.is_empty() {
            terminal.warn(&run.done_text());
        }
        terminal.fail(&failure, &run);
        Told {
            exit_code: failure.exit_code,
        }
    })
}

fn settle_job(args: &SettleArgs, progress: &RunProgress) -> Result<crate::settle::Night, Failure> {
    let options = args.options()?;
    set_threads(args.threads)?;
    let job = Job::load(&args.job.job, &args.job.overrides)?;
    Ok(settle(&job, &options, progress)?)
}

/// Sizes rayon's pool, on which scan and rules run.
pub(super) fn set_threads(threads: Option<u16>) -> Result<(), Failure> {
    let Some(threads) = threads else {
        return Ok(());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(usize::from(threads))
        .build_global()
        .map_err(|error| Failure {
            message: format!("cannot start {threads} threads: {error}"),
            help: Some("give --threads a smaller number, or leave it out".to_owned()),
            exit_code: EXIT_INTERNAL,
        })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn parse(line: &str) -> SettleArgs {
        let words = ["nightbill", "settle", "job.toml"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(words).expect("parses").command {
            Command::Settle(args) => args,
            other => panic!("not settle: {other:?}"),
        }
    }

    #[test]
    fn arguments_become_days_or_a_refusal() {
        let cases = "
             -> Ok Unsettled
            --day 2024-10-12 -> Ok 2024-10-12..2024-10-12
            --from 2024-10-12 --to 2024-10-14 -> Ok 2024-10-12..2024-10-14
            --from 2024-10-14 --to 2024-10-12 -> Err --from 2024-10-14 is after --to 2024-10-12
            --correct-from 2024-10-12 -> Err --correct-from is not available in this version
            --accounts 1,2 -> Err --accounts is not available in this version";
        for case in cases.lines().filter(|line| !line.is_empty()) {
            let (line, expected) = case.split_once("-> ").expect("arguments -> outcome");
            let got = match parse(line).options() {
                Ok(options) => match options.days {
                    Days::Unsettled => "Ok Unsettled".to_owned(),
                    Days::Range(from, to) => format!("Ok {from}..{to}"),
                },
                Err(failure) => {
                    assert_eq!(failure.exit_code, 2, "{line}");
                    format!("Err {}", failure.message)
                }
            };
            assert_eq!(got, expected, "{line}");
        }
    }

    #[test]
    fn flags_reach_the_options() {
        let plain = parse("").options().expect("valid");
        assert!(!plain.accept_thin_day && !plain.accept_suspensions && plain.rejects_out.is_none());
        assert!(parse("--accept-thin-day").options().expect("valid").accept_thin_day);
        assert!(
            parse("--accept-suspensions")
                .options()
                .expect("valid")
                .accept_suspensions
        );
        let out = parse("--rejects-out bad.parquet").options().expect("valid").rejects_out;
        assert_eq!(out, Some(PathBuf::from("bad.parquet")));
    }

    #[test]
    fn verify_looks_where_the_output_went() {
        assert_eq!(parse("").next(), "nightbill verify job.toml");
        assert_eq!(
            parse("--set output=file:/elsewhere --set name=it's --set output=file:../${FOO}/out").next(),
            r"nightbill verify job.toml --set output=file:/elsewhere --set 'name=it'\''s' --set 'output=file:../${FOO}/out'"
        );
    }
}
