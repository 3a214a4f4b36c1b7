//! INT96 timestamps: a Julian day and nanoseconds of that day, as Impala, Hive and older Spark write them.

use arrow::buffer::{NullBuffer, ScalarBuffer};
use parquet::column::page::PageReader;
use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::{Int96, Int96Type};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescPtr;

use super::decode::Ints;

/// The Julian day number of 1970-01-01.
const JULIAN_DAY_OF_EPOCH: i128 = 2_440_588;
const NANOS_PER_DAY: i128 = 86_400_000_000_000;
const NANOS_PER_MICRO: i128 = 1_000;

/// Reads an INT96 column.
pub(super) struct Int96Reader {
    reader: ColumnReaderImpl<Int96Type>,
    nullable: bool,
}

impl Int96Reader {
    pub(super) fn new(descriptor: ColumnDescPtr, pages: Box<dyn PageReader>) -> Self {
        let nullable = descriptor.max_def_level() > 0;
        Self {
            reader: get_typed_column_reader(get_column_reader(descriptor, pages)),
            nullable,
        }
    }

    /// The next `rows` timestamps, in microseconds.
    pub(super) fn read(&mut self, rows: usize) -> Result<Ints> {
        let mut values = Vec::with_capacity(rows);
        let mut levels = Vec::new();
        while if self.nullable {
            levels.len() < rows
        } else {
            values.len() < rows
        } {
            let done = if self.nullable { levels.len() } else { values.len() };
            let wanted = self.nullable.then_some(&mut levels);
            let (records, _, _) = self.reader.read_records(rows - done, wanted, None, &mut values)?;
            if records == 0 {
                return Err(ParquetError::General("its pages end early".to_owned()));
            }
        }
        if !self.nullable {
            return Ok(to_ints(values.into_iter().map(Some)));
        }
        let mut present = values.into_iter();
        let spread: Option<Vec<Option<Int96>>> = levels
            .iter()
            .map(|level| {
                if *level == 0 {
                    Some(None)
                } else {
                    present.next().map(Some)
                }
            })
            .collect();
        let spread =
            spread.ok_or_else(|| ParquetError::General("it has fewer values than its levels say".to_owned()))?;
        Ok(to_ints(spread.into_iter()))
    }
}

fn to_ints(values: impl Iterator<Item = Option<Int96>>) -> Ints {
    let values: Vec<Option<Int96>> = values.collect();
    let micros: Vec<Option<i64>> = values.iter().map(|value| value.as_ref().and_then(to_micros)).collect();
    let beyond = values
        .iter()
        .zip(&micros)
        .map(|(value, micros)| value.is_some() && micros.is_none())
        .collect();
    Ints::new(
        ScalarBuffer::from_iter(micros.iter().map(|micros| micros.unwrap_or(0))),
        Some(NullBuffer::from_iter(values.iter().map(Option::is_some))),
        Some(beyond),
    )
}

/// Microseconds since 1970, rounded down; None where they leave 64 bits.
fn to_micros(value: &Int96) -> Option<i64> {
    let [low, high, day] = *value.data() else { return None };
    let nanos = (u64::from(high) << 32 | u64::from(low)).cast_signed();
    let day = i128::from(day.cast_signed()) - JULIAN_DAY_OF_EPOCH;
    let since_epoch = day * NANOS_PER_DAY + i128::from(nanos);
    i64::try_from(since_epoch.div_euclid(NANOS_PER_MICRO)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int96(day: i32, nanos: i64) -> Int96 {
        let mut value = Int96::new();
        let nanos = nanos.cast_unsigned();
        let (low, high) = (
            u32::try_from(nanos & 0xffff_ffff).unwrap(),
            u32::try_from(nanos >> 32).unwrap(),
        );
        value.set_data(low, high, day.cast_unsigned());
        value
    }

    #[test]
    fn micros_of_int96() {
        let cases = [
            (2_440_588, 0, Some(0)),
            (2_440_588, 1_999, Some(1)),
            (2_440_587, 86_399_999_999_999, Some(-1)),
            // 2999-12-31 23:59:59.999999, beyond what nanoseconds can hold.
            (2_440_588 + 376_199, 86_399_999_999_000, Some(32_503_679_999_999_999)),
            (i32::MAX, 0, None),
            (i32::MIN, 0, None),
        ];
        for (day, nanos, micros) in cases {
            assert_eq!(to_micros(&int96(day, nanos)), micros, "{day} {nanos}");
        }
    }
}
