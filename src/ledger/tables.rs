//! The tables of SPEC section 4: names, schemas and the encoding of rows. The one place that defines them.

mod builders;
mod columns;
mod decisions;
mod rows;

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{Field, Schema, SchemaRef};

pub use columns::{Column, ColumnType};
pub(super) use decisions::{REFUND, REMOVAL, RENEWAL};
pub use rows::{RowContext, Rows, RowsBuilder};

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
    /// The ledger's own decisions that later batches reckon with; for nightbill itself.
    Carried,
}

impl Table {
    /// Every table: those of SPEC section 4 in its order, then nightbill's own.
    pub const ALL: [Self; 12] = [
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
        Self::Carried,
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
            Self::Carried => "_carried",
        }
    }

    /// What one row is, and how rows of several batches go together.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::UsageDaily => "usage per account, app, day, item and tier; adds up over all batches",
            Self::UsagePeriods => {
                "usage_daily by five-minute period, with 5min deduction only; adds up over all batches"
            }
            Self::BillLines => "one line of a bill per account, app, day, item and tier; adds up over all batches",
            Self::Bills => "one bill per account, period and item; adds up over all batches",
            Self::Deductions => "what one grant gave to one line; adds up over all batches",
            Self::Grants => "snapshot of every running or queued grant: the latest batch is now",
            Self::Accounts => "snapshot of every account: the latest batch is now",
            Self::Flags => "snapshot of what enforcement reads: the latest batch is now",
            Self::Refunds => "refund decisions, each posted once",
            Self::Renewals => "packages renewed, each posted once",
            Self::Rejects => "usage rows not billed; of a day: the latest batch that read it",
            Self::Carried => "what nightbill itself carries over from batch to batch: its decisions that still matter",
        }
    }

    /// Its columns, in their order.
    pub fn columns(self) -> &'static [Column] {
        columns::of(self)
    }

    /// The columns that its rows are sorted by, by value (strings by bytes, nulls first).
    pub fn sorted_by(self) -> &'static [&'static str] {
        match self {
            Self::UsageDaily | Self::BillLines => &["account_id", "sdk_app_id", "day", "item", "tier"],
            Self::UsagePeriods => &["account_id", "sdk_app_id", "day", "item", "tier", "period"],
            Self::Bills => &["account_id", "period_start", "item"],
            Self::Deductions => &["account_id", "sdk_app_id", "day", "item", "tier", "grant_id"],
            Self::Grants => &["account_id", "grant_id"],
            Self::Accounts => &["account_id"],
            Self::Flags => &["account_id", "sdk_app_id", "product", "flag"],
            Self::Refunds | Self::Renewals => &["account_id", "package_id"],
            Self::Rejects => &["account_id", "day", "file", "row"],
            Self::Carried => &["account_id", "decision", "package_id", "at"],
        }
    }

    /// Its columns as an Arrow schema.
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; Table::ALL.len()]> = LazyLock::new(|| {
            Table::ALL.map(|table| {
                let fields: Vec<Field> = table.columns().iter().map(Column::field).collect();
                Arc::new(Schema::new(fields))
            })
        });
        Arc::clone(&SCHEMAS[self.position()])
    }

    /// Where it stands in [`Table::ALL`].
    pub fn position(self) -> usize {
        Self::ALL
            .iter()
            .position(|table| *table == self)
            .expect("every table is in the list")
    }
}
