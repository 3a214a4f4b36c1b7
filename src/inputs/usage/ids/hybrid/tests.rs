//! The RLE / bit-packing hybrid, run by run and piece by piece.

use super::*;

#[test]
fn bits_are_those_that_would_be_filled() {
    // 1 x 70; packed 16; 0 x 9; packed 8 x 8.
    let bytes = [0x8c, 1, 1, 5, 0xa5, 0x3c, 18, 0, 17, 1, 2, 3, 4, 5, 6, 7, 0xff];
    for size in 1..160 {
        let (mut filled, mut bits) = (Hybrid::new(1, 0).unwrap(), Hybrid::new(1, 0).unwrap());
        let mut left: usize = 70 + 16 + 9 + 64;
        while left > 0 {
            let now = size.min(left);
            let (mut values, mut words) = (vec![0; now], Bits::default());
            filled.fill(&bytes, &mut values).unwrap();
            bits.fill_bits(&bytes, now, &mut words).unwrap();
            let found = (0..now).map(|row| words.words()[row / 64] >> (row % 64) & 1);
            assert!(
                found.eq(values.iter().map(|value| u64::from(*value))),
                "{size} at a time"
            );
            assert_eq!(words.ones(), values.iter().filter(|value| **value == 1).count());
            left -= now;
        }
    }
}

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
        let (mut others, mut hybrid) = (Vec::new(), Hybrid::new(3, 0).unwrap());
        for first in (0..33).step_by(size) {
            let piece = (first + 100, size.min(33 - first));
            hybrid.find_others(&BYTES, piece, 6, &mut others).unwrap();
        }
        let expected = (100..).zip(values()).filter(|(_, value)| *value != 6);
        assert!(others.into_iter().eq(expected), "{size} at a time");
        assert!(
            matches!(hybrid.fill(&BYTES, &mut [0]), Err(Stop::GiveUp)),
            "there are no more"
        );
    }
}

fn push_header(bytes: &mut Vec<u8>, header: usize) {
    let low = u8::try_from(header & 0x7f).unwrap();
    match u8::try_from(header >> 7).unwrap() {
        0 => bytes.push(low),
        high => bytes.extend([low | 0x80, high]),
    }
}

/// A stream of runs of both kinds, mostly short ones, of values that are mostly `usual`; and its values.
fn stream(width: usize, usual: u32, seed: u64) -> (Vec<u8>, Vec<u32>) {
    let mut state = seed;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut bytes, mut values) = (Vec::new(), Vec::new());
    for _ in 0..60 {
        let long = if random(8) == 0 { 70 } else { 5 };
        let count = usize::try_from(random(long) + 1).unwrap();
        let mut value = |of: u64| match random(of) {
            0 => u32::try_from(random(1 << width)).unwrap(),
            _ => usual,
        };
        if value(2) == usual {
            push_header(&mut bytes, count * 2);
            let value = value(4);
            bytes.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8)]);
            values.extend(std::iter::repeat_n(value, count));
            continue;
        }
        push_header(&mut bytes, count * 2 + 1);
        let mut packed = vec![0_u8; count * width];
        for at in 0..count * 8 {
            let value = value(6);
            values.push(value);
            for bit in (0..width).filter(|bit| value >> bit & 1 == 1) {
                packed[(at * width + bit) / 8] |= 1 << ((at * width + bit) % 8);
            }
        }
        bytes.extend(packed);
    }
    (bytes, values)
}

#[test]
fn others_are_found_wherever_they_are() {
    for (width, seed) in (1..=12).flat_map(|width| (0..20).map(move |seed| (width, seed))) {
        let usual = u32::try_from(seed).unwrap() % (1 << width);
        let (bytes, values) = stream(width, usual, seed);
        for size in [1, 13, 64, 1000, values.len()] {
            let (mut filling, mut finding) = (Hybrid::new(width, 0).unwrap(), Hybrid::new(width, 0).unwrap());
            let (mut filled, mut found) = (vec![0; values.len()], Vec::new());
            for (piece, first) in filled.chunks_mut(size).zip((0..).step_by(size)) {
                finding
                    .find_others(&bytes, (first, piece.len()), usual, &mut found)
                    .unwrap();
                filling.fill(&bytes, piece).unwrap();
            }
            assert_eq!(filled, values, "{width} bits, seed {seed}, {size} at a time");
            let expected = values.iter().copied().enumerate().filter(|(_, value)| *value != usual);
            assert!(
                found.into_iter().eq(expected),
                "{width} bits, seed {seed}, {size} at a time"
            );
        }
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
