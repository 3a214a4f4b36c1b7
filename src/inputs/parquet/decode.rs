//! Column chunks to values: the one place that knows Arrow's arrays.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups};
use parquet::column::page::PageIterator;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::bounds::BATCH_ROWS;
use super::chunk::FaultSlot;
use super::columns::{Column, Reading};
use super::error::Fault;
use super::int96::Int96Reader;
use super::pages::{OneChunk, Pages};

/// Integers of a batch.
#[derive(Debug, Clone)]
pub(in crate::inputs) struct Ints {
    /// Where `beyond` says so of unsigned integers: their 64 bits.
    values: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
    /// Rows whose value does not fit 64 bits signed, if there are any.
    beyond: Option<Vec<bool>>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) enum Int {
    Null,
    /// It does not fit 64 bits signed.
    Beyond,
    Value(i64),
}

impl Int {
    pub(in crate::inputs) fn value(self) -> Option<i64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Null | Self::Beyond => None,
        }
    }
}

impl Ints {
    pub(in crate::inputs) fn new(
        values: ScalarBuffer<i64>,
        nulls: Option<NullBuffer>,
        beyond: Option<Vec<bool>>,
    ) -> Self {
        let beyond = beyond.filter(|beyond| beyond.contains(&true));
        Self {
            values,
            nulls: nulls.filter(|nulls| nulls.null_count() > 0),
            beyond,
        }
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    /// The value of a row of a column of integers, signed or not; None for a null.
    pub(in crate::inputs) fn wide(&self, row: usize) -> Option<i128> {
        match self.get(row) {
            Int::Null => None,
            Int::Value(value) => Some(i128::from(value)),
            Int::Beyond => self.values.get(row).map(|bits| i128::from(bits.cast_unsigned())),
        }
    }

    /// The value of a row of the batch.
    pub(in crate::inputs) fn get(&self, row: usize) -> Int {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Int::Null;
        }
        if self
            .beyond
            .as_ref()
            .is_some_and(|beyond| beyond.get(row) == Some(&true))
        {
            return Int::Beyond;
        }
        self.values.get(row).map_or(Int::Null, |value| Int::Value(*value))
    }
}

/// Strings of a batch.
#[derive(Debug, Clone)]
pub(in crate::inputs) struct Strings {
    values: ArrayRef,
    /// Positions in `values`; None: one value a row.
    keys: Option<(ScalarBuffer<i32>, Option<NullBuffer>)>,
    rows: usize,
}

impl Strings {
    /// Whether the entries are those of the batch before, so that what was found out about them still holds.
    pub(in crate::inputs) fn same_entries(&self, before: &Self) -> bool {
        self.keys.is_some() && Arc::ptr_eq(&self.values, &before.values)
    }

    /// The distinct or repeated values that rows refer to by [`Self::entry`].
    pub(in crate::inputs) fn entries(&self) -> usize {
        self.values.len()
    }

    /// The entry of a row; None for a null.
    pub(in crate::inputs) fn entry(&self, row: usize) -> Option<usize> {
        match &self.keys {
            None => Some(row),
            Some((_, Some(nulls))) if nulls.is_null(row) => None,
            Some((keys, _)) => keys.get(row).and_then(|key| usize::try_from(*key).ok()),
        }
    }

    /// The bytes of an entry; None where it is null or not there.
    pub(in crate::inputs) fn bytes(&self, entry: usize) -> Option<&[u8]> {
        if entry >= self.values.len() || self.values.is_null(entry) {
            return None;
        }
        match self.values.data_type() {
            DataType::Utf8 => Some(self.values.as_string::<i32>().value(entry).as_bytes()),
            DataType::Binary => Some(self.values.as_binary::<i32>().value(entry)),
            _ => None,
        }
    }
}

/// A column's values in a batch.
pub(in crate::inputs) enum Values {
    Ints(Ints),
    Strings(Strings),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Ints(ints) => ints.len(),
            Self::Strings(strings) => strings.rows,
        }
    }
}

/// Decodes one column chunk, batch by batch.
pub(in crate::inputs) struct ColumnDecoder {
    reader: Reader,
    fault: FaultSlot,
}

enum Reader {
    Arrow(Box<ParquetRecordBatchReader>),
    Int96(Box<Int96Reader>),
}

impl ColumnDecoder {
    pub(in crate::inputs) fn new(column: &Column, rows: u64, pages: Pages, fault: FaultSlot) -> Result<Self, Fault> {
        let reader = match &column.reading {
            Reading::Int96 => Reader::Int96(Box::new(Int96Reader::new(
                Arc::clone(&column.descriptor),
                Box::new(pages),
            ))),
            Reading::Arrow(levels, metadata) => {
                let rows = usize::try_from(rows).map_err(|_| Fault::bad("too many rows"))?;
                let group = OneColumn {
                    rows,
                    pages: Mutex::new(Some(pages)),
                    metadata: Arc::clone(metadata),
                };
                let reader = ParquetRecordBatchReader::try_new_with_row_groups(levels, &group, BATCH_ROWS, None)
                    .map_err(|error| Fault::bad(error.to_string()))?;
                Reader::Arrow(Box::new(reader))
            }
        };
        Ok(Self { reader, fault })
    }

    /// The next `rows` values: [`BATCH_ROWS`], or what is left of the row group.
    pub(in crate::inputs) fn next(&mut self, rows: usize) -> Result<Values, Fault> {
        let values = self.decode(rows).map_err(|message| {
            let stashed = self.fault.lock().unwrap_or_else(PoisonError::into_inner).take();
            stashed.unwrap_or(Fault::Bad(message))
        })?;
        if values.len() != rows {
            return Err(Fault::Bad(format!("{} values where {rows} are due", values.len())));
        }
        Ok(values)
    }

    fn decode(&mut self, rows: usize) -> Result<Values, String> {
        match &mut self.reader {
            Reader::Int96(reader) => reader.read(rows).map(Values::Ints).map_err(|error| error.to_string()),
            Reader::Arrow(reader) => {
                let batch = reader
                    .next()
                    .ok_or("its pages end early")?
                    .map_err(|error| error.to_string())?;
                to_values(batch.columns().first().ok_or("it has no values")?)
            }
        }
    }
}

/// One column of one row group, as the Arrow reader asks for it.
struct OneColumn {
    rows: usize,
    pages: Mutex<Option<Pages>>,
    metadata: Arc<ParquetMetaData>,
}

impl RowGroups for OneColumn {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, _: usize) -> ParquetResult<Box<dyn PageIterator>> {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner).take();
        let pages = pages.ok_or_else(|| ParquetError::General("a column is read once".to_owned()))?;
        Ok(Box::new(OneChunk(Some(Box::new(pages)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::empty())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

fn to_values(array: &ArrayRef) -> Result<Values, String> {
    Ok(match array.data_type() {
        DataType::Null => Values::Ints(nothing_but_nulls(array.len())),
        DataType::Int8 => widened::<Int8Type>(array),
        DataType::Int16 => widened::<Int16Type>(array),
        DataType::Int32 => widened::<Int32Type>(array),
        DataType::Int64 => ints(array.as_primitive::<Int64Type>().values().clone(), array, None),
        DataType::UInt8 => widened::<UInt8Type>(array),
        DataType::UInt16 => widened::<UInt16Type>(array),
        DataType::UInt32 => widened::<UInt32Type>(array),
        DataType::UInt64 => unsigned(array),
        DataType::Date32 => widened::<Date32Type>(array),
        DataType::Timestamp(TimeUnit::Second, _) => {
            converted::<TimestampSecondType>(array, |value| value.checked_mul(1_000_000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            converted::<TimestampMillisecondType>(array, |value| value.checked_mul(1_000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => ints(
            array.as_primitive::<TimestampMicrosecondType>().values().clone(),
            array,
            None,
        ),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            converted::<TimestampNanosecondType>(array, |value| Some(value.div_euclid(1_000)))
        }
        DataType::Dictionary(key, _) if **key == DataType::Int32 => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let keys = dictionary.keys();
            Values::Strings(Strings {
                values: Arc::clone(dictionary.values()),
                keys: Some((keys.values().clone(), keys.nulls().cloned())),
                rows: array.len(),
            })
        }
        DataType::Utf8 | DataType::Binary => Values::Strings(Strings {
            values: Arc::clone(array),
            keys: None,
            rows: array.len(),
        }),
        other => return Err(format!("it was decoded to {other}")),
    })
}

fn nothing_but_nulls(rows: usize) -> Ints {
    Ints::new(
        ScalarBuffer::from(vec![0; rows]),
        Some(NullBuffer::new_null(rows)),
        None,
    )
}

fn ints(values: ScalarBuffer<i64>, array: &ArrayRef, beyond: Option<Vec<bool>>) -> Values {
    Values::Ints(Ints::new(values, array.nulls().cloned(), beyond))
}

fn widened<T: ArrowPrimitiveType>(array: &ArrayRef) -> Values
where
    i64: From<T::Native>,
{
    let values = array.as_primitive::<T>().values();
    ints(values.iter().map(|value| i64::from(*value)).collect(), array, None)
}

fn unsigned(array: &ArrayRef) -> Values {
    let values = array.as_primitive::<UInt64Type>().values();
    let beyond = values.iter().map(|value| i64::try_from(*value).is_err()).collect();
    ints(
        values.iter().map(|value| value.cast_signed()).collect(),
        array,
        Some(beyond),
    )
}

fn converted<T: ArrowPrimitiveType>(array: &ArrayRef, convert: impl Fn(T::Native) -> Option<i64>) -> Values {
    let values = array.as_primitive::<T>().values();
    let converted: Vec<Option<i64>> = values.iter().map(|value| convert(*value)).collect();
    let beyond = converted.iter().map(Option::is_none).collect();
    ints(
        converted.iter().map(|value| value.unwrap_or(0)).collect(),
        array,
        Some(beyond),
    )
}
