//! A column whose values are replaced by what they are worth.

use super::cursor::{Cursor, Opened, Presence};
use super::hybrid::Bits;
use super::plain::split_string;
use super::stop::{BLOCK_ROWS, Stop};
use super::values::Worth;
use super::vector::{look_up, spread};
use crate::inputs::parquet::chunk::to_usize;

/// No value is worth this.
const NOT_THERE: u32 = u32::MAX;
/// Values looked at ahead, at most.
const MOST_AHEAD: usize = 16 << 10;
/// Values decoded where the next ones are not all worth the same.
const AT_ONCE: usize = 32;
/// Bits of an index into a dictionary that is small.
const SMALL_BITS: usize = 4;

/// A place in such a column.
pub(super) struct Classes<W> {
    cursor: Cursor,
    worth: W,
    /// What each entry of the dictionary is worth.
    entries: Vec<u32>,
    /// The first of them, filled up with [`NOT_THERE`].
    small: [u32; 1 << SMALL_BITS],
    /// What all of them are worth, when rows need not be decoded for that.
    constant: Option<u32>,
    strings: bool,
    ints: Vec<i64>,
    /// What the next values are worth, and how many of them the cursor has passed over already.
    ahead: (u32, usize),
    levels: Bits,
    /// Values of a block with nulls, before they are spread out.
    present: Vec<u32>,
    /// The index of what rows mostly have, as far as is known.
    usual: u32,
    dense: Vec<u32>,
}

/// What rows of a block are worth, where it is mostly the same.
#[derive(Default)]
pub(super) struct Sparse {
    /// What rows are worth that are not among the others.
    pub usual: u32,
    /// Rows by position, in order, and what they are worth.
    pub others: Vec<(usize, u32)>,
}

impl<W: Worth> Classes<W> {
    /// A column of integers, before the first row.
    pub(super) fn of_ints(cursor: Cursor, worth: W) -> Self {
        Self::new(cursor, worth, false)
    }

    /// A column of strings, before the first row.
    pub(super) fn of_strings(cursor: Cursor, worth: W) -> Self {
        Self::new(cursor, worth, true)
    }

    fn new(cursor: Cursor, worth: W, strings: bool) -> Self {
        Self {
            cursor,
            worth,
            entries: Vec::new(),
            small: [NOT_THERE; 1 << SMALL_BITS],
            constant: None,
            strings,
            ints: vec![0; BLOCK_ROWS],
            ahead: (0, 0),
            levels: Bits::default(),
            present: vec![0; BLOCK_ROWS],
            usual: 0,
            dense: Vec::new(),
        }
    }

    /// Makes sure that nothing follows the last row.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        self.cursor.end()
    }

    /// The page buffer, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.cursor.into_buffer()
    }

    /// The worth of the rows that come next, and the least number of rows that have it. None when the next rows may differ from
    /// one another.
    pub(super) fn repeated(&mut self) -> Result<Option<(u32, usize)>, Stop> {
        self.ready()?;
        let (presence, rows) = self.cursor.presence()?;
        Ok(match presence {
            Presence::None => Some((self.worth.of_null()?, rows)),
            Presence::Mixed => None,
            Presence::All => match self.constant.filter(|_| self.cursor.has_indices()) {
                Some(worth) => Some((worth, rows)),
                None => match self.cursor.repeated_index()? {
                    Some((index, times)) => Some((self.entry(index)?, rows.min(times))),
                    None => {
                        self.look_ahead(rows.min(MOST_AHEAD))?;
                        Some(self.ahead).filter(|(_, times)| *times > 0)
                    }
                },
            },
        })
    }

    /// Finds out, where values are stored as deltas, whether the next `count` or the first of them are worth the same.
    fn look_ahead(&mut self, count: usize) -> Result<(), Stop> {
        if W::CONSTANT_UNSEEN
            && self.ahead.1 == 0
            && let Some(next) = self.cursor.peek_delta()?
        {
            let worth = self.worth.of_int(next)?;
            if let Some(range) = self.worth.alike(next) {
                self.ahead = (worth, self.cursor.pass_within(range, count)?);
            }
        }
        Ok(())
    }

    /// Passes over rows that [`repeated`](Self::repeated) told of.
    pub(super) fn pass(&mut self, rows: usize) -> Result<(), Stop> {
        let (presence, _) = self.cursor.presence()?;
        let undecoded = self.constant.is_some() && self.cursor.has_indices();
        if presence == Presence::All && self.ahead.1 > 0 {
            self.ahead.1 -= rows;
        } else if presence == Presence::All && !undecoded {
            self.cursor.pass_indices(rows);
        }
        self.cursor.pass(rows);
        Ok(())
    }

    /// What the next rows are worth, at most [`BLOCK_ROWS`].
    pub(super) fn fill(&mut self, mut out: &mut [u32]) -> Result<(), Stop> {
        while !out.is_empty() {
            self.ready()?;
            let (presence, rows) = self.cursor.presence()?;
            let (now, later) = out.split_at_mut(out.len().min(rows));
            match presence {
                Presence::All => {
                    self.fill_present(now)?;
                    self.cursor.pass(now.len());
                }
                Presence::None => {
                    now.fill(self.worth.of_null()?);
                    self.cursor.pass(now.len());
                }
                Presence::Mixed => self.fill_mixed(now)?,
            }
            out = later;
        }
        Ok(())
    }

    /// What the next rows are worth: mostly the same.
    pub(super) fn fill_sparse(&mut self, rows: usize, out: &mut Sparse) -> Result<(), Stop> {
        out.others.clear();
        self.ready()?;
        let index = self.usual;
        let usual = self.entries.get(to_usize(index)).copied();
        let mut done = 0;
        while done < rows {
            self.ready()?;
            let (presence, left) = self.cursor.presence()?;
            let now = left.min(rows - done);
            if presence == Presence::All && self.cursor.has_indices() && usual.is_some() {
                let before = out.others.len();
                self.cursor.find_others((done, now), index, &mut out.others)?;
                self.cursor.pass(now);
                // The next block may be luckier.
                if let Some((_, other)) = out.others.last().filter(|_| out.others.len() - before > now / 2) {
                    self.usual = *other;
                }
                for (_, value) in &mut out.others[before..] {
                    *value = self.entry(*value)?;
                }
            } else {
                let mut dense = std::mem::take(&mut self.dense);
                dense.resize(BLOCK_ROWS, 0);
                let filled = self.fill(&mut dense[..now]);
                out.others.extend((done..).zip(dense[..now].iter().copied()));
                self.dense = dense;
                filled?;
            }
            done += now;
        }
        out.usual = usual.unwrap_or(0);
        Ok(())
    }

    fn fill_mixed(&mut self, out: &mut [u32]) -> Result<(), Stop> {
        self.cursor.levels(out.len(), &mut self.levels)?;
        let there = self.levels.ones();
        if there == out.len() {
            return self.fill_present(out);
        }
        let null = self.worth.of_null()?;
        let mut present = std::mem::take(&mut self.present);
        let filled = self.fill_present(&mut present[..there]);
        self.present = present;
        filled?;
        spread(self.levels.words(), &self.present, null, out);
        Ok(())
    }

    fn fill_present(&mut self, mut out: &mut [u32]) -> Result<(), Stop> {
        while W::CONSTANT_UNSEEN && !out.is_empty() && self.cursor.has_deltas() {
            self.look_ahead(out.len())?;
            let (worth, times) = self.ahead;
            let (now, later) = out.split_at_mut(out.len().min(if times > 0 { times } else { AT_ONCE }));
            if times > 0 {
                now.fill(worth);
                self.ahead.1 -= now.len();
            } else {
                self.fill_ints(now)?;
            }
            out = later;
        }
        if self.cursor.has_indices() {
            if let Some(worth) = self.constant {
                out.fill(worth);
                return Ok(());
            }
            self.cursor.indices(out)?;
            return self.look_up(out);
        }
        if self.strings {
            for value in out.iter_mut() {
                *value = self.worth.of_string(self.cursor.string()?)?;
            }
            return Ok(());
        }
        self.fill_ints(out)
    }

    fn fill_ints(&mut self, out: &mut [u32]) -> Result<(), Stop> {
        let ints = &mut self.ints[..out.len()];
        self.cursor.ints(ints)?;
        self.worth.of_ints(ints, out)
    }

    /// Replaces indices by what the entries are worth.
    fn look_up(&self, indices: &mut [u32]) -> Result<(), Stop> {
        let seen = if self.cursor.index_bits() <= SMALL_BITS {
            look_up(&self.small, indices)
        } else {
            let mut seen = 0;
            for index in indices {
                *index = entry(&self.entries, *index);
                seen |= *index;
            }
            seen
        };
        // Only `NOT_THERE` has the highest bit.
        if seen >> 31 == 0 { Ok(()) } else { Err(Stop::GiveUp) }
    }

    fn entry(&self, index: u32) -> Result<u32, Stop> {
        match entry(&self.entries, index) {
            NOT_THERE => Err(Stop::GiveUp),
            worth => Ok(worth),
        }
    }

    /// Opens pages until one has rows.
    fn ready(&mut self) -> Result<(), Stop> {
        while self.cursor.rows_left() == 0 {
            if let Opened::Dictionary(count) = self.cursor.open()? {
                self.take_dictionary(count)?;
            }
        }
        Ok(())
    }

    fn take_dictionary(&mut self, count: usize) -> Result<(), Stop> {
        if self.strings {
            let mut rest = self.cursor.bytes();
            for _ in 0..count {
                let (string, after) = split_string(rest)?;
                self.entries.push(self.worth.of_string(string)?);
                rest = after;
            }
        } else {
            let width = self.cursor.int_bytes()?;
            let stored = count
                .checked_mul(width.bytes())
                .and_then(|length| self.cursor.bytes().get(..length));
            let stored = stored.ok_or(Stop::GiveUp)?;
            let mut ints = vec![0; count];
            width.read(stored, ints.iter_mut());
            self.entries.resize(count, NOT_THERE);
            self.worth.of_ints(&ints, &mut self.entries)?;
        }
        for (small, entry) in self.small.iter_mut().zip(&self.entries) {
            *small = *entry;
        }
        if W::CONSTANT_UNSEEN
            && let Some(first) = self.entries.first()
            && self.entries.iter().all(|worth| worth == first)
        {
            self.constant = Some(*first);
        }
        Ok(())
    }
}

fn entry(entries: &[u32], index: u32) -> u32 {
    entries.get(to_usize(index)).copied().unwrap_or(NOT_THERE)
}
