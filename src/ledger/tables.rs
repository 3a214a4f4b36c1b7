//! The tables of SPEC section 4: names, schemas and the encoding of rows. The one place that defines them.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::catalog::book::Book;
use crate::inputs::rejects::Reject;
use crate::rules::account_day::{AccountDay, DeductionPeriod};
use crate::rules::facts::UsageGroup;
use crate::rules::quantity::{AccountId, BillingDay, Instant};

/// A table of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Usage by app, day, item and tier.
    UsageDaily,
    /// The same by five-minute period; only with `deduction_period = "5min"`.
    UsagePeriods,
    /// Bill lines.
    BillLines,
    /// Bills.
    Bills,
    /// What grants gave.
    Deductions,
    /// Grants as they stand.
    Grants,
    /// Accounts as they stand.
    Accounts,
    /// Flags for enforcement.
    Flags,
    /// Refund decisions.
    Refunds,
    /// Renewals.
    Renewals,
    /// Rejected usage rows.
    Rejects,
}

impl Table {
    /// Every table, in the order of SPEC section 4.
    pub const ALL: [Self; 11] = [
        Self::UsageDaily,
        Self::UsagePeriods,
        Self::BillLines,
        Self::Bills,
        Self::Deductions,
        Self::Grants,
        Self::Accounts,
        Self::Flags,
        Self::Refunds,
        Self::Renewals,
        Self::Rejects,
    ];

    /// The directory's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::UsageDaily => "usage_daily",
            Self::UsagePeriods => "usage_periods",
            Self::BillLines => "bill_lines",
            Self::Bills => "bills",
            Self::Deductions => "deductions",
            Self::Grants => "grants",
            Self::Accounts => "accounts",
            Self::Flags => "flags",
            Self::Refunds => "refunds",
            Self::Renewals => "renewals",
            Self::Rejects => "rejects",
        }
    }

    /// Its columns.
    pub fn schema(self) -> SchemaRef {
        todo!("ledger helper")
    }
}

/// Rows of all tables for a run of accounts in ascending order, as Arrow batches: what one rayon task makes and the one
/// writer takes.
pub struct Rows {
    /// One batch per table, by position in [`Table::ALL`].
    pub batches: Vec<RecordBatch>,
}

/// Builds [`Rows`] account by account.
pub struct RowsBuilder<'a> {
    context: RowContext<'a>,
}

/// What all rows of a batch share.
#[derive(Clone, Copy)]
pub struct RowContext<'a> {
    /// Names of items, tiers, plans, lists.
    pub book: &'a Book,
    /// The billing day.
    pub day: BillingDay,
    /// The day's billing time: `issued_at`.
    pub issued_at: Instant,
    /// Whether `usage_periods` has rows.
    pub deduction_period: DeductionPeriod,
}

impl<'a> RowsBuilder<'a> {
    /// An empty builder.
    pub fn new(context: RowContext<'a>) -> Self {
        Self { context }
    }

    /// Adds an account's day; accounts come in ascending order. `periods` are its usage groups (`usage_periods` rows with
    /// 5-minute deduction), `facts` the digest of its dated facts.
    pub fn push_account(&mut self, account: AccountId, day: &AccountDay<'_>, periods: &[UsageGroup], facts: i64) {
        let _ = (account, day, periods, facts, &self.context);
        todo!("ledger helper")
    }

    /// Adds rejected rows, sorted as the table is.
    pub fn push_rejects(&mut self, rejects: &[Reject]) {
        let _ = rejects;
        todo!("ledger helper")
    }

    /// The rows.
    pub fn finish(self) -> Rows {
        todo!("ledger helper")
    }
}
