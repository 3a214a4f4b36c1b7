//! The night: plan -> scan -> rules -> post, day by day.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::ConfigError;
use crate::inputs::dimensions::DimensionError;
use crate::inputs::rejects::Reason;
use crate::inputs::usage::ScanError;
use crate::job::Job;
use crate::ledger::batch::LedgerError;
use crate::ledger::record::{BatchId, ControlTotals};
use crate::rules::account_day::RuleError;
use crate::rules::quantity::{BillingDay, Instant};
use crate::store::StoreError;

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
    /// The day is posted or was settled before.
    fn day_ends(&self, report: &DayReport);
}

/// Settles days.
///
/// # Errors
/// [`SettleError`]; days before the one that failed stay posted, nothing of the failed one is.
pub fn settle(job: &Job, options: &SettleOptions, progress: &dyn Progress) -> Result<Night, SettleError> {
    let _ = (job, options, progress);
    todo!("settle")
}

/// Why a run ended, with the exit code that tells a scheduler what to do.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// Job or catalog are wrong (exit 2).
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The days asked for cannot be settled (exit 2).
    #[error("{0}")]
    Usage(String),
    /// A dimension is wrong (exit 3) or cannot be read (exit 5).
    #[error(transparent)]
    Dimensions(#[from] DimensionError),
    /// Usage is wrong (exit 3) or cannot be read (exit 5).
    #[error("cannot settle {day}: {source}")]
    Scan {
        /// The day.
        day: BillingDay,
        /// What is wrong.
        source: ScanError,
    },
    /// A partition that the day needs is not there (exit 3).
    #[error(
        "cannot settle {day}: no usage files in date={partition} under {url}; missing data never bills zero: \
         upload the partition, then run again"
    )]
    MissingPartition {
        /// The day.
        day: BillingDay,
        /// The partition's date.
        partition: BillingDay,
        /// The usage URL.
        url: String,
    },
    /// Far fewer rows than the days before (exit 3).
    #[error(
        "cannot settle {day}: {rows} accepted rows, but the {days} settled days before have {mean} on average, and \
         min_day_ratio asks for at least {least}; look for missing files, or pass --accept-thin-day"
    )]
    ThinDay {
        /// The day.
        day: BillingDay,
        /// Its accepted rows.
        rows: u64,
        /// How many days the mean is over.
        days: usize,
        /// Their mean, rounded down.
        mean: u64,
        /// The least that would do.
        least: u64,
    },
    /// More rejects than the job tolerates (exit 3).
    #[error(
        "cannot settle {day}: {total} rejected rows ({}), max_rejected_rows is {limit}; {written} of them are in {out}",
        reasons(.counts)
    )]
    TooManyRejects {
        /// The day.
        day: BillingDay,
        /// How many rows.
        total: u64,
        /// By reason, in order of precedence, zero counts left out.
        counts: Vec<(Reason, u64)>,
        /// The job's limit.
        limit: u64,
        /// How many were written.
        written: usize,
        /// Where.
        out: String,
    },
    /// The rules cannot settle an account (exit 2 for a missing price, else 3).
    #[error("cannot settle {day}: {source}")]
    Rules {
        /// The day.
        day: BillingDay,
        /// What is wrong.
        source: RuleError,
    },
    /// An account of the ledger is not in the dimensions (exit 3).
    #[error(
        "cannot settle {day}: account {account} has a balance in the ledger but is not in the accounts dimension; \
         put its row back"
    )]
    AccountGone {
        /// The day.
        day: BillingDay,
        /// The account.
        account: i64,
    },
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store failed (exit 5).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A local file could not be written (exit 5).
    #[error("{path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

fn reasons(counts: &[(Reason, u64)]) -> String {
    let listed: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{} {count}", reason.as_str()))
        .collect();
    listed.join(", ")
}

impl SettleError {
    /// The exit code of SPEC section 5.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Rules {
                source: RuleError::Unpriced { .. },
                ..
            } => 2,
            Self::Dimensions(DimensionError::Store(_)) => 5,
            Self::Scan {
                source: ScanError::Store(_),
                ..
            } => 5,
            Self::Dimensions(_)
            | Self::Scan { .. }
            | Self::MissingPartition { .. }
            | Self::ThinDay { .. }
            | Self::TooManyRejects { .. }
            | Self::Rules { .. }
            | Self::AccountGone { .. } => 3,
            Self::Ledger(LedgerError::NotSettled { .. }) => 2,
            Self::Ledger(LedgerError::Damaged { .. }) => 3,
            Self::Ledger(LedgerError::LostRace { .. }) => 4,
            Self::Ledger(LedgerError::Store(_)) | Self::Store(_) | Self::Write { .. } => 5,
        }
    }
}
