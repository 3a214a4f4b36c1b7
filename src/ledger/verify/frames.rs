//! Table files as polars frames: numbers as exact integers of their smallest unit, a range of accounts at a time.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use polars::prelude::*;

use crate::ledger::record::{CommitRecord, TableFile};

use super::VerifyError;
use super::bytes::TableBytes;

/// Accounts from `after` (excluded) to `up_to` (included).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AccountRange {
    /// Every account of the range is larger.
    pub after: i64,
    /// The largest account of the range.
    pub up_to: i64,
}

impl AccountRange {
    fn touches(self, file: &TableFile) -> bool {
        file.accounts
            .is_some_and(|(first, last)| first <= self.up_to && last > self.after)
    }
}

/// The ranges in which a batch is checked: one for each part of the table that has the most rows in one batch, so that
/// memory depends on the size of a part, not of the batch. The cuts of one batch alone: those of two lie so close to each other
/// that every other range would be nearly empty, and still cost a reading of all its parts.
pub(super) fn ranges(records: &[&CommitRecord]) -> Vec<AccountRange> {
    let mut tables: BTreeMap<(usize, &str), (u64, Vec<i64>)> = BTreeMap::new();
    for (position, record) in records.iter().enumerate() {
        for file in record.files.iter().filter(|file| file.table != "rejects") {
            let (rows, cuts) = tables.entry((position, &file.table)).or_default();
            *rows += file.rows;
            cuts.extend(file.accounts.map(|(_, last)| last));
        }
    }
    let largest = tables.into_values().max_by_key(|(rows, _)| *rows);
    let mut cuts = largest.map(|(_, cuts)| cuts).unwrap_or_default();
    cuts.sort_unstable();
    // The last part's range has no end: another table or batch may have larger accounts.
    cuts.pop();
    cuts.push(i64::MAX);
    cuts.dedup();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    starts
        .zip(cuts.iter().copied())
        .map(|(after, up_to)| AccountRange { after, up_to })
        .collect()
}

/// Some columns of one table of some batches, for a range of accounts. Integers (but for account and app) and decimals are 128-bit counts of their
/// smallest unit, so that no sum can wrap; text stays text, dates stay dates.
pub(super) fn read(
    table_bytes: &TableBytes<'_>,
    records: &[&CommitRecord],
    table: &str,
    columns: &[&str],
    range: AccountRange,
) -> Result<LazyFrame, VerifyError> {
    let in_range = col("account_id")
        .gt(lit(range.after))
        .and(col("account_id").lt_eq(lit(range.up_to)));
    let mut frames = Vec::new();
    for record in records {
        let mut files: Vec<&TableFile> = record.files.iter().filter(|file| file.table == table).collect();
        // One file at least, even without rows, so that there is a schema.
        if files.iter().any(|file| range.touches(file)) {
            files.retain(|file| range.touches(file));
        } else {
            files.truncate(1);
        }
        for file in files {
            let frame = decode(file, table_bytes.get(&file.path)?, columns, exact_numbers)?;
            frames.push(frame.lazy().filter(in_range.clone()));
        }
    }
    Ok(concat(frames, UnionArgs::default())?)
}

/// A column that may be null, of all files of a table.
pub(super) fn read_nullable(
    table_bytes: &TableBytes<'_>,
    record: &CommitRecord,
    table: &str,
    column: &str,
) -> Result<LazyFrame, VerifyError> {
    let files = record.files.iter().filter(|file| file.table == table);
    let frames: Result<Vec<LazyFrame>, VerifyError> = files
        .map(|file| Ok(decode(file, table_bytes.get(&file.path)?, &[column], Ok)?.lazy()))
        .collect();
    Ok(concat(frames?, UnionArgs::default())?)
}

/// One file. Third-party decoders can panic on bytes that are no Parquet.
fn decode(
    file: &TableFile,
    bytes: Bytes,
    columns: &[&str],
    convert: fn(DataFrame) -> PolarsResult<DataFrame>,
) -> Result<DataFrame, VerifyError> {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let reader = ParquetReader::new(Cursor::new(bytes)).with_columns(Some(columns));
    match catch_unwind(AssertUnwindSafe(|| reader.finish().and_then(convert))) {
        Ok(Ok(frame)) => Ok(frame),
        Ok(Err(error)) => Err(VerifyError::Unreadable {
            path: file.path.clone(),
            message: error.to_string(),
        }),
        Err(_) => Err(VerifyError::Unreadable {
            path: file.path.clone(),
            message: "the Parquet reader gave up on it".to_owned(),
        }),
    }
}

/// Integers and decimals as 128-bit counts of their smallest unit. None of the columns that the laws speak of has nulls.
fn exact_numbers(frame: DataFrame) -> PolarsResult<DataFrame> {
    let columns: PolarsResult<Vec<Column>> = frame
        .into_columns()
        .into_iter()
        .map(|column| match column.dtype() {
            _ if column.null_count() > 0 => {
                Err(PolarsError::ComputeError(format!("{} has nulls", column.name()).into()))
            }
            // Keys are grouped by, never summed.
            _ if matches!(column.name().as_str(), "account_id" | "sdk_app_id") => Ok(column),
            dtype if dtype.is_integer() => column.cast(&DataType::Int128),
            DataType::Decimal(..) => Ok(column.to_physical_repr()),
            _ => Ok(column),
        })
        .collect();
    DataFrame::new_infer_height(columns?)
}
