//! Exact fractions, so that the reference never rounds unless the contract says so.

/// `numerator / denominator`; the denominator is positive.
#[derive(Debug, Clone, Copy)]
pub struct Fraction {
    numerator: i128,
    denominator: i128,
}

impl Fraction {
    pub const ZERO: Self = Self::whole(0);

    pub const fn whole(number: i128) -> Self {
        Self {
            numerator: number,
            denominator: 1,
        }
    }

    pub fn of(numerator: i128, denominator: i128) -> Self {
        assert!(denominator != 0, "division by zero");
        let sign = denominator.signum();
        let common = greatest_common_divisor(numerator.abs(), denominator.abs()).max(1);
        Self {
            numerator: sign * numerator / common,
            denominator: sign * denominator / common,
        }
    }

    /// A plain decimal number such as `-1.50`.
    pub fn parse(text: &str) -> Self {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let places = u32::try_from(decimals.len()).expect("a short text");
        let all: i128 = format!("{whole}{decimals}").parse().expect("a decimal number");
        Self::of(sign * all, 10_i128.pow(places))
    }

    pub fn plus(self, other: Self) -> Self {
        Self::of(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        )
    }

    pub fn minus(self, other: Self) -> Self {
        self.plus(Self::of(-other.numerator, other.denominator))
    }

    pub fn times(self, other: Self) -> Self {
        Self::of(self.numerator * other.numerator, self.denominator * other.denominator)
    }

    pub fn divided_by(self, other: Self) -> Self {
        Self::of(self.numerator * other.denominator, self.denominator * other.numerator)
    }

    pub fn floor(self) -> i128 {
        self.numerator.div_euclid(self.denominator)
    }

    /// The next whole number, upwards.
    pub fn ceiling(self) -> i128 {
        -(-self.numerator).div_euclid(self.denominator)
    }

    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    pub fn is_negative(self) -> bool {
        self.numerator < 0
    }

    pub fn is_less_than(self, other: Self) -> bool {
        self.minus(other).is_negative()
    }

    /// To `places` decimals, towards minus infinity.
    pub fn rounded_down(self, places: u32) -> Self {
        let scale = 10_i128.pow(places);
        Self::of(self.times(Self::whole(scale)).floor(), scale)
    }

    /// To `places` decimals, halves away from zero.
    pub fn rounded_half_away_from_zero(self, places: u32) -> Self {
        let scale = 10_i128.pow(places);
        let sign = self.numerator.signum();
        let twice_scaled = 2 * self.numerator.abs() * scale + self.denominator;
        Self::of(sign * (twice_scaled / (2 * self.denominator)), scale)
    }

    /// With exactly `places` decimals; it must not need more.
    pub fn text(self, places: u32) -> String {
        let scale = 10_i128.pow(places);
        let scaled = self.times(Self::whole(scale));
        assert!(scaled.denominator == 1, "{self:?} needs more than {places} decimals");
        let (sign, magnitude) = (if scaled.numerator < 0 { "-" } else { "" }, scaled.numerator.abs());
        let width = usize::try_from(places).expect("few places");
        if places == 0 {
            return format!("{sign}{magnitude}");
        }
        format!("{sign}{}.{:0width$}", magnitude / scale, magnitude % scale)
    }
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::Fraction;

    #[test]
    fn rounds_halves_away_from_zero() {
        for (exact, rounded) in [
            ("4.1364", "4.14"),
            ("0.005", "0.01"),
            ("-0.005", "-0.01"),
            ("0.004999", "0.00"),
            ("1.61652", "1.62"),
            ("2", "2.00"),
        ] {
            assert_eq!(
                Fraction::parse(exact).rounded_half_away_from_zero(2).text(2),
                rounded,
                "{exact}"
            );
        }
    }

    #[test]
    fn floor_of_a_quotient() {
        let covers = |balance: &str, ratio: &str| Fraction::parse(balance).divided_by(Fraction::parse(ratio)).floor();
        assert_eq!(covers("10", "4"), 2);
        assert_eq!(covers("0.05", "0.02"), 2);
        assert_eq!(covers("191.89", "191.9"), 0);
        assert_eq!(covers("3", "1.5"), 2);
    }
}
