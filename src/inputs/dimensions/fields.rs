//! Values to the words of the trade. What does not parse says which value, and what to write instead.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, SecondsFormat};

use crate::units::calendar::Calendar;
use crate::units::quantity::{BillingDay, Cents, Instant};

use super::read::Value;

/// The largest money that a row may hold, so that sums over an account stay in 64 bits: 10^15 cents.
pub(super) const MAX_MONEY: Cents = Cents::from_units(1_000_000_000_000_000);

/// A value for people, not too long.
pub(super) fn show(value: Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Text(text) => show_text(text),
        Value::Integer(number) => number.to_string(),
        Value::Decimal { units, scale } => format!("\"{}\"", decimal(units, scale)),
        Value::Boolean(value) => value.to_string(),
        Value::Date(days) => BillingDay::from_epoch_days(days).map_or_else(|| format!("day {days}"), |d| d.to_string()),
        Value::Timestamp { ticks, per_second } => {
            timestamp(ticks, per_second).unwrap_or_else(|| format!("timestamp {ticks} of 1/{per_second} s"))
        }
    }
}

/// `units` x 10^-`scale` as people write it: 1.005, without zeros at the end of its decimals.
fn decimal(units: i128, scale: usize) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{decimals}")
}

/// RFC 3339 with as many decimals as it has; None beyond the years that a calendar knows.
fn timestamp(ticks: i64, per_second: i64) -> Option<String> {
    let rest = ticks.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let at = DateTime::from_timestamp(ticks.div_euclid(per_second), u32::try_from(rest).ok()?)?;
    Some(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// A text for people: in quotes, escaped, not too long.
pub(super) fn show_text(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        format!("{text:?}")
    } else {
        format!("{:?}…", text.chars().take(MOST).collect::<String>())
    }
}

/// A text; integers count as their digits, as they would in CSV. None: null or empty.
pub(super) fn text(value: Value<'_>) -> Result<Option<Cow<'_, str>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(Cow::Borrowed(text))),
        Value::Integer(number) => Ok(Some(Cow::Owned(number.to_string()))),
        other => Err(format!("{} is no string", show(other))),
    }
}

/// An id of an account or app.
pub(super) fn positive(value: Value<'_>) -> Result<i64, String> {
    let number = match value {
        Value::Null => return Err("is empty; it has to name a positive integer".to_owned()),
        Value::Text(text) => parse_integer(text).ok_or(()),
        Value::Integer(number) => Ok(number),
        Value::Decimal { units, scale } => whole(units, scale).ok_or(()),
        _ => Err(()),
    };
    number
        .ok()
        .and_then(|number| i64::try_from(number).ok())
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{} is no positive integer of 64 bits", show(value)))
}

/// Plain digits with an optional minus: no plus, no spaces, no separators.
fn parse_integer(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn whole(units: i128, scale: usize) -> Option<i128> {
    let factor = 10_i128.checked_pow(u32::try_from(scale).ok()?)?;
    (units % factor == 0).then_some(units / factor)
}

/// Money or quota: an exact decimal number with at most two decimals, as hundredths. None: null.
pub(super) fn hundredths(value: Value<'_>) -> Result<Option<i64>, String> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Text(text) => Cents::parse(text)
            .map(|cents| i128::from(cents.units()))
            .map_err(|error| format!("{}: {error}; write it like 12.34", show(value)))?,
        Value::Integer(number) => number.checked_mul(100).ok_or_else(|| too_large(value))?,
        Value::Decimal { units, scale: 0 } => units.checked_mul(100).ok_or_else(|| too_large(value))?,
        Value::Decimal { units, scale: 1 } => units.checked_mul(10).ok_or_else(|| too_large(value))?,
        Value::Decimal { units, scale } => whole(units, scale - 2)
            .ok_or_else(|| format!("{}: more than 2 decimals; write it like 12.34", show(value)))?,
        other => return Err(format!("{} is no decimal number", show(other))),
    };
    let limit = i128::from(MAX_MONEY.units());
    if number.abs() > limit {
        return Err(too_large(value));
    }
    Ok(i64::try_from(number).ok())
}

fn too_large(value: Value<'_>) -> String {
    format!("{} is too large; at most {MAX_MONEY} is accepted", show(value))
}

/// true, false, 1 or 0. None: null.
pub(super) fn boolean(value: Value<'_>) -> Result<Option<bool>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Boolean(value) => Ok(Some(value)),
        Value::Integer(0) => Ok(Some(false)),
        Value::Integer(1) => Ok(Some(true)),
        Value::Text(text) if text == "1" || text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::Text(text) if text == "0" || text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        other => Err(format!("{} is neither true nor false", show(other))),
    }
}

/// The instants and days that the calendar accepts, worked out once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    first_instant: Instant,
    end: Instant,
    first_day: BillingDay,
    last_day: BillingDay,
}

const OUTSIDE: &str = "is outside the years 1970 to 2999";

impl Bounds {
    /// Of the job's calendar.
    pub(super) fn of(calendar: &Calendar) -> Self {
        let day = |year, month, day| {
            BillingDay::from_date(NaiveDate::from_ymd_opt(year, month, day).expect("a date of the Gregorian calendar"))
        };
        let (first_day, last_day) = (day(1970, 1, 1), day(2999, 12, 31));
        let start = |day| calendar.start_of(day).expect("within the calendar");
        Self {
            first_instant: start(first_day),
            // The last day has no end in the calendar: it is given up, so that every instant has a next day.
            end: start(last_day),
            first_day,
            last_day,
        }
    }

    /// A moment, in microseconds: RFC 3339, or without a zone in UTC. None: null. A rest below a microsecond is an
    /// error, in CSV and in Parquet that counts nanoseconds alike.
    pub(super) fn instant(&self, value: Value<'_>) -> Result<Option<Instant>, String> {
        let at = match value {
            Value::Null => return Ok(None),
            Value::Text(text) => parse_instant(text)?,
            Value::Timestamp {
                ticks,
                per_second: 1_000_000_000,
            } if ticks.rem_euclid(1_000) != 0 => return Err(too_fine(show(value))),
            Value::Timestamp { ticks, per_second } => micros(ticks, per_second)
                .map(Instant::from_micros)
                .ok_or_else(|| format!("{} {OUTSIDE}", show(value)))?,
            other => return Err(format!("{} is no timestamp", show(other))),
        };
        if self.first_instant <= at && at < self.end {
            Ok(Some(at))
        } else {
            Err(format!("{at} {OUTSIDE}"))
        }
    }

    /// A date. None: null.
    pub(super) fn day(&self, value: Value<'_>) -> Result<Option<BillingDay>, String> {
        let day = match value {
            Value::Null => return Ok(None),
            Value::Text(text) => {
                parse_day(text).ok_or_else(|| format!("{} is no date; write it like 2024-10-12", show(value)))?
            }
            Value::Date(days) => {
                BillingDay::from_epoch_days(days).ok_or_else(|| format!("{} {OUTSIDE}", show(value)))?
            }
            other => return Err(format!("{} is no date", show(other))),
        };
        if self.first_day <= day && day <= self.last_day {
            Ok(Some(day))
        } else {
            Err(format!("{day} {OUTSIDE}"))
        }
    }
}

fn too_fine(shown: String) -> String {
    format!("{shown} has more than 6 digits after the second; round it to microseconds")
}

fn micros(ticks: i64, per_second: i64) -> Option<i64> {
    match per_second {
        // Without a rest: it is refused before.
        1_000_000_000 => Some(ticks.div_euclid(1_000)),
        1_000_000 => Some(ticks),
        1_000 => ticks.checked_mul(1_000),
        1 => ticks.checked_mul(1_000_000),
        _ => None,
    }
}

/// A date as `2024-10-12`, exactly.
pub(super) fn parse_day(text: &str) -> Option<BillingDay> {
    parse_date(text.as_bytes()).map(BillingDay::from_date)
}

fn parse_date(text: &[u8]) -> Option<NaiveDate> {
    let &[_, _, _, _, b'-', _, _, b'-', _, _] = text else {
        return None;
    };
    let year = i32::try_from(digits(&text[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, digits(&text[5..7])?, digits(&text[8..])?)
}

/// A few digits, and nothing else.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn parse_instant(text: &str) -> Result<Instant, String> {
    let unreadable = || {
        format!(
            "{} is no timestamp; write it like 2024-10-12T08:00:00+08:00, or 2024-10-12 00:00:00 in UTC",
            show_text(text)
        )
    };
    let bytes = text.as_bytes();
    let local = bytes.get(..19).and_then(parse_local).ok_or_else(unreadable)?;
    let rest = &bytes[19..];
    let fraction = match rest {
        [b'.', fraction @ ..] => fraction.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    if fraction > 6 {
        return Err(too_fine(show_text(text)));
    }
    let (fraction, zone) = rest.split_at(if fraction > 0 { fraction + 1 } else { 0 });
    let micros = fraction.get(1..).map_or(0, |digits| {
        (0..6).fold(0, |all, at| {
            all * 10 + digits.get(at).map_or(0, |digit| i64::from(digit - b'0'))
        })
    });
    let offset = parse_offset(zone).ok_or_else(unreadable)?;
    Ok(Instant::from_micros((local - offset) * 1_000_000 + micros))
}

/// `2024-10-12T08:00:00` in seconds since 1970; a space or a lower-case t will do, a leap second will not.
fn parse_local(text: &[u8]) -> Option<i64> {
    let (date, time) = text.split_at(10);
    let &[b'T' | b't' | b' ', _, _, b':', _, _, b':', _, _] = time else {
        return None;
    };
    let time = parse_date(date)?.and_hms_opt(digits(&time[1..3])?, digits(&time[4..6])?, digits(&time[7..])?)?;
    Some(time.and_utc().timestamp())
}

/// Seconds east of UTC: `Z`, `+08:00`, or nothing for UTC.
fn parse_offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', hours @ .., b':', _, _] => (1, hours, &zone[4..]),
        [b'-', hours @ .., b':', _, _] => (-1, hours, &zone[4..]),
        _ => return None,
    };
    let hours = digits(hours).filter(|number| hours.len() == 2 && *number < 24)?;
    let minutes = digits(minutes).filter(|number| *number < 60)?;
    Some(sign * i64::from(hours * 3600 + minutes * 60))
}
