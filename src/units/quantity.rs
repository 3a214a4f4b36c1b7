//! The units of the trade as types: ids, days, instants, seconds, minutes, quota, prices and money.
//!
//! Everything is an integer of one stated unit. Nothing here rounds, except [`Amount::round_to_cents`],
//! the one place that rounds a bill.

use std::fmt;
use std::num::NonZero;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;

/// A number that does not fit its type: the value that was asked for, and the type's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is out of range")]
pub struct OutOfRange {
    /// What overflowed, in the words of the contract ("seconds", "amount", …).
    pub what: &'static str,
}

/// An account: a positive integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(i64);

impl AccountId {
    /// The account with this number, if it is positive.
    pub fn new(id: i64) -> Option<Self> {
        (id > 0).then_some(Self(id))
    }

    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An application (SDKAppID): a positive integer, or 0 for what belongs to the whole account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SdkAppId(i64);

impl SdkAppId {
    /// The app of account-rounded lines and account-wide packages.
    pub const ACCOUNT_WIDE: Self = Self(0);

    /// The app with this number, if it is positive.
    pub fn new(id: i64) -> Option<Self> {
        (id > 0).then_some(Self(id))
    }

    /// The number, 0 for [`SdkAppId::ACCOUNT_WIDE`].
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SdkAppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A billing day: a calendar date in the job's time zone, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillingDay(i32);

impl BillingDay {
    /// The day of this date. Every date that chrono can hold fits.
    pub fn from_date(date: NaiveDate) -> Self {
        Self(date.to_epoch_days())
    }

    /// The day that is this many days after 1970-01-01, if a date can hold it.
    pub fn from_epoch_days(days: i32) -> Option<Self> {
        NaiveDate::from_epoch_days(days).map(|_| Self(days))
    }

    /// The date.
    pub fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).expect("every BillingDay is made from a date")
    }

    /// Days since 1970-01-01 (Arrow's `date32`).
    pub fn epoch_days(self) -> i32 {
        self.0
    }

    /// The day `days` later (earlier when negative), if a date can hold it.
    pub fn checked_add_days(self, days: i64) -> Option<Self> {
        let days = i64::from(self.0).checked_add(days)?;
        Self::from_epoch_days(i32::try_from(days).ok()?)
    }

    /// The first day of its month.
    pub fn first_of_month(self) -> Self {
        Self::from_date(self.date().with_day(1).expect("every month has a first day"))
    }

    /// Whether the next day belongs to another month.
    pub fn is_last_of_month(self) -> bool {
        self.date().succ_opt().is_none_or(|next| next.day() == 1)
    }

    /// The same day of the month `months` later, or that month's last day.
    pub fn checked_add_months(self, months: u32) -> Option<Self> {
        self.date()
            .checked_add_months(chrono::Months::new(months))
            .map(Self::from_date)
    }
}

impl fmt::Display for BillingDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

/// A moment, as microseconds since 1970-01-01 00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// The moment this many microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// So many hours of 3,600 s later, if 64 bits can hold it.
    pub fn checked_add_hours(self, hours: i64) -> Option<Self> {
        const MICROS: i64 = 3_600_000_000;
        hours
            .checked_mul(MICROS)
            .and_then(|micros| self.0.checked_add(micros))
            .map(Self)
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC; the bare number of microseconds where no date can hold it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            None => write!(f, "{} µs", self.0),
        }
    }
}

macro_rules! count {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// None of it.
            pub const ZERO: Self = Self(0);

            /// This many.
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The bare number.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The sum.
            ///
            /// # Errors
            /// [`OutOfRange`] when it leaves 64 bits.
            pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
                self.0.checked_add(other.0).map(Self).ok_or(OutOfRange { what: $what })
            }

            /// The difference.
            ///
            /// # Errors
            /// [`OutOfRange`] when it leaves 64 bits.
            pub fn minus(self, other: Self) -> Result<Self, OutOfRange> {
                self.0.checked_sub(other.0).map(Self).ok_or(OutOfRange { what: $what })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

count!(
    /// Seconds of usage.
    Seconds,
    "seconds"
);
count!(
    /// Whole minutes of usage.
    Minutes,
    "minutes"
);

impl Seconds {
    /// Minutes, rounded up. `[T]`: "calculated in seconds … and then converted to minutes (rounded up)".
    pub fn to_minutes_rounded_up(self) -> Minutes {
        let whole = self.0.div_euclid(60);
        let begun = i64::from(self.0.rem_euclid(60) != 0);
        Minutes(whole.checked_add(begun).expect("a sixtieth of 64 bits has room"))
    }
}

macro_rules! fixed_point {
    ($(#[$doc:meta])* $name:ident, $int:ty, $scale:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($int);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// Digits after the decimal point.
            pub const SCALE: u32 = $scale;

            /// This many of the smallest unit, 10^-[`Self::SCALE`].
            pub const fn from_units(units: $int) -> Self {
                Self(units)
            }

            /// The number of smallest units.
            pub const fn units(self) -> $int {
                self.0
            }

            /// The number written in `text`, exactly.
            ///
            /// # Errors
            /// [`BadNumber`] when it is no plain decimal number, has more decimals than
            /// [`Self::SCALE`], or does not fit.
            pub fn parse(text: &str) -> Result<Self, BadNumber> {
                let units = parse_units(text, Self::SCALE)?;
                <$int>::try_from(units).map(Self).map_err(|_| BadNumber::TooLarge)
            }

            /// The sum.
            ///
            /// # Errors
            /// [`OutOfRange`] when it does not fit.
            pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
                self.0.checked_add(other.0).map(Self).ok_or(OutOfRange { what: $what })
            }

            /// The difference.
            ///
            /// # Errors
            /// [`OutOfRange`] when it does not fit.
            pub fn minus(self, other: Self) -> Result<Self, OutOfRange> {
                self.0.checked_sub(other.0).map(Self).ok_or(OutOfRange { what: $what })
            }
        }

        impl fmt::Display for $name {
            /// All decimals of the scale: `4.14`, `0.000000`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format_units(i128::from(self.0), Self::SCALE))
            }
        }
    };
}

fixed_point!(
    /// Prepaid quota, in hundredths of a minute.
    Quota,
    i64,
    2,
    "quota"
);
fixed_point!(
    /// Quota minutes that one usage minute takes, in hundredths. In a catalog always positive.
    Ratio,
    i64,
    2,
    "ratio"
);
fixed_point!(
    /// Money that is charged or paid, in cents (hundredths of the currency).
    Cents,
    i64,
    2,
    "money"
);
impl Cents {
    /// The same as a price.
    ///
    /// # Errors
    /// [`OutOfRange`] when it does not fit.
    pub fn to_unit_price(self) -> Result<UnitPrice, OutOfRange> {
        let units = self.0.checked_mul(10_000).ok_or(OutOfRange { what: "price" })?;
        Ok(UnitPrice::from_units(units))
    }
}

fixed_point!(
    /// A price of one `per`, in millionths of the currency.
    UnitPrice,
    i64,
    6,
    "price"
);
fixed_point!(
    /// The quantity of a bill line, in millionths (minutes, Mbps, images, users, packages).
    Quantity,
    i64,
    6,
    "quantity"
);
fixed_point!(
    /// An exact amount before rounding, in 10^-9 of the currency.
    Amount,
    i128,
    9,
    "amount"
);

impl Quota {
    /// This many whole minutes of quota.
    ///
    /// # Errors
    /// [`OutOfRange`] when it does not fit.
    pub fn from_minutes(minutes: Minutes) -> Result<Self, OutOfRange> {
        minutes
            .get()
            .checked_mul(100)
            .map(Self)
            .ok_or(OutOfRange { what: "quota" })
    }

    /// What `minutes` of usage take at `ratio`.
    ///
    /// # Errors
    /// [`OutOfRange`] when it does not fit.
    pub fn taken(minutes: Minutes, ratio: Ratio) -> Result<Self, OutOfRange> {
        minutes
            .get()
            .checked_mul(ratio.units())
            .map(Self)
            .ok_or(OutOfRange { what: "quota" })
    }

    /// Whole minutes of usage that this balance covers at `ratio`: floor(balance / ratio).
    pub fn covers(self, ratio: Ratio) -> Minutes {
        assert!(
            self.0 >= 0 && ratio.units() > 0,
            "balances are not negative, ratios positive"
        );
        Minutes::new(self.0.checked_div(ratio.units()).expect("the ratio is positive"))
    }
}

impl Quantity {
    /// This many whole ones.
    ///
    /// # Errors
    /// [`OutOfRange`] when it does not fit.
    pub fn from_whole(count: i64) -> Result<Self, OutOfRange> {
        count
            .checked_mul(1_000_000)
            .map(Self)
            .ok_or(OutOfRange { what: "quantity" })
    }
}

impl Amount {
    /// quantity x unit_price / per, exactly.
    ///
    /// # Errors
    /// [`OutOfRange`] when nine decimals cannot hold it (never for whole quantities: prices have six
    /// decimals and `per` is at most 1000) or it is too large for 28 digits.
    pub fn of(quantity: Quantity, price: UnitPrice, per: i64) -> Result<Self, OutOfRange> {
        const WHAT: OutOfRange = OutOfRange { what: "amount" };
        const DIGITS_28: i128 = 10_i128.pow(28);
        let product = i128::from(quantity.units())
            .checked_mul(i128::from(price.units()))
            .ok_or(WHAT)?;
        let divisor = i128::from(per).checked_mul(1_000).ok_or(WHAT)?;
        if product.checked_rem(divisor) != Some(0) {
            return Err(WHAT);
        }
        let units = product.checked_div(divisor).ok_or(WHAT)?;
        if units.abs() >= DIGITS_28 {
            return Err(WHAT);
        }
        Ok(Self(units))
    }

    /// Rounded to cents, half away from zero. `[T]`: 4.1364 becomes 4.14. The only place that rounds a bill.
    ///
    /// # Errors
    /// [`OutOfRange`] when it does not fit.
    pub fn round_to_cents(self) -> Result<Cents, OutOfRange> {
        const CENT: i128 = 10_i128.pow(Amount::SCALE - Cents::SCALE);
        let half = if self.0 < 0 { -CENT / 2 } else { CENT / 2 };
        self.0
            .checked_add(half)
            .and_then(|moved| i64::try_from(moved / CENT).ok())
            .map(Cents)
            .ok_or(OutOfRange { what: "amount" })
    }
}

/// Why a text is no number of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNumber {
    /// Not a plain decimal number such as `12`, `-0.5`.
    #[error("not a decimal number")]
    NotANumber,
    /// More digits after the point than the kind has.
    #[error("more than {max} decimals")]
    TooManyDecimals {
        /// The most that is allowed.
        max: u32,
    },
    /// Too large for its kind.
    #[error("too large")]
    TooLarge,
}

/// The number in `text` as a count of 10^-`scale`.
fn parse_units(text: &str, scale: u32) -> Result<i128, BadNumber> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.bytes().filter(|b| *b == b'.').count() <= 1;
    if !plain {
        return Err(BadNumber::NotANumber);
    }
    // A plain number fails only for its length.
    let number = Decimal::from_str_exact(text).map_err(|error| match error {
        rust_decimal::Error::Underflow => BadNumber::TooManyDecimals { max: scale },
        _ => BadNumber::TooLarge,
    })?;
    let number = number.normalize();
    if number.scale() > scale {
        return Err(BadNumber::TooManyDecimals { max: scale });
    }
    scale
        .checked_sub(number.scale())
        .and_then(|zeros| 10_i128.checked_pow(zeros))
        .and_then(|factor| number.mantissa().checked_mul(factor))
        .ok_or(BadNumber::TooLarge)
}

fn format_units(units: i128, scale: u32) -> String {
    let base = NonZero::new(10_u128.pow(scale)).expect("a power of ten is not 0");
    let sign = if units < 0 { "-" } else { "" };
    let magnitude = units.unsigned_abs();
    let (whole, fraction) = (magnitude / base, magnitude % base);
    format!(
        "{sign}{whole}.{fraction:0width$}",
        width = usize::try_from(scale).unwrap_or(0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_up_to_minutes() {
        for (seconds, minutes) in [(0, 0), (1, 1), (59, 1), (60, 1), (61, 2), (5_000, 84), (10_000, 167)] {
            assert_eq!(Seconds::new(seconds).to_minutes_rounded_up(), Minutes::new(minutes));
        }
        assert_eq!(Seconds::new(i64::MAX).to_minutes_rounded_up().get(), i64::MAX / 60 + 1);
    }

    /// `[T]`: 4.1364 becomes 4.14, 1.61652 becomes 1.62; half goes away from zero, for corrections too.
    #[test]
    fn amounts_round_half_away_from_zero() {
        for (exact, rounded) in [
            ("4.1364", "4.14"),
            ("1.2564", "1.26"),
            ("1.61652", "1.62"),
            ("0.004999999", "0.00"),
            ("0.005", "0.01"),
            ("0.015", "0.02"),
            ("0.025", "0.03"),
            ("-0.005", "-0.01"),
            ("-0.004999999", "0.00"),
            ("-4.1364", "-4.14"),
        ] {
            let exact = Amount::parse(exact).unwrap();
            assert_eq!(exact.round_to_cents().unwrap().to_string(), rounded, "{exact}");
        }
        assert!(Amount::from_units(i128::MAX).round_to_cents().is_err());
        assert!(
            Amount::from_units(i128::from(i64::MAX) * 10_i128.pow(8))
                .round_to_cents()
                .is_err()
        );
    }

    #[test]
    fn an_amount_is_quantity_times_price_per() {
        for (minutes, price, per, amount) in [
            (60, "3.99", 1000, "0.239400000"),
            (240, "15.99", 1000, "3.837600000"),
            (1, "0.000001", 1000, "0.000000001"),
            (3, "499", 1, "1497.000000000"),
        ] {
            let quantity = Quantity::from_whole(minutes).unwrap();
            let amount_of = Amount::of(quantity, UnitPrice::parse(price).unwrap(), per).unwrap();
            assert_eq!(amount_of.to_string(), amount);
        }
        let price = UnitPrice::parse("0.000001").unwrap();
        assert!(
            Amount::of(Quantity::from_units(1), price, 1000).is_err(),
            "ten decimals and more"
        );
        assert!(Quantity::from_whole(i64::MAX / 1_000_000 + 1).is_err());
        let most = Quantity::from_units(i64::MAX / 1_000_000 * 1_000_000);
        assert!(
            Amount::of(most, UnitPrice::from_units(i64::MAX), 1).is_err(),
            "28 digits"
        );
    }

    #[test]
    fn numbers_are_parsed_exactly_or_refused() {
        for (text, units) in [
            ("12", Ok(1_200)),
            ("-0.5", Ok(-50)),
            ("191.9", Ok(19_190)),
            ("0.020", Ok(2)),
            ("0.001", Err(BadNumber::TooManyDecimals { max: 2 })),
            ("92233720368547758.07", Ok(i64::MAX)),
            ("92233720368547758.08", Err(BadNumber::TooLarge)),
            ("99999999999999999999999999999999", Err(BadNumber::TooLarge)),
            (
                "0.00000000000000000000000000000000001",
                Err(BadNumber::TooManyDecimals { max: 2 }),
            ),
            ("", Err(BadNumber::NotANumber)),
            ("-", Err(BadNumber::NotANumber)),
            (".", Err(BadNumber::NotANumber)),
            ("1.2.3", Err(BadNumber::NotANumber)),
            ("1e3", Err(BadNumber::NotANumber)),
            ("1_000", Err(BadNumber::NotANumber)),
            ("+1", Err(BadNumber::NotANumber)),
            (" 1", Err(BadNumber::NotANumber)),
        ] {
            assert_eq!(Ratio::parse(text).map(Ratio::units), units, "{text:?}");
        }
    }

    #[test]
    fn a_balance_covers_whole_minutes_only() {
        let balance = Quota::from_minutes(Minutes::new(10)).unwrap();
        for (ratio, minutes) in [("1", 10), ("4", 2), ("1.5", 6), ("10.01", 0), ("0.02", 500)] {
            assert_eq!(
                balance.covers(Ratio::parse(ratio).unwrap()),
                Minutes::new(minutes),
                "{ratio}"
            );
        }
    }

    #[test]
    fn sums_that_leave_their_range_are_errors() {
        assert!(Seconds::new(i64::MAX).plus(Seconds::new(1)).is_err());
        assert!(Minutes::new(i64::MIN).minus(Minutes::new(1)).is_err());
        assert!(Cents::from_units(i64::MAX).plus(Cents::from_units(1)).is_err());
        assert!(Quota::from_minutes(Minutes::new(i64::MAX / 100 + 1)).is_err());
        assert!(Quota::taken(Minutes::new(i64::MAX), Ratio::from_units(2)).is_err());
    }

    #[test]
    fn months_clamp_to_the_last_day() {
        let day = |text: &str| BillingDay::from_date(text.parse().unwrap());
        for (from, months, to) in [
            ("2024-01-31", 1, "2024-02-29"),
            ("2023-01-31", 1, "2023-02-28"),
            ("2024-01-31", 3, "2024-04-30"),
            ("2023-12-15", 1, "2024-01-15"),
        ] {
            assert_eq!(day(from).checked_add_months(months), Some(day(to)));
        }
    }
}
