//! DELTA_BINARY_PACKED integers.

use super::plain::IntBytes;
use super::stop::Stop;
use super::vector::{MAX_WIDTH, bits_at, unpack};
use crate::inputs::parquet::page_checks::{varint, zigzag};

/// Values of a block are at most this many, so that no header makes us loop for long over nothing.
const MAX_BLOCK_VALUES: u64 = 1 << 20;
/// Deltas taken apart at once: the shortest miniblock.
const PIECE: usize = 32;

/// A place in a delta stream. The bytes are handed in with each call: always the same ones.
#[derive(Debug, Clone)]
pub(super) struct Delta {
    /// 32-bit columns wrap around at 32 bits.
    width: IntBytes,
    miniblocks: usize,
    per_miniblock: usize,
    /// Values that have not been handed out.
    left: usize,
    /// The value that comes next, when `first` is set; else the one before the next.
    value: i64,
    first: bool,
    /// Where the next bytes are.
    at: usize,
    least: i64,
    /// Where the widths of the current block's miniblocks are, and how many of them have been used.
    widths: (usize, usize),
    /// The miniblock being read: where it is, the width of its deltas, the next of them, and how many are left.
    miniblock: (usize, usize, usize, usize),
}

impl Delta {
    /// Reads the header at `at`.
    pub(super) fn new(bytes: &[u8], mut at: usize, width: IntBytes) -> Result<Self, Stop> {
        let block = varint(bytes, &mut at).ok_or(Stop::GiveUp)?;
        let miniblocks = varint(bytes, &mut at).ok_or(Stop::GiveUp)?;
        let count = varint(bytes, &mut at).ok_or(Stop::GiveUp)?;
        let first = zigzag(varint(bytes, &mut at).ok_or(Stop::GiveUp)?);
        let per_miniblock = block
            .checked_div(miniblocks)
            .filter(|values| *values > 0)
            .ok_or(Stop::GiveUp)?;
        let is_regular =
            block.is_multiple_of(128) && block.is_multiple_of(miniblocks) && per_miniblock.is_multiple_of(32);
        if block > MAX_BLOCK_VALUES || !is_regular || !width.holds(first) {
            return Err(Stop::GiveUp);
        }
        let to_usize = |value: u64| usize::try_from(value).map_err(|_| Stop::GiveUp);
        Ok(Self {
            width,
            miniblocks: to_usize(miniblocks)?,
            per_miniblock: to_usize(per_miniblock)?,
            left: to_usize(count)?,
            value: first,
            first: true,
            at,
            least: 0,
            widths: (0, to_usize(miniblocks)?),
            miniblock: (0, 0, 0, 0),
        })
    }

    /// The next values.
    pub(super) fn fill(&mut self, bytes: &[u8], out: &mut [i64]) -> Result<(), Stop> {
        self.left = self.left.checked_sub(out.len()).ok_or(Stop::GiveUp)?;
        let ahead = usize::from(self.first && !out.is_empty());
        let (first, mut out) = out.split_at_mut(ahead);
        if let Some(first) = first.first_mut() {
            *first = self.wrapped(self.value);
            self.first = false;
        }
        while !out.is_empty() {
            if self.miniblock.3 == 0 {
                self.next_miniblock(bytes)?;
            }
            let (now, later) = out.split_at_mut(out.len().min(self.miniblock.3));
            self.decode(bytes, now);
            out = later;
        }
        Ok(())
    }

    /// The next value; None after the last one.
    pub(super) fn peek(&self, bytes: &[u8]) -> Result<Option<i64>, Stop> {
        let mut value = [0];
        match self.left {
            0 => Ok(None),
            _ => self.clone().fill(bytes, &mut value).map(|()| Some(value[0])),
        }
    }

    /// Passes over the next values as long as they are seen to be in a range, at most `count`; returns how many. They are
    /// looked at in pieces: it may stop before the last one that is.
    pub(super) fn pass_within(&mut self, bytes: &[u8], range: (i64, i64), count: usize) -> Result<usize, Stop> {
        let count = count.min(self.left);
        if self.width == IntBytes::Four || count == 0 {
            return Ok(0);
        }
        let mut passed = 0;
        if self.first {
            if !(range.0..range.1).contains(&self.value) {
                return Ok(0);
            }
            self.first = false;
            passed = 1;
        }
        while passed < count {
            if self.miniblock.3 == 0 {
                self.next_miniblock(bytes)?;
            }
            let (start, width, next, left) = self.miniblock;
            let now = (count - passed).min(left).min(PIECE);
            let Some(last) = self.last_within(bytes, range, now) else {
                break;
            };
            self.value = last;
            self.miniblock = (start, width, next + now, left - now);
            passed += now;
        }
        self.left -= passed;
        Ok(passed)
    }

    /// The last of the next `count` values of the miniblock, if all of them are in the range.
    fn last_within(&self, bytes: &[u8], (from, to): (i64, i64), count: usize) -> Option<i64> {
        let (start, width, next, _) = self.miniblock;
        let is_within = |value: &i64| (from..to).contains(value);
        if width > MAX_WIDTH {
            return None;
        }
        let mut deltas = [0; PIECE];
        let deltas = &mut deltas[..count];
        if width > 0 {
            unpack(bytes.get(start..)?, width, next, deltas);
        }
        if width == 0 || self.least >= 0 {
            // They only rise, or only fall.
            let first = self.value.checked_add(self.least)?;
            let first = first.checked_add(i64::from(*deltas.first()?))?;
            let steps = i64::try_from(count).ok()?.checked_mul(self.least)?;
            let sum: i64 = deltas.iter().map(|delta| i64::from(*delta)).sum();
            let last = self.value.checked_add(steps)?.checked_add(sum)?;
            return (is_within(&first) && is_within(&last)).then_some(last);
        }
        deltas.iter().try_fold(self.value, |value, delta| {
            let next = value.checked_add(self.least)?.checked_add(i64::from(*delta))?;
            Some(next).filter(is_within)
        })
    }

    fn decode(&mut self, bytes: &[u8], out: &mut [i64]) {
        let (start, width, next, left) = self.miniblock;
        if width == 0 {
            // An arithmetic progression.
            let mut value = self.value;
            for out in out.iter_mut() {
                value = value.wrapping_add(self.least);
                *out = value;
            }
            self.value = value;
        } else {
            let packed = bytes.get(start..).unwrap_or_default();
            let mut add = |out: &mut i64, delta: i64| {
                self.value = self.value.wrapping_add(self.least).wrapping_add(delta);
                *out = self.value;
            };
            if width <= MAX_WIDTH {
                let mut deltas = [0; PIECE];
                for (piece, position) in out.chunks_mut(PIECE).zip((next..).step_by(PIECE)) {
                    unpack(packed, width, position, &mut deltas[..piece.len()]);
                    let each = piece.iter_mut().zip(&deltas);
                    each.for_each(|(out, delta)| add(out, i64::from(*delta)));
                }
            } else {
                for (out, position) in out.iter_mut().zip(next..) {
                    add(out, bits_at(packed, position * width, width).cast_signed());
                }
            }
        }
        if self.width == IntBytes::Four {
            out.iter_mut().for_each(|value| *value = wrapped_to_32(*value));
        }
        self.miniblock = (start, width, next + out.len(), left - out.len());
    }

    fn wrapped(&self, value: i64) -> i64 {
        match self.width {
            IntBytes::Four => wrapped_to_32(value),
            IntBytes::Eight => value,
        }
    }

    fn next_miniblock(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if self.widths.1 == self.miniblocks {
            self.least = zigzag(varint(bytes, &mut self.at).ok_or(Stop::GiveUp)?);
            self.widths = (self.at, 0);
            self.at += self.miniblocks;
            if !self.width.holds(self.least) {
                return Err(Stop::GiveUp);
            }
        }
        let (start, used) = self.widths;
        let width = usize::from(*bytes.get(start + used).ok_or(Stop::GiveUp)?);
        self.widths.1 += 1;
        let length = self.per_miniblock / 8 * width;
        let end = self.at.checked_add(length).ok_or(Stop::GiveUp)?;
        if width > self.width.bytes() * 8 || end > bytes.len() {
            return Err(Stop::GiveUp);
        }
        self.miniblock = (self.at, width, 0, self.per_miniblock);
        self.at = end;
        Ok(())
    }
}

/// The low 32 bits, signed.
fn wrapped_to_32(value: i64) -> i64 {
    value << 32 >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the format's Encodings.md has it: 7, 5, 3, 1, 2, 3, 4, 5 in a block of 128 with 4 miniblocks.
    const EXAMPLE: [u8; 18] = [0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0];

    #[test]
    fn the_formats_example_in_pieces_of_any_size() {
        for size in 1..9 {
            let mut delta = Delta::new(&EXAMPLE, 0, IntBytes::Eight).unwrap();
            let mut found = [0; 8];
            for piece in found.chunks_mut(size) {
                delta.fill(&EXAMPLE, piece).unwrap();
            }
            assert_eq!(found, [7, 5, 3, 1, 2, 3, 4, 5], "{size} at a time");
            assert!(delta.fill(&EXAMPLE, &mut [0]).is_err(), "there are no more");
        }
    }

    /// A stream of one block for every `pieces`, each of 128 deltas, and its values.
    fn stream(pieces: &[Vec<i64>]) -> (Vec<u8>, Vec<i64>) {
        let number = |bytes: &mut Vec<u8>, value: i64| {
            let mut value = (value << 1 ^ value >> 63).cast_unsigned();
            while value >= 0x80 {
                bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
                value >>= 7;
            }
            bytes.push(u8::try_from(value).unwrap());
        };
        let mut values = vec![1_000];
        let count = u8::try_from(pieces.len()).unwrap() * 2;
        let total = 1 + u64::from(count) * 64;
        let mut bytes = vec![
            0x80,
            1,
            4,
            u8::try_from(total & 0x7f).unwrap() | 0x80,
            u8::try_from(total >> 7).unwrap(),
        ];
        number(&mut bytes, 1_000);
        for deltas in pieces {
            let least = *deltas.iter().min().unwrap();
            number(&mut bytes, least);
            let (miniblocks, at) = (deltas.chunks(32), bytes.len());
            bytes.extend([0; 4]);
            for (place, miniblock) in (at..).zip(miniblocks) {
                let largest = miniblock.iter().map(|delta| delta - least).max().unwrap();
                let width = 64 - usize::try_from(largest.leading_zeros()).unwrap();
                bytes[place] = u8::try_from(width).unwrap();
                let mut packed = vec![0; 4 * width];
                for (bit, delta) in (0..).step_by(width.max(1)).zip(miniblock) {
                    for at in (0..width).filter(|at| (delta - least) >> at & 1 == 1) {
                        packed[(bit + at) / 8] |= 1 << ((bit + at) % 8);
                    }
                    values.push(values[values.len() - 1] + delta);
                }
                bytes.extend(packed);
            }
        }
        (bytes, values)
    }

    #[test]
    fn values_passed_over_are_in_the_range_and_all_of_them_are_found() {
        let rising = (0..128).map(|at| at % 3).collect();
        let steady = vec![5; 128];
        let falling = vec![-7; 128];
        let jumping = (0..128).map(|at| if at % 40 == 39 { -500 } else { 13 }).collect();
        let wide = (0..128).map(|at| (at % 2) << 40).collect();
        let back = (0..128).map(|at| -((at % 2) << 40)).collect();
        let (bytes, values) = stream(&[rising, steady, falling, jumping, wide, back]);
        let mut found = vec![0; values.len()];
        Delta::new(&bytes, 0, IntBytes::Eight)
            .unwrap()
            .fill(&bytes, &mut found)
            .unwrap();
        assert_eq!(found, values);
        for (from, to) in [
            (0, i64::MAX),
            (0, 2_000),
            (1_000, 1_900),
            (1_100, 1_800),
            (i64::MIN, i64::MAX),
        ] {
            for at_once in [1, 5, 32, 100, 1_000] {
                let mut delta = Delta::new(&bytes, 0, IntBytes::Eight).unwrap();
                let (mut at, mut most_passed) = (0, 0);
                while at < values.len() {
                    assert_eq!(delta.peek(&bytes).unwrap(), Some(values[at]));
                    let passed = delta.pass_within(&bytes, (from, to), at_once).unwrap();
                    let within = values[at..]
                        .iter()
                        .take_while(|value| (from..to).contains(value))
                        .count();
                    assert!(passed <= within.min(at_once));
                    // It stops before a piece that leaves the range; no sooner, but where deltas are wide.
                    let piece = &values[at + passed..values.len().min(at + passed + PIECE)];
                    let is_wide = piece.iter().any(|value| *value > 1 << 39);
                    assert!(passed + PIECE >= within.min(at_once) || is_wide);
                    most_passed = most_passed.max(passed);
                    at += passed;
                    let piece = &mut found[at..values.len().min(at + 3)];
                    piece.fill(0);
                    delta.fill(&bytes, piece).unwrap();
                    at += piece.len();
                }
                assert_eq!(found, values);
                assert!(most_passed > 0);
                assert_eq!(delta.peek(&bytes).unwrap(), None);
            }
        }
    }

    #[test]
    fn thirty_two_bits_wrap_around() {
        // 2^31 - 1, then 1 more: one block, a miniblock of width 0 with least 1.
        let bytes = [0x80, 1, 4, 2, 0xfe, 0xff, 0xff, 0xff, 0x0f, 2, 0, 0, 0, 0];
        for (width, second) in [(IntBytes::Four, -2_147_483_648), (IntBytes::Eight, 2_147_483_648)] {
            let mut found = [0; 2];
            Delta::new(&bytes, 0, width).unwrap().fill(&bytes, &mut found).unwrap();
            assert_eq!(found, [2_147_483_647, second]);
        }
    }

    #[test]
    fn hostile_headers_are_given_up() {
        for bytes in [
            &[0x80, 1, 0, 1, 0][..],
            &[0, 4, 1, 0],
            &[4, 4, 1, 0],
            &[0x81, 1, 1, 1, 0],
            &[0x80; 30],
            &[],
        ] {
            assert!(Delta::new(bytes, 0, IntBytes::Eight).is_err(), "{bytes:?}");
        }
        let cut_off = &EXAMPLE[..12];
        let mut delta = Delta::new(cut_off, 0, IntBytes::Eight).unwrap();
        assert!(delta.fill(cut_off, &mut [0; 8]).is_err());
    }
}
