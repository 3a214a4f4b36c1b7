//! What has to hold of a decompressed page before a decoder sees it: the decoders allocate by what pages claim.

use parquet::basic::{Encoding, Type};

use super::bounds::{MAX_DELTA_LENGTHS, MAX_STRING_BYTES};

/// Checks a dictionary page of `values` values.
pub(in crate::inputs) fn check_dictionary(physical: Type, page: &[u8], values: usize) -> Result<(), String> {
    let width = match physical {
        Type::INT32 | Type::FLOAT => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::BYTE_ARRAY => return check_strings(page, values),
        other => return Err(format!("a dictionary of {other}")),
    };
    match values.checked_mul(width) {
        Some(needed) if needed <= page.len() => Ok(()),
        _ => Err(format!("its dictionary claims {values} values in {} bytes", page.len())),
    }
}

fn check_strings(page: &[u8], values: usize) -> Result<(), String> {
    let mut rest = page;
    for _ in 0..values {
        let cut_off = || format!("its dictionary claims {values} values in {} bytes", page.len());
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(cut_off)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut_off())?;
        check_string(length)?;
        rest = after.get(length..).ok_or_else(cut_off)?;
    }
    Ok(())
}

/// How many strings there are depends on the nulls: all that the bytes hold. The decoder says when they end early.
fn check_plain(bytes: &[u8]) -> Result<(), String> {
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Ok(length) = usize::try_from(u32::from_le_bytes(*length)) else {
            break;
        };
        let Some(after) = after.get(length..) else { break };
        check_string(length)?;
        rest = after;
    }
    Ok(())
}

fn check_string(length: usize) -> Result<(), String> {
    if length > MAX_STRING_BYTES {
        return Err(format!(
            "a string of {length} bytes, and at most {MAX_STRING_BYTES} are read"
        ));
    }
    Ok(())
}

/// Checks the values of a data page of `values` values: bytes after its levels.
pub(in crate::inputs) fn check_values(
    physical: Type,
    encoding: Encoding,
    bytes: &[u8],
    values: usize,
) -> Result<(), String> {
    let malformed = || "its delta-encoded lengths are malformed".to_owned();
    match (physical, encoding) {
        (Type::BYTE_ARRAY, Encoding::PLAIN) => check_plain(bytes),
        (Type::BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY) => {
            let (lengths, _) = delta_lengths(bytes, values).ok_or_else(malformed)?;
            lengths
                .iter()
                .try_for_each(|length| check_string(usize::try_from(*length).map_err(|_| malformed())?))
        }
        (Type::BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY) => {
            let (prefixes, used) = delta_lengths(bytes, values).ok_or_else(malformed)?;
            let after = bytes.get(used..).ok_or_else(malformed)?;
            let (suffixes, _) = delta_lengths(after, values).ok_or_else(malformed)?;
            if prefixes.len() != suffixes.len() {
                return Err(malformed());
            }
            // A prefix repeats the string before it: a few bytes of file for each.
            prefixes.iter().zip(&suffixes).try_for_each(|(prefix, suffix)| {
                let length = usize::try_from(*prefix)
                    .ok()
                    .zip(usize::try_from(*suffix).ok())
                    .and_then(|(prefix, suffix)| prefix.checked_add(suffix))
                    .ok_or_else(malformed)?;
                check_string(length)
            })
        }
        _ => Ok(()),
    }
}

/// The values of a DELTA_BINARY_PACKED stream of 32-bit integers, at most `limit`, and how many bytes it takes.
fn delta_lengths(bytes: &[u8], limit: usize) -> Option<(Vec<i32>, usize)> {
    let mut at = 0;
    let block = usize::try_from(varint(bytes, &mut at)?).ok()?;
    let miniblocks = usize::try_from(varint(bytes, &mut at)?).ok()?;
    let total = usize::try_from(varint(bytes, &mut at)?).ok()?;
    let first = zigzag(varint(bytes, &mut at)?);
    let per_miniblock = block.checked_div(miniblocks).filter(|count| *count > 0)?;
    if total > limit.min(MAX_DELTA_LENGTHS) {
        return None;
    }
    let mut values = Vec::with_capacity(total);
    if total > 0 {
        values.push(i32::try_from(first).ok()?);
    }
    while values.len() < total {
        let least = i32::try_from(zigzag(varint(bytes, &mut at)?)).ok()?;
        let widths = bytes.get(at..at.checked_add(miniblocks)?)?;
        at += miniblocks;
        for width in widths {
            // After the last value widths may be anything, and no bytes belong to them.
            if values.len() == total {
                break;
            }
            let width = usize::from(*width);
            if width > 32 {
                return None;
            }
            let packed = bytes.get(at..at.checked_add(per_miniblock.checked_mul(width)?.div_ceil(8))?)?;
            at += packed.len();
            unpack(
                packed,
                width,
                per_miniblock.min(total - values.len()),
                least,
                &mut values,
            );
        }
    }
    Some((values, at))
}

/// Appends `count` values: each `least` and a packed delta more than the one before, wrapping as the format says.
fn unpack(packed: &[u8], width: usize, count: usize, least: i32, values: &mut Vec<i32>) {
    let mut last = values.last().copied().unwrap_or(0);
    let mut bit = 0;
    for _ in 0..count {
        let mut delta = 0_u32;
        for position in 0..width {
            let set = packed
                .get((bit + position) / 8)
                .is_some_and(|byte| byte >> ((bit + position) % 8) & 1 == 1);
            delta |= u32::from(set) << position;
        }
        bit += width;
        last = last.wrapping_add(least).wrapping_add(delta.cast_signed());
        values.push(last);
    }
}

/// A variable-length integer of at most 64 bits at `at`, which moves behind it; None when it is cut off or longer.
pub(in crate::inputs) fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A signed integer that was stored with its sign in the lowest bit.
pub(in crate::inputs) fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the Parquet format's Encodings.md: 7, 5, 3, 1, 2, 3, 4, 5 in a block of 128 with 4 miniblocks;
    // deltas -2 -2 -2 1 1 1 1, least -2, packed 0 0 0 3 3 3 3 at 2 bits.
    const EXAMPLE: [u8; 17] = [0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0];

    #[test]
    fn delta_lengths_are_those_of_the_formats_example() {
        assert_eq!(
            delta_lengths(&EXAMPLE[..17], 8),
            None,
            "the miniblock of 32 values takes 8 bytes"
        );
        let mut whole = EXAMPLE.to_vec();
        whole.extend([0, 9, 9]);
        assert_eq!(delta_lengths(&whole, 8), Some((vec![7, 5, 3, 1, 2, 3, 4, 5], 18)));
        assert_eq!(delta_lengths(&whole, 7), None, "more than the page has");
    }

    #[test]
    fn hostile_lengths_are_refused() {
        // Block 128, no miniblocks; block 0; 2^31 values.
        for bytes in [
            &[0x80, 1, 0, 1, 0][..],
            &[0, 4, 1, 0],
            &[0x80, 1, 4, 0x80, 0x80, 0x80, 0x80, 8, 0],
        ] {
            assert_eq!(delta_lengths(bytes, usize::MAX), None);
        }
    }

    #[test]
    fn a_dictionary_that_claims_too_much_is_refused() {
        assert!(check_dictionary(Type::INT32, &[0; 8], 2).is_ok());
        assert!(check_dictionary(Type::INT32, &[0; 8], 3).is_err());
        assert!(check_dictionary(Type::BYTE_ARRAY, &[1, 0, 0, 0, b'a'], 1).is_ok());
        assert!(check_dictionary(Type::BYTE_ARRAY, &[2, 0, 0, 0, b'a'], 1).is_err());
        assert!(check_dictionary(Type::BYTE_ARRAY, &[255, 255, 255, 255, b'a'], 1).is_err());
        assert!(check_dictionary(Type::BOOLEAN, &[0; 8], 1).is_err());
    }
}
