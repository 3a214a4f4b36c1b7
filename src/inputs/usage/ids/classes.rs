//! A column whose values are replaced by what they are worth.

use super::cursor::{Cursor, Opened, Presence, split_string};
use super::values::Worth;
use super::{BLOCK_ROWS, Stop};

/// No value is worth this.
const NOT_THERE: u32 = u32::MAX;

/// A place in such a column.
pub(super) struct Classes<W> {
    cursor: Cursor,
    worth: W,
    /// What each entry of the dictionary is worth.
    entries: Vec<u32>,
    /// What all of them are worth, when rows need not be decoded for that.
    constant: Option<u32>,
    strings: bool,
    ints: Vec<i64>,
    levels: Vec<u32>,
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
            constant: None,
            strings,
            ints: vec![0; BLOCK_ROWS],
            levels: vec![0; BLOCK_ROWS],
        }
    }

    /// The page buffer, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.cursor.into_buffer()
    }

    /// The worth that repeats from here on, and for how many rows it does at least; None when it may not.
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
                    None => None,
                },
            },
        })
    }

    /// Passes over rows that [`repeated`](Self::repeated) told of.
    pub(super) fn pass(&mut self, rows: usize) -> Result<(), Stop> {
        let (presence, _) = self.cursor.presence()?;
        let undecoded = self.constant.is_some() && self.cursor.has_indices();
        if presence == Presence::All && !undecoded {
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

    fn fill_mixed(&mut self, out: &mut [u32]) -> Result<(), Stop> {
        let mut levels = std::mem::take(&mut self.levels);
        let (here, _) = levels.split_at_mut(out.len());
        self.cursor.levels(here)?;
        let there = here.iter().filter(|level| **level == 1).count();
        self.fill_present(&mut out[..there])?;
        if there < out.len() {
            // Backwards, so that no value is overwritten before it has been moved.
            let null = self.worth.of_null()?;
            let mut from = there;
            for row in (0..out.len()).rev() {
                from -= usize::from(here[row] == 1);
                out[row] = if here[row] == 1 { out[from] } else { null };
            }
        }
        self.levels = levels;
        Ok(())
    }

    fn fill_present(&mut self, out: &mut [u32]) -> Result<(), Stop> {
        if self.cursor.has_indices() {
            if let Some(worth) = self.constant {
                out.fill(worth);
                return Ok(());
            }
            self.cursor.indices(out)?;
            let mut seen = 0;
            for value in out.iter_mut() {
                *value = entry(&self.entries, *value);
                seen |= *value;
            }
            // Only `NOT_THERE` has the highest bit.
            return if seen >> 31 == 0 { Ok(()) } else { Err(Stop::GiveUp) };
        }
        if self.strings {
            for value in out.iter_mut() {
                *value = self.worth.of_string(self.cursor.string()?)?;
            }
            return Ok(());
        }
        let ints = &mut self.ints[..out.len()];
        self.cursor.ints(ints)?;
        self.worth.of_ints(ints, out)
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
            let stored = count.checked_mul(width.bytes()).and_then(|length| self.cursor.bytes().get(..length));
            let stored = stored.ok_or(Stop::GiveUp)?;
            let mut ints = vec![0; count];
            width.read(stored, ints.iter_mut());
            self.entries.resize(count, NOT_THERE);
            self.worth.of_ints(&ints, &mut self.entries)?;
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
    usize::try_from(index)
        .ok()
        .and_then(|index| entries.get(index))
        .copied()
        .unwrap_or(NOT_THERE)
}
