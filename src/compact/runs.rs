//! Rows in any order -> sorted runs. One chunk is sorted and written while the next one is read.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::row::Rows;
use rayon::prelude::*;

use super::error::{CompactError, Halt};
use super::order::{Order, prefix};
use super::spill::{Run, RunWriter, Scratch};

/// What a run may take at most is so many times a chunk: one chunk is read, one waits, one is sorted, whose keys and
/// their order take as much again.
const CHUNKS_AT_ONCE: usize = 5;
/// Rows gathered at a time from a sorted chunk.
const GATHER_ROWS: usize = 8_192;

/// Takes rows and makes runs of them.
pub(super) struct RunMaker<'scope> {
    batches: Vec<RecordBatch>,
    bytes: usize,
    chunk_bytes: usize,
    sender: SyncSender<Vec<RecordBatch>>,
    thread: ScopedJoinHandle<'scope, Result<Vec<Run>, CompactError>>,
}

impl<'scope> RunMaker<'scope> {
    pub(super) fn spawn<'env>(
        scope: &'scope Scope<'scope, 'env>,
        scratch: &'env Scratch,
        schema: SchemaRef,
        memory: usize,
    ) -> Self {
        let (sender, receiver) = sync_channel(0);
        Self {
            batches: Vec::new(),
            bytes: 0,
            chunk_bytes: memory / CHUNKS_AT_ONCE,
            sender,
            thread: scope.spawn(move || make_runs(scratch, &schema, &receiver)),
        }
    }

    /// Adds rows; [`Halt::HungUp`] when a run could not be written: [`RunMaker::finish`] says why.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<(), Halt> {
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        if self.bytes < self.chunk_bytes {
            Ok(())
        } else {
            self.flush()
        }
    }

    fn flush(&mut self) -> Result<(), Halt> {
        self.bytes = 0;
        self.sender
            .send(std::mem::take(&mut self.batches))
            .map_err(|_| Halt::HungUp)
    }

    /// The runs, in the order in which their rows came.
    pub(super) fn finish(mut self) -> Result<Vec<Run>, CompactError> {
        if !self.batches.is_empty() {
            // The thread's own error comes with the join.
            let _ = self.flush();
        }
        drop(self.sender);
        self.thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn make_runs(
    scratch: &Scratch,
    schema: &SchemaRef,
    chunks: &Receiver<Vec<RecordBatch>>,
) -> Result<Vec<Run>, CompactError> {
    let order = Order::new(schema);
    let mut runs = Vec::new();
    while let Ok(batches) = chunks.recv() {
        let sorted = sort(&order, &batches);
        let mut writer = RunWriter::create(scratch, schema)?;
        let all: Vec<&RecordBatch> = batches.iter().collect();
        for rows in sorted.chunks(GATHER_ROWS) {
            writer.write(&gather(&all, rows))?;
        }
        runs.push(writer.finish()?);
    }
    Ok(runs)
}

/// Where the rows of some batches are, as (batch, row), in order; rows of one key as they came.
fn sort(order: &Order, batches: &[RecordBatch]) -> Vec<(usize, usize)> {
    let keys: Vec<Rows> = batches.par_iter().map(|batch| order.keys(batch)).collect();
    let mut entries: Vec<(u128, u32, u32)> = Vec::with_capacity(keys.iter().map(Rows::num_rows).sum());
    for (batch, rows) in (0..).zip(&keys) {
        entries.extend(rows.iter().zip(0..).map(|(key, row)| (prefix(key), batch, row)));
    }
    let key = |batch: u32, row: u32| keys.get(index(batch)).map(|rows| rows.row(index(row)));
    entries.par_sort_unstable_by(|a, b| {
        a.0.cmp(&b.0)
            .then_with(|| key(a.1, a.2).cmp(&key(b.1, b.2)))
            .then_with(|| (a.1, a.2).cmp(&(b.1, b.2)))
    });
    entries
        .into_iter()
        .map(|(_, batch, row)| (index(batch), index(row)))
        .collect()
}

/// Rows of some batches as one.
pub(super) fn gather(batches: &[&RecordBatch], rows: &[(usize, usize)]) -> RecordBatch {
    interleave_record_batch(batches, rows).expect("positions are within batches of one schema")
}

fn index(position: u32) -> usize {
    usize::try_from(position).expect("usize has at least 32 bits")
}
