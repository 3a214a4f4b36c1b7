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
pub(in crate::inputs) const SHARDS: usize = 64;
/// Entries that a thread gathers for a shard before it takes the shard's lock.
const BUFFERED: usize = 256;
/// Entries that memory is taken for at a time, and given back.
const CHUNK: usize = 1_024;

/// What is held.
pub(in crate::inputs) trait Entry: Copy + Send + Ord {
    /// Takes the next one in order into this one, if it is of the same.
    fn absorb(&mut self, next: &Self) -> bool;
}

/// Entries of one pass.
pub(in crate::inputs) struct Shards<E> {
    shards: Vec<Mutex<Shard<E>>>,
    /// Shards before it have been read by earlier passes.
    begin: usize,
    /// Shards from here on are left to later passes.
    end: AtomicUsize,
    /// Chunks that all shards have taken.
    held: AtomicUsize,
    /// How many they may take.
    budget: usize,
    spare: Mutex<Spare<E>>,
}

/// Entries in chunks of one size: growing copies nothing, and what one shard gives back suits every other.
struct Shard<E> {
    /// All but the last are full.
    chunks: Vec<Vec<E>>,
    /// How many entries there were when equal ones were last put together.
    compacted: usize,
}

/// Memory to be used again.
struct Spare<E> {
    chunks: Vec<Vec<E>>,
    /// In which a shard's entries are sorted.
    rooms: Vec<Vec<E>>,
}

impl<E: Entry> Shards<E> {
    /// For a pass over these shards, or as many of them as fit into `budget` bytes; at least one.
    pub(in crate::inputs) fn new(range: Range<usize>, budget: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::empty())).collect(),
            begin: range.start,
            end: AtomicUsize::new(range.end),
            held: AtomicUsize::new(0),
            budget: budget / (CHUNK * size_of::<E>()),
            spare: Mutex::new(Spare {
                chunks: Vec::new(),
                rooms: Vec::new(),
            }),
        }
    }

    /// The shards that this pass is for, as of now.
    pub(in crate::inputs) fn range(&self) -> Range<usize> {
        self.begin..self.end.load(Ordering::SeqCst)
    }

    fn lock(&self, shard: usize) -> Option<MutexGuard<'_, Shard<E>>> {
        let shard = self.shards.get(shard)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn spare(&self) -> MutexGuard<'_, Spare<E>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, at: usize, entries: &mut Vec<E>) {
        // One that has been given up stays empty.
        if let Some(mut shard) = self.lock(at).filter(|_| self.range().contains(&at)) {
            if shard.is_to_be_compacted(entries.len()) {
                let sorted = self.take_sorted(&mut shard);
                self.refill(&mut shard, &sorted);
                self.spare().rooms.push(sorted);
            }
            self.extend(&mut shard, entries);
        }
        entries.clear();
        while self.held.load(Ordering::SeqCst) > self.budget && self.give_up_last() {}
    }

    fn extend(&self, shard: &mut Shard<E>, entries: &[E]) {
        let mut rest = entries;
        while !rest.is_empty() {
            if shard.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
                let spare = self.spare().chunks.pop();
                shard.chunks.push(spare.unwrap_or_else(|| Vec::with_capacity(CHUNK)));
                self.held.fetch_add(1, Ordering::SeqCst);
            }
            let Some(chunk) = shard.chunks.last_mut() else { return };
            let (fitting, others) = rest.split_at(rest.len().min(CHUNK - chunk.len()));
            chunk.extend_from_slice(fitting);
            rest = others;
        }
    }

    /// A shard's entries, sorted and one of a kind. What it had stays in it until it is refilled.
    fn take_sorted(&self, shard: &mut Shard<E>) -> Vec<E> {
        let mut sorted = self.spare().rooms.pop().unwrap_or_default();
        sorted.clear();
        // Rooms of few sizes: one that nearly fits is not left for another.
        sorted.reserve_exact(shard.entries().next_power_of_two());
        shard.chunks.iter().for_each(|chunk| sorted.extend_from_slice(chunk));
        sorted.sort_unstable();
        sorted.dedup_by(|next, kept| kept.absorb(next));
        sorted
    }

    /// Puts entries into a shard in the place of what it had, and gives back the chunks that are left over.
    fn refill(&self, shard: &mut Shard<E>, entries: &[E]) {
        shard.chunks.iter_mut().for_each(Vec::clear);
        self.held.fetch_sub(shard.chunks.len(), Ordering::SeqCst);
        self.spare().chunks.append(&mut shard.chunks);
        self.extend(shard, entries);
        shard.compacted = entries.len();
    }

    /// Gives up the last shard. False when there is only one left.
    fn give_up_last(&self) -> bool {
        let last = self.end.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |end| {
            (end > self.begin + 1).then(|| end - 1)
        });
        let Some(mut shard) = last.ok().and_then(|end| self.lock(end - 1)) else {
            return false;
        };
        self.refill(&mut shard, &[]);
        true
    }

    /// Looks at each shard's entries, sorted and one of a kind; those that `each` returns stay.
    pub(in crate::inputs) fn drain<T: Send>(&self, each: impl Fn(&[E]) -> (T, Vec<E>) + Sync) -> Vec<T> {
        self.range()
            .into_par_iter()
            .filter_map(|at| {
                let mut shard = self.lock(at)?;
                let sorted = self.take_sorted(&mut shard);
                let (result, stay) = each(&sorted);
                self.refill(&mut shard, &stay);
                self.spare().rooms.push(sorted);
                Some(result)
            })
            .collect()
    }
}

impl<E> Shard<E> {
    fn empty() -> Self {
        Self {
            chunks: Vec::new(),
            compacted: 0,
        }
    }

    fn entries(&self) -> usize {
        let last = self.chunks.last().map_or(0, Vec::len);
        self.chunks.len().saturating_sub(1) * CHUNK + last
    }

    /// Whether equal entries are to be put together before some more come: where they do not fit, and there are twice as many as
    /// the last time.
    fn is_to_be_compacted(&self, more: usize) -> bool {
        let entries = self.entries();
        let is_full = entries + more > self.chunks.len() * CHUNK;
        is_full && entries >= CHUNK.max(self.compacted.saturating_mul(2))
    }
}

/// Gathers one thread's entries shard by shard.
pub(in crate::inputs) struct Buffers<'a, E: Entry> {
    shards: &'a Shards<E>,
    buffers: Vec<Vec<E>>,
}

impl<'a, E: Entry> Buffers<'a, E> {
    pub(in crate::inputs) fn new(shards: &'a Shards<E>) -> Self {
        Self {
            shards,
            buffers: (0..SHARDS).map(|_| Vec::new()).collect(),
        }
    }

    /// The shard of a hash, if this pass is for it. Entries that are looked at together have the same hash.
    pub(in crate::inputs) fn shard(&self, hash: u64) -> Option<usize> {
        // 64 shards: the upper six bits.
        let at = usize::try_from(hash >> 58).expect("six bits");
        self.shards.range().contains(&at).then_some(at)
    }

    /// Adds an entry of a shard.
    pub(in crate::inputs) fn push(&mut self, at: usize, entry: E) {
        if let Some(buffer) = self.buffers.get_mut(at) {
            buffer.push(entry);
            if buffer.len() >= BUFFERED {
                self.shards.add(at, buffer);
            }
        }
    }

    /// Hands over what is left.
    pub(in crate::inputs) fn flush(&mut self) {
        for (at, buffer) in self.buffers.iter_mut().enumerate() {
            if !buffer.is_empty() {
                self.shards.add(at, buffer);
            }
        }
    }
}

/// Spreads a number over 64 bits (the finalizer of splitmix64).
pub(in crate::inputs) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
