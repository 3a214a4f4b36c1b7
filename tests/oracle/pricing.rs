//! SPEC 3.5 and 3.6: what grants leave is priced or not billed, and lines become bills.

use chrono::NaiveDate;

use super::fraction::Fraction;
use super::grants::Grant;
use super::metering::Line;
use super::rows::{BillRow, LineRow, Unpriced};
use super::scenario::Setting;
use super::standing::Night;

/// 3.5: whether "the line's app is entitled" on a day.
pub fn is_entitled(night: &Night<'_>, day: NaiveDate, app: i64, product: &str, grants: &[Grant]) -> bool {
    match night.life.account.payg.as_str() {
        "on" => true,
        // 3.5: "payg = off never bills."
        "off" => false,
        // 3.5: "auto and a paid package of the item's product, bound to that app or account-wide, not refunded,
        // not void, is valid that day (used up or not). For app 0 lines: any paid package of the account."
        _ => grants.iter().any(|grant| {
            let of_the_product = grant
                .plan
                .as_ref()
                .is_some_and(|plan| plan.paid && plan.product == product);
            of_the_product && (app == 0 || grant.is_bound_to(app)) && grant.is_valid_on(day)
        }),
    }
}

/// 2.7: "A price list entry replaces the earlier one of its id; what it does not name comes from its base; before
/// its first entry a list is its base." 3.6: "The price list entry in force on the billing day." The price and
/// the list that gave it.
pub fn price_of(setting: &Setting, list: &str, day: NaiveDate, name: &str) -> Option<(Fraction, String)> {
    let mut entries: Vec<_> = setting
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
    price_of(setting, base?, day, name)
}

/// 3.6: "Line amount = quantity x unit_price / per, exact".
pub fn amount_of(quantity: Fraction, unit_price: Fraction, per: i64) -> Fraction {
    quantity.times(unit_price).divided_by(Fraction::whole(per.into()))
}

/// 3.5 and 3.6, in the order of deduction.
pub fn price_lines(night: &Night<'_>, lines: &[Line], grants: &[Grant]) -> Result<Vec<LineRow>, Unpriced> {
    lines.iter().map(|line| price_line(night, line, grants)).collect()
}

fn price_line(night: &Night<'_>, line: &Line, grants: &[Grant]) -> Result<LineRow, Unpriced> {
    let (day, account) = (night.day, &night.life.account);
    let item = &night.setting.catalog.items[line.item];
    let tier = &item.tiers[line.tier];
    let price = price_of(night.setting, &account.price_list, day, &format!("{}.{tier}", item.id));
    let payg_minutes = match &price {
        _ if !is_entitled(night, day, line.app, &item.product, grants) => 0,
        Some(_) => line.rest,
        // 2.7: "with "unbilled" its minutes are unbilled".
        None if item.unpriced_is_unbilled => 0,
        // Decision 5: "A tier has to be priced only when the line would have payg minutes."
        None if line.rest == 0 => 0,
        None => {
            return Err(Unpriced {
                account: account.id,
                app: line.app,
                day,
                item: item.id.clone(),
                tier: tier.clone(),
                price_list: account.price_list.clone(),
                quantity: line.rest.to_string(),
            });
        }
    };
    // Decision 5: "A line without a price shows unit_price 0 and price_list null".
    let (unit_price, price_list) = match price {
        Some((price, list)) => (price, Some(list)),
        None => (Fraction::ZERO, None),
    };
    // 3.6: "for durations quantity = payg minutes".
    let quantity = Fraction::whole(payg_minutes);
    Ok(LineRow {
        period_start: day,
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
        unit: "minute",
        unit_price: unit_price.text(6),
        per: item.per,
        price_list,
        amount: amount_of(quantity, unit_price, item.per).text(9),
    })
}

/// A line of something that is not metered in minutes.
pub fn plain_line(night: &Night<'_>, item: &str, tier: &str, app: i64, unit: &'static str) -> LineRow {
    LineRow {
        period_start: night.day,
        app,
        item: item.to_owned(),
        tier: tier.to_owned(),
        // 3.7: "seconds and minutes 0".
        seconds: 0,
        minutes: 0,
        free_minutes: 0,
        package_minutes: 0,
        payg_minutes: 0,
        unbilled_minutes: 0,
        quantity: Fraction::ZERO.text(6),
        unit,
        unit_price: Fraction::ZERO.text(6),
        per: 1,
        price_list: None,
        amount: Fraction::ZERO.text(9),
    }
}

/// 3.6: "Bill = one per (account, day, item) with daily cadence: sum of exact line amounts, rounded half-up (away
/// from zero) to 2 decimals. A bill whose sum is 0 is still written when it has lines." Sorted as the table is.
pub fn bills_of(night: &Night<'_>, lines: &[LineRow]) -> Vec<BillRow> {
    let mut bills: Vec<BillRow> = Vec::new();
    for line in lines {
        if bills.iter().any(|bill| bill.item == line.item) {
            continue;
        }
        let of_the_item = lines.iter().filter(|other| other.item == line.item);
        let amounts = of_the_item.map(|line| Fraction::parse(&line.amount));
        let exact = amounts.fold(Fraction::ZERO, Fraction::plus);
        let mut items = night.setting.catalog.items.iter();
        let is_monthly = items.any(|item| item.id == line.item && !item.is_daily);
        bills.push(BillRow {
            period_start: line.period_start,
            period_end: night.day,
            item: line.item.clone(),
            cadence: if is_monthly { "monthly" } else { "daily" },
            exact: exact.text(9),
            amount: exact.rounded_half_away_from_zero(2).text(2),
        });
    }
    bills.sort_by(|a, b| (a.period_start, &a.item).cmp(&(b.period_start, &b.item)));
    bills
}
