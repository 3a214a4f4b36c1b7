//! Loops over blocks of rows, with AVX2 where the processor has it.
//!
//! The one place with `unsafe` code: vector loads and stores, and calls of functions that need a processor that has them.
//! Every load and store goes through a slice or array whose length has been checked.

#![expect(
    unsafe_code,
    reason = "vector instructions; what they touch is bounded by slices, and the processor is asked before"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;

/// Bits of the widest values that [`unpack`] takes apart.
pub(super) const MAX_WIDTH: usize = 32;

/// Packed values begin where a byte does at every eighth.
const GROUP: usize = 8;
/// A value must lie in 4 bytes, wherever in a byte it begins.
const MAX_VECTOR_WIDTH: usize = 25;

/// The instructions that loops are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Level {
    /// The best that this processor has.
    fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Scalar
    }

    fn unpack(self, packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
        assert!(width <= MAX_WIDTH, "{width} bits do not fit");
        let ahead = (first.next_multiple_of(GROUP) - first).min(out.len());
        let (head, rest) = out.split_at_mut(ahead);
        if !head.is_empty() {
            self.unpack_few(packed, width, first, head);
        }
        let done = self.unpack_vectors(packed, width, first + ahead, rest);
        if done < rest.len() {
            self.unpack_few(packed, width, first + ahead + done, &mut rest[done..]);
        }
    }

    /// Values before the first and after the last whole vector.
    fn unpack_few(self, packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
        if out.len() < 3 || out.len() >= GROUP {
            return unpack_scalar(packed, width, first, out);
        }
        let skipped = first % GROUP;
        let mut eight = [0; GROUP];
        if skipped + out.len() <= GROUP && self.unpack_vectors(packed, width, first - skipped, &mut eight) == GROUP {
            out.copy_from_slice(&eight[skipped..skipped + out.len()]);
        } else {
            unpack_scalar(packed, width, first, out);
        }
    }

    /// As many values as vectors hold; returns how many.
    fn unpack_vectors(self, packed: &[u8], width: usize, first: usize, out: &mut [u32]) -> usize {
        let packed = packed.get(first / GROUP * width..).unwrap_or_default();
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has AVX2.
            Self::Avx2 if (1..=MAX_VECTOR_WIDTH).contains(&width) => unsafe { avx2::unpack(packed, width, out) },
            _ => 0,
        }
    }

    fn largest(self, values: &[u32]) -> u32 {
        match self {
            Self::Scalar => values.iter().copied().fold(0, u32::max),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has AVX2.
            Self::Avx2 => unsafe { avx2::largest(values) },
        }
    }

    fn least(self, values: &[u32]) -> u32 {
        match self {
            Self::Scalar => values.iter().copied().fold(u32::MAX, u32::min),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has AVX2.
            Self::Avx2 => unsafe { avx2::least(values) },
        }
    }

    fn find_others(self, values: &[u32], usual: u32, found: &mut Vec<usize>) {
        let done = match self {
            Self::Scalar => 0,
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has AVX2.
            Self::Avx2 => unsafe { avx2::find_others(values, usual, found) },
        };
        let rest = values.iter().enumerate().skip(done);
        found.extend(rest.filter(|(_, value)| **value != usual).map(|(at, _)| at));
    }

    fn look_up(self, entries: &[u32; 16], indices: &mut [u32]) -> u32 {
        match self {
            Self::Scalar => look_up_scalar(entries, indices),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has AVX2.
            Self::Avx2 => unsafe { avx2::look_up(entries, indices) },
        }
    }

    fn spread(self, levels: &[u64], values: &[u32], null: u32, out: &mut [u32]) {
        let (done, mut next) = match self {
            Self::Scalar => (0, 0),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has AVX2.
            Self::Avx2 => unsafe { avx2::spread(levels, values, null, out) },
        };
        for (row, out) in out.iter_mut().enumerate().skip(done) {
            let is_there = levels.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
            *out = match values.get(next) {
                Some(value) if is_there => *value,
                _ => null,
            };
            next += usize::from(is_there);
        }
    }
}

/// Takes values of `width` bits, least significant bit first, from the value at position `first` on. Bits beyond the
/// end of `packed` are 0.
pub(super) fn unpack(packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
    Level::best().unpack(packed, width, first, out);
}

/// The largest value, 0 of none.
pub(super) fn largest(values: &[u32]) -> u32 {
    Level::best().largest(values)
}

/// The least value, the largest of all of none.
pub(super) fn least(values: &[u32]) -> u32 {
    Level::best().least(values)
}

/// Appends the positions of values other than `usual`.
pub(super) fn find_others(values: &[u32], usual: u32, found: &mut Vec<usize>) {
    Level::best().find_others(values, usual, found);
}

/// Replaces indices below 16 by entries, and returns all of these or-ed together.
pub(super) fn look_up(entries: &[u32; 16], indices: &mut [u32]) -> u32 {
    Level::best().look_up(entries, indices)
}

/// Puts values where a bit of `levels` is 1, in their order, and `null` where it is 0.
pub(super) fn spread(levels: &[u64], values: &[u32], null: u32, out: &mut [u32]) {
    Level::best().spread(levels, values, null, out);
}

fn unpack_scalar(packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
    let mask = (1_u64 << width) - 1;
    for (value, position) in out.iter_mut().zip(first..) {
        let bit = position * width;
        let word = word_at(packed, bit / 8) >> (bit % 8);
        *value = u32::try_from(word & mask).expect("at most 32 bits");
    }
}

/// Eight bytes from `at` on, zeros beyond the end.
pub(super) fn word_at(bytes: &[u8], at: usize) -> u64 {
    let tail = bytes.get(at..).unwrap_or_default();
    match tail.first_chunk::<8>() {
        Some(word) => u64::from_le_bytes(*word),
        None => {
            let mut word = [0; 8];
            word[..tail.len()].copy_from_slice(tail);
            u64::from_le_bytes(word)
        }
    }
}

/// One value of up to 64 bits that begins at bit `bit`; zeros beyond the end.
pub(super) fn bits_at(packed: &[u8], bit: usize, width: usize) -> u64 {
    let (low, high) = (word_at(packed, bit / 8), word_at(packed, bit / 8 + 8));
    let both = (u128::from(high) << 64 | u128::from(low)) >> (bit % 8);
    let mask = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
    u64::try_from(both & u128::from(mask)).expect("masked to 64 bits")
}

fn look_up_scalar(entries: &[u32; 16], indices: &mut [u32]) -> u32 {
    let mut seen = 0;
    for index in indices {
        *index = entries[usize::try_from(*index % 16).expect("below 16")];
        seen |= *index;
    }
    seen
}

#[cfg(test)]
mod tests;
