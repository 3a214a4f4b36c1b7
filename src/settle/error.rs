//! Why a run of `settle` ended, and the exit code of each reason.

use crate::config::ConfigError;
use crate::inputs::catalog::ReadError;
use crate::inputs::dimensions::DimensionError;
use crate::inputs::partitions::IncompletePartition;
use crate::inputs::rejects::Reason;
use crate::inputs::usage::ScanError;
use crate::ledger::batch::LedgerError;
use crate::rules::error::RuleError;
use crate::store::StoreError;
use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::BillingDay;

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
    /// Relay samples, screenshots or logins are wrong (exit 3) or cannot be read (exit 5).
    #[error("cannot settle {day}: inputs.{input}: {source}")]
    Measured {
        /// The day.
        day: BillingDay,
        /// The input.
        input: &'static str,
        /// What is wrong.
        source: ScanError,
    },
    /// A partition that the day needs is not there (exit 3).
    #[error(
        "cannot settle {day}: no usage files in date={partition} under {url}; missing data never bills zero: \
         upload the partition, then run again, or pass --accept-thin-day to settle the day without it"
    )]
    MissingPartition {
        /// The day.
        day: BillingDay,
        /// The partition's date.
        partition: BillingDay,
        /// The usage URL.
        url: String,
    },
    /// A partition that the day needs is still being written (exit 3).
    #[error("cannot settle {day}: {source}")]
    IncompletePartition {
        /// The day.
        day: BillingDay,
        /// The partition.
        source: IncompletePartition,
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
        "cannot settle {day}: {total} rejected rows ({}), max_rejected_rows is {limit}; {written}",
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
        /// How many were written where, or why they could not be.
        written: String,
    },
    /// More accounts would be suspended or removed than the job allows (exit 3).
    #[error(
        "cannot settle {day}: it would newly suspend or remove {count} accounts, max_new_suspensions is {limit}: {}; look \
         whether payments are missing, then raise the limit or pass --accept-suspensions",
        named(.accounts, .count)
    )]
    TooManySuspensions {
        /// The day.
        day: BillingDay,
        /// How many.
        count: u64,
        /// The job's limit.
        limit: u64,
        /// The first of them, ascending.
        accounts: Vec<i64>,
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
    /// A package that the ledger lists is now said to be bought later (exit 3).
    #[error(
        "cannot settle {day}: package {package} of account {account} is in the ledger since before {day}, but its purchased_at \
         is {day} or later: put it back, or give the new purchase an id of its own"
    )]
    PurchaseMoved {
        /// The day.
        day: BillingDay,
        /// The account.
        account: i64,
        /// The package.
        package: String,
    },
    /// A settled day was asked for whose inputs have changed since (exit 2).
    #[error(
        "{day} is settled, and {change} since; this version cannot post corrections, so nothing was posted: put the \
         inputs back, or leave the day out"
    )]
    Changed {
        /// The day.
        day: BillingDay,
        /// What has changed.
        change: String,
    },
    /// A total of the day leaves 64 bits (exit 3).
    #[error("cannot settle {day}: the day's {what} are out of range")]
    OutOfRange {
        /// The day.
        day: BillingDay,
        /// Which total.
        what: &'static str,
    },
    /// A day outside the years 1970 to 2999 (exit 2).
    #[error("the day is {0}")]
    OutsideCalendar(#[from] OutsideCalendar),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store failed (exit 5).
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Accounts, and how many there are beyond those that are named.
fn named(accounts: &[i64], count: &u64) -> String {
    let mut named: Vec<String> = accounts.iter().map(i64::to_string).collect();
    let more = count.saturating_sub(accounts.len() as u64);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}

fn reasons(counts: &[(Reason, u64)]) -> String {
    let listed: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{} {count}", reason.as_str()))
        .collect();
    listed.join(", ")
}

impl From<ReadError> for SettleError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Config(error) => Self::Config(error),
            ReadError::Store(error) => Self::Store(error),
        }
    }
}

impl SettleError {
    /// The exit code of SPEC section 5.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) | Self::Changed { .. } | Self::OutsideCalendar(_) => 2,
            Self::Rules {
                source: RuleError::Unpriced { .. },
                ..
            } => 2,
            Self::Dimensions(DimensionError::Store(_)) => 5,
            Self::Scan {
                source: ScanError::Store(_),
                ..
            }
            | Self::Measured {
                source: ScanError::Store(_),
                ..
            } => 5,
            Self::Dimensions(_)
            | Self::Scan { .. }
            | Self::Measured { .. }
            | Self::MissingPartition { .. }
            | Self::IncompletePartition { .. }
            | Self::ThinDay { .. }
            | Self::TooManyRejects { .. }
            | Self::TooManySuspensions { .. }
            | Self::Rules { .. }
            | Self::AccountGone { .. }
            | Self::PurchaseMoved { .. }
            | Self::OutOfRange { .. } => 3,
            Self::Ledger(LedgerError::NotSettled { .. }) => 2,
            Self::Ledger(LedgerError::Damaged { .. }) => 3,
            Self::Ledger(LedgerError::LostRace { .. }) => 4,
            Self::Ledger(LedgerError::Store(_)) | Self::Store(_) => 5,
        }
    }
}
