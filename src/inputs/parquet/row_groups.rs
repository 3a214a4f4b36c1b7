//! Row groups of files, shared out over threads: the one driver of everything that reads Parquet rows as data.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::Object;

use super::ahead::Ahead;
use super::bounds::{BATCH_ROWS, MAX_ROWS};
use super::chunk::FaultSlot;
use super::columns::Needed;
use super::decode::{ColumnDecoder, Ints, Values};
use super::error::{Fault, FileError};
use super::fetched::Fetched;
use super::footer::{ParquetFile, RowGroup, read_footer, room_for_footers};
use super::group_bytes::GroupBytes;
use super::large_pages::{LargePages, Turn};
use super::many::for_each_file;
use super::panics;
use super::plan::Plan;
use super::source::{RangeReader, Source};

/// A row group on its way to a sink: its bytes are there or under way.
pub(in crate::inputs) struct OpenGroup<'a> {
    /// Position of the file among those that are read.
    pub position: usize,
    pub file: &'a ParquetFile,
    pub group: &'a RowGroup,
    pub fetched: Fetched,
    /// Held by the one thread that reads large pages.
    pub large_pages: &'a Arc<LargePages>,
}

/// Some rows of a row group.
pub(in crate::inputs) struct Batch {
    /// Position of the file among those that are read.
    pub file: usize,
    /// Number of the first row in the file, from 1.
    pub first_row: i64,
    pub rows: usize,
    /// By position among the needed columns; None where an optional column is absent, or where it has been taken.
    columns: Vec<Option<Values>>,
}

impl Batch {
    /// Takes the column at this position, which holds integers, times or dates.
    pub(in crate::inputs) fn ints(&mut self, position: usize) -> Result<Ints, Fault> {
        match self.optional(position) {
            Some(Values::Ints(ints)) => Ok(ints),
            Some(Values::Strings(_)) | None => Err(Fault::bad("a column was decoded to another type than it has")),
        }
    }

    /// Takes the column at this position, whatever it holds.
    pub(in crate::inputs) fn values(&mut self, position: usize) -> Result<Values, Fault> {
        self.optional(position)
            .ok_or_else(|| Fault::bad("a column was not decoded"))
    }

    /// Takes the column at this position, whatever it holds; None where the file does not have it.
    pub(in crate::inputs) fn optional(&mut self, position: usize) -> Option<Values> {
        self.columns.get_mut(position).and_then(Option::take)
    }
}

/// What one thread does with the row groups that it reads.
pub(in crate::inputs) trait Sink: Send {
    /// Begins a row group. Returns true when it has read the row group in a way of its own; false: its rows are to come
    /// batch by batch.
    ///
    /// # Errors
    /// What is wrong with the row group; nothing of the whole reading is used then.
    fn begin(&mut self, group: &OpenGroup<'_>) -> Result<bool, Fault> {
        let _ = group;
        Ok(false)
    }

    /// Takes the next rows of the row group that has begun.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    fn take(&mut self, batch: Batch) -> Result<(), Fault>;
}

/// Reads the footers of files of which these columns are needed, in the order of the files.
///
/// # Errors
/// Of the first file that has one.
pub(in crate::inputs) fn open<'a>(
    reader: &Arc<dyn RangeReader>,
    files: impl IntoIterator<Item = &'a Object>,
    needed: &'static [Needed],
) -> Result<Vec<ParquetFile>, FileError> {
    let objects: Vec<&Object> = files.into_iter().collect();
    let room = room_for_footers();
    let opened = for_each_file(reader.as_ref(), &objects, |object| {
        read_footer(Source::new(Arc::clone(reader), (*object).clone()), &room, needed)
    });
    // All of them, then the first error: the same one every time.
    let opened = opened.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut total = 0_u64;
    for (file, object) in opened.iter().zip(objects) {
        total = total
            .checked_add(file.rows)
            .filter(|total| *total <= MAX_ROWS)
            .ok_or_else(|| FileError::TooManyRows {
                file: object.path.clone(),
            })?;
    }
    Ok(opened)
}

/// A row group to be read.
#[derive(Clone, Copy)]
struct Task<'a> {
    /// Position of the file among those that are read.
    position: usize,
    file: &'a ParquetFile,
    group: &'a RowGroup,
}

/// Reads files, given with their positions, on all threads of rayon's pool: each thread has a sink of its own. The sinks come
/// back in no order.
///
/// # Errors
/// Of the earliest row group that has one, in the order of files and row groups: the same error every time. All row groups
/// before a failed one have been begun and are finished.
pub(in crate::inputs) fn read<S: Sink>(
    files: &[(usize, &ParquetFile)],
    new_sink: impl Fn() -> S + Sync,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<S>, FileError> {
    let tasks = files.iter().flat_map(|(position, file)| {
        file.row_groups.iter().map(|group| Task {
            position: *position,
            file,
            group,
        })
    });
    let tasks: Vec<Task<'_>> = tasks.collect();
    let ahead = read_ahead(&tasks);
    let next = AtomicUsize::new(0);
    let large_pages: Arc<LargePages> = Arc::default();
    let found = Mutex::new((Vec::new(), None::<(usize, FileError)>));
    let lock = || found.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        let mut sink = new_sink();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(at) else { break };
            let parts = ahead.as_ref().map(|ahead| ahead.begin(at));
            let bytes = GroupBytes::new(Arc::clone(&task.file.source), task.group, parts);
            let outcome = read_row_group(*task, bytes, &large_pages, &mut sink, progress);
            let mut found = lock();
            if let Err(error) = outcome
                && found.1.as_ref().is_none_or(|(earliest, _)| at < *earliest)
            {
                found.1 = Some((at, error));
            }
            if found.1.is_some() {
                return;
            }
        }
        lock().0.push(sink);
    };
    let threads = rayon::current_num_threads().min(tasks.len());
    rayon::scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work())));
    let (sinks, error) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    match error {
        Some((_, error)) => Err(error),
        None => Ok(sinks),
    }
}

/// Begins to read the row groups ahead, where the store is worth it.
fn read_ahead(tasks: &[Task<'_>]) -> Option<Ahead> {
    let limits = tasks.first()?.file.source.read_ahead()?;
    let parts = tasks.iter().map(|task| {
        let reads = Plan::new(task.group, Some(limits)).into_reads();
        (Arc::clone(&task.file.source), reads)
    });
    Some(Ahead::start(limits, parts.collect()))
}

fn read_row_group(
    task: Task<'_>,
    bytes: GroupBytes,
    large_pages: &Arc<LargePages>,
    sink: &mut impl Sink,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), FileError> {
    let Task { position, file, group } = task;
    // Which column is being decoded, for the message when the decoder panics.
    let column: Cell<Option<&'static str>> = Cell::new(None);
    let read = || -> Result<(), Fault> {
        let open = OpenGroup {
            position,
            file,
            group,
            fetched: Fetched::new(bytes, group)?,
            large_pages,
        };
        if sink.begin(&open)? {
            return Ok(());
        }
        decode(&open, sink, progress, &column)
    };
    let outcome = panics::catch(read).unwrap_or_else(|panic| {
        Err(Fault::Bad(format!(
            "it cannot be decoded, the file is corrupt: {panic}"
        )))
    });
    outcome.map_err(|fault| fault.at(file.source.path(), Some(group.ordinal), column.get()))
}

/// Decodes a row group by value, through Arrow's arrays, batch by batch.
fn decode(
    open: &OpenGroup<'_>,
    sink: &mut impl Sink,
    progress: &(dyn Fn(u64) + Sync),
    column: &Cell<Option<&'static str>>,
) -> Result<(), Fault> {
    let group = open.group;
    let turn = Turn::new(open.large_pages);
    let mut decoders = decoders(open, &turn, column)?;
    let mut done = 0;
    while done < group.rows {
        let rows = usize::try_from(group.rows - done).map_or(BATCH_ROWS, |left| left.min(BATCH_ROWS));
        let mut columns = Vec::with_capacity(decoders.len());
        for (decoder, needed) in decoders.iter_mut().zip(open.file.needed) {
            column.set(Some(needed.name));
            columns.push(decoder.as_mut().map(|decoder| decoder.next(rows)).transpose()?);
        }
        column.set(None);
        let first_row = i64::try_from(group.first_row + done + 1).map_err(|_| Fault::bad("too many rows"))?;
        sink.take(Batch {
            file: open.position,
            first_row,
            rows,
            columns,
        })?;
        let read = u64::try_from(rows).expect("usize has at most 64 bits");
        done += read;
        progress(read);
    }
    Ok(())
}

/// What decodes the needed columns of a row group, by position; None where the file does not have one.
fn decoders(
    open: &OpenGroup<'_>,
    turn: &Arc<Turn>,
    column: &Cell<Option<&'static str>>,
) -> Result<Vec<Option<ColumnDecoder>>, Fault> {
    let mut decoders = Vec::with_capacity(open.file.columns.len());
    for (at, (found, needed)) in open.file.columns.iter().zip(open.file.needed).enumerate() {
        let fault = FaultSlot::default();
        let pages = open.fetched.pages(at, turn, Arc::clone(&fault));
        let (Some(found), Some(pages)) = (found, pages) else {
            decoders.push(None);
            continue;
        };
        column.set(Some(needed.name));
        decoders.push(Some(ColumnDecoder::new(found, open.group.rows, pages, fault)?));
    }
    column.set(None);
    Ok(decoders)
}
