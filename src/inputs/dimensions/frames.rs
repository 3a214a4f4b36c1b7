//! The only part of the dimensions that knows polars, beside the names of its types: CSV text and Parquet bytes to columns.
//!
//! Files are untrusted: what polars cannot read, or panics on, is an error of the file.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use polars::prelude::{
    ArrowDataType, ArrowTimeUnit, BooleanChunked, DataType, Field, Int32Chunked, Int64Chunked, Int128Chunked,
    PlSmallStr, PolarsError, PolarsResult, Schema, Series, StringChunked, TimeUnit,
};
use polars_io::prelude::{CsvReadOptions, FileMetadata, ParallelStrategy, ParquetReader, SerReader};

use super::files::InputFile;
use super::pages::check_pages;
use super::read::{Column, CsvHeader, Kind, ReadError, Value, bad, positions};
use super::types::{in_words, is_plain};

/// Rows of Parquet that are decoded at once.
const PARQUET_SLICE: usize = 1 << 19;
/// The most rows that a Parquet footer may claim.
const MAX_ROWS: usize = 1 << 32;
/// The most bytes that a Parquet footer may claim for one column of one row group, decompressed.
const MAX_CHUNK_BYTES: i64 = 2 << 30;

/// Some rows of a file.
pub(super) struct Batch {
    columns: Vec<Cells>,
    rows: usize,
    first_row: u64,
}

impl Batch {
    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The row number of the first.
    pub(super) fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The value in a row (from 0) of a column (by its position in the columns that were asked for).
    pub(super) fn value(&self, column: usize, row: usize) -> Value<'_> {
        self.columns[column].value(row).unwrap_or(Value::Null)
    }
}

enum Cells {
    Absent,
    Text(StringChunked),
    Integer(Int64Chunked),
    WideInteger(Int128Chunked),
    Decimal(Int128Chunked, usize),
    Boolean(BooleanChunked),
    Date(Int32Chunked),
    Timestamp(Int64Chunked, i64),
}

impl Cells {
    fn value(&self, row: usize) -> Option<Value<'_>> {
        match self {
            Self::Absent => None,
            Self::Text(cells) => cells.get(row).filter(|text| !text.is_empty()).map(Value::Text),
            Self::Integer(cells) => cells.get(row).map(|value| Value::Integer(value.into())),
            Self::WideInteger(cells) => cells.get(row).map(Value::Integer),
            Self::Decimal(cells, scale) => cells.get(row).map(|units| Value::Decimal { units, scale: *scale }),
            Self::Boolean(cells) => cells.get(row).map(Value::Boolean),
            Self::Date(cells) => cells.get(row).map(Value::Date),
            Self::Timestamp(cells, per_second) => cells.get(row).map(|ticks| Value::Timestamp {
                ticks,
                per_second: *per_second,
            }),
        }
    }

    /// Whether values of this form can be read as `kind`. Strings can always: they are read as in CSV.
    fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::Absent | Self::Text(_) => true,
            Self::Integer(_) | Self::WideInteger(_) => {
                matches!(kind, Kind::Integer | Kind::Text | Kind::Boolean | Kind::Decimal)
            }
            Self::Decimal(..) => matches!(kind, Kind::Integer | Kind::Decimal),
            Self::Boolean(_) => kind == Kind::Boolean,
            Self::Date(_) => kind == Kind::Date,
            Self::Timestamp(..) => kind == Kind::Timestamp,
        }
    }
}

/// Runs polars on bytes that may be hostile.
fn guarded<T>(run: impl FnOnce() -> PolarsResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(first_line(&error)),
        Err(_) => Err("its bytes make no sense".to_owned()),
    }
}

fn first_line(error: &PolarsError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Every value as a string: numbers and times are parsed by us, so that a bad one is named by its row.
pub(super) fn csv_batch(
    file: &InputFile,
    header: &CsvHeader,
    chunk: &str,
    records: u64,
    first_row: u64,
) -> Result<Batch, ReadError> {
    // Numbered names: a file may have two extra columns of one name.
    let schema: Schema = (0..header.names.len())
        .map(|position| Field::new(PlSmallStr::from_string(position.to_string()), DataType::String))
        .collect();
    let wanted: Vec<usize> = header.positions.iter().flatten().copied().collect();
    let options = CsvReadOptions::default()
        .with_has_header(false)
        .with_schema(Some(Arc::new(schema)))
        .with_projection(Some(Arc::new(wanted)))
        .with_rechunk(true);
    let read = guarded(|| {
        let frame = options
            .into_reader_with_file_handle(Cursor::new(chunk.as_bytes()))
            .finish()?;
        let cells = header.positions.iter().map(|position| match position {
            None => Ok(Cells::Absent),
            Some(position) => {
                let series = frame.column(&position.to_string())?.as_materialized_series().rechunk();
                Ok(Cells::Text(series.str()?.clone()))
            }
        });
        Ok((frame.height(), cells.collect::<PolarsResult<Vec<_>>>()?))
    });
    match read {
        Ok((rows, columns)) if u64::try_from(rows) == Ok(records) => Ok(Batch {
            columns,
            rows,
            first_row,
        }),
        Ok((rows, _)) => Err(bad(
            file,
            Some(first_row),
            None,
            format!("cannot be read as CSV: {records} records read as {rows}"),
        )),
        Err(error) => Err(bad(
            file,
            Some(first_row),
            None,
            format!("cannot be read as CSV: {error}"),
        )),
    }
}

/// Reads Parquet batch by batch, until its end or until `each` breaks; how many rows that were.
pub(super) fn read_parquet(
    file: &InputFile,
    bytes: &Bytes,
    columns: &[Column],
    each: &mut dyn FnMut(&Batch) -> ControlFlow<()>,
) -> Result<u64, ReadError> {
    let unreadable = |error: String| {
        bad(
            file,
            None,
            None,
            format!("cannot be read as Parquet ({error}); write it again"),
        )
    };
    let footer = guarded(|| Footer::read(bytes)).map_err(unreadable)?;
    let positions = positions(file, columns, &footer.names())?;
    footer.check_types(file, columns, &positions)?;
    let groups = footer.checked_groups(&positions).map_err(unreadable)?;
    check_pages(bytes, columns).map_err(unreadable)?;
    let mut rows = 0_usize;
    for (group, group_rows) in groups {
        for start in (0..group_rows).step_by(PARQUET_SLICE) {
            let len = PARQUET_SLICE.min(group_rows - start);
            let read = guarded(|| footer.read_slice(bytes, &group, &positions, (start, len)));
            let series = read.map_err(unreadable)?;
            let batch = Batch {
                columns: cells_of(file, columns, &footer, series)?,
                rows: len,
                first_row: u64::try_from(rows + start).unwrap_or(u64::MAX) + 1,
            };
            if each(&batch).is_break() {
                return Ok(batch.first_row);
            }
        }
        rows += group_rows;
    }
    Ok(u64::try_from(rows).unwrap_or(u64::MAX))
}

/// What a Parquet file says of itself.
struct Footer {
    /// Without the Arrow schema that the writer may have put in: the Parquet types say enough, and dictionaries,
    /// views and zone names of the writer's memory are not ours.
    metadata: FileMetadata,
    names_and_types: Vec<(String, ArrowDataType)>,
    /// Columns of whole seconds: a unit that only the writer's Arrow schema can say.
    in_seconds: Vec<String>,
}

impl Footer {
    fn read(bytes: &Bytes) -> PolarsResult<Self> {
        let mut metadata = FileMetadata::clone(ParquetReader::new(Cursor::new(bytes.clone())).get_metadata()?);
        let in_seconds = guarded(|| Self::seconds_columns(bytes)).unwrap_or_default();
        metadata.key_value_metadata = None;
        let schema = polars_io::prelude::infer_schema(&metadata)?;
        let names_and_types = schema
            .iter()
            .map(|(name, field)| (name.to_string(), field.dtype().clone()))
            .collect();
        Ok(Self {
            metadata,
            names_and_types,
            in_seconds,
        })
    }

    fn seconds_columns(bytes: &Bytes) -> PolarsResult<Vec<String>> {
        let schema = ParquetReader::new(Cursor::new(bytes.clone())).schema()?;
        Ok(schema
            .iter()
            .filter(|(_, field)| matches!(field.dtype(), ArrowDataType::Timestamp(ArrowTimeUnit::Second, _)))
            .map(|(name, _)| name.to_string())
            .collect())
    }

    fn names(&self) -> Vec<String> {
        self.names_and_types.iter().map(|(name, _)| name.clone()).collect()
    }

    /// No value of a list or of a decimal that is too wide is ever decoded.
    fn check_types(&self, file: &InputFile, columns: &[Column], at: &[Option<usize>]) -> Result<(), ReadError> {
        for (column, position) in columns.iter().zip(at) {
            let dtype = position.map(|position| &self.names_and_types[position].1);
            if let Some(dtype) = dtype.filter(|dtype| self.metadata.num_rows > 0 && !is_plain(dtype)) {
                return Err(wrong_type(file, column, dtype));
            }
        }
        Ok(())
    }

    /// Metadata of each row group alone, and its rows, once all that it claims is within bounds.
    fn checked_groups(&self, positions: &[Option<usize>]) -> Result<Vec<(FileMetadata, usize)>, String> {
        let mut alone = self.metadata.clone();
        let groups = std::mem::take(&mut alone.row_groups);
        let mut total = 0_usize;
        let mut checked = Vec::new();
        for group in groups {
            let rows = group.num_rows();
            total = total
                .checked_add(rows)
                .filter(|total| *total <= MAX_ROWS)
                .ok_or("it claims more than 2^32 rows")?;
            for position in positions.iter().flatten() {
                let (name, _) = &self.names_and_types[*position];
                let chunks = group
                    .columns_under_root_iter(name)
                    .ok_or("a row group lacks a column")?;
                for chunk in chunks {
                    if !(0..=MAX_CHUNK_BYTES).contains(&chunk.uncompressed_size()) {
                        return Err(format!("column {name} claims more than 2 GiB in one row group"));
                    }
                }
            }
            let mut one = alone.clone();
            one.num_rows = rows;
            one.row_groups = vec![group];
            checked.push((one, rows));
        }
        if total == self.metadata.num_rows {
            Ok(checked)
        } else {
            Err("its row groups do not add up".to_owned())
        }
    }

    /// Some rows of a row group: a series for every column that the file has. A column that is no plain value
    /// comes as its type.
    fn read_slice(
        &self,
        bytes: &Bytes,
        group: &FileMetadata,
        positions: &[Option<usize>],
        slice: (usize, usize),
    ) -> PolarsResult<Vec<Option<Series>>> {
        let plain = |position: &usize| is_plain(&self.names_and_types[*position].1);
        let projection: Vec<usize> = positions.iter().flatten().copied().filter(|p| plain(p)).collect();
        let mut reader = ParquetReader::new(Cursor::new(bytes.clone()));
        reader.set_metadata(Arc::new(group.clone()));
        let frame = reader
            .with_projection(Some(projection))
            .with_slice(Some(slice))
            .read_parallel(ParallelStrategy::Columns)
            .finish()?;
        positions
            .iter()
            .map(|position| match position.filter(|p| plain(p)) {
                None => Ok(None),
                Some(position) => {
                    let column = frame.column(&self.names_and_types[position].0)?;
                    if column.len() == slice.1 {
                        Ok(Some(column.as_materialized_series().rechunk()))
                    } else {
                        Err(PolarsError::ComputeError("a column has too few rows".into()))
                    }
                }
            })
            .collect()
    }
}

fn cells_of(
    file: &InputFile,
    columns: &[Column],
    footer: &Footer,
    series: Vec<Option<Series>>,
) -> Result<Vec<Cells>, ReadError> {
    let type_of = |name: &str| footer.names_and_types.iter().find(|(known, _)| known == name);
    columns
        .iter()
        .zip(series)
        .map(|(column, series)| {
            let Some((name, dtype)) = type_of(column.name) else {
                return Ok(Cells::Absent);
            };
            let in_seconds = footer.in_seconds.contains(name);
            let cells = match series {
                // Writers give a column that is all null any type they like.
                Some(series) if series.null_count() == series.len() => Some(Cells::Absent),
                Some(series) => guarded(|| cells_of_series(&series, in_seconds)).ok().flatten(),
                None => None,
            };
            cells
                .filter(|cells| cells.fits(column.kind))
                .ok_or_else(|| wrong_type(file, column, dtype))
        })
        .collect()
}

fn wrong_type(file: &InputFile, column: &Column, dtype: &ArrowDataType) -> ReadError {
    let message = format!("is of type {}; write it as {}", in_words(dtype), column.kind.name());
    bad(file, None, Some(column.name), message)
}

/// None when no column can be of this type.
fn cells_of_series(series: &Series, in_seconds: bool) -> PolarsResult<Option<Cells>> {
    let physical = || series.to_physical_repr().into_owned();
    Ok(Some(match series.dtype() {
        DataType::String => Cells::Text(series.str()?.clone()),
        DataType::Int64 if in_seconds => Cells::Timestamp(series.i64()?.clone(), 1),
        DataType::UInt64 => Cells::WideInteger(series.cast(&DataType::Int128)?.i128()?.clone()),
        dtype if dtype.is_integer() => Cells::Integer(series.cast(&DataType::Int64)?.i64()?.clone()),
        DataType::Boolean => Cells::Boolean(series.bool()?.clone()),
        DataType::Date => Cells::Date(physical().i32()?.clone()),
        DataType::Datetime(unit, _) => Cells::Timestamp(
            physical().i64()?.clone(),
            match unit {
                TimeUnit::Milliseconds => 1_000,
                TimeUnit::Microseconds => 1_000_000,
                TimeUnit::Nanoseconds => 1_000_000_000,
            },
        ),
        DataType::Decimal(_, scale) => Cells::Decimal(physical().i128()?.clone(), *scale),
        _ => return Ok(None),
    }))
}
