//! Where every account stood at the end of a settled day: the snapshots of its batch, plus what later batches posted for
//! days up to it. Read in account order, never all at once.

use crate::rules::facts::Opening;
use crate::rules::quantity::{AccountId, BillingDay};

use super::batch::{Ledger, LedgerError};

/// An account at the end of a settled day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub account: AccountId,
    /// Balance, payments and grants.
    pub opening: Opening,
    /// Digest of the dated facts that its batch knew.
    pub facts: i64,
}

/// Account states in account order.
pub struct StateReader {
    // ledger helper: the snapshot files, read row group by row group
}

/// The state at the end of `day`; empty when `day` is None (before the first settled day).
///
/// # Errors
/// [`LedgerError`] when the day is not settled or its files are not as recorded.
pub fn state_at(ledger: &Ledger, day: Option<BillingDay>) -> Result<StateReader, LedgerError> {
    let _ = (ledger, day);
    todo!("ledger helper")
}

impl Iterator for StateReader {
    type Item = Result<AccountState, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!("ledger helper")
    }
}
