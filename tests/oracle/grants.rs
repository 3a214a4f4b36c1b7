//! SPEC 3.2 and 3.3: which grants an account has on a day; and the `grants` table of section 4.

use chrono::{Days, Months, NaiveDate};

use super::fraction::Fraction;
use super::rows::GrantRow;
use super::scenario::{FreeMinutes, Opening, Package, Plan, Scenario, Validity};
use super::spec::billing_time;
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
    /// The billing day of its refund, if that is known.
    pub refund_day: Option<NaiveDate>,
    /// During a scope promotion on the day.
    pub promoted: bool,
    pub quota: Fraction,
    pub opening: Fraction,
    pub used: Fraction,
    pub void: bool,
}

impl Grant {
    pub fn balance(&self) -> Fraction {
        self.quota.minus(self.used)
    }

    /// Decision 6: "A package counts on a day when valid_from <= day <= valid_to and its refund's day, if any,
    /// is later." Void grants count nowhere.
    pub fn is_valid_on(&self, day: NaiveDate) -> bool {
        let refunded = self.refund_day.is_some_and(|refund| refund <= day);
        self.valid_from <= day && day <= self.valid_to && !refunded && !self.void
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

    /// 3.3: "Scope: the number of apps it serves; account-wide is the widest."
    pub fn scope(&self) -> usize {
        match self.bound_apps() {
            Some(apps) if !self.promoted => apps.len(),
            _ => usize::MAX,
        }
    }
}

/// The free cycle that contains the day and every package that the batch knows of.
pub fn grants_of(scenario: &Scenario, day: NaiveDate, opening: &Opening) -> Vec<Grant> {
    let mut grants: Vec<Grant> = free_grant(scenario, day).into_iter().collect();
    grants.extend(package_grants(scenario, day, opening));
    for grant in &mut grants {
        stand(grant, opening);
    }
    grants
}

/// What the ledger says of the grant.
fn stand(grant: &mut Grant, opening: &Opening) {
    if let Some(stood) = opening.grants.iter().find(|stood| stood.id == grant.id) {
        grant.opening = Fraction::parse(&stood.opening);
        grant.used = Fraction::parse(&stood.used);
        grant.void = stood.void;
    }
}

/// 3.2: "An account has free cycle k = [anchor + k months, anchor + (k+1) months - 1 day], k >= 0 (month ends
/// clamp to the last day, always counted from the anchor)". The one that contains the day, and its rule.
pub fn free_cycle(scenario: &Scenario, day: NaiveDate) -> Option<(NaiveDate, NaiveDate, &FreeMinutes)> {
    let registered = day_of(scenario.zone, scenario.account.registered_at);
    // 2.7: "monthly free minutes, by registration day".
    let rule = scenario.catalog.free.iter().find(|rule| {
        rule.registered_from.is_none_or(|from| registered >= from)
            && rule.registered_before.is_none_or(|before| registered < before)
    })?;
    // 2.3: "free_anchor (date, null = the billing day of registered_at)".
    let anchor = scenario.account.free_anchor.unwrap_or(registered);
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

/// 3.2: "each a new grant of the plan's minutes, nothing carried over".
fn free_grant(scenario: &Scenario, day: NaiveDate) -> Option<Grant> {
    let (first, last, rule) = free_cycle(scenario, day)?;
    Some(Grant {
        // 3.2: "Grant id: free:<account_id>:<first day>".
        id: format!("free:{}:{}", scenario.account.id, first.format("%Y-%m-%d")),
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
        void: false,
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

/// 3.3 and decision 3: the packages in their queues.
fn package_grants(scenario: &Scenario, day: NaiveDate, opening: &Opening) -> Vec<Grant> {
    let now = billing_time(scenario, day);
    // 3: "A payment, purchase, refund […] or other dated fact after it is as if absent".
    let mut known: Vec<&Package> = scenario
        .packages
        .iter()
        .filter(|package| package.purchased_at <= now)
        .collect();
    // 3.3: "take effect one after another, in order of purchased_at, then package_id".
    known.sort_by(|a, b| (a.purchased_at, a.id.as_bytes()).cmp(&(b.purchased_at, b.id.as_bytes())));
    let mut grants: Vec<Grant> = Vec::new();
    for package in known {
        let plan = plan_of(scenario, &package.plan);
        // 3.3: "Queue: packages of the same family and the same apps set". "Removal (3.9) ends it", and with it all
        // that the account had then: what is bought later need not wait for it. 4: the dates of what is void are
        // "not shortened by […] removal".
        let stood = opening.grants.iter().find(|stood| stood.id == package.id);
        let forerunners = grants.iter().filter(|other| {
            let (other_package, other_plan) = (other.package.as_ref(), other.plan.as_ref());
            other_plan.is_some_and(|other_plan| other_plan.family == plan.family)
                && other_package.is_some_and(|other_package| other_package.apps == package.apps)
                && (!other.void || stood.is_some_and(|stood| stood.void))
        });
        // Decision 3: "package i starts on max(purchase day, the day its forerunners are done)".
        let purchase_day = day_of(scenario.zone, package.purchased_at);
        let valid_from = forerunners.map(done_on).fold(purchase_day, NaiveDate::max);
        let refund = package.refunded_at.filter(|at| *at <= now);
        let mut grant = Grant {
            id: package.id.clone(),
            package: Some(package.clone()),
            plan: Some(plan.clone()),
            ratios: plan.ratios.clone(),
            valid_from,
            valid_to: last_day(plan, valid_from),
            refund_day: refund.map(|at| day_of(scenario.zone, at)),
            promoted: is_promoted(scenario, &plan.id, day),
            quota: Fraction::whole(plan.minutes.into()),
            opening: Fraction::ZERO,
            used: Fraction::ZERO,
            void: false,
        };
        stand(&mut grant, opening);
        grants.push(grant);
    }
    grants
}

/// Decision 3: "A forerunner is done on the day after its valid_to; refunded, on the billing day of the refund
/// if that is earlier, but not before its own start".
fn done_on(grant: &Grant) -> NaiveDate {
    let after_its_end = grant.valid_to + Days::new(1);
    match grant.refund_day {
        Some(refund) if refund < after_its_end => refund.max(grant.valid_from),
        _ => after_its_end,
    }
}

fn plan_of<'a>(scenario: &'a Scenario, id: &str) -> &'a Plan {
    scenario
        .catalog
        .plans
        .iter()
        .find(|plan| plan.id == id)
        .expect("a plan of the catalog")
}

/// 2.7: a promotion's `until` is "inclusive".
fn is_promoted(scenario: &Scenario, plan: &str, day: NaiveDate) -> bool {
    let mut promotions = scenario.catalog.promotions.iter();
    promotions.any(|offer| offer.plans.iter().any(|id| id == plan) && offer.from <= day && day <= offer.until)
}

// ---------------------------------------------------------------- 4 the grants table

/// 4: "the free cycle that contains the day (plan free, apps null) and packages with purchase day <= day <=
/// valid_to; dates are the queue's, not shortened by refund or removal; apps = the bound set." By id.
pub fn grant_rows(scenario: &Scenario, day: NaiveDate, grants: &[Grant]) -> Vec<GrantRow> {
    let mut rows: Vec<GrantRow> = Vec::new();
    for grant in grants {
        let purchased = grant
            .package
            .as_ref()
            .map(|package| day_of(scenario.zone, package.purchased_at));
        if purchased.is_none_or(|purchased| purchased <= day && day <= grant.valid_to) {
            rows.push(GrantRow {
                grant: grant.id.clone(),
                kind: if grant.package.is_some() { "package" } else { "free" }.to_owned(),
                plan: grant.plan.as_ref().map(|plan| plan.id.clone()),
                apps: grant.bound_apps().unwrap_or_default().to_vec(),
                valid_from: grant.valid_from.to_string(),
                valid_to: grant.valid_to.to_string(),
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
    if grant.void {
        "void"
    } else if grant.refund_day.is_some() {
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
