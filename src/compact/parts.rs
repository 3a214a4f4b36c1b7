//! Rows in order -> Parquet files in the layout that reads fastest.

use std::fs::File;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::error::CompactError;
use super::order::sorted_columns;
use super::spill::Scratch;

/// Rows of a row group, the unit in which a scan shares out its work: large enough for long runs.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// Bytes of a row group before it is encoded, where rows are wide.
const ROW_GROUP_BYTES: usize = 256 << 20;
/// A part is closed after the row group with which it is as large as this.
const PART_BYTES: usize = 1 << 30;

/// A file that is ready to be put into the target.
#[derive(Debug)]
pub(super) struct Part {
    pub path: PathBuf,
    pub rows: u64,
}

/// Cuts rows into parts.
pub(super) struct PartWriter<'a> {
    scratch: &'a Scratch,
    schema: SchemaRef,
    open: Option<(PathBuf, ArrowWriter<File>, u64)>,
    done: Vec<Part>,
}

impl<'a> PartWriter<'a> {
    pub(super) fn new(scratch: &'a Scratch, schema: SchemaRef) -> Self {
        Self {
            scratch,
            schema,
            open: None,
            done: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), CompactError> {
        let (path, mut writer, rows) = match self.open.take() {
            Some(open) => open,
            None => self.create()?,
        };
        writer
            .write(batch)
            .map_err(|error| CompactError::parquet(&path, error))?;
        let is_full = writer.bytes_written() >= PART_BYTES;
        self.open = Some((path, writer, rows + u64::try_from(batch.num_rows()).unwrap_or(u64::MAX)));
        if is_full { self.close() } else { Ok(()) }
    }

    /// Every part; at least one, so that a day without rows is still a day that is there.
    pub(super) fn finish(mut self) -> Result<Vec<Part>, CompactError> {
        if self.open.is_none() && self.done.is_empty() {
            self.open = Some(self.create()?);
        }
        self.close()?;
        Ok(self.done)
    }

    fn create(&self) -> Result<(PathBuf, ArrowWriter<File>, u64), CompactError> {
        let path = self.scratch.file();
        let file = File::create_new(&path).map_err(|error| CompactError::temporary(&path, error))?;
        let writer = ArrowWriter::try_new(file, self.schema.clone(), Some(properties(&self.schema)))
            .map_err(|error| CompactError::parquet(&path, error))?;
        Ok((path, writer, 0))
    }

    fn close(&mut self) -> Result<(), CompactError> {
        if let Some((path, writer, rows)) = self.open.take() {
            writer.close().map_err(|error| CompactError::parquet(&path, error))?;
            self.done.push(Part { path, rows });
        }
        Ok(())
    }
}

/// Dictionaries, whose indices are long runs in sorted rows; `ts` as differences, which hardly take any bytes then.
fn properties(schema: &SchemaRef) -> WriterProperties {
    let sorted = sorted_columns(schema).into_iter().map(|column| SortingColumn {
        column_idx: i32::try_from(column).expect("a schema has few columns"),
        descending: false,
        nulls_first: true,
    });
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_sorting_columns(Some(sorted.collect()))
        .set_created_by("nightbill compact".to_owned());
    let ts = ColumnPath::from("ts");
    match schema.field_with_name("ts").map(|field| field.data_type()) {
        Ok(DataType::Timestamp(_, _)) => builder
            .set_column_dictionary_enabled(ts.clone(), false)
            .set_column_encoding(ts, Encoding::DELTA_BINARY_PACKED),
        _ => builder,
    }
    .build()
}
