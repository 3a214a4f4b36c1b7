//! Sorted runs -> rows in order, in batches of a fixed size.

use std::cmp::Ordering;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::row::Rows;

use super::error::{CompactError, Halt};
use super::order::Order;
use super::runs::gather;
use super::spill::{Run, RunReader, RunWriter, Scratch};

/// Runs that are merged at a time: each holds one batch and the page of each column that it is from.
const FAN_IN: usize = 64;
/// Rows handed over at a time. The bytes that a Parquet writer makes depend on it, so it is fixed.
const CUT_ROWS: usize = 16_384;

/// Merges runs; rows of one key in the order of the runs. `each` gets the rows in batches of [`CUT_ROWS`].
pub(super) fn merge(
    mut runs: Vec<Run>,
    schema: &SchemaRef,
    scratch: &Scratch,
    each: impl FnMut(RecordBatch) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let order = Order::new(schema);
    while runs.len() > FAN_IN {
        let mut fewer = Vec::with_capacity(runs.len().div_ceil(FAN_IN));
        let mut rest = runs.into_iter().peekable();
        while rest.peek().is_some() {
            let some: Vec<Run> = rest.by_ref().take(FAN_IN).collect();
            let mut writer = RunWriter::create(scratch, schema)?;
            merge_some(&some, &order, |batch| Ok(writer.write(&batch)?))?;
            fewer.push(writer.finish()?);
        }
        runs = fewer;
    }
    merge_some(&runs, &order, each)
}

/// The next rows of a run.
struct Cursor<'a> {
    reader: RunReader<'a>,
    keys: Rows,
    /// The row that is next, and where its batch is in [`Merge::batches`].
    row: usize,
    slot: usize,
}

struct Merge<'a, F> {
    order: &'a Order,
    cursors: Vec<Cursor<'a>>,
    /// Cursors by their next row: a binary heap, the least one first.
    heap: Vec<usize>,
    /// What `rows` refer to.
    batches: Vec<RecordBatch>,
    rows: Vec<(usize, usize)>,
    each: F,
}

fn merge_some<'a>(
    runs: &'a [Run],
    order: &'a Order,
    each: impl FnMut(RecordBatch) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let mut merge = Merge {
        order,
        cursors: Vec::with_capacity(runs.len()),
        heap: Vec::new(),
        batches: Vec::new(),
        rows: Vec::with_capacity(CUT_ROWS),
        each,
    };
    for run in runs {
        let mut reader = run.open()?;
        if let Some(batch) = reader.next()? {
            merge.heap.push(merge.cursors.len());
            merge.cursors.push(Cursor {
                reader,
                keys: order.keys(&batch),
                row: 0,
                slot: merge.batches.len(),
            });
            merge.batches.push(batch);
        }
    }
    merge.run()
}

impl<F: FnMut(RecordBatch) -> Result<(), Halt>> Merge<'_, F> {
    fn run(mut self) -> Result<(), Halt> {
        (0..self.heap.len() / 2).rev().for_each(|at| self.sift_down(at));
        while let Some(first) = self.heap.first().copied() {
            // Rows of one run mostly follow each other: the heap is touched when another one's turn has come.
            let second = self.least_child(0).map(|at| self.heap[at]);
            loop {
                let cursor = &mut self.cursors[first];
                self.rows.push((cursor.slot, cursor.row));
                cursor.row += 1;
                let is_spent = cursor.row == cursor.keys.num_rows();
                if self.rows.len() == CUT_ROWS {
                    self.hand_over()?;
                }
                if is_spent && !self.refill(first)? {
                    let last = self.heap.pop();
                    if let (Some(top), Some(last)) = (self.heap.first_mut(), last) {
                        *top = last;
                    }
                    break;
                }
                if second.is_some_and(|second| self.compare(second, first) == Ordering::Less) {
                    break;
                }
            }
            self.sift_down(0);
        }
        self.hand_over()
    }

    /// Gives a cursor its run's next batch. False when there is none.
    fn refill(&mut self, at: usize) -> Result<bool, CompactError> {
        let cursor = &mut self.cursors[at];
        let Some(batch) = cursor.reader.next()? else {
            return Ok(false);
        };
        cursor.keys = self.order.keys(&batch);
        cursor.row = 0;
        cursor.slot = self.batches.len();
        self.batches.push(batch);
        Ok(true)
    }

    /// Hands over the rows so far, and keeps only the batches that have more.
    fn hand_over(&mut self) -> Result<(), Halt> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let cut = gather(&batches, &self.rows);
        self.rows.clear();
        let mut kept = Vec::with_capacity(self.cursors.len());
        for at in &self.heap {
            let cursor = &mut self.cursors[*at];
            kept.push(self.batches[cursor.slot].clone());
            cursor.slot = kept.len() - 1;
        }
        self.batches = kept;
        (self.each)(cut)
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let key = |at: usize| {
            let cursor = &self.cursors[at];
            (cursor.keys.row(cursor.row), at)
        };
        key(a).cmp(&key(b))
    }

    fn least_child(&self, at: usize) -> Option<usize> {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        if left >= self.heap.len() {
            return None;
        }
        let right_is_less =
            right < self.heap.len() && self.compare(self.heap[right], self.heap[left]) == Ordering::Less;
        Some(if right_is_less { right } else { left })
    }

    fn sift_down(&mut self, mut at: usize) {
        while let Some(child) = self.least_child(at) {
            if self.compare(self.heap[child], self.heap[at]) != Ordering::Less {
                return;
            }
            self.heap.swap(at, child);
            at = child;
        }
    }
}
