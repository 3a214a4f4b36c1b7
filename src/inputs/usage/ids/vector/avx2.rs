//! The loops with AVX2: eight values at once.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi64_si128, _mm_loadu_si128, _mm256_and_si256, _mm256_blendv_epi8, _mm256_castsi256_ps,
    _mm256_cmpeq_epi32, _mm256_cmpgt_epi32, _mm256_cvtepu8_epi32, _mm256_loadu_si256, _mm256_movemask_ps,
    _mm256_or_si256, _mm256_permutevar8x32_epi32, _mm256_set_m128i, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srlv_epi32, _mm256_storeu_si256,
};

use super::MAX_VECTOR_WIDTH;

const LANES: usize = 8;

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
