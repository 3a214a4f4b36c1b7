//! The loops with AVX-512: sixteen values at once, the last ones of a slice under a mask.

use std::arch::x86_64::{
    __m512i, __mmask16, _mm512_and_si512, _mm512_cmpneq_epi32_mask, _mm512_mask_expand_epi32, _mm512_mask_storeu_epi32,
    _mm512_maskz_loadu_epi8, _mm512_maskz_loadu_epi32, _mm512_max_epu32, _mm512_min_epu32, _mm512_or_si512,
    _mm512_permutexvar_epi8, _mm512_permutexvar_epi32, _mm512_reduce_max_epu32, _mm512_reduce_min_epu32,
    _mm512_reduce_or_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_srlv_epi32,
};

use super::MAX_VECTOR_WIDTH;

const LANES: usize = 16;

/// Where the sixteen values of a vector are, for one width.
struct Layout {
    /// For each value the four bytes that it lies in.
    bytes: [u8; 64],
    /// For each value how far it begins in these.
    shifts: [u32; LANES],
}

static LAYOUTS: [Layout; MAX_VECTOR_WIDTH + 1] = {
    let mut layouts = [const {
        Layout {
            bytes: [0; 64],
            shifts: [0; LANES],
        }
    }; MAX_VECTOR_WIDTH + 1];
    let mut width = 0;
    while width <= MAX_VECTOR_WIDTH {
        let mut lane = 0;
        while lane < LANES {
            let bit = lane * width;
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

/// Returns how many values have been taken: all. Zeros follow the last of `packed`.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn unpack(packed: &[u8], width: usize, out: &mut [u32]) -> usize {
    let layout = &LAYOUTS[width];
    let bytes = load_bytes(&layout.bytes);
    let shifts = load(&layout.shifts);
    let mask = _mm512_set1_epi32((1 << width) - 1);
    let take = |start: usize| {
        let rest = packed.get(start..).unwrap_or_default();
        let words = _mm512_permutexvar_epi8(bytes, load_bytes(rest));
        _mm512_and_si512(_mm512_srlv_epi32(words, shifts), mask)
    };
    let length = LANES * width / 8;
    let (vectors, last) = out.as_chunks_mut::<LANES>();
    let behind = vectors.len() * length;
    for (sixteen, start) in vectors.iter_mut().zip((0..).step_by(length)) {
        store(sixteen, take(start));
    }
    store(last, take(behind));
    out.len()
}

#[target_feature(enable = "avx512f")]
pub(super) fn largest(values: &[u32]) -> u32 {
    let (vectors, last) = values.as_chunks::<LANES>();
    let fold = |largest, sixteen: &[u32; LANES]| _mm512_max_epu32(largest, load(sixteen));
    _mm512_reduce_max_epu32(vectors.iter().fold(load(last), fold))
}

#[target_feature(enable = "avx512f")]
pub(super) fn least(values: &[u32]) -> u32 {
    let (vectors, rest) = values.as_chunks::<LANES>();
    let fold = |least, sixteen: &[u32; LANES]| _mm512_min_epu32(least, load(sixteen));
    let least = _mm512_reduce_min_epu32(vectors.iter().fold(_mm512_set1_epi32(-1), fold));
    rest.iter().copied().fold(least, u32::min)
}

/// Returns how many values have been looked at.
#[target_feature(enable = "avx512f")]
pub(super) fn find_others(values: &[u32], usual: u32, found: &mut Vec<usize>) -> usize {
    let usual = _mm512_set1_epi32(usual.cast_signed());
    let mut done = 0;
    for sixteen in values.as_chunks::<LANES>().0 {
        let mut others = _mm512_cmpneq_epi32_mask(load(sixteen), usual);
        while others != 0 {
            found.push(done + usize::try_from(others.trailing_zeros()).expect("16 lanes"));
            others &= others - 1;
        }
        done += LANES;
    }
    done
}

#[target_feature(enable = "avx512f")]
pub(super) fn look_up(entries: &[u32; LANES], indices: &mut [u32]) -> u32 {
    let entries_16 = load(entries);
    let mut seen = _mm512_setzero_si512();
    let (vectors, rest) = indices.as_chunks_mut::<LANES>();
    for sixteen in vectors {
        let found = _mm512_permutexvar_epi32(load(sixteen), entries_16);
        seen = _mm512_or_si512(seen, found);
        store(sixteen, found);
    }
    _mm512_reduce_or_epi32(seen).cast_unsigned() | super::look_up_scalar(entries, rest)
}

/// Returns how many rows have been done, and how many values are in them.
#[target_feature(enable = "avx512f")]
pub(super) fn spread(levels: &[u64], values: &[u32], null: u32, out: &mut [u32]) -> (usize, usize) {
    let nulls = _mm512_set1_epi32(null.cast_signed());
    let (mut done, mut next) = (0, 0);
    for sixteen in out.as_chunks_mut::<LANES>().0 {
        let (Some(word), Some(values)) = (levels.get(done / 64), values.get(next..)) else {
            break;
        };
        let mask = __mmask16::try_from(word >> (done % 64) & 0xffff).expect("16 bits");
        let there = usize::try_from(mask.count_ones()).expect("16 at most");
        if there > values.len() {
            break;
        }
        store(sixteen, _mm512_mask_expand_epi32(nulls, mask, load(values)));
        next += there;
        done += LANES;
    }
    (done, next)
}

/// A mask of the first `count` lanes, at most all.
fn first_lanes(count: usize) -> __mmask16 {
    if count >= LANES { !0 } else { (1 << count) - 1 }
}

/// The first sixteen values; zeros where there are fewer.
#[target_feature(enable = "avx512f")]
fn load(values: &[u32]) -> __m512i {
    // SAFETY: the mask has no more lanes than there are values; the load needs no alignment.
    unsafe { _mm512_maskz_loadu_epi32(first_lanes(values.len()), values.as_ptr().cast::<i32>()) }
}

/// Puts the first values of `vector` where there is place for them.
#[target_feature(enable = "avx512f")]
fn store(values: &mut [u32], vector: __m512i) {
    // SAFETY: the mask has no more lanes than there are values; the store needs no alignment.
    unsafe { _mm512_mask_storeu_epi32(values.as_mut_ptr().cast::<i32>(), first_lanes(values.len()), vector) };
}

/// The first 64 bytes; zeros where there are fewer.
#[target_feature(enable = "avx512f,avx512bw")]
fn load_bytes(bytes: &[u8]) -> __m512i {
    let mask = if bytes.len() >= 64 { !0 } else { (1 << bytes.len()) - 1 };
    // SAFETY: the mask has no more bytes than there are; the load needs no alignment.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast::<i8>()) }
}
