//! Single cells of rows in the ledger's form, by the names of their columns.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int16Type, Int64Type, TimestampMicrosecondType};

use crate::ledger::tables::Table;
use crate::units::quantity::{BillingDay, Instant};

/// Rows of one table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableRows<'a> {
    pub table: Table,
    pub batch: &'a RecordBatch,
}

impl<'a> TableRows<'a> {
    /// How many there are.
    pub(super) fn len(self) -> usize {
        self.batch.num_rows()
    }

    /// A cell as text, decimals with all digits of their column; None: null.
    pub(super) fn text(self, row: usize, name: &str) -> Option<String> {
        let column = self.column(name);
        (!column.is_null(row)).then(|| shown(column, row))
    }

    /// A cell that is never null.
    pub(super) fn must(self, row: usize, name: &str) -> String {
        self.text(row, name).unwrap_or_default()
    }

    /// A cell of an integer column that is never null.
    pub(super) fn integer(self, row: usize, name: &str) -> i64 {
        self.column(name).as_primitive::<Int64Type>().value(row)
    }

    /// A cell of a decimal column that is never null, in units of its last digit.
    pub(super) fn units(self, row: usize, name: &str) -> i128 {
        self.column(name).as_primitive::<Decimal128Type>().value(row)
    }

    /// A cell of a date column that is never null.
    pub(super) fn day(self, row: usize, name: &str) -> BillingDay {
        let days = self.column(name).as_primitive::<Date32Type>().value(row);
        BillingDay::from_epoch_days(days).unwrap_or(BillingDay::from_date(chrono::NaiveDate::MIN))
    }

    fn column(self, name: &str) -> &'a dyn Array {
        self.batch
            .column_by_name(name)
            .expect("rows in the ledger's form have every column of their table")
    }
}

fn shown(column: &dyn Array, row: usize) -> String {
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().value(row);
            BillingDay::from_epoch_days(days).map_or_else(|| format!("day {days}"), |day| day.to_string())
        }
        DataType::Timestamp(..) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            Instant::from_micros(micros).to_string()
        }
        other => unreachable!("no table has columns of type {other}"),
    }
}
