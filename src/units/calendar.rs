//! Billing days in the job's time zone: where they start, which one an instant belongs to, when they are billed.

use chrono::{
    DateTime, Datelike, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc,
};
use chrono_tz::{GapInfo, Tz};

use super::quantity::{BillingDay, Instant};

/// The earliest and the latest date that the calendar accepts, so that every sum on it stays in range.
const FIRST_YEAR: i32 = 1970;
const LAST_YEAR: i32 = 2999;

/// Instants of the years 1970 to 2999 in UTC, in microseconds; the second bound is the first one after.
pub const CALENDAR_MICROS: (i64, i64) = (0, 32_503_680_000_000_000);

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

    /// The local time on the day after at which a day is billed.
    pub fn billing_time(&self) -> NaiveTime {
        self.billing_time
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

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str, billing_time: &str) -> Calendar {
        Calendar::new(
            zone.parse().unwrap(),
            NaiveTime::parse_from_str(billing_time, "%H:%M").unwrap(),
        )
    }

    fn day(text: &str) -> BillingDay {
        BillingDay::from_date(text.parse().unwrap())
    }

    fn at(text: &str) -> Instant {
        Instant::from(text.parse::<DateTime<Utc>>().unwrap())
    }

    fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
        table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|row| !row.is_empty())
    }

    #[test]
    fn a_day_starts_at_the_first_instant_of_its_date() {
        for row in rows(
            "
            Asia/Shanghai       2024-10-12  2024-10-11T16:00:00Z
            Asia/Beirut         2022-03-27  2022-03-26T22:00:00Z
            Asia/Beirut         2022-10-30  2022-10-29T22:00:00Z
            America/Havana      2024-03-10  2024-03-10T05:00:00Z
            America/Havana      2024-11-03  2024-11-03T04:00:00Z
            Australia/Lord_Howe 2024-04-08  2024-04-07T13:30:00Z
            Australia/Lord_Howe 2024-10-06  2024-10-05T13:30:00Z
            America/New_York    2024-03-11  2024-03-11T04:00:00Z
            America/St_Johns    1990-04-01  1990-04-01T03:30:00Z
            America/St_Johns    1990-10-28  1990-10-28T02:30:00Z
            America/St_Johns    1988-10-30  1988-10-30T01:30:00Z
            Asia/Pyongyang      2018-05-05  2018-05-04T15:00:00Z
            Pacific/Apia        2011-12-29  2011-12-29T10:00:00Z
            Pacific/Apia        2011-12-30  2011-12-30T10:00:00Z
            Pacific/Apia        2011-12-31  2011-12-30T10:00:00Z
            Pacific/Apia        2012-01-01  2011-12-31T10:00:00Z
            ",
        ) {
            let calendar = calendar(row[0], "10:00");
            assert_eq!(calendar.start_of(day(row[1])), Ok(at(row[2])), "{row:?}");
            let before = calendar.start_of(day(row[1]).checked_add_days(-1).unwrap()).unwrap();
            assert_eq!(
                calendar.end_of(day(row[1]).checked_add_days(-1).unwrap()),
                Ok(at(row[2]))
            );
            assert!(before <= at(row[2]));
        }
    }

    #[test]
    fn an_instant_belongs_to_the_latest_day_that_has_started() {
        for row in rows(
            "
            Asia/Shanghai    2024-10-12T15:59:59.999999Z  2024-10-12
            Asia/Shanghai    2024-10-12T16:00:00Z         2024-10-13
            Asia/Beirut      2022-10-29T20:59:59Z         2022-10-29
            Asia/Beirut      2022-10-29T21:30:00Z         2022-10-29
            Asia/Beirut      2022-10-29T22:00:00Z         2022-10-30
            America/Havana   2024-11-03T04:59:59Z         2024-11-03
            America/Havana   2024-11-03T05:30:00Z         2024-11-03
            America/St_Johns 1990-10-28T02:29:59Z         1990-10-27
            America/St_Johns 1990-10-28T02:30:00Z         1990-10-28
            America/St_Johns 1990-10-28T02:31:00Z         1990-10-28
            America/St_Johns 1990-10-28T03:29:59Z         1990-10-28
            America/St_Johns 1990-10-28T03:30:00Z         1990-10-28
            Pacific/Apia     2011-12-30T09:59:59.999999Z  2011-12-29
            Pacific/Apia     2011-12-30T10:00:00Z         2011-12-31
            ",
        ) {
            assert_eq!(calendar(row[0], "10:00").day_of(at(row[1])), Ok(day(row[2])), "{row:?}");
        }
    }

    /// The local time on the day after: in a gap with the offset before it, in a fold the earlier one.
    #[test]
    fn a_day_is_billed_at_the_billing_time_of_the_day_after() {
        for row in rows(
            "
            Asia/Shanghai       10:00 2024-10-12  2024-10-13T02:00:00Z
            Asia/Beirut         00:30 2022-03-26  2022-03-26T22:30:00Z
            Asia/Beirut         23:30 2022-10-28  2022-10-29T20:30:00Z
            America/Havana      00:30 2024-03-09  2024-03-10T05:30:00Z
            America/Havana      00:30 2024-11-02  2024-11-03T04:30:00Z
            Australia/Lord_Howe 02:15 2024-10-05  2024-10-05T15:45:00Z
            Australia/Lord_Howe 01:45 2024-04-06  2024-04-06T14:45:00Z
            America/New_York    02:30 2024-03-09  2024-03-10T07:30:00Z
            America/New_York    01:30 2024-11-02  2024-11-03T05:30:00Z
            America/St_Johns    00:30 1990-03-31  1990-04-01T04:00:00Z
            Pacific/Apia        10:00 2011-12-29  2011-12-30T20:00:00Z
            ",
        ) {
            let calendar = calendar(row[0], row[1]);
            assert_eq!(calendar.billing_instant(day(row[2])), Ok(at(row[3])), "{row:?}");
        }
    }

    /// Minute by minute through two weeks around every odd midnight: `start_of` is where the local date first
    /// reaches the day, and `day_of` never goes back.
    #[test]
    fn days_partition_time() {
        for row in rows(
            "
            Asia/Beirut         2022-03-20
            Asia/Beirut         2022-10-23
            America/Havana      2024-03-03
            America/Havana      2024-10-27
            Australia/Lord_Howe 2024-09-29
            America/New_York    2024-10-27
            America/St_Johns    1988-03-27
            America/St_Johns    1988-10-23
            America/St_Johns    1990-10-21
            Pacific/Apia        2011-12-23
            Pacific/Apia        2012-03-25
            Pacific/Kwajalein   1993-08-14
            Asia/Pyongyang      2018-04-28
            ",
        ) {
            let calendar = calendar(row[0], "10:00");
            let first = at(&format!("{}T00:00:00Z", row[1])).micros();
            let mut reached = None;
            for minute in 0..14 * 1440 {
                let now = Instant::from_micros(first + minute * 60_000_000);
                let local = DateTime::from_timestamp_micros(now.micros()).unwrap();
                let local = BillingDay::from_date(local.with_timezone(&calendar.zone()).date_naive());
                reached = reached.max(Some(local));
                assert_eq!(calendar.day_of(now).ok(), reached, "{row:?} {now}");
                let today = reached.unwrap();
                assert!(calendar.start_of(today).unwrap() <= now, "{row:?} {now}");
                assert!(now < calendar.end_of(today).unwrap(), "{row:?} {now}");
            }
        }
    }

    #[test]
    fn years_that_no_sum_could_leave_are_refused() {
        let calendar = calendar("Asia/Shanghai", "10:00");
        assert_eq!(calendar.start_of(day("1969-12-31")), Err(OutsideCalendar));
        assert_eq!(calendar.start_of(day("3000-01-01")), Err(OutsideCalendar));
        assert_eq!(calendar.billing_instant(day("2999-12-31")), Err(OutsideCalendar));
        assert!(calendar.start_of(day("2999-12-31")).is_ok());
        for micros in [i64::MIN, i64::MAX, -86_400_000_000] {
            assert_eq!(calendar.day_of(Instant::from_micros(micros)), Err(OutsideCalendar));
        }
    }
}
