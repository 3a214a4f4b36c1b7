//! SPEC 3.4: what grants give to lines.

use super::fraction::Fraction;
use super::grants::Grant;
use super::metering::{Line, item_and_tier};
use super::rows::DeductionRow;
use super::scenario::Catalog;
use super::standing::Night;

struct Deducted {
    app: i64,
    place: (usize, usize),
    grant: String,
    kind: &'static str,
    minutes: i128,
    ratio: Fraction,
}

impl Deducted {
    fn row(&self, catalog: &Catalog) -> DeductionRow {
        let (item, tier) = item_and_tier(catalog, self.place);
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
pub fn deduct(night: &Night<'_>, lines: &mut [Line], grants: &mut [Grant]) -> Vec<DeductionRow> {
    let mut periods: Vec<i64> = lines
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
                remaining -= serve(night, line, remaining, &mut grants[*place], given);
            }
            line.rest += remaining;
        }
    }
    let catalog = &night.setting.catalog;
    let mut rows: Vec<DeductionRow> = given.iter().flatten().map(|deducted| deducted.row(catalog)).collect();
    rows.sort_by(|a, b| (a.app, &a.item, &a.tier, &a.grant).cmp(&(b.app, &b.item, &b.tier, &b.grant)));
    rows
}

/// What the grant covers of the line's remaining minutes.
fn serve(night: &Night<'_>, line: &mut Line, remaining: i128, grant: &mut Grant, given: &mut Vec<Deducted>) -> i128 {
    // 3.4: "Only grants valid on the day, whose scope contains the line's app and whose ratio table names
    // the tier."
    if !grant.is_valid_on(night.day) || !grant.serves(line.app) {
        return 0;
    }
    let table = grant.ratios.as_ref();
    let Some(ratio) = table.and_then(|table| ratio_of(&night.setting.catalog, table, line)) else {
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
fn ratio_of(catalog: &Catalog, table: &str, line: &Line) -> Option<Fraction> {
    let mut tables = catalog.ratios.iter();
    let table = tables.find(|known| known.id == table).expect("a table of the catalog");
    let (item, tier) = item_and_tier(catalog, (line.item, line.tier));
    let name = format!("{item}.{tier}");
    table
        .minutes
        .iter()
        .find(|(named, _)| *named == name)
        .map(|(_, ratio)| Fraction::parse(ratio))
}
