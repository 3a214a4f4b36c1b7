//! Days, partitions, periods, and what must not matter.

use bytes::Bytes;
use chrono_tz::Tz;
use nightbill::inputs::partitions::partitions_of;
use nightbill::inputs::usage::{FileTotals, ScanError, Way, find_duplicates};
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::units::quantity::BillingDay;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::files::{Kind, write};
use super::reference::{Row, expect};
use super::sample::{START, sample};
use super::world::{Memory, Setting, day, objects, scan_file, scan_files};

type Part = (BillingDay, String, Vec<Row>);

fn write_all<'a>(kind: &Kind, parts: &'a [Part]) -> Vec<(BillingDay, &'a str, Bytes)> {
    parts
        .iter()
        .map(|(date, path, rows)| (*date, path.as_str(), write(kind, rows)))
        .collect()
}

#[track_caller]
fn check(setting: Setting, kind: &Kind, parts: &[Part]) {
    let expected: Vec<(BillingDay, &str, &[Row])> = parts
        .iter()
        .map(|(date, path, rows)| (*date, path.as_str(), rows.as_slice()))
        .collect();
    let found = scan_files(setting, &write_all(kind, parts)).unwrap();
    assert_eq!(found, expect(setting, &expected), "{setting:?}");
}

/// Rows spread over three days around the setting's own, in its zone and others.
fn spread(count: usize, seed: u64) -> Vec<Row> {
    let mut rows = Kind::default().fit(&sample(count, seed));
    for (row, hours) in rows.iter_mut().zip((0..72).cycle()) {
        row.ts = row.ts.map(|ts| ts + (i128::from(hours) - 36) * 3_600_000_000_000);
    }
    rows
}

#[test]
fn rows_belong_to_the_day_and_rejects_to_the_partition() {
    let zones = ["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"];
    for (zone, partition_zone) in zones.iter().flat_map(|zone| zones.map(|other| (*zone, other))) {
        let (zone, partition_zone): (Tz, Tz) = (zone.parse().unwrap(), partition_zone.parse().unwrap());
        for period in [DeductionPeriod::Day, DeductionPeriod::FiveMinutes] {
            let setting = Setting {
                zone,
                partition_zone,
                period,
                ..Setting::utc()
            };
            let dates = partitions_of(&setting.calendar(), partition_zone, setting.day).unwrap();
            let parts: Vec<Part> = dates
                .iter()
                .zip(1..)
                .map(|(date, seed)| (*date, format!("date={date}/a.parquet"), spread(2_000, seed)))
                .collect();
            check(
                setting,
                &Kind {
                    group_rows: 700,
                    ..Kind::default()
                },
                &parts,
            );
        }
    }
}

#[test]
fn the_first_and_the_last_instant_of_a_day() {
    let row = |ts: i128| Row {
        ts: Some(ts),
        account_id: Some(1),
        sdk_app_id: Some(1),
        meter: Some("av".to_owned()),
        seconds: Some(1),
        pixels: None,
    };
    let end = START + 86_400_000_000_000;
    let rows: Vec<Row> = [START - 1, START, end - 1, end].map(row).to_vec();
    let setting = Setting {
        period: DeductionPeriod::FiveMinutes,
        ..Setting::utc()
    };
    let bytes = write(
        &Kind {
            unit: arrow::datatypes::TimeUnit::Nanosecond,
            ..Kind::default()
        },
        &rows,
    );
    let found = scan_file(setting, &bytes).unwrap();
    assert_eq!(
        found.groups,
        [((1, 1, "av.audio", 0), (1, 1)), ((1, 1, "av.audio", 287), (1, 1))]
    );
    assert_eq!(found.counts, [0, 2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        found.files,
        [FileTotals {
            rows: 4,
            day_rows: 4,
            accepted_rows: 2,
            accepted_seconds: 2
        }]
    );
}

#[test]
fn a_day_of_25_hours_has_300_periods() {
    let (setting, start) = (
        Setting {
            zone: Tz::America__New_York,
            partition_zone: Tz::America__New_York,
            day: day("2024-11-03"),
            period: DeductionPeriod::FiveMinutes,
            threads: 2,
            way: Way::OnIds,
        },
        1_730_606_400_i128 * 1_000_000_000,
    );
    let rows: Vec<Row> = (0..300)
        .map(|period| Row {
            ts: Some(start + period * 300_000_000_000 + 299_999_999_000),
            account_id: Some(1),
            sdk_app_id: Some(1),
            meter: Some("av".to_owned()),
            seconds: Some(1),
            pixels: None,
        })
        .collect();
    let found = scan_file(setting, &write(&Kind::default(), &rows)).unwrap();
    let periods: Vec<u16> = found.groups.iter().map(|((_, _, _, period), _)| *period).collect();
    assert_eq!(periods, (0..300).collect::<Vec<u16>>());
}

#[test]
fn more_rejects_than_are_kept() {
    let rows: Vec<Row> = sample(1, 1)
        .into_iter()
        .map(|row| Row { ts: None, ..row })
        .cycle()
        .take(9_000)
        .collect();
    let rows = Kind::default().fit(&rows);
    let date = Setting::utc().day;
    let parts: Vec<Part> = ["c", "a", "b"]
        .map(|path| (date, path.to_owned(), rows.clone()))
        .to_vec();
    for threads in [1, 4] {
        let setting = Setting {
            threads,
            ..Setting::utc()
        };
        check(
            setting,
            &Kind {
                group_rows: 1_000,
                ..Kind::default()
            },
            &parts,
        );
    }
}

#[test]
fn repeated_uploads_are_found() {
    let date = Setting::utc().day;
    let rows = Kind::default().fit(&sample(200, 20));
    let one = write(&Kind::default(), &rows);
    // As long, and with the same footer, but one byte of data differs.
    let mut near = one.to_vec();
    near[100] ^= 1;
    let other = write(&Kind::default(), &rows[..100]);
    let check = |files: &[(&str, &Bytes)]| {
        let files: Vec<(BillingDay, &str, Bytes)> = files.iter().map(|(path, b)| (date, *path, (*b).clone())).collect();
        let memory = Memory(
            files
                .iter()
                .map(|(_, path, b)| ((*path).to_owned(), b.clone()))
                .collect::<BTreeMap<_, _>>(),
        );
        let reader: Arc<dyn nightbill::inputs::parquet::source::RangeReader> = Arc::new(memory);
        match find_duplicates(&reader, &objects(&files)) {
            Ok(()) => "none".to_owned(),
            Err(ScanError::Duplicate { first, second }) => format!("{first} {second}"),
            Err(error) => panic!("{error}"),
        }
    };
    let near = Bytes::from(near);
    assert_eq!(check(&[("a", &one), ("b", &near), ("c", &other)]), "none");
    assert_eq!(check(&[("d", &one), ("b", &near), ("c", &other), ("a", &one)]), "a d");
    assert_eq!(check(&[("z", &near), ("y", &one), ("x", &near), ("w", &other)]), "x z");
}

fn rows_of_a_file() -> impl Strategy<Value = Vec<Row>> {
    (0_usize..400, any::<u64>()).prop_map(|(count, seed)| Kind::default().fit(&sample(count, seed)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_of_rows_files_and_threads_changes_nothing(
        files in prop::collection::vec(rows_of_a_file(), 1..5),
        group_rows in 1_usize..200,
        shuffle in any::<u64>(),
    ) {
        let setting = Setting { threads: 1, ..Setting::utc() };
        let kind = Kind { group_rows, ..Kind::default() };
        let parts: Vec<Part> =
            files.iter().zip(0..).map(|(rows, i)| (setting.day, format!("{i}.parquet"), rows.clone())).collect();
        check(setting, &kind, &parts);
        let one = scan_files(setting, &write_all(&kind, &parts)).unwrap();

        let mut turned = parts.clone();
        turned.reverse();
        let mut again = scan_files(Setting { threads: 3, ..setting }, &write_all(&kind, &turned)).unwrap();
        again.files.reverse();
        prop_assert_eq!(&one, &again, "files in another order, on more threads");

        for (_, _, rows) in &mut turned {
            let by = usize::try_from(shuffle % 1_000).unwrap();
            let middle = by.checked_rem(rows.len()).unwrap_or(0);
            rows.rotate_left(middle);
        }
        let rotated = scan_files(setting, &write_all(&kind, &turned)).unwrap();
        prop_assert_eq!(one.groups, rotated.groups);
        prop_assert_eq!(one.counts, rotated.counts);
        prop_assert_eq!(one.reject_seconds, rotated.reject_seconds);
    }
}
