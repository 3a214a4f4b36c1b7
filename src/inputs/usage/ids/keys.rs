//! A column of which the distinct values are counted apart: rows become ids.

use hashbrown::HashMap;

use super::cursor::{Cursor, Opened, Presence};
use super::hybrid::Bits;
use super::stop::{BLOCK_ROWS, MAX_DISTINCT, Stop};
use super::values::Worth;
use super::vector::largest;

/// A place in such a column. Nulls make the row group be given up.
pub(super) struct Keys<W> {
    cursor: Cursor,
    worth: W,
    /// What each id is worth: first the entries of the dictionary, then values met outside of it.
    entries: Vec<u32>,
    dictionary: Vec<i64>,
    /// The ids of values met outside of the dictionary, and of the dictionary's own once there is such a value.
    ids: HashMap<i64, u32>,
    ints: Vec<i64>,
    levels: Bits,
}

impl<W: Worth> Keys<W> {
    /// Before the first row.
    pub(super) fn new(cursor: Cursor, worth: W) -> Self {
        Self {
            cursor,
            worth,
            entries: Vec::new(),
            dictionary: Vec::new(),
            ids: HashMap::new(),
            ints: vec![0; BLOCK_ROWS],
            levels: Bits::default(),
        }
    }

    /// What each id is worth.
    pub(super) fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// What finds that out.
    pub(super) fn worth(&self) -> &W {
        &self.worth
    }

    /// Makes sure that nothing follows the last row.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        self.cursor.end()
    }

    /// The page buffer, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.cursor.into_buffer()
    }

    /// The id that repeats from here on, and for how many rows it does at least; None when it may not.
    pub(super) fn repeated(&mut self) -> Result<Option<(u32, usize)>, Stop> {
        self.ready()?;
        let (presence, rows) = self.cursor.presence()?;
        if presence != Presence::All {
            return Ok(None);
        }
        Ok(match self.cursor.repeated_index()? {
            Some((index, times)) => {
                self.check(index)?;
                Some((index, rows.min(times)))
            }
            None => None,
        })
    }

    /// Passes over rows that [`repeated`](Self::repeated) told of.
    pub(super) fn pass(&mut self, rows: usize) {
        self.cursor.pass_indices(rows);
        self.cursor.pass(rows);
    }

    /// The ids of the next rows, at most [`BLOCK_ROWS`].
    pub(super) fn fill(&mut self, mut out: &mut [u32]) -> Result<(), Stop> {
        while !out.is_empty() {
            self.ready()?;
            let (presence, rows) = self.cursor.presence()?;
            let (now, later) = out.split_at_mut(out.len().min(rows));
            match presence {
                Presence::All => self.cursor.pass(now.len()),
                Presence::None => return Err(Stop::GiveUp),
                Presence::Mixed => {
                    self.cursor.levels(now.len(), &mut self.levels)?;
                    if self.levels.ones() < now.len() {
                        return Err(Stop::GiveUp);
                    }
                }
            }
            self.fill_present(now)?;
            out = later;
        }
        Ok(())
    }

    fn fill_present(&mut self, out: &mut [u32]) -> Result<(), Stop> {
        if self.cursor.has_indices() {
            self.cursor.indices(out)?;
            return self.check(largest(out));
        }
        if self.ids.is_empty() {
            self.ids.extend(self.dictionary.iter().copied().zip(0..));
        }
        let ints = &mut self.ints[..out.len()];
        self.cursor.ints(ints)?;
        let mut latest: Option<(i64, u32)> = None;
        for (out, value) in out.iter_mut().zip(ints) {
            *out = match latest {
                Some((before, id)) if before == *value => id,
                _ => match self.ids.get(value) {
                    Some(id) => *id,
                    None => {
                        if self.entries.len() >= MAX_DISTINCT {
                            return Err(Stop::GiveUp);
                        }
                        let id = u32::try_from(self.entries.len()).expect("at most MAX_DISTINCT");
                        self.entries.push(self.worth.of_int(*value)?);
                        self.ids.insert(*value, id);
                        id
                    }
                },
            };
            latest = Some((*value, *out));
        }
        Ok(())
    }

    /// Indices into the dictionary, not ids of values met outside of it.
    fn check(&self, index: u32) -> Result<(), Stop> {
        match usize::try_from(index) {
            Ok(index) if index < self.dictionary.len() => Ok(()),
            _ => Err(Stop::GiveUp),
        }
    }

    /// Opens pages until one has rows.
    fn ready(&mut self) -> Result<(), Stop> {
        while self.cursor.rows_left() == 0 {
            if let Opened::Dictionary(count) = self.cursor.open()? {
                let width = self.cursor.int_bytes()?;
                let stored = count
                    .checked_mul(width.bytes())
                    .and_then(|length| self.cursor.bytes().get(..length));
                let stored = stored.ok_or(Stop::GiveUp)?;
                self.dictionary.resize(count, 0);
                width.read(stored, self.dictionary.iter_mut());
                self.entries.resize(count, 0);
                self.worth.of_ints(&self.dictionary, &mut self.entries)?;
            }
        }
        Ok(())
    }
}
