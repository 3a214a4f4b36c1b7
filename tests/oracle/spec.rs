//! SPEC sections 3.1 to 3.6, the grants of section 4 and the money columns of 3.9, sentence by sentence.
//! Slow and plain on purpose; shares nothing with the crate. "Decision n" is docs/decisions.md.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::fraction::Fraction;
use super::grants::{Grant, grant_rows, grants_of};
use super::rows::{BalanceRow, BillRow, DeductionRow, LineRow, NightRows, Stop, UsageRow};
use super::scenario::{Item, Night, Opening, OpeningGrant, Scenario};
use super::zone::{billing_time_of, start_of};

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
pub fn billing_time(scenario: &Scenario, day: NaiveDate) -> i64 {
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
    let in_force = entries.iter().rfind(|entry| entry.from <= day);
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
                    day,
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

// ---------------------------------------------------------------- 3.9 balance

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

/// The opening of the next night: every grant stands as this night left it, others as they stood.
pub fn carry_over(opening: &Opening, rows: &NightRows) -> Opening {
    let mut grants = opening.grants.clone();
    for row in &rows.grants {
        grants.retain(|grant| grant.id != row.grant);
        grants.push(OpeningGrant {
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
