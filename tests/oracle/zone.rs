//! Local time found by looking: UTC -> local conversions, minute by minute. Slow, and hard to get wrong.

use std::cell::RefCell;
use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const MICROS: i64 = 1_000_000;

thread_local! {
    /// Days that were looked up before: looking takes a thousand conversions.
    static STARTS: RefCell<HashMap<(Tz, NaiveDate), i64>> = RefCell::new(HashMap::new());
    static BILLING_TIMES: RefCell<HashMap<(Tz, NaiveDateTime), i64>> = RefCell::new(HashMap::new());
}

/// What a clock on the wall shows at this UTC second.
pub fn wall_clock(zone: Tz, second: i64) -> NaiveDateTime {
    DateTime::from_timestamp(second, 0)
        .expect("a second of our times")
        .with_timezone(&zone)
        .naive_local()
}

/// SPEC 1: a billing day "starts at the first instant of its date". Decision 1: the first instant whose
/// local date has reached it. In microseconds UTC.
pub fn start_of(zone: Tz, date: NaiveDate) -> i64 {
    if let Some(known) = STARTS.with_borrow(|starts| starts.get(&(zone, date)).copied()) {
        return known;
    }
    let reached = |second: i64| wall_clock(zone, second).date() >= date;
    // No zone is more than 15 hours ahead.
    let mut second = date.and_time(NaiveTime::MIN).and_utc().timestamp() - 16 * HOUR;
    assert!(!reached(second), "the search for {date} in {zone} begins too late");
    while !reached(second) {
        second += MINUTE;
    }
    while reached(second - 1) {
        second -= 1;
    }
    STARTS.with_borrow_mut(|starts| starts.insert((zone, date), second * MICROS));
    second * MICROS
}

/// Decision 1: a row belongs to the latest day that has started.
pub fn day_of(zone: Tz, micros: i64) -> NaiveDate {
    let mut day = wall_clock(zone, micros.div_euclid(MICROS)).date() + Days::new(3);
    while start_of(zone, day) > micros {
        day = day - Days::new(1);
    }
    day
}

/// SPEC 1: "local time on the day after at which a day is billed", in microseconds UTC. "Local times
/// resolve as in RFC 5545: in a gap with the offset before it, in a fold the earlier one."
pub fn billing_time_of(zone: Tz, date: NaiveDate, hour: u32, minute: u32) -> i64 {
    let wanted = (date + Days::new(1))
        .and_hms_opt(hour, minute, 0)
        .expect("a time of day");
    if let Some(known) = BILLING_TIMES.with_borrow(|times| times.get(&(zone, wanted)).copied()) {
        return known;
    }
    let begin = wanted.and_utc().timestamp() - 16 * HOUR;
    let end = begin + 60 * HOUR;
    let mut found = None;
    let mut second = begin;
    while found.is_none() && second < end {
        if wall_clock(zone, second) == wanted {
            found = Some(second);
        }
        second += MINUTE;
    }
    // A gap: the clock jumps from before the wanted time to after it.
    let mut second = begin;
    while found.is_none() {
        assert!(second < end, "{wanted} is neither shown nor jumped over in {zone}");
        let (before, after) = (wall_clock(zone, second), wall_clock(zone, second + MINUTE));
        if before < wanted && wanted < after {
            let offset_before = before.and_utc().timestamp() - second;
            found = Some(wanted.and_utc().timestamp() - offset_before);
        }
        second += MINUTE;
    }
    let micros = found.expect("the loops end with it") * MICROS;
    BILLING_TIMES.with_borrow_mut(|times| times.insert((zone, wanted), micros));
    micros
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn utc(text: &str) -> i64 {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S")
            .expect("a time")
            .and_utc()
            .timestamp_micros()
    }

    fn zone(name: &str) -> Tz {
        name.parse().expect("a zone")
    }

    #[test]
    fn days_start_at_their_first_instant() {
        for (name, day, start) in [
            ("Asia/Shanghai", "2024-10-12", "2024-10-11 16:00:00"),
            ("Asia/Shanghai", "1987-04-12", "1987-04-11 16:00:00"),
            ("America/New_York", "2024-03-10", "2024-03-10 05:00:00"),
            ("America/New_York", "2024-03-11", "2024-03-11 04:00:00"),
            ("America/New_York", "2024-11-04", "2024-11-04 05:00:00"),
            // Midnight does not exist: 00:00 becomes 01:00.
            ("Asia/Beirut", "2024-03-31", "2024-03-30 22:00:00"),
            ("America/Havana", "2024-03-10", "2024-03-10 05:00:00"),
            // Midnight comes twice: 01:00 becomes 00:00.
            ("America/Havana", "2024-11-03", "2024-11-03 04:00:00"),
            // 24:00 becomes 23:00: the day has not started before.
            ("Asia/Beirut", "2024-10-27", "2024-10-26 22:00:00"),
            // 00:01 becomes 23:01 of the day before: the day has started by then.
            ("America/St_Johns", "2010-11-07", "2010-11-07 02:30:00"),
            ("America/St_Johns", "2010-11-08", "2010-11-08 03:30:00"),
            // Half an hour of summer time.
            ("Australia/Lord_Howe", "2024-04-07", "2024-04-06 13:00:00"),
            ("Australia/Lord_Howe", "2024-04-08", "2024-04-07 13:30:00"),
            // Samoa skipped a date.
            ("Pacific/Apia", "2011-12-29", "2011-12-29 10:00:00"),
            ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00:00"),
            ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00:00"),
            ("Pacific/Apia", "2012-01-01", "2011-12-31 10:00:00"),
        ] {
            assert_eq!(start_of(zone(name), date(day)), utc(start), "{name} {day}");
        }
    }

    #[test]
    fn instants_belong_to_the_latest_day_that_has_started() {
        for (name, at, day) in [
            ("Asia/Shanghai", "2024-10-12 15:59:59", "2024-10-12"),
            ("Asia/Shanghai", "2024-10-12 16:00:00", "2024-10-13"),
            ("America/St_Johns", "2010-11-07 02:29:59", "2010-11-06"),
            ("America/St_Johns", "2010-11-07 02:30:30", "2010-11-07"),
            // The second 23:30 of November 6th.
            ("America/St_Johns", "2010-11-07 03:00:00", "2010-11-07"),
            ("Pacific/Apia", "2011-12-30 09:59:59", "2011-12-29"),
            ("Pacific/Apia", "2011-12-30 10:00:00", "2011-12-31"),
        ] {
            assert_eq!(day_of(zone(name), utc(at)), date(day), "{name} {at}");
        }
    }

    #[test]
    fn billing_times_resolve_as_rfc_5545_says() {
        for (name, day, (hour, minute), at) in [
            ("Asia/Shanghai", "2024-10-12", (10, 0), "2024-10-13 02:00:00"),
            // Gap: 02:30 with the offset before it is 03:30 summer time.
            ("America/New_York", "2024-03-09", (2, 30), "2024-03-10 07:30:00"),
            // Fold: the earlier 01:30.
            ("America/New_York", "2024-11-02", (1, 30), "2024-11-03 05:30:00"),
            ("Australia/Lord_Howe", "2024-10-05", (2, 10), "2024-10-05 15:40:00"),
            ("Australia/Lord_Howe", "2024-04-06", (1, 45), "2024-04-06 14:45:00"),
            ("Asia/Beirut", "2024-03-30", (0, 0), "2024-03-30 22:00:00"),
            ("Asia/Beirut", "2024-03-30", (0, 30), "2024-03-30 22:30:00"),
            ("America/Havana", "2024-11-02", (0, 0), "2024-11-03 04:00:00"),
            // 10:00 on the skipped December 30th, with the offset before: -10 hours.
            ("Pacific/Apia", "2011-12-29", (10, 0), "2011-12-30 20:00:00"),
            ("Pacific/Apia", "2011-12-30", (10, 0), "2011-12-30 20:00:00"),
            ("America/St_Johns", "2010-11-06", (0, 0), "2010-11-07 02:30:00"),
        ] {
            assert_eq!(
                billing_time_of(zone(name), date(day), hour, minute),
                utc(at),
                "{name} {day} {hour}:{minute}"
            );
        }
    }
}
