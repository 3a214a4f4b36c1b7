//! The order of rewritten rows: by account, app, user where there is one, and time; rows of one key as they came.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use arrow::row::{Row, RowConverter, Rows, SortField};

/// The columns that rows are sorted by, most significant first.
pub(super) const SORTED_BY: [&str; 4] = ["account_id", "sdk_app_id", "user_id", "ts"];

/// Makes keys of rows that compare as bytes. Nulls come first.
pub(super) struct Order {
    columns: Vec<usize>,
    converter: RowConverter,
}

impl Order {
    /// The order of rows of a schema.
    pub(super) fn new(schema: &Schema) -> Self {
        let columns = sorted_columns(schema);
        let fields = columns
            .iter()
            .filter_map(|column| schema.fields().get(*column))
            .map(|field| SortField::new(field.data_type().clone()))
            .collect();
        Self {
            columns,
            converter: RowConverter::new(fields).expect("flat columns have an order"),
        }
    }

    /// The keys of a batch's rows.
    pub(super) fn keys(&self, batch: &RecordBatch) -> Rows {
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|column| batch.column(*column).clone())
            .collect();
        self.converter
            .convert_columns(&columns)
            .expect("batches of one schema have its columns")
    }
}

/// Positions of the columns that rows are sorted by.
pub(super) fn sorted_columns(schema: &Schema) -> Vec<usize> {
    SORTED_BY.iter().filter_map(|name| schema.index_of(name).ok()).collect()
}

/// The first bytes of a key as a number that compares like them.
pub(super) fn prefix(key: Row<'_>) -> u128 {
    let bytes = key.as_ref();
    let mut first = [0; 16];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    u128::from_be_bytes(first)
}
