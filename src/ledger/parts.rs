//! Parquet parts of a table: rows re-cut to fixed counts, encoded in memory, hashed, staged. The one place that says how
//! our Parquet is written, so that the same rows always give the same bytes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{BatchCoalescer, max, min};
use arrow::datatypes::{Date32Type, Int64Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use crate::store::{Store, StoreError};
use crate::units::digest::sha256_hex;
use crate::units::quantity::BillingDay;

use super::record::{BatchId, TableFile};
use super::tables::Table;

/// Rows that the Parquet writer gets at a time. What it writes depends on it (page bounds), so it is fixed.
const CUT_ROWS: usize = 16_384;
/// Rows of a row group: the unit that a reader holds in memory.
const ROW_GROUP_ROWS: usize = 8 * CUT_ROWS;
/// Rows of a part.
const PART_ROWS: usize = 8 * ROW_GROUP_ROWS;

/// Batches that wait for an encoder: enough to keep it busy, few enough to bound memory.
const WAITING_BATCHES: usize = 8;

/// Where a run stages one batch.
#[derive(Debug)]
pub(super) struct Staging {
    pub store: Store,
    pub batch: BatchId,
    /// `_staging/<id>/<attempt>`.
    pub directory: String,
}

/// Encodes and stages the rows of one table on a thread of its own, while others compute the next ones.
pub(super) struct TableEncoder {
    sender: SyncSender<Message>,
    thread: JoinHandle<Result<Vec<TableFile>, StoreError>>,
}

enum Message {
    Rows(RecordBatch),
    Finish,
}

impl TableEncoder {
    pub(super) fn spawn(table: Table, staging: Arc<Staging>) -> Self {
        let (sender, receiver) = sync_channel(WAITING_BATCHES);
        let thread = std::thread::Builder::new()
            .name(table.name().to_owned())
            .spawn(move || encode(PartWriter::new(table, staging), &receiver))
            .expect("the system lets a process start a thread for each table");
        Self { sender, thread }
    }

    /// Hands rows over. False when the encoder has failed: [`TableEncoder::finish`] says why.
    pub(super) fn send(&self, rows: RecordBatch) -> bool {
        rows.num_rows() == 0 || self.sender.send(Message::Rows(rows)).is_ok()
    }

    /// Says that no more rows come.
    pub(super) fn close(&self) {
        // A failed encoder has hung up; its error comes with the join.
        let _ = self.sender.send(Message::Finish);
    }

    /// Every part that was staged, the last one too if the encoder was closed.
    pub(super) fn finish(self) -> Result<Vec<TableFile>, StoreError> {
        drop(self.sender);
        join(self.thread)
    }
}

fn encode(mut writer: PartWriter, messages: &Receiver<Message>) -> Result<Vec<TableFile>, StoreError> {
    while let Ok(message) = messages.recv() {
        match message {
            Message::Rows(rows) => writer.push(rows)?,
            Message::Finish => return writer.finish(),
        }
    }
    // Given up: nobody needs the last part.
    Ok(writer.staged)
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// One file with these rows, outside any batch.
pub(crate) fn encode_file(table: Table, rows: &RecordBatch) -> Vec<u8> {
    let mut part = Part::new(table);
    part.write(rows);
    part.close()
}

/// Cuts rows into parts.
struct PartWriter {
    table: Table,
    staging: Arc<Staging>,
    cutter: BatchCoalescer,
    open: Option<Part>,
    staged: Vec<TableFile>,
}

/// A part that is being encoded.
struct Part {
    writer: ArrowWriter<Vec<u8>>,
    rows: usize,
    accounts: Option<(i64, i64)>,
    days: Option<(i32, i32)>,
}

const IN_MEMORY: &str = "encoding rows of the table's schema to memory cannot fail";

impl PartWriter {
    fn new(table: Table, staging: Arc<Staging>) -> Self {
        Self {
            table,
            staging,
            cutter: BatchCoalescer::new(table.schema(), CUT_ROWS),
            open: None,
            staged: Vec::new(),
        }
    }

    fn push(&mut self, rows: RecordBatch) -> Result<(), StoreError> {
        self.cutter.push_batch(rows).expect(IN_MEMORY);
        self.write_cuts()
    }

    fn write_cuts(&mut self) -> Result<(), StoreError> {
        while let Some(cut) = self.cutter.next_completed_batch() {
            let part = self.open.get_or_insert_with(|| Part::new(self.table));
            part.write(&cut);
            if part.rows >= PART_ROWS {
                self.stage()?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<TableFile>, StoreError> {
        self.cutter.finish_buffered_batch().expect(IN_MEMORY);
        self.write_cuts()?;
        // No rows at all are a part without rows: every batch writes every table.
        if self.open.is_some() || self.staged.is_empty() {
            self.stage()?;
        }
        Ok(self.staged)
    }

    fn stage(&mut self) -> Result<(), StoreError> {
        let part = self.open.take().unwrap_or_else(|| Part::new(self.table));
        let (table, number) = (self.table.name(), self.staged.len());
        let (rows, accounts, days) = (part.rows, part.accounts, part.days);
        let bytes = part.close();
        let date = |days| BillingDay::from_epoch_days(days).map(|day| day.to_string());
        let file = TableFile {
            table: table.to_owned(),
            staged: format!("{}/{table}/part-{number}.parquet", self.staging.directory),
            path: format!("{table}/batch={}/part-{number}.parquet", self.staging.batch),
            size: size_of(&bytes),
            sha256: sha256_hex(&bytes),
            rows: u64::try_from(rows).expect("a part's rows fit"),
            accounts,
            days: days.and_then(|(first, last)| date(first).zip(date(last))),
        };
        self.staging.store.put(&file.staged, bytes.into())?;
        self.staged.push(file);
        Ok(())
    }
}

impl Part {
    fn new(table: Table) -> Self {
        // Without the Arrow schema in the footer: the Parquet types say all, and readers see plain strings.
        let options = ArrowWriterOptions::new()
            .with_properties(properties())
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(Vec::new(), table.schema(), options).expect(IN_MEMORY);
        Self {
            writer,
            rows: 0,
            accounts: None,
            days: None,
        }
    }

    fn write(&mut self, cut: &RecordBatch) {
        self.writer.write(cut).expect(IN_MEMORY);
        self.rows += cut.num_rows();
        if let Some(column) = cut.column_by_name("account_id") {
            let column = column.as_primitive::<Int64Type>();
            self.accounts = widen(self.accounts, min(column).zip(max(column)));
        }
        // A bill's day is the last of its period.
        if let Some(column) = cut.column_by_name("day").or_else(|| cut.column_by_name("period_end")) {
            let column = column.as_primitive::<Date32Type>();
            self.days = widen(self.days, min(column).zip(max(column)));
        }
    }

    fn close(self) -> Vec<u8> {
        self.writer.into_inner().expect(IN_MEMORY)
    }
}

fn widen<T: Ord + Copy>(range: Option<(T, T)>, other: Option<(T, T)>) -> Option<(T, T)> {
    match (range, other) {
        (Some((low, high)), Some((lower, higher))) => Some((low.min(lower), high.max(higher))),
        (range, other) => range.or(other),
    }
}

fn size_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a length fits 64 bits")
}

/// How our Parquet is written. A change here changes every byte of every table: the golden hashes tell.
fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by("nightbill".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).expect("3 is a level of zstd")))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    // Nearly every value differs, so a dictionary would be built and thrown away.
    for column in ["account_id", "facts", "row"] {
        let path = ColumnPath::from(column);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    for column in ["bill_id", "grant_id"] {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
    }
    properties.build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use url::Url;

    use crate::store::{Location, Store};

    use super::*;

    /// `usage_daily`-shaped rows: accounts 1, 2, 3, …
    fn rows(accounts: std::ops::Range<i64>) -> RecordBatch {
        let count = usize::try_from(accounts.end - accounts.start).unwrap();
        let schema = Table::UsageDaily.schema();
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(accounts));
        let day: ArrayRef = Arc::new(arrow::array::Date32Array::from_value(20_000, count));
        let text: ArrayRef = Arc::new(StringArray::from_iter_values((0..count).map(|_| "av")));
        let columns = vec![
            Arc::clone(&numbers),
            Arc::clone(&numbers),
            day,
            Arc::clone(&text),
            text,
            Arc::clone(&numbers),
            numbers,
        ];
        RecordBatch::try_new(schema, columns).unwrap()
    }

    fn staged(cuts: &[i64]) -> (tempfile::TempDir, Vec<TableFile>) {
        let directory = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(directory.path()).unwrap();
        let staging = Staging {
            store: Store::open(&Location::from_url(url).unwrap()).unwrap(),
            batch: BatchId::parse("2024-10-12.00").unwrap(),
            directory: "_staging/x/y".to_owned(),
        };
        let mut writer = PartWriter::new(Table::UsageDaily, Arc::new(staging));
        for bounds in cuts.windows(2) {
            writer.push(rows(bounds[0]..bounds[1])).unwrap();
        }
        (directory, writer.finish().unwrap())
    }

    #[test]
    fn parts_and_bytes_do_not_depend_on_how_rows_come() {
        const LAST: i64 = 1_048_576 + 20_000;
        let (_one, at_once) = staged(&[1, LAST + 1]);
        let (_two, in_pieces) = staged(&[1, 2, 2, 3, 16_384, 16_386, 500_000, 1_048_577, 1_048_580, LAST + 1]);
        assert_eq!(at_once, in_pieces);
        let shape: Vec<_> = at_once
            .iter()
            .map(|file| (file.path.as_str(), file.rows, file.accounts))
            .collect();
        assert_eq!(
            shape,
            [
                (
                    "usage_daily/batch=2024-10-12.00/part-0.parquet",
                    1_048_576,
                    Some((1, 1_048_576))
                ),
                (
                    "usage_daily/batch=2024-10-12.00/part-1.parquet",
                    20_000,
                    Some((1_048_577, LAST))
                ),
            ]
        );
        assert_eq!(
            at_once[0].days,
            Some(("2024-10-04".to_owned(), "2024-10-04".to_owned()))
        );
    }

    #[test]
    fn a_full_last_part_is_followed_by_no_empty_one() {
        assert_eq!(staged(&[1, 1_048_577]).1.len(), 1);
        let (_directory, none) = staged(&[]);
        assert_eq!(
            (none.len(), none[0].rows, none[0].accounts, &none[0].days),
            (1, 0, None, &None)
        );
    }
}
