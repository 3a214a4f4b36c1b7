//! Writes usage files of any kind with the parquet crate.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Int8Array, Int16Array, Int32Array, Int64Array, LargeStringArray, ListArray,
    StringArray, StringDictionaryBuilder, StringViewArray, StructArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type, Int96, Int96Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::reference::Row;

/// What kind of file.
#[derive(Debug, Clone)]
pub struct Kind {
    pub unit: TimeUnit,
    pub zone: Option<&'static str>,
    pub account_id: DataType,
    pub sdk_app_id: DataType,
    pub seconds: Option<DataType>,
    pub pixels: DataType,
    pub meter: Option<DataType>,
    pub int_encoding: Option<Encoding>,
    pub string_encoding: Option<Encoding>,
    pub version: WriterVersion,
    pub codec: Compression,
    /// Rows of a row group.
    pub group_rows: usize,
    /// Rows of a page.
    pub page_rows: usize,
    /// Bytes of a dictionary before it overflows to plain values.
    pub dictionary_bytes: usize,
    pub statistics: EnabledStatistics,
    /// Nested columns that nobody asked for, before and behind.
    pub extra: bool,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            unit: TimeUnit::Microsecond,
            zone: Some("UTC"),
            account_id: DataType::Int64,
            sdk_app_id: DataType::Int64,
            seconds: Some(DataType::Int64),
            pixels: DataType::Int64,
            meter: Some(DataType::Utf8),
            int_encoding: None,
            string_encoding: None,
            version: WriterVersion::PARQUET_1_0,
            codec: Compression::UNCOMPRESSED,
            group_rows: 1 << 20,
            page_rows: 20_000,
            dictionary_bytes: 1 << 20,
            statistics: EnabledStatistics::None,
            extra: false,
        }
    }
}

impl Kind {
    /// The rows as this kind of file can hold them: what does not fit is null, what is absent has its default.
    pub fn fit(&self, rows: &[Row]) -> Vec<Row> {
        let unit = unit_nanos(self.unit);
        rows.iter()
            .map(|row| Row {
                ts: row
                    .ts
                    .map(|ts| ts.div_euclid(unit))
                    .filter(|raw| i64::try_from(*raw).is_ok())
                    .map(|raw| raw * unit),
                account_id: fit(row.account_id, &self.account_id),
                sdk_app_id: fit(row.sdk_app_id, &self.sdk_app_id),
                meter: self.meter.as_ref().map_or(Some("av".to_owned()), |_| row.meter.clone()),
                seconds: self.seconds.as_ref().map_or(Some(1), |kind| fit(row.seconds, kind)),
                pixels: fit(row.pixels, &self.pixels),
            })
            .collect()
    }

    /// As [`Self::fit`], for files that can hold any time.
    pub fn fit_but_ts(&self, rows: &[Row]) -> Vec<Row> {
        let times = rows.iter().map(|row| row.ts);
        self.fit(rows)
            .into_iter()
            .zip(times)
            .map(|(row, ts)| Row { ts, ..row })
            .collect()
    }

    fn properties(&self) -> WriterProperties {
        let mut properties = WriterProperties::builder()
            .set_writer_version(self.version)
            .set_compression(self.codec)
            .set_max_row_group_row_count(Some(self.group_rows))
            .set_data_page_row_count_limit(self.page_rows)
            .set_write_batch_size(self.page_rows.min(1_024))
            .set_dictionary_page_size_limit(self.dictionary_bytes)
            .set_statistics_enabled(self.statistics);
        let ints = ["ts", "account_id", "sdk_app_id", "seconds", "pixels"];
        for name in ints {
            if let Some(encoding) = self.int_encoding {
                properties = properties
                    .set_column_encoding(name.into(), encoding)
                    .set_column_dictionary_enabled(name.into(), false);
            }
        }
        if let Some(encoding) = self.string_encoding {
            properties = properties
                .set_column_encoding("meter".into(), encoding)
                .set_column_dictionary_enabled("meter".into(), false);
        }
        properties.build()
    }
}

fn unit_nanos(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

fn fit(value: Option<i128>, kind: &DataType) -> Option<i128> {
    let bounds = match kind {
        DataType::Int8 => i128::from(i8::MIN)..=i128::from(i8::MAX),
        DataType::Int16 => i128::from(i16::MIN)..=i128::from(i16::MAX),
        DataType::Int32 => i128::from(i32::MIN)..=i128::from(i32::MAX),
        DataType::Int64 => i128::from(i64::MIN)..=i128::from(i64::MAX),
        DataType::UInt8 => 0..=i128::from(u8::MAX),
        DataType::UInt16 => 0..=i128::from(u16::MAX),
        DataType::UInt32 => 0..=i128::from(u32::MAX),
        DataType::UInt64 => 0..=i128::from(u64::MAX),
        other => panic!("{other} is no integer"),
    };
    value.filter(|value| bounds.contains(value))
}

fn ints(values: impl Iterator<Item = Option<i128>>, kind: &DataType) -> ArrayRef {
    macro_rules! narrow {
        ($array:ty, $native:ty) => {
            Arc::new(
                values
                    .map(|value| value.map(|value| <$native>::try_from(value).unwrap()))
                    .collect::<$array>(),
            )
        };
    }
    match kind {
        DataType::Int8 => narrow!(Int8Array, i8),
        DataType::Int16 => narrow!(Int16Array, i16),
        DataType::Int32 => narrow!(Int32Array, i32),
        DataType::Int64 => narrow!(Int64Array, i64),
        DataType::UInt8 => narrow!(UInt8Array, u8),
        DataType::UInt16 => narrow!(UInt16Array, u16),
        DataType::UInt32 => narrow!(UInt32Array, u32),
        DataType::UInt64 => narrow!(UInt64Array, u64),
        other => panic!("{other} is no integer"),
    }
}

fn strings(rows: &[Row], kind: &DataType) -> ArrayRef {
    let values = rows.iter().map(|row| row.meter.as_deref());
    match kind {
        DataType::Utf8 => Arc::new(values.collect::<StringArray>()),
        DataType::LargeUtf8 => Arc::new(values.collect::<LargeStringArray>()),
        DataType::Utf8View => Arc::new(values.collect::<StringViewArray>()),
        DataType::Binary => Arc::new(values.map(|value| value.map(str::as_bytes)).collect::<BinaryArray>()),
        DataType::Dictionary(_, _) => {
            let mut builder = StringDictionaryBuilder::<Int32Type>::new();
            values.for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        other => panic!("{other} is no string"),
    }
}

fn times(rows: &[Row], unit: TimeUnit, zone: Option<&str>) -> ArrayRef {
    let nanos = unit_nanos(unit);
    let values = rows
        .iter()
        .map(|row| row.ts.map(|ts| i64::try_from(ts.div_euclid(nanos)).unwrap()));
    match unit {
        TimeUnit::Second => Arc::new(values.collect::<TimestampSecondArray>().with_timezone_opt(zone)),
        TimeUnit::Millisecond => Arc::new(values.collect::<TimestampMillisecondArray>().with_timezone_opt(zone)),
        TimeUnit::Microsecond => Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone_opt(zone)),
        TimeUnit::Nanosecond => Arc::new(values.collect::<TimestampNanosecondArray>().with_timezone_opt(zone)),
    }
}

fn nested(rows: usize) -> ArrayRef {
    let numbers: ArrayRef = Arc::new(
        (0..rows)
            .map(|i| Some(i64::try_from(i).unwrap()))
            .collect::<Int64Array>(),
    );
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..rows).map(|i| (i % 3 > 0).then(|| vec![Some(1), None, Some(3)])),
    ));
    let field = |name: &str, array: &ArrayRef| Arc::new(Field::new(name, array.data_type().clone(), true));
    Arc::new(StructArray::from(vec![
        (field("ts", &numbers), Arc::clone(&numbers)),
        (field("meter", &lists), lists),
    ]))
}

/// Writes rows that [`Kind::fit`].
pub fn write(kind: &Kind, rows: &[Row]) -> Bytes {
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    if kind.extra {
        columns.push(("room", nested(rows.len())));
    }
    columns.push(("ts", times(rows, kind.unit, kind.zone)));
    columns.push((
        "account_id",
        ints(rows.iter().map(|row| row.account_id), &kind.account_id),
    ));
    if kind.extra {
        columns.push(("user", nested(rows.len())));
    }
    columns.push((
        "sdk_app_id",
        ints(rows.iter().map(|row| row.sdk_app_id), &kind.sdk_app_id),
    ));
    if let Some(meter) = &kind.meter {
        columns.push(("meter", strings(rows, meter)));
    }
    columns.push(("pixels", ints(rows.iter().map(|row| row.pixels), &kind.pixels)));
    if let Some(seconds) = &kind.seconds {
        columns.push(("seconds", ints(rows.iter().map(|row| row.seconds), seconds)));
    }
    write_columns(kind, columns)
}

/// Writes columns; those without nulls are required.
pub fn write_columns(kind: &Kind, columns: Vec<(&str, ArrayRef)>) -> Bytes {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| {
            let nullable = array.logical_null_count() > 0 || array.data_type().is_nested();
            Field::new(*name, array.data_type().clone(), nullable)
        })
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(kind.properties())).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap().into()
}

/// Writes a file whose `ts` is INT96 and whose `meter` has no annotation, as old Impala did.
pub fn write_int96(rows: &[Row], required: bool) -> Bytes {
    let word = if required { "required" } else { "optional" };
    let schema = format!(
        "message usage {{ {word} int96 ts; {word} int64 account_id; {word} int64 sdk_app_id; {word} binary meter; \
         {word} int64 seconds; {word} int64 pixels; }}"
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let number = |value: i128| i64::try_from(value).unwrap();
    macro_rules! column {
        ($type:ty, $values:expr) => {
            let values: Vec<_> = $values;
            let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
            let present: Vec<_> = values.into_iter().flatten().collect();
            let mut column = group.next_column().unwrap().unwrap();
            column
                .typed::<$type>()
                .write_batch(&present, (!required).then_some(&levels[..]), None)
                .unwrap();
            column.close().unwrap();
        };
    }
    column!(Int96Type, rows.iter().map(|row| row.ts.map(to_int96)).collect());
    column!(Int64Type, rows.iter().map(|row| row.account_id.map(number)).collect());
    column!(Int64Type, rows.iter().map(|row| row.sdk_app_id.map(number)).collect());
    column!(
        ByteArrayType,
        rows.iter()
            .map(|row| row.meter.as_deref().map(ByteArray::from))
            .collect()
    );
    column!(Int64Type, rows.iter().map(|row| row.seconds.map(number)).collect());
    column!(Int64Type, rows.iter().map(|row| row.pixels.map(number)).collect());
    group.close().unwrap();
    writer.into_inner().unwrap().into()
}

fn to_int96(nanos: i128) -> Int96 {
    const DAY: i128 = 86_400_000_000_000;
    let day = i32::try_from(nanos.div_euclid(DAY) + 2_440_588).unwrap();
    let of_day = u64::try_from(nanos.rem_euclid(DAY)).unwrap();
    let mut value = Int96::new();
    let (low, high) = (
        u32::try_from(of_day & 0xffff_ffff).unwrap(),
        u32::try_from(of_day >> 32).unwrap(),
    );
    value.set_data(low, high, day.cast_unsigned());
    value
}
