//! Files that are cut off, flipped or made to hurt.

use std::error::Error;
use std::panic::{self, AssertUnwindSafe};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use nightbill::inputs::usage::ScanError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::metadata::ParquetStatisticsPolicy;
use parquet::file::properties::{EnabledStatistics, WriterVersion};

use super::files::{Kind, write, write_int96};
use super::memory::assert_below_a_gigabyte;
use super::reference::{Row, expect};
use super::sample::sample;
use super::world::{Outcome, Setting, scan_file};

/// Scans a hostile file: an error of the file, or an outcome; never a panic, another error, or much memory.
fn scan_hostile(what: &str, bytes: &Bytes) -> Option<Outcome> {
    let setting = Setting {
        threads: 1,
        ..Setting::utc()
    };
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| scan_file(setting, bytes)));
    assert_below_a_gigabyte(what);
    match outcome {
        Ok(Ok(outcome)) => Some(outcome),
        Ok(Err(ScanError::BadFile { .. })) => None,
        Ok(Err(error)) => panic!("{what}: {error}"),
        Err(_) => panic!("{what}: it panicked"),
    }
}

/// What the plain Arrow reader makes of a file.
fn read_plainly(bytes: &Bytes) -> Result<Vec<Row>, Box<dyn Error>> {
    let names = ["ts", "account_id", "sdk_app_id", "meter", "seconds", "pixels"];
    // Statistics say nothing about rows; the scan does not read them either.
    let skip = || ParquetStatisticsPolicy::SkipAll;
    let options = ArrowReaderOptions::new()
        .with_column_stats_policy(skip())
        .with_encoding_stats_policy(skip())
        .with_size_stats_policy(skip());
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), names);
    let mut rows = Vec::new();
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("no {name}"));
        let ints = |name: &str| -> Result<Vec<Option<i128>>, Box<dyn Error>> {
            let array = cast(column(name)?, &DataType::Int64)?;
            let array = array.as_primitive::<Int64Type>();
            Ok(array.iter().map(|value| value.map(i128::from)).collect())
        };
        let unit = DataType::Timestamp(TimeUnit::Microsecond, None);
        let times = cast(column("ts")?, &unit)?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let meters = cast(column("meter")?, &DataType::Utf8)?;
        let meters = meters.as_string::<i32>();
        let (accounts, apps, seconds, pixels) = (
            ints("account_id")?,
            ints("sdk_app_id")?,
            ints("seconds")?,
            ints("pixels")?,
        );
        for row in 0..batch.num_rows() {
            rows.push(Row {
                ts: times.is_valid(row).then(|| i128::from(times.value(row)) * 1_000),
                account_id: accounts[row],
                sdk_app_id: apps[row],
                meter: meters.is_valid(row).then(|| meters.value(row).to_owned()),
                seconds: seconds[row],
                pixels: pixels[row],
            });
        }
    }
    Ok(rows)
}

/// How a changed file came out.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    read: usize,
}

fn check_changed(what: &str, bytes: &Bytes, tally: &mut Tally) {
    let Some(outcome) = scan_hostile(what, bytes) else {
        tally.refused += 1;
        return;
    };
    tally.read += 1;
    let rows = panic::catch_unwind(AssertUnwindSafe(|| read_plainly(bytes)));
    let rows = rows.unwrap_or_else(|_| panic!("{what}: the arrow reader panics at what the scan reads"));
    let rows = rows.unwrap_or_else(|error| panic!("{what}: the arrow reader refuses what the scan reads: {error}"));
    let setting = Setting::utc();
    assert_eq!(outcome, expect(setting, &[(setting.day, "a.parquet", &rows)]), "{what}");
}

fn kinds() -> Vec<(&'static str, Kind)> {
    let small = Kind {
        page_rows: 20,
        group_rows: 60,
        ..Kind::default()
    };
    vec![
        ("dictionary", small.clone()),
        (
            "plain",
            Kind {
                int_encoding: Some(Encoding::PLAIN),
                string_encoding: Some(Encoding::PLAIN),
                ..small.clone()
            },
        ),
        (
            "delta, v2, zstd",
            Kind {
                int_encoding: Some(Encoding::DELTA_BINARY_PACKED),
                string_encoding: Some(Encoding::DELTA_BYTE_ARRAY),
                version: WriterVersion::PARQUET_2_0,
                codec: Compression::ZSTD(ZstdLevel::default()),
                ..small.clone()
            },
        ),
        (
            "delta lengths, split, v2",
            Kind {
                int_encoding: Some(Encoding::BYTE_STREAM_SPLIT),
                string_encoding: Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
                version: WriterVersion::PARQUET_2_0,
                ..small.clone()
            },
        ),
        (
            "gzip, statistics",
            Kind {
                codec: Compression::GZIP(GzipLevel::default()),
                statistics: EnabledStatistics::Page,
                ..small.clone()
            },
        ),
        (
            "lz4",
            Kind {
                codec: Compression::LZ4,
                ..small.clone()
            },
        ),
        (
            "brotli",
            Kind {
                codec: Compression::BROTLI(Default::default()),
                ..small.clone()
            },
        ),
        (
            "snappy, overflowing dictionary",
            Kind {
                codec: Compression::SNAPPY,
                dictionary_bytes: 60,
                ..small
            },
        ),
    ]
}

#[test]
fn truncated_at_every_kib() {
    let kind = Kind {
        group_rows: 2_000,
        ..Kind::default()
    };
    let bytes = write(&kind, &kind.fit(&sample(20_000, 30)));
    assert!(bytes.len() > 100 << 10);
    for length in (0..bytes.len()).step_by(1 << 10).chain(bytes.len() - 20..bytes.len()) {
        assert!(
            scan_hostile("truncated", &bytes.slice(..length)).is_none(),
            "{length} bytes of {}",
            bytes.len()
        );
    }
}

#[test]
fn every_byte_flipped() {
    for (what, kind) in kinds() {
        let bytes = write(&kind, &kind.fit(&sample(100, 31)));
        let mut tally = Tally::default();
        for at in 0..bytes.len() {
            for mask in [0xff, 1 << (at % 8)] {
                let mut flipped = bytes.to_vec();
                flipped[at] ^= mask;
                check_changed(&format!("{what}, byte {at} ^ {mask:#x}"), &flipped.into(), &mut tally);
            }
        }
        assert!(tally.read > 100 && tally.refused > 300, "{what}: {tally:?}");
    }
}

#[test]
fn bytes_flipped_in_larger_files() {
    for (what, kind) in kinds() {
        let kind = Kind {
            page_rows: 500,
            group_rows: 1_500,
            ..kind
        };
        let bytes = write(&kind, &kind.fit(&sample(4_000, 32)));
        let mut tally = Tally::default();
        for flip in 0..300 {
            let at = flip * 7_919 % bytes.len();
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << (flip % 8);
            check_changed(&format!("{what}, byte {at}"), &flipped.into(), &mut tally);
        }
    }
}

#[test]
fn flipped_int96_and_nested_files_never_panic() {
    let rows = Kind::default().fit(&sample(60, 33));
    let nested = Kind {
        extra: true,
        ..Kind::default()
    };
    for bytes in [write_int96(&rows, false), write(&nested, &rows)] {
        for at in 0..bytes.len() {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << (at % 8);
            let _ = scan_hostile(&format!("byte {at}"), &flipped.into());
        }
    }
}

#[test]
fn no_parquet_at_all() {
    for bytes in [
        &b""[..],
        b"PAR1",
        b"PAR1PAR1",
        b"ts,account_id\n1,2\n",
        b"PAR1\0\0\0\0PAR1",
        b"PAR1\xff\xff\xff\xffPAR1",
    ] {
        assert!(scan_hostile("no Parquet", &Bytes::from_static(bytes)).is_none());
    }
}

#[test]
fn strings_beyond_the_bound_are_refused_however_they_are_stored() {
    let long = "a".repeat(1_025);
    for (string_encoding, version) in [
        (None, WriterVersion::PARQUET_1_0),
        (Some(Encoding::PLAIN), WriterVersion::PARQUET_1_0),
        (Some(Encoding::DELTA_LENGTH_BYTE_ARRAY), WriterVersion::PARQUET_2_0),
        (Some(Encoding::DELTA_BYTE_ARRAY), WriterVersion::PARQUET_1_0),
    ] {
        for (length, refused) in [(1_024, false), (1_025, true)] {
            let mut rows = Kind::default().fit(&sample(100, 34));
            rows[50].meter = Some(long[..length].to_owned());
            rows[51].meter = Some(long[..length].to_owned());
            let bytes = write(
                &Kind {
                    string_encoding,
                    version,
                    ..Kind::default()
                },
                &rows,
            );
            let found = scan_hostile("a long string", &bytes);
            assert_eq!(found.is_none(), refused, "{string_encoding:?} {length}");
        }
    }
}
