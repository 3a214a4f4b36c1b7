//! Geometry of the page's charts, in whole numbers: bars stretch over the width that the reader has, so each is drawn on a
//! canvas of [`WIDTH`] by [`HEIGHT`], and labels are text beside it.

use chrono::Datelike;
use serde::Serialize;

use crate::report::numbers::{plain, thousands};
use crate::units::quantity::{Cents, Quota};

use super::grant_story::{Draw, GrantStory};
use super::month::Month;
use super::story::DurationStory;

/// Width of a canvas.
pub(super) const WIDTH: i128 = 1_000;
/// Height of the daily chart's canvas.
const HEIGHT: i128 = 1_000;
/// A day's bar is no wider, however few days there are.
const WIDEST_BAR: i128 = WIDTH / 10;
/// Colours that the page has for items.
const COLOURS: usize = 8;

/// A stretch of a bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Stretch {
    /// Which colour it has: the name of a class.
    pub class: String,
    /// What it is.
    pub label: String,
    /// How much, for people.
    pub value: String,
    /// Where it begins.
    pub x: i128,
    /// How wide it is; at least 4 where there is anything.
    pub width: i128,
}

/// What covered a number of minutes, as one bar.
pub(super) fn coverage(durations: &[&DurationStory]) -> Vec<Stretch> {
    let sum = |pick: fn(&DurationStory) -> i64| durations.iter().map(|story| i128::from(pick(story))).sum::<i128>();
    let parts = [
        ("free", "free minutes", sum(|story| story.free_minutes.get())),
        ("package", "packages", sum(|story| story.package_minutes.get())),
        ("payg", "pay-as-you-go", sum(|story| story.payg_minutes.get())),
        ("unbilled", "not billed", sum(|story| story.unbilled_minutes.get())),
    ];
    let total: i128 = parts.iter().map(|(.., minutes)| minutes).sum();
    let mut x = 0;
    let mut bar = Vec::new();
    let mut so_far = 0;
    for (class, label, minutes) in parts {
        so_far += minutes;
        let end = scaled(so_far, total);
        if minutes > 0 {
            bar.push(Stretch {
                class: class.to_owned(),
                label: label.to_owned(),
                value: thousands(minutes),
                x,
                width: (end - x).max(4),
            });
        }
        x = end;
    }
    bar
}

/// A step of a grant's waterfall: what is left of it before and after, between `low` and `high`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fall {
    /// What is left after it.
    pub rest: i128,
    /// What it takes.
    pub width: i128,
}

/// The scale of a grant's waterfall and a fall for each draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Waterfall {
    /// What the left edge stands for: 0, or more where the day took little of much.
    pub low: String,
    /// What the right edge stands for.
    pub high: String,
    /// Whether the left edge is not 0.
    pub is_cut: bool,
    pub falls: Vec<Fall>,
}

/// A grant's draws as falling bars. Where the day took less than a tenth, the axis is cut, so that the draws can be seen.
pub(super) fn waterfall(grant: &GrantStory, draws: &[Draw]) -> Option<Waterfall> {
    let (high, last) = (grant.before?.units(), grant.after?.units());
    let taken = high - last;
    if draws.is_empty() || taken <= 0 {
        return None;
    }
    let is_cut = taken.checked_mul(10).is_some_and(|tenfold| tenfold < high);
    let low = if is_cut { last - taken / 4 } else { 0 };
    let range = i128::from(high - low);
    let place = |balance: i64| scaled(i128::from(balance - low), range);
    let falls = draws.iter().map(|draw| {
        let (after, before) = (place(draw.after.units()), place(draw.before.units()));
        Fall {
            rest: after,
            width: (before - after).max(3),
        }
    });
    Some(Waterfall {
        low: plain(&Quota::from_units(low).to_string()),
        high: plain(&Quota::from_units(high).to_string()),
        is_cut,
        falls: falls.collect(),
    })
}

/// Bills by day, stacked by item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Daily {
    /// Every day of the month up to the one that is explained.
    pub days: Vec<Bar>,
    /// Items in the order of their colours.
    pub legend: Vec<Legend>,
    /// Lines across, with their amounts.
    pub ticks: Vec<Tick>,
    /// Where 0 is.
    pub zero: i128,
    pub total: String,
}

/// One day's bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Bar {
    pub day: String,
    /// Day of the month.
    pub number: u32,
    /// Whether it has a label below it.
    pub labelled: bool,
    /// Whether it is the day that is explained.
    pub today: bool,
    /// Its sum, None where the day is not settled.
    pub total: Option<String>,
    pub x: i128,
    pub width: i128,
    pub blocks: Vec<Block>,
}

/// One item's part of a bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Block {
    pub class: String,
    pub item: String,
    pub amount: String,
    pub y: i128,
    pub height: i128,
}

/// An item and its colour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Legend {
    pub class: String,
    pub item: String,
    pub total: String,
}

/// A line across the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Tick {
    pub y: i128,
    /// Of the height, in percent.
    pub percent: i128,
    pub label: String,
}

/// The chart of a month; None where nothing was billed.
pub(super) fn daily(month: &Month, name: impl Fn(&str) -> String) -> Option<Daily> {
    let mut items: Vec<&str> = Vec::new();
    for (item, amount) in month.days.iter().flat_map(|day| &day.amounts) {
        if *amount != Cents::ZERO && !items.contains(&item.as_str()) {
            items.push(item);
        }
    }
    items.sort_unstable();
    let (most, least) = extremes(month);
    if most == 0 && least == 0 {
        return None;
    }
    let (top, bottom) = (round_up(most), -round_up(-least));
    let y = |cents: i128| scaled_to(top - cents, top - bottom, HEIGHT);
    let last = month.days.last()?.day;
    let count = i128::from(last.date().day());
    let class = |item: &str| {
        let place = items.iter().position(|other| *other == item).unwrap_or(0);
        format!("c{}", place % COLOURS)
    };
    let days = (1..=last.date().day()).map(|number| {
        let settled = month.days.iter().find(|day| day.day.date().day() == number);
        let left = (i128::from(number) - 1) * WIDTH / count;
        let right = i128::from(number) * WIDTH / count;
        let gap = ((right - left) / 6).max((right - left - WIDEST_BAR) / 2);
        Bar {
            day: settled.map_or_else(|| number.to_string(), |day| day.day.to_string()),
            number,
            labelled: count <= 16 || number == 1 || number % 5 == 0,
            today: number == last.date().day(),
            total: settled.map(|day| thousands(cents(day.amounts.iter().map(|(_, amount)| amount)))),
            x: left + gap,
            width: right - left - 2 * gap,
            blocks: settled.map_or_else(Vec::new, |day| {
                let named = day
                    .amounts
                    .iter()
                    .map(|(item, amount)| (class(item), name(item), *amount));
                blocks(named, y)
            }),
        }
    });
    let legend = items.iter().map(|item| {
        let of_item = month
            .days
            .iter()
            .flat_map(|day| &day.amounts)
            .filter(|(other, _)| other == item);
        Legend {
            class: class(item),
            item: name(item),
            total: thousands(cents(of_item.map(|(_, amount)| amount))),
        }
    });
    let tick = |cents: i128| Tick {
        y: y(cents),
        percent: y(cents) * 100 / HEIGHT,
        label: thousands(money(cents)),
    };
    let ticks = [top, if bottom == 0 { top / 2 } else { bottom }, 0];
    Some(Daily {
        days: days.collect(),
        legend: legend.collect(),
        ticks: ticks.into_iter().map(tick).collect(),
        zero: y(0),
        total: thousands(cents(
            month.days.iter().flat_map(|day| &day.amounts).map(|(_, amount)| amount),
        )),
    })
}

/// Upwards from 0 what is charged, downwards what is credited.
fn blocks(amounts: impl Iterator<Item = (String, String, Cents)>, y: impl Fn(i128) -> i128) -> Vec<Block> {
    let (mut up, mut down) = (0, 0);
    let mut blocks = Vec::new();
    for (class, item, amount) in amounts {
        let units = i128::from(amount.units());
        if units == 0 {
            continue;
        }
        let side = if units > 0 { &mut up } else { &mut down };
        let (from, to) = (y(*side), y(*side + units));
        *side += units;
        blocks.push(Block {
            class,
            item,
            amount: thousands(amount),
            y: from.min(to),
            height: (from - to).abs().max(2),
        });
    }
    blocks
}

/// The highest and the lowest end of any day's bar.
fn extremes(month: &Month) -> (i128, i128) {
    let sum = |day: &super::month::DayBills, wanted: fn(i128) -> bool| {
        let units = day.amounts.iter().map(|(_, amount)| i128::from(amount.units()));
        units.filter(|units| wanted(*units)).sum::<i128>()
    };
    let most = month.days.iter().map(|day| sum(day, |units| units > 0)).max();
    let least = month.days.iter().map(|day| sum(day, |units| units < 0)).min();
    (most.unwrap_or(0), least.unwrap_or(0))
}

/// The next of 2, 4, 10, 20, 40, 100, … cents; 0 stays.
fn round_up(cents: i128) -> i128 {
    let mut decade = 1;
    while cents > decade * 10 {
        decade *= 10;
    }
    [0, 2, 4, 6, 8, 10]
        .into_iter()
        .map(|digit| digit * decade)
        .find(|round| *round >= cents)
        .unwrap_or(cents)
}

fn cents<'a>(amounts: impl Iterator<Item = &'a Cents>) -> String {
    money(amounts.map(|amount| i128::from(amount.units())).sum())
}

/// A sum of cents, which may be beyond the 64 bits of one bill.
fn money(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

fn scaled(part: i128, whole: i128) -> i128 {
    scaled_to(part, whole, WIDTH)
}

fn scaled_to(part: i128, whole: i128, size: i128) -> i128 {
    (part * size).checked_div(whole).unwrap_or(0)
}

#[cfg(test)]
mod tests;
