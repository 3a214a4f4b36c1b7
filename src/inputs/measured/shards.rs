//! Entries that have to be told apart, in bounded memory whatever their number.
//!
//! Entries are spread over shards by a hash of what belongs together. When all shards together hold too much, the last ones
//! are given up for this pass over the files, and a later pass reads for them again. So results are exact, and memory is bounded
//! at the price of passes.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

/// How many shards there are: memory is given up in steps of this part.
pub(super) const SHARDS: usize = 64;
/// Entries that a thread gathers for a shard before it takes the shard's lock.
const BUFFERED: usize = 256;
/// A shard of fewer entries than this is not compacted.
const COMPACTED_FROM: usize = 1_024;

/// What is held.
pub(super) trait Entry: Copy + Send + Ord {
    /// Spreads entries over shards; entries that are looked at together have the same.
    fn hash(&self) -> u64;
    /// Takes the next one in order into this one, if it is of the same.
    fn absorb(&mut self, next: &Self) -> bool;
}

/// Entries of one pass.
pub(super) struct Shards<E> {
    shards: Vec<Mutex<Shard<E>>>,
    /// Shards before it have been read by earlier passes.
    begin: usize,
    /// Shards from here on are left to later passes.
    end: AtomicUsize,
    /// Bytes that all shards have taken.
    held: AtomicUsize,
    /// How many they may take.
    budget: usize,
}

struct Shard<E> {
    entries: Vec<E>,
    /// How many there were when equal ones were last put together.
    compacted: usize,
}

impl<E: Entry> Shards<E> {
    /// For a pass over these shards, or as many of them as fit into `budget` bytes; at least one.
    pub(super) fn new(range: Range<usize>, budget: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::empty())).collect(),
            begin: range.start,
            end: AtomicUsize::new(range.end),
            held: AtomicUsize::new(0),
            budget,
        }
    }

    /// The shards that this pass is for, as of now.
    pub(super) fn range(&self) -> Range<usize> {
        self.begin..self.end.load(Ordering::SeqCst)
    }

    fn lock(&self, shard: usize) -> Option<MutexGuard<'_, Shard<E>>> {
        let shard = self.shards.get(shard)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, at: usize, entries: &mut Vec<E>) {
        if let Some(mut shard) = self.lock(at) {
            // One that has been given up stays empty.
            if self.range().contains(&at) {
                let grown = shard.make_room(entries.len());
                self.held.fetch_add(grown, Ordering::SeqCst);
                shard.entries.extend_from_slice(entries);
            }
        }
        entries.clear();
        while self.held.load(Ordering::SeqCst) > self.budget && self.give_up_last() {}
    }

    /// Gives up the last shard. False when there is only one left.
    fn give_up_last(&self) -> bool {
        let last = self.end.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |end| {
            (end > self.begin + 1).then(|| end - 1)
        });
        let Some(mut shard) = last.ok().and_then(|end| self.lock(end - 1)) else {
            return false;
        };
        let freed = std::mem::replace(&mut *shard, Shard::empty());
        self.held.fetch_sub(freed.bytes(), Ordering::SeqCst);
        true
    }

    /// Looks at each shard's entries, sorted and one of a kind; those that `each` returns stay.
    pub(super) fn drain<T: Send>(&self, each: impl Fn(&[E]) -> (T, Vec<E>) + Sync) -> Vec<T> {
        self.range()
            .into_par_iter()
            .filter_map(|at| {
                let mut shard = self.lock(at)?;
                shard.compact();
                let (result, stay) = each(&shard.entries);
                // What a day needs the next will: the room is kept.
                shard.entries.clear();
                let grown = shard.make_room(stay.len());
                self.held.fetch_add(grown, Ordering::SeqCst);
                shard.entries.extend_from_slice(&stay);
                shard.compacted = stay.len();
                Some(result)
            })
            .collect()
    }
}

impl<E: Entry> Shard<E> {
    fn empty() -> Self {
        Self {
            entries: Vec::new(),
            compacted: 0,
        }
    }

    fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<E>()
    }

    /// Makes room for some more entries: by putting equal ones together, where there are twice as many as the last time,
    /// else by growing by a quarter. How many bytes it has grown.
    fn make_room(&mut self, more: usize) -> usize {
        let before = self.bytes();
        let is_full = |entries: &Vec<E>| entries.capacity() - entries.len() < more;
        if is_full(&self.entries) && self.entries.len() >= COMPACTED_FROM.max(self.compacted.saturating_mul(2)) {
            self.compact();
        }
        if is_full(&self.entries) {
            let wanted = self.entries.len() + more;
            let room = (wanted + wanted / 4).max(COMPACTED_FROM);
            self.entries.reserve_exact(room - self.entries.len());
        }
        self.bytes() - before
    }

    fn compact(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup_by(|next, kept| kept.absorb(next));
        self.compacted = self.entries.len();
    }
}

/// Gathers one thread's entries shard by shard.
pub(super) struct Buffers<'a, E: Entry> {
    shards: &'a Shards<E>,
    buffers: Vec<Vec<E>>,
}

impl<'a, E: Entry> Buffers<'a, E> {
    pub(super) fn new(shards: &'a Shards<E>) -> Self {
        Self {
            shards,
            buffers: (0..SHARDS).map(|_| Vec::new()).collect(),
        }
    }

    pub(super) fn push(&mut self, entry: E) {
        // 64 shards: the upper six bits.
        let at = usize::try_from(entry.hash() >> 58).expect("six bits");
        if !self.shards.range().contains(&at) {
            return;
        }
        if let Some(buffer) = self.buffers.get_mut(at) {
            buffer.push(entry);
            if buffer.len() >= BUFFERED {
                self.shards.add(at, buffer);
            }
        }
    }

    /// Hands over what is left.
    pub(super) fn flush(&mut self) {
        for (at, buffer) in self.buffers.iter_mut().enumerate() {
            if !buffer.is_empty() {
                self.shards.add(at, buffer);
            }
        }
    }
}

/// Spreads a number over 64 bits (the finalizer of splitmix64).
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
