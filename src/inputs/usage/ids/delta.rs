//! DELTA_BINARY_PACKED integers.

use super::super::page_checks::{varint, zigzag};
use super::Stop;
use super::cursor::IntBytes;
use super::vector::bits_at;

/// Values of a block are at most this many, so that no header makes us loop for long over nothing.
const MAX_BLOCK_VALUES: u64 = 1 << 20;

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
            self.unpack(bytes, now);
            out = later;
        }
        Ok(())
    }

    fn unpack(&mut self, bytes: &[u8], out: &mut [i64]) {
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
            for (out, position) in out.iter_mut().zip(next..) {
                let delta = bits_at(packed, position * width, width).cast_signed();
                self.value = self.value.wrapping_add(self.least).wrapping_add(delta);
                *out = self.value;
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
