//! SPEC 3.1: usage rows become lines.

use std::collections::BTreeMap;

use super::rows::{PeriodRow, UsageRow};
use super::scenario::{Catalog, Kind, Usage};
use super::standing::Night;

/// 3.4: "A row belongs to period floor((ts - start of the day) / 300 s), elapsed time."
const PERIOD: i64 = 300 * 1_000_000;

/// 1: "line: one (account, app, day, item, tier)". Item and tier by their place in the catalog.
pub struct Line {
    pub app: i64,
    pub item: usize,
    pub tier: usize,
    /// Seconds by five-minute period; all in period 0 with `deduction_period = "day"`.
    pub seconds_by_period: BTreeMap<i64, i128>,
    pub free_minutes: i128,
    pub package_minutes: i128,
    /// Minutes that no grant has covered, of those counted so far.
    pub rest: i128,
}

impl Line {
    pub fn seconds(&self) -> i128 {
        self.seconds_by_period.values().sum()
    }

    /// 3.1: "Minutes = ceil(seconds / 60) per line".
    pub fn minutes(&self) -> i128 {
        minutes_of(self.seconds())
    }

    /// 3.4: "each line's minutes in a period = ceil(cumulative seconds / 60) minus what earlier periods
    /// already counted".
    pub fn minutes_in(&self, period: i64) -> i128 {
        let until: i128 = self
            .seconds_by_period
            .range(..=period)
            .map(|(_, seconds)| seconds)
            .sum();
        let before: i128 = self.seconds_by_period.range(..period).map(|(_, seconds)| seconds).sum();
        minutes_of(until) - minutes_of(before)
    }
}

fn minutes_of(seconds: i128) -> i128 {
    let whole = seconds / 60;
    if seconds % 60 == 0 { whole } else { whole + 1 }
}

/// 3.1: "Tier = first of the meter's tiers with pixels <= max_pixels." 2.1: "pixels above the last tier's bound count
/// in the last tier"; "null or 0 = no video". Item and tier by their places.
pub fn place_of(catalog: &Catalog, usage: &Usage) -> (usize, usize) {
    let mut meters = catalog.meters.iter();
    let meter = meters
        .find(|meter| meter.id == usage.meter)
        .expect("a meter of the catalog");
    let pixels = usage.pixels.unwrap_or(0);
    let fitting = meter.tiers.iter().find(|(max_pixels, _)| pixels <= *max_pixels);
    let (_, tier) = fitting.or(meter.tiers.last()).expect("a meter has tiers");
    let item = catalog.items.iter().position(|item| item.id == meter.item);
    let item = item.expect("an item of the catalog");
    let tier = catalog.items[item].tiers.iter().position(|known| known == tier);
    (item, tier.expect("a tier of the item"))
}

pub fn item_and_tier(catalog: &Catalog, (item, tier): (usize, usize)) -> (String, String) {
    let item = &catalog.items[item];
    (item.id.clone(), item.tiers[tier].clone())
}

fn period_of(night: &Night<'_>, usage: &Usage) -> i64 {
    (usage.at - night.start(night.day)).div_euclid(PERIOD)
}

/// 3.1: "Seconds are summed per (account, app, day, item, tier)."
pub fn usage_rows(night: &Night<'_>) -> Vec<UsageRow> {
    let catalog = &night.setting.catalog;
    let mut rows: BTreeMap<(i64, String, String), (i128, i128)> = BTreeMap::new();
    for usage in &night.life.usage[night.number] {
        let (item, tier) = item_and_tier(catalog, place_of(catalog, usage));
        let sum = rows.entry((usage.app, item, tier)).or_default();
        sum.0 += i128::from(usage.seconds);
        sum.1 += 1;
    }
    let row = |((app, item, tier), (seconds, rows))| UsageRow {
        app,
        item,
        tier,
        seconds,
        rows,
    };
    rows.into_iter().map(row).collect()
}

/// 4: `usage_periods`.
pub fn period_rows(night: &Night<'_>) -> Vec<PeriodRow> {
    let catalog = &night.setting.catalog;
    let mut rows: BTreeMap<(i64, String, String, i64), i128> = BTreeMap::new();
    for usage in &night.life.usage[night.number] {
        let (item, tier) = item_and_tier(catalog, place_of(catalog, usage));
        let period = period_of(night, usage);
        *rows.entry((usage.app, item, tier, period)).or_default() += i128::from(usage.seconds);
    }
    let row = |((app, item, tier, period), seconds)| PeriodRow {
        app,
        item,
        tier,
        period,
        seconds,
    };
    rows.into_iter().map(row).collect()
}

/// 3.4: "lines in the order (sdk_app_id, item order in the catalog, tier order); account-rounded lines
/// (app 0) come last."
pub fn lines_of(night: &Night<'_>) -> Vec<Line> {
    let catalog = &night.setting.catalog;
    let mut lines: Vec<Line> = Vec::new();
    for usage in &night.life.usage[night.number] {
        let (item, tier) = place_of(catalog, usage);
        // 3.1: "Items with round = "account" sum seconds over the account's apps first and have one line
        // per tier, whose sdk_app_id is 0".
        let app = match catalog.items[item].kind {
            Kind::Duration { account_rounded: true } => 0,
            _ => usage.app,
        };
        let known = lines
            .iter()
            .position(|line| (line.app, line.item, line.tier) == (app, item, tier));
        let place = known.unwrap_or_else(|| {
            lines.push(Line {
                app,
                item,
                tier,
                seconds_by_period: BTreeMap::new(),
                free_minutes: 0,
                package_minutes: 0,
                rest: 0,
            });
            lines.len() - 1
        });
        let period = if night.setting.five_minutes {
            period_of(night, usage)
        } else {
            0
        };
        *lines[place].seconds_by_period.entry(period).or_default() += i128::from(usage.seconds);
    }
    lines.sort_by_key(|line| (line.app == 0, line.app, line.item, line.tier));
    lines
}
