//! Rewritten days: the same rows, sums and rejects, in order, in any memory.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::row::{RowConverter, SortField};
use bytes::Bytes;
use nightbill::compact::{CompactError, CompactOptions, Compacted, Progress, Stage, compact};
use nightbill::inputs::usage::ScanError;
use nightbill::job::Job;
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::store::Location;
use nightbill::units::quantity::BillingDay;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaData;
use proptest::prelude::*;
use tempfile::TempDir;
use url::Url;

use super::files::{Kind, write, write_columns, write_int96};
use super::reference::Row;
use super::sample::{SECOND, START, sample};
use super::world::{Outcome, Setting, book, day, scan_files};

const DAY: &str = "2024-10-12";

struct Silent;

impl Progress for Silent {
    fn stage_begins(&self, _: BillingDay, _: Stage, _: u64) {}
    fn rows_done(&self, _: u64) {}
}

/// A directory with a day of usage in it, and a target beside it.
struct Place(TempDir);

impl Place {
    fn with(files: &[Bytes]) -> Self {
        let place = Self(TempDir::new().unwrap());
        let partition = place.0.path().join(format!("usage/date={DAY}"));
        fs::create_dir_all(&partition).unwrap();
        fs::create_dir(place.0.path().join("temporary")).unwrap();
        for (number, bytes) in files.iter().enumerate() {
            fs::write(partition.join(format!("{number:03}.parquet")), bytes).unwrap();
        }
        place
    }

    fn job(&self) -> Job {
        let text = "catalog = \"catalog.toml\"\noutput = \"file:out\"\ntimezone = \"UTC\"\ndeduction_period = \"5min\"\n\
                    [inputs]\nusage = { url = \"file:usage\", shape = \"seconds\" }\naccounts = \"file:a.csv\"\n\
                    packages = \"file:p.csv\"\npayments = \"file:y.csv\"\n";
        Job::parse(&self.0.path().join("job.toml"), text, &[], |_| None).unwrap()
    }

    fn options(&self, target: &str, memory: usize) -> CompactOptions {
        let target = Url::from_directory_path(self.0.path().join(target)).unwrap();
        CompactOptions {
            day: day(DAY),
            target: Location::from_url(target).unwrap(),
            temporary: self.0.path().join("temporary"),
            memory,
        }
    }

    fn compact(&self, target: &str, memory: usize) -> Result<Compacted, CompactError> {
        let outcome = compact(&self.job(), &book(), &self.options(target, memory), &Silent);
        let left = fs::read_dir(self.0.path().join("temporary")).unwrap().count();
        assert_eq!(left, 0, "the temporary directory is cleaned up");
        outcome
    }

    /// The files that were written, by path.
    fn written(&self, target: &str) -> Vec<(String, Bytes)> {
        let directory = self.0.path().join(target).join(format!("date={DAY}"));
        let Ok(entries) = fs::read_dir(directory) else {
            return Vec::new();
        };
        let mut files: Vec<(String, Bytes)> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let bytes = fs::read(entry.path()).unwrap().into();
                (entry.file_name().into_string().unwrap(), bytes)
            })
            .collect();
        files.sort();
        files
    }
}

/// What a scan finds, less what depends on which file and row a row is in.
fn sums(files: &[Bytes], period: DeductionPeriod) -> Outcome {
    let setting = Setting {
        period,
        ..Setting::utc()
    };
    let names: Vec<String> = (0..files.len()).map(|number| format!("{number:03}.parquet")).collect();
    let files: Vec<(BillingDay, &str, Bytes)> = names
        .iter()
        .zip(files)
        .map(|(name, bytes)| (setting.day, name.as_str(), bytes.clone()))
        .collect();
    let mut outcome = scan_files(setting, &files).unwrap();
    for reject in &mut outcome.rejects {
        (reject.file, reject.row) = (String::new(), 0);
    }
    outcome.rejects.sort_by_key(|reject| format!("{reject:?}"));
    outcome.files.clear();
    outcome
}

#[track_caller]
fn assert_same_sums(before: &[Bytes], after: &[Bytes]) {
    for period in [DeductionPeriod::Day, DeductionPeriod::FiveMinutes] {
        assert_eq!(sums(before, period), sums(after, period), "{period:?}");
    }
}

fn bytes_of(files: &[(String, Bytes)]) -> Vec<Bytes> {
    files.iter().map(|(_, bytes)| bytes.clone()).collect()
}

fn read(bytes: &Bytes) -> (Arc<ParquetMetaData>, Vec<RecordBatch>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let metadata = Arc::clone(builder.metadata());
    (metadata, builder.build().unwrap().map(Result::unwrap).collect())
}

fn kinds() -> impl Strategy<Value = Kind> {
    let ints = prop::sample::select(vec![
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt64,
    ]);
    let strings = prop::sample::select(vec![
        None,
        Some(DataType::Utf8),
        Some(DataType::LargeUtf8),
        Some(DataType::Binary),
        Some(DataType::Dictionary(
            Box::new(DataType::Int32),
            Box::new(DataType::Utf8),
        )),
    ]);
    let units = prop::sample::select(vec![
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ]);
    let zones = prop::sample::select(vec![None, Some("UTC"), Some("Asia/Shanghai")]);
    let encodings = prop::sample::select(vec![None, Some(Encoding::PLAIN), Some(Encoding::DELTA_BINARY_PACKED)]);
    (
        ints.clone(),
        ints,
        strings,
        units,
        zones,
        encodings,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(keys, others, meter, unit, zone, int_encoding, has_seconds, extra)| Kind {
                unit,
                zone,
                account_id: keys.clone(),
                sdk_app_id: keys,
                seconds: has_seconds.then(|| others.clone()),
                pixels: others,
                meter,
                int_encoding,
                group_rows: 700,
                page_rows: 90,
                extra,
                ..Kind::default()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_files_hold_the_same_sums_and_rejects_afterwards(
        files in prop::collection::vec((kinds(), 0_usize..1_500, any::<u64>()), 1..4),
        memory in prop::sample::select(vec![1_usize, 400_000, 1 << 30]),
    ) {
        let files: Vec<Bytes> = files
            .iter()
            .map(|(kind, rows, seed)| write(kind, &kind.fit(&sample(*rows, *seed))))
            .collect();
        let place = Place::with(&files);
        let compacted = place.compact("target", memory).unwrap();
        let written = bytes_of(&place.written("target"));
        assert_same_sums(&files, &written);
        prop_assert_eq!(compacted.files.len(), written.len());
        let rows: i64 = written.iter().map(|bytes| read(bytes).0.file_metadata().num_rows()).sum();
        prop_assert_eq!(i64::try_from(compacted.totals.rows).unwrap(), rows);
    }
}

/// Files with columns that nobody bills, many of their keys equal.
fn with_extras(rows: usize, files: usize) -> Vec<Bytes> {
    (0..files)
        .map(|file| {
            let rows = Kind::default().fit(&sample(rows, u64::try_from(file).unwrap()));
            let count = i64::try_from(rows.len()).unwrap();
            let user: ArrayRef = Arc::new(
                (0..count)
                    .map(|row| (row % 9 > 0).then_some(row * 31 % 17))
                    .collect::<Int64Array>(),
            );
            let room: ArrayRef = Arc::new(
                (0..count)
                    .map(|row| Some(format!("room {file}/{row}")))
                    .collect::<StringArray>(),
            );
            let loss: ArrayRef = Arc::new(
                (0..count)
                    .map(|row| (row % 5 > 0).then_some(0.25))
                    .collect::<Float64Array>(),
            );
            let vip: ArrayRef = Arc::new((0..count).map(|row| Some(row % 2 == 0)).collect::<BooleanArray>());
            let (_, batches) = read(&write(&Kind::default(), &rows));
            let batch = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
            let schema = batch.schema();
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let mut columns: Vec<(&str, ArrayRef)> = names.zip(batch.columns().iter().cloned()).collect();
            columns.extend([("vip", vip), ("room_id", room), ("user_id", user), ("loss", loss)]);
            // Columns in another order are the same columns.
            columns.rotate_left(file % 3);
            write_columns(
                &Kind {
                    group_rows: 40,
                    ..Kind::default()
                },
                columns,
            )
        })
        .collect()
}

/// Every row of some files as text, columns by name.
fn texts(files: &[Bytes]) -> Vec<String> {
    let mut rows = Vec::new();
    for bytes in files {
        for batch in read(bytes).1 {
            let mut names: Vec<String> = batch
                .schema()
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect();
            names.sort();
            let columns: Vec<_> = names.iter().map(|name| batch.column_by_name(name).unwrap()).collect();
            for row in 0..batch.num_rows() {
                let cells = columns.iter().map(|column| format!("{:?}", column.slice(row, 1)));
                rows.push(cells.collect::<Vec<_>>().join("|"));
            }
        }
    }
    rows
}

#[test]
fn every_column_of_every_row_is_kept_in_order_and_ties_stay_as_they_came() {
    let files = with_extras(2_500, 4);
    let place = Place::with(&files);
    let compacted = place.compact("target", 1).unwrap();
    assert!(compacted.left_out.is_empty());
    let written = place.written("target");
    let [(name, bytes)] = written.as_slice() else {
        panic!("{} files", written.len())
    };
    assert_eq!(name, "part-0.parquet");
    let (metadata, batches) = read(bytes);
    let (mut before, mut after) = (texts(&files), texts(std::slice::from_ref(bytes)));
    before.sort();
    after.sort();
    assert!(before == after, "other rows");
    let names = ["account_id", "sdk_app_id", "user_id", "ts"];
    let batch = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    let keys: Vec<ArrayRef> = names
        .iter()
        .map(|name| Arc::clone(batch.column_by_name(name).unwrap()))
        .collect();
    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
    let keys = RowConverter::new(fields).unwrap().convert_columns(&keys).unwrap();
    let rooms = batch.column_by_name("room_id").unwrap().as_string::<i32>();
    let place_of = |row: usize| -> (usize, usize) {
        let (file, row) = rooms.value(row).strip_prefix("room ").unwrap().split_once('/').unwrap();
        (file.parse().unwrap(), row.parse().unwrap())
    };
    for row in 1..batch.num_rows() {
        let (before, after) = ((keys.row(row - 1), place_of(row - 1)), (keys.row(row), place_of(row)));
        assert!(before < after, "row {row}");
    }
    for column in metadata.row_group(0).columns() {
        let is_ts = column.column_path().string() == "ts";
        assert_eq!(
            column.encodings().any(|of| of == Encoding::DELTA_BINARY_PACKED),
            is_ts,
            "{}",
            column.column_path()
        );
        assert!(column.statistics().is_some(), "{}", column.column_path());
    }
}

#[test]
fn the_bytes_do_not_depend_on_memory_or_threads() {
    let place = Place::with(&with_extras(3_000, 3));
    place.compact("0", 1 << 30).unwrap();
    let expected = place.written("0");
    // A run for each batch, merged in two passes.
    place.compact("1", 1).unwrap();
    assert!(place.written("1") == expected, "another memory, other bytes");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(5).build().unwrap();
    pool.install(|| place.compact("2", 300_000)).unwrap();
    assert!(place.written("2") == expected, "other threads, other bytes");
}

#[test]
fn files_with_other_columns_are_written_apart() {
    let rows = sample(500, 3);
    let kinds = [
        Kind::default(),
        Kind {
            meter: None,
            ..Kind::default()
        },
        Kind {
            unit: TimeUnit::Second,
            ..Kind::default()
        },
        Kind {
            extra: true,
            ..Kind::default()
        },
    ];
    let files: Vec<Bytes> = kinds.iter().map(|kind| write(kind, &kind.fit(&rows))).collect();
    let place = Place::with(&files);
    let compacted = place.compact("target", 1 << 30).unwrap();
    assert_eq!(compacted.left_out, ["room", "user"], "nested");
    let written = bytes_of(&place.written("target"));
    let rows: Vec<i64> = written
        .iter()
        .map(|bytes| read(bytes).0.file_metadata().num_rows())
        .collect();
    assert_eq!(rows, [1_000, 500, 500], "without the nested ones two of them are alike");
    assert_same_sums(&files, &written);
}

#[test]
fn int96_becomes_microseconds() {
    let mut rows = Kind::default().fit(&sample(800, 4));
    // Beyond what nanoseconds can hold.
    rows[0].ts = Some(START + 300 * 366 * 86_400 * SECOND);
    let files = [write_int96(&rows, false)];
    let place = Place::with(&files);
    place.compact("target", 1 << 30).unwrap();
    assert_same_sums(&files, &bytes_of(&place.written("target")));
}

#[test]
fn a_day_without_rows_is_still_there() {
    let files = [write(&Kind::default(), &Vec::<Row>::new())];
    let place = Place::with(&files);
    let compacted = place.compact("target", 1 << 30).unwrap();
    assert_eq!((compacted.totals.rows, compacted.files.len()), (0, 1));
    assert_same_sums(&files, &bytes_of(&place.written("target")));
}

#[test]
fn a_damaged_file_leaves_nothing_behind() {
    let mut files = with_extras(2_000, 2);
    let mut bytes = files[1].to_vec();
    bytes[4..3_000].fill(0xff);
    files[1] = bytes.into();
    let place = Place::with(&files);
    let error = place.compact("target", 1).unwrap_err();
    assert!(
        matches!(&error, CompactError::Scan(ScanError::BadFile { file, .. }) if file.ends_with("001.parquet")),
        "{error}"
    );
    assert_eq!(error.exit_code(), 3);
    assert!(place.written("target").is_empty());
}

/// What a night refuses does not come out as files that it takes.
#[test]
fn repeated_uploads_and_half_partitions_are_refused() {
    let file = write(&Kind::default(), &Kind::default().fit(&sample(10, 1)));
    let place = Place::with(&[file.clone(), file]);
    let error = place.compact("target", 1 << 30).unwrap_err();
    assert!(
        matches!(&error, CompactError::Scan(ScanError::Duplicate { first, second })
            if first.ends_with("000.parquet") && second.ends_with("001.parquet")),
        "{error}"
    );
    let job = Job {
        allow_duplicate_files: true,
        ..place.job()
    };
    let compacted = compact(&job, &book(), &place.options("both", 1 << 30), &Silent).unwrap();
    assert_eq!(compacted.totals.rows, 20);
    fs::write(place.0.path().join(format!("usage/date={DAY}/_incomplete")), "").unwrap();
    let half = compact(&job, &book(), &place.options("target", 1 << 30), &Silent).unwrap_err();
    assert!(matches!(&half, CompactError::IncompletePartition(_)), "{half}");
    assert_eq!((error.exit_code(), half.exit_code()), (3, 3));
    assert!(place.written("target").is_empty());
}

/// As a night warns of them.
#[test]
fn files_that_are_no_usage_are_told() {
    let place = Place::with(&[write(&Kind::default(), &Kind::default().fit(&sample(10, 1)))]);
    assert_eq!(place.compact("one", 1 << 30).unwrap().not_read, None);
    fs::write(place.0.path().join(format!("usage/date={DAY}/late.csv")), "").unwrap();
    let warning = place.compact("two", 1 << 30).unwrap().not_read.unwrap();
    assert!(
        warning.contains("late.csv in the usage directory is not read"),
        "{warning}"
    );
}

#[test]
fn nothing_is_rewritten_in_place_or_over_something() {
    let place = Place::with(&[write(&Kind::default(), &Kind::default().fit(&sample(10, 1)))]);
    for (target, key) in [
        ("usage", "inputs.usage"),
        ("usage/date=2024-10-12", "inputs.usage"),
        ("out/x", "output"),
        ("", "inputs.usage"),
    ] {
        let error = place.compact(target, 1 << 30).unwrap_err();
        assert!(
            matches!(&error, CompactError::Overlaps { key: found, .. } if found == key),
            "{target}: {error}"
        );
        assert_eq!(error.exit_code(), 2);
    }
    assert_eq!(place.written("usage").len(), 1, "the input is untouched");
    place.compact("target", 1 << 30).unwrap();
    let before = place.written("target");
    let error = place.compact("target", 1 << 30).unwrap_err();
    assert!(matches!(&error, CompactError::NotEmpty { .. }), "{error}");
    assert!(place.written("target") == before, "what is there stays");
}

#[cfg(unix)]
#[test]
fn a_link_into_the_input_is_followed() {
    let place = Place::with(&[write(&Kind::default(), &Kind::default().fit(&sample(10, 1)))]);
    std::os::unix::fs::symlink(place.0.path().join("usage"), place.0.path().join("link")).unwrap();
    for target in ["link", "link/deeper"] {
        let error = place.compact(target, 1 << 30).unwrap_err();
        assert!(matches!(&error, CompactError::Overlaps { .. }), "{target}: {error}");
    }
}
