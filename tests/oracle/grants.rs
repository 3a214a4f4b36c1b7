//! SPEC 3.2 and 3.3: which grants an account has on a day; and the `grants` table of section 4.

use chrono::{Days, Months, NaiveDate};

use super::fraction::Fraction;
use super::rows::GrantRow;
use super::scenario::{FreeMinutes, Life, Package, Plan, Setting, Validity};
use super::standing::{Night, Standing};
use super::zone::day_of;

/// 1: "grant: prepaid quota: a cycle of free minutes, or a package's minutes".
pub struct Grant {
    pub id: String,
    /// None: free minutes.
    pub package: Option<Package>,
    pub plan: Option<Plan>,
    pub ratios: Option<String>,
    pub valid_from: NaiveDate,
    pub valid_to: NaiveDate,
    /// The first billing day that its refund leaves without it, if it is refunded.
    pub refund_day: Option<NaiveDate>,
    /// During a scope promotion on the day.
    pub promoted: bool,
    pub quota: Fraction,
    pub opening: Fraction,
    pub used: Fraction,
    /// When a removal made it void.
    pub void_at: Option<i64>,
    /// The day of that.
    pub void_day: Option<NaiveDate>,
}

impl Grant {
    pub fn balance(&self) -> Fraction {
        self.quota.minus(self.used)
    }

    pub fn is_void(&self) -> bool {
        self.void_at.is_some()
    }

    /// Whether a refund of it is known.
    pub fn is_refunded(&self) -> bool {
        self.refund_day.is_some()
    }

    /// Decision 6: "A package counts on a day when valid_from <= day <= valid_to and its refund's day, if any,
    /// is later." 3.9: what is void gives nothing from the next batch on.
    pub fn is_valid_on(&self, day: NaiveDate) -> bool {
        let refunded = self.refund_day.is_some_and(|refund| refund <= day);
        self.valid_from <= day && day <= self.valid_to && !refunded && !self.is_void()
    }

    /// 3.3: "Removal (3.9) ends it on the day of remove_at": it was valid on the days before.
    pub fn was_valid_on(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.end() > day
    }

    /// 3.3: the first day on which it is over: after its last, or that of its refund or removal.
    pub fn end(&self) -> NaiveDate {
        let ends = [Some(self.valid_to + Days::new(1)), self.refund_day, self.void_day];
        ends.into_iter().flatten().min().expect("a last day")
    }

    /// The apps it is bound to; None: every app of the account.
    pub fn bound_apps(&self) -> Option<&[i64]> {
        self.package
            .as_ref()
            .map(|package| package.apps.as_slice())
            .filter(|apps| !apps.is_empty())
    }

    /// 3.3: "During a scope promotion its plans' minutes serve the whole account".
    fn serves_whole_account(&self) -> bool {
        self.promoted || self.bound_apps().is_none()
    }

    /// 3.4: "whose scope contains the line's app"; "A line with app 0 is served by account-wide grants alone."
    pub fn serves(&self, app: i64) -> bool {
        self.serves_whole_account() || (app != 0 && self.bound_apps().is_some_and(|apps| apps.contains(&app)))
    }

    /// 3.3: "which apps a package is bound to does not change". App 0: the whole account.
    pub fn is_bound_to(&self, app: i64) -> bool {
        self.bound_apps().is_none_or(|apps| apps.contains(&app))
    }

    /// 3.3: "Scope: the number of apps it serves; account-wide is the widest."
    pub fn scope(&self) -> usize {
        match self.bound_apps() {
            Some(apps) if !self.promoted => apps.len(),
            _ => usize::MAX,
        }
    }
}

/// The free cycle that contains the day and every package that the batch knows of.
pub fn grants_of(night: &Night<'_>, standing: &Standing) -> Vec<Grant> {
    let mut grants: Vec<Grant> = free_grant(night, night.day).into_iter().collect();
    grants.extend(package_grants(night, standing));
    for grant in &mut grants {
        if let Some(used) = standing.used.get(&grant.id) {
            grant.opening = used.opening;
            grant.used = used.so_far;
        }
        grant.void_at = standing.void.get(&grant.id).copied();
        grant.void_day = grant.void_at.map(|at| night.day_of(at));
    }
    grants
}

/// 3.2: "An account has free cycle k = [anchor + k months, anchor + (k+1) months - 1 day], k >= 0 (month ends
/// clamp to the last day, always counted from the anchor)". The one that contains the day, and its rule.
pub fn free_cycle<'a>(
    setting: &'a Setting,
    life: &Life,
    day: NaiveDate,
) -> Option<(NaiveDate, NaiveDate, &'a FreeMinutes)> {
    let registered = day_of(setting.zone, life.account.registered_at);
    // 2.7: "monthly free minutes, by registration day".
    let rule = setting.catalog.free.iter().find(|rule| {
        rule.registered_from.is_none_or(|from| registered >= from)
            && rule.registered_before.is_none_or(|before| registered < before)
    })?;
    // 2.3: "free_anchor (date, null = the billing day of registered_at)".
    let anchor = life.account.free_anchor.unwrap_or(registered);
    // 2.7: "cycles = 12 would end them after a year".
    let cycles = rule.cycles.unwrap_or(u32::MAX);
    let mut k = 0;
    while k < cycles {
        let first = anchor + Months::new(k);
        let last = anchor + Months::new(k + 1) - Days::new(1);
        if day < first {
            return None;
        }
        if day <= last {
            return Some((first, last, rule));
        }
        k += 1;
    }
    None
}

/// 3.2: "Grant id: free:<account_id>:<first day>".
pub fn free_id(life: &Life, first: NaiveDate) -> String {
    format!("free:{}:{}", life.account.id, first.format("%Y-%m-%d"))
}

/// 3.2: "each a new grant of the plan's minutes, nothing carried over".
pub fn free_grant(night: &Night<'_>, day: NaiveDate) -> Option<Grant> {
    let (first, last, rule) = free_cycle(night.setting, night.life, day)?;
    Some(Grant {
        id: free_id(night.life, first),
        package: None,
        plan: None,
        ratios: Some(rule.ratios.clone()),
        valid_from: first,
        valid_to: last,
        refund_day: None,
        promoted: false,
        quota: Fraction::whole(rule.minutes.into()),
        opening: Fraction::ZERO,
        used: Fraction::ZERO,
        void_at: None,
        void_day: None,
    })
}

/// 3.3: "valid from 00:00:00 on the day of purchase to 23:59:59 on the day before the same date of the
/// following month, clamped to its last day"; "Trials: days days". Counted from the start that the queue gives.
fn last_day(plan: &Plan, start: NaiveDate) -> NaiveDate {
    match plan.validity {
        Validity::Months(months) => start + Months::new(months) - Days::new(1),
        Validity::Days(days) => start + Days::new(u64::from(days)) - Days::new(1),
    }
}

/// 3.3: "take effect one after another, in order of purchased_at, then package_id".
pub fn order_of_purchase(a: &Package, b: &Package) -> std::cmp::Ordering {
    (a.purchased_at, a.id.as_bytes()).cmp(&(b.purchased_at, b.id.as_bytes()))
}

/// 3.3: "Queue: packages of the same family and the same apps set". Decision 4: whatever the product.
pub fn are_of_one_queue(setting: &Setting, a: &Package, b: &Package) -> bool {
    let family = |package: &Package| &setting.catalog.plan(&package.plan).family;
    family(a) == family(b) && a.apps == b.apps
}

/// 3.3 and decision 3: the packages in their queues.
fn package_grants(night: &Night<'_>, standing: &Standing) -> Vec<Grant> {
    let mut known = night.packages(standing);
    known.sort_by(order_of_purchase);
    let mut grants: Vec<Grant> = Vec::new();
    for package in known {
        let plan = night.setting.catalog.plan(&package.plan);
        // 3.3: "Removal (3.9) ends it": what is bought after a removal need not wait for what it made void. 4: the
        // dates of what was there "are the queue's, not shortened by […] removal".
        let forerunners = grants.iter().filter(|other| {
            let other_package = other.package.as_ref().expect("packages only");
            are_of_one_queue(night.setting, other_package, &package)
                && other
                    .void_at
                    .is_none_or(|void_at| night.has_by(standing, &package, void_at))
                && !was_refunded_while_it_waited(other)
        });
        // Decision 3: "package i starts on max(purchase day, the day its forerunners are done)".
        let purchase_day = night.day_of(package.purchased_at);
        let valid_from = forerunners.map(done_on).fold(purchase_day, NaiveDate::max);
        grants.push(Grant {
            id: package.id.clone(),
            valid_from,
            valid_to: last_day(plan, valid_from),
            refund_day: refund_day(night, standing, &package),
            promoted: is_promoted(night, &plan.id),
            quota: Fraction::whole(plan.minutes.into()),
            ratios: plan.ratios.clone(),
            plan: Some(plan.clone()),
            void_at: standing.void.get(&package.id).copied(),
            package: Some(package),
            opening: Fraction::ZERO,
            used: Fraction::ZERO,
            void_day: None,
        });
    }
    grants
}

/// 3.3: "refunded_at ends a package: it covers no usage from that billing day on […]. A refund approved by the batch
/// of day D ends it on D+1."
fn refund_day(night: &Night<'_>, standing: &Standing, package: &Package) -> Option<NaiveDate> {
    let outside = package.refunded_at.filter(|at| night.knows(*at));
    let outside = outside.map(|at| night.day_of(at));
    let approved = standing.approved.get(&package.id).map(|day| *day + Days::new(1));
    [outside, approved].into_iter().flatten().min()
}

/// Decision 3: "refunded while it waited: it takes no time in the queue". What it waited for may be void by now.
fn was_refunded_while_it_waited(grant: &Grant) -> bool {
    refunded_in_queue(grant).is_some_and(|refund| refund <= grant.valid_from)
}

/// Decision 113: what a removal made void, a refund after it does not end once more.
fn refunded_in_queue(grant: &Grant) -> Option<NaiveDate> {
    grant.refund_day.filter(|_| !grant.is_void())
}

/// Decision 3: "A forerunner is done on the day after its valid_to; refunded, on the billing day of the refund
/// if that is earlier, but not before its own start".
fn done_on(grant: &Grant) -> NaiveDate {
    let after_its_end = grant.valid_to + Days::new(1);
    match refunded_in_queue(grant) {
        Some(refund) if refund < after_its_end => refund.max(grant.valid_from),
        _ => after_its_end,
    }
}

/// 2.7: a promotion's `until` is "inclusive".
fn is_promoted(night: &Night<'_>, plan: &str) -> bool {
    let mut promotions = night.setting.catalog.promotions.iter();
    promotions
        .any(|offer| offer.plans.iter().any(|id| id == plan) && offer.from <= night.day && night.day <= offer.until)
}

// ---------------------------------------------------------------- 4 the grants table

/// 4: "the free cycle that contains the day (plan free, apps null) and packages with purchase day <= day <=
/// valid_to; dates are the queue's, not shortened by refund or removal; apps = the bound set." By id.
pub fn grant_rows(night: &Night<'_>, grants: &[Grant]) -> Vec<GrantRow> {
    let day = night.day;
    let mut rows: Vec<GrantRow> = Vec::new();
    for grant in grants {
        let purchased = grant.package.as_ref().map(|package| night.day_of(package.purchased_at));
        if purchased.is_none_or(|purchased| purchased <= day && day <= grant.valid_to) {
            rows.push(GrantRow {
                grant: grant.id.clone(),
                kind: if grant.package.is_some() { "package" } else { "free" }.to_owned(),
                plan: grant.plan.as_ref().map_or("free", |plan| &plan.id).to_owned(),
                apps: grant.bound_apps().unwrap_or_default().to_vec(),
                valid_from: grant.valid_from,
                valid_to: grant.valid_to,
                quota: grant.quota.text(2),
                opening: grant.opening.text(2),
                used: grant.used.text(2),
                balance: grant.balance().text(2),
                status: status_of(day, grant).to_owned(),
            });
        }
    }
    rows.sort_by(|a, b| a.grant.as_bytes().cmp(b.grant.as_bytes()));
    rows
}

/// 4: "Status with all facts known at the billing time, first that holds: void, refunded, expired (valid_to =
/// day), queued (valid_from > day), exhausted (balance 0), active."
fn status_of(day: NaiveDate, grant: &Grant) -> &'static str {
    if grant.is_void() {
        "void"
    } else if grant.is_refunded() {
        "refunded"
    } else if grant.valid_to == day {
        "expired"
    } else if grant.valid_from > day {
        "queued"
    } else if grant.balance().is_zero() {
        "exhausted"
    } else {
        "active"
    }
}
