//! Random scenarios from a seed: small catalogs and accounts whose facts crowd around the edges of days,
//! billing times, validities and quotas.

use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::grants::free_cycle;
use super::scenario::{Account, Catalog, Night, Opening, OpeningGrant, Package, Payment, Plan, Scenario, Usage};
use super::zone::{billing_time_of, day_of, start_of};

/// Zones and days on which something happens to their clocks, or to the calendar.
const DAYS_TO_REMEMBER: &[(&str, &[&str])] = &[
    (
        "Asia/Shanghai",
        &[
            "1987-04-12",
            "1987-09-13",
            "2024-10-12",
            "2024-02-29",
            "2023-01-31",
            "2022-12-31",
        ],
    ),
    (
        "Asia/Beirut",
        &[
            "2024-03-31",
            "2024-10-27",
            "2023-03-30",
            "2022-10-30",
            "1993-03-28",
            "2006-10-29",
        ],
    ),
    (
        "America/Havana",
        &["2024-03-10", "2024-11-03", "1998-10-25", "2011-11-13", "2012-04-01"],
    ),
    (
        "Australia/Lord_Howe",
        &["2024-04-07", "2024-10-06", "1987-03-15", "2008-04-06"],
    ),
    (
        "America/New_York",
        &["2024-03-10", "2024-11-03", "1987-04-05", "2023-02-28"],
    ),
    (
        "Pacific/Apia",
        &["2011-12-30", "2011-12-31", "2012-04-01", "2011-09-24", "2020-04-05"],
    ),
    (
        "America/St_Johns",
        &[
            "2010-11-07",
            "2010-03-14",
            "1988-04-03",
            "1988-10-30",
            "2011-03-13",
            "2024-11-03",
        ],
    ),
    ("America/Sao_Paulo", &["2018-11-04", "2018-02-18", "2017-10-15"]),
    ("Pacific/Kwajalein", &["1993-08-21"]),
];

const BILLING_TIMES: &[(u32, u32)] = &[(10, 0), (10, 0), (0, 0), (0, 30), (1, 30), (2, 15), (2, 30), (23, 45)];

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;

/// The scenario of this seed.
pub fn scenario(seed: u64) -> Scenario {
    let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
    let (zone, remembered) = random.pick(DAYS_TO_REMEMBER);
    let zone: Tz = zone.parse().expect("a zone");
    let remembered: NaiveDate = random.pick(remembered).parse().expect("a date");
    let count = if random.chance(8) {
        random.number(9, 40)
    } else {
        random.number(1, 8)
    };
    let first = remembered - days(random.number(0, count)) + days(random.number(0, 1));
    let stage = Stage {
        zone,
        billing_time: *random.pick(BILLING_TIMES),
        first,
        last: first + days(count - 1),
    };
    let catalog = random.catalog(&stage);
    let five_minutes = random.chance(40);
    let packages = random.packages(&stage, &catalog);
    let first_settled_day = if random.chance(60) {
        first
    } else {
        first - days(random.number(1, 40))
    };
    let payments = random.payments(&stage, first_settled_day);
    let mut scenario = Scenario {
        name: format!("seed {seed}"),
        zone,
        billing_time: stage.billing_time,
        five_minutes,
        first_settled_day,
        account: random.account(&stage, &catalog),
        packages,
        opening: Opening {
            balance: random.money(),
            paid_total: "0.00".to_owned(),
            grants: Vec::new(),
        },
        payments,
        nights: (0..count)
            .map(|night| random.night(&catalog, first + days(night), five_minutes))
            .collect(),
        catalog,
    };
    // Nobody uses anything on a date that the zone skipped.
    scenario.nights.iter_mut().for_each(|night| {
        if start_of(zone, night.day) == start_of(zone, night.day + days(1)) {
            night.usage.clear();
        }
    });
    if random.chance(30) {
        let registered = day_of(zone, scenario.account.registered_at) + days(random.number(0, 1));
        for rule in &mut scenario.catalog.free {
            rule.registered_from = rule.registered_from.map(|_| registered);
            rule.registered_before = rule.registered_before.map(|_| registered);
        }
    }
    scenario.opening.grants = random.opening_grants(&scenario);
    if first_settled_day < first && random.chance(50) {
        scenario.opening.paid_total = random.money();
    }
    scenario
}

pub fn days(count: i64) -> Days {
    Days::new(u64::try_from(count).expect("not negative"))
}

/// Where and when a scenario plays.
pub struct Stage {
    pub zone: Tz,
    pub billing_time: (u32, u32),
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl Stage {
    fn billing(&self, day: NaiveDate) -> i64 {
        billing_time_of(self.zone, day, self.billing_time.0, self.billing_time.1)
    }
}

pub struct Random(ChaCha8Rng);

impl Random {
    pub fn number(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    pub fn index(&mut self, low: i64, high: i64) -> usize {
        usize::try_from(self.number(low, high)).expect("small")
    }

    /// True in this many of a hundred cases.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.number(1, 100) <= percent
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        list.choose(&mut self.0).expect("something to pick from")
    }

    pub fn some<T: Clone>(&mut self, list: &[T], percent: i64) -> Vec<T> {
        list.iter().filter(|_| self.chance(percent)).cloned().collect()
    }

    fn money(&mut self) -> String {
        let cents = self.number(-20_000, 20_000);
        format!(
            "{}{}.{:02}",
            if cents < 0 { "-" } else { "" },
            cents.abs() / 100,
            cents.abs() % 100
        )
    }

    /// A moment at, just before or just after the start of a day or its billing time, or anywhere in it.
    fn moment(&mut self, stage: &Stage, earliest: NaiveDate, latest: NaiveDate) -> i64 {
        let day = earliest + days(self.number(0, (latest - earliest).num_days().max(0)));
        let edge = if self.chance(50) {
            start_of(stage.zone, day)
        } else {
            stage.billing(day)
        };
        edge + match self.number(1, 10) {
            1 | 2 => 0,
            3 => -1,
            4 => 1,
            5 => -SECOND,
            6 => self.number(-HOUR, HOUR),
            7 => HOUR * self.number(0, 12),
            _ => self.number(0, 24 * HOUR),
        }
    }

    // ------------------------------------------------------------ the facts

    fn account(&mut self, stage: &Stage, catalog: &Catalog) -> Account {
        let earliest = stage.first - days(*self.pick(&[1, 3, 40, 400]));
        let registered_at = self
            .moment(stage, earliest, stage.first)
            .min(stage.billing(stage.first));
        let free_anchor = self.chance(50).then(|| {
            let month = earliest.with_day(1).expect("every month has a first day");
            let anchor = month + Months::new(u32::from(self.chance(50))) - Days::new(1);
            if self.chance(60) {
                anchor
            } else {
                anchor - days(self.number(0, 3))
            }
        });
        let mut lists: Vec<&String> = catalog.price_lists.iter().map(|entry| &entry.id).collect();
        lists.dedup();
        Account {
            id: self.number(1, 9_999),
            registered_at,
            free_anchor,
            price_list: (*self.pick(&lists)).clone(),
            payg: (*self.pick(&["auto", "auto", "auto", "on", "off"])).to_owned(),
        }
    }

    /// Few queues of several packages each, or a crowd of packages that are valid at the same time.
    fn packages(&mut self, stage: &Stage, catalog: &Catalog) -> Vec<Package> {
        let crowd = self.chance(35);
        let app_sets: [&[i64]; 6] = [&[], &[1], &[1], &[2], &[1, 2], &[1, 2, 3]];
        let app_sets: Vec<&[i64]> = (0..self.number(1, 3)).map(|_| *self.pick(&app_sets)).collect();
        let variety = if crowd { 7 } else { self.number(1, 4) };
        let plans: Vec<&Plan> = (0..variety).map(|_| self.pick(&catalog.plans)).collect();
        let count = if crowd { self.number(5, 10) } else { self.number(0, 6) };
        let mut packages: Vec<Package> = Vec::new();
        for place in 0..count {
            let back = if crowd { 3 } else { *self.pick(&[0, 2, 8, 35, 70]) };
            let mut purchased_at = self.moment(stage, stage.first - days(back), stage.last + days(1));
            if !packages.is_empty() && self.chance(25) {
                purchased_at = self.pick(&packages).purchased_at;
            }
            packages.push(Package {
                // Before and after `free:…` in the order of bytes, and not in the order of purchases.
                id: format!("{}{}", self.pick(&["p", "q", "a", "P"]), (place * 7) % 10),
                apps: self.pick(&app_sets).to_vec(),
                plan: self.pick(&plans).id.clone(),
                purchased_at,
                gift: self.chance(15),
                refunded_at: if self.chance(if crowd { 10 } else { 40 }) {
                    Some(self.refund(stage, purchased_at))
                } else {
                    None
                },
            });
        }
        packages
    }

    fn refund(&mut self, stage: &Stage, purchased_at: i64) -> i64 {
        let bought = day_of(stage.zone, purchased_at);
        let at = match self.number(1, 6) {
            1 => purchased_at,
            2 => purchased_at + self.number(0, 48) * HOUR,
            3 => self.moment(stage, bought, bought + days(40)),
            4 => stage.billing(stage.first + days(self.number(0, 3))) + self.number(-1, 1),
            _ => self.moment(stage, stage.first, stage.last + days(1)),
        };
        at.max(purchased_at)
    }

    fn payments(&mut self, stage: &Stage, first_settled_day: NaiveDate) -> Vec<Payment> {
        let mut payments = Vec::new();
        for _ in 0..self.number(0, 6) {
            let paid_at = if self.chance(30) {
                start_of(stage.zone, first_settled_day) + self.number(-1, 1)
            } else {
                self.moment(stage, first_settled_day - days(2), stage.last + days(1))
            };
            payments.push(Payment {
                paid_at,
                amount: self.money(),
            });
        }
        payments
    }

    fn opening_grants(&mut self, scenario: &Scenario) -> Vec<OpeningGrant> {
        let mut quotas: Vec<(String, i64, Option<i64>)> = Vec::new();
        if let Some((first, _, rule)) = scenario
            .nights
            .first()
            .and_then(|night| free_cycle(scenario, night.day))
        {
            quotas.push((format!("free:{}:{first}", scenario.account.id), rule.minutes, None));
        }
        for package in &scenario.packages {
            let plan = scenario
                .catalog
                .plans
                .iter()
                .find(|plan| plan.id == package.plan)
                .expect("a plan");
            quotas.push((package.id.clone(), plan.minutes, Some(package.purchased_at)));
        }
        // A removal makes void what the account has then; what it buys later is not.
        let removed = self.chance(15).then(|| {
            let first = scenario
                .nights
                .first()
                .map_or(scenario.first_settled_day, |night| night.day);
            start_of(scenario.zone, first - days(self.number(0, 20)))
        });
        let mut grants = Vec::new();
        for (id, minutes, purchased_at) in quotas {
            let void = removed.is_some_and(|removed| purchased_at.is_none_or(|bought| bought < removed));
            if void || self.chance(35) {
                let quota = minutes * 100;
                let somewhere = self.number(0, quota);
                let used = *self.pick(&[quota, somewhere, quota - quota.min(150), 0]);
                let opening = if self.chance(50) { used } else { self.number(0, used) };
                let text = |hundredths: i64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
                let (opening, used) = (text(opening), text(used));
                grants.push(OpeningGrant {
                    id,
                    opening,
                    used,
                    void,
                });
            }
        }
        grants
    }

    fn night(&mut self, catalog: &Catalog, day: NaiveDate, five_minutes: bool) -> Night {
        let mut usage = Vec::new();
        let busy = *self.pick(&[0, 30, 60, 60, 90]);
        for app in 1..=4 {
            for item in &catalog.items {
                for tier in &item.tiers {
                    if self.chance(busy) && self.chance(if app > 2 { 40 } else { 80 }) {
                        self.usage(&mut usage, (app, &item.id, tier), five_minutes);
                    }
                }
            }
        }
        Night { day, usage }
    }

    fn usage(&mut self, usage: &mut Vec<Usage>, (app, item, tier): (i64, &str, &str), five_minutes: bool) {
        let mut periods = vec![0];
        if five_minutes {
            periods = (0..self.number(1, 4))
                .map(|_| u16::try_from(self.number(0, 299)).expect("small"))
                .collect();
            if self.chance(40) {
                periods = (0..u16::try_from(self.number(1, 6)).expect("small")).collect();
            }
            periods.sort_unstable();
            periods.dedup();
        }
        let most = *self.pick(&[30, 60, 61, 125, 600, 4_000, 4_000_000_000]);
        for period in periods {
            let seconds = if self.chance(20) {
                60 * (1 + most / 60)
            } else {
                self.number(1, most)
            };
            let (item, tier) = (item.to_owned(), tier.to_owned());
            usage.push(Usage {
                app,
                item,
                tier,
                period,
                seconds,
                rows: self.number(1, seconds),
            });
        }
    }
}
