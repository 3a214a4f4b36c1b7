//! SPEC 2.1 and 2.2: rows of partitioned inputs that break a rule, and the table of them.

use chrono::{Datelike, Days, NaiveDate, TimeZone, Utc};

use super::partitions::{FILE, rows_of, touched_by};
use super::rows::{Cells, NULL, cells, instant};
use super::scenario::{FileRow, Input, Item, Kind, Life, Setting, World};
use super::standing::Night;
use super::zone::{day_of, start_of};

/// Decisions 102 and 109: what is more than this is no figure.
const LARGEST: i64 = 1_000_000_000_000;

/// The table `rejects` of a night. Decision 9: "by account (nulls first), day, file, row."
pub fn rejects(world: &World, night: usize) -> Vec<Cells> {
    let day = world.setting.day(night);
    let known = known_accounts(world, night);
    let mut found: Vec<(Option<i64>, String, usize, Cells)> = Vec::new();
    for input in [Input::Usage, Input::Relay, Input::Screenshots, Input::Logins] {
        let Some((first, end)) = billed_by(&world.setting, input, day) else {
            continue;
        };
        for partition in touched_by(&world.setting, first, end) {
            let file = format!("{}date={partition}/{FILE}", prefix(input));
            for (row, number) in rows_of(world, input, partition).into_iter().zip(1..) {
                let reason = reason_against(&world.setting, &known, input, partition, &row);
                if let Some(reason) =
                    reason.filter(|reason| is_of(&world.setting, (first, end), partition, reason, &row))
                {
                    let cells = reject(&world.setting, input, (day, &file, number), reason, &row);
                    found.push((row.account, file.clone(), number, cells));
                }
            }
        }
    }
    found.sort();
    found.into_iter().map(|(.., cells)| cells).collect()
}

fn known_accounts(world: &World, night: usize) -> Vec<i64> {
    let known = |life: &&Life| Night::new(&world.setting, life, night).knows_account();
    world.lives.iter().filter(known).map(|life| life.account.id).collect()
}

/// Decision 102: "file begins with the input's name and a slash (usage files begin with date=)".
fn prefix(input: Input) -> &'static str {
    match input {
        Input::Usage => "",
        Input::Relay => "relay/",
        Input::Screenshots => "screenshots/",
        Input::Logins => "logins/",
    }
}

/// The item that an input other than usage feeds (decision 101).
fn item_of(setting: &Setting, input: Input) -> Option<&Item> {
    setting.catalog.items.iter().find(|item| {
        matches!(
            (input, &item.kind),
            (Input::Relay, Kind::Peak { .. })
                | (Input::Screenshots, Kind::Count { .. })
                | (Input::Logins, Kind::Unique)
        )
    })
}

/// The first of the days whose rows the batch bills, and rejects, and the day after them. Decision 102: "bad rows of a whole
/// month to the batch of its last day"; decision 110: "Only the days that bill them read these inputs".
fn billed_by(setting: &Setting, input: Input, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let next = day + Days::new(1);
    let is_daily = input == Input::Usage || item_of(setting, input)?.is_daily;
    let first = day.with_day(1).expect("every month has a first day");
    match (is_daily, next.day()) {
        (true, _) => Some((day, next)),
        (false, 1) => Some((first, next)),
        (false, _) => None,
    }
}

/// Whether a reject is of these days. 2.1: "bad_ts and misplaced rows belong to the day of the partition's name."
fn is_of(
    setting: &Setting,
    (first, end): (NaiveDate, NaiveDate),
    partition: NaiveDate,
    reason: &str,
    row: &FileRow,
) -> bool {
    match row.at {
        Some(at) if !["bad_ts", "misplaced"].contains(&reason) => {
            start_of(setting.zone, first) <= at && at < start_of(setting.zone, end)
        }
        _ => first <= partition && partition < end,
    }
}

/// 2.1: "the first reason that holds, in the order bad_ts, misplaced, null_key, bad_key, unknown_account, unknown_meter,
/// bad_seconds, bad_pixels"; decisions 102 and 109 say the same of the other inputs.
fn reason_against(
    setting: &Setting,
    known_accounts: &[i64],
    input: Input,
    partition: NaiveDate,
    row: &FileRow,
) -> Option<&'static str> {
    let has_key = matches!(input, Input::Relay | Input::Logins);
    let known = row.account.is_some_and(|account| known_accounts.contains(&account));
    let is_negative_or_huge = row.figure.is_none_or(|figure| !(0..=LARGEST).contains(&figure));
    let (what_is_unknown, of_what) = unknown(setting, input, row);
    let by_the_day = input == Input::Usage && setting.by_the_day;
    let reasons = [
        (!by_the_day && row.at.is_none_or(|at| !is_of_our_times(at)), "bad_ts"),
        (by_the_day && row.day.is_none(), "bad_day"),
        (is_misplaced(setting, by_the_day, partition, row), "misplaced"),
        (
            row.account.is_none() || row.app.is_none() || (has_key && row.key.is_none()),
            "null_key",
        ),
        (
            [row.account, row.app].iter().flatten().any(|id| *id <= 0) || (has_key && row.key.as_deref() == Some("")),
            "bad_key",
        ),
        (!known, "unknown_account"),
        (what_is_unknown, of_what),
        (
            input == Input::Usage && !may_be_seconds(by_the_day, row.figure),
            "bad_seconds",
        ),
        (
            input == Input::Usage && row.pixels.is_some_and(|pixels| pixels < 0),
            "bad_pixels",
        ),
        (input == Input::Relay && is_negative_or_huge, "bad_kbps"),
        (input == Input::Screenshots && is_negative_or_huge, "bad_images"),
    ];
    reasons.iter().find(|(holds, _)| *holds).map(|(_, reason)| *reason)
}

/// Decision 28: "a time outside 1970 to 2999 in UTC".
fn is_of_our_times(at: i64) -> bool {
    let new_year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single();
    let new_year = |year| new_year(year).expect("a year begins").timestamp_micros();
    (new_year(1970)..new_year(3000)).contains(&at)
}

/// 2.1: "outside the partition's date".
fn is_misplaced(setting: &Setting, by_the_day: bool, partition: NaiveDate, row: &FileRow) -> bool {
    if by_the_day {
        return row.day.is_some_and(|day| day != partition);
    }
    row.at
        .is_some_and(|at| is_of_our_times(at) && day_of(setting.partition_zone, at) != partition)
}

/// Whether the catalog does not know what was used, and what that is called.
fn unknown(setting: &Setting, input: Input, row: &FileRow) -> (bool, &'static str) {
    let catalog = &setting.catalog;
    match input {
        Input::Usage if setting.by_the_day => {
            let item = catalog
                .items
                .iter()
                .find(|item| matches!(item.kind, Kind::Duration { .. }) && row.what.as_ref() == Some(&item.id));
            match item {
                None => (true, "unknown_item"),
                Some(item) => (
                    !item.tiers.iter().any(|tier| row.tier.as_ref() == Some(tier)),
                    "unknown_tier",
                ),
            }
        }
        Input::Usage => {
            let mut meters = catalog.meters.iter();
            (
                !meters.any(|meter| row.what.as_ref() == Some(&meter.id)),
                "unknown_meter",
            )
        }
        Input::Relay => {
            let peaks = catalog
                .items
                .iter()
                .filter(|item| matches!(item.kind, Kind::Peak { .. }));
            let mut tiers = peaks.flat_map(|item| &item.tiers);
            (
                !tiers.any(|tier| row.what.as_ref() == Some(tier)),
                "unknown_destination",
            )
        }
        Input::Screenshots | Input::Logins => (false, ""),
    }
}

/// 2.1: "1 to 86400; a null is a reject"; decision 109: "outside 1 to 10^12".
fn may_be_seconds(by_the_day: bool, seconds: Option<i64>) -> bool {
    let most = if by_the_day { LARGEST } else { 86_400 };
    seconds.is_some_and(|seconds| (1..=most).contains(&seconds))
}

fn or_null<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| NULL.to_owned(), |value| value.to_string())
}

fn reject(
    setting: &Setting,
    input: Input,
    (day, file, number): (NaiveDate, &str, usize),
    reason: &str,
    row: &FileRow,
) -> Cells {
    let is_usage = input == Input::Usage;
    // Decision 109: "meter of a reject is <item>.<tier>".
    let meter = match (&row.what, &row.tier) {
        (None, None) => None,
        (item, tier) if setting.by_the_day => Some(format!(
            "{}.{}",
            item.as_deref().unwrap_or_default(),
            tier.as_deref().unwrap_or_default()
        )),
        (meter, _) => meter.clone(),
    };
    cells![
        day,
        file,
        number,
        reason,
        or_null(row.account),
        or_null(row.app),
        // Decision 102: "meter, seconds and pixels are null."
        or_null(meter.filter(|_| is_usage)),
        row.at.map_or_else(|| NULL.to_owned(), instant),
        or_null(row.figure.filter(|_| is_usage)),
        or_null(row.pixels.filter(|_| is_usage)),
    ]
}
