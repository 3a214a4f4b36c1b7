//! Usage rows -> Parquet files.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMillisecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::spec::{SampleError, TsEncoding, UsageCompression, UsageEncoding};

/// Rows go to the writer in batches of this size, for its bytes depend on them.
const BATCH_ROWS: usize = 65_536;
const ROW_GROUP_ROWS: usize = 1_000_000;

/// One usage row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UsageRow<'a> {
    pub account_id: i64,
    pub sdk_app_id: i64,
    pub room: &'a str,
    pub user_id: i64,
    /// Milliseconds since the epoch.
    pub ts_ms: i64,
    pub meter: &'static str,
    pub seconds: i32,
    pub pixels: Option<i32>,
}

/// What went into usage files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct UsageTotals {
    pub rows: u64,
    pub seconds: u64,
    pub files: u64,
    pub bytes: u64,
}

impl UsageTotals {
    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            seconds: self.seconds + other.seconds,
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Properties of the dimensions' Parquet files: zstd 1, row groups of a million rows, the rest as arrow has it.
pub(super) fn writer_properties() -> WriterProperties {
    properties(UsageCompression::Zstd).build()
}

fn usage_properties(encoding: UsageEncoding) -> WriterProperties {
    let plain = |ts| {
        properties(encoding.compression)
            .set_column_dictionary_enabled(ColumnPath::from("ts"), false)
            .set_column_encoding(ColumnPath::from("ts"), ts)
    };
    match encoding.ts {
        TsEncoding::Dictionary => properties(encoding.compression),
        TsEncoding::Delta => plain(Encoding::DELTA_BINARY_PACKED),
        TsEncoding::Plain => plain(Encoding::PLAIN),
    }
    .build()
}

fn properties(compression: UsageCompression) -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(match compression {
            UsageCompression::Zstd => Compression::ZSTD(ZstdLevel::try_new(1).expect("1 is a zstd level")),
            UsageCompression::Lz4 => Compression::LZ4_RAW,
            UsageCompression::None => Compression::UNCOMPRESSED,
        })
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by("nightbill sample".to_owned())
}

/// The usage files of a day: `part-<n>.parquet` in a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct DayFiles<'a> {
    pub directory: &'a Path,
    pub count: u32,
    pub encoding: UsageEncoding,
}

impl DayFiles<'_> {
    /// Starts the file of a number.
    pub(super) fn create(&self, number: usize) -> Result<UsageFile, SampleError> {
        UsageFile::create(&self.directory.join(format!("part-{number}.parquet")), self.encoding)
    }
}

/// A usage file that is being written.
pub(super) struct UsageFile {
    path: PathBuf,
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    rows: Rows,
    totals: UsageTotals,
}

#[derive(Default)]
struct Rows {
    account_id: Int64Builder,
    sdk_app_id: Int64Builder,
    room_id: StringBuilder,
    user_id: Int64Builder,
    ts: TimestampMillisecondBuilder,
    meter: StringBuilder,
    seconds: Int32Builder,
    pixels: Int32Builder,
    len: usize,
}

impl UsageFile {
    fn create(path: &Path, encoding: UsageEncoding) -> Result<Self, SampleError> {
        let schema = schema();
        let file = File::create_new(path).map_err(|error| SampleError::io(path, error))?;
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(usage_properties(encoding)))
            .map_err(|error| SampleError::parquet(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            schema,
            rows: Rows::default(),
            totals: UsageTotals::default(),
        })
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: &UsageRow<'_>) -> Result<(), SampleError> {
        self.rows.push(row);
        self.totals.rows += 1;
        self.totals.seconds += u64::from(row.seconds.unsigned_abs());
        if self.rows.len == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> Result<UsageTotals, SampleError> {
        if self.rows.len > 0 {
            self.flush()?;
        }
        self.writer
            .close()
            .map_err(|error| SampleError::parquet(&self.path, error))?;
        let written = std::fs::metadata(&self.path).map_err(|error| SampleError::io(&self.path, error))?;
        Ok(UsageTotals {
            files: 1,
            bytes: written.len(),
            ..self.totals
        })
    }

    fn flush(&mut self) -> Result<(), SampleError> {
        let batch = self.rows.take(&self.schema);
        self.writer
            .write(&batch)
            .map_err(|error| SampleError::parquet(&self.path, error))
    }
}

impl Rows {
    fn push(&mut self, row: &UsageRow<'_>) {
        self.account_id.append_value(row.account_id);
        self.sdk_app_id.append_value(row.sdk_app_id);
        self.room_id.append_value(row.room);
        self.user_id.append_value(row.user_id);
        self.ts.append_value(row.ts_ms);
        self.meter.append_value(row.meter);
        self.seconds.append_value(row.seconds);
        self.pixels.append_option(row.pixels);
        self.len += 1;
    }

    fn take(&mut self, schema: &SchemaRef) -> RecordBatch {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.account_id.finish()),
            Arc::new(self.sdk_app_id.finish()),
            Arc::new(self.room_id.finish()),
            Arc::new(self.user_id.finish()),
            Arc::new(self.ts.finish().with_timezone("UTC")),
            Arc::new(self.meter.finish()),
            Arc::new(self.seconds.finish()),
            Arc::new(self.pixels.finish()),
        ];
        self.len = 0;
        RecordBatch::try_new(schema.clone(), columns).expect("the columns are those of the schema, of one length")
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("account_id", DataType::Int64, false),
        Field::new("sdk_app_id", DataType::Int64, false),
        Field::new("room_id", DataType::Utf8, false),
        Field::new("user_id", DataType::Int64, false),
        Field::new(
            "ts",
            DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            false,
        ),
        Field::new("meter", DataType::Utf8, false),
        Field::new("seconds", DataType::Int32, false),
        Field::new("pixels", DataType::Int32, true),
    ]))
}
