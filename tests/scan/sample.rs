//! Rows that break every rule.

use super::reference::Row;

pub const SECOND: i128 = 1_000_000_000;
/// 2024-10-12 00:00 UTC.
pub const START: i128 = 1_728_691_200 * SECOND;

/// Rows that break every rule now and then, the same ones for a seed.
pub fn sample(count: usize, seed: u64) -> Vec<Row> {
    let mut state = seed;
    let mut next = move |below: u64| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    let mut row = move || {
        let mut pick = |values: &[i128]| values[usize::try_from(next(u64::try_from(values.len()).unwrap())).unwrap()];
        let often = |usual: i128, rare: i128, dice: i128| if dice == 0 { rare } else { usual };
        let dice: Vec<i128> = (0..20).collect();
        let hours: Vec<i128> = (0..24).collect();
        let minutes: Vec<i128> = (0..3_600).step_by(7).collect();
        let usual = START + (pick(&hours) * 3_600 + pick(&minutes)) * SECOND + pick(&[0, 1, 999_999_999]);
        let odd_ts = pick(&[
            START - 1,
            START + 86_400 * SECOND,
            -SECOND,
            40_000_000_000 * SECOND,
            START,
        ]);
        let meters = ["av", "recording", "mix_h264", "teapot", "", "AV"];
        let common = ["av", "recording", "mix_h264"];
        let (a, b) = (pick(&[0, 1, 2, 3, 4, 5]), pick(&[0, 1, 2]));
        let name = |names: &[&str], at: i128| names[usize::try_from(at).unwrap()].to_owned();
        Row {
            ts: (pick(&dice) > 0).then_some(often(usual, odd_ts, pick(&dice))),
            account_id: (pick(&dice) > 0).then_some(often(
                pick(&[1, 2, 3, 4, 5]),
                pick(&[0, -1, 6, 100, i128::from(u64::MAX)]),
                pick(&dice),
            )),
            sdk_app_id: (pick(&dice) > 0).then_some(often(
                pick(&[1, 7, 100, 120]),
                pick(&[0, -7, i128::from(i64::MIN)]),
                pick(&dice),
            )),
            meter: (pick(&dice) > 0).then_some(if pick(&dice) == 0 {
                name(&meters, a)
            } else {
                name(&common, b)
            }),
            seconds: (pick(&dice) > 0).then_some(often(
                pick(&[1, 1, 1, 60]),
                pick(&[0, -1, 86_400, 86_401]),
                pick(&dice),
            )),
            pixels: (pick(&dice) > 2).then_some(often(
                pick(&[0, 1, 100, 921_600, 921_601, 2_073_600, 4_000_000, 10_000_000]),
                pick(&[-1, i128::from(i64::MAX), i128::from(u64::MAX)]),
                pick(&dice),
            )),
        }
    };
    (0..count).map(|_| row()).collect()
}
