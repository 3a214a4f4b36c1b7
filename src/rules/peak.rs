//! Peaks (SPEC 3.7): the largest bandwidth of a period, in Mbps.

use crate::catalog::book::TierId;

use crate::units::quantity::{OutOfRange, Quantity};

/// Millionths of a Mbps in a kbps.
const MILLIONTHS_PER_KBPS: i64 = 1_000;

/// What a peak of `kbps` costs money for, in Mbps.
///
/// `[T]` relay: a month's peak to CSS that "does not exceed 100 Mbps" costs nothing; above it all of it is charged.
///
/// # Errors
/// [`OutOfRange`] when it does not fit.
pub(super) fn charged(free_if_at_most: &[(TierId, Quantity)], tier: TierId, kbps: i64) -> Result<Quantity, OutOfRange> {
    let peak = kbps
        .checked_mul(MILLIONTHS_PER_KBPS)
        .map(Quantity::from_units)
        .ok_or(OutOfRange { what: "quantity" })?;
    let free = free_if_at_most.iter().find(|(free, _)| *free == tier);
    Ok(match free {
        Some((_, at_most)) if peak <= *at_most => Quantity::ZERO,
        _ => peak,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSS: TierId = TierId(0);
    const THIRD_PARTY: TierId = TierId(1);

    /// kbps, and the Mbps that are charged where 100 Mbps to CSS are free.
    fn check(tier: TierId, kbps: i64, expected: &str) {
        let free = [(CSS, Quantity::from_whole(100).unwrap())];
        assert_eq!(charged(&free, tier, kbps).unwrap().to_string(), expected, "{kbps} kbps");
    }

    #[test]
    fn relay_example_1_5_mbps_to_css_cost_nothing() {
        check(CSS, 5_000, "0.000000");
    }

    #[test]
    fn relay_example_2_150_mbps_to_css_are_charged_whole() {
        check(CSS, 150_000, "150.000000");
    }

    #[test]
    fn relay_example_3_5_mbps_to_third_parties_are_charged() {
        check(THIRD_PARTY, 5_000, "5.000000");
    }

    #[test]
    fn a_peak_is_free_up_to_and_including_its_bound() {
        check(CSS, 0, "0.000000");
        check(CSS, 100_000, "0.000000");
        check(CSS, 100_001, "100.001000");
        check(THIRD_PARTY, 1, "0.001000");
        assert!(charged(&[], CSS, i64::MAX).is_err());
    }
}
