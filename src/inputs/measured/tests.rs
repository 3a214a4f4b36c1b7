//! Peaks and distinct users of random rows against sums in plain maps, with little memory and much, on one thread and many.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use bytes::Bytes;
use chrono::NaiveTime;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

use crate::catalog::book::{Book, Cadence, Item, ItemId, ItemKind, ProductId, Round, Tier, TierId, Unpriced};
use crate::inputs::owners::KnownAccounts;
use crate::inputs::parquet::source::RangeReader;
use crate::store::{Object, StoreError};
use crate::units::calendar::{Calendar, start_of_date};
use crate::units::quantity::BillingDay;

use super::read::{Found, Input, MeasuredRequest, read_within};

const MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * MICROS;
const ACCOUNTS: i64 = 5;
/// Enough for some shards of a few hundred entries.
const LITTLE: usize = 400_000;

/// A row of either input: (partition, account, app, task or user, micros, kbps, destination).
#[derive(Debug, Clone)]
struct Row {
    partition: usize,
    account: i64,
    app: i64,
    id: i64,
    micros: i64,
    kbps: i64,
    destination: usize,
}

struct Memory(BTreeMap<String, Bytes>);

impl RangeReader for Memory {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        let within = |offset: u64| usize::try_from(offset).unwrap();
        Ok(self.0[&object.path].slice(within(range.start)..within(range.end)))
    }
}

/// Accounts 1 to 5 at positions 0 to 4.
struct Known;

impl KnownAccounts for Known {
    fn position(&self, account_id: i64) -> Option<u32> {
        (1..=ACCOUNTS)
            .contains(&account_id)
            .then(|| u32::try_from(account_id - 1).unwrap())
    }
}

fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse().unwrap())
}

const TIERS: [(u16, &str); 4] = [(0, "css"), (0, "third_party"), (1, "css"), (2, "user")];

/// A monthly and a daily peak, and distinct users. The intervals are of a minute and of this many seconds.
fn book(seconds: i64) -> Book {
    let peak = |interval_seconds| ItemKind::Peak {
        interval_seconds,
        free_if_at_most: Vec::new(),
    };
    let item = |id: &str, kind, cadence, first_tier, tier_count| Item {
        id: id.to_owned(),
        product: ProductId(0),
        name: id.to_owned(),
        kind,
        cadence,
        round: Round::App,
        per: 1,
        first_tier: TierId(first_tier),
        tier_count,
        unpriced: Unpriced::Stop,
    };
    Book {
        currency: "USD".to_owned(),
        meters: Vec::new(),
        items: vec![
            item("month", peak(seconds), Cadence::Monthly, 0, 2),
            item("day", peak(60), Cadence::Daily, 2, 1),
            item("mau", ItemKind::Unique, Cadence::Monthly, 3, 1),
        ],
        tiers: TIERS
            .map(|(item, name)| Tier {
                item: ItemId(item),
                name: name.to_owned(),
            })
            .to_vec(),
        price_lists: Vec::new(),
        ratio_tables: Vec::new(),
        free: Vec::new(),
        plans: Vec::new(),
        scope_promotions: Vec::new(),
        products: Vec::new(),
    }
}

/// Three days at the end of October in Shanghai.
const DAYS: [&str; 3] = ["2024-10-29", "2024-10-30", "2024-10-31"];

fn random_rows(random: &mut ChaCha8Rng, count: usize) -> Vec<Row> {
    (0..count)
        .map(|_| {
            let partition = random.random_range(0..DAYS.len());
            let start = start_of_date(chrono_tz::Asia::Shanghai, day(DAYS[partition]))
                .unwrap()
                .micros();
            // Few minutes, so that tasks meet.
            let minute = random.random_range(0..1_440_i64) / 40 * 40;
            Row {
                partition,
                account: random.random_range(1..=ACCOUNTS),
                app: random.random_range(1..=3),
                id: random.random_range(0..2_000),
                micros: start + minute * 60 * MICROS + random.random_range(0..60 * MICROS),
                kbps: random.random_range(0..5_000),
                destination: random.random_range(0..2),
            }
        })
        .collect()
}

fn file(rows: &[&Row], random: &mut ChaCha8Rng) -> Bytes {
    let ints =
        |get: fn(&Row) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| get(row)))) };
    let ids: ArrayRef = if random.random() {
        ints(|row| row.id)
    } else {
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.id.to_string())))
    };
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.micros));
    let names = rows.iter().map(|row| ["css", "third_party"][row.destination]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("account_id", ints(|row| row.account)),
        ("sdk_app_id", ints(|row| row.app)),
        ("task_id", Arc::clone(&ids)),
        ("user_id", ids),
        ("ts", Arc::new(times)),
        ("kbps", ints(|row| row.kbps)),
        ("destination", Arc::new(StringArray::from_iter_values(names))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(3_000))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap().into()
}

/// (account position, app, tier) -> figure.
type Figures = BTreeMap<(u32, i64, u16), i64>;

/// The largest sums over tasks, by hand.
fn peaks(rows: &[Row], seconds: i64) -> Figures {
    let mut samples: BTreeMap<(u32, u16, i64), BTreeMap<i64, i64>> = BTreeMap::new();
    for row in rows {
        let account = Known.position(row.account).unwrap();
        let mut add = |tier: u16, seconds: i64| {
            let tasks = samples
                .entry((account, tier, row.micros.div_euclid(seconds * MICROS)))
                .or_default();
            let task = tasks.entry(row.id).or_insert(0);
            *task = row.kbps.max(*task);
        };
        add(u16::try_from(row.destination).unwrap(), seconds);
        if row.destination == 0 && row.partition == 2 {
            add(2, 60);
        }
    }
    let mut peaks = Figures::new();
    for ((account, tier, _), tasks) in samples {
        let peak = peaks.entry((account, 0, tier)).or_insert(0);
        *peak = tasks.values().sum::<i64>().max(*peak);
    }
    peaks
}

fn users(rows: &[Row]) -> Figures {
    let distinct: BTreeSet<(u32, i64, i64)> = rows
        .iter()
        .map(|row| (Known.position(row.account).unwrap(), row.app, row.id))
        .collect();
    let mut users = Figures::new();
    for (account, app, _) in distinct {
        *users.entry((account, app, 3)).or_insert(0) += 1;
    }
    users
}

fn figures(found: &Found) -> Figures {
    let mut figures = Figures::new();
    for figure in &found.figures {
        let measured = figure.measured;
        let before = figures.insert((figure.account, measured.app.get(), measured.tier.0), measured.figure);
        assert_eq!(before, None, "one figure per key");
    }
    figures
}

fn check(seed: u64, seconds: i64, budget: usize, threads: usize) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rows = random_rows(&mut random, 40_000);
    let mut files = BTreeMap::new();
    for (partition, date) in DAYS.iter().enumerate() {
        let of_day: Vec<&Row> = rows.iter().filter(|row| row.partition == partition).collect();
        let (one, other) = of_day.split_at(random.random_range(0..of_day.len()));
        files.insert(format!("date={date}/a.parquet"), file(one, &mut random));
        files.insert(format!("date={date}/b.parquet"), file(other, &mut random));
    }
    let listed: Vec<(BillingDay, Object)> = files
        .iter()
        .map(|(path, bytes)| {
            let object = Object {
                path: path.clone(),
                size: u64::try_from(bytes.len()).unwrap(),
                etag: None,
            };
            (day(&path["date=".len()..][..10]), object)
        })
        .collect();
    let reader: Arc<dyn RangeReader> = Arc::new(Memory(files));
    let calendar = Calendar::new(chrono_tz::Asia::Shanghai, NaiveTime::from_hms_opt(10, 0, 0).unwrap());
    let book = book(seconds);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    for (input, expected) in [(Input::Relay, peaks(&rows, seconds)), (Input::Logins, users(&rows))] {
        let request = MeasuredRequest {
            input,
            reader: &reader,
            files: &listed,
            partition_zone: chrono_tz::Asia::Shanghai,
            calendar: &calendar,
            day: day("2024-10-31"),
            book: &book,
            accounts: &Known,
            max_rejected_rows: 0,
            progress: &|_| {},
        };
        let found = pool.install(|| read_within(&request, budget)).unwrap();
        assert_eq!(
            figures(&found),
            expected,
            "{input:?} seed {seed} {seconds} s {budget} bytes"
        );
        let accepted: u64 = found.files.iter().map(|file| file.accepted_rows).sum();
        assert_eq!(
            (accepted, found.rejects.total()),
            (40_000, 0),
            "counted once, whatever the passes"
        );
    }
}

#[test]
fn figures_do_not_depend_on_memory_or_threads() {
    for (seed, (budget, threads)) in [(usize::MAX, 2), (LITTLE, 1), (LITTLE, 3), (1, 2)]
        .into_iter()
        .enumerate()
    {
        check(u64::try_from(seed).unwrap(), 60, budget, threads);
    }
}

/// Seven hours and a whole day of UTC reach over midnight in Shanghai.
#[test]
fn intervals_may_reach_into_the_next_partition() {
    for seconds in [25_200, DAY_MICROS / MICROS] {
        check(9, seconds, usize::MAX, 2);
        check(10, seconds, LITTLE, 2);
    }
}
