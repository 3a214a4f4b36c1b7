//! The little world that the files of these tests are scanned in.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use chrono::NaiveTime;
use chrono_tz::Tz;
use nightbill::catalog::book::{
    Book, Cadence, Item, ItemId, ItemKind, Meter, MeterTier, ProductId, Round, Tier, TierId, Unpriced,
};
use nightbill::inputs::owners::KnownAccounts;
use nightbill::inputs::parquet::source::RangeReader;
use nightbill::inputs::rejects::{Reason, Rejects};
use nightbill::inputs::usage::{FileTotals, Scan, ScanError, ScanRequest, Way, scan};
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::store::{Object, StoreError};
use nightbill::units::calendar::Calendar;
use nightbill::units::quantity::BillingDay;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Tiers by position, with their names.
pub const TIERS: [&str; 10] = [
    "av.audio",
    "av.hd",
    "av.fhd",
    "av.2k",
    "av.4k",
    "recording.audio",
    "recording.hd",
    "recording.fhd",
    "mix.audio",
    "mix.h264_fhd",
];

/// Meters with their bounds; tiers count on through [`TIERS`].
pub const METERS: [(&str, &[i64]); 3] = [
    ("av", &[0, 921_600, 2_073_600, 3_686_400, 8_847_360]),
    ("recording", &[0, 921_600, 2_073_600]),
    ("mix_h264", &[0, 2_073_600]),
];

/// The accounts that are known: 1 to 5, at positions 0 to 4.
pub const KNOWN: Range<i64> = 1..6;

/// Why rows of usage are rejected.
pub const REASONS: [Reason; 8] = [
    Reason::BadTs,
    Reason::Misplaced,
    Reason::NullKey,
    Reason::BadKey,
    Reason::UnknownAccount,
    Reason::UnknownMeter,
    Reason::BadSeconds,
    Reason::BadPixels,
];

/// Files in memory.
pub struct Memory(pub BTreeMap<String, Bytes>);

impl RangeReader for Memory {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        let bytes = self.0.get(&object.path).ok_or(StoreError::NotFound {
            path: object.path.clone(),
        })?;
        if u64::try_from(bytes.len()) != Ok(object.size) {
            return Err(StoreError::Changed {
                path: object.path.clone(),
            });
        }
        Ok(bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
    }
}

struct Known;

impl KnownAccounts for Known {
    fn position(&self, account_id: i64) -> Option<u32> {
        KNOWN
            .contains(&account_id)
            .then(|| u32::try_from(account_id - KNOWN.start).unwrap())
    }
}

/// How a scan is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub zone: Tz,
    pub partition_zone: Tz,
    pub day: BillingDay,
    pub period: DeductionPeriod,
    pub threads: usize,
    pub way: Way,
}

impl Setting {
    /// 2024-10-12 in UTC, by day, on two threads.
    pub fn utc() -> Self {
        Self {
            zone: Tz::UTC,
            partition_zone: Tz::UTC,
            day: day("2024-10-12"),
            period: DeductionPeriod::Day,
            threads: 2,
            way: Way::OnIds,
        }
    }

    pub fn calendar(&self) -> Calendar {
        Calendar::new(self.zone, NaiveTime::from_hms_opt(10, 0, 0).unwrap())
    }
}

pub fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse().unwrap())
}

/// A group with names: account, app, tier, period -> seconds, rows.
pub type Sum = ((i64, i64, &'static str, u16), (i64, i64));

/// A scan's result.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub groups: Vec<Sum>,
    pub rejects: Vec<nightbill::inputs::rejects::Reject>,
    pub counts: [u64; 8],
    pub reject_seconds: i64,
    pub files: Vec<FileTotals>,
}

/// Scans files in the order given, each with its partition's date: on ids and by value, which must agree.
pub fn scan_files(setting: Setting, files: &[(BillingDay, &str, Bytes)]) -> Result<Outcome, ScanError> {
    let by = |way| scan_files_by(Setting { way, ..setting }, files);
    let (on_ids, by_value) = (by(Way::OnIds), by(Way::ByValue));
    match (&on_ids, &by_value) {
        (Ok(on_ids), Ok(by_value)) => assert_eq!(on_ids, by_value, "on ids, by value"),
        (on_ids, by_value) => assert_eq!(
            on_ids.as_ref().map_err(ToString::to_string),
            by_value.as_ref().map_err(ToString::to_string),
            "on ids, by value"
        ),
    }
    on_ids
}

/// Scans files the one way that the setting says.
pub fn scan_files_by(setting: Setting, files: &[(BillingDay, &str, Bytes)]) -> Result<Outcome, ScanError> {
    let memory = Memory(
        files
            .iter()
            .map(|(_, path, bytes)| ((*path).to_owned(), bytes.clone()))
            .collect(),
    );
    scan_objects(setting, Arc::new(memory), &objects(files))
}

/// Scans objects of any reader.
pub fn scan_objects(
    setting: Setting,
    reader: Arc<dyn RangeReader>,
    objects: &[(BillingDay, Object)],
) -> Result<Outcome, ScanError> {
    scan_watched(setting, reader, objects, &|_| {})
}

/// Scans objects of any reader, and tells how far it is.
pub fn scan_watched(
    setting: Setting,
    reader: Arc<dyn RangeReader>,
    objects: &[(BillingDay, Object)],
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Outcome, ScanError> {
    with_scan(setting, &reader, objects, progress, |scan| {
        let Rejects { counts, seconds, rows } = scan.rejects;
        let of_reason = |reason| counts[Reason::ALL.iter().position(|of| *of == reason).unwrap()];
        let of_usage = REASONS.map(of_reason);
        assert_eq!(
            of_usage.iter().sum::<u64>(),
            counts.iter().sum::<u64>(),
            "no reason of other inputs"
        );
        Outcome {
            groups: scan
                .groups
                .map(|group| {
                    let account = i64::from(group.account) + KNOWN.start;
                    let key = (account, group.app.get(), TIERS[group.tier.index()], group.period);
                    (key, (group.seconds.get(), group.rows))
                })
                .collect(),
            rejects: rows,
            counts: of_usage,
            reject_seconds: seconds,
            files: scan.files,
        }
    })
}

/// How many row groups of a file the scan reads by value.
pub fn row_groups_by_value(setting: Setting, bytes: &Bytes) -> u64 {
    let files = [(setting.day, "a.parquet", bytes.clone())];
    let memory = Memory([("a.parquet".to_owned(), bytes.clone())].into());
    let reader: Arc<dyn RangeReader> = Arc::new(memory);
    with_scan(setting, &reader, &objects(&files), &|_| {}, |scan| {
        scan.row_groups_by_value
    })
    .unwrap()
}

fn with_scan<T>(
    setting: Setting,
    reader: &Arc<dyn RangeReader>,
    objects: &[(BillingDay, Object)],
    progress: &(dyn Fn(u64) + Sync),
    found: impl FnOnce(Scan) -> T,
) -> Result<T, ScanError> {
    let (calendar, book) = (setting.calendar(), book());
    let request = ScanRequest {
        reader,
        files: objects,
        partition_zone: setting.partition_zone,
        calendar: &calendar,
        day: setting.day,
        book: &book,
        accounts: &Known,
        deduction_period: setting.period,
        max_rejected_rows: 0,
        way: setting.way,
        progress,
    };
    // Hostile files come by the hundred thousand: one thread is kept for them.
    static ONE_THREAD: LazyLock<ThreadPool> = LazyLock::new(|| pool(1));
    let scan = match setting.threads {
        1 => ONE_THREAD.install(|| scan(&request))?,
        threads => pool(threads).install(|| scan(&request))?,
    };
    Ok(found(scan))
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// One file of the setting's own partition.
pub fn scan_file(setting: Setting, bytes: &Bytes) -> Result<Outcome, ScanError> {
    scan_files(setting, &[(setting.day, "a.parquet", bytes.clone())])
}

pub fn objects(files: &[(BillingDay, &str, Bytes)]) -> Vec<(BillingDay, Object)> {
    files
        .iter()
        .map(|(date, path, bytes)| {
            let size = u64::try_from(bytes.len()).unwrap();
            (
                *date,
                Object {
                    path: (*path).to_owned(),
                    size,
                    etag: None,
                },
            )
        })
        .collect()
}

pub fn book() -> Book {
    let mut next = 0..;
    let mut meters = Vec::new();
    let mut tiers = Vec::new();
    let mut items = Vec::new();
    for (id, bounds) in METERS {
        let item = ItemId(u16::try_from(items.len()).unwrap());
        let steps: Vec<MeterTier> = bounds
            .iter()
            .map(|max_pixels| MeterTier {
                max_pixels: *max_pixels,
                tier: TierId(next.next().unwrap()),
            })
            .collect();
        let names = steps
            .iter()
            .map(|step| TIERS[step.tier.index()].split_once('.').unwrap().1.to_owned());
        tiers.extend(names.map(|name| Tier { item, name }));
        items.push(Item {
            id: id.to_owned(),
            product: ProductId(0),
            name: id.to_owned(),
            kind: ItemKind::Duration,
            cadence: Cadence::Daily,
            round: Round::App,
            per: 1_000,
            first_tier: steps[0].tier,
            tier_count: u16::try_from(steps.len()).unwrap(),
            unpriced: Unpriced::Stop,
        });
        meters.push(Meter {
            id: id.to_owned(),
            item,
            tiers: steps,
        });
    }
    Book {
        currency: "USD".to_owned(),
        meters,
        items,
        tiers,
        price_lists: Vec::new(),
        ratio_tables: Vec::new(),
        free: Vec::new(),
        plans: Vec::new(),
        scope_promotions: Vec::new(),
        products: Vec::new(),
    }
}
