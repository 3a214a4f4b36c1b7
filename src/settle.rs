//! The night: plan -> scan -> rules -> post, day by day.

mod error;
pub(crate) mod facts_digest;
mod gates;
mod measured;
mod night;
mod not_yet;
pub(crate) mod openings;
mod plan;
mod run;
mod totals;
mod unchanged;
mod warnings;

use std::path::PathBuf;
use std::time::Duration;

use crate::job::Job;
use crate::ledger::record::{BatchId, ControlTotals};
use crate::units::quantity::{BillingDay, Instant};

pub use error::SettleError;
pub use measured::without_item;
pub use not_yet::not_acted_on;

/// Which days to settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// From the one after the last settled day to the latest whose billing time has passed.
    Unsettled,
    /// From this day to that one, both included.
    Range(BillingDay, BillingDay),
}

/// How to settle.
#[derive(Debug, Clone)]
pub struct SettleOptions {
    /// Which days.
    pub days: Days,
    /// Settle a day although it has far fewer rows than the days before.
    pub accept_thin_day: bool,
    /// Settle a day although it would newly suspend or remove more accounts than the job allows.
    pub accept_suspensions: bool,
    /// Where rejected rows go when there are too many; None: `rejects-<day>.parquet` in the working directory.
    pub rejects_out: Option<PathBuf>,
    /// The clock, used only to tell whether a day's billing time has come.
    pub now: Instant,
}

/// What a run of `settle` did.
#[derive(Debug, Clone)]
pub struct Night {
    /// The job's name.
    pub job: String,
    /// ISO 4217 code.
    pub currency: String,
    /// The output directory.
    pub output: String,
    /// Whether the publishing of an earlier run's last commit had to be finished first.
    pub finished_publishing: bool,
    /// Day by day; empty when every day whose billing time has passed is settled.
    pub days: Vec<DayReport>,
    /// What the user should know, each once.
    pub warnings: Vec<String>,
}

/// What became of one day.
#[derive(Debug, Clone)]
pub struct DayReport {
    /// The day.
    pub day: BillingDay,
    /// Its batch.
    pub batch: BatchId,
    /// Posted by this run, or settled before.
    pub outcome: DayOutcome,
    /// What the batch adds up to.
    pub totals: ControlTotals,
    /// How long each stage took; empty unless posted by this run.
    pub stages: Vec<(Stage, Duration)>,
}

/// Whether a day was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOutcome {
    /// By this run.
    Posted,
    /// Before, with the same inputs: nothing changed.
    Unchanged,
}

/// A stage of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading dimensions (once per run, told with the first day).
    Dimensions,
    /// Reading what monthly items are billed for, on days that bill them.
    Measured,
    /// Scanning usage.
    Scan,
    /// Rules, and encoding and staging of the tables, which overlap.
    Settle,
    /// Commit and publishing.
    Publish,
}

impl Stage {
    /// For people and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dimensions => "dimensions",
            Self::Measured => "measured",
            Self::Scan => "scan",
            Self::Settle => "settle",
            Self::Publish => "publish",
        }
    }
}

/// Told how a run is getting on, from any thread.
pub trait Progress: Sync {
    /// A day's scan begins; it will read this many files and bytes.
    fn scan_begins(&self, day: BillingDay, files: usize, bytes: u64);
    /// Rows read by the scan since the last call.
    fn rows_read(&self, rows: u64);
    /// A day's rules begin, over this many accounts.
    fn rules_begin(&self, day: BillingDay, accounts: usize);
    /// Accounts settled since the last call.
    fn accounts_settled(&self, accounts: usize);
    /// The day is posted.
    fn day_ends(&self, report: &DayReport);
    /// The user should know this; each warning is told once, also when the run ends early.
    fn warning(&self, warning: &str);
}

/// A run that nobody watches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn scan_begins(&self, _: BillingDay, _: usize, _: u64) {}
    fn rows_read(&self, _: u64) {}
    fn rules_begin(&self, _: BillingDay, _: usize) {}
    fn accounts_settled(&self, _: usize) {}
    fn day_ends(&self, _: &DayReport) {}
    fn warning(&self, _: &str) {}
}

/// Settles days.
///
/// # Errors
/// [`SettleError`]; days before the one that failed stay posted, nothing of the failed one is.
pub fn settle(job: &Job, options: &SettleOptions, progress: &dyn Progress) -> Result<Night, SettleError> {
    run::run(job, options, progress)
}
