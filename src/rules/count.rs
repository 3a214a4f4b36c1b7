//! Counts (SPEC 3.7): images of a period above the free ones, rounded up.

use crate::units::quantity::OutOfRange;

/// How many of `counted` are charged: what is above `free`, rounded up to a multiple of `round_up_to`.
///
/// `[T]` video screenshots: "a monthly free quota of 10 thousand screenshots"; "less than 1 thousand images … will be rounded
/// up to 1 thousand". A catalog lets `round_up_to` be positive only.
///
/// # Errors
/// [`OutOfRange`] when it does not fit.
pub(super) fn charged(counted: i64, free: i64, round_up_to: i64) -> Result<i64, OutOfRange> {
    const WHAT: OutOfRange = OutOfRange { what: "quantity" };
    let above = counted.checked_sub(free).ok_or(WHAT)?.max(0);
    let whole = above.checked_div(round_up_to).ok_or(WHAT)?;
    let begun = i64::from(above.checked_rem(round_up_to).ok_or(WHAT)? != 0);
    whole
        .checked_add(begun)
        .and_then(|steps| steps.checked_mul(round_up_to))
        .ok_or(WHAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screenshots_example_1_8_thousand_are_free() {
        assert_eq!(charged(8_000, 10_000, 1_000), Ok(0));
    }

    /// Decision M9: the guide charges "20 (thousand)" after it has worked out 12.
    #[test]
    fn screenshots_example_2_22_thousand_are_12_thousand_above_the_free_ones() {
        assert_eq!(charged(22_000, 10_000, 1_000), Ok(12_000));
    }

    #[test]
    fn what_is_above_the_free_ones_is_rounded_up() {
        let cases = [
            (0, 10_000, 1_000, 0),
            (10_000, 10_000, 1_000, 0),
            (10_001, 10_000, 1_000, 1_000),
            (11_000, 10_000, 1_000, 1_000),
            (11_001, 10_000, 1_000, 2_000),
            (7, 0, 1, 7),
            (7, 0, 3, 9),
        ];
        for (counted, free, round_up_to, expected) in cases {
            assert_eq!(charged(counted, free, round_up_to), Ok(expected), "{counted}");
        }
        assert!(charged(i64::MAX, 0, 1_000_000_000).is_err());
    }
}
