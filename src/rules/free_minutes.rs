//! Monthly free minutes (SPEC 3.2): which cycle an account is in.

use chrono::Datelike;

use crate::catalog::book::{Book, FreeRule};

use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::BillingDay;

/// One monthly cycle of free minutes. Nothing is carried over to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FreeCycle<'b> {
    /// First day.
    pub first_day: BillingDay,
    /// Last day.
    pub last_day: BillingDay,
    /// What it gives, and how it is deducted.
    pub rule: &'b FreeRule,
}

/// The free cycle that contains `day`, if the account has one then: cycle k is
/// [anchor + k months, anchor + (k + 1) months - 1 day].
///
/// `[T]`: "if you receive the free minutes on November 15, 2022, they would be valid from November 15,
/// 2022 to December 14, 2022". The rule is chosen by the billing day of the registration.
///
/// # Errors
/// [`OutsideCalendar`] when the cycle's end cannot be held.
pub(super) fn free_cycle(
    book: &Book,
    registered_on: BillingDay,
    anchor: BillingDay,
    day: BillingDay,
) -> Result<Option<FreeCycle<'_>>, OutsideCalendar> {
    let Some(rule) = book.free_rule(registered_on) else {
        return Ok(None);
    };
    if day < anchor {
        return Ok(None);
    }
    let (number, first_day) = cycle_at(anchor, day).ok_or(OutsideCalendar)?;
    if rule.cycles.is_some_and(|cycles| number >= cycles) {
        return Ok(None);
    }
    // Always counted from the anchor: an anchor of January 31 comes back to the 31st after February.
    let last_day = number
        .checked_add(1)
        .and_then(|next| anchor.checked_add_months(next))
        .and_then(|next_start| next_start.checked_add_days(-1))
        .ok_or(OutsideCalendar)?;
    Ok(Some(FreeCycle {
        first_day,
        last_day,
        rule,
    }))
}

/// The largest k with anchor + k months <= day, and that date. `day` is not before `anchor`.
fn cycle_at(anchor: BillingDay, day: BillingDay) -> Option<(u32, BillingDay)> {
    let months = u32::try_from(months_of(day)?.checked_sub(months_of(anchor)?)?).ok()?;
    let start = anchor.checked_add_months(months)?;
    if start <= day {
        return Some((months, start));
    }
    // The month has not reached the anchor's day yet. Not before the anchor, so months is at least 1.
    let months = months.checked_sub(1)?;
    Some((months, anchor.checked_add_months(months)?))
}

/// Calendar months since the year 0.
fn months_of(day: BillingDay) -> Option<i64> {
    let date = day.date();
    i64::from(date.year())
        .checked_mul(12)?
        .checked_add(i64::from(date.month0()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{book, day};

    /// registered, anchor, day, first and last day of the cycle (or none)
    fn check(table: &str) {
        let book = book();
        for line in table.lines().filter(|line| !line.trim().is_empty()) {
            let row: Vec<&str> = line.split_whitespace().collect();
            let cycle = free_cycle(&book, day(row[0]), day(row[1]), day(row[2])).unwrap();
            let found = cycle.map_or("none".to_owned(), |cycle| {
                format!("{} {}", cycle.first_day, cycle.last_day)
            });
            assert_eq!(found, row[3..].join(" "), "{line}");
        }
    }

    /// `[T]`: received on November 15, valid to December 14.
    #[test]
    fn free_cycle_of_nov_15() {
        check(
            "
            2023-11-15 2023-11-15 2023-11-14 none
            2023-11-15 2023-11-15 2023-11-15 2023-11-15 2023-12-14
            2023-11-15 2023-11-15 2023-12-14 2023-11-15 2023-12-14
            2023-11-15 2023-11-15 2023-12-15 2023-12-15 2024-01-14
            2023-11-15 2023-11-15 2033-12-14 2033-11-15 2033-12-14
            ",
        );
    }

    /// Clamped to the month's last day, always counted from the anchor.
    #[test]
    fn free_cycles_at_month_ends() {
        check(
            "
            2024-01-31 2024-01-31 2024-02-28 2024-01-31 2024-02-28
            2024-01-31 2024-01-31 2024-02-29 2024-02-29 2024-03-30
            2024-01-31 2024-01-31 2024-03-30 2024-02-29 2024-03-30
            2024-01-31 2024-01-31 2024-03-31 2024-03-31 2024-04-29
            2024-01-31 2024-01-31 2024-04-30 2024-04-30 2024-05-30
            2024-01-31 2023-01-31 2023-02-28 2023-02-28 2023-03-30
            2024-02-29 2024-02-29 2025-02-28 2025-02-28 2025-03-28
            2024-02-29 2024-02-29 2025-03-28 2025-02-28 2025-03-28
            2024-02-29 2024-02-29 2025-03-29 2025-03-29 2025-04-28
            ",
        );
    }

    /// The rule is chosen by the registration day, whatever the anchor is; the legacy one ends after 12 cycles here.
    #[test]
    fn free_cycles_can_end() {
        check(
            "
            2023-02-20 2023-03-01 2024-02-29 2024-02-01 2024-02-29
            2023-02-20 2023-03-01 2024-03-01 none
            2023-02-21 2023-03-01 2024-03-01 2024-03-01 2024-03-31
            ",
        );
    }

    #[test]
    fn an_anchor_before_1970_counts_too() {
        check("2023-03-01 1969-12-31 2024-02-29 2024-02-29 2024-03-30");
    }
}
