//! `nightbill explain`: how every cent of an account's day came about.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::job::Job;
use crate::ledger::batch::Ledger;
use crate::report::explain::{Explanation, Question, explain, month, page};
use crate::store::Store;
use crate::units::quantity::{AccountId, BillingDay, SdkAppId};

use super::args::{JobArgs, parse_day};
use super::explain_text::text;
use super::failure::{EXIT_INTERNAL, Failure};
use super::run::{Told, told};
use super::terminal::{FailureFields, JSON_FORMAT, Terminal};

/// How every page begins.
const PAGE_BEGINS: &[u8] = b"<!doctype html>";

/// Explain an account's day: how every cent came about
///
/// Tells, as the purchase guide's worked examples do, from seconds to minutes, which grants covered them and which were passed
/// over and why, price, formula, rounding, bills and balance. It computes the day again from what is posted and from the catalog
/// that the day was settled with, and compares every row with the ledger: a difference is shown, and ends with 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill explain jobs/nightly.toml --account 1001 --day 2024-10-12\n  \
    nightbill explain jobs/nightly.toml --account 1001 --app 1300000011 --day 2024-10-12\n  \
    nightbill explain jobs/nightly.toml --account 1001 --day 2024-10-12 --html bill.html")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The account
    #[arg(long, value_name = "A", value_parser = parse_account)]
    account: AccountId,
    /// Only lines of this app (SDKAppID), and of the whole account where it is part of them
    #[arg(long, value_name = "B", value_parser = parse_app)]
    app: Option<SdkAppId>,
    /// The billing day
    #[arg(long, value_name = "D", value_parser = parse_day)]
    day: BillingDay,
    /// Also write a page to send to the customer: one file, nothing to load, ready to print
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn parse_account(text: &str) -> Result<AccountId, String> {
    let number = text.parse().ok().and_then(AccountId::new);
    number.ok_or_else(|| "expected the number of an account".to_owned())
}

fn parse_app(text: &str) -> Result<SdkAppId, String> {
    let number = text.parse().ok().and_then(SdkAppId::new);
    number.ok_or_else(|| "expected the number of an app (SDKAppID)".to_owned())
}

/// Explains, and says whether the ledger agrees; a difference is a failure.
pub(crate) fn run(args: &ExplainArgs, terminal: &Terminal) -> Result<(), Told> {
    let failed = |failure| told(terminal, "explain", failure);
    let (output, explanation) = explained(args).map_err(failed)?;
    let html = args.html.as_ref().map(|path| path.display().to_string());
    let failure = (!explanation.differences.is_empty()).then(differs);
    let document = ExplainDocument {
        format: JSON_FORMAT,
        command: "explain",
        output: &output,
        html: html.as_deref(),
        agrees: failure.is_none(),
        error: failure.as_ref().map(FailureFields::new),
        explanation: &explanation,
    };
    let Some(failure) = &failure else {
        return terminal.asked_for(&document, text).map_err(failed);
    };
    terminal.failed_result(failure, &document, text).map_err(failed)?;
    Err(Told {
        exit_code: EXIT_INTERNAL,
    })
}

fn explained(args: &ExplainArgs) -> Result<(String, Explanation), Failure> {
    if let Some(path) = &args.html {
        check_replaceable(path)?;
    }
    let job = Job::load(&args.job.job, &args.job.overrides)?;
    let ledger = Ledger::open(Store::open(&job.output)?)?;
    let question = Question {
        account: args.account,
        app: args.app,
        day: args.day,
    };
    let explanation = explain(&job, &ledger, question)?;
    if let Some(path) = &args.html {
        let page = page(&explanation, &month(&ledger, args.account, args.day)?)?;
        fs::write(path, page).map_err(|error| Failure::write(&path.display().to_string(), &error))?;
    }
    Ok((job.output.to_string(), explanation))
}

/// A page may replace a page, an empty file or nothing: `--html jobs/nightly.toml` must not cost the job file.
fn check_replaceable(path: &Path) -> Result<(), Failure> {
    if !path.is_file() || is_page(path).map_err(|error| Failure::write(&path.display().to_string(), &error))? {
        return Ok(());
    }
    let message = format!("--html: {} is there already, and is no page", path.display());
    Err(Failure::usage(message, "name another file, or delete that one"))
}

fn is_page(path: &Path) -> io::Result<bool> {
    let mut begins = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut begins)?;
    Ok(begins.is_empty() || begins.starts_with(PAGE_BEGINS))
}

fn differs() -> Failure {
    Failure {
        message: "what is posted is not what the rules make of it".to_owned(),
        help: Some(
            "facts or inputs of the account have changed since, or the output was edited: `nightbill verify` tells which"
                .to_owned(),
        ),
        exit_code: EXIT_INTERNAL,
    }
}

/// The JSON document.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainDocument<'a> {
    format: u32,
    command: &'static str,
    output: &'a str,
    /// The page that was written.
    pub html: Option<&'a str>,
    agrees: bool,
    error: Option<FailureFields<'a>>,
    #[serde(flatten)]
    pub explanation: &'a Explanation,
}
