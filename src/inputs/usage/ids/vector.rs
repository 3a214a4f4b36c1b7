//! Loops over blocks of rows: with AVX2 where the processor has it.
//!
//! The one file with `unsafe` code: vector loads and stores, and calls of functions that need AVX2. Every load and store
//! goes through a slice or array whose length has been checked.

#![expect(
    unsafe_code,
    reason = "vector instructions; what they touch is bounded by slices, and AVX2 is asked for before"
)]

/// Bits of the widest values that [`unpack`] takes apart.
pub(super) const MAX_WIDTH: usize = 32;

/// Values taken apart at once.
const LANES: usize = 8;
/// A value must lie in 4 bytes, wherever in a byte it begins.
const MAX_VECTOR_WIDTH: usize = 25;

/// Takes values of `width` bits, least significant bit first, from the value at position `first` on. Bits beyond the
/// end of `packed` are 0.
pub(super) fn unpack(packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
    assert!(width <= MAX_WIDTH, "{width} bits do not fit");
    // Vectors begin where a byte does: every eighth value.
    let ahead = (first.next_multiple_of(LANES) - first).min(out.len());
    let (head, rest) = out.split_at_mut(ahead);
    if !head.is_empty() {
        unpack_few(packed, width, first, head);
    }
    let done = unpack_vectors(packed, width, first + ahead, rest);
    if done < rest.len() {
        unpack_few(packed, width, first + ahead + done, &mut rest[done..]);
    }
}

/// Values before the first and after the last whole vector.
fn unpack_few(packed: &[u8], width: usize, first: usize, out: &mut [u32]) {
    if out.len() < 3 || out.len() >= LANES {
        return unpack_scalar(packed, width, first, out);
    }
    let skipped = first % LANES;
    let mut eight = [0; LANES];
    if skipped + out.len() <= LANES && unpack_vectors(packed, width, first - skipped, &mut eight) == LANES {
        out.copy_from_slice(&eight[skipped..skipped + out.len()]);
    } else {
        unpack_scalar(packed, width, first, out);
    }
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

/// As many values as whole vectors hold; returns how many.
fn unpack_vectors(packed: &[u8], width: usize, first: usize, out: &mut [u32]) -> usize {
    let packed = packed.get(first / LANES * width..).unwrap_or_default();
    #[cfg(target_arch = "x86_64")]
    if (1..=MAX_VECTOR_WIDTH).contains(&width) && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { x86::unpack(packed, width, out) };
    }
    let _ = (packed, out);
    0
}

/// The largest value, 0 of none.
pub(super) fn largest(values: &[u32]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { x86::largest(values) };
    }
    values.iter().copied().fold(0, u32::max)
}

/// The least value, the largest of all of none.
pub(super) fn least(values: &[u32]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { x86::least(values) };
    }
    values.iter().copied().fold(u32::MAX, u32::min)
}

/// Appends the positions of values other than `usual`.
pub(super) fn find_others(values: &[u32], usual: u32, found: &mut Vec<usize>) {
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        done = unsafe { x86::find_others(values, usual, found) };
    }
    let rest = values.iter().enumerate().skip(done);
    found.extend(rest.filter(|(_, value)| **value != usual).map(|(at, _)| at));
}

/// Replaces indices below 16 by entries, and returns all of these or-ed together.
pub(super) fn look_up(entries: &[u32; 16], indices: &mut [u32]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { x86::look_up(entries, indices) };
    }
    look_up_scalar(entries, indices)
}

fn look_up_scalar(entries: &[u32; 16], indices: &mut [u32]) -> u32 {
    let mut seen = 0;
    for index in indices {
        *index = entries[usize::try_from(*index % 16).expect("below 16")];
        seen |= *index;
    }
    seen
}

/// Puts values where a bit of `levels` is 1, in their order, and `null` where it is 0.
pub(super) fn spread(levels: &[u64], values: &[u32], null: u32, out: &mut [u32]) {
    let mut done = 0;
    let mut next = 0;
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        (done, next) = unsafe { x86::spread(levels, values, null, out) };
    }
    for (row, out) in out.iter_mut().enumerate().skip(done) {
        let is_there = levels.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
        *out = match values.get(next) {
            Some(value) if is_there => *value,
            _ => null,
        };
        next += usize::from(is_there);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_cvtsi64_si128, _mm_loadu_si128, _mm256_and_si256, _mm256_blendv_epi8,
        _mm256_castsi256_ps, _mm256_cmpeq_epi32, _mm256_cmpgt_epi32, _mm256_cvtepu8_epi32, _mm256_loadu_si256,
        _mm256_movemask_ps, _mm256_or_si256, _mm256_permutevar8x32_epi32, _mm256_set_m128i, _mm256_set1_epi32,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srlv_epi32, _mm256_storeu_si256,
    };

    use super::{LANES, MAX_VECTOR_WIDTH};

    /// Where the eight values of a vector are, for one width. The upper four are loaded from byte `4 * width / 8` on.
    struct Layout {
        /// For each value the four bytes that it lies in, within its half.
        bytes: [u8; 32],
        /// For each value how far it begins in these.
        shifts: [u32; 8],
    }

    static LAYOUTS: [Layout; MAX_VECTOR_WIDTH + 1] = {
        let mut layouts = [const {
            Layout {
                bytes: [0; 32],
                shifts: [0; 8],
            }
        }; MAX_VECTOR_WIDTH + 1];
        let mut width = 0;
        while width <= MAX_VECTOR_WIDTH {
            let mut lane = 0;
            while lane < LANES {
                let half = if lane < 4 { 0 } else { width * 4 / 8 * 8 };
                let bit = lane * width - half;
                let mut byte = 0;
                while byte < 4 {
                    layouts[width].bytes[lane * 4 + byte] = (bit / 8 + byte) as u8;
                    byte += 1;
                }
                layouts[width].shifts[lane] = (bit % 8) as u32;
                lane += 1;
            }
            width += 1;
        }
        layouts
    };

    #[target_feature(enable = "avx2")]
    pub(super) fn unpack(packed: &[u8], width: usize, out: &mut [u32]) -> usize {
        let layout = &LAYOUTS[width];
        let bytes = load_32(&layout.bytes);
        let shifts = load(&layout.shifts);
        let mask = _mm256_set1_epi32((1 << width) - 1);
        let upper = width * 4 / 8;
        let mut done = 0;
        for (eight, start) in out.as_chunks_mut::<LANES>().0.iter_mut().zip((0..).step_by(width)) {
            let Some(window) = packed.get(start..start + upper + 16) else {
                break;
            };
            let (Some(low), Some(high)) = (window.first_chunk::<16>(), window.last_chunk::<16>()) else {
                break;
            };
            let both = _mm256_set_m128i(load_16(high), load_16(low));
            let words = _mm256_srlv_epi32(_mm256_shuffle_epi8(both, bytes), shifts);
            store(eight, _mm256_and_si256(words, mask));
            done += LANES;
        }
        done
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn largest(values: &[u32]) -> u32 {
        values.iter().copied().fold(0, u32::max)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn least(values: &[u32]) -> u32 {
        values.iter().copied().fold(u32::MAX, u32::min)
    }

    /// Returns how many values have been looked at.
    #[target_feature(enable = "avx2")]
    pub(super) fn find_others(values: &[u32], usual: u32, found: &mut Vec<usize>) -> usize {
        let usual = _mm256_set1_epi32(usual.cast_signed());
        let mut done = 0;
        for eight in values.as_chunks::<LANES>().0 {
            let same = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(load(eight), usual)));
            let mut others = !same & 0xff;
            while others != 0 {
                found.push(done + usize::try_from(others.trailing_zeros()).expect("8 lanes"));
                others &= others - 1;
            }
            done += LANES;
        }
        done
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn look_up(entries: &[u32; 16], indices: &mut [u32]) -> u32 {
        let [low, high] = entries.as_chunks::<LANES>().0 else {
            unreachable!("16 entries are two vectors");
        };
        let (low, high) = (load(low), load(high));
        let seven = _mm256_set1_epi32(7);
        let mut seen = _mm256_setzero_si256();
        let (vectors, rest) = indices.as_chunks_mut::<LANES>();
        for eight in vectors {
            let index = load(eight);
            let below = _mm256_permutevar8x32_epi32(low, index);
            let above = _mm256_permutevar8x32_epi32(high, index);
            let found = _mm256_blendv_epi8(below, above, _mm256_cmpgt_epi32(index, seven));
            seen = _mm256_or_si256(seen, found);
            store(eight, found);
        }
        let mut all = [0; LANES];
        store(&mut all, seen);
        all.iter()
            .fold(super::look_up_scalar(entries, rest), |all, lane| all | lane)
    }

    /// Returns how many rows have been done, and how many values are in them.
    #[target_feature(enable = "avx2")]
    pub(super) fn spread(levels: &[u64], values: &[u32], null: u32, out: &mut [u32]) -> (usize, usize) {
        let nulls = _mm256_set1_epi32(null.cast_signed());
        let lanes = load(&[1, 2, 4, 8, 16, 32, 64, 128]);
        let (mut done, mut next) = (0, 0);
        for out in out.as_chunks_mut::<LANES>().0 {
            let values = values.get(next..).and_then(|values| values.first_chunk::<LANES>());
            let (Some(values), Some(word)) = (values, levels.get(done / 64)) else {
                break;
            };
            let mask = word >> (done % 64) & 0xff;
            let from = &TAKEN_FROM[usize::try_from(mask).expect("8 bits")];
            let from = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(*from)));
            let taken = _mm256_permutevar8x32_epi32(load(values), from);
            let mask = i32::try_from(mask).expect("8 bits");
            let is_there = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(mask), lanes), lanes);
            store(out, _mm256_blendv_epi8(nulls, taken, is_there));
            next += usize::try_from(mask.count_ones()).expect("8 at most");
            done += LANES;
        }
        (done, next)
    }

    /// For each pattern of eight levels: which of the next values each lane takes.
    static TAKEN_FROM: [[u8; LANES]; 256] = {
        let mut all = [[0; LANES]; 256];
        let mut mask = 0;
        while mask < 256 {
            let (mut lane, mut next) = (0, 0);
            while lane < LANES {
                all[mask][lane] = next;
                next += (mask >> lane & 1) as u8;
                lane += 1;
            }
            mask += 1;
        }
        all
    };

    #[target_feature(enable = "avx2")]
    fn load(eight: &[u32; LANES]) -> __m256i {
        // SAFETY: eight values of 4 bytes; the load needs no alignment.
        unsafe { _mm256_loadu_si256(eight.as_ptr().cast::<__m256i>()) }
    }

    #[target_feature(enable = "avx2")]
    fn store(eight: &mut [u32; LANES], vector: __m256i) {
        // SAFETY: eight values of 4 bytes; the store needs no alignment.
        unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast::<__m256i>(), vector) };
    }

    #[target_feature(enable = "avx2")]
    fn load_16(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: the array has 16 bytes; the load needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()) }
    }

    #[target_feature(enable = "avx2")]
    fn load_32(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the array has 32 bytes; the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast::<__m256i>()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(values: &[u32], width: usize) -> Vec<u8> {
        let mut packed = vec![0; (values.len() * width).div_ceil(8)];
        for (position, value) in values.iter().enumerate() {
            for bit in 0..width {
                if value >> bit & 1 == 1 {
                    packed[(position * width + bit) / 8] |= 1 << ((position * width + bit) % 8);
                }
            }
        }
        packed
    }

    #[test]
    fn every_width_from_every_position_with_and_without_bytes_behind() {
        let mut state = 1_u32;
        let random: Vec<u32> = (0..200)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state ^ state >> 15
            })
            .collect();
        for width in 0..=MAX_WIDTH {
            let mask = u32::try_from((1_u64 << width) - 1).unwrap();
            let values: Vec<u32> = random.iter().map(|value| value & mask).collect();
            for behind in [0, 3, 40] {
                let mut packed = pack(&values, width);
                packed.resize(packed.len() + behind, 0xff);
                for first in 0..20 {
                    for count in [0, 1, 7, 8, 9, 64, 180] {
                        let mut out = vec![7; count];
                        unpack(&packed, width, first, &mut out);
                        assert_eq!(
                            out,
                            values[first..first + count],
                            "{width} bits, {behind} behind, {first}+{count}"
                        );
                    }
                }
                let one_by_one = (0..200).map(|at| bits_at(&packed, at * width, width));
                assert!(
                    one_by_one.eq(values.iter().map(|value| u64::from(*value))),
                    "{width} bits"
                );
            }
        }
    }

    #[test]
    fn values_are_looked_up_and_spread_as_one_by_one() {
        let entries = std::array::from_fn(|entry| u32::try_from(entry * entry + 1).unwrap());
        for count in [0, 1, 7, 8, 9, 100] {
            let indices: Vec<u32> = (0..count).map(|row| row * row % 16).collect();
            let expected: Vec<u32> = indices.iter().map(|index| index * index + 1).collect();
            let mut found = indices.clone();
            let seen = look_up(&entries, &mut found);
            assert_eq!(
                (&found, seen),
                (&expected, expected.iter().fold(0, |all, value| all | value))
            );
            assert_eq!(largest(&expected), expected.iter().copied().max().unwrap_or(0));
            assert_eq!(least(&expected), expected.iter().copied().min().unwrap_or(u32::MAX));
            let mut others = vec![7];
            find_others(&indices, 4, &mut others);
            let positions = indices
                .iter()
                .enumerate()
                .filter(|(_, index)| **index != 4)
                .map(|(at, _)| at);
            assert!(others.into_iter().eq([7].into_iter().chain(positions)));

            for pattern in [0, 1, 0x5555_5555, 0x8000_0001, 0xffff_ffff, 0x0ff0_3c81_u32] {
                let levels: Vec<u32> = (0..count).map(|row| pattern.rotate_right(row) & 1).collect();
                let there = levels.iter().filter(|level| **level == 1).count();
                let mut values = expected[..there].iter();
                let spread_out: Vec<u32> = levels
                    .iter()
                    .map(|level| if *level == 1 { *values.next().unwrap() } else { 99 })
                    .collect();
                let mut words = vec![0; levels.len().div_ceil(64)];
                levels
                    .iter()
                    .enumerate()
                    .for_each(|(row, level)| words[row / 64] |= u64::from(*level) << (row % 64));
                let mut found = vec![0; levels.len()];
                spread(&words, &expected[..there], 99, &mut found);
                assert_eq!(found, spread_out, "{pattern:#x}");
            }
        }
    }

    #[test]
    fn beyond_the_end_there_are_zeros() {
        let mut out = [9; 40];
        unpack(&[0xff, 0xff], 5, 0, &mut out);
        assert_eq!(out[..5], [31, 31, 31, 1, 0]);
        assert!(out[5..].iter().all(|value| *value == 0));
        assert_eq!(bits_at(&[0xff; 9], 3, 64), u64::MAX, "a value may lie in 9 bytes");
        assert_eq!(bits_at(&[1], 800, 64), 0);
    }
}
