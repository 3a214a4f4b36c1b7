//! A day of usage, rewritten into the layout that reads fastest.
//!
//! The rows of a partition are read whole, sorted in runs that are spilled to a temporary directory, merged, and put
//! into the target as `date=YYYY-MM-DD/part-<n>.parquet`. Then both are scanned and all sums compared. While that goes
//! on, the target's partition is marked as incomplete, and `settle` refuses it; on a failure it is deleted again.

mod alike;
mod error;
mod merge;
mod order;
mod parts;
mod runs;
mod spill;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use crate::catalog::book::Book;
use crate::inputs::parquet::WholeFile;
use crate::inputs::parquet::source::RangeReader;
use crate::inputs::partitions::{self, INCOMPLETE, IncompletePartition, Listing};
use crate::inputs::usage::{find_duplicates, open_whole};
use crate::job::{Job, Shape};
use crate::store::{Location, Object, Store};
use crate::units::quantity::BillingDay;

use alike::{Alike, alike};
pub use error::CompactError;
use error::Halt;
pub use verify::Totals;

use parts::{Part, PartWriter};
use runs::RunMaker;
use spill::{Run, Scratch};
use verify::Verifier;

/// Batches of rows in order that wait for the writer.
const WAITING_BATCHES: usize = 4;

/// What to rewrite, and where to.
#[derive(Debug, Clone)]
pub struct CompactOptions {
    /// The date of the partition.
    pub day: BillingDay,
    /// The directory that gets `date=YYYY-MM-DD/`.
    pub target: Location,
    /// Where sorted runs are spilled: about as many bytes as the day's files have.
    pub temporary: PathBuf,
    /// Bytes that sorting may take in memory, about; what is merged and written takes some 200 MB besides at most.
    pub memory: usize,
}

/// What sorting takes by default.
pub const DEFAULT_MEMORY: usize = 512 << 20;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Rows are read and sorted in runs.
    Sort,
    /// Runs are merged and encoded.
    Write,
    /// Both days are scanned.
    Verify,
}

/// Told how a run is getting on, from any thread.
pub trait Progress: Sync {
    /// A stage that will have so many rows begins.
    fn stage_begins(&self, day: BillingDay, stage: Stage, rows: u64);
    /// So many more rows are done.
    fn rows_done(&self, rows: u64);
}

/// What was rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compacted {
    /// The same in both.
    pub totals: Totals,
    /// The files that were read: their number and bytes.
    pub before: (u64, u64),
    /// The files that were written, relative to the target, with their rows.
    pub files: Vec<(Object, u64)>,
    /// Columns that some file has and that were left out.
    pub left_out: Vec<String>,
    /// What to say of files of the partition that are not usage files; None where there are none.
    pub not_read: Option<String>,
}

/// Rewrites a day.
///
/// Memory is bounded, whatever the day's size: three chunks of rows, or a batch of each of some runs. The same files
/// give the same bytes, whatever the number of threads.
///
/// # Errors
/// [`CompactError`]; what was written is deleted then.
pub fn compact(
    job: &Job,
    book: &Book,
    options: &CompactOptions,
    progress: &dyn Progress,
) -> Result<Compacted, CompactError> {
    refuse_target(job, &options.target)?;
    let usage = &job.inputs.usage.partitions;
    let store = Store::open(&usage.location)?;
    let partition = Partition {
        directory: format!("date={}", options.day),
        day: options.day,
    };
    let listing = partition.listing(&store)?;
    let before = partition.files(&listing);
    let reader: Arc<dyn RangeReader> = Arc::new(store.clone());
    refuse_input(job, options.day, &listing, (&reader, &before))?;
    let (parts, left_out, _scratch) = rewrite(&reader, &before, options, progress)?;
    let target = Store::open(&options.target)?;
    let attempt = Attempt::begin(&target, &partition)?;
    let rows_of = attempt.put(&parts)?;
    let after = partition.files(&partition.listing(&target)?);
    let rows = parts.iter().map(|part| part.rows).sum::<u64>();
    progress.stage_begins(options.day, Stage::Verify, 2 * rows);
    let verifier = Verifier {
        job,
        book,
        day: options.day,
        progress: &|rows| progress.rows_done(rows),
    };
    let written: Arc<dyn RangeReader> = Arc::new(target.clone());
    let totals = verifier.compare((&reader, &before), (&written, &after))?;
    if partition.files(&partition.listing(&store)?) != before {
        return Err(CompactError::Changed(options.day));
    }
    attempt.finish()?;
    Ok(Compacted {
        totals,
        before: (count(before.len()), before.iter().map(|file| file.size).sum()),
        files: after
            .into_iter()
            .map(|file| {
                let rows = rows_of.get(&file.path).copied().unwrap_or(0);
                (file, rows)
            })
            .collect(),
        left_out,
        not_read: listing.stray_warning("usage"),
    })
}

/// What a night would refuse must not come out as files that it takes: half a partition, or a repeated upload.
fn refuse_input(
    job: &Job,
    day: BillingDay,
    listing: &Listing,
    (reader, files): (&Arc<dyn RangeReader>, &[Object]),
) -> Result<(), CompactError> {
    let url = || job.inputs.usage.partitions.location.to_string();
    if listing.incomplete.contains(&day) {
        let incomplete = IncompletePartition {
            partition: day,
            url: url(),
        };
        return Err(incomplete.into());
    }
    if files.is_empty() {
        return Err(CompactError::MissingPartition { day, url: url() });
    }
    if !job.allow_duplicate_files {
        let files: Vec<(BillingDay, Object)> = files.iter().map(|file| (day, file.clone())).collect();
        find_duplicates(reader, &files)?;
    }
    Ok(())
}

/// Nothing is rewritten in place.
fn refuse_target(job: &Job, target: &Location) -> Result<(), CompactError> {
    match job.inputs.usage.shape {
        Shape::Seconds => {}
        Shape::Streams => return Err(CompactError::Shape("streams")),
        Shape::Daily => return Err(CompactError::Shape("daily")),
    }
    let inputs = job.inputs.locations().into_iter();
    let named = inputs.map(|(key, location)| (format!("inputs.{key}"), location));
    let mut named = named.chain([("output".to_owned(), &job.output), ("catalog".to_owned(), &job.catalog)]);
    let resolved = target.resolved();
    match named.find(|(_, location)| location.overlaps(target) || location.resolved().overlaps(&resolved)) {
        None => Ok(()),
        Some((key, _)) => Err(CompactError::Overlaps {
            target: target.to_string(),
            key,
        }),
    }
}

/// The files of one date.
struct Partition {
    directory: String,
    day: BillingDay,
}

impl Partition {
    fn listing(&self, store: &Store) -> Result<Listing, CompactError> {
        Ok(partitions::list_below(store, &self.directory)?)
    }

    /// Its usage files, by path.
    fn files(&self, listing: &Listing) -> Vec<Object> {
        listing.partitions.get(&self.day).cloned().unwrap_or_default()
    }
}

/// Writes the day's parts into a temporary directory. It goes when what is returned with them is dropped.
fn rewrite(
    reader: &Arc<dyn RangeReader>,
    files: &[Object],
    options: &CompactOptions,
    progress: &dyn Progress,
) -> Result<(Vec<Part>, Vec<String>, Scratch), CompactError> {
    let scratch = Scratch::create(&options.temporary)?;
    let mut left_out = BTreeSet::new();
    let mut opened = Vec::with_capacity(files.len());
    for object in files {
        let file = open_whole(reader, object)?;
        left_out.extend(file.left_out().iter().cloned());
        opened.push(file);
    }
    let mut parts = Vec::new();
    for alike in alike(opened) {
        let rows = alike.files.iter().map(WholeFile::rows).sum();
        progress.stage_begins(options.day, Stage::Sort, rows);
        let runs = sorted_runs(&alike, &scratch, options.memory, progress)?;
        progress.stage_begins(options.day, Stage::Write, rows);
        parts.extend(write_parts(runs, &alike.schema, &scratch, progress)?);
    }
    Ok((parts, left_out.into_iter().collect(), scratch))
}

fn sorted_runs(
    alike: &Alike,
    scratch: &Scratch,
    memory: usize,
    progress: &dyn Progress,
) -> Result<Vec<Run>, CompactError> {
    std::thread::scope(|scope| {
        let mut maker = RunMaker::spawn(scope, scratch, Arc::clone(&alike.schema), memory);
        for file in &alike.files {
            let schema = file.schema();
            let fields = alike.schema.fields().iter();
            let columns: Vec<usize> = fields.filter_map(|field| schema.index_of(field.name()).ok()).collect();
            let read = file.read(|batch| {
                progress.rows_done(count(batch.num_rows()));
                maker.push(in_order(&batch, &columns, &alike.schema))
            });
            match read {
                Ok(()) => {}
                Err(Halt::HungUp) => break,
                Err(Halt::Failed(error)) => return Err(error),
            }
        }
        maker.finish()
    })
}

fn in_order(batch: &RecordBatch, columns: &[usize], schema: &SchemaRef) -> RecordBatch {
    let columns = columns.iter().map(|column| batch.column(*column).clone()).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).expect("files of one set of columns have them")
}

fn write_parts(
    runs: Vec<Run>,
    schema: &SchemaRef,
    scratch: &Scratch,
    progress: &dyn Progress,
) -> Result<Vec<Part>, CompactError> {
    let (sender, receiver) = sync_channel::<RecordBatch>(WAITING_BATCHES);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut writer = PartWriter::new(scratch, Arc::clone(schema));
            while let Ok(batch) = receiver.recv() {
                writer.write(&batch)?;
                progress.rows_done(count(batch.num_rows()));
            }
            writer.finish()
        });
        let merged = merge::merge(runs, schema, scratch, |batch| {
            sender.send(batch).map_err(|_| Halt::HungUp)
        });
        drop(sender);
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match merged {
            Ok(()) | Err(Halt::HungUp) => written,
            Err(Halt::Failed(error)) => Err(error),
        }
    })
}

/// A partition of the target that is being filled: marked as incomplete, and deleted again unless it is finished.
struct Attempt<'a> {
    target: &'a Store,
    partition: &'a Partition,
    is_finished: bool,
}

impl<'a> Attempt<'a> {
    fn begin(target: &'a Store, partition: &'a Partition) -> Result<Self, CompactError> {
        if let Some(object) = target.list(&partition.directory)?.first() {
            let path = target.shown(&object.path);
            return Err(CompactError::NotEmpty { path });
        }
        let marker = format!("{}/{INCOMPLETE}", partition.directory);
        target.put_new(
            &marker,
            Bytes::from_static(b"nightbill compact is at work, or was stopped: delete this partition\n"),
        )?;
        Ok(Self {
            target,
            partition,
            is_finished: false,
        })
    }

    /// Puts the parts, and says how many rows are in each.
    fn put(&self, parts: &[Part]) -> Result<BTreeMap<String, u64>, CompactError> {
        let mut rows = BTreeMap::new();
        for (number, part) in parts.iter().enumerate() {
            let path = format!("{}/part-{number}.parquet", self.partition.directory);
            self.target.put_file(&path, &part.path)?;
            rows.insert(path, part.rows);
        }
        Ok(rows)
    }

    fn finish(mut self) -> Result<(), CompactError> {
        self.target
            .delete(&format!("{}/{INCOMPLETE}", self.partition.directory))?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            // What is left is marked; the error at hand says more.
            let _ = self.target.delete_below(&self.partition.directory);
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).expect("usize has at most 64 bits")
}
