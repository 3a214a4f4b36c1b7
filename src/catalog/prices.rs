//! `[[price_list]]` and `[[ratios]]`.

use super::book::{PriceList, PriceListEntry, PriceListId, RatioTable, TierId};
use super::items::Items;
use super::names::{Names, all, decimal};
use super::products::unique_day;
use crate::config::document::Origin;
use crate::config::fields::{Field, Fields};
use crate::units::quantity::{BillingDay, Ratio, UnitPrice};

const PRICE_LIST_KEYS: [&str; 4] = ["id", "base", "from", "prices"];
const RATIO_KEYS: [&str; 2] = ["id", "minutes"];
/// A million of the currency per `per`: with 10^12 minutes in a line the amount still has room in 28 digits.
const LARGEST_PRICE: UnitPrice = UnitPrice::from_units(1_000_000_000_000);
/// Ten thousand quota minutes per minute.
const LARGEST_RATIO: Ratio = Ratio::from_units(1_000_000);

/// A list while its entries are being gathered.
struct Draft<'a> {
    list: PriceList,
    days: Vec<(BillingDay, Origin)>,
    /// Every base of every entry, with the place that names it.
    bases: Vec<(u16, Field<'a>)>,
}

/// The price lists: entries of one id together, ascending by day.
pub(super) fn price_lists(root: &Fields<'_>, items: &Items) -> Option<Vec<PriceList>> {
    let tables = root.tables("price_list", &PRICE_LIST_KEYS);
    let mut names = Names::new("price list");
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut owners = Vec::new();
    for fields in &tables {
        let id = fields.require("id");
        let defined = id.as_ref().and_then(|id| names.define_or_find(id));
        if let (Some((_, true)), Some(id)) = (defined, id.as_ref().and_then(Field::meaning)) {
            drafts.push(Draft {
                list: PriceList {
                    id: id.to_owned(),
                    entries: Vec::new(),
                },
                days: Vec::new(),
                bases: Vec::new(),
            });
        }
        owners.push(defined.map(|(position, _)| position));
    }
    let mut complete = true;
    for (fields, owner) in tables.iter().zip(owners) {
        let draft = owner.and_then(|owner| drafts.get_mut(usize::from(owner)));
        complete &= entry(fields, draft, &names, items).is_some();
    }
    complete &= !has_circle(&drafts);
    let lists = drafts.into_iter().map(|mut draft| {
        draft.list.entries.sort_by_key(|entry| entry.from);
        draft.list
    });
    complete.then(|| lists.collect())
}

/// Reads one entry into its list, if it is known which.
fn entry<'a>(fields: &Fields<'a>, draft: Option<&mut Draft<'a>>, names: &Names, items: &Items) -> Option<()> {
    let from = fields.require("from");
    let day = from.as_ref().and_then(Field::day);
    let base = fields.get("base");
    let base_id = base.as_ref().map(|field| names.resolve(field));
    let prices = fields.or("prices", vec![None; items.tier_count()], |field| {
        by_tier(field, items, &price)
    });
    let draft = draft?;
    if let (Some(field), Some(Some(id))) = (base, base_id) {
        draft.bases.push((id, field));
    }
    unique_day(from.as_ref()?, day?, &mut draft.days, "entry of this price list");
    let base = match base_id {
        Some(id) => Some(PriceListId(id?)),
        None => None,
    };
    draft.list.entries.push(PriceListEntry {
        from: day?,
        base,
        prices: prices?,
    });
    Some(())
}

/// Notes the first circle of bases. Which entry is in force does not matter: a circle at any time is refused.
fn has_circle(drafts: &[Draft<'_>]) -> bool {
    // Lists whose bases all end well end well themselves; what is left over at the end runs in a circle.
    let mut ends_well = vec![false; drafts.len()];
    loop {
        let mut changed = false;
        for (position, draft) in drafts.iter().enumerate() {
            let well = |(base, _): &(u16, Field<'_>)| ends_well.get(usize::from(*base)) == Some(&true);
            if ends_well.get(position) == Some(&false) && draft.bases.iter().all(well) {
                ends_well[position] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let Some(mut position) = ends_well.iter().position(|well| !well) else {
        return false;
    };
    let mut way: Vec<usize> = Vec::new();
    let mut last = None;
    while !way.contains(&position) {
        way.push(position);
        let next = drafts[position]
            .bases
            .iter()
            .find(|(base, _)| ends_well.get(usize::from(*base)) == Some(&false));
        let (base, field) = next.expect("a list that does not end well has a base that does not");
        last = Some(field);
        position = usize::from(*base);
    }
    let circle = way.iter().skip_while(|step| **step != position);
    let ids: Vec<&str> = circle
        .chain([&position])
        .map(|step| drafts[*step].list.id.as_str())
        .collect();
    if let Some(field) = last {
        let (way, dots) = (ids.iter().take(8).copied().collect::<Vec<_>>(), ids.len() > 8);
        let more = if dots { " -> …" } else { "" };
        field.fail(format!("price lists run in a circle: {}{more}", way.join(" -> ")));
    }
    true
}

/// The ratio tables and their names.
pub(super) fn ratio_tables(root: &Fields<'_>, items: &Items) -> (Names, Option<Vec<RatioTable>>) {
    let mut names = Names::new("ratio table");
    let tables = root
        .tables("ratios", &RATIO_KEYS)
        .iter()
        .map(|fields| {
            let id = fields.require("id");
            let defined = id.as_ref().and_then(|id| names.define(id));
            let read = |field: &Field<'_>, tier: TierId| ratio(field, tier, items);
            let ratios = fields
                .require("minutes")
                .and_then(|field| by_tier(&field, items, &read));
            defined?;
            Some(RatioTable {
                id: id?.meaning()?.to_owned(),
                ratios: ratios?,
            })
        })
        .collect();
    (names, all(tables))
}

/// `{ "av.hd" = … }`, or the same with the key not in quotes, which TOML reads as a table in a table.
fn by_tier<T: Copy>(
    field: &Field<'_>,
    items: &Items,
    read: &dyn Fn(&Field<'_>, TierId) -> Option<T>,
) -> Option<Vec<Option<T>>> {
    let mut entries = Vec::new();
    for (key, field) in field.entries()? {
        if field.is_table() {
            let inner = field.entries().unwrap_or_default();
            entries.extend(inner.into_iter().map(|(tier, field)| (format!("{key}.{tier}"), field)));
        } else {
            entries.push((key.to_owned(), field));
        }
    }
    let mut values = vec![None; items.tier_count()];
    let mut complete = true;
    for (key, field) in entries {
        let tier = items.tier(&field, &key);
        let value = tier.and_then(|tier| read(&field, tier));
        match (tier.and_then(|tier| values.get_mut(tier.index())), value) {
            (Some(Some(_)), Some(_)) => {
                field.fail("the tier stands there twice");
                complete = false;
            }
            (Some(place), Some(value)) => *place = Some(value),
            _ => complete = false,
        }
    }
    complete.then_some(values)
}

fn price(field: &Field<'_>, _: TierId) -> Option<UnitPrice> {
    let price = decimal(field, UnitPrice::parse)?;
    if price < UnitPrice::ZERO || price > LARGEST_PRICE {
        field.fail(format!("must be from 0 to 1000000, not {price}"));
        return None;
    }
    Some(price)
}

fn ratio(field: &Field<'_>, tier: TierId, items: &Items) -> Option<Ratio> {
    if !items.is_duration(tier) {
        field.fail("only minutes are deducted: the item is not of kind \"duration\"");
        return None;
    }
    let ratio = decimal(field, Ratio::parse)?;
    if ratio <= Ratio::ZERO || ratio > LARGEST_RATIO {
        field.fail(format!("must be more than 0 and at most 10000, not {ratio}"));
        return None;
    }
    Some(ratio)
}
