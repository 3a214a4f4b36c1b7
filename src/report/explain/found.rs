//! What is posted of an account's day, edited or not: each table is read once.

use crate::ledger::batch::{Ledger, LedgerError};
use crate::ledger::posted::{AsFound, Posted};
use crate::ledger::tables::Table;
use crate::units::quantity::AccountId;

use super::compare::COMPARED;
use super::past::Batch;

/// The tables that are compared, and `usage_periods`, which the recomputation begins with in five-minute steps.
pub(super) struct FoundTables(Vec<(Table, AsFound)>);

impl FoundTables {
    pub(super) fn of_account(ledger: &Ledger, batch: &Batch, account: AccountId) -> Result<Self, LedgerError> {
        let posted = Posted::new(ledger, &batch.record);
        let tables = COMPARED.into_iter().chain([Table::UsagePeriods]);
        let found = tables.map(|table| Ok((table, posted.rows_as_found(table, account)?)));
        found.collect::<Result<_, LedgerError>>().map(Self)
    }

    /// One of these tables.
    pub(super) fn of(&self, table: Table) -> &AsFound {
        let mut tables = self.0.iter();
        let found = tables.find(|(known, _)| *known == table);
        found
            .map(|(_, rows)| rows)
            .expect("a table that is compared, or usage_periods")
    }
}
