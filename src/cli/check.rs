//! `nightbill check`: reads job, catalog and dimensions, and says what it understood. Posts nothing.

use std::path::PathBuf;

use chrono::Utc;
use clap::Args;

use crate::catalog::book::Book;
use crate::catalog::parse;
use crate::inputs::dimensions::Dimensions;
use crate::inputs::partitions::{self, Listing};
use crate::job::Job;
use crate::rules::quantity::Instant;
use crate::store::{Location, Store, StoreError};

use super::args::JobArgs;
use super::check_report::CheckReport;
use super::check_text::text;
use super::failure::{EXIT_USAGE, Failure};
use super::terminal::Terminal;

/// Check a job: read it with its catalog and dimensions, and say what they mean
///
/// Every broken rule is named with file, line and column, or file, row, column and value. Usage files are listed, not
/// read. Nothing is written.
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
    let book = read_catalog(&job.catalog)?;
    let dimensions = Dimensions::load(&job, &book, &job.calendar)?;
    let listing = list_usage(&job)?;
    let today = job.calendar.day_of(Instant::from(Utc::now())).map_err(|error| {
        Failure::usage(
            format!("the clock is {error}"),
            "set the system's clock: prices are shown as of today",
        )
    })?;
    for stray in &listing.strays {
        terminal.warn(&format!(
            "usage: {stray} is neither a Parquet file nor in a date= partition: ignored"
        ));
    }
    let rows = |dimension: &str| dimensions.rows(dimension);
    terminal.result(&CheckReport::new(&job, &book, &rows, &listing, today), text)
}

fn read_catalog(location: &Location) -> Result<Book, Failure> {
    let (store, objects) = Store::open_objects(location).map_err(|error| no_catalog(location, error))?;
    let [object] = objects.as_slice() else {
        return Err(Failure::usage(
            format!("{location}: the catalog is a directory"),
            "name one TOML file as `catalog` in the job",
        ));
    };
    let bytes = store.get(&object.path).map_err(|error| no_catalog(location, error))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| Failure::usage(format!("{location}: {error}"), "save the catalog as UTF-8"))?;
    Ok(parse::parse(&shown_path(location), text)?)
}

/// How messages name the catalog: by its path where it has one. A location that is not printed as its URL may hold the
/// value of a secret, which its path would show.
fn shown_path(location: &Location) -> PathBuf {
    let (url, shown) = (location.url(), location.to_string());
    let local = (url.scheme() == "file" && url.as_str() == shown)
        .then(|| url.to_file_path().ok())
        .flatten();
    local.unwrap_or_else(|| PathBuf::from(shown))
}

/// A catalog that is not there is a mistake in the job; a store that does not answer is not.
fn no_catalog(location: &Location, error: StoreError) -> Failure {
    match error {
        StoreError::NotFound { .. } => Failure {
            message: format!("{location}: the job's catalog is not there"),
            help: Some("`catalog` is relative to the job file".to_owned()),
            exit_code: EXIT_USAGE,
        },
        other => other.into(),
    }
}

/// A usage directory that does not exist yet has no partitions.
fn list_usage(job: &Job) -> Result<Listing, Failure> {
    let listed = Store::open(&job.inputs.usage.partitions.location).and_then(|store| partitions::list(&store));
    match listed {
        Err(StoreError::NotFound { .. }) => Ok(Listing::default()),
        listed => Ok(listed?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_catalog_is_the_jobs_mistake_a_silent_store_is_not() {
        let location = Location::from_url("file:///jobs/trtc.toml".parse().expect("a URL")).expect("a known scheme");
        let path = "/jobs/trtc.toml".to_owned();
        let missing = no_catalog(&location, StoreError::NotFound { path: path.clone() });
        assert_eq!(missing.exit_code, 2);
        assert_eq!(
            missing.message,
            "file:///jobs/trtc.toml: the job's catalog is not there"
        );
        let silent = no_catalog(
            &location,
            StoreError::Failed {
                path,
                message: "timed out".to_owned(),
            },
        );
        assert_eq!(silent.exit_code, 5);
    }
}
