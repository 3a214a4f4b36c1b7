//! Reading the tables of a committed batch: part by part, row group by row group, only the columns that are asked for.

use std::ops::Range;
use std::vec;

use arrow::array::{
    Array, AsArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use crate::store::{Object, Store, StoreError};
use crate::units::quantity::Instant;

use super::batch::LedgerError;
use super::record::{CommitRecord, TableFile};
use super::tables::Table;

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8_192;
/// Bytes read at the end of a file, where the footer is.
const TAIL: u64 = 64 * 1024;

/// The rows of one table of one batch, in the table's order.
pub(super) struct TableReader {
    store: Store,
    columns: Vec<&'static str>,
    files: vec::IntoIter<TableFile>,
    open: Option<OpenFile>,
    /// Only row groups that may hold accounts of this range are read.
    only: Option<(i64, i64)>,
    sizes: Sizes,
    edited: Vec<EditedFile>,
}

/// A table file whose size is not the recorded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    /// Relative to the output.
    pub path: String,
    /// Bytes that it has.
    pub size: u64,
    /// Bytes that the commit record says.
    pub recorded: u64,
}

impl From<EditedFile> for LedgerError {
    fn from(file: EditedFile) -> Self {
        let message = format!("has {} bytes, its commit record says {}", file.size, file.recorded);
        damaged(&file.path, message)
    }
}

/// What becomes of a file whose size is not the recorded one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sizes {
    /// It is an error.
    AsRecorded,
    /// It is read as it is, and told.
    AsFound,
}

impl TableReader {
    pub(super) fn new(store: Store, record: &CommitRecord, table: Table, columns: &[&'static str]) -> Self {
        Self::of_files(store, files_of(record, table), columns)
    }

    pub(super) fn of_files(store: Store, files: Vec<TableFile>, columns: &[&'static str]) -> Self {
        Self {
            store,
            columns: columns.to_vec(),
            files: files.into_iter(),
            open: None,
            only: None,
            sizes: Sizes::AsRecorded,
            edited: Vec::new(),
        }
    }

    /// Reads files that were edited too, as long as they can be read: for who compares the rows.
    pub(super) fn even_edited(mut self) -> Self {
        self.sizes = Sizes::AsFound;
        self
    }

    /// The files that were read although they are not as recorded.
    pub(super) fn edited(self) -> Vec<EditedFile> {
        self.edited
    }

    /// The same rows without the row groups that hold no account of a range: by the statistics that we wrote, which only make
    /// this faster, for what is read is looked at row by row.
    pub(super) fn only_accounts(mut self, first: i64, last: i64) -> Self {
        self.only = Some((first, last));
        self
    }

    /// The next rows, None after the last.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>, LedgerError> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(batch) = open.next_batch(&self.store, self.only)? {
                    return Ok(Some(batch));
                }
                self.open = None;
            }
            match self.files.next() {
                Some(file) => {
                    let (object, edited) = locate(&self.store, &file, self.sizes)?;
                    self.edited.extend(edited);
                    self.open = Some(OpenFile::open(&self.store, object, &self.columns)?);
                }
                None => return Ok(None),
            }
        }
    }

    /// The file that the last batch came from.
    pub(super) fn path(&self) -> &str {
        self.open.as_ref().map_or("", |open| open.object.path.as_str())
    }
}

/// The files of a table, part by part.
pub(super) fn files_of(record: &CommitRecord, table: Table) -> Vec<TableFile> {
    let of_table = |file: &&TableFile| file.table == table.name();
    record.files.iter().filter(of_table).cloned().collect()
}

struct OpenFile {
    object: Object,
    metadata: ArrowReaderMetadata,
    projection: ProjectionMask,
    next_group: usize,
    rows: Option<ParquetRecordBatchReader>,
}

impl OpenFile {
    fn open(store: &Store, object: Object, columns: &[&str]) -> Result<Self, LedgerError> {
        let unreadable = |error: ParquetError| damaged(&object.path, error);
        let metadata = read_footer(store, &object)?;
        let metadata = ArrowReaderMetadata::try_new(metadata.into(), ArrowReaderOptions::new()).map_err(unreadable)?;
        let projection = ProjectionMask::columns(metadata.parquet_schema(), columns.iter().copied());
        Ok(Self {
            object,
            metadata,
            projection,
            next_group: 0,
            rows: None,
        })
    }

    fn next_batch(&mut self, store: &Store, only: Option<(i64, i64)>) -> Result<Option<RecordBatch>, LedgerError> {
        loop {
            if let Some(rows) = &mut self.rows {
                match rows.next() {
                    Some(Ok(batch)) => return Ok(Some(batch)),
                    Some(Err(error)) => return Err(damaged(&self.object.path, error)),
                    None => self.rows = None,
                }
            }
            let groups = self.metadata.metadata().row_groups();
            let wanted = |group: &RowGroupMetaData| only.is_none_or(|range| may_hold(group, range));
            let Some(skipped) = groups
                .get(self.next_group..)
                .and_then(|left| left.iter().position(wanted))
            else {
                return Ok(None);
            };
            self.next_group += skipped;
            self.rows = Some(self.read_group(store, self.next_group)?);
            self.next_group += 1;
        }
    }

    /// Fetches a row group's wanted columns with one request.
    fn read_group(&self, store: &Store, group: usize) -> Result<ParquetRecordBatchReader, LedgerError> {
        let columns = self.metadata.metadata().row_group(group).columns();
        let wanted = columns
            .iter()
            .enumerate()
            .filter(|(leaf, _)| self.projection.leaf_included(*leaf));
        let span = wanted
            .map(|(_, column)| {
                let (start, length) = column.byte_range();
                start..start.saturating_add(length)
            })
            .reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
            .unwrap_or(0..0);
        let window = Window::fetch(store, &self.object, span)?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(window, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(self.projection.clone())
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| damaged(&self.object.path, error))
    }
}

/// Whether accounts of a range may be in a row group.
fn may_hold(group: &RowGroupMetaData, (first, last): (i64, i64)) -> bool {
    let is_account = |column: &&ColumnChunkMetaData| column.column_path().string() == "account_id";
    let accounts = group.columns().iter().find(is_account);
    match accounts.and_then(ColumnChunkMetaData::statistics) {
        Some(Statistics::Int64(range)) => {
            range.min_opt().is_none_or(|min| *min <= last) && range.max_opt().is_none_or(|max| first <= *max)
        }
        _ => true,
    }
}

/// The object of a recorded file, at its final name, or still where it was staged; and how it differs from the record.
fn locate(store: &Store, file: &TableFile, sizes: Sizes) -> Result<(Object, Option<EditedFile>), LedgerError> {
    let object = match store.head(&file.path)? {
        Some(object) => Some(object),
        None => store.head(&file.staged)?,
    };
    match object {
        Some(object) if object.size == file.size => Ok((object, None)),
        Some(object) => {
            let edited = EditedFile {
                path: object.path.clone(),
                size: object.size,
                recorded: file.size,
            };
            match sizes {
                Sizes::AsRecorded => Err(edited.into()),
                Sizes::AsFound => Ok((object, Some(edited))),
            }
        }
        None => Err(damaged(&file.path, "is gone, and its commit record names it")),
    }
}

fn read_footer(store: &Store, object: &Object) -> Result<ParquetMetaData, LedgerError> {
    let mut reader = ParquetMetaDataReader::new();
    let mut wanted = TAIL.min(object.size);
    loop {
        let tail = get(store, object, object.size - wanted..object.size)?;
        match reader.try_parse_sized(&tail, object.size) {
            Ok(()) => return reader.finish().map_err(|error| damaged(&object.path, error)),
            Err(ParquetError::NeedMoreData(needed)) => {
                let more = u64::try_from(needed).unwrap_or(u64::MAX).min(object.size);
                if more <= wanted {
                    return Err(damaged(&object.path, "its footer is longer than the file"));
                }
                wanted = more;
            }
            Err(error) => return Err(damaged(&object.path, error)),
        }
    }
}

/// A range of an object; one that is not within it is damage, not a failure of the store.
fn get(store: &Store, object: &Object, range: Range<u64>) -> Result<Bytes, LedgerError> {
    if range.end > object.size {
        return Err(damaged(&object.path, "its footer points beyond its end"));
    }
    store.get_range(object, range).map_err(|error| match error {
        StoreError::NotFound { .. } | StoreError::Changed { .. } => damaged(
            &object.path,
            "changed while it was being read; nothing but nightbill may write there",
        ),
        error => error.into(),
    })
}

pub(super) fn damaged(path: &str, message: impl ToString) -> LedgerError {
    LedgerError::Damaged {
        path: path.to_owned(),
        message: message.to_string(),
    }
}

/// A stretch of a file, addressed as in the file.
struct Window {
    start: u64,
    bytes: Bytes,
    file_size: u64,
}

impl Window {
    fn fetch(store: &Store, object: &Object, span: Range<u64>) -> Result<Self, LedgerError> {
        Ok(Self {
            start: span.start,
            bytes: get(store, object, span)?,
            file_size: object.size,
        })
    }

    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let offset = start
            .checked_sub(self.start)
            .and_then(|offset| usize::try_from(offset).ok());
        match offset {
            Some(offset) if offset <= self.bytes.len() => Ok(self.bytes.slice(offset..)),
            _ => Err(ParquetError::EOF(format!("byte {start} is outside the row group"))),
        }
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.file_size
    }
}

impl ChunkReader for Window {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF(format!(
                "{length} bytes from {start} are outside the row group"
            )));
        }
        Ok(bytes.slice(..length))
    }
}

/// Columns of a batch by name, of the type that the table's schema gives them.
pub(super) struct Columns<'a> {
    pub batch: &'a RecordBatch,
    pub path: &'a str,
}

impl<'a> Columns<'a> {
    pub(super) fn int64(&self, name: &str) -> Result<&'a Int64Array, LedgerError> {
        self.typed(name, |column| column.as_primitive_opt())
    }

    pub(super) fn date(&self, name: &str) -> Result<&'a Date32Array, LedgerError> {
        self.typed(name, |column| column.as_primitive_opt())
    }

    pub(super) fn decimal(&self, name: &str) -> Result<&'a Decimal128Array, LedgerError> {
        self.typed(name, |column| column.as_primitive_opt())
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a StringArray, LedgerError> {
        self.typed(name, |column| column.as_string_opt())
    }

    /// Unlike the other accessors, this one allows nulls.
    pub(super) fn instants(&self, name: &str) -> Result<Instants<'a>, LedgerError> {
        self.nullable(name, |column| column.as_primitive_opt()).map(Instants)
    }

    /// Unlike the other accessors, this one allows nulls.
    pub(super) fn dates_or_null(&self, name: &str) -> Result<&'a Date32Array, LedgerError> {
        self.nullable(name, |column| column.as_primitive_opt())
    }

    /// Unlike the other accessors, this one allows nulls.
    pub(super) fn text_or_null(&self, name: &str) -> Result<&'a StringArray, LedgerError> {
        self.nullable(name, |column| column.as_string_opt())
    }

    fn nullable<T: Array>(
        &self,
        name: &str,
        cast: impl Fn(&'a dyn Array) -> Option<&'a T>,
    ) -> Result<&'a T, LedgerError> {
        let column = self.batch.column_by_name(name).map(|column| column.as_ref());
        column
            .and_then(cast)
            .ok_or_else(|| damaged(self.path, format!("column {name} is missing, or is of another type")))
    }

    fn typed<T: Array>(&self, name: &str, cast: impl Fn(&'a dyn Array) -> Option<&'a T>) -> Result<&'a T, LedgerError> {
        let column = self.batch.column_by_name(name).map(|column| column.as_ref());
        column
            .and_then(cast)
            .filter(|column| column.null_count() == 0)
            .ok_or_else(|| {
                damaged(
                    self.path,
                    format!("column {name} is missing, has nulls, or is of another type"),
                )
            })
    }
}

/// A column of moments.
#[derive(Clone, Copy)]
pub(super) struct Instants<'a>(&'a TimestampMicrosecondArray);

impl Instants<'_> {
    /// The moment in a row, if there is one.
    pub(super) fn at(self, row: usize) -> Option<Instant> {
        self.0.is_valid(row).then(|| Instant::from_micros(self.0.value(row)))
    }
}
