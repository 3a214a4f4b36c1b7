//! Random purchases, payments and refund requests.

use super::generator::{HOUR, Random, Stage, cents, day_on, days, night_that_knows};
use super::scenario::{Catalog, Life, Package, Payment, Plan, Request, Setting, Validity, World};

const DAY: i64 = 24 * HOUR;

impl Random {
    /// Few queues of several packages each, or a crowd of packages that are valid at the same time.
    pub fn packages(&mut self, stage: &Stage, catalog: &Catalog, account: i64) -> Vec<Package> {
        let crowd = self.chance(30);
        let app_sets: [&[i64]; 6] = [&[], &[1], &[1], &[2], &[1, 2], &[1, 2, 3]];
        let app_sets: Vec<&[i64]> = (0..self.number(1, 3)).map(|_| *self.pick(&app_sets)).collect();
        let variety = if crowd { 7 } else { self.number(1, 4) };
        let plans: Vec<&Plan> = (0..variety).map(|_| self.pick(&catalog.plans)).collect();
        let count = if crowd { self.number(5, 10) } else { self.number(0, 6) };
        let renewing = self.chance(60);
        let mut packages: Vec<Package> = Vec::new();
        for place in 0..count {
            let back = if crowd { 3 } else { *self.pick(&[0, 2, 8, 35, 70]) };
            let mut purchased_at = self.moment(stage, stage.first - days(back), stage.last + days(1));
            if !packages.is_empty() && self.chance(25) {
                purchased_at = self.pick(&packages).purchased_at;
            }
            let is_refunded = self.chance(if crowd { 8 } else { 22 });
            packages.push(Package {
                // Before and after `free:…` in the order of bytes, and not in the order of purchases.
                id: format!("{}{account}-{}", self.pick(&["p", "q", "a", "P"]), (place * 7) % 10),
                apps: self.pick(&app_sets).to_vec(),
                plan: self.pick(&plans).id.clone(),
                purchased_at,
                gift: self.chance(12),
                auto_renew: renewing && self.chance(75),
                refunded_at: is_refunded.then(|| self.refund(stage, purchased_at)),
                refunded_amount: (*self.pick(&["0.00", "1.00", "9.99", "250.05"])).to_owned(),
            });
        }
        packages
    }

    fn refund(&mut self, stage: &Stage, purchased_at: i64) -> i64 {
        let bought = day_on(stage, purchased_at);
        let at = match self.number(1, 6) {
            1 => purchased_at,
            2 => purchased_at + self.number(0, 48) * HOUR,
            3 => self.moment(stage, bought, bought + days(40)),
            4 => stage.billing(stage.first + days(self.number(0, 3))) + self.number(-1, 1),
            _ => self.moment(stage, stage.first, stage.last + days(1)),
        };
        at.max(purchased_at)
    }

    /// Some accounts have what they need to renew several packages again and again, most on the same days.
    pub fn subscribe(&mut self, world: &mut World) {
        let stage = Stage::of(&world.setting);
        let plans = world.setting.catalog.plans.iter();
        let short = |plan: &&Plan| plan.price.is_some() && matches!(plan.validity, Validity::Days(_));
        let plans: Vec<&Plan> = plans.filter(short).collect();
        if plans.is_empty() {
            return;
        }
        for life in &mut world.lives {
            if !self.chance(20) {
                continue;
            }
            let account = life.account.id;
            let somewhen = self.moment(&stage, stage.first - days(2), stage.first + days(5));
            let enough = cents(self.number(0, 500_000));
            life.payments
                .push(self.payment(&stage, &world.setting, somewhen, enough));
            for place in 0..self.number(2, 4) {
                let another = self.moment(&stage, stage.first - days(2), stage.first + days(5));
                life.packages.push(Package {
                    id: format!("s{account}-{place}"),
                    apps: self.pick(&[vec![], vec![1], vec![2], vec![3]]).clone(),
                    plan: self.pick(&plans).id.clone(),
                    purchased_at: if self.chance(60) { somewhen } else { another },
                    gift: false,
                    auto_renew: self.chance(90),
                    refunded_at: None,
                    refunded_amount: "0.00".to_owned(),
                });
                for generation in 1..=2 {
                    if self.chance(20) {
                        life.requests.push(Request {
                            package: format!("s{account}-{place}+{generation}"),
                            requested_at: self.moment(&stage, stage.first, stage.last),
                        });
                    }
                }
            }
        }
    }

    /// For packages, around the hours at which they are held a day longer or too long; and for renewals.
    pub fn requests(&mut self, stage: &Stage, packages: &[Package]) -> Vec<Request> {
        let mut requests = Vec::new();
        for package in packages {
            if self.chance(40) {
                let held = match self.number(1, 8) {
                    1 => 5 * DAY,
                    2..=4 => DAY * self.number(0, 6),
                    _ => self.number(0, 6 * DAY),
                };
                let shift = *self.pick(&[0, 0, 1, -1, 1_000_000, -1_000_000]);
                requests.push(Request {
                    package: package.id.clone(),
                    requested_at: package.purchased_at + held + shift,
                });
            }
            for generation in 1..=3 {
                if package.auto_renew && self.chance(15) {
                    requests.push(Request {
                        package: format!("{}+{generation}", package.id),
                        requested_at: self.moment(stage, stage.first, stage.last),
                    });
                }
            }
        }
        requests
    }

    /// Nobody refunds outside what nightbill has refunded.
    pub fn keep_refunds_sane(&mut self, stage: &Stage, setting: &Setting, life: &mut Life) {
        for request in &life.requests {
            let decided = night_that_knows(stage, setting, request.requested_at);
            let decided = decided.map(|night| stage.billing(setting.day(night)));
            let mut packages = life.packages.iter_mut();
            if let Some(package) = packages.find(|package| package.id == request.package)
                && package.refunded_at > decided
            {
                package.refunded_at = None;
            }
        }
    }

    pub fn payments(&mut self, stage: &Stage, setting: &Setting) -> Vec<Payment> {
        let mut payments: Vec<Payment> = Vec::new();
        for _ in 0..self.number(0, 6) {
            let mut paid_at = if self.chance(15) {
                stage.start(stage.first) + self.number(-1, 1)
            } else {
                self.moment(stage, stage.first - days(2), stage.last + days(1))
            };
            if !payments.is_empty() && self.chance(15) {
                paid_at = self.pick(&payments).paid_at;
            }
            let most = *self.pick(&[200, 2_000, 20_000]);
            let amount = self.money(most);
            payments.push(self.payment(stage, setting, paid_at, amount));
        }
        payments
    }

    /// A payment that may come to the file late, and may vanish from it.
    pub fn payment(&mut self, stage: &Stage, setting: &Setting, paid_at: i64, amount: String) -> Payment {
        let mut from_night = 0;
        let mut until_night = None;
        if let Some(known) = night_that_knows(stage, setting, paid_at) {
            if self.chance(15) {
                from_night = known + self.index(1, 4);
            }
            if self.chance(4) {
                until_night = Some(known.max(from_night) + self.index(1, 4));
            }
        }
        Payment {
            paid_at,
            amount,
            from_night,
            until_night,
        }
    }
}
