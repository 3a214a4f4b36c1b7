//! `relay`: the largest bandwidth of an account to each destination, summed over its tasks.

use std::cmp::Ordering;

use hashbrown::HashMap;

use crate::catalog::book::{Book, Cadence, ItemKind, TierId};
use crate::inputs::owners::AccountCache;
use crate::inputs::parquet::columns::{Content, Needed};
use crate::inputs::parquet::decode::{Ints, Strings, Values};
use crate::inputs::parquet::error::Fault;
use crate::inputs::parquet::row_groups::{self, Batch};
use crate::inputs::rejects::Reason;
use crate::inputs::usage::ScanError;
use crate::units::quantity::{Instant, SdkAppId};

use super::judge::{Common, Judge, Rows, Tally, figure};
use super::read::{self, Figure, Partition, Pass, Reading};
use crate::inputs::distinct::key::{Ids, Key, Keys};
use crate::inputs::distinct::shards::{Buffers, Entry, Shards, mix};

/// Its columns, in the order in which batches have them.
pub(super) static COLUMNS: [Needed; 6] = [
    Needed::new("ts", Content::Timestamp),
    Needed::new("account_id", Content::Integer),
    Needed::new("sdk_app_id", Content::Integer),
    Needed::new("task_id", Content::Key),
    Needed::new("kbps", Content::Integer),
    Needed::new("destination", Content::Name),
];
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The largest sample of a task in an interval. Tens of millions of them are held: 32 bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    account: u32,
    /// Counted from the first interval of the period.
    interval: u32,
    task: Key,
    /// The tier in the upper 16 bits, kbps (at most 10^12) in the others.
    tier_and_kbps: u64,
}

/// What is summed over tasks.
type SumKey = (u32, TierId, u32);

impl Sample {
    fn new((account, tier, interval): SumKey, task: Key, kbps: i64) -> Self {
        let kbps = u64::try_from(kbps).expect("kbps are not negative");
        Self {
            account,
            interval,
            task,
            tier_and_kbps: u64::from(tier.0) << KBPS_BITS | kbps,
        }
    }

    fn sum_key(&self) -> SumKey {
        let tier = u16::try_from(self.tier_and_kbps >> KBPS_BITS).expect("16 bits are left");
        (self.account, TierId(tier), self.interval)
    }

    fn kbps(&self) -> i64 {
        let kbps = self.tier_and_kbps & ((1 << KBPS_BITS) - 1);
        i64::try_from(kbps).expect("48 bits fit")
    }
}

const KBPS_BITS: u32 = 48;

impl Ord for Sample {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |sample: &Self| {
            let (account, interval) = (u64::from(sample.account), u64::from(sample.interval));
            let tier = sample.tier_and_kbps >> KBPS_BITS;
            (account << 32 | interval, tier, sample.task, sample.tier_and_kbps)
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Sample {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Spreads sums over shards.
fn hash_of((account, tier, interval): SumKey) -> u64 {
    mix(mix(u64::from(account) << 16 | u64::from(tier.0)) ^ u64::from(interval))
}

impl Entry for Sample {
    fn absorb(&mut self, next: &Self) -> bool {
        let same = (self.sum_key(), self.task) == (next.sum_key(), next.task);
        if same {
            self.tier_and_kbps = self.tier_and_kbps.max(next.tier_and_kbps);
        }
        same
    }
}

/// A tier that samples of its name count in.
#[derive(Debug, Clone, Copy)]
struct PeakTier {
    tier: TierId,
    interval_micros: i64,
    /// The interval that the period begins in, counted from 1970.
    first_interval: i64,
    cadence: Cadence,
}

impl PeakTier {
    /// The first interval that is not over at an instant, counted from the period's first.
    fn interval(&self, at: Instant) -> i64 {
        at.micros().div_euclid(self.interval_micros) - self.first_interval
    }
}

/// Peaks so far, in kbps.
type Peaks = HashMap<(u32, TierId), i64>;

/// Peaks of one shard, each once; None when a sum leaves 64 bits.
type ShardPeaks = Option<Vec<((u32, TierId), i64)>>;

/// Reads the partitions one after the other, as often as memory asks for.
pub(super) fn read(reading: &Reading<'_>) -> Result<(Vec<Figure>, Tally), ScanError> {
    let keys = Keys::random();
    let tiers = peak_tiers(reading);
    let partitions = reading.partitions();
    let mut peaks = Peaks::new();
    let mut tally = reading.tally(&Pass::first());
    let mut next = Some(Pass::first());
    while let Some(pass) = next {
        let shards = Shards::new(pass.0.clone(), reading.budget);
        for (at, partition) in partitions.iter().enumerate() {
            let new_sink = || {
                let relay = Relay {
                    reading,
                    keys: &keys,
                    tiers: &tiers,
                    destinations: None,
                    samples: Buffers::new(&shards),
                };
                Judge::new(reading, &pass, relay)
            };
            for mut sink in row_groups::read(&partition.files, new_sink, reading.progress(&pass))? {
                sink.rows.samples.flush();
                tally.absorb(sink.tally);
            }
            // Intervals that reach into the next partition wait for it.
            let over = (at + 1 < partitions.len()).then_some(partition);
            let found = shards.drain(|samples| sum_up(samples, &tiers, over));
            add_peaks(&mut peaks, found, reading)?;
        }
        // A peak that part of a shard was seen of is found again: a maximum may be taken twice.
        next = pass.after(&shards.range());
    }
    let figures = peaks.into_iter();
    let figures = figures.map(|((account, tier), kbps)| read::figure(account, SdkAppId::ACCOUNT_WIDE, tier, kbps));
    Ok((figures.collect(), tally))
}

fn peak_tiers(reading: &Reading<'_>) -> Vec<PeakTier> {
    let mut tiers = Vec::new();
    for item in &reading.billed {
        let ItemKind::Peak { interval_seconds, .. } = &item.kind else {
            continue;
        };
        let interval_micros = interval_seconds * MICROS_PER_SECOND;
        let first = item.first_tier.0;
        tiers.extend((first..first + item.tier_count).map(|tier| PeakTier {
            tier: TierId(tier),
            interval_micros,
            first_interval: reading.period.whole.0.micros().div_euclid(interval_micros),
            cadence: item.cadence,
        }));
    }
    tiers
}

/// The largest sum of each account and tier among the intervals that are over with a partition (all of them after the last
/// one), and the samples of the others.
fn sum_up(samples: &[Sample], tiers: &[PeakTier], over: Option<&Partition<'_>>) -> (ShardPeaks, Vec<Sample>) {
    let waits = |sample: &Sample| {
        let (_, tier, _) = sample.sum_key();
        let tier = tiers.iter().find(|known| known.tier == tier);
        tier.zip(over)
            .is_some_and(|(tier, over)| i64::from(sample.interval) >= tier.interval(over.end))
    };
    let mut peaks: Vec<((u32, TierId), i64)> = Vec::new();
    let mut stay = Vec::new();
    for interval in samples.chunk_by(|one, next| one.sum_key() == next.sum_key()) {
        let Some(first) = interval.first() else { continue };
        if waits(first) {
            stay.extend_from_slice(interval);
            continue;
        }
        let sum = interval
            .iter()
            .try_fold(0_i64, |sum, sample| sum.checked_add(sample.kbps()));
        let Some(sum) = sum else { return (None, stay) };
        let (account, tier, _) = first.sum_key();
        let key = (account, tier);
        match peaks.last_mut() {
            Some((last, peak)) if *last == key => *peak = sum.max(*peak),
            _ => peaks.push((key, sum)),
        }
    }
    (Some(peaks), stay)
}

fn add_peaks(peaks: &mut Peaks, found: Vec<ShardPeaks>, reading: &Reading<'_>) -> Result<(), ScanError> {
    for found in found {
        let found = found.ok_or_else(|| ScanError::OutOfRange {
            file: reading.rules.last().map(|rules| rules.name.clone()).unwrap_or_default(),
            what: "sum of kbps",
        })?;
        for (key, kbps) in found {
            let peak = peaks.entry(key).or_insert(kbps);
            *peak = kbps.max(*peak);
        }
    }
    Ok(())
}

/// One thread's part.
struct Relay<'a> {
    reading: &'a Reading<'a>,
    keys: &'a Keys,
    tiers: &'a [PeakTier],
    /// The latest batch's destinations, and for each entry the tiers that its samples count in; None: there is no such tier.
    destinations: Option<(Strings, Vec<Option<Vec<PeakTier>>>)>,
    samples: Buffers<'a, Sample>,
}

impl Relay<'_> {
    /// Looks up the destinations of a batch.
    fn look_up(&mut self, destinations: &Strings) {
        let known = self.destinations.as_ref();
        if known.is_some_and(|(before, _)| destinations.same_entries(before)) {
            return;
        }
        let entries = (0..destinations.entries()).map(|entry| {
            let name = destinations.bytes(entry)?;
            self.tiers_of(name)
        });
        self.destinations = Some((destinations.clone(), entries.collect()));
    }

    /// The tiers of this name that the batch bills; None where no item of kind peak has one.
    fn tiers_of(&self, name: &[u8]) -> Option<Vec<PeakTier>> {
        let book: &Book = self.reading.book;
        let is_named = |tier: TierId| book.tiers[tier.index()].name.as_bytes() == name;
        let is_peak = |tier: TierId| matches!(book.item_of(tier).kind, ItemKind::Peak { .. });
        let tiers = 0..u16::try_from(book.tiers.len()).expect("tiers are numbered with 16 bits");
        if !tiers.map(TierId).any(|tier| is_named(tier) && is_peak(tier)) {
            return None;
        }
        Some(self.tiers.iter().copied().filter(|tier| is_named(tier.tier)).collect())
    }

    fn tiers_at(&self, destination: usize) -> Option<&[PeakTier]> {
        let (_, tiers) = self.destinations.as_ref()?;
        tiers.get(destination)?.as_deref()
    }
}

/// The columns that only relay has.
struct Columns {
    tasks: Ids,
    kbps: Ints,
    /// None for a column of nulls without a type.
    destinations: Option<Strings>,
}

/// A row of relay: account, kbps, and the entry of its destination.
type Relayed = (u32, i64, usize);

impl Rows for Relay<'_> {
    type Columns = Columns;
    type Row = Relayed;

    fn columns(&mut self, batch: &mut Batch) -> Result<Columns, Fault> {
        let columns = Columns {
            tasks: Ids::from(batch.values(3)?),
            kbps: batch.ints(4)?,
            destinations: match batch.values(5)? {
                Values::Strings(strings) => Some(strings),
                Values::Ints(_) => None,
            },
        };
        if let Some(destinations) = &columns.destinations {
            self.look_up(destinations);
        }
        Ok(columns)
    }

    fn judge(
        &self,
        common: &Common,
        columns: &Columns,
        row: usize,
        accounts: &mut AccountCache<'_>,
    ) -> Result<Relayed, Reason> {
        let (account, _) = common.owner_of_named(row, &columns.tasks, accounts)?;
        let destination = columns.destinations.as_ref().and_then(|column| column.entry(row));
        let is_known = |entry: &usize| self.tiers_at(*entry).is_some();
        let destination = destination.filter(is_known).ok_or(Reason::UnknownDestination)?;
        let kbps = figure(&columns.kbps, row).ok_or(Reason::BadKbps)?;
        Ok((account, kbps, destination))
    }

    fn add(
        &mut self,
        at: Instant,
        columns: &Columns,
        row: usize,
        (account, kbps, destination): Relayed,
    ) -> Result<(), Fault> {
        let is_of_day = self.reading.period.is_of_day(at);
        let Some((_, tiers)) = &self.destinations else {
            return Ok(());
        };
        let tiers = tiers.get(destination).and_then(Option::as_deref).unwrap_or_default();
        for tier in tiers
            .iter()
            .filter(|tier| is_of_day || tier.cadence == Cadence::Monthly)
        {
            let interval = u32::try_from(tier.interval(at)).map_err(|_| Fault::bad("an interval out of range"))?;
            let sum_key = (account, tier.tier, interval);
            // Keys take time: none for a row of another pass.
            let Some(shard) = self.samples.shard(hash_of(sum_key)) else {
                continue;
            };
            let task = columns.tasks.key(row, self.keys);
            self.samples.push(shard, Sample::new(sum_key, task, kbps));
        }
        Ok(())
    }
}
