//! The row rules of SPEC 2.1: which day a row belongs to, and the first rule that it breaks.

use crate::catalog::book::{Book, Meter};
use crate::inputs::rejects::{Reason, Reject};
use crate::units::quantity::{Instant, SdkAppId};

use super::columns::Role;
use super::decode::{Int, Ints, Strings, Values};
use super::groups::Key;
use super::scan::KnownAccounts;

/// The meter of rows without a `meter` column.
pub(super) const DEFAULT_METER: &str = "av";
/// The seconds of rows without a `seconds` column.
pub(super) const DEFAULT_SECONDS: i64 = 1;
/// A row is at most a day.
pub(super) const MAX_SECONDS: i64 = 86_400;
/// Microseconds of a five-minute period.
pub(super) const PERIOD_MICROS: i64 = 300_000_000;
/// Instants of the years 1970 to 2999 in UTC, in microseconds; the second bound is the first one after.
pub(in crate::inputs) const CALENDAR_MICROS: (i64, i64) = (0, 32_503_680_000_000_000);
/// Accounts remembered while a row group is judged; a power of two.
pub(in crate::inputs) const CACHED_ACCOUNTS: usize = 4_096;

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
    /// Puts decoded columns together, given by position in [`Role::ALL`]; None where a column is absent.
    pub(super) fn new(columns: [Option<Values>; 6]) -> Result<Self, Role> {
        let [ts, account_id, sdk_app_id, meter, seconds, pixels] = columns;
        let ints = |values: Option<Values>, role| match values {
            Some(Values::Ints(ints)) => Ok(ints),
            Some(Values::Strings(_)) | None => Err(role),
        };
        Ok(Self {
            ts: ints(ts, Role::Ts)?,
            account_id: ints(account_id, Role::AccountId)?,
            sdk_app_id: ints(sdk_app_id, Role::SdkAppId)?,
            meter: match meter {
                None => Meters::Default,
                Some(Values::Ints(_)) => Meters::Nulls,
                Some(Values::Strings(strings)) => Meters::Strings(strings),
            },
            seconds: match seconds {
                None => None,
                some => Some(ints(some, Role::Seconds)?),
            },
            pixels: ints(pixels, Role::Pixels)?,
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
        let (account_id, sdk_app_id) = (batch.account_id.get(row), batch.sdk_app_id.get(row));
        if account_id == Int::Null || sdk_app_id == Int::Null {
            return Err(Reason::NullKey);
        }
        let account_id = account_id.value().filter(|id| *id > 0).ok_or(Reason::BadKey)?;
        let app = sdk_app_id.value().and_then(SdkAppId::new).ok_or(Reason::BadKey)?;
        let account = self.accounts.position(account_id).ok_or(Reason::UnknownAccount)?;
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

/// Remembers where accounts are: most rows are of few.
pub(in crate::inputs) struct AccountCache<'a> {
    accounts: &'a dyn KnownAccounts,
    /// As many as a power of two.
    slots: Vec<(i64, Option<u32>)>,
}

impl<'a> AccountCache<'a> {
    /// A cache of `slots` accounts, a power of two.
    pub(in crate::inputs) fn new(accounts: &'a dyn KnownAccounts, slots: usize) -> Self {
        assert!(slots.is_power_of_two() && slots > 1, "{slots} slots");
        // No account is 0.
        Self {
            accounts,
            slots: vec![(0, None); slots],
        }
    }

    /// Where an account is; None when it is not known.
    pub(in crate::inputs) fn position(&mut self, account_id: i64) -> Option<u32> {
        // Fibonacci hashing: neighbouring and round numbers alike spread over the slots.
        let hash = account_id.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = usize::try_from(hash >> (64 - self.slots.len().ilog2())).expect("fewer bits than slots have");
        let (id, position) = &mut self.slots[slot];
        if *id != account_id {
            *position = self.accounts.position(account_id);
            *id = account_id;
        }
        *position
    }
}
