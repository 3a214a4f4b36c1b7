//! Where an account stands between two nights, and what a night looks at.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::dunning::Arrears;
use super::fraction::Fraction;
use super::scenario::{Life, Package, Setting};
use super::zone::{billing_time_of, day_of, start_of};

/// What the nights before have decided, and what is left of the account's money and grants.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Whether a batch has known the account.
    pub seen: bool,
    pub balance: Fraction,
    pub paid_total: Fraction,
    pub used: BTreeMap<String, Used>,
    /// Grants that a removal made void, and when.
    pub void: BTreeMap<String, i64>,
    /// Packages whose refund was approved, and the day of the batch that did.
    pub approved: BTreeMap<String, NaiveDate>,
    /// Packages whose refund was requested and decided.
    pub decided: BTreeSet<String>,
    pub renewals: Vec<Package>,
    pub arrears: Arrears,
    /// App and product of the flags `free_exhausted`, and the day that raised each.
    pub exhausted: BTreeMap<(i64, String), NaiveDate>,
}

/// Quota minutes of a grant.
#[derive(Debug, Clone)]
pub struct Used {
    /// Before the first day.
    pub opening: Fraction,
    /// So far, `opening` included.
    pub so_far: Fraction,
}

impl Standing {
    /// Before the first night. 2.6: "what stood before the first settled day".
    pub fn opening(life: &Life) -> Self {
        let used = |(grant, used): &(String, String)| {
            let used = Fraction::parse(used);
            let used = Used {
                opening: used,
                so_far: used,
            };
            (grant.clone(), used)
        };
        Self {
            seen: false,
            balance: Fraction::parse(&life.opening_balance),
            paid_total: Fraction::ZERO,
            used: life.opening_grants.iter().map(used).collect(),
            void: BTreeMap::new(),
            approved: BTreeMap::new(),
            decided: BTreeSet::new(),
            renewals: Vec::new(),
            arrears: Arrears::default(),
            exhausted: BTreeMap::new(),
        }
    }
}

/// One account's night: the facts that its batch knows.
#[derive(Clone, Copy)]
pub struct Night<'a> {
    pub setting: &'a Setting,
    pub life: &'a Life,
    pub number: usize,
    pub day: NaiveDate,
    /// The billing time of the day …
    pub now: i64,
    /// … and that of the day before.
    pub before: i64,
}

impl<'a> Night<'a> {
    pub fn new(setting: &'a Setting, life: &'a Life, number: usize) -> Self {
        let day = setting.day(number);
        Self {
            setting,
            life,
            number,
            day,
            now: billing_time(setting, day),
            before: billing_time(setting, day - Days::new(1)),
        }
    }

    pub fn next_day(&self) -> NaiveDate {
        self.day + Days::new(1)
    }

    pub fn start(&self, day: NaiveDate) -> i64 {
        start_of(self.setting.zone, day)
    }

    pub fn day_of(&self, instant: i64) -> NaiveDate {
        day_of(self.setting.zone, instant)
    }

    /// 3: "A batch knows only what had happened by its billing time."
    pub fn knows(&self, instant: i64) -> bool {
        instant <= self.now
    }

    /// 3: "an account registered later is unknown".
    pub fn knows_account(&self) -> bool {
        self.knows(self.life.account.registered_at)
    }

    /// The packages that the batch knows of. 3.8: a renewal "is a package like any other from then on". Decision 90: its
    /// auto_renew "is that of the purchase its chain began with, as its row stands".
    pub fn packages(&self, standing: &Standing) -> Vec<Package> {
        let purchases = &self.life.packages;
        let mut packages = purchases.clone();
        for renewal in &standing.renewals {
            let (first, _) = renewal.id.rsplit_once('+').expect("a renewal's id");
            let first = purchases.iter().find(|package| package.id == first);
            packages.push(Package {
                auto_renew: first.expect("purchases stay").auto_renew,
                ..renewal.clone()
            });
        }
        packages.retain(|package| self.knows(package.purchased_at));
        packages
    }

    /// When the account has a package: "renewal: after the charges of day D's batch", though dated D+1 00:00 (3.8). A removal at
    /// that instant comes before them (decision 115).
    pub fn has_by(&self, standing: &Standing, package: &Package, removed_at: i64) -> bool {
        let is_renewal = standing.renewals.iter().any(|renewal| renewal.id == package.id);
        let made_by = self.day_of(package.purchased_at) - Days::new(1);
        package.purchased_at <= removed_at && (!is_renewal || billing_time(self.setting, made_by) < removed_at)
    }

    /// 3.11: "violation (at or before the billing time)"; 3.9: "violation_at reached".
    pub fn in_violation(&self) -> bool {
        self.life.account.violation_at.is_some_and(|at| self.knows(at))
    }
}

pub fn billing_time(setting: &Setting, day: NaiveDate) -> i64 {
    let (hour, minute) = setting.billing_time;
    billing_time_of(setting.zone, day, hour, minute)
}
