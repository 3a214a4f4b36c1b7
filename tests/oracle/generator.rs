//! Random scenarios from a seed: small catalogs and accounts whose facts crowd around the edges of days,
//! billing times, validities and quotas.

use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::scenario::{
    Account, Catalog, FreeMinutes, Item, Night, Opening, OpeningGrant, Package, Payment, Plan, PriceListEntry,
    Promotion, RatioTable, Scenario, Usage, Validity,
};
use super::spec::free_cycle;
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
    scenario.opening.grants = random.opening_grants(&scenario);
    if first_settled_day < first && random.chance(50) {
        scenario.opening.paid_total = random.money();
    }
    scenario
}

fn days(count: i64) -> Days {
    Days::new(u64::try_from(count).expect("not negative"))
}

/// Where and when a scenario plays.
struct Stage {
    zone: Tz,
    billing_time: (u32, u32),
    first: NaiveDate,
    last: NaiveDate,
}

impl Stage {
    fn billing(&self, day: NaiveDate) -> i64 {
        billing_time_of(self.zone, day, self.billing_time.0, self.billing_time.1)
    }
}

struct Random(ChaCha8Rng);

impl Random {
    fn number(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// True in this many of a hundred cases.
    fn chance(&mut self, percent: i64) -> bool {
        self.number(1, 100) <= percent
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        list.choose(&mut self.0).expect("something to pick from")
    }

    fn some<T: Clone>(&mut self, list: &[T], percent: i64) -> Vec<T> {
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

    // ------------------------------------------------------------ the catalog

    fn catalog(&mut self, stage: &Stage) -> Catalog {
        let products: Vec<String> = ["trtc", "lcic", "css"]
            .iter()
            .take(self.index(1, 3))
            .map(|id| (*id).to_owned())
            .collect();
        let items = self.items(&products);
        let names: Vec<String> = items
            .iter()
            .flat_map(|item| item.tiers.iter().map(move |tier| format!("{}.{tier}", item.id)))
            .collect();
        let ratios: Vec<RatioTable> = ["package", "free_2023", "free_legacy"]
            .iter()
            .map(|id| RatioTable {
                id: (*id).to_owned(),
                minutes: self.ratios(&names),
            })
            .collect();
        let plans = self.plans(&products);
        Catalog {
            price_lists: self.price_lists(stage, &names),
            free: self.free(stage),
            promotions: self.promotions(stage, &plans),
            products,
            items,
            ratios,
            plans,
        }
    }

    fn index(&mut self, low: i64, high: i64) -> usize {
        usize::try_from(self.number(low, high)).expect("small")
    }

    fn items(&mut self, products: &[String]) -> Vec<Item> {
        // Not in alphabetical order, so that catalog order shows.
        let known: [(&str, &[&str]); 5] = [
            ("av", &["audio", "hd", "fhd", "2k"]),
            ("recording", &["audio", "hd", "2k_plus"]),
            ("mix", &["h264_hd", "h264_4k", "audio"]),
            ("screen_recording", &["hd", "fhd"]),
            ("delivery", &["tencent_hd", "third_party_hd", "audio"]),
        ];
        let mut items: Vec<Item> = Vec::new();
        for (id, tiers) in known {
            if !items.is_empty() && self.chance(35) {
                continue;
            }
            let tiers = tiers
                .iter()
                .take(self.index(1, 4))
                .map(|tier| (*tier).to_owned())
                .collect();
            items.push(Item {
                id: id.to_owned(),
                product: self.pick(products).clone(),
                per: *self.pick(&[1000, 1000, 1, 10, 100]),
                account_rounded: if id == "delivery" {
                    self.chance(90)
                } else {
                    self.chance(15)
                },
                tiers,
                unpriced_is_unbilled: self.chance(60),
            });
        }
        items
    }

    fn ratios(&mut self, names: &[String]) -> Vec<(String, String)> {
        let ratios = ["1", "1", "4", "9", "0.02", "0.13", "1.5", "6.1", "191.9", "36"];
        let named = self.some(names, 80);
        named
            .into_iter()
            .map(|name| (name, (*self.pick(&ratios)).to_owned()))
            .collect()
    }

    fn prices(&mut self, names: &[String], percent: i64) -> Vec<(String, String)> {
        let prices = [
            "0.99", "3.99", "15.99", "0.000001", "5", "1.234567", "53.99", "0", "0.5",
        ];
        let named = self.some(names, percent);
        named
            .into_iter()
            .map(|name| (name, (*self.pick(&prices)).to_owned()))
            .collect()
    }

    /// `list` and contracts, each with up to three entries; bases are earlier lists.
    fn price_lists(&mut self, stage: &Stage, names: &[String]) -> Vec<PriceListEntry> {
        let mut entries = Vec::new();
        let ids = ["list", "acme", "bravo"];
        for (place, id) in ids.iter().enumerate() {
            let percent = if place == 0 { 96 } else { 40 };
            let mut from = if self.chance(85) {
                stage.first - days(400)
            } else {
                stage.first
            };
            for _ in 0..self.number(1, 3) {
                let base = (place > 0 && self.chance(90)).then(|| (*self.pick(&ids[..place])).to_owned());
                entries.push(PriceListEntry {
                    id: (*id).to_owned(),
                    base,
                    from,
                    prices: self.prices(names, percent),
                });
                from = (from + days(self.number(1, 500))).min(stage.last).max(from + days(1));
            }
        }
        entries
    }

    fn free(&mut self, stage: &Stage) -> Vec<FreeMinutes> {
        let watershed = stage.first - days(self.number(0, 400));
        let mut rules = Vec::new();
        for (from, before, ratios) in [
            (Some(watershed), None, "free_2023"),
            (None, Some(watershed), "free_legacy"),
        ] {
            if self.chance(85) {
                rules.push(FreeMinutes {
                    registered_from: from,
                    registered_before: before,
                    minutes: *self.pick(&[0, 1, 7, 30, 100, 500, 10_000]),
                    ratios: ratios.to_owned(),
                    cycles: self.chance(25).then_some(12),
                });
            }
        }
        rules
    }

    fn plans(&mut self, products: &[String]) -> Vec<Plan> {
        let mut plans = Vec::new();
        for (id, family) in [
            ("call.trial", "call"),
            ("call.group", "call"),
            ("live.lite", "live"),
            ("live.pro", "live"),
            ("rtc_engine.lite", "rtc_engine"),
            ("rtc_engine.pro", "rtc_engine"),
            ("dashboard.standard", "dashboard"),
        ] {
            let trial = id == "call.trial";
            let minutes = if family == "dashboard" {
                0
            } else {
                *self.pick(&[0, 1, 2, 5, 20, 60, 200, 5_000])
            };
            plans.push(Plan {
                id: id.to_owned(),
                product: self.pick(products).clone(),
                family: family.to_owned(),
                minutes,
                paid: !trial && family != "dashboard" && self.chance(85),
                ratios: (minutes > 0).then(|| (*self.pick(&["package", "package", "free_2023"])).to_owned()),
                validity: match self.number(1, 5) {
                    _ if trial => Validity::Days(7),
                    1 => Validity::Days(u32::try_from(self.number(1, 5)).expect("small")),
                    2 => Validity::Months(3),
                    _ => Validity::Months(1),
                },
            });
        }
        plans
    }

    fn promotions(&mut self, stage: &Stage, plans: &[Plan]) -> Vec<Promotion> {
        let mut promotions = Vec::new();
        let ids: Vec<String> = plans.iter().map(|plan| plan.id.clone()).collect();
        for _ in 0..self.number(0, 2) {
            let length = (stage.last - stage.first).num_days();
            let from = stage.first - days(2) + days(self.number(0, length + 3));
            let until = from + days(self.number(0, length + 2));
            promotions.push(Promotion {
                plans: self.some(&ids, 50),
                from,
                until,
            });
        }
        promotions
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

    /// Mostly few queues of several packages each.
    fn packages(&mut self, stage: &Stage, catalog: &Catalog) -> Vec<Package> {
        let mut packages: Vec<Package> = Vec::new();
        let app_sets: [&[i64]; 5] = [&[], &[1], &[2], &[1, 2], &[1, 2, 3]];
        let app_sets: Vec<&[i64]> = (0..self.number(1, 3)).map(|_| *self.pick(&app_sets)).collect();
        let plans: Vec<&Plan> = (0..self.number(1, 4)).map(|_| self.pick(&catalog.plans)).collect();
        for place in 0..self.number(0, 8) {
            let back = *self.pick(&[0, 2, 8, 35, 70]);
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
                refunded_at: self.refund(stage, purchased_at),
            });
        }
        packages
    }

    fn refund(&mut self, stage: &Stage, purchased_at: i64) -> Option<i64> {
        if self.chance(60) {
            return None;
        }
        let bought = day_of(stage.zone, purchased_at);
        let at = match self.number(1, 6) {
            1 => purchased_at,
            2 => purchased_at + self.number(0, 48) * HOUR,
            3 => self.moment(stage, bought, bought + days(40)),
            4 => stage.billing(stage.first + days(self.number(0, 3))) + self.number(-1, 1),
            _ => self.moment(stage, stage.first, stage.last + days(1)),
        };
        Some(at.max(purchased_at))
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
        let mut quotas: Vec<(String, i64)> = Vec::new();
        if let Some((first, _, rule)) = scenario
            .nights
            .first()
            .and_then(|night| free_cycle(scenario, night.day))
        {
            quotas.push((format!("free:{}:{first}", scenario.account.id), rule.minutes));
        }
        for package in &scenario.packages {
            let plan = scenario
                .catalog
                .plans
                .iter()
                .find(|plan| plan.id == package.plan)
                .expect("a plan");
            quotas.push((package.id.clone(), plan.minutes));
        }
        let mut grants = Vec::new();
        for (id, minutes) in quotas {
            if self.chance(35) {
                let quota = minutes * 100;
                let somewhere = self.number(0, quota);
                let used = *self.pick(&[quota, somewhere, quota - quota.min(150), 0]);
                let opening = if self.chance(50) { used } else { self.number(0, used) };
                let text = |hundredths: i64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
                grants.push(OpeningGrant {
                    id,
                    opening: text(opening),
                    used: text(used),
                    void: self.chance(15),
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
        let most = *self.pick(&[30, 60, 61, 125, 600, 4_000]);
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
