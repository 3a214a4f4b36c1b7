//! A day of usage as runs: stretches of seconds in which one participant's rows differ in nothing but their time.
//!
//! Runs are a thousand times fewer than rows, so a day of hundreds of millions of rows is planned in memory and
//! written in any order.

use chrono_tz::Tz;

use crate::units::calendar::{OutsideCalendar, start_of_date};
use crate::units::quantity::BillingDay;

/// What a row measures, with the names of the shipped catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meter {
    /// A participant in a room.
    Av,
    /// A recording process.
    Recording,
    /// A mixing task, H.264 out.
    MixH264,
    /// A mixing task, H.265 out.
    MixH265,
    /// A recording delivered to Tencent Cloud.
    DeliveryTencent,
    /// A recording delivered elsewhere.
    DeliveryThirdParty,
}

impl Meter {
    /// The name in usage files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Av => "av",
            Self::Recording => "recording",
            Self::MixH264 => "mix_h264",
            Self::MixH265 => "mix_h265",
            Self::DeliveryTencent => "delivery_tencent",
            Self::DeliveryThirdParty => "delivery_third_party",
        }
    }
}

/// Rows of one participant, one each second, that differ only in their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The account.
    pub account_id: i64,
    /// The app.
    pub sdk_app_id: i64,
    /// The participant, or the robot.
    pub user_id: i64,
    /// The room: a position in [`DayPlan::rooms`].
    pub room: u32,
    /// The first second of the day.
    pub start: u32,
    /// How many rows, one a second.
    pub rows: u32,
    /// `seconds` of each row.
    pub seconds: i32,
    /// Aggregate resolution.
    pub pixels: Option<i32>,
    /// What is measured.
    pub meter: Meter,
}

impl Run {
    /// The second after the last row.
    pub(super) fn end(&self) -> u32 {
        self.start + self.rows
    }
}

/// The usage of a day.
#[derive(Debug, Clone, Default)]
pub(super) struct DayPlan {
    /// Names of the rooms.
    pub rooms: Vec<String>,
    /// All usage.
    pub runs: Vec<Run>,
}

impl DayPlan {
    /// Names a room.
    pub(super) fn add_room(&mut self, name: String) -> u32 {
        self.rooms.push(name);
        u32::try_from(self.rooms.len() - 1).expect("fewer rooms than rows, which are fewer")
    }

    /// All rows.
    pub(super) fn rows(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.rows)).sum()
    }

    /// Takes away rows from the end until this many are left.
    pub(super) fn trim_to(&mut self, rows: u64) {
        let mut surplus = self.rows().saturating_sub(rows);
        while surplus > 0 {
            let Some(last) = self.runs.last_mut() else { return };
            match u32::try_from(surplus).ok().filter(|surplus| *surplus < last.rows) {
                Some(fewer) => {
                    last.rows -= fewer;
                    return;
                }
                None => {
                    surplus -= u64::from(last.rows);
                    self.runs.pop();
                }
            }
        }
    }
}

/// A day's place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DaySpan {
    /// The day.
    pub day: BillingDay,
    /// Its first millisecond.
    pub start_ms: i64,
    /// How many seconds it has: 86,400 unless the clocks change.
    pub seconds: u32,
}

impl DaySpan {
    /// The span of a day in a zone.
    pub(super) fn of(day: BillingDay, zone: Tz) -> Result<Self, OutsideCalendar> {
        let start = start_of_date(zone, day)?.micros();
        let end = start_of_date(zone, day.checked_add_days(1).ok_or(OutsideCalendar)?)?.micros();
        Ok(Self {
            day,
            start_ms: start.div_euclid(1000),
            seconds: u32::try_from((end - start).div_euclid(1_000_000)).map_err(|_| OutsideCalendar)?,
        })
    }

    /// A second of the day as milliseconds since the epoch.
    pub(super) fn ms(&self, second: u32) -> i64 {
        self.start_ms + i64::from(second) * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: u32) -> Run {
        Run {
            account_id: 1,
            sdk_app_id: 1,
            user_id: 1,
            room: 0,
            start: 0,
            rows,
            seconds: 1,
            pixels: None,
            meter: Meter::Av,
        }
    }

    #[test]
    fn trimming_leaves_exactly_the_rows_asked_for() {
        for wanted in [0, 1, 9, 10, 11, 14, 15, 99] {
            let mut plan = DayPlan {
                rooms: vec![],
                runs: vec![run(10), run(1), run(4)],
            };
            plan.trim_to(wanted);
            assert_eq!(plan.rows(), wanted.min(15));
            assert!(plan.runs.iter().all(|run| run.rows > 0));
        }
    }

    #[test]
    fn a_day_has_the_seconds_that_its_zone_gives_it() {
        let seconds = |zone: Tz, date: &str| {
            let day = BillingDay::from_date(date.parse().expect("a date"));
            DaySpan::of(day, zone).expect("in the calendar").seconds
        };
        assert_eq!(seconds(chrono_tz::Asia::Shanghai, "2024-10-11"), 86_400);
        assert_eq!(seconds(chrono_tz::America::New_York, "2024-11-03"), 90_000);
        assert_eq!(seconds(chrono_tz::America::New_York, "2024-03-10"), 82_800);
    }
}
