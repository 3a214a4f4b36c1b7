//! The purchase guide's worked examples, one account each, so that their bills are the guide's.
//!
//! Most of them have their free minutes used up and pay-as-you-go on, as the guide's arithmetic takes for granted.
//! The days are those around the start of the RTC-Engine promotion, 2024-10-11 to 2024-10-14 in Asia/Shanghai.

use chrono::DateTime;

use super::day::{DayPlan, Meter, Run};
use super::tables::{AccountRow, Facts, PackageRow, PaymentRow};
use crate::units::quantity::BillingDay;

/// Of how many days the examples are.
pub(super) const DAYS: u32 = 4;

/// An account and its usage.
struct Example {
    account_id: i64,
    note: &'static str,
    registered_at: &'static str,
    free_anchor: Option<&'static str>,
    payg: Option<&'static str>,
    /// First day of the free cycle of 2024-10-11, and the minutes used in it before.
    free_used: Option<(&'static str, i64)>,
    packages: &'static [Purchase],
    paid_cents: i64,
    usage: &'static [Usage],
}

struct Purchase {
    plan: &'static str,
    purchased_at: &'static str,
    /// Minutes used before 2024-10-11.
    used: i64,
}

/// Participants (or recordings, mixing tasks, files) side by side, each with its aggregate resolution.
struct Usage {
    /// 0 is 2024-10-11.
    day: u32,
    app: i64,
    /// Seconds since midnight.
    at: u32,
    meter: Meter,
    seconds: u32,
    pixels: &'static [Option<i32>],
    rows: Rows,
}

/// How seconds become rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// One a second, as a pipeline writes.
    EachSecond,
    /// One for all.
    One,
}

const fn each_second(day: u32, at: u32, meter: Meter, seconds: u32, pixels: &'static [Option<i32>]) -> Usage {
    Usage {
        day,
        app: 1,
        at,
        meter,
        seconds,
        pixels,
        rows: Rows::EachSecond,
    }
}

const fn one_row(day: u32, app: i64, at: u32, meter: Meter, seconds: u32, pixels: &'static [Option<i32>]) -> Usage {
    Usage {
        day,
        app,
        at,
        meter,
        seconds,
        pixels,
        rows: Rows::One,
    }
}

const MORNING: u32 = 9 * 3600;
const EVENING: u32 = 20 * 3600;
const AUDIO: &[Option<i32>] = &[None];
const HD: &[Option<i32>] = &[Some(921_600)];

/// Registered on a 15th under the ratios of 2023, everything else as the guide's arithmetic takes for granted.
const USUAL: Example = Example {
    account_id: 0,
    note: "",
    registered_at: "2023-06-15T10:00:00+08:00",
    free_anchor: None,
    payg: Some("on"),
    free_used: Some(("2024-09-15", 10_000)),
    packages: &[],
    paid_cents: 0,
    usage: &[],
};

const EXAMPLES: &[Example] = &[
    Example {
        account_id: 1001,
        note: "Audio and video: example 1 (six users: 4.14)",
        usage: &[each_second(
            0,
            EVENING,
            Meter::Av,
            3600,
            &[
                Some(614_400),
                Some(3_072_000),
                Some(3_072_000),
                Some(3_379_200),
                Some(3_379_200),
                None,
            ],
        )],
        ..USUAL
    },
    Example {
        account_id: 1002,
        note: "Audio and video: example 2 (six users: 1.26)",
        usage: &[each_second(
            0,
            EVENING,
            Meter::Av,
            3600,
            &[
                Some(460_800),
                Some(460_800),
                Some(460_800),
                Some(691_200),
                Some(691_200),
                None,
            ],
        )],
        ..USUAL
    },
    Example {
        account_id: 1003,
        note: "Recording: example 2 (four recordings on four days: 1.62)",
        usage: &[
            each_second(0, MORNING, Meter::Recording, 5000, AUDIO),
            each_second(1, MORNING, Meter::Recording, 5000, &[None, None]),
            each_second(2, MORNING, Meter::Recording, 3500, HD),
            each_second(3, MORNING, Meter::Recording, 1800, &[Some(1_843_200)]),
            each_second(3, MORNING + 1800, Meter::Recording, 540, &[Some(3_916_800)]),
        ],
        ..USUAL
    },
    Example {
        account_id: 1004,
        note: "Recording delivery: audio to a third party (0.0013)",
        usage: &[one_row(0, 1, MORNING, Meter::DeliveryThirdParty, 600, AUDIO)],
        ..USUAL
    },
    Example {
        account_id: 1005,
        note: "Recording delivery: FHD to Tencent Cloud (0.0029)",
        usage: &[one_row(0, 1, MORNING, Meter::DeliveryTencent, 600, &[Some(2_073_600)])],
        ..USUAL
    },
    Example {
        account_id: 1006,
        note: "Mixing: audio live streaming (0.0597)",
        usage: &[each_second(0, EVENING + 1800, Meter::MixH264, 1800, &[Some(0)])],
        ..USUAL
    },
    Example {
        account_id: 1007,
        note: "Mixing: video live streaming in two tasks (0.5198)",
        usage: &[each_second(
            0,
            EVENING + 1800,
            Meter::MixH264,
            600,
            &[Some(2_995_200), Some(2_995_200)],
        )],
        ..USUAL
    },
    Example {
        account_id: 1008,
        note: "Free minutes: a cycle from the 15th to the 14th; mixing is not deductible before 2023-02-21",
        registered_at: "2022-11-15T10:00:00+08:00",
        free_used: Some(("2024-09-15", 9_900)),
        usage: &[
            one_row(0, 1, MORNING, Meter::Av, 90 * 60, AUDIO),
            one_row(1, 1, MORNING, Meter::MixH264, 30 * 60, AUDIO),
            one_row(3, 1, MORNING, Meter::Av, 30 * 60, AUDIO),
        ],
        ..USUAL
    },
    Example {
        account_id: 1009,
        note: "Free minutes: used up on the 12th and new on the 13th",
        registered_at: "2023-05-30T10:00:00+08:00",
        free_anchor: Some("2023-06-13"),
        free_used: Some(("2024-09-13", 10_000)),
        usage: &[
            one_row(1, 1, MORNING, Meter::Av, 20 * 60, AUDIO),
            one_row(2, 1, MORNING, Meter::Av, 20 * 60, AUDIO),
        ],
        ..USUAL
    },
    Example {
        account_id: 1010,
        note: "FAQ: 30 and 20 and 40 seconds in three periods are 2 minutes",
        free_used: None,
        usage: &[
            each_second(0, 10, Meter::Av, 30, AUDIO),
            each_second(0, 360, Meter::Av, 20, AUDIO),
            each_second(0, 660, Meter::Av, 40, AUDIO),
        ],
        ..USUAL
    },
    Example {
        account_id: 1011,
        note: "Package: bought in the afternoon it deducts the morning; recording is paid",
        payg: None,
        packages: &[Purchase {
            plan: "rtc_engine.standard",
            purchased_at: "2024-10-11T15:00:00+08:00",
            used: 0,
        }],
        paid_cents: 60_000,
        usage: &[
            one_row(0, 1, MORNING, Meter::Av, 60 * 60, HD),
            one_row(1, 1, MORNING, Meter::Recording, 10 * 60, HD),
        ],
        ..USUAL
    },
    Example {
        account_id: 1012,
        note: "Promotion: from 2024-10-12 the package of app 1 serves app 2",
        payg: None,
        packages: &[Purchase {
            plan: "rtc_engine.lite",
            purchased_at: "2024-10-01T12:00:00+08:00",
            used: 0,
        }],
        usage: &[
            one_row(0, 2, MORNING, Meter::Av, 30 * 60, AUDIO),
            one_row(1, 2, MORNING, Meter::Av, 30 * 60, AUDIO),
        ],
        ..USUAL
    },
    Example {
        account_id: 1013,
        note: "Pay-as-you-go off: free minutes run out in the middle of a line",
        payg: Some("off"),
        free_used: Some(("2024-09-15", 9_970)),
        usage: &[one_row(0, 1, MORNING, Meter::Av, 60 * 60, AUDIO)],
        ..USUAL
    },
    Example {
        account_id: 1014,
        note: "Whole minutes: what is too little for HD stays for audio",
        payg: Some("off"),
        free_used: Some(("2024-09-15", 9_990)),
        usage: &[
            one_row(0, 1, MORNING, Meter::Av, 3 * 60, HD),
            one_row(0, 2, MORNING, Meter::Av, 5 * 60, AUDIO),
        ],
        ..USUAL
    },
    Example {
        account_id: 1015,
        note: "Queue: the second package starts on the day after the first ends",
        payg: None,
        packages: &[
            Purchase {
                plan: "rtc_engine.lite",
                purchased_at: "2024-09-13T12:00:00+08:00",
                used: 49_990,
            },
            Purchase {
                plan: "rtc_engine.lite",
                purchased_at: "2024-10-05T12:00:00+08:00",
                used: 0,
            },
        ],
        usage: &[
            one_row(1, 1, MORNING, Meter::Av, 30 * 60, AUDIO),
            one_row(2, 1, MORNING, Meter::Av, 30 * 60, AUDIO),
        ],
        ..USUAL
    },
];

/// Dimensions of the examples' accounts, in account order.
pub(super) fn facts() -> Facts {
    let mut facts = Facts::default();
    for example in EXAMPLES {
        let account_id = example.account_id;
        facts.accounts.push(AccountRow {
            account_id,
            registered_at: seconds(example.registered_at),
            free_anchor: example.free_anchor.map(day),
            payg: example.payg,
            credit_limit_cents: None,
            violation_at: None,
            note: Some(example.note),
        });
        if let Some((cycle, minutes)) = example.free_used {
            facts
                .opening_grants
                .push((format!("free:{account_id}:{cycle}"), minutes * 100));
        }
        for (number, purchase) in (1..).zip(example.packages) {
            let package_id = format!("pkg-{account_id}-{number}");
            if purchase.used > 0 {
                facts.opening_grants.push((package_id.clone(), purchase.used * 100));
            }
            facts.packages.push(PackageRow {
                package_id,
                account_id,
                apps: vec![app_id(account_id, 1)],
                plan: purchase.plan,
                purchased_at: seconds(purchase.purchased_at),
                gift: false,
                auto_renew: false,
                refund: None,
            });
        }
        if example.paid_cents > 0 {
            facts.payments.push(PaymentRow {
                payment_id: format!("pay-{account_id}-1"),
                account_id,
                paid_at: seconds("2024-10-11T14:55:00+08:00"),
                amount_cents: example.paid_cents,
            });
        }
        facts.opening.push((account_id, 10_000));
    }
    facts
}

/// Adds the examples' usage of a day, 0 being the first.
pub(super) fn add_usage(plan: &mut DayPlan, day: u32) {
    for example in EXAMPLES {
        for usage in example.usage.iter().filter(|usage| usage.day == day) {
            let room = plan.add_room(format!("example-{}-{}", example.account_id, usage.at));
            for (user_id, pixels) in (1..).zip(usage.pixels) {
                let (rows, seconds) = match usage.rows {
                    Rows::EachSecond => (usage.seconds, 1),
                    Rows::One => (1, i32::try_from(usage.seconds).expect("at most a day")),
                };
                plan.runs.push(Run {
                    account_id: example.account_id,
                    sdk_app_id: app_id(example.account_id, usage.app),
                    user_id,
                    room,
                    start: usage.at,
                    rows,
                    seconds,
                    pixels: *pixels,
                    meter: usage.meter,
                });
            }
        }
    }
}

fn app_id(account_id: i64, app: i64) -> i64 {
    1_300_000_000 + (account_id - 1000) * 10 + app
}

fn seconds(rfc3339: &str) -> i64 {
    DateTime::parse_from_rfc3339(rfc3339)
        .expect("the examples' times are RFC 3339")
        .timestamp()
}

fn day(date: &str) -> BillingDay {
    BillingDay::from_date(date.parse().expect("the examples' dates are ISO 8601"))
}
