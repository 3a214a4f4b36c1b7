//! What one batch posted: the rows of one account, and the catalog that it was settled with. Reads the parts and row groups
//! that may hold the account, and nothing else.

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::Int64Type;

use crate::units::digest::sha256_hex;
use crate::units::quantity::AccountId;

use super::batch::{Ledger, LedgerError};
pub use super::read::EditedFile;
use super::read::{TableReader, damaged, files_of};
use super::record::CommitRecord;
use super::tables::{Column, Table};

/// Rows of an account as they are found.
pub struct AsFound {
    /// The rows, as of [`Posted::rows`].
    pub rows: RecordBatch,
    /// Files among those that hold them that are not as recorded.
    pub edited: Vec<EditedFile>,
}

/// Rows and catalog of one batch.
pub struct Posted<'a> {
    ledger: &'a Ledger,
    record: &'a CommitRecord,
}

impl<'a> Posted<'a> {
    /// Of the batch with this record.
    pub fn new(ledger: &'a Ledger, record: &'a CommitRecord) -> Self {
        Self { ledger, record }
    }

    /// The rows of an account in a table, in the table's order, with all columns of its schema.
    ///
    /// # Errors
    /// [`LedgerError`] when a file is not as recorded, or not of the table's schema.
    pub fn rows(&self, table: Table, account: AccountId) -> Result<RecordBatch, LedgerError> {
        let mut reader = self.reader(table, account);
        account_rows(&mut reader, table, account)
    }

    /// The same rows as they are found, for who compares them with what they should be: also from files that were edited.
    ///
    /// # Errors
    /// [`LedgerError`] when a file is gone or cannot be read, or is not of the table's schema.
    pub fn rows_as_found(&self, table: Table, account: AccountId) -> Result<AsFound, LedgerError> {
        let mut reader = self.reader(table, account).even_edited();
        match account_rows(&mut reader, table, account) {
            Ok(rows) => Ok(AsFound {
                rows,
                edited: reader.edited(),
            }),
            // An edit that makes a file unreadable: that it was edited says more than what the reader stumbled over.
            Err(error) => Err(reader.edited().pop().map_or(error, LedgerError::from)),
        }
    }

    /// Reads the parts and row groups of a table that may hold an account.
    fn reader(&self, table: Table, account: AccountId) -> TableReader {
        let id = account.get();
        let mut files = files_of(self.record, table);
        files.retain(|file| file.accounts.is_some_and(|(low, high)| low <= id && id <= high));
        let names: Vec<&'static str> = table.columns().iter().map(|column| column.name).collect();
        let store = self.ledger.store().clone();
        TableReader::of_files(store, files, &names).only_accounts(id, id)
    }

    /// The text of the catalog that the batch was settled with, and its path relative to the output.
    ///
    /// # Errors
    /// [`LedgerError`] when it is gone, or not the one that was kept.
    pub fn catalog(&self) -> Result<(String, String), LedgerError> {
        let path = format!("_catalog/{}.toml", self.record.job.catalog);
        let store = self.ledger.store();
        if store.head(&path)?.is_none() {
            return Err(damaged(&path, "is gone, and the commit record names it"));
        }
        let bytes = store.get(&path)?;
        if sha256_hex(&bytes) != self.record.job.catalog {
            return Err(damaged(&path, "was edited: its SHA-256 is not the one in its name"));
        }
        match String::from_utf8(bytes.to_vec()) {
            Ok(text) => Ok((path, text)),
            Err(_) => Err(damaged(&path, "is not UTF-8 text")),
        }
    }
}

/// The rows of an account among those of a table.
fn account_rows(reader: &mut TableReader, table: Table, account: AccountId) -> Result<RecordBatch, LedgerError> {
    let id = account.get();
    let mut found = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        let batch = in_schema(table, &batch, reader.path())?;
        let accounts = batch
            .column_by_name("account_id")
            .expect("every table has the column")
            .as_primitive::<Int64Type>();
        let mask: BooleanArray = accounts.iter().map(|other| Some(other == Some(id))).collect();
        let rows = filter_record_batch(&batch, &mask).map_err(|error| damaged(reader.path(), error))?;
        if rows.num_rows() > 0 {
            found.push(rows);
        }
    }
    concat_batches(&table.schema(), &found).map_err(|error| damaged(table.name(), error))
}

/// The rows with the table's own schema, which says more than Parquet's about what may be null.
fn in_schema(table: Table, batch: &RecordBatch, path: &str) -> Result<RecordBatch, LedgerError> {
    let column = |column: &Column| {
        batch
            .column_by_name(column.name)
            .filter(|found| *found.data_type() == column.data_type.arrow())
            .cloned()
            .ok_or_else(|| {
                let message = format!("column {} is missing, or not of type {}", column.name, column.data_type);
                damaged(path, message)
            })
    };
    let columns = table.columns().iter().map(column).collect::<Result<_, _>>()?;
    RecordBatch::try_new(table.schema(), columns).map_err(|error| damaged(path, error))
}
