use super::*;

/// All that this processor has.
fn levels() -> Vec<Level> {
    let all = [
        Level::Scalar,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2,
    ];
    all.into_iter().filter(|level| *level <= Level::best()).collect()
}

/// Of values; of whole vectors and others.
const COUNTS: [u32; 8] = [0, 1, 7, 8, 9, 16, 33, 100];

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
                for count in [0, 1, 7, 8, 9, 17, 64, 180] {
                    for level in levels() {
                        let mut out = vec![7; count];
                        level.unpack(&packed, width, first, &mut out);
                        assert_eq!(
                            out,
                            values[first..first + count],
                            "{level:?}: {width} bits, {behind} behind, {first}+{count}"
                        );
                    }
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
fn values_are_looked_up_and_compared_as_one_by_one() {
    let entries = std::array::from_fn(|entry| u32::try_from(entry * entry + 1).unwrap());
    for (level, count) in levels()
        .into_iter()
        .flat_map(|level| COUNTS.map(|count| (level, count)))
    {
        let indices: Vec<u32> = (0..count).map(|row| row * row % 16).collect();
        let expected: Vec<u32> = indices.iter().map(|index| index * index + 1).collect();
        let mut found = indices.clone();
        let seen = level.look_up(&entries, &mut found);
        assert_eq!(
            (&found, seen),
            (&expected, expected.iter().fold(0, |all, value| all | value)),
            "{level:?}"
        );
        assert_eq!(level.largest(&expected), expected.iter().copied().max().unwrap_or(0));
        assert_eq!(
            level.least(&expected),
            expected.iter().copied().min().unwrap_or(u32::MAX)
        );
        let mut others = vec![7];
        level.find_others(&indices, 4, &mut others);
        let each = indices.iter().enumerate().filter(|(_, index)| **index != 4);
        let positions = each.map(|(at, _)| at);
        assert!(others.into_iter().eq([7].into_iter().chain(positions)), "{level:?}");
    }
}

#[test]
fn values_are_spread_as_one_by_one() {
    for (level, count) in levels()
        .into_iter()
        .flat_map(|level| COUNTS.map(|count| (level, count)))
    {
        for pattern in [0, 1, 0x5555_5555, 0x8000_0001, 0xffff_ffff, 0x0ff0_3c81_u32] {
            let levels: Vec<u32> = (0..count).map(|row| pattern.rotate_right(row) & 1).collect();
            let there = levels.iter().sum::<u32>();
            let values: Vec<u32> = (0..there).map(|value| value * value + 1).collect();
            let mut rest = values.iter();
            let expected = levels.iter().map(|level| match level {
                1 => *rest.next().unwrap(),
                _ => 99,
            });
            let expected: Vec<u32> = expected.collect();
            let mut words = vec![0; levels.len().div_ceil(64)];
            for (row, is_there) in levels.iter().enumerate() {
                words[row / 64] |= u64::from(*is_there) << (row % 64);
            }
            let mut found = vec![0; levels.len()];
            level.spread(&words, &values, 99, &mut found);
            assert_eq!(found, expected, "{level:?}: {pattern:#x}");
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
