//! Random worlds from a seed: small catalogs and accounts whose facts crowd around the edges of days, billing times,
//! validities, deadlines and quotas.

use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::scenario::{Account, App, Life, Setting, World};
use super::sharpen::{open_grants, sharpen};
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

pub const SECOND: i64 = 1_000_000;
pub const HOUR: i64 = 3_600 * SECOND;

/// The world of this seed.
pub fn world(seed: u64) -> World {
    let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
    let setting = random.setting();
    let stage = Stage::of(&setting);
    let count = random.number(3, 14);
    let mut numbers: Vec<i64> = (0..count).map(|place| 100 * place + random.number(1, 99)).collect();
    numbers.sort_unstable();
    let mut lives: Vec<Life> = numbers
        .into_iter()
        .map(|number| random.life(&stage, &setting, number))
        .collect();
    for life in &mut lives {
        open_grants(&mut random, &setting, life);
        sharpen(&mut random, &setting, life);
    }
    let mut world = World {
        name: format!("seed {seed}"),
        setting,
        lives,
        broken: Vec::new(),
    };
    // Of its own, so that the rest of a world does not depend on it.
    let mut random = Random(ChaCha8Rng::seed_from_u64(!seed));
    random.subscribe(&mut world);
    random.sum_by_the_day(&mut world);
    random.partition_elsewhere(&mut world.setting);
    random.use_early(&mut world);
    random.break_rows(&mut world);
    random.change_columns(&mut world);
    world
}

pub fn days(count: i64) -> Days {
    Days::new(u64::try_from(count).expect("not negative"))
}

/// Where and when a world plays.
pub struct Stage {
    pub zone: Tz,
    pub billing_time: (u32, u32),
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl Stage {
    pub fn of(setting: &Setting) -> Self {
        Self {
            zone: setting.zone,
            billing_time: setting.billing_time,
            first: setting.first_day,
            last: setting.last_day(),
        }
    }

    pub fn billing(&self, day: NaiveDate) -> i64 {
        billing_time_of(self.zone, day, self.billing_time.0, self.billing_time.1)
    }

    pub fn start(&self, day: NaiveDate) -> i64 {
        start_of(self.zone, day)
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

    pub fn money(&mut self, most: i64) -> String {
        cents(self.number(-most, most))
    }

    /// A moment at, just before or just after the start of a day or its billing time, or anywhere in it.
    pub fn moment(&mut self, stage: &Stage, earliest: NaiveDate, latest: NaiveDate) -> i64 {
        let day = earliest + days(self.number(0, (latest - earliest).num_days().max(0)));
        let edge = if self.chance(50) {
            stage.start(day)
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

    fn setting(&mut self) -> Setting {
        let (zone, remembered) = self.pick(DAYS_TO_REMEMBER);
        let zone: Tz = zone.parse().expect("a zone");
        let remembered: NaiveDate = self.pick(remembered).parse().expect("a date");
        let nights = if self.chance(15) {
            self.number(1, 8)
        } else {
            self.number(14, 42)
        };
        let first_day = remembered - days(self.number(0, nights)) + days(self.number(0, 1));
        let mut setting = Setting {
            zone,
            partition_zone: zone,
            billing_time: *self.pick(BILLING_TIMES),
            five_minutes: self.chance(35),
            by_the_day: false,
            first_day,
            nights: usize::try_from(nights).expect("few nights"),
            dunning_from: None,
            max_new_suspensions: 1_000_000,
            catalog: super::scenario::Catalog::default(),
        };
        setting.catalog = self.catalog(&Stage::of(&setting));
        if self.chance(20) {
            setting.dunning_from = Some(first_day - days(2) + days(self.number(0, 12)));
        }
        if self.chance(10) {
            setting.max_new_suspensions = self.index(0, 2);
        }
        setting
    }

    // ------------------------------------------------------------ the facts

    fn life(&mut self, stage: &Stage, setting: &Setting, number: i64) -> Life {
        let account = self.account(stage, setting, number);
        let packages = self.packages(stage, &setting.catalog, number);
        let requests = self.requests(stage, &packages);
        let mut life = Life {
            packages,
            payments: self.payments(stage, setting),
            requests,
            apps: self.apps(stage),
            opening_balance: (*self.pick(&["0.00", "0.00", "5.00", "100.00", "-3.00", "1000.00", "20.00"])).to_owned(),
            opening_grants: Vec::new(),
            usage: Vec::new(),
            relay: Vec::new(),
            screenshots: Vec::new(),
            logins: Vec::new(),
            changes: Vec::new(),
            account,
        };
        self.keep_refunds_sane(stage, setting, &mut life);
        self.uses(stage, setting, &mut life);
        self.monthly_uses(stage, &setting.catalog, &mut life);
        life
    }

    fn account(&mut self, stage: &Stage, setting: &Setting, number: i64) -> Account {
        let earliest = stage.first - days(*self.pick(&[1, 3, 40, 400]));
        let registered_at = if self.chance(20) {
            self.moment(stage, stage.first, stage.last)
        } else {
            self.moment(stage, earliest, stage.first)
        };
        let free_anchor = self.chance(40).then(|| {
            let month = earliest.with_day(1).expect("every month has a first day");
            let anchor = month + Months::new(u32::from(self.chance(50))) - Days::new(1);
            if self.chance(60) {
                anchor
            } else {
                anchor - days(self.number(0, 3))
            }
        });
        let catalog = &setting.catalog;
        let mut lists: Vec<&String> = catalog.price_lists.iter().map(|entry| &entry.id).collect();
        lists.dedup();
        let ids: Vec<String> = catalog.products.iter().map(|product| product.id.clone()).collect();
        let mut products = self.some(&ids, 50);
        if products.is_empty() {
            products.push(self.pick(&ids).clone());
        }
        Account {
            id: number,
            registered_at,
            free_anchor,
            price_list: (*self.pick(&lists)).clone(),
            payg: (*self.pick(&["auto", "auto", "auto", "on", "on", "off"])).to_owned(),
            credit_limit: (*self.pick(&["0", "0", "0", "0.01", "10", "50.00"])).to_owned(),
            products,
            violation_at: self
                .chance(7)
                .then(|| self.moment(stage, stage.first - days(3), stage.last)),
        }
    }

    fn apps(&mut self, stage: &Stage) -> Vec<App> {
        let mut apps = Vec::new();
        for app in 1..=3 {
            if self.chance(20) {
                let disabled_at = self
                    .chance(70)
                    .then(|| self.moment(stage, stage.first - days(5), stage.last + days(1)));
                apps.push(App { app, disabled_at });
            }
        }
        apps
    }
}

/// Hundredths as text.
pub fn cents(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// The night whose batch is the first to know an instant.
pub fn night_that_knows(stage: &Stage, setting: &Setting, at: i64) -> Option<usize> {
    (0..setting.nights).find(|night| at <= stage.billing(setting.day(*night)))
}

/// Days of a moment, for those who need no more.
pub fn day_on(stage: &Stage, at: i64) -> NaiveDate {
    day_of(stage.zone, at)
}
