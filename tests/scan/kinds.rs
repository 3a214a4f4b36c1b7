//! Every kind of file holds the same rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, NullArray, StringArray};
use arrow::datatypes::{DataType, TimeUnit};
use bytes::Bytes;
use nightbill::inputs::usage::ScanError;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterVersion};

use super::files::{Kind, write, write_columns, write_int96};
use super::reference::{Row, expect};
use super::sample::{SECOND, START, sample};
use super::world::{Outcome, Setting, scan_file};

fn expected(rows: &[Row]) -> Outcome {
    let setting = Setting::utc();
    expect(setting, &[(setting.day, "a.parquet", rows)])
}

#[track_caller]
fn check(kind: &Kind, rows: &[Row]) {
    let rows = kind.fit(rows);
    let found = scan_file(Setting::utc(), &write(kind, &rows)).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    assert_eq!(found, expected(&rows), "{kind:?}");
}

#[test]
fn the_sample_breaks_every_rule() {
    let outcome = expected(&Kind::default().fit(&sample(3_000, 1)));
    assert!(outcome.counts.iter().all(|count| *count > 0), "{:?}", outcome.counts);
    assert!(outcome.groups.len() > 100);
}

#[test]
fn every_encoding_page_version_and_codec() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let encodings = [
        (None, None),
        (Some(Encoding::PLAIN), Some(Encoding::PLAIN)),
        (
            Some(Encoding::DELTA_BINARY_PACKED),
            Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ),
        (Some(Encoding::BYTE_STREAM_SPLIT), Some(Encoding::DELTA_BYTE_ARRAY)),
    ];
    let rows = sample(1_000, 2);
    for codec in codecs {
        for (int_encoding, string_encoding) in encodings {
            for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
                check(
                    &Kind {
                        codec,
                        int_encoding,
                        string_encoding,
                        version,
                        page_rows: 300,
                        ..Kind::default()
                    },
                    &rows,
                );
            }
        }
    }
}

#[test]
fn every_integer_width() {
    let rows = sample(1_000, 3);
    let widths = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
    ];
    for width in widths {
        for int_encoding in [None, Some(Encoding::PLAIN), Some(Encoding::DELTA_BINARY_PACKED)] {
            let kind = Kind {
                account_id: width.clone(),
                sdk_app_id: width.clone(),
                seconds: Some(width.clone()),
                pixels: width.clone(),
                int_encoding,
                ..Kind::default()
            };
            check(&kind, &rows);
        }
    }
}

#[test]
fn every_timestamp() {
    let rows = sample(1_000, 4);
    for unit in [
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ] {
        for zone in [None, Some("UTC"), Some("Asia/Shanghai"), Some("+08:00")] {
            check(
                &Kind {
                    unit,
                    zone,
                    ..Kind::default()
                },
                &rows,
            );
        }
    }
}

#[test]
fn int96_timestamps_of_any_year() {
    let mut rows = sample(1_000, 5);
    // Beyond what 64-bit nanoseconds, and microseconds, can hold: it must not wrap into the day.
    let years = [
        START + (1 << 64),
        START - (1 << 64),
        START + 1_000 * (1_i128 << 64),
        1_000_000_000 * 86_400 * SECOND,
    ];
    rows.iter_mut().zip(years).for_each(|(row, ts)| row.ts = Some(ts));
    let rows = Kind::default().fit_but_ts(&rows);
    let found = scan_file(Setting::utc(), &write_int96(&rows, false)).unwrap();
    assert_eq!(found, expected(&rows));
    let whole: Vec<Row> = rows.into_iter().filter(is_whole).collect();
    assert!(whole.len() > 100);
    assert_eq!(
        scan_file(Setting::utc(), &write_int96(&whole, true)).unwrap(),
        expected(&whole)
    );
}

fn is_whole(row: &Row) -> bool {
    let numbers = [&row.ts, &row.account_id, &row.sdk_app_id, &row.seconds, &row.pixels];
    row.meter.is_some() && numbers.iter().all(|number| number.is_some())
}

#[test]
fn every_string() {
    let rows = sample(1_000, 6);
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    for meter in [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        dictionary,
    ] {
        for string_encoding in [None, Some(Encoding::PLAIN), Some(Encoding::DELTA_BYTE_ARRAY)] {
            check(
                &Kind {
                    meter: Some(meter.clone()),
                    string_encoding,
                    ..Kind::default()
                },
                &rows,
            );
        }
    }
}

#[test]
fn optional_columns_may_be_absent() {
    let rows = sample(500, 7);
    check(
        &Kind {
            meter: None,
            ..Kind::default()
        },
        &rows,
    );
    check(
        &Kind {
            seconds: None,
            ..Kind::default()
        },
        &rows,
    );
    check(
        &Kind {
            meter: None,
            seconds: None,
            ..Kind::default()
        },
        &rows,
    );
}

#[test]
fn any_layout() {
    let rows = sample(20_000, 8);
    for (group_rows, page_rows, dictionary_bytes) in [
        (1, 1, 1),
        (7, 3, 10),
        (1_000, 1, 1 << 20),
        (8_192, 8_192, 64),
        (8_193, 100, 40),
        (1 << 20, 1 << 20, 1 << 20),
    ] {
        let few = if group_rows < 10 { 100 } else { rows.len() };
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for statistics in [EnabledStatistics::None, EnabledStatistics::Page] {
                let kind = Kind {
                    group_rows,
                    page_rows,
                    dictionary_bytes,
                    version,
                    statistics,
                    ..Kind::default()
                };
                check(&kind, &rows[..few]);
            }
        }
    }
}

#[test]
fn null_patterns() {
    let rows: Vec<Row> = sample(2_000, 9);
    let none = Row {
        ts: None,
        account_id: None,
        sdk_app_id: None,
        meter: None,
        seconds: None,
        pixels: None,
    };
    let whole: Vec<Row> = rows.iter().filter(|row| is_whole(row)).cloned().collect();
    let patterns: Vec<(&str, Vec<Row>)> = vec![
        ("no nulls", whole.clone()),
        ("nothing but nulls", vec![none.clone(); 1_000]),
        ("nulls first", [vec![none.clone(); 500], whole.clone()].concat()),
        ("nulls last", [whole.clone(), vec![none.clone(); 500]].concat()),
        (
            "alternating",
            whole.iter().flat_map(|row| [row.clone(), none.clone()]).collect(),
        ),
        ("no rows", Vec::new()),
    ];
    for (what, rows) in patterns {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for int_encoding in [None, Some(Encoding::PLAIN), Some(Encoding::DELTA_BINARY_PACKED)] {
                println!("{what}");
                check(
                    &Kind {
                        version,
                        int_encoding,
                        page_rows: 128,
                        ..Kind::default()
                    },
                    &rows,
                );
            }
        }
    }
}

#[test]
fn nested_columns_are_passed_over() {
    check(
        &Kind {
            extra: true,
            ..Kind::default()
        },
        &sample(1_000, 10),
    );
}

#[test]
fn untyped_nulls() {
    let rows = Kind::default().fit(&sample(300, 11));
    let nulls: ArrayRef = Arc::new(NullArray::new(rows.len()));
    let ids = |value| -> ArrayRef { Arc::new(Int64Array::from(vec![value; rows.len()])) };
    let times: ArrayRef = Arc::new(
        rows.iter()
            .map(|row| row.ts.map(|ts| i64::try_from(ts / 1_000).unwrap()))
            .collect::<arrow::array::TimestampMicrosecondArray>(),
    );
    let columns = |meter: &ArrayRef| {
        vec![
            ("ts", Arc::clone(&times)),
            ("account_id", ids(1)),
            ("sdk_app_id", ids(1)),
            ("pixels", Arc::clone(&nulls)),
            ("meter", Arc::clone(meter)),
        ]
    };
    let with = |meter: Option<&str>| -> Vec<Row> {
        rows.iter()
            .map(|row| Row {
                ts: row.ts,
                account_id: Some(1),
                sdk_app_id: Some(1),
                meter: meter.map(str::to_owned),
                seconds: Some(1),
                pixels: None,
            })
            .collect()
    };
    let av: ArrayRef = Arc::new(StringArray::from(vec!["av"; rows.len()]));
    for (meter, rows) in [(&av, with(Some("av"))), (&nulls, with(None))] {
        let bytes = write_columns(&Kind::default(), columns(meter));
        assert_eq!(
            scan_file(Setting::utc(), &bytes).unwrap(),
            expected(&rows),
            "{}",
            meter.data_type()
        );
    }
}

fn message(bytes: &Bytes) -> String {
    match scan_file(Setting::utc(), bytes) {
        Err(error @ ScanError::BadFile { .. }) => error.to_string(),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("no error"),
    }
}

#[test]
fn wrong_columns_are_named() {
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let time: ArrayRef = Arc::new(arrow::array::TimestampSecondArray::from(vec![1]));
    let all = || -> Vec<(&str, ArrayRef)> {
        vec![
            ("ts", Arc::clone(&time)),
            ("account_id", Arc::clone(&ints)),
            ("sdk_app_id", Arc::clone(&ints)),
            ("pixels", Arc::clone(&ints)),
        ]
    };
    let without = |name: &str| {
        all()
            .into_iter()
            .filter(|(column, _)| *column != name)
            .collect::<Vec<_>>()
    };
    let with = |name: &'static str, array: &ArrayRef| [without(name), vec![(name, Arc::clone(array))]].concat();
    let cases = [
        (
            without("ts"),
            "a.parquet, column ts: there is no such column, and a timestamp is needed",
        ),
        (
            without("pixels"),
            "a.parquet, column pixels: there is no such column, and an integer is needed: \
             write one, null or 0 where there is no video",
        ),
        (
            with("ts", &ints),
            "a.parquet, column ts: it is Int64, and a timestamp is needed",
        ),
        (
            with("account_id", &text),
            "a.parquet, column account_id: it is Utf8, and an integer is needed",
        ),
        (
            with("meter", &ints),
            "a.parquet, column meter: it is Int64, and a string is needed",
        ),
        (
            [all(), vec![("pixels", Arc::clone(&ints))]].concat(),
            "a.parquet, column pixels: there are several columns of this name: write the file with one",
        ),
    ];
    for (columns, expected) in cases {
        assert_eq!(message(&write_columns(&Kind::default(), columns)), expected);
    }
}
