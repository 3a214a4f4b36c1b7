//! `nightbill sample`: the same bytes again, exactly the rows asked for, every row valid, and `sample_data/` is what
//! the program makes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimeUnit, TimestampMillisecondType};
use chrono::NaiveDate;
use nightbill::job::Job;
use nightbill::sample::{
    JobFile, Layout, SampleError, SampleSpec, Shape, TsEncoding, UsageCompression, UsageEncoding, generate,
};
use nightbill::settle::{Days, SettleOptions, Unwatched, settle};
use nightbill::units::quantity::{BillingDay, Instant};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;
use tempfile::TempDir;

/// A usage row as the contract names its columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    account_id: i64,
    sdk_app_id: i64,
    user_id: i64,
    ts: i64,
    room_id: String,
    meter: String,
    seconds: i32,
    pixels: Option<i32>,
}

/// Every file below a directory, by relative path.
fn files_below(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path
                    .strip_prefix(directory)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn batches(path: &Path) -> Vec<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    builder.build().unwrap().map(Result::unwrap).collect()
}

/// The rows of each day, files one after another in the order of their numbers.
fn usage(out: &Path) -> BTreeMap<String, Vec<Row>> {
    let mut days = BTreeMap::new();
    for entry in fs::read_dir(out.join("usage")).unwrap() {
        let directory = entry.unwrap().path();
        let date = directory
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .strip_prefix("date=")
            .unwrap()
            .to_owned();
        let parts = fs::read_dir(&directory).unwrap().count();
        let rows = (0..parts)
            .flat_map(|part| batches(&directory.join(format!("part-{part}.parquet"))))
            .flat_map(|batch| rows_of(&batch))
            .collect();
        days.insert(date, rows);
    }
    days
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
    let ints = |name: &str| column(name).as_primitive::<Int64Type>();
    let (account_id, sdk_app_id, user_id) = (ints("account_id"), ints("sdk_app_id"), ints("user_id"));
    let milliseconds_utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    assert_eq!(column("ts").data_type(), &milliseconds_utc);
    let ts = column("ts").as_primitive::<TimestampMillisecondType>();
    let (room_id, meter) = (column("room_id").as_string::<i32>(), column("meter").as_string::<i32>());
    let seconds = column("seconds").as_primitive::<Int32Type>();
    let pixels = column("pixels").as_primitive::<Int32Type>();
    (0..batch.num_rows())
        .map(|row| Row {
            account_id: account_id.value(row),
            sdk_app_id: sdk_app_id.value(row),
            user_id: user_id.value(row),
            ts: ts.value(row),
            room_id: room_id.value(row).to_owned(),
            meter: meter.value(row).to_owned(),
            seconds: seconds.value(row),
            pixels: pixels.is_valid(row).then(|| pixels.value(row)),
        })
        .collect()
}

/// A CSV file as its header's names to values, row by row. Nothing in it is quoted.
fn csv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect::<Vec<String>>());
    let header = lines.next().unwrap();
    lines
        .map(|cells| {
            assert_eq!(cells.len(), header.len(), "{}: {cells:?}", path.display());
            header.iter().cloned().zip(cells).collect()
        })
        .collect()
}

fn spec(directory: &TempDir, name: &str) -> SampleSpec {
    SampleSpec {
        seed: 7,
        days: 2,
        accounts: 40,
        rows: 60_001,
        files_per_day: Some(3),
        ..SampleSpec::new(directory.path().join(name))
    }
}

/// Every row keeps the rules of SPEC 2.1, so that nothing of a sample is rejected.
fn assert_valid(spec: &SampleSpec, accounts: &BTreeSet<i64>) {
    let meters = [
        "av",
        "recording",
        "mix_h264",
        "mix_h265",
        "delivery_tencent",
        "delivery_third_party",
    ];
    for (date, rows) in usage(&spec.out) {
        let day = BillingDay::from_date(date.parse().unwrap());
        let start = nightbill::units::calendar::start_of_date(spec.zone, day)
            .unwrap()
            .micros()
            / 1000;
        let next = day.checked_add_days(1).unwrap();
        let end = nightbill::units::calendar::start_of_date(spec.zone, next)
            .unwrap()
            .micros()
            / 1000;
        assert!(!rows.is_empty(), "{date} is empty");
        for row in rows {
            assert!((start..end).contains(&row.ts), "{date}: {row:?} is misplaced");
            assert!(accounts.contains(&row.account_id), "{row:?} is of an unknown account");
            assert!(row.sdk_app_id > 0 && row.user_id > 0, "{row:?}");
            assert!(meters.contains(&row.meter.as_str()), "{row:?}");
            assert!((1..=86_400).contains(&row.seconds), "{row:?}");
            assert!(row.pixels.is_none_or(|pixels| pixels >= 0), "{row:?}");
        }
    }
}

fn account_ids(out: &Path) -> BTreeSet<i64> {
    csv(&out.join("accounts.csv"))
        .iter()
        .map(|row| row["account_id"].parse().unwrap())
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let directory = TempDir::new().unwrap();
    let mut made = Vec::new();
    for (name, seed, threads) in [("a", 7, 1), ("b", 7, 3), ("c", 8, 1)] {
        let spec = SampleSpec {
            seed,
            ..spec(&directory, name)
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| generate(&spec)).unwrap();
        made.push(files_below(&spec.out));
    }
    assert!(made[0] == made[1], "one thread and three differ");
    assert!(made[0] != made[2], "another seed changes nothing");
}

#[test]
fn a_sample_has_exactly_the_rows_asked_for_and_every_one_is_valid() {
    let directory = TempDir::new().unwrap();
    let spec = spec(&directory, "rooms");
    let report = generate(&spec).unwrap();
    assert_valid(&spec, &account_ids(&spec.out));
    let days = usage(&spec.out);
    let rows: Vec<usize> = days.values().map(Vec::len).collect();
    assert_eq!(rows, [30_001, 30_000]);
    assert_eq!(
        (report.usage_rows, report.usage_files, report.accounts),
        (60_001, 6, 40)
    );
    let seconds: i64 = days.values().flatten().map(|row| i64::from(row.seconds)).sum();
    assert_eq!(report.usage_seconds, u64::try_from(seconds).unwrap());
    let bytes: usize = files_below(&spec.out).values().map(Vec::len).sum();
    assert_eq!(report.bytes, bytes as u64);
}

#[test]
fn layouts_order_the_same_rows() {
    let directory = TempDir::new().unwrap();
    let by_time = spec(&directory, "time");
    let sorted = SampleSpec {
        layout: Layout::Sorted,
        ..spec(&directory, "sorted")
    };
    generate(&by_time).unwrap();
    generate(&sorted).unwrap();
    let (by_time, sorted) = (usage(&by_time.out), usage(&sorted.out));
    for (date, mut rows) in by_time {
        let key = |row: &Row| (row.account_id, row.sdk_app_id, row.user_id, row.ts);
        assert!(rows.is_sorted_by_key(|row| row.ts), "{date}: not in order of time");
        // Three in order by chance: one time in six.
        let crowded: Vec<&[Row]> = rows
            .chunk_by(|a, b| a.ts == b.ts)
            .filter(|second| second.len() >= 3)
            .collect();
        let in_order = crowded.iter().filter(|second| second.is_sorted_by_key(key)).count();
        assert!(in_order * 3 < crowded.len(), "{date}: participants are not shuffled");
        let mut other = sorted[&date].clone();
        assert!(other.is_sorted_by_key(key), "{date}: not sorted");
        rows.sort();
        other.sort();
        assert!(rows == other, "{date}: the layouts hold other rows");
    }
}

#[test]
fn encodings_hold_the_same_rows() {
    let directory = TempDir::new().unwrap();
    let default = spec(&directory, "default");
    generate(&default).unwrap();
    let rows = usage(&default.out);
    for (name, ts, compression, encoding, codec) in [
        (
            "0",
            TsEncoding::Dictionary,
            UsageCompression::Zstd,
            None,
            "ZSTD(ZstdLevel(1))",
        ),
        (
            "1",
            TsEncoding::Delta,
            UsageCompression::Lz4,
            Some(Encoding::DELTA_BINARY_PACKED),
            "LZ4_RAW",
        ),
        (
            "2",
            TsEncoding::Plain,
            UsageCompression::None,
            Some(Encoding::PLAIN),
            "UNCOMPRESSED",
        ),
    ] {
        let spec = SampleSpec {
            encoding: UsageEncoding { ts, compression },
            ..spec(&directory, name)
        };
        generate(&spec).unwrap();
        assert!(usage(&spec.out) == rows, "{ts:?} {compression:?}: other rows");
        let file = File::open(spec.out.join("usage/date=2024-10-11/part-0.parquet")).unwrap();
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        for column in builder.metadata().row_group(0).columns() {
            assert_eq!(format!("{:?}", column.compression()), codec);
            let expected = if column.column_path().string() == "ts" {
                encoding
            } else {
                None
            };
            let has_dictionary = column.dictionary_page_offset().is_some();
            assert_eq!(has_dictionary, expected.is_none(), "{}", column.column_path());
            if let Some(encoding) = expected {
                assert!(column.encodings().any(|of| of == encoding), "{}", column.column_path());
            }
        }
    }
}

#[test]
fn groups_have_one_row_per_key_and_scale_to_parquet_dimensions() {
    let directory = TempDir::new().unwrap();
    let spec = SampleSpec {
        shape: Shape::Groups,
        accounts: 100_000,
        days: 1,
        rows: 300_000,
        ..spec(&directory, "groups")
    };
    let report = generate(&spec).unwrap();
    assert_eq!((report.usage_rows, report.accounts), (300_000, 100_000));
    let rows = usage(&spec.out).remove("2024-10-11").unwrap();
    assert_eq!(rows.len(), 300_000);
    assert!(rows.is_sorted_by_key(|row| (row.account_id, row.sdk_app_id, row.user_id, row.ts)));
    let keys: BTreeSet<_> = rows
        .iter()
        .map(|row| (row.account_id, row.sdk_app_id, &row.meter, row.pixels))
        .collect();
    assert_eq!(keys.len(), rows.len());
    let accounts: Vec<RecordBatch> = batches(&spec.out.join("accounts.parquet"));
    let known: BTreeSet<i64> = accounts
        .iter()
        .flat_map(|batch| {
            batch
                .column_by_name("account_id")
                .unwrap()
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect();
    assert_eq!(known.len(), 100_000);
    assert_valid(&spec, &known);
    let job = fs::read_to_string(spec.out.join("job.toml")).unwrap();
    assert!(job.contains("accounts = \"file:accounts.parquet\""), "{job}");
}

#[test]
fn dimensions_refer_only_to_what_is_there() {
    let directory = TempDir::new().unwrap();
    let spec = SampleSpec {
        accounts: 3000,
        ..spec(&directory, "dimensions")
    };
    generate(&spec).unwrap();
    let accounts = account_ids(&spec.out);
    assert_eq!(accounts.len(), 3000);
    let unique = |file: &str, key: &str| -> BTreeSet<String> {
        let rows = csv(&spec.out.join(file));
        let keys: BTreeSet<String> = rows.iter().map(|row| row[key].clone()).collect();
        assert_eq!(keys.len(), rows.len(), "{file} repeats a {key}");
        for account in rows.iter().filter_map(|row| row.get("account_id")) {
            assert!(
                accounts.contains(&account.parse().unwrap()),
                "{file}: account {account}"
            );
        }
        keys
    };
    let packages = unique("packages.csv", "package_id");
    unique("payments.csv", "payment_id");
    unique("opening.csv", "account_id");
    for grant in unique("opening_grants.csv", "grant_id") {
        let free = grant.strip_prefix("free:").and_then(|rest| rest.split(':').next());
        let known = free.map_or(packages.contains(&grant), |account| {
            accounts.contains(&account.parse().unwrap())
        });
        assert!(known, "opening_grants.csv: {grant}");
    }
    let purchases = csv(&spec.out.join("packages.csv"));
    let with = |column: &str, value: &str| purchases.iter().filter(|row| row[column] == value).count();
    assert!(with("gift", "true") > 0 && with("apps", "") > 0 && with("refunded_at", "") < purchases.len());
    assert!(with("auto_renew", "true") * 10 < purchases.len());
    assert!(purchases.iter().any(|row| row["apps"].contains(';')));
    let positive = csv(&spec.out.join("opening.csv"))
        .iter()
        .filter(|row| !row["balance"].starts_with('-'))
        .count();
    assert!(
        positive > 2800 && positive < 3000,
        "{positive} of 3000 balances are positive"
    );
}

#[test]
fn a_spec_that_cannot_be_is_refused() {
    let directory = TempDir::new().unwrap();
    let whole = || spec(&directory, "refused");
    let refused = |change: fn(&mut SampleSpec)| {
        let mut spec = whole();
        change(&mut spec);
        let error = generate(&spec).unwrap_err();
        assert!(!spec.out.exists(), "{error}: but something was written");
        error.to_string()
    };
    let shown = [
        refused(|spec| spec.days = 0),
        refused(|spec| spec.accounts = 0),
        refused(|spec| spec.rows = 1),
        refused(|spec| spec.files_per_day = Some(0)),
        refused(|spec| spec.worked_examples = true),
        // Samoa went from the 29th to the 31st.
        refused(|spec| {
            spec.zone = chrono_tz::Pacific::Apia;
            spec.from = BillingDay::from_date("2011-12-30".parse().unwrap());
        }),
        refused(|spec| {
            spec.shape = Shape::Groups;
            spec.rows = 801;
        }),
    ];
    insta::assert_snapshot!(shown.join("\n"), @r"
    days is 0: give 1 to 366
    accounts is 0: give 1 to 50000000
    rows is 1: give 2 to 100000000000
    files_per_day is 0: give 1 to 1024
    the worked examples are usage of rooms on 4 days from 2024-10-11 in Asia/Shanghai: ask for those, or leave the examples out
    from is 2011-12-30: give a day from 1974 to 2998 that the zone did not skip
    rows is 801: give 2 to 800
    ");
}

#[test]
fn nothing_is_overwritten() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("mine.txt"), "mine").unwrap();
    let spec = SampleSpec::new(directory.path());
    assert!(matches!(generate(&spec), Err(SampleError::NotEmpty(path)) if path == spec.out));
    assert_eq!(files_below(directory.path()).len(), 1);
}

#[test]
fn a_sample_brings_its_job_and_catalog() {
    let directory = TempDir::new().unwrap();
    let shipped = spec(&directory, "shipped-catalog");
    assert_eq!(generate(&shipped).unwrap().job, Some(shipped.out.join("job.toml")));
    let catalog = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("jobs/catalog/trtc.toml");
    assert_eq!(
        fs::read(shipped.out.join("catalog.toml")).unwrap(),
        fs::read(catalog).unwrap()
    );

    let own = SampleSpec {
        job: JobFile::WithCatalog("../prices.toml".to_owned()),
        ..spec(&directory, "own-catalog")
    };
    generate(&own).unwrap();
    let job = fs::read_to_string(own.out.join("job.toml")).unwrap();
    assert!(job.contains("catalog = \"../prices.toml\""), "{job}");
    assert!(!own.out.join("catalog.toml").exists());

    let without = SampleSpec {
        job: JobFile::None,
        ..spec(&directory, "no-job")
    };
    assert_eq!(generate(&without).unwrap().job, None);
    assert!(!without.out.join("job.toml").exists());
}

#[test]
fn sample_data_is_what_the_program_makes() {
    let directory = TempDir::new().unwrap();
    let spec = SampleSpec::shipped(directory.path().join("sample_data"));
    let report = generate(&spec).unwrap();
    assert!(report.bytes < 5_000_000, "{} bytes", report.bytes);
    assert!(
        (300_000..=500_000).contains(&report.usage_rows),
        "{} rows",
        report.usage_rows
    );
    assert_valid(&spec, &account_ids(&spec.out));
    let committed = files_below(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample_data"));
    let made = files_below(&spec.out);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    let help = "sample_data/ is made by `nightbill sample --shipped`: never edit it by hand";
    assert_eq!(names(&committed), names(&made), "{help}");
    for (name, bytes) in made {
        assert!(committed[&name] == bytes, "{name} differs: {help}");
    }
}

/// A month's end settles with what is billed by the month, and nothing of it is rejected.
#[test]
fn a_months_end_has_relay_screenshots_and_logins() {
    let directory = tempfile::tempdir().unwrap();
    let spec = SampleSpec {
        from: "2024-10-30".parse::<NaiveDate>().map(BillingDay::from_date).unwrap(),
        days: 2,
        accounts: 80,
        rows: 20_000,
        monthly_inputs: true,
        ..SampleSpec::new(directory.path().join("sample"))
    };
    generate(&spec).unwrap();
    let job = Job::load(&spec.out.join("job.toml"), &[]).unwrap();
    let options = SettleOptions {
        days: Days::Range(spec.from, spec.from.checked_add_days(1).unwrap()),
        accept_thin_day: false,
        accept_suspensions: true,
        rejects_out: None,
        now: Instant::from_micros(1_800_000_000_000_000),
    };
    let night = settle(&job, &options, &Unwatched).unwrap();
    assert_eq!(night.days[0].totals.measured, []);
    let measured = &night.days[1].totals.measured;
    let inputs: Vec<&str> = measured.iter().map(|totals| totals.input.as_str()).collect();
    assert_eq!(inputs, ["relay", "screenshots", "logins"]);
    for totals in measured {
        assert_eq!((totals.files, totals.rejected_rows), (2, 0), "{totals:?}");
        assert!(totals.rows > 500 && totals.accepted_rows == totals.rows, "{totals:?}");
    }
    assert!(
        night
            .warnings
            .iter()
            .any(|warning| warning.contains("of a tier without a price"))
    );
}

/// Minutes of the examples by (account, day, item), counted from the rows as SPEC 3.1 says, against the table that
/// the end-to-end test checks bills with.
#[test]
fn worked_examples_have_the_minutes_that_their_bills_need() {
    let directory = TempDir::new().unwrap();
    let spec = SampleSpec::shipped(directory.path().join("sample_data"));
    generate(&spec).unwrap();
    let mut seconds: BTreeMap<(i64, String, String, i64, &str), i64> = BTreeMap::new();
    for (date, rows) in usage(&spec.out) {
        for row in rows.into_iter().filter(|row| row.account_id < 10_000) {
            let item = row.meter.split('_').next().unwrap().to_owned();
            let app = if item == "delivery" { 0 } else { row.sdk_app_id };
            let key = (row.account_id, date.clone(), item, app, category(row.pixels));
            *seconds.entry(key).or_default() += i64::from(row.seconds);
        }
    }
    let mut found: BTreeMap<(i64, String, String), i64> = BTreeMap::new();
    for ((account, date, item, ..), seconds) in seconds {
        *found.entry((account, date, item)).or_default() += seconds.div_euclid(60) + i64::from(seconds % 60 > 0);
    }
    let table = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/examples/expected.csv");
    let expected: BTreeMap<(i64, String, String), i64> = csv(&table)
        .into_iter()
        // A package has a price and no minutes.
        .filter(|row| row["item"] != "package")
        .map(|row| {
            let parts = ["free_minutes", "package_minutes", "payg_minutes", "unbilled_minutes"];
            let minutes = parts.iter().map(|part| row[*part].parse::<i64>().unwrap()).sum();
            (
                (
                    row["account_id"].parse().unwrap(),
                    row["day"].clone(),
                    row["item"].clone(),
                ),
                minutes,
            )
        })
        .collect();
    assert_eq!(found, expected);
}

fn category(pixels: Option<i32>) -> &'static str {
    match pixels.unwrap_or(0) {
        ..=0 => "audio",
        1..=921_600 => "hd",
        921_601..=2_073_600 => "fhd",
        2_073_601..=3_686_400 => "2k",
        _ => "4k",
    }
}
