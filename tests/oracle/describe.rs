//! A world as lines that a person can read.

use std::fmt::{Debug, Write};

use chrono::DateTime;
use chrono_tz::Tz;

use super::scenario::{Life, Setting, World};
use super::standing::billing_time;

/// The world, one fact a line; instants in UTC and on the wall clock.
pub fn describe(world: &World) -> String {
    let setting = &world.setting;
    let zone = setting.zone;
    let (hour, minute) = setting.billing_time;
    let period = if setting.five_minutes { "5min" } else { "day" };
    let shape = if setting.by_the_day { "daily" } else { "seconds" };
    let mut text = format!(
        "{}: {zone}, partitions in {}, billing time {hour:02}:{minute:02}, deduction by {period}, usage of shape {shape}, {} nights from {}, dunning from {:?}, at \
         most {} new suspensions\n",
        world.name,
        setting.partition_zone,
        setting.nights,
        setting.first_day,
        setting.dunning_from,
        setting.max_new_suspensions
    );
    let catalog = &setting.catalog;
    list(&mut text, "product", &catalog.products);
    list(&mut text, "meter", &catalog.meters);
    list(&mut text, "item", &catalog.items);
    list(&mut text, "price list", &catalog.price_lists);
    list(&mut text, "ratios", &catalog.ratios);
    list(&mut text, "free", &catalog.free);
    list(&mut text, "plan", &catalog.plans);
    list(&mut text, "promotion", &catalog.promotions);
    for life in &world.lives {
        facts(&mut text, zone, life);
        uses(&mut text, setting, life);
    }
    list(&mut text, "broken", &world.broken);
    text
}

fn facts(text: &mut String, zone: Tz, life: &Life) {
    let account = &life.account;
    let _ = writeln!(text, "{account:?} registered {}", instant(zone, account.registered_at));
    if let Some(at) = account.violation_at {
        let _ = writeln!(text, "violation {}", instant(zone, at));
    }
    let _ = writeln!(text, "opening balance {}", life.opening_balance);
    list(text, "opening grant", &life.opening_grants);
    list(text, "change", &life.changes);
    for package in &life.packages {
        let refund = package
            .refunded_at
            .map_or_else(|| "never".to_owned(), |at| instant(zone, at));
        let _ = writeln!(
            text,
            "package {} of {} for {:?}{}{}, bought {}, refunded {refund} {}",
            package.id,
            package.plan,
            package.apps,
            if package.gift { ", a gift" } else { "" },
            if package.auto_renew { ", to be renewed" } else { "" },
            instant(zone, package.purchased_at),
            package.refunded_amount,
        );
    }
    for payment in &life.payments {
        let _ = writeln!(
            text,
            "payment of {} at {}, in the file from night {} until {:?}",
            payment.amount,
            instant(zone, payment.paid_at),
            payment.from_night,
            payment.until_night,
        );
    }
    for request in &life.requests {
        let _ = writeln!(
            text,
            "refund of {} requested {}",
            request.package,
            instant(zone, request.requested_at)
        );
    }
    for app in &life.apps {
        let disabled = app.disabled_at.map(|at| instant(zone, at));
        let _ = writeln!(text, "app {} disabled {disabled:?}", app.app);
    }
}

fn uses(text: &mut String, setting: &Setting, life: &Life) {
    let zone = setting.zone;
    for (night, usage) in life.usage.iter().enumerate().take(setting.nights) {
        let day = setting.day(night);
        let now = instant(zone, billing_time(setting, day));
        let _ = writeln!(text, "night {night}, {day}, billed {now}");
        for usage in usage {
            let _ = writeln!(text, "  {} {usage:?}", instant(zone, usage.at));
        }
    }
    for sample in &life.relay {
        let _ = writeln!(text, "{} {sample:?}", instant(zone, sample.at));
    }
    for row in &life.screenshots {
        let _ = writeln!(text, "{} {row:?}", instant(zone, row.at));
    }
    for login in &life.logins {
        let _ = writeln!(text, "{} {login:?}", instant(zone, login.at));
    }
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
