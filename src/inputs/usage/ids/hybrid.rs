//! The RLE / bit-packing hybrid of Parquet: dictionary indices and definition levels.

use super::stop::{BLOCK_ROWS, Stop};
use super::vector::{MAX_WIDTH, unpack, word_at};

/// Packed values that are compared at once.
const OTHERS_AT_ONCE: usize = 64;

/// A place in a hybrid stream. The bytes are handed in with each call: always the same ones.
#[derive(Debug, Clone)]
pub(super) struct Hybrid {
    width: usize,
    /// Where the next run begins.
    at: usize,
    run: Run,
}

#[derive(Debug, Clone)]
enum Run {
    Repeated { value: u32, left: usize },
    Packed { start: usize, next: usize, left: usize },
}

impl Hybrid {
    /// A stream of values of `width` bits that begins at `at`.
    pub(super) fn new(width: usize, at: usize) -> Result<Self, Stop> {
        if width > MAX_WIDTH {
            return Err(Stop::GiveUp);
        }
        Ok(Self {
            width,
            at,
            run: Run::Repeated { value: 0, left: 0 },
        })
    }

    /// Bits of a value: none is larger.
    pub(super) fn bits(&self) -> usize {
        self.width
    }

    /// The value that repeats here and how often, at least once; None where values are packed.
    pub(super) fn repeated(&mut self, bytes: &[u8]) -> Result<Option<(u32, usize)>, Stop> {
        self.load(bytes)?;
        Ok(match self.run {
            Run::Repeated { value, left } => Some((value, left)),
            Run::Packed { .. } => None,
        })
    }

    /// Passes over `count` of the values that [`repeated`](Self::repeated) told of.
    pub(super) fn pass(&mut self, count: usize) {
        match &mut self.run {
            Run::Repeated { left, .. } => *left -= count,
            Run::Packed { .. } => unreachable!("only repeated values are passed over"),
        }
    }

    /// The next values.
    pub(super) fn fill(&mut self, bytes: &[u8], out: &mut [u32]) -> Result<(), Stop> {
        let mut done = 0;
        while done < out.len() {
            done += self.fill_short_runs(bytes, &mut out[done..]);
            let rest = &mut out[done..];
            if rest.is_empty() {
                break;
            }
            self.load(bytes)?;
            let count = rest.len().min(self.left());
            match &mut self.run {
                Run::Repeated { value, left } => {
                    rest[..count].fill(*value);
                    *left -= count;
                }
                Run::Packed { start, next, left } => {
                    unpack(&bytes[*start..], self.width, *next, &mut rest[..count]);
                    *next += count;
                    *left -= count;
                }
            }
            done += count;
        }
        Ok(())
    }

    /// As many whole runs as there are that are short and of a usual kind; returns how many values they have.
    fn fill_short_runs(&mut self, bytes: &[u8], out: &mut [u32]) -> usize {
        let (width, mut done) = (self.width, 0);
        if self.left() > 0 || !(1..=8).contains(&width) {
            return 0;
        }
        while let Some([header @ 2..=0x7f, value]) = bytes.get(self.at..).and_then(|rest| rest.first_chunk::<2>()) {
            let count = usize::from(header >> 1);
            if header & 1 == 0 {
                if count > out.len() - done || usize::from(*value) >> width > 0 {
                    break;
                }
                out[done..done + count].fill(u32::from(*value));
                self.at += 2;
                done += count;
            } else {
                let (values, length) = (count * 8, count * width);
                let Some(packed) = bytes.get(self.at + 1..).filter(|rest| rest.len() >= length) else {
                    break;
                };
                if values > out.len() - done {
                    break;
                }
                unpack(packed, width, 0, &mut out[done..done + values]);
                self.at += 1 + length;
                done += values;
            }
        }
        done
    }

    /// Which of the next `count` values are not `usual`: each with its position, counted from `first`.
    pub(super) fn find_others(
        &mut self,
        bytes: &[u8],
        (first, count): (usize, usize),
        usual: u32,
        found: &mut Vec<(usize, u32)>,
    ) -> Result<(), Stop> {
        let mut values = [0; OTHERS_AT_ONCE];
        let mut done = 0;
        while done < count {
            done += self.find_in_short_runs(bytes, (first + done, count - done), usual, found);
            if done == count {
                break;
            }
            self.load(bytes)?;
            let now = (count - done).min(self.left());
            match &mut self.run {
                Run::Repeated { value, left } => {
                    *left -= now;
                    if *value != usual {
                        found.extend((first + done..first + done + now).map(|at| (at, *value)));
                    }
                    done += now;
                }
                Run::Packed { start, next, left } => {
                    let values = &mut values[..now.min(OTHERS_AT_ONCE)];
                    unpack(&bytes[*start..], self.width, *next, values);
                    *next += values.len();
                    *left -= values.len();
                    let each = (first + done..).zip(values.iter().copied());
                    found.extend(each.filter(|(_, value)| *value != usual));
                    done += values.len();
                }
            }
        }
        Ok(())
    }

    /// As [`fill_short_runs`](Self::fill_short_runs), for [`find_others`](Self::find_others).
    fn find_in_short_runs(
        &mut self,
        bytes: &[u8],
        (first, count): (usize, usize),
        usual: u32,
        found: &mut Vec<(usize, u32)>,
    ) -> usize {
        let (width, mut done) = (self.width, 0);
        if self.left() > 0 || !(1..=8).contains(&width) || usual >> width > 0 {
            return 0;
        }
        let mask = u64::MAX >> (64 - width);
        let all_usual = (0..8).fold(0, |all, lane| all | u64::from(usual) << (lane * width));
        let word_at = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
        while let (Some(header @ 2..=0x7f), Some(word)) = (bytes.get(self.at), word_at(self.at + 1)) {
            let runs = usize::from(header >> 1);
            if header & 1 == 0 {
                let value = u32::from(word[0]);
                if runs > count - done || value >> width > 0 {
                    break;
                }
                if value != usual {
                    found.extend((first + done..first + done + runs).map(|at| (at, value)));
                }
                self.at += 2;
                done += runs;
                continue;
            }
            // Eight values take no more than eight bytes; the last ones may end within the last word.
            let last = word_at(self.at + 1 + (runs - 1) * width);
            if runs * 8 > count - done || last.is_none() {
                break;
            }
            for at in (self.at + 1..).step_by(width).take(runs) {
                let word = u64::from_le_bytes(*word_at(at).unwrap_or(word));
                let mut others = (word ^ all_usual) & u64::MAX >> (64 - 8 * width);
                while others != 0 {
                    let lane = usize::try_from(others.trailing_zeros()).expect("below 64") / width;
                    let value = u32::try_from(word >> (lane * width) & mask).expect("at most 8 bits");
                    found.push((first + done + lane, value));
                    others &= !(mask << (lane * width));
                }
                done += 8;
            }
            self.at += 1 + runs * width;
        }
        done
    }

    /// The next values of a stream of single bits.
    pub(super) fn fill_bits(&mut self, bytes: &[u8], count: usize, out: &mut Bits) -> Result<(), Stop> {
        out.clear();
        while out.len < count {
            self.push_short_runs(bytes, count, out);
            if out.len == count {
                break;
            }
            self.load(bytes)?;
            let now = (count - out.len).min(self.left()).min(Bits::AT_ONCE);
            match &mut self.run {
                Run::Repeated { value, left } => {
                    out.push(if *value == 1 { u64::MAX } else { 0 }, now);
                    *left -= now;
                }
                Run::Packed { start, next, left } => {
                    out.push(bits_at(&bytes[*start..], *next), now);
                    *next += now;
                    *left -= now;
                }
            }
        }
        Ok(())
    }

    /// As [`fill_short_runs`](Self::fill_short_runs), up to `count` bits in all.
    fn push_short_runs(&mut self, bytes: &[u8], count: usize, out: &mut Bits) {
        if self.left() > 0 {
            return;
        }
        let word_at = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
        while let Some(word) = word_at(self.at) {
            let [header, value, ..] = *word;
            let runs = usize::from(header >> 1);
            let is_packed = header & 1 == 1;
            let values = if is_packed { runs * 8 } else { runs };
            let is_usual = header > 1 && header < 0x80 && (is_packed || value <= 1);
            if !is_usual || values > count - out.len {
                return;
            }
            let mut bits = u64::from_le_bytes(*word) >> 8;
            if !is_packed {
                bits = if value == 1 { u64::MAX } else { 0 };
            }
            if values <= Bits::AT_ONCE {
                out.push(bits, values);
            } else if !is_packed {
                out.push(bits, Bits::AT_ONCE);
                out.push(bits, values - Bits::AT_ONCE);
            } else if bytes.len() >= self.at + 1 + runs + 8 {
                for first in (0..values).step_by(Bits::AT_ONCE) {
                    let word = word_at(self.at + 1 + first / 8).copied().unwrap_or_default();
                    out.push(u64::from_le_bytes(word), (values - first).min(Bits::AT_ONCE));
                }
            } else {
                return;
            }
            self.at += if is_packed { 1 + runs } else { 2 };
        }
    }

    /// Makes sure that the current run has a value left.
    fn load(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        while self.left() == 0 {
            self.next_run(bytes)?;
        }
        Ok(())
    }

    /// Begins the next run, which may be empty.
    fn next_run(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let header = self.header(bytes)?;
        let count = header >> 1;
        // Padding, to some writers and to all readers.
        if header == 0 {
            return Err(Stop::GiveUp);
        }
        let rest = bytes.get(self.at..).ok_or(Stop::GiveUp)?;
        if header & 1 == 1 && self.width > 0 {
            let length = count.checked_mul(self.width).ok_or(Stop::GiveUp)?;
            // Some writers cut the last group off behind its last value.
            let there = rest.len().min(length);
            let left = if there == length {
                count * 8
            } else {
                there * 8 / self.width
            };
            self.run = Run::Packed {
                start: self.at,
                next: 0,
                left,
            };
            self.at += there;
            return Ok(());
        }
        let length = self.width.div_ceil(8);
        let value = rest.get(..length).ok_or(Stop::GiveUp)?;
        let value = value.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
        if self.width < MAX_WIDTH && value >> self.width > 0 {
            return Err(Stop::GiveUp);
        }
        let groups_of = if header & 1 == 1 { 8 } else { 1 };
        self.run = Run::Repeated {
            value,
            left: count.checked_mul(groups_of).ok_or(Stop::GiveUp)?,
        };
        self.at += length;
        Ok(())
    }

    fn left(&self) -> usize {
        match self.run {
            Run::Repeated { left, .. } | Run::Packed { left, .. } => left,
        }
    }

    /// A variable-length integer of at most 32 bits.
    fn header(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        if let Some(byte) = bytes.get(self.at)
            && *byte < 0x80
        {
            self.at += 1;
            return Ok(usize::from(*byte));
        }
        let mut header = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = *bytes.get(self.at).ok_or(Stop::GiveUp)?;
            self.at += 1;
            header |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(header)
                    .ok()
                    .and_then(|header| usize::try_from(header).ok())
                    .ok_or(Stop::GiveUp);
            }
        }
        Err(Stop::GiveUp)
    }
}

/// Single bits of a block, 64 to a word, the lowest first.
pub(super) struct Bits {
    words: [u64; BLOCK_ROWS / 64 + 2],
    len: usize,
}

impl Default for Bits {
    fn default() -> Self {
        Self {
            words: [0; BLOCK_ROWS / 64 + 2],
            len: 0,
        }
    }
}

impl Bits {
    /// Bits pushed at once: what a word has left of the byte that it begins in.
    const AT_ONCE: usize = 56;

    /// The words; bits behind the last one are 0.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many are 1.
    pub(super) fn ones(&self) -> usize {
        let ones: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        usize::try_from(ones).expect("no more than a block has rows")
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds the lowest `count` of `bits`.
    fn push(&mut self, bits: u64, count: usize) {
        let bits = bits & ((1 << count) - 1);
        let (word, shift) = (self.len / 64, self.len % 64);
        self.words[word] |= bits << shift;
        // The bits that do not fit into this word, if any, begin the next one. Without a branch: the processor could not
        // predict it.
        self.words[word + 1] = bits >> 1 >> (63 - shift);
        self.len += count;
    }
}

/// At least [`Bits::AT_ONCE`] bits from position `bit` on, zeros beyond the end.
fn bits_at(packed: &[u8], bit: usize) -> u64 {
    word_at(packed, bit / 8) >> (bit % 8)
}

#[cfg(test)]
mod tests;
