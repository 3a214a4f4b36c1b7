//! The RLE / bit-packing hybrid of Parquet: dictionary indices and definition levels.

use super::Stop;
use super::vector::{MAX_WIDTH, unpack};

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
    pub(super) fn fill(&mut self, bytes: &[u8], mut out: &mut [u32]) -> Result<(), Stop> {
        while !out.is_empty() {
            self.load(bytes)?;
            let (now, later) = match &mut self.run {
                Run::Repeated { value, left } => {
                    let (now, later) = out.split_at_mut(out.len().min(*left));
                    now.fill(*value);
                    *left -= now.len();
                    (now, later)
                }
                Run::Packed { start, next, left } => {
                    let (now, later) = out.split_at_mut(out.len().min(*left));
                    let packed = bytes.get(*start..).ok_or(Stop::GiveUp)?;
                    unpack(packed, self.width, *next, now);
                    *next += now.len();
                    *left -= now.len();
                    (now, later)
                }
            };
            debug_assert!(!now.is_empty(), "a loaded run is not empty");
            out = later;
        }
        Ok(())
    }

    /// Makes sure that the current run has a value left.
    fn load(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        while self.left() == 0 {
            let header = self.header(bytes)?;
            let count = header >> 1;
            let rest = bytes.get(self.at..).ok_or(Stop::GiveUp)?;
            if header & 1 == 1 && self.width > 0 {
                let length = count.checked_mul(self.width).ok_or(Stop::GiveUp)?;
                // Some writers cut the last group off behind its last value.
                let there = rest.len().min(length);
                self.run = Run::Packed {
                    start: self.at,
                    next: 0,
                    left: (there * 8 / self.width).min(count * 8),
                };
                self.at += there;
            } else {
                let length = self.width.div_ceil(8);
                let value = rest.get(..length).ok_or(Stop::GiveUp)?;
                let value = value
                    .iter()
                    .rev()
                    .fold(0, |value, byte| value << 8 | u32::from(*byte));
                if self.width < MAX_WIDTH && value >> self.width > 0 {
                    return Err(Stop::GiveUp);
                }
                let groups_of = if header & 1 == 1 { 8 } else { 1 };
                self.run = Run::Repeated {
                    value,
                    left: count.checked_mul(groups_of).ok_or(Stop::GiveUp)?,
                };
                self.at += length;
            }
        }
        Ok(())
    }

    fn left(&self) -> usize {
        match self.run {
            Run::Repeated { left, .. } | Run::Packed { left, .. } => left,
        }
    }

    /// A variable-length integer of at most 32 bits.
    fn header(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
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

#[cfg(test)]
mod tests {
    use super::*;

    // 5 x 3; packed 0 1 2 3 4 5 6 7; 20 x 6; at 3 bits.
    const BYTES: [u8; 8] = [10, 3, 3, 0x88, 0xc6, 0xfa, 40, 6];

    fn values() -> Vec<u32> {
        let mut values = vec![3; 5];
        values.extend(0..8);
        values.extend([6; 20]);
        values
    }

    #[test]
    fn values_come_in_pieces_of_any_size() {
        for size in 1..34 {
            let mut hybrid = Hybrid::new(3, 0).unwrap();
            let mut found = vec![9; 33];
            found
                .chunks_mut(size)
                .for_each(|piece| hybrid.fill(&BYTES, piece).unwrap());
            assert_eq!(found, values(), "{size} at a time");
            assert!(matches!(hybrid.fill(&BYTES, &mut [0]), Err(Stop::GiveUp)), "there are no more");
        }
    }

    #[test]
    fn repeated_values_are_told_and_passed_over() {
        let mut hybrid = Hybrid::new(3, 0).unwrap();
        assert_eq!(hybrid.repeated(&BYTES).unwrap(), Some((3, 5)));
        hybrid.pass(5);
        assert_eq!(hybrid.repeated(&BYTES).unwrap(), None);
        hybrid.fill(&BYTES, &mut [0; 10]).unwrap();
        assert_eq!(hybrid.repeated(&BYTES).unwrap(), Some((6, 18)));
    }

    #[test]
    fn what_makes_no_sense_is_given_up() {
        let fill = |bytes: &[u8], width| Hybrid::new(width, 0).and_then(|mut hybrid| hybrid.fill(bytes, &mut [0; 8]));
        assert!(fill(&[], 3).is_err(), "no header");
        assert!(fill(&[0, 0, 0], 3).is_err(), "runs of nothing");
        assert!(fill(&[3, 0x88], 3).is_err(), "a group cut off in its values");
        assert!(fill(&[16], 3).is_err(), "no value");
        assert!(fill(&[0xff; 9], 3).is_err(), "a header of more than 32 bits");
        assert!(fill(&[16, 1, 2, 3, 4, 5], 33).is_err(), "too wide");
        assert!(fill(&[3], 0).is_ok(), "no bits, no bytes");
    }
}
