//! Usage that was summed by the day elsewhere (SPEC 2.2, `shape = "daily"`): rows in, the same groups out as of a scan.

use std::sync::atomic::{AtomicI64, Ordering};

use hashbrown::HashMap;

use crate::catalog::book::{Book, ItemKind, TierId};
use crate::inputs::owners::{AccountCache, CACHED_ACCOUNTS, owner};
use crate::inputs::parquet::columns::{Content, Needed};
use crate::inputs::parquet::decode::{Int, Ints, Strings, Values};
use crate::inputs::parquet::error::Fault;
use crate::inputs::parquet::row_groups::{Batch, Sink, open, read};
use crate::inputs::rejects::{Reason, Reject, RejectKeeper};
use crate::units::quantity::BillingDay;

use super::error::ScanError;
use super::groups::{Key, Runs, Table};
use super::request::{FileTotals, Scan, ScanRequest};

/// Its columns, in the order in which batches have them.
static COLUMNS: [Needed; 6] = [
    Needed::new("day", Content::Date),
    Needed::new("account_id", Content::Integer),
    Needed::new("sdk_app_id", Content::Integer),
    Needed::new("item", Content::Name),
    Needed::new("tier", Content::Name),
    Needed::new("seconds", Content::Integer),
];
/// Ten million participants all day.
const MOST_SECONDS: i64 = 1_000_000_000_000;
/// Days of the years 1970 to 2999, counted from 1970-01-01; the second bound is the first one after.
const CALENDAR_DAYS: std::ops::Range<i64> = 0..376_200;

/// Reads a day's sums on all threads of rayon's pool, as [`scan`](super::scan) reads its rows: each file row counts as one
/// row. Several rows of one account, app, item and tier add up.
///
/// # Errors
/// [`ScanError`] when a file is not what it should be (exit 3) or changed under the run (exit 5).
pub fn scan_daily(request: &ScanRequest<'_>) -> Result<Scan, ScanError> {
    let objects = request.files.iter().map(|(_, object)| object);
    let files = open(request.reader, objects, &COLUMNS)?;
    let (runs, total) = (Runs::default(), AtomicI64::new(0));
    let new_sink = || Sums {
        request,
        accounts: AccountCache::new(request.accounts, CACHED_ACCOUNTS),
        tiers: Tiers::default(),
        table: Table::default(),
        runs: &runs,
        total: &total,
        files: vec![FileTotals::default(); files.len()],
        rejects: RejectKeeper::new(request.kept_rejects()),
    };
    let opened: Vec<_> = files.iter().enumerate().collect();
    let sinks = read(&opened, new_sink, request.progress)?;
    let mut rejects = RejectKeeper::new(request.kept_rejects());
    let mut totals: Vec<FileTotals> = files.iter().map(|file| FileTotals::of_rows(file.rows)).collect();
    for mut sink in sinks {
        runs.push(sink.table.drain());
        // At most 86,400 s are counted of a rejected row.
        rejects.absorb(sink.rejects).expect("MAX_ROWS bounds the sum");
        for (file, more) in totals.iter_mut().zip(&sink.files) {
            file.add(more);
        }
    }
    Ok(Scan {
        groups: runs.into_groups(),
        rejects: rejects.finish(),
        files: totals,
        row_groups_by_value: 0,
    })
}

/// One thread's sums.
struct Sums<'a> {
    request: &'a ScanRequest<'a>,
    accounts: AccountCache<'a>,
    tiers: Tiers,
    table: Table,
    runs: &'a Runs,
    /// Seconds of all threads: while they fit 64 bits, every sum of some of them does.
    total: &'a AtomicI64,
    files: Vec<FileTotals>,
    rejects: RejectKeeper,
}

/// A batch's columns.
struct Columns {
    day: Ints,
    account_id: Ints,
    sdk_app_id: Ints,
    item: Names,
    tier: Names,
    seconds: Ints,
}

/// A column of names; None for one of nulls without a type.
struct Names(Option<Strings>);

impl From<Values> for Names {
    fn from(values: Values) -> Self {
        Self(match values {
            Values::Strings(strings) => Some(strings),
            Values::Ints(_) => None,
        })
    }
}

impl Names {
    fn entry(&self, row: usize) -> Option<usize> {
        self.0.as_ref()?.entry(row)
    }

    fn bytes(&self, entry: Option<usize>) -> Option<&[u8]> {
        self.0.as_ref()?.bytes(entry?)
    }

    fn text(&self, row: usize) -> Option<String> {
        let bytes = self.bytes(self.entry(row))?;
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }

    fn same_entries(&self, before: Option<&Strings>) -> bool {
        match (&self.0, before) {
            (Some(now), Some(before)) => now.same_entries(before),
            _ => false,
        }
    }
}

/// What pairs of item and tier stand for, by their entries in the latest batch.
#[derive(Default)]
struct Tiers {
    of: (Option<Strings>, Option<Strings>),
    found: HashMap<(Option<usize>, Option<usize>), Result<TierId, Reason>>,
}

impl Tiers {
    fn begin(&mut self, item: &Names, tier: &Names) {
        if !item.same_entries(self.of.0.as_ref()) || !tier.same_entries(self.of.1.as_ref()) {
            self.found.clear();
            self.of = (item.0.clone(), tier.0.clone());
        }
    }

    fn find(&mut self, book: &Book, columns: &Columns, row: usize) -> Result<TierId, Reason> {
        let entries = (columns.item.entry(row), columns.tier.entry(row));
        let find = || {
            let names = (columns.item.bytes(entries.0), columns.tier.bytes(entries.1));
            find_tier(book, names.0, names.1)
        };
        *self.found.entry(entries).or_insert_with(find)
    }
}

fn find_tier(book: &Book, item: Option<&[u8]>, tier: Option<&[u8]>) -> Result<TierId, Reason> {
    let is_named = |name: &str, bytes: Option<&[u8]>| bytes == Some(name.as_bytes());
    let mut items = book.items.iter();
    let item = items
        .find(|one| is_named(&one.id, item) && one.kind == ItemKind::Duration)
        .ok_or(Reason::UnknownItem)?;
    let first = item.first_tier.0;
    let mut tiers = (first..first + item.tier_count).map(TierId);
    tiers
        .find(|one| is_named(&book.tiers[one.index()].name, tier))
        .ok_or(Reason::UnknownTier)
}

impl Sums<'_> {
    /// What a row adds, or the first rule that it breaks. None: it is of another day.
    fn judge(&mut self, date: BillingDay, columns: &Columns, row: usize) -> Option<Result<(Key, i64), Reason>> {
        let is_own_partition = date == self.request.day;
        let misfit = |reason| is_own_partition.then_some(Err(reason));
        let day = match columns.day.get(row) {
            Int::Value(day) if CALENDAR_DAYS.contains(&day) => day,
            _ => return misfit(Reason::BadDay),
        };
        if day != i64::from(date.epoch_days()) {
            return misfit(Reason::Misplaced);
        }
        is_own_partition.then(|| self.judge_of_day(columns, row))
    }

    fn judge_of_day(&mut self, columns: &Columns, row: usize) -> Result<(Key, i64), Reason> {
        let owned = owner(
            columns.account_id.get(row),
            columns.sdk_app_id.get(row),
            &mut self.accounts,
        );
        let (account, app) = owned?;
        let tier = self.tiers.find(self.request.book, columns, row)?;
        let seconds = columns.seconds.get(row).value();
        let seconds = seconds
            .filter(|seconds| (1..=MOST_SECONDS).contains(seconds))
            .ok_or(Reason::BadSeconds)?;
        let period = 0;
        Ok((
            Key {
                account,
                app,
                tier,
                period,
            },
            seconds,
        ))
    }

    fn reject(&mut self, path: &str, columns: &Columns, at: (usize, i64), reason: Reason) -> Result<(), Fault> {
        let (row, number) = at;
        let seconds = columns.seconds.get(row).value();
        self.rejects
            .count(reason, seconds)
            .ok_or_else(|| Fault::bad("the sum of seconds is out of range"))?;
        if self.rejects.wants(path, number) {
            let meter = match (columns.item.text(row), columns.tier.text(row)) {
                (None, None) => None,
                (item, tier) => Some(format!("{}.{}", item.unwrap_or_default(), tier.unwrap_or_default())),
            };
            self.rejects.keep(Reject {
                file: path.to_owned(),
                row: number,
                reason,
                account_id: columns.account_id.get(row).value(),
                sdk_app_id: columns.sdk_app_id.get(row).value(),
                meter,
                ts: None,
                seconds,
                pixels: None,
            });
        }
        Ok(())
    }
}

impl Sink for Sums<'_> {
    fn take(&mut self, mut batch: Batch) -> Result<(), Fault> {
        let columns = Columns {
            day: batch.ints(0)?,
            account_id: batch.ints(1)?,
            sdk_app_id: batch.ints(2)?,
            item: Names::from(batch.values(3)?),
            tier: Names::from(batch.values(4)?),
            seconds: batch.ints(5)?,
        };
        self.tiers.begin(&columns.item, &columns.tier);
        let (date, object) = &self.request.files[batch.file];
        let too_large = || Fault::bad("the sum of seconds is out of range");
        for (row, number) in (0..batch.rows).zip(batch.first_row..) {
            let Some(judged) = self.judge(*date, &columns, row) else {
                continue;
            };
            self.files[batch.file].day_rows += 1;
            match judged {
                Ok((key, seconds)) => {
                    let add = |total: i64| total.checked_add(seconds);
                    let added = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
                    added.map_err(|_| too_large())?;
                    let file = &mut self.files[batch.file];
                    file.accepted_rows += 1;
                    file.accepted_seconds += seconds;
                    self.table.add(key, (seconds, 1));
                }
                Err(reason) => self.reject(&object.path, &columns, (row, number), reason)?,
            }
        }
        if self.table.is_full() {
            self.runs.push(self.table.drain());
        }
        Ok(())
    }
}
