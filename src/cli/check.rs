//! `nightbill check`: reads job, catalog and dimensions, and says what it understood. Posts nothing.

use chrono::Utc;
use clap::Args;

use crate::catalog::parse::parse;
use crate::inputs::catalog::read;
use crate::inputs::dimensions::Dimensions;
use crate::inputs::measured::Input;
use crate::inputs::partitions::{self, Listing};
use crate::job::{Job, PartitionedInput};
use crate::settle::{not_acted_on, without_item};
use crate::store::{Store, StoreError};
use crate::units::quantity::Instant;

use super::args::JobArgs;
use super::check_report::{CheckReport, Listings};
use super::check_text::text;
use super::failure::Failure;
use super::terminal::Terminal;

/// Check a job: read it with its catalog and dimensions, and say what they mean
///
/// Every broken rule is named with file, line and column, or file, row, column and value. Files of usage, relay,
/// screenshots and logins are listed, not read. Nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill check jobs/nightly.toml\n  \
    nightbill check jobs/nightly.toml --set catalog=catalog/next-year.toml\n  \
    nightbill check jobs/nightly.toml --output json")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    job: JobArgs,
}

/// Checks, and prints what it understood.
pub(crate) fn run(args: &CheckArgs, terminal: &Terminal) -> Result<(), Failure> {
    let job = Job::load(&args.job.job, &args.job.overrides)?;
    let catalog = read(&job.catalog)?;
    let book = parse(&catalog.path, &catalog.text)?;
    let dimensions = Dimensions::load(&job, &book, &job.calendar)?;
    let listings = listings(&job)?;
    let today = job.calendar.day_of(Instant::from(Utc::now())).map_err(|error| {
        Failure::usage(
            format!("the clock is {error}"),
            "set the system's clock: prices are shown as of today",
        )
    })?;
    for gap in not_acted_on(&job).into_iter().chain(without_item(&job, &book)) {
        terminal.warn(&gap);
    }
    let no_usage = partitions::empty_warning(&listings.usage, &job.inputs.usage.partitions.location);
    let strays = listings.measured.iter();
    let strays = strays.filter_map(|(input, listing)| listing.stray_warning(input.as_str()));
    for warning in no_usage
        .into_iter()
        .chain(listings.usage.stray_warning("usage"))
        .chain(strays)
    {
        terminal.warn(&warning);
    }
    let rows = |dimension: &str| dimensions.rows(dimension);
    terminal.result(&CheckReport::new(&job, &book, &rows, &listings, today), text)
}

fn listings(job: &Job) -> Result<Listings, Failure> {
    let mut measured = Vec::new();
    for input in Input::ALL {
        if let Some(given) = input.of_job(job) {
            measured.push((input, list(given)?));
        }
    }
    Ok(Listings {
        usage: list(&job.inputs.usage.partitions)?,
        measured,
    })
}

/// A directory that does not exist yet has no partitions.
fn list(input: &PartitionedInput) -> Result<Listing, Failure> {
    let listed = Store::open(&input.location).and_then(|store| partitions::list(&store));
    match listed {
        Err(StoreError::NotFound { .. }) => Ok(Listing::default()),
        listed => Ok(listed?),
    }
}
