//! `nightbill verify`: the laws of the ledger, checked from its outputs alone.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use serde::Serialize;
use url::Url;

use crate::job::{Job, Override};
use crate::ledger::batch::Ledger;
use crate::ledger::verify::{Extent, Report, Sums, Verdict, verify};
use crate::store::{Location, Store};
use crate::units::quantity::{Amount, Cents};

use super::args::parse_override;
use super::failure::{EXIT_INTERNAL, Failure};
use super::format::{Align, Table, thousands};
use super::run::{Told, told};
use super::terminal::{FailureFields, JSON_FORMAT, Look, Terminal};

/// Check that the laws of the ledger hold, from its outputs alone
///
/// Sums the tables by plain key and checks that minutes, deductions, grants, bills, balances, control totals and files
/// agree with each other. Ends with 1 when a law is broken, and names the first offenders.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill verify jobs/nightly.toml            the last batch against the one before\n  \
    nightbill verify jobs/nightly.toml --all      every batch, in order\n  \
    nightbill verify file:///data/out             without the job, from the output directory")]
pub(crate) struct VerifyArgs {
    /// The job file (TOML), or the output directory itself (a path or URL)
    #[arg(value_name = "JOB|DIR")]
    ledger: PathBuf,
    /// Override a key of the job; VALUE is TOML, or else a string (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_override, action = ArgAction::Append)]
    overrides: Vec<Override>,
    /// Every batch in order, not just the last one
    #[arg(long)]
    all: bool,
}

/// Checks, and says what it found; broken laws are a failure.
pub(crate) fn run(args: &VerifyArgs, terminal: &Terminal) -> Result<(), Told> {
    let failed = |failure| told(terminal, "verify", failure);
    let (output, report) = check(args).map_err(failed)?;
    if report.holds() {
        let document = VerifyDocument::new(&output, &report, None);
        return terminal.result(&document, text).map_err(failed);
    }
    let failure = Failure {
        message: "the ledger breaks its own laws".to_owned(),
        help: Some("the output was edited or damaged: restore it from a copy, or settle into a new output".to_owned()),
        exit_code: EXIT_INTERNAL,
    };
    let document = VerifyDocument::new(&output, &report, Some(&failure));
    terminal.failed_result(&failure, &document, text).map_err(failed)?;
    Err(Told {
        exit_code: EXIT_INTERNAL,
    })
}

fn check(args: &VerifyArgs) -> Result<(String, Report), Failure> {
    let location = output_of(&args.ledger, &args.overrides)?;
    let ledger = Ledger::open(Store::open(&location)?)?;
    let extent = if args.all { Extent::All } else { Extent::Last };
    Ok((location.to_string(), verify(&ledger, extent)?))
}

/// The output directory of a job, or the one that was named.
fn output_of(ledger: &Path, overrides: &[Override]) -> Result<Location, Failure> {
    let named = ledger.to_string_lossy();
    let url = match Url::parse(&named) {
        Ok(url) if url.scheme() == "file" => file_url(&named),
        Ok(url) => Some(url),
        Err(_) if ledger.is_dir() => directory_url(ledger),
        Err(_) => None,
    };
    match url {
        None => Ok(Job::load(ledger, overrides)?.output),
        Some(url) => Location::from_url(url).ok_or_else(|| {
            Failure::usage(
                "the output is no file:, s3://, gs:// or az:// URL",
                "name the job file, or the output directory that the job names",
            )
        }),
    }
}

/// A `file:` URL; a relative one begins in the working directory, as a path does.
fn file_url(text: &str) -> Option<Url> {
    directory_url(Path::new("."))?.join(text).ok()
}

fn directory_url(path: &Path) -> Option<Url> {
    Url::from_directory_path(path.canonicalize().ok()?).ok()
}

/// The JSON document.
#[derive(Debug, Serialize)]
pub(crate) struct VerifyDocument<'a> {
    format: u32,
    command: &'static str,
    output: &'a str,
    holds: bool,
    error: Option<FailureFields<'a>>,
    batches: Vec<String>,
    unpublished: Option<String>,
    sums: SumsDocument,
    verdicts: Vec<VerdictDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct SumsDocument {
    rows: i128,
    seconds: i128,
    minutes: i128,
    free_minutes: i128,
    package_minutes: i128,
    payg_minutes: i128,
    unbilled_minutes: i128,
    line_amounts: String,
    exact: String,
    amount: String,
}

#[derive(Debug, Serialize)]
struct VerdictDocument<'a> {
    batch: String,
    law: u8,
    statement: &'a str,
    checked: u64,
    unit: &'a str,
    broken: u64,
    offenders: &'a [String],
}

impl<'a> VerifyDocument<'a> {
    fn new(output: &'a str, report: &'a Report, failure: Option<&'a Failure>) -> Self {
        Self {
            format: JSON_FORMAT,
            command: "verify",
            output,
            holds: report.holds(),
            error: failure.map(FailureFields::new),
            batches: report.batches.iter().map(ToString::to_string).collect(),
            unpublished: report.unpublished.map(|batch| batch.to_string()),
            sums: SumsDocument::new(&report.sums),
            verdicts: report.verdicts.iter().map(VerdictDocument::new).collect(),
        }
    }
}

impl SumsDocument {
    fn new(sums: &Sums) -> Self {
        Self {
            rows: sums.rows,
            seconds: sums.seconds,
            minutes: sums.minutes,
            free_minutes: sums.free_minutes,
            package_minutes: sums.package_minutes,
            payg_minutes: sums.payg_minutes,
            unbilled_minutes: sums.unbilled_minutes,
            line_amounts: Amount::from_units(sums.line_amounts).to_string(),
            exact: Amount::from_units(sums.exact).to_string(),
            amount: i64::try_from(sums.amount).map_or_else(
                |_| format!("{} cents", sums.amount),
                |cents| Cents::from_units(cents).to_string(),
            ),
        }
    }
}

impl<'a> VerdictDocument<'a> {
    fn new(verdict: &'a Verdict) -> Self {
        Self {
            batch: verdict.batch.to_string(),
            law: verdict.law,
            statement: verdict.statement,
            checked: verdict.checked,
            unit: verdict.unit,
            broken: verdict.broken,
            offenders: &verdict.offenders,
        }
    }
}

/// For people: one row per law over all checked batches, then the offenders.
fn text(document: &VerifyDocument<'_>, look: Look) -> String {
    let batches = match document.batches.as_slice() {
        [only] => format!("batch {only}"),
        [first, .., last] => format!("{} batches, {first} to {last}", thousands(document.batches.len())),
        [] => "no batch".to_owned(),
    };
    let mut table = Table::new([
        ("law", Align::Left),
        ("what it says", Align::Left),
        ("checked", Align::Right),
        ("broken", Align::Right),
    ]);
    for (law, statement, unit) in statements(&document.verdicts) {
        let of_law = || {
            document
                .verdicts
                .iter()
                .filter(|verdict| verdict.statement == statement)
        };
        let checked: u64 = of_law().map(|verdict| verdict.checked).sum();
        let broken: u64 = of_law().map(|verdict| verdict.broken).sum();
        table.row([
            law.to_string(),
            statement.to_owned(),
            format!("{} {unit}", thousands(checked)),
            thousands(broken),
        ]);
    }
    let mut text = format!("{batches} in {}\n\n{}", document.output, table.render(look));
    for verdict in document.verdicts.iter().filter(|verdict| verdict.broken > 0) {
        text.push_str(&format!(
            "\nlaw {} is broken in batch {}: {}\n",
            verdict.law, verdict.batch, verdict.statement
        ));
        for offender in verdict.offenders {
            text.push_str(&format!("  {offender}\n"));
        }
    }
    if let Some(batch) = &document.unpublished {
        text.push_str(&format!(
            "\n{batch} is committed and not published yet: it was checked where it is staged, and the next settle publishes it\n"
        ));
    }
    if document.holds {
        text.push_str(&format!("\n{}\n", look.good("every law holds")));
    }
    text
}

/// The laws in order, each statement once.
fn statements<'a>(verdicts: &[VerdictDocument<'a>]) -> Vec<(u8, &'a str, &'a str)> {
    let mut statements: Vec<(u8, &str, &str)> = Vec::new();
    for verdict in verdicts {
        if !statements
            .iter()
            .any(|(_, statement, _)| *statement == verdict.statement)
        {
            statements.push((verdict.law, verdict.statement, verdict.unit));
        }
    }
    statements.sort_by_key(|(law, _, _)| *law);
    statements
}
