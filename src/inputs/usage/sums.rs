//! What row groups of a thread are summed into.

use super::groups::{Runs, Table};

/// Where one thread's sums go.
pub(super) struct Sums<'a> {
    /// This thread's table.
    pub table: &'a mut Table,
    /// Where it goes when it is full.
    pub runs: &'a Runs,
    /// Told how many rows have been read.
    pub progress: &'a (dyn Fn(u64) + Sync),
}
