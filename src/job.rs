//! The job file (SPEC 2.8): parsed, validated and resolved once, at the edge.

mod location;
mod overrides;
mod parse;
mod variables;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use crate::config::{self, ConfigError};
use crate::rules::account_day::DeductionPeriod;
use crate::store::Location;
use crate::units::calendar::Calendar;
use crate::units::quantity::BillingDay;

/// A validated job.
#[derive(Debug, Clone)]
pub struct Job {
    /// The file it came from.
    pub path: PathBuf,
    /// Lowercase hex SHA-256 of what it means: its text and its `--set` overrides, `${NAME}` not expanded.
    pub digest: String,
    /// `name`, for people; variables in it are not replaced. Default: the file's name without its ending.
    pub name: String,
    /// `timezone` and `billing_time`.
    pub calendar: Calendar,
    /// Where the catalog is.
    pub catalog: Location,
    /// Where the ledger is.
    pub output: Location,
    /// `deduction_period`.
    pub deduction_period: DeductionPeriod,
    /// `max_rejected_rows`: how many rejects a day tolerates.
    pub max_rejected_rows: u64,
    /// `min_day_ratio`, in millionths (0 to 1,000,000): SPEC 5, thin day.
    pub min_day_ratio_millionths: u32,
    /// `lookback_days`.
    pub lookback_days: u32,
    /// `allow_duplicate_files`.
    pub allow_duplicate_files: bool,
    /// `max_new_suspensions`.
    pub max_new_suspensions: u64,
    /// `dunning_from`; None: the first settled day.
    pub dunning_from: Option<BillingDay>,
    /// `[inputs]`.
    pub inputs: Inputs,
}

/// `[inputs]` of a job.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Per-second usage.
    pub usage: UsageInput,
    /// Accounts.
    pub accounts: Location,
    /// Package purchases.
    pub packages: Location,
    /// Payments.
    pub payments: Location,
    /// Disabled apps.
    pub apps: Option<Location>,
    /// Refund requests.
    pub refund_requests: Option<Location>,
    /// Balances before the first settled day.
    pub opening: Option<Location>,
    /// Used quota before the first settled day.
    pub opening_grants: Option<Location>,
    /// Relay samples.
    pub relay: Option<PartitionedInput>,
    /// Screenshot counts.
    pub screenshots: Option<PartitionedInput>,
    /// Logins.
    pub logins: Option<PartitionedInput>,
}

impl Inputs {
    /// Every location that the job names, with its key.
    pub fn locations(&self) -> Vec<(&'static str, &Location)> {
        let dimensions = [
            ("accounts", Some(&self.accounts)),
            ("packages", Some(&self.packages)),
            ("payments", Some(&self.payments)),
            ("apps", self.apps.as_ref()),
            ("refund_requests", self.refund_requests.as_ref()),
            ("opening", self.opening.as_ref()),
            ("opening_grants", self.opening_grants.as_ref()),
        ];
        let partitioned = [
            ("usage", Some(&self.usage.partitions)),
            ("relay", self.relay.as_ref()),
            ("screenshots", self.screenshots.as_ref()),
            ("logins", self.logins.as_ref()),
        ];
        let partitioned = partitioned.map(|(key, input)| (key, input.map(|input| &input.location)));
        let named = partitioned.into_iter().chain(dimensions);
        named.filter_map(|(key, location)| Some((key, location?))).collect()
    }
}

/// `inputs.usage`.
#[derive(Debug, Clone)]
pub struct UsageInput {
    /// Where its `date=` partitions are.
    pub partitions: PartitionedInput,
    /// What its rows are.
    pub shape: Shape,
}

/// An input in `date=YYYY-MM-DD/` partitions.
#[derive(Debug, Clone)]
pub struct PartitionedInput {
    /// The directory that holds the partitions.
    pub location: Location,
    /// The zone of the partitions' dates.
    pub zone: Tz,
}

/// What a usage row is (SPEC 2.1, 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One row per participant per second (2.1).
    Seconds,
    /// One row per received stream per second (2.2).
    Streams,
    /// Already aggregated by day (2.2).
    Daily,
}

/// One `--set KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Dotted key, `inputs.usage.url`.
    pub key: String,
    /// A TOML value, or else a string.
    pub value: String,
}

impl Job {
    /// Reads and validates a job file. `${NAME}` is taken from the environment.
    ///
    /// # Errors
    /// [`ConfigError`] naming file, line, column and, for an unknown key, the nearest known one.
    pub fn load(path: &Path, overrides: &[Override]) -> Result<Self, ConfigError> {
        let text = config::read(path)?;
        Self::parse(path, &text, overrides, |name| std::env::var_os(name))
    }

    /// Validates the text of a job file. `path` tells where relative paths start, and stands in messages;
    /// `variable` gives the value of an environment variable.
    ///
    /// # Errors
    /// [`ConfigError`] naming file, line, column and, for an unknown key, the nearest known one.
    pub fn parse(
        path: &Path,
        text: &str,
        overrides: &[Override],
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        parse::parse(path, text, overrides, &variable)
    }
}
