//! Usage files as they are, from footer to sums.
#![no_main]

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use nightbill::catalog::book::Book;
use nightbill::catalog::parse::parse;
use nightbill::inputs::rejects::Reason;
use nightbill::inputs::owners::KnownAccounts;
use nightbill::inputs::parquet::source::RangeReader;
use nightbill::inputs::usage::{Group, Scan, ScanError, ScanRequest, Way, scan, open_whole};
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::units::calendar::Calendar;
use nightbill::units::quantity::BillingDay;
use nightbill::store::{Object, StoreError};

/// Both ways to scan a file; what they find must be the same. On ids a corrupt page may go unseen that by value is
/// refused (docs/decisions.md), but never the other way round.
const WAYS: [Way; 2] = [Way::ByValue, Way::OnIds];

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let text = include_str!("../../../jobs/catalog/trtc.toml");
    parse(Path::new("trtc.toml"), text).expect("the shipped catalog is valid")
});

struct Memory(Bytes);

impl RangeReader for Memory {
    fn get_range(&self, _: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        let at = |offset: u64| usize::try_from(offset).expect("within what is in memory");
        Ok(self.0.slice(at(range.start)..at(range.end)))
    }
}

/// Accounts 1 to 5, as in the seeds.
struct Known;

impl KnownAccounts for Known {
    fn position(&self, account_id: i64) -> Option<u32> {
        u32::try_from(account_id).ok().filter(|id| (1..6).contains(id))
    }
}

/// Groups without their periods, rejects by reason, and rows.
type Found = (Vec<Group>, [u64; Reason::COUNT], i64, u64);

fn found(scan: Scan) -> Found {
    let mut groups: Vec<Group> = Vec::new();
    let (mut accepted, mut rows) = (0_u64, 0);
    for file in &scan.files {
        accepted += file.accepted_rows;
        rows += file.rows;
        assert_eq!(
            file.day_rows,
            file.accepted_rows + scan.rejects.total(),
            "one file: its rejects are all"
        );
    }
    assert!(accepted + scan.rejects.total() <= rows, "no row counts twice");
    let mut summed = 0;
    for group in scan.groups {
        summed += group.rows.cast_unsigned();
        match groups.last_mut() {
            Some(last) if (last.account, last.app, last.tier) == (group.account, group.app, group.tier) => {
                assert!(last.period < group.period, "groups come in order");
                last.rows += group.rows;
                last.seconds = last.seconds.plus(group.seconds).expect("one file's seconds");
                last.period = group.period;
            }
            _ => groups.push(group),
        }
    }
    groups.iter_mut().for_each(|group| group.period = 0);
    assert_eq!(summed, accepted, "every accepted row is in a group");
    (groups, scan.rejects.counts, scan.rejects.seconds, rows)
}

fuzz_target!(|bytes: &[u8]| {
    let day = BillingDay::from_date("2024-10-12".parse().expect("a date"));
    let object = Object {
        path: "a.parquet".to_owned(),
        size: u64::try_from(bytes.len()).expect("usize has at most 64 bits"),
        etag: None,
    };
    let reader: Arc<dyn RangeReader> = Arc::new(Memory(Bytes::copy_from_slice(bytes)));
    let zone = chrono_tz::Tz::UTC;
    let calendar = Calendar::new(zone, "10:00:00".parse().expect("a time"));
    let files = [(day, object.clone())];
    let mut outcomes: Vec<Option<Found>> = Vec::new();
    for way in WAYS {
        for deduction_period in [DeductionPeriod::Day, DeductionPeriod::FiveMinutes] {
            let outcome = scan(&ScanRequest {
                reader: &reader,
                files: &files,
                partition_zone: zone,
                calendar: &calendar,
                day,
                book: &BOOK,
                accounts: &Known,
                deduction_period,
                max_rejected_rows: 0,
                way,
                progress: &|_| {},
            });
            outcomes.push(outcome.ok().map(found));
        }
    }
    let [by_value, by_value_5min, on_ids, on_ids_5min] = outcomes.as_slice() else {
        unreachable!("two ways, two periods");
    };
    assert_eq!(by_value, by_value_5min, "both periods by value");
    assert!(by_value.is_none() || (by_value == on_ids && by_value == on_ids_5min), "{outcomes:?}");
    // With every column: the rows of a file that a scan accepts are as many as it says, or another column is damaged.
    let mut rows = 0;
    let whole = open_whole(&reader, &object).and_then(|file| {
        file.read(|batch| {
            rows += u64::try_from(batch.num_rows()).expect("usize has at most 64 bits");
            Ok::<(), ScanError>(())
        })
    });
    if let (Ok(()), Some(Some((_, _, _, scanned)))) = (whole, outcomes.first()) {
        assert_eq!(rows, *scanned, "read whole and scanned");
    }
});
