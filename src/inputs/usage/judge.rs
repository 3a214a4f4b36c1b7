//! The row rules of SPEC 2.1: which day a row belongs to, and the first rule that it breaks.

use crate::catalog::book::{Book, Meter};
use crate::inputs::owners::{AccountCache, CACHED_ACCOUNTS, KnownAccounts, owner};
use crate::inputs::parquet::decode::{Int, Ints, Strings, Values};
use crate::inputs::parquet::error::Fault;
use crate::inputs::parquet::row_groups::Batch as Rows;
use crate::inputs::rejects::{Reason, Reject};
use crate::units::calendar::CALENDAR_MICROS;
use crate::units::quantity::Instant;

use super::columns::{self, COLUMNS};
use super::groups::Key;

/// The meter of rows without a `meter` column.
pub(super) const DEFAULT_METER: &str = "av";
/// The seconds of rows without a `seconds` column.
pub(super) const DEFAULT_SECONDS: i64 = 1;
/// A row is at most a day.
pub(super) const MAX_SECONDS: i64 = 86_400;
/// Microseconds of a five-minute period.
pub(super) const PERIOD_MICROS: i64 = 300_000_000;
/// What rows of a file are judged against.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub book: &'a Book,
    pub accounts: &'a dyn KnownAccounts,
    /// The billing day: its start and the start of the next one.
    pub day: (Instant, Instant),
    /// The partition's date: its start and the start of the next one.
    pub partition: (Instant, Instant),
    /// Whether misplaced rows and those without time are this day's rejects.
    pub is_own_partition: bool,
    /// Whether groups are kept apart by period.
    pub by_period: bool,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It belongs to another day.
    OtherDay,
    Accepted {
        key: Key,
        seconds: i64,
    },
    Rejected(Reason),
}

/// A batch of rows.
pub(super) struct Batch {
    ts: Ints,
    account_id: Ints,
    sdk_app_id: Ints,
    meter: Meters,
    seconds: Option<Ints>,
    pixels: Ints,
}

enum Meters {
    /// No such column: every row is of the default meter.
    Default,
    /// A column of nulls without a type.
    Nulls,
    Strings(Strings),
}

impl Batch {
    /// The columns of decoded rows.
    ///
    /// # Errors
    /// A column was decoded to another type than it has.
    pub(super) fn of(rows: &mut Rows) -> Result<Self, Fault> {
        let wrong = |at: usize| {
            Fault::Bad(format!(
                "column {} was decoded to another type than it has",
                COLUMNS[at].name
            ))
        };
        let mut ints = |at| match rows.optional(at) {
            Some(Values::Ints(ints)) => Ok(ints),
            Some(Values::Strings(_)) | None => Err(wrong(at)),
        };
        Ok(Self {
            ts: ints(columns::TS)?,
            account_id: ints(columns::ACCOUNT_ID)?,
            sdk_app_id: ints(columns::SDK_APP_ID)?,
            pixels: ints(columns::PIXELS)?,
            meter: match rows.optional(columns::METER) {
                None => Meters::Default,
                Some(Values::Ints(_)) => Meters::Nulls,
                Some(Values::Strings(strings)) => Meters::Strings(strings),
            },
            seconds: match rows.optional(columns::SECONDS) {
                None => None,
                Some(Values::Ints(ints)) => Some(ints),
                Some(Values::Strings(_)) => return Err(wrong(columns::SECONDS)),
            },
        })
    }

    /// `seconds` of a row, with its default.
    pub(super) fn seconds(&self, row: usize) -> Option<i64> {
        self.seconds
            .as_ref()
            .map_or(Some(DEFAULT_SECONDS), |seconds| seconds.get(row).value())
    }

    /// A row as the `rejects` table shows it.
    pub(super) fn reject(&self, row: usize, file: &str, number: i64, reason: Reason) -> Reject {
        let meter = match &self.meter {
            Meters::Default => Some(DEFAULT_METER.to_owned()),
            Meters::Nulls => None,
            Meters::Strings(strings) => strings
                .entry(row)
                .and_then(|entry| strings.bytes(entry))
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .map(str::to_owned),
        };
        Reject {
            file: file.to_owned(),
            row: number,
            reason,
            account_id: self.account_id.get(row).value(),
            sdk_app_id: self.sdk_app_id.get(row).value(),
            meter,
            ts: self.ts.get(row).value().map(Instant::from_micros),
            seconds: self.seconds(row),
            pixels: self.pixels.get(row).value(),
        }
    }
}

/// Judges the rows of one row group, batch by batch.
pub(super) struct Judge<'a> {
    rules: Rules<'a>,
    default_meter: Option<&'a Meter>,
    accounts: AccountCache<'a>,
    /// The meter of each entry of the latest batch's strings, and these strings.
    meters: Option<(Strings, Vec<Option<&'a Meter>>)>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(rules: Rules<'a>) -> Self {
        Self {
            rules,
            default_meter: find_meter(rules.book, DEFAULT_METER.as_bytes()),
            accounts: AccountCache::new(rules.accounts, CACHED_ACCOUNTS),
            meters: None,
        }
    }

    /// Looks up the meters of a batch, to be called before its rows are judged.
    pub(super) fn begin(&mut self, batch: &Batch) {
        let Meters::Strings(strings) = &batch.meter else { return };
        if self
            .meters
            .as_ref()
            .is_some_and(|(before, _)| strings.same_entries(before))
        {
            return;
        }
        let mut found: Vec<Option<&'a Meter>> = Vec::with_capacity(strings.entries());
        for entry in 0..strings.entries() {
            let name = strings.bytes(entry);
            // Plain columns repeat themselves.
            let meter = match (found.last(), name) {
                (Some(Some(before)), Some(name)) if before.id.as_bytes() == name => Some(*before),
                (_, name) => name.and_then(|name| find_meter(self.rules.book, name)),
            };
            found.push(meter);
        }
        self.meters = Some((strings.clone(), found));
    }

    /// The first rule that a row breaks, in the order of SPEC 2.1, or what it adds.
    pub(super) fn judge(&mut self, batch: &Batch, row: usize) -> Verdict {
        let rules = self.rules;
        let misfit = |reason| {
            if rules.is_own_partition {
                Verdict::Rejected(reason)
            } else {
                Verdict::OtherDay
            }
        };
        let ts = match batch.ts.get(row) {
            Int::Value(ts) if (CALENDAR_MICROS.0..CALENDAR_MICROS.1).contains(&ts) => Instant::from_micros(ts),
            _ => return misfit(Reason::BadTs),
        };
        if ts < rules.partition.0 || ts >= rules.partition.1 {
            return misfit(Reason::Misplaced);
        }
        if ts < rules.day.0 || ts >= rules.day.1 {
            return Verdict::OtherDay;
        }
        match self.judge_of_day(batch, row, ts) {
            Ok((key, seconds)) => Verdict::Accepted { key, seconds },
            Err(reason) => Verdict::Rejected(reason),
        }
    }

    fn judge_of_day(&mut self, batch: &Batch, row: usize, ts: Instant) -> Result<(Key, i64), Reason> {
        let (account, app) = owner(batch.account_id.get(row), batch.sdk_app_id.get(row), &mut self.accounts)?;
        let meter = self.meter(batch, row).ok_or(Reason::UnknownMeter)?;
        let seconds = batch
            .seconds(row)
            .filter(|seconds| (1..=MAX_SECONDS).contains(seconds))
            .ok_or(Reason::BadSeconds)?;
        let pixels = match batch.pixels.get(row) {
            Int::Null => 0,
            Int::Value(pixels) if pixels >= 0 => pixels,
            Int::Value(_) | Int::Beyond => return Err(Reason::BadPixels),
        };
        Ok((
            Key {
                account,
                app,
                tier: meter.tier_of(pixels),
                period: self.period(ts),
            },
            seconds,
        ))
    }

    fn meter(&self, batch: &Batch, row: usize) -> Option<&'a Meter> {
        match &batch.meter {
            Meters::Default => self.default_meter,
            Meters::Nulls => None,
            Meters::Strings(strings) => {
                let (_, found) = self.meters.as_ref().expect("`begin` was called for this batch");
                strings.entry(row).and_then(|entry| found.get(entry).copied().flatten())
            }
        }
    }

    /// SPEC 3.4: floor((ts - start of the day) / 300 s), elapsed time.
    fn period(&self, ts: Instant) -> u16 {
        if !self.rules.by_period {
            return 0;
        }
        let elapsed = ts.micros() - self.rules.day.0.micros();
        u16::try_from(elapsed / PERIOD_MICROS).expect("a day has a few hundred periods")
    }
}

fn find_meter<'a>(book: &'a Book, name: &[u8]) -> Option<&'a Meter> {
    book.meters.iter().find(|meter| meter.id.as_bytes() == name)
}
