//! Billing days in the job's time zone: where they start, which one an instant belongs to, when they are billed.

use chrono::{
    DateTime, Datelike, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc,
};
use chrono_tz::{GapInfo, Tz};

use super::quantity::{BillingDay, Instant};

/// The earliest and the latest date that the calendar accepts, so that every sum on it stays in range.
const FIRST_YEAR: i32 = 1970;
const LAST_YEAR: i32 = 2999;

/// A day or an instant outside the years 1970 to 2999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("outside the years 1970 to 2999")]
pub struct OutsideCalendar;

/// The job's time zone and the local time at which a day is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    zone: Tz,
    billing_time: NaiveTime,
}

impl Calendar {
    /// A calendar for this zone, whose days are billed at `billing_time` on the day after.
    pub fn new(zone: Tz, billing_time: NaiveTime) -> Self {
        Self { zone, billing_time }
    }

    /// The zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first instant of the day. Where midnight does not exist (a zone that moves its clocks at
    /// 00:00), the instant of the move.
    ///
    /// # Errors
    /// [`OutsideCalendar`] outside the years 1970 to 2999.
    pub fn start_of(&self, day: BillingDay) -> Result<Instant, OutsideCalendar> {
        start_of_date(self.zone, day)
    }

    /// The instant at which the day is over: the start of the next one.
    ///
    /// # Errors
    /// [`OutsideCalendar`] outside the years 1970 to 2999.
    pub fn end_of(&self, day: BillingDay) -> Result<Instant, OutsideCalendar> {
        self.start_of(day.checked_add_days(1).ok_or(OutsideCalendar)?)
    }

    /// The day that `at` belongs to: the latest one that has started by then.
    ///
    /// # Errors
    /// [`OutsideCalendar`] outside the years 1970 to 2999.
    pub fn day_of(&self, at: Instant) -> Result<BillingDay, OutsideCalendar> {
        day_of_instant(self.zone, at)
    }

    /// When the day is billed and charged: `billing_time` on the day after, resolved as RFC 5545 does
    /// (in a gap with the offset before it, in a fold the earlier one).
    ///
    /// # Errors
    /// [`OutsideCalendar`] outside the years 1970 to 2999.
    pub fn billing_instant(&self, day: BillingDay) -> Result<Instant, OutsideCalendar> {
        let next = day.checked_add_days(1).ok_or(OutsideCalendar)?;
        check_years(next.date())?;
        resolve_local(self.zone, next.date().and_time(self.billing_time))
    }
}

/// The first instant of a date in a zone.
///
/// # Errors
/// [`OutsideCalendar`] outside the years 1970 to 2999.
pub fn start_of_date(zone: Tz, day: BillingDay) -> Result<Instant, OutsideCalendar> {
    let date = day.date();
    check_years(date)?;
    let midnight = date.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Ok(Instant::from(at.to_utc())),
        LocalResult::None => {
            let gap = gap_around(zone, midnight);
            utc_instant(gap.begin, gap.offset_before)
        }
    }
}

/// The date in a zone that an instant belongs to: the latest one that has started by then.
///
/// # Errors
/// [`OutsideCalendar`] outside the years 1970 to 2999.
pub fn day_of_instant(zone: Tz, at: Instant) -> Result<BillingDay, OutsideCalendar> {
    let utc = DateTime::<Utc>::from_timestamp_micros(at.micros()).ok_or(OutsideCalendar)?;
    let offset = zone.offset_from_utc_datetime(&utc.naive_utc());
    let local = utc
        .naive_utc()
        .checked_add_offset(offset.fix())
        .ok_or(OutsideCalendar)?
        .date();
    check_years(local)?;
    let day = BillingDay::from_date(local);
    // Where clocks go back across midnight, the local date returns to the day before while the new
    // day has already started.
    match day.checked_add_days(1) {
        Some(next) if start_of_date(zone, next).is_ok_and(|start| start <= at) => Ok(next),
        _ => Ok(day),
    }
}

/// A local time as an instant, as RFC 5545 (3.3.5) resolves it.
fn resolve_local(zone: Tz, local: NaiveDateTime) -> Result<Instant, OutsideCalendar> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Ok(Instant::from(at.to_utc())),
        LocalResult::None => utc_instant(local, gap_around(zone, local).offset_before),
    }
}

/// Local times that a zone skips: where they begin, and its offset until then.
struct Gap {
    begin: NaiveDateTime,
    offset_before: FixedOffset,
}

/// The gap that `local` falls in; the zone has no such local time.
fn gap_around(zone: Tz, local: NaiveDateTime) -> Gap {
    let (begin, offset) = GapInfo::new(&local, &zone)
        .and_then(|gap| gap.begin)
        .expect("a local time that does not exist lies in a gap, and something comes before a gap");
    Gap {
        begin,
        offset_before: offset.fix(),
    }
}

fn utc_instant(local: NaiveDateTime, offset: FixedOffset) -> Result<Instant, OutsideCalendar> {
    let utc = local.checked_sub_offset(offset).ok_or(OutsideCalendar)?;
    Ok(Instant::from(utc.and_utc()))
}

fn check_years(date: NaiveDate) -> Result<(), OutsideCalendar> {
    if (FIRST_YEAR..=LAST_YEAR).contains(&date.year()) {
        Ok(())
    } else {
        Err(OutsideCalendar)
    }
}
