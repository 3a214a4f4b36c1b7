//! A scenario as a few lines that a person can read.

use std::fmt::{Debug, Write};

use chrono::DateTime;
use chrono_tz::Tz;

use super::scenario::{Opening, Scenario};

/// The scenario, one fact a line; instants in UTC and on the wall clock.
pub fn describe(scenario: &Scenario) -> String {
    let zone = scenario.zone;
    let (hour, minute) = scenario.billing_time;
    let period = if scenario.five_minutes { "5min" } else { "day" };
    let first = scenario.first_settled_day;
    let mut text = format!(
        "{}: {zone}, billing time {hour:02}:{minute:02}, deduction by {period}, first settled day {first}\n",
        scenario.name
    );
    list(&mut text, "item", &scenario.catalog.items);
    list(&mut text, "price list", &scenario.catalog.price_lists);
    list(&mut text, "ratios", &scenario.catalog.ratios);
    list(&mut text, "free", &scenario.catalog.free);
    list(&mut text, "plan", &scenario.catalog.plans);
    list(&mut text, "promotion", &scenario.catalog.promotions);
    let account = &scenario.account;
    let _ = writeln!(text, "{account:?} registered {}", instant(zone, account.registered_at));
    for package in &scenario.packages {
        let refund = package
            .refunded_at
            .map_or_else(|| "never".to_owned(), |at| instant(zone, at));
        let bought = instant(zone, package.purchased_at);
        let gift = if package.gift { ", a gift" } else { "" };
        let _ = writeln!(
            text,
            "package {} of {} for {:?}{gift}, bought {bought}, refunded {refund}",
            package.id, package.plan, package.apps
        );
    }
    for payment in &scenario.payments {
        let _ = writeln!(
            text,
            "payment of {} at {}",
            payment.amount,
            instant(zone, payment.paid_at)
        );
    }
    for night in &scenario.nights {
        let _ = writeln!(text, "night {}", night.day);
        list(&mut text, "  usage", &night.usage);
    }
    text
}

/// Where the account stood.
pub fn describe_opening(opening: &Opening) -> String {
    let mut text = format!(
        "opening balance {}, paid before {}",
        opening.balance, opening.paid_total
    );
    for grant in &opening.grants {
        let _ = write!(text, "\nopening {grant:?}");
    }
    text
}

fn list<T: Debug>(text: &mut String, name: &str, things: &[T]) {
    for thing in things {
        let _ = writeln!(text, "{name} {thing:?}");
    }
}

fn instant(zone: Tz, micros: i64) -> String {
    let at = DateTime::from_timestamp_micros(micros).expect("an instant of our times");
    format!(
        "{at:?} ({})",
        at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.6f %z")
    )
}
