//! SPEC sections 3.1 to 3.6, the grants of section 4 and the money columns of 3.9, sentence by sentence.
//! Slow and plain on purpose; shares nothing with the crate. "Decision n" is docs/decisions.md.

use std::collections::BTreeMap;

use chrono::{Days, Months, NaiveDate};

use super::fraction::Fraction;
use super::rows::{BalanceRow, BillRow, DeductionRow, GrantRow, LineRow, NightRows, Stop, UsageRow};
use super::scenario::{FreeMinutes, Item, Night, Opening, Package, Plan, Scenario, Validity};
use super::zone::{billing_time_of, day_of, start_of};

/// Settles one night of the scenario's account, which stood at `opening`.
pub fn settle(scenario: &Scenario, night: &Night, opening: &Opening) -> Result<NightRows, Stop> {
    let day = night.day;
    let mut grants = grants_of(scenario, day, opening);
    let mut lines = lines_of(scenario, night);
    let deductions = deduct(scenario, day, &mut lines, &mut grants);
    let line_rows = price_lines(scenario, day, &lines, &grants)?;
    let bills = bill_items(scenario, &line_rows);
    let balance = balance_of(scenario, day, opening, &bills);
    Ok(NightRows {
        usage: usage_of(scenario, night),
        lines: line_rows,
        bills,
        deductions: deductions.iter().map(|deduction| deduction.row(scenario)).collect(),
        grants: grant_rows(scenario, day, &grants),
        balance,
    })
}

/// 3: "A batch knows only what had happened by its billing time."
fn billing_time(scenario: &Scenario, day: NaiveDate) -> i64 {
    let (hour, minute) = scenario.billing_time;
    billing_time_of(scenario.zone, day, hour, minute)
}

// ---------------------------------------------------------------- 3.1 metering

/// 1: "line: one (account, app, day, item, tier)". Item and tier by their place in the catalog.
struct Line {
    app: i64,
    item: usize,
    tier: usize,
    /// Seconds by five-minute period; all in period 0 with `deduction_period = "day"`.
    seconds_by_period: BTreeMap<u16, i128>,
    /// Minutes that no grant has covered yet, of those counted so far.
    free_minutes: i128,
    package_minutes: i128,
    rest: i128,
}

impl Line {
    fn seconds(&self) -> i128 {
        self.seconds_by_period.values().sum()
    }

    /// 3.1: "Minutes = ceil(seconds / 60) per line".
    fn minutes(&self) -> i128 {
        minutes_of(self.seconds())
    }

    /// 3.4: "each line's minutes in a period = ceil(cumulative seconds / 60) minus what earlier periods
    /// already counted".
    fn minutes_in(&self, period: u16) -> i128 {
        let until: i128 = self
            .seconds_by_period
            .range(..=period)
            .map(|(_, seconds)| seconds)
            .sum();
        let before: i128 = self.seconds_by_period.range(..period).map(|(_, seconds)| seconds).sum();
        minutes_of(until) - minutes_of(before)
    }
}

fn minutes_of(seconds: i128) -> i128 {
    let whole = seconds / 60;
    if seconds % 60 == 0 { whole } else { whole + 1 }
}

fn place_of(scenario: &Scenario, item: &str, tier: &str) -> (usize, usize) {
    let items = &scenario.catalog.items;
    let item = items
        .iter()
        .position(|known| known.id == item)
        .expect("an item of the catalog");
    let tier = items[item]
        .tiers
        .iter()
        .position(|known| known == tier)
        .expect("a tier of the item");
    (item, tier)
}

fn item_and_tier(scenario: &Scenario, (item, tier): (usize, usize)) -> (String, String) {
    let item = &scenario.catalog.items[item];
    (item.id.clone(), item.tiers[tier].clone())
}

/// 3.1: "Seconds are summed per (account, app, day, item, tier)."
fn usage_of(scenario: &Scenario, night: &Night) -> Vec<UsageRow> {
    let mut sums: BTreeMap<(i64, (usize, usize)), (i128, i128)> = BTreeMap::new();
    for usage in &night.usage {
        let sum = sums
            .entry((usage.app, place_of(scenario, &usage.item, &usage.tier)))
            .or_default();
        sum.0 += i128::from(usage.seconds);
        sum.1 += i128::from(usage.rows);
    }
    let row = |((app, place), (seconds, rows))| {
        let (item, tier) = item_and_tier(scenario, place);
        UsageRow {
            app,
            item,
            tier,
            seconds,
            rows,
        }
    };
    sums.into_iter().map(row).collect()
}

/// 3.4: "lines in the order (sdk_app_id, item order in the catalog, tier order); account-rounded lines
/// (app 0) come last."
fn lines_of(scenario: &Scenario, night: &Night) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for usage in &night.usage {
        let (item, tier) = place_of(scenario, &usage.item, &usage.tier);
        // 3.1: "Items with round = "account" sum seconds over the account's apps first and have one line
        // per tier, whose sdk_app_id is 0".
        let app = if scenario.catalog.items[item].account_rounded {
            0
        } else {
            usage.app
        };
        let known = lines
            .iter()
            .position(|line| (line.app, line.item, line.tier) == (app, item, tier));
        let place = known.unwrap_or_else(|| {
            let seconds_by_period = BTreeMap::new();
            lines.push(Line {
                app,
                item,
                tier,
                seconds_by_period,
                free_minutes: 0,
                package_minutes: 0,
                rest: 0,
            });
            lines.len() - 1
        });
        let period = if scenario.five_minutes { usage.period } else { 0 };
        *lines[place].seconds_by_period.entry(period).or_default() += i128::from(usage.seconds);
    }
    lines.sort_by_key(|line| (line.app == 0, line.app, line.item, line.tier));
    lines
}

// ---------------------------------------------------------------- 3.2 free minutes, 3.3 packages

/// 1: "grant: prepaid quota: a cycle of free minutes, or a package's minutes".
struct Grant {
    id: String,
    /// None: free minutes.
    package: Option<Package>,
    plan: Option<Plan>,
    ratios: Option<String>,
    valid_from: NaiveDate,
    valid_to: NaiveDate,
    /// The billing day of its refund, if that is known.
    refund_day: Option<NaiveDate>,
    /// During a scope promotion on the day.
    promoted: bool,
    quota: Fraction,
    opening: Fraction,
    used: Fraction,
    void: bool,
}

impl Grant {
    fn balance(&self) -> Fraction {
        self.quota.minus(self.used)
    }

    /// Decision 6: "A package counts on a day when valid_from <= day <= valid_to and its refund's day, if any,
    /// is later." Void grants count nowhere.
    fn is_valid_on(&self, day: NaiveDate) -> bool {
        let refunded = self.refund_day.is_some_and(|refund| refund <= day);
        self.valid_from <= day && day <= self.valid_to && !refunded && !self.void
    }

    /// The apps it is bound to; None: every app of the account.
    fn bound_apps(&self) -> Option<&[i64]> {
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
    fn serves(&self, app: i64) -> bool {
        self.serves_whole_account() || (app != 0 && self.bound_apps().is_some_and(|apps| apps.contains(&app)))
    }

    /// 3.3: "Scope: the number of apps it serves; account-wide is the widest."
    fn scope(&self) -> usize {
        match self.bound_apps() {
            Some(apps) if !self.promoted => apps.len(),
            _ => usize::MAX,
        }
    }
}

/// The free cycle that contains the day and every package that the batch knows of.
fn grants_of(scenario: &Scenario, day: NaiveDate, opening: &Opening) -> Vec<Grant> {
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

// ---------------------------------------------------------------- 3.4 deduction

struct Deducted {
    app: i64,
    place: (usize, usize),
    grant: String,
    kind: &'static str,
    minutes: i128,
    ratio: Fraction,
}

impl Deducted {
    fn row(&self, scenario: &Scenario) -> DeductionRow {
        let (item, tier) = item_and_tier(scenario, self.place);
        DeductionRow {
            app: self.app,
            item,
            tier,
            grant: self.grant.clone(),
            kind: self.kind.to_owned(),
            minutes: self.minutes,
            ratio: self.ratio.text(2),
            quota: self.ratio.times(Fraction::whole(self.minutes)).text(2),
        }
    }
}

/// 3.4: "grants in the order: free first; then narrowest scope; then soonest to expire; then earliest purchase;
/// then id."
fn order_of_grants(grants: &[Grant]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..grants.len()).collect();
    order.sort_by_key(|place| {
        let grant = &grants[*place];
        let purchased_at = grant.package.as_ref().map(|package| package.purchased_at);
        let id = grant.id.as_bytes();
        (grant.package.is_some(), grant.scope(), grant.valid_to, purchased_at, id)
    });
    order
}

/// 3.4: lines in order, for each the grants in order; with 5min "as above, but period by period through the day".
fn deduct(scenario: &Scenario, day: NaiveDate, lines: &mut [Line], grants: &mut [Grant]) -> Vec<Deducted> {
    let mut periods: Vec<u16> = lines
        .iter()
        .flat_map(|line| line.seconds_by_period.keys().copied())
        .collect();
    periods.sort_unstable();
    periods.dedup();
    let order = order_of_grants(grants);
    let mut given: Vec<Vec<Deducted>> = lines.iter().map(|_| Vec::new()).collect();
    for period in periods {
        for (line, given) in lines.iter_mut().zip(&mut given) {
            let mut remaining = line.minutes_in(period);
            for place in &order {
                remaining -= serve(scenario, day, line, remaining, &mut grants[*place], given);
            }
            line.rest += remaining;
        }
    }
    given.into_iter().flatten().collect()
}

/// What the grant covers of the line's remaining minutes.
fn serve(
    scenario: &Scenario,
    day: NaiveDate,
    line: &mut Line,
    remaining: i128,
    grant: &mut Grant,
    given: &mut Vec<Deducted>,
) -> i128 {
    // 3.4: "Only grants valid on the day, whose scope contains the line's app and whose ratio table names
    // the tier."
    if !grant.is_valid_on(day) || !grant.serves(line.app) {
        return 0;
    }
    let Some(ratio) = grant.ratios.as_ref().and_then(|table| ratio_of(scenario, table, line)) else {
        return 0;
    };
    // 3.4: "a grant covers min(remaining minutes, floor(balance / ratio)) whole minutes of the line".
    let covered = remaining.min(grant.balance().divided_by(ratio).floor());
    if covered == 0 {
        return 0;
    }
    grant.used = grant.used.plus(ratio.times(Fraction::whole(covered)));
    let kind = if grant.package.is_some() { "package" } else { "free" };
    match kind {
        "free" => line.free_minutes += covered,
        _ => line.package_minutes += covered,
    }
    match given.iter_mut().find(|earlier| earlier.grant == grant.id) {
        Some(earlier) => earlier.minutes += covered,
        None => given.push(Deducted {
            app: line.app,
            place: (line.item, line.tier),
            grant: grant.id.clone(),
            kind,
            minutes: covered,
            ratio,
        }),
    }
    covered
}

/// 3.2: "A tier that the ratio table does not name is not deductible."
fn ratio_of(scenario: &Scenario, table: &str, line: &Line) -> Option<Fraction> {
    let table = scenario
        .catalog
        .ratios
        .iter()
        .find(|known| known.id == table)
        .expect("a table of the catalog");
    let (item, tier) = item_and_tier(scenario, (line.item, line.tier));
    let name = format!("{item}.{tier}");
    table
        .minutes
        .iter()
        .find(|(named, _)| *named == name)
        .map(|(_, ratio)| Fraction::parse(ratio))
}

// ---------------------------------------------------------------- 3.5 pay-as-you-go, 3.6 price and rounding

/// 3.5: whether "the line's app is entitled".
fn is_entitled(scenario: &Scenario, day: NaiveDate, app: i64, item: &Item, grants: &[Grant]) -> bool {
    match scenario.account.payg.as_str() {
        "on" => true,
        // 3.5: "payg = off never bills."
        "off" => false,
        // 3.5: "auto and a paid package of the item's product, bound to that app or account-wide, not refunded,
        // not void, is valid that day (used up or not). For app 0 lines: any paid package of the account."
        _ => grants.iter().any(|grant| {
            let of_the_product = grant
                .plan
                .as_ref()
                .is_some_and(|plan| plan.paid && plan.product == item.product);
            let bound = grant.bound_apps().is_none_or(|apps| app == 0 || apps.contains(&app));
            of_the_product && bound && grant.is_valid_on(day)
        }),
    }
}

/// 2.7: "A price list entry replaces the earlier one of its id; what it does not name comes from its base; before
/// its first entry a list is its base." 3.6: "The price list entry in force on the billing day." The price and
/// the list that gave it.
fn price_of(scenario: &Scenario, list: &str, day: NaiveDate, name: &str) -> Option<(Fraction, String)> {
    let mut entries: Vec<_> = scenario
        .catalog
        .price_lists
        .iter()
        .filter(|entry| entry.id == list)
        .collect();
    entries.sort_by_key(|entry| entry.from);
    let in_force = entries.iter().filter(|entry| entry.from <= day).next_back();
    let base = match in_force {
        Some(entry) => {
            if let Some((_, price)) = entry.prices.iter().find(|(named, _)| named == name) {
                return Some((Fraction::parse(price), list.to_owned()));
            }
            entry.base.as_ref()
        }
        None => entries.first().expect("a price list of the catalog").base.as_ref(),
    };
    price_of(scenario, base?, day, name)
}

/// 3.5 and 3.6: what grants leave is priced or not billed.
fn price_lines(scenario: &Scenario, day: NaiveDate, lines: &[Line], grants: &[Grant]) -> Result<Vec<LineRow>, Stop> {
    let mut rows = Vec::new();
    for line in lines {
        let item = &scenario.catalog.items[line.item];
        let tier = &item.tiers[line.tier];
        let list = &scenario.account.price_list;
        let price = price_of(scenario, list, day, &format!("{}.{tier}", item.id));
        let entitled = is_entitled(scenario, day, line.app, item, grants);
        let payg_minutes = match &price {
            _ if !entitled => 0,
            Some(_) => line.rest,
            // 2.7: "with "unbilled" its minutes are unbilled".
            None if item.unpriced_is_unbilled => 0,
            // Decision 5: "A tier has to be priced only when the line would have payg minutes."
            None if line.rest == 0 => 0,
            None => {
                return Err(Stop::Unpriced {
                    account: scenario.account.id,
                    app: line.app,
                    day: day.to_string(),
                    item: item.id.clone(),
                    tier: tier.clone(),
                    price_list: list.clone(),
                    minutes: line.rest,
                });
            }
        };
        // Decision 5: "A line without a price shows unit_price 0 and price_list null".
        let (unit_price, price_list) = match price {
            Some((price, list)) => (price, Some(list)),
            None => (Fraction::ZERO, None),
        };
        // 3.6: "Line amount = quantity x unit_price / per, exact; for durations quantity = payg minutes".
        let quantity = Fraction::whole(payg_minutes);
        let amount = quantity.times(unit_price).divided_by(Fraction::whole(item.per.into()));
        rows.push(LineRow {
            app: line.app,
            item: item.id.clone(),
            tier: tier.clone(),
            seconds: line.seconds(),
            minutes: line.minutes(),
            free_minutes: line.free_minutes,
            package_minutes: line.package_minutes,
            payg_minutes,
            unbilled_minutes: line.rest - payg_minutes,
            quantity: quantity.text(6),
            unit_price: unit_price.text(6),
            price_list,
            amount: amount.text(9),
        });
    }
    Ok(rows)
}

/// 3.6: "Bill = one per (account, day, item) with daily cadence: sum of exact line amounts, rounded half-up (away
/// from zero) to 2 decimals. A bill whose sum is 0 is still written when it has lines."
fn bill_items(scenario: &Scenario, lines: &[LineRow]) -> Vec<BillRow> {
    let mut bills = Vec::new();
    for item in &scenario.catalog.items {
        let of_the_item: Vec<&LineRow> = lines.iter().filter(|line| line.item == item.id).collect();
        if !of_the_item.is_empty() {
            let amounts = of_the_item.iter().map(|line| Fraction::parse(&line.amount));
            let exact = amounts.fold(Fraction::ZERO, Fraction::plus);
            let amount = exact.rounded_half_away_from_zero(2);
            bills.push(BillRow {
                item: item.id.clone(),
                exact: exact.text(9),
                amount: amount.text(2),
            });
        }
    }
    bills
}

// ---------------------------------------------------------------- 3.9 balance, 4 grants

/// 3.9: "Balance = opening + payments - bills charged. Payments before the first settled day are not counted".
/// Decision 2: "those with paid_at before the start of that day". "paid of a batch = all payments with paid_at <=
/// its billing time minus the paid of all earlier batches".
fn balance_of(scenario: &Scenario, day: NaiveDate, opening: &Opening, bills: &[BillRow]) -> BalanceRow {
    let now = billing_time(scenario, day);
    let first = start_of(scenario.zone, scenario.first_settled_day);
    let counted = scenario
        .payments
        .iter()
        .filter(|payment| first <= payment.paid_at && payment.paid_at <= now);
    let paid_total = counted
        .map(|payment| Fraction::parse(&payment.amount))
        .fold(Fraction::ZERO, Fraction::plus);
    let paid = paid_total.minus(Fraction::parse(&opening.paid_total));
    let charged = bills
        .iter()
        .map(|bill| Fraction::parse(&bill.amount))
        .fold(Fraction::ZERO, Fraction::plus);
    let balance = Fraction::parse(&opening.balance);
    BalanceRow {
        opening: balance.text(2),
        paid: paid.text(2),
        charged: charged.text(2),
        closing: balance.plus(paid).minus(charged).text(2),
        paid_total: paid_total.text(2),
    }
}

/// 4: "the free cycle that contains the day (plan free, apps null) and packages with purchase day <= day <=
/// valid_to; dates are the queue's, not shortened by refund or removal; apps = the bound set." By id.
fn grant_rows(scenario: &Scenario, day: NaiveDate, grants: &[Grant]) -> Vec<GrantRow> {
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

/// The opening of the next night: every grant stands as this night left it, others as they stood.
pub fn carry_over(opening: &Opening, rows: &NightRows) -> Opening {
    let mut grants = opening.grants.clone();
    for row in &rows.grants {
        grants.retain(|grant| grant.id != row.grant);
        grants.push(super::scenario::OpeningGrant {
            id: row.grant.clone(),
            opening: row.opening.clone(),
            used: row.used.clone(),
            void: row.status == "void",
        });
    }
    Opening {
        balance: rows.balance.closing.clone(),
        paid_total: rows.balance.paid_total.clone(),
        grants,
    }
}
