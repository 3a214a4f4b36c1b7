//! `screenshots`: how many images of an account.

use hashbrown::HashMap;

use crate::catalog::book::Cadence;
use crate::inputs::owners::AccountCache;
use crate::inputs::parquet::columns::{Content, Needed};
use crate::inputs::parquet::decode::Ints;
use crate::inputs::parquet::error::Fault;
use crate::inputs::parquet::row_groups::{self, Batch};
use crate::inputs::rejects::Reason;
use crate::inputs::usage::ScanError;
use crate::units::quantity::{Instant, SdkAppId};

use super::judge::{Common, Judge, Rows, Tally, figure};
use super::read::{self, Figure, Pass, Reading};

/// Its columns, in the order in which batches have them.
pub(super) static COLUMNS: [Needed; 4] = [
    Needed::new("ts", Content::Timestamp),
    Needed::new("account_id", Content::Integer),
    Needed::new("sdk_app_id", Content::Integer),
    Needed::new("images", Content::Integer),
];

/// An account's images; None without a row.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    whole: Option<i64>,
    of_day: Option<i64>,
}

/// Reads all files once.
pub(super) fn read(reading: &Reading<'_>) -> Result<(Vec<Figure>, Tally), ScanError> {
    let pass = Pass::first();
    let new_sink = || Judge::new(reading, &pass, Images::of(reading));
    let mut sinks = row_groups::read(&reading.all(), new_sink, reading.progress(&pass))?.into_iter();
    let (mut tally, mut counts) = match sinks.next() {
        Some(first) => (first.tally, first.rows.counts),
        None => (reading.tally(&pass), HashMap::new()),
    };
    for sink in sinks {
        tally.absorb(sink.tally);
        for (account, more) in sink.rows.counts {
            let sum: &mut Counts = counts.entry(account).or_default();
            let added = sum.add_whole(more.whole).and_then(|()| sum.add_of_day(more.of_day));
            added.ok_or_else(|| out_of_range(reading))?;
        }
    }
    let mut figures = Vec::with_capacity(counts.len());
    for item in &reading.billed {
        for (account, counts) in &counts {
            let counted = match item.cadence {
                Cadence::Daily => counts.of_day,
                Cadence::Monthly => counts.whole,
            };
            figures.extend(counted.map(|count| read::figure(*account, SdkAppId::ACCOUNT_WIDE, item.first_tier, count)));
        }
    }
    Ok((figures, tally))
}

fn out_of_range(reading: &Reading<'_>) -> ScanError {
    ScanError::OutOfRange {
        file: reading.rules.last().map(|rules| rules.name.clone()).unwrap_or_default(),
        what: "sum of images",
    }
}

impl Counts {
    fn add_whole(&mut self, more: Option<i64>) -> Option<()> {
        add(&mut self.whole, more)
    }

    fn add_of_day(&mut self, more: Option<i64>) -> Option<()> {
        add(&mut self.of_day, more)
    }
}

fn add(sum: &mut Option<i64>, more: Option<i64>) -> Option<()> {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).checked_add(more)?);
    }
    Some(())
}

/// One thread's sums.
struct Images<'a> {
    reading: &'a Reading<'a>,
    counts: HashMap<u32, Counts>,
}

impl<'a> Images<'a> {
    fn of(reading: &'a Reading<'a>) -> Self {
        Self {
            reading,
            counts: HashMap::new(),
        }
    }
}

impl Rows for Images<'_> {
    type Columns = Ints;
    /// The account and how many images.
    type Row = (u32, i64);

    fn columns(&mut self, batch: &mut Batch) -> Result<Ints, Fault> {
        batch.ints(3)
    }

    fn judge(
        &self,
        common: &Common,
        images: &Ints,
        row: usize,
        accounts: &mut AccountCache<'_>,
    ) -> Result<(u32, i64), Reason> {
        if common.lacks_owner(row) {
            return Err(Reason::NullKey);
        }
        let (account, _) = common.owner(row, accounts)?;
        let images = figure(images, row).ok_or(Reason::BadImages)?;
        Ok((account, images))
    }

    fn add(&mut self, at: Instant, _: &Ints, _: usize, (account, images): (u32, i64)) -> Result<(), Fault> {
        let counts = self.counts.entry(account).or_default();
        let of_day = self.reading.period.is_of_day(at).then_some(images);
        let added = counts.add_whole(Some(images)).and_then(|()| counts.add_of_day(of_day));
        added.ok_or_else(|| Fault::bad("the sum of images is out of range"))
    }
}
