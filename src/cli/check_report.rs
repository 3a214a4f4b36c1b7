//! What `check` understood of a job, its catalog and its inputs: one value, shown as text or JSON.

use serde::Serialize;

use crate::catalog::book::Book;
use crate::inputs::measured::Input;
use crate::inputs::partitions::Listing;
use crate::job::{Job, Shape};
use crate::rules::account_day::DeductionPeriod;
use crate::store::Location;
use crate::units::quantity::BillingDay;

use super::check_catalog::CatalogPart;
use super::terminal::JSON_FORMAT;

/// Everything that `check` prints; its serialisation is the JSON document.
#[derive(Debug, Serialize)]
pub(crate) struct CheckReport {
    format: u32,
    command: &'static str,
    pub job: JobPart,
    pub inputs: Vec<InputPart>,
    pub usage: UsagePart,
    pub catalog: CatalogPart,
    pub next: String,
}

/// The job file.
#[derive(Debug, Serialize)]
pub(crate) struct JobPart {
    pub path: String,
    pub digest: String,
    pub name: String,
    pub timezone: String,
    pub billing_time: String,
    pub deduction_period: &'static str,
    pub catalog: String,
    pub output: String,
    pub max_rejected_rows: u64,
    pub min_day_ratio: String,
    pub lookback_days: u32,
    pub allow_duplicate_files: bool,
    pub max_new_suspensions: u64,
    pub dunning_from: Option<String>,
}

/// A dimension, or another input beside usage.
#[derive(Debug, Serialize)]
pub(crate) struct InputPart {
    pub input: &'static str,
    pub location: Option<String>,
    pub rows: Option<u64>,
    pub files: Option<usize>,
    pub bytes: Option<u64>,
}

/// The partitioned inputs as their listings show them.
pub(crate) struct Listings {
    pub usage: Listing,
    /// Those that the job gives.
    pub measured: Vec<(Input, Listing)>,
}

/// The usage input, as its listing shows it.
#[derive(Debug, Serialize)]
pub(crate) struct UsagePart {
    pub location: String,
    pub shape: &'static str,
    pub partition_timezone: String,
    pub partitions: usize,
    pub first_partition: Option<String>,
    pub last_partition: Option<String>,
    pub files: usize,
    pub bytes: u64,
}

impl CheckReport {
    /// What was understood. `rows` counts a dimension's rows, prices are those in force on `today`.
    pub(crate) fn new(
        job: &Job,
        book: &Book,
        rows: &dyn Fn(&str) -> Option<u64>,
        listings: &Listings,
        today: BillingDay,
    ) -> Self {
        let usage = usage_part(job, &listings.usage);
        let next = match &usage.first_partition {
            Some(first) => format!("nightbill settle {} --day {first}", job.path.display()),
            None => format!("nightbill settle {}", job.path.display()),
        };
        Self {
            format: JSON_FORMAT,
            command: "check",
            job: job_part(job),
            inputs: input_parts(job, rows, &listings.measured),
            usage,
            catalog: CatalogPart::new(book, today),
            next,
        }
    }
}

fn job_part(job: &Job) -> JobPart {
    JobPart {
        path: job.path.display().to_string(),
        digest: job.digest.clone(),
        name: job.name.clone(),
        timezone: job.calendar.zone().name().to_owned(),
        billing_time: job.calendar.billing_time().format("%H:%M").to_string(),
        deduction_period: match job.deduction_period {
            DeductionPeriod::Day => "day",
            DeductionPeriod::FiveMinutes => "5min",
        },
        catalog: job.catalog.to_string(),
        output: job.output.to_string(),
        max_rejected_rows: job.max_rejected_rows,
        min_day_ratio: millionths(job.min_day_ratio_millionths),
        lookback_days: job.lookback_days,
        allow_duplicate_files: job.allow_duplicate_files,
        max_new_suspensions: job.max_new_suspensions,
        dunning_from: job.dunning_from.map(|day| day.to_string()),
    }
}

fn millionths(count: u32) -> String {
    super::format::plain(&format!("{}.{:06}", count / 1_000_000, count % 1_000_000))
}

fn input_parts(job: &Job, rows: &dyn Fn(&str) -> Option<u64>, measured: &[(Input, Listing)]) -> Vec<InputPart> {
    let inputs = &job.inputs;
    let dimensions: [(&'static str, Option<&Location>); 7] = [
        ("accounts", Some(&inputs.accounts)),
        ("packages", Some(&inputs.packages)),
        ("payments", Some(&inputs.payments)),
        ("apps", inputs.apps.as_ref()),
        ("refund_requests", inputs.refund_requests.as_ref()),
        ("opening", inputs.opening.as_ref()),
        ("opening_grants", inputs.opening_grants.as_ref()),
    ];
    let dimensions = dimensions.into_iter().map(|(input, location)| InputPart {
        input,
        location: location.map(ToString::to_string),
        rows: location.and_then(|_| rows(input)),
        files: None,
        bytes: None,
    });
    let measured = Input::ALL.into_iter().map(|input| {
        let listed = measured.iter().find(|(other, _)| *other == input);
        let held = listed.map(|(_, listing)| files_and_bytes(listing));
        InputPart {
            input: input.as_str(),
            location: input.of_job(job).map(|named| named.location.to_string()),
            rows: None,
            files: held.map(|(files, _)| files),
            bytes: held.map(|(_, bytes)| bytes),
        }
    });
    dimensions.chain(measured).collect()
}

fn files_and_bytes(listing: &Listing) -> (usize, u64) {
    let files = || listing.partitions.values().flatten();
    (files().count(), files().map(|file| file.size).sum())
}

fn usage_part(job: &Job, listing: &Listing) -> UsagePart {
    let usage = &job.inputs.usage;
    let (files, bytes) = files_and_bytes(listing);
    UsagePart {
        location: usage.partitions.location.to_string(),
        shape: match usage.shape {
            Shape::Seconds => "seconds",
            Shape::Streams => "streams",
            Shape::Daily => "daily",
        },
        partition_timezone: usage.partitions.zone.name().to_owned(),
        partitions: listing.partitions.len(),
        first_partition: listing.partitions.keys().next().map(ToString::to_string),
        last_partition: listing.partitions.keys().next_back().map(ToString::to_string),
        files,
        bytes,
    }
}

#[cfg(test)]
mod tests;
