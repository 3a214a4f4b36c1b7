//! Why the fast way leaves a row group to the way by value, and how much it takes on.

use crate::inputs::parquet::error::Fault;
use crate::store::StoreError;

/// Rows decoded at a time, at most, unless all columns repeat one value.
pub(super) const BLOCK_ROWS: usize = 2_048;

/// Distinct values of a column, at most: with more, ids are no gain, and the memory that they take is not bounded by
/// the file's bytes.
pub(super) const MAX_DISTINCT: usize = 1 << 20;

/// Why a row group is not summed on ids.
#[derive(Debug)]
pub(super) enum Stop {
    /// It has something that only the way by value can tell.
    GiveUp,
    /// The store failed.
    Store(StoreError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            // The way by value meets it again, and says where.
            Fault::Bad(_) => Self::GiveUp,
            Fault::Store(error) => Self::Store(error),
        }
    }
}
