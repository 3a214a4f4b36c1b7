//! Why a day was not rewritten, and the exit code of each reason.

use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use crate::inputs::parquet::error::FileError;
use crate::inputs::partitions::IncompletePartition;
use crate::inputs::usage::ScanError;
use crate::store::StoreError;
use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::BillingDay;

/// Why a day was not rewritten. Nothing of it is left in the target then.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// The target is within what the job names, or around it (exit 2).
    #[error(
        "{target} and {key} of the job lie in one another: name a directory of its own, nothing is rewritten in place"
    )]
    Overlaps {
        /// The target.
        target: String,
        /// The job's key.
        key: String,
    },
    /// The target holds something of that day already (exit 2).
    #[error("{path} is there already: name another target, or delete what it holds of that day")]
    NotEmpty {
        /// An object of the day.
        path: String,
    },
    /// The job's usage is of a shape that is not rewritten (exit 2).
    #[error("the job's usage is of shape {0:?}: compact rewrites shape \"seconds\"")]
    Shape(&'static str),
    /// The day has no files (exit 3).
    #[error("no usage files in date={day} under {url}: there is nothing to rewrite")]
    MissingPartition {
        /// The partition's date.
        day: BillingDay,
        /// The usage URL.
        url: String,
    },
    /// The day's partition is being written, or was left half written (exit 3).
    #[error(transparent)]
    IncompletePartition(#[from] IncompletePartition),
    /// The day's files are not what they should be (exit 3) or changed under the run (exit 5).
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The day is beyond the calendar (exit 2).
    #[error("the day is {0}")]
    OutsideCalendar(#[from] OutsideCalendar),
    /// The temporary directory cannot be written or read (exit 5).
    #[error("{}: {source}", path.display())]
    Temporary {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file in the temporary directory cannot be written or read (exit 5).
    #[error("{}: {source}", path.display())]
    TemporaryParquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// Files came or went in the partition under the run (exit 5).
    #[error("date={0} was changed while it was rewritten: run the same command again")]
    Changed(BillingDay),
    /// A store failed (exit 5).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was written does not hold what was read: a bug (exit 1).
    #[error("what was written differs from what was read in {0}; it was deleted again")]
    Differs(&'static str),
}

impl CompactError {
    pub(super) fn temporary(path: &Path, source: std::io::Error) -> Self {
        Self::Temporary {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn parquet(path: &Path, source: impl Into<ParquetError>) -> Self {
        Self::TemporaryParquet {
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// The exit code of SPEC section 5.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Differs(_) => 1,
            Self::Overlaps { .. } | Self::NotEmpty { .. } | Self::Shape(_) | Self::OutsideCalendar(_) => 2,
            Self::Scan(ScanError::Store(_)) => 5,
            Self::MissingPartition { .. } | Self::IncompletePartition(_) | Self::Scan(_) => 3,
            Self::Temporary { .. } | Self::TemporaryParquet { .. } | Self::Changed(_) | Self::Store(_) => 5,
        }
    }
}

/// Why rows are no longer handed over.
pub(super) enum Halt {
    /// Who takes them has failed, and says why when it is joined.
    HungUp,
    /// They cannot be read.
    Failed(CompactError),
}

impl From<CompactError> for Halt {
    fn from(error: CompactError) -> Self {
        Self::Failed(error)
    }
}

impl From<FileError> for Halt {
    fn from(error: FileError) -> Self {
        Self::Failed(ScanError::from(error).into())
    }
}
