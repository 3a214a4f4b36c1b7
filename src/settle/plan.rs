//! Which days a run settles: in order, without gaps, none whose billing time has not come.

use crate::units::calendar::Calendar;
use crate::units::quantity::{BillingDay, Instant};

use super::Days;
use super::error::SettleError;

/// The days of a run, ascending and adjacent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    /// Days that the ledger has already.
    pub settled: Vec<BillingDay>,
    /// Days to settle.
    pub unsettled: Vec<BillingDay>,
}

/// What the ledger has: its first and its last settled day.
pub(super) type Settled = Option<(BillingDay, BillingDay)>;

/// Plans a run (SPEC 5): `now` is the clock's only use.
pub(super) fn plan(calendar: &Calendar, days: Days, ledger: Settled, now: Instant) -> Result<Plan, SettleError> {
    let (from, to) = match (days, ledger) {
        (Days::Unsettled, None) => {
            return Err(SettleError::Usage(
                "the ledger is empty: name the first day with --day D, or --from D --to D".to_owned(),
            ));
        }
        (Days::Unsettled, Some((_, last))) => {
            let next = next_day(last)?;
            match latest_billed(calendar, now)? {
                latest if latest < next => return Ok(Plan::default()),
                latest => (next, latest),
            }
        }
        (Days::Range(from, to), _) if to < from => {
            return Err(SettleError::Usage(format!("--from {from} is after --to {to}")));
        }
        (Days::Range(from, to), _) => (from, to),
    };
    let billed_at = calendar.billing_instant(to)?;
    if billed_at > now {
        return Err(SettleError::Usage(format!(
            "{to} cannot be settled yet: its billing time is {billed_at}, and by the clock it is {now}"
        )));
    }
    if let Some((first, last)) = ledger {
        if from < first {
            return Err(SettleError::Usage(format!(
                "{from} is before {first}, the first settled day of this ledger; what stood before it belongs into the \
                 opening and opening_grants inputs"
            )));
        }
        let next = next_day(last)?;
        if from > next {
            return Err(SettleError::Usage(format!(
                "{next} is not settled: days settle in order, so begin with --from {next}"
            )));
        }
    }
    let mut plan = Plan::default();
    let mut day = from;
    while day <= to {
        match ledger {
            Some((_, last)) if day <= last => plan.settled.push(day),
            _ => plan.unsettled.push(day),
        }
        day = next_day(day)?;
    }
    Ok(plan)
}

/// The latest day whose billing time has come.
fn latest_billed(calendar: &Calendar, now: Instant) -> Result<BillingDay, SettleError> {
    let mut day = calendar.day_of(now)?;
    while calendar.billing_instant(day)? > now {
        day = day
            .checked_add_days(-1)
            .ok_or(crate::units::calendar::OutsideCalendar)?;
    }
    Ok(day)
}

fn next_day(day: BillingDay) -> Result<BillingDay, SettleError> {
    Ok(day.checked_add_days(1).ok_or(crate::units::calendar::OutsideCalendar)?)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, NaiveTime};

    use super::*;

    fn day(text: &str) -> BillingDay {
        BillingDay::from_date(text.parse::<NaiveDate>().unwrap())
    }

    fn at(text: &str) -> Instant {
        Instant::from(text.parse::<DateTime<chrono::Utc>>().unwrap())
    }

    /// `mode | first..last settled | now` -> `settled+unsettled`, or the error.
    fn check(mode: &str, ledger: &str, now: &str) -> String {
        let calendar = Calendar::new(chrono_tz::Asia::Shanghai, NaiveTime::from_hms_opt(10, 0, 0).unwrap());
        let days = match mode.split_once("..") {
            Some((from, to)) => Days::Range(day(from), day(to)),
            None => Days::Unsettled,
        };
        let settled = ledger.split_once("..").map(|(first, last)| (day(first), day(last)));
        match plan(&calendar, days, settled, at(now)) {
            Ok(plan) => {
                let show = |days: &[BillingDay]| days.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                format!(
                    "settled [{}] unsettled [{}]",
                    show(&plan.settled),
                    show(&plan.unsettled)
                )
            }
            Err(error) => format!("exit {}: {error}", error.exit_code()),
        }
    }

    #[test]
    fn cron_takes_every_day_whose_billing_time_has_passed() {
        let ledger = "2024-10-11..2024-10-12";
        assert_eq!(
            check("", ledger, "2024-10-15T02:00:00Z"),
            "settled [] unsettled [2024-10-13 2024-10-14]",
            "10:00 sharp in Shanghai"
        );
        assert_eq!(
            check("", ledger, "2024-10-15T01:59:59.999999Z"),
            "settled [] unsettled [2024-10-13]"
        );
        assert_eq!(check("", ledger, "2024-10-14T01:59:59Z"), "settled [] unsettled []");
    }

    #[test]
    fn an_empty_ledger_needs_a_day() {
        assert_eq!(
            check("", "", "2024-10-15T02:00:00Z"),
            "exit 2: the ledger is empty: name the first day with --day D, or --from D --to D"
        );
        assert_eq!(
            check("2024-10-11..2024-10-12", "", "2024-10-15T02:00:00Z"),
            "settled [] unsettled [2024-10-11 2024-10-12]"
        );
    }

    #[test]
    fn a_range_may_overlap_what_is_settled() {
        assert_eq!(
            check(
                "2024-10-12..2024-10-13",
                "2024-10-11..2024-10-12",
                "2024-10-15T02:00:00Z"
            ),
            "settled [2024-10-12] unsettled [2024-10-13]"
        );
    }

    #[test]
    fn gaps_early_days_and_the_clock_are_refused() {
        let ledger = "2024-10-11..2024-10-12";
        assert_eq!(
            check("2024-10-14..2024-10-14", ledger, "2024-10-16T00:00:00Z"),
            "exit 2: 2024-10-13 is not settled: days settle in order, so begin with --from 2024-10-13"
        );
        assert_eq!(
            check("2024-10-10..2024-10-12", ledger, "2024-10-16T00:00:00Z"),
            "exit 2: 2024-10-10 is before 2024-10-11, the first settled day of this ledger; what stood before it \
             belongs into the opening and opening_grants inputs"
        );
        assert_eq!(
            check("2024-10-13..2024-10-13", ledger, "2024-10-14T01:59:59Z"),
            "exit 2: 2024-10-13 cannot be settled yet: its billing time is 2024-10-14T02:00:00Z, and by the clock it \
             is 2024-10-14T01:59:59Z"
        );
        assert_eq!(
            check("2024-10-13..2024-10-12", ledger, "2024-10-16T00:00:00Z"),
            "exit 2: --from 2024-10-13 is after --to 2024-10-12"
        );
    }
}
