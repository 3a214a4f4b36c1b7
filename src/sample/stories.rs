//! Accounts with a story each: paid late, suspended, removed and back, violated, renewed, refunded. Over a quarter they
//! are in every state that an account can have.

use super::accounts::cycle_start;
use super::day::{DayPlan, Meter, Run};
use super::tables::{AccountRow, Facts, PackageRow, PaymentRow};
use crate::units::quantity::BillingDay;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// An hour of HD video on pay-as-you-go: 0.24 USD.
const HD: Option<i32> = Some(921_600);

/// An account; times are seconds since the sample's first day began.
struct Story {
    account_id: i64,
    note: &'static str,
    payg: Option<&'static str>,
    violation_at: Option<i64>,
    opening_cents: i64,
    /// When, and cents.
    payments: &'static [(i64, i64)],
    packages: &'static [Purchase],
    /// Package by number, and when its refund is asked for.
    requests: &'static [(usize, i64)],
    disabled_at: Option<i64>,
    /// Minutes of HD a day, from one day to another.
    minutes: &'static [(u32, u32, u32)],
}

struct Purchase {
    plan: &'static str,
    at: i64,
    auto_renew: bool,
    /// When, and how many cents.
    refund: Option<(i64, i64)>,
}

const fn bought(plan: &'static str, at: i64) -> Purchase {
    Purchase {
        plan,
        at,
        auto_renew: false,
        refund: None,
    }
}

/// Bills 0.24 USD a day, has its free minutes used up, and no money.
const USUAL: Story = Story {
    account_id: 0,
    note: "",
    payg: Some("on"),
    violation_at: None,
    opening_cents: 0,
    payments: &[],
    packages: &[],
    requests: &[],
    disabled_at: None,
    minutes: &[(0, 366, 60)],
};

const STORIES: &[Story] = &[
    Story {
        account_id: 1101,
        note: "Story: pays late; once within a day and once after the suspension",
        opening_cents: 100,
        // The fifth bill takes it below zero on the sixth day at 10:00.
        payments: &[(5 * DAY + 20 * HOUR, 200), (16 * DAY, 5_000)],
        ..USUAL
    },
    Story {
        account_id: 1102,
        note: "Story: never pays and is removed sixty days after its suspension",
        opening_cents: 50,
        packages: &[bought("call.trial", 3 * DAY + 9 * HOUR)],
        ..USUAL
    },
    Story {
        account_id: 1103,
        note: "Story: violates the terms",
        opening_cents: 10_000,
        violation_at: Some(20 * DAY + 15 * HOUR),
        ..USUAL
    },
    Story {
        account_id: 1104,
        note: "Story: renews its package until the money is spent",
        payg: None,
        opening_cents: 10_000,
        packages: &[Purchase {
            auto_renew: true,
            ..bought("rtc_engine.lite", 9 * HOUR)
        }],
        ..USUAL
    },
    Story {
        account_id: 1105,
        note: "Story: gives an unused package back after five days; the other one is used",
        payg: None,
        opening_cents: 100_000,
        packages: &[
            bought("rtc_engine.standard", 3 * DAY + 8 * HOUR),
            bought("conference.lite", 30 * DAY + 8 * HOUR),
        ],
        requests: &[(0, 8 * DAY + 8 * HOUR - 1), (1, 33 * DAY)],
        minutes: &[(30, 366, 10)],
        ..USUAL
    },
    Story {
        account_id: 1106,
        note: "Story: was given money back by hand and asks too late for more",
        payg: None,
        opening_cents: 100_000,
        packages: &[
            Purchase {
                refund: Some((9 * DAY, 15_000)),
                ..bought("live.lite", 4 * DAY + 8 * HOUR)
            },
            bought("call.one_to_one", 12 * DAY + 8 * HOUR),
        ],
        requests: &[(1, 17 * DAY + 8 * HOUR + 1)],
        minutes: &[],
        ..USUAL
    },
    Story {
        account_id: 1107,
        note: "Story: removed with its free minutes and back with another package when it pays",
        opening_cents: 4_950,
        packages: &[
            bought("rtc_engine.lite", 10 * HOUR),
            bought("rtc_engine.lite", 70 * DAY),
        ],
        payments: &[(69 * DAY, 100_000)],
        minutes: &[(0, 366, 2_400)],
        ..USUAL
    },
    Story {
        account_id: 1108,
        note: "Story: runs out of free minutes; buys a trial that ends and disables its app",
        payg: None,
        opening_cents: 1_000,
        packages: &[bought("call.trial", 5 * DAY + 12 * HOUR)],
        disabled_at: Some(40 * DAY),
        minutes: &[(0, 10, 5)],
        ..USUAL
    },
];

/// Dimensions of the stories' accounts, in account order; `start` is the first second of the sample. The free cycle that its
/// first day lies in is used up.
pub(super) fn add_facts(facts: &mut Facts, start: i64, first_day: BillingDay) {
    // More than a year before, and on another day of the month, so that a cycle is running.
    let anchor = first_day.checked_add_days(-396).expect("checked with the spec");
    let cycle = cycle_start(anchor, first_day).expect("the anchor is before");
    for story in STORIES {
        let account_id = story.account_id;
        facts.accounts.push(AccountRow {
            account_id,
            registered_at: start - 400 * DAY,
            free_anchor: Some(anchor),
            payg: story.payg,
            credit_limit_cents: None,
            violation_at: story.violation_at.map(|at| start + at),
            note: Some(story.note),
        });
        facts
            .opening_grants
            .push((format!("free:{account_id}:{cycle}"), 1_000_000));
        facts.opening.push((account_id, story.opening_cents));
        for (number, purchase) in (1..).zip(story.packages) {
            facts.packages.push(PackageRow {
                package_id: package_id(account_id, number),
                account_id,
                apps: vec![app_id(account_id)],
                plan: purchase.plan,
                purchased_at: start + purchase.at,
                gift: false,
                auto_renew: purchase.auto_renew,
                refund: purchase.refund.map(|(at, cents)| (start + at, cents)),
            });
        }
        for (number, (at, amount_cents)) in (1..).zip(story.payments) {
            facts.payments.push(PaymentRow {
                payment_id: format!("pay-{account_id}-{number}"),
                account_id,
                paid_at: start + at,
                amount_cents: *amount_cents,
            });
        }
        for (package, at) in story.requests {
            facts
                .refund_requests
                .push((package_id(account_id, package + 1), start + at));
        }
        if let Some(at) = story.disabled_at {
            facts.apps.push((account_id, app_id(account_id), start + at));
        }
    }
}

/// Adds the stories' usage of a day, 0 being the first.
pub(super) fn add_usage(plan: &mut DayPlan, day: u32) {
    for story in STORIES {
        for (from, until, minutes) in story.minutes {
            if !(*from..*until).contains(&day) {
                continue;
            }
            let room = plan.add_room(format!("story-{}", story.account_id));
            plan.runs.push(Run {
                account_id: story.account_id,
                sdk_app_id: app_id(story.account_id),
                user_id: 1,
                room,
                start: 20 * 3_600,
                rows: *minutes,
                seconds: 60,
                pixels: HD,
                meter: Meter::Av,
            });
        }
    }
}

fn package_id(account_id: i64, number: usize) -> String {
    format!("pkg-{account_id}-{number}")
}

fn app_id(account_id: i64) -> i64 {
    1_300_000_000 + (account_id - 1000) * 10 + 1
}
