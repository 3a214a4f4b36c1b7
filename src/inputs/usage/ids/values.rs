//! What values are worth to a bill: what SPEC 2.1 says of each, found out once per distinct value.

use crate::catalog::book::{Book, Meter, TierId};
use crate::units::quantity::{Instant, SdkAppId};

use super::super::judge::{MAX_SECONDS, PERIOD_MICROS, Rules};
use super::stop::Stop;
use crate::inputs::owners::AccountCache;
use crate::inputs::parquet::columns::{IntKind, TimeUnit};
use crate::units::calendar::CALENDAR_MICROS;

/// The class of rows that belong to another day.
pub(super) const OTHER_DAY: u32 = 1 << 30;

/// What a value is replaced by. A value that is no good makes the row group be given up.
pub(super) trait Worth {
    /// Whether the indices of a page stay unread when every entry of its dictionary has the same worth. True of `ts` alone: its
    /// worth is a day or period, and which instant of it a row has does not matter.
    const CONSTANT_UNSEEN: bool = false;

    /// Of an integer as it is stored.
    fn of_int(&mut self, stored: i64) -> Result<u32, Stop>;

    /// Of a string.
    fn of_string(&mut self, _: &[u8]) -> Result<u32, Stop> {
        Err(Stop::GiveUp)
    }

    /// Of a null.
    fn of_null(&self) -> Result<u32, Stop> {
        Err(Stop::GiveUp)
    }

    /// The range of stored values, its end exclusive, that have the same worth as `stored`. `of_int` has been asked for `stored`
    /// just before. Only `ts` has such ranges: all instants of a day or period.
    fn alike(&self, _stored: i64) -> Option<(i64, i64)> {
        None
    }

    /// Of many integers.
    fn of_ints(&mut self, stored: &[i64], out: &mut [u32]) -> Result<(), Stop> {
        for (out, stored) in out.iter_mut().zip(stored) {
            *out = self.of_int(*stored)?;
        }
        Ok(())
    }
}

/// `ts`: the period of the day that it is in, or [`OTHER_DAY`].
pub(super) struct TimeWorth<'a> {
    rules: &'a Rules<'a>,
    unit: TimeUnit,
    /// Stored values from the first up to the second, exclusive, are worth the third.
    latest: (i64, i64, u32),
}

impl<'a> TimeWorth<'a> {
    pub(super) fn new(rules: &'a Rules<'a>, unit: TimeUnit) -> Self {
        Self {
            rules,
            unit,
            latest: (0, 0, OTHER_DAY),
        }
    }

    fn misfit(&self) -> Result<u32, Stop> {
        if self.rules.is_own_partition {
            Err(Stop::GiveUp)
        } else {
            Ok(OTHER_DAY)
        }
    }

    /// The stored values of the instants from `start` to `end`, microseconds.
    fn remember(&mut self, start: i64, end: i64, worth: u32) {
        self.latest = (self.unit.first_at(start), self.unit.first_at(end), worth);
    }
}

impl Worth for TimeWorth<'_> {
    const CONSTANT_UNSEEN: bool = true;

    fn of_int(&mut self, stored: i64) -> Result<u32, Stop> {
        let (from, to, worth) = self.latest;
        if (from..to).contains(&stored) {
            return Ok(worth);
        }
        let ts = self.unit.micros(stored);
        let ts = ts.filter(|ts| (CALENDAR_MICROS.0..CALENDAR_MICROS.1).contains(ts));
        let Some(ts) = ts else { return self.misfit() };
        let within = |(start, end): (Instant, Instant)| (start.micros()..end.micros()).contains(&ts);
        if !within(self.rules.partition) {
            return self.misfit();
        }
        if !within(self.rules.day) {
            return Ok(OTHER_DAY);
        }
        let (start, end) = (
            self.rules
                .day
                .0
                .max(self.rules.partition.0)
                .micros()
                .max(CALENDAR_MICROS.0),
            self.rules
                .day
                .1
                .min(self.rules.partition.1)
                .micros()
                .min(CALENDAR_MICROS.1),
        );
        if !self.rules.by_period {
            self.remember(start, end, 0);
            return Ok(0);
        }
        let day_start = self.rules.day.0.micros();
        let period = (ts - day_start) / PERIOD_MICROS;
        let period_start = day_start + period * PERIOD_MICROS;
        let worth = u32::try_from(period).map_err(|_| Stop::GiveUp)?;
        self.remember(period_start.max(start), (period_start + PERIOD_MICROS).min(end), worth);
        Ok(worth)
    }

    fn of_null(&self) -> Result<u32, Stop> {
        self.misfit()
    }

    fn alike(&self, stored: i64) -> Option<(i64, i64)> {
        let (from, to, _) = self.latest;
        (from..to).contains(&stored).then_some((from, to))
    }

    fn of_ints(&mut self, stored: &[i64], out: &mut [u32]) -> Result<(), Stop> {
        let (Some(first), Some(least), Some(most)) = (stored.first(), stored.iter().min(), stored.iter().max()) else {
            return Ok(());
        };
        let worth = self.of_int(*first)?;
        let (from, to, _) = self.latest;
        if from <= *least && *most < to {
            out.fill(worth);
            return Ok(());
        }
        for (out, stored) in out.iter_mut().zip(stored) {
            *out = self.of_int(*stored)?;
        }
        Ok(())
    }
}

/// `account_id`: its position.
pub(super) struct AccountWorth<'a, 'b> {
    pub kind: IntKind,
    pub accounts: &'b mut AccountCache<'a>,
}

impl Worth for AccountWorth<'_, '_> {
    fn of_int(&mut self, stored: i64) -> Result<u32, Stop> {
        let id = self.kind.value(stored).filter(|id| *id > 0).ok_or(Stop::GiveUp)?;
        self.accounts.position(id).ok_or(Stop::GiveUp)
    }
}

/// `sdk_app_id`: the worth of an app is its id. Apps are numbered from 0 as they are met.
pub(super) struct AppWorth {
    kind: IntKind,
    pub apps: Vec<SdkAppId>,
}

impl AppWorth {
    pub(super) fn new(kind: IntKind) -> Self {
        Self { kind, apps: Vec::new() }
    }
}

impl Worth for AppWorth {
    fn of_int(&mut self, stored: i64) -> Result<u32, Stop> {
        let app = self.kind.value(stored).and_then(SdkAppId::new).ok_or(Stop::GiveUp)?;
        self.apps.push(app);
        u32::try_from(self.apps.len() - 1).map_err(|_| Stop::GiveUp)
    }
}

/// `seconds`: their number.
pub(super) struct SecondsWorth {
    pub kind: IntKind,
}

impl Worth for SecondsWorth {
    fn of_int(&mut self, stored: i64) -> Result<u32, Stop> {
        let seconds = self
            .kind
            .value(stored)
            .filter(|seconds| (1..=MAX_SECONDS).contains(seconds));
        seconds
            .and_then(|seconds| u32::try_from(seconds).ok())
            .ok_or(Stop::GiveUp)
    }
}

/// Meters and resolutions together name a tier. A meter is worth a row of this table, a resolution a column.
pub(super) struct Tiers {
    tiers: Vec<TierId>,
    /// All bounds of all meters, ascending: between two of them no meter makes a difference.
    bounds: Vec<i64>,
    meters: Vec<(Vec<u8>, u32)>,
}

impl Tiers {
    pub(super) fn new(book: &Book) -> Self {
        let bounds = |meter: &Meter| meter.tiers.iter().map(|step| step.max_pixels).collect::<Vec<i64>>();
        let mut bounds: Vec<i64> = book.meters.iter().flat_map(bounds).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let columns = bounds.len() + 1;
        let row = |meter: &Meter| {
            let beyond = std::iter::once(i64::MAX);
            let tiers = bounds.iter().copied().chain(beyond).map(|pixels| meter.tier_of(pixels));
            tiers.collect::<Vec<TierId>>()
        };
        Self {
            tiers: book.meters.iter().flat_map(row).collect(),
            meters: book
                .meters
                .iter()
                .zip((0_u32..).step_by(columns))
                .map(|(meter, row)| (meter.id.as_bytes().to_vec(), row))
                .collect(),
            bounds,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tiers.len()
    }

    /// How many columns a row has.
    pub(super) fn columns(&self) -> usize {
        self.bounds.len() + 1
    }

    /// The tier at a row and column, given as their sum.
    pub(super) fn get(&self, at: usize) -> Option<TierId> {
        self.tiers.get(at).copied()
    }

    /// Where a meter's row begins.
    pub(super) fn row(&self, meter: &[u8]) -> Option<u32> {
        self.meters.iter().find(|(name, _)| name == meter).map(|(_, row)| *row)
    }

    fn column(&self, pixels: i64) -> Option<u32> {
        u32::try_from(self.bounds.partition_point(|bound| *bound < pixels)).ok()
    }
}

/// `meter`: its row of [`Tiers`].
pub(super) struct MeterWorth<'a> {
    tiers: &'a Tiers,
    latest: Option<(Vec<u8>, u32)>,
}

impl<'a> MeterWorth<'a> {
    pub(super) fn new(tiers: &'a Tiers) -> Self {
        Self { tiers, latest: None }
    }
}

impl Worth for MeterWorth<'_> {
    fn of_int(&mut self, _: i64) -> Result<u32, Stop> {
        Err(Stop::GiveUp)
    }

    fn of_string(&mut self, meter: &[u8]) -> Result<u32, Stop> {
        if let Some((name, row)) = &self.latest
            && name == meter
        {
            return Ok(*row);
        }
        let row = self.tiers.row(meter).ok_or(Stop::GiveUp)?;
        self.latest = Some((meter.to_vec(), row));
        Ok(row)
    }
}

/// `pixels`: their column of [`Tiers`].
pub(super) struct PixelsWorth<'a> {
    pub kind: IntKind,
    pub tiers: &'a Tiers,
}

impl Worth for PixelsWorth<'_> {
    fn of_int(&mut self, stored: i64) -> Result<u32, Stop> {
        let pixels = self
            .kind
            .value(stored)
            .filter(|pixels| *pixels >= 0)
            .ok_or(Stop::GiveUp)?;
        self.tiers.column(pixels).ok_or(Stop::GiveUp)
    }

    fn of_null(&self) -> Result<u32, Stop> {
        self.tiers.column(0).ok_or(Stop::GiveUp)
    }
}
