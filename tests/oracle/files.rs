//! The border: a world's facts as files in a directory.

use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::fs;
use std::path::Path;

use super::partitions::write_partitions;
use super::rows::instant;
use super::scenario::{Life, World};
use super::toml::{catalog_file, job_file};

/// Writes everything, with what comes night by night as the first night finds it.
pub fn write_world(directory: &Path, world: &World) {
    let put = |name: &str, text: &str| fs::write(directory.join(name), text).expect("a file in a new directory");
    put("catalog.toml", &catalog_file(&world.setting.catalog));
    put("job.toml", &job_file(&world.setting, "out"));
    put("apps.csv", &apps(&world.lives));
    put("refund_requests.csv", &requests(&world.lives));
    put("opening.csv", &openings(&world.lives));
    put("opening_grants.csv", &opening_grants(&world.lives));
    write_facts_of_night(directory, world, 0);
    write_partitions(directory, world);
}

/// The payments, accounts and packages that the run of a night finds.
pub fn write_facts_of_night(directory: &Path, world: &World, night: usize) {
    let put = |name: &str, text: &str| fs::write(directory.join(name), text).expect("a file in a new directory");
    let lives: Vec<Cow<'_, Life>> = world.lives.iter().map(|life| life.on(night)).collect();
    put("payments.csv", &payments(world, night));
    put("accounts.csv", &accounts(&lives));
    put("packages.csv", &packages(&lives));
}

fn payments(world: &World, night: usize) -> String {
    let mut text = "payment_id,account_id,paid_at,amount\n".to_owned();
    for life in &world.lives {
        for (number, payment) in life.payments.iter().enumerate() {
            if payment.from_night <= night && payment.until_night.is_none_or(|until| night < until) {
                let account = life.account.id;
                let (at, amount) = (instant(payment.paid_at), &payment.amount);
                let _ = writeln!(text, "{account}-{number},{account},{at},{amount}");
            }
        }
    }
    text
}

fn or_empty<T: Display>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn accounts(lives: &[Cow<'_, Life>]) -> String {
    let header = "account_id,registered_at,free_anchor,price_list,payg,credit_limit,products,violation_at\n";
    let mut text = header.to_owned();
    for life in lives {
        let account = &life.account;
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{}",
            account.id,
            instant(account.registered_at),
            or_empty(account.free_anchor),
            account.price_list,
            account.payg,
            account.credit_limit,
            account.products.join(";"),
            or_empty(account.violation_at.map(instant)),
        );
    }
    text
}

fn packages(lives: &[Cow<'_, Life>]) -> String {
    let header = "package_id,account_id,apps,plan,purchased_at,gift,auto_renew,refunded_at,refunded_amount\n";
    let mut text = header.to_owned();
    for life in lives {
        for package in &life.packages {
            let apps: Vec<String> = package.apps.iter().map(i64::to_string).collect();
            let amount = package.refunded_at.map(|_| &package.refunded_amount);
            let _ = writeln!(
                text,
                "{},{},{},{},{},{},{},{},{}",
                package.id,
                life.account.id,
                apps.join(";"),
                package.plan,
                instant(package.purchased_at),
                package.gift,
                package.auto_renew,
                or_empty(package.refunded_at.map(instant)),
                or_empty(amount),
            );
        }
    }
    text
}

fn apps(lives: &[Life]) -> String {
    let mut text = "account_id,sdk_app_id,disabled_at\n".to_owned();
    for life in lives {
        for app in &life.apps {
            let disabled = or_empty(app.disabled_at.map(instant));
            let _ = writeln!(text, "{},{},{disabled}", life.account.id, app.app);
        }
    }
    text
}

fn requests(lives: &[Life]) -> String {
    let mut text = "package_id,requested_at\n".to_owned();
    for request in lives.iter().flat_map(|life| &life.requests) {
        let _ = writeln!(text, "{},{}", request.package, instant(request.requested_at));
    }
    text
}

fn openings(lives: &[Life]) -> String {
    let mut text = "account_id,balance\n".to_owned();
    for life in lives {
        let _ = writeln!(text, "{},{}", life.account.id, life.opening_balance);
    }
    text
}

fn opening_grants(lives: &[Life]) -> String {
    let mut text = "grant_id,used\n".to_owned();
    for (grant, used) in lives.iter().flat_map(|life| &life.opening_grants) {
        let _ = writeln!(text, "{grant},{used}");
    }
    text
}
